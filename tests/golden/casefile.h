/*
 * casefile.h - golden tables as text: a file holds cases, a case holds lines, a line holds words.
 * What the words mean is not known here. The format is told in tests/README.md.
 */
#ifndef FERRYMAN_TESTS_CASEFILE_H
#define FERRYMAN_TESTS_CASEFILE_H

#include <stdbool.h>
#include <stddef.h>

enum { LINE_WORDS = 32 };

struct cline {
	int no; /* in the file, from 1 */
	size_t n;
	char *word[LINE_WORDS]; /* quotes taken off, escapes undone */
	size_t len[LINE_WORDS]; /* a quoted word may hold NUL */
	const char *raw;	/* a line that begins with '|': its text behind "| "; then n is 0 */
};

struct gcase {
	const char *name; /* a sentence */
	const char *file, *dir;
	int no;
	struct cline *line;
	size_t lines_n;
};

/* cases_run - every case of a file, or of all *.cases of a folder in the order of their names.
 * Prints one line for each and the closing line that tests/run reads. Returns an exit code: 0 all
 * passed, 1 not, 2 no such thing. */
int cases_run(const char *path, void (*run)(const struct gcase *));

/* case_fault - the running case has failed; more than one may be said. */
void case_fault(const struct gcase *c, int no, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* case_file - the text of a file beside the case, or in tests/golden/playbooks; NULL: not there.
 * The caller frees. */
char *case_file(const struct gcase *c, const char *name, size_t *ret_len);

/* word_is - is the line's word i equal to s? */
bool word_is(const struct cline *l, size_t i, const char *s);
bool text_has(const char *text, const char *words); /* words are in it, letters' case apart */

#endif
