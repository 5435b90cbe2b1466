#!/usr/bin/env python3
"""Follow runs of the simulator (SIM) in the model (follow.pml, compiled as PAN).

Each run must be followed to its end, and be refused with any one INTENT, RESULT or fence left out: by a rule of fence or run
where one can tell, else by the head that the next append expects, as the store demands. A core with a fault planted must
be refused.
"""
import argparse
import collections
import concurrent.futures
import itertools
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
GOOD, OPEN = ("DONE", "UNCHANGED"), ("UNKNOWN", "RETRY")

# Kinds of records without which the journal may still be a lawful one (tests/README.md says why).
MAY_LACK = re.compile("RESULT of a fence, (open|not done|DONE, again)|RESULT of a proof, DONE, again|.*, unused")


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
        self.events, self.journal, self.removable, self.intents = [], [], {}, []
        self.records = {}
        self.path, self.dead, self.taken = None, False, set()
        self.between = self.starts = 0
        self.about = []  # for people
        lines = [json.loads(line) for line in lines if line.startswith("{")]
        self.fences = {line["domain"]: line["fence"] for line in lines if "domain" in line}
        records = [line["record"] for line in lines if "record" in line]
        for name in self.fences:
            self.domain(name)
        intents = [r["lsn"] for r in records if r["type"] == "INTENT"]
        self.twice = len(intents) != len(set(intents))  # an old copy has given a number anew, to a fence: not followed
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
            self.buried()
            self.put("STARTS", line["starts"])
        elif "dies" in line:
            self.dead = True
        elif "gone" in line:
            self.put("GONE")
        elif "late" in line:
            self.put("LATE", self.lsns.get(line["late"], 0))
        elif "restored" in line:
            self.buried()
            for at in self.journal[line["restored"]:]:
                if at is not None:
                    self.events[at][7] = len(self.events)
            self.put("RESTORED", line["restored"], len(self.journal), between=self.between)
            del self.journal[line["restored"]:]
            self.between = 0
        elif "sent" in line:
            self.put("SENT", self.lsns.get(line["sent"], 0))
        elif "took" in line:
            self.put("TOOK", self.lsns.get(line["took"], 0))
            self.taken.add(line["took"])
        else:
            self.changed(line)

    def buried(self):
        """It is dead from here on: what it was appending may have become durable after its last breath."""
        if self.dead:
            self.put("DIES")
        self.dead = False

    def changed(self, line):
        """Not what a request's own effect is, told just before it is taken: the model knows that."""
        resource = self.resource(line["domain"], line["resource"])
        request = self.requests.get(line["lsn"])
        own = request is not None and (request["resource"], request["want"]) == (line["resource"], line["value"])
        if not own or line["lsn"] in self.taken:
            self.put("VALUE", resource, self.value(resource, line["value"]))

    def append(self, r, kind, *numbers):
        at = self.put(kind, *numbers, seq=r["seq"], between=self.between)
        self.about[at] = f"{kind} {r['run']} " + " ".join(
            str(r["body"][k]) for k in ("step", "dir", "target", "of", "outcome", "state", "verb", "event", "why") if k in r["body"])
        self.between = 0
        if kind in ("INTENT", "RESULT"):
            self.removable[at] = self.sort(r)
        self.journal.append(at)
        self.records[at] = r

    def sort(self, r):
        """What kind of record it is that may be left out; RESULTs that another one like it came before are apart."""
        body, run = r["body"], self.runs.get(r["run"])
        of = "a fence" if body["step"] == "" else "a change"
        if run and self.steps[run["first"] + run["ids"].index(body["step"])][4] == WORD["LOOK"]:
            of = "a proof"  # or a wait
        if r["type"] == "INTENT":
            return f"INTENT of {of}"
        outcome = body["outcome"] if body["outcome"] in GOOD else "open" if body["outcome"] in OPEN else "not done"
        before = [self.records[at] for at in self.journal if at is not None]
        again = outcome in GOOD and of != "a change" and any(self.alike(r, b) for b in before)
        return f"RESULT of {of}, {outcome}" + (", again" if again else "")

    def alike(self, r, before):
        """Both raise one domain in one era, or prove one step."""
        if before["type"] != "RESULT" or before["body"]["outcome"] not in GOOD:
            return False
        if r["body"]["step"] != "":
            return (r["run"], r["body"]["step"]) == (before["run"], before["body"]["step"])
        of, earlier = r["body"]["of"], before["body"]["of"]
        return of >> 40 == earlier >> 40 and self.requests[of]["domain"] == self.requests[earlier]["domain"]

    def removals(self):
        """Each record that may be left out, and its kind: apart are those that nothing rests on, as the journal was put
        back, or the run of the simulator over, before anything came of them."""
        for at, sort in self.removable.items():
            later = self.events[at + 1:self.events[at][7] or len(self.events)]
            if self.is_proven(self.events[at]):
                later = self.until_proven_anew(at, later)
            used = any(self.uses(event, self.events[at]) for event in later)
            if self.is_failure(self.events[at]):
                used = self.ends_it(at, len(later))
            yield at, sort if used else sort.removesuffix(", again") + ", unused"

    def is_failure(self, event):
        return event[0] == WORD["E_RESULT"] and event[3] < WORD["STEPS"] and event[2] not in (WORD["DONE"], WORD["UNCHANGED"])

    def is_proven(self, event):
        return (event[0] == WORD["E_RESULT"] and event[3] < WORD["STEPS"] and self.steps[event[3]][4] == WORD["LOOK"]
                and event[2] == WORD["DONE"])

    def until_proven_anew(self, at, later):
        """What is seen once more in a new era is what counts from there on."""
        new = False
        for i, event in enumerate(later):
            new = new or (event[0] == WORD["E_STARTS"] and event[1] != self.era_at(at))
            if new and self.is_proven(event) and event[3] == self.events[at][3]:
                return later[:i]
        return later

    def era_at(self, at):
        return next(e[1] for e in reversed(self.events[:at]) if e[0] == WORD["E_STARTS"])

    def is_old(self, at, run):
        """The run has begun in an era before the one in which this is written."""
        return next(e[2] for e in self.events if e[0] == WORD["E_START"] and e[1] == run) < self.era_at(at)

    def era(self, event):
        return next(lsn >> 40 for lsn, i in self.lsns.items() if i == event[1])

    def ends_it(self, at, n):
        """By this failure its run comes to a stop, in the same life, and by no other one; a run of an older era may be given
        up over what the targets show, too."""
        run = self.steps[self.events[at][3]][7]

        def stops(event):
            return event[0] in (WORD["E_DIES"], WORD["E_STARTS"], WORD["E_RESTORED"]) or (
                event[0] in (WORD["E_END"], WORD["E_CONTINUE"]) and event[1] == run)

        def fails(event):
            return self.is_failure(event) and self.steps[event[3]][7] == run

        before = list(itertools.takewhile(lambda e: not stops(e), reversed(self.events[:at])))
        after = list(itertools.takewhile(lambda e: not stops(e), self.events[at + 1:at + 1 + n]))
        stop = self.events[at + 1 + len(after)] if len(after) < n else [0]
        given_up = stop[0] == WORD["E_END"] and stop[2] in (WORD["R_BLOCKED"], WORD["R_FAILED"]) and self.is_old(at, run)
        return stop[0] == WORD["E_END"] and not given_up and not any(fails(e) for e in before + after)

    def uses(self, event, record):
        """All that is decided rests on a fence's RESULT; on a step's what comes after it in its run, and an end by it; on an
        INTENT its request, its RESULT and the number of the next in its era."""
        kind, step = event[0], event[3] if event[0] in (WORD["E_INTENT"], WORD["E_RESULT"]) else WORD["STEPS"]
        if record[0] == WORD["E_INTENT"]:
            return (kind == WORD["E_INTENT"] and self.era(event) == self.era(record)) or (event[1] == record[1] and
                                                kind in (WORD["E_SENT"], WORD["E_TOOK"], WORD["E_LATE"], WORD["E_RESULT"]))
        if record[3] >= WORD["STEPS"]:
            return kind in (WORD["E_ROW"], WORD["E_START"]) or (kind == WORD["E_INTENT"] and step < WORD["STEPS"])
        run, undo = self.steps[record[3]][7], record[4] == WORD["UNDO"]
        if kind == WORD["E_END"] and event[1] == run:
            return event[2] == WORD["R_UNDONE"] if undo else event[2] in (WORD["R_DONE"], WORD["R_OPEN"])
        return step < WORD["STEPS"] and self.steps[step][7] == run and (undo or self.rests(step, record[3]))

    def rests(self, step, on):
        """By needs; a step on itself too."""
        first = min(s for s in range(step + 1) if self.steps[s][7] == self.steps[step][7])
        return step == on or any(self.rests(first + i, on) for i in range(step - first) if self.steps[step][6] >> i & 1)

    def record(self, r):
        body, kind = r["body"], r["type"]
        run = self.runs.get(r["run"])
        if kind == "START":
            self.start(r)
        elif kind == "INTENT":
            self.requests[r["lsn"]] = body
            self.intents.append(r)
            self.append(r, "INTENT", self.lsns[r["lsn"]], 0, self.what(run, body["step"], body["domain"]), DIRS[body["dir"]])
        elif kind == "RESULT":
            of = self.requests.get(body["of"], {})
            self.append(r, "RESULT", self.lsns.get(body["of"], 0), WORD[body["outcome"]],
                        self.what(run, body["step"], of.get("domain")), DIRS[body["dir"]])
        elif kind == "END":
            self.append(r, "END", run["index"], WORD[ENDS[body["state"]]])
        elif kind == "COMMAND" and run and body["verb"] in ("abort", "continue") and body["exit"] == 0:
            self.append(r, body["verb"].upper(), run["index"])
        elif kind == "ROW" and body["event"] in ("targets-on-primary", "targets-on-backup"):
            self.append(r, "ROW")
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
            if self.kinds[s["kind"]] in ("STATE", "ACT") and s["resource"] != MARKER:
                self.resource(s["domain"], s["resource"])
        for s in plan:
            word = self.kinds[s["kind"]]
            changes = word in ("STATE", "ACT")
            if changes:
                resource = 0 if s["resource"] == MARKER else self.resource(s["domain"], s["resource"])
            else:  # what it looks at, where a step sets that
                resource = self.resources.get((s.get("domain"), s.get("resource")), WORD["NO_RESOURCE"])
            self.steps.append([
                self.domain(s["domain"]) if changes else 0, resource,
                self.value(resource, s["undo"]) if word == "STATE" and s["resource"] != MARKER else WORD["EMPTY"],
                self.value(resource, s["want"]) if word == "STATE" and s["resource"] != MARKER else WORD["EMPTY"],
                WORD["MARKER"] if s.get("resource") == MARKER else WORD[word] if changes else WORD["LOOK"],
                int(s["pivot"]), sum(1 << run["ids"].index(n) for n in s["needs"]), run["index"]])
        self.append(r, "START", run["index"], r["era"])

    def crashes(self):
        return sum(e[0] in (WORD["E_DIES"], WORD["E_GONE"]) for e in self.events)

    def where(self, why):
        """What the verifier came to, in words."""
        at = int(re.search(r"event (\d+)", why)[1])
        return f"no way leads past line {at}, {self.about[at]}"

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
    """Whether the model can do it, without one event; and how far it came if not."""
    env = {**os.environ, "MODEL_INPUT": path, "MODEL_REMOVE": str(remove), "MODEL_HEADS": str(int(heads))}
    r = subprocess.run([pan, "-m20000", "-w14", "-n", "-E"], env=env, capture_output=True, text=True, check=False,
                       cwd=tempfile.gettempdir())
    whole = "errors: 0" in r.stdout and "too small" not in r.stdout and "Search not completed" not in r.stdout
    if not whole and "assertion violated followed" not in r.stdout:
        raise RuntimeError(f"{path}: {r.stdout[-2000:]}{r.stderr}")
    return not whole, r.stderr.strip()


