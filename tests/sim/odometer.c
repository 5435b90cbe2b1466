/*
 * odometer.c - exhaustive small scope: one small world without chance, and every schedule of it.
 *
 * The production core, two runs (a cut-over and its failback, or the second try after one that was
 * rolled back), three steps each (a zone that fences by equality, a proof, a tenant that does not
 * fence), and up to N faults. What chance decides elsewhere is a digit here: whether a fault
 * strikes at its site, how late, how much is lost. The last digit turns first; when none can turn
 * any more, each schedule has been run once. Delays are the shortest there are, so that edges meet.
 */
#include "base/planted.h"
#include "base/text.h"
#include "sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PLAN_MS = 20000,     /* a person asks for the cut-over */
	AGAIN_MS = 15000,    /* and for the next one, or lets it go on, so long after it ended */
	HEAL_MS = 240000,    /* from here on nothing goes wrong any more */
	END_MS = 25 * 60000, /* the latest copy of a request lands ten deadlines after it left */
	FEW = 64,	     /* a span of so many numbers is tried whole, a wider one at its ends */
	EVENTS_MAX = 20000
};

#define HEAD(name)                                                                                 \
	"ferryman: 1\nplaybook: " name "\nsummary: for the odometer\nowner: "                      \
	"duty@elsewhere.example\ndomains: [corp.example]\nmode: automatic\n"
#define PATH(name, prefer, egress, mx, more)                                                       \
	"  " name ":\n    prefer: " prefer "\n    egress: [" egress "]\n    last_hop: none\n"      \
	"    dkim: {by: cloud, d: corp.example, selector: s1}\n    inbound: {mx: [{preference: "   \
	"10, host: " mx "}], " more "}\n"
#define CANARY(name, path, flow)                                                                   \
	"  " name ":\n    kind: canary\n    group: delivery\n    path: " path "\n    flow: " flow  \
	"\n    every: 15m\n    timeout: 50s\n    rise: 1 of 1\n    fall: 1 of 1\n    from: " name  \
	"@c.corp.example\n    submit: {host: mx.cloud.example, auth: {file: a.auth}}\n"            \
	"    production: {host: mx.cloud.example, from: probe@corp.example, auth: {file: "         \
	"a.auth}}\n    expect: {egress: [198.51.100.25, 203.0.113.65]}\n    seeds: [{receiver: "   \
	"r1, mailbox: seed+%@r1.example, authserv: mx.r1.example, imap: {host: mx.r1.example, "    \
	"auth: {file: r1.auth}}}]\n"
#define REST(flow)                                                                                 \
	"paths:\n" PATH("cloud", "1", "198.51.100.25", "mx.cloud.example", "mode: deliver") PATH(  \
		"nsmail", "2", "203.0.113.65", "mx.nsmail.example",                                \
		"mode: spool, onward: \"[mx.cloud.example]:25\", recipients: list, keep: "         \
		"5d") "    relay: {host: \"[relay.nsmail.example]:587\", auth: {file: "            \
		      "n.auth}}\n"                                                                 \
		      "signals:\n" CANARY("canary", "cloud", flow) CANARY("canary-nsmail",         \
			      "nsmail",                                                            \
			      flow) "  anchor-a: {kind: tcp, role: anchor, every: 15m, timeout: "  \
				    "5s, host: "                                                   \
				    "198.51.100.80, port: 443}\n"                                  \
				    "  anchor-b: {kind: tcp, role: anchor, every: 15m, timeout: "  \
				    "5s, host: "                                                   \
				    "203.0.113.80, port: 443}\n"                                   \
				    "diagnoses:\n  bad: {path: cloud, flow: " flow                 \
				    ", groups: 1, of: [delivery], "                                \
				    "must: [delivery], for: 16m, clear: 16m}\n"                    \
				    "responses:\n  - {on: bad, at: confirmed, run: out, mode: "    \
				    "observe}\n"                                                   \
				    "limits: {cutovers: 4 per day, cooldown: 10m, records: 20}\n"  \
				    "people:\n  cio: {user: alice, may: [run, approve, brake]}\n"  \
				    "notify: [{program: [/usr/local/bin/page-duty]}]\n"            \
				    "procedures:\n  out:\n    kind: cutover\n    flow: " flow      \
				    "\n    to: nsmail\n"

