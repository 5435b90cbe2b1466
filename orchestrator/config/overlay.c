/*
 * overlay.c - durations that a second file replaces, for drills and tests: a mapping of key paths
 * to durations, e.g. `procedures.outbound.steps.2.wait.time.for: 5s`. Nothing else can be replaced,
 * and what was is printed.
 */
#include "base/buf.h"
#include "base/text.h"
#include "config/cfg.h"

#include <string.h>

enum { SAID_MAX = 256 * 1024 };

/* The member whose key begins rest and ends at a dot or at the end; the longest, for keys may have
 * dots. */
static struct ynode *
member(const struct ynode *n, const char *rest, size_t *ret_len)
{
	struct ynode *best = NULL;
	int64_t index;

	*ret_len = 0;
	if (n->type == Y_SEQ) {
		size_t len = strcspn(rest, ".");
		char digits[16];

		if (len == 0 || len >= sizeof digits)
			return NULL;
		memcpy(digits, rest, len);
		digits[len] = '\0';
		if (!num_int(digits, &index) || index < 1 || (size_t)index > n->n)
			return NULL;
		best = n->child;
		while (--index > 0)
			best = best->next;
		*ret_len = len;
		return best;
	}
	for (struct ynode *c = n->type == Y_MAP ? n->child : NULL; c != NULL; c = c->next) {
		size_t len = strlen(c->key);

		if (strncmp(c->key, rest, len) == 0 && (rest[len] == '.' || rest[len] == '\0') &&
			len > *ret_len) {
			best = c;
			*ret_len = len;
		}
	}
	return best;
}

static struct ynode *
insert(struct reader *r, struct ynode *map, const char *key, const struct ynode *from)
{
	struct ynode *c = arena_get(r->a, sizeof *c);
	struct ynode **end = &map->child;

	if (c == NULL)
		return NULL;
	*c = (struct ynode){ .type = Y_SCALAR,
		.at = from->at,
		.key_at = from->at,
		.key = key,
		.text = from->text,
		.overlay = true };
	while (*end != NULL)
		end = &(*end)->next;
	*end = c;
	map->n++;
	return c;
}

static void
apply_one(struct reader *r, struct ynode *root, const struct ynode *o, struct buf *said)
{
	struct ynode *at = root;
	const char *rest = o->key;
	size_t len;

	if (o->type != Y_SCALAR) {
		reader_error(r, o, "overlay", o->key,
			"want a duration, not a mapping or list; write the whole key path in one "
			"key");
		return;
	}
	for (;;) {
		struct ynode *next = member(at, rest, &len);

		if (next == NULL)
			break;
		if (rest[len] == '\0') {
			if (next->type != Y_SCALAR)
				reader_error(r, o, "overlay", o->key, "this is no duration");
			else
				buf_fmt(said, "  %s: %s -> %s\n", o->key, next->text, o->text);
			next->text = next->type == Y_SCALAR ? o->text : next->text;
			next->at = next->type == Y_SCALAR ? o->at : next->at;
			next->overlay = true;
			return;
		}
		at = next;
		rest += len + 1;
	}
	/* A key that the playbook leaves to its default: put in, and judged with the others by its
	 * row. */
	if (at != root && at->type == Y_MAP && strchr(rest, '.') == NULL) {
		if (insert(r, at, rest, o) != NULL)
			buf_fmt(said, "  %s: (default) -> %s\n", o->key, o->text);
		return;
	}
	reader_error(r, o, "overlay", o->key,
		"the playbook has no such key (nothing is known from \"%s\" on)", rest);
}

void
overlay_apply(struct reader *r, struct ynode *root, const char *file, const char *text, size_t n,
	const char **ret_said)
{
	struct ynode *o;
	struct buf said;

	r->overlay_file = file;
	*ret_said = "";
	o = yaml_tree_read(r->a, file, text, n, r->f);
	if (o == NULL)
		return;
	o->overlay = true;
	if (o->type != Y_MAP) {
		reader_error(
			r, o, "overlay", "", "an overlay is a mapping of key paths to durations");
		return;
	}
	buf_init(&said, r->mem, SAID_MAX);
	for (struct ynode *c = o->child; c != NULL; c = c->next) {
		c->overlay = true;
		apply_one(r, root, c, &said);
	}
	*ret_said = arena_str(r->a, buf_text(&said));
	buf_fini(&said);
}
