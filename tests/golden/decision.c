/*
 * decision.c - a decision case: what is seen, said and known, moment by moment, and what must come
 * of it. The words of its lines are told in tests/README.md.
 */
#include "golden/casedoc.h"
#include "golden/vmachine.h"
#include "golden/tables.h"

#include "connector.h"
#include "os/digest.h"
#include "os/stdmem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STREAMS_MAX = 64 };
enum { SECOND = 1000 };

/* What a signal answers about one subject, again and again, from a moment on. */
struct stream {
	const struct signal *s;
	const struct subject *subject;
	const struct cline *line; /* that said so; NULL: says nothing */
	int64_t next;
};

struct story {
	const struct gcase *c;
	struct vmachine m;
	struct stream stream[STREAMS_MAX];
	size_t streams_n;
	int64_t end;
	struct diag_view view[16]; /* as of the last look */
	size_t views_n;
};

static bool
time_word(const struct cline *l, size_t i, int64_t *ret)
{
	return i < l->n && num_duration(l->word[i], ret);
}

static void
odd_line(const struct gcase *c, const struct cline *l)
{
	case_fault(c, l->no, "cannot read this line (\"%s\" ...); see tests/README.md",
		l->n > 0 ? l->word[0] : "|");
}

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
		odd_line(st->c, l);
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
		odd_line(st->c, l);
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
		f->last_cutover_wall_ms = CASE_WALL_MS + m->now + m->wall_shift - v;
		return true;
	}
	return false;
}

/* --- what is said --- */

/* at TIME USER: VERB [override NAME] [other-plan] [expired] [replayed] [own-request] */
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
		else if (word_is(l, i, "own-request"))
			o->own_request = true;
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
			odd_line(st->c, l);
	} else if (word_is(l, 2, "clock") && l->n == 4 && num_duration(l->word[3] + 1, &by)) {
		m->wall_shift += l->word[3][0] == '-' ? -by : by;
		vmachine_clock(m, m->now);
	} else if (n > 1 && l->word[2][n - 1] == ':') {
		if (read_order(l, &o))
			vmachine_order(m, &o);
		else
			odd_line(st->c, l);
	} else {
		see_once(st, l);
	}
}

/* --- what must come of it --- */

static const struct done *
find(const struct story *st, size_t from, const char *kind, const char *what)
{
	for (size_t i = from; i < st->m.trace_n; i++) {
		const struct done *x = &st->m.trace[i];

		if (!x->applied || x->row == NULL)
			continue;
		if (strcmp(kind, "act") == 0 ? strcmp(life_do_name(x->row->act), what) == 0
			: strcmp(kind, "state") == 0
				? strcmp(life_state_name(x->row->to), what) == 0
				: strcmp(life_event_name(x->event), what) == 0)
			return x;
	}
	return NULL;
}

static size_t
times(const struct story *st, const char *kind, const char *what)
{
	const struct done *x;
	size_t n = 0, i = 0;

	while ((x = find(st, i, kind, what)) != NULL) {
		n++;
		i = (size_t)(x - st->m.trace) + 1;
	}
	return n;
}

/* The names of acts, states and events are the program's own words; a slip in a table must not
 * pass. */
static bool
known(const char *kind, const char *what)
{
	int i = 0;

	if (strcmp(kind, "act") == 0)
		for (; i < LD_N && strcmp(life_do_name((enum life_do)i), what) != 0; i++)
			continue;
	else if (strcmp(kind, "state") == 0)
		return life_state_parse(what) != LS_N;
	else if (strcmp(kind, "event") == 0)
		for (; i < LE_N && strcmp(life_event_name((enum life_event)i), what) != 0; i++)
			continue;
	else
		return false;
	return i < (strcmp(kind, "act") == 0 ? (int)LD_N : (int)LE_N);
}

/* want never KIND NAME | want first KIND NAME TIME | want once KIND NAME */
static void
want_ever(const struct story *st, const struct cline *l)
{
	const struct done *x;
	int64_t t = 0;

	if (l->n < 4 || !known(l->word[2], l->word[3])) {
		odd_line(st->c, l);
		return;
	}
	x = find(st, 0, l->word[2], l->word[3]);
	if (word_is(l, 1, "never") && x != NULL)
		case_fault(st->c, l->no, "%s %s at %lld s", l->word[2], l->word[3],
			(long long)(x->t / SECOND));
	if (word_is(l, 1, "once") && times(st, l->word[2], l->word[3]) != 1)
		case_fault(st->c, l->no, "%s %s: %zu times", l->word[2], l->word[3],
			times(st, l->word[2], l->word[3]));
	if (!word_is(l, 1, "first"))
		return;
	if (!time_word(l, 4, &t))
		odd_line(st->c, l);
	else if (x == NULL)
		case_fault(st->c, l->no, "%s %s never happened", l->word[2], l->word[3]);
	else if (x->t != t)
		case_fault(st->c, l->no, "%s %s at %lld.%03lld s", l->word[2], l->word[3],
			(long long)(x->t / SECOND), (long long)(x->t % SECOND));
}

