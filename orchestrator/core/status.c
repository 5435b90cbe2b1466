/* status.c - everything that a person may ask, as JSON (docs/CONTROL.md): from the ledger, and from
 * what is seen now. */
#include "core/engine.h"

#include "base/text.h"

#include <string.h>

static const struct book *
book_of(const struct core *c, const char *name)
{
	const struct book *b = book_find(c, name);

	return b != NULL && b->pb != NULL && b->ev != NULL ? b : NULL;
}

static void
put_ask(const struct lmachine *m, struct jw *w)
{
	if (m->ask_hash[0] == '\0') {
		jw_str(w, "ask", NULL);
		return;
	}
	jw_open(w, "ask", '{');
	jw_str(w, "plan_hash", m->ask_hash);
	jw_str(w, "direction", m->state == LS_RECOVERING ? "back" : "out");
	jw_int(w, "asked_wall_ms", m->ask_wall_ms);
	jw_open(w, "approved_by", '[');
	for (int i = 0; i < m->approvals; i++)
		jw_str(w, NULL, m->approved_by[i]);
	jw_close(w, ']');
	jw_close(w, '}');
}

static const struct lrun *
open_run(const struct core *c, const struct lmachine *m)
{
	return ledger_open_run((struct ledger *)&c->l, m->playbook, m->flow); /* it only looks */
}

/* What waits in the queues that the procedure lets go; null while nobody asks them. */
static void
put_queue(const struct book *b, enum flow f, struct jw *w)
{
	const struct machine *m = b != NULL ? &b->m[f] : NULL;
	int64_t parked = 0, waiting = 0;

	if (m == NULL || !m->queues_known || m->queues_n == 0) {
		jw_str(w, "queue", NULL);
		return;
	}
	for (size_t i = 0; i < m->queues_n; i++) {
		parked += m->queue_parked[i] > 0 ? m->queue_parked[i] : 0;
		waiting += m->queue_waiting[i] > 0 ? m->queue_waiting[i] : 0;
	}
	jw_open(w, "queue", '{');
	jw_int(w, "parked", parked);
	jw_int(w, "waiting", waiting);
	jw_close(w, '}');
}

static void
put_machine(const struct core *c, const struct lmachine *m, struct jw *w)
{
	const struct book *b = book_of(c, m->playbook);
	const struct lbrake *brake =
		ledger_brake(&c->l, m->playbook, c->wall_ms != 0 ? c->wall_ms : c->l.wall_ms);
	const struct lrun *r = open_run(c, m);
	char unled[WHY_LEN];

	jw_open(w, NULL, '{');
	jw_str(w, "playbook", m->playbook);
	jw_str(w, "flow", flow_name(m->flow));
	jw_str(w, "state", life_state_name(m->state));
	jw_int(w, "row", m->row);
	jw_str(w, "why", m->why);
	jw_int(w, "since_wall_ms", m->since_wall_ms);
	jw_str(w, "diagnosis", m->diagnosis[0] != '\0' ? m->diagnosis : NULL);
	jw_str(w, "run", r != NULL ? r->id : NULL);
	jw_bool(w, "paused", brake != NULL);
	jw_str(w, "blind", b != NULL ? evidence_blind(b->ev) : NULL);
	put_queue(b, m->flow, w);
	put_ask(m, w);
	jw_open(w, "reasons", '[');
	if (unled_why(c, m, unled, sizeof unled))
		jw_str(w, NULL, unled);
	for (size_t i = 0; b != NULL && i < b->m[m->flow].reasons_n; i++)
		jw_str(w, NULL, b->m[m->flow].reasons[i]);
	if (b != NULL && b->m[m->flow].settled_why[0] != '\0' &&
		(m->state == LS_SETTLING ||
			(m->state == LS_BLOCKED && b->m[m->flow].settled == SETTLED_MIXTURE)))
		jw_str(w, NULL, b->m[m->flow].settled_why);
	if (b != NULL && b->m[m->flow].drift_why[0] != '\0')
		jw_str(w, NULL, b->m[m->flow].drift_why);
	if (b != NULL && b->m[m->flow].base_why[0] != '\0')
		jw_str(w, NULL, b->m[m->flow].base_why);
	jw_close(w, ']');
	jw_close(w, '}');
}

/* A machine is there once its playbook has that flow, or the journal speaks of it; and as long as
 * something is open that the playbook has forgotten. */
static bool
is_shown(const struct core *c, const struct lmachine *m)
{
	const struct book *b = book_of(c, m->playbook);

	return (b != NULL ? b->m[m->flow].on : m->row != 0) || unled_why(c, m, NULL, 0);
}

static void
put_step(const struct lrun *r, const struct json *p, struct jw *w)
{
	const struct lstep *s = run_lstep(r, json_str(p, "id"));
	const char *state = s->undone				? "undone"
			    : s->done				? "done"
			    : s->undo_lsn != 0			? "being undone"
			    : s->do_lsn != 0 && !s->do_answered ? "sent"
			    : s->do_lsn != 0 || s->do_answered	? "failed"
								: "waiting";

	jw_open(w, NULL, '{');
	jw_str(w, "id", json_str(p, "id"));
	jw_str(w, "name", json_str(p, "name"));
	jw_str(w, "state", state);
	jw_close(w, '}');
}

