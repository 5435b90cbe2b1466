/* people.c - who speaks to ferryman (plans, triggers, approvals, brakes), and whose hand is in the
 * targets. */
#include "base/text.h"
#include "sim/sim.h"

#include <stdio.h>
#include <string.h>

/* How often somebody looks again before giving it up. */
enum { LOOKS_MAX = 12 };
enum { COMMANDS_MAX = 14, HANDS_MAX = 5, PEOPLE_FROM = 5 * 60000, PEOPLE_TO = 150 * 60000 };

/* Of a H_COMMAND: whoever speaks may do everything. */
enum { WHO_MAY = 1 };

static void
say_at(struct sim *s, int64_t at, enum verb verb)
{
	sim_push(s, (struct happening){ .at = at, .kind = H_COMMAND, .number = verb });
}

/* Anything, whether it fits or not. */
void
people_say_something(struct sim *s, int64_t at)
{
	static const enum verb any[] = { VERB_PLAN, VERB_CUTOVER, VERB_FAILBACK, VERB_ABORT,
		VERB_CONTINUE, VERB_APPROVE, VERB_DENY, VERB_PAUSE, VERB_PAUSE, VERB_RESUME,
		VERB_ACK, VERB_EJECT };

	say_at(s, at, any[rng_below(&s->moment_rng, sizeof any / sizeof *any)]);
}

void
people_init(struct sim *s)
{
	static const enum verb said[] = { VERB_PLAN, VERB_PLAN, VERB_PLAN, VERB_ABORT,
		VERB_FAILBACK, VERB_PAUSE, VERB_ACK, VERB_CONTINUE, VERB_STATUS };
	struct people *p = &s->people;
	size_t commands, hands;

	rng_seed(&p->rng, s->seed, "people");
	commands = (size_t)rng_below(&p->rng, s->aim.shot != NULL ? 3 : COMMANDS_MAX);
	hands = (size_t)rng_below(&p->rng, HANDS_MAX + 1);
	for (size_t i = 0; i < commands; i++) {
		enum verb verb = said[rng_below(&p->rng, sizeof said / sizeof *said)];

		say_at(s, rng_between(&p->rng, PEOPLE_FROM, PEOPLE_TO), verb);
	}
	rng_seed(&p->rights, s->seed, "rights");
	rng_seed(&p->leaving, s->seed,
		"leaving"); /* of its own: the seeds without it stay as they were */
	for (int i = 0; i < 4; i++)
		people_say_something(s, rng_between(&s->moment_rng, PEOPLE_FROM, PEOPLE_TO));
	for (int64_t i = rng_ratio(&p->leaving, 1, 4) ? (int64_t)rng_below(&p->leaving, 3) + 1 : 0;
		i > 0; i--)
		say_at(s, rng_between(&p->leaving, PEOPLE_FROM, PEOPLE_TO), VERB_EJECT);
	for (size_t i = 0; i < hands; i++) {
		int64_t at = rng_between(&p->rng, 60000, PEOPLE_TO);

		sim_push(s, (struct happening){
				    .at = at, .kind = H_HAND, .index = rng_below(&p->rng, T_N) });
	}
}

/* --- commands --- */

/* A reason ends with it: no two are the same. */
#define ORDER "as simulated, order "

struct saying *
people_order(struct sim *s, const char *reason)
{
	const char *at = reason != NULL ? strstr(reason, ORDER) : NULL;

	for (size_t i = 0; at != NULL && i < s->people.said_n; i++)
		if (text_eq(s->people.said[i].req, at + strlen(ORDER)))
			return &s->people.said[i];
	return NULL;
}

void
people_in_force(struct sim *s, struct saying *o)
{
	if (o->in_force != 0)
		return;
	o->in_force = ++s->people.words;
	o->in_force_at = s->now;
}

void
people_forgot(struct sim *s, size_t kept)
{
	int64_t copied = kept > 0 ? s->journal.entry[kept - 1].at : 0;

	for (size_t i = 0; i < s->people.said_n; i++) {
		struct saying *o = &s->people.said[i];

		if (o->seq > kept || (o->seq == 0 && o->in_force_at > copied))
			o->gone = true;
	}
}

