/*
 * test_facts.c - what the core tells a decision of the world (struct facts, filled by machine.c):
 * each fact is led through core_step until it changes what happens, with its twin beside it. What
 * is expected stands in DESIGN section 6 and in docs/STATES.md.
 */
#include "lib/facts_rig.h"

/* --- blind --- */

/* "If not, it is blind: it acts on nothing and says so." */
static void
who_is_blind_starts_nothing(void)
{
	for (int blind = 0; blind < 2; blind++) {
		struct world *w = settled(world_new("automatic"));

		w->blind = blind != 0;
		world_pass(w, 2 * MINUTE);
		refuse(w, true);
		world_pass(w, HOUR);
		CHECK_INT(STARTS(w, SHELTER), !blind);
		CHECK_INT(STARTS(w, CUTOVER), !blind);
		CHECK_STR(world_state(w, FLOW_OUTBOUND), blind ? "normal" : "on-backup");
		CHECK_INT(shown(w, "\"blind: "), blind);
		w->blind = false;
		world_pass(w, HOUR); /* and what held it back is gone */
		CHECK_INT(STARTS(w, CUTOVER), 1);
		world_end(w);
	}
}

/* --- soak --- */

/* Mail is on the backup because the primary refuses it, with a soak of that length. */
static struct world *
away_by_itself(const char *mode, const char *soak)
{
	struct world *w = settled(WORLD_WITH(mode, "soak: 20m", soak));

	refuse(w, true);
	if (text_eq(mode, "automatic"))
		CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	else
		(void)cut_over(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	return w;
}

/* From the moment when it is well for us (row 640), to the second; a relapse begins it anew. */
static void
the_soak_counts_from_when_the_primary_is_well(void)
{
	static const struct {
		const char *words;
		int64_t ms;
	} rows[] = { { "soak: 20m", 20 * MINUTE }, { "soak: 50m", 50 * MINUTE } };

	for (size_t i = 0; i < 2; i++) {
		struct world *w = away_by_itself("automatic", rows[i].words);
		int64_t well;

		world_pass(w, 5 * (int64_t)HOUR); /* that long, and no minute of it counts */
		CHECK_STR(world_state(w, FLOW_OUTBOUND), "on-backup");
		refuse(w, false);
		well = comes(w, 15 * MINUTE, "ROW", "\"row\":640", 1);
		CHECK(well != NEVER);
		world_pass(w, rows[i].ms - 10 * MINUTE);
		CHECK(shown(w, "\"soak: "));
		refuse(w, true); /* a relapse in its last minutes */
		CHECK(comes(w, 9 * MINUTE, "ROW", "\"row\":744", 1) != NEVER);
		CHECK_INT(STARTS(w, FAILBACK), 0);
		refuse(w, false);
		well = comes(w, 15 * MINUTE, "ROW", "\"row\":640", 2);
		about(comes(w, rows[i].ms + MINUTE, "START", FAILBACK, 1), well + rows[i].ms,
			SECOND);
		CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "normal"));
		world_end(w);
	}
}

/* Rows 758 and 754. */
static void
who_is_blind_brings_nothing_home(void)
{
	for (int blind = 0; blind < 2; blind++) {
		struct world *w = away_by_itself("automatic", "soak: 20m");

		refuse(w, false);
		CHECK(comes(w, 15 * MINUTE, "ROW", "\"row\":640", 1) != NEVER);
		world_pass(w, 15 * MINUTE);
		w->blind = blind != 0;
		world_pass(w, HOUR);
		CHECK_INT(STARTS(w, FAILBACK), !blind);
		CHECK_INT(shown(w, "\"blind: the soak seems over"), blind);
		w->blind = false;
		world_pass(w, HOUR);
		CHECK_INT(STARTS(w, FAILBACK), 1);
		world_end(w);
	}
}

/* --- a shelter's time --- */

/* Told when its time is over, not before and once; by time that has passed, whatever the clock on
 * the wall is set to. The next shelter has its own time. */
static void
a_shelter_is_told_when_its_time_is_over(void)
{
	static const int64_t set[] = { 0, 3 * (int64_t)HOUR, -3 * (int64_t)HOUR };

	for (size_t i = 0; i < 3; i++) {
		struct world *w = settled(world_new("approve"));
		int64_t begun = sheltered(w, 1), at;

		world_pass(w, HOUR);
		w->wall_ms += set[i];
		at = comes(w, 6 * (int64_t)HOUR, "ROW", EXPIRED, 1);
		about(at, begun + 4 * (int64_t)HOUR, MINUTE);
		world_pass(w, 5 * (int64_t)HOUR);
		CHECK_INT(world_count(w, "ROW", EXPIRED), 1);
		CHECK_INT(world_count(w, "NOTIFIED", "the shelter's time is over while nobody"), 1);
		refuse(w, false);
		CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "normal"));
		world_pass(w, MINUTE);
		begun = sheltered(w, 2);
		at = comes(w, 6 * (int64_t)HOUR, "ROW", EXPIRED, 2);
		about(at, begun + 4 * (int64_t)HOUR, MINUTE);
		world_end(w);
	}
}

