/* sign.c - Ed25519 signatures and their key files. */
#include "os/sign.h"

#include "os/stdmem.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_LEN = 4096, RAW = 64 };

struct sign_key {
	EVP_PKEY *key;
};

/* --- files --- */

static FILE *
open_new(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (f == NULL && fd >= 0)
		(void)close(fd);
	return f;
}

/* Whole or not there: written beside, synced, renamed. */
static enum rc
save(const EVP_PKEY *key, const char *path, bool secret, struct err *err)
{
	char fresh[PATH_LEN];
	FILE *f;
	bool ok;

	(void)snprintf(fresh, sizeof fresh, "%s.new", path);
	(void)unlink(fresh);
	f = open_new(fresh, secret ? 0600 : 0644);
	if (f == NULL)
		return err_set(err, RC_IO, "%s: %s", fresh, strerror(errno));
	ok = (secret ? PEM_write_PKCS8PrivateKey(f, key, NULL, NULL, 0, NULL, NULL)
		     : PEM_write_PUBKEY(f, key)) == 1;
	ok = fflush(f) == 0 && fsync(fileno(f)) == 0 && ok;
	ok = fclose(f) == 0 && ok;
	if (ok && rename(fresh, path) == 0)
		return RC_OK;
	(void)unlink(fresh);
	return err_set(err, RC_IO, "%s cannot be written: %s", path, strerror(errno));
}

static bool
is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static enum rc
load(struct sign_key *k, const char *path, struct err *err)
{
	FILE *f = fopen(path, "re");
	struct stat st;

	if (f == NULL)
		return err_set(err, RC_IO, "%s: %s", path, strerror(errno));
	if (fstat(fileno(f), &st) != 0 || (st.st_mode & 077) != 0) {
		(void)fclose(f);
		return err_set(
			err, RC_INVALID, "%s can be read by others: chmod 600 %s", path, path);
	}
	k->key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	(void)fclose(f);
	if (k->key == NULL || EVP_PKEY_get_id(k->key) != EVP_PKEY_ED25519)
		return err_set(err, RC_INVALID, "%s is no Ed25519 key in PEM", path);
	return RC_OK;
}

enum rc
sign_open(struct sign_key **ret, const char *dir, struct err *err)
{
	struct sign_key *k = stdmem_get(sizeof *k);
	char key[PATH_LEN], pub[PATH_LEN];
	enum rc rc = RC_OK;

	(void)snprintf(key, sizeof key, "%.4000s/head.key", dir);
	(void)snprintf(pub, sizeof pub, "%.4000s/head.pub", dir);
	if (is_there(key)) {
		rc = load(k, key, err);
	} else if (is_there(pub)) {
		rc = err_set(err, RC_NOTFOUND,
			"%s is gone and %s is there: put the key back, or take the other away too "
			"(heads are then "
			"signed by a new one)",
			key, pub);
	} else {
		k->key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		rc = k->key != NULL ? save(k->key, key, true, err)
				    : err_set(err, RC_UNSUPPORTED, "OpenSSL makes no Ed25519 key");
	}
	if (rc == RC_OK && !is_there(pub))
		rc = save(k->key, pub, false, err);
	if (rc != RC_OK)
		sign_free(&k);
	*ret = k;
	return rc;
}

void
sign_free(struct sign_key **pk)
{
	if (*pk == NULL)
		return;
	EVP_PKEY_free((*pk)->key);
	free(*pk);
	*pk = NULL;
}

/* --- signatures --- */

bool
sign_text(const struct sign_key *k, const char *text, char ret[SIGN_TEXT])
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	unsigned char raw[RAW];
	size_t n = sizeof raw;
	bool ok = c != NULL && EVP_DigestSignInit(c, NULL, NULL, NULL, k->key) == 1 &&
		  EVP_DigestSign(c, raw, &n, (const unsigned char *)text, strlen(text)) == 1 &&
		  n == sizeof raw;

	if (ok)
		(void)EVP_EncodeBlock((unsigned char *)ret, raw, (int)n);
	EVP_MD_CTX_free(c);
	return ok;
}

enum rc
sign_check(const char *pem_file, const char *text, const char *signature, struct err *err)
{
	FILE *f = fopen(pem_file, "re");
	EVP_PKEY *key = f != NULL ? PEM_read_PUBKEY(f, NULL, NULL, NULL) : NULL;
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	unsigned char raw[RAW + 8];
	enum rc rc = RC_OK;

	if (f == NULL)
		rc = err_set(err, RC_IO, "%s: %s", pem_file, strerror(errno));
	else if (key == NULL || EVP_PKEY_get_id(key) != EVP_PKEY_ED25519)
		rc = err_set(err, RC_INVALID, "%s is no Ed25519 public key in PEM", pem_file);
	else if (strlen(signature) != SIGN_TEXT - 1 ||
		 EVP_DecodeBlock(raw, (const unsigned char *)signature, SIGN_TEXT - 1) < RAW ||
		 c == NULL || EVP_DigestVerifyInit(c, NULL, NULL, NULL, key) != 1 ||
		 EVP_DigestVerify(c, raw, RAW, (const unsigned char *)text, strlen(text)) != 1)
		rc = err_set(err, RC_CONFLICT, "its signature is not by the key in %s", pem_file);
	EVP_MD_CTX_free(c);
	EVP_PKEY_free(key);
	if (f != NULL)
		(void)fclose(f);
	return rc;
}
