/* trace.c - what happened, in lines without wall time or pointers: the last ones are kept, all are
 * hashed. */
#include "sim/sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
trace_add(struct sim *s, const char *fmt, ...)
{
	struct trace *t = &s->trace;
	char *line = t->line[t->n++ % TRACE_LINES];
	uint64_t word;
	va_list ap;
	int n = snprintf(line, TRACE_LINE, "%9lld.%03lld ", (long long)(s->now / 1000),
		(long long)(s->now % 1000));

	va_start(ap, fmt);
	(void)vsnprintf(line + n, TRACE_LINE - (size_t)n, fmt, ap);
	va_end(ap);
	for (char *c = line; (c = strchr(c, '\n')) != NULL;)
		*c = '|';
	for (const char *c = line, *end = c + strlen(c); c < end; c += sizeof word) {
		word = 0; /* eight bytes at once, as they stand in a little machine */
		memcpy(&word, c, (size_t)(end - c) < sizeof word ? (size_t)(end - c) : sizeof word);
		t->hash = (t->hash ^ word) * 0x9e3779b97f4a7c15u;
		t->hash ^= t->hash >> 29;
	}
	if (t->print)
		puts(line);
}

void
trace_tail(const struct trace *t, size_t lines)
{
	uint64_t from = t->n > lines ? t->n - lines : 0;

	if (lines > TRACE_LINES)
		from = t->n > TRACE_LINES ? t->n - TRACE_LINES : 0;
	for (uint64_t i = from; i < t->n; i++)
		printf("     %s\n", t->line[i % TRACE_LINES]);
}
