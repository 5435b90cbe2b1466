/*
 * probes.c - how the world really is, and what is observed of it. The truth is drawn once for each
 * seed and stands apart from what probes say: they are lost, they lie, they come late.
 */
#include "base/text.h"
#include "sim/sim.h"

static struct spell
draw_spell(struct rng *r, int64_t from_min, int64_t from_max, int64_t shortest, int64_t longest)
{
	int64_t from = rng_between(r, from_min, from_max) * 60000;

	return (struct spell){ from, from + rng_between(r, shortest, longest) * 60000 };
}

void
truth_init(struct sim *s)
{
	struct truth *t = &s->truth;
	struct rng r;

	rng_seed(&r, s->seed, "truth");
	for (int i = 0; i < 2; i++) { /* the second may fall into the first one's failback */
		int64_t from = i == 0 ? 3 : 70, to = i == 0 ? 25 : 130;

		if (rng_ratio(&r, 7, 10)) {
			t->primary_bad[FLOW_OUTBOUND][i] = draw_spell(&r, from, to, 8, 60);
			t->listed[i] = t->primary_bad[FLOW_OUTBOUND][i];
		} else if (rng_ratio(&r, 1, 2)) {
			t->listed[i] = draw_spell(&r, from, to, 10, 60);
		}
		if (rng_ratio(&r, 1, 2))
			t->primary_bad[FLOW_INBOUND][i] = draw_spell(&r, from, to, 5, 50);
	}
	if (rng_ratio(&r, 1, 5))
		t->backup_bad[FLOW_OUTBOUND] = draw_spell(&r, 0, 60, 5, 60);
	if (rng_ratio(&r, 1, 8))
		t->backup_bad[FLOW_INBOUND] = draw_spell(&r, 0, 60, 5, 60);
	if (rng_ratio(&r, 1, 6))
		t->uplink_down = draw_spell(&r, 0, 70, 2, 30);
	else if (rng_ratio(&r, 1, 5)) /* or just when the primary is under suspicion */
		t->uplink_down = (struct spell){ t->primary_bad[FLOW_OUTBOUND][0].from +
							 rng_between(&r, 1, 12) * 60000,
			t->primary_bad[FLOW_OUTBOUND][0].from + rng_between(&r, 13, 40) * 60000 };
}

static bool
during(const struct sim *s, const struct spell *sp, int64_t at)
{
	return at >= sp->from && at < sp->to && (!s->healed || at < s->heal_at);
}

bool
truth_bad(const struct sim *s, bool primary, enum flow flow, int64_t at)
{
	if (!primary)
		return during(s, &s->truth.backup_bad[flow], at);
	return during(s, &s->truth.primary_bad[flow][0], at) ||
	       during(s, &s->truth.primary_bad[flow][1], at);
}

void
probe_ask(struct sim *s, const struct action *a)
{
	const struct signal *sig = playbook_signal(s->book, a->probe.signal);
	struct probing *p;
	int64_t late = rng_between(&s->probe_rng, 100, 4000);

	s->probing = sim_grow(s->probing, s->probings_n, &s->probings_room, sizeof *s->probing);
	p = &s->probing[s->probings_n];
	*p = (struct probing){ .signal = sig,
		.through = sim_str(s, a->probe.through),
		.production = a->probe.production,
		.asked_at = s->now,
		.deadline_ms = a->probe.deadline_ms,
		.sight = s->process.sight };
	for (size_t i = 0; sig != NULL && i < sig->subjects_n; i++)
		if (text_eq(sig->subjects[i].name, a->probe.subject))
			p->subject = &sig->subjects[i];
	if (p->through != NULL)
		late = rng_between(&s->probe_rng, 500, 20000);
	if (a->probe.deadline_ms > 0 && late > a->probe.deadline_ms)
		late = a->probe.deadline_ms;
	if (fault(s, SITE_PROBE_LATE))
		late = a->probe.deadline_ms + fault_span(s, 1, 10 * a->probe.deadline_ms + 1);
	sim_push(s, (struct happening){ .at = s->now + late,
			    .kind = H_SEEN,
			    .life = s->process.life,
			    .op = a->op,
			    .index = s->probings_n++ });
}

/* Production mail leaves as the switch points say; the others are pinned to their path. */
static const struct path *
taken(struct sim *s, const struct probing *p)
{
	const struct path *asked =
		p->through != NULL ? playbook_path(s->book, p->through) : p->signal->path;
	const char *route = target_cell(&s->target[T_HUB], "relay.route corp.example")->value;
	const char *rule =
		target_cell(&s->target[T_TENANT], "tenant.connector ferryman-nsmail")->value;
	bool users = s->target[T_TENANT].name != NULL;

	if (!p->production)
		return asked;
	if (users ? rule[0] != '\0' : route[0] != '\0')
		return &s->book->paths[1];
	return s->book->primary;
}

static enum verdict
truly(struct sim *s, const struct probing *p, const struct path *path)
{
	enum flow flow = p->signal->flow_given ? p->signal->flow : FLOW_OUTBOUND;

	if (during(s, &s->truth.uplink_down, s->now))
		return VERDICT_UNKNOWN;
	if (text_eq(p->signal->info->name, "tcp"))
		return VERDICT_OK;
	if (text_eq(p->signal->info->name, "dnsbl"))
		return path == s->book->primary && (during(s, &s->truth.listed[0], s->now) ||
							   during(s, &s->truth.listed[1], s->now))
			       ? VERDICT_BAD
			       : VERDICT_OK;
	if (p->through != NULL && p->production && !text_eq(path->name, p->through))
		return VERDICT_BAD; /* it arrived by another egress than claimed */
	return truth_bad(s, path == s->book->primary, flow, s->now) ? VERDICT_BAD : VERDICT_OK;
}

void
probe_seen(struct sim *s, const struct happening *h)
{
	const struct probing *p = &s->probing[h->index];
	const struct path *path;
	struct event ev = { .type = EV_SEEN, .op = h->op };
	bool lied;

	if (process_end_op(s, h->life, h->op) == NULL || p->signal == NULL || p->subject == NULL)
		return;
	path = taken(s, p);
	ev.seen.verdict = p->signal->role == SIG_ANCHOR && during(s, &s->truth.uplink_down, s->now)
				  ? VERDICT_BAD
				  : truly(s, p, path);
	lied = fault(s, SITE_PROBE_LIES) && ev.seen.verdict != VERDICT_UNKNOWN;
	if (lied)
		ev.seen.verdict = ev.seen.verdict == VERDICT_OK ? VERDICT_BAD : VERDICT_OK;
	if (fault(s, SITE_PROBE_LOST))
		ev.seen.verdict = VERDICT_UNKNOWN;
	ev.seen.signal = p->signal->name;
	ev.seen.playbook = s->book->name;
	ev.seen.path = p->signal->path != NULL ? p->signal->path->name : "";
	ev.seen.subject = p->subject->name;
	ev.seen.class = p->subject->class;
	ev.seen.via = path != NULL && path->egress_n > 0 ? path->egress[0] : NULL;
	ev.seen.harm = p->signal->harm && ev.seen.verdict == VERDICT_BAD;
	ev.seen.why = ev.seen.verdict == VERDICT_OK ? "arrived" : "554 refused";
	answers_note(s, p, ev.seen.verdict, lied);
	process_tell(s, &ev);
}
