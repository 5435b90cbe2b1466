/* escape.c - one decoder, three ways to write a character. */
#include "report/escape.h"

#include <string.h>

enum { BAD_BYTE = -1 };

/* The character at s[0..n) and its length; BAD_BYTE with length 1 when it is no well-formed UTF-8
 * (RFC 3629). */
static long
take(const char *s, size_t n, size_t *len)
{
	const unsigned char *u = (const unsigned char *)s;
	static const long least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t want = u[0] < 0x80		    ? 1
		      : u[0] >= 0xf0 && u[0] < 0xf5 ? 4
		      : u[0] >= 0xe0 && u[0] < 0xf0 ? 3
		      : u[0] >= 0xc2 && u[0] < 0xe0 ? 2
						    : 0;
	long c = want == 1 ? u[0] : want == 2 ? u[0] & 0x1f : want == 3 ? u[0] & 0x0f : u[0] & 0x07;

	*len = 1;
	if (want == 0 || want > n)
		return BAD_BYTE;
	for (size_t i = 1; i < want; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return BAD_BYTE;
		c = c << 6 | (u[i] & 0x3f);
	}
	if (c < least[want] || (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
		return BAD_BYTE;
	*len = want;
	return c;
}

/* Controls, and what turns the direction of writing or is not seen at all. */
static bool
treacherous(long c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c ||
	       (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
	       (c >= 0xe0000 && c <= 0xe007f);
}

static void
put_named(struct buf *b, long c, unsigned char byte)
{
	if (c == BAD_BYTE)
		buf_fmt(b, "(byte %02X)", byte);
	else
		buf_fmt(b, "(U+%04lX)", (unsigned long)c);
}

void
escape_htmln(struct buf *b, const char *s, size_t n)
{
	size_t len;

	for (size_t i = 0; s != NULL && i < n && s[i] != '\0'; i += len) {
		long c = take(s + i, strnlen(s + i, n - i), &len);

		switch (c) {
		case '&':
			buf_str(b, "&amp;");
			break;
		case '<':
			buf_str(b, "&lt;");
			break;
		case '>':
			buf_str(b, "&gt;");
			break;
		case '"':
			buf_str(b, "&quot;");
			break;
		case '\'':
			buf_str(b, "&#39;");
			break;
		case '\n':
		case '\t':
			buf_char(b, ' ');
			break;
		default:
			if (treacherous(c))
				put_named(b, c, (unsigned char)s[i]);
			else
				buf_add(b, s + i, len);
		}
	}
}

void
escape_html(struct buf *b, const char *s)
{
	escape_htmln(b, s, s != NULL ? strlen(s) : 0);
}

void
escape_markdown(struct buf *b, const char *s)
{
	size_t n = s != NULL ? strlen(s) : 0, len;

	for (size_t i = 0; i < n; i += len) {
		long c = take(s + i, n - i, &len);

		if (c == '\n' || c == '\t')
			buf_char(b, ' ');
		else if (treacherous(c))
			put_named(b, c, (unsigned char)s[i]);
		else if (c == '<')
			buf_str(b, "&lt;");
		else if (c == '&')
			buf_str(b, "&amp;");
		else if (c < 0x80 &&
			 (strchr("\\`*_{}[]>#|~", (int)c) != NULL || (c == ':' && s[i + 1] == '/')))
			buf_fmt(b, "\\%c",
				(int)c); /* a colon before a slash would become a link by itself */
		else
			buf_add(b, s + i, len);
	}
}

void
escape_line(struct buf *b, const char *s, size_t n)
{
	size_t len;

	for (size_t i = 0; i < n && s[i] != '\0'; i += len) {
		long c = take(s + i, strnlen(s + i, n - i), &len);

		if (c == '`')
			buf_char(b, '\'');
		else if (c == '\t')
			buf_char(b, ' ');
		else if (treacherous(c))
			put_named(b, c, (unsigned char)s[i]);
		else
			buf_add(b, s + i, len);
	}
}
