# dns.sh - name servers: Knot DNS, BIND, PowerDNS, unbound, rbldnsd. Sourced by host.
# shellcheck shell=bash

answers() { dig +short +time=1 +tries=1 "$@" | grep -qv '^;'; }
# A DKIM key as a TXT record of several strings, none longer than 255 octets.
dkim_txt() { awk '{s = "v=DKIM1; k=rsa; p=" $0; while (length(s) > 0) {printf "\"%s\" ", substr(s, 1, 200); s = substr(s, 201)}}' "/run/keys/dkim-$1.b64"; }

knot_render() {
	local tsig xfr
	tsig=$(cat /run/keys/tsig.key) xfr=$(cat /run/keys/xfr.key)
	cat >/etc/knot/knot.conf <<X
server:
    rundir: /run/knot
    user: knot:knot
    listen: [198.51.100.53@53, 127.0.0.1@53]
log:
  - target: /var/log/knot.log
    any: info
key:
  - id: ferryman
    algorithm: hmac-sha256
    secret: $tsig
  - id: transfer
    algorithm: hmac-sha256
    secret: $xfr
remote:
  - id: ns2
    address: 203.0.113.53
    key: transfer
acl:
  - id: ferryman
    key: ferryman
    action: update
    update-type: [MX, TXT]
    update-owner: name
    update-owner-match: equal
    update-owner-name: [corp.example., _ferryman.corp.example.]
  - id: transfer
    key: transfer
    action: transfer
database:
    storage: /var/lib/knot
zone:
  - domain: corp.example
    storage: /var/lib/knot
    file: corp.example.zone
    acl: [ferryman, transfer]
    notify: ns2
    zonefile-sync: 0
X
	touch /var/log/knot.log
	chown -R knot:knot /var/lib/knot /var/log/knot.log
}
knot_start() {
	own_dir knot /run/knot
	daemon knot knotd -c /etc/knot/knot.conf
	soon 15 knot answers @127.0.0.1 corp.example MX
}

bind_render() {
	cat >/etc/bind/lab.conf <<X
options {
	directory "/var/cache/bind";
	listen-on { any; };
	listen-on-v6 { none; };
	recursion no;
	pid-file "/run/named/named.pid";
	session-keyfile "/run/named/session.key";
	dnssec-validation no;
	notify no;
};
controls { };
logging { channel file { file "/var/log/named.log"; severity info; print-time yes; print-category yes; }; category default { file; }; };
key transfer { algorithm hmac-sha256; secret "$(cat /run/keys/xfr.key)"; };
server 198.51.100.53 { keys { transfer; }; };
zone "corp.example" {
	type secondary;
	primaries { 198.51.100.53 key transfer; };
	allow-notify { key transfer; };
	file "corp.example.db";
	masterfile-format text;
	min-refresh-time 2; max-refresh-time 10; min-retry-time 1; max-retry-time 2;
};
X
	own_dir bind /var/cache/bind
	touch /var/log/named.log
	chown bind:bind /var/log/named.log
}
bind_start() {
	own_dir bind /run/named
	# named asks once and then not again for most of a minute: let the primary be there first
	soon 20 "the primary" listens 198.51.100.53 53 || return 1
	daemon named named -4 -n 1 -u bind -c /etc/bind/lab.conf -f
	soon 20 "named with the zone" answers @203.0.113.53 corp.example MX
}

