/* vmachine.c - what the core does with decisions, as far as the tables need it: no journal, no
 * targets, no runs; how a run ends is told by the case. */
#include "golden/vmachine.h"

#include "os/stdmem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SETTLE_MAX = 24 }; /* decisions in one moment; more is a loop */

static int64_t
boot(const struct vmachine *m)
{
	return CASE_BOOT_MS + m->now;
}

static int64_t
wall(const struct vmachine *m)
{
	return CASE_WALL_MS + m->now + m->wall_shift;
}

static const char boot_id[] = "the case's";

/* A moment as the journal keeps it, by both clocks, of which the wall's may be set later. */
void
vmachine_note(const struct vmachine *m, int64_t ago_ms, struct lmoment *ret)
{
	ret->wall_ms = wall(m) - ago_ms;
	ret->boot_ms = boot(m) - ago_ms;
	(void)snprintf(ret->boot_id, sizeof ret->boot_id, "%s", boot_id);
}

/* When that was by the wall clock of now, as the core reckons it; 0 = never. */
static int64_t
by_wall(const struct vmachine *m, const struct lmoment *x)
{
	const struct lnow now = { .boot_id = boot_id, .boot_ms = boot(m), .wall_ms = wall(m) };

	return ledger_wall(&now, x);
}

void
vmachine_start(struct vmachine *m, struct playbook *pb, enum flow flow, enum life_state s)
{
	m->pb = pb;
	m->ev = evidence_new(&stdmem, pb);
	evidence_seed(m->ev, 1);
	m->cutover = playbook_cutover(pb, flow);
	m->again = INT64_MAX;
	m->f = (struct facts){ .pb = pb,
		.flow = flow,
		.state = s,
		.settled = SETTLED_ON_PRIMARY,
		.queues_drained = true,
		.base_ready = true,
		.approvals_needed = 1 };
	vmachine_note(m, 0, &m->since);
	vmachine_clock(m, 0);
}

void
vmachine_end(struct vmachine *m)
{
	for (size_t i = 0; i < m->trace_n; i++)
		free(m->trace[i].said);
	evidence_free(&m->ev);
}

void
vmachine_clock(struct vmachine *m, int64_t t)
{
	m->now = t;
	evidence_update(m->ev, boot(m), wall(m));
}

void
vmachine_seen(
	struct vmachine *m, const struct signal *s, const char *subject, const struct event *answer)
{
	struct event ev = *answer;

	ev.type = EV_SEEN;
	ev.op = 1;
	ev.boot_ms = boot(m);
	ev.wall_ms = wall(m);
	ev.seen.playbook = m->pb->name;
	ev.seen.signal = s->name;
	ev.seen.path = s->path != NULL ? s->path->name : NULL;
	ev.seen.subject = subject;
	ev.seen.observed_wall_ms = wall(m);
	evidence_seen(m->ev, &ev);
	evidence_update(m->ev, boot(m), wall(m));
}

/* The core is woken when the soak is over. */
static int64_t
soak_wake(const struct vmachine *m)
{
	int64_t since = evidence_path_ok_since(m->ev, m->pb->primary, m->f.flow);
	int64_t at = m->cutover != NULL ? since + m->cutover->failback.soak_ms : 0;

	return since > 0 && at > boot(m) ? at : INT64_MAX;
}

int64_t
vmachine_wake(const struct vmachine *m)
{
	int64_t at = evidence_wake_ms(m->ev), soaked = soak_wake(m);

	if (soaked < at)
		at = soaked;
	if (m->again < at)
		at = m->again;
	at = at == INT64_MAX ? at : at - CASE_BOOT_MS;
	return m->shelter_until > m->now && m->shelter_until < at ? m->shelter_until : at;
}

