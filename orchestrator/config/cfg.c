/* cfg.c - mappings by their rows: every key known, typed, in range, defaults filled in; and the
 * getters. */
#include "config/cfg.h"

#include "base/text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
reader_error(struct reader *r, const struct ynode *n, const char *rule, const char *path,
	const char *fmt, ...)
{
	char text[900];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	findings_add(r->f, FIND_ERROR, n->overlay ? r->overlay_file : r->file, n->at, rule, path,
		"%s", text);
}

struct ynode *
ynode_get(const struct ynode *map, const char *key)
{
	if (map == NULL || map->type != Y_MAP)
		return NULL;
	for (struct ynode *c = map->child; c != NULL; c = c->next)
		if (text_eq(c->key, key))
			return c;
	return NULL;
}

static size_t
table_len(const struct schema_row *t)
{
	size_t n = 0;

	while (t != NULL && t[n].key != NULL)
		n++;
	return n;
}

/* Index over both tables, or SIZE_MAX. */
static size_t
row_index(const struct cfg *c, const char *key, const struct schema_row **ret)
{
	size_t base = 0;

	for (int t = 0; t < CFG_TABLES; t++) {
		size_t n = table_len(c->table[t]);

		for (size_t i = 0; i < n; i++) {
			if (!text_eq(c->table[t][i].key, key))
				continue;
			*ret = &c->table[t][i];
			return base + i;
		}
		base += n;
	}
	return SIZE_MAX;
}

static const char *
join(struct reader *r, const char *path, const char *key)
{
	const char *s = path[0] == '\0' ? key : arena_fmt(r->a, "%s.%s", path, key);

	return s != NULL ? s : "";
}

static bool read_value(struct reader *r, const struct schema_row *row, const struct ynode *n,
	const char *path, struct cval *v);

/* A name that stands twice in a list counts twice nowhere: it is a slip of the pen, and in `of` it
 * would let one group pass for two. Free text may repeat (a program's arguments). */
static void
refuse_twice(struct reader *r, const struct schema_row *row, const struct ynode *n,
	const char *path, const struct cval *v)
{
	const struct cval *last = &v->items[v->n - 1];

	if (row->type == V_STR || row->type == V_SECRET || row->type >= V_MAP)
		return;
	for (size_t i = 0; i + 1 < v->n; i++) {
		if (last->s != NULL ? !text_eq(v->items[i].s, last->s) : v->items[i].i != last->i)
			continue;
		reader_error(r, n, "meaning", path, "\"%s\" stands here twice", n->text);
		return;
	}
}

static bool
read_list(struct reader *r, const struct schema_row *row, const struct ynode *n, const char *path,
	struct cval *v)
{
	struct schema_row one = *row;
	size_t i = 0;

	v->at = n->at;
	v->written = true;
	if (n->type == Y_MAP && row->type == V_ADDR && ynode_get(n, "from") != NULL) {
		reader_error(r, n, "unbuilt", path,
			"{from: ...} is known, but not built yet; list the addresses: "
			"[198.51.100.25]");
		return false;
	}
	if (n->type != Y_SEQ) {
		reader_error(r, n, "shape", path, "want a list: [%s]",
			n->type == Y_SCALAR ? n->text : "...");
		return false;
	}
	if (n->n == 0 && (row->flags & SR_REQUIRED) != 0) {
		reader_error(r, n, "shape", path, "the list is empty");
		return false;
	}
	one.flags &= ~(unsigned)SR_LIST;
	v->items = arena_get(r->a, (n->n + 1) * sizeof *v->items);
	if (v->items == NULL)
		return false;
	for (const struct ynode *c = n->child; c != NULL; c = c->next, i++) {
		const char *at = arena_fmt(r->a, "%s.%zu", path, i + 1);

		if (!read_value(r, &one, c, at != NULL ? at : path, &v->items[v->n]))
			continue;
		v->n++;
		refuse_twice(r, row, c, at != NULL ? at : path, v);
	}
	return v->given = true;
}

