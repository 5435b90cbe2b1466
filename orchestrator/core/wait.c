/*
 * wait.c - steps that change nothing: until every server shows it, until a time has passed, until a
 * queue is empty, until a message has arrived by the path. Each has a limit; past it the step has
 * failed and says what was missing.
 */
#include "core/engine.h"
#include "base/planted.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { POLL_MS = 2000, PROBE_AGAIN_MS = 5000, LEAST_PROBE_MS = 1000, CHECK_MS = 60000 };
enum { STAGE_SERVERS, STAGE_TTL, STAGE_RESOLVERS, STAGE_OVER };

static bool
is_kind(const struct vstep *v, const char *kind)
{
	return text_eq(v->p->kind->kind, kind);
}

static void
put_result(struct core *c, struct vstep *v, enum outcome o)
{
	struct buf b;
	struct jw w;

	buf_init(&b, &c->env.mem, RECORD_MAX);
	jw_init(&w, &b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "step", v->p->id);
	jw_str(&w, "dir", "do");
	jw_uint(&w, "of", 0);
	jw_str(&w, "outcome", outcome_name(o));
	jw_str(&w, "why", v->why);
	jw_close(&w, '}');
	(void)propose(c, REC_RESULT, v->live->id, &b);
	buf_fini(&b);
	v->journal = true;
}

static void
done(struct core *c, struct vstep *v)
{
	put_result(c, v, OUT_DONE);
	run_say(c, true, v, "verified", v->why);
}

static void
fail(struct core *c, struct vstep *v)
{
	v->outcome = v->conflict ? OUT_CONFLICT : OUT_RETRY;
	put_result(c, v, v->outcome);
	v->failed = true;
	run_say(c, true, v, "failed", v->why);
}

/* A sentence about what is missing; said once. */
static void
missing(struct core *c, struct vstep *v, const char *a, const char *b)
{
	char why[WHY_LEN];

	(void)snprintf(why, sizeof why, "%s%s%s", a, a[0] != '\0' ? ": " : "", b);
	if (text_eq(why, v->why))
		return;
	(void)snprintf(v->why, sizeof v->why, "%s", why);
	run_say(c, false, v, "waiting", v->why);
}

void
wait_look(struct core *c, struct vstep *v, const struct plan_step *p, enum read_from from)
{
	struct flight *f = flight_begin(c, OP_STEP_READ, READ_MS);
	struct action *a = f != NULL ? core_act(c, ACT_READ) : NULL;

	if (a == NULL)
		return;
	f->step = v;
	v->op = a->op = f->op;
	a->read.playbook = core_keep(c, book_key(c, v->live->pb));
	a->read.target = core_keep(c, p->target->name);
	a->read.resource = core_keep(c, p->resource);
	a->read.from = from;
	a->read.deadline_ms = READ_MS;
}

/* --- wait.time --- */

static void
time_advance(struct core *c, struct vstep *v)
{
	struct buf time;

	if (v->since_boot_ms == 0) {
		v->since_boot_ms = c->boot_ms > 0 ? c->boot_ms : 1;
		v->next_boot_ms = v->since_boot_ms + v->p->wait_ms;
		missing(c, v, "", "for the time that the playbook says");
	}
	if (c->boot_ms < v->next_boot_ms)
		return;
	buf_init(&time, &c->env.mem, 64);
	num_put_duration(&time, v->p->wait_ms);
	(void)snprintf(v->why, sizeof v->why, "%s have passed", buf_text(&time));
	buf_fini(&time);
	done(c, v);
}

/* --- wait.published: every server, then the old TTL, then the resolvers --- */

static const char *
without_ttl(const char *value)
{
	const char *nl = text_starts(value, "ttl ") ? strchr(value, '\n') : NULL;

	return nl != NULL ? nl + 1 : value;
}

static bool
servers_show(struct core *c, struct vstep *v, const struct event *ev)
{
	for (size_t i = 0; i < ev->read.source_n; i++) {
		const struct source_value *s = &ev->read.source[i];

		if (!s->answered && PLANTED(SILENT_IS_SHOWN))
			continue;
		if (!s->answered)
			missing(c, v, s->source, "does not answer");
		else if (!value_stands(v->p->resource, v->p->want, s->value))
			missing(c, v, s->source, "does not show it yet");
		else
			continue;
		return false;
	}
	if (ev->read.source_n == 0)
		missing(c, v, "", "no authoritative server was asked");
	return ev->read.source_n > 0;
}

/* A resolver that is dead shows nobody anything; one that answers must show the new set. Its TTL
 * counts down. */
