/*
 * nth_failure.c - each request for memory, each write, fsync, open and rename fails in turn, once
 * and for ever: while a playbook is loaded, while the journal is begun and the targets are read,
 * while a plan is made, through a whole out-and-back, and while one that was killed recovers.
 *
 * However it ends: no crash; a sentence; no effect without an intent that the journal had before;
 * nothing acknowledged is lost; started again without failures it goes to the same end as the
 * undisturbed one. An fsync of the journal that failed is not asked again, and nothing is written
 * after it. (SQLite overlooks a failed fsync of the folder: what that loses with the power is found
 * at the next start, state/FORMAT.md X1. Without a key heads are not signed, and that is said.)
 *
 * (Those of the core: core_memory.c, all of them.) Requests for memory are drawn, with
 * FERRYMAN_SOAK=1 all fail. `--fsync` fails these alone; with
 * `--retries` they are asked again behind ferryman's back, with `--planted` the product has a
 * fault: both must be found (tests/crash/twins).
 */
#include "crash/interpose.h"
#include "lib/check.h"
#include "lib/crossing.h"

#include "base/text.h"
#include "config/playbook.h"
#include "base/planted.h"
#include "os/digest.h"
#include "os/stdmem.h"
#include "shell/load.h"

#include <sqlite3.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FILES = 5, SEEN = 8192, FAULTS_TOLD = 5, SEED = 20261126, SAID = 400, WHY = 2048, FEW = 80 };
enum { END_UNDISTURBED, END_CLEAN, END_BAD };

enum phase { PHASE_LOAD, PHASE_START, PHASE_PLAN, PHASE_RUN, PHASE_RECOVERY, PHASES };
static const char *const phase_names[PHASES] = { "load", "first start", "plan", "run", "recovery" };
static const char *const kind_names[NTH_KINDS] = { "malloc", "write", "fsync", "open", "rename" };
static const char *const files[FILES] = { "journal.db", "journal.db-wal", "head", "head.key",
	"head.pub" };

/* A build that measures what is covered has it: a child ends by _exit, and would tell nothing. */
__attribute__((weak)) void __gcov_dump(void);

extern int planted_fault;
int planted_fault; /* read by the build with plantable faults alone */

static char dir[RIG_PATH], outside[RIG_PATH], book[RIG_PATH + 16];
static struct shore *shore;
static enum phase phase;
static long few; /* of requests for memory: so many in a row, and about as many of the others; 0 =
		    all */
static char picture[CROSSING_TEXT], plan_hash[80];

/* What a life tells of itself, in memory that outlives it. */
static struct report {
	bool ended, as_undisturbed;
	size_t unbacked;
	long n[NTH_KINDS], later;
	bool struck, journal_struck;
	bool at_end; /* it was struck when all was done and the journal was being closed */
	char path[256];
	char why[ERR_TEXT_MAX], plan_hash[80];
} * report;

/* --- what is failed --- */

static bool
armed_now(const struct crossing *x)
{
	return (phase == PHASE_START && x->leg == LEG_START) ||
	       (phase == PHASE_PLAN && x->leg == LEG_PLAN) ||
	       (phase == PHASE_RUN && x->leg == LEG_RUN) || phase == PHASE_RECOVERY;
}

static void
inside(const struct crossing *x, bool begins)
{
	atomic_store(&nth.armed, begins && armed_now(x));
}

static void *
resize(void *ctx, void *p, size_t n)
{
	const struct crossing *x = ctx;
	bool was = atomic_load(&nth.armed);
	void *q;

	if (x->w == NULL || !x->w->looking)
		atomic_store(&nth.armed, armed_now(x));
	q = stdmem.resize(stdmem.ctx, p, n);
	atomic_store(&nth.armed, was);
	return q;
}

struct failing {
	enum nth_kind kind;
	bool for_ever;
	int error; /* 0 of a write: only half of it */
	const char *how;
};

static void
plan_failure(const struct failing *f, long at)
{
	memset(nth.n, 0, sizeof nth.n);
	atomic_store(&nth.later, 0);
	atomic_store(&nth.struck, false);
	atomic_store(&nth.journal_struck, false);
	nth.path[0] = '\0';
	nth.kind = f->kind;
	nth.at = at;
	nth.for_ever = f->for_ever;
	nth.error = f->error;
}

/* --- one life --- */

static void
tell_report(void)
{
	atomic_store(&nth.armed, false);
	for (int k = 0; k < NTH_KINDS; k++)
		report->n[k] = atomic_load(&nth.n[k]);
	report->later = atomic_load(&nth.later);
	report->struck = atomic_load(&nth.struck);
	report->journal_struck = atomic_load(&nth.journal_struck);
	memcpy(report->path, nth.path, sizeof report->path);
}

