/* verify.c - walk over all rows; compare where the chain ends with what was acknowledged. */
#include "state/verify.h"

#include "core/record.h"
#include "os/stdmem.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum { LOOKS = 3, LOOK_MS = 2, HEADER_ROOM = 64 * RECORD_MAX };

static int
one(void *chain, const struct chain_row *row)
{
	struct arena *a = arena_new(&stdmem_sure, HEADER_ROOM);
	bool good = chain_next(chain, a, row, NULL);

	arena_free(&a);
	return good ? 0 : (int)RC_CORRUPT;
}

void
verify_end(struct chain *c, const struct head *head, const char *whose)
{
	if (c->seq < head->seq)
		chain_fail(c, CHAIN_CUT, c->seq + 1,
			"record %" PRIu64 " was cut off: the journal ends at %" PRIu64
			", %s says %" PRIu64,
			c->seq + 1, c->seq, whose, head->seq);
	else if (c->seq > head->seq)
		chain_fail(c, CHAIN_INSERTED, head->seq + 1,
			"record %" PRIu64
			" was inserted: %s says that the journal ends at %" PRIu64,
			head->seq + 1, whose, head->seq);
	else if (strcmp(c->hash, head->hash) != 0)
		chain_fail(c, CHAIN_CHANGED, c->seq,
			"record %" PRIu64 " was changed: %s names another hash for it", c->seq,
			whose);
	else if (c->lsn != head->lsn || c->era > head->era || c->epoch > head->epoch)
		chain_fail(c, CHAIN_ORDER, c->seq,
			"LSN, era or epoch of the records are not those that %s says", whose);
}

/* Whether the row after the one that is missing holds its bytes: then nothing is missing. */
struct beside {
	uint64_t seq;
	bool found;
};

static int
look_beside(void *ctx, const struct chain_row *row)
{
	struct arena *a = arena_new(&stdmem_sure, HEADER_ROOM);
	struct beside *b = ctx;
	struct chain_header h;

	b->found = row->bytes != NULL && chain_header_read(a, row->bytes, row->n, &h) &&
		   h.seq == b->seq;
	arena_free(&a);
	return 1;
}

void
verify_neighbours(sqlite3 *db, struct chain *c)
{
	struct beside b = { .seq = c->bad };

	if (c->fault != CHAIN_DELETED)
		return;
	(void)database_rows(db, c->bad + 1, look_beside, &b, NULL);
	if (!b.found)
		return;
	c->fault = CHAIN_SWAPPED;
	(void)snprintf(c->why, sizeof c->why,
		"record %" PRIu64 " was swapped: its bytes are those of record %" PRIu64
		", and the other way round",
		c->bad, c->bad + 1);
}

enum rc
verify_chain(sqlite3 *db, const struct head *meta, struct chain *ret, struct err *err)
{
	struct chain c;
	enum rc rc;

	chain_begin(&c, 1);
	rc = database_rows(db, 1, one, &c, err);
	verify_neighbours(db, &c);
	if (rc == RC_OK)
		verify_end(&c, meta, "the meta row");
	if (ret != NULL)
		*ret = c;
	if (c.fault != CHAIN_NONE)
		return err_set(err, RC_CORRUPT, "%s", c.why);
	return rc;
}

enum rc
verify_contains(sqlite3 *db, const struct head *h, bool *ret, struct err *err)
{
	*ret = true;
	return h != NULL ? database_has(db, h->seq, h->hash, ret, err) : RC_OK;
}

static enum rc
look(sqlite3 *db, struct head_file *file, struct snapshot *s, struct err *err)
{
	enum rc rc = RC_OK;

	memset(s, 0, sizeof *s);
	s->before.absent = s->after.absent = true;
	if (!sqlite3_get_autocommit(db))
		rc = database_exec(db, "COMMIT", err);
	if (rc == RC_OK && file != NULL)
		rc = head_read(file, &s->before, err);
	if (rc == RC_OK)
		rc = database_exec(db, "BEGIN", err);
	if (rc == RC_OK)
		rc = database_head(db, &s->meta, err);
	if (rc == RC_OK && file != NULL)
		rc = head_read(file, &s->after, err);
	return rc;
}

/* A slot may be read while it is written: then it is not sound now, and sound a moment later. */
static bool
may_be_passing(const struct snapshot *s)
{
	return s->after.ok[0] != s->after.ok[1];
}

enum rc
snapshot_begin(sqlite3 *db, struct head_file *file, struct snapshot *ret, struct err *err)
{
	for (int i = 0; i < LOOKS; i++) {
		const struct head *h;
		bool inside = true;
		enum rc rc;

		if (i > 0)
			(void)poll(NULL, 0, LOOK_MS);
		rc = look(db, file, ret, err);
		if (rc != RC_OK)
			return rc;
		ret->state = head_judge(&ret->meta, &ret->before, &ret->after, ret->why);
		if (ret->why[0] != '\0' && may_be_passing(ret))
			continue;
		if (ret->why[0] != '\0')
			return RC_OK;
		h = head_newest(&ret->before);
		rc = verify_contains(db, h, &inside, err);
		if (rc != RC_OK || inside)
			return rc;
		ret->state = HEAD_BEHIND;
		(void)snprintf(ret->why, sizeof ret->why,
			"record %" PRIu64 " is not the one that was acknowledged", h->seq);
	}
	return RC_OK;
}
