/* evidence.c - observations to the health of each signal's subject: N of M, staleness, attribution;
 * and blindness. */
#include "base/json.h"
#include "base/planted.h"
#include "base/text.h"
#include "core/cells.h"

#include <stdio.h>
#include <string.h>

/* UNTESTED: one answer that was lost on the way is none, two in a row are a source that fails its
 * self-test. */
enum { JUMP_MS = 2000, JUMP_HOLD_MS = 30000, UNTESTED = 2 };

const char *
verdict_name(enum verdict v)
{
	static const char *const names[] = { "ok", "degraded", "bad", "unknown" };

	return v < VERDICT_N ? names[v] : "?";
}

static const char *
health_name(enum health h)
{
	static const char *const names[] = { "unknown", "ok", "bad" };

	return names[h];
}

struct evidence *
evidence_new(const struct mem *mem, struct playbook *pb)
{
	struct evidence *e = mem_get(mem, sizeof *e);

	if (e == NULL)
		return NULL;
	memset(e, 0, sizeof *e);
	e->mem = *mem;
	e->pb = playbook_ref(pb);
	e->diag = mem_get(mem, (pb->diagnoses_n + 1) * sizeof *e->diag);
	e->clear_running = mem_get(mem, pb->diagnoses_n + 1);
	e->since = mem_get(mem, (pb->paths_n + 1) * sizeof *e->since);
	for (size_t i = 0; i < pb->signals_n; i++)
		e->asks_n += pb->signals[i].subjects_n;
	e->ask = mem_get(mem, (e->asks_n + 1) * sizeof *e->ask);
	if (e->diag == NULL || e->clear_running == NULL || e->since == NULL || e->ask == NULL) {
		evidence_free(&e);
		return NULL;
	}
	memset(e->diag, 0, (pb->diagnoses_n + 1) * sizeof *e->diag);
	memset(e->clear_running, 0, pb->diagnoses_n + 1);
	memset(e->since, 0, (pb->paths_n + 1) * sizeof *e->since);
	for (size_t i = 0; i < pb->diagnoses_n; i++)
		e->diag[i].d = &pb->diagnoses[i];
	schedule_init(e);
	return e;
}

void
evidence_free(struct evidence **pe)
{
	struct evidence *e = *pe;
	struct mem mem;

	if (e == NULL)
		return;
	*pe = NULL;
	mem = e->mem;
	playbook_unref(&e->pb);
	mem_put(&mem, e->diag);
	mem_put(&mem, e->clear_running);
	mem_put(&mem, e->since);
	mem_put(&mem, e->ask);
	mem_put(&mem, e->cell);
	mem_put(&mem, e);
}

/* --- attribution --- */

static bool
names_path(const struct path *p, const char *via)
{
	size_t n = strlen(via);

	for (size_t i = 0; i < p->egress_n; i++)
		if (text_eq(p->egress[i], via))
			return true;
	if (text_eq(p->name, via))
		return true;
	if (p->relay.host == NULL)
		return false;
	return text_starts(p->relay.host, via)
		       ? strchr(":\0", p->relay.host[n]) != NULL
		       : p->relay.host[0] == '[' && strncmp(p->relay.host + 1, via, n) == 0 &&
				 p->relay.host[n + 1] == ']';
}

/* The path that an observation accuses; NULL = nobody's: it convinces nobody. */
static const struct path *
attribute(const struct evidence *e, const struct signal *s, const char *via)
{
	if (PLANTED(BACKUP_ACCUSES) && s->path != NULL)
		return e->pb->primary;
	if (via == NULL || via[0] == '\0')
		return s->path;
	if (s->path != NULL && names_path(s->path, via))
		return s->path;
	for (size_t i = 0; i < e->pb->paths_n; i++)
		if (names_path(&e->pb->paths[i], via))
			return &e->pb->paths[i];
	/* Inbound mail is handed in by strangers' hosts: an address of no path names no other way
	 * in than the one that the signal is pinned to. */
	return s->flow == FLOW_INBOUND ? s->path : NULL;
}

