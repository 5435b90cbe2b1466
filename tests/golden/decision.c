/*
 * decision.c - a decision case: what is seen, said and known, moment by moment, and what must come
 * of it. The words of its lines are told in tests/README.md.
 */
#include "golden/casedoc.h"
#include "golden/story.h"
#include "golden/tables.h"

#include "connector.h"
#include "os/digest.h"
#include "os/stdmem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- what is seen --- */

static enum verdict
verdict_parse(const char *s)
{
	enum verdict v = VERDICT_OK;

	while (v < VERDICT_N && strcmp(s, verdict_name(v)) != 0)
		v++;
	return v;
}

/* Words from i on: VERDICT [harm] [via ADDRESS] [class NAME] ["why"]. */
static bool
read_answer(const struct cline *l, size_t i, struct event *ev)
{
	*ev = (struct event){ .seen = { .why = "" } };
	if (i >= l->n || (ev->seen.verdict = verdict_parse(l->word[i])) == VERDICT_N)
		return false;
	for (i++; i < l->n; i++) {
		if (word_is(l, i, "harm"))
			ev->seen.harm = true;
		else if (word_is(l, i, "via") && i + 1 < l->n)
			ev->seen.via = l->word[++i];
		else if (word_is(l, i, "class") && i + 1 < l->n)
			ev->seen.class = l->word[++i];
		else if (i + 1 == l->n)
			ev->seen.why = l->word[i];
		else
			return false;
	}
	return true;
}

/* Is stream x meant by "canary", "canary/r1", "anchors" or "all"? */
static bool
meant(const struct stream *x, const char *what)
{
	size_t n = strlen(x->s->name);

	if (strcmp(what, "all") == 0 || (strcmp(what, "anchors") == 0 && x->s->role == SIG_ANCHOR))
		return true;
	if (strncmp(what, x->s->name, n) != 0)
		return false;
	return what[n] == '\0' || (what[n] == '/' && strcmp(what + n + 1, x->subject->name) == 0);
}

static void
answer(struct story *st, const struct stream *x, const struct cline *l)
{
	struct event ev;

	if (!read_answer(l, 3, &ev))
		return;
	if (ev.seen.class == NULL)
		ev.seen.class = x->subject->class;
	vmachine_seen(&st->m, x->s, x->subject->name, &ev);
}

/* from TIME WHAT ANSWER | from TIME WHAT silent */
static void
begin_streams(struct story *st, const struct cline *l)
{
	struct event ev;
	bool silent = word_is(l, 3, "silent"), any = false;

	if (l->n < 4 || (!silent && !read_answer(l, 3, &ev))) {
		story_odd(st->c, l);
		return;
	}
	for (size_t i = 0; i < st->streams_n; i++) {
		if (!meant(&st->stream[i], l->word[2]))
			continue;
		any = true;
		st->stream[i].line = silent ? NULL : l;
		st->stream[i].next = st->m.now;
	}
	if (!any)
		case_fault(st->c, l->no, "no signal %s", l->word[2]);
}

static void
see_once(struct story *st, const struct cline *l)
{
	struct event ev;
	bool any = false;

	if (!read_answer(l, 3, &ev)) {
		story_odd(st->c, l);
		return;
	}
	for (size_t i = 0; i < st->streams_n; i++)
		if (meant(&st->stream[i], l->word[2])) {
			answer(st, &st->stream[i], l);
			any = true;
		}
	if (!any)
		case_fault(st->c, l->no, "no signal %s", l->word[2]);
}

static void
run_streams(struct story *st)
{
	for (size_t i = 0; i < st->streams_n; i++) {
		struct stream *x = &st->stream[i];

		if (x->line == NULL || x->next > st->m.now)
			continue;
		answer(st, x, x->line);
		x->next = st->m.now + x->s->every_ms;
	}
}

static void
list_streams(struct story *st, const struct playbook *pb)
{
	for (size_t i = 0; i < pb->signals_n; i++)
		for (size_t k = 0; k < pb->signals[i].subjects_n; k++)
			if (st->streams_n < STREAMS_MAX)
				st->stream[st->streams_n++] = (struct stream){
					.s = &pb->signals[i],
					.subject = &pb->signals[i].subjects[k],
				};
}

/* --- what is known beside --- */

struct fact_word {
	const char *word;
	int value;
};

