/*
 * crossing.h - an out-and-back of the core with its journal on a disk, in a process that may die at
 * any moment: what tests of kills and of failing disks and memory share.
 *
 * Time, probes and targets are those of world.h. What is not ferryman's lies on the *shore*, in
 * memory that other processes share: the targets with all that they took, the clock, and what the
 * journal has acknowledged. One process is one life: it opens the journal, folds it, and does what
 * is left to do. Where the order of a person was lost, the person gives it again.
 */
#ifndef FERRYMAN_TESTS_CROSSING_H
#define FERRYMAN_TESTS_CROSSING_H

#include "lib/store_rig.h"
#include "lib/world.h"

#include "os/sign.h"

enum { CROSSING_RECORDS = 400, CROSSING_TEXT = 16384 };

/* The moments around a record at which a life can end. */
enum moment {
	MOMENT_NONE,
	MOMENT_BEFORE_WRITE, /* nothing of it is on the disk */
	MOMENT_TORN,	     /* half of a page of it is */
	MOMENT_BEFORE_SYNC,  /* written, not synced */
	MOMENT_STORED,	     /* synced, the core has not heard: no effect has left */
	MOMENT_SENT,	 /* what follows from it has left (an INTENT's effect, else reads, probes,
			    notifications), no answer was read */
	MOMENT_ANSWERED, /* it was answered (an INTENT: until its RESULT is to be written, else
			    until the next record is), and that is not written */
	MOMENT_N
};
const char *moment_name(enum moment m);

struct shore {
	struct wtarget target[W_TARGETS_MAX];
	struct weffect effect[W_EFFECTS]; /* all that was ever sent, in order */
	int64_t boot_ms, wall_ms;
	unsigned boots;
	uint64_t acked; /* records that the journal has acknowledged, with their hashes */
	char hash[CROSSING_RECORDS + 1][65];
	uint64_t lost; /* the first of them that a later life did not find; 0 = none */
};
/* shore_new, shore_clean - as it is before the first life. */
struct shore *shore_new(void);
void shore_clean(struct shore *s);
void shore_take(struct shore *to, const struct shore *from); /* all of it */
void shore_free(struct shore **s);

enum book { BOOK_LONG, BOOK_SHORT }; /* twelve and more steps each way; few */
/* What a life is at: from the opening until the targets were read; a plan is asked for (only with
 * `plan`); from the order to cut over on. */
enum leg { LEG_START, LEG_PLAN, LEG_RUN };

struct crossing {
	struct shore *shore;
	const char *dir;
	enum book book;
	/* where this life ends; record 0 = nowhere */
	enum moment moment;
	uint64_t record;
	bool power; /* the machine loses its power, else the process is killed */
	unsigned seed;
	int at; /* or at the n-th operation on the disk from its opening on; 0 = none */
	/* called just before and just after code of the store runs; NULL = never */
	void (*inside)(const struct crossing *x, bool begins);
	const struct mem *mem; /* of the core; NULL = the machine's */
	bool plan;	       /* only asks for a plan, and ends when it is shown */
	bool keys;	       /* has a key to sign heads with, as the daemon has */
	/* what came of it */
	struct world *w;
	enum leg leg;
	char plan_hash[80];
	struct sign_key *sign;
	struct store *store;
	struct store_head head;
	struct err err;	      /* why it did not open, or why it halted */
	uint64_t first, last; /* of the records that were appended last */
	bool due;
};

/*
 * crossing_live - one life in this process. True: all is done that was to be done, and crossing_end
 * must be called to let go of it. False: it could not open the journal, or it halted; err says why.
 */
bool crossing_live(struct crossing *x);
void crossing_end(struct crossing *x);

/* crossing_book - the playbook's text. crossing_fill - its targets, before the first life. */
void crossing_book(enum book book, char out[CROSSING_TEXT]);
void crossing_fill(struct world *w, enum book book);

/* crossing_die - SIGKILL, after what a loss of power does to a disk, if it is one. */
_Noreturn void crossing_die(const struct crossing *x);

/* crossing_dawn - the clock and what is on its way, before the next life: after a kill the machine
 * has gone on, after a loss of power it starts anew. */
void crossing_dawn(struct shore *s, const char *dir, bool power);

/* What is left in the end, as text to compare: each target's values; what each took, in order, and
 * each of it once; how the runs ended. */
void crossing_picture(struct crossing *x, char out[CROSSING_TEXT]);
/* crossing_unbacked - effects that left without an intent of that number in the journal before. */
size_t crossing_unbacked(const struct crossing *x);

#endif
