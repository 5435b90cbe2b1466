/*
 * cmd_plan.c - a procedure held against the targets as they are now, or the same as commands to
 * type. Needs no store and no daemon, and changes nothing. `drill --level plan` is the same with a
 * verdict.
 */
#include "base/json.h"
#include "base/text.h"
#include "cli/byhand.h"
#include "cli/cli.h"
#include "config/playbook.h"
#include "connector.h"
#include "core/plan.h"
#include "os/digest.h"
#include "os/stdmem.h"
#include "shell/survey.h"
#include "state/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_MAX = 32 * 1024 * 1024, TEXT_MAX_ = 8 * 1024 * 1024, READ_MS = 15000, OVERRIDES = 8 };

struct planned {
	struct cli *c;
	struct playbook *pb;
	const struct procedure *proc;
	struct arena *a;
	struct plan_value *values;
	size_t values_n;
	const char *overrides[OVERRIDES];
	size_t overrides_n;
	char store[33]; /* "" = no store yet */
};

static const struct procedure *
choose(const struct cli *c, const struct playbook *pb, const char *name, int *exit)
{
	const struct procedure *p =
		name != NULL ? playbook_procedure(pb, name) : playbook_cutover(pb, FLOW_OUTBOUND);

	if (name == NULL && p == NULL)
		p = playbook_cutover(pb, FLOW_INBOUND);
	if (name == NULL && playbook_cutover(pb, FLOW_OUTBOUND) != NULL &&
		playbook_cutover(pb, FLOW_INBOUND) != NULL) {
		*exit = cli_fail(c, CLI_USAGE,
			"%s has a cut-over for each flow; name one: %s or %s", pb->file,
			playbook_cutover(pb, FLOW_OUTBOUND)->name,
			playbook_cutover(pb, FLOW_INBOUND)->name);
		return NULL;
	}
	if (p == NULL && name == NULL && pb->procedures_n > 0)
		p = &pb->procedures[0]; /* without a cut-over there is a shelter alone */
	if (p == NULL && name == NULL)
		*exit = cli_fail(
			c, CLI_USAGE, "%s only observes: it has no procedure to plan", pb->file);
	else if (p == NULL)
		*exit = cli_fail(c, CLI_USAGE, "%s has no procedure \"%s\"", pb->file, name);
	return p;
}

/* The hash binds the plan to one store; without a store it is the hash of a plan that nobody can
 * start. */
static void
read_store_id(struct planned *p)
{
	const struct store_opts so = { .dir = cli_state_dir(p->c), .mode = STORE_READER };
	struct store_head head;
	struct store *s = NULL;
	struct err err = { 0 };

	if (store_open(&s, &so, &head, &err) == RC_OK)
		(void)snprintf(p->store, sizeof p->store, "%s", head.store);
	store_close(&s);
}

/* Both directions are read in one go: the way back is planned from the state that the way out leads
 * to. */
static enum rc
survey(struct planned *p, struct err *err)
{
	const struct plan_read *out, *back;
	struct plan_read *all;
	size_t out_n = plan_reads(p->a, p->pb, p->proc, PLAN_OUT, &out);
	size_t back_n = p->proc->kind == PROC_CUTOVER
				? plan_reads(p->a, p->pb, p->proc, PLAN_BACK, &back)
				: 0;

	all = arena_get(p->a, (out_n + back_n + 1) * sizeof *all);
	if (all == NULL)
		return err_set(err, RC_NOMEM, "out of memory");
	memcpy(all, out, out_n * sizeof *all);
	p->values_n = out_n;
	for (size_t i = 0; i < back_n; i++) {
		bool have = false;

		for (size_t j = 0; j < p->values_n && !have; j++)
			have = all[j].target == back[i].target &&
			       text_eq(all[j].resource, back[i].resource);
		if (!have)
			all[p->values_n++] = back[i];
	}
	return survey_read(p->a, p->pb, cli_opt(p->c, "credentials"), all, p->values_n, READ_MS,
		&p->values, err);
}

static enum rc
build(struct planned *p, enum plan_direction dir, const struct plan_value *values,
	const struct plan **ret, struct err *err)
{
	return plan_build(p->a, p->pb, p->proc, dir, values, p->values_n, p->store, p->overrides,
		p->overrides_n, digest_sha256, NULL, ret, err);
}

/* The values as they are once the plan has run. */
static const struct plan_value *
after(struct planned *p, const struct plan *plan)
{
	struct plan_value *v = arena_get(p->a, (p->values_n + 1) * sizeof *v);

	if (v == NULL)
		return p->values;
	memcpy(v, p->values, p->values_n * sizeof *v);
	for (size_t i = 0; i < plan->steps_n; i++) {
		const struct plan_step *s = &plan->steps[i];

		if (s->target == NULL || s->want == NULL || s->kind->class != STEP_STATE)
			continue;
		for (size_t j = 0; j < p->values_n; j++)
			if (text_eq(v[j].target, s->target->name) &&
				text_eq(v[j].resource, s->resource))
				v[j].value = s->want;
	}
	return v;
}

static void
put_json(struct planned *p, const struct plan *plan, const char *text, const char *hand_out,
	const char *hand_back, struct buf *b)
{
	struct buf raw;
	struct jw w;

	buf_init(&raw, &stdmem, TEXT_MAX_);
	plan_json(plan, p->store, p->overrides, p->overrides_n, &raw);
	jw_init(&w, b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "verb", cli_name(p->c));
	jw_int(&w, "exit", CLI_DONE);
	jw_str(&w, "playbook", p->pb->name);
	jw_str(&w, "procedure", p->proc->name);
	jw_str(&w, "plan_hash", plan->hash);
	jw_bool(&w, "startable", p->store[0] != '\0');
	jw_int(&w, "expect_ms", plan->expect_ms);
	jw_str(&w, "text", text);
	if (hand_out != NULL) {
		jw_str(&w, "by_hand", hand_out);
		jw_str(&w, "by_hand_back", hand_back);
	}
	jw_raw(&w, "plan", buf_text(&raw));
	jw_close(&w, '}');
	buf_fini(&raw);
}

