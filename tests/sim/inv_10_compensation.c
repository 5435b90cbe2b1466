/*
 * Invariant 10: a run that ended rolled back has restored the base of each step with a forward
 * intent, answered or not; one that ended complete left each resource at the plan's final value, at
 * every authority. What a person has changed by hand meanwhile is not ours to answer for.
 */
#include "base/text.h"
#include "sim/sim.h"

#include <string.h>

static void record(struct sim *s, const struct vrecord *rec);

const struct invariant inv_10 = { .name = "inv_10_compensation", .record = record };

static bool
hand_since(const struct tcell *c, int64_t at)
{
	return c->hand_at >= at;
}

/* A shelter of a run that a restored journal has forgotten says nothing of this one: it ends by
 * itself, at the relay, and invariant 8 asks that people hear of it. */
static bool
forgotten_shelter(struct view *v, const struct accepted *e, const struct vrun *run)
{
	const struct vintent *x = view_intent(v, e->lsn);

	return text_starts(e->resource, "relay.park ") && x != NULL && x->gone &&
	       !text_eq(x->run_id, run->id);
}

/* The last effect of ours on the resource. */
static const struct accepted *
last_effect(struct view *v, size_t to, const struct vrun *run, const char *resource)
{
	for (size_t i = v->effs_n; i-- > 0;)
		if (v->eff[i].to == to && !v->eff[i].fence &&
			text_eq(v->eff[i].resource, resource) &&
			!forgotten_shelter(v, &v->eff[i], run))
			return &v->eff[i];
	return NULL;
}

static const struct vstep *
first_on(const struct vrun *run, const struct vstep *st)
{
	for (size_t i = 0; i < run->steps_n; i++)
		if (run->step[i].state && text_eq(run->step[i].target, st->target) &&
			text_eq(run->step[i].resource, st->resource))
			return &run->step[i];
	return st;
}

/* A shelter leads back to open, whatever it began with: nobody parks by hand. */
static const char *
base_of(const struct vstep *st)
{
	return text_starts(st->resource, "relay.park ") ? "" : st->base;
}

static void
restored(struct sim *s, const struct vrun *run, const struct vstep *st)
{
	struct ftarget *t = target_find(s, st->target);
	struct tcell *c = t != NULL ? target_cell(t, st->resource) : NULL;
	const struct accepted *e;

	if (view_newest(&s->view, run, st->id, DIR_DO) == NULL || c == NULL)
		return;
	if (text_starts(st->resource, "relay.park ") && text_eq(c->value, ""))
		return; /* open: what let it go has another resource, its queue */
	e = last_effect(&s->view, (size_t)(t - s->target), run, st->resource);
	if (e == NULL || e->at < run->start_at || hand_since(c, e->at) ||
		text_eq(e->value, base_of(first_on(run, st))))
		return;
	violated(s, &inv_10, "run %s is rolled back, and %s of %s was last set to \"%s\"", run->id,
		st->resource, st->target, e->value);
}

static const struct vstep *
last_on(const struct vrun *run, const struct vstep *st)
{
	for (size_t i = run->steps_n; i-- > 0;)
		if (run->step[i].state && text_eq(run->step[i].target, st->target) &&
			text_eq(run->step[i].resource, st->resource))
			return &run->step[i];
	return st;
}

/* Of a name's TXT records the plan's is the SPF one; the others are not ours, and a server may show
 * them late. */
static bool
shows(const struct vstep *st, const char *shown, const char *want)
{
	static const char spf[] = "txt v=spf1";
	const char *a = strstr(shown, spf), *b = strstr(want, spf);

	if (strstr(st->resource, " TXT") == NULL || a == NULL || b == NULL)
		return text_eq(shown, want);
	return strcspn(a, "\n") == strcspn(b, "\n") && strncmp(a, b, strcspn(a, "\n")) == 0;
}

static void
complete(struct sim *s, const struct vrun *run, const struct vstep *st)
{
	struct ftarget *t = target_find(s, st->target);
	struct tcell *c = t != NULL ? target_cell(t, st->resource) : NULL;
	const char *want = last_on(run, st)->want;

	if (c == NULL || hand_since(c, run->start_at) || text_starts(st->resource, "relay.park "))
		return;
	if (!text_eq(c->value, want))
		violated(s, &inv_10, "run %s is complete, and %s of %s is \"%s\"", run->id,
			st->resource, st->target, c->value);
	for (size_t i = 1; t == &s->target[T_ZONE] && i <= SECONDARIES; i++)
		if (!shows(st, c->shown[i], want))
			violated(s, &inv_10,
				"run %s is complete, and server %zu still shows %s as \"%s\"",
				run->id, i, st->resource, c->shown[i]);
}

static void
record(struct sim *s, const struct vrecord *rec)
{
	if (rec->r->type != REC_END || rec->run == NULL)
		return;
	for (size_t i = 0; i < rec->run->steps_n && s->killer == NULL; i++) {
		const struct vstep *st = &rec->run->step[i];

		if (st->state && rec->run->state == VR_UNDONE)
			restored(s, rec->run, st);
		if (st->state && rec->run->state == VR_DONE)
			complete(s, rec->run, st);
	}
}
