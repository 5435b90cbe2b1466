/*
 * store_sqlite.c - the contract of a store (state/store.h), kept by SQLite. The first part knows
 * nothing but store.h and runs for each row of `kinds`; a second store is one more row. The second
 * part is about SQLite's files.
 */
#include "contract/store_case.h"
#include "lib/faultvfs.h"
#include "os/digest.h"
#include "os/stdmem.h"
#include "state/audit.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CROWD = 50, QUEUE = 200, WAIT_MS = 20000 };

/* --- the contract --- */

static void
a_new_store_is_empty_and_fresh(void)
{
	struct store_head h;
	struct store *s = actor(&h);

	CHECK_INT(strlen(h.store), 32);
	CHECK_INT(h.era, 1);
	CHECK_INT(h.epoch, 1);
	CHECK_INT(h.seq, 0);
	CHECK_INT(h.lsn, 0);
	CHECK_STR(h.hash, ZERO);
	CHECK(h.fresh);
	store_close(&s);
}

static void
its_identity_stays_and_its_epoch_rises_with_each_actor(void)
{
	struct store_head first, h;
	struct store *s = actor(&first);

	store_close(&s);
	s = reader(&h);
	CHECK_INT(h.epoch, first.epoch);
	store_close(&s);
	s = actor(&h);
	CHECK_STR(h.store, first.store);
	CHECK_INT(h.epoch, first.epoch + 1);
	CHECK_INT(h.era, first.era);
	store_close(&s);
}

static void
an_era_is_fresh_until_a_record_is_written_in_it(void)
{
	struct store_head h;
	struct store *s = actor(&h);
	struct err err;

	store_close(&s);
	s = actor(&h);
	CHECK(h.fresh);
	fill(s, &h, 1);
	CHECK(!h.fresh);
	store_close(&s);
	s = actor(&h);
	CHECK(!h.fresh);
	store_close(&s);
	CHECK_INT(open_with(&s, &h, STORE_ACTOR, true, NULL, &err), RC_OK);
	CHECK(h.fresh);
	CHECK_INT(h.era, 2);
	store_close(&s);
	s = actor(&h);
	CHECK(h.fresh);
	CHECK_INT(h.era, 2);
	fill(s, &h, 1);
	store_close(&s);
	s = reader(&h);
	CHECK(!h.fresh);
	CHECK_INT(h.seq, 2);
	store_close(&s);
}

static int
take_bytes(void *ctx, uint64_t seq, const char *bytes, size_t n, const char *hash)
{
	char **to = ctx, is[DIGEST_HEX];

	digest_sha256(NULL, bytes, n, is);
	CHECK_STR(hash, is);
	CHECK_INT(n, strlen(bytes));
	free(to[seq]);
	to[seq] = stdmem_str(bytes);
	return 0;
}

static void
records_come_back_byte_for_byte(void)
{
	static const char *const salts[] = { "plain", "Gr\xc3\xbcnde \xf0\x9f\x93\xac",
		"quote \\\" back\\\\slash", "a very long one" };
	struct store_head h, end;
	struct store *s = actor(&h);
	char *wrote[8] = { 0 }, *got[8] = { 0 };
	struct err err;

	for (size_t i = 0; i < 4; i++) {
		wrote[i + 1] = rig_record(&h, 0, salts[i]);
		CHECK_INT(rig_append(s, &h, 0, salts[i]), OUT_DONE);
	}
	CHECK_INT(store_fold(s, 1, take_bytes, got, &err), RC_OK);
	for (size_t i = 1; i <= 4; i++)
		CHECK_STR(got[i], wrote[i]);
	store_close(&s);
	s = reader(&end);
	CHECK_STR(end.hash, h.hash);
	CHECK_INT(end.seq, 4);
	CHECK_INT(store_fold(s, 1, take_bytes, got, &err), RC_OK);
	for (size_t i = 1; i <= 4; i++)
		CHECK_STR(got[i], wrote[i]);
	store_close(&s);
	for (size_t i = 0; i < 8; i++) {
		free(wrote[i]);
		free(got[i]);
	}
}

struct counted {
	uint64_t first, last, n, stop_at;
};

static int
count_one(void *ctx, uint64_t seq, const char *bytes, size_t n, const char *hash)
{
	struct counted *c = ctx;

	(void)bytes;
	(void)n;
	(void)hash;
	c->first = c->first == 0 ? seq : c->first;
	c->last = seq;
	c->n++;
	return seq == c->stop_at ? (int)RC_LIMIT : 0;
}

