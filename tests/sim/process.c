/*
 * process.c - one ferryman as the shell would run it: open the store, fold it, tell the playbook,
 * carry out actions, wake it when it asks. It dies at any boundary and starts again with nothing
 * but the journal.
 */
#include "base/text.h"
#include "core/lifecycle.h"
#include "os/digest.h"
#include "sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WALL0_S = 1780000000 }; /* some day in 2026: no seed depends on the real one */

static const struct invariant law = { .name = "inv_00_laws_of_the_core" };

int64_t
process_wall(const struct sim *s)
{
	return (int64_t)WALL0_S * 1000 + s->now + s->process.wall_skew;
}

static int64_t
boot_now(const struct sim *s)
{
	return s->now - s->process.boot_base + 5000;
}

static void
arm(struct sim *s)
{
	struct process *p = &s->process;
	int64_t wake = core_wake_ms(p->core), at;

	if (wake == INT64_MAX)
		return;
	at = wake - 5000 + p->boot_base;
	if (at <= s->now)
		at = s->now + 1;
	if (p->tick_at > s->now && p->tick_at <= at)
		return; /* there is one that comes first */
	p->tick_at = at;
	sim_push(s, (struct happening){ .at = at, .kind = H_TICK, .life = p->life });
}

/* --- operations: each completes exactly once --- */

/* Of this life. One that is numbered in a row is found at once: a planted fault may turn in circles
 * for as long as a seed lasts. */
static struct operation *
find_op(const struct process *p, op_id op)
{
	uint64_t back = p->op_top - op;

	if (op > p->op_top)
		return NULL;
	if (back < p->ops_n && p->op[p->ops_n - 1 - back].op == op &&
		p->op[p->ops_n - 1 - back].life == p->life)
		return &p->op[p->ops_n - 1 - back];
	for (size_t i = p->ops_n; i-- > 0 && p->op[i].life == p->life;)
		if (p->op[i].op == op)
			return &p->op[i];
	return NULL;
}

static void
begin_op(struct sim *s, const struct action *a)
{
	struct process *p = &s->process;

	if (find_op(p, a->op) != NULL)
		violated(s, &law, "op %llu is used twice", (unsigned long long)a->op);
	if (a->op > p->op_top)
		p->op_top = a->op;
	p->op = sim_grow(p->op, p->ops_n, &p->ops_room, sizeof *p->op);
	p->op[p->ops_n++] = (struct operation){ .op = a->op, .life = p->life, .type = a->type };
}

struct operation *
process_end_op(struct sim *s, uint32_t life, op_id op)
{
	struct process *p = &s->process;
	struct operation *o;

	if (!p->up || life != p->life)
		return NULL;
	o = find_op(p, op);
	if (o == NULL || o->ended)
		return NULL;
	o->ended = true;
	return o;
}

/* --- actions --- */

static void
notify(struct sim *s, const struct action *a)
{
	bool lost = fault(s, SITE_NOTIFY_LOST);

	trace_add(s, "notify %s: %s", severity_name(a->notify.severity), a->notify.text);
	sim_push(s, (struct happening){ .at = s->now + rng_between(&s->net_rng, 5, 3000),
			    .kind = H_SENT,
			    .life = s->process.life,
			    .op = a->op,
			    .outcome = lost ? OUT_RETRY : OUT_DONE,
			    .number = a->notify.severity == SEV_ALARM });
}

static void
check_append(struct sim *s, const struct action *a)
{
	if (s->process.appending)
		violated(s, &law, "a second append is outstanding");
	if (a->append.records_n == 0)
		violated(s, &law, "an append of nothing");
	for (size_t i = 0; s->process.stopping && i < a->append.records_n; i++)
		if (strstr(a->append.records[i], "\"type\":\"START\"") != NULL)
			violated(s, &law, "a run starts although ferryman was asked to stop");
	s->process.appending = true;
	answers_decided(s, a);
}

