/*
 * decide.c - what a machine does by itself: facts to at most one row of the lifecycle, with every
 * action that is held back and the guard that holds it. Same facts, same decision.
 */
#include "base/text.h"
#include "core/deciding.h"
#include "base/planted.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* How soon to look again at what ends at a time that the facts do not tell: a window, the budget, a
 * brake. */
enum { RECHECK_MS = 60000, SECOND_MS = 1000 };

const char *
guard_name(enum guard g)
{
	return decide_guards()[g];
}

const char *const *
decide_guards(void)
{
	static const char *const names[] = {
#define GUARD_NAME(i, n, d) n,
		DECIDE_GUARDS(GUARD_NAME)
#undef GUARD_NAME
			NULL
	};

	return names;
}

void
decision_begin(struct decision *d)
{
	memset(d, 0, sizeof *d);
	d->again_boot_ms = INT64_MAX;
}

void
decision_reason(struct decision *d, const char *fmt, ...)
{
	va_list ap;

	if (d->reasons_n == REASONS_MAX)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(d->reasons[d->reasons_n++], REASON_LEN, fmt, ap);
	va_end(ap);
}

unsigned
facts_flags(const struct facts *f)
{
	return (f->paused != NULL ? LF_PAUSED : 0u) | (f->blind != NULL ? LF_BLIND : 0u);
}

bool
queues_wait(const struct facts *f, const struct procedure *p)
{
	return p->failback.require_queues_drained && !f->queues_drained;
}

/* --- one decision at work --- */

struct work {
	const struct facts *f;
	struct decision *d;
};

static void
again_in(struct work *w, int64_t ms)
{
	int64_t at = w->f->boot_ms + (ms > 0 ? ms : 1);

	if (at < w->d->again_boot_ms)
		w->d->again_boot_ms = at;
}

/* Wall time that has passed; a clock that was set back has not made it negative. */
static int64_t
since(const struct facts *f, int64_t wall_ms)
{
	return f->wall_ms > wall_ms ? f->wall_ms - wall_ms : 0;
}

static void
held(struct work *w, const struct life_row *row)
{
	if (w->f->paused != NULL && (row->flags_want & LF_PAUSED) != 0) {
		decision_reason(w->d, "pause: %s [%s]", row->why, w->f->paused);
		again_in(w, RECHECK_MS); /* a brake may expire */
	} else if (w->f->blind != NULL && (row->flags_want & LF_BLIND) != 0) {
		decision_reason(w->d, "blind: %s [%s]", row->why, w->f->blind);
	} else {
		decision_reason(w->d, "row %d: %s", row->id, row->why);
	}
}

/* The row of the event, if it is none that refuses. */
static bool
take(struct work *w, enum life_event e)
{
	const struct life_row *row = lifecycle_next(w->f->state, e, facts_flags(w->f));

	if (row == NULL || row->act == LD_REFUSE) {
		if (row != NULL)
			held(w, row);
		return false;
	}
	w->d->any = true;
	w->d->event = e;
	w->d->row = row;
	return true;
}

/* --- runs and targets: what has happened already --- */

static enum life_event
run_event(const struct facts *f)
{
	bool back = f->state == LS_FAILING_BACK || (f->state != LS_CUTTING && f->run_is_failback);

	switch (f->run) {
	case RUN_NONE:
		return LE_N;
	case RUN_FORWARD:
	case RUN_FORWARD_PIVOTED:
		if (f->state == (back ? LS_FAILING_BACK : LS_CUTTING) || f->state == LS_ROLLING)
			return LE_N;
		return back ? LE_FOUND_BACK : LE_FOUND_RUN;
	case RUN_BACKWARD:
		return f->state == LS_ROLLING ? LE_N : LE_RUN_UNDOING;
	case RUN_ENDED_DONE:
		return back ? LE_BACK_DONE : LE_RUN_DONE;
	case RUN_ENDED_UNDONE:
		return back ? LE_BACK_UNDONE : LE_RUN_UNDONE;
	case RUN_IS_BLOCKED:
		return f->state == LS_BLOCKED ? LE_N : LE_RUN_BLOCKED;
	}
	return LE_N;
}

