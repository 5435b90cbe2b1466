"""Random timelines: a base playbook with some keys changed, what the signals answer, what people order, how runs end.
A number is a timeline, the same one each time."""
import random

BOOKS = ["automatic"] * 3 + ["approve", "stand-down", "four-groups", "classes", "slow", "both-flows", "blackouts",
                             "observe-only", "two-diagnoses", "two-diagnoses"]
CANARY = ("    flow: outbound\\n", "    every: 1m\\n    timeout: 50s\\n    late_after: 40s\\n    from: a@c")
SIGNALS = {"both-flows": ["canary-in", "door", "door-relay"], "four-groups": ["door", "second-list", "status"]}
COMMON = ["canary", "lists", "canary-relay", "canary/r1", "canary/r2", "canary/r3", "canary-relay/r1",
          "lists/198.51.100.25"]
RUNS = {"failing-back": ["forward"], "cutting-over": ["forward"], "rolling-back": ["backward"], "blocked": ["blocked"],
        "settling": ["forward", "backward", "blocked", "done", "undone"]}
FACTS = ["plan-ready no", "blackout-cutover yes", "blackout-failback yes", "cutovers 2",
         "cutovers 1", "last-cutover-ago 5m", "queues-drained no", "shelter open", "shelter ended", "one-shot yes"]
LATER = ["plan-ready no", "plan-ready yes", "blackout-cutover yes",
         "blackout-failback no", "queues-drained yes", "queues-drained no"]
CLOCKS = ["+1h", "-1h", "+10m", "-10m", "+1s", "-1s", "+24h"]
PEOPLE = ["ann", "ann", "ann", "ben", "cy", "owner", "mallory"]
ORDERS = ["cutover", "failback", "abort", "continue", "approve", "approve", "deny", "pause", "resume", "ack", "eject"]


def edits(r, book):
    """Keys of the playbook that are otherwise."""
    def now_and_then(rate, old, new, without=()):
        if r.random() < rate and book not in without:
            yield f'replace "{old}" with "{r.choice(new)}"'

    two = ("both-flows", "two-diagnoses")
    yield from now_and_then(0.2, "receivers: 2, share: 5%", [
        "receivers: 1, share: 5%", "share: 5%", "receivers: 3, share: 5%", "receivers: 2, share: 50%", "receivers: 2"],
        ("four-groups", "slow", "two-diagnoses"))
    yield from now_and_then(0.5, "on: blocked, at: suspect", ["on: dead, at: suspect"], set(BOOKS) - {"two-diagnoses"})
    yield from now_and_then(0.3, "for: 5m", ["for: 0s", "for: 1m", "for: 90s", "for: 20m"], two)
    yield from now_and_then(0.3, "clear: 1h", ["clear: 0s", "clear: 3m", "clear: 7m30s"], two)
    yield from now_and_then(0.3, "cooldown: 1h", ["cooldown: 0s", "cooldown: 10m", "cooldown: 20m"])
    yield from now_and_then(0.3, "soak: 2h", ["soak: 0s", "soak: 10m", "soak: 5m"], ("both-flows",))
    yield from now_and_then(0.2, "expires: 4h", ["expires: 1m", "expires: 10m"])
    keys = ["degraded: bad", "rise: 3 of 5\\n    fall: 3 of 5", "rise: 3 of 3\\n    fall: 3 of 3",
            "rise: 2 of 2\\n    fall: 2 of 2", "stale: 90s", "fall: 3 of 3", "rise: 3 of 3"]
    yield from now_and_then(0.25, "".join(CANARY), [f"{CANARY[0]}    {k}\\n{CANARY[1]}" for k in keys], ("slow",))


