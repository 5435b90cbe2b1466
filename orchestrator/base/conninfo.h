/*
 * conninfo.h - what the pure half of ferryman may know of a connector: its name, what it can do,
 * which rows its configuration has, and how strictly its target refuses a late effect. The rest of
 * a connector is connector.h.
 */
#ifndef FERRYMAN_BASE_CONNINFO_H
#define FERRYMAN_BASE_CONNINFO_H

#include "base/err.h"
#include "base/schema.h"

#include <stddef.h>

/* Fence classes, DESIGN section 7. */
enum fence {
	FENCE_NONE, /* changes nothing */
	FENCE_F,    /* the target itself refuses an older number */
	FENCE_V,    /* versioned for each record set */
	FENCE_U,    /* last write wins: sender's deadline and drain wait */
	FENCE_N
};

/* Capabilities; the resource kinds that a target offers, and what a signal or notifier can do. */
enum {
	CAP_SIGNAL = 1u << 0,		/* probe() */
	CAP_DNS_RRSET = 1u << 1,	/* resource dns.rrset */
	CAP_TENANT_CONNECTOR = 1u << 2, /* resource tenant.connector */
	CAP_RELAY_ROUTE = 1u << 3,	/* resource relay.route */
	CAP_RELAY_PARK = 1u << 4,	/* resource relay.park */
	CAP_RELAY_QUEUE = 1u << 5,	/* resource relay.queue (read: counts; effect: release) */
	CAP_NOTIFY = 1u << 6,		/* notify() */
	CAP_FENCE_EQ = 1u << 7, /* class F by equality: needs the marker that was read (seen_lsn) */
	CAP_MARKER_ONLY = 1u << 8, /* dir FENCE raises the marker and leaves the value */
};

struct conninfo {
	const char *name; /* as in `connector:` or `kind:` */
	enum fence fence;
	unsigned caps;
	const struct schema_row *schema; /* rows of its own keys, beside the common ones */
	/*
	 * Signals: what a round of probes is about. "path.egress" = each egress address of the
	 * path; otherwise the key of an SR_LIST of V_MAP whose entries have `subject_field` (and
	 * may have `class`); NULL = one probe with subject "".
	 */
	const char *subjects_from;
	const char *subject_field;
	const char *domain_key; /* targets: the key whose value names the fence domain ("zone",
				   "host", "tenant") */
	int harm;		/* signals: nonzero if this kind sees mail itself refused or late */
	/* check - what the rows alone cannot say; no I/O. NULL = nothing. Sentence without place:
	 * the caller adds it. */
	enum rc (*check)(const struct cfg *cfg, struct err *err);
	int64_t drain_ms; /* class U: how long after a request's deadline its bytes may still land
			   */
	/* late_ms - class F by equality: how long after it was sent a request may still be taken
	 * where it expects no marker and finds none; ms. NULL = never. */
	int64_t (*late_ms)(const struct cfg *cfg);
};

const char *fence_name(enum fence f); /* "none" "F" "V" "U" */

#endif
