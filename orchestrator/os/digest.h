/* digest.h - SHA-256 by OpenSSL, and random bytes. digest_warm first: OpenSSL opens its
 * configuration at first use. */
#ifndef FERRYMAN_OS_DIGEST_H
#define FERRYMAN_OS_DIGEST_H

#include <stddef.h>
#include <stdint.h>

enum { DIGEST_HEX = 65 };

void digest_warm(void);
/* digest_sha256 - 64 lower-case hexadecimal digits and NUL. ctx is ignored (fits core_env). Ends
 * the process with a sentence if OpenSSL cannot: out of memory. */
void digest_sha256(void *ctx, const void *p, size_t n, char out[DIGEST_HEX]);
/* digest_random - n bytes from the kernel; ends the process if it has none. */
void digest_random(void *p, size_t n);

#endif
