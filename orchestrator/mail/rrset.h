/*
 * rrset.h - the canonical text of a DNS record set: "ttl N" and then one sorted line for each
 * record, "mx PREF HOST" or "txt DATA". Read and written by the planner, the lint and the DNS
 * connectors; "" is an absent set.
 */
#ifndef FERRYMAN_MAIL_RRSET_H
#define FERRYMAN_MAIL_RRSET_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RRSET_MAX = 128 };

struct rrset {
	int64_t ttl;		     /* seconds */
	const char *line[RRSET_MAX]; /* into the text that was read; not NUL-terminated */
	size_t len[RRSET_MAX];
	size_t n;
};

/* rrset_read - false when the text is not canonical. "" gives n = 0. */
bool rrset_read(const char *text, struct rrset *ret);

/* rrset_put - canonical text: sorts the lines and drops duplicates. n = 0 writes nothing. */
void rrset_put(struct buf *b, struct rrset *s);

/* rrset_txt_escape - the data of a txt line from octets: backslash, control and non-ASCII octets as
 * \DDD. */
void rrset_txt_escape(struct buf *b, const char *p, size_t n);
/* rrset_txt_unescape - back; false on a bad escape. */
bool rrset_txt_unescape(const char *s, size_t n, struct buf *out);

#endif
