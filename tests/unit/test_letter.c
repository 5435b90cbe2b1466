/* test_letter.c - what is read from messages that came back, however odd they are. */
#include "lib/check.h"
#include "os/stdmem.h"
#include "signal/letter.h"

#include <stdlib.h>
#include <time.h>

enum { MESSAGE_MAX = 256 * 1024 }; /* as much of one as is fetched (imapio.c) */

/* `piece` again and again up to the largest message, with `last` behind it; the caller frees. */
static char *
filled(const char *piece, const char *last)
{
	char *text = stdmem_get(MESSAGE_MAX + 1);
	size_t n = strlen(piece), room = MESSAGE_MAX - strlen(last), len = 0;

	for (; len + n <= room; len += n)
		memcpy(text + len, piece, n);
	memcpy(text + len, last, strlen(last) + 1);
	return text;
}

/* The engine reads it between two other things: seconds here are seconds in which nothing else is
 * done. */
static void
a_message_of_many_parts_is_read_in_a_moment(void)
{
	static const char *const pieces[] = { "a\n\n", "\n", "\r\n\r", "a\r\n\r\n", "a", "a\n " };

	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
		char *text = filled(pieces[i], "\n\nAction: failed\nStatus: 5.7.1\n\n");
		clock_t began = clock();
		struct letter_bounce b;

		letter_bounce_read(&b, text);
		/* a few ms; it was 0.9 s */
		CHECK(clock() - began < CLOCKS_PER_SEC / 10);
		CHECK(b.failed);
		CHECK_STR(b.status, "5.7.1");
		free(text);
	}
}

static void
parts_end_at_blank_lines_of_either_kind(void)
{
	struct letter_bounce b;

	letter_bounce_read(&b, "A: 1\r\n\r\n\r\nX: 2\r\n\r\nAction: delayed\r\nStatus: 4.4.1\r\n");
	CHECK(!b.failed);
	CHECK_STR(b.status, "4.4.1");
	letter_bounce_read(&b, "A: 1\n\n\nX: 2\n\nStatus: 5.1.1");
	CHECK(b.failed);
	CHECK_STR(b.status, "5.1.1");
	letter_bounce_read(&b, "text\nStatus-of-what: 1\n");
	CHECK_STR(b.status, "");
}

int
main(void)
{
	TEST(a_message_of_many_parts_is_read_in_a_moment);
	TEST(parts_end_at_blank_lines_of_either_kind);
	return check_end();
}
