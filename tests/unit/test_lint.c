/* test_lint.c - what is legal but unwise: each rule speaks where it should and is silent beside it.
 */
#include "lib/playbook_rig.h"

#include "config/build.h"

struct row {
	const char *rule;
	const char *from, *to; /* the edit that brings it about; "" "" = the base has it */
	const char *good_from, *good_to; /* the edit that avoids it; NULL = the base does */
};

#define OUT_STEPS                                                                                  \
	"      - {name: allow, spf.authorize: {zone: zone}}\n"                                     \
	"      - {name: seen, wait.published: {zone: zone}}\n"
#define NO_OUTBOUND                                                                                \
	"    flow: outbound\n    to: relay\n    steps:\n" OUT_STEPS                                \
	"      - {name: prove, verify.canary: {through: relay}}\n"                                 \
	"      - {name: switch, outbound.switch: {at: [suite, hub]}, pivot: true}\n"               \
	"      - {name: let go, queue.release: {at: [hub], rate: 10 per s}}\n"                     \
	"      - {name: proven, verify.canary: {as: production}, deadline: 4m}\n"

static const struct row rows[] = {
	{ .rule = "anchors",
		"  anchor-b: {kind: knock, role: anchor, every: 20s, host: 203.0.113.80}\n",
		"" },
	{ .rule = "anchors-two",
		"",
		"",
		"  anchor-b: {kind: knock, role: anchor, every: 20s, host: 203.0.113.80}\n",
		"  anchor-b: {kind: knock, role: anchor, every: 20s, host: 203.0.113.80}\n"
		"  anchor-c: {kind: knock, role: anchor, every: 20s, host: 192.0.20.80}\n" },
	{ .rule = "anchors-near",
		"host: 203.0.113.80}",
		"host: 192.0.2.80}",
		"host: 203.0.113.80}",
		"host: 192.0.20.80}" },
	{ .rule = "anchors-near", "host: 203.0.113.80}", "host: 192.0.2.1}" },
	{ .rule = "anchor-inside", "host: 203.0.113.80}", "host: anchor.corp.example}" },
	{ .rule = "anchor-inside", "host: 203.0.113.80}", "host: 198.51.100.26}" },
	{ .rule = "seed-inside",
		"seeds: [{receiver: r1}, ",
		"seeds: [{receiver: r1, mailbox: a@in.corp.example}, ",
		"seeds: [{receiver: r1}, ",
		"seeds: [{receiver: r1, mailbox: a@notcorp.example}, " },
	{ .rule = "no-pivot",
		"outbound.switch: {at: [suite, hub]}, pivot: true",
		"outbound.switch: {at: [suite, hub]}" },
	{ .rule = "no-pivot", "mx.switch: {zone: zone}, pivot: true", "mx.switch: {zone: zone}" },
	{ .rule = "pivot-first",
		"{name: point, mx.switch: {zone: zone}, pivot: true}",
		"{name: first, mx.switch: {zone: zone}}\n      - {name: point, mx.switch: {zone: "
		"zone}, "
		"pivot: true}" },
	{ .rule = "no-proof", "      - {name: prove, verify.canary: {through: relay}}\n", "" },
	{ .rule = "no-proof",
		"verify.canary: {through: relay}}",
		"verify.canary: {through: cloud}}" },
	{ .rule = "spf-first", "      - {name: seen, wait.published: {zone: zone}}\n", "" },
	{ .rule = "spf-first", OUT_STEPS, "" },
	{ .rule = "spf-first",
		OUT_STEPS,
		"      - {name: seen, wait.published: {zone: zone}}\n"
		"      - {name: allow, spf.authorize: {zone: zone}}\n" },
	{ .rule = "spf-unproven", "    spf: [\"ip4:203.0.113.65\"]\n", "" },
	{ .rule = "release-early",
		"      - {name: prove, verify.canary: {through: relay}}\n",
		"      - {name: early, queue.release: {at: [hub]}}\n"
		"      - {name: prove, verify.canary: {through: relay}}\n" },
	{ .rule = "parked",
		"      - {name: let go, queue.release: {at: [hub], rate: 10 per s}}\n",
		"" },
	{ .rule = "left-behind",
		"outbound.switch: {at: [suite, hub]}",
		"outbound.switch: {at: [hub]}" },
	{ .rule = "left-behind",
		"outbound.switch: {at: [suite, hub]}",
		"outbound.switch: {at: [suite]}" },
	{ .rule = "hasty",
		"{on: blocked, run: out,",
		"{on: blocked, at: suspect, run: out,",
		"{on: blocked, run: out,",
		"{on: blocked, at: confirmed, run: out," },
	{ .rule = "narrow-early",
		OUT_STEPS,
		OUT_STEPS "      - {name: narrow, spf.withdraw: {zone: zone}}\n" },
	{ .rule = "not-last-hop",
		"    steps: [{name: park, mail.park: {at: [hub]}}]\n",
		"    steps: [{name: park, wait.time: {for: 1s}}]\n" },
	{ .rule = "no-harm",
		"  blocked: {path: cloud, flow: outbound, groups: 2, of: [reputation, delivery], "
		"must: "
		"[delivery]",
		"  blocked: {path: cloud, flow: outbound, groups: 2, of: [reputation, delivery], "
		"must: "
		"[reputation]" },
	{ .rule = "harm-untold",
		"",
		"",
		"responses:\n",
		"  harm: {path: cloud, flow: outbound, groups: 1, of: [delivery], must: "
		"[delivery], "
		"for: 10m, clear: 2h}\n"
		"responses:\n"
		"  - {on: harm, mode: observe}\n" },
	{ .rule = "same-path",
		"  lists: {kind: blocklist, group: reputation, path: cloud",
		"  lists: {kind: blocklist, group: reputation, path: relay" },
	{ .rule = "no-backup-proof",
		"  probe-relay: {kind: letter, group: delivery, path: relay, every: 5m, seeds: "
		"[{receiver: r1}]}\n",
		"" },
	{ .rule = "no-backup-proof",
		"path: relay, every: 5m",
		"path: relay, flow: outbound, every: 5m" },
	{ .rule = "proof-unable", "path: relay, every: 5m", "path: cloud, every: 5m" },
	{ .rule = "proof-unable",
		"path: relay, every: 5m",
		"path: relay, flow: inbound, every: 5m" },
	{ .rule = "receivers-beyond",
		"verify.canary: {through: relay}",
		"verify.canary: {through: relay, receivers: 2}",
		"verify.canary: {through: relay}",
		"verify.canary: {through: relay, receivers: 1}" },
	{ .rule = "receivers-one",
		"verify.canary: {through: relay}",
		"verify.canary: {through: relay, receivers: 1}" },
	{ .rule = "receivers-unseen",
		"verify.canary: {as: production}, deadline: 4m}",
		"verify.canary: {as: production}, deadline: 4m}\n"
		"      - {name: home, verify.canary: {through: cloud, receivers: 2}}",
		"verify.canary: {as: production}, deadline: 4m}",
		"verify.canary: {as: production}, deadline: 4m}\n"
		"      - {name: home, verify.canary: {through: cloud}}" },
	{ .rule = "failback-unable",
		"path: cloud, every: 2m",
		"path: cloud, flow: inbound, every: 2m" },
	{ .rule = "spool-onward",
		"[mx.cloud.example]:25",
		"[mx.relay.example]:25",
		"[mx.cloud.example]:25",
		"[192.0.2.25]:25" },
	{ .rule = "cold", "", "", "", NULL }, /* its twin is below: no outbound cut-over */
	{ .rule = "spf-peace",
		"",
		"",
		NO_OUTBOUND,
		"    flow: outbound\n    to: relay\n    steps:\n      - {name: sleep, wait.time: "
		"{for: "
		"1s}}\n" },
	{ .rule = "hold-short",
		"groups: 1, of: [delivery], must: [delivery], for: 5m",
		"groups: 1, of: [delivery], must: [delivery], for: 29s" },
	{ .rule = "stale-short",
		"every: 30s, lists",
		"every: 30s, stale: 30s, lists",
		"every: 30s, lists",
		"every: 30s, stale: 31s, lists" },
	{ .rule = "timeout-long",
		"every: 30s, lists",
		"every: 30s, timeout: 31s, lists",
		"every: 30s, lists",
		"every: 30s, timeout: 30s, lists" },
	{ .rule = "blackout-rescue",
		"blackout: {drills:",
		"blackout: {cutover:",
		"blackout: {drills:",
		"blackout: {failback:" },
	{ .rule = "nobody", "run: out, mode: approve,", "run: out, mode: approve, approvers: 2," },
	{ .rule = "nobody", "may: [run, approve, brake]", "may: [run, brake]" },
	{ .rule = "no-brake", "may: [run, approve, brake]", "may: [run, approve]" },
	{ .rule = "no-notify", "notify: [{program: [/usr/local/bin/page-duty, now]}]\n", "" },
	{ .rule = "owner-inside", "owner: duty@elsewhere.example", "owner: duty@corp.example" },
	{ .rule = "spf-budget",
		"spf: [\"ip4:203.0.113.65\"]",
		"spf: [\"a:h1.example\", \"a:h2.example\", \"a:h3.example\", \"a:h4.example\", "
		"\"a:h5.example\", \"a:h6.example\", \"a:h7.example\", \"a:h8.example\", mx, "
		"\"include:z.example\"]",
		"spf: [\"ip4:203.0.113.65\"]",
		"spf: [\"a:h1.example\", \"a:h2.example\", \"a:h3.example\", \"a:h4.example\", "
		"\"a:h5.example\", \"a:h6.example\", \"a:h7.example\", \"a:h8.example\", mx]" },
	{ .rule = "spf-mx",
		"spf: [\"ip4:203.0.113.65\"]",
		"spf: [mx]",
		"spf: [\"ip4:203.0.113.65\"]",
		"spf: [\"mx:relay.example\"]" },
	{ .rule = "spool-onward", ", onward: \"[mx.cloud.example]:25\"", "" },
	{ .rule = "spool-recipients", ", recipients: list", ", recipients: any" },
	{ .rule = "null-set",
		"    inbound: {mx: [{preference: 10, host: mx.relay.example}], mode: spool, "
		"onward: "
		"\"[mx.cloud.example]:25\", recipients: list}\n",
		"" },
	{ .rule = "unused",
		"  suite: {connector: cloudsuite, tenant: corp.example}\n",
		"  suite: {connector: cloudsuite, tenant: corp.example}\n"
		"  hub-2: {connector: mta, host: 203.0.113.11}\n" },
	{ .rule = "automatic-observed",
		"mode: automatic\n",
		"mode: observe\n",
		"mode: automatic\n",
		"mode: approve\n" },
	{ .rule = "dkim",
		"    dkim: {by: cloud, d: corp.example, selector: s1}\n    inbound: {mx: "
		"[{preference: "
		"10, host: mx.relay.example",
		"    inbound: {mx: [{preference: 10, host: mx.relay.example" },
};

