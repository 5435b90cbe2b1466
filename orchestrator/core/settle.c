/*
 * settle.c - at each start: raise every fence domain into this era, then read the targets, then say
 * where mail runs.
 *
 * A fence raises the marker and leaves the value; one that was refused is none. A marker of another
 * store, or of an era above ours, stops the machine and is named. Nothing is assumed from the
 * journal.
 */
#include "core/engine.h"
#include "base/planted.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { FENCE_MS = 60000, FENCE_TRIES = 20, AGAIN_MAX_MS = 30000, SAY_AFTER = 6 };

/* --- fences --- */

static struct fencing *
fencing_of(const struct core *c, const char *domain)
{
	for (struct fencing *f = c->fences; f != NULL; f = f->next)
		if (text_eq(f->change.target->fence_domain, domain))
			return f;
	return NULL;
}

static void
restart(struct core *c, struct fencing *f, const struct target *t)
{
	change_drop(c, &f->change);
	f->change = (struct change){ .pb = f->pb,
		.playbook = f->pb->name,
		.run = "",
		.step = "",
		.target = t,
		.resource = f->resource,
		.options = "",
		.dir = DIR_FENCE,
		.base = "",
		.want = "",
		.take_over = c->by_operator,
		.deadline_ms = FENCE_MS,
		.effect_ms = EFFECT_MS,
		.retries = FENCE_TRIES };
}

static void
fencing_new(struct core *c, const struct playbook *pb, const struct target *t, const char *resource)
{
	struct arena *a = arena_new(&c->env.mem, PLAN_ARENA_MAX);
	struct fencing *f = a != NULL ? arena_get(a, sizeof *f) : NULL;

	if (f == NULL) {
		arena_free(&a);
		return;
	}
	f->a = a;
	f->pb = playbook_ref((struct playbook *)pb); /* the count alone changes */
	f->resource = arena_str(a, resource);
	restart(c, f, t);
	f->next = c->fences;
	c->fences = f;
}

static void
fencing_free(struct core *c, struct fencing **at)
{
	struct fencing *f = *at;
	struct arena *a = f->a;

	*at = f->next;
	change_drop(c, &f->change);
	playbook_unref(&f->pb);
	arena_free(&a);
}

void
fence_free(struct core *c)
{
	while (c->fences != NULL)
		fencing_free(c, &c->fences);
}

static bool
is_raised(struct core *c, const struct playbook *pb, const struct target *t, const char *resource)
{
	const struct ldomain *d = core_ldomain(c, t->fence_domain);

	if (t->info->fence != FENCE_F || (pb->mode == MODE_OBSERVE && !PLANTED(OBSERVER_WRITES)) ||
		(d != NULL && d->fenced_era == c->era) || PLANTED(ERA_UNFENCED) ||
		ledger_ejected(&c->l, pb->name))
		return true;
	if (fencing_of(c, t->fence_domain) == NULL)
		fencing_new(c, pb, t, resource);
	return false;
}

const char *
fence_conflict(const struct core *c, const struct book *b)
{
	for (const struct fencing *f = c->fences; f != NULL; f = f->next)
		if (f->conflict && text_eq(f->pb->name, b->name))
			return f->why;
	return NULL;
}

void
fence_again(struct core *c, const struct book *b)
{
	for (struct fencing *f = c->fences; f != NULL; f = f->next) {
		if (!text_eq(f->pb->name, b->name))
			continue;
		f->conflict = false;
		f->why[0] = '\0';
		f->change.next_boot_ms = c->boot_ms;
	}
}

void
settle_anew(struct core *c, struct book *b, enum flow f)
{
	b->m[f].settled = SETTLED_NOT_YET;
	b->m[f].retry_boot_ms = c->boot_ms;
	fence_again(c, b);
}

/* An operator's new era stands above everything that was ever sent here. */
static void
raise_era(struct core *c, const struct change *ch)
{
	if (ch->phase == CP_SEEN && ch->take_over && ch->seen_any && ch->seen_lsn >> 40 >= c->era &&
		ch->seen_lsn > c->l.lsn)
		c->era = (ch->seen_lsn >> 40) + 1;
}