/* Each has its own kind of fence: a target that keeps the highest number and one that keeps none,
 * and a zone that wants to be as it was read. */
static const struct {
	const char *name, *text;
} worlds[] = {
	{ "relay",
		HEAD("relay") "targets:\n"
			      "  hub: {connector: postfix, host: 203.0.113.10, user: ferryman, "
			      "key: {file: id}, host_key: {file: hub.key}}\n"
			      "  tenant: {connector: exchange-online, tenant: corp.example, app: "
			      "{file: a.id}, certificate: {file: a.pem}, connector_name: "
			      "ferryman-nsmail, smart_host: relay.nsmail.example}\n" REST(
				      "outbound") "    steps:\n"
						  "      - {name: wait, mail.park: {at: [hub]}, "
						  "deadline: 20s, retries: 0}\n"
						  "      - {name: prove, verify.canary: {through: "
						  "nsmail}, deadline: 4s}\n"
						  "      - {name: switch, outbound.switch: {at: "
						  "[tenant]}, pivot: true}\n"
						  "    failback: {mode: automatic, soak: 1s, "
						  "order: [100%]}\n" },
	{ "zone", HEAD("zone") "targets:\n"
			       "  zone: {connector: rfc2136, servers: [198.51.100.53, "
			       "203.0.113.53], zone: corp.example, tsig: {name: f, secret: {file: "
			       "t.key}}}\n" REST(
				       "inbound") "    steps:\n"
						  "      - {name: prove, verify.canary: {through: "
						  "nsmail}, deadline: 4s}\n"
						  "      - {name: point, mx.switch: {zone: zone}, "
						  "pivot: true, deadline: 20s, retries: 0}\n"
						  "      - {name: seen, wait.published: {zone: "
						  "zone}, deadline: 60s}\n"
						  "    failback: {mode: automatic, soak: 1s, "
						  "order: [100%]}\n" },
};

struct digit {
	uint8_t value, values;
	bool fault; /* it costs one of the faults when it is not 0 */
};

struct odometer {
	struct digit *digit;
	size_t n, room, at; /* at: the next one to be read */
	unsigned faults, left;
	bool asked_of[SITE_N]; /* sites that are in scope */
	uint64_t choices[SITE_N];
	uint64_t schedules, events, runs;
	size_t first_n; /* digits of the schedule without a fault */
};

/* --- the digits --- */

static unsigned
read_digit(struct odometer *o, unsigned values, bool fault)
{
	struct digit *d;

	if (o->at == o->n) {
		o->digit = sim_grow(o->digit, o->n, &o->room, sizeof *o->digit);
		o->digit[o->n++] = (struct digit){ .values = (uint8_t)values, .fault = fault };
	}
	d = &o->digit[o->at++];
	if (d->values == 0) /* typed by hand */
		*d = (struct digit){ .value = d->value, .values = (uint8_t)values, .fault = fault };
	if (d->values != values || d->fault != fault)
		abort(); /* the same digits led elsewhere: the world is not without chance */
	if (d->fault && d->value != 0)
		o->left--;
	return d->value;
}

/* How a process comes back is no fault of its own: a reboot costs nothing beside the crash. */
bool
odometer_fault(struct sim *s, struct odometer *o, enum site site)
{
	bool costs = site != SITE_REBOOT;

	if (!o->asked_of[site] || (costs && o->left == 0) ||
		(site == SITE_REBOOT && s->process.life == 0))
		return false;
	o->choices[site]++;
	return read_digit(o, 2, costs) != 0;
}

