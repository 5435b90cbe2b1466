/*
 * store_writer.c - the edges of the store's life: somebody else's hand in the database, a reader
 * that stands in the way of a checkpoint, an end with appends in the queue, first starts that ended
 * early, a disk without shared memory, texts and rows that were changed beneath it.
 */
#include "contract/store_case.h"
#include "core/record.h"
#include "lib/faultvfs.h"
#include "os/digest.h"
#include "os/stdmem.h"
#include "state/audit.h"

#include <sqlite3.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LARGE = 5 << 20 }; /* more than the log may hold before it is copied: 1,000 pages */

static void
opens_as(bool new_era, enum store_mode mode, enum rc want, const char *says, struct store_head *h)
{
	struct store *s = NULL;
	struct err err = { 0 };
	enum rc rc = open_with(&s, h, mode, new_era, "the test", &err);

	CHECK_STR(rc_name(rc), rc_name(want));
	CHECK(rc == RC_OK || strstr(err.text, says) != NULL);
	if (rc != want)
		printf("     %s\n", err.text);
	store_close(&s);
}

/* --- what is handed in --- */

static void
an_append_of_nothing_and_one_that_is_too_long_are_refused(void)
{
	struct store_head h;
	struct store *s = actor(&h);
	struct rig_done d = { 0 };
	struct err err = { 0 };
	char *text = stdmem_get(RECORD_MAX + 2);

	CHECK_INT(store_append(s,
			  &(struct store_append){
				  .epoch = h.epoch, .seq = h.seq, .hash = h.hash, .n = 0 },
			  rig_on_done, &d, &err),
		RC_INVALID);
	CHECK(strstr(err.text, "without records") != NULL);
	memset(text, ' ', RECORD_MAX + 1);
	CHECK_INT(append_text(s, &h, text), RC_LIMIT);
	text[RECORD_MAX] = '\0'; /* the twin: not too long, only no record */
	CHECK_INT(append_text(s, &h, text), RC_INVALID);
	free(text);
	CHECK_INT(store_append(s,
			  &(struct store_append){ .epoch = h.epoch,
				  .seq = h.seq,
				  .hash = h.hash,
				  .records = (const char *const[]){ "{}", "{}" },
				  .n = 2 },
			  rig_on_done, &d, &err),
		RC_INVALID);
	CHECK(strstr(err.text, "record 1 has no proper header") != NULL); /* the first of them */
	CHECK_INT(d.times, 0);
	fill(s, &h, 1); /* refused is not failed */
	CHECK_INT(store_fault(s), RC_OK);
	store_close(&s);
}

static void
a_reader_has_nothing_to_wait_for(void)
{
	struct store_head h;
	struct store *s = actor(&h);
	struct err err = { 0 };

	fill(s, &h, 1);
	store_close(&s);
	s = reader(&h);
	CHECK_INT(store_fd(s), -1);
	store_poll(s);
	CHECK_INT(store_drain(s, &err), RC_OK);
	CHECK_INT(store_fault(s), RC_OK);
	CHECK_INT(append_text(s, &h, "{}"), RC_DENIED);
	store_close(&s);
	store_close(&s);
}

/* --- the end, with work in the queue --- */

/* The fault, not a wait: a disk that takes its time. */
static void
slowly(void *ctx, enum fv_op op, enum fv_file file)
{
	(void)ctx;
	if (op == FV_SYNC && file == FV_HEAD)
		(void)usleep(5000);
}

