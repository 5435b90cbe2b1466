/*
 * flights.c - operations under way: each is answered once; an answer after its time is none.
 *
 * An operation whose owner is gone is forgotten; its answer then meets nobody.
 */
#include "core/engine.h"

#include <string.h>

struct flight *
flight_begin(struct core *c, enum op_kind kind, int64_t deadline_ms)
{
	struct flight *f;

	if (c->flights_n == c->flights_room) {
		size_t room = c->flights_room * 2 + 16;

		f = c->env.mem.resize(c->env.mem.ctx, c->flight, room * sizeof *f);
		if (f == NULL)
			return NULL;
		c->flight = f;
		c->flights_room = room;
	}
	f = &c->flight[c->flights_n++];
	*f = (struct flight){
		.op = ++c->ops, .kind = kind, .until_boot_ms = c->boot_ms + deadline_ms + GRACE_MS
	};
	return f;
}

struct action *
flight_action(struct core *c, enum op_kind kind, enum action_type t, int64_t deadline_ms,
	struct flight **ret)
{
	struct flight *f = flight_begin(c, kind, deadline_ms);
	struct action *a = f != NULL ? core_act(c, t) : NULL;

	if (a == NULL)
		return NULL;
	a->op = f->op;
	*ret = f;
	return a;
}

static void
take_out(struct core *c, size_t i)
{
	memmove(&c->flight[i], &c->flight[i + 1], (c->flights_n - i - 1) * sizeof *c->flight);
	c->flights_n--;
}

bool
flight_take(struct core *c, op_id op, struct flight *ret, bool *late)
{
	for (size_t i = 0; i < c->flights_n; i++) {
		if (c->flight[i].op != op)
			continue;
		*ret = c->flight[i];
		*late = c->boot_ms > ret->until_boot_ms;
		take_out(c, i);
		return true;
	}
	return false;
}

static void
cancel(struct core *c, op_id op)
{
	struct action *a = core_act(c, ACT_CANCEL);

	if (a != NULL)
		a->op = op;
}

bool
flight_expired(struct core *c, struct flight *ret)
{
	for (size_t i = 0; i < c->flights_n; i++) {
		if (c->boot_ms <= c->flight[i].until_boot_ms)
			continue;
		*ret = c->flight[i];
		cancel(c, ret->op);
		take_out(c, i);
		return true;
	}
	return false;
}

int64_t
flight_wake(const struct core *c)
{
	int64_t wake = INT64_MAX;

	for (size_t i = 0; i < c->flights_n; i++)
		wake = earlier(wake, c->flight[i].until_boot_ms + 1);
	return wake;
}

size_t
flight_count(const struct core *c, enum op_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < c->flights_n; i++)
		n += c->flight[i].kind == kind;
	return n;
}

bool
flight_is(const struct core *c, op_id op, enum op_kind kind)
{
	for (size_t i = 0; i < c->flights_n; i++)
		if (c->flight[i].op == op)
			return c->flight[i].kind == kind;
	return false;
}

/* Its owner goes away: nobody waits for the answer. */
static void
drop(struct core *c, bool (*its)(const struct flight *, const void *), const void *owner)
{
	for (size_t i = c->flights_n; i-- > 0;) {
		if (!its(&c->flight[i], owner))
			continue;
		cancel(c, c->flight[i].op);
		take_out(c, i);
	}
}

static bool
of_change(const struct flight *f, const void *owner)
{
	return f->change == owner;
}

static bool
of_look(const struct flight *f, const void *owner)
{
	return f->look == owner;
}

static bool
of_live(const struct flight *f, const void *owner)
{
	return f->step != NULL && f->step->live == owner;
}

static bool
of_book(const struct flight *f, const void *owner)
{
	return f->book == owner;
}

void
flight_drop_change(struct core *c, const struct change *ch)
{
	drop(c, of_change, ch);
}

void
flight_drop_look(struct core *c, const struct look *l)
{
	drop(c, of_look, l);
}

void
flight_drop_live(struct core *c, const struct live *l)
{
	drop(c, of_live, l);
}

void
flight_drop_book(struct core *c, const struct book *b)
{
	drop(c, of_book, b);
}
