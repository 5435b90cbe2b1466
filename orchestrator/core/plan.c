/* plan.c - what to read for a plan, the plan's canonical JSON and hash, and a plan from its record.
 */
#include "core/plan.h"

#include "base/text.h"
#include "core/planning.h"
#include "base/planted.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { JSON_MAX = 200 * 1024 };

const struct step_kind *
step_kind_at(size_t i)
{
	static const struct step_kind kinds[] = {
#define STEP(k, args, cls, c, comp, pivot, ms, d)                                                  \
	{ .kind = k,                                                                               \
		.class = STEP_##cls,                                                               \
		.caps = (c),                                                                       \
		.compensable = (comp),                                                             \
		.may_pivot = (pivot),                                                              \
		.deadline_ms = (ms),                                                               \
		.doc = d },
#include "config/steps.def"
#undef STEP
	};

	return i < sizeof kinds / sizeof *kinds ? &kinds[i] : NULL;
}

const char *
plan_direction_name(enum plan_direction d)
{
	return d == PLAN_OUT ? "out" : d == PLAN_BACK ? "back" : "eject";
}

const struct step_kind *
step_kind_find(const char *kind)
{
	/* Of no playbook's: only a plan that takes ferryman out has it. */
	static const struct step_kind remove = { .kind = "fence.remove",
		.class = STEP_STATE,
		.deadline_ms = 60000,
		.doc = "ferryman's own number is taken out of a target." };
	const struct step_kind *k;

	if (text_eq(kind, remove.kind))
		return &remove;

	for (size_t i = 0; (k = step_kind_at(i)) != NULL; i++)
		if (text_eq(k->kind, kind))
			return k;
	return NULL;
}

const char *
planning_resource(struct arena *a, const char *what, const struct target *t, const char *domain)
{
	if (text_eq(what, "tenant.connector"))
		return arena_fmt(a, "tenant.connector %s", cfg_str(t->cfg, "connector_name"));
	if (text_eq(what, "MX") || text_eq(what, "TXT"))
		return arena_fmt(a, "dns.rrset %s %s", domain, what);
	return arena_fmt(a, "%s %s", what, domain);
}

const char *
planning_switch(struct arena *a, const struct target *t, const char *domain)
{
	return planning_resource(a,
		(t->info->caps & CAP_TENANT_CONNECTOR) != 0 ? "tenant.connector" : "relay.route", t,
		domain);
}

/* The domain is the zone's apex or below it. */
bool
planning_in_zone(const struct target *zone, const char *domain)
{
	const char *apex = cfg_str(zone->cfg, zone->info->domain_key);
	size_t n = strlen(apex), m = strlen(domain);

	return text_eq(apex, domain) ||
	       (m > n && domain[m - n - 1] == '.' && text_eq(domain + m - n, apex));
}

const struct path *
plan_leaves(const struct plan *p)
{
	return p->dir == PLAN_BACK ? p->proc->to : p->dir == PLAN_OUT ? p->pb->primary : NULL;
}

struct reads {
	struct arena *a;
	struct plan_read r[PLAN_VALUES_MAX];
	size_t n;
};

static void
want_read(struct reads *r, const struct target *t, const char *resource)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->r[i].target == t && text_eq(r->r[i].resource, resource))
			return;
	if (r->n < PLAN_VALUES_MAX)
		r->r[r->n++] = (struct plan_read){ t, resource };
}

static void
reads_of(struct reads *r, const struct playbook *pb, const struct step *s, bool back)
{
	for (size_t d = 0; d < pb->domains_n; d++) {
		const char *domain = pb->domains[d];

		if (s->zone != NULL && planning_in_zone(s->zone, domain)) {
			if (text_starts(s->kind, "spf.") && !back)
				want_read(r, s->zone,
					planning_resource(r->a, "TXT", s->zone, domain));
			if (text_eq(s->kind, "mx.switch"))
				want_read(
					r, s->zone, planning_resource(r->a, "MX", s->zone, domain));
		}
		for (size_t i = 0; i < s->at_n; i++) {
			if (text_eq(s->kind, "outbound.switch"))
				want_read(r, s->at[i], planning_switch(r->a, s->at[i], domain));
			if (text_eq(s->kind, "mail.park") && !back)
				want_read(r, s->at[i],
					planning_resource(r->a, "relay.park", s->at[i], domain));
		}
	}
}

