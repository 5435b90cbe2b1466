/* tls.c - OpenSSL between two memory buffers. The error queue is emptied into the sentence at each
 * failure. */
#include "net/tls.h"
#include "os/stdmem.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>

struct tls {
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *in, *out; /* owned by ssl */
	char *name;
};

static enum rc
failed(struct err *err, const struct tls *t, const char *what)
{
	unsigned long code = ERR_peek_last_error();
	long verify = t->ssl != NULL ? SSL_get_verify_result(t->ssl) : X509_V_OK;
	const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	if (verify != X509_V_OK)
		return err_set(err, RC_DENIED, "%s %s: certificate: %s", what, t->name,
			X509_verify_cert_error_string(verify));
	return err_set(
		err, RC_IO, "%s %s: %s", what, t->name, reason != NULL ? reason : "unknown error");
}

static enum rc
trust_pem(struct tls *t, const char *pem, struct err *err)
{
	X509_STORE *store = SSL_CTX_get_cert_store(t->ctx);
	BIO *b = BIO_new_mem_buf(pem, -1);
	int n = 0;

	for (X509 *x; b != NULL && (x = PEM_read_bio_X509(b, NULL, NULL, NULL)) != NULL;
		X509_free(x))
		n += X509_STORE_add_cert(store, x) == 1;
	BIO_free(b);
	ERR_clear_error();
	return n > 0 ? RC_OK : err_set(err, RC_INVALID, "ca: no certificate in PEM form");
}

static enum rc
use_certificate(struct tls *t, const struct tls_opts *o, struct err *err)
{
	BIO *cert = BIO_new_mem_buf(o->cert_pem, -1), *key = BIO_new_mem_buf(o->key_pem, -1);
	X509 *x = cert != NULL ? PEM_read_bio_X509(cert, NULL, NULL, NULL) : NULL;
	EVP_PKEY *k = key != NULL ? PEM_read_bio_PrivateKey(key, NULL, NULL, NULL) : NULL;
	bool ok = x != NULL && k != NULL && SSL_CTX_use_certificate(t->ctx, x) == 1 &&
		  SSL_CTX_use_PrivateKey(t->ctx, k) == 1 && SSL_CTX_check_private_key(t->ctx) == 1;

	X509_free(x);
	EVP_PKEY_free(k);
	BIO_free(cert);
	BIO_free(key);
	return ok ? RC_OK : failed(err, t, "client certificate for");
}

static enum rc
expect_name(struct tls *t, const char *name, struct err *err)
{
	unsigned char any[16];
	bool address = inet_pton(AF_INET, name, any) == 1 || inet_pton(AF_INET6, name, any) == 1;
	bool ok;

	if (address)
		ok = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(t->ssl), name) == 1;
	else
		ok = SSL_set_tlsext_host_name(t->ssl, name) == 1 &&
		     SSL_set1_host(t->ssl, name) == 1;
	SSL_set_hostflags(t->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return ok ? RC_OK : failed(err, t, "TLS name");
}

static enum rc
prepare(struct tls *t, const struct tls_opts *o, struct err *err)
{
	enum rc rc = RC_OK;

	t->ctx = SSL_CTX_new(TLS_client_method());
	if (t->ctx == NULL || SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION) != 1)
		return failed(err, t, "TLS to");
	SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, NULL);
	if (o->ca_pem != NULL)
		rc = trust_pem(t, o->ca_pem, err);
	else if (o->ca_file != NULL && SSL_CTX_load_verify_file(t->ctx, o->ca_file) != 1)
		rc = failed(err, t, "reading the CA file for");
	else if (o->ca_file == NULL && SSL_CTX_set_default_verify_paths(t->ctx) != 1)
		rc = failed(err, t, "reading the machine's CAs for");
	if (rc == RC_OK && o->cert_pem != NULL)
		rc = use_certificate(t, o, err);
	if (rc != RC_OK)
		return rc;
	t->ssl = SSL_new(t->ctx);
	t->in = BIO_new(BIO_s_mem());
	t->out = BIO_new(BIO_s_mem());
	if (t->ssl == NULL || t->in == NULL || t->out == NULL) {
		BIO_free(t->in);
		BIO_free(t->out);
		return failed(err, t, "TLS to");
	}
	SSL_set_bio(t->ssl, t->in, t->out);
	SSL_set_connect_state(t->ssl);
	return expect_name(t, o->name, err);
}

enum rc
tls_new(struct tls **ret, const struct tls_opts *opts, struct err *err)
{
	struct tls *t = stdmem_get(sizeof *t);
	enum rc rc;

	t->name = stdmem_str(opts->name);
	ERR_clear_error();
	rc = prepare(t, opts, err);
	if (rc == RC_OK)
		*ret = t;
	else
		tls_free(&t);
	return rc;
}

void
tls_free(struct tls **pt)
{
	struct tls *t = *pt;

	if (t == NULL)
		return;
	*pt = NULL;
	SSL_free(t->ssl);
	SSL_CTX_free(t->ctx);
	free(t->name);
	free(t);
}

static void
drain(struct tls *t, struct buf *wire)
{
	char chunk[4096];
	int n;

	while ((n = BIO_read(t->out, chunk, sizeof chunk)) > 0)
		buf_add(wire, chunk, (size_t)n);
}

enum tls_state
tls_feed(struct tls *t, const void *in, size_t n, struct buf *clear, struct buf *wire,
	struct err *err)
{
	char chunk[4096];
	int got;

	ERR_clear_error();
	if (n > 0 && BIO_write(t->in, in, (int)n) != (int)n) {
		(void)failed(err, t, "TLS with");
		return TLS_FAILED;
	}
	if (!SSL_is_init_finished(t->ssl)) {
		got = SSL_do_handshake(t->ssl);
		drain(t, wire);
		if (got != 1 && SSL_get_error(t->ssl, got) == SSL_ERROR_WANT_READ)
			return TLS_WANTS;
		if (got != 1) {
			(void)failed(err, t, "TLS handshake with");
			return TLS_FAILED;
		}
	}
	while ((got = SSL_read(t->ssl, chunk, sizeof chunk)) > 0)
		buf_add(clear, chunk, (size_t)got);
	drain(t, wire);
	switch (SSL_get_error(t->ssl, got)) {
	case SSL_ERROR_WANT_READ:
		return TLS_READY;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_ENDED;
	default:
		(void)failed(err, t, "TLS with");
		return TLS_FAILED;
	}
}

enum rc
tls_write(struct tls *t, const void *p, size_t n, struct buf *wire, struct err *err)
{
	ERR_clear_error();
	if (n > 0 && SSL_write(t->ssl, p, (int)n) != (int)n)
		return failed(err, t, "TLS to");
	drain(t, wire);
	return RC_OK;
}

void
tls_close_notify(struct tls *t, struct buf *wire)
{
	ERR_clear_error();
	(void)SSL_shutdown(t->ssl);
	drain(t, wire);
	ERR_clear_error();
}
