/*
 * audit.h - proof of a journal: the chain over the stored bytes, the head file, LSN order,
 * playbooks' texts, the database's own check, and heads that somebody noted earlier elsewhere.
 * Needs no lock and changes nothing; works on a damaged one.
 *
 * A chain alone shows neither a cut tail nor a history that was written anew from some record on:
 * the head file shows both on this machine, a head noted elsewhere shows them against whoever owns
 * the machine.
 */
#ifndef FERRYMAN_STATE_AUDIT_H
#define FERRYMAN_STATE_AUDIT_H

#include "base/err.h"
#include "state/chain.h"
#include "state/head.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A head noted earlier: its hash, and its number when that was noted too. */
struct audit_anchor {
	char hash[65];
	uint64_t wanted; /* 0 = not said */
	uint64_t seq;	 /* where it was found; 0 = not contained */
};
/* What a head's signature signs: this, the store, a blank, "SEQ:HEX". */
#define HEAD_SIGNED "ferryman-head-1 "

/* audit_anchor_read - "HEX" or "SEQ:HEX"; false when it is neither. */
bool audit_anchor_read(const char *text, struct audit_anchor *ret);

struct audit {
	bool known;	  /* identity could be read */
	struct head head; /* as the database says */
	bool copy;	  /* made by `ferryman backup`, and not yet gone on with */
	uint64_t records; /* sound ones, from the first */
	uint64_t texts;	  /* playbooks' texts looked at */
	enum chain_fault fault;
	uint64_t bad; /* the first record that is wrong; 0 = none in particular */
	char why[300];
};

/* audit_verify - RC_OK when a verdict was reached, be it good or bad; RC_NOTFOUND when there is no
 * journal; RC_NOMEM, RC_BUSY ... when it could not be looked at, which says nothing of it. */
enum rc audit_verify(const char *dir, struct audit_anchor *anchors, size_t anchors_n,
	struct audit *ret, struct err *err);

#endif
