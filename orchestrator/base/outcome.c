/* outcome.c - names of the seven words. */
#include "base/conninfo.h"
#include "base/outcome.h"

#include <string.h>

static const char *const names[OUT_N] = {
	[OUT_DONE] = "DONE",
	[OUT_UNCHANGED] = "UNCHANGED",
	[OUT_RETRY] = "RETRY",
	[OUT_REFUSED] = "REFUSED",
	[OUT_CONFLICT] = "CONFLICT",
	[OUT_STALE] = "STALE",
	[OUT_UNKNOWN] = "UNKNOWN",
};

const char *
outcome_name(enum outcome o)
{
	return (unsigned)o < OUT_N ? names[o] : "?";
}

enum outcome
outcome_parse(const char *word)
{
	for (unsigned i = 0; i < OUT_N; i++)
		if (strcmp(word, names[i]) == 0)
			return (enum outcome)i;
	return OUT_N;
}

const char *
fence_name(enum fence f)
{
	static const char *const text[FENCE_N] = {
		[FENCE_NONE] = "none",
		[FENCE_F] = "F",
		[FENCE_V] = "V",
		[FENCE_U] = "U",
	};

	return (unsigned)f < FENCE_N ? text[f] : "?";
}
