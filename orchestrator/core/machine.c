/*
 * machine.c - playbooks in force and their machines: the facts of each, the decision on them, its
 * row in the journal.
 */
#include "core/engine.h"

#include "base/num.h"
#include "base/planted.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { QUEUE_MS = 5000, ROUNDS_MAX = 16 };

/* --- playbooks --- */

struct book *
book_find(const struct core *c, const char *name)
{
	for (struct book *b = c->books; b != NULL; b = b->next)
		if (text_eq(b->name, name))
			return b;
	return NULL;
}

const char *
book_key(const struct core *c, const struct playbook *pb)
{
	const struct book *b = book_find(c, pb->name);

	return b != NULL && b->pb != NULL && !text_eq(b->pb->sha256, pb->sha256) ? pb->sha256
										 : pb->name;
}

void
machine_forget_look(struct core *c, struct machine *m)
{
	look_free(c, &m->look);
	m->look_settles = false;
	m->look_row = 0;
}

/* Its evidence, its readings, its machines' volatile halves. What was judged of a restored run
 * stays: the run goes on with its own text, and nobody would judge a shelter a second time. */
static void
unload(struct core *c, struct book *b)
{
	flight_drop_book(c, b);
	commands_forget(c, b);
	for (int f = 0; f < FLOW_N; f++) {
		struct machine *m = &b->m[f];

		machine_forget_look(c, m);
		look_free(c, &m->drift);
		*m = (struct machine){ .base_ready = true,
			.again_boot_ms = INT64_MAX,
			.era_read = m->era_read && !PLANTED(JUDGED_ANEW),
			.looked = m->looked };
	}
	b->fenced_era = 0;
	evidence_free(&b->ev);
	mem_put(&c->env.mem, b->told);
	b->told = NULL;
	playbook_unref(&b->pb);
}

static void
load(struct core *c, struct book *b, struct playbook *pb)
{
	struct evidence *ev = evidence_new(&c->env.mem, pb);

	b->pb = pb;
	b->ev = ev;
	b->told = mem_get(&c->env.mem, (pb->diagnoses_n + 1) * sizeof *b->told);
	if (b->ev == NULL || b->told == NULL)
		return;
	memset(b->told, 0, (pb->diagnoses_n + 1) * sizeof *b->told);
	evidence_seed(b->ev, c->seed);
	for (int f = 0; f < FLOW_N; f++) {
		b->m[f].on = pb->has_flow[f];
		(void)ledger_machine(&c->l, b->name, (enum flow)f);
	}
}

static struct book *
book_new(struct core *c, const char *name)
{
	struct book **end = &c->books, *b = mem_get(&c->env.mem, sizeof *b);

	if (b == NULL)
		return NULL;
	memset(b, 0, sizeof *b);
	(void)snprintf(b->name, sizeof b->name, "%s", name);
	while (*end != NULL)
		end = &(*end)->next;
	*end = b;
	return b;
}

void
book_free(struct core *c)
{
	while (c->books != NULL) {
		struct book *b = c->books;

		unload(c, b);
		c->books = b->next;
		mem_put(&c->env.mem, b);
	}
}

static void
put_playbook(struct core *c, const char *name, const char *sha256, const char *file)
{
	const struct lbook *known = ledger_book(&c->l, name);
	struct buf b;
	struct jw w;

	if (known != NULL && text_eq(known->sha256, sha256))
		return;
	buf_init(&b, &c->env.mem, RECORD_MAX);
	jw_init(&w, &b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "name", name);
	jw_str(&w, "sha256", sha256);
	if (file != NULL)
		jw_str(&w, "file", file);
	jw_close(&w, '}');
	(void)propose(c, REC_PLAYBOOK, "", &b);
	buf_fini(&b);
}