static int
fact_value(const struct fact_word *w, const char *s)
{
	for (; w->word != NULL; w++)
		if (strcmp(w->word, s) == 0)
			return w->value;
	return -1;
}

static const struct fact_word settled_words[] = { { "not-yet", SETTLED_NOT_YET },
	{ "primary", SETTLED_ON_PRIMARY }, { "backup", SETTLED_ON_BACKUP },
	{ "mixture", SETTLED_MIXTURE }, { NULL, 0 } };
static const struct fact_word run_words[] = { { "none", RUN_NONE }, { "forward", RUN_FORWARD },
	{ "pivoted", RUN_FORWARD_PIVOTED }, { "backward", RUN_BACKWARD },
	{ "done", RUN_ENDED_DONE }, { "undone", RUN_ENDED_UNDONE }, { "blocked", RUN_IS_BLOCKED },
	{ NULL, 0 } };
static const struct fact_word yes_words[] = { { "yes", 1 }, { "no", 0 }, { NULL, 0 } };

static bool
set_shelter(struct vmachine *m, const char *s)
{
	m->f.shelter_open = strcmp(s, "none") != 0;
	m->shelter_until = strcmp(s, "ended") == 0 ? m->now : 0;
	if (strcmp(s, "ended") == 0 && m->now == 0)
		m->shelter_until = 1;
	return strcmp(s, "none") == 0 || strcmp(s, "open") == 0 || strcmp(s, "ended") == 0;
}

static bool
set_run(struct vmachine *m, const char *s)
{
	int v = fact_value(run_words, s);

	if (v < 0)
		return false;
	m->f.run = (enum run_state)v;
	m->f.run_pivoted = m->f.run_pivoted || v == RUN_FORWARD_PIVOTED;
	return true;
}

static bool
set_flag(bool *flag, const char *s)
{
	int v = fact_value(yes_words, s);

	*flag = v == 1;
	return v >= 0;
}

/* The name of a fact and its value. */
static bool
set_fact(struct vmachine *m, const char *name, const char *s)
{
	struct facts *f = &m->f;
	int64_t v = 0;

	if (strcmp(name, "settled") == 0)
		return (f->settled = (enum settled)fact_value(settled_words, s)) <= SETTLED_MIXTURE;
	if (strcmp(name, "run") == 0)
		return set_run(m, s);
	if (strcmp(name, "run-is-failback") == 0)
		return set_flag(&f->run_is_failback, s);
	if (strcmp(name, "run-pivoted") == 0)
		return set_flag(&f->run_pivoted, s);
	if (strcmp(name, "shelter") == 0)
		return set_shelter(m, s);
	if (strcmp(name, "queues-drained") == 0)
		return set_flag(&f->queues_drained, s);
	if (strcmp(name, "plan-ready") == 0)
		return set_flag(&f->base_ready, s);
	if (strcmp(name, "one-shot") == 0)
		return set_flag(&f->one_shot, s);
	if (strcmp(name, "blackout-cutover") == 0)
		return set_flag(&f->window_no_cutover, s);
	if (strcmp(name, "blackout-failback") == 0)
		return set_flag(&f->window_no_failback, s);
	if (strcmp(name, "cutovers") == 0 && num_int(s, &v)) {
		f->cutovers_in_budget = (int)v;
		return true;
	}
	if (strcmp(name, "last-cutover-ago") == 0 && num_duration(s, &v)) {
		vmachine_note(m, v, &m->moved);
		return true;
	}
	return false;
}

/* --- what is said --- */

/* at TIME USER: VERB [override NAME] [other-plan] [expired] [replayed] */
static bool
read_order(const struct cline *l, struct order *o)
{
	size_t n = strlen(l->word[2]);

	*o = (struct order){ .user = l->word[2] };
	if (l->n < 4 || n < 2 || l->word[2][n - 1] != ':')
		return false;
	l->word[2][n - 1] = '\0';
	o->owner = strcmp(o->user, "owner") == 0;
	o->verb = verb_parse(l->word[3]);
	for (size_t i = 4; i < l->n; i++) {
		if (word_is(l, i, "override") && i + 1 < l->n && o->overrides_n < OVERRIDE_MAX)
			o->override[o->overrides_n++] = l->word[++i];
		else if (word_is(l, i, "other-plan"))
			o->other_plan = true;
		else if (word_is(l, i, "expired"))
			o->expired = true;
		else if (word_is(l, i, "replayed"))
			o->replayed = true;
		else
			return false;
	}
	return o->verb != VERB_N;
}

