/*
 * core.h - the pure heart: events in, actions out. No clock, socket, file, thread, log or writable
 * global.
 *
 * Decide and fold are apart: core_step proposes records, core_fold alone changes durable state, in
 * live use (after EV_APPENDED), in recovery and in replay. Recovery = core_fold for each stored
 * record, then EV_OPEN.
 */
#ifndef FERRYMAN_CORE_CORE_H
#define FERRYMAN_CORE_CORE_H

#include "base/err.h"
#include "base/mem.h"
#include "config/playbook.h"
#include "core/action.h"
#include "core/event.h"

struct core;

struct core_env {
	struct mem mem;
	void *ctx;
	void (*sha256)(void *ctx, const void *p, size_t n, char out[65]);
	/* The playbook with that hash; a reference for the caller, or NULL. Called for EV_PLAYBOOK
	 * and for runs found by the fold. */
	struct playbook *(*playbook)(void *ctx, const char *sha256);
	/* true if wall_ms lies in one of the windows (the shell compiles time zones). NULL = never.
	 */
	bool (*in_window)(void *ctx, const struct window *w, size_t n, int64_t wall_ms);
};

struct actions {
	const struct action *a;
	size_t n;
};

/* core_new - env is copied; seed drives jitter only. NULL when out of memory. */
struct core *core_new(const struct core_env *env, uint64_t seed);
void core_free(struct core **c);

/*
 * core_fold - apply one stored record (header and body as JSON text, chain fields included).
 * Unknown fields are ignored; an unknown type or a higher `v` gives RC_UNSUPPORTED (open
 * read-only); a damaged one RC_CORRUPT.
 */
enum rc core_fold(struct core *c, const char *record, size_t n, struct err *err);

/* core_step - tell it one event. The actions are valid until the next call on c. */
struct actions core_step(struct core *c, const struct event *ev);

/* core_wake_ms - boot_ms at which an EV_TICK is wanted; INT64_MAX = not at all. */
int64_t core_wake_ms(const struct core *c);

/* core_status - everything a person may ask (machines, runs, evidence, brakes, approvals, why) as
 * JSON. */
void core_status(const struct core *c, struct buf *b, bool why);

#endif
