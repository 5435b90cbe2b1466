/* cmd_simulate.c - a written incident played by the core that serves: what would have come when. */
#include "base/num.h"
#include "base/text.h"
#include "cli/cli.h"
#include "config/incfile.h"
#include "os/digest.h"
#include "os/stdmem.h"
#include "play/simulate.h"
#include "shell/load.h"
#include "shell/window.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAPS_MAX = 64, FILE_MAX_ = 1024 * 1024, ANSWER_MAX = 64 * 1024 * 1024 };

struct simulating {
	struct playbook *pb;
	struct incfile *inc;
	struct stage_map map[MAPS_MAX];
	char *map_text[MAPS_MAX];
	size_t maps_n;
	bool rate_given;
	struct rate rate;
	int64_t approve_ms;
	struct sim sim;
};

/* --- JSON --- */

static void
put_time(struct jw *w, const char *key, int64_t wall_ms)
{
	struct buf b;

	buf_init(&b, &stdmem, 64);
	num_put_time(&b, wall_ms);
	jw_str(w, key, buf_text(&b));
	buf_fini(&b);
}

/* How long before the provider admitted it; null when it did not, negative when it was earlier. */
static void
put_lead(struct jw *w, const struct incfile *inc, int64_t after_ms)
{
	if (inc->admitted)
		jw_int(w, "before_admission_ms", inc->admitted_ms - after_ms);
	else
		jw_raw(w, "before_admission_ms", "null");
}

static void
open_moment(struct jw *w, const struct incfile *inc, const struct sim_moment *m)
{
	jw_open(w, NULL, '{');
	jw_uint(w, "record", m->record);
	put_time(w, "at", inc->begins_wall_ms + m->after_ms);
	jw_int(w, "after_ms", m->after_ms);
	put_lead(w, inc, m->after_ms);
}

static void
put_evidence(struct jw *w, const struct sim_moment *m)
{
	const struct json *cells = json_get(m->evidence, "cells");

	jw_int(w, "groups_bad", json_int(m->evidence, "groups_bad", 0));
	jw_int(w, "groups_wanted", json_int(m->evidence, "groups_wanted", 0));
	jw_int(w, "receivers_bad", json_int(m->evidence, "receivers_bad", 0));
	jw_int(w, "share_bp", json_int(m->evidence, "share_bp", 0));
	jw_open(w, "evidence", '[');
	for (const struct json *c = cells != NULL ? cells->child : NULL; c != NULL; c = c->next) {
		if (!text_eq(json_str(c, "health"), "bad"))
			continue;
		jw_open(w, NULL, '{');
		jw_str(w, "group", json_str(c, "group"));
		jw_str(w, "signal", json_str(c, "signal"));
		jw_str(w, "subject", json_str(c, "subject"));
		jw_bool(w, "harm", json_flag(c, "harm"));
		jw_str(w, "why", json_str(c, "why"));
		jw_close(w, '}');
	}
	jw_close(w, ']');
}

/* The row's own sentence is among them, behind its number: it is "why". */
static void
put_reasons(struct jw *w, const struct sim_moment *m)
{
	int row;

	jw_open(w, "reasons", '[');
	for (const struct json *r = m->reasons != NULL ? m->reasons->child : NULL; r != NULL;
		r = r->next) {
		const char *words = holds_in_words(r->str != NULL ? r->str : "", &row);

		if (row == 0 || !text_eq(words, m->why))
			jw_str(w, NULL, words);
	}
	jw_close(w, ']');
}

