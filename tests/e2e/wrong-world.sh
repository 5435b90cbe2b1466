# wrong-world.sh - for tests of a world that the journal does not know: sourced, after lib.sh.
. tests/e2e/hands.sh

STATE=/var/lib/ferryman
D=/etc/ferryman/wrong.durations
prepare() {
	"$LAB" reset
	printf '%s\n' 'limits.cooldown: 1s' 'procedures.outbound.failback.stage: 1s' 'procedures.outbound.failback.soak: 2s' \
		'signals.canary.every: 4s' 'signals.canary.timeout: 4s' 'signals.canary.late_after: 3s' 'signals.canary-gw1.every: 4s' 'signals.canary-gw1.timeout: 4s' \
		'signals.canary-gw1.late_after: 3s' 'signals.canary-gw2.every: 4s' 'signals.canary-gw2.timeout: 4s' 'signals.canary-gw2.late_after: 3s' | put_durations wrong
}
moved() { is_state outbound outbound on-backup || is_state outbound outbound recovering; }
lsn_of() { fm status --json | jq .status.journal.lsn; }
why() { fm status --why; }
shows() { why | tr '\n' ' ' | grep -qF -- "$1"; }
put_back() { obs sh -c 'rm -rf '$STATE' && cp -a "$1" '$STATE sh "$1"; }
pending() { fm status --json 2>/dev/null | jq -re ".status.machines[] | select(.ask != null) | .ask.plan_hash"; }
home() { rc fm failback outbound --now "${YES[@]}" --durations $D; }
