# topology.sh - the lab's hosts and addresses; sourced by lab and by what runs inside its hosts.
# Only documentation addresses (RFC 5737), only the reserved top level domain "example" (RFC 2606).
# shellcheck shell=bash disable=SC2034

HOSTS="ns1 ns2 pdns resolver cloud hub nsmail rcpt1 rcpt2 rcpt3 outside anchor-a anchor-b obs"

# The first address is the host's own; cloud's others are its gateways gw1 and gw2.
declare -A ADDR=(
	[ns1]="198.51.100.53" [ns2]="203.0.113.53" [pdns]="198.51.100.54" [resolver]="198.51.100.55"
	[cloud]="198.51.100.10 198.51.100.25 198.51.100.26"
	[hub]="203.0.113.10" [nsmail]="203.0.113.65"
	[rcpt1]="198.51.100.201" [rcpt2]="198.51.100.202" [rcpt3]="198.51.100.203"
	[outside]="203.0.113.150" [anchor-a]="198.51.100.80" [anchor-b]="203.0.113.80"
	[obs]="203.0.113.201"
)
GW1=198.51.100.25 GW2=198.51.100.26
# Every host has one cable, to the router; this is the router's end of each (RFC 6598, never leaves the lab).
ROUTER=100.127.0.1
LISTS="bl.reputation.example other.reputation.example"

is_host() { [ -n "${1:-}" ] && [ -n "${ADDR[$1]:-}" ]; }
