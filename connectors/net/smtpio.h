/*
 * smtpio.h - one SMTP session (RFC 5321, 3207, 4954, 6409): greeting to QUIT, with a message or
 * without one.
 *
 * The result says how far it came and what the server said, word for word. Nothing is judged here.
 */
#ifndef FERRYMAN_NET_SMTPIO_H
#define FERRYMAN_NET_SMTPIO_H

#include "net/net.h"
#include "os/secret.h"

enum smtpio_tls {
	SMTPIO_CLEAR,
	SMTPIO_STARTTLS,
	SMTPIO_TLS
}; /* CLEAR: TLS is not asked for, and AUTH is refused */

struct smtpio_opts {
	const char *host;
	int port;
	enum smtpio_tls tls;
	const char *ca_pem;	   /* NULL = net's bundle */
	const struct secret *auth; /* "user:password"; NULL = no AUTH. Never sent without TLS */
	const char *helo; /* name for EHLO; NULL = "[127.0.0.1]"-like literal of our own side */
	const char *from; /* MAIL FROM without brackets; NULL = stop after EHLO/AUTH */
	const char *const *rcpt; /* NULL-ended; NULL = stop after MAIL */
	const char *message; /* lines ended by CRLF or LF, dots not doubled; NULL = RSET and QUIT:
				nothing is sent */
	size_t message_n;
	int64_t deadline_ms;
};

enum smtpio_stage {
	SMTPIO_CONNECT,
	SMTPIO_GREETING,
	SMTPIO_EHLO,
	SMTPIO_STARTTLS_CMD,
	SMTPIO_HANDSHAKE,
	SMTPIO_AUTH,
	SMTPIO_MAIL,
	SMTPIO_RCPT,
	SMTPIO_DATA,
	SMTPIO_MESSAGE,
	SMTPIO_DONE
};
const char *smtpio_stage_name(enum smtpio_stage s); /* "connect" "greeting" ... */

enum smtpio_end {
	SMTPIO_OK,	/* all that was asked for succeeded; with a message: its 250 has come */
	SMTPIO_REPLIED, /* the server said no at `stage`: code and reply */
	SMTPIO_LOST, /* no usable answer at `stage`: name, connection, TLS, deadline; why says it */
	SMTPIO_LACKS /* the server does not offer what we need (STARTTLS, AUTH); nothing was sent */
};

struct smtpio_result {
	enum smtpio_end end;
	enum smtpio_stage stage; /* where it ended; SMTPIO_DONE when OK */
	int code;		 /* of the last reply, 0 = none */
	const char *reply; /* its lines as received, joined by "\n", without CRLF; "" = none */
	bool maybe_sent;   /* LOST at SMTPIO_MESSAGE after the final dot: the message may travel */
	const char *peer;  /* address, "" if never connected */
	bool nobody;	   /* LOST: the name has no address, nobody was asked */
	const char *why;   /* one line */
	int64_t took_ms;
};

struct smtpio;
typedef void smtpio_fn(void *ctx, const struct smtpio_result *);
struct smtpio *smtpio_start(
	struct net *net, const struct smtpio_opts *opts, smtpio_fn *fn, void *ctx);
void smtpio_cancel(struct smtpio **s); /* no callback afterwards; NULL-safe, nulls */
/* smtpio_may_have_sent - the final dot has gone out. */
bool smtpio_may_have_sent(const struct smtpio *s);

#endif