static void
put_moments(struct jw *w, const struct sim *s, enum sim_kind kind, const char *key)
{
	jw_open(w, key, '[');
	for (size_t i = 0; i < s->moments_n; i++) {
		const struct sim_moment *m = &s->moment[i];

		if (m->kind != kind)
			continue;
		open_moment(w, s->inc, m);
		switch (kind) {
		case SIM_DIAGNOSIS:
			jw_str(w, "diagnosis", m->name);
			jw_str(w, "flow", m->flow);
			jw_str(w, "state", m->what);
			put_evidence(w, m);
			break;
		case SIM_DECISION:
			jw_str(w, "flow", m->flow);
			jw_str(w, "act", m->what);
			jw_str(w, "diagnosis", m->name);
			jw_str(w, "why", m->why);
			put_reasons(w, m);
			break;
		case SIM_HELD:
			jw_str(w, "flow", m->flow);
			jw_str(w, "state", m->what);
			jw_str(w, "why", m->why);
			break;
		case SIM_RUN:
			jw_str(w, "run", m->run);
			jw_str(w, "procedure", m->name);
			jw_str(w, "kind", m->run_kind);
			jw_str(w, "flow", m->flow);
			jw_str(w, "state", m->what);
			jw_str(w, "why", m->why);
			break;
		case SIM_TOLD:
			jw_str(w, "severity", m->what);
			jw_str(w, "text", m->why);
			break;
		case SIM_KINDS:
			break;
		}
		jw_close(w, '}');
	}
	jw_close(w, ']');
}

static void
put_mail(struct jw *w, const struct sim *s)
{
	jw_open(w, "returned", '[');
	for (int f = 0; f < FLOW_N; f++) {
		const struct sim_mail *m = &s->mail[f];
		struct buf rate;

		if (!m->told)
			continue;
		buf_init(&rate, &stdmem, 64);
		num_put_rate(&rate, m->rate);
		jw_open(w, NULL, '{');
		jw_str(w, "flow", flow_name((enum flow)f));
		jw_str(w, "rate", buf_text(&rate));
		jw_bool(w, "assumed", m->assumed);
		jw_int(w, "without", m->without);
		jw_int(w, "at_most", m->at_most);
		jw_int(w, "at_least", m->at_least);
		jw_close(w, '}');
		buf_fini(&rate);
	}
	jw_close(w, ']');
}

static void
put_strangers(struct jw *w, const struct sim *s)
{
	jw_open(w, "unknown", '[');
	for (size_t i = 0; i < s->unknown_n; i++) {
		jw_open(w, NULL, '{');
		jw_str(w, "signal", s->unknown[i].signal);
		jw_str(w, "subject", s->unknown[i].subject);
		jw_close(w, '}');
	}
	jw_close(w, ']');
	jw_open(w, "unheard", '[');
	for (size_t i = 0; i < s->unheard_n; i++) {
		jw_open(w, NULL, '{');
		jw_int(w, "line", s->inc->line[s->unheard[i]].line);
		jw_str(w, "kind", s->inc->line[s->unheard[i]].kind);
		jw_str(w, "role", inc_role_name(s->inc->line[s->unheard[i]].role));
		jw_close(w, '}');
	}
	jw_close(w, ']');
}

static void
put_json(const struct simulating *x)
{
	const struct sim *s = &x->sim;
	struct buf b;
	struct jw w;

	buf_init(&b, &stdmem, ANSWER_MAX);
	jw_init(&w, &b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "verb", "simulate");
	jw_int(&w, "exit", CLI_DONE);
	jw_str(&w, "playbook", x->pb->name);
	jw_str(&w, "incident", x->inc->name);
	jw_str(&w, "summary", x->inc->summary);
	put_time(&w, "begins", x->inc->begins_wall_ms);
	put_time(&w, "ends", x->inc->begins_wall_ms + x->inc->lasts_ms);
	if (x->inc->admitted)
		put_time(&w, "admitted", x->inc->begins_wall_ms + x->inc->admitted_ms);
	else
		jw_raw(&w, "admitted", "null");
	put_moments(&w, s, SIM_DIAGNOSIS, "diagnoses");
	put_moments(&w, s, SIM_DECISION, "decisions");
	put_moments(&w, s, SIM_HELD, "held");
	put_moments(&w, s, SIM_RUN, "runs");
	put_moments(&w, s, SIM_TOLD, "told");
	put_mail(&w, s);
	put_strangers(&w, s);
	jw_uint(&w, "events", s->events);
	jw_uint(&w, "records", s->records);
	jw_close(&w, '}');
	printf("%s\n", buf_text(&b));
	buf_fini(&b);
}

/* --- text --- */

