# hands.sh - somebody else at the same targets, as the servers themselves let them: sourced after lib.sh.
YES=(--yes corp.example --reason "try it")
SPF='"v=spf1 include:spf.cloudmail.example -all"'
SPF_BOTH='"v=spf1 include:spf.cloudmail.example ip4:203.0.113.65 -all"'
TOKEN='"google-site-verification=abc"'

# --- ferryman's processes ---

# engines: those of obs by their numbers on this machine, where a signal takes no time
engines() {
	local ns p root
	root=$("$LAB" path obs)
	ns=$(readlink "${root%/root}/ns/pid")
	for p in $(pgrep -x ferryman); do [ "$(readlink "/proc/$p/ns/pid")" != "$ns" ] || echo "$p"; done
}
# The engine of a foreground verb, not the verb itself: runuser stops with its child.
engine() { local p; for p in $(engines); do tr '\0' ' ' <"/proc/$p/cmdline" | grep -q -e --one-shot && echo "$p"; done; }
gone() { local p; for p in $1; do [ ! -d "/proc/$p" ] || return 1; done; }
# meet PATTERN COMMAND...: a cut-over by hand (or VERB) that stands still at the first line of its progress that is so, for
# COMMAND. Its exit code is in $code, what it said in $work/progress, whether it came to that line in $met. OPTIONS are further
# options of it.
OPTIONS=()
VERB=(cutover outbound "${YES[@]}")
meet() {
	local pattern=$1 line pids=
	shift
	met= code=
	: >"$work/progress"
	while IFS= read -r line; do
		printf '%s\n' "$line" | tee -a "$work/printed" >>"$work/progress"
		case $line in
		'run outbound-'*' started'*) run=${line#run } run=${run%% *} pids=$(engine) ;;
		'exit '*) code=${line#exit } ;;
		$pattern)
			[ -z "$met" ] || continue
			[ -n "$pids" ] || pids=$(engine)
			# shellcheck disable=SC2086
			kill -STOP $pids
			met=1
			"$@"
			# shellcheck disable=SC2086
			kill -CONT $pids ;;
		esac
	done < <(fm "${VERB[@]}" "${OPTIONS[@]}" 2>&1; echo "exit $?")
}
said() { grep -qF -- "$1" "$work/progress" || { tail -4 "$work/progress"; return 1; }; }
hash_of() { fm plan outbound 2>/dev/null | sed -n 's/^Hash: //p'; }
intents() { fm history --run "$run" --json 2>/dev/null | jq '[.records[] | select(.type == "INTENT")] | length'; }
intents_at() { fm history --run "$run" --json 2>/dev/null | jq --arg r "$1" '[.records[] | select(.type == "INTENT" and .body.resource == $r)] | length'; }
run_state() { fm history --json 2>/dev/null | jq -r '.runs[0].state'; }

# --- hands in the zone ---

zone_edit() { # lines of nsupdate
	printf '%s\n' "$@" | obs sh -c '{ echo server 198.51.100.53; echo zone corp.example; cat; echo send; } | nsupdate -y "hmac-sha256:ferryman:$(cat /etc/ferryman/tsig.key)"'
}
txt_at() { obs dig +short +norecurse "@$1" corp.example TXT | sort; }
txt() { txt_at 198.51.100.53; }
add_token() { zone_edit "update add corp.example. 5 TXT $TOKEN"; }
take_token() { zone_edit "update delete corp.example. TXT $TOKEN"; }
spf_out() { zone_edit "update delete corp.example. TXT $SPF_BOTH" "update add corp.example. 5 TXT $SPF"; }
SPF_OTHER='"v=spf1 include:spf.cloudmail.example ip4:198.51.100.203 -all"'
spf_other() { zone_edit "update delete corp.example. TXT $SPF_BOTH" "update add corp.example. 5 TXT $SPF_OTHER"; }
spf_right() { zone_edit "update delete corp.example. TXT $SPF_OTHER" "update add corp.example. 5 TXT $SPF_BOTH"; }
spf_in() { zone_edit "update delete corp.example. TXT $SPF" "update add corp.example. 5 TXT $SPF_BOTH"; }
there_and_back() { spf_out && spf_in; }

