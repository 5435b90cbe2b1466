/* ledger.c - records to durable state. The one place that changes it. */
#include "core/ledger.h"

#include "base/text.h"
#include "core/plan.h"
#include "base/planted.h"

#include <stdio.h>
#include <string.h>

enum { RUNS_KEPT = 64 };

const char *
lrun_kind_name(enum lrun_kind k)
{
	static const char *const names[] = { "cutover", "failback", "shelter", "unshelter",
		"eject" };

	return names[k];
}

const char *
lrun_state_name(enum lrun_state s)
{
	static const char *const names[] = { "forward", "backward", "blocked", "done", "undone",
		"open", "failed" };

	return names[s];
}

void
ledger_init(struct ledger *l, const struct mem *mem)
{
	memset(l, 0, sizeof *l);
	l->mem = *mem;
	memset(l->hash, '0', 64);
}

void
ledger_fini(struct ledger *l)
{
	for (size_t i = 0; i < l->runs_n; i++)
		mem_put(&l->mem, l->run[i].plan);
	mem_put(&l->mem, l->run);
	mem_put(&l->mem, l->machine);
	mem_put(&l->mem, l->brake);
	for (size_t i = 0; i < l->domains_n; i++)
		mem_put(&l->mem, l->domain[i].intent);
	mem_put(&l->mem, l->domain);
	for (size_t i = 0; i < l->left_n; i++)
		mem_put(&l->mem, l->left[i].base);
	mem_put(&l->mem, l->left);
	mem_put(&l->mem, l->book);
}

/* One more element of size n at the end of *list; NULL = no memory. */
static void *
grow(struct ledger *l, void *list, size_t *count, size_t n)
{
	char **p = list;
	char *more = l->mem.resize(l->mem.ctx, *p, (*count + 1) * n);

	if (more == NULL) {
		l->failed = true;
		return NULL;
	}
	*p = more;
	memset(more + *count * n, 0, n);
	return more + (*count)++ * n;
}

static void
put(char *to, size_t n, const char *s)
{
	(void)snprintf(to, n, "%s", s != NULL ? s : "");
}

struct lmachine *
ledger_machine(struct ledger *l, const char *playbook, enum flow flow)
{
	struct lmachine *m;

	for (size_t i = 0; i < l->machines_n; i++)
		if (text_eq(l->machine[i].playbook, playbook) && l->machine[i].flow == flow)
			return &l->machine[i];
	m = grow(l, &l->machine, &l->machines_n, sizeof *m);
	if (m != NULL) {
		put(m->playbook, sizeof m->playbook, playbook);
		m->flow = flow;
		m->state = LS_SETTLING;
	}
	return m;
}

struct lrun *
ledger_run(struct ledger *l, const char *id)
{
	for (size_t i = l->runs_n; i-- > 0;)
		if (text_eq(l->run[i].id, id))
			return &l->run[i];
	return NULL;
}

static bool
mover(const struct lrun *r)
{
	return r->kind == LK_CUTOVER || r->kind == LK_FAILBACK;
}

static bool
of_machine(const struct lrun *r, const char *playbook, enum flow flow)
{
	return r->flow == flow && text_eq(r->playbook, playbook);
}

/* LR_OPEN: that of a shelter. A run that ended so cannot be taken up again. */
static bool
has_ended(const struct lrun *r)
{
	return r->state == LR_DONE || r->state == LR_UNDONE || r->state == LR_FAILED;
}

static bool
moves_on(const struct lrun *r)
{
	return r->state == LR_FORWARD || r->state == LR_BACKWARD;
}

struct lrun *
ledger_open_run(struct ledger *l, const char *playbook, enum flow flow)
{
	for (size_t i = l->runs_n; i-- > 0;) {
		struct lrun *r = &l->run[i];

		if (mover(r) && of_machine(r, playbook, flow) && !has_ended(r))
			return r;
	}
	return NULL;
}

struct lrun *
ledger_unnoted(struct ledger *l, const char *playbook, enum flow flow)
{
	for (size_t i = 0; i < l->runs_n; i++) {
		struct lrun *r = &l->run[i];

		if (mover(r) && of_machine(r, playbook, flow) && !r->noted && !moves_on(r))
			return r;
	}
	return NULL;
}

struct lrun *
ledger_shelter(struct ledger *l, const char *playbook, enum flow flow)
{
	for (size_t i = l->runs_n; i-- > 0;) {
		struct lrun *r = &l->run[i];

		if (r->kind == LK_SHELTER && of_machine(r, playbook, flow) && !has_ended(r))
			return r;
	}
	return NULL;
}

