/* signal_smtp.c - the smtp signal: every answer, every fault, and that no message is ever sent. */
#include "lib/signal_contract.h"

#include <stdlib.h>

extern const struct connector smtp_connector;

static struct netrig rig;
static struct netrig_port port;

static struct netrig_seen *
ask(const char *conf, const char *more, int deadline_ms)
{
	static struct netrig_seen seen;

	netrig_tell(&rig, "{\"reset\": true, \"set\": {%s}}", conf);
	if (!netrig_open(&port, &rig, &smtp_connector,
		    "host: 127.0.0.1\nport: \"%d\"\nca: {file: ca.pem}\n%s", rig.port.smtp, more)) {
		printf("FAIL open: %s\n", port.err.text);
		exit(1);
	}
	seen = *netrig_ask(&port, "", deadline_ms);
	netrig_close(&port);
	return &seen;
}

#define WHOLE "auth: {file: probe.auth}\nfrom: a@corp.example\nto: b@rcpt.example\n"

static void
a_server_that_takes_everything_is_ok_and_gets_no_message(void)
{
	struct netrig_seen *s = ask("", WHOLE, 4000);
	char *log = netrig_log(&rig);

	CHECK_INT(s->verdict, CONN_OK);
	CHECK(strstr(log, "RCPT TO:<b@rcpt.example>") != NULL);
	CHECK(strstr(log, "RSET") != NULL && strstr(log, "QUIT") != NULL);
	CHECK(strstr(log, "DATA") == NULL);
	free(log);
}

static void
a_session_without_sender_ends_after_the_login(void)
{
	struct netrig_seen *s = ask("", "auth: {file: probe.auth}\n", 4000);
	char *log = netrig_log(&rig);

	CHECK_INT(s->verdict, CONN_OK);
	CHECK(strstr(log, "AUTH PLAIN") != NULL && strstr(log, "MAIL") == NULL);
	free(log);
}

static void
each_refusal_has_its_verdict(void)
{
	static const struct {
		const char *conf;
		enum conn_verdict verdict;
		bool harm;
	} rows[] = {
		{ "\"smtp\": {\"replies\": {\"RCPT\": \"554 5.7.1 blocked using bl.example\"}}",
			CONN_BAD, true },
		{ "\"smtp\": {\"replies\": {\"MAIL\": \"452 4.7.1 untrusted mail delivery system, "
		  "poor reputation\"}}",
			CONN_BAD, true },
		{ "\"smtp\": {\"banner\": \"554-mx.example\\n554 your poor reputation\"}", CONN_BAD,
			true },
		{ "\"smtp\": {\"replies\": {\"RCPT\": \"450 4.2.0 greylisted, come again\"}}",
			CONN_DEGRADED, false },
		{ "\"smtp\": {\"replies\": {\"RCPT\": \"550 5.1.1 user unknown\"}}", CONN_UNKNOWN,
			false },
		{ "\"smtp\": {\"replies\": {\"AUTH\": \"535 5.7.8 authentication failed\"}}",
			CONN_BAD, false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct netrig_seen *s = ask(rows[i].conf, WHOLE, 4000);

		CHECK_INT(s->verdict, rows[i].verdict);
		CHECK_INT(s->harm, rows[i].harm);
		if (s->verdict != rows[i].verdict || s->harm != rows[i].harm)
			printf("     row %zu: %s %s\n", i, s->why, s->facts);
	}
}

static void
a_reply_of_several_lines_is_kept_whole(void)
{
	struct netrig_seen *s =
		ask("\"smtp\": {\"replies\": {\"RCPT\": \"554-5.7.1 first\\n554 5.7.1 second\"}}",
			WHOLE, 4000);

	CHECK(strstr(s->facts, "\"reply\":\"554-5.7.1 first\\n554 5.7.1 second\"") != NULL);
	CHECK(strstr(s->facts, "\"stage\":\"RCPT\"") != NULL);
}

static void
a_server_that_is_down_is_bad_without_harm(void)
{
	static const char *const faults[] = { "\"smtp\": {\"hang\": \"connect\"}",
		"\"smtp\": {\"hang\": \"EHLO\"}", "\"smtp\": {\"close\": \"MAIL\"}",
		"\"smtp\": {\"banner\": \"SSH-2.0-x\"}", "\"smtp\": {\"starttls\": false}",
		"\"smtp\": {\"auth\": false}" };

	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		struct netrig_seen *s = ask(faults[i], WHOLE, 700);

		CHECK_INT(s->verdict, CONN_BAD);
		CHECK(!s->harm);
	}
}

