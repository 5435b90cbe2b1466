/* lifecycle.c - the total table of states and events, what it must hold to, and how it is printed.
 */
#include "base/json.h"
#include "base/text.h"
#include "core/lifecycle.h"

/* WHEN of a row: which flags are looked at, and what they must be. */
enum {
	ALWAYS_MASK = 0,
	ALWAYS_WANT = 0,
	FREE_MASK = LF_PAUSED | LF_BLIND,
	FREE_WANT = 0,
	BRAKED_MASK = LF_PAUSED,
	BRAKED_WANT = LF_PAUSED,
	LOOSE_MASK = LF_PAUSED,
	LOOSE_WANT = 0,
	BLIND_MASK = LF_PAUSED | LF_BLIND,
	BLIND_WANT = LF_BLIND,
	SEEING_MASK = LF_BLIND,
	SEEING_WANT = 0,
	UNSEEING_MASK = LF_BLIND,
	UNSEEING_WANT = LF_BLIND,
};

static const struct life_row table[] = {
#define ROW(i, s, e, w, t, d, y)                                                                   \
	{ .id = (i),                                                                               \
		.from = LS_##s,                                                                    \
		.event = LE_##e,                                                                   \
		.flags_mask = w##_MASK,                                                            \
		.flags_want = w##_WANT,                                                            \
		.to = LS_##t,                                                                      \
		.act = LD_##d,                                                                     \
		.why = (y) },
#include "core/lifecycle.def"
#undef ROW
};

enum { TABLE_N = sizeof table / sizeof table[0], ID_STEP = 100 };

const struct life_row *
lifecycle_rows(size_t *ret_n)
{
	*ret_n = TABLE_N;
	return table;
}

/* --- names --- */

const char *
life_state_name(enum life_state s)
{
	static const char *const names[] = {
#define NAME(n, t) t,
		LIFE_STATES(NAME)
	};

	return s < LS_N ? names[s] : "?";
}

enum life_state
life_state_parse(const char *s)
{
	for (int i = 0; s != NULL && i < LS_N; i++)
		if (text_eq(life_state_name((enum life_state)i), s))
			return (enum life_state)i;
	return LS_N;
}

const char *
life_event_name(enum life_event e)
{
	static const char *const names[] = { LIFE_EVENTS(NAME) };
#undef NAME

	return e < LE_N ? names[e] : "?";
}

const char *
life_do_name(enum life_do d)
{
	static const char *const names[LD_N] = {
		[LD_STAY] = "stay",
		[LD_REFUSE] = "refuse",
		[LD_SHELTER] = "shelter",
		[LD_UNSHELTER] = "unshelter",
		[LD_ASK] = "ask",
		[LD_CUTOVER] = "cutover",
		[LD_FAILBACK] = "failback",
		[LD_ABORT] = "abort",
		[LD_CONTINUE] = "continue",
		[LD_ALARM] = "alarm",
		[LD_EJECT] = "eject",
	};

	return d < LD_N ? names[d] : "?";
}

static const char *
flags_name(unsigned flags)
{
	static const char *const names[LF_COMBINATIONS] = { "", "paused", "blind", "paused blind" };

	return names[flags % LF_COMBINATIONS];
}

/* --- look-up --- */

static const struct life_row *
cell(const struct life_row *rows, size_t n, enum life_state s, enum life_event e, unsigned flags)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].from == s && rows[i].event == e &&
			(flags & rows[i].flags_mask) == rows[i].flags_want)
			return &rows[i];
	return NULL;
}

const struct life_row *
lifecycle_next(enum life_state s, enum life_event e, unsigned flags)
{
	return cell(table, TABLE_N, s, e, flags);
}

const struct life_row *
lifecycle_row(int id)
{
	for (size_t i = 0; i < TABLE_N; i++)
		if (table[i].id == id)
			return &table[i];
	return NULL;
}

/* --- self-check --- */

