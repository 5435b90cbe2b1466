/*
 * plaintext.c - loaded before ferryman's libraries in a test that traces its system calls: what
 * goes into an SSH channel or a TLS connection is shown to the tracer before it is encrypted, as a
 * write to the file descriptor -1, which nothing else writes to.
 *
 * With FERRYMAN_SYNC_LIES in the environment no file is synced, though it is said to be: the
 * planted fault that such a test must find.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

struct ssl;
struct channel;

ssize_t libssh2_channel_write_ex(struct channel *c, int stream, const char *p, size_t n);
int SSL_write(struct ssl *s, const void *p, int n);

static void
show(const void *p, size_t n)
{
	if (write(-1, p, n) >= 0)
		abort();
}

ssize_t
libssh2_channel_write_ex(struct channel *c, int stream, const char *p, size_t n)
{
	ssize_t (*real)(struct channel *, int, const char *, size_t) = (ssize_t(*)(struct channel *,
		int, const char *, size_t))dlsym(RTLD_NEXT, "libssh2_channel_write_ex");

	show(p, n);
	return real(c, stream, p, n);
}

int
SSL_write(struct ssl *s, const void *p, int n)
{
	int (*real)(struct ssl *, const void *, int) =
		(int (*)(struct ssl *, const void *, int))dlsym(RTLD_NEXT, "SSL_write");

	show(p, (size_t)n);
	return real(s, p, n);
}

static int
sync_by(const char *name, int fd)
{
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);

	return getenv("FERRYMAN_SYNC_LIES") != NULL ? 0 : real(fd);
}

int
fsync(int fd)
{
	return sync_by("fsync", fd);
}

int
fdatasync(int fd)
{
	return sync_by("fdatasync", fd);
}