static void
carry_out(struct sim *s, const struct action *a)
{
	switch (a->type) {
	case ACT_PROBE:
		begin_op(s, a);
		probe_ask(s, a);
		break;
	case ACT_READ:
		begin_op(s, a);
		net_read(s, a);
		break;
	case ACT_APPEND:
		begin_op(s, a);
		check_append(s, a);
		journal_append(s, a);
		break;
	case ACT_EFFECT:
		begin_op(s, a);
		net_effect(s, a);
		break;
	case ACT_CANCEL:
		sim_push(s, (struct happening){ .at = s->now + 1,
				    .kind = H_CANCELLED,
				    .life = s->process.life,
				    .op = a->op });
		break;
	case ACT_NOTIFY:
		begin_op(s, a);
		notify(s, a);
		break;
	case ACT_REPLY:
		people_reply(s, a);
		break;
	case ACT_STATUS:
		people_told(s, a);
		break;
	case ACT_HALT:
		trace_add(s, "halt: %s", a->halt.why);
		s->process.halted = true;
		break;
	case ACT_N:
		violated(s, &law, "an action that is none");
		break;
	}
}

static const char *
event_name(enum event_type t)
{
	static const char *const names[] = { "open", "lost", "stop", "tick", "playbook", "seen",
		"read", "effect", "appended", "sent", "command" };

	return t < EV_N ? names[t] : "?";
}

/* A wall clock that was set shows when it is told next. */
enum { JUMP_MS = 3000 };

static void
see_jump(struct sim *s)
{
	struct process *p = &s->process;
	int64_t by = p->wall_skew - p->told_skew;

	if (p->stepped && (by > JUMP_MS || by < -JUMP_MS))
		p->jumped_at = s->now;
	p->told_skew = p->wall_skew;
	p->stepped = true;
}

void
process_tell(struct sim *s, struct event *ev)
{
	struct process *p = &s->process;
	uint32_t life = p->life;
	struct actions acts;

	if (!p->up || p->halted || s->killer != NULL)
		return;
	ev->boot_ms = boot_now(s);
	ev->wall_ms = process_wall(s);
	see_jump(s);
	trace_add(s, "> %s %llu", event_name(ev->type), (unsigned long long)ev->op);
	acts = core_step(p->core, ev);
	for (size_t i = 0; i < acts.n && s->killer == NULL && p->up && p->life == life; i++)
		carry_out(s, &acts.a[i]);
	if (!p->up || p->life != life)
		return;
	if (p->halted)
		process_die(s);
	else
		arm(s);
}

/* --- life and death --- */

static struct playbook *
by_hash(void *ctx, const char *sha256)
{
	struct sim *s = ctx;

	for (size_t i = 0; i < 2; i++)
		if (text_eq(s->variant[i]->sha256, sha256))
			return playbook_ref(s->variant[i]);
	return NULL;
}

/* The texts name a day for each kind; at which hours it is on is drawn (hours.c). */
static bool
in_window(void *ctx, const struct window *w, size_t n, int64_t wall_ms)
{
	return n > 0 && hours_forbid(ctx, (enum hours_of)w->from_day, wall_ms);
}

static bool
fold_all(struct sim *s)
{
	struct err err = { 0 };

	for (size_t i = 0; i < s->journal.n; i++) {
		if (core_fold(s->process.core, s->journal.entry[i].text, s->journal.entry[i].n,
			    &err) == RC_OK)
			continue;
		violated(s, &law, "record %zu does not fold: %s", i + 1, err.text);
		return false;
	}
	return true;
}

static void
tell_playbook(struct sim *s)
{
	struct event told = { .type = EV_PLAYBOOK };

	told.playbook.name = s->book->name;
	told.playbook.sha256 = s->variant[s->loaded]->sha256;
	told.playbook.why = "sim";
	if (s->process.told == NULL || !text_eq(s->process.told, told.playbook.sha256))
		s->process.sight = ++s->sights; /* the text that is in force changes nothing */
	s->process.told = told.playbook.sha256;
	process_tell(s, &told);
}

