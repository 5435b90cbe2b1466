/*
 * playbook.c - from the tree to a playbook: shape and values by the rows, then names are resolved,
 * then the lint. All findings of all passes come in one go.
 */
#include "config/build.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { PLAYBOOK_BYTES = 32 * 1024 * 1024 };

const char *
flow_name(enum flow f)
{
	return f == FLOW_OUTBOUND ? "outbound" : "inbound";
}

const char *
pb_mode_name(enum pb_mode m)
{
	static const char *const names[] = { "observe", "approve", "automatic" };

	return names[m];
}

const char *
proc_kind_name(enum proc_kind k)
{
	return k == PROC_CUTOVER ? "cutover" : "shelter";
}

static bool
known_unbuilt(const char *name)
{
	for (const char *const *w = rows_connectors_unbuilt; *w != NULL; w++)
		if (text_eq(*w, name))
			return true;
	return false;
}

/* The connector that `key` names in node n, with the capabilities wanted; NULL = said. */
const struct conninfo *
build_connector(
	struct build *b, const struct ynode *n, const char *key, unsigned want, const char *path)
{
	const struct ynode *k = ynode_get(n, key);
	const char *names[64], *near;
	char list[600] = "";
	size_t count = 0;

	if (k == NULL || k->type != Y_SCALAR) {
		reader_error(&b->r, k != NULL ? k : n, "shape", path,
			n->type != Y_MAP ? "want a mapping"
			: k != NULL	 ? "\"%s\" wants the name of a connector"
					 : "\"%s\" is missing; want the name of a connector",
			key);
		return NULL;
	}
	for (const struct conninfo *const *c = b->in->connectors; *c != NULL; c++) {
		if (((*c)->caps & want) == 0)
			continue;
		if (text_eq((*c)->name, k->text))
			return *c;
		if (count < 64)
			names[count++] = (*c)->name;
	}
	for (size_t i = 0; i < count; i++)
		(void)snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s",
			i > 0 ? ", " : "", names[i]);
	near = text_nearest(k->text, names, count);
	if (known_unbuilt(k->text))
		reader_error(&b->r, k, "unbuilt", arena_fmt(b->a, "%s.%s", path, key),
			"\"%s\" is known, but not built yet; there are: %s", k->text, list);
	else
		reader_error(&b->r, k, "value", arena_fmt(b->a, "%s.%s", path, key),
			"no connector \"%s\"%s%s%s; there are: %s", k->text,
			near != NULL ? "; did you mean " : "", near != NULL ? near : "",
			near != NULL ? "?" : "", list);
	return NULL;
}

static bool
table_node(struct build *b, const struct cfg *top, const char *key, const struct ynode **ret)
{
	const struct cval *v = cfg_val(top, key);

	*ret = v->node;
	if (v->node == NULL)
		return false;
	if (v->node->type == Y_MAP)
		return true;
	reader_error(&b->r, v->node, "shape", key, "want a mapping of names to mappings");
	return false;
}

static bool
name_ok(struct build *b, const struct ynode *n, const char *path)
{
	if (value_name_ok(n->key))
		return true;
	reader_error(&b->r, n, "value", path,
		"\"%s\" is no name: want a-z, 0-9 and -, beginning with a letter, at most 63",
		n->key);
	return false;
}

/* Checks of a connector beyond its rows; its sentence gets the place of the mapping. */
static void
own_check(struct build *b, const struct conninfo *info, const struct cfg *cfg,
	const struct ynode *n, const char *path, size_t errors)
{
	struct err err = { 0 };

	if (info->check == NULL || findings_errors(b->r.f) != errors)
		return; /* its getters may trust the rows only where these were kept */
	if (info->check(cfg, &err) != RC_OK)
		reader_error(&b->r, n, "meaning", path, "%s", err.text);
}

