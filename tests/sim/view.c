/*
 * view.c - what the journal says, added up by another hand than the core's: runs with their plans,
 * intents, results, brakes, and what targets accepted. Nothing is ever taken from the core's own
 * ledger.
 */
#include "base/text.h"
#include "sim/reach.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct vrun *
view_run(struct view *v, const char *id)
{
	for (size_t i = v->runs_n; id != NULL && id[0] != '\0' && i-- > 0;)
		if (text_eq(v->run[i].id, id))
			return &v->run[i];
	return NULL;
}

struct vintent *
view_intent(struct view *v, uint64_t lsn)
{
	for (size_t i = v->intents_n; i-- > 0;)
		if (v->intent[i].lsn == lsn)
			return &v->intent[i];
	return NULL;
}

const struct vstep *
view_step(const struct vrun *r, const char *id)
{
	for (size_t i = 0; r != NULL && i < r->steps_n; i++)
		if (text_eq(r->step[i].id, id))
			return &r->step[i];
	return NULL;
}

static size_t
index_of(const struct view *v, const struct vrun *r)
{
	return r != NULL ? (size_t)(r - v->run) : SIZE_MAX;
}

bool
view_done(const struct view *v, const struct vrun *r, const char *step, enum effect_dir dir)
{
	for (size_t i = v->results_n; i-- > 0;) {
		const struct vresult *x = &v->result[i];

		if (x->run == index_of(v, r) && x->dir == dir && text_eq(x->step, step) &&
			(x->outcome == OUT_DONE || x->outcome == OUT_UNCHANGED))
			return true;
	}
	return false;
}

struct vintent *
view_newest(struct view *v, const struct vrun *r, const char *step, enum effect_dir dir)
{
	for (size_t i = v->intents_n; i-- > 0;) {
		struct vintent *x = &v->intent[i];

		if (!x->gone && x->run == index_of(v, r) && x->dir == dir && text_eq(x->step, step))
			return x;
	}
	return NULL;
}

/* --- from records --- */

static const char *
field(struct sim *s, const struct json *o, const char *key)
{
	const char *v = json_str(o, key);

	return v != NULL ? sim_str(s, v) : "";
}

static enum effect_dir
dir_of(const char *word)
{
	return text_eq(word, "undo") ? DIR_UNDO : text_eq(word, "fence") ? DIR_FENCE : DIR_DO;
}

static void
read_step(struct sim *s, const struct json *o, struct vstep *st)
{
	const struct step_kind *k;
	const struct json *needs = json_get(o, "needs");

	st->id = field(s, o, "id");
	st->kind = field(s, o, "kind");
	st->target = field(s, o, "target");
	st->domain = field(s, o, "domain");
	st->resource = field(s, o, "resource");
	st->base = field(s, o, "base");
	st->want = field(s, o, "want");
	st->undo = field(s, o, "undo");
	st->options = field(s, o, "options");
	st->pivot = json_flag(o, "pivot");
	k = step_kind_find(st->kind);
	st->state = k != NULL && k->class == STEP_STATE;
	st->act = k != NULL && k->class == STEP_ACT;
	for (const struct json *n = needs != NULL ? needs->child : NULL;
		n != NULL && st->needs_n < 24; n = n->next)
		st->needs[st->needs_n++] = sim_str(s, n->str);
}

static bool
names_brake(const struct record *r)
{
	const struct json *over = json_get(r->body, "overrides");

	for (const struct json *o = over != NULL ? over->child : NULL; o != NULL; o = o->next)
		if (text_eq(o->str, "pause"))
			return true;
	return false;
}

static void
note_named(const struct sim *s, const struct record *r, struct vrun *run)
{
	if (!names_brake(r))
		return;
	run->named_seq = r->seq;
	run->named_at = s->now;
}

/* A person's order for a run that is there. */
static void
read_command(const struct sim *s, const struct record *r, struct vrun *run)
{
	if (run == NULL || json_int(r->body, "exit", 1) != 0)
		return;
	run->turned = run->turned || text_eq(json_str(r->body, "verb"), "abort");
	note_named(s, r, run);
}

