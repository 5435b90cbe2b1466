/* world.c - the small world of world.h. */
#include "lib/world.h"

#include "base/json.h"
#include "base/text.h"
#include "connector.h"
#include "core/plan.h"
#include "core/record.h"
#include "os/digest.h"
#include "os/stdmem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { READ_DELAY = 40, EFFECT_DELAY = 100, PROBE_DELAY = 300 };

enum wkind { WE_TELL, WE_DELIVER };

struct wevent {
	int64_t at;
	uint64_t seq;
	enum wkind kind;
	unsigned life;
	struct event ev;
	char text[4][512]; /* strings of ev */
	size_t effect;	   /* WE_DELIVER */
};

static const char book[] =
	"ferryman: 1\n"
	"playbook: corp\n"
	"summary: %s\n"
	"owner: duty@elsewhere.example\n"
	"domains: [corp.example]\n"
	"mode: %s\n"
	"targets:\n"
	"  zone: {connector: rfc2136, servers: [192.0.2.53], zone: corp.example, tsig: {name: f, "
	"secret: {file: t.key}}}\n"
	"  tenant: {connector: exchange-online, tenant: corp.example, app: {file: a.id}, "
	"certificate: {file: a.pem}, "
	"connector_name: to-relay, cohorts: [{share: 5%%, from: [u1@corp.example]}]}\n"
	"  hub: {connector: postfix, host: 192.0.2.10, key: {file: id}, host_key: {file: h.key}}\n"
	"paths:\n"
	"  cloud:\n"
	"    prefer: 1\n"
	"    egress: [198.51.100.25, 198.51.100.26]\n"
	"    spf: [\"include:spf.cloud.example\"]\n"
	"    dkim: {by: cloud, d: corp.example, selector: s1}\n"
	"    inbound: {mx: [{preference: 10, host: mx.cloud.example}], mode: deliver}\n"
	"  relay:\n"
	"    prefer: 2\n"
	"    egress: [203.0.113.65]\n"
	"    relay: {host: \"[relay.example]:587\"}\n"
	"    spf: [\"ip4:203.0.113.65\"]\n"
	"    dkim: {by: cloud, d: corp.example, selector: s1}\n"
	"    inbound: {mx: [{preference: 10, host: mx.relay.example}], mode: spool, onward: "
	"\"[mx.cloud.example]:25\", recipients: list}\n"
	"signals:\n"
	"  lists: {kind: dnsbl, group: reputation, path: cloud, flow: outbound, every: 1m, lists: "
	"[bl.example]}\n"
	"  canary: {kind: canary, group: delivery, path: cloud, flow: outbound, every: 1m, "
	"timeout: 50s, late_after: 40s, "
	"from: a@c.corp.example, submit: {host: submit.example, auth: {file: c.auth}}, production: "
	"{host: submit.example, "
	"from: ann@corp.example, auth: {file: n.auth}}, expect: {egress: [198.51.100.25, "
	"198.51.100.26]}, seeds: [{receiver: r1, "
	"mailbox: p+%%@r1.example, imap: {host: mx.r1.example, auth: {file: r1.auth}}}, {receiver: "
	"r2, mailbox: p+%%@r2.example, "
	"imap: {host: mx.r2.example, auth: {file: r2.auth}}}]}\n"
	"  canary-relay: {kind: canary, group: delivery, path: relay, flow: outbound, every: 1m, "
	"timeout: 50s, late_after: 40s, "
	"from: b@c.corp.example, submit: {host: submit.example, auth: {file: c.auth}}, production: "
	"{host: submit.example, "
	"from: ann@corp.example, auth: {file: n.auth}}, expect: {egress: [203.0.113.65]}, seeds: "
	"[{receiver: r1, "
	"mailbox: p+%%@r1.example, imap: {host: mx.r1.example, auth: {file: r1.auth}}}, {receiver: "
	"r2, mailbox: p+%%@r2.example, "
	"imap: {host: mx.r2.example, auth: {file: r2.auth}}}]}\n"
	"  anchor-a: {kind: tcp, role: anchor, every: 30s, host: 192.0.2.1, port: 443}\n"
	"  anchor-b: {kind: tcp, role: anchor, every: 30s, host: 203.0.113.80, port: 443}\n"
	"diagnoses:\n"
	"  blocked: {path: cloud, flow: outbound, groups: 2, of: [reputation, delivery], must: "
	"[delivery], receivers: 2, share: 5%%, "
	"for: 5m, clear: 10m}\n"
	"responses:\n"
	"  - {on: blocked, at: suspect, run: wait, mode: automatic}\n"
	"  - {on: blocked, at: confirmed, run: out, mode: %s}\n"
	"procedures:\n"
	"  wait: {kind: shelter, flow: outbound, expires: 4h, steps: [{name: park, mail.park: {at: "
	"[hub]}}]}\n"
	"  out:\n"
	"    kind: cutover\n"
	"    flow: outbound\n"
	"    to: relay\n"
	"    steps:\n"
	"      - {name: authorise, spf.authorize: {zone: zone}}\n"
	"      - {name: see it, wait.published: {zone: zone}}\n"
	"      - {name: prove it, verify.canary: {through: relay}}\n"
	"      - {name: switch, outbound.switch: {at: [tenant, hub]}, pivot: true}\n"
	"      - {name: release, queue.release: {at: [hub], rate: 10 per s}}\n"
	"      - {name: verify, verify.canary: {through: relay, as: production}}\n"
	"    failback: {mode: %s, soak: 20m, stage: 1m, order: [canaries, 5%%, 100%%], require: "
	"[queues-drained]}\n"
	"limits: {cutovers: 2 per day, cooldown: 1m}\n"
	"people:\n"
	"  ann: {user: ann, may: [run, approve, brake]}\n"
	"  ben: {user: ben, may: [approve]}\n"
	"notify: [{program: [/bin/true]}]\n";

