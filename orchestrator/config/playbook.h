/*
 * playbook.h - a playbook as checked, read-only data. What a key means is in playbook.def (the
 * rows); this header is what the rest of ferryman sees after loading.
 *
 * A playbook lives in one arena, is immutable and reference-counted; a run holds a reference to the
 * one it started with. All times are milliseconds, shares hundredths of a percent. Arrays are in
 * file order.
 */
#ifndef FERRYMAN_CONFIG_PLAYBOOK_H
#define FERRYMAN_CONFIG_PLAYBOOK_H

#include "base/buf.h"
#include "base/conninfo.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/schema.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum flow { FLOW_OUTBOUND, FLOW_INBOUND, FLOW_N };
enum pb_mode { MODE_OBSERVE, MODE_APPROVE, MODE_AUTOMATIC, MODE_N };
enum proc_kind { PROC_CUTOVER, PROC_SHELTER, PROC_N };
enum sig_role { SIG_EVIDENCE, SIG_ANCHOR };

const char *flow_name(enum flow f);	  /* "outbound" "inbound" */
const char *pb_mode_name(enum pb_mode m); /* "observe" "approve" "automatic" */
const char *proc_kind_name(enum proc_kind k);

struct target {
	const char *name;
	const struct conninfo *info;
	const struct cfg *cfg;	  /* its connector's own rows */
	const char *fence_domain; /* e.g. "zone corp.example" "relay 203.0.113.10": targets with the
				     same string share one */
	int64_t late_ms; /* how long what expects no number there may still be taken; 0 = not */
	struct place at;
};

struct mx {
	int preference;
	const char *host; /* lower case, no final dot */
};

struct path {
	const char *name;
	int prefer;		   /* 1 is the primary */
	const char *const *egress; /* addresses this path's mail leaves from */
	size_t egress_n;
	const struct target
		*last_hop; /* NULL = none: the MTA that talks to receivers is not ours */
	struct {
		const char *host;      /* "[relay.nsmail.example]:587"; NULL = no relay */
		const struct cfg *cfg; /* tls, auth, quota, rate, size as written */
		int64_t queue_lifetime_ms;
	} relay;
	struct {
		const char *by, *domain, *selector; /* all NULL if not given */
	} dkim;
	bool envelope_rewritten;
	const char *const *spf; /* terms, e.g. "ip4:203.0.113.65" */
	size_t spf_n;
	struct {
		bool given;
		const struct mx *mx;
		size_t mx_n;
		bool spool;	      /* mode: spool (else deliver) */
		bool recipients_list; /* wrong recipients are refused at RCPT */
		const char *onward;   /* fixed host for the spool; NULL unless spool */
		int64_t keep_ms;
		const struct target *spool_at; /* relay whose queue is the spool, when it is a
						  target of ours; else NULL */
	} inbound;
	struct place at;
};

struct subject {
	const char *name;  /* an egress address, a seed's receiver, a host; "" if the signal has one
			      only */
	const char *class; /* receiver class; "" = not about receivers */
};

struct signal {
	const char *name;
	const struct conninfo *info; /* kind */
	const struct cfg *cfg;
	enum sig_role role;
	const char *group;	 /* NULL for anchors */
	const struct path *path; /* NULL for anchors */
	bool flow_given;
	enum flow flow;
	int64_t every_ms, timeout_ms, stale_ms; /* stale: an observation older than this is unknown;
						   default 3 x every + timeout */
	int rise_n, rise_m;   /* bad when n of the last m known observations are bad */
	int fall_n, fall_m;   /* ok again when n of the last m are ok */
	bool degraded_is_bad; /* default false */
	bool harm; /* this kind sees mail itself refused or late (canary, smtp), not only a cause */
	const struct subject *subjects;
	size_t subjects_n; /* at least 1 */
	struct place at;
};

struct diagnosis {
	const char *name;
	const struct path *path;
	enum flow flow;
	int groups;	       /* how many groups must be bad */
	const char *const *of; /* groups that count */
	size_t of_n;
	const char *const
		*must; /* at least one of these is among the bad ones, and has seen harm */
	size_t must_n;
	int receivers;	  /* unrelated receiver classes that must be bad; 0 = not asked */
	int64_t share_bp; /* least share of failed among known observations of the must groups; 0 =
			     not asked */
	int64_t for_ms, clear_ms;
	struct place at;
};

