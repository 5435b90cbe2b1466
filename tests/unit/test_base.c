/* test_base.c - numbers, text, buffers, arenas and JSON: what everything else stands on. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/num.h"
#include "base/text.h"
#include "lib/check.h"
#include "os/stdmem.h"

#include <stdint.h>

static void
durations_need_a_unit(void)
{
	int64_t ms = -1;

	CHECK(num_duration("250ms", &ms) && ms == 250);
	CHECK(num_duration("1h30m", &ms) && ms == 5400000);
	CHECK(num_duration("5d", &ms) && ms == 432000000);
	CHECK(!num_duration("30", &ms));
	CHECK(!num_duration("", &ms));
	CHECK(!num_duration("5 m", &ms));
	CHECK(!num_duration("-5m", &ms));
	CHECK(!num_duration("5x", &ms));
	CHECK(!num_duration("99999999999999999999d", &ms));
	CHECK(!num_duration("9223372036854775807h", &ms));
	CHECK_INT(ms, 432000000); /* untouched by failures */
}

static void
integers_are_exact(void)
{
	int64_t v = 7;

	CHECK(num_int("0", &v) && v == 0);
	CHECK(num_int("-12", &v) && v == -12);
	CHECK(num_int("9223372036854775807", &v) && v == INT64_MAX);
	CHECK(!num_int("9223372036854775808", &v));
	CHECK(!num_int("012", &v));
	CHECK(!num_int("0x10", &v));
	CHECK(!num_int("1 ", &v));
	CHECK(!num_int("-", &v));
}

static void
shares_and_rates(void)
{
	struct rate r = { 0 };
	int64_t bp;
	int n, m;

	CHECK(num_percent("2.5%", &bp) && bp == 250);
	CHECK(num_percent("100%", &bp) && bp == 10000);
	CHECK(!num_percent("101%", &bp));
	CHECK(!num_percent("5", &bp));
	CHECK(num_rate("10 per s", &r) && r.count == 10 && r.per_ms == 1000);
	CHECK(num_rate("2 per day", &r) && r.count == 2 && r.per_ms == 86400000);
	CHECK(!num_rate("10", &r));
	CHECK(num_n_of_m("3 of 5", &n, &m) && n == 3 && m == 5);
	CHECK(!num_n_of_m("6 of 5", &n, &m));
	CHECK(!num_n_of_m("0 of 5", &n, &m));
	CHECK(!num_n_of_m("1 of 65", &n, &m));
}

/* What the writers say, the readers take, with the same meaning. */
static void
written_durations_read_back(void)
{
	static const int64_t some[] = { 0, 1, 999, 1000, 1001, 59999, 60000, 3600000, 5400000,
		86400000, 90061001 };
	struct buf b;

	for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
		int64_t back = -1;

		buf_init(&b, &stdmem, 64);
		num_put_duration(&b, some[i]);
		CHECK(num_duration(buf_text(&b), &back));
		CHECK_INT(back, some[i]);
		buf_fini(&b);
	}
	buf_init(&b, &stdmem, 64);
	num_put_time(&b, 1069286400123); /* date -u -d @1069286400 */
	CHECK_STR(buf_text(&b), "2003-11-20T00:00:00.123Z");
	buf_fini(&b);
	buf_init(&b, &stdmem, 64);
	num_put_time(&b, 951782400000); /* a leap day in a year that divides by 400 */
	CHECK_STR(buf_text(&b), "2000-02-29T00:00:00.000Z");
	buf_fini(&b);
}

static void
buffers_latch_at_their_maximum(void)
{
	struct buf b;

	buf_init(&b, &stdmem, 8);
	CHECK_STR(buf_text(&b), "");
	buf_str(&b, "12345678");
	CHECK(!buf_failed(&b));
	buf_char(&b, '9');
	CHECK(buf_failed(&b));
	buf_str(&b, "x");
	CHECK_STR(buf_text(&b), "12345678");
	buf_reset(&b);
	CHECK(!buf_failed(&b));
	buf_fmt(&b, "%d-%s", 12, "ab");
	CHECK_STR(buf_text(&b), "12-ab");
	buf_fini(&b);
}

