/*
 * test_asks.c - what people ask of a core that runs: which playbook, run and flow is meant, what is
 * refused for it, who waits and who hears what; and answers of operations that are none.
 */
#include "lib/run_rig.h"

#include "core/event.h"

static unsigned asked = 9000;

/* A request just as it came; type and number are set here. */
static const struct wreply *
ask(struct world *w, struct event *ev, int64_t ms)
{
	char req[32];

	(void)snprintf(req, sizeof req, "%u", ++asked);
	ev->type = EV_COMMAND;
	ev->command.req = req;
	ev->command.via = ev->command.verb != VERB_STATUS ? "cli" : NULL;
	world_event(w, ev);
	world_pass(w, ms);
	return world_reply(w, asked, true);
}

static void
expect(const char *name, const struct wreply *r, int exit, const char *part)
{
	if (r == NULL) {
		CHECK_STR(name, "has an answer");
		return;
	}
	if (r->exit != exit || strstr(r->body, part) == NULL)
		printf("     %s: %d %s\n", name, r->exit, r->body);
	CHECK(r->exit == exit && strstr(r->body, part) != NULL);
}

#define ANN .principal = "ann", .playbook = "corp"

static void
a_request_names_what_it_means(void)
{
	struct {
		const char *name;
		struct event ev;
		int exit;
		const char *part;
	} rows[] = {
		{ "no playbook, where one alone is in force",
			{ .command = { .principal = "ann", .verb = VERB_PAUSE } }, 0,
			"brake is on" },
		{ "and off again", { .command = { ANN, .verb = VERB_RESUME } }, 0, "brake is off" },
		{ "one that is not in force",
			{ .command = { .principal = "ann",
				  .playbook = "other",
				  .verb = VERB_PAUSE } },
			2, "no playbook \\\"other\\\" is in force" },
		{ "nobody's name", { .command = { .playbook = "corp", .verb = VERB_PAUSE } }, 3,
			"? may not" },
		{ "no such procedure",
			{ .command = { ANN, .verb = VERB_CUTOVER, .procedure = "none" } }, 2,
			"no procedure \\\"none\\\"" },
		{ "a shelter", { .command = { ANN, .verb = VERB_CUTOVER, .procedure = "wait" } }, 2,
			"wait is a shelter and no cut-over: no command starts it" },
		{ "the plan of a shelter",
			{ .command = { ANN, .verb = VERB_PLAN, .of = VERB_CUTOVER,
				  .procedure = "wait" } },
			0, "relay.park" },
		{ "a drill", { .command = { ANN, .verb = VERB_DRILL } }, 2, "not built" },
		{ "continue a run that is none",
			{ .command = { ANN, .verb = VERB_CONTINUE, .run = "out-9" } }, 2,
			"there is no run out-9" },
		{ "continue nothing", { .command = { ANN, .verb = VERB_CONTINUE } }, 3, "row" },
		{ "abort nothing", { .command = { ANN, .verb = VERB_ABORT } }, 3,
			"nothing to abort" },
		{ "ack nothing", { .command = { ANN, .verb = VERB_ACK } }, 0, "taken note" },
		{ "approve nothing",
			{ .command = { ANN, .verb = VERB_APPROVE, .plan_hash = "12345678" } }, 3,
			"no plan is pending" },
		{ "deny nothing, by no hash",
			{ .command = { ANN, .verb = VERB_DENY, .plan_hash = "" } }, 3,
			"no plan is pending" },
		{ "a plan by too little of its hash",
			{ .command = { ANN, .verb = VERB_CUTOVER, .procedure = "out",
				  .plan_hash = "1" } },
			3, "not the one that was shown" },
		{ "another plan",
			{ .command = { ANN, .verb = VERB_CUTOVER, .procedure = "out",
				  .plan_hash = "0123456789abcdef" } },
			3, "not the one that was shown" },
		{ "status, by nobody, of nothing", { .command = { .verb = VERB_STATUS } }, 0,
			"corp" },
	};
	struct world *w = world_new(NULL);

	settle(w);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		expect(rows[i].name, ask(w, &rows[i].ev, MINUTE), rows[i].exit, rows[i].part);
	CHECK_INT(world_count(w, "START", ""), 0);
	CHECK_INT(world_count(w, "INTENT", "\"dir\":\"do\""), 0);
	/* none was named: whatever the plan is now */
	CHECK(ask(w,
		      &(struct event){ .command = { ANN, .verb = VERB_CUTOVER, .procedure = "out",
					       .plan_hash = "" } },
		      10 * MINUTE) != NULL);
	CHECK(on_backup(w));
	/* a run that has ended is told as it ended; one that goes on is not turned by a wrong name
	 */
	expect("continue what is done",
		ask(w,
			&(struct event){
				.command = { ANN, .verb = VERB_CONTINUE,
					.run = world_field(world_reply(w, asked, true), "run") } },
			1000),
		0, "\"state\":\"done\"");
	world_end(w);
}