struct lrun *
ledger_eject(struct ledger *l, const char *playbook)
{
	for (size_t i = l->runs_n; i-- > 0;)
		if (l->run[i].kind == LK_EJECT && text_eq(l->run[i].playbook, playbook) &&
			l->run[i].state == LR_FORWARD)
			return &l->run[i];
	return NULL;
}

bool
ledger_ejected(const struct ledger *l, const char *playbook)
{
	for (size_t i = 0; i < l->brakes_n; i++)
		if (l->brake[i].on && l->brake[i].eject && text_eq(l->brake[i].playbook, playbook))
			return true;
	return false;
}

struct lstep *
ledger_step(struct lrun *r, const char *id)
{
	for (size_t i = 0; i < r->steps_n; i++)
		if (text_eq(r->step[i].id, id))
			return &r->step[i];
	if (r->steps_n == LEDGER_STEPS)
		return NULL;
	put(r->step[r->steps_n].id, sizeof r->step[0].id, id);
	return &r->step[r->steps_n++];
}

struct ldomain *
ledger_domain(struct ledger *l, const char *name)
{
	struct ldomain *d;

	for (size_t i = 0; i < l->domains_n; i++)
		if (text_eq(l->domain[i].name, name))
			return &l->domain[i];
	d = grow(l, &l->domain, &l->domains_n, sizeof *d);
	if (d != NULL) {
		put(d->name, sizeof d->name, name);
		d->answered = true;
	}
	return d;
}

const struct lbrake *
ledger_brake(const struct ledger *l, const char *playbook, int64_t wall_ms)
{
	for (size_t i = 0; i < l->brakes_n; i++) {
		const struct lbrake *b = &l->brake[i];

		if (b->on && text_eq(b->playbook, playbook) &&
			(b->expires_wall_ms == 0 || wall_ms < b->expires_wall_ms))
			return b;
	}
	return NULL;
}

const struct lbook *
ledger_book(const struct ledger *l, const char *name)
{
	for (size_t i = 0; i < l->books_n; i++)
		if (text_eq(l->book[i].name, name))
			return &l->book[i];
	return NULL;
}

bool
ledger_nonce_used(const struct ledger *l, const char *nonce)
{
	for (size_t i = 0; i < l->nonces_n && i < LEDGER_NONCES; i++)
		if (text_eq(l->nonce[i], nonce) && !PLANTED(NONCE_AGAIN))
			return true;
	return false;
}

struct lnow
ledger_now(const struct ledger *l, const char *boot_id, int64_t boot_ms, int64_t wall_ms)
{
	struct lnow now = { .boot_id = boot_id, .boot_ms = boot_ms, .wall_ms = wall_ms };

	if (text_eq(l->booted.boot_id, boot_id))
		now.skew_ms = wall_ms - (l->booted.wall_ms + boot_ms - l->booted.boot_ms);
	return now;
}

int64_t
ledger_wall(const struct lnow *now, const struct lmoment *m)
{
	if (PLANTED(WALL_IS_TIME))
		return m->wall_ms;
	if (m->wall_ms != 0 && text_eq(m->boot_id, now->boot_id))
		return now->wall_ms - (now->boot_ms - m->boot_ms);
	return m->wall_ms != 0 ? m->wall_ms + now->skew_ms : 0;
}

int
ledger_autos(const struct ledger *l, const struct lnow *now, int64_t per_ms)
{
	int n = 0;

	for (size_t i = 0; i < l->autos_n && i < 64; i++)
		n += ledger_wall(now, &l->auto_at[i]) >= now->wall_ms - per_ms;
	return n;
}

static void
note(struct lmoment *m, const struct record *r)
{
	put(m->boot_id, sizeof m->boot_id, r->boot_id);
	m->boot_ms = r->boot_ms;
	m->wall_ms = r->wall_ms;
}

/* --- one function for each type of record --- */

/* Settling has looked at the targets themselves: how earlier runs ended is old news. */
static void
note_ended(struct ledger *l, const struct lmachine *m)
{
	for (size_t i = 0; i < l->runs_n; i++) {
		struct lrun *r = &l->run[i];

		if (mover(r) && of_machine(r, m->playbook, m->flow) && has_ended(r))
			r->noted = true;
	}
}

static void
forget_ask(struct lmachine *m)
{
	m->ask_hash[0] = '\0';
	m->ask_wall_ms = 0;
	m->approvals = m->denials = 0;
}

