/* commanding.h - what command.c and eject.c share. Inside these two only. */
#ifndef FERRYMAN_CORE_COMMANDING_H
#define FERRYMAN_CORE_COMMANDING_H

#include "core/engine.h"

enum { EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_GUARD, EXIT_BLOCKED, EXIT_PENDING };

/* A COMMAND record; run may be NULL. */
void command_record(
	struct core *c, const struct command *m, const char *run, int exit, const char *text);
/* A no: in the journal, and to whoever asked. d = its reasons, or NULL. True: it has had its last
 * answer. */
bool command_refuse(struct core *c, const struct command *m, int exit, const char *error,
	const struct decision *d);
bool command_refuse_decided(
	struct core *c, const struct command *m, int exit, const struct decision *d);
/* What rights, table and guards say of it for one machine. */
void command_decided(struct core *c, const struct command *m, struct book *b, enum flow f,
	bool matches, struct decision *d, int *exit);
/* The first answer of a command that has become a run; the last one comes with its end. */
void command_started(struct core *c, const struct command *m, const char *run, const char *hash);
bool command_same_plan(const struct command *m, const struct plan *p);
bool command_answer_plan(struct core *c, const struct command *m, const struct plan *p);

/* A BRAKE record: off for `resume`, else on; eject: ferryman is taken out with it, and it has no
 * end of its own. */
void command_brake(struct core *c, const struct command *m, const struct book *b,
	const char *reason, bool eject);

/* eject.c: `eject`, or `plan` of it. True when it has had its last answer, or is a run's now. */
bool eject(struct core *c, struct command *m, struct book *b);

#endif
