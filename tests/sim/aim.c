/*
 * aim.c - one seed in seventeen aims: at a kind of step, forward or backward, while its intent is
 * in one phase, or at facts that come together seldom. Its world leads there (a short outage, a
 * person who aborts or takes ferryman out), a fault holds the intent in that phase (a crash, a lost
 * request, a lost answer, a request that arrives just behind the look of whoever sent it), and some
 * faults are offered there and likelier than elsewhere. What comes of it is the core's own doing;
 * nothing here writes a record or a value. The other sixteen do not notice that it exists.
 */
#include "base/text.h"
#include "sim/reach.h"

#include <string.h>

/* AIMED_AT: no seed of a saved case is congruent to it. */
enum { AIM_EACH = 17, AIMED_AT = 5, PRESSES_MAX = 30, LATER_MS = 20000 };
enum { MINUTE = 60000 };

enum way {     /* how the world leads there */
	OUT,   /* by a cut-over of outbound mail */
	IN,    /* of inbound mail */
	BACK,  /* and somebody aborts it */
	LEAVE, /* ferryman is taken out when mail is back */
	BLIND, /* a playbook that is quick to believe, and anchors that do not answer */
};
enum with {	  /* the faults that are wanted there */
	ANY,	  /* of the world */
	SENDING,  /* of a request that is sent */
	ARRIVING, /* of one that arrives */
};

struct shot {
	unsigned weight;
	const char *kind;
	enum effect_dir dir;
	enum reach_phase phase;
	enum with with;
	enum way way;
	const char *books; /* digits */
};

static const struct shot shots[] = {
	{ 6, "spf.withdraw", DIR_DO, REACH_INTENT, ANY, LEAVE, "033" },
	{ 3, "spf.withdraw", DIR_DO, REACH_SENT, ANY, LEAVE, "033" },
	{ 4, "spf.withdraw", DIR_DO, REACH_APPLIED, ANY, LEAVE, "033" },
	{ 7, "spf.withdraw", DIR_DO, REACH_APPLIED, SENDING, LEAVE, "033" },
	{ 3, "spf.withdraw", DIR_DO, REACH_SENT, SENDING, LEAVE, "033" },
	{ 4, "spf.withdraw", DIR_DO, REACH_LOOK, ANY, LEAVE, "033" },
	{ 1, "spf.withdraw", DIR_DO, REACH_SENT, ARRIVING, LEAVE, "033" },
	{ 2, "fence.remove", DIR_DO, REACH_INTENT, ANY, LEAVE, "0123" },
	{ 3, "fence.remove", DIR_DO, REACH_APPLIED, SENDING, LEAVE, "0123" },
	{ 1, "fence.remove", DIR_DO, REACH_LOOK, ANY, LEAVE, "0123" },
	{ 4, "mail.park", DIR_UNDO, REACH_INTENT, ANY, BACK, "1" },
	{ 2, "mail.park", DIR_UNDO, REACH_SENT, ANY, BACK, "1" },
	{ 2, "mail.park", DIR_UNDO, REACH_APPLIED, ANY, BACK, "1" },
	{ 3, "mail.park", DIR_UNDO, REACH_APPLIED, SENDING, BACK, "1" },
	{ 2, "mail.park", DIR_UNDO, REACH_LOOK, ANY, BACK, "1" },
	{ 5, "mail.park", DIR_DO, REACH_APPLIED, SENDING, OUT, "012" },
	{ 2, "mail.park", DIR_DO, REACH_INTENT, ANY, OUT, "012" },
	{ 2, "mail.park", DIR_DO, REACH_SENT, ARRIVING, BACK, "1" },
	{ 4, "spf.authorize", DIR_UNDO, REACH_INTENT, ANY, BACK, "0123" },
	{ 2, "spf.authorize", DIR_UNDO, REACH_APPLIED, SENDING, BACK, "0123" },
	{ 1, "spf.authorize", DIR_UNDO, REACH_SENT, ARRIVING, BACK, "0123" },
	{ 6, "spf.authorize", DIR_DO, REACH_APPLIED, SENDING, OUT, "0123" },
	{ 6, "spf.authorize", DIR_DO, REACH_INTENT, ANY, OUT, "0123" },
	{ 1, "spf.authorize", DIR_DO, REACH_SENT, ARRIVING, OUT, "0123" },
	{ 3, "mx.switch", DIR_DO, REACH_APPLIED, SENDING, IN, "1" },
	{ 2, "mx.switch", DIR_DO, REACH_INTENT, ANY, IN, "1" },
	{ 1, "mx.switch", DIR_DO, REACH_LOOK, ANY, IN, "1" },
	{ 1, "mx.switch", DIR_DO, REACH_SENT, ARRIVING, IN, "1" },
	{ 2, "queue.release", DIR_DO, REACH_APPLIED, SENDING, OUT, "012" },
	{ 4, "queue.release", DIR_DO, REACH_INTENT, ANY, OUT, "012" },
	{ 1, "queue.release", DIR_DO, REACH_LOOK, ANY, OUT, "012" },
	{ 5, "queue.release", DIR_DO, REACH_SENT, ARRIVING, OUT, "012" },
	{ 1, "outbound.switch", DIR_DO, REACH_INTENT, ANY, OUT, "0123" },
	{ 1, "outbound.switch", DIR_DO, REACH_APPLIED, SENDING, OUT, "0123" },
	{ 1, "outbound.switch", DIR_DO, REACH_SENT, ARRIVING, OUT, "0123" },
	{ 8, "", DIR_DO, REACH_LOOK, ANY, BLIND, "4" },
};
enum { SHOTS_N = sizeof shots / sizeof *shots };

