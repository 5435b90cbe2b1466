/*
 * writer.c - the store's thread. Order of each append: transaction, fsync of the log (COMMIT with
 * synchronous=FULL), head slot, fdatasync, and only then the answer.
 */
#include "state/writer.h"

#include "core/record.h"
#include "os/digest.h"
#include "os/stdmem.h"
#include "state/place.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Pages in the log at which they are copied into the database: SQLite's own default, 4 MB. */
enum { CHECKPOINT_PAGES = 1000, HEADER_ROOM = 64 * RECORD_MAX };

struct text_row {
	char *bytes;
	size_t n;
	uint64_t lsn;
	char hash[DIGEST_HEX];
};

struct job {
	struct job *next;
	uint64_t op;
	/* an append */
	uint64_t epoch, seq;
	char hash[65];
	struct text_row *rows;
	size_t rows_n;
	store_done_fn *done;
	void *ctx;
	/* or a text, for which somebody waits */
	const char *sha256;
	const void *text;
	size_t text_n;
	bool finished;
	/* the answer */
	enum outcome outcome;
	enum rc rc;
	struct store_head head;
	struct err err;
};

struct writer {
	char *dir;
	struct place_files files;
	sqlite3 *db;
	struct head_file *file;
	struct head now; /* the thread's own, as are the next two */
	bool fresh;
	int pages, checkpoint_at;

	pthread_t thread;
	pthread_mutex_t mutex; /* over all that follows */
	pthread_cond_t work, idle;
	struct job *todo, *done;
	struct job **todo_end, **done_end;
	bool busy, stopping, dead;
	struct err death;
	int event;
};

static void
job_free(struct job *j)
{
	for (size_t i = 0; i < j->rows_n; i++)
		free(j->rows[i].bytes);
	free(j->rows);
	free(j);
}

static void
jobs_free(struct job *j)
{
	while (j != NULL) {
		struct job *next = j->next;

		job_free(j);
		j = next;
	}
}

void
writer_tell(struct store_head *to, const struct head *from, bool fresh)
{
	*to = (struct store_head){ .era = from->era,
		.epoch = from->epoch,
		.seq = from->seq,
		.lsn = from->lsn,
		.fresh = fresh };
	memcpy(to->store, from->store, sizeof to->store);
	memcpy(to->hash, from->hash, sizeof to->hash);
}

/* --- on the thread --- */

enum rc
writer_commit(sqlite3 *db, struct head_file *file, const struct head *next, struct err *err)
{
	enum rc rc = database_put_head(db, next, err);

	if (rc == RC_OK)
		rc = database_exec(db, "COMMIT", err);
	return rc == RC_OK ? head_write(file, next, err) : rc;
}

/* The expectation is held against the database itself, so that not even a broken lock lets two
 * writers pass. */
static enum rc
begin(struct writer *w, struct head *now, struct err *err)
{
	enum rc rc = database_exec(w->db, "BEGIN IMMEDIATE", err);

	if (rc == RC_OK)
		rc = database_head(w->db, now, err);
	if (rc == RC_OK && now->commits != w->now.commits)
		rc = err_set(err, RC_CORRUPT,
			"somebody else writes to this journal: it is at commit %" PRIu64
			", this ferryman left it at %" PRIu64,
			now->commits, w->now.commits);
	return rc;
}

static bool
expected(const struct job *j, const struct head *now, struct err *err)
{
	uint64_t lsn = now->lsn;

	if (j->epoch != now->epoch || j->seq != now->seq || strcmp(j->hash, now->hash) != 0) {
		(void)err_set(err, RC_CONFLICT,
			"the journal stands at record %" PRIu64 " in epoch %" PRIu64
			", not at record %" PRIu64 " in epoch %" PRIu64,
			now->seq, now->epoch, j->seq, j->epoch);
		return false;
	}
	for (size_t i = 0; i < j->rows_n; i++) {
		if (j->rows[i].lsn != 0 && j->rows[i].lsn <= lsn) {
			(void)err_set(err, RC_CONFLICT, "LSN %" PRIu64 " is not above %" PRIu64,
				j->rows[i].lsn, lsn);
			return false;
		}
		lsn = j->rows[i].lsn != 0 ? j->rows[i].lsn : lsn;
	}
	return true;
}