static void
gather(struct vmachine *m)
{
	const struct path *back = m->cutover != NULL ? m->cutover->to : NULL;
	int64_t since = evidence_path_ok_since(m->ev, m->pb->primary, m->f.flow);

	m->f.boot_ms = boot(m);
	m->f.wall_ms = wall(m);
	m->f.state_since_wall_ms = by_wall(m, &m->since);
	m->f.asked_wall_ms = by_wall(m, &m->asked_at);
	m->f.last_cutover_wall_ms = by_wall(m, &m->moved);
	m->f.blind = evidence_blind(m->ev);
	m->f.diag_n = evidence_diags(m->ev, &m->f.diag);
	m->f.primary_ok = evidence_path_ok(m->ev, m->pb->primary, m->f.flow);
	m->f.backup_unfit = back != NULL && evidence_path_unfit(m->ev, back, m->f.flow);
	m->f.primary_soaked =
		m->cutover != NULL && since > 0 && boot(m) - since >= m->cutover->failback.soak_ms;
	m->f.shelter_ended = m->shelter_until > 0 && m->now >= m->shelter_until;
	m->f.paused = m->paused[0] != '\0' ? m->paused : NULL;
	m->f.led_by = m->f.state == LS_SUSPECT || m->f.state == LS_AWAITING ? m->led_by : NULL;
	m->f.unfit_told = m->f.unfit_told && m->f.backup_unfit;
	m->f.expiry_told = m->f.expiry_told && m->f.shelter_ended;
	for (size_t i = 0; i < m->f.diag_n; i++)
		if (m->f.stood_down != NULL && m->f.diag[i].cleared &&
			strcmp(m->f.diag[i].d->name, m->f.stood_down) == 0)
			m->f.stood_down = NULL;
}

static char *
said_of(const struct decision *d)
{
	struct buf b;
	char *s;

	buf_init(&b, &stdmem, 2 * REASONS_MAX * REASON_LEN);
	for (size_t i = 0; i < d->reasons_n; i++)
		buf_fmt(&b, "%s\n", d->reasons[i]);
	if (d->row != NULL)
		buf_fmt(&b, "%s\n", d->row->why);
	s = stdmem_str(buf_text(&b));
	buf_fini(&b);
	return s;
}

static void
note(struct vmachine *m, const struct decision *d, bool applied, int exit)
{
	struct done *x = m->trace_n > 0 ? &m->trace[m->trace_n - 1] : NULL;
	char *said = said_of(d);

	/* Nothing done, nothing new said: one entry stands for all such moments. */
	if (x != NULL && !applied && exit < 0 && !x->applied && x->exit < 0 &&
		strcmp(x->said, said) == 0) {
		free(said);
		return;
	}
	if (m->trace_n == TRACE_MAX)
		abort(); /* a case of many days: not ours */
	x = &m->trace[m->trace_n++];
	*x = (struct done){ .t = m->now,
		.applied = applied,
		.exit = exit,
		.event = d->event,
		.row = d->row,
		.procedure = d->procedure,
		.said = said };
}

static void
open_shelter(struct vmachine *m, const struct procedure *p)
{
	m->f.shelter_open = true;
	m->shelter_until = p != NULL && p->expires_ms > 0 ? m->now + p->expires_ms : 0;
}

static void
forget_asking(struct vmachine *m)
{
	m->asked_at = (struct lmoment){ 0 };
	m->f.approvals = m->f.denials = 0;
	memset(m->approver, 0, sizeof m->approver);
}

static void
begin(struct vmachine *m, bool failback, bool automatic)
{
	m->f.run = RUN_FORWARD;
	m->f.run_is_failback = failback;
	if (!failback && automatic)
		m->f.cutovers_in_budget++;
}

/* How a run ended is taken note of once; the cooldown counts from then. A run that is blocked stays
 * open. */
static void
run_over(struct vmachine *m, enum life_event e)
{
	bool done = e == LE_RUN_DONE || e == LE_BACK_DONE;

	if (!done && e != LE_RUN_UNDONE && e != LE_BACK_UNDONE)
		return;
	vmachine_note(m, 0, &m->moved);
	m->f.run = RUN_NONE;
	m->f.run_pivoted = false;
	if (done) { /* a shelter was adopted: the run's release or the failback has ended it */
		m->f.shelter_open = false;
		m->shelter_until = 0;
	}
}

static void
take_note(struct vmachine *m, const struct decision *d)
{
	run_over(m, d->event);
	if (d->event == LE_DENIED || d->event == LE_STAND_DOWN) {
		(void)snprintf(m->stood_down, sizeof m->stood_down, "%s", m->led_by);
		m->f.stood_down = m->stood_down;
	}
	if (d->event == LE_BACKUP_UNFIT && d->row->act == LD_ALARM)
		m->f.unfit_told = true;
	if (d->event == LE_SHELTER_OVER && d->row->act == LD_ALARM)
		m->f.expiry_told = true;
}

