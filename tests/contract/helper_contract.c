/*
 * helper_contract.c - the relay's helper, as a program, against its contract: numbers, conflicts,
 * what a hand changed, shelters that end, mail let go at a rate, and words that mean harm.
 */
#include "contract/helper_rig.h"
#include "lib/check.h"

#define ROUTE "relay.route corp.example"
#define PARK "relay.park corp.example"
#define QUEUE "relay.queue corp.example"

static char helper[512];

static const char *
call(struct rig_reply *r, const char *const *words)
{
	static char in[1 << 17];

	rig_bytes(helper, NULL, in, rig_request(in, sizeof in, words, NULL), r);
	return r->outcome;
}
#define CALL(...) call(&r, (const char *const[]){ __VA_ARGS__, NULL })

static struct rig_reply r; /* of the last call */

static const char *
read_value(const char *resource)
{
	static char v[4096];
	const char *o = CALL("read", resource);
	char *s = rig_field(&r, "value");

	(void)snprintf(v, sizeof v, "%s", s != NULL ? s : o);
	free(s);
	return v;
}

static const char *
apply(const char *store, const char *lsn, const char *resource, const char *base, const char *want,
	const char *options)
{
	return CALL("apply", store, lsn, resource, base, want, options);
}

static bool
why_has(const char *part)
{
	char *s = rig_field(&r, "why");
	bool has = s != NULL && strstr(s, part) != NULL;

	if (!has)
		printf("     why is \"%s\"\n", s != NULL ? s : "(none)");
	free(s);
	return has;
}

/* --- the queue of the fake Postfix --- */

static void
queue_fill(int n, const char *reason)
{
	FILE *f = fopen(rig_path("queue"), "we");

	for (int i = 0; i < n; i++)
		(void)fprintf(f,
			"{\"queue_name\": \"deferred\", \"queue_id\": \"4Q%03d\", "
			"\"arrival_time\": %d, \"message_size\": 400, "
			"\"forced_expire\": false, \"sender\": \"u\\\"%d@Corp.Example\", "
			"\"recipients\": [{\"address\": \"x@r%d.example\", "
			"\"delay_reason\": \"%s\"}]}\n",
			i, 1000000 + i, i, i % 2, reason);
	(void)fclose(f);
}

/* Wait for a thing itself, with a limit. */
static bool
until(bool (*is)(void), int64_t limit_ms)
{
	for (int64_t end = rig_ms() + limit_ms; rig_ms() < end;) {
		struct timespec t = { 0, 20000000 };
		if (is())
			return true;
		(void)nanosleep(&t, NULL);
	}
	return is();
}
static bool
park_open(void)
{
	return strcmp(read_value(PARK), "") == 0;
}
static bool
queue_empty(void)
{
	char *s = rig_slurp(rig_path("queue"));
	bool empty = *s == '\0';

	free(s);
	return empty;
}
static bool
keeper_gone(void)
{
	return !rig_keeper_runs();
}

/* --- tests --- */

static void
a_word_of_any_octets_comes_back_as_it_went(void)
{
	static char in[1 << 17];
	char word[256];
	const char *words[] = { "hello", word, NULL };
	const size_t lens[] = { 5, sizeof word };

	rig_new("");
	for (size_t i = 0; i < sizeof word; i++)
		word[i] = (char)i;
	rig_bytes(helper, NULL, in, rig_request(in, sizeof in, words, lens), &r);
	CHECK_STR(r.outcome, "DONE");
	const char *echo = strstr(r.text, "echo 256:"); /* fields before it are text */
	CHECK(echo != NULL && memcmp(echo + 9, word, sizeof word) == 0);
	CHECK(strstr(r.text, "ferryman-relay/1,") != NULL);
	rig_end();
}

static void
the_same_number_twice_changes_once(void)
{
	rig_new("");
	CHECK_STR(apply(RIG_STORE, "10", ROUTE, "", RIG_NEXT, ""), "DONE");
	CHECK_STR(read_value(ROUTE), RIG_NEXT);
	rig_write(rig_path("argv.log"), "");
	CHECK_STR(apply(RIG_STORE, "10", ROUTE, "", RIG_NEXT, ""), "DONE");
	CHECK(rig_file_is("argv.log", "")); /* no tool ran */
	CHECK_STR(read_value(ROUTE), RIG_NEXT);
	CHECK_STR(apply(RIG_STORE, "10", ROUTE, RIG_NEXT, "", ""),
		"CONFLICT"); /* the number is taken */
	CHECK_STR(read_value(ROUTE), RIG_NEXT);
	rig_end();
}