static uint64_t
bit(enum site site)
{
	return (uint64_t)1 << site;
}

static bool
fits(const struct shot *x, enum site site)
{
	switch (site_scope(site)) {
	case SCOPE_WORLD:
		return x->with == ANY;
	case SCOPE_SEND:
		return x->with == SENDING;
	case SCOPE_ARRIVE:
		return x->with == ARRIVING &&
		       site == SITE_ERROR_APPLIED; /* the other one is met often */
	case SCOPE_ZONE:
	case SCOPE_SERVERS:
		break;
	}
	return false;
}

/* What one fault needs so that it can be asked for. */
static uint64_t
needed(enum site site)
{
	switch (site) {
	case SITE_TAKEN_OVER:
		return bit(SITE_STALL);
	case SITE_REBOOT:
	case SITE_RESTORE:
	case SITE_RESTORE_UNSAID:
		return bit(SITE_CRASH);
	case SITE_NOTIFY_LOST:
		return bit(SITE_CLOCK_SET); /* people are told of it at once */
	default:
		return 0;
	}
}

static uint64_t
draw_wanted(struct rng *r, const struct shot *x)
{
	enum site of[SITE_N];
	uint64_t wanted = 0;
	size_t n = 0;

	for (int i = 0; i < SITE_N; i++)
		if (fits(x, (enum site)i))
			of[n++] = (enum site)i;
	for (int i = 0; i < 5; i++) {
		enum site site = of[rng_below(r, n)];

		wanted |= bit(site) | needed(site);
	}
	return wanted;
}

static const struct shot *
draw_shot(struct rng *r)
{
	uint64_t all = 0, n;
	size_t i = 0;

	for (size_t k = 0; k < SHOTS_N; k++)
		all += shots[k].weight;
	for (n = rng_below(r, all); n >= shots[i].weight; i++)
		n -= shots[i].weight;
	return &shots[i];
}

void
aim_init(struct sim *s, bool may)
{
	struct aim *a = &s->aim;

	a->held = SIZE_MAX;
	if (!may || s->seed % AIM_EACH != AIMED_AT)
		return;
	rng_seed(&a->rng, s->seed, "aim");
	a->shot = draw_shot(&a->rng);
	a->wanted = draw_wanted(&a->rng, a->shot);
	s->book_n = (size_t)(a->shot->books[rng_below(&a->rng, strlen(a->shot->books))] - '0');
	/* few other faults, or it never comes there */
	for (int i = 0; i < SITE_N && a->shot->way != BLIND; i++)
		if (!rng_ratio(&a->rng, 1, 3))
			s->faults.per_mille[i] = 0;
	if ((a->wanted & bit(SITE_NOTIFY_LOST)) != 0)
		s->faults.per_mille[SITE_NOTIFY_LOST] = 900;
}