void
book_take(struct core *c, const struct event *ev)
{
	const char *sha256 = ev->playbook.sha256 != NULL ? ev->playbook.sha256 : "";
	struct book *b = book_find(c, ev->playbook.name);
	struct playbook *pb = NULL;

	if (c->phase != PH_OPEN || ev->playbook.name == NULL)
		return;
	if (b == NULL)
		b = book_new(c, ev->playbook.name);
	if (b == NULL || (b->pb != NULL && text_eq(b->pb->sha256, sha256)))
		return;
	if (sha256[0] != '\0')
		pb = c->env.playbook(c->env.ctx, sha256);
	if (sha256[0] != '\0' && pb == NULL)
		tell(c, b->name, SEV_ALARM,
			"playbook %s: its text (%.12s) cannot be had; the one before is out of "
			"force too",
			b->name, sha256);
	unload(c, b);
	if (pb != NULL)
		load(c, b, pb);
	unled_later(c);
	put_playbook(c, b->name, sha256, ev->playbook.why);
}

/* --- facts --- */

static enum run_state
run_fact(const struct lrun *r)
{
	if (r == NULL)
		return RUN_NONE;
	switch (r->state) {
	case LR_FORWARD:
		return r->pivoted ? RUN_FORWARD_PIVOTED : RUN_FORWARD;
	case LR_BACKWARD:
		return RUN_BACKWARD;
	case LR_BLOCKED:
		return RUN_IS_BLOCKED;
	case LR_DONE:
		return RUN_ENDED_DONE;
	case LR_UNDONE:
		return RUN_ENDED_UNDONE;
	default: /* LR_OPEN, LR_FAILED: no machine waits for it */
		return RUN_NONE;
	}
}

const struct lrun *
machine_run(struct core *c, const struct book *b, enum flow f)
{
	const struct lrun *r = ledger_open_run(&c->l, b->name, f);

	return r != NULL ? r : ledger_unnoted(&c->l, b->name, f);
}

static struct lnow
now_of(const struct core *c)
{
	return ledger_now(&c->l, c->boot_id, c->boot_ms, c->wall_ms);
}

static void
run_facts(struct core *c, struct book *b, enum flow f, struct facts *ret)
{
	const struct lrun *r = machine_run(c, b, f), *shelter = ledger_shelter(&c->l, b->name, f);
	const struct lnow now = now_of(c);
	const struct procedure *p =
		shelter != NULL ? playbook_procedure(b->pb, shelter->procedure) : NULL;

	if (r != NULL && restored_waits(c, r) &&
		ledger_machine(&c->l, b->name, f)->state == LS_SETTLING)
		r = NULL; /* nothing is decided from it before the targets are read */
	ret->run = run_fact(r);
	ret->run_is_failback = r != NULL && r->kind == LK_FAILBACK;
	ret->run_pivoted = r != NULL && r->pivoted;
	ret->shelter_open = shelter != NULL && !shelter->adopted;
	ret->shelter_ended = ret->shelter_open && p != NULL &&
			     c->wall_ms - ledger_wall(&now, &shelter->start) >= p->expires_ms;
}

/* As the response says whose plan is pending; a failback is asked of one. */
static int
approvals_needed(const struct facts *f)
{
	const struct response *r = f->state == LS_AWAITING ? decide_pending(f) : NULL;

	return r != NULL ? r->approvers : 1;
}

static void
path_facts(struct core *c, struct book *b, enum flow f, struct facts *ret)
{
	const struct procedure *p = playbook_cutover(b->pb, f);
	int64_t since = evidence_path_ok_since(b->ev, b->pb->primary, f);

	ret->primary_ok = evidence_path_ok(b->ev, b->pb->primary, f);
	ret->backup_unfit = p != NULL && evidence_path_unfit(b->ev, p->to, f);
	ret->primary_soaked = p != NULL && since != 0 &&
			      (c->boot_ms - since >= p->failback.soak_ms || PLANTED(NO_SOAK));
	ret->queues_drained = b->m[f].drained;
}

static void
limit_facts(struct core *c, struct book *b, struct facts *ret)
{
	const struct limits *l = &b->pb->limits;

	if (c->env.in_window == NULL)
		return;
	ret->window_no_cutover =
		c->env.in_window(c->env.ctx, l->no_cutovers, l->no_cutovers_n, c->wall_ms);
	ret->window_no_failback =
		c->env.in_window(c->env.ctx, l->no_failbacks, l->no_failbacks_n, c->wall_ms);
}

static bool
widened(const struct core *c, const struct playbook *pb)
{
	for (size_t i = 0; i < c->l.left_n; i++)
		for (size_t k = 0; k < pb->targets_n; k++)
			if (text_ends(c->l.left[i].resource, " TXT") &&
				text_eq(c->l.left[i].domain, pb->targets[k].fence_domain))
				return true;
	return false;
}

