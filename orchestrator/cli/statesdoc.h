/* statesdoc.h - docs/STATES.md: the state machine as tables and diagram, from the rows that the
 * program runs on. */
#ifndef FERRYMAN_CLI_STATESDOC_H
#define FERRYMAN_CLI_STATESDOC_H

#include "base/buf.h"

void statesdoc_put(struct buf *b);

#endif