static struct cell *
cell_of(struct evidence *e, const struct signal *s, const struct subject *sub, const struct path *p)
{
	struct cell *more;

	for (size_t i = 0; i < e->cells_n; i++)
		if (e->cell[i].sig == s && e->cell[i].subject == sub && e->cell[i].path == p)
			return &e->cell[i];
	more = e->mem.resize(e->mem.ctx, e->cell, (e->cells_n + 1) * sizeof *more);
	if (more == NULL)
		return NULL;
	e->cell = more;
	more += e->cells_n++;
	memset(more, 0, sizeof *more);
	more->sig = s;
	more->subject = sub;
	more->path = p;
	(void)snprintf(more->class, sizeof more->class, "%s", sub->class);
	return more;
}

static const struct subject *
subject_of(const struct signal *s, const char *name)
{
	for (size_t i = 0; i < s->subjects_n; i++)
		if (text_eq(s->subjects[i].name, name))
			return &s->subjects[i];
	return NULL;
}

/* --- N of M --- */

static const struct seen *
nth_newest(const struct cell *c, size_t i)
{
	size_t kept = c->n < RING ? c->n : RING;

	return i < kept ? &c->ring[(c->n - 1 - i) % RING] : NULL;
}

static bool
is_bad(const struct cell *c, const struct seen *s)
{
	return s->verdict == VERDICT_BAD ||
	       (s->verdict == VERDICT_DEGRADED && c->sig->degraded_is_bad);
}

/*
 * The i-th newest observation, if it counts: one that had gone stale before the next one came is
 * from before a silence, and what was before a silence votes no more.
 */
static const struct seen *
counting(const struct cell *c, int i)
{
	const struct seen *s = nth_newest(c, (size_t)i);

	if (s == NULL || (i > 0 && s->until_boot_ms <= nth_newest(c, (size_t)i - 1)->boot_ms &&
				 !PLANTED(SILENCE_VOTES)))
		return NULL;
	return s;
}

int
cell_votes(const struct cell *c, int m, bool bad)
{
	const struct seen *s;
	int n = 0;

	for (int i = 0; i < m && (s = counting(c, i)) != NULL; i++)
		n += is_bad(c, s) == bad;
	return n;
}

bool
cell_fresh(const struct cell *c, int64_t boot_ms)
{
	const struct seen *s = nth_newest(c, 0);

	return s != NULL && (boot_ms < s->until_boot_ms || PLANTED(STALE_COUNTS));
}

/* A bad observation among those that count, with nothing behind it that was seen while what we see
 * was not to be believed: after such a time it must be seen anew. */
static bool
bad_with_sight(const struct cell *c, bool harm)
{
	const struct seen *s;

	for (int i = 0; i < c->sig->rise_m && (s = counting(c, i)) != NULL && !s->blind; i++)
		if (is_bad(c, s) && (s->harm || !harm))
			return true;
	return false;
}

bool
cell_harm(const struct cell *c)
{
	return bad_with_sight(c, true);
}

/* A path that the signal speaks of only now and then (by an egress named in an answer) may stay
 * silent for good. */
bool
cell_scar(const struct cell *c)
{
	return c->scar && c->path == c->sig->path;
}

bool
cell_flow(const struct cell *c, enum flow f)
{
	return !c->sig->flow_given || c->sig->flow == f;
}

void
cell_note_receiver(const struct cell *c, const char *list[static RECEIVERS_MAX], size_t *n)
{
	for (size_t i = 0; i < *n; i++)
		if (text_eq(list[i], c->class))
			return;
	if (c->class[0] != '\0' && *n < RECEIVERS_MAX)
		list[(*n)++] = c->class;
}

