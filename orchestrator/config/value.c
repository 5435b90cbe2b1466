/* value.c - scalars: text to a typed value, by the row that says what it is. */
#include "config/cfg.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { STR_MAX_ = 1024, DOMAIN_MAX_ = 253, LABEL_MAX_ = 63, NAME_MAX_ = 63 };

const char *
value_type_name(enum vtype t)
{
	static const char *const names[V_N] = {
		[V_STR] = "text",
		[V_NAME] = "a name such as hub-1 (a-z, 0-9, -)",
		[V_REF] = "a name",
		[V_DOMAIN] = "a domain such as corp.example",
		[V_ADDR] = "an IPv4 or IPv6 address",
		[V_HOST] = "a host name or address",
		[V_HOSTPORT] = "host:port",
		[V_MAILBOX] = "a mailbox such as ops@corp.example",
		[V_URL] = "an https:// URL",
		[V_INT] = "a whole number",
		[V_BOOL] = "true or false",
		[V_DURATION] = "a duration with its unit, such as 30s, 5m, 6h, 2d",
		[V_PERCENT] = "a share such as 5%",
		[V_RATE] = "a rate such as 10 per s",
		[V_NOFM] = "\"3 of 5\"",
		[V_ENUM] = "one of the words",
		[V_SECRET] = "a reference: {file: NAME}, {env: NAME} or {credential: NAME}",
		[V_MAP] = "a mapping",
		[V_TABLE] = "a mapping of names to mappings",
		[V_ANYMAP] = "a mapping",
	};

	return names[t];
}

bool
value_name_ok(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n > NAME_MAX_ || s[0] < 'a' || s[0] > 'z')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9') || s[i] == '-'))
			return false;
	return true;
}

static bool
ipv4_ok(const char *s)
{
	for (int part = 0; part < 4; part++) {
		int v = 0, digits = 0;

		for (; *s >= '0' && *s <= '9' && digits < 4; s++, digits++)
			v = v * 10 + (*s - '0');
		if (digits == 0 || digits > 3 || v > 255 || (digits > 1 && s[-digits] == '0'))
			return false;
		if (*s++ != (part < 3 ? '.' : '\0'))
			return false;
	}
	return true;
}

/* RFC 4291 section 2.2: eight groups, one :: at most, the last two perhaps as IPv4. */
static bool
ipv6_ok(const char *s)
{
	int groups = 0;
	bool gap = false;

	if (s[0] == ':' && s[1] != ':')
		return false;
	while (*s != '\0') {
		int digits = 0;
		const char *start = s;

		if (s[0] == ':' && s[1] == ':') {
			if (gap)
				return false;
			gap = true;
			s += 2;
			continue;
		}
		if (*s == ':' && groups > 0 && !(gap && s[-1] == ':'))
			s++;
		start = s;
		for (; (*s >= '0' && *s <= '9') || (*s >= 'a' && *s <= 'f') ||
			(*s >= 'A' && *s <= 'F');
			s++)
			digits++;
		if (*s == '.')
			return (groups == 6 || (gap && groups < 6)) && ipv4_ok(start);
		if (digits < 1 || digits > 4 || (*s != ':' && *s != '\0'))
			return false;
		if (*s == ':' && s[1] == '\0')
			return false;
		groups++;
	}
	return gap ? groups < 8 : groups == 8;
}

bool
value_addr_ok(const char *s)
{
	return ipv4_ok(s) || ipv6_ok(s);
}

/* RFC 1035 section 2.3.4 sizes; letters, digits, hyphen and underscore (service labels). */
bool
value_domain(struct arena *a, const char *s, const char **ret)
{
	size_t n = strlen(s), label = 0;
	char *low;

	if (n > 0 && s[n - 1] == '.')
		n--;
	if (n == 0 || n > DOMAIN_MAX_ || ipv4_ok(s))
		return false;
	low = arena_strn(a, s, n);
	if (low == NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = low[i];

		if (c >= 'A' && c <= 'Z')
			c = low[i] = (char)(c - 'A' + 'a');
		if (c == '.') {
			if (label == 0 || low[i - 1] == '-')
				return false;
			label = 0;
			continue;
		}
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
			    (c == '-' && label > 0)))
			return false;
		if (++label > LABEL_MAX_)
			return false;
	}
	if (label == 0 || low[n - 1] == '-')
		return false;
	*ret = low;
	return true;
}

static bool
port_ok(const char *s)
{
	int64_t v;

	return num_int(s, &v) && v >= 1 && v <= 65535;
}

