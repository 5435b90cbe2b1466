/*
 * Invariant 15: a number below what a target has seen means no effect until a person has begun a
 * new era: a process looks at what can tell before it intends anything. Rules 12 and 13 of
 * reliability.md section 5 hold its door: in a new era, after a first start or a restored journal,
 * each class F target has accepted a fence of this era before any run changes anything.
 */
#include "base/text.h"
#include "sim/sim.h"

static void record(struct sim *s, const struct vrecord *rec);

const struct invariant inv_15 = { .name = "inv_15_new_era", .record = record };

/* This process has asked the target for its number; it has been told, or has waited for it. */
static bool
has_asked(const struct sim *s, size_t to)
{
	for (size_t i = s->readings_n; i-- > 0;) {
		const struct reading *r = &s->reading[i];

		if (r->life == s->process.life && r->to == to && r->from == READ_TARGET &&
			(r->told_at != 0 || r->deadline_at <= s->now))
			return true;
	}
	return false;
}

/* The highest number of this store that a target has told this process of, in time, before it wrote
 * this. */
static uint64_t
told_lsn(const struct sim *s)
{
	uint64_t lsn = 0;

	for (size_t i = 0; i < s->readings_n; i++) {
		const struct reading *r = &s->reading[i];

		if (r->life == s->process.life && r->told_at != 0 && r->told_at <= r->deadline_at &&
			r->told_at < s->process.pending.sent_at && r->outcome == OUT_DONE &&
			text_eq(r->marker_store, s->journal.store) && r->marker_lsn > lsn)
			lsn = r->marker_lsn;
	}
	return lsn;
}

static void
old_copy(struct sim *s, const struct vrecord *rec)
{
	uint64_t lsn = rec->intent->lsn, told = told_lsn(s);

	if (told >= lsn)
		violated(s, &inv_15, "INTENT %llu, and a target has told of %llu: an old copy",
			(unsigned long long)lsn, (unsigned long long)told);
	for (size_t i = 0; i < T_N && told < lsn && rec->intent->dir != DIR_FENCE; i++)
		if (s->target[i].class == FENCE_F && s->target[i].marker_lsn >= lsn &&
			!has_asked(s, i))
			violated(s, &inv_15, "INTENT %llu, %s has seen %llu and was not asked",
				(unsigned long long)lsn, s->target[i].name,
				(unsigned long long)s->target[i].marker_lsn);
}

static void
record(struct sim *s, const struct vrecord *rec)
{
	if (rec->intent != NULL && s->journal.unsaid_until != 0)
		old_copy(s, rec);
	if (rec->intent == NULL || rec->intent->dir == DIR_FENCE)
		return;
	for (size_t i = 0; i < T_N; i++) {
		const struct ftarget *t = &s->target[i];

		if (rec->run != NULL && text_eq(rec->run->kind, "eject") && t->retired != 0)
			continue; /* that run has taken it out */
		if (t->name != NULL && t->class == FENCE_F && t->marker_lsn >> 40 != s->journal.era)
			violated(s, &inv_15,
				"INTENT %llu in era %llu, and %s has not been fenced in it",
				(unsigned long long)rec->intent->lsn,
				(unsigned long long)s->journal.era, t->name);
	}
}
