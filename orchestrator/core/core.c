/*
 * core.c - one event in, actions out: takes it, lets everything go on that can, proposes what has
 * been decided.
 *
 * While an append is outstanding nothing is taken and nothing decided: each decision stands on a
 * folded journal.
 */
#include "core/engine.h"

#include "base/planted.h"
#include "base/text.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Less than what class U is drained for: what is late by less than this lands within the drain. */
enum { STALL_MS = 10000 };

/* --- memory: who asks in vain is noted, and the step ends with a halt --- */

static void *
core_resize(void *ctx, void *p, size_t n)
{
	struct core *c = ctx;
	void *q = c->host.resize(c->host.ctx, p, n);

	if (q == NULL && n > 0)
		c->nomem = true;
	return q;
}

struct core *
core_new(const struct core_env *env, uint64_t seed)
{
	struct core *c = mem_get(&env->mem, sizeof *c);

	if (c == NULL)
		return NULL;
	memset(c, 0, sizeof *c);
	c->magic = CORE_MAGIC;
	c->env = *env;
	c->host = env->mem;
	c->env.mem = (struct mem){ core_resize, c };
	c->seed = seed;
	c->queue_end = &c->queue;
	ledger_init(&c->l, &c->env.mem);
	return c;
}

void
core_free(struct core **pc)
{
	struct core *c = *pc;
	struct input *in;
	struct mem host;

	if (c == NULL)
		return;
	*pc = NULL;
	while (c->live != NULL)
		run_drop(c, &c->live);
	commands_free(c);
	fence_free(c);
	book_free(c);
	tell_free(c);
	while ((in = queue_take(c)) != NULL)
		queue_free(in);
	propose_drop(c);
	arena_free(&c->out);
	arena_free(&c->kept);
	ledger_fini(&c->l);
	mem_put(&c->env.mem, c->flight);
	mem_put(&c->env.mem, c->domain);
	mem_put(&c->env.mem, c->act);
	host = c->host;
	mem_put(&host, c);
}

enum rc
core_fold(struct core *c, const char *text, size_t n, struct err *err)
{
	struct arena *a = arena_new(&c->env.mem, 16 * (size_t)RECORD_MAX);
	struct record r;
	char hash[65];
	enum rc rc;

	if (a == NULL)
		return err_set(err, RC_NOMEM, "out of memory");
	rc = record_read(a, text, n, &r, err);
	c->env.sha256(c->env.ctx, text, n, hash);
	if (rc == RC_OK)
		rc = ledger_fold(&c->l, &r, hash, err);
	arena_free(&a);
	return rc;
}

struct fdomain *
core_domain(struct core *c, const char *name)
{
	struct fdomain *more;

	for (size_t i = 0; i < c->domains_n; i++)
		if (text_eq(c->domain[i].name, name))
			return &c->domain[i];
	more = c->env.mem.resize(c->env.mem.ctx, c->domain, (c->domains_n + 1) * sizeof *more);
	if (more == NULL)
		return NULL;
	c->domain = more;
	more += c->domains_n++;
	memset(more, 0, sizeof *more);
	(void)snprintf(more->name, sizeof more->name, "%s", name);
	return more;
}

const struct ldomain *
core_ldomain(const struct core *c, const char *name)
{
	for (size_t i = 0; i < c->l.domains_n; i++)
		if (text_eq(c->l.domain[i].name, name))
			return &c->l.domain[i];
	return NULL;
}

/* --- events --- */

/* Whether the alarm got out before the last process died is not known. Of cut-overs and failbacks
 * the machine tells. */
static void
call_again(struct core *c)
{
	for (size_t i = 0; i < c->l.runs_n; i++) {
		const struct lrun *r = &c->l.run[i];

		if (r->state == LR_BLOCKED &&
			(r->kind == LK_SHELTER || r->kind == LK_UNSHELTER || r->kind == LK_EJECT))
			tell(c, r->playbook, SEV_ALARM,
				"%s of %s is blocked and needs a person: %.400s", r->id,
				r->playbook, r->why);
	}
}

