/*
 * Invariant 11: from the pivot's INTENT on, answered or not, a run compensates nothing; nor when
 * its pivot was there already, and a RESULT without an INTENT says so.
 */
#include "sim/sim.h"

static void record(struct sim *s, const struct vrecord *rec);

const struct invariant inv_11 = { .name = "inv_11_pivot", .record = record };

static void
record(struct sim *s, const struct vrecord *rec)
{
	const struct vintent *x = rec->intent;
	const struct vstep *st = x != NULL ? view_step(rec->run, x->step) : NULL;

	if (st == NULL)
		return;
	if (x->dir == DIR_DO && st->pivot && !x->pivot)
		violated(s, &inv_11, "INTENT %llu is of the pivot and does not say so",
			(unsigned long long)x->lsn);
	if (x->dir == DIR_UNDO && rec->run->pivot_seq != 0)
		violated(s, &inv_11, "run %s takes step %s back after its pivot", rec->run->id,
			x->step);
	if (rec->run->state == VR_UNDONE && rec->run->pivot_seq != 0)
		violated(s, &inv_11, "run %s is rolled back after its pivot", rec->run->id);
}