static void
fold_row(struct ledger *l, const struct record *r)
{
	struct lmachine *m = ledger_machine(
		l, json_str(r->body, "playbook"), text_eq(json_str(r->body, "flow"), "inbound"));
	enum life_state to = life_state_parse(json_str(r->body, "to"));
	const char *down = json_str(r->body, "stood_down"), *diag = json_str(r->body, "diagnosis");
	struct lrun *ended;

	if (m == NULL || to == LS_N)
		return;
	if (m->state == LS_SETTLING)
		note_ended(l, m);
	if (m->state != to) {
		m->since_wall_ms = r->wall_ms;
		note(&m->since, r);
		forget_ask(m);
		/* a shelter within a state may have another reason: it does not change whose
		 * suspicion or question this is */
		if (diag != NULL)
			put(m->diagnosis, sizeof m->diagnosis, diag);
	}
	m->state = to;
	m->row = (int)json_int(r->body, "row", 0);
	put(m->why, sizeof m->why, json_str(r->body, "why"));
	if (down != NULL)
		put(m->stood_down, sizeof m->stood_down, down);
	if (json_flag(r->body, "auto")) {
		note(&l->auto_at[l->autos_n++ % 64], r);
	}
	ended = r->run[0] != '\0' ? ledger_run(l, r->run) : NULL;
	if (ended != NULL && !moves_on(ended))
		ended->noted = true;
}

static void
fold_plan(struct ledger *l, const struct record *r)
{
	struct lmachine *m = ledger_machine(
		l, json_str(r->body, "playbook"), text_eq(json_str(r->body, "flow"), "inbound"));

	if (m == NULL || !text_eq(json_str(r->body, "purpose"), "ask"))
		return;
	if (!text_eq(m->ask_hash, json_str(r->body, "plan_hash")) && !PLANTED(APPROVAL_KEPT)) {
		m->approvals = m->denials =
			0; /* another plan: approvals are void, and people have their time again */
		m->ask_wall_ms = r->wall_ms;
		note(&m->ask, r);
	}
	put(m->ask_hash, sizeof m->ask_hash, json_str(r->body, "plan_hash"));
}

static void
carry(struct lmoment *m, const struct lnow *last, int64_t back)
{
	if (m->wall_ms != 0)
		m->wall_ms = ledger_wall(last, m) + back;
}

/* Another boot has begun: each moment is told from here on by the wall clock, as that stood at the
 * last record before. A clock that runs backwards from there has made no time pass. */
static void
carry_over(struct ledger *l, const struct record *r)
{
	const struct lnow last = ledger_now(l, l->boot_id, l->boot_ms, l->wall_ms);
	const int64_t back = r->wall_ms < l->wall_ms ? r->wall_ms - l->wall_ms : 0;

	for (size_t i = 0; i < l->machines_n; i++) {
		carry(&l->machine[i].since, &last, back);
		carry(&l->machine[i].ask, &last, back);
		carry(&l->machine[i].last_move, &last, back);
	}
	for (size_t i = 0; i < l->runs_n; i++) {
		carry(&l->run[i].start, &last, back);
		carry(&l->run[i].end, &last, back);
	}
	for (size_t i = 0; i < l->autos_n && i < 64; i++)
		carry(&l->auto_at[i], &last, back);
}

/* Each start begins in settling: what was known of the targets is not known any more. */
static void
fold_opened(struct ledger *l, const struct record *r)
{
	/* What the targets bear is not known in a new era: the brake stays, the rest is asked for
	 * anew. */
	for (size_t i = 0; i < l->brakes_n && r->era > l->era; i++)
		l->brake[i].eject = false;
	for (size_t i = 0; i < l->brakes_n && PLANTED(BRAKE_LOST); i++)
		l->brake[i].on = false;
	if (!text_eq(l->booted.boot_id, r->boot_id)) {
		if (l->booted.wall_ms != 0)
			carry_over(l, r);
		note(&l->booted, r);
	}
	for (size_t i = 0; i < l->machines_n; i++) {
		struct lmachine *m = &l->machine[i];

		if (m->state != LS_SETTLING) {
			m->before = m->state;
			m->since_wall_ms = r->wall_ms;
			note(&m->since, r);
		}
		m->state = LS_SETTLING;
		m->row = 0;
		put(m->why, sizeof m->why, "started: the targets are read first");
		forget_ask(m);
	}
}

