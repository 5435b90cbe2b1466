/*
 * eject.c - taking ferryman out of the targets: when that may begin, and the records that begin it.
 *
 * It is a run like any other (DESIGN section 7), of all flows of a playbook at once. It comes with
 * the brake, which stays on: else the next thing that ferryman does would be to put its number
 * back.
 */
#include "core/commanding.h"
#include "core/engine.h"

#include "base/text.h"

#include <string.h>

/* --- what stands in the way --- */

static bool
is_settling(struct core *c, const struct command *m, const struct book *b)
{
	for (int f = 0; f < FLOW_N; f++)
		if (b->m[f].on &&
			ledger_machine(&c->l, b->name, (enum flow)f)->state == LS_SETTLING &&
			c->boot_ms < m->limit_boot_ms)
			return true;
	return false;
}

static bool
has_domain(const struct playbook *pb, const char *domain)
{
	for (size_t i = 0; i < pb->targets_n; i++)
		if (text_eq(pb->targets[i].fence_domain, domain))
			return true;
	return false;
}

/* Another playbook in force that writes at the same targets would lose its numbers too. */
static const struct book *
sharer(const struct core *c, const struct book *b)
{
	for (const struct book *o = c->books; o != NULL; o = o->next) {
		if (o == b || o->pb == NULL || o->pb->mode == MODE_OBSERVE ||
			ledger_ejected(&c->l, o->name))
			continue;
		for (size_t i = 0; i < b->pb->targets_n; i++)
			if (has_domain(o->pb, b->pb->targets[i].fence_domain))
				return o;
	}
	return NULL;
}

/* A number of ours that the target got in no way that the journal knows of, in this era: a late
 * copy has set it, and others may follow. NULL = there is none. */
static const char *
unfenced(const struct core *c, const struct look *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct target *t =
			text_eq(l->value[i].resource, FENCE_MARKER) && l->value[i].value[0] != '\0'
				? playbook_target(l->pb, l->value[i].target)
				: NULL;
		const struct ldomain *d = t != NULL ? core_ldomain(c, t->fence_domain) : NULL;

		if (t != NULL && (d == NULL || d->fenced_era != c->era))
			return t->name;
	}
	return NULL;
}

/* One machine after the other: rights, the table, guards. The first no counts; ret: the decision on
 * the first one. */
static bool
may(struct core *c, const struct command *m, struct book *b, bool matches, enum flow *ret_flow,
	struct decision **ret, int *exit)
{
	struct decision *first = NULL;

	for (int f = 0; f < FLOW_N; f++) {
		struct decision *d = b->m[f].on ? arena_get(c->out, sizeof *d) : NULL;

		if (d == NULL)
			continue;
		command_decided(c, m, b, (enum flow)f, matches, d, exit);
		if (!d->any) {
			*ret = d;
			return false;
		}
		if (first != NULL)
			continue;
		*ret_flow = (enum flow)f;
		first = d;
	}
	*ret = first;
	return first != NULL;
}

/* --- the plan --- */

/* The brake comes with it: the run names it, so that it is not held by it. */
static size_t
overrides_of(struct core *c, const struct command *m, const char *const **ret)
{
	const char **list = arena_get(c->out, (m->overrides_n + 1) * sizeof *list);
	size_t n = 0;

	if (list == NULL)
		return 0;
	list[n++] = "pause";
	for (size_t i = 0; i < m->overrides_n; i++)
		if (!text_eq(m->overrides[i], "pause"))
			list[n++] = m->overrides[i];
	*ret = list;
	return n;
}

static struct look *
look_at_all(struct core *c, struct book *b)
{
	struct arena *a = arena_new(&c->env.mem, PLAN_ARENA_MAX);
	const struct plan_read *r = NULL;
	struct look *l = NULL;
	size_t n = a != NULL ? plan_eject_reads(a, b->pb, &r) : 0;

	if (a != NULL && !arena_failed(a))
		l = look_new(c, b, FLOW_OUTBOUND, r, n);
	arena_free(&a);
	return l;
}