static int
show(struct planned *p, const struct plan *plan, const char *title)
{
	struct buf text, out, back, json;
	struct err err = { 0 };
	const struct plan *home;
	bool hand = cli_opt(p->c, "by-hand") != NULL;
	int exit = CLI_DONE;

	buf_init(&text, &stdmem, TEXT_MAX_);
	buf_init(&out, &stdmem, TEXT_MAX_);
	buf_init(&back, &stdmem, TEXT_MAX_);
	buf_init(&json, &stdmem, 4 * TEXT_MAX_);
	plan_text(plan, &text, cli_colour(p->c) && !cli_json(p->c));
	if (hand) {
		byhand_put(plan, &out);
		if (p->proc->kind == PROC_CUTOVER &&
			build(p, PLAN_BACK, after(p, plan), &home, &err) == RC_OK)
			byhand_put(home, &back);
		else if (p->proc->kind == PROC_CUTOVER)
			exit = cli_fail(p->c, CLI_FAILED, "the way back: %s", err.text);
	}
	if (cli_json(p->c) && exit == CLI_DONE) {
		put_json(p, plan, buf_text(&text), hand ? buf_text(&out) : NULL, buf_text(&back),
			&json);
		printf("%s\n", buf_text(&json));
	} else if (hand && !cli_json(p->c)) {
		printf("# --- %s of %s, by hand: forward ---\n%s# --- back ---\n%s", p->proc->name,
			p->pb->name, buf_text(&out), buf_text(&back));
	} else if (!cli_json(p->c)) { /* with --json the error was the answer */
		printf("%s%s", title, buf_text(&text));
		if (p->store[0] == '\0')
			printf("(no journal in %s yet: cutover will show the hash that binds)\n",
				cli_state_dir(p->c));
	}
	buf_fini(&text);
	buf_fini(&out);
	buf_fini(&back);
	buf_fini(&json);
	return exit;
}

static int
run_planned(struct cli *c, const char *title)
{
	struct planned p = { .c = c };
	struct err err = { 0 };
	const struct plan *plan = NULL;
	bool back = cli_opt(c, "back") != NULL;
	int exit = CLI_DONE;
	enum rc rc;

	p.pb = cli_playbook(c, cli_arg(c, 0), cli_json(c), &exit);
	if (p.pb == NULL)
		return exit;
	p.proc = choose(c, p.pb, cli_arg(c, 1), &exit);
	p.overrides_n = cli_opt_all(c, "override", p.overrides, OVERRIDES);
	if (p.proc != NULL) {
		p.a = arena_new(&stdmem, ARENA_MAX);
		digest_warm();
		read_store_id(&p);
		rc = survey(&p, &err);
		if (rc == RC_OK)
			rc = build(&p, back ? PLAN_BACK : PLAN_OUT, p.values, &plan, &err);
		if (rc == RC_OK)
			exit = show(&p, plan, title);
		else
			exit = cli_fail(c, CLI_FAILED, "no plan: %s", err.text);
		arena_free(&p.a);
	}
	playbook_unref(&p.pb);
	return exit;
}

static int
run_plan(struct cli *c)
{
	return run_planned(c, "");
}

static int
run_drill(struct cli *c)
{
	const char *level = cli_opt(c, "level");

	if (level == NULL)
		return cli_fail(c, CLI_USAGE,
			"say which drill: --level plan (rehearsal and live are not built yet)");
	if (text_eq(level, "rehearsal") || text_eq(level, "live"))
		return cli_fail(c, CLI_USAGE,
			"--level %s is known, but not built yet; there is --level plan", level);
	if (!text_eq(level, "plan"))
		return cli_fail(c, CLI_USAGE, "--level %s: want plan", level);
	return run_planned(c, "drill, level plan: every target was read, nothing was changed\n\n");
}

static const struct cli_opt plan_opts[] = {
	{ "by-hand", NULL, "the same as commands a person can type, forward and back" },
	{ "back", NULL, "the plan of the failback, from the state as it is now" },
	{ "override", "GUARD", "as if this guard were bypassed; may be given several times" },
	{ NULL, NULL, NULL },
};
static const struct cli_opt drill_opts[] = {
	{ "level", "LEVEL", "plan: read-only" },
	{ "by-hand", NULL, "the same as commands a person can type, forward and back" },
	{ "back", NULL, "the plan of the failback, from the state as it is now" },
	{ "override", "GUARD", "as if this guard were bypassed; may be given several times" },
	{ NULL, NULL, NULL },
};

const struct cli_verb verb_plan = { "plan", "PLAYBOOK [PROCEDURE]", 1, 2,
	"Read the targets and print what a cut-over would do",
	"The diff, step by step, with guards, effective routes, expected time and hash. Needs no "
	"journal and no daemon,\n"
	"changes nothing. --by-hand prints the same as shell commands, for the day when ferryman "
	"is not there.",
	plan_opts, run_plan };
const struct cli_verb verb_drill = { "drill", "PLAYBOOK [PROCEDURE]", 1, 2,
	"Rehearse a procedure without changing production",
	"Level plan reads every target and makes the plan, as a cut-over would. The levels "
	"rehearsal and live are not built yet.",
	drill_opts, run_drill };
