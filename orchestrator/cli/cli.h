/*
 * cli.h - what every verb shares: one row per verb (name, arguments, options, words), parsed
 * options, how errors are said. The rows feed the dispatch, --help and the man page alike.
 */
#ifndef FERRYMAN_CLI_CLI_H
#define FERRYMAN_CLI_CLI_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * DESIGN section 9: number, word, and when (help and man page print it; docs/operations.md tells it
 * at length). 2 is for what was typed: the line itself, or a file or a run that it names.
 */
#define CLI_EXITS(X)                                                                               \
	X(CLI_DONE, 0, "done", "for status: a ferryman serves, and has answered")                  \
	X(CLI_FAILED, 1, "failed", "what was needed is not there or cannot be read or reached")    \
	X(CLI_USAGE, 2, "usage or invalid playbook",                                               \
		"what was typed, or a file or a run that it names")                                \
	X(CLI_GUARD, 3, "refused by a guard", "on purpose; nothing was done")                      \
	X(CLI_BLOCKED, 4, "blocked and needs a person",                                            \
		"a run that stands still, a damaged "                                              \
		"journal")                                                                         \
	X(CLI_PENDING, 5, "pending approval", "or left alone while it goes on")

enum cli_exit {
#define CLI_EXIT_ENUM(name, number, word, when) name = (number),
	CLI_EXITS(CLI_EXIT_ENUM)
#undef CLI_EXIT_ENUM
};

struct cli;

/* One option. arg NULL = a flag. Hidden ones (doc NULL) are for ferryman itself. */
struct cli_opt {
	const char *name; /* without the dashes */
	const char *arg;
	const char *doc;
};

/* One verb. A row without run is known to the design and not built yet: refused as such. */
struct cli_verb {
	const char *name;
	const char *args;	/* "PLAYBOOK [PROCEDURE]" */
	int min_args, max_args; /* max -1: any number */
	const char *summary;	/* one line */
	const char *text;	/* paragraphs for --help and the man page */
	const struct cli_opt
		*opts; /* NULL-name-ended, its own; the common ones are taken everywhere */
	int (*run)(struct cli *); /* returns an exit code */
};

/* Each cmd_*.c exports its rows here (verbs.c lists them). */
extern const struct cli_verb verb_check, verb_setup, verb_plan, verb_drill, verb_cutover,
	verb_failback, verb_abort, verb_approve, verb_deny, verb_pause, verb_resume, verb_ack,
	verb_eject, verb_watch, verb_status, verb_history, verb_report, verb_audit, verb_backup,
	verb_machine, verb_docs, verb_replay, verb_simulate;

const struct cli_verb *const *verbs_all(void); /* NULL-ended, in the order of the manual */
extern const struct cli_opt cli_common[];

/* cli_main - dispatch; the process's exit code. */
int cli_main(int argc, char **argv);

/* --- for verbs --- */
const char *cli_opt(
	const struct cli *c, const char *name); /* last value given, "" for a flag, NULL = absent */
size_t cli_opt_all(
	const struct cli *c, const char *name, const char **ret, size_t max); /* each value given */
const char *cli_arg(const struct cli *c, int i); /* NULL past the end */
int cli_args(const struct cli *c);
const char *cli_name(const struct cli *c); /* of the verb */
bool cli_json(const struct cli *c);
bool cli_colour(const struct cli
		*c); /* standard output is a terminal, TERM is not dumb, NO_COLOR is not set */

/* cli_fail - "ferryman VERB: <sentence>" on stderr, with --json also {"verb","exit","error"} on
 * stdout; returns exit. */
int cli_fail(const struct cli *c, int exit, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/*
 * cli_fail_err - exit code by rc: RC_INVALID 2; RC_BUSY (the lock) and RC_DENIED (rights) 3;
 * RC_CORRUPT and RC_UNSUPPORTED (the journal) 4; others 1. Whoever names a file on the command line
 * says CLI_USAGE by itself.
 */
int cli_fail_err(const struct cli *c, const struct err *err);

const char *cli_state_dir(const struct cli *c);
char *cli_control_path(const struct cli *c); /* malloc'd */
char *cli_playbook_path(const char *arg);    /* a path, or a name in /etc/ferryman; malloc'd */

struct playbook;
/*
 * cli_playbook - load and check the file of an argument. On NULL the findings have been printed and
 * *ret_exit is the exit code. Warnings go to stderr unless quiet.
 */
struct playbook *cli_playbook(struct cli *c, const char *arg, bool quiet, int *ret_exit);

/* help.c: text for a person; man page source (mdoc). */
void help_all(struct buf *b);
void help_verb(struct buf *b, const struct cli_verb *v);
void help_man(struct buf *b);

#endif
