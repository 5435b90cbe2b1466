# common.sh - what every lab host needs. Sourced by host.
# shellcheck shell=bash

exec {quiet}<> <(:) # never gets a line: reading it with a limit waits without starting a process
pause() { read -rt "$1" -u "$quiet"; }

# soon SECONDS NAME COMMAND...: until the command succeeds
soon() {
	local left=$(($1 * 20)) name=$2
	shift 2
	until "$@" 2>/dev/null >&2; do
		left=$((left - 1))
		[ $left -gt 0 ] || { echo "$name is not ready"; return 1; }
		pause 0.05
	done
	return 0 # the loop's own status is that of the last wait
}
listens() { { : <>"/dev/tcp/$1/$2"; } 2>/dev/null; }
# daemon NAME COMMAND...: in the background, its output in /var/log/NAME.out
daemon() { local n=$1; shift; setsid "$@" </dev/null >>"/var/log/$n.out" 2>&1 & }
own_dir() { install -d -o "$1" -g "$1" -m "${3:-755}" "$2"; }

common_render() {
	echo "$H" >/etc/hostname
	printf 'nameserver 198.51.100.55\noptions timeout:1 attempts:3\n' >/etc/resolv.conf
	install -d /etc/lab
	install -m 644 /run/keys/ca.pem /etc/lab/ca.pem
}
# cert NAME: certificate and key in one file, as Postfix and Dovecot like it
cert() { cat "/run/keys/$1.key" "/run/keys/$1.pem" >"/etc/lab/$1.both"; chmod 600 "/etc/lab/$1.both"; }
password() { awk -v a="$1" '$1 == a {print $2}' /run/keys/passwords; }

network_up() {
	# the lab lays the cable; it shows as a line "eth0:" among the interfaces
	soon 30 "the cable" cable_there || return 1
	local a first=${ADDR[$H]%% *}
	{
		echo "link set lo up"
		for a in ${ADDR[$H]}; do echo "addr add $a/32 dev eth0"; done
		echo "link set eth0 up"
		echo "route add $ROUTER dev eth0 src $first"
		echo "route add default via $ROUTER dev eth0 src $first"
	} | ip -b -
}
cable_there() { [[ $(</proc/net/dev) = *eth0:* ]]; }