static void
fold_playbook(struct ledger *l, const struct record *r)
{
	struct lbook *b = (struct lbook *)ledger_book(l, json_str(r->body, "name"));

	if (b == NULL)
		b = grow(l, &l->book, &l->books_n, sizeof *b);
	if (b == NULL)
		return;
	put(b->name, sizeof b->name, json_str(r->body, "name"));
	put(b->sha256, sizeof b->sha256, json_str(r->body, "sha256"));
}

static void
fold_approval(struct ledger *l, const struct record *r)
{
	struct lmachine *m = ledger_machine(
		l, json_str(r->body, "playbook"), text_eq(json_str(r->body, "flow"), "inbound"));
	const char *user = json_str(r->body, "user"), *nonce = json_str(r->body, "nonce");

	if (nonce != NULL && nonce[0] != '\0')
		put(l->nonce[l->nonces_n++ % LEDGER_NONCES], sizeof l->nonce[0], nonce);
	if (m == NULL || !text_eq(m->ask_hash, json_str(r->body, "plan_hash")))
		return;
	if (text_eq(json_str(r->body, "verdict"), "deny")) {
		m->denials++;
		return;
	}
	for (int i = 0; i < m->approvals; i++)
		if (text_eq(m->approved_by[i], user) && !PLANTED(WORDS_COUNT))
			return; /* people are counted, not words */
	if (m->approvals < LEDGER_APPROVALS)
		put(m->approved_by[m->approvals++], NAME_MAX_, user);
}

static void
forget_old(struct ledger *l)
{
	size_t ended = 0;

	for (size_t i = 0; i < l->runs_n; i++)
		ended += has_ended(&l->run[i]);
	for (size_t i = 0; i < l->runs_n && ended > RUNS_KEPT; i++) {
		struct lrun *r = &l->run[i];

		if (!has_ended(r) || (mover(r) && !r->noted))
			continue;
		mem_put(&l->mem, r->plan);
		memmove(r, r + 1, (l->runs_n - i - 1) * sizeof *r);
		l->runs_n--;
		ended--;
		i--;
	}
}

static enum lrun_kind
kind_of(const char *s)
{
	for (int k = 0; k < LK_N; k++)
		if (text_eq(lrun_kind_name((enum lrun_kind)k), s))
			return (enum lrun_kind)k;
	return LK_N;
}

static void
note_pivots(struct lrun *run, const struct json *plan)
{
	const struct json *steps = json_get(plan, "steps");

	for (const struct json *o = steps != NULL ? steps->child : NULL; o != NULL; o = o->next) {
		struct lstep *s =
			json_flag(o, "pivot") ? ledger_step(run, json_str(o, "id")) : NULL;

		if (s != NULL)
			s->pivot = true;
	}
}

static bool
names_brake(const struct json *order)
{
	for (const struct json *o = json_items(order, "overrides"); o != NULL; o = o->next)
		if (text_eq(o->str, "pause"))
			return true;
	return false;
}

static enum rc
fold_start(struct ledger *l, const struct record *r, struct err *err)
{
	const char *playbook = json_str(r->body, "playbook");
	enum lrun_kind kind = kind_of(json_str(r->body, "kind"));
	enum flow flow = text_eq(json_str(r->body, "flow"), "inbound");
	struct lrun *run;
	struct buf plan;

	if (kind == LK_N)
		return err_set(err, RC_CORRUPT, "record %llu starts a run of no known kind",
			(unsigned long long)r->seq);
	if ((kind == LK_CUTOVER || kind == LK_FAILBACK) &&
		ledger_open_run(l, playbook, flow) != NULL && !PLANTED(SECOND_RUN))
		return err_set(err, RC_CORRUPT, "record %llu starts a second run of one flow",
			(unsigned long long)r->seq);
	forget_old(l);
	run = grow(l, &l->run, &l->runs_n, sizeof *run);
	if (run == NULL)
		return err_set(err, RC_NOMEM, "out of memory");
	put(run->id, sizeof run->id, r->run);
	put(run->playbook, sizeof run->playbook, playbook);
	put(run->sha256, sizeof run->sha256, json_str(r->body, "sha256"));
	put(run->procedure, sizeof run->procedure, json_str(r->body, "procedure"));
	put(run->hash, sizeof run->hash, json_str(r->body, "plan_hash"));
	put(run->by, sizeof run->by, json_str(r->body, "by"));
	put(run->reason, sizeof run->reason, json_str(r->body, "reason"));
	run->kind = kind;
	run->flow = flow;
	run->start_wall_ms = r->wall_ms;
	note(&run->start, r);
	buf_init(&plan, &l->mem, RECORD_MAX);
	json_put(&plan, json_get(r->body, "plan"));
	run->plan = plan.data; /* taken */
	run->plan_n = plan.len;
	note_pivots(run, json_get(r->body, "plan"));
	if (names_brake(r->body) || names_brake(json_get(r->body, "plan")))
		run->brake_named = r->seq;
	if (buf_failed(&plan) || run->plan == NULL)
		return err_set(err, RC_NOMEM, "out of memory");
	return RC_OK;
}

