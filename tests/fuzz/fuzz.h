/*
 * fuzz.h - what every fuzz target has: libFuzzer's entry point, and pieces of an input.
 *
 * A target names its parser in comments `parser: FILE [FUNCTION...]` (no function: the whole
 * file); tests/fuzz/reached counts the lines of those that the seeds reach.
 */
#ifndef FERRYMAN_TESTS_FUZZ_H
#define FERRYMAN_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The interface of libFuzzer; 0 always. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* fuzz_text - a heap copy of exactly n bytes and a NUL, so that one read too far is seen. Caller
 * frees. */
static inline char *
fuzz_text(const void *p, size_t n)
{
	char *s = malloc(n + 1);

	if (s == NULL)
		abort();
	if (n > 0)
		memcpy(s, p, n);
	s[n] = '\0';
	return s;
}

/* fuzz_line - the next line of *at (its newline cut) into *ret, *ret_n; false at the end. */
static inline int
fuzz_line(const char **at, const char *end, const char **ret, size_t *ret_n)
{
	const char *nl;

	if (*at >= end)
		return 0;
	nl = memchr(*at, '\n', (size_t)(end - *at));
	*ret = *at;
	*ret_n = (size_t)((nl != NULL ? nl : end) - *at);
	*at = nl != NULL ? nl + 1 : end;
	return 1;
}

#endif
