/*
 * test_playbook.c - playbooks: what is refused, where the finding points and what it says. Each row
 * has its twin: the same place, written right, is accepted.
 */
#include "lib/playbook_rig.h"

struct row {
	const char *name;
	const char *from; /* of the base; "" = behind it */
	const char *bad;  /* with RIG_MARK where the finding points */
	const char *good;
	const char *rule, *path, *text; /* text: a part of it */
};

static const struct row rows[] = {
	/* shape */
	{ "an unknown key is named with its neighbour", "summary:", "\1sumary:", "summary:",
		"shape", "sumary", "did you mean \"summary\"" },
	{ "an unknown key of a path", "    prefer: 2\n",
		"    prefer: 2\n    \1egres: [192.0.2.1]\n", "    prefer: 2\n    last_hop: none\n",
		"shape", "paths.relay.egres", "egress" },
	{ "an unknown key of a connector", "host: 203.0.113.10,", "host: 203.0.113.10, \1prot: 22,",
		"host: 203.0.113.10, port: 22,", "shape", "targets.hub.prot", "port" },
	{ "a missing key", "owner: duty@elsewhere.example\n", "", "owner: x@y.example\n", "shape",
		"", "\"owner\" is missing" },
	{ "a key twice", "owner: duty@elsewhere.example\n",
		"owner: duty@elsewhere.example\n\1owner: b@c.example\n",
		"owner: duty@elsewhere.example\n", "shape", "", "already in line 4" },
	{ "a list twice, whose second half once ran over the first", "lists: [bl.example]}",
		"lists: [a.example, b.example, c.example], \1lists: [bl.example, d.example]}",
		"lists: [a.example, b.example, c.example]}", "shape", "", "already in line 26" },
	{ "a list where one value is wanted", "mode: automatic\n", "mode: \1[automatic]\n",
		"mode: automatic\n", "shape", "mode", "not a list" },
	{ "one value where a list is wanted", "domains: [corp.example]", "domains: \1corp.example",
		"domains: [corp.example]", "shape", "domains", "want a list: [corp.example]" },
	{ "an empty list", "domains: [corp.example]", "domains: \1[]", "domains: [corp.example]",
		"shape", "domains", "empty" },
	{ "a mapping where text is wanted", "summary: a small one", "summary: \1{a: b}",
		"summary: \"{a: b}\"", "shape", "summary", "not a mapping" },
	{ "targets as a list", "people:\n  cio: {user: alice, may: [run, approve, brake]}\n",
		"people: \1[alice]\n", "people: {a: {user: alice, may: [run, approve, brake]}}\n",
		"shape", "people", "mapping of names" },
	{ "notify as a mapping", "notify: [{program: [/usr/local/bin/page-duty, now]}]",
		"notify: \1{program: [/bin/x]}", "notify: [{program: [/bin/x]}]", "shape", "notify",
		"want a list" },
	{ "a notifier with two connectors", "notify: [{program: [/usr/local/bin/page-duty, now]}]",
		"notify: [\1{program: [/bin/x], siren: [1]}]",
		"notify: [{program: [/bin/x], name: x}]", "shape", "notify.1", "one notifier" },
	{ "a step without a kind", "{name: point, mx.switch: {zone: zone}, pivot: true}",
		"\1{name: point}", "{name: point, mx.switch: {zone: zone}, pivot: true}", "shape",
		"procedures.in.steps.1", "says not what to do" },
	{ "a step with two kinds", "{name: wait, wait.time: {for: 30s}}",
		"{name: wait, wait.time: {for: 30s}, \1mx.switch: {zone: zone}}",
		"{name: wait, wait.time: {for: 31s}}", "shape", "procedures.in.steps.2",
		"one thing" },
	{ "an unknown kind of step", "wait.time: {for: 30s}", "\1wait.tme: {for: 30s}",
		"wait.time: {for: 30s}", "shape", "procedures.in.steps.2",
		"did you mean wait.time" },
	{ "a step's argument that is missing", "wait.time: {for: 30s}", "wait.time: \1{}",
		"wait.time: {for: 1s}", "shape", "procedures.in.steps.2.wait.time",
		"\"for\" is missing" },
	{ "a step without a name", "{name: wait, wait.time: {for: 30s}}",
		"\1{wait.time: {for: 30s}}", "{name: w, wait.time: {for: 30s}}", "shape",
		"procedures.in.steps.2", "\"name\" is missing" },
	/* values */
	{ "the version of another schema", "ferryman: 1",
		"ferryman: \1"
		"2",
		"ferryman: 1", "value", "ferryman", "at most 1" },
	{ "a name with capitals", "playbook: base", "playbook: \1Base", "playbook: base", "value",
		"playbook", "a-z, 0-9, -" },
	{ "a name of a path with an underscore", "  relay:\n    prefer",
		"  re_lay: \1{prefer: 3}\n  relay:\n    prefer",
		"  re-lay: {prefer: 3}\n  relay:\n    prefer", "value", "paths.re_lay", "no name" },
	{ "a duration without a unit", "every: 30s",
		"every: \1"
		"30",
		"every: 31s", "value", "signals.lists.every", "\"30\" has no unit" },
	{ "a duration that is too small", "every: 30s",
		"every: \1"
		"10ms",
		"every: 100ms", "value", "signals.lists.every", "at least 100ms" },
	{ "a duration that is no duration", "every: 30s", "every: \1soon", "every: 30s", "value",
		"signals.lists.every", "\"soon\" is no duration" },
	{ "a share without its sign", "share: 5%",
		"share: \1"
		"5",
		"share: 5.5%", "value", "diagnoses.blocked.share", "a share such as 5%" },
	{ "a share over the whole", "share: 5%",
		"share: \1"
		"101%",
		"share: 100%", "value", "diagnoses.blocked.share", "a share" },
	{ "a rate without its time", "rate: 10 per s",
		"rate: \1"
		"10",
		"rate: 10 per min", "value", "procedures.out.steps.5.queue.release.rate",
		"10 per s" },
	{ "a number that is text", "receivers: 2", "receivers: \1two", "receivers: 2", "value",
		"diagnoses.blocked.receivers", "whole number" },
	{ "a number in octal", "receivers: 2",
		"receivers: \1"
		"0o2",
		"receivers: 2", "value", "diagnoses.blocked.receivers", "whole number" },
	{ "yes is not true", "zone: zone}, pivot: true", "zone: zone}, pivot: \1yes",
		"zone: zone}, pivot: true", "value", "procedures.in.steps.1.pivot",
		"true or false" },
	{ "a word that is none of those", "mode: automatic\n", "mode: \1automatc\n",
		"mode: approve\n", "value", "mode", "did you mean automatic" },
	{ "NO stays text, and is no mode", "mode: automatic\n", "mode: \1NO\n", "mode: observe\n",
		"value", "mode", "\"NO\"" },
	{ "an address with a part too large", "egress: [203.0.113.65]",
		"egress: [\1"
		"203.0.113.265]",
		"egress: [203.0.113.65, \"2001:db8::1\"]", "value", "paths.relay.egress.1",
		"IPv4 or IPv6" },
	{ "an IPv6 address with two gaps", "egress: [203.0.113.65]", "egress: [\1\"2001::db8::1\"]",
		"egress: [\"::ffff:192.0.2.1\"]", "value", "paths.relay.egress.1", "IPv4 or IPv6" },
	{ "a domain with an empty label", "domains: [corp.example]", "domains: [\1corp..example]",
		"domains: [Corp.Example.]", "value", "domains.1", "a domain" },
	{ "a domain that begins with a hyphen", "domains: [corp.example]",
		"domains: [corp.example, \1-a.corp.example]",
		"domains: [corp.example, a.corp.example]", "value", "domains.2", "a domain" },
	{ "a mailbox without a domain", "owner: duty@elsewhere.example",
		"owner: \1"
		"duty",
		"owner: duty@e.example", "value", "owner", "a mailbox" },
	{ "a URL that is not encrypted", "tenant: corp.example}",
		"tenant: corp.example, url: \1\"http://admin.example/\"}",
		"tenant: corp.example, url: \"http://127.0.0.1:80/\"}", "value",
		"targets.suite.url", "https" },
	{ "host and port without a port", "host: \"[relay.example]:587\"",
		"host: \1\"[relay.example]\"", "host: \"relay.example:587\"", "value",
		"paths.relay.relay.host", "host:port" },
	{ "a port out of range", "host: \"[relay.example]:587\"", "host: \1\"relay.example:65536\"",
		"host: \"relay.example:65535\"", "value", "paths.relay.relay.host", "host:port" },
	{ "a secret in the open", "secret: {file: zone.key}", "secret: \1hunter2",
		"secret: {env: ZONE_KEY}", "value", "targets.zone.secret", "never written" },
	{ "a secret with a path", "secret: {file: zone.key}", "secret: {file: \1/etc/zone.key}",
		"secret: {credential: zone}", "value", "targets.zone.secret", "without /" },
	{ "a secret in two places", "secret: {file: zone.key}", "secret: \1{file: a, env: B}",
		"secret: {file: a}", "value", "targets.zone.secret", "a reference" },
	{ "a window that is none", "Fri 18:00 - Mon 06:00 Europe/Berlin", "Freitag",
		"Fri 18:00 - Mon 06:00 UTC", "value", "limits.blackout.drills", "no window" },
	{ "a window of no length", "Fri 18:00 - Mon 06:00 Europe/Berlin",
		"Fri 18:00 - Fri 18:00 UTC", "Fri 18:00 - Fri 18:01 UTC", "value",
		"limits.blackout.drills", "no window" },
	{ "a share of failback that is none", "order: [canaries, 5%,", "order: [canaries, \1some,",
		"order: [canaries, 10%,", "value", "procedures.out.failback.order", "no share" },
	{ "a share of failback between the steps", "order: [canaries, 5%,",
		"order: [canaries, \1"
		"7%,",
		"order: [canaries, 20%,", "value", "procedures.out.failback.order", "steps of 5%" },
	{ "an SPF term of another language", "spf: [\"ip4:203.0.113.65\"]",
		"spf: [\1\"ipv4:203.0.113.65\"]", "spf: [\"+ip4:203.0.113.65\"]", "value",
		"paths.relay.spf.1", "no mechanism" },
	{ "an SPF term that names everybody", "spf: [\"ip4:203.0.113.65\"]", "spf: [\1\"+all\"]",
		"spf: [\"a:relay.example\"]", "value", "paths.relay.spf.1",
		"nobody in particular" },
	{ "an SPF term that forbids", "spf: [\"ip4:203.0.113.65\"]",
		"spf: [\1\"-ip4:203.0.113.65\"]", "spf: [\"ip4:203.0.113.65\"]", "value",
		"paths.relay.spf.1", "nobody in particular" },
	{ "two SPF terms in one", "spf: [\"ip4:203.0.113.65\"]", "spf: [\1\"mx ip4:203.0.113.65\"]",
		"spf: [mx, \"ip4:203.0.113.65\"]", "value", "paths.relay.spf.1", "one term" },
	{ "no such connector", "connector: zonefile", "connector: \1zonefil", "connector: zonefile",
		"value", "targets.zone.connector", "did you mean zonefile" },
	{ "a signal's connector as a target", "connector: zonefile", "connector: \1letter",
		"connector: zonefile", "value", "targets.zone.connector",
		"no connector \"letter\"" },
	/* known, not built */
	{ "a standby share", "    prefer: 2\n", "    prefer: 2\n    \1standby: {share: 2%}\n",
		"    prefer: 2\n", "unbuilt", "paths.relay.standby", "not built yet" },
	{ "published ranges", "egress: [203.0.113.65]", "egress: \1{from: microsoft365}",
		"egress: [203.0.113.66]", "unbuilt", "paths.relay.egress", "not built yet" },
	{ "a person's key", "user: alice, may", "user: alice, \1key: ssh-ed25519 AAAA, may",
		"user: alice, may", "unbuilt", "people.cio.key", "not built yet" },
	{ "deferring bounces", "mail.park: {at: [hub]}", "\1bounces.defer: {at: [hub]}",
		"mail.park: {at: [hub]}", "unbuilt", "procedures.wait.steps.1", "not built yet" },
	{ "a provider's health", "kind: blocklist", "kind: \1microsoft365-health",
		"kind: blocklist", "unbuilt", "signals.lists.kind", "not built yet" },
	{ "a bounce mailbox", "kind: blocklist",
		"kind: \1"
		"bounce-mailbox",
		"kind: blocklist", "unbuilt", "signals.lists.kind", "not built yet" },
	{ "another provider of names", "connector: zonefile", "connector: \1route53",
		"connector: zonefile", "unbuilt", "targets.zone.connector", "not built yet" },
	{ "the console", "",
		"\1"
		"console: {port: 8443}\n",
		"", "unbuilt", "console", "not built yet" },
	{ "classes of receivers", "",
		"\1"
		"classes: {big: [mx.big.example]}\n",
		"", "unbuilt", "classes", "not built yet" },
	/* meaning */
	{ "a path that is not there", "must: [delivery], receivers: 2",
		"must: [\1"
		"delivry], receivers: 2",
		"must: [delivery], receivers: 2", "meaning", "diagnoses.blocked.must.1",
		"did you mean delivery" },
	{ "a diagnosis that is not there", "{on: shut, run: in", "{on: \1shutt, run: in",
		"{on: shut, run: in", "meaning", "responses.3.on", "did you mean shut" },
	{ "a target that is not there", "mail.park: {at: [hub]}", "mail.park: {at: [\1hup]}",
		"mail.park: {at: [hub]}", "meaning", "procedures.wait.steps.1.mail.park.at.1",
		"did you mean hub" },
	{ "a target that cannot", "mail.park: {at: [hub]}", "mail.park: {at: [\1zone]}",
		"mail.park: {at: [hub]}", "meaning", "procedures.wait.steps.1.mail.park",
		"cannot do mail.park" },
	{ "a last hop that is no target", "    prefer: 2\n", "    prefer: 2\n    last_hop: \1hup\n",
		"    prefer: 2\n    last_hop: hub\n", "meaning", "paths.relay.last_hop",
		"no target" },
	{ "a signer that is no path",
		"{by: cloud, d: corp.example, selector: s1}\n    inbound: {mx: "
		"[{preference: 10, host: mx.relay.example",
		"{by: \1clod, d: corp.example, selector: s1}\n    inbound: {mx: [{preference: 10, "
		"host: "
		"mx.relay.example",
		"{by: relay, d: corp.example, selector: s1}\n    inbound: {mx: [{preference: 10, "
		"host: "
		"mx.relay.example",
		"meaning", "paths.relay.dkim.by", "none of the paths" },
	{ "two primaries", "prefer: 2", "prefer: 1", "prefer: 3", "meaning", "paths.relay.prefer",
		"one path for each rank" },
	{ "no primary", "prefer: 1", "prefer: 3", "prefer: 1", "meaning", "paths", "no path has" },
	{ "an anchor with a path", "role: anchor, every: 20s, host: 192.0.2.1}",
		"role: anchor, path: cloud, every: 20s, host: 192.0.2.1}",
		"role: anchor, every: 20s, host: 192.0.2.2}", "meaning", "signals.anchor-a",
		"no path" },
	{ "evidence without a group", "group: reputation, ", "", "group: reputation, ", "meaning",
		"signals.lists", "a group and a path" },
	{ "what a connector finds wrong itself", "{receiver: r2, class: big}]",
		"{receiver: r2}, {receiver: r3}, {receiver: r4}]",
		"{receiver: r2}, {receiver: r3}]", "meaning", "signals.probe", "at most 3 seeds" },
	{ "more groups than there are", "groups: 2, of", "groups: 3, of", "groups: 1, of",
		"meaning", "diagnoses.blocked.groups", "never be met" },
	{ "must outside of", "of: [reputation, delivery]", "of: [reputation]",
		"of: [delivery, reputation]", "meaning", "diagnoses.blocked", "" },
	{ "a group that stands twice", "of: [reputation, delivery]",
		"of: [delivery, \1"
		"delivery]",
		"of: [delivery, reputation]", "meaning", "diagnoses.blocked.of.2", "twice" },
	{ "a domain that stands twice", "domains: [corp.example]",
		"domains: [corp.example, \1"
		"CORP.example]",
		"domains: [corp.example, b.example]", "meaning", "domains.2", "twice" },
	{ "a response without a procedure", "{on: shut, run: in, mode: approve}",
		"\1{on: shut, mode: approve}", "{on: shut, mode: observe}", "meaning",
		"responses.3", "\"run\" is missing" },
	{ "a response of another flow", "{on: shut, run: in,", "\1{on: shut, run: out,",
		"{on: shut, run: in,", "meaning", "responses.3.run", "outbound flow" },
	{ "a response towards the accused path", "shut: {path: cloud,", "shut: {path: relay,",
		"shut: {path: cloud,", "meaning", "responses.3.run", "goes to it" },
	{ "a cut-over to the primary", "    flow: inbound\n    to: relay\n",
		"    flow: inbound\n    to: cloud\n", "    flow: inbound\n    to: relay\n",
		"meaning", "procedures.in.to", "leaves the primary" },
	{ "a cut-over without a flow", "    flow: inbound\n", "", "    flow: inbound\n", "meaning",
		"procedures.in", "\"flow\" is missing" },
	{ "a cut-over without a path", "    flow: inbound\n    to: relay\n", "    flow: inbound\n",
		"    flow: inbound\n    to: relay\n", "meaning", "procedures.in",
		"\"to\" is missing" },
	{ "two cut-overs of one flow", "    flow: inbound\n", "    flow: outbound\n",
		"    flow: inbound\n", "meaning", "procedures.in", "already the cut-over" },
	{ "a shelter that goes somewhere", "    kind: shelter\n",
		"    kind: shelter\n    to: relay\n", "    kind: shelter\n    expires: 2h\n",
		"meaning", "procedures.wait", "no path" },
	{ "a shelter with a pivot", "{name: park, mail.park: {at: [hub]}}",
		"{name: park, outbound.switch: {at: [hub]}, pivot: true}",
		"{name: park, mail.park: {at: [hub]}, deadline: 2m}", "meaning",
		"procedures.wait.steps.1", "no pivot" },
	{ "a second pivot", "{name: wait, wait.time: {for: 30s}}",
		"\1{name: again, mx.switch: {zone: zone}, pivot: true}",
		"{name: again, wait.published: {zone: zone}}", "meaning", "procedures.in.steps.2",
		"second pivot" },
	{ "a pivot that moves nothing", "{name: wait, wait.time: {for: 30s}}",
		"{name: wait, wait.time: {for: 30s}, pivot: \1true}",
		"{name: wait, wait.time: {for: 30s}, pivot: false}", "meaning",
		"procedures.in.steps.2", "moves no mail" },
	{ "a step that needs itself", "{name: wait, wait.time: {for: 30s}}",
		"{name: wait, wait.time: {for: 30s}, needs: \1[2]}",
		"{name: wait, wait.time: {for: 30s}, needs: [1]}", "meaning",
		"procedures.in.steps.2", "cannot need step 2" },
	{ "two steps of one name", "{name: wait, wait.time", "{name: \1point, wait.time",
		"{name: points, wait.time", "meaning", "procedures.in.steps.2", "same name" },
	{ "shares that do not rise", "5%, 25%, 100%", "25%, 5%, 100%", "5%, 10%, 100%", "meaning",
		"procedures.out.failback.order", "does not rise" },
	{ "shares that never bring all back", "5%, 25%, 100%]", "5%, 25%]", "5%, 100%]", "meaning",
		"procedures.out.failback.order", "last share is 100%" },
	{ "a zone of other domains", "zone: corp.example, secret", "zone: other.example, secret",
		"zone: example, secret", "meaning", "procedures.out.steps.1",
		"none of the domains" },
	{ "a user for two people", "cio: {user: alice, may: [run, approve, brake]}\n",
		"cio: {user: alice, may: [run, approve, brake]}\n  x: {user: \1"
		"alice, may: "
		"[run]}\n",
		"cio: {user: alice, may: [run, approve, brake]}\n  x: {user: bob, may: [run]}\n",
		"meaning", "people.x.user", "count people" },
};

