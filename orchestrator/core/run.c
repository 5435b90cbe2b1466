/*
 * run.c - a run forward: steps by what they need, side by side across fence domains; what ends it,
 * and how.
 *
 * What is done stands in the ledger. A run that was found at the start is carried on by the same
 * code as one that has just begun: nothing here is remembered that a new reading could not tell.
 */
#include "core/engine.h"
#include "base/planted.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* --- looking things up --- */

struct live *
run_live(const struct core *c, const char *id)
{
	for (struct live *l = c->live; l != NULL; l = l->next)
		if (text_eq(l->id, id))
			return l;
	return NULL;
}

const struct lstep *
run_lstep(const struct lrun *r, const char *id)
{
	static const struct lstep none = { 0 };

	for (size_t i = 0; i < r->steps_n; i++)
		if (text_eq(r->step[i].id, id))
			return &r->step[i];
	return &none;
}

void
run_say(struct core *c, bool after, const struct vstep *v, const char *phase, const char *text)
{
	tell_run(c, after, v->live, v->p, phase, text);
}

/* --- a run comes to life --- */

static void
read_plan(struct core *c, struct live *l, const struct lrun *r)
{
	struct err err = { 0 };
	size_t at = 0;
	const struct json *body;

	l->pb = c->env.playbook(c->env.ctx, r->sha256);
	if (l->pb == NULL) {
		(void)snprintf(l->broken, sizeof l->broken,
			"the text of its playbook (%.12s) cannot be had any more", r->sha256);
		return;
	}
	body = json_read(l->a, r->plan, r->plan_n, &at);
	if (body == NULL || plan_read_back(l->a, l->pb, body, &l->plan, &err) != RC_OK) {
		(void)snprintf(l->broken, sizeof l->broken, "its plan cannot be read: %.200s",
			err.text[0] != '\0' ? err.text : "damaged");
		return;
	}
	l->step = arena_get(l->a, (l->plan->steps_n + 1) * sizeof *l->step);
	if (l->step == NULL)
		return;
	l->n = l->plan->steps_n;
	for (size_t i = 0; i < l->n; i++) {
		l->step[i].live = l;
		l->step[i].p = &l->plan->steps[i];
	}
}

static struct live *
come_alive(struct core *c, const struct lrun *r)
{
	struct live *l = mem_get(&c->env.mem, sizeof *l);

	if (l == NULL)
		return NULL;
	memset(l, 0, sizeof *l);
	(void)snprintf(l->id, sizeof l->id, "%s", r->id);
	l->backward = r->state == LR_BACKWARD;
	l->a = arena_new(&c->env.mem, PLAN_ARENA_MAX);
	if (l->a != NULL)
		read_plan(c, l, r);
	return l;
}

static void
steps_drop(struct core *c, struct live *l)
{
	flight_drop_live(c, l);
	for (size_t i = 0; i < l->n; i++)
		change_drop(c, &l->step[i].change);
}

void
run_drop(struct core *c, struct live **at)
{
	struct live *l = *at;

	*at = l->next;
	steps_drop(c, l);
	playbook_unref(&l->pb);
	arena_free(&l->a);
	mem_put(&c->env.mem, l);
}

static bool
moves(const struct lrun *r)
{
	return r->state == LR_FORWARD || r->state == LR_BACKWARD;
}

static void
drop_those_that_stand(struct core *c)
{
	struct live **at = &c->live;

	while (*at != NULL) {
		const struct lrun *r = ledger_run(&c->l, (*at)->id);

		if (r == NULL || !moves(r))
			run_drop(c, at);
		else
			at = &(*at)->next;
	}
}

/* Runs of the ledger that move have a live half, others have none. */
static void
match(struct core *c)
{
	struct live **at = &c->live;

	drop_those_that_stand(c);
	while (*at != NULL)
		at = &(*at)->next;
	for (size_t i = 0; i < c->l.runs_n; i++) {
		if (!moves(&c->l.run[i]) || run_live(c, c->l.run[i].id) != NULL)
			continue;
		*at = come_alive(c, &c->l.run[i]);
		if (*at != NULL)
			at = &(*at)->next;
	}
}

