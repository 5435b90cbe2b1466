/*
 * targets.c - the three targets, each with the rule of its connector's page: a zone that takes an
 * update if epoch and record set are as they were read (rfc2136), a hub whose helper keeps the
 * highest number (postfix), and a tenant that keeps the last write (exchange-online).
 */
#include "base/text.h"
#include "sim/sim.h"

#include <stdlib.h>
#include <string.h>

enum { TTL_MS = 300 * 1000 };

static struct tcell *
add_cell(struct sim *s, struct ftarget *t, const char *resource, const char *value)
{
	struct tcell *c = &t->cell[t->cells_n++];

	c->resource = resource;
	c->value = c->cached = value;
	for (size_t i = 0; i <= SECONDARIES; i++)
		c->shown[i] = value;
	c->hand_at = -1;
	c->change = stdmem_get(sizeof *c->change);
	c->change[0] = (struct cell_change){ .at = s->now, .value = value };
	c->changes_n = 1;
	if (t->domain != NULL)
		events_value(s, t, resource, value, 0);
	return c;
}

void
targets_init(struct sim *s)
{
	struct ftarget *zone = &s->target[T_ZONE], *hub = &s->target[T_HUB],
		       *tenant = &s->target[T_TENANT];

	for (size_t i = 0; i < s->book->targets_n; i++) {
		const struct target *t = &s->book->targets[i];
		struct ftarget *f = (t->info->caps & CAP_DNS_RRSET) != 0	  ? zone
				    : (t->info->caps & CAP_TENANT_CONNECTOR) != 0 ? tenant
										  : hub;

		f->name = t->name;
		f->domain = t->fence_domain;
		f->class = t->info->fence;
		f->eq = (t->info->caps & CAP_FENCE_EQ) != 0;
		f->drain_ms = t->info->drain_ms;
	}
	(void)add_cell(s, zone, "dns.rrset corp.example TXT",
		"ttl 300\ntxt other=1\ntxt v=spf1 include:spf.cloud.example -all\n");
	(void)add_cell(s, zone, "dns.rrset corp.example MX", "ttl 300\nmx 10 mx.cloud.example\n");
	(void)add_cell(s, hub, "relay.route corp.example", "");
	(void)add_cell(s, hub, "relay.park corp.example", "");
	(void)add_cell(s, tenant, "tenant.connector ferryman-nsmail", "");
}

void
targets_fini(struct sim *s)
{
	for (size_t i = 0; i < T_N; i++)
		for (size_t k = 0; k < s->target[i].cells_n; k++)
			free(s->target[i].cell[k].change);
}

struct ftarget *
target_find(struct sim *s, const char *name)
{
	for (size_t i = 0; i < T_N; i++)
		if (s->target[i].name != NULL && text_eq(s->target[i].name, name))
			return &s->target[i];
	return NULL;
}

struct tcell *
target_cell(struct ftarget *t, const char *resource)
{
	for (size_t i = 0; i < t->cells_n; i++)
		if (text_eq(t->cell[i].resource, resource))
			return &t->cell[i];
	return NULL;
}

/* --- what is read --- */

static bool
is_queue(const char *resource)
{
	return text_starts(resource, "relay.queue ");
}

const char *
target_read(struct sim *s, struct ftarget *t, const char *resource)
{
	struct tcell *c;

	if (text_eq(resource, FENCE_MARKER))
		return t->marker_lsn != 0 ? "marked\n" : "";
	if (is_queue(resource) && t == &s->target[T_HUB]) {
		c = target_cell(t, "relay.park corp.example");
		if (c->value[0] == '\0')
			return "state open\nparked 0\nwaiting 0\noldest 0\n";
		return text_eq(c->value, "parked\n")
			       ? "state parked\nparked 7\nwaiting 7\noldest 61\n"
			       : "state releasing\nparked 3\nwaiting 4\noldest 99\n";
	}
	c = target_cell(t, resource);
	return c != NULL ? c->value : NULL;
}

/* --- how it is with it --- */

