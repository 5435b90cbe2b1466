/* Invariant 9: no intent leaves a name without an MX, or without its one SPF record. */
#include "base/text.h"
#include "sim/sim.h"

#include <string.h>

static void record(struct sim *s, const struct vrecord *rec);

const struct invariant inv_09 = { .name = "inv_09_never_empty", .record = record };

static void
record(struct sim *s, const struct vrecord *rec)
{
	const struct vintent *x = rec->intent;

	if (x == NULL || x->dir == DIR_FENCE || !text_starts(x->resource, "dns.rrset "))
		return;
	if (strstr(x->want, text_ends(x->resource, " MX") ? "\nmx " : "\ntxt v=spf1 ") == NULL)
		violated(s, &inv_09, "INTENT %llu wants \"%s\" for %s", (unsigned long long)x->lsn,
			x->want, x->resource);
}
