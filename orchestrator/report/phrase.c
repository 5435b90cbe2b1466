/* phrase.c - times, durations, title and summary: what the writers of all formats say alike. */
#include "base/num.h"
#include "base/text.h"
#include "core/ledger.h"
#include "report/story.h"

#include <string.h>

const char *
phrase_or(const struct json *body, const char *key, const char *otherwise)
{
	const char *s = json_str(body, key);

	return s != NULL ? s : otherwise;
}

/* A buffer whose text lives in the arena. */
static struct buf
arena_buf(const struct mem *mem)
{
	struct buf b;

	buf_init(&b, mem, 65536);
	return b;
}

const char *
phrase_time(struct arena *a, int64_t wall_ms)
{
	const struct mem mem = { .resize = arena_resize, .ctx = a };
	struct buf b = arena_buf(&mem);

	num_put_time(&b, wall_ms);
	return buf_text(&b);
}

const char *
phrase_moment(struct arena *a, int64_t wall_ms)
{
	const char *full = phrase_time(a, wall_ms);

	return strlen(full) == 24 ? arena_fmt(a, "%.10s %.8s UTC", full, full + 11) : full;
}

const char *
phrase_duration(struct arena *a, int64_t ms)
{
	int64_t s = ms / 1000;

	if (ms < 0)
		return "-";
	if (ms < 10000)
		return arena_fmt(a, "%lld.%lld s", (long long)s, (long long)(ms % 1000 / 100));
	if (s < 60)
		return arena_fmt(a, "%lld s", (long long)s);
	if (s < 3600)
		return s % 60 != 0 ? arena_fmt(a, "%lld min %lld s", (long long)(s / 60),
					     (long long)(s % 60))
				   : arena_fmt(a, "%lld min", (long long)(s / 60));
	if (s < 86400)
		return s / 60 % 60 != 0 ? arena_fmt(a, "%lld h %lld min", (long long)(s / 3600),
						  (long long)(s / 60 % 60))
					: arena_fmt(a, "%lld h", (long long)(s / 3600));
	return arena_fmt(a, "%lld d %lld h", (long long)(s / 86400), (long long)(s / 3600 % 24));
}

