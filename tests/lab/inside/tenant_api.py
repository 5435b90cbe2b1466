#!/usr/bin/env python3
"""tenant_api.py - the admin interface of the lab's cloud: a token endpoint and Exchange Online's InvokeCommand.

POST /TENANT/oauth2/v2.0/token                  a certificate's signed assertion (RFC 7523) -> a bearer token
POST /adminapi/beta/TENANT/InvokeCommand        {"CmdletInput": {"CmdletName": ..., "Parameters": {...}}} -> {"value": [...]}

Strict: what the service would refuse is refused, with its own kind of sentence, and changes nothing. State lies in
FOLDER/state.json (replaced after fsync); a change becomes tables that the tenant's own Postfix asks at its next message.
Tokens live in memory: after a restart the client gets 401 and has to ask again.
--init makes the connector and the rule as they are prepared in peace time, and ends.

Faults, one line in FOLDER/fault (see faults in tests/lab/README.md):
    delay SECONDS   changes are stored and shown, and reach Postfix only then
    throttle N      the next N commands: 429 with Retry-After
    broken N        the next N commands: 500, nothing done
    silent N        the next N commands: no answer, nothing done
    mute N          the next N commands that change something: done, and no answer
"""
import argparse
import base64
import hashlib
import http.server
import json
import os
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse
import uuid

TENANT = "corp.example"
TOKEN_PATH = f"/{TENANT}/oauth2/v2.0/token"
COMMAND_PATH = f"/adminapi/beta/{TENANT}/InvokeCommand"
AUDIENCE = f"https://admin.cloudmail.example{TOKEN_PATH}"
SCOPE = "https://outlook.office365.com/.default"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ANCHOR = f"APP:SystemMailbox{{bb558c35-97f1-4cb9-8ff7-d53741dc928c}}@{TENANT}"
ACCEPTED_DOMAINS = ["corp.example", "c.corp.example"]
TABLES = "/etc/postfix"
LIFE_S = 3599