/* --- how it ends --- */

static int
exit_of(const char *state)
{
	if (text_eq(state, "done") || text_eq(state, "open"))
		return 0;
	return text_eq(state, "blocked") ? 4 : 1;
}

static void
put_end(struct core *c, const char *run, const char *state, const char *why)
{
	struct buf b;
	struct jw w;

	buf_init(&b, &c->env.mem, RECORD_MAX);
	jw_init(&w, &b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "state", state);
	jw_str(&w, "why", why);
	jw_close(&w, '}');
	(void)propose(c, REC_END, run, &b);
	buf_fini(&b);
}

/* The shelter whose mail has left with this run has ended too. */
static void
release(struct core *c, const struct lrun *r)
{
	const struct lrun *s = ledger_shelter(&c->l, r->playbook, r->flow);

	if (s == NULL || (s->state != LR_OPEN && s->state != LR_BLOCKED) ||
		s->adopted != (r->kind == LK_CUTOVER || r->kind == LK_FAILBACK))
		return;
	put_end(c, s->id, "released",
		core_keep(c, arena_fmt(c->out, "its mail left with %s", r->id)));
}

void
run_end(struct core *c, struct live *l, const struct lrun *r, const char *state, const char *why)
{
	bool turned = text_eq(state, "backward"), blocked = text_eq(state, "blocked"),
	     open = text_eq(state, "open"); /* a shelter stands */

	put_end(c, r->id, state, why);
	if (text_eq(state, "done"))
		release(c, r);
	l->ending = true;
	tell_run_end(c, l, state, why);
	if (turned)
		return;
	command_ended(c, r->id, exit_of(state), state, why);
	/* of a cut-over or a failback that is blocked the machine's row tells */
	if (text_eq(state, "failed") ||
		(blocked && r->kind != LK_CUTOVER && r->kind != LK_FAILBACK))
		tell(c, r->playbook, SEV_ALARM, "%s of %s is %s and needs a person: %s", r->id,
			r->playbook, state, why);
	else if (!blocked)
		tell(c, r->playbook, SEV_INFO, "%s of playbook %s %s%s (%s)", r->id, r->playbook,
			open ? "is in force" : "has ended: ", open ? "" : state, why);
}

void
run_give_up(struct core *c, const struct lrun *r, const char *state, const char *why)
{
	struct live *l = run_live(c, r->id);

	put_end(c, r->id, state, why);
	if (l != NULL)
		l->ending = true;
	command_ended(c, r->id, exit_of(state), state, why);
	tell(c, r->playbook, SEV_ALARM, "%s of %s is %s and needs a person: %s", r->id, r->playbook,
		state, why);
}

/* What it has sent may still land: the numbers are raised before it ends over that. */
static bool
may_land(struct core *c, struct live *l, const struct lrun *r, const char *why)
{
	struct book *b = book_find(c, r->playbook);

	if (b == NULL || b->pb == NULL || fence_quiet(c, b))
		return false;
	for (size_t i = 0; i < l->n; i++) { /* none of them holds its domain any more */
		change_drop(c, &l->step[i].change);
		l->step[i].begun = false;
	}
	if (!l->told_stuck)
		tell(c, r->playbook, SEV_ALARM,
			"%s of %s does not get on (%s); what it has sent may still land, so the "
			"target gets a newer number first",
			r->id, r->playbook, why);
	l->told_stuck = true;
	return true;
}