static void
load_in_child(void)
{
	struct findings *f = NULL;
	struct err err = { 0 };
	struct playbook *pb;
	char *text;
	size_t n;

	atomic_store(&nth.armed, true);
	text = load_text(book, NULL, &n, &err);
	pb = text != NULL ? load_playbook(book, NULL, &f, &err) : NULL;
	report->ended = report->as_undisturbed = pb != NULL;
	playbook_unref(&pb);
	free(text);
	atomic_store(&nth.armed, false);
	(void)snprintf(report->why, sizeof report->why, "%s",
		f != NULL && findings_n(f) > 0 ? findings_at(f, 0)->text : err.text);
	findings_free(&f);
}

static void
cross_in_child(void)
{
	struct crossing x = { .shore = shore,
		.dir = dir,
		.book = BOOK_SHORT,
		.inside = inside,
		.keys = true,
		.plan = phase == PHASE_PLAN };
	const struct mem mem = { .resize = resize, .ctx = &x };
	char now[CROSSING_TEXT];

	x.mem = &mem;
	report->ended = crossing_live(&x);
	atomic_store(&nth.armed, false);
	(void)snprintf(report->why, sizeof report->why, "%s", x.err.text);
	if (!report->ended)
		return;
	report->unbacked = crossing_unbacked(&x);
	crossing_picture(&x, now);
	report->as_undisturbed =
		x.plan ? strcmp(x.plan_hash, plan_hash) == 0 : strcmp(now, picture) == 0;
	memcpy(report->plan_hash, x.plan_hash, sizeof report->plan_hash);
	report->at_end = !atomic_load(&nth.struck);
	crossing_end(&x);
	report->at_end = report->at_end && atomic_load(&nth.struck);
}

/* stderr of the child: a process that ends itself must say why. */
static int
life(const struct failing *f, long at, char said[SAID])
{
	int status = 0, fd = memfd_create("said", MFD_CLOEXEC);
	ssize_t n;
	pid_t pid;

	memset(report, 0, sizeof *report);
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		(void)dup2(fd, 2);
		plan_failure(f, at);
		if (phase == PHASE_LOAD)
			load_in_child();
		else
			cross_in_child();
		tell_report();
		if (__gcov_dump != NULL)
			__gcov_dump();
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		abort();
	n = pread(fd, said, SAID - 1, 0);
	said[n > 0 ? n : 0] = '\0';
	(void)close(fd);
	return status;
}

/* --- what is there before --- */

struct image {
	char *part[FILES];
	long n[FILES];
};

static void
prepare(const struct image *im, const struct shore *killed)
{
	rig_wipe(dir);
	if (mkdir(dir, 0700) != 0)
		abort();
	shore_clean(shore);
	if (phase != PHASE_RECOVERY)
		return;
	for (int i = 0; i < FILES; i++)
		rig_save(dir, files[i], im->part[i], im->n[i]);
	shore_take(shore, killed);
}

/* A crossing that was killed when the effect of its switch had left. */
static void
make_killed(struct image *im, struct shore *killed)
{
	struct crossing x = { .shore = shore, .dir = dir, .book = BOOK_SHORT, .keys = true };
	pid_t pid;
	int status = 0;

	prepare(NULL, NULL);
	for (x.record = 1; x.record < 60; x.record++) { /* the tenant's INTENT */
		const struct weffect *e;

		x.moment = MOMENT_SENT;
		prepare(NULL, NULL);
		pid = fork();
		if (pid == 0) {
			(void)crossing_live(&x);
			_exit(0);
		}
		(void)waitpid(pid, &status, 0);
		for (e = shore->effect; e->lsn != 0; e++)
			if (text_eq(e->target, "tenant"))
				goto there;
	}
there:
	crossing_dawn(shore, dir, false);
	for (int i = 0; i < FILES; i++)
		im->part[i] = rig_load(dir, files[i], &im->n[i]);
	shore_take(killed, shore);
}

/* --- judging --- */

/* Lives that have left the very same behind go on in the very same way: one of them is enough. */
static char seen[SEEN][DIGEST_HEX];
static size_t seen_n;

static bool
is_new(void)
{
	char all[FILES + 1][DIGEST_HEX], one[DIGEST_HEX];
	size_t n = 0;

	memset(all, 0, sizeof all);
	for (int i = 0; i < 3; i++) {
		long size;
		char *p = rig_load(dir, files[i], &size);

		if (p != NULL)
			digest_sha256(NULL, p, (size_t)size, all[i]);
		free(p);
	}
	while (shore->effect[n].lsn != 0)
		n++;
	digest_sha256(NULL, shore->effect, n * sizeof *shore->effect, all[3]);
	digest_sha256(NULL, shore->target, sizeof shore->target, all[4]);
	digest_sha256(NULL, &shore->boot_ms, sizeof shore->boot_ms, all[5]);
	digest_sha256(NULL, all, sizeof all, one);
	for (size_t i = 0; i < seen_n; i++)
		if (memcmp(seen[i], one, sizeof one) == 0)
			return false;
	if (seen_n < SEEN)
		memcpy(seen[seen_n++], one, sizeof one);
	return true;
}