# --- in the hub's maps ---

hub_maps() { on hub sh -c 'cat /var/lib/ferryman-relay/maps/domains /var/lib/ferryman-relay/maps/slots' | grep -v '^#'; }
# whatever the helper's mark says, the rows are the hand's
hub_rows() { # FILE < ROWS
	on hub sh -c 'cd /var/lib/ferryman-relay/maps && { grep "^#" "$1"; cat; } >/tmp/rows && cat /tmp/rows >"$1" && postmap "lmdb:$1"' sh "$1"
}
hub_elsewhere() {
	printf 's%02d\tnsmail:[198.51.100.203]:25\n' $(seq 20) | hub_rows slots
	printf '@corp.example\tferryman\n' | hub_rows domains
}
hub_home() { hub_rows domains </dev/null && hub_rows slots </dev/null; }
hub_backup() {
	printf 's%02d\tnsmail:[relay.nsmail.example]:587\n' $(seq 20) | hub_rows slots
	printf '@corp.example\tferryman\n' | hub_rows domains
}

# --- in the tenant ---

tenant() { obs pwsh -NoProfile -Command "Connect-ExchangeOnline; $1"; }
rule() { tenant 'Get-TransportRule -Identity ferryman-nsmail' | jq -c '[.State, .ExceptIfFrom]'; }
smart_host() { tenant 'Get-OutboundConnector -Identity ferryman-nsmail' | jq -r '.SmartHosts[0]'; }
other_smart_host() { tenant 'Set-OutboundConnector -Identity ferryman-nsmail -SmartHosts relay.other.example' >/dev/null; }
own_smart_host() { tenant 'Set-OutboundConnector -Identity ferryman-nsmail -SmartHosts relay.nsmail.example' >/dev/null; }
rule_with_exception() { tenant "Set-TransportRule -Identity ferryman-nsmail -ExceptIfFrom 'u09@corp.example'; Enable-TransportRule -Identity ferryman-nsmail" >/dev/null; }
rule_on() { tenant 'Enable-TransportRule -Identity ferryman-nsmail' >/dev/null; }
rule_off() { tenant 'Disable-TransportRule -Identity ferryman-nsmail -Confirm:$false' >/dev/null; }

# --- the second name server ---

ns2_old() { "$LAB" cut ns1 ns2; }
ns2_again() { "$LAB" heal ns1 ns2; on ns2 sh -c 'kill -HUP "$(cat /run/named/named.pid)"'; }

pages() { obs cat /var/log/pages; }
paged() { pages | tr '\n' ' ' | grep -qF -- "$1"; }
# a second name server that has lost the zone's records, and says so with authority
ns2_empty() {
	on ns2 sh -c 'cd /var/cache/bind && cp -p /etc/bind/lab.conf /etc/bind/lab.conf.was &&
		printf "\$TTL 5\n@ SOA ns1.corp.example. hostmaster.corp.example. 9 5 2 86400 2\n@ NS ns1\n@ NS ns2\nns1 A 198.51.100.53\nns2 A 203.0.113.53\n" >empty.db && chown bind:bind empty.db &&
		sed -i "/^zone \"corp.example\"/,/^};/d" /etc/bind/lab.conf && echo "zone \"corp.example\" { type primary; file \"empty.db\"; };" >>/etc/bind/lab.conf &&
		kill -HUP "$(cat /run/named/named.pid)"'
}
ns2_refilled() { on ns2 sh -c 'mv /etc/bind/lab.conf.was /etc/bind/lab.conf && kill -HUP "$(cat /run/named/named.pid)"'; }
ns2_is_empty() { [ -z "$(txt_at 203.0.113.53)" ]; }
ns2_follows() { [ "$(txt_at 203.0.113.53)" = "$(txt)" ] && [ -n "$(txt)" ]; }
