/*
 * watching.c - what is seen: who is asked when, transitions of signals and diagnoses into the
 * journal, blindness told.
 */
#include "core/engine.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { BLIND_MS = 30000, NAMES_MAX = 4096 };

void
watching_seen(struct core *c, struct book *b, const struct event *ev)
{
	(void)c;
	evidence_seen(b->ev, ev);
}

void
watching_probe(struct core *c)
{
	for (struct book *b = c->books; b != NULL; b = b->next) {
		struct due d;

		while (b->ev != NULL && !c->nomem && evidence_next_due(b->ev, c->boot_ms, &d)) {
			struct flight *f = flight_begin(c, OP_PROBE, d.signal->timeout_ms);
			struct action *a = f != NULL ? core_act(c, ACT_PROBE) : NULL;

			if (a == NULL)
				return;
			f->book = b;
			a->op = f->op;
			a->probe.playbook = core_keep(c, b->name);
			a->probe.signal = core_keep(c, d.signal->name);
			a->probe.subject = core_keep(c, d.subject->name);
			a->probe.deadline_ms = d.signal->timeout_ms;
		}
	}
}

/* --- signals --- */

static void
say_signal(struct core *c, const struct buf *record)
{
	size_t at = 0;
	const struct json *o = json_read(c->out, buf_text(record), record->len, &at);
	struct buf b;
	struct jw w;

	if (o == NULL)
		return;
	buf_init(&b, &c->env.mem, RECORD_MAX);
	jw_init(&w, &b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "playbook", json_str(o, "playbook"));
	jw_str(&w, "signal", json_str(o, "signal"));
	jw_str(&w, "subject", json_str(o, "subject"));
	jw_str(&w, "path", json_str(o, "path"));
	jw_str(&w, "verdict", json_str(o, "to"));
	jw_bool(&w, "harm", json_flag(o, "harm"));
	jw_str(&w, "why", json_str(o, "why"));
	jw_int(&w, "wall_ms", c->wall_ms);
	jw_close(&w, '}');
	tell_status(c, true, "signal", &b);
	buf_fini(&b);
}

static void
signals(struct core *c, struct book *b)
{
	struct buf out;

	buf_init(&out, &c->env.mem, RECORD_MAX);
	while (!c->nomem && evidence_next_change(b->ev, &out)) {
		(void)propose(c, REC_SIGNAL, "", &out);
		say_signal(c, &out);
		buf_reset(&out);
	}
	buf_fini(&out);
}

/* --- diagnoses --- */

static void
say_diagnosis(struct core *c, const struct book *b, const struct diag_view *v, const char *state)
{
	struct buf out;
	struct jw w;

	buf_init(&out, &c->env.mem, RECORD_MAX);
	jw_init(&w, &out);
	jw_open(&w, NULL, '{');
	jw_str(&w, "playbook", b->name);
	jw_str(&w, "diagnosis", v->d->name);
	jw_str(&w, "flow", flow_name(v->d->flow));
	jw_str(&w, "state",
		text_eq(state, "met")	      ? "ripening"
		: text_eq(state, "confirmed") ? "convinced"
					      : "clear");
	jw_str(&w, "why",
		text_eq(state, "cleared")
			? "good answers for as long as the playbook asks"
			: arena_fmt(c->out,
				  "%d of %d groups bad, %d receivers, %lld.%02lld %% failed",
				  v->groups_bad, v->d->groups, v->receivers_bad,
				  (long long)(v->share_bp / 100), (long long)(v->share_bp % 100)));
	jw_int(&w, "wall_ms", c->wall_ms);
	jw_close(&w, '}');
	tell_status(c, true, "diagnosis", &out);
	buf_fini(&out);
}

static void
put_diagnosis(struct core *c, const struct book *b, const struct diag_view *v, const char *state)
{
	struct buf out, evidence;
	struct jw w;

	buf_init(&out, &c->env.mem, RECORD_MAX);
	buf_init(&evidence, &c->env.mem, RECORD_MAX - 4096);
	evidence_put(b->ev, v->d, &evidence);
	jw_init(&w, &out);
	jw_open(&w, NULL, '{');
	jw_str(&w, "playbook", b->name);
	jw_str(&w, "diagnosis", v->d->name);
	jw_str(&w, "flow", flow_name(v->d->flow));
	jw_str(&w, "state", state);
	jw_raw(&w, "evidence", buf_failed(&evidence) ? "{}" : buf_text(&evidence));
	jw_close(&w, '}');
	(void)propose(c, REC_DIAGNOSIS, "", &out);
	buf_fini(&out);
	buf_fini(&evidence);
	say_diagnosis(c, b, v, state);
}