class Follower:
    """One simulator, one verifier, sums."""

    def __init__(self, options, folder, pool):
        self.o, self.folder, self.pool = options, folder, pool
        self.crashes = self.lines = self.wrong = self.traces = self.left_aside = 0
        self.left_out, self.by_rule, self.by_head = (collections.Counter() for _ in range(3))

    def script(self, seed, fault=None):
        said = subprocess.run([self.o.faults if fault else self.o.sim, "--seed", str(seed), "--events"] + (["--fault", fault] if fault else []),
                              capture_output=True, text=True, check=False)
        script = Script(said.stdout.splitlines())
        script.path = os.path.join(self.folder, f"seed-{seed}" + (f"-{fault}" if fault else ""))
        with open(script.path, "w", encoding="utf-8") as f:
            f.write(script.text())
        return script

    def failed(self, text):
        print(f"FAIL {text}", flush=True)
        self.wrong += 1

    def removal(self, script, at):
        """By a rule, by the head, or not refused. The heads can only forbid more."""
        if not follow(self.o.pan, script.path, at, False)[0]:
            return "rule"
        return "no" if follow(self.o.pan, script.path, at)[0] else "head"

    def one(self, seed, script):
        good, why = follow(self.o.pan, script.path)
        self.traces += 1
        if not good:
            self.failed(f"seed {seed}: {script.where(why)}")
            return
        left = {} if self.o.whole else dict(script.removals())
        what = list(self.pool.map(lambda at: self.removal(script, at), left))
        for (at, sort), word in zip(left.items(), what):
            self.left_out[sort] += 1
            self.by_rule[sort] += word == "rule"
            self.by_head[sort] += word == "head"
            if word == "no":
                self.failed(f"seed {seed}: followed without line {at}, {script.about[at]}")
            elif word == "head" and not MAY_LACK.match(sort):
                self.failed(f"seed {seed}: no rule misses line {at}, {script.about[at]}")
        self.lines += len(script.events)
        self.crashes += script.crashes()
        print(f"trace   seed {seed}: {len(script.events)} lines, {script.crashes()} crashes; without one of {len(left)} records: "
              f"{what.count('rule')} refused by a rule, {what.count('head')} by the head; whole: followed", flush=True)

    def aside(self, seed, script):
        if script.twice:
            print(f"seed {seed} is left aside: a number was given twice", flush=True)
            self.left_aside += 1
        return script.twice

    def crashing(self, n):
        """The first n seeds in which a run intends something and the process dies."""
        seed, last = 0, 100 * n + 100
        while n > 0 and seed < last:
            seed += 1
            script = self.script(seed)
            if not self.aside(seed, script) and script.crashes() > 0 and any(r["run"] for r in script.intents):
                self.one(seed, script)
                n -= 1
        if n > 0:
            self.failed(f"{n} traces with crashes are missing")

    def fault(self, name, first):
        """A core with this fault planted does what the model does not allow, in one of 400 runs."""
        for seed in [first, *range(1, 401)]:
            script = self.script(seed, name)
            good, why = follow(self.o.pan, script.path)
            if not good:
                print(f"planted {name}, seed {seed}: {script.where(why)}: refused", flush=True)
                return
        self.failed(f"{name} is planted in the core, and the model follows each of 400 runs")

    def conclude(self):
        print(f"{self.traces} traces, {self.left_aside} left aside, {self.lines} lines, {self.crashes} crashes; {self.left_out.total()} records left out, "
              f"{self.by_rule.total()} refused by a rule of fence or run, {self.by_head.total()} by the head that the next append expects")
        for sort, n in sorted(self.left_out.items()):
            print(f"left out {sort:34} {n:6}, by a rule {self.by_rule[sort]:6}, by the head {self.by_head[sort]:6}")
        return self.wrong != 0


