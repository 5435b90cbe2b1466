/*
 * place.h - the folder of the journal: names in it, who may see it, and the lock for life.
 *
 * The folder is 0700, files 0600; what root creates in another user's folder belongs to that user.
 */
#ifndef FERRYMAN_STATE_PLACE_H
#define FERRYMAN_STATE_PLACE_H

#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

#define PLACE_DB "journal.db"
#define PLACE_HEAD "head"
#define PLACE_LOCK "lock"

enum { PLACE_MAX = 4096 };

/* place_path - dir/name; place_make refuses a folder whose paths would not fit. */
void place_path(char out[static PLACE_MAX], const char *dir, const char *name);

/* place_make - the folder, 0700 and durable, if it is absent; RC_DENIED when it is there and open
 * to others. */
enum rc place_make(const char *dir, struct err *err);
/* place_room - RC_FULL when there is less room on the disk than an actor needs to begin. */
enum rc place_room(const char *dir, struct err *err);
/* place_file - an empty file of mode 0600, durable, if it is absent. place_sync - the folder's own
 * entries. */
enum rc place_file(const char *dir, const char *name, struct err *err);
enum rc place_sync(const char *dir, struct err *err);
/* place_reach - for whoever only reads: RC_NOTFOUND, or RC_DENIED when this user may not look into
 * it. */
enum rc place_reach(const char *dir, struct err *err);
/* place_size - bytes of the file, -1 when it is absent. */
long long place_size(const char *dir, const char *name);

/*
 * place_mark - which files lie there now: database, head, lock. place_holds - whether they still
 * do: a file that was deleted or replaced goes on taking writes that nobody will ever read.
 */
struct place_files {
	struct {
		dev_t dev;
		ino_t ino;
	} file[3];
};
enum rc place_mark(const char *dir, struct place_files *ret, struct err *err);
enum rc place_holds(const char *dir, const struct place_files *files, struct err *err);

/*
 * place_lock - flock on the lock file for as long as *ret_fd is open (close-on-exec); the kernel
 * frees it with the process. It holds two lines: the process id, and `holder`. RC_BUSY names what
 * stands there.
 */
enum rc place_lock(int *ret_fd, const char *dir, const char *holder, struct err *err);
void place_unlock(int *fd);
/* place_free - whether nobody holds it. */
bool place_free(const char *dir);

#endif
