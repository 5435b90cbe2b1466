/* schema_out.c - the rows as a JSON Schema for editors (draft 2020-12) and as docs/PLAYBOOK.md. */
#include "base/json.h"
#include "base/text.h"
#include "config/build.h"

#include <stdio.h>
#include <string.h>

static const char *
pattern_of(enum vtype t)
{
	switch (t) {
	case V_NAME:
	case V_REF:
		return "^[a-z][a-z0-9-]{0,62}$";
	case V_DURATION:
		return "^([0-9]+(ms|s|m|h|d))+$";
	case V_PERCENT:
		return "^[0-9]+(\\.[0-9]{1,2})?%$";
	case V_RATE:
		return "^[0-9]+ per .+$";
	case V_NOFM:
		return "^[0-9]+ of [0-9]+$";
	case V_MAILBOX:
		return "^[^@ ]+@[^@ ]+$";
	case V_URL:
		return "^https?://";
	default:
		return NULL;
	}
}

static void put_object(struct jw *w, const struct schema_row *common, const struct schema_row *own,
	const char *fixed_key, const char *fixed);

static void
put_words(struct jw *w, const char *words)
{
	jw_open(w, "enum", '[');
	while (*words != '\0') {
		size_t n = strcspn(words, "|");

		jw_strn(w, NULL, words, n);
		words += n + (words[n] == '|');
	}
	jw_close(w, ']');
}

static void
put_bound(struct jw *w, const char *key, const char *text)
{
	int64_t v;

	if (text != NULL && num_int(text, &v))
		jw_int(w, key, v);
}

static void
put_type(struct jw *w, const struct schema_row *r)
{
	switch (r->type) {
	case V_INT:
		jw_str(w, "type", "integer");
		put_bound(w, "minimum", r->min);
		put_bound(w, "maximum", r->max);
		break;
	case V_BOOL:
		jw_str(w, "type", "boolean");
		break;
	case V_ENUM:
		put_words(w, r->words);
		break;
	case V_SECRET:
		jw_str(w, "$ref",
			(r->flags & SR_PUBLIC_FILE) != 0 ? "#/$defs/public" : "#/$defs/secret");
		break;
	case V_MAP:
		put_object(w, r->sub, NULL, NULL, NULL);
		break;
	case V_TABLE:
		jw_str(w, "type", "object");
		jw_open(w, "additionalProperties", '{');
		put_object(w, r->sub, NULL, NULL, NULL);
		jw_close(w, '}');
		break;
	case V_ANYMAP: /* the one that is not a section of its own */
		jw_str(w, "$ref", "#/$defs/steps");
		break;
	default:
		jw_str(w, "type", "string");
		if (pattern_of(r->type) != NULL)
			jw_str(w, "pattern", pattern_of(r->type));
		break;
	}
}

static void
put_row(struct jw *w, const struct schema_row *r, const char *fixed)
{
	jw_open(w, r->key, '{');
	jw_str(w, "description", r->doc);
	if (r->def != NULL)
		jw_str(w, "x-default", r->def);
	if (fixed != NULL) {
		jw_str(w, "const", fixed);
	} else if ((r->flags & SR_LIST) != 0) {
		jw_str(w, "type", "array");
		jw_open(w, "items", '{');
		put_type(w, r);
		jw_close(w, '}');
	} else {
		put_type(w, r);
	}
	jw_close(w, '}');
}

static void
put_object(struct jw *w, const struct schema_row *common, const struct schema_row *own,
	const char *fixed_key, const char *fixed)
{
	const struct schema_row *const tables[] = { common, own };

	jw_str(w, "type", "object");
	jw_bool(w, "additionalProperties", false);
	jw_open(w, "properties", '{');
	for (int t = 0; t < 2; t++)
		for (const struct schema_row *r = tables[t]; r != NULL && r->key != NULL; r++)
			if ((r->flags & SR_UNBUILT) == 0)
				put_row(w, r, text_eq(r->key, fixed_key) ? fixed : NULL);
	jw_close(w, '}');
	jw_open(w, "required", '[');
	for (int t = 0; t < 2; t++)
		for (const struct schema_row *r = tables[t]; r != NULL && r->key != NULL; r++)
			if ((r->flags & SR_REQUIRED) != 0)
				jw_str(w, NULL, r->key);
	jw_close(w, ']');
}

