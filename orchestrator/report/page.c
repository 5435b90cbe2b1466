/*
 * page.c - the report as one HTML file: no script, nothing fetched, light and dark by the reader's
 * wish, readable on a telephone and on paper. Everything from records is escaped (escape.h); the
 * policy in its head forbids the rest.
 */
#include "base/text.h"
#include "report/chart.h"
#include "report/escape.h"
#include "report/style.h"
#include "report/story.h"

#include <string.h>

enum { RECORDS_SHOWN = 600 };

static void
esc(struct buf *b, const char *s)
{
	escape_html(b, s);
}

/* "412 3f9a0c11d2e4": the number and the beginning of the hash. */
static void
put_proof(struct buf *b, const struct entry *e)
{
	if (e == NULL)
		buf_str(b, "<span class=\"none\">none</span>");
	else
		buf_fmt(b, "<a class=\"proof\" href=\"#r%llu\">%llu&#8239;<code>%.*s</code></a>",
			(unsigned long long)e->rec.seq, (unsigned long long)e->rec.seq, HASH_SHOWN,
			e->hash);
}

static void
put_time(struct buf *b, const struct report *r, const struct entry *e)
{
	const char *t = phrase_time(r->a, e->rec.wall_ms);

	buf_fmt(b, "<time datetime=\"%s\">%s</time>", t, t);
}

static void
put_head(const struct report *r, struct buf *b)
{
	buf_str(b, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
		   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
		   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		   "style-src 'unsafe-inline'\">"
		   "<meta name=\"referrer\" content=\"no-referrer\"><meta name=\"color-scheme\" "
		   "content=\"light dark\"><title>");
	esc(b, phrase_title(r));
	buf_str(b, "</title><style>");
	buf_str(b, style_sheet());
	buf_str(b, "</style></head>\n<body><main>\n");
}

static void
card(struct buf *b, const char *class, const char *figure, const char *what)
{
	buf_fmt(b, "<div class=\"card %s\"><b>", class);
	esc(b, figure);
	buf_str(b, "</b><span>");
	esc(b, what);
	buf_str(b, "</span></div>");
}

static const char *
between(const struct report *r, enum milestone_id from, enum milestone_id to)
{
	const struct entry *a = r->ms[from].proof, *z = r->ms[to].proof;

	return a != NULL && z != NULL && z->rec.wall_ms >= a->rec.wall_ms
		       ? phrase_duration(r->a, z->rec.wall_ms - a->rec.wall_ms)
		       : NULL;
}

static void
card_time(struct buf *b, const struct report *r, enum milestone_id from, enum milestone_id to,
	const char *what)
{
	const char *took = between(r, from, to);

	if (took != NULL)
		card(b, "", took, what);
}

static const char *
class_of_end(const struct report *r)
{
	const char *s = r->main->state;

	return text_eq(s, "done") || text_eq(s, "released")    ? "good"
	       : text_eq(s, "blocked") || text_eq(s, "failed") ? "bad"
							       : "warn";
}

static void
put_cards(const struct report *r, struct buf *b)
{
	static const char *const what[] = { "released", "returned", "parked", "waiting" };
	static const char *const words[] = { "messages let go", "messages returned",
		"messages still parked", "messages still waiting" };
	int late = 0;

	for (int i = 0; i < MS_N; i++)
		late += r->ms[i].late;
	buf_str(b, "<section class=\"cards\" aria-label=\"Key figures\">");
	card(b, class_of_end(r), phrase_state(r->main->state), "the run");
	card_time(b, r, MS_SEEN, MS_SWITCHED, "first sign to switched");
	card_time(b, r, MS_STARTED, MS_SWITCHED, "start to switched");
	card_time(b, r, MS_SWITCHED, MS_FIRST, "switched to first mail");
	for (size_t i = 0; i < sizeof what / sizeof *what; i++) {
		const struct mail_count *c = story_count(r, what[i]);

		if (c != NULL)
			card(b, "", arena_fmt(r->a, "%lld", (long long)c->n), words[i]);
	}
	card(b, text_eq(phrase_overrides(r, r->main), "none") ? "" : "warn",
		phrase_overrides(r, r->main), "guards bypassed");
	if (late > 0)
		card(b, "bad", arena_fmt(r->a, "%d", late), "later than allowed");
	buf_str(b, "</section>\n");
}

static void
put_top(const struct report *r, struct buf *b)
{
	buf_str(b, "<header><p class=\"kicker\">Incident report · playbook ");
	esc(b, r->playbook);
	buf_str(b, " · run ");
	esc(b, r->main->id);
	buf_str(b, "</p><h1>");
	esc(b, phrase_title(r));
	buf_str(b, "</h1><p class=\"lead-text\">");
	esc(b, phrase_summary(r));
	buf_str(b, "</p></header>\n");
	put_cards(r, b);
	if (r->broken_seq != 0)
		buf_fmt(b,
			"<p class=\"alarm\">The chain of hashes breaks before record %llu: the "
			"journal has been damaged or rewritten. Nothing below is proven.</p>",
			(unsigned long long)r->broken_seq);
}

