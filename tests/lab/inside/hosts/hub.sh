# hub - the company's own Postfix for applications and printers. Its mail leaves through the cloud. ferryman's helper is set
# up on it by the very lines that `ferryman setup hub --print` prints (/run/keys/setup.sh), and by nothing else.
# shellcheck shell=bash
host_render() {
	cert hub
	printf 'corp.example smtp:[mx.cloudmail.example]:25\nc.corp.example smtp:[mx.cloudmail.example]:25\n' | table /etc/postfix/home
	postfix_render hub.corp.example hub <<X
mynetworks = 127.0.0.0/8, 203.0.113.192/26
relay_domains = corp.example, c.corp.example
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
relayhost = [mx.cloudmail.example]:25
transport_maps = lmdb:/etc/postfix/home
X
	postfix_finish
	install -m 600 /run/keys/ssh_host_ed25519_key /etc/ssh/ssh_host_ed25519_key
	install -m 644 /run/keys/ssh_host_ed25519_key.pub /etc/ssh/ssh_host_ed25519_key.pub
	cat >/etc/ssh/sshd_config <<X
HostKey /etc/ssh/ssh_host_ed25519_key
PidFile /run/sshd.pid
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
PrintMotd no
X
	(umask 77; printf '[relay.nsmail.example]:587 %s\n' "$(cat /run/keys/nsmail.auth)" >/etc/postfix/ferryman-sasl)
	postmap lmdb:/etc/postfix/ferryman-sasl
	chmod 600 /etc/postfix/ferryman-sasl.lmdb
	(cd /run/keys && bash -e ./setup.sh) # ferryman-relay lies there too
}
host_start() {
	/usr/sbin/sshd -E /var/log/sshd.log || return 1
	postfix_start && soon 10 sshd listens 127.0.0.1 22 || return 1
	# what cron would do within five minutes (setup's /etc/cron.d/ferryman-relay): a shelter ends in time after a reboot too
	runuser -u ferryman -- /usr/local/lib/ferryman/ferryman-relay tick || :
}
