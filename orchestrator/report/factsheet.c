/* factsheet.c - the report as one JSON object (docs/schemas/report.schema.json), for machines. */
#include "base/text.h"
#include "report/story.h"

static void
put_proof(struct jw *w, const struct report *r, const char *key, const struct entry *e)
{
	if (e == NULL) {
		jw_str(w, key, NULL);
		return;
	}
	jw_open(w, key, '{');
	jw_str(w, "at", phrase_time(r->a, e->rec.wall_ms));
	jw_int(w, "wall_ms", e->rec.wall_ms);
	jw_uint(w, "seq", e->rec.seq);
	jw_str(w, "hash", e->hash);
	jw_close(w, '}');
}

static void
put_list(struct jw *w, const char *key, const struct json *list)
{
	jw_open(w, key, '[');
	for (const struct json *j = list != NULL && list->type == JV_ARR ? list->child : NULL;
		j != NULL; j = j->next)
		if (j->type == JV_STR)
			jw_str(w, NULL, j->str);
	jw_close(w, ']');
}

static void
put_ms_or_null(struct jw *w, const char *key, int64_t ms)
{
	if (ms >= 0)
		jw_int(w, key, ms);
	else
		jw_str(w, key, NULL);
}

static void
put_milestones(struct jw *w, const struct report *r)
{
	jw_open(w, "milestones", '[');
	for (int i = 0; i < MS_N; i++) {
		const struct milestone *m = &r->ms[i];

		jw_open(w, NULL, '{');
		jw_str(w, "id", m->key);
		jw_str(w, "label", m->label);
		put_proof(w, r, "proof", m->proof);
		jw_str(w, "text", m->text);
		jw_str(w, "since", m->since < MS_N ? r->ms[m->since].key : NULL);
		put_ms_or_null(w, "took_ms", m->took_ms);
		put_ms_or_null(w, "least_ms", m->least_ms);
		put_ms_or_null(w, "most_ms", m->most_ms);
		jw_bool(w, "late", m->late);
		jw_close(w, '}');
	}
	jw_close(w, ']');
}

static void
put_step(struct jw *w, const struct report *r, const struct step_told *s)
{
	jw_open(w, NULL, '{');
	jw_str(w, "id", s->id);
	jw_str(w, "name", s->name);
	jw_str(w, "kind", s->kind);
	jw_str(w, "target", s->target);
	jw_str(w, "resource", s->resource);
	jw_str(w, "base", s->base);
	jw_str(w, "want", s->want);
	jw_bool(w, "pivot", s->pivot);
	jw_int(w, "wait_ms", s->wait_ms);
	jw_int(w, "deadline_ms", s->deadline_ms);
	jw_int(w, "tries", s->tries);
	put_proof(w, r, "intent", s->intent);
	put_proof(w, r, "result", s->result);
	jw_str(w, "outcome",
		s->result != NULL ? phrase_or(s->result->rec.body, "outcome", "") : NULL);
	jw_str(w, "why", s->result != NULL ? phrase_or(s->result->rec.body, "why", "") : NULL);
	put_proof(w, r, "undo", s->undo);
	put_proof(w, r, "undone", s->undone);
	jw_str(w, "undo_outcome",
		s->undone != NULL ? phrase_or(s->undone->rec.body, "outcome", "") : NULL);
	jw_close(w, '}');
}

static void
put_runs(struct jw *w, const struct report *r)
{
	jw_open(w, "runs", '[');
	for (size_t i = 0; i < r->runs_n; i++) {
		const struct run_told *t = &r->run[i];

		jw_open(w, NULL, '{');
		jw_str(w, "run", t->id);
		jw_bool(w, "asked_for", t->main);
		jw_str(w, "kind", t->kind);
		jw_str(w, "procedure", t->procedure);
		jw_str(w, "state", t->end != NULL ? t->state : "running");
		jw_str(w, "by", t->by);
		jw_str(w, "reason", t->reason);
		jw_str(w, "plan_hash", t->hash);
		effects_put(&t->effects, w);
		put_list(w, "overrides", t->overrides);
		put_proof(w, r, "start", t->start);
		put_proof(w, r, "end", t->end);
		jw_open(w, "steps", '[');
		for (size_t k = 0; k < t->steps_n; k++)
			put_step(w, r, &t->step[k]);
		jw_close(w, ']');
		jw_close(w, '}');
	}
	jw_close(w, ']');
}

