/* database.c - the tables, and the few statements that are ever run on them. */
#include "state/database.h"

#include "base/planted.h"
#include "base/text.h"
#include "os/stdmem.h"
#include "state/place.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longer than a checkpoint or a reader's recovery takes; shorter than a person waits. */
enum { BUSY_MS = 5000 };
#define APPLICATION_ID "1180992121" /* "Fery" */

/* The schema. A hand reads it with the sqlite3 shell (FORMAT.md), so columns are text and whole
 * numbers. */
static const char tables[] =
	"CREATE TABLE meta (one INTEGER PRIMARY KEY CHECK (one = 1), store TEXT NOT NULL,"
	" commits INTEGER NOT NULL, era INTEGER NOT NULL, epoch INTEGER NOT NULL,"
	" seq INTEGER NOT NULL, lsn INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;"
	"CREATE TABLE record (seq INTEGER PRIMARY KEY CHECK (seq > 0), lsn INTEGER NOT NULL,"
	" hash TEXT NOT NULL, bytes TEXT NOT NULL) STRICT;"
	"CREATE TABLE blob (sha256 TEXT NOT NULL PRIMARY KEY, bytes BLOB NOT NULL) STRICT;"
	"PRAGMA application_id = " APPLICATION_ID "; PRAGMA user_version = 1;";

/* Our statements are right, so what they met is not. */
static enum rc
rc_of(int code)
{
	if (code == SQLITE_IOERR_SHORT_READ)
		return RC_CORRUPT;
	switch (code & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_SCHEMA:
	case SQLITE_ERROR:
	case SQLITE_MISMATCH:
	case SQLITE_CONSTRAINT:
		return RC_CORRUPT;
	case SQLITE_FULL:
		return RC_FULL;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL: /* others were always quicker at the log's locks */
		return RC_BUSY;
	case SQLITE_PERM:
	case SQLITE_READONLY:
	case SQLITE_AUTH:
		return RC_DENIED;
	case SQLITE_NOMEM:
		return RC_NOMEM;
	default:
		return RC_IO;
	}
}

enum rc
database_fail(sqlite3 *db, const char *doing, struct err *err)
{
	int code = sqlite3_extended_errcode(db);
	const char *file = sqlite3_db_filename(db, "main");

	return err_set(err, rc_of(code), "%s: cannot %s: %s (SQLite %d)",
		file != NULL ? file : PLACE_DB, doing, sqlite3_errmsg(db), code);
}

enum rc
database_exec(sqlite3 *db, const char *sql, struct err *err)
{
	char doing[64];

	(void)snprintf(doing, sizeof doing, "run \"%.40s\"", sql);
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? RC_OK
								    : database_fail(db, doing, err);
}

/*
 * The log's index is a file of its own that whoever comes first makes; on a full disk that can be
 * a bus error (place_room). With exclusive locking SQLite keeps it in memory (sqlite.org/wal.html,
 * "Use of WAL Without Shared-Memory"), for which it wants a lock as if it would write.
 */
static bool
cramped(const char *dir, enum database_use use)
{
	return use == DATABASE_READ && place_room(dir, &(struct err){ 0 }) == RC_FULL &&
	       place_free(dir);
}

enum rc
database_open(sqlite3 **ret, const char *dir, enum database_use use, struct err *err)
{
	bool write = use == DATABASE_WRITE, tight = cramped(dir, use);
	char path[PLACE_MAX];
	sqlite3 *db = NULL;
	int flags = (write || tight ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) |
		    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	enum rc rc;

	place_path(path, dir, PLACE_DB);
	if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK) {
		rc = db != NULL ? database_fail(db, "open it", err)
				: err_set(err, RC_NOMEM, "out of memory");
		database_close(&db);
		return rc;
	}
	(void)sqlite3_busy_timeout(db, BUSY_MS);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
	rc = database_exec(db, "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;", err);
	/* Whoever fails on the way leaves the files to the next, who looks at them first. */
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL);
	/* Checkpoints are ours to make: SQLite's own ones ignore a failed fsync. */
	if (rc == RC_OK && write)
		rc = database_exec(db,
			PLANTED(NO_FSYNC) ? "PRAGMA synchronous = OFF"
					  : "PRAGMA synchronous = FULL",
			err);
	if (rc == RC_OK && write)
		rc = database_exec(
			db, "PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = MEMORY;", err);
	if (rc == RC_OK && tight)
		rc = database_exec(
			db, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA query_only = ON;", err);
	if (rc == RC_OK)
		*ret = db;
	else
		database_close(&db);
	return rc;
}

