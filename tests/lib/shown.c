/* shown.c - reads what people read: the lines of a plan, and the commands behind --by-hand. */
#include "lib/shown.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INDENT = 12, WORDS = 24 };

/* --- lines of a value --- */

static bool
has_line(const char *lines, const char *line, size_t n)
{
	const char *l;
	size_t m;

	while (text_line(&lines, &l, &m))
		if (m == n && memcmp(l, line, n) == 0)
			return true;
	return false;
}

static bool
add_line(char to[SHOWN_VALUE], const char *line, size_t n)
{
	size_t have = strlen(to);

	if (have + n + 2 > SHOWN_VALUE)
		return false;
	memcpy(to + have, line, n);
	memcpy(to + have + n, "\n", 2);
	return true;
}

static bool
within(const char *a, const char *b)
{
	const char *line;
	size_t n;

	while (text_line(&a, &line, &n))
		if (!has_line(b, line, n))
			return false;
	return true;
}

bool
shown_same(const char *a, const char *b)
{
	return strlen(a) == strlen(b) && within(a, b) && within(b, a);
}

bool
shown_apply(const struct shown *s, const char *before, char ret[SHOWN_VALUE])
{
	const char *at = before, *line;
	size_t n;

	ret[0] = '\0';
	if (!within(s->minus, before))
		return false;
	while (text_line(&at, &line, &n))
		if (!has_line(s->minus, line, n) && !add_line(ret, line, n))
			return false;
	at = s->plus;
	while (text_line(&at, &line, &n))
		if (has_line(before, line, n) || !add_line(ret, line, n))
			return false;
	return true;
}

static struct shown *
next(struct shown_list *l)
{
	struct shown *s = l->n < SHOWN_MAX ? &l->at[l->n++] : NULL;

	if (s != NULL)
		memset(s, 0, sizeof *s);
	return s;
}

static void
put(char *to, size_t room, const char *s, size_t n)
{
	(void)snprintf(to, room, "%.*s", (int)n, s);
}

/* --- the text --- */

static bool
is_resource(const char *line)
{
	return text_starts(line, "dns.") || text_starts(line, "relay.") ||
	       text_starts(line, "tenant.");
}

/* "RESOURCE at TARGET", and what stands behind it. One that shows no difference and does not say
 * that it is so already is a wait. */
static bool
text_change(struct shown_list *l, const char *line, size_t n)
{
	char copy[256], *at, *colon;
	struct shown *s = next(l);

	if (s == NULL || n >= sizeof copy)
		return false;
	put(copy, sizeof copy, line, n);
	at = strstr(copy, " at ");
	if (at == NULL)
		return false;
	*at = '\0';
	at += 4;
	colon = strstr(at, ": ");
	if (colon != NULL)
		*colon = '\0';
	put(s->resource, sizeof s->resource, copy, strlen(copy));
	put(s->target, sizeof s->target, at, strlen(at));
	s->already = colon != NULL && text_eq(colon + 2, "already so");
	s->act = text_starts(copy, "relay.queue ");
	if (s->act && colon != NULL)
		put(s->rate, sizeof s->rate, colon + 2, strlen(colon + 2));
	return true;
}

static void
drop_wait(struct shown_list *l)
{
	const struct shown *s = l->n > 0 ? &l->at[l->n - 1] : NULL;

	if (s != NULL && !s->already && s->minus[0] == '\0' && s->plus[0] == '\0' &&
		(!s->act || s->rate[0] == '\0'))
		l->n--;
}

bool
shown_text(const char *text, struct shown_list *ret)
{
	const char *line;
	size_t n;

	ret->n = 0;
	while (text_line(&text, &line, &n)) {
		struct shown *s = ret->n > 0 ? &ret->at[ret->n - 1] : NULL;
		bool inner = n > INDENT && strspn(line, " ") == INDENT;
		const char *in = line + INDENT;

		if (inner && (text_starts(in, "- ") || text_starts(in, "+ "))) {
			if (s == NULL ||
				!add_line(*in == '-' ? s->minus : s->plus, in + 2, n - INDENT - 2))
				return false;
			continue;
		}
		drop_wait(ret);
		if (inner && is_resource(in) && !text_change(ret, in, n - INDENT))
			return false;
	}
	drop_wait(ret);
	return true;
}

/* --- commands --- */

struct words {
	char *at[WORDS];
	size_t n;
	char text[4096];
};

