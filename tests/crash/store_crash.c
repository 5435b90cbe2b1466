/*
 * store_crash.c - what is left of a journal when its process is killed, its disk fails or fills.
 * (Damaged files: damage.c.) Always the same question: is it what was acknowledged (and perhaps the
 * one append that was under way), or does it say that it is not?
 */
#include "lib/check.h"
#include "lib/faultvfs.h"
#include "lib/store_rig.h"
#include "os/digest.h"
#include "os/stdmem.h"
#include "state/audit.h"
#include "state/store.h"

#include <sqlite3.h>

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SALT "crash"

enum { SCRIPT = 8, RANDOM_KILLS = 60, CHAINED = 150, NO_ROOM = 77 };

static char dir[RIG_PATH];
static unsigned drawn = 20261124;

static unsigned
draw(unsigned below)
{
	drawn = drawn * 1664525u + 1013904223u;
	return (drawn >> 8) % below;
}

/* --- one life: opens, appends, tells each acknowledged number to whoever reads the pipe --- */

struct life {
	uint64_t acked;		/* highest number that was answered DONE */
	uint64_t before;	/* records that were there when it opened */
	int tries;		/* appends asked for */
	bool opened, after_end; /* something was DONE after something had failed */
};

static void
tell(int fd, uint64_t n)
{
	if (fd >= 0 && write(fd, &n, sizeof n) != (ssize_t)sizeof n)
		abort();
}

static void
live(struct life *l, int fd, int appends)
{
	static const char text[] = "a playbook's text\n";
	struct store_opts o = { .dir = dir, .mode = STORE_ACTOR, .holder = "crash" };
	struct store *s = NULL;
	struct store_head h;
	struct err err;
	char sha256[DIGEST_HEX];
	bool failed = false;

	memset(l, 0, sizeof *l);
	if (store_open(&s, &o, &h, &err) != RC_OK)
		return;
	l->opened = true;
	l->before = l->acked = h.seq;
	tell(fd, h.seq);
	for (int i = 0; i < appends; i++) {
		bool done = rig_append(s, &h, 0, SALT) == OUT_DONE;

		l->tries++;
		l->after_end = l->after_end || (failed && done);
		failed = failed || !done;
		if (done) {
			l->acked = h.seq;
			tell(fd, h.seq);
		}
		if (i == appends / 2) {
			digest_sha256(NULL, text, sizeof text - 1, sha256);
			(void)store_blob_put(s, sha256, text, sizeof text - 1, &err);
		}
	}
	store_close(&s);
}

/* A life in a child; returns what it had acknowledged when it ended, *ret_killed whether it was
 * killed. */
static uint64_t
life_in_child(const struct fv_plan *plan, int appends, bool *ret_killed)
{
	uint64_t acked = 0, n;
	int fds[2], status = 0;
	pid_t pid;

	if (pipe(fds) != 0)
		abort();
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		struct life l;

		(void)close(fds[0]);
		faultvfs_plan(plan);
		live(&l, fds[1], appends);
		_exit(faultvfs_struck());
	}
	(void)close(fds[1]);
	while (read(fds[0], &n, sizeof n) == (ssize_t)sizeof n)
		acked = n;
	(void)close(fds[0]);
	(void)waitpid(pid, &status, 0);
	*ret_killed = WIFSIGNALED(status);
	return acked;
}

/* The law: what was acknowledged is there, and at most one append more; all of it sound; and it
 * goes on. */