static void
draw_moment(struct sim *s, int64_t at)
{
	struct rng *r = &s->moment_rng;

	switch (rng_below(r, 7)) {
	case 0:
		sim_push(s, (struct happening){ .at = at, .kind = H_CLOCK });
		break;
	case 1:
		sim_push(s,
			(struct happening){ .at = at, .kind = H_HAND, .index = rng_below(r, T_N) });
		break;
	case 2:
		people_say_something(s, at);
		break;
	case 3:
		sim_push(
			s, (struct happening){ .at = at, .kind = H_COMMAND, .number = VERB_ABORT });
		break;
	default:
		sim_push(s, (struct happening){ .at = at,
				    .kind = H_MOMENT,
				    .life = s->process.life,
				    .number = (int64_t)rng_below(r, MOMENT_N) });
	}
}

/*
 * What is rare otherwise, just while an effect is under way: at once, within its answer's time, or
 * a while later. rare: few seeds have such a step, so it is pressed, and often killed before its
 * request has left.
 */
void
process_moment(struct sim *s, bool rare)
{
	static const int64_t within[] = { 6, 1500, 90000 };
	struct rng *r = &s->moment_rng;

	if (rng_ratio(r, rare ? 4 : 1, 6))
		draw_moment(s, s->now + rng_between(r, 0, within[rng_below(r, 3)]));
	if (rng_ratio(r, rare ? 6 : 1, 18))
		sim_push(s, (struct happening){ .at = s->now + rng_between(r, 0, 4),
				    .kind = H_MOMENT,
				    .life = s->process.life,
				    .number = MOMENT_CRASH });
}

/* And while the next life finds out what became of it. */
static void
moment_after_death(struct sim *s)
{
	const struct view *v = &s->view;
	struct rng *r = &s->moment_rng;

	for (size_t i = v->intents_n; i-- > 0 && i + 3 > v->intents_n;)
		if (!v->intent[i].answered && !v->intent[i].gone && rng_ratio(r, 1, 2))
			draw_moment(s, s->now + rng_between(r, 0, 4000));
}

void
process_start(struct sim *s, bool fresh)
{
	struct process *p = &s->process;
	const struct core_env env = { .mem = stdmem,
		.ctx = s,
		.sha256 = digest_sha256,
		.playbook = by_hash,
		.in_window = in_window };
	struct event open = { .type = EV_OPEN };

	p->life = ++s->lives;
	p->op_top = 0;
	p->told = NULL;
	p->up = true;
	p->halted = p->appending = p->stopping = false;
	p->tick_at = 0;
	p->stepped = false;
	p->jumped_at = -1;
	p->core = core_new(&env, s->seed * 1000 + p->life);
	if (s->disk == NULL)
		s->journal.epoch++;
	else if (!disk_open(s, &fresh))
		return;
	events_number(s, "starts", s->journal.era);
	trace_add(s, "starts: life %u, epoch %llu, %zu records", p->life,
		(unsigned long long)s->journal.epoch, s->journal.n);
	if (!fold_all(s))
		return;
	open.open.store = s->journal.store;
	open.open.era = s->journal.era;
	open.open.epoch = s->journal.epoch;
	open.open.seq = s->journal.n;
	open.open.hash = s->journal.hash;
	open.open.boot_id = p->boot_id;
	open.open.fresh = fresh;
	process_tell(s, &open);
	tell_playbook(s);
	moment_after_death(s);
	aim_started(s);
}

void
process_boots(struct sim *s)
{
	struct process *p = &s->process;

	p->boot_base = s->now;
	(void)snprintf(p->boot_id, sizeof p->boot_id, "00000000-0000-4000-8000-%012u", ++p->boots);
	trace_add(s, "the machine boots");
	if (s->disk != NULL)
		disk_power(s);
}

void
process_die(struct sim *s)
{
	struct process *p = &s->process;
	int64_t down = rng_between(&s->net_rng, 500, 90000);

	if (!p->up)
		return;
	trace_add(s, "dies");
	p->up = false;
	p->stalled_until = 0;
	journal_crash(s);
	/* behind what became durable all the same */
	events_number(s, p->stale ? "gone" : "dies", p->life);
	if (!p->stale)
		sim_push(s, (struct happening){ .at = s->now + down, .kind = H_STARTS });
}

