/*
 * propose.c - actions of a step, and records on their way into the journal.
 *
 * Whoever decides proposes records and says what is to follow from them; both wait together. One
 * append is outstanding; once it is durable the records are folded, and only then does what they
 * announce leave the core.
 */
#include "base/text.h"
#include "core/engine.h"
#include "base/planted.h"

#include <string.h>

/* --- actions --- */

struct action *
core_act(struct core *c, enum action_type t)
{
	if (c->act_n == c->act_room) {
		size_t room = c->act_room * 2 + 16;
		struct action *more =
			c->env.mem.resize(c->env.mem.ctx, c->act, room * sizeof *more);

		if (more == NULL)
			return NULL;
		c->act = more;
		c->act_room = room;
	}
	c->act[c->act_n] = (struct action){ .type = t };
	return &c->act[c->act_n++];
}

const char *
core_keep(struct core *c, const char *s)
{
	return c->out != NULL ? arena_str(c->out, s) : NULL;
}

void
core_halt(struct core *c, bool clean, int exit, const char *why)
{
	if (c->phase == PH_HALTED)
		return;
	c->phase = PH_HALTED;
	c->halt = (struct action){ .type = ACT_HALT };
	c->halt.halt.clean = clean;
	c->halt.halt.exit = exit;
	c->halt.halt.why = why;
}

/* --- records --- */

static bool
begin(struct core *c)
{
	struct proposal *p = &c->next;

	if (p->a != NULL)
		return true;
	p->a = arena_new(&c->env.mem, OUT_MAX);
	memcpy(p->hash, c->l.hash, sizeof p->hash);
	return p->a != NULL;
}

bool
proposed(const struct core *c)
{
	return c->next.n > 0;
}

const char *
propose_keep(struct core *c, const char *s)
{
	return begin(c) ? arena_str(c->next.a, s) : NULL;
}

uint64_t
propose_next_lsn(const struct core *c)
{
	uint64_t last = c->next.lsn > c->l.lsn ? c->next.lsn : c->l.lsn;

	if (PLANTED(LSN_OF_OLD_ERA) && last != 0)
		return last + 1;
	return (last >> 40 < c->era ? c->era << 40 : last) + 1;
}

static bool
room_for_record(struct core *c)
{
	struct proposal *p = &c->next;
	const char **more;
	size_t room = p->room * 2 + 8;

	if (p->n < p->room)
		return true;
	more = arena_get(p->a, room * sizeof *more);
	if (more == NULL)
		return false;
	if (p->n > 0)
		memcpy(more, p->record, p->n * sizeof *more);
	p->record = more;
	p->room = room;
	return true;
}

uint64_t
propose(struct core *c, enum record_type t, const char *run, const struct buf *body)
{
	struct proposal *p = &c->next;
	struct record head = { .type = t,
		.era = c->era,
		.epoch = c->epoch - PLANTED(OLD_EPOCH),
		.boot_id = c->boot_id,
		.boot_ms = c->boot_ms,
		.wall_ms = c->wall_ms,
		.run = run };
	struct buf b;

	if (buf_failed(body) || !begin(c) || !room_for_record(c)) {
		c->nomem = true; /* also a record past its limit: better to stop than to leave it
				    out */
		return 0;
	}
	head.seq = c->l.seq + p->n + 1;
	head.prev = PLANTED(CHAIN_SKIPS) ? c->l.hash : p->hash;
	if (t == REC_INTENT)
		head.lsn = p->lsn = propose_next_lsn(c);
	buf_init(&b, &c->env.mem, RECORD_MAX);
	record_write(&b, &head, buf_text(body));
	if (buf_failed(&b))
		c->nomem = true;
	else
		p->record[p->n++] = arena_strn(p->a, buf_text(&b), b.len);
	c->env.sha256(c->env.ctx, buf_text(&b), b.len, p->hash);
	buf_fini(&b);
	return head.lsn;
}

struct after *
propose_after(struct core *c, enum action_type t)
{
	struct proposal *p = &c->next;

	if (!begin(c))
		return NULL;
	if (p->after_n == p->after_room) {
		size_t room = p->after_room * 2 + 8;
		struct after *more = arena_get(p->a, room * sizeof *more);

		if (more == NULL)
			return NULL;
		if (p->after_n > 0)
			memcpy(more, p->after, p->after_n * sizeof *more);
		p->after = more;
		p->after_room = room;
	}
	p->after[p->after_n] = (struct after){ .action = { .type = t } };
	return &p->after[p->after_n++];
}

void
propose_send(struct core *c)
{
	struct action *a;

	if (c->next.n == 0 || c->append != 0 || c->nomem)
		return;
	a = core_act(c, ACT_APPEND);
	if (a == NULL)
		return;
	c->sent = c->next;
	c->next = (struct proposal){ 0 };
	a->op = c->append = ++c->ops;
	a->append.expect_epoch = c->epoch;
	a->append.expect_seq = c->l.seq;
	a->append.expect_hash = core_keep(c, c->l.hash);
	a->append.records = c->sent.record;
	a->append.records_n = c->sent.n;
}

void
propose_drop(struct core *c)
{
	arena_free(&c->next.a);
	arena_free(&c->sent.a);
	c->next = (struct proposal){ 0 };
	c->sent = (struct proposal){ 0 };
}

static bool
fold_sent(struct core *c, struct err *err)
{
	for (size_t i = 0; i < c->sent.n; i++) {
		const char *text = c->sent.record[i];

		if (core_fold(c, text, strlen(text), err) != RC_OK)
			return false;
	}
	return true;
}

/* What the records announced leaves now. */
static void
carry_out(struct core *c)
{
	for (size_t i = 0; i < c->sent.after_n; i++) {
		const struct after *af = &c->sent.after[i];
		struct action *a;

		if (PLANTED(EFFECT_BEFORE_INTENT) && af->change != NULL && af->change->early)
			continue;
		if (af->change != NULL && c->stalled &&
			af->change->target->info->fence != FENCE_F) {
			change_not_sent(c, af->change); /* the target could not refuse it */
			continue;
		}
		a = core_act(c, af->action.type);
		if (a == NULL)
			return;
		*a = af->action;
		if (af->change != NULL)
			change_sent(c, af->change, a);
	}
}

void
propose_appended(struct core *c, const struct event *ev)
{
	struct err err = { 0 };

	c->append = 0;
	if (ev->appended.outcome != OUT_DONE && !PLANTED(APPEND_IGNORED)) {
		core_halt(c, false, 4,
			ev->appended.outcome == OUT_CONFLICT
				? "somebody else has written to the journal: this ferryman knows "
				  "nothing any more"
				: "the journal could not be written: what is in it is not known");
		return;
	}
	if (!fold_sent(c, &err)) {
		core_halt(c, false, 4, c->nomem ? "out of memory" : core_keep(c, err.text));
		return;
	}
	if (ev->appended.hash != NULL && !text_eq(ev->appended.hash, c->l.hash)) {
		core_halt(c, false, 4,
			"the journal's hash is not that of the records that were given to it");
		return;
	}
	carry_out(c);
	arena_free(&c->kept);
	c->kept = c->sent.a; /* strings of those actions live there until the next step */
	c->sent = (struct proposal){ 0 };
	run_folded(c);
}
