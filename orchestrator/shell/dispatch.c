/*
 * dispatch.c - actions of the core become calls of connectors and of the store; their completions
 * become events.
 *
 * Each operation of the core completes exactly once. What cannot even be begun (a connector that
 * does not open) completes in the next turn of the loop, with the words that say that nothing was
 * sent.
 */
#include "base/json.h"
#include "os/log.h"
#include "os/sign.h"
#include "os/stdmem.h"
#include "shell/inside.h"
#include "state/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The operation of a halt's alarm: one that the core never gives. */
#define LAST_WORDS ((op_id)UINT64_MAX)

static void
flight_free(struct flight *f)
{
	free(f->playbook);
	free(f->signal);
	free(f->subject);
	free(f);
}

static struct flight *
flight_new(struct shell *s, op_id op, enum flight_kind kind, struct port *port)
{
	struct flight *f = stdmem_get(sizeof *f);

	*f = (struct flight){ .next = s->flights, .op = op, .kind = kind, .port = port };
	s->flights = f;
	return f;
}

/* Take the flight out of the list; NULL when it is not there (completed twice: dropped). */
static struct flight *
flight_take(struct shell *s, op_id op)
{
	for (struct flight **at = &s->flights; *at != NULL; at = &(*at)->next) {
		struct flight *f = *at;

		if (f->op != op)
			continue;
		*at = f->next;
		return f;
	}
	return NULL;
}

static void
tell_seen(struct shell *s, const struct flight *f, const struct observation *o)
{
	static const enum verdict verdicts[] = {
		[CONN_OK] = VERDICT_OK,
		[CONN_DEGRADED] = VERDICT_DEGRADED,
		[CONN_BAD] = VERDICT_BAD,
		[CONN_UNKNOWN] = VERDICT_UNKNOWN,
	};
	struct event ev = { .type = EV_SEEN, .op = f->op };
	struct playbook *pb = books_by_name(s, f->playbook);
	const struct signal *sig = pb != NULL ? playbook_signal(pb, f->signal) : NULL;

	ev.seen.signal = f->signal;
	ev.seen.playbook = f->playbook;
	ev.seen.path = sig != NULL && sig->path != NULL ? sig->path->name : "";
	ev.seen.subject = f->subject;
	ev.seen.class = o->class != NULL ? o->class : "";
	ev.seen.via = o->via;
	ev.seen.verdict = verdicts[o->verdict];
	ev.seen.harm = o->harm;
	ev.seen.untested = o->untested;
	ev.seen.observed_wall_ms = 0;
	ev.seen.valid_until_wall_ms = o->valid_ms;
	ev.seen.why = o->why != NULL ? o->why : "";
	shell_event(s, &ev);
}

static void
tell_read(struct shell *s, const struct flight *f, const struct state *st)
{
	struct event ev = { .type = EV_READ, .op = f->op };

	ev.read.outcome = st->outcome;
	ev.read.value = st->value != NULL ? st->value : "";
	ev.read.version = st->version != NULL ? st->version : "";
	ev.read.marker_store = st->marker_store;
	ev.read.marker_lsn = st->marker_lsn;
	ev.read.why = st->why != NULL ? st->why : "";
	for (size_t i = 0; i < st->source_n && i < EV_SOURCES_MAX; i++) {
		ev.read.source[i] = (struct source_value){ .source = st->source[i].source,
			.value = st->source[i].value,
			.answered = st->source[i].answered };
		ev.read.source_n++;
	}
	shell_event(s, &ev);
}

static void
tell_effect(struct shell *s, op_id op, uint64_t lsn, enum outcome outcome, const char *version,
	const char *why)
{
	struct event ev = { .type = EV_EFFECT, .op = op };

	ev.effect.lsn = lsn;
	ev.effect.outcome = outcome;
	ev.effect.version = version != NULL ? version : "";
	ev.effect.why = why != NULL ? why : "";
	shell_event(s, &ev);
}

static void
tell_sent(struct shell *s, op_id op, enum outcome outcome, const char *why)
{
	struct event ev = { .type = EV_SENT, .op = op };

	ev.sent.outcome = outcome;
	ev.sent.why = why != NULL ? why : "";
	shell_event(s, &ev);
}

