/*
 * test_evidence.c - observations to diagnoses: N of M, silence, attribution, receivers, share,
 * blindness, time; every combination of health for up to six groups against an oracle; and machines
 * that are fed flapping evidence for hours.
 */
#include "base/text.h"
#include "core/decide.h"
#include "core/evidence.h"
#include "lib/playbook_rig.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };
static const int64_t WALL0 = 1790000000000; /* wall clock at boot */

static struct playbook *
load_text(const char *text)
{
	struct findings *f;
	struct playbook *pb = rig_load(text, NULL, &f);

	if (pb == NULL) {
		rig_print(f);
		abort();
	}
	findings_free(&f);
	return pb;
}

static struct playbook *
load(const char *from, const char *to)
{
	struct place at;
	char *text = from != NULL ? rig_edit(from, to, &at) : NULL;
	struct playbook *pb;

	if (from != NULL && text == NULL)
		abort();
	pb = load_text(text != NULL ? text : rig_base);
	free(text);
	return pb;
}

/* --- a rig: evidence with a clock --- */

struct rig {
	struct playbook *pb;
	struct evidence *e;
	int64_t now; /* boot */
};

static struct rig
rig_of(struct playbook *pb)
{
	struct rig r = { pb, evidence_new(&stdmem, pb), 10 * MINUTE };

	if (r.e == NULL)
		abort();
	evidence_seed(r.e, 1);
	evidence_update(r.e, r.now, WALL0 + r.now);
	return r;
}

static void
rig_end(struct rig *r)
{
	evidence_free(&r->e);
	playbook_unref(&r->pb);
}

struct word {
	const char *signal, *subject;
	enum verdict v;
	bool harm;
	const char *via, *class;
	int64_t age, valid; /* 0 = none */
};

static void
say(struct rig *r, struct word w)
{
	struct event ev = {
		.type = EV_SEEN, .boot_ms = r->now, .wall_ms = WALL0 + r->now, .op = 1
	};

	ev.seen.signal = w.signal;
	ev.seen.subject = w.subject;
	ev.seen.verdict = w.v;
	ev.seen.harm = w.harm;
	ev.seen.via = w.via;
	ev.seen.class = w.class;
	ev.seen.observed_wall_ms = w.age > 0 ? ev.wall_ms - w.age : 0;
	ev.seen.valid_until_wall_ms = w.valid != 0 ? ev.wall_ms + w.valid : 0;
	ev.seen.why = "said by the test";
	evidence_seen(r->e, &ev);
}

static void
pass(struct rig *r, int64_t ms)
{
	r->now += ms;
	evidence_update(r->e, r->now, WALL0 + r->now);
}

static void
anchors(struct rig *r)
{
	say(r, (struct word){ .signal = "anchor-a", .v = VERDICT_OK, .subject = "192.0.2.1" });
	say(r, (struct word){ .signal = "anchor-b", .v = VERDICT_OK, .subject = "203.0.113.80" });
	say(r, (struct word){ .signal = "anchor-a", .v = VERDICT_OK, .subject = "" });
	say(r, (struct word){ .signal = "anchor-b", .v = VERDICT_OK, .subject = "" });
}

/* n rounds, twenty seconds apart: anchors answer, and each word is said. */
static void
rounds(struct rig *r, int n, const struct word *w, size_t words)
{
	for (int i = 0; i < n; i++) {
		anchors(r);
		for (size_t k = 0; k < words; k++)
			say(r, w[k]);
		pass(r, 20 * SECOND);
	}
}
#define ROUNDS(r, n, ...)                                                                          \
	do {                                                                                       \
		static const struct word round_words[] = { __VA_ARGS__ };                          \
		rounds(r, n, round_words, sizeof round_words / sizeof round_words[0]);             \
	} while (0)

static const struct diag_view *
diag(const struct rig *r, const char *name)
{
	const struct diag_view *v;
	size_t n = evidence_diags(r->e, &v);

	for (size_t i = 0; i < n; i++)
		if (text_eq(v[i].d->name, name))
			return &v[i];
	abort();
}

#define LISTED                                                                                     \
	{                                                                                          \
		.signal = "lists", .subject = "198.51.100.25", .v = VERDICT_BAD                    \
	}
