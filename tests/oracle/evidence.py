"""What was answered, and what it adds up to (DESIGN sections 4 and 6). Times are milliseconds.

A key is (signal, path that the answer is about, subject). Each key keeps its last known answers; what they say
together, its health, is `ok`, `bad` or None: unknown."""
from types import SimpleNamespace as Bag

from rules import has

STEADY = 30000  # docs/operations.md: a clock that jumped is believed again after 30 steady seconds


class Key:
    def __init__(self, signal, path, subject):
        self.signal, self.path, self.subject = signal, path, subject
        self.depth = max(signal.rise[1], signal.fall[1])
        self.answers = []  # (time, "ok" or "bad", harm, in the dark), the newest last
        self.cls = ""  # receiver class; "" = not about receivers
        self.health = None
        self.last = None  # the last health that was known
        self.sum = None  # all that a conclusion can depend on

    def put(self, t, verdict, harm, cls, dark):
        self.cls = cls or self.cls
        if verdict == "unknown":
            if has("unknown"):
                return
            verdict = "bad"
        if verdict == "degraded":
            verdict = self.signal.degraded if has("degraded") else "bad"
        self.answers = (self.answers + [(t, verdict, harm, dark)])[-self.depth:]

    def judge(self, t):
        if has("stale"):
            if self.answers and t - self.answers[-1][0] >= self.signal.stale:
                self.answers = []
        if not self.answers:
            self.health = self.sum = None
            return
        (rise_n, rise_m), (fall_n, fall_m) = self.signal.rise, self.signal.fall
        bad = sum(1 for a in self.answers[-rise_m:] if a[1] == "bad")
        good = sum(1 for a in self.answers[-fall_m:] if a[1] == "ok")
        if bad >= (rise_n if has("rise") else 1):
            self.health = "bad"
        elif good >= (fall_n if has("fall") else 1):
            self.health = "ok"
        self.last = self.health or self.last
        self.sum = (self.health, len(self.answers), bad, self.answers[-1][1:], self.harm(),
                    self.believed_bad(), self.cls)

    def lit(self):
        """The answers since the last one that came in the dark: while our own line was down, and it may be of that."""
        count = self.answers[-self.signal.rise[1]:]
        dark = [i for i, a in enumerate(count) if a[3] and has("dark")]
        return count[dark[-1] + 1:] if dark else count

    def harm(self):
        """It is bad, and mail itself was refused or late."""
        return self.health == "bad" and any(a[1] == "bad" and a[2] for a in self.lit())

    def believed_bad(self):
        return self.health == "bad" and any(a[1] == "bad" for a in self.lit())

    def fell_silent(self):
        """It was bad when last heard. Not asked of a signal of another path, whose messages only passed here."""
        return self.last == "bad" and self.health is None and self.path is self.signal.path