static void
an_abort_names_its_run(void)
{
	struct world *w = world_new(NULL);
	const struct wreply *r;

	settle(w);
	(void)cut_over(w);
	world_pass(w, 2000);
	r = ask(w, &(struct event){ .command = { ANN, .verb = VERB_ABORT, .run = "out-99999" } },
		1000);
	expect("another run", r, 3, "the open run is out-");
	r = ask(w, &(struct event){ .command = { ANN, .verb = VERB_ABORT } }, 1000);
	expect("the open one", r, 0, "is turned round");
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "normal"));
	CHECK(on_primary(w));
	world_end(w);
}

/* Requests that wait for a machine that settles are counted. */
static void
too_many_requests_are_refused(void)
{
	struct world *w = world_new(NULL);
	const struct wreply *r = NULL;
	int waiting = 0;

	w->target[W_HUB].unreadable = true;
	world_start(w);
	world_pass(w, 1000);
	for (; waiting < 200 && r == NULL; waiting++)
		r = ask(w,
			&(struct event){
				.command = { ANN, .verb = VERB_CUTOVER, .procedure = "out" } },
			0);
	expect("one too many", r, 1, "too many requests wait");
	CHECK_INT(waiting, 129);
	world_end(w);
}

/* Nothing new begins in a ferryman that stops. */
static enum fate
away(struct world *w, const struct weffect *e, size_t n)
{
	(void)w;
	(void)e;
	(void)n;
	return FATE_AWAY;
}

static void
whoever_asks_a_ferryman_that_stops_is_told(void)
{
	struct world *w = world_new(NULL);
	size_t before;
	const struct wreply *r;

	settle(w);
	before = w->effects_n;
	w->fate = away;
	(void)cut_over(w);
	for (int i = 0; i < 100 && w->effects_n == before; i++)
		world_pass(w, 100);
	CHECK(w->effects_n > before);
	world_event(w, &(struct event){ .type = EV_STOP });
	world_event(w, &(struct event){ .type = EV_STOP }); /* once more changes nothing */
	world_event(w, &(struct event){ .type = EV_PLAYBOOK, .playbook = { .name = "corp" } });
	r = ask(w, &(struct event){ .command = { ANN, .verb = VERB_PAUSE } }, 10);
	expect("pause", r, 1, "ferryman is stopping");
	world_pass(w, 5 * MINUTE);
	CHECK(w->halted);
	world_end(w);
}

/* A playbook that is withdrawn takes the plans with it that are being made of it. */
static void
a_plan_of_what_is_withdrawn_is_no_plan(void)
{
	struct world *w = world_new(NULL);
	const struct wreply *r;

	settle(w);
	w->append_ms = 500;
	r = ask(w,
		&(struct event){ .command = { ANN, .verb = VERB_PLAN, .of = VERB_CUTOVER,
					 .procedure = "out" } },
		0);
	CHECK(r == NULL);
	world_event(w, &(struct event){ .type = EV_PLAYBOOK, .playbook = { .name = "corp" } });
	world_pass(w, MINUTE);
	expect("the plan", world_reply(w, asked, true), 2, "no playbook \\\"corp\\\" is in force");
	r = ask(w, &(struct event){ .command = { .principal = "ann", .verb = VERB_PAUSE } }, 1000);
	expect("no name", r, 2, "playbook");
	world_event(w, &(struct event){ .type = EV_PLAYBOOK, .playbook = { .name = "none" } });
	world_event(w, &(struct event){ .type = EV_PLAYBOOK });
	world_pass(w, MINUTE);
	CHECK(!w->halted);
	world_end(w);
}

/* --- what is said of silence --- */

