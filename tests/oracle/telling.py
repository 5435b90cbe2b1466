"""What happened, as text: the same words for the oracle and for the program, so that the two can be compared line by
line, and a mail administrator can read it."""
from types import SimpleNamespace as Bag

HOLDS = {"pause", "blind", "cooldown", "budget", "blackout", "unfit", "queues", "stood-down", "base", "mode",
         "one-shot", "evidence", "class"}


def guards_of(said):
    """Names of the guards that stand before the colon in the program's reasons."""
    reasons = [x for x in said.split(" | ") if ":" in x and ": bypassed by" not in x]
    found = {x.split(":")[0].strip() for x in reasons} & (HOLDS | {"soak"})
    return {"blind"} if "blind" in found else found


def program(output):
    """{case: [Bag]} from what `tests/table trace` printed."""
    out, now, held, t_held = {}, [], set(), None
    for line in output.split("\n"):
        w = line.split("\t")
        if w[0] == "did":
            now.append(Bag(kind="did", t=int(w[1]), row=int(w[2]), event=w[3], before=w[4], after=w[5], act=w[6],
                           proc=None if w[7] == "-" else w[7], exit=None if w[8] == "-1" else int(w[8]),
                           guards=guards_of(w[9]), said=w[9]))
        elif w[0] == "held":
            g = guards_of(w[2]) & HOLDS
            if now and now[-1].kind == "held" and now[-1].t == int(w[1]):
                now[-1].guards = g
            else:
                now.append(Bag(kind="held", t=int(w[1]), guards=g))
        elif w[0] == "seen":
            now.append(Bag(kind="look", t=int(w[1]), state=w[2], blind=None if w[3] == "sees" else w[3], diags=[],
                           paths={}))
        elif w[0] == "diag":
            met, confirmed, cleared, known = (x == "1" for x in w[3:7])
            now[-1].diags.append(Bag(d=Bag(name=w[2]), met=met, confirmed=confirmed, cleared=cleared, known=known,
                                     groups=int(w[7]), groups_known=int(w[8]), receivers=int(w[9]), share=int(w[10]),
                                     only_class=None if w[11] == "-" else w[11]))
        elif w[0] == "path":
            now[-1].paths[w[2]] = w[3]
        elif line.startswith(("ok   ", "FAIL ")):
            out[line[5:]] = changes_only(now) if line.startswith("ok") else None
            now = []
    return out


def changes_only(items):
    """Without what holds nothing new back."""
    out, held = [], set()
    for x in items:
        if x.kind == "held":
            if x.guards == held:
                continue
            held = x.guards
        out.append(x)
    return out


def clock(ms):
    """90500 -> 1m30s500ms."""
    out = ""
    for unit, n in (("h", 3600000), ("m", 60000), ("s", 1000), ("ms", 1)):
        if ms >= n:
            out += f"{ms // n}{unit}"
            ms %= n
    return out or "0s"


def did(x):
    row = f"row {x.row}" if x.row else "order"
    if x.act == "refused":
        event = x.event if x.row else ""
        why = ": " + ", ".join(sorted(x.guards & (HOLDS | {"soak"}))) if x.guards & (HOLDS | {"soak"}) else ""
        return f"{row:9}{event:21}refused, exit {x.exit}{why}"
    text = f"{row:9}{x.event:21}{x.before}" + ("" if x.after == x.before else f" -> {x.after}")
    if x.act != "stay":
        text += f", {x.act}"
        if x.act in ("shelter", "ask", "cutover", "failback"):
            text += f" {x.proc}"
    return text + (f", exit {x.exit}" if x.exit is not None else "")


def look(x):
    yield f"{'seen':9}{x.state}, " + ("blind" if x.blind else "it sees")
    for v in x.diags:
        state = "met, confirmed" if v.confirmed else "met" if v.met else "cleared" if v.cleared else "not met"
        only = f", {v.only_class} alone" if v.only_class else ""
        yield (f"{'seen':9}{v.d.name}: {state}; bad: {v.groups} of {v.groups_known} groups, {v.receivers} receivers, "
               f"{v.share // 100}.{v.share % 100:02}%{only}")
    yield f"{'seen':9}" + ", ".join(f"{name} {word}" for name, word in x.paths.items())


def tell(items):
    """The lines of expected.txt."""
    out = []
    for x in items:
        if x.kind == "held":
            out.append((x.t, f"{'held':9}" + (", ".join(sorted(x.guards)) or "by nothing any more")))
        elif x.kind == "look":
            out += [(x.t, line) for line in look(x)]
        else:
            out.append((x.t, did(x)))
    return [f"{clock(t):10} {line}".rstrip() for t, line in out]
