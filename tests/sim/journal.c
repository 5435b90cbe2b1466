/*
 * journal.c - a store in memory with the contract of state/store.h: an append succeeds if and only
 * if head and epoch are the expected ones. On a seed with a disk it is what that store
 * acknowledged. A crash loses nothing that was acknowledged; the one append under way may be there
 * or not.
 */
#include "base/text.h"
#include "os/digest.h"
#include "sim/sim.h"

#include <stdlib.h>
#include <string.h>

static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";

void
journal_init(struct sim *s)
{
	struct journal *j = &s->journal;
	char hash[65];

	digest_sha256(NULL, &s->seed, sizeof s->seed, hash);
	memcpy(j->store, hash, 32);
	j->era = 1;
	memcpy(j->hash, zeros, sizeof zeros);
}

void
pending_fini(struct pending *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->record[i]);
	free(p->record);
	memset(p, 0, sizeof *p);
}

static void
put_back(struct sim *s, size_t keep)
{
	struct journal *j = &s->journal;

	events_number(s, "restored", keep);
	view_again(s, keep);
	while (j->n > keep)
		free(j->entry[--j->n].text);
	memcpy(j->hash, keep > 0 ? j->entry[keep - 1].hash : zeros, sizeof j->hash);
}

void
journal_restore(struct sim *s, size_t keep)
{
	struct journal *j = &s->journal;

	if (s->disk != NULL && (keep = disk_restore(s)) == 0)
		return;
	trace_add(s, "the journal is put back to record %zu of %zu: a new era", keep, j->n);
	put_back(s, keep);
	j->unsaid_until = 0;
	j->last_era = j->era;
	j->era += s->disk == NULL; /* the store counts its own */
}

/* How many records a copy may have at most for a target to know more; 0: none does, or one from
 * which our number was taken out cannot defend itself. */
static size_t
most_kept(const struct sim *s)
{
	uint64_t seen = 0;
	size_t keep = 0;

	for (size_t i = 0; i < T_N; i++) {
		const struct ftarget *t = &s->target[i];

		if (t->class != FENCE_F || t->name == NULL)
			continue;
		if (t->marker_lsn == 0 || !text_eq(t->marker_store, s->journal.store))
			return 0;
		seen = t->marker_lsn > seen ? t->marker_lsn : seen;
	}
	for (size_t i = 0; i < s->view.intents_n; i++) {
		const struct vintent *x = &s->view.intent[i];

		if (!x->gone && x->lsn == seen && seen >> 40 == s->journal.era)
			keep = (size_t)x->seq - 1;
	}
	return keep;
}

void
journal_restore_unsaid(struct sim *s)
{
	struct journal *j = &s->journal;
	size_t most = most_kept(s), behind = most < 40 ? most : 40;

	if (s->disk != NULL || most < 5)
		return;
	most -= (size_t)fault_span(s, 0, (int64_t)behind - 4);
	trace_add(s, "the machine is put back to record %zu of %zu", most, j->n);
	put_back(s, most);
	j->unsaid_until = s->now + rng_between(&s->moment_rng, 60000, 3600000);
}

void
journal_said(struct sim *s)
{
	trace_add(s, "a person says that it is an older copy: a new era");
	s->journal.unsaid_until = 0;
	s->journal.last_era = s->journal.era++;
}

void
journal_fini(struct journal *j)
{
	for (size_t i = 0; i < j->n; i++)
		free(j->entry[i].text);
	free(j->entry);
}

