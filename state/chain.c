/* chain.c - which record is the first that was changed, deleted, swapped or inserted. */
#include "state/chain.h"

#include "base/json.h"
#include "base/text.h"
#include "os/digest.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *
chain_fault_name(enum chain_fault f)
{
	static const char *const names[] = {
#define CHAIN_NAME(n, text) text,
		CHAIN_FAULTS(CHAIN_NAME)
#undef CHAIN_NAME
	};

	return names[f];
}

bool
chain_header_read(struct arena *a, const char *bytes, size_t n, struct chain_header *ret)
{
	size_t at = 0;
	const struct json *o = json_read(a, bytes, n, &at);
	const struct json *seq = json_get(o, "seq"), *lsn = json_get(o, "lsn");
	const struct json *era = json_get(o, "era"), *epoch = json_get(o, "epoch");

	if (seq == NULL || lsn == NULL || era == NULL || epoch == NULL || seq->type != JV_INT ||
		lsn->type != JV_INT || era->type != JV_INT || epoch->type != JV_INT)
		return false;
	if (seq->num <= 0 || lsn->num < 0 || era->num <= 0 || epoch->num <= 0)
		return false;
	*ret = (struct chain_header){
		.seq = (uint64_t)seq->num,
		.lsn = (uint64_t)lsn->num,
		.era = (uint64_t)era->num,
		.epoch = (uint64_t)epoch->num,
		.type = json_str(o, "type"),
		.prev = json_str(o, "prev"),
		.body = json_get(o, "body"),
	};
	return ret->type != NULL && ret->prev != NULL;
}

void
chain_begin(struct chain *c, uint64_t from)
{
	memset(c, 0, sizeof *c);
	c->seq = from - 1;
	c->joined = c->seq == 0;
	(void)snprintf(c->hash, sizeof c->hash, "%s", CHAIN_ZERO);
}

void
chain_fail(struct chain *c, enum chain_fault f, uint64_t bad, const char *fmt, ...)
{
	va_list ap;

	if (c->fault != CHAIN_NONE)
		return;
	c->fault = f;
	c->bad = bad;
	va_start(ap, fmt);
	(void)vsnprintf(c->why, sizeof c->why, fmt, ap);
	va_end(ap);
}

/*
 * A sound record in the wrong place. Numbers in the bytes cannot be changed without changing the
 * hash, so they tell what happened even when the rows were numbered anew.
 */
static void
misplaced(struct chain *c, uint64_t seq, const struct chain_header *h)
{
	if (h->seq + 1 == seq && c->joined && text_eq(h->prev, c->before))
		chain_fail(c, CHAIN_INSERTED, c->seq,
			"record %" PRIu64 " was inserted: what follows it is number %" PRIu64
			" by its own bytes and names the record before it",
			c->seq, h->seq);
	else if (h->seq == seq + 1)
		chain_fail(c, CHAIN_DELETED, seq,
			"record %" PRIu64 " was deleted: in its place is number %" PRIu64
			" by its own bytes",
			seq, h->seq);
	else
		chain_fail(c, CHAIN_SWAPPED, seq,
			"record %" PRIu64 " was swapped: its bytes are those of record %" PRIu64,
			seq, h->seq);
}

static bool
order_ok(struct chain *c, const struct chain_row *row, const struct chain_header *h)
{
	uint64_t seq = (uint64_t)row->seq;

	if ((uint64_t)row->lsn != h->lsn)
		chain_fail(c, CHAIN_CHANGED, seq,
			"record %" PRIu64
			" was changed: the LSN beside it is not the one in its bytes",
			seq);
	else if (h->lsn != 0 && h->lsn <= c->lsn)
		chain_fail(c, CHAIN_ORDER, seq,
			"record %" PRIu64 " has LSN %" PRIu64 ", but %" PRIu64 " was there before",
			seq, h->lsn, c->lsn);
	else if (h->era < c->era || h->epoch < c->epoch)
		chain_fail(c, CHAIN_ORDER, seq,
			"record %" PRIu64 " is of era %" PRIu64 ", epoch %" PRIu64
			", but those before it of era %" PRIu64 ", epoch %" PRIu64,
			seq, h->era, h->epoch, c->era, c->epoch);
	return c->fault == CHAIN_NONE;
}

static bool
link_ok(struct chain *c, const struct chain_row *row, const struct chain_header *h, bool readable,
	const char *hash)
{
	uint64_t seq = (uint64_t)row->seq;

	if (readable && h->seq != seq)
		misplaced(c, seq, h);
	else if (!readable || row->hash == NULL || strcmp(hash, row->hash) != 0)
		chain_fail(c, CHAIN_CHANGED, seq,
			"record %" PRIu64
			" was changed: its bytes do not have the hash that stands beside them",
			seq);
	else if (c->joined && strcmp(h->prev, c->hash) != 0)
		chain_fail(c, CHAIN_CHANGED, c->seq > 0 ? c->seq : seq,
			"record %" PRIu64 " was changed: record %" PRIu64
			" names another hash for what is before it",
			c->seq > 0 ? c->seq : seq, seq);
	return c->fault == CHAIN_NONE;
}

bool
chain_next(struct chain *c, struct arena *a, const struct chain_row *row, struct chain_header *ret)
{
	struct chain_header h = { 0 };
	char hash[DIGEST_HEX];
	bool readable;

	if (c->fault != CHAIN_NONE)
		return false;
	if (row->seq != (int64_t)c->seq + 1) {
		chain_fail(c, CHAIN_DELETED, c->seq + 1,
			"record %" PRIu64 " was deleted: the next one there is %" PRId64,
			c->seq + 1, row->seq);
		return false;
	}
	readable = row->bytes != NULL && chain_header_read(a, row->bytes, row->n, &h);
	digest_sha256(NULL, row->bytes != NULL ? row->bytes : "", row->n, hash);
	if (!link_ok(c, row, &h, readable, hash) || !order_ok(c, row, &h))
		return false;
	c->seq++;
	c->lsn = h.lsn != 0 ? h.lsn : c->lsn;
	c->era = h.era;
	c->epoch = h.epoch;
	memcpy(c->before, c->hash, sizeof c->before);
	memcpy(c->hash, hash, sizeof c->hash);
	c->joined = true;
	if (ret != NULL)
		*ret = h;
	return true;
}
