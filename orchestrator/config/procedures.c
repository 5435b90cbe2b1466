/* procedures.c - procedures with their steps and failback, and the weekly windows. */
#include "config/build.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { SHELTER_MS = 4 * 3600 * 1000 };

/* The one key of a step that is neither of the common rows; said when there is none or more than
 * one. */
static const struct ynode *
kind_key(struct build *b, const struct ynode *n, const char *path)
{
	const struct ynode *kind = NULL;
	const char *names[64], *near;
	size_t k = 0;

	for (const struct ynode *c = n->child; c != NULL; c = c->next) {
		bool common = false;

		for (const struct schema_row *r = rows_step; r->key != NULL && !common; r++)
			common = text_eq(r->key, c->key);
		if (common)
			continue;
		if (kind != NULL) {
			findings_add(b->r.f, FIND_ERROR, b->r.file, c->key_at, "shape", path,
				"a step does one thing: %s or %s?", kind->key, c->key);
			return NULL;
		}
		kind = c;
	}
	for (const struct step_row *s = rows_steps; s->kind != NULL && k < 64; s++)
		names[k++] = s->kind;
	if (kind == NULL) {
		reader_error(&b->r, n, "shape", path,
			"the step says not what to do, e.g. wait.time: {for: 5m}");
		return NULL;
	}
	for (const char *const *w = rows_steps_unbuilt; *w != NULL; w++) {
		if (!text_eq(*w, kind->key))
			continue;
		findings_add(b->r.f, FIND_ERROR, b->r.file, kind->key_at, "unbuilt", path,
			"%s is known, but not built yet", kind->key);
		return NULL;
	}
	if (rows_step_find(kind->key) != NULL)
		return kind;
	near = text_nearest(kind->key, names, k);
	findings_add(b->r.f, FIND_ERROR, b->r.file, kind->key_at, "shape", path,
		"no step does \"%s\"%s%s%s", kind->key,
		near != NULL ? "; did you mean " : "; see docs/PLAYBOOK.md",
		near != NULL ? near : "", near != NULL ? "?" : "");
	return NULL;
}

/* A target of the playbook with one of the capabilities. */
static const struct target *
target_of(struct build *b, const char *name, unsigned caps, struct place at, const char *path,
	const char *kind)
{
	const struct target *t = name != NULL ? playbook_target(&b->pb, name) : NULL;

	if (t != NULL && (t->info->caps & caps) == 0) {
		findings_add(b->r.f, FIND_ERROR, b->r.file, at, "meaning", path,
			"%s (connector %s) cannot do %s", name, t->info->name, kind);
		return NULL;
	}
	return t; /* one that is not there is said by build_refs */
}

static void
step_args(struct build *b, struct step *s, const struct step_row *row, const struct ynode *n,
	const char *path)
{
	const struct schema_row *table = rows_step_args(row->args);
	const char *at = arena_fmt(b->a, "%s.%s", path, row->kind);
	struct cfg *c = cfg_read(&b->r, n, table, NULL, at != NULL ? at : path);

	if (c == NULL)
		return;
	if ((row->args & ARG_ZONE) != 0)
		s->zone = target_of(b, cfg_str(c, "zone"), row->caps, cfg_place(c, "zone"),
			arena_fmt(b->a, "%s.zone", at), row->kind);
	if ((row->args & MUST_ZONE) != 0 && !cfg_has(c, "zone"))
		reader_error(&b->r, n, "shape", at, "\"zone\" is missing: which target?");
	for (size_t i = 0;
		(row->args & ARG_AT) != 0 && i < cfg_len(c, "at") && s->at_n < STEP_AT_MAX; i++) {
		s->at[s->at_n] = target_of(b, cfg_str_at(c, "at", i), row->caps,
			cfg_val(c, "at")->items[i].at, arena_fmt(b->a, "%s.at.%zu", at, i + 1),
			row->kind);
		s->at_n += s->at[s->at_n] != NULL;
	}
	if ((row->args & MUST_AT) != 0 && cfg_len(c, "at") == 0)
		reader_error(&b->r, n, "shape", at, "\"at\" is missing: at which targets?");
	if ((row->args & ARG_AT) != 0 && cfg_len(c, "at") > STEP_AT_MAX)
		reader_error(&b->r, n, "value", at, "at most %d targets", STEP_AT_MAX);
	if ((row->args & ARG_THROUGH) != 0 && cfg_has(c, "through"))
		s->through = playbook_path(&b->pb, cfg_str(c, "through"));
	if ((row->args & ARG_AS) != 0)
		s->as_production = cfg_has(c, "as");
	if ((row->args & ARG_RECEIVERS) != 0 && cfg_has(c, "receivers")) {
		s->receivers = (int)cfg_int(c, "receivers");
		s->receivers_at = cfg_place(c, "receivers");
	}
	if ((row->args & ARG_FOR) != 0)
		s->duration_ms = cfg_int(c, "for");
	if ((row->args & MUST_FOR) != 0 && !cfg_has(c, "for"))
		reader_error(&b->r, n, "shape", at, "\"for\" is missing: how long?");
	if ((row->args & ARG_RATE) != 0) {
		s->rate = cfg_rate(c, "rate");
		s->per_receiver = cfg_rate(c, "per_receiver");
	}
	ref_check(b, c, at);
}

