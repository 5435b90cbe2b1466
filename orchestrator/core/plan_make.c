/* plan_make.c - the steps of a plan: forward from the playbook's procedure, back derived from it.
 */
#include "base/planted.h"
#include "base/text.h"
#include "core/planning.h"

#include <string.h>

/* Plan step ids that a playbook step has become. */
struct made {
	const char *id[PLAN_STEPS_MAX];
	size_t n;
};

struct maker {
	struct planning *p;
	struct made *made; /* of each step of the procedure */
	const char **last; /* needs of the next derived step (back) */
	size_t last_n;
};

/* Ids of what the playbook's step needs. */
static bool
set_needs(struct maker *m, const struct step *s, struct plan_step *ps)
{
	const struct procedure *proc = m->p->proc;
	const char **needs = arena_get(m->p->a, PLAN_STEPS_MAX * sizeof *needs);

	if (needs == NULL)
		return false;
	ps->needs = needs;
	for (const struct step *of = proc->steps; of < s; of++) {
		const struct made *d = &m->made[of - proc->steps];
		bool needed = false;

		for (size_t i = 0; i < s->needs_n; i++)
			needed = needed || text_eq(s->needs[i], of->id);
		for (size_t k = 0; needed && k < d->n; k++)
			needs[ps->needs_n++] = d->id[k];
	}
	return true;
}

/* s: of the procedure itself. A plan has no more steps than made->id has room for. */
static struct plan_step *
from_step(struct maker *m, const struct step *s, const char *suffix)
{
	const char *id = suffix != NULL ? arena_fmt(m->p->a, "%s.%s", s->id, suffix) : s->id;
	struct plan_step *ps = planning_step(m->p, s->kind, id, s->name);
	struct made *d = &m->made[s - m->p->proc->steps];

	if (ps == NULL || id == NULL)
		return NULL;
	ps->deadline_ms = s->deadline_ms;
	ps->retries = s->retries;
	ps->through = s->through;
	ps->production = s->as_production;
	ps->receivers = s->receivers;
	if (!set_needs(m, s, ps))
		return NULL;
	d->id[d->n++] = id;
	return ps;
}

/* A state step on one resource: base is what will be there by then. */
static enum rc
state_step(struct maker *m, struct plan_step *ps, const struct target *t, const char *resource,
	const char *want)
{
	const char *base = planning_value(m->p, t, resource);

	if (base == NULL || want == NULL)
		return planning_said(m->p);
	ps->target = t;
	ps->resource = resource;
	ps->base = base;
	ps->want = want;
	ps->undo = PLANTED(UNDO_IS_WANT) ? want : base;
	planning_set(m->p, t, resource, want);
	return RC_OK;
}

static const char *
suffix_of(struct maker *m, const struct target *t, const char *domain, bool many)
{
	return m->p->pb->domains_n > 1 && many ? arena_fmt(m->p->a, "%s.%s", t->name, domain)
					       : t->name;
}

static enum rc
make_dns(struct maker *m, const struct step *s)
{
	struct planning *p = m->p;
	bool mx = text_eq(s->kind, "mx.switch");

	for (size_t d = 0; d < p->pb->domains_n; d++) {
		const char *domain = p->pb->domains[d], *resource, *base, *want;
		struct plan_step *ps;

		if (!planning_in_zone(s->zone, domain))
			continue;
		resource = planning_resource(p->a, mx ? "MX" : "TXT", s->zone, domain);
		base = planning_value(p, s->zone, resource);
		if (base == NULL)
			return planning_said(p);
		want = mx ? want_mx(p, domain, base, s->through)
			  : want_spf(
				    p, domain, base, s->through, text_eq(s->kind, "spf.authorize"));
		ps = want != NULL ? from_step(m, s, p->pb->domains_n > 1 ? domain : NULL) : NULL;
		if (ps == NULL)
			return planning_said(p);
		ps->pivot = s->pivot;
		if (state_step(m, ps, s->zone, resource, want) != RC_OK)
			return planning_said(p);
	}
	return RC_OK;
}

