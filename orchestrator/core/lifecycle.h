/*
 * lifecycle.h - the total table: state x event, first matching row wins, each row public and numbered.
 * Rows are in lifecycle.def. Pure: lifecycle_next returns a row; who applies it journals it first.
 */
#ifndef FERRYMAN_CORE_LIFECYCLE_H
#define FERRYMAN_CORE_LIFECYCLE_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

#define LIFE_STATES(X)                                                                             \
	X(SETTLING, "settling") X(NORMAL, "normal") X(SUSPECT, "suspect")                          \
	X(AWAITING, "awaiting-approval") X(CUTTING, "cutting-over") X(ON_BACKUP, "on-backup")      \
	X(RECOVERING, "recovering") X(FAILING_BACK, "failing-back") X(ROLLING, "rolling-back")     \
	X(BLOCKED, "blocked")
enum life_state {
#define LIFE_ENUM(n, t) LS_##n,
	LIFE_STATES(LIFE_ENUM)
#undef LIFE_ENUM
	LS_N
};

/* Events. "Operator commands are events of the same table." */
#define LIFE_EVENTS(X)                                                                             \
	X(SETTLED_PRIMARY, "targets-on-primary") X(SETTLED_BACKUP, "targets-on-backup")            \
	X(SETTLED_MIXED, "targets-mixed") X(FOUND_RUN, "open-run-found")                           \
	X(HARM, "diagnosis-met") X(CONFIRMED, "diagnosis-confirmed") X(CLEARED, "diagnosis-cleared") \
	X(APPROVED, "approved") X(DENIED, "denied") X(PROCEED, "time-over-proceed")                \
	X(STAND_DOWN, "time-over-stand-down")                                                      \
	X(RUN_DONE, "run-done") X(RUN_UNDONE, "run-rolled-back") X(RUN_BLOCKED, "run-blocked")     \
	X(RUN_UNDOING, "run-rolling-back")                                                         \
	X(PRIMARY_OK, "primary-healthy") X(PRIMARY_BAD, "primary-bad") X(SOAKED, "soaked")         \
	X(BACKUP_UNFIT, "backup-unfit")                                                            \
	X(CMD_CUTOVER, "cutover") X(CMD_FAILBACK, "failback") X(CMD_ABORT, "abort")                \
	X(CMD_CONTINUE, "continue") X(CMD_APPROVE, "approve") X(CMD_DENY, "deny")                  \
	X(CMD_PAUSE, "pause") X(CMD_RESUME, "resume") X(CMD_ACK, "ack") X(CMD_EJECT, "eject")
enum life_event {
#define LIFE_ENUM(n, t) LE_##n,
	LIFE_EVENTS(LIFE_ENUM)
#undef LIFE_ENUM
	LE_N
};

/* Orthogonal flags: a cell is (state, event, flags). */
enum { LF_PAUSED = 1, LF_BLIND = 2, LF_COMBINATIONS = 4 };

enum life_do {
	LD_STAY,     /* nothing but the journal row */
	LD_REFUSE,   /* a command or event that may not act here; why says so, exit 3 */
	LD_SHELTER,  /* start the shelter of the response */
	LD_UNSHELTER,/* end the shelter: back to normal */
	LD_ASK,      /* plan, notify, wait for approval */
	LD_CUTOVER,  /* plan and start the cut-over */
	LD_FAILBACK, /* plan and start the failback */
	LD_ABORT,    /* turn the run round */
	LD_CONTINUE, /* go on with an orphaned or blocked run */
	LD_ALARM,    /* tell people */
	LD_N
};

struct life_row {
	int id;                /* public, stable, numbered by twos, hundreds by state */
	enum life_state from;
	enum life_event event;
	unsigned flags_mask, flags_want; /* matches when (flags & mask) == want */
	enum life_state to;
	enum life_do act;
	const char *why;       /* shown to the operator */
};

const char *life_state_name(enum life_state s);
enum life_state life_state_parse(const char *s); /* LS_N */
const char *life_event_name(enum life_event e);
const char *life_do_name(enum life_do d);

/* lifecycle_next - never NULL in a build that passed lifecycle_selfcheck. */
const struct life_row *lifecycle_next(enum life_state s, enum life_event e, unsigned flags);
const struct life_row *lifecycle_row(int id); /* NULL if none */

/* lifecycle_selfcheck - total, reachable, no trap, no shadowed row, every why filled. Run at each start. */
enum rc lifecycle_selfcheck(struct err *err);

/* For `ferryman machine`: Graphviz text; "S x E x flags = N cells: T transitions, R refusals, 0 empty". */
void lifecycle_dot(struct buf *b);
void lifecycle_cells(struct buf *b, bool json, int *ret_empty);

#endif