static const struct finding *
find(const struct findings *f, const struct row *r, struct place at)
{
	for (size_t i = 0; i < findings_n(f); i++) {
		const struct finding *one = findings_at(f, i);

		if (one->level == FIND_ERROR && strcmp(one->rule, r->rule) == 0 &&
			strstr(one->path, r->path) == one->path &&
			strstr(one->text, r->text) != NULL &&
			(at.line == 0 || (one->at.line == at.line && one->at.col == at.col)))
			return one;
	}
	return NULL;
}

static void
one_row(const struct row *r)
{
	struct findings *f = NULL;
	struct place at;
	char *bad = rig_edit(r->from, r->bad, &at),
	     *good = rig_edit(r->from, r->good, &(struct place){ 0 });
	struct playbook *pb;

	if (bad == NULL || good == NULL) {
		printf("FAIL %s: its text stands not once in the base\n", r->name);
		check_state.faults++;
		return;
	}
	pb = rig_load(bad, NULL, &f);
	if (pb != NULL || find(f, r, at) == NULL) {
		printf("FAIL %s: %s; wanted %d:%d [%s] %s: %s, got\n", r->name,
			pb != NULL ? "accepted" : "refused otherwise", at.line, at.col, r->rule,
			r->path, r->text);
		rig_print(f);
		check_state.faults++;
	}
	findings_free(&f);
	playbook_unref(&pb);
	pb = rig_load(good, NULL, &f);
	if (pb == NULL) {
		printf("FAIL %s: its twin is refused\n", r->name);
		rig_print(f);
		check_state.faults++;
	}
	findings_free(&f);
	playbook_unref(&pb);
	free(bad);
	free(good);
}

