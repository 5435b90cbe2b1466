/*
 * shell.h - the imperative half: one libuv loop that feeds the core with events and carries out its
 * actions.
 *
 * Everything with an effect goes through here: probes and effects to connectors, records to the
 * store, replies to the control socket. One shell is one ferryman; the daemon (`watch`) and a
 * foreground verb are the same code, the latter with one_shot set.
 */
#ifndef FERRYMAN_SHELL_SHELL_H
#define FERRYMAN_SHELL_SHELL_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct shell_opts {
	const char *state_dir;
	const char *control_path; /* Unix socket; served by whoever holds the store's lock */
	const char
		*credentials; /* folder of {file: ...} secrets; NULL = the playbook's own folder */
	const char *const *playbooks; /* files */
	size_t playbooks_n;
	const char *durations; /* overlay file, NULL = none */
	bool one_shot;	    /* serve the first command's run, start nothing by oneself, then end */
	bool new_era;	    /* after a restore, by an operator's word */
	const char *holder; /* for whoever finds the store locked */
	int ready_fd;	    /* a byte is written here once commands are served; -1 = none */
};

/* Exit codes, DESIGN section 9. */
enum {
	EXIT_OK_ = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_GUARD = 3,
	EXIT_BLOCKED = 4,
	EXIT_PENDING = 5
};

/*
 * shell_run - until ACT_HALT or a Unix signal. Returns the exit code; err says why when it is not
 * 0. RC_FULL with EXIT_BLOCKED: the disk filled up, the journal is closed and unlocked; a daemon
 * runs again when store_room finds room, and recovers then as after any other end.
 */
int shell_run(const struct shell_opts *opts, struct err *err);

#endif
