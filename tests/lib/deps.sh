#!/bin/bash
# deps.sh PACKAGE... : install the Debian packages that are missing, by name; never removes anything.
set -eu
missing=()
for p in "$@"; do
	dpkg-query -W -f='${db:Status-Abbrev}' "$p" 2>/dev/null | grep -q '^ii' || missing+=("$p")
done
[ ${#missing[@]} -gt 0 ] || exit 0
command -v apt-get >/dev/null || { echo "ferryman: this is no Debian (apt-get is missing); install: ${missing[*]}" >&2; exit 1; }
echo "installing: ${missing[*]}"
sudo=()
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || { echo "ferryman: run as root, or install sudo" >&2; exit 1; }
	sudo=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() { "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1; }
{ apt update && apt install -y --no-install-recommends --no-remove "${missing[@]}"; } || { cat "$log" >&2; exit 1; }
