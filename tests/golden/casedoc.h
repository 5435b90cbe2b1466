/* casedoc.h - a playbook's text as a case has it: a good one from a file, edited. */
#ifndef FERRYMAN_TESTS_CASEDOC_H
#define FERRYMAN_TESTS_CASEDOC_H

#include "golden/casefile.h"

struct doc {
	char *text; /* NULL: nothing yet */
	size_t len;
};

void doc_put(struct doc *d, const char *p, size_t n);
void doc_free(struct doc *d);

/* doc_find - where s is; NULL, and a fault of the case, when it is nowhere or in two places. */
char *doc_find(
	const struct gcase *c, const struct cline *l, const struct doc *d, const char *s, size_t n);

/* doc_edit - `replace "A" with "B"`, `append "B"` or `repeat N "B"`; the words from i on. */
void doc_edit(const struct gcase *c, const struct cline *l, size_t i, struct doc *d);

#endif
