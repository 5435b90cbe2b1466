/* json.c - canonical JSON: writer and reader. */
#include "base/json.h"

#include "base/arena.h"
#include "base/text.h"

#include <string.h>

/* Bytes of the character at s that is no ASCII; 0 when it is no UTF-8. */
static size_t
utf8_bytes(const char *s, size_t n)
{
	for (size_t len = 2; len <= 4 && len <= n; len++)
		if (text_utf8_ok(s, len))
			return len;
	return 0;
}

/*
 * Foreign text (a reply, a text that was cut in the middle of a character) may be no UTF-8, and a
 * journal with one such record could not be read again: what is none becomes U+FFFD.
 */
static size_t
quote_beyond_ascii(struct buf *b, const char *s, size_t n)
{
	size_t len = utf8_bytes(s, n);

	if (len == 0)
		buf_str(b, "\xef\xbf\xbd");
	else
		buf_add(b, s, len);
	return len > 0 ? len : 1;
}

void
json_quote(struct buf *b, const char *s, size_t n)
{
	static const char hex[] = "0123456789abcdef";

	buf_char(b, '"');
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		const char *named = NULL;
		static const char *const pairs[] = { "\"\\\"", "\\\\\\", "\b\\b", "\f\\f", "\n\\n",
			"\r\\r", "\t\\t" };

		for (size_t k = 0; k < sizeof pairs / sizeof pairs[0]; k++)
			if ((unsigned char)pairs[k][0] == c)
				named = pairs[k] + 1;
		if (named != NULL) {
			buf_str(b, named);
		} else if (c == 0 || c >= 0x80) {
			i += quote_beyond_ascii(b, s + i, n - i) - 1;
		} else if (c < 0x20) {
			buf_str(b, "\\u00");
			buf_char(b, hex[c >> 4]);
			buf_char(b, hex[c & 15]);
		} else {
			buf_char(b, (char)c);
		}
	}
	buf_char(b, '"');
}

void
jw_init(struct jw *w, struct buf *b)
{
	*w = (struct jw){ .b = b };
}

static void
before(struct jw *w, const char *key)
{
	uint32_t bit = 1u << w->depth;

	if ((w->has & bit) != 0)
		buf_char(w->b, ',');
	w->has |= bit;
	if (key != NULL) {
		json_quote(w->b, key, strlen(key));
		buf_char(w->b, ':');
	}
}

void
jw_open(struct jw *w, const char *key, char bracket)
{
	before(w, key);
	buf_char(w->b, bracket);
	if (w->depth + 1 >= JSON_DEPTH_MAX) {
		w->b->failed = true;
		return;
	}
	w->depth++;
	w->has &= ~(1u << w->depth);
}

void
jw_close(struct jw *w, char bracket)
{
	if (w->depth > 0)
		w->depth--;
	buf_char(w->b, bracket);
}

void
jw_strn(struct jw *w, const char *key, const char *val, size_t n)
{
	before(w, key);
	json_quote(w->b, val, n);
}

void
jw_str(struct jw *w, const char *key, const char *val)
{
	if (val == NULL)
		jw_raw(w, key, "null");
	else
		jw_strn(w, key, val, strlen(val));
}

void
jw_int(struct jw *w, const char *key, int64_t val)
{
	before(w, key);
	buf_i64(w->b, val);
}

void
jw_uint(struct jw *w, const char *key, uint64_t val)
{
	before(w, key);
	buf_u64(w->b, val);
}

void
jw_bool(struct jw *w, const char *key, bool val)
{
	jw_raw(w, key, val ? "true" : "false");
}

void
jw_raw(struct jw *w, const char *key, const char *json)
{
	before(w, key);
	buf_str(w->b, json);
}

/* --- reader --- */

struct rd {
	struct arena *a;
	const char *p, *end;
	int depth;
};

static struct json *value(struct rd *r);

static void
blanks(struct rd *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
		r->p++;
}

static bool
take(struct rd *r, char c)
{
	blanks(r);
	if (r->p >= r->end || *r->p != c)
		return false;
	r->p++;
	return true;
}

static bool
word(struct rd *r, const char *w)
{
	size_t n = strlen(w);

	if ((size_t)(r->end - r->p) < n || memcmp(r->p, w, n) != 0)
		return false;
	r->p += n;
	return true;
}

static bool
hex4(struct rd *r, unsigned *ret)
{
	char digits[5] = { 0 };
	uint8_t v[2];

	if (r->end - r->p < 4)
		return false;
	memcpy(digits, r->p, 4);
	if (!text_unhex(digits, v, 2))
		return false;
	r->p += 4;
	*ret = (unsigned)v[0] << 8 | v[1];
	return true;
}

static size_t
put_utf8(char *out, unsigned c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	out[0] = (char)(0xe0 | c >> 12);
	out[1] = (char)(0x80 | (c >> 6 & 0x3f));
	out[2] = (char)(0x80 | (c & 0x3f));
	return 3;
}

/* One escape behind the backslash. Surrogates are refused: the writer emits such characters raw. */
static bool
escape(struct rd *r, char *out, size_t *n)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;
	unsigned c;

	if (r->p >= r->end)
		return false;
	if (*r->p == 'u') {
		r->p++;
		if (!hex4(r, &c) || c == 0 || (c >= 0xd800 && c <= 0xdfff))
			return false;
		*n += put_utf8(out + *n, c);
		return true;
	}
	at = memchr(from, *r->p, sizeof from - 1);
	if (at == NULL)
		return false;
	r->p++;
	out[(*n)++] = to[at - from];
	return true;
}

