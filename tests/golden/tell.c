/*
 * tell.c - `tests/table trace`: what the program made of a case, told instead of judged. One line
 * for each decision, one for each look, words parted by tabs, so that another program
 * (tests/oracle) can hold its own answer against it.
 *
 *   did   TIME ROW EVENT FROM TO ACT PROCEDURE EXIT REASONS      a row was applied, or a person's
 * order was answered held  TIME REASONS                                           nothing was done;
 * what stands in the way seen  TIME STATE SIGHT                                       a look: the
 * state, and `sees` or why it is blind diag  TIME NAME MET CONFIRMED CLEARED KNOWN GROUPS
 * GROUPS-KNOWN RECEIVERS SHARE CLASS path  TIME NAME ok|unfit|neither
 *
 * Times are milliseconds, shares hundredths of a per cent; what there is none of is `-`.
 */
#include "golden/story.h"

#include <inttypes.h>
#include <stdio.h>

static void
put_reasons(const char *said)
{
	bool any = false;

	for (; said != NULL && *said != '\0'; said++, any = true) {
		if (*said == '\n')
			(void)fputs(said[1] != '\0' ? " | " : "", stdout);
		else
			(void)putchar(*said == '\t' ? ' ' : *said);
	}
	(void)puts(any ? "" : "-");
}

static void
tell_done(const struct done *d)
{
	const struct life_row *r = d->row;

	if (!d->applied && d->exit < 0) {
		printf("held\t%" PRId64 "\t", d->t);
	} else {
		printf("did\t%" PRId64 "\t%d\t%s\t%s\t%s\t%s\t%s\t%d\t", d->t, r ? r->id : 0,
			r ? life_event_name(r->event) : "-", r ? life_state_name(r->from) : "-",
			r ? life_state_name(r->to) : "-",
			!d->applied ? "refused"
			: r	    ? life_do_name(r->act)
				    : "-",
			d->procedure ? d->procedure->name : "-", d->exit);
	}
	put_reasons(d->said);
}

void
tell_trace(struct story *st)
{
	while (st->told_n < st->m.trace_n)
		tell_done(&st->m.trace[st->told_n++]);
}

void
tell_look(struct story *st, int64_t t)
{
	const struct evidence *e = st->m.ev;
	const struct playbook *pb = st->m.pb;
	const char *blind = evidence_blind(e);

	tell_trace(st);
	printf("seen\t%" PRId64 "\t%s\t%s\n", t, life_state_name(st->m.f.state),
		blind ? blind : "sees");
	for (size_t i = 0; i < st->views_n; i++) {
		const struct diag_view *v = &st->view[i];

		printf("diag\t%" PRId64 "\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%" PRId64 "\t%s\n", t,
			v->d->name, v->met, v->confirmed, v->cleared, v->known, v->groups_bad,
			v->groups_known, v->receivers_bad, v->share_bp,
			v->only_class ? v->only_class : "-");
	}
	for (size_t i = 0; i < pb->paths_n; i++) {
		const struct path *p = &pb->paths[i];

		printf("path\t%" PRId64 "\t%s\t%s\n", t, p->name,
			evidence_path_ok(e, p, st->m.f.flow)	  ? "ok"
			: evidence_path_unfit(e, p, st->m.f.flow) ? "unfit"
								  : "neither");
	}
}
