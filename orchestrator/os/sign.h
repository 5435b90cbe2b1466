/*
 * sign.h - Ed25519 (RFC 8032) by OpenSSL: the journal's heads are signed before they leave the
 * host, so that a head that was noted elsewhere is known to be ours.
 *
 * Key files are PEM (PKCS#8 private, SubjectPublicKeyInfo public), made at first use. A private key
 * that others can read is refused.
 */
#ifndef FERRYMAN_OS_SIGN_H
#define FERRYMAN_OS_SIGN_H

#include "base/err.h"

#include <stdbool.h>

enum { SIGN_TEXT = 89 }; /* a signature in base64, and NUL */

struct sign_key;

/* sign_open - the key of a folder: head.key (mode 600) and head.pub. Makes both where neither is
 * there, and head.pub from head.key. RC_NOTFOUND: head.pub without head.key, which must not be
 * replaced by another in silence. */
enum rc sign_open(struct sign_key **ret, const char *dir, struct err *err);
void sign_free(struct sign_key **k); /* NULL-safe */
/* sign_text - base64 of the signature of text; false when OpenSSL does not. */
bool sign_text(const struct sign_key *k, const char *text, char ret[SIGN_TEXT]);
/* sign_check - RC_OK: the public key in pem_file has signed text; RC_CONFLICT: it has not; others:
 * the file. */
enum rc sign_check(const char *pem_file, const char *text, const char *signature, struct err *err);

#endif
