/*
 * netrig.h - a loop, a net and the fake servers (fakes.py) for contract tests of transports and
 * signals. Everything is on loopback and in a folder of its own under /tmp, and gone after
 * netrig_stop.
 */
#ifndef FERRYMAN_TESTS_NETRIG_H
#define FERRYMAN_TESTS_NETRIG_H

#include "connector.h"
#include "net/net.h"

#include <stdbool.h>
#include <stdio.h>

struct arena;

struct netrig {
	uv_loop_t loop;
	struct net *net;
	char dir[64];
	char *ca; /* PEM */
	pid_t pid;
	FILE *to, *from;
	struct {
		int smtp, smtps, imap, dns, http, https, tcp;
	} port;
	struct arena *arena; /* of configurations */
};

/* netrig_start - NULL = ready; else why not (a reason to skip). The resolver of net is the fake
 * DNS. */
const char *netrig_start(struct netrig *r);
void netrig_stop(struct netrig *r);

/* netrig_tell - one command line for the fakes, JSON; waits for its "ok". */
void netrig_tell(struct netrig *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* netrig_log - everything the fakes were asked since the last reset, JSON; free it. */
char *netrig_log(struct netrig *r);
char *netrig_boxes(struct netrig *r); /* {"INBOX": n, ...}; free it */

/* netrig_asked - run the loop until the fakes' log has `what` n times; false after 3 s. "smtp
 * connect", "imap LOGIN" ... */
bool netrig_asked(struct netrig *r, const char *what, int n);

/* netrig_until - run the loop until *flag or limit_ms; true if *flag. */
bool netrig_until(struct netrig *r, const bool *flag, int limit_ms);
void netrig_turn(struct netrig *r); /* one turn, without waiting */

/* --- one connector, as the shell would hold it --- */
struct netrig_seen {
	bool done;
	int times; /* how often done() came */
	enum conn_verdict verdict;
	bool harm, untested;
	char class[64], via[64], why[1024], facts[4096];
};

struct netrig_port {
	struct netrig *rig;
	const struct connector *kind;
	struct conn *conn;
	struct netrig_seen seen[8]; /* by op 1..7 */
	struct err err;
};

/* netrig_open - yaml: the connector's own keys. False: p->err says why (also what the rows or
 * check() refuse). */
bool netrig_open(struct netrig_port *p, struct netrig *r, const struct connector *kind,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void netrig_close(struct netrig_port *p);
/* netrig_probe - start op (1..7); netrig_ask - start op 1 and wait for it. */
void netrig_probe(struct netrig_port *p, op_id op, const struct probe_req *rq);
struct netrig_seen *netrig_ask(struct netrig_port *p, const char *subject, int deadline_ms);

#endif
