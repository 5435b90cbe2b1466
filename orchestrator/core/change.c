/*
 * change.c - one change at one target: observe, intend, apply, verify, result (DESIGN section 7;
 * the 15 rules of the fence).
 *
 * Whatever a target answers, it is read before the next thing is done, and the decision is made
 * from {value, marker} and the folded journal alone. One change at a time has a fence domain for
 * itself. An answer only says how urgent it is and what it may prove; a marker with our current
 * number is the one proof that an effect took place.
 */
#include "core/engine.h"
#include "base/planted.h"

#include "base/num.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { BACKOFF_MS = 1000, BACKOFF_MAX_MS = 30000, GOING_MS = 2000 };

/* --- values --- */

/* A shelter that lets go is as good as open: mail flows. */
static bool
lets_go(const char *resource, const char *value)
{
	return text_starts(resource, "relay.park ") && text_eq(value, "releasing\n");
}

bool
value_meets(const char *resource, const char *want, const char *value)
{
	return text_eq(want, value) || (want[0] == '\0' && lets_go(resource, value));
}

static bool
expected(const struct change *ch)
{
	return text_eq(ch->value, ch->base) || value_meets(ch->resource, ch->want, ch->value) ||
	       (ch->base[0] == '\0' && lets_go(ch->resource, ch->value));
}

/* The number behind a word of a queue's value; -1 = it does not say. */
int64_t
value_count(const char *value, const char *word)
{
	const char *line;
	size_t n, m = strlen(word);
	char digits[24];
	int64_t count;

	while (text_line(&value, &line, &n)) {
		if (n <= m + 1 || n - m - 1 >= sizeof digits || memcmp(line, word, m) != 0 ||
			line[m] != ' ')
			continue;
		(void)snprintf(digits, sizeof digits, "%.*s", (int)(n - m - 1), line + m + 1);
		return num_int(digits, &count) ? count : -1;
	}
	return -1;
}

/* --- the domain --- */

static bool
marks(const struct target *t)
{
	return t->info->fence == FENCE_F;
}

static bool
takes(struct core *c, const struct change *ch)
{
	struct fdomain *d = core_domain(c, ch->target->fence_domain);

	if (d == NULL || (d->holder != NULL && d->holder != ch))
		return false;
	d->holder = ch;
	return true;
}

static void
lets(struct core *c, const struct change *ch)
{
	for (size_t i = 0; i < c->domains_n; i++)
		if (c->domain[i].holder == ch)
			c->domain[i].holder = NULL;
}

/* Class U: when nothing that was sent, in this life or an earlier one, can land any more. */
static int64_t
quiet_at(struct core *c, const struct change *ch)
{
	const struct ldomain *l = core_ldomain(c, ch->target->fence_domain);
	const struct fdomain *d = core_domain(c, ch->target->fence_domain); /* takes() made it */
	int64_t span = ch->target->info->drain_ms, at = 0;

	span += l != NULL && l->effect_ms > 0 ? l->effect_ms : U_EFFECT_MAX_MS;
	if (l != NULL && (!l->answered || l->older))
		at = c->opened_boot_ms + span; /* sent who knows when, but not after this process
						  began to hold the journal */
	else if (l != NULL)
		at = text_eq(l->touched_boot_id, c->boot_id) ? l->touched_boot_ms + span
							     : c->opened_boot_ms + span;
	if (d->quiet_boot_ms != 0)
		at = d->quiet_boot_ms - (PLANTED(DRAIN_SHORT) ? 100 : 0);
	else if (PLANTED(DRAIN_SHORT_LATER))
		at -= 100;
	return at;
}

/* Ferryman's own number is what this change takes out. */
static bool
is_removal(const struct change *ch)
{
	return ch->dir != DIR_FENCE && text_eq(ch->resource, FENCE_MARKER);
}

/*
 * A target without a number cannot tell a request that expects none from a late copy of it. So its
 * number goes only when no such request, of this life or an earlier one, can land any more.
 */
