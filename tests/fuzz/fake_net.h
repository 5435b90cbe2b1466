/*
 * fake_net.h - the transports of connectors/net/ without a network, for fuzz targets: what a server
 * says is a text, and the only clock is the one that timers move.
 */
#ifndef FERRYMAN_TESTS_FAKE_NET_H
#define FERRYMAN_TESTS_FAKE_NET_H

#include "net/chan.h"
#include "net/http.h"
#include "net/net.h"
#include "net/stream.h"

/* fake_net - the one net; forgets what was before. fake_net_end - aborts if a timer, a stream or a
 * request is still open: whoever has told its result must have let go of everything. */
struct net *fake_net(void);
void fake_net_end(void);

/* fake_turn - what is due in the next turn of the loop. fake_pass - time goes on to the next timer;
 * false if there is none. fake_pass_all - until there is none. */
void fake_turn(void);
bool fake_pass(void);
void fake_pass_all(void);

/* fake_peer - the stream that is open is connected and told these n octets, in lines and blocks as
 * stream.c cuts them. A line that is "~" alone lets time go on to the next timer instead. Behind
 * the last octet the peer closes. */
void fake_peer(const char *p, size_t n);

/* What is asked of a server and not answered yet; NULL = nothing. Answering ends it. */
struct fake_request {
	http_fn *http;
	chan_fn *chan;
	void *ctx;
	unsigned char id[2]; /* of the DNS query */
};
bool fake_asked(struct fake_request *ret); /* takes it away */

#endif
