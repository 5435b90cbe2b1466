/* place.c - the folder of the journal, and the lock that one ferryman holds on it for life. */
#include "state/place.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* How long to wait for the one who has just taken the lock to write who it is: 50 x 10 ms. */
enum { HOLDER_MAX = 400, NAMED_TRIES = 50, NAMED_MS = 10 };

void
place_path(char out[static PLACE_MAX], const char *dir, const char *name)
{
	if (snprintf(out, PLACE_MAX, "%s/%s", dir, name) >= PLACE_MAX)
		out[0] = '\0'; /* opens as "no such file" */
}

static enum rc
fail(const char *dir, const char *name, const char *doing, struct err *err)
{
	int code = errno;
	enum rc rc = code == EACCES || code == EPERM ? RC_DENIED : RC_IO;

	return err_set(err, rc, "%s%s%s: cannot %s: %s", dir, name[0] != '\0' ? "/" : "", name,
		doing, strerror(code));
}

enum rc
place_sync(const char *dir, struct err *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum rc rc = RC_OK;

	if (fd < 0 || fsync(fd) != 0)
		rc = fail(dir, "", "make the folder durable", err);
	if (fd >= 0)
		(void)close(fd);
	return rc;
}

static enum rc
sync_parent(const char *dir, struct err *err)
{
	char up[PLACE_MAX];

	place_path(up, dir, "..");
	return place_sync(up, err);
}

static enum rc
fits(const char *dir, struct err *err)
{
	return strlen(dir) + sizeof "/" PLACE_DB "-journal" <= PLACE_MAX
		       ? RC_OK
		       : err_set(err, RC_INVALID, "the path of the journal's folder is too long");
}

enum rc
place_make(const char *dir, struct err *err)
{
	struct stat st;

	if (fits(dir, err) != RC_OK)
		return RC_INVALID;
	if (mkdir(dir, 0700) == 0)
		return sync_parent(dir, err);
	if (errno != EEXIST)
		return fail(dir, "", "create the folder", err);
	if (stat(dir, &st) != 0)
		return fail(dir, "", "look at it", err);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, RC_INVALID, "%s is not a folder", dir);
	if ((st.st_mode & 077) != 0)
		return err_set(err, RC_DENIED,
			"%s is open to other users (mode %04o); run: chmod 700 %s", dir,
			(unsigned)(st.st_mode & 07777), dir);
	return RC_OK;
}

/*
 * The log's first records, both head slots, and the 32 kB of the log's index. The last are why this
 * is asked at all: SQLite maps them into memory and touches one byte of each 4 kB beforehand, so on
 * a full disk with smaller blocks the rest of them is a bus error and not an answer.
 */
enum { ROOM_MIN = 256 * 1024 };

enum rc
place_room(const char *dir, struct err *err)
{
	struct statvfs fs;
	unsigned long long free_bytes;

	if (statvfs(dir, &fs) != 0)
		return fail(dir, "", "ask how much room is left", err);
	free_bytes = (unsigned long long)(geteuid() == 0 ? fs.f_bfree : fs.f_bavail) * fs.f_frsize;
	if (free_bytes >= ROOM_MIN)
		return RC_OK;
	return err_set(err, RC_FULL,
		"%s: the disk is full: %llu kB are free, and ferryman begins nothing with less "
		"than %d; make room and start it again",
		dir, free_bytes / 1024, ROOM_MIN / 1024);
}

/* Root works in the folder of the user that the daemon runs as; what it makes there must stay
 * usable. */
static int
give_to_owner(int fd, const char *dir)
{
	struct stat st;

	if (geteuid() != 0)
		return 0;
	return stat(dir, &st) == 0 ? fchown(fd, st.st_uid, st.st_gid) : -1;
}

enum rc
place_file(const char *dir, const char *name, struct err *err)
{
	char path[PLACE_MAX];
	enum rc rc = RC_OK;
	int fd;

	place_path(path, dir, name);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return RC_OK;
	if (fd < 0)
		return fail(dir, name, "create it", err);
	if (give_to_owner(fd, dir) != 0 || fsync(fd) != 0)
		rc = fail(dir, name, "create it", err);
	(void)close(fd);
	return rc == RC_OK ? place_sync(dir, err) : rc;
}

enum rc
place_reach(const char *dir, struct err *err)
{
	char inside[PLACE_MAX];

	if (fits(dir, err) != RC_OK)
		return RC_INVALID;
	place_path(inside, dir, "."); /* what is no folder holds nothing */
	if (access(inside, R_OK | X_OK) == 0)
		return RC_OK;
	if (errno == ENOENT || errno == ENOTDIR)
		return err_set(err, RC_NOTFOUND,
			"%s holds no journal: nothing was started there yet", dir);
	if (errno == EACCES)
		return err_set(err, RC_DENIED,
			"%s is closed to this user; ask as root, or as the user that ferryman runs "
			"as",
			dir);
	return fail(dir, "", "look into it", err);
}

