/* signal_tcp.c - the tcp signal against a port that greets, one that says nothing, one that is
 * closed, and words meant to harm. */
#include "lib/signal_contract.h"

#include <stdlib.h>

extern const struct connector tcp_connector;

static struct netrig rig;
static struct netrig_port port;

static void
greet(const char *conf)
{
	netrig_tell(&rig, "{\"reset\": true, \"set\": {\"tcp\": {%s}}}", conf);
}

static struct netrig_seen *
knock(const char *host, int to, const char *more)
{
	static struct netrig_seen seen;

	if (!netrig_open(
		    &port, &rig, &tcp_connector, "host: %s\nport: \"%d\"\n%s", host, to, more)) {
		printf("FAIL open: %s\n", port.err.text);
		exit(1);
	}
	seen = *netrig_ask(&port, "", 800);
	netrig_close(&port);
	CHECK_INT(seen.times, 1);
	CHECK(!seen.harm); /* a port is no mail */
	return &seen;
}

static void
a_connection_is_enough_without_a_banner(void)
{
	greet("");
	CHECK_INT(knock("127.0.0.1", rig.port.tcp, "")->verdict, CONN_OK);
	greet("\"banner\": \"whatever\\r\\n\"");
	CHECK_INT(knock("127.0.0.1", rig.port.tcp, "")->verdict, CONN_OK);
}

static void
the_first_line_must_begin_as_the_banner_says(void)
{
	static const struct {
		const char *conf, *banner;
		enum conn_verdict verdict;
		const char *why;
	} rows[] = {
		{ "\"banner\": \"SSH-2.0-fake\\r\\n\"", "banner: SSH-2.0-\n", CONN_OK,
			"greets with \"SSH-2.0-fake\"" },
		{ "\"banner\": \"SSH-2.0-fake\\n\"", "banner: SSH-2.0-\n", CONN_OK,
			"greets with \"SSH-2.0-fake\"" },
		{ "\"banner\": \"SSH-2.0-fake\\r\\n\"", "banner: \"220 \"\n", CONN_BAD,
			"not with \"220 \"" },
		{ "\"banner\": \"x 220 \\r\\n\"", "banner: \"220 \"\n", CONN_BAD,
			"not with \"220 \"" },
		{ "\"banner\": \"22\\r\\n0 \\r\\n\"", "banner: \"220 \"\n", CONN_BAD,
			"not with \"220 \"" },
		{ "\"banner\": \"\\r\\n\"", "banner: \"220 \"\n", CONN_BAD, "greets with \"\"" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct netrig_seen *s;

		greet(rows[i].conf);
		s = knock("127.0.0.1", rig.port.tcp, rows[i].banner);
		CHECK_INT(s->verdict, rows[i].verdict);
		if (strstr(s->why, rows[i].why) == NULL)
			CHECK_STR(s->why, rows[i].why);
	}
}

static void
silence_a_closed_port_and_an_early_end_are_bad(void)
{
	static const struct {
		const char *conf, *why;
	} rows[] = {
		{ "", "within the time" },
		{ "\"banner\": \"SSH-2.0-no line\"", "within the time" },
		{ "\"banner\": \"SSH-2.0-no line\", \"close\": true", "closed" },
		{ "\"close\": true", "closed" },
	};
	struct netrig_seen *s;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		greet(rows[i].conf);
		s = knock("127.0.0.1", rig.port.tcp, "banner: SSH-2.0-\n");
		CHECK_INT(s->verdict, CONN_BAD);
		if (strstr(s->why, rows[i].why) == NULL)
			CHECK_STR(s->why, rows[i].why);
	}
	s = knock("127.0.0.1", 1, "");
	CHECK_INT(s->verdict, CONN_BAD);
	CHECK(strstr(s->why, "refused") != NULL);
}

