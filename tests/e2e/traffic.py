#!/usr/bin/env python3
"""traffic.py - steady mail from users and applications, each message with an id of its own.

Runs on one of the lab's hosts. A line is written only after the server's 250 to the message itself:
    ID <tab> UTC in ms <tab> user|app <tab> sender <tab> recipient <tab> the server's answer
Refusals go to standard error. Ends when the file --until appears, or after --count messages.
"""
import argparse
import os
import smtplib
import ssl
import sys
import threading
import time


class Source:
    """One submitting party: its server, its senders, its connection (made anew when the server closes it)."""

    def __init__(self, kind, host, port, senders, login=None, ca=None):
        self.kind, self.host, self.port, self.senders, self.login, self.ca = kind, host, port, senders, login, ca
        self.link = None

    def connect(self):
        link = smtplib.SMTP(self.host, self.port, local_hostname="traffic.corp.example", timeout=10)
        if self.login:
            link.starttls(context=ssl.create_default_context(cafile=self.ca))
            link.login(*self.login)
        self.link = link

    def send(self, ident, sender, recipient):
        """The answer to the message; raises SMTPException or OSError when it was not accepted."""
        text = (
            f"From: <{sender}>\r\nTo: <{recipient}>\r\nSubject: order {ident}\r\n"
            f"Date: {time.strftime('%a, %d %b %Y %H:%M:%S +0000', time.gmtime())}\r\n"
            f"Message-ID: <{ident}@corp.example>\r\nX-Story-Id: {ident}\r\n\r\nNumber {ident}.\r\n"
        )
        for attempt in (1, 2):
            try:
                if self.link is None:
                    self.connect()
                self.link.mail(sender)
                code, answer = self.link.rcpt(recipient)
                if code != 250:
                    raise smtplib.SMTPResponseException(code, answer)
                code, answer = self.link.data(text)
                if code != 250:
                    raise smtplib.SMTPResponseException(code, answer)
                return answer.decode(errors="replace")
            except smtplib.SMTPServerDisconnected:
                self.link = None
                if attempt == 2:
                    raise
            except smtplib.SMTPResponseException:
                self.link.close()
                self.link = None
                raise
        return None


def run(source, args, share, first, out, lock):
    """Sends its share of the rate on a fixed schedule until told to stop."""
    step = 1.0 / (args.rate * share)
    due = time.monotonic()
    n = 0
    while not os.path.exists(args.until) and (args.count == 0 or n < args.count * share):
        now = time.monotonic()
        if now < due:
            time.sleep(min(due - now, 0.1))
            continue
        due = max(due + step, now - 2 * step)
        ident = f"{args.prefix}{first}{n:05d}"
        sender = source.senders[n % len(source.senders)]
        recipient = f"{args.mailboxes[n % len(args.mailboxes)]}@{args.to[n % len(args.to)]}"
        n += 1
        try:
            answer = source.send(ident, sender, recipient)
        except (smtplib.SMTPException, OSError) as e:
            print(f"refused {ident} {source.kind}: {e}", file=sys.stderr, flush=True)
            continue
        with lock:
            out.write(f"{ident}\t{int(time.time() * 1000)}\t{source.kind}\t{sender}\t{recipient}\t{answer}\n".replace("\r", ""))
            out.flush()


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--out", required=True, help="accepted messages")
    p.add_argument("--until", required=True, help="stop when this file exists")
    p.add_argument("--count", type=int, default=0, help="stop after so many messages (0: only by --until)")
    p.add_argument("--rate", type=float, default=2.6, help="messages per second, both sources together")
    p.add_argument("--prefix", default="s", help="of every id")
    p.add_argument("--to", nargs="+", default=["rcpt1.example", "rcpt2.example", "rcpt3.example"])
    p.add_argument("--mailboxes", nargs="+", default=[f"r{i:02d}" for i in range(37)])
    p.add_argument("--users", default="mx.cloudmail.example:587")
    p.add_argument("--apps", default="hub.corp.example:25")
    p.add_argument("--app-senders", nargs="+", default=["erp@corp.example", "printer@corp.example", "shop@corp.example"])
    p.add_argument("--login", default="u01@corp.example")
    p.add_argument("--password-file", required=True)
    p.add_argument("--ca", required=True)
    p.add_argument("--only", choices=["user", "app"])
    p.add_argument("--again", help="send one message with this id, as its user would, and end")
    args = p.parse_args()
    with open(args.password_file, encoding="ascii") as f:
        password = f.read().strip()
    host, port = args.users.rsplit(":", 1)
    users = Source("user", host, int(port), [f"u{i:02d}@corp.example" for i in range(1, 21)], (args.login, password), args.ca)
    host, port = args.apps.rsplit(":", 1)
    apps = Source("app", host, int(port), args.app_senders)
    if args.again:
        answer = users.send(args.again, users.senders[0], f"again@{args.to[0]}")
        print(f"{args.again} again: {answer}")
        return
    lock = threading.Lock()
    with open(args.out, "a", encoding="utf-8") as out:
        both = [(users, "u")] * (args.only != "app") + [(apps, "a")] * (args.only != "user")
        threads = [threading.Thread(target=run, args=(s, args, 1 / len(both), c, out, lock)) for s, c in both]
        for t in threads:
            t.start()
        for t in threads:
            t.join()


if __name__ == "__main__":
    main()
