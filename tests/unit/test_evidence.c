/* test_evidence.c - observations to diagnoses: N of M, silence, attribution, receivers, share,
 * time; and the schedule of asking. */
#include "lib/evidence_rig.h"

/* --- what meets a diagnosis --- */

static void
two_groups_with_harm_at_two_receivers_meet_it(void)
{
	struct rig r = rig_of(load(NULL, NULL));

	ROUNDS(&r, 2, LISTED, REFUSED("r1"), REFUSED("r2"));
	CHECK(diag(&r, "blocked")->met);
	CHECK(diag(&r, "blocked")->known);
	CHECK(!diag(&r, "blocked")->confirmed);
	CHECK_INT(diag(&r, "blocked")->groups_bad, 2);
	CHECK_INT(diag(&r, "blocked")->receivers_bad, 2);
	CHECK_INT(diag(&r, "blocked")->share_bp, 10000);
	CHECK(evidence_blind(r.e) == NULL);
	rig_end(&r);
}

static void
one_bad_answer_is_not_two_of_three(void)
{
	struct rig r = rig_of(load(NULL, NULL));

	ROUNDS(&r, 3, UNLISTED, ARRIVED("r1"), ARRIVED("r2"));
	ROUNDS(&r, 1, LISTED, REFUSED("r1"), REFUSED("r2"));
	CHECK(!diag(&r, "blocked")->met);
	ROUNDS(&r, 1, UNLISTED, ARRIVED("r1"), ARRIVED("r2"));
	CHECK(!diag(&r, "blocked")->met);
	ROUNDS(&r, 1, LISTED, REFUSED("r1"), REFUSED("r2"));
	CHECK(diag(&r, "blocked")->met);
	rig_end(&r);
}

static void
a_list_alone_meets_nothing(void)
{
	struct rig r = rig_of(load(NULL, NULL));

	ROUNDS(&r, 9, LISTED, ARRIVED("r1"), ARRIVED("r2"));
	CHECK_INT(diag(&r, "blocked")->groups_bad, 1);
	CHECK(!diag(&r, "blocked")->met);
	rig_end(&r);
}

static void
bad_without_harm_is_no_harm(void)
{
	struct rig r = rig_of(load(NULL, NULL));

	ROUNDS(&r, 9, LISTED, { .signal = "probe", .subject = "r1", .v = VERDICT_BAD },
		{ .signal = "probe", .subject = "r2", .v = VERDICT_BAD });
	CHECK_INT(diag(&r, "blocked")->groups_bad, 2);
	CHECK(!diag(&r, "blocked")->met);
	rig_end(&r);
}

static void
one_sick_receiver_is_one(void)
{
	struct rig r = rig_of(load(NULL, NULL));

	ROUNDS(&r, 9, LISTED, REFUSED("r2"), ARRIVED("r1"));
	CHECK_INT(diag(&r, "blocked")->receivers_bad, 1);
	CHECK_STR(diag(&r, "blocked")->only_class, "big");
	CHECK(!diag(&r, "blocked")->met);
	rig_end(&r);
}

/* The submission host refuses too: that is harm to all mail, and r2 is not sick alone. */
static void
harm_at_the_path_itself_is_no_receivers_own(void)
{
	struct rig r = rig_of(load("receivers: 2, share: 5%", "receivers: 1, share: 5%"));

	ROUNDS(&r, 3, LISTED, REFUSED("r2"), ARRIVED("r1"));
	CHECK(diag(&r, "blocked")->met);
	CHECK_STR(diag(&r, "blocked")->only_class, "big");
	rig_end(&r);
	r = rig_of(load("  probe-relay: {",
		"  submit: {kind: door, group: delivery, path: cloud, flow: "
		"outbound, every: 1m, host: 192.0.2.9}\n  probe-relay: {"));
	for (int i = 0; i < 3; i++) {
		ROUNDS(&r, 1, LISTED, REFUSED("r2"), ARRIVED("r1"));
		say(&r, (struct word){ .signal = "submit",
				.subject = playbook_signal(r.pb, "submit")->subjects[0].name,
				.v = VERDICT_BAD,
				.harm = true });
		pass(&r, SECOND);
	}
	CHECK_INT(diag(&r, "blocked")->receivers_bad, 1);
	CHECK(diag(&r, "blocked")->only_class == NULL);
	rig_end(&r);
}

static void
two_seeds_of_one_class_are_one_receiver(void)
{
	struct rig r = rig_of(load("{receiver: r1}, {receiver: r2, class: big}",
		"{receiver: r1, class: big}, {receiver: r2, class: big}, {receiver: r3}"));

	ROUNDS(&r, 9, LISTED, REFUSED("r1"), REFUSED("r2"));
	CHECK_INT(diag(&r, "blocked")->receivers_bad, 1);
	CHECK(!diag(&r, "blocked")->met);
	rig_end(&r);
}

static void
an_answer_may_name_another_class(void)
{
	struct rig r = rig_of(load(NULL, NULL));

	ROUNDS(&r, 9, LISTED, REFUSED("r1", .class = "big"), REFUSED("r2"));
	CHECK_INT(diag(&r, "blocked")->receivers_bad, 1);
	rig_end(&r);
}