class Refused(Exception):
    """An answer that says no: HTTP status and the sentence."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


# --- parameters: each has a type that a value must have ---

def a_name(v):
    return isinstance(v, str) and 0 < len(v) <= 64


def a_bool(v):
    return isinstance(v, bool)


def a_text(v):
    return isinstance(v, str)


def names(v):
    return v is None or isinstance(v, list) and all(isinstance(x, str) and x for x in v)


def addresses(v):
    return names(v) and all(x.count("@") == 1 for x in v or [])


def one_of(*words):
    return lambda v: v in words


def a_priority(v):
    return isinstance(v, int) and not isinstance(v, bool) and v >= 0


CONNECTOR = {
    "Enabled": a_bool, "UseMXRecord": a_bool, "SmartHosts": names, "IsTransportRuleScoped": a_bool, "Comment": a_text,
    "TlsSettings": one_of(None, "EncryptionOnly", "CertificateValidation", "DomainValidation"), "TlsDomain": a_name,
    "ConnectorType": one_of("Partner", "OnPremises"), "RecipientDomains": names, "TestMode": a_bool,
}
RULE = {
    "Priority": a_priority, "Mode": one_of("Enforce", "Audit", "AuditAndNotify"), "Comments": a_text, "From": addresses,
    "FromScope": one_of(None, "InOrganization", "NotInOrganization"), "SentToScope": one_of(None, "InOrganization", "NotInOrganization"),
    "ExceptIfFrom": addresses, "ExceptIfFromMemberOf": addresses, "RouteMessageOutboundConnector": a_name,
}
CONNECTOR_NEW = {
    "Enabled": True, "UseMXRecord": True, "SmartHosts": [], "IsTransportRuleScoped": False, "Comment": "", "TlsSettings": None,
    "TlsDomain": None, "ConnectorType": "OnPremises", "RecipientDomains": [], "TestMode": False,
}
RULE_NEW = {
    "Mode": "Enforce", "Comments": "", "From": [], "FromScope": None, "SentToScope": None, "ExceptIfFrom": [],
    "ExceptIfFromMemberOf": [], "RouteMessageOutboundConnector": None,
}
IDENTITY = {"Identity": a_name}
CONFIRM = {"Confirm": a_bool}
# cmdlet -> its parameters; "!" = must be given
CMDLETS = {
    "Get-OutboundConnector": IDENTITY,
    "New-OutboundConnector": {"!Name": a_name, **CONNECTOR},
    "Set-OutboundConnector": {"!Identity": a_name, **CONNECTOR},
    "Remove-OutboundConnector": {"!Identity": a_name, **CONFIRM},
    "Get-TransportRule": IDENTITY,
    "New-TransportRule": {"!Name": a_name, "Enabled": a_bool, **RULE},
    "Set-TransportRule": {"!Identity": a_name, **RULE},  # no State: that is what Enable and Disable are for
    "Enable-TransportRule": {"!Identity": a_name, **CONFIRM},
    "Disable-TransportRule": {"!Identity": a_name, **CONFIRM},
    "Remove-TransportRule": {"!Identity": a_name, **CONFIRM},
    "New-DistributionGroup": {"!Name": a_name, "!PrimarySmtpAddress": a_name, "Members": addresses},
    "Get-DistributionGroupMember": {"!Identity": a_name},
}
ASKS_BACK = {"Disable-TransportRule", "Remove-TransportRule", "Remove-OutboundConnector"}


def check_parameters(cmdlet, given):
    known = CMDLETS[cmdlet]
    for key, value in given.items():
        kind = known.get(key) or known.get("!" + key)
        if kind is None:
            raise Refused(400, f"A parameter cannot be found that matches parameter name '{key}'.")
        if not kind(value):
            raise Refused(400, f"Cannot process argument transformation on parameter '{key}'. Cannot convert value {json.dumps(value)}.")
    for key in known:
        if key[0] == "!" and key[1:] not in given:
            raise Refused(400, f"Cannot process command because of one or more missing mandatory parameters: {key[1:]}.")
    if cmdlet in ASKS_BACK and given.get("Confirm") is not False:
        raise Refused(400, f"{cmdlet} prompts for confirmation, and nobody is there to answer. Use Confirm:$false.")


class Tenant:
    """What the tenant is configured to, and the tables that Postfix reads."""

    KINDS = {"OutboundConnector": "connectors", "TransportRule": "rules", "DistributionGroup": "groups"}

    def __init__(self, folder):
        self.folder = folder
        self.lock = threading.Lock()
        try:
            with open(os.path.join(folder, "state.json"), encoding="utf-8") as f:
                self.state = json.load(f)
        except FileNotFoundError:
            self.state = {"connectors": {}, "rules": {}, "groups": {}}

    def run(self, cmdlet, given):
        """The cmdlet's output objects."""
        check_parameters(cmdlet, given)
        verb, noun = cmdlet.split("-")
        with self.lock:
            if cmdlet == "Get-DistributionGroupMember":
                return [{"PrimarySmtpAddress": a} for a in self.find("groups", "DistributionGroup", given["Identity"])["Members"]]
            table = self.state[self.KINDS[noun]]
            if verb == "Get":
                return list(table.values()) if "Identity" not in given else [self.find(self.KINDS[noun], noun, given["Identity"])]
            out = getattr(self, verb.lower())(noun, table, given)
            self.save()
        self.apply()
        return out

    def find(self, kind, noun, identity):
        for name, thing in self.state[kind].items():
            if identity.lower() in (name.lower(), thing.get("Guid"), thing.get("PrimarySmtpAddress")):
                return thing
        raise Refused(404, "Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|The operation couldn't be "
                           f"performed because object '{identity}' couldn't be found. ({noun})")

    def new(self, noun, table, given):
        name = given["Name"]
        if any(n.lower() == name.lower() for n in table):
            raise Refused(400, f"The {noun} \"{name}\" already exists. Choose another name.")
        thing = {"Name": name, "Identity": name, "Guid": str(uuid.uuid4())}
        if noun == "OutboundConnector":
            thing |= CONNECTOR_NEW
        elif noun == "TransportRule":
            thing |= RULE_NEW | {"State": "Enabled" if given.get("Enabled", True) else "Disabled", "Priority": len(table)}
        else:
            thing |= {"Members": []}
        self.change(noun, thing, {k: v for k, v in given.items() if k != "Enabled" or noun != "TransportRule"})
        table[name] = thing
        return [thing]

    def set(self, noun, table, given):
        old = self.find(self.KINDS[noun], noun, given["Identity"])
        thing = dict(old)
        self.change(noun, thing, given)
        table[old["Name"]] = thing
        return []

    def change(self, noun, thing, given):
        for key, value in given.items():
            if key not in ("Identity", "Name", "Confirm"):
                thing[key] = [] if value is None and isinstance(thing.get(key), list) else value
        if noun == "OutboundConnector" and not thing["UseMXRecord"] and not thing["SmartHosts"]:
            raise Refused(400, "You must specify SmartHosts when UseMXRecord is set to false.")
        target = thing.get("RouteMessageOutboundConnector")
        if noun == "TransportRule" and target is not None and target not in self.state["connectors"]:
            raise Refused(400, f"The outbound connector '{target}' doesn't exist.")
        thing["WhenChanged"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())

    def enable(self, noun, table, given):
        self.find("rules", noun, given["Identity"])["State"] = "Enabled"
        return []

    def disable(self, noun, table, given):
        self.find("rules", noun, given["Identity"])["State"] = "Disabled"
        return []

    def remove(self, noun, table, given):
        name = self.find(self.KINDS[noun], noun, given["Identity"])["Name"]
        if noun == "OutboundConnector" and any(r["RouteMessageOutboundConnector"] == name for r in self.state["rules"].values()):
            raise Refused(400, f"The outbound connector '{name}' is used by a transport rule.")
        del table[name]
        return []

    def save(self):
        path = os.path.join(self.folder, "state.json")
        with open(path + ".new", "w", encoding="utf-8") as f:
            json.dump(self.state, f, indent=1)
            f.flush()
            os.fsync(f.fileno())
        os.replace(path + ".new", path)
        fd = os.open(self.folder, os.O_RDONLY)
        os.fsync(fd)
        os.close(fd)

    def apply(self):
        """At once, or when the service gets round to it."""
        delay = fault_word(self.folder, "delay")
        if delay:
            later = threading.Timer(delay, self.write_tables)
            later.daemon = True
            later.start()
        else:
            self.write_tables()

    def way(self, name):
        """Postfix's transport:nexthop for mail that a rule leads to this connector; None if it takes none."""
        c = self.state["connectors"].get(name)
        if c is None or not c["Enabled"] or not c["IsTransportRuleScoped"] or c["UseMXRecord"]:
            return None
        by = {None: "connector-plain", "EncryptionOnly": "connector-encrypt"}.get(c["TlsSettings"], "connector-verify")
        return f"{by}:[{c['SmartHosts'][0]}]:25"  # a connector cannot name a port

    def tables(self):
        stay, away = {}, {}
        for rule in sorted(self.state["rules"].values(), key=lambda r: r["Priority"]):
            way = self.way(rule["RouteMessageOutboundConnector"])
            if rule["State"] != "Enabled" or rule["Mode"] != "Enforce" or way is None or rule["From"]:
                continue  # a rule for single senders: this cloud routes whole domains only
            if rule["FromScope"] == "NotInOrganization" or rule["SentToScope"] == "InOrganization":
                continue
            for domain in ACCEPTED_DOMAINS:
                away.setdefault(domain, way)
            for a in rule["ExceptIfFrom"]:
                stay.setdefault(a.lower(), "gateways")
            for group in rule["ExceptIfFromMemberOf"]:
                for a in self.find("groups", "DistributionGroup", group)["Members"]:
                    stay.setdefault(a.lower(), "gateways")
        return {"tenant-stay": stay, "tenant-away": away}

    def write_tables(self):
        with self.lock:
            for name, rows in self.tables().items():
                path = os.path.join(TABLES, name)
                text = "".join(f"{k} {v}\n" for k, v in sorted(rows.items()))
                old = None
                if os.path.exists(path + ".lmdb"):
                    with open(path, encoding="utf-8") as f:
                        old = f.read()
                if text == old:
                    continue
                with open(path, "w", encoding="utf-8") as f:
                    f.write(text)
                subprocess.run(["postmap", "lmdb:" + path], check=True)


