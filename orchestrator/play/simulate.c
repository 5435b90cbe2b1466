/* simulate.c - records of the stage to moments, and moments to mail. */
#include "play/simulate.h"

#include "base/arena.h"
#include "base/text.h"
#include "core/record.h"

#include <string.h>

enum { ARENA_MAX_ = 1024 * 1024 * 1024, HOUR_MS = 3600000 };

/* A run as the moments know it. */
struct known_run {
	const char *id, *procedure, *kind, *flow;
};

struct reading {
	struct sim *s;
	struct sim_moment *moment;
	size_t n, room;
	struct known_run *run;
	size_t runs_n, runs_room;
};

/* Room for one more in an arena's array. */
static void *
grow(struct arena *a, void *old, size_t n, size_t *room, size_t size)
{
	void *more;

	if (n < *room)
		return old;
	*room = *room * 2 + 64;
	more = arena_get(a, *room * size);
	if (more != NULL && n > 0)
		memcpy(more, old, n * size);
	return more;
}

static struct sim_moment *
add(struct reading *r, enum sim_kind kind, const struct record *rec)
{
	struct sim_moment *m;

	r->moment = grow(r->s->a, r->moment, r->n, &r->room, sizeof *r->moment);
	if (r->moment == NULL)
		return NULL;
	m = &r->moment[r->n++];
	*m = (struct sim_moment){ .kind = kind,
		.record = rec->seq,
		.after_ms = rec->wall_ms - r->s->inc->begins_wall_ms,
		.what = "",
		.name = "",
		.why = "",
		.flow = json_str(rec->body, "flow"),
		.by = json_str(rec->body, "by"),
		.run = rec->run };
	return m;
}

static const char *
or_none(const char *s)
{
	return s != NULL ? s : "";
}

static void
read_diagnosis(struct reading *r, const struct record *rec)
{
	struct sim_moment *m = add(r, SIM_DIAGNOSIS, rec);

	if (m == NULL)
		return;
	m->what = or_none(json_str(rec->body, "state"));
	m->name = or_none(json_str(rec->body, "diagnosis"));
	m->evidence = json_get(rec->body, "evidence");
}

static void
read_row(struct reading *r, const struct record *rec)
{
	const char *act = or_none(json_str(rec->body, "act"));
	struct sim_moment *m;

	if (text_eq(act, "stay"))
		return;
	m = add(r, SIM_DECISION, rec);
	if (m == NULL)
		return;
	m->what = act;
	m->name = or_none(json_str(rec->body, "diagnosis"));
	m->why = or_none(json_str(rec->body, "why"));
	m->reasons = json_get(rec->body, "reasons");
}

/* The sentence of the row that led to a run: the newest decision of its flow. */
static const char *
decided(const struct reading *r, const char *flow)
{
	for (size_t i = r->n; i-- > 0;)
		if (r->moment[i].kind == SIM_DECISION && text_eq(r->moment[i].flow, flow))
			return r->moment[i].why;
	return "";
}

static void
read_start(struct reading *r, const struct record *rec)
{
	struct sim_moment *m = add(r, SIM_RUN, rec);

	r->run = grow(r->s->a, r->run, r->runs_n, &r->runs_room, sizeof *r->run);
	if (m == NULL || r->run == NULL)
		return;
	r->run[r->runs_n++] = (struct known_run){ rec->run, json_str(rec->body, "procedure"),
		json_str(rec->body, "kind"), json_str(rec->body, "flow") };
	m->what = "started";
	m->name = or_none(json_str(rec->body, "procedure"));
	m->run_kind = or_none(json_str(rec->body, "kind"));
	m->why = decided(r, json_str(rec->body, "flow"));
}

static void
read_end(struct reading *r, const struct record *rec)
{
	struct sim_moment *m = add(r, SIM_RUN, rec);

	if (m == NULL)
		return;
	m->what = or_none(json_str(rec->body, "state"));
	m->why = or_none(json_str(rec->body, "why"));
	m->run_kind = "";
	for (size_t i = 0; i < r->runs_n; i++)
		if (text_eq(r->run[i].id, rec->run)) {
			m->name = or_none(r->run[i].procedure);
			m->run_kind = or_none(r->run[i].kind);
			m->flow = r->run[i].flow;
		}
}

static void
read_told(struct reading *r, const struct record *rec)
{
	struct sim_moment *m = add(r, SIM_TOLD, rec);

	if (m == NULL)
		return;
	m->what = or_none(json_str(rec->body, "severity"));
	m->why = or_none(json_str(rec->body, "text"));
}