static void
degraded_counts_as_the_playbook_says(void)
{
	struct rig r = rig_of(load(NULL, NULL));

	ROUNDS(&r, 9, LISTED,
		{ .signal = "probe", .subject = "r1", .v = VERDICT_DEGRADED, .harm = true },
		{ .signal = "probe", .subject = "r2", .v = VERDICT_DEGRADED, .harm = true });
	CHECK(!diag(&r, "blocked")->met);
	rig_end(&r);
	r = rig_of(load("group: delivery, path: cloud, every: 2m,",
		"group: delivery, path: cloud, every: 2m, degraded: bad,"));
	ROUNDS(&r, 9, LISTED,
		{ .signal = "probe", .subject = "r1", .v = VERDICT_DEGRADED, .harm = true },
		{ .signal = "probe", .subject = "r2", .v = VERDICT_DEGRADED, .harm = true });
	CHECK(diag(&r, "blocked")->met);
	rig_end(&r);
}

/* Two of three are bad at each receiver: a share of 66 %. */
static void
the_share_is_of_what_is_known(void)
{
	static const char from[] = "receivers: 2, share: 5%", to[] = "receivers: 2, share: 67%";
	struct rig r = rig_of(load(NULL, NULL));

	ROUNDS(&r, 1, LISTED, ARRIVED("r1"), ARRIVED("r2"));
	ROUNDS(&r, 2, LISTED, REFUSED("r1"), REFUSED("r2"));
	CHECK_INT(diag(&r, "blocked")->share_bp, 6666);
	CHECK(diag(&r, "blocked")->met);
	rig_end(&r);
	r = rig_of(load(from, to));
	ROUNDS(&r, 1, LISTED, ARRIVED("r1"), ARRIVED("r2"));
	ROUNDS(&r, 2, LISTED, REFUSED("r1"), REFUSED("r2"));
	CHECK(!diag(&r, "blocked")->met);
	ROUNDS(&r, 1, LISTED, REFUSED("r1"), REFUSED("r2"));
	CHECK(diag(&r, "blocked")->met);
	rig_end(&r);
}

static void
a_share_that_is_just_reached_is_enough(void)
{
	struct rig r = rig_of(load("receivers: 2, share: 5%", "receivers: 2, share: 66.66%"));

	ROUNDS(&r, 1, LISTED, ARRIVED("r1"), ARRIVED("r2"));
	ROUNDS(&r, 2, LISTED, REFUSED("r1"), REFUSED("r2"));
	CHECK(diag(&r, "blocked")->met);
	rig_end(&r);
}

/* r1 was refused once and is well; r2 is bad, but nobody refused it or was late. */
static void
harm_counts_where_it_is_bad(void)
{
	struct rig r = rig_of(load(
		"groups: 2, of: [reputation, delivery], must: [delivery], receivers: 2, share: 5%",
		"groups: 1, of: [delivery], must: [delivery]"));

	ROUNDS(&r, 1, REFUSED("r1"), { .signal = "probe", .subject = "r2", .v = VERDICT_BAD });
	ROUNDS(&r, 2, ARRIVED("r1"), { .signal = "probe", .subject = "r2", .v = VERDICT_BAD });
	CHECK_INT(diag(&r, "blocked")->groups_bad, 1);
	CHECK(!diag(&r, "blocked")->met);
	ROUNDS(&r, 1, ARRIVED("r1"), REFUSED("r2"));
	CHECK(diag(&r, "blocked")->met);
	rig_end(&r);
}

/* r1 was well and has gone silent; what is known is r2 alone. */
static void
who_is_silent_has_no_share(void)
{
	struct rig r = rig_of(load("receivers: 2, share: 5%", "receivers: 1, share: 67%"));

	ROUNDS(&r, 3, LISTED, ARRIVED("r1"), REFUSED("r2"));
	CHECK_INT(diag(&r, "blocked")->share_bp, 5000);
	ROUNDS(&r, 30, LISTED, SILENT("r1"), REFUSED("r2"));
	CHECK_INT(diag(&r, "blocked")->share_bp, 10000);
	rig_end(&r);
}

/* --- silence --- */

static void
silence_is_unknown_neither_well_nor_bad(void)
{
	struct rig r = rig_of(load(NULL, NULL));

	ROUNDS(&r, 3, LISTED, REFUSED("r1"), REFUSED("r2"));
	CHECK(diag(&r, "blocked")->met);
	ROUNDS(&r, 30, LISTED, SILENT("r1"),
		SILENT("r2")); /* ten minutes; stale is 3 x 2 m and the timeout */
	CHECK(!diag(&r, "blocked")->met);
	CHECK(!diag(&r, "blocked")->known);
	CHECK(!evidence_path_ok(r.e, r.pb->primary, FLOW_OUTBOUND));
	CHECK(!evidence_path_unfit(r.e, r.pb->primary, FLOW_OUTBOUND));
	CHECK_INT(diag(&r, "blocked")->clear_since_boot_ms, 0);
	rig_end(&r);
}

