/*
 * Invariant 16: two cut-overs of a flow that start by themselves are a cooldown apart, and no more
 * of them start in a day than the playbook's budget allows. Both are counted in true time, whatever
 * the wall clock says: but from the last record of a boot to the first of the next nothing else
 * tells the time, and what that clock is set by meanwhile cannot be known (DESIGN section 8).
 */
#include "base/text.h"
#include "sim/sim.h"

static void record(struct sim *s, const struct vrecord *rec);

const struct invariant inv_16 = { .name = "inv_16_hold_down", .record = record };

static bool
by_itself(const struct vrun *r)
{
	return text_eq(r->kind, "cutover") && text_eq(r->by, "automatic");
}

/* Since that run began, as far as it can be known. */
static int64_t
age(const struct sim *s, const struct vrun *r)
{
	return s->now - r->start_at + s->view.unseen_ms - r->start_unseen;
}

static void
record(struct sim *s, const struct vrecord *rec)
{
	const struct view *v = &s->view;
	const struct limits *l = &s->book->limits;
	int64_t in_budget = 0;

	if (rec->r->type != REC_START || !by_itself(rec->run))
		return;
	for (size_t i = 0; i + 1 < v->runs_n; i++) {
		const struct vrun *r = &v->run[i];

		if (!by_itself(r))
			continue;
		in_budget += age(s, r) < l->cutovers.per_ms;
		if (text_eq(r->flow, rec->run->flow) && age(s, r) < l->cooldown_ms)
			violated(s, &inv_16, "run %s starts by itself %lld s after run %s",
				rec->run->id, (long long)(age(s, r) / 1000), r->id);
	}
	if (in_budget + 1 > l->cutovers.count)
		violated(s, &inv_16, "run %s is the automatic cut-over number %lld of the day",
			rec->run->id, (long long)in_budget + 1);
}
