#!/usr/bin/env python3
"""fake_dns.py DIR - a zone corp.example with dynamic updates (RFC 2136) signed by TSIG (RFC 8945), primary on
127.0.0.1 and a secondary that mirrors it on 127.0.0.2, same port, UDP and TCP. Prints the port.

DIR/tsig.key is the base64 secret of key "ferryman" (hmac-sha256). It takes orders in DIR/fault, a word and a number
of times: drop-reply (update done, connection closed), hang (update not done, no answer), servfail, unsigned (answer
without TSIG), lag (secondary shows what was there at first), cname (MX is answered by a CNAME), ignore-mx (says
NOERROR and drops MX, as real servers drop what may not stand there), moved (answers NXRRSET, sets another number).
"""
import base64, hashlib, hmac, os, socket, struct, sys, threading, time

DIR = sys.argv[1]
ZONE, KEY = "corp.example", "ferryman"
SOA, MX, TXT, TSIG, ANY, CNAME = 6, 15, 16, 250, 255, 5
with open(os.path.join(DIR, "tsig.key")) as f:
    SECRET = base64.b64decode(f.read())
lock = threading.RLock()


def name_wire(n):
    return b"".join(bytes([len(x)]) + x.encode() for x in n.split(".") if x) + b"\0"


def name_read(m, at):
    out, end = [], None
    while m[at]:
        if m[at] & 0xC0:
            end = end or at + 2
            at = struct.unpack_from("!H", m, at)[0] & 0x3FFF
        else:
            out.append(m[at + 1 : at + 1 + m[at]].decode())
            at += 1 + m[at]
    return ".".join(out).lower(), end or at + 1


def txt(s):
    return bytes([len(s)]) + s.encode()


zone = {
    (ZONE, SOA): (5, [name_wire("ns1." + ZONE) + name_wire("h." + ZONE) + struct.pack("!5I", 1, 5, 5, 50, 5)]),
    (ZONE, MX): (300, [struct.pack("!H", 10) + name_wire("mx.cloudmail.example")]),
    ("cut." + ZONE, TXT): (300, [b"\5first\6second", txt("third")]),
    (ZONE, TXT): (300, [txt("v=spf1 include:spf.cloudmail.example -all"), txt("token=\\one")]),
}
first = dict(zone)


def fault(words):
    with lock:
        try:
            with open(os.path.join(DIR, "fault")) as f:
                word, n = f.read().split()
        except (OSError, ValueError):
            return None
        if word not in words or int(n) <= 0:
            return None
        with open(os.path.join(DIR, "fault"), "w") as f:
            f.write("%s %d" % (word, int(n) - 1))
        return word


class Message:
    def __init__(self, m):
        self.m = m
        self.id, self.flags, *counts = struct.unpack_from("!6H", m, 0)
        self.op = self.flags >> 11 & 15
        at = 12
        self.question, self.sections, self.tsig_at = [], [[], [], []], None
        for _ in range(counts[0]):
            n, at = name_read(m, at)
            self.question.append((n,) + struct.unpack_from("!HH", m, at))
            at += 4
        for i in range(3):
            for _ in range(counts[i + 1]):
                start = at
                n, at = name_read(m, at)
                t, c, ttl, size = struct.unpack_from("!HHIH", m, at)
                at += 10
                rd = m[at : at + size]
                if t == MX and size > 2:  # without compression, so that equal is equal
                    rd = rd[:2] + name_wire(name_read(m, at + 2)[0])
                at += size
                if t == TSIG:
                    self.tsig_at, self.tsig_name, self.tsig_rd = start, n, rd
                else:
                    self.sections[i].append((n, t, c, ttl, rd))


def tsig_parts(rd):
    alg, at = name_read(rd, 0)
    hi, lo, fudge, size = struct.unpack_from("!HIHH", rd, at)
    mac = rd[at + 10 : at + 10 + size]
    at += 10 + size
    oid, err, other = struct.unpack_from("!HHH", rd, at)
    return alg, hi << 32 | lo, fudge, mac, oid


def variables(when, err):
    return name_wire(KEY) + struct.pack("!HI", 255, 0) + name_wire("hmac-sha256") + struct.pack("!HIHHH", when >> 32, when & 0xFFFFFFFF, 300, err, 0)


def tsig_ok(q):
    if q.tsig_at is None or q.tsig_name != KEY:
        return None
    alg, when, fudge, mac, oid = tsig_parts(q.tsig_rd)
    plain = struct.pack("!H", oid) + q.m[2:10] + struct.pack("!H", struct.unpack_from("!H", q.m, 10)[0] - 1) + q.m[12 : q.tsig_at]
    want = hmac.new(SECRET, plain + variables(when, 0), hashlib.sha256).digest()
    return mac if alg == "hmac-sha256" and abs(time.time() - when) <= fudge and hmac.compare_digest(mac, want) else None


