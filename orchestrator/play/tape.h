/*
 * tape.h - everything that the core was told in one life of a ferryman, one line for each event:
 * a recorded timeline. The journal holds what was decided; with the tape it can be decided again
 * (replay.h), byte for byte.
 *
 * A line is canonical JSON. The first names the seed and the build, the second is EV_OPEN. Members
 * that are 0, false or NULL are left out.
 */
#ifndef FERRYMAN_PLAY_TAPE_H
#define FERRYMAN_PLAY_TAPE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "core/event.h"

enum { TAPE_FORMAT = 1, TAPE_LINE_MAX = 1024 * 1024 };

struct tape_head {
	uint64_t seed;	     /* of core_new */
	const char *version; /* of the ferryman that was told it */
};

/* Each appends one line with its newline. */
void tape_put_head(struct buf *b, const struct tape_head *h);
void tape_put(struct buf *b, const struct event *ev);

/*
 * tape_get_head, tape_get - one line, without its newline; strings live in the arena.
 * RC_UNSUPPORTED for another format; RC_CORRUPT with a sentence for what is no such line.
 */
enum rc tape_get_head(
	struct arena *a, const char *line, size_t n, struct tape_head *ret, struct err *err);
enum rc tape_get(struct arena *a, const char *line, size_t n, struct event *ret, struct err *err);

#endif
