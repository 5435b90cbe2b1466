/*
 * stream.c - one TCP connection in the loop. Addresses of a name are tried one after the other,
 * each with a share of the time that is left. The body outlives stream_close until libuv has let go
 * of its handles.
 */
#include "base/buf.h"
#include "net/stream.h"
#include "net/tls.h"
#include "os/stdmem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	STREAM_LINE_MAX = 64 * 1024,
	STREAM_TOTAL_MAX = 16 * 1024 * 1024,
	STREAM_TRY_LEAST_MS =
		1000 /* a connect attempt is not given up sooner, unless the deadline is */
};

struct stream {
	struct net *net;
	uv_tcp_t *tcp;		  /* heap: closed and freed apart, one for each address tried */
	uv_connect_t *connecting; /* freed by its callback */
	struct net_name *name;
	struct net_timer *deadline, *attempt, *late;
	stream_fn *fn;
	void *ctx;
	char *host, *ca_pem;
	int port;
	bool tls_at_once;
	int64_t until_ms;
	size_t max_line, max_total, taken;
	char addr[NET_ADDRS][NET_ADDR_TEXT];
	size_t addr_n, addr_i;
	struct tls *tls;
	bool secure, wrote, ended, closed;
	unsigned busy; /* depth of callbacks inside which the body must stay */
	struct buf in; /* clear octets not yet told */
	size_t block;  /* octets of a block still wanted */
	enum stream_why why;
	char text[512];
	char local[NET_ADDR_TEXT];
};

struct out {
	uv_write_t req;
	size_t n;
	char data[];
};

/* --- the end --- */

static void
body_free(struct stream *s)
{
	tls_free(&s->tls);
	buf_fini(&s->in);
	free(s->host);
	free(s->ca_pem);
	free(s);
}

static void
tcp_closed(uv_handle_t *h)
{
	free(h);
}

static void
tcp_drop(struct stream *s)
{
	if (s->tcp == NULL)
		return;
	s->tcp->data = NULL; /* callbacks that still come see nobody */
	uv_close((uv_handle_t *)s->tcp, tcp_closed);
	s->tcp = NULL;
	s->connecting = NULL;
}

static void
let_go(struct stream *s)
{
	net_resolve_cancel(&s->name);
	net_timer_stop(&s->deadline);
	net_timer_stop(&s->attempt);
	net_timer_stop(&s->late);
	tcp_drop(s);
}

void
stream_close(struct stream **ps)
{
	struct stream *s = *ps;

	if (s == NULL)
		return;
	*ps = NULL;
	s->closed = true;
	let_go(s);
	if (s->busy == 0)
		body_free(s);
}

/* Every callback of libuv or net begins and ends with these, so that stream_close may be called
 * anywhere. */
static void
enter(struct stream *s)
{
	s->busy++;
}

static void
leave(struct stream *s)
{
	if (--s->busy == 0 && s->closed)
		body_free(s);
}

static bool
gone(const struct stream *s)
{
	return s->closed || s->ended;
}

static void
tell_end(void *ctx)
{
	struct stream *s = ctx;

	enter(s);
	net_timer_stop(&s->late);
	s->fn(s->ctx, STREAM_ENDED, s->text, strlen(s->text));
	leave(s);
}

/* The end is told in a turn of its own, so that it may be noticed anywhere. */
static void __attribute__((format(printf, 3, 4)))
end(struct stream *s, enum stream_why why, const char *fmt, ...)
{
	va_list ap;

	if (gone(s))
		return;
	s->ended = true;
	s->why = why;
	va_start(ap, fmt);
	(void)vsnprintf(s->text, sizeof s->text, fmt, ap);
	va_end(ap);
	let_go(s);
	s->late = net_later(s->net, tell_end, s);
}

/* --- octets out --- */

static void
wire_sent(uv_write_t *req, int status)
{
	struct stream *s = req->handle->data;

	if (s != NULL && status < 0)
		end(s, STREAM_WHY_IO, "%s port %d: %s", s->host, s->port, uv_strerror(status));
	free(req->data);
}

