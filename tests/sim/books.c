/*
 * books.c - the playbooks of the simulator: real text through the real loader, with the connectors'
 * own rows. Durations are short because a seed is an afternoon; what they mean is as in
 * playbooks/library/.
 */
#include "connector.h"
#include "os/digest.h"
#include "sim/sim.h"

#include <stdio.h>
#include <string.h>

#define SEEDS                                                                                      \
	"    seeds:\n"                                                                             \
	"      - {receiver: r1, mailbox: seed+%@r1.example, authserv: mx.r1.example, imap: "       \
	"{host: mx.r1.example, auth: {file: r1.auth}}}\n"                                          \
	"      - {receiver: r2, mailbox: seed+%@r2.example, authserv: mx.r2.example, imap: "       \
	"{host: mx.r2.example, auth: {file: r2.auth}}}\n"
#define CANARY(name, path, flow, every) CANARY_OF(name, path, flow, every, "2 of 3")
#define CANARY_OF(name, path, flow, every, votes)                                                  \
	"  " name ":\n    kind: canary\n    group: delivery\n    path: " path "\n    flow: " flow  \
	"\n    every: " every "\n    timeout: 50s\n"                                               \
	"    late_after: 30s\n    rise: " votes "\n    fall: " votes "\n    from: " name           \
	"@c.corp.example\n"                                                                        \
	"    submit: {host: mx.cloud.example, auth: {file: a.auth}}\n"                             \
	"    production: {host: mx.cloud.example, from: probe@corp.example, auth: {file: "         \
	"a.auth}}\n"                                                                               \
	"    expect: {egress: [198.51.100.25, 198.51.100.26, 203.0.113.65]}\n" SEEDS
#define HEAD(name, mode)                                                                           \
	"ferryman: 1\nplaybook: " name                                                             \
	"\nsummary: for the simulator\nowner: duty@elsewhere.example\ndomains: "                   \
	"[corp.example]\nmode: " mode "\n"
#define ZONE                                                                                       \
	"  zone: {connector: rfc2136, servers: [198.51.100.53, 203.0.113.53, 192.0.2.53], zone: "  \
	"corp.example, tsig: {name: f, secret: {file: t.key}}, "                                   \
	"resolvers: [198.51.100.55]}\n"
#define HUB                                                                                        \
	"  hub: {connector: postfix, host: 203.0.113.10, user: ferryman, key: {file: id}, "        \
	"host_key: {file: hub.key}}\n"
#define TENANT                                                                                     \
	"  tenant: {connector: exchange-online, tenant: corp.example, app: {file: a.id}, "         \
	"certificate: {file: a.pem}, "                                                             \
	"connector_name: ferryman-nsmail, smart_host: relay.nsmail.example, cohorts: [{share: "    \
	"25%, from: [u1@corp.example]}, {share: 60%, from: [u2@corp.example]}]}\n"
#define PATHS                                                                                      \
	"paths:\n"                                                                                 \
	"  cloud:\n    prefer: 1\n    egress: [198.51.100.25, 198.51.100.26]\n    last_hop: "      \
	"none\n"                                                                                   \
	"    dkim: {by: cloud, d: corp.example, selector: s1}\n    spf: "                          \
	"[\"include:spf.cloud.example\"]\n"                                                        \
	"    inbound: {mx: [{preference: 10, host: mx.cloud.example}], mode: deliver}\n"           \
	"  nsmail:\n    prefer: 2\n    egress: [203.0.113.65]\n    last_hop: none\n"               \
	"    relay: {host: \"[relay.nsmail.example]:587\", auth: {file: n.auth}}\n"                \
	"    dkim: {by: cloud, d: corp.example, selector: s1}\n    spf: [\"ip4:203.0.113.65\"]\n"  \
	"    inbound: {mx: [{preference: 10, host: mx.nsmail.example}], mode: spool, onward: "     \
	"\"[mx.cloud.example]:25\", recipients: list, keep: 5d}\n"