static void
an_older_number_is_stale_and_a_newer_one_wins(void)
{
	rig_new("");
	CHECK_STR(apply(RIG_STORE, "1099511627777", ROUTE, "", RIG_NEXT, ""), "DONE");
	CHECK_STR(apply(RIG_STORE, "1099511627776", ROUTE, RIG_NEXT, "", ""), "STALE");
	CHECK_STR(read_value(ROUTE), RIG_NEXT);
	CHECK_STR(apply(RIG_STORE, "1099511627778", ROUTE, RIG_NEXT, "", ""), "DONE");
	CHECK_STR(read_value(ROUTE), "");
	CHECK_STR(apply(RIG_STORE, "1099511627777", ROUTE, "", RIG_NEXT, ""),
		"STALE"); /* the late forward */
	CHECK_STR(read_value(ROUTE), "");
	rig_end();
}

static void
a_fence_raises_the_number_and_leaves_the_value(void)
{
	rig_new("");
	CHECK_STR(apply(RIG_STORE, "10", ROUTE, "", RIG_NEXT, ""), "DONE");
	CHECK_STR(CALL("fence", RIG_STORE, "20"), "DONE");
	CHECK_STR(read_value(ROUTE), RIG_NEXT);
	CHECK_STR(apply(RIG_STORE, "11", ROUTE, RIG_NEXT, "", ""), "STALE");
	CHECK_STR(CALL("fence", RIG_STORE, "20"), "DONE"); /* twice is once */
	CHECK_STR(CALL("fence", RIG_STORE, "19"), "STALE");
	CHECK_STR(CALL("fence", RIG_OTHER, "30"), "CONFLICT");
	CHECK_STR(apply(RIG_STORE, "21", ROUTE, RIG_NEXT, "", ""), "DONE");
	rig_end();
}

static void
the_number_goes_only_when_nothing_is_away(void)
{
	rig_new("");
	CHECK_STR(apply(RIG_STORE, "10", ROUTE, "", RIG_NEXT, ""), "DONE");
	CHECK_STR(apply(RIG_STORE, "11", "fence.marker", "marked\n", "", ""), "RETRY");
	CHECK_STR(read_value("fence.marker"), "marked\n");
	CHECK_STR(read_value(ROUTE), RIG_NEXT);
	CHECK_STR(apply(RIG_STORE, "12", ROUTE, RIG_NEXT, "", ""), "DONE");
	CHECK_STR(apply(RIG_STORE, "13", "fence.marker", "marked\n", "", ""), "DONE");
	CHECK_STR(read_value("fence.marker"), "");
	CHECK_STR(apply(RIG_STORE, "12", ROUTE, "", RIG_NEXT, ""), "STALE"); /* late, from before */
	CHECK_STR(CALL("fence", RIG_STORE, "13"), "STALE");
	CHECK_STR(read_value(ROUTE), "");
	CHECK_STR(apply(RIG_STORE, "14", ROUTE, "", RIG_NEXT, ""), "DONE"); /* taken in again */
	CHECK_STR(apply(RIG_STORE, "15", ROUTE, RIG_NEXT, "", ""), "DONE");
	CHECK_STR(apply(RIG_STORE, "16", "fence.marker", "marked\n", "", ""), "DONE");
	CHECK_STR(apply(RIG_OTHER, "1", ROUTE, "", RIG_NEXT, ""),
		"DONE"); /* another ferryman may begin */
	CHECK_STR(read_value(ROUTE), RIG_NEXT);
	rig_end();
}

static void
another_stores_number_is_a_conflict(void)
{
	rig_new("");
	CHECK_STR(apply(RIG_STORE, "10", ROUTE, "", RIG_NEXT, ""), "DONE");
	CHECK_STR(apply(RIG_OTHER, "99", ROUTE, RIG_NEXT, "", ""), "CONFLICT");
	CHECK_STR(read_value(ROUTE), RIG_NEXT);
	rig_end();
}

/* A verb that a person types on the relay; its exit status. */
static int
by_hand(const char *verb)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);
		if (null < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
			_exit(126);
		execl(helper, "ferryman-relay", "--home", rig_path("home"), verb, (char *)NULL);
		_exit(127);
	}
	(void)waitpid(pid, &status, 0);
	return status;
}