/* at TIME ... */
static void
happens(struct story *st, const struct cline *l)
{
	struct vmachine *m = &st->m;
	struct order o;
	int64_t by = 0;
	size_t n = l->n > 2 ? strlen(l->word[2]) : 0;

	if (word_is(l, 2, "fact") && l->n == 5) {
		if (!set_fact(m, l->word[3], l->word[4]))
			case_fault(st->c, l->no, "no fact %s %s", l->word[3], l->word[4]);
	} else if (word_is(l, 2, "run") && l->n == 4) {
		if (!set_run(m, l->word[3]))
			story_odd(st->c, l);
	} else if (word_is(l, 2, "clock") && l->n == 4 && num_duration(l->word[3] + 1, &by)) {
		m->wall_shift += l->word[3][0] == '-' ? -by : by;
		vmachine_clock(m, m->now);
	} else if (n > 1 && l->word[2][n - 1] == ':') {
		if (read_order(l, &o))
			vmachine_order(m, &o);
		else
			story_odd(st->c, l);
	} else {
		see_once(st, l);
	}
}

/* --- time --- */

/* These see, and wake nobody. */
static bool
only_looks(const struct cline *l)
{
	return word_is(l, 0, "want") || word_is(l, 0, "look");
}

static bool
timed(const struct cline *l, int64_t *ret)
{
	return (word_is(l, 0, "at") || word_is(l, 0, "from") || only_looks(l)) &&
	       story_time(l, 1, ret);
}

/* The next moment after t at which something happens: a line, a stream, or the program's own wish.
 * Expectations are no moments: looking must not wake anybody. */
static int64_t
next_moment(const struct story *st, int64_t t)
{
	int64_t next = vmachine_wake(&st->m), at = 0;

	next = next <= t ? t + 1 : next; /* a wish in the past is one for now */
	for (size_t i = 0; i < st->c->lines_n; i++)
		if (!only_looks(&st->c->line[i]) && timed(&st->c->line[i], &at) && at > t &&
			at < next)
			next = at;
	for (size_t i = 0; i < st->streams_n; i++)
		if (st->stream[i].line != NULL && st->stream[i].next > t &&
			st->stream[i].next < next)
			next = st->stream[i].next;
	return next;
}

static void
moment(struct story *st, int64_t t)
{
	int64_t at;

	vmachine_clock(&st->m, t);
	for (size_t i = 0; i < st->c->lines_n; i++) {
		const struct cline *l = &st->c->line[i];

		if (!timed(l, &at) || at != t)
			continue;
		if (word_is(l, 0, "from"))
			begin_streams(st, l);
		else if (word_is(l, 0, "at"))
			happens(st, l);
	}
	run_streams(st);
	vmachine_clock(&st->m, t);
	vmachine_decide(&st->m);
}

/* Expectations of moments from t on, up to but without `until`. Time is moved for the evidence
 * alone. */
static void
look(struct story *st, int64_t t, int64_t until)
{
	int64_t at;

	for (size_t i = 0; i < st->c->lines_n; i++) {
		const struct cline *l = &st->c->line[i];
		const struct diag_view *v;

		if (!only_looks(l) || !timed(l, &at) || at < t || at >= until)
			continue;
		vmachine_clock(&st->m, at);
		st->views_n = evidence_diags(st->m.ev, &v);
		for (size_t k = 0; k < st->views_n && k < sizeof st->view / sizeof *st->view; k++)
			st->view[k] = v[k];
		if (word_is(l, 0, "look") && st->tells)
			tell_look(st, at);
		else if (word_is(l, 0, "want") && !st->tells)
			want_at(st, l, at);
	}
}

static void
play(struct story *st)
{
	for (int64_t t = 0, next; t <= st->end; t = next) {
		moment(st, t);
		next = next_moment(st, t);
		look(st, t, next <= st->end ? next : st->end + 1);
	}
	if (st->tells)
		tell_trace(st);
	for (size_t i = 0; i < st->c->lines_n && !st->tells; i++)
		if (want_untimed(&st->c->line[i]))
			want_ever(st, &st->c->line[i]);
	if (st->m.loops)
		case_fault(st->c, st->c->no, "the decisions of one moment never come to rest");
}

