/*
 * Invariant 8: mail is taken to a path only when that path is proven ready: a test message came
 * through it in this run, and every server and every cache shows that it may send for us. The
 * permission goes only when no mail can still wait at the relay, or a person has said so. And no
 * mail is left parked where nobody knows of it. A journal that was put back proves nothing of what
 * came after its copy.
 */
#include "base/text.h"
#include "sim/sim.h"

#include <string.h>

static void accepted(struct sim *s, const struct request *r, const char *before);
static void over(struct sim *s);

const struct invariant inv_08 = {
	.name = "inv_08_make_before_break", .accepted = accepted, .over = over
};

#define RELAY "ip4:203.0.113.65"
enum { LAG_MS = 1200000 }; /* how long a server may show what a hand wrote before */

/* Since the journal is of this era: what a proof of an older one saw may have been undone in what
 * was forgotten. */
static bool
arrived(const struct view *v, const struct vrun *run, const char *step, uint64_t era)
{
	for (size_t i = 0; i < v->results_n; i++) {
		const struct vresult *x = &v->result[i];

		if (x->run == (size_t)(run - v->run) && text_eq(x->step, step) &&
			x->dir == DIR_DO && x->outcome == OUT_DONE && x->era == era)
			return true;
	}
	return false;
}

static bool
proven(const struct sim *s, const struct vrun *run, const struct vstep *switching, uint64_t era)
{
	for (const struct vstep *st = run->step; st < switching; st++)
		if (text_eq(st->kind, "verify.canary") && arrived(&s->view, run, st->id, era))
			return true;
	return false;
}

static void
permitted(struct sim *s, const struct vrun *run)
{
	const struct tcell *c = target_cell(&s->target[T_ZONE], "dns.rrset corp.example TXT");

	if (c->hand_at >= 0 && c->hand_at >= run->start_at - LAG_MS)
		return; /* a hand was there meanwhile */
	for (size_t i = 0; i <= SECONDARIES; i++)
		if (strstr(c->shown[i], RELAY) == NULL)
			violated(s, &inv_08,
				"run %s takes mail to the relay, and server %zu does not show that "
				"it may send",
				run->id, i);
	if (s->now < c->cached_until && strstr(c->cached, RELAY) == NULL)
		violated(s, &inv_08,
			"run %s takes mail to the relay, and a resolver still keeps the old SPF "
			"for "
			"%lld s",
			run->id, (long long)((c->cached_until - s->now) / 1000));
}

static void
accepted(struct sim *s, const struct request *r, const char *before)
{
	struct view *v = &s->view;
	const struct vintent *x = view_intent(v, r->lsn);
	const struct vrun *run = x != NULL && x->run != SIZE_MAX ? &v->run[x->run] : NULL;
	const struct vstep *st = view_step(run, r->step);

	if (st == NULL || r->accepted > 1)
		return;
	if (r->dir == DIR_DO && text_eq(run->kind, "cutover") &&
		(text_eq(st->kind, "outbound.switch") || text_eq(st->kind, "mx.switch"))) {
		if (!proven(s, run, st, r->lsn >> 40))
			violated(s, &inv_08,
				"run %s takes mail to a path that no test message came through "
				"in this era",
				run->id);
		if (text_eq(st->kind, "outbound.switch"))
			permitted(s, run);
	}
	/* an undo takes back what this run gave, before it moved any mail */
	if (r->to == T_ZONE && r->dir == DIR_DO && strstr(before, RELAY) != NULL &&
		strstr(r->want, RELAY) == NULL && strstr(r->want, "v=spf1") != NULL &&
		s->mail.relayed_at >= 0 && !run->names_queues)
		violated(s, &inv_08,
			"run %s takes the relay out of SPF, and mail went through it %lld s ago",
			run->id, (long long)((s->now - s->mail.relayed_at) / 1000));
}

static void
over(struct sim *s)
{
	bool known = s->people.alarm_at >= 0;

	for (size_t i = 0; i < s->view.runs_n; i++)
		known = known || !s->view.run[i].terminal;
	if (s->mail.parked > 0 && !known)
		violated(s, &inv_08,
			"%llu messages are parked, no run knows of it and nobody was told",
			(unsigned long long)s->mail.parked);
	if (s->mail.sent != s->mail.delivered + s->mail.returned + s->mail.parked + s->mail.waiting)
		violated(s, &inv_08, "the simulator has lost a message");
}
