/*
 * net.c - between the process and its targets: requests and answers are delayed, lost, repeated,
 * late. What a process has sent goes on without it. A class U connector sends nothing after the
 * deadline, and what it sent lands within the drain time after that: those are its two assumptions,
 * and the simulator keeps to them.
 */
#include "base/text.h"
#include "sim/sim.h"

#include <string.h>

static size_t
new_request(struct sim *s, const struct action *a, size_t to)
{
	struct request *r;

	s->request = sim_grow(s->request, s->requests_n, &s->requests_room, sizeof *s->request);
	r = &s->request[s->requests_n];
	*r = (struct request){ .op = a->op,
		.life = s->process.life,
		.sent_at = s->now,
		.deadline_ms = a->effect.deadline_ms > 0 ? a->effect.deadline_ms : 30000,
		.playbook = sim_str(s, a->effect.playbook),
		.run = sim_str(s, a->effect.run),
		.step = sim_str(s, a->effect.step),
		.target = sim_str(s, a->effect.target),
		.resource = sim_str(s, a->effect.resource),
		.base = sim_str(s, a->effect.base != NULL ? a->effect.base : ""),
		.want = sim_str(s, a->effect.want != NULL ? a->effect.want : ""),
		.options = sim_str(s, a->effect.options != NULL ? a->effect.options : ""),
		.dir = a->effect.dir,
		.lsn = a->effect.lsn,
		.seen_lsn = a->effect.seen_lsn,
		.seen_store = sim_str(s, a->effect.seen_store),
		.to = to };
	return s->requests_n++;
}

static void
answer(struct sim *s, size_t request, int64_t at, enum outcome outcome)
{
	const struct request *r = &s->request[request];

	sim_push(s, (struct happening){ .at = at,
			    .kind = H_ANSWER,
			    .life = r->life,
			    .op = r->op,
			    .index = request,
			    .outcome = outcome });
}

/* A copy of the request on its way. number 1: its answer will be heard. */
static void
fly(struct sim *s, size_t request, int64_t late, bool heard)
{
	sim_push(s, (struct happening){ .at = s->now + late,
			    .kind = H_DELIVER,
			    .index = request,
			    .number = heard });
}

static int64_t
latest(const struct sim *s, const struct request *r)
{
	const struct ftarget *t = &s->target[r->to];

	return t->class == FENCE_U ? r->deadline_ms + t->drain_ms - 1 : 10 * r->deadline_ms;
}

/* The tenant's connector looks before it sends, and a value that the plan did not see ends it
 * there. */
static bool
looks_wrong(struct sim *s, const struct request *r)
{
	const struct tcell *c = target_cell(&s->target[r->to], r->resource);

	return r->to == T_TENANT && c != NULL && !text_eq(c->value, r->base) &&
	       !text_eq(c->value, r->want);
}

/* Anywhere up to ten deadlines; or just when nobody waits any more, while whoever sent it looks
 * what has become of it. */
static int64_t
lateness(const struct sim *s, const struct request *r)
{
	if (s->faults.amount >> 40 & 1)
		return fault_span(s, r->deadline_ms, r->deadline_ms + 1200);
	return fault_span(s, r->deadline_ms / 2, latest(s, r));
}

/* Up to three more copies, the last of them ten deadlines late; the first often just while whoever
 * sent it looks what has become of it. */
static void
repeat(struct sim *s, size_t request)
{
	const struct request *r = &s->request[request];
	int64_t last = latest(s, r), first = s->target[r->to].class == FENCE_U ? last / 2 : 10;

	if (first == 10 && (s->faults.amount >> 42 & 1) != 0)
		fly(s, request, fault_span(s, 200, 2000), false);
	else
		fly(s, request, fault_span(s, first, last), false);
	for (uint64_t i = s->faults.amount >> 40 & 3; i > 1; i--)
		fly(s, request, rng_between(&s->net_rng, first, last), false);
}