enum { ROWS = sizeof rows / sizeof *rows };

static const struct lint_rule *
rule_of(const char *id)
{
	for (const struct lint_rule *r = lint_rules; r->id != NULL; r++)
		if (strcmp(r->id, id) == 0)
			return r;
	return NULL;
}

/* Whether the edited base gets the finding; the edit itself must be free of other faults than the
 * lint's. */
static bool
speaks(const char *rule, const char *from, const char *to)
{
	struct findings *f = NULL;
	struct place at;
	char *text = rig_edit(from, to, &at);
	const struct lint_rule *r = rule_of(rule);
	struct playbook *pb;
	bool said = false;

	if (text == NULL || r == NULL) {
		printf("FAIL %s: %s\n", rule,
			r == NULL ? "no such rule" : "its text stands not once in the base");
		check_state.faults++;
		free(text);
		return false;
	}
	pb = rig_load(text, NULL, &f);
	for (size_t i = 0; i < findings_n(f); i++) {
		const struct finding *one = findings_at(f, i);

		if (rule_of(one->rule) == NULL) {
			printf("FAIL %s: the row is wrong in itself\n", rule);
			rig_print(f);
			check_state.faults++;
		}
		if (strcmp(one->rule, rule) == 0) {
			said = true;
			CHECK(one->level == r->level);
		}
	}
	if (said)
		CHECK((pb == NULL) == (findings_errors(f) > 0));
	findings_free(&f);
	playbook_unref(&pb);
	free(text);
	return said;
}

