/*
 * disk.c - the journal of about one seed in twenty: the production store, in a folder in memory,
 * over a disk that drops, tears and reorders what was not synced. journal.c keeps beside it what
 * was acknowledged; at each opening the two are held against each other (invariant 14).
 */
#include "base/text.h"
#include "lib/faultvfs.h"
#include "lib/store_rig.h"
#include "os/digest.h"
#include "sim/sim.h"
#include "state/audit.h"
#include "state/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One append is seven to twelve operations on the disk; those of an opening come before it. */
enum { SHARE = 20, OPERATIONS = 12, OPENING = 40, DEEP = 5 };

struct disk {
	char dir[RIG_PATH];
	struct store *store;
	struct rng rng;
	char *copy[2]; /* an older database and its log */
	long copy_size[2];
	size_t copy_n; /* how many records it holds; 0 = none was made */
	char copy_hash[65];
	bool restored;
	char **maybe; /* the append that nobody has answered for: there, or not */
	size_t maybe_n;
	int64_t maybe_at; /* when it was asked for, and by which life: it is judged by what was
			     known then */
	uint32_t maybe_life;
};

static const char *const files[2] = { "journal.db", "journal.db-wal" };
static struct rng chance; /* behind digest_random */

/* The linker puts it in the place of the kernel's (Makefile: --wrap). */
void __wrap_digest_random(void *p, size_t n);
void
__wrap_digest_random(void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)p)[i] = (uint8_t)rng_next(&chance);
}

void
disk_init(struct sim *s, bool always, bool lies)
{
	static bool installed;
	struct disk *d;
	struct rng r;

	rng_seed(&r, s->seed, "disk");
	if (!rng_ratio(&r, 1, SHARE) && !always)
		return;
	if (!installed)
		faultvfs_install();
	installed = true;
	d = s->disk = stdmem_get(sizeof *d);
	d->rng = r;
	rng_seed(&chance, s->seed, "chance");
	rig_dir(d->dir);
	faultvfs_plan(NULL);
	faultvfs_remember((unsigned)s->seed);
	faultvfs_lie(lies);
}

static void
maybe_clear(struct disk *d)
{
	for (size_t i = 0; i < d->maybe_n; i++)
		free(d->maybe[i]);
	free(d->maybe);
	d->maybe = NULL;
	d->maybe_n = 0;
}

void
disk_fini(struct sim *s)
{
	struct disk *d = s->disk;

	if (d == NULL)
		return;
	s->disk = NULL;
	store_close(&d->store);
	maybe_clear(d);
	free(d->copy[0]);
	free(d->copy[1]);
	faultvfs_forget();
	rig_wipe(d->dir);
	free(d);
}

/* --- opening --- */

struct read_back {
	struct sim *s;
	struct reopened r;
};

static void
store_as_then(struct sim *s, const char *bytes)
{
	int64_t now = s->now;
	uint32_t life = s->process.life;

	s->now = s->disk->maybe_at;
	s->process.life = s->disk->maybe_life;
	journal_store(s, bytes);
	s->now = now;
	s->process.life = life;
}

static int
found(void *ctx, uint64_t seq, const char *bytes, size_t n, const char *hash)
{
	struct read_back *f = ctx;
	struct sim *s = f->s;
	struct disk *d = s->disk;
	const struct entry *e = seq <= f->r.acked ? &s->journal.entry[seq - 1] : NULL;

	(void)hash;
	if (e != NULL) {
		if (e->n != n || memcmp(e->text, bytes, n) != 0)
			f->r.changed = seq;
	} else if (f->r.extra < d->maybe_n && text_eq(d->maybe[f->r.extra], bytes)) {
		f->r.extra++;
		store_as_then(s, bytes);
	} else {
		f->r.strange = seq;
	}
	return f->r.changed != 0 || f->r.strange != 0 || s->killer != NULL;
}

