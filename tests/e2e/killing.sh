# killing.sh - kill -9 at records of the journal (killpoint.c): sourced by the tests that do so, after lib.sh.
# The subject is an out-and-back of the library's playbook `outbound`, each verb its own engine in the foreground, with mail of
# applications that waits at the hub when it begins. What the targets took is told from their own logs, never from ferryman.
KILL_MAIL=24
KILL_STAGES=${KILL_STAGES-[100%]} # order of the failback; empty: as the playbook says
YES=(--yes corp.example --reason "try it")
HAND=(--durations /etc/ferryman/hand.durations)
out_leg=(cutover outbound "${YES[@]}")
back_leg=(failback outbound --now "${YES[@]}" "${HAND[@]}")

# --- the lab as at first, what notes the hub's effects, and mail that waits ---
put_killpoint() {
	obs sh -c 'cat >/usr/local/lib/killpoint.so' <"$BUILD/tests/killpoint.so"
	printf '# the stages of the failback, for a test\nprocedures.outbound.failback.stage: 1s\nlimits.cooldown: 1s\n' | put_durations hand
	[ -z "$KILL_STAGES" ] || obs sed -i "s/order: \[canaries, .*\]/order: $KILL_STAGES/" /etc/ferryman/outbound.yaml
	# the hub's helper writes a map by one call of postmap: each is noted with what the map then says
	on hub sh -c 'cat >/usr/local/bin/postmap-noted && chmod 755 /usr/local/bin/postmap-noted &&
		echo "postmap /usr/local/bin/postmap-noted" >/var/lib/ferryman-relay/helper.conf' <<-'X'
		#!/bin/sh
		case $1 in lmdb:*/maps/*) echo "${1##*/} $(grep -v '^#' "${1#lmdb:}" | tr '\t\n' '  ')" >>/var/lib/ferryman-relay/noted ;; esac
		exec /usr/sbin/postmap "$@"
	X
}
waits_at_hub() { on hub postqueue -j 2>/dev/null | grep -c .; }
all_wait() { [ "$(waits_at_hub)" = $KILL_MAIL ]; }
prepare() {
	"$LAB" reset || "$LAB" reset || return 1 # a host may fail to boot on a busy machine: that is no finding
	rm -f "$work/sent"
	fm plan outbound shelter --by-hand 2>/dev/null | sed '/^# --- back/,$d' >"$work/park"
	on hub bash -e "$work/park" >/dev/null 2>&1
	put_killpoint
	[ $KILL_MAIL != 0 ] || return 0
	obs python3 "$PWD/tests/e2e/traffic.py" --out "$work/sent" --until /tmp/never --count $KILL_MAIL --rate 40 --only app --password-file /etc/lab/user.password --ca /etc/lab/ca.pem
	until_ 10 all_wait
}

# --- what the targets say ---
hub_writes() { on hub sh -c 'cat /var/lib/ferryman-relay/noted 2>/dev/null'; }
tenant_writes() { on cloud grep -oE 'did (Enable|Disable|Set|New|Remove)-.*' /var/log/tenant-api.out; }
effects() { zone_writes | sed 's/^/zone /'; hub_writes | sed 's/^/hub /'; tenant_writes | sed 's/^/tenant /'; }
account() { "$LAB" find >"$work/found"; python3 tests/e2e/account.py "$work/sent" "$work/found" --json | sed -n 1p >"$work/account.json"; }
all_there() { account; [ "$(jq -c '[.delivered, .waiting, .lost, .duplicates]' "$work/account.json")" = "[$KILL_MAIL,0,0,0]" ]; }

