/* stdmem.c - the machine's allocator as a struct mem. */
#include "os/stdmem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *
resize(void *ctx, void *p, size_t n)
{
	(void)ctx;
	if (n == 0) {
		free(p);
		return NULL;
	}
	return realloc(p, n);
}

const struct mem stdmem = { .resize = resize };

_Noreturn void
stdmem_out(void)
{
	(void)fputs("ferryman: out of memory\n", stderr);
	_exit(1);
}

static void *
resize_surely(void *ctx, void *p, size_t n)
{
	void *q = resize(ctx, p, n);

	if (q == NULL && n > 0)
		stdmem_out();
	return q;
}

const struct mem stdmem_sure = { .resize = resize_surely };

void *
stdmem_get(size_t n)
{
	void *p = calloc(1, n > 0 ? n : 1);

	if (p == NULL)
		stdmem_out();
	return p;
}

char *
stdmem_str(const char *s)
{
	char *p = s != NULL ? strdup(s) : NULL;

	if (s != NULL && p == NULL)
		stdmem_out();
	return p;
}