void
database_copy_at_close(sqlite3 *db)
{
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, (int *)NULL);
}

void
database_close(sqlite3 **db)
{
	(void)sqlite3_close(*db);
	*db = NULL;
}

/* --- statements --- */

static enum rc
prepare(sqlite3 *db, sqlite3_stmt **ret, const char *sql, const char *doing, struct err *err)
{
	return sqlite3_prepare_v2(db, sql, -1, ret, NULL) == SQLITE_OK
		       ? RC_OK
		       : database_fail(db, doing, err);
}

/* Runs a statement that gives no row. Ends it. */
static enum rc
finish(sqlite3 *db, sqlite3_stmt *st, const char *doing, struct err *err)
{
	int code = sqlite3_step(st);
	enum rc rc = code == SQLITE_DONE ? RC_OK : database_fail(db, doing, err);

	(void)sqlite3_finalize(st);
	return rc;
}

static enum rc
one_number(sqlite3 *db, const char *sql, int64_t *ret, struct err *err)
{
	sqlite3_stmt *st = NULL;
	enum rc rc = prepare(db, &st, sql, "read it", err);

	if (rc != RC_OK)
		return rc;
	if (sqlite3_step(st) == SQLITE_ROW)
		*ret = sqlite3_column_int64(st, 0);
	else
		rc = database_fail(db, "read it", err);
	(void)sqlite3_finalize(st);
	return rc;
}

enum rc
database_version(sqlite3 *db, int *ret, struct err *err)
{
	int64_t version = 0, n = 0;
	enum rc rc = one_number(db, "PRAGMA user_version", &version, err);

	if (rc == RC_OK)
		rc = one_number(db, "SELECT count(*) FROM sqlite_schema", &n, err);
	if (rc != RC_OK)
		return rc;
	if ((version == 0) != (n == 0))
		return err_set(err, RC_CORRUPT,
			"%s: schema version %" PRId64 " with %" PRId64 " tables",
			sqlite3_db_filename(db, "main"), version, n);
	*ret = (int)version;
	return RC_OK;
}

enum rc
database_wal(sqlite3 *db, struct err *err)
{
	sqlite3_stmt *st = NULL;
	enum rc rc = prepare(db, &st, "PRAGMA journal_mode = WAL", "switch to WAL", err);
	const char *mode;

	if (rc != RC_OK)
		return rc;
	mode = sqlite3_step(st) == SQLITE_ROW ? (const char *)sqlite3_column_text(st, 0) : NULL;
	if (mode == NULL)
		rc = database_fail(db, "switch to WAL", err);
	else if (!text_eq(mode, "wal"))
		rc = err_set(err, RC_UNSUPPORTED,
			"%s: no write-ahead log is possible here (journal mode %s); the folder "
			"must be on a local disk",
			sqlite3_db_filename(db, "main"), mode);
	/* The row comes before the change is written and synced. */
	else if (sqlite3_step(st) != SQLITE_DONE)
		rc = database_fail(db, "switch to WAL", err);
	(void)sqlite3_finalize(st);
	return rc;
}

enum rc
database_create(sqlite3 *db, const struct head *first, struct err *err)
{
	enum rc rc = database_wal(db, err);

	if (rc == RC_OK)
		rc = database_exec(db, "BEGIN IMMEDIATE", err);
	if (rc == RC_OK)
		rc = database_exec(db, tables, err);
	if (rc == RC_OK)
		rc = database_put_head(db, first, err);
	return rc == RC_OK ? database_exec(db, "COMMIT", err) : rc;
}

