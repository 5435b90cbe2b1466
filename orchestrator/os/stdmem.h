/* stdmem.h - the machine's allocator as a struct mem. */
#ifndef FERRYMAN_OS_STDMEM_H
#define FERRYMAN_OS_STDMEM_H

#include "base/mem.h"

extern const struct mem stdmem;

/* xmalloc family for the shell and the faces: they end the process with a sentence when memory is
 * out. */
__attribute__((returns_nonnull)) void *stdmem_get(size_t n); /* zeroed */
char *stdmem_str(const char *s);

#endif
