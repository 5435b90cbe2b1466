/*
 * owner.c - two ferrymen at once. While one stands still its hold on the journal runs out, and
 * another takes over in a new epoch, on another machine. The old one wakes up in the middle of what
 * it did: it may send what it had announced, and no append of it succeeds any more. What it asks of
 * a class U target is not sent: a connector lets nothing go for which the hold may be over (rule 15
 * of reliability.md section 5). On a seed with a disk there is no second one: the lock is held for
 * life.
 */
#include "sim/sim.h"

#include <string.h>

enum { AGAIN_MAX_MS = 240000, NOTICES_MAX_MS = 60000 };

static void
swap(struct sim *s)
{
	struct process now = s->process;

	s->process = s->old;
	s->old = now;
}

bool
owner_enter(struct sim *s, uint32_t life)
{
	if (life == 0 || !s->old.up || life != s->old.life)
		return false;
	swap(s);
	return true;
}

void
owner_leave(struct sim *s)
{
	swap(s);
	if (!s->old.up)
		process_fini(&s->old);
}

void
owner_taken_over(struct sim *s)
{
	struct process *p = &s->process;
	int64_t wakes = p->stalled_until > s->now ? p->stalled_until : s->now;

	if (s->disk != NULL || s->old.up || p->stale || !p->up || p->halted)
		return;
	s->old = *p;
	s->old.stale = true;
	memset(p, 0, sizeof *p);
	p->wall_skew = s->old.wall_skew;
	p->boots = s->old.boots;
	trace_add(s, "life %u stands still, and another ferryman takes over", s->old.life);
	process_boots(s);
	sim_push(s, (struct happening){ .at = s->now + rng_between(&s->net_rng, 500, AGAIN_MAX_MS),
			    .kind = H_STARTS });
	sim_push(s, (struct happening){ .at = wakes + rng_between(&s->net_rng, 0, NOTICES_MAX_MS),
			    .kind = H_LOSES,
			    .life = s->old.life });
}

void
owner_end(struct sim *s)
{
	if (!owner_enter(s, s->old.life))
		return;
	process_die(s);
	owner_leave(s);
}