static enum rc
plan(struct core *c, struct command *m, const char *const *overrides, size_t overrides_n,
	const struct plan **ret, struct err *err)
{
	struct look *l = m->look;
	struct plan_left *left = arena_get(l->a, (c->l.left_n + 1) * sizeof *left);

	if (l->open > 0)
		return RC_BUSY;
	if (l->marker[0] != '\0')
		return err_set(err, RC_CONFLICT, "%s", l->marker);
	if (left == NULL)
		return err_set(err, RC_NOMEM, "out of memory");
	for (size_t i = 0; i < c->l.left_n; i++)
		left[i] = (struct plan_left){ c->l.left[i].domain, c->l.left[i].resource,
			c->l.left[i].base };
	return plan_build_eject(l->a, l->pb, l->value, l->n, left, c->l.left_n, c->store, overrides,
		overrides_n, c->env.sha256, c->env.ctx, ret, err);
}

/* --- the records --- */

static bool
begin(struct core *c, struct command *m, struct book *b, const struct plan *p,
	const char *const *overrides, size_t overrides_n)
{
	struct start s = { .plan = p,
		.kind = LK_EJECT,
		.by = m->principal,
		.reason = m->reason != NULL ? m->reason : "",
		.overrides = overrides,
		.overrides_n = overrides_n };
	struct decision *d = NULL;
	enum flow f = FLOW_OUTBOUND;
	const char *run;
	int exit = EXIT_OK;

	if (!may(c, m, b, command_same_plan(m, p), &f, &d, &exit))
		return d == NULL || command_refuse_decided(c, m, exit, d);
	command_brake(c, m, b,
		core_keep(c, arena_fmt(c->out, "ferryman is taken out: %s", s.reason)), true);
	machine_row(c, b, f, d, false);
	run = run_start(c, &s);
	if (run == NULL)
		return true;
	command_record(c, m, run, EXIT_OK, "started");
	command_started(c, m, run, p->hash);
	return true;
}

bool
eject(struct core *c, struct command *m, struct book *b)
{
	const struct book *other = sharer(c, b);
	const char *const *overrides = NULL;
	size_t overrides_n = overrides_of(c, m, &overrides);
	const struct plan *p = NULL;
	struct decision *d = NULL;
	struct err err = { 0 };
	enum flow f = FLOW_OUTBOUND;
	int exit = EXIT_OK;
	enum rc rc;

	if (overrides == NULL || is_settling(c, m, b))
		return false;
	if (other != NULL)
		return command_refuse(c, m, EXIT_GUARD,
			arena_fmt(c->out,
				"playbook %s works at the same targets and its numbers stand there "
				"too: "
				"withdraw it first (stop watching it)",
				other->name),
			NULL);
	if (m->verb == VERB_EJECT && !may(c, m, b, true, &f, &d, &exit))
		return d == NULL || command_refuse_decided(c, m, exit, d);
	if (!ledger_ejected(&c->l, b->name) && !fence_quiet(c, b)) {
		if (c->boot_ms < m->limit_boot_ms)
			return false;
		return command_refuse(c, m, EXIT_BLOCKED,
			"what was sent before may still land, and its target takes no newer number "
			"now: try again when it can be reached",
			NULL);
	}
	if (m->look == NULL)
		m->look = look_at_all(c, b);
	if (m->look == NULL)
		return false;
	rc = plan(c, m, overrides, overrides_n, &p, &err);
	if (rc == RC_BUSY)
		return false;
	if (rc == RC_OK && unfenced(c, m->look) != NULL)
		return command_refuse(c, m, EXIT_GUARD,
			arena_fmt(c->out,
				"%s bears a number that was sent there before and came late: "
				"`resume`, so that it gets a newer one, then eject",
				unfenced(c, m->look)),
			NULL);
	if (rc != RC_OK)
		return command_refuse(c, m, rc == RC_CONFLICT ? EXIT_GUARD : EXIT_FAILED,
			core_keep(c, err.text), NULL);
	if (m->verb == VERB_PLAN)
		return command_answer_plan(c, m, p);
	return begin(c, m, b, p, overrides, overrides_n);
}
