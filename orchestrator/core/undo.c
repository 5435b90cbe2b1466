/*
 * undo.c - a run backward: every step that has any forward intent, answered or not, in reverse
 * order; each undo is answered before the next (rule 10).
 */
#include "core/engine.h"
#include "base/planted.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* Patience of an undo: longer than a reboot, for the other end of it is a person. */
enum { UNDO_MS = 600000, UNDO_TRIES = 100 };

/* What may have reached a target and has an inverse. What was let go (queue.release) cannot be
 * called back. */
static bool
to_undo(const struct lrun *r, const struct vstep *v)
{
	const struct lstep *s = run_lstep(r, v->p->id);

	if (s->do_lsn == 0 || s->undone || v->p->kind->class != STEP_STATE)
		return false;
	for (size_t i = 0; PLANTED(UNDO_LAST_ONLY) && i < r->steps_n; i++)
		if (r->step[i].undone)
			return false;
	return !(PLANTED(SKIP_MAYBE_APPLIED) && !s->do_answered);
}

static void
begin(struct live *l, struct vstep *v)
{
	const struct plan_step *p = v->p;
	int64_t effect_ms = p->target->info->fence == FENCE_F ? EFFECT_MS : U_EFFECT_MAX_MS;

	v->begun = true;
	v->change = (struct change){ .owner = v,
		.pb = l->pb,
		.playbook = l->pb->name,
		.run = l->id,
		.step = p->id,
		.target = p->target,
		.resource = p->resource,
		.options = "",
		.dir = DIR_UNDO,
		.base = p->want,
		.want = p->undo,
		.deadline_ms = p->deadline_ms > UNDO_MS ? p->deadline_ms : UNDO_MS,
		.effect_ms = effect_ms,
		.retries = UNDO_TRIES };
}

static void
blocked(struct core *c, struct live *l, const struct lrun *r, const struct vstep *v)
{
	char why[WHY_LEN + 400];

	(void)snprintf(why, sizeof why, "step %s (%s) cannot be undone: %s", v->p->id, v->p->name,
		v->change.why);
	run_end(c, l, r, "blocked", why);
}

/* Returns true when the step needs nothing more. */
static bool
undo(struct core *c, struct live *l, const struct lrun *r, struct vstep *v, bool frozen)
{
	if (!v->begun)
		begin(l, v);
	v->change.frozen = frozen;
	change_advance(c, &v->change);
	if (v->change.end != CE_FAILED)
		return v->change.end == CE_DONE;
	if (!proposed(c))
		blocked(c, l, r, v);
	return false;
}

/* What became of it comes first, for a long reason may be cut short where it is shown; an abort
 * has none. */
static const char *
end_text(struct core *c, const struct lrun *r)
{
	const char *text = "nothing had been changed", *told;

	for (size_t i = 0; i < r->steps_n; i++)
		if (r->step[i].do_lsn != 0)
			text = "what was begun is undone, each target is as it was";
	if (r->why[0] == '\0')
		return text;
	told = arena_fmt(c->out, "%s; it failed at %s", text, r->why);
	return told != NULL ? told : text;
}

void
undo_advance(struct core *c, struct live *l, const struct lrun *r, bool frozen)
{
	bool left = false;

	for (size_t i = 0; i < l->n && !(PLANTED(UNDO_IN_ORDER) && l->ending); i++) {
		struct vstep *v = &l->step[PLANTED(UNDO_IN_ORDER) ? i : l->n - 1 - i];

		if (!to_undo(r, v))
			continue;
		left = true;
		(void)undo(c, l, r, v, frozen);
		if (!PLANTED(UNDO_IN_ORDER))
			break;
	}
	if (!left)
		run_end(c, l, r, "undone", end_text(c, r));
}
