/*
 * store_place.c - the folder of a journal: each call of the system that it makes fails in turn, and
 * what is said of it; the lock when somebody has it, left it, or replaced its file meanwhile; who
 * may see what is made there.
 *
 * The definitions below stand before those of the C library in this program, for the store and
 * SQLite alike.
 */
#include "contract/store_case.h"
#include "lib/faultvfs.h"
#include "os/digest.h"
#include "os/stdmem.h"
#include "state/audit.h"
#include "state/place.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- calls that fail --- */

enum call {
	CALL_MKDIR,
	CALL_STAT,
	CALL_STATVFS,
	CALL_ACCESS,
	CALL_OPEN,
	CALL_FSYNC,
	CALL_FCHOWN,
	CALL_FLOCK,
	CALL_FTRUNCATE,
	CALL_PWRITE,
	CALL_EVENTFD,
	CALL_THREAD,
	CALL_N
};

static struct {
	enum call call; /* CALL_N = none */
	int at, error;	/* the n-th of them, from 1 */
	int n;
	void (*before)(void); /* instead of failing */
	bool other_device;    /* the answer of stat: of the same number, on another disk */
	unsigned long long room;
} os = { .call = CALL_N };

static bool
fails(enum call call)
{
	if (os.call != call || ++os.n != os.at)
		return false;
	if (os.before != NULL) {
		os.call = CALL_N; /* what it does itself is not counted */
		os.before();
		return false;
	}
	errno = os.error;
	return os.error != 0;
}

int
mkdir(const char *path, mode_t mode)
{
	return fails(CALL_MKDIR) ? -1 : (int)syscall(SYS_mkdir, path, mode);
}

int
stat(const char *path, struct stat *st)
{
	bool bad = fails(CALL_STAT);
	int rc = bad ? -1 : fstatat(AT_FDCWD, path, st, 0);

	if (rc == 0 && os.other_device && os.call == CALL_STAT && os.n == os.at)
		st->st_dev++;
	return rc;
}

int
statvfs(const char *path, struct statvfs *fs)
{
	int fd = open(path, O_PATH | O_CLOEXEC), rc = fails(CALL_STATVFS) ? -1 : fstatvfs(fd, fs);
	int code = errno;

	if (fd >= 0)
		(void)close(fd);
	errno = code;
	if (rc == 0 && os.call == CALL_STATVFS)
		fs->f_bavail = fs->f_bfree = os.room / fs->f_frsize;
	return rc;
}

int
access(const char *path, int mode)
{
	return fails(CALL_ACCESS) ? -1 : (int)syscall(SYS_access, path, mode);
}