enum step_param { STEP_AT_MAX = 8 };

struct step {
	const char *name;	  /* sentence for people; unique within the procedure */
	const char *kind;	  /* "spf.authorize" ...: a row of core/steps.def */
	const char *id;		  /* "1", "2" ...: file order */
	const char *const *needs; /* ids; default: the step before it */
	size_t needs_n;
	const struct target *zone; /* spf.*, mx.*, wait.published */
	const struct target
		*at[STEP_AT_MAX]; /* mail.park, outbound.switch, queue.release, bounces.defer */
	size_t at_n;
	const struct path *through; /* verify.canary, wait.*; default: the procedure's `to` */
	bool as_production;	    /* verify.canary as: production */
	int receivers;		    /* verify.canary: so many must get it; 0 = every seed */
	struct place receivers_at;
	bool pivot;
	struct rate rate, per_receiver; /* queue.release; count 0 = not given */
	int64_t deadline_ms;		/* default by kind */
	int64_t duration_ms;		/* wait.time */
	int retries;			/* default 3 */
	struct place place;
};

struct procedure {
	const char *name;
	enum proc_kind kind;
	bool flow_given;
	enum flow flow;	       /* a shelter may leave it out: outbound */
	const struct path *to; /* NULL for a shelter */
	int64_t expires_ms;    /* shelter */
	const struct step *steps;
	size_t steps_n;
	struct {
		enum pb_mode mode; /* approve: a person starts it; automatic */
		int64_t soak_ms;   /* primary healthy for so long */
		int64_t stage_ms;  /* pause between shares */
		const int64_t *
			order_bp; /* shares on the primary, rising, last is 10000; "canaries" = 0 */
		size_t order_n;
		bool require_queues_drained, require_primary_ready;
	} failback; /* cutover only */
	struct place at;
};

enum resp_at { AT_SUSPECT, AT_CONFIRMED };

struct response {
	const struct diagnosis *on;
	enum resp_at at;
	const struct procedure *run;
	enum pb_mode mode;	/* observe: only say so | approve | automatic */
	int approvers;		/* distinct people; default 1 */
	int64_t within_ms;	/* approve: how long to wait; 0 = for ever */
	bool otherwise_proceed; /* after `within`: proceed, or (default) stand down */
	struct place place;
};

/* A weekly window "Fri 18:00 - Mon 06:00 Europe/Berlin"; the shell compiles it into UTC intervals.
 */
struct window {
	int from_day, from_min, to_day, to_min; /* day 0 = Monday, minute of the day */
	const char *zone;
};

struct limits {
	struct rate cutovers; /* budget of automatic cut-overs; default 2 per day */
	int64_t cooldown_ms;  /* default 1h */
	int records;	      /* most records one plan may touch; default 20 */
	const struct window *no_drills, *no_failbacks, *no_cutovers;
	size_t no_drills_n, no_failbacks_n, no_cutovers_n;
};

enum { MAY_RUN = 1u << 0, MAY_APPROVE = 1u << 1, MAY_BRAKE = 1u << 2 };

struct person {
	const char *name;
	const char *user; /* login name; matched against SO_PEERCRED */
	unsigned may;
};

struct notifier {
	const char *name;
	const struct conninfo *info;
	const struct cfg *cfg;
};

struct playbook {
	const char *name, *summary, *owner, *file;
	char sha256[65]; /* of the file's bytes, followed by PLAYBOOK_OVERLAY_MARK and the overlay's
			    bytes if there is one */
	enum pb_mode mode;
	const char *const *domains;
	size_t domains_n;
	const struct target *targets;
	size_t targets_n;
	const struct path *paths; /* file order */
	size_t paths_n;
	const struct path *primary; /* prefer: 1 */
	const struct signal *signals;
	size_t signals_n;
	const struct diagnosis *diagnoses;
	size_t diagnoses_n;
	const struct response *responses;
	size_t responses_n;
	const struct procedure *procedures;
	size_t procedures_n;
	struct limits limits;
	const struct person *people;
	size_t people_n;
	const struct notifier *notify;
	size_t notify_n;
	bool has_flow[FLOW_N]; /* flows for which there is a cutover procedure or a diagnosis */
};