/* What the backup has taken leaves it later, and must pass SPF then (DESIGN section 4). */
static void
relay_facts(struct core *c, struct book *b, enum flow f, struct facts *ret)
{
	const struct procedure *p = playbook_cutover(b->pb, f);
	int64_t until;
	struct buf t;

	if (f != FLOW_OUTBOUND || p == NULL || ret->last_cutover_wall_ms == 0 || !widened(c, b->pb))
		return;
	until = ret->last_cutover_wall_ms + p->to->relay.queue_lifetime_ms;
	if (c->wall_ms >= until)
		return;
	buf_init(&t, &c->env.mem, 64);
	num_put_duration(&t, until - c->wall_ms);
	ret->relay_holds = core_keep(c, arena_fmt(c->out,
						"mail may wait in the queue of %s for another %s "
						"and would fail SPF without its terms",
						p->to->name, buf_text(&t)));
	buf_fini(&t);
}

void
machine_facts(struct core *c, struct book *b, enum flow f, struct facts *ret)
{
	struct machine *m = &b->m[f];
	const struct lmachine *l = ledger_machine(&c->l, b->name, f);
	const struct lbrake *brake = ledger_brake(&c->l, b->name, c->wall_ms);
	bool led = l->state == LS_SUSPECT || l->state == LS_AWAITING;
	const struct lnow now = now_of(c);

	*ret = (struct facts){ .pb = b->pb,
		.flow = f,
		.state = l->state,
		.boot_ms = c->boot_ms,
		.wall_ms = c->wall_ms,
		.state_since_wall_ms = ledger_wall(&now, &l->since),
		.blind = PLANTED(BLIND_ACTS) ? NULL : evidence_blind(b->ev),
		.settled = m->settled,
		.drifted = m->drifted,
		.led_by = led ? l->diagnosis : NULL,
		.shelter_failed = m->shelter_failed[0] != '\0' ? m->shelter_failed : NULL,
		.unfit_told = m->unfit_told,
		.expiry_told = m->expiry_told,
		.approvals = l->approvals,
		.denials = l->denials,
		.asked_wall_ms = l->ask_hash[0] != '\0' ? ledger_wall(&now, &l->ask) : 0,
		.last_cutover_wall_ms = ledger_wall(&now, &l->last_move),
		.base_ready = m->base_ready,
		.one_shot = c->one_shot,
		.stood_down = l->stood_down[0] != '\0' ? l->stood_down : NULL };
	if (brake != NULL)
		ret->paused =
			core_keep(c, arena_fmt(c->out, "by %s: %s", brake->by, brake->reason));
	ret->diag_n = evidence_diags(b->ev, &ret->diag);
	ret->approvals_needed = approvals_needed(ret);
	ret->cutovers_in_budget = ledger_autos(&c->l, &now, b->pb->limits.cutovers.per_ms);
	run_facts(c, b, f, ret);
	path_facts(c, b, f, ret);
	limit_facts(c, b, ret);
	relay_facts(c, b, f, ret);
	if (!ret->backup_unfit)
		m->unfit_told = false;
	if (!ret->shelter_ended)
		m->expiry_told = false;
}

/* --- the row --- */

static void
put_row(struct core *c, const struct book *b, enum flow f, const struct decision *d, bool automatic,
	struct buf *out)
{
	const struct lmachine *l = ledger_machine(&c->l, b->name, f);
	const struct machine *m = &b->m[f];
	bool down = d->event == LE_DENIED || d->event == LE_STAND_DOWN;
	struct jw w;

