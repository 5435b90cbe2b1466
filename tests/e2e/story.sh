# story.sh - the May 2012 story as functions: sourced by the demo and by the end-to-end test, after lib.sh.
# After `watch` has started, the story only sends mail, makes faults and approves. Everything else is ferryman's doing.
STORY_FAULT=${STORY_FAULT:-list} # list | other-list | none
STORY_SEED=${STORY_SEED:-1}
STORY_AGAIN=                       # id that is sent a second time, to show that it stays returned
story_log=$work/story.log

# Two draws from the seed: which gateway is listed, and how long after the healthy start (seconds).
draw() { # NAME FROM TO
	local h; h=$(printf '%s/%s' "$STORY_SEED" "$1" | sha256sum | cut -c1-8)
	echo $(($2 + 0x$h % ($3 - $2 + 1)))
}
GATEWAYS=(198.51.100.25 198.51.100.26)
story_gateway=${GATEWAYS[$(draw gateway 0 1)]}
story_calm=$(draw when 8 16)

durations_story() {
	cat <<-'D'
	# the playbook's hours in seconds, for the stage; everything else is the library's playbook as it stands
	signals.gateway-lists.every: 3s
	signals.gateway-lists.timeout: 2s
	signals.canary.every: 4s
	signals.canary.timeout: 9s
	signals.canary.late_after: 6s
	signals.canary-gw1.every: 4s
	signals.canary-gw1.timeout: 9s
	signals.canary-gw1.late_after: 6s
	signals.canary-gw2.every: 4s
	signals.canary-gw2.timeout: 9s
	signals.canary-gw2.late_after: 6s
	signals.canary-nsmail.every: 10s
	signals.canary-nsmail.timeout: 9s
	signals.canary-nsmail.late_after: 6s
	signals.submission.every: 5s
	signals.submission.timeout: 3s
	signals.relay-submission.every: 10s
	signals.relay-submission.timeout: 3s
	signals.anchor-a.every: 3s
	signals.anchor-a.timeout: 2s
	signals.anchor-b.every: 3s
	signals.anchor-b.timeout: 2s
	diagnoses.outbound-blocked.for: 10s
	diagnoses.outbound-blocked.clear: 12s
	diagnoses.outbound-refused.clear: 12s
	diagnoses.submission-refused.clear: 12s
	diagnoses.backup-unfit.for: 20s
	diagnoses.backup-unfit.clear: 20s
	procedures.outbound.failback.soak: 12s
	procedures.outbound.failback.stage: 4s
	limits.cooldown: 5s
	D
}

say() { printf '\n%s  == %s\n' "$(date -u +%T)" "$*"; }

# --- mail ---
traffic_pid=
start_traffic() {
	obs rm -f /tmp/story.stop
	obs python3 "$PWD/tests/e2e/traffic.py" --out "$work/sent" --until /tmp/story.stop --password-file /etc/lab/user.password \
		--ca /etc/lab/ca.pem "$@" 2>"$work/refused" &
	traffic_pid=$!
}
stop_traffic() {
	[ -n "$traffic_pid" ] || return 0
	obs touch /tmp/story.stop
	wait "$traffic_pid"
	traffic_pid=
}
find_mail() {
	local h
	: >"$work/found"
	for h in rcpt1 rcpt2 rcpt3; do on $h python3 "$PWD/tests/e2e/where.py" $h mailbox /var/vmail >>"$work/found"; done
	on cloud python3 "$PWD/tests/e2e/where.py" cloud bounces /var/vmail >>"$work/found"
	for h in cloud hub nsmail rcpt1 rcpt2 rcpt3; do on $h python3 "$PWD/tests/e2e/where.py" $h queue /var/spool/postfix >>"$work/found"; done
}
account() { find_mail; python3 tests/e2e/account.py "$work/sent" "$work/found" "$@"; }
nothing_waits() { account --json >"$work/account.json"; [ "$(jq .waiting "$work/account.json")" = 0 ] && [ "$(jq .lost "$work/account.json")" = 0 ]; }

# --- ferryman's own words ---
timeline_pid=
start_timeline() { fm status --follow 2>/dev/null & timeline_pid=$!; }
stop_timeline() { [ -z "$timeline_pid" ] || { kill "$timeline_pid" 2>/dev/null; wait "$timeline_pid" 2>/dev/null; timeline_pid=; }; }
approve_when_asked() { # USER SECONDS
	until_ "$2" pending_plan || return 1
	local hash; hash=$(pending_plan)
	say "$1 approves plan ${hash:0:12} from her telephone"
	fm_as "$1" approve outbound --plan "$hash" --reason "receivers refuse us; take the relay"
}

# --- the acts ---
fail=0
flaw() { echo "FAIL $*"; fail=$((fail + 1)); }

healthy() {
	say "in peace time: what would a cut-over change? (ferryman plan outbound)"
	fm plan outbound 2>/dev/null | sed 's/^/    /'
	say "mail flows: users at the tenant, applications at the hub, to three receivers"
	start_traffic
	until_ 15 test -s "$work/sent" || { flaw "no mail could be handed in"; cat "$work/refused"; return 1; }
	say "ferryman watches (the library's playbook; its durations are shortened, as it prints):"
	durations_story | put_durations story
	start_watch outbound --durations /etc/ferryman/story.durations || { flaw "ferryman does not start"; return 1; }
	sed -n 's/.* overlay replaced="\(.*\)"/    \1/p' "$work/watch.log"
	start_timeline
	until_ 20 is_state outbound outbound normal || { flaw "ferryman does not find the mail on its primary path"; return 1; }
	until_ $((story_calm + 10)) enough_calm
}
calm_from=$SECONDS
enough_calm() { [ $((SECONDS - calm_from)) -ge "$story_calm" ]; }