static void
one_row(const struct row *r)
{
	CHECK(speaks(r->rule, r->from, r->to));
	if (r->good_from == NULL || r->good_to != NULL)
		CHECK(!speaks(r->rule, r->good_from != NULL ? r->good_from : "",
			r->good_from != NULL ? r->good_to : ""));
}

static void
every_rule_has_a_row_and_its_words(void)
{
	for (const struct lint_rule *r = lint_rules; r->id != NULL; r++) {
		bool tested = false;

		for (size_t i = 0; i < ROWS; i++)
			tested = tested || strcmp(rows[i].rule, r->id) == 0;
		if (!tested)
			printf("     no row for %s\n", r->id);
		CHECK(tested);
		CHECK(r->doc != NULL && strlen(r->doc) > 20);
		for (const struct lint_rule *o = lint_rules; o < r; o++)
			CHECK(strcmp(o->id, r->id) != 0);
	}
}

/* Where no zone is a target there is nothing to put in front of the switch: a warning, no error. */
static void
without_a_zone_spf_is_a_warning(void)
{
	static const char text[] =
		"ferryman: 1\nplaybook: p\nsummary: s\nowner: a@b.example\ndomains: "
		"[corp.example]\n"
		"mode: approve\n"
		"targets: {hub: {connector: mta, host: 203.0.113.10}}\n"
		"paths: {cloud: {prefer: 1}, relay: {prefer: 2, spf: [\"ip4:203.0.113.65\"], "
		"relay: "
		"{host: \"r.example:25\"}}}\n"
		"signals:\n"
		"  p: {kind: letter, group: g, path: relay, every: 2m, seeds: [{receiver: r1}]}\n"
		"  a: {kind: knock, role: anchor, every: 20s, host: 192.0.2.1}\n"
		"  b: {kind: knock, role: anchor, every: 20s, host: 192.0.2.2}\n"
		"procedures: {out: {kind: cutover, flow: outbound, to: relay, steps: [{name: p, "
		"verify.canary: {}}, {name: s, outbound.switch: {at: [hub]}, pivot: true}]}}\n";
	struct findings *f = NULL;
	struct playbook *pb = rig_load(text, NULL, &f);
	bool said = false;

	CHECK(pb != NULL);
	for (size_t i = 0; i < findings_n(f); i++)
		said = said || strcmp(findings_at(f, i)->rule, "spf-unproven") == 0;
	CHECK(said);
	if (pb == NULL)
		rig_print(f);
	findings_free(&f);
	playbook_unref(&pb);
}

