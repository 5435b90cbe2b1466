/*
 * test_plan.c - plans as such, without a run: how large one may be, what it must read, what it
 * refuses, what it says to people, and what a journal may hold in place of one.
 */
#include "lib/check.h"

#include "base/text.h"
#include "config/playbook.h"
#include "core/planning.h"
#include "connectors/connector.h"
#include "os/digest.h"
#include "os/stdmem.h"

#include <stdio.h>
#include <stdlib.h>

static const char head[] =
	"ferryman: 1\nplaybook: corp\nsummary: x\nowner: duty@elsewhere.example\nmode: approve\n"
	"domains: [%s]\n"
	"targets:\n"
	"  zone: {connector: rfc2136, servers: [192.0.2.53], zone: corp.example, tsig: {name: f, "
	"secret: {file: t.key}}}\n"
	"  tenant: {connector: exchange-online, tenant: corp.example, app: {file: a.id}, "
	"certificate: {file: a.pem}, connector_name: to-relay, smart_host: 192.0.2.10, cohorts: "
	"[{share: 5%%, from: [b@corp.example, a@corp.example]}, {share: 25%%, from: "
	"[a@corp.example, c@corp.example%s]}]}\n"
	"  hub: {connector: postfix, host: 192.0.2.10, key: {file: id}, host_key: {file: h.key}}\n"
	"paths:\n"
	"  cloud: {prefer: 1, egress: [198.51.100.25], spf: [\"include:spf.cloud.example\"], dkim: "
	"{by: cloud, d: corp.example, selector: s1}, inbound: {mx: [{preference: 10, host: "
	"mx.cloud.example}], mode: deliver}}\n"
	"  relay: {prefer: 2, egress: [203.0.113.65], %s spf: [\"ip4:203.0.113.65\"], dkim: {by: "
	"cloud, d: corp.example, selector: s1}%s}\n"
	"signals:\n"
	"  canary: {kind: canary, group: delivery, path: relay, every: 1m, timeout: 50s, "
	"late_after: "
	"40s, from: b@c.corp.example, submit: {host: s.example, auth: {file: c}}, expect: {egress: "
	"[203.0.113.65]}, seeds: [{receiver: r1, mailbox: p+%%@r1.example, imap: {host: "
	"mx.r1.example, auth: {file: r1}}}]}\n"
	"  anchor-a: {kind: tcp, role: anchor, every: 30s, host: 192.0.2.1, port: 443}\n"
	"  anchor-b: {kind: tcp, role: anchor, every: 30s, host: 203.0.113.80, port: 443}\n"
	"procedures:\n"
	"  out: {%s, steps: [%s]}\n"
	"people: {ann: {user: ann, may: [run]}}\n"
	"limits: {records: %d}\n"
	"notify: [{program: [/bin/true]}]\n";

#define RELAY "relay: {host: \"[relay.example]:587\"},"
#define INBOUND                                                                                    \
	", inbound: {mx: [{preference: 10, host: mx.relay.example}], mode: spool, onward: "        \
	"\"[mx.cloud.example]:25\", recipients: list}"
#define AT(targets)                                                                                \
	"{name: a, spf.authorize: {zone: zone}}, {name: w, wait.published: {zone: zone}}, {name: " \
	"v, verify.canary: {through: relay}}, {name: s, outbound.switch: {at: [" targets           \
	"]}, pivot: true}"
#define SWITCH AT("hub")
#define MX "{name: s, mx.switch: {zone: zone}, pivot: true}"
#define PARK "{name: p, mail.park: {at: [hub]}}"
#define SPF "ttl 60\ntxt v=spf1 include:spf.cloud.example -all\n"

struct book {
	const char *domains, *relay, *inbound, *steps; /* NULL: as usual */
	const char *kind;			       /* NULL: cutover */
	const char *people; /* more of the second cohort; begins with a comma */
	int records;
};

static struct {
	struct playbook *pb;
	struct arena *a;
	struct err err;
	const struct plan *plan;
	struct plan_value value[80];
	size_t values_n;
	struct plan_left left[3];
	size_t left_n;
} t;

#define OR(a, b) ((a) != NULL ? (a) : (b))

static void
begin(const struct book *b)
{
	static char text[32 * 1024];
	struct findings *f = NULL;
	struct playbook_input in = { .file = "corp.yaml",
		.text = text,
		.connectors = registry_infos(),
		.sha256 = digest_sha256 };

	memset(&t, 0, sizeof t);
	(void)snprintf(text, sizeof text, head, OR(b->domains, "corp.example"), OR(b->people, ""),
		OR(b->relay, RELAY), OR(b->inbound, INBOUND),
		b->kind == NULL ? "kind: cutover, flow: outbound, to: relay, failback: {soak: 20m, "
				  "stage: 1m, order: [canaries, 5%, 25%, 100%]}"
		: text_eq(b->kind, "at once")
			? "kind: cutover, flow: outbound, to: relay, failback: {soak: 20m, stage: "
			  "0s, order: [50%, 100%]}"
		: text_eq(b->kind, "inbound")
			? "kind: cutover, flow: inbound, to: relay, failback: {soak: 20m}"
			: "kind: shelter, flow: outbound, expires: 4h",
		OR(b->steps, SWITCH), b->records > 0 ? b->records : 200);
	in.len = strlen(text);
	t.pb = playbook_load(&stdmem, &in, &f);
	for (size_t i = 0; t.pb == NULL && i < findings_n(f); i++)
		if (findings_at(f, i)->level == FIND_ERROR)
			printf("%d: %s\n", findings_at(f, i)->at.line, findings_at(f, i)->text);
	findings_free(&f);
	t.a = arena_new(&stdmem, 1 << 24);
	CHECK(t.pb != NULL);
	if (t.pb == NULL)
		exit(check_end());
}