/* What held a flow when so many records had been appended. */
static void
read_holds(struct reading *r, const struct stage *st, size_t records, size_t *at)
{
	const struct hold *hold;
	size_t n = stage_holds(st, &hold);

	for (; *at < n && hold[*at].records <= records; ++*at) {
		const struct hold *h = &hold[*at];
		const struct record rec = { .seq = h->records };
		struct sim_moment *m = add(r, SIM_HELD, &rec);

		if (m == NULL)
			return;
		m->after_ms = h->after_ms;
		m->flow = flow_name(h->flow);
		m->what = arena_str(r->s->a, h->state);
		m->why = arena_str(r->s->a, h->why);
		m->run = "";
	}
}

static enum rc
read_records(struct sim *s, const struct stage *st, struct err *err)
{
	struct reading r = { .s = s };
	size_t held = 0;

	for (size_t i = 0; i < stage_records(st); i++) {
		const char *text = arena_str(s->a, stage_record(st, i));
		struct record rec = { 0 };
		enum rc rc = text != NULL ? record_read(s->a, text, strlen(text), &rec, err)
					  : err_set(err, RC_NOMEM, "out of memory");

		if (rc != RC_OK)
			return rc;
		if (rec.type == REC_DIAGNOSIS)
			read_diagnosis(&r, &rec);
		else if (rec.type == REC_ROW)
			read_row(&r, &rec);
		else if (rec.type == REC_START)
			read_start(&r, &rec);
		else if (rec.type == REC_END)
			read_end(&r, &rec);
		else if (rec.type == REC_NOTIFIED)
			read_told(&r, &rec);
		read_holds(&r, st, i + 1, &held);
	}
	s->moment = r.moment;
	s->moments_n = r.n;
	s->records = stage_records(st);
	s->events = stage_events(st);
	return arena_failed(s->a) ? err_set(err, RC_NOMEM, "out of memory") : RC_OK;
}

/* --- mail --- */

struct where {
	bool on_backup, sheltered;
	bool spooled; /* the backup keeps it for the primary, and hands it to no other */
	int64_t sheltered_ms, shelter_ends_ms; /* from, until */
};

/* How a flow's mail goes from this moment on. */
static void
follow(struct where *w, const struct playbook *pb, const struct sim_moment *m)
{
	const struct procedure *p = playbook_procedure(pb, m->name);

	bool done = text_eq(m->what, "done");

	if (done && text_eq(m->run_kind, "cutover")) {
		w->on_backup = true;
		w->spooled = p != NULL && p->flow == FLOW_INBOUND && p->to->inbound.spool;
	}
	if (done && text_eq(m->run_kind, "failback"))
		w->on_backup = false;
	if (text_eq(m->run_kind, "shelter") && text_eq(m->what, "open")) {
		w->sheltered = true;
		w->sheltered_ms = m->after_ms;
		w->shelter_ends_ms =
			p != NULL && p->expires_ms > 0 ? m->after_ms + p->expires_ms : INT64_MAX;
	}
	if (done && !text_eq(m->run_kind, "shelter")) /* its release, or its undoing */
		w->sheltered = false;
}

static int64_t
overlap(const struct inc_truth *t, int64_t from, int64_t until)
{
	int64_t a = from > t->from_ms ? from : t->from_ms;
	int64_t b = until < t->until_ms ? until : t->until_ms;

	return b > a ? b - a : 0;
}

/* Times weighted with the share that comes back: ms x hundredths of a percent. */
struct lost {
	int64_t without, at_most, at_least;
};

/* A spool hands on to the primary, so what that refuses comes back by this way too, unless the
 * spool puts it off: its owner knows, we do not. Silence refuses nothing, and is no part of the
 * truth. */
static void
count_span(const struct sim *s, enum flow f, const struct where *w, int64_t from, int64_t until,
	struct lost *l)
{
	for (size_t i = 0; i < s->inc->truth_n; i++) {
		const struct inc_truth *t = &s->inc->truth[i];
		int64_t n = t->flow == f ? overlap(t, from, until) * t->refused_bp : 0;
		bool primary = t->role == ROLE_PRIMARY;

		l->without += primary ? n : 0;
		l->at_most += primary != w->on_backup || (primary && w->spooled) ? n : 0;
		l->at_least += primary != w->on_backup && !w->sheltered ? n : 0;
	}
}

/* The hub lets go what has waited, by the primary's way: to the provider, who takes it and returns
 * what receivers refuse now. A hub that talks to receivers itself puts that off, and new mail with
 * it, for as long as they refuse (connectors/relay/postfix.md). */
static void
let_go(const struct sim *s, enum flow f, struct where *w, int64_t at, struct lost *l)
{
	for (size_t i = 0; i < s->inc->truth_n; i++) {
		const struct inc_truth *t = &s->inc->truth[i];

		if (t->flow == f && t->role == ROLE_PRIMARY && t->from_ms <= at && at < t->until_ms)
			l->at_least += (at - w->sheltered_ms) * t->refused_bp;
	}
	w->sheltered = false;
}

