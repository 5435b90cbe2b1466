# nsmail - the rented relay. Port 587: submission with TLS and password, for applications. Port 25: from the tenant's
# connector, known by its certificate; and MX of corp.example as a spool: only recipients on a list, onward by a fixed way.
# shellcheck shell=bash
host_render() {
	local i
	cert nsmail
	{ for i in $(seq -w 20); do echo "u$i"; done; printf '%s\n' alice bob erp printer shop postmaster hostmaster bounces canary-in probe; } |
		sed 's/$/@corp.example listed/' | table /etc/postfix/recipients
	printf '%s@c.corp.example listed\n' canary-cloud canary-gw1 canary-gw2 canary-nsmail >>/etc/postfix/recipients
	postmap lmdb:/etc/postfix/recipients
	printf 'corp.example smtp:[mx.cloudmail.example]:25\nc.corp.example smtp:[mx.cloudmail.example]:25\n' | table /etc/postfix/onward
	echo "$(openssl x509 -in /run/keys/tenant.pem -noout -fingerprint -sha256 | cut -d= -f2) corp.example" | table /etc/postfix/customers
	local app
	app=$(cut -d: -f1 /run/keys/nsmail.auth)
	printf '/^canary-nsmail@c\\.corp\\.example$/ %s, canary-nsmail@c.corp.example\n/@(c\\.)?corp\\.example$/ %s\n' "$app" "$app" >/etc/postfix/logins
	postfix_render relay.nsmail.example nsmail <<X
mynetworks = 127.0.0.0/8
relay_domains = corp.example, c.corp.example
relay_recipient_maps = lmdb:/etc/postfix/recipients
transport_maps = lmdb:/etc/postfix/onward
smtpd_tls_ask_ccert = yes
smtpd_tls_fingerprint_digest = sha256
relay_clientcerts = lmdb:/etc/postfix/customers
smtpd_relay_restrictions = permit_tls_clientcerts, reject_unauth_destination
smtpd_sender_login_maps = pcre:/etc/postfix/logins
X
	submission 587 "-o smtpd_sender_restrictions=reject_sender_login_mismatch"
	postfix_finish
	dovecot_render nsmail postmaster@nsmail.example "$app" canary-nsmail@c.corp.example
}
host_start() { dovecot_start && postfix_start; }
