/*
 * wrong.c - a playbook case: a good playbook with an edit (or a text of its own), and the findings
 * that must come of it. Errors are compared whole and in order; warnings only those that are named.
 * Each case has a twin, the good playbook, which must show none of them.
 */
#include "golden/casedoc.h"
#include "golden/tables.h"

#include "config/playbook.h"
#include "connector.h"
#include "os/digest.h"
#include "os/stdmem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WANT_MAX = 32 };

struct wanted {
	const struct cline *line;
	enum finding_level level;
	struct place at;
	size_t words; /* first word to look for */
	const char *path;
};

struct wrong {
	const struct gcase *c;
	struct doc doc, twin;
	const char *durations; /* overlay of the wrong one; NULL: none */
	size_t durations_len;
	const struct cline
		*beside; /* conflict FILE "words"... | no-conflict FILE; NULL: not asked */
	bool twin_edited, whole,
		quiet; /* whole: the text is the case's own; quiet: `clean` was said */
	struct wanted want[WANT_MAX];
	size_t want_n;
};

static void
load_base(struct wrong *w, const struct cline *l, const char *name)
{
	size_t n;
	char *text = case_file(w->c, name, &n);

	if (text == NULL) {
		case_fault(w->c, l->no,
			"no playbook %s beside the case or in tests/golden/playbooks", name);
		return;
	}
	w->doc.len = w->twin.len = 0;
	doc_put(&w->doc, text, n);
	doc_put(&w->twin, text, n);
	free(text);
}

static struct place
place_of(const struct doc *d, const char *p)
{
	struct place at = { 1, 1 };

	for (const char *q = d->text; q != NULL && q < p; q++) {
		if (*q == '\n')
			at = (struct place){ at.line + 1, 1 };
		else if (((unsigned char)*q & 0xc0) != 0x80) /* a column is a character */
			at.col++;
	}
	return at;
}

/* Place in words i...: `at "text"` (where that text begins; a "»" in it moves the place there), or
 * LINE:COLUMN. Returns the number of words read. */
static size_t
read_place(struct wrong *w, const struct cline *l, size_t i, struct place *ret)
{
	static const char mark[] = "\xc2\xbb";
	const char *m, *p;
	char text[512];
	size_t before;

	if (!word_is(l, i, "at")) {
		if (i >= l->n || sscanf(l->word[i], "%d:%d", &ret->line, &ret->col) != 2)
			case_fault(w->c, l->no, "want LINE:COLUMN or: at \"text\"");
		return 1;
	}
	if (l->n <= i + 1)
		return 2;
	m = strstr(l->word[i + 1], mark);
	before = m != NULL ? (size_t)(m - l->word[i + 1]) : 0;
	(void)snprintf(text, sizeof text, "%.*s%s", (int)before, l->word[i + 1],
		m != NULL ? m + strlen(mark) : l->word[i + 1]);
	p = doc_find(w->c, l, &w->doc, text, strlen(text));
	if (p != NULL)
		*ret = place_of(&w->doc, p + before);
	return 2;
}

/* error|warning PLACE KEYPATH "words"... */
static void
read_want(struct wrong *w, const struct cline *l)
{
	struct wanted *x = &w->want[w->want_n];
	size_t i;

	if (w->want_n == WANT_MAX) {
		case_fault(w->c, l->no, "too many expectations");
		return;
	}
	*x = (struct wanted){ .line = l,
		.level = word_is(l, 0, "error") ? FIND_ERROR : FIND_WARNING };
	i = 1 + read_place(w, l, 1, &x->at);
	if (l->n < i + 2) {
		case_fault(w->c, l->no, "want: error|warning PLACE KEYPATH \"words\"...");
		return;
	}
	x->path = word_is(l, i, "-") ? "" : l->word[i];
	x->words = i + 1;
	w->want_n++;
}

