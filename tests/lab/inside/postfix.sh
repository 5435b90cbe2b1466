# postfix.sh - Postfix as every mail host of the lab has it. Sourced by host.
# shellcheck shell=bash

# postfix_render NAME CERTIFICATE: parameters that all share; more follow on standard input
postfix_render() {
	cat >/etc/postfix/main.cf <<X
compatibility_level = 3.6
myhostname = $1
inet_interfaces = all
inet_protocols = ipv4
maillog_file = /var/log/mail.log
mydestination =
local_transport = error:no mailboxes of this machine
alias_maps =
alias_database =
biff = no
smtputf8_enable = no
smtpd_banner = \$myhostname ESMTP
recipient_delimiter = +
# quick, so that a story fits into minutes; a real server waits five minutes and more
queue_run_delay = 3s
minimal_backoff_time = 4s
maximal_backoff_time = 15s
smtp_connect_timeout = 3s
smtp_helo_timeout = 20s
in_flow_delay = 0
# receivers start one policy server for each connection: few at a time
default_destination_concurrency_limit = 5
# an old connection would keep an old verdict
smtp_connection_cache_on_demand = no
smtp_tls_security_level = may
smtp_tls_CAfile = /etc/lab/ca.pem
smtp_tls_loglevel = 1
smtpd_tls_security_level = may
smtpd_tls_chain_files = /etc/lab/$2.both
smtpd_tls_CAfile = /etc/lab/ca.pem
smtpd_tls_loglevel = 1
milter_default_action = tempfail
X
	cat >>/etc/postfix/main.cf
	# no chroot: the lab host is one
	sed -E 's/^(\S+\s+(inet|unix|fifo|pass|unix-dgram)\s+\S+\s+\S+\s+)y/\1n/' /usr/share/postfix/master.cf.dist >/etc/postfix/master.cf
}
# table FILE: rows on standard input
table() { cat >"$1"; postmap "lmdb:$1"; }
service() { cat >>/etc/postfix/master.cf; }
# smtpd on 587: TLS first, then a password that Dovecot knows
submission() {
	service <<X
$1 inet n - n - - smtpd -o syslog_name=postfix/submission -o smtpd_tls_security_level=encrypt -o smtpd_tls_auth_only=yes -o smtpd_tls_ask_ccert=no -o smtpd_sasl_auth_enable=yes -o smtpd_sasl_type=dovecot -o smtpd_sasl_path=private/auth -o smtpd_client_restrictions= -o smtpd_recipient_restrictions= -o smtpd_relay_restrictions=permit_sasl_authenticated,reject ${2:-}
X
}
postfix_finish() {
	# what `postfix start` would look after each time is done once, here
	postfix check
	install -d -o postfix -m 700 /var/spool/postfix/{active,bounce,corrupt,defer,deferred,flush,hold,incoming,private,saved,trace}
}
# A table that is written in place must lie in the host's own layer before a server opens it: who has a file of a lower layer
# open goes on reading that one when it is written to, and Postfix would never see a change.
own_tables() {
	local t
	for t in /etc/postfix/*.lmdb /var/lib/ferryman-relay/maps/*; do
		[ -f "$t" ] && [ ! -e "$t.own" ] || continue
		cp -p "$t" "$t.own" && mv "$t.own" "$t"
	done
}
postfix_start() {
	own_tables
	rm -f /var/spool/postfix/pid/master.pid
	touch -d '1 minute ago' /etc/postfix/main.cf # Postfix waits for a file that has just changed
	/usr/lib/postfix/sbin/master -w || { tail -3 /var/log/mail.log; return 1; }
	soon 20 smtp listens "${1:-127.0.0.1}" 25
}