static void
a_ferryman_whose_journal_is_lost_is_retired_by_a_person(void)
{
	rig_new("");
	CHECK(by_hand("retire") != 0); /* nobody stands there yet */
	CHECK_STR(apply(RIG_STORE, "10", ROUTE, "", RIG_NEXT, ""), "DONE");
	CHECK_STR(apply(RIG_OTHER, "11", ROUTE, RIG_NEXT, "", ""), "CONFLICT");
	CHECK_INT(by_hand("retire"), 0);
	CHECK_STR(read_value(ROUTE), RIG_NEXT); /* mail stays on its way */
	CHECK_STR(read_value("fence.marker"), "");
	/* what it may have sent before it was lost still comes late */
	CHECK_STR(apply(RIG_STORE, "10", ROUTE, RIG_NEXT, "", ""), "STALE");
	CHECK_STR(apply(RIG_OTHER, "3", ROUTE, RIG_NEXT, "", ""), "DONE");
	CHECK_STR(read_value(ROUTE), "");
	CHECK_STR(apply(RIG_STORE, "12", ROUTE, "", RIG_NEXT, ""), "CONFLICT");
	rig_end();
}

static void
a_lost_state_file_is_a_conflict_and_not_zero(void)
{
	rig_new("");
	CHECK_STR(apply(RIG_STORE, "10", ROUTE, "", RIG_NEXT, ""), "DONE");
	CHECK_STR(apply(RIG_STORE, "11", ROUTE, RIG_NEXT, "", ""),
		"DONE"); /* maps without rows bear the mark too */
	CHECK(unlink(rig_path("home/state/state")) == 0);
	CHECK_STR(apply(RIG_STORE, "5", ROUTE, "", RIG_NEXT, ""), "CONFLICT");
	CHECK(why_has("adopt"));
	CHECK_STR(CALL("fence", RIG_STORE, "50"), "CONFLICT");
	CHECK_STR(CALL("read", ROUTE), "REFUSED");
	CHECK_INT(by_hand("adopt"), 0);
	CHECK_STR(apply(RIG_STORE, "5", ROUTE, "", RIG_NEXT, ""),
		"STALE"); /* the maps' marks gave the number back */
	CHECK_STR(apply(RIG_STORE, "12", ROUTE, "", RIG_NEXT, ""), "DONE");
	rig_end();
}

static void
a_damaged_state_file_is_a_conflict(void)
{
	rig_new("");
	CHECK_STR(apply(RIG_STORE, "10", ROUTE, "", RIG_NEXT, ""), "DONE");
	char *s = rig_slurp(rig_path("home/state/state"));
	size_t n = strlen(s);
	for (size_t cut = 0; cut < n; cut += 7) {
		char *t = strndup(s, cut);
		rig_write(rig_path("home/state/state"), t);
		const char *o = apply(RIG_STORE, "11", ROUTE, RIG_NEXT, "", "");
		CHECK_STR(o, "CONFLICT");
		free(t);
	}
	rig_write(rig_path("home/state/state"), s);
	CHECK_STR(apply(RIG_STORE, "11", ROUTE, RIG_NEXT, "", ""), "DONE");
	free(s);
	rig_end();
}

static void
a_value_that_a_hand_changed_is_shown_and_not_overwritten(void)
{
	char p[700];

	rig_new("");
	CHECK_STR(apply(RIG_STORE, "10", ROUTE, "", RIG_NEXT, ""), "DONE");
	rig_write(rig_path("home/maps/slots"), "s01 nsmail:[other.example]:25\n");
	CHECK_STR(CALL("read", ROUTE), "REFUSED"); /* text and table differ */
	CHECK(why_has("not compiled"));
	CHECK_STR(apply(RIG_STORE, "11", ROUTE, RIG_NEXT, "", ""), "CONFLICT");
	rig_write(rig_path("home/maps/slots.lmdb"),
		"s01\tnsmail:[other.example]:25\n"); /* as postmap would */
	CHECK_STR(read_value(ROUTE), "next nsmail:[other.example]:25\nshare 5\n");
	CHECK(why_has("by hand"));
	CHECK_STR(apply(RIG_STORE, "11", ROUTE, RIG_NEXT, "", ""), "CONFLICT");
	CHECK_STR(read_value(ROUTE), "next nsmail:[other.example]:25\nshare 5\n");
	/* A plan that was made from what the hand wrote may go on. */
	CHECK_STR(
		apply(RIG_STORE, "12", ROUTE, "next nsmail:[other.example]:25\nshare 5\n", "", ""),
		"DONE");
	CHECK_STR(read_value(ROUTE), "");
	/* Rows that ferryman never writes stop everything here. */
	(void)snprintf(p, sizeof p, "%s", rig_path("home/maps/park"));
	rig_write(p, "boss@corp.example smtp:[elsewhere.example]\n");
	rig_write(rig_path("home/maps/park.lmdb"), "boss@corp.example\tsmtp:[elsewhere.example]\n");
	CHECK_STR(CALL("read", PARK), "REFUSED");
	CHECK_STR(apply(RIG_STORE, "13", PARK, "", "parked\n", ""), "CONFLICT");
	CHECK_STR(CALL("fence", RIG_STORE, "40"), "DONE"); /* a new era must be able to begin */
	CHECK(rig_file_is("home/maps/park", "boss@corp.example smtp:[elsewhere.example]\n"));
	rig_write(rig_path("home/maps/park"), "");
	rig_write(rig_path("home/maps/park.lmdb"), "");
	CHECK_STR(apply(RIG_STORE, "13", PARK, "", "parked\n", ""), "STALE");
	CHECK_STR(apply(RIG_STORE, "41", PARK, "", "parked\n", ""), "DONE");
	rig_end();
}