static void
arenas_refuse_past_their_maximum(void)
{
	struct arena *a = arena_new(&stdmem, 4096);
	char *s = arena_str(a, "kept");

	CHECK(arena_get(a, 8192) == NULL);
	CHECK(arena_failed(a));
	CHECK_STR(s, "kept");
	arena_free(&a);
	CHECK(a == NULL);
	arena_free(&a);
}

static void
near_words_are_found(void)
{
	static const char *const words[] = { "every", "timeout", "stale", "degraded" };

	CHECK_STR(text_nearest("evry", words, 4), "every");
	CHECK_STR(text_nearest("time-out", words, 4), "timeout");
	CHECK(text_nearest("colour", words, 4) == NULL);
	CHECK(text_nearest("", words, 4) == NULL);
}

static void
utf8_is_strict(void)
{
	CHECK(text_utf8_ok("gr\xc3\xbc\xc3\x9f", 6));
	CHECK(!text_utf8_ok("\xc0\x80", 2));	     /* overlong NUL */
	CHECK(!text_utf8_ok("\xed\xa0\x80", 3));     /* a surrogate */
	CHECK(!text_utf8_ok("\xf4\x90\x80\x80", 4)); /* above U+10FFFF */
	CHECK(!text_utf8_ok("\xe2\x82", 2));	     /* cut */
	CHECK(!text_utf8_ok("a\0b", 3));
}

static void
hexadecimal_both_ways(void)
{
	uint8_t in[3] = { 0x00, 0x7f, 0xff }, out[3];
	char text[7];

	text_hex(in, 3, text);
	CHECK_STR(text, "007fff");
	CHECK(text_unhex("007fff", out, 3) && memcmp(in, out, 3) == 0);
	CHECK(!text_unhex("007ff", out, 3));
	CHECK(!text_unhex("007fff0", out, 3));
	CHECK(!text_unhex("00 fff", out, 3));
}

static void
json_is_canonical_and_reads_back(void)
{
	struct arena *a = arena_new(&stdmem, 65536);
	const struct json *o;
	struct buf b;
	struct jw w;
	size_t at = 0;

	buf_init(&b, &stdmem, 4096);
	jw_init(&w, &b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "text", "a\"b\\c\n\x01\xc3\xbc");
	jw_int(&w, "least", INT64_MIN);
	jw_bool(&w, "yes", true);
	jw_str(&w, "none", NULL);
	jw_open(&w, "list", '[');
	jw_int(&w, NULL, 1);
	jw_open(&w, NULL, '{');
	jw_close(&w, '}');
	jw_close(&w, ']');
	jw_close(&w, '}');
	CHECK_STR(buf_text(&b), "{\"text\":\"a\\\"b\\\\c\\n\\u0001\xc3\xbc\",\"least\":-"
				"9223372036854775808,\"yes\":true,"
				"\"none\":null,\"list\":[1,{}]}");
	o = json_read(a, buf_text(&b), b.len, &at);
	CHECK(o != NULL);
	CHECK_STR(json_str(o, "text"), "a\"b\\c\n\x01\xc3\xbc");
	CHECK(json_int(o, "least", 0) == INT64_MIN);
	CHECK(json_flag(o, "yes"));
	CHECK(json_str(o, "none") == NULL);
	CHECK(json_get(o, "list") != NULL && json_get(o, "list")->len == 2);
	buf_fini(&b);
	arena_free(&a);
}

