/*
 * Invariant 4: at most one cut-over or failback of a playbook's flow is not ended; START commits
 * only then. And one is under way only while its machine says so: where the journal says normal,
 * nothing is open.
 */
#include "base/text.h"
#include "sim/sim.h"

static void record(struct sim *s, const struct vrecord *rec);

const struct invariant inv_04 = { .name = "inv_04_one_run", .record = record };

static bool
moves(const struct vrun *r)
{
	return text_eq(r->kind, "cutover") || text_eq(r->kind, "failback");
}

static bool
says_none(const char *state)
{
	static const char *const none[] = { "normal", "suspect", "awaiting-approval", "on-backup",
		"recovering" };

	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		if (text_eq(state, none[i]))
			return true;
	return false;
}

static void
machine(struct sim *s, const struct record *r)
{
	const char *to = json_str(r->body, "to");

	for (size_t i = 0; i < s->view.runs_n && says_none(to); i++) {
		const struct vrun *o = &s->view.run[i];

		if (moves(o) && !o->terminal && text_eq(o->flow, json_str(r->body, "flow")))
			violated(s, &inv_04, "the machine goes to %s while run %s is open", to,
				o->id);
	}
}

static void
record(struct sim *s, const struct vrecord *rec)
{
	const struct view *v = &s->view;

	if (rec->r->type == REC_ROW)
		machine(s, rec->r);
	if (rec->r->type != REC_START)
		return;
	for (size_t i = 0; i + 1 < v->runs_n; i++) {
		const struct vrun *r = &v->run[i];

		if (text_eq(r->id, rec->run->id))
			violated(s, &inv_04, "run %s starts twice", r->id);
		if (moves(rec->run) && moves(r) && !r->terminal &&
			text_eq(r->playbook, rec->run->playbook) &&
			text_eq(r->flow, rec->run->flow))
			violated(s, &inv_04, "run %s starts while run %s of %s is not ended",
				rec->run->id, r->id, r->flow);
	}
}
