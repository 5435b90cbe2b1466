#!/usr/bin/env python3
"""fake_tenant.py DIR - a strict stand-in for Exchange Online's token endpoint and admin interface.

Prints its port. DIR holds tls.pem (server), app.crt (the one certificate it trusts), and takes orders in DIR/fault:
one line, a word and a number of times: 401, 429, 500 (nothing done), 500-done (done, then broken), hang (reads, never
answers), hang-done, hang-all (at any command), stale (the next two looks at the rule show the state before), html. DIR/state.json is the tenant; DIR/log one line a call.
"""
import base64, http.server, json, os, ssl, subprocess, sys, threading, time, urllib.parse

DIR = sys.argv[1]
TENANT, APP = "corp.example", "11111111-2222-3333-4444-555555555555"
tokens, jtis, lock, signing = {}, set(), threading.Lock(), threading.Lock()
stale_left = 0


def path(name):
    return os.path.join(DIR, name)


def load():
    with open(path("state.json")) as f:
        return json.load(f)


def save(s):
    old = load()
    with open(path("before.json"), "w") as f:
        json.dump(old, f)
    with open(path("state.new"), "w") as f:
        json.dump(s, f)
    os.replace(path("state.new"), path("state.json"))


def fault(words):
    """Take one of the words off the order, if it is there."""
    with lock:
        try:
            with open(path("fault")) as f:
                word, n = f.read().split()
        except (OSError, ValueError):
            return None
        if word not in words or int(n) <= 0:
            return None
        with open(path("fault"), "w") as f:
            f.write("%s %d" % (word, int(n) - 1))
        return word


def unb64(s):
    if "=" in s:
        raise ValueError("padding")
    return base64.urlsafe_b64decode(s + "=" * (-len(s) % 4))


def thumb():
    der = subprocess.run(["openssl", "x509", "-in", path("app.crt"), "-outform", "DER"], capture_output=True, check=True).stdout
    return subprocess.run(["openssl", "dgst", "-sha256", "-binary"], input=der, capture_output=True, check=True).stdout


def jwt_fault(jwt, audience):
    try:
        h, c, s = jwt.split(".")
        head, claims, sig = json.loads(unb64(h)), json.loads(unb64(c)), unb64(s)
    except ValueError:
        return "not a JWT"
    if head.get("alg") != "RS256" or head.get("typ") != "JWT" or unb64(head.get("x5t#S256", "")) != thumb():
        return "header"
    now = time.time()
    if claims.get("aud") != audience or claims.get("iss") != APP or claims.get("sub") != APP:
        return "claims"
    if not (claims["nbf"] <= now < claims["exp"] <= now + 3600) or claims["jti"] in jtis:
        return "time or jti"
    jtis.add(claims["jti"])
    with open(path("sig"), "wb") as f:
        f.write(sig)
    key = subprocess.run(["openssl", "x509", "-in", path("app.crt"), "-pubkey", "-noout"], capture_output=True, check=True).stdout
    with open(path("pub"), "wb") as f:
        f.write(key)
    ok = subprocess.run(["openssl", "dgst", "-sha256", "-verify", path("pub"), "-signature", path("sig")], input=(h + "." + c).encode(), capture_output=True)
    return None if ok.returncode == 0 else "signature"