static void
touched(struct ldomain *d, const struct record *r)
{
	put(d->touched_boot_id, sizeof d->touched_boot_id, r->boot_id);
	d->touched_boot_ms = r->boot_ms;
}

/* As long as it is the current intent and open it may have been sent again. */
static void
note_bare(struct ldomain *d, const struct record *r)
{
	put(d->bare_boot_id, sizeof d->bare_boot_id, r->boot_id);
	d->bare_boot_ms = r->boot_ms;
}

/* The newest intent of a domain is the current one; a retry needs its very words. */
static void
keep_intent(struct ledger *l, struct ldomain *d, const struct record *r)
{
	bool was_bare = d->bare && !d->answered;
	struct buf body;

	d->older = d->older || (d->lsn != 0 && !d->answered);
	/* of a new era: the journal may have forgotten another one */
	d->bare = json_str(r->body, "seen_store") == NULL ||
		  (d->lsn >> 40 != r->lsn >> 40 && !PLANTED(FIRST_FORGOTTEN));
	if (d->bare || was_bare)
		note_bare(d, r);
	d->lsn = r->lsn;
	d->answered = false;
	d->removes = text_eq(json_str(r->body, "resource"), FENCE_MARKER) &&
		     !text_eq(json_str(r->body, "dir"), "fence");
	d->removing = d->removes || (d->removing && d->older);
	d->effect_ms = json_int(r->body, "deadline", 0);
	touched(d, r);
	put(d->playbook, sizeof d->playbook, json_str(r->body, "playbook"));
	put(d->target, sizeof d->target, json_str(r->body, "target"));
	put(d->run, sizeof d->run, r->run);
	put(d->step, sizeof d->step, json_str(r->body, "step"));
	put(d->dir, sizeof d->dir, json_str(r->body, "dir"));
	mem_put(&l->mem, d->intent);
	buf_init(&body, &l->mem, RECORD_MAX);
	json_put(&body, r->body);
	if (buf_failed(&body))
		l->failed = true;
	d->intent = body.data; /* taken */
	d->intent_n = body.len;
}

static void
fold_intent(struct ledger *l, const struct record *r)
{
	struct ldomain *d = ledger_domain(l, json_str(r->body, "domain"));
	struct lrun *run = r->run[0] != '\0' ? ledger_run(l, r->run) : NULL;
	struct lstep *s = run != NULL ? ledger_step(run, json_str(r->body, "step")) : NULL;

	if (d != NULL)
		keep_intent(l, d, r);
	if (s != NULL && text_eq(json_str(r->body, "dir"), "undo")) {
		s->undo_lsn = r->lsn;
		s->undo_answered = false;
	} else if (s != NULL) {
		s->do_lsn = r->lsn;
		s->do_answered = false;
	}
	if (run != NULL)
		effects_note(&run->effects, r);
	if (run != NULL && json_flag(r->body, "pivot") && !PLANTED(PIVOT_WHEN_DONE))
		run->pivoted = true;
}

static struct lleft *
left_find(const struct ledger *l, const char *domain, const char *resource)
{
	for (size_t i = 0; i < l->left_n; i++)
		if (text_eq(l->left[i].domain, domain) && text_eq(l->left[i].resource, resource))
			return &l->left[i];
	return NULL;
}

static void
left_drop(struct ledger *l, struct lleft *left)
{
	mem_put(&l->mem, left->base);
	*left = l->left[--l->left_n];
}

static void
left_add(struct ledger *l, const char *domain, const char *resource, const char *base)
{
	struct lleft *left = grow(l, &l->left, &l->left_n, sizeof *left);
	size_t n = strlen(base) + 1;

	if (left == NULL)
		return;
	put(left->domain, sizeof left->domain, domain);
	put(left->resource, sizeof left->resource, resource);
	left->base = mem_get(&l->mem, n);
	if (left->base == NULL) {
		l->failed = true;
		l->left_n--;
		return;
	}
	memcpy(left->base, base, n);
}

/* What stood there before us, until it stands there again. Of DNS alone: elsewhere that is always
 * nothing. */