/* "2012-05-09T06:04:12Z  +4m12s": to the second, and a minute before the beginning is "-1m". */
static void
say_when(const struct incfile *inc, int64_t after_ms)
{
	int64_t far = (after_ms < 0 ? -after_ms : after_ms) / 1000 * 1000;
	struct buf at, since;

	buf_init(&at, &stdmem, 64);
	buf_init(&since, &stdmem, 64);
	num_put_time(&at, inc->begins_wall_ms + after_ms);
	num_put_duration(&since, far);
	printf("%.19sZ  %s%-10s ", buf_text(&at), after_ms < 0 ? "-" : "+", buf_text(&since));
	buf_fini(&at);
	buf_fini(&since);
}

static void
say_lead(const struct incfile *inc, int64_t after_ms)
{
	struct buf b;

	if (!inc->admitted || after_ms > inc->admitted_ms)
		return;
	buf_init(&b, &stdmem, 64);
	num_put_duration(&b, (inc->admitted_ms - after_ms) / 60000 * 60000);
	printf("; %s before the provider admitted it", buf_text(&b));
	buf_fini(&b);
}

static void
say_evidence(const struct sim_moment *m)
{
	const struct json *cells = json_get(m->evidence, "cells");

	for (const struct json *c = cells != NULL ? cells->child : NULL; c != NULL; c = c->next)
		if (text_eq(json_str(c, "health"), "bad"))
			printf("%35s%s%s%s (%s): %s\n", "", json_str(c, "signal"),
				json_str(c, "subject")[0] != '\0' ? "/" : "",
				json_str(c, "subject"), json_str(c, "group"), json_str(c, "why"));
}

/* The evidence, where there is some; else the row's sentence. */
static const char *
asked_why(const struct sim_moment *m)
{
	const struct json *first = m->reasons != NULL ? m->reasons->child : NULL;
	int row = 0;

	if (first != NULL && first->str != NULL)
		(void)holds_in_words(first->str, &row);
	return first != NULL && first->str != NULL && row == 0 ? first->str : m->why;
}

static void
say_run(const struct incfile *inc, const struct sim_moment *m)
{
	bool started = text_eq(m->what, "started");

	printf("%-10s %s %s", m->what, m->run_kind, m->name);
	if (started)
		say_lead(inc, m->after_ms);
	if (started)
		printf("\n%35s%s", "", m->why);
	else
		printf(": %s", m->why);
	printf("\n");
}

static void
say_moment(const struct incfile *inc, const struct sim_moment *m)
{
	if (m->kind == SIM_TOLD && !text_eq(m->what, "alarm"))
		return; /* what the other lines say already */
	if (m->kind == SIM_DECISION && !text_eq(m->what, "ask"))
		return; /* its run says so, or people are told */
	say_when(inc, m->after_ms);
	switch (m->kind) {
	case SIM_DIAGNOSIS:
		printf("%-10s %s", m->what, m->name);
		if (!text_eq(m->what, "cleared"))
			say_lead(inc, m->after_ms);
		printf("\n");
		if (text_eq(m->what, "confirmed"))
			say_evidence(m);
		break;
	case SIM_DECISION:
		printf("%-10s %s\n", "asked", asked_why(m));
		break;
	case SIM_HELD:
		printf("%-10s %s\n", "held", m->why);
		break;
	case SIM_RUN:
		say_run(inc, m);
		break;
	case SIM_TOLD:
		printf("%-10s %s\n", m->what, m->why);
		break;
	case SIM_KINDS:
		break;
	}
}

static void
say_mail(const struct sim *s)
{
	bool any = false;

	for (int f = 0; f < FLOW_N; f++) {
		const struct sim_mail *m = &s->mail[f];
		struct buf rate;

		if (!m->told)
			continue;
		any = true;
		buf_init(&rate, &stdmem, 64);
		num_put_rate(&rate, m->rate);
		printf("returned   %s mail, %s%s: %" PRId64 " without ferryman, %" PRId64
		       " at most with it",
			flow_name((enum flow)f), buf_text(&rate), m->assumed ? " (assumed)" : "",
			m->without, m->at_most);
		if (m->at_least != m->at_most)
			printf(" (%" PRId64 " if the %s)", m->at_least,
				f == FLOW_INBOUND ? "spool puts off what the primary refuses"
						  : "shelter held all of it");
		printf("\n");
		buf_fini(&rate);
	}
	if (!any)
		printf("returned   the incident does not say how much was refused\n");
}

