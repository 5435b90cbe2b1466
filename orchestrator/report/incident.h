/*
 * incident.h - the report's own picture of an incident: records in order, runs with their steps,
 * milestones, numbers. Inside report/ only. Everything lives in the report's arena; texts are as
 * the journal has them, so every writer escapes all of them.
 */
#ifndef FERRYMAN_REPORT_INCIDENT_H
#define FERRYMAN_REPORT_INCIDENT_H

#include "base/arena.h"
#include "core/effects.h"
#include "core/record.h"
#include "report/report.h"
#include "report/sentence.h"

#include <stdbool.h>

enum { HASH_SHOWN = 12, RUNS_SHOWN = 16, STEPS_SHOWN = 64, UNPROVEN_MAX = 64 };

/* One record of the incident, and what it says in a sentence. */
struct entry {
	struct record rec;
	char hash[65];
	const char *text;
};

/* What the journal says of one planned step. Pointers into the entries; NULL = no such record. */
struct step_told {
	const char *id, *name, *kind, *target, *resource, *base, *want, *options, *through;
	bool pivot, production;
	int64_t wait_ms, deadline_ms;
	const struct entry *began;	     /* first record that names it */
	const struct entry *intent, *result; /* newest in the direction do */
	const struct entry *undo, *undone;   /* newest in the direction undo */
	int tries;			     /* results in the direction do */
};

struct run_told {
	const struct entry *start, *end;
	const char *id, *kind, *procedure, *by, *reason, *hash, *state;
	const struct json *overrides;
	struct step_told step[STEPS_SHOWN];
	size_t steps_n;
	struct effects effects;
	bool main; /* the one that was asked for */
};

enum milestone_id {
	MS_FAULT,
	MS_SEEN,
	MS_HARM,
	MS_DIAGNOSED,
	MS_DECIDED,
	MS_APPROVED,
	MS_STARTED,
	MS_SWITCHED,
	MS_VISIBLE,
	MS_FIRST,
	MS_ENDED,
	MS_ADMITTED,
	MS_N
};

struct milestone {
	const char *key, *label;
	const struct entry *proof; /* NULL = no record proves it */
	const char *text;	   /* what the record says, or why there is none */
	bool expected;		   /* its absence is a gap, not the nature of this run */
	enum milestone_id since;   /* took_ms counts from there; MS_N = from nothing */
	int64_t took_ms;	   /* -1 = not known */
	int64_t least_ms, most_ms; /* what playbook and plan allow; -1 = they do not say */
	const char *target;	   /* the same in words; "" */
	bool late;
};

/* A number of messages that a RESULT or NOTIFIED record names. */
struct mail_count {
	const char *what; /* "parked" "waiting" "released" "returned" */
	int64_t n;
	const struct entry *proof;
};
enum { COUNTS_MAX = 32 };

struct report {
	struct arena *a;
	struct playbook *pb; /* of the run; NULL = not kept */
	const char *store;
	int64_t made_wall_ms;
	const char *playbook, *flow;
	struct entry *entry;
	size_t entries_n, left_out; /* left_out: records of the incident past ENTRIES_MAX */
	struct run_told run[RUNS_SHOWN];
	size_t runs_n;
	const struct run_told *main;
	uint64_t main_seq; /* of its START */
	struct milestone ms[MS_N];
	struct mail_count count[COUNTS_MAX];
	size_t counts_n;
	const char *unproven[UNPROVEN_MAX];
	size_t unproven_n;
	uint64_t first_seq, last_seq; /* of the incident */
	uint64_t head_seq;	      /* last record read */
	char head_hash[65];
	uint64_t broken_seq; /* the chain of hashes breaks before this record; 0 = it holds */
	bool open;	     /* the incident has not ended: the machine is not back at `normal` */
};

/* incident.c - read the records twice: find the run and its incident, then keep what belongs to it.
 */
enum rc incident_read(
	struct report *r, const struct report_source *src, const char *run, struct err *err);

/* story.c - runs, steps, milestones, numbers and gaps, from the entries. */
void story_tell(struct report *r);

/* phrase.c - what all writers need. */
const char *phrase_time(struct arena *a, int64_t wall_ms); /* RFC 3339 UTC, whole seconds and ms */
const char *phrase_moment(
	struct arena *a, int64_t wall_ms); /* the same for running text, without ms */
/* An approval of the main run's plan, since it was asked for and before it began. */
bool phrase_approves(const struct report *r, const struct entry *e);
const char *phrase_approvers(const struct report *r);	  /* "alice, bob"; "" = nobody */
const char *phrase_duration(struct arena *a, int64_t ms); /* "6 min 3 s" */
const char *phrase_title(
	const struct report *r); /* "Outbound mail of corp.example moved to nsmail" */
const char *phrase_summary(const struct report *r); /* two or three sentences */
const char *phrase_state(const char *end_state);    /* END's word for people */
/* Reasons of a ROW in order, but not the one that only repeats the row's sentence; after NULL = the
 * first. */
const struct json *phrase_reason(const struct entry *e, const struct json *after);
/* The evidence of a DIAGNOSIS, signal by signal, what convinces most first; after NULL = the first.
 */
const struct json *phrase_cell(const struct entry *diagnosis, const struct json *after);
bool phrase_has_line(const char *text, const char *line, size_t n);
const char *phrase_step(
	const struct report *r, const struct step_told *s); /* how it went, in a sentence */
const char *phrase_overrides(
	const struct report *r, const struct run_told *t); /* "none", or their names */
const char *phrase_or(const struct json *body, const char *key, const char *otherwise);

#endif