static struct playbook *
load(const char *text, size_t n)
{
	struct findings *f = NULL;
	struct playbook *pb;
	const struct playbook_input in = { .file = "corp.yaml",
		.text = text,
		.len = n,
		.connectors = registry_infos(),
		.sha256 = digest_sha256 };

	pb = playbook_load(&stdmem, &in, &f);
	for (size_t i = 0; pb == NULL && i < findings_n(f); i++)
		printf("%d: %s\n", findings_at(f, i)->at.line, findings_at(f, i)->text);
	findings_free(&f);
	return pb;
}

size_t
world_text(const char *mode, const char *summary, char *ret, size_t room)
{
	bool observes = text_eq(mode, "observe");
	const char *most = observes ? "approve" : mode;

	return (size_t)snprintf(
		ret, room, book, summary, observes ? mode : "automatic", most, most);
}

struct playbook *
world_playbook(const char *mode, const char *summary)
{
	char text[sizeof book + 512];

	return load(text, world_text(mode, summary, text, sizeof text));
}

/* --- targets --- */

static struct wcell *
cell_of(struct wtarget *t, const char *resource)
{
	for (size_t i = 0; i < t->cells_n; i++)
		if (text_eq(t->cell[i].resource, resource))
			return &t->cell[i];
	return NULL;
}

static void
put_cell(struct wtarget *t, const char *resource, const char *value)
{
	struct wcell *c = cell_of(t, resource);

	if (c == NULL)
		c = &t->cell[t->cells_n++];
	c->resource = resource;
	(void)snprintf(c->value, sizeof c->value, "%s", value);
}

static struct wtarget *
target_of(struct world *w, const char *name)
{
	for (int i = 0; i < w->targets_n; i++)
		if (text_eq(w->target[i].name, name))
			return &w->target[i];
	return NULL;
}

int
world_target(struct world *w, const char *name, int like)
{
	if (w->targets_n == W_TARGETS_MAX)
		abort();
	w->target[w->targets_n].name = name;
	w->target[w->targets_n].like = like;
	return w->targets_n++;
}

void
world_cell(struct world *w, int target, const char *resource, const char *value)
{
	put_cell(&w->target[target], resource, value);
}

static void
targets_init(struct world *w)
{
	(void)world_target(w, "zone", W_ZONE);
	(void)world_target(w, "hub", W_HUB);
	(void)world_target(w, "tenant", W_TENANT);
	put_cell(&w->target[W_ZONE], "dns.rrset corp.example TXT", WORLD_SPF);
	put_cell(&w->target[W_ZONE], "dns.rrset corp.example MX", WORLD_MX);
	put_cell(&w->target[W_HUB], "relay.route corp.example", "");
	put_cell(&w->target[W_HUB], "relay.park corp.example", "");
	put_cell(&w->target[W_HUB], "relay.queue corp.example",
		"state open\nparked 0\nwaiting 0\noldest 0\n");
	put_cell(&w->target[W_TENANT], "tenant.connector to-relay", "");
}