/* One notifier of possibly several: the operation is done with the last of them. */
static void
notified(struct shell *s, struct flight *f, const struct conn_answer *a)
{
	struct flight *taken;

	f->sent = f->sent || a->outcome == OUT_DONE;
	if (a->outcome != OUT_DONE)
		log_kv(LOG_ERROR_, "not-notified", "why", a->why);
	if (--f->waiting > 0)
		return;
	taken = flight_take(s, f->op);
	if (s->halted)
		shell_leave(s);
	else
		tell_sent(s, taken->op, taken->sent ? OUT_DONE : OUT_RETRY, a->why);
	flight_free(taken);
}

static struct flight *
flight_find(struct shell *s, op_id op)
{
	for (struct flight *f = s->flights; f != NULL; f = f->next)
		if (f->op == op)
			return f;
	return NULL;
}

/* conn_done_fn of every connector; ctx is the shell. */
static void
on_done(void *ctx, const struct conn_done *d)
{
	struct shell *s = ctx;
	struct flight *f = flight_find(s, d->op);

	if (f == NULL || (s->halted && d->op != LAST_WORDS))
		return;
	if (f->kind == FLIGHT_NOTIFY) {
		notified(s, f, d->sent);
		return;
	}
	f = flight_take(s, d->op);
	switch (f->kind) {
	case FLIGHT_PROBE:
		tell_seen(s, f, d->obs);
		break;
	case FLIGHT_READ:
		tell_read(s, f, d->state);
		break;
	case FLIGHT_EFFECT:
		tell_effect(
			s, f->op, f->lsn, d->answer->outcome, d->answer->version, d->answer->why);
		break;
	case FLIGHT_NOTIFY:
		break;
	}
	flight_free(f);
}

/* --- what is known without asking anybody --- */

static void
later_tell(struct shell *s, const struct later *l)
{
	struct flight f = {
		.op = l->op, .playbook = l->playbook, .signal = l->signal, .subject = l->subject
	};
	const struct observation o = { .verdict = CONN_UNKNOWN, .why = l->why };
	const struct state st = { .outcome = l->outcome, .why = l->why };

	switch (l->kind) {
	case FLIGHT_PROBE:
		tell_seen(s, &f, &o);
		break;
	case FLIGHT_READ:
		tell_read(s, &f, &st);
		break;
	case FLIGHT_EFFECT:
		tell_effect(s, l->op, l->lsn, l->outcome, "", l->why);
		break;
	case FLIGHT_NOTIFY:
		tell_sent(s, l->op, l->outcome, l->why);
		break;
	}
}

static void
later_free(struct later *l)
{
	free(l->playbook);
	free(l->signal);
	free(l->subject);
	free(l->why);
	free(l);
}

static void
on_later(uv_idle_t *h)
{
	struct shell *s = h->data;
	struct later *l = s->later;

	s->later = NULL;
	s->later_end = &s->later;
	(void)uv_idle_stop(h);
	while (l != NULL) {
		struct later *next = l->next;

		later_tell(s, l);
		later_free(l);
		l = next;
	}
}

void
dispatch_later(struct shell *s, const struct later *what)
{
	struct later *l = stdmem_get(sizeof *l);

	*l = *what;
	l->next = NULL;
	l->playbook = stdmem_str(what->playbook);
	l->signal = stdmem_str(what->signal);
	l->subject = stdmem_str(what->subject);
	l->why = stdmem_str(what->why);
	*s->later_end = l;
	s->later_end = &l->next;
	(void)uv_idle_start(&s->later_idle, on_later);
}

static void
cannot(struct shell *s, op_id op, enum flight_kind kind, enum outcome outcome, uint64_t lsn,
	struct err *err)
{
	dispatch_later(s,
		&(struct later){
			.op = op, .kind = kind, .outcome = outcome, .lsn = lsn, .why = err->text });
}

/* --- actions --- */

