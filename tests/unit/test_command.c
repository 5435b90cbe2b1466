/* test_command.c - what a person may do: verbs, rights, overrides, and what an act is bound to. */
#include "lib/decide_rig.h"

#include "core/action.h"

/* --- people --- */

static const char people_from[] = "  cio: {user: alice, may: [run, approve, brake]}\n";
static const char people_to[] =
	"  cio: {user: alice, may: [run, approve, brake]}\n  r: {user: rob, may: [run]}\n"
	"  a: {user: ann, may: [approve]}\n  b: {user: bob, may: [brake]}\n";

struct ask {
	const char *name;
	enum verb verb;
	enum life_state state;
	struct facts f;
	struct cmd_facts c; /* plan_matches is true unless `other_plan` */
	bool other_plan;
	const char *over[3];
	int exit;	  /* 0 or 5 with an act: it is taken */
	enum life_do act; /* LD_REFUSE: it is not */
	const char *reason;
};

#define ALICE                                                                                      \
	{                                                                                          \
		.user = "alice"                                                                    \
	}
#define OWNER                                                                                      \
	{                                                                                          \
		.user = "root", .owner = true                                                      \
	}

static const struct ask asks[] = {
	{ "cut over from normal", VERB_CUTOVER, LS_NORMAL, { 0 }, ALICE, .act = LD_CUTOVER },
	{ "cut over while suspected", VERB_CUTOVER, LS_SUSPECT, { 0 }, ALICE, .act = LD_CUTOVER },
	{ "cut over while a plan waits", VERB_CUTOVER, LS_AWAITING, { 0 }, ALICE,
		.act = LD_CUTOVER },
	{ "cut over blind, in a blackout, in cooldown, out of budget", VERB_CUTOVER, LS_NORMAL,
		{ .blind = "cut off",
			.window_no_cutover = true,
			.last_cutover_wall_ms = 1790000000000,
			.cutovers_in_budget = 9 },
		ALICE, .act = LD_CUTOVER },
	{ "cut over in a one-shot", VERB_CUTOVER, LS_NORMAL, { .one_shot = true }, ALICE,
		.act = LD_CUTOVER },
	{ "cut over under the brake", VERB_CUTOVER, LS_NORMAL, { .paused = "bob: work" }, ALICE,
		.exit = 3, .act = LD_REFUSE, .reason = "override pause" },
	{ "cut over under the brake, naming it", VERB_CUTOVER, LS_NORMAL, { .paused = "bob: work" },
		ALICE, .over = { "pause" }, .act = LD_CUTOVER },
	{ "a brake that was named is kept with the answer", VERB_CUTOVER, LS_NORMAL,
		{ .paused = "bob: work" }, ALICE, .over = { "pause" }, .act = LD_CUTOVER,
		.reason = "pause: bypassed" },
	{ "naming another guard lifts no brake", VERB_CUTOVER, LS_NORMAL, { .paused = "bob" },
		ALICE, .over = { "soak" }, .exit = 3, .act = LD_REFUSE, .reason = "pause: " },
	{ "an override that is no guard's name", VERB_CUTOVER, LS_NORMAL, { 0 }, ALICE,
		.over = { "paus" }, .exit = 2, .act = LD_REFUSE, .reason = "did you mean pause" },
	{ "a right one beside a wrong one", VERB_CUTOVER, LS_NORMAL, { .paused = "bob" }, ALICE,
		.over = { "pause", "all" }, .exit = 2, .act = LD_REFUSE, .reason = "\"all\"" },
	{ "a known override that is not needed", VERB_CUTOVER, LS_NORMAL, { 0 }, ALICE,
		.over = { "cooldown", "budget", "blackout" }, .act = LD_CUTOVER },
	{ "cut over to a bad backup", VERB_CUTOVER, LS_NORMAL, { .backup_unfit = true }, ALICE,
		.exit = 3, .act = LD_REFUSE, .reason = "override unfit" },
	{ "cut over to a bad backup, naming it", VERB_CUTOVER, LS_NORMAL, { .backup_unfit = true },
		ALICE, .over = { "unfit" }, .act = LD_CUTOVER, .reason = "unfit: bypassed" },
	{ "cut over with another plan than was shown", VERB_CUTOVER, LS_NORMAL, { 0 }, ALICE,
		.other_plan = true, .exit = 3, .act = LD_REFUSE,
		.reason = "not the one that was shown" },
	{ "cut over twice", VERB_CUTOVER, LS_CUTTING, { .run = RUN_FORWARD }, ALICE, .exit = 3,
		.act = LD_REFUSE, .reason = "already" },
	{ "cut over on the backup", VERB_CUTOVER, LS_ON_BACKUP, { 0 }, ALICE, .exit = 3,
		.act = LD_REFUSE, .reason = "failback" },
	{ "cut over before the targets were read", VERB_CUTOVER, LS_SETTLING, { 0 }, ALICE,
		.exit = 3, .act = LD_REFUSE, .reason = "being read" },
	{ "cut over out of a mixture", VERB_CUTOVER, LS_BLOCKED, { .settled = SETTLED_MIXTURE },
		ALICE, .act = LD_CUTOVER },
	{ "cut over beside a blocked run", VERB_CUTOVER, LS_BLOCKED, { .run = RUN_IS_BLOCKED },
		ALICE, .exit = 4, .act = LD_REFUSE, .reason = "continue" },
	{ "rob may run", VERB_CUTOVER, LS_NORMAL, { 0 }, { .user = "rob" }, .act = LD_CUTOVER },
	{ "ann may not run", VERB_CUTOVER, LS_NORMAL, { 0 }, { .user = "ann" }, .exit = 3,
		.act = LD_REFUSE, .reason = "may: [run]" },
	{ "a stranger may not run", VERB_CUTOVER, LS_NORMAL, { 0 }, { .user = "mallory" },
		.exit = 3, .act = LD_REFUSE, .reason = "mallory may not" },
	{ "nobody's name may not run", VERB_CUTOVER, LS_NORMAL, { 0 }, { .user = NULL }, .exit = 3,
		.act = LD_REFUSE },
	{ "the owner may", VERB_CUTOVER, LS_NORMAL, { 0 }, OWNER, .act = LD_CUTOVER },
	{ "said too late", VERB_CUTOVER, LS_NORMAL, { 0 }, { .user = "alice", .expired = true },
		.exit = 3, .act = LD_REFUSE, .reason = "expired" },
	{ "said before", VERB_CUTOVER, LS_NORMAL, { 0 }, { .user = "alice", .replayed = true },
		.exit = 3, .act = LD_REFUSE, .reason = "once" },

	{ "fail back, soaked", VERB_FAILBACK, LS_RECOVERING,
		{ .primary_ok = true, .primary_soaked = true, .queues_drained = true }, ALICE,
		.act = LD_FAILBACK },
	{ "fail back in a blackout", VERB_FAILBACK, LS_RECOVERING,
		{ .primary_ok = true,
			.primary_soaked = true,
			.queues_drained = true,
			.window_no_failback = true },
		ALICE, .act = LD_FAILBACK },
	{ "fail back before the soak", VERB_FAILBACK, LS_RECOVERING,
		{ .primary_ok = true, .queues_drained = true }, ALICE, .exit = 3, .act = LD_REFUSE,
		.reason = "override soak" },
	{ "fail back now", VERB_FAILBACK, LS_RECOVERING,
		{ .primary_ok = true, .queues_drained = true }, ALICE, .over = { "soak" },
		.act = LD_FAILBACK },
	{ "fail back to a bad primary", VERB_FAILBACK, LS_ON_BACKUP, { .queues_drained = true },
		ALICE, .exit = 3, .act = LD_REFUSE, .reason = "not known to be healthy" },
	{ "fail back to a bad primary now", VERB_FAILBACK, LS_ON_BACKUP, { .queues_drained = true },
		ALICE, .over = { "soak" }, .act = LD_FAILBACK },
	{ "fail back with mail in the queues", VERB_FAILBACK, LS_ON_BACKUP, { 0 }, ALICE,
		.over = { "soak" }, .exit = 3, .act = LD_REFUSE, .reason = "queues: " },
	{ "fail back with mail in the queues, naming it", VERB_FAILBACK, LS_ON_BACKUP, { 0 }, ALICE,
		.over = { "soak", "queues" }, .act = LD_FAILBACK },
	{ "fail back under the brake", VERB_FAILBACK, LS_RECOVERING,
		{ .primary_ok = true,
			.primary_soaked = true,
			.queues_drained = true,
			.paused = "bob" },
		ALICE, .exit = 3, .act = LD_REFUSE, .reason = "override pause" },
	{ "fail back when mail is home", VERB_FAILBACK, LS_NORMAL, { 0 }, ALICE, .exit = 3,
		.act = LD_REFUSE, .reason = "nothing to bring back" },
	{ "fail back while the cut-over runs", VERB_FAILBACK, LS_CUTTING,
		{ .run = RUN_FORWARD_PIVOTED }, ALICE, .exit = 3, .act = LD_REFUSE },
	{ "fail back from a cut-over blocked after its pivot", VERB_FAILBACK, LS_BLOCKED,
		{ .run = RUN_IS_BLOCKED, .run_pivoted = true, .queues_drained = true }, ALICE,
		.over = { "soak" }, .act = LD_FAILBACK },
	{ "fail back from a cut-over blocked before its pivot", VERB_FAILBACK, LS_BLOCKED,
		{ .run = RUN_IS_BLOCKED, .queues_drained = true }, ALICE, .over = { "soak" },
		.exit = 4, .act = LD_REFUSE, .reason = "abort" },
	{ "fail back from a blocked failback", VERB_FAILBACK, LS_BLOCKED,
		{ .run = RUN_IS_BLOCKED,
			.run_is_failback = true,
			.run_pivoted = true,
			.queues_drained = true },
		ALICE, .over = { "soak" }, .exit = 4, .act = LD_REFUSE, .reason = "continue" },

	{ "abort before the pivot", VERB_ABORT, LS_CUTTING, { .run = RUN_FORWARD }, ALICE,
		.act = LD_ABORT },
	{ "abort after the pivot", VERB_ABORT, LS_CUTTING, { .run = RUN_FORWARD_PIVOTED }, ALICE,
		.exit = 3, .act = LD_REFUSE, .reason = "use failback" },
	{ "abort after the pivot, naming everything", VERB_ABORT, LS_CUTTING,
		{ .run = RUN_FORWARD_PIVOTED }, ALICE, .over = { "pause", "soak" }, .exit = 3,
		.act = LD_REFUSE, .reason = "use failback" },
	{ "abort a failback after its pivot", VERB_ABORT, LS_FAILING_BACK,
		{ .run = RUN_FORWARD_PIVOTED, .run_is_failback = true }, ALICE, .exit = 3,
		.act = LD_REFUSE, .reason = "cutover" },
	{ "abort a failback blocked after its pivot", VERB_ABORT, LS_BLOCKED,
		{ .run = RUN_IS_BLOCKED, .run_is_failback = true, .run_pivoted = true }, ALICE,
		.exit = 3, .act = LD_REFUSE, .reason = "let it end, then use cutover" },
	{ "abort what is done", VERB_ABORT, LS_ON_BACKUP, { 0 }, ALICE, .exit = 3, .act = LD_REFUSE,
		.reason = "use failback" },
	{ "abort nothing", VERB_ABORT, LS_NORMAL, { 0 }, ALICE, .exit = 3, .act = LD_REFUSE,
		.reason = "nothing to abort" },
	{ "abort a blocked run", VERB_ABORT, LS_BLOCKED, { .run = RUN_IS_BLOCKED }, ALICE,
		.act = LD_ABORT },
	{ "abort a run blocked after its pivot", VERB_ABORT, LS_BLOCKED,
		{ .run = RUN_IS_BLOCKED, .run_pivoted = true }, ALICE, .exit = 3, .act = LD_REFUSE,
		.reason = "use failback" },
	{ "abort a mixture", VERB_ABORT, LS_BLOCKED, { .settled = SETTLED_MIXTURE }, ALICE,
		.exit = 4, .act = LD_REFUSE, .reason = "mixture" },
	{ "abort under the brake sends effects", VERB_ABORT, LS_CUTTING,
		{ .run = RUN_FORWARD, .paused = "bob" }, ALICE, .exit = 3, .act = LD_REFUSE,
		.reason = "override pause" },
	{ "abort under the brake, naming it", VERB_ABORT, LS_CUTTING,
		{ .run = RUN_FORWARD, .paused = "bob" }, ALICE, .over = { "pause" },
		.act = LD_ABORT },
	{ "bob may abort", VERB_ABORT, LS_CUTTING, { .run = RUN_FORWARD }, { .user = "bob" },
		.act = LD_ABORT },
	{ "rob may not abort", VERB_ABORT, LS_CUTTING, { .run = RUN_FORWARD }, { .user = "rob" },
		.exit = 3, .act = LD_REFUSE, .reason = "may: [brake]" },

	{ "continue a blocked run", VERB_CONTINUE, LS_BLOCKED, { .run = RUN_IS_BLOCKED }, ALICE,
		.act = LD_CONTINUE },
	{ "continue an orphan", VERB_CONTINUE, LS_CUTTING, { .run = RUN_FORWARD }, ALICE,
		.act = LD_CONTINUE },
	{ "continue under the brake", VERB_CONTINUE, LS_BLOCKED,
		{ .run = RUN_IS_BLOCKED, .paused = "bob" }, ALICE, .exit = 3, .act = LD_REFUSE },
	{ "continue a mixture", VERB_CONTINUE, LS_BLOCKED, { .settled = SETTLED_MIXTURE }, ALICE,
		.exit = 4, .act = LD_REFUSE, .reason = "mixture" },
	{ "continue nothing", VERB_CONTINUE, LS_NORMAL, { 0 }, ALICE, .exit = 3, .act = LD_REFUSE },

	{ "approve", VERB_APPROVE, LS_AWAITING, { .asked_wall_ms = 1, .approvals_needed = 1 },
		{ .user = "ann" }, .act = LD_STAY },
	{ "approve, the first of two", VERB_APPROVE, LS_AWAITING,
		{ .asked_wall_ms = 1, .approvals_needed = 2 }, { .user = "ann" }, .exit = 5,
		.act = LD_STAY, .reason = "1 of 2" },
	{ "approve, the second of two", VERB_APPROVE, LS_AWAITING,
		{ .asked_wall_ms = 1, .approvals_needed = 2, .approvals = 1 }, { .user = "ann" },
		.act = LD_STAY },
	{ "approve twice", VERB_APPROVE, LS_AWAITING,
		{ .asked_wall_ms = 1, .approvals_needed = 2, .approvals = 1 },
		{ .user = "ann", .already = true }, .exit = 5, .act = LD_REFUSE,
		.reason = "already" },
	{ "approve another plan", VERB_APPROVE, LS_AWAITING, { .asked_wall_ms = 1 },
		{ .user = "ann" }, .other_plan = true, .exit = 3, .act = LD_REFUSE,
		.reason = "not the one that was shown" },
	{ "approve too late", VERB_APPROVE, LS_AWAITING, { .asked_wall_ms = 1 },
		{ .user = "ann", .expired = true }, .exit = 3, .act = LD_REFUSE,
		.reason = "expired" },
	{ "approve with a used word", VERB_APPROVE, LS_AWAITING, { .asked_wall_ms = 1 },
		{ .user = "ann", .replayed = true }, .exit = 3, .act = LD_REFUSE,
		.reason = "once" },
	{ "approve under the brake: counted", VERB_APPROVE, LS_AWAITING,
		{ .asked_wall_ms = 1, .paused = "bob" }, { .user = "ann" }, .act = LD_STAY },
	{ "approve nothing", VERB_APPROVE, LS_SUSPECT, { 0 }, { .user = "ann" }, .exit = 3,
		.act = LD_REFUSE, .reason = "no plan is pending" },
	{ "approve the failback", VERB_APPROVE, LS_RECOVERING,
		{ .asked_wall_ms = 1, .approvals_needed = 1 }, { .user = "ann" }, .act = LD_STAY },
	{ "approve a failback that nobody asked for", VERB_APPROVE, LS_RECOVERING, { 0 },
		{ .user = "ann" }, .exit = 3, .act = LD_REFUSE, .reason = "no plan is pending" },
	{ "bob may not approve", VERB_APPROVE, LS_AWAITING, { .asked_wall_ms = 1 },
		{ .user = "bob" }, .exit = 3, .act = LD_REFUSE, .reason = "may: [approve]" },
	{ "deny", VERB_DENY, LS_AWAITING, { .asked_wall_ms = 1 }, { .user = "ann" },
		.act = LD_STAY },
	{ "deny nothing", VERB_DENY, LS_NORMAL, { 0 }, { .user = "ann" }, .exit = 3,
		.act = LD_REFUSE },
	{ "deny when it has started", VERB_DENY, LS_CUTTING, { .run = RUN_FORWARD },
		{ .user = "ann" }, .exit = 3, .act = LD_REFUSE, .reason = "abort" },

	{ "pause", VERB_PAUSE, LS_CUTTING, { .run = RUN_FORWARD }, { .user = "bob" },
		.act = LD_STAY },
	{ "pause again", VERB_PAUSE, LS_NORMAL, { .paused = "bob" }, { .user = "bob" },
		.act = LD_STAY },
	{ "rob may not pause", VERB_PAUSE, LS_NORMAL, { 0 }, { .user = "rob" }, .exit = 3,
		.act = LD_REFUSE },
	{ "resume", VERB_RESUME, LS_NORMAL, { .paused = "bob" }, { .user = "bob" },
		.act = LD_STAY },
	{ "resume when nothing is paused", VERB_RESUME, LS_NORMAL, { 0 }, { .user = "bob" },
		.exit = 3, .act = LD_REFUSE, .reason = "no brake is on" },
	{ "resume when nothing is paused, naming the brake", VERB_RESUME, LS_NORMAL, { 0 },
		{ .user = "bob" }, .over = { "pause" }, .exit = 3, .act = LD_REFUSE },
	{ "resume naming the brake", VERB_RESUME, LS_NORMAL, { .paused = "bob" }, { .user = "bob" },
		.over = { "pause" }, .act = LD_STAY },
	{ "ack by anybody with a right", VERB_ACK, LS_BLOCKED, { .run = RUN_IS_BLOCKED },
		{ .user = "ann" }, .act = LD_STAY },
	{ "ack by a stranger", VERB_ACK, LS_BLOCKED, { .run = RUN_IS_BLOCKED },
		{ .user = "mallory" }, .exit = 3, .act = LD_REFUSE },
	{ "eject", VERB_EJECT, LS_NORMAL, { 0 }, ALICE, .act = LD_EJECT },
	{ "eject with a shelter in force", VERB_EJECT, LS_NORMAL, { .shelter_open = true }, ALICE,
		.exit = 3, .act = LD_REFUSE, .reason = "shelter" },
	{ "eject on the backup", VERB_EJECT, LS_ON_BACKUP, { 0 }, ALICE, .exit = 3,
		.act = LD_REFUSE, .reason = "failback" },
	{ "eject under the brake", VERB_EJECT, LS_NORMAL, { .paused = "bob" }, ALICE, .exit = 3,
		.act = LD_REFUSE, .reason = "override pause" },
	{ "status is no decision", VERB_STATUS, LS_NORMAL, { 0 }, ALICE, .exit = 2,
		.act = LD_REFUSE },
	{ "a plan is no decision", VERB_PLAN, LS_NORMAL, { 0 }, ALICE, .exit = 2,
		.act = LD_REFUSE },
};