static void
what_was_before_a_silence_votes_no_more(void)
{
	struct rig r = rig_of(load(NULL, NULL));

	ROUNDS(&r, 3, LISTED, REFUSED("r1"), REFUSED("r2"));
	ROUNDS(&r, 30, LISTED);
	ROUNDS(&r, 1, LISTED, ARRIVED("r1"),
		REFUSED("r2")); /* two of the last three were bad, long ago */
	CHECK_INT(diag(&r, "blocked")->receivers_bad, 0);
	CHECK(!diag(&r, "blocked")->met);
	ROUNDS(&r, 1, LISTED, REFUSED("r1"), REFUSED("r2"));
	CHECK_INT(diag(&r, "blocked")->receivers_bad, 1); /* r2: two of two; r1: one of two */
	rig_end(&r);
}

static void
a_silence_between_two_updates_is_seen_too(void)
{
	struct rig r = rig_of(load(NULL, NULL));

	ROUNDS(&r, 3, LISTED, REFUSED("r1"), REFUSED("r2"));
	r.now += 20 * MINUTE; /* nobody asked for the time meanwhile */
	ROUNDS(&r, 1, LISTED, REFUSED("r1"), REFUSED("r2"));
	CHECK(!diag(&r, "blocked")->met);
	CHECK_INT(diag(&r, "blocked")->receivers_bad, 0);
	rig_end(&r);
}

/* Both were bad; one is well again, of the other nothing is heard: that is not clear. */
static void
silence_heals_nothing(void)
{
	struct rig r = rig_of(load(NULL, NULL));

	ROUNDS(&r, 3, LISTED, REFUSED("r1"), REFUSED("r2"));
	ROUNDS(&r, 9 * 60, UNLISTED, ARRIVED("r1"), SILENT("r2"));
	CHECK(!diag(&r, "blocked")->met);
	CHECK(!diag(&r, "blocked")->cleared);
	CHECK(!evidence_path_ok(r.e, r.pb->primary, FLOW_OUTBOUND));
	ROUNDS(&r, 2, UNLISTED, ARRIVED("r1"), ARRIVED("r2"));
	CHECK(evidence_path_ok(r.e, r.pb->primary, FLOW_OUTBOUND));
	ROUNDS(&r, 6 * 60 + 1, UNLISTED, ARRIVED("r1"), ARRIVED("r2"));
	CHECK(diag(&r, "blocked")->cleared);
	rig_end(&r);
}

/* The same where the other's messages come by another way now: of the way that was bad only the one
 * that is well speaks, and that is half of it. */
static void
what_comes_by_another_way_clears_nothing(void)
{
	struct rig r = rig_of(load(NULL, NULL));

	ROUNDS(&r, 3, LISTED, REFUSED("r1"), REFUSED("r2"));
	for (int n = 0; n < 3 * 60 * 9; n++) {
		anchors(&r);
		say(&r, (struct word)UNLISTED);
		say(&r, (struct word)ARRIVED("r1"));
		say(&r, (struct word){ .signal = "probe",
				.subject = "r2",
				.v = VERDICT_OK,
				.via = "203.0.113.65" });
		pass(&r, 20 * SECOND);
	}
	CHECK(!diag(&r, "blocked")->met);
	CHECK_INT(diag(&r, "blocked")->clear_since_boot_ms, 0);
	ROUNDS(&r, 2, UNLISTED, ARRIVED("r1"), ARRIVED("r2"));
	CHECK(diag(&r, "blocked")->clear_since_boot_ms > 0);
	rig_end(&r);
}

/* --- one observation --- */

static void
a_late_answer_does_not_overtake_a_newer_one(void)
{
	struct rig r = rig_of(load(NULL, NULL));

	ROUNDS(&r, 3, LISTED, ARRIVED("r1"), ARRIVED("r2"));
	ROUNDS(&r, 9, LISTED, REFUSED("r1", .age = 2 * MINUTE), REFUSED("r2", .age = 2 * MINUTE));
	CHECK_INT(diag(&r, "blocked")->receivers_bad,
		2); /* they come one after the other, each newer than the one before */
	rig_end(&r);
	r = rig_of(load(NULL, NULL));
	ROUNDS(&r, 3, LISTED, ARRIVED("r1"), ARRIVED("r2"));
	for (int i = 0; i < 5; i++) {
		say(&r, (struct word)REFUSED("r1", .age = 5 * MINUTE));
		say(&r, (struct word)REFUSED("r2", .age = 5 * MINUTE));
	}
	pass(&r, SECOND);
	CHECK_INT(diag(&r, "blocked")->receivers_bad, 0);
	rig_end(&r);
}

static void
an_old_observation_is_stale_when_it_comes(void)
{
	struct rig r = rig_of(load(NULL, NULL));

	r.now += HOUR;
	evidence_update(r.e, r.now, WALL0 + r.now);
	anchors(&r);
	for (int i = 3; i > 0; i--)
		say(&r, (struct word)REFUSED("r1", .age = 20 * MINUTE + i));
	pass(&r, SECOND);
	CHECK_INT(diag(&r, "blocked")->groups_known, 0);
	rig_end(&r);
}

