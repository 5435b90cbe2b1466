/*
 * offers.c - which rows of the lifecycle's table the engine can ask for at all. The table is total:
 * it has an answer also to what nobody asks. Here decide() is asked with every combination of facts
 * that a journal can hold, and the table's own look-ups are noted; a person's command may meet any
 * state.
 *
 * What a journal can hold: a run is under way only while its machine says so, for START stands in
 * one append with the row that leads to it, and one that was turned round never ends as done
 * (inv_04 and inv_19 hold that in every seed). While the observer is blind nothing is confirmed and
 * nothing is clear: diagnose() begins to count anew (tests/unit/test_blind).
 */
#include "core/decide.h"
#include "core/lifecycle.h"
#include "sim/reach.h"

enum { SOME_BOOT = 10 * 3600000, LONG_AGO = 9 * 3600000 };

static bool
may_have_run(enum life_state state, bool back)
{
	return state == LS_SETTLING || state == LS_ROLLING || state == LS_BLOCKED ||
	       state == (back ? LS_FAILING_BACK : LS_CUTTING);
}

/* That it goes backward, or on after it was blocked, stands in a record of its own before its end,
 * and the machine is asked after each; and one that was turned round never ends as done. */
static bool
may_have_ended(enum life_state state, enum run_state run)
{
	if (run == RUN_ENDED_UNDONE)
		return state == LS_ROLLING || state == LS_SETTLING;
	if (run == RUN_ENDED_DONE)
		return state != LS_ROLLING && state != LS_BLOCKED;
	return true;
}

enum seen { QUIET, MET, RIPE, WELL, SEEN_N };

static void
views(const struct playbook *pb, enum seen seen, bool blind, struct diag_view *v)
{
	for (size_t i = 0; i < pb->diagnoses_n; i++) {
		v[i] = (struct diag_view){ .d = &pb->diagnoses[i],
			.known = true,
			.met = seen == MET || seen == RIPE,
			.confirmed = seen == RIPE && !blind,
			.cleared = seen == WELL && !blind,
			.groups_bad = 2,
			.receivers_bad = 2 };
		v[i].met_since_boot_ms = v[i].met ? SOME_BOOT - LONG_AGO : 0;
		v[i].clear_since_boot_ms = v[i].cleared ? SOME_BOOT - LONG_AGO : 0;
	}
}

static void
with_runs(struct facts *f)
{
	struct decision d;

	for (int run = RUN_FORWARD; run <= RUN_IS_BLOCKED; run++)
		for (int back = 0; back < 2; back++) {
			f->run = (enum run_state)run;
			f->run_is_failback = back != 0;
			if (may_have_run(f->state, back != 0) &&
				may_have_ended(f->state, (enum run_state)run))
				decide(f, &d);
		}
	f->run = RUN_NONE;
	f->run_is_failback = false;
}

/* Each bit of n is one fact. */
static void
with_facts(struct facts *f, unsigned n)
{
	struct decision d;

	f->shelter_open = (n & 1) != 0;
	f->shelter_ended = (n & 2) != 0;
	f->primary_ok = (n & 4) != 0;
	f->primary_soaked = (n & 8) != 0;
	f->backup_unfit = (n & 16) != 0;
	f->asked_wall_ms = (n & 32) != 0 ? f->wall_ms - LONG_AGO : 0;
	f->approvals = (n & 64) != 0 ? 2 : 0;
	f->denials = (n & 128) != 0;
	f->drifted = (n & 256) != 0;
	for (int s = SETTLED_NOT_YET; s <= SETTLED_MIXTURE; s++) {
		f->settled = (enum settled)s;
		if (f->drifted && (s == SETTLED_NOT_YET || s == SETTLED_ON_BACKUP))
			continue; /* what has drifted shows something else than the backup */
		decide(f, &d);
		if (f->state != LS_SETTLING && f->state != LS_BLOCKED && !f->drifted)
			break; /* nothing else looks at it */
	}
}

/* These states are entered with a run and left by what becomes of it. */
static bool
needs_run(enum life_state state)
{
	return state == LS_CUTTING || state == LS_FAILING_BACK || state == LS_ROLLING;
}