static void
do_probe(struct shell *s, const struct action *a)
{
	struct err err = { 0 };
	struct port *p = ports_get(s, a->probe.playbook, a->probe.signal, &err);
	struct flight *f;

	if (p == NULL) {
		dispatch_later(s, &(struct later){ .op = a->op,
					  .kind = FLIGHT_PROBE,
					  .playbook = (char *)a->probe.playbook,
					  .signal = (char *)a->probe.signal,
					  .subject = (char *)a->probe.subject,
					  .why = err.text });
		return;
	}
	f = flight_new(s, a->op, FLIGHT_PROBE, p);
	f->playbook = stdmem_str(a->probe.playbook);
	f->signal = stdmem_str(a->probe.signal);
	f->subject = stdmem_str(a->probe.subject != NULL ? a->probe.subject : "");
	p->kind->probe(p->conn, a->op,
		&(struct probe_req){ .subject = f->subject,
			.through = a->probe.through,
			.production = a->probe.production,
			.deadline_ms = a->probe.deadline_ms });
}

static void
do_read(struct shell *s, const struct action *a)
{
	struct err err = { 0 };
	struct port *p = ports_get(s, a->read.playbook, a->read.target, &err);

	if (p == NULL) {
		cannot(s, a->op, FLIGHT_READ, OUT_RETRY, 0, &err);
		return;
	}
	(void)flight_new(s, a->op, FLIGHT_READ, p);
	p->kind->read(p->conn, a->op,
		&(struct read_req){ .resource = a->read.resource,
			.from = (enum conn_read_from)a->read.from,
			.deadline_ms = a->read.deadline_ms });
}

static void
do_effect(struct shell *s, const struct action *a)
{
	struct err err = { 0 };
	struct port *p = ports_get(s, a->effect.playbook, a->effect.target, &err);
	struct flight *f;

	if (p == NULL) {
		cannot(s, a->op, FLIGHT_EFFECT, OUT_RETRY, a->effect.lsn, &err);
		return;
	}
	f = flight_new(s, a->op, FLIGHT_EFFECT, p);
	f->lsn = a->effect.lsn;
	p->kind->apply(p->conn, a->op,
		&(struct effect){ .resource = a->effect.resource,
			.dir = (enum conn_dir)a->effect.dir,
			.base = a->effect.base,
			.version = a->effect.version,
			.want = a->effect.want,
			.store = s->head.store,
			.lsn = a->effect.lsn,
			.seen_store = a->effect.seen_store,
			.seen_lsn = a->effect.seen_lsn,
			.options = a->effect.options != NULL ? a->effect.options : "",
			.deadline_ms = a->effect.deadline_ms });
}

/* "NUMBER:HASH" as it goes out: with our signature behind it, where there is a key. */
static void
signed_head(const struct shell *s, const char *head, char *ret, size_t n)
{
	char text[256], signature[SIGN_TEXT];

	(void)snprintf(text, sizeof text, HEAD_SIGNED "%s %s", s->head.store, head);
	if (s->sign != NULL && sign_text(s->sign, text, signature))
		(void)snprintf(ret, n, "%s:%s", head, signature);
	else
		(void)snprintf(ret, n, "%s", head);
}

/* The playbook is in force here: its people hear of it, and nobody else. */
static bool
has_people(const struct shell *s, const char *playbook)
{
	for (const struct book *b = s->books; playbook != NULL && b != NULL; b = b->next)
		if (!b->kept && strcmp(b->pb->name, playbook) == 0)
			return true;
	return false;
}

/* Asks every notifier of the playbook (of every one, where none is named or in force), or the one
 * that is named; the operation is one. Returns how many were asked. */
static size_t
ask_notifiers(struct shell *s, const struct action *a)
{
	const char *severity = severity_name(a->notify.severity);
	bool only = has_people(s, a->notify.playbook);
	struct port *to[16];
	struct flight *f;
	char head[320];
	size_t n = 0;

	log_kv(a->notify.severity == SEV_ALARM ? LOG_ERROR_ : LOG_WARN_, "notify", "severity",
		severity, "text", a->notify.text, "head", a->notify.head);
	signed_head(s, a->notify.head, head, sizeof head);
	for (struct book *b = s->books; b != NULL; b = b->next) {
		if (books_by_name(s, b->pb->name) != b->pb)
			continue; /* an older text of one that is in force */
		if (only && strcmp(b->pb->name, a->notify.playbook) != 0)
			continue;
		for (size_t i = 0; i < b->pb->notify_n && n < sizeof to / sizeof to[0]; i++) {
			struct err err = { 0 };
			const char *name = b->pb->notify[i].name;

			if (a->notify.to != NULL && strcmp(a->notify.to, name) != 0)
				continue;
			to[n] = ports_for(s, b->pb, name, &err);
			if (to[n] != NULL)
				n++;
			else
				log_kv(LOG_ERROR_, "not-notified", "to", name, "why", err.text);
		}
	}
	if (n == 0)
		return 0;
	f = flight_new(s, a->op, FLIGHT_NOTIFY, NULL);
	f->waiting = (unsigned)n;
	for (size_t i = 0; i < n; i++)
		to[i]->kind->notify(to[i]->conn, a->op, severity, a->notify.text, head);
	return n;
}

