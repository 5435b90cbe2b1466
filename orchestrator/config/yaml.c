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
	bool partial; /* values are missing (an alias, a merge key): what the rows said of it would
			 mislead */
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
		c->partial = true;
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
 * and isolates (U+202A.., U+2066..), a byte order mark that is not the first character. */
static bool
odd(uint32_t u, bool first)
{
	if (u < 0x20)
		return u != '\t' && u != '\n' && u != '\r';
	return (u >= 0x7f && u <= 0x9f) || (u >= 0x202a && u <= 0x202e) ||
	       (u >= 0x2066 && u <= 0x2069) || (u == 0xfeff && !first);
}

/* The character at p of valid UTF-8; *ret_n its bytes. */
static uint32_t
character(const unsigned char *p, size_t *ret_n)
{
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	uint32_t u = n == 1 ? p[0] : p[0] & (0x7fu >> n);

	for (size_t i = 1; i < n; i++)
		u = u << 6 | (p[i] & 0x3f);
	*ret_n = n;
	return u;
}

/* Bytes before the first odd character; n if there is none. */
static size_t
odd_at(const char *s, size_t n, uint32_t *ret)
{
	for (size_t i = 0, k; i < n; i += k) {
		*ret = character((const unsigned char *)s + i, &k);
		if (odd(*ret, i == 0))
			return i;
	}
	return n;
}

static void
refuse_odd(struct composer *c, struct place at, uint32_t u)
{
	findings_add(c->f, FIND_ERROR, c->file, at, "shape", "",
		"the character U+%04X is not allowed: %s", (unsigned)u,
		u > 0x9f ? "it is not seen, or reverses the direction of text, so that a playbook "
			   "reads other than it is"
			 : "it is a control character");
	c->bad = true;
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
	uint32_t u;

	if (node == NULL)
		return NULL;
	/* An escape in quotes can still make what the text itself must not hold. */
	if (memchr(text, 0, n) != NULL || !text_utf8_ok(text, n))
		wrong(c, node->at, "the value holds a NUL or is not UTF-8");
	else if (odd_at(text, n, &u) < n)
		refuse_odd(c, node->at, u);
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
	if (strcmp(key->text, "<<") == 0) {
		c->partial = true;
		wrong(c, key->at, "a merge key (<<) is not allowed: write the values out");
	}
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
		if (text[i] == '\n')
			at = (struct place){ at.line + 1, 1 };
		else if (((unsigned char)text[i] & 0xc0) != 0x80) /* a column is a character */
			at.col++;
	}
	return at;
}

/* Length of the longest head that is UTF-8. */
static size_t
utf8_head(const char *text, size_t n)
{
	size_t i = 0, k = 1;

	while (i < n && k <= 4 && k <= n - i) {
		if (text_utf8_ok(text + i, k)) {
			i += k;
			k = 1;
		} else {
			k++;
		}
	}
	return i;
}

static bool
text_acceptable(struct composer *c, const char *text, size_t n)
{
	const char *nul = memchr(text, 0, n);
	uint32_t u;
	size_t at;

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
		wrong(c, place_at(text, utf8_head(text, n)),
			"this byte is not UTF-8: save the file as UTF-8");
		return false;
	}
	at = odd_at(text, n, &u);
	if (at < n)
		refuse_odd(c, place_at(text, at), u);
	return at == n;
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
	return root == NULL || c.stopped || c.partial ? NULL : root;
}
