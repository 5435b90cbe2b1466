/* diagnose.c - health of the cells to diagnoses: groups, harm, receivers, share, and time (`for`,
 * `clear`). */
#include "base/text.h"
#include "core/cells.h"
#include "base/planted.h"

#include <string.h>

static bool
in(const char *const *list, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (text_eq(list[i], word))
			return true;
	return false;
}

static bool
counts(const struct cell *c, const struct diagnosis *d, const char *group)
{
	return c->sig->role == SIG_EVIDENCE && c->path == d->path && cell_flow(c, d->flow) &&
	       text_eq(c->sig->group, group);
}

static bool
must_cell(const struct cell *c, const struct diagnosis *d)
{
	return c->sig->role == SIG_EVIDENCE && c->path == d->path && cell_flow(c, d->flow) &&
	       in(d->must, d->must_n, c->sig->group);
}

/* Receivers' classes among the bad cells of the must groups that have seen harm. */
static int
receivers(const struct evidence *e, const struct diagnosis *d, const char **only)
{
	const char *class[RECEIVERS_MAX];
	bool at_path = false;
	size_t n = 0;

	for (size_t i = 0; i < e->cells_n; i++) {
		const struct cell *c = &e->cell[i];

		if (c->health != HEALTH_BAD || !must_cell(c, d) || !cell_harm(c))
			continue;
		at_path = at_path || c->class[0] == '\0'; /* harm that is no receiver's own */
		cell_note_receiver(c, class, &n);
	}
	*only = n == 1 && !at_path ? class[0] : NULL;
	return (int)n;
}

/* Failed among the known observations of the must groups that count, in hundredths of a percent. */
static int64_t
share(const struct evidence *e, const struct diagnosis *d)
{
	int64_t bad = 0, all = 0;

	for (size_t i = 0; i < e->cells_n; i++) {
		const struct cell *c = &e->cell[i];
		int b = cell_votes(c, c->sig->rise_m, true);

		if (!must_cell(c, d) || !cell_fresh(c, e->boot_ms))
			continue; /* a signal that has gone silent votes neither way */
		bad += b;
		all += b + cell_votes(c, c->sig->rise_m, false);
	}
	return all > 0 ? bad * 10000 / all : 0;
}

/* One group of a diagnosis. */
struct group_view {
	bool known, bad, harm;
	bool silent; /* a signal of it was bad and has not been ok since */
};

static struct group_view
look(const struct evidence *e, const struct diagnosis *d, const char *group)
{
	struct group_view g = { false, false, false, false };

	for (size_t i = 0; i < e->cells_n; i++) {
		const struct cell *c = &e->cell[i];

		if (!counts(c, d, group))
			continue;
		g.silent = g.silent || (c->health == HEALTH_UNKNOWN && cell_scar(c)) ||
			   (c->health == HEALTH_OK && cell_half_away(e, c));
		g.known = g.known || c->health != HEALTH_UNKNOWN;
		g.bad = g.bad || c->health == HEALTH_BAD;
		g.harm = g.harm || (c->health == HEALTH_BAD && cell_harm(c));
	}
	return g;
}

static void
weigh(const struct evidence *e, struct diag_view *v, bool *must, bool *must_well)
{
	const struct diagnosis *d = v->d;

	v->groups_bad = v->groups_known = 0;
	*must = false;
	*must_well = true;
	for (size_t i = 0; i < d->of_n; i++) {
		bool is_must = in(d->must, d->must_n, d->of[i]);
		struct group_view g = look(e, d, d->of[i]);

		v->groups_bad += g.bad;
		v->groups_known += g.known;
		*must = *must || (is_must && g.harm) || (PLANTED(CAUSE_IS_HARM) && g.bad);
		*must_well = *must_well && (!is_must || (g.known && !g.bad && !g.silent));
	}
}

static void
move_time(struct evidence *e, struct diag_view *v, bool met, bool well)
{
	bool blind = e->blind[0] != '\0';

	if (met && (!v->met || blind || v->unseen)) /* what is seen while blind ripens nothing */
		v->met_since_boot_ms = e->boot_ms > 0 ? e->boot_ms : 1;
	v->met = met;
	v->unseen = blind;
	if (!met)
		v->met_since_boot_ms = 0;
	v->confirmed = met && !blind &&
		       (e->boot_ms - v->met_since_boot_ms >= v->d->for_ms || PLANTED(FOR_IGNORED));
	if (met || !well || blind)
		v->clear_since_boot_ms = 0;
	else if (v->clear_since_boot_ms == 0)
		v->clear_since_boot_ms = e->boot_ms > 0 ? e->boot_ms : 1;
	v->cleared =
		v->clear_since_boot_ms > 0 && e->boot_ms - v->clear_since_boot_ms >= v->d->clear_ms;
}

void
diagnose(struct evidence *e)
{
	for (size_t i = 0; i < e->pb->diagnoses_n; i++) {
		struct diag_view *v = &e->diag[i];
		const struct diagnosis *d = v->d;
		bool must, well, met;

		weigh(e, v, &must, &well);
		v->receivers_bad = receivers(e, d, &v->only_class);
		v->share_bp = share(e, d);
		v->known = v->groups_known >= d->groups;
		v->groups_bad = PLANTED(GROUPS_IGNORED) ? d->groups : v->groups_bad;
		met = v->groups_bad >= d->groups && must &&
		      (v->receivers_bad >= d->receivers || PLANTED(RECEIVERS_IGNORED)) &&
		      v->share_bp >= d->share_bp;
		move_time(e, v, met, well);
	}
}

size_t
evidence_diags(const struct evidence *e, const struct diag_view **ret)
{
	*ret = e->diag;
	return e->pb->diagnoses_n;
}
