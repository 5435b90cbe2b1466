/* markdown.c - the report as Markdown, for tickets and mail. */
#include "base/text.h"
#include "report/chart.h"
#include "report/escape.h"
#include "report/story.h"

static void
esc(struct buf *b, const char *s)
{
	escape_markdown(b, s);
}

static void
put_proof(struct buf *b, const struct entry *e)
{
	if (e == NULL)
		buf_str(b, "none");
	else
		buf_fmt(b, "%llu `%.*s`", (unsigned long long)e->rec.seq, HASH_SHOWN, e->hash);
}

static void
put_milestones(const struct report *r, struct buf *b)
{
	enum milestone_id order[MS_N];
	size_t n = chart_order(r, order);

	buf_str(b, "\n## What happened when\n\n| | time (UTC) | took | allowed | record | "
		   "|\n|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < n; i++) {
		const struct milestone *m = &r->ms[order[i]];

		buf_fmt(b, "| %s | %s | ", m->label,
			m->proof != NULL ? phrase_time(r->a, m->proof->rec.wall_ms) : "not known");
		if (m->took_ms >= 0)
			buf_fmt(b, "%s after \"%s\"", phrase_duration(r->a, m->took_ms),
				r->ms[m->since].label);
		buf_fmt(b, " | %s%s | ", m->target, m->late ? " **late**" : "");
		put_proof(b, m->proof);
		buf_str(b, " | ");
		esc(b, m->text);
		buf_str(b, " |\n");
	}
}

static void
put_reasons(const struct report *r, struct buf *b)
{
	buf_str(b, "\n## Why\n\n");
	for (size_t i = 0; i < r->entries_n; i++) {
		const struct entry *e = &r->entry[i];

		if (e->rec.type != REC_ROW)
			continue;
		buf_fmt(b, "- %s ", phrase_time(r->a, e->rec.wall_ms));
		esc(b, e->text);
		buf_str(b, " (record ");
		put_proof(b, e);
		buf_str(b, ")\n");
		for (const struct json *j = phrase_reason(e, NULL); j != NULL;
			j = phrase_reason(e, j)) {
			buf_str(b, "    - ");
			esc(b, j->str);
			buf_char(b, '\n');
		}
	}
}

static void
put_evidence(const struct report *r, struct buf *b)
{
	const struct entry *e = r->ms[MS_DIAGNOSED].proof;

	buf_str(b, "\n## Evidence\n\n");
	if (e == NULL) {
		buf_str(b, "No diagnosis led to this run.\n");
		return;
	}
	esc(b, e->text);
	buf_str(b, " (record ");
	put_proof(b, e);
	buf_str(b, ")\n\n| signal | of | group | health | bad of known | "
		   "|\n|---|---|---|---|---|---|\n");
	for (const struct json *c = phrase_cell(e, NULL); c != NULL; c = phrase_cell(e, c)) {
		buf_str(b, "| ");
		esc(b, phrase_or(c, "signal", ""));
		buf_str(b, " | ");
		esc(b, phrase_or(c, "subject", ""));
		buf_str(b, " | ");
		esc(b, phrase_or(c, "group", ""));
		buf_str(b, " | ");
		esc(b, phrase_or(c, "health", ""));
		buf_fmt(b, "%s | %lld of %lld | ", json_flag(c, "harm") ? ", harm" : "",
			(long long)json_int(c, "bad", 0), (long long)json_int(c, "known", 0));
		esc(b, phrase_or(c, "why", ""));
		buf_str(b, " |\n");
	}
}

static void
put_diff(struct buf *b, const char *value, const char *other, char sign)
{
	const char *line;
	size_t n;

	while (text_line(&value, &line, &n)) {
		if (phrase_has_line(other, line, n))
			continue;
		buf_fmt(b, "    %c ", sign);
		escape_line(b, line, n);
		buf_char(b, '\n');
	}
}