fault_lock = threading.Lock()


def fault_word(folder, word):
    """The fault's number, 0 = not ordered. Counted ones (all but delay) lose one each time they are asked for."""
    path = os.path.join(folder, "fault")
    with fault_lock:
        try:
            with open(path, encoding="ascii") as f:
                what, n = f.read().split()
        except (OSError, ValueError):
            return 0
        if what != word or int(n) <= 0:
            return 0
        if word != "delay":
            with open(path, "w", encoding="ascii") as f:
                f.write(f"{what} {int(n) - 1}\n")
        return int(n)


class Apps:
    """Who may ask for a token, by certificate, and which cmdlets each may use."""

    def __init__(self, folder):
        with open(os.path.join(folder, "apps.json"), encoding="utf-8") as f:
            self.apps = {a["id"]: a for a in json.load(f)}
        for a in self.apps.values():
            with open(os.path.join(folder, a["certificate"]), encoding="ascii") as f:
                pem = f.read()
            a["thumb"] = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).digest()
            modulus = subprocess.run(["openssl", "x509", "-noout", "-modulus"], input=pem, text=True, capture_output=True, check=True)
            a["n"] = int(modulus.stdout.split("=")[1], 16)
        self.lock = threading.Lock()
        self.tokens = {}
        self.seen = set()

    def token(self, form):
        want = {"client_id", "scope", "grant_type", "client_assertion_type", "client_assertion"}
        if set(form) != want:
            raise Refused(400, f"AADSTS900144: the body must hold each of {sorted(want)} and nothing else")
        if form["grant_type"] != "client_credentials" or form["client_assertion_type"] != ASSERTION or form["scope"] != SCOPE:
            raise Refused(400, "AADSTS70011: grant_type, scope or client_assertion_type is not valid")
        app = self.apps.get(form["client_id"])
        if app is None:
            raise Refused(400, f"AADSTS700016: application '{form['client_id']}' was not found in the directory")
        why = self.assertion_fault(app, form["client_assertion"])
        if why:
            raise Refused(401, f"AADSTS700027: client assertion failed validation: {why}")
        token = base64.urlsafe_b64encode(os.urandom(30)).decode()
        with self.lock:
            self.tokens[token] = (app, time.monotonic() + LIFE_S)
        return {"token_type": "Bearer", "expires_in": LIFE_S, "ext_expires_in": LIFE_S, "access_token": token}

    def assertion_fault(self, app, jwt):
        """None, or what is wrong with it."""
        try:
            head64, claims64, signature64 = jwt.split(".")
            head, claims = json.loads(unb64(head64)), json.loads(unb64(claims64))
            signature = unb64(signature64)
            thumb = unb64(head.get("x5t#S256", ""))
        except ValueError:
            return "it is no JWT"
        if head.get("alg") != "RS256" or head.get("typ") != "JWT" or thumb != app["thumb"]:
            return "the header names another algorithm or certificate"
        if not rsa_ok(app["n"], f"{head64}.{claims64}".encode(), signature):
            return "the signature is not the certificate's"
        now = time.time()
        if claims.get("aud") != AUDIENCE or claims.get("iss") != app["id"] or claims.get("sub") != app["id"]:
            return "audience, issuer or subject"
        if not claims.get("nbf", now + 1) <= now < claims.get("exp", 0) <= now + 3600:
            return "not valid at this time"
        with self.lock:
            if not claims.get("jti") or claims["jti"] in self.seen:
                return "it was used before"
            self.seen.add(claims["jti"])
        return None

    def of(self, header):
        """The app that the bearer token was given to."""
        with self.lock:
            app, until = self.tokens.get((header or "").removeprefix("Bearer "), (None, 0))
        if not (header or "").startswith("Bearer ") or app is None or until < time.monotonic():
            raise Refused(401, "Unauthorized")
        return app