/* --- the meta row --- */

static bool
take_text(char *to, size_t size, sqlite3_stmt *st, int col)
{
	const char *s = (const char *)sqlite3_column_text(st, col);

	if (s == NULL || strlen(s) != size - 1)
		return false;
	memcpy(to, s, size);
	return true;
}

static bool
take_head(struct head *h, sqlite3_stmt *st)
{
	int64_t n[5];

	for (int i = 0; i < 5; i++) {
		n[i] = sqlite3_column_int64(st, i);
		if (n[i] < 0)
			return false;
	}
	h->commits = (uint64_t)n[0];
	h->era = (uint64_t)n[1];
	h->epoch = (uint64_t)n[2];
	h->seq = (uint64_t)n[3];
	h->lsn = (uint64_t)n[4];
	return h->commits > 0 && h->era > 0 && take_text(h->store, sizeof h->store, st, 5) &&
	       take_text(h->hash, sizeof h->hash, st, 6);
}

enum rc
database_head(sqlite3 *db, struct head *ret, struct err *err)
{
	sqlite3_stmt *st = NULL;
	struct head h = { 0 };
	enum rc rc = prepare(db, &st,
		"SELECT commits, era, epoch, seq, lsn, store, hash FROM meta WHERE one = 1",
		"read its head", err);
	int code;

	if (rc != RC_OK)
		return rc;
	code = sqlite3_step(st);
	if (code == SQLITE_ROW && take_head(&h, st))
		*ret = h;
	else if (code == SQLITE_ROW || code == SQLITE_DONE)
		rc = err_set(err, RC_CORRUPT, "%s: the meta row is missing or damaged",
			sqlite3_db_filename(db, "main"));
	else
		rc = database_fail(db, "read its head", err);
	(void)sqlite3_finalize(st);
	return rc;
}