size_t
plan_reads(struct arena *a, const struct playbook *pb, const struct procedure *proc,
	enum plan_direction dir, const struct plan_read **ret)
{
	struct reads r = { .a = a };
	struct plan_read *out;

	for (size_t i = 0; i < proc->steps_n; i++)
		reads_of(&r, pb, &proc->steps[i], dir == PLAN_BACK);
	out = arena_get(a, (r.n + 1) * sizeof *out);
	if (out == NULL)
		return 0;
	memcpy(out, r.r, r.n * sizeof *out);
	*ret = out;
	return r.n;
}

size_t
plan_eject_reads(struct arena *a, const struct playbook *pb, const struct plan_read **ret)
{
	struct reads r = { .a = a };
	struct plan_read *out;
	size_t values;

	for (size_t i = 0; i < pb->procedures_n; i++)
		for (size_t k = 0; k < pb->procedures[i].steps_n; k++)
			reads_of(&r, pb, &pb->procedures[i].steps[k], false);
	values = r.n;
	for (size_t i = 0; i < values; i++)
		if (r.r[i].target->info->fence == FENCE_F)
			want_read(&r, r.r[i].target, FENCE_MARKER);
	out = arena_get(a, (r.n + 1) * sizeof *out);
	if (out == NULL)
		return 0;
	memcpy(out, r.r, r.n * sizeof *out);
	*ret = out;
	return r.n;
}

enum rc
planning_said(struct planning *p)
{
	return p->err->rc != RC_OK ? p->err->rc : err_set(p->err, RC_NOMEM, "out of memory");
}

const char *
planning_key(const struct target *t, const char *key)
{
	return cfg_row(t->cfg, key) != NULL ? cfg_str(t->cfg, key) : NULL;
}

const char *
planning_value(struct planning *p, const struct target *t, const char *resource)
{
	for (size_t i = 0; i < p->values_n; i++) {
		const struct plan_value *v = &p->value[i];

		if (!text_eq(v->target, t->name) || !text_eq(v->resource, resource))
			continue;
		if (!v->known) {
			(void)err_set(p->err, RC_CONFLICT, "%s at %s cannot be read: %s", resource,
				t->name, v->why != NULL ? v->why : "no answer");
			return NULL;
		}
		return v->value;
	}
	(void)err_set(p->err, RC_INVALID, "%s at %s was not read", resource, t->name);
	return NULL;
}

void
planning_set(struct planning *p, const struct target *t, const char *resource, const char *value)
{
	for (size_t i = 0; i < p->values_n; i++)
		if (text_eq(p->value[i].target, t->name) && text_eq(p->value[i].resource, resource))
			p->value[i].value = value;
}

struct plan_step *
planning_step(struct planning *p, const char *kind, const char *id, const char *name)
{
	struct plan_step *s;

	if (p->steps_n == PLAN_STEPS_MAX) {
		(void)err_set(p->err, RC_LIMIT, "the plan has more than %d steps", PLAN_STEPS_MAX);
		return NULL;
	}
	s = &p->step[p->steps_n++];
	memset(s, 0, sizeof *s);
	s->kind = step_kind_find(kind);
	s->id = id;
	s->name = name;
	s->base = s->want = s->undo = s->options = "";
	s->deadline_ms = s->kind->deadline_ms;
	s->retries = 3;
	return s;
}

void
planning_note(struct planning *p, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (p->notes_n < PLAN_NOTES_MAX)
		p->note[p->notes_n++] = arena_str(p->a, text);
}

/* --- canonical JSON --- */

