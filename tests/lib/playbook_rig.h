/*
 * playbook_rig.h - a small playbook that is right in every respect, connectors that exist for tests
 * only, and edits of it. A row of a table says what is put in place of what; a mark in the new text
 * shows where the finding must point.
 */
#ifndef FERRYMAN_TESTS_PLAYBOOK_RIG_H
#define FERRYMAN_TESTS_PLAYBOOK_RIG_H

#include "config/playbook.h"
#include "lib/check.h"
#include "os/digest.h"
#include "os/stdmem.h"

#include <stdlib.h>

#define RIG_MARK '\1' /* "\1" in front of what the finding points at */

static const struct schema_row rig_zone_rows[] = {
	{ .key = "zone", .type = V_DOMAIN, .flags = SR_REQUIRED, .doc = "zone" },
	{ .key = "secret", .type = V_SECRET, .flags = SR_REQUIRED, .doc = "secret" },
	{ .key = NULL },
};
static const struct schema_row rig_hub_rows[] = {
	{ .key = "host", .type = V_HOST, .flags = SR_REQUIRED, .doc = "host" },
	{ .key = "port", .type = V_INT, .def = "22", .min = "1", .max = "65535", .doc = "port" },
	{ .key = "host_key", .type = V_SECRET, .flags = SR_PUBLIC_FILE, .doc = "key" },
	{ .key = NULL },
};
static const struct schema_row rig_tenant_rows[] = {
	{ .key = "tenant", .type = V_DOMAIN, .flags = SR_REQUIRED, .doc = "tenant" },
	{ .key = "url", .type = V_URL, .doc = "url" },
	{ .key = NULL },
};
static const struct schema_row rig_list_rows[] = {
	{ .key = "lists", .type = V_DOMAIN, .flags = SR_REQUIRED | SR_LIST, .doc = "lists" },
	{ .key = NULL },
};
static const struct schema_row rig_seed_rows[] = {
	{ .key = "receiver", .type = V_NAME, .flags = SR_REQUIRED, .doc = "receiver" },
	{ .key = "class", .type = V_NAME, .doc = "class" },
	{ .key = "mailbox", .type = V_MAILBOX, .doc = "mailbox" },
	{ .key = NULL },
};
static const struct schema_row rig_probe_rows[] = {
	{ .key = "seeds",
		.type = V_MAP,
		.flags = SR_REQUIRED | SR_LIST,
		.sub = rig_seed_rows,
		.doc = "seeds" },
	{ .key = "late_after", .type = V_DURATION, .def = "2m", .min = "1s", .doc = "late" },
	{ .key = NULL },
};
static const struct schema_row rig_tcp_rows[] = {
	{ .key = "host", .type = V_HOST, .flags = SR_REQUIRED, .doc = "host" },
	{ .key = NULL },
};
static const struct schema_row rig_program_rows[] = {
	{ .key = "program", .type = V_STR, .flags = SR_REQUIRED | SR_LIST, .doc = "argv" },
	{ .key = NULL },
};

static inline enum rc
rig_probe_check(const struct cfg *cfg, struct err *err)
{
	if (cfg_len(cfg, "seeds") > 3)
		return err_set(err, RC_INVALID, "at most 3 seeds");
	return RC_OK;
}

static const struct conninfo rig_zone = { .name = "zonefile",
	.fence = FENCE_F,
	.caps = CAP_DNS_RRSET | CAP_FENCE_EQ,
	.schema = rig_zone_rows,
	.domain_key = "zone" };
static const struct conninfo rig_hub = { .name = "mta",
	.fence = FENCE_F,
	.caps = CAP_RELAY_ROUTE | CAP_RELAY_PARK | CAP_RELAY_QUEUE | CAP_MARKER_ONLY,
	.schema = rig_hub_rows,
	.domain_key = "host" };
static const struct conninfo rig_tenant = { .name = "cloudsuite",
	.fence = FENCE_U,
	.caps = CAP_TENANT_CONNECTOR,
	.schema = rig_tenant_rows,
	.domain_key = "tenant" };
static const struct conninfo rig_list = { .name = "blocklist",
	.caps = CAP_SIGNAL,
	.schema = rig_list_rows,
	.subjects_from = "path.egress" };
static const struct conninfo rig_probe = { .name = "letter",
	.caps = CAP_SIGNAL,
	.schema = rig_probe_rows,
	.subjects_from = "seeds",
	.subject_field = "receiver",
	.harm = 1,
	.check = rig_probe_check };
static const struct conninfo rig_tcp = {
	.name = "knock", .caps = CAP_SIGNAL, .schema = rig_tcp_rows
};
/* Sees mail refused at the path itself, by no receiver. */
static const struct conninfo rig_door = {
	.name = "door", .caps = CAP_SIGNAL, .schema = rig_tcp_rows, .harm = 1
};
static const struct conninfo rig_program = {
	.name = "program", .caps = CAP_NOTIFY, .schema = rig_program_rows
};
static const struct conninfo *const rig_connectors[] = { &rig_zone, &rig_hub, &rig_tenant,
	&rig_list, &rig_probe, &rig_tcp, &rig_door, &rig_program, NULL };

