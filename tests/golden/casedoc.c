/* casedoc.c - the text that a case speaks of, and its edits. */
#include "golden/casedoc.h"

#include "os/stdmem.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 2 << 20 };

void
doc_put(struct doc *d, const char *p, size_t n)
{
	if (d->text == NULL)
		d->text = stdmem_get(TEXT_MAX + 1);
	if (d->len + n > TEXT_MAX)
		abort();
	memcpy(d->text + d->len, p, n);
	d->len += n;
	d->text[d->len] = '\0';
}

char *
doc_find(const struct gcase *c, const struct cline *l, const struct doc *d, const char *s, size_t n)
{
	char *p = d->text != NULL ? memmem(d->text, d->len, s, n) : NULL;

	if (p == NULL) {
		case_fault(c, l->no, "the playbook has no \"%s\"", s);
		return NULL;
	}
	if (memmem(p + 1, d->len - (size_t)(p + 1 - d->text), s, n) != NULL) {
		case_fault(c, l->no, "the playbook has \"%s\" more than once", s);
		return NULL;
	}
	return p;
}

/* replace "A" with "B" | append "B" | repeat N "B"; words from i on. */
void
doc_edit(const struct gcase *c, const struct cline *l, size_t i, struct doc *d)
{
	char *p, *rest;
	size_t rest_n;

	if (word_is(l, i, "append") && l->n == i + 2) {
		doc_put(d, l->word[i + 1], l->len[i + 1]);
		return;
	}
	if (word_is(l, i, "repeat") && l->n == i + 3) {
		for (long k = strtol(l->word[i + 1], NULL, 10); k > 0; k--)
			doc_put(d, l->word[i + 2], l->len[i + 2]);
		return;
	}
	if (!word_is(l, i, "replace") || !word_is(l, i + 2, "with") || l->n != i + 4) {
		case_fault(c, l->no,
			"an edit is: replace \"A\" with \"B\", append \"B\", or repeat N \"B\"");
		return;
	}
	p = doc_find(c, l, d, l->word[i + 1], l->len[i + 1]);
	if (p == NULL)
		return;
	rest = p + l->len[i + 1];
	rest_n = d->len - (size_t)(rest - d->text);
	rest = memcpy(stdmem_get(rest_n + 1), rest, rest_n);
	d->len = (size_t)(p - d->text);
	doc_put(d, l->word[i + 3], l->len[i + 3]);
	doc_put(d, rest, rest_n);
	free(rest);
}

void
doc_free(struct doc *d)
{
	free(d->text);
	*d = (struct doc){ 0 };
}