static void
a_tool_that_fails_leaves_unknown_and_is_finished_later(void)
{
	rig_new("");
	rig_write(rig_path("postmap.fails"), "");
	CHECK_STR(apply(RIG_STORE, "10", ROUTE, "", RIG_NEXT, ""), "UNKNOWN");
	CHECK_STR(apply(RIG_STORE, "10", ROUTE, "", RIG_NEXT, ""), "UNKNOWN");
	CHECK_STR(apply(RIG_STORE, "11", ROUTE, RIG_NEXT, "", ""),
		"RETRY"); /* the newer one was not begun */
	CHECK(unlink(rig_path("postmap.fails")) == 0);
	CHECK_STR(read_value(ROUTE), RIG_NEXT); /* whoever comes next finishes it */
	CHECK_STR(apply(RIG_STORE, "10", ROUTE, "", RIG_NEXT, ""), "DONE");
	rig_end();
}

static void
shares_come_in_twentieths_and_nothing_else_is_taken(void)
{
	static const char *const bad[] = { "next nsmail:[a.example]:25\nshare 3\n",
		"next nsmail:[a.example]:25\nshare 0\n", "next nsmail:[a.example]:25\nshare 105\n",
		"next nsmail:[a.example]:25\nshare 050\n", "next nsmail:[a.example]:25\nshare 50",
		"next nsmail:[a.example]:25\nshare 50\nmore\n", "next nsmail\nshare 50\n",
		"next :[a.example]\nshare 50\n", "next nsmail:$mydomain\nshare 50\n",
		"next nsmail:a b\nshare 50\n", "share 50\n", "parked\n" };

	rig_new("");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK_STR(apply(RIG_STORE, "10", ROUTE, "", bad[i], ""), "REFUSED");
	CHECK_STR(apply(RIG_STORE, "10", ROUTE, "", "next nsmail:[a.example]:25\nshare 15\n", ""),
		"DONE");
	CHECK(rig_file_is("home/maps/slots.lmdb", "s01\tnsmail:[a.example]:25\ns02\tnsmail:[a."
						  "example]:25\ns03\tnsmail:[a.example]:25\n"));
	CHECK(rig_file_is("home/maps/domains.lmdb", "@corp.example\tferryman\n"));
	rig_end();
}

static void
several_domains_follow_one_after_the_other(void)
{
	const char *b95 = "next nsmail:[a.example]:25\nshare 95\n",
		   *b50 = "next nsmail:[a.example]:25\nshare 50\n",
		   *b25 = "next nsmail:[a.example]:25\nshare 25\n";
	char conf[2400];

	rig_new("");
	CHECK_STR(apply(RIG_STORE, "10", "relay.route a.example", "", b95, ""), "DONE");
	CHECK_STR(apply(RIG_STORE, "11", "relay.route b.example", "", b95, ""), "DONE");
	CHECK_STR(apply(RIG_STORE, "12", "relay.route a.example", b95, b50, ""), "REFUSED");
	CHECK(why_has("domains2")); /* main.cf does not name the second pair of tables */
	(void)snprintf(conf, sizeof conf, "lmdb:%s/maps/domains2, lmdb:%s/maps/slots2",
		rig_path("home"), rig_path("home"));
	rig_write(rig_path("main.sender_dependent_default_transport_maps"), conf);
	CHECK_STR(apply(RIG_STORE, "12", "relay.route a.example", b95, b50, ""), "DONE");
	CHECK_STR(read_value("relay.route a.example"), b50);
	CHECK_STR(read_value("relay.route b.example"), b95);
	CHECK_STR(apply(RIG_STORE, "13", "relay.route c.example", "", b25, ""),
		"REFUSED"); /* a third way at once */
	CHECK_STR(apply(RIG_STORE, "13", "relay.route b.example", b95, b50, ""), "DONE");
	CHECK_STR(apply(RIG_STORE, "14", "relay.route a.example", b50, b25, ""), "DONE");
	CHECK_STR(read_value("relay.route a.example"), b25);
	CHECK_STR(read_value("relay.route b.example"), b50);
	CHECK_STR(apply(RIG_STORE, "15", "relay.route b.example", b50, "", ""), "DONE");
	CHECK_STR(apply(RIG_STORE, "16", "relay.route a.example", b25, "", ""), "DONE");
	CHECK(rig_file_is("home/maps/domains.lmdb", "") &&
		rig_file_is("home/maps/slots.lmdb", "") &&
		rig_file_is("home/maps/domains2.lmdb", "") &&
		rig_file_is("home/maps/slots2.lmdb", ""));
	rig_end();
}

