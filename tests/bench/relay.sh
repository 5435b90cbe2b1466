# relay.sh NEXT - runs on the hub, by `bash -s` over SSH or by itself: a cut-over's bare work on the relay. Route the
# domain to NEXT, stop parking, read all of it back, let go what waited. Ends with 1 when the read-back differs. Starts
# nothing but Postfix's own commands, and those only for what has to change.
set -eu
next=$1 domain=corp.example
cd /var/lib/ferryman-relay/maps

# rewrite MAP PATTERN ROWS: rows that match give way to ROWS; Postfix sees the transaction at its next message
rewrite() {
	local old new= line
	old=$(<"$1")
	while IFS= read -r line; do [[ $line == $2 ]] || new+=$line$'\n'; done <<<"$old"
	new+=$3
	[ "$new" != "$old"$'\n' ] || return 0
	printf '%s' "$new" >"$1"
	postmap "lmdb:$1"
}
slots=
for i in {01..20}; do slots+="s$i"$'\t'"$next"$'\n'; done
parked=$(postmap -s lmdb:park)
rewrite slots 's*' "$slots"
rewrite park "@$domain*" ''
rewrite domains "@$domain*" "@$domain"$'\t'"ferryman"$'\n'

[ "$(postmap -s lmdb:slots)"$'\n' = "$slots" ]
[ "$(postmap -s lmdb:domains)" = "@$domain"$'\t'"ferryman" ]
# what waited goes newest first; at a cold start nothing is parked
[ -z "$parked" ] || {
	[ -z "$(postmap -s lmdb:park)" ]
	for id in $(postqueue -p | awk '$7 ~ /@corp\.example$/ {gsub(/[*!]/, "", $1); print $1}' | tac); do postqueue -i "$id"; done
}