/* At that very millisecond, and not one before it. */
static void
its_time_is_over_when_expires_has_passed(void)
{
	struct world *w = settled(world_new("approve"));
	int64_t begun = sheltered(w, 1);

	world_pass(w, begun + 4 * (int64_t)HOUR - 1 - w->boot_ms);
	world_event(w, &(struct event){ .type = EV_TICK });
	CHECK_INT(world_count(w, "ROW", EXPIRED), 0);
	world_pass(w, 1);
	world_event(w, &(struct event){ .type = EV_TICK });
	CHECK_INT(world_count(w, "ROW", EXPIRED), 1);
	world_end(w);
}

/* --- blackouts --- */

static struct {
	bool cutover, failback; /* it is such an hour now */
	size_t wrong;
} closed;

/* The cut-overs' window begins on a Friday, the failbacks' on a Monday. */
static bool
in_window(void *ctx, const struct window *of, size_t n, int64_t wall_ms)
{
	struct world *w = ctx;

	closed.wrong += wall_ms != w->wall_ms || n != 1;
	return n > 0 && (of[0].from_day == 4 ? closed.cutover : closed.failback);
}

static struct world *
with_hours(const char *of)
{
	struct world *w = WORLD_WITH("automatic", "cooldown: 1m}",
		"cooldown: 1m, blackout: {cutover: [\"Fri 18:00 - Sun 06:00 Europe/Berlin\"], "
		"failback: [\"Mon 00:00 - Thu 06:00 Europe/Berlin\"]}}");

	memset(&closed, 0, sizeof closed);
	closed.cutover = text_eq(of, "cut-over");
	closed.failback = text_eq(of, "failback");
	w->in_window = in_window;
	settle(w);
	return w;
}

/* "A blackout stops drills and failbacks, never a shelter, and an automatic cut-over only if the
 * playbook says `cutover:` there." */
static void
a_blackout_holds_a_cut_over(void)
{
	static const char *const of[] = { "cut-over", "failback" };

	for (size_t i = 0; i < 2; i++) {
		struct world *w = with_hours(of[i]);

		refuse(w, true);
		world_pass(w, HOUR);
		CHECK_INT(STARTS(w, SHELTER), 1);
		CHECK_INT(STARTS(w, CUTOVER), i);
		CHECK_INT(shown(w, "\"blackout: "), 1 - i);
		closed.cutover = false;
		about(comes(w, 2 * MINUTE, "START", CUTOVER, 1) - w->boot_ms, 0, 0);
		CHECK_INT(closed.wrong, 0);
		world_end(w);
	}
}

static void
a_blackout_holds_a_failback(void)
{
	static const char *const of[] = { "failback", "none" };

	for (size_t i = 0; i < 2; i++) {
		struct world *w = with_hours(of[i]);

		refuse(w, true);
		CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
		closed.cutover = true; /* the other list holds nothing here */
		refuse(w, false);
		world_pass(w, HOUR);
		CHECK_INT(STARTS(w, FAILBACK), i);
		CHECK_INT(shown(w, "\"blackout: "), 1 - i);
		closed.failback = false;
		CHECK(comes(w, 2 * MINUTE, "START", FAILBACK, 1) != NEVER);
		CHECK_INT(closed.wrong, 0);
		world_end(w);
	}
}

/* --- an unfit backup --- */

#define UNFIT "\"event\":\"backup-unfit\""

static void
an_unfit_backup_is_told_once_and_anew(void)
{
	struct world *w = settled(world_new("approve"));

	world_pass(w, HOUR);
	CHECK_INT(world_count(w, "ROW", UNFIT), 0);
	for (size_t n = 1; n <= 2; n++) {
		w->backup_bad = true;
		world_pass(w, 3 * HOUR);
		CHECK_INT(world_count(w, "ROW", UNFIT), n);
		w->backup_bad = false;
		world_pass(w, HOUR);
		CHECK_INT(world_count(w, "ROW", UNFIT), n);
	}
	world_end(w);
}

/* And it holds a cut-over, row 364, as long as it is so. */
static void
nothing_moves_to_an_unfit_backup(void)
{
	struct world *w = settled(world_new("automatic"));

	w->backup_bad = true;
	world_pass(w, 20 * MINUTE);
	refuse(w, true);
	world_pass(w, HOUR);
	CHECK_INT(STARTS(w, CUTOVER), 0);
	CHECK(shown(w, "\"unfit: "));
	w->backup_bad = false;
	world_pass(w, HOUR);
	CHECK_INT(STARTS(w, CUTOVER), 1);
	world_end(w);
}

