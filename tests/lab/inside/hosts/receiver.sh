# rcpt1, rcpt2, rcpt3 - three receivers that have nothing to do with each other. All check DKIM, SPF and DMARC and write
# Authentication-Results. rcpt1 rejects who is listed (554), who fails SPF or DMARC; rcpt2 defers who is listed (450);
# rcpt3 asks no list. Any address has a mailbox; seed@ may sign in, to read and to send.
# shellcheck shell=bash
host_render() {
	local name=mx.$H.example list='' spf='' code=554 reject=false
	case $H in
	rcpt1) list='reject_rbl_client bl.reputation.example=127.0.0.2,' spf='check_policy_service unix:private/spf' reject=true ;;
	rcpt2) list='reject_rbl_client bl.reputation.example=127.0.0.2' code=450 ;;
	esac
	cert "$H"
	postfix_render "$name" "$H" <<X
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = $H.example
virtual_transport = lmtp:unix:private/dovecot-lmtp
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination, $list $spf
maps_rbl_reject_code = $code
spf_time_limit = 3600
smtpd_milters = $OPENDKIM, $OPENDMARC
X
	# max_use=1: an smtpd remembers what a list said
	sed -i '/^smtp  *inet/d' /etc/postfix/master.cf
	service <<X
smtp inet n - n - - smtpd -o max_use=1
spf unix - n n - 0 spawn user=nobody argv=/usr/sbin/postfix-policyd-spf-perl
X
	submission 587 "-o smtpd_milters="
	postfix_finish
	opendkim_verifies "$name"
	opendmarc_render "$name" "$reject"
	dovecot_render "$H" "postmaster@$H.example" "seed@$H.example"
}
host_start() { opendkim_start && opendmarc_start && dovecot_start && postfix_start; }