static void
parked_mail_is_counted_and_let_go_newest_first_at_its_rate(void)
{
	char id[64];
	int64_t at, last = 0, last_of[2] = { 0, 0 };
	int n = 0, number, before = 100;

	rig_new("");
	CHECK_STR(apply(RIG_STORE, "10", PARK, "", "parked\n", "expires 600000\n"), "DONE");
	CHECK_STR(read_value(PARK), "parked\n");
	CHECK(rig_file_is(
		"home/maps/park.lmdb", "@corp.example\tpark:unix:private/parked-by-ferryman\n"));
	queue_fill(30, "deferred transport");
	CHECK(strncmp(read_value(QUEUE), "state parked\nparked 30\nwaiting 0\noldest ", 39) == 0);
	CHECK_STR(apply(RIG_STORE, "11", QUEUE, "", "state open\n",
			  "rate 20/1000\nper_receiver 8/1000\n"),
		"DONE");
	CHECK(until(rig_keeper_runs, 3000)); /* it locks a moment after the answer */
	CHECK_STR(read_value(PARK), "releasing\n");
	CHECK(rig_file_is("home/maps/park.lmdb", "@corp.example\trelease0:\n"));
	CHECK(until(queue_empty, 10000) && until(park_open, 5000));
	CHECK_STR(read_value(PARK), "");
	CHECK(rig_file_is("home/maps/park.lmdb", ""));
	FILE *f = fopen(rig_path("released"), "re");
	while (f != NULL && fscanf(f, "%63s %" SCNd64, id, &at) == 2) {
		CHECK(sscanf(id, "4Q%d", &number) == 1 && number < before);
		before = number;
		if (n++ > 0)
			CHECK(at - last >=
				45); /* 20 a second: 50 ms, less the noting's own jitter */
		if (last_of[number % 2] > 0)
			CHECK(at - last_of[number % 2] >=
				115); /* 8 a second to one receiver: 125 ms */
		last = last_of[number % 2] = at;
	}
	if (f != NULL)
		(void)fclose(f);
	CHECK_INT(n, 30);
	CHECK(until(keeper_gone, 8000)); /* stragglers were waited for, then it ended */
	rig_end();
}

static void
with_the_backup_switched_on_mail_is_let_go_through_it(void)
{
	rig_new("");
	CHECK_STR(apply(RIG_STORE, "10", PARK, "", "parked\n", ""), "DONE");
	queue_fill(1, "deferred transport");
	CHECK_STR(apply(RIG_STORE, "11", ROUTE, "", RIG_NEXT, ""), "DONE");
	CHECK_STR(apply(RIG_STORE, "12", QUEUE, "", "state open\n",
			  "rate 1/600000\nper_receiver 1/600000\n"),
		"DONE");
	CHECK(rig_file_is(
		"home/maps/park.lmdb", "@corp.example\trelease:[relay.nsmail.example]:587\n"));
	CHECK(until(queue_empty, 5000));
	rig_end();
}

/* Once a release lasted as long as applications kept sending: each look found the newest message.
 */
static void
a_release_ends_although_mail_keeps_coming(void)
{
	rig_new("");
	CHECK_STR(apply(RIG_STORE, "10", PARK, "", "parked\n", "expires 600000\n"), "DONE");
	queue_fill(4, "deferred transport");
	rig_write(rig_path("keeps-coming"), "");
	CHECK_STR(apply(RIG_STORE, "11", QUEUE, "", "state open\n",
			  "rate 50/1000\nper_receiver 50/1000\n"),
		"DONE");
	CHECK(until(park_open, 8000));
	CHECK(until(queue_empty, 8000));
	rig_end();
}

static int
times_let_go(void)
{
	char *s = rig_slurp(rig_path("released"));
	int n = 0;

	for (const char *p = s; *p != '\0'; p++)
		n += *p == '\n';
	free(s);
	return n;
}
static bool
twice_each(void)
{
	return times_let_go() >= 6;
}

/* Once a release never ended while the backup refused: each try of the queue manager made its mail
 * parked again. The backup's own transport defers what is refused, so the shelter is not needed any
 * longer. */