int64_t
odometer_span(struct odometer *o, int64_t low, int64_t high)
{
	if (high - low < FEW)
		return low + (int64_t)read_digit(o, (unsigned)(high - low) + 1, false);
	return read_digit(o, 2, false) != 0 ? low : high;
}

bool
odometer_even(struct odometer *o)
{
	return read_digit(o, 2, false) != 0;
}

/* To the next schedule; false: that was the last one. */
static bool
turn(struct odometer *o)
{
	while (o->n > 0 && o->digit[o->n - 1].value + 1 == o->digit[o->n - 1].values)
		o->n--;
	if (o->n == 0)
		return false;
	o->digit[o->n - 1].value++;
	return true;
}

/* --- the world --- */

struct world {
	struct sim *s;
	size_t results; /* of the view, as looked at last */
	uint64_t spoken_seq;
};

/* The relay may send for us since peace time: no run of these worlds sees to that. */
static void
authorise(struct sim *s)
{
	struct tcell *c = target_cell(&s->target[T_ZONE], "dns.rrset corp.example TXT");

	c->value = c->cached = c->change[0].value =
		"ttl 300\ntxt other=1\n"
		"txt v=spf1 include:spf.cloud.example ip4:203.0.113.65 -all\n";
	for (size_t i = 0; i <= SECONDARIES; i++)
		c->shown[i] = c->value;
}

static void
begin(struct sim *s, struct odometer *o)
{
	s->faults.odometer = o;
	journal_init(s);
	targets_init(s);
	authorise(s);
	rng_seed(&s->people.rng, 0, "people");
	s->people.looks_at = INT64_MAX; /* who acts on alarms is offer_words() */
	s->people.alarm_at = -1;
	s->net_rng.least = s->probe_rng.least = s->people.rng.least = s->moment_rng.least = true;
	s->heal_at = HEAL_MS;
	s->end_at = END_MS;
	sim_push(s, (struct happening){ .at = 10, .kind = H_STARTS });
	sim_push(s, (struct happening){ .at = PLAN_MS, .kind = H_COMMAND, .number = VERB_PLAN });
	sim_push(s, (struct happening){ .at = HEAL_MS, .kind = H_HEAL });
}

/* A person may put back what a step of ours has just done. */
static void
offer_hand(struct world *w)
{
	struct sim *s = w->s;

	for (; w->results < s->view.results_n; w->results++) {
		const struct vresult *r = &s->view.result[w->results];
		const struct vintent *x = view_intent(&s->view, r->of);
		struct ftarget *t = x != NULL ? target_find(s, x->target) : NULL;
		struct tcell *c = t != NULL ? target_cell(t, x->resource) : NULL;

		if (c != NULL && r->outcome == OUT_DONE && r->dir == DIR_DO && !s->healed)
			sim_push(s, (struct happening){ .at = s->now + 1,
					    .kind = H_HAND,
					    .index = (size_t)(t - s->target),
					    .number = c - t->cell });
	}
}

static void
hand(struct sim *s, const struct happening *h)
{
	struct tcell *c = &s->target[h->index].cell[h->number];

	if (s->healed || c->changes_n < 2 || !fault(s, SITE_HAND))
		return;
	target_edit(s, &s->target[h->index], c, c->change[c->changes_n - 2].value, 0);
}

/* Who has given the order tries again when it came to nothing, soon or much later, and lets go on
 * what is blocked. */
static void
offer_words(struct world *w)
{
	struct sim *s = w->s;
	const struct vrun *r = s->view.runs_n > 0 ? &s->view.run[s->view.runs_n - 1] : NULL;
	int64_t at = s->now + AGAIN_MS;

	if (r == NULL || r->end_seq <= w->spoken_seq)
		return;
	w->spoken_seq = r->end_seq;
	if (r->state == VR_BLOCKED)
		sim_push(s,
			(struct happening){ .at = at, .kind = H_COMMAND, .number = VERB_CONTINUE });
	else if (r->state == VR_UNDONE && s->view.runs_n == 1)
		sim_push(s, (struct happening){
				    .at = odometer_even(s->faults.odometer) ? at + HEAL_MS : at,
				    .kind = H_COMMAND,
				    .number = VERB_PLAN });
}

