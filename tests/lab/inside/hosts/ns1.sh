# ns1 - primary name server of corp.example (Knot DNS): takes signed updates of MX and TXT, hands the zone to ns2.
# shellcheck shell=bash
host_render() {
	cat >/var/lib/knot/corp.example.zone <<X
\$ORIGIN corp.example.
\$TTL 5
@ SOA ns1 hostmaster 1 5 2 86400 2
@ NS ns1
@ NS ns2
ns1 A 198.51.100.53
ns2 A 203.0.113.53
hub A 203.0.113.10
obs A 203.0.113.201
; long enough for a sender to have it in a cache when it changes
@ 30 MX 10 mx.cloudmail.example.
@ TXT "v=spf1 include:spf.cloudmail.example -all"
_dmarc TXT "v=DMARC1; p=reject; sp=reject; adkim=r; aspf=r"
cloud1._domainkey TXT ( $(dkim_txt cloud1) )
; canaries: a subdomain that both ways may send for, in peace time too
c MX 10 mx.cloudmail.example.
c TXT "v=spf1 include:spf.cloudmail.example include:spf.nsmail.example -all"
X
	knot_render
}
host_start() { knot_start; }