static void
remember(struct sim *s, const struct event *ev)
{
	struct people *p = &s->people;
	struct saying *x = &p->said[p->said_n++];

	*x = (struct saying){ .verb = ev->command.verb,
		.who = sim_str(s, ev->command.principal),
		.hash = sim_str(s, ev->command.plan_hash),
		.nonce = sim_str(s, ev->command.nonce),
		.run = sim_str(s, ev->command.run),
		.req = sim_str(s, ev->command.req),
		.expires = ev->command.expires_wall_ms,
		.at = s->now };
	for (size_t i = 0; i < ev->command.overrides_n; i++)
		x->names_pause = x->names_pause || text_eq(ev->command.overrides[i], "pause");
	x->expired =
		ev->command.expires_wall_ms != 0 && ev->command.expires_wall_ms < process_wall(s);
}

/* More people than one, and the world is not healed yet: then those speak who know what they may.
 */
static bool
is_crowd(const struct sim *s)
{
	return !s->healed && playbook_person(s->book, "carol") != NULL;
}

static void
speak(struct sim *s, struct event *ev, bool may)
{
	static const char *const users[] = { "alice", "bob", "mallory" };
	struct people *p = &s->people;
	char req[32], nonce[32], reason[64];

	if (p->said_n == SAYINGS_MAX)
		return; /* enough was said */
	(void)snprintf(req, sizeof req, "c%u", ++p->next_req);
	(void)snprintf(nonce, sizeof nonce, "n%u", p->next_req);
	ev->type = EV_COMMAND;
	ev->command.req = req;
	ev->command.nonce = nonce;
	ev->command.principal = users[rng_below(&p->rng, 2)];
	if (fault(s, SITE_CLUMSY))
		ev->command.principal = users[2];
	if (!may && is_crowd(s) && rng_ratio(&p->rights, 1, 10))
		ev->command.principal = rng_ratio(&p->rights, 1, 2) ? "carol" : "dave";
	ev->command.via = "cli";
	ev->command.playbook = s->book->name;
	(void)snprintf(reason, sizeof reason, "%s%s", ORDER, req);
	ev->command.reason = reason;
	if (ev->command.plan_hash != NULL && fault(s, SITE_CLUMSY))
		ev->command.plan_hash =
			"0000000000000000000000000000000000000000000000000000000000000000";
	if (ev->command.verb == VERB_APPROVE && fault(s, SITE_CLUMSY))
		ev->command.expires_wall_ms = process_wall(s) - 60000;
	if (p->said_n > 0 && fault(s, SITE_CLUMSY))
		ev->command.nonce = p->said[p->said_n - 1].nonce;
	remember(s, ev);
	trace_add(s, "%s says %s %s", ev->command.principal, verb_name(ev->command.verb),
		ev->command.run != NULL ? ev->command.run : "");
	process_tell(s, ev);
}

static const char *
cutover_name(struct sim *s, enum flow flow)
{
	const struct procedure *p = playbook_cutover(s->book, flow);

	return p != NULL ? p->name : NULL;
}

static void
ask_plan(struct sim *s, struct event *ev)
{
	struct people *p = &s->people;

	p->flow = s->book->has_flow[FLOW_INBOUND] && rng_ratio(&p->rng, 1, 2) ? FLOW_INBOUND
									      : FLOW_OUTBOUND;
	p->of = rng_ratio(&p->rng, 2, 3) ? VERB_CUTOVER : VERB_FAILBACK;
	p->asked = p->next_req + 1;
	p->names_pause = is_crowd(s) && rng_ratio(&p->rights, 1, 10);
	if (p->names_pause) /* for there is one, and perhaps another one comes later */
		say_at(s, s->now + 500, VERB_PAUSE);
	ev->command.overrides[0] = "pause";
	ev->command.overrides_n = p->names_pause;
	ev->command.of = p->of;
	ev->command.procedure = cutover_name(s, p->flow);
}

static const char *
newest_open(struct sim *s)
{
	for (size_t i = s->view.runs_n; i-- > 0;)
		if (s->view.run[i].state == VR_BLOCKED && !s->view.run[i].terminal)
			return s->view.run[i].id;
	for (size_t i = s->view.runs_n; i-- > 0;)
		if (!s->view.run[i].terminal)
			return s->view.run[i].id;
	return NULL;
}