static struct sim *
run(struct odometer *o, struct playbook *const *book, bool trace)
{
	struct sim *s = sim_new(&(struct sim_opts){ .seed = 1, .trace = trace, .book = book });
	struct world w = { .s = s };
	struct happening h;

	o->at = 0;
	o->left = o->faults;
	begin(s, o);
	while (s->killer == NULL && heap_pop(&s->heap, &h) && h.at <= s->end_at &&
		s->events++ < EVENTS_MAX) {
		s->now = h.at;
		if (h.kind == H_HAND)
			hand(s, &h);
		else
			sim_happens(s, &h);
		offer_hand(&w);
		offer_words(&w);
	}
	s->ended = true;
	for (size_t i = 0; invariants[i] != NULL && s->killer == NULL; i++)
		if (invariants[i]->over != NULL)
			invariants[i]->over(s);
	return s;
}

/* --- all of them --- */

struct bound {
	const char *fault;
	unsigned faults;
	uint64_t limit; /* of schedules; 0 = none */
	size_t world;
	bool replay;
};

static void
put_digits(const struct odometer *o)
{
	for (size_t i = 0; i < o->n; i++)
		printf("%s%u", i > 0 ? "." : "", o->digit[i].value);
	printf("\n");
}

static void
report(const struct sim *s, const struct odometer *o, const struct bound *sc)
{
	if (sc->fault != NULL) {
		printf("KILLED %s by %s at schedule %llu: %s\n", sc->fault, s->killer->name,
			(unsigned long long)o->schedules, s->why);
		return;
	}
	printf("FAIL schedule %llu: %s: %s\n", (unsigned long long)o->schedules, s->killer->name,
		s->why);
	trace_tail(&s->trace, 60);
	printf("     its digits: ");
	put_digits(o);
}

/* From where the digits stand, up to the limit; false: something is found, or there are more. */
static bool
exhaust(struct odometer *o, struct playbook *const *book, const struct bound *sc)
{
	bool clean, more;

	do {
		struct sim *s = run(o, book, false);

		if (o->schedules++ == 0)
			o->first_n = o->n;
		o->events += s->events;
		o->runs += s->view.runs_n;
		clean = s->killer == NULL;
		if (!clean)
			report(s, o, sc);
		sim_free(&s);
		more = clean && turn(o);
	} while (more && o->schedules != sc->limit);
	if (!more)
		return clean;
	printf("%llu schedules; to go on: --from ", (unsigned long long)o->schedules);
	put_digits(o);
	return false;
}

/* A planted fault is sought with one fault of the world first, then with two: what is small is
 * found before what is large. */
static bool
seek(struct odometer *o, struct playbook *const *book, const struct bound *sc)
{
	bool clean = true;

	for (o->faults = 1; clean && o->faults <= sc->faults; o->faults++) {
		memset(o->choices, 0, sizeof o->choices);
		o->n = o->schedules = o->events = o->runs = 0;
		clean = exhaust(o, book, sc);
	}
	return clean;
}

static void
conclude(const struct odometer *o, const struct bound *sc)
{
	printf("choice sites:");
	for (int i = 0; i < SITE_N; i++)
		if (o->choices[i] > 0)
			printf(" %s %llu", site_name((enum site)i),
				(unsigned long long)o->choices[i]);
	printf("\n%zu choices on the schedule without a fault; %llu events and %llu.%llu runs "
	       "each\n",
		o->first_n, (unsigned long long)(o->events / o->schedules),
		(unsigned long long)(o->runs / o->schedules),
		(unsigned long long)(o->runs * 10 / o->schedules % 10));
	printf("schedules: %llu with up to %u faults\nodometer exhausted\n",
		(unsigned long long)o->schedules, sc->faults);
}