static void
read_line(struct wrong *w, const struct cline *l)
{
	if (l->raw != NULL) {
		w->whole = true;
		doc_put(&w->doc, l->raw, strlen(l->raw));
		doc_put(&w->doc, "\n", 1);
		return;
	}
	if (word_is(l, 0, "base") && l->n == 2) {
		load_base(w, l, l->word[1]);
	} else if (word_is(l, 0, "error") || word_is(l, 0, "warning")) {
		read_want(w, l);
	} else if ((word_is(l, 0, "conflict") || word_is(l, 0, "no-conflict")) && l->n > 1) {
		w->beside = l;
	} else if (word_is(l, 0, "clean")) {
		w->quiet = true;
	} else if (word_is(l, 0, "durations") && l->n == 2) {
		w->durations = l->word[1];
		w->durations_len = l->len[1];
	} else if (word_is(l, 0, "twin")) {
		if (!w->twin_edited) {
			w->twin.len = 0;
			doc_put(&w->twin, w->doc.text, w->doc.len);
		}
		w->twin_edited = true;
		doc_edit(w->c, l, 1, &w->twin);
	} else {
		doc_edit(w->c, l, 0, &w->doc);
	}
}

static struct playbook *
load(const struct doc *d, const struct wrong *over, struct findings **ret)
{
	const struct playbook_input in = { .file = "playbook.yaml",
		.text = d->text,
		.len = d->len,
		.durations_file = over != NULL && over->durations != NULL ? "durations.yaml" : NULL,
		.durations = over != NULL ? over->durations : NULL,
		.durations_len = over != NULL ? over->durations_len : 0,
		.connectors = registry_infos(),
		.sha256 = digest_sha256 };

	return playbook_load(&stdmem, &in, ret);
}

/* "[spf-first]" is the rule of that name. */
static bool
is_rule(const struct finding *f, const char *w)
{
	size_t n = strlen(f->rule);

	return strncmp(w + 1, f->rule, n) == 0 && strcmp(w + 1 + n, "]") == 0;
}

static bool
matches(const struct wanted *x, const struct finding *f, bool place_too)
{
	if (f->level != x->level || strcmp(f->path, x->path) != 0)
		return false;
	if (place_too && (f->at.line != x->at.line || f->at.col != x->at.col))
		return false;
	for (size_t i = x->words; i < x->line->n; i++) {
		const char *w = x->line->word[i];

		if (w[0] == '[' ? !is_rule(f, w) : !text_has(f->text, w))
			return false;
	}
	return true;
}

static void
show(const struct findings *f, enum finding_level level)
{
	for (size_t i = 0; i < findings_n(f); i++) {
		struct buf b;

		if (findings_at(f, i)->level != level)
			continue;
		buf_init(&b, &stdmem, 8192);
		finding_put(&b, findings_at(f, i));
		printf("       got %s\n", buf_text(&b));
		buf_fini(&b);
	}
}

static const struct wanted *
next_error(const struct wrong *w, size_t *i)
{
	while (*i < w->want_n && w->want[*i].level != FIND_ERROR)
		(*i)++;
	return *i < w->want_n ? &w->want[(*i)++] : NULL;
}

/* All errors, in order, and no other. */
static void
compare_errors(const struct wrong *w, const struct findings *f)
{
	const struct wanted *x;
	size_t at = 0;
	bool bad = false;

	for (size_t i = 0; i < findings_n(f); i++) {
		if (findings_at(f, i)->level != FIND_ERROR)
			continue;
		x = next_error(w, &at);
		if (x != NULL && matches(x, findings_at(f, i), true))
			continue;
		bad = true;
		if (x != NULL)
			case_fault(w->c, x->line->no, "want at %d:%d %s; it is not the next error",
				x->at.line, x->at.col, x->path);
		else
			case_fault(w->c, w->c->no, "an error that nobody expects");
	}
	while ((x = next_error(w, &at)) != NULL) {
		bad = true;
		case_fault(w->c, x->line->no, "want at %d:%d %s; there is no such error",
			x->at.line, x->at.col, x->path);
	}
	if (bad)
		show(f, FIND_ERROR);
}

