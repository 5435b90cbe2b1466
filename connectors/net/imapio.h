/*
 * imapio.h - look for one message in a mailbox over IMAPS (RFC 9051, RFC 3501), read it, delete it.
 *
 * A search opens a session, selects the folder, searches, fetches, deletes if told to, logs out.
 * Only messages that carry the token in the given header, or as text anywhere, are touched.
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
	const char *folder;	   /* "INBOX" */
	const char *header;	   /* SEARCH HEADER name token; NULL = SEARCH TEXT token */
	const char *token;	   /* printable ASCII without quotes */
	bool headers_only; /* fetch BODY.PEEK[HEADER]; else the whole message, at most 256 KiB of it
			    */
	bool remove;	   /* \Deleted and expunge what was found */
	bool missing_is_empty; /* a folder that does not exist (junk folders) counts as empty */
	int64_t deadline_ms;
};

enum imapio_end {
	IMAPIO_FOUND, /* n messages (the first few with their text) */
	IMAPIO_EMPTY,
	IMAPIO_REFUSED, /* the server said NO or BAD: login, folder; why holds its words */
	IMAPIO_LOST	/* no usable answer */
};
enum { IMAPIO_MESSAGES = 8 };
struct imapio_message {
	const char *text; /* header or message as fetched, CRLF lines, NUL-terminated */
	size_t text_n;
};
struct imapio_result {
	enum imapio_end end;
	struct imapio_message message[IMAPIO_MESSAGES];
	size_t n;
	bool removed; /* what was found is gone */
	const char *why;
};

struct imapio;
typedef void imapio_fn(void *ctx, const struct imapio_result *);
struct imapio *imapio_start(
	struct net *net, const struct imapio_opts *opts, imapio_fn *fn, void *ctx);
void imapio_cancel(struct imapio **i);

#endif
