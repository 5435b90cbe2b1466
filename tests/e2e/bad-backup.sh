# bad-backup.sh - a backup that is bad, in every way that the lab knows: sourced by the tests, after lib.sh.
YES=(--yes corp.example --reason "try it")
durations_bad() {
	cat <<-'D'
	# a proof's minutes in seconds, for a test
	signals.canary-nsmail.every: 10s
	signals.canary-nsmail.timeout: 6s
	signals.canary-nsmail.late_after: 4s
	procedures.outbound.steps.3.deadline: 8s
	procedures.outbound.steps.6.deadline: 15s
	procedures.outbound.failback.stage: 1s
	limits.cooldown: 1s
	D
}
cut_over() { rc fm cutover outbound "${YES[@]}" --durations /etc/ferryman/bad.durations; }

# bad_now KIND, well_again KIND: the lab's faults by one name each
bad_now() {
	case $1 in
	listed) "$LAB" list nsmail ;;
	down) "$LAB" fault nsmail stop ;;
	port) "$LAB" cut nsmail:587 ;;
	*) "$LAB" fault nsmail "$1" ;;
	esac
}
well_again() {
	case $1 in
	listed) "$LAB" delist nsmail ;;
	port) "$LAB" heal ;;
	*) "$LAB" fault nsmail none ;;
	esac
}
newest() { fm history --json 2>/dev/null | jq -r ".runs[-1] | $1"; }
# intents RESOURCE...: records of the newest run that announce an effect on such a resource
intents() { fm history --run "$(newest .run)" --json | jq -r --arg r "$1" '[.records[] | select(.type == "INTENT" and (.record.body.resource | startswith($r)))] | length'; }

# The servers before the first case; each case must leave them so.
peace=
erred_with() { grep -qE "$1" "$work/erred" || { tail -2 "$work/erred"; return 1; }; }
# refused KIND REASON SENT UNDONE: the cut-over to a relay that is bad in this way is refused before its pivot, says why (a
# pattern), and has sent so many effects, so many of them to take one back
refused() {
	local kind=$1 reason=$2 sent=$3 undone=$4 started=$SECONDS
	bad_now "$kind"
	same "$kind: the cut-over ends with 1" 1 "$(cut_over)"
	want "$kind: the last word is why" erred_with "^ferryman cutover: .* it failed at step 3 \(prove the new way first\): .*$reason"
	if [ "$undone" = 0 ]; then line="effects sent: $sent" ; else line="effects sent: $sent, of them $undone to undo"; fi
	want "$kind: $line" grep -qE "^[0-9:]{8}  outbound +$line\$" "$work/said"
	same "$kind: the journal counts the same" "undone $sent $undone" "$(newest '"\(.state) \(.effects_sent) \(.effects_undo)"')"
	same "$kind: nothing was begun that mail can feel" "0 0" "$(intents relay.) $(intents tenant.)"
	same "$kind: each server is as it was" "$peace" "$(end_state)"
	well_again "$kind"
	echo "     $kind took $((SECONDS - started)) s"
}
# What people hear of it: the machine, the report, the pager.
told_everywhere() {
	local run; run=$(newest .run)
	same "the machine is at normal" normal "$(state outbound outbound)"
	want "status tells the reason and the number" sh -c "'$LAB' exec obs runuser -u ferryman -- ferryman status | grep -A1 '$run' | tr '\n' ' ' | grep -qE ', effects sent: [0-9].*it failed at step 3'"
	want "the report too" sh -c "'$LAB' exec obs runuser -u ferryman -- ferryman report '$run' --format md | grep -q 'Effects sent: '"
	want "its JSON is what the schema says" sh -c "'$LAB' exec obs runuser -u ferryman -- ferryman report '$run' --json | tee '$work/report.json' | tests/cli/validate report"
	same "with the number" "$(newest .effects_sent)" "$(jq --arg r "$run" '.runs[] | select(.run == $r) | .effects_sent' "$work/report.json")"
	want "and the pager rang" until_ 10 obs grep -q "the cut-over failed before its pivot: what it did is being undone: step 3" /var/log/pages
}
# The backup in SPF, as one does in peace time: then a cut-over that is refused has sent nothing at all.
authorise() {
	obs sh -c '{ echo "server 198.51.100.53"; echo "zone corp.example."; echo "key hmac-sha256:ferryman $(cat /etc/ferryman/tsig.key)"
		echo "update delete corp.example. TXT"
		echo "update add corp.example. 5 TXT \"v=spf1 include:spf.cloudmail.example ip4:203.0.113.65 -all\""; echo send; } | nsupdate -v' || return
	until_ 5 both_show
	peace=$(end_state)
}
both_show() { [ "$(for s in 198.51.100.53 203.0.113.53; do obs dig +short @$s corp.example TXT; done | grep -c 203.0.113.65)" = 2 ]; }

# --- it turns bad after its canary has passed ---

