/* signal_canary.c - the canary against servers that refuse, bounce, delay, lose, hang and lie. */
#include "lib/signal_contract.h"

#include <stdlib.h>

extern const struct connector canary_connector;

static struct netrig rig;
static struct netrig_port port;

#define ARRIVES                                                                                    \
	"Return-Path: <canary@c.corp.example>\\n"                                                  \
	"Authentication-Results: mx.fake.example; dmarc=pass (p=reject dis=none) "                 \
	"header.from=c.corp.example\\n"                                                            \
	"Authentication-Results: mx.fake.example;\\n\\tdkim=pass (2048-bit key) "                  \
	"header.d=c.corp.example header.s=s1;\\n"                                                  \
	"\\tspf=pass smtp.mailfrom=c.corp.example\\n"                                              \
	"Received: from mx.fake.example ([127.0.0.1])\\n\\tby mx.fake.example with LMTP id x\\n"   \
	"Received: from gw1.cloud.example (gw1.cloud.example [198.51.100.25])\\n\\tby "            \
	"mx.fake.example (Postfix) with "                                                          \
	"ESMTPS id 4\\n\\tfor <x@fake.example>; Tue, 24 Nov 2026 12:00:00 +0000 (UTC)\\n"          \
	"Received: from [203.0.113.99] (unknown [203.0.113.99])\\n\\tby cloud.example with "       \
	"ESMTPSA id 5\\n"

static const char settings[] =
	"from: canary@c.corp.example\n"
	"submit: {host: 127.0.0.1, port: \"%d\", auth: {file: probe.auth}, ca: {file: ca.pem}}\n"
	"production: {host: 127.0.0.1, port: \"%d\", auth: {file: probe.auth}, ca: {file: ca.pem}, "
	"from: alice@corp.example}\n"
	"seeds:\n"
	"  - {receiver: rcpt1, class: strict, mailbox: probe-%%@fake.example, authserv: "
	"mx.fake.example,\n"
	"     imap: {host: 127.0.0.1, port: \"%d\", auth: {file: seed.auth}, ca: {file: ca.pem}}}\n"
	"bounces: {imap: {host: 127.0.0.1, port: \"%d\", auth: {file: bounces.auth}, ca: {file: "
	"ca.pem}}}\n"
	"expect: {egress: [198.51.100.25, 198.51.100.26]}\n"
	"%s";

static bool
open_more(const char *more)
{
	bool ok = netrig_open(&port, &rig, &canary_connector, settings, rig.port.smtp,
		rig.port.smtp, rig.port.imap, rig.port.imap, more);

	if (!ok)
		printf("FAIL open: %s\n", port.err.text);
	return ok;
}

/* The fakes behave as `conf` says (JSON members of "smtp" and others); one round with these
 * settings. */
static struct netrig_seen *
round_with(const char *conf, const char *more, int deadline_ms)
{
	static struct netrig_seen seen;

	netrig_tell(&rig, "{\"reset\": true, \"set\": {%s}}", conf);
	if (!open_more(more))
		exit(1);
	seen = *netrig_ask(&port, "rcpt1", deadline_ms);
	netrig_close(&port);
	return &seen;
}

static struct netrig_seen *
verify_with(const char *conf, bool production)
{
	static struct netrig_seen seen;

	netrig_tell(&rig, "{\"reset\": true, \"set\": {%s}}", conf);
	if (!open_more("late_after: 1s\n"))
		exit(1);
	netrig_probe(&port, 1,
		&(struct probe_req){ .subject = "rcpt1",
			.through = "cloud",
			.production = production,
			.deadline_ms = 4000 });
	(void)netrig_until(&rig, &port.seen[1].done, 8000);
	seen = port.seen[1];
	netrig_close(&port);
	return &seen;
}

#define SMTP(more) "\"smtp\": {\"header\": \"" ARRIVES "\"" more "}"

static bool
answer_is(const struct netrig_seen *s, const char *word)
{
	char want[64];

	(void)snprintf(want, sizeof want, "\"answer\":\"%s\"", word);
	if (strstr(s->facts, want) != NULL)
		return true;
	printf("     got %s\n     %s\n", s->facts, s->why);
	return false;
}

