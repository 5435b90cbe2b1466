/* smtp_reply.c - what a receiver's refusal means, by the rows of classify.def. */
#include "mail/smtp_reply.h"

#include "base/text.h"

#include <string.h>

enum { TEXT_MAX_ = 2048 };

struct rule {
	const char *mx, *words;
	enum reply_class class;
	const char *why;
};

static const struct rule rules[] = {
#define RULE(mx, words, class, why) { mx, words, class, why },
#include "mail/classify.def"
#undef RULE
};

const char *
reply_class_name(enum reply_class c)
{
	static const char *const names[REPLY_N] = { "ok", "reputation", "throttled",
		"authentication", "tenant-barred", "content", "recipient", "greylisted", "tls",
		"login", "policy", "temporary", "unclear" };

	return c < REPLY_N ? names[c] : "?";
}

bool
reply_class_harm(enum reply_class c)
{
	return c == REPLY_REPUTATION || c == REPLY_THROTTLED || c == REPLY_AUTH ||
	       c == REPLY_TENANT || c == REPLY_POLICY || c == REPLY_TLS;
}

static bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

/* An enhanced code at s ("4.7.1"): its length, 0 if none. */
static size_t
enhanced(const char *s, int *subject, int *detail)
{
	const char *p = s;
	int v[2] = { 0, 0 };

	if ((*p != '2' && *p != '4' && *p != '5') || p[1] != '.')
		return 0;
	p++;
	for (int i = 0; i < 2; i++) {
		int n = 0;

		if (*p++ != '.')
			return 0;
		for (; digit(*p) && n < 3; p++, n++)
			v[i] = v[i] * 10 + (*p - '0');
		if (n == 0 || digit(*p))
			return 0;
	}
	*subject = v[0];
	*detail = v[1];
	return (size_t)(p - s);
}

/*
 * Lower case, one blank between words, and codes that a continuation line repeats in mid-text taken
 * out, or the words on both sides of them would never stand together.
 */
static void
normalise(const char *s, char *out)
{
	size_t n = 0;
	bool code_seen = false;

	while (*s != '\0' && n < TEXT_MAX_ - 1) {
		int subject, detail;
		bool start = n == 0 || out[n - 1] == ' ';

		if (start && (*s == '4' || *s == '5') && digit(s[1]) && digit(s[2]) &&
			(s[3] == '-' || s[3] == ' ')) {
			if (code_seen) {
				s += 4 + enhanced(s + 4, &subject, &detail);
				while (*s == ' ')
					s++;
				continue;
			}
			code_seen = true;
		}
		if (*s == '\r' || *s == '\n' || *s == '\t' || *s == ' ') {
			if (!start)
				out[n++] = ' ';
			s++;
			continue;
		}
		out[n++] = *s >= 'A' && *s <= 'Z' ? (char)(*s - 'A' + 'a') : *s;
		s++;
	}
	out[n] = '\0';
}

/* "#x.7.606-649" against the codes in the text. */
static bool
code_there(const char *text, const char *want)
{
	int subject = 0, from = 0, to;
	const char *p = want + 3; /* behind it: '&', '|' or the end */

	for (; digit(*p); p++)
		subject = subject * 10 + (*p - '0');
	for (p++; digit(*p); p++)
		from = from * 10 + (*p - '0');
	to = from;
	if (*p == '-')
		for (to = 0, p++; digit(*p); p++)
			to = to * 10 + (*p - '0');
	for (const char *s = text; *s != '\0'; s++) {
		int x, y;

		if ((s == text || !(digit(s[-1]) || s[-1] == '.')) && enhanced(s, &x, &y) > 0 &&
			*s != '2' && x == subject && y >= from && y <= to)
			return true;
	}
	return false;
}

static bool
fragment(const char *text, const char *f, size_t n)
{
	if (n > 3 && f[0] == '#')
		return code_there(text, f);
	for (const char *s = text; *s != '\0'; s++)
		if (strncmp(s, f, n) == 0)
			return true;
	return false;
}

/* Alternatives by '|', each a conjunction by '&'. */
static bool
matches(const char *text, const char *words)
{
	while (*words != '\0') {
		size_t n = strcspn(words, "|");
		const char *end = words + n, *p = words;
		bool all = true;

		while (all && p < end) {
			size_t one = strcspn(p, "&|");

			all = fragment(text, p, one);
			p += one;
			if (p < end)
				p++;
		}
		if (all)
			return true;
		words = *end == '|' ? end + 1 : end;
	}
	return false;
}

/* The first code that begins with `from` to `to` and stands alone; 0 if none. */
static int
code_between(const char *text, char from, char to)
{
	for (const char *s = text; *s != '\0'; s++)
		if (*s >= from && *s <= to && digit(s[1]) && digit(s[2]) &&
			(s == text || s[-1] == ' ') && (s[3] == ' ' || s[3] == '-' || s[3] == '\0'))
			return (*s - '0') * 100 + (s[1] - '0') * 10 + (s[2] - '0');
	return 0;
}

/*
 * What the reply's code is; 0 if it has none. A reply begins with it. In a log line or a bounce it
 * stands later, and other numbers may come first ("delayed 300 seconds; 550 ..."): there a refusal
 * is looked for before a consent.
 */
static int
code_of(const char *text)
{
	int code;

	if (digit(text[0]) && code_between(text, '2', '5') > 0)
		return code_between(text, '2', '5');
	code = code_between(text, '4', '5');
	if (code > 0)
		return code;
	for (const char *s = text; *s != '\0'; s++) {
		int x, y;

		if ((s == text || s[-1] == ' ') && enhanced(s, &x, &y) > 0)
			return (*s - '0') * 100;
	}
	return code_between(text, '2', '3');
}

enum reply_class
reply_classify(const char *text, const char *mx, bool greeting)
{
	char low[TEXT_MAX_];
	int code;

	normalise(text, low);
	code = code_of(low);
	if (code >= 200 && code < 400)
		return REPLY_OK;
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		if (rules[i].mx[0] != '\0' && !text_ends(mx, rules[i].mx))
			continue;
		if (!matches(low, rules[i].words))
			continue;
		/* "slow down" and "you are refused" differ by the code: a 4xx of a reputation row
		 * is a throttle */
		if (rules[i].class == REPLY_REPUTATION && code >= 400 && code < 500)
			return REPLY_THROTTLED;
		return rules[i].class;
	}
	if (code == 0)
		return REPLY_UNCLEAR;
	if (greeting && code >= 500)
		return REPLY_REPUTATION; /* before anything was said but an address: it is the
					    address */
	return code >= 500 ? REPLY_POLICY : REPLY_TEMPORARY;
}
