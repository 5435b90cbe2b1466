"""measure.py - what a run of make bench took, and the table of all runs.

    measure.py VARIANT OUT     one JSON line from OUT.clock, OUT.out, OUT.records, OUT.engine: milliseconds by phase
    measure.py table FILE      the lines of all runs as one table: minimum / median / maximum, and ratios of the medians
"""
import json
import os
import statistics
import sys

# phase, what it covers
PHASES = [
    ("prepare", "read all targets, plan, connect"),
    ("spf", "SPF written and read back"),
    ("seen", "seen at every name server, less waits"),
    ("proof", "proof through the relay, 3 receivers"),
    ("switch", "hub and tenant switched, read back"),
    ("verified", "proof as production, 3 receivers"),
    ("end", "until the command ends"),
]
EXTRA = [("work", "all, less mandated waits"), ("apart", "all, less the zone's spreading"), ("total", "from command to verified and ended"), ("relay", "the relay alone: route, read-back")]


def clock(out):
    with open(out + ".clock", encoding="ascii") as f:
        begin, end, _ = f.read().split()
    return float(begin) * 1000, float(end) * 1000


def from_marks(begin, end, marks):
    """Times at which phases ended -> their lengths."""
    phases, last = {}, begin
    for name, at in marks:
        phases[name] = at - last
        last = at
    phases["end"] = end - last
    return phases


def script(out, begin, end):
    with open(out + ".out", encoding="ascii") as f:
        marks = [(p, float(at) * 1000) for p, at in (line.split() for line in f)]
    at = dict(marks)
    phases = from_marks(begin, end, [m for m in marks if m[0] != "hub"])
    return {"phases": phases, "waits": 0, "total": end - begin, "relay": at["hub"] - at["proof"]}


def ferryman(out, begin, end):
    with open(out + ".records", encoding="utf-8") as f:
        records = json.load(f)["records"]
    start = next(r for r in records if r["type"] == "START")
    waits = sum(s["wait"] for s in start["record"]["body"]["plan"]["steps"])
    intent = {r["record"]["body"]["step"]: r["wall_ms"] for r in records if r["type"] == "INTENT"}
    result = {r["record"]["body"]["step"]: r["wall_ms"] for r in records if r["type"] == "RESULT"}
    marks = [("prepare", start["wall_ms"]), ("spf", result["1"]), ("seen", result["2"]), ("proof", result["3"]),
             ("switch", max(result["4.hub"], result["4.tenant"], result["5.hub"])), ("verified", result["6"])]
    phases = from_marks(begin, end, marks)
    phases["seen"] -= waits
    run = {"phases": phases, "waits": waits, "total": end - begin, "relay": result["4.hub"] - intent["4.hub"], "records": max(r["seq"] for r in records)}
    with open(out + ".engine", encoding="ascii") as f:
        hwm, ticks = f.read().split()
    return run | {"hwm_kb": int(hwm), "cpu_ms": int(ticks) * 1000 / os.sysconf("SC_CLK_TCK")}


def one(variant, out):
    begin, end = clock(out)
    if variant == "bare":
        run = {"phases": {}, "waits": 0, "total": None, "relay": end - begin}
    else:
        run = {"script": script, "ferryman": ferryman}[variant](out, begin, end)
    print(json.dumps({"variant": variant} | run))


def values(runs, variant, name):
    found = []
    for r in runs:
        if r["variant"] != variant:
            continue
        v = r["phases"].get(name) if name in r["phases"] else r.get(name)
        if name == "work" and r["total"] is not None:
            v = r["total"] - r["waits"]
        elif name == "apart" and r["total"] is not None:
            v = r["total"] - r["waits"] - r["phases"]["seen"]
        if v is not None:
            found.append(v)
    return found


def spread(v):
    return f"{min(v):7.0f} {statistics.median(v):7.0f} {max(v):7.0f}" if v else " " * 15 + "-" + " " * 7


def ratio(a, b):
    return f"{statistics.median(a) / statistics.median(b):7.2f}" if a and b and statistics.median(b) > 0 else "      -"


def table(path):
    with open(path, encoding="utf-8") as f:
        runs = [json.loads(line) for line in f]
    count = {v: sum(r["variant"] == v for r in runs) for v in ("ferryman", "script", "bare")}
    if not all(count.values()):
        print(f"too few runs for a table: {count}")
        return
    print(f"milliseconds, minimum median maximum of {count['ferryman']} / {count['script']} / {count['bare']} runs (ferryman / script / bare), in turns;")
    print("ferryman and script with the same read-backs and the same two proofs; the last column divides medians\n")
    print(f"{'':40} {'ferryman':>23}   {'shell script':>23}   {'bare work':>23}   f/script  f/bare")
    for name, what in PHASES + EXTRA:
        f, s, b = (values(runs, v, name) for v in ("ferryman", "script", "bare"))
        print(f"{what:40} {spread(f)}   {spread(s)}   {spread(b)}    {ratio(f, s)} {ratio(f, b)}")
    waits = sorted({r["waits"] for r in runs if r["variant"] == "ferryman"})
    print(f"\nmandated waits (the old SPF record ages): ferryman {'/'.join(str(w) for w in waits)} ms, script 0 ms: it does not wait, which is its fault;")
    print("how soon a secondary follows is the zone's doing, and when one looks is luck: the row without it leaves that out")
    print(f"ferryman's engine: peak memory {spread(values(runs, 'ferryman', 'hwm_kb'))} kB, processor time {spread(values(runs, 'ferryman', 'cpu_ms'))} ms")
    print(f"ferryman's journal: {spread(values(runs, 'ferryman', 'records'))} records; the script keeps none")


if __name__ == "__main__":
    if sys.argv[1] == "table":
        table(sys.argv[2])
    else:
        one(sys.argv[1], sys.argv[2])