/*
 * What is only observed starts nothing, so nothing else would tell people: they hear what would
 * have started, once until it has cleared.
 */
static void
say_observed(struct core *c, const struct book *b, const struct diag_view *v)
{
	bool only = false;
	struct buf names;

	buf_init(&names, &c->env.mem, NAMES_MAX);
	for (size_t i = 0; i < b->pb->responses_n; i++) {
		const struct response *r = &b->pb->responses[i];

		if (r->on != v->d || decide_mode(b->pb, r) != MODE_OBSERVE)
			continue;
		only = true;
		if (r->run != NULL)
			buf_fmt(&names, "%s%s", names.len > 0 ? " and " : "", r->run->name);
	}
	if (only)
		tell(c, b->name, SEV_WARNING,
			"playbook %s: %s mail: %s is confirmed: %d of %d groups bad, %d receivers, "
			"%lld.%02lld %% failed; %s",
			b->name, flow_name(v->d->flow), v->d->name, v->groups_bad, v->d->groups,
			v->receivers_bad, (long long)(v->share_bp / 100),
			(long long)(v->share_bp % 100),
			names.len > 0 ? arena_fmt(c->out, "%s would start, but the mode is observe",
						buf_text(&names))
				      : "it is only observed: nothing starts");
	buf_fini(&names);
}

static bool
stood_down(struct core *c, const struct book *b, const struct diag_view *v)
{
	const struct lmachine *l = ledger_machine(&c->l, b->name, v->d->flow);

	return l != NULL && text_eq(l->stood_down, v->d->name);
}

static void
diagnoses(struct core *c, struct book *b)
{
	const struct diag_view *v;
	size_t n = evidence_diags(b->ev, &v);

	for (size_t i = 0; i < n; i++) {
		struct told_diag *t = &b->told[i];

		if (v[i].met && !t->met) {
			put_diagnosis(c, b, &v[i], "met");
			evidence_hurry(b->ev, v[i].d->path); /* look again at once, do not guess */
			t->met = true;
		}
		if (v[i].confirmed && !t->confirmed)
			put_diagnosis(c, b, &v[i], "confirmed");
		if (v[i].confirmed && !t->observed)
			say_observed(c, b, &v[i]);
		t->observed = t->observed || v[i].confirmed;
		t->confirmed = v[i].confirmed;
		if (v[i].cleared && (t->met || (!t->cleared && stood_down(c, b, &v[i])))) {
			put_diagnosis(c, b, &v[i], "cleared");
			t->met = t->observed = false;
		}
		t->cleared = v[i].cleared;
	}
}

/* --- blindness: nothing is done, and people hear of it --- */

/* An anchor that misses one answer is no news. A clock that jumps is: it is steady again before
 * anybody would hear of it. */
static bool
blind_is_news(const struct core *c, const struct book *b)
{
	return evidence_clock_jumped(b->ev) || c->boot_ms - b->blind_since_boot_ms >= BLIND_MS;
}

static void
blindness(struct core *c, struct book *b)
{
	const char *blind = evidence_blind(b->ev);

	if (blind == NULL) {
		if (b->blind_told)
			tell(c, b->name, SEV_INFO, "%s: sight is restored", b->name);
		b->blind_told = false;
		b->blind_since_boot_ms = 0;
		return;
	}
	if (b->blind_since_boot_ms == 0)
		b->blind_since_boot_ms = c->boot_ms > 0 ? c->boot_ms : 1;
	if (b->blind_told || !blind_is_news(c, b))
		return;
	b->blind_told = true;
	tell(c, b->name, SEV_ALARM, "%s: blind, so nothing is done by itself: %s", b->name, blind);
}

void
watching_all(struct core *c)
{
	for (struct book *b = c->books; b != NULL; b = b->next) {
		if (b->ev == NULL || b->told == NULL)
			continue;
		evidence_update(b->ev, c->boot_ms, c->wall_ms);
		signals(c, b);
		diagnoses(c, b);
		blindness(c, b);
	}
}

int64_t
watching_wake(const struct core *c)
{
	int64_t wake = INT64_MAX;

	for (const struct book *b = c->books; b != NULL; b = b->next) {
		if (b->ev == NULL)
			continue;
		wake = earlier(wake, evidence_wake_ms(b->ev));
		if (b->blind_since_boot_ms != 0 && !b->blind_told)
			wake = earlier(wake, b->blind_since_boot_ms + BLIND_MS);
	}
	return wake;
}
