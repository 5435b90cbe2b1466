/*
 * net.h - what every transport stands on: the loop, timers, "in the next turn", names to addresses.
 *
 * One struct net for each loop. All of connectors/net/ is single-threaded and never blocks. A
 * callback never comes inside the call that asked for it. After x_cancel() or x_close() of an
 * object no callback of it comes any more, so a connector may free what its context points to.
 */
#ifndef FERRYMAN_NET_NET_H
#define FERRYMAN_NET_NET_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct net;

struct net_opts {
	const char *const *resolver; /* addresses, "192.0.2.1" "192.0.2.1:53" "[2001:db8::1]:53";
					none = the machine's */
	size_t resolver_n;
	const char *ca_file; /* PEM file trusted where a call names no CA of its own; NULL = the
				machine's */
};

/*
 * net_new - opts and what it points to are borrowed for the call. loop stays the caller's and
 * outlives net. net_free - closes what is open; the loop must run once more (uv_run) before
 * uv_loop_close. Connectors are closed first. NULL-safe, nulls.
 */
enum rc net_new(struct net **ret, uv_loop_t *loop, const struct net_opts *opts, struct err *err);
void net_free(struct net **net);

uv_loop_t *net_loop(const struct net *net);
const char *net_ca_file(const struct net *net); /* NULL = the machine's */

/* net_now_ms - the loop's monotonic clock, for measuring; net_wall_ms - UTC since 1970, for what
 * goes on a wire. */
int64_t net_now_ms(const struct net *net);
int64_t net_wall_ms(const struct net *net);

/*
 * Timers run once. A timer stays its owner's also after it has fired: stop it then, or start
 * another in its place. net_timer_stop is NULL-safe, nulls, and may be called inside fn.
 */
struct net_timer;
typedef void net_fn(void *ctx);
struct net_timer *net_timer_start(struct net *net, int64_t ms, net_fn *fn, void *ctx);
void net_timer_stop(struct net_timer **t);
/* net_later - fn in the next turn of the loop: a timer of 0 ms by another name. Stop it by
 * net_timer_stop. */
struct net_timer *net_later(struct net *net, net_fn *fn, void *ctx);

/*
 * net_resolve - the addresses of a host name, IPv4 and IPv6, in the order to try; an address
 * resolves to itself. n = 0: none, why says it. At most NET_ADDRS are given; strings are borrowed
 * for the callback.
 */
enum { NET_ADDRS = 8, NET_ADDR_TEXT = 64 };
struct net_name; /* one look-up under way */
typedef void net_resolved_fn(void *ctx, const char *const *addr, size_t n, const char *why);
struct net_name *net_resolve(
	struct net *net, const char *host, int64_t deadline_ms, net_resolved_fn *fn, void *ctx);
void net_resolve_cancel(struct net_name **n);

/* net_split - "host:port", "[v6]:port" or a bare host (then def_port) into host (of size n) and
 * port. */
bool net_split(const char *hostport, int def_port, char *host, size_t n, int *ret_port);

#endif
