/* signal_dnsbl.c - the dnsbl signal against a DNS server that tells the truth, and one that lies in
 * each known way. */
#include "lib/signal_contract.h"

#include <stdlib.h>

extern const struct connector dnsbl_connector;

static struct netrig rig;
static struct netrig_port port;

/* A list that keeps RFC 5782 and names 198.51.100.25. */
#define GOOD(zone)                                                                                 \
	"\"2.0.0.127." zone "\": {\"A\": [\"127.0.0.2\"]}, "                                       \
	"\"25.100.51.198." zone "\": {\"A\": [\"127.0.0.2\"], \"TXT\": [\"see https://" zone       \
	"/why\"]}"

static void
list(const char *names)
{
	netrig_tell(&rig, "{\"reset\": true, \"set\": {\"dns\": {\"names\": {%s}}}}", names);
}

static bool
open_lists(const char *lists)
{
	return netrig_open(&port, &rig, &dnsbl_connector,
		"lists: [%s]\nresolver: 127.0.0.1\nresolver_port: \"%d\"\n", lists, rig.port.dns);
}

static struct netrig_seen *
ask(const char *lists, const char *addr)
{
	static struct netrig_seen seen;

	if (!open_lists(lists)) {
		printf("FAIL open: %s\n", port.err.text);
		exit(1);
	}
	seen = *netrig_ask(&port, addr, 4000);
	netrig_close(&port);
	return &seen;
}

static void
a_listed_address_is_bad_and_the_list_its_code_and_its_reason_are_named(void)
{
	struct netrig_seen *s;

	list(GOOD("bl.example"));
	s = ask("bl.example", "198.51.100.25");
	CHECK_INT(s->verdict, CONN_BAD);
	CHECK(!s->harm); /* a listing is a cause */
	CHECK_STR(s->via, "198.51.100.25");
	CHECK_STR(s->why, "198.51.100.25 is listed by bl.example (127.0.0.2: listed; see "
			  "https://bl.example/why)");
	CHECK(strstr(s->facts, "\"codes\":\"127.0.0.2\"") != NULL);
}

static void
an_address_that_is_not_listed_is_ok(void)
{
	struct netrig_seen *s;

	list(GOOD("bl.example"));
	s = ask("bl.example", "198.51.100.26");
	CHECK_INT(s->verdict, CONN_OK);
	CHECK_STR(s->why, "198.51.100.26 is not listed by bl.example");
}

static void
a_list_that_does_not_list_its_test_point_is_not_believed(void)
{
	struct netrig_seen *s;

	list("\"25.100.51.198.bl.example\": {\"A\": [\"127.0.0.2\"]}");
	s = ask("bl.example", "198.51.100.25");
	CHECK_INT(s->verdict, CONN_UNKNOWN);
	CHECK(strstr(s->why, "test point") != NULL);
	CHECK(s->untested);
}

static void
a_list_that_lists_127_0_0_1_is_not_believed(void)
{
	struct netrig_seen *s;

	list(GOOD("bl.example") ", \"1.0.0.127.bl.example\": {\"A\": [\"127.0.0.2\"]}");
	s = ask("bl.example", "198.51.100.25");
	CHECK_INT(s->verdict, CONN_UNKNOWN);
	CHECK(strstr(s->why, "127.0.0.1") != NULL);
	CHECK(s->untested);
}

static void
a_parked_zone_that_answers_for_every_name_is_not_believed(void)
{
	struct netrig_seen *s;

	list("\"2.0.0.127.bl.example\": {\"A\": [\"192.0.2.80\"]}, \"1.0.0.127.bl.example\": "
	     "{\"A\": [\"192.0.2.80\"]}, "
	     "\"25.100.51.198.bl.example\": {\"A\": [\"192.0.2.80\"]}");
	s = ask("bl.example", "198.51.100.25");
	CHECK_INT(s->verdict, CONN_UNKNOWN);
	CHECK(strstr(s->why, "outside 127.0.0.0/8") != NULL);
}

static void
an_error_code_is_no_listing(void)
{
	struct netrig_seen *s;

	list("\"2.0.0.127.zen.spamhaus.org\": {\"A\": [\"127.0.0.2\"]}, "
	     "\"25.100.51.198.zen.spamhaus.org\": {\"A\": [\"127.255.255.254\"]}");
	s = ask("zen.spamhaus.org", "198.51.100.25");
	CHECK_INT(s->verdict, CONN_UNKNOWN);
	CHECK(strstr(s->why, "resolver") != NULL);
}

