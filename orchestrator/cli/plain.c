/* plain.c - C0, DEL and the C1 controls (U+0080 to U+009F, two bytes in UTF-8, one byte where a
 * terminal is old). */
#include "cli/plain.h"

#include <stdbool.h>

static void
put(FILE *out, const char *s, bool lines)
{
	for (; s != NULL && *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s, next = (unsigned char)s[1];

		if (c == '\n' && lines) {
			(void)fputc('\n', out);
		} else if (c < 0x20 || c == 0x7f) {
			(void)fputc(' ', out);
		} else if (c == 0xc2 && next >= 0x80 && next < 0xa0) {
			(void)fputc(' ', out);
			s++;
		} else {
			(void)fputc(c, out);
		}
	}
}

void
plain_line(FILE *out, const char *s)
{
	put(out, s, false);
}

void
plain_text(FILE *out, const char *s)
{
	put(out, s, true);
}