static bool
goes_on(char why[WHY])
{
	struct crossing x = { .shore = shore, .dir = dir, .book = BOOK_SHORT, .keys = true };
	char now[CROSSING_TEXT];
	bool good;

	if (!is_new())
		return true;
	crossing_dawn(shore, dir, false);
	good = crossing_live(&x);
	(void)snprintf(why, WHY, "started again: %s", x.err.text);
	if (!good)
		return false;
	crossing_picture(&x, now);
	good = strcmp(now, picture) == 0 && crossing_unbacked(&x) == 0 && shore->lost == 0;
	if (!good)
		(void)snprintf(why, WHY, "started again: lost %llu, unbacked %zu, %s",
			(unsigned long long)shore->lost, crossing_unbacked(&x),
			strcmp(now, picture) == 0 ? "as undisturbed" : "another end");
	crossing_end(&x);
	return good;
}

static int
judge(int status, const char *said, char why[WHY])
{
	bool own_end =
		WIFEXITED(status) && WEXITSTATUS(status) == 1 && text_starts(said, "ferryman: ");
	bool undisturbed = WIFEXITED(status) && WEXITSTATUS(status) == 0 && report->ended;

	(void)snprintf(why, WHY, "status %d, %s %s", status, report->why, said);
	if (!own_end && !(WIFEXITED(status) && WEXITSTATUS(status) == 0))
		return END_BAD; /* a crash */
	if (undisturbed && (!report->as_undisturbed || report->unbacked > 0))
		return END_BAD;
	if (!undisturbed && !own_end && report->why[0] == '\0')
		return END_BAD; /* ended without a word */
	/* A journal that is being made has acknowledged nothing: SQLite may take its page back. */
	if ((report->later > 0 && !(phase == PHASE_START && shore->acked == 0 &&
					  text_ends(report->path, "/journal.db"))) ||
		(undisturbed && report->journal_struck && !report->at_end)) {
		(void)snprintf(why, WHY, "%ld writes and fsyncs after the fsync of %s failed; %s",
			report->later, report->path, report->why);
		return END_BAD;
	}
	if (phase != PHASE_LOAD && phase != PHASE_PLAN && !undisturbed && !goes_on(why))
		return END_BAD;
	return undisturbed ? END_UNDISTURBED : END_CLEAN;
}

/* All n of one kind in one phase. Returns how many went wrong. */
static int
sweep(const struct failing *f, const struct image *im, const struct shore *killed)
{
	int ends[END_BAD + 1] = { 0 };
	char said[SAID], why[WHY];
	long all, step, dense;

	prepare(im, killed);
	(void)life(f, 0, said);
	all = report->n[f->kind];
	CHECK(report->ended);
	step = f->kind == NTH_MALLOC && few > 0 && all > 2 * few ? (all - few) / few : 1;
	dense = step > 1 ? few : all;
	for (long n = 1; n <= all; n += n < dense ? 1 : step) {
		int end;

		prepare(im, killed);
		end = judge(life(f, n, said), said, why);
		ends[end]++;
		if (end == END_BAD && ends[end] <= FAULTS_TOLD)
			printf("     %s, %s %ld %s: %s\n", phase_names[phase], kind_names[f->kind],
				n, f->how, why);
	}
	printf("%-12s %-7s %-20s N = %5ld, failed %5d: %5d ended cleanly, %4d as undisturbed, "
	       "%d bad\n",
		phase_names[phase], kind_names[f->kind], f->how, all,
		ends[END_CLEAN] + ends[END_UNDISTURBED] + ends[END_BAD], ends[END_CLEAN],
		ends[END_UNDISTURBED], ends[END_BAD]);
	return ends[END_BAD];
}

static struct image im;
static struct shore *killed;

static void
all_n(const struct failing *f, size_t n, enum phase from)
{
	int bad = 0;

	for (size_t i = 0; i < n; i++)
		for (phase = from; phase < PHASES; phase++)
			bad += sweep(&f[i], &im, killed);
	CHECK_INT(bad, 0);
}

static void
each_request_for_memory_fails(void)
{
	static const struct failing all[] = { { NTH_MALLOC, false, 0, "once" },
		{ NTH_MALLOC, true, 0, "for ever" } };

	all_n(all, 2, PHASE_LOAD);
}

