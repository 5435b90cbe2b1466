"""The table of states as the design wants it: for each state, event and brake where it leads and what it does, or that
it is refused. Written as rules; `rows` reads docs/STATES.md, where the numbers of the rows stand."""
import re

STATES = ["settling", "normal", "suspect", "awaiting-approval", "cutting-over", "on-backup", "recovering",
          "failing-back", "rolling-back", "blocked"]
EVENTS = ["targets-on-primary", "targets-on-backup", "targets-mixed", "open-run-found", "open-failback-found",
          "diagnosis-met", "shelter-due", "diagnosis-confirmed", "confirmed-automatic", "diagnosis-cleared",
          "approved", "denied", "time-over-proceed", "time-over-stand-down", "run-done", "run-rolled-back",
          "failback-done", "failback-rolled-back", "run-blocked", "run-rolling-back", "primary-healthy",
          "primary-bad", "soaked", "soaked-automatic", "backup-unfit", "shelter-expired", "cutover", "failback",
          "abort", "continue", "approve", "deny", "pause", "resume", "ack", "eject"]
AT_HOME = ("normal", "suspect", "awaiting-approval")
AWAY = ("on-backup", "recovering")
RESTING = AT_HOME + AWAY
RUNNING = ("cutting-over", "failing-back", "rolling-back")
REFUSED = None


def held_back(paused, blind):
    return paused or blind


def targets(s, e):
    """What the targets show, where no run of ours explains it."""
    where = {"targets-on-primary": "normal", "targets-on-backup": "on-backup", "targets-mixed": "blocked"}[e]
    if s in RUNNING:
        return REFUSED  # a run reads them itself
    if s == "settling":
        return where, "alarm" if where == "blocked" else "stay"
    if s == "blocked":
        return where, "stay"
    if where == "blocked":
        return where, "alarm"
    as_known = (where == "normal") == (s in AT_HOME)
    return (s, "stay") if as_known else (where, "alarm")


def found(s, e):
    """The journal holds a run that is open."""
    if s in RUNNING:
        return REFUSED
    return "cutting-over" if e == "open-run-found" else "failing-back", "continue" if s == "settling" else "stay"


def ends(s, e):
    """A run has ended, or stopped: where mail is then."""
    if e == "run-blocked":
        return REFUSED if s == "blocked" else ("blocked", "alarm")
    if e == "run-rolling-back":
        if s == "rolling-back":
            return REFUSED
        return "rolling-back", {"settling": "continue", "cutting-over": "alarm", "failing-back": "alarm"}.get(s, "stay")
    if s == "settling":
        return s, "stay"  # the targets say it
    mine = {"cutting-over": ("run-done", "run-rolled-back"), "failing-back": ("failback-done", "failback-rolled-back")}
    if s in mine and e not in mine[s]:
        return REFUSED
    unexpected = {"cutting-over": "run-rolled-back", "failing-back": "failback-rolled-back"}.get(s) == e
    forward_after_all = s == "rolling-back" and e in ("run-done", "failback-done")
    to = "on-backup" if e in ("run-done", "failback-rolled-back") else "normal"
    return to, "alarm" if unexpected or forward_after_all else "stay"


def of_evidence(s, e, paused, blind):
    """What is seen of the primary while mail runs there."""
    if e == "diagnosis-met":
        return ("suspect", "stay") if s == "normal" and not blind else REFUSED
    if e == "shelter-due":
        if s not in AT_HOME or held_back(paused, blind):
            return REFUSED
        return "suspect" if s == "normal" else s, "shelter"
    if e == "diagnosis-cleared":
        return ("normal", "unshelter") if s in AT_HOME and not held_back(paused, blind) else REFUSED
    if s != "suspect" or held_back(paused, blind):
        return REFUSED
    return ("awaiting-approval", "ask") if e == "diagnosis-confirmed" else ("cutting-over", "cutover")


