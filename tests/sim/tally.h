/*
 * tally.h - what many seeds add up to, kept in a file so that a long night can be stopped and goes
 * on where it was.
 */
#ifndef FERRYMAN_TESTS_SIM_TALLY_H
#define FERRYMAN_TESTS_SIM_TALLY_H

#include "sim/reach.h"

/* Why a run stands still and needs a person. A run that is blocked for a reason that is not here is
 * a failure. PART: a piece of what its END record says. */
#define BLOCK_CAUSES(X)                                                                            \
	X(OLD_COPY, "it is an old copy", "the machine was put back, and nobody has said so")       \
	X(HAND, "somebody else has changed", "another hand is in the target")                      \
	X(REFUSED, "refused, as simulated", "the target refuses for good")                         \
	X(BUSY, "busy, as simulated", "the target was busy until its time was over")               \
	X(NO_ANSWER, "no answer", "what was sent is not answered in time")                         \
	X(ERROR, "an error, as simulated", "the target answers with an error and shows nothing")   \
	X(UNSEEN, ": does not show it", "a server or a resolver shows the old value")              \
	X(NOT_SHOWN, "does not show", "the target says done and does not show it")                 \
	X(SILENT, "does not answer", "a server or a resolver does not answer")                     \
	X(TIME, "its time is over", "its time was over before anything could be sent")             \
	X(UNREAD, "cannot be read", "the target cannot be read")                                   \
	X(PROOF, "refused", "the test message did not arrive as it must")                          \
	X(FENCE, "cannot be fenced", "the target takes no number of this era")                     \
	X(OTHER_NUMBER, "number", "the target bears another number than the journal says")         \
	X(QUEUE, "does not get fewer", "what waits at the relay does not go")                      \
	X(MIXTURE, "mixture", "the targets show a mixture that no run explains")
enum block_cause {
#define CAUSE_ENUM(n, part, d) CAUSE_##n,
	BLOCK_CAUSES(CAUSE_ENUM)
#undef CAUSE_ENUM
		CAUSE_N
};

struct tally {		  /* numbers alone */
	uint64_t next;	  /* seed */
	uint64_t running; /* that runs now */
	uint64_t passed, failed, disks, events, intents, faults, restarts, lines;
	uint64_t runs, complete, undone, blocked, other;	      /* cut-overs and failbacks */
	uint64_t shelters, others_blocked;			      /* all other kinds */
	uint64_t mail, delivered, relayed, returned, parked, waiting; /* messages */
	uint64_t cause[CAUSE_N];
	uint64_t hits[SITE_N];
	struct reach reach;
};

/* tally_add - one seed that has come to its end. */
void tally_add(struct tally *t, const struct sim *s);
void tally_sum(struct tally *t, const struct tally *more);
/* tally_report - the closing lines. Returns how many things are not as they must be. */
uint64_t tally_report(const struct tally *t, uint64_t seeds, bool all);

/*
 * The file. It is of one program: what another one has counted is not gone on with, and says so.
 * tally_load: false when there is nothing to go on with. tally_save: whole or not at all.
 */
bool tally_load(struct tally *t, const char *path);
void tally_save(const struct tally *t, const char *path);

#endif
