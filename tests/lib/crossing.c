/* crossing.c - the out-and-back of crossing.h. */
#include "lib/crossing.h"

#include "base/text.h"
#include "lib/faultvfs.h"
#include "os/digest.h"
#include "os/stdmem.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	MINUTE = 60000,
	HOUR = 3600000,
	RESTART = 3000, /* until a process that was killed is started again */
	BOOT = 90000,	/* until a machine is there again */
	LATE = 8000, /* a request that was on its way arrives so long after the next start; within
			the deadline of the tenant, which cannot refuse it (20 s) */
	ORDERS = 20, /* so often a person asks again */
	FIRST_BOOT = 1000,
};

static const char book_head[] =
	"ferryman: 1\n"
	"playbook: corp\n"
	"summary: an out-and-back\n"
	"owner: duty@elsewhere.example\n"
	"domains: [corp.example]\n"
	"mode: approve\n"
	"targets:\n"
	"  zone: {connector: rfc2136, servers: [192.0.2.53], zone: corp.example, tsig: {name: f, "
	"secret: {file: t.key}}}\n"
	"  tenant: {connector: exchange-online, tenant: corp.example, app: {file: a.id}, "
	"certificate: {file: a.pem}, connector_name: to-relay, cohorts: [{share: 5%, from: "
	"[u1@corp.example]}, {share: 25%, from: [u2@corp.example]}, {share: 50%, from: "
	"[u3@corp.example]}]}\n"
	"  hub: {connector: postfix, host: 192.0.2.10, key: {file: id}, host_key: {file: h.key}}\n";
static const char book_hubs[] =
	"  hub2: {connector: postfix, host: 192.0.2.11, key: {file: id}, host_key: {file: h.key}}\n"
	"  hub3: {connector: postfix, host: 192.0.2.12, key: {file: id}, host_key: {file: h.key}}\n"
	"  hub4: {connector: postfix, host: 192.0.2.13, key: {file: id}, host_key: {file: "
	"h.key}}\n";
static const char book_paths[] =
	"paths:\n"
	"  cloud:\n"
	"    prefer: 1\n"
	"    egress: [198.51.100.25, 198.51.100.26]\n"
	"    spf: [\"include:spf.cloud.example\"]\n"
	"    dkim: {by: cloud, d: corp.example, selector: s1}\n"
	"  relay:\n"
	"    prefer: 2\n"
	"    egress: [203.0.113.65]\n"
	"    relay: {host: \"[relay.example]:587\"}\n"
	"    spf: [\"ip4:203.0.113.65\"]\n"
	"    dkim: {by: cloud, d: corp.example, selector: s1}\n"
	"signals:\n"
	"  canary: {kind: canary, group: delivery, path: cloud, flow: outbound, every: 1m, "
	"timeout: "
	"50s, late_after: 40s, from: a@c.corp.example, submit: {host: submit.example, auth: {file: "
	"c.auth}}, production: {host: submit.example, from: ann@corp.example, auth: {file: "
	"n.auth}}, "
	"expect: {egress: [198.51.100.25, 198.51.100.26]}, seeds: [{receiver: r1, mailbox: "
	"p+%@r1.example, imap: {host: mx.r1.example, auth: {file: r1.auth}}}]}\n"
	"  canary-relay: {kind: canary, group: delivery, path: relay, flow: outbound, every: 1m, "
	"timeout: 50s, late_after: 40s, from: b@c.corp.example, submit: {host: submit.example, "
	"auth: "
	"{file: c.auth}}, production: {host: submit.example, from: ann@corp.example, auth: {file: "
	"n.auth}}, expect: {egress: [203.0.113.65]}, seeds: [{receiver: r1, mailbox: "
	"p+%@r1.example, "
	"imap: {host: mx.r1.example, auth: {file: r1.auth}}}]}\n"
	"  anchor-a: {kind: tcp, role: anchor, every: 30s, host: 192.0.2.1, port: 443}\n"
	"  anchor-b: {kind: tcp, role: anchor, every: 30s, host: 203.0.113.80, port: 443}\n"
	"procedures:\n"
	"  out:\n"
	"    kind: cutover\n"
	"    flow: outbound\n"
	"    to: relay\n"
	"    steps:\n";
