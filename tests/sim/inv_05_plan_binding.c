/*
 * Invariant 5: a run is bound to its plan. The hash is that of the plan's canonical text; the
 * values that it starts from are those read last, and freshly, before START; no intent starts from
 * a value that the plan did not see.
 */
#include "base/text.h"
#include "os/digest.h"
#include "sim/sim.h"

enum { FRESH_MS = 10 * 60000 };

static void record(struct sim *s, const struct vrecord *rec);

const struct invariant inv_05 = { .name = "inv_05_plan_binding", .record = record };

static void
hash_fits(struct sim *s, const struct vrecord *rec)
{
	const struct json *plan = json_get(rec->r->body, "plan");
	struct buf b;
	char hash[65];

	buf_init(&b, &stdmem, (size_t)1 << 20);
	json_put(&b, plan);
	digest_sha256(NULL, buf_text(&b), b.len, hash);
	buf_fini(&b);
	if (!text_eq(hash, rec->run->plan_hash))
		violated(s, &inv_05,
			"run %s starts with a plan whose hash is not the one it is bound to",
			rec->run->id);
}

/* The newest answer about that resource which this process was told before now. */
static const struct reading *
last_read(const struct sim *s, const struct vstep *st)
{
	for (size_t i = s->readings_n; i-- > 0;) {
		const struct reading *r = &s->reading[i];

		if (r->told_at > 0 && r->life == s->process.life && r->from == READ_TARGET &&
			r->outcome == OUT_DONE && r->to < T_N &&
			text_eq(s->target[r->to].name, st->target) &&
			text_eq(r->resource, st->resource))
			return r;
	}
	return NULL;
}

static bool
touched_before(const struct vrun *run, size_t step)
{
	for (size_t i = 0; i < step; i++)
		if (run->step[i].state && text_eq(run->step[i].target, run->step[step].target) &&
			text_eq(run->step[i].resource, run->step[step].resource))
			return true;
	return false;
}

/* A shelter that lets go is as good as open. */
static bool
lets_go(const char *value, const char *base)
{
	return text_eq(value, "releasing\n") && base[0] == '\0';
}

static void
bases_fit(struct sim *s, const struct vrun *run)
{
	for (size_t i = 0; i < run->steps_n && s->killer == NULL; i++) {
		const struct vstep *st = &run->step[i];
		const struct reading *r =
			st->state && !touched_before(run, i) ? last_read(s, st) : NULL;

		if (!st->state || touched_before(run, i))
			continue;
		if (r == NULL || r->told_at < s->now - FRESH_MS)
			violated(s, &inv_05, "run %s starts without a fresh look at %s of %s",
				run->id, st->resource, st->target);
		else if (!text_eq(r->value, st->base) && !lets_go(r->value, st->base))
			violated(s, &inv_05,
				"run %s starts from \"%s\" at %s, where \"%s\" was read last",
				run->id, st->base, st->target, r->value);
	}
}

static void
record(struct sim *s, const struct vrecord *rec)
{
	const struct vintent *x = rec->intent;
	const struct vstep *st =
		x != NULL && x->dir == DIR_DO ? view_step(rec->run, x->step) : NULL;

	if (rec->r->type == REC_START) {
		hash_fits(s, rec);
		bases_fit(s, rec->run);
	}
	if (st != NULL && text_eq(x->base, "releasing\n"))
		return;
	if (st != NULL && st->state && !text_eq(x->base, st->base) && !text_eq(x->base, st->want))
		violated(s, &inv_05, "INTENT %llu starts from \"%s\"; the plan saw \"%s\"",
			(unsigned long long)x->lsn, x->base, st->base);
}
