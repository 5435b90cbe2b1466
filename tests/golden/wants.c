/* wants.c - what must come of a decision case: the trace and the views against the lines that begin
 * with "want". */
#include "golden/story.h"

#include <stdio.h>
#include <string.h>

enum { SECOND = 1000 };

bool
story_time(const struct cline *l, size_t i, int64_t *ret)
{
	return i < l->n && num_duration(l->word[i], ret);
}

void
story_odd(const struct gcase *c, const struct cline *l)
{
	case_fault(c, l->no, "cannot read this line (\"%s\" ...); see tests/README.md",
		l->n > 0 ? l->word[0] : "|");
}

bool
want_untimed(const struct cline *l)
{
	return word_is(l, 0, "want") &&
	       (word_is(l, 1, "never") || word_is(l, 1, "once") || word_is(l, 1, "first"));
}

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
void
want_ever(const struct story *st, const struct cline *l)
{
	const struct done *x;
	int64_t t = 0;

	if (l->n < 4 || !known(l->word[2], l->word[3])) {
		story_odd(st->c, l);
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
	if (!story_time(l, 4, &t))
		story_odd(st->c, l);
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
		story_odd(st->c, l);
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
		story_odd(st->c, l);
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
		story_odd(st->c, l);
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
		story_odd(st->c, l);
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
		story_odd(st->c, l);
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
void
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
		story_odd(st->c, l);
	}
}