/*
 * One domain after the other, by name: of two ferrymen that begin at once, one gets the first
 * domain and with it all, and the other none. Side by side each might get one, and nobody could
 * act.
 */
static bool
its_turn(const struct core *c, const struct fencing *f)
{
	const char *domain = f->change.target->fence_domain;

	for (const struct fencing *g = c->fences; g != NULL && !f->change.begun; g = g->next)
		if (strcmp(g->change.target->fence_domain, domain) < 0)
			return false;
	return true;
}

/* A fence that was to end an eject safely, and nothing can land any more without it: it would only
 * put a number back. */
static bool
is_needless(const struct core *c, const struct fencing *f)
{
	const struct ldomain *d = core_ldomain(c, f->change.target->fence_domain);

	return ledger_ejected(&c->l, f->pb->name) && f->change.phase == CP_IDLE &&
	       (d == NULL || (d->answered && !d->older));
}

static void
fences_advance(struct core *c)
{
	struct fencing **at = &c->fences;

	while (*at != NULL) {
		struct fencing *f = *at;
		const struct lbrake *b = ledger_brake(&c->l, f->pb->name, c->wall_ms);

		if (is_needless(c, f)) {
			fencing_free(c, at);
			continue;
		}
		if (!its_turn(c, f)) {
			at = &f->next;
			continue;
		}
		/* what takes ferryman out has put the brake on itself, and asks for no fence but
		 * to end safely */
		f->change.frozen = b != NULL && ledger_eject(&c->l, f->pb->name) == NULL;
		raise_era(c, &f->change);
		change_advance(c, &f->change);
		if (f->change.end == CE_DONE) {
			fencing_free(c, at);
			at = &c->fences; /* the next one's turn may have come */
			continue;
		}
		if (f->change.end == CE_FAILED) {
			(void)snprintf(f->why, sizeof f->why, "%s", f->change.why);
			if (f->change.outcome == OUT_CONFLICT && !f->conflict)
				tell(c, f->pb->name, SEV_ALARM, "%s: %s", f->pb->name, f->why);
			f->conflict = f->change.outcome == OUT_CONFLICT;
			restart(c, f, f->change.target);
			f->change.next_boot_ms = c->boot_ms + AGAIN_MAX_MS;
		}
		at = &f->next;
	}
}

/* --- where mail runs --- */

static bool
add_reads(struct arena *a, const struct plan_read *r, size_t n, struct plan_read *all,
	size_t *all_n, size_t max)
{
	for (size_t i = 0; i < n; i++) {
		bool have = false;

		for (size_t k = 0; k < *all_n && !have; k++)
			have = all[k].target == r[i].target &&
			       text_eq(all[k].resource, r[i].resource);
		if (!have && *all_n < max)
			all[(*all_n)++] = r[i];
	}
	return !arena_failed(a);
}

enum { READS_MAX = 64 };

static bool
add_procedure(struct arena *a, const struct playbook *pb, const struct procedure *p,
	enum plan_direction dir, struct plan_read *all, size_t *n)
{
	const struct plan_read *r = NULL;
	size_t r_n = plan_reads(a, pb, p, dir, &r);

	return r != NULL && add_reads(a, r, r_n, all, n, READS_MAX);
}

/* Everything that a run of this flow may touch. */
static size_t
reads_of(struct arena *a, const struct playbook *pb, enum flow f, struct plan_read *all)
{
	size_t n = 0;

	for (size_t i = 0; i < pb->procedures_n; i++) {
		const struct procedure *p = &pb->procedures[i];

		if (p->flow != f)
			continue;
		if (!add_procedure(a, pb, p, PLAN_OUT, all, &n) ||
			(p->kind == PROC_CUTOVER && !add_procedure(a, pb, p, PLAN_BACK, all, &n)))
			return 0;
	}
	return n;
}

/* Everything that a run of any flow of this text may touch. */
struct reach {
	struct arena *a; /* its resources live there */
	struct plan_read read[FLOW_N * READS_MAX];
	size_t n;
	bool whole; /* else memory ran out */
};

static void
reach_init(struct core *c, const struct playbook *pb, struct reach *r)
{
	r->a = arena_new(&c->env.mem, PLAN_ARENA_MAX);
	r->n = 0;
	for (int f = 0; r->a != NULL && f < FLOW_N; f++)
		r->n += reads_of(r->a, pb, (enum flow)f, r->read + r->n);
	r->whole = r->a != NULL && !arena_failed(r->a);
}

