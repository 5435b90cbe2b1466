/* faultvfs.c - the VFS in front, and the memory of what is not synced yet. */
#include "lib/faultvfs.h"

#include "base/text.h"

#include <sqlite3.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ALL_OPS ((1u << FV_OP_N) - 1)

/* What a write replaced; newest first. */
struct undo {
	struct undo *next;
	sqlite3_int64 at;
	int n;
	char old[];
};

struct handle {
	sqlite3_file base;
	enum fv_file file;
	struct undo *pending;
	struct handle *next;
	sqlite3_file *real; /* behind this struct */
};

static struct {
	sqlite3_vfs vfs, *real;
	pthread_mutex_t mutex;
	struct fv_plan plan;
	int count;
	bool struck;
	fv_watch_fn *watch;
	void *watch_ctx;
	struct handle *open;
	unsigned draw;
	bool lies, remembers;
} fv = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static struct handle *
of(sqlite3_file *f)
{
	return (struct handle *)(void *)f;
}

static unsigned
draw(void)
{
	fv.draw = fv.draw * 1664525u + 1013904223u;
	return fv.draw >> 16;
}

static void
die(void)
{
	(void)kill(getpid(), SIGKILL);
	for (;;)
		(void)pause();
}

/* Power is lost: of what was not synced, some is there and some is not. */
static void
undo_some(void)
{
	for (struct handle *h = fv.open; h != NULL; h = h->next)
		for (struct undo *u = h->pending; u != NULL; u = u->next)
			if (draw() % 2 == 0)
				(void)h->real->pMethods->xWrite(h->real, u->old, u->n, u->at);
}

/* SQLITE_OK = go on. Called with the mutex held. */
static int
strike(enum fv_op op, enum fv_file file, struct handle *h, const void *p, int n, sqlite3_int64 at)
{
	if (((fv.plan.ops != 0 ? fv.plan.ops : ALL_OPS) & (1u << op)) == 0)
		return SQLITE_OK;
	if (fv.plan.files != 0 && (fv.plan.files & (1u << file)) == 0)
		return SQLITE_OK;
	fv.count++;
	if (fv.plan.at == 0 || fv.count < fv.plan.at ||
		(fv.count > fv.plan.at && !fv.plan.for_ever))
		return SQLITE_OK;
	fv.struck = true;
	switch (fv.plan.fault) {
	case FV_ERROR:
		return op == FV_SYNC	 ? SQLITE_IOERR_FSYNC
		       : op == FV_OPEN	 ? SQLITE_CANTOPEN
		       : op == FV_DELETE ? SQLITE_IOERR_DELETE
					 : SQLITE_IOERR_WRITE;
	case FV_FULL:
		return SQLITE_FULL;
	case FV_TORN_POWER:
		undo_some(); /* what was written before the half write may be gone too */
			     /* fall through */
	case FV_TORN:
		if (op == FV_WRITE && h != NULL && n > 1)
			(void)h->real->pMethods->xWrite(h->real, p, n / 2, at);
		die();
		break;
	case FV_POWER:
		undo_some();
		die();
		break;
	case FV_KILL:
		die();
		break;
	}
	return SQLITE_OK;
}

static int
before(enum fv_op op, enum fv_file file, struct handle *h, const void *p, int n, sqlite3_int64 at)
{
	int code;

	(void)pthread_mutex_lock(&fv.mutex);
	code = strike(op, file, h, p, n, at);
	(void)pthread_mutex_unlock(&fv.mutex);
	return code;
}

static int
after(int code, enum fv_op op, enum fv_file file)
{
	if (code == SQLITE_OK && fv.watch != NULL)
		fv.watch(fv.watch_ctx, op, file);
	return code;
}

/* --- files --- */

static void
forget(struct handle *h)
{
	while (h->pending != NULL) {
		struct undo *u = h->pending;

		h->pending = u->next;
		free(u);
	}
}