const char *
world_value(struct world *w, int target, const char *resource)
{
	return cell_of(&w->target[target], resource)->value;
}

void
world_edit(struct world *w, int target, const char *resource, const char *value)
{
	struct wcell *c = cell_of(&w->target[target], resource);

	(void)snprintf(c->value, sizeof c->value, "%s", value);
}

static void
change(struct world *w, struct wtarget *t, const struct weffect *e)
{
	struct wcell *c = cell_of(t, e->resource);

	(void)snprintf(t->marker_store, sizeof t->marker_store, "%s", WORLD_STORE);
	t->marker_lsn = e->lsn;
	if (e->dir == DIR_FENCE)
		return;
	if (text_starts(e->resource, "relay.queue ")) {
		put_cell(t, "relay.park corp.example", "");
		(void)snprintf(
			c->value, sizeof c->value, "state open\nparked 0\nwaiting 0\noldest 0\n");
		return;
	}
	(void)snprintf(c->value, sizeof c->value, "%s", e->want);
	if (text_starts(e->resource, "relay.park "))
		put_cell(t, "relay.queue corp.example",
			e->want[0] != '\0' ? "state parked\nparked 7\nwaiting 0\noldest 9\n"
					   : "state open\nparked 0\nwaiting 0\noldest 0\n");
	(void)w;
}

/* The number goes, if it is the one that was seen (zone), or not a newer one (hub). */
static enum outcome
unmark(struct wtarget *t, struct weffect *e)
{
	if (t->marker_store[0] == '\0')
		return OUT_DONE;
	if (t->like == W_TENANT)
		return OUT_REFUSED;
	if (t->like == W_ZONE ? t->marker_lsn != e->seen_lsn : t->marker_lsn > e->lsn)
		return OUT_STALE;
	t->marker_store[0] = '\0';
	t->marker_lsn = 0;
	e->applied = true;
	return OUT_DONE;
}

static enum outcome
judge(struct world *w, struct weffect *e)
{
	struct wtarget *t = target_of(w, e->target);
	struct wcell *c = cell_of(t, e->resource);
	bool zone = t != NULL && t->like == W_ZONE, hub = t != NULL && t->like == W_HUB;
	bool fits = e->dir == DIR_FENCE || text_starts(e->resource, "relay.queue ") ||
		    (c != NULL && text_eq(c->value, e->base));

	if (e->dir != DIR_FENCE && text_eq(e->resource, FENCE_MARKER))
		return unmark(t, e);
	if (c == NULL)
		return OUT_REFUSED;
	if ((zone || hub) && t->marker_lsn == e->lsn)
		return OUT_DONE;
	if ((zone || hub) && t->marker_lsn > e->lsn)
		return OUT_STALE;
	if (zone && t->marker_lsn != e->seen_lsn)
		return OUT_CONFLICT;
	if (!fits && !(!zone && text_eq(c->value, e->want)))
		return OUT_CONFLICT;
	if (!zone && !hub && e->dir == DIR_FENCE)
		return OUT_REFUSED;
	e->applied = true;
	change(w, t, e);
	return OUT_DONE;
}

/* --- events on their way --- */

static struct wevent *
push(struct world *w, int64_t ms, enum wkind kind)
{
	struct wevent *e;

	if (w->events_n == w->events_room) {
		w->events_room = w->events_room * 2 + 64;
		w->event = realloc(w->event, w->events_room * sizeof *w->event);
		if (w->event == NULL)
			abort();
	}
	e = &w->event[w->events_n++];
	memset(e, 0, sizeof *e);
	e->at = w->boot_ms + ms;
	e->seq = ++w->events_seq;
	e->kind = kind;
	e->life = (unsigned)w->epoch;
	return e;
}

static bool
pop(struct world *w, int64_t until, struct wevent *ret)
{
	size_t best = w->events_n;

	for (size_t i = 0; i < w->events_n; i++)
		if (w->event[i].at <= until &&
			(best == w->events_n || w->event[i].at < w->event[best].at ||
				(w->event[i].at == w->event[best].at &&
					w->event[i].seq < w->event[best].seq)))
			best = i;
	if (best == w->events_n)
		return false;
	*ret = w->event[best];
	w->event[best] = w->event[--w->events_n];
	return true;
}

