/*
 * test_excuse.c - verify.canary with `receivers`: one receiver that is sick by itself holds nobody,
 * and one that the backup fails while the path that mail leaves serves it well is not excused.
 *
 * Each row but the good ones lacks one of the conditions; a core that does not ask for it goes
 * where the row says that it must not.
 */
#include "cli/byhand.h"
#include "core/plan.h"
#include "lib/run_rig.h"

enum { CLOUD, RELAY, WAYS, SEEDS = 3 };

/* What happens to a message. */
enum luck { WELL, HARMED, SLOW, UNREADABLE };

static struct {
	enum luck at[WAYS][SEEDS];
	enum luck second; /* of the second canary, at r3 */
	int spoilt;	  /* so many of the backup's messages to r2 are lost first */
} now;

static void
tell_of(struct event *ev, enum luck l, const char *why)
{
	static const enum verdict verdicts[] = { VERDICT_OK, VERDICT_BAD, VERDICT_BAD,
		VERDICT_UNKNOWN };

	ev->seen.verdict = verdicts[l];
	ev->seen.harm = l == HARMED;
	ev->seen.why = l == WELL ? "arrived" : l == UNREADABLE ? "mailbox not readable" : why;
}

static void
as_it_is(struct world *w, const struct event *heard)
{
	struct event *ev = (struct event *)heard;
	int seed =
		ev->type == EV_SEEN && ev->seen.subject[0] == 'r' ? ev->seen.subject[1] - '1' : -1;

	(void)w;
	if (seed < 0 || seed >= SEEDS || !text_starts(ev->seen.signal, "canary"))
		return;
	if (text_eq(ev->seen.signal, "canary-second"))
		tell_of(ev, seed == 2 ? now.second : WELL, "451 busy");
	else if (text_eq(ev->seen.signal, "canary"))
		tell_of(ev, now.at[CLOUD][seed], "451 busy");
	else if (seed == 1 && now.spoilt > 0 && now.spoilt-- > 0)
		tell_of(ev, SLOW, "not there after 40s");
	else
		tell_of(ev, now.at[RELAY][seed], "550 go away");
}

/* --- a playbook with three receivers --- */

enum { TEXT_ROOM = 16384 };

static void
put_in(char *text, const char *old, const char *new)
{
	char *at = text;
	size_t n = strlen(old), m = strlen(new);

	while ((at = strstr(at, old)) != NULL) {
		if (strlen(text) + m >= TEXT_ROOM)
			abort();
		memmove(at + m, at + n, strlen(at + n) + 1);
		memcpy(at, new, m);
		at += m;
	}
}

#define SECOND                                                                                     \
	"  canary-second: {kind: canary, group: delivery, path: cloud, flow: %s, every: "          \
	"1m, timeout: 50s, late_after: 40s, from: s@c.corp.example, submit: {host: "               \
	"submit.example, auth: {file: c.auth}}, expect: {egress: [198.51.100.25]}, seeds: "        \
	"[{receiver: r3, mailbox: p+%%@r3.example, imap: {host: mx.r3.example, auth: {file: "      \
	"r3.auth}}}]}\n  anchor-a:"
#define OWN                                                                                        \
	"      - {name: still, verify.canary: {through: cloud, receivers: %d}}\n      - {name: "   \
	"switch,"

struct want {
	int first, last; /* `receivers` of the two proofs; 0 = without the key */
	char second;	 /* the cloud has a second canary: 'o'utbound or 'i'nbound; 0 = not */
	int cloud;	 /* a third proof, through the cloud, with so many; 0 = none */
};

static struct world *
world_of(const struct want *want)
{
	struct world *w = stdmem_get(sizeof *w);
	char text[TEXT_ROOM], key[512];

	(void)world_text("approve", "three receivers", text, sizeof text);
	put_in(text, "auth: {file: r2.auth}}}]}",
		"auth: {file: r2.auth}}}, {receiver: r3, mailbox: p+%@r3.example, imap: {host: "
		"mx.r3.example, auth: {file: r3.auth}}}]}");
	(void)snprintf(key, sizeof key, SECOND, want->second == 'i' ? "inbound" : "outbound");
	if (want->second != 0)
		put_in(text, "  anchor-a:", key);
	(void)snprintf(key, sizeof key, OWN, want->cloud);
	if (want->cloud > 0)
		put_in(text, "      - {name: switch,", key);
	(void)snprintf(key, sizeof key, "as: production, receivers: %d}", want->last);
	if (want->last > 0)
		put_in(text, "as: production}", key);
	(void)snprintf(
		key, sizeof key, "verify.canary: {through: relay, receivers: %d}", want->first);
	if (want->first > 0)
		put_in(text, "verify.canary: {through: relay}", key);
	world_init_book(w, text, NULL, NULL);
	memset(&now, 0, sizeof now);
	w->hears = as_it_is;
	return w;
}

