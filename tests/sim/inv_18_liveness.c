/*
 * Invariant 18: healed, each run comes to an end, or is blocked and somebody has got the alarm. A
 * shelter that nothing needs any more ends; one whose time is over is told, healed or not, as soon
 * as its machine stands still. And a blocked machine has called somebody.
 */
#include "base/text.h"
#include "sim/sim.h"

static void record(struct sim *s, const struct vrecord *rec);
static void over(struct sim *s);

const struct invariant inv_18 = { .name = "inv_18_liveness", .record = record, .over = over };

static void
untold(struct sim *s)
{
	for (size_t i = 0; i < s->view.runs_n; i++)
		if (shelter_untold(s, &s->view.run[i]))
			violated(s, &inv_18, "the time of shelter %s is over, and nobody was told",
				s->view.run[i].id);
}

static void
record(struct sim *s, const struct vrecord *rec)
{
	(void)rec;
	untold(s);
}

static void
over(struct sim *s)
{
	for (size_t i = 0; i < s->view.runs_n; i++) {
		const struct vrun *r = &s->view.run[i];

		if (shelter_forgotten(s, r))
			violated(s, &inv_18,
				"shelter %s stands %lld s after all was healed, and nothing is "
				"suspected",
				r->id, (long long)((s->now - s->heal_at) / 1000));
		if (r->terminal || r->state == VR_SHELTERING)
			continue;
		if (r->state != VR_BLOCKED)
			violated(s, &inv_18,
				"run %s (%s) has neither ended nor blocked %lld s after all was "
				"healed",
				r->id, r->kind, (long long)((s->now - s->heal_at) / 1000));
		else if (s->people.alarm_at < r->end_at)
			violated(
				s, &inv_18, "run %s is blocked and nobody has got an alarm", r->id);
	}
	untold(s);
	for (int f = 0; f < FLOW_N; f++)
		if (text_eq(s->view.machine[f].state, "blocked") && s->people.alarm_at < 0)
			violated(s, &inv_18, "%s mail is blocked and nobody has ever got an alarm",
				flow_name((enum flow)f));
}
