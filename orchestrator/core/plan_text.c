/* plan_text.c - a plan for people: notes (what moves, what stays, how long), and the diff step by
 * step. */
#include "base/text.h"
#include "core/planning.h"

#include <string.h>

static const char *
duration(const struct planning *p, int64_t ms)
{
	struct buf b;
	const char *text;

	buf_init(&b, p->mem, 64);
	num_put_duration(&b, ms);
	text = arena_str(p->a, buf_text(&b));
	buf_fini(&b);
	return text;
}

static void
note_routes(struct planning *p)
{
	const struct path *from = p->dir == PLAN_OUT ? p->pb->primary : p->proc->to;
	const struct path *to = p->dir == PLAN_OUT ? p->proc->to : p->pb->primary;
	bool tenant = false, hub = false;

	for (size_t i = 0; i < p->proc->steps_n; i++) {
		const struct step *s = &p->proc->steps[i];

		for (size_t k = 0; text_eq(s->kind, "outbound.switch") && k < s->at_n; k++) {
			bool is_tenant = (s->at[k]->info->caps & CAP_TENANT_CONNECTOR) != 0;

			tenant = tenant || is_tenant;
			hub = hub || !is_tenant;
			planning_note(p, "%s -> outside, submitted at %s: %s before, %s after",
				is_tenant ? "users" : "applications", s->at[k]->name, from->name,
				to->name);
			if (is_tenant && cfg_row(s->at[k]->cfg, "propagation") != NULL &&
				cfg_int(s->at[k]->cfg, "propagation") > 0)
				planning_note(p, "%s may take up to %s to take effect everywhere",
					s->at[k]->name,
					duration(p, cfg_int(s->at[k]->cfg, "propagation")));
		}
	}
	if (p->proc->flow != FLOW_OUTBOUND || p->proc->kind != PROC_CUTOVER)
		return;
	for (size_t d = 0; d < p->pb->domains_n; d++)
		planning_note(p, "anybody -> %s: stays on its own way, never through the backup",
			p->pb->domains[d]);
	if (!tenant)
		planning_note(p, "stays behind: what mailbox users send (no tenant among the "
				 "switch points)");
	if (!hub)
		planning_note(
			p, "stays behind: what applications send (no hub among the switch points)");
}

static void
note_classes(struct planning *p)
{
	for (size_t i = 0; i < p->steps_n; i++) {
		const struct target *t = p->step[i].target;
		bool seen = false;

		for (size_t k = 0; k < i; k++)
			seen = seen || p->step[k].target == t;
		if (t == NULL || seen || t->info->fence != FENCE_U)
			continue;
		planning_note(p,
			"%s cannot refuse a late request (class U): before each next change there "
			"ferryman waits until %lld s after the last one, and reads",
			t->name,
			(long long)((plan_effect_ms(&p->step[i]) + t->info->drain_ms) / 1000));
	}
}

static void
note_eject(struct planning *p)
{
	planning_note(p, "the brake is put on with it and stays on: nothing starts by itself until "
			 "`ferryman resume` takes ferryman in again");
	planning_note(p, "other people's records, maps and connectors stay as they are now");
	planning_note(p,
		"what setup made (key, account, connector, rule) stays too: `ferryman setup "
		"TARGET PLAYBOOK --print` ends with how to remove it");
	note_classes(p);
}

void
planning_notes(struct planning *p)
{
	const struct path *to = p->proc->to;

	if (p->dir == PLAN_EJECT) {
		note_eject(p);
		return;
	}
	note_routes(p);
	note_classes(p);
	if (p->proc->kind == PROC_SHELTER || p->dir == PLAN_BACK) {
		if (p->dir == PLAN_BACK && p->proc->flow == FLOW_OUTBOUND &&
			p->proc->kind == PROC_CUTOVER)
			planning_note(p,
				"SPF: %s stays authorised after the failback; a procedure with "
				"spf.withdraw takes it out",
				to->name);
		return;
	}
	if (p->proc->flow == FLOW_OUTBOUND) {
		planning_note(p,
			"%s is cold: it sends nothing in peace time, so expect receivers to slow "
			"it down at first",
			to->name);
		planning_note(p,
			"mail that %s has already taken cannot be moved: it waits or expires there",
			p->pb->primary->name);
		if (to->relay.cfg != NULL &&
			(cfg_has(to->relay.cfg, "quota") || cfg_has(to->relay.cfg, "rate") ||
				cfg_has(to->relay.cfg, "size")))
			planning_note(p, "declared, not proven: the quota, rate and size of %s",
				to->name);
	} else if (to->inbound.spool) {
		planning_note(p,
			"%s keeps mail and passes it on to %s; users read nothing new until then",
			to->name, to->inbound.onward);
	}
	for (size_t i = 0; i < p->steps_n; i++)
		if (p->step[i].wait_ms > 0 && text_eq(p->step[i].kind->kind, "wait.published"))
			planning_note(p,
				"resolvers that ignore TTLs may use the old %s longer than %lld s",
				p->step[i].resource, (long long)(p->step[i].wait_ms / 1000));
}