static void
a_release_by_a_backup_that_refuses_ends(void)
{
	rig_new("");
	CHECK_STR(apply(RIG_STORE, "10", PARK, "", "parked\n", "expires 600000\n"), "DONE");
	queue_fill(6, "deferred transport");
	rig_write(rig_path("keeps-coming"), "");
	rig_write(rig_path("refuses"), "");
	CHECK_STR(apply(RIG_STORE, "11", ROUTE, "", RIG_NEXT, ""), "DONE");
	CHECK_STR(apply(RIG_STORE, "12", QUEUE, "", "state open\n",
			  "rate 4/1000\nper_receiver 4/1000\n"),
		"DONE");
	CHECK(until(park_open, 15000));
	CHECK(!queue_empty());
	CHECK(times_let_go() >= 6);
	rig_end();
}

/* By the primary the same mail would bounce as soon as its row is gone: the shelter stays until it
 * is taken. */
static void
a_shelter_does_not_end_while_the_primary_is_refused(void)
{
	rig_new("rate 100/1000\nper_receiver 100/1000\n");
	CHECK_STR(apply(RIG_STORE, "10", PARK, "", "parked\n", "expires 300\n"), "DONE");
	queue_fill(3, "deferred transport");
	rig_write(rig_path("refuses"), "");
	CHECK(until(twice_each, 15000));
	CHECK_STR(read_value(PARK), "releasing\n");
	CHECK(rig_file_is("home/maps/park.lmdb", "@corp.example\trelease0:\n"));
	CHECK(unlink(rig_path("refuses")) == 0);
	CHECK(until(queue_empty, 10000));
	CHECK(until(park_open, 5000));
	rig_end();
}

static void
a_shelter_ends_by_itself_and_its_mail_is_let_go(void)
{
	rig_new("rate 100/1000\nper_receiver 100/1000\n");
	queue_fill(5, "deferred transport");
	CHECK_STR(apply(RIG_STORE, "10", PARK, "", "parked\n", "expires 700\n"), "DONE");
	CHECK_STR(read_value(PARK), "parked\n");
	CHECK(!queue_empty());
	CHECK(until(queue_empty, 5000));
	CHECK(until(park_open, 5000));
	CHECK_STR(apply(RIG_STORE, "11", PARK, "", "parked\n", "expires 600000\n"),
		"DONE"); /* and may come again */
	rig_end();
}

static void
a_keeper_that_died_is_started_by_the_next_verb(void)
{
	rig_new("rate 100/1000\nper_receiver 100/1000\n");
	queue_fill(3, "deferred transport");
	CHECK_STR(apply(RIG_STORE, "10", PARK, "", "parked\n", "expires 600000\n"), "DONE");
	CHECK(until(rig_keeper_runs, 3000)); /* it locks a moment after the answer */
	char *pid = rig_slurp(rig_path("home/state/keeper.lock"));
	CHECK(rig_number(pid) > 1 && kill(rig_number(pid), SIGKILL) == 0);
	free(pid);
	CHECK(until(keeper_gone, 2000));
	CHECK_STR(CALL("release-status"), "DONE");
	CHECK(until(rig_keeper_runs, 3000)); /* it locks a moment after the answer */
	CHECK_STR(apply(RIG_STORE, "11", PARK, "parked\n", "", ""), "DONE");
	CHECK(until(queue_empty, 5000));
	rig_end();
}

static void
an_empty_shelter_opens_at_once(void)
{
	rig_new("");
	CHECK_STR(apply(RIG_STORE, "10", PARK, "", "parked\n", ""), "DONE");
	CHECK_STR(apply(RIG_STORE, "11", PARK, "parked\n", "", ""), "DONE");
	CHECK_STR(read_value(PARK), "");
	CHECK(strncmp(read_value(QUEUE), "state open\nparked 0\nwaiting 0\n", 30) == 0);
	rig_end();
}

static void
mail_that_waits_for_other_reasons_is_not_parked(void)
{
	rig_new("");
	CHECK_STR(apply(RIG_STORE, "10", PARK, "", "parked\n", ""), "DONE");
	queue_fill(4, "connect to mx.cloudmail.example[198.51.100.10]:25: Connection refused");
	CHECK(strncmp(read_value(QUEUE), "state parked\nparked 0\nwaiting 4\n", 32) == 0);
	CHECK(strncmp(read_value("relay.queue r1.example"), "state open\nparked 0\nwaiting 2\n",
		      30) == 0); /* to it: a spool */
	CHECK(strncmp(read_value("relay.queue other.example"),
		      "state open\nparked 0\nwaiting 0\noldest 0\n", 39) == 0);
	rig_end();
}

