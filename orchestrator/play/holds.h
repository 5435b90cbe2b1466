/*
 * holds.h - why nothing follows: what stands in the way of a flow that is suspected, waits for
 * people or soaks, as core_status says it; each reason once as long as it holds.
 *
 * Nothing is judged here, and nothing is said of a flow whose run leads.
 */
#ifndef FERRYMAN_PLAY_HOLDS_H
#define FERRYMAN_PLAY_HOLDS_H

#include "core/core.h"

struct hold {
	size_t records; /* so many had been appended then */
	int64_t after_ms;
	enum flow flow;
	const char *state, *why; /* without the number of a row */
};

struct holds;

/* holds_new - pb is borrowed; NULL when memory runs out. */
struct holds *holds_new(const struct mem *mem, const struct playbook *pb);
void holds_free(struct holds **h);

/*
 * holds_look - ask the core how things stand, and keep each reason that did not hold at the last
 * look; the same sentence with other numbers (a time that runs down) is no other. False when memory
 * runs out.
 */
bool holds_look(struct holds *h, const struct core *c, size_t records, int64_t after_ms);
/* holds_all - in the order of time; the strings live as long as h. */
size_t holds_all(const struct holds *h, const struct hold **ret);

/* holds_in_words - a reason behind the number of its row ("row 748: ..."), which *ret_row gets (0 =
 * it has none; may be NULL). */
const char *holds_in_words(const char *reason, int *ret_row);

#endif