static void
a_fold_begins_where_it_is_told_and_stops_when_told(void)
{
	struct store_head h;
	struct store *s = actor(&h);
	struct counted all = { 0 }, some = { 0 }, stopped = { .stop_at = 3 }, none = { 0 };
	struct err err;

	fill(s, &h, 5);
	CHECK_INT(store_fold(s, 0, count_one, &all, &err), RC_OK);
	CHECK_INT(all.n, 5);
	CHECK_INT(store_fold(s, 4, count_one, &some, &err), RC_OK);
	CHECK_INT(some.first, 4);
	CHECK_INT(some.n, 2);
	CHECK_INT(store_fold(s, 1, count_one, &stopped, &err), RC_LIMIT);
	CHECK_INT(stopped.last, 3);
	CHECK_INT(store_fold(s, 6, count_one, &none, &err), RC_OK);
	CHECK_INT(none.n, 0);
	store_close(&s);
}

static enum outcome
append_as(struct store *s, const struct store_head *h, uint64_t epoch, uint64_t seq,
	const char *hash, char why[600])
{
	struct store_head claimed = *h;
	struct rig_done d = { .outcome = OUT_N };
	struct err err;
	char *record;
	const char *list[1];

	claimed.epoch = epoch;
	claimed.seq = seq;
	(void)snprintf(claimed.hash, sizeof claimed.hash, "%s", hash);
	record = rig_record(&claimed, 0, SALT);
	list[0] = record;
	if (store_append(s,
		    &(struct store_append){ .op = 7,
			    .epoch = epoch,
			    .seq = seq,
			    .hash = hash,
			    .records = list,
			    .n = 1 },
		    rig_on_done, &d, &err) == RC_OK)
		CHECK_INT(store_drain(s, &err), RC_OK);
	free(record);
	if (d.times > 0)
		CHECK_INT(d.op, 7);
	(void)snprintf(why, 600, "%s", d.why);
	return d.outcome;
}

static void
an_append_with_another_expectation_is_a_conflict_and_writes_nothing(void)
{
	struct store_head h, end;
	struct store *s = actor(&h);
	char why[600], other[65];

	store_close(&s);
	s = actor(&h); /* epoch 2, so that there is one before it */
	fill(s, &h, 2);
	memcpy(other, h.hash, sizeof other);
	other[0] = other[0] == '0' ? '1' : '0';
	CHECK_INT(append_as(s, &h, h.epoch + 1, h.seq, h.hash, why), OUT_CONFLICT);
	CHECK_INT(append_as(s, &h, h.epoch - 1, h.seq, h.hash, why), OUT_CONFLICT);
	CHECK_INT(append_as(s, &h, h.epoch, h.seq - 1, h.hash, why), OUT_CONFLICT);
	CHECK_INT(append_as(s, &h, h.epoch, h.seq + 1, h.hash, why), OUT_CONFLICT);
	CHECK_INT(append_as(s, &h, h.epoch, h.seq, other, why), OUT_CONFLICT);
	CHECK(why[0] != '\0');
	CHECK_INT(append_as(s, &h, h.epoch, h.seq, h.hash, why), OUT_DONE);
	store_close(&s);
	s = reader(&end);
	CHECK_INT(end.seq, 3);
	store_close(&s);
}

/* A record that is chained to something else would break the chain for good. */
static void
a_record_that_does_not_follow_is_refused_before_it_is_queued(void)
{
	struct store_head h, wrong;
	struct store *s = actor(&h);
	char *r;

	fill(s, &h, 2);
	CHECK_INT(append_text(s, &h, "no record"), RC_INVALID);
	CHECK_INT(append_text(s, &h, "{}"), RC_INVALID);
	wrong = h;
	wrong.seq++;
	r = rig_record(&wrong, 0, SALT);
	CHECK_INT(append_text(s, &h, r), RC_INVALID);
	free(r);
	wrong = h;
	wrong.hash[5] = wrong.hash[5] == 'a' ? 'b' : 'a';
	r = rig_record(&wrong, 0, SALT);
	CHECK_INT(append_text(s, &h, r), RC_INVALID);
	free(r);
	wrong = h;
	wrong.epoch++;
	r = rig_record(&wrong, 0, SALT);
	CHECK_INT(append_text(s, &h, r), RC_INVALID);
	free(r);
	r = rig_record(&h, 0, SALT);
	CHECK_INT(append_text(s, &h, r), RC_OK);
	free(r);
	store_close(&s);
}

