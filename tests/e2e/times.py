#!/usr/bin/env python3
"""times.py REPORT RECORDS REJECTS - fault, seen, diagnosed, approved, switched, verified: each with what proves it.

REPORT is `ferryman report RUN --json`, RECORDS is `ferryman history --run RUN --json`, REJECTS are log lines of the
receiver that turned the first message away ("epoch-ms <tab> line"). Ends with 1 unless all six are proven and in order.
"""
import datetime
import json
import sys


def when(ms):
    return datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc).strftime("%H:%M:%S.") + f"{ms % 1000:03d}"


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        report = json.load(f)
    with open(sys.argv[2], encoding="utf-8") as f:
        records = json.load(f).get("records", [])
    with open(sys.argv[3], encoding="utf-8") as f:
        reject = f.readline().rstrip("\n")
    stones = {m["id"]: m for m in report["milestones"]}
    rows = []
    if reject:
        ms, line = reject.split("\t", 1)
        rows.append(("fault", int(ms), "server log: " + line[:110]))
    for name, ident in (("seen", "harm"), ("diagnosed", "diagnosed"), ("approved", "approved"), ("switched", "switched")):
        proof = stones.get(ident, {}).get("proof")
        if proof:
            rows.append((name, proof["wall_ms"], f"record {proof['seq']} {proof['hash'][:12]}: {stones[ident]['text'][:90]}"))
    proven = [r for r in records if r["type"] == "RESULT" and r["record"]["body"]["outcome"] == "DONE" and "with the proof that was asked for" in r["record"]["body"]["why"]]
    if proven:
        last = proven[-1]
        rows.append(("verified", last["wall_ms"], f"record {last['seq']} {last['hash'][:12]}: {last['record']['body']['why'][:90]}"))
    before = None
    for name, ms, proof in rows:
        print(f"  {name:<10} {when(ms)}  {'' if before is None else '+%.1f s' % ((ms - before) / 1000):>9}  {proof}")
        before = ms
    order = [ms for _, ms, _ in rows]
    print(f"  {len(rows)} of 6 times are proven")
    if len(rows) != 6 or order != sorted(order):
        print("FAIL a time has no proof, or they are out of order")
        raise SystemExit(1)


if __name__ == "__main__":
    main()
