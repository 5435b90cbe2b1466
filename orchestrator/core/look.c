/*
 * look.c - targets read for a decision: where mail runs now, or what a plan is made from.
 *
 * Values are as read, with one exception: a shelter that is letting go counts as open, for it is
 * open in a moment and the plan's hash must not hang on that moment.
 */
#include "core/engine.h"

#include "base/planted.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

static void
ask(struct core *c, struct look *l, size_t i)
{
	struct flight *f;
	struct action *a = flight_action(c, OP_LOOK, ACT_READ, READ_MS, &f);

	if (a == NULL)
		return;
	f->look = l;
	f->index = i;
	l->op[i] = a->op;
	a->read.playbook = core_keep(c, l->pb->name);
	a->read.target = core_keep(c, l->read[i].target->name);
	a->read.resource = core_keep(c, l->read[i].resource);
	a->read.from = READ_TARGET;
	a->read.deadline_ms = READ_MS;
	l->open++;
}

struct look *
look_new(struct core *c, struct book *b, enum flow f, const struct plan_read *r, size_t n)
{
	struct arena *a = arena_new(&c->env.mem, PLAN_ARENA_MAX);
	struct look *l = a != NULL ? arena_get(a, sizeof *l) : NULL;
	struct plan_read *reads;

	if (l == NULL) {
		arena_free(&a);
		return NULL;
	}
	*l = (struct look){ .book = b, .pb = playbook_ref(b->pb), .flow = f, .a = a };
	l->value = arena_get(a, (n + 1) * sizeof *l->value);
	l->op = arena_get(a, (n + 1) * sizeof *l->op);
	l->read = reads = arena_get(a, (n + 1) * sizeof *reads);
	if (l->value == NULL || l->op == NULL || reads == NULL) {
		look_free(c, &l);
		return NULL;
	}
	for (size_t i = 0; i < n; i++) {
		reads[i] = (struct plan_read){ r[i].target, arena_str(a, r[i].resource) };
		l->value[i] = (struct plan_value){ .target = r[i].target->name,
			.resource = reads[i].resource };
	}
	l->n = n;
	for (size_t i = 0; i < n && !arena_failed(a); i++)
		ask(c, l, i);
	return l;
}

void
look_free(struct core *c, struct look **pl)
{
	struct look *l = *pl;
	struct arena *a;

	if (l == NULL)
		return;
	*pl = NULL;
	flight_drop_look(c, l);
	playbook_unref(&l->pb);
	a = l->a;
	arena_free(&a);
}

const char *
look_silent(const struct event *ev, bool late)
{
	if (late)
		return "no answer in time";
	if (ev->read.outcome == OUT_DONE)
		return NULL;
	return ev->read.why != NULL ? ev->read.why : "no answer";
}

const char *
look_value(const struct event *ev)
{
	return ev->read.value != NULL ? ev->read.value : "";
}

const struct plan_value *
look_of(const struct look *l, const struct json *step)
{
	const struct step_kind *k = step_kind_find(json_str(step, "kind"));

	if (k == NULL || k->class != STEP_STATE)
		return NULL;
	for (size_t i = 0; i < l->n; i++)
		if (text_eq(l->value[i].target, json_str(step, "target")) &&
			text_eq(l->value[i].resource, json_str(step, "resource")))
			return text_starts(l->value[i].resource, "relay.park ") ? NULL
										: &l->value[i];
	return NULL;
}

void
look_read(struct core *c, struct look *l, size_t i, const struct event *ev, bool late)
{
	struct plan_value *v = &l->value[i];
	const struct target *t = l->read[i].target;
	const char *silent = look_silent(ev, late), *value;
	char why[WHY_LEN];

	l->op[i] = 0;
	l->open--;
	if (PLANTED(UNREAD_IS_EMPTY) && !late && silent != NULL) {
		v->value = "";
		v->known = true;
		return;
	}
	if (silent != NULL) {
		v->why = arena_str(l->a, silent);
		return;
	}
	value = look_value(ev);
	if (text_starts(v->resource, "relay.park ") && text_eq(value, "releasing\n"))
		value = "";
	v->value = arena_str(l->a, value);
	v->known = v->value != NULL;
	if (l->marker[0] == '\0' && change_marker_bad(c, t, ev->read.marker_store,
					    ev->read.marker_lsn, false, why, sizeof why))
		(void)snprintf(l->marker, sizeof l->marker, "%s", why);
}

struct look *
look_for_plan(struct core *c, struct book *b, const struct procedure *p, enum plan_direction dir)
{
	struct arena *a = arena_new(&c->env.mem, PLAN_ARENA_MAX);
	const struct plan_read *r = NULL;
	struct look *l = NULL;
	size_t n = a != NULL ? plan_reads(a, b->pb, p, dir, &r) : 0;

	if (a != NULL && !arena_failed(a))
		l = look_new(c, b, p->flow, r, n);
	arena_free(&a);
	return l;
}

enum rc
look_plan(struct core *c, struct look *l, const struct plan_want *w, const struct plan **ret,
	struct err *err)
{
	if (l->open > 0)
		return RC_BUSY;
	if (l->marker[0] != '\0')
		return err_set(err, RC_CONFLICT, "%s", l->marker);
	if (c->regress[0] != '\0') /* seen elsewhere */
		return err_set(err, RC_CONFLICT, "%s", c->regress);
	return plan_build(l->a, l->pb, w->proc, w->dir, l->value, l->n, c->store, w->overrides,
		w->overrides_n, c->env.sha256, c->env.ctx, ret, err);
}