void
aim_world(struct sim *s)
{
	struct aim *a = &s->aim;
	struct truth *t = &s->truth;
	int64_t from = rng_between(&a->rng, 2, 6) * MINUTE;
	struct spell bad = { from, from + rng_between(&a->rng, 10, 25) * MINUTE }, late;

	if (a->shot == NULL)
		return;
	trace_add(s, "aims at \"%s\" %s, phase %d", a->shot->kind, effect_dir_name(a->shot->dir),
		(int)a->shot->phase);
	if (a->shot->way == BLIND) {
		s->faults.per_mille[SITE_PROBE_LOST] = 120;
		s->faults.per_mille[SITE_CRASH] = 10;
		s->faults.per_mille[SITE_CLOCK_SET] = 400;
		/* the backup is bad too, or only when mail is there */
		late.from = rng_ratio(&a->rng, 1, 3)
				    ? bad.from
				    : bad.to + rng_between(&a->rng, -1, 4) * MINUTE;
		late.to = late.from + 60 * MINUTE;
		t->primary_bad[FLOW_OUTBOUND][0] = t->primary_bad[FLOW_INBOUND][0] = bad;
		t->listed[0] = bad;
		t->backup_bad[FLOW_OUTBOUND] = late;
		t->backup_bad[FLOW_INBOUND] = bad;
		return;
	}
	t->primary_bad[a->shot->way == IN ? FLOW_INBOUND : FLOW_OUTBOUND][0] = bad;
	if (a->shot->way != IN)
		t->listed[0] = bad;
	memset(t->backup_bad, 0, sizeof t->backup_bad);
	t->uplink_down = (struct spell){ 0, 0 };
}

/* --- what strikes --- */

/* Nobody parks mail by hand, nor lets it go: there a request is turned away because it is old. */
static bool
comes_old(const struct shot *x)
{
	return x->with == ARRIVING &&
	       (text_eq(x->kind, "mail.park") || text_eq(x->kind, "queue.release"));
}

static bool
may_hold(const struct shot *x)
{
	return comes_old(x) || (x->with == SENDING && x->phase == REACH_APPLIED);
}

/* What holds an intent where it is wanted. */
static enum site
opener(const struct shot *x)
{
	if (may_hold(x))
		return SITE_REQUEST_LATE;
	switch (x->phase) {
	case REACH_INTENT:
		return SITE_CRASH;
	case REACH_SENT:
		return x->with == ARRIVING ? SITE_HAND : SITE_REQUEST_LOST;
	case REACH_APPLIED:
		return SITE_REPLY_LOST;
	case REACH_LOOK:
	case REACH_PHASE_N:
		break;
	}
	return SITE_N;
}

static bool
is_there(const struct shot *x, const struct reach_place *p)
{
	return p->kind == reach_kind(x->kind) && p->undo == (x->dir == DIR_UNDO);
}

bool
aim_presses(struct sim *s, enum site site, size_t request)
{
	struct aim *a = &s->aim;
	bool wanted = (a->wanted & bit(site)) != 0, opens;
	struct reach_place at[REACH_PLACES];
	size_t n;

	if (a->shot == NULL || s->faults.off)
		return false;
	if (a->shot->way == BLIND)
		return site == SITE_CLOCK_SET && a->pressed++ < PRESSES_MAX;
	if (site == SITE_CRASH && a->held != SIZE_MAX &&
		s->request[a->held].life == s->process.life)
		return true; /* the next life looks what has become of it */
	if (site == SITE_RESTORE && a->held != SIZE_MAX && comes_old(a->shot))
		return true;
	opens = site == opener(a->shot);
	if (!opens && (!wanted || a->pressed >= PRESSES_MAX))
		return false;
	n = reach_places(s, site, request, at);
	for (size_t i = 0; i < n; i++) {
		if (!is_there(a->shot, &at[i]))
			continue;
		if (wanted && at[i].phase == a->shot->phase) {
			a->pressed++;
			return true;
		}
		if (opens && at[i].phase <= REACH_SENT && at[i].lsn != a->opened) {
			a->opened = at[i].lsn;
			return true;
		}
	}
	return false;
}

/* --- what is offered --- */