static void
of_book(struct playbook *pb, enum flow flow)
{
	struct diag_view seen[16];
	struct facts f = { .pb = pb,
		.flow = flow,
		.boot_ms = SOME_BOOT,
		.wall_ms = 1780000000000,
		.state_since_wall_ms = 1780000000000 - LONG_AGO,
		.diag = seen,
		.diag_n = pb->diagnoses_n,
		.approvals_needed = 1,
		.queues_drained = true,
		.base_ready = true };

	for (int state = 0; state < LS_N; state++)
		for (int held = 0; held < 4; held++) {
			f.state = (enum life_state)state;
			f.paused = (held & 1) != 0 ? "somebody" : NULL;
			f.blind = (held & 2) != 0 ? "the anchors" : NULL;
			with_runs(&f);
			for (int s = 0; s < SEEN_N && !needs_run(f.state); s++) {
				views(pb, (enum seen)s, f.blind != NULL, seen);
				for (unsigned n = 0; n < 512; n++)
					with_facts(&f, n);
			}
		}
}

void
reach_offers(bool offered[REACH_ROWS])
{
	static struct reach asked;
	size_t n;
	const struct life_row *rows = lifecycle_rows(&n);

	reach_count(&asked);
	for (size_t i = 0; i < BOOKS_N; i++) {
		struct playbook *pb = book_get(i, 0, false);

		for (int flow = 0; pb != NULL && flow < FLOW_N; flow++)
			if (playbook_cutover(pb, (enum flow)flow) != NULL)
				of_book(pb, (enum flow)flow);
		playbook_unref(&pb);
	}
	reach_count(NULL);
	for (size_t i = 0; i < n && i < REACH_ROWS; i++)
		offered[i] = asked.row[i] > 0 || rows[i].event >= LE_CMD_CUTOVER;
}

/* Each such row is looked up by tests/unit/test_cells.c, which goes through the whole table. */
const char *
reach_never_why(const struct life_row *row)
{
	static const char seeing[] = "while blind nothing is confirmed and nothing is clear",
			  leads[] = "a run is open, and ends, only in the state that it leads, or "
				    "in settling and blocked",
			  ripens[] = "a diagnosis ripens in suspect alone",
			  question[] = "a question is open only while people are asked",
			  soaks[] = "the primary is asked about on the backup, and soaks in "
				    "recovering";
	static const char *const why[LE_CMD_CUTOVER] = {
		[LE_SETTLED_PRIMARY] = "the targets are held against the journal in settling, in "
				       "blocked, and on the backup where they have drifted",
		[LE_SETTLED_BACKUP] = "as for targets-on-primary; and what has drifted from the "
				      "backup does not show it",
		[LE_SETTLED_MIXED] = "as for targets-on-primary; and blocked is a mixture already",
		[LE_FOUND_RUN] = leads,
		[LE_FOUND_BACK] = leads,
		[LE_HARM] = "what is met is news in normal alone",
		[LE_HARM_SHELTER] = "a shelter is thought of in normal, in suspect and while "
				    "people are asked",
		[LE_CONFIRMED] = ripens,
		[LE_CONFIRMED_AUTO] = ripens,
		[LE_CLEARED] = "what clears has led to suspect, to a question or to a shelter",
		[LE_APPROVED] = question,
		[LE_DENIED] = question,
		[LE_PROCEED] = question,
		[LE_STAND_DOWN] = question,
		[LE_RUN_DONE] = leads,
		[LE_RUN_UNDONE] = leads,
		[LE_BACK_DONE] = leads,
		[LE_BACK_UNDONE] = leads,
		[LE_RUN_BLOCKED] = leads,
		[LE_RUN_UNDOING] = leads,
		[LE_PRIMARY_OK] = soaks,
		[LE_PRIMARY_BAD] = soaks,
		[LE_SOAKED] = soaks,
		[LE_SOAKED_AUTO] = soaks,
		[LE_BACKUP_UNFIT] = "while it settles, is blocked or a run leads, nobody asks "
				    "about the backup",
		[LE_SHELTER_OVER] = "while it settles, is blocked or a run leads, nobody asks "
				    "about the shelter",
	};
	bool blind = (row->flags_want & LF_BLIND) != 0;

	if (blind && (row->event == LE_CLEARED || row->event == LE_PROCEED))
		return seeing;
	return row->event < LE_CMD_CUTOVER ? why[row->event] : NULL;
}
