/*
 * restored.c - a run that is open in the journal when a new era begins (a restored copy,
 * break-glass).
 *
 * The journal may have forgotten what that run did, or that it ended. So it waits until every fence
 * domain is raised and the targets are read (reliability.md section 5, rules 12 and 13). If they
 * hold what the journal leads to expect, it goes on. If not, it is given up, nothing is taken back,
 * and the machine settles by what the targets show.
 *
 * One that goes on proves anew what its next steps rest on: the record may have been taken out and
 * published again in what the journal has forgotten, and servers and caches lag behind the primary.
 */
#include "core/engine.h"

#include "base/planted.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

static bool
will_look(struct core *c, struct book *b, enum flow f)
{
	const struct lmachine *l = ledger_machine(&c->l, b->name, f);

	return b->m[f].on && !b->m[f].looked &&
	       ((l != NULL && l->state == LS_SETTLING) ||
		       ledger_open_run(&c->l, b->name, f) != NULL);
}

static bool
all_looked(struct core *c)
{
	for (struct book *b = c->books; b != NULL; b = b->next)
		for (int f = 0; f < FLOW_N; f++)
			if (will_look(c, b, (enum flow)f))
				return false;
	return true;
}

bool
restored_waits(struct core *c, const struct lrun *r)
{
	const struct book *b;

	if (PLANTED(RUN_UNFENCED))
		return false;
	if (r->era >= c->era)
		return !all_looked(c) && !PLANTED(UNASKED);
	if (PLANTED(RESTORED_UNREAD))
		return false;
	b = book_find(c, r->playbook);
	return b == NULL || !b->m[r->flow].era_read;
}

/* The value may be what the step leaves, as far as the journal knows of it. */
static bool
step_fits(const struct lstep *s, const struct json *o, const char *value)
{
	const char *base = json_str(o, "base"), *want = json_str(o, "want"),
		   *undo = json_str(o, "undo");

	if (s->undone)
		return text_eq(value, undo);
	if (s->undo_lsn != 0)
		return text_eq(value, undo) || text_eq(value, want) || text_eq(value, base);
	if (s->done)
		return text_eq(value, want);
	return text_eq(value, base) || (s->do_lsn != 0 && text_eq(value, want));
}

static bool
touched(const struct lstep *s)
{
	return s->done || s->undone || s->do_lsn != 0 || s->undo_lsn != 0;
}

/* The step that has set this value last; the first one on it when none has yet. */
static const struct json *
last_on(const struct lrun *r, const struct json *steps, const struct look *l,
	const struct plan_value *v)
{
	const struct json *found = NULL;

	for (const struct json *o = steps->child; o != NULL; o = o->next) {
		if (look_of(l, o) != v)
			continue;
		if (found == NULL || touched(run_lstep(r, json_str(o, "id"))))
			found = o;
	}
	return found;
}

bool
restored_fits(struct core *c, const struct lrun *r, const struct look *l, char *why, size_t n)
{
	size_t at = 0;
	const struct json *body = json_read(c->out, r->plan, r->plan_n, &at);
	const struct json *steps = json_get(body, "steps");
	bool fits = steps != NULL;

	(void)snprintf(why, n, "the plan of %s cannot be read", r->id);
	for (const struct json *o = json_items(body, "steps"); o != NULL && fits; o = o->next) {
		const struct plan_value *v = look_of(l, o);
		const struct json *last = v != NULL ? last_on(r, steps, l, v) : NULL;

		if (last == NULL || step_fits(run_lstep(r, json_str(last, "id")), last, v->value))
			continue;
		fits = false;
		(void)snprintf(why, n,
			"the journal is of a new era, and %s at %s is not as it leaves run %s: "
			"nothing is taken back, mail stays where the targets send it",
			v->resource, v->target, r->id);
	}
	return fits;
}

/* --- what was proven before --- */

static bool
is_proof(const struct plan_step *p)
{
	return p->kind->class != STEP_STATE && p->kind->class != STEP_ACT;
}

/* A later step has set its resource: what it waited for is not to be seen any more. */
static bool
is_superseded(const struct live *l, const struct lrun *r, size_t i)
{
	const struct plan_step *p = l->step[i].p;

	for (size_t k = i + 1; k < l->n; k++)
		if (l->step[k].p->kind->class == STEP_STATE && l->step[k].p->target == p->target &&
			text_eq(l->step[k].p->resource, p->resource) &&
			touched(run_lstep(r, l->step[k].p->id)))
			return true;
	return false;
}

static bool
needs_any(const struct live *l, size_t k, const bool *of)
{
	const struct plan_step *p = l->step[k].p;

	for (size_t i = 0; i < k; i++)
		for (size_t n = 0; of[i] && n < p->needs_n; n++)
			if (text_eq(l->step[i].p->id, p->needs[n]))
				return true;
	return false;
}

/* Step i, and each that needs it, itself or by others. */
static void
mark_dependents(const struct live *l, size_t i, bool of[static LEDGER_STEPS])
{
	memset(of, 0, LEDGER_STEPS * sizeof *of);
	if (i < LEDGER_STEPS)
		of[i] = true;
	for (size_t k = i + 1; k < l->n && k < LEDGER_STEPS; k++)
		of[k] = needs_any(l, k, of);
}

/* A step that is still to come needs it. */
static bool
is_needed(const struct live *l, const struct lrun *r, size_t i)
{
	bool of[LEDGER_STEPS];

	mark_dependents(l, i, of);
	for (size_t k = i + 1; k < l->n && k < LEDGER_STEPS; k++)
		if (of[k] && !run_lstep(r, l->step[k].p->id)->done)
			return true;
	return false;
}

bool
restored_unproven(const struct core *c, const struct live *l, const struct lrun *r, size_t i)
{
	return is_proof(l->step[i].p) && run_lstep(r, l->step[i].p->id)->done_era < c->era &&
	       !is_superseded(l, r, i) && is_needed(l, r, i) && !PLANTED(OLD_PROOF);
}

bool
restored_rests(const struct core *c, const struct live *l, const struct lrun *r, size_t k)
{
	bool of[LEDGER_STEPS];

	if (r->pivoted || k >= LEDGER_STEPS)
		return false; /* from the pivot on it goes forward */
	for (size_t i = 0; i < k; i++) {
		if (!restored_unproven(c, l, r, i))
			continue;
		mark_dependents(l, i, of);
		if (of[k])
			return true;
	}
	return false;
}