bool
target_throttled(struct sim *s, struct ftarget *t)
{
	if (t->busy_until <= s->now && fault(s, SITE_THROTTLED))
		t->busy_until = s->now + fault_span(s, 1000, 120000);
	return t->busy_until > s->now;
}

bool
target_locked(struct sim *s, struct ftarget *t)
{
	if (t->closed_until <= s->now && fault(s, SITE_TOKEN_EXPIRED))
		t->closed_until = s->now + fault_span(s, 5000, 600000);
	return t->closed_until > s->now;
}

/* --- what changes --- */

void
target_sync(struct sim *s, const struct happening *h)
{
	struct ftarget *t = &s->target[T_ZONE];

	for (size_t i = 0; i < t->cells_n; i++)
		t->cell[i].shown[h->index] = t->cell[i].value;
}

void
target_edit(struct sim *s, struct ftarget *t, struct tcell *c, const char *value, uint64_t lsn)
{
	if (t == &s->target[T_ZONE] &&
		s->now >=
			c->cached_until) { /* the resolver asks again only when its copy has aged */
		c->cached = c->value;
		c->cached_until = s->now + rng_between(&s->net_rng, 0, TTL_MS);
	}
	c->value = value;
	c->shown[0] = value;
	c->change = stdmem.resize(stdmem.ctx, c->change, (c->changes_n + 1) * sizeof *c->change);
	c->change[c->changes_n++] =
		(struct cell_change){ .at = s->now, .value = value, .lsn = lsn };
	if (lsn == 0)
		c->hand_at = s->now;
	events_value(s, t, c->resource, value, lsn);
	trace_add(s, "%s: %s is now \"%s\" by %llu", t->name, c->resource, value,
		(unsigned long long)lsn);
	for (size_t i = 1; t == &s->target[T_ZONE] && i <= SECONDARIES; i++) {
		int64_t late =
			fault_on(s, SITE_SECONDARY_LAGS, lsn != 0 ? t->marker_request : SIZE_MAX)
				? fault_span(s, 60000, 1200000)
				: rng_between(&s->net_rng, 200, 5000);

		sim_push(s, (struct happening){ .at = s->now + late, .kind = H_SYNC, .index = i });
	}
}

static bool
is_removal(const struct request *r)
{
	return r->dir != DIR_FENCE && text_eq(r->resource, FENCE_MARKER);
}

/* ferryman's own number goes. */
static void
take_out(struct sim *s, struct ftarget *t, size_t request)
{
	struct request *r = &s->request[request];

	r->accepted++;
	t->retired = r->lsn;
	t->marker_lsn = 0;
	t->marker_store[0] = '\0';
	trace_add(s, "%s bears no number any more, by %llu", t->name, (unsigned long long)r->lsn);
	view_accepted(s, request, "marked\n");
}

/* The shelter stays in "releasing" until what waited is gone; release() says so. */
static bool
opens_park(const struct request *r)
{
	return r->dir != DIR_FENCE && text_starts(r->resource, "relay.park ") && r->want[0] == '\0';
}

static void
take(struct sim *s, struct ftarget *t, size_t request)
{
	struct request *r = &s->request[request];
	struct tcell *c = target_cell(t, r->resource);
	const char *before = c != NULL ? c->value : "";

	if (t->class == FENCE_F) {
		t->retired = 0;
		memcpy(t->marker_store, s->journal.store, sizeof t->marker_store);
		t->marker_lsn = r->lsn;
		t->marker_request = request;
	}
	r->accepted++;
	if (r->dir != DIR_FENCE && c != NULL && !opens_park(r))
		target_edit(s, t, c, r->want, r->lsn);
	view_accepted(s, request, before);
}

/* A release is under way for a while; the shelter's value goes with it. */
static void
release(struct sim *s, struct ftarget *t, const struct request *r)
{
	struct tcell *c = target_cell(t, "relay.park corp.example");

	if (c->value[0] == '\0')
		return;
	target_edit(s, t, c, "releasing\n", r->lsn);
	t->releasing_until = s->now + rng_between(&s->net_rng, 1000, 240000);
	sim_push(s,
		(struct happening){
			.at = t->releasing_until, .kind = H_EMPTIED, .number = (int64_t)r->lsn });
}