/* One alternative for each connector with one of the capabilities. */
static void
put_connectors(struct jw *w, const char *def, const struct conninfo *const *c, unsigned caps,
	const struct schema_row *common, const char *key)
{
	jw_open(w, def, '{');
	jw_str(w, "type", "object");
	jw_open(w, "additionalProperties", '{');
	jw_open(w, "oneOf", '[');
	for (; *c != NULL; c++) {
		if (((*c)->caps & caps) == 0)
			continue;
		jw_open(w, NULL, '{');
		put_object(w, common, (*c)->schema, key, (*c)->name);
		jw_close(w, '}');
	}
	jw_close(w, ']');
	jw_close(w, '}');
	jw_close(w, '}');
}

static void
put_steps(struct jw *w)
{
	jw_open(w, "steps", '{');
	jw_str(w, "type", "array");
	jw_open(w, "items", '{');
	jw_open(w, "oneOf", '[');
	for (const struct step_row *s = rows_steps; s->kind != NULL; s++) {
		const struct schema_row kind[] = {
			{ .key = s->kind,
				.type = V_MAP,
				.flags = SR_REQUIRED,
				.sub = rows_step_args(s->args),
				.doc = s->doc },
			{ .key = NULL },
		};

		jw_open(w, NULL, '{');
		put_object(w, rows_step, kind, NULL, NULL);
		jw_close(w, '}');
	}
	jw_close(w, ']');
	jw_close(w, '}');
	jw_close(w, '}');
}

/* A notifier is named by its key; its first list row may stand there alone ({program: [...]}). */
static void
put_notifiers(struct jw *w, const struct conninfo *const *c)
{
	jw_open(w, "notify", '{');
	jw_str(w, "type", "array");
	jw_open(w, "items", '{');
	jw_open(w, "oneOf", '[');
	for (; *c != NULL; c++) {
		if (((*c)->caps & CAP_NOTIFY) == 0)
			continue;
		jw_open(w, NULL, '{');
		jw_str(w, "type", "object");
		jw_bool(w, "additionalProperties", false);
		jw_open(w, "properties", '{');
		put_row(w, &rows_notify[0], NULL);
		jw_open(w, (*c)->name, '{');
		jw_open(w, "anyOf", '[');
		jw_open(w, NULL, '{');
		jw_str(w, "type", "array");
		jw_close(w, '}');
		jw_open(w, NULL, '{');
		put_object(w, NULL, (*c)->schema, NULL, NULL);
		jw_close(w, '}');
		jw_close(w, ']');
		jw_close(w, '}');
		jw_close(w, '}');
		jw_open(w, "required", '[');
		jw_str(w, NULL, (*c)->name);
		jw_close(w, ']');
		jw_close(w, '}');
	}
	jw_close(w, ']');
	jw_close(w, '}');
	jw_close(w, '}');
}

static void
put_secret(struct jw *w, const char *name, bool public)
{
	static const char *const kinds[] = { "file", "env", "credential" };

	jw_open(w, name, '{');
	jw_open(w, "oneOf", '[');
	if (public) {
		jw_open(w, NULL, '{');
		jw_str(w, "type", "string");
		jw_close(w, '}');
	}
	for (int i = 0; i < 3; i++) {
		jw_open(w, NULL, '{');
		jw_str(w, "type", "object");
		jw_bool(w, "additionalProperties", false);
		jw_open(w, "properties", '{');
		jw_open(w, kinds[i], '{');
		jw_str(w, "type", "string");
		jw_close(w, '}');
		jw_close(w, '}');
		jw_open(w, "required", '[');
		jw_str(w, NULL, kinds[i]);
		jw_close(w, ']');
		jw_close(w, '}');
	}
	jw_close(w, ']');
	jw_close(w, '}');
}

static void
put_ref(struct jw *w, const char *key, const char *doc, const char *ref)
{
	jw_open(w, key, '{');
	jw_str(w, "description", doc);
	jw_str(w, "$ref", ref);
	jw_close(w, '}');
}

