/*
 * store_faults.c - what store_crash does not fail: each request of SQLite for memory, each read,
 * each look at a file's size, each lock, while a journal is begun, written, taken up in a new era,
 * read, copied and audited; and each write and sync while it is taken up in a new era and copied.
 *
 * However it ends: a sentence; nothing acknowledged is lost; what only could not be read, locked or
 * held in memory is never called damage (an operator who is told of damage begins a new era); a
 * copy is whole or not there; and without the failure all goes on.
 */
#include "crash/interpose.h"
#include "lib/check.h"
#include "lib/faultvfs.h"
#include "lib/store_rig.h"

#include "os/digest.h"
#include "os/stdmem.h"
#include "state/audit.h"
#include "state/store.h"

#include <sqlite3.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A build that measures what is covered has it: a child ends by _exit, and would tell nothing. */
__attribute__((weak)) void __gcov_dump(void);

#define SALT "faults"

enum { RECORDS = 4, TOLD = 5, ALL = 1 << 20 };

static char dir[RIG_PATH], copy[RIG_PATH];
static bool unreadable; /* the disk fails, so audit may say that it cannot read the database */
static const char text[] = "name: corp\n";
static char sha256[DIGEST_HEX];

/* --- SQLite's memory --- */

static struct {
	sqlite3_mem_methods real;
	atomic_bool armed;
	atomic_long n;
	long at; /* from 1; 0 = none */
	bool for_ever;
} heap;

static bool
none_left(void)
{
	long n;

	if (!atomic_load(&heap.armed))
		return false;
	n = atomic_fetch_add(&heap.n, 1) + 1;
	return heap.at > 0 && (n == heap.at || (n > heap.at && heap.for_ever));
}

/* What SQLite asks for is counted here, and not among our own requests. */
static void *
heap_resize(void *p, int n)
{
	bool was = atomic_exchange(&nth.armed, false);
	void *q = none_left() ? NULL : p != NULL ? heap.real.xRealloc(p, n) : heap.real.xMalloc(n);

	atomic_store(&nth.armed, was);
	return q;
}

static void *
heap_get(int n)
{
	return heap_resize(NULL, n);
}

static void
heap_install(void)
{
	sqlite3_mem_methods mine;

	if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &heap.real) != SQLITE_OK)
		abort();
	mine = heap.real;
	mine.xMalloc = heap_get;
	mine.xRealloc = heap_resize;
	/* Memory that each connection sets aside at its birth would hide most of the requests. */
	if (sqlite3_config(SQLITE_CONFIG_MALLOC, &mine) != SQLITE_OK ||
		sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0) != SQLITE_OK)
		abort();
}

/* --- a journal with a log that is not copied yet --- */

enum { FILES = 3 };
static const char *const files[FILES] = { "journal.db", "journal.db-wal", "head" };
static char *image[FILES];
static long image_n[FILES];
static struct store_head image_head;

static void
fresh(void)
{
	rig_wipe(dir);
	rig_wipe(copy);
	if (mkdir(dir, 0700) != 0)
		abort();
}

static void
image_make(void)
{
	struct store_opts o = { .dir = dir, .mode = STORE_ACTOR, .holder = "faults" };
	struct store *s = NULL;
	struct err err = { 0 };

	fresh();
	CHECK_INT(store_open(&s, &o, &image_head, &err), RC_OK);
	CHECK_INT(store_blob_put(s, sha256, text, sizeof text - 1, &err), RC_OK);
	for (int i = 0; i < RECORDS; i++)
		CHECK_INT(rig_append(s, &image_head, 0, SALT), OUT_DONE);
	for (int i = 0; i < FILES; i++)
		image[i] = rig_load(dir, files[i], &image_n[i]);
	store_close(&s);
}

static void
image_lay(bool headless)
{
	for (int i = 0; i < FILES - headless; i++)
		rig_save(dir, files[i], image[i], image_n[i]);
}

/* --- what is done --- */

