# inbound.sh - a stranger's mail to corp.example and what the world believes of its MX: sourced after lib.sh by the tests that
# take inbound mail across. Call stop_mail in the trap.

# --- a stranger who sends all the time ---
mail_pid=
start_mail() {
	on outside rm -f /tmp/stop
	on outside python3 "$PWD/tests/e2e/traffic.py" --out "$work/sent" --until /tmp/stop --only app --apps 127.0.0.1:25 --rate 2 --app-senders news@outside.example \
		--to corp.example --mailboxes u01 u02 u03 u04 u05 --password-file /etc/hostname --ca /etc/lab/ca.pem 2>"$work/refused" &
	mail_pid=$!
}
stop_mail() { [ -z "$mail_pid" ] || { on outside touch /tmp/stop; wait "$mail_pid"; mail_pid=; }; }
# Besides mailboxes and the company's queues, the stranger's own queue is looked into: mail that nobody took waits there.
account() {
	"$LAB" find >"$work/found"
	on outside python3 "$PWD/tests/e2e/where.py" outside queue /var/spool/postfix/{incoming,active,deferred,maildrop,hold} >>"$work/found"
	python3 tests/e2e/account.py "$work/sent" "$work/found" --json | head -1 >"$work/account.json"
}
all_home() { account && jq -e '.delivered == .sent and .duplicates == 0' "$work/account.json"; }

# --- what the world believes ---
mx_at() { obs dig +short "@$1" corp.example MX; }
published() { [ "$(mx_at 198.51.100.53) $(mx_at 203.0.113.53)" = "10 $1. 10 $1." ]; }
cached() { on outside dig +short @127.0.0.1 corp.example MX; }
caches() { [ "$(cached)" = "10 $1." ]; }
learn_anew() { on outside unbound-control -c /etc/unbound/unbound.conf flush corp.example >/dev/null; cached; }
went_to() { # SENDER: the host that took its message from the stranger's server
	on outside sh -c 'q=$(sed -n "s/.* \([0-9A-F]*\): from=<$1@outside.example>.*/\1/p" /var/log/mail.log | tail -1)
		sed -n "s/.* $q: to=.* relay=\([a-z.]*\).* status=sent.*/\1/p" /var/log/mail.log | tail -1' sh "$1"
}
took() { [ "$(went_to "$1")" = "$2" ]; }
spooled() { on nsmail postqueue -j 2>/dev/null | grep -c .; }
spool_has() { [ "$(spooled)" -ge 4 ]; }
spool_empty() { [ "$(spooled)" = 0 ]; }

# durations_of_signals SECONDS SIGNAL...: canaries and doors asked that often. A canary has four seconds, also on a busy machine.
durations_of_signals() {
	local s every=$1
	shift
	for s in "$@"; do
		printf 'signals.%s.every: %ss\n' "$s" "$every"
		case $s in
		canary*) printf 'signals.%s.timeout: 6s\nsignals.%s.late_after: 4s\n' "$s" "$s" ;;
		*) printf 'signals.%s.timeout: 3s\n' "$s" ;;
		esac
	done
}