/* The top, with the sections that connectors and step kinds fill. */
static void
put_top(struct jw *w)
{
	jw_str(w, "type", "object");
	jw_bool(w, "additionalProperties", false);
	jw_open(w, "properties", '{');
	for (const struct schema_row *r = rows_top; r->key != NULL; r++) {
		if ((r->flags & SR_UNBUILT) != 0)
			continue;
		if (text_eq(r->key, "targets"))
			put_ref(w, r->key, r->doc, "#/$defs/targets");
		else if (text_eq(r->key, "signals"))
			put_ref(w, r->key, r->doc, "#/$defs/signals");
		else if (text_eq(r->key, "notify"))
			put_ref(w, r->key, r->doc, "#/$defs/notify");
		else
			put_row(w, r, NULL);
	}
	jw_close(w, '}');
	jw_open(w, "required", '[');
	for (const struct schema_row *r = rows_top; r->key != NULL; r++)
		if ((r->flags & SR_REQUIRED) != 0)
			jw_str(w, NULL, r->key);
	jw_close(w, ']');
}

void
playbook_schema_json(struct buf *b, const struct conninfo *const *connectors)
{
	struct jw w;

	jw_init(&w, b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "$schema", "https://json-schema.org/draft/2020-12/schema");
	jw_str(&w, "title", "ferryman playbook");
	put_top(&w);
	jw_open(&w, "$defs", '{');
	put_secret(&w, "secret", false);
	put_secret(&w, "public", true);
	put_connectors(&w, "targets", connectors,
		CAP_DNS_RRSET | CAP_TENANT_CONNECTOR | CAP_RELAY_ROUTE | CAP_RELAY_PARK |
			CAP_RELAY_QUEUE,
		rows_target, "connector");
	put_connectors(&w, "signals", connectors, CAP_SIGNAL, rows_signal, "kind");
	put_steps(&w);
	put_notifiers(&w, connectors);
	jw_close(&w, '}');
	jw_close(&w, '}');
}

/* --- Markdown --- */

static void
md_value(struct buf *b, const struct schema_row *r)
{
	if ((r->flags & SR_LIST) != 0)
		buf_str(b, "list of: ");
	if (r->type == V_ANYMAP)
		buf_str(b, text_eq(r->key, "steps")    ? "list of steps"
			   : text_eq(r->key, "notify") ? "list of notifiers"
						       : "a mapping of names to mappings");
	else if (r->type == V_REF)
		buf_fmt(b, "a name from `%s`", r->words);
	else if (r->type != V_ENUM)
		buf_str(b, value_type_name(r->type));
	for (const char *w = r->type == V_ENUM ? r->words : ""; *w != '\0';) {
		size_t n = strcspn(w, "|");

		buf_fmt(b, "%s`%.*s`", w != r->words ? ", " : "", (int)n, w);
		w += n + (w[n] == '|');
	}
	if (r->min != NULL && r->max != NULL)
		buf_fmt(b, ", %s to %s", r->min, r->max);
	else if (r->min != NULL)
		buf_fmt(b, ", at least %s", r->min);
	else if (r->max != NULL)
		buf_fmt(b, ", at most %s", r->max);
}

static void
md_row(struct buf *b, const struct schema_row *r)
{
	buf_fmt(b, "| `%s` | ", r->key);
	if ((r->flags & SR_UNBUILT) == 0)
		md_value(b, r);
	buf_fmt(b, " | %s%s%s | %s%s |\n", (r->flags & SR_REQUIRED) != 0 ? "required" : "",
		r->def != NULL ? "default " : "", r->def != NULL ? r->def : "",
		(r->flags & SR_UNBUILT) != 0 ? "*Known, not built yet, refused.* " : "", r->doc);
}

static void md_table(struct buf *b, const char *title, const struct schema_row *t);

static void
md_subs(struct buf *b, const char *title, const struct schema_row *t)
{
	char name[200];

	for (const struct schema_row *r = t; r != NULL && r->key != NULL; r++) {
		if (r->sub == NULL)
			continue;
		(void)snprintf(name, sizeof name, "%s%s%s%s", title, title[0] != '\0' ? "." : "",
			r->key, r->type == V_TABLE ? ".NAME" : "");
		md_table(b, name, r->sub);
	}
}

