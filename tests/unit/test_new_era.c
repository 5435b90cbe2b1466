/*
 * test_new_era.c - a new era finds a run that was being taken back, killed at each of its records:
 * what was done before the pivot is taken home all the same, and a value that another hand has set
 * meanwhile is left alone and told (DESIGN section 7).
 */
#include "lib/run_rig.h"

/* A cut-over whose backup does not prove itself, until so many records are there. */
static bool
killed_at(struct world *w, size_t n)
{
	settle(w);
	w->backup_bad = true;
	(void)cut_over(w);
	w->die_after = n;
	world_pass(w, HOUR);
	return w->dead;
}

static void
begin_era(struct world *w)
{
	world_kill(w);
	w->die_after = 0;
	w->era++;
	w->fresh = w->by_operator = true;
	world_start(w);
}

static void
a_run_on_its_way_back_comes_home(void)
{
	size_t kills = 0, back = 0;

	for (size_t n = 9; n < 60; n++) {
		struct world *w = world_new(NULL);

		if (!killed_at(w, n)) {
			world_end(w);
			break;
		}
		kills++;
		back += world_count(w, "INTENT", "\"dir\":\"undo\"") > 0;
		begin_era(w);
		CHECK(world_until_state(w, 2 * HOUR, FLOW_OUTBOUND, "normal"));
		CHECK(on_primary(w));
		world_end(w);
	}
	printf("     killed at %zu records, %zu of them on the way back\n", kills, back);
	CHECK(kills > 5 && back > 1);
}

static void
another_hand_meanwhile_is_told(void)
{
	size_t told = 0;

	for (size_t n = 11; n < 60; n++) {
		struct world *w = world_new(NULL);
		static const char hand[] = "ttl 60\ntxt v=spf1 include:spf.else.example -all\n";

		if (!killed_at(w, n)) {
			world_end(w);
			break;
		}
		world_edit(w, W_ZONE, TXT, hand);
		begin_era(w);
		world_pass(w, 2 * HOUR);
		CHECK_STR(world_value(w, W_ZONE, TXT), hand);
		told += world_count(w, "END", "is not as it leaves run") > 0;
		world_end(w);
	}
	CHECK(told > 3);
}

/* --- what was not judged --- */

/* A hub that bears another ferryman's number lets itself not be fenced, so the run of the journal
 * that was put back is blocked. Said to go on, it waits for no proof and sends nothing before the
 * hub is fenced and the targets are read; then it does. */
static void
a_blocked_run_of_an_older_era_is_judged_before_it_goes_on(void)
{
	static const char other[] = "ffffffffffffffffffffffffffffffff";
	struct world *w = world_new(NULL);
	uint64_t ours;

	settle(w);
	(void)cut_over(w);
	while (world_count(w, "RESULT", "\"step\":\"1\"") == 0)
		world_pass(w, 1);
	(void)snprintf(
		w->target[W_HUB].marker_store, sizeof w->target[W_HUB].marker_store, "%s", other);
	ours = w->target[W_HUB].marker_lsn;
	w->target[W_HUB].marker_lsn = 7;
	world_kill(w);
	w->era++;
	w->fresh = true; /* restored, and nobody takes over */
	world_start(w);
	CHECK(world_until_state(w, 2 * HOUR, FLOW_OUTBOUND, "blocked"));
	(void)world_say(w, &(struct wask){ .verb = VERB_CONTINUE });
	world_pass(w, 2 * HOUR);
	CHECK_INT(world_count(w, "RESULT", "\"step\":\"2\"") +
			  world_count(w, "RESULT", "\"step\":\"3\""),
		0);
	CHECK_STR(world_run_state(w, "cutover"), "blocked");
	(void)snprintf(w->target[W_HUB].marker_store, sizeof w->target[W_HUB].marker_store, "%s",
		WORLD_STORE);
	w->target[W_HUB].marker_lsn = ours;
	(void)world_say(w, &(struct wask){ .verb = VERB_CONTINUE });
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	CHECK(on_backup(w));
	world_end(w);
}

/* Whether its run still stands only the targets can say: until they have, the machine settles. */
static void
nothing_is_decided_from_an_older_run_before_the_targets_are_read(void)
{
	struct world *w = world_new(NULL);

	settle(w);
	(void)cut_over(w);
	while (world_count(w, "RESULT", "\"step\":\"1\"") == 0)
		world_pass(w, 1);
	w->read_ms = 5000;
	begin_era(w);
	world_pass(w, 4000);
	CHECK_STR(world_state(w, FLOW_OUTBOUND), "settling");
	CHECK_INT(world_count(w, "ROW", "open-run-found"), 0);
	w->read_ms = 0;
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	CHECK_INT(world_count(w, "ROW", "open-run-found"), 1);
	world_end(w);
}

/* The journal is put back behind a change that stands between the proof and the pivot: the proof
 * is made anew all the same before the pivot leaves. */
