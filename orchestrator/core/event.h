/*
 * event.h - everything that the core can be told. With action.h this is the whole vocabulary
 * between the pure core and the world (DESIGN section 3).
 *
 * Events are flat: no pointer in them outlives the call to core_step; strings are borrowed for its
 * duration. Every event carries both clocks: boot_ms (CLOCK_BOOTTIME) for waiting, wall_ms (UTC
 * since 1970) for records.
 */
#ifndef FERRYMAN_CORE_EVENT_H
#define FERRYMAN_CORE_EVENT_H

#include "base/outcome.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t op_id; /* 0 is none; given by the core in an action, never reused */

enum verdict { VERDICT_OK, VERDICT_DEGRADED, VERDICT_BAD, VERDICT_UNKNOWN, VERDICT_N };
const char *verdict_name(enum verdict v); /* "ok" "degraded" "bad" "unknown" */

enum event_type {
	EV_OPEN,     /* the store is ours and folded: begin */
	EV_LOST,     /* the store or the lock is gone: nothing more may be appended or sent */
	EV_STOP,     /* stop gracefully: start nothing new, let open effects end, then ACT_HALT */
	EV_TICK,     /* time has passed: core_wake_ms asked for it */
	EV_PLAYBOOK, /* a playbook was loaded, replaced or withdrawn */
	EV_SEEN,     /* a probe's observation (op != 0), or one that came by itself (op 0) */
	EV_READ,     /* answer to ACT_READ */
	EV_EFFECT,   /* answer to ACT_EFFECT */
	EV_APPENDED, /* answer to ACT_APPEND */
	EV_SENT,     /* answer to ACT_NOTIFY */
	EV_COMMAND,  /* a person wants something */
	EV_N
};

/* Value of a resource: canonical lines as its connector writes them ("ttl 300\nv=spf1 ...\n"); "" =
 * absent. */
struct source_value {
	const char *source; /* "198.51.100.53" */
	const char *value;
	bool answered;
};

enum { EV_SOURCES_MAX = 16 };

enum verb {
	VERB_CUTOVER,
	VERB_FAILBACK,
	VERB_ABORT,
	VERB_CONTINUE,
	VERB_APPROVE,
	VERB_DENY,
	VERB_PAUSE,
	VERB_RESUME,
	VERB_ACK,
	VERB_STATUS,
	VERB_PLAN,
	VERB_DRILL,
	VERB_EJECT,
	VERB_N
};
const char *verb_name(enum verb v);
enum verb verb_parse(const char *s); /* VERB_N if none */

enum { OVERRIDE_MAX = 8 };

struct event {
	enum event_type type;
	int64_t boot_ms, wall_ms;
	op_id op;
	union {
		struct {
			const char *store; /* 32 hex digits: identity of the store */
			uint64_t era, epoch;
			uint64_t seq;	  /* head */
			const char *hash; /* head, 64 hex digits */
			const char *boot_id;
			bool fresh;	  /* a new era (init, restore): fence first (reliability.md
					     section 5, rules 12, 13) */
			bool by_operator; /* that era was begun by an operator's word: another
					     store's markers may be taken over */
			bool one_shot;	  /* a foreground verb: serves its run, starts nothing by
					     itself */
		} open;
		struct {
			const char *why;
		} lost;
		struct {
			const char *name;   /* playbook */
			const char *sha256; /* NULL = withdrawn */
			const char *why;
		} playbook;
		struct {
			const char *signal, *path, *subject, *class;
			const char *playbook;
			const char *via; /* egress address or relay that the evidence names; NULL =
					    the probe's own path */
			enum verdict verdict;
			bool harm;     /* mail itself was refused or late (not only a cause) */
			bool untested; /* the source did not pass its own test (RFC 5782) */
			int64_t observed_wall_ms,
				valid_until_wall_ms; /* 0 = the signal's stale time */
			const char *why;	     /* one line, e.g. the reply */
		} seen;
		struct {
			enum outcome
				outcome; /* OUT_DONE = value read; others: not known, why says it */
			const char *value, *version;
			const char *marker_store; /* NULL = no marker there */
			uint64_t marker_lsn;
			struct source_value
				source[EV_SOURCES_MAX]; /* from: authorities | resolvers */
			size_t source_n;
			const char *why;
		} read;
		struct {
			uint64_t lsn;
			enum outcome outcome;
			const char *version, *why;
		} effect;
		struct {
			enum outcome outcome; /* DONE, CONFLICT (head or epoch moved), UNKNOWN
						 (disk: the store halts) */
			uint64_t seq;	      /* of the last record appended */
			const char *hash;     /* head after it */
		} appended;
		struct {
			enum outcome outcome;
			const char *why;
		} sent;
		struct {
			const char *req;       /* request id, echoed in ACT_REPLY */
			const char *principal; /* login name from SO_PEERCRED */
			const char *via;       /* "cli" "console" ... */
			enum verb verb;
			enum verb of; /* VERB_PLAN: the plan of VERB_CUTOVER or VERB_FAILBACK */
			const char *playbook, *procedure, *run, *plan_hash, *reason;
			const char *overrides[OVERRIDE_MAX]; /* names of the guards bypassed */
			size_t overrides_n;
			int64_t expires_wall_ms; /* 0 = none */
			const char *nonce;
		} command;
	};
};

#endif