static void
remember(struct handle *h, int n, sqlite3_int64 at)
{
	struct undo *u = calloc(1, sizeof *u + (size_t)n);

	if (u == NULL)
		abort();
	u->at = at;
	u->n = n;
	(void)h->real->pMethods->xRead(h->real, u->old, n, at); /* zeros past the end */
	u->next = h->pending;
	h->pending = u;
}

static int
fv_close(sqlite3_file *f)
{
	struct handle *h = of(f);

	(void)pthread_mutex_lock(&fv.mutex);
	for (struct handle **at = &fv.open; *at != NULL; at = &(*at)->next)
		if (*at == h) {
			*at = h->next;
			break;
		}
	forget(h);
	(void)pthread_mutex_unlock(&fv.mutex);
	return h->real->pMethods->xClose(h->real);
}

static int
fv_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	return of(f)->real->pMethods->xRead(of(f)->real, p, n, at);
}

static int
fv_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	struct handle *h = of(f);
	int code = before(FV_WRITE, h->file, h, p, n, at);

	if (code != SQLITE_OK)
		return code;
	if (fv.remembers || (fv.plan.fault == FV_POWER && fv.plan.at > 0)) {
		(void)pthread_mutex_lock(&fv.mutex);
		remember(h, n, at);
		(void)pthread_mutex_unlock(&fv.mutex);
	}
	return after(h->real->pMethods->xWrite(h->real, p, n, at), FV_WRITE, h->file);
}

static int
fv_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	struct handle *h = of(f);
	int code = before(FV_TRUNCATE, h->file, h, NULL, 0, 0);

	return code != SQLITE_OK
		       ? code
		       : after(h->real->pMethods->xTruncate(h->real, size), FV_TRUNCATE, h->file);
}

static int
fv_sync(sqlite3_file *f, int flags)
{
	struct handle *h = of(f);
	int code = before(FV_SYNC, h->file, h, NULL, 0, 0);

	if (code != SQLITE_OK)
		return code;
	if (fv.lies)
		return after(SQLITE_OK, FV_SYNC, h->file);
	(void)pthread_mutex_lock(&fv.mutex);
	forget(h);
	(void)pthread_mutex_unlock(&fv.mutex);
	return after(h->real->pMethods->xSync(h->real, flags), FV_SYNC, h->file);
}

static int
fv_size(sqlite3_file *f, sqlite3_int64 *ret)
{
	return of(f)->real->pMethods->xFileSize(of(f)->real, ret);
}

static int
fv_lock(sqlite3_file *f, int level)
{
	return of(f)->real->pMethods->xLock(of(f)->real, level);
}

static int
fv_unlock(sqlite3_file *f, int level)
{
	return of(f)->real->pMethods->xUnlock(of(f)->real, level);
}

static int
fv_reserved(sqlite3_file *f, int *ret)
{
	return of(f)->real->pMethods->xCheckReservedLock(of(f)->real, ret);
}

static int
fv_control(sqlite3_file *f, int op, void *arg)
{
	return of(f)->real->pMethods->xFileControl(of(f)->real, op, arg);
}

static int
fv_sector(sqlite3_file *f)
{
	return of(f)->real->pMethods->xSectorSize(of(f)->real);
}

static int
fv_device(sqlite3_file *f)
{
	return of(f)->real->pMethods->xDeviceCharacteristics(of(f)->real);
}

static int
fv_shm_map(sqlite3_file *f, int region, int size, int extend, void volatile **ret)
{
	return of(f)->real->pMethods->xShmMap(of(f)->real, region, size, extend, ret);
}

static int
fv_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return of(f)->real->pMethods->xShmLock(of(f)->real, offset, n, flags);
}

static void
fv_shm_barrier(sqlite3_file *f)
{
	of(f)->real->pMethods->xShmBarrier(of(f)->real);
}