# Faults of orchestrator/core/planted.h that break a rule of the model, and a seed that shows it (another will do).
PLANTED = {"EFFECT_BEFORE_INTENT": 1, "UNCHANGED_SKIPS_FENCE": 5, "SKIP_MAYBE_APPLIED": 5, "UNKNOWN_IS_FAILED": 1,
           "RETRY_NEW_LSN": 1, "UNDO_IN_ORDER": 81, "NO_DRAIN": 51, "UNDO_PAST_PIVOT": 1, "ERA_UNFENCED": 1, "NO_FENCE": 1,
           "LEASE_TOKEN": 1, "ANY_RESULT": 3, "PIVOT_WHEN_DONE": 8, "ABORT_ANY": 1, "LSN_OF_OLD_ERA": 2, "APPEND_IGNORED": 2,
           "NARROW_FIRST": 1, "DONE_TOO_EARLY": 1, "OLD_PROOF": 301, "GIVEN_UP_LOUD": 10,
           "RESTORED_UNREAD": 9, "OLD_COPY_SENDS": 447}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--keep", help="a folder: the scripts stay there")
    p.add_argument("--jobs", type=int, default=1)
    p.add_argument("--crashing", type=int, default=0, help="so many seeds with crashes")
    p.add_argument("--faults", metavar="TWIN", help="the simulator whose core can have faults planted: with one it must be refused")
    p.add_argument("--whole", action="store_true", help="follow them; nothing is left out")
    p.add_argument("--show", action="store_true", help="print the script's lines")
    p.add_argument("sim")
    p.add_argument("pan")
    p.add_argument("seeds", type=int, nargs="*")
    o = p.parse_args()
    with tempfile.TemporaryDirectory() as made, concurrent.futures.ThreadPoolExecutor(o.jobs) as pool:
        f = Follower(o, o.keep or made, pool)
        for seed in o.seeds:
            script = f.script(seed)
            for i, about in enumerate(script.about if o.show else []):
                print(i, about)
            if not f.aside(seed, script):
                f.one(seed, script)
        f.crashing(o.crashing)
        if o.faults:
            list(pool.map(lambda x: f.fault(*x), PLANTED.items()))
        return f.conclude()


if __name__ == "__main__":
    sys.exit(main())
