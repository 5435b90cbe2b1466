/*
 * assertion.h - the signed sentence with which an application proves that it holds its
 * certificate's key: a JWT (RFC 7519) signed RS256 (RFC 7518 3.3), as client_assertion of an OAuth
 * token request (RFC 7523 section 2.2).
 */
#ifndef FERRYMAN_TENANT_ASSERTION_H
#define FERRYMAN_TENANT_ASSERTION_H

#include "base/buf.h"
#include "base/err.h"
#include "os/secret.h"

#include <stdint.h>

struct assertion_claims {
	const char *audience; /* the token endpoint's URL */
	const char *client;   /* iss and sub */
	int64_t wall_ms;      /* now */
};

/*
 * assertion_put - append the JWT. pem holds the certificate and its private RSA key. The
 * certificate is named by x5t#S256 (RFC 7515 4.1.8); it lives five minutes. RC_INVALID when pem
 * holds no such pair.
 */
enum rc assertion_put(
	struct buf *b, const struct secret *pem, const struct assertion_claims *c, struct err *err);

/* assertion_check - can pem sign at all? */
enum rc assertion_check(const struct secret *pem, struct err *err);

#endif
