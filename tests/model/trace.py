#!/usr/bin/env python3
"""trace.py SIM PAN SEED... : follow runs of the simulator in the model (follow.pml, compiled as PAN).

Each run must be followed to its end; and with any one INTENT, RESULT or fence left out it must be refused, twice: with the
heads that appends expect, as the store demands, and by the rules of fence and run alone, where those can tell. Prints a
line for each seed, and sums. --only INDEX: one removal, to look at; --keep DIR: the scripts stay there.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MODEL = os.path.join(ROOT, "tests", "model")


def defines(name):
    """The numbers that a file of the model gives its words."""
    with open(os.path.join(MODEL, name), encoding="utf-8") as f:
        return {m[1]: int(m[2]) for m in re.finditer(r"^#define (\w+) (\d+)\b", f.read(), re.M)}


WORD = {**defines("rules.pml"), **defines("follow.pml")}
FENCES = {"high": WORD["F_HIGH"], "equal": WORD["F_EQUAL"], "none": WORD["U"]}
DIRS = {"do": WORD["DO"], "undo": WORD["UNDO"], "fence": WORD["FENCE"]}
ENDS = {"done": "R_DONE", "undone": "R_UNDONE", "backward": "R_BACKWARD", "open": "R_OPEN", "released": "R_DONE",
        "blocked": "R_BLOCKED", "failed": "R_FAILED"}
MARKER = "fence.marker"


def kinds():
    """Each kind of step and its class, from the product's own table."""
    with open(os.path.join(ROOT, "orchestrator", "config", "steps.def"), encoding="utf-8") as f:
        found = dict(re.findall(r'^STEP\("([\w.]+)",[^,]*, *(\w+)', f.read(), re.M))
    return {**found, "fence.remove": "STATE"}


class Script:
    """The lines of one run of the simulator, in the model's numbers."""

    def __init__(self, lines):
        self.kinds = kinds()
        self.domains, self.resources, self.values = {}, {}, {}
        self.steps, self.runs, self.requests = [], {}, {}
        self.events, self.journal, self.removable = [], [], []
        self.between = self.starts = 0
        self.about = []  # for people
        lines = [json.loads(line) for line in lines if line.startswith("{")]
        self.fences = {line["domain"]: line["fence"] for line in lines if "domain" in line}
        records = [line["record"] for line in lines if "record" in line]
        for name in self.fences:
            self.domain(name)
        self.lsns = {n: i + 1 for i, n in enumerate(sorted({r["lsn"] for r in records if r["type"] == "INTENT"}))}
        for line in lines:
            self.line(line)
        self.put("OVER", len(self.journal), between=self.between)

    def domain(self, name):
        return self.domains.setdefault(name, len(self.domains))

    def resource(self, domain, name):
        """A queue's state is that of the shelter that fills it."""
        return self.resources.setdefault((domain, name.replace("relay.queue ", "relay.park ")), len(self.resources))

    def value(self, resource, text):
        known = self.values.setdefault(resource, {"": WORD["EMPTY"], "releasing\n": WORD["RELEASING"]})
        return known.setdefault(text, len(known))

    def put(self, kind, a=0, b=0, c=0, e=0, seq=0, between=0):
        self.events.append([WORD["E_" + kind], a, b, c, e, seq, between, 0])
        self.about.append(kind)
        return len(self.events) - 1

    def line(self, line):
        if "record" in line:
            self.record(line["record"])
        elif "starts" in line:
            self.put("STARTS", line["starts"])
        elif "dies" in line:
            self.put("DIES")
        elif "restored" in line:
            for at in self.journal[line["restored"]:]:
                if at is not None:
                    self.events[at][7] = len(self.events)
            self.put("RESTORED", line["restored"], len(self.journal), between=self.between)
            del self.journal[line["restored"]:]
            self.between = 0
        elif "sent" in line:
            self.put("SENT", self.lsns[line["sent"]])
        elif "took" in line:
            self.put("TOOK", self.lsns[line["took"]])
        else:
            self.changed(line)

    def changed(self, line):
        """Not what a request's own effect is: the model knows that."""
        resource = self.resource(line["domain"], line["resource"])
        request = self.requests.get(line["lsn"])
        if request is None or (request["resource"], request["want"]) != (line["resource"], line["value"]):
            self.put("VALUE", resource, self.value(resource, line["value"]))

    def append(self, r, kind, *numbers):
        at = self.put(kind, *numbers, seq=r["seq"], between=self.between)
        self.about[at] = f"{kind} {r['run']} " + " ".join(
            str(r["body"][k]) for k in ("step", "dir", "target", "of", "outcome", "state", "verb", "why") if k in r["body"])
        self.between = 0
        self.journal.append(at)
        if kind in ("INTENT", "RESULT"):
            self.removable.append(at)

    def record(self, r):
        body, kind = r["body"], r["type"]
        run = self.runs.get(r["run"])
        if kind == "START":
            self.start(r)
        elif kind == "INTENT":
            self.requests[r["lsn"]] = body
            self.append(r, "INTENT", self.lsns[r["lsn"]], 0, self.what(run, body["step"], body["domain"]), DIRS[body["dir"]])
        elif kind == "RESULT":
            of = self.requests.get(body["of"], {})
            self.append(r, "RESULT", self.lsns.get(body["of"], 0), WORD[body["outcome"]],
                        self.what(run, body["step"], of.get("domain")), DIRS[body["dir"]])
        elif kind == "END":
            self.append(r, "END", run["index"], WORD[ENDS[body["state"]]])
        elif kind == "COMMAND" and run and body["verb"] in ("abort", "continue") and body["exit"] == 0:
            self.append(r, body["verb"].upper(), run["index"])
        elif kind == "BRAKE":
            self.append(r, "EJECT", int(body["state"] == "pause" and body.get("eject", False)))
        else:
            self.between += 1
            self.journal.append(None)

    def what(self, run, step, domain):
        """The step's number; a fence's stands behind those of all steps, one that names no domain behind them."""
        if step == "":
            return WORD["STEPS"] + self.domains.get(domain, WORD["DOMAINS"] - 1)
        return run["first"] + run["ids"].index(step)

    def start(self, r):
        plan = r["body"]["plan"]["steps"]
        run = {"index": self.starts, "first": len(self.steps), "ids": [s["id"] for s in plan]}
        self.runs[r["run"]] = run  # a journal that was put back may give its name again
        self.starts += 1
        for s in plan:
            word = self.kinds[s["kind"]]
            changes = word in ("STATE", "ACT")
            resource = self.resource(s["domain"], s["resource"]) if changes and s["resource"] != MARKER else 0
            self.steps.append([
                self.domain(s["domain"]) if changes else 0, resource,
                self.value(resource, s["undo"]) if word == "STATE" and s["resource"] != MARKER else WORD["EMPTY"],
                self.value(resource, s["want"]) if word == "STATE" and s["resource"] != MARKER else WORD["EMPTY"],
                WORD["MARKER"] if s.get("resource") == MARKER else WORD[word] if changes else WORD["LOOK"],
                int(s["pivot"]), sum(1 << run["ids"].index(n) for n in s["needs"]), run["index"]])
        self.append(r, "START", run["index"])

    def text(self):
        out = []
        for name, d in self.domains.items():
            out.append(f"domain {FENCES[self.fences.get(name, 'none')]} {d}")
        for s in self.steps:
            out.append("step " + " ".join(map(str, s)))
        for lsn, body in self.requests.items():
            out.append("request " + " ".join(map(str, self.request(lsn, body))))
        for e in self.events:
            out.append("event " + " ".join(map(str, e)))
        return "\n".join(out) + "\n"

    def request(self, lsn, body):
        at = next(e for e in self.events if e[0] == WORD["E_INTENT"] and e[1] == self.lsns[lsn])
        marker = body["resource"] == MARKER or body["dir"] == "fence"
        resource = 0 if marker else self.resource(body["domain"], body["resource"])
        act = body["resource"].startswith("relay.queue ")
        return [self.lsns[lsn], at[3], DIRS[body["dir"]], 0 if marker or act else self.value(resource, body["want"]),
                0 if marker or act else self.value(resource, body["base"]), self.lsns.get(body["seen_lsn"], 0),
                lsn >> 40, lsn & ((1 << 40) - 1)]


