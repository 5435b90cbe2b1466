/* head.c - two checksummed slots, written by hand over SQLite's VFS; which states of head and
 * database are legal. */
#include "state/head.h"

#include "base/planted.h"
#include "os/digest.h"
#include "os/stdmem.h"
#include "state/place.h"

#include <sqlite3.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A slot is as large as the largest sector in use, so two slots never share one. */
enum { SLOT = 4096, LINE_MAX_ = 512 };

struct head_file {
	sqlite3_vfs *vfs;
	sqlite3_file *file;
	char path[PLACE_MAX + 2]; /* the VFS keeps the pointer, and wants two NULs at the end */
};

/* --- one slot --- */

static void
render(const struct head *h, char slot[SLOT])
{
	char sum[DIGEST_HEX];
	int n;

	memset(slot, ' ', SLOT);
	n = snprintf(slot, LINE_MAX_,
		"ferryman-head 1 kind=%s commits=%" PRIu64 " store=%s era=%" PRIu64
		" epoch=%" PRIu64 " seq=%" PRIu64 " lsn=%" PRIu64 " hash=%s",
		h->copy ? "copy" : "live", h->commits, h->store, h->era, h->epoch, h->seq, h->lsn,
		h->hash);
	digest_sha256(NULL, slot, (size_t)n, sum);
	n += snprintf(slot + n, LINE_MAX_, " sum=%s", sum);
	slot[n] = ' ';
	slot[SLOT - 1] = '\n';
}

/* What the slot says is written again: sound is only what comes out byte for byte. */
static bool
parse(const char slot[SLOT], struct head *ret)
{
	char line[LINE_MAX_ + 1], kind[5] = "", again[SLOT];
	struct head h = { 0 };

	memcpy(line, slot, LINE_MAX_);
	line[LINE_MAX_] = '\0';
	if (sscanf(line,
		    "ferryman-head 1 kind=%4s commits=%" SCNu64 " store=%32s era=%" SCNu64
		    " epoch=%" SCNu64 " seq=%" SCNu64 " lsn=%" SCNu64 " hash=%64s",
		    kind, &h.commits, h.store, &h.era, &h.epoch, &h.seq, &h.lsn, h.hash) != 8)
		return false;
	h.copy = strcmp(kind, "copy") == 0;
	render(&h, again);
	if (memcmp(slot, again, SLOT) != 0)
		return false;
	*ret = h;
	return true;
}

/* --- the file --- */

static enum rc
fail(const struct head_file *f, int code, const char *doing, struct err *err)
{
	return err_set(err, code == SQLITE_FULL ? RC_FULL : RC_IO, "%s: cannot %s: %s", f->path,
		doing, sqlite3_errstr(code));
}

enum rc
head_make(const char *dir, struct err *err)
{
	return place_file(dir, PLACE_HEAD, err);
}