#define ANCHORS                                                                                    \
	"  anchor-a: {kind: tcp, role: anchor, every: 3m, timeout: 5s, host: 198.51.100.80, "      \
	"port: 443}\n"                                                                             \
	"  anchor-b: {kind: tcp, role: anchor, every: 3m, timeout: 5s, host: 203.0.113.80, port: " \
	"443}\n"
#define LISTS                                                                                      \
	"  lists: {kind: dnsbl, group: reputation, path: cloud, flow: outbound, every: 4m, "       \
	"timeout: 10s, rise: 1 of 1, fall: 1 of 1, "                                               \
	"lists: [bl.example], resolver: 198.51.100.55}\n"
#define SIGNALS                                                                                    \
	"signals:\n" LISTS CANARY("canary", "cloud", "outbound", "2m")                             \
		CANARY("canary-nsmail", "nsmail", "outbound", "6m") ANCHORS
#define BLOCKED                                                                                    \
	"  blocked: {path: cloud, flow: outbound, groups: 2, of: [reputation, delivery], must: "   \
	"[delivery], receivers: 2, for: 4m, clear: 12m}\n"
#define SHELTER                                                                                    \
	"  shelter:\n    kind: shelter\n    flow: outbound\n    expires: 20m\n    steps: [{name: " \
	"wait, mail.park: {at: [hub]}}]\n"
#define LIMITS                                                                                     \
	"limits: {cutovers: 4 per day, cooldown: 10m, records: 20, blackout: {cutover: [Mon "      \
	"00:00 - Mon 12:00 UTC], failback: [Tue 00:00 - Tue 12:00 UTC]}}\n"                        \
	"people:\n  cio: {user: alice, may: [run, approve, brake]}\n  duty: {user: bob, may: "     \
	"[run, approve, brake]}\n  guard: {user: carol, may: [brake]}\n  night: {user: dave, "     \
	"may: [run]}\n"                                                                            \
	"notify: [{program: [/usr/local/bin/page-duty]}]\n"

