/*
 * strict_arena.c - base/arena.h with one allocation for each request, so that AddressSanitizer sees
 * a step over the end of any of them, and tests/crash/core_memory.c lets any of them fail.
 */
#include "base/arena.h"

#include <stdint.h>
#include <string.h>

extern const bool arena_is_strict;
const bool arena_is_strict = true; /* a program may ask whether this one is linked */

struct piece {
	struct piece *next;
	size_t n;
	_Alignas(16) char bytes[];
};

struct arena {
	struct mem mem;
	struct piece *first;
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

	*a = NULL;
	if (dead == NULL)
		return;
	for (struct piece *p = dead->first, *next; p != NULL; p = next) {
		next = p->next;
		mem_put(&dead->mem, p);
	}
	mem_put(&(struct mem){ dead->mem.resize, dead->mem.ctx }, dead);
}

void *
arena_get(struct arena *a, size_t n)
{
	struct piece *p = NULL;

	if (!a->failed && n <= a->max - a->used)
		p = mem_get(&a->mem, sizeof *p + n);
	if (p == NULL) {
		a->failed = true;
		return NULL;
	}
	*p = (struct piece){ .next = a->first, .n = n };
	memset(p->bytes, 0, n);
	a->first = p;
	a->used += n;
	return p->bytes;
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

void *
arena_resize(void *arena, void *p, size_t n)
{
	struct arena *a = arena;
	char *more = n > 0 ? arena_get(a, n) : NULL;

	for (struct piece *old = a->first; p != NULL && more != NULL; old = old->next) {
		if (old->bytes != p)
			continue;
		memcpy(more, p, old->n < n ? old->n : n);
		break;
	}
	return more;
}
