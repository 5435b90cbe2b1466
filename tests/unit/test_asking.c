/*
 * test_asking.c - what the core tells a decision of people, runs and plans, and what it keeps
 * between decisions (machine.c, asking.c): led through core_step as in test_facts.c.
 */
#include "lib/facts_rig.h"

/* The text in force has no such shelter any more: it does not say when it expires, nor how its mail
 * is let go, and people are told once. */
static void
a_shelter_that_the_playbook_has_forgotten_is_a_persons(void)
{
	static const char *const words[] = { "  - {on: blocked, at: suspect, run: wait, mode: "
					     "automatic}\n",
		"",
		"  wait: {kind: shelter, flow: outbound, expires: 4h, steps: [{name: park, "
		"mail.park: "
		"{at: [hub]}}]}\n",
		"", "      - {name: release, queue.release: {at: [hub], rate: 10 per s}}\n", "",
		NULL };

	for (int forgotten = 0; forgotten < 2; forgotten++) {
		struct world *w = settled(world_new("approve"));

		(void)sheltered(w, 1);
		world_pass(w, MINUTE);
		if (forgotten)
			replace(w, "approve", words);
		world_pass(w, 5 * HOUR);
		CHECK_INT(world_count(w, "ROW", EXPIRED), !forgotten);
		refuse(w, false);
		world_pass(w, 2 * HOUR);
		CHECK_STR(world_state(w, FLOW_OUTBOUND), "normal");
		CHECK_INT(world_count(w, "NOTIFIED", "has no procedure wait any more"), forgotten);
		CHECK_STR(world_value(w, W_HUB, PARK), forgotten ? "parked\n" : "");
		world_end(w);
	}
}

/* Rows 432 and 440: "not asked again until the diagnosis clears", whoever was started meanwhile. */
static void
who_has_stood_down_is_not_asked_before_it_clears(void)
{
	for (int silent = 0; silent < 2; silent++)
		for (int restarted = 0; restarted < 2; restarted++) {
			struct world *w = settled(WORLD_WITH("approve", "run: out, mode: approve}",
				"run: out, mode: approve, within: 2h}"));

			refuse(w, true);
			CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "awaiting-approval"));
			world_pass(w, silent ? 3 * HOUR : HOUR);
			CHECK_INT(world_count(w, "PLAN", ASKED), 1);
			if (!silent)
				(void)world_say(w, &(struct wask){ .verb = VERB_DENY });
			world_pass(w, MINUTE);
			CHECK_STR(world_state(w, FLOW_OUTBOUND), "suspect");
			if (restarted)
				again(w);
			world_pass(w, 5 * HOUR / 2);
			CHECK_INT(world_count(w, "PLAN", ASKED), 1);
			CHECK(shown(w, "\"stood-down: out was denied or not answered"));
			refuse(w, false);
			CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "normal"));
			refuse(w, true);
			world_pass(w, HOUR);
			CHECK_INT(world_count(w, "PLAN", ASKED), 2);
			CHECK_STR(world_state(w, FLOW_OUTBOUND), "awaiting-approval");
			world_end(w);
		}
}

/* Rows 108 and 106: what a start finds open is followed in its own direction. */
static void
a_run_that_is_found_open_is_followed_as_what_it_is(void)
{
	for (int back = 0; back < 2; back++) {
		struct world *w = settled(world_new("automatic"));

		refuse(w, true);
		CHECK(comes(w, HOUR, "START", CUTOVER, 1) != NEVER);
		if (back) {
			CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
			refuse(w, false);
			CHECK(comes(w, HOUR, "START", FAILBACK, 1) != NEVER);
		}
		world_pass(w, SECOND);
		again(w);
		CHECK_INT(world_count(w, "ROW", "\"row\":108,"), back);
		CHECK_INT(world_count(w, "ROW", "\"row\":106,"), !back);
		CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, back ? "normal" : "on-backup"));
		world_end(w);
	}
}

/* Mail to the backup and home again, by people. */
static void
moved(struct world *w, enum flow f)
{
	size_t home = world_count(w, "END", "\"state\":\"done\"") + 2;

	(void)world_say(w, &(struct wask){ .verb = VERB_CUTOVER,
				   .procedure = f == FLOW_OUTBOUND ? "out" : "in" });
	CHECK(comes(w, HOUR, "END", "\"state\":\"done\"", home - 1) != NEVER);
	world_pass(w, MINUTE);
	(void)world_say(w, &(struct wask){ .verb = VERB_FAILBACK,
				   .procedure = f == FLOW_OUTBOUND ? "out" : "in",
				   .override = "soak" });
	CHECK(comes(w, HOUR, "END", "\"state\":\"done\"", home) != NEVER);
	world_pass(w, MINUTE);
}

