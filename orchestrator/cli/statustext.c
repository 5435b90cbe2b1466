/* statustext.c - machines first, for that is what is asked; then runs, brakes and, with --why, the
 * evidence. */
#include "cli/statustext.h"

#include "base/buf.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/plain.h"
#include "core/effects.h"
#include "os/stdmem.h"

#include <string.h>

enum { RUNS_SHOWN = 8, HASH_SHOWN = 12 };

struct sheet {
	FILE *out;
	bool colour;
};

static const char *
text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

static long long
int_of(const json_t *o, const char *key)
{
	return (long long)json_integer_value(json_object_get(o, key));
}

static void
put_time(const struct sheet *s, long long wall_ms)
{
	struct buf b;

	buf_init(&b, &stdmem, 64);
	num_put_time(&b, wall_ms);
	(void)fputs(buf_text(&b), s->out);
	buf_fini(&b);
}

/* "  word: text", nothing without a text. */
static void
put_note(const struct sheet *s, const char *word, const char *text)
{
	if (text[0] == '\0')
		return;
	fprintf(s->out, "  %-10s ", word);
	plain_line(s->out, text);
	(void)fputc('\n', s->out);
}

static void
put_marked(const struct sheet *s, const char *mark, const char *text)
{
	if (s->colour)
		(void)fputs(mark, s->out);
	plain_line(s->out, text);
	if (s->colour)
		(void)fputs("\033[0m", s->out);
}

static const char *
mark_of_state(const char *state)
{
	if (text_eq(state, "normal") || text_eq(state, "done"))
		return "\033[32m";
	return text_eq(state, "blocked") || text_eq(state, "failed") ? "\033[1;31m" : "\033[33m";
}

static void
put_ask(const struct sheet *s, const json_t *m)
{
	const json_t *ask = json_object_get(m, "ask"), *by = json_object_get(ask, "approved_by"),
		     *one;
	size_t i;

	if (!json_is_object(ask))
		return;
	fprintf(s->out, "  %-10s plan ", "approval");
	plain_line(s->out, text_of(ask, "plan_hash"));
	fprintf(s->out, " (%s) since ", text_of(ask, "direction"));
	put_time(s, int_of(ask, "asked_wall_ms"));
	json_array_foreach(by, i, one)
	{
		(void)fputs(i == 0 ? "; approved by " : ", ", s->out);
		plain_line(s->out, json_string_value(one));
	}
	fprintf(s->out, "\n  %-10s ferryman approve ", "");
	plain_line(s->out, text_of(m, "playbook"));
	fprintf(s->out, " --plan %.*s\n", HASH_SHOWN, text_of(ask, "plan_hash"));
}

static void
put_queue(const struct sheet *s, const json_t *q)
{
	char text[80];

	if (!json_is_object(q))
		return;
	(void)snprintf(text, sizeof text, "parked %lld, waiting %lld at hubs of ours",
		int_of(q, "parked"), int_of(q, "waiting"));
	put_note(s, "mail", text);
}

static void
put_machine(const struct sheet *s, const json_t *m)
{
	const json_t *reasons = json_object_get(m, "reasons"), *one;
	size_t i;

	plain_line(s->out, text_of(m, "playbook"));
	fprintf(s->out, ", %s: ", text_of(m, "flow"));
	put_marked(s, mark_of_state(text_of(m, "state")), text_of(m, "state"));
	if (int_of(m, "since_wall_ms") > 0) {
		(void)fputs(" since ", s->out);
		put_time(s, int_of(m, "since_wall_ms"));
	}
	(void)fputc('\n', s->out);
	if (int_of(m, "row") > 0) {
		fprintf(s->out, "  row %-6lld ", int_of(m, "row"));
		plain_line(s->out, text_of(m, "why"));
		(void)fputc('\n', s->out);
	}
	put_note(s, "diagnosis", text_of(m, "diagnosis"));
	put_note(s, "run", text_of(m, "run"));
	put_note(s, "blind", text_of(m, "blind"));
	put_note(s, "paused",
		json_is_true(json_object_get(m, "paused")) ? "nothing starts by itself" : "");
	put_queue(s, json_object_get(m, "queue"));
	put_ask(s, m);
	json_array_foreach(reasons, i, one)
	{
		put_note(s, "because", json_string_value(one));
	}
}

static void
put_step(const struct sheet *s, const json_t *step)
{
	fprintf(s->out, "    %-8s ", text_of(step, "id"));
	put_marked(s,
		text_eq(text_of(step, "state"), "waiting") ? "\033[2m"
							   : mark_of_state(text_of(step, "state")),
		text_of(step, "state"));
	(void)fputs("  ", s->out);
	plain_line(s->out, text_of(step, "name"));
	(void)fputc('\n', s->out);
}

static void
put_run(const struct sheet *s, const json_t *r)
{
	const json_t *steps = json_object_get(r, "steps"), *one;
	size_t i;

	(void)fputs("  ", s->out);
	put_time(s, int_of(r, "start_wall_ms"));
	(void)fputs("  ", s->out);
	plain_line(s->out, text_of(r, "run"));
	fprintf(s->out, "  %s ", text_of(r, "kind"));
	plain_line(s->out, text_of(r, "procedure"));
	(void)fputs(" of ", s->out);
	plain_line(s->out, text_of(r, "playbook"));
	(void)fputs(": ", s->out);
	put_marked(s, mark_of_state(text_of(r, "state")), text_of(r, "state"));
	const struct effects e = { .sent = int_of(r, "effects_sent"),
		.undo = int_of(r, "effects_undo") };
	char sent[EFFECTS_TEXT];

	effects_text(&e, sent);
	fprintf(s->out, ", %s, by ", sent);
	plain_line(s->out, text_of(r, "by"));
	(void)fputc('\n', s->out);
	if (text_of(r, "why")[0] != '\0') {
		(void)fputs("    ", s->out);
		plain_line(s->out, text_of(r, "why"));
		(void)fputc('\n', s->out);
	}
	json_array_foreach(steps, i, one)
	{
		put_step(s, one);
	}
}