def follow(pan, path, remove=-1, heads=True):
    """True: the model can do it; False: it cannot; and how far it came."""
    env = {**os.environ, "MODEL_INPUT": path, "MODEL_REMOVE": str(remove), "MODEL_HEADS": str(int(heads))}
    r = subprocess.run([pan, "-m20000", "-w16", "-n", "-E"], env=env, capture_output=True, text=True, check=False,
                       cwd=os.path.dirname(path))
    if "Search not completed" in r.stdout and "followed" not in r.stdout or "errors:" not in r.stdout or "too small" in r.stdout:
        sys.exit(f"{path}: {r.stdout[-2000:]}{r.stderr}")
    return "errors: 0" not in r.stdout, r.stderr.strip()


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--keep")
    p.add_argument("--only", type=int, default=None)
    p.add_argument("--whole", action="store_true", help="follow them; nothing is left out")
    p.add_argument("sim")
    p.add_argument("pan")
    p.add_argument("seeds", type=int, nargs="+")
    o = p.parse_args()
    total = {"events": 0, "removals": 0, "rules": 0, "wrong": 0, "crashes": 0}
    with tempfile.TemporaryDirectory() as made:
        for seed in o.seeds:
            one(o, seed, o.keep or made, total)
    print(f"{len(o.seeds)} traces, {total['events']} lines, {total['crashes']} crashes; {total['removals']} removals, "
          f"{total['rules']} refused by a rule of fence or run, the others by the head that the next append expects")
    return total["wrong"] != 0


def one(o, seed, folder, total):
    said = subprocess.run([o.sim, "--seed", str(seed), "--events"], capture_output=True, text=True, check=False)
    script = Script(said.stdout.splitlines())
    path = os.path.join(folder, f"seed-{seed}")
    with open(path, "w", encoding="utf-8") as f:
        f.write(script.text())
    if o.only is not None:
        for i, e in enumerate(script.events):
            print(i, e, script.about[i])
        print(follow(o.pan, path, o.only, True), follow(o.pan, path, o.only, False))
        return
    good, why = follow(o.pan, path)
    if not good:
        print(f"FAIL seed {seed}: the model does not follow it: {why}")
        total["wrong"] += 1
        return
    rules = 0
    for at in [] if o.whole else script.removable:
        if follow(o.pan, path, at)[0]:
            print(f"FAIL seed {seed}: followed without event {at} {script.events[at]}")
            total["wrong"] += 1
        rules += not follow(o.pan, path, at, False)[0]
    crashes = sum(e[0] == WORD["E_DIES"] for e in script.events)
    print(f"seed {seed}: {len(script.events)} lines, {crashes} crashes, {len(script.removable)} removals, {rules} by rule")
    total["events"] += len(script.events)
    total["removals"] += len(script.removable)
    total["rules"] += rules
    total["crashes"] += crashes


if __name__ == "__main__":
    sys.exit(main())
