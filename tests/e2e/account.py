#!/usr/bin/env python3
"""account.py SENT FOUND... - where every message is: sent = delivered + returned + waiting + lost.

SENT is what traffic.py wrote; FOUND are outputs of where.py. A message that came back stays returned, also if it was
delivered as well or was sent again: to its sender it had failed. Prints the account, the rate and the longest pause;
ends with 1 when something is lost, or when --least, --rate or --pause are not kept.
"""
import argparse
import collections
import json


def read_sent(path):
    """id -> (UTC in ms, kind, recipient); an id that was sent again keeps its first time."""
    sent = {}
    times = []
    with open(path, encoding="utf-8") as f:
        for line in f:
            ident, at, kind, _, recipient = line.split("\t")[:5]
            times.append(int(at))
            sent.setdefault(ident, (int(at), kind, recipient))
    return sent, sorted(times)


def read_found(paths):
    found = collections.defaultdict(lambda: collections.defaultdict(set))
    for path in paths:
        with open(path, encoding="utf-8") as f:
            for line in f:
                kind, host, ident, name = line.rstrip("\n").split("\t")
                found[kind][ident].add((host, name))
    return found


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("sent")
    p.add_argument("found", nargs="+")
    p.add_argument("--least", type=int, default=0, help="messages at least")
    p.add_argument("--rate", type=float, default=0, help="messages per second at least, on average")
    p.add_argument("--pause", type=float, default=0, help="longest pause in seconds")
    p.add_argument("--json", action="store_true")
    args = p.parse_args()
    sent, times = read_sent(args.sent)
    found = read_found(args.found)
    returned = set(found["returned"]) & set(sent)
    delivered = (set(found["mailbox"]) & set(sent)) - returned
    waiting = (set(found["queue"]) & set(sent)) - returned - delivered
    # its bounce is still under way: it has failed, and the notice is what waits
    pending = (set(found["queued-report"]) & set(sent)) - returned - delivered - waiting
    lost = set(sent) - returned - delivered - waiting - pending
    duplicates = sum(max(0, len(found["mailbox"][i]) - 1) for i in sent if i in found["mailbox"])
    seconds = (times[-1] - times[0]) / 1000 if len(times) > 1 else 0
    pause = max((b - a for a, b in zip(times, times[1:])), default=0) / 1000
    rate = len(times) / seconds if seconds else 0
    queues = collections.Counter(host for i in waiting for host, _ in found["queue"][i])
    kinds = collections.Counter(sent[i][1] for i in returned)
    doc = {
        "sent": len(sent), "delivered": len(delivered), "returned": len(returned) + len(pending), "waiting": len(waiting), "lost": len(lost),
        "duplicates": duplicates, "rate": round(rate, 2), "longest_pause_s": round(pause, 2),
        "returned_by_source": dict(kinds), "waiting_at": dict(queues), "lost_ids": sorted(lost), "returned_ids": sorted(returned),
    }
    if args.json:
        print(json.dumps(doc))
    else:
        print(f"sent {doc['sent']} = delivered {doc['delivered']} + returned {doc['returned']} + waiting {doc['waiting']} + lost {doc['lost']}"
              f"    (duplicates {duplicates})")
        print(f"{rate:.2f} messages a second, longest pause {pause:.2f} s; returned: "
              + (", ".join(f"{n} of {k}s" for k, n in sorted(kinds.items())) or "none")
              + "; waiting: " + (", ".join(f"{n} at {h}" for h, n in sorted(queues.items())) or "none"))
        for ident in sorted(lost):
            print(f"lost {ident}: {sent[ident][1]} to {sent[ident][2]}")
    wrong = []
    if lost:
        wrong.append(f"lost {len(lost)}")
    if len(sent) < args.least:
        wrong.append(f"{len(sent)} messages, {args.least} wanted")
    if args.rate and rate < args.rate:
        wrong.append(f"{rate:.2f} a second, {args.rate} wanted")
    if args.pause and pause > args.pause:
        wrong.append(f"a pause of {pause:.2f} s, {args.pause} at most")
    for w in wrong:
        print("FAIL " + w)
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