static void
an_arrival_in_time_is_ok_and_names_the_gateway_and_the_class(void)
{
	struct netrig_seen *s = round_with(SMTP(""), "", 5000);
	char *boxes;

	CHECK(answer_is(s, "arrived"));
	CHECK_INT(s->verdict, CONN_OK);
	CHECK(!s->harm);
	CHECK_STR(s->class, "strict");
	CHECK_STR(s->via, "198.51.100.25");
	CHECK(strstr(s->facts,
		      "\"dmarc\":\"pass\",\"dmarc_from\":\"c.corp.example\",\"dkim\":\"pass\"") !=
		NULL);
	boxes = netrig_boxes(&rig);
	CHECK(strstr(boxes, "\"INBOX\": 0") != NULL); /* it cleans up */
	free(boxes);
}

static void
each_round_has_a_recipient_and_a_token_of_its_own(void)
{
	char *log, *first, *second;

	(void)round_with(SMTP(""), "", 5000);
	log = netrig_log(&rig);
	first = strstr(log, "RCPT TO:<probe-");
	CHECK(first != NULL && strstr(first, "@fake.example>") == first + 15 + 12);
	first = first != NULL ? strndup(first, 40) : NULL;
	free(log);
	(void)round_with(SMTP(""), "", 5000);
	log = netrig_log(&rig);
	second = strstr(log, "RCPT TO:<probe-");
	CHECK(first != NULL && second != NULL && strncmp(first, second, 40) != 0);
	CHECK(strstr(log, "X-Ferryman-Canary: ") != NULL &&
		strstr(log, "Auto-Submitted: auto-generated") != NULL);
	free(first);
	free(log);
}

static void
a_refusal_of_the_message_is_bad_and_harm_with_the_words_of_the_server(void)
{
	struct netrig_seen *s = round_with(SMTP(", \"replies\": {\"RCPT\": \"554 5.7.1 Client host "
						"[198.51.100.26] blocked using bl.example\"}"),
		"", 5000);

	CHECK(answer_is(s, "refused"));
	CHECK_INT(s->verdict, CONN_BAD);
	CHECK(s->harm);
	CHECK_STR(s->via, "198.51.100.26");
	CHECK(strstr(s->why, "blocked using bl.example") != NULL);
	s = round_with(
		SMTP(", \"replies\": {\"message\": \"550 5.7.1 rejected: poor reputation\"}"), "",
		5000);
	CHECK(answer_is(s, "refused"));
	CHECK_INT(s->verdict, CONN_BAD);
	CHECK(s->harm);
}

static void
what_could_not_be_handed_in_is_unknown(void)
{
	static const char *const faults[] = { ", \"close\": \"EHLO\"", ", \"starttls\": false",
		", \"replies\": {\"AUTH\": \"535 5.7.8 authentication failed\"}",
		", \"banner\": \"421 4.3.2 closing\"", ", \"banner\": \"HTTP/1.1 400 Bad Request\"",
		", \"hang\": \"MAIL\"", ", \"replies\": {\"RCPT\": \"550 5.1.1 no such user\"}" };

	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		char conf[4096];
		struct netrig_seen *s;

		(void)snprintf(conf, sizeof conf, "\"smtp\": {\"header\": \"\"%s}", faults[i]);
		s = round_with(conf, "", 1500);
		CHECK(answer_is(s, "not-sent"));
		CHECK_INT(s->verdict, CONN_UNKNOWN);
		CHECK(!s->harm);
	}
}

static void
a_bounce_is_bad_and_harm_with_its_diagnostic(void)
{
	struct netrig_seen *s = round_with("\"smtp\": {\"deliver\": \"\", \"bounce\": \"Action: "
					   "failed\\nStatus: 5.7.1\\nRemote-MTA: dns; "
					   "mx.rcpt1.example\\nDiagnostic-Code: smtp; 554 5.7.1 "
					   "Service unavailable; Client host\\n    "
					   "[198.51.100.25] blocked using bl.reputation.example\"}",
		"", 6000);
	char *boxes;

	CHECK(answer_is(s, "bounced"));
	CHECK_INT(s->verdict, CONN_BAD);
	CHECK(s->harm);
	CHECK_STR(s->via, "198.51.100.25");
	CHECK(strstr(s->why, "mx.rcpt1.example") != NULL);
	CHECK(strstr(s->why,
		      "554 5.7.1 Service unavailable; Client host [198.51.100.25] blocked using "
		      "bl.reputation.example") != NULL);
	boxes = netrig_boxes(&rig);
	CHECK(strstr(boxes, "\"bounces\": 0") != NULL);
	free(boxes);
}