/* --- loading (playbook.c, yaml.c, lint.c) --- */

enum finding_level { FIND_ERROR, FIND_WARNING };

struct finding {
	enum finding_level level;
	const char *file;
	struct place at;
	const char *rule; /* stable id of the lint rule or "shape" "value" "meaning" */
	const char *path; /* "signals.canary.every" */
	const char *text; /* what is wrong, what was expected, the nearest known word, what to do */
};

struct findings; /* in file order */
size_t findings_n(const struct findings *f);
const struct finding *findings_at(const struct findings *f, size_t i);
size_t findings_errors(const struct findings *f);
void findings_free(struct findings **f);
/* "dual-mx.yaml:14:12: error: signals.canary.every: "30" has no unit; want a duration such as 30s
 * [value]" */
void finding_put(struct buf *b, const struct finding *f);

/* Stands between the two texts where playbook and overlay are kept (and hashed) as one. */
#define PLAYBOOK_OVERLAY_MARK "\n# ---- durations overlay ----\n"

struct playbook_input {
	const char *file; /* name for messages */
	const char *text; /* borrowed during the call */
	size_t len;
	const char *durations_file; /* overlay that shortens durations; NULL = none */
	const char *durations;
	size_t durations_len;
	const struct conninfo *const
		*connectors; /* NULL-ended; targets, signals and notifiers alike */
	/* RC_OK: the time zone of that name is known here; else a sentence that begins behind the
	 * name, with what to do. NULL: each name passes (a text that was taken before). */
	enum rc (*zone)(void *ctx, const char *zone, struct err *err);
	/* sha256 of n bytes as 64 hex digits + NUL */
	void (*sha256)(void *ctx, const void *p, size_t n, char out[65]);
	void *ctx;
};

/*
 * playbook_load - text to playbook. All findings of all passes (shape, value, meaning, lint) are
 * returned in file order in *ret_findings (always set, also on success: warnings), to be freed by
 * the caller. Returns the playbook with one reference, or NULL when there was an error (or memory
 * ran out: one finding says so).
 */
struct playbook *playbook_load(
	const struct mem *mem, const struct playbook_input *in, struct findings **ret_findings);
struct playbook *playbook_ref(struct playbook *pb);
void playbook_unref(struct playbook **pb);

/* playbooks_conflict - RC_CONFLICT with a sentence when two playbooks share a resource (DESIGN
 * section 6). */
enum rc playbooks_conflict(const struct playbook *const *pbs, size_t n, struct err *err);

const struct path *playbook_path(const struct playbook *pb, const char *name);
const struct target *playbook_target(const struct playbook *pb, const char *name);
const struct signal *playbook_signal(const struct playbook *pb, const char *name);
const struct procedure *playbook_procedure(const struct playbook *pb, const char *name);
/* playbook_cutover - the one cutover procedure of a flow, NULL if there is none. */
const struct procedure *playbook_cutover(const struct playbook *pb, enum flow flow);
/*
 * playbook_canary - what proves a path in a direction (verify.canary): the first canary that is
 * pinned to both, or the first that may submit as production. NULL = none is.
 */
const struct signal *playbook_canary(
	const struct playbook *pb, const struct path *through, enum flow flow, bool production);
/* playbook_receivers_back - at how many receivers the way back of a cut-over must be proven: as
 * many as the strictest of its own proofs asks for; 0 = at every seed. */
int playbook_receivers_back(const struct procedure *p);
const struct person *playbook_person(const struct playbook *pb, const char *user);

/* playbook_overlay_put - "signals.canary.every: 2m -> 3s" for each duration an overlay replaced,
 * one a line. */
void playbook_overlay_put(struct buf *b, const struct playbook *pb);

/* The schema for editors (JSON Schema draft 2020-12), and docs/PLAYBOOK.md, both from the rows. */
void playbook_schema_json(struct buf *b, const struct conninfo *const *connectors);
void playbook_schema_md(struct buf *b, const struct conninfo *const *connectors);

#endif