static void
an_error_code_beside_a_hit_is_a_hit(void)
{
	list("\"2.0.0.127.zen.spamhaus.org\": {\"A\": [\"127.0.0.2\"]}, "
	     "\"25.100.51.198.zen.spamhaus.org\": {\"A\": [\"127.255.255.254\", \"127.0.0.4\"]}");
	CHECK_INT(ask("zen.spamhaus.org", "198.51.100.25")->verdict, CONN_BAD);
}

static void
a_policy_entry_and_a_listed_neighbourhood_are_degraded(void)
{
	list("\"2.0.0.127.zen.spamhaus.org\": {\"A\": [\"127.0.0.2\"]}, "
	     "\"25.100.51.198.zen.spamhaus.org\": {\"A\": [\"127.0.0.11\"]}");
	CHECK_INT(ask("zen.spamhaus.org", "198.51.100.25")->verdict, CONN_DEGRADED);
	list("\"2.0.0.127.dnsbl-3.uceprotect.net\": {\"A\": [\"127.0.0.2\"]}, "
	     "\"25.100.51.198.dnsbl-3.uceprotect.net\": {\"A\": [\"127.0.0.2\"]}");
	CHECK_INT(ask("dnsbl-3.uceprotect.net", "198.51.100.25")->verdict, CONN_DEGRADED);
}

static void
servfail_and_silence_are_unknown(void)
{
	struct netrig_seen *s;

	list("\"2.0.0.127.bl.example\": {\"rcode\": 2}, \"1.0.0.127.bl.example\": {\"rcode\": 2}, "
	     "\"25.100.51.198.bl.example\": {\"rcode\": 2}");
	s = ask("bl.example", "198.51.100.25");
	CHECK_INT(s->verdict, CONN_UNKNOWN);
	CHECK(strstr(s->why, "SERVFAIL") != NULL);
	netrig_tell(&rig,
		"{\"reset\": true, \"set\": {\"dns\": {\"drop\": [\"2.0.0.127.bl.example\", "
		"\"1.0.0.127.bl.example\", \"26.100.51.198.bl.example\"]}}}");
	CHECK(open_lists("bl.example"));
	s = netrig_ask(&port, "198.51.100.26", 300);
	CHECK_INT(s->verdict, CONN_UNKNOWN);
	CHECK(s->untested); /* no list can be asked */
	netrig_close(&port);
	netrig_tell(&rig, "{\"reset\": true, \"set\": {\"dns\": {\"names\": {" GOOD(
				  "good.example") "}, \"drop\": [\"2.0.0.127.bl.example\", "
						  "\"1.0.0.127.bl.example\", "
						  "\"26.100.51.198.bl.example\"]}}}");
	CHECK(open_lists("bl.example, good.example"));
	s = netrig_ask(&port, "198.51.100.26", 300);
	CHECK_INT(s->verdict, CONN_OK);
	CHECK(!s->untested); /* one of two is silent: the other is enough */
	netrig_close(&port);
}

static void
one_list_that_works_is_enough_and_the_other_is_named(void)
{
	struct netrig_seen *s;

	list(GOOD("bl.example"));
	s = ask("bl.example, dead.example", "198.51.100.26");
	CHECK_INT(s->verdict, CONN_OK);
	CHECK(strstr(s->why, "; not usable: dead.example") != NULL);
	CHECK(s->untested); /* it answers, and not as RFC 5782 has it */
	s = ask("dead.example, bl.example", "198.51.100.25");
	CHECK_INT(s->verdict, CONN_BAD);
}

static void
an_ipv6_address_is_asked_with_its_own_test_points(void)
{
	/* RFC 5782 2.4: nibbles; ::FFFF:7F00:2 must be listed. */
	list("\"2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.bl.example\": "
	     "{\"A\": [\"127.0.0.2\"]}, "
	     "\"5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.example\": "
	     "{\"A\": [\"127.0.0.2\"]}");
	CHECK_INT(ask("bl.example", "2001:db8::25")->verdict, CONN_BAD);
	CHECK_INT(ask("bl.example", "2001:db8::26")->verdict, CONN_OK);
}

