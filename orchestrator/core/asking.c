/*
 * asking.c - from a decision to what it leads to: a plan that is read and shown, or a run that
 * starts.
 *
 * The targets are read before anything is journalled, so that a row and the START that follows from
 * it are one append: no crash can lie between them. A plan that differs from the one that was
 * approved voids the approval, and people are asked again.
 */
#include "core/engine.h"
#include "base/num.h"
#include "base/planted.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { AGAIN_MS = 15000, UNSHELTER_AGAIN_MS = 600000, PLAN_TEXT_MAX = 256 * 1024 };

/* Whether the ledger lets a run of this flow start now; why not, into ret. */
bool
asking_may_start(struct core *c, struct book *b, enum flow f, char *ret, size_t n)
{
	const struct lrun *shelter = ledger_shelter(&c->l, b->name, f);
	const struct lnow now = ledger_now(&c->l, c->boot_id, c->boot_ms, c->wall_ms);

	if (ledger_open_run(&c->l, b->name, f) != NULL && !PLANTED(SECOND_RUN)) {
		(void)snprintf(ret, n, "a run of this flow is open");
		return false;
	}
	if (shelter != NULL && (shelter->state == LR_FORWARD || shelter->state == LR_BACKWARD)) {
		(void)snprintf(ret, n, "the shelter is still being made");
		return false;
	}
	for (size_t i = 0; i < c->l.runs_n; i++) {
		const struct lrun *r = &c->l.run[i];

		if (r->kind != LK_UNSHELTER || r->flow != f || !text_eq(r->playbook, b->name))
			continue;
		if (r->state != LR_FORWARD &&
			!(r->state == LR_BLOCKED &&
				c->wall_ms - ledger_wall(&now, &r->end) < UNSHELTER_AGAIN_MS))
			continue;
		(void)snprintf(ret, n, "the shelter is still being ended");
		return false;
	}
	return true;
}

/* --- a plan is shown --- */

static void
put_plan(struct core *c, const struct book *b, const struct plan *p)
{
	struct buf out, plan;
	struct jw w;

	buf_init(&out, &c->env.mem, RECORD_MAX);
	buf_init(&plan, &c->env.mem, RECORD_MAX);
	plan_json(p, c->store, NULL, 0, &plan);
	jw_init(&w, &out);
	jw_open(&w, NULL, '{');
	jw_str(&w, "playbook", b->name);
	jw_str(&w, "flow", flow_name(p->proc->flow));
	jw_str(&w, "procedure", p->proc->name);
	jw_str(&w, "direction", plan_direction_name(p->dir));
	jw_str(&w, "plan_hash", p->hash);
	jw_str(&w, "purpose", "ask");
	jw_raw(&w, "plan", buf_failed(&plan) ? "null" : buf_text(&plan));
	jw_close(&w, '}');
	(void)propose(c, REC_PLAN, "", &out);
	buf_fini(&out);
	buf_fini(&plan);
}

static void
say_approval(struct core *c, const struct book *b, const struct plan *p, int needed)
{
	struct buf out, text;
	struct jw w;

	buf_init(&out, &c->env.mem, RECORD_MAX);
	buf_init(&text, &c->env.mem, PLAN_TEXT_MAX);
	plan_text(p, &text, false);
	jw_init(&w, &out);
	jw_open(&w, NULL, '{');
	jw_str(&w, "playbook", b->name);
	jw_str(&w, "flow", flow_name(p->proc->flow));
	jw_str(&w, "procedure", p->proc->name);
	jw_str(&w, "direction", plan_direction_name(p->dir));
	jw_str(&w, "plan_hash", p->hash);
	jw_str(&w, "text",
		arena_fmt(c->out,
			"%sprocedure %s, %d approval%s needed: ferryman approve %s --plan %.12s",
			p->dir == PLAN_OUT ? "" : "failback of ", p->proc->name, needed,
			needed == 1 ? "" : "s", b->name, p->hash));
	jw_str(&w, "plan", buf_text(&text));
	jw_int(&w, "needed", needed);
	jw_int(&w, "wall_ms", c->wall_ms);
	jw_close(&w, '}');
	tell_status(c, true, "approval", &out);
	buf_fini(&out);
	buf_fini(&text);
}

static const char *
in_words(struct core *c, int64_t ms)
{
	struct buf b;
	const char *text;

	buf_init(&b, &c->env.mem, 64);
	num_put_duration(&b, ms);
	text = core_keep(c, buf_failed(&b) ? "time" : buf_text(&b));
	buf_fini(&b);
	return text;
}

/* What comes of silence, for whoever reads this at night. A failback has no response, and waits for
 * ever. */