static void
a_source_may_say_how_long_it_holds(void)
{
	struct rig r = rig_of(load(NULL, NULL));

	for (int i = 0; i < 3; i++) {
		say(&r, (struct word)REFUSED("r1", .valid = 10 * SECOND));
		say(&r, (struct word)REFUSED("r2", .valid = HOUR, .age = 2 * SECOND));
		pass(&r, 5 * SECOND);
	}
	CHECK_INT(diag(&r, "blocked")->receivers_bad, 2);
	pass(&r, 5 * SECOND);
	CHECK_INT(diag(&r, "blocked")->receivers_bad, 1);
	pass(&r, 59 * MINUTE);
	CHECK_INT(diag(&r, "blocked")->receivers_bad, 1);
	pass(&r, MINUTE);
	CHECK_INT(diag(&r, "blocked")->receivers_bad, 0);
	say(&r, (struct word)REFUSED("r1", .valid = -1));
	say(&r, (struct word)REFUSED("r1", .valid = -1));
	pass(&r, SECOND);
	CHECK_INT(diag(&r, "blocked")->groups_known, 0); /* it had run out before it was told */
	rig_end(&r);
}

static void
what_comes_by_itself_twice_counts_once(void)
{
	struct rig r = rig_of(load(NULL, NULL));
	struct event ev = { .type = EV_SEEN, .boot_ms = r.now, .wall_ms = WALL0 + r.now };

	ev.seen.signal = "probe";
	ev.seen.subject = "r1";
	ev.seen.verdict = VERDICT_BAD;
	ev.seen.harm = true;
	ev.seen.observed_wall_ms = ev.wall_ms - SECOND;
	evidence_seen(r.e, &ev);
	evidence_seen(r.e, &ev);
	pass(&r, SECOND);
	CHECK_INT(diag(&r, "blocked")->receivers_bad, 0);
	ev.seen.observed_wall_ms++;
	evidence_seen(r.e, &ev);
	pass(&r, SECOND);
	CHECK_INT(diag(&r, "blocked")->receivers_bad, 1);
	rig_end(&r);
}

static void
nobodys_signal_or_subject_is_ignored(void)
{
	struct rig r = rig_of(load(NULL, NULL));
	struct buf b;

	say(&r, (struct word){ .signal = "no-such", .subject = "r1", .v = VERDICT_BAD });
	say(&r, (struct word){ .signal = "probe", .subject = "r9", .v = VERDICT_BAD });
	pass(&r, SECOND);
	buf_init(&b, &stdmem, 65536);
	CHECK(!evidence_next_change(r.e, &b));
	evidence_put(r.e, NULL, &b);
	CHECK(text_ends(buf_text(&b), "\"cells\":[]}"));
	buf_fini(&b);
	rig_end(&r);
}

/* --- attribution --- */

static void
evidence_goes_to_the_path_that_the_reply_names(void)
{
	struct rig r = rig_of(load(NULL, NULL));

	/* the cloud's probe leaves by the relay now: its bounces accuse the relay */
	ROUNDS(&r, 9, LISTED, REFUSED("r1", .via = "203.0.113.65"),
		REFUSED("r2", .via = "relay.example"));
	CHECK_INT(diag(&r, "blocked")->receivers_bad, 0);
	CHECK(evidence_path_unfit(r.e, playbook_path(r.pb, "relay"), FLOW_OUTBOUND));
	CHECK(!evidence_path_unfit(r.e, r.pb->primary, FLOW_OUTBOUND));
	/* by its own gateway it accuses the cloud */
	ROUNDS(&r, 9, LISTED, REFUSED("r1", .via = "198.51.100.26"),
		REFUSED("r2", .via = "198.51.100.25"));
	CHECK(diag(&r, "blocked")->met);
	rig_end(&r);
}

static void
what_names_nobody_convinces_nobody(void)
{
	struct rig r = rig_of(load(NULL, NULL));

	ROUNDS(&r, 9, LISTED, REFUSED("r1", .via = "192.0.2.77"),
		REFUSED("r2", .via = "relay.exampl"));
	CHECK_INT(diag(&r, "blocked")->receivers_bad, 0);
	CHECK(!evidence_path_unfit(r.e, playbook_path(r.pb, "relay"), FLOW_OUTBOUND));
	rig_end(&r);
}

/* What comes in was handed in by a stranger's host, which is no path's: it came by the way that the
 * signal is pinned to, unless the host that gave it to us is another path's. */
static void
what_comes_in_from_a_stranger_came_by_the_pinned_way(void)
{
	static const struct {
		const char *via;
		bool cloud;
	} givers[] = { { "192.0.2.77", true }, { "198.51.100.25", true }, { NULL, true },
		{ "203.0.113.65", false /* the relay's spool */ } };

	for (size_t i = 0; i < sizeof givers / sizeof givers[0]; i++) {
		struct rig r = rig_of(load("  anchor-a: {kind: knock",
			"  door: {kind: letter, group: delivery, path: cloud, flow: inbound, "
			"every: "
			"1m, seeds: [{receiver: home}]}\n  anchor-a: {kind: knock"));
		for (int n = 0; n < 3; n++) {
			anchors(&r);
			say(&r, (struct word){ .signal = "door",
					.subject = "home",
					.v = VERDICT_OK,
					.via = givers[i].via });
			pass(&r, SECOND);
		}
		CHECK(evidence_path_ok(r.e, r.pb->primary, FLOW_INBOUND) == givers[i].cloud);
		rig_end(&r);
	}
}

