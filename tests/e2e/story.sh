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
start_timeline() { fm status --follow & timeline_pid=$!; }
stop_timeline() { [ -z "$timeline_pid" ] || { kill "$timeline_pid" 2>/dev/null; wait "$timeline_pid" 2>/dev/null; timeline_pid=; }; }
pending_plan() { fm status --json | jq -re '.machines[] | select(.ask != null) | .ask.plan_hash' ; }
approve_when_asked() { # USER SECONDS
	until_ "$2" pending_plan || return 1
	local hash; hash=$(pending_plan)
	say "$1 approves plan ${hash:0:12} from her telephone"
	fm_as "$1" approve outbound --plan "$hash" --reason "receivers refuse us; take the relay"
}
