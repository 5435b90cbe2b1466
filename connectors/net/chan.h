/*
 * chan.h - c-ares in the loop, for dns.c and net_resolve alone: one channel for each server,
 * answers raw.
 */
#ifndef FERRYMAN_NET_CHAN_H
#define FERRYMAN_NET_CHAN_H

#include "net/net.h"

struct chans;
struct chans *chans_new(struct net *net, const char *const *resolver, size_t n);
void chans_free(struct chans **set);
struct chans *net_chans(const struct net *net);

/*
 * chan_ask - send one query (wire, RFC 1035) to a server ("addr[:port]", NULL = the resolvers) and
 * give back the raw answer; p NULL: none, why says it. Waits its turn behind CHAN_FLIGHTS others.
 * fn once, later, unless cancelled.
 */
struct chan_job;
typedef void chan_fn(void *ctx, const unsigned char *p, size_t n, const char *why);
struct chan_job *chan_ask(struct net *net, const char *server, bool tcp, const unsigned char *wire,
	size_t n, chan_fn *fn, void *ctx);
/* chan_resolve - addresses of a name as text, joined by "\n" (p, n as above). */
struct chan_job *chan_resolve(struct net *net, const char *host, chan_fn *fn, void *ctx);
void chan_cancel(struct chan_job **job);

#endif