/* Not at once: the core is still inside its own call. The first instant after it is early enough.
 */
void
process_maybe_dies(struct sim *s, const char *where)
{
	if (!s->process.up || !fault(s, SITE_CRASH))
		return;
	trace_add(s, "kill -9 after: %s", where);
	sim_push(s, (struct happening){ .at = s->now, .kind = H_DIES, .life = s->process.life });
}

/* How many records an older copy lacks. */
static size_t
restored_behind(struct sim *s)
{
	size_t most = aim_behind(s, 40);

	return (size_t)fault_span(s, 0, (int64_t)(s->journal.n < most ? s->journal.n : most));
}

static void
start_again(struct sim *s)
{
	if (s->process.up)
		return;
	core_free(&s->process.core);
	if (fault(s, SITE_REBOOT) || s->process.boots == 0)
		process_boots(s);
	if (s->disk != NULL)
		disk_copy(s);
	if (s->journal.n > 4 && fault(s, SITE_RESTORE))
		journal_restore(s, s->journal.n - restored_behind(s));
	else if (s->journal.unsaid_until == 0 && fault(s, SITE_RESTORE_UNSAID))
		journal_restore_unsaid(s);
	if (s->journal.unsaid_until != 0 && s->now >= s->journal.unsaid_until)
		journal_said(s);
	else if (s->journal.unsaid_until != 0)
		sim_push(s, (struct happening){ .at = s->journal.unsaid_until,
				    .kind = H_DIES,
				    .life = s->lives + 1 });
	process_start(s, s->journal.last_era != s->journal.era);
}

void
process_fini(struct process *p)
{
	core_free(&p->core);
	pending_fini(&p->pending);
	free(p->op);
	p->op = NULL;
}

/* --- what reaches it --- */

static void
tell_read(struct sim *s, const struct happening *h, enum outcome outcome)
{
	struct reading *r = &s->reading[h->index];
	struct event ev = { .type = EV_READ, .op = h->op };

	r->told_at = s->now;
	ev.read.outcome = outcome;
	ev.read.value = outcome == OUT_DONE ? r->value : "";
	ev.read.version = "";
	ev.read.marker_store = r->marker_lsn > 0 ? r->marker_store : NULL;
	ev.read.marker_lsn = r->marker_lsn;
	ev.read.why = outcome == OUT_DONE ? "" : "no answer";
	for (size_t i = 0; i < r->by_n; i++)
		ev.read.source[i] = (struct source_value){ .source = i == 0   ? "198.51.100.53"
								     : i == 1 ? "203.0.113.53"
									      : "192.0.2.53",
			.value = r->by[i],
			.answered = r->answered[i] };
	ev.read.source_n = r->by_n;
	process_tell(s, &ev);
}

static void
tell_effect(struct sim *s, const struct happening *h, enum outcome outcome)
{
	struct event ev = { .type = EV_EFFECT, .op = h->op };

	ev.effect.lsn = s->request[h->index].lsn;
	ev.effect.outcome = outcome;
	ev.effect.version = "";
	ev.effect.why = outcome == OUT_DONE	 ? ""
			: outcome == OUT_REFUSED ? "refused, as simulated"
			: outcome == OUT_RETRY	 ? "busy, as simulated"
						 : "an error, as simulated";
	process_tell(s, &ev);
}

static void
tell_sent(struct sim *s, const struct happening *h)
{
	struct event ev = { .type = EV_SENT, .op = h->op };

	ev.sent.outcome = h->outcome;
	ev.sent.why = "";
	if (h->outcome == OUT_DONE && h->number != 0)
		people_alarmed(s);
	process_tell(s, &ev);
}

