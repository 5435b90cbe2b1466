/*
 * record.h - what the journal holds. Types and fields are rows of record.def, so reader and writer
 * cannot drift.
 *
 * A record is one line of canonical JSON (base/json.h):
 *   {"v":1,"type":"INTENT","seq":12,"lsn":1099511627780,"era":1,"epoch":3,"boot_id":"...","boot_ms":1,"wall_ms":2,"run":"...","prev":"<64
 * hex>","body":{...}} The core writes all of it (it knows head and epoch); the store only checks
 * `expect`, appends the bytes and computes hash = SHA-256(stored bytes). prev is the hash of the
 * record before (64 zeros for the first).
 */
#ifndef FERRYMAN_CORE_RECORD_H
#define FERRYMAN_CORE_RECORD_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

#include <stdint.h>

enum { RECORD_VERSION = 1, RECORD_MAX = 256 * 1024 };

#define RECORD_TYPES(X)                                                                            \
	X(OPENED)                                                                                  \
	X(PLAYBOOK)                                                                                \
	X(SIGNAL)                                                                                  \
	X(DIAGNOSIS)                                                                               \
	X(ROW)                                                                                     \
	X(PLAN)                                                                                    \
	X(APPROVAL) X(START) X(ADOPT) X(INTENT) X(RESULT) X(END) X(BRAKE) X(COMMAND) X(NOTIFIED)

enum record_type {
#define RECORD_ENUM(n) REC_##n,
	RECORD_TYPES(RECORD_ENUM)
#undef RECORD_ENUM
		REC_N
};

const char *record_type_name(enum record_type t);

struct record {
	int v;
	enum record_type type; /* REC_N: a type this build does not know */
	uint64_t seq, lsn, era, epoch;
	int64_t boot_ms, wall_ms;
	const char *boot_id, *run, *prev;
	const struct json *body;
};

/* record_read - parse stored bytes; strings live in the arena. RC_CORRUPT names the offset. */
enum rc record_read(
	struct arena *a, const char *text, size_t n, struct record *ret, struct err *err);

/* record_write - the header plus body (canonical JSON object text). */
void record_write(struct buf *b, const struct record *head, const char *body);

/* record_doc - docs/RECORDS.md, from record.def. */
void record_doc(struct buf *b);

#endif