static void
each_row(void)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		check_state.name = rows[i].name;
		check_state.faults = 0;
		one_row(&rows[i]);
		check_state.faults > 0 ? check_state.failed++ : check_state.passed++;
	}
}

/* --- what a good one becomes --- */

static void
the_base_is_read_as_written(void)
{
	struct findings *f = NULL;
	struct playbook *pb = rig_load(rig_base, NULL, &f);
	const struct procedure *out, *in;
	const struct signal *s;

	CHECK(pb != NULL);
	if (pb == NULL) {
		rig_print(f);
		findings_free(&f);
		return;
	}
	CHECK_INT(findings_errors(f), 0);
	CHECK_STR(pb->primary->name, "cloud");
	CHECK(pb->mode == MODE_AUTOMATIC && pb->has_flow[FLOW_OUTBOUND] &&
		pb->has_flow[FLOW_INBOUND]);
	CHECK_STR(pb->targets[0].fence_domain, "zone corp.example");
	CHECK_STR(pb->targets[1].fence_domain, "relay 203.0.113.10");
	CHECK_STR(pb->targets[2].fence_domain, "tenant corp.example");
	CHECK_INT(cfg_int(pb->targets[1].cfg, "port"), 22);
	CHECK(cfg_secret(pb->targets[1].cfg, "host_key").kind == SECRET_INLINE);
	s = playbook_signal(pb, "lists");
	CHECK_INT(s->subjects_n, 2);
	CHECK_STR(s->subjects[1].name, "198.51.100.26");
	CHECK_INT(s->stale_ms, 3 * 30000 + 20000);
	CHECK(s->rise_n == 2 && s->rise_m == 3 && !s->harm);
	s = playbook_signal(pb, "probe");
	CHECK(s->harm && s->subjects_n == 2);
	CHECK_STR(s->subjects[0].class, "r1");
	CHECK_STR(s->subjects[1].class, "big");
	out = playbook_cutover(pb, FLOW_OUTBOUND);
	CHECK_STR(out->name, "out");
	CHECK(out->steps[3].pivot && out->steps[3].at_n == 2 &&
		out->steps[3].at[0] == &pb->targets[2]);
	CHECK_STR(out->steps[3].needs[0], "3");
	CHECK_INT(out->steps[0].needs_n, 0);
	CHECK_INT(out->steps[4].rate.count, 10);
	CHECK_INT(out->steps[5].deadline_ms, 240000);
	CHECK(out->steps[5].as_production && out->steps[5].through == out->to);
	CHECK_INT(out->failback.order_n, 4);
	CHECK_INT(out->failback.order_bp[1], 500);
	CHECK(out->failback.require_queues_drained && !out->failback.require_primary_ready);
	in = playbook_cutover(pb, FLOW_INBOUND);
	CHECK_INT(in->failback.soak_ms, 6 * 3600 * 1000);
	CHECK_INT(in->steps[1].duration_ms, 30000);
	CHECK_INT(playbook_procedure(pb, "wait")->expires_ms, 4 * 3600 * 1000);
	CHECK(pb->responses[1].at == AT_CONFIRMED && pb->responses[1].approvers == 1);
	CHECK(pb->responses[1].otherwise_proceed && !pb->responses[2].otherwise_proceed);
	CHECK(pb->limits.no_drills_n == 1 && pb->limits.no_drills[0].from_day == 4 &&
		pb->limits.no_drills[0].from_min == 18 * 60 && pb->limits.no_drills[0].to_day == 0);
	CHECK_STR(pb->limits.no_drills[0].zone, "Europe/Berlin");
	CHECK_INT(playbook_person(pb, "alice")->may, MAY_RUN | MAY_APPROVE | MAY_BRAKE);
	CHECK(playbook_person(pb, "mallory") == NULL);
	CHECK_STR(cfg_str_at(pb->notify[0].cfg, "program", 1), "now");
	CHECK_INT(strlen(pb->sha256), 64);
	findings_free(&f);
	playbook_unref(&pb);
}

