/*
 * store.h - the one contract of the journal's storage (DESIGN section 8). Two stores will keep it:
 * SQLite (embedded, default) and etcd.
 *
 * The store knows no lifecycle. It appends records if and only if head and epoch are the expected
 * ones, makes them durable before it says so, chains them by SHA-256 over the stored bytes, and
 * keeps each playbook's text. All calls come from one thread. What lies on disk, and what becomes
 * of it after a crash: state/FORMAT.md.
 */
#ifndef FERRYMAN_STATE_STORE_H
#define FERRYMAN_STATE_STORE_H

#include "base/err.h"
#include "base/outcome.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;

enum store_mode {
	STORE_ACTOR, /* may append; holds the lock (flock) until it is closed or its process ends */
	STORE_READER, /* needs no lock, never writes; sees the moment of its opening */
};

struct store_head {
	char store[33];	     /* identity, 32 hex digits */
	uint64_t era, epoch; /* epoch rises with each actor's opening */
	uint64_t seq;	     /* 0 = empty */
	uint64_t lsn;	     /* highest lsn in any record */
	char hash[65];	     /* of the record at seq; 64 zeros when empty */
	/* No record is of this era yet (the first start, or `--new-era`): every fence domain counts
	 * as unanswered. Stays so over any number of openings until a record is written. */
	bool fresh;
};

struct store_opts {
	const char *dir; /* folder, created 0700 if absent (ACTOR only) */
	enum store_mode mode;
	bool new_era;	    /* after a restore, by an operator's word */
	const char *holder; /* one line for whoever finds it locked: verb, pid, user */
};

/*
 * store_open - ret_head: where the journal stands, for an actor with its new epoch, which is
 * durable.
 *
 * RC_BUSY: another actor has it, err names it by its `holder`. RC_CORRUPT: behind its head, chain
 * broken, head file lost ...: HALT, do not go on; by an operator's word (new_era) a journal that
 * lost its end or its head file goes on above what was acknowledged, one with a broken chain or of
 * two stores never does. RC_DENIED: a copy made by store_backup without new_era, or a folder that
 * is open to other users. RC_UNSUPPORTED: written by a newer ferryman; a reader may still read it.
 * RC_NOTFOUND: a reader found none. RC_FULL, RC_IO: the disk.
 */
enum rc store_open(struct store **ret, const struct store_opts *o, struct store_head *ret_head,
	struct err *err);
/* store_close - NULL-safe. An append under way is finished, those behind it are dropped, no done is
 * called: store_drain first where that matters. */
void store_close(struct store **s);

/*
 * store_fold - each record's stored bytes in order (NUL-terminated, borrowed), from seq `from` on;
 * stops when fn returns nonzero (returned). Each is held against its hash and the one before it:
 * RC_CORRUPT.
 */
typedef int store_record_fn(void *ctx, uint64_t seq, const char *bytes, size_t n, const char *hash);
enum rc store_fold(struct store *s, uint64_t from, store_record_fn *fn, void *ctx, struct err *err);

struct store_append {
	uint64_t op;
	uint64_t epoch, seq;	    /* expected */
	const char *hash;	    /* expected */
	const char *const *records; /* n texts, each one record */
	size_t n;
};
/*
 * store_append - queue it to the store's one worker thread (texts are copied); all of the records
 * or none.
 *
 * RC_INVALID, RC_LIMIT: a record does not say of itself (seq, epoch, prev) what is expected of it;
 * nothing is queued. Any other rc than RC_OK: the store is dead, HALT. After RC_OK done is called
 * from store_poll or store_drain on the caller's thread, exactly once, in the order of the calls:
 * DONE with the new head, CONFLICT (head or epoch moved, or an LSN that does not rise; nothing
 * written), UNKNOWN (input/output error: perhaps written; the store is dead and writes nothing any
 * more, HALT). why is borrowed.
 */
typedef void store_done_fn(void *ctx, uint64_t op, enum outcome outcome,
	const struct store_head *head, const char *why);
enum rc store_append(struct store *s, const struct store_append *a, store_done_fn *done, void *ctx,
	struct err *err);
int store_fd(
	const struct store *s); /* readable when store_poll has something to call; -1: reader */
void store_poll(struct store *s);
enum rc store_drain(
	struct store *s, struct err *err); /* wait for all queued appends and call their done */

/* store_fault - RC_OK while it can be written, else what it died of: RC_FULL, RC_IO, ... */
enum rc store_fault(struct store *s);
/* store_room - RC_FULL when there is less room on the folder's disk than an actor needs to begin.
 */
enum rc store_room(const char *dir, struct err *err);

/* Playbook texts by SHA-256 (64 hex digits). put is durable on return; twice is once. get: malloc'd
 * for the caller, with a NUL behind it; RC_CORRUPT when it no longer has that hash. */
enum rc store_blob_put(
	struct store *s, const char *sha256, const void *p, size_t n, struct err *err);
enum rc store_blob_get(
	struct store *s, const char *sha256, char **ret, size_t *ret_n, struct err *err);

/* store_backup - a consistent copy by the database's own means, while an actor runs; verified
 * before it counts. to_dir is new or empty (else RC_CONFLICT); on failure nothing is left in it. */
enum rc store_backup(struct store *s, const char *to_dir, struct err *err);

/* store_schema_version - the version this build writes. */
int store_schema_version(void);

#endif