static void
foreign_bytes_never_make_json_that_cannot_be_read_back(void)
{
	static const struct {
		const char *in;
		size_t n;
		const char *want;
	} rows[] = {
		{ "554 r\xe9sum\xe9", 10, "554 r\xef\xbf\xbdsum\xef\xbf\xbd" }, /* Latin-1 */
		{ "cut \xe2\x82", 6,
			"cut \xef\xbf\xbd\xef\xbf\xbd" }, /* in the middle of a character */
		{ "\xf0\x9f\x93\xa7 \xc3\xbc", 7, "\xf0\x9f\x93\xa7 \xc3\xbc" },
		{ "a\0b", 3,
			"a\xef\xbf\xbd"
			"b" },
		{ "\xed\xa0\x80", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" }, /* a surrogate */
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena *a = arena_new(&stdmem, 65536);
		const struct json *v;
		struct buf b;
		size_t at = 0;

		buf_init(&b, &stdmem, 4096);
		json_quote(&b, rows[i].in, rows[i].n);
		v = json_read(a, buf_text(&b), b.len, &at);
		CHECK(v != NULL);
		CHECK_STR(v != NULL ? v->str : NULL, rows[i].want);
		buf_fini(&b);
		arena_free(&a);
	}
}

static void
bad_json_names_its_place(void)
{
	static const struct {
		const char *text;
		size_t at;
	} bad[] = {
		{ "", 0 },
		{ "{\"a\":1.5}", 6 },
		{ "{\"a\":1,\"a\":2}", 7 },
		{ "{\"a\":1", 6 },
		{ "[1,]", 3 },
		{ "{\"a\":\"\x01\"}", 6 },
		{ "nul", 0 },
		{ "{} x", 3 },
		{ "{\"a\":9223372036854775808}", 5 },
	};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct arena *a = arena_new(&stdmem, 65536);
		size_t at = 999;

		CHECK(json_read(a, bad[i].text, strlen(bad[i].text), &at) == NULL);
		if (at > strlen(bad[i].text) || at + 12 < bad[i].at) {
			printf("     case %zu: at %zu\n", i, at);
			CHECK_NEVER("place is outside of the text or far from the fault");
		}
		arena_free(&a);
	}
}

static void
json_depth_is_bounded(void)
{
	struct arena *a = arena_new(&stdmem, 1 << 20);
	char deep[512];
	size_t at = 0;

	memset(deep, '[', 200);
	memset(deep + 200, ']', 200);
	CHECK(json_read(a, deep, 400, &at) == NULL);
	memset(deep + 20, ']', 20);
	CHECK(json_read(a, deep, 40, &at) != NULL);
	arena_free(&a);
}

static void
errors_keep_their_sentence(void)
{
	struct err e = { 0 };

	CHECK(err_set(&e, RC_DENIED, "%s: not yours", "zone") == RC_DENIED);
	CHECK_STR(e.text, "zone: not yours");
	CHECK(err_prefix(&e, "step %d", 3) == RC_DENIED);
	CHECK_STR(e.text, "step 3: zone: not yours");
	CHECK(err_set(NULL, RC_IO, "nobody listens") == RC_IO);
	CHECK_STR(rc_name(RC_DENIED), "RC_DENIED");
}

static void
foreign_words_neither_act_on_a_terminal_nor_leave_their_line(void)
{
	static const struct {
		const char *from, *want;
	} rows[] = {
		{ "550 no\r\nsuch\tuser", "550 no  such user" },
		{ "\033[2J\033]0;x\007", "?[2J?]0;x?" },
		{ "a\x7f\xc2\x9b"
		  "1mb",
			"a???1mb" },
		{ "x\xe2\x80\xaegnp\xe2\x81\xa9", "x???gnp???" },
		{ "gr\xc3\xbc\xc3\x9f \xe2\x80\xa6", "gr\xc3\xbc\xc3\x9f \xe2\x80\xa6" },
		{ "cut \xe2\x80", "cut \xe2\x80" },
		{ "", "" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char text[64];

		(void)snprintf(text, sizeof text, "%s", rows[i].from);
		text_plain(text);
		CHECK_STR(text, rows[i].want);
	}
}

int
main(void)
{
	TEST(durations_need_a_unit);
	TEST(integers_are_exact);
	TEST(shares_and_rates);
	TEST(written_durations_read_back);
	TEST(buffers_latch_at_their_maximum);
	TEST(arenas_refuse_past_their_maximum);
	TEST(near_words_are_found);
	TEST(utf8_is_strict);
	TEST(hexadecimal_both_ways);
	TEST(foreign_words_neither_act_on_a_terminal_nor_leave_their_line);
	TEST(json_is_canonical_and_reads_back);
	TEST(foreign_bytes_never_make_json_that_cannot_be_read_back);
	TEST(bad_json_names_its_place);
	TEST(json_depth_is_bounded);
	TEST(errors_keep_their_sentence);
	return check_end();
}