void
journal_append(struct sim *s, const struct action *a)
{
	struct pending *p = &s->process.pending;
	bool slow = fault(s, SITE_APPEND_SLOW);
	int64_t late = slow ? fault_span(s, 50, 8000) : rng_between(&s->net_rng, 1, 4);

	pending_fini(p);
	p->any = true;
	p->sent_at = s->now;
	p->life = s->process.life;
	p->op = a->op;
	p->epoch = a->append.expect_epoch;
	p->seq = a->append.expect_seq;
	memcpy(p->hash, a->append.expect_hash, sizeof p->hash);
	p->n = a->append.records_n;
	p->record = stdmem_get((p->n + 1) * sizeof *p->record);
	for (size_t i = 0; i < p->n; i++)
		p->record[i] = stdmem_str(a->append.records[i]);
	p->outcome = fault(s, SITE_APPEND_FAILS) ? OUT_UNKNOWN : OUT_DONE;
	sim_push(s, (struct happening){
			    .at = s->now + late, .kind = H_APPLY, .life = p->life, .op = p->op });
	process_maybe_dies(s, "append sent");
}

void
journal_store(struct sim *s, const char *record)
{
	struct journal *j = &s->journal;
	struct entry *e;

	j->entry = sim_grow(j->entry, j->n, &j->room, sizeof *j->entry);
	e = &j->entry[j->n++];
	e->text = stdmem_str(record);
	e->n = strlen(record);
	e->at = s->now;
	e->boot_base = s->process.boot_base;
	j->last_era = j->era;
	digest_sha256(NULL, e->text, e->n, e->hash);
	memcpy(j->hash, e->hash, sizeof j->hash);
	events_record(s, record);
	view_record(s, e);
}

static bool
expected(const struct journal *j, const struct pending *p)
{
	return p->epoch == j->epoch && p->seq == j->n && strcmp(p->hash, j->hash) == 0;
}

/* The instant at which the append takes place, or does not. */
static void
apply(struct sim *s)
{
	static const struct invariant conditional = { .name = "inv_03_one_writer" };
	struct journal *j = &s->journal;
	struct pending *p = &s->process.pending;

	p->applied = true;
	if (s->disk != NULL) {
		p->outcome = disk_append(s, p, p->outcome != OUT_DONE);
		if (p->outcome == OUT_UNKNOWN)
			return;
		if ((p->outcome == OUT_DONE) != expected(j, p))
			violated(s, &conditional, "the store answers %s to an append after %zu",
				outcome_name(p->outcome), (size_t)p->seq);
	}
	if (!expected(j, p)) {
		p->outcome = OUT_CONFLICT;
		trace_add(s, "append CONFLICT: expects %llu.%llu", (unsigned long long)p->epoch,
			(unsigned long long)p->seq);
		return;
	}
	for (size_t i = 0; i < p->n && s->killer == NULL; i++)
		journal_store(s, p->record[i]);
}

void
journal_crash(struct sim *s)
{
	struct pending *p = &s->process.pending;

	bool under_way = p->any && !p->applied && fault_even(s);

	if (s->disk != NULL)
		disk_die(s, under_way ? p : NULL);
	else if (under_way)
		apply(s);
	pending_fini(p);
}

static void
acknowledge(struct sim *s)
{
	struct pending *p = &s->process.pending;
	struct event ev = { .type = EV_APPENDED, .op = p->op };
	enum outcome outcome = p->outcome;

	if (process_end_op(s, p->life, p->op) == NULL)
		return;
	ev.appended.outcome = outcome;
	ev.appended.seq = outcome == OUT_DONE ? s->journal.n : 0;
	ev.appended.hash = outcome == OUT_DONE ? s->journal.hash : NULL;
	pending_fini(p);
	s->process.appending = false;
	process_tell(s, &ev);
	if (outcome != OUT_DONE && s->process.up) /* the shell halts with its store */
		process_die(s);
}

void
journal_happens(struct sim *s, const struct happening *h)
{
	struct pending *p = &s->process.pending;

	if (!p->any || p->life != h->life || p->op != h->op)
		return;
	if (h->kind == H_APPENDED) {
		acknowledge(s);
		return;
	}
	if (p->outcome == OUT_DONE || s->disk != NULL ||
		fault_even(s)) /* a failing disk may have it, or not */
		apply(s);
	sim_push(s, (struct happening){ .at = s->now + rng_between(&s->net_rng, 0, 3),
			    .kind = H_APPENDED,
			    .life = p->life,
			    .op = p->op });
	process_maybe_dies(s, "append durable");
}
