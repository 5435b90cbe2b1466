/*
 * command.c - what people ask for: held against the same table as everything else, journalled
 * whatever the answer.
 *
 * A command that needs to know where mail runs waits until its machine has settled; one that needs
 * a plan waits for its readings. Each request has one last answer.
 */
#include "core/commanding.h"
#include "core/engine.h"
#include "base/planted.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { BODY_MAX = 512 * 1024, HASH_SHORT = 8 };

/* --- answers --- */

static void
answer(struct core *c, const struct command *m, int exit, const char *error, const char *text,
	const struct decision *d)
{
	struct buf b;
	struct jw w;

	buf_init(&b, &c->env.mem, BODY_MAX);
	jw_init(&w, &b);
	jw_open(&w, NULL, '{');
	if (error != NULL)
		jw_str(&w, "error", error);
	if (text != NULL)
		jw_str(&w, "text", text);
	if (d != NULL && d->reasons_n > 0) {
		jw_open(&w, "reasons", '[');
		for (size_t i = 0; i < d->reasons_n; i++)
			jw_str(&w, NULL, d->reasons[i]);
		jw_close(&w, ']');
	}
	jw_close(&w, '}');
	tell_reply(c, proposed(c), m->req, exit, buf_text(&b), true);
	buf_fini(&b);
}

void
command_record(struct core *c, const struct command *m, const char *run, int exit, const char *text)
{
	struct buf b;
	struct jw w;

	buf_init(&b, &c->env.mem, RECORD_MAX);
	jw_init(&w, &b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "verb", verb_name(m->verb));
	jw_str(&w, "playbook", m->playbook != NULL ? m->playbook : "");
	jw_str(&w, "by", m->principal);
	jw_str(&w, "via", m->via);
	if (run != NULL)
		jw_str(&w, "run", run);
	if (m->reason != NULL)
		jw_str(&w, "reason", m->reason);
	if (m->overrides_n > 0) {
		jw_open(&w, "overrides", '[');
		for (size_t i = 0; i < m->overrides_n; i++)
			jw_str(&w, NULL, m->overrides[i]);
		jw_close(&w, ']');
	}
	jw_int(&w, "exit", exit);
	jw_str(&w, "answer", text);
	jw_close(&w, '}');
	(void)propose(c, REC_COMMAND, run != NULL ? run : "", &b);
	buf_fini(&b);
}

/* A no: in the journal, and to whoever asked. */
bool
command_refuse(struct core *c, const struct command *m, int exit, const char *error,
	const struct decision *d)
{
	command_record(c, m, NULL, exit, error);
	answer(c, m, exit, error, NULL, d);
	return true;
}

/* What stands in the way is said last. */
static const char *
reason_of(const struct decision *d)
{
	return d->reasons[d->reasons_n - 1];
}

bool
command_refuse_decided(struct core *c, const struct command *m, int exit, const struct decision *d)
{
	return command_refuse(c, m, exit, reason_of(d), d);
}

/* The same, and which run stands in the way if one is open: whoever asks wants to look at it. */
static bool
refuse_beside(struct core *c, const struct command *m, const struct book *b, enum flow f, int exit,
	const struct decision *d)
{
	const struct lrun *r = ledger_open_run(&c->l, b->name, f);
	const char *why = reason_of(d);

	return command_refuse(
		c, m, exit, r != NULL ? arena_fmt(c->out, "%s (open: %s)", why, r->id) : why, d);
}

/* --- which machine is meant --- */

static bool
relevant(struct core *c, const struct command *m, const struct book *b, enum flow f)
{
	const struct lmachine *l = ledger_machine(&c->l, b->name, f);
	const struct lrun *r;

	if (!b->m[f].on)
		return false;
	switch (m->verb) {
	case VERB_CUTOVER:
	case VERB_PLAN:
		return playbook_cutover(b->pb, f) != NULL;
	case VERB_FAILBACK:
		return playbook_cutover(b->pb, f) != NULL && l->state != LS_NORMAL &&
		       l->state != LS_SETTLING;
	case VERB_ABORT:
	case VERB_CONTINUE:
		r = m->run != NULL ? ledger_run(&c->l, m->run) : ledger_open_run(&c->l, b->name, f);
		return r != NULL && r->flow == f && text_eq(r->playbook, b->name);
	case VERB_APPROVE:
	case VERB_DENY:
		return l->ask_hash[0] != '\0' &&
		       (m->plan_hash == NULL || text_starts(l->ask_hash, m->plan_hash));
	case VERB_ACK:
		return l->state == LS_BLOCKED;
	case VERB_PAUSE:
	case VERB_RESUME:
	case VERB_STATUS:
	case VERB_DRILL:
	case VERB_EJECT:
	case VERB_N:
		break;
	}
	return false;
}

