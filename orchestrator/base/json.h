/*
 * json.h - canonical JSON, written and read without a library, for records, plans and hashes.
 *
 * The writer emits no blanks, integers only, members in the order of the calls, strings in UTF-8
 * with the escapes of RFC 8259 section 7 (\" \\ \b \f \n \r \t, other control characters as \u00xx,
 * DEL and above raw). The reader takes any JSON text that the writer can emit, plus blanks; no
 * floating point; depth at most JSON_DEPTH_MAX. Why not jansson here: its first object opens
 * /dev/urandom, and the core may open nothing (docs/decisions/0002-json-in-base.md). Everything
 * that comes from outside is read with jansson (os/).
 */
#ifndef FERRYMAN_BASE_JSON_H
#define FERRYMAN_BASE_JSON_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_DEPTH_MAX = 32 };

/* --- writer: state is one bit per level, kept in the struct --- */
struct jw {
	struct buf *b;
	uint32_t has; /* bit d: level d already has a member */
	int depth;
};
void jw_init(struct jw *w, struct buf *b);
void jw_open(struct jw *w, const char *key,
	char bracket);			   /* '{' or '['; key NULL inside arrays and at the top */
void jw_close(struct jw *w, char bracket); /* '}' or ']' */
void jw_str(struct jw *w, const char *key, const char *val); /* val NULL writes null */
void jw_strn(struct jw *w, const char *key, const char *val, size_t n);
void jw_int(struct jw *w, const char *key, int64_t val);
void jw_uint(struct jw *w, const char *key, uint64_t val);
void jw_bool(struct jw *w, const char *key, bool val);
void jw_raw(struct jw *w, const char *key, const char *json); /* json is already canonical */

/* json_quote - one string with its quotes. */
void json_quote(struct buf *b, const char *s, size_t n);

/* --- reader: a tree in an arena --- */
enum json_type { JV_NULL, JV_BOOL, JV_INT, JV_STR, JV_ARR, JV_OBJ };
struct arena;
struct json {
	enum json_type type;
	const char *key;	  /* member name inside an object, else NULL */
	int64_t num;		  /* JV_INT, JV_BOOL */
	const char *str;	  /* JV_STR, NUL-terminated */
	size_t len;		  /* bytes of str, or number of children */
	const struct json *child; /* first child */
	const struct json *next;  /* next sibling */
};
/* json_read - NULL and *ret_at (offset of the fault) when the text is not what the header
 * describes, has a duplicate key, or the arena is full. The tree borrows nothing from text. */
const struct json *json_read(struct arena *a, const char *text, size_t n, size_t *ret_at);
const struct json *json_get(
	const struct json *o, const char *key);		     /* NULL if absent or o is no object */
const char *json_str(const struct json *o, const char *key); /* NULL if absent or no string */
int64_t json_int(const struct json *o, const char *key, int64_t def);
/* json_items - the first item of the list or object under key; NULL if there is none. */
const struct json *json_items(const struct json *o, const char *key);
bool json_flag(const struct json *o, const char *key);

/* json_put - a value of the tree as canonical text again. */
void json_put(struct buf *b, const struct json *v);

#endif