/* --- the way out --- */

#define BACK_OUT                                                                                   \
	"r3: 550 go away (arrived through relay at 2 of 3; wanted 2, and wherever no harm is "     \
	"seen through cloud)"

static const struct {
	const char *name;
	struct want want;
	enum luck cloud[SEEDS], relay[SEEDS], second;
	bool dark, silent, done;
	const char *why; /* part of the record of the first proof, or of the run's end */
} outs[] = {
	{ "all arrive", { 2, 2, 0, 0 }, .done = true,
		.why = "arrived through relay at 3 of 3, with the proof that was asked for\"" },
	{ "one is sick by itself", { 2, 2, 0, 0 }, .cloud = { WELL, WELL, HARMED },
		.relay = { WELL, WELL, HARMED }, .done = true,
		.why = "arrived through relay at 2 of 3, with the proof that was asked for; r3 "
		       "refuses cloud too: 451 busy\"" },
	{ "one of three is enough, the others are sick", { 1, 1, 0, 0 },
		.cloud = { HARMED, WELL, HARMED }, .relay = { HARMED, WELL, HARMED }, .done = true,
		.why = "arrived through relay at 1 of 3, with the proof that was asked for; r1 "
		       "refuses cloud too: 451 busy; r3 refuses cloud too: 451 busy\"" },
	{ "the backup is late where the primary is refused", { 2, 2, 0, 0 },
		.cloud = { WELL, WELL, HARMED }, .relay = { WELL, WELL, SLOW }, .done = true,
		.why = "arrived through relay at 2 of 3" },
	{ "without the key it is each one", { 0, 0, 0, 0 }, .cloud = { WELL, WELL, HARMED },
		.relay = { WELL, WELL, HARMED }, .why = "(prove it): r3: 550 go away" },
	{ "as many as there are", { 3, 3, 0, 0 }, .cloud = { WELL, WELL, HARMED },
		.relay = { WELL, WELL, HARMED },
		.why = "arrived through relay at 2 of 3; wanted 3, and wherever" },
	{ "fewer than wanted", { 2, 2, 0, 0 }, .cloud = { WELL, HARMED, HARMED },
		.relay = { WELL, HARMED, HARMED },
		.why = "r2: 550 go away; r3: 550 go away (arrived through relay at 1 of 3; wanted "
		       "2, "
		       "and wherever no harm is seen through cloud)" },
	{ "the primary serves it well", { 2, 2, 0, 0 }, .relay = { WELL, WELL, HARMED },
		.why = BACK_OUT },
	{ "harm at another receiver excuses not this one", { 2, 2, 0, 0 },
		.cloud = { HARMED, WELL, WELL }, .relay = { WELL, WELL, HARMED }, .why = BACK_OUT },
	{ "nothing is known of the primary there", { 2, 2, 0, 0 },
		.cloud = { WELL, WELL, UNREADABLE }, .relay = { WELL, WELL, HARMED },
		.why = BACK_OUT },
	{ "harm of long ago", { 2, 2, 0, 0 }, .cloud = { WELL, WELL, HARMED },
		.relay = { WELL, WELL, HARMED }, .silent = true, .why = BACK_OUT },
	{ "bad without harm", { 2, 2, 0, 0 }, .cloud = { WELL, WELL, SLOW },
		.relay = { WELL, WELL, HARMED }, .why = BACK_OUT },
	{ "a part of the primary's mail arrives there", { 2, 2, 'o', 0 },
		.cloud = { WELL, WELL, HARMED }, .relay = { WELL, WELL, HARMED }, .second = WELL,
		.why = BACK_OUT },
	{ "the same, and none of it arrives", { 2, 2, 'o', 0 }, .cloud = { WELL, WELL, HARMED },
		.relay = { WELL, WELL, HARMED }, .second = HARMED, .done = true,
		.why = "arrived through relay at 2 of 3" },
	{ "mail to us is another matter", { 2, 2, 'i', 0 }, .cloud = { WELL, WELL, HARMED },
		.relay = { WELL, WELL, HARMED }, .second = WELL, .done = true,
		.why = "arrived through relay at 2 of 3" },
	{ "a path excuses itself nothing", { 2, 2, 0, 2 }, .cloud = { WELL, WELL, HARMED },
		.why = "(arrived through cloud at 2 of 3; wanted 2, and" },
	{ "whoever is blind excuses nobody", { 2, 2, 0, 0 }, .cloud = { WELL, WELL, HARMED },
		.relay = { WELL, WELL, HARMED }, .dark = true, .why = BACK_OUT },
};

