/*
 * milestone.c - fault, seen, diagnosed, decided, approved, started, switched, visible, first mail,
 * ended, admitted: which record proves each, how long it took, and what playbook and plan allow for
 * it. A milestone without a record has no time.
 */
#include "report/story.h"

#include "base/text.h"
#include "core/ledger.h"
#include "core/lifecycle.h"

struct milestone_row {
	const char *key, *label;
	enum milestone_id since;
};

static const struct milestone_row rows[MS_N] = {
	[MS_FAULT] = { "fault", "The fault itself", MS_N },
	[MS_SEEN] = { "seen", "First sign seen", MS_N },
	[MS_HARM] = { "harm", "Harm to mail seen", MS_SEEN },
	[MS_DIAGNOSED] = { "diagnosed", "Diagnosed", MS_SEEN },
	[MS_DECIDED] = { "decided", "Decided", MS_DIAGNOSED },
	[MS_APPROVED] = { "approved", "Approved", MS_DECIDED },
	[MS_STARTED] = { "started", "Run started", MS_APPROVED },
	[MS_SWITCHED] = { "switched", "Switched", MS_STARTED },
	[MS_VISIBLE] = { "visible", "Visible to the world", MS_STARTED },
	[MS_FIRST] = { "first_mail", "First mail on the new way", MS_SWITCHED },
	[MS_ENDED] = { "ended", "Run ended", MS_STARTED },
	[MS_ADMITTED] = { "admitted", "Admitted by the provider", MS_SEEN },
};

static void
found(struct report *r, enum milestone_id id, const struct entry *e, const char *text)
{
	r->ms[id].proof = e;
	r->ms[id].text = text != NULL ? text : "";
}

static void
missing(struct report *r, enum milestone_id id, bool expected, const char *text)
{
	r->ms[id].proof = NULL;
	r->ms[id].expected = expected;
	r->ms[id].text = text;
}

/* The newest entry of a type at or before seq whose body has these words; key NULL = any. */
static const struct entry *
newest(const struct report *r, enum record_type t, uint64_t seq, const char *key, const char *word)
{
	for (size_t i = r->entries_n; i-- > 0;) {
		const struct entry *e = &r->entry[i];

		if (e->rec.seq <= seq && e->rec.type == t &&
			(key == NULL || text_eq(json_str(e->rec.body, key), word)))
			return e;
	}
	return NULL;
}

/* The decision that led to the main run: the newest row before it that asks for it or starts it. */
static const struct entry *
deciding_row(const struct report *r)
{
	const struct entry *start = r->main->start;
	bool back = text_eq(r->main->kind, lrun_kind_name(LK_FAILBACK));

	for (size_t i = r->entries_n; i-- > 0;) {
		const struct entry *e = &r->entry[i];
		const char *act = json_str(e->rec.body, "act");

		if (e->rec.type != REC_ROW || e->rec.seq > start->rec.seq)
			continue;
		if (text_eq(act, life_do_name(LD_ASK)) ||
			(!back && text_eq(act, life_do_name(LD_CUTOVER))) ||
			(back && text_eq(act, life_do_name(LD_FAILBACK))) ||
			(text_eq(r->main->kind, lrun_kind_name(LK_SHELTER)) &&
				text_eq(act, life_do_name(LD_SHELTER))))
			return e;
	}
	return NULL;
}

/* If the newest one only starts what an earlier one asked for, the decision is the earlier one. */
static const struct entry *
asked_before(const struct report *r, const struct entry *row)
{
	const struct entry *ask = newest(r, REC_ROW, row->rec.seq, "act", life_do_name(LD_ASK));
	const char *event = json_str(row->rec.body, "event");
	bool answers = text_eq(event, life_event_name(LE_APPROVED)) ||
		       text_eq(event, life_event_name(LE_PROCEED));

	return ask != NULL && answers ? ask : row;
}

