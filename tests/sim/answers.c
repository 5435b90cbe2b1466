/*
 * answers.c - what probes have said to each ferryman, and when it decided that a run starts. From
 * it invariants 7, 8 and 16 tell what a decision can rest on at most, by the playbook's own words:
 * rise and fall of a signal, how long it counts, and nothing of how the core counts.
 *
 * Evidence is volatile: each start of a process and each new text begins with none of it. So each
 * such stretch is a sight of its own, and nothing is carried over. An answer is sure when the core
 * must have taken it as it came; one that came late, or while an append was outstanding, or to a
 * question of another sight may count or not.
 */
#include "base/text.h"
#include "sim/sim.h"

#include <string.h>

enum { LATE_MS = 3000 }; /* a connector answers by its deadline; a little more may still count */

void
answers_note(struct sim *s, const struct probing *p, enum verdict verdict, bool lied)
{
	bool late = s->now > p->asked_at + p->deadline_ms;

	s->answer = sim_grow(s->answer, s->answers_n, &s->answers_room, sizeof *s->answer);
	s->answer[s->answers_n++] = (struct answer){ .at = s->now,
		.sight = s->process.sight,
		.era = s->journal.era,
		.signal = p->signal,
		.subject = p->subject,
		.through = p->through,
		.production = p->production,
		.verdict = verdict,
		.lied = lied,
		.too_late = s->now > p->asked_at + p->deadline_ms + LATE_MS,
		.sure = !late && !s->process.appending && p->sight == s->process.sight };
}

/* A START is on its way into the journal: what was decided on is what was there by now. */
void
answers_decided(struct sim *s, const struct action *a)
{
	for (size_t i = 0; i < a->append.records_n; i++) {
		if (strstr(a->append.records[i], "\"type\":\"START\"") == NULL)
			continue;
		s->decided =
			sim_grow(s->decided, s->decided_n, &s->decided_room, sizeof *s->decided);
		s->decided[s->decided_n++] =
			(struct decided){ .record = sim_str(s, a->append.records[i]),
				.by = { .s = s,
					.sight = s->process.sight,
					.upto = s->answers_n,
					.at = s->now },
				.jumped_at = s->process.jumped_at };
	}
}

const struct decided *
answers_behind(const struct sim *s)
{
	const struct journal *j = &s->journal;

	for (size_t i = s->decided_n; j->n > 0 && i-- > 0;)
		if (strcmp(s->decided[i].record, j->entry[j->n - 1].text) == 0)
			return &s->decided[i];
	return NULL;
}

static bool
is_of(const struct known *m, const struct answer *a, const struct signal *sig,
	const struct subject *sub)
{
	return a->sight == m->sight && a->through == NULL && a->signal == sig &&
	       a->subject == sub && a->verdict != VERDICT_UNKNOWN;
}

/* At least `least` of the last `of` may have said so, with no silence among them or since. What is
 * not sure takes no other's place, but may have broken a silence. */
static bool
may_be(const struct known *m, const struct signal *sig, const struct subject *sub, bool bad,
	int least, int of)
{
	int64_t next = m->at;
	int n = 0, places = 0;

	for (size_t i = m->upto; i-- > 0 && places < of;) {
		const struct answer *a = &m->s->answer[i];
		bool so = (a->verdict == VERDICT_BAD) == bad;

		if (!is_of(m, a, sig, sub))
			continue;
		if (next >= a->at + sig->stale_ms)
			break;
		next = a->at;
		n += so;
		places += a->sure;
	}
	return n >= least;
}

static int
least_of(int n, int other_n, int m)
{
	return n < m - other_n + 1 ? n : m - other_n + 1;
}

/* It has become bad by `rise`, and since then it has not become well by `fall`. */
bool
answers_may_be_bad(const struct known *m, const struct signal *sig, const struct subject *sub)
{
	return may_be(
		m, sig, sub, true, least_of(sig->rise_n, sig->fall_n, sig->fall_m), sig->fall_m);
}

bool
answers_may_be_ok(const struct known *m, const struct signal *sig, const struct subject *sub)
{
	return may_be(
		m, sig, sub, false, least_of(sig->fall_n, sig->rise_n, sig->rise_m), sig->rise_m);
}

/* Enough bad ones among the last, without a silence among them. */
bool
answers_surely_bad(const struct known *m, const struct signal *sig, const struct subject *sub)
{
	int64_t next = m->at;
	int bad = 0, places = 0;

	for (size_t i = m->upto; i-- > 0 && places < sig->rise_m;) {
		const struct answer *a = &m->s->answer[i];
		bool is_bad = a->verdict == VERDICT_BAD;

		if (!is_of(m, a, sig, sub) || (!a->sure && is_bad))
			continue;
		if (a->sure && next >= a->at + sig->stale_ms)
			break;
		if (a->sure)
			next = a->at;
		bad += is_bad;
		places++;
	}
	return bad >= sig->rise_n;
}

bool
answers_anchored(const struct known *m)
{
	const struct playbook *pb = m->s->book;
	size_t all = 0, ok = 0;

	for (size_t i = 0; i < pb->signals_n; i++) {
		const struct signal *sig = &pb->signals[i];

		for (size_t k = 0; sig->role == SIG_ANCHOR && k < sig->subjects_n; k++) {
			all++;
			ok += may_be(m, sig, &sig->subjects[k], false, 1, 1);
		}
	}
	return 2 * ok > all;
}

/* Only at an answer can it have begun to hold. What is not sure tells no moment either. */
bool
answers_held(const struct decided *d, int64_t ms, answers_holds *holds, const void *ctx)
{
	const struct sim *s = d->by.s;
	int64_t from = d->by.at - ms;
	size_t first = SIZE_MAX;

	for (size_t i = 0; i < d->by.upto && s->answer[i].at <= from; i++)
		if (s->answer[i].sight == d->by.sight)
			first = i;
	if (first == SIZE_MAX && ms > 0)
		return false;
	for (size_t i = ms > 0 ? first : d->by.upto; i < d->by.upto; i++) {
		struct known m = {
			.s = s, .sight = d->by.sight, .upto = i + 1, .at = s->answer[i].at
		};

		if (s->answer[i].sight == m.sight && s->answer[i].sure && !holds(&m, ctx))
			return false;
	}
	return holds(&d->by, ctx);
}
