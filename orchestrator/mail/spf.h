/*
 * spf.h - a v=spf1 record as a list of terms (RFC 7208): read, count look-ups, add and remove a
 * path's terms.
 *
 * Only what the text itself tells. What an include leads to is another record's matter: a look-up
 * count from here is a lower bound.
 */
#ifndef FERRYMAN_MAIL_SPF_H
#define FERRYMAN_MAIL_SPF_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	SPF_TERMS_MAX = 64,
	SPF_LOOKUPS_MAX = 10 /* RFC 7208 section 4.6.4 */,
	SPF_TEXT_MAX = 450 /* section 3.4: fits in one UDP answer with room */
};

/* spf_is - the text is an SPF record: "v=spf1" alone or followed by a space (section 4.5). */
bool spf_is(const char *text);

/* spf_check - RC_INVALID with a sentence: unknown mechanism, an empty domain, a network that is
 * none (sections 5.6, 12), two `all`, terms behind `all` (section 5.1). */
enum rc spf_check(const char *text, struct err *err);

/* spf_lookups - terms that cost a DNS look-up at least: include a mx ptr exists redirect
 * (section 4.6.4). */
int spf_lookups(const char *text);

bool spf_has(const char *text,
	const char *term); /* a term, compared without regard to case and to a leading '+' */

/*
 * spf_add - write text with those of terms that it lacks put in front of `all` or redirect= (else
 * at the end), in their order. spf_remove - without them. RC_INVALID when the result would be no
 * valid record, too long (SPF_TEXT_MAX), or over SPF_LOOKUPS_MAX by its own text.
 */
enum rc spf_add(
	const char *text, const char *const *terms, size_t n, struct buf *out, struct err *err);
enum rc spf_remove(
	const char *text, const char *const *terms, size_t n, struct buf *out, struct err *err);

#endif
