/*
 * Invariant 6: each cut-over and failback follows a valid authorisation. By itself one starts only
 * where the playbook says so; by a person only if that person may, and has said so for this very
 * plan: an approval counts once for each person and nonce, not past its expiry, and not for another
 * plan.
 */
#include "base/text.h"
#include "sim/sim.h"

#include <stdio.h>
#include <string.h>

static void record(struct sim *s, const struct vrecord *rec);

const struct invariant inv_06 = { .name = "inv_06_authorisation", .record = record };

static const struct response *
response_of(const struct sim *s, enum flow flow)
{
	for (size_t i = 0; i < s->book->responses_n; i++)
		if (s->book->responses[i].run != NULL &&
			s->book->responses[i].run->kind == PROC_CUTOVER &&
			s->book->responses[i].on->flow == flow)
			return &s->book->responses[i];
	return NULL;
}

static bool
may_by_itself(const struct sim *s, enum flow flow, bool back)
{
	const struct response *r = response_of(s, flow);
	const struct procedure *p = playbook_cutover(s->book, flow);

	if (back)
		return p != NULL && p->failback.mode == MODE_AUTOMATIC;
	return r != NULL && (r->mode == MODE_AUTOMATIC || r->otherwise_proceed);
}

/* The people who approved this plan; the newest word of each counts. */
static int
approvers(const struct view *v, const char *hash)
{
	int n = 0;

	for (size_t i = 0; i < v->approvals_n; i++) {
		bool newest = text_eq(v->approval[i].hash, hash) && v->approval[i].yes;

		for (size_t k = i + 1; k < v->approvals_n && newest; k++)
			newest = !text_eq(v->approval[k].hash, hash) ||
				 !text_eq(v->approval[k].user, v->approval[i].user);
		n += newest;
	}
	return n;
}

static bool
said_so(const struct sim *s, const struct vrun *run)
{
	const struct people *p = &s->people;
	enum verb verb = text_eq(run->kind, "failback") ? VERB_FAILBACK : VERB_CUTOVER;

	for (size_t i = 0; i < p->said_n; i++)
		if (p->said[i].verb == verb && text_eq(p->said[i].who, run->by) &&
			(p->said[i].hash == NULL || text_eq(p->said[i].hash, run->plan_hash)))
			return true;
	return false;
}

/* "alice, bob": each of them may, in the playbook's words. */
static bool
all_may(const struct sim *s, const char *by)
{
	char one[64];

	for (const char *at = by; *at != '\0';) {
		size_t n = strcspn(at, ",");
		const struct person *who;

		(void)snprintf(one, sizeof one, "%.*s", (int)n, at);
		who = playbook_person(s->book, one);
		if (who == NULL || (who->may & (MAY_RUN | MAY_APPROVE)) == 0)
			return false;
		at += n;
		at += strspn(at, ", ");
	}
	return by[0] != '\0';
}

static void
started(struct sim *s, const struct vrun *run)
{
	enum flow flow = text_eq(run->flow, "inbound") ? FLOW_INBOUND : FLOW_OUTBOUND;
	bool back = text_eq(run->kind, "failback");
	const struct response *r = response_of(s, flow);
	int yes = approvers(&s->view, run->plan_hash),
	    needed = back || r == NULL ? 1 : r->approvers;

	if (!back && !text_eq(run->kind, "cutover"))
		return;
	if (text_eq(run->by, "automatic")) {
		if (!may_by_itself(s, flow, back))
			violated(s, &inv_06,
				"run %s starts by itself, which the playbook does not allow",
				run->id);
		return;
	}
	if (!all_may(s, run->by))
		violated(s, &inv_06, "run %s is started by %s, who may not", run->id, run->by);
	else if (!said_so(s, run) && yes < needed)
		violated(s, &inv_06, "run %s is started by %s; %d approved this plan", run->id,
			run->by, yes);
}

static void
approved(struct sim *s)
{
	const struct view *v = &s->view;
	const struct vapproval *a = &v->approval[v->approvals_n - 1];
	const struct people *p = &s->people;

	for (size_t i = 0; i + 1 < v->approvals_n; i++)
		if (a->nonce[0] != '\0' && text_eq(v->approval[i].nonce, a->nonce))
			violated(s, &inv_06, "nonce %s is used twice", a->nonce);
	if (playbook_person(s->book, a->user) == NULL)
		violated(s, &inv_06, "%s approves, whom nobody knows", a->user);
	for (size_t i = 0; i < p->said_n; i++)
		if (text_eq(p->said[i].nonce, a->nonce) && text_eq(p->said[i].who, a->user) &&
			text_eq(p->said[i].hash, a->hash) && !p->said[i].expired)
			return;
	violated(s, &inv_06, "%s has not approved this plan with nonce %s, or too late", a->user,
		a->nonce);
}

static void
record(struct sim *s, const struct vrecord *rec)
{
	if (rec->r->type == REC_START)
		started(s, rec->run);
	else if (rec->r->type == REC_APPROVAL)
		approved(s);
}
