/* decide_command.c - what a person may do now: rights, overrides, the row of the lifecycle, and the
 * guards of each verb. */
#include "base/text.h"
#include "core/deciding.h"
#include "base/planted.h"

#include <stddef.h>

enum { EXIT_DONE, EXIT_USAGE = 2, EXIT_GUARD = 3, EXIT_BLOCKED = 4, EXIT_PENDING = 5 };

struct command {
	const struct facts *f;
	const struct cmd_facts *c;
	struct decision *d;
	int *exit;
};

/* What each verb needs: its event and the right. */
struct verb_row {
	enum verb verb;
	enum life_event event;
	unsigned may; /* one of these is enough */
};
static const struct verb_row verb_rows[] = {
	{ VERB_CUTOVER, LE_CMD_CUTOVER, MAY_RUN },
	{ VERB_FAILBACK, LE_CMD_FAILBACK, MAY_RUN },
	{ VERB_CONTINUE, LE_CMD_CONTINUE, MAY_RUN },
	{ VERB_EJECT, LE_CMD_EJECT, MAY_RUN },
	{ VERB_APPROVE, LE_CMD_APPROVE, MAY_APPROVE },
	{ VERB_DENY, LE_CMD_DENY, MAY_APPROVE },
	{ VERB_ABORT, LE_CMD_ABORT, MAY_BRAKE },
	{ VERB_PAUSE, LE_CMD_PAUSE, MAY_BRAKE },
	{ VERB_RESUME, LE_CMD_RESUME, MAY_BRAKE },
	{ VERB_ACK, LE_CMD_ACK, MAY_RUN | MAY_APPROVE | MAY_BRAKE },
};

/* The row that stands for a guard's no; which guard is in the reasons. */
static const struct life_row by_guard = { .act = LD_REFUSE, .why = "a guard stands in the way" };

static bool
no(struct command *m, int exit)
{
	m->d->any = false;
	m->d->event = LE_N;
	if (m->d->row == NULL || m->d->row->act != LD_REFUSE)
		m->d->row = &by_guard;
	m->d->procedure = NULL;
	*m->exit = exit;
	return false;
}

static bool
overridden(const struct command *m, enum guard g)
{
	for (size_t i = 0; i < m->c->overrides_n; i++)
		if (text_eq(m->c->overrides[i], guard_name(g)))
			return true;
	return false;
}

static bool
overrides_known(struct command *m)
{
	const char *const *guards = decide_guards();

	for (size_t i = 0; i < m->c->overrides_n; i++) {
		const char *name = m->c->overrides[i], *near = text_nearest(name, guards, GUARD_N);
		bool known = false;

		for (int g = 0; g < GUARD_N; g++)
			known = known || text_eq(guards[g], name);
		if (known)
			continue;
		decision_reason(m->d,
			"override \"%.60s\" is no guard's name%s%s; there are pause, "
			"blind, cooldown, budget, blackout, unfit, soak, queues",
			name, near != NULL ? ", did you mean " : "", near != NULL ? near : "");
		return no(m, EXIT_USAGE);
	}
	return true;
}

static const char *
rights_text(unsigned may)
{
	return may == MAY_RUN	    ? "run"
	       : may == MAY_APPROVE ? "approve"
	       : may == MAY_BRAKE   ? "brake"
				    : "run, approve or brake";
}

static bool
permitted(struct command *m, const struct verb_row *v)
{
	const struct person *p = playbook_person(m->f->pb, m->c->user);

	if (m->c->owner || (p != NULL && (p->may & v->may) != 0) || PLANTED(ANYBODY_MAY) ||
		(PLANTED(ANYBODY_ABORTS) && v->verb == VERB_ABORT) ||
		(PLANTED(ANYBODY_RESUMES) && v->verb == VERB_RESUME) ||
		(PLANTED(ANYBODY_CONTINUES) && v->verb == VERB_CONTINUE) ||
		(PLANTED(ANYBODY_EJECTS) && v->verb == VERB_EJECT) ||
		(PLANTED(ANY_RIGHT) && p != NULL))
		return true;
	decision_reason(m->d, "%s may not %s: people of playbook %s need `may: [%s]` for it",
		m->c->user != NULL ? m->c->user : "nobody", verb_name(v->verb), m->f->pb->name,
		rights_text(v->may));
	return no(m, EXIT_GUARD);
}