static void
the_pivot_waits_for_a_proof_behind_a_change(void)
{
	for (int gone = 0; gone < 2; gone++) {
		struct world *w = WORLD_WITH("approve", "{through: relay}}\n",
			"{through: relay}}\n      - {name: wait, mail.park: {at: [hub]}}\n");

		settle(w);
		(void)cut_over(w);
		while (world_count(w, "RESULT", "\"step\":\"4.hub\"") == 0)
			world_pass(w, 1);
		CHECK_INT(world_count(w, "INTENT", "\"step\":\"5"), 0);
		w->backup_bad = gone != 0;
		begin_era(w);
		if (gone == 0) {
			CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
			CHECK_INT(world_count(w, "RESULT", "\"step\":\"3\""), 2);
		} else {
			world_pass(w, 2 * HOUR);
			CHECK_INT(world_count(w, "INTENT", "\"step\":\"5"), 0);
			CHECK(on_primary(w));
		}
		world_end(w);
	}
}

/* --- a flow that is away, and no text in force that speaks of it --- */

static void
withdraw(struct world *w)
{
	world_event(w, &(struct event){ .type = EV_PLAYBOOK, .playbook = { .name = "corp" } });
	world_pass(w, MINUTE);
}

#define ALONE "no playbook in force speaks of it"

static void
mail_that_nobody_would_bring_home_is_told(void)
{
	struct world *w = world_new(NULL);

	settle(w);
	(void)cut_over(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	CHECK(!world_said(w, ALONE));
	withdraw(w);
	CHECK(world_said(w, "corp outbound: it is "));
	CHECK(world_said(w, ALONE));
	CHECK(shown(w, ALONE));
	world_end(w);
}

static void
and_what_is_at_home_is_not(void)
{
	struct world *w = world_new(NULL);

	settle(w);
	withdraw(w);
	CHECK(!world_said(w, ALONE) && !shown(w, ALONE));
	world_end(w);
}

static bool
shelter_is_open(struct world *w)
{
	return text_eq(world_run_state(w, "shelter"), "open");
}

/* What is withdrawn in a new era before the targets are read would wait for ever. */
static void
a_restored_shelter_that_nobody_would_end_is_told(void)
{
	struct world *w = world_new(NULL);

	settle(w);
	w->primary_bad = w->listed = true;
	CHECK(world_until(w, 20 * MINUTE, shelter_is_open));
	w->target[W_TENANT].unreadable = true;
	begin_era(w);
	withdraw(w);
	CHECK(world_said(w, "shelter"));
	CHECK(world_said(w, ALONE));
	world_end(w);
}

/* A process that is started without the playbook at all. */
static void
so_is_a_run_whose_playbook_is_not_there(void)
{
	struct world *w = world_new(NULL);

	settle(w);
	(void)cut_over(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	world_kill(w);
	w->not_told = true;
	world_start(w);
	world_pass(w, MINUTE);
	CHECK(world_said(w, ALONE));
	CHECK(shown(w, ALONE));
	world_end(w);
}

/* --- told to go on --- */

static enum fate
park_stays(struct world *w, const struct weffect *e, size_t n)
{
	(void)w;
	(void)n;
	return text_starts(e->resource, "relay.queue ") ? FATE_REFUSED : FATE_FINE;
}

static bool
end_stuck(struct world *w)
{
	return text_eq(world_run_state(w, "unshelter"), "blocked");
}

/* The end of a shelter is of no machine: told to go on while another run is under way, it has the
 * targets read for itself. */
static void
a_shelters_end_goes_on_beside_another_run(void)
{
	struct world *w = world_new(NULL);
	char id[64] = "", part[80];
	size_t ends;

	settle(w);
	w->fate = park_stays;
	w->primary_bad = w->listed = true;
	CHECK(world_until(w, HOUR, shelter_is_open));
	w->primary_bad = w->listed = false;
	CHECK(world_until(w, 2 * HOUR, end_stuck));
	first_of(w, "unshelter", id, sizeof id);
	(void)snprintf(part, sizeof part, "\"run\":\"%s\"", id);
	begin_era(w);
	w->fate = NULL;
	world_pass(w, 15 * MINUTE); /* another end has let the mail go */
	CHECK_STR(world_run_state(w, "unshelter"), "done");
	(void)cut_over(w);
	world_pass(w, 2000);
	CHECK_STR(world_run_state(w, "cutover"), "forward");
	ends = world_count(w, "END", part);
	(void)world_say(w, &(struct wask){ .verb = VERB_CONTINUE, .run = id });
	world_pass(w, MINUTE);
	CHECK_INT(world_count(w, "END", part), ends + 1);
	world_end(w);
}

int
main(void)
{
	TEST(a_shelters_end_goes_on_beside_another_run);
	TEST(a_blocked_run_of_an_older_era_is_judged_before_it_goes_on);
	TEST(nothing_is_decided_from_an_older_run_before_the_targets_are_read);
	TEST(the_pivot_waits_for_a_proof_behind_a_change);
	TEST(mail_that_nobody_would_bring_home_is_told);
	TEST(and_what_is_at_home_is_not);
	TEST(a_restored_shelter_that_nobody_would_end_is_told);
	TEST(so_is_a_run_whose_playbook_is_not_there);
	TEST(a_run_on_its_way_back_comes_home);
	TEST(another_hand_meanwhile_is_told);
	return check_end();
}
