/*
 * Rules 12 and 13 of reliability.md section 5 (they hold invariant 15's door): in a new era, after
 * a first start or a restored journal, each class F target has accepted a fence of this era before
 * any run changes anything.
 */
#include "base/text.h"
#include "sim/sim.h"

static void record(struct sim *s, const struct vrecord *rec);

const struct invariant inv_15 = { .name = "inv_15_new_era", .record = record };

static void
record(struct sim *s, const struct vrecord *rec)
{
	if (rec->intent == NULL || rec->intent->dir == DIR_FENCE)
		return;
	for (size_t i = 0; i < T_N; i++) {
		const struct ftarget *t = &s->target[i];

		if (rec->run != NULL && text_eq(rec->run->kind, "eject") && t->retired != 0)
			continue; /* that run has taken it out */
		if (t->name != NULL && t->class == FENCE_F && t->marker_lsn >> 40 != s->journal.era)
			violated(s, &inv_15,
				"INTENT %llu in era %llu, and %s has not been fenced in it",
				(unsigned long long)rec->intent->lsn,
				(unsigned long long)s->journal.era, t->name);
	}
}
