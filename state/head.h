/*
 * head.h - the `head` file beside the database: what was acknowledged last, kept where a damaged
 * write-ahead log cannot take it along. FORMAT.md lists the legal states of the two; head_judge is
 * that list as code.
 *
 * Two slots of 4,096 bytes, each one line of text with its own SHA-256; commit n lies in slot n %
 * 2, so a torn write spoils only the slot that is being written. All input and output goes through
 * SQLite's VFS, so that whatever disk a test puts under the database is under the head file too.
 */
#ifndef FERRYMAN_STATE_HEAD_H
#define FERRYMAN_STATE_HEAD_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* The same fields stand in the database's meta row and in a slot. */
struct head {
	char store[33];
	uint64_t commits; /* transactions that ever changed the database; the measure of who is
			     behind */
	uint64_t era, epoch, seq, lsn;
	char hash[65];
	bool copy; /* slot only: made by store_backup, so that acting on it wants a new era */
};

struct head_slots {
	bool absent; /* no file, or an empty one */
	bool ok[2];
	struct head at[2];
};

struct head_file;

/* head_make - an empty file if there is none (mode 0600, durable). */
enum rc head_make(const char *dir, struct err *err);
/* head_open - RC_NOTFOUND when there is no file. */
enum rc head_open(struct head_file **ret, const char *dir, bool write, struct err *err);
void head_close(struct head_file **f);

enum rc head_read(struct head_file *f, struct head_slots *ret, struct err *err);
/* head_write - h into its slot, durable on return. head_fill - into both: a new file. Any failure:
 * go on with nothing. */
enum rc head_write(struct head_file *f, const struct head *h, struct err *err);
enum rc head_fill(struct head_file *f, const struct head *h, struct err *err);

/* head_newest - NULL when no slot is sound. */
const struct head *head_newest(const struct head_slots *s);

enum head_state {
	HEAD_EQUAL,   /* nothing to do */
	HEAD_AHEAD,   /* the database has one commit more, which nobody was told of: it counts */
	HEAD_UNBORN,  /* the first start ended before the head was written */
	HEAD_BEHIND,  /* the database lost what was acknowledged */
	HEAD_LOST,    /* the head file is damaged, missing or older than it can be */
	HEAD_FOREIGN, /* head and database are of different stores */
};
/*
 * head_judge - db: the meta row of one snapshot. before, after: the file as it was read before and
 * after that snapshot was taken (the same for a writer). why: a sentence, for all but the first
 * three.
 */
enum head_state head_judge(const struct head *db, const struct head_slots *before,
	const struct head_slots *after, char why[static 300]);

#endif
