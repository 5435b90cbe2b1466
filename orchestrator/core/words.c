/* words.c - the names of the vocabulary: verbs, directions of an effect, severities. */
#include "base/text.h"
#include "core/action.h"

static const char *const verbs[VERB_N] = {
	[VERB_CUTOVER] = "cutover",
	[VERB_FAILBACK] = "failback",
	[VERB_ABORT] = "abort",
	[VERB_CONTINUE] = "continue",
	[VERB_APPROVE] = "approve",
	[VERB_DENY] = "deny",
	[VERB_PAUSE] = "pause",
	[VERB_RESUME] = "resume",
	[VERB_ACK] = "ack",
	[VERB_STATUS] = "status",
	[VERB_PLAN] = "plan",
	[VERB_DRILL] = "drill",
	[VERB_EJECT] = "eject",
};

const char *
verb_name(enum verb v)
{
	return v < VERB_N ? verbs[v] : "?";
}

enum verb
verb_parse(const char *s)
{
	for (int v = 0; s != NULL && v < VERB_N; v++)
		if (text_eq(verbs[v], s))
			return (enum verb)v;
	return VERB_N;
}

const char *
effect_dir_name(enum effect_dir d)
{
	switch (d) {
	case DIR_DO:
		return "do";
	case DIR_UNDO:
		return "undo";
	case DIR_FENCE:
		return "fence";
	}
	return "?";
}

const char *
severity_name(enum severity s)
{
	switch (s) {
	case SEV_INFO:
		return "info";
	case SEV_WARNING:
		return "warning";
	case SEV_ALARM:
		return "alarm";
	}
	return "?";
}
