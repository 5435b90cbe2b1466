/* refs.c - every name that refers to something refers to something that is there. */
#include "config/build.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { WORDS_MAX = 256 };

static size_t
words_of(const struct build *b, const char *section, const char **w)
{
	const struct playbook *pb = &b->pb;
	size_t n = 0;

	if (text_eq(section, "targets"))
		for (size_t i = 0; i < pb->targets_n && n < WORDS_MAX; i++)
			w[n++] = pb->targets[i].name;
	else if (text_eq(section, "paths"))
		for (size_t i = 0; i < pb->paths_n && n < WORDS_MAX; i++)
			w[n++] = pb->paths[i].name;
	else if (text_eq(section, "signals"))
		for (size_t i = 0; i < pb->signals_n && n < WORDS_MAX; i++)
			w[n++] = pb->signals[i].name;
	else if (text_eq(section, "diagnoses"))
		for (size_t i = 0; i < pb->diagnoses_n && n < WORDS_MAX; i++)
			w[n++] = pb->diagnoses[i].name;
	else if (text_eq(section, "procedures"))
		for (size_t i = 0; i < pb->procedures_n && n < WORDS_MAX; i++)
			w[n++] = pb->procedures[i].name;
	else if (text_eq(section, "groups"))
		for (size_t i = 0; i < pb->signals_n && n < WORDS_MAX; i++)
			if (pb->signals[i].group != NULL)
				w[n++] = pb->signals[i].group;
	return n;
}

static void
check_one(struct build *b, const struct schema_row *row, const struct cval *v, const char *path)
{
	const char *w[WORDS_MAX], *near;
	char list[400] = "";
	size_t n = words_of(b, row->words, w);

	if (!v->given || v->s == NULL)
		return;
	for (size_t i = 0; i < n; i++)
		if (text_eq(w[i], v->s))
			return;
	for (size_t i = 0; i < n && strlen(list) < 300; i++)
		if (i == 0 || !text_eq(w[i], w[i - 1]))
			(void)snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s",
				i > 0 ? ", " : "", w[i]);
	near = text_nearest(v->s, w, n);
	findings_add(b->r.f, FIND_ERROR, b->r.file, v->at, "meaning", path,
		"\"%s\" is none of the %s%s%s%s; there are: %s", v->s, row->words,
		near != NULL ? "; did you mean " : "", near != NULL ? near : "",
		near != NULL ? "?" : "", n > 0 ? list : "none");
}

void
ref_check(struct build *b, const struct cfg *c, const char *path)
{
	size_t at = 0;

	for (int t = 0; t < CFG_TABLES; t++) {
		for (const struct schema_row *row = c->table[t]; row != NULL && row->key != NULL;
			row++, at++) {
			const struct cval *v = &c->val[at];
			const char *p = arena_fmt(
				b->a, "%s%s%s", path, path[0] != '\0' ? "." : "", row->key);

			if (row->type == V_REF && (row->flags & SR_LIST) == 0)
				check_one(b, row, v, p);
			for (size_t i = 0; row->type == V_REF && i < v->n; i++)
				check_one(b, row, &v->items[i], p);
			if (v->map != NULL)
				ref_check(b, v->map, p);
			for (size_t i = 0; i < v->n; i++)
				if (v->items[i].map != NULL)
					ref_check(b, v->items[i].map,
						v->items[i].name != NULL
							? arena_fmt(b->a, "%s.%s", p,
								  v->items[i].name)
							: arena_fmt(b->a, "%s.%zu", p, i + 1));
		}
	}
}

static void
prefer_once(struct build *b)
{
	const struct playbook *pb = &b->pb;

	for (size_t i = 0; i < pb->paths_n; i++)
		for (size_t k = 0; k < i; k++)
			if (pb->paths[i].prefer == pb->paths[k].prefer)
				findings_add(b->r.f, FIND_ERROR, b->r.file, pb->paths[i].at,
					"meaning", "paths", "%s and %s have the same `prefer`",
					pb->paths[k].name, pb->paths[i].name);
	if (pb->paths_n > 0 && pb->primary == NULL)
		findings_add(b->r.f, FIND_ERROR, b->r.file, pb->paths[0].at, "meaning", "paths",
			"no path has prefer: 1: which is the primary?");
}

void
build_refs(struct build *b, const struct cfg *top)
{
	const struct playbook *pb = &b->pb;

	ref_check(b, top, "");
	for (size_t i = 0; i < pb->signals_n; i++)
		ref_check(
			b, pb->signals[i].cfg, arena_fmt(b->a, "signals.%s", pb->signals[i].name));
	for (size_t i = 0; i < pb->targets_n; i++)
		ref_check(
			b, pb->targets[i].cfg, arena_fmt(b->a, "targets.%s", pb->targets[i].name));
	for (size_t i = 0; i < pb->paths_n; i++)
		if (pb->paths[i].dkim.by != NULL && playbook_path(pb, pb->paths[i].dkim.by) == NULL)
			findings_add(b->r.f, FIND_ERROR, b->r.file, pb->paths[i].at, "meaning",
				arena_fmt(b->a, "paths.%s.dkim.by", pb->paths[i].name),
				"\"%s\" is none of the paths", pb->paths[i].dkim.by);
	prefer_once(b);
	for (size_t i = 0; i < pb->diagnoses_n; i++) {
		const struct diagnosis *d = &pb->diagnoses[i];

		if ((size_t)d->groups > d->of_n && d->of_n > 0)
			findings_add(b->r.f, FIND_ERROR, b->r.file, d->at, "meaning",
				arena_fmt(b->a, "diagnoses.%s.groups", d->name),
				"%d groups of %zu: it could never be met", d->groups, d->of_n);
		for (size_t k = 0; k < d->must_n; k++) {
			bool in = false;

			for (size_t m = 0; m < d->of_n; m++)
				in = in || text_eq(d->of[m], d->must[k]);
			if (!in)
				findings_add(b->r.f, FIND_ERROR, b->r.file, d->at, "meaning",
					arena_fmt(b->a, "diagnoses.%s.must", d->name),
					"%s is not among `of`", d->must[k]);
		}
	}
	for (size_t i = 0; i < pb->procedures_n; i++)
		if (pb->procedures[i].kind == PROC_CUTOVER && pb->procedures[i].to != NULL &&
			pb->procedures[i].to == pb->primary)
			findings_add(b->r.f, FIND_ERROR, b->r.file, pb->procedures[i].at, "meaning",
				arena_fmt(b->a, "procedures.%s.to", pb->procedures[i].name),
				"a cut-over leaves the primary path, it does not go to it");
}
