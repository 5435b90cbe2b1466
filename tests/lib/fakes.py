#!/usr/bin/env python3
"""Small servers on loopback for contract tests: SMTP, IMAP over TLS, DNS, HTTP over TLS, plain TCP.

usage: fakes.py CERT KEY.  Prints its ports as one JSON line. Each line read from stdin is a JSON object:
{"set": {...}} merges into the behaviour, {"reset": true} restores it, {"get": "log"} prints what was asked.
Each line is answered by one line. Ends when stdin ends. What these servers do on purpose no real one does on demand:
hang at a command, close in the middle, answer garbage, lie in DNS.
"""
import asyncio, base64, copy, hashlib, hmac, json, ssl, struct, sys, time

BASE = {
    "smtp": {"banner": "220 fake.example ESMTP", "replies": {}, "hang": "", "close": "", "starttls": True, "auth": True,
             "inject": False, "login": "probe:sesame", "deliver": "INBOX", "delay": 0.0, "header": "", "bounce": ""},
    "imap": {"hang": "", "no": {}, "greeting": "* OK fake", "junk": True, "uidplus": True, "close": ""},
    "dns": {"names": {}, "drop": [], "truncate": False, "update": {"rcode": 0, "sign": "right", "reply": True}},
    "http": {"status": 200, "headers": {}, "body": "hello", "hang": False, "close": False},
    "tcp": {"banner": "", "close": False},
}
conf = copy.deepcopy(BASE)
log = []
boxes = {"INBOX": [], "Junk": [], "bounces": []}
next_uid = 1
TSIG_KEY = b"0123456789abcdef0123456789abcdef"


def merge(into, what):
    for k, v in what.items():
        if isinstance(v, dict) and isinstance(into.get(k), dict) and k not in ("names", "replies", "no", "headers"):
            merge(into[k], v)
        else:
            into[k] = v


def put(folder, text):
    global next_uid
    boxes[folder].append((next_uid, text.replace("\r\n", "\n").replace("\n", "\r\n")))
    next_uid += 1


class Smtp:
    def __init__(self, tls):
        self.tls = tls

    async def __call__(self, r, w):
        c = conf["smtp"]
        secure = False

        async def say(text):
            w.write((text.replace("\n", "\r\n") + "\r\n").encode())
            await w.drain()

        log.append("smtp connect")
        if c["hang"] == "connect":
            await asyncio.sleep(3600)
        await say(c["banner"])
        rcpt, sender = "", ""
        while True:
            line = await r.readline()
            if not line:
                break
            line = line.decode(errors="replace").rstrip("\r\n")
            log.append("smtp " + line)
            verb = line.split(" ")[0].upper()
            if c["hang"] == verb:
                await asyncio.sleep(3600)
            if c["close"] == verb:
                break
            if verb in c["replies"]:
                await say(c["replies"][verb])
            elif verb == "EHLO":
                out = ["fake.example"]
                if c["starttls"] and not secure:
                    out.append("STARTTLS")
                if c["auth"]:
                    out.append("AUTH LOGIN PLAIN")
                out.append("SIZE 1000000")
                await say("\n".join("250%s%s" % ("-" if i + 1 < len(out) else " ", x) for i, x in enumerate(out)))
            elif verb == "STARTTLS":
                await say("220 go" + ("\n250 injected" if c["inject"] else ""))
                try:
                    await w.start_tls(self.tls)
                except Exception:
                    break
                secure = True
            elif verb == "AUTH":
                got = base64.b64decode(line.split(" ")[2]).decode().split("\0")
                await say("235 2.7.0 ok" if got[1:] == c["login"].split(":") else "535 5.7.8 authentication failed")
            elif verb == "MAIL":
                sender = line[line.index("<") + 1:line.index(">")]
                await say("250 2.1.0 ok")
            elif verb == "RCPT":
                rcpt = line[line.index("<") + 1:line.index(">")]
                await say("250 2.1.5 ok")
            elif verb == "DATA":
                await say("354 go on")
                text = []
                while True:
                    l = (await r.readline()).decode(errors="replace")
                    if l in (".\r\n", ""):
                        break
                    text.append(l[1:] if l.startswith(".") else l)
                text = "".join(text)
                log.append("message " + text)
                if c["hang"] == "message":
                    await asyncio.sleep(3600)
                if c["close"] == "message":
                    self.deliver(c, text, sender, rcpt)
                    break
                if "message" in c["replies"]:
                    await say(c["replies"]["message"])
                    continue
                asyncio.get_running_loop().call_later(c["delay"], self.deliver, c, text, sender, rcpt)
                await say("250 2.0.0 queued")
            elif verb == "QUIT":
                await say("221 bye")
                break
            else:
                await say("250 ok")
        w.close()

    def deliver(self, c, text, sender, rcpt):
        if c["deliver"] in boxes:
            put(c["deliver"], c["header"] + text)
        if c["bounce"]:
            put("bounces", "From: mailer-daemon@fake.example\nTo: <%s>\nSubject: undelivered\n"
                "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nsorry\n\n--b\n"
                "Content-Type: message/delivery-status\n\nReporting-MTA: dns; fake.example\n\n"
                "Final-Recipient: rfc822; %s\n%s\n\n--b\nContent-Type: message/rfc822\n\n%s\n--b--\n"
                % (sender, rcpt, c["bounce"], text))