void
net_effect(struct sim *s, const struct action *a)
{
	struct ftarget *t = target_find(s, a->effect.target);
	size_t i = new_request(s, a, t != NULL ? (size_t)(t - s->target) : T_TENANT);
	const struct request *r = &s->request[i];
	int64_t late = rng_between(&s->net_rng, 20, 800);
	bool lost, heard;

	view_sent(s, i);
	if (t == NULL || looks_wrong(s, r)) {
		answer(s, i, s->now + late, t == NULL ? OUT_REFUSED : OUT_CONFLICT);
		return;
	}
	if (s->process.stale && t->class == FENCE_U) { /* its connector lets it go no more */
		answer(s, i, s->now + late, OUT_RETRY);
		return;
	}
	if (fault_on(s, SITE_NOT_SENT, i)) {
		answer(s, i, s->now + late, OUT_RETRY);
		return;
	}
	answer(s, i, s->now + r->deadline_ms, OUT_UNKNOWN); /* what comes earlier counts */
	s->request[i].refused = fault_on(
		s, SITE_REFUSED, i); /* each copy of it, or the refusal would prove nothing */
	lost = fault_on(s, SITE_REQUEST_LOST, i);
	if (!lost && fault_on(s, SITE_REQUEST_LATE, i))
		late = lateness(s, r);
	heard = !fault_on(s, SITE_REPLY_LOST, i);
	if (!lost && !(late > r->deadline_ms / 4 && aim_holds(s, i)))
		fly(s, i, late, heard);
	if (fault_on(s, SITE_REQUEST_TWICE, i))
		repeat(s, i);
	aim_sent(s, i);
	process_maybe_dies(s, "effect sent");
}

/* At the door, before anything is looked at. It goes for each copy, or the answer would prove
 * nothing. */
static bool
turned_away(struct sim *s, size_t request, enum outcome *ret)
{
	struct request *r = &s->request[request];
	struct ftarget *t = &s->target[r->to];

	if (r->accepted > 0)
		return false;
	r->refused = target_locked(s, t);
	r->dead = target_throttled(s, t);
	*ret = r->refused ? OUT_REFUSED : OUT_RETRY;
	return r->refused || r->dead;
}

static void
deliver(struct sim *s, const struct happening *h)
{
	const struct request *r = &s->request[h->index];
	enum outcome o;

	if (r->refused || r->dead) {
		o = r->refused ? OUT_REFUSED : OUT_RETRY;
	} else if (turned_away(s, h->index, &o)) {
		r = &s->request[h->index];
	} else if (fault_on(s, SITE_NOT_APPLIED, h->index)) {
		o = OUT_DONE;
	} else {
		o = target_take(s, h->index);
		r = &s->request[h->index];
		if (fault_on(s, SITE_ERROR_APPLIED, h->index))
			o = OUT_UNKNOWN;
	}
	trace_add(s, "%s: request %llu arrives: %s", r->target, (unsigned long long)r->lsn,
		outcome_name(o));
	if (h->number != 0 && s->killer == NULL)
		answer(s, h->index, s->now + rng_between(&s->net_rng, 10, 400), o);
	process_maybe_dies(s, "effect applied");
}

/* --- reads --- */

void
net_read(struct sim *s, const struct action *a)
{
	struct ftarget *t = target_find(s, a->read.target);
	int64_t deadline = a->read.deadline_ms > 0 ? a->read.deadline_ms : 30000;
	struct reading *r;
	size_t i;

	s->reading = sim_grow(s->reading, s->readings_n, &s->readings_room, sizeof *s->reading);
	i = s->readings_n++;
	r = &s->reading[i];
	*r = (struct reading){ .op = a->op,
		.life = s->process.life,
		.to = t != NULL ? (size_t)(t - s->target) : T_N,
		.resource = sim_str(s, a->read.resource),
		.from = a->read.from,
		.deadline_at = s->now + deadline,
		.outcome = OUT_RETRY,
		.value = "" };
	/* an old copy is told by the targets, where they answer */
	if (t == NULL || (fault(s, SITE_READ_LOST) && s->journal.unsaid_until == 0)) {
		sim_push(s, (struct happening){ .at = r->deadline_at,
				    .kind = H_READ_BACK,
				    .life = r->life,
				    .op = r->op,
				    .index = i });
		return;
	}
	sim_push(s, (struct happening){ .at = s->now + rng_between(&s->net_rng, 10, 400),
			    .kind = H_READ,
			    .life = r->life,
			    .op = r->op,
			    .index = i });
}

