/* where.c - on which path a flow runs, by what its switch points hold. */
#include "base/text.h"
#include "core/planning.h"

#include <stdio.h>
#include <string.h>

struct sides {
	struct planning p;
	bool primary, backup, neither;
	char *why;
	size_t why_n;
};

static void
judge(struct sides *s, const struct target *t, const char *resource, const char *at_primary,
	const char *at_backup)
{
	const char *value = planning_value(&s->p, t, resource);

	if (value == NULL) {
		s->neither = true;
		(void)snprintf(s->why, s->why_n, "%s", s->p.err->text);
	} else if (text_eq(value, at_primary)) {
		s->primary = true;
	} else if (text_eq(value, at_backup)) {
		s->backup = true;
	} else {
		s->neither = true;
		(void)snprintf(s->why, s->why_n, "%s at %s is neither as %s nor as %s wants it",
			resource, t->name, s->p.pb->primary->name, s->p.proc->to->name);
	}
}

static void
judge_mx(struct sides *s, const struct target *zone, const char *domain)
{
	struct planning *p = &s->p;
	const char *resource = planning_resource(p->a, "MX", zone, domain);
	const char *value = planning_value(p, zone, resource);

	judge(s, zone, resource, value != NULL ? want_mx(p, domain, value, p->pb->primary) : NULL,
		value != NULL ? want_mx(p, domain, value, p->proc->to) : NULL);
}

static void
judge_switch(struct sides *s, const struct target *t, const char *domain)
{
	struct planning *p = &s->p;
	bool tenant = (t->info->caps & CAP_TENANT_CONNECTOR) != 0;

	judge(s, t, planning_switch(p->a, t, domain), "",
		tenant ? want_connector(p, t, 0) : want_route(p, t, p->proc->to, 10000));
}

enum plan_side
plan_side(struct arena *a, const struct playbook *pb, const struct procedure *proc,
	const struct plan_value *values, size_t values_n, char *why, size_t why_n)
{
	struct mem in_arena = { arena_resize, a };
	struct sides *s = arena_get(a, sizeof *s);
	struct err err = { 0 };

	(void)snprintf(why, why_n, "%s", "");
	if (s == NULL || values_n > PLAN_VALUES_MAX)
		return SIDE_MIXED;
	s->p = (struct planning){
		.a = a, .mem = &in_arena, .pb = pb, .proc = proc, .values_n = values_n, .err = &err
	};
	memcpy(s->p.value, values, values_n * sizeof *values);
	s->why = why;
	s->why_n = why_n;
	for (size_t i = 0; i < proc->steps_n; i++) {
		const struct step *st = &proc->steps[i];

		for (size_t d = 0; d < pb->domains_n; d++) {
			if (text_eq(st->kind, "mx.switch") &&
				planning_in_zone(st->zone, pb->domains[d]))
				judge_mx(s, st->zone, pb->domains[d]);
			for (size_t k = 0; text_eq(st->kind, "outbound.switch") && k < st->at_n;
				k++)
				judge_switch(s, st->at[k], pb->domains[d]);
		}
	}
	if (s->primary && s->backup && why[0] == '\0')
		(void)snprintf(why, why_n, "some switch points lead to %s, others to %s",
			pb->primary->name, proc->to->name);
	if (s->neither || (s->primary && s->backup))
		return SIDE_MIXED;
	return s->backup ? SIDE_BACKUP : SIDE_PRIMARY;
}