static bool
read_table(struct reader *r, const struct schema_row *row, const struct ynode *n, const char *path,
	struct cval *v)
{
	v->at = n->at;
	v->written = true;
	if (n->type != Y_MAP) {
		reader_error(r, n, "shape", path, "want a mapping of names to mappings");
		return false;
	}
	v->items = arena_get(r->a, (n->n + 1) * sizeof *v->items);
	if (v->items == NULL)
		return false;
	for (const struct ynode *c = n->child; c != NULL; c = c->next) {
		struct cval *item = &v->items[v->n];
		const char *at = join(r, path, c->key);

		if (!value_name_ok(c->key)) {
			reader_error(r, c, "value", at,
				"\"%s\" is no name: want a-z, 0-9 and -, beginning with a letter, "
				"at most 63",
				c->key);
			continue;
		}
		item->map = cfg_read(r, c, row->sub, NULL, at);
		item->at = c->at;
		item->name = c->key;
		item->given = item->map != NULL;
		v->n += item->given;
	}
	return v->given = true;
}

static bool
read_value(struct reader *r, const struct schema_row *row, const struct ynode *n, const char *path,
	struct cval *v)
{
	if ((row->flags & SR_UNBUILT) != 0) {
		findings_add(r->f, FIND_ERROR, n->overlay ? r->overlay_file : r->file,
			n->overlay ? n->at : n->key_at, "unbuilt", path,
			"known, but not built yet; leave it out");
		return false;
	}
	if (n->overlay && row->type != V_DURATION) {
		reader_error(r, n, "overlay", path,
			"an overlay replaces durations only; this is %s",
			value_type_name(row->type));
		return false;
	}
	if ((row->flags & SR_LIST) != 0 && row->type != V_ANYMAP)
		return read_list(r, row, n, path, v);
	switch (row->type) {
	case V_MAP:
		v->at = n->at;
		v->written = true;
		v->map = cfg_read(r, n, row->sub, NULL, path);
		return v->given = v->map != NULL;
	case V_TABLE:
		return read_table(r, row, n, path, v);
	case V_ANYMAP:
		v->at = n->at;
		v->written = true;
		v->node = n;
		return v->given = true;
	default:
		return value_read(r, row, n, path, v);
	}
}

static void
unknown_key(struct reader *r, const struct cfg *c, const struct ynode *n, const char *path)
{
	const char *words[128], *near;
	char list[600] = "";
	size_t k = 0;

	for (int t = 0; t < CFG_TABLES; t++)
		for (const struct schema_row *row = c->table[t];
			row != NULL && row->key != NULL && k < 128; row++)
			if ((row->flags & SR_UNBUILT) == 0)
				words[k++] = row->key;
	near = text_nearest(n->key, words, k);
	for (size_t i = 0; i < k && strlen(list) < 500; i++)
		(void)snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s",
			i > 0 ? ", " : "", words[i]);
	findings_add(r->f, FIND_ERROR, n->overlay ? r->overlay_file : r->file,
		n->overlay ? n->at : n->key_at, "shape", path,
		near != NULL ? "unknown key \"%s\"; did you mean \"%s\"?"
			     : "unknown key \"%s\"; known here: %s",
		n->key, near != NULL ? near : list);
}

/* Defaults, and what is required and not there. */
static void
complete(struct reader *r, struct cfg *c, const struct ynode *n, const char *path)
{
	size_t at = 0;

	for (int t = 0; t < CFG_TABLES; t++) {
		for (const struct schema_row *row = c->table[t]; row != NULL && row->key != NULL;
			row++, at++) {
			struct cval *v = &c->val[at];

			if (v->written)
				continue;
			if ((row->flags & SR_REQUIRED) != 0)
				findings_add(r->f, FIND_ERROR, r->file, n->at, "shape", path,
					"\"%s\" is missing; want %s%s", row->key,
					(row->flags & SR_LIST) != 0 ? "a list of: " : "",
					row->type == V_ENUM ? row->words
							    : value_type_name(row->type));
			else if (row->def != NULL && value_parse(r->a, row, row->def, v) != NULL)
				assert(row->def == NULL); /* its own row refuses the default */
			v->at = n->at;
		}
	}
}