struct told {
	enum rc rc; /* of the first call that failed */
	struct err err;
	uint64_t acked,
		flight; /* records that were answered DONE; those of an append that was not */
	bool copied;
};

static bool
good(struct told *t, enum rc rc, const struct err *err)
{
	if (rc != RC_OK && t->rc == RC_OK) {
		t->rc = rc;
		t->err = *err;
	}
	return rc == RC_OK;
}

static void
read_it(struct told *t, struct store *s)
{
	struct rig_read r = { .salt = SALT };
	struct err err = { 0 };
	char *got = NULL;
	size_t n = 0;

	rig_read_all(s, &r);
	if (good(t, r.rc, &r.err))
		CHECK(r.n >= t->acked && !r.wrong);
	if (good(t, store_blob_get(s, sha256, &got, &n, &err), &err))
		CHECK(n == sizeof text - 1 && memcmp(got, text, n) == 0);
	free(got);
}

/* Two records in one append: both of them or none. */
static void
append(struct told *t, struct store *s, struct store_head *h)
{
	bool was =
		atomic_exchange(&nth.armed, false); /* what the rig asks for is not the store's */
	struct store_head at = *h;
	struct rig_done d = { .outcome = OUT_N };
	struct err err = { 0 };
	char *record[2];

	for (int i = 0; i < 2; i++) {
		record[i] = rig_record(&at, 0, SALT);
		rig_next(&at, record[i], 0);
	}
	atomic_store(&nth.armed, was);
	t->flight = 2;
	if (good(t,
		    store_append(s,
			    &(struct store_append){ .epoch = h->epoch,
				    .seq = h->seq,
				    .hash = h->hash,
				    .records = (const char *const *)record,
				    .n = 2 },
			    rig_on_done, &d, &err),
		    &err)) {
		(void)good(t, store_drain(s, &err), &err);
		CHECK_INT(d.times, 1);
		CHECK_INT(d.outcome == OUT_DONE, d.head.seq == h->seq + 2);
	}
	if (d.outcome == OUT_DONE) {
		*h = d.head;
		t->acked = h->seq;
		t->flight = 0;
	} else {
		CHECK(t->rc != RC_OK);
		CHECK_INT(store_fault(s), t->rc);
	}
	for (int i = 0; i < 2; i++)
		free(record[i]);
}

/* One that expects another epoch changes nothing, or the store is dead. */
static void
append_in_vain(struct told *t, struct store *s, const struct store_head *h)
{
	bool was = atomic_exchange(&nth.armed, false);
	struct store_head other = *h;
	struct err err = { 0 };
	enum outcome outcome;
	char *record;

	other.epoch++;
	record = rig_record(&other, 0, SALT);
	atomic_store(&nth.armed, was);
	outcome = rig_append_text(s, &other, record);
	free(record);
	if (outcome == OUT_CONFLICT)
		return;
	CHECK(outcome != OUT_DONE);
	CHECK(store_drain(s, &err) != RC_OK);
	(void)good(t, err.rc, &err);
}

static void
act(struct told *t, bool new_era)
{
	struct store_opts o = {
		.dir = dir, .mode = STORE_ACTOR, .holder = "faults", .new_era = new_era
	};
	struct store *s = NULL;
	struct store_head h;
	struct err err = { 0 };

	if (!good(t, store_open(&s, &o, &h, &err), &err))
		return;
	(void)good(t, store_blob_put(s, sha256, text, sizeof text - 1, &err), &err);
	append(t, s, &h);
	if (t->rc == RC_OK)
		append_in_vain(t, s, &h);
	if (t->rc == RC_OK)
		append(t, s, &h);
	if (t->rc == RC_OK)
		read_it(t, s);
	store_close(&s);
}

static void
first_start(struct told *t)
{
	act(t, false);
}

static void
go_on(struct told *t)
{
	t->acked = RECORDS;
	act(t, false);
}