/* --- the store --- */

static void
store(struct world *w, const char *text)
{
	if (w->records_n == w->room) {
		w->room = w->room * 2 + 64;
		w->record = realloc(w->record, w->room * sizeof *w->record);
		w->hash = realloc(w->hash, w->room * sizeof *w->hash);
		if (w->record == NULL || w->hash == NULL)
			abort();
	}
	w->record[w->records_n] = stdmem_str(text);
	digest_sha256(NULL, text, strlen(text), w->hash[w->records_n]);
	w->records_n++;
}

void
world_load(struct world *w, const char *record)
{
	store(w, record);
}

static const char *
head(const struct world *w)
{
	return w->records_n > 0
		       ? w->hash[w->records_n - 1]
		       : "0000000000000000000000000000000000000000000000000000000000000000";
}

static void
append(struct world *w, const struct action *a)
{
	struct wevent *e = push(w, w->append_ms, WE_TELL);
	bool fits = a->append.expect_seq == w->records_n && a->append.expect_epoch == w->epoch &&
		    text_eq(a->append.expect_hash, head(w));
	enum outcome o = fits ? w->append_as : OUT_CONFLICT;

	if (o == OUT_DONE && w->keep != NULL)
		o = w->keep(w, a);
	if (++w->appends_open > w->appends_most)
		w->appends_most = w->appends_open;
	for (size_t i = 0; o == OUT_DONE && i < a->append.records_n && !w->dead; i++) {
		store(w, a->append.records[i]);
		w->dead = w->dead || w->records_n == w->die_after;
	}
	e->ev.type = EV_APPENDED;
	e->ev.op = a->op;
	e->ev.appended.outcome = o;
	e->ev.appended.seq = w->records_n;
	(void)snprintf(e->text[0], sizeof e->text[0], "%s", head(w));
}

/* --- actions --- */

static void
answer_effect(struct world *w, op_id op, const struct weffect *sent, int64_t ms, enum outcome o)
{
	struct wevent *e = push(w, ms, WE_TELL);

	e->ev.type = EV_EFFECT;
	e->ev.op = op;
	e->ev.effect.lsn = sent->lsn;
	e->ev.effect.outcome = o;
	(void)snprintf(e->text[0], sizeof e->text[0], "%s", o == OUT_DONE ? "" : "as scripted");
}

static void
copy(char *to, size_t n, const char *s)
{
	(void)snprintf(to, n, "%s", s != NULL ? s : "");
}

static void
deliver_later(struct world *w, size_t i, int64_t ms)
{
	struct wevent *e = push(w, ms, WE_DELIVER);

	e->effect = i;
}

void
world_late(struct world *w, const struct weffect *e, int64_t ms)
{
	w->effect[w->effects_n] = *e;
	deliver_later(w, w->effects_n++, ms);
}

static void
do_effect(struct world *w, const struct action *a)
{
	size_t n = w->effects_n++;
	struct weffect *e = &w->effect[n];
	enum fate fate;
	enum outcome o;

	if (n >= W_EFFECTS)
		abort();
	copy(e->run, sizeof e->run, a->effect.run);
	copy(e->step, sizeof e->step, a->effect.step);
	copy(e->target, sizeof e->target, a->effect.target);
	copy(e->resource, sizeof e->resource, a->effect.resource);
	copy(e->base, sizeof e->base, a->effect.base);
	copy(e->want, sizeof e->want, a->effect.want);
	copy(e->options, sizeof e->options, a->effect.options);
	e->dir = a->effect.dir;
	e->lsn = a->effect.lsn;
	e->seen_lsn = a->effect.seen_lsn;
	e->sent_boot_ms = w->boot_ms;
	e->deadline_ms = a->effect.deadline_ms;
	e->records = w->records_n;
	fate = w->fate != NULL ? w->fate(w, e, n) : FATE_FINE;
	if (w->before != NULL)
		w->before(w, e);
	switch (fate) {
	case FATE_FINE:
		answer_effect(w, a->op, e, EFFECT_DELAY, judge(w, e));
		break;
	case FATE_LOST:
		answer_effect(w, a->op, e, EFFECT_DELAY, OUT_UNKNOWN);
		break;
	case FATE_REPLY_LOST:
		(void)judge(w, e);
		answer_effect(w, a->op, e, EFFECT_DELAY, OUT_UNKNOWN);
		break;
	case FATE_LATE:
		deliver_later(w, n, w->late_ms);
		answer_effect(w, a->op, e, EFFECT_DELAY, OUT_UNKNOWN);
		break;
	case FATE_TWICE:
		o = judge(w, e);
		deliver_later(w, n, w->late_ms);
		answer_effect(w, a->op, e, EFFECT_DELAY, o);
		break;
	case FATE_RETRY:
		answer_effect(w, a->op, e, EFFECT_DELAY, OUT_RETRY);
		break;
	case FATE_REFUSED:
		answer_effect(w, a->op, e, EFFECT_DELAY, OUT_REFUSED);
		break;
	case FATE_SILENT:
		(void)judge(w, e);
		w->dead = true;
		break;
	case FATE_AWAY:
		e->away = true;
		break;
	}
}