static void
end(void)
{
	arena_free(&t.a);
	playbook_unref(&t.pb);
}

/* What is to be read, with a value for each. */
static void
read_all(enum plan_direction dir, const char *value)
{
	const struct plan_read *r = NULL;

	t.values_n = plan_reads(t.a, t.pb, &t.pb->procedures[0], dir, &r);
	for (size_t i = 0; i < t.values_n; i++)
		t.value[i] = (struct plan_value){
			.target = r[i].target->name,
			.resource = r[i].resource,
			.value = text_ends(r[i].resource, " TXT") ? SPF : value,
			.known = true,
		};
}

static enum rc
build(enum plan_direction dir)
{
	memset(&t.err, 0, sizeof t.err);
	return plan_build(t.a, t.pb, &t.pb->procedures[0], dir, t.value, t.values_n, "", NULL, 0,
		digest_sha256, NULL, &t.plan, &t.err);
}

static bool
says(const char *part)
{
	if (strstr(t.err.text, part) == NULL)
		printf("     it says: %s\n", t.err.text);
	return strstr(t.err.text, part) != NULL;
}

static const char *
domains(int n)
{
	static char text[4096];
	size_t at = 0;

	for (int i = 0; i < n; i++)
		at += (size_t)snprintf(
			text + at, sizeof text - at, "%sd%d.corp.example", i > 0 ? ", " : "", i);
	return text;
}

/* A company has as many domains as it has: what is too many is said as such. */
static void
a_plan_has_room_for_many_domains(void)
{
	static const struct {
		int n;
		enum rc rc;
		const char *says;
	} rows[] = { { 1, RC_OK, "" }, { 20, RC_OK, "" }, { 60, RC_OK, "" },
		{ 61, RC_LIMIT, "more than 60 steps" }, { 65, RC_LIMIT, "more than 60 steps" } };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		begin(&(struct book){
			.domains = domains(rows[i].n), .kind = "shelter", .steps = PARK });
		read_all(PLAN_OUT, "");
		CHECK_INT(build(PLAN_OUT), rows[i].rc);
		CHECK(says(rows[i].says));
		if (rows[i].rc == RC_OK)
			CHECK_INT(t.plan->steps_n, rows[i].n);
		end();
	}
	begin(&(struct book){ 0 });
	t.values_n = 65;
	CHECK_INT(build(PLAN_OUT), RC_LIMIT);
	CHECK(says("more than 64 values"));
	end();
}

static void
a_procedure_has_room_for_as_many_steps_as_a_plan(void)
{
	static char steps[8 * 1024];

	for (int n = 58; n <= 60; n++) {
		size_t at = 0;

		for (int i = 0; i < n; i++)
			at += (size_t)snprintf(steps + at, sizeof steps - at,
				"{name: w%d, wait.time: {for: 1s}}, ", i);
		(void)snprintf(steps + at, sizeof steps - at, PARK);
		begin(&(struct book){ .kind = "shelter", .steps = steps });
		read_all(PLAN_OUT, "");
		CHECK_INT(build(PLAN_OUT), n < 60 ? RC_OK : RC_LIMIT);
		CHECK(says(n < 60 ? "" : "more than 60 steps"));
		end();
	}
}

/* needs: each plan step of the playbook's step that it names, once. */
static void
needs_name_all_that_a_step_has_become(void)
{
	begin(&(struct book){ .domains = "corp.example, eu.corp.example",
		.kind = "shelter",
		.steps = "{name: w, wait.time: {for: 1s}}, " PARK
			 ", {name: x, wait.time: {for: 1s}, needs: [2]}, {name: y, "
			 "wait.time: {for: 1s}, needs: [3, 1]}" });
	read_all(PLAN_OUT, "");
	CHECK_INT(build(PLAN_OUT), RC_OK);
	CHECK_INT(t.plan->steps_n, 5);
	CHECK_INT(t.plan->steps[1].needs_n, 1);
	CHECK_STR(t.plan->steps[1].needs[0], "1");
	CHECK_INT(t.plan->steps[3].needs_n, 2);
	CHECK_STR(t.plan->steps[3].needs[0], "2.hub.corp.example");
	CHECK_STR(t.plan->steps[3].needs[1], "2.hub.eu.corp.example");
	CHECK_INT(t.plan->steps[4].needs_n, 2);
	CHECK_STR(t.plan->steps[4].needs[0], "1");
	CHECK_STR(t.plan->steps[4].needs[1], "3");
	end();
}