static void
md_table(struct buf *b, const char *title, const struct schema_row *t)
{
	buf_fmt(b, "\n### %s\n\n| key | value | | meaning |\n|---|---|---|---|\n",
		title[0] != '\0' ? title : "the playbook itself");
	for (const struct schema_row *r = t; r != NULL && r->key != NULL; r++)
		md_row(b, r);
	md_subs(b, title, t);
}

static void
md_connectors(struct buf *b, const struct conninfo *const *c, unsigned caps, const char *title)
{
	for (; *c != NULL; c++) {
		char name[120];

		if (((*c)->caps & caps) == 0)
			continue;
		(void)snprintf(name, sizeof name, "%s%s", title, (*c)->name);
		md_table(b, name, (*c)->schema);
	}
}

void
playbook_schema_md(struct buf *b, const struct conninfo *const *connectors)
{
	buf_str(b, "# Playbook keys\n\nGenerated from the same rows that read a playbook (`make "
		   "docs`). Units are always written out: `5m`, `25%`, `10 per s`.\n"
		   "Secrets are references: `{file: NAME}`, `{env: NAME}`, `{credential: "
		   "NAME}`.\n\n## Keys\n");
	md_table(b, "", rows_top);
	buf_str(b, "\n## Targets\n");
	md_table(b, "every target", rows_target);
	md_connectors(b, connectors,
		CAP_DNS_RRSET | CAP_TENANT_CONNECTOR | CAP_RELAY_ROUTE | CAP_RELAY_PARK |
			CAP_RELAY_QUEUE,
		"connector: ");
	buf_str(b, "\n## Signals\n");
	md_table(b, "every signal", rows_signal);
	md_connectors(b, connectors, CAP_SIGNAL, "kind: ");
	buf_str(b, "\n## Notifiers\n");
	md_connectors(b, connectors, CAP_NOTIFY, "");
	buf_str(b, "\n## Steps\n");
	md_table(b, "every step", rows_step);
	buf_str(b, "\n| kind | does | may be the pivot | arguments |\n|---|---|---|---|\n");
	for (const struct step_row *s = rows_steps; s->kind != NULL; s++) {
		buf_fmt(b, "| `%s` | %s | %s |", s->kind, s->doc, s->may_pivot ? "yes" : "no");
		for (const struct schema_row *r = rows_step_args(s->args); r->key != NULL; r++)
			buf_fmt(b, " `%s`", r->key);
		buf_str(b, " |\n");
	}
	buf_str(b, "\nKnown to the design, and refused because they are not built yet:");
	for (const char *const *w = rows_steps_unbuilt; *w != NULL; w++)
		buf_fmt(b, "%s `%s`", w == rows_steps_unbuilt ? "" : ",", *w);
	buf_str(b, ".\n");
	md_table(b, "arguments of steps: zone", rows_step_args(ARG_ZONE));
	md_table(b, "arguments of steps: queues", rows_step_args(ARG_AT | ARG_RATE));
	md_table(b, "arguments of steps: canaries",
		rows_step_args(ARG_THROUGH | ARG_AS | ARG_RECEIVERS));
	md_table(b, "arguments of steps: waiting", rows_step_args(ARG_FOR));
	buf_str(b, "\n## Connectors that are not built yet\n\nKnown by name, and refused:");
	for (const char *const *w = rows_connectors_unbuilt; *w != NULL; w++)
		buf_fmt(b, "%s `%s`", w == rows_connectors_unbuilt ? "" : ",", *w);
	buf_str(b, ".\n\n## Durations for drills\n\nA second file (`--durations FILE`) replaces "
		   "durations, and nothing else: a mapping of key paths to durations. What it\n"
		   "replaces is printed, and it is part of the playbook's hash. Steps and list "
		   "entries go by number, from 1.\n\n"
		   "```yaml\nsignals.canary.every: 3s\nprocedures.outbound.failback.soak: 10s\n"
		   "procedures.outbound.steps.2.deadline: 1m\n```\n"
		   "\n## What the lint says\n\n| rule | level | why |\n|---|---|---|\n");
	for (const struct lint_rule *r = lint_rules; r->id != NULL; r++)
		buf_fmt(b, "| `%s` | %s | %s |\n", r->id,
			r->level == FIND_ERROR ? "error" : "warning", r->doc);
}