/* --- the flow that it is about --- */

/* Each machine goes by its own flow: row 640 of one says nothing of the other. */
static void
the_primary_is_well_or_not_in_each_flow(void)
{
	for (int in = 0; in < 2; in++) {
		struct world *w = of_both_flows();
		enum flow bad = in ? FLOW_INBOUND : FLOW_OUTBOUND,
			  well = in ? FLOW_OUTBOUND : FLOW_INBOUND;

		inbound_bad = in != 0;
		refuse(w, !in);
		settle(w);
		world_pass(w, 10 * MINUTE);
		(void)world_say(w, &(struct wask){ .verb = VERB_CUTOVER, .procedure = "in" });
		CHECK(world_until_state(w, HOUR, FLOW_INBOUND, in ? "on-backup" : "recovering"));
		(void)cut_over(w);
		CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, in ? "recovering" : "on-backup"));
		world_pass(w, 2 * HOUR);
		CHECK_STR(world_state(w, bad), "on-backup");
		CHECK_STR(world_state(w, well), "recovering");
		CHECK_INT(world_count(w, "PLAN", "\"direction\":\"back\""), 1);
		CHECK_INT(world_count(w, "PLAN",
				  in ? "\"procedure\":\"out\",\"direction\":\"back\""
				     : "\"procedure\":\"in\",\"direction\":\"back\""),
			1);
		world_end(w);
	}
}

/* One that has a diagnosis and nothing to start is watched, and that is all. */
static void
a_flow_without_a_cut_over_is_only_watched(void)
{
	struct world *w = WORLD_WITH("automatic",
		"  anchor-a:", CANARY_IN "  anchor-a:", "responses:\n",
		"  shut: {path: cloud, flow: inbound, groups: 1, of: [arrival], must: [arrival], "
		"for: 5m, clear: 10m}\nresponses:\n");

	w->hears = of_its_flow;
	inbound_bad = false;
	settle(w);
	world_pass(w, HOUR);
	CHECK_STR(world_state(w, FLOW_INBOUND), "normal");
	inbound_bad = true;
	world_pass(w, HOUR);
	CHECK_STR(world_state(w, FLOW_INBOUND), "suspect");
	CHECK_INT(world_count(w, "START", ""), 0);
	world_end(w);
}

/* --- time that has passed, and a clock that was set --- */

/* limits.cooldown, since the last move has ended. */
static void
a_cooldown_is_time_that_has_passed(void)
{
	for (size_t i = 0; i < 3; i++) {
		struct world *w = settled(WORLD_WITH("automatic", "cooldown: 1m", "cooldown: 4h"));
		int64_t moved;

		refuse(w, true);
		CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
		refuse(w, false);
		moved = comes(w, 2 * (int64_t)HOUR, "END", "\"state\":\"done\"", 2);
		CHECK(moved != NEVER); /* out, and home */
		CHECK(world_until_state(w, MINUTE, FLOW_OUTBOUND, "normal"));
		refuse(w, true);
		world_pass(w, HOUR);
		CHECK(shown(w, "\"cooldown: "));
		w->wall_ms += set_by[i];
		about(comes(w, 12 * (int64_t)HOUR, "START", CUTOVER, 2), moved + 4 * (int64_t)HOUR,
			SECOND);
		world_end(w);
	}
}

/* --- budget --- */

/* There and back once more, by itself; the diagnosis has cleared. */
static void
there_and_back(struct world *w)
{
	refuse(w, true);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	refuse(w, false);
	CHECK(world_until_state(w, 2 * HOUR, FLOW_OUTBOUND, "normal"));
	world_pass(w, 20 * MINUTE);
}

/* Automatic ones alone, within the time that `limits.cutovers` names. */
static void
a_budget_is_of_automatic_cut_overs(void)
{
	for (int by_hand = 0; by_hand < 2; by_hand++) {
		struct world *w = settled(world_new("automatic"));
		int64_t first;

		if (by_hand) {
			(void)cut_over(w);
			CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
			CHECK(world_until_state(w, 2 * HOUR, FLOW_OUTBOUND, "normal"));
		}
		refuse(w, true);
		first = comes(w, HOUR, "START", "\"by\":\"automatic\"", 2); /* shelter, out */
		there_and_back(w);
		if (!by_hand)
			there_and_back(w);
		refuse(w, true);
		world_pass(w, HOUR);
		CHECK_INT(STARTS(w, CUTOVER), by_hand ? 3 : 2);
		CHECK_INT(shown(w, "\"budget: 2 automatic"), !by_hand);
		if (!by_hand)
			about(comes(w, 2 * (int64_t)DAY, "START", CUTOVER, 3), first + DAY,
				MINUTE + SECOND);
		world_end(w);
	}
}

/* --- readings for a plan --- */

