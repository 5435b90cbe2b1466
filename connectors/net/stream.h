/*
 * stream.h - one TCP connection with lines, blocks and TLS: what SMTP, IMAP and the tcp signal talk
 * over.
 */
#ifndef FERRYMAN_NET_STREAM_H
#define FERRYMAN_NET_STREAM_H

#include "net/net.h"

enum stream_event {
	STREAM_CONNECTED, /* text = the peer's address; with opts.tls only after the handshake */
	STREAM_SECURE,	  /* stream_starttls succeeded */
	STREAM_LINE,	  /* one line without CRLF or LF */
	STREAM_BLOCK,	  /* the n octets that stream_block asked for */
	STREAM_ENDED /* no more events: text says why. The peer closed, an error, or the deadline */
};

enum stream_why {
	STREAM_WHY_CLOSED,
	STREAM_WHY_NAME,
	STREAM_WHY_CONNECT,
	STREAM_WHY_TLS,
	STREAM_WHY_IO,
	STREAM_WHY_DEADLINE
};

struct stream_opts {
	const char *host; /* name or address; also the name that the certificate must carry */
	int port;
	bool tls;	     /* TLS at once (submissions, imaps) */
	const char *ca_pem;  /* NULL = net's bundle */
	int64_t deadline_ms; /* of the whole connection, from now */
	size_t max_line;     /* 0 = 64 KiB; a longer line ends the stream */
	size_t max_total;    /* octets taken in all, 0 = 16 MiB */
};

struct stream;
/* text is NUL-terminated. The stream may be closed inside fn. */
typedef void stream_fn(void *ctx, enum stream_event ev, const char *text, size_t n);

struct stream *stream_open(
	struct net *net, const struct stream_opts *opts, stream_fn *fn, void *ctx);
void stream_close(struct stream **s); /* at once, no callback afterwards; NULL-safe, nulls */

void stream_write(
	struct stream *s, const void *p, size_t n); /* copied; errors come as STREAM_ENDED */
void stream_fmt(struct stream *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* stream_starttls - TLS from here on; clear text that came behind the go-ahead ends the stream (RFC
 * 3207 section 6: injection). */
void stream_starttls(struct stream *s);
void stream_block(struct stream *s, size_t n); /* inside fn: the next n octets come as one block */
bool stream_secure(const struct stream *s);
bool stream_wrote(const struct stream
		*s); /* true once any octet was handed to the system after the handshake */
const char *stream_local(const struct stream *s);   /* our own address, "" until connected */
const char *stream_peer(const struct stream *s);    /* "" until connected */
enum stream_why stream_why(const struct stream *s); /* after STREAM_ENDED */

#endif