/* A way that was bad is not well because its canary now comes by another: but neither does it stay
 * bad for that. Another canary, which still goes there, must say that it is well; and where the
 * first one is silent altogether, nothing is. */
static void
a_canary_that_comes_by_another_way_is_not_silent(void)
{
	for (int silent = 0; silent < 2; silent++) {
		struct rig r = rig_of(load("  anchor-a: {kind: knock",
			"  door: {kind: letter, group: delivery, path: cloud, flow: inbound, "
			"every: "
			"1m, seeds: [{receiver: home}]}\n"
			"  direct: {kind: letter, group: delivery, path: cloud, flow: inbound, "
			"every: "
			"1m, seeds: [{receiver: home}]}\n  anchor-a: {kind: knock"));
		const struct path *cloud = r.pb->primary;

		ROUNDS(&r, 3,
			{ .signal = "door", .subject = "home", .v = VERDICT_BAD, .harm = true },
			{ .signal = "direct", .subject = "home", .v = VERDICT_BAD, .harm = true });
		CHECK(evidence_path_unfit(r.e, cloud, FLOW_INBOUND));
		for (int n = 0; n < 60; n++) {
			anchors(&r);
			if (!silent)
				say(&r, (struct word){ .signal = "door",
						.subject = "home",
						.v = VERDICT_OK,
						.via = "203.0.113.65" });
			pass(&r, 20 * SECOND);
		}
		CHECK(!evidence_path_ok(r.e, cloud, FLOW_INBOUND)); /* nobody says so */
		ROUNDS(&r, 3, { .signal = "direct", .subject = "home", .v = VERDICT_OK });
		CHECK(evidence_path_ok(r.e, cloud, FLOW_INBOUND) == !silent);
		rig_end(&r);
	}
}

/* "[relay.example]:587" and "relay.example:587" are the same relay; a part of its
 * name is none. */
static void
a_relay_is_named_by_its_host(void)
{
	static const char *const hosts[] = { "\"[relay.example]:587\"", "relay.example:587" };
	static const struct {
		const char *via;
		bool its;
	} names[] = { { "relay.example", true }, { "relay", true /* the path's name */ },
		{ "relay.exampl", false }, { "elay.example", false },
		{ "relay.example.org", false }, { "[relay.example", false } };

	for (size_t h = 0; h < 2; h++)
		for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
			char relay[64];
			struct rig r;

			(void)snprintf(relay, sizeof relay, "{host: %s, auth", hosts[h]);
			r = rig_of(load("{host: \"[relay.example]:587\", auth", relay));
			for (int n = 0; n < 3; n++) {
				say(&r, (struct word)REFUSED("r1", .via = names[i].via));
				pass(&r, SECOND);
			}
			if (evidence_path_unfit(r.e, playbook_path(r.pb, "relay"), FLOW_OUTBOUND) !=
				names[i].its)
				printf("     %s, via %s\n", hosts[h], names[i].via);
			CHECK(evidence_path_unfit(r.e, playbook_path(r.pb, "relay"),
				      FLOW_OUTBOUND) == names[i].its);
			rig_end(&r);
		}
}

static void
a_backup_is_unfit_when_most_of_it_is_bad(void)
{
	struct rig r = rig_of(load("path: relay, every: 5m, seeds: [{receiver: r1}]",
		"path: relay, every: 5m, seeds: [{receiver: r1}, {receiver: r2}, {receiver: r3}]"));
	const struct path *relay = playbook_path(r.pb, "relay");

	ROUNDS(&r, 3, { .signal = "probe-relay", .subject = "r1", .v = VERDICT_BAD, .harm = true },
		{ .signal = "probe-relay", .subject = "r2", .v = VERDICT_OK },
		{ .signal = "probe-relay", .subject = "r3", .v = VERDICT_OK });
	CHECK(!evidence_path_unfit(r.e, relay, FLOW_OUTBOUND));
	CHECK(!evidence_path_ok(r.e, relay, FLOW_OUTBOUND));
	ROUNDS(&r, 60, { .signal = "probe-relay", .subject = "r1", .v = VERDICT_BAD, .harm = true },
		{ .signal = "probe-relay", .subject = "r2", .v = VERDICT_OK });
	CHECK(!evidence_path_unfit(
		r.e, relay, FLOW_OUTBOUND)); /* r3 is silent: one of two is not most */
	ROUNDS(&r, 3, { .signal = "probe-relay", .subject = "r1", .v = VERDICT_BAD, .harm = true },
		{ .signal = "probe-relay", .subject = "r2", .v = VERDICT_BAD, .harm = true });
	CHECK(evidence_path_unfit(r.e, relay, FLOW_OUTBOUND));
	rig_end(&r);
}

/* --- time --- */

