/* yaml.c - libyaml events to a tree with places. */
#include "config/yaml.h"

#include "base/text.h"
#include "config/findings.h"

#include <string.h>
#include <yaml.h>

struct composer {
	struct arena *a;
	const char *file;
	struct findings *f;
	yaml_parser_t parser;
	int depth;
	size_t nodes;
	bool stopped; /* the text cannot be read further */
	bool bad;
};

static void
wrong(struct composer *c, struct place at, const char *text)
{
	findings_add(c->f, FIND_ERROR, c->file, at, "shape", "", "%s", text);
	c->bad = true;
}

static void
stop(struct composer *c, struct place at, const char *text)
{
	if (!c->stopped)
		wrong(c, at, text);
	c->stopped = true;
}

static struct place
place_of(const yaml_event_t *e)
{
	return (struct place){ (int)e->start_mark.line + 1, (int)e->start_mark.column + 1 };
}

/* The next event; false when the parser gave up (said once). */
static bool
next_event(struct composer *c, yaml_event_t *e)
{
	struct place at;

	if (c->stopped)
		return false;
	if (yaml_parser_parse(&c->parser, e))
		return true;
	at = (struct place){ (int)c->parser.problem_mark.line + 1,
		(int)c->parser.problem_mark.column + 1 };
	if (c->parser.error == YAML_MEMORY_ERROR)
		stop(c, at, "out of memory while reading");
	else {
		findings_add(c->f, FIND_ERROR, c->file, at, "shape", "",
			"not readable as YAML: %s%s%s",
			c->parser.problem != NULL ? c->parser.problem : "?",
			c->parser.context != NULL ? ", " : "",
			c->parser.context != NULL ? c->parser.context : "");
		c->bad = c->stopped = true;
	}
	return false;
}

static void
refuse_marks(struct composer *c, const yaml_event_t *e)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;

	if (e->type == YAML_SCALAR_EVENT) {
		anchor = e->data.scalar.anchor;
		tag = e->data.scalar.tag;
	} else if (e->type == YAML_MAPPING_START_EVENT) {
		anchor = e->data.mapping_start.anchor;
		tag = e->data.mapping_start.tag;
	} else if (e->type == YAML_SEQUENCE_START_EVENT) {
		anchor = e->data.sequence_start.anchor;
		tag = e->data.sequence_start.tag;
	} else if (e->type == YAML_ALIAS_EVENT) {
		wrong(c, place_of(e),
			"an alias (*name) is not allowed: write the value out where it is used");
	}
	if (anchor != NULL)
		wrong(c, place_of(e),
			"an anchor (&name) is not allowed: write the value out where it is used");
	if (tag != NULL)
		wrong(c, place_of(e),
			"a tag (!name) is not allowed: types come from the key alone");
}

/* Characters that make a text look other than it is: C0 and C1 controls, bidirectional overrides
 * (U+202A.., U+2066..). */
static const char *
odd_character(const char *s, size_t n, bool lines)
{
	const unsigned char *p = (const unsigned char *)s;

	for (size_t i = 0; i < n; i++) {
		if ((p[i] < 0x20 && p[i] != '\t' && !(lines && p[i] == '\n')) || p[i] == 0x7f)
			return "a control character is not allowed here";
		if (p[i] == 0xc2 && i + 1 < n && p[i + 1] >= 0x80 && p[i + 1] <= 0x9f)
			return "a control character is not allowed here";
		if (p[i] == 0xe2 && i + 2 < n &&
			((p[i + 1] == 0x80 && p[i + 2] >= 0xaa && p[i + 2] <= 0xae) ||
				(p[i + 1] == 0x81 && p[i + 2] >= 0xa6 && p[i + 2] <= 0xa9)))
			return "a character that reverses the direction of text is not allowed: it "
			       "makes a "
			       "playbook read other than it is";
	}
	return NULL;
}

static struct ynode *
node_new(struct composer *c, enum ynode_type type, struct place at)
{
	struct ynode *n;

	if (++c->nodes > YAML_NODES_MAX) {
		stop(c, at, "more than 20000 values: a playbook is smaller; split it");
		return NULL;
	}
	n = arena_get(c->a, sizeof *n);
	if (n == NULL) {
		stop(c, at, "out of memory while reading");
		return NULL;
	}
	n->type = type;
	n->at = at;
	return n;
}

static struct ynode *
scalar(struct composer *c, const yaml_event_t *e)
{
	const char *text = (const char *)e->data.scalar.value;
	size_t n = e->data.scalar.length;
	struct ynode *node = node_new(c, Y_SCALAR, place_of(e));
	const char *odd;

	if (node == NULL)
		return NULL;
	if (memchr(text, 0, n) != NULL || !text_utf8_ok(text, n))
		wrong(c, node->at, "the value holds a NUL or is not UTF-8");
	else if ((odd = odd_character(text, n, true)) != NULL)
		wrong(c, node->at, odd);
	node->text = arena_strn(c->a, text, n);
	node->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	return node;
}

static struct ynode *compose(struct composer *c, yaml_event_t *e);

static void
add_child(struct ynode *parent, struct ynode **last, struct ynode *child)
{
	if (*last == NULL)
		parent->child = child;
	else
		(*last)->next = child;
	*last = child;
	parent->n++;
}