static enum rc
insert_rows(struct writer *w, const struct job *j, struct head *next, struct err *err)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < j->rows_n && rc == RC_OK; i++) {
		const struct text_row *r = &j->rows[i];
		const struct chain_row row = { .seq = (int64_t)++next->seq,
			.lsn = (int64_t)r->lsn,
			.hash = r->hash,
			.bytes = r->bytes,
			.n = r->n };

		rc = database_insert(w->db, &row, err);
		memcpy(next->hash, r->hash, sizeof next->hash);
		next->lsn = r->lsn != 0 ? r->lsn : next->lsn;
	}
	return rc;
}

static void
write_job(struct writer *w, struct job *j)
{
	struct head next = { 0 };
	enum rc rc = begin(w, &next, &j->err);

	if (rc == RC_OK && j->sha256 == NULL && !expected(j, &next, &j->err)) {
		rc = database_exec(w->db, "ROLLBACK", &j->err);
		j->outcome = rc == RC_OK ? OUT_CONFLICT : OUT_UNKNOWN;
		j->rc = rc == RC_OK ? RC_CONFLICT : rc;
		return;
	}
	if (rc == RC_OK)
		rc = j->sha256 != NULL
			     ? database_blob_put(w->db, j->sha256, j->text, j->text_n, &j->err)
			     : insert_rows(w, j, &next, &j->err);
	next.commits++;
	if (rc == RC_OK)
		rc = writer_commit(w->db, w->file, &next, &j->err);
	if (rc == RC_OK)
		rc = place_holds(w->dir, &w->files, &j->err);
	j->rc = rc;
	j->outcome = rc == RC_OK ? OUT_DONE : OUT_UNKNOWN;
	if (rc != RC_OK)
		return;
	w->now = next;
	w->fresh = w->fresh && j->rows_n == 0;
	writer_tell(&j->head, &w->now, w->fresh);
}

/* PASSIVE waits for nobody: while a reader looks, less is copied and the log grows. Any other
 * failure is one of the disk. */
static enum rc
checkpoint(struct writer *w, struct err *err)
{
	int pages = 0, copied = 0, code;

	if (w->pages < w->checkpoint_at)
		return RC_OK;
	code = sqlite3_wal_checkpoint_v2(w->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &copied);
	w->checkpoint_at = copied < pages ? w->pages + CHECKPOINT_PAGES : CHECKPOINT_PAGES;
	w->pages = 0;
	if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY)
		return RC_OK;
	return database_fail(w->db, "copy the log into the database", err);
}

static int
on_commit(void *writer, sqlite3 *db, const char *name, int pages)
{
	struct writer *w = writer;

	(void)db;
	(void)name;
	w->pages = pages;
	return SQLITE_OK;
}

static void
die(struct writer *w, const struct err *why)
{
	w->dead = true;
	(void)err_set(&w->death, why->rc, "the journal can no longer be written: %s", why->text);
}

/* An answer for store_poll, or for whoever waits in writer_text. */
static void
answer(struct writer *w, struct job *j)
{
	const uint64_t one = 1;

	if (j->sha256 != NULL) {
		j->finished = true;
	} else {
		j->next = NULL;
		*w->done_end = j;
		w->done_end = &j->next;
		/* Never waits, so nothing interrupts it; full it cannot be. */
		(void)!write(w->event, &one, sizeof one);
	}
	(void)pthread_cond_broadcast(&w->idle);
}

static struct job *
take(struct writer *w)
{
	struct job *j = w->todo;

	w->todo = j->next;
	if (w->todo == NULL)
		w->todo_end = &w->todo;
	return j;
}

static void
serve(struct writer *w, struct job *j)
{
	struct err err = { 0 };
	bool alive = !w->dead;

	if (alive) {
		(void)pthread_mutex_unlock(&w->mutex);
		write_job(w, j);
		(void)pthread_mutex_lock(&w->mutex);
		if (j->outcome == OUT_UNKNOWN)
			die(w, &j->err);
	} else {
		j->outcome = OUT_UNKNOWN;
		j->rc = RC_IO;
	}
	if (j->outcome == OUT_UNKNOWN)
		j->err = w->death;
	answer(w, j);
	if (w->dead)
		return;
	(void)pthread_mutex_unlock(&w->mutex);
	(void)checkpoint(w, &err);
	(void)pthread_mutex_lock(&w->mutex);
	if (err.rc != RC_OK)
		die(w, &err);
}

