/*
 * survey.h - read targets once, outside any engine: for `plan`, `drill --level plan` and `check
 * --online`, which need no store and change nothing.
 */
#ifndef FERRYMAN_SHELL_SURVEY_H
#define FERRYMAN_SHELL_SURVEY_H

#include "base/arena.h"
#include "config/playbook.h"
#include "core/plan.h"

/*
 * survey_read - the value of each of reads[0..n), all targets side by side, each within
 * deadline_ms. Texts live in the arena. A target that does not answer gives known = false with why;
 * the call itself fails only when nothing could be tried (RC_IO, RC_NOMEM). credentials: folder of
 * {file: ...} secrets, NULL = the playbook's own.
 */
enum rc survey_read(struct arena *a, struct playbook *pb, const char *credentials,
	const struct plan_read *reads, size_t n, int64_t deadline_ms, struct plan_value **ret,
	struct err *err);

#endif
