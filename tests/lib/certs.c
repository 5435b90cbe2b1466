/* certs.c - a CA and one certificate below it, by OpenSSL. */
#include "lib/certs.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

static bool
extend(X509 *x, X509 *ca, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;
	bool ok;

	X509V3_set_ctx(&ctx, ca, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = e != NULL && X509_add_ext(x, e, -1) == 1;
	X509_EXTENSION_free(e);
	return ok;
}

static X509 *
make(const char *name, EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key, long serial)
{
	X509 *x = X509_new();
	X509_NAME *n = X509_NAME_new();
	bool ok;

	(void)X509_NAME_add_entry_by_txt(
		n, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	ok = X509_set_version(x, 2) == 1 &&
	     ASN1_INTEGER_set(X509_get_serialNumber(x), serial) == 1 &&
	     X509_gmtime_adj(X509_getm_notBefore(x), -3600) != NULL &&
	     X509_gmtime_adj(X509_getm_notAfter(x), 86400) != NULL &&
	     X509_set_subject_name(x, n) == 1 &&
	     X509_set_issuer_name(x, ca != NULL ? X509_get_subject_name(ca) : n) == 1 &&
	     X509_set_pubkey(x, key) == 1;
	if (ca == NULL)
		ok = ok && extend(x, x, NID_basic_constraints, "critical,CA:TRUE");
	else
		ok = ok && extend(x, ca, NID_subject_alt_name,
				   "DNS:localhost,DNS:mx.fake.example,IP:127.0.0.1");
	ok = ok && X509_sign(x, ca_key, EVP_sha256()) > 0;
	X509_NAME_free(n);
	if (ok)
		return x;
	X509_free(x);
	return NULL;
}

static bool
save(const char *dir, const char *file, X509 *x, EVP_PKEY *key)
{
	char path[512];
	FILE *f;
	bool ok;

	(void)snprintf(path, sizeof path, "%s/%s", dir, file);
	f = fopen(path, "w");
	if (f == NULL)
		return false;
	ok = x != NULL ? PEM_write_X509(f, x) == 1
		       : PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1;
	return fclose(f) == 0 && ok;
}

bool
certs_make(const char *dir)
{
	EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
	X509 *ca = make("tests' own CA", ca_key, NULL, ca_key, 1);
	X509 *cert = ca != NULL ? make("localhost", key, ca, ca_key, 2) : NULL;
	bool ok = cert != NULL && save(dir, "ca.pem", ca, NULL) &&
		  save(dir, "cert.pem", cert, NULL) && save(dir, "key.pem", NULL, key);

	X509_free(cert);
	X509_free(ca);
	EVP_PKEY_free(key);
	EVP_PKEY_free(ca_key);
	return ok;
}
