/* test_blind.c - whoever is not sure of what he sees acts on nothing, and afterwards wants harm to
 * be seen anew (DESIGN section 6). */
#include "lib/evidence_rig.h"

static void
without_anchors_it_is_blind(void)
{
	struct rig r = rig_of(load(NULL, NULL));

	CHECK(evidence_blind(r.e) != NULL);
	anchors(&r);
	pass(&r, SECOND);
	CHECK(evidence_blind(r.e) == NULL);
	say(&r, (struct word){ .signal = "anchor-a",
			.subject = r.pb->signals[3].subjects[0].name,
			.v = VERDICT_BAD });
	pass(&r, SECOND);
	CHECK(evidence_blind(r.e) != NULL);
	anchors(&r);
	pass(&r, SECOND);
	CHECK(evidence_blind(r.e) == NULL);
	pass(&r, 10 * MINUTE); /* nobody answers any more */
	CHECK(evidence_blind(r.e) != NULL);
	rig_end(&r);
}

static void
what_is_seen_blind_ripens_nothing(void)
{
	struct rig r = rig_of(load(NULL, NULL));

	for (int i = 0; i < 60; i++) {
		say(&r, (struct word)LISTED);
		say(&r, (struct word)REFUSED("r1"));
		say(&r, (struct word)REFUSED("r2"));
		pass(&r, 20 * SECOND);
	}
	CHECK(evidence_blind(r.e) != NULL);
	CHECK(diag(&r, "blocked")->met);
	CHECK(!diag(&r, "blocked")->confirmed);
	ROUNDS(&r, 14, LISTED, REFUSED("r1"), REFUSED("r2"));
	CHECK(evidence_blind(r.e) == NULL);
	CHECK(!diag(&r, "blocked")->confirmed); /* `for` begins when it sees */
	ROUNDS(&r, 3, LISTED, REFUSED("r1"), REFUSED("r2"));
	CHECK(diag(&r, "blocked")->confirmed);
	rig_end(&r);
	r = rig_of(load("share: 5%, for: 5m", "share: 5%, for: 0s")); /* nor what need not ripen */
	for (int i = 0; i < 6; i++) {
		say(&r, (struct word)LISTED);
		say(&r, (struct word)REFUSED("r1"));
		say(&r, (struct word)REFUSED("r2"));
		pass(&r, 20 * SECOND);
	}
	CHECK(diag(&r, "blocked")->met);
	CHECK(!diag(&r, "blocked")->confirmed);
	rig_end(&r);
}

/* One more answer of an anchor, so long after the beginning, by a clock that has jumped so far. */
static bool
sees_after(struct rig *r, enum verdict v, int64_t ms, int64_t jump)
{
	struct event ev = { .type = EV_SEEN,
		.boot_ms = r->now + ms,
		.wall_ms = WALL0 + r->now + ms + 1500 + jump,
		.op = 1,
		.seen = { .signal = "anchor-b", .verdict = v } };

	ev.seen.subject = playbook_signal(r->pb, "anchor-b")->subjects[0].name;
	evidence_seen(r->e, &ev);
	evidence_update(r->e, ev.boot_ms, ev.wall_ms);
	return evidence_blind(r->e) == NULL;
}

static void
a_clock_that_jumps_blinds_for_a_while(void)
{
	static const int64_t jumps[] = { 2500, -2500, HOUR, -(int64_t)HOUR };

	for (size_t i = 0; i < 4; i++) {
		struct rig r = rig_of(load(NULL, NULL));

		anchors(&r);
		pass(&r, SECOND);
		evidence_update(
			r.e, r.now + SECOND, WALL0 + r.now + SECOND + 1500); /* slewed: no jump */
		CHECK(evidence_blind(r.e) == NULL);
		evidence_update(
			r.e, r.now + 2 * SECOND, WALL0 + r.now + 2 * SECOND + 1500 + jumps[i]);
		CHECK(evidence_blind(r.e) != NULL && strstr(evidence_blind(r.e), "clock") != NULL);
		CHECK(evidence_wake_ms(r.e) <= r.now + 2 * SECOND + 30 * SECOND);
		evidence_update(
			r.e, r.now + 33 * SECOND, WALL0 + r.now + 33 * SECOND + 1500 + jumps[i]);
		CHECK(evidence_blind(r.e) != NULL); /* steady, but no anchor has answered since */
		CHECK(!sees_after(&r, VERDICT_UNKNOWN, 34 * SECOND, jumps[i]));
		CHECK(!sees_after(&r, VERDICT_BAD, 35 * SECOND, jumps[i]));
		CHECK(sees_after(&r, VERDICT_OK, 36 * SECOND, jumps[i]));
		rig_end(&r);
	}
}

/* A list that lists the world, or lists that nobody can ask: what it says is unknown, and two such
 * answers in a row blind. */
