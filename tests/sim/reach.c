/* reach.c - counts what was met, and knows which cells cannot be. */
#include "sim/reach.h"

#include "base/text.h"
#include "core/lifecycle.h"

#include <stdio.h>
#include <string.h>

static struct reach *counts; /* behind lifecycle_next, which has no other way to be told */

/* The linker puts it before the table's own (Makefile: --wrap). */
const struct life_row *__real_lifecycle_next(
	enum life_state state, enum life_event event, unsigned flags);
const struct life_row *__wrap_lifecycle_next(
	enum life_state state, enum life_event event, unsigned flags);
const struct life_row *
__wrap_lifecycle_next(enum life_state state, enum life_event event, unsigned flags)
{
	const struct life_row *row = __real_lifecycle_next(state, event, flags);
	size_t n;

	if (counts != NULL && row != NULL)
		counts->row[row - lifecycle_rows(&n)]++;
	return row;
}

void
reach_count(struct reach *r)
{
	counts = r;
}

/* --- steps --- */

/* The kinds of playbooks in the order of their table, and after them the one that only a plan has.
 */
static const struct step_kind *
kind_at(size_t i)
{
	const struct step_kind *k = NULL;

	for (size_t n = 0; n <= i; n++)
		if ((k = step_kind_at(n)) == NULL)
			return n == i ? step_kind_find("fence.remove") : NULL;
	return k;
}

size_t
reach_kind(const char *kind)
{
	const struct step_kind *k;

	for (size_t i = 0; (k = kind_at(i)) != NULL && i < REACH_KINDS; i++)
		if (text_eq(k->kind, kind))
			return i;
	return REACH_KINDS;
}

/* The pivot, or a step that comes after it by what it needs. */
static bool
past_pivot(const struct vrun *run, const struct vstep *st)
{
	for (size_t i = 0; !st->pivot && i < st->needs_n; i++) {
		const struct vstep *need = view_step(run, st->needs[i]);

		if (need != NULL && past_pivot(run, need))
			return true;
	}
	return st->pivot;
}

void
reach_plan(struct sim *s, const struct vrun *run)
{
	bool moves = text_eq(run->kind, "cutover") || text_eq(run->kind, "failback");

	for (size_t i = 0; s->reach != NULL && i < run->steps_n; i++) {
		const struct vstep *st = &run->step[i];
		size_t k = reach_kind(st->kind);

		if (k == REACH_KINDS)
			continue;
		s->reach->planned[k][0]++;
		s->reach->planned[k][1] += moves && kind_at(k)->compensable && !past_pivot(run, st);
	}
}

static enum reach_phase
phase_of(const struct sim *s, const struct vintent *x, size_t but)
{
	enum reach_phase phase = REACH_INTENT;

	if (x == NULL || x->answered)
		return REACH_LOOK;
	for (size_t i = s->requests_n; i-- > 0;) {
		const struct request *r = &s->request[i];

		if (r->lsn != x->lsn || i == but)
			continue;
		if (r->accepted > 0)
			return REACH_APPLIED;
		phase = REACH_SENT;
	}
	return phase;
}

/* Waiting until something is published is what authoritative servers are asked for. */
static bool
asks_servers(const struct step_kind *k)
{
	return k->class == STEP_WAIT && (k->caps & CAP_DNS_RRSET) != 0;
}

struct places {
	struct reach_place *at;
	size_t n;
};

static void
add_place(struct sim *s, const struct vrun *run, const struct vstep *st, enum effect_dir dir,
	size_t but, struct places *to)
{
	const struct vintent *x = view_newest(&s->view, run, st->id, dir);

	if (to->n < REACH_PLACES)
		to->at[to->n++] = (struct reach_place){ .kind = reach_kind(st->kind),
			.undo = dir == DIR_UNDO,
			.phase = phase_of(s, x, but),
			.lsn = x != NULL && !x->answered ? x->lsn : 0 };
}

static bool
is_next(const struct view *v, const struct vrun *run, const struct vstep *st)
{
	if (view_done(v, run, st->id, DIR_DO))
		return false;
	for (size_t i = 0; i < st->needs_n; i++)
		if (!view_done(v, run, st->needs[i], DIR_DO))
			return false;
	return true;
}