static void
build_targets(struct build *b, const struct cfg *top)
{
	const struct ynode *n;
	struct target *t;

	if (!table_node(b, top, "targets", &n))
		return;
	t = arena_get(b->a, (n->n + 1) * sizeof *t);
	b->pb.targets = t;
	for (const struct ynode *c = n->child; t != NULL && c != NULL; c = c->next) {
		const char *path = arena_fmt(b->a, "targets.%s", c->key);
		size_t errors = findings_errors(b->r.f);
		const struct conninfo *info;
		const char *what;

		if (!name_ok(b, c, path))
			continue;
		info = build_connector(b, c, "connector",
			CAP_DNS_RRSET | CAP_TENANT_CONNECTOR | CAP_RELAY_ROUTE | CAP_RELAY_PARK |
				CAP_RELAY_QUEUE,
			path);
		if (info == NULL)
			continue; /* its own keys are unknown only because it is */
		t->cfg = cfg_read(&b->r, c, rows_target, info->schema, path);
		if (t->cfg == NULL)
			continue;
		t->name = c->key;
		t->info = info;
		t->at = c->at;
		what = info->domain_key != NULL ? cfg_str(t->cfg, info->domain_key) : NULL;
		t->fence_domain = arena_fmt(b->a, "%s %s",
			(info->caps & CAP_DNS_RRSET) != 0	   ? "zone"
			: (info->caps & CAP_TENANT_CONNECTOR) != 0 ? "tenant"
								   : "relay",
			what != NULL ? what : c->key);
		t->late_ms = info->late_ms != NULL ? info->late_ms(t->cfg) : 0;
		own_check(b, info, t->cfg, c, path, errors);
		t++;
		b->pb.targets_n++;
	}
}

static const char *const *
strings(struct build *b, const struct cfg *c, const char *key, size_t *ret_n)
{
	const struct cval *v = cfg_val(c, key);
	const char **s = arena_get(b->a, (v->n + 1) * sizeof *s);

	*ret_n = 0;
	for (size_t i = 0; s != NULL && i < v->n; i++)
		s[(*ret_n)++] = v->items[i].s;
	return s;
}

static void
build_inbound(struct build *b, struct path *p, const struct cfg *c)
{
	size_t n = cfg_len(c, "mx");
	struct mx *mx = arena_get(b->a, (n + 1) * sizeof *mx);
	const char *spool = cfg_str(c, "spool");

	p->inbound.given = true;
	p->inbound.mx = mx;
	for (size_t i = 0; mx != NULL && i < n; i++) {
		const struct cfg *one = cfg_map_at(c, "mx", i);
		const char *host = cfg_str(one, "host");

		if (host != NULL)
			mx[p->inbound.mx_n++] =
				(struct mx){ .preference = (int)cfg_int(one, "preference"),
					.host = host };
	}
	p->inbound.spool = cfg_int(c, "mode") == 1;
	p->inbound.recipients_list = cfg_has(c, "recipients") && cfg_int(c, "recipients") == 0;
	p->inbound.onward = cfg_str(c, "onward");
	p->inbound.keep_ms = cfg_int(c, "keep");
	p->inbound.spool_at = spool != NULL ? playbook_target(&b->pb, spool) : NULL;
}

static void
build_paths(struct build *b, const struct cfg *top)
{
	const struct cval *v = cfg_val(top, "paths");
	struct path *p = arena_get(b->a, (v->n + 1) * sizeof *p);

	b->pb.paths = p;
	b->pb.paths_n = p != NULL ? v->n : 0;
	for (size_t i = 0; i < b->pb.paths_n; i++, p++) {
		const struct cfg *c = v->items[i].map, *dkim = cfg_map(c, "dkim"),
				 *relay = cfg_map(c, "relay");
		const char *hop = cfg_str(c, "last_hop");

		p->name = v->items[i].name;
		p->at = v->items[i].at;
		p->prefer = (int)cfg_int(c, "prefer");
		p->egress = strings(b, c, "egress", &p->egress_n);
		p->spf = strings(b, c, "spf", &p->spf_n);
		p->envelope_rewritten = cfg_int(c, "envelope") == 1;
		if (hop != NULL && !text_eq(hop, "none")) {
			p->last_hop = playbook_target(&b->pb, hop);
			if (p->last_hop == NULL)
				findings_add(b->r.f, FIND_ERROR, b->r.file,
					cfg_place(c, "last_hop"), "meaning",
					arena_fmt(b->a, "paths.%s.last_hop", p->name),
					"no target \"%s\"; want a target's name or none", hop);
		}
		if (relay != NULL) {
			p->relay.host = cfg_str(relay, "host");
			p->relay.cfg = relay;
			p->relay.queue_lifetime_ms = cfg_int(relay, "queue_lifetime");
		}
		if (dkim != NULL) {
			p->dkim.by = cfg_str(dkim, "by");
			p->dkim.domain = cfg_str(dkim, "d");
			p->dkim.selector = cfg_str(dkim, "selector");
		}
		if (cfg_map(c, "inbound") != NULL)
			build_inbound(b, p, cfg_map(c, "inbound"));
		if (p->prefer == 1 && b->pb.primary == NULL)
			b->pb.primary = p;
	}
}