static const char book_long[] =
	"      - {name: let it wait, mail.park: {at: [hub, hub2, hub3, hub4]}}\n"
	"      - {name: authorise, spf.authorize: {zone: zone}}\n"
	"      - {name: see it, wait.published: {zone: zone}}\n"
	"      - {name: prove it, verify.canary: {through: relay}}\n"
	"      - {name: switch, outbound.switch: {at: [tenant, hub, hub2, hub3, hub4]}, pivot: "
	"true}\n"
	"      - {name: let it settle, wait.time: {for: 10s}}\n"
	"      - {name: release, queue.release: {at: [hub, hub2, hub3, hub4], rate: 10 per s}}\n"
	"      - {name: verify, verify.canary: {through: relay, as: production}}\n"
	"    failback: {mode: approve, soak: 20m, stage: 1m, order: [canaries, 5%, 25%, 50%, "
	"100%], "
	"require: [queues-drained]}\n";
static const char book_short[] =
	"      - {name: let it wait, mail.park: {at: [hub]}}\n"
	"      - {name: authorise, spf.authorize: {zone: zone}}\n"
	"      - {name: see it, wait.published: {zone: zone}}\n"
	"      - {name: prove it, verify.canary: {through: relay}}\n"
	"      - {name: switch, outbound.switch: {at: [tenant, hub]}, pivot: true}\n"
	"      - {name: release, queue.release: {at: [hub], rate: 10 per s}}\n"
	"    failback: {mode: approve, soak: 20m, stage: 1m, order: [100%], require: "
	"[queues-drained]}\n";
static const char book_tail[] = "limits: {cutovers: 2 per day, cooldown: 1m}\n"
				"people:\n"
				"  ann: {user: ann, may: [run, approve, brake]}\n"
				"notify: [{program: [/bin/true]}]\n";

const char *
moment_name(enum moment m)
{
	static const char *const names[MOMENT_N] = { "never", "before its write",
		"torn in its write", "before its fsync", "after its fsync, before any effect",
		"request sent, reply unread", "after the effect, before its result" };

	return names[m];
}

/* --- the shore --- */

struct shore *
shore_new(void)
{
	struct shore *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (s == MAP_FAILED)
		abort();
	shore_clean(s);
	return s;
}

void
shore_clean(struct shore *s)
{
	for (size_t i = 0; i < W_EFFECTS && s->effect[i].lsn != 0; i++)
		memset(&s->effect[i], 0, sizeof s->effect[i]);
	memset(s->target, 0, sizeof s->target);
	s->acked = s->lost = 0;
	s->boots = 1;
	s->boot_ms = FIRST_BOOT;
	s->wall_ms = 1790000000000;
}

void
shore_take(struct shore *to, const struct shore *from)
{
	size_t n = 0;

	shore_clean(to);
	while (n < W_EFFECTS && from->effect[n].lsn != 0)
		n++;
	memcpy(to->effect, from->effect, n * sizeof *to->effect);
	memcpy(to->target, from->target, sizeof to->target);
	memcpy(to->hash, from->hash, sizeof to->hash);
	to->boot_ms = from->boot_ms;
	to->wall_ms = from->wall_ms;
	to->boots = from->boots;
	to->acked = from->acked;
	to->lost = from->lost;
}

void
shore_free(struct shore **s)
{
	if (*s != NULL)
		(void)munmap(*s, sizeof **s);
	*s = NULL;
}

void
crossing_dawn(struct shore *s, const char *dir, bool power)
{
	s->wall_ms += power ? BOOT : RESTART;
	s->boot_ms = power ? FIRST_BOOT : s->boot_ms + RESTART;
	s->boots += power;
	if (power) /* what lay in shared memory is gone */
		rig_save(dir, "journal.db-shm", NULL, -1);
}

/* --- death --- */

_Noreturn void
crossing_die(const struct crossing *x)
{
	if (x->power)
		(void)faultvfs_power(x->seed);
	(void)kill(getpid(), SIGKILL);
	for (;;)
		(void)pause();
}

/* The clock goes on although the process is gone. */
static void
note_time(struct crossing *x)
{
	x->shore->boot_ms = x->w->boot_ms;
	x->shore->wall_ms = x->w->wall_ms;
}

static void
end_if(struct crossing *x, bool now)
{
	if (!now)
		return;
	note_time(x);
	crossing_die(x);
}

/* A record is a page or more in the log; those of one append are torn at different ones. */
static void
arm(const struct crossing *x)
{
	const enum fv_fault dead = x->power ? FV_POWER : FV_KILL;
	struct fv_plan p = { .at = 1, .files = 1u << FV_WAL, .seed = x->seed };

	if (x->moment == MOMENT_BEFORE_WRITE) {
		p.ops = 1u << FV_WRITE;
		p.fault = dead;
	} else if (x->moment == MOMENT_TORN) {
		p.ops = 1u << FV_WRITE;
		p.fault = x->power ? FV_POWER_IN : FV_TORN;
		p.at = 2 + 2 * (int)(x->record - x->first); /* frame headers and pages in turn */
	} else if (x->moment == MOMENT_BEFORE_SYNC) {
		p.ops = 1u << FV_SYNC;
		p.fault = dead;
	} else {
		return;
	}
	faultvfs_plan(&p);
}

