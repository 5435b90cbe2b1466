/*
 * Invariant 6: each cut-over and failback follows a valid authorisation. By itself one starts only
 * where the playbook says so; by a person only if that person may, and has said so for this very
 * plan: an approval counts once for each person and nonce, not past its expiry, and not for another
 * plan. And whatever else follows a person's word (a run turned round, taken up again, the brake on
 * and off, ferryman taken out) follows one that was really said, by somebody with the right to it,
 * and each word once. In mode observe nothing is written at all, whoever wants it. Who has said
 * what is known from who spoke (people.c), not from the journal.
 */
#include "base/text.h"
#include "sim/sim.h"

#include <stdio.h>
#include <string.h>

static void record(struct sim *s, const struct vrecord *rec);
static void sent(struct sim *s, const struct request *r);

const struct invariant inv_06 = {
	.name = "inv_06_authorisation",
	.record = record,
	.sent = sent,
};

static void
sent(struct sim *s, const struct request *r)
{
	if (s->book->mode == MODE_OBSERVE)
		violated(
			s, &inv_06, "an effect at %s, %s, in mode observe", r->target, r->resource);
}

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

/* The newest word of this person on this plan is yes. */
static bool
says_yes(const struct view *v, const char *hash, const char *who)
{
	for (size_t i = v->approvals_n; i-- > 0;)
		if (text_eq(v->approval[i].hash, hash) && text_eq(v->approval[i].user, who))
			return v->approval[i].yes;
	return false;
}

/* How many people have approved this plan; the newest word of each counts. */
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

/* --- what each word needs (docs/PLAYBOOK.md people, DESIGN section 5) --- */

/* One of these rights; 0 = anybody may. */
static unsigned
right_for(enum verb verb)
{
	switch (verb) {
	case VERB_CUTOVER:
	case VERB_FAILBACK:
	case VERB_CONTINUE:
	case VERB_EJECT:
		return MAY_RUN;
	case VERB_APPROVE:
	case VERB_DENY:
		return MAY_APPROVE;
	case VERB_ABORT:
	case VERB_PAUSE:
	case VERB_RESUME:
		return MAY_BRAKE;
	case VERB_ACK:
		return MAY_RUN | MAY_APPROVE | MAY_BRAKE;
	case VERB_PLAN:
	case VERB_STATUS:
	case VERB_DRILL:
	case VERB_N:
		break;
	}
	return 0;
}

static bool
may(const struct sim *s, const char *who, unsigned right)
{
	const struct person *p = playbook_person(s->book, who);

	return right == 0 || (p != NULL && (p->may & right) != 0);
}

/* The order that a record follows: really said, by who is named, who may, and followed once by a
 * record of this type. NULL = violated. */
static struct saying *
order(struct sim *s, const struct vrecord *rec, const char *verb, const char *by)
{
	struct saying *o = people_order(s, json_str(rec->r->body, "reason"));
	const char *type = record_type_name(rec->r->type);
	unsigned bit = 1u << (unsigned)rec->r->type;

	if (o == NULL || !text_eq(verb_name(o->verb), verb) || !text_eq(o->who, by)) {
		violated(s, &inv_06, "%s: %s has not said %s", type, by != NULL ? by : "nobody",
			verb);
		return NULL;
	}
	if (!may(s, by, right_for(o->verb))) {
		violated(s, &inv_06, "%s: %s is obeyed, who may not %s", type, by, verb);
		return NULL;
	}
	if ((o->used & bit) != 0) {
		violated(s, &inv_06, "%s: %s has said %s (%s) once, and is obeyed again", type, by,
			verb, o->req);
		return NULL;
	}
	o->used |= bit;
	return o;
}

/* --- records --- */

/* "alice, bob": each of them has said yes to this plan, and may. */
static bool
all_approved(struct sim *s, const struct vrun *run)
{
	char one[64];

	for (const char *at = run->by; *at != '\0';) {
		size_t n = strcspn(at, ",");

		(void)snprintf(one, sizeof one, "%.*s", (int)n, at);
		if (!may(s, one, MAY_APPROVE) || !says_yes(&s->view, run->plan_hash, one))
			return false;
		at += n;
		at += strspn(at, ", ");
	}
	return run->by[0] != '\0';
}

