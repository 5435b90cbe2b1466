/*
 * test_smtp_reply.c - replies as receivers write them, and what they mean. The texts are made up
 * after the providers' own pages; each has a neighbour that means something else.
 */
#include "lib/check.h"
#include "mail/smtp_reply.h"

static const struct {
	const char *name, *text, *mx;
	bool greeting;
	enum reply_class want;
} rows[] = {
	{ "consent", "250 2.0.0 Ok: queued as 4XyZ", "", false, REPLY_OK },
	{ "consent that names an old refusal", "250 2.1.5 Ok, no longer listed at bl.example 554",
		"", false, REPLY_OK },
	{ "a list in RCPT",
		"554 5.7.1 Service unavailable; Client host [198.51.100.25] blocked using "
		"bl.reputation.example",
		"", false, REPLY_REPUTATION },
	{ "the same, deferred",
		"450 4.7.1 Service unavailable; Client host [198.51.100.25] blocked using "
		"bl.reputation.example",
		"", false, REPLY_THROTTLED },
	{ "poor reputation in the greeting",
		"554-mx.rcpt.example\n554 Your access to this mail system has been rejected due to "
		"the "
		"sending MTA's poor reputation",
		"", true, REPLY_REPUTATION },
	{ "a greeting that says nothing", "554 mx.rcpt.example", "", true, REPLY_REPUTATION },
	{ "the same words after MAIL", "554 mx.rcpt.example", "", false, REPLY_POLICY },
	{ "a greeting that is only busy", "421 4.3.2 try later", "", true, REPLY_TEMPORARY },
	{ "a reply of several lines with the code in mid-text",
		"421-4.7.28 Our system has detected an unusual rate of\n421-4.7.28 unsolicited "
		"mail "
		"originating from your IP address.\n421 4.7.28 See help",
		"aspmx.l.google.com", false, REPLY_THROTTLED },
	{ "Google on authentication",
		"550-5.7.26 This mail is unauthenticated\n550 5.7.26 see help",
		"gmail-smtp-in.l.google.com", false, REPLY_AUTH },
	{ "Google on reverse names",
		"550 5.7.25 The IP address sending this message does not have a PTR",
		"gmail-smtp-in.l.google.com", false, REPLY_AUTH },
	{ "DMARC", "550 5.7.1 Email rejected per DMARC policy for corp.example", "", false,
		REPLY_AUTH },
	{ "SPF by its code", "550 5.7.23 Recipient address rejected: validation failed", "", false,
		REPLY_AUTH },
	{ "SPF in words", "550 5.7.1 SPF check for corp.example: fail", "", false, REPLY_AUTH },
	{ "Microsoft bars an address",
		"550 5.7.606 Access denied, banned sending IP [198.51.100.25]",
		"rcpt-example.mail.protection.outlook.com", false, REPLY_REPUTATION },
	{ "Microsoft slows an address",
		"451 4.7.651 The mail server has been temporarily rate limited",
		"rcpt-example.mail.protection.outlook.com", false, REPLY_THROTTLED },
	{ "Microsoft on authentication", "550 5.7.515 Access denied, sending domain doesn't meet",
		"rcpt-example.mail.protection.outlook.com", false, REPLY_AUTH },
	{ "our tenant is barred", "550 5.7.705 Access denied, tenant has exceeded threshold", "",
		false, REPLY_TENANT },
	{ "our sender is barred", "550 5.1.8 Access denied, bad outbound sender", "", false,
		REPLY_TENANT },
	{ "the same, broken in two lines",
		"550-5.7.1 Daily SMTP relay sending\n550 5.7.1 limit exceeded for customer",
		"smtp-relay.google.com", false, REPLY_TENANT },
	{ "Google's relay quota", "550 5.4.5 Daily SMTP relay limit exceeded for user", "", false,
		REPLY_TENANT },
	{ "an unknown recipient", "550 5.1.1 <x@rcpt.example>: User unknown", "", false,
		REPLY_RECIPIENT },
	{ "an unknown recipient by its code", "550 5.1.10 not here", "", false, REPLY_RECIPIENT },
	{ "a sender fault is no recipient fault", "550 5.1.7 bad sender address syntax", "", false,
		REPLY_POLICY },
	{ "a full mailbox", "452 4.2.2 Mailbox full", "", false, REPLY_RECIPIENT },
	{ "one mailbox too fast",
		"450 4.2.1 The user you are trying to contact is receiving mail too quickly", "",
		false, REPLY_RECIPIENT },
	{ "null MX", "556 5.1.10 Domain has null MX", "", false, REPLY_RECIPIENT },
	{ "greylisting", "450 4.2.0 Greylisted, see postgrey.example", "", false, REPLY_GREYLIST },
	{ "greylisting that names a list",
		"450 4.7.1 Greylisted because your host is listed, come again in 300 seconds", "",
		false, REPLY_GREYLIST },
	{ "content", "554 5.7.1 Message content rejected, looks like spam", "", false,
		REPLY_CONTENT },
	{ "TLS is wanted", "530 5.7.0 Must issue a STARTTLS command first", "", false, REPLY_TLS },
	{ "our password", "535 5.7.8 Error: authentication failed", "", false, REPLY_LOGIN },
	{ "too many connections", "421 4.7.0 Too many connections from your IP", "", false,
		REPLY_THROTTLED },
	{ "a refusal without a reason", "550 5.7.1 Command rejected", "", false, REPLY_POLICY },
	{ "a delay without a reason", "451 4.3.0 Temporary local problem", "", false,
		REPLY_TEMPORARY },
	{ "a bounce's diagnostic", "smtp; 554 5.7.1 blocked using bl.reputation.example", "", false,
		REPLY_REPUTATION },
	{ "a bounce's diagnostic that only slows",
		"smtp; 450 4.7.1 blocked using bl.reputation.example", "", false, REPLY_THROTTLED },
	{ "a number before the code", "delayed 300 seconds; host mx said: 550 5.7.1 rejected", "",
		false, REPLY_POLICY },
	{ "an enhanced code alone", "delivery failed: 5.7.1 rejected by policy", "", false,
		REPLY_POLICY },
	{ "no code at all", "connection timed out", "", false, REPLY_UNCLEAR },
	{ "no code, but a list", "refused: blocked using bl.reputation.example", "", false,
		REPLY_REPUTATION },
	{ "a number that is no code", "550 5.7.1 come again in 4500 seconds", "", false,
		REPLY_POLICY },
	{ "a consent that is quoted", "550 5.7.1 what came with 2.7.23 is refused", "", false,
		REPLY_POLICY },
	{ "the same as a refusal", "550 5.7.1 what came with 4.7.23 is refused", "", false,
		REPLY_AUTH },
	{ "nothing", "", "", false, REPLY_UNCLEAR },
	{ "Yahoo slows", "421 4.7.0 [TSS04] Messages from 198.51.100.25 temporarily deferred",
		"mta5.am0.yahoodns.net", false, REPLY_THROTTLED },
	{ "tabs and line ends are blanks", "550 5.1.1\tno\r\nsuch user", "", false,
		REPLY_RECIPIENT },
	{ "an enhanced code that ends too soon", "550 5.7 rejected", "", false, REPLY_POLICY },
	{ "an enhanced code of too many digits", "550 5.7.2300 rejected", "", false, REPLY_POLICY },
	{ "an enhanced code without its detail", "550 5.7. rejected", "", false, REPLY_POLICY },
	{ "a version is no enhanced code", "550 server 15.1.10 says no", "", false, REPLY_POLICY },
	{ "a code of three lines", "550-5.1.1 no\n550-5.1.1 such\n550 5.1.1 user", "", false,
		REPLY_RECIPIENT },
	{ "a code of Google's said by another", "550 5.7.29 no", "mx.rcpt.example", false,
		REPLY_POLICY },
};