static void
put_step(const struct report *r, const struct step_told *s, struct buf *b)
{
	buf_str(b, "- **");
	esc(b, s->id);
	buf_str(b, "** ");
	esc(b, s->name);
	buf_str(b, s->pivot ? " *(pivot)*: " : ": ");
	esc(b, phrase_step(r, s));
	buf_str(b, " (record ");
	put_proof(b, s->result);
	buf_str(b, ")\n");
	if (!text_eq(s->base, s->want) && !text_starts(s->kind, "wait.")) {
		buf_str(b, "\n  ```diff\n");
		put_diff(b, s->base, s->want, '-');
		put_diff(b, s->want, s->base, '+');
		buf_str(b, "  ```\n\n");
	}
}

static void
put_runs(const struct report *r, struct buf *b)
{
	for (size_t i = 0; i < r->runs_n; i++) {
		const struct run_told *t = &r->run[i];
		char sent[EFFECTS_TEXT];

		buf_str(b, "\n## Run ");
		esc(b, t->id);
		buf_str(b, ": ");
		esc(b, t->kind);
		buf_char(b, ' ');
		esc(b, t->procedure);
		buf_str(b, ", ");
		esc(b, phrase_state(t->state));
		buf_str(b, "\n\nPlan ");
		esc(b, t->hash);
		buf_str(b, ". By ");
		esc(b, t->by);
		buf_str(b, ": ");
		esc(b, t->reason);
		buf_str(b, ". Guards bypassed: ");
		esc(b, phrase_overrides(r, t));
		effects_text(&t->effects, sent);
		buf_fmt(b, ". E%s.\n\n", sent + 1);
		for (size_t k = 0; k < t->steps_n; k++)
			put_step(r, &t->step[k], b);
	}
}

static void
put_people(const struct report *r, struct buf *b)
{
	bool any = false;

	buf_str(b, "\n## People\n\n");
	for (size_t i = 0; i < r->entries_n; i++) {
		const struct entry *e = &r->entry[i];

		if (e->rec.type != REC_APPROVAL && e->rec.type != REC_BRAKE &&
			e->rec.type != REC_COMMAND && e->rec.type != REC_NOTIFIED)
			continue;
		any = true;
		buf_fmt(b, "- %s ", phrase_time(r->a, e->rec.wall_ms));
		esc(b, e->text);
		buf_str(b, " (record ");
		put_proof(b, e);
		buf_str(b, ")\n");
	}
	if (!any)
		buf_str(b, "No record of this incident names a person.\n");
}

static void
put_mail(const struct report *r, struct buf *b)
{
	buf_str(b, "\n## Mail\n\n");
	for (size_t i = 0; i < r->counts_n; i++) {
		buf_fmt(b, "- %lld %s (record ", (long long)r->count[i].n, r->count[i].what);
		put_proof(b, r->count[i].proof);
		buf_str(b, ")\n");
	}
	if (r->counts_n == 0)
		buf_str(b, "No result of this incident names a number of messages.\n");
}

void
report_markdown(const struct report *r, struct buf *b)
{
	buf_str(b, "# ");
	esc(b, phrase_title(r));
	buf_str(b, "\n\n");
	esc(b, phrase_summary(r));
	buf_char(b, '\n');
	put_milestones(r, b);
	put_reasons(r, b);
	put_evidence(r, b);
	put_runs(r, b);
	put_people(r, b);
	put_mail(r, b);
	buf_str(b, "\n## Not proven\n\n");
	for (size_t i = 0; i < r->unproven_n; i++) {
		buf_str(b, "- ");
		esc(b, r->unproven[i]);
		buf_char(b, '\n');
	}
	buf_fmt(b,
		"\n---\n\nMade by ferryman %s at %s from journal %s, records up to %llu, head "
		"`%s`. To check: `ferryman audit verify --head "
		"%s`\n",
		FERRYMAN_VERSION, phrase_time(r->a, r->made_wall_ms), r->store,
		(unsigned long long)r->head_seq, r->head_hash, r->head_hash);
}
