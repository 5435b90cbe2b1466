/*
 * Invariant 1: each effect that leaves, and each that a target accepts, has exactly one INTENT,
 * durable before the request left, with the same content, and that content is the one of its step
 * in the plan.
 */
#include "base/text.h"
#include "sim/sim.h"

static void same_as_intent(struct sim *s, const struct request *r, const char *when);
static void one_intent(struct sim *s, const struct vrecord *rec);

static void
sent(struct sim *s, const struct request *r)
{
	same_as_intent(s, r, "left");
}

static void
accepted(struct sim *s, const struct request *r, const char *before)
{
	(void)before;
	same_as_intent(s, r, "was accepted");
}

const struct invariant inv_01 = { .name = "inv_01_intent_before_effect",
	.record = one_intent,
	.sent = sent,
	.accepted = accepted };

static void
same_as_intent(struct sim *s, const struct request *r, const char *when)
{
	const struct vintent *x = view_intent(&s->view, r->lsn);

	if (x == NULL)
		violated(s, &inv_01, "request %llu to %s %s and no durable INTENT names it",
			(unsigned long long)r->lsn, r->target, when);
	else if (x->dir != r->dir || !text_eq(x->target, r->target) ||
		 !text_eq(x->resource, r->resource) || !text_eq(x->want, r->want) ||
		 !text_eq(x->base, r->base) || !text_eq(x->options, r->options) ||
		 x->seen_lsn != r->seen_lsn || !text_eq(x->run_id, r->run))
		violated(s, &inv_01, "request %llu to %s is not the one that its INTENT announced",
			(unsigned long long)r->lsn, r->target);
}

static void
as_planned(struct sim *s, const struct vintent *x, const struct vrun *run)
{
	const struct vstep *st = view_step(run, x->step);

	if (st == NULL) {
		violated(s, &inv_01,
			"INTENT %llu is for step \"%s\" of run %s, which has no such step",
			(unsigned long long)x->lsn, x->step, x->run_id);
		return;
	}
	if (!text_eq(st->target, x->target) || !text_eq(st->resource, x->resource) ||
		!text_eq(st->domain, x->domain) ||
		!text_eq(x->dir == DIR_UNDO ? st->undo : st->want, x->want) ||
		(x->dir == DIR_DO && !text_eq(st->options, x->options)))
		violated(s, &inv_01, "INTENT %llu wants \"%s\", which step %s of the plan does not",
			(unsigned long long)x->lsn, x->want, x->step);
}

static void
one_intent(struct sim *s, const struct vrecord *rec)
{
	const struct vintent *x = rec->intent;

	if (x == NULL)
		return;
	if (x->lsn <= s->view.lsn || x->lsn >> 40 != rec->r->era)
		violated(s, &inv_01, "INTENT %llu does not rise above %llu in era %llu",
			(unsigned long long)x->lsn, (unsigned long long)s->view.lsn,
			(unsigned long long)rec->r->era);
	else if (x->dir != DIR_FENCE)
		as_planned(s, x, rec->run);
}
