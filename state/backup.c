/* backup.c - SQLite's own online copy, then the chain of the copy, then its head file. */
#include "state/backup.h"

#include "state/database.h"
#include "state/place.h"
#include "state/verify.h"

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

static enum rc
must_be_empty(const char *dir, struct err *err)
{
	static const char *const names[] = { PLACE_DB, PLACE_DB "-wal", PLACE_HEAD };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (place_size(dir, names[i]) >= 0)
			return err_set(err, RC_CONFLICT,
				"%s/%s is already there; give a folder that is new or empty", dir,
				names[i]);
	return RC_OK;
}

static enum rc
copy(sqlite3 *from, sqlite3 *to, struct err *err)
{
	sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
	int code;

	if (b == NULL)
		return database_fail(to, "begin the copy", err);
	code = sqlite3_backup_step(b, -1); /* all of it, in one snapshot */
	(void)sqlite3_backup_finish(b);	   /* what failed before is told by `to`, for both */
	return code == SQLITE_DONE ? RC_OK : database_fail(to, "copy the journal into it", err);
}

static enum rc
write_head(const char *dir, const struct head *h, struct err *err)
{
	struct head_file *f = NULL;
	struct head mark = *h;
	enum rc rc = head_make(dir, err);

	mark.copy = true;
	if (rc == RC_OK)
		rc = head_open(&f, dir, true, err);
	if (rc == RC_OK)
		rc = head_fill(f, &mark, err);
	head_close(&f);
	return rc == RC_OK ? place_sync(dir, err) : rc;
}

static void
drop(const char *dir)
{
	static const char *const names[] = { PLACE_HEAD, PLACE_DB "-wal", PLACE_DB "-shm",
		PLACE_DB "-journal", PLACE_DB };
	char path[PLACE_MAX];

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		place_path(path, dir, names[i]);
		(void)unlink(path);
	}
}

enum rc
backup_make(sqlite3 *from, const char *to_dir, struct err *err)
{
	sqlite3 *to = NULL;
	struct head h;
	enum rc rc = place_make(to_dir, err);

	if (rc == RC_OK)
		rc = must_be_empty(to_dir, err);
	if (rc != RC_OK)
		return rc;
	rc = place_file(to_dir, PLACE_DB, err);
	if (rc == RC_OK)
		rc = database_open(&to, to_dir, DATABASE_WRITE, err);
	if (rc == RC_OK)
		rc = copy(from, to, err);
	if (rc == RC_OK)
		rc = database_head(to, &h, err);
	if (rc == RC_OK)
		rc = verify_chain(to, &h, NULL, err);
	if (rc == RC_OK)
		database_copy_at_close(to);
	database_close(&to);
	if (rc == RC_OK)
		rc = write_head(to_dir, &h, err);
	if (rc != RC_OK) {
		drop(to_dir);
		(void)err_prefix(err, "backup to %s", to_dir);
	}
	return rc;
}