/* What a signal's probes are about, by its connector's word. */
static void
build_subjects(struct build *b, struct signal *s)
{
	const char *from = s->info->subjects_from;
	struct subject *one;

	if (text_eq(from, "path.egress") && s->path != NULL && s->path->egress_n > 0) {
		one = arena_get(b->a, s->path->egress_n * sizeof *one);
		s->subjects = one;
		for (size_t i = 0; one != NULL && i < s->path->egress_n; i++)
			one[s->subjects_n++] =
				(struct subject){ .name = s->path->egress[i], .class = "" };
	} else if (from != NULL && !text_eq(from, "path.egress") && cfg_len(s->cfg, from) > 0) {
		size_t n = cfg_len(s->cfg, from);

		one = arena_get(b->a, n * sizeof *one);
		s->subjects = one;
		for (size_t i = 0; one != NULL && i < n; i++) {
			const struct cfg *c = cfg_map_at(s->cfg, from, i);
			const char *name = cfg_str(c, s->info->subject_field);
			const char *class =
				cfg_row(c, "class") != NULL ? cfg_str(c, "class") : NULL;

			if (name != NULL)
				one[s->subjects_n++] = (struct subject){ .name = name,
					.class = class != NULL ? class : name };
		}
	}
	if (s->subjects_n == 0) {
		one = arena_get(b->a, sizeof *one);
		s->subjects = one;
		if (one != NULL)
			*one = (struct subject){ .name = "", .class = "" };
		s->subjects_n = one != NULL;
	}
}

static void
build_signal(struct build *b, struct signal *s, const struct ynode *n, const char *path)
{
	const struct cfg *c = s->cfg;
	const char *on = cfg_str(c, "path");
	int64_t rise = cfg_int(c, "rise"), fall = cfg_int(c, "fall");

	s->role = cfg_int(c, "role") == 1 ? SIG_ANCHOR : SIG_EVIDENCE;
	s->group = cfg_str(c, "group");
	s->path = on != NULL ? playbook_path(&b->pb, on) : NULL;
	s->flow_given = cfg_has(c, "flow");
	s->flow = (enum flow)cfg_int(c, "flow");
	s->every_ms = cfg_int(c, "every");
	s->timeout_ms = cfg_int(c, "timeout");
	s->stale_ms = cfg_has(c, "stale") ? cfg_int(c, "stale") : 3 * s->every_ms + s->timeout_ms;
	s->rise_n = (int)(rise >> 32);
	s->rise_m = (int)(rise & 0xff);
	s->fall_n = (int)(fall >> 32);
	s->fall_m = (int)(fall & 0xff);
	s->degraded_is_bad = cfg_int(c, "degraded") == 1;
	s->harm = s->info->harm != 0;
	if (s->role == SIG_ANCHOR && (s->group != NULL || on != NULL))
		reader_error(&b->r, n, "meaning", path,
			"an anchor speaks of no path: leave path and group out");
	if (s->role == SIG_EVIDENCE && (s->group == NULL || on == NULL))
		reader_error(&b->r, n, "meaning", path,
			"evidence needs a group and a path; or say role: anchor");
	build_subjects(b, s);
}

static void
build_signals(struct build *b, const struct cfg *top)
{
	const struct ynode *n;
	struct signal *s;

	if (!table_node(b, top, "signals", &n))
		return;
	s = arena_get(b->a, (n->n + 1) * sizeof *s);
	b->pb.signals = s;
	for (const struct ynode *c = n->child; s != NULL && c != NULL; c = c->next) {
		const char *path = arena_fmt(b->a, "signals.%s", c->key);
		size_t errors = findings_errors(b->r.f);
		const struct conninfo *info;

		if (!name_ok(b, c, path))
			continue;
		info = build_connector(b, c, "kind", CAP_SIGNAL, path);
		if (info == NULL)
			continue;
		s->cfg = cfg_read(&b->r, c, rows_signal, info->schema, path);
		if (s->cfg == NULL)
			continue;
		s->name = c->key;
		s->info = info;
		s->at = c->at;
		build_signal(b, s, c, path);
		own_check(b, info, s->cfg, c, path, errors);
		s++;
		b->pb.signals_n++;
	}
}

