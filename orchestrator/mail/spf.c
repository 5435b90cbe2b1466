/* spf.c - a v=spf1 record as a list of terms (RFC 7208). */
#include "mail/spf.h"

#include "base/planted.h"
#include "base/text.h"

#include <string.h>

struct term {
	const char *s;
	size_t n;
};

bool
spf_is(const char *text)
{
	return strlen(text) >= 6 && memcmp(text, "v=spf1", 6) == 0 &&
	       (text[6] == '\0' || text[6] == ' ');
}

static size_t
terms_of(const char *text, struct term *t)
{
	size_t n = 0;

	for (text += 6; *text != '\0' && n < SPF_TERMS_MAX;) {
		size_t len;

		while (*text == ' ')
			text++;
		len = strcspn(text, " ");
		if (len > 0)
			t[n++] = (struct term){ text, len };
		text += len;
	}
	return n;
}

static char
low(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* The term without its qualifier. No term is empty. */
static struct term
bare(struct term t)
{
	if (strchr("+-~?", t.s[0]) != NULL)
		return (struct term){ t.s + 1, t.n - 1 };
	return t;
}

static bool
is_word(struct term t, const char *word)
{
	size_t n = strlen(word);

	if (t.n < n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (low(t.s[i]) != word[i])
			return false;
	return t.n == n || strchr(":/=", t.s[n]) != NULL || strchr(":=", word[n - 1]) != NULL;
}

static bool
same(struct term t, const char *want)
{
	size_t n;

	if (t.s[0] == '+')
		t = bare(t);
	if (want[0] == '+')
		want++;
	n = strlen(want);
	if (t.n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (low(t.s[i]) != low(want[i]))
			return false;
	return true;
}

static bool
is_all(struct term t)
{
	return is_word(bare(t), "all");
}

static bool
needs_domain(struct term b)
{
	return is_word(b, "include:") || is_word(b, "exists:") || is_word(b, "ip4:") ||
	       is_word(b, "ip6:") || is_word(b, "redirect=");
}

static bool
known(struct term t)
{
	static const char *const words[] = { "all", "include:", "a", "mx", "ptr",
		"ip4:", "ip6:", "exists:" };
	struct term b = bare(t);

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (is_word(b, words[i]))
			return true;
	return memchr(t.s, '=', t.n) != NULL &&
	       strchr("+-~?", t.s[0]) == NULL; /* a modifier, known or not (section 6) */
}

/* Digits at s up to `end`, at most `max`; false when it is no such number. */
static bool
small_number(const char *s, const char *end, int max)
{
	int v = 0;

	if (s == end || end - s > 3 || (end - s > 1 && *s == '0'))
		return false;
	for (; s < end; s++) {
		if (*s < '0' || *s > '9')
			return false;
		v = v * 10 + (*s - '0');
	}
	return v <= max;
}

/* ip4:192.0.2.0/24 (sections 5.6 and 12): a slip here is a permanent error for the whole record. */
static bool
ip4_ok(const char *s, const char *end)
{
	const char *slash = memchr(s, '/', (size_t)(end - s));

	if (slash != NULL && !small_number(slash + 1, end, 32))
		return false;
	end = slash != NULL ? slash : end;
	for (int part = 0; part < 4; part++) {
		const char *dot = part < 3 ? memchr(s, '.', (size_t)(end - s)) : end;

		if (dot == NULL || !small_number(s, dot, 255))
			return false;
		s = dot + (part < 3);
	}
	return true;
}

/* Only what an IPv6 network can not be; its fine points are the DNS server's. */
static bool
ip6_ok(const char *s, const char *end)
{
	const char *slash = memchr(s, '/', (size_t)(end - s));
	int colons = 0;

	if (slash != NULL && !small_number(slash + 1, end, 128))
		return false;
	end = slash != NULL ? slash : end;
	for (; s < end; s++) {
		char c = low(*s);

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == ':' || c == '.'))
			return false;
		colons += c == ':';
	}
	return colons >= 2 && colons <= 7;
}

static bool
network_ok(struct term b)
{
	if (is_word(b, "ip4:"))
		return ip4_ok(b.s + 4, b.s + b.n);
	return !is_word(b, "ip6:") || ip6_ok(b.s + 4, b.s + b.n);
}

enum rc
spf_check(const char *text, struct err *err)
{
	struct term t[SPF_TERMS_MAX];
	size_t n, alls = 0;

	if (!spf_is(text))
		return err_set(err, RC_INVALID, "no SPF record: it begins with \"v=spf1 \"");
	n = terms_of(text, t);
	if (n == SPF_TERMS_MAX)
		return err_set(err, RC_INVALID, "more than %d terms", SPF_TERMS_MAX - 1);
	for (size_t i = 0; i < n; i++) {
		struct term b = bare(t[i]);

		if (!known(t[i]))
			return err_set(err, RC_INVALID, "\"%.*s\" is no mechanism of RFC 7208",
				(int)t[i].n, t[i].s);
		if (needs_domain(b) && strchr(":=", b.s[b.n - 1]) != NULL)
			return err_set(
				err, RC_INVALID, "\"%.*s\" names nothing", (int)t[i].n, t[i].s);
		if (!network_ok(b))
			return err_set(
				err, RC_INVALID, "\"%.*s\" names no network", (int)t[i].n, t[i].s);
		if (alls > 0 && memchr(t[i].s, '=', t[i].n) == NULL)
			return err_set(err, RC_INVALID,
				"\"%.*s\" stands behind all, where nobody reads it", (int)t[i].n,
				t[i].s);
		alls += is_all(t[i]);
	}
	return RC_OK;
}

int
spf_lookups(const char *text)
{
	static const char *const words[] = { "include:", "a", "mx", "ptr", "exists:", "redirect=" };
	struct term t[SPF_TERMS_MAX];
	size_t n = spf_is(text) ? terms_of(text, t) : 0;
	int count = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < sizeof words / sizeof *words; k++)
			count += is_word(bare(t[i]), words[k]);
	return count;
}