static void
a_bounce_about_the_recipient_says_nothing_of_the_path(void)
{
	struct netrig_seen *s = round_with("\"smtp\": {\"deliver\": \"\", \"bounce\": \"Action: "
					   "failed\\nStatus: 5.1.1\\nDiagnostic-Code: smtp; 550 "
					   "5.1.1 user unknown\"}",
		"", 6000);

	CHECK(answer_is(s, "bounced"));
	CHECK_INT(s->verdict, CONN_UNKNOWN);
	CHECK(!s->harm);
}

static void
a_notice_of_delay_is_no_bounce(void)
{
	struct netrig_seen *s =
		round_with("\"smtp\": {\"header\": \"" ARRIVES
			   "\", \"delay\": 2.0, \"bounce\": \"Action: delayed\\nStatus: "
			   "4.7.1\"}",
			"late_after: 30s\n", 8000);

	CHECK(answer_is(s, "arrived"));
	CHECK_INT(s->verdict, CONN_OK);
}

static void
a_message_that_never_comes_is_bad_and_harm(void)
{
	struct netrig_seen *s =
		round_with("\"smtp\": {\"deliver\": \"\"}", "late_after: 1s\n", 2500);

	CHECK(answer_is(s, "missing"));
	CHECK_INT(s->verdict, CONN_BAD);
	CHECK(s->harm);
	CHECK_STR(s->via, "");
	/* Nobody has waited long enough to say so. */
	s = round_with("\"smtp\": {\"deliver\": \"\"}", "late_after: 1h\n", 1500);
	CHECK_INT(s->verdict, CONN_UNKNOWN);
}

static void
a_late_arrival_is_what_the_playbook_says(void)
{
	struct netrig_seen *s = round_with(SMTP(", \"delay\": 1.6"), "late_after: 1s\n", 8000);

	CHECK(answer_is(s, "late"));
	CHECK_INT(s->verdict, CONN_DEGRADED);
	CHECK(s->harm);
	s = round_with(SMTP(", \"delay\": 1.6"), "late_after: 1s\nlate: bad\n", 8000);
	CHECK_INT(s->verdict, CONN_BAD);
}

static void
junk_is_degraded_and_a_missing_junk_folder_is_no_fault(void)
{
	struct netrig_seen *s = round_with(SMTP(", \"deliver\": \"Junk\""), "", 5000);

	CHECK(answer_is(s, "junk"));
	CHECK_INT(s->verdict, CONN_DEGRADED);
	s = round_with(SMTP("") ", \"imap\": {\"junk\": false}", "", 5000);
	CHECK(answer_is(s, "arrived"));
}

static void
failed_authentication_is_bad(void)
{
	struct netrig_seen *s = round_with(
		"\"smtp\": {\"header\": \"Authentication-Results: mx.fake.example; dmarc=fail "
		"header.from=c.corp.example\\nAuthentication-Results: elsewhere.example; "
		"dmarc=pass header.from=c.corp.example\\nReceived: from a (a [198.51.100.25]) by "
		"b; "
		"x\\n\"}",
		"", 5000);

	CHECK(answer_is(s, "auth"));
	CHECK_INT(s->verdict, CONN_BAD);
	CHECK_STR(s->via, "198.51.100.25");
}

static void
an_arrival_by_another_way_says_nothing_of_this_path(void)
{
	struct netrig_seen *s = round_with("\"smtp\": {\"header\": \"Received: from r (r "
					   "[203.0.113.65]) by mx.fake.example; x\\n\"}",
		"", 5000);

	CHECK(answer_is(s, "other-way"));
	CHECK_INT(s->verdict, CONN_UNKNOWN);
	CHECK_STR(s->via, "203.0.113.65");
}

