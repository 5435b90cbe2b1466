/*
 * replay.c - one life again, from its tape.
 *
 * Records are compared when the tape says that they were stored. Proposed and never stored (the
 * process died, the disk refused) is no difference: the next life has the number for its own.
 */
#include "play/replay.h"

#include "base/text.h"
#include "core/record.h"
#include "play/tape.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* An append that is not answered for so long was never made: the store answers within seconds, or
 * the life ends. */
enum { UNANSWERED_MS = 60000 };

struct player {
	const struct replay_journal *j;
	struct replay_life *life;
	struct buf *again;
	struct core *core;
	uint64_t era;
	/* the append that is outstanding */
	bool proposed;
	int64_t proposed_ms, now_ms; /* boot_ms: of the append, of the newest event */
	uint64_t same;		     /* so many of its records are those of the journal */
	uint64_t differs;	     /* the first that is not; 0 = none */
	uint64_t beyond;	     /* it goes on behind the journal's last record */
};

/* --- what was proposed, held against what is stored --- */

/* The header of a stored record; zeros when it cannot be read. */
static struct record
header(const struct player *p, uint64_t seq)
{
	const struct replay_record *r = &p->j->record[seq - 1];
	struct arena *a = arena_new(&p->j->env.mem, 16 * (size_t)RECORD_MAX);
	struct record read = { 0 };
	struct err err = { 0 };

	if (a == NULL || record_read(a, r->bytes, r->n, &read, &err) != RC_OK)
		read = (struct record){ 0 };
	arena_free(&a);
	return (struct record){ .era = read.era, .epoch = read.epoch };
}

static void
compare(struct player *p, const struct action *a)
{
	p->proposed = true;
	p->proposed_ms = p->now_ms;
	p->same = p->differs = p->beyond = 0;
	for (size_t i = 0; i < a->append.records_n; i++) {
		uint64_t seq = a->append.expect_seq + i + 1;
		const struct replay_record *r;

		if (seq > p->j->n) {
			p->beyond = seq;
			return;
		}
		r = &p->j->record[seq - 1];
		if (strlen(a->append.records[i]) != r->n ||
			memcmp(a->append.records[i], r->bytes, r->n) != 0) {
			p->differs = seq;
			buf_reset(p->again);
			buf_str(p->again, a->append.records[i]);
			return;
		}
		p->same++;
		if (p->life->first > p->life->last && p->same == 1)
			p->life->first = seq;
	}
}

static void
differ(struct player *p, uint64_t seq, const char *why)
{
	p->life->differs = seq;
	(void)snprintf(p->life->why, sizeof p->life->why, "%s", why);
}

/* The proposed records count: they were stored. */
static void
settle(struct player *p)
{
	p->life->last += p->same;
	p->proposed = false;
	if (p->differs != 0 && header(p, p->differs).era > p->era)
		p->life->cut = true; /* by an operator's word, which is in the journal */
	else if (p->differs != 0)
		differ(p, p->differs, "the same inputs lead to another record");
}

/* --- the life --- */

static bool
begin(struct player *p, const struct event *ev, uint64_t seed, struct err *err)
{
	uint64_t k = ev->open.seq;

	p->era = ev->open.era;
	p->life->epoch = ev->open.epoch;
	p->life->first = k + 1;
	p->life->last = k;
	if (k > p->j->n) {
		differ(p, p->j->n + 1, "the tape begins behind the journal's last record");
		return true;
	}
	if (k > 0 && !text_eq(p->j->record[k - 1].hash, ev->open.hash)) {
		differ(p, k,
			"the tape begins behind another record of that number: the journal is not "
			"the one that it was");
		return true;
	}
	p->core = core_new(&p->j->env, seed);
	if (p->core == NULL) {
		(void)err_set(err, RC_NOMEM, "out of memory");
		return false;
	}
	for (uint64_t i = 0; i < k; i++)
		if (core_fold(p->core, p->j->record[i].bytes, p->j->record[i].n, err) != RC_OK) {
			(void)err_prefix(err, "record %" PRIu64, i + 1);
			return false;
		}
	return true;
}