long long
place_size(const char *dir, const char *name)
{
	char path[PLACE_MAX];
	struct stat st;

	place_path(path, dir, name);
	return stat(path, &st) == 0 ? (long long)st.st_size : -1;
}

/* --- files that stay --- */

static const char *const marked[] = { PLACE_DB, PLACE_HEAD, PLACE_LOCK };

enum rc
place_mark(const char *dir, struct place_files *ret, struct err *err)
{
	for (size_t i = 0; i < sizeof marked / sizeof marked[0]; i++) {
		char path[PLACE_MAX];
		struct stat st;

		place_path(path, dir, marked[i]);
		if (stat(path, &st) != 0)
			return fail(dir, marked[i], "look at it", err);
		ret->file[i].dev = st.st_dev;
		ret->file[i].ino = st.st_ino;
	}
	return RC_OK;
}

enum rc
place_holds(const char *dir, const struct place_files *files, struct err *err)
{
	struct place_files now = { 0 };
	enum rc rc = place_mark(dir, &now, err);

	for (size_t i = 0; i < sizeof marked / sizeof marked[0] && rc == RC_OK; i++)
		if (now.file[i].dev != files->file[i].dev || now.file[i].ino != files->file[i].ino)
			rc = err_set(err, RC_CORRUPT, "%s/%s was replaced while it was written",
				dir, marked[i]);
	return rc;
}

/* --- the lock --- */

/* Whether the two lines are there and of a process that lives; line gets the second. */
static bool
holder_read(int fd, char line[static HOLDER_MAX])
{
	char text[HOLDER_MAX], *second;
	ssize_t n = pread(fd, text, sizeof text - 1, 0);
	long pid;

	(void)snprintf(line, HOLDER_MAX, "a process that has not said its name");
	if (n <= 0)
		return false;
	text[n] = '\0';
	second = strchr(text, '\n');
	if (second == NULL || text[n - 1] != '\n')
		return false;
	pid = strtol(text, NULL, 10);
	text[n - 1] = '\0';
	(void)snprintf(line, HOLDER_MAX, "%s", second + 1);
	return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

/* Whoever holds it names itself in a moment; who only asks (place_free) is gone in one. */
static enum rc
lock(int fd, const char *dir, struct err *err)
{
	char line[HOLDER_MAX];
	int rc = flock(fd, LOCK_EX | LOCK_NB);

	for (int i = 0; rc != 0 && errno == EWOULDBLOCK; i++) {
		if (holder_read(fd, line) || i == NAMED_TRIES)
			return err_set(err, RC_BUSY, "%s is held by %s", dir, line);
		(void)poll(NULL, 0, NAMED_MS);
		rc = flock(fd, LOCK_EX | LOCK_NB);
	}
	return rc == 0 ? RC_OK : fail(dir, PLACE_LOCK, "lock it", err);
}

static bool
holder_write(int fd, const char *holder)
{
	char text[HOLDER_MAX];
	int n = snprintf(text, sizeof text - 1, "%ld\n%s", (long)getpid(),
		holder != NULL ? holder : "ferryman");

	if (n > (int)sizeof text - 2)
		n = (int)sizeof text - 2;
	for (char *p = strchr(text, '\n') + 1; *p != '\0'; p++)
		if (*p == '\n')
			*p = ' ';
	text[n++] = '\n';
	return ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) == n;
}

/* Whether the locked file is still the one that the name leads to. */
static bool
still_there(int fd, const char *path)
{
	struct stat mine, named;

	return fstat(fd, &mine) == 0 && stat(path, &named) == 0 && mine.st_ino == named.st_ino &&
	       mine.st_dev == named.st_dev;
}

enum rc
place_lock(int *ret_fd, const char *dir, const char *holder, struct err *err)
{
	char path[PLACE_MAX];
	enum rc rc = place_file(dir, PLACE_LOCK, err);
	int fd;

	if (rc != RC_OK)
		return rc;
	place_path(path, dir, PLACE_LOCK);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return fail(dir, PLACE_LOCK, "open it", err);
	rc = lock(fd, dir, err);
	if (rc == RC_OK && !still_there(fd, path))
		rc = err_set(err, RC_BUSY, "%s was replaced meanwhile; try again", path);
	else if (rc == RC_OK && !holder_write(fd, holder))
		rc = fail(dir, PLACE_LOCK, "write who holds it", err);
	if (rc != RC_OK) {
		(void)close(fd);
		return rc;
	}
	*ret_fd = fd;
	return RC_OK;
}

bool
place_free(const char *dir)
{
	char path[PLACE_MAX];
	bool is_free;
	int fd;

	place_path(path, dir, PLACE_LOCK);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT;
	is_free = flock(fd, LOCK_SH | LOCK_NB) == 0;
	(void)close(fd);
	return is_free;
}

void
place_unlock(int *fd)
{
	if (*fd < 0)
		return;
	/* An empty file names nobody. If this fails, the line names a process that has gone, and
	 * whoever finds it locked sees that; the lock itself goes with the descriptor. */
	if (ftruncate(*fd, 0) != 0)
		errno = 0;
	(void)close(*fd);
	*fd = -1;
}
