/*
 * plan_eject.c - the steps that take ferryman out: each value to what it was before ferryman
 * changed it, then its numbers out of the targets.
 */
#include "base/text.h"
#include "core/planning.h"

#include <string.h>

/* The value before our first change there; NULL = we have changed nothing that still stands. */
static const char *
left(const struct planning *p, const struct target *t, const char *resource)
{
	for (size_t i = 0; i < p->left_n; i++)
		if (text_eq(p->left[i].target_domain, t->fence_domain) &&
			text_eq(p->left[i].resource, resource))
			return p->left[i].base;
	return NULL;
}

static enum rc
add(struct planning *p, const char *kind, const struct plan_value *v, const struct target *t,
	const char *want, const char *name)
{
	struct plan_step *s = planning_step(p, kind, arena_fmt(p->a, "e%zu", p->steps_n + 1), name);

	if (s == NULL || want == NULL || name == NULL)
		return planning_said(p);
	s->target = t;
	s->resource = v->resource;
	s->base = v->value;
	s->want = want;
	s->undo = v->value;
	planning_set(p, t, v->resource, want);
	return RC_OK;
}

/* Was the term there before us? Then adding it to that record changes nothing. */
static bool
was_there(struct planning *p, const char *domain, const char *base, const char *const *term)
{
	const struct path one = { .spf = term, .spf_n = 1 };
	const char *with = want_spf(p, domain, base, &one, true);

	return with != NULL && text_eq(with, base);
}

/* Of what stands there now, without the terms of each backup that were not there before us. */
static const char *
without_ours(struct planning *p, const char *domain, const char *base, const char *now)
{
	for (size_t i = 0; now != NULL && i < p->pb->procedures_n; i++) {
		const struct path *to = p->pb->procedures[i].to;

		for (size_t k = 0; to != NULL && now != NULL && k < to->spf_n; k++) {
			const struct path one = {
				.name = to->name, .spf = &to->spf[k], .spf_n = 1
			};

			if (!was_there(p, domain, base, &to->spf[k]))
				now = want_spf(p, domain, now, &one, false);
		}
	}
	return now;
}

/* Each set is to be seen at every server before the numbers go. */
static enum rc
eject_set(struct planning *p, const struct plan_value *v, const struct target *t, const char *want,
	bool mx, const char *domain)
{
	const char *base = v->value, **needs = arena_get(p->a, sizeof *needs);
	enum rc rc = add(p, mx ? "mx.switch" : "spf.withdraw", v, t, want,
		arena_fmt(p->a, mx ? "MX of %s as before ferryman" : "SPF of %s as before ferryman",
			domain));
	struct plan_step *s;

	if (rc != RC_OK)
		return rc;
	s = planning_step(p, "wait.published", arena_fmt(p->a, "e%zu", p->steps_n + 1),
		"until all have seen it");
	if (s == NULL || needs == NULL)
		return planning_said(p);
	needs[0] = p->step[p->steps_n - 2].id;
	s->needs = needs;
	s->needs_n = 1;
	s->target = t;
	s->resource = v->resource;
	s->base = base;
	s->want = want;
	s->wait_ms = text_eq(base, want) ? 0 : rrset_ttl_ms(base);
	p->expect_ms += s->wait_ms;
	return RC_OK;
}

static enum rc
eject_zone(struct planning *p, const struct plan_value *v, const struct target *t)
{
	const char *base = left(p, t, v->resource);
	bool mx = text_ends(v->resource, " MX");
	const char *domain = v->resource + strlen("dns.rrset ");
	const char *blank = strchr(domain, ' ');
	const char *want;

	domain = blank != NULL ? arena_strn(p->a, domain, (size_t)(blank - domain)) : NULL;
	if (domain == NULL)
		return planning_said(p);
	if (base == NULL)
		want = v->value; /* nothing of ours stands there */
	else
		want = mx ? base : without_ours(p, domain, base, v->value);
	return eject_set(p, v, t, want, mx, domain);
}

static enum rc
eject_value(struct planning *p, const struct plan_value *v, const struct target *t)
{
	if (text_starts(v->resource, "dns.rrset "))
		return eject_zone(p, v, t);
	if (text_starts(v->resource, "relay.park "))
		return add(p, "mail.park", v, t, "",
			arena_fmt(p->a, "nothing is parked at %s", t->name));
	return add(p, "outbound.switch", v, t, "",
		arena_fmt(p->a, "%s sends by %s", t->name, p->pb->primary->name));
}

/* Each number goes last at its target, once all values are as they shall be. */
static enum rc
eject_markers(struct planning *p)
{
	size_t values = p->steps_n;
	const char **all = arena_get(p->a, (values + 1) * sizeof *all);
	enum rc rc = RC_OK;

	if (all == NULL)
		return planning_said(p);
	for (size_t i = 0; i < values; i++)
		all[i] = p->step[i].id;
	for (size_t i = 0; rc == RC_OK && i < p->values_n; i++) {
		const struct target *t = playbook_target(p->pb, p->value[i].target);

		if (!text_eq(p->value[i].resource, FENCE_MARKER) || t == NULL)
			continue;
		rc = planning_value(p, t, FENCE_MARKER) == NULL
			     ? p->err->rc
			     : add(p, "fence.remove", &p->value[i], t, "",
				       arena_fmt(p->a, "ferryman's number out of %s", t->name));
		if (rc == RC_OK) {
			p->step[p->steps_n - 1].needs = all;
			p->step[p->steps_n - 1].needs_n = values;
		}
	}
	return rc;
}

enum rc
planning_eject(struct planning *p)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < p->values_n; i++) {
		const struct plan_value *v = &p->value[i];
		const struct target *t = playbook_target(p->pb, v->target);

		if (t == NULL || text_eq(v->resource, FENCE_MARKER))
			continue;
		rc = planning_value(p, t, v->resource) == NULL ? p->err->rc : eject_value(p, v, t);
	}
	return rc == RC_OK ? eject_markers(p) : rc;
}
