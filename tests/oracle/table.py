"""The truth table: up to six sources, each ok, bad, unknown or stale, under groupings, `must`, `receivers`, `share` and
`degraded` that turn with the row. Each row is a case: a playbook, what the sources answer, two looks."""
import itertools

WORDS = ["ok", "bad", "unknown", "stale"]
TURNS = 30  # after so many every grouping has met every lead and mode
GROUPINGS = ["alone", "pairs", "together"]
# What the sources are: three see mail refused, of two receiver classes; the others see causes.
KINDS = ["canary", "dnsbl", "canary", "smtp", "canary", "tcp"]
CLASS = {0: "big", 2: "small", 4: "big"}
HARM = [0, 2, 3, 4]

HEAD = """ferryman: 1
playbook: truth
summary: Sources of the truth table.
owner: duty@elsewhere.example
domains: [corp.example]
mode: automatic
targets:
  zone: {{connector: rfc2136, servers: [192.0.2.53], zone: corp.example, tsig: {{name: ferryman, secret: {{file: k}}}}}}
  hub: {{connector: postfix, host: 192.0.2.10, key: {{file: id}}, host_key: {{file: hub.hostkey}}}}
paths:
  cloud: {{prefer: 1, egress: [198.51.100.25], spf: ["ip4:198.51.100.25"]}}
  relay: {{prefer: 2, egress: [203.0.113.65], spf: ["ip4:203.0.113.65"], relay: {{host: "[relay.example]:587"}}}}
signals:
{signals}
  anchor-a: {{kind: tcp, role: anchor, every: 2m, host: 192.0.2.1, port: 443}}
  anchor-b: {{kind: tcp, role: anchor, every: 2m, host: 203.0.113.80, port: 443}}
diagnoses:
{diagnoses}
responses:
  - {{on: {lead}, at: suspect, run: wait, mode: automatic}}
  - {{on: {lead}, at: confirmed, run: out, mode: {mode}}}
procedures:
  wait: {{kind: shelter, flow: outbound, steps: [{{name: park, mail.park: {{at: [hub]}}}}]}}
  out:
    kind: cutover
    flow: outbound
    to: relay
    steps:
      - {{name: authorise, spf.authorize: {{zone: zone}}}}
      - {{name: see it, wait.published: {{zone: zone}}}}
      - {{name: prove it, verify.canary: {{through: relay}}}}
      - {{name: switch, outbound.switch: {{at: [hub]}}, pivot: true}}
    failback: {{require: [queues-drained]}}
people:
  ann: {{user: ann, may: [run, approve, brake]}}
"""
CANARY = """from: a@c.corp.example, submit: {host: submit.example}, expect: {egress: [%s]}, timeout: 110s, late_after: 1m,
    seeds: [{receiver: r%d, class: %s, mailbox: "p+%%@r%d.example", imap: {host: mx.r%d.example, auth: {file: r.auth}}}]"""
PROOF = ("  proof: {kind: canary, group: proof, path: relay, flow: outbound, every: 1d, "
         + CANARY % ("203.0.113.65", 9, "other", 9, 9) + "}")
OWN = {"dnsbl": "lists: [bl.example]", "smtp": "host: mx.example", "tcp": "host: www.example, port: 443"}


def groups(k, grouping):
    """The group of each source."""
    if grouping == "alone":
        return [f"g{i}" for i in range(k)]
    if grouping == "pairs":
        return [f"g{i // 2}" for i in range(k)]
    return ["g0"] * k


def policies(k, grouping):
    """[(name, text)] of diagnoses: from `any harm is enough` to `all must be bad`."""
    g = groups(k, grouping)
    all_groups = list(dict.fromkeys(g))
    harm = list(dict.fromkeys(g[i] for i in HARM if i < k))

    def receivers(n, must):
        """As many as sources of these groups know: a playbook that asks for more is refused."""
        n = min(n, len({CLASS[i] for i in HARM if i < k and i in CLASS and g[i] in must}))
        return f"receivers: {n}, " if n else ""

    rows = [("any", 1, all_groups, harm, ""), ("all", len(all_groups), all_groups, harm, ""),
            ("first", 1, all_groups, [g[0]], ""),
            ("half", (len(all_groups) + 1) // 2, all_groups, harm, "share: 50%, "),
            ("two", min(2, len(all_groups)), all_groups, harm, receivers(2, harm)),
            ("narrow", 1, harm, harm[-1:], receivers(1, harm[-1:]) + "share: 100%, ")]
    return [(n, f"  {n}: {{path: cloud, flow: outbound, groups: {c}, of: [{', '.join(of)}], must: [{', '.join(m)}], "
                f"{extra}for: 4m, clear: 2m}}") for n, c, of, m, extra in rows]


def playbook(k, grouping, lead, mode):
    g = groups(k, grouping)
    signals = []
    for i in range(k):
        own = CANARY % ("198.51.100.25", i, CLASS[i], i, i) if KINDS[i] == "canary" else OWN[KINDS[i]]
        signals.append(f"  s{i}: {{kind: {KINDS[i]}, group: {g[i]}, path: cloud, flow: outbound, every: 2m, stale: 5m, "
                       f"degraded: {'bad' if i % 2 == 0 else 'ok'}, {own}}}")
    return HEAD.format(signals="\n".join(signals + [PROOF]), lead=lead, mode=mode,
                       diagnoses="\n".join(t for _, t in policies(k, grouping)))


def answers(i, word, n):
    """The lines that make source i stand at this word; n turns what the design counts as the same."""
    harm = " harm" if i in HARM else ""
    shade = (n + i) % 3 == 0
    if word == "stale":
        before = "bad" + harm if (n + i) % 2 else "ok"
        return [f"from 0s s{i} {before}", f"from 3m s{i} silent"]
    if word == "bad" and shade and i % 2 == 0:
        return [f"from 0s s{i} degraded{harm}"]
    if word == "ok" and shade and i % 2:
        return [f"from 0s s{i} degraded{harm}"]
    return [f"from 0s s{i} {word}{harm if word == 'bad' else ''}"]


def rows():
    """Every row: (number, words), shortest first: 4 + 16 + ... + 4096."""
    n = 0
    for k in range(1, 7):
        for words in itertools.product(WORDS, repeat=k):
            yield n, words
            n += 1


def setting(n, words, turn):
    """(grouping, lead, mode) of a row in this turn."""
    lead = policies(len(words), GROUPINGS[0])[(n + n // 7 + turn) % 6][0]
    return GROUPINGS[(n + turn) % 3], lead, "approve" if (n + turn) % 5 == 0 else "automatic"


def case(n, words, turn):
    """(playbook's name, lines)."""
    grouping, lead, mode = setting(n, words, turn)
    lines = ["from 0s anchors ok"]
    for i, word in enumerate(words):
        lines += answers(i, word, n + turn)
    name = f"truth-{len(words)}-{grouping}-{lead}-{mode}"
    return name, [f"playbook {name}"] + lines + ["look 3m", "look 12m"]
