/*
 * smtpio.c - one SMTP session, command by command. Each reply is kept as it came; a reply that is
 * not what the stage wants ends the session politely, with QUIT, and the caller gets the words.
 */
#include "base/buf.h"
#include "base/text.h"
#include "net/smtpio.h"
#include "net/stream.h"
#include "os/stdmem.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SMTPIO_REPLY_MAX = 8192,
	SMTPIO_QUIT_MS = 2000, /* how long we wait for 221 once we know what we wanted to know */
	SMTPIO_TOTAL_MAX = 256 * 1024
};

struct smtpio {
	struct net *net;
	struct stream *stream;
	struct net_timer *quit;
	smtpio_fn *fn;
	void *ctx;
	char *host, *helo, *from, *login; /* login: base64 of AUTH PLAIN, wiped */
	char **rcpt;
	size_t rcpt_n, rcpt_i;
	struct buf message; /* as it goes out, dots doubled, final dot included */
	bool with_message, with_from, leaving;
	enum smtpio_tls tls;
	bool can_starttls, can_plain;
	int64_t began_ms;
	enum smtpio_stage stage;
	struct buf reply;
	struct smtpio_result r;
	char why[768], peer[NET_ADDR_TEXT];
};

static const char *const stages[] = { [SMTPIO_CONNECT] = "connect",
	[SMTPIO_GREETING] = "greeting",
	[SMTPIO_EHLO] = "EHLO",
	[SMTPIO_STARTTLS_CMD] = "STARTTLS",
	[SMTPIO_HANDSHAKE] = "TLS handshake",
	[SMTPIO_AUTH] = "AUTH",
	[SMTPIO_MAIL] = "MAIL",
	[SMTPIO_RCPT] = "RCPT",
	[SMTPIO_DATA] = "DATA",
	[SMTPIO_MESSAGE] = "message",
	[SMTPIO_DONE] = "done" };

const char *
smtpio_stage_name(enum smtpio_stage s)
{
	return stages[s];
}

void
smtpio_cancel(struct smtpio **ps)
{
	struct smtpio *s = *ps;

	if (s == NULL)
		return;
	*ps = NULL;
	stream_close(&s->stream);
	net_timer_stop(&s->quit);
	if (s->login != NULL)
		explicit_bzero(s->login, strlen(s->login));
	free(s->login);
	free(s->host);
	free(s->helo);
	free(s->from);
	for (size_t i = 0; i < s->rcpt_n; i++)
		free(s->rcpt[i]);
	free(s->rcpt);
	buf_fini(&s->message);
	buf_fini(&s->reply);
	free(s);
}

static void
tell(void *ctx)
{
	struct smtpio *s = ctx;
	struct smtpio_result r = s->r;
	struct buf reply = s->reply; /* outlives the session for the callback */
	char why[sizeof s->why], peer[sizeof s->peer];
	smtpio_fn *fn = s->fn;
	void *arg = s->ctx;

	memcpy(why, s->why, sizeof why);
	memcpy(peer, s->peer, sizeof peer);
	s->reply = (struct buf){ 0 };
	smtpio_cancel(&s);
	r.why = why;
	r.peer = peer;
	r.reply = buf_text(&reply);
	fn(arg, &r);
	buf_fini(&reply);
}

/* The answer is known: keep it, say QUIT if somebody is there to hear it. */
static void __attribute__((format(printf, 3, 4)))
finish(struct smtpio *s, enum smtpio_end end, const char *fmt, ...)
{
	va_list ap;

	if (s->leaving)
		return;
	s->leaving = true;
	s->r.end = end;
	s->r.stage = end == SMTPIO_OK ? SMTPIO_DONE : s->stage;
	s->r.took_ms = net_now_ms(s->net) - s->began_ms;
	va_start(ap, fmt);
	(void)vsnprintf(s->why, sizeof s->why, fmt, ap);
	va_end(ap);
	if (end == SMTPIO_LOST) {
		s->r.code = 0;
		buf_reset(&s->reply);
	}
	if (end == SMTPIO_LOST || s->stream == NULL) {
		stream_close(&s->stream);
		s->quit = net_later(s->net, tell, s);
		return;
	}
	stream_fmt(s->stream, "QUIT\r\n");
	s->quit = net_timer_start(s->net, SMTPIO_QUIT_MS, tell, s);
}