async def imap(r, w):
    c = conf["imap"]
    folder, user = None, ""

    async def say(text):
        w.write((text + "\r\n").encode())
        await w.drain()

    log.append("imap connect")
    if c["hang"] == "connect":
        await asyncio.sleep(3600)
    await say(c["greeting"])
    while True:
        line = await r.readline()
        if not line:
            break
        line = line.decode().rstrip("\r\n")
        log.append("imap " + line)
        tag, verb, rest = (line.split(" ", 2) + ["", ""])[:3]
        if verb == "UID":
            verb, rest = (rest.split(" ", 1) + [""])[:2]
        if c["hang"] == verb:
            await asyncio.sleep(3600)
        if c["close"] == verb:
            break
        if verb in c["no"]:
            await say("%s NO %s" % (tag, c["no"][verb]))
            continue
        if verb == "CAPABILITY":
            await say("* CAPABILITY IMAP4rev1" + (" UIDPLUS" if c["uidplus"] else ""))
        elif verb == "LOGIN":
            user = rest.split('"')[1]
            if rest not in ('"seed" "se\\"same"', '"bounces" "sesame"'):
                await say("%s NO [AUTHENTICATIONFAILED] no" % tag)
                continue
        elif verb in ("SELECT", "EXAMINE"):
            name = rest.strip('"')
            if name == "Junk" and not c["junk"]:
                await say("%s NO no such folder" % tag)
                continue
            folder = "bounces" if user == "bounces" else name
            await say("* %d EXISTS" % len(boxes[folder]))
            await say('* OK [UIDVALIDITY 1] "a { in a line"')
        elif verb == "SEARCH":
            token = rest.split('"')[-2]
            hits = [str(u) for u, t in boxes[folder] if token in t]
            await say("* SEARCH" + "".join(" " + h for h in hits))
        elif verb == "FETCH":
            for uid in rest.split(" ")[0].split(","):
                for u, t in boxes[folder]:
                    if u == int(uid):
                        if "[HEADER]" in rest:
                            t = t.split("\r\n\r\n")[0] + "\r\n\r\n"
                        t = t.encode()
                        await say("* 1 FETCH (UID %s BODY[HEADER]<0> {%d}" % (uid, len(t)))
                        w.write(t)
                        await say(")")
        elif verb == "STORE":
            pass
        elif verb == "EXPUNGE":
            gone = [int(x) for x in rest.split(",")] if rest else [u for u, _ in boxes[folder]]
            boxes[folder] = [(u, t) for u, t in boxes[folder] if u not in gone]
        elif verb == "LOGOUT":
            await say("* BYE")
        await say("%s OK done" % tag)
        if verb == "LOGOUT":
            break
    w.close()


def encode_name(name):
    return b"".join(bytes([len(l)]) + l.encode() for l in name.split(".") if l) + b"\0"