static struct vrun *
read_start(struct sim *s, const struct record *r)
{
	struct view *v = &s->view;
	const struct json *steps = json_get(json_get(r->body, "plan"), "steps"),
			  *over = json_get(r->body, "overrides");
	struct vrun *run;

	v->run = stdmem.resize(stdmem.ctx, v->run, (v->runs_n + 1) * sizeof *v->run);
	run = &v->run[v->runs_n++];
	*run = (struct vrun){ .id = sim_str(s, r->run),
		.playbook = field(s, r->body, "playbook"),
		.flow = field(s, r->body, "flow"),
		.kind = field(s, r->body, "kind"),
		.plan_hash = field(s, r->body, "plan_hash"),
		.by = field(s, r->body, "by"),
		.reason = field(s, r->body, "reason"),
		.start_seq = r->seq,
		.start_at = s->now,
		.start_unseen = v->unseen_ms,
		.started = true };
	run->step = arena_get(s->arena, ((steps != NULL ? steps->len : 0) + 1) * sizeof *run->step);
	for (const struct json *o = steps != NULL ? steps->child : NULL; o != NULL; o = o->next)
		read_step(s, o, &run->step[run->steps_n++]);
	run->names_pause = names_brake(r);
	note_named(s, r, run);
	for (const struct json *o = over != NULL ? over->child : NULL; o != NULL; o = o->next)
		run->names_queues |= o->str != NULL && strstr(o->str, "queues") != NULL;
	if (!v->replaying)
		reach_plan(s, run);
	return run;
}

static struct vintent *
read_intent(struct sim *s, const struct record *r, struct vrun *run)
{
	struct view *v = &s->view;
	struct vintent *x;

	v->intent = stdmem.resize(stdmem.ctx, v->intent, (v->intents_n + 1) * sizeof *v->intent);
	x = &v->intent[v->intents_n++];
	*x = (struct vintent){ .lsn = r->lsn,
		.seq = r->seq,
		.seen_lsn = (uint64_t)json_int(r->body, "seen_lsn", 0),
		.run = index_of(v, run),
		.run_id = sim_str(s, r->run),
		.step = field(s, r->body, "step"),
		.target = field(s, r->body, "target"),
		.domain = field(s, r->body, "domain"),
		.resource = field(s, r->body, "resource"),
		.base = field(s, r->body, "base"),
		.want = field(s, r->body, "want"),
		.options = field(s, r->body, "options"),
		.dir = dir_of(json_str(r->body, "dir")),
		.pivot = json_flag(r->body, "pivot"),
		.at = s->now };
	if (x->pivot && x->dir == DIR_DO && run != NULL && run->pivot_seq == 0)
		run->pivot_seq = r->seq;
	return x;
}

/* A pivot that was there already when its turn came has no INTENT: mail takes the new way. */
static void
pivots(struct vrun *run, const char *step, uint64_t seq)
{
	const struct vstep *st = view_step(run, step);

	if (run != NULL && st != NULL && st->pivot && run->pivot_seq == 0)
		run->pivot_seq = seq;
}

static const struct vresult *
read_result(struct sim *s, const struct record *r, struct vrun *run)
{
	struct view *v = &s->view;
	struct vresult *x;
	struct vintent *of;

	v->result = stdmem.resize(stdmem.ctx, v->result, (v->results_n + 1) * sizeof *v->result);
	x = &v->result[v->results_n++];
	*x = (struct vresult){ .seq = r->seq,
		.era = r->era,
		.of = (uint64_t)json_int(r->body, "of", 0),
		.run = index_of(v, run),
		.step = field(s, r->body, "step"),
		.dir = dir_of(json_str(r->body, "dir")),
		.outcome = outcome_parse(json_str(r->body, "outcome")) };
	of = x->of != 0 ? view_intent(v, x->of) : NULL;
	if (of != NULL && x->outcome != OUT_UNKNOWN && x->outcome != OUT_RETRY) {
		of->answered = true;
		of->outcome = x->outcome;
	}
	if (x->dir == DIR_DO && (x->outcome == OUT_DONE || x->outcome == OUT_UNCHANGED))
		pivots(run, x->step, r->seq);
	return x;
}

