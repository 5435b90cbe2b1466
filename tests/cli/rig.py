"""rig.py - what the tests of verbs share: counted checks, ferryman as a child (with or without a terminal), and an end of the
control socket that plays a script. Nothing here talks to anything but Unix sockets of its own."""
import json
import os
import pty
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", ".build"))
FERRYMAN = os.path.join(BUILD, "ferryman")
STOREWRITER = os.path.join(BUILD, "tests/storewriter")
LIBRARY = os.path.join(ROOT, "playbooks/library")
LIMIT = 60  # seconds until something that should have happened counts as missing


class Checks:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def ok(self, name, cond, told=""):
        if cond:
            self.passed += 1
        else:
            self.failed += 1
            print("FAIL %s%s" % (name, ": " + str(told)[:600] if told != "" else ""), flush=True)
        return bool(cond)

    def equal(self, name, got, want):
        return self.ok(name, got == want, "got %r, want %r" % (got, want))

    def skip(self, name, why):
        self.skipped += 1
        print("skipped: %s: %s" % (name, why))

    def end(self):
        print("%d passed, %d failed, %d skipped" % (self.passed, self.failed, self.skipped))
        sys.exit(1 if self.failed else 0)


class Ran:
    def __init__(self, code, out, err=""):
        self.code, self.out, self.err = code, out, err

    def json(self):
        """The one object of --json; None when it is not exactly that."""
        try:
            return json.loads(self.out)
        except ValueError:
            return None


def until(holds):
    """Wait for the thing itself; False when it does not come in time."""
    end = time.monotonic() + LIMIT
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def run(*args, env=None, stdin=None):
    """ferryman with pipes for everything."""
    full = dict(os.environ, **(env or {}))
    p = subprocess.run([FERRYMAN, *args], input=stdin, capture_output=True, text=True, errors="surrogateescape", env=full, timeout=LIMIT,
                       stdin=subprocess.DEVNULL if stdin is None else None)
    return Ran(p.returncode, p.stdout, p.stderr)


class Terminal:
    """ferryman on a terminal of its own."""

    def __init__(self, *args, env=None):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(dict({"TERM": "xterm"}, **(env or {})))
            os.execv(FERRYMAN, [FERRYMAN, *args])
        self.seen = ""
        self.code = None

    def expect(self, text):
        """Read until the text has come; False when it does not come in time or the other side ends."""
        until = time.monotonic() + LIMIT
        while text not in self.seen:
            left = until - time.monotonic()
            if left <= 0 or not self.read(left):
                return text in self.seen
        return True

    def read(self, left):
        if not select.select([self.fd], [], [], left)[0]:
            return False
        try:
            got = os.read(self.fd, 65536)
        except OSError:  # the child has closed its side
            return False
        self.seen += got.decode("utf-8", "replace")
        return len(got) > 0

    def type(self, text):
        os.write(self.fd, text.encode())

    def hang_up(self):
        os.close(self.fd)
        self.fd = -1

    def wait(self):
        until = time.monotonic() + LIMIT
        while self.code is None and time.monotonic() < until:
            if self.fd >= 0:
                self.read(0.05)
            else:
                time.sleep(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        while self.fd >= 0 and self.read(0):
            pass
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.code = "did not end"
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
        return self.code


class Daemon:
    """One end of a control socket. script(daemon, request) answers each request with daemon.answer / daemon.line."""

    def __init__(self, path, script):
        self.path, self.script = path, script
        self.asked = []       # requests, in order
        self.closed = threading.Event()
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.bind(path)
        self.sock.listen(4)
        self.peer = None
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                self.peer, _ = self.sock.accept()
            except OSError:
                return
            self.closed.clear()
            rest = b""
            try:
                while True:
                    got = self.peer.recv(65536)
                    if not got:
                        break
                    rest += got
                    *lines, rest = rest.split(b"\n")
                    for line in lines:
                        o = json.loads(line)
                        self.asked.append(o)
                        self.script(self, o)
            except OSError:
                pass
            self.peer.close()
            self.closed.set()

    def line(self, o):
        try:
            self.peer.sendall(json.dumps(o, ensure_ascii=False).encode() + b"\n")
        except OSError:
            pass

    def answer(self, o, exit, body, last=True):
        self.line({"req": o["req"], "exit": exit, "last": last, "body": body})

    def verbs(self):
        return [o["verb"] for o in self.asked]

    def last(self, verb):
        found = [o for o in self.asked if o["verb"] == verb]
        return found[-1] if found else {}

    def wait_for(self, verb):
        return until(lambda: verb in self.verbs())

    def drop(self):
        """End in the middle of a conversation."""
        self.peer.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        self.thread.join(5)
        if os.path.exists(self.path):
            os.unlink(self.path)


class Folder:
    """A folder that goes away with all in it."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="fmcli")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def file(self, name, text):
        path = os.path.join(self.path, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def sub(self, name):
        return os.path.join(self.path, name)


def at_loopback(name):
    """A playbook of the library with every address on loopback: tests may talk to nobody else."""
    text = open(os.path.join(LIBRARY, name), encoding="utf-8").read()
    for net, home in (("198.51.100.", "127.51.100."), ("203.0.113.", "127.113.0."), ("192.0.2.", "127.2.0.")):
        text = text.replace(net, home)
    return text