static void
do_read(struct world *w, const struct action *a)
{
	struct wtarget *t = target_of(w, a->read.target);
	struct wcell *c = t != NULL ? cell_of(t, a->read.resource) : NULL;
	struct wevent *e = push(w, w->read_ms > 0 ? w->read_ms : READ_DELAY, WE_TELL);

	bool marker = t != NULL && text_eq(a->read.resource, FENCE_MARKER);

	e->ev.type = EV_READ;
	e->ev.op = a->op;
	e->ev.read.outcome = (c != NULL || marker) && !t->unreadable ? OUT_DONE : OUT_RETRY;
	if ((c == NULL && !marker) || t->unreadable) {
		copy(e->text[3], sizeof e->text[3], "no answer");
		return;
	}
	copy(e->text[0], sizeof e->text[0],
		!marker			     ? c->value
		: t->marker_store[0] != '\0' ? "marked\n"
					     : "");
	copy(e->text[2], sizeof e->text[2], t->marker_store);
	e->ev.read.marker_lsn = t->marker_lsn;
	if (a->read.from != READ_TARGET) {
		e->ev.read.source_n = 1;
		e->ev.read.source[0].answered = true;
	}
}

/* The truth: the primary is listed and refuses, or not. */
static void
see(struct world *w, const struct action *a, struct event *ev)
{
	const struct signal *s = playbook_signal(w->pb, a->probe.signal);
	bool primary = s->path == w->pb->primary, bad = primary ? w->primary_bad : w->backup_bad;

	ev->seen.verdict = VERDICT_OK;
	if (s->role == SIG_ANCHOR)
		ev->seen.verdict = w->blind ? VERDICT_BAD : VERDICT_OK;
	else if (!s->harm)
		ev->seen.verdict = w->listed && primary ? VERDICT_BAD : VERDICT_OK;
	else if (bad)
		ev->seen.verdict = VERDICT_BAD;
	if (a->probe.through != NULL) {
		w->verifies++;
		if (w->junk)
			ev->seen.verdict = VERDICT_DEGRADED;
	}
	ev->seen.harm = s->harm && ev->seen.verdict == VERDICT_BAD;
}

static void
do_probe(struct world *w, const struct action *a)
{
	struct wevent *e =
		push(w, w->probe_ms != NULL ? w->probe_ms(a->probe.signal) : PROBE_DELAY, WE_TELL);

	e->ev.type = EV_SEEN;
	e->ev.op = a->op;
	copy(e->text[0], sizeof e->text[0], a->probe.signal);
	copy(e->text[1], sizeof e->text[1], a->probe.subject);
	see(w, a, &e->ev);
	copy(e->text[2], sizeof e->text[2],
		e->ev.seen.verdict == VERDICT_OK ? "arrived" : "554 refused");
}

static void
do_notify(struct world *w, const struct action *a)
{
	struct wevent *e = push(w, 10, WE_TELL);

	e->ev.type = EV_SENT;
	e->ev.op = a->op;
	e->ev.sent.outcome = OUT_DONE;
	if (w->lines_n < W_LINES)
		(void)snprintf(w->lines[w->lines_n++], sizeof w->lines[0], "notify %s %s",
			severity_name(a->notify.severity), a->notify.text);
}

