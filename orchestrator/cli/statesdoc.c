/* statesdoc.c - each cell is asked from the machine itself, so what is printed is what would
 * happen. */
#include "cli/statesdoc.h"

#include "base/text.h"
#include "core/lifecycle.h"

enum { WHOLE = (1 << LF_COMBINATIONS) - 1 };

/* When a row holds, from the combinations of flags that lead to it: bit (paused | blind << 1). */
static const char *
when(unsigned combinations)
{
	static const char *const words[WHOLE + 1] = {
		[1u << 0] = "neither paused nor blind",
		[1u << LF_PAUSED] = "paused, not blind",
		[1u << LF_BLIND] = "blind, not paused",
		[1u << (LF_PAUSED | LF_BLIND)] = "paused and blind",
		[1u << 0 | 1u << LF_PAUSED] = "not blind",
		[1u << 0 | 1u << LF_BLIND] = "not paused",
		[1u << LF_PAUSED | 1u << (LF_PAUSED | LF_BLIND)] = "paused",
		[1u << LF_BLIND | 1u << (LF_PAUSED | LF_BLIND)] = "blind",
		[1u << LF_PAUSED | 1u << LF_BLIND | 1u << (LF_PAUSED | LF_BLIND)] =
			"paused or blind",
		[WHOLE] = "",
	};

	return words[combinations] != NULL ? words[combinations] : "some";
}

/* A bar would end a cell of the table. */
static void
put_cell(struct buf *b, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '|')
			buf_char(b, '\\');
		buf_char(b, *s);
	}
}

static void
put_row(struct buf *b, const struct life_row *r, unsigned combinations)
{
	bool refused = r->act == LD_REFUSE;

	buf_fmt(b, "| %d | `%s` | %s | %s%s%s | %s | ", r->id, life_event_name(r->event),
		when(combinations), refused ? "" : "`",
		refused ? "refused" : life_state_name(r->to), refused ? "" : "`",
		refused ? "" : life_do_name(r->act));
	put_cell(b, r->why);
	buf_str(b, " |\n");
}

/* The rows of one cell in the order in which they are tried; flags that share a row share a line.
 */
static void
put_event(struct buf *b, enum life_state s, enum life_event e)
{
	unsigned seen = 0;

	for (unsigned f = 0; f < LF_COMBINATIONS; f++) {
		const struct life_row *r = lifecycle_next(s, e, f);
		unsigned same = 0;

		if (r == NULL || (seen & 1u << f) != 0)
			continue;
		for (unsigned g = f; g < LF_COMBINATIONS; g++)
			if (lifecycle_next(s, e, g) == r)
				same |= 1u << g;
		seen |= same;
		put_row(b, r, same);
	}
}

void
statesdoc_put(struct buf *b)
{
	buf_str(b, "# The state machine\n\nGenerated from `orchestrator/core/lifecycle.def` (`make "
		   "docs`): every state, every event, and which row answers, "
		   "with or without\nthe flags *paused* and *blind*. `ferryman machine --cells` "
		   "prints and counts the same cells. The number of a row "
		   "stands in the\njournal, in logs and in reports.\n\n");
	for (int s = 0; s < LS_N; s++) {
		buf_fmt(b,
			"## %s\n\n| row | event | when | next state | what it leads to | why "
			"|\n|---|---|---|---|---|---|\n",
			life_state_name((enum life_state)s));
		for (int e = 0; e < LE_N; e++)
			put_event(b, (enum life_state)s, (enum life_event)e);
		buf_char(b, '\n');
	}
	buf_str(b, "## Diagram\n\nGraphviz: `ferryman machine --dot | dot -Tsvg`.\n\n```dot\n");
	lifecycle_dot(b);
	buf_str(b, "```\n");
}
