# faults.sh - what can go wrong on the lab's servers, and in the reputation lists. Sourced by lab.
# shellcheck shell=bash

# --- reputation ---

list_address() {
	case ${1:-} in
	gw1) echo "$GW1" ;;
	gw2) echo "$GW2" ;;
	world) echo 0-255 ;; # every address, as an expired list's new owner answers
	*.*.*.*) echo "$1" ;;
	*) is_host "${1:-}" || die "usage: lab list|delist gw1|gw2|HOST|world|ADDRESS [bl|other]"; echo "${ADDR[$1]%% *}" ;;
	esac
}
list_name() { case ${1:-bl} in bl | other) echo "${1:-bl}" ;; *) die "no list $1; there are bl and other" ;; esac; }
# At once: rbldnsd reads its file again, the resolver forgets what it had heard of the list.
list_publish() {
	inside resolver sh -c 'kill -HUP "$(cat /run/rbldnsd.pid)" &&
		i=0 && until [ "$(dig +short +time=1 +tries=1 -p 5353 @127.0.0.1 "$2.$1.reputation.example" A | wc -l)" = "$3" ]; do
			i=$((i + 1)); [ $i -lt 60 ] || exit 1; sleep 0.05
		done && unbound-control -c /etc/unbound/unbound.conf flush_zone "$1.reputation.example" >/dev/null' sh "$1" "$2" "$3" ||
		die "the list does not take the change"
}
reversed() { [ "$1" != 0-255 ] || set -- 127.0.0.1; awk -F. '{print $4 "." $3 "." $2 "." $1}' <<<"$1"; }
verb_list() {
	local a l
	a=$(list_address "${1:-}") && l=$(list_name "${2:-}") || exit 1
	inside resolver sh -c 'grep -qxF "$1" "/var/lib/rbldns/$2" || echo "$1" >>"/var/lib/rbldns/$2"' sh "$a" "$l"
	list_publish "$l" "$(reversed "$a")" 1
}
verb_delist() {
	local a l
	a=$(list_address "${1:-}") && l=$(list_name "${2:-}") || exit 1
	inside resolver sh -c 'grep -vxF "$1" "/var/lib/rbldns/$2" >/tmp/list; cat /tmp/list >"/var/lib/rbldns/$2"' sh "$a" "$l"
	list_publish "$l" "$(reversed "$a")" 0
}

# --- servers ---

fault_menu() {
	cat <<'X'
lab fault HOST KIND, KIND none ends it. HOST is a mail server: cloud, hub, nsmail, rcpt1, rcpt2, rcpt3, outside
  tempfail    answers every client 450        reject      answers every client 554 (reputation)
  drop        says 421 and hangs up           tarpit      waits six seconds before each answer
  keep        accepts and never passes on     lose        accepts and throws away
  stop        Postfix is down                 no-login    refuses every password (nsmail, cloud, receivers)
  hang        connections stand, nobody says anything
  quota       takes no message more today (454)
  wrong-sign  passes mail on with another envelope sender, an altered subject and a signature that is none
  unknown     no recipient that begins with "nobody" exists (550 5.1.1)
A fault of clients holds at every door: MX, connector and submission.
On the cloud, its admin interface:
  delay=S     a change is shown at once and works after S seconds
  throttle=N  the next N commands get 429     broken=N    ... get 500    silent=N   ... get no answer
  mute=N      the next N changes are done and get no answer
On the network: lab cut. Of a host: lab kill. In reputation lists: lab list.
X
}
# change_postfix HOST PARAMETER=VALUE...: main.cf as it was is kept beside until the fault ends. Postfix takes a changed main.cf
# at once only when it does not look freshly written.
change_postfix() {
	local h=$1
	shift
	inside "$h" sh -c 'cd /etc/postfix && { [ -e before-fault ] || cp -p main.cf before-fault; } && postconf -e "$@" &&
		touch -d "1 minute ago" main.cf && postfix reload 2>/dev/null' sh "$@" || die "Postfix on $h does not take it"
}
# Restrictions of HELO are those that no door of these servers replaces by its own; they too are asked at RCPT.
at_every_door() { change_postfix "$1" "smtpd_helo_restrictions = $2"; }
refuse_clients() { at_every_door "$1" "check_client_access static:{$2}"; }
# What a customer sees of a relay that signs with a key nobody published, and rewrites what the first signature covers.
sign_wrongly() {
	change_postfix "$1" "sender_canonical_maps = static:bounces@nsmail.example" "sender_canonical_classes = envelope_sender" \
		'header_checks = pcre:{{/^Subject: (.*)/ REPLACE Subject: [by nsMail] $$1}, {/^Date:/ PREPEND DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=corp.example; s=cloud1; h=from; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA}}'
}
# The kernel goes on taking connections for a server that has stopped.
hang_postfix() { inside "$1" sh -c 'm=$(cat /var/spool/postfix/pid/master.pid) && kill -STOP $m && for p in $(pgrep -P $m); do kill -STOP $p; done'; }
stop_postfix() { inside "$1" sh -c 'pid=$(cat /var/spool/postfix/pid/master.pid) && kill $pid && while kill -0 $pid 2>/dev/null; do sleep 0.05; done'; }
refuse_logins() {
	inside "$1" sh -c 'cd /etc/dovecot && { [ -e before-fault ] || cp -p users before-fault; } && : >users && doveadm auth cache flush >/dev/null 2>&1; :'
}
fault_end() {
	inside "$1" sh -c 'rm -f /var/lib/tenant/fault
		if [ -e /etc/dovecot/before-fault ]; then cat /etc/dovecot/before-fault >/etc/dovecot/users; rm /etc/dovecot/before-fault; fi
		cd /etc/postfix
		pid=$(cat /var/spool/postfix/pid/master.pid); for p in $pid $(pgrep -P $pid); do kill -CONT $p; done 2>/dev/null
		if [ -e before-fault ]; then mv before-fault main.cf; touch -d "1 minute ago" main.cf; postfix reload 2>/dev/null; fi
		kill -0 $pid 2>/dev/null || /usr/lib/postfix/sbin/master -w'
}
tenant_fault() { inside cloud sh -c 'echo "$1" >/var/lib/tenant/fault' sh "$1"; }

