/*
 * lifecycle.h - the total table: state x event, first matching row wins, each row public and
 * numbered. Rows are in lifecycle.def. Pure: lifecycle_next returns a row; who applies it journals
 * it first.
 */
#ifndef FERRYMAN_CORE_LIFECYCLE_H
#define FERRYMAN_CORE_LIFECYCLE_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

/* States, one a line; the formatter would draw them together. */
/* clang-format off */
#define LIFE_STATES(X) \
	X(SETTLING, "settling") \
	X(NORMAL, "normal") \
	X(SUSPECT, "suspect") \
	X(AWAITING, "awaiting-approval") \
	X(CUTTING, "cutting-over") \
	X(ON_BACKUP, "on-backup") \
	X(RECOVERING, "recovering") \
	X(FAILING_BACK, "failing-back") \
	X(ROLLING, "rolling-back") \
	X(BLOCKED, "blocked")
/* clang-format on */
enum life_state {
#define LIFE_ENUM(n, t) LS_##n,
	LIFE_STATES(LIFE_ENUM)
#undef LIFE_ENUM
		LS_N
};

/*
 * Events. "Operator commands are events of the same table." What leads to different places is a
 * different event: a cut-over and a failback end differently (run-done, failback-done), asking and
 * acting are apart (diagnosis-confirmed, confirmed-automatic; soaked, soaked-automatic), and so is
 * harm with a shelter to start. One a line; the formatter would draw them together.
 */
/* clang-format off */
#define LIFE_EVENTS(X) \
	X(SETTLED_PRIMARY, "targets-on-primary") \
	X(SETTLED_BACKUP, "targets-on-backup") \
	X(SETTLED_MIXED, "targets-mixed") \
	X(FOUND_RUN, "open-run-found") \
	X(FOUND_BACK, "open-failback-found") \
	X(HARM, "diagnosis-met") \
	X(HARM_SHELTER, "shelter-due") \
	X(CONFIRMED, "diagnosis-confirmed") \
	X(CONFIRMED_AUTO, "confirmed-automatic") \
	X(CLEARED, "diagnosis-cleared") \
	X(APPROVED, "approved") \
	X(DENIED, "denied") \
	X(PROCEED, "time-over-proceed") \
	X(STAND_DOWN, "time-over-stand-down") \
	X(RUN_DONE, "run-done") \
	X(RUN_UNDONE, "run-rolled-back") \
	X(BACK_DONE, "failback-done") \
	X(BACK_UNDONE, "failback-rolled-back") \
	X(RUN_BLOCKED, "run-blocked") \
	X(RUN_UNDOING, "run-rolling-back") \
	X(PRIMARY_OK, "primary-healthy") \
	X(PRIMARY_BAD, "primary-bad") \
	X(SOAKED, "soaked") \
	X(SOAKED_AUTO, "soaked-automatic") \
	X(BACKUP_UNFIT, "backup-unfit") \
	X(SHELTER_OVER, "shelter-expired") \
	X(CMD_CUTOVER, "cutover") \
	X(CMD_FAILBACK, "failback") \
	X(CMD_ABORT, "abort") \
	X(CMD_CONTINUE, "continue") \
	X(CMD_APPROVE, "approve") \
	X(CMD_DENY, "deny") \
	X(CMD_PAUSE, "pause") \
	X(CMD_RESUME, "resume") \
	X(CMD_ACK, "ack") \
	X(CMD_EJECT, "eject")
/* clang-format on */
enum life_event {
#define LIFE_ENUM(n, t) LE_##n,
	LIFE_EVENTS(LIFE_ENUM)
#undef LIFE_ENUM
		LE_N
};

/* Orthogonal flags: a cell is (state, event, flags). */
enum { LF_PAUSED = 1, LF_BLIND = 2, LF_COMBINATIONS = 4 };

enum life_do {
	LD_STAY,      /* nothing but the journal row */
	LD_REFUSE,    /* a command or event that may not act here; why says so, exit 3 */
	LD_SHELTER,   /* start the shelter of the response */
	LD_UNSHELTER, /* end the shelter, if one stands by itself: back to normal */
	LD_ASK, /* plan (a cut-over in suspect, a failback in recovering), notify, wait for approval
		 */
	LD_CUTOVER,  /* plan and start the cut-over */
	LD_FAILBACK, /* plan and start the failback; from blocked: the blocked run is ended as
			failed first */
	LD_ABORT,    /* turn the run round */
	LD_CONTINUE, /* go on with an orphaned or blocked run */
	LD_ALARM,    /* tell people */
	LD_EJECT,    /* take ferryman out of the targets */
	LD_N
};

struct life_row {
	int id; /* public, stable, numbered by twos, hundreds by state */
	enum life_state from;
	enum life_event event;
	unsigned flags_mask, flags_want; /* matches when (flags & mask) == want */
	enum life_state to;
	enum life_do act;
	const char *why; /* shown to the operator */
};

const char *life_state_name(enum life_state s);
enum life_state life_state_parse(const char *s); /* LS_N */
const char *life_event_name(enum life_event e);
const char *life_do_name(enum life_do d);

/* lifecycle_next - never NULL in a build that passed lifecycle_selfcheck. */
const struct life_row *lifecycle_next(enum life_state s, enum life_event e, unsigned flags);
const struct life_row *lifecycle_row(int id); /* NULL if none */

/* lifecycle_selfcheck - total, reachable, no trap, no shadowed row, every why filled, ids unique
 * and rising. Run at each start. */
enum rc lifecycle_selfcheck(struct err *err);

/* The table itself, and the same check of any table: for tests that take rows away. */
const struct life_row *lifecycle_rows(size_t *ret_n);
enum rc lifecycle_check_rows(const struct life_row *rows, size_t n, struct err *err);

/* For `ferryman machine`: Graphviz text; "S x E x flags = N cells: T transitions, R refusals, 0
 * empty". */
void lifecycle_dot(struct buf *b);
void lifecycle_cells(struct buf *b, bool json, int *ret_empty);

#endif
