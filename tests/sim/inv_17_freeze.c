/* Invariant 17: once a brake is durable no intent follows, but of a run whose command named the
 * brake. */
#include "base/text.h"
#include "sim/sim.h"

static void record(struct sim *s, const struct vrecord *rec);

const struct invariant inv_17 = { .name = "inv_17_freeze", .record = record };

static void
record(struct sim *s, const struct vrecord *rec)
{
	const struct view *v = &s->view;

	if (rec->intent == NULL || rec->intent->dir == DIR_FENCE || rec->run == NULL ||
		rec->run->names_pause)
		return;
	for (size_t i = 0; i < v->brakes_n; i++) {
		const struct vbrake *b = &v->brake[i];

		if (b->on && text_eq(b->playbook, rec->run->playbook) &&
			(b->expires == 0 || rec->r->wall_ms < b->expires))
			violated(s, &inv_17, "INTENT %llu of run %s while its playbook is paused",
				(unsigned long long)rec->intent->lsn, rec->run->id);
	}
}
