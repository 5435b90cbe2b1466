/*
 * Invariant 2: the numbers that a class F target accepts rise strictly. For class U, whose target
 * keeps the last write, an older number must never land after a newer one: the sender's deadline
 * and drain wait see to that. One thing is let pass: where ferryman was taken out, a late copy of
 * its first fence finds no number, as it did then. It changes no value.
 */
#include "base/text.h"
#include "sim/sim.h"

static void accepted(struct sim *s, const struct request *r, const char *before);

const struct invariant inv_02 = { .name = "inv_02_fenced_order", .accepted = accepted };

/* The target's number was taken out before this request was accepted, and nothing but such a fence
 * came since. */
static bool
was_out(const struct sim *s, const struct request *r)
{
	const struct view *v = &s->view;

	for (size_t i = v->effs_n - 1; i-- > 0;)
		if (v->eff[i].to == r->to)
			return text_eq(v->eff[i].resource, FENCE_MARKER) && !v->eff[i].fence;
	return false;
}

static bool
was_accepted(const struct view *v, uint64_t lsn)
{
	for (size_t i = 0; i + 1 < v->effs_n; i++)
		if (v->eff[i].lsn == lsn)
			return true;
	return false;
}

/* And a late copy of the removal, or the same one sent again, takes that out again. */
static bool
takes_that_out(const struct sim *s, const struct request *r)
{
	const struct request *last = &s->request[s->view.eff[s->view.effs_n - 1].request];

	for (size_t i = s->view.effs_n - 1; i-- > 0;) {
		last = &s->request[s->view.eff[i].request];
		if (s->view.eff[i].to == r->to)
			break;
	}
	return text_eq(r->resource, FENCE_MARKER) && was_accepted(&s->view, r->lsn) &&
	       last->dir == DIR_FENCE && last->seen_lsn == 0;
}

static void
accepted(struct sim *s, const struct request *r, const char *before)
{
	const struct view *v = &s->view;
	uint64_t highest = 0;

	(void)before;
	if ((r->dir == DIR_FENCE && r->seen_lsn == 0 && was_out(s, r)) || takes_that_out(s, r))
		return;
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