/* Every fence domain that a run of this text may touch: true once all bear a number of this era. */
static bool
raise_all(struct core *c, const struct playbook *pb)
{
	struct reach r;
	bool raised;

	reach_init(c, pb, &r);
	raised = r.whole;
	for (size_t i = 0; i < (PLANTED(FENCE_FIRST_ONLY) && r.n > 0 ? 1 : r.n); i++)
		raised = is_raised(c, pb, r.read[i].target, r.read[i].resource) && raised;
	arena_free(&r.a);
	return raised;
}

/* A run that began with an older text needs that text's domains, not those of the one in force. */
bool
fence_stands(struct core *c, const struct playbook *pb, const struct target *t,
	const char *resource, const char **ret_why)
{
	const struct book *b = book_find(c, pb->name);
	const char *why;

	if (ledger_ejected(&c->l, pb->name))
		return true; /* what its last run sends was fenced before */
	if (is_raised(c, pb, t, resource) &&
		(b == NULL || b->pb == NULL ||
			(text_eq(b->pb->sha256, pb->sha256) ? b->fenced_era == c->era
							    : raise_all(c, pb))))
		return true;
	why = b != NULL ? fence_conflict(c, b) : NULL;
	*ret_why = why != NULL ? why : *ret_why;
	return false;
}

static void
settled(struct machine *m, enum settled s, const char *why)
{
	m->settled = s;
	m->settle_again = false;
	(void)snprintf(m->settled_why, sizeof m->settled_why, "%s", why);
}

/* What cannot be read yet is read again; after a while people hear of it. */
static void
not_yet(struct core *c, struct book *b, enum flow f, const char *why)
{
	struct machine *m = &b->m[f];
	int64_t pause = SETTLE_AGAIN_MS;

	for (int i = 0; i < m->settle_tries && pause < AGAIN_MAX_MS; i++)
		pause *= 2;
	(void)snprintf(m->settled_why, sizeof m->settled_why, "%s", why);
	m->retry_boot_ms = c->boot_ms + (pause < AGAIN_MAX_MS ? pause : AGAIN_MAX_MS);
	if (++m->settle_tries == SAY_AFTER)
		tell(c, b->name, SEV_ALARM,
			"%s %s: the targets cannot be read, so nothing may start: %s", b->name,
			flow_name(f), why);
}

/* Mail that waits and no run that knows of it: a journal that has forgotten, or a hand. Its expiry
 * ends it on the relay. */
static void
tell_parked(struct core *c, const struct book *b, enum flow f, const struct look *l)
{
	if (ledger_shelter(&c->l, b->name, f) != NULL || ledger_open_run(&c->l, b->name, f) != NULL)
		return;
	for (size_t i = 0; i < l->n; i++)
		if (text_starts(l->value[i].resource, "relay.park ") &&
			text_eq(l->value[i].value, "parked\n"))
			tell(c, b->name, SEV_ALARM,
				"%s %s: mail waits at %s (%s) and the journal knows of no shelter: "
				"let it go by hand, or it "
				"goes when its time on the relay is over",
				b->name, flow_name(f), l->value[i].target, l->value[i].resource);
}