static void
each_write_fails(void)
{
	static const struct failing all[] = { { NTH_WRITE, false, EIO, "once, EIO" },
		{ NTH_WRITE, true, EIO, "for ever, EIO" },
		{ NTH_WRITE, false, ENOSPC, "once, ENOSPC" },
		{ NTH_WRITE, true, ENOSPC, "for ever, ENOSPC" },
		{ NTH_WRITE, false, 0, "once, half of it" } };

	all_n(all, 5, PHASE_START);
}

static void
each_fsync_fails(void)
{
	static const struct failing all[] = { { NTH_FSYNC, false, EIO, "once, EIO" },
		{ NTH_FSYNC, true, EIO, "for ever, EIO" } };

	all_n(all, 2, PHASE_START);
}

static void
each_open_fails(void)
{
	static const struct failing all[] = { { NTH_OPEN, false, EMFILE, "once, EMFILE" },
		{ NTH_OPEN, true, EMFILE, "for ever, EMFILE" } };

	all_n(all, 2, PHASE_LOAD);
}

static void
each_rename_fails(void)
{
	static const struct failing all[] = { { NTH_RENAME, false, EIO, "once, EIO" },
		{ NTH_RENAME, true, EIO, "for ever, EIO" } };

	all_n(all, 2, PHASE_START);
}

/* --- a measure, and twins --- */

static void
undisturbed_as_a_measure(void)
{
	static const struct failing none = { .kind = NTH_KINDS };
	struct crossing x = { .shore = shore, .dir = dir, .book = BOOK_SHORT, .keys = true };
	char said[SAID];

	phase = PHASE_RUN;
	prepare(NULL, NULL);
	CHECK(crossing_live(&x));
	if (x.w == NULL) {
		printf("     %s\n", x.err.text);
		return;
	}
	crossing_picture(&x, picture);
	crossing_end(&x);
	CHECK(strstr(picture, "normal, 1 cut-over, 1 failback, 2 done of 2") != NULL);
	phase = PHASE_PLAN;
	prepare(NULL, NULL);
	(void)life(&none, 0, said);
	memcpy(plan_hash, report->plan_hash, sizeof plan_hash);
	CHECK(report->ended && strlen(plan_hash) == 64);
}

static void
a_crash_or_an_end_without_a_word_would_be_noticed(void)
{
	char why[WHY];

	phase = PHASE_LOAD;
	memset(report, 0, sizeof *report);
	CHECK_INT(judge(SIGSEGV, "", why), END_BAD);
	CHECK_INT(judge(SIGABRT, "ferryman: out of memory", why), END_BAD);
	CHECK_INT(judge(0, "", why), END_BAD);
	CHECK_INT(judge(1 << 8, "", why), END_BAD);
	CHECK_INT(judge(1 << 8, "ferryman: out of memory", why), END_CLEAN);
	report->ended = true;
	CHECK_INT(judge(0, "", why), END_BAD);
	report->as_undisturbed = true;
	CHECK_INT(judge(0, "", why), END_UNDISTURBED);
	report->unbacked = 1;
	CHECK_INT(judge(0, "", why), END_BAD);
}

static void
start(void)
{
	char text[CROSSING_TEXT];

	few = getenv("FERRYMAN_SOAK") != NULL ? 0 : FEW;
	digest_warm();
	(void)sqlite3_initialize();
	(void)sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, SEED, NULL);
	rig_dir(dir);
	rig_dir(outside);
	(void)snprintf(book, sizeof book, "%s/corp.yaml", outside);
	crossing_book(BOOK_SHORT, text);
	rig_save(outside, "corp.yaml", text, (long)strlen(text));
	report = mmap(
		NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (report == MAP_FAILED)
		abort();
	shore = shore_new();
	killed = shore_new();
}

int
main(int argc, char **argv)
{
	start();
	TEST(undisturbed_as_a_measure);
	make_killed(&im, killed);
	if (argc > 1) {
		nth.retries = strcmp(argv[argc - 1], "--retries") == 0;
		planted_fault =
			strcmp(argv[argc - 1], "--planted") == 0 ? PLANT_EFFECT_BEFORE_INTENT : 0;
	}
	if (argc == 1) {
		if (NTH_HAS_MALLOC)
			TEST(each_request_for_memory_fails);
		else
			SKIP("each_request_for_memory_fails",
				"the address sanitizer's malloc stands there");
		TEST(each_write_fails);
	}
	TEST(each_fsync_fails);
	if (argc == 1) {
		TEST(each_open_fails);
		TEST(each_rename_fails);
		TEST(a_crash_or_an_end_without_a_word_would_be_noticed);
	}
	rig_wipe(dir);
	rig_wipe(outside);
	return check_end();
}
