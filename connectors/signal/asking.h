/*
 * asking.h - the probes that one open signal has under way: each completes exactly once, in a later
 * turn.
 *
 * A signal embeds struct asking as the first member of its own probe and struct askings as the
 * first member of its struct conn. Its transports call back in later turns, and there it ends the
 * probe.
 */
#ifndef FERRYMAN_SIGNAL_ASKING_H
#define FERRYMAN_SIGNAL_ASKING_H

#include "connector.h"
#include "net/net.h"

struct askings;

struct asking {
	struct asking *next;
	struct askings *all;
	op_id op;
	struct net_timer *later;
};

struct askings {
	struct conn_env env;
	const struct cfg *cfg; /* the playbook's, outlives the connector */
	struct asking *first;
	/* free - cancel the transports of the probe and free it with what it owns. */
	void (*free)(struct asking *);
};

void asking_begin(struct askings *all, struct asking *a, op_id op);
/* asking_end - from a callback of a transport: complete with o, then free the probe. */
void asking_end(struct asking *a, const struct observation *o);
void asking_unknown(struct asking *a, const char *why);

/* For .cancel and .close of every signal: unknown, "cancelled". */
void asking_cancel(struct conn *c, op_id op);
void asking_close_all(struct askings *all);

/* asking_secret - the secret behind cfg's key into *ret (NULL if the key is not given); RC_OK or
 * the reason. */
struct secret;
enum rc asking_secret(const struct askings *all, const struct cfg *cfg, const char *key,
	struct secret **ret, struct err *err);

#endif