/* The steps at which the run stands: forward all whose needs are done, backward one. */
static void
of_run(struct sim *s, const struct vrun *run, struct places *to)
{
	struct view *v = &s->view;

	for (size_t i = 0; i < run->steps_n; i++) {
		const struct vstep *st = &run->step[run->turned ? run->steps_n - 1 - i : i];

		if (!run->turned && is_next(v, run, st))
			add_place(s, run, st, DIR_DO, SIZE_MAX, to);
		if (!run->turned || !st->state || view_newest(v, run, st->id, DIR_DO) == NULL ||
			view_done(v, run, st->id, DIR_UNDO))
			continue;
		add_place(s, run, st, DIR_UNDO, SIZE_MAX, to);
		return;
	}
}

/* A copy that comes when its step is long done meets nothing. */
static void
of_request(struct sim *s, enum site site, size_t request, struct places *to)
{
	struct view *v = &s->view;
	const struct request *r = &s->request[request];
	const struct vintent *x = view_intent(v, r->lsn);
	const struct vrun *run = x != NULL && x->run != SIZE_MAX ? &v->run[x->run] : NULL;
	const struct vstep *st = view_step(run, r->step);

	if (st != NULL && run != NULL && !run->terminal && !x->answered &&
		view_newest(v, run, st->id, r->dir) == x)
		add_place(s, run, st, r->dir, site_scope(site) == SCOPE_SEND ? request : SIZE_MAX,
			to);
}

size_t
reach_places(struct sim *s, enum site site, size_t request, struct reach_place ret[REACH_PLACES])
{
	struct view *v = &s->view;
	struct places to = { .at = ret };

	if (request != SIZE_MAX)
		of_request(s, site, request, &to);
	else if (site_scope(site) != SCOPE_ZONE) /* there a hand did it */
		for (size_t i = v->runs_n; i-- > 0;)
			if (v->run[i].state == VR_OPEN && !v->run[i].terminal)
				of_run(s, &v->run[i], &to);
	return to.n;
}

void
reach_fault(struct sim *s, enum site site, size_t request)
{
	struct reach_place at[REACH_PLACES];
	size_t n = s->reach != NULL ? reach_places(s, site, request, at) : 0;

	for (size_t i = 0; i < n; i++)
		if (at[i].kind < REACH_KINDS &&
			(site_scope(site) != SCOPE_SERVERS || asks_servers(kind_at(at[i].kind))))
			s->reach->met[site][at[i].kind][at[i].undo][at[i].phase]++;
}

/* --- the report --- */

struct cell {
	enum site site;
	size_t kind;
	int undo;
	enum reach_phase phase;
	uint64_t n;
};

/*
 * What cannot be met: a step that only waits or verifies has no intent; what is sent or arrives is
 * of an open intent; what is drawn on arrival has been sent; nothing is undone that has no inverse
 * or stands behind the pivot in every plan that was made; a zone changes when an effect on it was
 * taken; authoritative servers are asked by a step that waits for them.
 */
static bool
possible(const struct reach *r, const struct cell *x)
{
	const struct step_kind *k = kind_at(x->kind);
	bool changes = k->class == STEP_STATE || k->class == STEP_ACT;

	if (r->planned[x->kind][0] == 0 || (x->undo != 0 && r->planned[x->kind][1] == 0))
		return false;
	if (!changes)
		return x->undo == 0 && x->phase == REACH_LOOK &&
		       (site_scope(x->site) == SCOPE_WORLD ||
			       (site_scope(x->site) == SCOPE_SERVERS && asks_servers(k)));
	switch (site_scope(x->site)) {
	case SCOPE_WORLD:
		return true;
	case SCOPE_SEND:
		return x->phase != REACH_LOOK;
	case SCOPE_ARRIVE:
		return x->phase == REACH_SENT || x->phase == REACH_APPLIED;
	case SCOPE_ZONE:
		return x->phase == REACH_APPLIED && (k->caps & CAP_DNS_RRSET) != 0;
	case SCOPE_SERVERS:
		return false;
	}
	return true;
}

static const char *const phase_names[] = {
#define REACH_NAME(n, d) #n,
	REACH_PHASES(REACH_NAME)
#undef REACH_NAME
};