/* What was said is said once, in time, and of the plan that was shown. */
static bool
bound(struct command *m)
{
	if (m->c->expired && !PLANTED(EXPIRED_COUNTS)) {
		decision_reason(m->d, "this %s has expired: look at the plan and say it again",
			verb_name(m->c->verb));
		return no(m, EXIT_GUARD);
	}
	if (m->c->replayed) {
		decision_reason(
			m->d, "this %s was used before: each counts once", verb_name(m->c->verb));
		return no(m, EXIT_GUARD);
	}
	if (!m->c->plan_matches && !PLANTED(ANY_PLAN)) {
		decision_reason(m->d,
			"the plan is not the one that was shown: look at it again (`plan`), then "
			"say %s",
			verb_name(m->c->verb));
		return no(m, EXIT_GUARD);
	}
	return true;
}

/* A guard that an override may name. */
static bool
guard(struct command *m, enum guard g, bool stands, const char *sentence)
{
	if (!stands)
		return true;
	if (overridden(m, g)) {
		decision_reason(m->d, "%s: bypassed by override: %s", guard_name(g), sentence);
		return true;
	}
	decision_reason(
		m->d, "%s: %s (override %s bypasses it)", guard_name(g), sentence, guard_name(g));
	return no(m, EXIT_GUARD);
}

static bool
refuse(struct command *m, int exit, const char *sentence)
{
	decision_reason(m->d, "%s", sentence);
	return no(m, exit);
}

/* --- by verb --- */

static bool
may_write(struct command *m, const struct procedure *p)
{
	if (m->f->pb->mode == MODE_OBSERVE)
		return refuse(m, EXIT_GUARD,
			"mode: observe never writes: set mode: approve in the playbook first");
	if (p == NULL)
		return refuse(m, EXIT_USAGE, "the playbook has no cut-over for this flow");
	m->d->procedure = p;
	return true;
}

static bool
may_cutover(struct command *m)
{
	if (m->f->state == LS_BLOCKED && m->f->run == RUN_IS_BLOCKED)
		return refuse(m, EXIT_BLOCKED,
			"blocked: a run of this flow is open: `continue` or `abort` it, or "
			"`failback` after its pivot");
	return may_write(m, playbook_cutover(m->f->pb, m->f->flow)) &&
	       guard(m, GUARD_UNFIT, m->f->backup_unfit,
		       "the backup is known to be bad by its own evidence");
}

static bool
may_failback(struct command *m)
{
	const struct procedure *p = playbook_cutover(m->f->pb, m->f->flow);
	bool soaked, drained;

	if (m->f->state == LS_BLOCKED && m->f->run == RUN_IS_BLOCKED && m->f->run_is_failback)
		return refuse(m, EXIT_BLOCKED,
			"blocked: the failback itself is blocked: `continue` or `abort` it");
	if (m->f->state == LS_BLOCKED && m->f->run == RUN_IS_BLOCKED && !m->f->run_pivoted)
		return refuse(m, EXIT_BLOCKED,
			"blocked: the cut-over is before its pivot: `abort` undoes it");
	if (!may_write(m, p))
		return false;
	soaked = guard(m, GUARD_SOAK, !m->f->primary_ok || !m->f->primary_soaked,
		m->f->primary_ok ? "the primary was not healthy for the whole soak yet"
				 : "the primary is not known to be healthy");
	drained =
		guard(m, GUARD_QUEUES, queues_wait(m->f, p), "mail still waits in queues of ours");
	return soaked &&
	       drained; /* both are named: who asks twice in an outage asks once too often */
}

static bool
may_abort(struct command *m)
{
	bool back = m->f->state == LS_FAILING_BACK ||
		    (m->f->state != LS_CUTTING && m->f->run_is_failback);

	if (m->f->state == LS_BLOCKED && m->f->run != RUN_IS_BLOCKED)
		return refuse(m, EXIT_BLOCKED,
			"blocked: no run is open, the targets show a mixture: say `cutover` or "
			"`failback`");
	if ((m->f->run != RUN_FORWARD_PIVOTED && !m->f->run_pivoted) || PLANTED(ABORT_ANY))
		return true;
	return refuse(m, EXIT_GUARD,
		back ? "the failback is past its pivot: let it end, then use cutover"
		     : "the run is past its pivot: use failback");
}