/* A step has failed and nothing else of the run is under way. */
static void
failed(struct core *c, struct live *l, const struct lrun *r, const struct vstep *v)
{
	char why[WHY_LEN + 400];
	bool any = false, open = false;

	for (size_t i = 0; i < r->steps_n; i++) {
		any = any || r->step[i].done;
		open = open || (r->step[i].do_lsn != 0 && !r->step[i].do_answered);
	}
	(void)snprintf(why, sizeof why, "step %s (%s): %s", v->p->id, v->p->name, v->why);
	if (r->kind == LK_SHELTER && any) {
		tell(c, r->playbook, SEV_ALARM, "%s shelters only a part of the mail: %s", r->id,
			why);
		run_end(c, l, r, "open", why);
	} else if (r->kind == LK_SHELTER) {
		run_end(c, l, r, open ? "blocked" : "failed", why);
	} else if (r->kind == LK_UNSHELTER) {
		run_end(c, l, r, "blocked", why);
	} else if (r->kind == LK_EJECT) {
		/* what is as before stays so; a second one does the rest */
		if (!may_land(c, l, r, why))
			run_end(c, l, r, "failed", why);
	} else if (r->pivoted && !PLANTED(UNDO_PAST_PIVOT)) {
		(void)snprintf(why, sizeof why,
			"step %s (%s): %s; after the pivot nothing is undone: mail in queues of "
			"ours "
			"waits and is counted, it does not bounce",
			v->p->id, v->p->name, v->why);
		run_end(c, l, r, "blocked", why);
	} else {
		run_end(c, l, r, "backward", why);
	}
}

static void
succeeded(struct core *c, struct live *l, const struct lrun *r)
{
	static const char *const words[LK_N] = { [LK_CUTOVER] = "each step is done and verified",
		[LK_FAILBACK] = "mail is back on the primary path",
		[LK_SHELTER] = "mail waits instead of bouncing",
		[LK_UNSHELTER] = "what waited was let go by the primary",
		[LK_EJECT] = "ferryman is out: values as before, its numbers are gone" };

	run_end(c, l, r, r->kind == LK_SHELTER ? "open" : "done", words[r->kind]);
}

/* --- one step --- */

static bool
changes(const struct plan_step *p)
{
	return p->kind->class == STEP_STATE || p->kind->class == STEP_ACT;
}

static void
begin_change(struct core *c, struct live *l, struct vstep *v)
{
	const struct plan_step *p = v->p;

	(void)c;
	v->change = (struct change){ .owner = v,
		.pb = l->pb,
		.playbook = l->pb->name,
		.run = l->id,
		.step = p->id,
		.target = p->target,
		.resource = p->resource,
		.options = p->options,
		.dir = DIR_DO,
		.base = p->base,
		.want = p->want,
		.act = p->kind->class == STEP_ACT,
		.pivot = p->pivot,
		.deadline_ms = p->deadline_ms,
		.effect_ms = plan_effect_ms(p),
		.retries = p->retries };
}

/* Forward. The brake stops new intents only. */
static void
step_advance(struct core *c, struct live *l, struct vstep *v, bool frozen)
{
	if (!v->begun) {
		v->begun = true;
		run_say(c, false, v, "reading", "");
		if (changes(v->p))
			begin_change(c, l, v);
	}
	if (!changes(v->p)) {
		wait_advance(c, v);
		return;
	}
	v->change.frozen = frozen;
	change_advance(c, &v->change);
	if (v->change.end == CE_FAILED) {
		v->failed = true;
		v->outcome = v->change.outcome;
		(void)snprintf(v->why, sizeof v->why, "%s", v->change.why);
	}
}

static bool
may_skip(const struct vstep *v, const char *need)
{
	if (PLANTED(SHELTER_EARLY) && v->p->kind->class == STEP_ACT)
		return true;
	for (size_t i = 0; PLANTED(NARROW_FIRST) && i < v->live->n; i++)
		if (text_eq(v->live->step[i].p->id, need))
			return v->live->step[i].p->kind->class == STEP_VERIFY;
	return false;
}

static bool
is_done(const struct core *c, const struct live *l, const struct lrun *r, const struct vstep *v)
{
	return run_lstep(r, v->p->id)->done && !restored_unproven(c, l, r, (size_t)(v - l->step));
}

static bool
is_met(const struct core *c, const struct live *l, const struct lrun *r, const char *need)
{
	for (size_t i = 0; i < l->n; i++)
		if (text_eq(l->step[i].p->id, need))
			return is_done(c, l, r, &l->step[i]);
	return false;
}

static bool
is_ready(const struct core *c, const struct lrun *r, const struct vstep *v)
{
	for (size_t i = 0; i < v->p->needs_n; i++)
		if (!is_met(c, v->live, r, v->p->needs[i]) &&
			!((PLANTED(SHELTER_EARLY) || PLANTED(NARROW_FIRST)) &&
				may_skip(v, v->p->needs[i])))
			return false;
	return !restored_rests(c, v->live, r, (size_t)(v - v->live->step));
}

