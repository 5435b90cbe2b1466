/* secret.c - credentials in memory. */
#include "os/secret.h"

#include "os/stdmem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECRET_MAX = 64 * 1024 };

struct secret {
	size_t len;
	char text[];
};

struct secret *
secret_new(const void *p, size_t n)
{
	struct secret *s = stdmem_get(sizeof *s + n + 1);

	(void)mlock(s, sizeof *s + n + 1); /* a small RLIMIT_MEMLOCK is no reason to fail */
	s->len = n;
	memcpy(s->text, p, n);
	return s;
}

void
secret_free(struct secret **s)
{
	size_t n;

	if (*s == NULL)
		return;
	n = sizeof **s + (*s)->len + 1;
	explicit_bzero((*s)->text, (*s)->len);
	(void)munlock(*s, n);
	free(*s);
	*s = NULL;
}

const char *
secret_reveal(const struct secret *s)
{
	return s->text;
}

size_t
secret_len(const struct secret *s)
{
	return s->len;
}

static struct secret *
from_text(const char *p, size_t n)
{
	if (n > 0 && p[n - 1] == '\n')
		n--;
	if (n > 0 && p[n - 1] == '\r')
		n--;
	return secret_new(p, n);
}

static enum rc
check_mode(int fd, const char *path, int public, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return err_set(err, RC_IO, "%s is no regular file", path);
	if (!public && (st.st_mode & 077) != 0)
		return err_set(err, RC_DENIED,
			"%s can be read by others (mode %04o); run: chmod 0600 %s", path,
			(unsigned)st.st_mode & 07777, path);
	return RC_OK;
}

static enum rc
from_file(struct secret **ret, const char *path, int public, struct err *err)
{
	char *text;
	size_t n = 0;
	ssize_t got = 1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum rc rc;

	if (fd < 0)
		return err_set(err, errno == ENOENT ? RC_NOTFOUND : RC_IO, "cannot read %s: %s",
			path, strerror(errno));
	rc = check_mode(fd, path, public, err);
	if (rc != RC_OK) {
		(void)close(fd);
		return rc;
	}
	text = stdmem_get(SECRET_MAX + 1);
	while (got > 0 && n <= SECRET_MAX) {
		got = read(fd, text + n, SECRET_MAX + 1 - n);
		if (got > 0)
			n += (size_t)got;
	}
	(void)close(fd);
	if (got < 0)
		rc = err_set(err, RC_IO, "cannot read %s: %s", path, strerror(errno));
	else if (n > SECRET_MAX)
		rc = err_set(err, RC_LIMIT, "%s is longer than 64 KiB", path);
	else
		*ret = from_text(text, n);
	explicit_bzero(text, SECRET_MAX + 1);
	free(text);
	return rc;
}

static enum rc
in_folder(struct secret **ret, const char *dir, const char *name, int public, struct err *err)
{
	char path[4096];
	int n;

	if (name[0] == '/' || dir == NULL)
		n = snprintf(path, sizeof path, "%s", name);
	else
		n = snprintf(path, sizeof path, "%s/%s", dir, name);
	if (n < 0 || (size_t)n >= sizeof path)
		return err_set(err, RC_LIMIT, "the name of the file is too long");
	return from_file(ret, path, public, err);
}

enum rc
secret_fetch(
	struct secret **ret, struct secret_ref ref, const char *dir, int public, struct err *err)
{
	const char *text;

	switch (ref.kind) {
	case SECRET_FILE:
		return in_folder(ret, dir, ref.name, public, err);
	case SECRET_ENV:
		text = getenv(ref.name);
		if (text == NULL)
			return err_set(err, RC_NOTFOUND, "the variable %s is not set", ref.name);
		*ret = secret_new(text, strlen(text));
		return RC_OK;
	case SECRET_CREDENTIAL:
		text = getenv("CREDENTIALS_DIRECTORY");
		if (text == NULL)
			return err_set(err, RC_NOTFOUND,
				"no CREDENTIALS_DIRECTORY: {credential: %s} needs systemd's "
				"LoadCredential",
				ref.name);
		return in_folder(ret, text, ref.name, public, err);
	case SECRET_INLINE:
		*ret = secret_new(ref.name, strlen(ref.name));
		return RC_OK;
	case SECRET_NONE:
		break;
	}
	return err_set(err, RC_NOTFOUND, "no secret is named");
}