def beginning(r, flow):
    """Where the machine stands, and what is known beside."""
    state = r.choice(["normal"] * 5 + ["on-backup"] * 3 + ["settling", "failing-back", "suspect", "blocked",
                                                           "cutting-over", "rolling-back", "recovering"])
    lines = [f"flow {flow}", f"state {state}"]
    if state == "settling":
        lines.append("fact settled " + r.choice(["not-yet", "primary", "backup", "mixture"]))
    with_run = {"blocked": 0.7, "settling": 0.3}.get(state, 1)
    if state in RUNS and r.random() < with_run:
        lines.append("fact run " + r.choice(RUNS[state]))
        if state == "failing-back" or (state != "cutting-over" and r.random() < 0.4):
            lines.append("fact run-is-failback yes")
        if r.random() < 0.3:
            lines.append("fact run-pivoted yes")
    elif state == "blocked":
        lines.append("fact settled mixture")
    return lines + [f"fact {f}" for f in FACTS if r.random() < 0.06]


def answer(r):
    a = r.choice(["ok", "bad harm", "bad harm", "bad harm", "bad", "degraded harm", "unknown", "silent"])
    if a != "silent" and r.random() < 0.05:
        a += " class " + r.choice(["big", "small"])
    if a != "silent" and r.random() < 0.05:
        a += " via 192.0.2.199"
    return a


def some_time(r):
    return r.choice([60, 120, 180, 240, 300, 420, 540, 600, 900, 1200, 1500, 1800]) + r.choice([0, 0, 0, 30, 90])


def seen(r, book, flow):
    """(time, line) of what the signals answer."""
    out = [(0, "all ok")] if r.random() < 0.9 else []
    for _ in range(r.choice([1, 2, 3, 4, 6, 8])):
        what = r.choice(SIGNALS.get(book, []) + COMMON)
        out.append((some_time(r), f"{what} {answer(r)}") if r.random() < 0.7 else
                   (some_time(r), "all " + r.choice(["ok", "ok", "silent", "bad harm"])))
    if r.random() < 0.6:
        t = r.choice([120, 180, 300])
        harm, cause = ("canary-in", "door") if flow == "inbound" else ("canary", "lists")
        out += [(t, f"{harm} bad harm"), (t, f"{cause} bad")]
    if r.random() < 0.2:
        t = some_time(r)
        out.append((t, r.choice(["anchors", "anchor-a"]) + " " + r.choice(["bad", "silent", "unknown"])))
        out.append((t + r.choice([30, 60, 300]), "anchors ok"))
    return [(t, f"from {t}s {line}") for t, line in out]


def order(r):
    verb = r.choice(ORDERS)
    text = f"{r.choice(PEOPLE)}: {verb}"
    if verb in ("cutover", "failback", "abort", "continue", "eject") and r.random() < 0.7:
        text += " override " + r.choice(["pause", "soak", "soak override queues", "soak", "unfit", "cooldown"])
    if verb in ("approve", "cutover", "failback") and r.random() < 0.15:
        text += " other-plan"
    if verb == "approve" and r.random() < 0.15:
        text += r.choice([" expired", " replayed"])
    return text


def happens(r):
    """(time, line) of what people order, how runs end and what changes beside."""
    out = [order(r) for _ in range(r.choice([0, 0, 1, 2, 3, 5]))]
    out += ["run " + r.choice(["done", "done", "undone", "backward", "blocked", "pivoted", "forward"])
            for _ in range(r.choice([0, 0, 0, 1, 1, 2, 3]))]
    out += ["fact " + r.choice(LATER) for _ in range(r.choice([0, 0, 1]))]
    out += ["clock " + r.choice(CLOCKS) for _ in range(r.choice([0, 0, 0, 0, 1, 2]))]
    times = [some_time(r) + i for i in range(len(out))]  # no two in one moment
    return [(t, f"at {t}s {line}") for t, line in zip(times, out)]


def timeline(number):
    r = random.Random(number)
    book = r.choice(BOOKS)
    flow = "inbound" if book == "both-flows" and r.random() < 0.6 else "outbound"
    lines = [f"playbook {book}", *edits(r, book), *beginning(r, flow)]
    lines += [line for _, line in sorted(seen(r, book, flow) + happens(r), key=lambda x: x[0])]
    return lines + [f"look {t}s" for t in sorted(r.sample(range(60, 2400, 30), 3))] + ["look 45m"]