bool
spf_has(const char *text, const char *term)
{
	struct term t[SPF_TERMS_MAX];
	size_t n = spf_is(text) ? terms_of(text, t) : 0;

	for (size_t i = 0; i < n; i++)
		if (same(t[i], term))
			return true;
	return false;
}

static enum rc
judge(struct buf *out, struct err *err)
{
	if (buf_failed(out))
		return err_set(err, RC_NOMEM, "out of memory");
	if (out->len > SPF_TEXT_MAX)
		return err_set(err, RC_INVALID,
			"the SPF record would have %zu bytes; receivers want at most %d (RFC 7208 "
			"section 3.4)",
			out->len, SPF_TEXT_MAX);
	if (spf_lookups(buf_text(out)) > SPF_LOOKUPS_MAX)
		return err_set(err, RC_INVALID,
			"the SPF record would cost %d look-ups by its own text; receivers stop at "
			"%d (RFC 7208 section 4.6.4)",
			spf_lookups(buf_text(out)), SPF_LOOKUPS_MAX);
	return spf_check(buf_text(out), err);
}

enum rc
spf_add(const char *text, const char *const *terms, size_t terms_n, struct buf *out,
	struct err *err)
{
	struct term t[SPF_TERMS_MAX];
	enum rc rc = spf_check(text, err);
	size_t n, at;

	if (rc != RC_OK)
		return rc;
	n = terms_of(text, t);
	for (at = 0; at < n && !is_all(t[at]) && !is_word(t[at], "redirect="); at++)
		continue;
	buf_str(out, "v=spf1");
	for (size_t i = 0; i < at; i++)
		buf_fmt(out, " %.*s", (int)t[i].n, t[i].s);
	for (size_t i = 0; i < terms_n; i++)
		if (!spf_has(text, terms[i]))
			buf_fmt(out, " %s", terms[i]);
	for (size_t i = at; i < n; i++)
		buf_fmt(out, " %.*s", (int)t[i].n, t[i].s);
	if (PLANTED(SPF_EMPTIED))
		buf_reset(out);
	return PLANTED(SPF_EMPTIED) ? RC_OK : judge(out, err);
}

enum rc
spf_remove(const char *text, const char *const *terms, size_t terms_n, struct buf *out,
	struct err *err)
{
	struct term t[SPF_TERMS_MAX];
	enum rc rc = spf_check(text, err);
	size_t n;

	if (rc != RC_OK)
		return rc;
	n = terms_of(text, t);
	buf_str(out, "v=spf1");
	for (size_t i = 0; i < n; i++) {
		bool drop = false;

		for (size_t k = 0; k < terms_n && !drop; k++)
			drop = same(t[i], terms[k]);
		if (!drop)
			buf_fmt(out, " %.*s", (int)t[i].n, t[i].s);
	}
	return judge(out, err);
}