static void
do_reply(struct world *w, const struct action *a)
{
	struct wreply *r = &w->reply[w->replies_n++ % W_REPLIES];

	copy(r->req, sizeof r->req, a->reply.req);
	copy(r->body, sizeof r->body, a->reply.body);
	r->exit = a->reply.exit;
	r->last = a->reply.last;
}

static void
carry_out(struct world *w, const struct action *a)
{
	switch (a->type) {
	case ACT_PROBE:
		do_probe(w, a);
		break;
	case ACT_READ:
		do_read(w, a);
		break;
	case ACT_APPEND:
		append(w, a);
		break;
	case ACT_EFFECT:
		do_effect(w, a);
		break;
	case ACT_NOTIFY:
		do_notify(w, a);
		break;
	case ACT_REPLY:
		do_reply(w, a);
		break;
	case ACT_STATUS:
		if (w->lines_n < W_LINES)
			(void)snprintf(w->lines[w->lines_n++], sizeof w->lines[0], "%s %s",
				a->status.topic, a->status.body);
		break;
	case ACT_HALT:
		w->halted = true;
		w->halt = *a;
		break;
	case ACT_CANCEL:
	case ACT_N:
		break;
	}
}

void
world_event(struct world *w, struct event *ev)
{
	struct actions acts;

	if (w->core == NULL || w->halted)
		return;
	ev->boot_ms = w->boot_ms;
	ev->wall_ms = w->wall_ms;
	if (w->hears != NULL)
		w->hears(w, ev);
	acts = core_step(w->core, ev);
	for (size_t i = 0; i < acts.n && !w->dead; i++)
		carry_out(w, &acts.a[i]);
	w->broken_laws += w->appends_open > 1;
	if (w->dead)
		world_kill(w);
}

static void
point(struct wevent *e)
{
	struct event *ev = &e->ev;

	switch (ev->type) {
	case EV_APPENDED:
		ev->appended.hash = e->text[0];
		break;
	case EV_EFFECT:
		ev->effect.version = "";
		ev->effect.why = e->text[0];
		break;
	case EV_READ:
		ev->read.value = e->text[0];
		ev->read.version = "";
		ev->read.marker_store = e->text[2][0] != '\0' ? e->text[2] : NULL;
		ev->read.why = e->text[3];
		if (ev->read.source_n > 0) {
			ev->read.source[0].source = "192.0.2.53";
			ev->read.source[0].value = e->text[0];
		}
		break;
	case EV_SEEN:
		ev->seen.signal = e->text[0];
		ev->seen.subject = e->text[1];
		ev->seen.path = ev->seen.class = "";
		ev->seen.playbook = "corp";
		ev->seen.why = e->text[2];
		break;
	case EV_SENT:
		ev->sent.why = "";
		break;
	default:
		break;
	}
}

static void
happen(struct world *w, struct wevent *e)
{
	if (e->kind == WE_DELIVER) {
		(void)judge(w, &w->effect[e->effect]);
		return;
	}
	if (e->life != w->epoch || w->core == NULL)
		return;
	if (e->ev.type == EV_APPENDED)
		w->appends_open--;
	point(e);
	world_event(w, &e->ev);
	if (w->told != NULL)
		w->told(w, &e->ev);
}

/* --- life --- */

static struct playbook *
by_hash(void *ctx, const char *sha256)
{
	struct world *w = ctx;

	if (text_eq(w->pb->sha256, sha256))
		return playbook_ref(w->pb);
	return w->other != NULL && text_eq(w->other->sha256, sha256) ? playbook_ref(w->other)
								     : NULL;
}

static void
init_with(struct world *w, struct playbook *pb, struct wtarget *target, struct weffect *effect)
{
	memset(w, 0, sizeof *w);
	w->pb = pb;
	w->borrowed = target != NULL;
	w->target = w->borrowed ? target : calloc(W_TARGETS_MAX, sizeof *w->target);
	w->effect = w->borrowed ? effect : calloc(W_EFFECTS, sizeof *w->effect);
	(void)fflush(stdout);
	if (w->pb == NULL || w->target == NULL || w->effect == NULL)
		abort();
	w->boot_ms = 1000;
	w->wall_ms = 1790000000000;
	w->era = 1;
	w->append_ms = 2;
	w->late_ms = 30000;
	w->append_as = OUT_DONE;
	w->mem = stdmem;
	(void)snprintf(w->boot_id, sizeof w->boot_id, "00000000-0000-4000-8000-000000000001");
	while (w->targets_n < W_TARGETS_MAX && w->target[w->targets_n].name != NULL)
		w->targets_n++;
	while (w->effects_n < W_EFFECTS && w->effect[w->effects_n].lsn != 0)
		w->effects_n++;
	if (w->targets_n == 0)
		targets_init(w);
}

