/*
 * bad_disk.c - in the middle of an out-and-back the journal's disk is full, becomes read-only, or
 * is gone. ferryman stops with a sentence, and from that moment no effect leaves; on the disk as it
 * is it does not open, or not for an effect; on the disk made good again it goes to the same end as
 * the undisturbed one.
 */
#include "lib/check.h"
#include "lib/crossing.h"

#include "os/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum how { FULL, READ_ONLY, GONE, HOWS };
enum { RECORDS = 30, NO_ROOM = 77, BLOCK = 4096 };
static const char *const how_names[HOWS] = { "full", "read-only", "gone" };

static char top[RIG_PATH], disk[RIG_PATH], dir[RIG_PATH];
static struct shore *shore;
static char picture[CROSSING_TEXT];
static uint64_t records;

/* What happens to the disk, and when. */
static struct {
	enum how how;
	uint64_t at;	  /* just before this record is written */
	bool done, sound; /* a twin: nothing happens to it */
	size_t effects;	  /* that had left by then */
} plan;

/* --- the disk: a tmpfs of its own, seen at `dir` --- */

static bool
mount_new(void)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("none", disk, "tmpfs", 0, "size=8m,mode=700") == 0 &&
	       mount(disk, dir, NULL, MS_BIND, NULL) == 0;
}

static void
fill(void)
{
	static const char block[BLOCK];
	char path[RIG_PATH];
	int fd;

	rig_path(path, disk, "ballast");
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	while (fd >= 0 && write(fd, block, sizeof block) > 0)
		;
	(void)close(fd);
}