static const char *const texts[BOOKS_N] = {
	HEAD("story",
		"automatic") "targets:\n" ZONE HUB TENANT PATHS SIGNALS "diagnoses:\n" BLOCKED
			     "responses:\n"
			     "  - {on: blocked, at: suspect, run: shelter, mode: automatic}\n"
			     "  - {on: blocked, at: confirmed, run: out, mode: automatic}\n"
			     "procedures:\n" SHELTER "  out:\n    kind: cutover\n    flow: "
			     "outbound\n    to: nsmail\n    steps:\n"
			     "      - {name: allow, spf.authorize: {zone: zone}}\n"
			     "      - {name: seen, wait.published: {zone: zone}}\n"
			     "      - {name: prove, verify.canary: {through: nsmail}}\n"
			     "      - {name: switch, outbound.switch: {at: [tenant, hub]}, pivot: "
			     "true}\n"
			     "      - {name: release, queue.release: {at: [hub], rate: 10 per s}}\n"
			     "      - {name: proven, verify.canary: {through: nsmail, as: "
			     "production}}\n"
			     "    failback: {mode: automatic, soak: 8m, stage: 2m, order: "
			     "[canaries, 25%, 100%], require: [primary-ready]}\n" LIMITS,

	HEAD("both", "automatic") "targets:\n" ZONE HUB TENANT PATHS SIGNALS CANARY("canary-in",
		"cloud", "inbound", "3m") CANARY("canary-in-nsmail", "nsmail", "inbound",
		"8m") "diagnoses:\n" BLOCKED "  shut: {path: cloud, flow: inbound, groups: 1, of: "
		      "[delivery], must: [delivery], for: 3m, clear: 10m}\n"
		      "responses:\n"
		      "  - {on: blocked, at: confirmed, run: out, mode: approve, within: 6m, "
		      "otherwise: proceed}\n"
		      "  - {on: shut, at: confirmed, run: in, mode: automatic}\n"
		      "procedures:\n"
		      "  out:\n    kind: cutover\n    flow: outbound\n    to: nsmail\n    steps:\n"
		      "      - {name: allow, spf.authorize: {zone: zone}}\n"
		      "      - {name: park, mail.park: {at: [hub]}}\n"
		      "      - {name: seen, wait.published: {zone: zone}}\n"
		      "      - {name: prove, verify.canary: {through: nsmail}}\n"
		      "      - {name: switch, outbound.switch: {at: [hub, tenant]}, pivot: true}\n"
		      "      - {name: release, queue.release: {at: [hub], rate: 10 per s}}\n"
		      "    failback: {mode: automatic, soak: 5m, stage: 1m, order: [canaries, 25%, "
		      "100%]}\n"
		      "  in:\n    kind: cutover\n    flow: inbound\n    to: nsmail\n    steps:\n"
		      "      - {name: prove, verify.canary: {through: nsmail}}\n"
		      "      - {name: point, mx.switch: {zone: zone}, pivot: true}\n"
		      "      - {name: seen, wait.published: {zone: zone}}\n"
		      "    failback: {mode: automatic, soak: 5m, order: [canaries, 100%]}\n" LIMITS,

	/* Whoever is content with one of two receivers, where the primary does harm at the other.
	 */
	HEAD("late-pivot",
		"approve") "targets:\n" ZONE HUB PATHS SIGNALS "diagnoses:\n" BLOCKED "responses:\n"
			   "  - {on: blocked, at: suspect, run: shelter, mode: automatic}\n"
			   "  - {on: blocked, at: confirmed, run: out, mode: approve, within: 5m, "
			   "approvers: 2, otherwise: stand-down}\n"
			   "procedures:\n" SHELTER "  out:\n    kind: cutover\n    flow: "
			   "outbound\n    to: nsmail\n    steps:\n"
			   "      - {name: allow, spf.authorize: {zone: zone}}\n"
			   "      - {name: seen, wait.published: {zone: zone}}\n"
			   "      - {name: prove, verify.canary: {through: nsmail, receivers: 1}}\n"
			   "      - {name: rest, wait.time: {for: 30s}}\n"
			   "      - {name: switch, outbound.switch: {at: [hub]}, pivot: true}\n"
			   "      - {name: release, queue.release: {at: [hub]}}\n"
			   "      - {name: proven, verify.canary: {through: nsmail, as: "
			   "production, receivers: 1}}\n"
			   "    failback: {mode: approve, soak: 8m, order: [canaries, "
			   "100%]}\n" LIMITS,

	HEAD("stages",
		"automatic") "targets:\n" ZONE HUB TENANT PATHS SIGNALS "diagnoses:\n"
			     "  blocked: {path: cloud, flow: outbound, groups: 1, of: [reputation, "
			     "delivery], must: [delivery], for: 2m, clear: 6m}\n"
			     "responses:\n  - {on: blocked, at: confirmed, run: out, mode: "
			     "automatic}\n"
			     "procedures:\n  out:\n    kind: cutover\n    flow: outbound\n    to: "
			     "nsmail\n    steps:\n"
			     "      - {name: allow, spf.authorize: {zone: zone}}\n"
			     "      - {name: seen, wait.published: {zone: zone}}\n"
			     "      - {name: prove, verify.canary: {through: nsmail}}\n"
			     "      - {name: switch, outbound.switch: {at: [hub, tenant]}, pivot: "
			     "true}\n"
			     "      - {name: proven, verify.canary: {through: nsmail, as: "
			     "production}}\n"
			     "    failback: {mode: automatic, soak: 4m, stage: 1s, order: [25%, "
			     "60%, 100%]}\n" LIMITS,

	/* Whoever cuts over at the first suspicion, and believes each single answer. */
	HEAD("hasty", "automatic") "targets:\n" ZONE HUB TENANT PATHS "signals:\n" CANARY_OF(
		"canary", "cloud", "outbound", "1m", "1 of 1")
		CANARY_OF("canary-nsmail", "nsmail", "outbound", "1m", "1 of 1")
			CANARY_OF("canary-in", "cloud", "inbound", "1m", "1 of 1")
				CANARY_OF("canary-in-nsmail", "nsmail", "inbound", "1m", "1 of 1")
					LISTS ANCHORS
	"diagnoses:\n"
	"  blocked: {path: cloud, flow: outbound, groups: 1, of: [delivery], must: "
	"[delivery], for: 2m, clear: 6m}\n"
	"  worse: {path: cloud, flow: outbound, groups: 2, of: [reputation, delivery], must: "
	"[delivery], for: 2m, clear: 6m}\n"
	"  shut: {path: cloud, flow: inbound, groups: 1, of: [delivery], must: "
	"[delivery], for: 2m, clear: 6m}\n"
	"responses:\n"
	"  - {on: worse, at: suspect, run: shelter, mode: automatic}\n"
	"  - {on: blocked, at: suspect, run: out, mode: approve, within: 4m, otherwise: "
	"proceed}\n"
	"  - {on: shut, at: suspect, run: in, mode: automatic}\n"
	"procedures:\n" SHELTER
	"  out:\n    kind: cutover\n    flow: outbound\n    to: nsmail\n    steps:\n"
	"      - {name: allow, spf.authorize: {zone: zone}}\n"
	"      - {name: seen, wait.published: {zone: zone}}\n"
	"      - {name: prove, verify.canary: {through: nsmail}}\n"
	"      - {name: switch, outbound.switch: {at: [tenant, hub]}, pivot: true}\n"
	"      - {name: release, queue.release: {at: [hub], rate: 10 per s}}\n"
	"    failback: {mode: automatic, soak: 6m, order: [canaries, 100%]}\n"
	"  in:\n    kind: cutover\n    flow: inbound\n    to: nsmail\n    steps:\n"
	"      - {name: prove, verify.canary: {through: nsmail}}\n"
	"      - {name: point, mx.switch: {zone: zone}, pivot: true}\n"
	"      - {name: seen, wait.published: {zone: zone}}\n"
	"    failback: {mode: automatic, soak: 6m, order: [canaries, 100%]}\n" LIMITS,
};

