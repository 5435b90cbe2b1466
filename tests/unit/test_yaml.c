/* test_yaml.c - YAML to a tree with places, and everything that is refused before a row is asked.
 */
#include "config/findings.h"
#include "config/yaml.h"
#include "lib/check.h"
#include "os/stdmem.h"

#include <stdlib.h>
#include <time.h>

enum { ARENA = 64 * 1024 * 1024 };

struct read {
	struct arena *a;
	struct findings *f;
	struct ynode *root;
};

static struct read
parsed(const char *text, size_t n)
{
	struct read r = { .a = arena_new(&stdmem, ARENA), .f = findings_new(&stdmem) };

	r.root = yaml_tree_read(r.a, "t", text, n, r.f);
	return r;
}

static void
dropped(struct read *r)
{
	arena_free(&r->a);
	findings_free(&r->f);
}

static const struct {
	const char *name, *text; /* bad */
	int line, col;
	const char *why;
	const char *twin; /* good */
} rows[] = {
	{ "an anchor", "a: &x 1\n", 1, 4, "anchor", "a: \"&x 1\"\n" },
	{ "an alias", "a: 1\nb: *x\n", 2, 4, "alias", "a: 1\nb: \"*x\"\n" },
	{ "a tag", "a: !!str 1\n", 1, 4, "tag", "a: \"!!str 1\"\n" },
	{ "a tag of its own", "a: !secret x\n", 1, 4, "tag", "a: x\n" },
	{ "a merge key", "a:\n  <<: {b: 1}\n", 2, 3, "merge key", "a:\n  b: 1\n" },
	{ "a key twice", "a: 1\nb: 2\na: 3\n", 3, 1, "line 1", "a: 1\nb: 2\nc: 3\n" },
	{ "a key twice in flow style", "x: {a: 1, a: 2}\n", 1, 11, "line 1", "x: {a: 1, b: 2}\n" },
	{ "a key twice in other quotes", "a: 1\n\"a\": 2\n", 2, 1, "line 1", "a: 1\n\"A\": 2\n" },
	{ "a key that is a list", "[1, 2]: x\n", 1, 1, "key must be plain", "k: [1, 2]\n" },
	{ "two documents", "a: 1\n---\nb: 2\n", 2, 1, "document", "---\na: 1\n" },
	{ "a control character in quotes", "a: \"x\\u0007y\"\n", 1, 4, "control",
		"a: \"x\\ty\"\n" },
	{ "a NUL by its escape", "a: \"x\\0y\"\n", 1, 4, "NUL", "a: \"x0y\"\n" },
	{ "text that turns round", "a: \"x\\u202ey\"\n", 1, 4, "direction", "a: \"x\xc3\xbcy\"\n" },
	{ "text that turns round, written out", "a: x\xe2\x80\xaey\n", 1, 5, "direction",
		"a: x\xe2\x80\xa6y\n" },
	{ "an isolate", "a: \"x\\u2066y\"\n", 1, 4, "direction", "a: \"x\\u2060y\"\n" },
	{ "bytes that are no UTF-8", "a: \xff\xfe\n", 1, 4, "UTF-8", "a: \xc3\xbf\n" },
	{ "an overlong form", "a: \xc0\xaf\n", 1, 4, "UTF-8", "a: /\n" },
	{ "a tab as indentation", "a:\n\tb: 1\n", 2, 1, "not readable", "a:\n  b: 1\n" },
	{ "a bracket left open", "a: [1, 2\n", 2, 1, "not readable", "a: [1, 2]\n" },
	{ "nothing", "", 1, 1, "empty", "a: 1\n" },
	{ "comments only", "# nothing\n", 1, 1, "empty", "# something\na: 1\n" },
};

static void
one(size_t i)
{
	struct read r = parsed(rows[i].text, strlen(rows[i].text));
	bool found = false;

	for (size_t k = 0; k < findings_n(r.f); k++) {
		const struct finding *f = findings_at(r.f, k);

		found = found || (strstr(f->text, rows[i].why) != NULL &&
					 f->at.line == rows[i].line && f->at.col == rows[i].col);
	}
	if (!found || findings_errors(r.f) == 0) {
		printf("FAIL %s: wanted %d:%d ...%s..., got\n", rows[i].name, rows[i].line,
			rows[i].col, rows[i].why);
		for (size_t k = 0; k < findings_n(r.f); k++)
			printf("     %d:%d %s\n", findings_at(r.f, k)->at.line,
				findings_at(r.f, k)->at.col, findings_at(r.f, k)->text);
		check_state.faults++;
	}
	dropped(&r);
	r = parsed(rows[i].twin, strlen(rows[i].twin));
	if (r.root == NULL || findings_n(r.f) > 0) {
		printf("FAIL %s: its twin: %s\n", rows[i].name,
			findings_n(r.f) > 0 ? findings_at(r.f, 0)->text : "no tree");
		check_state.faults++;
	}
	dropped(&r);
}