static bool
whole(uint64_t acked, const char *what, int at)
{
	struct store_opts o = { .dir = dir, .mode = STORE_ACTOR, .holder = "after" };
	struct rig_read r = { .salt = SALT };
	struct store *s = NULL;
	struct store_head h = { 0 };
	struct audit a = { 0 };
	struct err err = { 0 };
	bool good = store_open(&s, &o, &h, &err) == RC_OK;

	if (good)
		rig_read_all(s, &r);
	good = good && r.rc == RC_OK && !r.wrong && r.n == h.seq && r.n >= acked &&
	       r.n <= acked + 1;
	good = good && rig_append(s, &h, 0, SALT) == OUT_DONE;
	store_close(&s);
	good = good && audit_verify(dir, NULL, 0, &a, &err) == RC_OK && a.fault == CHAIN_NONE;
	if (!good)
		printf("     %s %d: acknowledged %llu, found %llu; %s %s\n", what, at,
			(unsigned long long)acked, (unsigned long long)r.n, err.text, a.why);
	CHECK(good);
	return good;
}

static void
fresh(void)
{
	rig_wipe(dir);
	if (mkdir(dir, 0700) != 0)
		abort();
}

/* What lay in shared memory is gone with the power. */
static void
power_off(void)
{
	rig_save(dir, "journal.db-shm", NULL, -1);
}

/* From the first operation on disk to the last one of a life. */
static void
at_each_operation(enum fv_fault fault, unsigned ops, unsigned seed, const char *what)
{
	int n = 0;

	for (int at = 1;; at++) {
		const struct fv_plan plan = { .at = at, .ops = ops, .fault = fault, .seed = seed };
		bool killed;
		uint64_t acked;

		fresh();
		acked = life_in_child(&plan, SCRIPT, &killed);
		if (!killed) {
			CHECK_INT(acked, SCRIPT);
			break;
		}
		n++;
		if (fault == FV_POWER)
			power_off();
		if (!whole(acked, what, at))
			break;
	}
	printf("%s at each of %d operations\n", what, n);
	CHECK(n > 30);
}

static void
killed_before_each_operation_on_disk(void)
{
	at_each_operation(FV_KILL, 0, 0, "killed");
}

static void
killed_in_the_middle_of_each_write(void)
{
	at_each_operation(FV_TORN, 1u << FV_WRITE, 0, "write torn");
}

static void
power_lost_at_each_operation_on_disk(void)
{
	for (unsigned seed = 1; seed <= 2; seed++)
		at_each_operation(FV_POWER, 0, seed * 7919, "power lost");
}

/* The same journal is killed again and again, also while it recovers from the last time. */
static void
killed_in_recovery_again_and_again(void)
{
	uint64_t acked = 0;

	fresh();
	for (int i = 0; i < CHAINED; i++) {
		const struct fv_plan plan = { .at = 1 + (int)draw(80),
			.fault = draw(2) == 0 ? FV_KILL : FV_POWER,
			.seed = draw(1 << 20) };
		struct store_opts o = { .dir = dir, .mode = STORE_READER };
		struct store *s = NULL;
		struct store_head h = { 0 };
		struct err err = { 0 };
		bool killed;
		uint64_t now = life_in_child(&plan, SCRIPT, &killed);

		acked = now > acked ? now : acked;
		if (plan.fault == FV_POWER && killed)
			power_off();
		if (acked == 0)
			continue; /* perhaps there is no journal yet */
		if (store_open(&s, &o, &h, &err) != RC_OK || h.seq < acked || h.seq > acked + 1)
			printf("     round %d: acknowledged %llu, found %llu; %s\n", i,
				(unsigned long long)acked, (unsigned long long)h.seq, err.text);
		CHECK(s != NULL && h.seq >= acked && h.seq <= acked + 1);
		store_close(&s);
		acked = h.seq;
	}
	CHECK(acked > CHAINED);
	(void)whole(acked, "round", CHAINED);
}