void
world_init(struct world *w, const char *mode)
{
	init_with(w, world_playbook(mode != NULL ? mode : "approve", "a small one"), NULL, NULL);
}

void
world_init_book(struct world *w, const char *text, struct wtarget *target, struct weffect *effect)
{
	init_with(w, load(text, strlen(text)), target, effect);
}

void
world_fini(struct world *w)
{
	core_free(&w->core);
	playbook_unref(&w->pb);
	playbook_unref(&w->other);
	for (size_t i = 0; i < w->records_n; i++)
		free(w->record[i]);
	free(w->record);
	free(w->hash);
	free(w->event);
	if (!w->borrowed) {
		free(w->target);
		free(w->effect);
	}
}

void
world_kill(struct world *w)
{
	core_free(&w->core);
	w->dead = true;
	w->appends_open = 0;
}

void
world_start(struct world *w)
{
	const struct core_env env = { .mem = w->mem,
		.ctx = w,
		.sha256 = digest_sha256,
		.playbook = by_hash,
		.in_window = w->in_window };
	struct event open = { .type = EV_OPEN }, told = { .type = EV_PLAYBOOK };
	struct err err = { 0 };

	core_free(&w->core);
	w->dead = w->halted = false;
	w->die_after = 0;
	w->appends_open = 0;
	w->epoch++;
	w->core = core_new(&env, 7);
	if (w->core == NULL) {
		w->halted = true;
		return;
	}
	for (size_t i = 0; i < w->records_n; i++)
		if (core_fold(w->core, w->record[i], strlen(w->record[i]), &err) != RC_OK) {
			printf("     record %zu does not fold: %s\n", i + 1, err.text);
			w->halted = true;
			return;
		}
	open.open.store = WORLD_STORE;
	open.open.era = w->era;
	open.open.epoch = w->epoch;
	open.open.seq = w->records_n;
	open.open.hash = head(w);
	open.open.boot_id = w->boot_id;
	open.open.fresh = w->fresh || w->records_n == 0;
	open.open.by_operator = w->by_operator;
	open.open.one_shot = w->one_shot;
	world_event(w, &open);
	if (w->not_told)
		return;
	told.playbook.name = w->pb->name;
	told.playbook.sha256 = w->pb->sha256;
	told.playbook.why = "corp.yaml";
	world_event(w, &told);
}

static bool
step(struct world *w, int64_t until)
{
	struct wevent e;
	struct event tick = { .type = EV_TICK };
	int64_t next = until,
		wake = w->core != NULL && !w->halted ? core_wake_ms(w->core) : INT64_MAX;

	for (size_t i = 0; i < w->events_n; i++)
		if (w->event[i].at < next)
			next = w->event[i].at;
	if (wake < next)
		next = wake;
	if (next > w->boot_ms) {
		w->wall_ms += next - w->boot_ms;
		w->boot_ms = next;
	}
	if (pop(w, w->boot_ms, &e))
		happen(w, &e);
	else if (wake <= w->boot_ms)
		world_event(w, &tick);
	return w->boot_ms < until;
}

void
world_pass(struct world *w, int64_t ms)
{
	int64_t until = w->boot_ms + ms;

	for (size_t guard = 0; step(w, until) && !w->dead; guard++)
		if (guard > 2000000) {
			printf("     it turns in circles\n");
			w->broken_laws++;
			return;
		}
}

bool
world_until(struct world *w, int64_t ms, bool (*there)(struct world *w))
{
	int64_t until = w->boot_ms + ms;

	while (!there(w)) {
		if (w->dead || w->halted || !step(w, until))
			return there(w);
	}
	return true;
}

bool
world_until_state(struct world *w, int64_t ms, enum flow flow, const char *state)
{
	int64_t until = w->boot_ms + ms;

	while (!text_eq(world_state(w, flow), state)) {
		if (w->dead || w->halted || !step(w, until))
			return text_eq(world_state(w, flow), state);
	}
	return true;
}

