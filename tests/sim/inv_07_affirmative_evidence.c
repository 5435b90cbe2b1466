/*
 * Invariant 7, as far as one observer can be judged: no cut-over starts by itself unless a probe of
 * the primary saw mail refused in the last minutes. Unknown is not failed, and a listing is not
 * harm.
 */
#include "base/text.h"
#include "sim/sim.h"

enum { LATELY_MS = 20 * 60000 };

static void record(struct sim *s, const struct vrecord *rec);

const struct invariant inv_07 = { .name = "inv_07_affirmative_evidence", .record = record };

static void
record(struct sim *s, const struct vrecord *rec)
{
	enum flow f;

	if (rec->r->type != REC_START || !text_eq(rec->run->kind, "cutover") ||
		!text_eq(rec->run->by, "automatic"))
		return;
	f = text_eq(rec->run->flow, "inbound") ? FLOW_INBOUND : FLOW_OUTBOUND;
	if (s->harm_at[f] < s->now - LATELY_MS)
		violated(s, &inv_07, "run %s starts by itself, and no harm was seen since %lld",
			rec->run->id, (long long)s->harm_at[f]);
}