static void
killed_from_outside_at_any_time(void)
{
	uint64_t acked = 0, n;
	int kills = 0;

	fresh();
	for (int i = 0; i < RANDOM_KILLS; i++) {
		int fds[2], left = (int)draw(12);
		volatile unsigned spin = draw(200000);
		pid_t pid;

		if (pipe(fds) != 0)
			abort();
		(void)fflush(stdout);
		pid = fork();
		if (pid == 0) {
			struct life l;

			(void)close(fds[0]);
			live(&l, fds[1], 100000);
			_exit(1);
		}
		(void)close(fds[1]);
		while (left-- >= 0 && read(fds[0], &n, sizeof n) == (ssize_t)sizeof n)
			acked = n;
		while (spin > 0)
			spin--;
		kills += kill(pid, SIGKILL) == 0;
		while (read(fds[0], &n, sizeof n) == (ssize_t)sizeof n)
			acked = n;
		(void)close(fds[0]);
		(void)waitpid(pid, NULL, 0);
		if (!whole(acked, "kill", i))
			break;
		acked = 0;
	}
	CHECK_INT(kills, RANDOM_KILLS);
}

/* --- the disk says no --- */

/* Operations that the disk carried out after it had failed while an append was made. */
struct late {
	bool living;
	int n;
};

static void
count_late(void *ctx, enum fv_op op, enum fv_file file)
{
	struct late *l = ctx;

	(void)file;
	l->n += faultvfs_struck() && (op == FV_WRITE || op == FV_SYNC);
}

static void
each_failure(enum fv_fault fault, bool for_ever, const char *what)
{
	int n = 0, stopped = 0;

	for (int at = 1;; at++) {
		const struct fv_plan plan = { .at = at, .fault = fault, .for_ever = for_ever };
		struct life l;
		bool struck;

		fresh();
		faultvfs_plan(&plan);
		live(&l, -1, SCRIPT);
		struck = faultvfs_struck();
		faultvfs_plan(NULL);
		if (!struck) {
			CHECK_INT(l.acked, SCRIPT);
			break;
		}
		n++;
		stopped += !l.opened || l.acked < SCRIPT;
		CHECK(!l.after_end);
		if (!whole(l.acked, what, at))
			break;
	}
	printf("%s for all %d operations, %d stopped it\n", what, n, stopped);
	CHECK(n > 30);
	CHECK(stopped > n / 2);
}

static void
each_write_or_sync_fails_once(void)
{
	each_failure(FV_ERROR, false, "input/output error once");
}

static void
each_write_or_sync_fails_for_ever(void)
{
	each_failure(FV_ERROR, true, "input/output error for ever");
}

static void
each_write_or_sync_finds_no_room(void)
{
	each_failure(FV_FULL, false, "no space once");
	each_failure(FV_FULL, true, "no space for ever");
}

/* fsync is not asked a second time: the kernel may have dropped the pages and then say that all is
 * well. */
static void
after_a_failed_sync_nothing_is_written_any_more(void)
{
	static const enum fv_file files[] = { FV_WAL, FV_HEAD };

	for (size_t i = 0; i < 2; i++) {
		struct store_opts o = { .dir = dir, .mode = STORE_ACTOR };
		struct late late = { 0 };
		struct store_head h;
		struct store *s = NULL;
		struct err err = { 0 };

		fresh();
		CHECK_INT(store_open(&s, &o, &h, &err), RC_OK);
		CHECK_INT(rig_append(s, &h, 0, SALT), OUT_DONE);
		faultvfs_plan(&(struct fv_plan){ .at = 1,
			.ops = 1u << FV_SYNC,
			.files = 1u << files[i],
			.fault = FV_ERROR });
		faultvfs_watch(count_late, &late);
		CHECK_INT(rig_append(s, &h, 0, SALT), OUT_UNKNOWN);
		CHECK(faultvfs_struck());
		CHECK_INT(rig_append(s, &h, 0, SALT), OUT_N);
		CHECK(store_drain(s, &err) != RC_OK);
		CHECK(strstr(err.text, "can no longer be written") != NULL);
		store_close(&s);
		CHECK_INT(late.n, 0);
		faultvfs_watch(NULL, NULL);
		faultvfs_plan(NULL);
		(void)whole(1, "sync", (int)i);
	}
}

