/*
 * arena.h - memory that is freed as a whole (a playbook, a plan, a fold).
 *
 * Nothing is freed alone. Allocations are zeroed and aligned for any type.
 */
#ifndef FERRYMAN_BASE_ARENA_H
#define FERRYMAN_BASE_ARENA_H

#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;

/* arena_new - max is the sum of all requests in bytes; NULL when out of memory. */
struct arena *arena_new(const struct mem *mem, size_t max);
void arena_free(struct arena **a); /* frees, nulls, NULL-safe */

/* arena_get - n zeroed bytes; NULL when out of memory or past max (then arena_failed is true for
 * good). */
void *arena_get(struct arena *a, size_t n);
char *arena_str(struct arena *a, const char *s);	    /* copy; NULL stays NULL */
char *arena_strn(struct arena *a, const char *s, size_t n); /* copy of n bytes + NUL */
char *arena_fmt(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool arena_failed(const struct arena *a);
size_t arena_used(const struct arena *a);

/* arena_resize - struct mem over an arena (ctx): buffers whose text lives as long as it. Freeing
 * does nothing. */
void *arena_resize(void *arena, void *p, size_t n);

#endif
