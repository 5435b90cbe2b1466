/*
 * test_waits.c - steps that wait for others: a record set that all servers show, a spool that
 * empties. What is not known is not shown, and not empty.
 */
#include "lib/run_rig.h"

#include "core/engine.h"

#define MX "dns.rrset corp.example MX"
#define QUEUE "relay.queue corp.example"
#define QUEUE_EU "relay.queue eu.corp.example"
#define EMPTY "state open\nparked 0\nwaiting 0\noldest 0\n"

/* --- values --- */

/* To a TXT set others may add records, but no SPF record; nothing else bears an addition. */
static void
a_value_stands_or_does_not(void)
{
#define WANT "ttl 60\ntxt a\ntxt v=spf1 -all\n"
	static const struct {
		const char *resource, *want, *value;
		bool stands;
	} rows[] = {
		{ TXT, WANT, WANT, true },
		{ TXT, WANT, "ttl 60\ntxt a\ntxt b\ntxt v=spf1 -all\n", true },
		{ TXT, WANT, "ttl 60\ntxt a\ntxt v=spf1 -all\ntxt v=spf1 mx\n", false },
		{ TXT, WANT, "ttl 60\ntxt a\n", false },
		{ TXT, WANT, "ttl 60\ntxt b\ntxt v=spf1 -all\n", false },
		{ TXT, WANT, "ttl 300\ntxt a\ntxt v=spf1 -all\n", false },
		{ TXT, WANT, "ttl 60\nmx\ntxt a\ntxt v=spf1 -all\n", false },
		{ TXT, WANT, "ttl 60\nmx 10 a.example\ntxt a\ntxt v=spf1 -all\n", false },
		{ TXT, WANT, "", false },
		{ TXT, "", "ttl 60\ntxt a\n", false },
		{ TXT, "", "", true },
		{ "dns.rrset corp.example MX", WORLD_MX,
			"ttl 60\nmx 10 mx.cloud.example\nmx 20 b\n", false },
		{ "relay.route TXT", "a\n", "a\nb\n", false },
		{ "TXT", "a\n", "a\nb\n", false },
		{ PARK, "", "releasing\n", true },
		{ PARK, "parked\n", "releasing\n", false },
		{ ROUTE, "", "releasing\n", false },
	};
#undef WANT

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (value_stands(rows[i].resource, rows[i].want, rows[i].value) != rows[i].stands)
			CHECK_STR(rows[i].value, rows[i].stands ? "stands" : "does not stand");
}

static void
a_queue_says_how_many(void)
{
	static const struct {
		const char *value;
		int64_t parked;
	} rows[] = { { EMPTY, 0 }, { "parked 7\n", 7 }, { "state open\nparked 12", 12 }, { "", -1 },
		{ "state open\n", -1 }, { "parked\n", -1 }, { "parked \n", -1 },
		{ "parked7 1\n", -1 }, { "parked x\n", -1 },
		{ "parked 1000000000000000000000000000000\n", -1 }, { "unparked 3\n", -1 },
		{ "parked: 3\n", -1 } };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		CHECK_INT(value_count(rows[i].value, "parked"), rows[i].parked);
}

/* --- wait.published --- */

static struct {
	bool none, silent;
	int skip, left; /* so many answers of that kind */
} answers;

static void
spoil(struct world *w, const struct event *ev)
{
	struct event *e = (struct event *)ev;

	(void)w;
	if (ev->type != EV_READ || ev->read.source_n == 0 || answers.left == 0)
		return;
	if (answers.skip > 0) {
		answers.skip--;
		return;
	}
	answers.left--;
	if (answers.none)
		e->read.source_n = 0;
	e->read.source[0].answered = e->read.source[0].answered && !answers.silent;
}

/* Nothing is believed of servers that were not asked, or do not answer: the cut-over does not go
 * past its proof, and is taken back. */
