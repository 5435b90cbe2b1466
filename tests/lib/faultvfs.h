/*
 * faultvfs.h - a SQLite VFS in front of the real one, for tests: counts what is written and synced,
 * and lets the n-th such operation fail, be torn, or be the last thing that this process or this
 * machine does.
 *
 * The head file goes through the same VFS, so database, write-ahead log and head are seen as one
 * sequence.
 */
#ifndef FERRYMAN_TESTS_FAULTVFS_H
#define FERRYMAN_TESTS_FAULTVFS_H

#include <stdbool.h>

enum fv_op {
	FV_WRITE,
	FV_SYNC,
	FV_TRUNCATE,
	FV_OPEN,
	FV_DELETE,
	FV_CHANGES, /* those above change the disk: they are what no bits at all stand for */
	FV_READ = FV_CHANGES,
	FV_SIZE,
	FV_LOCK, /* of the file */
	FV_SHM,	 /* mapping and locks of the log's index */
	FV_OP_N,
};
enum fv_file { FV_DB, FV_WAL, FV_HEAD, FV_OTHER };

enum fv_fault {
	FV_ERROR,    /* input/output error */
	FV_FULL,     /* no space left */
	FV_KILL,     /* SIGKILL before it */
	FV_TORN,     /* half of a write takes place, then SIGKILL */
	FV_POWER,    /* a drawn subset of what is not synced is undone, then SIGKILL */
	FV_POWER_IN, /* as FV_POWER, in the middle of a write: it is one of those that are not
			synced */
	FV_DEAD, /* as FV_KILL or (drawn) FV_TORN, but this process lives on: nothing that it does
		    from then on reaches the disk; every later operation fails */
};

struct fv_plan {
	int at;		/* the n-th operation that counts, from 1; 0 = none */
	unsigned ops;	/* bits 1 << enum fv_op that count; 0 = all that change the disk */
	unsigned files; /* bits 1 << enum fv_file; 0 = all */
	enum fv_fault fault;
	bool for_ever; /* FV_ERROR, FV_FULL: all later ones too */
	int code; /* FV_ERROR: what SQLite is answered; 0 = the input/output error of that op */
	unsigned seed; /* FV_POWER, FV_POWER_IN, FV_DEAD */
};

/* faultvfs_install - make it the default; once, before anything is opened. */
void faultvfs_install(void);
void faultvfs_plan(const struct fv_plan *p); /* counts from 0 again; NULL = none */
int faultvfs_count(void);		     /* operations that counted since */
bool faultvfs_struck(void);		     /* the fault has taken place */

/*
 * faultvfs_remember - keep, also after a file was closed, what was written to it and not synced
 * since; seed: what SQLite asks for as random bytes depends on it alone. What a failed sync was to
 * write stays lost until it is written anew (as Linux does it).
 * faultvfs_power - with all files closed, or when this process dies next: of what was not synced a
 * drawn part is there, each write as a whole, in pieces of a sector or not at all, and a later one
 * may be there without an earlier one. Returns how many writes had something lost. faultvfs_forget
 * - nothing is remembered any more, from now on.
 */
void faultvfs_remember(unsigned seed);
int faultvfs_power(unsigned seed);
void faultvfs_forget(void);
void faultvfs_lie(bool lies); /* a sync makes nothing durable any more, and says it did */

/* faultvfs_hurry - whoever waits for a lock waits no time at all. faultvfs_remote - files opened
 * from now on are on a disk that has no memory to share, as those of other machines. */
void faultvfs_hurry(bool hurries);
void faultvfs_remote(bool remote);

/* faultvfs_watch - called after each operation that succeeded, on the thread that did it; NULL =
 * nobody. */
typedef void fv_watch_fn(void *ctx, enum fv_op op, enum fv_file file);
void faultvfs_watch(fv_watch_fn *fn, void *ctx);

#endif