/* What a failed sync was to write is in the page cache only, and looks well there. Whoever goes on
 * must not build upon it: the power may fail any time later. */
static void
what_a_failed_sync_left_behind_does_not_outlive_the_next_opening(void)
{
	int struck = 0;

	for (int at = 1; at <= 16; at++) {
		const struct fv_plan plan = { .at = at, .ops = 1u << FV_SYNC, .fault = FV_ERROR };
		struct life l, next;

		fresh();
		faultvfs_remember((unsigned)at);
		faultvfs_plan(&plan);
		live(&l, -1, SCRIPT);
		struck += faultvfs_struck();
		faultvfs_plan(NULL);
		live(&next, -1, at % 3);
		CHECK(next.opened);
		(void)faultvfs_power((unsigned)at);
		faultvfs_forget();
		power_off();
		if (!whole(next.acked, "sync failed, went on, power lost", at))
			break;
	}
	CHECK(struck >= 14);
}

/* SQLite's own checkpoints overlook this. */
static void
a_failed_sync_of_the_database_itself_is_noticed(void)
{
	struct store_opts o = { .dir = dir, .mode = STORE_ACTOR };
	struct store_head h;
	struct store *s = NULL;
	struct err err = { 0 };
	int i;

	fresh();
	CHECK_INT(store_open(&s, &o, &h, &err), RC_OK);
	faultvfs_plan(&(struct fv_plan){
		.at = 1, .ops = 1u << FV_SYNC, .files = 1u << FV_DB, .fault = FV_ERROR });
	for (i = 0; i < 3000 && rig_append(s, &h, 0, SALT) == OUT_DONE; i++)
		;
	CHECK(faultvfs_struck());
	CHECK(i < 3000);
	CHECK_INT(rig_append(s, &h, 0, SALT), OUT_N);
	store_close(&s);
	faultvfs_plan(NULL);
	(void)whole(h.seq, "checkpoint", i);
}

static void
files_that_were_deleted_or_replaced_take_no_more_records(void)
{
	static const char *const names[] = { "journal.db", "head", "lock" };

	for (size_t i = 0; i < 3; i++) {
		struct store_opts o = { .dir = dir, .mode = STORE_ACTOR };
		struct store_head h;
		struct store *s = NULL;
		struct err err = { 0 };

		fresh();
		CHECK_INT(store_open(&s, &o, &h, &err), RC_OK);
		CHECK_INT(rig_append(s, &h, 0, SALT), OUT_DONE);
		rig_save(dir, names[i], i == 0 ? "x" : NULL, i == 0 ? 1 : -1);
		CHECK_INT(rig_append(s, &h, 0, SALT), OUT_UNKNOWN);
		store_close(&s);
	}
}

/* --- no room --- */

/* In a child: until the disk is full, then with room again. Exit code 0 = as it must be. */
static int
fill_and_go_on(bool (*more_room)(void))
{
	struct life l;
	uint64_t acked;
	struct store_opts o = { .dir = dir, .mode = STORE_ACTOR };
	struct store *s = NULL;
	struct store_head h;
	struct err err = { 0 };

	live(&l, -1, 3000);
	acked = l.acked;
	if (!l.opened || acked < 10 || acked == 3000 || l.after_end) {
		printf("     opened %d, acknowledged %llu of 3000\n", l.opened,
			(unsigned long long)acked);
		return 1;
	}
	/* Full still: it may refuse to open, but must not take it for damage. */
	if (store_open(&s, &o, &h, &err) == RC_CORRUPT) {
		printf("     full: %s\n", err.text);
		return 1;
	}
	if (s != NULL) /* it opened, which is an epoch, and not an append */
		store_close(&s);
	/* Full still: what was acknowledged can be read. */
	s = NULL;
	o.mode = STORE_READER;
	if (store_open(&s, &o, &h, &err) != RC_OK || h.seq < acked) {
		printf("     full, to be read: %s\n", err.text);
		return 1;
	}
	store_close(&s);
	if (!more_room())
		return NO_ROOM;
	return whole(acked, "full after", (int)acked) ? 0 : 1;
}