enum rc
database_put_head(sqlite3 *db, const struct head *h, struct err *err)
{
	sqlite3_stmt *st = NULL;
	const uint64_t n[] = { h->commits, h->era, h->epoch, h->seq, h->lsn };
	enum rc rc = prepare(db, &st,
		"INSERT OR REPLACE INTO meta (commits, era, epoch, seq, lsn, store, hash, one)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, 1)",
		"write its head", err);

	if (rc != RC_OK)
		return rc;
	for (int i = 0; i < 5; i++)
		(void)sqlite3_bind_int64(st, i + 1, (sqlite3_int64)n[i]);
	(void)sqlite3_bind_text(st, 6, h->store, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(st, 7, h->hash, -1, SQLITE_STATIC);
	return finish(db, st, "write its head", err);
}

/* --- records --- */

enum rc
database_rows(sqlite3 *db, uint64_t from, database_row_fn *fn, void *ctx, struct err *err)
{
	sqlite3_stmt *st = NULL;
	enum rc rc = prepare(db, &st,
		"SELECT seq, lsn, hash, bytes FROM record WHERE seq >= ? ORDER BY seq",
		"read its records", err);
	int stop = 0, code;

	if (rc != RC_OK)
		return rc;
	(void)sqlite3_bind_int64(st, 1, (sqlite3_int64)from);
	while ((code = sqlite3_step(st)) == SQLITE_ROW) {
		const struct chain_row row = { .seq = sqlite3_column_int64(st, 0),
			.lsn = sqlite3_column_int64(st, 1),
			.hash = (const char *)sqlite3_column_text(st, 2),
			.bytes = (const char *)sqlite3_column_text(st, 3),
			.n = (size_t)sqlite3_column_bytes(st, 3) };

		stop = fn(ctx, &row);
		if (stop != 0)
			break;
	}
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		rc = database_fail(db, "read its records", err);
	(void)sqlite3_finalize(st);
	return rc == RC_OK ? (enum rc)stop : rc;
}

enum rc
database_has(sqlite3 *db, uint64_t seq, const char *hash, bool *ret, struct err *err)
{
	sqlite3_stmt *st = NULL;
	enum rc rc;

	if (seq == 0) {
		*ret = strcmp(hash, CHAIN_ZERO) == 0;
		return RC_OK;
	}
	rc = prepare(db, &st, "SELECT count(*) FROM record WHERE seq = ? AND hash = ?",
		"read its records", err);
	if (rc != RC_OK)
		return rc;
	(void)sqlite3_bind_int64(st, 1, (sqlite3_int64)seq);
	(void)sqlite3_bind_text(st, 2, hash, -1, SQLITE_STATIC);
	if (sqlite3_step(st) == SQLITE_ROW)
		*ret = sqlite3_column_int64(st, 0) == 1;
	else
		rc = database_fail(db, "read its records", err);
	(void)sqlite3_finalize(st);
	return rc;
}

enum rc
database_insert(sqlite3 *db, const struct chain_row *row, struct err *err)
{
	sqlite3_stmt *st = NULL;
	enum rc rc = prepare(db, &st,
		"INSERT INTO record (seq, lsn, hash, bytes) VALUES (?, ?, ?, ?)", "append", err);

	if (rc != RC_OK)
		return rc;
	(void)sqlite3_bind_int64(st, 1, row->seq);
	(void)sqlite3_bind_int64(st, 2, row->lsn);
	(void)sqlite3_bind_text(st, 3, row->hash, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(st, 4, row->bytes, (int)row->n, SQLITE_STATIC);
	return finish(db, st, "append", err);
}

enum rc
database_check(sqlite3 *db, char ret[static 200], struct err *err)
{
	sqlite3_stmt *st = NULL;
	enum rc rc = prepare(db, &st, "PRAGMA integrity_check(1)", "check it", err);

	if (rc != RC_OK)
		return rc;
	if (sqlite3_step(st) == SQLITE_ROW)
		(void)snprintf(ret, 200, "%.199s", (const char *)sqlite3_column_text(st, 0));
	else
		rc = database_fail(db, "check it", err);
	(void)sqlite3_finalize(st);
	return rc;
}

/* --- playbook texts --- */

enum rc
database_blob_put(sqlite3 *db, const char *sha256, const void *p, size_t n, struct err *err)
{
	sqlite3_stmt *st = NULL;
	enum rc rc = prepare(db, &st, "INSERT OR REPLACE INTO blob (sha256, bytes) VALUES (?, ?)",
		"keep a text", err);

	if (rc != RC_OK)
		return rc;
	(void)sqlite3_bind_text(st, 1, sha256, -1, SQLITE_STATIC);
	(void)sqlite3_bind_blob64(st, 2, p, n, SQLITE_STATIC);
	return finish(db, st, "keep a text", err);
}

enum rc
database_blob_get(sqlite3 *db, const char *sha256, char **ret, size_t *ret_n, struct err *err)
{
	sqlite3_stmt *st = NULL;
	enum rc rc =
		prepare(db, &st, "SELECT bytes FROM blob WHERE sha256 = ?", "read a text", err);
	int code;

	if (rc != RC_OK)
		return rc;
	(void)sqlite3_bind_text(st, 1, sha256, -1, SQLITE_STATIC);
	code = sqlite3_step(st);
	if (code == SQLITE_ROW) {
		const void *p = sqlite3_column_blob(st, 0);
		size_t n = (size_t)sqlite3_column_bytes(st, 0);

		*ret = stdmem_get(n + 1); /* ends with NUL, so text can be read as such */
		if (n > 0)
			memcpy(*ret, p, n);
		*ret_n = n;
	} else {
		rc = code == SQLITE_DONE
			     ? err_set(err, RC_NOTFOUND,
				       "no text with SHA-256 %.64s is kept in the journal", sha256)
			     : database_fail(db, "read a text", err);
	}
	(void)sqlite3_finalize(st);
	return rc;
}