static void
build_diagnoses(struct build *b, const struct cfg *top)
{
	const struct cval *v = cfg_val(top, "diagnoses");
	struct diagnosis *d = arena_get(b->a, (v->n + 1) * sizeof *d);

	b->pb.diagnoses = d;
	b->pb.diagnoses_n = d != NULL ? v->n : 0;
	for (size_t i = 0; i < b->pb.diagnoses_n; i++, d++) {
		const struct cfg *c = v->items[i].map;
		const char *on = cfg_str(c, "path");

		d->name = v->items[i].name;
		d->at = v->items[i].at;
		d->path = on != NULL ? playbook_path(&b->pb, on) : NULL;
		d->flow = (enum flow)cfg_int(c, "flow");
		d->groups = (int)cfg_int(c, "groups");
		d->of = strings(b, c, "of", &d->of_n);
		d->must = strings(b, c, "must", &d->must_n);
		d->receivers = (int)cfg_int(c, "receivers");
		d->share_bp = cfg_int(c, "share");
		d->for_ms = cfg_int(c, "for");
		d->clear_ms = cfg_int(c, "clear");
	}
}

static void
build_responses(struct build *b, const struct cfg *top)
{
	const struct cval *v = cfg_val(top, "responses");
	struct response *r = arena_get(b->a, (v->n + 1) * sizeof *r);

	b->pb.responses = r;
	b->pb.responses_n = r != NULL ? v->n : 0;
	for (size_t i = 0; i < b->pb.responses_n; i++, r++) {
		const struct cfg *c = v->items[i].map;
		const char *on = cfg_str(c, "on"), *run = cfg_str(c, "run");

		for (size_t k = 0; on != NULL && k < b->pb.diagnoses_n; k++)
			if (text_eq(b->pb.diagnoses[k].name, on))
				r->on = &b->pb.diagnoses[k];
		r->place = c->at;
		r->at = cfg_int(c, "at") == 0 && cfg_val(c, "at")->given ? AT_SUSPECT
									 : AT_CONFIRMED;
		r->run = run != NULL ? playbook_procedure(&b->pb, run) : NULL;
		r->mode = (enum pb_mode)cfg_int(c, "mode");
		r->approvers = (int)cfg_int(c, "approvers");
		r->within_ms = cfg_int(c, "within");
		r->otherwise_proceed = cfg_int(c, "otherwise") == 1;
		if (r->otherwise_proceed && r->within_ms <= 0)
			findings_add(b->r.f, FIND_ERROR, b->r.file, cfg_place(c, "otherwise"),
				"meaning", arena_fmt(b->a, "responses.%zu.otherwise", i + 1),
				"without `within` people have for ever, and it never goes on: say "
				"how long, such as within: 15m");
		if (run == NULL && r->mode != MODE_OBSERVE)
			findings_add(b->r.f, FIND_ERROR, b->r.file, c->at, "meaning",
				arena_fmt(b->a, "responses.%zu", i + 1),
				"\"run\" is missing: which procedure? (only mode observe has "
				"none)");
	}
}

static void
build_limits(struct build *b, const struct cfg *top)
{
	const struct cfg *c = cfg_map(top, "limits");

	b->pb.limits.cutovers = (struct rate){ 2, 86400000 };
	b->pb.limits.cooldown_ms = 3600000;
	b->pb.limits.records = 20;
	if (c == NULL)
		return;
	b->pb.limits.cutovers = cfg_rate(c, "cutovers");
	b->pb.limits.cooldown_ms = cfg_int(c, "cooldown");
	b->pb.limits.records = (int)cfg_int(c, "records");
	build_windows(b, cfg_map(c, "blackout"));
}