static void
put_lines(struct buf *b, const char *value, const char *other, char sign, bool colour)
{
	const char *line;
	size_t n;

	while (text_line(&value, &line, &n)) {
		const char *o = other, *l;
		size_t m;
		bool both = false;

		while (!both && text_line(&o, &l, &m))
			both = m == n && memcmp(l, line, n) == 0;
		if (both)
			continue;
		buf_fmt(b, "            %s%c %.*s%s\n",
			!colour	      ? ""
			: sign == '-' ? "\033[31m"
				      : "\033[32m",
			sign, (int)n, line, colour ? "\033[0m" : "");
	}
}

/* "10/1000": a number in so many milliseconds. */
static bool
is_rate(const char *s, size_t n, struct rate *ret)
{
	char text[48], *slash;

	if (n >= sizeof text)
		return false;
	memcpy(text, s, n);
	text[n] = '\0';
	slash = strchr(text, '/');
	if (slash == NULL)
		return false;
	*slash = '\0';
	return num_int(text, &ret->count) && num_int(slash + 1, &ret->per_ms);
}

/* "rate 10/1000" and "per_receiver 2/1000", as a playbook says it; anything else as it stands. */
static void
put_options(struct buf *b, const char *options)
{
	const char *line, *before = ": ";
	size_t n;

	while (text_line(&options, &line, &n)) {
		const char *value = memchr(line, ' ', n);
		struct rate r;

		buf_str(b, before);
		before = ", ";
		if (value == NULL || !is_rate(value + 1, n - (size_t)(value + 1 - line), &r)) {
			buf_add(b, line, n);
			continue;
		}
		num_put_rate(b, r);
		buf_str(b, text_starts(line, "per_receiver ") ? " for each receiver" : "");
	}
}

static void
put_step(struct buf *b, const struct plan *p, const struct plan_step *s, bool colour)
{
	const struct path *from = plan_leaves(p);

	buf_fmt(b, "  %-9s %s%s\n", s->id, s->name,
		s->pivot ? "   <- pivot: from here on abort is failback" : "");
	if (s->kind->class == STEP_STATE) {
		buf_fmt(b, "            %s at %s%s\n", s->resource, s->target->name,
			text_eq(s->base, s->want) ? ": already so" : "");
		put_lines(b, s->base, s->want, '-', colour);
		put_lines(b, s->want, s->base, '+', colour);
	} else if (s->kind->class == STEP_ACT) {
		buf_fmt(b, "            %s at %s", s->resource, s->target->name);
		put_options(b, s->options);
		buf_char(b, '\n');
	} else if (s->kind->class == STEP_VERIFY) {
		buf_fmt(b, "            a message through %s%s must arrive with dmarc=pass",
			s->through != NULL ? s->through->name : "?",
			s->production ? ", submitted as production," : "");
		if (s->receivers > 0)
			buf_fmt(b, " at %d receiver%s, and wherever no harm is seen through %s",
				s->receivers, s->receivers == 1 ? "" : "s",
				from != NULL ? from->name : "the other path");
		buf_char(b, '\n');
	} else if (s->wait_ms > 0) {
		buf_str(b, "            ");
		buf_str(b, s->target != NULL ? "every authoritative server shows it, then " : "");
		num_put_duration(b, s->wait_ms);
		buf_char(b, '\n');
	} else if (s->target != NULL) {
		buf_fmt(b, "            %s at %s\n", s->resource, s->target->name);
	}
}

static void
put_head(struct buf *b, const struct plan *p)
{
	const struct path *home = p->pb->primary, *away = p->proc->to;

	if (p->dir == PLAN_EJECT) {
		buf_fmt(b, "Plan: take ferryman out of %s (all of %s)\n", p->pb->domains[0],
			p->pb->name);
		return;
	}
	buf_fmt(b, "Plan: %sprocedure %s of playbook %s: %s mail",
		p->dir == PLAN_BACK ? "failback of " : "", p->proc->name, p->pb->name,
		flow_name(p->proc->flow));
	if (away != NULL)
		buf_fmt(b, " from %s to %s", p->dir == PLAN_OUT ? home->name : away->name,
			p->dir == PLAN_OUT ? away->name : home->name);
	buf_char(b, '\n');
}

void
plan_text(const struct plan *p, struct buf *b, bool colour)
{
	put_head(b, p);
	for (size_t i = 0; i < p->steps_n; i++)
		put_step(b, p, &p->steps[i], colour);
	for (size_t i = 0; i < p->notes_n; i++)
		buf_fmt(b, "%s%s\n", i == 0 ? "Notes:\n  - " : "  - ", p->notes[i]);
	buf_str(b, "Expected time of the waits: ");
	num_put_duration(b, p->expect_ms);
	buf_fmt(b, "\nHash: %s\n", p->hash);
}