static void
all_errors_come_at_once_in_file_order(void)
{
	static const char text[] = "ferryman: 2\nplaybook: X\nsummary: s\nowner: o\ndomains: []\n"
				   "mode: maybe\npaths: {}\nsignals: {}\nwhat: 1\n";
	struct findings *f = NULL;
	struct playbook *pb = rig_load(text, NULL, &f);
	int last = 0;

	CHECK(pb == NULL);
	CHECK(findings_errors(f) >= 6);
	for (size_t i = 0; i < findings_n(f); i++) {
		CHECK(findings_at(f, i)->at.line >= last);
		last = findings_at(f, i)->at.line;
	}
	findings_free(&f);
}

static void
a_finding_is_one_line_that_editors_jump_to(void)
{
	struct findings *f = NULL;
	struct place at;
	char *text = rig_edit("every: 30s", "every: 30", &at);
	struct playbook *pb = rig_load(text, NULL, &f);
	struct buf b;

	buf_init(&b, &stdmem, 4096);
	finding_put(&b, findings_at(f, 0));
	CHECK_STR(buf_text(&b),
		"t.yaml:26:67: error: signals.lists.every: \"30\" has no unit; want a "
		"duration with its unit, such as 30s, 5m, 6h, 2d [value]");
	buf_fini(&b);
	findings_free(&f);
	playbook_unref(&pb);
	free(text);
}