/* A zone is asked about the domains that lie in it, and about no others. */
static void
a_zone_is_asked_about_its_own_domains(void)
{
	begin(&(struct book){
		.domains = "corp.example, eu.corp.example, xcorp.example, example, eu.dorp.example",
	});
	read_all(PLAN_OUT, "");
	CHECK_INT(t.values_n, 2 + 5);
	CHECK_STR(t.value[0].resource, "dns.rrset corp.example TXT");
	CHECK_STR(t.value[1].resource, "dns.rrset eu.corp.example TXT");
	CHECK_INT(build(PLAN_OUT), RC_OK);
	CHECK_INT(t.plan->steps_n, 2 + 2 + 1 + 5);
	end();
	begin(&(struct book){
		.domains = "corp.example, other.example", .kind = "inbound", .steps = MX });
	read_all(PLAN_BACK, "ttl 60\nmx 10 mx.relay.example\n");
	CHECK_INT(t.values_n, 1);
	CHECK_INT(build(PLAN_BACK), RC_OK);
	CHECK_STR(t.plan->steps[0].want, "ttl 60\nmx 10 mx.cloud.example\n");
	CHECK_STR(t.plan->steps[1].kind->kind, "wait.published");
	CHECK_INT(t.plan->steps[1].wait_ms, 60000);
	CHECK_INT(t.plan->steps_n, 2);
	end();
}

/* What stands in a value's way is said, and there is no plan. */
static void
a_value_that_is_not_known_makes_no_plan(void)
{
	static const struct {
		const char *name, *steps, *kind, *relay, *value, *says;
		enum plan_direction dir;
		bool unread, missing, silent;
	} rows[] = {
		{ "unreadable", NULL, NULL, NULL, "", "cannot be read: refused", .dir = PLAN_OUT,
			.unread = true },
		{ "unreadable without a reason", NULL, NULL, NULL, "", "cannot be read: no answer",
			PLAN_OUT, .unread = true, .silent = true },
		{ "unreadable, back", NULL, NULL, NULL, "", "cannot be read", .dir = PLAN_BACK,
			.unread = true },
		{ "not read", NULL, NULL, NULL, "", "was not read", .dir = PLAN_OUT,
			.missing = true },
		{ "a set that no connector wrote", MX, "inbound", NULL, "mx 10 a",
			"not in canonical form", .dir = PLAN_OUT },
		{ "and back", MX, "inbound", NULL, "mx 10 a", "not in canonical form",
			.dir = PLAN_BACK },
		{ "unreadable, mail to us, back", MX, "inbound", NULL, "", "cannot be read",
			.dir = PLAN_BACK, .unread = true },
		{ "no relay to send to", NULL, NULL, " ", "", "has no relay.host",
			.dir = PLAN_OUT },
		{ "a park that cannot be read", PARK, "shelter", NULL, "", "cannot be read",
			.dir = PLAN_OUT, .unread = true },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		begin(&(struct book){
			.steps = rows[i].steps, .kind = rows[i].kind, .relay = rows[i].relay });
		read_all(rows[i].dir, rows[i].value);
		t.value[t.values_n - 1].known = !rows[i].unread;
		t.value[t.values_n - 1].why = rows[i].silent ? NULL : "refused";
		t.values_n -= rows[i].missing;
		if (build(rows[i].dir) == RC_OK || !says(rows[i].says))
			CHECK_STR(rows[i].name, "is refused");
		CHECK(t.plan == NULL);
		end();
	}
}

/* limits.records counts values that change; one that is so already is none. */
static void
a_plan_touches_no_more_than_it_may(void)
{
	begin(&(struct book){
		.domains = domains(3), .records = 2, .kind = "shelter", .steps = PARK });
	read_all(PLAN_OUT, "");
	CHECK_INT(build(PLAN_OUT), RC_INVALID);
	CHECK(says("touches 3 values; limits.records allows 2"));
	t.value[0].value = "parked\n";
	CHECK_INT(build(PLAN_OUT), RC_OK);
	end();
}

/* MX records are never made empty, and have the old set's time. */
static void
mail_to_us_goes_where_the_path_says(void)
{
	static const char mx[] = MX ", {name: see, wait.published: {zone: zone}}";

	begin(&(struct book){ .kind = "inbound", .steps = mx });
	read_all(PLAN_OUT, "");
	CHECK_INT(build(PLAN_OUT), RC_OK);
	CHECK_STR(t.plan->steps[0].want, "ttl 300\nmx 10 mx.relay.example\n");
	CHECK_STR(t.plan->steps[0].base, "");
	CHECK_INT(t.plan->steps[1].wait_ms, 0); /* nobody has cached what was not there */
	t.value[0].value = "ttl 60\nmx 10 mx.cloud.example\nmx 20 mx2.cloud.example\n";
	CHECK_INT(build(PLAN_OUT), RC_OK);
	CHECK_STR(t.plan->steps[0].want, "ttl 60\nmx 10 mx.relay.example\n");
	CHECK_INT(t.plan->steps[1].wait_ms, 60000);
	end();
}

/* The connector's exceptions: cohorts that are back by this share, each person once; and the hub
 * first that the connector leads to. */