/* --- commands --- */

static void
say_rcpt(struct smtpio *s)
{
	s->stage = SMTPIO_RCPT;
	stream_fmt(s->stream, "RCPT TO:<%s>\r\n", s->rcpt[s->rcpt_i]);
}

static void
after_rcpt(struct smtpio *s)
{
	if (++s->rcpt_i < s->rcpt_n) {
		say_rcpt(s);
	} else if (s->with_message) {
		s->stage = SMTPIO_DATA;
		stream_fmt(s->stream, "DATA\r\n");
	} else {
		stream_fmt(s->stream, "RSET\r\n");
		finish(s, SMTPIO_OK, "%s takes mail from <%s> to <%s>", s->host, s->from,
			s->rcpt[s->rcpt_n - 1]);
	}
}

static void
after_auth(struct smtpio *s)
{
	if (!s->with_from) {
		finish(s, SMTPIO_OK, "%s answers%s", s->host,
			s->login != NULL ? " and takes our password" : "");
		return;
	}
	s->stage = SMTPIO_MAIL;
	stream_fmt(s->stream, "MAIL FROM:<%s>\r\n", s->from);
}

static void
after_ehlo(struct smtpio *s)
{
	if (s->tls == SMTPIO_STARTTLS && !stream_secure(s->stream)) {
		if (!s->can_starttls) {
			finish(s, SMTPIO_LACKS, "%s does not offer STARTTLS", s->host);
			return;
		}
		s->stage = SMTPIO_STARTTLS_CMD;
		stream_fmt(s->stream, "STARTTLS\r\n");
		return;
	}
	if (s->login == NULL) {
		after_auth(s);
		return;
	}
	s->stage = SMTPIO_AUTH;
	if (!stream_secure(s->stream))
		finish(s, SMTPIO_LACKS, "%s: a password is not sent without TLS", s->host);
	else if (!s->can_plain)
		finish(s, SMTPIO_LACKS, "%s does not offer AUTH PLAIN", s->host);
	else
		stream_fmt(s->stream, "AUTH PLAIN %s\r\n", s->login);
}

static void
say_ehlo(struct smtpio *s)
{
	s->stage = SMTPIO_EHLO;
	s->can_starttls = s->can_plain = false;
	if (s->helo != NULL)
		stream_fmt(s->stream, "EHLO %s\r\n", s->helo);
	else
		stream_fmt(s->stream,
			strchr(stream_local(s->stream), ':') != NULL ? "EHLO [IPv6:%s]\r\n"
								     : "EHLO [%s]\r\n",
			stream_local(s->stream));
}

/* One line of the reply to EHLO (RFC 5321 4.1.1.1): keyword and parameters. */
static void
capability(struct smtpio *s, const char *line)
{
	const char *word = line;

	if (text_eq_nocase(line, "STARTTLS"))
		s->can_starttls = true;
	if (strncasecmp(line, "AUTH ", 5) != 0 && strncasecmp(line, "AUTH=", 5) != 0)
		return;
	for (word = line + 5; *word != '\0'; word += strspn(word, " ")) {
		size_t n = strcspn(word, " ");

		if (n == 5 && strncasecmp(word, "PLAIN", 5) == 0)
			s->can_plain = true;
		word += n;
	}
}

