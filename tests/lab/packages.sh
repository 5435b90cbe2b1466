# packages.sh - the lab's private root: Debian packages unpacked into a folder of their own, never installed. Sourced by lab.
# No maintainer script runs, so nothing starts, and the machine's packages, accounts, units and /etc stay as they are. What
# those scripts would have done for the few servers here (accounts, rights, device nodes) is done below.
# shellcheck shell=bash

LAB_PACKAGES="base-files base-passwd bash bsdutils coreutils dash diffutils findutils grep gzip hostname less libc-bin login
	mawk mount passwd libpam-modules libpam-runtime perl-base procps sed tar util-linux util-linux-extra
	iproute2 iputils-ping nftables socat
	postfix postfix-lmdb postfix-pcre postfix-policyd-spf-perl libsasl2-modules opendkim opendmarc dbconfig-no-thanks
	dovecot-imapd dovecot-lmtpd
	knot knot-dnsutils bind9 bind9-dnsutils pdns-server pdns-backend-sqlite3 sqlite3 unbound rbldnsd
	openssh-server openssh-client openssl python3 strace libfaketime swaks libnet-ssleay-perl libnet-dns-perl curl jq
	libuv1 libyaml-0-2 libcurl4 libssh2-1 libssl3 libc-ares2 libldns3 libjansson4 libsqlite3-0"
# On the machine itself, by name; harmless: no daemon, no port.
MACHINE_PACKAGES="jq util-linux openssl openssh-client"

# Accounts of the servers: name, uid, group, home. The machine knows none of them.
LAB_ACCOUNTS="postfix:201:postfix:/var/spool/postfix dovecot:203:dovecot:/nonexistent dovenull:204:dovenull:/nonexistent
	opendkim:205:opendkim:/run/opendkim opendmarc:206:opendmarc:/run/opendmarc knot:207:knot:/var/lib/knot
	bind:208:bind:/var/cache/bind pdns:209:pdns:/var/lib/powerdns unbound:210:unbound:/var/lib/unbound
	rbldns:211:rbldns:/var/lib/rbldns sshd:212:nogroup:/run/sshd vmail:500:vmail:/var/vmail"

packages_id() { cat <(echo "$LAB_PACKAGES" "$(dpkg --print-architecture)") "$LAB_DIR/packages.sh" | sha256sum | cut -c1-16; }
root_dir() { echo "$CACHE/root-$(packages_id)"; }
root_ready() { [ -e "$(root_dir)/.complete" ]; }

# fetch FOLDER: every package and all it depends on, as if nothing were installed; the packages of the machine do not count.
packages_fetch() {
	local to=$1 words
	mkdir -p "$to/state" "$to/deb/partial"
	: >"$to/state/status"
	words="-q -y -o Dir::State::status=$to/state/status -o Dir::Cache::archives=$to/deb -o APT::Sandbox::User=root
		--no-install-recommends --download-only install $LAB_PACKAGES"
	# shellcheck disable=SC2086
	apt-get $words >"$to/apt.log" 2>&1 && return
	# lists that are old or missing: ask for new ones, once
	# shellcheck disable=SC2086
	{ apt-get -q -o DPkg::Lock::Timeout=300 update && apt-get $words; } >>"$to/apt.log" 2>&1 && return
	tail -15 "$to/apt.log" >&2
	die "cannot fetch the lab's Debian packages (above: what apt-get said)"
}

packages_unpack() {
	local debs=$1 root=$2 d
	mkdir -p "$root"/usr/{bin,sbin,lib,lib32,lib64,libx32}
	for d in bin sbin lib lib32 lib64 libx32; do ln -s "usr/$d" "$root/$d"; done
	# shellcheck disable=SC2016
	find "$debs" -name '*.deb' -print0 | xargs -0 -P "$(nproc)" -I{} sh -c 'dpkg-deb --fsys-tarfile "$1" |
		tar -x --keep-directory-symlink -C "$2" --exclude="./usr/share/doc/*" --exclude="./usr/share/man/*" \
			--exclude="./usr/share/locale/*" --exclude="./usr/share/info/*"' sh {} "$root" ||
		die "cannot unpack the lab's packages into $root"
}