static void
take_open(struct core *c, const struct event *ev)
{
	struct buf b;
	struct jw w;

	if (c->phase != PH_FOLDING)
		return;
	if (ev->open.seq != c->l.seq || !text_eq(ev->open.hash, c->l.hash)) {
		core_halt(c, false, 4, "what was folded is not the journal that was opened");
		return;
	}
	(void)snprintf(c->store, sizeof c->store, "%s", ev->open.store);
	(void)snprintf(c->boot_id, sizeof c->boot_id, "%s", ev->open.boot_id);
	c->era = ev->open.era > c->l.era ? ev->open.era : c->l.era;
	c->epoch = ev->open.epoch;
	c->fresh = ev->open.fresh;
	c->by_operator = ev->open.by_operator;
	c->one_shot = ev->open.one_shot;
	c->opened_boot_ms = c->boot_ms;
	c->phase = PH_OPEN;
	unled_later(c);
	buf_init(&b, &c->env.mem, 4096);
	jw_init(&w, &b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "mode", c->one_shot ? "one-shot" : "watch");
	jw_bool(&w, "fresh", c->fresh);
	jw_close(&w, '}');
	(void)propose(c, REC_OPENED, "", &b);
	buf_fini(&b);
	call_again(c);
}

/* Nothing new; what is at a target already may end. */
static void
take_stop(struct core *c)
{
	if (c->phase == PH_FOLDING)
		core_halt(c, true, 0, "stopped before it began");
	else if (c->phase == PH_OPEN)
		c->phase = PH_STOPPING;
}

/* The answer to an operation finds its owner; one of another kind than was asked for is none. */
static void
take_answer(struct core *c, const struct flight *f, const struct event *ev, bool late)
{
	static const enum event_type answer[] = { [OP_PROBE] = EV_SEEN,
		[OP_VERIFY] = EV_SEEN,
		[OP_LOOK] = EV_READ,
		[OP_STEP_READ] = EV_READ,
		[OP_CHANGE_READ] = EV_READ,
		[OP_CHANGE] = EV_EFFECT,
		[OP_QUEUE] = EV_READ,
		[OP_NOTIFY] = EV_SENT };

	late = late || ev->type != answer[f->kind];
	switch (f->kind) {
	case OP_PROBE:
		if (!late)
			watching_seen(c, f->book, ev);
		break;
	case OP_VERIFY:
		wait_seen(c, f->step, f->index, ev, late);
		break;
	case OP_STEP_READ:
		wait_read(c, f->step, ev, late);
		break;
	case OP_LOOK:
		look_read(c, f->look, f->index, ev, late);
		break;
	case OP_CHANGE_READ:
		change_read(c, f->change, ev, late);
		break;
	case OP_CHANGE:
		change_answered(c, f->change, ev, late);
		break;
	case OP_QUEUE:
		machine_queue(c, f->book, f->index, ev, late);
		break;
	default: /* OP_NOTIFY */
		tell_sent(c, f->index, ev, late);
		break;
	}
}

static void
take_completion(struct core *c, const struct event *ev)
{
	struct flight f;
	struct book *b;
	bool late = false;

	if (ev->op == 0 && ev->type == EV_SEEN) {
		b = book_find(c, ev->seen.playbook);
		if (b != NULL && b->ev != NULL)
			watching_seen(c, b, ev);
	} else if (flight_take(c, ev->op, &f, &late)) {
		take_answer(c, &f, ev, late);
	}
}

void
core_take(struct core *c, const struct event *ev)
{
	switch (ev->type) {
	case EV_OPEN:
		take_open(c, ev);
		break;
	case EV_STOP:
		take_stop(c);
		break;
	case EV_PLAYBOOK:
		book_take(c, ev);
		break;
	case EV_SEEN:
	case EV_READ:
	case EV_EFFECT:
	case EV_SENT:
		take_completion(c, ev);
		break;
	case EV_APPENDED:
		if (c->append != 0 && ev->op == c->append)
			propose_appended(c, ev);
		break;
	case EV_COMMAND:
		command_take(c, ev);
		break;
	default: /* a tick; EV_LOST has ended it before */
		break;
	}
}

/* --- going on --- */

