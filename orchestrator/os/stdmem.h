/* stdmem.h - the machine's allocator as a struct mem. */
#ifndef FERRYMAN_OS_STDMEM_H
#define FERRYMAN_OS_STDMEM_H

#include "base/mem.h"

extern const struct mem stdmem;
/* stdmem_sure - the same, but it never gives NULL: it ends the process by stdmem_out. For whoever
 * would take a lack of memory for something else. */
extern const struct mem stdmem_sure;

/* stdmem_out - memory is out: the process ends with a sentence and exit code 1. No core file is
 * left (secrets are in memory), nothing is written any more: the journal is whole at each moment.
 */
_Noreturn void stdmem_out(void);
/* xmalloc family for the shell and the faces: they end the process by stdmem_out. */
__attribute__((returns_nonnull)) void *stdmem_get(size_t n); /* zeroed */
char *stdmem_str(const char *s);

#endif
