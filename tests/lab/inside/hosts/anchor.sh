# anchor-a, anchor-b - hosts in two networks that have nothing to do with mail: something answers on port 443.
# shellcheck shell=bash
host_render() { :; }
host_start() {
	daemon anchor socat TCP-LISTEN:443,fork,reuseaddr /dev/null
	soon 10 "port 443" listens 127.0.0.1 443
}
