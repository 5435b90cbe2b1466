# lib.sh - for end-to-end tests: sourced, never run. Expects a lab that is up (FERRYMAN_LAB_NAME) and freshly reset.
# ferryman runs on the lab's host obs as its own user, as it would on a real machine.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
BUILD=${BUILD:-.build}
LAB=tests/lab/lab
passed=0 failed=0 skipped=0
work=$(mktemp -d "$("$LAB" shared)/work.XXXXXX") # hosts of the lab see it under the same name

ok() { passed=$((passed + 1)); echo "ok   $1"; }
bad() { failed=$((failed + 1)); echo "FAIL $1${2:+: $2}"; }
# run_ COMMAND...: what it prints lies in $work/out, and behind all that was printed before in $work/printed
run_() { local was_; "$@" >"$work/out" 2>&1; was_=$?; cat "$work/out" >>"$work/printed"; return $was_; }
# want NAME COMMAND...: passes when the command does
want() { local n=$1; shift; if run_ "$@"; then ok "$n"; else bad "$n" "$(tail -3 "$work/out" | tr '\n' ' ')"; fi; }
# refuse NAME COMMAND...: passes when the command fails
refuse() { local n=$1; shift; if run_ "$@"; then bad "$n" "it was allowed: $(tail -1 "$work/out")"; else ok "$n"; fi; }
same() { if [ "$2" = "$3" ]; then ok "$1"; else bad "$1" "$(diff <(echo "$2") <(echo "$3") | head -20 | tr '\n' '|')"; fi; }
# What ferryman has printed here, kept for tests/lint/quotes.
keep_seen() {
	mkdir -p "$BUILD/log/seen"
	{
		find "$work" -maxdepth 1 -type f -size -4000k ! -name '*.so' ! -name '*.json' -exec cat {} +
		fm history --diary
		obs sh -c 'cat /var/lib/ferryman/ferryman.log'
	} >"$BUILD/log/seen/$(basename "$0")" 2>/dev/null
}
finish() { stop_watch; keep_seen; rm -rf "$work"; echo "$passed passed, $failed failed, $skipped skipped"; [ "$failed" = 0 ]; exit $?; }
trap 'stop_watch; rm -rf "$work"' EXIT

on() { "$LAB" exec "$@"; }
obs() { "$LAB" exec obs "$@"; }
fm() { obs runuser -u ferryman -- ferryman "$@"; }
fm_as() { local u=$1; shift; obs runuser -u "$u" -- ferryman "$@"; }

# until_ SECONDS COMMAND...: waits for the thing itself
until_() { local end=$((SECONDS + $1)); shift; until "$@" >/dev/null 2>&1; do [ $SECONDS -lt $end ] || return 1; sleep 0.2; done; }

# The overlay is a file of ours; on obs it lies beside the playbooks.
put_durations() { obs sh -c "cat > /etc/ferryman/$1.durations && chown ferryman /etc/ferryman/$1.durations"; }

watch_pid=
# start_watch PLAYBOOK...: the daemon, until it serves
start_watch() {
	fm watch "$@" >"$work/watch.out" 2>>"$work/watch.log" &
	watch_pid=$!
	until_ 20 obs test -S /run/ferryman/control.sock || { cat "$work/watch.log"; return 1; }
	until_ 20 fm status --json
}
engine_pid() { obs pgrep -u ferryman -x ferryman | head -1; }
stop_watch() {
	[ -n "$watch_pid" ] || return 0
	obs pkill -TERM -u ferryman -x ferryman 2>/dev/null
	wait "$watch_pid" 2>/dev/null
	watch_pid=
}
kill_watch() { obs pkill -KILL -u ferryman -x ferryman; wait "$watch_pid" 2>/dev/null; watch_pid=; }

# state PLAYBOOK FLOW: where the machine stands
state() { fm status --json 2>/dev/null | jq -r --arg p "$1" --arg f "$2" '.status.machines[] | select(.playbook==$p and .flow==$f) | .state'; }
# the plan that people are asked about
pending_plan() { fm status --json | jq -re '.status.machines[] | select(.ask != null) | .ask.plan_hash' ; }
is_state() { [ "$(state "$1" "$2")" = "$3" ]; }

# run_of FILE: the run that a verb's progress names
run_of() { sed -n 's/^run \([a-z]*-[0-9]*\) started.*/\1/p' "$1"; }
# did RUN: its records as they lie in the journal, one a line: number, type, step. Reading takes no lock and recovers nothing.
did() { fm history --run "$1" --json 2>/dev/null | jq -r '.records[] | "\(.seq) \(.type) \(.record.body.step // "")"'; }
# record_at RUN TYPE STEP: the number of the first such record, 0 when there is none yet
record_at() { did "$1" | awk -v t="$2" -v s="$3" '$2 == t && $3 == s {n = $1; exit} END {print n + 0}'; }
has_record() { [ "$(record_at "$@")" != 0 ]; }

# What a cut-over may touch, as the servers themselves show it (without SOA serial and the fence's record).
record_sets() {
	local n
	for n in corp.example c.corp.example; do
		for t in MX TXT; do obs dig +norecurse +noall +answer "@198.51.100.53" "$n" "$t" | sort; done
	done
}
hub_config() { on hub postconf -n; on hub sh -c 'for m in /var/lib/ferryman-relay/maps/*.lmdb; do m=${m%.lmdb}; echo "$m:"; postmap -s lmdb:$m | sort; done'; }
tenant_config() { on cloud sh -c 'postconf -n; for m in /etc/postfix/*.lmdb; do m=${m%.lmdb}; echo "$m:"; postmap -s lmdb:$m | sort; done'; }
end_state() { record_sets; hub_config; tenant_config; }
# What leaving must change and nothing else, told from what the servers are: SPF, the hub's route in twenty shares, the
# tenant's rule with the pinned canaries left out.
leaving() {
	printf '< %s\n' 'corp.example. 5 IN TXT "v=spf1 include:spf.cloudmail.example -all"'
	printf '> %s\n' 'corp.example. 5 IN TXT "v=spf1 include:spf.cloudmail.example ip4:203.0.113.65 -all"' '@corp.example ferryman'
	printf '> s%s nsmail:[relay.nsmail.example]:587\n' $(seq -w 20)
	printf '> %s connector-verify:[relay.nsmail.example]:25\n' c.corp.example corp.example
	printf '> %s@c.corp.example gateways\n' canary-cloud canary-gw1 canary-gw2
}
changes() { diff <(echo "$1") <(echo "$2") | grep '^[<>]' | tr -s '\t ' ' '; }
# wide_spf < STATE: the same with the backup's term in SPF, which stays after a failback (docs/decisions/0005)
wide_spf() { sed '/^corp\.example\..*"v=spf1 /s/ -all"/ ip4:203.0.113.65 -all"/'; }
# what has ever been written to the zone's mail records since the reset, as the primary's own journal says (+ or - and the record)
zone_writes() {
	on ns1 sh -c '[ ! -d /var/lib/knot/journal ] || kjournalprint /var/lib/knot/journal corp.example 2>/dev/null' |
		awk '/^;; Added/ {sign = "+"} /^;; Removed/ {sign = "-"} !/^;;/ && !/SOA/ && !/_ferryman/ && NF > 3 {$1 = $1; print sign, $0}'
}
# rc COMMAND...: its exit code; what it said lies in $work/said and $work/erred
rc() { local was_; "$@" >"$work/said" 2>"$work/erred" </dev/null; was_=$?; cat "$work/said" "$work/erred" >>"$work/printed"; echo $was_; }
