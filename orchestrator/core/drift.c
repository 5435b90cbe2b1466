/*
 * drift.c - while mail runs on the backup: do the targets still show what the cut-over left there?
 *
 * What somebody else has changed is told to people and shown, never fought. Where mail does not
 * take the backup any more the table's row decides (lifecycle.def, rows 600 and 604); that stops
 * what would start by itself.
 */
#include "core/engine.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { DRIFT_MS = 20000 };

/* The newest cut-over of this flow that is done; NULL when the journal has none. */
static const struct lrun *
last_out(struct core *c, const struct book *b, enum flow f)
{
	const struct lrun *found = NULL;

	for (size_t i = 0; i < c->l.runs_n; i++) {
		const struct lrun *r = &c->l.run[i];

		if (r->kind == LK_CUTOVER && r->state == LR_DONE && r->flow == f &&
			text_eq(r->playbook, b->name))
			found = r;
	}
	return found;
}

/* The first value, in the order of the steps, that is not as the run left it: it is done, and so is
 * each of its steps. */
static bool
changed(struct core *c, const struct lrun *r, const struct look *l, char *why, size_t n)
{
	size_t at = 0;
	const struct json *body = json_read(c->out, r->plan, r->plan_n, &at);

	for (const struct json *o = json_items(body, "steps"); o != NULL; o = o->next) {
		const struct plan_value *v = look_of(l, o);
		const char *want = json_str(o, "want");

		if (v == NULL || want == NULL || value_stands(v->resource, want, v->value))
			continue;
		(void)snprintf(why, n,
			"%s at %s is not as %s left it: somebody else has changed it; it is left "
			"alone",
			v->resource, v->target, r->id);
		return true;
	}
	return false;
}

static void
say(struct core *c, const struct book *b, enum flow f, const char *why, bool row_tells)
{
	if (why[0] == '\0')
		tell(c, b->name, SEV_INFO, "%s %s: the targets are again as the cut-over left them",
			b->name, flow_name(f));
	else if (!row_tells)
		tell(c, b->name, SEV_ALARM, "%s %s: mail runs on the backup, and %s", b->name,
			flow_name(f), why);
}

static void
judge(struct core *c, struct book *b, enum flow f)
{
	struct machine *m = &b->m[f];
	struct look *l = m->drift;
	const struct procedure *p = playbook_cutover(l->pb, f);
	const struct lrun *r = last_out(c, b, f);
	char why[WHY_LEN] = "", side_why[WHY_LEN] = "";
	enum plan_side side;

	for (size_t i = 0; i < l->n; i++)
		if (!l->value[i].known)
			return; /* a target that does not answer has not drifted */
	side = plan_side(l->a, l->pb, p, l->value, l->n, side_why, sizeof side_why);
	if (l->marker[0] != '\0')
		(void)snprintf(why, sizeof why, "%s", l->marker);
	else if ((r == NULL || !changed(c, r, l, why, sizeof why)) && side != SIDE_BACKUP)
		(void)snprintf(why, sizeof why, "%s",
			side_why[0] != '\0' ? side_why : "the switch points lead to the primary");
	if (side != SIDE_BACKUP) {
		m->drifted = true;
		m->settled = side == SIDE_PRIMARY ? SETTLED_ON_PRIMARY : SETTLED_MIXTURE;
		(void)snprintf(m->settled_why, sizeof m->settled_why, "%s", why);
	}
	if (text_eq(why, m->drift_why))
		return;
	(void)snprintf(m->drift_why, sizeof m->drift_why, "%s", why);
	say(c, b, f, why, m->drifted);
}

static bool
concerned(struct core *c, struct book *b, enum flow f)
{
	const struct lmachine *l = b->m[f].on ? ledger_machine(&c->l, b->name, f) : NULL;

	return b->pb != NULL && !c->one_shot && l != NULL &&
	       (l->state == LS_ON_BACKUP || l->state == LS_RECOVERING) &&
	       playbook_cutover(b->pb, f) != NULL && machine_run(c, b, f) == NULL;
}

static void
watch(struct core *c, struct book *b, enum flow f)
{
	struct machine *m = &b->m[f];

	if (!concerned(c, b, f)) {
		look_free(c, &m->drift);
		m->drifted = false;
		m->drift_why[0] = '\0';
		m->drift_next_boot_ms = c->boot_ms;
	} else if (m->drift == NULL && c->boot_ms >= m->drift_next_boot_ms) {
		m->drift_next_boot_ms = c->boot_ms + DRIFT_MS;
		m->drift = look_for_plan(c, b, playbook_cutover(b->pb, f), PLAN_OUT);
	} else if (m->drift != NULL && m->drift->open == 0) {
		judge(c, b, f);
		look_free(c, &m->drift);
	}
}

void
drift_all(struct core *c)
{
	for (struct book *b = c->books; b != NULL; b = b->next)
		for (int f = 0; f < FLOW_N; f++)
			watch(c, b, (enum flow)f);
}

int64_t
drift_wake(const struct core *c)
{
	int64_t wake = INT64_MAX;

	for (const struct book *b = c->books; b != NULL; b = b->next)
		for (int f = 0; f < FLOW_N; f++)
			if (b->m[f].drift == NULL && b->m[f].drift_next_boot_ms > c->boot_ms)
				wake = earlier(wake, b->m[f].drift_next_boot_ms);
	return wake;
}