class Evidence:
    def __init__(self, pb):
        self.pb = pb
        self.keys = {}
        self.owner = {a: p for p in pb.paths.values() for a in p.egress}
        self.jumped = None  # when the wall clock last moved against the time that passes
        self.agreed = True  # an anchor has answered since
        self.met_since = {d.name: None for d in pb.diagnoses}
        self.clear_since = {d.name: None for d in pb.diagnoses}
        self.ok, self.ok_since = {}, {}
        self.speak = {}  # keys by path and direction
        self.sums = {}  # what the conclusions were drawn from
        self.views = {}
        self.blind = None

    def seen(self, t, signal, subject, cls, verdict, harm=False, via=None):
        path = signal.path
        if via is not None and not signal.anchor:
            owner = self.owner.get(via)
            if owner is None and signal.flow != "inbound" and has("nobody"):
                return  # a door of ours may name itself; what leaves by a stranger's gateway is not ours
            path = owner if owner is not None and has("attributed") else path
        k = (signal.name, path.name if path else None, subject)
        if k not in self.keys:
            self.keys[k] = Key(signal, path, subject)
            self.speak, self.sums = {}, {}
        key = self.keys[k]
        key.judge(t)  # what is stale by now votes no more, also if the next answer comes in that very moment
        key.put(t, verdict, harm, cls, self.in_the_dark(t))
        if signal.anchor and verdict != "unknown" and key.answers[-1][1] == "ok":
            self.agreed = True
        before = key.sum
        key.judge(t)
        if key.sum != before:
            self.update(t)  # each answer is an event of its own, also when others come in the same instant

    def jump(self, t, by):
        """The wall clock moved by so much against the time that has passed."""
        if abs(by) > 2000:
            self.jumped, self.agreed = t, False

    def of_path(self, path, flow):
        """The keys that speak of this path in this direction."""
        if (path.name, flow) not in self.speak:
            self.speak[path.name, flow] = [
                k for k in self.keys.values()
                if not k.signal.anchor and (k.path is path or not has("path")) and
                (k.signal.flow in (None, flow) or not has("flow"))]
        return self.speak[path.name, flow]

    def update(self, t):
        for k in self.keys.values():
            if k.answers and t >= k.answers[-1][0] + k.signal.stale:
                k.judge(t)
        self.blind = self.why_blind(t)
        for d in self.pb.diagnoses:
            sums = [k.sum for k in self.of_path(d.path, d.flow)]
            if self.sums.get(d.name) != sums:
                self.sums[d.name] = sums
                self.views[d.name] = self.view(d)
            self.ripen(t, d, self.views[d.name])
        for p in self.pb.paths.values():
            for flow in ("outbound", "inbound"):
                sums = [k.sum for k in self.of_path(p, flow)]
                if self.sums.get((p.name, flow)) != sums:
                    self.sums[p.name, flow] = sums
                    self.ok[p.name, flow] = self.path_ok(p, flow)
                ok = self.ok[p.name, flow]
                self.ok_since[p.name, flow] = (self.ok_since.get((p.name, flow)) or t) if ok else None

    def clock_doubted(self, t):
        doubted = not self.agreed and has("agrees")
        return self.jumped is not None and has("clock") and (t - self.jumped < STEADY or doubted)

    def in_the_dark(self, t):
        """What is heard now may be of ourselves (docs/reliability.md, promise 2)."""
        return self.cut_off(t) or (self.clock_doubted(t) and has("dark-clock"))

    def why_blind(self, t):
        if self.clock_doubted(t):
            return "clock"
        return "anchors" if self.anchors(t) < 2 and has("anchors") else None

    def anchors(self, t):
        """How many answer, now."""
        return sum(1 for k in self.keys.values() if k.signal.anchor and k.answers and k.answers[-1][1] == "ok" and
                   t - k.answers[-1][0] < k.signal.stale)

    def cut_off(self, t):
        """The anchors were asked, and do not answer."""
        asked = sum(1 for k in self.keys.values() if k.signal.anchor)
        return self.anchors(t) < 2 and asked == sum(1 for s in self.pb.signals if s.anchor)

    def view(self, d):
        keys = [k for k in self.of_path(d.path, d.flow) if k.signal.group in d.of or not has("of")]
        must = [k for k in keys if k.signal.group in d.must or not has("must")]
        bad = {k.signal.group if has("groups") else k.signal.name + k.subject for k in keys if k.health == "bad"}
        known = {k.signal.group for k in keys if k.health is not None}
        hurt = [k for k in must if (k.harm() if has("harm") else k.health == "bad")]
        receivers = {k.cls if has("class") else k.subject for k in hurt if k.cls}
        answers = [a for k in must for a in k.answers[-k.signal.rise[1]:]]
        failed = sum(1 for a in answers if a[1] == "bad")
        part = failed * 10000 // len(answers) if answers else 0
        v = Bag(d=d, groups=len(bad), groups_known=len(known), receivers=len(receivers), share=part, only_class=None)
        if len(receivers) == 1 and all(k.cls for k in hurt):
            v.only_class = next(iter(receivers))
        v.met = (len(bad) >= d.groups and bool(hurt) and
                 (len(receivers) >= d.receivers or not has("receivers")) and
                 (part >= d.share or not has("share")))
        v.known = len(known) >= d.groups and any(g in known for g in d.must)
        v.good = not has("clear-good") or all(
            any(k.health == "ok" for k in must if k.signal.group == g) for g in d.must)
        v.sick = has("clear-sick") and any(k.health == "bad" or k.fell_silent() for k in must)
        return v

    def ripen(self, t, d, v):
        believed = self.blind is None or not has("blind-ripens")
        self.met_since[d.name] = (self.met_since[d.name] or t) if v.met and believed else None
        clearing = not v.met and v.good and not v.sick and believed
        self.clear_since[d.name] = (self.clear_since[d.name] or t) if clearing else None
        hold = d.hold if has("for") else 0
        clear = d.clear if has("clear") else 0
        met, clr = self.met_since[d.name], self.clear_since[d.name]
        v.confirmed = met is not None and t - met >= hold
        v.cleared = clr is not None and t - clr >= clear

    def path_ok(self, path, flow):
        keys = list(self.of_path(path, flow))
        return (any(k.health == "ok" and (k.signal.sees_harm or not has("path-ok-harm")) for k in keys) and
                not (has("path-ok-bad") and any(k.health == "bad" for k in keys)) and
                not (has("path-ok-silent") and any(k.fell_silent() for k in keys)))

    def path_unfit(self, path, flow):
        """One sick receiver is no reason (the design says so of the primary): most of those who speak say bad, or most
        of the receivers do."""
        speak = [k for k in self.of_path(path, flow) if k.signal.sees_harm and k.health is not None]
        bad = [k for k in speak if k.believed_bad()]
        most = 2 * len(bad) > len(speak) or not has("path-one")
        refuse, receivers = {k.cls for k in bad if k.cls}, {k.cls for k in speak if k.cls}
        most = most or (len(refuse) > 1 and 2 * len(refuse) > len(receivers) and has("path-receivers"))
        return has("path-unfit") and bool(bad) and most

    def wakes(self, t):
        """Moments after t at which something changes by time alone."""
        for k in self.keys.values():
            if k.answers:
                yield k.answers[-1][0] + k.signal.stale
        if self.jumped is not None:
            yield self.jumped + STEADY
        for d in self.pb.diagnoses:
            if self.met_since[d.name] is not None:
                yield self.met_since[d.name] + d.hold
            if self.clear_since[d.name] is not None:
                yield self.clear_since[d.name] + d.clear