static const struct entry *
diagnosis_of(const struct report *r, const struct entry *row)
{
	const char *name = row != NULL ? json_str(row->rec.body, "diagnosis") : NULL;
	const struct entry *any = NULL;

	for (size_t i = r->entries_n; row != NULL && i-- > 0;) {
		const struct entry *e = &r->entry[i];

		if (e->rec.type != REC_DIAGNOSIS || e->rec.seq > row->rec.seq ||
			(name != NULL && !text_eq(json_str(e->rec.body, "diagnosis"), name)))
			continue;
		if (text_eq(json_str(e->rec.body, "state"), "confirmed"))
			return e;
		if (any == NULL && text_eq(json_str(e->rec.body, "state"), "met"))
			any = e;
	}
	return any;
}

/* The record that turned a cell of the evidence bad. */
static const struct entry *
tipping(const struct report *r, const struct json *cell, uint64_t before)
{
	for (size_t i = r->entries_n; i-- > 0;) {
		const struct entry *e = &r->entry[i];

		if (e->rec.type == REC_SIGNAL && e->rec.seq <= before &&
			text_eq(json_str(e->rec.body, "signal"), json_str(cell, "signal")) &&
			text_eq(json_str(e->rec.body, "subject"), json_str(cell, "subject")) &&
			text_eq(json_str(e->rec.body, "to"), "bad"))
			return e;
	}
	return NULL;
}

static void
tell_seen(struct report *r, const struct entry *diag)
{
	const struct json *cells = json_get(json_get(diag->rec.body, "evidence"), "cells");
	const struct entry *seen = NULL, *harm = NULL, *admitted = NULL;

	for (const struct json *c = cells != NULL ? cells->child : NULL; c != NULL; c = c->next) {
		const struct entry *e =
			text_eq(json_str(c, "health"), "bad") ? tipping(r, c, diag->rec.seq) : NULL;

		if (e == NULL)
			continue;
		if (seen == NULL || e->rec.seq < seen->rec.seq)
			seen = e;
		if (json_flag(e->rec.body, "harm") && (harm == NULL || e->rec.seq < harm->rec.seq))
			harm = e;
		if (text_eq(json_str(c, "group"), "provider") &&
			(admitted == NULL || e->rec.seq < admitted->rec.seq))
			admitted = e;
	}
	if (seen != NULL)
		found(r, MS_SEEN, seen, seen->text);
	else
		missing(r, MS_SEEN, true, "no record of a signal stands before the diagnosis");
	if (harm != NULL)
		found(r, MS_HARM, harm, harm->text);
	else
		missing(r, MS_HARM, true,
			"no record says that mail was harmed before the diagnosis");
	if (admitted != NULL &&
		r->ms[MS_ADMITTED].proof ==
			NULL) /* the playbook is not kept, the evidence names the group */
		found(r, MS_ADMITTED, admitted, admitted->text);
}

/* The provider may say so after everything else: its signals count whenever they turn bad. */
static void
tell_admission(struct report *r)
{
	missing(r, MS_ADMITTED, false, "no signal of the provider's own said so in this incident");
	for (size_t i = 0; r->pb != NULL && i < r->entries_n; i++) {
		const struct entry *e = &r->entry[i];
		const struct signal *s =
			e->rec.type == REC_SIGNAL
				? playbook_signal(r->pb, phrase_or(e->rec.body, "signal", ""))
				: NULL;

		if (s == NULL || !text_eq(s->group, "provider") ||
			!text_eq(json_str(e->rec.body, "to"), "bad"))
			continue;
		found(r, MS_ADMITTED, e, e->text);
		return;
	}
}

static void
tell_cause(struct report *r)
{
	const struct entry *row = deciding_row(r), *diag;

	if (row != NULL)
		row = asked_before(r, row);
	diag = diagnosis_of(r, row);
	missing(r, MS_FAULT, false,
		"no record: ferryman knows what it saw, not when the fault began");
	tell_admission(r);
	if (row != NULL)
		found(r, MS_DECIDED, row, row->text);
	else
		missing(r, MS_DECIDED, true, "no row of the state machine leads to this run");
	if (diag != NULL) {
		found(r, MS_DIAGNOSED, diag, diag->text);
		tell_seen(r, diag);
		return;
	}
	missing(r, MS_SEEN, false, "no diagnosis led to this run");
	missing(r, MS_HARM, false, "no diagnosis led to this run");
	missing(r, MS_DIAGNOSED, false, "none: it was started by a person");
}

