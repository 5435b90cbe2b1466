#!/usr/bin/env python3
"""synced.py TRACE JOURNAL.db [--move LSN] - holds what strace saw of a run against its journal: before the first byte of
each effect leaves, its INTENT was written to the log, the log was synced, the head was written and the head was synced.

An effect is known by what is said to its target: a DNS UPDATE; `apply` or `fence` to a relay's helper and a changing cmdlet
to a tenant, both as plaintext.c shows them before they are encrypted. --move LSN puts that effect before its intent's sync
(a twin that must be found). Prints one line for each effect; exit code 1 when one came too early, or none came at all."""
import re
import sqlite3
import sys

CALL = re.compile(r"^(\d+)\s+(?:<\.\.\. )?(\w+)(?:\((\d+|-1)(?:<(.*?)>(?=[,) ]))?| resumed>)?(.*)$")
ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)")
NAMED = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f"}


def unescape(text):
    """The bytes of a string as strace prints them."""
    def one(m):
        c = m.group(1)
        return bytes([int(c, 8)]) if c.isdigit() else NAMED.get(c, c)
    return ESCAPE.sub(one, text.encode("latin-1"))


def calls(lines):
    """(index of the line where it began, where it was over, name, file, data, result) of each call."""
    open_calls, out = {}, []
    for i, line in enumerate(lines):
        m = CALL.match(line)
        if m is None:
            continue
        pid, name, fd, file, rest = m.groups()
        if " resumed>" in line:
            begun = open_calls.pop((pid, name), None)
            if begun is not None:
                out.append((begun[0], i, name, begun[1], begun[2], rest.rsplit("= ", 1)[-1].split()[0]))
            continue
        quoted = re.search(r'"((?:[^"\\]|\\.)*)"', rest)
        data = unescape(quoted.group(1)) if quoted else b""
        where = "-1" if fd == "-1" else file or ""
        if rest.endswith("<unfinished ...>"):
            open_calls[(pid, name)] = (i, where, data)
        else:
            out.append((i, i, name, where, data, rest.rsplit("= ", 1)[-1].split()[0]))
    return out


def effects_of(call, intents):
    """The number of the effect whose bytes this call sends, or None. A tenant's cmdlet bears none: "tenant"."""
    _, _, name, where, data, _ = call
    if name in ("write", "sendto", "writev", "sendmsg") and ":53]" in where:
        wire = data[2:] if where.startswith("TCP") else data
        if len(wire) > 12 and (wire[2] >> 3) & 15 == 5:
            return max(int(n) for n in re.findall(rb"lsn=(\d+)", wire))
    if where == "-1":
        m = re.search(rb"16:ferryman-relay/1,5:(?:apply|fence),32:[0-9a-f]{32},\d+:(\d+),", data)
        if m:
            return int(m.group(1))
        if re.search(rb'InvokeCommand .*"CmdletName":"(?!Get-)', data, re.S):
            return "tenant"
    return None


def first(cs, after, test):
    """The line at which the first call that began after that line and passes the test was over."""
    for began, over, name, where, data, result in cs:
        if began > after and test(name, where, data, result):
            return over
    return None


def durable(cs, lsn):
    """The four moments of an intent: in the log, log synced, in the head, head synced; None from the first that is missing."""
    mark, head = b'"lsn":%d,' % lsn, b" lsn=%d " % lsn
    synced = ("fsync", "fdatasync")
    at = [first(cs, -1, lambda n, w, d, r: n == "pwrite64" and w.endswith("journal.db-wal") and b'"INTENT"' in d and mark in d)]
    for test in (
        lambda n, w, d, r: n in synced and w.endswith("journal.db-wal") and r == "0",
        lambda n, w, d, r: n == "pwrite64" and w.endswith("/head") and head in d,
        lambda n, w, d, r: n in synced and w.endswith("/head") and r == "0",
    ):
        at.append(None if at[-1] is None else first(cs, at[-1], test))
    return at


def main():
    args = sys.argv[1:]
    move = int(args[args.index("--move") + 1]) if "--move" in args else None
    db = sqlite3.connect(f"file:{args[1]}?mode=ro", uri=True)
    intents = {lsn: (target, step or "fence") for lsn, target, step in db.execute(
        "SELECT lsn, json_extract(bytes, '$.body.target'), json_extract(bytes, '$.body.step') FROM record WHERE lsn > 0")}
    cs = calls(open(args[0], encoding="latin-1").read().split("\n"))
    cs.sort(key=lambda c: c[0])
    moments = {lsn: durable(cs, lsn) for lsn in intents}
    seen, wrong = set(), 0
    for call in cs:
        lsn = effects_of(call, intents)
        if lsn is None:
            continue
        if lsn == "tenant":  # it belongs to the newest intent for that target that any trace of the journal shows
            written = [n for n, at in moments.items() if intents[n][0] == "tenant" and at[0] is not None and at[0] < call[0]]
            lsn = max(written, default=None)
        if lsn not in intents or lsn in seen:
            wrong += lsn not in intents
            print(*([] if lsn in intents else [f"FAIL an effect {lsn} without an intent at line {call[0] + 1}"]), end="" if lsn in intents else "\n")
            continue
        seen.add(lsn)
        at = moments[lsn]
        left = call[0] if move != lsn else at[1] - 1
        early = None in at or left <= at[3]
        wrong += early
        print(f"{'FAIL' if early else 'ok  '} {lsn} {intents[lsn][0]:<6} step {intents[lsn][1]:<8} logged, synced, head, synced at "
              f"{', '.join('never' if a is None else str(a + 1) for a in at)}; its first byte left at {left + 1}")
    if not seen:
        print("FAIL the trace shows no effect at all")
    return 1 if wrong or not seen else 0


sys.exit(main())
