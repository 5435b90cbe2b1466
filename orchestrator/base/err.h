/*
 * err.h - how a function inside ferryman says that it failed, and why.
 *
 * enum rc is the number, struct err the sentence. The finder writes the sentence once;
 * callers may put a prefix in front; only the top layer prints it.
 * What a connector says of the outside world is an enum outcome (outcome.h), not an rc.
 */
#ifndef FERRYMAN_BASE_ERR_H
#define FERRYMAN_BASE_ERR_H

#include <stdarg.h>

#define RC_LIST(X)                                                                                 \
	X(RC_OK, 0, "ok")                                                                          \
	X(RC_NOMEM, -1, "out of memory")                                                           \
	X(RC_INVALID, -2, "invalid")                                                               \
	X(RC_NOTFOUND, -3, "not found")                                                            \
	X(RC_IO, -4, "input or output failed")                                                     \
	X(RC_FULL, -5, "full")                                                                     \
	X(RC_BUSY, -6, "in use")                                                                   \
	X(RC_DENIED, -7, "not permitted")                                                          \
	X(RC_CONFLICT, -8, "conflict")                                                             \
	X(RC_CORRUPT, -9, "damaged")                                                               \
	X(RC_UNSUPPORTED, -10, "not supported")                                                    \
	X(RC_TIMEOUT, -11, "timed out")                                                            \
	X(RC_LIMIT, -12, "limit exceeded")

enum rc {
#define RC_ENUM(name, num, text) name = (num),
	RC_LIST(RC_ENUM)
#undef RC_ENUM
};

enum { ERR_TEXT_MAX = 768 }; /* bytes with the final NUL; longer sentences are cut */

struct err {
	enum rc rc;
	char text[ERR_TEXT_MAX]; /* one line, no final newline; "" when rc is RC_OK */
};

/* rc_name - "RC_IO" for RC_IO; rc_text - its words. Static strings, "?" for unknown numbers. */
const char *rc_name(enum rc rc);
const char *rc_text(enum rc rc);

/*
 * err_set - write the sentence and return rc, so that `return err_set(err, RC_IO, ...)` reads well.
 * err may be NULL (the caller does not want the sentence).
 */
enum rc err_set(struct err *err, enum rc rc, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* err_prefix - put "<prefix>: " in front of the sentence; returns err->rc. */
enum rc err_prefix(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