/* --- the case --- */

static struct playbook *
load(const struct gcase *c, const char *name)
{
	char file[96], *text;
	struct doc doc = { 0 };
	struct findings *f;
	struct playbook *pb;
	size_t n = 0;

	(void)snprintf(file, sizeof file, "%s.yaml", name);
	text = case_file(c, file, &n);
	if (text == NULL) {
		case_fault(c, c->no, "no playbook %s in tests/golden/playbooks", file);
		return NULL;
	}
	doc_put(&doc, text, n);
	free(text);
	for (size_t i = 0; i < c->lines_n; i++)
		if (word_is(&c->line[i], 0, "replace"))
			doc_edit(c, &c->line[i], 0, &doc);
	pb = playbook_load(&stdmem,
		&(struct playbook_input){ .file = file,
			.text = doc.text,
			.len = doc.len,
			.connectors = registry_infos(),
			.sha256 = digest_sha256 },
		&f);
	for (size_t i = 0; pb == NULL && i < findings_n(f); i++)
		if (findings_at(f, i)->level == FIND_ERROR)
			case_fault(c, c->no, "playbook %s:%d: %s", file, findings_at(f, i)->at.line,
				findings_at(f, i)->text);
	findings_free(&f);
	doc_free(&doc);
	return pb;
}

/* Lines without a time: playbook, flow, state, fact, end. */
struct setting {
	const char *playbook;
	enum flow flow;
	enum life_state state;
};

static void
read_flow(const struct story *st, const struct cline *l, struct setting *s)
{
	if (word_is(l, 1, flow_name(FLOW_INBOUND)))
		s->flow = FLOW_INBOUND;
	else if (!word_is(l, 1, flow_name(FLOW_OUTBOUND)))
		story_odd(st->c, l);
}

static bool
wants_any(const struct gcase *c)
{
	for (size_t i = 0; i < c->lines_n; i++)
		if (word_is(&c->line[i], 0, "want"))
			return true;
	return false;
}

static void
read_settings(struct story *st, struct setting *s)
{
	int64_t at;

	for (size_t i = 0; i < st->c->lines_n; i++) {
		const struct cline *l = &st->c->line[i];

		if (timed(l, &at)) {
			st->end = at > st->end ? at : st->end;
			continue;
		}
		if (word_is(l, 0, "playbook") && l->n == 2)
			s->playbook = l->word[1];
		else if (word_is(l, 0, "flow") && l->n == 2)
			read_flow(st, l, s);
		else if (word_is(l, 0, "state") && l->n == 2)
			s->state = life_state_parse(l->word[1]);
		else if (((word_is(l, 0, "end") && story_time(l, 1, &at)) ||
				 (word_is(l, 1, "first") && story_time(l, 4, &at))))
			st->end = at > st->end ? at : st->end;
		else if (!word_is(l, 0, "fact") && !word_is(l, 0, "replace") && !want_untimed(l))
			story_odd(st->c, l);
	}
	if (!st->tells && !wants_any(st->c))
		case_fault(st->c, st->c->no, "nothing is expected");
	if (s->state == LS_N)
		case_fault(st->c, st->c->no, "no such state");
}

static void
set_facts(struct story *st)
{
	for (size_t i = 0; i < st->c->lines_n; i++) {
		const struct cline *l = &st->c->line[i];

		if (word_is(l, 0, "fact") &&
			(l->n != 3 || !set_fact(&st->m, l->word[1], l->word[2])))
			story_odd(st->c, l);
	}
}

static void
play_case(const struct gcase *c, bool tells)
{
	struct story *st = stdmem_get(sizeof *st);
	struct setting s = { .playbook = "automatic", .flow = FLOW_OUTBOUND, .state = LS_NORMAL };
	struct playbook *pb;

	st->c = c;
	st->tells = tells;
	read_settings(st, &s);
	pb = s.state < LS_N ? load(c, s.playbook) : NULL;
	if (pb != NULL) {
		vmachine_start(&st->m, pb, s.flow, s.state);
		list_streams(st, pb);
		set_facts(st);
		play(st);
		vmachine_end(&st->m);
		playbook_unref(&pb);
	}
	free(st);
}

void
decision_case(const struct gcase *c)
{
	play_case(c, false);
}

void
trace_case(const struct gcase *c)
{
	play_case(c, true);
}