int
open(const char *path, int flags, ...)
{
	va_list args;
	unsigned mode;

	va_start(args, flags);
	mode = va_arg(args, unsigned);
	va_end(args);
	return fails(CALL_OPEN) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int
fsync(int fd)
{
	return fails(CALL_FSYNC) ? -1 : (int)syscall(SYS_fsync, fd);
}

int
fchown(int fd, uid_t uid, gid_t gid)
{
	return fails(CALL_FCHOWN) ? -1 : (int)syscall(SYS_fchown, fd, uid, gid);
}

int
flock(int fd, int how)
{
	return fails(CALL_FLOCK) ? -1 : (int)syscall(SYS_flock, fd, how);
}

int
ftruncate(int fd, off_t n)
{
	return fails(CALL_FTRUNCATE) ? -1 : (int)syscall(SYS_ftruncate, fd, n);
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	return fails(CALL_PWRITE) ? -1 : syscall(SYS_pwrite64, fd, p, n, at);
}

int
eventfd(unsigned n, int flags)
{
	return fails(CALL_EVENTFD) ? -1 : (int)syscall(SYS_eventfd2, n, flags);
}

typedef int thread_new_fn(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

int
pthread_create(pthread_t *ret, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
	static thread_new_fn *real;

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
	return fails(CALL_THREAD) ? os.error : real(ret, attr, fn, arg);
}

static void
fail(enum call call, int at, int error)
{
	os.call = call;
	os.at = at;
	os.error = error;
	os.n = 0;
}

static void
fail_none(void)
{
	memset(&os, 0, sizeof os);
	os.call = CALL_N;
}

/* One call fails while an actor opens; then it goes on as if nothing had been. */
static void
actor_fails(enum call call, int at, int error, enum rc want, const char *says)
{
	struct store *s = NULL;
	struct store_head h;
	struct err err = { 0 };
	enum rc rc;

	fail(call, at, error);
	rc = open_with(&s, &h, STORE_ACTOR, false, "the test", &err);
	fail_none();
	CHECK_STR(rc_name(rc), rc_name(want));
	CHECK(strstr(err.text, says) != NULL && strstr(err.text, dir) != NULL);
	if (strstr(err.text, says) == NULL || rc != want)
		printf("     call %d, %d: %s\n", (int)call, at, err.text);
	store_close(&s);
}

static void
goes_on(void)
{
	struct store_head h;
	struct store *s = actor(&h);

	if (s != NULL)
		fill(s, &h, 1);
	store_close(&s);
}

/* --- the folder --- */

static void
a_folder_that_cannot_be_made_is_named_with_its_reason(void)
{
	(void)rmdir(dir);
	actor_fails(CALL_MKDIR, 1, EACCES, RC_DENIED, "cannot create the folder: Permission");
	actor_fails(CALL_MKDIR, 1, EPERM, RC_DENIED, "cannot create the folder: Operation");
	actor_fails(CALL_MKDIR, 1, EROFS, RC_IO, "cannot create the folder: Read-only");
	actor_fails(CALL_MKDIR, 1, ENOSPC, RC_IO, "cannot create the folder: No space");
	CHECK_INT(mode_of("."), 0);
	actor_fails(CALL_OPEN, 1, EMFILE, RC_IO, "cannot make the folder durable"); /* its parent */
	(void)rmdir(dir);
	actor_fails(CALL_FSYNC, 1, EIO, RC_IO, "cannot make the folder durable: Input");
	goes_on();
}

static void
a_folder_that_cannot_be_looked_at_is_named(void)
{
	actor_fails(CALL_STAT, 1, EIO, RC_IO, "cannot look at it: Input");
	actor_fails(CALL_STATVFS, 1, EIO, RC_IO, "cannot ask how much room is left: Input");
	goes_on();
}

static void
what_is_no_folder_is_said_to_be_none(void)
{
	struct store *s = NULL;
	struct store_head h;
	struct err err = { 0 };
	char outside[RIG_PATH];

	memcpy(outside, dir, sizeof outside);
	rig_save(dir, "file", "x", 1);
	rig_path(dir, outside, "file");
	CHECK_INT(open_with(&s, &h, STORE_ACTOR, false, NULL, &err), RC_INVALID);
	CHECK(strstr(err.text, "/file is not a folder") != NULL);
	CHECK_INT(open_with(&s, &h, STORE_READER, false, NULL, &err), RC_NOTFOUND);
	memcpy(dir, outside, sizeof dir);
}

/* The same file by a longer name: nobody may be told that there is none. */
static void
a_path_that_is_too_long_is_refused_and_not_cut(void)
{
	static char path[2 * PLACE_MAX];
	struct store_opts o = { .dir = path, .mode = STORE_ACTOR };
	struct store *s = NULL;
	struct store_head h;
	struct audit a;
	struct err err = { 0 };

	goes_on();
	(void)snprintf(path, sizeof path, "%s", dir);
	for (size_t n = strlen(path); n < PLACE_MAX - 8; n += 2)
		memcpy(path + n, "/.", 3);
	CHECK_INT(store_open(&s, &o, &h, &err), RC_INVALID);
	CHECK(strstr(err.text, "too long") != NULL);
	o.mode = STORE_READER;
	CHECK_INT(store_open(&s, &o, &h, &err), RC_INVALID);
	CHECK_INT(audit_verify(path, NULL, 0, &a, &err), RC_INVALID);
	path[PLACE_MAX - 200] = '\0'; /* the twin: as long as it fits */
	CHECK_INT(store_open(&s, &o, &h, &err), RC_OK);
	store_close(&s);
}

static void
a_disk_with_too_little_room_is_full(void)
{
	actor_fails(CALL_STATVFS, 0, 0, RC_FULL, "the disk is full: 0 kB are free");
	os.room = 255 * 1024;
	actor_fails(CALL_STATVFS, 0, 0, RC_FULL, "make room");
	CHECK_INT(store_room(dir, NULL), RC_OK);
	goes_on();
}

/* A file that could not be made durable is not one that somebody may write acknowledgements into.
 */
static void
a_file_that_cannot_be_made_durable_ends_the_first_start(void)
{
	static const char *const names[] = { "lock", "journal.db", "head" };

	for (int i = 0; i < 3; i++) { /* each: the file, then the folder */
		rig_wipe(dir);
		(void)mkdir(dir, 0700);
		actor_fails(CALL_FSYNC, 2 * i + 1, EIO, RC_IO, names[i]);
		goes_on();
		rig_wipe(dir);
		(void)mkdir(dir, 0700);
		actor_fails(CALL_FSYNC, 2 * i + 2, EIO, RC_IO, "cannot make the folder durable");
		goes_on();
	}
}

static void
a_file_that_cannot_be_created_is_named(void)
{
	actor_fails(CALL_OPEN, 1, EACCES, RC_DENIED, "/lock: cannot create it: Permission");
	actor_fails(CALL_OPEN, 1, EMFILE, RC_IO, "/lock: cannot create it: Too many");
	goes_on();
	actor_fails(CALL_OPEN, 2, EMFILE, RC_IO, "/lock: cannot open it: Too many");
	goes_on();
}

/* --- readers --- */

static void
reader_fails(int error, enum rc want, const char *says)
{
	struct store *s = NULL;
	struct store_head h;
	struct audit a;
	struct err err = { 0 };

	for (int i = 0; i < 2; i++) {
		enum rc rc;

		fail(CALL_ACCESS, 1, error);
		rc = i == 0 ? open_with(&s, &h, STORE_READER, false, NULL, &err)
			    : audit_verify(dir, NULL, 0, &a, &err);
		fail_none();
		CHECK_STR(rc_name(rc), rc_name(want));
		CHECK(strstr(err.text, says) != NULL);
	}
}

static void
a_reader_tells_nothing_there_from_closed_and_from_broken(void)
{
	goes_on();
	reader_fails(ENOENT, RC_NOTFOUND, "nothing was started there yet");
	reader_fails(ENOTDIR, RC_NOTFOUND, "nothing was started there yet");
	reader_fails(EACCES, RC_DENIED, "closed to this user");
	reader_fails(EIO, RC_IO, "cannot look into it: Input");
}

/* --- whose it is --- */

static uid_t
owner_of(const char *name)
{
	char path[RIG_PATH];
	struct stat st;

	rig_path(path, dir, name);
	return stat(path, &st) == 0 ? st.st_uid : 0;
}

enum { NOBODY = 65534 };

static void
what_root_makes_belongs_to_whom_the_folder_belongs(void)
{
	static const char *const names[] = { "journal.db", "journal.db-wal", "head", "lock" };
	struct store_head h;
	struct store *s;

	CHECK_INT(chown(dir, NOBODY, NOBODY), 0);
	actor_fails(CALL_FCHOWN, 1, EPERM, RC_DENIED, "/lock: cannot create it");
	rig_save(dir, "lock", NULL, -1);
	actor_fails(CALL_STAT, 2, EIO, RC_IO, "/lock: cannot create it"); /* whose it is */
	rig_save(dir, "lock", NULL, -1);
	s = actor(&h);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		CHECK_INT(owner_of(names[i]), NOBODY);
	store_close(&s);
}

/* The user that the daemon runs as gives nothing away, and has no share in root's reserve. */
static void
its_own_user_needs_no_root(void)
{
	struct store_head h;
	struct store *s;

	CHECK_INT(chown(dir, NOBODY, NOBODY), 0);
	CHECK_INT(seteuid(NOBODY), 0);
	s = actor(&h);
	fill(s, &h, 1);
	CHECK_INT(owner_of("lock"), NOBODY);
	store_close(&s);
	CHECK_INT(seteuid(0), 0);
}

static void
a_journal_that_may_only_be_read_is_not_acted_on(void)
{
	struct store *s = NULL;
	struct store_head h;
	struct err err = { 0 };
	char path[RIG_PATH];

	CHECK_INT(chown(dir, NOBODY, NOBODY), 0);
	goes_on();
	rig_path(path, dir, "journal.db");
	CHECK_INT(chmod(path, 0400), 0);
	CHECK_INT(seteuid(NOBODY), 0);
	CHECK_INT(open_with(&s, &h, STORE_ACTOR, false, NULL, &err), RC_DENIED);
	CHECK(strstr(err.text, "readonly database") != NULL);
	s = reader(&h);
	CHECK_INT(h.seq, 1);
	store_close(&s);
	CHECK_INT(seteuid(0), 0);
	CHECK_INT(chmod(path, 0600), 0);
	goes_on();
}

/* --- a full disk --- */

static bool
has_index(void)
{
	char path[RIG_PATH];

	rig_path(path, dir, "journal.db-shm");
	return access(path, F_OK) == 0;
}

static void
no_room(void)
{
	fail(CALL_STATVFS, 0, 0);
}

/* The log's index would be a file; where that may end in a bus error it is kept in memory, unless
 * an actor has made it long since. */
static void
a_reader_on_a_full_disk_makes_no_file(void)
{
	struct store_head h;
	struct store *s, *r;
	struct rig_read rr = { .salt = SALT };

	goes_on();
	no_room();
	r = reader(&h);
	CHECK(!has_index());
	rig_read_all(r, &rr);
	CHECK(rr.rc == RC_OK && rr.n == 1 && !rr.wrong);
	CHECK_INT(rig_append(r, &h, 0, SALT), OUT_N);
	store_close(&r);
	fail_none();
	r = reader(&h); /* the twin */
	CHECK(has_index());
	store_close(&r);
	s = actor(&h);
	fill(s, &h, 1);
	no_room();
	r = reader(&h);
	CHECK_INT(h.seq, 2);
	store_close(&r);
	fail_none();
	fill(s, &h, 1); /* which was disturbed by nobody */
	store_close(&s);
}

/* --- each call, of an opening and of a copy --- */

static const int errors[CALL_N] = { [CALL_MKDIR] = ENOSPC,
	[CALL_STAT] = EIO,
	[CALL_STATVFS] = EIO,
	[CALL_ACCESS] = EIO,
	[CALL_OPEN] = EMFILE,
	[CALL_FSYNC] = EIO,
	[CALL_FCHOWN] = EPERM,
	[CALL_FLOCK] = ENOLCK,
	[CALL_FTRUNCATE] = EIO,
	[CALL_PWRITE] = EIO,
	[CALL_EVENTFD] = EMFILE,
	[CALL_THREAD] = EAGAIN };

struct tried {
	enum call call;
	int at;
	bool struck;
	enum rc rc;
	struct err err;
};

static void
opening(struct tried *t)
{
	struct store *s = NULL;
	struct store_head h;

	fail(t->call, t->at, errors[t->call]);
	t->rc = open_with(&s, &h, STORE_ACTOR, false, "the test", &t->err);
	store_close(&s);
	t->struck = os.n >= os.at;
	fail_none();
	goes_on();
}

static void
copying(struct tried *t)
{
	struct store_head h;
	struct store *s = reader(&h);
	struct audit a = { 0 };
	struct err err = { 0 };
	char to[RIG_PATH];
	long n;

	rig_path(to, dir, "copy");
	rig_wipe(to);
	fail(t->call, t->at, errors[t->call]);
	t->rc = store_backup(s, to, &t->err);
	t->struck = os.n >= os.at;
	fail_none();
	store_close(&s);
	free(rig_load(to, "head", &n));
	CHECK_INT(n >= 0, t->rc == RC_OK); /* without a head it is no journal */
	if (t->rc == RC_OK)
		CHECK(audit_verify(to, NULL, 0, &a, &err) == RC_OK && a.fault == CHAIN_NONE &&
			a.records == h.seq);
}

static int
each_call(void (*fn)(struct tried *))
{
	int stopped = 0;

	for (enum call call = 0; call < CALL_N; call++)
		for (int at = 1;; at++) {
			struct tried t = { .call = call, .at = at };

			fn(&t);
			if (!t.struck)
				break;
			stopped += t.rc != RC_OK;
			if (t.rc == RC_CORRUPT || (t.rc != RC_OK && t.err.text[0] == '\0'))
				printf("     call %d, %d: %s: %s\n", (int)call, at, rc_name(t.rc),
					t.err.text);
			CHECK(t.rc != RC_CORRUPT);
			CHECK(t.rc == RC_OK || t.err.text[0] != '\0');
		}
	return stopped;
}

static void
each_call_of_an_opening_fails_and_none_is_taken_for_damage(void)
{
	goes_on();
	CHECK(each_call(opening) > 10);
}

static void
each_call_of_a_copy_fails_and_it_is_whole_or_none(void)
{
	goes_on();
	CHECK(each_call(copying) > 10);
}

/* --- the lock --- */

/* Somebody has it, and the file says this. */
static int
locked_by(const char *lines)
{
	char path[RIG_PATH];
	int fd;

	rig_save(dir, "lock", lines, (long)strlen(lines));
	rig_path(path, dir, "lock");
	fd = open(path, O_RDWR | O_CLOEXEC);
	CHECK_INT(flock(fd, LOCK_EX | LOCK_NB), 0);
	return fd;
}

static void
held(const char *lines, const char *says)
{
	struct store *s = NULL;
	struct store_head h;
	struct err err = { 0 };
	int fd = locked_by(lines);

	CHECK_INT(open_with(&s, &h, STORE_ACTOR, false, "second", &err), RC_BUSY);
	CHECK(strstr(err.text, says) != NULL);
	if (strstr(err.text, says) == NULL)
		printf("     %s\n", err.text);
	(void)close(fd);
}

/* Each of these is waited for until it must be believed: half a second. */
static void
a_holder_that_does_not_name_itself_is_one_all_the_same(void)
{
	char lines[64];
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	(void)waitpid(pid, NULL, 0);
	held("", "is held by a process that has not said its name");
	held("4711", "is held by a process that has not said its name");
	held("4711\nwat", "is held by a process that has not said its name"); /* half written */
	held("0\nwatch\n", "is held by watch");
	(void)snprintf(lines, sizeof lines, "%ld\nwho is gone\n", (long)pid);
	held(lines, "is held by who is gone");
	goes_on();
}

/* Somebody else's process may not be sent a unix signal; it lives. */
static void
a_holder_of_another_user_is_believed_at_once(void)
{
	CHECK_INT(chown(dir, NOBODY, NOBODY), 0);
	goes_on();
	CHECK_INT(chmod(dir, 0700), 0);
	CHECK_INT(setresuid(NOBODY, NOBODY, 0), 0);
	held("1\nthe first one\n", "is held by the first one");
	CHECK_INT(setresuid(0, 0, 0), 0);
}

static int let_go_fd;

static void
let_go(void)
{
	(void)close(let_go_fd);
}

static void
whoever_only_asked_is_waited_for(void)
{
	struct store *s;
	struct store_head h;

	let_go_fd = locked_by("");
	fail(CALL_FLOCK, 3, 0);
	os.before = let_go;
	s = actor(&h);
	CHECK_INT(os.call, CALL_N); /* it did wait */
	fail_none();
	store_close(&s);
}

static void
a_lock_that_cannot_be_taken_or_named_is_said(void)
{
	goes_on();
	actor_fails(CALL_FLOCK, 1, ENOLCK, RC_IO, "/lock: cannot lock it: No locks");
	actor_fails(CALL_FTRUNCATE, 1, EIO, RC_IO, "/lock: cannot write who holds it: Input");
	actor_fails(CALL_PWRITE, 1, ENOSPC, RC_IO, "/lock: cannot write who holds it: No space");
	goes_on();
}

static void
replace_lock(void)
{
	rig_save(dir, "lock", "", 0);
}

static void
remove_lock(void)
{
	rig_save(dir, "lock", NULL, -1);
}

/* Two who lock two files of one name would both act. */
static void
a_lock_file_replaced_meanwhile_is_no_lock(void)
{
	struct store *s = NULL;
	struct store_head h;
	struct err err = { 0 };

	goes_on();
	fail(CALL_FLOCK, 1, 0);
	os.before = replace_lock;
	CHECK_INT(open_with(&s, &h, STORE_ACTOR, false, NULL, &err), RC_BUSY);
	CHECK(strstr(err.text, "was replaced meanwhile") != NULL);
	fail(CALL_FLOCK, 1, 0);
	os.before = remove_lock;
	CHECK_INT(open_with(&s, &h, STORE_ACTOR, false, NULL, &err), RC_BUSY);
	fail_none();
	/* Looked at before: the folder, whether it is there; and by root whose it is. */
	fail(CALL_STAT, geteuid() == 0 ? 3 : 2, 0);
	os.other_device = true;
	CHECK_INT(open_with(&s, &h, STORE_ACTOR, false, NULL, &err), RC_BUSY);
	fail_none();
	goes_on();
}

static void
whoever_holds_it_is_one_line_whatever_he_says(void)
{
	char want[600], very_long[500], *is;
	struct store *s = NULL;
	struct store_head h;
	struct err err = { 0 };
	long n;

	CHECK_INT(open_with(&s, &h, STORE_ACTOR, false, "watch\nof alice\n", &err), RC_OK);
	(void)snprintf(want, sizeof want, "%ld\nwatch of alice \n", (long)getpid());
	is = rig_load(dir, "lock", &n);
	CHECK_STR(is, want);
	free(is);
	store_close(&s);
	memset(very_long, 'x', sizeof very_long - 1);
	very_long[sizeof very_long - 1] = '\0';
	CHECK_INT(open_with(&s, &h, STORE_ACTOR, false, very_long, &err), RC_OK);
	is = rig_load(dir, "lock", &n);
	CHECK(n > 300 && n < 400 && is[n - 1] == '\n' && is[n - 2] == 'x');
	free(is);
	store_close(&s);
	is = rig_load(dir, "lock", &n);
	CHECK_INT(n, 0);
	free(is);
}

/* It goes with the descriptor, also if the line cannot be taken away. */
static void
a_name_that_stays_holds_nothing(void)
{
	struct store *s;
	struct store_head h;

	s = actor(&h);
	fail(CALL_FTRUNCATE, 0, 0);
	CHECK(!place_free(dir));
	fail(CALL_FTRUNCATE, 1, EIO);
	{
		int fd;
		char path[RIG_PATH];

		store_close(&s);
		rig_path(path, dir, "lock");
		fd = open(path, O_RDONLY | O_CLOEXEC);
		CHECK_INT(flock(fd, LOCK_EX | LOCK_NB), 0);
		(void)close(fd);
	}
	fail_none();
	goes_on();
}

static void
no_lock_file_is_nobodys_lock(void)
{
	CHECK(place_free(dir));
	goes_on();
	CHECK(place_free(dir));
	fail(CALL_OPEN, 1, EACCES); /* who may not ask does not know */
	CHECK(!place_free(dir));
	fail_none();
}

/* --- files that stay, and the thread --- */

static void
a_journal_on_another_disk_is_another_journal(void)
{
	struct place_files files;
	struct err err = { 0 };

	goes_on();
	CHECK_INT(place_mark(dir, &files, &err), RC_OK);
	CHECK_INT(place_holds(dir, &files, &err), RC_OK);
	for (int i = 1; i <= 3; i++) {
		fail(CALL_STAT, i, 0);
		os.other_device = true;
		CHECK_INT(place_holds(dir, &files, &err), RC_CORRUPT);
		CHECK(strstr(err.text, "was replaced while it was written") != NULL);
		fail_none();
		fail(CALL_STAT, i, EIO);
		CHECK_INT(place_holds(dir, &files, &err), RC_IO);
		fail_none();
	}
}

static void
no_descriptor_or_thread_for_the_writer_is_an_end_in_good_order(void)
{
	struct store *s = NULL;
	struct store_head h;
	struct err err = { 0 };

	goes_on();
	for (int i = 0; i < 2; i++) {
		fail(i == 0 ? CALL_EVENTFD : CALL_THREAD, 1, i == 0 ? EMFILE : EAGAIN);
		CHECK_INT(open_with(&s, &h, STORE_ACTOR, false, NULL, &err), RC_IO);
		CHECK(strstr(err.text, "cannot start the journal's thread") != NULL);
		fail_none();
		goes_on();
	}
}

int
main(void)
{
	bool root = geteuid() == 0;

	digest_warm();
	kind = &kinds[0];
	EACH(a_folder_that_cannot_be_made_is_named_with_its_reason);
	EACH(a_folder_that_cannot_be_looked_at_is_named);
	EACH(what_is_no_folder_is_said_to_be_none);
	EACH(a_path_that_is_too_long_is_refused_and_not_cut);
	EACH(a_disk_with_too_little_room_is_full);
	EACH(a_file_that_cannot_be_made_durable_ends_the_first_start);
	EACH(a_file_that_cannot_be_created_is_named);
	EACH(a_reader_tells_nothing_there_from_closed_and_from_broken);
	if (root) {
		EACH(what_root_makes_belongs_to_whom_the_folder_belongs);
		EACH(its_own_user_needs_no_root);
		EACH(a_journal_that_may_only_be_read_is_not_acted_on);
		EACH(a_holder_of_another_user_is_believed_at_once);
	} else {
		SKIP("other users", "only root can become one");
	}
	EACH(a_holder_that_does_not_name_itself_is_one_all_the_same);
	EACH(whoever_only_asked_is_waited_for);
	EACH(a_reader_on_a_full_disk_makes_no_file);
	EACH(each_call_of_an_opening_fails_and_none_is_taken_for_damage);
	EACH(each_call_of_a_copy_fails_and_it_is_whole_or_none);
	EACH(a_lock_that_cannot_be_taken_or_named_is_said);
	EACH(a_lock_file_replaced_meanwhile_is_no_lock);
	EACH(whoever_holds_it_is_one_line_whatever_he_says);
	EACH(a_name_that_stays_holds_nothing);
	EACH(no_lock_file_is_nobodys_lock);
	EACH(a_journal_on_another_disk_is_another_journal);
	EACH(no_descriptor_or_thread_for_the_writer_is_an_end_in_good_order);
	return check_end();
}