/* FLOW_N: it is not clear. Where none is concerned the first one's table says why not. */
static enum flow
flow_of(struct core *c, const struct command *m, const struct book *b)
{
	const struct procedure *p =
		m->procedure != NULL ? playbook_procedure(b->pb, m->procedure) : NULL;
	bool out = relevant(c, m, b, FLOW_OUTBOUND), in = relevant(c, m, b, FLOW_INBOUND);

	if (p != NULL)
		return p->flow;
	if (out && in && m->verb != VERB_ACK)
		return FLOW_N;
	if (out || in)
		return out ? FLOW_OUTBOUND : FLOW_INBOUND;
	return b->m[FLOW_OUTBOUND].on ? FLOW_OUTBOUND : FLOW_INBOUND;
}

static struct book *
book_of(struct core *c, const struct command *m)
{
	if (m->playbook != NULL)
		return book_find(c, m->playbook);
	return c->books != NULL && c->books->next == NULL ? c->books : NULL;
}

/* --- deciding --- */

static bool
is_among(const char *user, const struct lmachine *l)
{
	for (int i = 0; i < l->approvals; i++)
		if (text_eq(l->approved_by[i], user))
			return true;
	return false;
}

void
command_decided(struct core *c, const struct command *m, struct book *b, enum flow f, bool matches,
	struct decision *d, int *exit)
{
	const struct lmachine *l = ledger_machine(&c->l, b->name, f);
	bool said = m->verb == VERB_APPROVE || m->verb == VERB_DENY;
	struct cmd_facts cf = { .verb = m->verb,
		.user = m->principal,
		.owner = m->owner,
		.overrides = m->overrides,
		.overrides_n = m->overrides_n,
		.plan_matches = matches };
	struct facts facts;

	machine_facts(c, b, f, &facts);
	if (PLANTED(SECOND_RUN)) {
		facts.state = LS_NORMAL;
		facts.run = RUN_NONE;
	}
	if (said) {
		cf.expired = m->expires_wall_ms > 0 && c->wall_ms > m->expires_wall_ms;
		cf.replayed = m->nonce != NULL && m->nonce[0] != '\0' &&
			      ledger_nonce_used(&c->l, m->nonce);
		cf.already = m->verb == VERB_APPROVE && is_among(m->principal, l) &&
			     !PLANTED(WORDS_COUNT);
	}
	decide_command(&facts, &cf, d, exit);
}

/* A row that moves the machine, or leads to something, stands in the journal; mere notes are the
 * COMMAND alone. */
static void
row_of(struct core *c, struct book *b, enum flow f, const struct decision *d)
{
	const struct lmachine *l = ledger_machine(&c->l, b->name, f);

	if (d->row->act != LD_STAY || d->row->to != l->state)
		machine_row(c, b, f, d, false);
}

/* --- who hears how a run ends --- */

static void
wait_for(struct core *c, const struct command *m, const char *run)
{
	struct waiter *w = mem_get(&c->env.mem, sizeof *w);

	if (w == NULL)
		return;
	memset(w, 0, sizeof *w);
	(void)snprintf(w->req, sizeof w->req, "%s", m->req);
	(void)snprintf(w->run, sizeof w->run, "%s", run);
	w->next = c->waiters;
	c->waiters = w;
}

static const char *
end_body(struct core *c, const struct lrun *r, const char *state, const char *why)
{
	struct buf b;
	struct jw w;
	const char *text;

	buf_init(&b, &c->env.mem, BODY_MAX);
	jw_init(&w, &b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "run", r->id);
	jw_str(&w, "state", state);
	effects_put(&r->effects, &w);
	if (text_eq(state, "done"))
		jw_str(&w, "text", why);
	else
		jw_str(&w, "error", why);
	jw_close(&w, '}');
	text = core_keep(c, buf_text(&b));
	buf_fini(&b);
	return text != NULL ? text : "{}";
}