static void
lsns_only_rise(void)
{
	struct store_head h, end;
	struct store *s = actor(&h);

	CHECK_INT(rig_append(s, &h, 5, SALT), OUT_DONE);
	CHECK_INT(h.lsn, 5);
	CHECK_INT(rig_append(s, &h, 5, SALT), OUT_CONFLICT);
	CHECK_INT(rig_append(s, &h, 4, SALT), OUT_CONFLICT);
	CHECK_INT(rig_append(s, &h, 0, SALT), OUT_DONE);
	CHECK_INT(h.lsn, 5);
	CHECK_INT(rig_append(s, &h, 1ull << 40, SALT), OUT_DONE);
	store_close(&s);
	s = actor(&end);
	CHECK_INT(end.lsn, 1ll << 40);
	CHECK_INT(end.seq, 3);
	store_close(&s);
}

struct fifo {
	pthread_t thread;
	uint64_t next;
	int wrong, other_thread;
};

static void
in_order(void *ctx, uint64_t op, enum outcome outcome, const struct store_head *head,
	const char *why)
{
	struct fifo *f = ctx;

	(void)why;
	if (op != f->next || outcome != OUT_DONE || head == NULL || head->seq != op)
		f->wrong++;
	if (!pthread_equal(pthread_self(), f->thread))
		f->other_thread++;
	f->next++;
}

/* The next record, handed in and not waited for; its text is gone when the call returns. */
static void
queue(struct store *s, struct store_head *h, uint64_t op, store_done_fn *done, void *ctx)
{
	char *r = rig_record(h, 0, SALT);
	const char *const list[] = { r };
	const struct store_append a = {
		.op = op, .epoch = h->epoch, .seq = h->seq, .hash = h->hash, .records = list, .n = 1
	};
	struct err err;

	CHECK_INT(store_append(s, &a, done, ctx, &err), RC_OK);
	rig_next(h, r, 0);
	memset(r, 'x', strlen(r));
	free(r);
}

static void
queued_appends_are_answered_once_in_order_on_the_callers_thread(void)
{
	struct store_head h, end;
	struct store *s = actor(&h);
	struct fifo f = { .thread = pthread_self(), .next = 1 };
	struct err err;

	for (int i = 1; i <= QUEUE; i++)
		queue(s, &h, (uint64_t)i, in_order, &f);
	CHECK_INT(f.next, 1); /* never inside the call */
	CHECK_INT(store_drain(s, &err), RC_OK);
	CHECK_INT(f.next, QUEUE + 1);
	store_poll(s);
	CHECK_INT(f.next, QUEUE + 1);
	CHECK_INT(f.wrong, 0);
	CHECK_INT(f.other_thread, 0);
	store_close(&s);
	s = reader(&end);
	CHECK_STR(end.hash, h.hash);
	store_close(&s);
}

static void
one_append_of_several_records_is_all_or_nothing(void)
{
	struct store_head h, at, end;
	struct store *s = actor(&h);
	struct rig_done d = { 0 };
	const char *list[3];
	char *r[3];
	struct err err;

	at = h;
	for (int i = 0; i < 3; i++) {
		r[i] = rig_record(&at, i == 1 ? 9 : 0, SALT);
		list[i] = r[i];
		rig_next(&at, r[i], i == 1 ? 9 : 0);
	}
	CHECK_INT(store_append(s,
			  &(struct store_append){ .epoch = h.epoch,
				  .seq = h.seq,
				  .hash = h.hash,
				  .records = list,
				  .n = 3 },
			  rig_on_done, &d, &err),
		RC_OK);
	CHECK_INT(store_drain(s, &err), RC_OK);
	CHECK_INT(d.outcome, OUT_DONE);
	CHECK_INT(d.head.seq, 3);
	CHECK_INT(d.head.lsn, 9);
	CHECK_STR(d.head.hash, at.hash);
	list[2] = list[0]; /* does not follow the second: none of them is written */
	CHECK_INT(store_append(s,
			  &(struct store_append){ .epoch = h.epoch,
				  .seq = h.seq,
				  .hash = h.hash,
				  .records = list,
				  .n = 3 },
			  rig_on_done, &d, &err),
		RC_INVALID);
	store_close(&s);
	s = reader(&end);
	CHECK_INT(end.seq, 3);
	store_close(&s);
	for (int i = 0; i < 3; i++)
		free(r[i]);
}

