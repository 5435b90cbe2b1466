# mailbox.sh - Dovecot: IMAP over TLS, delivery from Postfix, passwords for submission. Sourced by host.
# shellcheck shell=bash

# dovecot_render CERTIFICATE POSTMASTER ADDRESS...: the addresses may sign in; any address of the host has a mailbox
dovecot_render() {
	local cert=$1 postmaster=$2 a
	shift 2
	for a in "$@"; do echo "$a:{PLAIN}$(password "$a")::::::"; done >/etc/dovecot/users
	chown root:dovecot /etc/dovecot/users
	chmod 640 /etc/dovecot/users
	cat >/etc/dovecot/dovecot.conf <<X
protocols = imap lmtp
listen = *
ssl = required
ssl_cert = </etc/lab/$cert.both
ssl_key = </etc/lab/$cert.both
auth_mechanisms = plain login
# a wrong password is told at once: what it costs to guess is no subject here, and a probe waits for seconds only
auth_failure_delay = 0 secs
log_path = /var/log/dovecot.log
mail_location = maildir:/var/vmail/%d/%n
first_valid_uid = 500
mail_fsync = never
recipient_delimiter = +
login_trusted_networks =
passdb {
  driver = passwd-file
  args = username_format=%u /etc/dovecot/users
}
userdb {
  driver = static
  args = uid=500 gid=500 home=/var/vmail/%d/%n allow_all_users=yes
}
namespace inbox {
  inbox = yes
  mailbox Junk {
    auto = create
  }
}
service imap-login {
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    port = 993
    ssl = yes
  }
}
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service auth {
  unix_listener /var/spool/postfix/private/auth {
    mode = 0660
    user = postfix
    group = postfix
  }
}
service lmtp {
  unix_listener /var/spool/postfix/private/dovecot-lmtp {
    mode = 0600
    user = postfix
    group = postfix
  }
}
protocol lmtp {
  postmaster_address = $postmaster
}
X
}
dovecot_start() {
	dovecot || return 1
	soon 15 imap listens 127.0.0.1 993
}