static void
check_key(struct composer *c, const struct ynode *map, const struct ynode *key)
{
	if (strcmp(key->text, "<<") == 0)
		wrong(c, key->at, "a merge key (<<) is not allowed: write the values out");
	for (const struct ynode *k = map->child; k != NULL; k = k->next) {
		if (strcmp(k->key, key->text) != 0)
			continue;
		findings_add(c->f, FIND_ERROR, c->file, key->at, "shape", "",
			"the key \"%s\" is already in line %d: remove one of the two", key->text,
			k->key_at.line);
		c->bad = true;
		return;
	}
}

static struct ynode *
mapping(struct composer *c, struct place at)
{
	struct ynode *map = node_new(c, Y_MAP, at), *last = NULL;
	yaml_event_t e;

	while (map != NULL && next_event(c, &e)) {
		struct ynode *key, *value;

		if (e.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&e);
			return map;
		}
		key = compose(c, &e);
		if (key == NULL)
			return NULL;
		if (key->type != Y_SCALAR) {
			wrong(c, key->at, "a key must be plain text");
			key->text = "";
		}
		if (!next_event(c, &e))
			return NULL;
		value = compose(c, &e);
		if (value == NULL)
			return NULL;
		check_key(c, map, key);
		value->key = key->text;
		value->key_at = key->at;
		add_child(map, &last, value);
	}
	return NULL;
}

static struct ynode *
sequence(struct composer *c, struct place at)
{
	struct ynode *seq = node_new(c, Y_SEQ, at), *last = NULL;
	yaml_event_t e;

	while (seq != NULL && next_event(c, &e)) {
		struct ynode *item;

		if (e.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&e);
			return seq;
		}
		item = compose(c, &e);
		if (item == NULL)
			return NULL;
		add_child(seq, &last, item);
	}
	return NULL;
}

/* Consumes e. */
static struct ynode *
compose(struct composer *c, yaml_event_t *e)
{
	struct place at = place_of(e);
	yaml_event_type_t type = e->type;
	struct ynode *n = NULL;

	refuse_marks(c, e);
	if (type == YAML_SCALAR_EVENT)
		n = scalar(c, e);
	else if (type == YAML_ALIAS_EVENT) {
		n = node_new(c, Y_SCALAR, at);
		if (n != NULL)
			n->text = "";
	}
	yaml_event_delete(e);
	if (type != YAML_MAPPING_START_EVENT && type != YAML_SEQUENCE_START_EVENT)
		return n;
	if (++c->depth > YAML_DEPTH_MAX)
		stop(c, at, "nested deeper than 64 levels");
	else
		n = type == YAML_MAPPING_START_EVENT ? mapping(c, at) : sequence(c, at);
	c->depth--;
	return n;
}

static struct ynode *
document(struct composer *c)
{
	struct ynode *root = NULL;
	yaml_event_t e;
	int documents = 0;

	while (next_event(c, &e)) {
		if (e.type == YAML_STREAM_END_EVENT) {
			yaml_event_delete(&e);
			break;
		}
		if (e.type == YAML_DOCUMENT_START_EVENT && ++documents > 1) {
			struct place at = place_of(&e);

			yaml_event_delete(&e);
			stop(c, at,
				"a second document (---) is not allowed: one file is one playbook");
			break;
		}
		if (e.type == YAML_STREAM_START_EVENT || e.type == YAML_DOCUMENT_START_EVENT ||
			e.type == YAML_DOCUMENT_END_EVENT)
			yaml_event_delete(&e);
		else if ((root = compose(c, &e)) == NULL)
			break;
	}
	return root;
}

static struct place
place_at(const char *text, size_t offset)
{
	struct place at = { 1, 1 };

	for (size_t i = 0; i < offset; i++) {
		at.col++;
		if (text[i] == '\n')
			at = (struct place){ at.line + 1, 1 };
	}
	return at;
}

static bool
text_acceptable(struct composer *c, const char *text, size_t n)
{
	const char *nul = memchr(text, 0, n);

	if (n > YAML_BYTES_MAX) {
		wrong(c, (struct place){ 1, 1 }, "larger than 1 MiB: this is no playbook");
		return false;
	}
	if (nul != NULL) {
		wrong(c, place_at(text, (size_t)(nul - text)), "a NUL byte: the file is not text");
		return false;
	}
	if (n >= 2 && ((unsigned char)text[0] == 0xff || (unsigned char)text[0] == 0xfe)) {
		wrong(c, (struct place){ 1, 1 }, "the file is UTF-16: save it as UTF-8");
		return false;
	}
	if (!text_utf8_ok(text, n)) {
		wrong(c, (struct place){ 1, 1 }, "the file is not UTF-8");
		return false;
	}
	return true;
}

struct ynode *
yaml_tree_read(struct arena *a, const char *file, const char *text, size_t n, struct findings *f)
{
	struct composer c = { .a = a, .file = file, .f = f };
	struct ynode *root;

	if (!text_acceptable(&c, text, n))
		return NULL;
	if (!yaml_parser_initialize(&c.parser)) {
		wrong(&c, (struct place){ 1, 1 }, "out of memory while reading");
		return NULL;
	}
	yaml_parser_set_encoding(&c.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&c.parser, (const unsigned char *)text, n);
	root = document(&c);
	yaml_parser_delete(&c.parser);
	if (root == NULL && !c.bad)
		wrong(&c, (struct place){ 1, 1 }, "the file is empty");
	return root == NULL || c.stopped ? NULL : root;
}