static void
tell_approval(struct report *r)
{
	const struct entry *start = r->main->start, *last = NULL, *late;

	for (size_t i = 0; i < r->entries_n; i++) {
		const struct entry *e = &r->entry[i];

		if (!phrase_approves(r, e))
			continue;
		last = e;
	}
	late = newest(r, REC_ROW, start->rec.seq, "event", life_event_name(LE_PROCEED));
	if (last != NULL)
		found(r, MS_APPROVED, last,
			arena_fmt(r->a, "by %s, bound to plan %.12s", phrase_approvers(r),
				r->main->hash));
	else if (late != NULL && r->ms[MS_DECIDED].proof != NULL &&
		 late->rec.seq > r->ms[MS_DECIDED].proof->rec.seq)
		found(r, MS_APPROVED, late, "nobody answered in time; the playbook says: proceed");
	else if (text_eq(r->main->by, "automatic"))
		found(r, MS_APPROVED, start, "none asked: the playbook says automatic");
	else
		found(r, MS_APPROVED, start,
			arena_fmt(r->a, "%s started it in person", r->main->by));
	found(r, MS_STARTED, start, start->text);
}

#define SWITCHES ".switch" /* outbound.switch, mx.switch */

static bool
switches(const struct step_told *s)
{
	return text_ends(s->kind, SWITCHES);
}

struct tally {
	int want, done;
	const struct entry *last; /* the newest answer of those done */
};

/* The main run's steps of a kind, or of all kinds that end so. */
static struct tally
tally(const struct report *r, const char *kind)
{
	struct tally t = { 0, 0, NULL };

	for (size_t i = 0; i < r->main->steps_n; i++) {
		const struct step_told *s = &r->main->step[i];

		if (!text_ends(s->kind, kind))
			continue;
		t.want++;
		if (!step_done(s))
			continue;
		t.done++;
		if (t.last == NULL || s->result->rec.seq > t.last->rec.seq)
			t.last = s->result;
	}
	return t;
}

static void
tell_switch(struct report *r)
{
	const struct tally t = tally(r, SWITCHES);

	if (t.want > 0 && t.done == t.want)
		found(r, MS_SWITCHED, t.last,
			arena_fmt(r->a, "%d of %d switch points; the last: %s", t.done, t.want,
				t.last->text));
	else
		missing(r, MS_SWITCHED, t.want > 0,
			t.want > 0
				? arena_fmt(r->a,
					  "%d of %d switch points answered that they are switched",
					  t.done, t.want)
				: "the plan switches nothing");
}

static void
tell_visible(struct report *r)
{
	const struct tally t = tally(r, "wait.published");

	if (t.want > 0 && t.done == t.want)
		found(r, MS_VISIBLE, t.last, t.last->text);
	else
		missing(r, MS_VISIBLE, t.want > 0,
			t.want > 0 ? "no record says that every server showed it"
				   : "the plan publishes nothing in the DNS");
}

/* A release that let nothing go, for nothing waited, has moved no message. */
static bool
let_go(const struct report *r, const struct step_told *s)
{
	for (size_t i = 0; i < r->counts_n; i++)
		if (r->count[i].proof == s->result && r->count[i].n > 0 &&
			text_eq(r->count[i].what, "released"))
			return true;
	return false;
}

static void
tell_first(struct report *r)
{
	const struct entry *first = NULL;
	bool after = false, want = false;

	for (size_t i = 0; i < r->main->steps_n; i++) {
		const struct step_told *s = &r->main->step[i];

		bool release = text_eq(s->kind, "queue.release");

		after = after || switches(s);
		if (!after || !(release || text_eq(s->kind, "verify.canary")))
			continue;
		want = true;
		if (step_done(s) && (!release || let_go(r, s)) &&
			(first == NULL || s->result->rec.seq < first->rec.seq))
			first = s->result;
	}
	if (first != NULL)
		found(r, MS_FIRST, first, first->text);
	else
		missing(r, MS_FIRST, want,
			want ? "no record says that a message went the new way"
			     : "the plan proves no message after the switch");
}

