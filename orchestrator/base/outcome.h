/*
 * outcome.h - the seven words with which a connector answers an effect (DESIGN section 7).
 *
 * RETRY and REFUSED are said only if nothing was sent or the target's own answer proves that
 * nothing changed. A time-out after sending is OUT_UNKNOWN, never OUT_RETRY.
 */
#ifndef FERRYMAN_BASE_OUTCOME_H
#define FERRYMAN_BASE_OUTCOME_H

enum outcome {
	OUT_DONE,      /* effect confirmed at the target */
	OUT_UNCHANGED, /* it was already so, and nothing older can still land */
	OUT_RETRY,     /* nothing changed; may be tried again */
	OUT_REFUSED,   /* nothing changed; do not try again */
	OUT_CONFLICT,  /* someone else's value or marker is there; nothing changed */
	OUT_STALE,     /* the target has seen a newer number; nothing changed */
	OUT_UNKNOWN,   /* may have changed: read before any other step */
	OUT_N
};

/* outcome_name - "DONE" ...; outcome_parse - the reverse, OUT_N when the word is none of them. */
const char *outcome_name(enum outcome o);
enum outcome outcome_parse(const char *word);

#endif