/* Words of a shell: blanks part them, '...' and "..." hold them together. */
static bool
split(const char *line, size_t n, struct words *w)
{
	char quote = '\0', *to = w->text;
	bool open = false;

	w->n = 0;
	if (n >= sizeof w->text)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = line[i];

		if (quote != '\0' && c == quote) {
			quote = '\0';
			continue;
		}
		if (quote == '\0' && c == '\\' && i + 1 < n)
			c = line[++i];
		else if (quote == '\0' && c == ' ') {
			*to++ = '\0';
			open = false;
			continue;
		} else if (quote == '\0' && (c == '\'' || c == '"')) {
			quote = c;
			if (!open && w->n < WORDS)
				w->at[w->n++] = to;
			open = true;
			continue;
		}
		if (!open && w->n == WORDS)
			return false;
		if (!open)
			w->at[w->n++] = to;
		open = true;
		*to++ = c;
	}
	*to = '\0';
	return quote == '\0';
}

static const char *
target_of(const char *const *hosts, const char *host, size_t n)
{
	for (; *hosts != NULL; hosts += 2)
		if (strlen(*hosts) == n && memcmp(*hosts, host, n) == 0)
			return hosts[1];
	return NULL;
}

/* Strings in quotes, joined, with RFC 1035's decimal escapes. */
static bool
strings(const char *data, char ret[SHOWN_VALUE])
{
	bool in = false;
	size_t n = 0;

	for (; *data != '\0'; data++) {
		unsigned c = (unsigned char)*data;

		if (c == '"') {
			in = !in;
			continue;
		}
		if (c == '\\') {
			if (sscanf(data + 1, "%3u", &c) != 1)
				return false;
			data += 3;
		} else if (!in) {
			continue;
		}
		if (n + 1 >= SHOWN_VALUE)
			return false;
		ret[n++] = (char)c;
	}
	ret[n] = '\0';
	return !in;
}

/* A record's data as a value says it: TXT without quotes, MX without the last dot. */
static bool
record(char to[SHOWN_VALUE], const char *type, const char *data)
{
	char line[SHOWN_VALUE], text[SHOWN_VALUE];
	size_t n = strlen(data);

	if (text_eq(type, "TXT") && strings(data, text))
		(void)snprintf(line, sizeof line, "txt %.500s", text);
	else if (text_eq(type, "MX") && n > 0 && data[n - 1] == '.')
		(void)snprintf(line, sizeof line, "mx %.*s", (int)(n - 1), data);
	else
		return false;
	return add_line(to, line, strlen(line));
}

/* printf ... 'server HOST PORT' 'prereq yxrrset NAME. TYPE DATA' 'update add NAME. TTL TYPE DATA'
 */
static bool
zone_command(struct shown_list *l, const struct words *w, const char *const *hosts)
{
	struct shown *s = next(l);
	char name[64], type[8], ttl[16], line[32];
	const char *target = NULL;

	for (size_t i = 0; s != NULL && i < w->n; i++) {
		const char *word = w->at[i];
		int at = 0;

		if (text_starts(word, "server "))
			target = target_of(hosts, word + 7, strcspn(word + 7, " "));
		else if (sscanf(word, "prereq yxrrset %63s %7s %n", name, type, &at) == 2 &&
			 at > 0) {
			if (!record(s->minus, type, word + at)) /* all that was there */
				return false;
		} else if (sscanf(word, "update add %63s %15s %7s %n", name, ttl, type, &at) == 3) {
			(void)snprintf(line, sizeof line, "ttl %s", ttl);
			if ((s->after[0] == '\0' && !add_line(s->after, line, strlen(line))) ||
				!record(s->after, type, word + at))
				return false;
			(void)snprintf(s->resource, sizeof s->resource, "dns.rrset %.*s %s",
				(int)strlen(name) - 1, name, type);
		}
	}
	if (s == NULL || target == NULL || s->resource[0] == '\0')
		return false;
	(void)snprintf(s->target, sizeof s->target, "%s", target);
	return true;
}

/* pwsh ... '...; Set-TransportRule -Identity 'R' -ExceptIfFrom 'A','B'; Enable-TransportRule ...'
 */
