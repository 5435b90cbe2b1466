/* Invariant 13: after a run's terminal record no class F target accepts an effect with one of its
 * numbers. */
#include "sim/sim.h"

static void accepted(struct sim *s, const struct request *r, const char *before);

const struct invariant inv_13 = { .name = "inv_13_terminal", .accepted = accepted };

static void
accepted(struct sim *s, const struct request *r, const char *before)
{
	const struct vintent *x = view_intent(&s->view, r->lsn);
	const struct vrun *run = x != NULL && x->run != SIZE_MAX ? &s->view.run[x->run] : NULL;

	(void)before;
	if (run != NULL && run->terminal && s->target[r->to].class == FENCE_F)
		violated(s, &inv_13, "%s accepted %llu of run %s, which has ended", r->target,
			(unsigned long long)r->lsn, run->id);
}