static void
put_step(struct jw *w, const struct plan_step *s)
{
	jw_open(w, NULL, '{');
	jw_str(w, "id", s->id);
	jw_str(w, "name", s->name);
	jw_open(w, "needs", '[');
	for (size_t i = 0; i < s->needs_n; i++)
		jw_str(w, NULL, s->needs[i]);
	jw_close(w, ']');
	jw_str(w, "kind", s->kind->kind);
	if (s->target != NULL) {
		jw_str(w, "target", s->target->name);
		jw_str(w, "connector", s->target->info->name);
		jw_str(w, "domain", s->target->fence_domain);
		jw_str(w, "resource", s->resource);
		jw_str(w, "base", s->base);
		jw_str(w, "want", s->want);
		jw_str(w, "undo", s->undo);
		jw_str(w, "options", s->options);
	}
	if (s->through != NULL)
		jw_str(w, "through", s->through->name);
	jw_bool(w, "production", s->production);
	if (s->receivers > 0)
		jw_int(w, "receivers", s->receivers);
	jw_bool(w, "pivot", s->pivot);
	jw_int(w, "wait", s->wait_ms);
	jw_int(w, "deadline", s->deadline_ms);
	jw_int(w, "retries", s->retries);
	jw_close(w, '}');
}

void
plan_json(const struct plan *p, const char *store, const char *const *overrides, size_t overrides_n,
	struct buf *b)
{
	struct jw w;

	jw_init(&w, b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "store", store);
	jw_str(&w, "playbook", p->pb->sha256);
	jw_str(&w, "procedure", p->proc->name);
	jw_str(&w, "flow", flow_name(p->proc->flow));
	jw_str(&w, "direction", plan_direction_name(p->dir));
	jw_open(&w, "overrides", '[');
	for (size_t i = 0; i < overrides_n; i++)
		jw_str(&w, NULL, overrides[i]);
	jw_close(&w, ']');
	jw_open(&w, "steps", '[');
	for (size_t i = 0; i < p->steps_n; i++)
		put_step(&w, &p->steps[i]);
	jw_close(&w, ']');
	jw_close(&w, '}');
}

int64_t
plan_effect_ms(const struct plan_step *p)
{
	int64_t ms = p->deadline_ms / 6;

	if (p->target->info->fence == FENCE_F)
		return p->deadline_ms < EFFECT_MS ? p->deadline_ms : EFFECT_MS;
	if (ms < U_EFFECT_MIN_MS)
		return U_EFFECT_MIN_MS;
	return ms < U_EFFECT_MAX_MS ? ms : U_EFFECT_MAX_MS;
}

/* Two changes at a target of class U: the second waits until the first can land no more
 * (reliability.md section 5, rule 15). What the plan waits between them anyway counts towards it.
 */
static void
count_drains(struct planning *p)
{
	for (size_t i = 0; i < p->steps_n; i++) {
		const struct plan_step *s = &p->step[i];
		int64_t between = 0, span;

		if (s->target == NULL || s->target->info->fence != FENCE_U ||
			text_eq(s->base, s->want))
			continue;
		for (size_t k = i; k-- > 0;) {
			const struct plan_step *before = &p->step[k];

			if (before->target != s->target || text_eq(before->base, before->want)) {
				between += before->wait_ms;
				continue;
			}
			span = plan_effect_ms(before) + s->target->info->drain_ms;
			p->expect_ms += span > between ? span - between : 0;
			break;
		}
	}
}

static const struct plan *
finish(struct planning *p)
{
	struct plan *out = arena_get(p->a, sizeof *out);
	struct plan_step *steps = arena_get(p->a, (p->steps_n + 1) * sizeof *steps);
	const char **notes = arena_get(p->a, (p->notes_n + 1) * sizeof *notes);

	if (out == NULL || steps == NULL || notes == NULL)
		return NULL;
	memcpy(steps, p->step, p->steps_n * sizeof *steps);
	memcpy(notes, p->note, p->notes_n * sizeof *notes);
	*out = (struct plan){ .pb = p->pb,
		.proc = p->proc,
		.dir = p->dir,
		.steps = steps,
		.steps_n = p->steps_n,
		.notes = notes,
		.notes_n = p->notes_n,
		.expect_ms = p->expect_ms };
	return out;
}

