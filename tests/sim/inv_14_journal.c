/*
 * Invariant 14: what was acknowledged survives any crash. When a journal is opened again it holds
 * the acknowledged records, byte for byte, and after them perhaps the one append that nobody was
 * answered for, all of it or nothing; epochs rise and eras never fall. At the end its own audit
 * finds nothing.
 */
#include "base/text.h"
#include "sim/sim.h"

static void reopened(struct sim *s, const struct reopened *r);
static void over(struct sim *s);

const struct invariant inv_14 = { .name = "inv_14_journal", .over = over, .reopened = reopened };

static void
records(struct sim *s, const struct reopened *r)
{
	if (r->changed != 0)
		violated(s, &inv_14, "record %llu is not the one that was acknowledged",
			(unsigned long long)r->changed);
	else if (r->strange != 0)
		violated(s, &inv_14, "record %llu was never asked for",
			(unsigned long long)r->strange);
	else if (r->seq != r->acked + r->extra)
		violated(s, &inv_14, "%zu records were acknowledged, %llu are there", r->acked,
			(unsigned long long)r->seq);
	else if (r->extra != 0 && r->extra != r->under_way)
		violated(s, &inv_14, "%zu records of an append of %zu are there", r->extra,
			r->under_way);
	else if (!text_eq(r->hash, s->journal.hash))
		violated(s, &inv_14, "the journal's head is %.12s, its last record's hash %.12s",
			r->hash, s->journal.hash);
}

static void
reopened(struct sim *s, const struct reopened *r)
{
	if (r->closed != NULL)
		violated(s, &inv_14, "the journal does not open: %s", r->closed);
	else if (r->unread != NULL && r->changed == 0 && r->strange == 0)
		violated(s, &inv_14, "the journal cannot be read: %s", r->unread);
	else if (r->epoch <= s->journal.epoch || r->era < s->journal.era)
		violated(s, &inv_14, "epoch %llu of era %llu follows epoch %llu of era %llu",
			(unsigned long long)r->epoch, (unsigned long long)r->era,
			(unsigned long long)s->journal.epoch, (unsigned long long)s->journal.era);
	else
		records(s, r);
}

static void
over(struct sim *s)
{
	char why[300];

	if (s->disk != NULL && !disk_sound(s, why, sizeof why))
		violated(s, &inv_14, "the audit of the journal finds: %s", why);
}