void
command_ended(struct core *c, const char *run, int exit, const char *state, const char *why)
{
	struct waiter **at = &c->waiters;

	while (*at != NULL) {
		struct waiter *w = *at;

		if (!text_eq(w->run, run)) {
			at = &w->next;
			continue;
		}
		tell_reply(c, true, w->req, exit, end_body(c, ledger_run(&c->l, run), state, why),
			true);
		*at = w->next;
		mem_put(&c->env.mem, w);
		c->run_ended = c->one_shot;
		c->run_exit = exit;
	}
}

void
command_started(struct core *c, const struct command *m, const char *run, const char *hash)
{
	struct buf b;
	struct jw w;

	buf_init(&b, &c->env.mem, BODY_MAX);
	jw_init(&w, &b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "run", run);
	jw_str(&w, "plan_hash", hash);
	jw_str(&w, "state", "started");
	jw_close(&w, '}');
	tell_reply(c, true, m->req, EXIT_OK, buf_text(&b), false);
	buf_fini(&b);
	wait_for(c, m, run);
}

/* --- plan, cutover, failback --- */

static bool
back_of(const struct command *m)
{
	return m->verb == VERB_FAILBACK || (m->verb == VERB_PLAN && m->of == VERB_FAILBACK);
}

bool
command_answer_plan(struct core *c, const struct command *m, const struct plan *p)
{
	struct buf b, text;
	struct jw w;

	buf_init(&b, &c->env.mem, 2 * BODY_MAX);
	buf_init(&text, &c->env.mem, BODY_MAX);
	plan_text(p, &text, false);
	jw_init(&w, &b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "playbook", p->pb->name);
	jw_str(&w, "procedure", p->proc->name);
	jw_str(&w, "flow", flow_name(p->proc->flow));
	jw_str(&w, "direction", plan_direction_name(p->dir));
	jw_str(&w, "plan_hash", p->hash);
	jw_int(&w, "expect_ms", p->expect_ms);
	jw_int(&w, "steps", (int64_t)p->steps_n);
	jw_str(&w, "text", buf_text(&text));
	jw_close(&w, '}');
	command_record(c, m, NULL, EXIT_OK, p->hash);
	tell_reply(c, true, m->req, EXIT_OK, buf_text(&b), true);
	buf_fini(&text);
	buf_fini(&b);
	return true;
}

/* The plan that was shown, by so much of its hash that it can be no other; none was named. */
static bool
same_hash(const struct command *m, const char *hash)
{
	if (m->plan_hash == NULL || m->plan_hash[0] == '\0')
		return true;
	return strlen(m->plan_hash) >= HASH_SHORT && text_starts(hash, m->plan_hash);
}

bool
command_same_plan(const struct command *m, const struct plan *p)
{
	return same_hash(m, p->hash);
}

/* From blocked: what is left half done is given up as a run; the new one takes all of it home. */
static void
give_up_blocked(struct core *c, const struct book *b, enum flow f)
{
	const struct lrun *r = ledger_open_run(&c->l, b->name, f);
	struct buf out;
	struct jw w;

	if (r == NULL || r->state != LR_BLOCKED || PLANTED(BESIDE_BLOCKED))
		return;
	buf_init(&out, &c->env.mem, 4096);
	jw_init(&w, &out);
	jw_open(&w, NULL, '{');
	jw_str(&w, "state", "failed");
	jw_str(&w, "why", "a person takes the mail home from here");
	jw_close(&w, '}');
	(void)propose(c, REC_END, r->id, &out);
	buf_fini(&out);
}

static bool
start(struct core *c, struct command *m, struct book *b, enum flow f, const struct decision *d,
	const struct plan *p)
{
	struct start s = { .plan = p,
		.kind = back_of(m) ? LK_FAILBACK : LK_CUTOVER,
		.by = m->principal,
		.reason = m->reason != NULL ? m->reason : "",
		.overrides = m->overrides,
		.overrides_n = m->overrides_n };
	const char *run;

	if (s.kind == LK_FAILBACK)
		give_up_blocked(c, b, f);
	machine_row(c, b, f, d, false);
	run = run_start(c, &s);
	if (run == NULL)
		return true;
	command_record(c, m, run, EXIT_OK, "started");
	command_started(c, m, run, p->hash);
	return true;
}

