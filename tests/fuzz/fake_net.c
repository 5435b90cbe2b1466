/* fake_net.c - net.h, stream.h, http.h and chan.h in memory. */
#include "fuzz/fake_net.h"

#include "base/buf.h"
#include "os/digest.h"
#include "os/stdmem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct net {
	int64_t now;
};

struct net_timer {
	struct net_timer *next;
	int64_t at; /* INT64_MAX: has fired */
	net_fn *fn;
	void *ctx;
};

struct stream {
	stream_fn *fn;
	void *ctx;
	size_t block, max_line;
	enum stream_why why;
	bool secure, starts, wrote, ended, closed;
};

static struct net net;
static struct net_timer *timers;
static struct stream *stream; /* one at a time: no parser opens two */
static bool inside;	      /* the stream's owner is being called */
static struct fake_request *asked;

struct net *
fake_net(void)
{
	net.now = 1000000;
	return &net;
}

void
fake_net_end(void)
{
	if (timers != NULL || stream != NULL || asked != NULL)
		abort();
}

int64_t
net_now_ms(const struct net *n)
{
	return n->now;
}

int64_t
net_wall_ms(const struct net *n)
{
	return INT64_C(1336996800000) + n->now;
}

const char *
net_ca_file(const struct net *n)
{
	(void)n;
	return NULL;
}

/* Random bytes that are always the same, so that a run can be repeated. */
void
digest_random(void *p, size_t n)
{
	memset(p, 0x5a, n);
}

/* Names of servers come from playbooks, and are right here. */
bool
net_split(const char *hostport, int def_port, char *host, size_t n, int *ret_port)
{
	*ret_port = def_port;
	return snprintf(host, n, "%s", hostport) < (int)n;
}

/* --- timers --- */

struct net_timer *
net_timer_start(struct net *n, int64_t ms, net_fn *fn, void *ctx)
{
	struct net_timer *t = stdmem_get(sizeof *t), **end = &timers;

	*t = (struct net_timer){ .at = n->now + (ms > 0 ? ms : 0), .fn = fn, .ctx = ctx };
	while (*end != NULL)
		end = &(*end)->next;
	*end = t;
	return t;
}

struct net_timer *
net_later(struct net *n, net_fn *fn, void *ctx)
{
	return net_timer_start(n, 0, fn, ctx);
}

void
net_timer_stop(struct net_timer **pt)
{
	struct net_timer **at = &timers;

	if (*pt == NULL)
		return;
	while (*at != *pt)
		at = &(*at)->next;
	*at = (*pt)->next;
	free(*pt);
	*pt = NULL;
}

static bool
fire(int64_t until)
{
	struct net_timer *due = NULL;

	for (struct net_timer *t = timers; t != NULL; t = t->next)
		if (t->at <= until && t->at < INT64_MAX && (due == NULL || t->at < due->at))
			due = t;
	if (due == NULL)
		return false;
	if (due->at > net.now)
		net.now = due->at;
	due->at = INT64_MAX;
	due->fn(due->ctx);
	return true;
}

void
fake_turn(void)
{
	while (fire(net.now))
		continue;
}

bool
fake_pass(void)
{
	bool any = fire(INT64_MAX - 1);

	fake_turn();
	return any;
}

void
fake_pass_all(void)
{
	while (fake_pass())
		continue;
}

/* --- streams --- */

struct stream *
stream_open(struct net *n, const struct stream_opts *o, stream_fn *fn, void *ctx)
{
	(void)n;
	if (stream != NULL)
		abort();
	stream = stdmem_get(sizeof *stream);
	*stream = (struct stream){ .fn = fn,
		.ctx = ctx,
		.secure = o->tls,
		.max_line = o->max_line > 0 ? o->max_line : 65536 };
	return stream;
}

void
stream_close(struct stream **ps)
{
	struct stream *s = *ps;

	if (s == NULL)
		return;
	*ps = NULL;
	s->closed = true;
	if (!inside) {
		free(s);
		stream = NULL;
	}
}

static void
tell(enum stream_event ev, const char *p, size_t n)
{
	char *copy = stdmem_get(n + 1); /* exactly as long as it is told */

	if (n > 0)
		memcpy(copy, p, n);
	inside = true;
	stream->fn(stream->ctx, ev, copy, n);
	inside = false;
	free(copy);
	if (stream->closed) {
		free(stream);
		stream = NULL;
	}
}

