/*
 * tls.h - TLS over any octet transport, by OpenSSL and two memory buffers: no socket, no loop in
 * here.
 *
 * At least TLS 1.2 (RFC 8996), the peer's certificate and name always verified (RFC 6125; an
 * address is matched as one).
 */
#ifndef FERRYMAN_NET_TLS_H
#define FERRYMAN_NET_TLS_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct tls;

struct tls_opts {
	const char *name;    /* expected in the certificate, sent as SNI unless it is an address */
	const char *ca_pem;  /* PEM text of the roots; NULL = ca_file */
	const char *ca_file; /* PEM file of the roots; NULL = the machine's */
	const char *cert_pem, *key_pem; /* client certificate; NULL = none */
};

enum tls_state {
	TLS_WANTS, /* waiting for octets of the peer */
	TLS_READY, /* handshake done */
	TLS_ENDED, /* the peer closed properly */
	TLS_FAILED /* err says why */
};

enum rc tls_new(struct tls **ret, const struct tls_opts *opts, struct err *err);
void tls_free(struct tls **t); /* NULL-safe, nulls */

/*
 * tls_feed - octets from the wire go in (n 0: begin the handshake); clear text is added to `clear`,
 * and what must go out to `wire`. tls_write - clear text in, octets for the wire out. Only when
 * TLS_READY.
 */
enum tls_state tls_feed(struct tls *t, const void *in, size_t n, struct buf *clear,
	struct buf *wire, struct err *err);
enum rc tls_write(struct tls *t, const void *p, size_t n, struct buf *wire, struct err *err);
void tls_close_notify(struct tls *t, struct buf *wire);

#endif
