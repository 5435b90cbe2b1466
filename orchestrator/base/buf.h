/*
 * buf.h - a growing byte string with a stated maximum.
 *
 * Failure latches: after the first allocation that fails or the first byte past the maximum,
 * further calls do nothing and buf_failed says so. Test it once, at the end. The content is always
 * NUL-terminated.
 */
#ifndef FERRYMAN_BASE_BUF_H
#define FERRYMAN_BASE_BUF_H

#include "base/mem.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	const struct mem *mem;
	char *data; /* NULL until the first byte; use buf_text */
	size_t len;
	size_t cap;
	size_t max; /* bytes without the final NUL */
	bool failed;
};

void buf_init(struct buf *b, const struct mem *mem, size_t max);
void buf_fini(struct buf *b);  /* NULL-safe; b can be used again after buf_init */
void buf_reset(struct buf *b); /* empty, keeps the memory, clears failed */

void buf_add(struct buf *b, const void *p, size_t n);
void buf_str(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_fmt(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vfmt(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
void buf_u64(struct buf *b, uint64_t v);
void buf_i64(struct buf *b, int64_t v);

/* buf_text - the content, NUL-terminated, "" when empty. Valid until the next call on b. */
const char *buf_text(const struct buf *b);
static inline bool
buf_failed(const struct buf *b)
{
	return b->failed;
}

#endif