static enum site
site_of(const char *name)
{
	int i = 0;

	while (i < SITE_N && !text_eq(site_name((enum site)i), name))
		i++;
	return (enum site)i;
}

/* "A,B,C": these sites and no others. */
static bool
choose(struct odometer *o, char *list)
{
	memset(o->asked_of, 0, sizeof o->asked_of);
	for (char *at = list, *end; at != NULL; at = end) {
		enum site site;

		end = strchr(at, ',');
		if (end != NULL)
			*end++ = '\0';
		site = site_of(at);
		if (site == SITE_N)
			return false;
		o->asked_of[site] = true;
	}
	return true;
}

static bool
find_world(const char *name, size_t *ret)
{
	for (size_t i = 0; i < sizeof worlds / sizeof *worlds; i++) {
		if (strcmp(worlds[i].name, name) != 0)
			continue;
		*ret = i;
		return true;
	}
	return false;
}

/* "1.0.2": digits as put_digits() prints them. */
static bool
type_digits(struct odometer *o, const char *at)
{
	for (char *end; *at != '\0'; at = end + (*end == '.')) {
		o->digit = sim_grow(o->digit, o->n, &o->room, sizeof *o->digit);
		o->digit[o->n++] = (struct digit){ .value = (uint8_t)strtoul(at, &end, 10) };
		if (end == at)
			return false;
	}
	return true;
}

static int
replay(struct odometer *o, struct playbook *const *book)
{
	struct sim *s = run(o, book, true);

	printf("%s\n", s->killer != NULL ? s->why : "nothing is violated");
	sim_free(&s);
	return 0;
}

static int
usage(void)
{
	fprintf(stderr, "usage: sim --odometer [--world NAME] [--faults N] [--sites A,B,...] "
			"[--fault NAME] [--limit N] [--from DIGITS]\n"
			"       sim --odometer [--world NAME] [--faults N] [--sites A,B,...] "
			"[--fault NAME] --replay DIGITS\n");
	return 2;
}

static bool
option(struct odometer *o, struct bound *sc, const char *name, char *value)
{
	if (strcmp(name, "--faults") == 0)
		return (sc->faults = (unsigned)strtoul(value, NULL, 10)) > 0;
	if (strcmp(name, "--limit") == 0)
		return (sc->limit = strtoull(value, NULL, 10)) > 0;
	if (strcmp(name, "--world") == 0)
		return find_world(value, &sc->world);
	if (strcmp(name, "--sites") == 0)
		return choose(o, value);
	if (strcmp(name, "--fault") == 0)
		return planted_choose(sc->fault = value);
	sc->replay = strcmp(name, "--replay") == 0;
	return (sc->replay || strcmp(name, "--from") == 0) && type_digits(o, value);
}

int
odometer_main(int argc, char **argv)
{
	struct bound sc = { .faults = 2 };
	struct odometer o = { 0 };
	struct playbook *book[2];
	bool good = argc % 2 == 0, clean;

	memset(o.asked_of, true, sizeof o.asked_of);
	for (int i = 2; i + 1 < argc && good; i += 2)
		good = option(&o, &sc, argv[i], argv[i + 1]);
	for (size_t i = 0; i < 2; i++)
		book[i] = book_read(worlds[sc.world].text, i);
	if (!good || book[0] == NULL || book[1] == NULL)
		return usage();
	o.faults = sc.faults;
	if (sc.replay)
		return replay(&o, book);
	clean = sc.fault != NULL ? seek(&o, book, &sc) : exhaust(&o, book, &sc);
	if (clean)
		conclude(&o, &sc);
	if (clean && sc.fault != NULL)
		printf("SURVIVED %s\n", sc.fault);
	free(o.digit);
	playbook_unref(&book[0]);
	playbook_unref(&book[1]);
	return clean == (sc.fault != NULL);
}
