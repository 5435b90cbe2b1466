# ns2 - secondary name server of corp.example, of another make (BIND 9).
# shellcheck shell=bash
host_render() { bind_render; }
host_start() { bind_start; }