PARAMETERS = {
    "Get-OutboundConnector": {"Identity"},
    "Get-TransportRule": {"Identity"},
    "Set-TransportRule": {"Identity", "ExceptIfFrom"},
    "Enable-TransportRule": {"Identity"},
    "Disable-TransportRule": {"Identity", "Confirm"},
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *a):
        pass

    def answer(self, status, body, **headers):
        data = json.dumps(body).encode() if not isinstance(body, bytes) else body
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for k, v in headers.items():
            self.send_header(k.replace("_", "-"), v)
        self.end_headers()
        self.wfile.write(data)

    def wrong(self, status, message):
        self.answer(status, {"error": {"code": "BadRequest", "message": "outer", "details": [{"code": "Context", "target": "", "message": message}]}})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open(path("log"), "a") as f:
            f.write("%s %s\n" % (self.path, body.decode() if "Invoke" in self.path else "-"))
        if self.path == "/%s/oauth2/v2.0/token" % TENANT:
            return self.token(body)
        if self.path == "/adminapi/beta/%s/InvokeCommand" % TENANT:
            return self.invoke(body)
        self.wrong(404, "no such path")

    def token(self, body):
        f = {k: v[0] for k, v in urllib.parse.parse_qs(body.decode(), strict_parsing=True).items()}
        audience = "https://127.0.0.1:%d/%s/oauth2/v2.0/token" % (self.server.server_port, TENANT)
        bad = None
        if set(f) != {"client_id", "scope", "grant_type", "client_assertion_type", "client_assertion"}:
            bad = "fields"
        elif f["client_id"] != APP or f["grant_type"] != "client_credentials" or f["scope"] != "https://outlook.office365.com/.default":
            bad = "client, grant or scope"
        elif f["client_assertion_type"] != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer":
            bad = "assertion type"
        else:
            with signing:
                bad = jwt_fault(f["client_assertion"], audience)
        if bad:
            return self.answer(401, {"error": "invalid_client", "error_description": "the assertion is not valid: " + bad})
        t = "token-%d-%s" % (len(tokens), base64.urlsafe_b64encode(os.urandom(12)).decode())
        tokens[t] = True
        self.answer(200, {"token_type": "Bearer", "expires_in": 3599, "access_token": t})

    def invoke(self, body):
        auth = self.headers.get("Authorization", "")
        if fault({"401"}):
            tokens.clear()
        if not auth.startswith("Bearer ") or auth[7:] not in tokens:
            return self.answer(401, b"")
        if self.headers.get("X-AnchorMailbox") != "APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}@" + TENANT:
            return self.wrong(400, "anchor mailbox")
        if self.headers.get("Content-Type") != "application/json":
            return self.wrong(415, "content type")
        rq = json.loads(body)
        if set(rq) != {"CmdletInput"} or set(rq["CmdletInput"]) != {"CmdletName", "Parameters"}:
            return self.wrong(400, "shape")
        name, with_ = rq["CmdletInput"]["CmdletName"], rq["CmdletInput"]["Parameters"]
        if name not in PARAMETERS:
            return self.wrong(400, "The term '%s' is not recognized" % name)
        odd = set(with_) - PARAMETERS[name]
        if odd:
            return self.wrong(400, "A parameter cannot be found that matches parameter name '%s'." % sorted(odd)[0])
        changes = not name.startswith("Get-")
        f = fault({"429", "500", "html"} | ({"500-done", "hang", "hang-done"} if changes else {"hang-all"}))
        if f == "429":
            return self.answer(429, {"error": {"code": "TooManyRequests", "message": "slow down"}}, Retry_After="1")
        if f == "500":
            return self.wrong(500, "broken")
        if f == "html":
            return self.answer(200, b"<html>")
        if f in ("hang", "hang-all"):
            time.sleep(30)
            return
        out = self.cmdlet(name, with_)
        if f == "500-done":
            return self.wrong(500, "broken after it was done")
        if f == "hang-done":
            time.sleep(30)
            return
        if out is None:
            return self.wrong(404, "Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|The operation couldn't be performed because object '%s' couldn't be found." % with_.get("Identity"))
        self.answer(200, {"@odata.context": "x", "value": out, "@adminapi.warnings": []})

    def cmdlet(self, name, with_):
        global stale_left
        changes = not name.startswith("Get-")
        if changes and fault({"stale"}):
            stale_left = 2
        with lock:
            s = load()
            if name == "Get-TransportRule" and stale_left > 0:
                stale_left -= 1
                with open(path("before.json")) as f:
                    s = json.load(f)
            kind = "connectors" if name.endswith("Connector") else "rules"
            one = next((x for x in s[kind] if x["Name"] == with_.get("Identity")), None)
            if one is None:
                return None
            if name.startswith("Get-"):
                return [one]
            if name == "Set-TransportRule":
                one["ExceptIfFrom"] = with_["ExceptIfFrom"]
            elif name == "Enable-TransportRule":
                one["State"] = "Enabled"
            elif with_.get("Confirm") is not False:
                return None
            else:
                one["State"] = "Disabled"
            save(s)
            return []


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that went away


server = Server(("127.0.0.1", 0), Handler)
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(path("tls.pem"))
server.socket = tls.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