static void
text_injected_before_the_handshake_ends_the_session(void)
{
	struct netrig_seen *s = ask("\"smtp\": {\"inject\": true}", WHOLE, 3000);
	char *log = netrig_log(&rig);

	CHECK_INT(s->verdict, CONN_BAD);
	CHECK(strstr(log, "AUTH") == NULL);
	free(log);
}

static void
a_certificate_that_is_not_trusted_gets_no_password(void)
{
	struct netrig_seen *s;
	char *log;

	netrig_tell(&rig, "{\"reset\": true}");
	CHECK(netrig_open(&port, &rig, &smtp_connector, "host: 127.0.0.1\nport: \"%d\"\n" WHOLE,
		rig.port.smtp));
	s = netrig_ask(&port, "", 4000);
	CHECK_INT(s->verdict, CONN_BAD);
	CHECK(strstr(s->why, "certificate") != NULL);
	netrig_close(&port);
	/* trusted, but another name: 127.0.0.2 is not in it */
	CHECK(netrig_open(&port, &rig, &smtp_connector,
		"host: other.example\nport: \"%d\"\nca: {file: ca.pem}\n" WHOLE, rig.port.smtp));
	netrig_tell(&rig,
		"{\"set\": {\"dns\": {\"names\": {\"other.example\": {\"A\": [\"127.0.0.1\"]}}}}}");
	s = netrig_ask(&port, "", 4000);
	CHECK_INT(s->verdict, CONN_BAD);
	CHECK(strstr(s->why, "certificate") != NULL);
	netrig_close(&port);
	log = netrig_log(&rig);
	CHECK(strstr(log, "AUTH") == NULL);
	free(log);
}

static void
a_name_in_the_certificate_that_resolves_is_ok(void)
{
	netrig_tell(&rig,
		"{\"reset\": true, \"set\": {\"dns\": {\"names\": {\"mx.fake.example\": {\"A\": "
		"[\"127.0.0.1\"]}}}}}");
	CHECK(netrig_open(&port, &rig, &smtp_connector,
		"host: mx.fake.example\nport: \"%d\"\nca: {file: ca.pem}\n" WHOLE, rig.port.smtp));
	CHECK_INT(netrig_ask(&port, "", 4000)->verdict, CONN_OK);
	netrig_close(&port);
	CHECK(netrig_open(&port, &rig, &smtp_connector,
		"host: mx.fake.example\nport: \"%d\"\ntls: tls\nca: {file: ca.pem}\n" WHOLE,
		rig.port.smtps));
	CHECK_INT(netrig_ask(&port, "", 4000)->verdict, CONN_OK);
	netrig_close(&port);
}

static void
a_name_without_address_is_unknown(void)
{
	netrig_tell(&rig, "{\"reset\": true}");
	CHECK(netrig_open(
		&port, &rig, &smtp_connector, "host: nowhere.example\nport: \"25\"\ntls: none\n"));
	CHECK_INT(netrig_ask(&port, "", 4000)->verdict, CONN_UNKNOWN);
	netrig_close(&port);
}

static void
a_password_without_tls_is_refused_before_anything_is_asked(void)
{
	CHECK(!netrig_open(&port, &rig, &smtp_connector,
		"host: h.example\ntls: none\nauth: {file: probe.auth}\n"));
	CHECK(strstr(port.err.text, "TLS") != NULL);
	CHECK(!netrig_open(&port, &rig, &smtp_connector, "host: h.example\nto: b@rcpt.example\n"));
}