/* --- the journal --- */

static void
inside(struct crossing *x, bool begins)
{
	if (x->inside != NULL)
		x->inside(x, begins);
}

static bool
is_result_of(const struct crossing *x, const struct action *a)
{
	const char *intent = x->w->record[x->record - 1];
	const char *lsn = strstr(intent, "\"lsn\":");
	char mark[48];

	if (strstr(intent, "\"type\":\"INTENT\"") == NULL || lsn == NULL)
		return true; /* no effect: the next record of all */
	(void)snprintf(mark, sizeof mark, "\"of\":%llu,", strtoull(lsn + 6, NULL, 10));
	for (size_t i = 0; i < a->append.records_n; i++)
		if (strstr(a->append.records[i], mark) != NULL)
			return true;
	return false;
}

static void
acknowledge(struct crossing *x, const struct action *a)
{
	for (size_t i = 0; i < a->append.records_n; i++) {
		const char *r = a->append.records[i];
		uint64_t seq = x->first + i;

		if (seq > CROSSING_RECORDS)
			abort();
		digest_sha256(NULL, r, strlen(r), x->shore->hash[seq]);
		x->shore->acked = seq;
	}
}

static enum outcome
keep(struct world *w, const struct action *a)
{
	struct crossing *x = w->keep_ctx;
	const struct store_append ap = { .op = a->op,
		.epoch = x->head.epoch,
		.seq = x->head.seq,
		.hash = x->head.hash,
		.records = a->append.records,
		.n = a->append.records_n };
	struct rig_done done = { .outcome = OUT_UNKNOWN };
	bool hit;

	note_time(x);
	end_if(x, x->due && x->moment == MOMENT_ANSWERED && is_result_of(x, a));
	x->first = x->head.seq + 1;
	x->last = x->head.seq + ap.n;
	hit = x->record >= x->first && x->record <= x->last;
	if (hit)
		arm(x);
	inside(x, true);
	if (store_append(x->store, &ap, rig_on_done, &done, &x->err) == RC_OK)
		(void)store_drain(x->store, &x->err);
	inside(x, false);
	if (done.outcome != OUT_DONE)
		return OUT_UNKNOWN;
	acknowledge(x, a);
	x->head = done.head;
	end_if(x, hit && x->moment == MOMENT_STORED);
	x->due = x->due || hit;
	return OUT_DONE;
}

static void
told(struct world *w, const struct event *ev)
{
	struct crossing *x = w->keep_ctx;

	end_if(x, x->due && x->moment == MOMENT_SENT && ev->type == EV_APPENDED &&
			  ev->appended.seq >= x->record);
}

/* With the machine's power a request may be lost to view on its way: it arrives later. */
static enum fate
fate(struct world *w, const struct weffect *e, size_t n)
{
	const struct crossing *x = w->keep_ctx;

	(void)e;
	(void)n;
	return x->due && x->moment == MOMENT_SENT && x->power ? FATE_AWAY : FATE_FINE;
}

static int
load_one(void *ctx, uint64_t seq, const char *bytes, size_t n, const char *hash)
{
	struct crossing *x = ctx;

	(void)n;
	inside(x, false);
	world_load(x->w, bytes);
	if (seq <= x->shore->acked && strcmp(x->shore->hash[seq], hash) != 0 && x->shore->lost == 0)
		x->shore->lost = seq;
	if (seq > x->shore->acked &&
		seq <= CROSSING_RECORDS) { /* what was folded counts from now on */
		memcpy(x->shore->hash[seq], hash, sizeof x->shore->hash[seq]);
		x->shore->acked = seq;
	}
	inside(x, true);
	return 0;
}

void
crossing_book(enum book book, char out[CROSSING_TEXT])
{
	(void)snprintf(out, CROSSING_TEXT, "%s%s%s%s%s", book_head,
		book == BOOK_LONG ? book_hubs : "", book_paths,
		book == BOOK_LONG ? book_long : book_short, book_tail);
}

