/*
 * log.h - one event, one line of key=value on stderr. Levels say who acts (STYLE): info = history,
 * warn = we coped, error = a human is needed, fatal = cannot start, panic = our bug.
 */
#ifndef FERRYMAN_OS_LOG_H
#define FERRYMAN_OS_LOG_H

#include <stdbool.h>

enum log_level { LOG_INFO_, LOG_WARN_, LOG_ERROR_, LOG_FATAL_, LOG_PANIC_ };

/*
 * log_line - "2026-11-24T12:00:00.000Z info event key=value ...". pairs: NULL-ended key, value,
 * key, value; a value with blanks, quotes or control characters is quoted as JSON. Never hand a
 * secret to it.
 */
void log_line(enum log_level level, const char *event, const char *const *pairs);
#define log_kv(level, event, ...) log_line(level, event, (const char *const[]){ __VA_ARGS__, NULL })

/* log_quiet - drop info lines (foreground verbs tell their story otherwise). Returns the setting
 * before. */
bool log_quiet(bool quiet);

#endif
