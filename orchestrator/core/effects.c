/* effects.c - count the effects of a run, and say the number. */
#include "core/effects.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>

void
effects_note(struct effects *e, const struct record *r)
{
	if (r->type != REC_INTENT)
		return;
	e->sent++;
	e->undo += text_eq(json_str(r->body, "dir"), "undo");
}

void
effects_text(const struct effects *e, char ret[EFFECTS_TEXT])
{
	if (e->undo > 0)
		(void)snprintf(ret, EFFECTS_TEXT,
			"effects sent: %" PRId64 ", of them %" PRId64 " to undo", e->sent, e->undo);
	else
		(void)snprintf(ret, EFFECTS_TEXT, "effects sent: %" PRId64, e->sent);
}

void
effects_put(const struct effects *e, struct jw *w)
{
	jw_int(w, "effects_sent", e->sent);
	jw_int(w, "effects_undo", e->undo);
}