static void
cancelled(struct sim *s, const struct happening *h)
{
	struct operation *o = process_end_op(s, h->life, h->op);
	struct event ev = { .op = h->op };

	if (o == NULL)
		return;
	switch (o->type) {
	case ACT_PROBE:
		ev.type = EV_SEEN;
		o->ended = false; /* its answer, the usual one, will come in time */
		return;
	case ACT_READ:
		ev.type = EV_READ;
		ev.read.outcome = OUT_RETRY;
		ev.read.value = ev.read.version = "";
		ev.read.why = "cancelled";
		break;
	case ACT_EFFECT:
		o->ended = false;
		return;
	default:
		o->ended = false;
		return;
	}
	process_tell(s, &ev);
}

/* True: it stands still, and the happening waits with it. */
static bool
waits(struct sim *s, const struct happening *h)
{
	struct happening later = *h;

	if (s->process.stalled_until <= s->now)
		return false;
	later.at = s->process.stalled_until;
	if (h->kind == H_TICK && h->at == s->process.tick_at)
		s->process.tick_at = later.at;
	sim_push(s, later);
	return true;
}

static void
stall(struct sim *s)
{
	if (s->journal.unsaid_until != 0)
		return; /* its readings are in time: see net.c */
	s->process.stalled_until = s->now + fault_span(s, 1000, 400000);
	trace_add(s, "stands still until %lld", (long long)s->process.stalled_until);
}

static void
reload(struct sim *s)
{
	s->loaded = 1 - s->loaded;
	tell_playbook(s);
}

static void
stop(struct sim *s)
{
	struct event ev = { .type = EV_STOP };

	s->process.stopping = true;
	s->process.stop_at = s->now;
	process_tell(s, &ev);
}

static void
moment(struct sim *s, int64_t what)
{
	if (what == MOMENT_STALL && fault_pressed(s, SITE_STALL)) {
		stall(s);
		if (fault(s, SITE_TAKEN_OVER))
			owner_taken_over(s);
	} else if (what == MOMENT_RELOAD && fault_pressed(s, SITE_RELOAD)) {
		reload(s);
	} else if (what == MOMENT_STOP && !s->process.stopping && fault_pressed(s, SITE_STOP)) {
		stop(s);
	} else if (what == MOMENT_CRASH && fault_pressed(s, SITE_CRASH)) {
		trace_add(s, "kill -9 at a bad moment");
		process_die(s);
	}
}

static void
tick(struct sim *s, const struct happening *h)
{
	struct event ev = { .type = EV_TICK };

	if (h->at != s->process.tick_at)
		return; /* another one has come first and asked again */
	s->process.tick_at = 0;
	if (fault(s, SITE_STALL))
		stall(s);
	if (fault(s, SITE_RELOAD))
		reload(s);
	if (!s->process.stopping && fault(s, SITE_STOP)) {
		s->process.stopping = true;
		s->process.stop_at = s->now;
		ev.type = EV_STOP;
	}
	process_tell(s, &ev);
	if (s->process.stalled_until > s->now && fault(s, SITE_TAKEN_OVER))
		owner_taken_over(s);
}

static void
loses(struct sim *s)
{
	struct event ev = { .type = EV_LOST };

	ev.lost.why = "the hold on the journal is over";
	process_tell(s, &ev);
}

void
process_happens(struct sim *s, const struct happening *h)
{
	if (h->kind == H_STARTS) {
		start_again(s);
		return;
	}
	if (!s->process.up || h->life != s->process.life)
		return;
	if (h->kind == H_DIES) {
		process_die(s);
		return;
	}
	if (waits(s, h))
		return;
	switch (h->kind) {
	case H_TICK:
		tick(s, h);
		break;
	case H_SEEN:
		probe_seen(s, h);
		break;
	case H_READ_BACK:
		if (process_end_op(s, h->life, h->op) != NULL)
			tell_read(s, h, s->reading[h->index].outcome);
		break;
	case H_ANSWER:
		if (process_end_op(s, h->life, h->op) != NULL)
			tell_effect(s, h, h->outcome);
		break;
	case H_SENT:
		if (process_end_op(s, h->life, h->op) != NULL)
			tell_sent(s, h);
		break;
	case H_CANCELLED:
		cancelled(s, h);
		break;
	case H_LOSES:
		loses(s);
		break;
	case H_MOMENT:
		moment(s, h->number);
		break;
	default:
		break;
	}
}