static enum rc
check_row(const struct life_row *r, const struct life_row *before, struct err *err)
{
	if (r->from >= LS_N || r->to >= LS_N || r->event >= LE_N || r->act >= LD_N)
		return err_set(err, RC_INVALID, "row %d: no such state, event or act", r->id);
	if (before != NULL && r->id <= before->id)
		return err_set(err, RC_INVALID, "row %d stands after row %d: ids must rise", r->id,
			before->id);
	if (r->id / ID_STEP != (int)r->from + 1)
		return err_set(err, RC_INVALID, "row %d: ids of \"%s\" are %d to %d", r->id,
			life_state_name(r->from), ((int)r->from + 1) * ID_STEP,
			((int)r->from + 2) * ID_STEP - 1);
	if (r->why == NULL || r->why[0] == '\0')
		return err_set(err, RC_INVALID, "row %d does not say why", r->id);
	if (r->flags_mask >= LF_COMBINATIONS || (r->flags_want & ~r->flags_mask) != 0)
		return err_set(err, RC_INVALID, "row %d can never match its flags", r->id);
	if (r->act == LD_REFUSE && r->to != r->from)
		return err_set(err, RC_INVALID, "row %d refuses and moves", r->id);
	return RC_OK;
}

/* Each cell has its row, and each row is the first for one cell at least. */
static enum rc
check_total(const struct life_row *rows, size_t n, struct err *err)
{
	/* check_row has seen that ids rise, each in the hundred of its state */
	bool used[LS_N * ID_STEP] = { false };

	for (int s = 0; s < LS_N; s++) {
		for (int e = 0; e < LE_N; e++) {
			for (unsigned f = 0; f < LF_COMBINATIONS; f++) {
				const struct life_row *r =
					cell(rows, n, (enum life_state)s, (enum life_event)e, f);

				if (r == NULL)
					return err_set(err, RC_INVALID,
						"state \"%s\", event \"%s\"%s%s: no row",
						life_state_name((enum life_state)s),
						life_event_name((enum life_event)e),
						f != 0 ? ", " : "", flags_name(f));
				used[r - rows] = true;
			}
		}
	}
	for (size_t i = 0; i < n; i++)
		if (!used[i])
			return err_set(err, RC_INVALID,
				"row %d never matches: the rows above it take all", rows[i].id);
	return RC_OK;
}

/* States that can be reached from `from` by rows that do not refuse. */
static unsigned
reach(const struct life_row *rows, size_t n, enum life_state from)
{
	unsigned seen = 1u << from, before;

	do {
		before = seen;
		for (size_t i = 0; i < n; i++)
			if (rows[i].act != LD_REFUSE && (seen & (1u << rows[i].from)) != 0)
				seen |= 1u << rows[i].to;
	} while (seen != before);
	return seen;
}

static enum rc
check_paths(const struct life_row *rows, size_t n, struct err *err)
{
	unsigned all = reach(rows, n, LS_SETTLING);

	for (int s = 0; s < LS_N; s++) {
		const char *name = life_state_name((enum life_state)s);

		if ((all & (1u << s)) == 0)
			return err_set(err, RC_INVALID, "state \"%s\" cannot be reached", name);
		if ((reach(rows, n, (enum life_state)s) & (1u << LS_NORMAL)) == 0)
			return err_set(err, RC_INVALID,
				"state \"%s\" is a trap: no way leads back to normal", name);
	}
	return RC_OK;
}

enum rc
lifecycle_check_rows(const struct life_row *rows, size_t n, struct err *err)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < n; i++)
		rc = check_row(&rows[i], i > 0 ? &rows[i - 1] : NULL, err);
	if (rc == RC_OK)
		rc = check_total(rows, n, err);
	if (rc == RC_OK)
		rc = check_paths(rows, n, err);
	return rc;
}

enum rc
lifecycle_selfcheck(struct err *err)
{
	enum rc rc = lifecycle_check_rows(table, TABLE_N, err);

	if (rc != RC_OK)
		(void)err_prefix(err, "the lifecycle table is wrong");
	return rc;
}

/* --- printing --- */