static void
step_needs(struct build *b, struct step *s, const struct cfg *c, size_t number, size_t count,
	const char *path)
{
	size_t n = cfg_len(c, "needs");
	const char **needs = arena_get(b->a, (n + 1) * sizeof *needs);

	if (needs == NULL)
		return;
	s->needs = needs;
	if (!cfg_has(c, "needs")) {
		if (number > 1)
			needs[s->needs_n++] = arena_fmt(b->a, "%zu", number - 1);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		int64_t want = cfg_int_at(c, "needs", i);

		if (want < 1 || (size_t)want >= number)
			findings_add(b->r.f, FIND_ERROR, b->r.file, cfg_place(c, "needs"),
				"meaning", path,
				"step %zu of %zu cannot need step %lld: only those before it",
				number, count, (long long)want);
		else
			needs[s->needs_n++] = arena_fmt(b->a, "%lld", (long long)want);
	}
}

/* The common keys are read from a copy without the kind's key. */
static struct cfg *
common_keys(struct build *b, const struct ynode *n, const struct ynode *kind, const char *path)
{
	struct ynode *copy = arena_get(b->a, sizeof *copy), **end;

	if (copy == NULL)
		return NULL;
	*copy = *n;
	copy->child = NULL;
	end = &copy->child;
	for (const struct ynode *c = n->child; c != NULL; c = c->next) {
		if (c == kind || (kind == NULL && rows_step_find(c->key) != NULL))
			continue;
		*end = arena_get(b->a, sizeof **end);
		if (*end == NULL)
			return NULL;
		**end = *c;
		(*end)->next = NULL;
		end = &(*end)->next;
	}
	return cfg_read(&b->r, copy, rows_step, NULL, path);
}

static bool
build_step(struct build *b, struct procedure *p, struct step *s, const struct ynode *n,
	size_t number, size_t count, const char *path)
{
	const struct step_row *row;
	const struct ynode *kind;
	struct cfg *c;

	if (n->type != Y_MAP) {
		reader_error(&b->r, n, "shape", path, "want a mapping: {name: ..., KIND: {...}}");
		return false;
	}
	kind = kind_key(b, n, path);
	if (kind == NULL)
		return false;
	row = rows_step_find(kind->key);
	c = common_keys(b, n, kind, path);
	if (c == NULL)
		return false;
	s->name = cfg_str(c, "name");
	s->kind = row->kind;
	s->id = arena_fmt(b->a, "%zu", number);
	s->place = n->at;
	s->pivot = cfg_int(c, "pivot") != 0;
	s->deadline_ms = cfg_has(c, "deadline") ? cfg_int(c, "deadline") : row->deadline_ms;
	s->retries = (int)cfg_int(c, "retries");
	s->through = p->to;
	step_needs(b, s, c, number, count, path);
	step_args(b, s, row, kind, path);
	if (s->pivot && !row->may_pivot && p->kind == PROC_CUTOVER)
		findings_add(b->r.f, FIND_ERROR, b->r.file, cfg_place(c, "pivot"), "meaning", path,
			"%s moves no mail: it cannot be the pivot", row->kind);
	for (const struct step *o = p->steps; o < s; o++)
		if (text_eq(o->name, s->name) && s->name != NULL)
			findings_add(b->r.f, FIND_ERROR, b->r.file, cfg_place(c, "name"), "meaning",
				path, "step %s has the same name", o->id);
	return true;
}

