/*
 * store_sqlite.c - the contract of a store (state/store.h), kept by SQLite. The first part knows
 * nothing but store.h and runs for each row of `kinds`; a second store is one more row. The second
 * part is about what lies on disk.
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
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SALT "contract"
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"

enum { CROWD = 50, QUEUE = 200, WAIT_MS = 20000 };

/* A store under test: how its options are made for a folder that is its own. */
struct kind {
	const char *name;
	void (*opts)(struct store_opts *o, const char *dir);
};

static void
sqlite_opts(struct store_opts *o, const char *dir)
{
	o->dir = dir;
}

static const struct kind kinds[] = { { "sqlite", sqlite_opts } };

/* The test that runs now. */
static const struct kind *kind;
static char dir[RIG_PATH];

static enum rc
open_with(struct store **s, struct store_head *h, enum store_mode mode, bool new_era,
	const char *holder, struct err *err)
{
	struct store_opts o = { .mode = mode, .new_era = new_era, .holder = holder };

	kind->opts(&o, dir);
	return store_open(s, &o, h, err);
}

static struct store *
actor(struct store_head *h)
{
	struct store *s = NULL;
	struct err err = { 0 };

	if (open_with(&s, h, STORE_ACTOR, false, "the test", &err) != RC_OK)
		printf("     actor: %s\n", err.text);
	CHECK(s != NULL);
	return s;
}

static struct store *
reader(struct store_head *h)
{
	struct store *s = NULL;
	struct err err = { 0 };

	if (open_with(&s, h, STORE_READER, false, NULL, &err) != RC_OK)
		printf("     reader: %s\n", err.text);
	CHECK(s != NULL);
	return s;
}