/* A shelter is a cut-over's from ADOPT on. */
static void
read_adopt(struct sim *s, const struct record *r)
{
	struct vrun *shelter = view_run(&s->view, json_str(r->body, "shelter"));

	if (shelter != NULL)
		shelter->adopted = true;
}

/* It stands by itself again when the cut-over comes to nothing; its mail has left with a run that
 * is done, also where a copy of the journal was cut just before that is said. */
static void
goes_with(struct view *v, const struct vrun *run)
{
	bool moves = text_eq(run->kind, "cutover") || text_eq(run->kind, "failback"),
	     lets_go = text_eq(run->kind, "unshelter");

	for (size_t i = 0; i < v->runs_n; i++) {
		struct vrun *x = &v->run[i];

		if (!text_eq(x->kind, "shelter") || x->terminal || !text_eq(x->flow, run->flow))
			continue;
		if (run->state == VR_DONE && (x->adopted ? moves : lets_go)) {
			x->state = VR_RELEASED;
			x->terminal = true;
		} else if (moves && (run->state == VR_UNDONE || run->state == VR_FAILED)) {
			x->adopted = false;
		}
	}
}

static void
read_end(struct sim *s, const struct record *r, struct vrun *run)
{
	static const struct {
		const char *word;
		int state;
	} words[] = { { "done", VR_DONE }, { "undone", VR_UNDONE }, { "open", VR_SHELTERING },
		{ "released", VR_RELEASED }, { "blocked", VR_BLOCKED }, { "failed", VR_FAILED } };
	const char *state = json_str(r->body, "state");

	for (size_t i = 0; run != NULL && i < sizeof words / sizeof *words; i++)
		if (text_eq(state, words[i].word))
			run->state = words[i].state;
	if (run == NULL)
		return;
	run->why = field(s, r->body, "why");
	run->turned = run->turned || text_eq(state, "backward");
	if (text_eq(state, "backward")) /* turned round: it goes on */
		return;
	run->terminal = run->state != VR_BLOCKED && run->state != VR_SHELTERING;
	if (!s->view.replaying && run->state == VR_DONE && text_eq(run->kind, "failback"))
		people_home(s);
	run->end_seq = r->seq;
	run->end_at = s->now;
	goes_with(&s->view, run);
}

/* From a start of the process on every machine settles anew. */
static void
read_row(struct sim *s, const struct record *r)
{
	struct view *v = &s->view;
	bool opened = r->type == REC_OPENED;

	for (int f = 0; f < FLOW_N; f++) {
		const char *to = opened ? "settling" : json_str(r->body, "to");

		if (!opened && !text_eq(json_str(r->body, "flow"), flow_name((enum flow)f)))
			continue;
		if (to != NULL && !text_eq(to, v->machine[f].state)) {
			v->machine[f].state = sim_str(s, to);
			v->machine[f].since = s->now;
		}
		for (size_t i = 0; i < v->runs_n; i++)
			if (!v->run[i].terminal && text_eq(v->run[i].kind, "shelter") &&
				text_eq(v->run[i].flow, flow_name((enum flow)f)) &&
				text_eq(json_str(r->body, "event"), "shelter-expired"))
				v->run[i].over_at = s->now;
	}
}

static void
read_brake(struct sim *s, const struct record *r)
{
	struct view *v = &s->view;
	const char *playbook = json_str(r->body, "playbook");
	size_t i = 0;

	while (i < v->brakes_n && !text_eq(v->brake[i].playbook, playbook))
		i++;
	if (i == BOOKS_N)
		return;
	if (i == v->brakes_n)
		v->brake[v->brakes_n++].playbook = sim_str(s, playbook);
	v->brake[i].on = text_eq(json_str(r->body, "state"), "pause");
	v->brake[i].seq = r->seq;
	v->brake[i].expires = json_int(r->body, "expires", 0);
}