/* A secondary may be many machines behind one address, and one of them may know less. */
static const char *
shown_by(struct sim *s, const struct tcell *c, size_t server)
{
	if (fault(s, SITE_SERVER_EMPTY))
		return "";
	if (fault(s, SITE_SERVER_OLD) && c->changes_n > 1)
		return c->change[c->changes_n - 2].value;
	return c->shown[server];
}

static void
read_servers(struct sim *s, struct reading *r, struct tcell *c)
{
	bool any = false;

	if (r->from == READ_RESOLVERS) {
		if (s->now >= c->cached_until) {
			c->cached = c->shown[rng_below(&s->net_rng, SECONDARIES + 1)];
			c->cached_until = s->now + rng_between(&s->net_rng, 0, 300000);
		}
		r->by[0] = c->cached;
		r->answered[0] = any = true;
		r->by_n = 1;
	} else {
		size_t silent = fault(s, SITE_SERVER_SILENT) ? (size_t)fault_span(s, 0, SECONDARIES)
							     : SIZE_MAX;

		for (size_t i = 0; i <= SECONDARIES; i++) {
			r->by[i] = i == 0 ? c->shown[0] : shown_by(s, c, i);
			r->answered[i] = i != silent;
			any |= r->answered[i];
		}
		r->by_n = SECONDARIES + 1;
	}
	r->outcome = any ? OUT_DONE : OUT_RETRY;
	r->value = r->by[0];
}

static void
read_at(struct sim *s, const struct happening *h)
{
	struct reading *r = &s->reading[h->index];
	struct ftarget *t = &s->target[r->to];
	const char *value = target_read(s, t, r->resource);
	int64_t back = s->now + rng_between(&s->net_rng, 10, 400);
	size_t behind;

	if (fault(s, SITE_READ_SLOW) &&
		s->journal.unsaid_until == 0) /* within its deadline and after it */
		back = s->now + fault_span(s, 1000, 2 * (r->deadline_at - s->now));
	if ((target_throttled(s, t) || target_locked(s, t)) && s->journal.unsaid_until == 0) {
		r->outcome = s->target[r->to].closed_until > s->now ? OUT_REFUSED : OUT_RETRY;
	} else if (value == NULL || (r->from != READ_TARGET && r->to != T_ZONE)) {
		r->outcome = OUT_REFUSED;
	} else if (r->from == READ_TARGET) {
		r->outcome = OUT_DONE;
		r->value = value;
		memcpy(r->marker_store, t->marker_store, sizeof r->marker_store);
		r->marker_lsn = t->marker_lsn;
	} else {
		read_servers(s, r, target_cell(t, r->resource));
	}
	sim_push(s, (struct happening){ .at = back,
			    .kind = H_READ_BACK,
			    .life = r->life,
			    .op = r->op,
			    .index = h->index });
	behind = r->from == READ_TARGET ? aim_looked(s, r->to, r->resource) : SIZE_MAX;
	if (behind != SIZE_MAX &&
		s->now < s->request[behind].sent_at + latest(s, &s->request[behind]))
		fly(s, behind, 1, false);
}

void
net_happens(struct sim *s, const struct happening *h)
{
	if (h->kind == H_DELIVER)
		deliver(s, h);
	else
		read_at(s, h);
}