static const char *
without_an_answer(struct core *c, const struct response *r)
{
	if (r == NULL || r->within_ms <= 0)
		return "";
	return core_keep(c,
		arena_fmt(c->out, "; without an answer within %s it %s", in_words(c, r->within_ms),
			r->otherwise_proceed ? "starts by itself" : "stands down"));
}

static void
ask(struct core *c, struct book *b, const struct plan *p, const struct response *r, const char *why)
{
	put_plan(c, b, p);
	say_approval(c, b, p, r != NULL && r->approvers > 0 ? r->approvers : 1);
	tell(c, b->name, SEV_WARNING, "playbook %s: %s mail: %s wants approval of plan %.12s: %s%s",
		b->name, flow_name(p->proc->flow),
		p->dir == PLAN_OUT ? "the cut-over" : "the failback", p->hash, why,
		without_an_answer(c, r));
}

/* --- a run starts --- */

static const char *
approvers(struct core *c, const struct lmachine *l)
{
	const char *text = "automatic";

	for (int i = 0; i < l->approvals; i++)
		text = i == 0 ? l->approved_by[0]
			      : arena_fmt(c->out, "%s, %s", text, l->approved_by[i]);
	return text;
}

/* The sentence for the journal: what convinced, rather than the row that followed from it. */
static const char *
reason_of(const struct decision *d)
{
	for (size_t i = 0; i < d->reasons_n; i++)
		if (strncmp(d->reasons[i], "row ", 4) != 0)
			return d->reasons[i];
	return d->row->why;
}

static const char *
reason_to_start(struct core *c, const struct decision *d)
{
	const struct response *r = d->response;

	if (d->event == LE_PROCEED)
		return core_keep(
			c, arena_fmt(c->out,
				   "%s, and nobody answered within %s: the playbook says proceed",
				   r->on->name, in_words(c, r->within_ms)));
	if (d->event == LE_APPROVED)
		return core_keep(
			c, arena_fmt(c->out, "%s, and it was approved",
				   d->diagnosis != NULL
					   ? d->diagnosis->name
					   : "the primary was healthy for the whole soak"));
	return core_keep(c, reason_of(d));
}

static enum lrun_kind
kind_of(enum life_do act)
{
	if (act == LD_SHELTER)
		return LK_SHELTER;
	if (act == LD_UNSHELTER)
		return LK_UNSHELTER;
	return act == LD_FAILBACK ? LK_FAILBACK : LK_CUTOVER;
}

/* What nobody has just said yes to is told when it begins, and not only when it has ended. */
static void
say_start(struct core *c, const struct book *b, enum flow f, const struct start *s)
{
	static const char *const what[] = { [LK_CUTOVER] = "the cut-over",
		[LK_FAILBACK] = "the failback",
		[LK_SHELTER] = "a shelter" };

	if (s->kind == LK_UNSHELTER || !text_eq(s->by, "automatic"))
		return;
	tell(c, b->name, SEV_WARNING, "playbook %s: %s mail: %s (%s) starts by itself: %s", b->name,
		flow_name(f), what[s->kind], s->plan->proc->name, s->reason);
}

static void
start(struct core *c, struct book *b, enum flow f, const struct decision *d, const struct plan *p)
{
	const struct lmachine *l = ledger_machine(&c->l, b->name, f);
	bool by_itself = d->event == LE_CONFIRMED_AUTO || d->event == LE_PROCEED;
	struct start s = { .plan = p,
		.kind = kind_of(d->row->act),
		.by = d->event == LE_APPROVED ? approvers(c, l) : "automatic",
		.reason = reason_to_start(c, d) };

	s.by = core_keep(c, s.by);
	machine_row(c, b, f, d, by_itself); /* both lead to a cut-over alone */
	(void)run_start(c, &s);
	say_start(c, b, f, &s);
}

/* --- what a decision leads to --- */

static const struct procedure *
procedure_of(struct core *c, const struct book *b, enum flow f, const struct decision *d)
{
	const struct lrun *shelter;

	if (d->row->act != LD_UNSHELTER)
		return d->procedure;
	if (PLANTED(SHELTER_FOR_EVER))
		return NULL;
	shelter = ledger_shelter(&c->l, b->name, f);
	return shelter != NULL && !shelter->adopted ? playbook_procedure(b->pb, shelter->procedure)
						    : NULL;
}

static enum plan_direction
direction_of(struct core *c, const struct book *b, enum flow f, const struct decision *d)
{
	const struct lmachine *l = ledger_machine(&c->l, b->name, f);

	if (d->row->act == LD_ASK)
		return l->state == LS_RECOVERING ? PLAN_BACK : PLAN_OUT;
	return d->row->act == LD_FAILBACK || d->row->act == LD_UNSHELTER ? PLAN_BACK : PLAN_OUT;
}

