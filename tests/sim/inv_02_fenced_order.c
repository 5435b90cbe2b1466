/*
 * Invariant 2: the numbers that a class F target accepts rise strictly, also where ferryman was
 * taken out and taken in again. For class U, whose target keeps the last write, an older number
 * must never land after a newer one: the sender's deadline and drain wait see to that.
 */
#include "sim/sim.h"

static void accepted(struct sim *s, const struct request *r, const char *before);

const struct invariant inv_02 = { .name = "inv_02_fenced_order", .accepted = accepted };

static void
accepted(struct sim *s, const struct request *r, const char *before)
{
	const struct view *v = &s->view;
	uint64_t highest = 0;

	(void)before;
	for (size_t i = 0; i + 1 < v->effs_n; i++) {
		const struct vintent *x = view_intent(&s->view, v->eff[i].lsn);

		/* a class U target knows nothing of what a restored journal forgot */
		if (s->target[r->to].class == FENCE_U && (x == NULL || x->gone))
			continue;
		if (v->eff[i].to == r->to && v->eff[i].lsn > highest)
			highest = v->eff[i].lsn;
	}
	if (r->lsn < highest || (r->lsn == highest && s->target[r->to].class == FENCE_F))
		violated(s, &inv_02, "%s accepted %llu after %llu", r->target,
			(unsigned long long)r->lsn, (unsigned long long)highest);
}
