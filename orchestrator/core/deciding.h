/* deciding.h - what decide.c and decide_command.c share. Inside the deciding files only. */
#ifndef FERRYMAN_CORE_DECIDING_H
#define FERRYMAN_CORE_DECIDING_H

#include "core/decide.h"

/*
 * Guards: GUARD(id, name, doc). What may stand between a diagnosis or a command and what it would
 * start. The name stands before the colon of a reason, and is what an override is called.
 */
#define DECIDE_GUARDS(GUARD)                                                                       \
	GUARD(PAUSE, "pause", "somebody has put the brake on")                                     \
	GUARD(BLIND, "blind", "we do not believe what we see")                                     \
	GUARD(COOLDOWN, "cooldown", "the last move was too short a time ago")                      \
	GUARD(BUDGET, "budget", "enough automatic cut-overs for now")                              \
	GUARD(BLACKOUT, "blackout", "the playbook forbids it at this hour")                        \
	GUARD(UNFIT, "unfit", "the backup is known to be bad")                                     \
	GUARD(SOAK, "soak", "the primary was not healthy long enough")                             \
	GUARD(QUEUES, "queues", "mail still waits in queues of ours")

enum guard {
#define GUARD_ENUM(i, n, d) GUARD_##i,
	DECIDE_GUARDS(GUARD_ENUM)
#undef GUARD_ENUM
		GUARD_N
};
const char *guard_name(enum guard g);

void decision_begin(struct decision *d);
void decision_reason(struct decision *d, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
unsigned facts_flags(const struct facts *f);
/* The failback must wait for its queues, and they are not empty. */
bool queues_wait(const struct facts *f, const struct procedure *p);

#endif