static void
put_chart(const struct report *r, struct buf *b)
{
	buf_str(b, "<figure>");
	chart_wide(r, b);
	chart_tall(r, b);
	buf_str(b, "<figcaption>Times are UTC. Quiet stretches are shortened; the numbers are "
		   "those of the table below."
		   "<span class=\"only-wide\"> <span><i class=\"k s-bad\"></i> mail harmed</span> "
		   "<span><i class=\"k s-warn\"></i> other bad sign</span> "
		   "<span><i class=\"k s-away\"></i> on the backup</span> <span><i class=\"k "
		   "s-run\"></i> run, with a line for each step "
		   "done</span></span></figcaption></figure>\n");
}

static void
put_milestone(const struct report *r, const struct milestone *m, int number, struct buf *b)
{
	buf_fmt(b, "<tr%s><td class=\"n\">", m->proof == NULL ? " class=\"gap\"" : "");
	if (number > 0)
		buf_fmt(b, "<span class=\"num\">%d</span>", number);
	buf_fmt(b, "</td><th scope=\"row\">%s</th><td data-l=\"Time\">", m->label);
	if (m->proof != NULL)
		put_time(b, r, m->proof);
	else
		buf_str(b, "<span class=\"none\">not known</span>");
	buf_str(b, "</td><td data-l=\"Took\">");
	if (m->took_ms >= 0)
		buf_fmt(b, "%s <small>after %d</small>", phrase_duration(r->a, m->took_ms),
			chart_number(r, m->since));
	buf_fmt(b, "</td><td data-l=\"Allowed\">%s%s</td><td data-l=\"Record\">", m->target,
		m->late ? " <strong class=\"late\">late</strong>" : "");
	put_proof(b, m->proof);
	buf_str(b, "</td><td class=\"text\">");
	esc(b, m->text);
	buf_str(b, "</td></tr>\n");
}

