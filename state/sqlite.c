/*
 * sqlite.c - the embedded store: opening (who may, what is legal on disk, who catches up), reading,
 * and the writer's calls. FORMAT.md tells each state that can be found on disk and what becomes of
 * it.
 */
#include "state/backup.h"
#include "state/database.h"
#include "state/head.h"
#include "state/place.h"
#include "state/store.h"
#include "state/verify.h"
#include "state/writer.h"

#include "base/planted.h"
#include "base/text.h"
#include "core/record.h"
#include "os/digest.h"
#include "os/stdmem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_ROOM = 64 * RECORD_MAX };

struct store {
	char dir[PLACE_MAX];
	int lock_fd;
	sqlite3 *
		rd; /* reading, on the caller's thread; a reader keeps one snapshot open for life */
	struct writer *w; /* NULL for a reader */
	sqlite3 *wr;	  /* both only until the writer takes them */
	struct head_file *file;
	struct head head;  /* as it was when opened */
	uint64_t last_era; /* of the last record */
};

static enum rc
halted(const struct store *s, const char *why, struct err *err)
{
	return err_set(err, RC_CORRUPT,
		"%s: %s; nothing may be done with it: run `ferryman audit verify --state %s`, "
		"then see state/FORMAT.md",
		s->dir, why, s->dir);
}

/* --- an actor opens --- */

static enum rc
create(struct store *s, struct err *err)
{
	struct head first = { .commits = 1, .era = 1 };
	uint8_t id[16];

	digest_random(id, sizeof id);
	text_hex(id, sizeof id, first.store);
	memcpy(first.hash, CHAIN_ZERO, sizeof first.hash);
	return database_create(s->wr, &first, err);
}

static enum rc
know_version(struct store *s, int version, struct err *err)
{
	if (version <= DATABASE_SCHEMA)
		return RC_OK;
	return err_set(err, RC_UNSUPPORTED,
		"%s was written by a newer ferryman (store version %d, this one writes %d): it can "
		"be read "
		"(history, report), but not acted on; use the newer one",
		s->dir, version, DATABASE_SCHEMA);
}

/* The database as it is, or a new one where there is none and never was. */
static enum rc
open_files(struct store *s, struct head_slots *slots, struct err *err)
{
	int version = 0;
	enum rc rc = place_file(s->dir, PLACE_DB, err);

	if (rc == RC_OK)
		rc = head_make(s->dir, err);
	if (rc == RC_OK)
		rc = head_open(&s->file, s->dir, true, err);
	if (rc == RC_OK)
		rc = head_read(s->file, slots, err);
	if (rc == RC_OK)
		rc = database_open(&s->wr, s->dir, DATABASE_WRITE, err);
	if (rc == RC_OK)
		rc = database_version(s->wr, &version, err);
	if (rc != RC_OK)
		return rc;
	if (version != 0)
		return know_version(s, version, err);
	if (!slots->absent)
		return halted(s, "the journal is missing or empty, but there is a head file", err);
	return create(s, err);
}

/* By an operator's word a journal that lost its end, or its head file, goes on in a new era. */
static bool
forgiven(enum head_state state, const struct store_opts *o)
{
	return o->new_era && (state == HEAD_BEHIND || state == HEAD_LOST);
}

static enum rc
judge(struct store *s, const struct store_opts *o, const struct head_slots *slots,
	enum head_state *ret, struct err *err)
{
	const struct head *newest = head_newest(slots);
	char why[300];
	bool inside = true;
	enum rc rc = database_head(s->wr, &s->head, err);

	if (rc != RC_OK)
		return rc;
	*ret = head_judge(&s->head, slots, slots, why);
	if (*ret == HEAD_AHEAD || *ret == HEAD_EQUAL)
		rc = verify_contains(s->wr, newest, &inside, err);
	if (rc != RC_OK)
		return rc;
	if (!inside) {
		*ret = HEAD_BEHIND;
		(void)snprintf(why, sizeof why,
			"record %" PRIu64 " is not the one that was acknowledged", newest->seq);
	}
	if (why[0] != '\0' && !forgiven(*ret, o))
		return halted(s, why, err);
	if (newest != NULL && newest->copy && !o->new_era)
		return err_set(err, RC_DENIED,
			"%s is a copy made by `ferryman backup`; the journal it was made from may "
			"have gone on. "
			"To act on it, begin a new era: --new-era",
			s->dir);
	return RC_OK;
}