static void
begin_an_era(struct told *t)
{
	t->acked = RECORDS;
	act(t, true);
}

static void
read_and_copy(struct told *t)
{
	struct store_opts o = { .dir = dir, .mode = STORE_READER };
	struct store *s = NULL;
	struct store_head h;
	struct err err = { 0 };

	t->acked = RECORDS;
	if (!good(t, store_open(&s, &o, &h, &err), &err))
		return;
	CHECK_INT(h.seq, RECORDS);
	read_it(t, s);
	t->copied = good(t, store_backup(s, copy, &err), &err);
	store_close(&s);
}

static void
audit_it(struct told *t)
{
	struct audit a;
	struct err err = { 0 };

	t->acked = RECORDS;
	if (!good(t, audit_verify(dir, NULL, 0, &a, &err), &err))
		return;
	t->rc = a.fault == CHAIN_NONE		      ? RC_OK
		: a.fault == CHAIN_FILE && unreadable ? RC_IO
						      : RC_CORRUPT;
	(void)snprintf(t->err.text, sizeof t->err.text, "%s", a.why);
}

struct deed {
	const char *name;
	void (*fn)(struct told *);
	bool journal, headless;
};
enum { FIRST, GO_ON, ERA, COPY, AUDIT, DEEDS };
static const struct deed deeds[DEEDS] = {
	[FIRST] = { "first start", first_start, false, false },
	[GO_ON] = { "go on", go_on, true, false },
	[ERA] = { "new era", begin_an_era, true, true },
	[COPY] = { "read and copy", read_and_copy, true, false },
	[AUDIT] = { "audit", audit_it, true, false },
};

/* --- the law --- */

static bool
whole(const struct deed *d, const struct told *t, struct err *err)
{
	struct store_opts o = { .dir = dir, .mode = STORE_ACTOR, .holder = "after" };
	struct rig_read r = { .salt = SALT };
	struct store *s = NULL;
	struct store_head h = { 0 };
	struct audit a = { 0 };
	enum rc rc = store_open(&s, &o, &h, err);
	bool fine;

	if (rc == RC_CORRUPT && d->headless) { /* the operator's word had not been carried out */
		o.new_era = true;
		rc = store_open(&s, &o, &h, err);
	}
	if (rc != RC_OK)
		return false;
	rig_read_all(s, &r);
	fine = r.rc == RC_OK && !r.wrong && r.n == h.seq &&
	       (r.n == t->acked || r.n == t->acked + t->flight) &&
	       (d->headless ? h.era > 1 : h.era == 1) && rig_append(s, &h, 0, SALT) == OUT_DONE;
	store_close(&s);
	return fine && audit_verify(dir, NULL, 0, &a, err) == RC_OK && a.fault == CHAIN_NONE;
}

/* Whole, or without a head file: then it is no journal. */
static void
copy_is_whole_or_none(bool copied)
{
	struct audit a = { 0 };
	struct err err = { 0 };
	long n;

	if (copied) {
		CHECK_INT(audit_verify(copy, NULL, 0, &a, &err), RC_OK);
		CHECK_INT(a.fault, CHAIN_NONE);
		CHECK_INT(a.records, RECORDS);
	} else {
		free(rig_load(copy, "head", &n));
		CHECK(n < 0);
	}
}

struct fault {
	const char *name;
	bool memory;
	struct fv_plan plan;
	enum rc rc; /* what has to be said, whatever it hits; RC_OK: anything but damage */
	long step;  /* behind the first DENSE one of so many fails; with FERRYMAN_SOAK=1 each one */
};

static bool
strike(const struct fault *f, const struct deed *d, long at, struct told *t)
{
	struct fv_plan plan = f->plan;
	bool struck;

	fresh();
	if (d->journal)
		image_lay(d->headless);
	unreadable = !f->memory && plan.code == 0;
	plan.at = (int)at;
	heap.at = at;
	heap.for_ever = plan.for_ever;
	atomic_store(&heap.n, 0);
	faultvfs_plan(f->memory ? NULL : &plan);
	atomic_store(&heap.armed, f->memory);
	d->fn(t);
	atomic_store(&heap.armed, false);
	struck = f->memory ? atomic_load(&heap.n) >= at : faultvfs_struck();
	faultvfs_plan(NULL);
	return struck;
}