static void
judge(struct evidence *e, struct cell *c)
{
	if (!cell_fresh(c, e->boot_ms)) {
		c->health = HEALTH_UNKNOWN;
		return;
	}
	/* both may hold, as where one bad answer is enough: then it is bad, however often one looks
	 */
	if (cell_votes(c, c->sig->rise_m, true) >= c->sig->rise_n)
		c->health = HEALTH_BAD;
	else if (cell_votes(c, c->sig->fall_m, false) >= c->sig->fall_n)
		c->health = HEALTH_OK;
	c->away = c->away && c->health != HEALTH_OK;
	c->scar = c->health == HEALTH_BAD || (c->scar && c->health != HEALTH_OK);
}

/* --- the clock --- */

/* No anchor tells the time. One that answers after the jump says at least that the world goes on
 * with us: we were not put back, or on another line. */
static void
doubt_clock(struct evidence *e, int64_t boot_ms)
{
	e->jump_until = boot_ms + JUMP_HOLD_MS;
	e->doubted = true;
}

static void
see_clock(struct evidence *e, int64_t boot_ms, int64_t wall_ms)
{
	int64_t offset = wall_ms - boot_ms, drift = offset - e->offset_ms;

	if (e->timed && (drift > JUMP_MS || drift < -JUMP_MS) && !PLANTED(JUMP_BELIEVED))
		doubt_clock(e, boot_ms);
	e->offset_ms = offset;
	e->boot_ms = boot_ms;
	e->wall_ms = wall_ms;
	e->timed = true;
}

bool
evidence_clock_jumped(const struct evidence *e)
{
	return e->boot_ms < e->jump_until || e->doubted;
}

/* --- what is told --- */

/* How long ago it was observed; a clock that runs ahead of ours has not seen the future. */
static int64_t
age_of(const struct event *ev)
{
	int64_t at = ev->seen.observed_wall_ms;

	return at > 0 && at < ev->wall_ms ? ev->wall_ms - at : 0;
}

/* The source's own word on how long it holds, else the signal's stale time, counted from when it
 * was observed. */
static int64_t
until_of(const struct event *ev, const struct signal *s)
{
	int64_t till = ev->seen.valid_until_wall_ms;

	return till > 0 ? ev->boot_ms + (till - ev->wall_ms)
			: ev->boot_ms - age_of(ev) + s->stale_ms;
}

static void
take_in(struct cell *c, const struct event *ev, bool blind)
{
	int64_t at = ev->boot_ms - age_of(ev);
	struct seen seen = { .boot_ms = at,
		.until_boot_ms = until_of(ev, c->sig),
		.verdict = ev->seen.verdict,
		.harm = ev->seen.harm,
		.blind = blind };

	if (!cell_fresh(c, at) && !PLANTED(SILENCE_VOTES))
		c->health = HEALTH_UNKNOWN; /* there was a silence before this one */
	c->ring[c->n++ % RING] = seen;
	if (is_bad(c, &seen))
		(void)snprintf(c->tipped, sizeof c->tipped, "%s", c->why);
}

/* The signal answers, but of another way: of the one that it is pinned to it has grown silent
 * because nothing goes there, as an inbound canary does while MX names a spool. That silence hides
 * nothing; whether the way is well again, another signal must say. */
static void
speaks_elsewhere(struct evidence *e, const struct signal *s, const struct subject *sub)
{
	for (size_t i = 0; i < e->cells_n; i++) {
		struct cell *c = &e->cell[i];

		if (c->sig == s && c->subject == sub && c->path == s->path &&
			c->health == HEALTH_UNKNOWN) {
			c->away = c->away || c->scar;
			c->scar = false;
		}
	}
}

