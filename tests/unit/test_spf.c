/* test_spf.c - SPF records as text: what is one, what it costs, what is put in and taken out. */
#include "lib/check.h"
#include "mail/spf.h"
#include "os/stdmem.h"

static void
a_record_begins_with_its_version_and_a_blank(void)
{
	CHECK(spf_is("v=spf1"));
	CHECK(spf_is("v=spf1 -all"));
	CHECK(!spf_is("v=spf10 -all")); /* RFC 7208 section 4.5 names this very one */
	CHECK(!spf_is("v=spf2.0/pra -all"));
	CHECK(!spf_is(" v=spf1 -all"));
	CHECK(!spf_is(""));
}

static void
what_is_wrong_is_said(void)
{
	static const struct {
		const char *text, *why; /* why NULL = it is right */
	} rows[] = {
		{ "v=spf1 a mx include:spf.example ip4:192.0.2.0/24 ip6:2001:db8::/32 ~all", NULL },
		{ "v=spf1 exists:%{i}._spf.example redirect=_spf.example", NULL },
		{ "v=spf1 a:host.example/24//64 exp=why.example -all", NULL },
		{ "v=spf1 -all exp=why.example", NULL }, /* modifiers may stand anywhere */
		{ "v=spf1 A MX -ALL", NULL },
		{ "v=spf1 ipv4:192.0.2.1 -all", "no mechanism" },
		{ "v=spf1 include: -all", "names nothing" },
		{ "v=spf1 -all ip4:192.0.2.1", "behind all" },
		{ "v=spf1 ?all -all", "behind all" },
		{ "v=spf1 ip4:192.0.2 -all", "names no network" },
		{ "v=spf1 ip4:192.0.2.256 -all", "names no network" },
		{ "v=spf1 ip4:192.0.2.1/33 -all", "names no network" },
		{ "v=spf1 ip4:192.0.2.1/32 -all", NULL },
		{ "v=spf1 ip4:2001:db8::1 -all", "names no network" },
		{ "v=spf1 ip6:192.0.2.1 -all", "names no network" },
		{ "v=spf1 ip6:2001:db8::1/129 -all", "names no network" },
		{ "v=spf1 a -all ", NULL },
		{ "v=spf1 ip4:192.0.2.-1 -all", "names no network" },
		{ "v=spf1  a   mx  -all", NULL },	  /* blanks, one or more (section 4.6.1) */
		{ "v=spf1 +foo=x -all", "no mechanism" }, /* a modifier has no qualifier */
		{ "v=spf1 foo=x -all", NULL },		  /* one that nobody knows (section 6) */
		{ "v=spf1 ip4:192.0.2.1/ -all", "names no network" },
		{ "v=spf1 ip4:192.0.2.1/x -all", "names no network" },
		{ "v=spf1 ip4:192.0.2.1/08 -all", "names no network" }, /* no leading zero (5.6) */
		{ "v=spf1 ip4:192.0.2.1/0 -all", NULL },
		{ "v=spf1 ip4:192.0.2.1/1000 -all", "names no network" },
		{ "v=spf1 ip4:192.0..1 -all", "names no network" },
		{ "v=spf1 ip4:192.0.2./1 -all", "names no network" },
		{ "v=spf1 ip4:192.0.2.0.1 -all", "names no network" },
		{ "v=spf1 ip4:192.0.2.1000 -all", "names no network" },
		{ "v=spf1 ip6:2001:db8::g -all", "names no network" },
		{ "v=spf1 ip6:2001:db8::-1 -all", "names no network" },
		{ "v=spf1 ip6:2001:DB8::1 -all", NULL },
		{ "v=spf1 ip6:::ffff:192.0.2.1 -all", NULL },
		{ "v=spf1 ip6:1:2:3:4:5:6:7:8:9 -all", "names no network" },
		{ "v=spf1 ip6:2001:db8::1/x -all", "names no network" },
		{ "some other text", "no SPF record" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = { 0 };
		enum rc rc = spf_check(rows[i].text, &err);

		CHECK_INT(rc, rows[i].why != NULL ? RC_INVALID : RC_OK);
		if (rows[i].why != NULL && strstr(err.text, rows[i].why) == NULL)
			CHECK_STR(err.text, rows[i].why);
	}
}

static void
look_ups_are_counted_by_mechanism(void)
{
	CHECK_INT(spf_lookups("v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 -all"), 0);
	CHECK_INT(spf_lookups("v=spf1 a mx ptr include:x.example exists:y.example -all"), 5);
	CHECK_INT(spf_lookups("v=spf1 a/24 mx:z.example redirect=w.example"), 3);
	CHECK_INT(spf_lookups("v=spf1 +A ?Include:x.example exp=y.example all"), 2);
	CHECK_INT(spf_lookups("no record"), 0);
}

static void
added(const char *text, const char *const *terms, size_t n, const char *want)
{
	struct err err = { 0 };
	struct buf out;

	buf_init(&out, &stdmem, 8192);
	CHECK_INT(spf_add(text, terms, n, &out, &err), RC_OK);
	CHECK_STR(buf_text(&out), want);
	buf_fini(&out);
}

static void
terms_are_added_before_all_and_once(void)
{
	static const char *const one[] = { "ip4:203.0.113.65" };
	static const char *const two[] = { "ip4:203.0.113.65", "include:relay.example" };

	added("v=spf1 include:spf.cloud.example ip4:203.0.113.10 -all", one, 1,
		"v=spf1 include:spf.cloud.example ip4:203.0.113.10 ip4:203.0.113.65 -all");
	added("v=spf1 a -all", two, 2, "v=spf1 a ip4:203.0.113.65 include:relay.example -all");
	added("v=spf1 a ip4:203.0.113.65 -all", one, 1, "v=spf1 a ip4:203.0.113.65 -all");
	added("v=spf1 a +IP4:203.0.113.65 -all", one, 1, "v=spf1 a +IP4:203.0.113.65 -all");
	added("v=spf1 a -ip4:203.0.113.65 -all", one, 1,
		"v=spf1 a -ip4:203.0.113.65 ip4:203.0.113.65 -all");
	added("v=spf1 a redirect=x.example", one, 1,
		"v=spf1 a ip4:203.0.113.65 redirect=x.example");
	added("v=spf1 a", one, 1, "v=spf1 a ip4:203.0.113.65");
	added("v=spf1", one, 1, "v=spf1 ip4:203.0.113.65");
	added("v=spf1   a   ~all", one, 1, "v=spf1 a ip4:203.0.113.65 ~all");
}

static void
terms_are_taken_out_and_the_rest_stays(void)
{
	static const char *const terms[] = { "ip4:203.0.113.65", "mx" };
	struct err err = { 0 };
	struct buf out;

	buf_init(&out, &stdmem, 8192);
	CHECK_INT(spf_remove("v=spf1 a ip4:203.0.113.65 mx mx:b.example ip4:203.0.113.6 ~all",
			  terms, 2, &out, &err),
		RC_OK);
	CHECK_STR(buf_text(&out), "v=spf1 a mx:b.example ip4:203.0.113.6 ~all");
	buf_fini(&out);
}

static void
what_would_break_the_record_is_refused(void)
{
	static const char *const bad[] = { "-all" }, *const costly[] = { "include:k.example" },
				 *const wrong[] = { "ip4:203.0.113" };
	char text[600] = "v=spf1";
	const char *const one[] = { "ip4:203.0.113.65" };
	struct err err = { 0 };
	struct buf out;

	buf_init(&out, &stdmem, 8192);
	CHECK_INT(spf_add("v=spf1 a -all", bad, 1, &out, &err), RC_OK); /* it is there already */
	buf_reset(&out);
	CHECK_INT(spf_add("v=spf1 a ~all", bad, 1, &out, &err), RC_INVALID); /* two of them */
	buf_reset(&out);
	CHECK_INT(spf_add("v=spf1 a ~all", wrong, 1, &out, &err), RC_INVALID);
	buf_reset(&out);
	CHECK_INT(spf_add("v=spf1 a mx include:a.example include:b.example include:c.example "
			  "include:d.example include:e.example include:f.example include:g.example "
			  "include:h.example -all",
			  costly, 1, &out, &err),
		RC_INVALID);
	CHECK(strstr(err.text, "11 look-ups") != NULL);
	buf_reset(&out);
	CHECK_INT(spf_add("just text", one, 1, &out, &err), RC_INVALID);
	buf_reset(&out);
	/* 6 + 24 terms of 18 octets + " -all" = 443; with " ip4:203.0.113.65" 460, too long */
	for (int i = 0; i < 24; i++)
		(void)snprintf(text + strlen(text), sizeof text - strlen(text),
			" ip4:198.51.100.%d", 10 + i);
	(void)snprintf(text + strlen(text), sizeof text - strlen(text), " -all");
	CHECK_INT(strlen(text), 443);
	CHECK_INT(spf_add(text, one, 1, &out, &err), RC_INVALID);
	CHECK(strstr(err.text, "460 bytes") != NULL);
	buf_fini(&out);
}

static void
a_term_is_found_with_and_without_its_plus(void)
{
	CHECK(spf_has("v=spf1 a ip4:192.0.2.1 -all", "ip4:192.0.2.1"));
	CHECK(spf_has("v=spf1 +A -all", "a")); /* + is what stands when nothing does (4.6.2) */
	CHECK(spf_has("v=spf1 a -all", "+a"));
	CHECK(!spf_has("v=spf1 ?a -all", "a"));
	CHECK(!spf_has("just text with a", "a"));
}

/* Memory for what is written is what the caller gives. */
static void
a_record_that_has_no_room_is_said(void)
{
	static const char *const one[] = { "ip4:203.0.113.65" };
	struct err err = { 0 };
	struct buf out;

	buf_init(&out, &stdmem, 20);
	CHECK_INT(spf_add("v=spf1 a mx -all", one, 1, &out, &err), RC_NOMEM);
	buf_reset(&out);
	CHECK_INT(spf_remove("v=spf1 a mx ip4:192.0.2.1 -all", one, 1, &out, &err), RC_NOMEM);
	buf_fini(&out);
}

static void
too_many_terms_are_said(void)
{
	struct err err = { 0 };
	char text[4096] = "v=spf1";

	while (strlen(text) < sizeof text - 8)
		(void)strncat(text, " a", sizeof text - strlen(text) - 1);
	CHECK_INT(spf_check(text, &err), RC_INVALID);
	CHECK(strstr(err.text, "more than") != NULL);
}

int
main(void)
{
	TEST(a_term_is_found_with_and_without_its_plus);
	TEST(a_record_that_has_no_room_is_said);
	TEST(too_many_terms_are_said);
	TEST(a_record_begins_with_its_version_and_a_blank);
	TEST(what_is_wrong_is_said);
	TEST(look_ups_are_counted_by_mechanism);
	TEST(terms_are_added_before_all_and_once);
	TEST(terms_are_taken_out_and_the_rest_stays);
	TEST(what_would_break_the_record_is_refused);
	return check_end();
}
