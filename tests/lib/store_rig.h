/*
 * store_rig.h - what tests of a store share: a folder of its own, records that chain, an append
 * that is waited for, files that are copied and damaged.
 */
#ifndef FERRYMAN_TESTS_STORE_RIG_H
#define FERRYMAN_TESTS_STORE_RIG_H

#include "state/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RIG_PATH = 512 };

/* rig_dir - a new folder (0700), in memory where the machine has such a place. rig_wipe - with all
 * in it. */
void rig_dir(char out[RIG_PATH]);
void rig_wipe(const char *dir);
void rig_path(char out[RIG_PATH], const char *dir, const char *name);

/* rig_record - the next record after head, malloc'd. Its text depends on seq and salt alone. lsn 0
 * = none. */
char *rig_record(const struct store_head *head, uint64_t lsn, const char *salt);
/* rig_says - whether stored bytes are what rig_record wrote for that number and salt. */
bool rig_says(const char *bytes, uint64_t seq, const char *salt);
/* rig_next - head after that record, as the store must tell it. */
void rig_next(struct store_head *head, const char *record, uint64_t lsn);

struct rig_done {
	int times;
	uint64_t op;
	enum outcome outcome;
	struct store_head head;
	char why[600];
};
void rig_on_done(void *done, uint64_t op, enum outcome outcome, const struct store_head *head,
	const char *why);
/* rig_append - one record after *head, waited for by store_fd; *head moves when it is DONE. OUT_N:
 * not even queued. */
enum outcome rig_append(struct store *s, struct store_head *head, uint64_t lsn, const char *salt);
enum outcome rig_append_text(struct store *s, struct store_head *head, const char *record);

/* rig_fold - how many records there are that say what rig_record wrote; -1 - n: record n does not;
 * err from the store. */
struct rig_read {
	uint64_t n;
	bool wrong;
	const char *salt;
	enum rc rc;
	struct err err;
};
void rig_read_all(struct store *s, struct rig_read *r);

/* Files. rig_load: malloc'd, n = -1 when it is not there. */
char *rig_load(const char *dir, const char *name, long *ret_n);
void rig_save(const char *dir, const char *name, const char *p, long n); /* n < 0: removes it */
/* rig_sql - run SQL on DIR/journal.db by a connection of its own; false when it fails. */
bool rig_sql(const char *dir, const char *sql);

#endif