static void
a_source_that_fails_its_self_test_blinds(void)
{
	struct rig r = rig_of(load(NULL, NULL));

	ROUNDS(&r, 14, LISTED, REFUSED("r1"), REFUSED("r2"));
	ROUNDS(&r, 1, UNTESTED(VERDICT_UNKNOWN));
	CHECK(evidence_blind(r.e) == NULL); /* one may be lost on its way */
	ROUNDS(&r, 1, UNTESTED(VERDICT_UNKNOWN));
	CHECK(evidence_blind(r.e) != NULL && strstr(evidence_blind(r.e), "self-test") != NULL);
	/* one list of two lies: blind all the same, whatever the other one says */
	ROUNDS(&r, 14, UNTESTED(VERDICT_BAD), REFUSED("r1"), REFUSED("r2"));
	CHECK(evidence_blind(r.e) != NULL);
	CHECK(!diag(&r, "blocked")->confirmed);
	ROUNDS(&r, 14, LISTED, REFUSED("r1"), REFUSED("r2"));
	CHECK(evidence_blind(r.e) == NULL);
	CHECK(!diag(&r, "blocked")->confirmed); /* what was seen while blind ripened nothing */
	ROUNDS(&r, 3, LISTED, REFUSED("r1"), REFUSED("r2"));
	CHECK(diag(&r, "blocked")->confirmed);
	rig_end(&r);
}

/* --- and afterwards --- */

static void
anchors_fail(struct rig *r)
{
	static const char *const names[] = { "anchor-a", "anchor-b" };

	for (int i = 0; i < 2; i++)
		say(r, (struct word){ .signal = names[i],
			       .subject = playbook_signal(r->pb, names[i])->subjects[0].name,
			       .v = VERDICT_BAD });
}

enum { ANCHORS, LISTS, CLOCK, KINDS };

/* Mail is refused at both receivers for all of it; what was bad before is forgotten meanwhile. */
static void
refused_while_blind(struct rig *r, int kind)
{
	for (int i = 0; i < 8; i++) {
		if (kind == ANCHORS)
			anchors_fail(r);
		if (kind == LISTS)
			say(r, (struct word)UNTESTED(VERDICT_UNKNOWN));
		if (kind == CLOCK && i == 0)
			evidence_update(r->e, r->now, WALL0 + r->now + HOUR);
		pass(r, SECOND);
		if (i >= 2) {
			say(r, (struct word)REFUSED("r1"));
			say(r, (struct word)REFUSED("r2"));
		}
		pass(r, SECOND);
		CHECK(i < 2 || evidence_blind(r->e) != NULL);
	}
}

/* `groups: 1` of delivery alone: mail was refused while nothing could be believed, and then the
 * receivers are well; the old answers still count as bad, and convince nobody. */
static void
harm_is_seen_anew_after_each_kind_of_blindness(void)
{
	for (int kind = 0; kind < KINDS; kind++)
		for (int again = 0; again < 2; again++) {
			struct rig r = rig_of(load("groups: 2, of: [reputation, delivery], must: "
						   "[delivery], receivers: 2, share: 5%, for: 5m",
				"groups: 1, of: [delivery], must: [delivery], receivers: 2, "
				"for: 0s"));

			ROUNDS(&r, 3, UNLISTED, ARRIVED("r1"), ARRIVED("r2"));
			refused_while_blind(&r, kind);
			for (int i = 0; i < 40 && evidence_blind(r.e) != NULL; i++) {
				anchors(&r);
				say(&r, (struct word)UNLISTED);
				pass(&r, SECOND);
			}
			CHECK(evidence_blind(r.e) == NULL);
			CHECK(!diag(&r, "blocked")->met && !diag(&r, "blocked")->confirmed);
			ROUNDS(&r, 1, UNLISTED, ARRIVED("r1"), ARRIVED("r2"));
			CHECK(!diag(&r, "blocked")->met && !diag(&r, "blocked")->confirmed);
			if (again != 0) { /* the twin: it is still so */
				ROUNDS(&r, 2, UNLISTED, REFUSED("r1"), REFUSED("r2"));
				CHECK(diag(&r, "blocked")->confirmed);
			}
			rig_end(&r);
		}
}

/* The answer that arrives with the jump may be of it: a message that the new time calls late. */
static void
the_answer_that_comes_with_the_jump_is_of_it(void)
{
	struct rig r = rig_of(load("groups: 2, of: [reputation, delivery], must: [delivery], "
				   "receivers: 2, share: 5%, for: 5m",
		"groups: 1, of: [delivery], must: [delivery], for: 0s"));
	struct event ev = { .type = EV_SEEN, .op = 1 };

	ROUNDS(&r, 1, UNLISTED, REFUSED("r1"), ARRIVED("r2"));
	ev.boot_ms = r.now + SECOND;
	ev.wall_ms = WALL0 + r.now + SECOND + HOUR;
	ev.seen.signal = "probe";
	ev.seen.subject = "r1";
	ev.seen.path = "cloud";
	ev.seen.verdict = VERDICT_BAD;
	ev.seen.harm = true;
	evidence_seen(r.e, &ev);
	evidence_update(r.e, ev.boot_ms, ev.wall_ms);
	CHECK(!diag(&r, "blocked")->met);
	rig_end(&r);
}

int
main(void)
{
	TEST(without_anchors_it_is_blind);
	TEST(what_is_seen_blind_ripens_nothing);
	TEST(a_clock_that_jumps_blinds_for_a_while);
	TEST(a_source_that_fails_its_self_test_blinds);
	TEST(harm_is_seen_anew_after_each_kind_of_blindness);
	TEST(the_answer_that_comes_with_the_jump_is_of_it);
	return check_end();
}
