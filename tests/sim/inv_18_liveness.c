/* Invariant 18: healed, each run comes to an end, or is blocked and somebody has got the alarm. */
#include "sim/sim.h"

static void over(struct sim *s);

const struct invariant inv_18 = { .name = "inv_18_liveness", .over = over };

static void
over(struct sim *s)
{
	for (size_t i = 0; i < s->view.runs_n; i++) {
		const struct vrun *r = &s->view.run[i];

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
}
