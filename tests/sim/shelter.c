/*
 * shelter.c - what must become of a shelter (DESIGN section 4, "a shelter ends with the mail
 * safe"): when its time is over somebody is told, and when nothing is suspected any more it ends.
 *
 * Nobody is told by a machine that settles, by one that a run leads, or by one that is blocked:
 * then people have been called already (inv_18). A shelter that a cut-over has adopted is that
 * run's affair.
 */
#include "base/text.h"
#include "sim/sim.h"

/* What ferryman needs to say so, and to take back a shelter for which there is no reason. */
enum { TELLS_MS = 10 * 60000, ENDS_MS = 120 * 60000 };

static const struct procedure *
procedure_of(const struct sim *s)
{
	for (size_t i = 0; i < s->book->procedures_n; i++)
		if (s->book->procedures[i].kind == PROC_SHELTER)
			return &s->book->procedures[i];
	return NULL;
}

static int
flow_of(const struct vrun *r)
{
	return text_eq(r->flow, flow_name(FLOW_INBOUND)) ? FLOW_INBOUND : FLOW_OUTBOUND;
}

static bool
is_among(const char *state, const char *const *list)
{
	for (size_t i = 0; state != NULL && list[i] != NULL; i++)
		if (text_eq(state, list[i]))
			return true;
	return false;
}

/* For how long its time has been over, as ferryman can know it: what the wall clock was set while
 * the machine was off counts. Below 0: not yet. */
static int64_t
over_for(const struct sim *s, const struct vrun *r)
{
	return s->now - r->start_at + s->view.unseen_ms - r->start_unseen -
	       procedure_of(s)->expires_ms;
}

static bool
stands(const struct vrun *r)
{
	return r->state == VR_SHELTERING && !r->terminal && !r->adopted;
}

bool
shelter_untold(const struct sim *s, const struct vrun *r)
{
	static const char *const tells[] = { "normal", "suspect", "awaiting-approval", "on-backup",
		"recovering", NULL };
	int f = flow_of(r);

	return stands(r) && over_for(s, r) >= TELLS_MS && r->over_at == 0 &&
	       s->now - s->process.stalled_until >= TELLS_MS &&
	       is_among(s->view.machine[f].state, tells) &&
	       s->now - s->view.machine[f].since >= TELLS_MS;
}

static bool
braked(const struct sim *s)
{
	for (size_t i = 0; i < s->view.brakes_n; i++)
		if (s->view.brake[i].on && (s->view.brake[i].expires == 0 ||
						   s->view.brake[i].expires > process_wall(s)))
			return true;
	return false;
}

bool
shelter_forgotten(const struct sim *s, const struct vrun *r)
{
	static const char *const home[] = { "normal", "suspect", "awaiting-approval", NULL };

	return stands(r) && s->healed && s->now - s->heal_at >= ENDS_MS && !braked(s) &&
	       is_among(s->view.machine[flow_of(r)].state, home);
}

bool
shelter_rests(const struct sim *s, const struct vrun *r)
{
	static const char *const by_others[] = { "on-backup", "recovering", NULL };
	const char *state = s->view.machine[flow_of(r)].state;

	if (r->adopted || text_eq(state, "blocked"))
		return true;
	return is_among(state, by_others) && over_for(s, r) >= TELLS_MS;
}
