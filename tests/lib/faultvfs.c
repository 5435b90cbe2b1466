/* faultvfs.c - the VFS in front, and the memory of what is not synced yet. */
#include "lib/faultvfs.h"

#include "base/text.h"

#include <sqlite3.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ALL_OPS ((1u << FV_CHANGES) - 1)

enum { NAMES_MAX = 600, SECTOR = 512, PAGE = 4096 };

/* A write, or a change of size, that no sync has made durable yet; oldest first. */
struct pending {
	struct pending *next;
	sqlite3_int64 at, size;	  /* where; how long the file was before it */
	int n;			  /* of both texts; 0 and `cut`: shortened to `at` */
	bool cut, stuck, durable; /* stuck: a sync that was to write it has failed */
	char *old, *new;
};

/* A file by its name: what is not synced does not go with a handle. */
struct image {
	struct image *next;
	char name[NAMES_MAX];
	struct pending *first, **end;
};

struct handle {
	sqlite3_file base;
	enum fv_file file;
	struct image *image;
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
	struct image *images;
	bool remembers, dead, lies, hurries, remote;
	unsigned draw, chance;
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

/* --- what is not synced --- */

static void
pending_free(struct pending *p)
{
	free(p->old);
	free(p->new);
	free(p);
}

static void
image_clear(struct image *i)
{
	while (i->first != NULL) {
		struct pending *p = i->first;

		i->first = p->next;
		pending_free(p);
	}
	i->end = &i->first;
}

static struct image *
image_of(const char *name)
{
	struct image *i = fv.images;

	while (i != NULL && !text_eq(i->name, name))
		i = i->next;
	if (i != NULL)
		return i;
	i = calloc(1, sizeof *i);
	if (i == NULL || strlen(name) >= sizeof i->name)
		abort();
	memcpy(i->name, name, strlen(name));
	i->end = &i->first;
	i->next = fv.images;
	return fv.images = i;
}

static char *
kept(const void *p, int n)
{
	char *copy = malloc((size_t)n + 1);

	if (copy == NULL)
		abort();
	if (p != NULL)
		memcpy(copy, p, (size_t)n);
	return copy;
}

/* p NULL: it is cut to `at`. */
static void
remember(struct handle *h, const void *p, int n, sqlite3_int64 at)
{
	struct pending *x = calloc(1, sizeof *x);

	if (x == NULL || h->real->pMethods->xFileSize(h->real, &x->size) != SQLITE_OK)
		abort();
	x->at = at;
	x->cut = p == NULL;
	x->n = !x->cut ? n : x->size > at ? (int)(x->size - at) : 0;
	x->old = kept(NULL, x->n);
	(void)h->real->pMethods->xRead(h->real, x->old, x->n, at); /* zeros past the end */
	x->new = kept(p, x->cut ? 0 : n);
	*h->image->end = x;
	h->image->end = &x->next;
}

/* Whoever writes into a page, or cuts it off, takes the place of what was lost there. */
static bool
replaced(const struct pending *lost)
{
	for (const struct pending *p = lost->next; p != NULL; p = p->next) {
		bool meets = p->at / PAGE <= (lost->at + lost->n - 1) / PAGE &&
			     (p->cut || (p->at + p->n - 1) / PAGE >= lost->at / PAGE);

		if (!p->stuck && meets)
			return true;
	}
	return false;
}

/* What was synced is durable; what a failed sync left behind lies over it no more. */
static void
settle(struct image *i, const struct pending *p)
{
	for (struct pending *x = i->first; x != p; x = x->next) {
		if (p->cut && x->size > p->at)
			x->size = p->at;
		if (!p->cut && x->size < p->at + p->n)
			x->size = p->at + p->n;
	}
}

static void
synced(struct image *i, bool failed)
{
	struct pending **at = &i->first;

	for (struct pending *p = i->first; p != NULL; p = p->next)
		p->durable = !failed && (!p->stuck || replaced(p));
	for (struct pending *p = i->first; failed && p != NULL; p = p->next)
		p->stuck = true;
	while (*at != NULL) {
		struct pending *p = *at;

		if (!p->durable) {
			at = &p->next;
			continue;
		}
		settle(i, p);
		*at = p->next;
		pending_free(p);
	}
	i->end = at;
}

static void
put(int fd, const char *p, size_t n, off_t at)
{
	if (n > 0 && pwrite(fd, p, n, at) != (ssize_t)n)
		abort();
}

/* Back to what was synced last, newest first. */
static void
undo(int fd, const struct pending *p)
{
	if (p == NULL)
		return;
	undo(fd, p->next);
	put(fd, p->old, (size_t)p->n, (off_t)p->at);
	if (ftruncate(fd, (off_t)p->size) != 0)
		abort();
}

/* And of each write all, some sectors or nothing. */
static bool
survives(int fd, const struct pending *p)
{
	unsigned fate = p->stuck ? 0 : draw() % 4;
	bool whole = true;

	if (fate == 0)
		return false;
	if (p->cut)
		return fate > 1 && ftruncate(fd, (off_t)p->at) == 0;
	for (int from = 0; from < p->n; from += SECTOR) {
		int n = p->n - from < SECTOR ? p->n - from : SECTOR;

		if (fate == 1 && draw() % 2 == 0)
			whole = false;
		else
			put(fd, p->new + from, (size_t)n, (off_t)p->at + from);
	}
	return whole;
}

static int
lose(struct image *i)
{
	int fd = i->first != NULL ? open(i->name, O_RDWR | O_CLOEXEC) : -1, lost = 0;

	if (fd >= 0) {
		undo(fd, i->first);
		for (const struct pending *p = i->first; p != NULL; p = p->next)
			lost += !survives(fd, p);
		(void)close(fd);
	}
	image_clear(i);
	return lost;
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
	if (fv.dead)
		return SQLITE_IOERR;
	if (fv.plan.at == 0 || fv.count < fv.plan.at ||
		(fv.count > fv.plan.at && !fv.plan.for_ever))
		return SQLITE_OK;
	fv.struck = true;
	switch (fv.plan.fault) {
	case FV_ERROR:
		if (fv.plan.code != 0)
			return fv.plan.code;
		return op == FV_SYNC	 ? SQLITE_IOERR_FSYNC
		       : op == FV_READ	 ? SQLITE_IOERR_READ
		       : op == FV_SIZE	 ? SQLITE_IOERR_FSTAT
		       : op == FV_LOCK	 ? SQLITE_IOERR_LOCK
		       : op == FV_SHM	 ? SQLITE_IOERR_SHMMAP
		       : op == FV_OPEN	 ? SQLITE_CANTOPEN
		       : op == FV_DELETE ? SQLITE_IOERR_DELETE
					 : SQLITE_IOERR_WRITE;
	case FV_FULL:
		return SQLITE_FULL;
	case FV_TORN:
		if (op == FV_WRITE && h != NULL && n > 1)
			(void)h->real->pMethods->xWrite(h->real, p, n / 2, at);
		die();
		break;
	case FV_POWER_IN:
		if (op == FV_WRITE && h != NULL && h->image != NULL)
			remember(h, p, n, at);
		__attribute__((fallthrough));
	case FV_POWER:
		for (struct image *i = fv.images; i != NULL; i = i->next)
			(void)lose(i);
		die();
		break;
	case FV_DEAD:
		fv.dead = true;
		if (op == FV_WRITE && h != NULL && n > 1 && draw() % 2 == 0) {
			if (h->image != NULL)
				remember(h, p, n / 2, at);
			(void)h->real->pMethods->xWrite(h->real, p, n / 2, at);
		}
		return SQLITE_IOERR;
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

static int
fv_close(sqlite3_file *f)
{
	return of(f)->real->pMethods->xClose(of(f)->real);
}

static int
fv_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	int code = before(FV_READ, of(f)->file, NULL, NULL, 0, 0);

	return code != SQLITE_OK ? code : of(f)->real->pMethods->xRead(of(f)->real, p, n, at);
}

static void
keep_in_mind(struct handle *h, const void *p, int n, sqlite3_int64 at)
{
	(void)pthread_mutex_lock(&fv.mutex);
	if (h->image != NULL)
		remember(h, p, n, at);
	(void)pthread_mutex_unlock(&fv.mutex);
}

static int
fv_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	struct handle *h = of(f);
	int code = before(FV_WRITE, h->file, h, p, n, at);

	if (code != SQLITE_OK)
		return code;
	keep_in_mind(h, p, n, at);
	return after(h->real->pMethods->xWrite(h->real, p, n, at), FV_WRITE, h->file);
}

static int
fv_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	struct handle *h = of(f);
	int code = before(FV_TRUNCATE, h->file, h, NULL, 0, 0);