traffic() { # NAME: users and applications, until stop_traffic
	obs rm -f /tmp/stop
	obs python3 "$PWD/tests/e2e/traffic.py" --out "$work/sent" --until /tmp/stop --prefix "$1" --rate 6 --password-file /etc/lab/user.password --ca /etc/lab/ca.pem 2>>"$work/refused" &
	traffic_pid=$!
}
stop_traffic() { [ -z "${traffic_pid:-}" ] || { obs touch /tmp/stop; wait "$traffic_pid"; traffic_pid=; }; }
account() { "$LAB" find >"$work/found"; python3 tests/e2e/account.py "$work/sent" "$work/found" --json 2>/dev/null | head -1 >"$work/account.json"; }
counted() { jq -r "$1" "$work/account.json"; }
settled() { account && [ "$(counted '.waiting + .lost')" = 0 ]; }
waits_at_hub() { on hub postqueue -j 2>/dev/null | grep -c .; }
# parked: applications' mail waits at the hub, as in a shelter; what is let go then takes its time, at the playbook's rate
parked() { fm plan outbound shelter --by-hand 2>/dev/null | sed '/^# --- back/,$d' >"$work/park" && on hub bash -e "$work/park"; }
few_wait() { [ "$(waits_at_hub)" -le 3 ]; }
many_wait() { [ "$(waits_at_hub)" -ge 15 ]; }
queue_shown() { [ "$(fm status --json | jq -r '.status.machines[] | select(.flow == "outbound") | .queue.waiting + .queue.parked // 0')" -ge "$1" ]; }

turned_between() { grep -q 'verified .*\[3/7\].*arrived through nsmail at 3 of 3' "$work/run" && ! grep -q '\[7/7\]' "$work/run"; }
# What the backup's canaries last said: a cut-over to one that is known to be bad is refused.
backup_fit() { [ "$(fm status --why --json | jq -c '[.status.evidence[].seen.cells[] | select(.signal == "canary-nsmail") | .health] | unique')" = '["ok"]' ]; }
# turns_bad NAME KIND: a cut-over in whose middle, behind the canary's proof, the relay turns bad; until it is blocked
turns_bad() {
	local name=$1 kind=$2 client line
	want "$name: the backup is fit" until_ 60 backup_fit
	want "$name: applications' mail is parked" parked
	traffic "$name"
	until_ 10 many_wait
	fm_as alice cutover outbound "${YES[@]}" >"$work/run" 2>"$work/run.err" &
	client=$!
	until_ 30 grep -q 'verified .*\[3/7\]' "$work/run"
	bad_now "$kind"
	want "$name: it turned bad between the two proofs" turned_between
	wait $client
	same "$name: the cut-over ends with 4" 4 $?
	run=$(sed -n 's/^run \(outbound-[0-9]*\) started.*/\1/p' "$work/run")
	same "$name: the machine is blocked" blocked "$(state outbound outbound)"
	want "$name: it says where and why" grep -qE "^ferryman cutover: step 6 \(prove it\): rcpt.*after the pivot nothing is undone" "$work/run.err"
	want "$name: the pager rang" until_ 10 obs grep -q 'the cut-over cannot go on by itself: a person must continue it, abort it or fail back: step 6' /var/log/pages
	want "$name: applications' mail waits at the hub" until_ 10 test "$(waits_at_hub)" -gt 0
	want "$name: and status counts it" until_ 15 queue_shown 1
	rc fm status >/dev/null # its words, for docs/operations.md
	fm status | sed -n '/^outbound, outbound/,/^$/p' | sed 's/^/     /'
	stop_traffic
	account
	same "$name: no message came back from the hub" 0 "$(counted '.returned_by_source.app // 0')"
	same "$name: none is lost" 0 "$(counted .lost)"
}
# all_arrived NAME: every message by its id; what a provider's MTA returned is the provider's, and counted
all_arrived() {
	want "$1: nothing waits any more and nothing is lost" until_ 60 settled
	cat "$work/account.json" | cut -c1-300 | sed 's/^/     /'
	same "$1: every message of an application has arrived" 0 "$(counted '.returned_by_source.app // 0')"
	same "$1: none twice" 0 "$(counted .duplicates)"
}
# goes_on NAME KIND, fails_back NAME KIND: what a person does then
goes_on() {
	well_again "$2"
	want "$1: put right, what waited leaves by the relay" until_ 90 few_wait
	fm_as alice cutover outbound --continue "$run" >"$work/run" 2>&1
	same "$1: continued, it ends with 0" 0 $?
	want "$1: mail is on the backup" until_ 10 grep -qxE 'on-backup|recovering' <(state outbound outbound)
	all_arrived "$1"
}
fails_back() {
	fm_as alice failback outbound --now "${YES[@]}" >"$work/run" 2>&1
	same "$1: failed back, it ends with 0" 0 $?
	want "$1: mail is on the primary path" until_ 10 is_state outbound outbound normal
	all_arrived "$1"
	same "$1: another cut-over to a backup that is known to be bad is refused" 3 "$(rc fm_as alice cutover outbound "${YES[@]}")"
	want "$1: and told so" grep -q 'unfit: the backup is known to be bad by its own evidence' "$work/erred"
	well_again "$2"
}