static void
a_mailbox_that_can_not_be_read_is_unknown(void)
{
	static const char *const faults[] = { "\"imap\": {\"no\": {\"LOGIN\": \"no\"}}",
		"\"imap\": {\"hang\": \"SELECT\"}", "\"imap\": {\"greeting\": \"* BYE go away\"}",
		"\"imap\": {\"hang\": \"connect\"}", "\"imap\": {\"close\": \"SEARCH\"}" };

	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		struct netrig_seen *s = round_with(faults[i], "late_after: 1s\n", 3000);

		CHECK(answer_is(s, "unread"));
		CHECK_INT(s->verdict, CONN_UNKNOWN);
	}
}

static void
a_lost_answer_to_the_message_is_looked_for_all_the_same(void)
{
	struct netrig_seen *s = round_with(SMTP(", \"close\": \"message\""), "", 5000);

	CHECK(answer_is(s, "arrived"));
	CHECK_INT(s->verdict, CONN_OK);
	s = round_with(
		"\"smtp\": {\"close\": \"message\", \"deliver\": \"\"}", "late_after: 1s\n", 2500);
	CHECK(answer_is(s, "not-sent"));
	CHECK_INT(s->verdict, CONN_UNKNOWN);
}

static void
a_verify_passes_on_proof_alone(void)
{
	struct netrig_seen *s = verify_with(SMTP(""), false);

	CHECK_INT(s->verdict, CONN_OK);
	CHECK_STR(s->via, "198.51.100.25");
	/* no Authentication-Results of the seed's own name */
	s = verify_with(
		"\"smtp\": {\"header\": \"Authentication-Results: other.example; dmarc=pass "
		"header.from=c.corp.example\\nReceived: from a (a [198.51.100.25]) by b; x\\n\"}",
		false);
	CHECK_INT(s->verdict, CONN_BAD);
	/* the right way, the wrong identity */
	s = verify_with(
		"\"smtp\": {\"header\": \"Authentication-Results: mx.fake.example; dmarc=pass "
		"header.from=evil.example\\nReceived: from a (a [198.51.100.25]) by b; x\\n\"}",
		false);
	CHECK_INT(s->verdict, CONN_BAD);
	/* the right identity, another way */
	s = verify_with(
		"\"smtp\": {\"header\": \"Authentication-Results: mx.fake.example; dmarc=pass "
		"header.from=c.corp.example\\nReceived: from a (a [203.0.113.65]) by b; x\\n\"}",
		false);
	CHECK_INT(s->verdict, CONN_BAD);
	/* the words of a comment are no result */
	s = verify_with(
		"\"smtp\": {\"header\": \"Authentication-Results: mx.fake.example; dmarc=fail "
		"(was: dmarc=pass) "
		"header.from=c.corp.example\\nReceived: from a (a [198.51.100.25]) by b; x\\n\"}",
		false);
	CHECK_INT(s->verdict, CONN_BAD);
}

static void
a_verify_as_production_sends_as_a_user(void)
{
	struct netrig_seen *s = verify_with(
		"\"smtp\": {\"header\": \"Authentication-Results: mx.fake.example; dmarc=pass "
		"header.from=corp.example\\nReceived: from a (a [198.51.100.26]) by b; x\\n\"}",
		true);
	char *log = netrig_log(&rig);

	CHECK_INT(s->verdict, CONN_OK);
	CHECK(strstr(log, "MAIL FROM:<alice@corp.example>") != NULL);
	free(log);
	/* what proves the canaries' own domain proves nothing about that of the users */
	s = verify_with(SMTP(""), true);
	CHECK_INT(s->verdict, CONN_BAD);
}

static void
only_what_bears_our_token_is_deleted(void)
{
	char *log;

	(void)round_with(SMTP(""), "", 5000);
	log = netrig_log(&rig);
	CHECK(strstr(log, "UID EXPUNGE ") != NULL);
	CHECK(strstr(log, "SEARCH HEADER X-Ferryman-Canary") != NULL);
	free(log);
}