static void
build_people(struct build *b, const struct cfg *top)
{
	const struct cval *v = cfg_val(top, "people");
	struct person *p = arena_get(b->a, (v->n + 1) * sizeof *p);

	b->pb.people = p;
	b->pb.people_n = p != NULL ? v->n : 0;
	for (size_t i = 0; i < b->pb.people_n; i++, p++) {
		const struct cfg *c = v->items[i].map;

		p->name = v->items[i].name;
		p->user = cfg_str(c, "user");
		for (size_t k = 0; k < cfg_len(c, "may"); k++)
			p->may |= 1u << cfg_int_at(c, "may", k);
		for (size_t k = 0; k < i; k++)
			if (text_eq(b->pb.people[k].user, p->user))
				findings_add(b->r.f, FIND_ERROR, b->r.file, cfg_place(c, "user"),
					"meaning", arena_fmt(b->a, "people.%s.user", p->name),
					"%s is already the user of %s: approvals count people, not "
					"names",
					p->user, b->pb.people[k].name);
	}
}

/* {program: [argv]}: the one key beside `name` is the connector; a list stands for its first list
 * row. */
static void
build_notifier(struct build *b, struct notifier *to, const struct ynode *n, const char *path)
{
	const struct ynode *own = NULL;
	struct ynode wrap = { .type = Y_MAP }, *child;
	const struct schema_row *row;
	size_t errors = findings_errors(b->r.f);

	to->name = NULL;
	for (const struct ynode *c = n->type == Y_MAP ? n->child : NULL; c != NULL; c = c->next) {
		if (c->overlay) {
			reader_error(&b->r, c, "overlay", path,
				"an overlay replaces durations only; this is %s", c->key);
			return;
		}
		if (text_eq(c->key, "name") && c->type == Y_SCALAR && value_name_ok(c->text))
			to->name = c->text;
		else
			own = own == NULL ? c : n;
	}
	if (own == NULL || own == n) {
		reader_error(&b->r, n, "shape", path,
			"want one notifier, such as {program: [/usr/local/bin/page-duty]}, and "
			"perhaps its name");
		return;
	}
	wrap.child = &(struct ynode){
		.type = Y_SCALAR, .at = own->at, .key = "connector", .text = own->key
	};
	wrap.at = own->at;
	to->info = build_connector(b, &wrap, "connector", CAP_NOTIFY, path);
	if (to->info == NULL)
		return;
	child = (struct ynode *)own;
	for (row = to->info->schema; row->key != NULL && (row->flags & SR_LIST) == 0; row++)
		continue;
	if (own->type == Y_SCALAR && row->key != NULL) {
		reader_error(&b->r, own, "shape", arena_fmt(b->a, "%s.%s", path, own->key),
			"want a list: {%s: [%s]}", own->key, own->text);
		return;
	}
	if (own->type == Y_SEQ) {
		child = arena_get(b->a, sizeof *child);
		if (child == NULL || row->key == NULL)
			return;
		*child = *own;
		child->key = row->key;
		child->next = NULL;
		wrap = (struct ynode){ .type = Y_MAP, .at = own->at, .child = child, .n = 1 };
		child = &wrap;
	}
	path = arena_fmt(b->a, "%s.%s", path, own->key);
	to->cfg = cfg_read(&b->r, child, to->info->schema, NULL, path);
	if (to->cfg != NULL)
		own_check(b, to->info, to->cfg, own, path, errors);
	if (to->name == NULL)
		to->name = to->info->name;
}

static void
build_notify(struct build *b, const struct cfg *top)
{
	const struct ynode *n = cfg_val(top, "notify")->node;
	struct notifier *to;
	size_t i = 0;

	if (n == NULL)
		return;
	if (n->type != Y_SEQ) {
		reader_error(&b->r, n, "shape", "notify",
			"want a list: [{program: [/usr/local/bin/page-duty]}]");
		return;
	}
	to = arena_get(b->a, (n->n + 1) * sizeof *to);
	b->pb.notify = to;
	for (const struct ynode *c = n->child; to != NULL && c != NULL; c = c->next) {
		build_notifier(b, to, c, arena_fmt(b->a, "notify.%zu", ++i));
		if (to->info == NULL || to->cfg == NULL)
			continue;
		to++;
		b->pb.notify_n++;
	}
}