def unb64(s):
    if "=" in s:
        raise ValueError("padding (RFC 7515 section 2 has none)")
    return base64.b64decode(s + "=" * (-len(s) % 4), altchars=b"-_", validate=True)


def rsa_ok(n, message, signature):
    """RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 section 8.2.2), exponent 65537."""
    size = (n.bit_length() + 7) // 8
    info = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(message).digest()
    want = b"\x00\x01" + b"\xff" * (size - len(info) - 3) + b"\x00" + info
    return len(signature) == size and pow(int.from_bytes(signature, "big"), 65537, n).to_bytes(size, "big") == want


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    tenant = apps = None

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        sys.stderr.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {self.client_address[0]} {format % args}\n")

    def answer(self, status, body, **headers):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def error(self, status, message):
        self.answer(status, {"error": {"code": "BadRequest" if status == 400 else str(status), "message": "Error executing cmdlet",
                                       "details": [{"code": "Context", "target": "", "message": message}]}})

    def do_GET(self):
        self.error(405, "The requested resource does not support http method 'GET'.")

    do_PUT = do_PATCH = do_DELETE = do_GET

    def do_POST(self):
        try:
            body = self.rfile.read(int(self.headers.get("Content-Length") or "0"))
        except ValueError:
            self.error(400, "Content-Length")
            return
        try:
            if self.path == TOKEN_PATH:
                self.token(body)
            elif self.path == COMMAND_PATH:
                self.invoke(body)
            else:
                self.error(404, f"No HTTP resource was found that matches the request URI '{self.path}'.")
        except Refused as e:
            if self.path == TOKEN_PATH:
                self.answer(e.status, {"error": "invalid_client" if e.status == 401 else "invalid_request", "error_description": str(e)})
            else:
                self.error(e.status, str(e))

    def token(self, body):
        if self.headers.get_content_type() != "application/x-www-form-urlencoded":
            raise Refused(400, "AADSTS900144: the body is no form")
        try:
            pairs = urllib.parse.parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
        except ValueError as e:
            raise Refused(400, "AADSTS900144: the body is no form") from e
        if len({k for k, _ in pairs}) != len(pairs):
            raise Refused(400, "AADSTS900144: a field stands there twice")
        self.answer(200, self.apps.token(dict(pairs)))

    def invoke(self, body):
        app = self.apps.of(self.headers.get("Authorization"))
        if self.headers.get_content_type() != "application/json":
            raise Refused(415, "The request entity's media type is not supported for this resource.")
        if self.headers.get("X-AnchorMailbox") != ANCHOR:
            raise Refused(400, "X-AnchorMailbox does not name the organization's system mailbox")
        cmdlet, given = self.shape(body)
        if cmdlet not in CMDLETS or cmdlet not in app["cmdlets"]:
            raise Refused(400, f"The term '{cmdlet}' is not recognized as a name of a cmdlet, function, script file, or executable program.")
        if fault_word(self.tenant.folder, "throttle"):
            self.answer(429, {"error": {"code": "TooManyRequests", "message": "The server is busy."}}, Retry_After="1")
            return
        if fault_word(self.tenant.folder, "broken"):
            raise Refused(500, "An unexpected server error occurred.")
        if fault_word(self.tenant.folder, "silent"):
            self.hang()
            return
        value = self.tenant.run(cmdlet, given)
        self.log_message("did %s %s", cmdlet, json.dumps(given))
        if not cmdlet.startswith("Get-") and fault_word(self.tenant.folder, "mute"):
            self.hang()
            return
        self.answer(200, {"@odata.context": f"https://admin.cloudmail.example/adminapi/beta/{TENANT}/$metadata#Collection(Exchange.GenericHashTable)",
                          "@adminapi.warnings": [], "value": value})

    def hang(self):
        """No answer, for longer than any client waits."""
        time.sleep(60)
        self.close_connection = True

    @staticmethod
    def shape(body):
        def once(pairs):
            if len({k for k, _ in pairs}) != len(pairs):
                raise ValueError("a key stands there twice")
            return dict(pairs)

        try:
            root = json.loads(body, object_pairs_hook=once)
        except ValueError as e:
            raise Refused(400, f"The request body is no valid JSON: {e}") from e
        inner = root.get("CmdletInput") if isinstance(root, dict) else None
        if not isinstance(inner, dict) or set(root) != {"CmdletInput"} or not set(inner) <= {"CmdletName", "Parameters"}:
            raise Refused(400, "The request body is not {\"CmdletInput\": {\"CmdletName\": ..., \"Parameters\": {...}}}.")
        if not isinstance(inner.get("CmdletName"), str) or not isinstance(inner.get("Parameters", {}), dict):
            raise Refused(400, "CmdletName is a string, Parameters an object.")
        return inner["CmdletName"], inner.get("Parameters", {})


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address, context):
        self.context = context
        super().__init__(address, Handler)

    def finish_request(self, request, client_address):
        """The handshake belongs into the connection's own thread: nobody may hold up the others."""
        request.settimeout(30)
        with self.context.wrap_socket(request, server_side=True) as s:
            super().finish_request(s, client_address)

    def handle_error(self, request, client_address):
        sys.stderr.write(f"{client_address[0]}: {sys.exc_info()[1]}\n")


