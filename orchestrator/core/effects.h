/*
 * effects.h - how many effects a run has sent, for the one question after a run that did not go
 * well: was anything changed? Counted from its INTENT records and from nothing else: an effect
 * leaves only after its intent is durable, and a retry sends the intent's own number again.
 */
#ifndef FERRYMAN_CORE_EFFECTS_H
#define FERRYMAN_CORE_EFFECTS_H

#include "base/json.h"
#include "core/record.h"

enum { EFFECTS_TEXT = 80 };

struct effects {
	int64_t sent; /* INTENT records of the run, in both directions */
	int64_t undo; /* those of them that take another one back */
};

/* effects_note - one record of the run; others than INTENT count nothing. */
void effects_note(struct effects *e, const struct record *r);

/* effects_text - "effects sent: 2, of them 1 to undo" into ret; without the second part when there
 * is none. */
void effects_text(const struct effects *e, char ret[EFFECTS_TEXT]);

/* effects_put - the same as two members of the object that is open. */
void effects_put(const struct effects *e, struct jw *w);

#endif