/* --- the overlay of durations --- */

static void
an_overlay_replaces_durations_and_says_so(void)
{
	struct findings *f = NULL;
	struct playbook *pb = rig_load(rig_base,
		"signals.probe.every: 3s\n"
		"signals.probe.late_after: 2s\n"
		"diagnoses.blocked.for: 1s\n"
		"procedures.out.failback.soak: 5s\n"
		"procedures.out.failback.stage: 1s\n"
		"procedures.in.steps.2.wait.time.for: 2s\n"
		"procedures.out.steps.6.deadline: 20s\n"
		"limits.cooldown: 0s\n",
		&f);
	struct buf b;

	CHECK(pb != NULL);
	if (pb == NULL) {
		rig_print(f);
		findings_free(&f);
		return;
	}
	CHECK_INT(playbook_signal(pb, "probe")->every_ms, 3000);
	CHECK_INT(cfg_int(playbook_signal(pb, "probe")->cfg, "late_after"), 2000);
	CHECK_INT(pb->diagnoses[0].for_ms, 1000);
	CHECK_INT(playbook_cutover(pb, FLOW_OUTBOUND)->failback.soak_ms, 5000);
	CHECK_INT(playbook_cutover(pb, FLOW_OUTBOUND)->failback.stage_ms, 1000);
	CHECK_INT(playbook_cutover(pb, FLOW_OUTBOUND)->steps[5].deadline_ms, 20000);
	CHECK_INT(playbook_cutover(pb, FLOW_INBOUND)->steps[1].duration_ms, 2000);
	CHECK_INT(pb->limits.cooldown_ms, 0);
	buf_init(&b, &stdmem, 65536);
	playbook_overlay_put(&b, pb);
	CHECK(strstr(buf_text(&b), "signals.probe.every: 2m -> 3s\n") != NULL);
	CHECK(strstr(buf_text(&b), "signals.probe.late_after: (default) -> 2s\n") != NULL);
	buf_fini(&b);
	findings_free(&f);
	playbook_unref(&pb);
}