void
crossing_fill(struct world *w, enum book book)
{
	static const char *const hubs[] = { "hub2", "hub3", "hub4" };

	for (int i = 0; book == BOOK_LONG && i < 3; i++) {
		int hub = world_target(w, hubs[i], W_HUB);

		world_cell(w, hub, "relay.route corp.example", "");
		world_cell(w, hub, "relay.park corp.example", "");
		world_cell(w, hub, "relay.queue corp.example",
			"state open\nparked 0\nwaiting 0\noldest 0\n");
	}
	if (book == BOOK_SHORT) /* authorised in peace time: nothing to change */
		world_edit(w, W_ZONE, "dns.rrset corp.example TXT", WORLD_SPF_BOTH);
}

static void
make_world(struct crossing *x)
{
	struct shore *s = x->shore;
	bool first = s->target[0].name == NULL;
	char text[CROSSING_TEXT];
	struct world *w;

	crossing_book(x->book, text);
	w = x->w = stdmem_get(sizeof *w);
	world_init_book(w, text, s->target, s->effect);
	if (first)
		crossing_fill(w, x->book);
	if (x->mem != NULL)
		w->mem = *x->mem;
	w->boot_ms = s->boot_ms;
	w->wall_ms = s->wall_ms;
	(void)snprintf(w->boot_id, sizeof w->boot_id, "00000000-0000-4000-8000-%012u", s->boots);
	w->keep = keep;
	w->told = told;
	w->fate = fate;
	w->keep_ctx = x;
}

static bool
open_journal(struct crossing *x)
{
	static const char text[] = "a playbook's text\n";
	const struct store_opts o = { .dir = x->dir, .mode = STORE_ACTOR, .holder = "crossing" };
	char sha256[DIGEST_HEX];
	struct err unsigned_ = { 0 };
	enum rc rc;

	if (x->at > 0)
		faultvfs_plan(&(struct fv_plan){
			.at = x->at, .fault = x->power ? FV_POWER : FV_KILL, .seed = x->seed });
	inside(x, true);
	rc = store_open(&x->store, &o, &x->head, &x->err);
	if (rc == RC_OK && x->keys) /* without one the daemon goes on, and says so */
		(void)sign_open(&x->sign, x->dir, &unsigned_);
	digest_sha256(NULL, text, sizeof text - 1, sha256);
	if (rc == RC_OK)
		rc = store_blob_put(x->store, sha256, text, sizeof text - 1, &x->err);
	if (rc == RC_OK)
		rc = store_fold(x->store, 1, load_one, x, &x->err);
	inside(x, false);
	if (rc != RC_OK)
		return false;
	if (x->w->records_n < x->shore->acked && x->shore->lost == 0)
		x->shore->lost = x->w->records_n + 1;
	x->w->epoch = x->head.epoch - 1;
	x->w->era = x->head.era;
	x->w->fresh = x->head.fresh;
	return true;
}

/* --- what a person does --- */

static size_t
runs(const struct world *w, const char *type, const char *part)
{
	char mark[40];
	size_t n = 0;

	(void)snprintf(mark, sizeof mark, "\"type\":\"%s\"", type);
	for (size_t i = 0; i < w->records_n; i++)
		n += strstr(w->record[i], mark) != NULL && strstr(w->record[i], part) != NULL;
	return n;
}

static bool
out_has_ended(struct world *w)
{
	return runs(w, "END", "\"run\":\"out-") >= 1;
}

static bool
both_have_ended(struct world *w)
{
	return runs(w, "END", "\"run\":\"out-") >= 2;
}

/* Nobody looks at each event: only when the journal has grown. */
static bool
until(struct crossing *x, bool (*there)(struct world *w))
{
	struct world *w = x->w;
	int64_t end = w->boot_ms + 2 * (int64_t)HOUR;
	size_t looked = SIZE_MAX;

	while (!w->halted && w->boot_ms < end) {
		if (w->records_n != looked && there(w))
			return true;
		looked = w->records_n;
		world_pass(w, 2000);
	}
	return !w->halted && there(w);
}

static bool
order(struct crossing *x, const struct wask *a, const char *kind)
{
	for (int i = 0; i < ORDERS && !x->w->halted; i++) {
		if (runs(x->w, "START", kind) > 0)
			return true;
		(void)world_say(x->w, a);
		world_pass(x->w, 20000);
	}
	return runs(x->w, "START", kind) > 0;
}