static void
do_notify(struct shell *s, const struct action *a)
{
	if (ask_notifiers(s, a) == 0)
		dispatch_later(
			s, &(struct later){ .op = a->op,
				   .kind = FLIGHT_NOTIFY,
				   .outcome = OUT_REFUSED,
				   .why = (char *)"the playbook names no notifier that could "
						  "be opened; the text is in the log" });
}

bool
dispatch_last_words(struct shell *s, const char *text)
{
	struct action a = { .type = ACT_NOTIFY, .op = LAST_WORDS };
	char head[96];

	a.notify.severity = SEV_ALARM;
	a.notify.text = text;
	(void)snprintf(head, sizeof head, "%" PRIu64 ":%s", s->head.seq, s->head.hash);
	a.notify.head = head;
	return ask_notifiers(s, &a) > 0;
}

static void
on_appended(void *ctx, uint64_t op, enum outcome outcome, const struct store_head *head,
	const char *why)
{
	struct shell *s = ctx;
	struct event ev = { .type = EV_APPENDED, .op = op };

	ev.appended.outcome = outcome;
	if (outcome == OUT_DONE && head != NULL) {
		s->head = *head;
		ev.appended.seq = head->seq;
		ev.appended.hash = head->hash;
	} else {
		log_kv(LOG_ERROR_, "append", "outcome", outcome_name(outcome), "why", why);
	}
	if (outcome == OUT_UNKNOWN) /* the core could only say that it does not know more */
		shell_halt(s, EXIT_BLOCKED, false, why != NULL ? why : "the store failed");
	shell_event(s, &ev);
}

static void
do_append(struct shell *s, const struct action *a)
{
	const struct store_append sa = {
		.op = a->op,
		.epoch = a->append.expect_epoch,
		.seq = a->append.expect_seq,
		.hash = a->append.expect_hash,
		.records = a->append.records,
		.n = a->append.records_n,
	};
	struct err err = { 0 };

	if (store_append(s->store, &sa, on_appended, s, &err) != RC_OK) {
		log_kv(LOG_FATAL_, "store", "why", err.text);
		shell_halt(s, EXIT_BLOCKED, false, err.text);
	}
}

static void
do_cancel(struct shell *s, const struct action *a)
{
	struct flight *f = flight_find(s, a->op);

	if (f != NULL && f->port != NULL && f->port->conn != NULL)
		f->port->kind->cancel(f->port->conn, a->op);
}

void
dispatch_action(struct shell *s, const struct action *a)
{
	switch (a->type) {
	case ACT_PROBE:
		do_probe(s, a);
		break;
	case ACT_READ:
		do_read(s, a);
		break;
	case ACT_APPEND:
		do_append(s, a);
		break;
	case ACT_EFFECT:
		do_effect(s, a);
		break;
	case ACT_CANCEL:
		do_cancel(s, a);
		break;
	case ACT_NOTIFY:
		do_notify(s, a);
		break;
	case ACT_REPLY:
		control_reply(
			s->control, a->reply.req, a->reply.exit, a->reply.body, a->reply.last);
		break;
	case ACT_STATUS:
		control_status(s->control, a->status.topic, a->status.body);
		break;
	case ACT_HALT:
		shell_halt(s, a->halt.exit, a->halt.clean, a->halt.why);
		break;
	case ACT_N:
		break;
	}
}

void
dispatch_fini(struct shell *s)
{
	while (s->flights != NULL)
		flight_free(flight_take(s, s->flights->op));
	while (s->later != NULL) {
		struct later *l = s->later;

		s->later = l->next;
		later_free(l);
	}
}

conn_done_fn *
dispatch_done(void)
{
	return on_done;
}
