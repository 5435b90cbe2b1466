/*
 * events.c - what happened, for another program to follow (sim --seed K --events): one JSON object
 * a line. A record as it was written; which request left, and which one a target took; every change
 * of a value; lives, deaths, a journal that was put back.
 */
#include "base/json.h"
#include "sim/sim.h"

#include <stdio.h>

void
events_record(const struct sim *s, const char *text)
{
	if (s->trace.events)
		printf("{\"record\":%s}\n", text);
}

void
events_request(const struct sim *s, const char *what, const struct request *r)
{
	if (s->trace.events)
		printf("{\"%s\":%llu}\n", what, (unsigned long long)r->lsn);
}

void
events_number(const struct sim *s, const char *what, uint64_t number)
{
	if (s->trace.events)
		printf("{\"%s\":%llu}\n", what, (unsigned long long)number);
}

void
events_value(const struct sim *s, const struct ftarget *t, const char *resource, const char *value,
	uint64_t lsn)
{
	struct buf b;
	struct jw w;

	if (!s->trace.events)
		return;
	buf_init(&b, &stdmem, 1 << 16);
	jw_init(&w, &b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "domain", t->domain);
	jw_str(&w, "fence", t->class == FENCE_U ? "none" : t->eq ? "equal" : "high");
	jw_str(&w, "resource", resource);
	jw_str(&w, "value", value);
	jw_uint(&w, "lsn", lsn);
	jw_close(&w, '}');
	puts(buf_text(&b));
	buf_fini(&b);
}