static void
put_steps(const struct core *c, const struct lrun *r, struct jw *w)
{
	struct arena *a = arena_new(&c->host, PLAN_ARENA_MAX);
	size_t at = 0;
	const struct json *body = a != NULL ? json_read(a, r->plan, r->plan_n, &at) : NULL,
			  *steps = json_get(body, "steps");

	jw_open(w, "steps", '[');
	for (const struct json *p = steps != NULL ? steps->child : NULL; p != NULL; p = p->next)
		put_step(r, p, w);
	jw_close(w, ']');
	arena_free(&a);
}

static void
put_run(const struct core *c, const struct lrun *r, bool why, struct jw *w)
{
	bool open = r->state == LR_FORWARD || r->state == LR_BACKWARD || r->state == LR_BLOCKED ||
		    r->state == LR_OPEN;

	jw_open(w, NULL, '{');
	jw_str(w, "run", r->id);
	jw_str(w, "playbook", r->playbook);
	jw_str(w, "flow", flow_name(r->flow));
	jw_str(w, "kind", lrun_kind_name(r->kind));
	jw_str(w, "procedure", r->procedure);
	jw_str(w, "state", lrun_state_name(r->state));
	jw_bool(w, "pivoted", r->pivoted);
	effects_put(&r->effects, w);
	jw_bool(w, "adopted", r->adopted);
	jw_str(w, "plan_hash", r->hash);
	jw_str(w, "by", r->by);
	jw_str(w, "reason", r->reason);
	jw_str(w, "why", r->why);
	jw_int(w, "start_wall_ms", r->start_wall_ms);
	jw_int(w, "end_wall_ms", r->end_wall_ms);
	if (open || why)
		put_steps(c, r, w);
	jw_close(w, '}');
}

static void
put_brakes(const struct core *c, struct jw *w)
{
	int64_t now = c->wall_ms != 0 ? c->wall_ms : c->l.wall_ms;

	jw_open(w, "brakes", '[');
	for (size_t i = 0; i < c->l.brakes_n; i++) {
		const struct lbrake *b = &c->l.brake[i];

		if (ledger_brake(&c->l, b->playbook, now) != b)
			continue;
		jw_open(w, NULL, '{');
		jw_str(w, "playbook", b->playbook);
		jw_str(w, "by", b->by);
		jw_str(w, "reason", b->reason);
		jw_int(w, "expires_wall_ms", b->expires_wall_ms);
		jw_close(w, '}');
	}
	jw_close(w, ']');
}

static void
put_diagnoses(const struct book *b, struct jw *w)
{
	const struct diag_view *v;
	size_t n = evidence_diags(b->ev, &v);

	jw_open(w, "diagnoses", '[');
	for (size_t i = 0; i < n; i++) {
		jw_open(w, NULL, '{');
		jw_str(w, "diagnosis", v[i].d->name);
		jw_str(w, "flow", flow_name(v[i].d->flow));
		jw_bool(w, "met", v[i].met);
		jw_bool(w, "confirmed", v[i].confirmed);
		jw_bool(w, "cleared", v[i].cleared);
		jw_int(w, "groups_bad", v[i].groups_bad);
		jw_int(w, "groups_wanted", v[i].d->groups);
		jw_int(w, "groups_known", v[i].groups_known);
		jw_int(w, "receivers_bad", v[i].receivers_bad);
		jw_int(w, "share_bp", v[i].share_bp);
		jw_close(w, '}');
	}
	jw_close(w, ']');
}

static void
put_evidence(const struct core *c, struct jw *w)
{
	jw_open(w, "evidence", '[');
	for (const struct book *b = c->books; b != NULL; b = b->next) {
		struct buf cells;

		if (b->ev == NULL)
			continue;
		buf_init(&cells, &c->host, 4 * 1024 * 1024);
		evidence_put(b->ev, NULL, &cells);
		jw_open(w, NULL, '{');
		jw_str(w, "playbook", b->name);
		put_diagnoses(b, w);
		jw_raw(w, "seen", buf_failed(&cells) ? "null" : buf_text(&cells));
		jw_close(w, '}');
		buf_fini(&cells);
	}
	jw_close(w, ']');
}

void
core_status(const struct core *c, struct buf *b, bool why)
{
	struct jw w;

	jw_init(&w, b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "store", c->store[0] != '\0' ? c->store : NULL);
	jw_uint(&w, "era", c->era > c->l.era ? c->era : c->l.era);
	jw_uint(&w, "epoch", c->epoch > c->l.epoch ? c->epoch : c->l.epoch);
	jw_uint(&w, "seq", c->l.seq);
	jw_str(&w, "head", c->l.hash);
	jw_open(&w, "machines", '[');
	for (size_t i = 0; i < c->l.machines_n; i++)
		if (is_shown(c, &c->l.machine[i]))
			put_machine(c, &c->l.machine[i], &w);
	jw_close(&w, ']');
	jw_open(&w, "runs", '[');
	for (size_t i = 0; i < c->l.runs_n; i++)
		put_run(c, &c->l.run[i], why, &w);
	jw_close(&w, ']');
	put_brakes(c, &w);
	if (why)
		put_evidence(c, &w);
	jw_close(&w, '}');
}
