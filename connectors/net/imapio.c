/*
 * imapio.c - a small IMAP client with one purpose: find what carries our token. Commands go out one
 * at a time, each waits for its tagged answer. Servers disagree on much; what is used here is in
 * every one of them.
 */
#include "base/buf.h"
#include "base/text.h"
#include "net/imapio.h"
#include "net/stream.h"
#include "os/stdmem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IMAPIO_LITERAL_MAX = 256 * 1024, IMAPIO_TOTAL_MAX = 16 * 1024 * 1024, IMAPIO_BYE_MS = 1000 };

enum imapio_stage {
	AT_CONNECT,
	AT_GREETING,
	AT_CAPABILITY,
	AT_LOGIN,
	AT_SELECT,
	AT_SEARCH,
	AT_FETCH,
	AT_STORE,
	AT_EXPUNGE,
	AT_LOGOUT
};

struct imapio {
	struct net *net;
	struct stream *stream;
	struct net_timer *pause, *deadline;
	imapio_fn *fn;
	void *ctx;
	char *host, *header, *token;
	struct secret *auth;
	char *folder[2];
	bool headers_only, remove;
	int64_t poll_ms, began_ms;
	enum imapio_stage stage;
	unsigned tag;
	bool asked; /* a command waits for its tagged answer */
	bool uidplus, looked, literal, done;
	char uids[256]; /* "5,9" */
	char *text[IMAPIO_MESSAGES];
	struct imapio_result r;
	char why[768];
};

static const char *const stages[] = { "connecting", "greeting", "CAPABILITY", "LOGIN", "SELECT",
	"SEARCH", "FETCH", "STORE", "EXPUNGE", "LOGOUT" };

void
imapio_cancel(struct imapio **pi)
{
	struct imapio *i = *pi;

	if (i == NULL)
		return;
	*pi = NULL;
	stream_close(&i->stream);
	net_timer_stop(&i->pause);
	net_timer_stop(&i->deadline);
	secret_free(&i->auth);
	free(i->host);
	free(i->header);
	free(i->token);
	free(i->folder[0]);
	free(i->folder[1]);
	for (size_t k = 0; k < IMAPIO_MESSAGES; k++)
		free(i->text[k]);
	free(i);
}

static void
tell(void *ctx)
{
	struct imapio *i = ctx;
	struct imapio_result r = i->r;
	char *text[IMAPIO_MESSAGES], why[sizeof i->why];
	imapio_fn *fn = i->fn;
	void *arg = i->ctx;

	memcpy(text, i->text, sizeof text);
	memcpy(why, i->why, sizeof why);
	memset(i->text, 0, sizeof i->text);
	imapio_cancel(&i);
	r.why = why;
	fn(arg, &r);
	for (size_t k = 0; k < IMAPIO_MESSAGES; k++)
		free(text[k]);
}

