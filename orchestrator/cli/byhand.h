/*
 * byhand.h - the commands behind `plan --by-hand`.
 */
#ifndef FERRYMAN_CLI_BYHAND_H
#define FERRYMAN_CLI_BYHAND_H

#include "base/buf.h"
#include "core/plan.h"

/* byhand_put - adds one block for each step of the plan, in its order, each with a head "# ID:
 * NAME"; lines with a # are for people, the others for a shell. */
void byhand_put(const struct plan *plan, struct buf *b);

#endif