static void
offer(struct sim *s, enum site site, int64_t at)
{
	static const enum moment of_site[SITE_N] = { [SITE_STALL] = MOMENT_STALL,
		[SITE_TAKEN_OVER] = MOMENT_STALL,
		[SITE_RELOAD] = MOMENT_RELOAD,
		[SITE_STOP] = MOMENT_STOP,
		[SITE_CRASH] = MOMENT_CRASH,
		[SITE_REBOOT] = MOMENT_CRASH,
		[SITE_RESTORE] = MOMENT_CRASH,
		[SITE_RESTORE_UNSAID] = MOMENT_CRASH };
	struct happening h = { .at = at, .kind = H_MOMENT, .life = s->process.life };

	switch (site) {
	case SITE_CLOCK_SET:
		h = (struct happening){ .at = at, .kind = H_CLOCK };
		break;
	case SITE_HAND:
		h = (struct happening){
			.at = at, .kind = H_HAND, .index = rng_below(&s->aim.rng, T_N)
		};
		break;
	case SITE_CLUMSY:
	case SITE_APPEND_SLOW:
	case SITE_APPEND_FAILS:
		h = (struct happening){ .at = at, .kind = H_COMMAND, .number = VERB_ACK };
		break;
	case SITE_STALL:
	case SITE_TAKEN_OVER:
	case SITE_RELOAD:
	case SITE_STOP:
	case SITE_CRASH:
	case SITE_REBOOT:
	case SITE_RESTORE:
	case SITE_RESTORE_UNSAID:
		h.number = of_site[site];
		break;
	default:
		return; /* it is asked for anyhow: probes, reads, what is told to people */
	}
	sim_push(s, h);
}

static void
offer_all(struct sim *s, int64_t from, int64_t to)
{
	struct aim *a = &s->aim;

	for (int i = 0; i < SITE_N && a->shot->with == ANY; i++)
		if ((a->wanted & bit((enum site)i)) != 0)
			offer(s, (enum site)i, s->now + rng_between(&a->rng, from, to));
}

static bool
now_there(struct sim *s)
{
	struct reach_place at[REACH_PLACES];
	size_t n = reach_places(s, SITE_CRASH, SIZE_MAX, at);

	for (size_t i = 0; i < n; i++)
		if (is_there(s->aim.shot, &at[i]) && at[i].phase == s->aim.shot->phase)
			return true;
	return false;
}

/* --- a request --- */

static bool
is_aimed(const struct sim *s, const struct request *r)
{
	const struct vintent *x = view_intent((struct view *)&s->view, r->lsn);
	const struct vstep *st =
		x != NULL && x->run != SIZE_MAX ? view_step(&s->view.run[x->run], r->step) : NULL;

	return s->aim.shot != NULL && st != NULL && text_eq(st->kind, s->aim.shot->kind) &&
	       r->dir == s->aim.shot->dir;
}

void
aim_sent(struct sim *s, size_t request)
{
	const struct request *r = &s->request[request];

	if (!is_aimed(s, r) || s->healed)
		return;
	if (s->aim.shot->phase == REACH_SENT)
		offer_all(s, 20, r->deadline_ms < LATER_MS ? r->deadline_ms : LATER_MS);
	else if (s->aim.shot->phase == REACH_APPLIED)
		offer_all(s, 810, r->deadline_ms < LATER_MS ? r->deadline_ms : LATER_MS);
}

size_t
aim_behind(const struct sim *s, size_t usual)
{
	if (s->aim.shot == NULL)
		return usual;
	return comes_old(s->aim.shot) ? 1 : 6;
}

bool
aim_holds(struct sim *s, size_t request)
{
	struct aim *a = &s->aim;

	if (!is_aimed(s, &s->request[request]) || !may_hold(a->shot) || a->held != SIZE_MAX)
		return false;
	a->held = request;
	a->looks = (unsigned)rng_below(&a->rng, 3);
	sim_push(s, (struct happening){ .at = s->now + rng_between(&a->rng, 0, 900),
			    .kind = H_MOMENT,
			    .life = s->process.life,
			    .number = MOMENT_CRASH });
	return true;
}

/* Whoever waited for its answer, or comes after him, reads what is there: it comes a moment later.
 * A next life reads it once to know whether it is an old copy, and again before it sends. */