static int64_t
bare_until(const struct core *c, const struct change *ch)
{
	const struct ldomain *l = core_ldomain(c, ch->target->fence_domain);
	bool known = l != NULL && text_eq(l->bare_boot_id, c->boot_id);

	if (l == NULL || l->removes || PLANTED(EJECT_AT_ONCE) ||
		(!known && PLANTED(FIRST_FORGOTTEN)))
		return 0; /* what takes it out was sent behind that time */
	return ch->target->late_ms + (known ? l->bare_boot_ms : c->opened_boot_ms);
}

static bool
said_yes(enum outcome o)
{
	return o == OUT_DONE || o == OUT_UNCHANGED;
}

static bool
must_wait(struct core *c, struct change *ch)
{
	int64_t at;

	if (marks(ch->target) && is_removal(ch) && ch->target->late_ms > 0)
		at = bare_until(c, ch);
	else if (marks(ch->target) || said_yes(ch->answer) || PLANTED(NO_DRAIN))
		return false;
	else
		at = quiet_at(c, ch);
	if (c->boot_ms >= at)
		return false;
	/* a fence waits for nothing: this is a step of a run, and its time begins when it may go on
	 */
	run_say(c, false, ch->owner, "waiting",
		"until nothing that was sent before can land any more");
	ch->next_boot_ms = at;
	ch->limit_boot_ms = at + ch->deadline_ms;
	return true;
}

bool
change_marker_bad(struct core *c, const struct target *t, const char *store, uint64_t lsn,
	bool take_over, char *ret, size_t n)
{
	const struct ldomain *d = core_ldomain(c, t->fence_domain);

	if (!marks(t))
		return false;
	if (store == NULL) {
		if (d == NULL || d->fenced_era == 0 || d->removing || take_over)
			return false;
		(void)snprintf(ret, n,
			"%s: the number that ferryman left there is gone: was it restored, or "
			"cleaned up by hand?",
			t->name);
		return true;
	}
	if (!text_eq(store, c->store)) {
		if (take_over)
			return false;
		(void)snprintf(ret, n,
			"%s bears the number of another ferryman (store %s): two hands on one "
			"wheel; stop one of them",
			t->name, store);
		return true;
	}
	if (lsn >> 40 > c->era)
		(void)snprintf(ret, n,
			"%s has seen era %llu, this ferryman is of era %llu: a newer one is in "
			"charge",
			t->name, (unsigned long long)(lsn >> 40), (unsigned long long)c->era);
	else if (lsn > c->l.lsn && lsn >> 40 == c->era)
		(void)snprintf(ret, n,
			"%s has seen number %llu, the journal ends at %llu: it is an old copy; "
			"start it with --new-era if it is all there is",
			t->name, (unsigned long long)lsn, (unsigned long long)c->l.lsn);
	else
		return false;
	if (!PLANTED(OLD_COPY_SENDS))
		(void)snprintf(c->regress, sizeof c->regress, "%s", ret);
	return true;
}

/* --- reading --- */

static int64_t
backoff(int times)
{
	int64_t ms = BACKOFF_MS;

	for (int i = 1; i < times && ms < BACKOFF_MAX_MS; i++)
		ms *= 2;
	return ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
}

static void
look(struct core *c, struct change *ch)
{
	struct flight *f;
	struct action *a = flight_action(c, OP_CHANGE_READ, ACT_READ, READ_MS, &f);

	if (a == NULL)
		return;
	f->change = ch;
	a->read.playbook = core_keep(c, book_key(c, ch->pb));
	a->read.target = core_keep(c, ch->target->name);
	a->read.resource = core_keep(c, ch->resource);
	a->read.from = READ_TARGET;
	a->read.deadline_ms = READ_MS;
	ch->phase = CP_READING;
}

static char *
keep(struct core *c, char *old, const char *s)
{
	size_t n = strlen(s);
	char *fresh = c->env.mem.resize(c->env.mem.ctx, old, n + 1);

	if (fresh == NULL)
		return old;
	memcpy(fresh, s, n + 1);
	return fresh;
}

