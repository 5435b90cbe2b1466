/*
 * interpose.h - the n-th request for memory, or the n-th write, fsync, open or rename, fails: ours
 * and that of the libraries alike, for these definitions stand before those of the C library in the
 * program that includes them. One program does; what it asks for is in `nth`.
 *
 * Counted, and failed, is only what happens while `nth.armed`: in ferryman's own code and what that
 * calls, on any thread.
 */
#ifndef FERRYMAN_TESTS_INTERPOSE_H
#define FERRYMAN_TESTS_INTERPOSE_H

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

enum nth_kind { NTH_MALLOC, NTH_WRITE, NTH_FSYNC, NTH_OPEN, NTH_RENAME, NTH_KINDS };

static struct {
	atomic_bool armed;
	enum nth_kind kind;
	long at; /* from 1; 0 = none */
	bool for_ever;
	int error;    /* errno; 0 of a write: half of it is written */
	bool retries; /* a twin: a failed fsync is asked again, and nobody hears of the failure */
	atomic_bool struck, journal_struck; /* the latter: a file of the journal */
	char path[256];			    /* of the file whose fsync failed first */
	atomic_long n[NTH_KINDS];
	atomic_long later; /* writes and fsyncs of the journal since one of its fsyncs failed */
} nth;

#if defined(__SANITIZE_ADDRESS__)
enum { NTH_HAS_MALLOC = 0 }; /* the sanitizer's own stands there */
#else
enum { NTH_HAS_MALLOC = 1 };
#endif

static bool
nth_strikes(enum nth_kind kind)
{
	long n;

	if (!atomic_load(&nth.armed))
		return false;
	n = atomic_fetch_add(&nth.n[kind], 1) + 1;
	if (kind != nth.kind || nth.at == 0 || n < nth.at || (n > nth.at && !nth.for_ever))
		return false;
	atomic_store(&nth.struck, true);
	return true;
}

/* --- memory --- */

#if !defined(__SANITIZE_ADDRESS__)
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *malloc(size_t n);
void *calloc(size_t n, size_t size);
void *realloc(void *p, size_t n);

static void *
nth_none(void)
{
	errno = ENOMEM;
	return NULL;
}

void *
malloc(size_t n)
{
	return nth_strikes(NTH_MALLOC) ? nth_none() : __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	return nth_strikes(NTH_MALLOC) ? nth_none() : __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	return n > 0 && nth_strikes(NTH_MALLOC) ? nth_none() : __libc_realloc(p, n);
}
#endif

/* --- files --- */

static int
nth_error(void)
{
	errno = nth.error;
	return -1;
}

static void
nth_path(int fd, char out[256])
{
	char link[64];
	long n;

	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = syscall(SYS_readlink, link, out, 255);
	out[n > 0 ? n : 0] = '\0';
}

/* Database, its logs and the head file; not the folder, not the key that signs heads. */
static bool
nth_is_journal(int fd)
{
	char path[256];
	size_t n;

	nth_path(fd, path);
	n = strlen(path);
	return strstr(path, "/journal.db") != NULL || (n > 5 && strcmp(path + n - 5, "/head") == 0);
}

static void
nth_later(int fd)
{
	if (atomic_load(&nth.armed) && atomic_load(&nth.journal_struck) && nth_is_journal(fd))
		(void)atomic_fetch_add(&nth.later, 1);
}

static ssize_t
nth_pwrite(int fd, const void *p, size_t n, off_t at)
{
	nth_later(fd);
	if (nth_strikes(NTH_WRITE)) {
		if (nth.error != 0)
			return nth_error();
		n = n > 1 ? n / 2 : n;
	}
	return syscall(SYS_pwrite64, fd, p, n, at);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at);
ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	return nth_pwrite(fd, p, n, at);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off_t at);
ssize_t
pwrite64(int fd, const void *p, size_t n, off_t at)
{
	return nth_pwrite(fd, p, n, at);
}

/* An eventfd is woken by a write that cannot fail, and that is no disk's. */
ssize_t write(int fd, const void *p, size_t n);
ssize_t
write(int fd, const void *p, size_t n)
{
	if (n != 8 && nth_strikes(NTH_WRITE)) {
		if (nth.error != 0)
			return nth_error();
		n = n > 1 ? n / 2 : n;
	}
	return syscall(SYS_write, fd, p, n);
}

static int
nth_sync(int fd, long call)
{
	nth_later(fd);
	if (!nth_strikes(NTH_FSYNC))
		return (int)syscall(call, fd);
	if (nth.path[0] == '\0')
		nth_path(fd, nth.path);
	if (nth_is_journal(fd))
		atomic_store(&nth.journal_struck, true);
	if (!nth.retries) /* a twin: asked again, and this time it says yes */
		return nth_error();
	nth_later(fd);
	return (int)syscall(call, fd);
}

int fsync(int fd);
int
fsync(int fd)
{
	return nth_sync(fd, SYS_fsync);
}

int fdatasync(int fd);
int
fdatasync(int fd)
{
	return nth_sync(fd, SYS_fdatasync);
}

static int
nth_open(const char *path, int flags, unsigned mode)
{
	/* what the kernel tells of itself is no file of ferryman's */
	if (strncmp(path, "/proc/", 6) != 0 && strncmp(path, "/dev/u", 6) != 0 &&
		nth_strikes(NTH_OPEN))
		return nth_error();
	return (int)syscall(SYS_openat, -100, path, flags, mode);
}

#define NTH_OPEN_AS(name)                                                                          \
	int name(const char *path, int flags, ...);                                                \
	int name(const char *path, int flags, ...)                                                 \
	{                                                                                          \
		unsigned mode;                                                                     \
		va_list args;                                                                      \
                                                                                                   \
		va_start(args, flags);                                                             \
		mode = va_arg(args, unsigned);                                                     \
		va_end(args);                                                                      \
		return nth_open(path, flags, mode);                                                \
	}
NTH_OPEN_AS(open)
NTH_OPEN_AS(open64)

int rename(const char *from, const char *to);
int
rename(const char *from, const char *to)
{
	return nth_strikes(NTH_RENAME) ? nth_error()
				       : (int)syscall(SYS_renameat2, -100, from, -100, to, 0);
}

/* Two lives from the same beginning must be the same: identities and salts are drawn the same. */
ssize_t getrandom(void *p, size_t n, unsigned flags);
ssize_t
getrandom(void *p, size_t n, unsigned flags)
{
	(void)flags;
	memset(p, 0x5a, n);
	return (ssize_t)n;
}

#endif