static struct playbook *
load(const char *text, size_t n)
{
	struct playbook_input in = { .file = "sim.yaml",
		.text = text,
		.len = n,
		.connectors = registry_infos(),
		.sha256 = digest_sha256 };
	struct findings *f = NULL;
	struct playbook *pb = playbook_load(&stdmem, &in, &f);

	for (size_t k = 0; pb == NULL && k < findings_n(f); k++) {
		struct buf b;

		buf_init(&b, &stdmem, 8192);
		finding_put(&b, findings_at(f, k));
		printf("%s\n", buf_text(&b));
		buf_fini(&b);
	}
	findings_free(&f);
	(void)fflush(stdout);
	return pb;
}

struct playbook *
book_read(const char *book, size_t variant)
{
	char text[BOOK_TEXT];

	return load(text, (size_t)snprintf(text, sizeof text, "%s# text %zu\n", book, variant));
}

size_t
book_text(size_t i, size_t variant, bool observes, char out[BOOK_TEXT])
{
	static const char key[] = "\nmode: ";
	const char *at = strstr(texts[i], key) + sizeof key - 1;

	return (size_t)snprintf(out, BOOK_TEXT, "%.*s%s%s# text %zu\n", (int)(at - texts[i]),
		texts[i], observes ? "observe" : "", at + (observes ? strcspn(at, "\n") : 0),
		variant);
}

struct playbook *
book_get(size_t i, size_t variant, bool observes)
{
	char text[BOOK_TEXT];

	return load(text, book_text(i, variant, observes, text));
}
