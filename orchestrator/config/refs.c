/* refs.c - every name that refers to something refers to something that is there. */
#include "config/build.h"

#include "base/text.h"
#include "mail/spf.h"

#include <stdio.h>
#include <string.h>

enum { WORDS_MAX = 256, SUBJECTS_COUNTED = 64 };

/* Names that stand in the file, also of entries that could not be read: what is wrong with those is
 * said at their own place. */
static size_t
written(const struct build *b, const char *section, const char *key, const char **w)
{
	const struct ynode *table = cfg_val(b->top, section)->node, *v;
	size_t n = 0;

	if (table == NULL || table->type != Y_MAP)
		return 0;
	for (const struct ynode *c = table->child; c != NULL && n < WORDS_MAX; c = c->next) {
		if (key == NULL)
			w[n++] = c->key;
		else if ((v = ynode_get(c, key)) != NULL && v->type == Y_SCALAR)
			w[n++] = v->text;
	}
	return n;
}

static size_t
words_of(const struct build *b, const char *section, const char **w)
{
	const struct playbook *pb = &b->pb;
	size_t n = 0;

	if (text_eq(section, "targets") || text_eq(section, "signals"))
		return written(b, section, NULL, w);
	if (text_eq(section, "groups"))
		return written(b, "signals", "group", w);
	if (text_eq(section, "paths"))
		for (size_t i = 0; i < pb->paths_n && n < WORDS_MAX; i++)
			w[n++] = pb->paths[i].name;
	else if (text_eq(section, "diagnoses"))
		for (size_t i = 0; i < pb->diagnoses_n && n < WORDS_MAX; i++)
			w[n++] = pb->diagnoses[i].name;
	else if (text_eq(section, "procedures"))
		for (size_t i = 0; i < pb->procedures_n && n < WORDS_MAX; i++)
			w[n++] = pb->procedures[i].name;
	return n;
}

static bool
named(const struct build *b, const char *section, const char *name)
{
	const char *w[WORDS_MAX];
	size_t n = words_of(b, section, w);

	for (size_t i = 0; i < n; i++)
		if (text_eq(w[i], name))
			return true;
	return false;
}