static void
what_is_queued_at_the_end_is_dropped_and_nobody_is_called(void)
{
	enum {
		QUEUED = 200
	}; /* a second of that disk: it is not through with them before the end */
	struct store_head h, at, end;
	struct store *s = actor(&h);
	struct rig_done d = { 0 };
	struct rig_read r = { .salt = SALT };
	struct err err;

	at = h;
	faultvfs_watch(slowly, NULL);
	for (int i = 0; i < QUEUED; i++) {
		char *record = rig_record(&at, 0, SALT);
		const char *const list[] = { record };

		CHECK_INT(store_append(s,
				  &(struct store_append){ .epoch = at.epoch,
					  .seq = at.seq,
					  .hash = at.hash,
					  .records = list,
					  .n = 1 },
				  rig_on_done, &d, &err),
			RC_OK);
		rig_next(&at, record, 0);
		free(record);
	}
	store_close(&s);
	faultvfs_watch(NULL, NULL);
	CHECK_INT(d.times, 0);
	s = actor(&end); /* a sound beginning of them is there */
	CHECK(end.seq < QUEUED);
	rig_read_all(s, &r);
	CHECK(r.rc == RC_OK && !r.wrong && r.n == end.seq);
	store_close(&s);
}

/* --- somebody else's hand --- */

static void
another_writer_ends_it(void)
{
	static const char text[] = "late";
	char sha256[DIGEST_HEX];
	struct store_head h;
	struct store *s = actor(&h);
	struct err err = { 0 };

	fill(s, &h, 2);
	CHECK(rig_sql(dir, "UPDATE meta SET commits = commits + 1"));
	CHECK_INT(rig_append(s, &h, 0, SALT), OUT_UNKNOWN);
	CHECK_INT(store_fault(s), RC_CORRUPT);
	CHECK_INT(store_drain(s, &err), RC_CORRUPT);
	CHECK(strstr(err.text, "somebody else writes to this journal") != NULL);
	CHECK(strstr(err.text, "can no longer be written") != NULL);
	CHECK_INT(rig_append(s, &h, 0, SALT), OUT_N);
	digest_sha256(NULL, text, sizeof text - 1, sha256);
	CHECK_INT(store_blob_put(s, sha256, text, sizeof text - 1, &err), RC_CORRUPT);
	store_close(&s);
}

static int
never(void *ctx, uint64_t seq, const char *bytes, size_t n, const char *hash)
{
	int *calls = ctx;

	(void)seq;
	(void)bytes;
	(void)n;
	(void)hash;
	(*calls)++;
	return 0;
}

static void
folds_to_corrupt(struct store *s, const char *says)
{
	struct err err = { 0 };
	int calls = 0;

	CHECK_INT(store_fold(s, 1, never, &calls, &err), RC_CORRUPT);
	CHECK(strstr(err.text, says) != NULL);
}

static void
a_fold_that_does_not_end_where_the_meta_row_says_is_damage(void)
{
	struct store_head h;
	struct store *s = actor(&h);
	struct err err = { 0 };
	int calls = 0;

	fill(s, &h, 3);
	CHECK_INT(store_fold(s, 1, never, &calls, &err), RC_OK);
	CHECK_INT(calls, 3);
	CHECK(rig_sql(dir, "UPDATE meta SET hash = (SELECT hash FROM record WHERE seq = 2)"));
	folds_to_corrupt(s, "does not end with the record that its head names");
	CHECK(rig_sql(dir, "UPDATE meta SET hash = (SELECT hash FROM record WHERE seq = 3)"));
	CHECK(rig_sql(dir, "DELETE FROM record WHERE seq = 3"));
	folds_to_corrupt(s, "does not end with the record that its head names");
	CHECK(rig_sql(dir, "UPDATE record SET bytes = '?' WHERE seq = 1"));
	folds_to_corrupt(s, "record 1 was changed");
	CHECK(rig_sql(dir, "DROP TABLE record"));
	folds_to_corrupt(s, "no such table");
	CHECK(rig_sql(dir, "DELETE FROM meta"));
	folds_to_corrupt(s, "the meta row is missing or damaged");
	store_close(&s);
}

