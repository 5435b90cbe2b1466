/*
 * mem.h - where memory comes from. base, mail, config and core never call malloc themselves:
 * they get a struct mem, so that a test can fail the n-th allocation and the core stays pure.
 */
#ifndef FERRYMAN_BASE_MEM_H
#define FERRYMAN_BASE_MEM_H

#include <stddef.h>

struct mem {
	/* Like realloc(3): p NULL allocates, n 0 frees and returns NULL. Returns NULL when out of
	 * memory. */
	void *(*resize)(void *ctx, void *p, size_t n);
	void *ctx;
};

static inline void *
mem_get(const struct mem *m, size_t n)
{
	return m->resize(m->ctx, NULL, n);
}

static inline void
mem_put(const struct mem *m, void *p)
{
	if (p != NULL)
		(void)m->resize(m->ctx, p, 0);
}

#endif