static void
cohorts_come_back_share_by_share(void)
{
	begin(&(struct book){
		.steps = "{name: a, spf.authorize: {zone: zone}}, {name: w, wait.published: {zone: "
			 "zone}}, {name: v, verify.canary: {through: relay}}, {name: s, "
			 "outbound.switch: {at: [tenant, hub]}, pivot: true}" });
	read_all(PLAN_OUT, "");
	CHECK_INT(build(PLAN_OUT), RC_OK);
	CHECK_STR(t.plan->steps[3].id, "4.hub");
	CHECK_STR(t.plan->steps[4].id, "4.tenant");
	CHECK_STR(t.plan->steps[4].want, "enabled\n");
	CHECK_INT(t.plan->steps[4].needs_n, 2);
	CHECK_STR(t.plan->steps[4].needs[0], "3");
	CHECK_STR(t.plan->steps[4].needs[1], "4.hub");
	read_all(PLAN_BACK, "enabled\n");
	CHECK_INT(build(PLAN_BACK), RC_OK);
	for (size_t i = 0, k = 0; i < t.plan->steps_n; i++) {
		static const char *const want[] = {
			"enabled\nexcept a@corp.example\nexcept b@corp.example\n",
			("enabled\nexcept a@corp.example\nexcept b@corp.example\nexcept "
			 "c@corp.example\n"),
			"",
		};

		if (t.plan->steps[i].resource == NULL ||
			!text_starts(t.plan->steps[i].resource, "tenant."))
			continue;
		CHECK_STR(t.plan->steps[i].want, k < 3 ? want[k] : "no more");
		k++;
	}
	end();
}

/* A person who is in a cohort that is back is an exception; nobody is left out in silence. */
static void
too_many_people_in_cohorts_are_told(void)
{
	static char people[12 * 1024];
	size_t at = 0;

	for (int i = 0; i < 254; i++) {
		at += (size_t)snprintf(people + at, sizeof people - at, ", p%03d@corp.example", i);
		if (i < 251)
			continue;
		begin(&(struct book){ .people = people,
			.steps = "{name: a, spf.authorize: {zone: zone}}, {name: w, "
				 "wait.published: {zone: zone}}, {name: v, verify.canary: "
				 "{through: relay}}, {name: s, outbound.switch: {at: [tenant, "
				 "hub]}, pivot: true}" });
		read_all(PLAN_BACK, "enabled\n");
		/* two in the first cohort, two and these in the second */
		CHECK_INT(build(PLAN_BACK), i + 1 + 4 <= 256 ? RC_OK : RC_LIMIT);
		CHECK(i + 1 + 4 <= 256 || says("more than 256 people in the cohorts"));
		end();
	}
}

/* What waited is let go at a rate, where the playbook has one; the relay keeps its own. */
static void
mail_is_let_go_as_the_playbook_says(void)
{
	static const struct {
		const char *args, *options;
	} rows[] = { { "at: [hub], rate: 10 per s, per_receiver: 2 per s",
			     "rate 10/1000\nper_receiver 2/1000\n" },
		{ "at: [hub], rate: 10 per s", "rate 10/1000\n" } };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char steps[700];

		(void)snprintf(steps, sizeof steps,
			PARK ", " SWITCH
			     ", {name: r, queue.release: {%s}}, {name: d, wait.drained: {at: "
			     "[hub]}}",
			rows[i].args);
		begin(&(struct book){ .steps = steps });
		read_all(PLAN_OUT, "");
		CHECK_INT(build(PLAN_OUT), RC_OK);
		CHECK_STR(t.plan->steps[5].options, rows[i].options);
		CHECK_STR(t.plan->steps[5].want, "state open\n");
		CHECK_STR(t.plan->steps[5].resource, "relay.queue corp.example");
		CHECK_STR(t.plan->steps[6].want, "");
		CHECK_STR(t.plan->steps[6].options, "");
		end();
	}
}

/* At a target that does not fence the next one has to wait a request out: it is short. */
static void
a_request_takes_no_longer_than_its_target_bears(void)
{
	static const struct {
		const char *target;
		int64_t deadline_ms, ms;
	} rows[] = {
		{ "hub", 10000, 10000 },
		{ "hub", 600000, EFFECT_MS },
		{ "tenant", 10000, U_EFFECT_MIN_MS },
		{ "tenant", 60000, 10000 },
		{ "tenant", 600000, U_EFFECT_MAX_MS },
	};

	begin(&(struct book){ 0 });
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct plan_step s = { .target = playbook_target(t.pb, rows[i].target),
			.deadline_ms = rows[i].deadline_ms };

		CHECK_INT(plan_effect_ms(&s), rows[i].ms);
	}
	end();
}

/* --- taking out --- */

static enum rc
build_eject(void)
{
	memset(&t.err, 0, sizeof t.err);
	return plan_build_eject(t.a, t.pb, t.value, t.values_n, t.left, t.left_n, "", NULL, 0,
		digest_sha256, NULL, &t.plan, &t.err);
}

static void
read_all_eject(const char *value)
{
	const struct plan_read *r = NULL;

	t.values_n = plan_eject_reads(t.a, t.pb, &r);
	for (size_t i = 0; i < t.values_n; i++)
		t.value[i] = (struct plan_value){ .target = r[i].target->name,
			.resource = r[i].resource,
			.value = text_ends(r[i].resource, " TXT") ? SPF : value,
			.known = true };
	t.left[0] = (struct plan_left){ "elsewhere", "x", "" };
	t.left[1] = (struct plan_left){ r[0].target->fence_domain, "x", "" };
	t.left[2] = (struct plan_left){ r[0].target->fence_domain, r[0].resource,
		"ttl 60\ntxt v=spf1 -all\n" };
}