static void
a_text_that_was_changed_is_not_given_out_and_is_kept_anew(void)
{
	static const char text[] = "name: corp\n";
	char sha256[DIGEST_HEX], none[DIGEST_HEX], *got = NULL;
	struct store_head h;
	struct store *s = actor(&h);
	struct err err = { 0 };
	size_t n = 77;

	digest_sha256(NULL, text, sizeof text - 1, sha256);
	digest_sha256(NULL, "", 0, none);
	CHECK_INT(store_blob_put(s, sha256, text, sizeof text - 1, &err), RC_OK);
	CHECK_INT(store_blob_put(s, none, "", 0, &err), RC_OK);
	store_close(&s);
	CHECK(rig_sql(dir, "UPDATE blob SET bytes = x'00' WHERE length(bytes) > 0"));
	s = actor(&h);
	CHECK_INT(store_blob_get(s, sha256, &got, &n, &err), RC_CORRUPT);
	CHECK(strstr(err.text, "is damaged: its SHA-256 is") != NULL);
	CHECK(got == NULL && n == 77);
	CHECK_INT(store_blob_put(s, sha256, text, sizeof text - 1, &err), RC_OK);
	CHECK_INT(store_blob_get(s, sha256, &got, &n, &err), RC_OK);
	CHECK_STR(got, text);
	free(got);
	CHECK_INT(store_blob_get(s, none, &got, &n, &err), RC_OK); /* the empty one */
	CHECK(n == 0 && got != NULL && got[0] == '\0');
	free(got);
	store_close(&s);
}

/* By a hand, or by a disk that forgot: what was in it is nowhere else. */
static void
a_log_that_was_cut_beneath_a_reader_is_damage(void)
{
	struct store_head h;
	struct store *s = actor(&h), *r;
	struct err err = { 0 };
	char path[RIG_PATH];
	int calls = 0;

	fill(s, &h, 100);
	r = reader(&h);
	rig_path(path, dir, "journal.db-wal");
	CHECK_INT(truncate(path, 100), 0);
	CHECK_INT(store_fold(r, 1, never, &calls, &err), RC_CORRUPT);
	CHECK(strstr(err.text, "cannot read its records") != NULL);
	store_close(&r);
	store_close(&s);
}

static void
a_copy_of_a_damaged_journal_is_not_made(void)
{
	struct store_head h;
	struct store *s = actor(&h);
	struct err err = { 0 };
	char to[RIG_PATH];
	long n;

	fill(s, &h, 3);
	rig_path(to, dir, "copy");
	CHECK(rig_sql(dir, "UPDATE record SET bytes = '?' WHERE seq = 2"));
	CHECK_INT(store_backup(s, to, &err), RC_CORRUPT);
	CHECK(strstr(err.text, "backup to ") != NULL);
	CHECK(strstr(err.text, "record 2 was changed") != NULL);
	free(rig_load(to, "journal.db", &n));
	CHECK(n < 0);
	CHECK(rig_sql(dir, "DELETE FROM meta"));
	CHECK_INT(store_backup(s, to, &err), RC_CORRUPT);
	CHECK_INT(store_backup(s, "/proc/no-such-place", &err), RC_IO);
	store_close(&s);
}

/* --- checkpoints --- */

static long
database_bytes(void)
{
	char path[RIG_PATH];
	struct stat st;

	rig_path(path, dir, "journal.db");
	return stat(path, &st) == 0 ? (long)st.st_size : -1;
}

static void
put_large(struct store *s, char fill_with)
{
	char sha256[DIGEST_HEX], *text = stdmem_get(LARGE);
	struct err err = { 0 };

	memset(text, fill_with, LARGE);
	digest_sha256(NULL, text, LARGE, sha256);
	CHECK_INT(store_blob_put(s, sha256, text, LARGE, &err), RC_OK);
	CHECK_INT(store_drain(s, &err), RC_OK);
	free(text);
}

/* Nobody waits for somebody who only looks: what he may still see is copied when he has gone. */
static void
a_reader_holds_a_checkpoint_up_and_nothing_else(void)
{
	struct store_head h, seen;
	struct store *s = actor(&h), *r;

	fill(s, &h, 1);
	r = reader(&seen);
	put_large(s, 'a');
	fill(s, &h, 1);
	CHECK(database_bytes() < LARGE);
	put_large(s, 'b');
	fill(s, &h, 1);
	CHECK(database_bytes() < LARGE);
	CHECK_INT(seen.seq, 1);
	store_close(&r);
	put_large(s, 'c');
	fill(s, &h, 1);
	CHECK(database_bytes() > 3 * LARGE);
	store_close(&s);
	s = actor(&h);
	CHECK_INT(h.seq, 4);
	store_close(&s);
}