static bool
resolvers_show(struct core *c, struct vstep *v, const struct event *ev)
{
	size_t answered = 0;

	for (size_t i = 0; i < ev->read.source_n; i++) {
		const struct source_value *s = &ev->read.source[i];

		if (!s->answered)
			continue;
		answered++;
		if (value_stands(v->p->resource, without_ttl(v->p->want), without_ttl(s->value)))
			continue;
		missing(c, v, s->source, "still has the old one");
		return false;
	}
	if (answered == 0)
		missing(c, v, "", "no resolver answers");
	return answered > 0;
}

/* Not shown, because it is not there any more? */
static void
doubted(struct vstep *v, const struct event *ev)
{
	v->doubt = false;
	if (!value_stands(v->p->resource, v->p->want, look_value(ev)))
		stands_not(v, v->p);
}

static void
published_read(struct core *c, struct vstep *v, const struct event *ev)
{
	if (v->doubt) {
		doubted(v, ev);
	} else if (v->stage == STAGE_SERVERS &&
		   (servers_show(c, v, ev) || PLANTED(ONE_SERVER_IS_ALL))) {
		v->stage = PLANTED(TTL_IGNORED) ? STAGE_OVER : STAGE_TTL;
		v->since_boot_ms = c->boot_ms;
		v->next_boot_ms = c->boot_ms + v->p->wait_ms;
		v->limit_boot_ms =
			v->next_boot_ms + v->p->deadline_ms; /* the resolvers have their own time */
		if (v->p->wait_ms > 0)
			missing(c, v, "every authoritative server shows it",
				"now until the old one has aged everywhere");
	} else if (v->stage == STAGE_RESOLVERS && resolvers_show(c, v, ev)) {
		v->stage = STAGE_OVER;
		(void)snprintf(v->why, sizeof v->why,
			"shown by every authoritative server, the old TTL has passed, the "
			"resolvers show it");
	} else {
		v->doubt = true;
		v->next_boot_ms = c->boot_ms;
	}
}

static void
published_advance(struct core *c, struct vstep *v)
{
	if (v->stage == STAGE_TTL && c->boot_ms >= v->since_boot_ms + v->p->wait_ms)
		v->stage = STAGE_RESOLVERS;
	if (v->stage == STAGE_OVER)
		done(c, v);
	else if (v->conflict)
		fail(c, v);
	else if (v->op != 0 || c->boot_ms < v->next_boot_ms)
		return;
	else if (c->boot_ms >= v->limit_boot_ms)
		fail(c, v);
	else
		wait_look(c, v, v->p,
			v->doubt		    ? READ_TARGET
			: v->stage == STAGE_SERVERS ? READ_AUTHORITIES
						    : READ_RESOLVERS);
}

/* --- wait.drained --- */

static void
drained_read(struct core *c, struct vstep *v, const struct event *ev)
{
	int64_t parked = value_count(look_value(ev), "parked"),
		waiting = value_count(look_value(ev), "waiting");
	int64_t left = (parked > 0 ? parked : 0) + (waiting > 0 ? waiting : 0);
	char text[80];

	if (parked < 0 && waiting < 0) {
		missing(c, v, "", "the queue does not say how many wait");
		return;
	}
	(void)snprintf(text, sizeof text, "%lld parked, %lld waiting",
		(long long)(parked > 0 ? parked : 0), (long long)(waiting > 0 ? waiting : 0));
	if (v->least < 0 || left < v->least) {
		v->least = left;
		v->limit_boot_ms = c->boot_ms + v->p->deadline_ms; /* it gets fewer */
		missing(c, v, "", text);
	}
	if (left > 0)
		return;
	v->stage = STAGE_OVER;
	(void)snprintf(v->why, sizeof v->why, "empty: parked 0 waiting 0");
}

static void
drained_advance(struct core *c, struct vstep *v)
{
	if (v->stage == STAGE_OVER)
		done(c, v);
	else if (v->op != 0 || c->boot_ms < v->next_boot_ms)
		return;
	else if (c->boot_ms >= v->limit_boot_ms)
		fail(c, v);
	else
		wait_look(c, v, v->p, READ_TARGET);
}

void
wait_read(struct core *c, struct vstep *v, const struct event *ev, bool late)
{
	const char *silent = look_silent(ev, late);

	v->op = 0;
	if (v->stands) {
		stands_read(c, v, ev, late);
		return;
	}
	v->next_boot_ms = c->boot_ms + POLL_MS;
	if (silent != NULL && v->doubt)
		v->doubt = false; /* what was missing before stays said */
	else if (silent != NULL)
		missing(c, v, v->p->target->name, silent);
	else if (is_kind(v, "wait.drained"))
		drained_read(c, v, ev);
	else
		published_read(c, v, ev);
}