static void
put_milestones(const struct report *r, struct buf *b)
{
	enum milestone_id order[MS_N];
	size_t n = chart_order(r, order);

	buf_str(b, "<section><h2>What happened when</h2><table "
		   "class=\"fold\"><thead><tr><th></th><th>What</th><th>Time "
		   "(UTC)</th><th>Took</th><th>Allowed</"
		   "th><th>Record</th><th>What the record says</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < n; i++)
		put_milestone(r, &r->ms[order[i]], chart_number(r, order[i]), b);
	buf_str(b, "</tbody></table><p class=\"note\">\"Allowed\" is what playbook and plan say: "
		   "the waits they prescribe, and the deadlines of the steps.</p></section>\n");
}

static void
put_reasons(const struct report *r, struct buf *b)
{
	buf_str(b, "<section><h2>Why</h2><ol class=\"why\">\n");
	for (size_t i = 0; i < r->entries_n; i++) {
		const struct entry *e = &r->entry[i];

		if (e->rec.type != REC_ROW)
			continue;
		buf_str(b, "<li>");
		put_time(b, r, e);
		buf_fmt(b, " <span class=\"row\">row %lld</span> <b>",
			(long long)json_int(e->rec.body, "row", 0));
		esc(b, phrase_or(e->rec.body, "from", ""));
		buf_str(b, " → ");
		esc(b, phrase_or(e->rec.body, "to", ""));
		buf_str(b, "</b> ");
		esc(b, phrase_or(e->rec.body, "why", ""));
		buf_str(b, " ");
		put_proof(b, e);
		buf_str(b, phrase_reason(e, NULL) != NULL ? "<ul>" : "");
		for (const struct json *j = phrase_reason(e, NULL); j != NULL;
			j = phrase_reason(e, j)) {
			buf_str(b, "<li>");
			esc(b, j->str);
			buf_str(b, "</li>");
		}
		buf_str(b, phrase_reason(e, NULL) != NULL ? "</ul></li>\n" : "</li>\n");
	}
	buf_str(b, "</ol></section>\n");
}

static void
put_cell(const struct json *c, struct buf *b)
{
	const char *health = phrase_or(c, "health", "");

	buf_str(b, "<tr><th scope=\"row\">");
	esc(b, phrase_or(c, "signal", ""));
	buf_str(b, "</th><td data-l=\"Of\">");
	esc(b, phrase_or(c, "subject", ""));
	buf_str(b, "</td><td data-l=\"Group\">");
	esc(b, phrase_or(c, "group", ""));
	buf_fmt(b, "</td><td data-l=\"Health\"><span class=\"tag %s\">",
		text_eq(health, "bad")	? "bad"
		: text_eq(health, "ok") ? "good"
					: "dim");
	esc(b, health);
	buf_fmt(b, "%s</span></td><td data-l=\"Bad\">%lld of %lld</td><td class=\"text\">",
		json_flag(c, "harm") ? ", harm" : "", (long long)json_int(c, "bad", 0),
		(long long)json_int(c, "known", 0));
	esc(b, phrase_or(c, "why", ""));
	buf_str(b, "</td></tr>\n");
}

static void
put_evidence(const struct report *r, struct buf *b)
{
	const struct entry *e = r->ms[MS_DIAGNOSED].proof;

	buf_str(b, "<section><h2>Evidence</h2>");
	if (e == NULL) {
		buf_str(b, "<p>No diagnosis led to this run.</p></section>\n");
		return;
	}
	buf_str(b, "<p>");
	esc(b, e->text);
	buf_str(b, " ");
	put_proof(b, e);
	buf_str(b, "</p><table "
		   "class=\"fold\"><thead><tr><th>Signal</th><th>Of</th><th>Group</th><th>Health</"
		   "th><th>Bad</th><th>Said</th></tr></thead><tbody>\n");
	for (const struct json *c = phrase_cell(e, NULL); c != NULL; c = phrase_cell(e, c))
		put_cell(c, b);
	buf_str(b, "</tbody></table></section>\n");
}

static void
put_diff(struct buf *b, const char *value, const char *other, char sign)
{
	const char *line;
	size_t n;

	while (text_line(&value, &line, &n)) {
		if (phrase_has_line(other, line, n))
			continue;
		buf_fmt(b, "<span class=\"%s\">%s ", sign == '-' ? "del" : "ins",
			sign == '-' ? "−" : "+");
		escape_htmln(b, line, n);
		buf_str(b, "</span>");
	}
}

static void
put_step(const struct report *r, const struct step_told *s, struct buf *b)
{
	bool good = step_done(s) && s->undo == NULL && s->undone == NULL;

	buf_fmt(b, "<li class=\"%s\"><span class=\"id\">",
		s->began == NULL ? "dim"
		: good		 ? "good"
				 : "bad");
	esc(b, s->id);
	buf_str(b, "</span> <b>");
	esc(b, s->name);
	buf_fmt(b, "</b>%s <span class=\"said\">",
		s->pivot ? " <span class=\"tag pivot\">pivot</span>" : "");
	esc(b, phrase_step(r, s));
	buf_str(b, "</span> ");
	put_proof(b, s->undone != NULL ? s->undone : s->result);
	if (s->resource[0] != '\0') {
		buf_str(b, "<div class=\"res\">");
		esc(b, s->resource);
		buf_str(b, " at ");
		esc(b, s->target);
		buf_str(b, s->want[0] != '\0' && text_eq(s->base, s->want) ? ": already so</div>"
									   : "</div>");
	}
	if (!text_eq(s->base, s->want) && !text_starts(s->kind, "wait.")) {
		buf_str(b, "<pre>");
		put_diff(b, s->base, s->want, '-');
		put_diff(b, s->want, s->base, '+');
		buf_str(b, "</pre>");
	}
	buf_str(b, "</li>\n");
}

static void
put_runs(const struct report *r, struct buf *b)
{
	buf_str(b, "<section><h2>Plans and steps</h2>\n");
	for (size_t i = 0; i < r->runs_n; i++) {
		const struct run_told *t = &r->run[i];
		char sent[EFFECTS_TEXT];

		buf_str(b, "<article><h3>");
		esc(b, t->kind);
		buf_str(b, " <i>");
		esc(b, t->procedure);
		buf_str(b, "</i>: ");
		esc(b, phrase_state(t->state));
		buf_str(b, "</h3><p>Run ");
		esc(b, t->id);
		buf_str(b,
			text_eq(t->by, "automatic") ? ", started by itself (" : ", started by <b>");
		esc(b, t->by);
		buf_str(b, text_eq(t->by, "automatic") ? ")" : "</b>");
		buf_str(b, t->reason[0] != '\0' ? ": " : "");
		esc(b, t->reason);
		buf_str(b, " ");
		put_proof(b, t->start);
		buf_str(b, ". Guards bypassed: ");
		esc(b, phrase_overrides(r, t));
		effects_text(&t->effects, sent);
		buf_fmt(b, ". E%s", sent + 1);
		buf_str(b, ".</p><p class=\"hash\">Plan <code>");
		esc(b, t->hash);
		buf_str(b, "</code></p><ol class=\"steps\">\n");
		for (size_t k = 0; k < t->steps_n; k++)
			put_step(r, &t->step[k], b);
		buf_str(b, "</ol></article>\n");
	}
	buf_str(b, "</section>\n");
}

static bool
of_people(const struct entry *e)
{
	return e->rec.type == REC_APPROVAL || e->rec.type == REC_BRAKE ||
	       e->rec.type == REC_COMMAND || e->rec.type == REC_NOTIFIED;
}

static void
put_people(const struct report *r, struct buf *b)
{
	bool any = false;

	buf_str(b, "<section><h2>People</h2><ul class=\"log\">\n");
	for (size_t i = 0; i < r->entries_n; i++) {
		const struct entry *e = &r->entry[i];

		if (!of_people(e))
			continue;
		any = true;
		buf_str(b, "<li>");
		put_time(b, r, e);
		buf_str(b, " ");
		esc(b, e->text);
		buf_str(b, " ");
		put_proof(b, e);
		buf_str(b, "</li>\n");
	}
	buf_str(b, any ? "</ul></section>\n"
		       : "<li>No record of this incident names a person.</li></ul></section>\n");
}

static void
put_mail(const struct report *r, struct buf *b)
{
	buf_str(b, "<section><h2>Mail</h2>");
	if (r->counts_n == 0)
		buf_str(b, "<p>No result of this incident names a number of messages.</p>");
	buf_str(b, r->counts_n > 0 ? "<ul class=\"log\">" : "");
	for (size_t i = 0; i < r->counts_n; i++) {
		buf_str(b, "<li>");
		put_time(b, r, r->count[i].proof);
		buf_fmt(b, " <b>%lld</b> %s ", (long long)r->count[i].n, r->count[i].what);
		put_proof(b, r->count[i].proof);
		buf_str(b, "</li>\n");
	}
	buf_str(b, r->counts_n > 0 ? "</ul></section>\n" : "</section>\n");
}

static void
put_unproven(const struct report *r, struct buf *b)
{
	buf_str(b, "<section class=\"gaps\"><h2>Not proven</h2><p>No record of the journal "
		   "shows:</p><ul>\n");
	for (size_t i = 0; i < r->unproven_n; i++) {
		buf_str(b, "<li>");
		esc(b, r->unproven[i]);
		buf_str(b, "</li>\n");
	}
	buf_str(b, "</ul></section>\n");
}

static bool
shown_anyway(const struct report *r, const struct entry *e)
{
	for (int i = 0; i < MS_N; i++)
		if (r->ms[i].proof == e)
			return true;
	return e->rec.type != REC_SIGNAL && e->rec.type != REC_NOTIFIED &&
	       e->rec.type != REC_OPENED;
}

/* All that links point to, and signals as far as there is room. */
static void
put_records(const struct report *r, struct buf *b)
{
	size_t left = 0, n = 0;

	buf_str(b, "<section class=\"records\"><h2>Records</h2><table><tbody>\n");
	for (size_t i = 0; i < r->entries_n; i++) {
		const struct entry *e = &r->entry[i];

		if (n >= RECORDS_SHOWN && !shown_anyway(r, e) && !of_people(e)) {
			left++;
			continue;
		}
		n++;
		buf_fmt(b, "<tr id=\"r%llu\"><td>%llu</td><td><code>%.*s</code></td><td>",
			(unsigned long long)e->rec.seq, (unsigned long long)e->rec.seq, HASH_SHOWN,
			e->hash);
		put_time(b, r, e);
		buf_fmt(b, "</td><td>%s</td><td class=\"text\">", record_type_name(e->rec.type));
		esc(b, e->text);
		buf_str(b, "</td></tr>\n");
	}
	buf_str(b, "</tbody></table>");
	if (left > 0)
		buf_fmt(b,
			"<p class=\"note\">%zu more records of signals: ferryman history, or this "
			"report as JSON.</p>",
			left);
	buf_str(b, "</section>\n");
}

static void
put_foot(const struct report *r, struct buf *b)
{
	buf_str(b, "<footer><p>Made by ferryman " FERRYMAN_VERSION " at ");
	buf_str(b, phrase_time(r->a, r->made_wall_ms));
	buf_str(b, " from journal <code>");
	esc(b, r->store);
	buf_fmt(b,
		"</code>, read up to record %llu. To check that it is the same "
		"journal:</p><p><code>ferryman audit verify --head %s</code></p></footer>\n",
		(unsigned long long)r->head_seq, r->head_hash);
}

void
report_html(const struct report *r, struct buf *b)
{
	put_head(r, b);
	put_top(r, b);
	put_chart(r, b);
	put_milestones(r, b);
	put_reasons(r, b);
	put_evidence(r, b);
	put_runs(r, b);
	put_people(r, b);
	put_mail(r, b);
	put_unproven(r, b);
	put_records(r, b);
	put_foot(r, b);
	buf_str(b, "</main></body></html>\n");
}
