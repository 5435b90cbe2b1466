"""A playbook as the oracle reads it: keys and defaults as docs/PLAYBOOK.md tells them."""
import functools
import re
from types import SimpleNamespace as Bag

import yaml

LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
UNITS = {"ms": 1, "s": 1000, "m": 60000, "h": 3600000, "d": 86400000}
SEES_HARM = {"canary", "smtp"}  # the others see causes, or nothing of mail at all


def duration(text):
    """`1h30m` in milliseconds."""
    parts = re.findall(r"(\d+)(ms|[smhd])", text)
    if "".join(n + u for n, u in parts) != text or not parts:
        raise ValueError(f"no duration: {text}")
    return sum(int(n) * UNITS[u] for n, u in parts)


def n_of_m(text):
    n, m = text.split(" of ")
    return int(n), int(m)


def share(text):
    """`5%` in hundredths of a per cent."""
    return round(float(str(text).rstrip("%")) * 100)


def subjects(kind, s, path):
    """(subject, receiver class) of each thing that a signal asks about."""
    if kind == "canary":
        return [(x["receiver"], x.get("class", x["receiver"])) for x in s["seeds"]]
    if kind == "dnsbl":
        return [(str(a), "") for a in path.egress]
    return [("", "")]


def signal(name, s, paths):
    every = duration(s["every"])
    timeout = duration(s.get("timeout", "20s"))
    path = paths.get(s.get("path"))
    return Bag(
        name=name, kind=s["kind"], anchor=s.get("role") == "anchor", group=s.get("group"), path=path,
        flow=s.get("flow"), every=every,
        stale=duration(s["stale"]) if "stale" in s else 3 * every + timeout,
        rise=n_of_m(s.get("rise", "2 of 3")), fall=n_of_m(s.get("fall", "2 of 3")),
        degraded=s.get("degraded", "ok"), sees_harm=s["kind"] in SEES_HARM,
        subjects=subjects(s["kind"], s, path))


def diagnosis(name, d, paths):
    return Bag(
        name=name, path=paths[d["path"]], flow=d["flow"], groups=int(d["groups"]), of=d["of"], must=d["must"],
        receivers=int(d.get("receivers", 0)), share=share(d.get("share", 0)),
        hold=duration(d["for"]), clear=duration(d["clear"]))


def response(r):
    return Bag(
        on=r["on"], at=r.get("at", "confirmed"), run=r.get("run"), mode=r["mode"], approvers=int(r.get("approvers", 1)),
        within=duration(r["within"]) if "within" in r else None, otherwise=r.get("otherwise", "stand-down"))


def procedure(name, p, paths):
    back = p.get("failback")
    return Bag(
        name=name, kind=p["kind"], flow=p.get("flow", "outbound"), to=paths.get(p.get("to")),
        expires=duration(p.get("expires", "4h")),
        failback=back and Bag(mode=back.get("mode", "approve"), soak=duration(back.get("soak", "6h")),
                              require=back.get("require", [])))


@functools.lru_cache(maxsize=None)
def load(text):
    """It is only read, so one will do for all cases that have the same text."""
    y = yaml.load(text, Loader=LOADER)  # all words are text: `on` is a key, not a truth
    paths = {n: Bag(name=n, prefer=int(p["prefer"]), egress=[str(a) for a in p.get("egress", [])])
             for n, p in y["paths"].items()}
    limits = y.get("limits", {})
    return Bag(
        mode=y["mode"], paths=paths, primary=min(paths.values(), key=lambda p: p.prefer),
        signals=[signal(n, s, paths) for n, s in y["signals"].items()],
        diagnoses=[diagnosis(n, d, paths) for n, d in y.get("diagnoses", {}).items()],
        responses=[response(r) for r in y.get("responses", [])],
        procedures={n: procedure(n, p, paths) for n, p in y.get("procedures", {}).items()},
        budget=int(limits.get("cutovers", "2 per day").split()[0]),
        cooldown=duration(limits.get("cooldown", "1h")),
        people={p["user"]: p["may"] for p in y.get("people", {}).values()})