static bool
with_plan(struct core *c, struct command *m, struct book *b, enum flow f,
	const struct procedure *proc)
{
	struct plan_want w = { .proc = proc,
		.dir = back_of(m) ? PLAN_BACK : PLAN_OUT,
		.overrides = m->overrides,
		.overrides_n = m->overrides_n };
	const struct plan *p = NULL;
	struct decision *d = arena_get(c->out, sizeof *d);
	struct err err = { 0 };
	int exit = EXIT_OK;
	enum rc rc;

	if (m->look == NULL) {
		m->look = look_for_plan(c, b, proc, w.dir);
		if (m->look == NULL || m->look->n > 0)
			return false;
	}
	rc = look_plan(c, m->look, &w, &p, &err);
	if (rc == RC_BUSY || d == NULL)
		return false;
	if (rc != RC_OK)
		return command_refuse(c, m, rc == RC_CONFLICT ? EXIT_GUARD : EXIT_FAILED,
			core_keep(c, err.text), NULL);
	if (m->verb == VERB_PLAN)
		return command_answer_plan(c, m, p);
	command_decided(c, m, b, f, command_same_plan(m, p), d, &exit);
	if (!d->any)
		return refuse_beside(c, m, b, f, exit, d);
	return start(c, m, b, f, d, p);
}

static bool
names(const struct command *m, const char *guard)
{
	for (size_t i = 0; i < m->overrides_n; i++)
		if (text_eq(m->overrides[i], guard))
			return true;
	return false;
}

/* `failback --wait`: until the primary has been healthy for the whole soak and the queues are
 * empty. With --now they are looked at once. */
static bool
soaks(struct core *c, const struct command *m, struct book *b, enum flow f)
{
	const struct lmachine *l = ledger_machine(&c->l, b->name, f);
	const struct procedure *p = playbook_cutover(b->pb, f);
	struct facts facts;

	if (m->verb != VERB_FAILBACK || (l->state != LS_ON_BACKUP && l->state != LS_RECOVERING))
		return false;
	if (machine_asks_queues(l, p) && !b->m[f].queues_known && !names(m, "queues"))
		return c->boot_ms < m->limit_boot_ms;
	if (names(m, "soak"))
		return false;
	machine_facts(c, b, f, &facts);
	return !facts.primary_ok || !facts.primary_soaked ||
	       (machine_asks_queues(l, p) && !facts.queues_drained && !names(m, "queues"));
}

/* A run that is given up may leave nothing behind that still lands. */
static bool
gives_up(struct core *c, const struct command *m, const struct book *b, enum flow f)
{
	const struct lrun *r = ledger_open_run(&c->l, b->name, f);

	return m->verb == VERB_FAILBACK && r != NULL && r->state == LR_BLOCKED;
}

static const struct procedure *
procedure_of(const struct command *m, const struct book *b, enum flow f)
{
	return m->procedure != NULL ? playbook_procedure(b->pb, m->procedure)
				    : playbook_cutover(b->pb, f);
}

/* The shelter of a playbook that has no cut-over at all. */
static const struct procedure *
lone_shelter(const struct book *b)
{
	for (size_t i = 0; i < b->pb->procedures_n; i++)
		if (b->pb->procedures[i].kind != PROC_SHELTER)
			return NULL;
	return b->pb->procedures_n > 0 ? &b->pb->procedures[0] : NULL;
}

#define TYPE_IT                                                                                    \
	"to take its steps by hand, type the commands of: ferryman plan PLAYBOOK %s --by-hand"

/* What the text of the playbook alone refuses, wherever mail runs: it waits for no target. Returns
 * true when it was refused. */
static bool
refuse_by_text(struct core *c, const struct command *m, const struct book *b, enum flow f)
{
	const struct procedure *proc = procedure_of(m, b, f), *shelter = lone_shelter(b);
	const char *why;

	if (proc == NULL && m->procedure == NULL && b->pb->mode == MODE_OBSERVE)
		return command_refuse(c, m, EXIT_GUARD,
			arena_fmt(c->out,
				"mode: observe never writes, and %s has no cut-over: run a "
				"playbook that has one",
				b->name),
			NULL);
	if (proc != NULL && (m->verb == VERB_PLAN || proc->kind == PROC_CUTOVER))
		return false;
	if (proc != NULL)
		why = arena_fmt(c->out,
			"%s is a shelter and no cut-over: no command starts it, only a response of "
			"the playbook; " TYPE_IT,
			proc->name, proc->name);
	else if (m->procedure != NULL)
		why = arena_fmt(c->out, "%s has no procedure \"%s\"", b->name, m->procedure);
	else if (shelter != NULL)
		why = arena_fmt(c->out,
			"%s has no cut-over, only the shelter %s, which no command "
			"starts; " TYPE_IT,
			b->name, shelter->name, shelter->name);
	else
		why = arena_fmt(c->out, "%s has no cut-over for %s mail", b->name, flow_name(f));
	return command_refuse(c, m, EXIT_USAGE, why, NULL);
}