def peace_time(tenant):
    """What an administrator does once, as `ferryman setup tenant --print` says."""
    members = ["canary-cloud@c.corp.example", "canary-gw1@c.corp.example", "canary-gw2@c.corp.example"]
    tenant.run("New-DistributionGroup", {"Name": "pinned-canaries", "PrimarySmtpAddress": "pinned-canaries@corp.example", "Members": members})
    tenant.run("New-OutboundConnector", {
        "Name": "ferryman-nsmail", "ConnectorType": "Partner", "UseMXRecord": False, "SmartHosts": ["relay.nsmail.example"],
        "TlsSettings": "DomainValidation", "TlsDomain": "relay.nsmail.example", "IsTransportRuleScoped": True, "Enabled": True})
    tenant.run("New-TransportRule", {
        "Name": "ferryman-nsmail", "Enabled": False, "FromScope": "InOrganization", "SentToScope": "NotInOrganization",
        "ExceptIfFromMemberOf": ["pinned-canaries@corp.example"], "RouteMessageOutboundConnector": "ferryman-nsmail"})


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--state", required=True, metavar="FOLDER")
    p.add_argument("--listen", metavar="ADDRESS")
    p.add_argument("--certificate", metavar="FILE")
    p.add_argument("--init", action="store_true")
    args = p.parse_args()
    tenant = Tenant(args.state)
    if args.init:
        peace_time(tenant)
        return
    tenant.write_tables()
    Handler.tenant, Handler.apps = tenant, Apps(args.state)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(args.certificate)
    Server((args.listen, 443), context).serve_forever()


if __name__ == "__main__":
    main()
