/* schedule.c - which signal's subject is asked when: starts are spread, jitter comes from the seed.
 */
#include "core/cells.h"

enum { START_SPREAD_MS = 1000 };

static uint64_t
next_random(struct evidence *e)
{
	uint64_t x = e->rng += 0x9e3779b97f4a7c15u; /* splitmix64, public domain (Vigna 2015) */

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

void
schedule_init(struct evidence *e)
{
	size_t n = 0;

	for (size_t i = 0; i < e->pb->signals_n; i++)
		for (size_t k = 0; k < e->pb->signals[i].subjects_n; k++)
			e->ask[n++] = (struct ask){ .sig = &e->pb->signals[i],
				.subject = &e->pb->signals[i].subjects[k] };
}

void
evidence_seed(struct evidence *e, uint64_t seed)
{
	e->rng = seed;
}

void
schedule_answered(struct evidence *e, const struct signal *s, const struct subject *subject)
{
	for (size_t i = 0; i < e->asks_n; i++)
		if (e->ask[i].sig == s && e->ask[i].subject == subject)
			e->ask[i].running_until = 0;
}

/* Anchors come first when several are due: without them nothing else may be believed. */
bool
evidence_next_due(struct evidence *e, int64_t boot_ms, struct due *ret)
{
	struct ask *best = NULL;

	for (size_t i = 0; i < e->asks_n; i++) {
		struct ask *a = &e->ask[i];
		int64_t spread =
			a->sig->every_ms < START_SPREAD_MS ? a->sig->every_ms : START_SPREAD_MS;

		if (a->next_boot_ms == 0)
			a->next_boot_ms =
				boot_ms +
				(a->sig->role == SIG_ANCHOR
						? 0
						: (int64_t)(next_random(e) % (uint64_t)spread));
		if (a->next_boot_ms > boot_ms || a->running_until > boot_ms)
			continue;
		if (best == NULL ||
			(a->sig->role == SIG_ANCHOR) > (best->sig->role == SIG_ANCHOR) ||
			((a->sig->role == SIG_ANCHOR) == (best->sig->role == SIG_ANCHOR) &&
				a->next_boot_ms < best->next_boot_ms))
			best = a;
	}
	if (best == NULL)
		return false;
	best->running_until = boot_ms + 2 * best->sig->timeout_ms +
			      1000; /* its answer comes before; this is for one that is lost */
	best->next_boot_ms = boot_ms + best->sig->every_ms - best->sig->every_ms / 20 +
			     (int64_t)(next_random(e) % (uint64_t)(best->sig->every_ms / 10 + 1));
	ret->signal = best->sig;
	ret->subject = best->subject;
	return true;
}

void
evidence_hurry(struct evidence *e, const struct path *p)
{
	for (size_t i = 0; i < e->asks_n; i++)
		if (e->ask[i].sig->path == p && e->ask[i].sig->harm &&
			e->ask[i].next_boot_ms > e->boot_ms)
			e->ask[i].next_boot_ms = e->boot_ms > 0 ? e->boot_ms : 1;
}

int64_t
schedule_wake(const struct evidence *e)
{
	int64_t wake = INT64_MAX;

	for (size_t i = 0; i < e->asks_n; i++) {
		int64_t at = e->ask[i].next_boot_ms > e->ask[i].running_until
				     ? e->ask[i].next_boot_ms
				     : e->ask[i].running_until;

		if (at < wake)
			wake = at;
	}
	return wake;
}