static void
compare_warnings(const struct wrong *w, const struct findings *f)
{
	for (size_t k = 0; k < w->want_n; k++) {
		const struct wanted *x = &w->want[k];
		bool found = false;

		if (x->level != FIND_WARNING)
			continue;
		for (size_t i = 0; i < findings_n(f); i++)
			found = found || matches(x, findings_at(f, i), true);
		if (found)
			continue;
		case_fault(w->c, x->line->no, "want at %d:%d %s; there is no such warning",
			x->at.line, x->at.col, x->path);
		show(f, FIND_WARNING);
	}
}

/* The good playbook: it loads, and shows nothing of what is expected of the bad one. */
static void
compare_twin(const struct wrong *w)
{
	struct findings *f;
	struct playbook *pb;

	if (w->twin.text == NULL) {
		case_fault(w->c, w->c->no,
			"no twin: give a base, or say what makes it good (twin replace ...)");
		return;
	}
	pb = load(&w->twin, NULL, &f);
	if (pb == NULL) {
		case_fault(w->c, w->c->no, "its twin, the good playbook, is refused");
		show(f, FIND_ERROR);
	}
	for (size_t k = 0; k < w->want_n; k++)
		for (size_t i = 0; i < findings_n(f); i++)
			if (matches(&w->want[k], findings_at(f, i), false))
				case_fault(w->c, w->want[k].line->no, "the twin shows it too");
	playbook_unref(&pb);
	findings_free(&f);
}

/* A second playbook is loaded beside this one: may they share a machine? */
static void
compare_beside(const struct wrong *w, const struct playbook *pb)
{
	const struct cline *l = w->beside;
	struct doc d = { 0 };
	struct err err = { 0 };
	struct findings *f;
	struct playbook *other;
	char *text;
	size_t n = 0;
	bool clash;

	text = case_file(w->c, l->word[1], &n);
	if (text == NULL) {
		case_fault(w->c, l->no, "no playbook %s", l->word[1]);
		return;
	}
	doc_put(&d, text, n);
	free(text);
	other = load(&d, NULL, &f);
	if (other == NULL || pb == NULL) {
		case_fault(w->c, l->no, "one of the two cannot be loaded");
	} else {
		clash = playbooks_conflict(
				(const struct playbook *const[]){ pb, other }, 2, &err) != RC_OK;
		if (clash != word_is(l, 0, "conflict"))
			case_fault(
				w->c, l->no, clash ? "they clash: %s" : "no conflict%s", err.text);
		for (size_t i = 2; clash && i < l->n; i++)
			if (!text_has(err.text, l->word[i]))
				case_fault(w->c, l->no, "it says: %s", err.text);
	}
	playbook_unref(&other);
	findings_free(&f);
	doc_free(&d);
}

void
wrong_case(const struct gcase *c)
{
	struct wrong w = { .c = c };
	struct findings *f;
	struct playbook *pb;

	for (size_t i = 0; i < c->lines_n; i++)
		read_line(&w, &c->line[i]);
	if (w.want_n == 0 && !w.quiet && w.beside == NULL)
		case_fault(c, c->no, "nothing is expected; if nothing is wrong say: clean");
	if (w.doc.text == NULL)
		doc_put(&w.doc, "", 0);
	pb = load(&w.doc, &w, &f);
	compare_errors(&w, f);
	compare_warnings(&w, f);
	if ((pb != NULL) != (findings_errors(f) == 0))
		case_fault(c, c->no, "loaded although there are errors, or not loaded without one");
	if (w.want_n > 0)
		compare_twin(&w);
	if (w.beside != NULL)
		compare_beside(&w, pb);
	playbook_unref(&pb);
	findings_free(&f);
	doc_free(&w.doc);
	doc_free(&w.twin);
}