static void
what_cannot_be_read_is_not_taken_out(void)
{
	begin(&(struct book){ 0 });
	read_all_eject("");
	CHECK_INT(t.values_n, 4); /* TXT, route, and a number at each of both */
	CHECK_INT(build_eject(), RC_OK);
	for (size_t i = 0; i < t.values_n; i++) {
		t.value[i].known = false;
		CHECK_INT(build_eject(), RC_CONFLICT);
		CHECK(says("cannot be read"));
		t.value[i].known = true;
	}
	/* of a target that the playbook does not have nothing is taken out */
	t.value[1].target = "other";
	CHECK_INT(build_eject(), RC_OK);
	t.value[2].target = "other";
	CHECK_INT(build_eject(), RC_OK);
	end();
}

/* --- memory --- */

/* Memory that ends at any byte makes no plan; with enough of it there is one. */
static void
a_plan_is_made_whole_or_not_at_all(void)
{
	static const char all[] =
		"{name: a, spf.authorize: {zone: zone}}, {name: w, wait.published: {zone: zone}}, "
		"{name: v, verify.canary: {through: relay}}, {name: p, mail.park: {at: [hub]}}, "
		"{name: s, outbound.switch: {at: [tenant, hub]}, pivot: true}, {name: r, "
		"queue.release: {at: [hub], rate: 10 per s, per_receiver: 2 per s}}, {name: l, "
		"wait.time: {for: 1s}}";
	static const struct {
		struct book book;
		enum plan_direction dir;
		const char *value;
	} rows[] = {
		{ { .steps = all, .domains = "corp.example, eu.corp.example" }, PLAN_OUT, "" },
		{ { .steps = all }, PLAN_BACK, "enabled\n" },
		{ { .steps = all, .inbound = INBOUND }, PLAN_EJECT, "enabled\n" },
		{ { .kind = "inbound", .steps = MX ", {name: see, wait.published: {zone: zone}}" },
			PLAN_OUT, "ttl 60\nmx 10 mx.cloud.example\n" },
		{ { .kind = "inbound",
			  .steps = MX,
			  .inbound = ", inbound: {mx: [{preference: 10, host: mx.relay.example}], "
				     "mode: spool, spool: hub, onward: "
				     "\"[mx.cloud.example]:25\", recipients: list}" },
			PLAN_BACK, "ttl 60\nmx 10 mx.relay.example\n" },
		{ { .kind = "shelter", .steps = PARK }, PLAN_BACK, "" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena *reads;
		enum rc rc = RC_NOMEM;
		size_t max = 0;

		begin(&rows[i].book);
		reads = t.a;
		if (rows[i].dir == PLAN_EJECT) {
			read_all_eject(rows[i].value);
			t.left_n = 3;
		} else {
			read_all(rows[i].dir, rows[i].value);
		}
		for (; rc != RC_OK && max < 1 << 20; max += 16) {
			t.a = arena_new(&stdmem, max);
			t.plan = NULL;
			rc = rows[i].dir == PLAN_EJECT ? build_eject() : build(rows[i].dir);
			CHECK((rc == RC_OK) == (t.plan != NULL));
			CHECK(rc == RC_OK || t.err.text[0] != '\0');
			CHECK((rc == RC_OK) == !arena_failed(t.a));
			arena_free(&t.a);
		}
		CHECK_INT(rc, RC_OK);
		t.a = reads;
		end();
	}
}

/* A term that stood there before us is not ours to take out. */
static void
what_stood_there_before_us_stays(void)
{
#define RELAYED "ttl 60\ntxt v=spf1 ip4:203.0.113.65 -all\n"
	static const struct {
		const char *base, *want;
	} rows[] = { { RELAYED, RELAYED },
		{ "ttl 60\ntxt v=spf1 -all\n", "ttl 60\ntxt v=spf1 -all\n" } };

	begin(&(struct book){ 0 });
	read_all_eject("");
	t.left_n = 3;
	t.value[0].value = RELAYED;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		t.left[2].base = rows[i].base;
		CHECK_INT(build_eject(), RC_OK);
		CHECK_STR(t.plan->steps[0].want, rows[i].want);
	}
	end();
#undef RELAYED
}

static void
where_nothing_is_ours_nothing_is_taken_out(void)
{
	struct playbook none;

	begin(&(struct book){ 0 });
	none = *t.pb;
	none.procedures_n = 0;
	CHECK_INT(plan_build_eject(t.a, &none, NULL, 0, NULL, 0, "", NULL, 0, digest_sha256, NULL,
			  &t.plan, &t.err),
		RC_INVALID);
	CHECK(says("corp has no procedure"));
	end();
}

/* --- limits --- */