static void
an_overlay_touches_nothing_else(void)
{
	static const char *const bad[] = { "mode: observe\n", "playbook: other\n",
		"domains.1: evil.example\n", "targets.hub.host: 192.0.2.9\n",
		"targets.hub.host_key: ssh-ed25519 BBBB\n", "targets.zone.secret.file: other.key\n",
		"targets.zone.connector: mta\n", "signals.lists.kind: letter\n",
		"signals.nobody.every: 3s\n", "signals.probe.nothing: 3s\n",
		"signals.probe.seeds.1.receiver: r9\n", "signals.probe.seeds.7.receiver: r9\n",
		"diagnoses.blocked.groups: 1\n", "diagnoses.blocked.share: 1%\n",
		"responses.2.mode: automatic\n", "responses.2.approvers: 1\n",
		"procedures.out.steps.4.pivot: false\n", "procedures.out.steps.3.name: x\n",
		"procedures.out.failback.order.2: 50%\n", "procedures.out.kind: shelter\n",
		"limits.cutovers: 9 per day\n", "limits.records: 900\n",
		"people.cio.user: mallory\n", "notify.1.program.1: /bin/false\n",
		"notify.1.name: other\n", "signals.probe.every: soon\n", "signals.probe.every: 3\n",
		"signals.probe.every: {a: 3s}\n", "signals.probe: 3s\n", "limits: 3s\n",
		"- signals.probe.every: 3s\n", "x\n", "newkey: 3s\n" };

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct findings *f = NULL;
		struct playbook *pb = rig_load(rig_base, bad[i], &f);
		bool said = false;

		for (size_t k = 0; k < findings_n(f); k++)
			said = said || strcmp(findings_at(f, k)->file, "d.yaml") == 0;
		if (pb != NULL || !said) {
			printf("FAIL overlay %s     %s\n", bad[i],
				pb != NULL ? "accepted" : "not said of the overlay");
			rig_print(f);
			check_state.faults++;
		}
		findings_free(&f);
		playbook_unref(&pb);
	}
}