void
change_read(struct core *c, struct change *ch, const struct event *ev, bool late)
{
	const char *silent = look_silent(ev, late);

	ch->phase = CP_IDLE;
	if (silent != NULL) {
		(void)snprintf(ch->why, sizeof ch->why, "%s at %s cannot be read: %s", ch->resource,
			ch->target->name, silent);
		ch->next_boot_ms = c->boot_ms + backoff(++ch->unread);
		return;
	}
	ch->unread = 0;
	ch->value = keep(c, ch->value, look_value(ev));
	ch->version = keep(c, ch->version, ev->read.version != NULL ? ev->read.version : "");
	ch->seen_any = ev->read.marker_store != NULL;
	(void)snprintf(ch->seen_store, sizeof ch->seen_store, "%s",
		ch->seen_any ? ev->read.marker_store : "");
	ch->seen_lsn = ch->seen_any ? ev->read.marker_lsn : 0;
	ch->phase = CP_SEEN;
}

/* --- records --- */

static void
put_result(struct core *c, const char *run, const char *step, const char *dir, uint64_t of,
	enum outcome o, const char *why, const char *unmarked)
{
	struct buf b;
	struct jw w;

	buf_init(&b, &c->env.mem, RECORD_MAX);
	jw_init(&w, &b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "step", step);
	jw_str(&w, "dir", dir);
	jw_uint(&w, "of", of);
	jw_str(&w, "outcome", outcome_name(o));
	jw_str(&w, "why", why);
	if (unmarked != NULL)
		jw_str(&w, "unmarked", unmarked);
	jw_close(&w, '}');
	(void)propose(c, REC_RESULT, run, &b);
	buf_fini(&b);
}

static const char *
phase_word(const struct change *ch, enum change_end then)
{
	if (then == CE_DONE)
		return ch->dir == DIR_UNDO ? "undone" : "verified";
	return then == CE_FAILED ? "failed" : "waiting";
}

/* Our number is gone from there, and nothing of ours can land any more: by its removal itself, or,
 * seen by the fence that was to overtake it, by one that was never answered. */
static bool
unmarks(const struct core *c, const struct change *ch, enum outcome o, enum change_end then)
{
	const struct ldomain *d = core_ldomain(c, ch->target->fence_domain);

	if (is_removal(ch))
		return then == CE_DONE;
	return ch->dir == DIR_FENCE && o == OUT_STALE && !ch->seen_any && d->removing;
}

static void
result(struct core *c, struct change *ch, uint64_t of, enum outcome o, enum change_end then,
	const char *why)
{
	put_result(c, ch->run, ch->step, effect_dir_name(ch->dir), of, o, why,
		unmarks(c, ch, o, then) ? ch->target->fence_domain : NULL);
	if (why != ch->why)
		(void)snprintf(ch->why, sizeof ch->why, "%s", why);
	ch->outcome = o;
	ch->then = then;
	ch->phase = CP_JOURNAL;
	if (ch->owner != NULL)
		run_say(c, true, ch->owner, phase_word(ch, then), why);
}

/* The request as it stands in the intent, into an action. */
struct wording {
	const char *resource, *base, *want, *version, *options, *seen_store;
	uint64_t lsn, seen_lsn;
};

static void
word(struct core *c, const struct change *ch, const struct wording *w, bool after, struct action *a)
{
	const char *(*kept)(struct core *, const char *) = after ? propose_keep : core_keep;

	a->effect.playbook = kept(c, book_key(c, ch->pb));
	a->effect.run = kept(c, ch->run);
	a->effect.step = kept(c, ch->step);
	a->effect.dir = ch->dir;
	a->effect.target = kept(c, ch->target->name);
	a->effect.resource = kept(c, w->resource);
	a->effect.base = kept(c, w->base);
	a->effect.version = kept(c, w->version);
	a->effect.want = kept(c, w->want);
	a->effect.options = kept(c, w->options);
	a->effect.lsn = w->lsn;
	a->effect.seen_store = kept(c, w->seen_store);
	a->effect.seen_lsn = w->seen_lsn;
	a->effect.deadline_ms = ch->effect_ms;
}

static void
put_intent(const struct change *ch, struct buf *b)
{
	struct jw w;

	jw_init(&w, b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "step", ch->step);
	jw_str(&w, "dir", effect_dir_name(ch->dir));
	jw_str(&w, "target", ch->target->name);
	jw_str(&w, "playbook", ch->playbook);
	jw_str(&w, "domain", ch->target->fence_domain);
	jw_str(&w, "resource", ch->resource);
	jw_str(&w, "base", ch->dir == DIR_FENCE ? "" : ch->value);
	jw_str(&w, "want", ch->dir == DIR_FENCE ? "" : ch->want);
	jw_str(&w, "version", ch->version);
	if (ch->seen_any)
		jw_str(&w, "seen_store", ch->seen_store);
	jw_uint(&w, "seen_lsn", ch->seen_lsn);
	jw_int(&w, "deadline", ch->effect_ms);
	jw_str(&w, "options", ch->options);
	jw_bool(&w, "pivot", ch->pivot);
	jw_close(&w, '}');
}