static const char rig_base[] =
	"ferryman: 1\n"
	"playbook: base\n"
	"summary: a small one\n"
	"owner: duty@elsewhere.example\n"
	"domains: [corp.example]\n"
	"mode: automatic\n"
	"targets:\n"
	"  zone: {connector: zonefile, zone: corp.example, secret: {file: zone.key}}\n"
	"  hub: {connector: mta, host: 203.0.113.10, host_key: ssh-ed25519 AAAA}\n"
	"  suite: {connector: cloudsuite, tenant: corp.example}\n"
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
	"    relay: {host: \"[relay.example]:587\", auth: {file: relay.auth}, rate: 20 per s}\n"
	"    spf: [\"ip4:203.0.113.65\"]\n"
	"    dkim: {by: cloud, d: corp.example, selector: s1}\n"
	"    inbound: {mx: [{preference: 10, host: mx.relay.example}], mode: spool, onward: "
	"\"[mx.cloud.example]:25\", recipients: list}\n"
	"signals:\n"
	"  lists: {kind: blocklist, group: reputation, path: cloud, every: 30s, lists: "
	"[bl.example]}\n"
	"  probe: {kind: letter, group: delivery, path: cloud, every: 2m, seeds: [{receiver: r1}, "
	"{receiver: r2, class: big}]}\n"
	"  probe-relay: {kind: letter, group: delivery, path: relay, every: 5m, seeds: [{receiver: "
	"r1}]}\n"
	"  anchor-a: {kind: knock, role: anchor, every: 20s, host: 192.0.2.1}\n"
	"  anchor-b: {kind: knock, role: anchor, every: 20s, host: 203.0.113.80}\n"
	"diagnoses:\n"
	"  blocked: {path: cloud, flow: outbound, groups: 2, of: [reputation, delivery], must: "
	"[delivery], receivers: 2, share: 5%, for: 5m, clear: 2h}\n"
	"  shut: {path: cloud, flow: inbound, groups: 1, of: [delivery], must: [delivery], for: "
	"5m, "
	"clear: 2h}\n"
	"responses:\n"
	"  - {on: blocked, at: suspect, run: wait, mode: automatic}\n"
	"  - {on: blocked, run: out, mode: approve, within: 15m, otherwise: proceed}\n"
	"  - {on: shut, run: in, mode: approve}\n"
	"procedures:\n"
	"  wait:\n"
	"    kind: shelter\n"
	"    steps: [{name: park, mail.park: {at: [hub]}}]\n"
	"  out:\n"
	"    kind: cutover\n"
	"    flow: outbound\n"
	"    to: relay\n"
	"    steps:\n"
	"      - {name: allow, spf.authorize: {zone: zone}}\n"
	"      - {name: seen, wait.published: {zone: zone}}\n"
	"      - {name: prove, verify.canary: {through: relay}}\n"
	"      - {name: switch, outbound.switch: {at: [suite, hub]}, pivot: true}\n"
	"      - {name: let go, queue.release: {at: [hub], rate: 10 per s}}\n"
	"      - {name: proven, verify.canary: {as: production}, deadline: 4m}\n"
	"    failback: {mode: approve, soak: 6h, order: [canaries, 5%, 25%, 100%], require: "
	"[queues-drained]}\n"
	"  in:\n"
	"    kind: cutover\n"
	"    flow: inbound\n"
	"    to: relay\n"
	"    steps:\n"
	"      - {name: point, mx.switch: {zone: zone}, pivot: true}\n"
	"      - {name: wait, wait.time: {for: 30s}}\n"
	"limits: {cutovers: 2 per day, cooldown: 1h, blackout: {drills: [\"Fri 18:00 - Mon 06:00 "
	"Europe/Berlin\"]}}\n"
	"people:\n"
	"  cio: {user: alice, may: [run, approve, brake]}\n"
	"notify: [{program: [/usr/local/bin/page-duty, now]}]\n";

static inline struct playbook *
rig_load_with(const struct mem *mem, const char *text, size_t len, const char *durations,
	struct findings **ret)
{
	const struct playbook_input in = { .file = "t.yaml",
		.text = text,
		.len = len,
		.durations_file = durations != NULL ? "d.yaml" : NULL,
		.durations = durations,
		.durations_len = durations != NULL ? strlen(durations) : 0,
		.connectors = rig_connectors,
		.sha256 = digest_sha256 };

	return playbook_load(mem, &in, ret);
}

static inline struct playbook *
rig_load(const char *text, const char *durations, struct findings **ret)
{
	return rig_load_with(&stdmem, text, strlen(text), durations, ret);
}

/* The base with `from` replaced by `to` (the mark is taken out; its place into *ret_at). NULL:
 * there is no such text in the base, or it is there twice. From "" appends. The caller frees. */
static inline char *
rig_edit(const char *from, const char *to, struct place *ret_at)
{
	const char *p = strstr(rig_base, from);
	size_t at = from[0] != '\0' ? (size_t)(p - rig_base) : sizeof rig_base - 1;
	size_t room = sizeof rig_base + strlen(to);
	char *out, *mark;

	*ret_at = (struct place){ 0, 0 };
	if (p == NULL || (from[0] != '\0' && strstr(p + 1, from) != NULL))
		return NULL;
	out = malloc(room);
	if (out == NULL)
		return NULL;
	(void)snprintf(out, room, "%.*s%s%s", (int)at, rig_base, to, rig_base + at + strlen(from));
	mark = strchr(out, RIG_MARK);
	if (mark != NULL) {
		*ret_at = (struct place){ 1, 1 };
		for (const char *c = out; c < mark; c++)
			*ret_at = *c == '\n' ? (struct place){ ret_at->line + 1, 1 }
					     : (struct place){ ret_at->line, ret_at->col + 1 };
		memmove(mark, mark + 1, strlen(mark));
	}
	return out;
}

static inline void
rig_print(const struct findings *f)
{
	for (size_t i = 0; i < findings_n(f); i++) {
		struct buf b;

		buf_init(&b, &stdmem, 8192);
		finding_put(&b, findings_at(f, i));
		printf("     %s\n", buf_text(&b));
		buf_fini(&b);
	}
}

#endif
