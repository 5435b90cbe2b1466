/* assertion.c - one signed JWT, by OpenSSL. */
#include "base/json.h"
#include "os/digest.h"
#include "os/stdmem.h"
#include "tenant/assertion.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIFE_S = 300, SKEW_S = 60 /* the server's clock may be that much behind ours */ };

/* Base64url without padding (RFC 7515 section 2). */
static void
base64url(struct buf *b, const void *p, size_t n)
{
	static const char set[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const unsigned char *s = p;

	for (size_t i = 0; i < n; i += 3) {
		uint32_t v = (uint32_t)s[i] << 16 | (i + 1 < n ? (uint32_t)s[i + 1] << 8 : 0) |
			     (i + 2 < n ? s[i + 2] : 0);
		buf_char(b, set[v >> 18]);
		buf_char(b, set[v >> 12 & 63]);
		if (i + 1 < n)
			buf_char(b, set[v >> 6 & 63]);
		if (i + 2 < n)
			buf_char(b, set[v & 63]);
	}
}

struct pair {
	EVP_PKEY *key;
	X509 *cert;
};

static void
pair_fini(struct pair *p)
{
	EVP_PKEY_free(p->key);
	X509_free(p->cert);
}

static enum rc
pair_read(struct pair *p, const struct secret *pem, struct err *err)
{
	BIO *k = BIO_new_mem_buf(secret_reveal(pem), (int)secret_len(pem));
	BIO *c = BIO_new_mem_buf(secret_reveal(pem), (int)secret_len(pem));
	static char no_passphrase[] = "";
	enum rc rc = RC_OK;

	*p = (struct pair){ 0 };
	if (k != NULL && c != NULL) {
		p->key = PEM_read_bio_PrivateKey(k, NULL, NULL, no_passphrase);
		p->cert = PEM_read_bio_X509(c, NULL, NULL, no_passphrase);
	}
	BIO_free(k);
	BIO_free(c);
	if (p->key == NULL || p->cert == NULL)
		rc = err_set(err, RC_INVALID,
			"the file holds no certificate with its unencrypted private key in PEM");
	else if (EVP_PKEY_get_base_id(p->key) != EVP_PKEY_RSA)
		rc = err_set(err, RC_INVALID, "the certificate's key is not RSA");
	else if (X509_check_private_key(p->cert, p->key) != 1)
		rc = err_set(err, RC_INVALID, "private key and certificate do not belong together");
	return rc;
}

static void
part_put(struct buf *b, const struct buf *json)
{
	base64url(b, buf_text(json), json->len);
}

static void
header_put(struct buf *b, const struct pair *p)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	struct buf t, j;
	struct jw w;

	buf_init(&t, &stdmem, 128);
	buf_init(&j, &stdmem, 512);
	if (X509_digest(p->cert, EVP_sha256(), sum, &n) == 1)
		base64url(&t, sum, n);
	jw_init(&w, &j);
	jw_open(&w, NULL, '{');
	jw_str(&w, "alg", "RS256");
	jw_str(&w, "typ", "JWT");
	jw_str(&w, "x5t#S256", buf_text(&t));
	jw_close(&w, '}');
	part_put(b, &j);
	buf_fini(&t);
	buf_fini(&j);
}

static void
claims_put(struct buf *b, const struct assertion_claims *c)
{
	uint8_t r[16];
	char jti[64];
	struct buf j;
	struct jw w;

	digest_random(r, sizeof r);
	(void)snprintf(jti, sizeof jti,
		"%02x%02x%02x%02x-%02x%02x-4%x%02x-a%x%02x-%02x%02x%02x%02x%02x%02x", r[0], r[1],
		r[2], r[3], r[4], r[5], r[6] & 15, r[7], r[8] & 15, r[9], r[10], r[11], r[12],
		r[13], r[14], r[15]);
	buf_init(&j, &stdmem, 4096);
	jw_init(&w, &j);
	jw_open(&w, NULL, '{');
	jw_str(&w, "aud", c->audience);
	jw_str(&w, "iss", c->client);
	jw_str(&w, "sub", c->client);
	jw_str(&w, "jti", jti);
	jw_int(&w, "iat", c->wall_ms / 1000);
	jw_int(&w, "nbf", c->wall_ms / 1000 - SKEW_S);
	jw_int(&w, "exp", c->wall_ms / 1000 + LIFE_S);
	jw_close(&w, '}');
	part_put(b, &j);
	buf_fini(&j);
}

enum rc
assertion_put(
	struct buf *b, const struct secret *pem, const struct assertion_claims *c, struct err *err)
{
	unsigned char sig[1024];
	size_t n = sizeof sig, from = b->len;
	struct pair p;
	EVP_MD_CTX *md = NULL;
	enum rc rc = pair_read(&p, pem, err);

	if (rc != RC_OK)
		goto out;
	header_put(b, &p);
	buf_char(b, '.');
	claims_put(b, c);
	md = EVP_MD_CTX_new();
	if (buf_failed(b) || md == NULL ||
		EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, p.key) != 1 ||
		EVP_DigestSign(md, sig, &n, (const unsigned char *)b->data + from, b->len - from) !=
			1) {
		rc = err_set(err, RC_INVALID, "the certificate's key does not sign");
		goto out;
	}
	buf_char(b, '.');
	base64url(b, sig, n);
out:
	EVP_MD_CTX_free(md);
	pair_fini(&p);
	return rc;
}

enum rc
assertion_check(const struct secret *pem, struct err *err)
{
	struct pair p;
	enum rc rc = pair_read(&p, pem, err);

	pair_fini(&p);
	return rc;
}