static void
judge(struct core *c, struct book *b, enum flow f)
{
	static const enum settled as[] = { [SIDE_PRIMARY] = SETTLED_ON_PRIMARY,
		[SIDE_BACKUP] = SETTLED_ON_BACKUP,
		[SIDE_MIXED] = SETTLED_MIXTURE };
	struct machine *m = &b->m[f];
	const struct procedure *p = playbook_cutover(b->pb, f);
	struct look *l = m->look;
	const struct lrun *run = ledger_open_run(&c->l, b->name, f);
	char why[WHY_LEN] = "";

	m->looked = true;
	if (run != NULL && run->era >= c->era && !m->settle_again)
		return; /* what it does is known: it was looked for a number that the journal lacks
			 */
	for (size_t i = 0; i < l->n; i++) {
		if (l->value[i].known)
			continue;
		(void)snprintf(why, sizeof why, "%s at %s: %.200s", l->value[i].resource,
			l->value[i].target, l->value[i].why);
		not_yet(c, b, f, why);
		return;
	}
	m->settle_tries = 0;
	m->era_read = true;
	tell_parked(c, b, f, l);
	if (run != NULL && run->era >= c->era) { /* a shelter beside it was told to go on */
		m->settle_again = false;
		return;
	}
	if (run != NULL && l->marker[0] != '\0')
		run_give_up(c, run, "blocked", l->marker);
	else if (run != NULL && restored_fits(c, run, l, why, sizeof why))
		return; /* it goes on, and the machine with it */
	else if (run != NULL)
		run_give_up(c, run, "failed", why);
	if (l->marker[0] != '\0')
		settled(m, SETTLED_MIXTURE, l->marker);
	else if (p == NULL)
		settled(m, SETTLED_ON_PRIMARY, "it has no cut-over");
	else {
		enum plan_side side = plan_side(l->a, b->pb, p, l->value, l->n, why, sizeof why);

		settled(m, as[side], why);
	}
}

/* True when nothing of ours can land at this target any more, or when it keeps no number. */
static bool
is_quiet(struct core *c, const struct book *b, const struct plan_read *r)
{
	const struct ldomain *d = core_ldomain(c, r->target->fence_domain);

	if (r->target->info->fence != FENCE_F || d == NULL || (d->answered && !d->older) ||
		PLANTED(GIVEN_UP_LOUD))
		return true;
	if (fencing_of(c, d->name) == NULL)
		fencing_new(c, b->pb, r->target, r->resource);
	return false;
}

bool
fence_quiet(struct core *c, struct book *b)
{
	struct reach r;
	bool quiet;

	reach_init(c, b->pb, &r);
	quiet = r.whole;
	for (size_t i = 0; i < r.n; i++)
		quiet = is_quiet(c, b, &r.read[i]) && quiet;
	arena_free(&r.a);
	return quiet;
}

/* A domain that does not let itself be raised into this era: nothing is decided before. */
static void
not_fenced(struct core *c, struct book *b, enum flow f, const struct fencing *of)
{
	const struct lrun *run = ledger_open_run(&c->l, b->name, f);

	if (of == NULL || of->why[0] == '\0')
		return;
	if (!of->conflict) {
		not_yet(c, b, f, of->why);
		return;
	}
	settled(&b->m[f], SETTLED_MIXTURE, of->why);
	if (run != NULL && run->state != LR_BLOCKED && !proposed(c))
		run_give_up(c, run, "blocked", of->why);
}

/* Every domain of the playbook, not only of this flow: first all fences, then the reading. */
static bool
all_fenced(struct core *c, struct book *b, enum flow f, struct arena *a)
{
	struct plan_read all[READS_MAX];
	bool fenced = true;

	for (int of = 0; of < FLOW_N; of++) {
		size_t n = reads_of(a, b->pb, (enum flow)of, all);

		for (size_t i = 0; i < n; i++) {
			if (is_raised(c, b->pb, all[i].target, all[i].resource))
				continue;
			fenced = false;
			not_fenced(c, b, f, fencing_of(c, all[i].target->fence_domain));
		}
	}
	return fenced;
}

static void
begin(struct core *c, struct book *b, enum flow f)
{
	struct machine *m = &b->m[f];
	struct arena *a = arena_new(&c->env.mem, PLAN_ARENA_MAX);
	struct plan_read all[READS_MAX];
	size_t n = a != NULL ? reads_of(a, b->pb, f, all) : 0;
	const struct lrun *run = ledger_open_run(&c->l, b->name, f);
	bool fenced = a != NULL && ((run != NULL && run->era >= c->era) || all_fenced(c, b, f, a));

	if (fenced && !arena_failed(a)) {
		m->look = look_new(c, b, f, all, n);
		m->look_settles = true;
	}
	m->looked = m->looked || !fenced; /* no number of ours is there */
	arena_free(&a);
}

