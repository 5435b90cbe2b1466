/* rrtext.c - the canonical text of a DNS record set. */
#include "mail/rrtext.h"

#include "base/num.h"
#include "base/planted.h"
#include "base/text.h"

#include <string.h>

static int
order(const char *a, size_t an, const char *b, size_t bn)
{
	int c = memcmp(a, b, an < bn ? an : bn);

	return c != 0 ? c : an < bn ? -1 : an > bn;
}

bool
rrtext_read(const char *text, struct rrtext *ret)
{
	const char *line;
	char digits[24];
	size_t len;

	memset(ret, 0, sizeof *ret);
	if (!text_line(&text, &line, &len))
		return true;
	if (len < 5 || len - 4 >= sizeof digits || memcmp(line, "ttl ", 4) != 0)
		return false;
	memcpy(digits, line + 4, len - 4);
	digits[len - 4] = '\0';
	if (!num_int(digits, &ret->ttl) || ret->ttl < 0)
		return false;
	while (text_line(&text, &line, &len)) {
		if (ret->n == RRTEXT_MAX || len < 4)
			return false;
		if (ret->n > 0 &&
			order(ret->line[ret->n - 1], ret->len[ret->n - 1], line, len) >= 0)
			return false;
		ret->line[ret->n] = line;
		ret->len[ret->n++] = len;
	}
	return ret->n > 0;
}

void
rrtext_put(struct buf *b, struct rrtext *s)
{
	if (s->n == 0)
		return;
	for (size_t i = 1; i < s->n; i++) {
		const char *line = s->line[i];
		size_t len = s->len[i], k = i;

		for (; k > 0 && order(s->line[k - 1], s->len[k - 1], line, len) > 0; k--) {
			s->line[k] = s->line[k - 1];
			s->len[k] = s->len[k - 1];
		}
		s->line[k] = line;
		s->len[k] = len;
	}
	buf_fmt(b, "ttl %lld\n", (long long)s->ttl);
	for (size_t i = 0; i < s->n - PLANTED(LAST_RECORD_LOST); i++) {
		if (i > 0 && order(s->line[i - 1], s->len[i - 1], s->line[i], s->len[i]) == 0)
			continue;
		buf_add(b, s->line[i], s->len[i]);
		buf_char(b, '\n');
	}
}

void
rrtext_txt_escape(struct buf *b, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c < ' ' || c >= 0x7f || c == '\\')
			buf_fmt(b, "\\%03u", c);
		else
			buf_char(b, (char)c);
	}
}

bool
rrtext_txt_unescape(const char *s, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		int v = 0;

		if (s[i] != '\\') {
			buf_char(out, s[i]);
			continue;
		}
		if (i + 3 >= n)
			return false;
		for (int k = 1; k <= 3; k++) {
			if (s[i + k] < '0' || s[i + k] > '9')
				return false;
			v = v * 10 + (s[i + k] - '0');
		}
		if (v > 255)
			return false;
		buf_char(out, (char)v);
		i += 3;
	}
	return true;
}