static enum rc
make_park(struct maker *m, const struct step *s)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < s->at_n; i++) {
		for (size_t d = 0; rc == RC_OK && d < m->p->pb->domains_n; d++) {
			const char *resource = planning_resource(
				m->p->a, "relay.park", s->at[i], m->p->pb->domains[d]);
			struct plan_step *ps =
				from_step(m, s, suffix_of(m, s->at[i], m->p->pb->domains[d], true));

			if (ps == NULL)
				return planning_said(m->p);
			rc = state_step(m, ps, s->at[i], resource, "parked\n");
			ps->undo = "";
			ps->options = arena_fmt(
				m->p->a, "expires %lld\n", (long long)m->p->proc->expires_ms);
		}
	}
	return rc;
}

/* The hub goes first where the tenant's connector leads to it, or mail would loop between the two
 * (DESIGN section 4). */
static bool
leads_to(const struct target *tenant, const struct target *hub)
{
	const char *smart = planning_key(tenant, "smart_host");

	return smart != NULL && text_eq(smart, planning_key(hub, "host"));
}

static enum rc
switch_one(struct maker *m, const struct step *s, const struct target *t, const char *domain)
{
	struct planning *p = m->p;
	bool tenant = (t->info->caps & CAP_TENANT_CONNECTOR) != 0;
	const char *want = tenant ? want_connector(p, t, 0) : want_route(p, t, s->through, 10000);
	struct plan_step *ps =
		want != NULL ? from_step(m, s, suffix_of(m, t, domain, !tenant)) : NULL;
	const char **needs;
	enum rc rc;

	if (ps == NULL)
		return planning_said(p);
	ps->pivot = s->pivot;
	rc = state_step(m, ps, t, planning_switch(p->a, t, domain), want);
	for (size_t i = 0; rc == RC_OK && tenant && i < s->at_n; i++) {
		if ((s->at[i]->info->caps & CAP_RELAY_ROUTE) == 0 || !leads_to(t, s->at[i]))
			continue;
		needs = (const char **)ps->needs;
		needs[ps->needs_n++] =
			arena_fmt(p->a, "%s.%s", s->id, suffix_of(m, s->at[i], domain, true));
	}
	return rc;
}

static enum rc
make_switch(struct maker *m, const struct step *s)
{
	enum rc rc = RC_OK;

	for (int round = 0; round < 2; round++) { /* hubs, then tenants */
		for (size_t i = 0; rc == RC_OK && i < s->at_n; i++) {
			bool tenant = (s->at[i]->info->caps & CAP_TENANT_CONNECTOR) != 0;

			if (tenant != (round == 1))
				continue;
			for (size_t d = 0; rc == RC_OK && d < (tenant ? 1 : m->p->pb->domains_n);
				d++)
				rc = switch_one(m, s, s->at[i], m->p->pb->domains[d]);
		}
	}
	return rc;
}

static enum rc
make_queue(struct maker *m, const struct step *s)
{
	bool release = text_eq(s->kind, "queue.release");

	for (size_t i = 0; i < s->at_n; i++) {
		for (size_t d = 0; d < m->p->pb->domains_n; d++) {
			struct plan_step *ps =
				from_step(m, s, suffix_of(m, s->at[i], m->p->pb->domains[d], true));

			if (ps == NULL)
				return planning_said(m->p);
			ps->target = s->at[i];
			ps->resource = planning_resource(
				m->p->a, "relay.queue", s->at[i], m->p->pb->domains[d]);
			ps->want = release ? "state open\n" : "";
			if (release && s->rate.count > 0)
				ps->options = arena_fmt(m->p->a, "rate %lld/%lld\n",
					(long long)s->rate.count, (long long)s->rate.per_ms);
			if (release && s->per_receiver.count > 0)
				ps->options = arena_fmt(m->p->a, "%sper_receiver %lld/%lld\n",
					ps->options, (long long)s->per_receiver.count,
					(long long)s->per_receiver.per_ms);
			if (ps->options == NULL || ps->resource == NULL)
				return planning_said(m->p);
		}
	}
	return RC_OK;
}

