/* timeline.c - one line of text for each status line: time, what speaks, what it says. */
#include "cli/timeline.h"

#include "base/buf.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/plain.h"
#include "core/effects.h"
#include "os/stdmem.h"

#include <string.h>

enum tone { PLAIN, GOOD, WARN, BAD, DIM };

static const char *
tone_on(enum tone t)
{
	static const char *const seq[] = { "", "\033[32m", "\033[33m", "\033[31m", "\033[2m" };

	return seq[t];
}

static const char *
text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

static void
put_line(FILE *out, const json_t *body, bool colour, enum tone tone, const char *who,
	const char *what, const char *text)
{
	struct buf when;
	const char *clock;

	buf_init(&when, &stdmem, 64);
	num_put_time(&when, json_integer_value(json_object_get(body, "wall_ms")));
	clock = buf_text(&when);
	fprintf(out, "%s%.8s%s  %-16s %s%-18s%s ", colour ? tone_on(DIM) : "",
		strlen(clock) > 19 ? clock + 11 : clock, colour ? "\033[0m" : "", who,
		colour ? tone_on(tone) : "", what, colour && tone != PLAIN ? "\033[0m" : "");
	plain_line(out, text);
	(void)fputc('\n', out);
	buf_fini(&when);
}

static enum tone
tone_of_state(const char *s)
{
	if (text_eq(s, "normal"))
		return GOOD;
	if (text_eq(s, "blocked"))
		return BAD;
	return text_eq(s, "settling") ? PLAIN : WARN;
}

static enum tone
tone_of_verdict(const char *s)
{
	return text_eq(s, "ok")		? GOOD
	       : text_eq(s, "bad")	? BAD
	       : text_eq(s, "degraded") ? WARN
					: DIM;
}

static bool
of_a_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_';
}

/* Whether a text has the name as one of its words: "rcpt1" is not in "rcpt12", nor in
 * "mx.rcpt1.example". */
static bool
names(const char *text, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = text; n > 0 && (at = strstr(at, name)) != NULL; at++) {
		char before = at > text ? at[-1] : ' ', after = at[n];

		if (of_a_name(before) || before == '.' || of_a_name(after) ||
			(after == '.' && of_a_name(at[n + 1])))
			continue;
		return true;
	}
	return false;
}

static void
put_signal(FILE *out, const json_t *b, bool colour)
{
	char text[1024];
	const char *subject = text_of(b, "subject"), *why = text_of(b, "why");

	if (names(why, subject))
		subject = "";
	(void)snprintf(text, sizeof text, "%s%s%s%s", subject, subject[0] != '\0' ? ": " : "", why,
		json_is_true(json_object_get(b, "harm")) && text_eq(text_of(b, "verdict"), "bad")
			? " (harm)"
			: "");
	put_line(out, b, colour, tone_of_verdict(text_of(b, "verdict")), text_of(b, "signal"),
		text_of(b, "verdict"), text);
}

/* The words of the table of states and of the report. */
static const char *
diagnosis_word(const char *state)
{
	return text_eq(state, "ripening")    ? "met"
	       : text_eq(state, "convinced") ? "confirmed"
					     : state;
}

/* A shelter that is open is as it should be, and not over. */
static enum tone
tone_of_end(const char *state)
{
	return text_eq(state, "done") ? GOOD : text_eq(state, "open") ? WARN : BAD;
}

/* Behind every end: was anything changed? */
static void
put_effects(FILE *out, const json_t *b, bool colour)
{
	const struct effects e = { .sent = json_integer_value(json_object_get(b, "effects_sent")),
		.undo = json_integer_value(json_object_get(b, "effects_undo")) };
	char text[EFFECTS_TEXT];

	effects_text(&e, text);
	put_line(out, b, colour, PLAIN, text_of(b, "procedure"), "", text);
}

static void
put_run(FILE *out, const json_t *b, bool colour)
{
	const char *phase = text_of(b, "phase"), *name = text_of(b, "name");
	const char *target = strchr(text_of(b, "step"), '.'); /* "4.hub" */
	bool unsaid = target != NULL && name[0] != '\0' && !names(name, target + 1);
	char text[1024], count[32] = "";
	enum tone tone = text_eq(phase, "verified")				? GOOD
			 : text_eq(phase, "failed") || text_eq(phase, "undone") ? BAD
										: PLAIN;

	if (text_eq(phase, "end"))
		tone = tone_of_end(text_of(b, "state"));
	if (json_integer_value(json_object_get(b, "of")) > 0)
		(void)snprintf(count, sizeof count, "[%lld/%lld] ",
			(long long)json_integer_value(json_object_get(b, "n")),
			(long long)json_integer_value(json_object_get(b, "of")));
	(void)snprintf(text, sizeof text, "%s%s%s%s%s%s%s", count, name, unsaid ? " (" : "",
		unsaid ? target + 1 : "", unsaid ? ")" : "",
		name[0] != '\0' && text_of(b, "text")[0] != '\0' ? ": " : "", text_of(b, "text"));
	put_line(out, b, colour, tone, text_of(b, "procedure"), phase, text);
	if (text_eq(phase, "end"))
		put_effects(out, b, colour);
}

void
timeline_put(FILE *out, const json_t *line, bool colour)
{
	const char *topic = text_of(line, "topic");
	const json_t *b = json_object_get(line, "body");

	if (text_eq(topic, "machine"))
		put_line(out, b, colour, tone_of_state(text_of(b, "state")), text_of(b, "flow"),
			text_of(b, "state"), text_of(b, "why"));
	else if (text_eq(topic, "signal"))
		put_signal(out, b, colour);
	else if (text_eq(topic, "diagnosis"))
		put_line(out, b, colour, text_eq(text_of(b, "state"), "clear") ? GOOD : WARN,
			text_of(b, "diagnosis"), diagnosis_word(text_of(b, "state")),
			text_of(b, "why"));
	else if (text_eq(topic, "run"))
		put_run(out, b, colour);
	else if (text_eq(topic, "approval"))
		put_line(out, b, colour, WARN, text_of(b, "flow"), "approval wanted",
			text_of(b, "text"));
	else if (text_eq(topic, "notify"))
		put_line(out, b, colour, text_eq(text_of(b, "severity"), "alarm") ? BAD : PLAIN,
			"notify", text_of(b, "severity"), text_of(b, "text"));
	(void)fflush(out);
}