static void
harm_lies_in_the_path(void)
{
	CHECK(reply_class_harm(REPLY_REPUTATION) && reply_class_harm(REPLY_THROTTLED));
	CHECK(!reply_class_harm(REPLY_RECIPIENT) && !reply_class_harm(REPLY_CONTENT));
	CHECK(!reply_class_harm(REPLY_OK) && !reply_class_harm(REPLY_UNCLEAR));
	CHECK(!reply_class_harm(REPLY_GREYLIST) && !reply_class_harm(REPLY_LOGIN));
	CHECK(reply_class_harm(REPLY_AUTH) && reply_class_harm(REPLY_TENANT));
	CHECK(reply_class_harm(REPLY_POLICY) && reply_class_harm(REPLY_TLS));
	CHECK(!reply_class_harm(REPLY_TEMPORARY));
	CHECK_STR(reply_class_name(REPLY_THROTTLED), "throttled");
	CHECK_STR(reply_class_name(REPLY_N), "?");
}

static void
a_long_reply_does_no_harm(void)
{
	static char text[20000];

	memset(text, 'x', sizeof text - 1);
	memcpy(text, "554 5.7.1 poor reputation ", 26);
	CHECK_INT(reply_classify(text, "", false), REPLY_REPUTATION);
	memset(text, '4', sizeof text - 1);
	CHECK_INT(reply_classify(text, "", false), REPLY_UNCLEAR);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		enum reply_class got = reply_classify(rows[i].text, rows[i].mx, rows[i].greeting);

		check_state.name = rows[i].name;
		if (got == rows[i].want) {
			check_state.passed++;
			continue;
		}
		printf("FAIL %s: got %s, want %s\n", rows[i].name, reply_class_name(got),
			reply_class_name(rows[i].want));
		check_state.failed++;
	}
	TEST(harm_lies_in_the_path);
	TEST(a_long_reply_does_no_harm);
	return check_end();
}
