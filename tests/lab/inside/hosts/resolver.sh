# resolver - the resolver that all hosts but `outside` ask (unbound), and both reputation lists (rbldnsd).
# shellcheck shell=bash
host_render() {
	rbldnsd_render
	# shellcheck disable=SC2086
	unbound_render $LISTS
}
host_start() { rbldnsd_start && unbound_start; }