static void
expire(struct core *c)
{
	static const struct event none = { .type = EV_TICK };
	struct flight f;

	while (flight_expired(c, &f))
		take_answer(c, &f, &none, true);
}

static void
end_if_over(struct core *c)
{
	if (proposed(c))
		return;
	if (c->phase == PH_STOPPING && flight_count(c, OP_CHANGE) == 0)
		core_halt(c, true, 0, "stopped");
	else if (c->phase == PH_OPEN && c->run_ended && !tell_waits(c))
		core_halt(c, true, c->run_exit, "the run that was asked for has ended");
}

/* Each of these may propose; the next one waits until that is folded. */
static void
advance(struct core *c)
{
	static void (*const parts[])(struct core *) = { watching_all, settle_all, drift_all,
		commands_all, machines_all, run_all, unled_all };

	expire(c);
	if (c->phase == PH_OPEN) {
		for (size_t i = 0; i < sizeof parts / sizeof *parts && !proposed(c); i++)
			parts[i](c);
		tell_all(c);
		watching_probe(c);
	}
	end_if_over(c);
}

static void
go_on(struct core *c)
{
	while (c->phase != PH_HALTED && c->append == 0 && !c->nomem) {
		struct input *in;

		if (!proposed(c) && (in = queue_take(c)) != NULL) {
			core_take(c, &in->ev);
			queue_free(in);
			continue;
		}
		if (!proposed(c))
			advance(c);
		if (!proposed(c))
			return;
		propose_send(c);
	}
}

static bool
begin(struct core *c, const struct event *ev)
{
	arena_free(&c->out);
	arena_free(&c->kept);
	c->act_n = 0;
	if (c->phase == PH_HALTED)
		return false;
	c->out = arena_new(&c->env.mem, OUT_MAX);
	if (ev->boot_ms > c->boot_ms)
		c->boot_ms = ev->boot_ms;
	if (c->due_boot_ms != 0 && c->boot_ms > c->due_boot_ms + STALL_MS)
		c->stalled = true;
	c->due_boot_ms = 0;
	c->wall_ms = ev->wall_ms;
	return c->out != NULL;
}

struct actions
core_step(struct core *c, const struct event *ev)
{
	bool was_halted = c->phase == PH_HALTED;

	assert(!PLANTED(CORE_DIES));
	if (begin(c, ev)) {
		if (ev->type == EV_LOST)
			core_halt(c, false, 4,
				core_keep(c, ev->lost.why != NULL ? ev->lost.why
								  : "the journal is gone"));
		else if (c->append != 0 && ev->type != EV_APPENDED)
			queue_put(c, ev);
		else
			core_take(c, ev);
		go_on(c);
	}
	if (c->append != 0)
		c->due_boot_ms = c->boot_ms;
	else if (c->phase == PH_OPEN && core_wake_ms(c) < INT64_MAX - STALL_MS)
		c->due_boot_ms = core_wake_ms(c);
	if (c->nomem)
		core_halt(c, false, 4, "out of memory");
	if (c->phase != PH_HALTED || was_halted)
		return (struct actions){ was_halted ? NULL : c->act, was_halted ? 0 : c->act_n };
	if (c->nomem || core_act(c, ACT_HALT) == NULL)
		return (struct actions){ &c->halt, 1 }; /* what came before it may be half made */
	c->act[c->act_n - 1] = c->halt;
	return (struct actions){ c->act, c->act_n };
}

int64_t
core_wake_ms(const struct core *c)
{
	int64_t wake = INT64_MAX;

	if (c->phase == PH_HALTED || c->phase == PH_FOLDING || c->append != 0)
		return wake;
	wake = flight_wake(c);
	if (c->phase == PH_OPEN) {
		wake = earlier(wake, watching_wake(c));
		wake = earlier(wake, settle_wake(c));
		wake = earlier(wake, drift_wake(c));
		wake = earlier(wake, commands_wake(c));
		wake = earlier(wake, machines_wake(c));
		wake = earlier(wake, run_wake(c));
		wake = earlier(wake, unled_wake(c));
		wake = earlier(wake, tell_wake(c));
	}
	return wake > c->boot_ms ? wake : c->boot_ms + 1;
}
