/* byhand.c - a plan as commands that a person can type, step by step, for the day when ferryman is
 * not there. What is typed at a target its connector knows. */
#include "cli/byhand.h"

#include "connector.h"
#include "os/stdmem.h"

#include <stdio.h>

void
byhand_put(const struct plan *plan, struct buf *b)
{
	const struct path *from = plan_leaves(plan);
	char wait[64];

	for (size_t i = 0; i < plan->steps_n; i++) {
		const struct plan_step *s = &plan->steps[i];
		const struct connector *kind =
			s->target != NULL ? registry_find(s->target->info->name) : NULL;

		buf_fmt(b, "# %s: %s\n", s->id, s->name);
		if (s->kind->class == STEP_VERIFY) {
			buf_fmt(b,
				"#   send a message through %s to a mailbox outside, and look "
				"there for dmarc=pass\n",
				s->through != NULL ? s->through->name : "the path");
			if (s->receivers > 0)
				buf_fmt(b,
					"#   at %d receiver%s; where it does not arrive, mail "
					"through %s must not arrive either\n",
					s->receivers, s->receivers == 1 ? "" : "s",
					from != NULL ? from->name : "the other path");
		} else if (s->kind->class == STEP_WAIT) {
			struct buf d;

			buf_init(&d, &stdmem, 64);
			num_put_duration(&d, s->wait_ms);
			(void)snprintf(wait, sizeof wait, "%s", buf_text(&d));
			buf_fini(&d);
			if (s->wait_ms > 0)
				buf_fmt(b, "sleep %lld # %s\n",
					(long long)((s->wait_ms + 999) / 1000), wait);
			else
				buf_fmt(b, "#   wait until it is so: %s\n", s->kind->doc);
		} else if (kind != NULL) {
			kind->by_hand(s->target->cfg,
				&(struct effect){ .resource = s->resource,
					.dir = CONN_DO,
					.base = s->base,
					.version = "",
					.want = s->want,
					.store = "",
					.options = s->options != NULL ? s->options : "" },
				b);
		}
	}
}