static void
wire_write(struct stream *s, const void *p, size_t n)
{
	struct out *o;
	uv_buf_t b;
	int rc;

	if (n == 0 || gone(s) || s->tcp == NULL)
		return;
	o = stdmem_get(sizeof *o + n);
	o->n = n;
	memcpy(o->data, p, n);
	o->req.data = o;
	b = uv_buf_init(o->data, (unsigned)n);
	rc = uv_write(&o->req, (uv_stream_t *)s->tcp, &b, 1, wire_sent);
	if (rc < 0) {
		free(o);
		end(s, STREAM_WHY_IO, "%s port %d: %s", s->host, s->port, uv_strerror(rc));
	}
}

void
stream_write(struct stream *s, const void *p, size_t n)
{
	struct err err = { 0 };
	struct buf wire;

	if (gone(s) || n == 0)
		return;
	s->wrote = true;
	if (s->tls == NULL) {
		wire_write(s, p, n);
		return;
	}
	buf_init(&wire, &stdmem, 2 * n + 65536);
	if (tls_write(s->tls, p, n, &wire, &err) != RC_OK)
		end(s, STREAM_WHY_TLS, "%s", err.text);
	else
		wire_write(s, buf_text(&wire), wire.len);
	buf_fini(&wire);
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
	if (buf_failed(&b))
		end(s, STREAM_WHY_IO, "a line for %s is too long", s->host);
	else
		stream_write(s, buf_text(&b), b.len);
	explicit_bzero(b.data, b.len); /* it may have held a password */
	buf_fini(&b);
}

/* --- octets in --- */

static void
cut(struct stream *s, size_t n)
{
	if (n == 0)
		return;
	memmove(s->in.data, s->in.data + n, s->in.len - n + 1);
	s->in.len -= n;
}

/* The next line or block, if it is whole: its length, and how many octets of the buffer it takes.
 */
static bool
next_piece(const struct stream *s, size_t at, size_t *ret_len, size_t *ret_takes)
{
	const char *p = s->in.data + at, *lf;
	size_t n = s->in.len - at;

	if (s->block > 0) {
		*ret_len = *ret_takes = s->block;
		return n >= s->block;
	}
	lf = n > 0 ? memchr(p, '\n', n) : NULL;
	if (lf == NULL)
		return false;
	*ret_takes = (size_t)(lf - p) + 1;
	*ret_len = lf > p && lf[-1] == '\r' ? *ret_takes - 2 : *ret_takes - 1;
	return true;
}

static void take_wire(struct stream *s, const void *p, size_t n);

static void
tell_lines(struct stream *s)
{
	size_t at = 0, len, takes;
	bool starts_tls = false;

	while (!gone(s) && !starts_tls && next_piece(s, at, &len, &takes)) {
		enum stream_event ev = s->block > 0 ? STREAM_BLOCK : STREAM_LINE;
		bool was_clear = s->tls == NULL;
		char *p = s->in.data + at,
		     saved = p[len]; /* the buffer keeps a NUL behind its last octet */

		p[len] = '\0';
		s->block = 0;
		s->fn(s->ctx, ev, p, len);
		p[len] = saved;
		at += takes;
		starts_tls = was_clear && s->tls != NULL;
	}
	cut(s, at);
	if (gone(s))
		return;
	if (starts_tls && s->in.len > 0)
		end(s, STREAM_WHY_TLS, "%s port %d sends clear text after the go-ahead for TLS",
			s->host, s->port);
	else if (starts_tls)
		take_wire(s, NULL, 0);
	else if (s->block == 0 && s->in.len > s->max_line)
		end(s, STREAM_WHY_IO, "%s port %d sends a line of more than %zu octets", s->host,
			s->port, s->max_line);
}

static void
tell_established(struct stream *s)
{
	enum stream_event ev = s->tls != NULL && !s->tls_at_once ? STREAM_SECURE : STREAM_CONNECTED;

	if (!gone(s))
		s->fn(s->ctx, ev, s->addr[s->addr_i], strlen(s->addr[s->addr_i]));
}