/* --- verify.canary --- */

static void
probe(struct core *c, struct vstep *v, size_t i)
{
	int64_t left = v->limit_boot_ms - c->boot_ms,
		ms = v->signal->timeout_ms < left ? v->signal->timeout_ms : left;
	struct flight *f = flight_begin(c, OP_VERIFY, ms);
	struct action *a = f != NULL ? core_act(c, ACT_PROBE) : NULL;

	if (a == NULL)
		return;
	f->step = v;
	f->index = i;
	v->probe[i] = a->op = f->op;
	v->hasty[i] = ms < v->signal->timeout_ms;
	a->probe.playbook = core_keep(c, book_key(c, v->live->pb));
	a->probe.signal = core_keep(c, v->signal->name);
	a->probe.subject = core_keep(c, v->signal->subjects[i].name);
	a->probe.through = core_keep(c, v->p->through->name);
	a->probe.production = v->p->production;
	a->probe.deadline_ms = ms;
}

void
wait_seen(struct core *c, struct vstep *v, size_t i, const struct event *ev, bool late)
{
	const char *why = !late && ev->seen.why != NULL ? ev->seen.why : "no answer in time";

	v->probe[i] = 0;
	v->again_boot_ms[i] = c->boot_ms + PROBE_AGAIN_MS;
	if (v->conflict || v->proven)
		return; /* why it ends is known, and who must hear of it */
	if (!late && ev->seen.verdict == VERDICT_OK) {
		v->passed[i] = true;
		run_say(c, false, v, "waiting", why);
		return;
	}
	missing(c, v, v->signal->subjects[i].name, why);
	/* a last try that had no time to end says less than the one before it */
	if (!v->hasty[i] || v->lacks[i][0] == '\0')
		(void)snprintf(v->lacks[i], LACKS_LEN, "%s: %s", v->signal->subjects[i].name, why);
	v->doubt = true; /* late, or is the way gone that it should have taken? */
}

static size_t
subjects(const struct vstep *v)
{
	return v->signal->subjects_n < SUBJECTS_MAX ? v->signal->subjects_n : SUBJECTS_MAX;
}

static size_t
arrived(const struct vstep *v)
{
	size_t n = 0;

	for (size_t i = 0; i < subjects(v); i++)
		n += v->passed[i];
	return n;
}

/*
 * Whoever a message has not reached is excused while mail that stays where it is comes to harm
 * there too: going makes nothing worse there. The evidence is that of the text in force, by names:
 * the run may have been started with an older one.
 */
static const char *
excuse(const struct core *c, const struct vstep *v, size_t i)
{
	const struct path *from = plan_leaves(v->live->plan);
	const struct book *b = book_find(c, v->live->pb->name);

	if (v->lacks[i][0] == '\0' || from == NULL || from == v->p->through || b == NULL ||
		b->ev == NULL)
		return NULL;
	return evidence_harm_at(
		b->ev, from->name, v->live->plan->proc->flow, v->signal->subjects[i].name);
}

static bool
is_proven(const struct core *c, const struct vstep *v)
{
	size_t n = subjects(v), passed = arrived(v);

	if (PLANTED(NO_CANARY_NEEDED))
		return true;
	if (passed > 0 && PLANTED(ONE_CANARY_IS_ALL))
		return true;
	if (passed == n || v->p->receivers == 0 || passed < (size_t)v->p->receivers)
		return passed == n;
	for (size_t i = 0; i < n; i++)
		if (!v->passed[i] && excuse(c, v, i) == NULL && !PLANTED(ALL_EXCUSED))
			return false;
	return true;
}

/* From now on what each receiver lacks is its excuse. */
static void
excuse_all(const struct core *c, struct vstep *v)
{
	for (size_t i = 0; i < subjects(v); i++)
		if (!v->passed[i])
			(void)snprintf(v->lacks[i], LACKS_LEN, "%s refuses %s too: %s",
				v->signal->subjects[i].name, plan_leaves(v->live->plan)->name,
				excuse(c, v, i));
}

/* at: how much of v->why is said. What each receiver lacks comes behind it, in the playbook's
 * order, in a room of so many octets. */
static void
put_lacks(struct vstep *v, size_t at, size_t room)
{
	for (size_t i = 0; i < subjects(v) && at < room; i++) {
		if (v->passed[i] || v->lacks[i][0] == '\0')
			continue;
		at += (size_t)snprintf(
			v->why + at, room - at, "%s%s", at > 0 ? "; " : "", v->lacks[i]);
	}
}