/* The string behind an opening quote; NULL when it is not well-formed. */
static const char *
string(struct rd *r, size_t *ret_len)
{
	const char *close = r->p;
	size_t n = 0;
	char *out;

	while (close < r->end && *close != '"')
		close += *close == '\\' ? 2 : 1;
	if (close >= r->end)
		return NULL;
	out = arena_get(r->a, (size_t)(close - r->p) + 1);
	if (out == NULL)
		return NULL;
	while (r->p < close) {
		char c = *r->p++;

		if ((unsigned char)c < 0x20)
			return NULL;
		if (c != '\\')
			out[n++] = c;
		else if (!escape(r, out, &n))
			return NULL;
	}
	r->p = close + 1;
	out[n] = '\0';
	*ret_len = n;
	return text_utf8_ok(out, n) ? out : NULL;
}

static bool
integer(struct rd *r, int64_t *ret)
{
	bool negative = r->p < r->end && *r->p == '-';
	const char *start;
	int64_t v = 0; /* summed up below zero, where there is room for the least one */

	r->p += negative;
	start = r->p;
	while (r->p < r->end && *r->p >= '0' && *r->p <= '9') {
		int d = *r->p++ - '0';

		if (v < (INT64_MIN + d) / 10)
			return false;
		v = v * 10 - d;
	}
	if (r->p == start || (*start == '0' && r->p - start > 1) || (!negative && v == INT64_MIN))
		return false;
	*ret = negative ? v : -v;
	return r->p >= r->end || memchr(".eE", *r->p, 3) == NULL;
}

static bool
duplicate(const struct json *o, const char *key)
{
	for (const struct json *c = o->child; c != NULL; c = c->next)
		if (strcmp(c->key, key) == 0)
			return true;
	return false;
}

/* Members or items up to the closing bracket. */
static bool
children(struct rd *r, struct json *o, char close)
{
	struct json *last = NULL;

	if (take(r, close))
		return true;
	do {
		const char *key = NULL;
		struct json *v;
		size_t len;

		if (o->type == JV_OBJ) {
			if (!take(r, '"') || (key = string(r, &len)) == NULL ||
				strlen(key) != len || duplicate(o, key) || !take(r, ':'))
				return false;
		}
		v = value(r);
		if (v == NULL)
			return false;
		v->key = key;
		if (last == NULL)
			o->child = v;
		else
			last->next = v;
		last = v;
		o->len++;
	} while (take(r, ','));
	return take(r, close);
}

static bool
scalar(struct rd *r, struct json *v)
{
	if (word(r, "null"))
		return true;
	v->type = JV_BOOL;
	if (word(r, "true")) {
		v->num = 1;
		return true;
	}
	if (word(r, "false"))
		return true;
	v->type = JV_INT;
	return integer(r, &v->num);
}

static struct json *
value(struct rd *r)
{
	struct json *v = arena_get(r->a, sizeof *v);
	bool ok;

	blanks(r);
	if (v == NULL || r->p >= r->end || r->depth >= JSON_DEPTH_MAX)
		return NULL;
	r->depth++;
	if (*r->p == '{' || *r->p == '[') {
		v->type = *r->p == '{' ? JV_OBJ : JV_ARR;
		r->p++;
		ok = children(r, v, v->type == JV_OBJ ? '}' : ']');
	} else if (*r->p == '"') {
		v->type = JV_STR;
		r->p++;
		v->str = string(r, &v->len);
		ok = v->str != NULL;
	} else {
		ok = scalar(r, v);
	}
	r->depth--;
	return ok ? v : NULL;
}

const struct json *
json_read(struct arena *a, const char *text, size_t n, size_t *ret_at)
{
	struct rd r = { .a = a, .p = text, .end = text + n };
	struct json *v = value(&r);

	blanks(&r);
	if (v != NULL && r.p == r.end)
		return v;
	if (ret_at != NULL)
		*ret_at = (size_t)(r.p - text);
	return NULL;
}

const struct json *
json_get(const struct json *o, const char *key)
{
	if (o == NULL || o->type != JV_OBJ)
		return NULL;
	for (const struct json *c = o->child; c != NULL; c = c->next)
		if (strcmp(c->key, key) == 0)
			return c;
	return NULL;
}

const char *
json_str(const struct json *o, const char *key)
{
	const struct json *v = json_get(o, key);

	return v != NULL && v->type == JV_STR ? v->str : NULL;
}

const struct json *
json_items(const struct json *o, const char *key)
{
	const struct json *list = json_get(o, key);

	return list != NULL ? list->child : NULL;
}

int64_t
json_int(const struct json *o, const char *key, int64_t def)
{
	const struct json *v = json_get(o, key);

	return v != NULL && v->type == JV_INT ? v->num : def;
}

bool
json_flag(const struct json *o, const char *key)
{
	const struct json *v = json_get(o, key);

	return v != NULL && v->type == JV_BOOL && v->num != 0;
}

void
json_put(struct buf *b, const struct json *v)
{
	const char *sep = "";

	if (v == NULL || v->type == JV_NULL) {
		buf_str(b, "null");
	} else if (v->type == JV_BOOL) {
		buf_str(b, v->num != 0 ? "true" : "false");
	} else if (v->type == JV_INT) {
		buf_i64(b, v->num);
	} else if (v->type == JV_STR) {
		json_quote(b, v->str, v->len);
	} else {
		buf_char(b, v->type == JV_ARR ? '[' : '{');
		for (const struct json *c = v->child; c != NULL; c = c->next) {
			buf_str(b, sep);
			sep = ",";
			if (v->type == JV_OBJ) {
				json_quote(b, c->key, strlen(c->key));
				buf_char(b, ':');
			}
			json_put(b, c);
		}
		buf_char(b, v->type == JV_ARR ? ']' : '}');
	}
}