void
evidence_seen(struct evidence *e, const struct event *ev)
{
	const struct signal *s = playbook_signal(e->pb, ev->seen.signal);
	const struct subject *sub = s != NULL ? subject_of(s, ev->seen.subject) : NULL;
	int64_t at = ev->boot_ms - age_of(ev);
	const struct path *p;
	struct cell *c;

	if (sub == NULL)
		return;
	see_clock(e, ev->boot_ms, ev->wall_ms); /* what comes with a jump may be of it */
	e->dark = e->dark || evidence_clock_jumped(e);
	if (ev->op != 0)
		schedule_answered(e, s, sub);
	p = attribute(e, s, ev->seen.via);
	if (p == NULL && s->role == SIG_EVIDENCE)
		return;
	c = cell_of(e, s, sub, p);
	if (c == NULL || at < c->last_boot_ms || (ev->op == 0 && at == c->last_boot_ms))
		return; /* late, or told twice: this or something newer of this key is known */
	c->last_boot_ms = at;
	(void)snprintf(c->why, sizeof c->why, "%s", ev->seen.why != NULL ? ev->seen.why : "");
	if (ev->seen.class != NULL && ev->seen.class[0] != '\0')
		(void)snprintf(c->class, sizeof c->class, "%s", ev->seen.class);
	c->untested_n = ev->seen.untested ? c->untested_n + 1 : 0;
	if (PLANTED(UNKNOWN_IS_BAD) && ev->seen.verdict == VERDICT_UNKNOWN) {
		struct event bad = *ev;

		bad.seen.verdict = VERDICT_BAD;
		bad.seen.harm = s->harm;
		take_in(c, &bad, e->dark);
	}
	if (ev->seen.verdict < VERDICT_UNKNOWN)
		take_in(c, ev, e->dark); /* unknown votes neither way; the older ones grow stale */
	if (ev->seen.verdict < VERDICT_UNKNOWN && s->role == SIG_ANCHOR)
		e->doubted = e->doubted && is_bad(c, nth_newest(c, 0));
	if (ev->seen.verdict < VERDICT_UNKNOWN && p != s->path)
		speaks_elsewhere(e, s, sub);
}

/* --- blindness --- */

static void
see_anchors(struct evidence *e)
{
	size_t anchors = 0, ok = 0, asked = 0;

	for (size_t i = 0; i < e->pb->signals_n; i++)
		if (e->pb->signals[i].role == SIG_ANCHOR)
			anchors += e->pb->signals[i].subjects_n;
	for (size_t i = 0; i < e->cells_n; i++) {
		const struct cell *c = &e->cell[i];
		const struct seen *s = nth_newest(c, 0);

		if (c->sig->role != SIG_ANCHOR)
			continue;
		asked++;
		ok += cell_fresh(c, e->boot_ms) && !is_bad(c, s);
	}
	e->dark = evidence_clock_jumped(e) ||
		  (anchors >= 2 && asked == anchors && 2 * ok <= anchors); /* not at a start */
	e->blind[0] = '\0';
	if (evidence_clock_jumped(e))
		(void)snprintf(e->blind, sizeof e->blind,
			"the clock has jumped; waiting until it has been steady for 30 s and an "
			"anchor has answered since");
	else if (anchors < 2)
		(void)snprintf(e->blind, sizeof e->blind, "fewer than two anchors");
	else if (2 * ok <= anchors && !(ok > 0 && PLANTED(ONE_ANCHOR)))
		(void)snprintf(e->blind, sizeof e->blind,
			asked < anchors ? "%zu of %zu anchors have answered; %zu ok"
					: "%zu of %zu anchors were asked; %zu answer, more than "
					  "half are wanted",
			asked, anchors, ok);
}

/* Whoever asks sources that fail their own test, or that he cannot reach at all, sees less than he
 * thinks. */
static void
see_sources(struct evidence *e)
{
	for (size_t i = 0; i < e->cells_n; i++) {
		if (e->cell[i].untested_n < UNTESTED)
			continue;
		e->dark = true;
		if (e->blind[0] == '\0')
			(void)snprintf(e->blind, sizeof e->blind,
				"%.64s does not pass its self-test: %s", e->cell[i].sig->name,
				e->cell[i].why);
	}
}

const char *
evidence_blind(const struct evidence *e)
{
	return e->blind[0] != '\0' ? e->blind : NULL;
}

/* --- paths --- */

static size_t
path_index(const struct evidence *e, const struct path *p)
{
	return (size_t)(p - e->pb->paths);
}