static bool
run_procedure(struct core *c, struct command *m, struct book *b, enum flow f)
{
	const struct procedure *proc = procedure_of(m, b, f);
	struct decision *d = arena_get(c->out, sizeof *d);
	char why[WHY_LEN];
	int exit = EXIT_OK;

	if (d == NULL)
		return true;
	if (m->verb == VERB_PLAN)
		return with_plan(c, m, b, f, proc);
	if (m->look == NULL && !soaks(c, m, b, f)) {
		command_decided(c, m, b, f, true, d, &exit);
		if (!d->any)
			return refuse_beside(c, m, b, f, exit, d);
	}
	if (gives_up(c, m, b, f) && !fence_quiet(c, b)) {
		if (c->boot_ms < m->limit_boot_ms)
			return false;
		return command_refuse(c, m, EXIT_BLOCKED,
			"what the blocked run has sent may still land, and its target takes no "
			"newer number now: try "
			"again when it can be reached",
			NULL);
	}
	if (soaks(c, m, b, f) || (!asking_may_start(c, b, f, why, sizeof why) &&
					 ledger_open_run(&c->l, b->name, f) == NULL)) {
		look_free(c, &m->look); /* what was read will be old by then */
		return false;
	}
	return with_plan(c, m, b, f, proc);
}

/* --- abort, continue --- */

static bool
abort_run(struct core *c, struct command *m, struct book *b, enum flow f)
{
	const struct lrun *r = ledger_open_run(&c->l, b->name, f);
	struct decision *d = arena_get(c->out, sizeof *d);
	int exit = EXIT_OK;

	if (d == NULL)
		return true;
	if (r != NULL && m->run != NULL && !text_eq(r->id, m->run))
		return command_refuse(c, m, EXIT_GUARD,
			arena_fmt(c->out, "the open run is %s, not %s", r->id, m->run), NULL);
	command_decided(c, m, b, f, true, d, &exit);
	if (r == NULL || !d->any)
		return command_refuse_decided(c, m, exit, d);
	row_of(c, b, f, d);
	command_record(c, m, r->id, EXIT_OK, "turned round");
	answer(c, m, EXIT_OK, NULL,
		arena_fmt(c->out,
			"%s is turned round: it undoes what it has done so far, in reverse order",
			r->id),
		NULL);
	return true;
}

static bool
answer_ended(struct core *c, const struct command *m, const struct lrun *r)
{
	bool done = r->state == LR_DONE || r->state == LR_OPEN;

	tell_reply(c, false, m->req, done ? EXIT_OK : EXIT_FAILED,
		end_body(c, r, lrun_state_name(r->state), r->why), true);
	if (c->one_shot) {
		c->run_ended = true;
		c->run_exit = done ? EXIT_OK : EXIT_FAILED;
	}
	return true;
}

/* A shelter that a cut-over has taken over would park mail once more beside it; the end of a
 * shelter would let go what a newer one keeps. */
static bool
is_overtaken(struct core *c, const struct lrun *r)
{
	const struct lrun *s = ledger_shelter(&c->l, r->playbook, r->flow);

	return r->adopted || (r->kind == LK_UNSHELTER && s != NULL && s > r && /* by their START */
				     !PLANTED(OLD_END_GOES_ON));
}

static bool
continue_run(struct core *c, struct command *m, struct book *b, enum flow f)
{
	const struct lrun *r = ledger_open_run(&c->l, b->name, f),
			  *named = m->run != NULL ? ledger_run(&c->l, m->run) : r;
	struct decision *d = arena_get(c->out, sizeof *d);
	int exit = EXIT_OK;

	if (d == NULL)
		return true;
	if (m->run != NULL && named == NULL)
		return command_refuse(
			c, m, EXIT_USAGE, arena_fmt(c->out, "there is no run %s", m->run), NULL);
	if (named != NULL && named->state != LR_FORWARD && named->state != LR_BACKWARD &&
		named->state != LR_BLOCKED)
		return answer_ended(c, m, named);
	if (named != NULL && is_overtaken(c, named))
		return command_refuse(c, m, EXIT_GUARD,
			arena_fmt(c->out,
				"%s was overtaken by a later run: the mail that waits goes with "
				"that one",
				named->id),
			NULL);
	command_decided(c, m, b, f, true, d, &exit);
	if (named == NULL || !d->any)
		return command_refuse_decided(c, m, exit, d);
	row_of(c, b, f, d);
	if (named->era < c->era) { /* not judged in this era, or in vain */
		b->m[f].era_read = false;
		b->m[f].settle_again = named->kind == LK_SHELTER || named->kind == LK_UNSHELTER;
		settle_anew(c, b, f);
	}
	command_record(c, m, named->id, EXIT_OK, "goes on");
	command_started(c, m, named->id, named->hash);
	return true;
}

