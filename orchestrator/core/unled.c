/*
 * unled.c - mail that is away, or a run that is open, and no text in force that speaks of its flow:
 * a playbook was withdrawn, renamed, or edited so that the flow is gone. A run goes on with the
 * text that it began with, but nobody decides any more: nothing brings the mail home, no shelter
 * ends, and what a new era must read first is never read. So people hear of it.
 */
#include "core/engine.h"

#include <stdio.h>

enum { TOLD_AFTER_MS = 10000 }; /* all playbooks of a start are put into force meanwhile */

/* What is open, as the beginning of a sentence. */
static bool
is_away(const struct core *c, const struct lmachine *m, char *ret, size_t n)
{
	struct ledger *l = (struct ledger *)&c->l; /* it only looks */
	const struct lrun *run = ledger_open_run(l, m->playbook, m->flow),
			  *shelter = ledger_shelter(l, m->playbook, m->flow);
	enum life_state s = m->state == LS_SETTLING ? m->before : m->state;

	if (run == NULL)
		run = shelter;
	if (run != NULL)
		(void)snprintf(ret, n, "run %s is open", run->id);
	else
		(void)snprintf(
			ret, n, "it %s %s", s == m->state ? "is" : "was", life_state_name(s));
	return run != NULL ||
	       (s != LS_SETTLING && s != LS_NORMAL && s != LS_SUSPECT && s != LS_AWAITING);
}

bool
unled_why(const struct core *c, const struct lmachine *m, char *ret, size_t n)
{
	const struct book *b = book_find(c, m->playbook);
	char open[RUN_ID_MAX + 32];

	if ((b != NULL && b->m[m->flow].on) || ledger_ejected(&c->l, m->playbook) ||
		!is_away(c, m, open, sizeof open))
		return false;
	(void)snprintf(ret, n,
		"%s, and no playbook in force speaks of it: nothing watches it, brings mail home "
		"or ends a shelter; put %s with a procedure for this flow into force again",
		open, m->playbook);
	return true;
}

void
unled_later(struct core *c)
{
	c->unled_boot_ms = c->boot_ms + TOLD_AFTER_MS;
}

void
unled_all(struct core *c)
{
	if (c->unled_boot_ms > c->boot_ms)
		return;
	c->unled_boot_ms = INT64_MAX;
	for (size_t i = 0; i < c->l.machines_n; i++) {
		const struct lmachine *m = &c->l.machine[i];
		char why[WHY_LEN];

		if (unled_why(c, m, why, sizeof why))
			tell(c, m->playbook, SEV_ALARM, "%s %s: %s", m->playbook,
				flow_name(m->flow), why);
	}
}

int64_t
unled_wake(const struct core *c)
{
	return c->unled_boot_ms;
}