static bool
tmpfs_grow(void)
{
	return mount("none", dir, "tmpfs", MS_REMOUNT, "size=8m,mode=700") == 0;
}

static bool
limit_up(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_FSIZE, &r) != 0)
		return false;
	r.rlim_cur = r.rlim_max;
	return setrlimit(RLIMIT_FSIZE, &r) == 0;
}

static int
full_tmpfs(void)
{
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
		mount("none", dir, "tmpfs", 0, "size=400k,mode=700") != 0)
		return NO_ROOM;
	return fill_and_go_on(tmpfs_grow);
}

static int
full_limit(void)
{
	struct rlimit r;

	(void)signal(SIGXFSZ, SIG_IGN);
	if (getrlimit(RLIMIT_FSIZE, &r) != 0)
		return 1;
	r.rlim_cur = 300 * 1024;
	if (setrlimit(RLIMIT_FSIZE, &r) != 0)
		return 1;
	return fill_and_go_on(limit_up);
}

/* Written before, now read-only: nobody can act, and says so; with the disk writable again it goes
 * on. */
static int
read_only(void)
{
	struct store_opts o = { .dir = dir, .mode = STORE_ACTOR };
	struct store *s = NULL;
	struct store_head h;
	struct err err = { 0 };
	struct life l;
	enum rc rc;

	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
		mount("none", dir, "tmpfs", 0, "size=4m,mode=700") != 0)
		return NO_ROOM;
	live(&l, -1, 5);
	if (mount("none", dir, "tmpfs", MS_REMOUNT | MS_RDONLY, "") != 0)
		return NO_ROOM;
	rc = store_open(&s, &o, &h, &err);
	if (rc == RC_OK || rc == RC_CORRUPT || strstr(err.text, dir) == NULL) {
		printf("     read-only: %d %s\n", (int)rc, err.text);
		return 1;
	}
	if (mount("none", dir, "tmpfs", MS_REMOUNT, "") != 0)
		return NO_ROOM;
	return whole(5, "read-only", 0) ? 0 : 1;
}

static void
in_child(int (*fn)(void), const char *what)
{
	int status = 0;
	pid_t pid;

	fresh();
	check_state.faults = 0;
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		int code = fn();

		(void)fflush(stdout);
		_exit(check_state.faults > 0 ? 1 : code);
	}
	(void)waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_ROOM) {
		SKIP(what,
			"no mount of its own is possible here (root and a namespace are needed)");
		return;
	}
	check_state.name = what;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		check_state.passed++;
	} else {
		printf("FAIL %s: status %d\n", what, status);
		check_state.failed++;
	}
}

int
main(void)
{
	digest_warm();
	faultvfs_install();
	rig_dir(dir);
	TEST(killed_before_each_operation_on_disk);
	TEST(killed_in_the_middle_of_each_write);
	TEST(power_lost_at_each_operation_on_disk);
	TEST(killed_in_recovery_again_and_again);
	TEST(killed_from_outside_at_any_time);
	TEST(each_write_or_sync_fails_once);
	TEST(each_write_or_sync_fails_for_ever);
	TEST(each_write_or_sync_finds_no_room);
	TEST(after_a_failed_sync_nothing_is_written_any_more);
	TEST(what_a_failed_sync_left_behind_does_not_outlive_the_next_opening);
	TEST(a_failed_sync_of_the_database_itself_is_noticed);
	TEST(files_that_were_deleted_or_replaced_take_no_more_records);
	in_child(full_tmpfs, "a_full_disk_stops_it_and_room_lets_it_go_on");
	in_child(full_limit, "a_file_size_limit_stops_it_and_a_higher_one_lets_it_go_on");
	in_child(read_only, "a_read_only_disk_is_refused_by_name");
	rig_wipe(dir);
	return check_end();
}
