/*
 * queue.c - what happens while an append is outstanding waits here, in order and bounded.
 *
 * Observations are coalesced for each signal and subject, ticks are one; a person whose command
 * does not fit is told.
 */
#include "base/text.h"
#include "core/engine.h"

#include <string.h>

static struct input *
input_new(struct core *c)
{
	struct arena *a = arena_new(&c->env.mem, OUT_MAX);
	struct input *in = a != NULL ? arena_get(a, sizeof *in) : NULL;

	if (in == NULL) {
		arena_free(&a);
		return NULL;
	}
	in->a = a;
	return in;
}

void
queue_free(struct input *in)
{
	struct arena *a = in->a;

	arena_free(&a);
}

static void
copy_seen(struct input *in)
{
	struct event *e = &in->ev;

	e->seen.signal = arena_str(in->a, e->seen.signal);
	e->seen.path = arena_str(in->a, e->seen.path);
	e->seen.subject = arena_str(in->a, e->seen.subject);
	e->seen.class = arena_str(in->a, e->seen.class);
	e->seen.playbook = arena_str(in->a, e->seen.playbook);
	e->seen.via = arena_str(in->a, e->seen.via);
	e->seen.why = arena_str(in->a, e->seen.why);
	in->key = arena_fmt(in->a, "%s/%s/%s/%s", e->seen.playbook != NULL ? e->seen.playbook : "",
		e->seen.signal != NULL ? e->seen.signal : "",
		e->seen.subject != NULL ? e->seen.subject : "",
		e->seen.via != NULL ? e->seen.via : "");
}

static void
copy_read(struct input *in)
{
	struct event *e = &in->ev;

	e->read.value = arena_str(in->a, e->read.value);
	e->read.version = arena_str(in->a, e->read.version);
	e->read.marker_store = arena_str(in->a, e->read.marker_store);
	e->read.why = arena_str(in->a, e->read.why);
	for (size_t i = 0; i < e->read.source_n; i++) {
		e->read.source[i].source = arena_str(in->a, e->read.source[i].source);
		e->read.source[i].value = arena_str(in->a, e->read.source[i].value);
	}
}

static void
copy_command(struct input *in)
{
	struct event *e = &in->ev;

	e->command.req = arena_str(in->a, e->command.req);
	e->command.principal = arena_str(in->a, e->command.principal);
	e->command.via = arena_str(in->a, e->command.via);
	e->command.playbook = arena_str(in->a, e->command.playbook);
	e->command.procedure = arena_str(in->a, e->command.procedure);
	e->command.run = arena_str(in->a, e->command.run);
	e->command.plan_hash = arena_str(in->a, e->command.plan_hash);
	e->command.reason = arena_str(in->a, e->command.reason);
	e->command.nonce = arena_str(in->a, e->command.nonce);
	for (size_t i = 0; i < e->command.overrides_n; i++)
		e->command.overrides[i] = arena_str(in->a, e->command.overrides[i]);
}

static void
copy(struct input *in, const struct event *ev)
{
	in->ev = *ev;
	switch (ev->type) {
	case EV_SEEN:
		copy_seen(in);
		break;
	case EV_READ:
		copy_read(in);
		break;
	case EV_EFFECT:
		in->ev.effect.version = arena_str(in->a, ev->effect.version);
		in->ev.effect.why = arena_str(in->a, ev->effect.why);
		break;
	case EV_SENT:
		in->ev.sent.why = arena_str(in->a, ev->sent.why);
		break;
	case EV_PLAYBOOK:
		in->ev.playbook.name = arena_str(in->a, ev->playbook.name);
		in->ev.playbook.sha256 = arena_str(in->a, ev->playbook.sha256);
		in->ev.playbook.why = arena_str(in->a, ev->playbook.why);
		break;
	case EV_COMMAND:
		copy_command(in);
		break;
	case EV_OPEN:
	case EV_LOST:
	case EV_STOP:
	case EV_TICK:
	case EV_APPENDED:
	case EV_N:
		break;
	}
}

/* The newest observation stands for those of the same key; each operation is over all the same. */
static void
coalesce(struct core *c, const struct input *fresh)
{
	for (struct input **at = &c->queue; *at != NULL && *at != fresh; at = &(*at)->next) {
		struct input *old = *at;
		struct flight f;
		bool late;

		if (old->key == NULL || !text_eq(old->key, fresh->key))
			continue;
		(void)flight_take(c, old->ev.op, &f, &late);
		*at = old->next; /* never the last: that is the fresh one */
		c->queue_n--;
		queue_free(old);
		return;
	}
}

void
queue_put(struct core *c, const struct event *ev)
{
	struct input *in;

	if (ev->type == EV_APPENDED || (ev->type == EV_TICK && c->tick_queued))
		return;
	if (ev->type == EV_COMMAND && c->commands_n >= COMMANDS_MAX) {
		tell_reply(c, false, ev->command.req, 1,
			"{\"error\":\"too many requests wait for an answer; try again\"}", true);
		return;
	}
	in = c->queue_n < QUEUE_MAX ? input_new(c) : NULL;
	if (in == NULL) {
		core_halt(c, false, 4,
			c->nomem ? "out of memory" : "more events than can wait for the journal");
		return;
	}
	copy(in, ev);
	if (ev->type == EV_SEEN && flight_is(c, ev->op, OP_VERIFY))
		in->key = NULL; /* a proof that a run waits for counts by itself */
	c->tick_queued = c->tick_queued || ev->type == EV_TICK;
	c->commands_n += ev->type == EV_COMMAND;
	*c->queue_end = in;
	c->queue_end = &in->next;
	c->queue_n++;
	if (in->key != NULL)
		coalesce(c, in);
}

struct input *
queue_take(struct core *c)
{
	struct input *in = c->queue;

	if (in == NULL)
		return NULL;
	c->queue = in->next;
	if (c->queue == NULL)
		c->queue_end = &c->queue;
	c->queue_n--;
	c->tick_queued = c->tick_queued && in->ev.type != EV_TICK;
	c->commands_n -= in->ev.type == EV_COMMAND;
	return in;
}