static void
want_act(const struct story *st, const struct cline *l, int64_t t)
{
	if (l->n < 4 || !known(l->word[2], l->word[3])) {
		odd_line(st->c, l);
		return;
	}
	for (const struct done *x = find(st, 0, l->word[2], l->word[3]); x != NULL;
		x = find(st, (size_t)(x - st->m.trace) + 1, l->word[2], l->word[3]))
		if (x->t == t &&
			(l->n < 5 || (x->procedure != NULL && word_is(l, 4, x->procedure->name))))
			return;
	case_fault(st->c, l->no, "no %s %s then", l->word[2], l->word[3]);
}

/* All words in one of the reasons of the last moment up to t at which anything was decided or
 * refused. */
static void
want_says(const struct story *st, const struct cline *l, int64_t t)
{
	int64_t at = -1;

	for (size_t i = 0; i < st->m.trace_n && st->m.trace[i].t <= t; i++)
		at = st->m.trace[i].t;
	for (size_t i = 0; i < st->m.trace_n; i++) {
		bool all = st->m.trace[i].t == at && l->n > 3;

		for (size_t k = 3; all && k < l->n; k++)
			all = text_has(st->m.trace[i].said, l->word[k]);
		if (all)
			return;
	}
	case_fault(st->c, l->no, "not said");
	for (size_t i = 0; i < st->m.trace_n; i++)
		if (st->m.trace[i].t == at)
			printf("       said %s",
				st->m.trace[i].said[0] != '\0' ? st->m.trace[i].said : "nothing\n");
}

static void
want_exit(const struct story *st, const struct cline *l, int64_t t)
{
	int64_t want = -1;

	if (l->n != 4 || !num_int(l->word[3], &want))
		odd_line(st->c, l);
	for (size_t i = 0; i < st->m.trace_n; i++)
		if (st->m.trace[i].t == t && st->m.trace[i].exit >= 0) {
			if (st->m.trace[i].exit == want)
				return;
			case_fault(st->c, l->no, "exit %d", st->m.trace[i].exit);
			return;
		}
	case_fault(st->c, l->no, "no command then");
}

static const struct diag_view *
view_of(const struct story *st, const char *name)
{
	for (size_t i = 0; i < st->views_n; i++)
		if (strcmp(st->view[i].d->name, name) == 0)
			return &st->view[i];
	return NULL;
}

/* want TIME diagnosis NAME [not-]met|confirmed|cleared|known  |  groups N | receivers N | share P |
 * class NAME */
static void
want_diagnosis(const struct story *st, const struct cline *l)
{
	const struct diag_view *v = l->n > 4 ? view_of(st, l->word[3]) : NULL;
	const char *w = l->n > 4 ? l->word[4] : "";
	bool no = strncmp(w, "not-", 4) == 0, ok = false;
	int64_t n = 0;

	if (v == NULL) {
		odd_line(st->c, l);
		return;
	}
	w += no ? 4 : 0;
	if (strcmp(w, "met") == 0)
		ok = v->met != no;
	else if (strcmp(w, "confirmed") == 0)
		ok = v->confirmed != no;
	else if (strcmp(w, "cleared") == 0)
		ok = v->cleared != no;
	else if (strcmp(w, "known") == 0)
		ok = v->known != no;
	else if (strcmp(w, "groups") == 0 && l->n > 5 && num_int(l->word[5], &n))
		ok = v->groups_bad == n;
	else if (strcmp(w, "receivers") == 0 && l->n > 5 && num_int(l->word[5], &n))
		ok = v->receivers_bad == n;
	else if (strcmp(w, "share") == 0 && l->n > 5 && num_percent(l->word[5], &n))
		ok = v->share_bp == n;
	else if (strcmp(w, "class") == 0 && l->n > 5)
		ok = v->only_class != NULL ? word_is(l, 5, v->only_class) : word_is(l, 5, "none");
	else
		odd_line(st->c, l);
	if (!ok)
		case_fault(st->c, l->no,
			"met %d, confirmed %d, cleared %d, known %d, groups %d, receivers %d, "
			"share %lld, class %s",
			v->met, v->confirmed, v->cleared, v->known, v->groups_bad, v->receivers_bad,
			(long long)v->share_bp, v->only_class != NULL ? v->only_class : "none");
}

