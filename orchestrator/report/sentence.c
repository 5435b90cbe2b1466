/* sentence.c - what a record says, in one sentence for people. Texts from outside stay as they are:
 * writers escape. */
#include "report/incident.h"

#include "base/text.h"

static const char *
str(const struct record *r, const char *key)
{
	const char *s = json_str(r->body, key);

	return s != NULL ? s : "";
}

static const char *
about(const char *subject, const char *before)
{
	return subject[0] != '\0' ? before : "";
}

static const char *
signal_text(struct arena *a, const struct record *r)
{
	const char *subject = str(r, "subject");

	return arena_fmt(a, "%s%s%s: %s, was %s%s; %s", str(r, "signal"), about(subject, " of "),
		subject, str(r, "to"), str(r, "from"),
		json_flag(r->body, "harm") ? " (mail was harmed)" : "", str(r, "why"));
}

static const char *
diagnosis_text(struct arena *a, const struct record *r)
{
	const struct json *e = json_get(r->body, "evidence");

	return arena_fmt(a, "diagnosis %s is %s: %lld of %lld groups bad, %lld receivers concerned",
		str(r, "diagnosis"), str(r, "state"), (long long)json_int(e, "groups_bad", 0),
		(long long)json_int(e, "groups_wanted", 0),
		(long long)json_int(e, "receivers_bad", 0));
}

static const char *
row_text(struct arena *a, const struct record *r)
{
	bool stays = text_eq(str(r, "from"), str(r, "to"));

	return arena_fmt(a, "row %lld (%s, %s): %s %s %s, on %s; %s",
		(long long)json_int(r->body, "row", 0), str(r, "playbook"), str(r, "flow"),
		str(r, "from"), stays ? "stays" : "becomes", stays ? str(r, "act") : str(r, "to"),
		str(r, "event"), str(r, "why"));
}

static const char *
step_text(struct arena *a, const struct record *r)
{
	bool fence = str(r, "step")[0] == '\0', undo = text_eq(str(r, "dir"), "undo");

	if (r->type == REC_INTENT)
		return arena_fmt(a, "%s%s: about to %s %s at %s%s", fence ? "fence" : "step ",
			str(r, "step"), str(r, "dir"), str(r, "resource"), str(r, "target"),
			json_flag(r->body, "pivot") ? " (pivot)" : "");
	return arena_fmt(a, "%s%s: %s%s; %s", fence ? "fence" : "step ", str(r, "step"),
		undo ? "undo " : "", str(r, "outcome"), str(r, "why"));
}

static const char *
brake_text(struct arena *a, const struct record *r)
{
	return arena_fmt(a, "%s of %s by %s: %s", str(r, "state"), str(r, "playbook"), str(r, "by"),
		str(r, "reason"));
}

const char *
sentence_of(struct arena *a, const struct record *r)
{
	switch (r->type) {
	case REC_OPENED:
		return arena_fmt(a, "ferryman started (%s)%s", str(r, "mode"),
			json_flag(r->body, "fresh") ? ", a new era" : "");
	case REC_PLAYBOOK:
		return arena_fmt(a, "playbook %s %s", str(r, "name"),
			str(r, "sha256")[0] != '\0' ? "is in force" : "was withdrawn");
	case REC_SIGNAL:
		return signal_text(a, r);
	case REC_DIAGNOSIS:
		return diagnosis_text(a, r);
	case REC_ROW:
		return row_text(a, r);
	case REC_PLAN:
		return arena_fmt(a, "plan %.12s of %s made, to %s", str(r, "plan_hash"),
			str(r, "procedure"), str(r, "purpose"));
	case REC_APPROVAL:
		return arena_fmt(a, "%s by %s of plan %.12s%s%s", str(r, "verdict"), str(r, "user"),
			str(r, "plan_hash"), about(str(r, "reason"), ": "), str(r, "reason"));
	case REC_START:
		return arena_fmt(a, "%s %s starts, by %s: %s", str(r, "kind"), str(r, "procedure"),
			str(r, "by"), str(r, "reason"));
	case REC_ADOPT:
		return arena_fmt(a, "takes over the shelter of run %s", str(r, "shelter"));
	case REC_INTENT:
	case REC_RESULT:
		return step_text(a, r);
	case REC_END:
		return arena_fmt(a, "run ends: %s; %s", str(r, "state"), str(r, "why"));
	case REC_BRAKE:
		return brake_text(a, r);
	case REC_COMMAND:
		return arena_fmt(
			a, "%s asked for %s: %s", str(r, "by"), str(r, "verb"), str(r, "answer"));
	case REC_NOTIFIED:
		return arena_fmt(a, "people told (%s, %s): %s", str(r, "severity"),
			str(r, "outcome"), str(r, "text"));
	case REC_N:
		break;
	}
	return "";
}