static void
setup_check_names_what_main_cf_lacks(void)
{
	char v[2400];
	const char *h;

	rig_new("");
	CHECK_STR(CALL("setup-check"), "REFUSED");
	CHECK(why_has("maps/park"));
	h = rig_path("home");
	(void)snprintf(v, sizeof v,
		"lmdb:%s/maps/park, pipemap:{lmdb:%s/maps/domains, randmap:{s01}, "
		"lmdb:%s/maps/slots}, pipemap:{lmdb:%s/maps/domains2, randmap:{s01}, "
		"lmdb:%s/maps/slots2}",
		h, h, h, h, h);
	rig_write(rig_path("main.sender_dependent_default_transport_maps"), v);
	rig_write(rig_path("main.defer_transports"), "park release");
	CHECK_STR(CALL("setup-check"), "REFUSED");
	CHECK(why_has("release0"));
	rig_write(rig_path("main.defer_transports"), "park, release, release0");
	CHECK_STR(CALL("setup-check"), "REFUSED"); /* nor may what they let go bounce */
	CHECK(why_has("release/unix has no smtp_delivery_status_filter"));
	rig_write(rig_path("master"), "release/unix/smtp_delivery_status_filter = pcre:/f\n");
	CHECK_STR(CALL("setup-check"), "REFUSED");
	CHECK(why_has("master.cf: release0/unix has no smtp_delivery_status_filter"));
	CHECK(!why_has("release/unix"));
	rig_write(rig_path("master"), "release/unix/smtp_delivery_status_filter = pcre:/f\n"
				      "release0/unix/smtp_delivery_status_filter = pcre:/f\n");
	CHECK_STR(CALL("setup-check"), "DONE");
	rig_write(rig_path("master"), "");
	rig_write(rig_path("main.smtp_delivery_status_filter"), "pcre:/f");
	CHECK_STR(CALL("setup-check"), "DONE"); /* one for all transports */
	rig_end();
}

/* --- harm --- */

/* What reached the tools is of two shapes only: maps by their own names, and queue ids. */
static void
check_tool_arguments(void)
{
	char *s = rig_slurp(rig_path("argv.log")); /* NUL ends each word, so read it raw */
	FILE *f = fopen(rig_path("argv.log"), "re");
	char line[2000];
	size_t n = 0;
	int c;

	while (f != NULL && (c = fgetc(f)) != EOF) {
		if (c == '\n' && n > 0 && line[n - 1] == '\0') {
			const char *tool = strrchr(line, '/') + 1, *arg = line + strlen(line) + 1;
			bool dump = strcmp(arg, "-s") == 0;
			char want[600];
			(void)snprintf(want, sizeof want, "lmdb:%s/home/maps/", rig_dir);
			if (dump)
				arg += 3;
			CHECK(strcmp(tool, "postmap") == 0
					? strncmp(arg, want, strlen(want)) == 0 &&
						  strspn(arg + strlen(want),
							  "abcdefghijklmnopqrstuvwxyz2") ==
							  strlen(arg + strlen(want))
				: strcmp(tool, "postqueue") == 0 ? strcmp(arg, "-j") == 0
								 : strcmp(tool, "postconf") == 0);
			n = 0;
		} else if (n < sizeof line - 1) {
			line[n++] = (char)c;
		}
	}
	if (f != NULL)
		(void)fclose(f);
	free(s);
}

static void
hostile_words_reach_no_tool_and_no_shell(void)
{
	static char word[5][400], in[1 << 17];
	const char *n_text = getenv("HELPER_HOSTILE");
	int n = n_text != NULL ? rig_number(n_text) : 600;

	rig_new("");
	for (int i = 0; i < n; i++) {
		size_t lens[8] = { 0 };
		const char *words[8] = { 0 };
		int k = (int)(rig_draw() % 4);
		for (int j = 0; j < 5; j++) {
			size_t len;
			rig_hostile(word[j], &len);
		}
		if (k == 0) { /* comes back octet by octet */
			words[0] = "hello", words[1] = word[0];
		} else if (k == 1) {
			words[0] = "read", words[1] = word[0];
		} else if (k == 2) {
			words[0] = "apply", words[1] = RIG_STORE, words[2] = "7",
			words[3] = rig_draw() % 2 ? ROUTE : word[0];
			words[4] = "", words[5] = word[1], words[6] = word[2];
		} else {
			words[0] = "queue", words[1] = word[0];
		}
		for (int j = 0; words[j] != NULL; j++)
			lens[j] = strlen(words[j]);
		rig_bytes(helper, NULL, in, rig_request(in, sizeof in, words, lens), &r);
		CHECK(r.outcome[0] != '\0');
		if (k == 0) {
			char *echo = rig_field(&r, "echo");
			CHECK_STR(echo, word[0]);
			free(echo);
		} else if (k == 2 && strcmp(words[3], ROUTE) == 0) {
			CHECK_STR(r.outcome, "REFUSED");
		}
	}
	check_tool_arguments();
	CHECK(access("$W", F_OK) != 0);
	CHECK_STR(read_value(ROUTE), "");
	rig_end();
}