enum rc
head_open(struct head_file **ret, const char *dir, bool write, struct err *err)
{
	struct head_file *f = stdmem_get(sizeof *f);
	/* Any type but a database: such files are opened without locks and without -wal beside
	 * them. */
	int flags =
		SQLITE_OPEN_SUPER_JOURNAL | (write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
	int code, got = 0;
	struct stat st;
	enum rc rc;

	place_path(f->path, dir, PLACE_HEAD);
	if (stat(f->path, &st) != 0) {
		rc = errno == ENOENT ? RC_NOTFOUND : RC_IO;
		(void)err_set(err, rc, "%s: %s", f->path, strerror(errno));
		free(f);
		return rc;
	}
	f->vfs = sqlite3_vfs_find(NULL);
	f->file = stdmem_get((size_t)f->vfs->szOsFile);
	code = f->vfs->xOpen(f->vfs, f->path, f->file, flags, &got);
	if (code == SQLITE_OK) {
		*ret = f;
		return RC_OK;
	}
	rc = fail(f, code, "open it", err);
	head_close(&f);
	return rc;
}

void
head_close(struct head_file **f)
{
	struct head_file *dead = *f;

	*f = NULL;
	if (dead == NULL)
		return;
	if (dead->file->pMethods != NULL)
		(void)dead->file->pMethods->xClose(dead->file);
	free(dead->file);
	free(dead);
}

enum rc
head_read(struct head_file *f, struct head_slots *ret, struct err *err)
{
	struct head_slots got = { 0 };
	sqlite3_int64 size = 0;
	int code = f->file->pMethods->xFileSize(f->file, &size);

	got.absent = size == 0;
	for (int i = 0; i < 2 && code == SQLITE_OK && !got.absent; i++) {
		char slot[SLOT];

		code = f->file->pMethods->xRead(f->file, slot, SLOT, (sqlite3_int64)i * SLOT);
		if (code == SQLITE_OK)
			got.ok[i] = parse(slot, &got.at[i]) && size == (sqlite3_int64)2 * SLOT;
		else if (code == SQLITE_IOERR_SHORT_READ)
			code = SQLITE_OK; /* a slot that is not all there is not sound */
	}
	if (code != SQLITE_OK)
		return fail(f, code, "read it", err);
	*ret = got;
	return RC_OK;
}

static int
put(struct head_file *f, const struct head *h, int at)
{
	char slot[SLOT];

	render(h, slot);
	return f->file->pMethods->xWrite(f->file, slot, SLOT, (sqlite3_int64)at * SLOT);
}

static enum rc
sync_to_disk(struct head_file *f, int code, struct err *err)
{
	if (code != SQLITE_OK)
		return fail(f, code, "write it", err);
	if (PLANTED(NO_FSYNC))
		return RC_OK;
	code = f->file->pMethods->xSync(f->file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
	return code == SQLITE_OK ? RC_OK : fail(f, code, "make it durable", err);
}

enum rc
head_write(struct head_file *f, const struct head *h, struct err *err)
{
	return sync_to_disk(f, put(f, h, (int)(h->commits % 2)), err);
}

enum rc
head_fill(struct head_file *f, const struct head *h, struct err *err)
{
	int code = f->file->pMethods->xTruncate(f->file, 0);

	for (int i = 0; i < 2 && code == SQLITE_OK; i++)
		code = put(f, h, i);
	return sync_to_disk(f, code, err);
}

/* --- which states are legal --- */

const struct head *
head_newest(const struct head_slots *s)
{
	if (s->ok[0] && s->ok[1])
		return s->at[0].commits > s->at[1].commits ? &s->at[0] : &s->at[1];
	return s->ok[0] ? &s->at[0] : s->ok[1] ? &s->at[1] : NULL;
}

static bool
same(const struct head *a, const struct head *b)
{
	return a->era == b->era && a->epoch == b->epoch && a->seq == b->seq && a->lsn == b->lsn &&
	       strcmp(a->hash, b->hash) == 0;
}

/* Slots of one file are neighbours; a slot that is not sound can only be the one that was being
 * written. */
static bool
slots_fit(const struct head_slots *s, const struct head *newest, uint64_t commits)
{
	if (s->ok[0] && s->ok[1]) {
		uint64_t a = s->at[0].commits, b = s->at[1].commits;

		return (a > b ? a - b : b - a) <= 1;
	}
	return commits == newest->commits + 1 && !s->ok[commits % 2];
}

/* The first head goes into both slots before it is synced, so the power may take either. Nothing
 * has been acknowledged then. */
static bool
half_born(const struct head *db, const struct head_slots *s, const struct head *newest)
{
	return db->commits == 1 && s->ok[0] != s->ok[1] && same(db, newest);
}

static enum head_state
no_head(const struct head *db, const struct head_slots *s, char *why)
{
	if (db->commits == 1)
		return HEAD_UNBORN;
	(void)snprintf(why, 300, "the head file is %s, but the journal holds %" PRIu64 " records",
		s->absent ? "missing" : "damaged", db->seq);
	return HEAD_LOST;
}

enum head_state
head_judge(const struct head *db, const struct head_slots *before, const struct head_slots *after,
	char why[static 300])
{
	const struct head *old = head_newest(before), *now = head_newest(after);

	why[0] = '\0';
	if (now == NULL || old == NULL)
		return no_head(db, after, why);
	if (strcmp(db->store, now->store) != 0 || strcmp(db->store, old->store) != 0) {
		(void)snprintf(why, 300,
			"the journal is of store %s, the head file beside it of store %s",
			db->store, now->store);
		return HEAD_FOREIGN;
	}
	if (db->commits < old->commits || db->seq < old->seq || db->era < old->era ||
		db->epoch < old->epoch || db->lsn < old->lsn) {
		(void)snprintf(why, 300,
			"the journal is behind its head: it ends at record %" PRIu64
			" (commit %" PRIu64 "), but record %" PRIu64 " (commit %" PRIu64
			") was acknowledged",
			db->seq, db->commits, old->seq, old->commits);
		return HEAD_BEHIND;
	}
	if (half_born(db, after, now))
		return HEAD_UNBORN;
	if (db->commits > now->commits + 1 || !slots_fit(after, now, db->commits)) {
		(void)snprintf(why, 300,
			"the head file is damaged or older than it can be: it says commit %" PRIu64
			", the journal is at commit %" PRIu64,
			now->commits, db->commits);
		return HEAD_LOST;
	}
	if (db->commits == now->commits && !same(db, now)) {
		(void)snprintf(why, 300,
			"journal and head file tell different things of commit %" PRIu64
			": record %" PRIu64 " %.12s... and record %" PRIu64 " %.12s...",
			db->commits, db->seq, db->hash, now->seq, now->hash);
		return HEAD_BEHIND;
	}
	return db->commits > now->commits ? HEAD_AHEAD : HEAD_EQUAL;
}