/* Octets of TLS from the peer (none: begin). Clear text goes to s->in. */
static void
take_wire(struct stream *s, const void *p, size_t n)
{
	struct err err = { 0 };
	struct buf wire;
	enum tls_state st;
	bool was = s->secure;

	buf_init(&wire, &stdmem, 1024 * 1024);
	st = tls_feed(s->tls, p, n, &s->in, &wire, &err);
	wire_write(s, buf_text(&wire), wire.len);
	buf_fini(&wire);
	if (st == TLS_READY || st == TLS_ENDED)
		s->secure = true;
	if (s->secure && !was)
		tell_established(s);
	if (s->in.len > 0)
		tell_lines(s);
	if (st == TLS_FAILED)
		end(s, STREAM_WHY_TLS, "%s", err.text);
	else if (st == TLS_ENDED)
		end(s, STREAM_WHY_CLOSED, "%s port %d closed the connection", s->host, s->port);
}

static void
room(uv_handle_t *h, size_t want, uv_buf_t *b)
{
	(void)h;
	(void)want;
	*b = uv_buf_init(stdmem_get(16384), 16384);
}

static void
wire_read(uv_stream_t *h, ssize_t n, const uv_buf_t *b)
{
	struct stream *s = h->data;

	if (s == NULL || n == 0) {
		free(b->base);
		return;
	}
	enter(s);
	if (n > 0) {
		s->taken += (size_t)n;
		if (s->taken > s->max_total) {
			end(s, STREAM_WHY_IO, "%s port %d sends more than %zu octets", s->host,
				s->port, s->max_total);
		} else if (s->tls != NULL) {
			take_wire(s, b->base, (size_t)n);
		} else {
			buf_add(&s->in, b->base, (size_t)n);
			tell_lines(s);
		}
	} else if (n == UV_EOF) {
		end(s, s->tls != NULL && !s->secure ? STREAM_WHY_TLS : STREAM_WHY_CLOSED,
			"%s port %d closed the connection", s->host, s->port);
	} else {
		end(s, STREAM_WHY_IO, "%s port %d: %s", s->host, s->port, uv_strerror((int)n));
	}
	free(b->base);
	leave(s);
}

static bool
tls_begin(struct stream *s)
{
	const struct tls_opts o = {
		.name = s->host, .ca_pem = s->ca_pem, .ca_file = net_ca_file(s->net)
	};
	struct err err = { 0 };

	if (tls_new(&s->tls, &o, &err) == RC_OK)
		return true;
	end(s, STREAM_WHY_TLS, "%s", err.text);
	return false;
}

/* Called while a line is told: the handshake begins when that line is out of the buffer
 * (tell_lines). */
void
stream_starttls(struct stream *s)
{
	if (!gone(s) && s->tls == NULL)
		(void)tls_begin(s);
}

/* --- connecting --- */

static void attempt(struct stream *s);

static void
next_address(struct stream *s, const char *why)
{
	net_timer_stop(&s->attempt);
	tcp_drop(s);
	if (s->addr_i + 1 < s->addr_n) {
		s->addr_i++;
		attempt(s);
		return;
	}
	end(s, STREAM_WHY_CONNECT, "%s port %d (%s): %s", s->host, s->port, s->addr[s->addr_i],
		why);
}

static void
learn_local(struct stream *s)
{
	struct sockaddr_storage sa;
	int n = sizeof sa;

	if (uv_tcp_getsockname(s->tcp, (struct sockaddr *)&sa, &n) != 0)
		return;
	if (sa.ss_family == AF_INET)
		(void)uv_ip4_name((const struct sockaddr_in *)&sa, s->local, sizeof s->local);
	else
		(void)uv_ip6_name((const struct sockaddr_in6 *)&sa, s->local, sizeof s->local);
}