/*
 * After a failed fsync the log may be on disk in the page cache only; copied into the database it
 * is durable again. So may the head: it is written once more, as it stands. A copy's head is left
 * alone: it says that it is one until a new era has begun.
 */
static enum rc
settle(struct store *s, enum head_state state, const struct head_slots *slots, struct err *err)
{
	const struct head *newest = head_newest(slots);
	bool again = state == HEAD_EQUAL && !newest->copy;
	enum rc rc = database_wal(s->wr, err);
	int code;

	if (rc != RC_OK)
		return rc;
	code = sqlite3_wal_checkpoint_v2(s->wr, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY)
		return database_fail(s->wr, "copy the log into the database", err);
	if (state == HEAD_UNBORN)
		return head_fill(s->file, &s->head, err);
	return state == HEAD_AHEAD || again ? head_write(s->file, &s->head, err) : RC_OK;
}

/* Each opening is an epoch of its own, durable before anything is done in it. */
static enum rc
rise(struct store *s, const struct store_opts *o, enum head_state state,
	const struct head_slots *slots, struct err *err)
{
	const struct head *old = head_newest(slots);
	struct head next = s->head;
	bool newborn = next.commits == 1;
	enum rc rc;

	if (old != NULL && forgiven(state, o)) { /* go on above whatever was acknowledged */
		next.commits = old->commits > next.commits ? old->commits : next.commits;
		next.era = old->era > next.era ? old->era : next.era;
		next.epoch = old->epoch > next.epoch ? old->epoch : next.epoch;
	}
	next.commits++;
	next.epoch += !PLANTED(EPOCH_STAYS);
	next.era += o->new_era && !newborn ? 1 : 0;
	rc = database_exec(s->wr, "BEGIN IMMEDIATE", err);
	if (rc == RC_OK && forgiven(state, o)) {
		rc = database_put_head(s->wr, &next, err);
		if (rc == RC_OK)
			rc = database_exec(s->wr, "COMMIT", err);
		if (rc == RC_OK)
			rc = head_fill(s->file, &next, err);
	} else if (rc == RC_OK) {
		rc = writer_commit(s->wr, s->file, &next, err);
	}
	if (rc == RC_OK)
		s->head = next;
	return rc;
}

static enum rc
open_actor(struct store *s, const struct store_opts *o, struct err *err)
{
	struct head_slots slots = { 0 };
	enum head_state state = HEAD_EQUAL;
	struct chain chain;
	enum rc rc = place_make(s->dir, err);

	if (rc == RC_OK)
		rc = place_lock(&s->lock_fd, s->dir, o->holder, err);
	if (rc == RC_OK)
		rc = place_room(s->dir, err);
	if (rc == RC_OK)
		rc = open_files(s, &slots, err);
	if (rc == RC_OK)
		rc = judge(s, o, &slots, &state, err);
	if (rc != RC_OK)
		return rc;
	rc = verify_chain(s->wr, &s->head, &chain, err);
	if (chain.fault != CHAIN_NONE)
		return halted(s, chain.why, err);
	s->last_era = chain.era;
	if (rc == RC_OK)
		rc = settle(s, state, &slots, err);
	if (rc == RC_OK)
		rc = rise(s, o, state, &slots, err);
	if (rc == RC_OK)
		rc = database_open(&s->rd, s->dir, DATABASE_BESIDE, err);
	if (rc == RC_OK) {
		rc = writer_start(&s->w,
			&(struct writer_opts){ .dir = s->dir,
				.db = s->wr,
				.file = s->file,
				.now = &s->head,
				.fresh = s->last_era != s->head.era },
			err);
		s->wr = NULL;
		s->file = NULL;
	}
	return rc;
}

