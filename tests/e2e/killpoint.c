/*
 * killpoint.c - ends ferryman by SIGKILL at a record of its journal, or holds it there. A library
 * for LD_PRELOAD, so that the program under test is the product as it was built, byte for byte.
 *
 * It stands between ferryman and SQLite and between SQLite and the disk, and sees each INTENT and
 * RESULT that this process writes, as "TYPE STEP DIR". KILL_AT lists points, with ';' between, and
 * the first that comes is taken, or the KILL_NTH that comes: "after TYPE STEP DIR", as soon as the
 * head file names that record and fdatasync has returned: nobody has been told of it yet, so no
 * effect has left; "before TYPE STEP DIR", as soon as it is to be written, so it never is. With
 * KILL_HOLD it is not killed, but its journal stands still at each of the points until that file is
 * there, and the file is removed. Each record, and "killed POINT" or "held POINT", is a line in the
 * file KILL_NOTE.
 */
#include <sqlite3.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIELD = 64 };

/* The store writes on one thread; the verb that opened it has stopped writing before that begins.
 */
static struct {
	long equal;	     /* points so far that are listed */
	char due[6 * FIELD]; /* the one that is written: when its head is on the disk, it is time */
	int head; /* descriptor that was last given a slot of the head file; 0 = none since */
} kp;

static void *
next(const char *name)
{
	void *f = dlsym(RTLD_NEXT, name);

	if (f == NULL)
		abort();
	return f;
}

static bool
listed(const char *list, const char *point)
{
	size_t n = strlen(point);

	for (const char *at = strstr(list, point); at != NULL; at = strstr(at + 1, point))
		if ((at == list || at[-1] == ';') && (at[n] == '\0' || at[n] == ';'))
			return true;
	return false;
}

static bool
is_the_one(const char *point)
{
	const char *at = getenv("KILL_AT"), *nth = getenv("KILL_NTH");

	if (at == NULL || !listed(at, point))
		return false;
	return getenv("KILL_HOLD") != NULL ||
	       ++kp.equal == (nth != NULL ? strtol(nth, NULL, 10) : 1);
}

/* The value of "name": in a record, without quotes; "-" where there is none. */
static void
field(const char *record, const char *name, char out[FIELD])
{
	char mark[FIELD];
	const char *at;
	size_t n;

	(void)snprintf(mark, sizeof mark, "\"%s\":", name);
	(void)snprintf(out, FIELD, "-");
	at = strstr(record, mark);
	if (at == NULL)
		return;
	at += strlen(mark);
	at += *at == '"';
	n = strcspn(at, "\",}");
	if (n > 0 && n < FIELD)
		(void)snprintf(out, FIELD, "%.*s", (int)n, at);
}

static void
note(const char *text)
{
	const char *path = getenv("KILL_NOTE");
	int fd = path != NULL ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644) : -1;

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort(); /* a kill that nobody hears of would pass for a run without one */
	(void)close(fd);
}

static void
strike(const char *point)
{
	const char *until = getenv("KILL_HOLD");
	char line[6 * FIELD];

	(void)snprintf(line, sizeof line, "%s %s\n", until != NULL ? "held" : "killed", point);
	note(line);
	while (until != NULL && unlink(until) != 0)
		(void)usleep(20000);
	if (until != NULL)
		return;
	(void)kill(getpid(), SIGKILL);
	for (;;)
		(void)pause();
}

static void
record_comes(const char *record)
{
	char type[FIELD], seq[FIELD], step[FIELD], dir[FIELD], name[4 * FIELD], line[6 * FIELD];

	field(record, "type", type);
	if (strcmp(type, "INTENT") != 0 && strcmp(type, "RESULT") != 0)
		return;
	field(record, "seq", seq);
	field(record, "step", step);
	field(record, "dir", dir);
	(void)snprintf(name, sizeof name, "%s %s %s", type, step, dir);
	(void)snprintf(line, sizeof line, "%s %s\n", seq, name);
	note(line);
	(void)snprintf(line, sizeof line, "before %s", name);
	if (is_the_one(line))
		strike(line);
	(void)snprintf(line, sizeof line, "after %s", name);
	if (is_the_one(line))
		memcpy(kp.due, line, sizeof kp.due);
}

int
sqlite3_bind_text(sqlite3_stmt *st, int i, const char *text, int n, void (*drop)(void *))
{
	int (*real)(sqlite3_stmt *, int, const char *, int, void (*)(void *)) =
		next("sqlite3_bind_text");

	if (text != NULL && strncmp(text, "{\"v\":", 5) == 0)
		record_comes(text);
	return real(st, i, text, n, drop);
}

static void
slot_comes(int fd, const void *p, size_t n)
{
	static const char mark[] = "ferryman-head ";

	if (n > sizeof mark && memcmp(p, mark, sizeof mark - 1) == 0)
		kp.head = fd;
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	ssize_t (*real)(int, const void *, size_t, off64_t) = next("pwrite64");

	slot_comes(fd, p, n);
	return real(fd, p, n, at);
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	return pwrite64(fd, p, n, at);
}

static int
synced(int fd, int rc)
{
	bool head = kp.head == fd;

	if (head)
		kp.head = 0;
	if (head && rc == 0 && kp.due[0] != '\0') {
		strike(kp.due);
		kp.due[0] = '\0';
	}
	return rc;
}

int
fdatasync(int fd)
{
	int (*real)(int) = next("fdatasync");

	return synced(fd, real(fd));
}

int
fsync(int fd)
{
	int (*real)(int) = next("fsync");

	return synced(fd, real(fd));
}