/* --- people --- */

size_t
world_say(struct world *w, const struct wask *a)
{
	static size_t asked;
	char req[32];
	struct event ev = { .type = EV_COMMAND };

	(void)snprintf(req, sizeof req, "%zu", ++asked);
	ev.command.req = req;
	ev.command.principal = a->user != NULL ? a->user : "ann";
	ev.command.via = "cli";
	ev.command.verb = a->verb;
	ev.command.of = a->of;
	ev.command.playbook = "corp";
	ev.command.procedure = a->procedure;
	ev.command.run = a->run;
	ev.command.plan_hash = a->plan_hash;
	ev.command.reason = a->reason != NULL ? a->reason : "a test";
	ev.command.nonce = a->nonce;
	ev.command.expires_wall_ms = a->expires;
	if (a->override != NULL)
		ev.command.overrides[ev.command.overrides_n++] = a->override;
	world_event(w, &ev);
	return asked;
}

const struct wreply *
world_reply(struct world *w, size_t req, bool last)
{
	char id[32];

	(void)snprintf(id, sizeof id, "%zu", req);
	for (size_t i = w->replies_n; i-- > 0 && i + W_REPLIES >= w->replies_n;)
		if (text_eq(w->reply[i % W_REPLIES].req, id) &&
			w->reply[i % W_REPLIES].last == last)
			return &w->reply[i % W_REPLIES];
	return NULL;
}

const char *
world_field(const struct wreply *r, const char *key)
{
	static char found[4][600]; /* a test asks for few at a time */
	static unsigned turn;
	struct arena *a = arena_new(&stdmem, 1 << 20);
	size_t at = 0;
	const struct json *o = r != NULL ? json_read(a, r->body, strlen(r->body), &at) : NULL;
	const char *s = json_str(o, key);
	char *to = found[turn++ % 4];

	(void)snprintf(to, sizeof found[0], "%s", s != NULL ? s : "");
	arena_free(&a);
	return to;
}

/* --- looking --- */

static const struct json *
status_of(struct world *w, struct arena *a)
{
	struct buf b;
	size_t at = 0;
	const struct json *o;

	buf_init(&b, &stdmem, 1 << 22);
	w->looking = true;
	core_status(w->core, &b, false);
	w->looking = false;
	o = json_read(a, buf_text(&b), b.len, &at);
	buf_fini(&b);
	return o;
}

static const char *
pick(struct world *w, const char *list, const char *key, const char *value)
{
	static char found[64];
	struct arena *a = arena_new(&stdmem, 1 << 22);
	const struct json *l = w->core != NULL ? json_get(status_of(w, a), list) : NULL;

	found[0] = '\0';
	for (const struct json *m = l != NULL ? l->child : NULL; m != NULL; m = m->next)
		if (text_eq(json_str(m, key), value))
			(void)snprintf(found, sizeof found, "%s", json_str(m, "state"));
	arena_free(&a);
	return found;
}

const char *
world_state(struct world *w, enum flow flow)
{
	return pick(w, "machines", "flow", flow_name(flow));
}

const char *
world_run_state(struct world *w, const char *kind)
{
	return pick(w, "runs", "kind", kind);
}

size_t
world_count(struct world *w, const char *type, const char *part)
{
	char mark[40];
	size_t n = 0;

	(void)snprintf(mark, sizeof mark, "\"type\":\"%s\"", type);
	for (size_t i = 0; i < w->records_n; i++)
		n += strstr(w->record[i], mark) != NULL &&
		     (part == NULL || strstr(w->record[i], part) != NULL);
	return n;
}

bool
world_said(struct world *w, const char *part)
{
	for (size_t i = 0; i < w->lines_n; i++)
		if (strstr(w->lines[i], part) != NULL)
			return true;
	return false;
}

void
world_print(struct world *w)
{
	for (size_t i = 0; i < w->records_n; i++) {
		const char *type = strstr(w->record[i], "\"type\":"),
			   *body = strstr(w->record[i], "\"body\":");

		printf("     %zu %.20s %.300s\n", i + 1, type != NULL ? type + 8 : "",
			body != NULL ? body + 7 : w->record[i]);
	}
}