static void
a_playbook_that_only_watches_is_not_cold(void)
{
	static const char text[] =
		"ferryman: 1\nplaybook: p\nsummary: s\nowner: a@b.example\ndomains: "
		"[corp.example]\n"
		"mode: observe\npaths: {cloud: {prefer: 1}, relay: {prefer: 2}}\n"
		"signals:\n"
		"  a: {kind: knock, role: anchor, every: 20s, host: 192.0.2.1}\n"
		"  b: {kind: knock, role: anchor, every: 20s, host: 203.0.113.2}\n"
		"  c: {kind: knock, role: anchor, every: 20s, host: 198.18.0.2}\n"
		"notify: [{program: [/bin/true]}]\n";
	struct findings *f = NULL;
	struct playbook *pb = rig_load(text, NULL, &f);

	CHECK(pb != NULL);
	CHECK_INT(findings_n(f), 0);
	rig_print(f);
	findings_free(&f);
	playbook_unref(&pb);
}

int
main(void)
{
	for (size_t i = 0; i < ROWS; i++) {
		check_state.name = rows[i].rule;
		check_state.faults = 0;
		one_row(&rows[i]);
		if (check_state.faults > 0)
			check_state.failed++;
		else
			check_state.passed++;
	}
	TEST(every_rule_has_a_row_and_its_words);
	TEST(a_playbook_that_only_watches_is_not_cold);
	TEST(without_a_zone_spf_is_a_warning);
	return check_end();
}