/* A change of the state closes the question that was open, and says what led here, as the ROW's
 * fold does. */
static void
enter(struct vmachine *m, const struct decision *d)
{
	if (m->f.state == d->row->to)
		return;
	vmachine_note(m, 0, &m->since);
	forget_asking(m);
	if (d->diagnosis != NULL)
		(void)snprintf(m->led_by, sizeof m->led_by, "%s", d->diagnosis->name);
	m->f.state = d->row->to;
}

static void
apply(struct vmachine *m, const struct decision *d)
{
	take_note(m, d);
	enter(m, d);
	switch (d->row->act) {
	case LD_SHELTER:
		open_shelter(m, d->procedure);
		break;
	case LD_UNSHELTER:
		m->f.shelter_open = false;
		m->shelter_until = 0;
		break;
	case LD_ASK:
		forget_asking(m);
		vmachine_note(m, 0, &m->asked_at);
		m->f.approvals_needed = d->response != NULL ? d->response->approvers : 1;
		break;
	case LD_CUTOVER:
	case LD_FAILBACK:
		begin(m, d->row->act == LD_FAILBACK,
			d->event == LE_CONFIRMED_AUTO || d->event == LE_PROCEED);
		break;
	case LD_ABORT:
		m->f.run = RUN_BACKWARD;
		break;
	case LD_CONTINUE:
		m->f.run = RUN_FORWARD;
		break;
	case LD_STAY:
	case LD_REFUSE:
	case LD_ALARM:
	case LD_EJECT:
	case LD_N:
		break;
	}
}

/* Who is due is asked; the case's lines are the answers. */
static void
ask(struct vmachine *m)
{
	struct due due;

	while (evidence_next_due(m->ev, boot(m), &due))
		continue;
}

void
vmachine_decide(struct vmachine *m)
{
	struct decision d;

	ask(m);
	for (int i = 0; i < SETTLE_MAX; i++) {
		gather(m);
		memset(&d, 0, sizeof d);
		decide(&m->f, &d);
		note(m, &d, d.any, -1);
		m->again = d.again_boot_ms;
		if (!d.any)
			return;
		apply(m, &d);
	}
	m->loops = true;
}

static bool
approved_before(const struct vmachine *m, const char *user)
{
	for (int i = 0; i < m->f.approvals && i < APPROVERS_MAX; i++)
		if (strcmp(m->approver[i], user) == 0)
			return true;
	return false;
}

/* What an accepted order changes beside the row's own act. */
static void
obey(struct vmachine *m, const struct order *o)
{
	if (o->verb == VERB_PAUSE)
		(void)snprintf(m->paused, sizeof m->paused, "%s: the case says so", o->user);
	if (o->verb == VERB_RESUME)
		m->paused[0] = '\0';
	if (o->verb == VERB_DENY)
		m->f.denials++;
	if (o->verb == VERB_APPROVE && m->f.approvals < APPROVERS_MAX)
		(void)snprintf(m->approver[m->f.approvals++], sizeof m->approver[0], "%s", o->user);
}

void
vmachine_order(struct vmachine *m, const struct order *o)
{
	const struct cmd_facts c = { .verb = o->verb,
		.user = o->user,
		.owner = o->owner,
		.overrides = o->override,
		.overrides_n = o->overrides_n,
		.plan_matches = !o->other_plan,
		.expired = o->expired,
		.replayed = o->replayed,
		.already = approved_before(m, o->user) };
	struct decision d;
	int exit = -1;
	bool accepted;

	gather(m);
	memset(&d, 0, sizeof d);
	decide_command(&m->f, &c, &d, &exit);
	accepted = d.any;
	note(m, &d, accepted, exit);
	if (!accepted)
		return;
	if (o->verb == VERB_RESUME || o->verb == VERB_PAUSE || o->verb == VERB_DENY ||
		o->verb == VERB_APPROVE)
		obey(m, o);
	apply(m, &d);
	if (o->verb == VERB_CUTOVER || o->verb == VERB_FAILBACK)
		obey(m, o);
}