static void *
run(void *writer)
{
	struct writer *w = writer;

	(void)pthread_mutex_lock(&w->mutex);
	for (;;) {
		while (w->todo == NULL && !w->stopping)
			(void)pthread_cond_wait(&w->work, &w->mutex);
		if (w->stopping)
			break;
		w->busy = true;
		serve(w, take(w));
		w->busy = false;
		(void)pthread_cond_broadcast(&w->idle);
	}
	(void)pthread_mutex_unlock(&w->mutex);
	return NULL;
}

/* --- on the caller's thread --- */

/* Unix signals are for the caller's thread: the loop waits for them. */
static int
start_thread(struct writer *w)
{
	sigset_t all, old;
	int code;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	code = pthread_create(&w->thread, NULL, run, w);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return code;
}

static void
writer_free(struct writer *w)
{
	/* A dead one leaves the files as they are: the next to open them looks first. */
	if (!w->dead)
		database_copy_at_close(w->db);
	database_close(&w->db);
	head_close(&w->file);
	if (w->event >= 0)
		(void)close(w->event);
	jobs_free(w->todo);
	jobs_free(w->done);
	(void)pthread_cond_destroy(&w->idle);
	(void)pthread_cond_destroy(&w->work);
	(void)pthread_mutex_destroy(&w->mutex);
	free(w->dir);
	free(w);
}

enum rc
writer_start(struct writer **ret, const struct writer_opts *o, struct err *err)
{
	struct writer *w = stdmem_get(sizeof *w);
	enum rc rc;

	w->dir = stdmem_str(o->dir);
	w->db = o->db;
	w->file = o->file;
	w->now = *o->now;
	w->fresh = o->fresh;
	w->checkpoint_at = CHECKPOINT_PAGES;
	w->todo_end = &w->todo;
	w->done_end = &w->done;
	(void)pthread_mutex_init(&w->mutex, NULL);
	(void)pthread_cond_init(&w->work, NULL);
	(void)pthread_cond_init(&w->idle, NULL);
	(void)sqlite3_wal_hook(w->db, on_commit, w);
	w->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = place_mark(w->dir, &w->files, err);
	if (rc == RC_OK && (w->event < 0 || start_thread(w) != 0))
		rc = err_set(err, RC_IO, "cannot start the journal's thread");
	if (rc != RC_OK) {
		w->dead = true;
		writer_free(w);
		return rc;
	}
	*ret = w;
	return RC_OK;
}

void
writer_stop(struct writer **writer)
{
	struct writer *w = *writer;

	*writer = NULL;
	if (w == NULL)
		return;
	(void)pthread_mutex_lock(&w->mutex);
	w->stopping = true;
	(void)pthread_cond_broadcast(&w->work);
	(void)pthread_mutex_unlock(&w->mutex);
	(void)pthread_join(w->thread, NULL);
	writer_free(w);
}

enum rc
writer_fault(struct writer *w)
{
	enum rc rc;

	(void)pthread_mutex_lock(&w->mutex);
	rc = w->dead ? w->death.rc : RC_OK;
	(void)pthread_mutex_unlock(&w->mutex);
	return rc;
}

static enum rc
enqueue(struct writer *w, struct job *j, struct err *err)
{
	enum rc rc = RC_OK;

	(void)pthread_mutex_lock(&w->mutex);
	if (w->dead) {
		rc = err_set(err, w->death.rc, "%s", w->death.text);
	} else {
		*w->todo_end = j;
		w->todo_end = &j->next;
		(void)pthread_cond_signal(&w->work);
	}
	(void)pthread_mutex_unlock(&w->mutex);
	return rc;
}

