/*
 * telling.c - what people hear: notifications (kept until somebody took them), status lines,
 * replies.
 */
#include "core/engine.h"
#include "base/planted.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	TELL_MS = 60000,
	TELL_AGAIN_MS = 10000,
	TELL_AGAIN_MAX_MS = 300000,
	TELL_TRIES = 100,
	LINE_MAX_ = 64 * 1024
};

/* --- notifications --- */

void
tell(struct core *c, const char *playbook, enum severity s, const char *fmt, ...)
{
	struct message **end = &c->messages_out, *m = mem_get(&c->env.mem, sizeof *m);
	va_list ap;

	if (m == NULL)
		return;
	memset(m, 0, sizeof *m);
	m->id = ++c->messages;
	m->severity = s;
	(void)snprintf(m->playbook, sizeof m->playbook, "%s", playbook);
	m->after_seq = c->l.seq + c->next.n;
	va_start(ap, fmt);
	(void)vsnprintf(m->text, sizeof m->text, fmt, ap);
	va_end(ap);
	while (*end != NULL)
		end = &(*end)->next;
	*end = m;
}

static void
send_out(struct core *c, struct message *m)
{
	struct flight *f = flight_begin(c, OP_NOTIFY, TELL_MS);
	struct action *a = f != NULL ? core_act(c, ACT_NOTIFY) : NULL;
	struct buf b;
	struct jw w;

	if (a == NULL)
		return;
	f->index = m->id;
	m->op = a->op = f->op;
	a->notify.severity = m->severity;
	a->notify.playbook = core_keep(c, m->playbook);
	a->notify.text = core_keep(c, m->text);
	a->notify.head =
		core_keep(c, arena_fmt(c->out, "%llu:%s", (unsigned long long)c->l.seq, c->l.hash));
	if (m->tries++ > 0)
		return;
	buf_init(&b, &c->env.mem, LINE_MAX_);
	jw_init(&w, &b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "severity", severity_name(m->severity));
	jw_str(&w, "text", m->text);
	jw_int(&w, "wall_ms", c->wall_ms);
	jw_close(&w, '}');
	tell_status(c, false, "notify", &b);
	buf_fini(&b);
}

/* What is told of records leaves after they are folded. */
void
tell_all(struct core *c)
{
	for (struct message *m = c->messages_out; m != NULL; m = m->next)
		if (m->op == 0 && m->next_boot_ms <= c->boot_ms && m->after_seq <= c->l.seq)
			send_out(c, m);
}

bool
tell_waits(const struct core *c)
{
	for (const struct message *m = c->messages_out; m != NULL; m = m->next)
		if (m->tries == 0 || m->op != 0)
			return true;
	return false;
}

int64_t
tell_wake(const struct core *c)
{
	int64_t wake = INT64_MAX;

	for (const struct message *m = c->messages_out; m != NULL; m = m->next)
		if (m->op == 0)
			wake = earlier(wake, m->next_boot_ms);
	return wake;
}

static void
put_notified(struct core *c, const struct message *m, enum outcome o)
{
	struct buf b;
	struct jw w;

	buf_init(&b, &c->env.mem, RECORD_MAX);
	jw_init(&w, &b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "playbook", m->playbook);
	jw_str(&w, "severity", severity_name(m->severity));
	jw_str(&w, "text", m->text);
	jw_str(&w, "outcome", outcome_name(o));
	jw_close(&w, '}');
	(void)propose(c, REC_NOTIFIED, "", &b);
	buf_fini(&b);
}

void
tell_sent(struct core *c, uint64_t id, const struct event *ev, bool late)
{
	struct message **at = &c->messages_out, *m;
	enum outcome o = !late ? ev->sent.outcome : OUT_UNKNOWN;
	int64_t pause = TELL_AGAIN_MS;

	while (*at != NULL && (*at)->id != id)
		at = &(*at)->next;
	m = *at;
	if (m == NULL)
		return;
	m->op = 0;
	for (int i = 1; i < m->tries && pause < TELL_AGAIN_MAX_MS; i++)
		pause *= 2;
	m->next_boot_ms = c->boot_ms + pause;
	if (o == OUT_DONE || m->tries == 1)
		put_notified(c, m, o);
	if (o != OUT_DONE && m->severity == SEV_ALARM && m->tries < TELL_TRIES &&
		!PLANTED(ALARM_ONCE))
		return; /* an alarm is told until somebody takes it */
	*at = m->next;
	mem_put(&c->env.mem, m);
}

void
tell_free(struct core *c)
{
	while (c->messages_out != NULL) {
		struct message *m = c->messages_out;

		c->messages_out = m->next;
		mem_put(&c->env.mem, m);
	}
}

/* --- lines and replies --- */

static const char *
keep(struct core *c, bool after, const char *s)
{
	return after ? propose_keep(c, s) : core_keep(c, s);
}

static struct action *
say(struct core *c, bool after, enum action_type t)
{
	struct after *af;

	if (!after)
		return core_act(c, t);
	af = propose_after(c, t);
	return af != NULL ? &af->action : NULL;
}

void
tell_status(struct core *c, bool after, const char *topic, const struct buf *body)
{
	const char *text = keep(c, after, buf_text(body));
	struct action *a = !buf_failed(body) && text != NULL ? say(c, after, ACT_STATUS) : NULL;

	if (a == NULL)
		return;
	a->status.topic = topic;
	a->status.body = text;
}

void
tell_reply(struct core *c, bool after, const char *req, int exit, const char *body, bool last)
{
	const char *id = keep(c, after, req), *text = keep(c, after, body);
	struct action *a = id != NULL && text != NULL ? say(c, after, ACT_REPLY) : NULL;

	if (a == NULL)
		return;
	a->reply.req = id;
	a->reply.exit = exit;
	a->reply.body = text;
	a->reply.last = last;
}

/* state: as it will be; NULL = as the journal has it. */
static void
say_run(struct core *c, bool after, const struct live *l, const struct plan_step *s,
	const char *state, const char *phase, const char *text)
{
	const struct lrun *r = ledger_run(&c->l, l->id);
	struct buf b;
	struct jw w;

	if (r == NULL)
		return;
	buf_init(&b, &c->env.mem, LINE_MAX_);
	jw_init(&w, &b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "playbook", r->playbook);
	jw_str(&w, "flow", flow_name(r->flow));
	jw_str(&w, "run", r->id);
	jw_str(&w, "kind", lrun_kind_name(r->kind));
	jw_str(&w, "procedure", r->procedure);
	jw_str(&w, "state", state != NULL ? state : lrun_state_name(r->state));
	jw_str(&w, "step", s != NULL ? s->id : "");
	jw_str(&w, "name", s != NULL ? s->name : "");
	jw_str(&w, "phase", phase);
	jw_int(&w, "n", s != NULL ? (int64_t)(s - l->plan->steps) + 1 : 0);
	jw_int(&w, "of", s != NULL ? (int64_t)l->n : 0);
	jw_str(&w, "text", text);
	if (text_eq(phase, "end"))
		effects_put(&r->effects, &w);
	jw_int(&w, "wall_ms", c->wall_ms);
	jw_close(&w, '}');
	tell_status(c, after, "run", &b);
	buf_fini(&b);
}

void
tell_run(struct core *c, bool after, const struct live *l, const struct plan_step *s,
	const char *phase, const char *text)
{
	say_run(c, after, l, s, NULL, phase, text);
}

void
tell_run_end(struct core *c, const struct live *l, const char *state, const char *text)
{
	say_run(c, true, l, NULL, state, text_eq(state, "backward") ? "failed" : "end", text);
}