static bool
note_run(struct work *w)
{
	enum life_event e = run_event(w->f);

	if (e == LE_N || !take(w, e))
		return false;
	w->d->procedure = playbook_cutover(w->f->pb, w->f->flow);
	return true;
}

static void
settle(struct work *w)
{
	switch (w->f->settled) {
	case SETTLED_NOT_YET:
		decision_reason(w->d, "the targets are being read; nothing is decided before");
		break;
	case SETTLED_ON_PRIMARY:
		(void)take(w, LE_SETTLED_PRIMARY);
		break;
	case SETTLED_ON_BACKUP:
		(void)take(w, LE_SETTLED_BACKUP);
		break;
	case SETTLED_MIXTURE:
		(void)take(w, LE_SETTLED_MIXED);
		break;
	}
}

/* Blocked is left by a person, or because a person has put right what the targets show. */
static void
stay_blocked(struct work *w)
{
	if (w->f->run == RUN_NONE &&
		(w->f->settled == SETTLED_ON_PRIMARY || w->f->settled == SETTLED_ON_BACKUP))
		settle(w);
	else if (w->f->run == RUN_NONE)
		decision_reason(w->d, "blocked: the targets show a mixture; put it right and say "
				      "`ack`, or say `cutover` or `failback`");
	else
		decision_reason(w->d, "blocked: a run needs a person: `continue`, `abort` or "
				      "`failback`");
}

/* --- diagnoses --- */

/* Only what accuses the primary moves this machine; the backup's own diagnoses are for people. */
static bool
concerns(const struct facts *f, const struct diag_view *v)
{
	return v->d->flow == f->flow && v->d->path == f->pb->primary;
}

static const struct diag_view *
view_of(const struct facts *f, const struct diagnosis *d)
{
	for (size_t i = 0; i < f->diag_n; i++)
		if (f->diag[i].d == d)
			return concerns(f, &f->diag[i]) ? &f->diag[i] : NULL;
	return NULL;
}

/* The first that is met; one that is confirmed comes before one that is not. */
static const struct diag_view *
accusation(const struct facts *f)
{
	const struct diag_view *found = NULL;

	for (size_t i = 0; i < f->diag_n; i++) {
		const struct diag_view *v = &f->diag[i];

		if (concerns(f, v) && v->met &&
			(found == NULL || (v->confirmed && !found->confirmed)))
			found = v;
	}
	return found;
}

static void
say_why(struct work *w, const struct diag_view *v)
{
	int64_t met = w->f->boot_ms - v->met_since_boot_ms;

	w->d->diagnosis = v->d;
	decision_reason(w->d,
		"%s: %d of %d groups bad, %d receivers, %lld.%02lld%% failed, for %lld s of %lld s",
		v->d->name, v->groups_bad, v->d->groups, v->receivers_bad,
		(long long)(v->share_bp / 100), (long long)(v->share_bp % 100),
		(long long)(v->met_since_boot_ms > 0 ? met / SECOND_MS : 0),
		(long long)(v->d->for_ms / SECOND_MS));
}

/* One receiver alone is sick itself: no reason to leave a path (a mail's own domain is no receiver
 * in that sense). */
static bool
one_class(struct work *w, const struct diag_view *v)
{
	if (v->only_class == NULL || v->d->flow != FLOW_OUTBOUND || PLANTED(RECEIVERS_IGNORED))
		return false;
	decision_reason(w->d,
		"class: %s concerns receiver class \"%s\" alone; no response is scoped to it",
		v->d->name, v->only_class);
	return true;
}

static bool
due(const struct response *r, const struct diag_view *v)
{
	return r->at == AT_SUSPECT ? v->met : v->confirmed;
}

