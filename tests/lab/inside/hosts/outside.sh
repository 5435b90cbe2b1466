# outside - a sender somewhere, with a resolver of its own: what that has in its cache stays until the time to live ends.
# shellcheck shell=bash
host_render() {
	printf 'nameserver 127.0.0.1\noptions timeout:1 attempts:3\n' >/etc/resolv.conf
	unbound_render
	cert outside
	own_dir vmail /var/vmail
	postfix_render mx.outside.example outside <<X
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = outside.example
virtual_mailbox_base = /var/vmail
virtual_mailbox_maps = static:outside.example/all/
virtual_uid_maps = static:500
virtual_gid_maps = static:500
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
X
	postfix_finish
}
host_start() { unbound_start && postfix_start; }
