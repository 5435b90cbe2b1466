/* stage_targets.c - zones, hubs and tenants of a company that exists on paper. */
#include "play/stage_targets.h"

#include "base/arena.h"
#include "base/conninfo.h"
#include "base/text.h"
#include "core/plan.h"

#include <stdio.h>
#include <string.h>

enum { ARENA_MAX_ = 256 * 1024 * 1024 };

static const char queue_open[] = "state open\nparked 0\nwaiting 0\noldest 0\n";
static const char queue_parked[] = "state parked\nparked 1\nwaiting 0\noldest 0\n";

struct cell {
	struct cell *next;
	const char *target, *resource, *value;
};

struct marker {
	struct marker *next;
	const char *domain;
	uint64_t lsn; /* 0 = none */
};

struct stage_targets {
	struct arena *a;
	struct playbook *pb;
	struct cell *cells;
	struct marker *markers;
};

struct stage_targets *
stage_targets_new(const struct mem *mem, struct playbook *pb)
{
	struct arena *a = arena_new(mem, ARENA_MAX_);
	struct stage_targets *t = a != NULL ? arena_get(a, sizeof *t) : NULL;

	if (t == NULL) {
		arena_free(&a);
		return NULL;
	}
	t->a = a;
	t->pb = pb;
	return t;
}

void
stage_targets_free(struct stage_targets **t)
{
	struct arena *a = *t != NULL ? (*t)->a : NULL;

	*t = NULL;
	arena_free(&a);
}

/* --- what is there before anybody has touched it --- */

static const char *
first_spf(struct stage_targets *t)
{
	const struct path *p = t->pb->primary;
	char terms[2048] = "";

	for (size_t i = 0; i < p->spf_n; i++)
		(void)snprintf(
			terms + strlen(terms), sizeof terms - strlen(terms), " %s", p->spf[i]);
	return arena_fmt(
		t->a, "ttl %d\ntxt v=spf1%s -all\n", STAGE_TTL_S, p->spf_n > 0 ? terms : " mx");
}

static const char *
first_mx(struct stage_targets *t)
{
	const struct path *p = t->pb->primary;
	char set[4096];

	(void)snprintf(set, sizeof set, "ttl %d\n", STAGE_TTL_S);
	for (size_t i = 0; i < p->inbound.mx_n; i++)
		(void)snprintf(set + strlen(set), sizeof set - strlen(set), "mx %d %s\n",
			p->inbound.mx[i].preference, p->inbound.mx[i].host);
	return arena_str(t->a, set);
}

static const char *
first_value(struct stage_targets *t, const char *resource)
{
	if (text_starts(resource, "relay.queue "))
		return queue_open;
	if (text_starts(resource, "dns.rrset "))
		return text_ends(resource, " MX") ? first_mx(t) : first_spf(t);
	return ""; /* a switch that nobody has thrown, a queue that nobody has parked */
}

static struct cell *
cell_of(struct stage_targets *t, const char *target, const char *resource)
{
	struct cell *c;

	for (c = t->cells; c != NULL; c = c->next)
		if (text_eq(c->target, target) && text_eq(c->resource, resource))
			return c;
	c = arena_get(t->a, sizeof *c);
	if (c == NULL)
		return NULL;
	c->target = arena_str(t->a, target);
	c->resource = arena_str(t->a, resource);
	c->value = first_value(t, resource);
	c->next = t->cells;
	return t->cells = c;
}

/* NULL: the target keeps none (class U). */
static struct marker *
marker_of(struct stage_targets *t, const struct target *target)
{
	struct marker *m;

	if (target == NULL || (target->info->caps & CAP_MARKER_ONLY) == 0)
		return NULL;
	for (m = t->markers; m != NULL; m = m->next)
		if (text_eq(m->domain, target->fence_domain))
			return m;
	m = arena_get(t->a, sizeof *m);
	if (m == NULL)
		return NULL;
	m->domain = target->fence_domain;
	m->next = t->markers;
	return t->markers = m;
}

/* --- answers --- */

void
stage_targets_read(struct stage_targets *t, const struct action *a, struct event *ret)
{
	const struct marker *m = marker_of(t, playbook_target(t->pb, a->read.target));
	struct cell *c = cell_of(t, a->read.target, a->read.resource);
	bool marked = m != NULL && m->lsn != 0;

	ret->type = EV_READ;
	ret->read.outcome = c != NULL ? OUT_DONE : OUT_RETRY;
	ret->read.value = c == NULL				? ""
			  : !text_eq(c->resource, FENCE_MARKER) ? c->value
			  : marked				? "marked\n"
								: "";
	ret->read.version = "";
	ret->read.why = "";
	ret->read.marker_lsn = marked ? m->lsn : 0; /* whose it is, the stage says */
	if (a->read.from != READ_TARGET) {
		ret->read.source_n = 1;
		ret->read.source[0] = (struct source_value){
			.source = a->read.target, .value = ret->read.value, .answered = true
		};
	}
}

static void
put(struct stage_targets *t, const char *target, const char *kind, const char *resource,
	const char *value)
{
	const char *domain = strchr(resource, ' ');
	const char *name = arena_fmt(t->a, "%s%s", kind, domain != NULL ? domain : "");
	struct cell *c = name != NULL ? cell_of(t, target, name) : NULL;

	if (c != NULL)
		c->value = value;
}

static void
change(struct stage_targets *t, const struct action *a, struct cell *c)
{
	const char *want = arena_str(t->a, a->effect.want);

	if (text_starts(c->resource, "relay.queue ")) { /* what waited is let go at once */
		put(t, c->target, "relay.park", c->resource, "");
		c->value = queue_open;
		return;
	}
	if (text_starts(c->resource, "relay.park "))
		put(t, c->target, "relay.queue", c->resource,
			want != NULL && want[0] != '\0' ? queue_parked : queue_open);
	c->value = want != NULL ? want : "";
}

void
stage_targets_effect(struct stage_targets *t, const struct action *a, struct event *ret)
{
	struct marker *m = marker_of(t, playbook_target(t->pb, a->effect.target));
	struct cell *c = cell_of(t, a->effect.target, a->effect.resource);

	ret->type = EV_EFFECT;
	ret->effect.lsn = a->effect.lsn;
	ret->effect.outcome = c != NULL ? OUT_DONE : OUT_RETRY;
	ret->effect.version = "";
	ret->effect.why = "";
	if (c == NULL)
		return;
	if (m != NULL)
		m->lsn = a->effect.lsn;
	if (a->effect.dir != DIR_FENCE)
		change(t, a, c);
}
