/*
 * replay.h - decide again: a core of its own is told what a tape says (play/tape.h), and each
 * record that it proposes must be, byte for byte, the one that the journal holds. Nothing is
 * written and nobody is asked.
 *
 * What it shows: that these records follow from these inputs by the program that is run now. What
 * it does not show: that the inputs were true, or that a journal and a tape were not rewritten
 * together (for that there are heads noted elsewhere: `ferryman audit verify --head`).
 */
#ifndef FERRYMAN_PLAY_REPLAY_H
#define FERRYMAN_PLAY_REPLAY_H

#include "base/buf.h"
#include "base/err.h"
#include "core/core.h"

struct replay_record {
	const char *bytes; /* as stored */
	size_t n;
	char hash[65];
};

struct replay_journal {
	const struct replay_record *record; /* of record 1, 2 ... */
	size_t n;
	/* For the core: memory, sha256, the playbooks' texts, windows. */
	struct core_env env;
};

/* What one tape said. */
struct replay_life {
	uint64_t epoch;	      /* as the tape says it; 0 = it does not get so far */
	uint64_t first, last; /* records decided again: first..last; first > last = none */
	uint64_t events;
	char version[64]; /* of the ferryman that was told */
	bool torn;	  /* its last line is not whole: the power went, or it is being written */
	bool cut; /* the journal goes on in a newer era before this life's end: it was restored */
	uint64_t differs; /* the first record that differs; 0 = none */
	char why[256];	  /* how, in words */
};

/*
 * replay_life - one tape, as text. *again: where a record differs, what was decided instead ("" if
 * nothing was); the caller has initialised it. RC_CORRUPT names the line that cannot be read;
 * RC_UNSUPPORTED another format; RC_NOMEM. A record that differs is no error.
 */
enum rc replay_life(const struct replay_journal *j, const char *tape, size_t n,
	struct replay_life *ret, struct buf *again, struct err *err);

#endif