/* Cancel or close in each phase: at connecting, in the session, at the message, while looking. */
static void
cancel_and_close_complete_once_in_every_phase(void)
{
	static const struct {
		const char *conf, *asked;
		int times;
	} phases[] = { { "\"smtp\": {\"hang\": \"connect\"}", "smtp connect", 2 },
		{ "\"smtp\": {\"hang\": \"EHLO\"}", "smtp EHLO", 2 },
		{ "\"smtp\": {\"hang\": \"AUTH\"}", "smtp AUTH", 2 },
		{ "\"smtp\": {\"hang\": \"message\"}", "message ", 2 },
		{ "\"imap\": {\"hang\": \"connect\"}", "imap connect", 1 },
		{ "\"imap\": {\"hang\": \"LOGIN\"}", "LOGIN", 1 },
		{ "\"imap\": {\"hang\": \"FETCH\"}", "FETCH", 1 },
		{ "\"smtp\": {\"deliver\": \"\"}", "SEARCH", 1 } };

	for (size_t i = 0; i < sizeof phases / sizeof phases[0]; i++) {
		netrig_tell(&rig, "{\"reset\": true, \"set\": {%s}}", phases[i].conf);
		CHECK(open_more(""));
		netrig_probe(
			&port, 1, &(struct probe_req){ .subject = "rcpt1", .deadline_ms = 20000 });
		netrig_probe(
			&port, 2, &(struct probe_req){ .subject = "rcpt1", .deadline_ms = 20000 });
		CHECK(netrig_asked(&rig, phases[i].asked, phases[i].times));
		signal_ends_once(&port);
	}
}

static void
closing_right_after_the_start_is_safe(void)
{
	netrig_tell(&rig, "{\"reset\": true}");
	CHECK(open_more(""));
	netrig_probe(&port, 1, &(struct probe_req){ .subject = "rcpt1", .deadline_ms = 1000 });
	netrig_close(&port);
	CHECK_INT(port.seen[1].times, 1);
}

static void
settings_that_can_not_work_are_refused(void)
{
	struct netrig_seen *s;

	CHECK(!netrig_open(&port, &rig, &canary_connector,
		"from: a@b.example\nsubmit: {host: h.example}\nseeds: [{receiver: r, mailbox: "
		"probe@x.example, imap: "
		"{host: h.example, auth: {file: seed.auth}}}]\n"));
	CHECK(strstr(port.err.text, "%") != NULL);
	CHECK(!netrig_open(&port, &rig, &canary_connector,
		"from: a@b.example\nsubmit: {host: h.example}\nseeds: [{receiver: r, mailbox: "
		"probe-%%@x.example, imap: "
		"{host: h.example, auth: {file: missing.auth}}}]\n"));
	CHECK(strstr(port.err.text, "missing.auth") != NULL);
	netrig_tell(&rig, "{\"reset\": true}");
	CHECK(open_more(""));
	s = netrig_ask(&port, "nobody", 1000);
	CHECK_STR(s->why, "no seed of that name");
	netrig_close(&port);
}

int
main(void)
{
	const char *why = netrig_start(&rig);

	if (why != NULL) {
		SKIP("signal canary", why);
		return check_end();
	}
	TEST(an_arrival_in_time_is_ok_and_names_the_gateway_and_the_class);
	TEST(each_round_has_a_recipient_and_a_token_of_its_own);
	TEST(a_refusal_of_the_message_is_bad_and_harm_with_the_words_of_the_server);
	TEST(what_could_not_be_handed_in_is_unknown);
	TEST(a_bounce_is_bad_and_harm_with_its_diagnostic);
	TEST(a_bounce_about_the_recipient_says_nothing_of_the_path);
	TEST(a_notice_of_delay_is_no_bounce);
	TEST(a_message_that_never_comes_is_bad_and_harm);
	TEST(a_late_arrival_is_what_the_playbook_says);
	TEST(junk_is_degraded_and_a_missing_junk_folder_is_no_fault);
	TEST(failed_authentication_is_bad);
	TEST(an_arrival_by_another_way_says_nothing_of_this_path);
	TEST(a_mailbox_that_can_not_be_read_is_unknown);
	TEST(a_lost_answer_to_the_message_is_looked_for_all_the_same);
	TEST(a_verify_passes_on_proof_alone);
	TEST(a_verify_as_production_sends_as_a_user);
	TEST(only_what_bears_our_token_is_deleted);
	TEST(cancel_and_close_complete_once_in_every_phase);
	TEST(closing_right_after_the_start_is_safe);
	TEST(settings_that_can_not_work_are_refused);
	netrig_stop(&rig);
	return check_end();
}