/* A new number for what is wanted now; the effect leaves once it is durable. */
static void
intend(struct core *c, struct change *ch)
{
	struct wording w = { .resource = ch->resource,
		.base = ch->dir == DIR_FENCE ? "" : ch->value,
		.want = ch->dir == DIR_FENCE ? "" : ch->want,
		.version = ch->version,
		.options = ch->options,
		.seen_store = ch->seen_any ? ch->seen_store : NULL,
		.seen_lsn = ch->seen_lsn };
	struct after *af;
	struct action *early;
	struct buf b;

	buf_init(&b, &c->env.mem, RECORD_MAX);
	put_intent(ch, &b);
	w.lsn = propose(c, REC_INTENT, ch->run, &b);
	buf_fini(&b);
	ch->phase = CP_JOURNAL;
	ch->then = CE_GOING;
	ch->parked = ch->act ? value_count(ch->value, "parked") : -1;
	ch->answer = OUT_N;
	ch->maybe = ch->early = false;
	af = w.lsn != 0 ? propose_after(c, ACT_EFFECT) : NULL;
	if (af == NULL)
		return;
	af->change = ch;
	word(c, ch, &w, true, &af->action);
	if (ch->owner != NULL)
		run_say(c, true, ch->owner, "intent", ch->resource);
	if (PLANTED(EFFECT_BEFORE_INTENT) && (early = core_act(c, ACT_EFFECT)) != NULL) {
		word(c, ch, &w, false, early);
		change_sent(c, ch, early);
		ch->early = true;
	}
}

void
change_sent(struct core *c, struct change *ch, struct action *a)
{
	struct flight *f = flight_begin(c, OP_CHANGE, ch->effect_ms);
	struct fdomain *d = core_domain(c, ch->target->fence_domain); /* takes() made it */

	if (f == NULL)
		return;
	f->change = ch;
	a->op = f->op;
	ch->phase = CP_SENT;
	ch->sent++;
	d->quiet_boot_ms = c->boot_ms + ch->effect_ms + ch->target->info->drain_ms;
}

void
change_not_sent(struct core *c, struct change *ch)
{
	ch->phase = CP_IDLE;
	ch->answer = OUT_RETRY;
	ch->next_boot_ms = c->boot_ms;
	ch->limit_boot_ms = c->boot_ms + ch->deadline_ms; /* standing still takes no time from it */
	(void)snprintf(ch->why, sizeof ch->why,
		"this ferryman stood still while it should have been sent: it was not sent late");
}

/* The same number and the same bytes once more (a new one might take effect twice). */
static void
send_again(struct core *c, struct change *ch, const struct ldomain *d)
{
	size_t at = 0;
	const struct json *o = json_read(c->out, d->intent, d->intent_n, &at);
	struct action *a;
	struct wording w;

	if (PLANTED(RETRY_NEW_LSN) && !ch->frozen) {
		intend(c, ch);
		return;
	}
	a = o != NULL ? core_act(c, ACT_EFFECT) : NULL;
	if (a == NULL) {
		c->nomem = true; /* what the fold kept reads back, if memory is there */
		return;
	}
	w = (struct wording){ .resource = json_str(o, "resource"),
		.base = json_str(o, "base"),
		.want = json_str(o, "want"),
		.version = json_str(o, "version"),
		.options = json_str(o, "options"),
		.seen_store = json_str(o, "seen_store"),
		.lsn = d->lsn,
		.seen_lsn = (uint64_t)json_int(o, "seen_lsn", 0) };
	word(c, ch, &w, false, a);
	ch->answer = OUT_N;
	change_sent(c, ch, a);
}