static void
put_text(const struct simulating *x)
{
	const struct sim *s = &x->sim;
	size_t runs = 0;
	struct buf b;

	buf_init(&b, &stdmem, 256);
	num_put_time(&b, x->inc->begins_wall_ms);
	printf("incident   %s: %s\n           begins %.19sZ", x->inc->name, x->inc->summary,
		buf_text(&b));
	buf_reset(&b);
	num_put_duration(&b, x->inc->admitted_ms);
	if (x->inc->admitted)
		printf("; the provider admitted it %s later%s%s%s", buf_text(&b),
			x->inc->admitted_by != NULL ? " (" : "",
			x->inc->admitted_by != NULL ? x->inc->admitted_by : "",
			x->inc->admitted_by != NULL ? ")" : "");
	buf_fini(&b);
	printf("\nplaybook   %s: %s\n\n", x->pb->name, x->pb->summary);
	for (size_t i = 0; i < s->moments_n; i++) {
		runs += s->moment[i].kind == SIM_RUN && text_eq(s->moment[i].what, "started");
		say_moment(x->inc, &s->moment[i]);
	}
	printf("%s\n", s->moments_n > 0 ? "" : "nothing would have been said");
	if (runs == 0)
		printf("nothing    would have been started\n");
	say_mail(s);
	for (size_t i = 0; i < s->unknown_n; i++)
		printf("unknown    %s%s%s: the incident says nothing of it\n", s->unknown[i].signal,
			s->unknown[i].subject[0] != '\0' ? "/" : "", s->unknown[i].subject);
	for (size_t i = 0; i < s->unheard_n; i++)
		printf("unheard    line %d (%s, %s): no signal of the playbook listens\n",
			s->inc->line[s->unheard[i]].line, s->inc->line[s->unheard[i]].kind,
			inc_role_name(s->inc->line[s->unheard[i]].role));
}

/* --- what was asked --- */

/* NAME=KIND, NAME=KIND/ROLE or NAME=/ROLE. */
static bool
read_map(struct simulating *x, const char *text)
{
	struct stage_map *m = &x->map[x->maps_n];
	char *copy = stdmem_str(text), *kind = strchr(copy, '='), *role;

	x->map_text[x->maps_n] = copy;
	if (kind == NULL)
		return false;
	*kind++ = '\0';
	role = strchr(kind, '/');
	if (role != NULL)
		*role++ = '\0';
	*m = (struct stage_map){ .signal = copy, .kind = kind[0] != '\0' ? kind : NULL };
	m->role_given = role != NULL;
	if (role != NULL && !inc_role_read(role, &m->role, &m->n))
		return false;
	x->maps_n++;
	return m->kind != NULL || m->role_given;
}

static int
read_options(struct cli *c, struct simulating *x)
{
	const char *maps[MAPS_MAX], *mail = cli_opt(c, "mail"), *approve = cli_opt(c, "approve");
	size_t n = cli_opt_all(c, "map", maps, MAPS_MAX);

	for (size_t i = 0; i < n; i++) {
		if (!read_map(x, maps[i]))
			return cli_fail(c, CLI_USAGE,
				"--map %s: want SIGNAL=KIND, SIGNAL=KIND/ROLE or SIGNAL=/ROLE; a "
				"role "
				"is primary, backup, other:N or anchor",
				maps[i]);
		for (size_t k = 0; k < i; k++)
			if (text_eq(x->map[k].signal, x->map[i].signal))
				return cli_fail(c, CLI_USAGE,
					"--map %s: signal \"%s\" twice; say KIND and ROLE in one: "
					"SIGNAL=KIND/ROLE",
					maps[i], x->map[i].signal);
		if (playbook_signal(x->pb, x->map[i].signal) == NULL)
			return cli_fail(c, CLI_USAGE, "--map %s: playbook %s has no signal \"%s\"",
				maps[i], x->pb->name, x->map[i].signal);
	}
	x->rate_given = mail != NULL;
	if (mail != NULL && (!num_rate(mail, &x->rate) || x->rate.count <= 0))
		return cli_fail(c, CLI_USAGE, "--mail %s: want a rate such as \"400 per h\"", mail);
	x->approve_ms = -1;
	if (approve != NULL && (!num_duration(approve, &x->approve_ms) || x->approve_ms < 0))
		return cli_fail(c, CLI_USAGE, "--approve %s: want a duration such as 10m", approve);
	return CLI_DONE;
}

