# shelter.sh - a hub that delivers by itself, its playbook and its mail: sourced by the tests, after lib.sh.

# --- the hub of this test talks to receivers itself; SPF names it ---
deliver_itself() {
	on hub sh -c 'postconf -e "relayhost =" && touch -d "1 minute ago" /etc/postfix/main.cf && postfix reload 2>/dev/null'
	on ns1 sh -ec 'knotc zone-begin corp.example
		for n in @ c; do knotc zone-unset corp.example $n TXT; knotc zone-set corp.example $n 5 TXT "\"v=spf1 include:spf.cloudmail.example ip4:203.0.113.10 -all\""; done
		knotc zone-commit corp.example' >/dev/null
	until_ 10 resolves
}
resolves() { [ "$(for n in corp.example c.corp.example; do obs dig +short $n TXT; done | grep -c 203.0.113.10)" = 2 ]; }
seeds() {
	local n
	for n in 1 2 3; do
		printf '      - {receiver: rcpt%s, mailbox: seed+%%@rcpt%s.example, authserv: mx.rcpt%s.example, imap: {host: mx.rcpt%s.example, auth: {file: seed-rcpt%s.auth}, ca: {file: lab-ca.pem}}}\n' $n $n $n $n $n
	done
}
playbook() {
	cat <<-Y
	ferryman: 1
	playbook: direct
	summary: A hub that delivers by itself. Its mail waits while receivers refuse it.
	owner: duty@continuity.example
	domains: [corp.example]
	mode: automatic
	targets:
	  hub: {connector: postfix, host: 203.0.113.10, user: ferryman, key: {file: id_ed25519}, host_key: {file: hub.hostkey}}
	paths:
	  direct: {prefer: 1, egress: [203.0.113.10], last_hop: hub, spf: ["ip4:203.0.113.10"]}
	signals:
	  lists: {kind: dnsbl, group: reputation, path: direct, flow: outbound, every: 2s, timeout: 1s, lists: [bl.reputation.example], resolver: 198.51.100.55}
	  canary:
	    kind: canary
	    group: delivery
	    path: direct
	    flow: outbound
	    every: 3s
	    timeout: 8s
	    late_after: 2s
	    late: bad
	    from: canary-cloud@c.corp.example
	    submit: {host: hub.corp.example, port: 25, ca: {file: lab-ca.pem}}
	    seeds:
	$(seeds)
	    bounces:
	      imap: {host: mx.cloudmail.example, auth: {file: bounces.auth}, ca: {file: lab-ca.pem}}
	    expect: {egress: [203.0.113.10]}
	  anchor-a: {kind: tcp, role: anchor, every: 3s, timeout: 2s, host: 198.51.100.80, port: 443}
	  anchor-b: {kind: tcp, role: anchor, every: 3s, timeout: 2s, host: 203.0.113.80, port: 443}
	diagnoses:
	  blocked: {path: direct, flow: outbound, groups: 2, of: [reputation, delivery], must: [delivery], receivers: 2, for: 1h, clear: 8s}
	responses:
	  - {on: blocked, at: suspect, run: shelter, mode: automatic}
	procedures:
	  shelter:
	    kind: shelter
	    flow: outbound
	    expires: ${1:-12s}
	    steps:
	      - {name: let mail wait instead of bounce, mail.park: {at: [hub]}}
	limits: {records: 20}
	people:
	  cio: {user: alice, may: [run, approve, brake]}
	notify:
	  - {program: [/usr/local/bin/page-duty]}
	Y
}
put_playbook() { playbook "$@" | obs sh -c 'cat >/etc/ferryman/direct.yaml && chown ferryman /etc/ferryman/direct.yaml'; }

# --- mail of applications, each by its id: x.. to mailboxes that exist, y.. to nobody ---
hand_in() { # PREFIX COUNT ARGUMENT...
	local prefix=$1 n=$2; shift 2
	obs python3 "$PWD/tests/e2e/traffic.py" --out "$work/sent" --until /tmp/never --only app --count "$n" --rate 40 --prefix "$prefix" --password-file /etc/lab/user.password --ca /etc/lab/ca.pem "$@"
}
mail() { hand_in "$1x" 18; hand_in "$1y" 3 --to rcpt3.example --mailboxes nobody; }
find_mail() { "$LAB" find >"$work/found"; python3 tests/e2e/account.py "$work/sent" "$work/found" --json 2>/dev/null >"$work/account.json"; }
# came_back PREFIX: how many messages of that prefix were returned
came_back() { head -1 "$work/account.json" | jq -r --arg p "$1" '[.returned_ids[] | select(startswith($p))] | length'; }
is_back() { find_mail && [ "$(came_back "$1")" = "$2" ]; }
all_there() { find_mail && [ "$(head -1 "$work/account.json" | jq '.waiting + .lost')" = 0 ]; }
arrived() { awk -v p="$2" '$1 == "mailbox" && index($3, p) == 1 && $2 == "'"$1"'"' "$work/found" | wc -l; }
refusals() { on hub grep -c 'release0/smtp.*status=deferred (host mx.rcpt1.example.* said: 554' /var/log/mail.log; }
refused_often() { [ "$(refusals)" -ge "$1" ]; }
park_map() { on hub postmap -s lmdb:/var/lib/ferryman-relay/maps/park | tr -s '\t' ' '; }
parks() { [ "$(park_map)" = "@corp.example park:unix:private/parked-by-ferryman" ]; }
lets_go() { [ "$(park_map)" = "@corp.example release0:" ]; }
park_ended() { [ -z "$(park_map)" ]; }
no_ferryman() { ! obs pgrep -x ferryman; }
hub_bytes() { on hub sh -c 'cd /etc/postfix && sha256sum main.cf master.cf *filter* *.lmdb'; hub_config; }
