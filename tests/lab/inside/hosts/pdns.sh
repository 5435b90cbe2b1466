# pdns - name server of everybody else (PowerDNS, with its HTTP API on port 8081): example, the providers, the receivers.
# shellcheck shell=bash
host_render() { pdns_render; }
host_start() { pdns_start; }
