/*
 * secret.h - a credential in memory: locked where possible, wiped when freed, never printed.
 *
 * No function of ferryman prints one: there is no accessor that a logger, the JSON writer or
 * explain would take. secret_reveal is for the library call that needs it.
 */
#ifndef FERRYMAN_OS_SECRET_H
#define FERRYMAN_OS_SECRET_H

#include "base/err.h"
#include "base/schema.h"

#include <stddef.h>

struct secret;

/*
 * secret_fetch - what ref points to. A file is looked up in dir (ref without '/') and refused when
 * group or others may read it, unless `public` (SR_PUBLIC_FILE). One trailing newline is cut. At
 * most 64 KiB. {credential: C} is $CREDENTIALS_DIRECTORY/C (systemd). RC_NOTFOUND, RC_DENIED, RC_IO
 * with a sentence.
 */
enum rc secret_fetch(
	struct secret **ret, struct secret_ref ref, const char *dir, int public, struct err *err);
struct secret *secret_new(const void *p, size_t n); /* copy */
void secret_free(struct secret **s);		    /* wipes, nulls, NULL-safe */

const char *secret_reveal(const struct secret *s); /* NUL-terminated */
size_t secret_len(const struct secret *s);

#endif