static bool
readable(const struct store *s)
{
	struct pollfd p = { .fd = store_fd(s), .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static void
its_descriptor_is_readable_when_there_is_an_answer(void)
{
	struct store_head h;
	struct store *s = actor(&h);
	struct rig_done d = { 0 };
	char *r = rig_record(&h, 0, SALT);
	const char *const list[] = { r };
	struct pollfd p = { .fd = store_fd(s), .events = POLLIN };
	struct err err;

	CHECK(!readable(s));
	store_poll(s); /* without anything to call it does nothing, and does not wait */
	CHECK_INT(store_append(s,
			  &(struct store_append){
				  .epoch = h.epoch, .hash = h.hash, .records = list, .n = 1 },
			  rig_on_done, &d, &err),
		RC_OK);
	CHECK_INT(poll(&p, 1, WAIT_MS), 1);
	CHECK_INT(d.times, 0);
	store_poll(s);
	CHECK_INT(d.times, 1);
	CHECK(!readable(s));
	free(r);
	store_close(&s);
}

static void
playbooks_texts_are_kept_by_their_hash(void)
{
	static const char text[] = "name: corp\n\0with a NUL";
	char sha256[DIGEST_HEX], other[DIGEST_HEX], *got = NULL;
	struct store_head h;
	struct store *s = actor(&h);
	struct err err = { 0 };
	size_t n = 0;

	digest_sha256(NULL, text, sizeof text, sha256);
	digest_sha256(NULL, "another", 7, other);
	CHECK_INT(store_blob_put(s, other, text, sizeof text, &err), RC_INVALID);
	CHECK_INT(store_blob_get(s, sha256, &got, &n, &err), RC_NOTFOUND);
	CHECK_INT(store_blob_put(s, sha256, text, sizeof text, &err), RC_OK);
	CHECK_INT(store_blob_put(s, sha256, text, sizeof text, &err), RC_OK);
	fill(s, &h, 1); /* a text moves no head */
	store_close(&s);
	s = reader(&h);
	CHECK_INT(store_blob_get(s, sha256, &got, &n, &err), RC_OK);
	CHECK_INT(n, sizeof text);
	CHECK(n == sizeof text && memcmp(got, text, n) == 0);
	free(got);
	CHECK_INT(store_blob_put(s, sha256, text, sizeof text, &err), RC_DENIED);
	store_close(&s);
}

static void
a_reader_needs_no_lock_and_changes_nothing(void)
{
	struct store_head h, seen;
	struct store *s = actor(&h), *r;
	struct counted c = { 0 };
	struct err err;

	fill(s, &h, 3);
	r = reader(&seen);
	CHECK_INT(seen.seq, 3);
	CHECK_INT(seen.epoch, h.epoch);
	CHECK_INT(rig_append(r, &seen, 0, SALT), OUT_N);
	fill(s, &h, 2); /* nobody waits for a reader, and a reader sees one moment */
	CHECK_INT(store_fold(r, 1, count_one, &c, &err), RC_OK);
	CHECK_INT(c.n, 3);
	store_close(&r);
	r = reader(&seen);
	CHECK_INT(seen.seq, 5);
	store_close(&r);
	store_close(&s);
}

static void
a_reader_says_that_there_is_nothing(void)
{
	struct store *s = NULL;
	struct store_head h = { .seq = 77 };
	struct err err = { 0 };

	CHECK_INT(open_with(&s, &h, STORE_READER, false, NULL, &err), RC_NOTFOUND);
	CHECK(strstr(err.text, dir) != NULL);
	CHECK(s == NULL);
	CHECK_INT(h.seq, 77);
}

/* A child that opens, says so, and holds the store until it is killed. */
static pid_t
holder(const char *name, const char *says)
{
	int ready[2];
	char c;
	pid_t pid;

	if (pipe(ready) != 0)
		abort();
	pid = fork();
	if (pid == 0) {
		struct store *s = NULL;
		struct store_head h;
		struct err err;
		enum rc rc = open_with(&s, &h, STORE_ACTOR, false, name, &err);

		if (rc == RC_OK)
			(void)rig_append(s, &h, 0, says);
		(void)!write(ready[1], rc == RC_OK ? "y" : "n", 1);
		for (;;)
			(void)pause();
	}
	(void)close(ready[1]);
	CHECK(read(ready[0], &c, 1) == 1 && c == 'y');
	(void)close(ready[0]);
	return pid;
}

static void
end(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

static void
a_second_actor_is_told_who_the_first_is_and_a_kill_frees_it_at_once(void)
{
	pid_t pid = holder("watch, pid 4711, user alice", SALT);
	struct store *s = NULL;
	struct store_head h;
	struct err err = { 0 };

	CHECK_INT(open_with(&s, &h, STORE_ACTOR, false, "second", &err), RC_BUSY);
	CHECK(strstr(err.text, "watch, pid 4711, user alice") != NULL);
	s = reader(&h);
	CHECK_INT(h.seq, 1);
	store_close(&s);
	end(pid);
	s = actor(&h);
	CHECK_INT(h.seq, 1);
	CHECK_INT(h.epoch, 2);
	store_close(&s);
}

/* Each of the crowd says "a" when it acts, "n" when it was told the name of one who does, "x" else.
 */
static void
one_of_a_crowd(int go, int said)
{
	struct store *s = NULL;
	struct store_head h;
	struct err err = { 0 };
	char me[32], c;
	enum rc rc;

	(void)snprintf(me, sizeof me, "member %d", (int)getpid());
	(void)!read(go, &c, 1); /* ends for all at once */
	rc = open_with(&s, &h, STORE_ACTOR, false, me, &err);
	c = rc == RC_OK							   ? 'a'
	    : rc == RC_BUSY && strstr(err.text, "held by member ") != NULL ? 'n'
									   : 'x';
	if (c == 'x')
		printf("     %s\n", err.text);
	(void)!write(said, &c, 1);
	for (;;)
		(void)pause();
}

static void
of_a_crowd_one_acts_and_the_others_name_it(void)
{
	int go[2], said[2], acts = 0, named = 0;
	pid_t pid[CROWD];
	char c;

	if (pipe(go) != 0 || pipe(said) != 0)
		abort();
	(void)fflush(stdout);
	for (int i = 0; i < CROWD; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			(void)close(go[1]);
			one_of_a_crowd(go[0], said[1]);
		}
	}
	(void)close(go[0]);
	(void)close(go[1]);
	(void)close(said[1]);
	for (int i = 0; i < CROWD && read(said[0], &c, 1) == 1; i++) {
		acts += c == 'a';
		named += c == 'n';
	}
	CHECK_INT(acts, 1);
	CHECK_INT(named, CROWD - 1);
	(void)close(said[0]);
	for (int i = 0; i < CROWD; i++)
		end(pid[i]);
}

static bool
sound(const char *at, char why[300])
{
	struct audit a;
	struct err err = { 0 };
	enum rc rc = audit_verify(at, NULL, 0, &a, &err);

	(void)snprintf(why, 300, "%.299s", rc == RC_OK ? a.why : err.text);
	return rc == RC_OK && a.fault == CHAIN_NONE;
}

/* The copier: backups until told to stop by a closed pipe; exit code 0 when all were sound. */
static void
copy_all_the_time(int go)
{
	struct pollfd p = { .fd = go, .events = POLLIN };
	int copies = 0, bad = 0;

	while (poll(&p, 1, 0) == 0 || copies < 3) {
		struct store *s = NULL;
		struct store_head h, c;
		struct store_opts o = { .mode = STORE_READER };
		struct err err = { 0 };
		char to[RIG_PATH], name[32], why[300] = "";
		struct rig_read r = { .salt = SALT };

		(void)snprintf(name, sizeof name, "copy%d", copies++);
		rig_path(to, dir, name);
		if (open_with(&s, &h, STORE_READER, false, NULL, &err) != RC_OK ||
			store_backup(s, to, &err) != RC_OK || !sound(to, why)) {
			printf("     %s: %s %s\n", name, err.text, why);
			bad++;
		}
		store_close(&s);
		o.dir = to;
		if (store_open(&s, &o, &c, &err) == RC_OK)
			rig_read_all(s, &r);
		if (r.n != h.seq || r.wrong || strcmp(c.hash, h.hash) != 0)
			bad++;
		store_close(&s);
		rig_wipe(to);
	}
	(void)fflush(stdout);
	_exit(bad > 0);
}

static void
a_backup_made_while_records_are_appended_is_sound(void)
{
	struct store_head h;
	struct store *s = actor(&h);
	int go[2], status = 1;
	pid_t pid;

	fill(s, &h, 20);
	if (pipe(go) != 0)
		abort();
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		(void)close(go[1]);
		copy_all_the_time(go[0]);
	}
	fill(s, &h, 300);
	(void)close(go[1]);
	(void)close(go[0]);
	(void)waitpid(pid, &status, 0);
	CHECK_INT(status, 0);
	store_close(&s);
}

static void
a_copy_is_acted_on_in_a_new_era_only(void)
{
	struct store_head h, c;
	struct store *s = actor(&h);
	struct store_opts o = { .mode = STORE_ACTOR };
	char to[RIG_PATH];
	struct err err = { 0 };

	fill(s, &h, 4);
	rig_path(to, dir, "copy");
	CHECK_INT(store_backup(s, to, &err), RC_OK); /* the actor itself can do it too */
	CHECK_INT(store_backup(s, to, &err), RC_CONFLICT);
	fill(s, &h, 1);
	store_close(&s);
	o.dir = to;
	CHECK_INT(store_open(&s, &o, &c, &err), RC_DENIED);
	CHECK(strstr(err.text, "--new-era") != NULL);
	o.new_era = true;
	CHECK_INT(store_open(&s, &o, &c, &err), RC_OK);
	CHECK_INT(c.era, 2);
	CHECK_INT(c.seq, 4);
	CHECK(c.fresh);
	CHECK_INT(rig_append(s, &c, 0, SALT), OUT_DONE);
	store_close(&s);
	o.new_era = false;
	CHECK_INT(store_open(&s, &o, &c, &err), RC_OK); /* it is the journal now */
	store_close(&s);
}

/* --- SQLite's files --- */

static void
folder_and_files_are_for_their_owner_only(void)
{
	struct store_head h;
	struct store *s;
	struct err err = { 0 };

	(void)rmdir(dir); /* it is made when it is absent */
	(void)umask(0);
	s = actor(&h);
	(void)umask(022);
	fill(s, &h, 1);
	CHECK_INT(mode_of("."), 0700);
	CHECK_INT(mode_of("journal.db"), 0600);
	CHECK_INT(mode_of("journal.db-wal"), 0600);
	CHECK_INT(mode_of("journal.db-shm"), 0600);
	CHECK_INT(mode_of("head"), 0600);
	CHECK_INT(mode_of("lock"), 0600);
	store_close(&s);
	(void)chmod(dir, 0750);
	CHECK_INT(open_with(&s, &h, STORE_ACTOR, false, NULL, &err), RC_DENIED);
	CHECK(strstr(err.text, "chmod 700") != NULL);
	(void)chmod(dir, 0700);
}

/* A stranger is not told that there is nothing. */
static void
another_user_is_told_that_the_folder_is_closed(void)
{
	struct store_head h;
	struct store *s = actor(&h);
	int status = 1;
	pid_t pid;

	store_close(&s);
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		struct err err = { 0 };
		bool said = setgid(65534) == 0 && setuid(65534) == 0 &&
			    open_with(&s, &h, STORE_READER, false, NULL, &err) == RC_DENIED &&
			    strstr(err.text, "closed to this user") != NULL;

		_exit(said ? 0 : 1);
	}
	(void)waitpid(pid, &status, 0);
	CHECK_INT(status, 0);
}