/* --- a reader opens --- */

/* Whoever writes meanwhile does not disturb: what a reader sees is one moment. */
static enum rc
look(struct store *s, struct err *err)
{
	struct snapshot shot;
	enum rc rc = snapshot_begin(s->rd, s->file, &shot, err);

	s->head = shot.meta;
	if (rc == RC_OK && shot.why[0] != '\0')
		return halted(s, shot.why, err);
	return rc;
}

static int
nothing(void *ctx, uint64_t seq, const char *bytes, size_t n, const char *hash)
{
	(void)ctx;
	(void)seq;
	(void)bytes;
	(void)n;
	(void)hash;
	return 0;
}

static enum rc
open_reader(struct store *s, struct err *err)
{
	int version = 0;
	enum rc rc = place_reach(s->dir, err);

	if (rc != RC_OK)
		return rc;
	if (place_size(s->dir, PLACE_DB) <= 0 && place_size(s->dir, PLACE_HEAD) <= 0)
		return err_set(err, RC_NOTFOUND,
			"%s holds no journal: nothing was started there yet", s->dir);
	rc = head_open(&s->file, s->dir, false, err);
	if (rc == RC_OK || rc == RC_NOTFOUND)
		rc = place_size(s->dir, PLACE_DB) <= 0
			     ? halted(s, "the journal is missing, but there is a head file", err)
			     : database_open(&s->rd, s->dir, DATABASE_READ, err);
	if (rc == RC_OK)
		rc = database_version(s->rd, &version, err);
	if (rc == RC_OK && version == 0)
		rc = err_set(err, RC_NOTFOUND, "%s holds no journal: its first start has not ended",
			s->dir);
	if (rc == RC_OK)
		rc = look(s, err);
	/* The last record is looked at now, the others when they are read. */
	return rc == RC_OK && s->head.seq > 0 ? store_fold(s, s->head.seq, nothing, NULL, err) : rc;
}

/* --- the contract --- */

enum rc
store_open(struct store **ret, const struct store_opts *o, struct store_head *ret_head,
	struct err *err)
{
	struct store *s = stdmem_get(sizeof *s);
	enum rc rc;

	s->lock_fd = -1;
	(void)snprintf(s->dir, sizeof s->dir, "%s", o->dir);
	rc = o->mode == STORE_ACTOR ? open_actor(s, o, err) : open_reader(s, err);
	if (rc != RC_OK) {
		store_close(&s);
		return rc;
	}
	writer_tell(ret_head, &s->head, s->last_era != s->head.era);
	*ret = s;
	return RC_OK;
}

void
store_close(struct store **store)
{
	struct store *s = *store;

	*store = NULL;
	if (s == NULL)
		return;
	database_close(&s->rd);
	writer_stop(&s->w);
	database_close(&s->wr);
	head_close(&s->file);
	place_unlock(&s->lock_fd);
	free(s);
}

struct folding {
	struct store *s;
	struct chain chain;
	store_record_fn *fn;
	void *ctx;
	bool stopped;
};

static int
fold_row(void *ctx, const struct chain_row *row)
{
	struct folding *f = ctx;
	struct arena *a = arena_new(&stdmem_sure, HEADER_ROOM);
	bool good = chain_next(&f->chain, a, row, NULL);
	int stop;

	arena_free(&a);
	if (!good)
		return (int)RC_CORRUPT;
	stop = f->fn(f->ctx, f->chain.seq, row->bytes, row->n, f->chain.hash);
	f->stopped = stop != 0;
	return stop;
}