static void
read_approval(struct sim *s, const struct record *r)
{
	struct view *v = &s->view;

	v->approval =
		stdmem.resize(stdmem.ctx, v->approval, (v->approvals_n + 1) * sizeof *v->approval);
	v->approval[v->approvals_n++] = (struct vapproval){ .hash = field(s, r->body, "plan_hash"),
		.user = field(s, r->body, "user"),
		.nonce = field(s, r->body, "nonce"),
		.yes = text_eq(json_str(r->body, "verdict"), "approve"),
		.seq = r->seq };
}

static void
trace_record(struct sim *s, const struct record *r, const struct vrecord *rec)
{
	if (rec->intent != NULL)
		trace_add(s, "#%llu INTENT %llu run %s step %s %s %s want \"%s\"",
			(unsigned long long)r->seq, (unsigned long long)r->lsn, r->run,
			rec->intent->step, effect_dir_name(rec->intent->dir), rec->intent->domain,
			rec->intent->want);
	else if (rec->result != NULL)
		trace_add(s, "#%llu RESULT of %llu run %s step %s %s %s",
			(unsigned long long)r->seq, (unsigned long long)rec->result->of, r->run,
			rec->result->step, effect_dir_name(rec->result->dir),
			outcome_name(rec->result->outcome));
	else if (r->type == REC_ROW)
		trace_add(s, "#%llu ROW %s %lld: %s -> %s on %s", (unsigned long long)r->seq,
			json_str(r->body, "flow"), (long long)json_int(r->body, "row", 0),
			json_str(r->body, "from"), json_str(r->body, "to"),
			json_str(r->body, "event"));
	else if (r->type == REC_END || r->type == REC_START)
		trace_add(s, "#%llu %s run %s %s %s", (unsigned long long)r->seq,
			record_type_name(r->type), r->run,
			json_str(r->body, r->type == REC_END ? "state" : "kind"),
			json_str(r->body, r->type == REC_END ? "why" : "by"));
	else
		trace_add(s, "#%llu %s", (unsigned long long)r->seq, record_type_name(r->type));
}

/* Steps that come seldom: on the way back, when ferryman is taken out, at the MX set, at a shelter.
 */
static bool
is_rare(const struct vrecord *rec)
{
	return rec->intent->dir == DIR_UNDO ||
	       (rec->run != NULL && text_eq(rec->run->kind, "eject")) ||
	       strstr(rec->intent->resource, " MX") != NULL ||
	       text_starts(rec->intent->resource, "relay.park ");
}

static void
take_record(struct sim *s, const struct record *r)
{
	struct view *v = &s->view;
	struct vrecord rec = { .r = r, .run = view_run(v, r->run) };

	if (r->type == REC_START)
		rec.run = read_start(s, r);
	else if (r->type == REC_INTENT)
		rec.intent = read_intent(s, r, rec.run);
	else if (r->type == REC_RESULT)
		rec.result = read_result(s, r, rec.run);
	else if (r->type == REC_END)
		read_end(s, r, rec.run);
	else if (r->type == REC_COMMAND)
		read_command(s, r, rec.run);
	else if (r->type == REC_ROW || r->type == REC_OPENED)
		read_row(s, r);
	else if (r->type == REC_ADOPT)
		read_adopt(s, r);
	else if (r->type == REC_BRAKE)
		read_brake(s, r);
	else if (r->type == REC_APPROVAL)
		read_approval(s, r);
	if (!v->replaying)
		trace_record(s, r, &rec);
	if (!v->replaying && rec.intent != NULL && rec.intent->dir != DIR_FENCE)
		process_moment(s, is_rare(&rec));
	if (!v->replaying)
		aim_record(s, &rec);
	for (size_t i = 0; invariants[i] != NULL && s->killer == NULL && !v->replaying; i++)
		if (invariants[i]->record != NULL)
			invariants[i]->record(s, &rec);
}

