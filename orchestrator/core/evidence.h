/*
 * evidence.h - observations in, conclusions out: signal health (N of M, staleness), groups,
 * receivers, share, attribution, blindness, diagnoses with `for` and `clear` (DESIGN section 6).
 * Volatile: it starts `unknown` at every start. Pure; time comes with each call.
 *
 * Evidence is keyed by (path, subject, receiver class). Unknown and stale vote neither way. An
 * observation whose `via` names another path's egress is counted for that path; one that names
 * nobody's convinces nobody.
 */
#ifndef FERRYMAN_CORE_EVIDENCE_H
#define FERRYMAN_CORE_EVIDENCE_H

#include "base/buf.h"
#include "base/mem.h"
#include "config/playbook.h"
#include "core/event.h"

struct evidence;

struct evidence *evidence_new(
	const struct mem *mem, struct playbook *pb); /* takes its own reference */
void evidence_free(struct evidence **e);

/* evidence_seen - one observation (ev->seen). Late ones (observed before a newer one of the same
 * key) are dropped. */
void evidence_seen(struct evidence *e, const struct event *ev);

/* evidence_update - move time: staleness, `for`, `clear`, clock jumps (boot against wall, 2 s).
 * Call before reading views. */
void evidence_update(struct evidence *e, int64_t boot_ms, int64_t wall_ms);
int64_t evidence_wake_ms(
	const struct evidence *e); /* boot_ms of the next change by time alone; INT64_MAX = none */

/* evidence_blind - why we may not decide (anchors silent, clock jumped, lists' self-tests failed
 * ...); NULL = we see. */
const char *evidence_blind(const struct evidence *e);
bool evidence_clock_jumped(const struct evidence *e); /* that is why */

struct diag_view {
	const struct diagnosis *d;
	bool met;	/* the condition holds now */
	bool confirmed; /* it has held for d->for_ms */
	bool cleared;	/* it has not held for d->clear_ms, with fresh ok evidence from each must
			   group, and from each of its signals that was bad */
	bool known;	/* enough fresh evidence to say met or not */
	bool unseen;	/* it was looked at blindly last time */
	int64_t met_since_boot_ms, clear_since_boot_ms; /* 0 = not */
	int groups_bad, groups_known;
	int receivers_bad;
	int64_t share_bp;	/* failed among known observations of the must groups */
	const char *only_class; /* the one receiver class concerned when harm is seen at no other
				   and not at the path itself; else NULL */
};
size_t evidence_diags(const struct evidence *e,
	const struct diag_view **ret); /* in playbook order, valid until the next call */

/* evidence_path_ok - a path is healthy: fresh ok from a harm-seeing signal of it, nothing known
 * bad, nothing silent since it was bad. unfit - known bad by its own evidence. */
bool evidence_path_ok(const struct evidence *e, const struct path *p, enum flow f);
bool evidence_path_unfit(const struct evidence *e, const struct path *p, enum flow f);
int64_t evidence_path_ok_since(
	const struct evidence *e, const struct path *p, enum flow f); /* boot_ms, 0 = not ok now */

/*
 * evidence_harm_at - does mail that takes this path in this direction come to harm at this receiver
 * (a subject's name)? Its newest reason (valid until the next call that takes e without const) when
 * a signal of the path is bad there with harm and none is well there; NULL = not, or not known:
 * unknown, stale, or we are blind.
 */
const char *evidence_harm_at(
	const struct evidence *e, const char *path, enum flow f, const char *receiver);

/* evidence_put - the whole evidence of a diagnosis (d NULL: of everything) as canonical JSON; goes
 * into DIAGNOSIS records and `status --why`. */
void evidence_put(const struct evidence *e, const struct diagnosis *d, struct buf *b);

/* Signal transitions since the last call, for SIGNAL records: one canonical JSON body each. */
bool evidence_next_change(struct evidence *e, struct buf *b);

/* The probe schedule is here too: who is due. Starts are spread, jitter comes from seed. */
struct due {
	const struct signal *signal;
	const struct subject *subject;
};
bool evidence_next_due(
	struct evidence *e, int64_t boot_ms, struct due *ret); /* marks it as asked */
void evidence_seed(struct evidence *e, uint64_t seed);
/* evidence_hurry - ask this path's harm signals again at once (conflict or suspicion): re-read, do
 * not guess. */
void evidence_hurry(struct evidence *e, const struct path *p);

#endif