static void
build_steps(struct build *b, struct procedure *p, const struct ynode *n, const char *path)
{
	struct step *s;
	size_t i = 0, pivots = 0;

	if (n == NULL)
		return;
	if (n->type != Y_SEQ || n->n == 0) {
		reader_error(&b->r, n, "shape", path, "want a list of steps, at least one");
		return;
	}
	s = arena_get(b->a, (n->n + 1) * sizeof *s);
	p->steps = s;
	for (const struct ynode *c = n->child; s != NULL && c != NULL; c = c->next) {
		const char *at = arena_fmt(b->a, "%s.%zu", path, ++i);

		if (!build_step(b, p, s, c, i, n->n, at != NULL ? at : path))
			continue;
		pivots += s->pivot;
		if (s->pivot && pivots > 1)
			reader_error(&b->r, c, "meaning", at,
				"a second pivot: there is one moment from which abort is failback");
		if (s->pivot && p->kind == PROC_SHELTER)
			reader_error(&b->r, c, "meaning", at,
				"a shelter has no pivot: it moves no mail");
		s++;
		p->steps_n++;
	}
}

static void
order_wrong(struct build *b, const struct cfg *c, const char *path, size_t i, const char *rule,
	const char *text)
{
	findings_add(b->r.f, FIND_ERROR, b->r.file, cfg_val(c, "order")->items[i].at, rule,
		arena_fmt(b->a, "%s.%zu", path, i + 1), "%s%s", cfg_str_at(c, "order", i), text);
}

static void
build_order(struct build *b, struct procedure *p, const struct cfg *c, const char *path)
{
	size_t n = cfg_len(c, "order");
	int64_t *bp = arena_get(b->a, (n + 2) * sizeof *bp), last = -1;

	p->failback.order_bp = bp;
	for (size_t i = 0; bp != NULL && i < n; i++) {
		const char *s = cfg_str_at(c, "order", i);
		int64_t v = 0;

		if (!text_eq(s, "canaries") && !num_percent(s, &v)) {
			order_wrong(b, c, path, i, "value",
				" is no share; want canaries or a share such as 25%");
			return;
		}
		if (v % 500 != 0)
			order_wrong(b, c, path, i, "value", ": shares go in steps of 5%");
		if (v <= last)
			order_wrong(b, c, path, i, "meaning",
				" does not rise: shares on the primary grow from step to step");
		last = v;
		bp[p->failback.order_n++] = v;
	}
	if (bp != NULL && n == 0)
		bp[p->failback.order_n++] = 10000;
	else if (bp != NULL && last != 10000)
		order_wrong(b, c, path, n - 1, "meaning",
			": the last share is 100%, or the mail is never all back");
}

static void
build_failback(struct build *b, struct procedure *p, const struct cfg *c, const char *path)
{
	static const int64_t all[] = { 10000 };

	p->failback.mode = MODE_APPROVE;
	p->failback.soak_ms = 6 * 3600 * 1000;
	p->failback.stage_ms = 15 * 60 * 1000;
	p->failback.order_bp = all;
	p->failback.order_n = 1;
	p->failback.require_primary_ready = true;
	if (c == NULL)
		return;
	p->failback.order_n = 0;
	p->failback.mode = cfg_int(c, "mode") == 1 ? MODE_AUTOMATIC : MODE_APPROVE;
	p->failback.soak_ms = cfg_int(c, "soak");
	p->failback.stage_ms = cfg_int(c, "stage");
	p->failback.require_primary_ready = false;
	build_order(b, p, c, arena_fmt(b->a, "%s.order", path));
	for (size_t i = 0; i < cfg_len(c, "require"); i++) {
		if (cfg_int_at(c, "require", i) == 0)
			p->failback.require_queues_drained = true;
		else
			p->failback.require_primary_ready = true;
	}
}

void
build_procedures(struct build *b, const struct cfg *top)
{
	const struct cval *v = cfg_val(top, "procedures");
	struct procedure *p = arena_get(b->a, (v->n + 1) * sizeof *p);

	b->pb.procedures = p;
	b->pb.procedures_n = p != NULL ? v->n : 0;
	for (size_t i = 0; i < b->pb.procedures_n; i++, p++) {
		const struct cfg *c = v->items[i].map;
		const char *path = arena_fmt(b->a, "procedures.%s", v->items[i].name),
			   *to = cfg_str(c, "to");

		p->name = v->items[i].name;
		p->at = v->items[i].at;
		p->kind = cfg_int(c, "kind") == 1 ? PROC_SHELTER : PROC_CUTOVER;
		p->flow_given = cfg_has(c, "flow");
		p->flow = (enum flow)cfg_int(c, "flow");
		p->to = to != NULL ? playbook_path(&b->pb, to) : NULL;
		p->expires_ms = cfg_has(c, "expires") ? cfg_int(c, "expires") : SHELTER_MS;
		if (p->kind == PROC_CUTOVER && !p->flow_given)
			findings_add(b->r.f, FIND_ERROR, b->r.file, p->at, "meaning", path,
				"\"flow\" is missing: outbound or inbound?");
		if (p->kind == PROC_CUTOVER && to == NULL)
			findings_add(b->r.f, FIND_ERROR, b->r.file, p->at, "meaning", path,
				"\"to\" is missing: to which path?");
		if (p->kind == PROC_SHELTER && (to != NULL || cfg_map(c, "failback") != NULL))
			findings_add(b->r.f, FIND_ERROR, b->r.file, p->at, "meaning", path,
				"a shelter goes to no path and has no failback");
		for (const struct procedure *o = b->pb.procedures; p->kind == PROC_CUTOVER && o < p;
			o++)
			if (o->kind == PROC_CUTOVER && o->flow == p->flow)
				findings_add(b->r.f, FIND_ERROR, b->r.file, p->at, "meaning", path,
					"%s is already the cut-over of the %s flow", o->name,
					flow_name(p->flow));
		if (p->kind == PROC_CUTOVER)
			build_failback(
				b, p, cfg_map(c, "failback"), arena_fmt(b->a, "%s.failback", path));
		build_steps(b, p, cfg_val(c, "steps")->node, arena_fmt(b->a, "%s.steps", path));
	}
}