static void
a_server_that_is_silent_shows_nothing(void)
{
	static const struct {
		const char *name, *why;
		bool none, silent;
		int skip, left;
		bool done;
	} rows[] = {
		{ "all answer", "", .done = true },
		{ "silent at first", "", .silent = true, .left = 2, .done = true },
		{ "silent for good", "does not answer", .silent = true, .left = 100000 },
		{ "resolvers that are silent", "no resolver answers", .silent = true, .skip = 1,
			.left = 100000 },
		{ "none is there", "no authoritative server was asked", .none = true,
			.left = 100000 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct world *w = world_new(NULL);

		answers.none = rows[i].none;
		answers.silent = rows[i].silent;
		answers.skip = rows[i].skip;
		answers.left = rows[i].left;
		settle(w);
		w->hears = spoil;
		(void)cut_over(w);
		world_pass(w, HOUR);
		if (rows[i].done) {
			CHECK(on_backup(w));
		} else {
			CHECK(on_primary(w));
			CHECK_INT(world_count(w, "END", rows[i].why) > 0, 1);
		}
		world_end(w);
	}
}

/* --- wait.drained: mail to us comes home --- */

static struct world *
away(void)
{
	struct world *w = stdmem_get(sizeof *w);

	world_init_book(w, world_inbound_book, NULL, NULL);
	world_cell(w, W_ZONE, "dns.rrset eu.corp.example MX", WORLD_MX);
	world_cell(w, W_HUB, QUEUE_EU, EMPTY);
	world_start(w);
	CHECK(world_until_state(w, 5 * MINUTE, FLOW_INBOUND, "normal"));
	(void)world_say(w, &(struct wask){ .verb = VERB_CUTOVER, .procedure = "in" });
	CHECK(world_until_state(w, HOUR, FLOW_INBOUND, "on-backup"));
	return w;
}

static void
home(struct world *w, const char *spool, int64_t ms)
{
	world_edit(w, W_HUB, QUEUE, spool);
	(void)world_say(w, &(struct wask){ .verb = VERB_FAILBACK, .override = "soak" });
	world_pass(w, ms);
}

/* Failback ends when the spool is empty (DESIGN section 4): not while mail is in it, not while it
 * does not say; as long as it gets fewer, that may take its time. */
static void
mail_is_home_when_the_spool_is_empty(void)
{
	struct world *w = away();

	home(w, "state open\nparked 3\nwaiting 2\noldest 0\n", 20 * MINUTE);
	CHECK_STR(world_state(w, FLOW_INBOUND), "failing-back");
	CHECK_STR(world_value(w, W_ZONE, MX), WORLD_MX);
	for (int left = 4; left > 0; left--) {
		char text[80];

		(void)snprintf(
			text, sizeof text, "state open\nparked 0\nwaiting %d\noldest 0\n", left);
		world_edit(w, W_HUB, QUEUE, text);
		world_pass(w, 20 * MINUTE);
		CHECK_STR(world_state(w, FLOW_INBOUND), "failing-back");
	}
	world_edit(w, W_HUB, QUEUE, "state open\n");
	world_pass(w, 5 * MINUTE);
	CHECK_STR(world_state(w, FLOW_INBOUND), "failing-back");
	world_edit(w, W_HUB, QUEUE, "state open\nparked 0\n"); /* it knows no other queue */
	CHECK(world_until_state(w, 10 * MINUTE, FLOW_INBOUND, "normal"));
	world_end(w);
}

static void
a_spool_that_does_not_empty_calls_a_person(void)
{
	struct world *w = away();

	home(w, "state open\nparked 0\nwaiting 2\noldest 0\n", 0);
	CHECK(world_until_state(w, 30 * (int64_t)HOUR, FLOW_INBOUND, "blocked"));
	CHECK_INT(world_count(w, "END", "2 waiting"), 1);
	world_end(w);
}

int
main(void)
{
	TEST(a_value_stands_or_does_not);
	TEST(a_queue_says_how_many);
	TEST(a_server_that_is_silent_shows_nothing);
	TEST(mail_is_home_when_the_spool_is_empty);
	TEST(a_spool_that_does_not_empty_calls_a_person);
	return check_end();
}