/* A record that does not say of itself what is expected of it would break the chain for good. */
static enum rc
check_record(struct job *j, struct arena *a, size_t i, const char *prev, struct err *err)
{
	struct text_row *r = &j->rows[i];
	struct chain_header h;
	uint64_t seq = j->seq + i + 1;

	if (r->n > RECORD_MAX)
		return err_set(err, RC_LIMIT, "record %" PRIu64 " is longer than %d bytes", seq,
			RECORD_MAX);
	if (!chain_header_read(a, r->bytes, r->n, &h))
		return err_set(err, RC_INVALID, "record %" PRIu64 " has no proper header", seq);
	if (h.seq != seq || h.epoch != j->epoch || strcmp(h.prev, prev) != 0)
		return err_set(err, RC_INVALID,
			"record %" PRIu64 " says of itself: number %" PRIu64 ", epoch %" PRIu64
			", after %.12s...; expected: epoch %" PRIu64 ", after %.12s...",
			seq, h.seq, h.epoch, h.prev, j->epoch, prev);
	r->lsn = h.lsn;
	return RC_OK;
}

static enum rc
check_records(struct job *j, struct err *err)
{
	const char *prev = j->hash;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < j->rows_n && rc == RC_OK; i++) {
		struct arena *a = arena_new(&stdmem_sure, HEADER_ROOM);

		rc = check_record(j, a, i, prev, err);
		arena_free(&a);
		digest_sha256(NULL, j->rows[i].bytes, j->rows[i].n, j->rows[i].hash);
		prev = j->rows[i].hash;
	}
	return rc;
}

enum rc
writer_append(struct writer *w, const struct store_append *a, store_done_fn *done, void *ctx,
	struct err *err)
{
	struct job *j = stdmem_get(sizeof *j);
	enum rc rc = RC_OK;

	j->op = a->op;
	j->epoch = a->epoch;
	j->seq = a->seq;
	(void)snprintf(j->hash, sizeof j->hash, "%s", a->hash);
	j->done = done;
	j->ctx = ctx;
	j->rows = stdmem_get((a->n + 1) * sizeof *j->rows);
	j->rows_n = a->n;
	for (size_t i = 0; i < a->n; i++) {
		j->rows[i].bytes = stdmem_str(a->records[i]);
		j->rows[i].n = strlen(a->records[i]);
	}
	if (a->n == 0)
		rc = err_set(err, RC_INVALID, "an append without records");
	if (rc == RC_OK)
		rc = check_records(j, err);
	if (rc == RC_OK)
		rc = enqueue(w, j, err);
	if (rc != RC_OK)
		job_free(j);
	return rc;
}

enum rc
writer_text(struct writer *w, const char *sha256, const void *p, size_t n, struct err *err)
{
	struct job j = { .sha256 = sha256, .text = p, .text_n = n };
	enum rc rc = enqueue(w, &j, err);

	if (rc != RC_OK)
		return rc;
	(void)pthread_mutex_lock(&w->mutex);
	while (!j.finished)
		(void)pthread_cond_wait(&w->idle, &w->mutex);
	(void)pthread_mutex_unlock(&w->mutex);
	return j.rc == RC_OK ? RC_OK : err_set(err, j.rc, "%s", j.err.text);
}

int
writer_fd(const struct writer *w)
{
	return w->event;
}

void
writer_poll(struct writer *w)
{
	struct job *list;
	uint64_t n;

	(void)!read(w->event, &n, sizeof n); /* nothing there: it does not wait */
	(void)pthread_mutex_lock(&w->mutex);
	list = w->done;
	w->done = NULL;
	w->done_end = &w->done;
	(void)pthread_mutex_unlock(&w->mutex);
	while (list != NULL) {
		struct job *j = list;

		list = j->next;
		j->done(j->ctx, j->op, j->outcome, j->outcome == OUT_DONE ? &j->head : NULL,
			j->outcome == OUT_DONE ? NULL : j->err.text);
		job_free(j);
	}
}

enum rc
writer_drain(struct writer *w, struct err *err)
{
	enum rc rc;

	(void)pthread_mutex_lock(&w->mutex);
	while (w->todo != NULL || w->busy)
		(void)pthread_cond_wait(&w->idle, &w->mutex);
	rc = w->dead ? err_set(err, w->death.rc, "%s", w->death.text) : RC_OK;
	(void)pthread_mutex_unlock(&w->mutex);
	writer_poll(w);
	return rc;
}