static void
an_overlay_changes_the_hash(void)
{
	struct findings *f = NULL;
	struct playbook *a = rig_load(rig_base, NULL, &f), *b;
	char plain[65];

	memcpy(plain, a->sha256, sizeof plain);
	findings_free(&f);
	playbook_unref(&a);
	b = rig_load(rig_base, "signals.probe.every: 2m\n", &f);
	CHECK(b != NULL && strcmp(plain, b->sha256) != 0);
	findings_free(&f);
	playbook_unref(&b);
}

/* --- side by side --- */

static enum rc
beside(const char *from, const char *to, const char *from2, struct err *err)
{
	struct findings *f = NULL, *g = NULL;
	struct place at;
	char *text = rig_edit(from, to, &at), *renamed, *p;
	struct playbook *a = rig_load(rig_base, NULL, &f), *b;
	const struct playbook *both[2];
	enum rc rc = RC_NOMEM;

	(void)from2;
	renamed = text;
	p = strstr(renamed, "playbook: base");
	if (p != NULL)
		memcpy(p, "playbook: twin", 14);
	b = rig_load(renamed, NULL, &g);
	if (a != NULL && b != NULL) {
		both[0] = a;
		both[1] = b;
		rc = playbooks_conflict(both, 2, err);
	} else {
		rig_print(g);
	}
	findings_free(&f);
	findings_free(&g);
	playbook_unref(&a);
	playbook_unref(&b);
	free(text);
	return rc;
}

