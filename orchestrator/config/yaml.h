/*
 * yaml.h - YAML text to a small tree that remembers line and column. libyaml parses, we compose.
 *
 * Refused with a place: anchors, aliases, tags, merge keys, duplicate keys, more than one document,
 * NUL, bad UTF-8, control and bidirectional-override characters, and anything over the limits. All
 * scalars stay text: what "NO" or "0o7" means is decided by the row that reads them, never by YAML.
 */
#ifndef FERRYMAN_CONFIG_YAML_H
#define FERRYMAN_CONFIG_YAML_H

#include "base/arena.h"
#include "base/err.h"
#include "base/schema.h"

#include <stdbool.h>

enum { YAML_BYTES_MAX = 1024 * 1024, YAML_DEPTH_MAX = 64, YAML_NODES_MAX = 20000 };

enum ynode_type { Y_SCALAR, Y_MAP, Y_SEQ };

struct ynode {
	enum ynode_type type;
	struct place at;
	struct place key_at; /* of the key, for members of a mapping */
	const char *key;     /* member of a mapping; else NULL */
	const char *text;    /* scalar */
	bool plain;	     /* scalar without quotes */
	bool overlay;	     /* put here by a durations overlay */
	struct ynode *child; /* first */
	struct ynode *next;  /* sibling */
	size_t n;	     /* children */
};

struct findings;

/*
 * yaml_tree_read - NULL when the text is refused; what is wrong is then in f (rule "shape"), one
 * finding for each fault that could be told apart. The tree lives in the arena.
 */
struct ynode *yaml_tree_read(
	struct arena *a, const char *file, const char *text, size_t n, struct findings *f);

#endif
