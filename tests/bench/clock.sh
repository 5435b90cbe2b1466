#!/bin/bash
# clock.sh OUT COMMAND... - runs on obs: when the command began and ended (OUT.clock: BEGIN END RC) and, while it runs, what
# the engine that it starts has used so far (OUT.engine: HWM-KB TICKS, from /proc; the last look counts).
# A command that does not end within 180 s is ended.
out=$1
shift
exec 9<> <(:)
look() {
	local p=$1 line hwm stat
	while IFS= read -r line; do case $line in VmHWM:*) hwm=${line//[^0-9]/} ;; esac; done <"/proc/$p/status"
	stat=$(<"/proc/$p/stat")
	# shellcheck disable=SC2086
	set -- ${stat##*) }
	[ -z "$hwm" ] || echo "$hwm $((${12} + ${13} + ${14} + ${15}))" >"$out.engine"
}
engine() {
	local p words
	for p in /proc/[0-9]*; do
		mapfile -d '' words <"$p/cmdline"
		[ "${words[2]:-}" = --one-shot ] && { echo "${p#/proc/}"; return; }
	done
}
sample() {
	local p=
	trap 'exit 0' TERM
	while :; do
		if [ -z "$p" ]; then p=$(engine); else look "$p"; fi
		read -r -t 0.05 -u 9
	done 2>/dev/null
}
[ -z "${BENCH_SAMPLE:-}" ] || { sample & sampler=$!; }
begin=$EPOCHREALTIME
timeout "180" "$@" >"$out.out" 2>"$out.err" </dev/null
rc=$?
echo "$begin $EPOCHREALTIME $rc" >"$out.clock"
[ -z "${sampler:-}" ] || { kill "$sampler"; wait "$sampler"; }
exit $rc