static bool
tenant_command(struct shown_list *l, const char *script, const char *target)
{
	const char *on = strstr(script, "Enable-TransportRule"),
		   *off = strstr(script, "Disable-TransportRule"),
		   *except = strstr(script, "-ExceptIfFrom "), *id = strstr(script, "-Identity '");
	struct shown *s = next(l);

	if (s == NULL || id == NULL || target == NULL || (on == NULL) == (off == NULL))
		return false;
	(void)snprintf(s->target, sizeof s->target, "%s", target);
	(void)snprintf(s->resource, sizeof s->resource, "tenant.connector %.*s",
		(int)strcspn(id + 11, "'"), id + 11);
	if (off != NULL)
		return true;
	if (except == NULL || !add_line(s->after, "enabled", 7))
		return false;
	for (except += 14; *except == '\''; except += *except == ',') {
		char line[128];
		int n = (int)strcspn(++except, "'");

		(void)snprintf(line, sizeof line, "except %.*s", n, except);
		if (!add_line(s->after, line, strlen(line)))
			return false;
		except += n + 1;
	}
	return true;
}

/* A relay's maps, as far as the lines of one step have got. */
struct relay {
	const char *target;
	bool unpark; /* a shelter is ended, which is more than its queue */
	char hop[128];
	int share;
	bool out, parked;
};

static bool
relay_item(struct shown_list *l, const struct relay *r, const char *kind, const char *domain)
{
	struct shown *s = next(l);
	char name[64] = "";

	for (size_t n = 0; *domain != '\0' && strchr("[ \t", *domain) == NULL && n < 63; domain++)
		if (*domain != '\\')
			name[n++] = *domain;
	if (s == NULL || r->target == NULL)
		return false;
	(void)snprintf(s->target, sizeof s->target, "%s", r->target);
	(void)snprintf(s->resource, sizeof s->resource, "%s %s", kind, name);
	s->act = text_eq(kind, "relay.queue");
	return true;
}

static bool
relay_command(struct shown_list *l, struct relay *r, const char *line, size_t n)
{
	char copy[512], *at;
	struct shown *s;
	int share = 0;

	put(copy, sizeof copy, line, n);
	if (sscanf(copy, "for i in $(seq -w 1 %d); do printf 's%%s\\t%127[^\\]", &share, r->hop) ==
		2) {
		r->share = 5 * share;
	} else if (text_starts(copy, "printf '@") && strstr(copy, "/domains") != NULL) {
		*strstr(copy, "\\t") = '\0';
		if (!relay_item(l, r, "relay.route", copy + 9) || r->share == 0)
			return false;
		s = &l->at[l->n - 1];
		(void)snprintf(s->after, sizeof s->after, "next %s\nshare %d\n", r->hop, r->share);
		r->share = 0;
	} else if (text_starts(copy, "sed -i '/^@") && strstr(copy, "/domains2") != NULL) {
		return relay_item(l, r, "relay.route", copy + 11);
	} else if (text_starts(copy, "printf '@") && (at = strstr(copy, "\\tpark:")) != NULL) {
		*at = '\0';
		if (!relay_item(l, r, "relay.park", copy + 9))
			return false;
		(void)snprintf(l->at[l->n - 1].after, SHOWN_VALUE, "parked\n");
	} else if (text_starts(copy, "for id in $(postqueue") &&
		   (at = strstr(copy, "/@")) != NULL) {
		if (!relay_item(l, r, r->unpark ? "relay.park" : "relay.queue", at + 2))
			return false;
		s = &l->at[l->n - 1];
		s->resource[strcspn(s->resource, "$")] = '\0';
		at = strstr(copy, "sleep ");
		if (at != NULL)
			put(s->rate, sizeof s->rate, at + 6, strcspn(at + 6, ";"));
		r->unpark = false;
	}
	return true;
}

bool
shown_by_hand(const char *text, const char *const *hosts, struct shown_list *ret)
{
	const char *line, *tenant = NULL;
	struct relay relay = { 0 };
	struct words w;
	size_t n;

	ret->n = 0;
	while (text_line(&text, &line, &n)) {
		if (text_starts(line, "# on ")) {
			relay = (struct relay){ .target = target_of(
							hosts, line + 5, strcspn(line + 5, ",")) };
		} else if (text_starts(line, "# only when receivers take mail again")) {
			relay.unpark = true;
		} else if (text_starts(line, "# administrator of ")) {
			tenant = target_of(hosts, line + 19, strcspn(line + 19, ";"));
		} else if (text_starts(line, "pwsh ")) {
			if (!split(line, n, &w) || !tenant_command(ret, w.at[w.n - 1], tenant))
				return false;
		} else if (n > 12 && memcmp(line + n - 11, "nsupdate -v", 11) == 0) {
			if (!split(line, n, &w) || !zone_command(ret, &w, hosts))
				return false;
		} else if (*line != '#' && !relay_command(ret, &relay, line, n)) {
			return false;
		}
	}
	return true;
}
