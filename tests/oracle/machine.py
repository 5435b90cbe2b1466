"""One machine (playbook and flow): what the evidence leads to, what holds it back, and what people may order (DESIGN
sections 1, 4, 6, 7, 9). Where a state leads is lifecycle.cell's; here is which event comes, and its guards."""
from types import SimpleNamespace as Bag

import lifecycle
from rules import has

GUARDS = ["pause", "blind", "cooldown", "budget", "blackout", "unfit", "soak", "queues"]  # that an override may name
RIGHT = {"cutover": "run", "failback": "run", "continue": "run", "eject": "run", "approve": "approve",
         "deny": "approve", "abort": "brake", "pause": "brake", "resume": "brake"}
NUMBERS = lifecycle.rows()


class Machine:
    def __init__(self, pb, evidence, flow, state):
        self.pb, self.ev, self.flow, self.state = pb, evidence, flow, state
        self.t = 0
        self.shift = 0  # what the wall clock was set by, all in all
        self.shifts = {}  # and what it was at some moments
        self.paused = None
        self.settled = "not-yet"
        self.run, self.run_is_failback, self.pivoted = "none", False, False
        self.shelter, self.shelter_until, self.shelter_told = False, None, False
        self.unfit_told = False
        self.led_by = None
        self.asked, self.asked_at = None, None  # the response that people were asked about
        self.home_asked = False
        self.approvals, self.denied = set(), False
        self.stood_down = None
        self.cutovers, self.last_move = 0, None
        self.queues_drained, self.plan_ready, self.one_shot = True, True, False
        self.no_cutover, self.no_failback = False, False
        self.story = []  # what was done, in order
        self.held = set()
        kinds = [p for p in pb.procedures.values() if p.kind == "cutover" and p.flow == flow]
        self.cutover = kinds[0] if kinds else None

    # --- what is known ---

    def diags(self):
        return [self.ev.views[d.name] for d in self.pb.diagnoses if d.flow == self.flow or not has("flow")]

    def backup(self):
        if self.cutover:
            return self.cutover.to
        return max(self.pb.paths.values(), key=lambda p: p.prefer)

    def backup_unfit(self):
        return self.ev.path_unfit(self.backup(), self.flow)

    def primary_ok(self):
        return self.ev.path_ok(self.pb.primary, self.flow)

    def soaked_at(self):
        since = self.ev.ok_since.get((self.pb.primary.name, self.flow))
        if since is None or self.cutover is None or self.cutover.failback is None:
            return None
        return since + (self.cutover.failback.soak if has("soak") else 0)

    def soaked(self):
        at = self.soaked_at()
        return at is not None and self.t >= at

    def mode(self, r):
        proc = self.pb.procedures.get(r.run)
        if not has("mode"):
            return "automatic"
        if not has("mode-cap"):
            return r.mode
        if proc and proc.kind == "shelter" and has("mode-shelter"):
            return "observe" if self.pb.mode == "observe" else r.mode
        order = ["observe", "approve", "automatic"]
        return min(self.pb.mode, r.mode, key=order.index)

    def due(self, kind):
        """(response, procedure, diagnosis) of this kind whose time has come, in the order of the responses."""
        for r in self.pb.responses:
            for v in self.diags():
                proc = self.pb.procedures.get(r.run)
                if r.on != v.d.name or proc is None or proc.kind != kind or proc.flow != self.flow:
                    continue
                if v.confirmed or (v.met and (r.at == "suspect" or not has("at-suspect"))):
                    yield r, proc, v

    def note(self, name):
        self.shifts[name] = self.shift

    def passed(self, since, name):
        """The time since then; without the rule, what the wall clock makes of it."""
        return self.t - since + (0 if has("elapsed") else self.shift - self.shifts.get(name, 0))

    # --- what holds back ---

    def brakes(self, kind):
        """Guards of what would start by itself; `kind` is cutover, failback or shelter."""
        g = set()
        if not self.plan_ready and kind != "shelter" and has("plan"):
            g.add("base")
        if kind == "cutover":
            g |= self.cutover_brakes()
        if kind == "ask" and self.backup_unfit() and has("unfit"):
            g.add("unfit")  # a person is told, and may order it
        if kind == "failback":
            if self.no_failback and has("blackout-failback"):
                g.add("blackout")
            g |= self.queue_guard()
        return g

    def cutover_brakes(self):
        g = set()
        if has("cooldown") and self.last_move is not None and self.passed(self.last_move, "move") < self.pb.cooldown:
            g.add("cooldown")
        if has("budget") and self.cutovers >= self.pb.budget:
            g.add("budget")
        if self.no_cutover and has("blackout-cutover"):
            g.add("blackout")
        if self.backup_unfit() and has("unfit"):
            g.add("unfit")
        return g

    def queue_guard(self):
        back = self.cutover and self.cutover.failback
        waits = back and "queues-drained" in back.require and not self.queues_drained
        return {"queues"} if waits and has("queues") else set()

    def one_class(self, v):
        alone = v.only_class and self.flow == "outbound"  # inbound, the one that receives is ourselves
        return {"class"} if alone and has("one-class") else set()

    # --- what comes next: (event, procedure, guards, what to remember) ---

    def events(self):
        yield from self.run_events()
        s = self.state
        if s == "settling" or (s == "blocked" and self.run == "none"):
            yield from self.target_events()
            if s == "settling" and not has("settle"):
                self.state = "normal"
        if self.one_shot and has("one-shot") and s in lifecycle.RESTING:
            self.held.add("one-shot")
            return
        accused = s == "normal" and any(v.met for v in self.diags()) and has("harm-first")
        if s in lifecycle.RESTING and not accused:
            yield from self.old_shelter_events()
        if s in lifecycle.AT_HOME:
            yield from self.home_events()
        if accused:
            yield from self.old_shelter_events()
        if s == "awaiting-approval":
            yield from self.answer_events()
        if s in lifecycle.AWAY:
            yield from self.away_events()
        if s in lifecycle.AT_HOME:
            yield from self.unfit_events()

    def run_events(self):
        if not has("run-ends"):
            return
        back = self.run_is_failback
        event = {"done": "failback-done" if back else "run-done",
                 "undone": "failback-rolled-back" if back else "run-rolled-back",
                 "blocked": "run-blocked", "backward": "run-rolling-back"}.get(self.run)
        if self.run in ("forward", "pivoted"):
            event = "open-failback-found" if back else "open-run-found"
        if event:
            yield event, None, set(), None

    def target_events(self):
        event = {"primary": "targets-on-primary", "backup": "targets-on-backup", "mixture": "targets-mixed"}
        if self.settled in event and not (self.state == "blocked" and self.settled == "mixture"):
            yield event[self.settled], None, set(), None

    def home_events(self):
        """Mail runs on the primary."""
        views = self.diags()
        led = [v for v in views if v.d.name == self.led_by] or views
        if (self.state != "normal" or self.shelter) and led and has("unshelter"):
            if all(v.cleared for v in led) and not any(v.met for v in views):
                yield "diagnosis-cleared", None, set(), None
        for r, proc, v in self.due("shelter"):
            if not self.shelter or not has("one-shelter"):
                g = self.brakes("shelter") | self.one_class(v)
                if self.mode(r) == "automatic":
                    yield "shelter-due", proc, g, v
                elif self.mode(r) == "observe":
                    yield "shelter-due", proc, {"mode"}, v
                break
        if self.state == "normal":
            for v in views:
                if v.met:
                    yield "diagnosis-met", None, set(), v
        if self.state == "suspect":
            yield from self.cutover_events()

    def cutover_events(self):
        for r in self.pb.responses:
            if r.run is None and self.ev.views[r.on].confirmed:
                yield "diagnosis-confirmed", None, {"mode"}, None  # it is only said
        for r, proc, v in self.due("cutover"):
            mode = self.mode(r)
            if mode == "observe":
                yield "confirmed-automatic", proc, {"mode"}, v
            elif self.stood_down == v.d.name and has("stood-down"):
                yield "diagnosis-confirmed", proc, {"stood-down"}, v
            elif mode == "automatic":
                yield "confirmed-automatic", proc, self.brakes("cutover") | self.one_class(v), v
            else:
                g = self.brakes("ask") | self.one_class(v)
                yield "diagnosis-confirmed", proc, g, Bag(d=v.d, response=r)

    def answer_events(self):
        r = self.asked
        proc = self.pb.procedures[r.run]
        if self.denied and has("deny"):
            yield "denied", None, set(), None
        if len(self.approvals) >= (r.approvers if has("approvers") else 1):
            g = self.one_class(self.ev.views[r.on]) if has("approved-class") else set()
            yield "approved", proc, self.brakes("ask") | g, None
            if has("answered"):
                return
        if r.within is not None and self.passed(self.asked_at, "ask") >= r.within and has("within"):
            if r.otherwise == "proceed":
                g = self.brakes("cutover") | self.one_class(self.ev.views[self.led_by])
                if has("proceed") and not self.ev.views[self.led_by].confirmed:
                    g.add("evidence")
                yield "time-over-proceed", proc, g, None
            else:
                yield "time-over-stand-down", None, set(), None

    def away_events(self):
        """Mail runs on the backup."""
        well = self.primary_ok()
        if self.state == "recovering" and not well:
            yield "primary-bad", None, set(), None
        yield from self.unfit_events()  # told before anything is decided about the way home
        if self.state == "on-backup" and well:
            yield "primary-healthy", None, set(), None
        if self.state == "on-backup" or not well:
            return
        back = self.cutover and self.cutover.failback
        if not back or not self.soaked():
            return
        if self.asked is not None and not has("one-question"):
            return  # an old question is taken for one about the way home
        automatic = back.mode == "automatic" and self.pb.mode == "automatic"
        if self.pb.mode == "observe" and has("observe"):
            yield "soaked", self.cutover, {"mode"}, None
        elif automatic:
            yield "soaked-automatic", self.cutover, self.brakes("failback"), None
        elif not self.home_asked or not has("ask-once"):
            yield "soaked", self.cutover, self.brakes("failback"), None
        elif self.approvals and not self.denied:
            yield "approved", self.cutover, set(), None

    def old_shelter_events(self):
        if self.shelter and self.shelter_until is not None and self.t >= self.shelter_until:
            if not self.shelter_told and has("shelter-expires"):
                yield "shelter-expired", None, set(), None

    def unfit_events(self):
        if self.backup_unfit():
            due = self.state != "suspect" or any(self.due("cutover"))
            if due and not self.unfit_told and has("unfit-told"):
                yield "backup-unfit", None, set(), None
        elif not has("unfit-anew"):
            self.unfit_told = False

    # --- doing it ---

    def flags(self):
        return bool(self.paused) and has("pause"), self.ev.blind is not None and has("blind-acts")

    def decide(self, t):
        self.t = t
        if not self.backup_unfit() and has("unfit-anew"):
            self.unfit_told = False  # also during a run, where nothing is told
        for _ in range(50):
            if not self.one_step():
                return
        raise RuntimeError("it never comes to rest")

    def one_step(self):
        self.held = set()
        paused, blind = self.flags()
        for event, proc, guards, about in self.events():
            self.held |= guards
            to = lifecycle.cell(self.state, event, paused, blind)
            if guards or to is None:
                if not guards and lifecycle.cell(self.state, event, False, blind) is not None:
                    self.held.add("pause")  # nothing but the brake is in the way
                continue
            self.apply(event, to, proc, about, paused, blind)
            return True
        if blind and self.state in lifecycle.RESTING and "one-shot" not in self.held:
            self.held = {"blind"}  # it acts on nothing, and says so
        return False

    def apply(self, event, to, proc, about, paused, blind, code=None):
        row = NUMBERS[self.state, event, paused, blind][0]
        before, (self.state, act) = self.state, to
        self.story.append(Bag(t=self.t, row=row, event=event, before=before, after=self.state, act=act,
                              proc=proc.name if proc else None, exit=code, guards=set()))
        self.remember(event, act, proc, about)
        if self.state != before:
            if before == "recovering":
                self.home_asked, self.approvals, self.denied = False, set(), False
            if self.state == "normal":
                self.led_by = None

    def remember(self, event, act, proc, about):
        if event in ("diagnosis-met", "shelter-due") and self.led_by is None:
            self.led_by = about.d.name
        if event == "shelter-due" and not has("shelter-apart"):
            self.asked_of(about.d.name, self.asked)
        if act == "shelter":
            self.shelter, self.shelter_until, self.shelter_told = True, self.t + proc.expires, False
        if act == "unshelter":
            self.shelter, self.stood_down = False, None
        if act == "ask":
            self.approvals, self.denied, self.asked_at = set(), False, self.t
            self.note("ask")
            if about is not None:
                of_first = self.led_by if self.led_by and not has("the-asked") else about.d.name
                self.asked_of(of_first, about.response)
            else:
                self.home_asked = True
        if act in ("cutover", "failback"):
            self.run, self.run_is_failback, self.pivoted = "forward", act == "failback", False
            if event in ("confirmed-automatic", "time-over-proceed"):
                self.cutovers += 1
        if act == "abort":
            self.run = "backward"
        if event in ("denied", "time-over-stand-down") and self.state == "suspect":
            self.stood_down = self.led_by
        if event == "denied":
            self.denied = False
        if event == "backup-unfit":
            self.unfit_told = True
        if event == "shelter-expired":
            self.shelter_told = True
        if event in ("run-done", "run-rolled-back", "failback-done", "failback-rolled-back"):
            self.run, self.pivoted, self.last_move = "none", False, self.t
            self.note("move")
            if event in ("run-done", "failback-done") and has("adopt"):
                self.shelter = False

    def asked_of(self, diagnosis, response):
        """It is the question of this diagnosis; of its own response, if it has one that cuts over."""
        own = [r for r in self.pb.responses if r.on == diagnosis and self.kind(r) == "cutover"]
        self.led_by = diagnosis
        self.asked = response if response in own or not own else own[0]

    def kind(self, r):
        return self.pb.procedures[r.run].kind if r.run else None

    # --- what people order ---

    def order(self, t, who, verb, overrides=(), other_plan=False, expired=False, replayed=False):
        self.t = t
        self.ev.update(t)
        paused, blind = self.flags()
        if "pause" in overrides and has("override"):
            paused = False
        to = lifecycle.cell(self.state, verb, paused, blind)
        row = None  # a guard refuses, or the table does
        code, guards = self.may(who, verb, overrides)
        if code == 0 and to is None:
            row, code = NUMBERS[self.state, verb, paused, blind][0], 3
            if lifecycle.cell(self.state, verb, False, blind) is not None:
                guards = {"pause"}
        elif code == 0 and verb in ("cutover", "failback") and other_plan and has("other-plan"):
            code = 3
        elif code == 0:
            void = {"other-plan": other_plan, "expired": expired, "replayed": replayed}
            code, guards = self.may_now(who, verb, overrides, any(v and has(n) for n, v in void.items()))
        if code not in (0, 5) or "twice" in guards:
            self.story.append(Bag(t=t, row=row, event=verb, before=self.state, after=self.state, act="refused",
                                  proc=None, exit=code, guards=guards - {"twice"}))
            return
        proc = self.cutover if verb in ("cutover", "failback") else None
        self.apply(verb, to, proc, None, paused, blind, code)
        self.obey(verb, who)

    def obey(self, verb, who):
        if verb == "pause":
            self.paused = who
        if verb == "resume":
            self.paused = None
        if verb == "approve":
            self.approvals.add(who)
        if verb == "deny":
            self.denied = True
        if verb == "continue" and self.run == "blocked":
            self.run = "forward"

    def may(self, who, verb, overrides):
        """Whether this person may say this at all: (exit code, guards in the way)."""
        if any(o not in GUARDS for o in overrides):
            return 2, set()
        rights = ["run", "approve", "brake"] if who == "owner" else self.pb.people.get(who)
        if rights is None and has("stranger"):
            return 3, set()
        if rights is not None and has("rights") and RIGHT.get(verb, "brake") not in rights and verb != "ack":
            return 3, set()
        return 0, set()

    def may_now(self, who, verb, overrides, void):
        """Whether it may be done as things stand; the table has nothing against it."""
        if verb == "approve":
            return self.may_approve(who, void)
        if verb == "deny" and not self.pending():
            return 3, set()
        if self.state == "blocked":
            code = self.may_blocked(verb)
            if code:
                return code, set()
        if verb == "abort" and self.pivoted and has("pivot"):
            return 3, set()
        if verb == "eject" and self.shelter and has("eject-shelter"):
            return 3, set()
        if self.pb.mode == "observe" and has("observe") and verb in ("cutover", "failback", "eject"):
            return 3, {"mode"}  # it has no right to write
        if verb in ("cutover", "failback"):
            return self.may_start(verb, overrides)
        return 0, set()

    def pending(self):
        return self.state == "awaiting-approval" or (self.state == "recovering" and self.home_asked)

    def may_approve(self, who, void):
        if void or not self.pending():
            return 3, set()
        if who in self.approvals and has("twice"):
            return 5, {"twice"}
        if not has("twice"):
            self.approvals.add(f"{who} {self.t}")
        need = self.asked.approvers if self.state == "awaiting-approval" and has("approvers") else 1
        return (0 if len(self.approvals | {who}) >= need else 5), set()

    def may_blocked(self, verb):
        """4: a person is needed for something else first."""
        if verb == "cutover" and self.run != "none":
            return 4
        if verb == "failback" and self.run != "none" and (self.run_is_failback or not self.pivoted):
            return 4
        if verb in ("continue", "abort") and self.run == "none":
            return 4
        return 0

    def may_start(self, verb, overrides):
        g = set()
        if verb == "cutover" and self.backup_unfit() and has("unfit"):
            g.add("unfit")
        if verb == "failback":
            if not self.soaked() and has("soak-manual"):
                g.add("soak")
            g |= self.queue_guard()
        g -= set(overrides) if has("override") else set()
        if len(g) > 1 and not has("each-guard"):
            g = {"soak"}
        return (3 if g else 0), g

    def wakes(self):
        """Moments at which it looks again by itself."""
        if self.last_move is not None:
            yield self.last_move + self.pb.cooldown
        if self.shelter and self.shelter_until is not None:
            yield self.shelter_until
        if self.state == "awaiting-approval" and self.asked and self.asked.within is not None:
            yield self.asked_at + self.asked.within
        at = self.soaked_at()
        if at is not None:
            yield at