static void
a_name_without_address_is_unknown_and_one_with_two_is_tried_twice(void)
{
	greet("");
	CHECK_INT(knock("nowhere.example", rig.port.tcp, "")->verdict, CONN_UNKNOWN);
	netrig_tell(&rig,
		"{\"set\": {\"dns\": {\"names\": {\"two.example\": {\"A\": [\"127.0.0.9\", "
		"\"127.0.0.1\"]}}}}}");
	CHECK_INT(knock("two.example", rig.port.tcp, "")->verdict, CONN_OK);
}

static void
words_meant_to_harm_are_shown_plain_and_short(void)
{
	char conf[3000] = "\"banner\": \"";
	struct netrig_seen *s;

	greet("\"banner\": \"\\u001b]0;x\\u0007\\u009b2J%s%n\\r\\n\"");
	s = knock("127.0.0.1", rig.port.tcp, "banner: \"220 \"\n");
	CHECK_INT(s->verdict, CONN_BAD);
	CHECK(strchr(s->why, '\033') == NULL && strchr(s->why, '\007') == NULL);
	CHECK(strstr(s->why, "\xc2\x9b") == NULL && strstr(s->why, "%s%n") != NULL);
	for (size_t n = strlen(conf); n < 2800;)
		n += (size_t)snprintf(conf + n, sizeof conf - n, "longer and longer ");
	(void)snprintf(conf + strlen(conf), sizeof conf - strlen(conf), "\\r\\n\"");
	greet(conf);
	s = knock("127.0.0.1", rig.port.tcp, "banner: longer\n");
	CHECK_INT(s->verdict, CONN_OK);
	CHECK(strlen(s->why) < 300);
}

static void
a_line_that_never_ends_is_bad(void)
{
	static char conf[150000];
	size_t n = (size_t)snprintf(conf, sizeof conf, "\"banner\": \"");

	memset(conf + n, 'x', 140000);
	(void)snprintf(conf + n + 140000, sizeof conf - n - 140000, "\"");
	greet(conf);
	struct netrig_seen *s = knock("127.0.0.1", rig.port.tcp, "banner: xx\n");
	CHECK_INT(s->verdict, CONN_BAD);
	CHECK(strstr(s->why, "more than") != NULL);
}

static void
cancel_and_close_complete_once(void)
{
	const struct probe_req rq = { .subject = "", .deadline_ms = 5000 };

	greet("");
	CHECK(netrig_open(&port, &rig, &tcp_connector, "host: 127.0.0.1\nport: \"%d\"\nbanner: x\n",
		rig.port.tcp));
	netrig_probe(&port, 1, &rq);
	netrig_probe(&port, 2, &rq);
	netrig_probe(&port, 3, &rq);
	port.kind->cancel(port.conn, 3); /* before it is even connected */
	CHECK(netrig_asked(&rig, "tcp connect", 2));
	signal_ends_once(&port);
	CHECK_INT(port.seen[3].times, 1);
}

static void
settings_that_can_not_work_are_refused(void)
{
	CHECK(!netrig_open(&port, &rig, &tcp_connector, "port: \"80\"\n"));
	CHECK(strstr(port.err.text, "host") != NULL);
	CHECK(!netrig_open(&port, &rig, &tcp_connector, "host: h.example\n"));
	CHECK(strstr(port.err.text, "port") != NULL);
	CHECK(!netrig_open(&port, &rig, &tcp_connector, "host: h.example\nport: \"65536\"\n"));
	CHECK(!netrig_open(&port, &rig, &tcp_connector, "host: \"a b\"\nport: \"80\"\n"));
}

int
main(void)
{
	const char *why = netrig_start(&rig);

	if (why != NULL) {
		SKIP("signal tcp", why);
		return check_end();
	}
	TEST(a_connection_is_enough_without_a_banner);
	TEST(the_first_line_must_begin_as_the_banner_says);
	TEST(silence_a_closed_port_and_an_early_end_are_bad);
	TEST(a_name_without_address_is_unknown_and_one_with_two_is_tried_twice);
	TEST(words_meant_to_harm_are_shown_plain_and_short);
	TEST(a_line_that_never_ends_is_bad);
	TEST(cancel_and_close_complete_once);
	TEST(settings_that_can_not_work_are_refused);
	netrig_stop(&rig);
	return check_end();
}
