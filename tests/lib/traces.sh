# traces.sh - what a run leaves behind, on the machine and in a root folder: sourced, by tests/e2e/minimal and traces-selftest.
# All is read from the kernel and from files; each line is one thing, so that two states can be compared line by line.
# shellcheck shell=bash

# traces_apart COMMAND...: in a process and a mount namespace of its own. What the command has begun and not ended is seen there
# and nothing else, however busy the machine is; both end with it. Takes the place of the shell that calls it.
traces_apart() { exec unshare -p -m --fork --kill-child --mount-proc --propagation private -- bash -c '"$0" "$@"; exit $?' "$@"; }

# Processes by number and name, without those of whoever asks: the shell, its subshell, the namespace's first process.
traces_processes() {
	local p stat
	for p in /proc/[0-9]*; do
		case ${p#/proc/} in 1 | $$ | "$BASHPID") continue ;; esac
		{ stat=$(<"$p/stat"); } 2>/dev/null || continue
		[[ ${stat##*) } != Z* ]] && echo "process ${p#/proc/} ${stat#* }" | sed 's/) .*/)/'
	done
}
# Listening sockets that a process we see holds: on a busy machine others come and go.
traces_listeners() {
	local held
	held=$(find /proc/[0-9]*/fd -lname 'socket:*' -printf '%l\n' 2>/dev/null | sed -n 's/^socket:\[\(.*\)\]$/\1/p' | sort -u | tr '\n' ' ')
	awk -v held=" $held" '((FILENAME ~ /tcp/ && $4 == "0A") || (FILENAME ~ /udp/ && $3 ~ /:0000$/)) && index(held, " " $10 " ") {
		print "listener " FILENAME " " $2}' /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6 | sort -u
	awk -v held=" $held" '$4 == "00010000" && index(held, " " $7 " ") {print "listener unix " $8}' /proc/net/unix | sort -u
}
traces_namespaces() {
	local own
	own=$(readlink /proc/self/ns/net)
	find /proc/[0-9]*/ns/net ! -lname "$own" -printf 'namespace %l\n' 2>/dev/null | sort -u
	awk '/ nsfs /{print "namespace kept by " $5}' /proc/self/mountinfo
}
traces_units() {
	find /etc/systemd /lib/systemd/system /usr/local/lib/systemd /run/systemd/system -printf 'unit %y %p %l\n' 2>/dev/null
	[ ! -d /run/systemd/system ] || systemctl list-units --all --plain --no-legend --type=service,socket,timer,path 2>/dev/null |
		awk '$1 !~ /^user/ {print "unit known " $1}' # a user who signs in meanwhile is none of ours
}
traces_machine() {
	traces_processes
	traces_listeners
	awk '{print "mount " $5}' /proc/self/mountinfo
	traces_namespaces
	find /sys/class/net -mindepth 1 -printf 'link %f\n'
	traces_units
}

# traces_root FOLDER: every file of a system below it, but what the package manager keeps for itself, and what belongs to
# that boot alone. Configuration by its content too; accounts by their names, for a password's date is none of ours.
traces_root() (
	cd "$1" || exit 1
	find . -xdev \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./src -o -path ./shared \
		-o -path ./var/lib/dpkg -o -path ./var/lib/apt -o -path ./var/cache/apt -o -path ./var/cache/debconf -o -path ./var/cache/ldconfig \
		-o -path ./var/cache/man -o -path ./var/log \) -prune -o ! -type d -printf 'file %P %l\n' -o -printf 'folder %P\n'
	find etc -xdev -type f ! -name 'passwd*' ! -name 'group*' ! -name 'shadow*' ! -name 'gshadow*' ! -name machine-id ! -name ld.so.cache -exec sha256sum {} + |
		awk '{print "content of " $2 " " $1}'
	sed -n 's/^\([^:]*\):.*/user \1/p' etc/passwd
	sed -n 's/^\([^:]*\):.*/group \1/p' etc/group
)
# traces_compare BEFORE AFTER: lines that only one of the files has, + or - before them; 1 if there are any.
traces_compare() {
	local d
	d=$(LC_ALL=C comm -3 <(LC_ALL=C sort -u "$1") <(LC_ALL=C sort -u "$2") | sed 's/^\t/+ /; t; s/^/- /')
	[ -z "$d" ] || { echo "$d"; return 1; }
}
# traces_plant KIND FOLDER: leaves one behind, in a system below FOLDER or on the machine, for the comparison to find
traces_plant() {
	case $1 in
	process) setsid sleep 3600 </dev/null >/dev/null 2>&1 & ;;
	listener) setsid perl -MSocket -e 'socket(S, AF_INET, SOCK_STREAM, 0); bind(S, sockaddr_in(0, inet_aton("127.0.0.1"))) or die; listen(S, 1); sleep 3600' </dev/null >/dev/null 2>&1 & ;;
	mount) mkdir -p "$2/mnt" && mount -t tmpfs planted "$2/mnt" ;;
	netns) mkdir -p "$2/run/netns" && touch "$2/run/netns/planted" && unshare -n mount --bind /proc/self/ns/net "$2/run/netns/planted" ;;
	unit) mkdir -p "$2/etc/systemd/system" && printf '[Service]\nExecStart=/bin/true\n' >"$2/etc/systemd/system/planted.service" ;;
	file) echo planted >"$2/usr/lib/planted" ;;
	config) echo '# planted' >>"$2/etc/environment" ;;
	user) echo 'planted:x:4242:4242::/:/usr/sbin/nologin' >>"$2/etc/passwd" ;;
	*) echo "no plant $1; there are: process listener mount netns unit file config user" >&2; return 2 ;;
	esac
}
