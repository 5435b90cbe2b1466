/*
 * fault.c - decisions whether something goes wrong. Each site has a stream of its own, and each
 * decision takes two numbers from it, whether it hits or not: leaving one fault out of a script
 * does not move the others.
 */
#include "sim/reach.h"

struct site_row {
	const char *name;
	unsigned low, high; /* per mille */
};

static const struct site_row rows[] = {
#define SITE_ROW(n, d, low, high) { #n, low, high },
	FAULT_SITES(SITE_ROW)
#undef SITE_ROW
};

const char *
site_name(enum site s)
{
	return s < SITE_N ? rows[s].name : "?";
}

/* Swarm: about half of the rates are 0, so that a fault is also seen alone. */
void
faults_init(struct faults *f, uint64_t seed, const struct script *script)
{
	struct rng swarm;

	rng_seed(&swarm, seed, "swarm");
	for (int i = 0; i < SITE_N; i++) {
		bool on = rng_ratio(&swarm, 1, 2);
		unsigned rate = (unsigned)rng_between(&swarm, rows[i].low, rows[i].high);

		rng_seed(&f->rng[i], seed, rows[i].name);
		f->per_mille[i] = on ? rate : 0;
	}
	f->script = script;
}

static bool
scripted(const struct script *c, enum site site, uint64_t index)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->fault[i].site == site && c->fault[i].index == index)
			return true;
	return false;
}

enum scope
site_scope(enum site s)
{
	static const enum scope scopes[SITE_N] = {
		/* all others: the world */
		[SITE_NOT_SENT] = SCOPE_SEND,
		[SITE_REQUEST_LOST] = SCOPE_SEND,
		[SITE_REQUEST_LATE] = SCOPE_SEND,
		[SITE_REQUEST_TWICE] = SCOPE_SEND,
		[SITE_REPLY_LOST] = SCOPE_SEND,
		[SITE_REFUSED] = SCOPE_SEND,
		[SITE_ERROR_APPLIED] = SCOPE_ARRIVE,
		[SITE_NOT_APPLIED] = SCOPE_ARRIVE,
		[SITE_SECONDARY_LAGS] = SCOPE_ZONE,
		[SITE_SERVER_SILENT] = SCOPE_SERVERS,
		[SITE_SERVER_OLD] = SCOPE_SERVERS,
		[SITE_SERVER_EMPTY] = SCOPE_SERVERS,
	};

	return scopes[s];
}

enum { PRESSED = 25, AGAIN = 3, AIMED = 650 };

static bool
decide(struct sim *s, enum site site, size_t request, unsigned weight)
{
	struct faults *f = &s->faults;
	uint64_t index = f->asked[site]++, choice = rng_next(&f->rng[site]);
	bool hit = choice % 1000 < f->per_mille[site] * weight;

	if (aim_presses(s, site, request))
		hit = choice % 1000 < AIMED;
	f->amount = rng_next(&f->rng[site]);
	if (f->odometer != NULL)
		f->amount = 0;
	if (f->odometer != NULL)
		hit = !f->off && odometer_fault(s, f->odometer, site);
	else if (f->script != NULL)
		hit = scripted(f->script, site, index);
	if (!hit || f->off)
		return false;
	f->hits[site]++;
	if (f->happened.n < SCRIPT_MAX) {
		f->happened.fault[f->happened.n].site = site;
		f->happened.fault[f->happened.n++].index = index;
	}
	reach_fault(s, site, request);
	trace_add(s, "FAULT %s %llu", rows[site].name, (unsigned long long)index);
	return true;
}

bool
fault(struct sim *s, enum site site)
{
	return decide(s, site, SIZE_MAX, 1);
}

/* Few requests are sent a second time, so those meet more. */
static bool
was_sent(const struct sim *s, size_t request)
{
	for (size_t i = request; request < s->requests_n && i-- > 0;)
		if (s->request[i].lsn == s->request[request].lsn)
			return true;
	return false;
}

bool
fault_on(struct sim *s, enum site site, size_t request)
{
	return decide(s, site, request, was_sent(s, request) ? AGAIN : 1);
}

bool
fault_pressed(struct sim *s, enum site site)
{
	return decide(s, site, SIZE_MAX, PRESSED);
}

int64_t
fault_span(const struct sim *s, int64_t low, int64_t high)
{
	if (s->faults.odometer != NULL)
		return odometer_span(s->faults.odometer, low, high);
	return low + (int64_t)(s->faults.amount % ((uint64_t)(high - low) + 1));
}

bool
fault_even(struct sim *s)
{
	return s->faults.odometer != NULL ? odometer_even(s->faults.odometer)
					  : rng_ratio(&s->net_rng, 1, 2);
}