static void
a_newer_schema_is_read_but_not_written(void)
{
	struct store_head h;
	struct store *s = actor(&h);
	struct err err = { 0 };
	struct counted c = { 0 };

	fill(s, &h, 2);
	store_close(&s);
	CHECK(rig_sql(dir, "PRAGMA user_version = 2"));
	CHECK_INT(open_with(&s, &h, STORE_ACTOR, false, NULL, &err), RC_UNSUPPORTED);
	CHECK(strstr(err.text, "store version 2") != NULL);
	s = reader(&h);
	CHECK_INT(store_fold(s, 1, count_one, &c, &err), RC_OK);
	CHECK_INT(c.n, 2);
	store_close(&s);
	CHECK(rig_sql(dir, "PRAGMA user_version = 1"));
	s = actor(&h);
	CHECK_INT(h.epoch, 2); /* the refused one changed nothing */
	store_close(&s);
}

/* What the disk saw, in order, and how far it was when an answer came. */
struct order {
	pthread_mutex_t mutex;
	int log_synced, head_written, head_synced; /* times, each only when its turn */
	int out_of_turn, early;
	int answers;
};

static void
watch_order(void *ctx, enum fv_op op, enum fv_file file)
{
	struct order *o = ctx;

	(void)pthread_mutex_lock(&o->mutex);
	if (op == FV_SYNC && file == FV_WAL)
		o->log_synced++;
	if (op == FV_WRITE && file == FV_HEAD) {
		o->head_written++;
		o->out_of_turn += o->log_synced < o->head_written;
	}
	if (op == FV_SYNC && file == FV_HEAD) {
		o->head_synced++;
		o->out_of_turn += o->head_written != o->head_synced;
	}
	(void)pthread_mutex_unlock(&o->mutex);
}

