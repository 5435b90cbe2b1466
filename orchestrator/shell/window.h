/* window.h - weekly windows in people's time zones: core_env.in_window, for whoever runs a core. */
#ifndef FERRYMAN_SHELL_WINDOW_H
#define FERRYMAN_SHELL_WINDOW_H

#include "config/playbook.h"

/* window_holds - true if wall_ms lies in one of the windows. ctx is ignored. */
bool window_holds(void *ctx, const struct window *w, size_t n, int64_t wall_ms);

#endif