void
people_command(struct sim *s, const struct happening *h)
{
	struct people *p = &s->people;
	struct event ev = { 0 };

	if (!s->process.up || s->process.stalled_until > s->now)
		return; /* nobody answers */
	ev.command.verb = (enum verb)h->number;
	switch (ev.command.verb) {
	case VERB_PLAN:
		ask_plan(s, &ev);
		break;
	case VERB_CUTOVER:
	case VERB_FAILBACK:
		ev.command.procedure = cutover_name(s, p->flow);
		ev.command.plan_hash = p->hash[0] != '\0' ? p->hash : NULL;
		ev.command.overrides[0] = "soak";
		ev.command.overrides[1] = "cooldown";
		ev.command.overrides_n = rng_below(&p->rng, 3);
		if (p->names_pause) {
			ev.command.overrides[0] = "pause";
			ev.command.overrides_n = 1;
			if (is_crowd(s) && rng_ratio(&p->rights, 1, 2))
				say_at(s, s->now + rng_between(&p->rights, 1000, 180000),
					VERB_PAUSE);
		}
		break;
	case VERB_APPROVE:
	case VERB_DENY:
		ev.command.plan_hash = p->hash;
		ev.command.expires_wall_ms = process_wall(s) + 600000;
		break;
	case VERB_ABORT:
	case VERB_CONTINUE:
		ev.command.run = newest_open(s);
		ev.command.overrides[0] = "pause";
		ev.command.overrides_n = is_crowd(s) && rng_ratio(&p->rights, 1, 8);
		break;
	case VERB_PAUSE:
		ev.command.expires_wall_ms = process_wall(s) + rng_between(&p->rng, 60000, 1800000);
		if (rng_ratio(&p->rng, 2, 3))
			say_at(s, s->now + rng_between(&p->rng, 30000, 1200000), VERB_RESUME);
		break;
	case VERB_EJECT:
		ev.command.overrides[0] = "queues";
		ev.command.overrides[1] = "pause";
		ev.command.overrides_n = rng_below(&p->leaving, 3);
		if (rng_ratio(&p->leaving, 1, 2))
			say_at(s, s->now + rng_between(&p->leaving, 1000, 1200000), VERB_RESUME);
		break;
	case VERB_RESUME:
	case VERB_ACK:
	case VERB_STATUS:
	case VERB_DRILL:
	case VERB_N:
		break;
	}
	speak(s, &ev, h->index == WHO_MAY);
}

/* The value of a member "name":"..." in a body, without a parser: hashes and names need no escapes.
 */
static bool
member(const char *body, const char *name, char *out, size_t room)
{
	char key[40];
	const char *at, *end;

	(void)snprintf(key, sizeof key, "\"%s\":\"", name);
	at = body != NULL ? strstr(body, key) : NULL;
	end = at != NULL ? strchr(at + strlen(key), '"') : NULL;
	if (end == NULL || (size_t)(end - at) - strlen(key) >= room)
		return false;
	(void)snprintf(
		out, room, "%.*s", (int)(end - at - (ptrdiff_t)strlen(key)), at + strlen(key));
	return true;
}

void
people_reply(struct sim *s, const struct action *a)
{
	struct people *p = &s->people;
	char req[32];

	trace_add(s, "reply %s exit %d%s: %s", a->reply.req, a->reply.exit,
		a->reply.last ? "" : " ...", a->reply.body);
	for (size_t i = 0; a->reply.exit == 0 && i < p->said_n; i++)
		if (text_eq(p->said[i].req, a->reply.req) &&
			(p->said[i].verb == VERB_PAUSE || p->said[i].verb == VERB_EJECT ||
				p->said[i].verb == VERB_RESUME))
			people_in_force(s, &p->said[i]);
	(void)snprintf(req, sizeof req, "c%u", p->asked);
	if (p->asked == 0 || !text_eq(a->reply.req, req) || a->reply.exit != 0)
		return;
	p->asked = 0;
	if (member(a->reply.body, "plan_hash", p->hash, sizeof p->hash))
		say_at(s, s->now + rng_between(&p->rng, 2000, 120000), p->of);
}