/* What the plan allows from its start, or from the switch, to the step of a record. */
static void
allow(struct report *r, enum milestone_id id, bool from_switch)
{
	struct milestone *m = &r->ms[id];
	const char *step = m->proof != NULL ? json_str(m->proof->rec.body, "step") : NULL;
	int64_t least = 0, most = 0;
	bool counting = !from_switch;
	size_t last = 0;

	for (size_t i = 0; i < r->main->steps_n; i++)
		if (switches(&r->main->step[i]))
			last = i;
	for (size_t i = 0; i < r->main->steps_n; i++) {
		const struct step_told *s = &r->main->step[i];

		if (counting) {
			least += s->wait_ms;
			most += s->wait_ms + s->deadline_ms;
		}
		if (from_switch && i == last)
			counting = true;
		if (step != NULL && text_eq(s->id, step))
			break;
	}
	m->least_ms = least;
	m->most_ms = most;
}

static void
tell_targets(struct report *r)
{
	const char *diag = r->ms[MS_DIAGNOSED].proof != NULL
				   ? json_str(r->ms[MS_DIAGNOSED].proof->rec.body, "diagnosis")
				   : NULL;

	for (size_t i = 0; r->pb != NULL && i < r->pb->diagnoses_n; i++)
		if (text_eq(r->pb->diagnoses[i].name, diag))
			r->ms[MS_DIAGNOSED].least_ms = r->pb->diagnoses[i].for_ms;
	for (size_t i = 0; r->pb != NULL && i < r->pb->responses_n; i++) {
		const struct response *p = &r->pb->responses[i];

		if (p->run != NULL && text_eq(p->run->name, r->main->procedure) &&
			text_eq(p->on->name, diag) && p->mode == MODE_APPROVE && p->within_ms > 0)
			r->ms[MS_APPROVED].most_ms = p->within_ms;
	}
	allow(r, MS_SWITCHED, false);
	allow(r, MS_VISIBLE, false);
	allow(r, MS_FIRST, true);
	allow(r, MS_ENDED, false);
}

static void
measure(struct report *r, struct milestone *m)
{
	const struct entry *since = m->since < MS_N ? r->ms[m->since].proof : NULL;

	if (m->proof != NULL && since != NULL)
		m->took_ms = m->proof->rec.wall_ms - since->rec.wall_ms;
	if (m->took_ms < 0)
		m->took_ms = -1; /* the wall clock went back between them, or one is not known */
	if (m->proof == NULL)
		m->least_ms = m->most_ms = -1;
	if (m->least_ms > 0 && m->most_ms > 0)
		m->target = arena_fmt(r->a, "%s to %s", phrase_duration(r->a, m->least_ms),
			phrase_duration(r->a, m->most_ms));
	else if (m->most_ms > 0)
		m->target = arena_fmt(r->a, "at most %s", phrase_duration(r->a, m->most_ms));
	else if (m->least_ms > 0)
		m->target = arena_fmt(r->a, "at least %s", phrase_duration(r->a, m->least_ms));
	m->late = m->most_ms > 0 && m->took_ms > m->most_ms;
}

void
milestones_tell(struct report *r)
{
	for (int i = 0; i < MS_N; i++)
		r->ms[i] = (struct milestone){ .key = rows[i].key,
			.label = rows[i].label,
			.since = rows[i].since,
			.took_ms = -1,
			.least_ms = -1,
			.most_ms = -1,
			.target = "",
			.text = "" };
	tell_cause(r);
	tell_approval(r);
	tell_switch(r);
	tell_visible(r);
	tell_first(r);
	if (r->main->end != NULL)
		found(r, MS_ENDED, r->main->end, r->main->end->text);
	else
		missing(r, MS_ENDED, true, "the run has not ended");
	tell_targets(r);
	for (int i = 0; i < MS_N; i++)
		measure(r, &r->ms[i]);
}