struct sums {
	uint64_t cells, empty, few, least, refuted;
};

static void
name_cell(const char *word, const struct cell *x)
{
	printf("%s %llu %s in %s%s, %s\n", word, (unsigned long long)x->n, site_name(x->site),
		kind_at(x->kind)->kind, x->undo ? " undone" : "", phase_names[x->phase]);
}

static void
add_cell(const struct reach *r, const struct cell *x, bool all, bool names, struct sums *sums)
{
	if (!possible(r, x)) {
		sums->refuted += x->n > 0;
		if (x->n > 0)
			name_cell("FAIL a rule says that this cannot be met, and it was:", x);
		return;
	}
	sums->cells++;
	sums->empty += x->n == 0;
	sums->few += x->n < 10;
	sums->least = x->n < sums->least ? x->n : sums->least;
	if (all || (names && x->n == 0))
		name_cell(x->n == 0 ? "EMPTY" : "cell", x);
}

static void
report_cells(const struct reach *r, bool all, bool names, struct sums *sums)
{
	enum { EACH_KIND = 2 * REACH_PHASE_N };

	sums->least = UINT64_MAX;
	for (int site = 0; site < SITE_N; site++)
		for (size_t i = 0; i < REACH_KINDS * EACH_KIND; i++) {
			struct cell x = { .site = (enum site)site,
				.kind = i / EACH_KIND,
				.undo = i / REACH_PHASE_N % 2,
				.phase = (enum reach_phase)(i % REACH_PHASE_N) };

			x.n = r->met[site][x.kind][x.undo][x.phase];
			if (kind_at(x.kind) != NULL)
				add_cell(r, &x, all, names, sums);
		}
	printf("reach: %llu cells of fault x step x phase, %llu of them empty, %llu below ten, "
	       "the least %llu\n",
		(unsigned long long)sums->cells, (unsigned long long)sums->empty,
		(unsigned long long)sums->few,
		(unsigned long long)(sums->cells > 0 ? sums->least : 0));
}

static void
name_row(const char *word, const struct life_row *row, uint64_t n, const char *why)
{
	printf("%s %llu row %d: %s on %s%s%s\n", word, (unsigned long long)n, row->id,
		life_state_name(row->from), life_event_name(row->event), why != NULL ? ": " : "",
		why != NULL ? why : "");
}

static void
report_rows(const struct reach *r, bool all, bool names, struct sums *sums)
{
	bool offered[REACH_ROWS] = { false };
	size_t n;
	const struct life_row *rows = lifecycle_rows(&n);
	uint64_t never = 0, empty = 0;

	reach_offers(offered);
	for (size_t i = 0; i < n && i < REACH_ROWS; i++) {
		uint64_t asked = r->row[i];
		const char *why = asked == 0 && !offered[i] ? reach_never_why(&rows[i]) : NULL;

		never += asked == 0 && !offered[i];
		empty += asked == 0 && offered[i];
		sums->refuted += !offered[i] && (asked > 0 || why == NULL);
		if (asked > 0 && !offered[i])
			name_row(
				"FAIL a rule says that nobody asks for this, and it was asked for:",
				&rows[i], asked, NULL);
		else if (asked == 0 && !offered[i] && why == NULL)
			name_row("FAIL nobody asks for this, and no reason is given:", &rows[i], 0,
				NULL);
		else if (all || (names && asked == 0 && offered[i]))
			name_row(asked > 0    ? "row"
				 : offered[i] ? "EMPTY"
					      : "never",
				&rows[i], asked, why);
	}
	sums->empty += empty;
	printf("reach: %zu rows of the lifecycle, %llu of them asked for, %llu that no facts ask "
	       "for, "
	       "%llu empty\n",
		n, (unsigned long long)(n - never - empty), (unsigned long long)never,
		(unsigned long long)empty);
}

uint64_t
reach_report(const struct reach *r, bool all, bool names, uint64_t *ret_refuted)
{
	struct sums sums = { 0 };

	report_cells(r, all, names, &sums);
	report_rows(r, all, names, &sums);
	*ret_refuted = sums.refuted;
	return sums.empty;
}