static bool each_one; /* FERRYMAN_SOAK=1 */
enum { DENSE = 10 };

/* Returns how many failed. */
static long
sweep(const struct fault *f, const struct deed *d)
{
	long n = 0, stopped = 0, bad = 0;

	for (long at = 1;; at += each_one || at < DENSE ? 1 : f->step) {
		struct told t = { 0 };
		struct err err = { 0 };
		bool fine;

		check_state.faults = 0;
		if (!strike(f, d, at, &t)) {
			CHECK_INT(t.rc, RC_OK);
			break;
		}
		copy_is_whole_or_none(t.copied);
		n++;
		stopped += t.rc != RC_OK;
		fine = t.rc == RC_OK || (t.err.text[0] != '\0' && t.rc != RC_CORRUPT &&
						(f->rc == RC_OK || t.rc == f->rc));
		fine = whole(d, &t, &err) && fine && check_state.faults == 0;
		if (!fine && bad++ < TOLD)
			printf("     %s, %s %ld: %s: %s; then: %s\n", d->name, f->name, at,
				rc_name(t.rc), t.err.text, err.text);
	}
	printf("%-14s %-24s %5ld failed, %5ld stopped it, %ld bad\n", d->name, f->name, n, stopped,
		bad);
	check_state.faults = bad > 0;
	return n;
}

static void
each(const struct fault *f, size_t faults, unsigned which)
{
	long n = 0;
	int bad = 0;

	for (size_t i = 0; i < faults; i++)
		for (int d = 0; d < DEEDS; d++)
			if ((which & (1u << d)) != 0) {
				n += sweep(&f[i], &deeds[d]);
				bad += check_state.faults;
			}
	check_state.faults = 0;
	CHECK_INT(bad, 0);
	CHECK(n > 10);
}

/* --- our own memory: the process ends with a sentence, or the call fails with one --- */

enum { CHILD_FINE, CHILD_OUT, CHILD_BAD, CHILD_LAST }; /* OUT: by its own word, exit code 1 */

enum { OURS_STEP = 4 };
static struct told *told; /* what a child tells, in memory that outlives it */

static void
deed_in_child(const struct deed *d, long at)
{
	struct told *t = told;
	bool fine;

	nth.kind = NTH_MALLOC;
	nth.at = at;
	atomic_store(&nth.armed, true);
	d->fn(t);
	atomic_store(&nth.armed, false);
	fine = check_state.faults == 0 &&
	       (t->rc == RC_OK || (t->rc != RC_CORRUPT && t->err.text[0] != '\0'));
	if (!fine)
		printf("     %s, memory %ld: %s: %s\n", d->name, at, rc_name(t->rc), t->err.text);
	(void)fflush(stdout);
	if (__gcov_dump != NULL)
		__gcov_dump();
	_exit(!fine ? CHILD_BAD : atomic_load(&nth.struck) ? CHILD_FINE : CHILD_LAST);
}

static int
without_memory(const struct deed *d, long at)
{
	char said[80];
	int status = 0, fd = memfd_create("said", MFD_CLOEXEC);
	ssize_t n;
	pid_t pid;

	fresh();
	if (d->journal)
		image_lay(d->headless);
	memset(told, 0, sizeof *told);
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		(void)dup2(fd, 2);
		deed_in_child(d, at);
	}
	(void)waitpid(pid, &status, 0);
	n = pread(fd, said, 79, 0);
	said[n > 0 ? n : 0] = '\0';
	(void)close(fd);
	if (!WIFEXITED(status))
		return CHILD_BAD;
	return WEXITSTATUS(status) == CHILD_OUT && strncmp(said, "ferryman: ", 10) != 0
		       ? CHILD_BAD
		       : WEXITSTATUS(status);
}

