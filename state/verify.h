/* verify.h - the whole chain of a database, held against its meta row. What opening, backup and
 * audit do alike. */
#ifndef FERRYMAN_STATE_VERIFY_H
#define FERRYMAN_STATE_VERIFY_H

#include "state/database.h"

/* verify_chain - RC_CORRUPT names the first record that is wrong. ret may be NULL; else it is set
 * in either case. */
enum rc verify_chain(sqlite3 *db, const struct head *meta, struct chain *ret, struct err *err);

/* verify_end - the chain's end against a head (the meta row, a slot of the head file); notes a
 * fault in c. */
void verify_end(struct chain *c, const struct head *head, const char *whose);

#endif
