/*
 * rrset.h - record sets as values: canonical lines <-> records (docs: connectors/dns/rfc2136.md).
 * No I/O.
 *
 * A value is "ttl N\n", then one line for each record in the order of its bytes: "mx PREFERENCE
 * HOST", or "txt DATA" with backslash, control and non-ASCII octets as \DDD. "" is the absent set.
 */
#ifndef FERRYMAN_DNS_RRSET_H
#define FERRYMAN_DNS_RRSET_H

#include "base/buf.h"
#include "base/err.h"
#include "net/dns.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RRSET_RECORDS_MAX = 64, RRSET_VALUE_MAX = 65536 };

struct rrset_record {
	int preference; /* MX */
	char *data;	/* TXT: decoded octets, NUL-terminated besides; MX: host */
	size_t n;
};

struct rrset {
	uint32_t ttl;
	size_t n;
	struct rrset_record *record;
};

/* rrset_put - the records of (name, type) in an answer as a value; false if there are more than
 * RRSET_RECORDS_MAX. */
bool rrset_put(struct buf *b, const char *name, int type, const struct dns_rr *rr, size_t n);

/* rrset_read - a value into *ret (rrset_fini afterwards, also after failure). RC_INVALID: not
 * canonical for that type. */
enum rc rrset_read(struct rrset *ret, const char *value, int type, struct err *err);
void rrset_fini(struct rrset *s);

/* rrset_marker_read - the epoch record as a value, "txt store=HEX lsn=N" alone; false if there is
 * none. *ret_odd: something else stands there, which ferryman did not write. */
bool rrset_marker_read(const char *value, char ret_store[33], uint64_t *ret_lsn, bool *ret_odd);

/* A resource "dns.rrset NAME TYPE"; the zone is needed to refuse what lies outside of it. */
struct rrset_name {
	char name[256];
	int type;
};
enum rc rrset_name_read(
	struct rrset_name *ret, const char *resource, const char *zone, struct err *err);

#endif