def signed(answer, request_mac):
    when = int(time.time())
    mac = hmac.new(SECRET, struct.pack("!H", len(request_mac)) + request_mac + answer + variables(when, 0), hashlib.sha256).digest()
    rd = name_wire("hmac-sha256") + struct.pack("!HIHH", when >> 32, when & 0xFFFFFFFF, 300, len(mac)) + mac + answer[:2] + struct.pack("!HH", 0, 0)
    return answer[:10] + struct.pack("!H", 1) + answer[12:] + name_wire(KEY) + struct.pack("!HHIH", TSIG, 255, 0, len(rd)) + rd


def check(q):
    """RFC 2136 3.2: the prerequisites."""
    exact = {}
    for n, t, c, ttl, rd in q.sections[0]:
        if not n.endswith(ZONE):
            return 10
        if c == 254 and (n, t) in zone:
            return 7
        if c == 255 and (n, t) not in zone:
            return 8
        if c == 1:
            exact.setdefault((n, t), []).append(rd)
    for k, rds in exact.items():
        if k not in zone or sorted(zone[k][1]) != sorted(rds):
            return 8
    return 0


def apply(q):
    """RFC 2136 3.4, for what a client of ours may send."""
    if fault({"moved"}):
        zone[("_ferryman." + ZONE, TXT)] = (0, [txt("store=00112233445566778899aabbccddeeff lsn=%d" % (1 << 62))])
        return 8
    drop_mx = fault({"ignore-mx"})
    for n, t, c, ttl, rd in q.sections[1]:
        if t not in (MX, TXT):
            return 5
        if t == MX and drop_mx:
            continue
        if c == 255:
            zone.pop((n, t), None)
        elif c == 1:
            old = zone.get((n, t), (ttl, []))
            zone[(n, t)] = (ttl, old[1] + ([rd] if rd not in old[1] else []))
    return 0


def answer(data, secondary, tcp):
    """The reply's bytes; b"" = none, None = close."""
    q = Message(data)
    if q.op == 5:
        mac = tsig_ok(q)
        if mac is None:
            return struct.pack("!6H", q.id, 0xA800 | 9, 0, 0, 0, 0)
        with lock:
            # Faults meet the update that would be done, not a late one that is refused anyway.
            code = check(q)
            f = fault({"drop-reply", "hang", "servfail"}) if code == 0 else fault({"unsigned"})
            if f == "hang":
                return b""
            if code == 0:
                code = 2 if f == "servfail" else apply(q)
        if f == "drop-reply":
            return None
        a = struct.pack("!6H", q.id, 0xA800 | code, 0, 0, 0, 0)
        return a if f == "unsigned" else signed(a, mac)
    n, t, c = q.question[0]
    if fault({"deaf"}):
        return b""
    with lock:
        source = first if secondary and fault({"lag"}) else zone
        ttl, rds = source.get((n, t), (0, []))
        known = any(k[0] == n or k[0].endswith("." + n) for k in source)
    if t == MX and fault({"cname"}):
        t, rds, ttl = CNAME, [name_wire("elsewhere.example")], 5
    body = name_wire(n) + struct.pack("!HH", q.question[0][1], 1)
    for rd in rds:
        body += b"\xc0\x0c" + struct.pack("!HHIH", t, 1, ttl, len(rd)) + rd
    head = struct.pack("!6H", q.id, 0x8400 | (0 if known else 3), 1, len(rds), 0, 0)
    if len(body) > 500 and not tcp:
        return struct.pack("!6H", q.id, 0x8600, 1, 0, 0, 0) + body[: len(name_wire(n)) + 4]
    return head + body


def udp(s, secondary):
    while True:
        data, who = s.recvfrom(65535)
        a = answer(data, secondary, False)
        if a:
            s.sendto(a, who)


def tcp_one(c, secondary):
    try:
        f = c.makefile("rb")
        while True:
            head = f.read(2)
            if len(head) < 2:
                return
            a = answer(f.read(struct.unpack("!H", head)[0]), secondary, True)
            if a is None:
                return
            if a:
                c.sendall(struct.pack("!H", len(a)) + a)
    except OSError:
        pass
    finally:
        c.close()


def tcp(s, secondary):
    while True:
        c, _ = s.accept()
        threading.Thread(target=tcp_one, args=(c, secondary), daemon=True).start()


def listen():
    for port in range(20000 + os.getpid() % 20000, 65000):
        socks = []
        try:
            for ip in ("127.0.0.1", "127.0.0.2"):
                u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                socks.append(u)
                u.bind((ip, port))
                t = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                socks.append(t)
                t.bind((ip, port))
                t.listen(16)
            return port, socks
        except OSError:
            for s in socks:
                s.close()


port, socks = listen()
for i, s in enumerate(socks):
    threading.Thread(target=(udp, tcp)[i % 2], args=(s, i >= 2), daemon=True).start()
print(port, flush=True)
threading.Event().wait()