static void
build_top(struct build *b, const struct cfg *top)
{
	b->top = top;
	b->pb.name = cfg_str(top, "playbook");
	b->pb.summary = cfg_str(top, "summary");
	b->pb.owner = cfg_str(top, "owner");
	b->pb.mode = (enum pb_mode)cfg_int(top, "mode");
	b->pb.domains = strings(b, top, "domains", &b->pb.domains_n);
	build_targets(b, top);
	build_paths(b, top);
	build_signals(b, top);
	build_diagnoses(b, top);
	build_procedures(b, top);
	build_responses(b, top);
	build_limits(b, top);
	build_people(b, top);
	build_notify(b, top);
	for (size_t i = 0; i < b->pb.procedures_n; i++)
		if (b->pb.procedures[i].kind == PROC_CUTOVER)
			b->pb.has_flow[b->pb.procedures[i].flow] = true;
	for (size_t i = 0; i < b->pb.diagnoses_n; i++)
		b->pb.has_flow[b->pb.diagnoses[i].flow] = true;
	build_refs(b, top);
	if (findings_errors(b->r.f) == 0)
		lint_run(&b->pb, top, b->r.f);
}

/* SHA-256 of the bytes that the store keeps: the file, then the mark and the overlay if there is
 * one. */
static bool
hash_text(struct build *b)
{
	size_t mark = sizeof PLAYBOOK_OVERLAY_MARK - 1, n = b->in->len;
	char *both;

	if (b->in->durations == NULL) {
		b->in->sha256(b->in->ctx, b->in->text, n, b->pb.sha256);
		return true;
	}
	both = mem_get(&b->mem, n + mark + b->in->durations_len + 1);
	if (both == NULL)
		return false;
	memcpy(both, b->in->text, n);
	memcpy(both + n, PLAYBOOK_OVERLAY_MARK, mark);
	memcpy(both + n + mark, b->in->durations, b->in->durations_len);
	b->in->sha256(b->in->ctx, both, n + mark + b->in->durations_len, b->pb.sha256);
	mem_put(&b->mem, both);
	return true;
}

static void
build_free(struct build *b)
{
	struct mem mem = b->mem;

	arena_free(&b->a);
	mem_put(&mem, b);
}

struct playbook *
playbook_load(
	const struct mem *mem, const struct playbook_input *in, struct findings **ret_findings)
{
	struct findings *f = findings_new(mem);
	struct build *b = f != NULL ? mem_get(mem, sizeof *b) : NULL;
	struct ynode *root = NULL;
	struct cfg *top;
	bool memory = false;

	*ret_findings = f;
	if (b == NULL) {
		if (f != NULL)
			findings_add(f, FIND_ERROR, in->file, (struct place){ 1, 1 }, "memory", "",
				"memory ran out before reading");
		return NULL;
	}
	memset(b, 0, sizeof *b);
	b->mem = *mem;
	b->in = in;
	b->refs = 1;
	b->a = arena_new(mem, PLAYBOOK_BYTES);
	if (b->a != NULL) {
		b->r = (struct reader){ .mem = &b->mem,
			.a = b->a,
			.f = f,
			.file = arena_str(b->a, in->file),
			.overlay_file = "" };
		b->pb.file = b->r.file;
		root = yaml_tree_read(b->a, b->r.file, in->text, in->len, f);
	}
	if (root != NULL && in->durations != NULL)
		overlay_apply(&b->r, root, arena_str(b->a, in->durations_file), in->durations,
			in->durations_len, &b->overlay_said);
	if (root != NULL && root->type != Y_MAP)
		reader_error(&b->r, root, "shape", "",
			"a playbook is a mapping; the first line is \"ferryman: 1\"");
	else if (root != NULL && (top = cfg_read(&b->r, root, rows_top, NULL, "")) != NULL)
		build_top(b, top);
	memory = b->a == NULL || arena_failed(b->a) || findings_failed(f) || !hash_text(b);
	if (memory)
		findings_add(f, FIND_ERROR, in->file, (struct place){ 1, 1 }, "memory", "",
			"memory ran out while reading");
	findings_sort(f);
	b->in = NULL;
	if (root == NULL || memory || findings_errors(f) > 0) {
		build_free(b);
		return NULL;
	}
	return &b->pb;
}

struct playbook *
playbook_ref(struct playbook *pb)
{
	((struct build *)pb)->refs++;
	return pb;
}

void
playbook_unref(struct playbook **pb)
{
	struct build *b = (struct build *)*pb;

	*pb = NULL;
	if (b != NULL && --b->refs == 0)
		build_free(b);
}

void
playbook_overlay_put(struct buf *out, const struct playbook *pb)
{
	const struct build *b = (const struct build *)pb;

	buf_str(out, b->overlay_said != NULL ? b->overlay_said : "");
}

/* --- looking up --- */