static int
read_incident(struct cli *c, struct simulating *x)
{
	const char *path = cli_opt(c, "incident"), *all[2];
	struct findings *f = NULL;
	struct err err = { 0 };
	char *text = NULL;
	size_t n = 0;
	int exit = CLI_DONE;

	if (path == NULL)
		return cli_fail(c, CLI_USAGE,
			"--incident FILE is missing; ready ones are in playbooks/incidents");
	if (cli_opt_all(c, "incident", all, 2) > 1)
		return cli_fail(c, CLI_USAGE, "--incident is given twice: one at a time");
	if (load_file(path, FILE_MAX_, &text, &n, &err) != RC_OK)
		return cli_fail(c, CLI_USAGE, "%s", err.text);
	x->inc = incfile_read(&stdmem, path, text, n, &f);
	free(text);
	for (size_t i = 0; f != NULL && i < findings_n(f); i++) {
		struct buf b;

		buf_init(&b, &stdmem, 16384);
		finding_put(&b, findings_at(f, i));
		fprintf(stderr, "%s\n", buf_text(&b));
		buf_fini(&b);
	}
	if (x->inc == NULL)
		exit = cli_fail(
			c, CLI_USAGE, "%s is no incident that can be played, see above", path);
	findings_free(&f);
	return exit;
}

static int
play(struct cli *c, struct simulating *x)
{
	const struct stage_opts o = { .pb = x->pb,
		.inc = x->inc,
		.map = x->map,
		.maps_n = x->maps_n,
		.approve_ms = x->approve_ms,
		.mem = stdmem,
		.sha256 = digest_sha256,
		.in_window = window_holds };
	struct err err = { 0 };

	digest_warm();
	if (simulate(&x->sim, &o, x->rate_given ? &x->rate : NULL, &err) != RC_OK)
		return cli_fail_err(c, &err);
	if (cli_json(c))
		put_json(x);
	else
		put_text(x);
	return CLI_DONE;
}

static int
run_simulate(struct cli *c)
{
	struct simulating x = { 0 };
	int exit = CLI_USAGE;

	x.pb = cli_playbook(c, cli_arg(c, 0), true, &exit);
	if (x.pb != NULL)
		exit = read_incident(c, &x);
	if (x.inc != NULL)
		exit = read_options(c, &x);
	if (x.inc != NULL && exit == CLI_DONE)
		exit = play(c, &x);
	simulate_free(&x.sim);
	for (size_t i = 0; i < MAPS_MAX; i++)
		free(x.map_text[i]);
	incfile_free(&x.inc);
	playbook_unref(&x.pb);
	return exit;
}

static const struct cli_opt opts[] = {
	{ "incident", "FILE", "what happened: playbooks/incidents/*.yaml, or one of your own" },
	{ "map", "SIGNAL=KIND/ROLE",
		"let a signal speak as another kind or for another role than its own row says; may "
		"be "
		"given several times" },
	{ "mail", "RATE",
		"how much mail there is each way (\"400 per h\"), in place of the file's" },
	{ "approve", "DURATION",
		"those who may approve do so that long after they were asked; without it nobody "
		"answers" },
	{ NULL, NULL, NULL },
};

const struct cli_verb verb_simulate = { "simulate", "PLAYBOOK --incident FILE", 1, 1,
	"Play a written incident: when would it have acted, and why",
	"The same core that serves is told what the sources of a company would have answered, on a "
	"clock of its own, and\n"
	"its targets do as they are told. Prints each diagnosis with the evidence that convinced, "
	"each response, how long\n"
	"before the provider's admission they came, and how much mail would have come back to its "
	"senders. A signal of\n"
	"which the incident says nothing is unknown, and listed. Needs no journal, asks nobody and "
	"changes nothing.",
	opts, run_simulate };