enum pb_mode
decide_mode(const struct playbook *pb, const struct response *r)
{
	if (PLANTED(MODE_IGNORED))
		return MODE_AUTOMATIC;
	if (r->mode <= pb->mode)
		return r->mode;
	if (r->run != NULL && r->run->kind == PROC_SHELTER && pb->mode == MODE_APPROVE)
		return r->mode;
	return pb->mode;
}

/* --- shelter --- */

static bool
shelter_may(struct work *w, const struct response *r, const struct diag_view *v)
{
	enum pb_mode mode = decide_mode(w->f->pb, r);

	if (w->f->shelter_failed != NULL) {
		decision_reason(w->d, "shelter: %s could not be started: %s", r->run->name,
			w->f->shelter_failed);
		return false;
	}
	if (mode != MODE_AUTOMATIC) {
		decision_reason(w->d, "mode: %s would start, but the mode is %s", r->run->name,
			pb_mode_name(mode));
		return false;
	}
	return !one_class(w, v);
}

static bool
start_shelter(struct work *w)
{
	const struct playbook *pb = w->f->pb;

	for (size_t i = 0; !w->f->shelter_open && i < pb->responses_n; i++) {
		const struct response *r = &pb->responses[i];
		const struct diag_view *v = view_of(w->f, r->on);

		if (v == NULL || r->run == NULL || r->run->kind != PROC_SHELTER || !due(r, v) ||
			!shelter_may(w, r, v) || !take(w, LE_HARM_SHELTER))
			continue;
		w->d->response = r;
		w->d->procedure = r->run;
		say_why(w, v);
		return true;
	}
	return false;
}

static bool
shelter_alarm(struct work *w)
{
	return w->f->shelter_open && w->f->shelter_ended && !w->f->expiry_told &&
	       !PLANTED(EXPIRY_UNTOLD) && take(w, LE_SHELTER_OVER);
}

static bool
unfit_alarm(struct work *w)
{
	return w->f->backup_unfit && !w->f->unfit_told && take(w, LE_BACKUP_UNFIT);
}

/* --- clear --- */

/* What led here has cleared, and nothing else accuses the primary. */
static bool
all_clear(struct work *w)
{
	const struct facts *f = w->f;
	bool cleared = false;

	for (size_t i = 0; i < f->diag_n; i++) {
		const struct diag_view *v = &f->diag[i];
		bool led =
			f->led_by == NULL || f->led_by[0] == '\0' || text_eq(f->led_by, v->d->name);

		if (!concerns(f, v))
			continue;
		if (v->met)
			return false;
		if (v->clear_since_boot_ms > 0 && !v->cleared)
			again_in(w, v->clear_since_boot_ms + v->d->clear_ms - f->boot_ms);
		if (led && v->known && !v->cleared)
			return false;
		cleared = cleared || (led && v->cleared);
	}
	return cleared;
}

static bool
go_clear(struct work *w)
{
	return all_clear(w) && take(w, LE_CLEARED);
}

/* --- cut-over --- */

/* The guards that hold for a cut-over whoever has said yes to it. */
static bool
cutover_can(struct work *w, const struct diag_view *v)
{
	bool can = !one_class(w, v);

	if (w->f->backup_unfit) {
		decision_reason(w->d, "unfit: the backup is known to be bad by its own evidence");
		can = false;
	}
	if (!w->f->base_ready) {
		decision_reason(w->d, "base: the plan cannot be made now, or a target was changed "
				      "by somebody else");
		can = false;
	}
	return can;
}