const char *
phrase_state(const char *state)
{
	static const struct {
		const char *state, *words;
	} rows[] = {
		{ "done", "done" },
		{ "undone", "undone: everything it had changed was put back" },
		{ "open", "in force" },
		{ "released", "ended, its mail let go" },
		{ "blocked", "blocked: it needs a person" },
		{ "failed", "failed" },
		{ "backward", "being undone" },
		{ "", "still running" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (text_eq(rows[i].state, state))
			return rows[i].words;
	return state;
}

static const char *
domains_of(const struct report *r)
{
	const char *list = "";

	if (r->pb == NULL)
		return arena_fmt(r->a, "playbook %s", r->playbook);
	for (size_t i = 0; i < r->pb->domains_n; i++)
		list = arena_fmt(r->a, "%s%s%s", list, i > 0 ? ", " : "", r->pb->domains[i]);
	return list;
}

/* The path that the run leads to; "" when the playbook's text is not there to tell. */
static const char *
way_of(const struct report *r)
{
	const struct procedure *p =
		r->pb != NULL ? playbook_procedure(r->pb, r->main->procedure) : NULL;

	if (p == NULL || p->to == NULL)
		return "";
	return text_eq(r->main->kind, lrun_kind_name(LK_FAILBACK)) ? r->pb->primary->name
								   : p->to->name;
}

const char *
phrase_title(const struct report *r)
{
	const char *flow = text_eq(r->flow, "inbound") ? "Inbound" : "Outbound", *way = way_of(r),
		   *kind = r->main->kind;
	const char *ended = r->main->state;

	if (text_eq(kind, lrun_kind_name(LK_SHELTER)) ||
		text_eq(kind, lrun_kind_name(LK_UNSHELTER)))
		return arena_fmt(
			r->a, "%s mail of %s: shelter %s", flow, domains_of(r), r->main->procedure);
	if (text_eq(ended, "done"))
		return arena_fmt(r->a, "%s mail of %s moved %s%s%s", flow, domains_of(r),
			text_eq(kind, lrun_kind_name(LK_FAILBACK)) ? "back " : "",
			way[0] != '\0' ? "to " : "by ", way[0] != '\0' ? way : r->main->procedure);
	return arena_fmt(
		r->a, "%s mail of %s: %s %s", flow, domains_of(r), kind, phrase_state(ended));
}

bool
phrase_approves(const struct report *r, const struct entry *e)
{
	const struct entry *asked = r->ms[MS_DECIDED].proof;

	return e->rec.type == REC_APPROVAL && e->rec.seq < r->main->start->rec.seq &&
	       (asked == NULL || e->rec.seq > asked->rec.seq) &&
	       text_eq(json_str(e->rec.body, "plan_hash"), r->main->hash) &&
	       text_eq(json_str(e->rec.body, "verdict"), "approve");
}

/* People are counted, not words. */
static bool
approved_before(const struct report *r, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (phrase_approves(r, &r->entry[k]) &&
			text_eq(json_str(r->entry[k].rec.body, "user"),
				json_str(r->entry[i].rec.body, "user")))
			return true;
	return false;
}

const char *
phrase_approvers(const struct report *r)
{
	const char *who = "";

	for (size_t i = 0; i < r->entries_n; i++)
		if (phrase_approves(r, &r->entry[i]) && !approved_before(r, i))
			who = arena_fmt(r->a, "%s%s%s", who, who[0] != '\0' ? ", " : "",
				phrase_or(r->entry[i].rec.body, "user", "?"));
	return who;
}

static const char *
summary_cause(const struct report *r)
{
	const struct milestone *seen = &r->ms[MS_SEEN], *diag = &r->ms[MS_DIAGNOSED];

	if (diag->proof == NULL)
		return "No diagnosis led to this run: a person started it. ";
	return arena_fmt(r->a,
		"The first sign was seen at %s. %s after it the diagnosis \"%s\" stood. ",
		seen->proof != NULL ? phrase_moment(r->a, seen->proof->rec.wall_ms) : "(no record)",
		diag->took_ms >= 0 ? phrase_duration(r->a, diag->took_ms) : "Some time",
		phrase_or(diag->proof->rec.body, "diagnosis", "?"));
}

/* The failback that ended what this cut-over began; "" = none in this incident. */
static const char *
summary_back(const struct report *r)
{
	if (!text_eq(r->main->kind, lrun_kind_name(LK_CUTOVER)) || r->pb == NULL)
		return "";
	for (size_t i = 0; i < r->runs_n; i++) {
		const struct run_told *t = &r->run[i];

		if (text_eq(t->kind, lrun_kind_name(LK_FAILBACK)) && t->end != NULL &&
			text_eq(t->state, "done") && t->start->rec.seq > r->main->start->rec.seq)
			return arena_fmt(r->a, "It was back on %s at %s. ", r->pb->primary->name,
				phrase_moment(r->a, t->end->rec.wall_ms));
	}
	return "";
}

const char *
phrase_summary(const struct report *r)
{
	const struct milestone *ok = &r->ms[MS_APPROVED], *sw = &r->ms[MS_SWITCHED],
			       *seen = &r->ms[MS_SEEN];
	const char *moved, *approved = "";

	if (ok->proof != NULL && ok->proof->rec.type == REC_APPROVAL)
		approved = arena_fmt(r->a, "%s approved it after %s. ", phrase_approvers(r),
			ok->took_ms >= 0 ? phrase_duration(r->a, ok->took_ms) : "some time");
	else if (ok->text[0] != '\0')
		approved = arena_fmt(r->a, "Approval: %s. ", ok->text);
	if (sw->proof == NULL)
		moved = arena_fmt(r->a, "Not switched: %s. ", sw->text);
	else if (seen->proof != NULL && sw->proof->rec.wall_ms >= seen->proof->rec.wall_ms)
		moved = arena_fmt(r->a, "The mail was switched at %s, %s after the first sign. ",
			phrase_moment(r->a, sw->proof->rec.wall_ms),
			phrase_duration(r->a, sw->proof->rec.wall_ms - seen->proof->rec.wall_ms));
	else
		moved = arena_fmt(r->a, "The mail was switched at %s. ",
			phrase_moment(r->a, sw->proof->rec.wall_ms));
	return arena_fmt(r->a, "%s%s%s%sThe run is %s.%s", summary_cause(r), approved, moved,
		summary_back(r), phrase_state(r->main->state),
		r->open ? " The incident has not ended yet." : "");
}

bool
phrase_has_line(const char *text, const char *line, size_t n)
{
	const char *l;
	size_t m;

	while (text_line(&text, &l, &m))
		if (m == n && memcmp(l, line, n) == 0)
			return true;
	return false;
}

const char *
phrase_step(const struct report *r, const struct step_told *s)
{
	const char *tries = s->tries > 1 ? arena_fmt(r->a, " after %d answers", s->tries) : "";

	if (s->undone != NULL)
		return arena_fmt(r->a, "undone (%s): %s",
			phrase_or(s->undone->rec.body, "outcome", "?"),
			phrase_or(s->undone->rec.body, "why", ""));
	if (s->undo != NULL)
		return "being undone; no answer yet";
	if (s->result != NULL)
		return arena_fmt(r->a, "%s%s: %s", phrase_or(s->result->rec.body, "outcome", "?"),
			tries, phrase_or(s->result->rec.body, "why", ""));
	return s->intent != NULL ? "announced, no answer: it may have been applied" : "not begun";
}

const char *
phrase_overrides(const struct report *r, const struct run_told *t)
{
	const char *list = "";

	for (const struct json *j = t->overrides != NULL && t->overrides->type == JV_ARR
					    ? t->overrides->child
					    : NULL;
		j != NULL; j = j->next)
		list = arena_fmt(r->a, "%s%s%s", list, list[0] != '\0' ? ", " : "",
			j->str != NULL ? j->str : "?");
	return list[0] != '\0' ? list : "none";
}

const struct json *
phrase_reason(const struct entry *e, const struct json *after)
{
	const struct json *list = json_get(e->rec.body, "reasons");
	const struct json *j = after != NULL			      ? after->next
			       : list != NULL && list->type == JV_ARR ? list->child
								      : NULL;

	while (j != NULL && (j->type != JV_STR ||
				    (text_starts(j->str, "row ") &&
					    text_ends(j->str, phrase_or(e->rec.body, "why", "")))))
		j = j->next;
	return j;
}

/* What convinces most: harm, then another bad answer, then the rest. */
static int
rank(const struct json *cell)
{
	bool bad = text_eq(json_str(cell, "health"), "bad");

	return bad && json_flag(cell, "harm") ? 0 : bad ? 1 : 2;
}

const struct json *
phrase_cell(const struct entry *diagnosis, const struct json *after)
{
	const struct json *cells = json_get(json_get(diagnosis->rec.body, "evidence"), "cells");
	const struct json *from = after != NULL ? after->next : cells != NULL ? cells->child : NULL;

	for (int r = after != NULL ? rank(after) : 0; cells != NULL && r <= 2; r++) {
		for (const struct json *c = from; c != NULL; c = c->next)
			if (rank(c) == r)
				return c;
		from = cells->child;
	}
	return NULL;
}