/* Mail is refused for so long, and people are asked by a response that ends like this. */
static struct world *
refused_for(int64_t ms, const char *response)
{
	char now[128];
	struct world *w;

	(void)snprintf(now, sizeof now, "run: out, %s}", response);
	w = WORLD_WITH("approve", "run: out, mode: approve}", now);
	settle(w);
	w->primary_bad = w->listed = true;
	world_pass(w, ms);
	return w;
}

static void
whoever_is_asked_hears_what_comes_of_silence(void)
{
	struct world *w =
		refused_for(15 * MINUTE, "mode: approve, within: 15m, otherwise: proceed");

	CHECK_INT(world_count(w, "NOTIFIED", "; without an answer within 15m it starts by itself"),
		1);
	CHECK_INT(world_count(w, "START", "\"kind\":\"cutover\""), 0);
	world_pass(w, 15 * MINUTE);
	CHECK_INT(world_count(w, "START",
			  "\"reason\":\"blocked, and nobody answered within 15m: the playbook "
			  "says proceed\""),
		1);
	CHECK_INT(world_count(w, "NOTIFIED",
			  "the cut-over (out) starts by itself: blocked, and nobody answered "
			  "within 15m"),
		1);
	world_end(w);
	w = refused_for(HOUR, "mode: approve, within: 15m");
	CHECK_INT(world_count(w, "NOTIFIED", "; without an answer within 15m it stands down"), 1);
	CHECK_INT(world_count(w, "NOTIFIED", "(out) starts by itself"), 0);
	world_end(w);
	w = refused_for(HOUR, "mode: approve");
	CHECK_INT(world_count(w, "NOTIFIED", "wants approval"), 1);
	CHECK_INT(world_count(w, "NOTIFIED", "without an answer"), 0);
	world_end(w);
}