void
change_answered(struct core *c, struct change *ch, const struct event *ev, bool late)
{
	const struct ldomain *d = core_ldomain(c, ch->target->fence_domain);
	bool heard = !late && ev->effect.lsn == d->lsn;

	if (PLANTED(EFFECT_BEFORE_INTENT) && ch->phase == CP_JOURNAL)
		return; /* only a planted fault is answered before its intent is durable */
	ch->answer = heard ? ev->effect.outcome : OUT_UNKNOWN;
	if (PLANTED(UNKNOWN_IS_FAILED) && ch->answer == OUT_UNKNOWN)
		ch->answer = OUT_REFUSED;
	(void)snprintf(ch->why, sizeof ch->why, "%s",
		!heard			 ? "no answer in time"
		: ev->effect.why != NULL ? ev->effect.why
					 : "");
	ch->maybe = ch->maybe || ch->answer == OUT_UNKNOWN;
	ch->phase = CP_IDLE;
	ch->next_boot_ms = c->boot_ms + (ch->answer == OUT_RETRY ? backoff(ch->sent) : 0);
	if (ch->owner != NULL && said_yes(ch->answer))
		run_say(c, false, ch->owner, "applied", ch->why);
	else if (ch->owner != NULL)
		run_say(c, false, ch->owner, "reading", ch->why);
}

/* --- judging: {value, marker} and the journal say what is next --- */

static bool
out_of_time(const struct core *c, const struct change *ch)
{
	return c->boot_ms >= ch->limit_boot_ms || ch->sent > ch->retries;
}

/* Nothing that was sent under the domain's current number can take effect any more. */
static bool
is_dead(struct core *c, const struct change *ch, const struct ldomain *d)
{
	size_t at = 0;
	const struct json *o;

	if (!marks(ch->target) || d->intent == NULL)
		return false;
	if ((ch->target->info->caps & CAP_FENCE_EQ) == 0)
		return ch->seen_any && ch->seen_lsn > d->lsn;
	o = json_read(c->out, d->intent, d->intent_n, &at);
	return o != NULL && (ch->seen_lsn != (uint64_t)json_int(o, "seen_lsn", 0) ||
				    ch->seen_any != (json_str(o, "seen_store") != NULL));
}

/* It did not work. Closed only if that is proven; else the domain stays unanswered and whatever
 * comes next is sent. */
static void
give_up(struct core *c, struct change *ch, const struct ldomain *d, enum outcome o)
{
	/* class U was drained before it was read: what is not there now never comes */
	bool proven = !ch->maybe || !marks(ch->target) || PLANTED(UNKNOWN_IS_FAILED);

	if (ch->why[0] == '\0') /* a yes says nothing more */
		(void)snprintf(ch->why, sizeof ch->why,
			"%s says that it is done, and does not show it", ch->target->name);
	result(c, ch, d->lsn, proven && !said_yes(o) && o != OUT_N ? o : OUT_UNKNOWN, CE_FAILED,
		ch->why);
}

static void
conflict(struct core *c, struct change *ch, uint64_t of, enum outcome o)
{
	char why[WHY_LEN];

	(void)snprintf(why, sizeof why,
		"%s at %s is not as the plan saw it: somebody else has changed it; nothing was "
		"overwritten",
		ch->resource, ch->target->name);
	result(c, ch, of, o, CE_FAILED, why);
}

/* What waited is let go: as long as it gets fewer, that may take its time. */
static void
going(struct core *c, struct change *ch, const struct ldomain *d)
{
	int64_t parked = value_count(ch->value, "parked");
	char text[80];

	if (c->boot_ms >= ch->limit_boot_ms) {
		(void)snprintf(ch->why, sizeof ch->why,
			"what is let go does not get fewer: parked %lld", (long long)parked);
		result(c, ch, d->lsn, OUT_DONE, CE_FAILED, ch->why);
		return;
	}
	if (ch->least < 0 || parked < ch->least) {
		ch->limit_boot_ms = c->boot_ms + ch->deadline_ms;
		(void)snprintf(text, sizeof text, "%lld parked", (long long)parked);
		run_say(c, false, ch->owner, "waiting", text);
		ch->least = parked;
	}
	lets(c, ch); /* others may use the relay meanwhile */
	ch->phase = CP_IDLE;
	ch->next_boot_ms = c->boot_ms + GOING_MS;
}