static void
it_is_confirmed_after_for_and_not_before(void)
{
	struct rig r = rig_of(load(NULL, NULL));
	int64_t met;

	ROUNDS(&r, 2, LISTED, REFUSED("r1"), REFUSED("r2"));
	met = diag(&r, "blocked")->met_since_boot_ms;
	CHECK(met > 0);
	ROUNDS(&r, 14, LISTED, REFUSED("r1"), REFUSED("r2"));
	CHECK(r.now - met < 5 * MINUTE);
	CHECK(!diag(&r, "blocked")->confirmed);
	CHECK(evidence_wake_ms(r.e) <= met + 5 * MINUTE);
	ROUNDS(&r, 1, LISTED, REFUSED("r1"), REFUSED("r2"));
	CHECK(diag(&r, "blocked")->confirmed);
	rig_end(&r);
}

static void
a_gap_begins_for_anew(void)
{
	struct rig r = rig_of(load(NULL, NULL));

	ROUNDS(&r, 14, LISTED, REFUSED("r1"), REFUSED("r2"));
	ROUNDS(&r, 2, LISTED, ARRIVED("r1"), ARRIVED("r2"));
	CHECK(!diag(&r, "blocked")->met);
	ROUNDS(&r, 9, LISTED, REFUSED("r1"), REFUSED("r2"));
	CHECK(diag(&r, "blocked")->met);
	CHECK(!diag(&r, "blocked")->confirmed);
	rig_end(&r);
}

static void
it_clears_after_clear_with_good_answers(void)
{
	struct rig r = rig_of(load(NULL, NULL));

	ROUNDS(&r, 20, LISTED, REFUSED("r1"), REFUSED("r2"));
	ROUNDS(&r, 6 * 60 - 3, UNLISTED, ARRIVED("r1"), ARRIVED("r2"));
	CHECK(!diag(&r, "blocked")->cleared);
	ROUNDS(&r, 8, UNLISTED, ARRIVED("r1"), ARRIVED("r2"));
	CHECK(diag(&r, "blocked")->cleared);
	ROUNDS(&r, 2, LISTED, REFUSED("r1"), REFUSED("r2"));
	CHECK(!diag(&r, "blocked")->cleared);
	rig_end(&r);
}

static void
a_path_is_ok_since_it_was_first_seen_well(void)
{
	struct rig r = rig_of(load(NULL, NULL));
	int64_t since;

	CHECK_INT(evidence_path_ok_since(r.e, r.pb->primary, FLOW_OUTBOUND), 0);
	ROUNDS(&r, 3, UNLISTED, ARRIVED("r1"), ARRIVED("r2"));
	since = evidence_path_ok_since(r.e, r.pb->primary, FLOW_OUTBOUND);
	CHECK(since > 0 && since <= r.now);
	ROUNDS(&r, 9, UNLISTED, ARRIVED("r1"), ARRIVED("r2"));
	CHECK_INT(evidence_path_ok_since(r.e, r.pb->primary, FLOW_OUTBOUND), since);
	ROUNDS(&r, 2, LISTED, ARRIVED("r1"), ARRIVED("r2"));
	CHECK_INT(evidence_path_ok_since(r.e, r.pb->primary, FLOW_OUTBOUND),
		0); /* listed is not healthy */
	rig_end(&r);
}

/* --- telling --- */

static void
each_change_of_health_is_told_once(void)
{
	struct rig r = rig_of(load(NULL, NULL));
	struct buf b;
	int told = 0;

	ROUNDS(&r, 9, REFUSED("r1"));
	buf_init(&b, &stdmem, 65536);
	while (evidence_next_change(r.e, &b)) {
		told += strstr(buf_text(&b), "\"signal\":\"probe\"") != NULL &&
			strstr(buf_text(&b), "\"to\":\"bad\"") != NULL &&
			strstr(buf_text(&b), "\"harm\":true") != NULL;
		buf_reset(&b);
	}
	CHECK_INT(told, 1);
	ROUNDS(&r, 9, REFUSED("r1"));
	CHECK(!evidence_next_change(r.e, &b));
	buf_fini(&b);
	rig_end(&r);
}

static void
the_evidence_of_a_diagnosis_is_told_whole(void)
{
	struct rig r = rig_of(load(NULL, NULL));
	struct buf b;

	ROUNDS(&r, 2, LISTED, REFUSED("r1"), REFUSED("r2"),
		{ .signal = "probe-relay", .subject = "r1", .v = VERDICT_OK });
	buf_init(&b, &stdmem, 65536);
	evidence_put(r.e, &r.pb->diagnoses[0], &b);
	CHECK(text_starts(buf_text(&b), "{\"blind\":null,\"groups_bad\":2,\"groups_wanted\":2,"
					"\"receivers_bad\":2,\"share_bp\":10000,"));
	CHECK(strstr(buf_text(&b), "{\"signal\":\"probe\",\"subject\":\"r2\",\"group\":"
				   "\"delivery\",\"path\":\"cloud\",\"health\":\"bad\","
				   "\"harm\":true,\"bad\":2,\"known\":2,\"age_ms\":20000,\"why\":"
				   "\"said by the test\"}") != NULL);
	CHECK(strstr(buf_text(&b), "\"lists\"") != NULL);
	CHECK(strstr(buf_text(&b), "probe-relay") == NULL &&
		strstr(buf_text(&b), "anchor") == NULL);
	buf_reset(&b);
	evidence_put(r.e, NULL, &b); /* of everything */
	CHECK(strstr(buf_text(&b), "probe-relay") != NULL &&
		strstr(buf_text(&b), "anchor-a") != NULL);
	CHECK(strstr(buf_text(&b), "groups_bad") == NULL);
	buf_reset(&b);
	evidence_put(r.e, &r.pb->diagnoses[1], &b);
	CHECK(text_starts(buf_text(&b), "{\"blind\":null,\"groups_bad\":1,\"groups_wanted\":1,"));
	buf_fini(&b);
	rig_end(&r);
}