# --- one life of ferryman ---
# life POINTS NTH VERB...: until it ends, or is killed at the NTH of these points that it comes to ("after TYPE STEP DIR" or "before
# ...", with ; between; none: nobody kills it). What it wrote to the journal, and where it was killed: $work/note
life() {
	local at=$1 nth=$2 rc
	shift 2
	obs rm -f /tmp/kill.note
	obs runuser -u ferryman -- env LD_PRELOAD=/usr/local/lib/killpoint.so KILL_NOTE=/tmp/kill.note KILL_AT="$at" KILL_NTH="$nth" \
		${KILL_HOLD:+KILL_HOLD=$KILL_HOLD} ferryman "$@" >>"$work/life.log" 2>&1 </dev/null
	rc=$?
	obs sh -c 'cat /tmp/kill.note 2>/dev/null || :' >"$work/note"
	return $rc
}
engines_gone() { ! obs pgrep -u ferryman -x ferryman; }
open_run() { fm history --json 2>/dev/null | jq -r '[.runs[]? | select(.end == 0)][0].run // empty'; }
in_journal() { [ "$(obs sqlite3 -readonly /var/lib/ferryman/journal.db "SELECT count(*) FROM record WHERE seq = $1")" = 1 ]; }
# go_on POINTS NTH VERB...: with the run that a kill has left; where none was begun yet, VERB begins it
go_on() {
	local at=$1 nth=$2 run
	shift 2
	run=$(open_run)
	if [ -n "$run" ]; then life "$at" "$nth" cutover outbound --continue "$run" "${HAND[@]}"; else life "$at" "$nth" "$@"; fi
}
unharmed() { go_on none 1 "$@"; }
# where_killed: the point at which the life ended ("" = nobody killed it); holds the journal against what the library says
where_killed() {
	local point seq
	point=$(sed -n '$s/^killed //p' "$work/note")
	[ -n "$point" ] || return 0
	until_ 10 engines_gone
	seq=$(tail -2 "$work/note" | head -1) seq=${seq%% *}
	case $point in
	after*) in_journal "$seq" ;;
	*) ! in_journal "$seq" ;;
	esac && echo "$point" || echo "elsewhere than $point"
}
joined() { local IFS=';'; echo "$*"; }
# killed_at_each VERB...: killed at each point of the array `points` in whatever order they come, and then not any more; each time
# KILLED POINT is called. What is left in `points` was never come to.
points=()
killed_at_each() {
	local at i
	while :; do
		effects_before=$(effects)
		go_on "$(joined "${points[@]}")" 1 "$@"
		life_rc=$? at=$(where_killed)
		[ -n "$at" ] || return $life_rc
		for i in "${!points[@]}"; do
			[ "${points[i]}" != "$at" ] || { unset "points[i]"; break; }
		done
		killed "$at"
	done
}

# --- the reference ---
record_of() { sed -n "${1}p" "$work/records"; } # "TYPE STEP DIR" of record K
nth_of() { head -n "$1" "$work/records" | grep -cxF -- "$(record_of "$1")"; } # the how manieth of equal ones it is
leg() { life none 1 "$@" && sed 's/^[0-9]* //' "$work/note" >>"$work/records"; }
# undisturbed: out and back without a kill. N intents and results, out_n of them on the way out; what each leaves; all that the
# targets took
undisturbed() {
	: >"$work/records"
	leg "${out_leg[@]}" && out_n=$(wc -l <"$work/records") && out_state=$(end_state) || return 1
	leg "${back_leg[@]}" && until_ 20 all_there || return 1
	N=$(wc -l <"$work/records") back_state=$(end_state) took=$(effects)
}
out_and_back_as_undisturbed() { # NAME
	same "$1: mail is back, the same end state" "$back_state" "$(end_state)"
	same "$1: each target took each effect once, in the same order" "$took" "$(effects)"
	want "$1: each of $KILL_MAIL messages arrived once" until_ 30 all_there
	same "$1: both runs are done" "cutover done failback done" "$(fm history --json | jq -r '[.runs | sort_by(.start)[] | "\(.kind) \(.state)"] | join(" ")')"
	want "$1: the journal is whole" fm audit verify
}