static void
a_way_out(size_t i)
{
	struct world *w = world_of(&outs[i].want);
	bool ok;

	settle(w);
	memcpy(now.at[CLOUD], outs[i].cloud, sizeof now.at[CLOUD]);
	now.second = outs[i].second;
	world_pass(w, 10 * MINUTE);
	now.at[CLOUD][2] = outs[i].silent ? UNREADABLE : now.at[CLOUD][2];
	world_pass(w, outs[i].silent ? 5 * MINUTE : 0);
	(void)cut_over(w);
	world_pass(w, 10000);
	memcpy(now.at[RELAY], outs[i].relay, sizeof now.at[RELAY]); /* not known unfit before */
	w->blind = outs[i].dark;
	world_pass(w, 20 * MINUTE);
	ok = (outs[i].done ? on_backup(w) : on_primary(w)) &&
	     world_count(w, outs[i].done ? "RESULT" : "END", outs[i].why) > 0;
	if (!ok)
		CHECK_STR(outs[i].name, outs[i].done ? "goes" : "does not go");
	CHECK(w->verifies > 0);
	world_end(w);
}

static void
who_is_excused_and_who_is_not(void)
{
	for (size_t i = 0; i < sizeof outs / sizeof *outs; i++)
		a_way_out(i);
}

/* Both proofs of a cut-over ask the same, also the one behind the pivot, and nobody is excused who
 * was not tried. */
