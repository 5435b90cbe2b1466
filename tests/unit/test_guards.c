/*
 * test_guards.c - guards and thresholds of decisions that no other case would miss: each of these
 * turns red when its guard is taken away (make mutate-rows). What the design leaves open is said
 * where it was chosen.
 */
#include "base/text.h"
#include "lib/decide_rig.h"

/* Cooldown and brake both end by themselves: the earlier of the two is when to look again. */
static void
the_earliest_reason_to_look_again_wins(void)
{
	struct playbook *pb =
		load("{on: blocked, run: out, mode: approve, within: 15m, otherwise: proceed}",
			"{on: blocked, run: out, mode: automatic}");
	struct diag_view v[2] = { view(pb, 0, RIPE), view(pb, 1, QUIET) };
	struct facts f = facts_of(pb, LS_SUSPECT, v);
	struct decision d;

	f.shelter_open = true;
	f.cutovers_in_budget = 9;		      /* looked at once a minute */
	f.last_cutover_wall_ms = WALL - HOUR + 10000; /* ten seconds of cooldown are left */
	decide(&f, &d);
	CHECK(!d.any && says(&d, "cooldown: 10 s") && says(&d, "budget: "));
	CHECK_INT(d.again_boot_ms, BOOT + 10000);
	f.last_cutover_wall_ms = WALL - MINUTE; /* 59 minutes */
	decide(&f, &d);
	CHECK_INT(d.again_boot_ms, BOOT + MINUTE);
	playbook_unref(&pb);
}

static void
without_a_shelter_none_expires(void)
{
	struct playbook *pb = load(NULL, NULL);
	struct diag_view v[2] = { view(pb, 0, QUIET), view(pb, 1, QUIET) };
	struct facts f = facts_of(pb, LS_ON_BACKUP, v);
	struct decision d;

	f.shelter_ended = true;
	decide(&f, &d);
	CHECK(!d.any);
	f.shelter_open = true;
	decide(&f, &d);
	CHECK(d.any && d.event == LE_SHELTER_OVER);
	playbook_unref(&pb);
}

/* A response that names no procedure speaks when its diagnosis would have started something, not
 * before. */
static void
what_is_only_observed_is_said_when_it_is_due(void)
{
	struct playbook *pb = load("  - {on: shut, run: in, mode: approve}\n",
		"  - {on: shut, run: in, mode: approve}\n  - {on: blocked, mode: observe}\n");
	struct diag_view v[2] = { view(pb, 0, MET), view(pb, 1, QUIET) };
	struct facts f = facts_of(pb, LS_SUSPECT, v);
	struct decision d;

	f.shelter_open = true;
	decide(&f, &d);
	CHECK(!says(&d, "only observed"));
	v[0] = view(pb, 0, RIPE);
	f.base_ready = false; /* or the question would come first */
	decide(&f, &d);
	CHECK(says(&d, "blocked is only observed"));
	playbook_unref(&pb);
}

/* Chosen: in suspect nobody is called for an unfit backup before the backup is wanted. */
static void
an_unfit_backup_is_told_in_suspect_when_it_is_wanted(void)
{
	struct playbook *pb = load(NULL, NULL);
	struct diag_view v[2] = { view(pb, 0, MET), view(pb, 1, QUIET) };
	struct facts f = facts_of(pb, LS_SUSPECT, v);
	struct decision d;

	f.shelter_open = f.backup_unfit = true;
	decide(&f, &d);
	CHECK(!d.any);
	v[0] = view(pb, 0, RIPE);
	decide(&f, &d);
	CHECK(d.any && d.event == LE_BACKUP_UNFIT);
	playbook_unref(&pb);
}

static void
what_is_done_says_its_row(void)
{
	struct playbook *pb = load(NULL, NULL);
	struct diag_view v[2] = { view(pb, 0, MET), view(pb, 1, QUIET) };
	struct facts f = facts_of(pb, LS_NORMAL, v);
	struct decision d;
	char row[32];

	decide(&f, &d);
	CHECK(d.any);
	(void)snprintf(row, sizeof row, "row %d: ", d.any ? d.row->id : 0);
	CHECK(says(&d, row));
	playbook_unref(&pb);
}

static void
order(const struct facts *f, enum verb verb, struct decision *d, int *exit)
{
	const struct cmd_facts c = {
		.verb = verb, .user = "root", .owner = true, .plan_matches = true
	};

	decide_command(f, &c, d, exit);
}

