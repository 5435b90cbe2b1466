/* digest.c - SHA-256 by OpenSSL, and random bytes from the kernel. */
#include "os/digest.h"

#include "base/text.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

void
digest_sha256(void *ctx, const void *p, size_t n, char out[DIGEST_HEX])
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	(void)ctx;
	if (EVP_Digest(p, n, md, &len, EVP_sha256(), NULL) != 1 || len != 32) {
		(void)fputs("ferryman: SHA-256 is not to be had from OpenSSL\n", stderr);
		_exit(1);
	}
	text_hex(md, len, out);
}

void
digest_warm(void)
{
	char out[DIGEST_HEX];

	digest_sha256(NULL, "", 0, out);
}

void
digest_random(void *p, size_t n)
{
	char *at = p;

	while (n > 0) {
		ssize_t got = getrandom(at, n, 0);

		if (got <= 0) {
			(void)fputs("ferryman: the kernel gives no random bytes\n", stderr);
			_exit(1);
		}
		at += got;
		n -= (size_t)got;
	}
}