bool
cell_half_away(const struct evidence *e, const struct cell *of)
{
	for (size_t i = 0; i < e->cells_n; i++)
		if (e->cell[i].sig == of->sig && e->cell[i].path == of->path && e->cell[i].away)
			return true;
	return false;
}

bool
evidence_path_ok(const struct evidence *e, const struct path *p, enum flow f)
{
	bool ok = false;

	for (size_t i = 0; i < e->cells_n; i++) {
		const struct cell *c = &e->cell[i];

		if (c->path != p || !cell_flow(c, f))
			continue;
		if (c->health == HEALTH_BAD || cell_scar(c))
			return false;
		ok = ok || (c->sig->harm && c->health == HEALTH_OK && !cell_half_away(e, c));
	}
	return ok;
}

bool
evidence_path_unfit(const struct evidence *e, const struct path *p, enum flow f)
{
	const char *of[RECEIVERS_MAX], *refuse[RECEIVERS_MAX];
	size_t bad = 0, known = 0, of_n = 0, refuse_n = 0;

	for (size_t i = 0; i < e->cells_n; i++) {
		const struct cell *c = &e->cell[i];

		if (c->path != p || !cell_flow(c, f) || !c->sig->harm ||
			c->health == HEALTH_UNKNOWN)
			continue;
		known++;
		cell_note_receiver(c, of, &of_n);
		if (c->health != HEALTH_BAD || !bad_with_sight(c, false))
			continue;
		bad++;
		cell_note_receiver(c, refuse, &refuse_n);
	}
	/* one sick receiver is no reason to distrust the path; a door of its own that is open does
	 * not outweigh receivers that refuse it */
	return bad > 0 && (2 * bad > known || (refuse_n > 1 && 2 * refuse_n > of_n));
}

int64_t
evidence_path_ok_since(const struct evidence *e, const struct path *p, enum flow f)
{
	return e->since[path_index(e, p)].ok[f];
}

static void
see_paths(struct evidence *e)
{
	for (size_t i = 0; i < e->pb->paths_n; i++) {
		for (int f = 0; f < FLOW_N; f++) {
			int64_t *since = &e->since[i].ok[f];

			if (!evidence_path_ok(e, &e->pb->paths[i], (enum flow)f) &&
				!(PLANTED(SOAK_GOES_ON) && *since != 0))
				*since = 0;
			else if (*since == 0)
				*since = e->boot_ms > 0 ? e->boot_ms : 1;
		}
	}
}

void
evidence_update(struct evidence *e, int64_t boot_ms, int64_t wall_ms)
{
	see_clock(e, boot_ms, wall_ms);
	for (size_t i = 0; i < e->cells_n; i++)
		judge(e, &e->cell[i]);
	see_anchors(e);
	see_sources(e);
	see_paths(e);
	diagnose(e);
}

int64_t
evidence_wake_ms(const struct evidence *e)
{
	int64_t wake = schedule_wake(e);

	for (size_t i = 0; i < e->cells_n; i++) {
		const struct seen *s = nth_newest(&e->cell[i], 0);

		if (s != NULL && s->until_boot_ms > e->boot_ms && s->until_boot_ms < wake)
			wake = s->until_boot_ms;
	}
	for (size_t i = 0; i < e->pb->diagnoses_n; i++) {
		const struct diag_view *v = &e->diag[i];
		int64_t at = v->met			  ? v->met_since_boot_ms + v->d->for_ms
			     : v->clear_since_boot_ms > 0 ? v->clear_since_boot_ms + v->d->clear_ms
							  : 0;

		if (at > e->boot_ms && at < wake)
			wake = at;
	}
	if (e->jump_until > e->boot_ms && e->jump_until < wake)
		wake = e->jump_until;
	return wake;
}

/* --- telling --- */