static void
put_runs(const struct sheet *s, const json_t *runs)
{
	size_t n = json_array_size(runs), from = n > RUNS_SHOWN ? n - RUNS_SHOWN : 0;

	if (n == 0)
		return;
	fprintf(s->out, from > 0 ? "\nruns (the last %d; all: ferryman history)\n" : "\nruns\n",
		RUNS_SHOWN);
	for (size_t i = from; i < n; i++)
		put_run(s, json_array_get(runs, i));
}

static void
put_brakes(const struct sheet *s, const json_t *brakes)
{
	const json_t *one;
	size_t i;

	json_array_foreach(brakes, i, one)
	{
		(void)fputs(i == 0 ? "\nbrakes\n  " : "  ", s->out);
		plain_line(s->out, text_of(one, "playbook"));
		(void)fputs(": by ", s->out);
		plain_line(s->out, text_of(one, "by"));
		(void)fputs(", until ", s->out);
		if (int_of(one, "expires_wall_ms") > 0)
			put_time(s, int_of(one, "expires_wall_ms"));
		else
			(void)fputs("somebody resumes", s->out);
		(void)fputs(": ", s->out);
		plain_line(s->out, text_of(one, "reason"));
		(void)fputc('\n', s->out);
	}
}

/* --- --why --- */

static void
put_diagnosis(const struct sheet *s, const json_t *d)
{
	const char *state = json_is_true(json_object_get(d, "confirmed")) ? "confirmed"
			    : json_is_true(json_object_get(d, "met"))	  ? "met"
			    : json_is_true(json_object_get(d, "cleared")) ? "clear"
									  : "not met";

	(void)fputs("  ", s->out);
	plain_line(s->out, text_of(d, "diagnosis"));
	fprintf(s->out,
		": %s; %lld of %lld groups bad (%lld known), %lld receivers, share %lld.%02lld%%\n",
		state, int_of(d, "groups_bad"), int_of(d, "groups_wanted"),
		int_of(d, "groups_known"), int_of(d, "receivers_bad"), int_of(d, "share_bp") / 100,
		int_of(d, "share_bp") % 100);
}

static void
put_cell(const struct sheet *s, const json_t *c)
{
	const char *health = text_of(c, "health"), *mark = text_eq(health, "ok")    ? "\033[32m"
							   : text_eq(health, "bad") ? "\033[31m"
										    : "\033[2m";
	char name[96];
	struct buf age;

	(void)snprintf(name, sizeof name, "%s %s", text_of(c, "signal"), text_of(c, "subject"));
	buf_init(&age, &stdmem, 64);
	if (int_of(c, "age_ms") >= 0)
		num_put_duration(&age, int_of(c, "age_ms") / 1000 * 1000);
	(void)fputs("    ", s->out);
	put_marked(s, mark, health);
	fprintf(s->out, "%*s ", (int)(8 - (strlen(health) < 8 ? strlen(health) : 8)), "");
	plain_line(s->out, name);
	fprintf(s->out, " (%s, %lld of %lld bad, %s%s)%s: ", text_of(c, "group"), int_of(c, "bad"),
		int_of(c, "known"), age.len > 0 ? buf_text(&age) : "never",
		age.len > 0 ? " ago" : "", json_is_true(json_object_get(c, "harm")) ? " harm" : "");
	plain_line(s->out, text_of(c, "why"));
	(void)fputc('\n', s->out);
	buf_fini(&age);
}

static void
put_evidence(const struct sheet *s, const json_t *evidence)
{
	const json_t *one, *item;
	size_t i, k;

	json_array_foreach(evidence, i, one)
	{
		const json_t *diagnoses = json_object_get(one, "diagnoses"),
			     *cells = json_object_get(json_object_get(one, "seen"), "cells");

		(void)fputs("\nevidence of ", s->out);
		plain_line(s->out, text_of(one, "playbook"));
		(void)fputc('\n', s->out);
		json_array_foreach(diagnoses, k, item)
		{
			put_diagnosis(s, item);
		}
		json_array_foreach(cells, k, item)
		{
			put_cell(s, item);
		}
	}
}

void
statustext_put(FILE *out, const json_t *status, bool colour)
{
	const struct sheet s = { .out = out, .colour = colour };
	const json_t *machines = json_object_get(status, "machines"), *one;
	size_t i;

	json_array_foreach(machines, i, one)
	{
		put_machine(&s, one);
	}
	if (json_array_size(machines) == 0)
		fprintf(out, "No playbook has a machine yet.\n");
	put_runs(&s, json_object_get(status, "runs"));
	put_brakes(&s, json_object_get(status, "brakes"));
	put_evidence(&s, json_object_get(status, "evidence"));
	fprintf(out, "\njournal: record %lld, head %.*s, era %lld, epoch %lld\n",
		int_of(status, "seq"), HASH_SHOWN, text_of(status, "head"), int_of(status, "era"),
		int_of(status, "epoch"));
}