static void
answer_order(void *ctx, uint64_t op, enum outcome outcome, const struct store_head *head,
	const char *why)
{
	struct order *o = ctx;

	(void)why;
	(void)head;
	(void)pthread_mutex_lock(&o->mutex);
	o->answers++;
	o->early += outcome == OUT_DONE && o->head_synced < (int)op;
	(void)pthread_mutex_unlock(&o->mutex);
}

static void
no_answer_comes_before_log_and_head_are_on_disk(void)
{
	struct order o = { .mutex = PTHREAD_MUTEX_INITIALIZER };
	struct store_head h;
	struct store *s = actor(&h);
	struct pollfd p = { .fd = store_fd(s), .events = POLLIN };

	faultvfs_watch(watch_order, &o);
	for (int i = 1; i <= QUEUE; i++)
		queue(s, &h, (uint64_t)i, answer_order, &o);
	while (o.answers < QUEUE && poll(&p, 1, WAIT_MS) == 1)
		store_poll(s);
	faultvfs_watch(NULL, NULL);
	CHECK_INT(o.answers, QUEUE);
	CHECK_INT(o.head_synced, QUEUE);
	CHECK(o.log_synced >= QUEUE);
	CHECK_INT(o.out_of_turn, 0);
	CHECK_INT(o.early, 0);
	store_close(&s);
}