/* Its exit code, and whether it was held for the relay's queue. */
static int
ejected(struct world *w, bool *ret_held)
{
	size_t said = world_say(w, &(struct wask){ .verb = VERB_EJECT });
	const struct wreply *r;

	world_pass(w, 30 * MINUTE);
	r = world_reply(w, said, true);
	*ret_held = r != NULL &&
		    strstr(r->body, "mail may wait in the queue of relay for another") != NULL;
	return r != NULL ? r->exit : NEVER;
}

/* What the backup has taken leaves it later and must pass SPF then, for as long as its queue may
 * keep it: five days (DESIGN section 4). Where SPF named the relay before us, nothing is taken
 * away; and mail to us waits in no queue that SPF must let out. */
static void
the_relays_queue_holds_an_eject(void)
{
	enum { OURS, NAMED_BEFORE, INBOUND_SINCE, CASES };

	for (int is = 0; is < CASES; is++) {
		struct world *w = is == INBOUND_SINCE ? of_both_flows() : world_new(NULL);
		bool held;

		inbound_bad = false;
		if (is == NAMED_BEFORE)
			world_edit(w, W_ZONE, TXT, WORLD_SPF_BOTH);
		settle(w);
		moved(w, FLOW_OUTBOUND);
		world_pass(w, 5 * DAY - HOUR);
		if (is == INBOUND_SINCE)
			moved(w, FLOW_INBOUND);
		CHECK_INT(ejected(w, &held), is == NAMED_BEFORE ? 0 : 3);
		CHECK_INT(held, is != NAMED_BEFORE);
		world_pass(w, HOUR);
		if (is != NAMED_BEFORE)
			CHECK_INT(ejected(w, &held), 0);
		CHECK_STR(world_value(w, W_ZONE, TXT),
			is == NAMED_BEFORE ? WORLD_SPF_BOTH : WORLD_SPF);
		world_end(w);
	}
}

/* Terms that stand in a zone which the text in force does not touch are not what it takes out; and
 * one that has no cut-over any more names no relay that could wait for them. */
static void
terms_that_are_nobodys_hold_nothing(void)
{
	static const char *const texts[][5] = {
		{ "a small one", "a little one", NULL },
		{ "zone: corp.example, tsig", "zone: example, tsig", NULL },
		{ "  - {on: blocked, at: confirmed, run: out, mode: approve}\n", "",
			"  out:\n"
			"    kind: cutover\n"
			"    flow: outbound\n"
			"    to: relay\n"
			"    steps:\n"
			"      - {name: authorise, spf.authorize: {zone: zone}}\n"
			"      - {name: see it, wait.published: {zone: zone}}\n"
			"      - {name: prove it, verify.canary: {through: relay}}\n"
			"      - {name: switch, outbound.switch: {at: [tenant, hub]}, pivot: "
			"true}\n"
			"      - {name: release, queue.release: {at: [hub], rate: 10 per s}}\n"
			"      - {name: verify, verify.canary: {through: relay, as: production}}\n"
			"    failback: {mode: approve, soak: 20m, stage: 1m, order: [canaries, 5%, "
			"100%], "
			"require: [queues-drained]}\n",
			"", NULL },
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct world *w = settled(world_new(NULL));
		bool held;

		moved(w, FLOW_OUTBOUND);
		replace(w, "approve", texts[i]);
		world_pass(w, 5 * MINUTE);
		(void)ejected(w, &held);
		CHECK_INT(held, i == 0);
		CHECK(!w->halted);
		world_end(w);
	}
}

static struct world *
of_two_diagnoses(void)
{
	return settled(
		WORLD_WITH("approve", "for: 5m, clear: 10m}", "for: 5m, clear: 4h}", "responses:\n",
			"  late: {path: cloud, flow: outbound, groups: 1, of: [delivery], must: "
			"[delivery], receivers: 2, share: 5%, for: 5m, clear: 10m}\nresponses:\n",
			"run: out, mode: approve}",
			"run: out, mode: approve}\n"
			"  - {on: late, at: confirmed, run: out, mode: approve, approvers: 2}"));
}

/* The diagnosis that led to the question says how many must approve, whatever stands first. */
static void
a_question_is_of_the_diagnosis_that_led_to_it(void)
{
	for (int listed = 0; listed < 2; listed++) {
		struct world *w = of_two_diagnoses();

		w->primary_bad = true;
		w->listed = listed != 0;
		CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "awaiting-approval"));
		world_pass(w, MINUTE);
		CHECK(shown(w, listed ? "\"approval: 0 of 1" : "\"approval: 0 of 2"));
		world_end(w);
	}
}

