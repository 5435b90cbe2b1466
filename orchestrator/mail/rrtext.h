/*
 * rrtext.h - the canonical text of a DNS record set: "ttl N" and then one sorted line for each
 * record, "mx PREF HOST" or "txt DATA". Read and written by the planner, the lint and the DNS
 * connectors; "" is an absent set.
 */
#ifndef FERRYMAN_MAIL_RRTEXT_H
#define FERRYMAN_MAIL_RRTEXT_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RRTEXT_MAX = 128 };

struct rrtext {
	int64_t ttl;		      /* seconds */
	const char *line[RRTEXT_MAX]; /* into the text that was read; not NUL-terminated */
	size_t len[RRTEXT_MAX];
	size_t n;
};

/* rrtext_read - false when the text is not canonical. "" gives n = 0. */
bool rrtext_read(const char *text, struct rrtext *ret);

/* rrtext_put - canonical text: sorts the lines and drops duplicates. n = 0 writes nothing. */
void rrtext_put(struct buf *b, struct rrtext *s);

/* rrtext_txt_escape - the data of a txt line from octets: backslash, control and non-ASCII octets
 * as \DDD. */
void rrtext_txt_escape(struct buf *b, const char *p, size_t n);
/* rrtext_txt_unescape - back; false on a bad escape. */
bool rrtext_txt_unescape(const char *s, size_t n, struct buf *out);

#endif