/* Killed while it opens its journal, up to five times in a row, sometimes with the power gone. */
static void
die_opening(struct sim *s, const struct store_opts *o)
{
	struct disk *d = s->disk;

	for (int i = 0; i < DEEP && fault_pressed(s, SITE_CRASH); i++) {
		const struct fv_plan plan = { .at = (int)rng_below(&d->rng, OPENING) + 1,
			.fault = FV_DEAD,
			.seed = (unsigned)rng_next(&d->rng) };
		struct store_head h;
		struct err err;

		faultvfs_plan(&plan);
		(void)store_open(&d->store, o, &h, &err);
		trace_add(s, "dies at operation %d of its opening%s", plan.at,
			faultvfs_struck() ? "" : ", or after it");
		if (!faultvfs_struck())
			faultvfs_plan(&(struct fv_plan){ .at = 1, .fault = FV_DEAD });
		store_close(&d->store);
		faultvfs_plan(NULL);
		if (rng_ratio(&d->rng, 1, 2))
			disk_power(s);
	}
}

/* As the engine does before it is told of a playbook. */
static void
keep_texts(struct sim *s)
{
	struct err err = { 0 };

	for (size_t i = 0; i < 2; i++) {
		char text[BOOK_TEXT];
		size_t n = book_text(s->book_n, i, s->observes, text);

		if (store_blob_put(s->disk->store, s->variant[i]->sha256, text, n, &err) != RC_OK)
			violated(s, &inv_14, "a playbook's text is not kept: %s", err.text);
	}
}

static bool
judged(struct sim *s, const struct reopened *r)
{
	for (size_t i = 0; invariants[i] != NULL && s->killer == NULL; i++)
		if (invariants[i]->reopened != NULL)
			invariants[i]->reopened(s, r);
	return s->killer == NULL;
}

bool
disk_open(struct sim *s, bool *ret_fresh)
{
	struct disk *d = s->disk;
	struct journal *j = &s->journal;
	const struct store_opts o = {
		.dir = d->dir, .mode = STORE_ACTOR, .new_era = d->restored, .holder = "sim"
	};
	struct read_back f = { .s = s, .r = { .acked = j->n, .under_way = d->maybe_n } };
	struct store_head h = { 0 };
	struct err err = { 0 };

	die_opening(s, &o);
	if (store_open(&d->store, &o, &h, &err) != RC_OK) {
		const char *where = strstr(err.text, d->dir);

		f.r.closed = where != NULL ? where + strlen(d->dir) : err.text;
		return judged(s, &f.r);
	}
	d->restored = false;
	f.r.seq = h.seq;
	f.r.hash = h.hash;
	f.r.era = h.era;
	f.r.epoch = h.epoch;
	memcpy(j->store, h.store, sizeof j->store);
	/* what was under way was of the epoch before */
	if (store_fold(d->store, 1, found, &f, &err) != RC_OK)
		f.r.unread = err.text;
	if (s->killer != NULL || !judged(s, &f.r))
		return false;
	j->era = h.era;
	j->epoch = h.epoch;
	*ret_fresh = h.fresh;
	trace_add(s, "the store has %zu records, %zu of them not acknowledged", j->n, f.r.extra);
	maybe_clear(d);
	keep_texts(s);
	return s->killer == NULL;
}

/* Read by who needs no lock, while an actor may have it. */
bool
disk_sound(struct sim *s, char *why, size_t room)
{
	struct audit a = { 0 };
	struct err err = { 0 };
	enum rc rc = audit_verify(s->disk->dir, NULL, 0, &a, &err);

	(void)snprintf(why, room, "%s", rc != RC_OK ? err.text : a.why);
	return (rc == RC_OK && a.fault == CHAIN_NONE) || rc == RC_NOTFOUND;
}

/* --- appending --- */

static void
answered(void *ctx, uint64_t op, enum outcome outcome, const struct store_head *head,
	const char *why)
{
	(void)op;
	(void)head;
	(void)why;
	*(enum outcome *)ctx = outcome;
}

static enum outcome
append(struct disk *d, const struct pending *p)
{
	const struct store_append a = { .op = p->op,
		.epoch = p->epoch,
		.seq = p->seq,
		.hash = p->hash,
		.records = (const char *const *)p->record,
		.n = p->n };
	enum outcome outcome = OUT_UNKNOWN;
	struct err err = { 0 };

	if (d->store == NULL || store_append(d->store, &a, answered, &outcome, &err) != RC_OK)
		return OUT_UNKNOWN;
	(void)store_drain(d->store, &err);
	return outcome;
}

