/*
 * hours.c - one seed in thirteen has a calendar: hours at which the playbook lets no cut-over, or
 * no failback, start by itself. They come and go by the wall clock, which may be wrong. The other
 * twelve do not notice that it exists.
 */
#include "sim/sim.h"

/* HOURS_AT: no seed of a saved case is congruent to it. */
enum { HOURS_EACH = 13, HOURS_AT = 6, MINUTE = 60000 };

void
hours_init(struct sim *s, bool may)
{
	struct rng r;

	if (!may || s->seed % HOURS_EACH != HOURS_AT)
		return;
	rng_seed(&r, s->seed, "hours");
	for (int i = 0; i < HOURS_N; i++) {
		struct hours *h = &s->hours[i];

		h->each_ms = MINUTE * rng_between(&r, 20, 300);
		h->long_ms = h->each_ms * rng_between(&r, 0, 80) / 100;
		h->from_ms = MINUTE * rng_between(&r, 0, 300);
	}
}

bool
hours_forbid(const struct sim *s, enum hours_of what, int64_t wall_ms)
{
	const struct hours *h = &s->hours[what];

	return h->each_ms > 0 && (wall_ms + h->from_ms) % h->each_ms < h->long_ms;
}
