/*
 * simulate.h - what came of a written incident on the stage: diagnoses and responses, each with its
 * moment, its evidence and how long before the provider's admission it came; and how much mail
 * would have come back to its senders.
 *
 * Everything is read from the records that the core wrote: nothing here decides.
 */
#ifndef FERRYMAN_PLAY_SIMULATE_H
#define FERRYMAN_PLAY_SIMULATE_H

#include "base/json.h"
#include "play/stage.h"

enum sim_kind {
	SIM_DIAGNOSIS, /* what: met, confirmed, cleared */
	SIM_DECISION, /* what: the row's act; name: the diagnosis, or ""; why: the row's sentence */
	SIM_HELD,     /* what: the state; why: what stands in the way of what would follow */
	SIM_RUN,  /* what: started, done, open, undone, blocked, failed ...; name: its procedure */
	SIM_TOLD, /* what: severity; name: "" ; why: the text */
	SIM_KINDS
};

struct sim_moment {
	enum sim_kind kind;
	uint64_t record;  /* that says so */
	int64_t after_ms; /* since the incident's beginning */
	const char *what, *name, *why, *flow, *by, *run;
	const char *run_kind;	     /* SIM_RUN: cutover, shelter, failback ... */
	const struct json *evidence; /* SIM_DIAGNOSIS */
	const struct json *reasons;  /* SIM_DECISION: beside the row's own; a list, or NULL */
};

/* Messages of one flow that came back to their senders. */
struct sim_mail {
	bool told;	  /* the file says what was true of this flow */
	struct rate rate; /* of messages, as the file or the caller says */
	bool assumed;	  /* neither did: a hundred an hour */
	int64_t without;  /* ferryman */
	/* With it: at most, as if a shelter kept nothing (mail of users, whose last hop is the
	 * provider's) and a spool returned what the primary refuses; at least, as if they kept all,
	 * the shelter until its time is over. */
	int64_t at_most, at_least;
};

/* A subject of a signal of which the incident says nothing, at no time. */
struct sim_unknown {
	const char *signal, *subject;
};

struct sim {
	struct arena *a;
	const struct incfile *inc;
	const struct sim_moment *moment; /* in the order of the records */
	size_t moments_n;
	struct sim_mail mail[FLOW_N];
	const struct sim_unknown *unknown;
	size_t unknown_n;
	const size_t *unheard; /* lines of inc to which no signal listens: their numbers, from 0 */
	size_t unheard_n;
	uint64_t events, records;
};

/* simulate - rate: NULL, or what the caller says of both flows. The stage is played and put away.
 */
enum rc simulate(
	struct sim *ret, const struct stage_opts *o, const struct rate *rate, struct err *err);
void simulate_free(struct sim *s);

#endif
