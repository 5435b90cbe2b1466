/*
 * store.h - the one contract of the journal's storage (DESIGN section 8). Two stores will keep it:
 * SQLite (embedded, default) and etcd.
 *
 * The store knows no lifecycle. It appends records if and only if head and epoch are the expected
 * ones, makes them durable before it says so, chains them by SHA-256 over the stored bytes, and
 * keeps each playbook's text.
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
	STORE_ACTOR,  /* takes the lock for life (flock), may append; RC_BUSY when somebody holds it
		       */
	STORE_READER, /* needs no lock, never writes */
};

struct store_head {
	char store[33];	     /* identity, 32 hex digits */
	uint64_t era, epoch; /* epoch rises with each actor's opening */
	uint64_t seq;	     /* 0 = empty */
	uint64_t lsn;	     /* highest lsn in any record */
	char hash[65];	     /* of the record at seq; 64 zeros when empty */
	bool fresh; /* era is new (created just now, or after `--new-era`): every fence domain
		       counts as unanswered */
};

struct store_opts {
	const char *dir; /* folder, created 0700 if absent (ACTOR only) */
	enum store_mode mode;
	bool new_era;	    /* after a restore, by an operator's word */
	const char *holder; /* one line for whoever finds it locked: verb, pid, user */
};

/* store_open - on RC_BUSY err names the holder; RC_CORRUPT: behind its head, chain broken ...:
 * HALT, do not go on. */
enum rc store_open(struct store **ret, const struct store_opts *o, struct store_head *ret_head,
	struct err *err);
void store_close(struct store **s);

/* store_fold - each record's stored bytes in order, from seq `from` on; stops when fn returns
 * nonzero (returned). */
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
 * store_append - queue it to the store's one worker thread (texts are copied). done is called from
 * store_poll on the caller's thread, exactly once: DONE with the new head, CONFLICT (head moved;
 * nothing written), UNKNOWN (input/output error: the store is dead, HALT).
 */
typedef void store_done_fn(void *ctx, uint64_t op, enum outcome outcome,
	const struct store_head *head, const char *why);
enum rc store_append(struct store *s, const struct store_append *a, store_done_fn *done, void *ctx,
	struct err *err);
int store_fd(const struct store *s); /* readable when store_poll has something to call */
void store_poll(struct store *s);
enum rc store_drain(
	struct store *s, struct err *err); /* wait for all queued appends and call their done */

/* Playbook texts by SHA-256 (64 hex digits). put is durable on return. get: malloc'd text for the
 * caller. */
enum rc store_blob_put(
	struct store *s, const char *sha256, const void *p, size_t n, struct err *err);
enum rc store_blob_get(
	struct store *s, const char *sha256, char **ret, size_t *ret_n, struct err *err);

/* store_backup - a consistent copy by the database's own means, while an actor runs. */
enum rc store_backup(struct store *s, const char *to_dir, struct err *err);

/* store_schema_version - the version this build writes. */
int store_schema_version(void);

#endif
