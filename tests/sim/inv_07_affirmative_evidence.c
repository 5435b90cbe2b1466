/*
 * Invariant 7: no cut-over and no shelter starts by itself unless what probes have really said
 * carries it: so many groups bad of the primary, one of them a group that sees harm, at so many
 * receivers, for so long as the playbook asks, each answer fresh; and our own line healthy, by most
 * of the anchors, and by one at least since the clock was set. Unknown is not failed, a listing is
 * not harm. And where the primary was well for long and no probe has lied, there is nothing at all
 * to go by.
 *
 * Each condition is a necessary one: the core may well ask for more.
 */
#include "base/text.h"
#include "sim/sim.h"

static void record(struct sim *s, const struct vrecord *rec);

const struct invariant inv_07 = { .name = "inv_07_affirmative_evidence", .record = record };

enum { CLASSES_MAX = 32, SLACK_MS = 60000, STEP_MS = 1000 };

static bool
in(const char *const *list, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (text_eq(list[i], word))
			return true;
	return false;
}

static bool
speaks_of(const struct signal *sig, const struct diagnosis *d)
{
	return sig->role == SIG_EVIDENCE && sig->path == d->path &&
	       (!sig->flow_given || sig->flow == d->flow);
}

static bool
group_bad(const struct known *m, const struct diagnosis *d, const char *group, bool harm)
{
	const struct playbook *pb = m->s->book;

	for (size_t i = 0; i < pb->signals_n; i++) {
		const struct signal *sig = &pb->signals[i];

		if (!speaks_of(sig, d) || !text_eq(sig->group, group) || (harm && !sig->harm))
			continue;
		for (size_t k = 0; k < sig->subjects_n; k++)
			if (answers_may_be_bad(m, sig, &sig->subjects[k]))
				return true;
	}
	return false;
}

/* Receivers that refuse, by what the must groups have seen; at the path itself: more than one. */
static int
receivers(const struct known *m, const struct diagnosis *d, bool *ret_path)
{
	const struct playbook *pb = m->s->book;
	const char *class[CLASSES_MAX];
	size_t n = 0;

	*ret_path = false;
	for (size_t i = 0; i < pb->signals_n; i++) {
		const struct signal *sig = &pb->signals[i];

		if (!speaks_of(sig, d) || !sig->harm || !in(d->must, d->must_n, sig->group))
			continue;
		for (size_t k = 0; k < sig->subjects_n; k++) {
			const char *of = sig->subjects[k].class;

			if (!answers_may_be_bad(m, sig, &sig->subjects[k]))
				continue;
			if (of[0] == '\0')
				*ret_path = true;
			else if (!in(class, n, of) && n < CLASSES_MAX)
				class[n++] = of;
		}
	}
	return (int)n;
}

static bool
holds(const struct known *m, const void *ctx)
{
	const struct diagnosis *d = ctx;
	bool must = false, path;
	int groups = 0;

	for (size_t i = 0; i < d->of_n; i++) {
		groups += group_bad(m, d, d->of[i], false);
		must = must ||
		       (in(d->must, d->must_n, d->of[i]) && group_bad(m, d, d->of[i], true));
	}
	return groups >= d->groups && must && receivers(m, d, &path) >= d->receivers &&
	       answers_anchored(m);
}

/* One receiver alone is sick itself: no reason to leave a path. */
static bool
one_alone(const struct known *m, const struct diagnosis *d)
{
	bool path;
	int n = receivers(m, d, &path);

	return d->flow == FLOW_OUTBOUND && n < 2 && !path;
}

/* Whether this response may start this kind by itself, and how long its diagnosis must have held.
 */
static bool
by_itself(const struct playbook *pb, const struct response *r, const char *kind, int64_t *ret_ms)
{
	bool shelter = text_eq(kind, "shelter");
	enum pb_mode mode = r->mode < pb->mode || shelter ? r->mode : pb->mode;

	if (r->run == NULL || (r->run->kind == PROC_SHELTER) != shelter ||
		r->on->path != pb->primary)
		return false;
	*ret_ms = mode == MODE_AUTOMATIC && r->at == AT_SUSPECT ? 0 : r->on->for_ms;
	return mode == MODE_AUTOMATIC ||
	       (mode == MODE_APPROVE && r->otherwise_proceed && r->within_ms > 0);
}

static bool
carried(const struct decided *d, const char *kind, enum flow f)
{
	const struct playbook *pb = d->by.s->book;
	int64_t ms;

	for (size_t i = 0; i < pb->responses_n; i++) {
		const struct response *r = &pb->responses[i];

		if (by_itself(pb, r, kind, &ms) && r->on->flow == f && !one_alone(&d->by, r->on) &&
			answers_held(d, ms, holds, r->on))
			return true;
	}
	return false;
}

/* --- our own sight --- */

static bool
agreed(const struct decided *d)
{
	const struct sim *s = d->by.s;

	for (size_t i = d->by.upto; d->jumped_at >= 0 && i-- > 0;)
		if (s->answer[i].sight == d->by.sight && s->answer[i].at >= d->jumped_at &&
			s->answer[i].signal->role == SIG_ANCHOR &&
			s->answer[i].verdict == VERDICT_OK)
			return true;
	return d->jumped_at < 0;
}

/* --- the truth --- */

/* How far back an answer can be that still counts for a path's harm. */
static int64_t
memory_ms(const struct playbook *pb)
{
	int64_t most = 0;

	for (size_t i = 0; i < pb->signals_n; i++) {
		const struct signal *sig = &pb->signals[i];
		int64_t ms = sig->stale_ms * sig->fall_m;

		most = sig->harm && ms > most ? ms : most;
	}
	return most + SLACK_MS;
}

static bool
well_for_long(const struct decided *d, enum flow f)
{
	const struct sim *s = d->by.s;
	int64_t from = d->by.at - memory_ms(s->book);

	for (size_t i = 0; i < d->by.upto; i++)
		if (s->answer[i].lied && s->answer[i].at >= from)
			return false;
	for (int64_t at = from > 0 ? from : 0; at <= d->by.at; at += STEP_MS)
		if (truth_bad(s, true, f, at))
			return false;
	return true;
}

static void
record(struct sim *s, const struct vrecord *rec)
{
	const struct vrun *run = rec->run;
	const struct decided *d;
	enum flow f;

	if (rec->r->type != REC_START || !text_eq(run->by, "automatic") ||
		(!text_eq(run->kind, "cutover") && !text_eq(run->kind, "shelter")))
		return;
	f = text_eq(run->flow, "inbound") ? FLOW_INBOUND : FLOW_OUTBOUND;
	d = answers_behind(s);
	if (d == NULL)
		violated(s, &inv_07, "run %s starts, and nobody has decided it", run->id);
	else if (well_for_long(d, f))
		violated(s, &inv_07,
			"run %s starts by itself: mail was well for long, and no probe has lied",
			run->id);
	else if (!answers_anchored(&d->by) || !agreed(d))
		violated(s, &inv_07, "run %s starts by itself, and we were blind: %s", run->id,
			agreed(d) ? "the anchors do not answer"
				  : "the clock was set, and no anchor has answered since");
	else if (!carried(d, run->kind, f))
		violated(s, &inv_07,
			"run %s starts by itself, and what was answered to probes does not carry "
			"it",
			run->id);
}