static void
all_that_can_be_told_apart_is_told_at_once(void)
{
	static const char text[] = "a: &x 1\nb: *x\nc: !t 2\na: 3\n";
	struct read r = parsed(text, strlen(text));

	CHECK_INT(findings_errors(r.f), 4);
	dropped(&r);
}

static void
places_are_those_of_the_text(void)
{
	static const char text[] =
		"# head\nouter:\n  inner: [x, \"y\"]\n  'k.e.y': |\n    two\n    lines\n";
	struct read r = parsed(text, strlen(text));
	const struct ynode *outer = r.root != NULL ? r.root->child : NULL, *inner;

	CHECK(outer != NULL);
	if (outer != NULL) {
		inner = outer->child;
		CHECK_STR(outer->key, "outer");
		CHECK(outer->key_at.line == 2 && outer->key_at.col == 1);
		CHECK(inner->key_at.line == 3 && inner->key_at.col == 3 && inner->at.col == 10);
		CHECK(inner->n == 2 && inner->child->plain && !inner->child->next->plain);
		CHECK(inner->child->next->at.col == 14);
		CHECK_STR(inner->next->key, "k.e.y");
		CHECK_STR(inner->next->text, "two\nlines\n");
	}
	dropped(&r);
}

static void
words_of_yaml_stay_text(void)
{
	static const char text[] = "a: NO\nb: 0o7\nc: 1:30\nd: ~\ne: 1e3\nf:\n";
	static const char *const want[] = { "NO", "0o7", "1:30", "~", "1e3", "" };
	struct read r = parsed(text, strlen(text));
	size_t i = 0;

	CHECK(r.root != NULL && r.root->n == 6);
	for (const struct ynode *c = r.root != NULL ? r.root->child : NULL; c != NULL; c = c->next)
		CHECK_STR(c->text, want[i++]);
	dropped(&r);
}

static char *
many(const char *unit, size_t times, size_t *ret_n)
{
	size_t one_n = strlen(unit);
	char *s = malloc(one_n * times + 1);

	*ret_n = one_n * times;
	for (size_t i = 0; s != NULL && i < times; i++)
		memcpy(s + i * one_n, unit, one_n);
	if (s != NULL)
		s[*ret_n] = '\0';
	return s;
}

static void
refused_as(const char *unit, size_t times, const char *why)
{
	size_t n;
	char *text = many(unit, times, &n);
	clock_t start = clock();
	struct read r = parsed(text, n);

	CHECK(r.root == NULL);
	CHECK(findings_n(r.f) > 0 &&
		strstr(findings_at(r.f, findings_n(r.f) - 1)->text, why) != NULL);
	/* libyaml alone takes 14 s for 100 kB of brackets; the limits stop it long before */
	CHECK(clock() - start < 2 * CLOCKS_PER_SEC);
	dropped(&r);
	free(text);
}

static void
size_depth_and_number_are_bounded(void)
{
	struct read r;
	size_t n;
	char *text;

	refused_as("[", 100000, "64 levels");
	refused_as("{a: ", 65, "64 levels");
	refused_as("- a\n", 20001, "20000 values");
	refused_as("- aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", 17000,
		"1 MiB");
	text = many("- a\n", 19999, &n); /* with the list itself: 20000 */
	r = parsed(text, n);
	CHECK(r.root != NULL && r.root->n == 19999);
	dropped(&r);
	free(text);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		check_state.name = rows[i].name;
		check_state.faults = 0;
		one(i);
		if (check_state.faults > 0)
			check_state.failed++;
		else
			check_state.passed++;
	}
	TEST(all_that_can_be_told_apart_is_told_at_once);
	TEST(places_are_those_of_the_text);
	TEST(words_of_yaml_stay_text);
	TEST(size_depth_and_number_are_bounded);
	return check_end();
}