static void
the_key_of_a_list_is_asked_with_and_never_shown(void)
{
	struct netrig_seen *s;
	char *log;

#define KEY "0123456789abcdefghijklmnop"
	list("\"2.0.0.127." KEY
	     ".zen.dq.spamhaus.net\": {\"A\": [\"127.0.0.2\"]}, \"25.100.51.198." KEY
	     ".zen.dq.spamhaus.net\": {\"A\": [\"127.0.0.4\"], \"TXT\": [\"look up "
	     "25.100.51.198." KEY ".zen.dq.spamhaus.net\"]}");
	CHECK(netrig_open(&port, &rig, &dnsbl_connector,
		"keyed_lists: [zen.dq.spamhaus.net]\nkey: {file: list.key}\nresolver: "
		"127.0.0.1\nresolver_port: "
		"\"%d\"\n",
		rig.port.dns));
	s = netrig_ask(&port, "198.51.100.25", 4000);
	CHECK_INT(s->verdict, CONN_BAD);
	CHECK(strstr(s->why, "zen.dq.spamhaus.net") != NULL);
	CHECK(strstr(s->why, KEY) == NULL);
	CHECK(strstr(s->facts, KEY) == NULL);
	log = netrig_log(&rig);
	CHECK(strstr(log, KEY) != NULL);
	free(log);
	netrig_tell(&rig, "{\"reset\": true, \"set\": {\"dns\": {\"drop\": [\"2.0.0.127." KEY
			  ".zen.dq.spamhaus.net\"]}}}");
	s = netrig_ask(&port, "198.51.100.25", 300);
	CHECK_INT(s->verdict, CONN_UNKNOWN);
	CHECK(strstr(s->why, KEY) == NULL);
	netrig_close(&port);
}

static void
each_round_asks_the_test_points_again(void)
{
	char *log;
	int points = 0;

	list(GOOD("bl.example"));
	CHECK(open_lists("bl.example"));
	(void)netrig_ask(&port, "198.51.100.26", 4000);
	(void)netrig_ask(&port, "198.51.100.26", 4000);
	netrig_close(&port);
	log = netrig_log(&rig);
	for (const char *at = log; (at = strstr(at, "udp 2.0.0.127.bl.example")) != NULL; at++)
		points++;
	CHECK_INT(points, 2);
	free(log);
}

static void
a_cancelled_round_completes_once_and_later(void)
{
	netrig_tell(&rig, "{\"reset\": true, \"set\": {\"dns\": {\"drop\": "
			  "[\"25.100.51.198.bl.example\"]}}}");
	CHECK(open_lists("bl.example"));
	netrig_probe(
		&port, 1, &(struct probe_req){ .subject = "198.51.100.25", .deadline_ms = 5000 });
	netrig_probe(
		&port, 2, &(struct probe_req){ .subject = "198.51.100.26", .deadline_ms = 5000 });
	signal_ends_once(&port);
}

static void
settings_that_can_not_work_are_refused(void)
{
	CHECK(!netrig_open(&port, &rig, &dnsbl_connector, "resolver: 127.0.0.1\n"));
	CHECK(strstr(port.err.text, "at least one list") != NULL);
	CHECK(!netrig_open(&port, &rig, &dnsbl_connector, "keyed_lists: [zen.dq.spamhaus.net]\n"));
	CHECK(strstr(port.err.text, "key") != NULL);
	CHECK(open_lists("bl.example"));
	CHECK_INT(netrig_ask(&port, "not-an-address", 1000)->verdict, CONN_UNKNOWN);
	netrig_close(&port);
}

int
main(void)
{
	const char *why = netrig_start(&rig);

	if (why != NULL) {
		SKIP("signal dnsbl", why);
		return check_end();
	}
	TEST(a_listed_address_is_bad_and_the_list_its_code_and_its_reason_are_named);
	TEST(an_address_that_is_not_listed_is_ok);
	TEST(a_list_that_does_not_list_its_test_point_is_not_believed);
	TEST(a_list_that_lists_127_0_0_1_is_not_believed);
	TEST(a_parked_zone_that_answers_for_every_name_is_not_believed);
	TEST(an_error_code_is_no_listing);
	TEST(an_error_code_beside_a_hit_is_a_hit);
	TEST(a_policy_entry_and_a_listed_neighbourhood_are_degraded);
	TEST(servfail_and_silence_are_unknown);
	TEST(one_list_that_works_is_enough_and_the_other_is_named);
	TEST(an_ipv6_address_is_asked_with_its_own_test_points);
	TEST(the_key_of_a_list_is_asked_with_and_never_shown);
	TEST(each_round_asks_the_test_points_again);
	TEST(a_cancelled_round_completes_once_and_later);
	TEST(settings_that_can_not_work_are_refused);
	netrig_stop(&rig);
	return check_end();
}