static void
run_ask(const struct ask *a, const struct playbook *pb)
{
	struct diag_view v[2] = { view(pb, 0, QUIET), view(pb, 1, QUIET) };
	struct facts f = a->f;
	struct cmd_facts c = a->c;
	struct decision d;
	int exit = -1;
	bool right;

	f.pb = pb;
	f.state = a->state;
	f.boot_ms = BOOT;
	f.wall_ms = WALL;
	f.diag = v;
	f.diag_n = 2;
	f.base_ready = true;
	c.verb = a->verb;
	c.plan_matches = !a->other_plan;
	c.overrides = a->over;
	while (c.overrides_n < 3 && a->over[c.overrides_n] != NULL)
		c.overrides_n++;
	decide_command(&f, &c, &d, &exit);
	right = d.any == (a->act != LD_REFUSE) && d.row != NULL && d.row->act == a->act &&
		exit == a->exit && (a->reason == NULL || says(&d, a->reason)) && d.reasons_n > 0;
	if (d.any && (a->act == LD_CUTOVER || a->act == LD_FAILBACK))
		right = right && d.procedure == playbook_cutover(pb, FLOW_OUTBOUND);
	if (!right) {
		print_decision(a->name, &d);
		printf("       exit %d\n", exit);
	}
	CHECK(right);
}