/* The guards of a cut-over that nobody has said yes to. */
static bool
cutover_may(struct work *w)
{
	const struct facts *f = w->f;
	const struct limits *l = &f->pb->limits;
	int64_t left = l->cooldown_ms - since(f, f->last_cutover_wall_ms);
	bool may = true;

	if (f->last_cutover_wall_ms > 0 && left > 0 && !PLANTED(NO_COOLDOWN)) {
		decision_reason(w->d, "cooldown: %lld s left since the last move",
			(long long)(left / SECOND_MS));
		again_in(w, left);
		may = false;
	}
	if (l->cutovers.per_ms > 0 && f->cutovers_in_budget >= l->cutovers.count) {
		decision_reason(w->d, "budget: %d automatic cut-overs within %lld s, %lld allowed",
			f->cutovers_in_budget, (long long)(l->cutovers.per_ms / SECOND_MS),
			(long long)l->cutovers.count);
		again_in(w, RECHECK_MS);
		may = false;
	}
	if (f->window_no_cutover && !PLANTED(ANY_HOUR)) {
		decision_reason(
			w->d, "blackout: the playbook allows no automatic cut-over at this hour");
		again_in(w, RECHECK_MS);
		may = false;
	}
	return may;
}

/* A response with a cut-over of this machine's flow, and the diagnosis behind it. */
static const struct diag_view *
cutover_of(const struct facts *f, const struct response *r)
{
	if (r->run == NULL || r->run->kind != PROC_CUTOVER || r->run->flow != f->flow)
		return NULL;
	return view_of(f, r->on);
}

static bool
begin_cutover(struct work *w, const struct response *r, const struct diag_view *v)
{
	enum pb_mode mode = decide_mode(w->f->pb, r);
	bool can;

	if (w->f->stood_down != NULL && text_eq(w->f->stood_down, v->d->name)) {
		decision_reason(w->d,
			"stood-down: %s was denied or not answered; not again before %s has "
			"cleared",
			r->run->name, v->d->name);
		return false;
	}
	if (mode == MODE_OBSERVE) {
		decision_reason(
			w->d, "mode: %s would start, but the mode is observe", r->run->name);
		return false;
	}
	can = cutover_can(w, v);
	if (mode == MODE_AUTOMATIC)
		can = cutover_may(w) && can;
	if (!can || !take(w, mode == MODE_AUTOMATIC ? LE_CONFIRMED_AUTO : LE_CONFIRMED))
		return false;
	w->d->response = r;
	w->d->procedure = r->run;
	say_why(w, v);
	return true;
}

/* A response that names no procedure is there to be seen. */
static void
only_said(struct work *w, const struct response *r)
{
	const struct diag_view *v = view_of(w->f, r->on);

	if (v != NULL && due(r, v))
		decision_reason(w->d, "mode: %s is only observed: nothing starts", v->d->name);
}

static bool
respond(struct work *w)
{
	const struct playbook *pb = w->f->pb;
	bool wanted = false;

	for (size_t i = 0; i < pb->responses_n; i++) {
		const struct response *r = &pb->responses[i];
		const struct diag_view *v = cutover_of(w->f, r);

		if (r->run == NULL)
			only_said(w, r);
		if (v != NULL && v->met && !v->confirmed)
			again_in(w, v->met_since_boot_ms + v->d->for_ms - w->f->boot_ms);
		if (v == NULL || !due(r, v))
			continue;
		if (begin_cutover(w, r, v))
			return true;
		wanted = true;
	}
	return wanted && unfit_alarm(w);
}

/* --- waiting for people --- */

const struct response *
decide_pending(const struct facts *f)
{
	const struct response *found = NULL;

	for (size_t i = 0; i < f->pb->responses_n; i++) {
		const struct response *r = &f->pb->responses[i];

		if (cutover_of(f, r) == NULL)
			continue;
		if (text_eq(f->led_by, r->on->name))
			return r;
		if (found == NULL || (decide_mode(f->pb, r) == MODE_APPROVE &&
					     decide_mode(f->pb, found) != MODE_APPROVE))
			found = r;
	}
	return found;
}

static bool
enough(const struct facts *f)
{
	return f->approvals > 0 && f->approvals >= f->approvals_needed;
}