static void
note_left(struct ledger *l, const struct ldomain *d)
{
	struct arena *a = d->intent != NULL ? arena_new(&l->mem, RECORD_MAX * 4) : NULL;
	size_t at = 0;
	const struct json *o = a != NULL ? json_read(a, d->intent, d->intent_n, &at) : NULL;
	const char *resource = json_str(o, "resource"), *base = json_str(o, "base"),
		   *want = json_str(o, "want");
	struct lleft *left;

	if (d->intent != NULL && o == NULL)
		l->failed = true; /* the fold wrote it: only memory can be lacking */
	if (o != NULL && resource != NULL && base != NULL && want != NULL &&
		text_starts(resource, "dns.rrset ") && !text_eq(json_str(o, "dir"), "fence") &&
		!text_eq(base, want)) {
		left = left_find(l, d->name, resource);
		if (left == NULL)
			left_add(l, d->name, resource, base);
		else if (text_eq(left->base, want))
			left_drop(l, left);
	}
	arena_free(&a);
}

/* What a run that takes ferryman out has put back there may be as it left it no more: the next one
 * compares with what this one wanted. */
static void
note_doubt(struct ledger *l, const struct lrun *run, const char *domain)
{
	struct arena *a = run->plan != NULL ? arena_new(&l->mem, RECORD_MAX * 4) : NULL;
	size_t at = 0;
	const struct json *plan = a != NULL ? json_read(a, run->plan, run->plan_n, &at) : NULL;
	const struct json *steps = json_get(plan, "steps");

	if (run->plan != NULL && plan == NULL)
		l->failed = true;
	for (const struct json *o = steps != NULL ? steps->child : NULL; o != NULL; o = o->next) {
		const char *resource = json_str(o, "resource"), *want = json_str(o, "want");

		if (resource != NULL && want != NULL && text_starts(resource, "dns.rrset ") &&
			text_eq(json_str(o, "domain"), domain) &&
			left_find(l, domain, resource) == NULL)
			left_add(l, domain, resource, want);
	}
	arena_free(&a);
}

/* The target bears no number of ours any more: the next one begins there as the first did. all: its
 * values are as before us too, for numbers go last. */
static void
unmark(struct ledger *l, const char *domain, bool all)
{
	for (size_t i = l->left_n; domain != NULL && all && i-- > 0;)
		if (text_eq(l->left[i].domain, domain))
			left_drop(l, &l->left[i]);
	for (size_t i = 0; domain != NULL && i < l->domains_n; i++) {
		if (!text_eq(l->domain[i].name, domain))
			continue;
		mem_put(&l->mem, l->domain[i].intent);
		l->domain[i] = l->domain[--l->domains_n];
		return;
	}
}

/* After an answer the target has a number that no older one comes past; a refusal raises none. But
 * where a removal finds another number than its own, that one is older and came after it: what was
 * sent before may land again. */
static void
number_stands(struct ledger *l, struct ldomain *d, const struct lrun *run, enum outcome o)
{
	bool back = o == OUT_STALE && d->removes;

	if (o == OUT_DONE || o == OUT_UNCHANGED || o == OUT_STALE)
		d->older = back;
	if (!back)
		return;
	d->fenced_era = 0;
	if (run != NULL)
		note_doubt(l, run, d->name);
}

