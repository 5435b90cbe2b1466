# cloud - the tenant: mailboxes, submission, MX and admin interface of corp.example at a provider. It delivers by itself
# through two gateways, which it picks by chance for each message. Only its admin interface (tenant_api.py) changes its
# outbound connector: it writes the two tables tenant-stay and tenant-away, which Postfix reads at the next message.
# shellcheck shell=bash

users() { local i; for i in $(seq -w 20); do echo "u$i@corp.example"; done; }
CANARIES="canary-cloud@c.corp.example canary-gw1@c.corp.example canary-gw2@c.corp.example canary-nsmail@c.corp.example"

cloud_tables() {
	{ users; printf '%s@corp.example\n' alice bob erp printer shop postmaster hostmaster bounces canary-in probe; tr ' ' '\n' <<<"$CANARIES"; } |
		sed 's/$/ here/' | table /etc/postfix/mailboxes
	# what comes back to a sender of canaries is read in one mailbox
	tr ' ' '\n' <<<"$CANARIES probe@corp.example" | sed 's/$/ bounces@corp.example/' | table /etc/postfix/aliases
	# pinned whatever the connector does
	printf 'canary-gw1@c.corp.example gw1:\ncanary-gw2@c.corp.example gw2:\n' | table /etc/postfix/pinned
	# the key under which tenant-away is asked. Constant results: Postfix skips a row with $1 in this kind of table
	printf '/@corp\\.example$/ corp.example\n/@c\\.corp\\.example$/ c.corp.example\n' >/etc/postfix/accepted
}
# randmap answers to every key, and a table is asked for the whole address before the next one is: so the order is
# pinned, exceptions (which draw a gateway), the rule, and at last the draw for all others.
cloud_main() {
	cat <<X
mynetworks = 127.0.0.0/8, 203.0.113.10/32
virtual_mailbox_domains = corp.example, c.corp.example
virtual_mailbox_maps = lmdb:/etc/postfix/mailboxes
virtual_alias_maps = lmdb:/etc/postfix/aliases
virtual_transport = lmtp:unix:private/dovecot-lmtp
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
smtpd_milters = $OPENDKIM
sender_dependent_default_transport_maps = lmdb:/etc/postfix/pinned,
  pipemap:{lmdb:/etc/postfix/tenant-stay, randmap:{gw1:, gw2:}},
  pipemap:{pcre:/etc/postfix/accepted, lmdb:/etc/postfix/tenant-away},
  randmap:{gw1:, gw2:}
X
}
gateway() { echo "$1 unix - - n - - smtp -o syslog_name=postfix/$1 -o smtp_bind_address=$2 -o smtp_helo_name=$1.cloudmail.example"; }
# connector NAME TLS-OPTION...: towards a smart host, with the tenant's certificate as its name
connector() {
	local n=$1
	shift
	echo "$n unix - - n - - smtp -o syslog_name=postfix/$n -o smtp_bind_address=198.51.100.10 -o smtp_tls_chain_files=/etc/lab/tenant.both $*"
}

host_render() {
	cert cloud
	cert tenant
	cloud_tables
	cloud_main | postfix_render mx.cloudmail.example cloud
	sed -i '/^smtp  *inet/d' /etc/postfix/master.cf
	{
		printf '%s inet n - n - - smtpd\n' 127.0.0.1:25 198.51.100.10:25
		gateway gw1 "$GW1"
		gateway gw2 "$GW2"
		connector connector-plain
		connector connector-encrypt -o smtp_tls_security_level=encrypt
		connector connector-verify -o smtp_tls_security_level=secure -o smtp_tls_secure_cert_match=hostname
	} | service
	submission 198.51.100.10:587
	opendkim_signs cloud1 203.0.113.10
	# shellcheck disable=SC2046,SC2086
	dovecot_render cloud postmaster@corp.example $(users) alice@corp.example bob@corp.example probe@corp.example \
		bounces@corp.example canary-in@corp.example canary-cloud@c.corp.example canary-gw1@c.corp.example canary-gw2@c.corp.example
	tenant_render
	postfix_finish
}
tenant_render() {
	install -d -m 700 /var/lib/tenant
	cp /run/keys/tenant-app.crt /run/keys/tenant-admin.crt /run/keys/apps.json /var/lib/tenant/
	python3 "$LAB_INSIDE/tenant_api.py" --state /var/lib/tenant --init
}
host_start() {
	daemon tenant-api python3 "$LAB_INSIDE/tenant_api.py" --state /var/lib/tenant --listen 198.51.100.10 --certificate /etc/lab/cloud.both
	opendkim_start && dovecot_start && postfix_start && soon 20 "the admin interface" listens 198.51.100.10 443
}
