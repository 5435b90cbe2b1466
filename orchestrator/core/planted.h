/*
 * planted.h - faults that a test build can plant, chosen at run time by number. In the product
 * PLANTED() is the constant false and none of it is compiled in. Each row says what the fault
 * breaks; tests/sim must find each.
 */
#ifndef FERRYMAN_CORE_PLANTED_H
#define FERRYMAN_CORE_PLANTED_H

#include <stdbool.h>

#define PLANTED_FAULTS(X)                                                                          \
	X(EFFECT_BEFORE_INTENT, "an effect leaves before its intent is durable")                   \
	X(UNCHANGED_SKIPS_FENCE, "unchanged sends nothing although an intent is unanswered")       \
	X(SKIP_MAYBE_APPLIED, "compensation skips steps whose intent has no result")               \
	X(UNKNOWN_IS_FAILED, "an unknown outcome counts as not applied")                           \
	X(RETRY_NEW_LSN, "a retry in the same direction takes a new number")                       \
	X(SECOND_RUN, "a second run of a flow may start while one is open")                        \
	X(STALE_BASE, "the base that the plan was made from is not compared at the start")         \
	X(UNDO_IN_ORDER, "compensation does not go backwards and does not wait for answers")       \
	X(NO_DRAIN, "the next effect at a class U target does not wait out the last one")          \
	X(UNDO_PAST_PIVOT, "a run that fails after its pivot takes back what it did")              \
	X(BRAKE_IGNORED, "a run under way takes new steps while the brake is on")                  \
	X(NO_COOLDOWN, "a cut-over starts by itself as soon as the one before has ended")          \
	X(ANYBODY_MAY, "commands are not held against what the playbook lets people do")           \
	X(CAUSE_IS_HARM, "a listing convinces although no mail was refused")                       \
	X(ERA_UNFENCED, "in a new era nothing is fenced")                                          \
	X(ALARM_ONCE, "an alarm that did not get out is not sent again")                           \
	X(ONE_SERVER_IS_ALL, "a record counts as published before every server shows it")          \
	X(OLD_EPOCH, "records bear the epoch before")                                              \
	X(EMPTY_SET, "an MX set is made empty")

enum planted_fault {
	PLANT_NONE,
#define PLANTED_ENUM(n, d) PLANT_##n,
	PLANTED_FAULTS(PLANTED_ENUM)
#undef PLANTED_ENUM
		PLANT_N
};

#ifdef FERRYMAN_PLANTED
extern int planted_fault; /* tests/sim owns it; 0 = none */
#define PLANTED(f) (planted_fault == PLANT_##f)
#else
#define PLANTED(f) false
#endif

#endif