static void
note_unread(struct world *w, const struct event *ev)
{
	if (ev->type == EV_READ && ev->read.outcome == OUT_RETRY)
		gap(w);
}

/* A plan that cannot be made is tried again when its pause is over, and not when something else
 * happens to wake the core. */
static void
a_plan_is_tried_again_to_the_second(void)
{
	struct world *w = settled(world_new("automatic"));

	refuse(w, true);
	CHECK(comes(w, 20 * MINUTE, "START", SHELTER, 1) != NEVER);
	world_pass(w, MINUTE);
	w->target[W_TENANT].unreadable = true;
	gaps = (struct gaps){ 0 };
	w->told = note_unread;
	world_pass(w, HOUR);
	CHECK(gaps.n > 60);
	about(gaps.least, 15 * SECOND, 200);
	about(gaps.most, 15 * SECOND, 200);
	world_end(w);
}

/* What was read for a decision that does not hold any more is not what the next plan is made from.
 */
static void
a_plan_is_made_from_what_stands_now(void)
{
	struct world *w = settled(world_new("automatic"));
	int64_t starts;

	refuse(w, true);
	starts = comes(w, HOUR, "START", CUTOVER, 1);
	CHECK(starts != NEVER);
	world_end(w);
	for (int held = 0; held < 2; held++) {
		w = settled(world_new("automatic"));
		refuse(w, true);
		world_pass(w, starts - w->boot_ms - 2 * SECOND);
		CHECK_INT(STARTS(w, CUTOVER), 0);
		w->read_ms = 8 * SECOND; /* its readings are under way when the brake comes */
		world_pass(w, 5 * SECOND);
		if (held)
			(void)world_say(w, &(struct wask){ .verb = VERB_PAUSE });
		world_pass(w, MINUTE);
		CHECK_INT(STARTS(w, CUTOVER), !held);
		if (held)
			world_edit(w, W_ZONE, TXT,
				"ttl 60\ntxt other=1\ntxt v=spf1 include:spf.cloud.example -all\n");
		if (held)
			(void)world_say(w, &(struct wask){ .verb = VERB_RESUME });
		CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
		CHECK_INT(strstr(world_value(w, W_ZONE, TXT), "other=1") != NULL, held);
		CHECK_INT(STARTS(w, CUTOVER), 1);
		world_end(w);
	}
}

/* --- queues --- */

#define QUEUE "relay.queue corp.example"
#define EMPTY "state open\nparked 0\nwaiting 0\noldest 0\n"
#define PARKED "state open\nparked 3\nwaiting 2\noldest 9\n"

/* `require: [queues-drained]`: not while something waits there, nor while that is not known. */
static void
a_failback_waits_for_queues(void)
{
	static const struct {
		const char *require, *queue;
		bool unreadable, held;
	} rows[] = {
		{ "queues-drained", PARKED, false, true },
		{ "queues-drained", "state open\n", false, true },
		{ "queues-drained", EMPTY, false, false },
		{ "primary-ready", PARKED, false, false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct world *w = settled(WORLD_WITH("automatic", "require: [queues-drained]",
			i == 3 ? "require: [primary-ready]" : "require: [queues-drained]"));

		refuse(w, true);
		CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
		world_edit(w, W_HUB, QUEUE, rows[i].queue);
		world_pass(w, MINUTE);
		CHECK_INT(shown(w, "\"queue\":{\"parked\":3,\"waiting\":2}"), i == 0);
		refuse(w, false);
		world_pass(w, HOUR);
		CHECK_INT(STARTS(w, FAILBACK), !rows[i].held);
		CHECK_INT(shown(w, "\"queues: "), rows[i].held);
		world_edit(w, W_HUB, QUEUE, EMPTY);
		CHECK(comes(w, 2 * MINUTE, "START", FAILBACK, 1) != NEVER);
		world_end(w);
	}
}

int
main(void)
{
	TEST(who_is_blind_starts_nothing);
	TEST(who_is_blind_brings_nothing_home);
	TEST(the_soak_counts_from_when_the_primary_is_well);
	TEST(a_shelter_is_told_when_its_time_is_over);
	TEST(its_time_is_over_when_expires_has_passed);
	TEST(a_blackout_holds_a_cut_over);
	TEST(a_blackout_holds_a_failback);
	TEST(an_unfit_backup_is_told_once_and_anew);
	TEST(nothing_moves_to_an_unfit_backup);
	TEST(the_primary_is_well_or_not_in_each_flow);
	TEST(a_flow_without_a_cut_over_is_only_watched);
	TEST(a_cooldown_is_time_that_has_passed);
	TEST(a_budget_is_of_automatic_cut_overs);
	TEST(a_plan_is_tried_again_to_the_second);
	TEST(a_plan_is_made_from_what_stands_now);
	TEST(a_failback_waits_for_queues);
	return check_end();
}