static bool
may_continue(struct command *m)
{
	if (m->f->state != LS_BLOCKED || m->f->run == RUN_IS_BLOCKED)
		return true;
	return refuse(m, EXIT_BLOCKED,
		"blocked: no run is open that could go on; the targets show a mixture: say "
		"`cutover` or `failback`");
}

static bool
is_pending(struct command *m)
{
	if (m->f->state != LS_RECOVERING || m->f->asked_wall_ms > 0)
		return true;
	return refuse(m, EXIT_GUARD,
		"no plan is pending: the failback is asked for after the soak, or use failback");
}

static bool
may_approve(struct command *m)
{
	if (!is_pending(m))
		return false;
	if (m->c->already)
		return refuse(m, EXIT_PENDING,
			"you have approved this plan already; it waits for others");
	decision_reason(m->d, "approval: %d of %d", m->f->approvals + 1,
		m->f->approvals_needed > 0 ? m->f->approvals_needed : 1);
	*m->exit = m->f->approvals + 1 < m->f->approvals_needed ? EXIT_PENDING : EXIT_DONE;
	return true;
}

static bool
may_eject(struct command *m)
{
	if (m->f->shelter_open)
		return refuse(m, EXIT_GUARD, "a shelter is in force: its mail must go out first");
	if (m->f->pb->mode == MODE_OBSERVE)
		return refuse(m, EXIT_GUARD,
			"mode: observe never writes: there is nothing of ours at the targets");
	return guard(m, GUARD_QUEUES, m->f->relay_holds != NULL, m->f->relay_holds);
}

static bool
by_verb(struct command *m)
{
	switch (m->c->verb) {
	case VERB_CUTOVER:
		return may_cutover(m);
	case VERB_FAILBACK:
		return may_failback(m);
	case VERB_ABORT:
		return may_abort(m);
	case VERB_CONTINUE:
		return may_continue(m);
	case VERB_APPROVE:
		return may_approve(m);
	case VERB_DENY:
		return is_pending(m);
	case VERB_EJECT:
		return may_eject(m);
	case VERB_PAUSE:
	case VERB_RESUME:
	case VERB_ACK:
	case VERB_STATUS:
	case VERB_PLAN:
	case VERB_DRILL:
	case VERB_N:
		break;
	}
	return true;
}

/* The row, with the brake out of the way when the command names it (reliability.md, invariant 17).
 */
static bool
row_allows(struct command *m, const struct verb_row *v)
{
	unsigned flags = facts_flags(m->f);
	const struct life_row *row;

	if (overridden(m, GUARD_PAUSE) && v->verb != VERB_PAUSE && v->verb != VERB_RESUME)
		flags &= ~(unsigned)LF_PAUSED;
	row = lifecycle_next(m->f->state, v->event, flags);
	m->d->row = row;
	if (row == NULL || row->act == LD_REFUSE) {
		if (row != NULL && m->f->paused != NULL && (row->flags_want & LF_PAUSED) != 0)
			decision_reason(m->d, "pause: %s [%s]", row->why, m->f->paused);
		else if (row != NULL)
			decision_reason(m->d, "row %d: %s", row->id, row->why);
		return no(m, EXIT_GUARD);
	}
	if (m->f->paused != NULL && (flags & LF_PAUSED) == 0)
		decision_reason(m->d, "pause: bypassed by override [%s]", m->f->paused);
	m->d->event = v->event;
	return true;
}

static const struct verb_row *
verb_row(enum verb v)
{
	for (size_t i = 0; i < sizeof verb_rows / sizeof verb_rows[0]; i++)
		if (verb_rows[i].verb == v)
			return &verb_rows[i];
	return NULL;
}

void
decide_command(
	const struct facts *f, const struct cmd_facts *c, struct decision *ret, int *ret_exit)
{
	struct command m = { f, c, ret, ret_exit };
	const struct verb_row *v = verb_row(c->verb);

	decision_begin(ret);
	*ret_exit = EXIT_DONE;
	if (v == NULL) {
		decision_reason(ret, "%s is nothing that a machine decides", verb_name(c->verb));
		(void)no(&m, EXIT_USAGE);
		return;
	}
	if (!overrides_known(&m) || !permitted(&m, v) || !row_allows(&m, v) || !bound(&m) ||
		!by_verb(&m))
		return;
	ret->any = true;
	decision_reason(ret, "row %d: %s", ret->row->id, ret->row->why);
}