/* Response's within, from when it was asked. */
static void
an_answer_has_its_time_whatever_the_clock_says(void)
{
	for (size_t i = 0; i < 3; i++) {
		struct world *w = settled(WORLD_WITH("approve", "run: out, mode: approve}",
			"run: out, mode: approve, within: 90m, otherwise: proceed}"));
		int64_t asked;

		refuse(w, true);
		asked = comes(w, HOUR, "PLAN", ASKED, 1);
		world_pass(w, 30 * MINUTE);
		w->wall_ms += set_by[i];
		about(comes(w, 12 * (int64_t)HOUR, "START", CUTOVER, 1), asked + 90 * MINUTE,
			SECOND);
		world_end(w);
	}
}

static void
a_foreground_verb_starts_nothing_by_itself(void)
{
	for (int one_shot = 0; one_shot < 2; one_shot++) {
		struct world *w = world_new("automatic");

		w->one_shot = one_shot != 0;
		settle(w);
		refuse(w, true);
		world_pass(w, HOUR);
		CHECK_INT(world_count(w, "START", ""), one_shot ? 0 : 2);
		CHECK_INT(shown(w, "\"one-shot: "), one_shot);
		world_end(w);
	}
}

static void
approve(struct world *w, const char *who)
{
	(void)world_say(w, &(struct wask){ .verb = VERB_APPROVE, .user = who });
	world_pass(w, MINUTE);
}

/* As many as the response says that is asked for; a failback is asked of one. */
static void
as_many_approve_as_the_response_says(void)
{
	for (int two = 0; two < 2; two++) {
		struct world *w = settled(WORLD_WITH("approve", "run: out, mode: approve}",
			two ? "run: out, mode: approve, approvers: 2}"
			    : "run: out, mode: approve}"));

		refuse(w, true);
		CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "awaiting-approval"));
		world_pass(w, MINUTE);
		CHECK(shown(w, two ? "\"approval: 0 of 2" : "\"approval: 0 of 1"));
		approve(w, "ben");
		CHECK_INT(STARTS(w, CUTOVER), !two);
		approve(w, "ann");
		CHECK_INT(STARTS(w, CUTOVER), 1);
		CHECK_INT(
			world_count(w, "START", two ? "\"by\":\"ben, ann\"" : "\"by\":\"ben\""), 1);
		CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
		refuse(w, false);
		CHECK(comes(w, 2 * HOUR, "PLAN", ASKED, 2) != NEVER);
		approve(w, "ben");
		CHECK_INT(STARTS(w, FAILBACK), 1);
		world_end(w);
	}
}

/* A shelter that could not be started is not tried again in this episode, and that is shown. */
static void
a_shelter_that_failed_is_kept_and_shown(void)
{
	for (int unreadable = 0; unreadable < 2; unreadable++) {
		struct world *w = settled(world_new("approve"));

		w->target[W_HUB].unreadable = unreadable != 0;
		refuse(w, true);
		world_pass(w, 20 * MINUTE);
		CHECK_INT(world_count(w, "NOTIFIED", "shelter is due, but no plan can be made"),
			unreadable);
		CHECK_INT(shown(w, "\"shelter: wait could not be started: "), unreadable);
		w->target[W_HUB].unreadable = false;
		world_pass(w, HOUR);
		CHECK_INT(STARTS(w, SHELTER), !unreadable);
		CHECK_STR(world_state(w, FLOW_OUTBOUND), "awaiting-approval");
		refuse(w, false);
		CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "normal"));
		refuse(w, true);
		world_pass(w, 20 * MINUTE); /* another episode, another try */
		CHECK_INT(STARTS(w, SHELTER), 2 - unreadable);
		world_end(w);
	}
}

static int64_t silent; /* readings of a target that did not answer */

static void
count_silent(struct world *w, const struct event *ev)
{
	(void)w;
	silent += ev->type == EV_READ && ev->read.outcome == OUT_RETRY;
}

/* A plan that cannot be made is told once, and tried again four times a minute. */
static void
a_plan_that_cannot_be_made_is_tried_again(void)
{
	struct world *w = settled(world_new("automatic"));

	refuse(w, true);
	CHECK(comes(w, 20 * MINUTE, "START", SHELTER, 1) != NEVER);
	world_pass(w, MINUTE);
	w->target[W_TENANT].unreadable = true;
	w->told = count_silent;
	silent = 0;
	world_pass(w, HOUR);
	about(silent, 4 * 60 - 40, 40);
	CHECK_INT(STARTS(w, CUTOVER), 0);
	CHECK(shown(w, "\"base: "));
	CHECK_INT(world_count(w, "NOTIFIED", "cutover is due, but no plan can be made"), 1);
	w->target[W_TENANT].unreadable = false;
	about(comes(w, MINUTE, "START", CUTOVER, 1) - w->boot_ms, 0, 0);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	CHECK(!shown(w, "no plan can be made"));
	world_end(w);
}