	if (code != SQLITE_OK)
		return code;
	keep_in_mind(h, NULL, 0, size);
	return after(h->real->pMethods->xTruncate(h->real, size), FV_TRUNCATE, h->file);
}

static int
fv_sync(sqlite3_file *f, int flags)
{
	struct handle *h = of(f);
	int code = before(FV_SYNC, h->file, h, NULL, 0, 0);

	(void)pthread_mutex_lock(&fv.mutex);
	if (h->image != NULL && !fv.dead && !fv.lies)
		synced(h->image, code != SQLITE_OK);
	(void)pthread_mutex_unlock(&fv.mutex);
	if (code != SQLITE_OK)
		return code;
	return after(h->real->pMethods->xSync(h->real, flags), FV_SYNC, h->file);
}

static int
fv_size(sqlite3_file *f, sqlite3_int64 *ret)
{
	int code = before(FV_SIZE, of(f)->file, NULL, NULL, 0, 0);

	return code != SQLITE_OK ? code : of(f)->real->pMethods->xFileSize(of(f)->real, ret);
}

static int
fv_lock(sqlite3_file *f, int level)
{
	int code = before(FV_LOCK, of(f)->file, NULL, NULL, 0, 0);

	return code != SQLITE_OK ? code : of(f)->real->pMethods->xLock(of(f)->real, level);
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
	int code = before(FV_SHM, of(f)->file, NULL, NULL, 0, 0);

	return code != SQLITE_OK
		       ? code
		       : of(f)->real->pMethods->xShmMap(of(f)->real, region, size, extend, ret);
}