static void
each_command_is_answered(void)
{
	struct playbook *pb = load(people_from, people_to);

	for (size_t i = 0; i < sizeof asks / sizeof asks[0]; i++)
		run_ask(&asks[i], pb);
	playbook_unref(&pb);
}

static void
observe_never_writes_whoever_asks(void)
{
	static const struct ask cut = { "cut over in observe", VERB_CUTOVER, LS_NORMAL, { 0 },
		OWNER, .exit = 3, .act = LD_REFUSE, .reason = "mode: observe" };
	static const struct ask back = { "fail back in observe", VERB_FAILBACK, LS_ON_BACKUP,
		{ .primary_ok = true, .primary_soaked = true, .queues_drained = true }, OWNER,
		.exit = 3, .act = LD_REFUSE, .reason = "mode: observe" };
	static const struct ask out = { "eject in observe", VERB_EJECT, LS_NORMAL, { 0 }, OWNER,
		.exit = 3, .act = LD_REFUSE, .reason = "mode: observe" };
	struct playbook *pb = load("mode: automatic\n", "mode: observe\n");

	run_ask(&cut, pb);
	run_ask(&back, pb);
	run_ask(&out, pb);
	playbook_unref(&pb);
}

/* Every verb, state, right and brake: whoever lacks the right is refused, and nobody is let through
 * a braked cell. */