static void
fill(struct store *s, struct store_head *h, int n)
{
	for (int i = 0; i < n; i++)
		CHECK_INT(rig_append(s, h, 0, SALT), OUT_DONE);
}

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
	static const char *const salts[] = { "plain",
		"Gr\xc3\xbc\xc3\x9f"
		"e \xf0\x9f\x93\xac",
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

static enum rc
append_text(struct store *s, const struct store_head *h, const char *record)
{
	const char *const list[] = { record };
	struct rig_done d = { 0 };
	struct err err = { 0 };
	enum rc rc = store_append(s,
		&(struct store_append){ .epoch = h->epoch,
			.seq = h->seq,
			.hash = h->hash,
			.records = list,
			.n = 1 },
		rig_on_done, &d, &err);

	if (rc == RC_OK)
		(void)store_drain(s, &err);
	CHECK_INT(d.times, rc == RC_OK);
	return rc;
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

static void
queued_appends_are_answered_once_in_order_on_the_callers_thread(void)
{
	struct store_head h, end;
	struct store *s = actor(&h);
	struct fifo f = { .thread = pthread_self(), .next = 1 };
	struct err err;

	for (int i = 1; i <= QUEUE; i++) {
		char *r = rig_record(&h, 0, SALT);
		const char *const list[] = { r };
		const struct store_append a = { .op = (uint64_t)i,
			.epoch = h.epoch,
			.seq = h.seq,
			.hash = h.hash,
			.records = list,
			.n = 1 };

		CHECK_INT(store_append(s, &a, in_order, &f, &err), RC_OK);
		rig_next(&h, r, 0);
		memset(r, 'x', strlen(r)); /* texts are copied */
		free(r);
	}
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

static mode_t
mode_of(const char *name)
{
	char path[RIG_PATH];
	struct stat st;

	rig_path(path, dir, name);
	return stat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

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
	struct err err;

	faultvfs_watch(watch_order, &o);
	for (int i = 1; i <= QUEUE; i++) {
		char *r = rig_record(&h, 0, SALT);
		const char *const list[] = { r };
		const struct store_append a = { .op = (uint64_t)i,
			.epoch = h.epoch,
			.seq = h.seq,
			.hash = h.hash,
			.records = list,
			.n = 1 };

		CHECK_INT(store_append(s, &a, answer_order, &o, &err), RC_OK);
		rig_next(&h, r, 0);
		free(r);
	}
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

/* --- audit: one journal of ten records, changed by hand in each way --- */

static char hashes[11][65];

static int
note_hash(void *ctx, uint64_t seq, const char *bytes, size_t n, const char *hash)
{
	(void)ctx;
	(void)bytes;
	(void)n;
	(void)snprintf(hashes[seq], sizeof hashes[seq], "%s", hash);
	return 0;
}

static void
ten_records(void)
{
	struct store_head h;
	struct store *s = actor(&h);
	struct err err;

	for (int i = 0; i < 10; i++)
		CHECK_INT(rig_append(s, &h, i % 3 == 0 ? (uint64_t)i + 1 : 0, SALT), OUT_DONE);
	CHECK_INT(store_fold(s, 1, note_hash, NULL, &err), RC_OK);
	store_close(&s);
}

static void
audit_says(enum chain_fault fault, uint64_t bad, const char *anchor)
{
	struct audit_anchor a = { 0 };
	struct audit got;
	struct err err = { 0 };
	struct store *s = NULL;
	struct store_head h;

	if (anchor != NULL)
		CHECK(audit_anchor_read(anchor, &a));
	CHECK_INT(audit_verify(dir, &a, anchor != NULL, &got, &err), RC_OK);
	CHECK_STR(chain_fault_name(got.fault), chain_fault_name(fault));
	CHECK_INT(got.bad, bad);
	if (got.fault != fault || got.bad != bad)
		printf("     it says: %s\n", got.why);
	/* What is found without a head from elsewhere is found when an actor opens, too. */
	if (anchor == NULL)
		CHECK_INT(open_with(&s, &h, STORE_ACTOR, false, NULL, &err),
			fault == CHAIN_NONE ? RC_OK : RC_CORRUPT);
	store_close(&s);
}

static void
audit_finds_a_whole_journal_whole(void)
{
	char anchor[80];

	ten_records();
	(void)snprintf(anchor, sizeof anchor, "4:%s", hashes[4]);
	audit_says(CHAIN_NONE, 0, anchor);
	audit_says(CHAIN_NONE, 0, hashes[10]);
	audit_says(CHAIN_NONE, 0, NULL);
}

static void
audit_names_a_changed_record(void)
{
	ten_records();
	CHECK(rig_sql(dir, "UPDATE record SET bytes = replace(bytes, 'number 4', 'number 5') "
			   "WHERE seq = 4"));
	audit_says(CHAIN_CHANGED, 4, NULL);
}

static void
sha_of_row(sqlite3_context *ctx, int n, sqlite3_value **v)
{
	char hash[DIGEST_HEX];

	(void)n;
	digest_sha256(NULL, sqlite3_value_text(v[0]), (size_t)sqlite3_value_bytes(v[0]), hash);
	sqlite3_result_text(ctx, hash, -1, SQLITE_TRANSIENT);
}

/* SQL with sha(text), for somebody who knows how the chain is made. */
static void
forge(const char *sql)
{
	char path[RIG_PATH], *why = NULL;
	sqlite3 *db = NULL;

	rig_path(path, dir, "journal.db");
	CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
	CHECK_INT(sqlite3_create_function(db, "sha", 1, SQLITE_UTF8, NULL, sha_of_row, NULL, NULL),
		SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		printf("     %s\n", why);
	CHECK(why == NULL);
	sqlite3_free(why);
	(void)sqlite3_close(db);
}

static void
audit_names_a_changed_record_with_its_hash_made_anew(void)
{
	ten_records();
	forge("UPDATE record SET bytes = replace(bytes, 'number 4', 'number 5') WHERE seq = 4;"
	      "UPDATE record SET hash = sha(bytes) WHERE seq = 4");
	audit_says(CHAIN_CHANGED, 4, NULL);
}

static void
audit_names_the_last_record_changed_with_its_hash_made_anew(void)
{
	ten_records();
	forge("UPDATE record SET bytes = replace(bytes, 'number', 'Number') WHERE seq = 10;"
	      "UPDATE record SET hash = sha(bytes) WHERE seq = 10");
	audit_says(CHAIN_CHANGED, 10, NULL);
}

static void
audit_names_a_deleted_record(void)
{
	ten_records();
	CHECK(rig_sql(dir, "DELETE FROM record WHERE seq = 6"));
	audit_says(CHAIN_DELETED, 6, NULL);
}

static void
audit_names_a_deleted_record_when_the_rest_was_numbered_anew(void)
{
	ten_records();
	CHECK(rig_sql(dir, "DELETE FROM record WHERE seq = 6"));
	forge("CREATE TABLE x AS SELECT * FROM record WHERE seq > 6; DELETE FROM record WHERE seq "
	      "> 6;"
	      "INSERT INTO record SELECT seq - 1, lsn, hash, bytes FROM x; DROP TABLE x;"
	      "UPDATE meta SET seq = 9");
	audit_says(CHAIN_DELETED, 6, NULL);
}

static void
audit_names_swapped_records(void)
{
	ten_records();
	forge("CREATE TABLE x AS SELECT * FROM record WHERE seq IN (3, 7);"
	      "DELETE FROM record WHERE seq IN (3, 7);"
	      "INSERT INTO record SELECT 10 - seq, lsn, hash, bytes FROM x; DROP TABLE x");
	audit_says(CHAIN_SWAPPED, 3, NULL);
}

static void
audit_names_an_inserted_record(void)
{
	ten_records();
	forge("CREATE TABLE x AS SELECT * FROM record WHERE seq > 5; DELETE FROM record WHERE seq "
	      "> 5;"
	      "INSERT INTO record SELECT seq + 1, lsn, hash, bytes FROM x;"
	      "INSERT INTO record SELECT 6, 0, '', replace(bytes, 'number', 'forged') FROM x WHERE "
	      "seq = 6;"
	      "UPDATE record SET hash = sha(bytes) WHERE seq = 6;"
	      "DROP TABLE x; UPDATE meta SET seq = 11");
	audit_says(CHAIN_INSERTED, 6, NULL);
}

static void
audit_names_an_appended_record(void)
{
	ten_records();
	forge("INSERT INTO record SELECT 11, 0, '', replace(replace(bytes, '\"seq\":10', "
	      "'\"seq\":11'),"
	      " (SELECT hash FROM record WHERE seq = 9), hash) FROM record WHERE seq = 10;"
	      "UPDATE record SET hash = sha(bytes) WHERE seq = 11");
	/* record 10 carries an LSN; the forged one repeats it */
	forge("UPDATE record SET bytes = replace(bytes, '\"lsn\":10', '\"lsn\":0') WHERE seq = 11;"
	      "UPDATE record SET hash = sha(bytes) WHERE seq = 11");
	audit_says(CHAIN_INSERTED, 11, NULL);
}

static void
audit_names_a_cut_tail(void)
{
	ten_records();
	CHECK(rig_sql(dir, "DELETE FROM record WHERE seq > 7"));
	audit_says(CHAIN_CUT, 8, NULL);
}

static void
audit_names_a_cut_tail_when_the_meta_row_was_set_back_too(void)
{
	ten_records();
	forge("DELETE FROM record WHERE seq > 7; UPDATE meta SET seq = 7, lsn = 7,"
	      " hash = (SELECT hash FROM record WHERE seq = 7)");
	audit_says(CHAIN_CUT, 8, NULL);
}

static void
audit_names_a_fallen_lsn(void)
{
	ten_records();
	CHECK(rig_sql(dir, "UPDATE record SET lsn = 3 WHERE seq = 4"));
	audit_says(CHAIN_CHANGED, 4, NULL);
}

/* The last records written anew by somebody who can hash: what stood in the head file shows it. */
static void
audit_shows_a_rewritten_end(void)
{
	ten_records();
	forge("UPDATE record SET bytes = replace(bytes, 'number', 'Number') WHERE seq = 10;"
	      "UPDATE record SET hash = sha(bytes) WHERE seq = 10;"
	      "UPDATE meta SET hash = (SELECT hash FROM record WHERE seq = 10)");
	audit_says(CHAIN_REWRITTEN, 10, NULL);
}

/* Database and head file set back together, as a restored disk image has them: only a head from
 * elsewhere shows it. */
static void
audit_shows_a_journal_taken_back_by_a_head_noted_elsewhere(void)
{
	char *db, *head, anchor[80];
	long db_n, head_n;
	struct store_head h;
	struct store *s;

	ten_records();
	db = rig_load(dir, "journal.db", &db_n);
	head = rig_load(dir, "head", &head_n);
	s = actor(&h);
	fill(s, &h, 2);
	(void)snprintf(anchor, sizeof anchor, "12:%s", h.hash);
	store_close(&s);
	audit_says(CHAIN_NONE, 0, anchor);
	rig_save(dir, "journal.db", db, db_n);
	rig_save(dir, "head", head, head_n);
	audit_says(CHAIN_CUT, 11, anchor);
	audit_says(CHAIN_REWRITTEN, 0, h.hash);
	audit_says(CHAIN_NONE, 0, NULL); /* the twin: without it nothing is seen */
	free(db);
	free(head);
}

static void
audit_names_a_lost_text(void)
{
	static const char text[] = "name: corp\n";
	char sha256[DIGEST_HEX], body[300];
	struct store_head h;
	struct store *s = actor(&h);
	struct audit got;
	struct err err;
	char record[1024];

	digest_sha256(NULL, text, sizeof text - 1, sha256);
	CHECK_INT(store_blob_put(s, sha256, text, sizeof text - 1, &err), RC_OK);
	fill(s, &h, 1);
	(void)snprintf(body, sizeof body, "{\"name\":\"corp\",\"sha256\":\"%s\"}", sha256);
	(void)snprintf(record, sizeof record,
		"{\"v\":1,\"type\":\"PLAYBOOK\",\"seq\":2,\"lsn\":0,\"era\":1,\"epoch\":1,"
		"\"boot_id\":\"b\",\"boot_ms\":1,\"wall_ms\":1,\"run\":\"\",\"prev\":\"%s\","
		"\"body\":%s}",
		h.hash, body);
	CHECK_INT(append_text(s, &h, record), RC_OK);
	store_close(&s);
	CHECK_INT(audit_verify(dir, NULL, 0, &got, &err), RC_OK);
	CHECK_INT(got.fault, CHAIN_NONE);
	CHECK_INT(got.texts, 1);
	CHECK(rig_sql(dir, "UPDATE blob SET bytes = x'00'"));
	CHECK_INT(audit_verify(dir, NULL, 0, &got, &err), RC_OK);
	CHECK_INT(got.fault, CHAIN_TEXT);
	CHECK(rig_sql(dir, "DELETE FROM blob"));
	CHECK_INT(audit_verify(dir, NULL, 0, &got, &err), RC_OK);
	CHECK_INT(got.fault, CHAIN_TEXT);
	CHECK_INT(got.bad, 2);
}

/* --- the head file --- */

static void
a_journal_without_its_head_file_is_a_halt_until_a_new_era(void)
{
	struct store *s = NULL;
	struct store_head h;
	struct err err = { 0 };

	ten_records();
	rig_save(dir, "head", NULL, -1);
	audit_says(CHAIN_HEAD, 0, NULL);
	CHECK_INT(open_with(&s, &h, STORE_READER, false, NULL, &err), RC_CORRUPT);
	CHECK_INT(open_with(&s, &h, STORE_ACTOR, true, NULL, &err), RC_OK);
	CHECK_INT(h.era, 2);
	fill(s, &h, 1);
	store_close(&s);
	audit_says(CHAIN_NONE, 0, NULL);
}

static void
a_journal_behind_its_head_goes_on_in_a_new_era_above_it(void)
{
	char *db;
	long db_n;
	struct store *s;
	struct store_head h, at;
	struct err err = { 0 };

	ten_records();
	db = rig_load(dir, "journal.db", &db_n);
	s = actor(&at);
	fill(s, &at, 3);
	store_close(&s);
	rig_save(dir, "journal.db", db, db_n);
	free(db);
	audit_says(CHAIN_CUT, 11, NULL);
	CHECK_INT(open_with(&s, &h, STORE_ACTOR, true, NULL, &err), RC_OK);
	CHECK_INT(h.seq, 10);
	CHECK_INT(h.era, 2);
	CHECK(h.epoch > at.epoch);
	CHECK(h.fresh);
	fill(s, &h, 1);
	store_close(&s);
	audit_says(CHAIN_NONE, 0, NULL);
}

static void
a_head_of_another_store_is_a_halt_even_in_a_new_era(void)
{
	char *head;
	long n;
	struct store *s = NULL;
	struct store_head h;
	struct err err = { 0 };

	ten_records();
	head = rig_load(dir, "head", &n);
	rig_wipe(dir);
	ten_records();
	rig_save(dir, "head", head, n);
	free(head);
	audit_says(CHAIN_HEAD, 0, NULL);
	CHECK_INT(open_with(&s, &h, STORE_ACTOR, true, NULL, &err), RC_CORRUPT);
}

static void
a_head_without_its_journal_is_a_halt(void)
{
	struct store *s = NULL;
	struct store_head h;
	struct err err = { 0 };

	ten_records();
	rig_save(dir, "journal.db", NULL, -1);
	CHECK_INT(open_with(&s, &h, STORE_READER, false, NULL, &err), RC_CORRUPT);
	CHECK_INT(open_with(&s, &h, STORE_ACTOR, false, NULL, &err), RC_CORRUPT);
	audit_says(CHAIN_FILE, 1, NULL);
}

#define EACH(fn)                                                                                   \
	do {                                                                                       \
		rig_dir(dir);                                                                      \
		TEST(fn);                                                                          \
		rig_wipe(dir);                                                                     \
	} while (0)

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

static void
audits(void)
{
	EACH(audit_finds_a_whole_journal_whole);
	EACH(audit_names_a_changed_record);
	EACH(audit_names_a_changed_record_with_its_hash_made_anew);
	EACH(audit_names_the_last_record_changed_with_its_hash_made_anew);
	EACH(audit_names_a_deleted_record);
	EACH(audit_names_a_deleted_record_when_the_rest_was_numbered_anew);
	EACH(audit_names_swapped_records);
	EACH(audit_names_an_inserted_record);
	EACH(audit_names_an_appended_record);
	EACH(audit_names_a_cut_tail);
	EACH(audit_names_a_cut_tail_when_the_meta_row_was_set_back_too);
	EACH(audit_names_a_fallen_lsn);
	EACH(audit_shows_a_rewritten_end);
	EACH(audit_shows_a_journal_taken_back_by_a_head_noted_elsewhere);
	EACH(audit_names_a_lost_text);
	EACH(a_journal_without_its_head_file_is_a_halt_until_a_new_era);
	EACH(a_journal_behind_its_head_goes_on_in_a_new_era_above_it);
	EACH(a_head_of_another_store_is_a_halt_even_in_a_new_era);
	EACH(a_head_without_its_journal_is_a_halt);
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
	EACH(a_newer_schema_is_read_but_not_written);
	EACH(no_answer_comes_before_log_and_head_are_on_disk);
	EACH(the_log_does_not_grow_without_end);
	audits();
	return check_end();
}