static enum rc
judge(struct planning *p)
{
	int touched = 0;

	for (size_t i = 0; i < p->steps_n; i++) {
		touched += p->step[i].kind->class == STEP_STATE &&
			   !text_eq(p->step[i].base, p->step[i].want) &&
			   !text_eq(p->step[i].resource, FENCE_MARKER);
		if (text_starts(
			    p->step[i].resource != NULL ? p->step[i].resource : "", "dns.rrset") &&
			p->step[i].kind->class == STEP_STATE && p->step[i].want[0] == '\0' &&
			!PLANTED(EMPTY_SET))
			return err_set(p->err, RC_INVALID, "step %s would leave %s empty: never",
				p->step[i].id, p->step[i].resource);
	}
	if (touched > p->pb->limits.records)
		return err_set(p->err, RC_INVALID,
			"the plan touches %d values; limits.records allows %d", touched,
			p->pb->limits.records);
	return arena_failed(p->a) ? err_set(p->err, RC_NOMEM, "out of memory") : RC_OK;
}

struct hashing {
	const char *store;
	const char *const *overrides;
	size_t overrides_n;
	void (*sha256)(void *, const void *, size_t, char[65]);
	void *ctx;
};

static struct planning *
planning_new(struct arena *a, const struct playbook *pb, const struct procedure *proc,
	enum plan_direction dir, const struct plan_value *values, size_t values_n, struct err *err)
{
	struct planning *p = arena_get(a, sizeof *p);
	struct mem *in_arena = arena_get(a, sizeof *in_arena);

	if (values_n > PLAN_VALUES_MAX) {
		(void)err_set(err, RC_LIMIT, "the plan needs more than %d values", PLAN_VALUES_MAX);
		return NULL;
	}
	if (p == NULL || in_arena == NULL) {
		(void)err_set(err, RC_NOMEM, "out of memory");
		return NULL;
	}
	*in_arena = (struct mem){ arena_resize, a };
	p->a = a;
	p->mem = in_arena;
	p->pb = pb;
	p->proc = proc;
	p->dir = dir;
	p->err = err;
	memcpy(p->value, values, values_n * sizeof *values);
	p->values_n = values_n;
	return p;
}

static enum rc
build(struct planning *p, const struct hashing *h, const struct plan **ret)
{
	struct plan *out;
	struct buf b;
	enum rc rc;

	rc = p->dir == PLAN_OUT	   ? planning_out(p)
	     : p->dir == PLAN_BACK ? planning_back(p)
				   : planning_eject(p);
	if (rc == RC_OK)
		rc = judge(p);
	if (rc != RC_OK)
		return rc;
	count_drains(p);
	planning_notes(p);
	out = (struct plan *)finish(p);
	if (out == NULL)
		return err_set(p->err, RC_NOMEM, "out of memory");
	buf_init(&b, p->mem, JSON_MAX);
	plan_json(out, h->store, h->overrides, PLANTED(HASH_PARTLY) ? 0 : h->overrides_n, &b);
	if (buf_failed(&b))
		return err_set(p->err, RC_LIMIT, "the plan is larger than %d bytes", JSON_MAX);
	h->sha256(h->ctx, buf_text(&b), b.len, out->hash);
	*ret = out;
	return RC_OK;
}

enum rc
plan_build(struct arena *a, const struct playbook *pb, const struct procedure *proc,
	enum plan_direction dir, const struct plan_value *values, size_t values_n,
	const char *store, const char *const *overrides, size_t overrides_n,
	void (*sha256)(void *, const void *, size_t, char[65]), void *ctx, const struct plan **ret,
	struct err *err)
{
	const struct hashing h = { store, overrides, overrides_n, sha256, ctx };
	struct planning *p = planning_new(a, pb, proc, dir, values, values_n, err);

	return p != NULL ? build(p, &h, ret) : err->rc;
}

enum rc
plan_build_eject(struct arena *a, const struct playbook *pb, const struct plan_value *values,
	size_t values_n, const struct plan_left *left, size_t left_n, const char *store,
	const char *const *overrides, size_t overrides_n,
	void (*sha256)(void *, const void *, size_t, char[65]), void *ctx, const struct plan **ret,
	struct err *err)
{
	const struct hashing h = { store, overrides, overrides_n, sha256, ctx };
	struct planning *p;

