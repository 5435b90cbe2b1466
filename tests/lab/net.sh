# net.sh - the lab's namespaces, hosts and cables. Sourced by lab.
# The keeper is the router: a network and mount namespace in which the lab's tmpfs lies, parent of all hosts. Nothing of it has
# a cable to the machine's own interfaces, so nothing can leave. When the keeper dies, the kernel kills what it kept.
# shellcheck shell=bash

keeper_pid() { cat "$RUN/keeper.pid" 2>/dev/null; }
# Is it still the process that was written down, or has its number been given to another since?
lives() {
	local words
	[ -n "${1:-}" ] && { mapfile -d '' -t words <"/proc/$1/cmdline"; } 2>/dev/null && [[ ${words[*]} = *"/tests/lab/inside/"* ]]
}
# Is it over, and all that it was the first process of?
ended() { local s=; { read -r s <"/proc/$1/stat"; } 2>/dev/null; [[ $s = "" || $s = *") Z "* || $s = *") X "* ]]; }
is_up() { lives "$(keeper_pid)"; }
host_pid() { cat "$RUN/host/$1/pid" 2>/dev/null; }
host_state() { if lives "$(host_pid "$1")"; then cat "$RUN/host/$1/state" 2>/dev/null; else echo off; fi; }
# Commands of the private root in the router's network namespace.
router() { nsenter -t "$(keeper_pid)" -n -- chroot "$(root_dir)" "$@"; }
quick() { read -rt "$1" -u "$quiet"; }

# until_there SECONDS COMMAND...
until_there() {
	local left=$(($1 * 50))
	shift
	until "$@"; do
		left=$((left - 1))
		[ $left -gt 0 ] || return 1
		quick 0.02
	done
	return 0 # the loop's own status is that of the last wait
}

keeper_start() {
	exec {quiet}<> <(:)
	LAB_ROOT=$(root_dir) LAB_BASE=$BASE LAB_RUN=$RUN LAB_PROJECT=$PROJECT LAB_SHARED=$SHARED \
		setsid unshare -n -m --propagation private -- bash "$LAB_DIR/inside/keeper" "$NAME" </dev/null >"$RUN/keeper.log" 2>&1 &
	until_there 10 test -p "$RUN/control" || die "the lab's namespaces do not start: $(tail -2 "$RUN/keeper.log")"
	printf 'table inet lab {
		set cut { type ipv4_addr; }
		set cutpair { type ipv4_addr . ipv4_addr; }
		set cutport { type ipv4_addr . inet_service; }
		set refuse { type ipv4_addr . inet_service; }
		set begun { type ipv4_addr . ipv4_addr . inet_service; flags dynamic; size 65536; counter; }
		chain forward {
			type filter hook forward priority 0; policy accept;
			tcp flags & (syn | ack) == syn update @begun { ip saddr . ip daddr . tcp dport }
			ip saddr @cut drop
			ip daddr @cut drop
			ip saddr . ip daddr @cutpair drop
			ip daddr . tcp dport @cutport drop
			ip daddr . tcp dport @refuse reject with tcp reset
		}
	}' | router nft -f - || die "this kernel has no nftables for the lab's router"
}

hosts_start() { # HOST...: boots them, lays their cables, waits until they are up
	local h
	exec {quiet}<> <(:)
	for h in "$@"; do
		mkdir -p "$RUN/host/$h"
		rm -f "$RUN/host/$h"/{pid,state}
		[ "$h" != obs ] || install -m 755 "$BUILD_DIR/ferryman" "$RUN/host/obs/ferryman" || die "$BUILD_DIR holds no ferryman: run make first"
		echo "$h" >"$RUN/control"
	done
	for h in "$@"; do
		until_there 20 test -s "$RUN/host/$h/pid" || die "host $h does not start: $(tail -2 "$RUN/host/$h/boot.log")"
	done
	cables "$@" || die "cannot lay the lab's cables"
	for h in "$@"; do
		until_there 60 settled "$h"
		[ "$(host_state "$h")" = up ] || die "host $h is $(host_state "$h"): $(tail -3 "$RUN/host/$h/boot.log" | tr '\n' ' ')(whole: $RUN/host/$h/boot.log)"
	done
}
# For an instant, while it becomes another program, a starting host bears no name and looks off.
settled() { case $(host_state "$1") in up | failed) ;; off) ended "$(host_pid "$1")" ;; *) return 1 ;; esac; }
# The kernel takes the cable of a dead host away a moment after its processes: what is left of it goes first.
old_cables() { local h; for h in "$@"; do echo "link del v-$h"; done | router ip -force -b - >/dev/null 2>&1; return 0; }
cables() {
	local h a
	old_cables "$@"
	for h in "$@"; do
		echo "link add v-$h type veth peer name eth0 netns $(host_pid "$h")"
		echo "link set v-$h up"
		echo "addr add $ROUTER/32 dev v-$h"
		for a in ${ADDR[$h]}; do echo "route add $a/32 dev v-$h"; done
	done | router ip -b -
}
host_kill() { # HOST: as if its power failed
	local p
	p=$(host_pid "$1")
	if lives "$p"; then
		kill -KILL "$p" 2>/dev/null
		until_there 10 ended "$p"
	fi
	rm -f "$RUN/host/$1/pid"
	echo off >"$RUN/host/$1/state"
}
inside() { # HOST COMMAND...: with a clean environment, in the host's root folder
	local h=$1 p
	shift
	need_root
	p=$(host_pid "$h")
	lives "$p" || die "host $h is not up"
	# Until it says so it may not be in its own root yet: the command would run on this machine's files.
	case $(host_state "$h") in up | failed) ;; *) die "host $h is not up: it is only starting" ;; esac
	nsenter -t "$p" -n -m -u -i -p -r -w -- /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		HOME=/root LC_ALL=C.UTF-8 TERM="${TERM:-dumb}" "$@"
}

# --- what can be cut ---

rule() { router nft "$1" element inet lab "$2" "{ $3 }" 2>/dev/null; }
# link add|delete HOST | HOST HOST | HOST:PORT
link() {
	local verb=$1 a b set=cutport
	case $2 in
	*:*)
		is_host "${2%:*}" || die "no host ${2%:*}"
		[ "${3:-}" != refuse ] || set=refuse
		for a in ${ADDR[${2%:*}]}; do rule "$verb" $set "$a . ${2#*:}"; done ;;
	*)
		is_host "$2" || die "no host $2"
		if [ -z "${3:-}" ]; then
			for a in ${ADDR[$2]}; do rule "$verb" cut "$a"; done
		else
			is_host "$3" || die "no host $3"
			for a in ${ADDR[$2]}; do for b in ${ADDR[$3]}; do rule "$verb" cutpair "$a . $b"; rule "$verb" cutpair "$b . $a"; done; done
		fi ;;
	esac
	return 0
}
heal_all() { local s; for s in cut cutpair cutport refuse; do router nft flush set inet lab $s; done; }
