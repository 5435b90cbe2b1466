/* backup.h - a copy of the journal that is sound by itself: database and head file, verified before
 * it counts. */
#ifndef FERRYMAN_STATE_BACKUP_H
#define FERRYMAN_STATE_BACKUP_H

#include "base/err.h"

#include <sqlite3.h>

/*
 * backup_make - copy what the connection's open read transaction sees. to_dir is created, or is
 * empty. The head file is written last and marked as a copy's; without it nobody opens the folder.
 * On failure what was made is removed.
 */
enum rc backup_make(sqlite3 *from, const char *to_dir, struct err *err);

#endif