void
target_emptied(struct sim *s, const struct happening *h)
{
	struct ftarget *t = &s->target[T_HUB];
	struct tcell *c = target_cell(t, "relay.park corp.example");

	if (s->now != t->releasing_until || text_eq(c->value, "parked\n"))
		return;		 /* another one came later, or it is parked again */
	if (c->value[0] != '\0') /* where a shelter was taken back it is open already */
		target_edit(s, t, c, "", (uint64_t)h->number);
	mail_let_go(s);
}

/* --- the rules --- */

static enum outcome
take_zone(struct sim *s, size_t request)
{
	struct ftarget *t = &s->target[T_ZONE];
	struct request *r = &s->request[request];
	struct tcell *c = target_cell(t, r->resource);
	bool same_seen = r->seen_lsn == t->marker_lsn && (r->seen_lsn == 0) == (t->marker_lsn == 0);

	if (is_removal(r) && t->marker_lsn == 0)
		return OUT_DONE;
	if (is_removal(r) && same_seen) {
		take_out(s, t, request);
		return OUT_DONE;
	}
	if (is_removal(r))
		return OUT_STALE;
	if (c == NULL && r->dir != DIR_FENCE)
		return OUT_REFUSED;
	if (r->dir != DIR_FENCE && r->want[0] == '\0')
		return OUT_REFUSED; /* an empty set is never published */
	if (same_seen && (r->dir == DIR_FENCE || text_eq(c->value, r->base))) {
		take(s, t, request);
		return OUT_DONE;
	}
	if (t->marker_lsn == r->lsn)
		return OUT_DONE;
	if (t->marker_lsn > r->lsn)
		return OUT_STALE;
	return OUT_CONFLICT;
}

static enum outcome
hub_judge(struct sim *s, const struct ftarget *t, const struct request *r)
{
	const struct tcell *c = target_cell((struct ftarget *)t, r->resource);
	bool park = text_starts(r->resource, "relay.park "),
	     opens = is_queue(r->resource) || (park && r->want[0] == '\0');

	(void)s;
	if (r->dir == DIR_FENCE)
		return OUT_DONE;
	if (c == NULL && !is_queue(r->resource))
		return OUT_REFUSED;
	if (!opens && !text_eq(c->value, r->base) && !text_eq(c->value, r->want))
		return OUT_CONFLICT;
	if (park && opens && c->value[0] != '\0' && r->base[0] == '\0')
		return OUT_CONFLICT;
	return OUT_DONE;
}

static enum outcome
take_hub(struct sim *s, size_t request)
{
	struct ftarget *t = &s->target[T_HUB];
	struct request *r = &s->request[request];
	const struct request *last = &s->request[t->marker_request];
	enum outcome o;

	if (is_removal(r) && t->marker_lsn == 0)
		return OUT_DONE;
	if (r->lsn < t->marker_lsn || r->lsn <= t->retired)
		return OUT_STALE;
	if (is_removal(r)) {
		for (size_t i = 0; i < t->cells_n; i++)
			if (t->cell[i].value[0] != '\0')
				return OUT_RETRY; /* away, parked or being let go */
		take_out(s, t, request);
		return OUT_DONE;
	}
	if (r->lsn == t->marker_lsn)
		return text_eq(last->resource, r->resource) && text_eq(last->want, r->want) &&
				       text_eq(last->base, r->base)
			       ? OUT_DONE
			       : OUT_CONFLICT;
	o = hub_judge(s, t, r);
	if (o != OUT_DONE)
		return o;
	take(s, t, request);
	if (is_queue(r->resource) || opens_park(r))
		release(s, t, r);
	return OUT_DONE;
}

enum outcome
target_take(struct sim *s, size_t request)
{
	struct request *r = &s->request[request];
	struct ftarget *t = &s->target[r->to];

	if (r->to == T_ZONE)
		return take_zone(s, request);
	if (r->to == T_HUB)
		return take_hub(s, request);
	if (target_cell(t, r->resource) == NULL || r->dir == DIR_FENCE)
		return OUT_REFUSED;
	take(s, t, request);
	return OUT_DONE;
}
