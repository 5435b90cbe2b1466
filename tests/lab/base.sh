# base.sh - keys, and the configured layer of every host: made once, below /var/cache, used by every lab. Sourced by lab.
# A layer holds what `host render` wrote over the private root; a lab's hosts lie over it, so the base state is always there.
# shellcheck shell=bash

# --- keys: passwords, certificates, DKIM, SSH, TSIG; of one machine, worth nothing outside of the lab ---

certificate() { # NAME SUBJECT SAN...
	local name=$1 subject=$2 san
	shift 2
	san=$(printf ',DNS:%s' "$subject" "$@")
	openssl ecparam -name prime256v1 -genkey -noout -out "$name.key"
	openssl req -new -key "$name.key" -subj "/CN=$subject" |
		openssl x509 -req -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -out "$name.pem" \
			-extfile <(printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\n' "${san#,}")
}
certificates() {
	local n
	openssl ecparam -name prime256v1 -genkey -noout -out ca.key
	openssl req -x509 -new -key ca.key -days 3650 -subj '/CN=ferryman lab CA' -addext 'basicConstraints=critical,CA:TRUE' -out ca.pem
	certificate cloud mx.cloudmail.example admin.cloudmail.example
	certificate tenant corp.tenants.cloudmail.example
	certificate hub hub.corp.example
	certificate nsmail relay.nsmail.example mx.nsmail.example
	for n in 1 2 3; do certificate "rcpt$n" "mx.rcpt$n.example"; done
	certificate outside mx.outside.example
}
# Applications of the tenant's admin interface: an id, a certificate with an RSA key, the cmdlets of its role.
application() { # NAME CMDLET...
	local name=$1
	shift
	openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=$name" -keyout "$name.key" -out "$name.crt"
	cat "$name.crt" "$name.key" >"$name.pem"
	cat /proc/sys/kernel/random/uuid >"$name.id"
	jq -n --arg id "$(cat "$name.id")" --arg c "$name.crt" '{id: $id, certificate: $c, cmdlets: $ARGS.positional}' --args "$@"
}
applications() {
	local read="Get-OutboundConnector Get-TransportRule" change="Set-TransportRule Enable-TransportRule Disable-TransportRule"
	# shellcheck disable=SC2086
	{
		application tenant-app $read $change
		application tenant-admin $read $change New-OutboundConnector Set-OutboundConnector Remove-OutboundConnector \
			New-TransportRule Remove-TransportRule New-DistributionGroup Get-DistributionGroupMember
	} | jq -s . >apps.json
}
passwords() {
	local a shared
	shared=$(openssl rand -hex 8)
	for a in $(seq -f 'u%02g' 20) alice bob; do echo "$a@corp.example $shared"; done
	for a in probe bounces canary-in; do echo "$a@corp.example $(openssl rand -hex 8)"; done
	for a in cloud gw1 gw2 nsmail; do echo "canary-$a@c.corp.example $(openssl rand -hex 8)"; done
	for a in 1 2 3; do echo "seed@rcpt$a.example $(openssl rand -hex 8)"; done
	echo "corp-applications $(openssl rand -hex 8)"
}
keys_make() (
	set -e
	umask 77
	mkdir -p "$1" && cd "$1"
	exec 2>>log
	certificates
	applications
	passwords >passwords
	sed -n 's/^\(corp-applications\) /\1:/p' passwords >nsmail.auth
	openssl rand -base64 32 >tsig.key
	openssl rand -base64 32 >xfr.key
	openssl rand -hex 16 >pdns.key
	openssl genrsa -out dkim-cloud1.key 2048
	openssl rsa -in dkim-cloud1.key -pubout -outform DER | base64 -w0 >dkim-cloud1.b64
	ssh-keygen -q -t ed25519 -N '' -C hub -f ssh_host_ed25519_key
	ssh-keygen -q -t ed25519 -N '' -C ferryman -f id_ed25519
	: >done
)

# --- layers ---

base_inputs() { # all that a layer is made of; the helper and the lines of `setup` are ferryman's own
	cat "$LAB_DIR"/{topology,base}.sh "$LAB_DIR"/inside/{host,init,page-duty,pwsh,tenant_api.py} "$LAB_DIR"/inside/*.sh "$LAB_DIR"/inside/hosts/*.sh \
		"$PROJECT"/playbooks/library/*.yaml "$BUILD_DIR/ferryman-relay" "$1"
	packages_id
	cat "$CACHE/keys/ca.pem"
}
setup_lines() { # the part of `ferryman setup` that installs, with the public key in it
	"$BUILD_DIR/ferryman" setup hub "$PROJECT/playbooks/library/outbound.yaml" --print >"$1.all" ||
		die "$BUILD_DIR/ferryman setup hub does not work: run make first"
	{
		echo "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
		echo "PUBLIC_KEY='$(cut -d' ' -f1,2 "$CACHE/keys/id_ed25519.pub")'"
		# the one line that needs a running Postfix is left out: here Postfix has not started yet
		sed -e '/^# To remove it/,$d' -e "s/ PUBLIC-KEY'/ '\"\$PUBLIC_KEY\"/" -e '/^postfix reload$/d' "$1.all"
	} >"$1"
	rm "$1.all"
}
render_one() ( # HOST: in namespaces of its own, over the private root
	local h=$1 new=$2 root
	root=$(root_dir)
	mkdir -p "$new/$h" "$new/.work/$h" "$new/.mnt/$h"
	unshare -m -u --propagation private -- bash -eu -c '
		h=$1 new=$2 root=$3 keys=$4 project=$5 at=$2/.mnt/$1
		mount -t overlay lab-base -o "lowerdir=$root,upperdir=$new/$h,workdir=$new/.work/$h" "$at"
		mount -t proc proc "$at/proc"
		mount -t tmpfs run "$at/run"
		mount -t tmpfs tmp "$at/tmp"
		mkdir -p "$at/run/keys" "$at$project"
		mount --bind "$keys" "$at/run/keys"
		mount --bind -o ro "$project" "$at$project"
		exec chroot "$at" /bin/bash "$project/tests/lab/inside/host" render "$h"
	' sh "$h" "$new" "$root" "$new/.keys" "$PROJECT" >"$new/.log-$h" 2>&1 </dev/null ||
		{ sed "s/^/$h: /" "$new/.log-$h" >&2; return 1; }
)
base_make() { # FOLDER SETUP
	local new h rc=0 pids=()
	new=$(mktemp -d "$CACHE/new.XXXXXX")
	chmod 755 "$new"
	cp -r "$CACHE/keys" "$new/.keys"
	cp "$2" "$new/.keys/setup.sh"
	cp "$BUILD_DIR/ferryman-relay" "$new/.keys/"
	for h in $HOSTS; do render_one "$h" "$new" & pids+=($!); done
	for h in "${pids[@]}"; do wait "$h" || rc=1; done
	rm -rf "$new"/.work "$new"/.mnt "$new"/.keys
	[ $rc = 0 ] || { rm -rf "$new"; die "a host could not be configured (above)"; }
	rm -rf "$1"
	mv "$new" "$1"
}
# Old layers that no lab stands on.
base_prune() {
	local d
	for d in "$CACHE"/base-* "$CACHE"/root-* "$CACHE"/new.* "$CACHE"/fetch.*; do
		[ -d "$d" ] || continue
		case $d in "$BASE" | "$(root_dir)") continue ;; esac
		cat "$RUNS"/*/uses 2>/dev/null | grep -qxF "$d" || rm -rf "$d"
	done
}
# Sets BASE, and writes down that this lab stands on it while nobody else can prune.
base_ready() {
	local setup
	mkdir -p "$CACHE"
	exec {lock}>"$CACHE/lock"
	flock "$lock"
	[ -e "$CACHE/keys/done" ] || { rm -rf "$CACHE/keys"; keys_make "$CACHE/keys" || die "cannot make keys: see $CACHE/keys/log"; }
	setup=$(mktemp)
	setup_lines "$setup"
	BASE=$CACHE/base-$(base_inputs "$setup" | sha256sum | cut -c1-16)
	[ -d "$BASE" ] || base_make "$BASE" "$setup"
	rm -f "$setup"
	printf '%s\n' "$BASE" "$(root_dir)" >"$RUN/uses"
	base_prune
	exec {lock}>&-
}