void
people_home(struct sim *s)
{
	if (rng_ratio(&s->people.leaving, 1, 4))
		say_at(s, s->now + rng_between(&s->people.leaving, 1000, 600000), VERB_EJECT);
}

/* Whoever is called looks what is the matter, puts it right or waits until somebody else has, and
 * tells ferryman to go on. Not every time, and not for ever. */
void
people_alarmed(struct sim *s)
{
	struct people *p = &s->people;

	p->alarm_at = s->now;
	if (p->looks == LOOKS_MAX || p->looks_at > s->now || !rng_ratio(&p->leaving, 5, 6))
		return;
	p->looks++;
	p->looks_at = s->now + rng_between(&p->leaving, 60000, 2400000);
	sim_push(s, (struct happening){ .at = p->looks_at,
			    .kind = H_COMMAND,
			    .index = WHO_MAY,
			    .number = rng_ratio(&p->leaving, 1, 8) ? VERB_ABORT : VERB_CONTINUE });
}

void
people_told(struct sim *s, const struct action *a)
{
	struct people *p = &s->people;

	trace_add(s, "status %s %s", a->status.topic, a->status.body);
	if (!text_eq(a->status.topic, "approval") ||
		!member(a->status.body, "plan_hash", p->hash, sizeof p->hash))
		return;
	if (rng_ratio(&s->moment_rng, 1, 5))
		say_at(s, s->now + rng_between(&s->moment_rng, 1000, 300000), VERB_PAUSE);
	for (int i = 0; i < 2 && rng_ratio(&p->rng, 4, 5); i++) {
		enum verb verb = rng_ratio(&p->rng, 5, 6) ? VERB_APPROVE : VERB_DENY;

		say_at(s, s->now + rng_between(&p->rng, 5000, 400000), verb);
	}
}

/* --- a hand in the targets --- */

static const char *
other_value(struct sim *s, const struct tcell *c)
{
	bool txt = text_starts(c->resource, "dns.rrset corp.example TXT");

	if (txt && strstr(c->value, "txt zz=") == NULL)
		return sim_str(s, arena_fmt(s->arena, "%stxt zz=by-hand\n", c->value));
	if (txt)
		return "ttl 300\ntxt other=1\ntxt v=spf1 include:spf.cloud.example -all\n";
	if (text_starts(c->resource, "dns.rrset "))
		return "ttl 300\nmx 20 mx.by-hand.example\n";
	if (text_starts(c->resource, "relay.route "))
		return c->value[0] == '\0' ? "next nsmail:[by-hand.example]:587\nshare 100\n" : "";
	if (text_starts(c->resource, "relay.park "))
		return NULL; /* nobody parks mail by hand */
	return c->value[0] == '\0' ? "enabled\n" : "";
}

void
people_hand(struct sim *s, const struct happening *h)
{
	struct people *p = &s->people;
	struct ftarget *t = &s->target[h->index % T_N];
	struct tcell *c = h->number > 0 ? &t->cell[h->number - 1]
			  : t->name != NULL && t->cells_n > 0
				  ? &t->cell[rng_below(&p->rng, t->cells_n)]
				  : NULL;
	const char *was, *value;

	if (h->kind ==
		H_HAND_BACK) { /* index: cell * T_N + target; the text is the first value again */
		c = &t->cell[h->index / T_N];
		target_edit(s, t, c, c->change[h->number].value, 0);
		return;
	}
	if (c == NULL || !fault(s, SITE_HAND))
		return;
	value = other_value(s, c);
	was = c->value;
	if (value == NULL || text_eq(value, was))
		return;
	if (rng_ratio(&p->rng, 1, 2))
		sim_push(s, (struct happening){ .at = s->now + rng_between(&p->rng, 30000, 1800000),
				    .kind = H_HAND_BACK,
				    .index = (size_t)(c - t->cell) * T_N + h->index % T_N,
				    .number = (int64_t)c->changes_n - 1 });
	target_edit(s, t, c, value, 0);
}