static void
two_playbooks_do_not_share_a_wheel(void)
{
	struct err err = { 0 };

	CHECK(beside("summary: a small one", "summary: another", "", &err) == RC_CONFLICT);
	CHECK(strstr(err.text, "outbound mail of corp.example") != NULL);
	CHECK(beside("domains: [corp.example]", "domains: [a.corp.example]", "", &err) ==
		RC_CONFLICT);
	CHECK(strstr(err.text, "zone corp.example") != NULL);
	err = (struct err){ 0 };
	CHECK(beside("mode: automatic\n", "mode: observe\n", "", &err) == RC_OK);
}

/* --- memory --- */

struct short_mem {
	size_t left;
};

static void *
short_resize(void *ctx, void *p, size_t n)
{
	struct short_mem *m = ctx;

	if (n > 0 && m->left-- == 0) {
		m->left = 0;
		return NULL;
	}
	return stdmem.resize(stdmem.ctx, p, n);
}

/* Each request for memory fails in turn: refused, said where there is room to say it, nothing lost
 * (the address sanitizer looks). */
static void
memory_that_runs_out_is_an_error_and_no_crash(void)
{
	size_t n = 0;

	for (;; n++) {
		struct short_mem left = { n };
		const struct mem mem = { .resize = short_resize, .ctx = &left };
		struct findings *f = NULL;
		struct playbook *pb = rig_load_with(
			&mem, rig_base, strlen(rig_base), "signals.probe.every: 3s\n", &f);

		if (pb != NULL) {
			playbook_unref(&pb);
			findings_free(&f);
			break;
		}
		CHECK(f == NULL || findings_errors(f) > 0);
		findings_free(&f);
		if (n > 100000)
			break;
	}
	CHECK(n > 3 && n < 100000);
}

/* Both are read, so that the faults of both are told: each is held against its own keys. */
static void
a_diagnosis_named_twice_is_told_once(void)
{
	struct place at;
	char *text = rig_edit("groups: 1, of: [delivery], must: [delivery],",
		"groups: 1, of: [delivery], for: 5m, clear: 2h}\n"
		"  shut: {path: cloud, flow: inbound, groups: 1, of: [delivery], must: "
		"[reputation],",
		&at);
	struct findings *f;
	struct playbook *pb = rig_load(text, NULL, &f);
	size_t twice = 0, among = 0;

	for (size_t i = 0; i < findings_n(f); i++)
		twice += strstr(findings_at(f, i)->text, "\"shut\" is already in line") != NULL;
	for (size_t i = 0; i < findings_n(f); i++)
		among += strstr(findings_at(f, i)->text, "reputation is not among `of`") != NULL;
	CHECK(pb == NULL);
	CHECK_INT(twice, 1);
	CHECK_INT(among, 1);
	findings_free(&f);
	free(text);
}

int
main(void)
{
	digest_warm();
	each_row();
	TEST(the_base_is_read_as_written);
	TEST(all_errors_come_at_once_in_file_order);
	TEST(a_finding_is_one_line_that_editors_jump_to);
	TEST(an_overlay_replaces_durations_and_says_so);
	TEST(an_overlay_touches_nothing_else);
	TEST(an_overlay_changes_the_hash);
	TEST(two_playbooks_do_not_share_a_wheel);
	TEST(memory_that_runs_out_is_an_error_and_no_crash);
	TEST(a_diagnosis_named_twice_is_told_once);
	return check_end();
}
