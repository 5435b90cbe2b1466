/*
 * stage_targets.h - targets that do as they are told at once: each value is what was written last,
 * each marker the last number. What is there before: mail by the primary path, nothing parked, an
 * SPF record with the primary's terms and a TTL of STAGE_TTL_S.
 */
#ifndef FERRYMAN_PLAY_STAGE_TARGETS_H
#define FERRYMAN_PLAY_STAGE_TARGETS_H

#include "config/playbook.h"
#include "core/action.h"

enum { STAGE_TTL_S = 300 };

struct stage_targets;

struct stage_targets *stage_targets_new(const struct mem *mem, struct playbook *pb);
void stage_targets_free(struct stage_targets **t);

/* The answer to an ACT_READ or ACT_EFFECT: strings live until the next call for that resource. */
void stage_targets_read(struct stage_targets *t, const struct action *a, struct event *ret);
void stage_targets_effect(struct stage_targets *t, const struct action *a, struct event *ret);

#endif
