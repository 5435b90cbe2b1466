/* test_mx.c - the canonical text of record sets: MX and TXT lines, sorted, each once, and escapes.
 */
#include "lib/check.h"
#include "mail/rrtext.h"
#include "os/stdmem.h"

static void
canonical_text_is_read(void)
{
	struct rrtext r;

	CHECK(rrtext_read("", &r) && r.n == 0);
	CHECK(rrtext_read("ttl 300\nmx 10 mx1.example\nmx 20 mx2.example\n", &r));
	CHECK(r.ttl == 300 && r.n == 2 && r.len[1] == strlen("mx 20 mx2.example"));
	CHECK(rrtext_read("ttl 300\nmx 10 a.example\nmx 10 a.example.net\n", &r) && r.n == 2);
}

static void
a_set_has_room_for_so_many_records(void)
{
	char text[16 * (RRTEXT_MAX + 2)];
	size_t at = (size_t)snprintf(text, sizeof text, "ttl 300\n");
	struct rrtext r;

	for (int i = 1; i <= RRTEXT_MAX + 1; i++) {
		at += (size_t)snprintf(text + at, sizeof text - at, "txt %04d\n", i);
		CHECK(rrtext_read(text, &r) == (i <= RRTEXT_MAX));
	}
}

static void
text_that_is_not_canonical_is_refused(void)
{
	static const char *const bad[] = { "mx 10 mx1.example\n", "ttl\nmx 10 a.example\n",
		"ttl x\nmx 10 a.example\n", "ttl -5\nmx 10 a.example\n", "ttl 300\n",
		"ttl 300\nmx 20 b.example\nmx 10 a.example\n",
		"ttl 300\nmx 10 a.example\nmx 10 a.example\n",
		"ttl 99999999999999999999\nmx 10 a.example\n", "ttl 300\n\n", "ttl 300\nmx\n",
		"ttl \nmx 10 a.example\n", "ttl 300\nmx 10 a.example.\nmx 10 a.example\n",
		"ttl 123456789012345678901234567890\nmx 10 a.example\n" };

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct rrtext r;

		if (rrtext_read(bad[i], &r)) {
			printf("     read: %s", bad[i]);
			CHECK(false);
		}
	}
}

static void
a_set_is_written_sorted_and_without_twins(void)
{
	static const char *const lines[] = { "mx 20 b.example", "mx 10 a.example", "mx 5 c.example",
		"mx 10 a.example" };
	struct rrtext r = { .ttl = 60 };
	struct buf b;

	for (r.n = 0; r.n < 4; r.n++) {
		r.line[r.n] = lines[r.n];
		r.len[r.n] = strlen(lines[r.n]);
	}
	buf_init(&b, &stdmem, 4096);
	rrtext_put(&b, &r); /* bytewise: "mx 5" stands behind "mx 20" */
	CHECK_STR(buf_text(&b), "ttl 60\nmx 10 a.example\nmx 20 b.example\nmx 5 c.example\n");
	CHECK(rrtext_read(buf_text(&b), &r) && r.n == 3);
	buf_reset(&b);
	r.n = 0;
	rrtext_put(&b, &r);
	CHECK_STR(buf_text(&b), "");
	buf_fini(&b);
}

static void
octets_survive_the_escape(void)
{
	char all[256];
	struct buf text, back;

	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	buf_init(&text, &stdmem, 4096);
	buf_init(&back, &stdmem, 4096);
	rrtext_txt_escape(&text, all, 256);
	for (size_t i = 0; i < text.len; i++)
		CHECK(buf_text(&text)[i] >= ' ' && buf_text(&text)[i] < 0x7f);
	CHECK(rrtext_txt_unescape(buf_text(&text), text.len, &back));
	CHECK(back.len == 256 && memcmp(buf_text(&back), all, 256) == 0);
	buf_reset(&text);
	rrtext_txt_escape(&text, "a\\b\n\xc3\xbc", 6);
	CHECK_STR(buf_text(&text), "a\\092b\\010\\195\\188");
	buf_fini(&text);
	buf_fini(&back);
}

static void
bad_escapes_are_refused(void)
{
	static const char *const bad[] = { "\\", "\\1", "\\12", "\\256", "\\1x2", "\\1 2",
		"a\\09" };

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct buf b;

		buf_init(&b, &stdmem, 64);
		CHECK(!rrtext_txt_unescape(bad[i], strlen(bad[i]), &b));
		buf_fini(&b);
	}
}

int
main(void)
{
	TEST(canonical_text_is_read);
	TEST(a_set_has_room_for_so_many_records);
	TEST(text_that_is_not_canonical_is_refused);
	TEST(a_set_is_written_sorted_and_without_twins);
	TEST(octets_survive_the_escape);
	TEST(bad_escapes_are_refused);
	return check_end();
}
