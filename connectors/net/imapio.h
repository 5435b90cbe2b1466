/*
 * imapio.h - wait for one message in a mailbox over IMAPS (RFC 9051, RFC 3501), read it, delete it.
 *
 * One session: log in, then look into each folder in turn until something is found or the time is
 * over. Only messages that carry the token in the given header, or as text anywhere, are touched.
 */
#ifndef FERRYMAN_NET_IMAPIO_H
#define FERRYMAN_NET_IMAPIO_H

#include "net/net.h"
#include "os/secret.h"

struct imapio_opts {
	const char *host;
	int port; /* 0 = 993 */
	const char *ca_pem;
	const struct secret *auth; /* "user:password" */
	const char *folder[2]; /* "INBOX"; then e.g. "Junk", which may be missing; NULL = none */
	const char *header;    /* SEARCH HEADER name token; NULL = SEARCH TEXT token */
	const char *token;     /* printable ASCII without quotes */
	bool headers_only;     /* fetch the header; else the message, at most 256 KiB of it */
	bool remove;	       /* \Deleted and expunge what was found */
	int64_t poll_ms;     /* first pause between two looks, doubled up to IMAPIO_POLL_MAX_MS; 0 =
				look once */
	int64_t deadline_ms; /* nothing found by then: IMAPIO_EMPTY if a look succeeded, else
				IMAPIO_LOST */
};

enum imapio_end {
	IMAPIO_FOUND, /* n messages (the first few with their text) */
	IMAPIO_EMPTY,
	IMAPIO_REFUSED, /* the server said NO or BAD: login, folder; why holds its words */
	IMAPIO_LOST	/* no usable answer */
};
enum { IMAPIO_MESSAGES = 8, IMAPIO_POLL_MAX_MS = 2000 };
struct imapio_message {
	const char *text; /* header or message as fetched, CRLF lines, NUL-terminated */
	size_t text_n;
};
struct imapio_result {
	enum imapio_end end;
	struct imapio_message message[IMAPIO_MESSAGES];
	size_t n;
	int folder;	 /* index of the folder where they were */
	int64_t took_ms; /* from the start to the look that found them */
	bool removed;	 /* what was found is gone */
	const char *why;
};

struct imapio;
typedef void imapio_fn(void *ctx, const struct imapio_result *);
struct imapio *imapio_start(
	struct net *net, const struct imapio_opts *opts, imapio_fn *fn, void *ctx);
void imapio_cancel(struct imapio **i);

#endif