#define UNLISTED                                                                                   \
	{                                                                                          \
		.signal = "lists", .subject = "198.51.100.25", .v = VERDICT_OK                     \
	}
#define REFUSED(s)                                                                                 \
	{                                                                                          \
		.signal = "probe", .subject = s, .v = VERDICT_BAD, .harm = true                    \
	}
#define ARRIVED(s)                                                                                 \
	{                                                                                          \
		.signal = "probe", .subject = s, .v = VERDICT_OK                                   \
	}
#define SILENT(s)                                                                                  \
	{                                                                                          \
		.signal = "probe", .subject = s, .v = VERDICT_UNKNOWN                              \
	}

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
	r = rig_of(load(
		"  probe-relay: {", "  submit: {kind: door, group: delivery, path: cloud, flow: "
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
		"{receiver: r1, class: big}, {receiver: r2, class: big}"));

	ROUNDS(&r, 9, LISTED, REFUSED("r1"), REFUSED("r2"));
	CHECK_INT(diag(&r, "blocked")->receivers_bad, 1);
	CHECK(!diag(&r, "blocked")->met);
	rig_end(&r);
}

static void
an_answer_may_name_another_class(void)
{
	struct rig r = rig_of(load(NULL, NULL));

	ROUNDS(&r, 9, LISTED,
		{ .signal = "probe",
			.subject = "r1",
			.v = VERDICT_BAD,
			.harm = true,
			.class = "big" },
		REFUSED("r2"));
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

/* --- one observation --- */

static void
a_late_answer_does_not_overtake_a_newer_one(void)
{
	struct rig r = rig_of(load(NULL, NULL));

	ROUNDS(&r, 3, LISTED, ARRIVED("r1"), ARRIVED("r2"));
	ROUNDS(&r, 9, LISTED,
		{ .signal = "probe",
			.subject = "r1",
			.v = VERDICT_BAD,
			.harm = true,
			.age = 2 * MINUTE },
		{ .signal = "probe",
			.subject = "r2",
			.v = VERDICT_BAD,
			.harm = true,
			.age = 2 * MINUTE });
	CHECK_INT(diag(&r, "blocked")->receivers_bad,
		2); /* they come one after the other, each newer than the one before */
	rig_end(&r);
	r = rig_of(load(NULL, NULL));
	ROUNDS(&r, 3, LISTED, ARRIVED("r1"), ARRIVED("r2"));
	for (int i = 0; i < 5; i++) {
		say(&r, (struct word){ .signal = "probe",
				.subject = "r1",
				.v = VERDICT_BAD,
				.harm = true,
				.age = 5 * MINUTE });
		say(&r, (struct word){ .signal = "probe",
				.subject = "r2",
				.v = VERDICT_BAD,
				.harm = true,
				.age = 5 * MINUTE });
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
		say(&r, (struct word){ .signal = "probe",
				.subject = "r1",
				.v = VERDICT_BAD,
				.harm = true,
				.age = 20 * MINUTE + i });
	pass(&r, SECOND);
	CHECK_INT(diag(&r, "blocked")->groups_known, 0);
	rig_end(&r);
}

static void
a_source_may_say_how_long_it_holds(void)
{
	struct rig r = rig_of(load(NULL, NULL));

	for (int i = 0; i < 3; i++) {
		say(&r, (struct word){ .signal = "probe",
				.subject = "r1",
				.v = VERDICT_BAD,
				.harm = true,
				.valid = 10 * SECOND });
		say(&r, (struct word){ .signal = "probe",
				.subject = "r2",
				.v = VERDICT_BAD,
				.harm = true,
				.valid = HOUR,
				.age = 2 * SECOND });
		pass(&r, 5 * SECOND);
	}
	CHECK_INT(diag(&r, "blocked")->receivers_bad, 2);
	pass(&r, 5 * SECOND);
	CHECK_INT(diag(&r, "blocked")->receivers_bad, 1);
	pass(&r, 59 * MINUTE);
	CHECK_INT(diag(&r, "blocked")->receivers_bad, 1);
	pass(&r, MINUTE);
	CHECK_INT(diag(&r, "blocked")->receivers_bad, 0);
	say(&r, (struct word){ .signal = "probe",
			.subject = "r1",
			.v = VERDICT_BAD,
			.harm = true,
			.valid = -1 });
	say(&r, (struct word){ .signal = "probe",
			.subject = "r1",
			.v = VERDICT_BAD,
			.harm = true,
			.valid = -1 });
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
	ROUNDS(&r, 9, LISTED,
		{ .signal = "probe",
			.subject = "r1",
			.v = VERDICT_BAD,
			.harm = true,
			.via = "203.0.113.65" },
		{ .signal = "probe",
			.subject = "r2",
			.v = VERDICT_BAD,
			.harm = true,
			.via = "relay.example" });
	CHECK_INT(diag(&r, "blocked")->receivers_bad, 0);
	CHECK(evidence_path_unfit(r.e, playbook_path(r.pb, "relay"), FLOW_OUTBOUND));
	CHECK(!evidence_path_unfit(r.e, r.pb->primary, FLOW_OUTBOUND));
	/* by its own gateway it accuses the cloud */
	ROUNDS(&r, 9, LISTED,
		{ .signal = "probe",
			.subject = "r1",
			.v = VERDICT_BAD,
			.harm = true,
			.via = "198.51.100.26" },
		{ .signal = "probe",
			.subject = "r2",
			.v = VERDICT_BAD,
			.harm = true,
			.via = "198.51.100.25" });
	CHECK(diag(&r, "blocked")->met);
	rig_end(&r);
}

static void
what_names_nobody_convinces_nobody(void)
{
	struct rig r = rig_of(load(NULL, NULL));

	ROUNDS(&r, 9, LISTED,
		{ .signal = "probe",
			.subject = "r1",
			.v = VERDICT_BAD,
			.harm = true,
			.via = "192.0.2.77" },
		{ .signal = "probe",
			.subject = "r2",
			.v = VERDICT_BAD,
			.harm = true,
			.via = "relay.exampl" });
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
				say(&r, (struct word){ .signal = "probe",
						.subject = "r1",
						.v = VERDICT_BAD,
						.harm = true,
						.via = names[i].via });
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

/* --- blindness --- */

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
		CHECK(evidence_blind(r.e) == NULL);
		rig_end(&r);
	}
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

/* --- truth table: {healthy, failing, unknown, stale}^k for k groups --- */

enum kind { HEALTHY, FAILING, UNKNOWN, STALE, KINDS };
enum { GROUPS_MAX = 6 };

static void
put_playbook(struct buf *b, int k, int groups, int must)
{
	const char *at = strstr(rig_base, "signals:\n"), *end = strstr(rig_base, "  shut: {");

	buf_add(b, rig_base, (size_t)(at - rig_base));
	buf_str(b,
		"signals:\n  anchor-a: {kind: knock, role: anchor, every: 20s, host: 192.0.2.1}\n"
		"  anchor-b: {kind: knock, role: anchor, every: 20s, host: 203.0.113.80}\n"
		"  probe-relay: {kind: letter, group: delivery, path: relay, every: 5m, seeds: "
		"[{receiver: r1}]}\n"
		"  door: {kind: letter, group: delivery, path: cloud, flow: inbound, every: 5m, "
		"seeds: [{receiver: r1}]}\n");
	for (int i = 0; i < k; i++)
		buf_fmt(b,
			"  s%d: {kind: letter, group: g%d, path: cloud, flow: outbound, every: 1m, "
			"seeds: [{receiver: q%d}]}\n",
			i, i, i);
	buf_fmt(b, "diagnoses:\n  blocked: {path: cloud, flow: outbound, groups: %d, of: [",
		groups);
	for (int i = 0; i < k; i++)
		buf_fmt(b, "%sg%d", i > 0 ? ", " : "", i);
	buf_str(b, "], must: [");
	for (int i = 0; i < must; i++)
		buf_fmt(b, "%sg%d", i > 0 ? ", " : "", i);
	buf_str(b, "], for: 5m, clear: 2h}\n");
	buf_str(b, end);
}

static void
feed(struct rig *r, int k, const enum kind *kind)
{
	static const enum verdict verdicts[] = { VERDICT_OK, VERDICT_BAD, VERDICT_UNKNOWN,
		VERDICT_BAD };
	char signal[8], subject[8];

	for (int n = 0; n < 3; n++) {
		for (int i = 0; i < k; i++) {
			(void)snprintf(signal, sizeof signal, "s%d", i);
			(void)snprintf(subject, sizeof subject, "q%d", i);
			say(r, (struct word){ .signal = signal,
				       .subject = subject,
				       .v = verdicts[kind[i]],
				       .harm = kind[i] != HEALTHY,
				       .age = kind[i] == STALE ? HOUR / 2 - n : 0 });
		}
		r->now += SECOND;
	}
	anchors(r);
	pass(r, SECOND);
}

/* From DESIGN section 6 alone: unknown and stale vote neither way. */
static bool
oracle(int k, const enum kind *kind, int groups, int must)
{
	int failing = 0, harm = 0;

	for (int i = 0; i < k; i++) {
		failing += kind[i] == FAILING;
		harm += kind[i] == FAILING && i < must;
	}
	return failing >= groups && harm > 0;
}

static void
every_combination_of_health_agrees_with_the_oracle(void)
{
	int rows = 0, met = 0;

	for (int k = 1; k <= GROUPS_MAX; k++) {
		int groups = k / 2 + 1, must = (k + 1) / 2, combinations = 1 << (2 * k);
		struct playbook *pb;
		struct buf b;

		buf_init(&b, &stdmem, 65536);
		put_playbook(&b, k, groups, must);
		pb = load_text(buf_text(&b));
		buf_fini(&b);
		for (int c = 0; c < combinations; c++, rows++) {
			struct rig r = { pb, evidence_new(&stdmem, pb), HOUR };
			enum kind kind[GROUPS_MAX];
			bool want;

			for (int i = 0; i < k; i++)
				kind[i] = (enum kind)(c >> (2 * i) & 3);
			want = oracle(k, kind, groups, must);
			evidence_update(r.e, r.now, WALL0 + r.now);
			feed(&r, k, kind);
			if (diag(&r, "blocked")->met != want)
				printf("     k %d, combination %x: want %d\n", k, (unsigned)c,
					want);
			CHECK(diag(&r, "blocked")->met == want);
			met += want;
			evidence_free(&r.e);
		}
		playbook_unref(&pb);
	}
	CHECK_INT(rows, 5460);
	CHECK(met > 100 && met < rows / 2);
}

/* --- machines fed with flapping evidence --- */

static uint64_t
rnd(uint64_t *s)
{
	uint64_t x = *s += 0x9e3779b97f4a7c15u;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

/* How a source behaves: a square wave, or a Markov chain between well, bad and silent. */
struct source {
	bool square;
	int64_t period, phase;
	unsigned turn; /* of 1000, for each answer */
	enum kind now;
};

enum { SOURCES = 8 };

struct world {
	struct rig r;
	uint64_t rng;
	struct source source[SOURCES];
	bool anchors_flap, brake_flaps, only_lists;
	/* the machine, as records would add up */
	enum life_state state;
	int64_t state_since, run_ends, shelter_since, asked, last_move, autos[64];
	size_t autos_n;
	bool shelter, back, unfit_told, expiry_told, paused;
	char led[64], down[64];
	/* what was done */
	int shelters, asks, starts, backs;
	uint64_t trace;
};

static void
world_new(struct world *w, struct playbook *pb, uint64_t seed)
{
	*w = (struct world){ .r = rig_of(pb), .rng = seed, .state = LS_NORMAL };
	evidence_seed(w->r.e, seed);
	for (int i = 0; i < SOURCES; i++)
		w->source[i] = (struct source){ .square = rnd(&w->rng) % 2,
			.period = (int64_t)(rnd(&w->rng) % (40 * MINUTE)) + MINUTE,
			.phase = (int64_t)(rnd(&w->rng) % HOUR),
			.turn = (unsigned)(rnd(&w->rng) % 200) };
}

static enum kind
source_kind(struct world *w, struct source *s)
{
	if (s->square)
		return (w->r.now + s->phase) / s->period % 2 ? FAILING : HEALTHY;
	if (rnd(&w->rng) % 1000 < s->turn)
		s->now = (enum kind)(rnd(&w->rng) % 3);
	return s->now;
}

static void
world_answer(struct world *w, const struct due *d)
{
	size_t i = (size_t)(d->signal - w->r.pb->signals);
	struct source *s = &w->source[(i + (size_t)(d->subject - d->signal->subjects)) % SOURCES];
	enum kind k = source_kind(w, s);

	if (d->signal->role == SIG_ANCHOR && !w->anchors_flap)
		k = HEALTHY;
	if (w->only_lists && !text_eq(d->signal->name, "lists"))
		k = HEALTHY;
	say(&w->r, (struct word){ .signal = d->signal->name,
			   .subject = d->subject->name,
			   .harm = d->signal->harm,
			   .v = k == FAILING   ? VERDICT_BAD
				: k == HEALTHY ? VERDICT_OK
					       : VERDICT_UNKNOWN });
}

static void
world_facts(struct world *w, struct facts *f)
{
	const struct path *p = w->r.pb->primary;
	const struct procedure *out = playbook_cutover(w->r.pb, FLOW_OUTBOUND);
	int64_t since = evidence_path_ok_since(w->r.e, p, FLOW_OUTBOUND), wall = WALL0 + w->r.now;

	*f = (struct facts){ .pb = w->r.pb,
		.state = w->state,
		.boot_ms = w->r.now,
		.wall_ms = wall,
		.state_since_wall_ms = WALL0 + w->state_since,
		.paused = w->paused ? "the test" : NULL,
		.blind = evidence_blind(w->r.e),
		.led_by = w->led,
		.shelter_open = w->shelter,
		.unfit_told = w->unfit_told,
		.expiry_told = w->expiry_told,
		.base_ready = true,
		.queues_drained = true,
		.asked_wall_ms = w->asked,
		.last_cutover_wall_ms = w->last_move,
		.approvals_needed = 1,
		.stood_down = w->down[0] != '\0' ? w->down : NULL };
	f->diag_n = evidence_diags(w->r.e, &f->diag);
	f->primary_ok = evidence_path_ok(w->r.e, p, FLOW_OUTBOUND);
	f->primary_soaked = since > 0 && w->r.now - since >= out->failback.soak_ms;
	f->backup_unfit = evidence_path_unfit(w->r.e, out->to, FLOW_OUTBOUND);
	f->shelter_ended = w->shelter && w->r.now - w->shelter_since > 4 * HOUR;
	if (w->run_ends != 0) {
		f->run = w->r.now >= w->run_ends ? RUN_ENDED_DONE : RUN_FORWARD_PIVOTED;
		f->run_is_failback = w->back;
	}
	for (size_t i = 0; i < w->autos_n; i++)
		f->cutovers_in_budget += wall - w->autos[i] < w->r.pb->limits.cutovers.per_ms;
	w->unfit_told = w->unfit_told && f->backup_unfit;
	w->expiry_told = w->expiry_told && f->shelter_ended;
}

/* What must hold of everything that starts by itself (DESIGN section 6, invariants 7 and 16). */
static void
world_check(struct world *w, const struct facts *f, const struct decision *d)
{
	const struct limits *l = &w->r.pb->limits;
	bool automatic = d->event == LE_CONFIRMED_AUTO || d->event == LE_PROCEED;

	if (d->row->act == LD_SHELTER || d->row->act == LD_ASK || d->row->act == LD_CUTOVER ||
		d->row->act == LD_FAILBACK || d->row->act == LD_UNSHELTER) {
		CHECK(!w->paused);
		CHECK(f->blind == NULL);
		CHECK(!w->only_lists);
	}
	if (d->row->act == LD_FAILBACK)
		CHECK(f->primary_ok && f->primary_soaked);
	if (!automatic)
		return;
	CHECK(f->diag[0].confirmed && f->diag[0].receivers_bad >= 2);
	CHECK(!f->backup_unfit);
	CHECK(f->cutovers_in_budget < l->cutovers.count);
	CHECK(w->last_move == 0 || f->wall_ms - w->last_move >= l->cooldown_ms);
	CHECK(w->autos_n == 0 || f->wall_ms - w->autos[w->autos_n - 1] >= l->cooldown_ms);
	if (w->autos_n < 64)
		w->autos[w->autos_n++] = f->wall_ms;
	w->starts++;
}

static void
world_apply(struct world *w, const struct decision *d)
{
	if (d->row->act == LD_SHELTER) {
		w->shelter = true;
		w->shelter_since = w->r.now;
		w->shelters++;
	} else if (d->row->act == LD_UNSHELTER) {
		w->shelter = false;
	} else if (d->row->act == LD_CUTOVER || d->row->act == LD_FAILBACK) {
		w->run_ends = w->r.now + 3 * MINUTE;
		w->back = d->row->act == LD_FAILBACK;
		w->backs += w->back;
	} else if (d->event == LE_RUN_DONE || d->event == LE_BACK_DONE) {
		w->run_ends = 0;
		w->shelter = false;
		w->last_move = WALL0 + w->r.now;
	}
	w->unfit_told = w->unfit_told || d->event == LE_BACKUP_UNFIT;
	w->expiry_told = w->expiry_told || d->event == LE_SHELTER_OVER;
	if (d->diagnosis != NULL)
		(void)snprintf(w->led, sizeof w->led, "%s", d->diagnosis->name);
	if (d->event == LE_STAND_DOWN)
		(void)snprintf(w->down, sizeof w->down, "%s", d->diagnosis->name);
	if (w->state != d->row->to) {
		w->state_since = w->r.now;
		w->asked = 0;
	}
	w->asks += d->row->act == LD_ASK;
	if (d->row->act == LD_ASK)
		w->asked = WALL0 + w->r.now;
	w->state = d->row->to;
	w->trace = (w->trace ^ (uint64_t)d->row->id ^ (uint64_t)w->r.now) * 0x100000001b3u;
}

static void
world_step(struct world *w)
{
	struct due due;
	int turns = 0;

	while (evidence_next_due(w->r.e, w->r.now, &due))
		world_answer(w, &due);
	if (w->brake_flaps && rnd(&w->rng) % 100 == 0)
		w->paused = !w->paused;
	pass(&w->r, 10 * SECOND);
	for (;;) {
		struct decision d;
		struct facts f;

		world_facts(w, &f);
		if (w->down[0] != '\0' && f.diag[0].cleared)
			w->down[0] = '\0';
		decide(&f, &d);
		CHECK(d.again_boot_ms > w->r.now);
		if (!d.any)
			break;
		CHECK(d.row->act != LD_REFUSE);
		world_check(w, &f, &d);
		world_apply(w, &d);
		if (++turns > 10) {
			printf("     it does not come to rest: row %d\n", d.row->id);
			CHECK(0);
			break;
		}
	}
}

static struct world
world_run(struct playbook *pb, uint64_t seed, bool anchors_flap, bool brake_flaps, bool paused,
	bool only_lists)
{
	struct world w;

	world_new(&w, playbook_ref(pb), seed);
	w.anchors_flap = anchors_flap;
	w.brake_flaps = brake_flaps;
	w.paused = paused;
	w.only_lists = only_lists;
	for (int i = 0; i < 12 * 360; i++) /* twelve hours */
		world_step(&w);
	rig_end(&w.r);
	return w;
}

#define FAST_BACK "failback: {mode: automatic, soak: 20m, "

static struct playbook *
automatic(const char *response)
{
	struct place at;
	char *text = rig_edit("failback: {mode: approve, soak: 6h, ", FAST_BACK, &at), *two, *p;
	static const char was[] =
		"{on: blocked, run: out, mode: approve, within: 15m, otherwise: proceed}";
	struct playbook *pb;

	p = text != NULL ? strstr(text, was) : NULL;
	two = malloc(strlen(rig_base) * 2);
	if (p == NULL || two == NULL)
		abort();
	(void)snprintf(two, strlen(rig_base) * 2, "%.*s%s%s", (int)(p - text), text, response,
		p + strlen(was));
	pb = load_text(two);
	free(text);
	free(two);
	return pb;
}

enum { FLAPS = 150 };

static void
flapping_starts_once_in_a_cooldown_at_most(void)
{
	static const char *const responses[] = { "{on: blocked, run: out, mode: automatic}",
		"{on: blocked, run: out, mode: approve, within: 15m, otherwise: proceed}",
		"{on: blocked, run: out, mode: approve, within: 15m}" };
	int starts[3] = { 0 }, backs = 0, shelters = 0;

	for (size_t i = 0; i < 3; i++) {
		struct playbook *pb = automatic(responses[i]);

		for (uint64_t seed = 1; seed <= FLAPS; seed++) {
			struct world w =
				world_run(pb, seed, seed % 3 == 0, seed % 4 == 0, false, false);

			starts[i] += w.starts;
			backs += w.backs;
			shelters += w.shelters;
			CHECK(w.starts <= 2); /* two in a day */
		}
		playbook_unref(&pb);
	}
	/* not vacuous: it does act, and what stands down does not */
	CHECK(starts[0] > FLAPS / 8);
	CHECK(starts[1] > FLAPS / 16);
	CHECK_INT(starts[2], 0);
	CHECK(backs > 10);
	CHECK(shelters > FLAPS / 4);
}

static void
who_is_paused_starts_nothing_whatever_flaps(void)
{
	struct playbook *pb = automatic("{on: blocked, run: out, mode: automatic}");

	for (uint64_t seed = 1; seed <= FLAPS; seed++) {
		struct world w = world_run(pb, seed, false, false, true, false);

		CHECK_INT(w.starts + w.shelters + w.asks + w.backs, 0);
	}
	playbook_unref(&pb);
}

static void
a_lone_reputation_group_starts_nothing_whatever_it_does(void)
{
	struct playbook *pb = automatic("{on: blocked, run: out, mode: automatic}");

	for (uint64_t seed = 1; seed <= FLAPS; seed++) {
		struct world w = world_run(pb, seed, false, false, false, true);

		CHECK_INT(w.starts + w.shelters + w.asks + w.backs, 0);
		CHECK(w.state == LS_NORMAL);
	}
	playbook_unref(&pb);
}

static void
the_same_seed_decides_the_same(void)
{
	struct playbook *pb = automatic("{on: blocked, run: out, mode: automatic}");
	uint64_t other = 0;

	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct world a = world_run(pb, seed, true, true, false, false),
			     b = world_run(pb, seed, true, true, false, false);

		CHECK(a.trace == b.trace);
		other += a.trace != 0;
	}
	CHECK(other > 10);
	playbook_unref(&pb);
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
	TEST(a_late_answer_does_not_overtake_a_newer_one);
	TEST(an_old_observation_is_stale_when_it_comes);
	TEST(a_source_may_say_how_long_it_holds);
	TEST(what_comes_by_itself_twice_counts_once);
	TEST(nobodys_signal_or_subject_is_ignored);
	TEST(evidence_goes_to_the_path_that_the_reply_names);
	TEST(what_names_nobody_convinces_nobody);
	TEST(what_comes_in_from_a_stranger_came_by_the_pinned_way);
	TEST(a_relay_is_named_by_its_host);
	TEST(a_backup_is_unfit_when_most_of_it_is_bad);
	TEST(it_is_confirmed_after_for_and_not_before);
	TEST(a_gap_begins_for_anew);
	TEST(it_clears_after_clear_with_good_answers);
	TEST(a_path_is_ok_since_it_was_first_seen_well);
	TEST(without_anchors_it_is_blind);
	TEST(what_is_seen_blind_ripens_nothing);
	TEST(a_clock_that_jumps_blinds_for_a_while);
	TEST(each_change_of_health_is_told_once);
	TEST(the_evidence_of_a_diagnosis_is_told_whole);
	TEST(a_signal_that_falls_silent_is_told_as_unknown);
	TEST(each_subject_is_asked_at_its_pace);
	TEST(anchors_are_asked_first_and_a_lost_answer_does_not_stop_the_asking);
	TEST(hurry_asks_the_harm_signals_of_one_path_at_once);
	TEST(every_combination_of_health_agrees_with_the_oracle);
	TEST(flapping_starts_once_in_a_cooldown_at_most);
	TEST(who_is_paused_starts_nothing_whatever_flaps);
	TEST(a_lone_reputation_group_starts_nothing_whatever_it_does);
	TEST(the_same_seed_decides_the_same);
	return check_end();
}