struct cfg *
cfg_read(struct reader *r, const struct ynode *n, const struct schema_row *common,
	const struct schema_row *own, const char *path)
{
	struct cfg *c = arena_get(r->a, sizeof *c);

	if (c == NULL)
		return NULL;
	c->table[0] = common;
	c->table[1] = own;
	c->at = n->at;
	c->val = arena_get(r->a, (table_len(common) + table_len(own) + 1) * sizeof *c->val);
	if (c->val == NULL)
		return NULL;
	if (n->type != Y_MAP) {
		reader_error(r, n, "shape", path, "want a mapping, not %s",
			n->type == Y_SEQ ? "a list" : "a single value");
		return NULL;
	}
	for (const struct ynode *k = n->child; k != NULL; k = k->next) {
		const struct schema_row *row;
		size_t i = row_index(c, k->key, &row);
		const char *at = join(r, path, k->key);

		if (i == SIZE_MAX) {
			unknown_key(r, c, k, at);
			continue;
		}
		if (c->val[i].written)
			continue; /* twice: the composer has said so */
		if (!read_value(r, row, k, at, &c->val[i]))
			c->val[i].written = true; /* said once; not "missing" too */
	}
	complete(r, c, n, path);
	return c;
}

/* --- getters --- */

const struct cval *
cfg_val(const struct cfg *c, const char *key)
{
	const struct schema_row *row = NULL;
	size_t i = row_index(c, key, &row);

	assert(i != SIZE_MAX && "a key without a row");
	return &c->val[i];
}

const struct schema_row *
cfg_row(const struct cfg *c, const char *key)
{
	const struct schema_row *row = NULL;

	return row_index(c, key, &row) != SIZE_MAX ? row : NULL;
}

int
cfg_has(const struct cfg *c, const char *key)
{
	return cfg_val(c, key)->given;
}

const char *
cfg_str(const struct cfg *c, const char *key)
{
	const struct cval *v = cfg_val(c, key);

	return v->given ? v->s : NULL;
}

int64_t
cfg_int(const struct cfg *c, const char *key)
{
	return cfg_val(c, key)->i;
}

struct rate
cfg_rate(const struct cfg *c, const char *key)
{
	return cfg_val(c, key)->rate;
}

struct secret_ref
cfg_secret(const struct cfg *c, const char *key)
{
	return cfg_val(c, key)->secret;
}

const struct cfg *
cfg_map(const struct cfg *c, const char *key)
{
	return cfg_val(c, key)->map;
}

size_t
cfg_len(const struct cfg *c, const char *key)
{
	return cfg_val(c, key)->n;
}

static const struct cval *
item(const struct cfg *c, const char *key, size_t i)
{
	const struct cval *v = cfg_val(c, key);

	return i < v->n ? &v->items[i] : NULL;
}

const char *
cfg_str_at(const struct cfg *c, const char *key, size_t i)
{
	const struct cval *v = item(c, key, i);

	return v != NULL ? v->s : NULL;
}

int64_t
cfg_int_at(const struct cfg *c, const char *key, size_t i)
{
	const struct cval *v = item(c, key, i);

	return v != NULL ? v->i : 0;
}

const struct cfg *
cfg_map_at(const struct cfg *c, const char *key, size_t i)
{
	const struct cval *v = item(c, key, i);

	return v != NULL ? v->map : NULL;
}

const char *
cfg_name_at(const struct cfg *c, const char *key, size_t i)
{
	const struct cval *v = item(c, key, i);

	return v != NULL ? v->name : NULL;
}

struct place
cfg_place(const struct cfg *c, const char *key)
{
	return key != NULL ? cfg_val(c, key)->at : c->at;
}