/* One wait for each record set that an earlier step of the plan has set in that zone. */
static enum rc
make_published(struct maker *m, const struct step *s)
{
	struct planning *p = m->p;
	size_t before = p->steps_n;

	for (size_t i = 0; i < before; i++) {
		struct plan_step *of = &p->step[i], *ps;
		bool changes = !text_eq(of->base, of->want);

		if (of->target != s->zone || of->kind->class != STEP_STATE)
			continue;
		ps = from_step(m, s, before - i > 1 || p->pb->domains_n > 1 ? of->id : NULL);
		if (ps == NULL)
			return planning_said(p);
		of = &p->step[i];
		ps->target = s->zone;
		ps->resource = of->resource;
		ps->base = of->base;
		ps->want = of->want;
		ps->wait_ms = changes ? rrset_ttl_ms(of->base) : 0;
		p->expect_ms += ps->wait_ms;
	}
	return RC_OK;
}

static enum rc
make_one(struct maker *m, const struct step *s)
{
	struct plan_step *ps;

	if (text_starts(s->kind, "spf.") || text_eq(s->kind, "mx.switch"))
		return make_dns(m, s);
	if (text_eq(s->kind, "mail.park"))
		return make_park(m, s);
	if (text_eq(s->kind, "outbound.switch"))
		return make_switch(m, s);
	if (text_eq(s->kind, "queue.release") || text_eq(s->kind, "wait.drained"))
		return make_queue(m, s);
	if (text_eq(s->kind, "wait.published"))
		return make_published(m, s);
	ps = from_step(m, s, NULL);
	if (ps == NULL)
		return planning_said(m->p);
	ps->wait_ms = s->duration_ms;
	m->p->expect_ms += s->duration_ms;
	return RC_OK;
}

enum rc
planning_out(struct planning *p)
{
	struct maker *m = arena_get(p->a, sizeof *m);
	struct made *made = arena_get(p->a, p->proc->steps_n * sizeof *made);
	enum rc rc = RC_OK;

	if (m == NULL || made == NULL)
		return planning_said(p);
	m->p = p;
	m->made = made;
	for (size_t i = 0; rc == RC_OK && i < p->proc->steps_n; i++) {
		rc = make_one(m, &p->proc->steps[i]);
		if (rc != RC_OK)
			(void)err_prefix(p->err, "step %s (%s)", p->proc->steps[i].id,
				p->proc->steps[i].name);
	}
	return rc;
}

/* --- back --- */

/* A derived step that needs all those made so far at this stage. */
static struct plan_step *
derived(struct maker *m, const char *kind, const char *name)
{
	struct plan_step *ps =
		planning_step(m->p, kind, arena_fmt(m->p->a, "b%zu", m->p->steps_n + 1), name);

	if (ps == NULL)
		return NULL;
	ps->needs = m->last;
	ps->needs_n = m->last_n;
	return ps;
}

/* What comes next needs the steps from `first` on. */
static bool
stage(struct maker *m, size_t first)
{
	size_t n = m->p->steps_n - first;
	const char **ids = arena_get(m->p->a, (n + 1) * sizeof *ids);

	if (ids == NULL)
		return false;
	for (size_t i = 0; i < n; i++)
		ids[i] = m->p->step[first + i].id;
	if (n > 0) {
		m->last = ids;
		m->last_n = n;
	}
	return true;
}

static enum rc
back_verify(struct maker *m, const char *name, bool production)
{
	size_t first = m->p->steps_n;
	struct plan_step *ps = derived(m, "verify.canary", name);

	if (ps == NULL)
		return planning_said(m->p);
	ps->through = m->p->pb->primary;
	ps->production = production;
	ps->receivers = playbook_receivers_back(m->p->proc);
	return stage(m, first) ? RC_OK : planning_said(m->p);
}