fault() {
	case $STORY_FAULT in
	list)
		say "FAULT: bl.reputation.example lists $story_gateway. rcpt1 rejects what it sends (554), rcpt2 defers it (450), rcpt3 does not ask"
		"$LAB" list "$story_gateway" ;;
	other-list)
		say "FAULT: other.reputation.example lists $story_gateway; no receiver asks that list"
		"$LAB" list "$story_gateway" other ;;
	none) say "no fault: nothing is wrong, so nothing may be done" ;;
	esac
	date -u +%s%3N >"$work/fault.ms"
}

cut_over() {
	until_ 40 is_state outbound outbound suspect || { flaw "the harm is not seen"; return 1; }
	approve_when_asked alice 40 || { flaw "nobody is asked"; return 1; }
	until_ 90 is_state outbound outbound on-backup || { flaw "the cut-over does not end"; return 1; }
	say "mail leaves through the relay"
	until_ 30 by_relay || flaw "no message has come by the relay"
}
by_relay() { on rcpt1 grep -rqs "203.0.113.65" /var/vmail && on rcpt3 sh -c 'grep -rl "X-Story-Id" /var/vmail | xargs grep -l "203\.0\.113\.65" | head -1 | grep -q .'; }

go_back() {
	say "the list takes $story_gateway out"
	"$LAB" delist "$story_gateway"
	approve_when_asked alice 70 || { flaw "nobody is asked about the way back"; return 1; }
	until_ 110 is_state outbound outbound normal || { flaw "the failback does not end"; return 1; }
	say "mail is back on the cloud's gateways"
}

no_cut_over() {
	local end=$((SECONDS + 35))
	until_ 40 test_time "$end"
	fm history --json >"$work/runs.json"
	if is_state outbound outbound normal && [ "$(fm status --json | jq '.status.runs | length')" = 0 ]; then
		say "no cut-over: $([ "$STORY_FAULT" = none ] && echo 'nothing was wrong' || echo 'a listing that no receiver asks for is a cause without harm')"
	else
		flaw "ferryman acted although no mail was harmed"
	fi
}
test_time() { [ $SECONDS -ge "$1" ]; }

# A returned message stays returned, also when its sender hands it in again.
send_again() {
	STORY_AGAIN=$(python3 tests/e2e/account.py "$work/sent" "$work/found" --json | jq -r '.returned_ids[0] // empty')
	[ -n "$STORY_AGAIN" ] || return 0
	obs python3 "$PWD/tests/e2e/traffic.py" --again "$STORY_AGAIN" --out "$work/again" --until /tmp/story.never --password-file /etc/lab/user.password --ca /etc/lab/ca.pem
}

the_account() {
	say "the account: every message by its id, from the submission server's 250 to mailboxes, bounces and queues"
	stop_traffic
	until_ 60 nothing_waits
	send_again
	[ -z "$STORY_AGAIN" ] || until_ 20 again_delivered
	if [ -n "${STORY_LOSE:-}" ]; then
		local victim; victim=$(awk '$1 == "mailbox" && $2 == "rcpt3" {print $4; exit}' "$work/found")
		echo "(one delivered message is taken away on purpose: $(basename "$victim"))"
		on rcpt3 rm "$victim"
	fi
	local limits=(--least 300 --rate 2 --pause 2)
	[ "$STORY_FAULT" = list ] || limits=(--rate 2 --pause 2)
	account "${limits[@]}" | tee "$work/account.txt"
	[ "${PIPESTATUS[0]}" = 0 ] || fail=$((fail + 1))
	[ -z "$STORY_AGAIN" ] || echo "$STORY_AGAIN came back and was sent again: delivered the second time, counted as returned"
}
again_delivered() { find_mail; awk -v i="$STORY_AGAIN" '$1 == "mailbox" && $3 == i {f = 1} END {exit !f}' "$work/found"; }

story() {
	calm_from=$SECONDS
	healthy && fault || return 1
	if [ "$STORY_FAULT" = list ]; then
		cut_over && go_back
	else
		no_cut_over
	fi
	stop_timeline
	the_account
	if [ "$STORY_FAULT" = list ]; then
		the_times
		the_report
	fi
	[ "$fail" = 0 ]
}

# --- the proof ---
cutover_run() { fm history --json | jq -r '[.runs[] | select(.kind == "cutover")][0].run'; }
the_times() {
	local run; run=$(cutover_run)
	fm report "$run" --json >"$work/report.json"
	fm history --run "$run" --json >"$work/records.json"
	# rcpt1's own log: the first message of the story that it turned away after the listing
	on rcpt1 cat /var/log/mail.log | grep -E "reject: RCPT from .*\[$story_gateway\]: 554" | head -1 | while read -r month day clock line; do
		printf '%s\t%s\n' "$(date -u -d "$month $day $clock" +%s%3N)" "$month $day $clock $line"
	done >"$work/rejects"
	say "fault -> seen -> diagnosed -> approved -> switched -> verified, each with its proof"
	python3 tests/e2e/times.py "$work/report.json" "$work/records.json" "$work/rejects" || fail=$((fail + 1))
	fm audit verify | sed 's/^/  /' || flaw "the journal does not verify"
}
the_report() {
	fm report "$(cutover_run)" --format html >"$work/report.html" || flaw "no report"
}