#define FIND(list, count, field, want)                                                             \
	for (size_t i = 0; i < (count); i++)                                                       \
		if (text_eq((list)[i].field, (want)))                                              \
			return &(list)[i];                                                         \
	return NULL

const struct path *
playbook_path(const struct playbook *pb, const char *name)
{
	FIND(pb->paths, pb->paths_n, name, name);
}

const struct target *
playbook_target(const struct playbook *pb, const char *name)
{
	FIND(pb->targets, pb->targets_n, name, name);
}

const struct signal *
playbook_signal(const struct playbook *pb, const char *name)
{
	FIND(pb->signals, pb->signals_n, name, name);
}

const struct procedure *
playbook_procedure(const struct playbook *pb, const char *name)
{
	FIND(pb->procedures, pb->procedures_n, name, name);
}

const struct person *
playbook_person(const struct playbook *pb, const char *user)
{
	FIND(pb->people, pb->people_n, user, user);
}

const struct procedure *
playbook_cutover(const struct playbook *pb, enum flow flow)
{
	for (size_t i = 0; i < pb->procedures_n; i++)
		if (pb->procedures[i].kind == PROC_CUTOVER && pb->procedures[i].flow == flow)
			return &pb->procedures[i];
	return NULL;
}

static bool
has_production(const struct signal *s)
{
	return cfg_row(s->cfg, "production") == NULL || cfg_has(s->cfg, "production");
}

const struct signal *
playbook_canary(
	const struct playbook *pb, const struct path *through, enum flow flow, bool production)
{
	const struct signal *first = NULL;

	for (size_t i = 0; i < pb->signals_n; i++) {
		const struct signal *s = &pb->signals[i];

		if (s->role != SIG_EVIDENCE || !s->harm || s->path != through ||
			s->info->subject_field == NULL || (s->flow_given && s->flow != flow))
			continue;
		if (!production || has_production(s))
			return s;
		if (first == NULL)
			first = s;
	}
	return first;
}

int
playbook_receivers_back(const struct procedure *p)
{
	int most = 0;

	for (size_t i = 0; i < p->steps_n; i++) {
		const struct step *s = &p->steps[i];

		if (!text_eq(s->kind, "verify.canary") || s->through != p->to)
			continue;
		if (s->receivers == 0)
			return 0;
		if (s->receivers > most)
			most = s->receivers;
	}
	return most;
}

/* The first domain whose flow both can move; NULL = none. */
static const char *
both_move(const struct playbook *a, const struct playbook *b, enum flow flow)
{
	if (playbook_cutover(a, flow) == NULL || playbook_cutover(b, flow) == NULL)
		return NULL;
	for (size_t x = 0; x < a->domains_n; x++)
		for (size_t y = 0; y < b->domains_n; y++)
			if (text_eq(a->domains[x], b->domains[y]))
				return a->domains[x];
	return NULL;
}

/* Two playbooks share a resource when they move the same flow of the same domain, or drive the same
 * fence domain. */
enum rc
playbooks_conflict(const struct playbook *const *pbs, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = i + 1; k < n; k++) {
			const struct playbook *a = pbs[i], *b = pbs[k];

			if (text_eq(a->name, b->name))
				return err_set(err, RC_CONFLICT, "%s and %s have the same name, %s",
					a->file, b->file, a->name);
			if (a->mode == MODE_OBSERVE || b->mode == MODE_OBSERVE)
				continue; /* who only watches holds no wheel */
			for (int flow = 0; flow < FLOW_N; flow++)
				if (both_move(a, b, (enum flow)flow) != NULL)
					return err_set(err, RC_CONFLICT,
						"%s and %s both move the %s mail of %s; put their "
						"procedures into one playbook",
						a->file, b->file, flow_name((enum flow)flow),
						both_move(a, b, (enum flow)flow));
			for (size_t x = 0; x < a->targets_n; x++)
				for (size_t y = 0; y < b->targets_n; y++)
					if (text_eq(a->targets[x].fence_domain,
						    b->targets[y].fence_domain))
						return err_set(err, RC_CONFLICT,
							"%s and %s both drive \"%s\" (targets %s "
							"and %s): two hands on one wheel; put "
							"their procedures into one playbook",
							a->file, b->file,
							a->targets[x].fence_domain,
							a->targets[x].name, b->targets[y].name);
		}
	}
	return RC_OK;
}
