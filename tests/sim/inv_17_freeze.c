/*
 * Invariant 17: once a brake is durable no intent follows, but of a run whose command named the
 * brake: that which was on when it was said, and none that came later. What people said counts
 * as much as what the journal says: who has said `pause` and was answered exit 0 has put the brake
 * on, until its expiry or until somebody's `resume` is durable. `eject` puts it on too, for all
 * but its own run, without an expiry.
 */
#include "base/text.h"
#include "sim/sim.h"

static void record(struct sim *s, const struct vrecord *rec);

const struct invariant inv_17 = { .name = "inv_17_freeze", .record = record };

static void
journalled(struct sim *s, const struct vrecord *rec)
{
	const struct view *v = &s->view;

	for (size_t i = 0; i < v->brakes_n; i++) {
		const struct vbrake *b = &v->brake[i];

		if (b->seq < rec->run->named_seq)
			continue;
		if (b->on && text_eq(b->playbook, rec->run->playbook) &&
			(b->expires == 0 || rec->r->wall_ms < b->expires))
			violated(s, &inv_17, "INTENT %llu of run %s while its playbook is paused",
				(unsigned long long)rec->intent->lsn, rec->run->id);
	}
}

/* The newest word on the brake: NULL = nobody has said anything, or it was lost. */
static const struct saying *
newest(const struct people *p)
{
	const struct saying *o = NULL;

	for (size_t i = 0; i < p->said_n; i++)
		if (p->said[i].in_force != 0 && !p->said[i].gone &&
			(o == NULL || p->said[i].in_force > o->in_force))
			o = &p->said[i];
	return o;
}

static void
said(struct sim *s, const struct vrecord *rec)
{
	const struct saying *o = newest(&s->people);

	if (o == NULL || o->verb == VERB_RESUME ||
		(o->verb == VERB_PAUSE && o->expires != 0 && rec->r->wall_ms >= o->expires))
		return;
	if (rec->run->named_seq != 0 &&
		(o == people_order(s, rec->run->reason) || o->in_force_at <= rec->run->named_at))
		return;
	violated(s, &inv_17, "INTENT %llu of run %s although %s has said %s (%s) and was told yes",
		(unsigned long long)rec->intent->lsn, rec->run->id, o->who, verb_name(o->verb),
		o->req);
}

static void
record(struct sim *s, const struct vrecord *rec)
{
	struct saying *o = rec->r->type == REC_BRAKE || rec->r->type == REC_COMMAND
				   ? people_order(s, json_str(rec->r->body, "reason"))
				   : NULL;

	if (o != NULL && o->seq == 0)
		o->seq = rec->r->seq;
	/* a newer `pause` replaces the one before, with its own expiry, although its answer is lost
	 */
	if (o != NULL &&
		((o->verb == VERB_RESUME &&
			 (rec->r->type == REC_BRAKE || json_int(rec->r->body, "exit", 1) == 0)) ||
			(o->verb == VERB_PAUSE && rec->r->type == REC_BRAKE)))
		people_in_force(s, o);
	if (rec->intent == NULL || rec->intent->dir == DIR_FENCE || rec->run == NULL)
		return;
	journalled(s, rec);
	said(s, rec);
}
