/*
 * stands.c - does what this run has done still stand? Asked of the targets themselves before a
 * proof counts, and when a wait is not met.
 *
 * A message that arrives proves a way. It does not prove that the permission for that way is still
 * there: somebody may have taken it out again since its step was verified. Such a value is a
 * conflict; it is shown and never written over.
 */
#include "core/engine.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { AGAIN_MS = 2000 };

/* --- values --- */

static bool
has_line(const char *value, const char *line, size_t n)
{
	const char *have;
	size_t m;

	while (text_line(&value, &have, &m))
		if (m == n && memcmp(have, line, n) == 0)
			return true;
	return false;
}

static bool
has_all(const char *value, const char *lines)
{
	const char *line;
	size_t n;

	while (text_line(&lines, &line, &n))
		if (!has_line(value, line, n))
			return false;
	return true;
}

/* Lines that are in value and not in want are TXT records, and no second SPF record, which would
 * make both void. */
static bool
adds_no_spf(const char *want, const char *value)
{
	static const char txt[] = "txt ", spf[] = "txt v=spf1";
	const char *line;
	size_t n;

	while (text_line(&value, &line, &n)) {
		if (has_line(want, line, n))
			continue;
		if (n < sizeof txt - 1 || memcmp(line, txt, sizeof txt - 1) != 0 ||
			(n >= sizeof spf - 1 && memcmp(line, spf, sizeof spf - 1) == 0))
			return false;
	}
	return true;
}

bool
value_stands(const char *resource, const char *want, const char *value)
{
	size_t n = strlen(resource);

	if (value_meets(resource, want, value))
		return true;
	return text_starts(resource, "dns.rrset ") && text_eq(resource + n - 4, " TXT") &&
	       want[0] != '\0' && has_all(value, want) && adds_no_spf(want, value);
}

/* --- the steps of a run --- */

/* A shelter ends by itself on the relay: its value says nothing of this run, which goes forward:
 * nothing of it is undone. */
static bool
leaves_value(const struct lrun *r, const struct vstep *v)
{
	return v->p->kind->class == STEP_STATE && run_lstep(r, v->p->id)->done &&
	       !text_starts(v->p->resource, "relay.park ");
}

/* The last step on its resource is the one whose value must be there. */
static bool
is_last(const struct live *l, const struct lrun *r, size_t i)
{
	const struct plan_step *p = l->step[i].p;

	for (size_t k = i + 1; k < l->n; k++)
		if (leaves_value(r, &l->step[k]) && l->step[k].p->target == p->target &&
			text_eq(l->step[k].p->resource, p->resource))
			return false;
	return true;
}

static const struct plan_step *
asked(struct core *c, struct vstep *v)
{
	const struct live *l = v->live;
	const struct lrun *r = ledger_run(&c->l, l->id);

	for (; r != NULL && v->stands_i < l->n; v->stands_i++)
		if (leaves_value(r, &l->step[v->stands_i]) && is_last(l, r, v->stands_i))
			return l->step[v->stands_i].p;
	return NULL;
}

bool
stands_all(struct core *c, struct vstep *v)
{
	const struct plan_step *p = asked(c, v);

	if (p == NULL)
		return true;
	if (!v->stands) {
		v->stands = true;
		v->next_boot_ms = c->boot_ms;
	}
	if (v->op == 0 && c->boot_ms >= v->next_boot_ms && c->boot_ms < v->limit_boot_ms)
		wait_look(c, v, p, READ_TARGET);
	return false;
}

void
stands_not(struct vstep *v, const struct plan_step *p)
{
	v->conflict = true;
	(void)snprintf(v->why, sizeof v->why,
		"%s at %s is not as this run left it: somebody else has changed it; nothing was "
		"overwritten",
		p->resource, p->target->name);
}

void
stands_read(struct core *c, struct vstep *v, const struct event *ev, bool late)
{
	const struct plan_step *p = asked(c, v);
	const char *silent = look_silent(ev, late);

	v->next_boot_ms = c->boot_ms + AGAIN_MS;
	if (p == NULL)
		return;
	if (silent != NULL) {
		if (!v->proven)
			return; /* what has not arrived is the better reason */
		(void)snprintf(v->why, sizeof v->why, "%s at %s cannot be read: %s", p->resource,
			p->target->name, silent);
		return;
	}
	if (change_marker_bad(c, p->target, ev->read.marker_store, ev->read.marker_lsn, false,
		    v->why, sizeof v->why)) {
		v->conflict = true;
	} else if (!value_stands(p->resource, p->want, look_value(ev))) {
		stands_not(v, p);
	} else {
		v->stands_i++;
		v->next_boot_ms = c->boot_ms;
	}
}