verb_fault() {
	local h=${1:-} kind=${2:-}
	[ -n "$h" ] || { fault_menu; return; }
	case $h in cloud | hub | nsmail | rcpt1 | rcpt2 | rcpt3 | outside) ;; *) fault_menu >&2; die "host \"$h\" has no mail server" ;; esac
	case $kind in
	none) fault_end "$h" ;;
	tempfail) refuse_clients "$h" "450 4.7.1 Too busy, try again later" ;;
	reject) refuse_clients "$h" "554 5.7.1 Your access to this mail system has been rejected due to the sending MTA's poor reputation" ;;
	drop) refuse_clients "$h" "421 4.3.2 Service shutting down" ;;
	tarpit) at_every_door "$h" "sleep 6" ;;
	keep) change_postfix "$h" "defer_transports = smtp lmtp gw1 gw2 connector-plain connector-encrypt connector-verify $(inside "$h" postconf -h defer_transports)" ;;
	lose) at_every_door "$h" "check_client_access static:{DISCARD a fault of the lab}" ;;
	stop) stop_postfix "$h" ;;
	hang) hang_postfix "$h" ;;
	quota) change_postfix "$h" "smtpd_data_restrictions = check_client_access static:{454 4.7.0 Throttling failure: daily message quota exceeded}" ;;
	wrong-sign) sign_wrongly "$h" ;;
	unknown) at_every_door "$h" "check_recipient_access pcre:{{/^nobody/ 550 5.1.1 User unknown}}" ;;
	no-login) refuse_logins "$h" ;;
	delay=* | throttle=* | broken=* | silent=* | mute=*)
		[ "$h" = cloud ] && [[ ${kind#*=} =~ ^[0-9]{1,5}$ ]] || die "that is a fault of the cloud, with a number: $kind"
		tenant_fault "${kind%%=*} ${kind#*=}" ;;
	*) fault_menu >&2; die "no fault \"$kind\"" ;;
	esac
}

# --- what the router has seen ---

# connections FROM TO PORT: how many TCP connections FROM (a host, any of its addresses) has begun; reset does not clear it
verb_connections() {
	is_host "${1:-}" && is_host "${2:-}" && [[ ${3:-} =~ ^[0-9]+$ ]] || die "usage: lab connections FROM-HOST TO-HOST PORT"
	router nft -j list set inet lab begun | jq --arg from "${ADDR[$1]}" --arg to "${ADDR[$2]}" --argjson port "$3" '
		[.nftables[].set? // empty | .elem[]?.elem | select(.val.concat as [$f, $t, $p] |
			($from | split(" ") | index($f)) and ($to | split(" ") | index($t)) and $p == $port) | .counter.packets] | add // 0'
}