	jw_init(&w, out);
	jw_open(&w, NULL, '{');
	jw_str(&w, "playbook", b->name);
	jw_str(&w, "flow", flow_name(f));
	jw_int(&w, "row", d->row->id);
	jw_str(&w, "event", life_event_name(d->event));
	jw_str(&w, "from", life_state_name(l->state));
	jw_str(&w, "to", life_state_name(d->row->to));
	jw_str(&w, "act", life_do_name(d->row->act));
	jw_str(&w, "why", d->row->why);
	jw_open(&w, "reasons", '[');
	for (size_t i = 0; i < d->reasons_n; i++)
		jw_str(&w, NULL, d->reasons[i]);
	if ((l->state == LS_SETTLING || m->drifted) && m->settled_why[0] != '\0')
		jw_str(&w, NULL, m->settled_why);
	jw_close(&w, ']');
	if (d->diagnosis != NULL)
		jw_str(&w, "diagnosis", d->diagnosis->name);
	if (down)
		jw_str(&w, "stood_down", l->diagnosis);
	if (automatic)
		jw_bool(&w, "auto", true);
	jw_close(&w, '}');
}

static void
say_row(struct core *c, const struct book *b, enum flow f, const struct decision *d)
{
	struct buf out;
	struct jw w;

	buf_init(&out, &c->env.mem, RECORD_MAX);
	jw_init(&w, &out);
	jw_open(&w, NULL, '{');
	jw_str(&w, "playbook", b->name);
	jw_str(&w, "flow", flow_name(f));
	jw_str(&w, "state", life_state_name(d->row->to));
	jw_int(&w, "row", d->row->id);
	jw_str(&w, "why", d->row->why);
	jw_open(&w, "reasons", '[');
	for (size_t i = 0; i < d->reasons_n; i++)
		jw_str(&w, NULL, d->reasons[i]);
	jw_close(&w, ']');
	jw_int(&w, "wall_ms", c->wall_ms);
	jw_close(&w, '}');
	tell_status(c, true, "machine", &out);
	buf_fini(&out);
}

/* What people need beside the row's sentence: why the run stands still, or what the targets show.
 */
static const char *
alarm_why(const struct book *b, enum flow f, const struct lrun *r)
{
	if (r != NULL)
		return r->why;
	return b->m[f].settled == SETTLED_MIXTURE ? b->m[f].settled_why : "";
}

void
machine_row(struct core *c, struct book *b, enum flow f, const struct decision *d, bool automatic)
{
	const struct lrun *r = machine_run(c, b, f);
	struct machine *m = &b->m[f];
	struct buf out;

	buf_init(&out, &c->env.mem, RECORD_MAX);
	put_row(c, b, f, d, automatic, &out);
	(void)propose(c, REC_ROW, r != NULL ? r->id : "", &out);
	buf_fini(&out);
	say_row(c, b, f, d);
	if (d->row->to == LS_NORMAL)
		m->shelter_failed[0] = '\0'; /* another episode, another try */
	m->unfit_told = m->unfit_told || d->event == LE_BACKUP_UNFIT;
	m->expiry_told = m->expiry_told || d->event == LE_SHELTER_OVER;
	if (d->row->act == LD_ALARM)
		tell(c, b->name, SEV_ALARM, "%s %s: %s%s%s", b->name, flow_name(f), d->row->why,
			alarm_why(b, f, r)[0] != '\0' ? ": " : "", alarm_why(b, f, r));
}

/* --- queues: has what was parked gone? asked while mail runs on the backup --- */

static void
ask_queue(struct core *c, struct book *b, enum flow f, const struct target *t, const char *domain)
{
	struct machine *m = &b->m[f];
	struct flight *fl;
	struct action *a;

	if (m->queues_n == QUEUES_MAX)
		return;
	a = flight_action(c, OP_QUEUE, ACT_READ, READ_MS, &fl);
	if (a == NULL)
		return;
	fl->book = b;
	fl->index = (size_t)f * QUEUES_MAX + m->queues_n;
	m->queue_op[m->queues_n] = a->op;
	m->queue_empty[m->queues_n++] = false;
	a->read.playbook = core_keep(c, b->name);
	a->read.target = core_keep(c, t->name);
	a->read.resource = core_keep(c, arena_fmt(c->out, "relay.queue %s", domain));
	a->read.from = READ_TARGET;
	a->read.deadline_ms = READ_MS;
}

bool
machine_asks_queues(const struct lmachine *l, const struct procedure *p)
{
	return p != NULL && p->failback.require_queues_drained &&
	       (l->state == LS_ON_BACKUP || l->state == LS_RECOVERING || l->state == LS_BLOCKED);
}