static const char *
proof(const struct change *ch, char *text, size_t n)
{
	if (value_count(ch->value, "parked") < 0) /* it is no queue */
		return "read back: the value and our number";
	if (ch->parked > 0)
		(void)snprintf(text, n, "released %lld; read back: parked %lld waiting %lld",
			(long long)ch->parked, (long long)value_count(ch->value, "parked"),
			(long long)value_count(ch->value, "waiting"));
	else
		(void)snprintf(text, n, "read back: parked %lld waiting %lld",
			(long long)value_count(ch->value, "parked"),
			(long long)value_count(ch->value, "waiting"));
	return text;
}

/* The current number is ours and took effect. */
static void
confirmed(struct core *c, struct change *ch, const struct ldomain *d)
{
	char text[160];

	if (ch->dir == DIR_FENCE)
		result(c, ch, d->lsn, OUT_DONE, CE_DONE, "the marker is ours");
	else if (ch->act && text_starts(ch->value, "state releasing\n"))
		going(c, ch, d);
	else if (ch->act || value_meets(ch->resource, ch->want, ch->value))
		result(c, ch, d->lsn, OUT_DONE, CE_DONE, proof(ch, text, sizeof text));
	else
		conflict(c, ch, d->lsn, OUT_CONFLICT);
}

/* The current number is ours, and nothing shows that it took effect. */
static void
unsure(struct core *c, struct change *ch, const struct ldomain *d)
{
	/* an earlier life may have sent it; or it was said to be done, and that does not show: a
	 * copy may still be on its way of which no later refusal speaks (class U was drained) */
	ch->maybe = ch->maybe || ch->sent == 0 || (marks(ch->target) && said_yes(ch->answer));
	if (!marks(ch->target) && (value_meets(ch->resource, ch->want, ch->value) ||
					  (PLANTED(YES_IS_PROOF) && ch->answer == OUT_DONE))) {
		result(c, ch, d->lsn, OUT_DONE, CE_DONE, "read back: the value");
		return;
	}
	if (!marks(ch->target) && said_yes(ch->answer)) {
		ch->answer =
			OUT_UNKNOWN; /* a yes that does not show: drained first, then read again */
		ch->phase = CP_IDLE;
		return;
	}
	if (ch->answer == OUT_STALE || is_dead(c, ch, d)) {
		result(c, ch, d->lsn, OUT_STALE, out_of_time(c, ch) ? CE_FAILED : CE_GOING,
			"the target has a newer number: read again");
		ch->maybe = false;
		ch->answer = OUT_N;
	} else if (ch->answer == OUT_REFUSED || ch->answer == OUT_CONFLICT) {
		give_up(c, ch, d, ch->answer);
	} else if (ch->dir != DIR_FENCE && !ch->act && !expected(ch)) {
		conflict(c, ch, d->lsn, ch->maybe ? OUT_UNKNOWN : OUT_CONFLICT);
	} else if (out_of_time(c, ch)) {
		give_up(c, ch, d, ch->answer);
	} else {
		send_again(c, ch, d);
	}
}

/* Another change's number took effect: it is closed, so that it is known when its own run looks. */
static void
close_other(struct core *c, struct change *ch, const struct ldomain *d)
{
	put_result(c, d->run, d->step, d->dir, d->lsn, OUT_DONE, "its number stands at the target",
		NULL);
	ch->phase = CP_JOURNAL;
	ch->then = CE_GOING;
}

/* An intent of ours that a newer number has overtaken: it says nothing any more, but it is not
 * closed. */
static uint64_t
overtaken(struct core *c, const struct change *ch)
{
	const struct lstep *s = run_lstep(ledger_run(&c->l, ch->run), ch->step);

	if (ch->dir == DIR_UNDO)
		return s->undo_answered ? 0 : s->undo_lsn;
	return s->do_answered ? 0 : s->do_lsn;
}

/* What we did there is undone by us, also where a hand has put the old value back: the last word is
 * ours, with a number. */
static bool
did_it(struct core *c, const struct change *ch)
{
	const struct lrun *r = ch->dir == DIR_UNDO ? ledger_run(&c->l, ch->run) : NULL;

	return r != NULL && run_lstep(r, ch->step)->done &&
	       !(PLANTED(HAND_IS_ENOUGH) && text_starts(ch->resource, "relay.park "));
}