packages_accounts() {
	local root=$1 a name uid group home gid
	cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
	cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
	for a in $LAB_ACCOUNTS; do
		IFS=: read -r name uid group home <<<"$a"
		gid=$uid
		if [ "$group" = nogroup ]; then gid=65534; else echo "$group:x:$gid:" >>"$root/etc/group"; fi
		echo "$name:*:$uid:$gid::$home:/usr/sbin/nologin" >>"$root/etc/passwd"
	done
	echo postdrop:x:202: >>"$root/etc/group"
	sed -i 's/^\([^:]*\):[^:]*:/\1:x:/' "$root/etc/passwd"
	awk -F: '{print $1 ":*:20000:0:99999:7:::"}' "$root/etc/passwd" >"$root/etc/shadow"
	sed -i 's/^\([^:]*\):[^:]*:/\1:x:/' "$root/etc/group"
	chmod 600 "$root/etc/shadow"
}

packages_devices() {
	local root=$1 n
	for n in null:3 zero:5 full:7 random:8 urandom:9; do mknod -m 666 "$root/dev/${n%:*}" c 1 "${n#*:}"; done
	mknod -m 666 "$root/dev/tty" c 5 0
	mkdir "$root/dev/pts" "$root/dev/shm"
	ln -s pts/ptmx "$root/dev/ptmx"
	ln -s /proc/self/fd "$root/dev/fd"
	ln -s fd/0 "$root/dev/stdin"
	ln -s fd/1 "$root/dev/stdout"
	ln -s fd/2 "$root/dev/stderr"
}

packages_finish() {
	local root=$1 s
	packages_devices "$root"
	packages_accounts "$root"
	# In the lab who is root may become anybody; nobody else signs in by PAM.
	printf 'auth sufficient pam_rootok.so\nauth required pam_deny.so\naccount required pam_permit.so\nsession required pam_permit.so\n' |
		tee "$root/etc/pam.d/su" "$root/etc/pam.d/runuser" "$root/etc/pam.d/other" >"$root/etc/pam.d/runuser-l"
	printf 'passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n' >"$root/etc/nsswitch.conf"
	printf '127.0.0.1 localhost\n' >"$root/etc/hosts"
	ln -sf mawk "$root/usr/bin/awk"
	grep -E '^(lmdb|pcre)' "$root/usr/share/postfix/dynamicmaps.cf" >"$root/etc/postfix/dynamicmaps.cf"
	cp "$root/usr/share/postfix/master.cf.dist" "$root/etc/postfix/master.cf"
	printf 'compatibility_level = 3.6\n' >"$root/etc/postfix/main.cf"
	cp "$root/usr/share/postfix/main.cf.dist" "$root/etc/postfix/main.cf.proto"
	cp "$root/usr/share/postfix/master.cf.dist" "$root/etc/postfix/master.cf.proto"
	cp "$root/usr/share/postfix/makedefs.out" "$root/etc/postfix/makedefs.out"
	mkdir -p "$root"/usr/local/{bin,sbin,lib}
	for s in vmail lib/powerdns lib/knot lib/rbldns; do mkdir -p "$root/var/$s"; done
	chroot "$root" ldconfig
	chroot "$root" chown vmail:vmail /var/vmail
	# stops at the manual pages, which were left out; the queue's folders and programs come before them
	chroot "$root" postfix set-permissions >"$root/.postfix.log" 2>&1
	[ -g "$root/usr/sbin/postdrop" ] && [ -g "$root/usr/sbin/postqueue" ] ||
		die "postfix set-permissions left postdrop without its group's right: $(tail -1 "$root/.postfix.log")"
}

# Fetch and unpack, once; a second one that comes at the same time waits for the first.
packages_install() {
	local root work
	root=$(root_dir)
	root_ready && return
	mkdir -p "$CACHE"
	exec {lock}>"$CACHE/lock"
	flock "$lock"
	if ! root_ready; then
		echo "lab: fetching $(wc -w <<<"$LAB_PACKAGES") Debian packages and what they need into $root; none is installed"
		work=$(mktemp -d "$CACHE/fetch.XXXXXX")
		packages_fetch "$work"
		rm -rf "$root"
		packages_unpack "$work/deb" "$root"
		packages_finish "$root"
		(cd "$work/deb" && ls -- *.deb) >"$root/.packages"
		rm -rf "$work"
		touch "$root/.complete"
	fi
	exec {lock}>&-
}