/* The plan's room ends at whichever step it ends: a plan is whole, or there is none. */
static void
a_way_back_has_room_for_so_many_steps(void)
{
	static const struct {
		const char *kind, *steps;
		enum plan_direction dir;
		int each, once; /* steps: of each domain, of all */
	} rows[] = {
		/* a proof, then three times the switch, a wait and a proof between them */
		{ NULL, NULL, PLAN_BACK, 3, 1 + 2 * 2 + 1 },
		{ "at once", NULL, PLAN_BACK, 2, 1 + 1 + 1 },
		{ "inbound", MX, PLAN_BACK, 2, 0 },
		{ "shelter", PARK, PLAN_BACK, 1, 0 },
		/* nothing parked, the SPF record and a wait for it, the route; two numbers */
		{ NULL, PARK ", " SWITCH, PLAN_EJECT, 4, 2 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		for (int n = 1; n <= 62; n++) {
			int all = n * rows[i].each + rows[i].once;
			bool eject = rows[i].dir == PLAN_EJECT;

			begin(&(struct book){ .domains = domains(n),
				.kind = rows[i].kind,
				.steps = rows[i].steps });
			if (eject)
				read_all_eject("");
			else
				read_all(rows[i].dir, "");
			CHECK_INT(eject ? build_eject() : build(rows[i].dir),
				all <= 60 ? RC_OK : RC_LIMIT);
			CHECK(all <= 60 || says("more than 60 steps"));
			if (all <= 60 && t.plan != NULL)
				CHECK_INT(t.plan->steps_n, all);
			end();
			if (check_state.faults > 0) {
				printf("     row %zu, %d domains\n", i, n);
				return;
			}
		}
	}
}

/* What people read beside the steps has an end too. */
static void
notes_have_room_for_so_many(void)
{
	begin(&(struct book){ .domains = domains(55), .steps = AT("tenant") });
	read_all(PLAN_BACK, "enabled\n");
	CHECK_INT(build(PLAN_BACK), RC_OK);
	CHECK_INT(t.plan->notes_n, 48);
	CHECK_STR(t.plan->notes[2],
		"anybody -> d0.corp.example: stays on its own way, never through the backup");
	end();
}

static bool
has_note(const char *part)
{
	for (size_t i = 0; i < t.plan->notes_n; i++)
		if (strstr(t.plan->notes[i], part) != NULL)
			return true;
	return false;
}

/* What the relay's contract says is told as what nobody has proven. */
static void
what_is_only_declared_is_told_so(void)
{
	static const struct {
		const char *relay;
		bool told;
	} rows[] = {
		{ RELAY, false },
		{ "relay: {host: \"[relay.example]:587\", quota: 500 per day},", true },
		{ "relay: {host: \"[relay.example]:587\", rate: 5 per s},", true },
		{ "relay: {host: \"[relay.example]:587\", size: 10M},", true },
		{ "", false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		begin(&(struct book){ .relay = rows[i].relay, .steps = AT("tenant") });
		read_all(PLAN_OUT, "");
		CHECK_INT(build(PLAN_OUT), RC_OK);
		CHECK(has_note("declared, not proven") == rows[i].told);
		CHECK(has_note("relay is cold"));
		end();
	}
}

/* Mail that the backup delivers itself waits in no spool. */
static void
a_spool_is_told_where_there_is_one(void)
{
	for (int spool = 0; spool < 2; spool++) {
		begin(&(struct book){ .kind = "inbound",
			.steps = MX,
			.inbound = spool ? INBOUND
					 : ", inbound: {mx: [{preference: 10, host: "
					   "mx.relay.example}], mode: deliver}" });
		read_all(PLAN_OUT, "ttl 60\nmx 10 mx.cloud.example\n");
		CHECK_INT(build(PLAN_OUT), RC_OK);
		CHECK(has_note("keeps mail and passes it on") == (spool == 1));
		end();
	}
}

static void
what_switches_nothing_has_no_way_back(void)
{
	begin(&(struct book){ .steps = "{name: a, spf.authorize: {zone: zone}}" });
	read_all(PLAN_BACK, "");
	CHECK_INT(build(PLAN_BACK), RC_INVALID);
	CHECK(says("out switches nothing"));
	end();
	begin(&(struct book){
		.kind = "shelter", .steps = "{name: w, wait.time: {for: 1s}}, " PARK });
	read_all(PLAN_BACK, "");
	CHECK_INT(build(PLAN_BACK), RC_OK);
	CHECK_INT(t.plan->steps_n, 1);
	CHECK_STR(t.plan->steps[0].kind->kind, "queue.release");
	end();
}

/* A second wait waits for the same sets, and not for the first wait. */
static void
a_wait_is_for_what_was_set(void)
{
	begin(&(struct book){
		.steps = "{name: a, spf.authorize: {zone: zone}}, {name: w, wait.published: {zone: "
			 "zone}}, {name: x, wait.published: {zone: zone}}, {name: v, "
			 "verify.canary: {through: relay}}, {name: s, outbound.switch: {at: "
			 "[hub]}, pivot: true}" });
	read_all(PLAN_OUT, "");
	CHECK_INT(build(PLAN_OUT), RC_OK);
	CHECK_INT(t.plan->steps_n, 5);
	for (int i = 1; i <= 2; i++) {
		CHECK_STR(t.plan->steps[i].resource, "dns.rrset corp.example TXT");
		CHECK_INT(t.plan->steps[i].wait_ms, 60000);
	}
	CHECK_INT(rrset_ttl_ms(SPF), 60000);
	CHECK_INT(rrset_ttl_ms("no set"), 0);
	end();
}

/* --- where the mail is --- */

static void
what_the_targets_hold_says_where_the_mail_is(void)
{
	static const char on[] = "next relay:[relay.example]:587\nshare 100\n";
	static const struct {
		const char *value[3];
		enum plan_side side;
		const char *why;
	} rows[] = {
		{ { "", "", "" }, SIDE_PRIMARY, "" },
		{ { on, on, on }, SIDE_BACKUP, "" },
		{ { on, "", on }, SIDE_MIXED, "some switch points lead to cloud, others to relay" },
		{ { on, "", "x" }, SIDE_MIXED, "relay.route d2.corp.example at hub is neither" },
		{ { on, "", NULL }, SIDE_MIXED,
			"relay.route d2.corp.example at hub cannot be read" },
	};
	struct arena *small;
	char why[300];

	begin(&(struct book){ .domains = domains(3) });
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		read_all(PLAN_BACK, "");
		CHECK_INT(t.values_n, 3);
		for (size_t k = 0; k < 3; k++) {
			t.value[k].value = rows[i].value[k];
			t.value[k].known = rows[i].value[k] != NULL;
		}
		CHECK_INT(plan_side(t.a, t.pb, &t.pb->procedures[0], t.value, t.values_n, why,
				  sizeof why),
			rows[i].side);
		CHECK(rows[i].why[0] == '\0' ? why[0] == '\0' : strstr(why, rows[i].why) == why);
	}
	/* more than a plan can hold, and no memory: nothing is known */
	CHECK_INT(plan_side(t.a, t.pb, &t.pb->procedures[0], t.value, 65, why, sizeof why),
		SIDE_MIXED);
	small = arena_new(&stdmem, 64);
	CHECK_INT(plan_side(small, t.pb, &t.pb->procedures[0], t.value, 0, why, sizeof why),
		SIDE_MIXED);
	arena_free(&small);
	end();

	/* a domain that lies in another zone has no say in this one */
	begin(&(struct book){
		.domains = "corp.example, other.example", .kind = "inbound", .steps = MX });
	read_all(PLAN_OUT, "ttl 60\nmx 10 mx.relay.example\n");
	CHECK_INT(t.values_n, 1);
	CHECK_INT(plan_side(t.a, t.pb, &t.pb->procedures[0], t.value, 1, why, sizeof why),
		SIDE_BACKUP);
	end();
}

/* --- from a record --- */

static void
what_is_no_plan_is_not_taken_for_one(void)
{
#define STEP                                                                                       \
	"{'id':'1','name':'n','needs':[],'kind':'outbound.switch','target':'hub',"                 \
	"'resource':'r','base':'','want':'w','undo':'','options':''}"
#define PLAN(steps) "{'procedure':'out','direction':'back','steps':[" steps "]}"
	static const struct {
		const char *body, *says; /* says NULL: it is one */
	} rows[] = {
		{ PLAN(STEP), NULL },
		{ PLAN("{'id':'1','name':'n','needs':['2'],'kind':'verify.canary','through':'relay'"
		       "}"),
			NULL },
		{ PLAN(""), NULL },
		{ "{'procedure':'out'}", "no plan" },
		{ "{'steps':[]}", "no plan" },
		{ "{'procedure':'in','steps':[]}", "procedure in, which its playbook" },
		{ PLAN("{'id':'1','needs':[],'kind':'launch'}"), "kind launch, which this" },
		{ PLAN("{'id':'1','needs':[]}"), "kind ?, which this" },
		{ PLAN("{'needs':[],'kind':'wait.time'}"), "kind wait.time" },
		{ PLAN("{'id':'1','kind':'wait.time'}"), "not whole" },
		{ PLAN("{'id':'1','needs':[],'kind':'mail.park','target':'x'}"),
			"target x, which" },
		{ PLAN("{'id':'1','needs':[],'kind':'mail.park','target':'hub','base':'',"
		       "'want':'','undo':'','options':''}"),
			"not whole" },
		{ PLAN("{'id':'1','needs':[],'kind':'mail.park','target':'hub','resource':'',"
		       "'want':'','undo':'','options':''}"),
			"not whole" },
		{ PLAN("{'id':'1','needs':[],'kind':'mail.park','target':'hub','resource':'',"
		       "'base':'','undo':'','options':''}"),
			"not whole" },
		{ PLAN("{'id':'1','needs':[],'kind':'mail.park','target':'hub','resource':'',"
		       "'base':'','want':'','options':''}"),
			"not whole" },
		{ PLAN("{'id':'1','needs':[],'kind':'mail.park','target':'hub','resource':'',"
		       "'base':'','want':'','undo':''}"),
			"not whole" },
		{ PLAN("{'id':'1','needs':[],'kind':'wait.time','through':'nowhere'}"),
			"names path nowhere, which" },
	};
#undef STEP
#undef PLAN

	begin(&(struct book){ 0 });
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[512];
		size_t at = 0;
		enum rc rc;

		(void)snprintf(text, sizeof text, "%s", rows[i].body);
		for (char *p = text; *p != '\0'; p++)
			*p = *p == '\'' ? '"' : *p;
		memset(&t.err, 0, sizeof t.err);
		rc = plan_read_back(
			t.a, t.pb, json_read(t.a, text, strlen(text), &at), &t.plan, &t.err);
		if ((rc == RC_OK) != (rows[i].says == NULL) ||
			(rows[i].says != NULL && !says(rows[i].says)))
			CHECK_STR(rows[i].body, "is judged");
	}
	CHECK_INT(t.plan->dir, PLAN_BACK);
	end();
}