static void
replied_well(struct smtpio *s)
{
	switch (s->stage) {
	case SMTPIO_GREETING:
		say_ehlo(s);
		break;
	case SMTPIO_EHLO:
		after_ehlo(s);
		break;
	case SMTPIO_STARTTLS_CMD:
		s->stage = SMTPIO_HANDSHAKE;
		stream_starttls(s->stream);
		break;
	case SMTPIO_AUTH:
		after_auth(s);
		break;
	case SMTPIO_MAIL:
		if (s->rcpt_n > 0) {
			say_rcpt(s);
		} else {
			stream_fmt(s->stream, "RSET\r\n");
			finish(s, SMTPIO_OK, "%s takes mail from <%s>", s->host, s->from);
		}
		break;
	case SMTPIO_RCPT:
		after_rcpt(s);
		break;
	case SMTPIO_DATA:
		s->stage = SMTPIO_MESSAGE;
		s->r.maybe_sent = true;
		stream_write(s->stream, buf_text(&s->message), s->message.len);
		break;
	case SMTPIO_MESSAGE:
		finish(s, SMTPIO_OK, "%s took the message", s->host);
		break;
	case SMTPIO_CONNECT:
	case SMTPIO_HANDSHAKE:
	case SMTPIO_DONE:
		break;
	}
}

static void
replied(struct smtpio *s)
{
	int code = s->r.code;
	bool well = s->stage == SMTPIO_DATA ? code == 354 : code >= 200 && code < 300;

	if (well) {
		replied_well(s);
		return;
	}
	/* A reply, whatever it says, means that the message was not taken. */
	s->r.maybe_sent = false;
	finish(s, SMTPIO_REPLIED, "%s answers %s: %s", s->host, stages[s->stage],
		buf_text(&s->reply));
	for (char *c = s->why; *c != '\0'; c++)
		if (*c == '\n')
			*c = ' ';
}

static void
on_line(struct smtpio *s, const char *line, size_t n)
{
	bool last = n < 4 || line[3] == ' ';

	if (s->leaving) { /* the answer to RSET or QUIT */
		if (n >= 3 && memcmp(line, "221", 3) == 0)
			tell(s);
		return;
	}
	for (size_t i = 0; i < 3; i++) {
		if (n < 3 || line[i] < '0' || line[i] > '9') {
			finish(s, SMTPIO_LOST, "%s does not speak SMTP: \"%.60s\"", s->host, line);
			return;
		}
	}
	if (s->r.code == 0)
		buf_reset(&s->reply);
	s->r.code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
	if (s->reply.len > 0)
		buf_char(&s->reply, '\n');
	for (size_t i = 0; i < n; i++) /* what is shown and stored stays one line of text */
		buf_char(
			&s->reply, (unsigned char)line[i] < ' ' || line[i] == 0x7f ? '?' : line[i]);
	if (s->stage == SMTPIO_EHLO && n > 4)
		capability(s, line + 4);
	if (buf_failed(&s->reply)) {
		finish(s, SMTPIO_LOST, "%s: the reply does not end", s->host);
		return;
	}
	if (!last)
		return;
	replied(s);
	if (!s->leaving)
		s->r.code = 0;
}

static void
on_stream(void *ctx, enum stream_event ev, const char *text, size_t n)
{
	struct smtpio *s = ctx;

	switch (ev) {
	case STREAM_CONNECTED:
		s->stage = SMTPIO_GREETING;
		(void)snprintf(s->peer, sizeof s->peer, "%s", text);
		break;
	case STREAM_SECURE:
		say_ehlo(s); /* RFC 3207 4.2: what was said before counts no more */
		break;
	case STREAM_LINE:
		on_line(s, text, n);
		break;
	case STREAM_BLOCK:
		break;
	case STREAM_ENDED:
		if (s->leaving) {
			tell(s);
			break;
		}
		(void)snprintf(s->peer, sizeof s->peer, "%s", stream_peer(s->stream));
		s->r.nobody = stream_why(s->stream) == STREAM_WHY_NAME;
		if (s->stage == SMTPIO_CONNECT && stream_why(s->stream) == STREAM_WHY_TLS)
			s->stage = SMTPIO_HANDSHAKE;
		finish(s, SMTPIO_LOST, "%s (at %s)", text, stages[s->stage]);
		break;
	}
}

/* --- start --- */

