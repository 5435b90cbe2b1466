/*
 * check.h - the least a test program needs: named checks, skips with a reason, one closing line
 *that tests/run reads.
 *
 *	static void
 *	a_name(void) { CHECK(x == 1); CHECK_STR(got, "want"); }
 *	int main(void) { TEST(a_name); return check_end(); }
 *
 * A test passes when none of its checks failed. Names are sentences with underscores.
 */
#ifndef FERRYMAN_TESTS_CHECK_H
#define FERRYMAN_TESTS_CHECK_H

#include <stdio.h>
#include <string.h>

/* Writable state is allowed here: a test program is one thread and one file. */
static struct {
	const char *name;
	int faults, passed, failed, skipped;
} check_state;

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			printf("FAIL %s: %s:%d: %s\n", check_state.name, __FILE__, __LINE__,       \
				#cond);                                                            \
			check_state.faults++;                                                      \
		}                                                                                  \
	} while (0)

/* CHECK_NEVER - a place that no run should come to. */
#define CHECK_NEVER(why)                                                                           \
	do {                                                                                       \
		printf("FAIL %s: %s:%d: %s\n", check_state.name, __FILE__, __LINE__, why);         \
		check_state.faults++;                                                              \
	} while (0)

#define CHECK_STR(got, want)                                                                       \
	do {                                                                                       \
		const char *check_g = (got), *check_w = (want);                                    \
		if (check_g == NULL || check_w == NULL ? check_g != check_w                        \
						       : strcmp(check_g, check_w) != 0) {          \
			printf("FAIL %s: %s:%d: %s\n     got  %s\n     want %s\n",                 \
				check_state.name, __FILE__, __LINE__, #got,                        \
				check_g != NULL ? check_g : "(null)",                              \
				check_w != NULL ? check_w : "(null)");                             \
			check_state.faults++;                                                      \
		}                                                                                  \
	} while (0)

#define CHECK_INT(got, want)                                                                       \
	do {                                                                                       \
		long long check_g = (long long)(got), check_w = (long long)(want);                 \
		if (check_g != check_w) {                                                          \
			printf("FAIL %s: %s:%d: %s: got %lld, want %lld\n", check_state.name,      \
				__FILE__, __LINE__, #got, check_g, check_w);                       \
			check_state.faults++;                                                      \
		}                                                                                  \
	} while (0)

#define TEST(fn)                                                                                   \
	do {                                                                                       \
		check_state.name = #fn;                                                            \
		check_state.faults = 0;                                                            \
		fn();                                                                              \
		if (check_state.faults > 0)                                                        \
			check_state.failed++;                                                      \
		else                                                                               \
			check_state.passed++;                                                      \
		(void)fflush(stdout);                                                              \
	} while (0)

/* SKIP - a whole test, with its reason. */
#define SKIP(what, why)                                                                            \
	do {                                                                                       \
		printf("skipped: %s: %s\n", what, why);                                            \
		check_state.skipped++;                                                             \
	} while (0)

static inline int
check_end(void)
{
	printf("%d passed, %d failed, %d skipped\n", check_state.passed, check_state.failed,
		check_state.skipped);
	return check_state.failed > 0;
}

#endif