static void
queues(struct core *c, struct book *b, enum flow f)
{
	struct machine *m = &b->m[f];
	const struct procedure *p = playbook_cutover(b->pb, f);
	const struct lmachine *l = ledger_machine(&c->l, b->name, f);

	if (!machine_asks_queues(l, p)) {
		m->drained = m->queues_known = false; /* of another time on the backup */
		return;
	}
	if (c->boot_ms < m->queue_next_boot_ms)
		return;
	for (size_t i = 0; i < m->queues_n; i++)
		if (m->queue_op[i] != 0)
			return;
	m->queues_n = 0;
	m->queue_next_boot_ms = c->boot_ms + QUEUE_MS;
	for (size_t i = 0; i < p->steps_n; i++) {
		const struct step *s = &p->steps[i];

		for (size_t k = 0; text_eq(s->kind, "queue.release") && k < s->at_n; k++)
			for (size_t d = 0; d < b->pb->domains_n; d++)
				ask_queue(c, b, f, s->at[k], b->pb->domains[d]);
	}
	if (m->queues_n == 0)
		m->drained = m->queues_known = true; /* nothing is ever parked by this procedure */
}

void
machine_queue(struct core *c, struct book *b, size_t index, const struct event *ev, bool late)
{
	struct machine *m = &b->m[index / QUEUES_MAX];
	size_t i = index % QUEUES_MAX;
	bool all = true, open = false;

	(void)c;
	m->queue_op[i] = 0;
	if (look_silent(ev, late) == NULL) {
		m->queue_empty[i] = value_count(look_value(ev), "parked") == 0;
		m->queue_parked[i] = value_count(look_value(ev), "parked");
		m->queue_waiting[i] = value_count(look_value(ev), "waiting");
	}
	for (size_t k = 0; k < m->queues_n; k++) {
		all = all && m->queue_empty[k];
		open = open || m->queue_op[k] != 0;
	}
	m->drained = all; /* what is not answered yet counts as not empty */
	m->queues_known = m->queues_known || !open;
}

/* --- deciding --- */

static void
keep_reasons(struct machine *m, const struct decision *d)
{
	m->reasons_n = d->reasons_n;
	for (size_t i = 0; i < d->reasons_n; i++)
		(void)snprintf(m->reasons[i], REASON_LEN, "%s", d->reasons[i]);
	m->again_boot_ms = d->again_boot_ms;
}

static void
machine_advance(struct core *c, struct book *b, enum flow f)
{
	struct machine *m = &b->m[f];
	struct facts facts;
	struct decision *d = arena_get(c->out, sizeof *d);

	if (d == NULL)
		return;
	if (c->boot_ms >= m->retry_boot_ms)
		m->base_ready = true; /* tried again */
	queues(c, b, f);
	machine_facts(c, b, f, &facts);
	decide(&facts, d);
	keep_reasons(m, d);
	if (d->any)
		asking_apply(c, b, f, d);
	else if (!m->look_settles)
		machine_forget_look(c, m); /* what it was read for does not hold any more */
}

void
machines_all(struct core *c)
{
	for (struct book *b = c->books; b != NULL; b = b->next)
		for (int f = 0; f < FLOW_N; f++)
			if (b->m[f].on) /* with all that load() gives it */
				machine_advance(c, b, (enum flow)f);
}

static int64_t
soak_wake(const struct core *c, const struct book *b, enum flow f)
{
	const struct procedure *p = playbook_cutover(b->pb, f);
	int64_t since = p != NULL ? evidence_path_ok_since(b->ev, b->pb->primary, f) : 0;

	return since != 0 && since + p->failback.soak_ms > c->boot_ms ? since + p->failback.soak_ms
								      : INT64_MAX;
}

int64_t
machines_wake(const struct core *c)
{
	int64_t wake = INT64_MAX;

	for (const struct book *b = c->books; b != NULL; b = b->next) {
		for (int f = 0; f < FLOW_N && b->ev != NULL; f++) {
			const struct machine *m = &b->m[f];

			if (m->again_boot_ms > c->boot_ms)
				wake = earlier(wake, m->again_boot_ms);
			if (m->queue_next_boot_ms > c->boot_ms)
				wake = earlier(wake, m->queue_next_boot_ms);
			wake = earlier(wake, soak_wake(c, b, (enum flow)f));
		}
	}
	return wake;
}
