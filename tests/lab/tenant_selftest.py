#!/usr/bin/env python3
"""tenant_selftest.py - is the lab's admin interface as strict as it says? Runs on obs, as root: python3 tenant_selftest.py PWSH

PWSH is inside/pwsh, whose session signs and posts. One line "ok NAME" or "FAIL NAME: what came" for each case.
"""
import importlib.machinery
import importlib.util
import json
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request

TENANT = "corp.example"
COMMAND = f"/adminapi/beta/{TENANT}/InvokeCommand"
TOKEN = f"/{TENANT}/oauth2/v2.0/token"
APP = "/etc/ferryman/tenant-app"
ADMIN = "/root/admin/tenant-admin"
CONTEXT = ssl.create_default_context(cafile="/etc/lab/ca.pem")


def load(path):
    loader = importlib.machinery.SourceFileLoader("pwsh", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("pwsh", loader))
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


pwsh = load(sys.argv[1])


def say(ok, name, came):
    print(f"ok {name}" if ok else f"FAIL {name}: {came}")


def ask(path, body, headers, method="POST"):
    """(status, document or text)"""
    request = urllib.request.Request(pwsh.BASE + path, data=body, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, context=CONTEXT, timeout=20) as r:
            status, text = r.status, r.read().decode()
    except urllib.error.HTTPError as e:
        status, text = e.code, e.read().decode(errors="replace")
    try:
        return status, json.loads(text)
    except ValueError:
        return status, text


def headers(bearer, **other):
    h = {"Authorization": "Bearer " + bearer, "Content-Type": "application/json",
         "X-AnchorMailbox": f"APP:SystemMailbox{{bb558c35-97f1-4cb9-8ff7-d53741dc928c}}@{TENANT}"}
    h.update({k.replace("_", "-"): v for k, v in other.items()})
    return {k: v for k, v in h.items() if v is not None}


def signed_form(app, **instead):
    """The token request of an application, as a dictionary; nothing is sent."""
    kept = {}

    class Taken(Exception):
        pass

    session = pwsh.Session(app)

    def keep(path, data, headers_):
        kept.update(urllib.parse.parse_qsl(data.decode()))
        raise Taken

    session.post = keep
    try:
        session.connect()
    except Taken:
        pass
    kept.update(instead)
    return kept


def token(form):
    return ask(TOKEN, urllib.parse.urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded"})


def command(name, parameters):
    return json.dumps({"CmdletInput": {"CmdletName": name, "Parameters": parameters}}).encode()


def with_bad_signature(form):
    head, claims, signature = form["client_assertion"].split(".")
    other = "A" if signature[10] != "A" else "B"
    return {**form, "client_assertion": f"{head}.{claims}.{signature[:10]}{other}{signature[11:]}"}


def token_cases():
    with open(APP + ".id", encoding="ascii") as f:
        app_id = f.read().strip()
    form = signed_form(APP)
    status, doc = token(form)
    say(status == 200 and doc.get("token_type") == "Bearer", "a signed assertion gives a token", (status, doc))
    bearer = doc.get("access_token", "")
    refused = {
        "the same assertion again": form,
        "a signature that was touched": with_bad_signature(signed_form(APP)),
        "another certificate under this id": signed_form(ADMIN, client_id=app_id),
        "an id that nobody has": signed_form(APP, client_id="00000000-0000-0000-0000-000000000000"),
        "another scope": signed_form(APP, scope="https://graph.microsoft.com/.default"),
        "a client secret beside it": {**signed_form(APP), "client_secret": "x"},
        "a client secret instead": {"client_id": app_id, "client_secret": "x", "grant_type": "client_credentials", "scope": form["scope"]},
    }
    for name, bad in refused.items():
        status, doc = token(bad)
        say(status in (400, 401) and "access_token" not in doc, f"no token for {name}", (status, doc))
    return bearer


def command_cases(bearer):
    rule = {"Identity": "ferryman-nsmail"}
    enable = command("Enable-TransportRule", rule)
    good = headers(bearer)
    cases = [
        ("no token", 401, enable, headers(bearer, Authorization=None), "POST"),
        ("a wrong token", 401, enable, headers(bearer[::-1]), "POST"),
        ("the token without Bearer", 401, enable, headers(bearer, Authorization=bearer), "POST"),
        ("no anchor mailbox", 400, enable, headers(bearer, X_AnchorMailbox=None), "POST"),
        ("another content type", 415, enable, headers(bearer, Content_Type="text/plain"), "POST"),
        ("a GET", 405, None, good, "GET"),
        ("a body that is no JSON", 400, b"{", good, "POST"),
        ("a key beside CmdletInput", 400, b'{"CmdletInput": {"CmdletName": "Get-TransportRule"}, "x": 1}', good, "POST"),
        ("a key that stands twice", 400, b'{"CmdletInput": {"CmdletName": "Get-TransportRule", "CmdletName": "Get-TransportRule"}}', good, "POST"),
        ("parameters that are no object", 400, command("Get-TransportRule", []), good, "POST"),
        ("a cmdlet that is none", 400, command("Set-Transportrules", rule), good, "POST"),
        ("a cmdlet outside the role", 400, command("Set-OutboundConnector", {"Identity": "ferryman-nsmail", "Enabled": False}), good, "POST"),
        ("an unknown parameter", 400, command("Enable-TransportRule", {**rule, "Force": True}), good, "POST"),
        ("State set by Set-", 400, command("Set-TransportRule", {**rule, "State": "Enabled"}), good, "POST"),
        ("a text where a list belongs", 400, command("Set-TransportRule", {**rule, "ExceptIfFrom": "u01@corp.example"}), good, "POST"),
        ("a list of things that are no address", 400, command("Set-TransportRule", {**rule, "ExceptIfFrom": ["u01"]}), good, "POST"),
        ("no Identity", 400, command("Enable-TransportRule", {}), good, "POST"),
        ("Disable- without Confirm", 400, command("Disable-TransportRule", rule), good, "POST"),
        ("Confirm as a text", 400, command("Disable-TransportRule", {**rule, "Confirm": "false"}), good, "POST"),
        ("a rule that is not there", 404, command("Enable-TransportRule", {"Identity": "other"}), good, "POST"),
    ]
    before = ask(COMMAND, command("Get-TransportRule", rule), good)
    for name, want, body, head, method in cases:
        status, doc = ask(COMMAND, body, head, method)
        sentence = isinstance(doc, dict) and doc.get("error", {}).get("details", [{}])[0].get("message")
        say(status == want and bool(sentence), f"refused with {want}: {name}", (status, doc))
    status, doc = ask(f"/adminapi/beta/other.example/InvokeCommand", enable, good)
    say(status == 404, "refused with 404: another tenant", (status, doc))
    after = ask(COMMAND, command("Get-TransportRule", rule), good)
    say(before == after and before[0] == 200, "none of them changed the rule", (before, after))
    status, doc = ask(COMMAND, command("Set-TransportRule", {**rule, "ExceptIfFrom": None}), good)
    say(status == 200 and doc["value"] == [], "a list may be emptied by null", (status, doc))
    status, doc = ask(COMMAND, command("Get-OutboundConnector", {"Identity": "FERRYMAN-NSMAIL"}), good)
    say(status == 200 and doc["value"][0]["SmartHosts"] == ["relay.nsmail.example"], "a connector is shown, whatever the case of its name", (status, doc))


command_cases(token_cases())