static void
rights_and_brake_hold_in_every_state(void)
{
	static const char *const users[] = { "rob", "ann", "bob", "mallory" };
	static const unsigned may[] = { MAY_RUN, MAY_APPROVE, MAY_BRAKE, 0 };
	static const unsigned needs[VERB_N] = { [VERB_CUTOVER] = MAY_RUN,
		[VERB_FAILBACK] = MAY_RUN,
		[VERB_CONTINUE] = MAY_RUN,
		[VERB_EJECT] = MAY_RUN,
		[VERB_APPROVE] = MAY_APPROVE,
		[VERB_DENY] = MAY_APPROVE,
		[VERB_ABORT] = MAY_BRAKE,
		[VERB_PAUSE] = MAY_BRAKE,
		[VERB_RESUME] = MAY_BRAKE,
		[VERB_ACK] = MAY_RUN | MAY_APPROVE | MAY_BRAKE };
	struct playbook *pb = load(people_from, people_to);
	struct diag_view v[2] = { view(pb, 0, QUIET), view(pb, 1, QUIET) };
	int taken = 0, refused = 0;

	for (int verb = 0; verb < VERB_N; verb++)
		for (int s = 0; s < LS_N; s++)
			for (size_t u = 0; u < 4; u++)
				for (int paused = 0; paused < 2; paused++) {
					struct facts f = facts_of(pb, (enum life_state)s, v);
					struct cmd_facts c = { .verb = (enum verb)verb,
						.user = users[u],
						.plan_matches = true };
					bool effects = verb == VERB_CUTOVER ||
						       verb == VERB_FAILBACK ||
						       verb == VERB_ABORT ||
						       verb == VERB_CONTINUE || verb == VERB_EJECT;
					struct decision d;
					int exit;

					f.paused = paused ? "bob" : NULL;
					f.primary_ok = f.primary_soaked = f.queues_drained = true;
					f.asked_wall_ms = 1;
					decide_command(&f, &c, &d, &exit);
					if ((needs[verb] & may[u]) == 0 || (paused && effects))
						CHECK(!d.any && exit != 0);
					CHECK(d.any ? exit == 0 || exit == 5 : exit >= 2);
					CHECK(d.reasons_n > 0);
					taken += d.any;
					refused += !d.any;
				}
	CHECK(taken > 60 && refused > 60);
	playbook_unref(&pb);
}

