/*
 * Invariant 19: a run that was turned round, by a person's abort or by a failure, ends rolled back,
 * or is blocked (invariant 18 sees to the alarm); it never ends as done.
 */
#include "base/text.h"
#include "sim/sim.h"

static void record(struct sim *s, const struct vrecord *rec);
static void over(struct sim *s);

const struct invariant inv_19 = { .name = "inv_19_abort", .record = record, .over = over };

static bool
moves(const struct vrun *r)
{
	return text_eq(r->kind, "cutover") || text_eq(r->kind, "failback");
}

static void
record(struct sim *s, const struct vrecord *rec)
{
	if (rec->r->type == REC_END && rec->run != NULL && moves(rec->run) && rec->run->turned &&
		rec->run->state == VR_DONE)
		violated(s, &inv_19, "run %s was turned round and has ended as done", rec->run->id);
}

static void
over(struct sim *s)
{
	for (size_t i = 0; i < s->view.runs_n; i++) {
		const struct vrun *r = &s->view.run[i];

		if (moves(r) && r->turned && r->state != VR_UNDONE && r->state != VR_BLOCKED &&
			r->state != VR_FAILED)
			violated(s, &inv_19,
				"run %s was turned round and is neither rolled back "
				"nor blocked",
				r->id);
	}
}