static void
fold_result(struct ledger *l, const struct record *r)
{
	struct lrun *run = r->run[0] != '\0' ? ledger_run(l, r->run) : NULL;
	struct lstep *s = run != NULL ? ledger_step(run, json_str(r->body, "step")) : NULL;
	bool undo = text_eq(json_str(r->body, "dir"), "undo");
	enum outcome o = outcome_parse(json_str(r->body, "outcome"));
	uint64_t of = (uint64_t)json_int(r->body, "of", 0);

	/* given up for now, and not refused: whoever goes on sends the same number again */
	bool closes = o != OUT_UNKNOWN && o != OUT_RETRY;
	bool took = o == OUT_DONE || o == OUT_UNCHANGED;

	for (size_t i = 0; of != 0 && closes && i < l->domains_n; i++) {
		if (l->domain[i].lsn != of && !(PLANTED(ANY_RESULT) && l->domain[i].lsn > of &&
						      text_eq(l->domain[i].run, r->run)))
			continue; /* an answer closes only the intent that it names */
		if (l->domain[i].bare && !l->domain[i].answered)
			note_bare(&l->domain[i], r);
		l->domain[i].answered = true;
		touched(&l->domain[i], r);
		if (o == OUT_DONE)
			note_left(l, &l->domain[i]);
		mem_put(&l->mem, l->domain[i].intent);
		l->domain[i].intent = NULL;
		number_stands(l, &l->domain[i], run, o);
		if (!took)
			continue;
		l->domain[i].removing = l->domain[i].removes;
		/* the number's era, not the record's: an older one fences nothing newer */
		l->domain[i].fenced_era = PLANTED(ERA_OF_RECORD) ? r->era : of >> 40;
	}
	unmark(l, json_str(r->body, "unmarked"), run != NULL && run->kind == LK_EJECT);
	if (s == NULL)
		return;
	/* 0: no intent was needed; it says nothing about one that is open */
	if (undo && (of == s->undo_lsn || (of == 0 && s->undo_answered))) {
		s->undo_answered = closes || of == 0;
		s->undo_outcome = o;
		s->undone = took;
	} else if (!undo && (of == s->do_lsn || (of == 0 && s->do_answered))) {
		s->do_answered = closes || of == 0;
		s->do_outcome = o;
		s->done = took;
		s->done_era = r->era;
		s->changed = s->changed || (o == OUT_DONE && of != 0);
		/* also one that was there already when its turn came: mail takes the new way */
		run->pivoted = run->pivoted || (s->pivot && s->done);
		s->done_wall_ms = r->wall_ms;
	}
}

/* While its machine settles only a new era ends a run as failed (restored.c). */
static bool
given_up(struct ledger *l, const struct lrun *run)
{
	const struct lmachine *m = ledger_machine(l, run->playbook, run->flow);

	return m != NULL && m->state == LS_SETTLING;
}

static void
fold_end(struct ledger *l, const struct record *r)
{
	struct lrun *run = ledger_run(l, r->run);
	const char *state = json_str(r->body, "state");
	struct lmachine *m;

	if (run == NULL)
		return;
	run->was_backward =
		run->state == LR_BACKWARD || (run->state == LR_BLOCKED && run->was_backward);
	run->state = text_eq(state, "done")	  ? LR_DONE
		     : text_eq(state, "undone")	  ? LR_UNDONE
		     : text_eq(state, "open")	  ? LR_OPEN
		     : text_eq(state, "backward") ? LR_BACKWARD
		     : text_eq(state, "blocked")  ? LR_BLOCKED
		     : text_eq(state, "released") ? LR_DONE
						  : LR_FAILED;
	put(run->why, sizeof run->why, json_str(r->body, "why"));
	run->end_wall_ms = r->wall_ms;
	note(&run->end, r);
	run->noted = false;
	if (mover(run) && has_ended(run)) {
		m = ledger_machine(l, run->playbook, run->flow);
		if (m != NULL)
			note(&m->last_move, r);
	}
	for (size_t i = 0; mover(run) && i < l->runs_n; i++) {
		struct lrun *s = &l->run[i];

		if (s->kind != LK_SHELTER || !s->adopted ||
			!of_machine(s, run->playbook, run->flow) ||
			(s->state != LR_OPEN && s->state != LR_BLOCKED))
			continue;
		if (run->state == LR_DONE)
			s->state = LR_DONE; /* its mail went with this run's release */
		else if (run->state == LR_UNDONE || (run->state == LR_FAILED && given_up(l, run)))
			s->adopted = false; /* it stands by itself again */
	}
	if (run->kind == LK_UNSHELTER && run->state == LR_DONE) {
		struct lrun *s = ledger_shelter(l, run->playbook, run->flow);

		if (s != NULL)
			s->state = LR_DONE;
	}
}

static void
fold_brake(struct ledger *l, const struct record *r)
{
	struct lbrake *b = NULL;

	for (size_t i = 0; i < l->brakes_n; i++)
		if (text_eq(l->brake[i].playbook, json_str(r->body, "playbook")))
			b = &l->brake[i];
	if (b == NULL)
		b = grow(l, &l->brake, &l->brakes_n, sizeof *b);
	if (b == NULL)
		return;
	put(b->playbook, sizeof b->playbook, json_str(r->body, "playbook"));
	put(b->by, sizeof b->by, json_str(r->body, "by"));
	put(b->reason, sizeof b->reason, json_str(r->body, "reason"));
	b->on = text_eq(json_str(r->body, "state"), "pause");
	b->expires_wall_ms = json_int(r->body, "expires", 0);
	b->eject = b->on && json_flag(r->body, "eject");
	b->seq = r->seq;
}

/* "Except by a command that names the freeze" (reliability.md, 17): the one that is on, for a later
 * one it could not have named. */