static int
fv_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	int code = (flags & SQLITE_SHM_LOCK) != 0 ? before(FV_SHM, of(f)->file, NULL, NULL, 0, 0)
						  : SQLITE_OK;

	return code != SQLITE_OK ? code
				 : of(f)->real->pMethods->xShmLock(of(f)->real, offset, n, flags);
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

/* Version 2 has no mmap, so everything is seen; version 1 has no shared memory either. */
#define FILE_METHODS                                                                               \
	.xClose = fv_close, .xRead = fv_read, .xWrite = fv_write, .xTruncate = fv_truncate,        \
	.xSync = fv_sync, .xFileSize = fv_size, .xLock = fv_lock, .xUnlock = fv_unlock,            \
	.xCheckReservedLock = fv_reserved, .xFileControl = fv_control, .xSectorSize = fv_sector,   \
	.xDeviceCharacteristics = fv_device
static const sqlite3_io_methods remote_methods = { .iVersion = 1, FILE_METHODS };
static const sqlite3_io_methods local_methods = {
	.iVersion = 2,
	FILE_METHODS,
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
	h->base.pMethods = fv.remote ? &remote_methods : &local_methods;
	(void)pthread_mutex_lock(&fv.mutex);
	if (name != NULL && (fv.remembers || (fv.plan.fault == FV_POWER && fv.plan.at > 0)))
		h->image = image_of(name);
	(void)pthread_mutex_unlock(&fv.mutex);
	return after(SQLITE_OK, FV_OPEN, h->file);
}

static int
fv_delete(sqlite3_vfs *v, const char *name, int sync_dir)
{
	int code = before(FV_DELETE, kind_of(name, 0), NULL, NULL, 0, 0);

	(void)v;
	(void)pthread_mutex_lock(&fv.mutex);
	if (code == SQLITE_OK && fv.remembers)
		image_clear(image_of(name));
	(void)pthread_mutex_unlock(&fv.mutex);
	return code != SQLITE_OK ? code
				 : after(fv.real->xDelete(fv.real, name, sync_dir), FV_DELETE,
					   kind_of(name, 0));
}

/* The salts of the log come from here: with these the same seed writes the same bytes. */
static int
fv_randomness(sqlite3_vfs *v, int n, char *out)
{
	(void)v;
	if (!fv.remembers)
		return fv.real->xRandomness(fv.real, n, out);
	for (int i = 0; i < n; i++) {
		fv.chance = fv.chance * 1664525u + 1013904223u;
		out[i] = (char)(fv.chance >> 24);
	}
	return n;
}

static int
fv_sleep(sqlite3_vfs *v, int us)
{
	(void)v;
	return fv.hurries ? us : fv.real->xSleep(fv.real, us);
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
	fv.vfs.xRandomness = fv_randomness;
	fv.vfs.xSleep = fv_sleep;
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
	fv.struck = fv.dead = false;
	fv.draw = fv.plan.seed;
	(void)pthread_mutex_unlock(&fv.mutex);
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
faultvfs_remember(unsigned seed)
{
	faultvfs_forget();
	fv.remembers = true;
	fv.chance = seed;
	sqlite3_randomness(0, NULL);
}

int
faultvfs_power(unsigned seed)
{
	int lost = 0;

	fv.draw = seed;
	for (struct image *i = fv.images; i != NULL; i = i->next)
		lost += lose(i);
	return lost;
}

void
faultvfs_forget(void)
{
	fv.remembers = false;
	while (fv.images != NULL) {
		struct image *i = fv.images;

		fv.images = i->next;
		image_clear(i);
		free(i);
	}
}

void
faultvfs_lie(bool lies)
{
	fv.lies = lies;
}

void
faultvfs_hurry(bool hurries)
{
	fv.hurries = hurries;
}

void
faultvfs_remote(bool remote)
{
	fv.remote = remote;
}

void
faultvfs_watch(fv_watch_fn *fn, void *ctx)
{
	fv.watch_ctx = ctx;
	fv.watch = fn;
}
