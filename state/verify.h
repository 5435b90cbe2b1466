/* verify.h - the whole chain of a database, held against its meta row. What opening, backup and
 * audit do alike. */
#ifndef FERRYMAN_STATE_VERIFY_H
#define FERRYMAN_STATE_VERIFY_H

#include "state/database.h"

/* verify_chain - RC_CORRUPT names the first record that is wrong. ret may be NULL; else it is set
 * in either case. */
enum rc verify_chain(sqlite3 *db, const struct head *meta, struct chain *ret, struct err *err);

/* verify_neighbours - a record that seems deleted, and whose bytes lie in the next row, was swapped
 * with it: the fault is named so. */
void verify_neighbours(sqlite3 *db, struct chain *c);

/* verify_end - the chain's end against a head (the meta row, a slot of the head file); notes a
 * fault in c. */
void verify_end(struct chain *c, const struct head *head, const char *whose);

/* verify_contains - whether the record that a head names is there with that hash; true when h is
 * NULL. */
enum rc verify_contains(sqlite3 *db, const struct head *h, bool *ret, struct err *err);

/* One moment of a journal that may be written meanwhile: the head file was read before and after
 * it. */
struct snapshot {
	struct head meta;
	struct head_slots before, after;
	enum head_state state;
	char why[300]; /* "" = legal */
};
/* snapshot_begin - a read transaction stays open on db. file NULL = there is none. RC_OK also when
 * it is not legal. */
enum rc snapshot_begin(sqlite3 *db, struct head_file *file, struct snapshot *ret, struct err *err);

#endif
