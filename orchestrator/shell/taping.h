/*
 * taping.h - the tape of this life on the disk (play/tape.h), so that `ferryman replay` can decide
 * again what was decided. It lies in the folder "tape" beside the journal, one file for each life,
 * named by its epoch.
 *
 * It is no part of the journal's promise: nothing waits for it, nothing is synced, and what goes
 * wrong with it ends the tape and nothing else. It gives way to the journal: it stops when the disk
 * has less than TAPE_LEAVE bytes of room or the tape has grown past TAPE_MAX, and the oldest tapes
 * go when all together are larger than TAPES_MAX.
 */
#ifndef FERRYMAN_SHELL_TAPING_H
#define FERRYMAN_SHELL_TAPING_H

#include "base/buf.h"
#include "core/event.h"

/* TAPE_MAX: about a month of a playbook with ten signals (some 250 bytes for each answer and half
 * as much again for ticks: 4 MB a day). */
enum { TAPE_MAX = 128 * 1024 * 1024, TAPES_MAX = 256 * 1024 * 1024, TAPE_LEAVE = 32 * 1024 * 1024 };

#define TAPE_FOLDER "tape"

struct taping {
	int fd; /* -1: there is no tape, or it has ended */
	size_t written;
	unsigned until_look; /* lines until the disk is looked at again */
	struct buf line;
};

/* taping_open - why there is no tape goes to the log. */
void taping_open(struct taping *t, const char *state_dir, uint64_t epoch, uint64_t seed);
/* taping_event - before the core is told, so that each record has its causes on the tape. */
void taping_event(struct taping *t, const struct event *ev);
/* taping_name - "12.jsonl" is the tape of epoch 12; false for any other name. */
bool taping_name(const char *name, uint64_t *ret_epoch);
void taping_close(struct taping *t); /* also of one that was never opened, if zeroed with fd -1 */

#endif
