"""A case's timeline (tests/README.md, `decision`) played through the oracle."""
import os
import shlex
from types import SimpleNamespace as Bag

import playbook
from evidence import Evidence
from machine import Machine

START = {"state": "normal", "flow": "outbound", "playbook": "automatic"}
NEVER = 1 << 60


def words(line):
    lex = shlex.shlex(line, posix=True)
    lex.whitespace_split, lex.commenters, lex.quotes = True, "#" if not line.strip().startswith("replace") else "", '"'
    return [w.encode().decode("unicode_escape").encode("latin-1").decode("utf-8") if "\\" in w else w for w in lex]


def cases(text):
    """[(name, lines)] of a table; comments are left out."""
    out = []
    for line in text.split("\n"):
        if line.startswith("case "):
            out.append((line[5:], []))
        elif out and line.strip() and not line.startswith("#"):
            out[-1][1].append(line)
    return out


class Story:
    def __init__(self, lines, books):
        self.lines = [words(x) for x in lines]
        self.setting = dict(START)
        self.facts, self.edits = [], []
        self.end = 0
        self.moments = []
        self.looks = []
        for w in self.lines:
            self.read(w)
        text = find_playbook(self.setting["playbook"], books)
        for a, b in self.edits:
            if text.count(a) != 1:
                raise ValueError(f"stands {text.count(a)} times in the playbook: {a}")
            text = text.replace(a, b)
        self.pb = playbook.load(text)

    def read(self, w):
        if w[0] in ("at", "from", "look"):
            t = playbook.duration(w[1])
            self.end = max(self.end, t)
            (self.looks if w[0] == "look" else self.moments).append((t, w))
        elif w[0] == "want":
            when = w[4] if w[1] == "first" else w[1]
            self.end = max(self.end, playbook.duration(when)) if when[0].isdigit() else self.end
        elif w[0] == "end":
            self.end = max(self.end, playbook.duration(w[1]))
        elif w[0] == "fact":
            self.facts.append(w[1:])
        elif w[0] == "replace":
            self.edits.append((w[1], w[3]))
        elif w[0] in START:
            self.setting[w[0]] = w[1]
        else:
            raise ValueError(f"cannot be read: {w}")

    def play(self):
        """[Bag] of what is done, what holds back and what is seen at the looks, in order."""
        self.ev = Evidence(self.pb)
        self.m = Machine(self.pb, self.ev, self.setting["flow"], self.setting["state"])
        self.now, self.told, self.held, self.out = 0, 0, set(), []
        self.streams = [Bag(s=s, subject=n, cls=c, answer=None, next=0) for s in self.pb.signals for n, c in s.subjects]
        for f in self.facts:
            self.fact(*f)
        looks = sorted(self.looks, key=lambda x: x[0])
        t = 0
        while t <= self.end:
            self.moment(t)
            self.tell()
            after = self.next_moment(t)
            while looks and looks[0][0] < min(after, self.end + 1):
                self.look(looks.pop(0)[0])
            t = after
        return self.out

    def next_moment(self, t):
        later = [m for m, _ in self.moments if m > t]
        later += [x.next for x in self.streams if x.answer and x.next > t]
        later += [w for w in self.ev.wakes(t) if w > t] + [w for w in self.m.wakes() if w > t]
        return min(later, default=NEVER)

    def moment(self, t):
        self.now = self.m.t = t
        for at, w in self.moments:
            if at != t:
                continue
            if w[0] == "from":
                self.begin(w)
            else:
                self.happens(w)
        for x in self.streams:
            if x.answer and x.next <= t:
                self.answer(x, x.answer)
                x.next = t + x.s.every
        self.ev.update(t)
        self.m.decide(t)

    def meant(self, what):
        for x in self.streams:
            if what in ("all", x.s.name, f"{x.s.name}/{x.subject}") or (what == "anchors" and x.s.anchor):
                yield x

    def begin(self, w):
        for x in self.meant(w[2]):
            x.answer = None if w[3] == "silent" else w[3:]
            x.next = self.now

    def answer(self, x, w):
        harm, via, cls = False, None, x.cls
        rest = w[1:]
        while rest:
            word = rest.pop(0)
            if word == "harm":
                harm = True
            elif word == "via":
                via = rest.pop(0)
            elif word == "class":
                cls = rest.pop(0)
        self.ev.seen(self.now, x.s, x.subject, cls, w[0], harm, via)

    def happens(self, w):
        m = self.m
        if w[2] == "fact":
            self.fact(w[3], w[4])
        elif w[2] == "run":
            m.run = w[3]
            m.pivoted = m.pivoted or w[3] == "pivoted"
        elif w[2] == "clock":
            by = playbook.duration(w[3][1:])
            by = -by if w[3][0] == "-" else by
            m.shift += by
            self.ev.jump(self.now, by)
        elif w[2].endswith(":"):
            overrides = [w[i + 1] for i in range(4, len(w)) if w[i] == "override"]
            m.order(self.now, w[2][:-1], w[3], overrides, "other-plan" in w, "expired" in w, "replayed" in w)
        else:
            for x in self.meant(w[2]):
                self.answer(x, w[3:])

    def fact(self, name, value):
        m, yes = self.m, value == "yes"
        if name == "settled":
            m.settled = value
        elif name == "run":
            m.run = value
            m.pivoted = m.pivoted or value == "pivoted"
        elif name == "run-is-failback":
            m.run_is_failback = yes
        elif name == "run-pivoted":
            m.pivoted = yes
        elif name == "shelter":
            m.shelter = value != "none"
            m.shelter_until = max(self.now, 1) if value == "ended" else None
        elif name == "queues-drained":
            m.queues_drained = yes
        elif name == "plan-ready":
            m.plan_ready = yes
        elif name == "one-shot":
            m.one_shot = yes
        elif name == "blackout-cutover":
            m.no_cutover = yes
        elif name == "blackout-failback":
            m.no_failback = yes
        elif name == "cutovers":
            m.cutovers = int(value)
        elif name == "last-cutover-ago":
            m.last_move = self.now - playbook.duration(value)
            m.note("move")
        else:
            raise ValueError(f"no fact {name}")

    def tell(self):
        for d in self.m.story[self.told:]:
            self.out.append(Bag(kind="did", **vars(d)))
        self.told = len(self.m.story)
        if self.m.held != self.held:
            self.held = set(self.m.held)
            self.out.append(Bag(kind="held", t=self.now, guards=set(self.held)))

    def look(self, t):
        self.ev.update(t)
        paths = {}
        for p in self.pb.paths.values():
            ok, unfit = self.ev.path_ok(p, self.m.flow), self.ev.path_unfit(p, self.m.flow)
            paths[p.name] = "ok" if ok else "unfit" if unfit else "neither"
        self.out.append(Bag(kind="look", t=t, state=self.m.state, blind=self.ev.blind,
                            diags=[Bag(**vars(self.ev.views[d.name])) for d in self.pb.diagnoses], paths=paths))


def find_playbook(name, books):
    """Its text; `books` is a mapping of names to texts, or a list of folders."""
    if isinstance(books, dict):
        return books[name]
    for f in books:
        path = os.path.join(f, name + ".yaml")
        if os.path.exists(path):
            return open(path, encoding="utf-8").read()
    raise ValueError(f"no playbook {name}")