/* The first look at the log's locks behind an acknowledgement is the checkpoint's. */
static void
fail_checkpoint(void *ctx, enum fv_op op, enum fv_file file)
{
	const struct fv_plan *plan = ctx;

	if (op == FV_SYNC && file == FV_HEAD) {
		faultvfs_watch(NULL, NULL);
		faultvfs_plan(plan);
	}
}

static void
checkpoint_meets(int code, enum rc want)
{
	struct fv_plan plan = { .at = 1, .ops = 1u << FV_SHM, .code = code };
	struct store_head h;
	struct store *s;

	s = actor(&h);
	faultvfs_watch(fail_checkpoint, &plan);
	{
		char sha256[DIGEST_HEX], *text = stdmem_get(LARGE);
		struct err err = { 0 };

		memset(text, 'a' + code % 20, LARGE);
		digest_sha256(NULL, text, LARGE, sha256);
		CHECK_INT(store_blob_put(s, sha256, text, LARGE, &err), RC_OK);
		free(text);
		CHECK_INT(store_drain(s, &err), want);
	}
	CHECK(faultvfs_struck());
	faultvfs_plan(NULL);
	CHECK_INT(store_fault(s), want);
	CHECK_INT(rig_append(s, &h, 0, SALT), want == RC_OK ? OUT_DONE : OUT_N);
	store_close(&s);
}

/* Somebody who copies the log at the same time is no failure; a disk that fails is one. */
static void
a_checkpoint_that_another_makes_is_left_to_him(void)
{
	struct store_head h;

	checkpoint_meets(SQLITE_BUSY, RC_OK);
	checkpoint_meets(SQLITE_IOERR_SHMLOCK, RC_IO);
	opens_as(false, STORE_ACTOR, RC_OK, "", &h);
	CHECK_INT(h.seq, 1);
}

/* In a child that ends without closing anything: the log is left as a kill leaves it. */
static void
left_by_a_kill(int records)
{
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		struct store_head h;
		struct store *s = actor(&h);

		fill(s, &h, records);
		_exit(0);
	}
	(void)waitpid(pid, NULL, 0);
}

static void
a_reader_does_not_keep_an_actor_from_opening(void)
{
	struct store_head seen, h;
	struct store *r, *s;
	struct rig_read rr = { .salt = SALT };

	left_by_a_kill(3);
	r = reader(&seen);
	faultvfs_hurry(true);
	s = actor(&h);
	faultvfs_hurry(false);
	CHECK_INT(h.seq, 3);
	CHECK_INT(h.epoch, 2);
	fill(s, &h, 1);
	rig_read_all(r, &rr);
	CHECK(rr.rc == RC_OK && rr.n == 3 && !rr.wrong);
	store_close(&r);
	store_close(&s);
}

/* --- first starts --- */

/* A first start that the disk ends: the n-th operation on these files and all later ones fail. */
static void
cut_short(unsigned ops, unsigned files, int at)
{
	struct store *s = NULL;
	struct store_head h;
	struct err err = { 0 };

	faultvfs_plan(&(struct fv_plan){
		.at = at, .ops = ops, .files = files, .fault = FV_ERROR, .for_ever = true });
	CHECK_INT(open_with(&s, &h, STORE_ACTOR, false, NULL, &err), RC_IO);
	CHECK(faultvfs_struck());
	faultvfs_plan(NULL);
}

static void
a_first_start_that_ended_before_its_tables_is_none(void)
{
	struct store_head h;

	cut_short(1u << FV_WRITE, 1u << FV_WAL, 1);
	opens_as(false, STORE_READER, RC_NOTFOUND, "its first start has not ended", &h);
	opens_as(false, STORE_ACTOR, RC_OK, "", &h);
	CHECK_INT(h.epoch, 1);
	CHECK_INT(h.era, 1);
}

