/*
 * Invariant 16: two cut-overs of a flow that start by themselves are a cooldown apart, and no more
 * of them start in a day than the playbook's budget allows. Both are counted in true time, whatever
 * the wall clock says: but from the last record of a boot to the first of the next nothing else
 * tells the time, and what that clock is set by meanwhile cannot be known (DESIGN section 8).
 *
 * Neither they nor a way home start by themselves at an hour at which the playbook forbids it, by
 * the wall clock of whoever starts them.
 *
 * And mail goes home by itself only where the playbook lets it, and when by what probes have said
 * nothing of the primary was bad, and something of it well, at any moment of the soak; while we
 * see.
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

/* --- the way back --- */

static bool
healthy(const struct known *m, const void *ctx)
{
	const struct playbook *pb = m->s->book;
	enum flow f = *(const enum flow *)ctx;
	bool ok = false;

	for (size_t i = 0; i < pb->signals_n; i++) {
		const struct signal *sig = &pb->signals[i];

		if (sig->path != pb->primary || (sig->flow_given && sig->flow != f))
			continue;
		for (size_t k = 0; k < sig->subjects_n; k++) {
			if (answers_surely_bad(m, sig, &sig->subjects[k]))
				return false;
			ok = ok || (sig->harm && answers_may_be_ok(m, sig, &sig->subjects[k]));
		}
	}
	return ok;
}

static void
home(struct sim *s, const struct vrecord *rec)
{
	const struct vrun *run = rec->run;
	enum flow f = text_eq(run->flow, "inbound") ? FLOW_INBOUND : FLOW_OUTBOUND;
	const struct procedure *p = playbook_cutover(s->book, f);
	const struct decided *d = answers_behind(s);

	if (p == NULL || d == NULL || p->failback.mode != MODE_AUTOMATIC ||
		s->book->mode != MODE_AUTOMATIC)
		violated(
			s, &inv_16, "run %s brings mail home, which nobody has asked for", run->id);
	else if (hours_forbid(s, NO_FAILBACK, rec->r->wall_ms))
		violated(s, &inv_16, "run %s brings mail home by itself at a forbidden hour",
			run->id);
	else if (!answers_anchored(&d->by))
		violated(s, &inv_16, "run %s brings mail home by itself, and we were blind",
			run->id);
	else if (!answers_held(d, p->failback.soak_ms, healthy, &f))
		violated(s, &inv_16,
			"run %s brings mail home by itself, and by what was answered to probes the "
			"primary was not healthy for %lld s",
			run->id, (long long)(p->failback.soak_ms / 1000));
}

static void
record(struct sim *s, const struct vrecord *rec)
{
	const struct view *v = &s->view;
	const struct limits *l = &s->book->limits;
	int64_t in_budget = 0;

	if (rec->r->type != REC_START)
		return;
	if (text_eq(rec->run->kind, "failback") && text_eq(rec->run->by, "automatic"))
		home(s, rec);
	if (!by_itself(rec->run))
		return;
	if (hours_forbid(s, NO_CUTOVER, rec->r->wall_ms))
		violated(s, &inv_16, "run %s starts by itself at a forbidden hour", rec->run->id);
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