size_t
aim_looked(struct sim *s, size_t to, const char *resource)
{
	struct aim *a = &s->aim;
	const struct request *r = a->held != SIZE_MAX ? &s->request[a->held] : NULL;
	size_t held = a->held;

	if (r == NULL || a->shot->with != SENDING || r->to != to ||
		!text_eq(r->resource, resource) ||
		(s->now < r->sent_at + r->deadline_ms && r->life == s->process.life))
		return SIZE_MAX;
	if (r->life != s->process.life && a->looks-- > 0)
		return SIZE_MAX;
	a->held = SIZE_MAX;
	return held;
}

/* --- people --- */

static void
say(struct sim *s, enum verb verb, int64_t from, int64_t to)
{
	sim_push(s, (struct happening){ .at = s->now + rng_between(&s->aim.rng, from, to),
			    .kind = H_COMMAND,
			    .number = verb });
}

void
aim_started(struct sim *s)
{
	struct aim *a = &s->aim;

	if (a->shot == NULL || s->healed)
		return;
	if (now_there(s))
		for (int i = 0; i < 3; i++)
			offer_all(s, i * 200, i * 300 + 200);
	if (a->held == SIZE_MAX || !comes_old(a->shot))
		return;
	if (a->shot->way == BACK)
		say(s, VERB_ABORT, 500, 3000);
	sim_push(s, (struct happening){ .at = s->now + rng_between(&a->rng, 1500, 20000),
			    .kind = H_DELIVER,
			    .index = a->held });
	a->held = SIZE_MAX;
}

static bool
has_kind(const struct vrun *run, const char *kind)
{
	for (size_t i = 0; i < run->steps_n; i++)
		if (text_eq(run->step[i].kind, kind))
			return true;
	return false;
}

static void
leaving(struct sim *s, const struct vrun *run)
{
	if (run->state == VR_DONE && text_eq(run->kind, "failback"))
		for (int i = 1; i <= 3; i++)
			say(s, VERB_EJECT, 1000, i * MINUTE);
	else if (text_eq(run->kind, "eject") && run->state == VR_FAILED)
		say(s, VERB_EJECT, 5000, MINUTE);
}

/* On the very thing that the intent speaks of. */
static void
a_hand_at(struct sim *s, const struct vintent *x)
{
	struct ftarget *t = target_find(s, x->target);
	struct tcell *c = t != NULL ? target_cell(t, x->resource) : NULL;

	if (c != NULL)
		sim_push(s, (struct happening){ .at = s->now,
				    .kind = H_HAND,
				    .index = (size_t)(t - s->target),
				    .number = c - t->cell + 1 });
}

/* Whose clock jumps believes nothing for a while: just when there would be something to do. */
static void
blinding(struct sim *s, const char *state)
{
	bool there = text_eq(state, "suspect") || text_eq(state, "awaiting-approval") ||
		     text_eq(state, "recovering");

	for (int i = 0; there && i < 2; i++)
		sim_push(s,
			(struct happening){ .at = s->now + rng_between(&s->aim.rng, 0, 2 * MINUTE),
				.kind = H_CLOCK });
}

void
aim_record(struct sim *s, const struct vrecord *rec)
{
	const struct shot *x = s->aim.shot;
	const struct vstep *st;

	if (x != NULL && x->way == BLIND && !s->healed && rec->r->type == REC_ROW)
		blinding(s, json_str(rec->r->body, "to"));
	if (x == NULL || s->healed || rec->run == NULL)
		return;
	if (rec->r->type == REC_END && x->way == LEAVE)
		leaving(s, rec->run);
	if (!has_kind(rec->run, x->kind))
		return;
	if (x->phase == REACH_LOOK && (rec->r->type == REC_START || rec->result != NULL) &&
		now_there(s))
		offer_all(s, 0, 1500);
	st = rec->intent != NULL ? view_step(rec->run, rec->intent->step) : NULL;
	if (st == NULL || !text_eq(st->kind, x->kind))
		return;
	if (x->way == BACK && rec->intent->dir == DIR_DO && rng_ratio(&s->aim.rng, 4, 5))
		say(s, VERB_ABORT, 500, 20000);
	if (opener(x) == SITE_HAND && rec->intent->dir == x->dir)
		a_hand_at(s, rec->intent);
}