static bool
hostport_ok(struct arena *a, const char *s)
{
	const char *colon = strrchr(s, ':'), *close = strrchr(s, ']'), *domain;
	char *host;

	if (s[0] == '[') {
		if (close == NULL || close[1] != ':' || !port_ok(close + 2))
			return false;
		host = arena_strn(a, s + 1, (size_t)(close - s) - 1);
	} else {
		if (colon == NULL || !port_ok(colon + 1))
			return false;
		host = arena_strn(a, s, (size_t)(colon - s));
	}
	return host != NULL && (value_addr_ok(host) || value_domain(a, host, &domain));
}

/* RFC 5321 section 4.1.2, without quoted local parts; % stands for a number in probes' mailboxes.
 */
static bool
mailbox_ok(struct arena *a, const char *s)
{
	const char *at = strrchr(s, '@'), *domain;

	if (at == NULL || at == s || at - s > 64 || !value_domain(a, at + 1, &domain))
		return false;
	for (const char *p = s; p < at; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || strchr("()<>[]:;@\\,\"", *p) != NULL)
			return false;
	return true;
}

static bool
url_ok(const char *s)
{
	static const char *const loop[] = { "http://127.0.0.1", "http://[::1]",
		"http://localhost" };

	for (const char *p = s; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || *p == '"' || *p == 0x7f)
			return false;
	if (text_starts(s, "https://"))
		return s[8] != '\0' && s[8] != '/' && strchr(s, '@') == NULL;
	for (size_t i = 0; i < sizeof loop / sizeof *loop; i++) {
		size_t n = strlen(loop[i]);

		if (strncmp(s, loop[i], n) == 0 && (s[n] == '\0' || s[n] == '/' || s[n] == ':'))
			return true;
	}
	return false;
}

static bool
enum_index(const char *words, const char *s, int64_t *ret)
{
	size_t n = strlen(s);

	for (int64_t i = 0;; i++) {
		const char *end = strchr(words, '|');
		size_t len = end != NULL ? (size_t)(end - words) : strlen(words);

		if (len == n && strncmp(words, s, n) == 0) {
			*ret = i;
			return true;
		}
		if (end == NULL)
			return false;
		words = end + 1;
	}
}

static bool
text_ok(const char *s)
{
	if (strlen(s) > STR_MAX_ || s[0] == '\0')
		return false;
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return true;
}

static bool
parse_number(const struct schema_row *row, const char *text, struct cval *v)
{
	int n, m;

	switch (row->type) {
	case V_INT:
		return num_int(text, &v->i);
	case V_BOOL:
		v->i = text_eq(text, "true");
		return v->i != 0 || text_eq(text, "false");
	case V_DURATION:
		return num_duration(text, &v->i);
	case V_PERCENT:
		return num_percent(text, &v->i);
	case V_RATE:
		return num_rate(text, &v->rate);
	case V_NOFM:
		if (!num_n_of_m(text, &n, &m))
			return false;
		v->i = (int64_t)n << 32 | m;
		return true;
	case V_ENUM:
		return enum_index(row->words, text, &v->i);
	default:
		return false;
	}
}

static bool
parse_text(struct arena *a, const struct schema_row *row, const char *text, struct cval *v)
{
	v->s = arena_str(a, text);
	switch (row->type) {
	case V_STR:
		return text_ok(text);
	case V_NAME:
	case V_REF:
		return value_name_ok(text);
	case V_DOMAIN:
		return value_domain(a, text, &v->s);
	case V_ADDR:
		return value_addr_ok(text);
	case V_HOST:
		return value_addr_ok(text) || value_domain(a, text, &v->s);
	case V_HOSTPORT:
		return hostport_ok(a, text);
	case V_MAILBOX:
		return mailbox_ok(a, text);
	case V_URL:
		return url_ok(text);
	default:
		return false;
	}
}

const char *
value_parse(struct arena *a, const struct schema_row *row, const char *text, struct cval *v)
{
	bool ok = row->type >= V_INT && row->type <= V_ENUM ? parse_number(row, text, v)
							    : parse_text(a, row, text, v);

	v->given = ok;
	return ok ? NULL : value_type_name(row->type);
}