static bool
is_busy(const struct vstep *v)
{
	return v->begun && !v->failed && (changes(v->p) ? change_busy(&v->change) : wait_busy(v));
}

static bool
frozen_now(struct core *c, struct live *l, const struct lrun *r)
{
	if (!ledger_frozen(&c->l, r, c->wall_ms) || PLANTED(BRAKE_IGNORED)) {
		l->told_paused = false;
		return false;
	}
	if (!l->told_paused)
		tell_run(c, false, l, NULL, "waiting",
			"the brake is on: no new step until it is resumed");
	l->told_paused = true;
	return true;
}

static void
forward(struct core *c, struct live *l, const struct lrun *r)
{
	bool frozen = frozen_now(c, l, r), all = true, busy = false;
	struct vstep *bad = NULL;

	for (size_t i = 0; i < l->n; i++)
		if (l->step[i].failed && bad == NULL)
			bad = &l->step[i];
	for (size_t i = 0; i < l->n; i++) {
		struct vstep *v = &l->step[i];

		if (is_done(c, l, r, v))
			continue;
		all = false;
		/* once one has failed, only what is at a target already goes on to its end */
		if (!v->failed && is_ready(c, r, v) && (bad == NULL || is_busy(v)))
			step_advance(c, l, v, frozen);
		busy = busy || is_busy(v);
	}
	if (all || (PLANTED(DONE_TOO_EARLY) && r->pivoted && !busy && !proposed(c)))
		succeeded(c, l, r);
	else if (bad != NULL && !busy && !proposed(c))
		failed(c, l, r, bad);
}

/* --- all of them --- */

static void
turn(struct core *c, struct live *l)
{
	steps_drop(c, l);
	l->backward = true;
	for (size_t i = 0; i < l->n; i++) {
		struct vstep *v = &l->step[i];

		*v = (struct vstep){ .live = l, .p = v->p };
	}
}

static bool
sent_any(const struct live *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->step[i].change.phase == CP_SENT)
			return true;
	return false;
}

/*
 * A run of an earlier era that moves no mail (of those that do, settle.c tells). Where a domain
 * does not let itself be fenced it is blocked. What took ferryman out is given up once nothing that
 * it sent may land any more: what the targets bear is not known. True: it goes on no further now.
 */
static bool
of_old_era(struct core *c, struct live *l, const struct lrun *r)
{
	struct book *b = r->era < c->era && r->kind != LK_CUTOVER && r->kind != LK_FAILBACK
				 ? book_find(c, r->playbook)
				 : NULL;
	const char *why;

	if (b == NULL || b->pb == NULL)
		return false;
	why = fence_conflict(c, b);
	if (why != NULL)
		run_end(c, l, r, "blocked", why);
	else if (r->kind == LK_EJECT && fence_quiet(c, b))
		run_end(c, l, r, "failed", "a new era has begun: eject again");
	return why != NULL || r->kind == LK_EJECT;
}

static void
advance(struct core *c, struct live *l)
{
	const struct lrun *r = ledger_run(&c->l, l->id); /* match() dropped those that have none */

	if (l->ending)
		return;
	if (of_old_era(c, l, r) || restored_waits(c, r))
		return;
	if (l->broken[0] != '\0' || c->regress[0] != '\0') {
		run_end(c, l, r, "blocked", l->broken[0] != '\0' ? l->broken : c->regress);
		return;
	}
	if (r->state == LR_FORWARD) {
		forward(c, l, r);
		return;
	}
	if (!l->backward && sent_any(l))
		return; /* its answer, or its time, comes first */
	if (!l->backward)
		turn(c, l);
	undo_advance(c, l, r, frozen_now(c, l, r));
}

void
run_all(struct core *c)
{
	match(c);
	for (struct live *l = c->live; l != NULL; l = l->next)
		advance(c, l);
}

