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

static size_t
kind_index(const char *kind)
{
	const struct step_kind *k;

	for (size_t i = 0; (k = kind_at(i)) != NULL && i < REACH_KINDS; i++)
		if (text_eq(k->kind, kind))
			return i;
	return REACH_KINDS;
}

void
reach_plan(struct sim *s, const struct vrun *run)
{
	bool before = true;

	for (size_t i = 0; s->reach != NULL && i < run->steps_n; i++) {
		const struct vstep *st = &run->step[i];
		size_t k = kind_index(st->kind);

		before = before && !st->pivot;
		if (k == REACH_KINDS)
			continue;
		s->reach->planned[k][0]++;
		s->reach->planned[k][1] +=
			before && kind_at(k)->compensable &&
			(text_eq(run->kind, "cutover") || text_eq(run->kind, "failback"));
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

static void
met(struct sim *s, enum site site, const struct vrun *run, const struct vstep *st,
	enum effect_dir dir, size_t but)
{
	size_t k = kind_index(st->kind);

	if (k < REACH_KINDS && (site_scope(site) != SCOPE_SERVERS || asks_servers(kind_at(k))))
		s->reach->met[site][k][dir == DIR_UNDO]
			     [phase_of(s, view_newest(&s->view, run, st->id, dir), but)]++;
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
met_by_run(struct sim *s, enum site site, const struct vrun *run)
{
	struct view *v = &s->view;

	for (size_t i = 0; i < run->steps_n; i++) {
		const struct vstep *st = &run->step[run->turned ? run->steps_n - 1 - i : i];

		if (!run->turned && is_next(v, run, st))
			met(s, site, run, st, DIR_DO, SIZE_MAX);
		if (!run->turned || !st->state || view_newest(v, run, st->id, DIR_DO) == NULL ||
			view_done(v, run, st->id, DIR_UNDO))
			continue;
		met(s, site, run, st, DIR_UNDO, SIZE_MAX);
		return;
	}
}

void
reach_fault(struct sim *s, enum site site, size_t request)
{
	struct view *v = &s->view;

	if (s->reach == NULL)
		return;
	if (request != SIZE_MAX) {
		const struct request *r = &s->request[request];
		const struct vintent *x = view_intent(v, r->lsn);
		const struct vrun *run = x != NULL && x->run != SIZE_MAX ? &v->run[x->run] : NULL;
		const struct vstep *st = view_step(run, r->step);

		/* a copy that comes when its step is long done meets nothing */
		if (st != NULL && !run->terminal && !x->answered)
			met(s, site, run, st, r->dir,
				site_scope(site) == SCOPE_SEND ? request : SIZE_MAX);
		return;
	}
	if (site_scope(site) == SCOPE_ZONE)
		return; /* a hand did it */
	for (size_t i = v->runs_n; i-- > 0;)
		if (v->run[i].state == VR_OPEN && !v->run[i].terminal)
			met_by_run(s, site, &v->run[i]);
}

/* --- the report --- */

/*
 * What cannot be met: a step that only waits or verifies has no intent; what is sent or arrives is
 * of an open intent; what is drawn on arrival has been sent; nothing is undone that has no inverse
 * or stands behind the pivot in every plan that was made; a zone changes when an effect on it was
 * taken; authoritative servers are asked by a step that waits for them.
 */
static bool
possible(const struct reach *r, enum site site, size_t kind, int undo, enum reach_phase phase)
{
	const struct step_kind *k = kind_at(kind);
	bool changes = k->class == STEP_STATE || k->class == STEP_ACT;

	if (r->planned[kind][0] == 0 || (undo != 0 && r->planned[kind][1] == 0))
		return false;
	if (!changes)
		return undo == 0 && phase == REACH_LOOK &&
		       (site_scope(site) == SCOPE_WORLD ||
			       (site_scope(site) == SCOPE_SERVERS && asks_servers(k)));
	switch (site_scope(site)) {
	case SCOPE_WORLD:
		return true;
	case SCOPE_SEND:
		return phase != REACH_LOOK;
	case SCOPE_ARRIVE:
		return phase == REACH_SENT || phase == REACH_APPLIED;
	case SCOPE_ZONE:
		return phase == REACH_APPLIED && (k->caps & CAP_DNS_RRSET) != 0;
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

static uint64_t
report_cells(const struct reach *r, bool all, bool names)
{
	uint64_t cells = 0, empty = 0, least = UINT64_MAX, few = 0;

	for (int site = 0; site < SITE_N; site++)
		for (size_t i = 0; i < 2 * REACH_KINDS * REACH_PHASE_N; i++) {
			size_t kind = i / (2 * REACH_PHASE_N);
			int undo = i / REACH_PHASE_N % 2;
			enum reach_phase phase = (enum reach_phase)(i % REACH_PHASE_N);
			uint64_t n = r->met[site][kind][undo][phase];

			if (kind_at(kind) == NULL ||
				!possible(r, (enum site)site, kind, undo, phase)) {
				if (n > 0)
					printf("NOTE a rule says that %s cannot meet %s%s in %s: "
					       "it did %llu times\n",
						site_name((enum site)site), kind_at(kind)->kind,
						undo ? " undone" : "", phase_names[phase],
						(unsigned long long)n);
				continue;
			}
			cells++;
			empty += n == 0;
			few += n < 10;
			least = n < least ? n : least;
			if (all || (names && n == 0))
				printf("%s %llu %s in %s%s, %s\n", n == 0 ? "EMPTY" : "cell",
					(unsigned long long)n, site_name((enum site)site),
					kind_at(kind)->kind, undo ? " undone" : "",
					phase_names[phase]);
		}
	printf("reach: %llu cells of fault x step x phase, %llu of them empty, %llu below ten, the "
	       "least %llu\n",
		(unsigned long long)cells, (unsigned long long)empty, (unsigned long long)few,
		(unsigned long long)(cells > 0 ? least : 0));
	return empty;
}

static uint64_t
report_rows(const struct reach *r, bool all, bool names)
{
	bool offered[REACH_ROWS] = { false };
	size_t n;
	const struct life_row *rows = lifecycle_rows(&n);
	uint64_t met_n = 0, empty = 0, never = 0;

	reach_offers(offered);
	for (size_t i = 0; i < n && i < REACH_ROWS; i++) {
		bool none = r->row[i] == 0;

		met_n += !none;
		never += none && !offered[i];
		empty += none && offered[i];
		if (!none && !offered[i])
			printf("NOTE a rule says that nobody asks for row %d: it was asked for "
			       "%llu times\n",
				rows[i].id, (unsigned long long)r->row[i]);
		if (all || (names && none && offered[i]))
			printf("%s %llu row %d: %s on %s\n",
				!none	     ? "row"
				: offered[i] ? "EMPTY"
					     : "never",
				(unsigned long long)r->row[i], rows[i].id,
				life_state_name(rows[i].from), life_event_name(rows[i].event));
	}
	printf("reach: %zu rows of the lifecycle, %llu of them asked for, %llu that no facts ask "
	       "for, "
	       "%llu empty\n",
		n, (unsigned long long)met_n, (unsigned long long)never, (unsigned long long)empty);
	return empty;
}

uint64_t
reach_report(const struct reach *r, bool all, bool names)
{
	return report_cells(r, all, names) + report_rows(r, all, names);
}