static void
put_reasons(struct jw *w, const struct report *r)
{
	jw_open(w, "reasons", '[');
	for (size_t i = 0; i < r->entries_n; i++) {
		const struct entry *e = &r->entry[i];

		if (e->rec.type != REC_ROW)
			continue;
		jw_open(w, NULL, '{');
		put_proof(w, r, "proof", e);
		jw_int(w, "row", json_int(e->rec.body, "row", 0));
		jw_str(w, "event", phrase_or(e->rec.body, "event", ""));
		jw_str(w, "from", phrase_or(e->rec.body, "from", ""));
		jw_str(w, "to", phrase_or(e->rec.body, "to", ""));
		jw_str(w, "act", phrase_or(e->rec.body, "act", ""));
		jw_str(w, "why", phrase_or(e->rec.body, "why", ""));
		put_list(w, "reasons", json_get(e->rec.body, "reasons"));
		jw_close(w, '}');
	}
	jw_close(w, ']');
}

static void
put_evidence(struct jw *w, const struct report *r)
{
	jw_open(w, "diagnoses", '[');
	for (size_t i = 0; i < r->entries_n; i++) {
		const struct entry *e = &r->entry[i];
		const struct mem mem = { .resize = arena_resize, .ctx = r->a };
		struct buf b;

		if (e->rec.type != REC_DIAGNOSIS)
			continue;
		buf_init(&b, &mem, RECORD_MAX);
		json_put(&b, json_get(e->rec.body, "evidence"));
		jw_open(w, NULL, '{');
		put_proof(w, r, "proof", e);
		jw_str(w, "diagnosis", phrase_or(e->rec.body, "diagnosis", ""));
		jw_str(w, "state", phrase_or(e->rec.body, "state", ""));
		jw_raw(w, "evidence", buf_failed(&b) ? "{}" : buf_text(&b));
		jw_close(w, '}');
	}
	jw_close(w, ']');
}

static void
put_approvals(struct jw *w, const struct report *r)
{
	jw_open(w, "approvals", '[');
	for (size_t i = 0; i < r->entries_n; i++) {
		const struct entry *e = &r->entry[i];

		if (e->rec.type != REC_APPROVAL)
			continue;
		jw_open(w, NULL, '{');
		put_proof(w, r, "proof", e);
		jw_str(w, "user", phrase_or(e->rec.body, "user", ""));
		jw_str(w, "verdict", phrase_or(e->rec.body, "verdict", ""));
		jw_str(w, "plan_hash", phrase_or(e->rec.body, "plan_hash", ""));
		jw_str(w, "reason", phrase_or(e->rec.body, "reason", ""));
		jw_close(w, '}');
	}
	jw_close(w, ']');
}

static void
put_mail(struct jw *w, const struct report *r)
{
	jw_open(w, "mail", '[');
	for (size_t i = 0; i < r->counts_n; i++) {
		jw_open(w, NULL, '{');
		jw_str(w, "what", r->count[i].what);
		jw_int(w, "messages", r->count[i].n);
		put_proof(w, r, "proof", r->count[i].proof);
		jw_close(w, '}');
	}
	jw_close(w, ']');
}

static void
put_timeline(struct jw *w, const struct report *r)
{
	jw_open(w, "timeline", '[');
	for (size_t i = 0; i < r->entries_n; i++) {
		const struct entry *e = &r->entry[i];

		jw_open(w, NULL, '{');
		put_proof(w, r, "proof", e);
		jw_str(w, "type", record_type_name(e->rec.type));
		jw_str(w, "run", e->rec.run);
		jw_str(w, "text", e->text);
		jw_close(w, '}');
	}
	jw_close(w, ']');
}

static void
put_journal(struct jw *w, const struct report *r)
{
	jw_open(w, "journal", '{');
	jw_str(w, "store", r->store);
	jw_uint(w, "head_seq", r->head_seq);
	jw_str(w, "head_hash", r->head_hash);
	jw_bool(w, "chain_holds", r->broken_seq == 0);
	jw_uint(w, "left_out", r->left_out);
	jw_close(w, '}');
}

void
report_json(const struct report *r, struct buf *b)
{
	struct jw w;

	jw_init(&w, b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "verb", "report");
	jw_int(&w, "exit", 0);
	jw_str(&w, "made_at", phrase_time(r->a, r->made_wall_ms));
	jw_str(&w, "title", phrase_title(r));
	jw_str(&w, "summary", phrase_summary(r));
	jw_str(&w, "playbook", r->playbook);
	jw_str(&w, "flow", r->flow);
	jw_str(&w, "run", r->main->id);
	jw_str(&w, "state", r->main->end != NULL ? r->main->state : "running");
	jw_bool(&w, "incident_open", r->open);
	put_milestones(&w, r);
	put_reasons(&w, r);
	put_evidence(&w, r);
	put_approvals(&w, r);
	put_runs(&w, r);
	put_mail(&w, r);
	jw_open(&w, "not_proven", '[');
	for (size_t i = 0; i < r->unproven_n; i++)
		jw_str(&w, NULL, r->unproven[i]);
	jw_close(&w, ']');
	put_timeline(&w, r);
	put_journal(&w, r);
	jw_close(&w, '}');
	buf_char(b, '\n');
}