/* --- approve, deny --- */

static void
put_approval(struct core *c, const struct command *m, const struct book *b, enum flow f,
	const char *hash)
{
	struct buf out;
	struct jw w;

	buf_init(&out, &c->env.mem, RECORD_MAX);
	jw_init(&w, &out);
	jw_open(&w, NULL, '{');
	jw_str(&w, "playbook", b->name);
	jw_str(&w, "flow", flow_name(f));
	jw_str(&w, "plan_hash", hash);
	jw_str(&w, "user", m->principal);
	jw_str(&w, "verdict", m->verb == VERB_APPROVE ? "approve" : "deny");
	if (m->reason != NULL)
		jw_str(&w, "reason", m->reason);
	if (m->nonce != NULL)
		jw_str(&w, "nonce", m->nonce);
	jw_close(&w, '}');
	(void)propose(c, REC_APPROVAL, "", &out);
	buf_fini(&out);
}

static void
answer_approval(struct core *c, const struct command *m, struct book *b, enum flow f, int exit)
{
	const struct lmachine *l = ledger_machine(&c->l, b->name, f);
	struct facts facts;
	struct buf out;
	struct jw w;

	machine_facts(c, b, f, &facts);
	buf_init(&out, &c->env.mem, BODY_MAX);
	jw_init(&w, &out);
	jw_open(&w, NULL, '{');
	jw_str(&w, "playbook", b->name);
	jw_str(&w, "flow", flow_name(f));
	jw_str(&w, "plan_hash", l->ask_hash);
	jw_int(&w, "approvals", l->approvals + (m->verb == VERB_APPROVE));
	jw_int(&w, "needed", facts.approvals_needed);
	jw_str(&w, "text",
		m->verb == VERB_DENY
			? "denied: it is not asked again before the diagnosis has cleared"
		: exit == EXIT_PENDING ? "approved; it waits for others"
				       : "approved: it starts");
	jw_close(&w, '}');
	tell_reply(c, true, m->req, exit, buf_text(&out), true);
	buf_fini(&out);
}

static bool
say_yes_or_no(struct core *c, struct command *m, struct book *b, enum flow f)
{
	const struct lmachine *l = ledger_machine(&c->l, b->name, f);
	struct decision *d = arena_get(c->out, sizeof *d);
	bool matches = same_hash(m, l->ask_hash);
	int exit = EXIT_OK;

	if (d == NULL)
		return true;
	command_decided(c, m, b, f, matches, d, &exit);
	if (!d->any)
		return command_refuse_decided(c, m, exit, d);
	put_approval(c, m, b, f, l->ask_hash);
	command_record(c, m, NULL, exit, m->verb == VERB_APPROVE ? "approved" : "denied");
	answer_approval(c, m, b, f, exit);
	return true;
}

/* --- pause, resume, ack --- */

void
command_brake(struct core *c, const struct command *m, const struct book *b, const char *reason,
	bool eject)
{
	bool on = m->verb != VERB_RESUME;
	struct buf out;
	struct jw w;

	buf_init(&out, &c->env.mem, RECORD_MAX);
	jw_init(&w, &out);
	jw_open(&w, NULL, '{');
	jw_str(&w, "playbook", b->name);
	jw_str(&w, "state", on ? "pause" : "resume");
	jw_str(&w, "by", m->principal);
	jw_str(&w, "reason", reason);
	jw_int(&w, "expires", on && !eject ? m->expires_wall_ms : 0);
	if (eject)
		jw_bool(&w, "eject", true);
	jw_close(&w, '}');
	(void)propose(c, REC_BRAKE, "", &out);
	buf_fini(&out);
}