static void
name_pending(struct work *w, const struct response *r)
{
	w->d->response = r;
	w->d->procedure = r->run;
	w->d->diagnosis = r->on;
}

/* `otherwise: proceed` is an automatic cut-over: it needs the harm now, and every guard of one. */
static bool
time_over(struct work *w, const struct response *r, const struct diag_view *v)
{
	bool may;

	if (!r->otherwise_proceed && !PLANTED(PROCEED_ALWAYS))
		return take(w, LE_STAND_DOWN);
	may = cutover_can(w, v);
	may = cutover_may(w) && may;
	if (!v->confirmed) {
		decision_reason(w->d, "evidence: nobody answered in time, but %s does not hold now",
			v->d->name);
		may = false;
	}
	return may && take(w, LE_PROCEED);
}

static bool
answered(struct work *w, const struct response *r, const struct diag_view *v)
{
	const struct facts *f = w->f;
	int64_t left =
		f->asked_wall_ms > 0 ? r->within_ms - since(f, f->asked_wall_ms) : r->within_ms;

	if (enough(f))
		return cutover_can(w, v) && take(w, LE_APPROVED);
	decision_reason(w->d, "approval: %d of %d so far", f->approvals,
		f->approvals_needed > 0 ? f->approvals_needed : 1);
	if (r->within_ms <= 0)
		return false; /* for ever */
	if (left > 0) {
		again_in(w, left);
		return false;
	}
	return time_over(w, r, v);
}

static void
await(struct work *w)
{
	const struct response *r = decide_pending(w->f);
	const struct diag_view *v = r != NULL ? cutover_of(w->f, r) : NULL;

	if (r == NULL || v == NULL) { /* the playbook was replaced under the question */
		if (take(w, LE_DENIED))
			decision_reason(
				w->d, "the playbook no longer has the response that was asked for");
		return;
	}
	if ((w->f->denials > 0 && take(w, LE_DENIED)) || go_clear(w) || answered(w, r, v)) {
		name_pending(w, r);
		return;
	}
	if (!start_shelter(w))
		(void)unfit_alarm(w);
}

/* --- failback --- */

static void
ask_or_start(struct work *w, const struct procedure *p)
{
	enum pb_mode mode = p->failback.mode < w->f->pb->mode ? p->failback.mode : w->f->pb->mode;
	bool may = true;

	if (mode == MODE_OBSERVE) {
		decision_reason(
			w->d, "mode: the failback would be asked for, but the mode is observe");
		return;
	}
	if (w->f->window_no_failback && !PLANTED(HOME_ANY_HOUR)) {
		decision_reason(w->d, "blackout: the playbook allows no failback at this hour; "
				      "`failback` by hand does");
		again_in(w, RECHECK_MS);
		may = false;
	}
	if (queues_wait(w->f, p)) {
		decision_reason(w->d, "queues: mail still waits in queues of ours");
		again_in(w, RECHECK_MS);
		may = false;
	}
	if (!w->f->base_ready) {
		decision_reason(w->d, "base: the failback cannot be planned now, or a target was "
				      "changed by somebody else");
		may = false;
	}
	if (may && take(w, mode == MODE_AUTOMATIC || PLANTED(HOME_UNASKED) ? LE_SOAKED_AUTO
									   : LE_SOAKED))
		w->d->procedure = p;
}

static void
approved_back(struct work *w, const struct procedure *p)
{
	if (w->f->denials > 0) {
		decision_reason(w->d,
			"approval: the failback was denied; `failback` starts it when wanted");
		return;
	}
	if (!enough(w->f)) {
		decision_reason(w->d, "approval: %d of %d for the failback so far", w->f->approvals,
			w->f->approvals_needed > 0 ? w->f->approvals_needed : 1);
		return;
	}
	if (queues_wait(w->f, p)) {
		decision_reason(w->d, "queues: approved, but mail still waits in queues of ours");
		again_in(w, RECHECK_MS);
		return;
	}
	if (!w->f->base_ready)
		decision_reason(w->d, "base: approved, but the failback cannot be planned now");
	else if (take(w, LE_APPROVED))
		w->d->procedure = p;
}