static enum rc
fold_rows(struct store *s, uint64_t from, struct folding *f, struct err *err)
{
	struct head meta;
	enum rc rc = database_head(s->rd, &meta, err);

	if (rc != RC_OK || from > meta.seq)
		return rc;
	rc = database_rows(s->rd, from, fold_row, f, err);
	if (f->stopped)
		return rc;
	if (rc == RC_OK && (f->chain.seq != meta.seq || strcmp(f->chain.hash, meta.hash) != 0))
		chain_fail(&f->chain, CHAIN_CUT, f->chain.seq,
			"the journal does not end with the record that its head names");
	s->last_era = f->chain.era;
	return f->chain.fault != CHAIN_NONE ? halted(s, f->chain.why, err) : rc;
}

enum rc
store_fold(struct store *s, uint64_t from, store_record_fn *fn, void *ctx, struct err *err)
{
	struct folding f = { .s = s, .fn = fn, .ctx = ctx };
	bool own = sqlite3_get_autocommit(s->rd) != 0;
	enum rc rc = own ? database_exec(s->rd, "BEGIN", err) : RC_OK;

	from = from > 0 ? from : 1;
	chain_begin(&f.chain, from);
	if (rc == RC_OK)
		rc = fold_rows(s, from, &f, err);
	if (own)
		(void)database_exec(s->rd, "COMMIT", NULL);
	return rc;
}

static enum rc
for_actors(const struct store *s, struct err *err)
{
	return s->w != NULL ? RC_OK
			    : err_set(err, RC_DENIED, "%s was opened for reading only", s->dir);
}

enum rc
store_append(struct store *s, const struct store_append *a, store_done_fn *done, void *ctx,
	struct err *err)
{
	enum rc rc = for_actors(s, err);

	return rc == RC_OK ? writer_append(s->w, a, done, ctx, err) : rc;
}

int
store_fd(const struct store *s)
{
	return s->w != NULL ? writer_fd(s->w) : -1;
}

void
store_poll(struct store *s)
{
	if (s->w != NULL)
		writer_poll(s->w);
}

enum rc
store_drain(struct store *s, struct err *err)
{
	return s->w != NULL ? writer_drain(s->w, err) : RC_OK;
}

enum rc
store_fault(struct store *s)
{
	return s->w != NULL ? writer_fault(s->w) : RC_OK;
}

enum rc
store_room(const char *dir, struct err *err)
{
	return place_room(dir, err);
}

enum rc
store_blob_put(struct store *s, const char *sha256, const void *p, size_t n, struct err *err)
{
	char is[DIGEST_HEX], *text = NULL;
	struct err sub = { 0 };
	size_t old = 0;
	enum rc rc = for_actors(s, err);

	if (rc != RC_OK)
		return rc;
	digest_sha256(NULL, p, n, is);
	if (!text_eq(is, sha256))
		return err_set(err, RC_INVALID, "the text's SHA-256 is %s, not %s", is, sha256);
	rc = store_blob_get(s, sha256, &text, &old, &sub);
	free(text);
	return rc == RC_OK ? RC_OK : writer_text(s->w, sha256, p, n, err);
}

enum rc
store_blob_get(struct store *s, const char *sha256, char **ret, size_t *ret_n, struct err *err)
{
	char is[DIGEST_HEX], *text = NULL;
	size_t n = 0;
	enum rc rc = database_blob_get(s->rd, sha256, &text, &n, err);

	if (rc != RC_OK)
		return rc;
	digest_sha256(NULL, text, n, is);
	if (!text_eq(is, sha256)) {
		free(text);
		return err_set(err, RC_CORRUPT,
			"%s: the text kept as %s is damaged: its SHA-256 is %s", s->dir, sha256,
			is);
	}
	*ret = text;
	*ret_n = n;
	return RC_OK;
}

enum rc
store_backup(struct store *s, const char *to_dir, struct err *err)
{
	bool own = sqlite3_get_autocommit(s->rd) != 0;
	enum rc rc = own ? database_exec(s->rd, "BEGIN", err) : RC_OK;

	if (rc == RC_OK)
		rc = backup_make(s->rd, to_dir, err);
	if (own)
		(void)database_exec(s->rd, "COMMIT", NULL);
	return rc;
}

int
store_schema_version(void)
{
	return DATABASE_SCHEMA;
}