static bool
note(struct core *c, struct command *m, struct book *b, enum flow f)
{
	const struct lmachine *l = ledger_machine(&c->l, b->name, f);
	struct decision *d = arena_get(c->out, sizeof *d);
	const char *text = m->verb == VERB_ACK	   ? "taken note of"
			   : m->verb == VERB_PAUSE ? "the brake is on"
						   : "the brake is off";
	int exit = EXIT_OK;

	if (d == NULL)
		return true;
	command_decided(c, m, b, f, true, d, &exit);
	if (!d->any)
		return command_refuse_decided(c, m, exit, d);
	if (m->verb != VERB_ACK && !(PLANTED(PAUSE_UNWRITTEN) && m->verb == VERB_PAUSE))
		command_brake(c, m, b, m->reason != NULL ? m->reason : "", false);
	row_of(c, b, f, d);
	command_record(c, m, NULL, exit, text);
	answer(c, m, exit, NULL, text, NULL);
	if (m->verb == VERB_ACK && l->state == LS_BLOCKED &&
		ledger_open_run(&c->l, b->name, f) == NULL) {
		b->m[f].settle_again = true;
		settle_anew(c, b, f);
	}
	return true;
}

/* --- all of them --- */

/* What must know where mail runs waits for that, for a while. */
static bool
waits_for_settling(struct core *c, const struct command *m, const struct book *b, enum flow f)
{
	const struct lmachine *l = ledger_machine(&c->l, b->name, f);

	if (m->verb != VERB_CUTOVER && m->verb != VERB_FAILBACK && m->verb != VERB_ABORT &&
		m->verb != VERB_CONTINUE)
		return false;
	return l->state == LS_SETTLING && c->boot_ms < m->limit_boot_ms;
}

static bool
answer_status(struct core *c, const struct command *m)
{
	struct buf b;

	buf_init(&b, &c->env.mem, 8 * 1024 * 1024);
	core_status(c, &b, true);
	tell_reply(c, false, m->req, EXIT_OK, buf_text(&b), true);
	buf_fini(&b);
	return true;
}

/* While ferryman is being taken out nothing else begins, and the brake that holds it stays on. A
 * pause with a time would bring it back by itself; and whoever names the brake would send to
 * targets that bear no number of ours, where what was sent before is not kept away. */
static bool
waits_for_eject(struct core *c, const struct command *m, const struct book *b)
{
	const struct lrun *r = ledger_eject(&c->l, b->name);

	if (m->verb == VERB_PAUSE && ledger_ejected(&c->l, b->name))
		return command_refuse(c, m, EXIT_GUARD,
			"the brake is on until `resume`: ferryman is taken out of its targets",
			NULL);
	if (r == NULL && (m->verb == VERB_CUTOVER || m->verb == VERB_FAILBACK) &&
		ledger_ejected(&c->l, b->name))
		return command_refuse(c, m, EXIT_GUARD,
			"ferryman is taken out of its targets: `resume` first, so that they bear "
			"its number again",
			NULL);
	if (r == NULL || (m->verb == VERB_RESUME && r->era < c->era) || m->verb == VERB_PLAN ||
		m->verb == VERB_PAUSE || m->verb == VERB_ACK || m->verb == VERB_DENY)
		return false;
	return command_refuse(c, m, EXIT_GUARD,
		arena_fmt(c->out, "ferryman is being taken out of %s (run %s): wait for its end",
			b->name, r->id),
		NULL);
}

/* Returns true when it has had its last answer, or is a run's now. */
static bool
serve(struct core *c, struct command *m)
{
	struct book *b = book_of(c, m);
	enum flow f;

	if (m->verb == VERB_STATUS)
		return answer_status(c, m);
	if (b == NULL || b->pb == NULL || b->ev == NULL)
		return command_refuse(c, m, EXIT_USAGE,
			m->playbook != NULL
				? arena_fmt(c->out, "no playbook \"%s\" is in force here",
					  m->playbook)
				: "name the playbook",
			NULL);
	if (waits_for_eject(c, m, b))
		return true;
	if (m->verb == VERB_EJECT || (m->verb == VERB_PLAN && m->of == VERB_EJECT))
		return eject(c, m, b);
	f = flow_of(c, m, b);
	if (f == FLOW_N)
		return command_refuse(c, m, EXIT_USAGE,
			arena_fmt(c->out,
				"%s is meant for outbound or inbound mail of %s? name the "
				"procedure, the run or the plan",
				verb_name(m->verb), b->name),
			NULL);
	if ((m->verb == VERB_PLAN || m->verb == VERB_CUTOVER || m->verb == VERB_FAILBACK) &&
		refuse_by_text(c, m, b, f))
		return true;
	if (waits_for_settling(c, m, b, f))
		return false;
	switch (m->verb) {
	case VERB_PLAN:
	case VERB_CUTOVER:
	case VERB_FAILBACK:
		return run_procedure(c, m, b, f);
	case VERB_ABORT:
		return abort_run(c, m, b, f);
	case VERB_CONTINUE:
		return continue_run(c, m, b, f);
	case VERB_APPROVE:
	case VERB_DENY:
		return say_yes_or_no(c, m, b, f);
	case VERB_PAUSE:
	case VERB_RESUME:
	case VERB_ACK:
		return note(c, m, b, f);
	case VERB_STATUS:
	case VERB_DRILL:
	case VERB_EJECT: /* of all flows */
	case VERB_N:
		break;
	}
	return command_refuse(c, m, EXIT_USAGE,
		arena_fmt(c->out, "%s is not built into the engine yet; nothing was done",
			verb_name(m->verb)),
		NULL);
}