static void
no_cutover_without_a_procedure_for_the_flow(void)
{
	struct playbook *pb = load("  in:\n"
				   "    kind: cutover\n"
				   "    flow: inbound\n"
				   "    to: relay\n"
				   "    steps:\n"
				   "      - {name: point, mx.switch: {zone: zone}, pivot: true}\n"
				   "      - {name: wait, wait.time: {for: 30s}}\n",
		"  in:\n    kind: shelter\n    flow: inbound\n    steps: [{name: hold, mail.park: "
		"{at: [hub]}}]\n");
	struct diag_view v[2] = { view(pb, 0, QUIET), view(pb, 1, QUIET) };
	struct facts f = facts_of(pb, LS_NORMAL, v);
	struct decision d;
	int exit = -1;

	f.flow = FLOW_INBOUND;
	order(&f, VERB_CUTOVER, &d, &exit);
	CHECK(!d.any && says(&d, "no cut-over for this flow"));
	CHECK_INT(exit, 2);
	playbook_unref(&pb);
}

static void
eject_waits_for_mail_in_the_relay(void)
{
	struct playbook *pb = load(NULL, NULL);
	struct diag_view v[2] = { view(pb, 0, QUIET), view(pb, 1, QUIET) };
	struct facts f = facts_of(pb, LS_NORMAL, v);
	struct decision d;
	int exit = -1;

	order(&f, VERB_EJECT, &d, &exit);
	CHECK(d.any);
	f.relay_holds = "mail may wait in the relay";
	order(&f, VERB_EJECT, &d, &exit);
	CHECK(!d.any && says(&d, "queues: mail may wait"));
	CHECK_INT(exit, 3);
	playbook_unref(&pb);
}

/* While a run is open it leads: nothing else is even looked at. */
static void
an_open_run_leads_alone(void)
{
	static const struct {
		enum life_state s;
		enum run_state run;
	} open[] = { { LS_CUTTING, RUN_FORWARD }, { LS_CUTTING, RUN_FORWARD_PIVOTED },
		{ LS_ROLLING, RUN_BACKWARD } };
	struct playbook *pb = load(NULL, NULL);
	struct diag_view v[2] = { view(pb, 0, RIPE), view(pb, 1, QUIET) };
	struct decision d;

	for (size_t i = 0; i < sizeof open / sizeof *open; i++) {
		struct facts f = facts_of(pb, open[i].s, v);

		f.run = open[i].run;
		f.shelter_open = f.shelter_ended = f.one_shot = true;
		decide(&f, &d);
		CHECK(!d.any);
		CHECK_INT(d.reasons_n, 0);
	}
	playbook_unref(&pb);
}

/* In failing-back the run is the failback, whatever else is known of it. */
static void
the_state_tells_which_run_has_ended(void)
{
	struct playbook *pb = load(NULL, NULL);
	struct diag_view v[2] = { view(pb, 0, QUIET), view(pb, 1, QUIET) };
	struct facts f = facts_of(pb, LS_FAILING_BACK, v);
	struct decision d;
	int exit = -1;

	f.run = RUN_ENDED_DONE;
	decide(&f, &d);
	CHECK(d.any && d.event == LE_BACK_DONE);
	f.run = RUN_FORWARD_PIVOTED;
	order(&f, VERB_ABORT, &d, &exit);
	CHECK(!d.any && says(&d, "the failback is past its pivot"));
	playbook_unref(&pb);
}

/* No name is like no word: who led here is not known, so all that are known must be clear. */
static void
a_leader_without_a_name_is_none(void)
{
	struct playbook *pb = load(NULL, NULL);
	struct diag_view v[2] = { view(pb, 0, WELL), view(pb, 1, QUIET) };
	struct facts f = facts_of(pb, LS_SUSPECT, v);
	struct decision d;

	f.led_by = "";
	decide(&f, &d);
	CHECK(d.any && d.event == LE_CLEARED);
	playbook_unref(&pb);
}

int
main(void)
{
	TEST(the_earliest_reason_to_look_again_wins);
	TEST(without_a_shelter_none_expires);
	TEST(what_is_only_observed_is_said_when_it_is_due);
	TEST(an_unfit_backup_is_told_in_suspect_when_it_is_wanted);
	TEST(what_is_done_says_its_row);
	TEST(no_cutover_without_a_procedure_for_the_flow);
	TEST(an_open_run_leads_alone);
	TEST(the_state_tells_which_run_has_ended);
	TEST(a_leader_without_a_name_is_none);
	TEST(eject_waits_for_mail_in_the_relay);
	return check_end();
}