/* And a suspicion ends when what led to it has cleared, though another one would take hours. */
static void
a_suspicion_ends_with_the_diagnosis_that_led_to_it(void)
{
	for (int refused = 0; refused < 2; refused++) {
		struct world *w = of_two_diagnoses();

		w->primary_bad = true;
		CHECK(world_until_state(w, 10 * MINUTE, FLOW_OUTBOUND, "suspect"));
		w->primary_bad = refused != 0;
		world_pass(w, HOUR);
		CHECK_STR(world_state(w, FLOW_OUTBOUND), refused ? "awaiting-approval" : "normal");
		world_end(w);
	}
}

/* --- one after the other --- */

static bool parks_away; /* what is sent to the relay is on its way */

static enum fate
park_away(struct world *w, const struct weffect *e, size_t n)
{
	bool relay = text_starts(e->resource, "relay.");

	(void)w;
	(void)n;
	return parks_away && relay ? FATE_AWAY : FATE_FINE;
}

/* While a shelter is being ended none begins, and none ends or moves mail while it is being made.
 */
static void
a_shelter_is_made_before_mail_moves(void)
{
	for (int slow = 0; slow < 2; slow++) {
		struct world *w = settled(world_new("approve"));
		size_t said;

		w->fate = park_away;
		parks_away = slow != 0;
		(void)sheltered(w, 1);
		world_pass(w, SECOND);
		said = cut_over(w);
		world_pass(w, SECOND);
		CHECK_INT(STARTS(w, CUTOVER), !slow);
		parks_away = false;
		if (comes(w, HOUR, "START", CUTOVER, 1) != NEVER)
			CHECK(!text_eq(world_run_state(w, "shelter"), "forward"));
		else
			CHECK(world_reply(w, said, true) != NULL);
		world_end(w);
	}
}

/* One whose end is blocked still stands: no second one is made, and its end is tried again ten
 * minutes later, by time that has passed. */
static void
a_shelter_that_could_not_be_ended_is_tried_again(void)
{
	for (size_t i = 0; i < 3; i++) {
		struct world *w = settled(world_new("approve"));
		int64_t blocked;

		parks_away = false;
		w->fate = park_away;
		(void)sheltered(w, 1);
		refuse(w, false);
		world_pass(w, MINUTE);
		parks_away = true;
		blocked = comes(w, HOUR, "END", "\"state\":\"blocked\"", 1);
		CHECK(blocked != NEVER);
		parks_away = false;
		CHECK_STR(world_state(w, FLOW_OUTBOUND), "normal");
		w->wall_ms += set_by[i];
		about(comes(w, HOUR, "START", "\"kind\":\"unshelter\"", 2), blocked + 10 * MINUTE,
			MINUTE);
		world_pass(w, MINUTE);
		CHECK_STR(world_run_state(w, "unshelter"), "done");
		CHECK_STR(world_value(w, W_HUB, PARK), "");
		CHECK_INT(STARTS(w, SHELTER), 1);
		world_end(w);
	}
}

/* The brake holds what would start by itself, and says whose it is. */
static void
the_brake_is_somebodys(void)
{
	for (int on = 0; on < 2; on++) {
		struct world *w = settled(world_new("automatic"));

		if (on)
			(void)world_say(w, &(struct wask){ .verb = VERB_PAUSE });
		refuse(w, true);
		world_pass(w, HOUR);
		CHECK_INT(world_count(w, "START", ""), on ? 0 : 2);
		CHECK_INT(shown(w, "[by ann: a test]"), on);
		world_end(w);
	}
}

int
main(void)
{
	TEST(a_shelter_that_the_playbook_has_forgotten_is_a_persons);
	TEST(who_has_stood_down_is_not_asked_before_it_clears);
	TEST(a_run_that_is_found_open_is_followed_as_what_it_is);
	TEST(the_relays_queue_holds_an_eject);
	TEST(terms_that_are_nobodys_hold_nothing);
	TEST(a_question_is_of_the_diagnosis_that_led_to_it);
	TEST(a_suspicion_ends_with_the_diagnosis_that_led_to_it);
	TEST(an_answer_has_its_time_whatever_the_clock_says);
	TEST(a_foreground_verb_starts_nothing_by_itself);
	TEST(as_many_approve_as_the_response_says);
	TEST(a_shelter_that_failed_is_kept_and_shown);
	TEST(a_plan_that_cannot_be_made_is_tried_again);
	TEST(a_shelter_is_made_before_mail_moves);
	TEST(a_shelter_that_could_not_be_ended_is_tried_again);
	TEST(the_brake_is_somebodys);
	return check_end();
}
