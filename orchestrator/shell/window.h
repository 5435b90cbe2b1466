/* window.h - weekly windows in people's time zones: core_env.in_window, for whoever runs a core. */
#ifndef FERRYMAN_SHELL_WINDOW_H
#define FERRYMAN_SHELL_WINDOW_H

#include "base/err.h"
#include "config/playbook.h"

/* window_holds - true if wall_ms lies in one of the windows. ctx is ignored. */
bool window_holds(void *ctx, const struct window *w, size_t n, int64_t wall_ms);

/*
 * window_zone - RC_OK: the name can be opened in the tz database ($TZDIR, else
 * /usr/share/zoneinfo), or is UTC. RC_NOTFOUND otherwise: the C library would take it for UTC and
 * say nothing. err begins behind the name: " of ..., and what to do". ctx is ignored.
 */
enum rc window_zone(void *ctx, const char *zone, struct err *err);

#endif