static void
a_wrong_password_is_bad(void)
{
	struct netrig_seen *s = ask("", "auth: {file: wrong.auth}\n", 4000);

	CHECK_INT(s->verdict, CONN_BAD);
	CHECK(!s->harm);
	CHECK(strstr(s->facts, "\"class\":\"login\"") != NULL);
	CHECK(strstr(s->why, "wrong") == NULL);
}

static void
what_a_server_says_is_one_plain_line(void)
{
	struct netrig_seen *s =
		ask("\"smtp\": {\"replies\": {\"RCPT\": \"554 5.7.1 \\u001b[2J\\u009b1mgone\"}}",
			WHOLE, 4000);

	CHECK_INT(s->verdict, CONN_BAD);
	CHECK(strstr(s->why, "gone") != NULL);
	CHECK(strchr(s->why, '\033') == NULL && strstr(s->why, "\xc2\x9b") == NULL);
	s = ask("\"smtp\": {\"banner\": \"\\u001b]0;title\\u0007\"}", WHOLE, 4000);
	CHECK(strstr(s->why, "does not speak SMTP") != NULL && strchr(s->why, '\033') == NULL);
}

static void
a_reply_without_end_is_given_up(void)
{
	char conf[9500] = "\"smtp\": {\"replies\": {\"RCPT\": \"";
	size_t n = strlen(conf);

	while (n < 8900)
		n += (size_t)snprintf(conf + n, sizeof conf - n, "250-more and more and more\\n");
	(void)snprintf(conf + n, sizeof conf - n, "250 ok\"}}");
	struct netrig_seen *s = ask(conf, WHOLE, 4000);
	CHECK_INT(s->verdict, CONN_BAD);
	CHECK(strstr(s->why, "does not end") != NULL && !s->harm);
}

static void
cancel_and_close_complete_once_in_every_phase(void)
{
	static const char *const hangs[] = { "connect", "EHLO", "STARTTLS", "AUTH", "RCPT",
		"QUIT" };
	char what[32];

	for (size_t i = 0; i < sizeof hangs / sizeof hangs[0]; i++) {
		const struct probe_req rq = { .subject = "", .deadline_ms = 5000 };

		netrig_tell(&rig, "{\"reset\": true, \"set\": {\"smtp\": {\"hang\": \"%s\"}}}",
			hangs[i]);
		CHECK(netrig_open(&port, &rig, &smtp_connector,
			"host: 127.0.0.1\nport: \"%d\"\nca: {file: ca.pem}\n" WHOLE,
			rig.port.smtp));
		netrig_probe(&port, 1, &rq);
		netrig_probe(&port, 2, &rq);
		(void)snprintf(what, sizeof what, "smtp %s", hangs[i]);
		CHECK(netrig_asked(&rig, what, 2));
		signal_ends_once(&port);
	}
}

int
main(void)
{
	const char *why = netrig_start(&rig);

	if (why != NULL) {
		SKIP("signal smtp", why);
		return check_end();
	}
	TEST(a_server_that_takes_everything_is_ok_and_gets_no_message);
	TEST(a_session_without_sender_ends_after_the_login);
	TEST(each_refusal_has_its_verdict);
	TEST(a_reply_of_several_lines_is_kept_whole);
	TEST(a_server_that_is_down_is_bad_without_harm);
	TEST(text_injected_before_the_handshake_ends_the_session);
	TEST(a_certificate_that_is_not_trusted_gets_no_password);
	TEST(a_name_in_the_certificate_that_resolves_is_ok);
	TEST(a_name_without_address_is_unknown);
	TEST(a_password_without_tls_is_refused_before_anything_is_asked);
	TEST(a_wrong_password_is_bad);
	TEST(what_a_server_says_is_one_plain_line);
	TEST(a_reply_without_end_is_given_up);
	TEST(cancel_and_close_complete_once_in_every_phase);
	netrig_stop(&rig);
	return check_end();
}