static void
a_first_start_that_ended_before_its_head_goes_on(void)
{
	struct store_head h;
	struct store *s;
	struct audit a;
	struct err err = { 0 };

	for (int headless = 0; headless < 2; headless++) {
		rig_wipe(dir);
		(void)mkdir(dir, 0700);
		cut_short(1u << FV_WRITE, 1u << FV_HEAD, 1);
		if (headless)
			rig_save(dir, "head", NULL, -1);
		opens_as(false, STORE_READER, RC_OK, "", &h);
		CHECK_INT(h.seq, 0);
		CHECK_INT(audit_verify(dir, NULL, 0, &a, &err), RC_OK);
		CHECK_INT(a.fault, CHAIN_NONE);
		s = actor(&h);
		CHECK_INT(h.epoch, 1);
		fill(s, &h, 1);
		store_close(&s);
	}
}

/* There is nothing above which a new era would have to be. */
static void
a_new_era_of_a_new_journal_is_its_first(void)
{
	struct store_head h;

	opens_as(true, STORE_ACTOR, RC_OK, "", &h);
	CHECK_INT(h.era, 1);
	CHECK(h.fresh);
	opens_as(true, STORE_ACTOR, RC_OK, "", &h);
	CHECK_INT(h.era, 2);
}

/* The head may be ahead in each of its numbers, or behind in some: the new era is above all. */
static void
a_new_era_is_above_head_and_database_alike(void)
{
	struct store_head h;
	struct store *s = actor(&h);
	struct err err = { 0 };

	fill(s, &h, 2);
	store_close(&s);
	CHECK(rig_sql(dir, "UPDATE meta SET commits = 90, era = 7, epoch = 8"));
	opens_as(false, STORE_ACTOR, RC_CORRUPT, "head file", &h);
	opens_as(true, STORE_ACTOR, RC_OK, "", &h);
	CHECK_INT(h.era, 8);
	CHECK_INT(h.epoch, 9);
	CHECK(rig_sql(dir, "UPDATE meta SET commits = 3, era = 2, epoch = 3"));
	opens_as(false, STORE_ACTOR, RC_CORRUPT, "behind its head", &h);
	CHECK_INT(open_with(&s, &h, STORE_ACTOR, true, NULL, &err), RC_OK);
	CHECK_INT(h.era, 9);
	CHECK_INT(h.epoch, 10);
	fill(s, &h, 1);
	store_close(&s);
	opens_as(false, STORE_READER, RC_OK, "", &h);
	CHECK_INT(h.seq, 3);
}

static void
a_disk_without_shared_memory_is_refused(void)
{
	struct store_head h;

	faultvfs_remote(true);
	opens_as(false, STORE_ACTOR, RC_UNSUPPORTED, "must be on a local disk", &h);
	faultvfs_remote(false);
	opens_as(false, STORE_ACTOR, RC_OK, "", &h);
}

int
main(void)
{
	digest_warm();
	faultvfs_install();
	kind = &kinds[0];
	EACH(an_append_of_nothing_and_one_that_is_too_long_are_refused);
	EACH(a_reader_has_nothing_to_wait_for);
	EACH(what_is_queued_at_the_end_is_dropped_and_nobody_is_called);
	EACH(another_writer_ends_it);
	EACH(a_fold_that_does_not_end_where_the_meta_row_says_is_damage);
	EACH(a_text_that_was_changed_is_not_given_out_and_is_kept_anew);
	EACH(a_log_that_was_cut_beneath_a_reader_is_damage);
	EACH(a_copy_of_a_damaged_journal_is_not_made);
	EACH(a_reader_holds_a_checkpoint_up_and_nothing_else);
	EACH(a_checkpoint_that_another_makes_is_left_to_him);
	EACH(a_reader_does_not_keep_an_actor_from_opening);
	EACH(a_first_start_that_ended_before_its_tables_is_none);
	EACH(a_first_start_that_ended_before_its_head_goes_on);
	EACH(a_new_era_of_a_new_journal_is_its_first);
	EACH(a_new_era_is_above_head_and_database_alike);
	EACH(a_disk_without_shared_memory_is_refused);
	return check_end();
}