static void
connected(uv_connect_t *req, int status)
{
	struct stream *s = req->handle->data;

	free(req);
	if (s == NULL)
		return;
	enter(s);
	s->connecting = NULL;
	if (status < 0) {
		next_address(s, uv_strerror(status));
	} else {
		net_timer_stop(&s->attempt);
		(void)uv_tcp_nodelay(s->tcp, 1);
		learn_local(s);
		(void)uv_read_start((uv_stream_t *)s->tcp, room, wire_read);
		if (!s->tls_at_once)
			tell_established(s);
		else if (tls_begin(s))
			take_wire(s, NULL, 0);
	}
	leave(s);
}

static void
attempt_late(void *ctx)
{
	struct stream *s = ctx;

	enter(s);
	next_address(s, "no answer to the connection request");
	leave(s);
}

static void
attempt(struct stream *s)
{
	struct sockaddr_storage sa;
	int64_t left = s->until_ms - net_now_ms(s->net),
		share = left / (int64_t)(s->addr_n - s->addr_i);
	int rc = uv_ip4_addr(s->addr[s->addr_i], s->port, (struct sockaddr_in *)&sa);

	if (rc != 0)
		rc = uv_ip6_addr(s->addr[s->addr_i], s->port, (struct sockaddr_in6 *)&sa);
	s->tcp = stdmem_get(sizeof *s->tcp);
	(void)uv_tcp_init(net_loop(s->net), s->tcp);
	s->tcp->data = s;
	s->connecting = stdmem_get(sizeof *s->connecting);
	if (rc == 0)
		rc = uv_tcp_connect(s->connecting, s->tcp, (const struct sockaddr *)&sa, connected);
	if (rc != 0) {
		free(s->connecting);
		s->connecting = NULL;
		next_address(s, uv_strerror(rc));
		return;
	}
	/* The last address has all the time that is left. */
	if (s->addr_i + 1 < s->addr_n)
		s->attempt = net_timer_start(s->net,
			share > STREAM_TRY_LEAST_MS ? share : STREAM_TRY_LEAST_MS, attempt_late, s);
}

static void
resolved(void *ctx, const char *const *addr, size_t n, const char *why)
{
	struct stream *s = ctx;

	enter(s);
	s->name = NULL;
	if (n == 0) {
		end(s, STREAM_WHY_NAME, "%s", why);
	} else {
		for (size_t i = 0; i < n; i++)
			(void)snprintf(s->addr[i], sizeof s->addr[i], "%s", addr[i]);
		s->addr_n = n;
		attempt(s);
	}
	leave(s);
}

static void
late(void *ctx)
{
	struct stream *s = ctx;

	enter(s);
	end(s, STREAM_WHY_DEADLINE, "%s port %d: no end within the time", s->host, s->port);
	leave(s);
}

struct stream *
stream_open(struct net *net, const struct stream_opts *opts, stream_fn *fn, void *ctx)
{
	struct stream *s = stdmem_get(sizeof *s);

	s->net = net;
	s->fn = fn;
	s->ctx = ctx;
	s->host = stdmem_str(opts->host);
	s->ca_pem = opts->ca_pem != NULL ? stdmem_str(opts->ca_pem) : NULL;
	s->port = opts->port;
	s->tls_at_once = opts->tls;
	s->until_ms = net_now_ms(net) + opts->deadline_ms;
	s->max_line = opts->max_line > 0 ? opts->max_line : STREAM_LINE_MAX;
	s->max_total = opts->max_total > 0 ? opts->max_total : STREAM_TOTAL_MAX;
	buf_init(&s->in, &stdmem, s->max_total + 65536);
	s->deadline = net_timer_start(net, opts->deadline_ms, late, s);
	s->name = net_resolve(net, opts->host, opts->deadline_ms, resolved, s);
	return s;
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
	return s->local;
}

const char *
stream_peer(const struct stream *s)
{
	return s->addr_n > 0 ? s->addr[s->addr_i] : "";
}

enum stream_why
stream_why(const struct stream *s)
{
	return s->why;
}
