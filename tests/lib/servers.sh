#!/bin/bash
# servers.sh NAME... : the real servers that contract tests start for themselves. Prints one path for each NAME (sshd, named,
# knotd, nsupdate), or ends with a one-line reason on stderr. What the machine has is used; what it lacks is fetched once as
# Debian packages and unpacked into $BUILD/servers. Nothing is installed, so nothing is started and no account is made, and no
# right of root is needed.
set -u
BUILD=${BUILD:-.build}
mkdir -p "$BUILD/servers" && cd "$BUILD/servers" || exit 1
at=$PWD
PACKAGES="openssh-server bind9 bind9-dnsutils knot"
declare -A place=([sshd]=usr/sbin/sshd [named]=usr/sbin/named [knotd]=usr/sbin/knotd [nsupdate]=usr/bin/nsupdate)

die() { echo "$*" >&2; exit 1; }
on_machine() { [ -x "/${place[$1]}" ]; }
apt() { apt-get -q -y -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache="$at/cache" "$@"; }

# What the machine lacks for PACKAGES, by name. A simulation: it needs no lock and changes nothing.
lacking() { apt -s --no-install-recommends --no-remove install $PACKAGES 2>>log | sed -n 's/^Inst \([^ ]*\) .*/\1/p'; }

fetch() {
	local names lists=()
	mkdir -p cache/archives/partial deb root
	names=$(lacking)
	if [ -z "$names" ] || ! (cd deb && apt download $names >>"$at/log" 2>&1); then
		# The machine's package lists are missing or old: take new ones, into this folder.
		mkdir -p lists/partial
		lists=(-o Dir::State::lists="$at/lists")
		apt "${lists[@]}" update >>log 2>&1 || return 1
		names=$(apt "${lists[@]}" -s --no-install-recommends --no-remove install $PACKAGES 2>>log |
			sed -n 's/^Inst \([^ ]*\) .*/\1/p')
		[ -n "$names" ] && (cd deb && apt "${lists[@]}" download $names >>"$at/log" 2>&1) || return 1
	fi
	for d in deb/*.deb; do dpkg-deb -x "$d" root || return 1; done
	rm -rf deb cache lists
}

# A server of our own finds its libraries in its own tree. Root's sshd wants an account and a folder that only the package's
# scripts would make: it sees them in a mount namespace of its own.
wrapper() {
	local name=$1 libs
	libs=$(find "$at/root" -name '*.so*' -printf '%h\n' | grep -v '/named\|/knot/' | sort -u | paste -sd:)
	{
		echo '#!/bin/sh'
		echo "export LD_LIBRARY_PATH='$libs'"
		[ "$name" != sshd ] || cat <<-X
			if [ "\$(id -u)" = 0 ] && ! getent passwd sshd >/dev/null; then
				[ -n "\${FERRYMAN_SSHD:-}" ] || FERRYMAN_SSHD=1 exec unshare -m --propagation private "\$0" "\$@"
				{ cat /etc/passwd; echo 'sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin'; } >'$at/passwd' &&
				mount --bind '$at/passwd' /etc/passwd && mount -t tmpfs -o mode=755 none /run && mkdir /run/sshd || exit 1
			fi
		X
		echo "exec '$at/root/${place[$name]}' \"\$@\""
	} >"bin/$name.new"
	chmod 755 "bin/$name.new" && mv "bin/$name.new" "bin/$name"
}

own() {
	local n
	exec {lock}>lock
	flock "$lock"
	[ -e complete ] && return
	: >log
	command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || die "is not installed, and this is no Debian to fetch it for"
	rm -rf root bin && mkdir bin
	fetch || die "is not installed, and its Debian package cannot be fetched: $(grep -E '^[EW]:' log | head -1)"
	for n in "${!place[@]}"; do [ -x "root/${place[$n]}" ] && wrapper "$n"; done
	: >complete
}

for n in "$@"; do on_machine "$n" || { own; break; }; done
for n in "$@"; do
	if on_machine "$n"; then echo "/${place[$n]}"
	elif [ -x "bin/$n" ]; then echo "$at/bin/$n"
	else die "is not installed, and the fetched packages have none"; fi
done
