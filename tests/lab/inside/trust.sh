# trust.sh - who may speak for a domain: OpenDKIM, OpenDMARC, the SPF policy server. Sourced by host.
# shellcheck shell=bash

OPENDKIM=inet:127.0.0.1:8891 OPENDMARC=inet:127.0.0.1:8893

opendkim_common() {
	cat <<X
Mode $1
Socket inet:8891@127.0.0.1
UserID opendkim
PidFile /run/opendkim/opendkim.pid
Canonicalization relaxed/simple
OversignHeaders From
Syslog no
LogResults yes
# Debian's build does not read resolv.conf
Nameservers 198.51.100.55
DNSTimeout 3
X
}
# opendkim_signs SELECTOR CLIENT...: for corp.example and what is under it
opendkim_signs() {
	local s=$1
	shift
	install -d /etc/dkim
	install -o opendkim -m 600 "/run/keys/dkim-$s.key" "/etc/dkim/$s.key"
	printf '%s\n' 127.0.0.1 "$@" >/etc/dkim/clients
	{
		opendkim_common s
		cat <<X
Domain corp.example
SubDomains yes
Selector $s
KeyFile /etc/dkim/$s.key
InternalHosts refile:/etc/dkim/clients
ExternalIgnoreList refile:/etc/dkim/clients
X
	} >/etc/dkim/conf
}
opendkim_verifies() {
	install -d /etc/dkim
	{ opendkim_common v; echo "AuthservID $1"; } >/etc/dkim/conf
}
opendkim_start() {
	own_dir opendkim /run/opendkim
	daemon opendkim opendkim -f -x /etc/dkim/conf
	soon 15 opendkim listens 127.0.0.1 8891
}

# opendmarc_render NAME true|false: does it reject what fails?
opendmarc_render() {
	# "example" is in no list of public suffixes; without it a subdomain never finds its parent's policy
	echo example >/etc/opendmarc.suffixes
	cat >/etc/opendmarc.conf <<X
AuthservID $1
TrustedAuthservIDs $1
Socket inet:8893@127.0.0.1
UserID opendmarc
PidFile /run/opendmarc/opendmarc.pid
RejectFailures $2
SPFSelfValidate true
SPFIgnoreResults false
IgnoreAuthenticatedClients true
Syslog false
PublicSuffixList /etc/opendmarc.suffixes
X
}
opendmarc_start() {
	own_dir opendmarc /run/opendmarc
	daemon opendmarc opendmarc -f -c /etc/opendmarc.conf
	soon 15 opendmarc listens 127.0.0.1 8893
}
