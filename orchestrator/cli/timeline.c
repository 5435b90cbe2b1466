/* timeline.c - one line of text for each status line: time, what speaks, what it says. */
#include "cli/timeline.h"

#include "base/buf.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/plain.h"
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
	fprintf(out, "%s%.8s%s  %-10s %s%-18s%s ", colour ? tone_on(DIM) : "",
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

static void
put_signal(FILE *out, const json_t *b, bool colour)
{
	char text[1024];
	const char *subject = text_of(b, "subject");

	(void)snprintf(text, sizeof text, "%s%s%s%s", subject, subject[0] != '\0' ? ": " : "",
		text_of(b, "why"),
		json_is_true(json_object_get(b, "harm")) && text_eq(text_of(b, "verdict"), "bad")
			? " (harm)"
			: "");
	put_line(out, b, colour, tone_of_verdict(text_of(b, "verdict")), text_of(b, "signal"),
		text_of(b, "verdict"), text);
}

/* A shelter that is open is as it should be, and not over. */
static enum tone
tone_of_end(const char *state)
{
	return text_eq(state, "done") ? GOOD : text_eq(state, "open") ? WARN : BAD;
}

static void
put_run(FILE *out, const json_t *b, bool colour)
{
	const char *phase = text_of(b, "phase"), *name = text_of(b, "name");
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
	(void)snprintf(text, sizeof text, "%s%s%s%s", count, name,
		name[0] != '\0' && text_of(b, "text")[0] != '\0' ? ": " : "", text_of(b, "text"));
	put_line(out, b, colour, tone, text_of(b, "procedure"), phase, text);
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
			text_of(b, "diagnosis"), text_of(b, "state"), text_of(b, "why"));
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
