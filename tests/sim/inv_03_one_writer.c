/* Invariant 3 and the chain of 14: a record bears the epoch in force when it was appended, and
 * follows the one before. */
#include "base/text.h"
#include "sim/sim.h"

static void record(struct sim *s, const struct vrecord *rec);

const struct invariant inv_03 = { .name = "inv_03_one_writer", .record = record };

static void
record(struct sim *s, const struct vrecord *rec)
{
	const struct record *r = rec->r;

	if (r->epoch != s->journal.epoch || r->era != s->journal.era)
		violated(s, &inv_03,
			"record %llu bears epoch %llu in era %llu; in force are %llu and %llu",
			(unsigned long long)r->seq, (unsigned long long)r->epoch,
			(unsigned long long)r->era, (unsigned long long)s->journal.epoch,
			(unsigned long long)s->journal.era);
	else if (r->seq != s->view.seq + 1)
		violated(s, &inv_03, "record %llu follows %llu", (unsigned long long)r->seq,
			(unsigned long long)s->view.seq);
	else if (r->seq > 1 && !text_eq(r->prev, s->view.hash))
		violated(s, &inv_03, "record %llu does not name the hash of the one before",
			(unsigned long long)r->seq);
}