static char *
plain_login(const struct secret *auth)
{
	const char *text = secret_reveal(auth), *colon = strchr(text, ':');
	size_t n = secret_len(auth);
	unsigned char *raw, *out;

	if (colon == NULL)
		return NULL;
	raw = stdmem_get(n + 2);
	out = stdmem_get(4 * ((n + 3) / 3) + 4);
	memcpy(raw + 1, text, n); /* RFC 4616: NUL user NUL password */
	raw[1 + (colon - text)] = '\0';
	(void)EVP_EncodeBlock(out, raw, (int)n + 1);
	explicit_bzero(raw, n + 2);
	free(raw);
	return (char *)out;
}

static void
message_copy(struct smtpio *s, const char *p, size_t n)
{
	bool line_start = true;

	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\r' && i + 1 < n && p[i + 1] == '\n')
			continue;
		if (p[i] == '\n') {
			buf_str(&s->message, "\r\n");
			line_start = true;
			continue;
		}
		if (line_start && p[i] == '.')
			buf_char(&s->message, '.');
		line_start = false;
		buf_char(&s->message, p[i]);
	}
	buf_str(&s->message, line_start ? ".\r\n" : "\r\n.\r\n");
}

static bool
writable(const char *address)
{
	for (const char *c = address; *c != '\0'; c++)
		if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f || *c == '<' || *c == '>')
			return false;
	return strlen(address) <= 254; /* RFC 5321 4.5.3.1.3 */
}

static const char *
copy_opts(struct smtpio *s, const struct smtpio_opts *o)
{
	static const char *const none[] = { NULL };
	const char *const *rcpt = o->rcpt != NULL ? o->rcpt : none;
	const char *bad = NULL;
	size_t n = 0;

	s->host = stdmem_str(o->host);
	s->helo = o->helo != NULL ? stdmem_str(o->helo) : NULL;
	s->from = stdmem_str(o->from != NULL ? o->from : "");
	s->with_from = o->from != NULL;
	s->tls = o->tls;
	if (!writable(s->from) || (s->helo != NULL && !writable(s->helo)))
		bad = "the sender's address or our name can not be written in SMTP";
	while (rcpt[n] != NULL)
		n++;
	s->rcpt = stdmem_get((n + 1) * sizeof *s->rcpt);
	s->rcpt_n = n;
	for (size_t i = 0; i < n; i++) {
		s->rcpt[i] = stdmem_str(rcpt[i]);
		if (!writable(s->rcpt[i]))
			bad = "a recipient's address can not be written in SMTP";
	}
	buf_init(&s->message, &stdmem, 2 * o->message_n + 16);
	s->with_message = o->message != NULL;
	if (o->message != NULL)
		message_copy(s, o->message, o->message_n);
	if (o->auth != NULL && (s->login = plain_login(o->auth)) == NULL)
		bad = "the credential is not \"user:password\"";
	return bad;
}

struct smtpio *
smtpio_start(struct net *net, const struct smtpio_opts *o, smtpio_fn *fn, void *ctx)
{
	struct smtpio *s = stdmem_get(sizeof *s);
	const char *bad = copy_opts(s, o);

	s->net = net;
	s->fn = fn;
	s->ctx = ctx;
	s->began_ms = net_now_ms(net);
	buf_init(&s->reply, &stdmem, SMTPIO_REPLY_MAX);
	if (bad != NULL) {
		finish(s, SMTPIO_LACKS, "%s", bad);
		return s;
	}
	s->stream = stream_open(net,
		&(struct stream_opts){ .host = o->host,
			.port = o->port,
			.tls = o->tls == SMTPIO_TLS,
			.ca_pem = o->ca_pem,
			.deadline_ms = o->deadline_ms,
			.max_line = SMTPIO_REPLY_MAX,
			.max_total = SMTPIO_TOTAL_MAX },
		on_stream, s);
	return s;
}

bool
smtpio_may_have_sent(const struct smtpio *s)
{
	return s != NULL && s->r.maybe_sent;
}