static void
recover(struct work *w)
{
	const struct procedure *p = playbook_cutover(w->f->pb, w->f->flow);
	int64_t left;

	if (!w->f->primary_ok) {
		(void)take(w, LE_PRIMARY_BAD);
		return;
	}
	if (unfit_alarm(w) || p == NULL)
		return;
	if (w->f->asked_wall_ms > 0) {
		approved_back(w, p);
	} else if (w->f->primary_soaked) {
		ask_or_start(w, p);
	} else {
		left = p->failback.soak_ms - since(w->f, w->f->state_since_wall_ms);
		decision_reason(w->d, "soak: the primary must be healthy for %lld s",
			(long long)(p->failback.soak_ms / SECOND_MS));
		again_in(w, left < SECOND_MS ? SECOND_MS : left < RECHECK_MS ? left : RECHECK_MS);
	}
}

/* --- by state --- */

static void
watch(struct work *w)
{
	const struct diag_view *v = accusation(w->f);

	if (v != NULL) {
		if (!start_shelter(w) && take(w, LE_HARM))
			say_why(w, v);
	} else if (!w->f->shelter_open || !go_clear(w)) {
		(void)unfit_alarm(w);
	}
}

static void
suspect(struct work *w)
{
	if (!go_clear(w) && !start_shelter(w))
		(void)respond(w);
}

static void
by_state(struct work *w)
{
	switch (w->f->state) {
	case LS_SETTLING:
		settle(w);
		break;
	case LS_NORMAL:
		watch(w);
		break;
	case LS_SUSPECT:
		suspect(w);
		break;
	case LS_AWAITING:
		await(w);
		break;
	case LS_ON_BACKUP:
		if (w->f->drifted)
			settle(w);
		else if (!unfit_alarm(w) && w->f->primary_ok)
			(void)take(w, LE_PRIMARY_OK);
		break;
	case LS_RECOVERING:
		if (w->f->drifted)
			settle(w);
		else
			recover(w);
		break;
	case LS_BLOCKED:
		stay_blocked(w);
		break;
	case LS_CUTTING:
	case LS_FAILING_BACK:
	case LS_ROLLING:
	case LS_N:
		break; /* the run leads */
	}
}

/* Who is blind acts on nothing and says so, also where no row was asked. */
static void
say_blind(struct work *w)
{
	for (size_t i = 0; i < w->d->reasons_n; i++)
		if (strncmp(w->d->reasons[i], "blind:", 6) == 0)
			return;
	decision_reason(w->d,
		"blind: nothing is done by itself while we do not believe what we see [%s]",
		w->f->blind);
}

void
decide(const struct facts *f, struct decision *ret)
{
	struct work w = { f, ret };
	bool running =
		f->run == RUN_FORWARD || f->run == RUN_FORWARD_PIVOTED || f->run == RUN_BACKWARD;
	bool accused; /* then it is not a shelter that nothing is suspected of */

	decision_begin(ret);
	if (note_run(&w) || running)
		return;
	if (f->one_shot && f->state != LS_SETTLING && f->state != LS_BLOCKED) {
		decision_reason(ret,
			"one-shot: a foreground verb serves its own run; nothing starts by itself");
		return;
	}
	accused = f->state == LS_NORMAL && accusation(f) != NULL;
	if (f->state != LS_SETTLING && f->state != LS_BLOCKED && !accused && shelter_alarm(&w))
		return;
	by_state(&w);
	if (accused && !ret->any)
		(void)shelter_alarm(&w);
	if (ret->any)
		decision_reason(ret, "row %d: %s", ret->row->id, ret->row->why);
	else if (f->blind != NULL && f->state != LS_SETTLING && f->state != LS_BLOCKED)
		say_blind(&w);
}
