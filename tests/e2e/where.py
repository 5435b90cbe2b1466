#!/usr/bin/env python3
"""where.py HOST KIND FOLDER... - which of the story's messages lie in these folders.

Runs on one of the lab's hosts. KIND: mailbox (a delivered message), bounces (mailboxes that may hold bounces),
queue (an MTA's queue). One line for each find: KIND <tab> HOST <tab> ID <tab> file. Bounces are told by their
delivery-status part: only Action: failed is a bounce, a delay notice is none (RFC 3464 section 2.3.3).
"""
import os
import re
import sys

IDENT = re.compile(rb"X-Story-Id: ([A-Za-z0-9]+)")
# In a queue file each line is a record: its type (N), its length in one octet, its text; and the next one follows at once.
RECORD = re.compile(rb"N(.)X-Story-Id: ([A-Za-z0-9]+)", re.DOTALL)
FAILED = re.compile(rb"(?im)^Action: *failed")
REPORT = re.compile(rb"(?i)Content-Type: multipart/report")


def files(folders):
    for folder in folders:
        for top, _, names in os.walk(folder):
            for name in names:
                yield os.path.join(top, name)


def ident_of(kind, text):
    """The message's id, or None."""
    if kind == "queue":
        m = RECORD.search(text)
        return m[2][: m[1][0] - len("X-Story-Id: ")].decode() if m else None
    m = IDENT.search(text)
    return m[1].decode() if m else None


def main():
    host, kind, folders = sys.argv[1], sys.argv[2], sys.argv[3:]
    for path in files(folders):
        try:
            with open(path, "rb") as f:
                text = f.read()
        except OSError:  # delivered or removed meanwhile
            continue
        ident = ident_of(kind, text)
        if not ident:
            continue
        report = bool(REPORT.search(text))
        found = kind
        if kind == "mailbox" and report:
            continue
        if kind == "bounces":
            if not report:
                found = "mailbox"
            elif FAILED.search(text):
                found = "returned"
            else:
                continue
        if kind == "queue" and report:
            found = "queued-report"
        print(found, host, ident, path, sep="\t")


if __name__ == "__main__":
    main()