static void
bytes_that_are_no_request_are_refused(void)
{
	static const char *const bad[] = { "", ":", "5:hello", "5:hello,", "99999999:x,", "-1:,",
		"05:hello,", "3:a,b,", "24:16:ferryman-relay/1,0:,x,", "GET / HTTP/1.0\r\n\r\n",
		"20:16:ferryman-relay/2,,", "29:16:ferryman-relay/2,5:hello,," };

	rig_new("");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		rig_bytes(helper, NULL, bad[i], strlen(bad[i]), &r);
		CHECK_STR(r.outcome, "REFUSED");
	}
	CHECK_STR(CALL("hello", "x"), "DONE"); /* the twin */
	CHECK_STR(CALL("hello"), "REFUSED");
	CHECK_STR(CALL("hello", "x", "y"), "REFUSED");
	CHECK_STR(CALL("shell", "x"), "REFUSED");
	rig_end();
}

static void
queue_ids_that_are_no_ids_stop_a_release(void)
{
	rig_new("rate 100/1000\nper_receiver 100/1000\n");
	CHECK_STR(apply(RIG_STORE, "10", PARK, "", "parked\n", ""), "DONE");
	rig_write(rig_path("queue"), "{\"queue_name\": \"deferred\", \"queue_id\": \"-f;touch x\", "
				     "\"arrival_time\": 1, \"sender\": \"a@corp.example\", "
				     "\"recipients\": [{\"address\": \"b@r.example\", "
				     "\"delay_reason\": \"deferred transport\"}]}\n");
	CHECK_STR(CALL("read", QUEUE), "RETRY");
	CHECK_STR(apply(RIG_STORE, "11", PARK, "parked\n", "", ""),
		"DONE"); /* begun; what cannot be listed stays */
	CHECK_STR(read_value(PARK), "releasing\n");
	check_tool_arguments();
	rig_end();
}

int
main(int argc, char **argv)
{
	const char *build = getenv("BUILD");
	rig_tool(argc, argv);
	(void)snprintf(
		helper, sizeof helper, "%s/ferryman-relay", build != NULL ? build : ".build");
	char *full = realpath(helper, NULL);
	if (full == NULL)
		rig_die(helper);
	(void)snprintf(helper, sizeof helper, "%s", full);
	free(full);
	TEST(a_word_of_any_octets_comes_back_as_it_went);
	TEST(the_same_number_twice_changes_once);
	TEST(an_older_number_is_stale_and_a_newer_one_wins);
	TEST(a_fence_raises_the_number_and_leaves_the_value);
	TEST(the_number_goes_only_when_nothing_is_away);
	TEST(another_stores_number_is_a_conflict);
	TEST(a_lost_state_file_is_a_conflict_and_not_zero);
	TEST(a_ferryman_whose_journal_is_lost_is_retired_by_a_person);
	TEST(a_damaged_state_file_is_a_conflict);
	TEST(a_value_that_a_hand_changed_is_shown_and_not_overwritten);
	TEST(a_tool_that_fails_leaves_unknown_and_is_finished_later);
	TEST(shares_come_in_twentieths_and_nothing_else_is_taken);
	TEST(several_domains_follow_one_after_the_other);
	TEST(parked_mail_is_counted_and_let_go_newest_first_at_its_rate);
	TEST(with_the_backup_switched_on_mail_is_let_go_through_it);
	TEST(a_release_ends_although_mail_keeps_coming);
	TEST(a_release_by_a_backup_that_refuses_ends);
	TEST(a_shelter_does_not_end_while_the_primary_is_refused);
	TEST(a_shelter_ends_by_itself_and_its_mail_is_let_go);
	TEST(a_keeper_that_died_is_started_by_the_next_verb);
	TEST(an_empty_shelter_opens_at_once);
	TEST(mail_that_waits_for_other_reasons_is_not_parked);
	TEST(setup_check_names_what_main_cf_lacks);
	TEST(hostile_words_reach_no_tool_and_no_shell);
	TEST(bytes_that_are_no_request_are_refused);
	TEST(queue_ids_that_are_no_ids_stop_a_release);
	return check_end();
}