static bool
see_plan(struct crossing *x)
{
	struct world *w = x->w;
	const struct wreply *r;
	size_t req;

	if (w->halted)
		return false;
	x->leg = LEG_PLAN;
	req = world_say(
		w, &(struct wask){ .verb = VERB_PLAN, .of = VERB_CUTOVER, .procedure = "out" });
	world_pass(w, 20000);
	r = world_reply(w, req, true);
	(void)snprintf(x->plan_hash, sizeof x->plan_hash, "%s",
		r != NULL ? world_field(r, "plan_hash") : "");
	return !w->halted;
}

static bool
go(struct crossing *x)
{
	struct world *w = x->w;

	if (runs(w, "START", "\"kind\":\"cutover\"") == 0)
		world_pass(w, 20000);
	if (x->plan)
		return see_plan(x);
	x->leg = LEG_RUN;
	if (!order(x, &(struct wask){ .verb = VERB_CUTOVER, .procedure = "out" },
		    "\"kind\":\"cutover\"") ||
		!until(x, out_has_ended))
		return false;
	if (runs(w, "START", "\"kind\":\"failback\"") == 0)
		world_pass(w, 2 * MINUTE);
	if (!order(x, &(struct wask){ .verb = VERB_FAILBACK, .override = "soak" },
		    "\"kind\":\"failback\"") ||
		!until(x, both_have_ended))
		return false;
	world_pass(w, 2 * MINUTE);
	return !w->halted;
}

/* What had left and was neither taken nor refused arrives now. */
static void
arrivals(struct crossing *x)
{
	size_t n = x->w->effects_n;

	for (size_t i = 0; i < n; i++)
		if (x->w->effect[i].away) {
			x->w->effect[i].away = false;
			world_late(x->w, &x->w->effect[i], LATE);
		}
}

bool
crossing_live(struct crossing *x)
{
	bool done;

	x->due = false;
	x->leg = LEG_START;
	x->err = (struct err){ 0 };
	make_world(x);
	done = open_journal(x);
	if (done) {
		arrivals(x);
		world_start(x->w);
		done = go(x);
		end_if(x, done && x->due && x->moment == MOMENT_ANSWERED); /* nothing follows it */
	}
	note_time(x);
	if (!done && x->err.rc == RC_OK)
		(void)err_set(&x->err, RC_UNSUPPORTED, "%s",
			x->w->halted && x->w->halt.halt.why != NULL ? "halted"
								    : "it came to no end");
	if (!done)
		crossing_end(x);
	return done;
}

void
crossing_end(struct crossing *x)
{
	inside(x, true);
	store_close(&x->store);
	sign_free(&x->sign);
	inside(x, false);
	if (x->w != NULL)
		world_fini(x->w);
	free(x->w);
	x->w = NULL;
}

/* --- in the end --- */

struct text {
	char *at;
	size_t n, room;
};

__attribute__((format(printf, 2, 3))) static void
put(struct text *t, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(t->at + t->n, t->room - t->n, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= t->room - t->n)
		abort();
	t->n += (size_t)n;
}

void
crossing_picture(struct crossing *x, char out[CROSSING_TEXT])
{
	struct world *w = x->w;
	struct text t = { .at = out, .room = CROSSING_TEXT };

	for (int i = 0; i < w->targets_n; i++) {
		const struct wtarget *g = &w->target[i];

		for (size_t k = 0; k < g->cells_n; k++)
			put(&t, "%s has %s %s\n", g->name, g->cell[k].resource, g->cell[k].value);
		for (size_t k = 0; k < w->effects_n; k++)
			if (w->effect[k].applied && w->effect[k].dir != DIR_FENCE &&
				text_eq(w->effect[k].target, g->name))
				put(&t, "%s took %s %s\n", g->name, w->effect[k].resource,
					w->effect[k].want);
	}
	put(&t, "%s, %zu cut-over, %zu failback, %zu done of %zu\n", world_state(w, FLOW_OUTBOUND),
		runs(w, "START", "\"kind\":\"cutover\""), runs(w, "START", "\"kind\":\"failback\""),
		runs(w, "END", "\"state\":\"done\""), runs(w, "END", ""));
}

size_t
crossing_unbacked(const struct crossing *x)
{
	const struct world *w = x->w;
	size_t n = 0;

	for (size_t i = 0; i < w->effects_n; i++) {
		char mark[64];
		bool backed = false;

		(void)snprintf(
			mark, sizeof mark, "\"lsn\":%llu,", (unsigned long long)w->effect[i].lsn);
		for (size_t k = 0; k < w->effect[i].records && k < w->records_n && !backed; k++)
			backed = strstr(w->record[k], "\"type\":\"INTENT\"") != NULL &&
				 strstr(w->record[k], mark) != NULL;
		n += !backed;
	}
	return n;
}
