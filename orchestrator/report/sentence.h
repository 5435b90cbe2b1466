/* sentence.h - what one record says, as a sentence for people. */
#ifndef FERRYMAN_REPORT_SENTENCE_H
#define FERRYMAN_REPORT_SENTENCE_H

#include "base/arena.h"
#include "core/record.h"

/* sentence_of - in the arena; texts from outside stay as they are, so writers escape. */
const char *sentence_of(struct arena *a, const struct record *rec);

#endif