def read_name(m, at):
    out = []
    while m[at]:
        if m[at] & 0xc0:
            return ".".join(out + [read_name(m, (m[at] & 0x3f) << 8 | m[at + 1])[0]]), at + 2
        out.append(m[at + 1:at + 1 + m[at]].decode("latin-1"))
        at += 1 + m[at]
    return ".".join(out), at + 1


TYPES = {1: "A", 16: "TXT", 15: "MX", 28: "AAAA", 6: "SOA"}


def rdata(kind, v):
    if kind == "A":
        return bytes(int(x) for x in v.split("."))
    if kind == "TXT":
        b = v.encode("latin-1")
        return b"".join(bytes([len(b[i:i + 255])]) + b[i:i + 255] for i in range(0, len(b), 255) or [0])
    if kind == "MX":
        return struct.pack("!H", int(v.split()[0])) + encode_name(v.split()[1])
    raise ValueError(kind)


def dns_answer(m, tcp):
    c = conf["dns"]
    ident, flags = struct.unpack("!HH", m[:4])
    if flags >> 11 & 15 == 5:
        return dns_update(m, ident)
    name, at = read_name(m, 12)
    name = name.lower()
    kind = TYPES.get(struct.unpack("!H", m[at:at + 2])[0], "?")
    log.append("dns %s %s %s" % ("tcp" if tcp else "udp", name, kind))
    if name in c["drop"]:
        return None
    entry = c["names"].get(name)
    rcode, rrs = 0, []
    if entry is None:
        rcode = 3
    elif "rcode" in entry:
        rcode = entry["rcode"]
    else:
        rrs = entry.get(kind, [])
    truncated = c["truncate"] and not tcp
    body = m[12:at + 4]
    if not truncated:
        for v in rrs:
            d = rdata(kind, v)
            body += encode_name(name) + m[at:at + 2] + struct.pack("!HIH", 1, entry.get("ttl", 60) if entry else 0, len(d)) + d
    return struct.pack("!HHHHHH", ident, 0x8400 | (0x200 if truncated else 0) | rcode, 1, 0 if truncated else len(rrs), 0, 0) + body


def tsig_split(m):
    """The message without its TSIG record, and the record's fields; (m, None) when there is none."""
    counts = struct.unpack("!HHHH", m[4:12])
    at = 12
    for i in range(counts[0]):
        at = read_name(m, at)[1] + 4
    start = at
    for i in range(sum(counts[1:])):
        start = at
        name, at = read_name(m, at)
        kind, _, _, n = struct.unpack("!HHIH", m[at:at + 10])
        data, at = m[at + 10:at + 10 + n], at + 10 + n
    if sum(counts[1:]) == 0 or kind != 250:
        return m, None
    algo, p = read_name(data, 0)
    seconds, fudge, size = struct.unpack("!6sHH", data[p:p + 10])
    mac = data[p + 10:p + 10 + size]
    return m[:10] + struct.pack("!H", counts[3] - 1) + m[12:start], (name, algo, seconds, fudge, mac)


def dns_update(m, ident):
    c = conf["dns"]["update"]
    bare, tsig = tsig_split(m)
    log.append("update %d octets %s %s" % (len(m), "signed" if tsig else "unsigned", bare.hex()))
    if not c["reply"]:
        return None
    reply = struct.pack("!HHHHHH", ident, 0xa800 | c["rcode"], 0, 0, 0, 0)
    if not tsig or c["sign"] == "none":
        return reply
    name, algo, seconds, fudge, mac = tsig
    names = encode_name(name.lower()), encode_name(algo.lower())
    want = hmac.new(TSIG_KEY, bare + names[0] + struct.pack("!HI", 255, 0) + names[1] + seconds + struct.pack("!HHH", fudge, 0, 0),
                    hashlib.sha256).digest()
    if want != mac:
        log.append("update with a wrong signature")
        error, rcode, out = 16, 9, b""
    else:
        error, rcode, out = c.get("error", 0), c["rcode"], None
    reply = struct.pack("!HHHHHH", ident, 0xa800 | rcode, 0, 0, 0, 0)
    now = struct.pack("!Q", int(time.time()))[2:]
    if out is None:
        variables = names[0] + struct.pack("!HI", 255, 0) + names[1] + now + struct.pack("!HHH", 300, error, 0)
        out = hmac.new(TSIG_KEY if c["sign"] == "right" else b"other", struct.pack("!H", len(mac)) + mac + reply + variables,
                       hashlib.sha256).digest()
    data = names[1] + now + struct.pack("!HH", 300, len(out)) + out + struct.pack("!HHH", ident, error, 0)
    return reply[:10] + struct.pack("!H", 1) + names[0] + struct.pack("!HHIH", 250, 255, 0, len(data)) + data