static void
end(enum stream_why why, const char *text)
{
	if (stream == NULL || stream->ended)
		return;
	stream->ended = true;
	stream->why = why;
	tell(STREAM_ENDED, text, strlen(text));
}

/* The next line or block; false when what is left is not a whole one. */
static bool
piece(const char **at, const char *past)
{
	const char *p = *at, *lf;
	size_t left = (size_t)(past - p), n = stream->block;

	if (n > 0) {
		if (left < n)
			return false;
		stream->block = 0;
		*at = p + n;
		tell(STREAM_BLOCK, p, n);
		return true;
	}
	lf = left > 0 ? memchr(p, '\n', left) : NULL;
	if (lf == NULL)
		return false;
	*at = lf + 1;
	n = (size_t)(lf - p) - (lf > p && lf[-1] == '\r');
	if (n == 1 && *p == '~')
		(void)fake_pass();
	else if (n > stream->max_line)
		end(STREAM_WHY_IO, "a line is too long");
	else
		tell(STREAM_LINE, p, n);
	return true;
}

void
fake_peer(const char *p, size_t n)
{
	const char *past = p + n;

	fake_turn();
	if (stream == NULL)
		return;
	tell(STREAM_CONNECTED, "192.0.2.25", 10);
	fake_turn();
	while (stream != NULL && !stream->ended && piece(&p, past)) {
		fake_turn();
		if (stream == NULL || !stream->starts)
			continue;
		stream->starts = false;
		stream->secure = true;
		tell(STREAM_SECURE, "192.0.2.25", 10);
	}
	end(STREAM_WHY_CLOSED, "192.0.2.25 closed the connection");
	fake_turn();
}

void
stream_write(struct stream *s, const void *p, size_t n)
{
	(void)p;
	s->wrote = s->wrote || n > 0;
}

void
stream_fmt(struct stream *s, const char *fmt, ...)
{
	struct buf b;
	va_list ap;

	buf_init(&b, &stdmem, 65536);
	va_start(ap, fmt);
	buf_vfmt(&b, fmt, ap);
	va_end(ap);
	/* One command is one line: whatever the server said before has not slipped into it. */
	if (!buf_failed(&b) && strchr(buf_text(&b), '\n') != buf_text(&b) + b.len - 1)
		abort();
	stream_write(s, buf_text(&b), b.len);
	buf_fini(&b);
}

void
stream_starttls(struct stream *s)
{
	s->starts = !s->secure;
}

void
stream_block(struct stream *s, size_t n)
{
	s->block = n;
}

bool
stream_secure(const struct stream *s)
{
	return s->secure;
}

bool
stream_wrote(const struct stream *s)
{
	return s->wrote;
}

const char *
stream_local(const struct stream *s)
{
	(void)s;
	return "198.51.100.25";
}

const char *
stream_peer(const struct stream *s)
{
	(void)s;
	return "192.0.2.25";
}

enum stream_why
stream_why(const struct stream *s)
{
	return s->why;
}

/* --- requests --- */

static struct fake_request *
ask(struct fake_request r)
{
	if (asked != NULL)
		abort(); /* one at a time */
	asked = stdmem_get(sizeof *asked);
	*asked = r;
	return asked;
}

bool
fake_asked(struct fake_request *ret)
{
	if (asked == NULL)
		return false;
	*ret = *asked;
	free(asked);
	asked = NULL;
	return true;
}

struct http_job *
http_start(struct net *n, const struct http_request *rq, http_fn *fn, void *ctx)
{
	(void)n;
	(void)rq;
	return (struct http_job *)ask((struct fake_request){ .http = fn, .ctx = ctx });
}

struct chan_job *
chan_ask(struct net *n, const char *server, bool tcp, const unsigned char *wire, size_t wire_n,
	chan_fn *fn, void *ctx)
{
	struct fake_request r = { .chan = fn, .ctx = ctx };

	(void)n;
	(void)server;
	(void)tcp;
	if (wire_n >= sizeof r.id)
		memcpy(r.id, wire, sizeof r.id);
	return (struct chan_job *)ask(r);
}

static bool
forget(void *job)
{
	struct fake_request r;

	return job != NULL && fake_asked(&r);
}

bool
http_cancel(struct http_job **job)
{
	bool was = forget(*job);

	*job = NULL;
	return was;
}

void
chan_cancel(struct chan_job **job)
{
	(void)forget(*job);
	*job = NULL;
}