static bool
wants(struct core *c, struct book *b, enum flow f)
{
	struct machine *m = &b->m[f];
	const struct lmachine *l = ledger_machine(&c->l, b->name, f); /* load() made it */
	const struct lrun *run = ledger_open_run(&c->l, b->name, f);

	if (!m->on)
		return false;
	if (run != NULL && run->era >= c->era)
		return !m->looked || m->settle_again;
	if (run != NULL) /* the journal is of a new era */
		return restored_waits(c, run) && m->settled == SETTLED_NOT_YET;
	return m->settle_again || (l->state == LS_SETTLING && m->settled == SETTLED_NOT_YET);
}

static void
settle(struct core *c, struct book *b, enum flow f)
{
	struct machine *m = &b->m[f];

	if (!wants(c, b, f))
		return;
	if (m->look != NULL && m->look_settles) {
		if (m->look->open > 0)
			return;
		judge(c, b, f);
		machine_forget_look(c, m);
	} else if (m->look == NULL && c->boot_ms >= m->retry_boot_ms) {
		begin(c, b, f); /* a plan's readings come first */
	}
}

/* Every fence domain that a run of this playbook may touch. */
static void
fence_book(struct core *c, struct book *b)
{
	if (ledger_ejected(&c->l, b->name))
		b->fenced_era = 0; /* taken in again, it begins as at first */
	if (b->pb != NULL && b->fenced_era != c->era && !ledger_ejected(&c->l, b->name) &&
		raise_all(c, b->pb))
		b->fenced_era = c->era;
}

/*
 * This process stood still, and another ferryman may have taken over meanwhile. A target that
 * fences refuses what comes late; one of class U cannot. So every fence is raised anew, and nothing
 * is sent to class U before: a newer marker at any of them stops it.
 */
static void
fence_anew_of(struct core *c, const struct playbook *pb)
{
	struct reach r;

	if (pb->mode == MODE_OBSERVE || ledger_ejected(&c->l, pb->name))
		return;
	reach_init(c, pb, &r);
	for (size_t i = 0; i < r.n; i++)
		if (r.read[i].target->info->fence == FENCE_F &&
			fencing_of(c, r.read[i].target->fence_domain) == NULL)
			fencing_new(c, pb, r.read[i].target, r.read[i].resource);
	arena_free(&r.a);
}

static void
fence_anew(struct core *c)
{
	for (const struct book *b = c->books; b != NULL; b = b->next)
		if (b->pb != NULL)
			fence_anew_of(c, b->pb);
	for (const struct live *l = c->live; l != NULL; l = l->next)
		if (l->pb != NULL)
			fence_anew_of(c, l->pb);
	c->stalled = false;
}

bool
fence_pending(struct core *c, const struct playbook *pb, const char **ret_why)
{
	struct reach r;
	bool pending;

	reach_init(c, pb, &r);
	pending = !r.whole;
	for (size_t i = 0; i < r.n; i++) {
		const struct fencing *of = fencing_of(c, r.read[i].target->fence_domain);

		pending = pending || of != NULL;
		if (of != NULL && of->conflict && ret_why != NULL)
			*ret_why = of->why;
	}
	arena_free(&r.a);
	return pending;
}

void
settle_all(struct core *c)
{
	if (c->stalled)
		fence_anew(c);
	for (struct book *b = c->books; b != NULL; b = b->next)
		fence_book(c, b);
	for (struct book *b = c->books; b != NULL; b = b->next)
		for (int f = 0; f < FLOW_N; f++)
			settle(c, b, (enum flow)f);
	fences_advance(c);
	for (struct book *b = c->books; b != NULL && !proposed(c);
		b = b->next) /* with nothing left to fence the reading begins at once */
		for (int f = 0; f < FLOW_N; f++)
			settle(c, b, (enum flow)f);
}

int64_t
settle_wake(const struct core *c)
{
	int64_t wake = INT64_MAX;

	for (const struct fencing *f = c->fences; f != NULL; f = f->next)
		wake = earlier(wake, f->change.begun ? change_wake(c, &f->change)
				     : f->change.next_boot_ms > c->boot_ms ? f->change.next_boot_ms
									   : INT64_MAX);
	for (const struct book *b = c->books; b != NULL; b = b->next)
		for (int f = 0; f < FLOW_N; f++)
			if (b->m[f].on && b->m[f].look == NULL &&
				b->m[f].retry_boot_ms > c->boot_ms)
				wake = earlier(wake, b->m[f].retry_boot_ms);
	return wake;
}
