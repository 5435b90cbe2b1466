/*
 * connector.h - the one contract of everything that touches the outside world (DESIGN section 7).
 *
 * A connector does not log, sleep, exit, read the clock or know what a diagnosis is. It gets what
 * it needs and answers with one of seven words. Each operation completes exactly once, by done(),
 * in a later turn of the loop, never inside the call, also after cancel() or close() (then
 * OUT_UNKNOWN if anything may have been sent, else OUT_RETRY, why "cancelled").
 */
#ifndef FERRYMAN_CONNECTOR_H
#define FERRYMAN_CONNECTOR_H

#include "base/buf.h"
#include "base/conninfo.h"
#include "base/err.h"
#include "base/outcome.h"
#include "base/schema.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t op_id;

struct conn; /* one open connector; each kind has its own body */
struct net;  /* net/net.h: the loop, DNS, HTTP, SSH, TLS transports */
struct secret;

enum conn_verdict { CONN_OK, CONN_DEGRADED, CONN_BAD, CONN_UNKNOWN };

struct probe_req {
	const char *subject; /* conninfo.subjects_from */
	const char *through; /* name of the path that a verify asks for; NULL otherwise */
	bool production; /* verify as production: submitted where users submit, with a production
			    sender */
	int64_t deadline_ms; /* from now */
};

struct observation {
	enum conn_verdict verdict;
	bool harm;	   /* mail itself was refused or late */
	const char *class; /* receiver class, "" if none */
	const char *via;   /* address or host the evidence names; NULL = not known */
	int64_t valid_ms;  /* from now; 0 = the signal's own stale time */
	const char *why;   /* one line for people */
	bool untested;	   /* the source did not pass its own test: it is not to be believed, and
			      whoever relies on it sees less than he thinks */
	const char *facts; /* canonical JSON object of details (reply, Authentication-Results,
			      delay_ms); "{}" */
};

enum conn_read_from { CONN_READ_TARGET, CONN_READ_AUTHORITIES, CONN_READ_RESOLVERS };

struct read_req {
	const char *resource; /* "dns.rrset corp.example TXT", "relay.route corp.example" ...:
				 connector's page */
	enum conn_read_from from;
	int64_t deadline_ms;
};

struct conn_source {
	const char *source, *value;
	bool answered;
};

struct state {
	enum outcome outcome; /* OUT_DONE: read; OUT_RETRY or OUT_REFUSED: not known, why says it */
	const char *value;    /* canonical lines, "" = absent */
	const char *version;  /* opaque, may be "" */
	const char *marker_store; /* NULL = no fence marker there yet */
	uint64_t marker_lsn;
	const struct conn_source *source; /* AUTHORITIES, RESOLVERS: each server apart */
	size_t source_n;
	const char *why;
};

enum conn_dir { CONN_DO, CONN_UNDO, CONN_FENCE };

struct effect {
	const char *resource;
	enum conn_dir dir;
	const char *base, *version, *want;
	const char *store; /* ours: 32 hex digits, written into the marker */
	uint64_t lsn;
	const char *seen_store; /* marker as read; NULL = none */
	uint64_t seen_lsn;
	const char *options; /* lines "key value": rate, per_receiver, expires ... */
	int64_t deadline_ms; /* from now; class U never sends after it */
};

struct conn_answer { /* of apply */
	uint64_t lsn;
	enum outcome outcome;
	const char *version, *why;
};

/* Completion. Exactly one of obs, state, answer, sent is set, by the kind of the operation. All
 * borrowed. */
struct conn_done {
	op_id op;
	const struct observation *obs;
	const struct state *state;
	const struct conn_answer *answer;
	const struct conn_answer *sent; /* notify */
};
typedef void conn_done_fn(void *ctx, const struct conn_done *);

struct conn_env {
	struct net *net;
	conn_done_fn *done;
	void *ctx;
	/* Fetch the secret behind cfg's key; NULL with a sentence if it cannot be had (missing,
	 * readable by others ...). Free by secret_free. */
	struct secret *(*secret)(
		void *secret_ctx, const struct cfg *cfg, const char *key, struct err *err);
	void *secret_ctx;
	const char *name;     /* the target's or signal's name in the playbook, for sentences */
	const char *playbook; /* name, for tokens and identities */
};

struct connector {
	struct conninfo info; /* MUST. Pure half; registry.c lists it for the loader. */
	/* MUST. Checks credentials' form, reserves nothing remote. May not block. On RC_OK *ret is
	 * ours to close. */
	enum rc (*open)(struct conn **ret, const struct cfg *cfg, const struct conn_env *env,
		struct err *err);
	/* MUST with CAP_SIGNAL. Never changes anything that mail can feel (a canary sends its own
	 * message). */
	void (*probe)(struct conn *, op_id, const struct probe_req *);
	/* MUST with any resource capability. */
	void (*read)(struct conn *, op_id, const struct read_req *);
	/* MUST with any resource capability. Idempotent by lsn: twice equals once. */
	void (*apply)(struct conn *, op_id, const struct effect *);
	/* MUST with CAP_NOTIFY: text to a person; severity "info" "warning" "alarm"; head = chain
	 * head to anchor. */
	void (*notify)(
		struct conn *, op_id, const char *severity, const char *text, const char *head);
	/* MUST with any resource capability. The same effect as shell commands a person can type,
	 * one a line; cfg, not conn: needs no connection. */
	void (*by_hand)(const struct cfg *cfg, const struct effect *, struct buf *);
	/* MUST with any resource capability. How to install and remove with minimum rights (`setup
	 * --print`). */
	void (*setup)(const struct cfg *cfg, const char *playbook, struct buf *);
	/* MAY. Read-only check of credentials, versions, rights (`check --online`); completes as a
	 * read. */
	void (*selftest)(struct conn *, op_id, int64_t deadline_ms);
	/* MUST. Any time; the op still completes once. Unknown ops are ignored. */
	void (*cancel)(struct conn *, op_id);
	/* MUST. Any phase, NULL-safe, nulls; open ops complete first (inside close is allowed for
	 * this one). */
	void (*close)(struct conn **);
};

/* registry.c */
extern const struct connector *const registry[];	 /* NULL-ended */
const struct connector *registry_find(const char *name); /* by info.name */
const struct conninfo *const *registry_infos(void);	 /* NULL-ended, for the loader */

#endif
