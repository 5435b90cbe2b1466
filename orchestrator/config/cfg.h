/*
 * cfg.h - a checked mapping and how it is read. Inside config/ only; base/schema.h declares the
 * getters.
 */
#ifndef FERRYMAN_CONFIG_CFG_H
#define FERRYMAN_CONFIG_CFG_H

#include "base/arena.h"
#include "base/num.h"
#include "base/schema.h"
#include "config/findings.h"
#include "config/yaml.h"

/* One value of a mapping. */
struct cval {
	bool given;   /* by the file or by the row's default */
	bool written; /* by the file */
	struct place at;
	const char *name; /* entry of a V_TABLE */
	const char *s;
	int64_t i;
	struct rate rate;
	struct secret_ref secret;
	struct cfg *map;
	struct cval *items; /* SR_LIST, V_TABLE */
	size_t n;
	const struct ynode *node; /* V_ANYMAP: taken apart by who asked for it */
};

enum { CFG_TABLES = 2 };

struct cfg {
	const struct schema_row *table[CFG_TABLES]; /* common rows, own rows */
	struct cval *val; /* one for each row, tables one after the other */
	struct place at;
};

/* What reading needs: where findings go and whose text it is. */
struct reader {
	const struct mem *mem;
	struct arena *a;
	struct findings *f;
	const char *file, *overlay_file;
};

void reader_error(struct reader *r, const struct ynode *n, const char *rule, const char *path,
	const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* cfg_read - a mapping by its tables; NULL only when it is no mapping (said) or memory ran out. */
struct cfg *cfg_read(struct reader *r, const struct ynode *n, const struct schema_row *common,
	const struct schema_row *own, const char *path);

const struct cval *cfg_val(
	const struct cfg *c, const char *key); /* asserts that the key has a row */

/* value_read - one scalar by its row; false = said. */
bool value_read(struct reader *r, const struct schema_row *row, const struct ynode *n,
	const char *path, struct cval *ret);
/* value_parse - text by a row's type, without place: used for defaults and limits too. NULL = ok,
 * else what was wanted. */
const char *value_parse(
	struct arena *a, const struct schema_row *row, const char *text, struct cval *ret);
const char *value_type_name(enum vtype t);
bool value_addr_ok(const char *s);
bool value_name_ok(const char *s);
bool value_domain(struct arena *a, const char *s, const char **ret); /* lower case, no final dot */

/* overlay_apply - put an overlay's durations into the tree; what it replaced as text for
 * playbook_overlay_put. */
void overlay_apply(struct reader *r, struct ynode *root, const char *file, const char *text,
	size_t n, const char **ret_said);

struct ynode *ynode_get(const struct ynode *map, const char *key);

#endif