static void
a_signal_that_falls_silent_is_told_as_unknown(void)
{
	struct rig r = rig_of(load(NULL, NULL));
	struct buf b;

	ROUNDS(&r, 3, REFUSED("r1"));
	buf_init(&b, &stdmem, 65536);
	while (evidence_next_change(r.e, &b))
		buf_reset(&b);
	pass(&r, 20 * MINUTE);
	while (evidence_next_change(r.e, &b))
		buf_char(&b, '\n');
	CHECK(strstr(buf_text(&b), "\"signal\":\"probe\",\"subject\":\"r1\",\"path\":\"cloud\","
				   "\"from\":\"bad\",\"to\":\"unknown\","
				   "\"harm\":false,\"why\":\"no fresh answer\"}") != NULL);
	buf_fini(&b);
	rig_end(&r);
}

/* --- the schedule --- */

static void
each_subject_is_asked_at_its_pace(void)
{
	struct rig r = rig_of(load(NULL, NULL));
	int asked[8] = { 0 };
	int64_t end = r.now + 2 * HOUR, start = r.now;
	struct due d;

	while (r.now < end) {
		while (evidence_next_due(r.e, r.now, &d)) {
			asked[d.signal - r.pb->signals]++;
			say(&r, (struct word){ .signal = d.signal->name,
					.subject = d.subject->name,
					.v = VERDICT_OK });
		}
		CHECK(evidence_wake_ms(r.e) > r.now);
		pass(&r, evidence_wake_ms(r.e) - r.now);
	}
	for (size_t i = 0; i < r.pb->signals_n; i++) {
		const struct signal *s = &r.pb->signals[i];
		int64_t want = (end - start) / s->every_ms * (int64_t)s->subjects_n;

		if (asked[i] < want * 94 / 100 || asked[i] > want * 106 / 100 + 2)
			printf("     %s was asked %d times, want about %lld\n", s->name, asked[i],
				(long long)want);
		CHECK(asked[i] >= want * 94 / 100 && asked[i] <= want * 106 / 100 + 2);
	}
	rig_end(&r);
}

static void
anchors_are_asked_first_and_a_lost_answer_does_not_stop_the_asking(void)
{
	struct rig r = rig_of(load(NULL, NULL));
	struct due d;
	int first = 0, lists = 0;

	CHECK(evidence_next_due(r.e, r.now, &d) && d.signal->role == SIG_ANCHOR);
	CHECK(evidence_next_due(r.e, r.now, &d) && d.signal->role == SIG_ANCHOR);
	for (int i = 0; i < 3600; i++) {
		while (evidence_next_due(r.e, r.now, &d)) { /* nobody ever answers */
			lists += text_eq(d.signal->name, "lists");
			first++;
		}
		pass(&r, SECOND);
	}
	CHECK(lists >
		60); /* two addresses, an hour, every 30 s, each given up after twice its timeout */
	CHECK(first > lists);
	rig_end(&r);
}

static void
hurry_asks_the_harm_signals_of_one_path_at_once(void)
{
	struct rig r = rig_of(load(NULL, NULL));
	struct due d;
	int probes = 0;

	for (int i = 0; i < 5; i++) {
		while (evidence_next_due(r.e, r.now, &d))
			say(&r, (struct word){ .signal = d.signal->name,
					.subject = d.subject->name,
					.v = VERDICT_OK });
		pass(&r, SECOND);
	}
	evidence_hurry(r.e, r.pb->primary);
	CHECK(evidence_wake_ms(r.e) <= r.now);
	while (evidence_next_due(r.e, r.now, &d)) {
		CHECK(text_eq(d.signal->name, "probe"));
		probes++;
	}
	CHECK_INT(probes, 2);
	rig_end(&r);
}

/* What speaks of the other flow of the same path, in the same group, is another matter. */
static void
a_signal_of_the_other_flow_accuses_nobody_here(void)
{
	struct rig r = rig_of(load("  probe-relay: {",
		"  door: {kind: letter, group: delivery, path: cloud, flow: inbound, every: 1m, "
		"seeds: [{receiver: q1}, {receiver: q2}]}\n  probe-relay: {"));

	for (int i = 0; i < 3; i++) {
		ROUNDS(&r, 1, LISTED, ARRIVED("r1"), ARRIVED("r2"));
		say(&r, (struct word){ .signal = "door",
				.subject = "q1",
				.v = VERDICT_BAD,
				.harm = true });
		say(&r, (struct word){ .signal = "door",
				.subject = "q2",
				.v = VERDICT_BAD,
				.harm = true });
		pass(&r, SECOND);
	}
	CHECK_INT(diag(&r, "blocked")->groups_bad, 1);
	CHECK_INT(diag(&r, "blocked")->receivers_bad, 0);
	CHECK_INT(diag(&r, "blocked")->share_bp, 0);
	CHECK(!diag(&r, "blocked")->met);
	CHECK(diag(&r, "shut")->met);
	rig_end(&r);
}

