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
FAILED = re.compile(rb"(?im)^Action: *failed")
REPORT = re.compile(rb"(?i)Content-Type: multipart/report")


def files(folders):
    for folder in folders:
        for top, _, names in os.walk(folder):
            for name in names:
                yield os.path.join(top, name)


def main():
    host, kind, folders = sys.argv[1], sys.argv[2], sys.argv[3:]
    for path in files(folders):
        try:
            with open(path, "rb") as f:
                text = f.read()
        except OSError:  # delivered or removed meanwhile
            continue
        m = IDENT.search(text)
        if not m:
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
        print(found, host, m[1].decode(), path, sep="\t")


if __name__ == "__main__":
    main()
