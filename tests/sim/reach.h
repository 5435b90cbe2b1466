/*
 * reach.h - what many seeds have met: each fault in each kind of step, forward and backward, in
 * each phase of its intent, and each row of the lifecycle's table. What was never met was never
 * tested.
 *
 * A cell that no seed can meet is left out by a rule on the step's kind, the plans that were
 * made, or where in the simulator a fault is asked for; never by name.
 */
#ifndef FERRYMAN_TESTS_SIM_REACH_H
#define FERRYMAN_TESTS_SIM_REACH_H

#include "sim/sim.h"

enum { REACH_KINDS = 16, REACH_ROWS = 512 };
/* What the journal and the targets say of the step's newest intent in that direction. */
#define REACH_PHASES(X)                                                                            \
	X(LOOK, "no intent is open: it reads, waits or verifies")                                  \
	X(INTENT, "the intent is durable and nothing of it has left")                              \
	X(SENT, "sent, and no target has taken it")                                                \
	X(APPLIED, "taken by the target, and no result in the journal")
enum reach_phase {
#define REACH_ENUM(n, d) REACH_##n,
	REACH_PHASES(REACH_ENUM)
#undef REACH_ENUM
		REACH_PHASE_N
};
struct reach { /* numbers alone: it is added up over processes and nights */
	uint64_t met[SITE_N][REACH_KINDS][2][REACH_PHASE_N]; /* [2]: do, undo */
	uint64_t row[REACH_ROWS];			     /* in the order of the table */
	uint64_t planned[REACH_KINDS]
			[2]; /* steps in plans; of them before the pivot, and with an inverse */
};

/* Where a fault strikes: a step, and what has become of its newest intent. */
struct reach_place {
	size_t kind; /* reach_kind */
	bool undo;
	enum reach_phase phase;
	uint64_t lsn; /* of that intent; 0 = none was open */
};
enum { REACH_PLACES = 64 };

/* reach_count - from now on lookups in the lifecycle's table count there; NULL = nowhere. */
void reach_count(struct reach *r);
void reach_fault(
	struct sim *s, enum site site, size_t request); /* it has struck; SIZE_MAX: no request */
size_t reach_places(
	struct sim *s, enum site site, size_t request, struct reach_place ret[REACH_PLACES]);
size_t reach_kind(const char *kind); /* REACH_KINDS: not one of steps.def */
void reach_plan(struct sim *s, const struct vrun *run);
/* reach_offers - the rows that the engine can ask for at all (offers.c). */
void reach_offers(bool offered[REACH_ROWS]);
/* Why nobody asks for it; NULL: no reason is known. */
struct life_row;
const char *reach_never_why(const struct life_row *row);
/* reach_report - the matrix in short; all: every cell; names: every empty one. Returns how many are
 * empty. ret_refuted: cells that a rule leaves out and some seed has met: the rule is wrong. */
uint64_t reach_report(const struct reach *r, bool all, bool names, uint64_t *ret_refuted);

#endif