bool
evidence_next_change(struct evidence *e, struct buf *b)
{
	for (size_t i = 0; i < e->cells_n; i++) {
		struct cell *c = &e->cell[i];
		struct jw w;

		if (c->health == c->told)
			continue;
		jw_init(&w, b);
		jw_open(&w, NULL, '{');
		jw_str(&w, "playbook", e->pb->name);
		jw_str(&w, "signal", c->sig->name);
		jw_str(&w, "subject", c->subject->name);
		jw_str(&w, "path", c->path != NULL ? c->path->name : "");
		jw_str(&w, "from", health_name(c->told));
		jw_str(&w, "to", health_name(c->health));
		jw_bool(&w, "harm", c->health == HEALTH_BAD && cell_harm(c));
		jw_str(&w, "why",
			c->health == HEALTH_UNKNOWN && !cell_fresh(c, e->boot_ms)
				? "no fresh answer"
			: c->health == HEALTH_BAD ? c->tipped
						  : c->why);
		jw_close(&w, '}');
		c->told = c->health;
		return true;
	}
	return false;
}

static bool
concerns(const struct cell *c, const struct diagnosis *d)
{
	if (d == NULL)
		return true;
	if (c->sig->role == SIG_ANCHOR)
		return false;
	for (size_t i = 0; i < d->of_n; i++)
		if (text_eq(d->of[i], c->sig->group))
			return c->path == d->path && cell_flow(c, d->flow);
	return false;
}

static void
put_cell(const struct evidence *e, const struct cell *c, struct jw *w)
{
	jw_open(w, NULL, '{');
	jw_str(w, "signal", c->sig->name);
	jw_str(w, "subject", c->subject->name);
	jw_str(w, "group", c->sig->group != NULL ? c->sig->group : "anchor");
	jw_str(w, "path", c->path != NULL ? c->path->name : "");
	jw_str(w, "health", health_name(c->health));
	jw_bool(w, "harm", c->health == HEALTH_BAD && cell_harm(c));
	jw_int(w, "bad", cell_votes(c, c->sig->rise_m, true));
	jw_int(w, "known",
		cell_votes(c, c->sig->rise_m, true) + cell_votes(c, c->sig->rise_m, false));
	jw_int(w, "age_ms", c->last_boot_ms > 0 ? e->boot_ms - c->last_boot_ms : -1);
	jw_str(w, "why", c->health == HEALTH_BAD ? c->tipped : c->why);
	jw_close(w, '}');
}

void
evidence_put(const struct evidence *e, const struct diagnosis *d, struct buf *b)
{
	struct jw w;

	jw_init(&w, b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "blind", e->blind[0] != '\0' ? e->blind : NULL);
	for (size_t i = 0; d != NULL && i < e->pb->diagnoses_n; i++) {
		const struct diag_view *v = &e->diag[i];

		if (v->d != d)
			continue;
		jw_int(&w, "groups_bad", v->groups_bad);
		jw_int(&w, "groups_wanted", d->groups);
		jw_int(&w, "receivers_bad", v->receivers_bad);
		jw_int(&w, "share_bp", v->share_bp);
		jw_int(&w, "met_ms", v->met ? e->boot_ms - v->met_since_boot_ms : 0);
	}
	jw_open(&w, "cells", '[');
	for (size_t i = 0; i < e->cells_n; i++)
		if (concerns(&e->cell[i], d))
			put_cell(e, &e->cell[i], &w);
	jw_close(&w, ']');
	jw_close(&w, '}');
}

/* --- one receiver --- */

const char *
evidence_harm_at(const struct evidence *e, const char *path, enum flow f, const char *receiver)
{
	const char *why = NULL;

	if (evidence_blind(e) != NULL)
		return NULL;
	for (size_t i = 0; i < e->cells_n; i++) {
		const struct cell *c = &e->cell[i];

		if (c->path == NULL || !text_eq(c->path->name, path) || !cell_flow(c, f) ||
			!text_eq(c->subject->name, receiver))
			continue;
		if (c->health == HEALTH_OK)
			return NULL; /* some of its mail arrives there */
		if (c->health == HEALTH_BAD && cell_harm(c))
			why = c->tipped;
	}
	return why;
}