static bool
spoil(enum how how)
{
	switch (how) {
	case FULL:
		fill();
		return true;
	case READ_ONLY:
		return mount("none", dir, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0;
	case GONE:
		return umount2(dir, MNT_DETACH) == 0;
	case HOWS:
		break;
	}
	return false;
}

static bool
mend(enum how how)
{
	char path[RIG_PATH];

	switch (how) {
	case FULL:
		rig_path(path, disk, "ballast");
		return unlink(path) == 0;
	case READ_ONLY:
		return mount("none", dir, NULL, MS_REMOUNT | MS_BIND, NULL) == 0;
	case GONE:
		return mount(disk, dir, NULL, MS_BIND, NULL) == 0;
	case HOWS:
		break;
	}
	return false;
}

static bool
mounts_are_possible(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(mount_new() ? 0 : 1);
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static size_t
effects(void)
{
	size_t n = 0;

	while (shore->effect[n].lsn != 0)
		n++;
	return n;
}

static void
before_append(const struct crossing *x, bool begins)
{
	if (!begins || plan.done || plan.at < x->first || plan.at > x->last)
		return;
	plan.done = true;
	plan.effects = effects();
	if (!plan.sound && !spoil(plan.how))
		_exit(NO_ROOM);
}

/* --- one crossing --- */

static bool
as_undisturbed(struct crossing *x)
{
	char now[CROSSING_TEXT];

	crossing_picture(x, now);
	return strcmp(now, picture) == 0 && crossing_unbacked(x) == 0 && shore->lost == 0;
}

static int
fail(const char *what, const char *why)
{
	printf("     the disk is %s before record %llu: %s: %s\n", how_names[plan.how],
		(unsigned long long)plan.at, what, why);
	return 1;
}

/* A life on a disk that gives way. */
static int
stopped(struct crossing *x)
{
	if (crossing_live(x)) {
		crossing_end(x);
		return fail(
			"it went on", effects() > plan.effects ? "and effects left" : "to its end");
	}
	if (!plan.done || x->err.text[0] == '\0')
		return fail("it stopped", "without a word");
	return effects() != plan.effects ? fail("it stopped", "but an effect has left since") : 0;
}

/* A life that is killed; the disk becomes read-only afterwards: while files are open for writing
 * nobody can make it so. */
static int
killed_first(struct crossing *x)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		x->record = plan.at;
		x->moment = MOMENT_STORED;
		(void)crossing_live(x);
		_exit(1);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
		return fail("it was not killed", "");
	plan.effects = effects();
	return spoil(plan.how) ? 0 : NO_ROOM;
}

/* In a process of its own, which has the mounts. Exit code 0 = as it must be. */
static int
cross(void)
{
	struct crossing x = { .shore = shore, .dir = dir, .book = BOOK_SHORT };
	int code;

	if (!mount_new())
		return NO_ROOM;
	if (plan.how != READ_ONLY)
		x.inside = before_append;
	code = plan.how == READ_ONLY ? killed_first(&x) : stopped(&x);
	if (code != 0)
		return code;
	crossing_dawn(shore, dir, false);
	if (plan.how != GONE && crossing_live(&x)) /* an empty folder would be a first start */
		return fail("as it is", "it opened, and went on");
	if (effects() != plan.effects)
		return fail("as it is", "an effect has left");
	if (x.err.rc == RC_CORRUPT || x.err.text[0] == '\0')
		return fail("as it is", "taken for damage, or no word was said");
	if (!mend(plan.how))
		return NO_ROOM;
	crossing_dawn(shore, dir, false);
	if (!crossing_live(&x))
		return fail("made good again it does not go on", x.err.text);
	if (!as_undisturbed(&x))
		return fail("made good again", "it comes to another end");
	crossing_end(&x);
	return 0;
}

static int
in_child(void)
{
	int status = 0;
	pid_t pid;

	shore_clean(shore);
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		int code = cross();

		(void)fflush(stdout);
		_exit(code);
	}
	if (waitpid(pid, &status, 0) != pid)
		abort();
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void
spoilt(enum how how)
{
	int n = 0, bad = 0;

	for (uint64_t at = 1; at <= records; at++) {
		int code;

		memset(&plan, 0, sizeof plan);
		plan.how = how;
		plan.at = at;
		code = in_child();
		n++;
		bad += code != 0;
	}
	printf("the disk is %s before each of %d records: %d bad\n", how_names[how], n, bad);
	CHECK_INT(bad, 0);
}

static void
a_full_disk(void)
{
	spoilt(FULL);
}

static void
a_read_only_disk(void)
{
	spoilt(READ_ONLY);
}

static void
a_disk_that_is_gone(void)
{
	spoilt(GONE);
}

/* The twin: where nothing happens to the disk, the same questions have the other answer. */
static void
a_crossing_that_went_on_would_be_noticed(void)
{
	int code;

	memset(&plan, 0, sizeof plan);
	plan.sound = true;
	plan.at = records / 2;
	code = in_child();
	CHECK_INT(code, 1);
}

static void
undisturbed_as_a_measure(void)
{
	struct crossing x = { .shore = shore, .dir = dir, .book = BOOK_SHORT };

	CHECK(crossing_live(&x));
	if (x.w == NULL) {
		printf("     %s\n", x.err.text);
		return;
	}
	crossing_picture(&x, picture);
	records = x.w->records_n;
	CHECK(strstr(picture, "normal, 1 cut-over, 1 failback, 2 done of 2") != NULL);
	CHECK(records > RECORDS);
	crossing_end(&x);
	rig_wipe(dir);
	if (mkdir(dir, 0700) != 0)
		abort();
}

int
main(void)
{
	digest_warm();
	rig_dir(top);
	rig_path(disk, top, "disk");
	rig_path(dir, top, "state");
	if (mkdir(disk, 0700) != 0 || mkdir(dir, 0700) != 0)
		return 2;
	shore = shore_new();
	TEST(undisturbed_as_a_measure);
	if (mounts_are_possible()) {
		TEST(a_full_disk);
		TEST(a_read_only_disk);
		TEST(a_disk_that_is_gone);
		TEST(a_crossing_that_went_on_would_be_noticed);
	} else {
		SKIP("a full, a read-only, a vanished disk",
			"no mount of its own is possible here (root and a namespace are needed)");
	}
	rig_wipe(top);
	return check_end();
}
