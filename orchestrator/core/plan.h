/*
 * plan.h - a procedure held against the targets' actual state: the diff, step by step, with a hash
 * (DESIGN section 7). Pure: the caller reads the targets (plan_reads says what) and hands the
 * values in.
 */
#ifndef FERRYMAN_CORE_PLAN_H
#define FERRYMAN_CORE_PLAN_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "config/playbook.h"
#include "base/json.h"
#include "core/action.h"

enum step_class { STEP_STATE, STEP_ACT, STEP_WAIT, STEP_VERIFY };

/* A row of steps.def. */
struct step_kind {
	const char *kind; /* "spf.authorize" */
	enum step_class class;
	unsigned caps;	     /* the target must have one of these; 0 = no target */
	bool compensable;    /* has an inverse that restores the base */
	bool may_pivot;	     /* may carry pivot: true */
	int64_t deadline_ms; /* default */
	const char *doc;
};
const struct step_kind *step_kind_find(const char *kind);
const struct step_kind *step_kind_at(size_t i); /* NULL past the end */

enum plan_direction { PLAN_OUT, PLAN_BACK, PLAN_EJECT };
const char *plan_direction_name(enum plan_direction d); /* "out", "back", "eject" */

/* What each domain that refuses older numbers holds besides the values: ferryman's own. Read:
 * "marked\n" or "". */
#define FENCE_MARKER "fence.marker"

/* One planned step: a playbook step may give several (one for each target), ids "4.tenant" "4.hub".
 */
struct plan_step {
	const char *id;
	const char *name;
	const struct step_kind *kind;
	const struct target *target;	/* NULL for verify and wait without one */
	const char *resource;		/* NULL for verify and wait.time */
	const char *base, *want, *undo; /* canonical lines; undo = what compensation writes */
	const char *options;		/* lines for the effect */
	const char *const *needs;	/* ids of plan steps */
	size_t needs_n;
	const struct path *through;
	bool production, pivot;
	int receivers; /* verify: so many must get the message; 0 = every seed */
	int64_t wait_ms, deadline_ms;
	int retries;
};

struct plan_read {
	const struct target *target;
	const char *resource;
};
struct plan_value {
	const char *target, *resource, *value;
	bool known;
	const char *why; /* when not known */
};

struct plan {
	const struct playbook *pb;
	const struct procedure *proc;
	enum plan_direction dir;
	const struct plan_step *steps;
	size_t steps_n;
	char hash[65];
	const char *const *notes; /* guards, effective routes before and after, what stays behind,
				     propagation times, "cold" ... */
	size_t notes_n;
	int64_t expect_ms; /* expected time of the mandated waits */
};

enum {
	EFFECT_MS = 60000, /* one effect at a target that fences */
	U_EFFECT_MIN_MS =
		5000, /* one at a target that does not: short, for the next has to wait it out */
	U_EFFECT_MAX_MS = 30000
};
/* plan_effect_ms - how long one request of a step with a target may take, in ms: it is never sent
 * after that. */
int64_t plan_effect_ms(const struct plan_step *p);

/* plan_leaves - the path that mail leaves; NULL = no mail moves. */
const struct path *plan_leaves(const struct plan *p);

/* plan_reads - every resource whose value the plan needs, each once. */
size_t plan_reads(struct arena *a, const struct playbook *pb, const struct procedure *proc,
	enum plan_direction dir, const struct plan_read **ret);

/*
 * plan_build - RC_CONFLICT or RC_INVALID with a sentence when it cannot be made (unreadable value,
 * empty result, wrong order of hub and tenant, ...). store = our 32 hex digits, "" without a store
 * (then the hash is of that too).
 */
enum rc plan_build(struct arena *a, const struct playbook *pb, const struct procedure *proc,
	enum plan_direction dir, const struct plan_value *values, size_t values_n,
	const char *store, const char *const *overrides, size_t overrides_n,
	void (*sha256)(void *, const void *, size_t, char[65]), void *ctx, const struct plan **ret,
	struct err *err);

/*
 * Taking ferryman out (DESIGN section 9, `eject`): every value that the playbook may touch goes to
 * what it was before ferryman changed it, then its number is removed from each target that bears
 * one. left = values before our first change, as the journal knows them; of SPF only the terms go
 * that were not there then, so that other people's changes since stay. plan_eject_reads - what to
 * read for it, of all flows.
 */
struct plan_left {
	const char *target_domain, *resource, *base; /* fence domain */
};
size_t plan_eject_reads(struct arena *a, const struct playbook *pb, const struct plan_read **ret);
enum rc plan_build_eject(struct arena *a, const struct playbook *pb,
	const struct plan_value *values, size_t values_n, const struct plan_left *left,
	size_t left_n, const char *store, const char *const *overrides, size_t overrides_n,
	void (*sha256)(void *, const void *, size_t, char[65]), void *ctx, const struct plan **ret,
	struct err *err);

/*
 * plan_side - on which path the values say that the procedure's flow runs: each switch point as the
 * primary or as the procedure's path wants it. MIXED: not all the same, or one as neither wants it;
 * why names it.
 */
enum plan_side { SIDE_PRIMARY, SIDE_BACKUP, SIDE_MIXED };
enum plan_side plan_side(struct arena *a, const struct playbook *pb, const struct procedure *proc,
	const struct plan_value *values, size_t values_n, char *why, size_t why_n);

/* plan_json - canonical, the bytes that are hashed; plan_read_back - from a PLAN record (recovery).
 */
void plan_json(const struct plan *p, const char *store, const char *const *overrides,
	size_t overrides_n, struct buf *b);
enum rc plan_read_back(struct arena *a, const struct playbook *pb, const struct json *body,
	const struct plan **ret, struct err *err);
/* plan_text - for people: the diff with -/+ lines, guards, routes, expected time. */
void plan_text(const struct plan *p, struct buf *b, bool colour);

#endif