static int
fv_shm_unmap(sqlite3_file *f, int drop)
{
	return of(f)->real->pMethods->xShmUnmap(of(f)->real, drop);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2, /* no mmap: everything is seen */
	.xClose = fv_close,
	.xRead = fv_read,
	.xWrite = fv_write,
	.xTruncate = fv_truncate,
	.xSync = fv_sync,
	.xFileSize = fv_size,
	.xLock = fv_lock,
	.xUnlock = fv_unlock,
	.xCheckReservedLock = fv_reserved,
	.xFileControl = fv_control,
	.xSectorSize = fv_sector,
	.xDeviceCharacteristics = fv_device,
	.xShmMap = fv_shm_map,
	.xShmLock = fv_shm_lock,
	.xShmBarrier = fv_shm_barrier,
	.xShmUnmap = fv_shm_unmap,
};

/* --- the VFS --- */

static enum fv_file
kind_of(const char *name, int flags)
{
	if (name == NULL)
		return FV_OTHER;
	if ((flags & SQLITE_OPEN_WAL) != 0)
		return FV_WAL;
	if ((flags & SQLITE_OPEN_MAIN_DB) != 0)
		return FV_DB;
	return text_ends(name, "/head") ? FV_HEAD : FV_OTHER;
}

static int
fv_open(sqlite3_vfs *v, sqlite3_filename name, sqlite3_file *f, int flags, int *ret_flags)
{
	struct handle *h = of(f);
	int code;

	(void)v;
	memset(h, 0, sizeof *h);
	h->file = kind_of(name, flags);
	h->real = (sqlite3_file *)(void *)(h + 1);
	code = before(FV_OPEN, h->file, NULL, NULL, 0, 0);
	if (code == SQLITE_OK)
		code = fv.real->xOpen(fv.real, name, h->real, flags, ret_flags);
	if (code != SQLITE_OK)
		return code;
	h->base.pMethods = &methods;
	(void)pthread_mutex_lock(&fv.mutex);
	h->next = fv.open;
	fv.open = h;
	(void)pthread_mutex_unlock(&fv.mutex);
	return after(SQLITE_OK, FV_OPEN, h->file);
}

static int
fv_delete(sqlite3_vfs *v, const char *name, int sync_dir)
{
	int code = before(FV_DELETE, kind_of(name, 0), NULL, NULL, 0, 0);

	(void)v;
	return code != SQLITE_OK ? code
				 : after(fv.real->xDelete(fv.real, name, sync_dir), FV_DELETE,
					   kind_of(name, 0));
}

void
faultvfs_install(void)
{
	fv.real = sqlite3_vfs_find(NULL);
	fv.vfs = *fv.real;
	fv.vfs.zName = "fault";
	fv.vfs.szOsFile = (int)sizeof(struct handle) + fv.real->szOsFile;
	fv.vfs.xOpen = fv_open;
	fv.vfs.xDelete = fv_delete;
	if (sqlite3_vfs_register(&fv.vfs, 1) != SQLITE_OK)
		abort();
}

void
faultvfs_plan(const struct fv_plan *p)
{
	const struct fv_plan none = { 0 };

	(void)pthread_mutex_lock(&fv.mutex);
	fv.plan = p != NULL ? *p : none;
	fv.count = 0;
	fv.struck = false;
	fv.draw = fv.plan.seed;
	(void)pthread_mutex_unlock(&fv.mutex);
}

void
faultvfs_lie(bool lies)
{
	fv.lies = lies;
}

void
faultvfs_volatile(void)
{
	fv.remembers = true;
}

void
faultvfs_power_off(unsigned seed)
{
	(void)pthread_mutex_lock(&fv.mutex);
	fv.draw = seed;
	undo_some();
}

int
faultvfs_count(void)
{
	int n;

	(void)pthread_mutex_lock(&fv.mutex);
	n = fv.count;
	(void)pthread_mutex_unlock(&fv.mutex);
	return n;
}

bool
faultvfs_struck(void)
{
	bool struck;

	(void)pthread_mutex_lock(&fv.mutex);
	struck = fv.struck;
	(void)pthread_mutex_unlock(&fv.mutex);
	return struck;
}

void
faultvfs_watch(fv_watch_fn *fn, void *ctx)
{
	fv.watch_ctx = ctx;
	fv.watch = fn;
}