static void
not_proven(struct core *c, struct vstep *v)
{
	const struct path *from = plan_leaves(v->live->plan);
	char wanted[WHY_LEN / 2] = "";
	size_t at;

	v->why[0] = '\0';
	if (v->p->receivers > 0)
		(void)snprintf(wanted, sizeof wanted,
			" (arrived through %.32s at %zu of %zu; wanted %d, and wherever no harm is "
			"seen through %.32s)",
			v->p->through->name, arrived(v), subjects(v), v->p->receivers,
			from != NULL ? from->name : "another path");
	put_lacks(v, 0, WHY_LEN - strlen(wanted));
	at = strlen(v->why);
	(void)snprintf(v->why + at, WHY_LEN - at, "%s", wanted);
	fail(c, v);
}

static void
proven(struct core *c, struct vstep *v)
{
	int at = snprintf(v->why, WHY_LEN,
		"arrived through %s at %zu of %zu, with the proof that was asked for",
		v->p->through->name, arrived(v), subjects(v));

	put_lacks(v, (size_t)at, WHY_LEN);
	done(c, v);
}

static void
verify_advance(struct core *c, struct vstep *v)
{
	if (v->conflict) {
		if (!wait_busy(v))
			fail(c, v);
		return;
	}
	if (!v->proven && is_proven(c, v)) {
		v->proven = true;
		v->limit_boot_ms = c->boot_ms + CHECK_MS; /* the proof itself was in time */
		excuse_all(c, v);
	}
	if ((v->proven || v->doubt) && stands_all(c, v)) {
		v->doubt = v->stands = false; /* what is late is only late */
		v->stands_i = 0;
	}
	if (v->proven && v->stands) {
		if (v->op == 0 && c->boot_ms >= v->limit_boot_ms)
			fail(c, v);
		return;
	}
	if (v->proven) {
		proven(c, v);
		return;
	}
	if (c->boot_ms + LEAST_PROBE_MS > v->limit_boot_ms) {
		if (!wait_busy(v))
			not_proven(c, v);
		return;
	}
	for (size_t i = 0; i < subjects(v); i++)
		if (!v->passed[i] && v->probe[i] == 0 && c->boot_ms >= v->again_boot_ms[i])
			probe(c, v, i);
}

/* --- all of them --- */

static bool
begin(struct core *c, struct vstep *v)
{
	v->limit_boot_ms = c->boot_ms + v->p->deadline_ms;
	v->least = -1;
	v->next_boot_ms = c->boot_ms;
	if (v->p->kind->class != STEP_VERIFY)
		return true;
	v->signal = playbook_canary(
		v->live->pb, v->p->through, v->live->plan->proc->flow, v->p->production);
	if (v->signal != NULL)
		return true;
	(void)snprintf(v->why, sizeof v->why,
		"no canary watches %s in this direction: nothing can prove the way",
		v->p->through != NULL ? v->p->through->name : "a path");
	fail(c, v);
	return false;
}

void
wait_advance(struct core *c, struct vstep *v)
{
	if (v->failed || v->journal || (v->limit_boot_ms == 0 && !begin(c, v)))
		return;
	if (v->p->kind->class == STEP_VERIFY)
		verify_advance(c, v);
	else if (is_kind(v, "wait.time"))
		time_advance(c, v);
	else if (is_kind(v, "wait.drained"))
		drained_advance(c, v);
	else
		published_advance(c, v);
}

bool
wait_busy(const struct vstep *v)
{
	if (v->journal)
		return true;
	for (size_t i = 0; v->signal != NULL && i < subjects(v); i++)
		if (v->probe[i] != 0)
			return true;
	return false;
}

int64_t
wait_wake(const struct core *c, const struct vstep *v)
{
	int64_t wake = INT64_MAX;

	(void)c;
	if (v->journal || v->failed || v->limit_boot_ms == 0)
		return wake;
	if (v->p->kind->class != STEP_VERIFY)
		return v->op != 0 ? wake : v->next_boot_ms;
	if (v->stands && v->op == 0)
		wake = earlier(wake, v->next_boot_ms);
	if (v->proven)
		return wake;
	for (size_t i = 0; i < subjects(v); i++)
		if (!v->passed[i] && v->probe[i] == 0)
			wake = earlier(wake, earlier(v->again_boot_ms[i],
						     v->limit_boot_ms - LEAST_PROBE_MS + 1));
	return wake;
}