static void
keep_maybe(struct sim *s, const struct pending *p)
{
	struct disk *d = s->disk;

	d->maybe_at = s->now;
	d->maybe_life = p->life;
	d->maybe = stdmem_get((p->n + 1) * sizeof *d->maybe);
	d->maybe_n = p->n;
	for (size_t i = 0; i < p->n; i++)
		d->maybe[i] = stdmem_str(p->record[i]);
}

static struct fv_plan
draw_plan(struct disk *d, enum fv_fault fault)
{
	return (struct fv_plan){ .at = (int)rng_below(&d->rng, OPERATIONS) + 1,
		.ops = fault == FV_DEAD		  ? 0
		       : rng_ratio(&d->rng, 1, 3) ? 1u << FV_SYNC
						  : (1u << FV_SYNC) | (1u << FV_WRITE),
		.fault = fault,
		.for_ever = rng_ratio(&d->rng, 1, 2),
		.seed = (unsigned)rng_next(&d->rng) };
}

enum outcome
disk_append(struct sim *s, const struct pending *p, bool fails)
{
	struct disk *d = s->disk;
	struct fv_plan plan = { 0 };
	enum outcome o;

	if (fails)
		plan = draw_plan(d, rng_ratio(&d->rng, 1, 3) ? FV_FULL : FV_ERROR);
	if (fails && plan.at > 3)
		plan.at = plan.at % 3 + 1; /* it has that many of each, so that it does strike */
	faultvfs_plan(fails ? &plan : NULL);
	o = append(d, p);
	if (fails)
		trace_add(s, "the disk fails at operation %d: %s", plan.at, outcome_name(o));
	if (o == OUT_UNKNOWN)
		keep_maybe(s, p);
	return o;
}

/* --- death, power, older copies --- */

void
disk_die(struct sim *s, const struct pending *under_way)
{
	struct disk *d = s->disk;
	struct fv_plan dead = { .at = 1, .fault = FV_DEAD };

	if (d->store == NULL)
		return;
	if (under_way != NULL) {
		struct fv_plan plan = draw_plan(d, FV_DEAD);

		faultvfs_plan(&plan);
		(void)append(d, under_way);
		trace_add(s, "dies at operation %d of an append%s", plan.at,
			faultvfs_struck() ? "" : ", or after it");
		keep_maybe(s, under_way);
		if (!faultvfs_struck())
			faultvfs_plan(&dead);
	} else if (rng_ratio(&d->rng, 3, 4)) {
		faultvfs_plan(&dead); /* else it had the time to close its files */
	}
	store_close(&d->store);
	faultvfs_plan(NULL);
}

void
disk_power(struct sim *s)
{
	struct disk *d = s->disk;
	int lost = faultvfs_power((unsigned)rng_next(&d->rng));

	rig_save(d->dir, "journal.db-shm", NULL, -1);
	trace_add(s, "%d writes that were not synced are not as they were", lost);
}

/* A backup by hand, while nobody writes. */
void
disk_copy(struct sim *s)
{
	struct disk *d = s->disk;

	if (d->maybe_n > 0 || s->journal.n == 0 || !rng_ratio(&d->rng, 1, 2))
		return;
	for (size_t i = 0; i < 2; i++) {
		free(d->copy[i]);
		d->copy[i] = rig_load(d->dir, files[i], &d->copy_size[i]);
	}
	d->copy_n = s->journal.n;
	memcpy(d->copy_hash, s->journal.hash, sizeof d->copy_hash);
}

/* The head file stays: it is what tells that the rest is older. 0: there is no copy. */
size_t
disk_restore(struct sim *s)
{
	struct disk *d = s->disk;

	if (d->copy_n == 0 || d->copy_n > s->journal.n ||
		!text_eq(s->journal.entry[d->copy_n - 1].hash, d->copy_hash))
		return 0;
	faultvfs_remember((unsigned)s->seed); /* it was written and synced by other means */
	for (size_t i = 0; i < 2; i++)
		rig_save(d->dir, files[i], d->copy[i], d->copy_size[i]);
	rig_save(d->dir, "journal.db-shm", NULL, -1);
	maybe_clear(d);
	d->restored = true;
	return d->copy_n;
}