static void
pass(const struct sim *s, const struct playbook *pb, enum flow f, struct where *w, int64_t from,
	int64_t until, struct lost *l)
{
	int64_t end = w->shelter_ends_ms > from ? w->shelter_ends_ms : from;

	if (w->sheltered && end < until && pb->primary->last_hop == NULL) {
		count_span(s, f, w, from, end, l);
		let_go(s, f, w, end, l);
		from = end;
	}
	count_span(s, f, w, from, until, l);
}

static int64_t
messages(const struct sim_mail *m, int64_t lost)
{
	return lost / 10000 * m->rate.count / m->rate.per_ms;
}

static void
count_mail(struct sim *s, enum flow f, const struct playbook *pb, const struct rate *rate)
{
	struct sim_mail *m = &s->mail[f];
	struct where w = { 0 };
	struct lost lost = { 0, 0, 0 };
	int64_t at = 0;

	for (size_t i = 0; i < s->inc->truth_n; i++)
		m->told = m->told || s->inc->truth[i].flow == f;
	m->rate = rate != NULL ? *rate : s->inc->mail[f];
	m->assumed = m->rate.count == 0;
	if (m->assumed)
		m->rate = (struct rate){ 100, HOUR_MS };
	for (size_t i = 0; i < s->moments_n; i++) {
		const struct sim_moment *x = &s->moment[i];

		if (x->kind != SIM_RUN || !text_eq(x->flow, flow_name(f)))
			continue;
		if (x->after_ms > at) {
			pass(s, pb, f, &w, at, x->after_ms, &lost);
			at = x->after_ms;
		}
		follow(&w, pb, x);
	}
	pass(s, pb, f, &w, at, s->inc->lasts_ms, &lost);
	m->without = messages(m, lost.without);
	m->at_most = messages(m, lost.at_most);
	m->at_least = messages(m, lost.at_least);
}

/* --- who does not meet --- */

static bool
heard(const struct stage_opts *o, const struct inc_line *l)
{
	for (size_t i = 0; i < o->pb->signals_n; i++)
		for (size_t k = 0; k < o->pb->signals[i].subjects_n; k++)
			if (stage_listens(o, l, &o->pb->signals[i], &o->pb->signals[i].subjects[k]))
				return true;
	return false;
}

static bool
spoken_of(const struct stage_opts *o, const struct signal *sig, const struct subject *sub)
{
	for (size_t i = 0; i < o->inc->lines_n; i++)
		if (stage_listens(o, &o->inc->line[i], sig, sub))
			return true;
	return false;
}

static bool
find_strangers(struct sim *s, const struct stage_opts *o)
{
	size_t *unheard = arena_get(s->a, (o->inc->lines_n + 1) * sizeof *unheard);
	struct sim_unknown *unknown;
	size_t n = 0;

	for (size_t i = 0; i < o->pb->signals_n; i++)
		n += o->pb->signals[i].subjects_n;
	unknown = arena_get(s->a, (n + 1) * sizeof *unknown);
	if (unheard == NULL || unknown == NULL)
		return false;
	for (size_t i = 0; i < o->inc->lines_n; i++)
		if (!heard(o, &o->inc->line[i]))
			unheard[s->unheard_n++] = i;
	for (size_t i = 0; i < o->pb->signals_n; i++) {
		const struct signal *sig = &o->pb->signals[i];

		for (size_t k = 0; k < sig->subjects_n; k++)
			if (!spoken_of(o, sig, &sig->subjects[k]))
				unknown[s->unknown_n++] =
					(struct sim_unknown){ sig->name, sig->subjects[k].name };
	}
	s->unheard = unheard;
	s->unknown = unknown;
	return true;
}

enum rc
simulate(struct sim *ret, const struct stage_opts *o, const struct rate *rate, struct err *err)
{
	struct stage *st;
	enum rc rc;

	*ret = (struct sim){ .inc = o->inc, .a = arena_new(&o->mem, ARENA_MAX_) };
	if (ret->a == NULL || !find_strangers(ret, o))
		return err_set(err, RC_NOMEM, "out of memory");
	st = stage_play(o, err);
	if (st == NULL)
		return err->rc;
	rc = read_records(ret, st, err);
	stage_free(&st);
	for (int f = 0; rc == RC_OK && f < FLOW_N; f++)
		count_mail(ret, (enum flow)f, o->pb, rate);
	return rc;
}

void
simulate_free(struct sim *s)
{
	arena_free(&s->a);
}