/* The words of an enum, for a sentence, and the nearest of them. */
static void
say_words(struct reader *r, const struct schema_row *row, const struct ynode *n, const char *path)
{
	const char *words[32], *near;
	char copy[512], list[512] = "";
	size_t k = 0;

	(void)snprintf(copy, sizeof copy, "%s", row->words);
	for (char *p = copy; p != NULL && k < 32;) {
		char *bar = strchr(p, '|');

		if (bar != NULL)
			*bar = '\0';
		words[k++] = p;
		(void)snprintf(list + strlen(list), sizeof list - strlen(list), "%s%.60s",
			k > 1 ? ", " : "", p);
		p = bar != NULL ? bar + 1 : NULL;
	}
	near = text_nearest(n->text, words, k);
	reader_error(r, n, "value", path, "\"%s\" is not one of: %s%s%s%s", n->text, list,
		near != NULL ? "; did you mean " : "", near != NULL ? near : "",
		near != NULL ? "?" : "");
}

static int
compare(const struct schema_row *row, const struct cval *a, const struct cval *b)
{
	if (row->type == V_RATE) { /* counts per time, crosswise: no division, no rounding */
		__int128 x = (__int128)a->rate.count * b->rate.per_ms,
			 y = (__int128)b->rate.count * a->rate.per_ms;

		return x < y ? -1 : x > y;
	}
	return a->i < b->i ? -1 : a->i > b->i;
}

static bool
in_range(struct reader *r, const struct schema_row *row, const struct ynode *n, const char *path,
	const struct cval *v)
{
	struct cval limit = { 0 };

	if (row->min != NULL && value_parse(r->a, row, row->min, &limit) == NULL &&
		compare(row, v, &limit) < 0) {
		reader_error(
			r, n, "value", path, "\"%s\" is too small; at least %s", n->text, row->min);
		return false;
	}
	if (row->max != NULL && value_parse(r->a, row, row->max, &limit) == NULL &&
		compare(row, v, &limit) > 0) {
		reader_error(
			r, n, "value", path, "\"%s\" is too large; at most %s", n->text, row->max);
		return false;
	}
	return true;
}

/* {file: F}, {env: E}, {credential: C}; with SR_PUBLIC_FILE also the text itself. */
static bool
secret_read(struct reader *r, const struct schema_row *row, const struct ynode *n, const char *path,
	struct cval *v)
{
	static const char *const kinds[] = { "file", "env", "credential" };
	const struct ynode *c = n->child;

	if (n->type == Y_SCALAR && (row->flags & SR_PUBLIC_FILE) != 0 && n->text[0] != '\0') {
		v->secret.kind = SECRET_INLINE;
		v->secret.name = n->text;
		return v->given = true;
	}
	if (n->type == Y_SCALAR) {
		reader_error(r, n, "value", path,
			"a secret is never written into a playbook; want %s",
			value_type_name(V_SECRET));
		return false;
	}
	for (size_t i = 0; n->type == Y_MAP && n->n == 1 && i < 3; i++) {
		if (!text_eq(c->key, kinds[i]) || c->type != Y_SCALAR || !text_ok(c->text))
			continue;
		if (c->overlay) {
			reader_error(r, c, "overlay", path,
				"an overlay replaces durations only; this is a secret");
			return false;
		}
		if (strchr(c->text, '/') != NULL) {
			reader_error(r, c, "value", path,
				"\"%s\": a name without /; the folder is given by --credentials, "
				"default the playbook's own",
				c->text);
			return false;
		}
		v->secret.kind = i == 0 ? SECRET_FILE : i == 1 ? SECRET_ENV : SECRET_CREDENTIAL;
		v->secret.name = c->text;
		return v->given = true;
	}
	reader_error(r, n, "value", path, "want %s", value_type_name(V_SECRET));
	return false;
}

bool
value_read(struct reader *r, const struct schema_row *row, const struct ynode *n, const char *path,
	struct cval *v)
{
	const char *want;

	v->at = n->at;
	v->written = true;
	if (row->type == V_SECRET)
		return secret_read(r, row, n, path, v);
	if (n->type != Y_SCALAR) {
		reader_error(r, n, "shape", path, "want %s, not a %s", value_type_name(row->type),
			n->type == Y_MAP ? "mapping" : "list");
		return false;
	}
	want = value_parse(r->a, row, n->text, v);
	if (want != NULL && row->type == V_ENUM)
		say_words(r, row, n, path);
	else if (want != NULL && row->type == V_DURATION && n->text[0] >= '0' &&
		 n->text[0] <= '9' && num_int(n->text, &v->i))
		reader_error(r, n, "value", path, "\"%s\" has no unit; want %s", n->text, want);
	else if (want != NULL)
		reader_error(r, n, "value", path, "\"%s\" is no %s; want %s", n->text,
			row->type == V_DURATION ? "duration"
			: row->type == V_INT	? "number"
						: "such value",
			want);
	else if (row->type >= V_INT && row->type <= V_RATE)
		return in_range(r, row, n, path, v);
	return want == NULL;
}