static void command(struct imapio *i, enum imapio_stage stage, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The answer is known. With a session that still answers, say LOGOUT; else tell in the next turn.
 */
static void __attribute__((format(printf, 4, 5)))
finish(struct imapio *i, enum imapio_end end, bool polite, const char *fmt, ...)
{
	va_list ap;

	if (i->done)
		return;
	i->done = true;
	i->r.end = end;
	va_start(ap, fmt);
	(void)vsnprintf(i->why, sizeof i->why, fmt, ap);
	va_end(ap);
	net_timer_stop(&i->pause);
	net_timer_stop(&i->deadline);
	if (polite && i->stream != NULL) {
		command(i, AT_LOGOUT, "LOGOUT");
		i->pause = net_timer_start(i->net, IMAPIO_BYE_MS, tell, i);
		return;
	}
	stream_close(&i->stream);
	i->pause = net_later(i->net, tell, i);
}

static void
command(struct imapio *i, enum imapio_stage stage, const char *fmt, ...)
{
	struct buf b;
	va_list ap;

	buf_init(&b, &stdmem, 8192);
	va_start(ap, fmt);
	buf_vfmt(&b, fmt, ap);
	va_end(ap);
	i->stage = stage;
	i->asked = true;
	stream_fmt(i->stream, "f%u %s\r\n", ++i->tag, buf_text(&b));
	if (b.data != NULL)
		explicit_bzero(b.data, b.len);
	buf_fini(&b);
}

/* A quoted string (RFC 9051 4.3): printable ASCII, quote and backslash escaped. False if it can not
 * be one. */
static bool
quoted(struct buf *b, const char *s, size_t n)
{
	buf_char(b, '"');
	for (size_t k = 0; k < n; k++) {
		if ((unsigned char)s[k] < ' ' || (unsigned char)s[k] >= 0x7f)
			return false;
		if (s[k] == '"' || s[k] == '\\')
			buf_char(b, '\\');
		buf_char(b, s[k]);
	}
	buf_char(b, '"');
	return true;
}

static void
log_in(struct imapio *i)
{
	const char *auth = secret_reveal(i->auth), *colon = strchr(auth, ':');
	struct buf b;
	bool ok;

	buf_init(&b, &stdmem, 4096);
	ok = colon != NULL && quoted(&b, auth, (size_t)(colon - auth));
	buf_char(&b, ' ');
	ok = ok && quoted(&b, colon + 1, strlen(colon + 1)) && !buf_failed(&b);
	if (ok)
		command(i, AT_LOGIN, "LOGIN %s", buf_text(&b));
	else
		finish(i, IMAPIO_REFUSED, true,
			"the credential for %s is not \"user:password\" in printable ASCII",
			i->host);
	if (b.data != NULL)
		explicit_bzero(b.data, b.len);
	buf_fini(&b);
}

static void
select_folder(struct imapio *i, int which)
{
	struct buf b;

	i->r.folder = which;
	buf_init(&b, &stdmem, 4096);
	if (quoted(&b, i->folder[which], strlen(i->folder[which])))
		command(i, AT_SELECT, "%s %s", i->remove ? "SELECT" : "EXAMINE", buf_text(&b));
	else
		finish(i, IMAPIO_REFUSED, true, "folder name \"%s\" is not printable ASCII",
			i->folder[which]);
	buf_fini(&b);
}

static void
look_again(void *ctx)
{
	struct imapio *i = ctx;

	net_timer_stop(&i->pause);
	select_folder(i, 0);
}

/* Nothing in this folder: the next one, or a pause and all again. */
static void
look_on(struct imapio *i)
{
	if (i->r.folder == 0 && i->folder[1] != NULL) {
		select_folder(i, 1);
		return;
	}
	i->looked = true;
	if (i->poll_ms == 0) {
		finish(i, IMAPIO_EMPTY, true, "not in %s at %s", i->folder[0], i->host);
		return;
	}
	i->pause = net_timer_start(i->net, i->poll_ms, look_again, i);
	i->poll_ms = i->poll_ms * 2 < IMAPIO_POLL_MAX_MS ? i->poll_ms * 2 : IMAPIO_POLL_MAX_MS;
}

static void
after_fetch(struct imapio *i)
{
	if (i->r.n == 0) /* gone between SEARCH and FETCH */
		look_on(i);
	else if (i->remove)
		command(i, AT_STORE, "UID STORE %s +FLAGS.SILENT (\\Deleted)", i->uids);
	else
		finish(i, IMAPIO_FOUND, true, "found in %s at %s", i->folder[i->r.folder], i->host);
}

static void
tagged_ok(struct imapio *i)
{
	switch (i->stage) {
	case AT_CAPABILITY:
		log_in(i);
		break;
	case AT_LOGIN:
		select_folder(i, 0);
		break;
	case AT_SELECT:
		i->uids[0] = '\0';
		if (i->header != NULL)
			command(i, AT_SEARCH, "UID SEARCH HEADER %s \"%s\"", i->header, i->token);
		else
			command(i, AT_SEARCH, "UID SEARCH TEXT \"%s\"", i->token);
		break;
	case AT_SEARCH:
		if (i->uids[0] == '\0') {
			look_on(i);
			break;
		}
		i->r.took_ms = net_now_ms(i->net) - i->began_ms;
		command(i, AT_FETCH, "UID FETCH %s (BODY.PEEK[%s]<0.%d>)", i->uids,
			i->headers_only ? "HEADER" : "", IMAPIO_LITERAL_MAX);
		break;
	case AT_FETCH:
		after_fetch(i);
		break;
	case AT_STORE: /* a plain EXPUNGE would also take what a person has marked (RFC 4315) */
		command(i, AT_EXPUNGE, i->uidplus ? "UID EXPUNGE %s" : "EXPUNGE", i->uids);
		break;
	case AT_EXPUNGE:
		i->r.removed = true;
		finish(i, IMAPIO_FOUND, true, "found in %s at %s", i->folder[i->r.folder], i->host);
		break;
	case AT_LOGOUT:
		tell(i);
		break;
	case AT_CONNECT:
	case AT_GREETING:
		break;
	}
}

static void
tagged_no(struct imapio *i, const char *text)
{
	if (i->stage == AT_LOGOUT)
		tell(i);
	else if (i->stage == AT_SELECT && i->r.folder == 1)
		look_on(i); /* no such folder: then nothing is in it */
	else if (i->stage == AT_STORE || i->stage == AT_EXPUNGE)
		finish(i, IMAPIO_FOUND, true, "found in %s at %s; deleting it was refused: %s",
			i->folder[i->r.folder], i->host, text);
	else
		finish(i, IMAPIO_REFUSED, true, "%s refuses %s: %s", i->host, stages[i->stage],
			text);
}

/* "* SEARCH 5 9": at most IMAPIO_MESSAGES of them. */
static void
searched(struct imapio *i, const char *line)
{
	size_t len = 0, n = 0;

	for (const char *at = line; *at != '\0' && n < IMAPIO_MESSAGES; n++) {
		size_t digits;

		at += strspn(at, " ");
		digits = strspn(at, "0123456789");
		if (digits == 0 || digits > 10)
			break;
		len += (size_t)snprintf(i->uids + len, sizeof i->uids - len, "%s%.*s",
			n > 0 ? "," : "", (int)digits, at);
		at += digits;
	}
}

static void
untagged(struct imapio *i, const char *line)
{
	if (i->stage == AT_GREETING) {
		if (strncasecmp(line, "* OK", 4) == 0)
			command(i, AT_CAPABILITY, "CAPABILITY");
		else
			finish(i, IMAPIO_REFUSED, false, "%s greets with: %.200s", i->host, line);
		return;
	}
	if (strncasecmp(line, "* CAPABILITY", 12) == 0)
		i->uidplus = strcasestr(line, " UIDPLUS") != NULL;
	else if (strncasecmp(line, "* SEARCH", 8) == 0 && i->stage == AT_SEARCH)
		searched(i, line + 8);
}

/* A line that ends in {n} goes on with n octets and another line (RFC 9051 4.3). False if it does
 * not. */
static bool
literal(struct imapio *i, const char *line, size_t n)
{
	const char *open = strrchr(line, '{');
	char *end;
	unsigned long size;

	if (open == NULL || n == 0 || line[n - 1] != '}')
		return false;
	size = strtoul(open + 1, &end, 10);
	if (end == open + 1 || *end != '}')
		return false;
	if (size > IMAPIO_LITERAL_MAX) {
		finish(i, IMAPIO_LOST, false, "%s sends %lu octets where at most %d were asked for",
			i->host, size, IMAPIO_LITERAL_MAX);
		return true;
	}
	i->literal = i->stage == AT_FETCH && line[0] == '*' && strcasestr(line, "FETCH") != NULL &&
		     strcasestr(line, "BODY[") != NULL;
	if (size > 0)
		stream_block(i->stream, size);
	return true;
}

static void
on_line(struct imapio *i, const char *line, size_t n)
{
	char tag[16];
	int len = snprintf(tag, sizeof tag, "f%u ", i->tag);

	if (i->done && i->stage != AT_LOGOUT)
		return;
	if (literal(i, line, n))
		return;
	if (line[0] == '*') {
		if (strncasecmp(line, "* BYE", 5) == 0 && i->stage != AT_LOGOUT)
			finish(i, IMAPIO_LOST, false, "%s says: %.200s", i->host, line + 2);
		else
			untagged(i, line);
		return;
	}
	if (!i->asked || strncmp(line, tag, (size_t)len) != 0)
		return; /* an answer said twice, or the rest of a line that held a literal */
	i->asked = false;
	line += len;
	if (strncasecmp(line, "OK", 2) == 0)
		tagged_ok(i);
	else
		tagged_no(i, line);
}

static void
on_block(struct imapio *i, const char *p, size_t n)
{
	char *text;

	if (!i->literal || i->r.n >= IMAPIO_MESSAGES)
		return;
	text = stdmem_get(n + 1);
	memcpy(text, p, n);
	i->text[i->r.n] = text;
	i->r.message[i->r.n] = (struct imapio_message){ .text = text, .text_n = n };
	i->r.n++;
}

static void
on_stream(void *ctx, enum stream_event ev, const char *text, size_t n)
{
	struct imapio *i = ctx;

	switch (ev) {
	case STREAM_CONNECTED:
		i->stage = AT_GREETING;
		break;
	case STREAM_LINE:
		on_line(i, text, n);
		break;
	case STREAM_BLOCK:
		on_block(i, text, n);
		break;
	case STREAM_SECURE:
		break;
	case STREAM_ENDED:
		if (i->done)
			tell(i);
		else
			finish(i, IMAPIO_LOST, false, "%s (at %s)", text, stages[i->stage]);
		break;
	}
}

/* The time is over. What was looked for and not there is an answer; a look that never ended is
 * none. */
static void
on_deadline(void *ctx)
{
	struct imapio *i = ctx;
	bool between = i->pause != NULL;

	if (i->r.n > 0) /* read, but not deleted in time */
		finish(i, IMAPIO_FOUND, false, "found in %s at %s; no time was left to delete it",
			i->folder[i->r.folder], i->host);
	else if (i->looked)
		finish(i, IMAPIO_EMPTY, between, "not in %s at %s", i->folder[0], i->host);
	else
		finish(i, IMAPIO_LOST, false, "%s gives no answer within the time (at %s)", i->host,
			stages[i->stage]);
}

struct imapio *
imapio_start(struct net *net, const struct imapio_opts *o, imapio_fn *fn, void *ctx)
{
	struct imapio *i = stdmem_get(sizeof *i);

	i->net = net;
	i->fn = fn;
	i->ctx = ctx;
	i->host = stdmem_str(o->host);
	i->header = o->header != NULL ? stdmem_str(o->header) : NULL;
	i->token = stdmem_str(o->token);
	i->auth = secret_new(secret_reveal(o->auth), secret_len(o->auth));
	for (int k = 0; k < 2; k++)
		i->folder[k] = o->folder[k] != NULL ? stdmem_str(o->folder[k]) : NULL;
	i->headers_only = o->headers_only;
	i->remove = o->remove;
	i->poll_ms = o->poll_ms;
	i->began_ms = net_now_ms(net);
	i->deadline = net_timer_start(net, o->deadline_ms, on_deadline, i);
	i->stream = stream_open(net,
		&(struct stream_opts){ .host = o->host,
			.port = o->port > 0 ? o->port : 993,
			.tls = true,
			.ca_pem = o->ca_pem,
			.deadline_ms = o->deadline_ms + IMAPIO_BYE_MS,
			.max_total = IMAPIO_TOTAL_MAX },
		on_stream, i);
	return i;
}