/* Not met, for the lists say nothing; but what must be well is not, so nothing clears. */
static void
what_must_be_well_and_is_bad_clears_nothing(void)
{
	struct rig r = rig_of(load(NULL, NULL));

	ROUNDS(&r, 3, UNLISTED, REFUSED("r1"), REFUSED("r2"));
	CHECK(!diag(&r, "blocked")->met);
	CHECK_INT(diag(&r, "blocked")->clear_since_boot_ms, 0);
	ROUNDS(&r, 3, UNLISTED, ARRIVED("r1"), ARRIVED("r2"));
	CHECK(diag(&r, "blocked")->clear_since_boot_ms > 0);
	rig_end(&r);
}

/* More receivers than are told apart: as many are counted, and nothing is written behind them. */
static void
receivers_are_counted_up_to_sixty_four(void)
{
	struct playbook *pb;
	struct rig r;
	struct buf b;
	char text[64];

	buf_init(&b, &stdmem, 65536);
	for (int i = 0; i < 22; i++)
		buf_fmt(&b,
			"  m%d: {kind: letter, group: delivery, path: cloud, flow: outbound, "
			"every: 1m, "
			"seeds: [{receiver: a%d}, {receiver: b%d}, {receiver: c%d}]}\n",
			i, i, i, i);
	buf_str(&b, "  probe-relay: {");
	pb = load("  probe-relay: {", buf_text(&b));
	buf_fini(&b);
	r = rig_of(pb);
	for (int n = 0; n < 3; n++) {
		anchors(&r);
		for (int i = 0; i < 66; i++) {
			char signal[16], subject[16];

			(void)snprintf(signal, sizeof signal, "m%d", i / 3);
			(void)snprintf(subject, sizeof subject, "%c%d", "abc"[i % 3], i / 3);
			(void)snprintf(text, sizeof text, "class-%d", i);
			say(&r, (struct word){ .signal = signal,
					.subject = subject,
					.v = VERDICT_BAD,
					.harm = true,
					.class = text });
		}
		pass(&r, 20 * SECOND);
	}
	CHECK_INT(diag(&r, "blocked")->receivers_bad, 64);
	rig_end(&r);
}

int
main(void)
{
	TEST(two_groups_with_harm_at_two_receivers_meet_it);
	TEST(one_bad_answer_is_not_two_of_three);
	TEST(a_list_alone_meets_nothing);
	TEST(bad_without_harm_is_no_harm);
	TEST(one_sick_receiver_is_one);
	TEST(harm_at_the_path_itself_is_no_receivers_own);
	TEST(two_seeds_of_one_class_are_one_receiver);
	TEST(a_signal_of_the_other_flow_accuses_nobody_here);
	TEST(what_must_be_well_and_is_bad_clears_nothing);
	TEST(receivers_are_counted_up_to_sixty_four);
	TEST(an_answer_may_name_another_class);
	TEST(degraded_counts_as_the_playbook_says);
	TEST(the_share_is_of_what_is_known);
	TEST(a_share_that_is_just_reached_is_enough);
	TEST(harm_counts_where_it_is_bad);
	TEST(who_is_silent_has_no_share);
	TEST(silence_is_unknown_neither_well_nor_bad);
	TEST(what_was_before_a_silence_votes_no_more);
	TEST(a_silence_between_two_updates_is_seen_too);
	TEST(silence_heals_nothing);
	TEST(what_comes_by_another_way_clears_nothing);
	TEST(a_late_answer_does_not_overtake_a_newer_one);
	TEST(an_old_observation_is_stale_when_it_comes);
	TEST(a_source_may_say_how_long_it_holds);
	TEST(what_comes_by_itself_twice_counts_once);
	TEST(nobodys_signal_or_subject_is_ignored);
	TEST(evidence_goes_to_the_path_that_the_reply_names);
	TEST(what_names_nobody_convinces_nobody);
	TEST(what_comes_in_from_a_stranger_came_by_the_pinned_way);
	TEST(a_canary_that_comes_by_another_way_is_not_silent);
	TEST(a_relay_is_named_by_its_host);
	TEST(a_backup_is_unfit_when_most_of_it_is_bad);
	TEST(it_is_confirmed_after_for_and_not_before);
	TEST(a_gap_begins_for_anew);
	TEST(it_clears_after_clear_with_good_answers);
	TEST(a_path_is_ok_since_it_was_first_seen_well);
	TEST(each_change_of_health_is_told_once);
	TEST(the_evidence_of_a_diagnosis_is_told_whole);
	TEST(a_signal_that_falls_silent_is_told_as_unknown);
	TEST(each_subject_is_asked_at_its_pace);
	TEST(anchors_are_asked_first_and_a_lost_answer_does_not_stop_the_asking);
	TEST(hurry_asks_the_harm_signals_of_one_path_at_once);
	return check_end();
}