static void
what_nobody_said_yes_to_is_told_when_it_starts(void)
{
	struct world *w = refused_for(HOUR, "mode: automatic");

	CHECK_INT(world_count(w, "NOTIFIED",
			  "outbound mail: a shelter (wait) starts by itself: blocked"),
		1);
	CHECK_INT(world_count(w, "NOTIFIED",
			  "outbound mail: the cut-over (out) starts by itself: blocked: 2 of 2"),
		1);
	world_end(w);
	w = world_new(NULL); /* and what a person orders is not */
	settle(w);
	(void)cut_over(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	CHECK_INT(world_count(w, "NOTIFIED", "starts by itself"), 0);
	world_end(w);
}

/* --- answers that are none --- */

/* In place of the targets' answers to the first readings. */
static struct event instead;
static int left;

static void
answered_before(struct world *w, const struct event *ev)
{
	struct event one = instead;

	if (ev->type != EV_READ || left == 0)
		return;
	left--;
	one.op = ev->op;
	w->hears = NULL;
	world_event(w, &one);
	w->hears = answered_before;
}

static void
an_answer_of_another_kind_is_none(void)
{
	static const struct {
		const char *name;
		struct event ev;
		int exit;
		const char *why;
	} rows[] = {
		{ "of another kind", { .type = EV_SENT }, 3, "cannot be read: no answer in time" },
		{ "without a reason", { .type = EV_READ, .read = { .outcome = OUT_RETRY } }, 3,
			"cannot be read: no answer" },
		{ "with one",
			{ .type = EV_READ, .read = { .outcome = OUT_RETRY, .why = "closed" } }, 3,
			"cannot be read: closed" },
		{ "of nothing: that is a value",
			{ .type = EV_READ, .read = { .outcome = OUT_DONE } }, 3,
			"number that ferryman left there is gone" },
		{ "of nothing, with our number",
			{ .type = EV_READ,
				.read = { .outcome = OUT_DONE,
					.marker_store = WORLD_STORE,
					.marker_lsn = ((uint64_t)1 << 40) + 1 } },
			1, "no v=spf1 record" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct world *w = world_new(NULL);
		const struct wreply *r;

		settle(w);
		instead = rows[i].ev;
		left = 9;
		w->hears = answered_before;
		r = ask(w,
			&(struct event){ .command = { ANN, .verb = VERB_PLAN, .of = VERB_CUTOVER,
						 .procedure = "out" } },
			MINUTE);
		CHECK(left < 9);
		expect(rows[i].name, r, rows[i].exit, rows[i].why);
		world_end(w);
	}
}

/* --- which of several --- */

static void
in_force(struct world *w, const char *name, const char *sha256)
{
	world_event(w, &(struct event){ .type = EV_PLAYBOOK,
			       .playbook = { .name = name, .sha256 = sha256 } });
	world_pass(w, MINUTE);
}

/* A number stands for all playbooks that work at a target. */
static void
nobody_is_taken_out_from_under_another(void)
{
	struct world *w = world_new(NULL);
	const struct wreply *r;

	settle(w);
	in_force(w, "second", w->pb->sha256);
	r = ask(w, &(struct event){ .command = { .principal = "ann", .verb = VERB_PAUSE } }, 1000);
	expect("one of two", r, 2, "name the playbook");
	r = ask(w, &(struct event){ .command = { ANN, .verb = VERB_EJECT } }, 5 * MINUTE);
	expect("taken out beside another", r, 3, "playbook second works at the same targets");
	r = ask(w, &(struct event){ .command = { ANN, .verb = VERB_PLAN, .of = VERB_EJECT } },
		5 * MINUTE);
	expect("planned beside another", r, 3, "playbook second works at the same targets");
	in_force(w, "second", NULL);
	r = ask(w, &(struct event){ .command = { ANN, .verb = VERB_EJECT } }, 10 * MINUTE);
	expect("alone", r, 0, "\"state\":\"done\"");
	/* nor does it begin again, or is its brake given a time, before somebody says so */
	r = ask(w, &(struct event){ .command = { ANN, .verb = VERB_PAUSE, .expires_wall_ms = 1 } },
		1000);
	expect("a pause with a time", r, 3, "the brake is on until");
	world_end(w);
}

/* A playbook may have a shelter and no way out. */
static void
without_a_cut_over_there_is_none(void)
{
	static const char book[] =
		"ferryman: 1\nplaybook: corp\nsummary: x\nowner: duty@elsewhere.example\n"
		"domains: [corp.example]\nmode: %s\n"
		"targets: {hub: {connector: postfix, host: 192.0.2.10, key: {file: id}, host_key: "
		"{file: h.key}}}\n"
		"paths:\n"
		"  cloud: {prefer: 1, egress: [198.51.100.25], dkim: {by: cloud, d: corp.example, "
		"selector: s1}}\n"
		"signals:\n"
		"  anchor-a: {kind: tcp, role: anchor, every: 30s, host: 192.0.2.1, port: 443}\n"
		"  anchor-b: {kind: tcp, role: anchor, every: 30s, host: 203.0.113.80, port: 443}\n"
		"procedures:\n"
		"  wait: {kind: shelter, flow: outbound, expires: 4h, steps: [{name: p, mail.park: "
		"{at: [hub]}}]}\n"
		"people: {ann: {user: ann, may: [run, brake]}}\n"
		"notify: [{program: [/bin/true]}]\n";
	static const struct {
		const char *mode, *part;
		int exit;
	} rows[] = {
		{ "approve",
			"corp has no cut-over, only the shelter wait, which no command starts; to "
			"take its steps by hand, type the commands of: ferryman plan PLAYBOOK "
			"wait --by-hand",
			2 },
		{ "observe", "mode: observe never writes, and corp has no cut-over", 3 }
	};

	for (size_t i = 0; i < 2; i++) {
		struct world *w = stdmem_get(sizeof *w);
		char text[sizeof book + 16];

		(void)snprintf(text, sizeof text, book, rows[i].mode);
		world_init_book(w, text, NULL, NULL);
		CHECK(w->pb != NULL);
		if (w->pb == NULL)
			exit(check_end());
		world_start(w);
		world_pass(w, MINUTE);
		/* at once: no target can say anything that changes it */
		expect(rows[i].mode,
			ask(w, &(struct event){ .command = { ANN, .verb = VERB_CUTOVER } }, 1000),
			rows[i].exit, rows[i].part);
		expect("and no way back",
			ask(w, &(struct event){ .command = { ANN, .verb = VERB_FAILBACK } }, 1000),
			rows[i].exit, rows[i].part);
		expect("nor by the name of the shelter",
			ask(w,
				&(struct event){ .command = { ANN, .verb = VERB_CUTOVER,
							 .procedure = "wait" } },
				1000),
			2, "no command starts it, only a response of the playbook");
		CHECK_INT(world_count(w, "START", ""), 0);
		world_end(w);
	}
}

/* --- events at the wrong time --- */

static void
what_comes_at_the_wrong_time_changes_nothing(void)
{
	struct world *w = world_new(NULL);

	settle(w);
	world_event(w, &(struct event){ .type = EV_OPEN, .open = { .store = "", .hash = "" } });
	world_event(w, &(struct event){ .type = EV_APPENDED, .op = 99999 });
	world_event(
		w, &(struct event){ .type = EV_SEEN, .seen = { .playbook = "other", .why = "x" } });
	w->append_ms = 5000; /* and while others wait for the journal */
	(void)ask(w, &(struct event){ .command = { ANN, .verb = VERB_PAUSE } }, 0);
	world_event(w, &(struct event){ .type = EV_SEEN, .seen = { .why = "of nothing" } });
	world_pass(w, MINUTE);
	CHECK(!w->halted);
	CHECK_INT(world_count(w, "OPENED", ""), 1);
	CHECK_INT(world_count(w, "BRAKE", ""), 1);
	CHECK_INT(world_count(w, "SIGNAL", "of nothing"), 0);
	CHECK_STR(world_state(w, FLOW_OUTBOUND), "normal");
	world_end(w);
}

/* A text that cannot be had puts the one before out of force, and people hear of it. */
static void
a_text_that_cannot_be_had_is_an_alarm(void)
{
	struct world *w = world_new(NULL);

	settle(w);
	in_force(w, "corp", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff");
	CHECK_INT(world_count(w, "PLAYBOOK", "ffffffff"), 1);
	expect("who has no text",
		ask(w, &(struct event){ .command = { ANN, .verb = VERB_PAUSE } }, MINUTE), 2,
		"no playbook \\\"corp\\\" is in force");
	world_end(w);
}

/* More than can wait for the journal: it ends, rather than forget. */
static void
too_many_events_end_it(void)
{
	struct world *w = world_new(NULL);
	int n = 0;

	settle(w);
	w->append_ms = HOUR;
	(void)ask(w, &(struct event){ .command = { ANN, .verb = VERB_PAUSE } }, 0);
	for (; n < 3000 && !w->halted; n++) {
		char subject[16];

		(void)snprintf(subject, sizeof subject, "s%d", n);
		world_event(w, &(struct event){ .type = EV_SEEN,
				       .seen = { .playbook = "corp",
					       .signal = "lists",
					       .subject = subject } });
	}
	CHECK(w->halted && !w->halt.halt.clean && n > 500);
	CHECK(w->halted && strstr(w->halt.halt.why, "more events than can wait") != NULL);
	world_end(w);
}

static void
a_journal_lost_without_a_reason_ends_it(void)
{
	struct world *w = world_new(NULL);

	settle(w);
	world_event(w, &(struct event){ .type = EV_LOST });
	CHECK(w->halted && !w->halt.halt.clean);
	world_end(w);
}

/* One that is started for a run that has ended says how, and ends. */
static void
a_foreground_verb_for_an_ended_run_ends_at_once(void)
{
	struct world *w = world_new(NULL);
	char run[48];

	settle(w);
	(void)cut_over(w);
	world_pass(w, 10 * MINUTE);
	CHECK(on_backup(w));
	(void)snprintf(run, sizeof run, "%s", w->effect[w->effects_n - 1].run);
	world_kill(w);
	w->one_shot = true;
	world_start(w);
	expect("continue",
		ask(w, &(struct event){ .command = { ANN, .verb = VERB_CONTINUE, .run = run } },
			MINUTE),
		0, "\"state\":\"done\"");
	CHECK(w->halted && w->halt.halt.clean && w->halt.halt.exit == 0);
	world_end(w);
}

int
main(void)
{
	TEST(a_request_names_what_it_means);
	TEST(an_abort_names_its_run);
	TEST(too_many_requests_are_refused);
	TEST(whoever_asks_a_ferryman_that_stops_is_told);
	TEST(a_plan_of_what_is_withdrawn_is_no_plan);
	TEST(whoever_is_asked_hears_what_comes_of_silence);
	TEST(what_nobody_said_yes_to_is_told_when_it_starts);
	TEST(an_answer_of_another_kind_is_none);
	TEST(without_a_cut_over_there_is_none);
	TEST(what_comes_at_the_wrong_time_changes_nothing);
	TEST(a_text_that_cannot_be_had_is_an_alarm);
	TEST(too_many_events_end_it);
	TEST(a_journal_lost_without_a_reason_ends_it);
	TEST(a_foreground_verb_for_an_ended_run_ends_at_once);
	TEST(nobody_is_taken_out_from_under_another);
	return check_end();
}