static void
each_proof_tries_each_receiver(void)
{
	struct world *w = world_of(&(struct want){ 2, 2, 0, 0 });

	settle(w);
	now.at[CLOUD][2] = now.at[RELAY][2] = HARMED;
	world_pass(w, 10 * MINUTE);
	(void)cut_over(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	CHECK_INT(world_count(w, "RESULT", "; r3 refuses cloud too: 451 busy"), 2);
	CHECK_INT(w->verifies, 6);
	CHECK(world_said(w, "r3: 550 go away"));
	world_end(w);
}

/* An answer that comes when enough have arrived changes nothing of what was proven. */
static void
an_answer_behind_the_proof_is_none(void)
{
	struct world *w = world_of(&(struct want){ 2, 2, 0, 0 });

	settle(w);
	now.at[CLOUD][2] = now.at[RELAY][2] = HARMED;
	world_pass(w, 10 * MINUTE);
	(void)cut_over(w);
	world_pass(w, MINUTE);
	now.spoilt = 2; /* the pinned one, and the proof's first */
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	CHECK_INT(world_count(w, "RESULT", "; r3 refuses cloud too: 451 busy"), 2);
	world_end(w);
}

/* Evidence is of this process: after a crash it is seen anew, and then the run goes on. */
static void
a_crash_makes_evidence_unknown(void)
{
	struct world *w = world_of(&(struct want){ 2, 2, 0, 0 });

	settle(w);
	now.at[CLOUD][2] = now.at[RELAY][2] = HARMED;
	world_pass(w, 10 * MINUTE);
	(void)cut_over(w);
	world_pass(w, 30000);
	world_kill(w);
	world_start(w);
	CHECK_INT(world_count(w, "RESULT", "refuses cloud too"), 0);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	CHECK_INT(world_count(w, "RESULT", "; r3 refuses cloud too: 451 busy"), 2);
	world_end(w);
}

/* A text that is withdrawn while its run goes on takes its evidence with it. */
static void
without_evidence_nobody_is_excused(void)
{
	struct world *w = world_of(&(struct want){ 2, 2, 0, 0 });

	settle(w);
	now.at[CLOUD][2] = now.at[RELAY][2] = HARMED;
	world_pass(w, 10 * MINUTE);
	(void)cut_over(w);
	world_pass(w, 10000);
	world_event(w, &(struct event){ .type = EV_PLAYBOOK, .playbook = { .name = "corp" } });
	world_pass(w, 20 * MINUTE);
	CHECK(on_primary(w));
	CHECK(world_count(w, "END", BACK_OUT) > 0);
	world_end(w);
}

/* --- the way back --- */

static const struct {
	const char *name;
	struct want want;
	enum luck cloud, relay; /* at r3 */
	bool home;
	const char *why;
} backs[] = {
	{ "one is sick by itself", { 2, 2, 0, 0 }, HARMED, HARMED, true,
		"arrived through cloud at 2 of 3, with the proof that was asked for; r3 refuses "
		"relay too: 550 go away\"" },
	{ "the backup serves it well", { 2, 2, 0, 0 }, HARMED, WELL, false,
		"r3: 451 busy (arrived through cloud at 2 of 3; wanted 2, and wherever no harm is "
		"seen through relay)" },
	{ "the strictest proof out is that of the way back", { 2, 3, 0, 0 }, HARMED, HARMED, false,
		"arrived through cloud at 2 of 3; wanted 3, and" },
	{ "a proof of another path is not of the way out", { 2, 2, 0, 3 }, HARMED, HARMED, true,
		"arrived through cloud at 2 of 3, with the proof" },
	{ "one without the key is each", { 2, 0, 0, 0 }, HARMED, HARMED, false,
		"(prove the primary first): r3: 451 busy" },
};

static void
a_way_back(size_t i)
{
	struct world *w = world_of(&backs[i].want);
	bool ok;

	settle(w);
	(void)cut_over(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	now.at[CLOUD][2] = backs[i].cloud;
	now.at[RELAY][2] = backs[i].relay;
	world_pass(w, 10 * MINUTE);
	(void)world_say(w, &(struct wask){ .verb = VERB_FAILBACK, .override = "soak" });
	world_pass(w, HOUR);
	ok = text_eq(world_state(w, FLOW_OUTBOUND), backs[i].home ? "normal" : "on-backup") &&
	     world_count(w, backs[i].home ? "RESULT" : "END", backs[i].why) > 0;
	if (!ok)
		CHECK_STR(backs[i].name, backs[i].home ? "comes home" : "does not come home");
	world_end(w);
}

static void
the_way_back_asks_the_backup(void)
{
	for (size_t i = 0; i < sizeof backs / sizeof *backs; i++)
		a_way_back(i);
}

/* A person who approves a plan has seen how much is enough: it stands in what is hashed. */
static void
the_plan_says_how_many(void)
{
	struct world *w = world_of(&(struct want){ 2, 3, 0, 0 });

	settle(w);
	(void)cut_over(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	CHECK_INT(world_count(
			  w, "START", "\"through\":\"relay\",\"production\":false,\"receivers\":2"),
		1);
	CHECK_INT(world_count(
			  w, "START", "\"through\":\"relay\",\"production\":true,\"receivers\":3"),
		1);
	world_end(w);
	w = world_new(NULL);
	settle(w);
	(void)cut_over(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	CHECK_INT(world_count(w, "START", "receivers"), 0);
	world_end(w);
}

/* The commands by hand ask as much of a person as ferryman asks of itself. */
static void
by_hand_says_how_many(void)
{
	static const struct {
		enum plan_direction dir;
		int receivers;
		const char *want;
	} rows[] = {
		{ PLAN_OUT, 0, "" },
		{ PLAN_OUT, 2,
			"#   at 2 receivers; where it does not arrive, mail through cloud must not "
			"arrive either\n" },
		{ PLAN_BACK, 1,
			"#   at 1 receiver; where it does not arrive, mail through relay must not "
			"arrive either\n" },
	};
	const struct procedure *out;
	struct world *w = world_of(&(struct want){ 2, 2, 0, 0 });

	out = playbook_procedure(w->pb, "out");
	settle(w);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct plan_step s = { .id = "1",
			.name = "n",
			.kind = step_kind_find("verify.canary"),
			.through = out->to,
			.receivers = rows[i].receivers };
		const struct plan p = {
			.pb = w->pb, .proc = out, .dir = rows[i].dir, .steps = &s, .steps_n = 1
		};
		char want[400];
		struct buf b;

		buf_init(&b, &stdmem, 4096);
		byhand_put(&p, &b);
		(void)snprintf(want, sizeof want,
			"# 1: n\n#   send a message through relay to a mailbox outside, and look "
			"there for dmarc=pass\n%s",
			rows[i].want);
		CHECK_STR(buf_text(&b), want);
		buf_fini(&b);
	}
	world_end(w);
}

int
main(void)
{
	TEST(who_is_excused_and_who_is_not);
	TEST(each_proof_tries_each_receiver);
	TEST(an_answer_behind_the_proof_is_none);
	TEST(a_crash_makes_evidence_unknown);
	TEST(without_evidence_nobody_is_excused);
	TEST(the_way_back_asks_the_backup);
	TEST(the_plan_says_how_many);
	TEST(by_hand_says_how_many);
	return check_end();
}
