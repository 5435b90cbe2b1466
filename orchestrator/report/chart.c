/* chart.c - see chart.h. Integers only; every foreign text is escaped; what is drawn has a <title>
 * to point at. */
#include "report/chart.h"

#include "base/text.h"
#include "core/lifecycle.h"
#include "report/escape.h"

#include <stdlib.h>
#include <string.h>

enum {
	WIDE = 1000,
	LABEL = 27, /* characters that fit to the left of a lane */
	TAIL = 56,  /* what goes on at the end goes on for so long */
	LEFT = 190,
	RIGHT = 20,
	TOP = 62,
	LANE = 26,
	BAR = 16,
	DOT = 10,	/* radius of a milestone's circle */
	DOT_APART = 26, /* circles keep this distance, whatever the times */
	ROOM = 1800,	/* weight before a milestone, beside that of the time */
	POINTS_MAX = 4096,
	SIGNALS_MAX = 8,
	TALL = 360,
	TALL_X = 34,
	TALL_MIN = 46,
	TALL_MORE = 7,
};

/* Known times in order; x is spread by the logarithm of the gaps between them. */
struct axis {
	int64_t at[POINTS_MAX];
	int64_t sum[POINTS_MAX]; /* weight up to this point */
	size_t n;
};

static int
compare_times(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* 256 * log2(1 + v), near enough for a drawing. */
static int64_t
log_of(int64_t v)
{
	uint64_t u = (uint64_t)(v < 0 ? 0 : v) + 1;
	int top = 63 - __builtin_clzll(u);
	uint64_t rest = top >= 8 ? u >> (top - 8) : u << (8 - top);

	return (int64_t)top * 256 + (int64_t)(rest & 255);
}

static void
add_point(struct axis *x, int64_t wall_ms)
{
	if (x->n < POINTS_MAX)
		x->at[x->n++] = wall_ms;
}

static bool
is_milestone(const struct report *r, int64_t wall_ms)
{
	for (int i = 0; i < MS_N; i++)
		if (r->ms[i].proof != NULL && r->ms[i].proof->rec.wall_ms == wall_ms)
			return true;
	return false;
}

/* Milestones get room, for that is what the drawing is looked at for. */
static void
spread(const struct report *r, struct axis *x)
{
	size_t n = 0;

	qsort(x->at, x->n, sizeof x->at[0], compare_times);
	for (size_t i = 0; i < x->n; i++)
		if (n == 0 || x->at[i] != x->at[n - 1])
			x->at[n++] = x->at[i];
	x->n = n;
	for (size_t i = 1; i < n; i++)
		x->sum[i] = x->sum[i - 1] + 64 + log_of((x->at[i] - x->at[i - 1]) / 100) +
			    (is_milestone(r, x->at[i]) ? ROOM : 0);
}

static int
place(const struct axis *x, int64_t wall_ms)
{
	int64_t all = x->n > 1 ? x->sum[x->n - 1] : 1, here = 0;

	for (size_t i = 0; i < x->n && x->at[i] <= wall_ms; i++)
		here = x->sum[i];
	return LEFT + (int)(here * (WIDE - LEFT - RIGHT - TAIL) / all);
}

static bool
drawn(const struct entry *e)
{
	switch (e->rec.type) {
	case REC_SIGNAL:
	case REC_ROW:
	case REC_APPROVAL:
	case REC_START:
	case REC_RESULT:
	case REC_END:
	case REC_COMMAND:
	case REC_BRAKE:
	case REC_DIAGNOSIS:
		return true;
	default:
		return false;
	}
}

/* Milestones in the order of their records. */
static size_t
in_order(const struct report *r, enum milestone_id ret[MS_N])
{
	size_t n = 0;

	for (int i = 0; i < MS_N; i++) {
		size_t k = n;

		if (r->ms[i].proof == NULL)
			continue;
		for (; k > 0 && r->ms[ret[k - 1]].proof->rec.seq > r->ms[i].proof->rec.seq; k--)
			ret[k] = ret[k - 1];
		ret[k] = (enum milestone_id)i;
		n++;
	}
	return n;
}

int
chart_number(const struct report *r, enum milestone_id id)
{
	enum milestone_id order[MS_N];
	size_t n = in_order(r, order);

	for (size_t i = 0; i < n; i++)
		if (order[i] == id)
			return (int)i + 1;
	return 0;
}

size_t
chart_order(const struct report *r, enum milestone_id ret[MS_N])
{
	size_t n = in_order(r, ret);

	for (int i = 0; i < MS_N; i++) {
		size_t k = n;

		if (r->ms[i].proof != NULL)
			continue;
		for (; k > 0 && ret[k - 1] > (enum milestone_id)i; k--)
			ret[k] = ret[k - 1];
		ret[k] = (enum milestone_id)i;
		n++;
	}
	return n;
}

static const char *
clock_of(const struct report *r, int64_t wall_ms)
{
	const char *full = phrase_time(r->a, wall_ms);

	return strlen(full) >= 19 ? arena_strn(r->a, full + strlen(full) - 13, 8) : full;
}

static void
title(struct buf *b, const struct report *r, const struct entry *e)
{
	buf_fmt(b, "<title>%s, record %llu: ", phrase_time(r->a, e->rec.wall_ms),
		(unsigned long long)e->rec.seq);
	escape_html(b, e->text);
	buf_str(b, "</title>");
}

static void
label(struct buf *b, int y, const char *text)
{
	buf_fmt(b, "<text class=\"lane\" x=\"%d\" y=\"%d\">", LEFT - 10, y + BAR - 3);
	escape_htmln(b, text, LABEL);
	if (strlen(text) > LABEL)
		buf_str(b, "…");
	buf_str(b, "</text>");
}

static void
bar(struct buf *b, const struct report *r, const char *class, int x0, int x1, int y,
	const struct entry *e, const char *inside)
{
	buf_fmt(b, "<g><rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"2\"/>",
		class, x0, y, x1 - x0 > 2 ? x1 - x0 : 2, BAR);
	title(b, r, e);
	if (inside != NULL && (int)strlen(inside) * 7 + 8 <= x1 - x0) {
		buf_fmt(b, "<text class=\"in\" x=\"%d\" y=\"%d\">", x0 + 5, y + BAR - 4);
		escape_html(b, inside);
		buf_str(b, "</text>");
	}
	buf_str(b, "</g>");
}

static const char *
class_of_state(const char *state)
{
	static const char *const classes[LS_N] = { [LS_SETTLING] = "s-dim",
		[LS_NORMAL] = "s-good",
		[LS_SUSPECT] = "s-warn",
		[LS_AWAITING] = "s-ask",
		[LS_CUTTING] = "s-move",
		[LS_ON_BACKUP] = "s-away",
		[LS_RECOVERING] = "s-mend",
		[LS_FAILING_BACK] = "s-move",
		[LS_ROLLING] = "s-warn",
		[LS_BLOCKED] = "s-bad" };
	enum life_state s = life_state_parse(state);

	return s < LS_N ? classes[s] : "s-dim";
}

static void
lane_state(const struct report *r, const struct axis *x, struct buf *b, int y)
{
	const struct entry *row = NULL;

	label(b, y, "state");
	for (size_t i = 0; i < r->entries_n; i++) {
		const struct entry *e = &r->entry[i];

		if (e->rec.type != REC_ROW || (row != NULL && text_eq(json_str(row->rec.body, "to"),
								      json_str(e->rec.body, "to"))))
			continue;
		if (row != NULL)
			bar(b, r, class_of_state(json_str(row->rec.body, "to")),
				place(x, row->rec.wall_ms), place(x, e->rec.wall_ms) - 1, y, row,
				json_str(row->rec.body, "to"));
		row = e;
	}
	if (row != NULL)
		bar(b, r, class_of_state(json_str(row->rec.body, "to")), place(x, row->rec.wall_ms),
			WIDE - RIGHT, y, row, json_str(row->rec.body, "to"));
}

/* --- signals: a lane for each that was bad --- */

struct lane {
	const char *signal, *subject;
};

static size_t
bad_signals(const struct report *r, struct lane ret[SIGNALS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < r->entries_n; i++) {
		const struct json *body = r->entry[i].rec.body;
		bool have =
			r->entry[i].rec.type != REC_SIGNAL || !text_eq(json_str(body, "to"), "bad");

		for (size_t k = 0; k < n && !have; k++)
			have = text_eq(ret[k].signal, json_str(body, "signal")) &&
			       text_eq(ret[k].subject, json_str(body, "subject"));
		if (!have && n < SIGNALS_MAX)
			ret[n++] = (struct lane){ json_str(body, "signal"),
				json_str(body, "subject") };
	}
	return n;
}

static void
lane_signal(
	const struct report *r, const struct axis *x, struct buf *b, int y, const struct lane *lane)
{
	const struct entry *bad = NULL;

	label(b, y,
		lane->subject[0] != '\0' ? arena_fmt(r->a, "%s %s", lane->signal, lane->subject)
					 : lane->signal);
	for (size_t i = 0; i < r->entries_n; i++) {
		const struct entry *e = &r->entry[i];

		if (e->rec.type != REC_SIGNAL ||
			!text_eq(json_str(e->rec.body, "signal"), lane->signal) ||
			!text_eq(json_str(e->rec.body, "subject"), lane->subject))
			continue;
		if (bad != NULL)
			bar(b, r, json_flag(bad->rec.body, "harm") ? "s-bad" : "s-warn",
				place(x, bad->rec.wall_ms), place(x, e->rec.wall_ms), y, bad, NULL);
		bad = text_eq(json_str(e->rec.body, "to"), "bad") ? e : NULL;
	}
	if (bad != NULL)
		bar(b, r, json_flag(bad->rec.body, "harm") ? "s-bad" : "s-warn",
			place(x, bad->rec.wall_ms), WIDE - RIGHT, y, bad, NULL);
}

static void
lane_run(const struct report *r, const struct axis *x, struct buf *b, int y,
	const struct run_told *t)
{
	int end = t->end != NULL ? place(x, t->end->rec.wall_ms) : WIDE - RIGHT;
	const char *class = t->end == NULL						  ? "s-move"
			    : text_eq(t->state, "blocked") || text_eq(t->state, "failed") ? "s-bad"
			    : text_eq(t->state, "undone")				  ? "s-warn"
											  : "s-run";

	label(b, y,
		text_eq(t->kind, t->procedure) ? t->kind
					       : arena_fmt(r->a, "%s %s", t->kind, t->procedure));
	bar(b, r, class, place(x, t->start->rec.wall_ms), end, y, t->start, NULL);
	for (size_t k = 0; k < t->steps_n; k++) {
		const struct step_told *s = &t->step[k];
		const struct entry *e = s->undone != NULL ? s->undone : s->result;

		if (e == NULL)
			continue;
		buf_fmt(b, "<g><path class=\"%s\" d=\"M%d %dv%d\"/>",
			s->pivot ? "tick pivot" : "tick", place(x, e->rec.wall_ms), y, BAR);
		title(b, r, e);
		buf_str(b, "</g>");
	}
}

static void
lane_people(const struct report *r, const struct axis *x, struct buf *b, int y)
{
	label(b, y, "people");
	for (size_t i = 0; i < r->entries_n; i++) {
		const struct entry *e = &r->entry[i];

		if (e->rec.type != REC_APPROVAL && e->rec.type != REC_COMMAND &&
			e->rec.type != REC_BRAKE)
			continue;
		buf_fmt(b, "<g><path class=\"person\" d=\"M%d %dl6 8-6 8-6-8z\"/>",
			place(x, e->rec.wall_ms), y);
		title(b, r, e);
		buf_str(b, "</g>");
	}
}

/* Circles stand at their times as far as there is room, and lines lead to where they belong. */
static void
put_dots(const struct report *r, const struct axis *x, struct buf *b, int bottom)
{
	enum milestone_id order[MS_N];
	size_t n = in_order(r, order);
	int at[MS_N];

	for (size_t i = 0; i < n; i++) {
		at[i] = place(x, r->ms[order[i]].proof->rec.wall_ms);
		if (i > 0 && at[i] < at[i - 1] + DOT_APART)
			at[i] = at[i - 1] + DOT_APART;
	}
	for (size_t i = n; i-- > 0;) {
		int most = i + 1 < n ? at[i + 1] - DOT_APART : WIDE - DOT;

		if (at[i] > most)
			at[i] = most;
	}
	for (size_t i = 0; i < n; i++) {
		const struct milestone *m = &r->ms[order[i]];
		int px = place(x, m->proof->rec.wall_ms);

		buf_fmt(b,
			"<g><path class=\"lead\" d=\"M%d %dL%d %dV%d\"/><circle class=\"dot%s\" "
			"cx=\"%d\" cy=\"%d\" r=\"%d\"/>",
			at[i], 24 + DOT, px, TOP - 8, bottom, order[i] == MS_SWITCHED ? " key" : "",
			at[i], 24, DOT);
		buf_fmt(b,
			"<text class=\"num\" x=\"%d\" y=\"%d\">%zu</text><title>%s: %s</title></g>",
			at[i], 28, i + 1, m->label, phrase_time(r->a, m->proof->rec.wall_ms));
	}
}

static void
put_clocks(const struct report *r, const struct axis *x, struct buf *b, int y)
{
	int last = -1000;

	for (size_t i = 0; i < x->n; i++) {
		int px = place(x, x->at[i]);

		if (px < last + 92 || px > WIDE - 30)
			continue;
		buf_fmt(b,
			"<path class=\"grid\" d=\"M%d %dV%d\"/><text class=\"clock\" x=\"%d\" "
			"y=\"%d\">%s</text>",
			px, TOP - 8, y, px, y + 14, clock_of(r, x->at[i]));
		last = px;
	}
}

static void
open_svg(struct buf *b, const char *class, int w, int h, const char *what)
{
	buf_fmt(b,
		"<svg class=\"%s\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\" "
		"xmlns=\"http://www.w3.org/2000/svg\">",
		class, w, h, what);
}

void
chart_wide(const struct report *r, struct buf *b)
{
	struct axis *x = arena_get(r->a, sizeof *x);
	struct lane lane[SIGNALS_MAX];
	size_t lanes = bad_signals(r, lane);
	int y = TOP, bottom = TOP + LANE * (int)(2 + lanes + r->runs_n);

	if (x == NULL)
		return;
	for (size_t i = 0; i < r->entries_n; i++)
		if (drawn(&r->entry[i]))
			add_point(x, r->entry[i].rec.wall_ms);
	spread(r, x);
	open_svg(b, "wide", WIDE, bottom + 24,
		"Time line of the incident in lanes: state, signals, runs, people");
	put_clocks(r, x, b, bottom);
	put_dots(r, x, b, bottom);
	lane_state(r, x, b, y);
	for (size_t i = 0; i < lanes; i++)
		lane_signal(r, x, b, y += LANE, &lane[i]);
	for (size_t i = 0; i < r->runs_n; i++)
		lane_run(r, x, b, y += LANE, &r->run[i]);
	lane_people(r, x, b, y + LANE);
	buf_str(b, "</svg>");
}

/* --- for a telephone --- */

static void
tall_one(const struct report *r, struct buf *b, const struct milestone *m,
	const struct milestone *before, size_t n, int y)
{
	const char *gap = "";

	if (before != NULL && m->proof->rec.wall_ms > before->proof->rec.wall_ms)
		gap = arena_fmt(r->a, "+%s",
			phrase_duration(r->a, m->proof->rec.wall_ms - before->proof->rec.wall_ms));
	buf_fmt(b,
		"<g><circle class=\"dot%s\" cx=\"%d\" cy=\"%d\" r=\"12\"/><text class=\"num\" "
		"x=\"%d\" y=\"%d\">%zu</text>",
		m == &r->ms[MS_SWITCHED] ? " key" : "", TALL_X, y, TALL_X, y + 5, n);
	buf_fmt(b,
		"<text class=\"what\" x=\"%d\" y=\"%d\">%s</text><text class=\"when\" x=\"%d\" "
		"y=\"%d\">%s UTC</text>",
		TALL_X + 24, y - 1, m->label, TALL_X + 24, y + 15,
		clock_of(r, m->proof->rec.wall_ms));
	buf_fmt(b, "<text class=\"gap\" x=\"%d\" y=\"%d\">%s</text></g>", TALL - 8, y + 15, gap);
}

void
chart_tall(const struct report *r, struct buf *b)
{
	enum milestone_id order[MS_N];
	size_t n = in_order(r, order);
	int at[MS_N] = { 26 };

	if (n == 0)
		return;
	for (size_t i = 1; i < n; i++) {
		int64_t gap =
			r->ms[order[i]].proof->rec.wall_ms - r->ms[order[i - 1]].proof->rec.wall_ms;

		at[i] = at[i - 1] + TALL_MIN + (int)(log_of(gap / 1000) * TALL_MORE / 256);
	}
	open_svg(b, "tall", TALL, at[n - 1] + 34,
		"Time line of the incident: its milestones one below the other");
	buf_fmt(b, "<path class=\"spine\" d=\"M%d %dV%d\"/>", TALL_X, at[0], at[n - 1]);
	for (size_t i = 0; i < n; i++)
		tall_one(r, b, &r->ms[order[i]], i > 0 ? &r->ms[order[i - 1]] : NULL, i + 1, at[i]);
	buf_str(b, "</svg>");
}
