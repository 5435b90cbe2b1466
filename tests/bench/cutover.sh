#!/bin/bash
# cutover.sh KEY - the cut-over of the library's playbook "outbound" as the best shell script that we can write, for make
# bench to compare with. Runs on the lab's host obs as root. One SSH connection, one nsupdate with its condition, the same
# read-backs at every name server, at the hub and at the tenant, the same two proofs at three receivers; independent work
# side by side; no waiting but for the thing itself. It has no journal, no fence and no way back, and it does not wait
# until the old SPF record has aged. Prints "PHASE SECONDS" as each phase ends.
set -eu -o pipefail
key=$1 here=$(dirname "$0") etc=/etc/ferryman ca=/etc/lab/ca.pem
domain=corp.example next='nsmail:[relay.nsmail.example]:587' egress=203.0.113.65
old='v=spf1 include:spf.cloudmail.example -all'
new='v=spf1 include:spf.cloudmail.example ip4:203.0.113.65 -all'
t=$(mktemp -d)
mkfifo "$t/arrived"
exec 7<>"$t/arrived"
watchers=()
leave() {
	[ ${#watchers[@]} = 0 ] || kill "${watchers[@]}" 2>/dev/null || :
	ssh -q -S "$t/ssh" -O exit root@203.0.113.10 2>/dev/null || :
	rm -rf "$t"
}
trap leave EXIT
phase() { printf '%s %s\n' "$1" "$EPOCHREALTIME"; }
die() { echo "cutover.sh: $*" >&2; exit 1; }

# --- the hub ---
hub_open() { ssh -q -i "$key" -o BatchMode=yes -o StrictHostKeyChecking=yes -o ControlMaster=yes -o ControlPath="$t/ssh" -o ControlPersist=60 -fN root@203.0.113.10; }
hub() { ssh -q -S "$t/ssh" root@203.0.113.10 "$@"; }

# --- the tenant ---
base=https://admin.cloudmail.example
b64() { base64 -w0 | tr '+/' '-_' | tr -d =; }
token() {
	local id pem=$etc/tenant-app.pem now=${EPOCHSECONDS} url=$base/$domain/oauth2/v2.0/token thumb text
	id=$(cat $etc/tenant-app.id)
	thumb=$(openssl x509 -in $pem -outform DER | openssl dgst -sha256 -binary | b64)
	text=$(printf '{"alg":"RS256","typ":"JWT","x5t#S256":"%s"}' "$thumb" | b64).$(printf '{"aud":"%s","iss":"%s","sub":"%s","jti":"%s","iat":%d,"nbf":%d,"exp":%d}' \
		"$url" "$id" "$id" "$(cat /proc/sys/kernel/random/uuid)" "$now" $((now - 30)) $((now + 300)) | b64)
	curl -sS --fail-with-body --cacert $ca "$url" --data-urlencode "client_id=$id" --data-urlencode "scope=https://outlook.office365.com/.default" \
		-d grant_type=client_credentials --data-urlencode client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer \
		-d "client_assertion=$text.$(printf %s "$text" | openssl dgst -sha256 -sign $pem -binary | b64)" | jq -er .access_token
}
# tenant CMDLET...: one connection; each is about the connector or the rule of the same name
tenant() {
	local args=() c
	for c; do
		[ ${#args[@]} = 0 ] || args+=(--next)
		args+=(-sS --fail-with-body --cacert $ca -H "Authorization: Bearer $(cat "$t/token")" -H 'Content-Type: application/json' -H 'Prefer: odata.maxpagesize=1000'
			-H "X-AnchorMailbox: APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}@$domain"
			-d "{\"CmdletInput\":{\"CmdletName\":\"$c\",\"Parameters\":{\"Identity\":\"ferryman-nsmail\"}}}" "$base/adminapi/beta/$domain/InvokeCommand")
	done
	curl "${args[@]}"
}
tenant_is() { # STATE: what two Get cmdlets say
	jq -es --arg s "$1" '(.[-2].value[0] | .State == $s and .Mode == "Enforce" and .ExceptIfFrom == []) and (.[-1].value[0] | .Enabled)' >/dev/null
}
tenant_before() { token >"$t/token" && tenant Get-TransportRule Get-OutboundConnector | tenant_is Disabled; }
tenant_switch() { tenant Enable-TransportRule Get-TransportRule Get-OutboundConnector | tenant_is Enabled; }

# --- the zone ---
spf_at() { dig +short +norecurse +tries=2 "@$1" $domain TXT | grep '^"v=spf1'; }
spf_is() { local s; for s in 198.51.100.53 203.0.113.53; do [ "$(spf_at $s)" = "\"$1\"" ] || return 1; done; }
resolver_is() { [ "$(dig +short @198.51.100.55 $domain TXT | grep '^"v=spf1')" = "\"$1\"" ]; }
until_() { local end=$((SECONDS + $1)); shift; until "$@"; do [ $SECONDS -lt $end ] || die "waited too long: $*"; done; }
spf_update() {
	printf '%s\n' 'server 198.51.100.53 53' "zone $domain." "key hmac-sha256:ferryman $(cat $etc/tsig.key)" "prereq yxrrset $domain. TXT \"$old\"" \
		"update delete $domain. TXT" "update add $domain. 5 TXT \"$new\"" send | nsupdate -v
}

# --- proofs: a receiver's mailbox is open before the message is handed in, so that nothing but the mail is waited for ---
ask() { # TAG COMMAND: the answer in $answer
	local line
	printf '%s %s\r\n' "$1" "$2" >&"${IMAP[1]}"
	answer=
	while IFS= read -r -t 20 line <&"${IMAP[0]}"; do
		answer+=$line$'\n'
		case $line in "$1 OK"*) return 0 ;; "$1 "*) return 1 ;; esac
	done
	return 1
}
proven() { # RECEIVER MESSAGE-ID: until it is there, then by its header
	local n
	while :; do
		ask s "SEARCH HEADER Message-ID $2" || return 1
		n=$(sed -n 's/^\* SEARCH \([0-9]*\).*/\1/p' <<<"$answer")
		[ -z "$n" ] || break
		read -r -t 0.03 -u "${IMAP[0]}" _ || : # between two looks; the receiver needs the processor too
	done
	ask f "FETCH $n BODY.PEEK[HEADER]" || return 1
	grep -q "mx.rcpt$1.example" <<<"$answer" && grep -q 'dmarc=pass' <<<"$answer" && grep -q "\[$egress\]" <<<"$answer"
}
watch() { # RECEIVER ID...
	local n=$1 r
	shift
	coproc IMAP { exec openssl s_client -quiet -verify_quiet -verify_return_error -verify_hostname "mx.rcpt$n.example" -CAfile $ca -connect "mx.rcpt$n.example:993" 2>/dev/null; }
	trap 'kill $IMAP_PID 2>/dev/null; exit' TERM
	r=$(cat $etc/seed-rcpt$n.auth)
	ask a "LOGIN ${r%%:*} ${r#*:}" && ask b "SELECT INBOX" && echo "ready $n" >&7 || echo "bad $n: no mailbox" >&7
	for r; do
		if proven "$n" "$r"; then echo "proven $n" >&7; else echo "bad $n: $answer" >&7; fi
	done
	ask z LOGOUT || :
}
three() { # WORD: from all three receivers
	local n word rest
	for n in 1 2 3; do
		read -r -t 60 word rest <&7 || die "no message within 60 s"
		[ "$word" = "$1" ] || die "a receiver said: $word $rest"
	done
}
send() { # HOST AUTH FROM ID
	printf '%s\r\n' "From: <$3>" "To: <seed@rcpt1.example>" "Message-ID: $4" "Date: $(date -R)" 'Subject: canary' '' 'canary' |
		curl -sS --ssl-reqd --cacert $ca --user "$(cat "$2")" --mail-from "$3" --mail-rcpt "seed+$RANDOM@rcpt1.example" \
			--mail-rcpt "seed+$RANDOM@rcpt2.example" --mail-rcpt "seed+$RANDOM@rcpt3.example" -T - "smtp://$1:587/app.corp.example"
}

# --- the cut-over ---
first="<1.$RANDOM$RANDOM.$$@c.$domain>" second="<2.$RANDOM$RANDOM.$$@$domain>"
for n in 1 2 3; do watch $n "$first" "$second" & watchers+=($!); done
hub_open & opened=$!
tenant_before & asked=$!
spf_is "$old" || die "the zone is not as it was planned for"
wait $opened || die "no SSH to the hub"
[ -z "$(hub 'for m in domains park; do postmap -s lmdb:/var/lib/ferryman-relay/maps/$m; done')" ] || die "the hub is not as it was planned for"
wait $asked || die "the tenant is not as it was planned for"
phase prepare
spf_update
phase spf
until_ 60 spf_is "$new"
until_ 60 resolver_is "$new"
phase seen
three ready
send relay.nsmail.example $etc/canary-nsmail.auth canary-nsmail@c.$domain "$first"
three proven
phase proof
tenant_switch & asked=$!
hub "bash -s '$next'" <"$here/relay.sh" || die "the hub does not read back"
phase hub
wait $asked || die "the tenant does not read back"
phase switch
send mx.cloudmail.example $etc/probe.auth probe@$domain "$second"
three proven
phase verified
