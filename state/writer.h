/*
 * writer.h - the one thread that writes: a FIFO of appends and texts, each a transaction, then the
 * head file, then the answer.
 *
 * The first failure of any kind but a refused expectation ends it for good: what was being written
 * is UNKNOWN, what waits behind it is never begun.
 */
#ifndef FERRYMAN_STATE_WRITER_H
#define FERRYMAN_STATE_WRITER_H

#include "state/database.h"
#include "state/head.h"
#include "state/store.h"

struct writer;

struct writer_opts {
	const char *dir;
	sqlite3 *db; /* taken, as is the next; also when it fails */
	struct head_file *file;
	const struct head *now; /* as both have it */
	bool fresh;		/* see store.h */
};
enum rc writer_start(struct writer **ret, const struct writer_opts *o, struct err *err);
/* writer_stop - ends what is being written, drops the rest, joins. No done is called. */
void writer_stop(struct writer **w);

enum rc writer_append(struct writer *w, const struct store_append *a, store_done_fn *done,
	void *ctx, struct err *err);
enum rc writer_text(struct writer *w, const char *sha256, const void *p, size_t n, struct err *err);
int writer_fd(const struct writer *w);
void writer_poll(struct writer *w);
enum rc writer_drain(struct writer *w, struct err *err);
enum rc writer_fault(struct writer *w);

/* writer_commit - end an open transaction with that head: meta row, COMMIT, head file. For the
 * opening actor too. */
enum rc writer_commit(
	sqlite3 *db, struct head_file *file, const struct head *next, struct err *err);

void writer_tell(struct store_head *to, const struct head *from, bool fresh);

#endif