static void
want_path(const struct story *st, const struct cline *l)
{
	const struct path *p = l->n == 5 ? playbook_path(st->m.pb, l->word[3]) : NULL;
	bool ok, unfit;

	if (p == NULL) {
		odd_line(st->c, l);
		return;
	}
	ok = evidence_path_ok(st->m.ev, p, st->m.f.flow);
	unfit = evidence_path_unfit(st->m.ev, p, st->m.f.flow);
	if (!(word_is(l, 4, "ok") ? ok : word_is(l, 4, "unfit") ? unfit : !ok && !unfit))
		case_fault(st->c, l->no, "path %s: ok %d, unfit %d", p->name, ok, unfit);
}

static void
want_sight(const struct story *st, const struct cline *l)
{
	const char *why = evidence_blind(st->m.ev);

	if (word_is(l, 2, "sees") && why != NULL)
		case_fault(st->c, l->no, "blind: %s", why);
	if (word_is(l, 2, "blind") && why == NULL)
		case_fault(st->c, l->no, "it sees");
	for (size_t i = 3; why != NULL && i < l->n; i++)
		if (!text_has(why, l->word[i]))
			case_fault(st->c, l->no, "blind: %s", why);
}

static bool
busy(const struct story *st, int64_t t)
{
	for (size_t i = 0; i < st->m.trace_n; i++)
		if (st->m.trace[i].t == t && st->m.trace[i].applied)
			return true;
	return false;
}

/* want TIME ...: things as they are at that moment, all that happens then being over. */
static void
want_at(struct story *st, const struct cline *l, int64_t t)
{
	if (word_is(l, 2, "state") && l->n == 4) {
		if (!word_is(l, 3, life_state_name(st->m.f.state)))
			case_fault(st->c, l->no, "state %s", life_state_name(st->m.f.state));
	} else if (word_is(l, 2, "act") || word_is(l, 2, "event")) {
		want_act(st, l, t);
	} else if (word_is(l, 2, "says")) {
		want_says(st, l, t);
	} else if (word_is(l, 2, "exit")) {
		want_exit(st, l, t);
	} else if (word_is(l, 2, "diagnosis")) {
		want_diagnosis(st, l);
	} else if (word_is(l, 2, "path")) {
		want_path(st, l);
	} else if (word_is(l, 2, "sees") || word_is(l, 2, "blind")) {
		want_sight(st, l);
	} else if ((word_is(l, 2, "silent") || word_is(l, 2, "busy")) && l->n == 3) {
		if (busy(st, t) == word_is(l, 2, "silent"))
			case_fault(st->c, l->no,
				busy(st, t) ? "something is done" : "nothing is done");
	} else {
		odd_line(st->c, l);
	}
}

/* --- time --- */

static bool
timed(const struct cline *l, int64_t *ret)
{
	return (word_is(l, 0, "at") || word_is(l, 0, "from") || word_is(l, 0, "want")) &&
	       time_word(l, 1, ret);
}

/* The next moment after t at which something happens: a line, a stream, or the program's own wish.
 * Expectations are no moments: looking must not wake anybody. */
static int64_t
next_moment(const struct story *st, int64_t t)
{
	int64_t next = vmachine_wake(&st->m), at = 0;

	next = next <= t ? t + 1 : next; /* a wish in the past is one for now */
	for (size_t i = 0; i < st->c->lines_n; i++)
		if (!word_is(&st->c->line[i], 0, "want") && timed(&st->c->line[i], &at) && at > t &&
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

		if (!word_is(l, 0, "want") || !timed(l, &at) || at < t || at >= until)
			continue;
		vmachine_clock(&st->m, at);
		st->views_n = evidence_diags(st->m.ev, &v);
		for (size_t k = 0; k < st->views_n && k < sizeof st->view / sizeof *st->view; k++)
			st->view[k] = v[k];
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
	for (size_t i = 0; i < st->c->lines_n; i++)
		if (word_is(&st->c->line[i], 0, "want") &&
			(word_is(&st->c->line[i], 1, "never") ||
				word_is(&st->c->line[i], 1, "first") ||
				word_is(&st->c->line[i], 1, "once")))
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
			s->flow = word_is(l, 1, "inbound") ? FLOW_INBOUND : FLOW_OUTBOUND;
		else if (word_is(l, 0, "state") && l->n == 2)
			s->state = life_state_parse(l->word[1]);
		else if (((word_is(l, 0, "end") && time_word(l, 1, &at)) ||
				 (word_is(l, 1, "first") && time_word(l, 4, &at))))
			st->end = at > st->end ? at : st->end;
		else if (!word_is(l, 0, "fact") && !word_is(l, 0, "want") &&
			 !word_is(l, 0, "replace"))
			odd_line(st->c, l);
	}
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
			odd_line(st->c, l);
	}
}

void
decision_case(const struct gcase *c)
{
	struct story *st = stdmem_get(sizeof *st);
	struct setting s = { .playbook = "automatic", .flow = FLOW_OUTBOUND, .state = LS_NORMAL };
	struct playbook *pb;

	st->c = c;
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
