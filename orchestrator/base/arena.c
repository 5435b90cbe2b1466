/* arena.c - memory that is freed as a whole. */
#include "base/arena.h"

#include <stdint.h>
#include <string.h>

enum { BLOCK = 16 * 1024, ALIGN = 16 };

struct block {
	struct block *next;
	size_t used, size; /* of the bytes behind this header */
};

/* The header is rounded up so that the bytes behind it are aligned. */
enum { HEAD = (sizeof(struct block) + ALIGN - 1) / ALIGN * ALIGN };

struct arena {
	struct mem mem;
	struct block *first;
	size_t used, max;
	bool failed;
};

struct arena *
arena_new(const struct mem *mem, size_t max)
{
	struct arena *a = mem_get(mem, sizeof *a);

	if (a != NULL)
		*a = (struct arena){ .mem = *mem, .max = max };
	return a;
}

void
arena_free(struct arena **a)
{
	struct arena *dead = *a;
	struct mem mem;

	if (dead == NULL)
		return;
	*a = NULL;
	mem = dead->mem;
	for (struct block *b = dead->first, *next; b != NULL; b = next) {
		next = b->next;
		mem_put(&mem, b);
	}
	mem_put(&mem, dead);
}

static struct block *
block_new(struct arena *a, size_t n)
{
	size_t size = n > BLOCK ? n : BLOCK;
	struct block *b = mem_get(&a->mem, HEAD + size);

	if (b == NULL)
		return NULL;
	*b = (struct block){ .size = size };
	if (n > BLOCK && a->first != NULL) { /* keep filling the block in use */
		b->next = a->first->next;
		a->first->next = b;
	} else {
		b->next = a->first;
		a->first = b;
	}
	return b;
}

void *
arena_get(struct arena *a, size_t n)
{
	size_t need = (n + ALIGN - 1) / ALIGN * ALIGN;
	struct block *b = a->first;
	char *p;

	if (a->failed || need < n || need > a->max - a->used) {
		a->failed = true;
		return NULL;
	}
	if (b == NULL || need > b->size - b->used)
		b = block_new(a, need);
	if (b == NULL) {
		a->failed = true;
		return NULL;
	}
	p = (char *)b + HEAD + b->used;
	b->used += need;
	a->used += need;
	memset(p, 0, need);
	return p;
}

bool
arena_failed(const struct arena *a)
{
	return a->failed;
}

size_t
arena_used(const struct arena *a)
{
	return a->used;
}

/* The size stands in front, for a later resize to copy from. */
void *
arena_resize(void *arena, void *p, size_t n)
{
	char *more;
	size_t old = 0;

	if (n == 0 || n > SIZE_MAX - ALIGN)
		return NULL;
	more = arena_get(arena, n + ALIGN);
	if (more == NULL)
		return NULL;
	memcpy(more, &n, sizeof n);
	if (p != NULL) {
		memcpy(&old, (char *)p - ALIGN, sizeof old);
		memcpy(more + ALIGN, p, old < n ? old : n);
	}
	return more + ALIGN;
}