bool
ledger_frozen(const struct ledger *l, const struct lrun *r, int64_t wall_ms)
{
	const struct lbrake *b = ledger_brake(l, r->playbook, wall_ms);

	if (PLANTED(NAMED_FOR_EVER) && r->brake_named != 0)
		return false;
	return b != NULL && b->seq > r->brake_named && !(r->kind == LK_EJECT && b->eject);
}

static void
fold_command(struct ledger *l, const struct record *r)
{
	struct lrun *run = ledger_run(l, r->run);
	const char *verb = json_str(r->body, "verb");

	if (run == NULL || json_int(r->body, "exit", 1) != 0)
		return;
	if (names_brake(r->body))
		run->brake_named = r->seq;
	if (text_eq(verb, "continue") && run->state == LR_BLOCKED) {
		run->state = run->was_backward ? LR_BACKWARD : LR_FORWARD;
		run->noted = true;
	} else if (text_eq(verb, "abort") &&
		   (run->state == LR_FORWARD || run->state == LR_BLOCKED) &&
		   (!run->pivoted || PLANTED(ABORT_ANY)) && !PLANTED(ABORT_UNHEARD)) {
		run->state = LR_BACKWARD;
		run->noted = true;
	}
}

enum rc
ledger_fold(struct ledger *l, const struct record *r, const char *hash, struct err *err)
{
	struct lrun *run;
	uint64_t of_intent, era;
	enum rc rc = RC_OK;

	if (r->seq != l->seq + 1 || !text_eq(r->prev, l->hash))
		return err_set(err, RC_CORRUPT, "record %llu does not follow record %llu",
			(unsigned long long)r->seq, (unsigned long long)l->seq);
	if (r->type == REC_INTENT && r->lsn <= l->lsn)
		return err_set(err, RC_CORRUPT, "record %llu: its LSN does not rise",
			(unsigned long long)r->seq);
	switch (r->type) {
	case REC_OPENED:
		fold_opened(l, r);
		break;
	case REC_PLAYBOOK:
		fold_playbook(l, r);
		break;
	case REC_ROW:
		fold_row(l, r);
		break;
	case REC_PLAN:
		fold_plan(l, r);
		break;
	case REC_APPROVAL:
		fold_approval(l, r);
		break;
	case REC_START:
		rc = fold_start(l, r, err);
		break;
	case REC_ADOPT:
		run = ledger_run(l, json_str(r->body, "shelter"));
		if (run != NULL)
			run->adopted = true;
		break;
	case REC_INTENT:
		fold_intent(l, r);
		break;
	case REC_RESULT:
		fold_result(l, r);
		break;
	case REC_END:
		fold_end(l, r);
		break;
	case REC_BRAKE:
		fold_brake(l, r);
		break;
	case REC_COMMAND:
		fold_command(l, r);
		break;
	case REC_DIAGNOSIS:
		if (text_eq(json_str(r->body, "state"), "cleared")) {
			struct lmachine *m = ledger_machine(l, json_str(r->body, "playbook"),
				text_eq(json_str(r->body, "flow"), "inbound"));

			if (m != NULL && text_eq(m->stood_down, json_str(r->body, "diagnosis")))
				m->stood_down[0] = '\0';
		}
		break;
	default:
		break;
	}
	run = r->run[0] != '\0' && r->type != REC_COMMAND ? ledger_run(l, r->run) : NULL;
	of_intent = r->type == REC_RESULT ? (uint64_t)json_int(r->body, "of", 0) : 0;
	era = of_intent != 0 ? of_intent >> 40 : r->era;
	/* what closes an intent of an older era tells nothing of ours, nor does standing still, nor
	 * an order that nothing has come of yet */
	if (run != NULL && era > run->era && r->type != REC_ROW &&
		!(r->type == REC_END && text_eq(json_str(r->body, "state"), "blocked")))
		run->era = era;
	if (rc == RC_OK && l->failed)
		rc = err_set(err, RC_NOMEM, "out of memory");
	if (rc != RC_OK)
		return rc;
	l->seq = r->seq;
	l->epoch = r->epoch;
	l->era = r->era > l->era ? r->era : l->era;
	l->lsn = r->lsn > l->lsn ? r->lsn : l->lsn;
	l->boot_ms = r->boot_ms;
	l->wall_ms = r->wall_ms;
	put(l->boot_id, sizeof l->boot_id, r->boot_id);
	put(l->hash, sizeof l->hash, hash);
	return RC_OK;
}