static void
each_request_of_ours_for_memory_fails(void)
{
	int bad = 0;

	for (int d = 0; d < DEEDS; d++) {
		long n = 0;
		int end;

		for (end = CHILD_FINE; end != CHILD_LAST; n++) {
			struct err err = { 0 };
			long at = 1 + (each_one ? n : n * OURS_STEP);

			end = without_memory(&deeds[d], at);
			if (end == CHILD_BAD || !whole(&deeds[d], told, &err)) {
				if (bad++ < TOLD)
					printf("     %s, memory %ld: ends with %d; then: %s\n",
						deeds[d].name, at, end, err.text);
			}
		}
		printf("%-14s our own memory %5ld failed\n", deeds[d].name, n - 1);
		CHECK(n > 5);
	}
	CHECK_INT(bad, 0);
}

static void
each_request_of_sqlite_for_memory_fails(void)
{
	static const struct fault all[] = {
		{ .name = "memory, once", .memory = true, .rc = RC_NOMEM, .step = 19 },
		{ .name = "memory, for ever",
			.memory = true,
			.plan = { .for_ever = true },
			.rc = RC_NOMEM,
			.step = 61 },
	};

	each(all, 2, (1u << DEEDS) - 1);
}

static void
each_read_fails(void)
{
	static const struct fault all[] = {
		{ .name = "read, once", .plan = { .ops = 1u << FV_READ }, .step = 1 },
		{ .name = "read, for ever",
			.plan = { .ops = 1u << FV_READ, .for_ever = true },
			.step = 4 },
		{ .name = "size, once", .plan = { .ops = 1u << FV_SIZE }, .step = 1 },
	};

	each(all, 3, (1u << DEEDS) - 1);
}

static void
each_lock_fails(void)
{
	static const struct fault all[] = {
		{ .name = "lock, once",
			.plan = { .ops = 1u << FV_LOCK | 1u << FV_SHM },
			.step = 2 },
		{ .name = "lock, held for ever",
			.plan = { .ops = 1u << FV_LOCK | 1u << FV_SHM,
				.code = SQLITE_BUSY,
				.for_ever = true },
			.rc = RC_BUSY,
			.step = 4 },
	};

	faultvfs_hurry(true);
	each(all, 2, (1u << DEEDS) - 1);
	faultvfs_hurry(false);
}

static void
each_write_of_an_era_and_of_a_copy_fails(void)
{
	static const struct fault all[] = {
		{ .name = "write, once", .plan = { .fault = FV_ERROR }, .step = 1 },
		{ .name = "write, for ever",
			.plan = { .fault = FV_ERROR, .for_ever = true },
			.step = 4 },
		{ .name = "no room",
			.plan = { .fault = FV_FULL, .for_ever = true },
			.rc = RC_FULL,
			.step = 2 },
	};

	each(all, 3, 1u << ERA | 1u << COPY);
}

int
main(void)
{
	digest_warm();
	heap_install();
	faultvfs_install();
	each_one = getenv("FERRYMAN_SOAK") != NULL;
	digest_sha256(NULL, text, sizeof text - 1, sha256);
	told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (told == MAP_FAILED)
		abort();
	rig_dir(dir);
	rig_dir(copy);
	image_make();
	TEST(each_request_of_sqlite_for_memory_fails);
	if (NTH_HAS_MALLOC)
		TEST(each_request_of_ours_for_memory_fails);
	else
		SKIP("each_request_of_ours_for_memory_fails",
			"the address sanitizer's malloc stands there");
	TEST(each_read_fails);
	TEST(each_lock_fails);
	TEST(each_write_of_an_era_and_of_a_copy_fails);
	for (int i = 0; i < FILES; i++)
		free(image[i]);
	rig_wipe(dir);
	rig_wipe(copy);
	return check_end();
}