/* --- for people --- */

static void
a_plan_is_told_as_it_is(void)
{
	static const struct {
		const char *kind, *options, *want;
		int64_t wait_ms;
		bool zone, production, pivot, changes, colour;
		int receivers;
	} rows[] = {
		{ "outbound.switch", "",
			.want = "  1         n   <- pivot: from here on abort is failback\n"
				"            r at hub\n            - old\n"
				"            + new\n",
			.pivot = true, .changes = true },
		{ "outbound.switch", "",
			.want = "  1         n\n            r at hub\n"
				"            \033[31m- old\033[0m\n"
				"            \033[32m+ new\033[0m\n",
			.changes = true, .colour = true },
		{ "outbound.switch", "",
			.want = "  1         n\n            r at hub: already so\n" },
		{ "queue.release", "rate 10/1000\nper_receiver 2/1000\n",
			.want = "  1         n\n            r at hub: 10 per s, 2 per s for each "
				"receiver\n" },
		{ "queue.release", "gently\nrate x/1000\nrate 10/y\nrate 10\n",
			.want = "  1         n\n            r at hub: gently, rate x/1000, rate "
				"10/y, rate "
				"10\n" },
		{ "queue.release", "rate 10000000000000000000000000000000000000000000000000/1000\n",
			.want = "  1         n\n            r at hub: rate "
				"10000000000000000000000000000000000000000000000000/1000\n" },
		{ "verify.canary", "",
			.want = "  1         n\n            a message through relay must arrive "
				"with "
				"dmarc=pass\n" },
		{ "verify.canary", "",
			.want = "  1         n\n            a message through relay, submitted as "
				"production, must arrive with dmarc=pass\n",
			.production = true },
		{ "verify.canary", "",
			.want = "  1         n\n            a message through relay must arrive "
				"with dmarc=pass at 2 receivers, and wherever no harm is seen "
				"through cloud\n",
			.receivers = 2 },
		{ "verify.canary", "",
			.want = "  1         n\n            a message through relay, submitted as "
				"production, must arrive with dmarc=pass at 1 receiver, and "
				"wherever no harm is seen through cloud\n",
			.receivers = 1, .production = true },
		{ "wait.time", "", .want = "  1         n\n            1m\n", .wait_ms = 60000 },
		{ "wait.published", "",
			.want = "  1         n\n            every authoritative server shows it, "
				"then 1m\n",
			.wait_ms = 60000, .zone = true },
		{ "wait.drained", "", .want = "  1         n\n            r at hub\n",
			.zone = true },
		{ "wait.time", "", .want = "  1         n\n" },
	};

	begin(&(struct book){ 0 });
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct plan_step s = { .id = "1",
			.name = "n",
			.kind = step_kind_find(rows[i].kind),
			.resource = "r",
			.base = "old\n",
			.want = rows[i].changes ? "new\n" : "old\n",
			.options = rows[i].options,
			.wait_ms = rows[i].wait_ms,
			.production = rows[i].production,
			.receivers = rows[i].receivers,
			.pivot = rows[i].pivot };
		struct plan p = { .pb = t.pb,
			.proc = &t.pb->procedures[0],
			.steps = &s,
			.steps_n = 1,
			.hash = "h" };
		struct buf b;
		char want[600];

		s.target = rows[i].zone || s.kind->class == STEP_STATE || s.kind->class == STEP_ACT
				   ? playbook_target(t.pb, "hub")
				   : NULL;
		s.through = p.proc->to;
		buf_init(&b, &stdmem, 4096);
		plan_text(&p, &b, rows[i].colour);
		(void)snprintf(want, sizeof want,
			"Plan: procedure out of playbook corp: outbound mail from cloud to relay\n"
			"%sExpected time of the waits: 0s\nHash: h\n",
			rows[i].want);
		CHECK_STR(buf_text(&b), want);
		buf_fini(&b);
	}
	end();
}