static void
words_are_read_back(void)
{
	for (int v = 0; v < VERB_N; v++)
		CHECK_INT(verb_parse(verb_name((enum verb)v)), v);
	CHECK_INT(verb_parse("launch"), VERB_N);
	CHECK_INT(verb_parse(NULL), VERB_N);
	CHECK_STR(verb_name(VERB_N), "?");
	CHECK_STR(effect_dir_name(DIR_FENCE), "fence");
	CHECK_STR(effect_dir_name((enum effect_dir)(DIR_FENCE + 1)), "?");
	CHECK_STR(severity_name(SEV_ALARM), "alarm");
	CHECK_STR(severity_name((enum severity)(SEV_ALARM + 1)), "?");
}

/* Refused for what it is and not for the brake: the reason names the row. */
static void
a_reason_names_the_brake_only_where_it_stands_in_the_way(void)
{
	struct playbook *pb = load(NULL, NULL);
	struct diag_view v[2] = { view(pb, 0, QUIET), view(pb, 1, QUIET) };
	struct facts f = facts_of(pb, LS_ON_BACKUP, v);
	struct cmd_facts c = { .verb = VERB_CUTOVER, .user = "alice", .plan_matches = true };
	struct decision d;
	int exit;

	f.paused = "bob";
	decide_command(&f, &c, &d, &exit);
	CHECK(!d.any && !says(&d, "pause: ") && says(&d, "row "));
	c.verb = VERB_PAUSE;
	f.paused = NULL;
	decide_command(&f, &c, &d, &exit);
	CHECK(d.any && !says(&d, "bypassed"));
	playbook_unref(&pb);
}

int
main(void)
{
	TEST(a_reason_names_the_brake_only_where_it_stands_in_the_way);
	TEST(each_command_is_answered);
	TEST(observe_never_writes_whoever_asks);
	TEST(rights_and_brake_hold_in_every_state);
	TEST(words_are_read_back);
	return check_end();
}