pdns_render() {
	local db=/var/lib/powerdns/pdns.sqlite3
	cat >/etc/powerdns/pdns.conf <<X
launch=gsqlite3
gsqlite3-database=$db
gsqlite3-dnssec=yes
gsqlite3-pragma-synchronous=0
local-address=198.51.100.54,127.0.0.1
setuid=pdns
setgid=pdns
api=yes
api-key=$(cat /run/keys/pdns.key)
webserver=yes
webserver-address=0.0.0.0
webserver-port=8081
webserver-allow-from=0.0.0.0/0
zone-cache-refresh-interval=0
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
distributor-threads=1
receiver-threads=1
guardian=no
daemon=no
disable-syslog=yes
X
	rm -f "$db"
	sqlite3 "$db" </usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql
	parent_zones
	chown -R pdns:pdns /var/lib/powerdns
}
# zone NAME: records on standard input
zone() {
	{ printf '$ORIGIN %s.\n$TTL 5\n@ SOA ns.registry.example. hostmaster.registry.example. 1 3600 600 86400 2\n@ NS ns.registry.example.\n' "$1"; cat; } >"/tmp/$1.zone"
	pdnsutil load-zone "$1" "/tmp/$1.zone" >/dev/null 2>&1 || { echo "pdns does not take the zone $1"; return 1; }
	rm "/tmp/$1.zone"
}
parent_zones() {
	local n
	zone example <<X
ns.registry A 198.51.100.54
corp NS ns1.corp
corp NS ns2.corp
ns1.corp A 198.51.100.53
ns2.corp A 203.0.113.53
anchor-a A 198.51.100.80
anchor-b A 203.0.113.80
X
	zone cloudmail.example <<X
mx A 198.51.100.10
admin A 198.51.100.10
gw1 A $GW1
gw2 A $GW2
spf TXT "v=spf1 ip4:$GW1 ip4:$GW2 -all"
X
	zone nsmail.example <<X
relay A 203.0.113.65
mx A 203.0.113.65
spf TXT "v=spf1 ip4:203.0.113.65 -all"
X
	for n in 1 2 3; do
		zone "rcpt$n.example" <<X
@ MX 10 mx
@ TXT "v=spf1 mx -all"
mx A 198.51.100.20$n
X
	done
	zone outside.example <<X
@ MX 10 mx
@ TXT "v=spf1 ip4:203.0.113.150 ip4:203.0.113.201 -all"
mx A 203.0.113.150
X
	zone 100.51.198.in-addr.arpa <<X
10 PTR mx.cloudmail.example.
25 PTR gw1.cloudmail.example.
26 PTR gw2.cloudmail.example.
201 PTR mx.rcpt1.example.
202 PTR mx.rcpt2.example.
203 PTR mx.rcpt3.example.
X
	zone 113.0.203.in-addr.arpa <<X
10 PTR hub.corp.example.
65 PTR relay.nsmail.example.
150 PTR mx.outside.example.
201 PTR obs.corp.example.
X
}
pdns_start() {
	own_dir pdns /run/pdns
	daemon pdns pdns_server
	soon 20 pdns answers @127.0.0.1 ns.registry.example A
}

# unbound_render [LIST...]: a resolver for the lab's names and no others; lists are answered on port 5353 of this host
unbound_render() {
	local z
	cat >/etc/unbound/unbound.conf <<X
server:
  interface: 0.0.0.0
  access-control: 0.0.0.0/0 allow
  do-ip6: no
  chroot: ""
  username: unbound
  directory: /etc/unbound
  pidfile: /run/unbound.pid
  use-syslog: no
  logfile: /var/log/unbound.log
  module-config: iterator
  do-not-query-localhost: no
  cache-max-negative-ttl: 2
  infra-host-ttl: 5
  num-threads: 1
  local-zone: "." refuse
  local-zone: "example." transparent
  local-zone: "100.51.198.in-addr.arpa." transparent
  local-zone: "113.0.203.in-addr.arpa." transparent
remote-control:
  control-enable: yes
  control-interface: /run/unbound.ctl
X
	for z in example 100.51.198.in-addr.arpa 113.0.203.in-addr.arpa; do
		printf 'stub-zone:\n  name: "%s"\n  stub-addr: 198.51.100.54\n' "$z"
	done >>/etc/unbound/unbound.conf
	for z in "$@"; do
		printf 'stub-zone:\n  name: "%s"\n  stub-addr: 127.0.0.1@5353\n' "$z"
	done >>/etc/unbound/unbound.conf
	touch /var/log/unbound.log
	chown unbound /var/log/unbound.log
}
unbound_start() {
	daemon unbound unbound -d -c /etc/unbound/unbound.conf
	soon 15 unbound answers @127.0.0.1 localhost A
}

# Both lists hold RFC 5782's test point from the start, and nothing else.
rbldnsd_render() {
	local l
	for l in $LISTS; do
		cat >"/var/lib/rbldns/${l%%.*}" <<X
\$SOA 5 $l. hostmaster.reputation.example. 0 600 300 86400 2
\$NS 5 ns.$l.
\$TTL 5
:127.0.0.2:Poor reputation, see http://lookup.reputation.example/?\$
127.0.0.2
X
	done
}
rbldnsd_start() {
	local l zones=()
	for l in $LISTS; do zones+=("$l:ip4set:${l%%.*}"); done
	daemon rbldnsd rbldnsd -n -p /run/rbldnsd.pid -u rbldns -w /var/lib/rbldns -b 127.0.0.1/5353 -c 1s -t 5:5:5 "${zones[@]}"
	soon 15 rbldnsd answers -p 5353 @127.0.0.1 2.0.0.127.bl.reputation.example A
}