/* Our number was on its way out, and an older one stands there: a late copy that found none. What
 * the run has proven before says nothing of what may follow that copy. */
static bool
is_back(struct core *c, const struct change *ch)
{
	const struct lrun *r = is_removal(ch) ? ledger_run(&c->l, ch->run) : NULL;
	const struct lstep *s = r != NULL ? run_lstep(r, ch->step) : NULL;

	return s != NULL && s->do_lsn != 0 && s->do_answered && s->do_outcome == OUT_STALE;
}

/* Nothing of ours is under way there. open: an older intent is unanswered; then equal is not
 * enough, for it may still land. */
static void
begin(struct core *c, struct change *ch, bool open)
{
	bool there = ch->act ? text_starts(ch->value, "state open\n") &&
				       value_count(ch->value, "parked") <= 0
			     : value_meets(ch->resource, ch->want, ch->value);

	if (ch->dir != DIR_FENCE && there && !did_it(c, ch) &&
		(!open || !marks(ch->target) || PLANTED(UNCHANGED_SKIPS_FENCE))) {
		result(c, ch, overtaken(c, ch), OUT_UNCHANGED, CE_DONE, "it is so already");
		return;
	}
	if (ch->dir != DIR_FENCE && !ch->act && !expected(ch) && !PLANTED(STALE_BASE)) {
		conflict(c, ch, overtaken(c, ch), OUT_CONFLICT);
		return;
	}
	if (is_back(c, ch)) {
		(void)snprintf(ch->why, sizeof ch->why,
			"%s bears an older number of ferryman's again, by a late copy of a "
			"request: "
			"eject again, when what may follow it is shut out",
			ch->target->name);
		result(c, ch, 0, OUT_STALE, CE_FAILED, ch->why);
		return;
	}
	if (out_of_time(c, ch))
		result(c, ch, 0, OUT_RETRY, CE_FAILED,
			ch->why[0] != '\0' ? ch->why : "its time is over");
	else if (ch->frozen)
		ch->phase = CP_IDLE;
	else
		intend(c, ch);
}

/* Our current number stands at the target. */
static bool
bears(const struct core *c, const struct change *ch, const struct ldomain *d)
{
	if (PLANTED(NO_FENCE) && ch->dir != DIR_FENCE)
		return value_meets(ch->resource, ch->want, ch->value);
	if (!ch->seen_any || !text_eq(ch->seen_store, c->store))
		return false;
	return ch->seen_lsn == d->lsn || (PLANTED(LEASE_TOKEN) && ch->seen_lsn >> 40 == c->era);
}

static void
judge(struct core *c, struct change *ch)
{
	const struct ldomain *d = core_ldomain(c, ch->target->fence_domain);
	bool open = d != NULL && !d->answered;
	bool mine = open && text_eq(d->run, ch->run) && text_eq(d->step, ch->step) &&
		    text_eq(d->dir, effect_dir_name(ch->dir)) &&
		    (ch->dir != DIR_FENCE || d->lsn >> 40 == c->era);
	bool applied = open && marks(ch->target) && bears(c, ch, d), bad;

	if (is_removal(ch) && !ch->seen_any) {
		result(c, ch, mine ? d->lsn : overtaken(c, ch), mine ? OUT_DONE : OUT_UNCHANGED,
			CE_DONE,
			mine ? "read back: no number of ours" : "no number of ours stands there");
		return;
	}
	bad = change_marker_bad(c, ch->target, ch->seen_any ? ch->seen_store : NULL, ch->seen_lsn,
		ch->take_over, ch->why, sizeof ch->why);
	if (c->regress[0] != '\0' && ch->dir != DIR_FENCE)
		return; /* its run ends over that */
	if (bad || c->regress[0] != '\0')
		result(c, ch, 0, OUT_CONFLICT, CE_FAILED, bad ? ch->why : c->regress);
	else if (applied && mine)
		confirmed(c, ch, d);
	else if (applied)
		close_other(c, ch, d);
	else if (mine)
		unsure(c, ch, d);
	else
		begin(c, ch, open || (d != NULL && d->older));
}

/* --- going on --- */