def of_answers(s, e, paused, blind):
    """What people answered, or did not."""
    if s == "awaiting-approval":
        if e == "approved":
            return REFUSED if paused else ("cutting-over", "cutover")
        if e == "denied":
            return "suspect", "stay"
        if e == "time-over-stand-down":
            return "suspect", "alarm"
        return REFUSED if held_back(paused, blind) else ("cutting-over", "cutover")
    if s == "recovering":  # a failback never goes on because nobody answered
        if e == "approved":
            return REFUSED if paused else ("failing-back", "failback")
        if e == "denied":
            return "recovering", "stay"
    return REFUSED


def of_way_home(s, e, paused, blind):
    if e == "primary-healthy":
        return ("recovering", "stay") if s == "on-backup" and not blind else REFUSED
    if e == "primary-bad":
        return ("on-backup", "stay") if s == "recovering" and not blind else REFUSED
    if s != "recovering" or held_back(paused, blind):
        return REFUSED
    return ("recovering", "ask") if e == "soaked" else ("failing-back", "failback")


def of_worry(s, e, blind):
    """Told, never acted upon; in a run or blocked it belongs to that."""
    if s not in RESTING or (e == "backup-unfit" and blind):
        return REFUSED
    return s, "alarm"


def order(s, e, paused):
    """A person's order. Blindness does not bind a person; the brake must be named."""
    if e == "pause":
        return s, "stay"
    if e == "resume":
        return (s, "stay") if paused else REFUSED
    if e == "ack":
        return s, "stay"
    if e in ("approve", "deny"):
        return (s, "stay") if s in ("awaiting-approval", "recovering") else REFUSED
    where = {
        "cutover": AT_HOME + ("blocked",),
        "failback": AWAY + ("blocked",),
        "abort": ("cutting-over", "failing-back", "blocked"),
        "continue": RUNNING + ("blocked",),
        "eject": ("normal",),
    }[e]
    if s not in where or paused:
        return REFUSED
    return {"cutover": "cutting-over", "failback": "failing-back", "abort": "rolling-back"}.get(e, s), e


def cell(s, e, paused=False, blind=False):
    """(next state, what is done), or REFUSED."""
    if e.startswith("targets-"):
        return targets(s, e)
    if e in ("open-run-found", "open-failback-found"):
        return found(s, e)
    if e in ("run-done", "run-rolled-back", "failback-done", "failback-rolled-back", "run-blocked", "run-rolling-back"):
        return ends(s, e)
    if e in ("diagnosis-met", "shelter-due", "diagnosis-confirmed", "confirmed-automatic", "diagnosis-cleared"):
        return of_evidence(s, e, paused, blind)
    if e in ("approved", "denied", "time-over-proceed", "time-over-stand-down"):
        return of_answers(s, e, paused, blind)
    if e in ("primary-healthy", "primary-bad", "soaked", "soaked-automatic"):
        return of_way_home(s, e, paused, blind)
    if e in ("backup-unfit", "shelter-expired"):
        return of_worry(s, e, blind)
    return order(s, e, paused)


WHEN = {  # the column `when` of docs/STATES.md: (paused, blind) that it allows
    "": lambda p, b: True,
    "not blind": lambda p, b: not b,
    "blind": lambda p, b: b,
    "not paused": lambda p, b: not p,
    "paused": lambda p, b: p,
    "neither paused nor blind": lambda p, b: not p and not b,
    "blind, not paused": lambda p, b: b and not p,
}


def rows(path="docs/STATES.md"):
    """{(state, event, paused, blind): (row, next state or None, what it does)} as the document has it; the first row
    of a cell wins."""
    out, state = {}, None
    for line in open(path, encoding="utf-8"):
        if line.startswith("## "):
            state = line[3:].strip()
        m = re.match(r"\| (\d+) \| `([a-z-]+)` \|([^|]*)\| (`[a-z-]+`|refused) \|([^|]*)\|", line)
        if not m or state not in STATES:
            continue
        row, event, when, to, act = (x.strip() for x in m.groups())
        for paused in (False, True):
            for blind in (False, True):
                if WHEN[when](paused, blind):
                    out.setdefault((state, event, paused, blind),
                                   (int(row), None if to == "refused" else to.strip("`"), act))
    return out
