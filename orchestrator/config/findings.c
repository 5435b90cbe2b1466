/* findings.c - what a check of a playbook found. */
#include "config/findings.h"

#include "base/arena.h"

#include <stdio.h>
#include <string.h>

enum { FINDINGS_MAX = 2000, FINDING_TEXT = 1024, FINDINGS_BYTES = 4 * 1024 * 1024 };

struct findings {
	struct mem mem;
	struct arena *a;
	struct finding *list;
	size_t n, cap, errors;
	bool failed;
};

struct findings *
findings_new(const struct mem *mem)
{
	struct findings *f = mem_get(mem, sizeof *f);

	if (f == NULL)
		return NULL;
	*f = (struct findings){ .mem = *mem, .a = arena_new(mem, FINDINGS_BYTES) };
	if (f->a == NULL) {
		mem_put(mem, f);
		return NULL;
	}
	return f;
}

void
findings_free(struct findings **pf)
{
	struct findings *f = *pf;
	struct mem mem;

	if (f == NULL)
		return;
	*pf = NULL;
	mem = f->mem;
	arena_free(&f->a);
	mem_put(&mem, f->list);
	mem_put(&mem, f);
}

static bool
room(struct findings *f)
{
	struct finding *more;
	size_t cap;

	if (f->n < f->cap)
		return true;
	cap = f->cap == 0 ? 32 : f->cap * 2;
	more = f->n < FINDINGS_MAX ? f->mem.resize(f->mem.ctx, f->list, cap * sizeof *more) : NULL;
	if (more == NULL) {
		f->failed = f->n < FINDINGS_MAX;
		return false;
	}
	f->list = more;
	f->cap = cap;
	return true;
}

void
findings_add(struct findings *f, enum finding_level level, const char *file, struct place at,
	const char *rule, const char *path, const char *fmt, ...)
{
	char text[FINDING_TEXT];
	va_list ap;

	f->errors += level == FIND_ERROR;
	if (!room(f))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	f->list[f->n++] = (struct finding){
		.level = level,
		.file = arena_str(f->a, file),
		.at = at,
		.rule = arena_str(f->a, rule),
		.path = arena_str(f->a, path != NULL ? path : ""), /* NULL: its arena is full */
		.text = arena_str(f->a, text),
	};
	if (arena_failed(f->a)) {
		f->n--;
		f->failed = true;
	}
}

static bool
later(const struct finding *a, const struct finding *b)
{
	if (a->at.line != b->at.line)
		return a->at.line > b->at.line;
	return a->at.col > b->at.col;
}

/* Insertion sort: stable, and the list is short and nearly sorted. */
void
findings_sort(struct findings *f)
{
	for (size_t i = 1; i < f->n; i++) {
		struct finding one = f->list[i];
		size_t k = i;

		for (; k > 0 && later(&f->list[k - 1], &one); k--)
			f->list[k] = f->list[k - 1];
		f->list[k] = one;
	}
}

bool
findings_failed(const struct findings *f)
{
	return f->failed;
}

size_t
findings_n(const struct findings *f)
{
	return f->n;
}

size_t
findings_errors(const struct findings *f)
{
	return f->errors;
}

const struct finding *
findings_at(const struct findings *f, size_t i)
{
	return i < f->n ? &f->list[i] : NULL;
}

void
finding_put(struct buf *b, const struct finding *f)
{
	buf_fmt(b, "%s:%d:%d: %s: ", f->file, f->at.line, f->at.col,
		f->level == FIND_ERROR ? "error" : "warning");
	if (f->path[0] != '\0')
		buf_fmt(b, "%s: ", f->path);
	buf_fmt(b, "%s [%s]", f->text, f->rule);
}
