/*
 * database.h - the SQLite file: opening, its tables, the meta row, rows in order. What store
 * (sqlite.c), backup and audit share. A connection is used by one thread at a time.
 */
#ifndef FERRYMAN_STATE_DATABASE_H
#define FERRYMAN_STATE_DATABASE_H

#include "base/err.h"
#include "state/chain.h"
#include "state/head.h"

#include <sqlite3.h>

#include <stdbool.h>

enum { DATABASE_SCHEMA = 1 };

enum database_use {
	DATABASE_WRITE,
	DATABASE_BESIDE, /* reads in the process of an actor */
	DATABASE_READ,
};
/* database_open - the file must be there. Reading never changes it (but for SQLite's own -shm and
 * -wal). */
enum rc database_open(sqlite3 **ret, const char *dir, enum database_use use, struct err *err);
void database_close(sqlite3 **db);
/* database_copy_at_close - let the last close copy the log into the database and remove it; else it
 * stays as it is. */
void database_copy_at_close(sqlite3 *db);
/* database_fail - the sentence for a failed call, and its rc: RC_CORRUPT, RC_FULL, RC_BUSY,
 * RC_DENIED, else RC_IO. */
enum rc database_fail(sqlite3 *db, const char *doing, struct err *err);
enum rc database_exec(sqlite3 *db, const char *sql, struct err *err);

/* database_version - schema version in the file, 0 when it has no tables yet. */
enum rc database_version(sqlite3 *db, int *ret, struct err *err);
/* database_wal - into WAL mode, or RC_UNSUPPORTED. */
enum rc database_wal(sqlite3 *db, struct err *err);
/* database_create - tables and meta row in one transaction, WAL mode. */
enum rc database_create(sqlite3 *db, const struct head *first, struct err *err);

enum rc database_head(sqlite3 *db, struct head *ret, struct err *err);
enum rc database_put_head(sqlite3 *db, const struct head *h, struct err *err);

/* database_rows - each row from seq on, in order; stops when fn returns nonzero (returned). */
typedef int database_row_fn(void *ctx, const struct chain_row *row);
enum rc database_rows(sqlite3 *db, uint64_t from, database_row_fn *fn, void *ctx, struct err *err);
/* database_has - whether record seq has that hash (64 zeros at 0). */
enum rc database_has(sqlite3 *db, uint64_t seq, const char *hash, bool *ret, struct err *err);
enum rc database_insert(sqlite3 *db, const struct chain_row *row, struct err *err);

/* database_check - SQLite's own: "ok", or the first thing that it finds. */
enum rc database_check(sqlite3 *db, char ret[static 200], struct err *err);

/* Playbook texts. get: malloc'd, RC_NOTFOUND; the caller checks the hash. */
enum rc database_blob_put(
	sqlite3 *db, const char *sha256, const void *p, size_t n, struct err *err);
enum rc database_blob_get(
	sqlite3 *db, const char *sha256, char **ret, size_t *ret_n, struct err *err);

#endif