/* Does mail of this hub reach the primary through the tenant of the same step? Then it takes the
 * tenant's way, whichever that is. */
static bool
is_behind_tenant(const struct planning *p, const struct step *sw, const struct target *t)
{
	bool any = false;

	for (size_t i = 0; i < sw->at_n; i++)
		any = any || (sw->at[i]->info->caps & CAP_TENANT_CONNECTOR) != 0;
	return any && p->pb->primary->last_hop == NULL &&
	       (t->info->caps & CAP_TENANT_CONNECTOR) == 0;
}

static enum rc
back_target(struct maker *m, const struct step *sw, const struct target *t, int64_t primary_bp,
	bool pivot)
{
	struct planning *p = m->p;
	bool tenant = (t->info->caps & CAP_TENANT_CONNECTOR) != 0;

	for (size_t d = 0; d < (tenant ? 1 : p->pb->domains_n); d++) {
		const char *resource = planning_switch(p->a, t, p->pb->domains[d]);
		const char *want = tenant ? want_connector(p, t, primary_bp)
					  : want_route(p, t, p->proc->to, 10000 - primary_bp);
		struct plan_step *ps = derived(m, sw->kind,
			arena_fmt(p->a, "%lld %% of %s back to %s", (long long)(primary_bp / 100),
				t->name, p->pb->primary->name));

		if (ps == NULL || state_step(m, ps, t, resource, want) != RC_OK)
			return planning_said(p);
		ps->pivot = pivot;
		ps->deadline_ms = sw->deadline_ms;
		ps->retries = sw->retries;
	}
	return RC_OK;
}

/*
 * One share at all switch points side by side, but for hubs behind the tenant: while its connector
 * still leads to the backup, their mail would come to the backup that way, and what that refuses
 * the tenant returns. They follow as a whole when the tenant is all back.
 */
static enum rc
back_share(struct maker *m, const struct step *sw, int64_t primary_bp, bool pivot)
{
	struct planning *p = m->p;
	size_t first = p->steps_n;

	for (size_t i = 0; i < sw->at_n; i++)
		if (!is_behind_tenant(p, sw, sw->at[i]) &&
			back_target(m, sw, sw->at[i], primary_bp, pivot) != RC_OK)
			return planning_said(p);
	if (!stage(m, first))
		return planning_said(p);
	first = p->steps_n;
	for (size_t i = 0; primary_bp == 10000 && i < sw->at_n; i++)
		if (is_behind_tenant(p, sw, sw->at[i]) &&
			back_target(m, sw, sw->at[i], primary_bp, pivot) != RC_OK)
			return planning_said(p);
	return stage(m, first) ? RC_OK : planning_said(p);
}

static enum rc
back_wait(struct maker *m)
{
	struct planning *p = m->p;
	size_t first = p->steps_n;
	struct plan_step *ps = derived(m, "wait.time", "let receivers get used to it");

	if (ps == NULL)
		return planning_said(p);
	ps->wait_ms = p->proc->failback.stage_ms;
	p->expect_ms += ps->wait_ms;
	return stage(m, first) ? RC_OK : planning_said(p);
}

static enum rc
back_outbound(struct maker *m, const struct step *sw)
{
	struct planning *p = m->p;
	bool pivoted = false;
	enum rc rc = back_verify(m, "prove the primary first", false);

	for (size_t i = 0; rc == RC_OK && i < p->proc->failback.order_n; i++) {
		int64_t share = p->proc->failback.order_bp[i];

		if (share == 0) /* canaries: proven just now */
			continue;
		rc = back_share(m, sw, share, !pivoted);
		pivoted = true;
		if (rc == RC_OK && share < 10000 && p->proc->failback.stage_ms > 0)
			rc = back_wait(m);
		if (rc == RC_OK && share < 10000)
			rc = back_verify(m,
				arena_fmt(
					p->a, "still well with %lld %%", (long long)(share / 100)),
				false);
	}
	return rc == RC_OK ? back_verify(m, "prove that it is back", true) : rc;
}