static void
the_log_does_not_grow_without_end(void)
{
	struct store_head h;
	struct store *s = actor(&h);
	long n;

	for (int i = 0; i < 1500; i++)
		if (rig_append(s, &h, 0, SALT) != OUT_DONE)
			break;
	CHECK_INT(h.seq, 1500);
	free(rig_load(dir, "journal.db-wal", &n));
	CHECK(n > 0 && n < 1200 * 4120);
	store_close(&s);
	free(rig_load(dir, "journal.db-wal", &n));
	CHECK(n <= 0); /* all of it is in the database after a clean end */
}

static void
contract(void)
{
	EACH(a_new_store_is_empty_and_fresh);
	EACH(its_identity_stays_and_its_epoch_rises_with_each_actor);
	EACH(an_era_is_fresh_until_a_record_is_written_in_it);
	EACH(records_come_back_byte_for_byte);
	EACH(a_fold_begins_where_it_is_told_and_stops_when_told);
	EACH(an_append_with_another_expectation_is_a_conflict_and_writes_nothing);
	EACH(a_record_that_does_not_follow_is_refused_before_it_is_queued);
	EACH(lsns_only_rise);
	EACH(queued_appends_are_answered_once_in_order_on_the_callers_thread);
	EACH(one_append_of_several_records_is_all_or_nothing);
	EACH(its_descriptor_is_readable_when_there_is_an_answer);
	EACH(playbooks_texts_are_kept_by_their_hash);
	EACH(a_reader_needs_no_lock_and_changes_nothing);
	EACH(a_reader_says_that_there_is_nothing);
	EACH(a_second_actor_is_told_who_the_first_is_and_a_kill_frees_it_at_once);
	EACH(of_a_crowd_one_acts_and_the_others_name_it);
	EACH(a_backup_made_while_records_are_appended_is_sound);
	EACH(a_copy_is_acted_on_in_a_new_era_only);
}

int
main(void)
{
	digest_warm();
	faultvfs_install();
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		kind = &kinds[i];
		contract();
	}
	kind = &kinds[0];
	EACH(folder_and_files_are_for_their_owner_only);
	if (geteuid() == 0)
		EACH(another_user_is_told_that_the_folder_is_closed);
	else
		SKIP("another user", "only root can become one");
	EACH(a_newer_schema_is_read_but_not_written);
	EACH(no_answer_comes_before_log_and_head_are_on_disk);
	EACH(the_log_does_not_grow_without_end);
	return check_end();
}