/* False when the tape cannot be followed further: a record differs, or the journal has ended. */
static bool
tell(struct player *p, const struct event *ev)
{
	struct actions acts;

	p->now_ms = ev->boot_ms;
	if (ev->type == EV_APPENDED && ev->appended.outcome == OUT_DONE && !p->proposed) {
		differ(p, p->life->last + 1, "the same inputs lead to no record here");
		return false;
	}
	if (ev->type == EV_APPENDED && p->proposed) {
		if (ev->appended.outcome == OUT_DONE)
			settle(p);
		p->proposed = false;
		if (p->life->differs != 0 || (ev->appended.outcome == OUT_DONE && p->beyond != 0))
			return false;
	}
	acts = core_step(p->core, ev);
	for (size_t i = 0; i < acts.n; i++)
		if (acts.a[i].type == ACT_APPEND)
			compare(p, &acts.a[i]);
	p->life->events++;
	return true;
}

/* What was proposed last, and whether it was stored, the tape does not say any more. */
static void
end(struct player *p)
{
	uint64_t next = p->life->last + 1;

	if (!p->proposed || p->life->differs != 0)
		return;
	if (p->differs != 0 && header(p, p->differs).epoch != p->life->epoch)
		p->differs = 0; /* it is the next life's: ours was not stored */
	if (next <= p->j->n && header(p, next).epoch == p->life->epoch)
		settle(p);
	else if (p->now_ms - p->proposed_ms > UNANSWERED_MS)
		differ(p, next, "the same inputs lead to a record that the journal does not have");
}

static bool
play_line(struct player *p, const char *line, size_t len, uint64_t number, struct tape_head *head,
	bool *on, struct err *err)
{
	struct arena *a = arena_new(&p->j->env.mem, 16 * (size_t)TAPE_LINE_MAX);
	struct event ev;
	enum rc rc;

	*on = true;
	if (a == NULL)
		return err_set(err, RC_NOMEM, "out of memory") == RC_OK;
	if (number == 1) {
		rc = tape_get_head(a, line, len, head, err);
		if (rc == RC_OK)
			(void)snprintf(p->life->version, sizeof p->life->version, "%s",
				head->version != NULL ? head->version : "");
	} else {
		rc = tape_get(a, line, len, &ev, err);
		if (rc == RC_OK && number == 2 && ev.type != EV_OPEN)
			rc = err_set(err, RC_CORRUPT, "a tape begins with \"open\"");
		if (rc == RC_OK && number == 2 && !begin(p, &ev, head->seed, err))
			rc = err->rc;
		if (rc == RC_OK)
			*on = p->core != NULL && tell(p, &ev);
	}
	arena_free(&a);
	if (rc != RC_OK)
		(void)err_prefix(err, "line %" PRIu64, number);
	return rc == RC_OK;
}

enum rc
replay_life(const struct replay_journal *j, const char *tape, size_t n, struct replay_life *ret,
	struct buf *again, struct err *err)
{
	struct player p = { .j = j, .life = ret, .again = again };
	struct tape_head head = { 0 };
	uint64_t number = 0;
	bool on = true, ok = true;

	*ret = (struct replay_life){ .first = 1 };
	for (size_t at = 0; ok && on && at < n;) {
		const char *end_of = memchr(tape + at, '\n', n - at);
		size_t len = end_of != NULL ? (size_t)(end_of - (tape + at)) : n - at;

		if (end_of == NULL) {
			ret->torn = true;
			break;
		}
		ok = play_line(&p, tape + at, len, ++number, &head, &on, err);
		at += len + 1;
	}
	if (ok && on)
		end(&p);
	core_free(&p.core);
	return ok ? RC_OK : err->rc;
}