static bool
waits_for_nothing(const struct core *c, const struct change *ch)
{
	const struct ldomain *d = core_ldomain(c, ch->target->fence_domain);

	return ch->frozen && (d == NULL || d->answered || !text_eq(d->run, ch->run) ||
				     !text_eq(d->step, ch->step));
}

/* In a new era everything is fenced before anything is changed (rule 12). What cannot be fenced
 * cannot be changed. */
static bool
is_fenced(struct core *c, struct change *ch)
{
	const char *why = NULL;

	if (ch->dir == DIR_FENCE || PLANTED(RUN_UNFENCED) ||
		(fence_stands(c, ch->pb, ch->target, ch->resource, &why) &&
			(marks(ch->target) || !fence_pending(c, ch->pb, &why))))
		return true;
	if (why != NULL) {
		(void)snprintf(ch->why, sizeof ch->why, "%s", why);
		result(c, ch, 0, OUT_CONFLICT, CE_FAILED, ch->why);
	} else if (c->boot_ms >= ch->limit_boot_ms) {
		result(c, ch, 0, OUT_RETRY, CE_FAILED,
			"its target, or another one, cannot be fenced in this era");
	}
	return false;
}

void
change_advance(struct core *c, struct change *ch)
{
	if (ch->end != CE_GOING || (ch->phase != CP_IDLE && ch->phase != CP_SEEN))
		return;
	if (ch->phase == CP_SEEN && !marks(ch->target) && fence_pending(c, ch->pb, NULL))
		ch->phase = CP_IDLE; /* read again once it is known who is in charge */
	if (ch->phase == CP_SEEN) {
		judge(c, ch);
		return;
	}
	if (c->boot_ms < ch->next_boot_ms)
		return;
	if (!ch->begun) {
		ch->begun = true;
		ch->limit_boot_ms = c->boot_ms + ch->deadline_ms;
		ch->answer = OUT_N;
		ch->least = ch->parked = -1;
	}
	if (!is_fenced(c, ch) || !takes(c, ch))
		return;
	if (waits_for_nothing(c, ch)) {
		ch->limit_boot_ms =
			c->boot_ms + ch->deadline_ms; /* the brake takes no time from it */
		lets(c, ch);
		return;
	}
	if (must_wait(c, ch))
		return;
	if (ch->unread > 0 && c->boot_ms >= ch->limit_boot_ms) {
		result(c, ch, 0, ch->sent > 0 ? OUT_UNKNOWN : OUT_RETRY, CE_FAILED, ch->why);
		return;
	}
	look(c, ch);
}

void
change_folded(struct core *c, struct change *ch)
{
	if (ch->phase != CP_JOURNAL)
		return;
	ch->phase = CP_IDLE;
	ch->end = ch->then;
	ch->next_boot_ms = c->boot_ms;
	if (ch->end != CE_GOING)
		lets(c, ch);
}

bool
change_busy(const struct change *ch)
{
	return ch->phase == CP_SENT || ch->phase == CP_JOURNAL;
}

/* Somebody else has the domain, or it is being fenced: whatever frees it is an event by itself. */
static bool
is_held_back(const struct core *c, const struct change *ch)
{
	if (ch->dir != DIR_FENCE && c->fences != NULL)
		return true;
	for (size_t i = 0; i < c->domains_n; i++)
		if (text_eq(c->domain[i].name, ch->target->fence_domain))
			return c->domain[i].holder != NULL && c->domain[i].holder != ch;
	return false;
}

int64_t
change_wake(const struct core *c, const struct change *ch)
{
	if (ch->end != CE_GOING || ch->phase != CP_IDLE)
		return INT64_MAX;
	if (waits_for_nothing(c, ch))
		return INT64_MAX;
	if (is_held_back(c, ch) && ch->next_boot_ms <= c->boot_ms)
		return ch->limit_boot_ms > c->boot_ms ? ch->limit_boot_ms : INT64_MAX;
	return ch->next_boot_ms;
}

void
change_drop(struct core *c, struct change *ch)
{
	flight_drop_change(c, ch);
	lets(c, ch);
	mem_put(&c->env.mem, ch->value);
	mem_put(&c->env.mem, ch->version);
	memset(ch, 0, sizeof *ch);
}