int
main(void)
{
	TEST(a_plan_has_room_for_many_domains);
	TEST(a_procedure_has_room_for_as_many_steps_as_a_plan);
	TEST(needs_name_all_that_a_step_has_become);
	TEST(a_zone_is_asked_about_its_own_domains);
	TEST(a_value_that_is_not_known_makes_no_plan);
	TEST(a_plan_touches_no_more_than_it_may);
	TEST(mail_to_us_goes_where_the_path_says);
	TEST(cohorts_come_back_share_by_share);
	TEST(too_many_people_in_cohorts_are_told);
	TEST(mail_is_let_go_as_the_playbook_says);
	TEST(a_request_takes_no_longer_than_its_target_bears);
	TEST(what_cannot_be_read_is_not_taken_out);
	TEST(a_plan_is_made_whole_or_not_at_all);
	TEST(what_stood_there_before_us_stays);
	TEST(where_nothing_is_ours_nothing_is_taken_out);
	TEST(a_way_back_has_room_for_so_many_steps);
	TEST(notes_have_room_for_so_many);
	TEST(what_is_only_declared_is_told_so);
	TEST(a_spool_is_told_where_there_is_one);
	TEST(what_switches_nothing_has_no_way_back);
	TEST(a_wait_is_for_what_was_set);
	TEST(what_the_targets_hold_says_where_the_mail_is);
	TEST(what_is_no_plan_is_not_taken_for_one);
	TEST(a_plan_is_told_as_it_is);
	return check_end();
}
