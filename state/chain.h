/*
 * chain.h - records as a chain: each names the SHA-256 of the stored bytes of the one before it.
 *
 * Fed with rows in the order of their numbers, it names the first that cannot be what was appended.
 * It knows a record's header and nothing of what the record means.
 */
#ifndef FERRYMAN_STATE_CHAIN_H
#define FERRYMAN_STATE_CHAIN_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHAIN_ZERO "0000000000000000000000000000000000000000000000000000000000000000"

/* A row as it is stored. Strings are borrowed and not trusted. */
struct chain_row {
	int64_t seq, lsn;
	const char *hash, *bytes;
	size_t n;
};

/* A record's header. Strings live in the arena. */
struct chain_header {
	uint64_t seq, lsn, era, epoch;
	const char *type, *prev;
	const struct json *body;
};
/* chain_header_read - false when the bytes are no record. */
bool chain_header_read(struct arena *a, const char *bytes, size_t n, struct chain_header *ret);

#define CHAIN_FAULTS(X)                                                                            \
	X(NONE, "none")                                                                            \
	X(CHANGED, "changed")                                                                      \
	X(DELETED, "deleted")                                                                      \
	X(INSERTED, "inserted")                                                                    \
	X(SWAPPED, "swapped")                                                                      \
	X(CUT, "cut")		  /* records at the end are missing */                             \
	X(REWRITTEN, "rewritten") /* a sound chain, but not the one that was acknowledged */       \
	X(ORDER, "order")	  /* LSN, era or epoch fall */                                     \
	X(HEAD, "head")		  /* the head file is damaged, missing or of another store */      \
	X(TEXT, "text")		  /* a playbook's text is damaged or missing */                    \
	X(FILE, "file")		  /* the database itself is damaged */
enum chain_fault {
#define CHAIN_ENUM(n, text) CHAIN_##n,
	CHAIN_FAULTS(CHAIN_ENUM)
#undef CHAIN_ENUM
		CHAIN_FAULT_N
};
const char *chain_fault_name(enum chain_fault f);

/* Where the chain stands: the last sound record, and the fault after it. */
struct chain {
	uint64_t seq, lsn, era, epoch; /* lsn: the highest so far */
	char hash[65], before[65];     /* of record seq, and of the one before it */
	bool joined; /* hash is known, so the next row's prev can be held against it */
	enum chain_fault fault;
	uint64_t bad; /* the record that the fault is about; 0 = none in particular */
	char why[300];
};

/* chain_begin - the next row must be number `from` (1 ...); from > 1: whatever that row names as
 * its prev is believed. */
void chain_begin(struct chain *c, uint64_t from);
/* chain_next - false once there is a fault. The header (NULL is fine) lives in the arena. */
bool chain_next(
	struct chain *c, struct arena *a, const struct chain_row *row, struct chain_header *ret);
/* chain_fail - note a fault found by somebody else, unless there is one. */
void chain_fail(struct chain *c, enum chain_fault f, uint64_t bad, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