class DnsUdp(asyncio.DatagramProtocol):
    def connection_made(self, t):
        self.t = t

    def datagram_received(self, m, peer):
        a = dns_answer(m, False)
        if a is not None:
            self.t.sendto(a, peer)


async def dns_tcp(r, w):
    try:
        while True:
            n = struct.unpack("!H", await r.readexactly(2))[0]
            a = dns_answer(await r.readexactly(n), True)
            if a is None:
                if conf["dns"]["update"].get("close"):
                    break
                continue
            w.write(struct.pack("!H", len(a)) + a)
            await w.drain()
    except asyncio.IncompleteReadError:
        pass
    w.close()


async def http(r, w):
    c = conf["http"]
    while True:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = await r.readline()
            if not line:
                w.close()
                return
            head += line
        size = [int(l.split(b":")[1]) for l in head.split(b"\r\n") if l.lower().startswith(b"content-length:")]
        body = await r.readexactly(size[0]) if size else b""
        log.append("http " + head.decode().replace("\r\n", "|") + body.decode())
        if c["hang"]:
            await asyncio.sleep(3600)
        if c["close"]:
            break
        out = c["body"].encode()
        w.write(("HTTP/1.1 %d X\r\nContent-Length: %d\r\n%s\r\n" % (c["status"], len(out), "".join(
            "%s: %s\r\n" % kv for kv in c["headers"].items()))).encode() + out)
        await w.drain()
    w.close()


async def tcp(r, w):
    log.append("tcp connect")
    w.write(conf["tcp"]["banner"].encode())
    if conf["tcp"]["close"]:
        w.close()
        return
    try:
        await r.read(1)
    finally:
        w.close()


async def commands():
    global conf
    r = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(r), sys.stdin)
    while True:
        line = await r.readline()
        if not line:
            return
        c = json.loads(line)
        if c.get("reset"):
            conf = copy.deepcopy(BASE)
            log.clear()
            for b in boxes:
                boxes[b] = []
        if "set" in c:
            merge(conf, c["set"])
        if c.get("get") == "log":
            print(json.dumps(log))
        elif c.get("get") == "boxes":
            print(json.dumps({k: len(v) for k, v in boxes.items()}))
        else:
            print("ok")
        sys.stdout.flush()


async def main():
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(sys.argv[1], sys.argv[2])

    async def serve(handler, context=None):
        async def quiet(r, w):
            try:
                await handler(r, w)
            except (ConnectionError, OSError, asyncio.CancelledError, ValueError, IndexError):
                w.close()
        s = await asyncio.start_server(quiet, "127.0.0.1", 0, ssl=context)
        return s.sockets[0].getsockname()[1]

    ports = {"smtp": await serve(Smtp(tls)), "smtps": await serve(Smtp(tls), tls), "imap": await serve(imap, tls),
             "https": await serve(http, tls), "http": await serve(http), "tcp": await serve(tcp)}
    loop = asyncio.get_running_loop()
    for _ in range(20):  # one port, UDP and TCP
        t, _p = await loop.create_datagram_endpoint(DnsUdp, ("127.0.0.1", 0))
        port = t.get_extra_info("sockname")[1]
        try:
            await asyncio.start_server(dns_tcp, "127.0.0.1", port)
            ports["dns"] = port
            break
        except OSError:
            t.close()
    print(json.dumps(ports))
    sys.stdout.flush()
    await commands()


try:
    asyncio.run(main())
except KeyboardInterrupt:
    pass