/* From one boot to the next time is told by the wall clock, clamped at 0 (DESIGN section 8). */
static void
read_clocks(struct view *v, const struct entry *e, const struct record *r)
{
	int64_t true_ms = e->boot_base + r->boot_ms, passed = r->wall_ms - v->wall_ms;

	if (v->boot_id[0] != '\0' && !text_eq(v->boot_id, r->boot_id))
		v->unseen_ms += (passed > 0 ? passed : 0) - (true_ms - v->true_ms);
	(void)snprintf(v->boot_id, sizeof v->boot_id, "%s", r->boot_id);
	v->wall_ms = r->wall_ms;
	v->true_ms = true_ms;
}

void
view_record(struct sim *s, const struct entry *e)
{
	struct arena *a = arena_new(&stdmem, (size_t)4 << 20);
	struct record r = { 0 };
	struct err err = { 0 };

	if (record_read(a, e->text, e->n, &r, &err) != RC_OK || r.type == REC_N) {
		violated(s, &inv_14, "record %zu cannot be read: %s", s->journal.n, err.text);
	} else {
		read_clocks(&s->view, e, &r);
		take_record(s, &r);
		s->view.seq = r.seq;
		if (r.lsn > s->view.lsn)
			s->view.lsn = r.lsn;

		memcpy(s->view.hash, e->hash, sizeof s->view.hash);
	}
	arena_free(&a);
}

/* Intents that are in the journal no more stay known: their requests may still be on the way. */
void
view_again(struct sim *s, size_t kept)
{
	struct view *v = &s->view, old = *v;
	int64_t now = s->now;

	people_forgot(s, kept);
	memset(v, 0, sizeof *v);
	v->eff = old.eff;
	v->effs_n = old.effs_n;
	v->replaying = true;
	for (size_t i = 0; i < kept; i++) {
		s->now = s->journal.entry[i].at;
		view_record(s, &s->journal.entry[i]);
	}
	s->now = now;
	v->replaying = false;
	for (size_t i = 0; i < old.intents_n; i++) {
		struct vintent x = old.intent[i];

		if (!x.gone && x.seq <= kept)
			continue;
		x.gone = true;
		x.run = SIZE_MAX;
		v->intent = stdmem.resize(
			stdmem.ctx, v->intent, (v->intents_n + 1) * sizeof *v->intent);
		v->intent[v->intents_n++] = x;
	}
	old.eff = NULL;
	view_fini(&old);
}

/* --- from the wire --- */

void
view_sent(struct sim *s, size_t request)
{
	const struct request *r = &s->request[request];

	trace_add(s, "sends %llu %s to %s: %s want \"%s\" seen %llu", (unsigned long long)r->lsn,
		effect_dir_name(r->dir), r->target, r->resource, r->want,
		(unsigned long long)r->seen_lsn);
	events_request(s, s->process.stale ? "late" : "sent", r);
	for (size_t i = 0; invariants[i] != NULL && s->killer == NULL; i++)
		if (invariants[i]->sent != NULL)
			invariants[i]->sent(s, r);
}

void
view_accepted(struct sim *s, size_t request, const char *before)
{
	const struct request *r = &s->request[request];
	struct view *v = &s->view;

	v->eff = stdmem.resize(stdmem.ctx, v->eff, (v->effs_n + 1) * sizeof *v->eff);
	v->eff[v->effs_n++] = (struct accepted){ .lsn = r->lsn,
		.request = request,
		.to = r->to,
		.resource = r->resource,
		.value = r->want,
		.fence = r->dir == DIR_FENCE,
		.at = s->now };
	events_request(s, "took", r);
	for (size_t i = 0; invariants[i] != NULL && s->killer == NULL; i++)
		if (invariants[i]->accepted != NULL)
			invariants[i]->accepted(s, r, before);
}

void
view_fini(struct view *v)
{
	free(v->run);
	free(v->intent);
	free(v->result);
	free(v->eff);
	free(v->approval);
}
