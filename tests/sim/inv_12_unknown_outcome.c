/*
 * Invariant 12, with rules 3, 9 and 10 of reliability.md section 5: while an intent is open and not
 * superseded, no dependent step is issued; the same direction never takes a new number while the
 * old one may still apply; what is not idempotent is accepted under one number only; compensation
 * goes backwards, one answered undo after the other.
 */
#include "base/text.h"
#include "sim/sim.h"

static void record(struct sim *s, const struct vrecord *rec);
static void accepted(struct sim *s, const struct request *r, const char *before);

const struct invariant inv_12 = {
	.name = "inv_12_unknown_outcome", .record = record, .accepted = accepted
};

/* An intent for something else on the same fence domain has taken over before x came. */
static bool
superseded(const struct view *v, const struct vintent *o, const struct vintent *x)
{
	for (size_t i = 0; i < v->intents_n; i++) {
		const struct vintent *n = &v->intent[i];

		if (!n->gone && n->seq > o->seq && n->seq < x->seq &&
			text_eq(n->domain, o->domain) &&
			(n->dir != o->dir || !text_eq(n->step, o->step)))
			return true;
	}
	return false;
}

static void
needs_are_done(
	struct sim *s, const struct vintent *x, const struct vrun *run, const struct vstep *st)
{
	for (size_t i = 0; i < st->needs_n && s->killer == NULL; i++) {
		const struct vintent *n = view_newest(&s->view, run, st->needs[i], DIR_DO);

		if (!view_done(&s->view, run, st->needs[i], DIR_DO))
			violated(s, &inv_12,
				"INTENT %llu for step %s, and step %s that it needs is not done",
				(unsigned long long)x->lsn, st->id, st->needs[i]);
		else if (n != NULL && !n->answered)
			violated(s, &inv_12,
				"INTENT %llu for step %s, and intent %llu of step %s is open",
				(unsigned long long)x->lsn, st->id, (unsigned long long)n->lsn,
				st->needs[i]);
	}
}

static void
not_renumbered(struct sim *s, const struct vintent *x)
{
	struct view *v = &s->view;

	for (size_t i = 0; i + 1 < v->intents_n; i++) {
		const struct vintent *o = &v->intent[i];

		if (o->gone || o->run != x->run || o->dir != x->dir || !text_eq(o->step, x->step) ||
			o->answered)
			continue;
		if (!superseded(v, o, x))
			violated(s, &inv_12, "step %s %s takes number %llu while %llu is open",
				x->step, effect_dir_name(x->dir), (unsigned long long)x->lsn,
				(unsigned long long)o->lsn);
	}
}

/* Nothing of o can land any more: the target has shown a newer number of its domain. */
static bool
is_past(const struct view *v, const struct vintent *o, const struct vintent *x)
{
	for (size_t i = 0; i < v->intents_n; i++) {
		const struct vintent *n = &v->intent[i];

		if (!n->gone && n->seq > o->seq && n->seq < x->seq &&
			text_eq(n->domain, o->domain) && n->answered &&
			(n->outcome == OUT_DONE || n->outcome == OUT_UNCHANGED ||
				n->outcome == OUT_STALE))
			return true;
	}
	return false;
}

/* Steps of one run do not overlap within a fence domain, but an undo or a fence may overtake. */
static void
no_overlap(struct sim *s, const struct vintent *x)
{
	struct view *v = &s->view;

	for (size_t i = 0; x->dir == DIR_DO && i + 1 < v->intents_n && s->killer == NULL; i++) {
		const struct vintent *o = &v->intent[i];

		if (!o->gone && o->run == x->run && !o->answered && !is_past(v, o, x) &&
			o->dir == DIR_DO && text_eq(o->domain, x->domain) &&
			!text_eq(o->step, x->step))
			violated(s, &inv_12, "steps %s and %s overlap at %s", o->step, x->step,
				x->domain);
	}
}

static void
backwards(struct sim *s, const struct vintent *x, const struct vrun *run)
{
	bool after = false;

	for (size_t i = 0; i < run->steps_n && s->killer == NULL; i++) {
		const struct vstep *st = &run->step[i];
		const struct vintent *undo = view_newest(&s->view, run, st->id, DIR_UNDO);

		if (text_eq(st->id, x->step)) {
			after = true;
			continue;
		}
		if (undo != NULL && !undo->answered)
			violated(s, &inv_12, "step %s is undone while the undo of step %s is open",
				x->step, st->id);
		else if (after && st->state && view_newest(&s->view, run, st->id, DIR_DO) != NULL &&
			 !view_done(&s->view, run, st->id, DIR_UNDO))
			violated(s, &inv_12,
				"step %s is undone before step %s, which came after it", x->step,
				st->id);
	}
}

static void
record(struct sim *s, const struct vrecord *rec)
{
	const struct vintent *x = rec->intent;
	const struct vstep *st = x != NULL ? view_step(rec->run, x->step) : NULL;

	if (st == NULL)
		return;
	not_renumbered(s, x);
	no_overlap(s, x);
	if (x->dir == DIR_DO)
		needs_are_done(s, x, rec->run, st);
	else if (x->dir == DIR_UNDO)
		backwards(s, x, rec->run);
}

static void
accepted(struct sim *s, const struct request *r, const char *before)
{
	struct view *v = &s->view;
	const struct vintent *x = view_intent(v, r->lsn);
	const struct vstep *st =
		x != NULL && x->run != SIZE_MAX ? view_step(&v->run[x->run], r->step) : NULL;

	(void)before;
	if (st == NULL || !st->act)
		return;
	for (size_t i = 0; i + 1 < v->effs_n; i++) {
		const struct request *o = &s->request[v->eff[i].request];

		const struct vintent *y = view_intent(v, o->lsn);

		if (o->lsn != r->lsn && o->dir == r->dir && y != NULL && y->run == x->run &&
			text_eq(o->step, r->step) && !superseded(v, y, x))
			violated(s, &inv_12, "step %s was accepted twice, as %llu and %llu",
				r->step, (unsigned long long)o->lsn, (unsigned long long)r->lsn);
	}
}