void
run_folded(struct core *c)
{
	drop_those_that_stand(c); /* whoever has them go on meanwhile has them begin anew */
	for (struct live *l = c->live; l != NULL; l = l->next) {
		l->ending = false;
		for (size_t k = 0; k < l->n; k++) {
			change_folded(c, &l->step[k].change);
			l->step[k].journal = false;
		}
	}
	for (struct fencing *f = c->fences; f != NULL; f = f->next)
		change_folded(c, &f->change);
}

static int64_t
step_wake(const struct core *c, const struct lrun *r, const struct vstep *v)
{
	if (!v->begun || v->failed)
		return INT64_MAX;
	if (changes(v->p))
		return change_wake(c, &v->change);
	return is_done(c, v->live, r, v) ? INT64_MAX : wait_wake(c, v);
}

int64_t
run_wake(const struct core *c)
{
	int64_t wake = INT64_MAX;

	for (const struct live *l = c->live; l != NULL; l = l->next) {
		const struct lrun *r =
			ledger_run((struct ledger *)&c->l, l->id); /* it only looks */
		/* what its steps wait for is not asked while it waits for the targets */
		bool goes = r != NULL && (PLANTED(AWAKE) || !restored_waits((struct core *)c, r));

		for (size_t k = 0; goes && k < l->n; k++)
			wake = earlier(wake, step_wake(c, r, &l->step[k]));
	}
	return wake;
}

/* --- the records that start one --- */

const char *
run_new_id(struct core *c, const char *procedure)
{
	uint64_t seq = c->l.seq + c->next.n + 1;
	char id[RUN_ID_MAX];

	(void)snprintf(id, sizeof id, "%.20s-%llu", procedure, (unsigned long long)seq);
	return propose_keep(c, id);
}

static void
put_plan(struct core *c, const struct start *s, struct jw *w)
{
	struct buf plan;

	buf_init(&plan, &c->env.mem, RECORD_MAX);
	plan_json(s->plan, c->store, s->overrides, s->overrides_n, &plan);
	jw_raw(w, "plan", buf_failed(&plan) ? "null" : buf_text(&plan));
	buf_fini(&plan);
}

static void
put_start(struct core *c, const struct start *s, struct buf *b)
{
	const struct plan *p = s->plan;
	struct jw w;

	jw_init(&w, b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "playbook", p->pb->name);
	jw_str(&w, "sha256", p->pb->sha256);
	jw_str(&w, "flow", flow_name(p->proc->flow));
	jw_str(&w, "procedure", s->kind == LK_EJECT ? lrun_kind_name(s->kind) : p->proc->name);
	jw_str(&w, "kind", lrun_kind_name(s->kind));
	jw_str(&w, "plan_hash", p->hash);
	put_plan(c, s, &w);
	jw_str(&w, "by", s->by);
	jw_str(&w, "reason", s->reason);
	jw_open(&w, "overrides", '[');
	for (size_t i = 0; i < s->overrides_n; i++)
		jw_str(&w, NULL, s->overrides[i]);
	jw_close(&w, ']');
	jw_close(&w, '}');
}

/* A shelter in force goes over to the cut-over: its mail leaves with this run's release. */
static void
adopt(struct core *c, const struct plan *p, const char *id)
{
	const struct lrun *shelter = ledger_shelter(&c->l, p->pb->name, p->proc->flow);
	struct buf b;
	struct jw w;

	if (shelter == NULL || shelter->adopted)
		return;
	buf_init(&b, &c->env.mem, 4096);
	jw_init(&w, &b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "shelter", shelter->id);
	jw_close(&w, '}');
	(void)propose(c, REC_ADOPT, id, &b);
	buf_fini(&b);
}

const char *
run_start(struct core *c, const struct start *s)
{
	const char *id = run_new_id(c, s->kind == LK_EJECT ? "eject" : s->plan->proc->name);
	struct buf b;

	if (id == NULL)
		return NULL;
	buf_init(&b, &c->env.mem, RECORD_MAX);
	put_start(c, s, &b);
	(void)propose(c, REC_START, id, &b);
	buf_fini(&b);
	if (s->kind == LK_CUTOVER)
		adopt(c, s->plan, id);
	return id;
}
