/*
 * Invariant 8: mail is taken to a path only when that path is proven ready: the journal says so of
 * a step before; a test message has really come through it in this run, to each receiver that a
 * canary names, or to as many as the proof asks for while each other one has harm on the primary
 * too; and every server and every cache shows that it may send for us. The permission goes only
 * when no mail can still wait at the relay, or a person has said so. And no mail is left parked
 * where nobody knows of it. A journal that was put back proves nothing of what came after its copy.
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

/* A canary of the primary in this direction may be bad at this receiver. */
static bool
harm_at(const struct known *m, enum flow f, const char *receiver)
{
	const struct playbook *pb = m->s->book;

	for (size_t i = 0; i < pb->signals_n; i++) {
		const struct signal *sig = &pb->signals[i];

		for (size_t k = 0; sig->path == pb->primary && sig->harm && k < sig->subjects_n;
			k++)
			if ((!sig->flow_given || sig->flow == f) &&
				text_eq(sig->subjects[k].name, receiver) &&
				answers_may_be_bad(m, sig, &sig->subjects[k]))
				return true;
	}
	return false;
}

/* A message of this run came through to the subject before the switch was intended: so a probe has
 * said, in time, whatever the core makes of it. */
static bool
came(const struct sim *s, const struct vrun *run, const struct vintent *x, const struct signal *sig,
	const struct subject *sub)
{
	for (size_t i = s->answers_n; i-- > 0 && s->answer[i].at >= run->start_at;) {
		const struct answer *a = &s->answer[i];

		if (a->through != NULL && text_eq(a->through, sig->path->name) && !a->production &&
			a->signal == sig && a->subject == sub && a->verdict == VERDICT_OK &&
			!a->too_late && a->era == x->lsn >> 40 && a->at <= x->at)
			return true;
	}
	return false;
}

/* Its mail may have come to harm on the primary too, at some moment of this run while we saw. */
static bool
excused(const struct sim *s, const struct vrun *run, const struct vintent *x, enum flow f,
	const char *receiver)
{
	for (size_t i = s->answers_n; i-- > 0;) {
		const struct answer *a = &s->answer[i];
		struct known m = { .s = s, .sight = a->sight, .upto = i + 1, .at = a->at };

		if (a->at <= x->at && answers_anchored(&m) && harm_at(&m, f, receiver))
			return true;
		if (a->at < run->start_at)
			break; /* the newest before it still counts when it starts */
	}
	return false;
}

/* To each receiver, or to as many as the proof asks for while the others are excused. */
static bool
all_came(const struct sim *s, const struct vrun *run, const struct vintent *x, enum flow f,
	const struct signal *sig, int wanted)
{
	size_t n = 0, with = 0;

	for (size_t i = 0; i < sig->subjects_n; i++) {
		bool has = came(s, run, x, sig, &sig->subjects[i]);

		n += has;
		with += has || (wanted > 0 && excused(s, run, x, f, sig->subjects[i].name));
	}
	return with == sig->subjects_n && (n == with || n >= (size_t)wanted);
}

/* By one of the canaries that watch the path, and one of the procedure's proofs of it. */
static bool
messages_came(const struct sim *s, const struct vrun *run, const struct vintent *x)
{
	enum flow f = text_eq(run->flow, "inbound") ? FLOW_INBOUND : FLOW_OUTBOUND;
	const struct procedure *p = playbook_cutover(s->book, f);

	for (size_t k = 0; p != NULL && k < p->steps_n && !p->steps[k].pivot; k++) {
		const struct step *st = &p->steps[k];

		for (size_t i = 0; text_eq(st->kind, "verify.canary") && i < s->book->signals_n;
			i++) {
			const struct signal *sig = &s->book->signals[i];

			if (sig->path == p->to && sig->harm &&
				(!sig->flow_given || sig->flow == f) &&
				all_came(s, run, x, f, sig, st->receivers))
				return true;
		}
	}
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
		if (!messages_came(s, run, x))
			violated(s, &inv_08,
				"run %s takes mail to a path, and no probe has said that a message "
				"of this run came through it to each receiver",
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