/* What only stays and does nothing is no edge: the picture shows what moves or acts. */
static bool
drawn(const struct life_row *r)
{
	return r->act != LD_REFUSE && (r->to != r->from || r->act != LD_STAY);
}

void
lifecycle_dot(struct buf *b)
{
	buf_str(b,
		"digraph lifecycle {\n\trankdir=LR;\n\tnode [shape=box, fontname=\"sans-serif\"];\n"
		"\tedge [fontname=\"sans-serif\", fontsize=9];\n");
	for (int s = 0; s < LS_N; s++)
		buf_fmt(b, "\t\"%s\"%s;\n", life_state_name((enum life_state)s),
			s == LS_SETTLING  ? " [style=dashed]"
			: s == LS_BLOCKED ? " [style=bold]"
					  : "");
	for (size_t i = 0; i < TABLE_N; i++) {
		const struct life_row *r = &table[i];

		if (!drawn(r))
			continue;
		buf_fmt(b, "\t\"%s\" -> \"%s\" [label=\"%d %s", life_state_name(r->from),
			life_state_name(r->to), r->id, life_event_name(r->event));
		if (r->act != LD_STAY)
			buf_fmt(b, " / %s", life_do_name(r->act));
		buf_str(b, "\"];\n");
	}
	buf_str(b, "}\n");
}

static void
put_cell(struct buf *b, struct jw *w, const struct life_row *r, unsigned flags)
{
	if (w == NULL) {
		buf_fmt(b, "%4d  %-17s  %-21s  %-12s  ", r->id, life_state_name(r->from),
			life_event_name(r->event), flags_name(flags));
		buf_fmt(b, "%-17s  %-9s  %s\n", r->act == LD_REFUSE ? "-" : life_state_name(r->to),
			life_do_name(r->act), r->why);
		return;
	}
	jw_open(w, NULL, '{');
	jw_int(w, "row", r->id);
	jw_str(w, "state", life_state_name(r->from));
	jw_str(w, "event", life_event_name(r->event));
	jw_bool(w, "paused", (flags & LF_PAUSED) != 0);
	jw_bool(w, "blind", (flags & LF_BLIND) != 0);
	jw_str(w, "to", life_state_name(r->to));
	jw_str(w, "act", life_do_name(r->act));
	jw_str(w, "why", r->why);
	jw_close(w, '}');
}

struct tally {
	int transitions, refusals, empty;
};

static void
put_cells(struct buf *b, struct jw *w, struct tally *t)
{
	for (int s = 0; s < LS_N; s++) {
		for (int e = 0; e < LE_N; e++) {
			for (unsigned f = 0; f < LF_COMBINATIONS; f++) {
				const struct life_row *r =
					lifecycle_next((enum life_state)s, (enum life_event)e, f);

				if (r == NULL) {
					t->empty++;
					continue;
				}
				t->refusals += r->act == LD_REFUSE;
				t->transitions += r->act != LD_REFUSE;
				put_cell(b, w, r, f);
			}
		}
	}
}

void
lifecycle_cells(struct buf *b, bool json, int *ret_empty)
{
	struct tally t = { 0, 0, 0 };
	int cells = LS_N * LE_N * LF_COMBINATIONS;
	struct jw w;

	if (json) {
		jw_init(&w, b);
		jw_open(&w, NULL, '{');
		jw_open(&w, "cells", '[');
	}
	put_cells(b, json ? &w : NULL, &t);
	if (json) {
		jw_close(&w, ']');
		jw_int(&w, "states", LS_N);
		jw_int(&w, "events", LE_N);
		jw_int(&w, "flags", LF_COMBINATIONS);
		jw_int(&w, "transitions", t.transitions);
		jw_int(&w, "refusals", t.refusals);
		jw_int(&w, "empty", t.empty);
		jw_close(&w, '}');
		buf_char(b, '\n');
	} else {
		buf_fmt(b, "%d × %d × %d = %d cells: %d transitions, %d refusals, %d empty\n", LS_N,
			LE_N, LF_COMBINATIONS, cells, t.transitions, t.refusals, t.empty);
	}
	*ret_empty = t.empty;
}
