/*
 * ops.h - the operations that one open connector has under way: each completes exactly once, in a
 * later turn.
 *
 * A connector embeds struct op as the first member of its own operation and struct ops in its
 * struct conn. It ends an operation from a callback of a transport (ops_end, ops_end_state), or in
 * the next turn when it knows the answer at once (ops_later). Cancelling and closing are done here,
 * by the connector's stop and drop.
 */
#ifndef FERRYMAN_CONNECTORS_OPS_H
#define FERRYMAN_CONNECTORS_OPS_H

#include "connector.h"
#include "net/net.h"

struct ops;

enum op_kind { OP_READ, OP_APPLY, OP_NOTIFY };

struct op {
	struct op *next;
	struct ops *ops;
	op_id id;
	enum op_kind kind;
	uint64_t lsn;		 /* OP_APPLY: echoed in the answer */
	struct net_timer *later; /* an answer that waits for the next turn */
	enum outcome outcome;	 /* of that answer */
	char why[512];
};

struct ops {
	const struct conn_env *env;
	/* stop - cancel what the operation has under way; true if anything may have been sent. May
	 * be called twice. */
	bool (*stop)(struct op *);
	/* drop - free the operation and what it owns; its transports are stopped already. */
	void (*drop)(struct op *);
	struct op *first;
};

/* ops_add - op is the connector's, zeroed; ops owns it from here on, until drop. */
void ops_add(struct ops *ops, struct op *op, op_id id, enum op_kind kind, uint64_t lsn);

/* ops_end - complete now and drop; only from a later turn than the call that began it. fmt gives
 * the sentence. */
void ops_end(struct op *op, enum outcome o, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* ops_end_state - the same for OP_READ with all of its fields (borrowed). */
void ops_end_state(struct op *op, const struct state *st);
/* ops_later - complete in the next turn; nothing else may be under way for op. */
void ops_later(struct op *op, enum outcome o, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* ops_cancel - stop it; it completes in the next turn: UNKNOWN if anything may have been sent, else
 * RETRY. */
void ops_cancel(struct ops *ops, op_id id);
/* ops_close - the same for all of them, completing inside the call. */
void ops_close(struct ops *ops);

/* ops_option - the value of "key value" in effect options (lines) into out of size n; false if it
 * is not there. */
bool ops_option(const char *options, const char *key, char *out, size_t n);

/* ops_shell - s as one word of a POSIX shell, in single quotes where it needs them. For by_hand. */
void ops_shell(struct buf *b, const char *s);
/* ops_credential - a shell word for the file of a secret:
 * "${FERRYMAN_CREDENTIALS:-/etc/ferryman}/NAME", or $VARIABLE. */
void ops_credential(struct buf *b, struct secret_ref ref);

#endif