static void
no_plan(struct core *c, struct book *b, enum flow f, const struct decision *d, const char *why)
{
	struct machine *m = &b->m[f];

	m->base_ready = false;
	m->retry_boot_ms = c->boot_ms + AGAIN_MS;
	if (strncmp(m->base_why, why, 300) != 0)
		tell(c, b->name, SEV_ALARM, "%s %s: %s is due, but no plan can be made: %.300s",
			b->name, flow_name(f), life_do_name(d->row->act), why);
	(void)snprintf(m->base_why, sizeof m->base_why, "%.300s", why);
	if (d->row->act == LD_SHELTER)
		(void)snprintf(m->shelter_failed, sizeof m->shelter_failed, "%.300s", why);
}

/* People said yes to what they were shown; anything else is shown again. */
static bool
is_void(const struct lmachine *l, const struct decision *d, const struct plan *p)
{
	return (d->event == LE_APPROVED || d->event == LE_PROCEED) &&
	       !text_eq(l->ask_hash, p->hash) && !PLANTED(VOID_APPROVAL);
}

static void
planned(struct core *c, struct book *b, enum flow f, const struct decision *d, const struct plan *p)
{
	const struct lmachine *l = ledger_machine(&c->l, b->name, f);

	b->m[f].base_why[0] = '\0';
	if (d->row->act == LD_ASK) {
		machine_row(c, b, f, d, false);
		ask(c, b, p, d->response, reason_of(d));
	} else if (is_void(l, d, p)) {
		ask(c, b, p, d->response,
			"what the targets hold has changed since, so the approval is void");
	} else {
		start(c, b, f, d, p);
	}
}

/* Read, then plan, then one append. Called again until the readings are there. */
static void
with_plan(struct core *c, struct book *b, enum flow f, const struct decision *d)
{
	struct machine *m = &b->m[f];
	struct plan_want w = { .proc = procedure_of(c, b, f, d), .dir = direction_of(c, b, f, d) };
	const struct plan *p = NULL;
	struct err err = { 0 };
	char why[WHY_LEN];
	enum rc rc;

	if (m->look_settles && !PLANTED(LOOK_OVER_LOOK))
		return;		       /* the targets are being read anew: that comes first */
	if (m->look_row != d->row->id) /* read for another decision */
		machine_forget_look(c, m);
	if (d->row->act != LD_ASK && !asking_may_start(c, b, f, why, sizeof why)) {
		machine_forget_look(c, m); /* what was read will be old by then */
		return;
	}
	if (m->look == NULL) {
		if (c->boot_ms < m->retry_boot_ms)
			return;
		m->look = look_for_plan(c, b, w.proc, w.dir);
		if (m->look == NULL)
			return;
		m->look_row = d->row->id;
	}
	rc = look_plan(c, m->look, &w, &p, &err);
	if (rc == RC_BUSY)
		return;
	if (rc == RC_OK)
		planned(c, b, f, d, p);
	else
		no_plan(c, b, f, d, err.text);
	machine_forget_look(c, m);
}

/* No shelter stands by itself: the row is all. One that the playbook does not know any more is a
 * person's. */
static void
without_procedure(struct core *c, struct book *b, enum flow f, const struct decision *d)
{
	const struct lmachine *l = ledger_machine(&c->l, b->name, f);
	const struct lrun *shelter = ledger_shelter(&c->l, b->name, f);

	if (d->row->to != l->state)
		machine_row(c, b, f, d, false);
	else if (shelter != NULL)
		no_plan(c, b, f, d,
			core_keep(c, arena_fmt(c->out,
					     "the playbook has no procedure %s any more: let its "
					     "mail go by hand",
					     shelter->procedure)));
}

void
asking_apply(struct core *c, struct book *b, enum flow f, const struct decision *d)
{
	switch (d->row->act) {
	case LD_STAY:
	case LD_ALARM:
	case LD_CONTINUE:
		machine_row(c, b, f, d, false);
		break;
	case LD_UNSHELTER:
	case LD_SHELTER:
	case LD_ASK:
	case LD_CUTOVER:
	case LD_FAILBACK:
		if (procedure_of(c, b, f, d) == NULL)
			without_procedure(c, b, f, d);
		else
			with_plan(c, b, f, d);
		break;
	case LD_REFUSE:
	case LD_ABORT:
	case LD_EJECT:
	case LD_N:
		break; /* a person's, command.c */
	}
}