/* --- windows: "Fri 18:00 - Mon 06:00 Europe/Berlin" --- */

static const char *
one_end(const char *s, int *day, int *min)
{
	static const char days[] = "MonTueWedThuFriSatSun";
	int h, m;

	for (*day = 0; *day < 7 && strncmp(s, days + 3 * *day, 3) != 0; (*day)++)
		continue;
	if (*day == 7 || s[3] != ' ' || strlen(s) < 9)
		return NULL;
	s += 4;
	for (int i = 0; i < 5; i++)
		if (i == 2 ? s[i] != ':' : s[i] < '0' || s[i] > '9')
			return NULL;
	h = (s[0] - '0') * 10 + s[1] - '0';
	m = (s[3] - '0') * 10 + s[4] - '0';
	*min = h * 60 + m;
	return h < 24 && m < 60 ? s + 5 : NULL;
}

static bool
window_ok(struct build *b, const char *s, struct window *w)
{
	const char *rest = one_end(s, &w->from_day, &w->from_min);

	if (rest == NULL || strncmp(rest, " - ", 3) != 0)
		return false;
	rest = one_end(rest + 3, &w->to_day, &w->to_min);
	if (rest == NULL || rest[0] != ' ' || rest[1] == '\0')
		return false;
	w->zone = arena_str(b->a, rest + 1);
	for (const char *p = rest + 1; *p != '\0'; p++)
		if (!((*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') ||
			    (*p >= '0' && *p <= '9') || strchr("/_+-", *p) != NULL))
			return false;
	return w->from_day != w->to_day || w->from_min != w->to_min;
}

static const struct window *
windows(struct build *b, const struct cfg *c, const char *key, size_t *ret_n)
{
	size_t n = cfg_len(c, key);
	struct window *w = arena_get(b->a, (n + 1) * sizeof *w);

	*ret_n = 0;
	for (size_t i = 0; w != NULL && i < n; i++) {
		const char *s = cfg_str_at(c, key, i);

		if (s != NULL && window_ok(b, s, &w[*ret_n])) {
			struct err err = { 0 };

			if (b->in->zone != NULL &&
				b->in->zone(b->in->ctx, w[*ret_n].zone, &err) != RC_OK)
				findings_add(b->r.f, FIND_ERROR, b->r.file,
					cfg_val(c, key)->items[i].at, "value",
					arena_fmt(b->a, "limits.blackout.%s.%zu", key, i + 1),
					"\"%s\" is no time zone%s", w[*ret_n].zone, err.text);
			(*ret_n)++;
		} else
			findings_add(b->r.f, FIND_ERROR, b->r.file, cfg_val(c, key)->items[i].at,
				"value", arena_fmt(b->a, "limits.blackout.%s.%zu", key, i + 1),
				"\"%s\" is no window; want such as \"Fri 18:00 - Mon 06:00 "
				"Europe/Berlin\"",
				s != NULL ? s : "");
	}
	return w;
}

void
build_windows(struct build *b, const struct cfg *c)
{
	if (c == NULL)
		return;
	b->pb.limits.no_drills = windows(b, c, "drills", &b->pb.limits.no_drills_n);
	b->pb.limits.no_failbacks = windows(b, c, "failback", &b->pb.limits.no_failbacks_n);
	b->pb.limits.no_cutovers = windows(b, c, "cutover", &b->pb.limits.no_cutovers_n);
}
