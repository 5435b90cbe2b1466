/*
 * journal.h - the journal as verbs read it that need no engine: opened without the lock, never
 * written. Playbooks come from the texts that are kept in it, so what is told of a run is told with
 * the playbook that it ran with.
 */
#ifndef FERRYMAN_CLI_JOURNAL_H
#define FERRYMAN_CLI_JOURNAL_H

#include "base/err.h"
#include "cli/cli.h"
#include "config/playbook.h"
#include "state/store.h"

struct journal {
	struct store *store;
	struct store_head head;
};

/* journal_open - RC_NOTFOUND with a sentence when there is none. Close with journal_close, also
 * after an error. */
enum rc journal_open(struct journal *ret, const struct cli *c, struct err *err);
void journal_close(struct journal *j);

/* journal_playbook - the playbook with that hash, a reference for the caller; NULL when it is not
 * kept or cannot be read. */
struct playbook *journal_playbook(void *journal, const char *sha256);

#endif