static void
command_free(struct core *c, struct command *m)
{
	struct arena *a = m->a;

	look_free(c, &m->look);
	arena_free(&a);
}

void
commands_all(struct core *c)
{
	struct command **at = &c->commands;

	while (*at != NULL && !proposed(c)) {
		struct command *m = *at;

		if (!serve(c, m)) {
			at = &m->next;
			continue;
		}
		*at = m->next;
		command_free(c, m);
	}
}

void
commands_forget(struct core *c, const struct book *b)
{
	for (struct command *m = c->commands; m != NULL; m = m->next)
		if (m->look != NULL && m->look->book == b)
			look_free(c, &m->look);
}

void
commands_free(struct core *c)
{
	while (c->commands != NULL) {
		struct command *m = c->commands;

		c->commands = m->next;
		command_free(c, m);
	}
	while (c->waiters != NULL) {
		struct waiter *w = c->waiters;

		c->waiters = w->next;
		mem_put(&c->env.mem, w);
	}
}

int64_t
commands_wake(const struct core *c)
{
	int64_t wake = INT64_MAX;

	for (const struct command *m = c->commands; m != NULL; m = m->next)
		if (m->limit_boot_ms > c->boot_ms)
			wake = earlier(wake, m->limit_boot_ms);
	return wake;
}

static void
copy(struct command *m, const struct event *ev)
{
	m->req = arena_str(m->a, ev->command.req);
	m->principal = arena_str(m->a, ev->command.principal != NULL ? ev->command.principal : "?");
	m->via = arena_str(m->a, ev->command.via != NULL ? ev->command.via : "?");
	m->playbook = arena_str(m->a, ev->command.playbook);
	m->procedure = arena_str(m->a, ev->command.procedure);
	m->run = arena_str(m->a, ev->command.run);
	m->plan_hash = arena_str(m->a, ev->command.plan_hash);
	m->reason = arena_str(m->a, ev->command.reason);
	m->nonce = arena_str(m->a, ev->command.nonce);
	for (size_t i = 0; i < ev->command.overrides_n; i++)
		m->overrides[m->overrides_n++] = arena_str(m->a, ev->command.overrides[i]);
	m->verb = ev->command.verb;
	m->of = ev->command.of;
	m->expires_wall_ms = ev->command.expires_wall_ms;
	m->owner = text_eq(m->via, "owner");
}

void
command_take(struct core *c, const struct event *ev)
{
	struct command **end = &c->commands, *m;
	size_t waiting = 0;
	struct arena *a;

	if (c->phase != PH_OPEN) {
		tell_reply(c, false, ev->command.req, EXIT_FAILED,
			"{\"error\":\"ferryman is stopping; ask again when it runs\"}", true);
		return;
	}
	for (m = c->commands; m != NULL; m = m->next)
		waiting++;
	if (waiting >= COMMANDS_MAX) {
		tell_reply(c, false, ev->command.req, EXIT_FAILED,
			"{\"error\":\"too many requests wait for an answer; try again\"}", true);
		return;
	}
	a = arena_new(&c->env.mem, 4 * (size_t)RECORD_MAX);
	m = a != NULL ? arena_get(a, sizeof *m) : NULL;
	if (m == NULL) {
		arena_free(&a);
		return;
	}
	m->a = a;
	m->limit_boot_ms = c->boot_ms + HOLD_COMMAND_MS;
	copy(m, ev);
	while (*end != NULL)
		end = &(*end)->next;
	*end = m;
}