static enum rc
back_inbound(struct maker *m, const struct step *sw)
{
	struct planning *p = m->p;
	const struct target *spool = p->proc->to->inbound.spool_at;
	size_t first;

	for (size_t d = 0; d < p->pb->domains_n; d++) {
		const char *domain = p->pb->domains[d], *resource, *base;
		struct plan_step *ps;

		if (!planning_in_zone(sw->zone, domain))
			continue;
		first = p->steps_n;
		resource = planning_resource(p->a, "MX", sw->zone, domain);
		base = planning_value(p, sw->zone, resource);
		ps = base != NULL ? derived(m, "mx.switch",
					    arena_fmt(p->a, "mail for %s back to %s", domain,
						    p->pb->primary->name))
				  : NULL;
		if (ps == NULL || state_step(m, ps, sw->zone, resource,
					  want_mx(p, domain, base, p->pb->primary)) != RC_OK)
			return planning_said(p);
		ps->pivot = d == 0;
		if (!stage(m, first))
			return planning_said(p);
		first = p->steps_n;
		ps = derived(m, "wait.published", "until senders have seen it");
		if (ps == NULL)
			return planning_said(p);
		ps->target = sw->zone;
		ps->resource = resource;
		ps->base = base;
		ps->want = p->step[first - 1].want;
		ps->wait_ms = text_eq(ps->base, ps->want) ? 0 : rrset_ttl_ms(base);
		p->expect_ms += ps->wait_ms;
		if (!stage(m, first))
			return planning_said(p);
		if (spool != NULL) {
			first = p->steps_n;
			ps = derived(m, "wait.drained",
				arena_fmt(p->a, "until the spool at %s is empty", spool->name));
			if (ps == NULL)
				return planning_said(p);
			ps->target = spool;
			ps->resource = planning_resource(p->a, "relay.queue", spool, domain);
			if (!stage(m, first))
				return planning_said(p);
		}
	}
	return RC_OK;
}

/* The end of a shelter on the return to normal: what waited goes by the primary, slowly. */
static enum rc
back_shelter(struct maker *m)
{
	struct planning *p = m->p;

	for (size_t i = 0; i < p->proc->steps_n; i++) {
		const struct step *s = &p->proc->steps[i];

		for (size_t a = 0; text_eq(s->kind, "mail.park") && a < s->at_n; a++) {
			for (size_t d = 0; d < p->pb->domains_n; d++) {
				struct plan_step *ps = derived(
					m, "queue.release", "let go what waited, by the primary");

				if (ps == NULL)
					return planning_said(p);
				ps->target = s->at[a];
				ps->resource = planning_resource(
					p->a, "relay.queue", s->at[a], p->pb->domains[d]);
				ps->want = "state open\n";
				ps->options = "rate 10/1000\nper_receiver 2/1000\n";
			}
		}
	}
	return RC_OK;
}

enum rc
planning_back(struct planning *p)
{
	struct maker *m = arena_get(p->a, sizeof *m);
	enum rc rc = RC_OK;

	if (m == NULL)
		return planning_said(p);
	m->p = p;
	if (p->proc->kind == PROC_SHELTER)
		return back_shelter(m);
	for (size_t i = 0; rc == RC_OK && i < p->proc->steps_n; i++) {
		const struct step *s = &p->proc->steps[i];

		if (text_eq(s->kind, "outbound.switch"))
			rc = back_outbound(m, s);
		else if (text_eq(s->kind, "mx.switch"))
			rc = back_inbound(m, s);
	}
	if (rc == RC_OK && p->steps_n == 0)
		rc = err_set(p->err, RC_INVALID,
			"%s switches nothing: there is nothing to bring back", p->proc->name);
	return rc;
}