static void
check_one(struct build *b, const struct schema_row *row, const struct cval *v, const char *path)
{
	const char *w[WORDS_MAX], *near;
	char list[400] = "";
	size_t n = words_of(b, row->words, w);

	if (!v->given || v->s == NULL || named(b, row->words, v->s))
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

	if (path == NULL)
		return; /* no memory: the load fails anyway */
	for (int t = 0; t < CFG_TABLES; t++) {
		for (const struct schema_row *row = c->table[t]; row != NULL && row->key != NULL;
			row++, at++) {
			const struct cval *v = &c->val[at];
			const char *p = arena_fmt(
				b->a, "%s%s%s", path, path[0] != '\0' ? "." : "", row->key);

			if (row->type == V_REF && (row->flags & SR_LIST) == 0)
				check_one(b, row, v, p);
			for (size_t i = 0; row->type == V_REF && i < v->n; i++)
				check_one(
					b, row, &v->items[i], arena_fmt(b->a, "%s.%zu", p, i + 1));
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

/* A response runs what helps against its diagnosis: the same flow, and away from the accused path.
 */
static void
check_responses(struct build *b)
{
	for (size_t i = 0; i < b->pb.responses_n; i++) {
		const struct response *r = &b->pb.responses[i];
		const char *path = arena_fmt(b->a, "responses.%zu.run", i + 1);

		if (r->on == NULL || r->run == NULL)
			continue;
		if ((r->run->kind == PROC_CUTOVER || r->run->flow_given) &&
			r->run->flow != r->on->flow)
			findings_add(b->r.f, FIND_ERROR, b->r.file, r->place, "meaning", path,
				"%s is about the %s flow, %s moves the %s flow", r->on->name,
				flow_name(r->on->flow), r->run->name, flow_name(r->run->flow));
		if (r->run->to != NULL && r->run->to == r->on->path)
			findings_add(b->r.f, FIND_ERROR, b->r.file, r->place, "meaning", path,
				"%s accuses %s, and %s goes to it", r->on->name, r->on->path->name,
				r->run->name);
	}
}

/* A path's terms are single mechanisms; what the whole record says to everybody else is not theirs.
 */
static void
check_spf(struct build *b, const struct path *p, const struct cval *spf)
{
	for (size_t i = 0; i < p->spf_n; i++) {
		const char *path = arena_fmt(b->a, "paths.%s.spf.%zu", p->name, i + 1),
			   *term = p->spf[i], *record = arena_fmt(b->a, "v=spf1 %s", term);
		const char *bare = term + (strchr("+-~?", term[0]) != NULL);
		struct err err = { 0 };

		if (record == NULL)
			return;
		if (strchr(term, ' ') != NULL)
			findings_add(b->r.f, FIND_ERROR, b->r.file, spf->items[i].at, "value", path,
				"\"%s\": one term for each entry of the list", term);
		else if (text_eq_nocase(bare, "all") || strchr("-~?", term[0]) != NULL ||
			 (strchr(bare, '=') != NULL && strchr(bare, ':') == NULL))
			findings_add(b->r.f, FIND_ERROR, b->r.file, spf->items[i].at, "value", path,
				"\"%s\" authorises nobody in particular; want such as "
				"ip4:203.0.113.65 or include:spf.relay.example",
				term);
		else if (spf_check(record, &err) != RC_OK)
			findings_add(b->r.f, FIND_ERROR, b->r.file, spf->items[i].at, "value", path,
				"%s", err.text);
	}
}

static bool
in_zone(const char *domain, const char *zone)
{
	size_t d = strlen(domain), z = strlen(zone);

	return d >= z && text_eq(domain + d - z, zone) && (d == z || domain[d - z - 1] == '.');
}

/* A step at a zone concerns at least one of the domains, or it would change nothing. */
static void
check_zones(struct build *b, const struct procedure *p)
{
	for (size_t i = 0; i < p->steps_n; i++) {
		const struct step *s = &p->steps[i];
		const char *key = s->zone != NULL ? s->zone->info->domain_key : NULL;
		const char *zone = key != NULL ? cfg_str(s->zone->cfg, key) : NULL;
		bool any = zone == NULL || b->pb.domains_n == 0; /* none could be read: said */

		for (size_t d = 0; d < b->pb.domains_n && !any; d++)
			any = in_zone(b->pb.domains[d], zone);
		if (!any)
			findings_add(b->r.f, FIND_ERROR, b->r.file, s->place, "meaning",
				arena_fmt(b->a, "procedures.%s.steps.%zu", p->name, i + 1),
				"none of the domains lies in zone %s of target %s", zone,
				s->zone->name);
	}
}

static bool
among(const char *const *list, size_t n, const char *s)
{
	for (size_t i = 0; i < n; i++)
		if (text_eq(list[i], s))
			return true;
	return false;
}

/* Whose receivers a diagnosis counts: sources of harm of its path and flow, in a group of `must`.
 */
static bool
sees_receivers(const struct signal *s, const struct diagnosis *d)
{
	return s->role == SIG_EVIDENCE && s->harm && s->path == d->path && s->group != NULL &&
	       (!s->flow_given || s->flow == d->flow) && among(d->must, d->must_n, s->group);
}

/* A kind whose answers name receivers of their own (a mailbox of bounces) would have to be left
 * out; a canary knows its seeds' alone. */
static void
check_receivers(struct build *b, const struct diagnosis *d, const struct cfg *c)
{
	const char *class[SUBJECTS_COUNTED];
	size_t n = 0;
	bool any = false; /* a group that sees no harm is told otherwise */

	for (size_t i = 0; i < b->pb.signals_n; i++) {
		const struct signal *s = &b->pb.signals[i];
		bool sees = sees_receivers(s, d);

		any = any || sees;
		for (size_t k = 0; sees && k < s->subjects_n; k++)
			if (n < SUBJECTS_COUNTED && s->subjects[k].class[0] != '\0' &&
				!among(class, n, s->subjects[k].class))
				class[n++] = s->subjects[k].class;
	}
	if (any && (size_t)d->receivers > n && n < SUBJECTS_COUNTED)
		findings_add(b->r.f, FIND_ERROR, b->r.file, cfg_place(c, "receivers"), "meaning",
			arena_fmt(b->a, "diagnoses.%s.receivers", d->name),
			"%d unrelated receivers of the %zu that signals of `must` know: it could "
			"never be met",
			d->receivers, n);
}

static void
check_diagnosis(struct build *b, const struct diagnosis *d, const struct cfg *c)
{
	if ((size_t)d->groups > d->of_n && d->of_n > 0)
		findings_add(b->r.f, FIND_ERROR, b->r.file, cfg_place(c, "groups"), "meaning",
			arena_fmt(b->a, "diagnoses.%s.groups", d->name),
			"%d groups of %zu: it could never be met", d->groups, d->of_n);
	check_receivers(b, d, c);
	for (size_t k = 0; k < d->must_n; k++) {
		bool in = !named(b, "groups", d->must[k]); /* said already */

		for (size_t m = 0; m < d->of_n; m++)
			in = in || text_eq(d->of[m], d->must[k]);
		if (!in)
			findings_add(b->r.f, FIND_ERROR, b->r.file, cfg_val(c, "must")->items[k].at,
				"meaning", arena_fmt(b->a, "diagnoses.%s.must.%zu", d->name, k + 1),
				"%s is not among `of`", d->must[k]);
	}
}

static void
check_to(struct build *b, const struct procedure *p, const struct cfg *c)
{
	if (p->kind == PROC_CUTOVER && p->to != NULL && p->to == b->pb.primary)
		findings_add(b->r.f, FIND_ERROR, b->r.file, cfg_place(c, "to"), "meaning",
			arena_fmt(b->a, "procedures.%s.to", p->name),
			"a cut-over leaves the primary path, it does not go to it");
}

/* The mapping of a name in a table; entries that could not be read are not counted in either. */
static const struct cfg *
named_cfg(const struct cfg *top, const char *table, const char *name)
{
	size_t n = cfg_len(top, table), i = 0;

	while (i + 1 < n && !text_eq(cfg_name_at(top, table, i), name))
		i++;
	return cfg_map_at(top, table, i);
}

static const struct cfg *
path_cfg(const struct cfg *top, size_t i)
{
	return cfg_map_at(top, "paths", i);
}

static void
prefer_once(struct build *b, const struct cfg *top)
{
	const struct playbook *pb = &b->pb;

	for (size_t i = 0; i < pb->paths_n; i++)
		for (size_t k = 0; k < i; k++)
			if (pb->paths[i].prefer == pb->paths[k].prefer)
				findings_add(b->r.f, FIND_ERROR, b->r.file,
					cfg_place(path_cfg(top, i), "prefer"), "meaning",
					arena_fmt(b->a, "paths.%s.prefer", pb->paths[i].name),
					"%d is already that of %s: one path for each rank",
					pb->paths[i].prefer, pb->paths[k].name);
	if (pb->paths_n > 0 && pb->primary == NULL)
		findings_add(b->r.f, FIND_ERROR, b->r.file, cfg_place(top, "paths"), "meaning",
			"paths", "no path has prefer: 1: which is the primary?");
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
			findings_add(b->r.f, FIND_ERROR, b->r.file,
				cfg_place(cfg_map(path_cfg(top, i), "dkim"), "by"), "meaning",
				arena_fmt(b->a, "paths.%s.dkim.by", pb->paths[i].name),
				"\"%s\" is none of the paths", pb->paths[i].dkim.by);
	prefer_once(b, top);
	check_responses(b);
	for (size_t i = 0; i < pb->paths_n; i++)
		check_spf(b, &pb->paths[i], cfg_val(path_cfg(top, i), "spf"));
	for (size_t i = 0; i < pb->procedures_n; i++)
		check_zones(b, &pb->procedures[i]);
	for (size_t i = 0; i < pb->diagnoses_n; i++)
		check_diagnosis(b, &pb->diagnoses[i], cfg_val(top, "diagnoses")->items[i].map);
	for (size_t i = 0; i < pb->procedures_n; i++)
		check_to(b, &pb->procedures[i],
			named_cfg(top, "procedures", pb->procedures[i].name));
}