	if (pb->procedures_n == 0)
		return err_set(err, RC_INVALID,
			"%s has no procedure: there is nothing of ours at any target", pb->name);
	p = planning_new(a, pb, &pb->procedures[0], PLAN_EJECT, values, values_n, err);
	if (p == NULL)
		return err->rc;
	p->left = left;
	p->left_n = left_n;
	return build(p, &h, ret);
}

/* --- from a record --- */

static enum rc
step_back(struct arena *a, const struct playbook *pb, const struct json *o, struct plan_step *s,
	struct err *err)
{
	const struct json *needs = json_get(o, "needs");
	const char *target = json_str(o, "target"), *through = json_str(o, "through"),
		   *kind = json_str(o, "kind");
	const char **list;

	s->kind = step_kind_find(kind);
	s->id = arena_str(a, json_str(o, "id"));
	s->name = arena_str(a, json_str(o, "name"));
	if (s->kind == NULL || s->id == NULL)
		return err_set(err, RC_UNSUPPORTED,
			"a step of kind %s, which this ferryman does not know",
			kind != NULL ? kind : "?");
	if (target != NULL) {
		s->target = playbook_target(pb, target);
		if (s->target == NULL)
			return err_set(err, RC_CORRUPT,
				"the plan names target %s, which its playbook does not have",
				target);
		s->resource = arena_str(a, json_str(o, "resource"));
		s->base = arena_str(a, json_str(o, "base"));
		s->want = arena_str(a, json_str(o, "want"));
		s->undo = arena_str(a, json_str(o, "undo"));
		s->options = arena_str(a, json_str(o, "options"));
		if (s->resource == NULL || s->base == NULL || s->want == NULL || s->undo == NULL ||
			s->options == NULL)
			return err_set(err, RC_CORRUPT, "step %s of the plan is not whole", s->id);
	} else {
		s->base = s->want = s->undo = s->options = "";
	}
	if (through != NULL) {
		s->through = playbook_path(pb, through);
		if (s->through == NULL)
			return err_set(err, RC_CORRUPT,
				"the plan names path %s, which its playbook does not have",
				through);
	}
	s->production = json_flag(o, "production");
	s->receivers = (int)json_int(o, "receivers", 0);
	s->pivot = json_flag(o, "pivot");
	s->wait_ms = json_int(o, "wait", 0);
	s->deadline_ms = json_int(o, "deadline", 60000);
	s->retries = (int)json_int(o, "retries", 3);
	if (needs == NULL)
		return err_set(err, RC_CORRUPT, "step %s of the plan is not whole", s->id);
	list = arena_get(a, (needs->len + 1) * sizeof *list);
	s->needs = list;
	for (const struct json *n = needs->child; list != NULL && n != NULL; n = n->next)
		list[s->needs_n++] = arena_str(a, n->str);
	return arena_failed(a) ? err_set(err, RC_NOMEM, "out of memory") : RC_OK;
}

enum rc
plan_read_back(struct arena *a, const struct playbook *pb, const struct json *body,
	const struct plan **ret, struct err *err)
{
	struct plan *p = arena_get(a, sizeof *p);
	const struct json *steps = json_get(body, "steps");
	const char *proc = json_str(body, "procedure");
	struct plan_step *s;

	if (p == NULL || steps == NULL || proc == NULL)
		return err_set(err, p == NULL ? RC_NOMEM : RC_CORRUPT, "the record holds no plan");
	p->pb = pb;
	p->proc = playbook_procedure(pb, proc);
	p->dir = text_eq(json_str(body, "direction"), "back")	 ? PLAN_BACK
		 : text_eq(json_str(body, "direction"), "eject") ? PLAN_EJECT
								 : PLAN_OUT;
	if (p->proc == NULL)
		return err_set(err, RC_CORRUPT,
			"the plan names procedure %s, which its playbook does not have", proc);
	s = arena_get(a, (steps->len + 1) * sizeof *s);
	p->steps = s;
	for (const struct json *o = steps->child; s != NULL && o != NULL; o = o->next) {
		enum rc rc = step_back(a, pb, o, &s[p->steps_n], err);

		if (rc != RC_OK)
			return rc;
		p->steps_n++;
	}
	if (arena_failed(a))
		return err_set(err, RC_NOMEM, "out of memory");
	*ret = p;
	return RC_OK;
}