/* By a person's command: for this very plan, if it named one, and past no guard but those that it
 * named. */
static void
commanded(struct sim *s, const struct vrecord *rec)
{
	const struct vrun *run = rec->run;
	const struct saying *o = order(s, rec, run->kind, run->by);

	if (o == NULL)
		return;
	if (o->hash != NULL && !text_eq(o->hash, run->plan_hash))
		violated(s, &inv_06, "run %s is started by %s, who was shown another plan", run->id,
			run->by);
	if (run->names_pause && !o->names_pause && o->verb != VERB_EJECT)
		violated(s, &inv_06, "run %s names the brake, and %s has not", run->id, run->by);
}

static void
started(struct sim *s, const struct vrecord *rec)
{
	const struct vrun *run = rec->run;
	enum flow flow = text_eq(run->flow, "inbound") ? FLOW_INBOUND : FLOW_OUTBOUND;
	bool back = text_eq(run->kind, "failback"), out = text_eq(run->kind, "cutover");
	const struct response *r = response_of(s, flow);
	int yes = approvers(&s->view, run->plan_hash),
	    needed = back || r == NULL ? 1 : r->approvers;

	if (text_eq(run->by, "automatic")) {
		if ((out || back) && !may_by_itself(s, flow, back))
			violated(s, &inv_06,
				"run %s starts by itself, which the playbook does not allow",
				run->id);
		return;
	}
	if ((out || back) && yes >= needed && all_approved(s, run) &&
		people_order(s, run->reason) == NULL)
		return;
	commanded(s, rec);
}

static void
approved(struct sim *s, const struct vrecord *rec)
{
	const struct view *v = &s->view;
	const struct vapproval *a = &v->approval[v->approvals_n - 1];
	const struct saying *o;

	for (size_t i = 0; i + 1 < v->approvals_n; i++)
		if (a->nonce[0] != '\0' && text_eq(v->approval[i].nonce, a->nonce))
			violated(s, &inv_06, "nonce %s is used twice", a->nonce);
	o = order(s, rec, a->yes ? "approve" : "deny", a->user);
	if (o != NULL && (!text_eq(o->nonce, a->nonce) || !text_eq(o->hash, a->hash) || o->expired))
		violated(s, &inv_06, "%s has not approved this plan with nonce %s, or too late",
			a->user, a->nonce);
}

/* Exit 5: it is done, and waits for others. */
static void
obeyed(struct sim *s, const struct vrecord *rec)
{
	const char *verb = json_str(rec->r->body, "verb");
	int64_t exit = json_int(rec->r->body, "exit", 0);
	const struct saying *o;

	if (exit != 0 && exit != 5)
		return;
	o = order(s, rec, verb != NULL ? verb : "", json_str(rec->r->body, "by"));
	if (o != NULL && o->run != NULL && !text_eq(o->run, rec->r->run))
		violated(s, &inv_06, "%s has said %s of run %s, and it befalls %s", o->who, verb,
			o->run, rec->r->run);
}

static void
braked(struct sim *s, const struct vrecord *rec)
{
	const struct json *b = rec->r->body;
	bool eject = json_flag(b, "eject");
	const struct saying *o =
		order(s, rec, eject ? "eject" : json_str(b, "state"), json_str(b, "by"));

	if (o != NULL && o->verb == VERB_PAUSE && o->expires != json_int(b, "expires", 0))
		violated(s, &inv_06, "%s has put the brake on for another time than this", o->who);
}

static void
record(struct sim *s, const struct vrecord *rec)
{
	if (rec->r->type == REC_START)
		started(s, rec);
	else if (rec->r->type == REC_APPROVAL)
		approved(s, rec);
	else if (rec->r->type == REC_COMMAND)
		obeyed(s, rec);
	else if (rec->r->type == REC_BRAKE)
		braked(s, rec);
}
