/* audit.c - all that can be proved of a journal, in the order of its records, so that the first
 * fault is the one named. */
#include "state/audit.h"

#include "base/json.h"
#include "base/num.h"
#include "base/text.h"
#include "core/record.h"
#include "os/digest.h"
#include "os/stdmem.h"
#include "state/database.h"
#include "state/place.h"
#include "state/verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_ROOM = 64 * RECORD_MAX };

struct auditing {
	sqlite3 *db;
	struct head_file *file;
	struct chain chain;
	struct audit_anchor *anchors;
	size_t anchors_n;
	struct audit *ret;
	struct err none; /* why there can be no verdict */
};

bool
audit_anchor_read(const char *text, struct audit_anchor *ret)
{
	const char *colon = strchr(text, ':'), *hex = colon != NULL ? colon + 1 : text;
	char number[24];
	int64_t seq = 0;
	uint8_t raw[32];

	if (colon != NULL) {
		if ((size_t)(colon - text) >= sizeof number)
			return false;
		memcpy(number, text, (size_t)(colon - text));
		number[colon - text] = '\0';
		if (!num_int(number, &seq) || seq <= 0)
			return false;
	}
	if (!text_unhex(hex, raw, sizeof raw))
		return false;
	memset(ret, 0, sizeof *ret);
	text_hex(raw, sizeof raw, ret->hash);
	ret->wanted = (uint64_t)seq;
	return true;
}

/* What SQLite cannot read is damage. That there was no memory, or that somebody else had the file
 * locked, says nothing of the journal. */
static void
unreadable(struct auditing *x, uint64_t bad, const struct err *why)
{
	if (why->rc != RC_CORRUPT && why->rc != RC_IO)
		x->none = *why;
	else if (bad != 0)
		chain_fail(&x->chain, CHAIN_FILE, bad,
			"the database is damaged at record %" PRIu64 ": %.200s", bad, why->text);
	else
		chain_fail(&x->chain, CHAIN_FILE, 0, "%.250s", why->text);
}

/* A run can only be understood, or finished, with the text that it ran with. */
static void
text_kept(struct auditing *x, const struct chain_header *h)
{
	const char *sha256 = json_str(h->body, "sha256");
	char is[DIGEST_HEX], *text = NULL;
	struct err err = { 0 };
	size_t n = 0;
	enum rc rc;

	if (sha256 == NULL || sha256[0] == '\0')
		return;
	rc = database_blob_get(x->db, sha256, &text, &n, &err);
	if (rc == RC_NOTFOUND)
		chain_fail(&x->chain, CHAIN_TEXT, h->seq,
			"the playbook's text that record %" PRIu64 " names is missing: %.160s",
			h->seq, err.text);
	else if (rc != RC_OK)
		unreadable(x, h->seq, &err);
	if (rc != RC_OK)
		return;
	digest_sha256(NULL, text, n, is);
	free(text);
	if (!text_eq(is, sha256))
		chain_fail(&x->chain, CHAIN_TEXT, h->seq,
			"the playbook's text that record %" PRIu64 " names was changed", h->seq);
	x->ret->texts++;
}

static int
one(void *ctx, const struct chain_row *row)
{
	struct auditing *x = ctx;
	struct arena *a = arena_new(&stdmem_sure, HEADER_ROOM);
	struct chain_header h;
	bool good = chain_next(&x->chain, a, row, &h);

	if (good && (text_eq(h.type, "PLAYBOOK") || text_eq(h.type, "START")))
		text_kept(x, &h);
	arena_free(&a);
	if (!good)
		return 1;
	x->ret->records = x->chain.seq;
	for (size_t i = 0; i < x->anchors_n; i++)
		if (strcmp(x->anchors[i].hash, x->chain.hash) == 0)
			x->anchors[i].seq = x->chain.seq;
	return x->chain.fault != CHAIN_NONE;
}

static void
walk(struct auditing *x)
{
	struct err err = { 0 };

	chain_begin(&x->chain, 1);
	(void)database_rows(x->db, 1, one, x, &err);
	if (err.rc != RC_OK)
		unreadable(x, x->chain.seq + 1, &err);
	verify_neighbours(x->db, &x->chain);
}

/* A sound chain against what was acknowledged. */
static void
against_head(struct auditing *x, const struct snapshot *shot)
{
	const struct head *h = head_newest(&shot->before);

	if (shot->state != HEAD_BEHIND)
		chain_fail(&x->chain, CHAIN_HEAD, 0, "%s", shot->why);
	else if (x->chain.seq < h->seq)
		chain_fail(&x->chain, CHAIN_CUT, x->chain.seq + 1,
			"record %" PRIu64 " was cut off: the journal ends at %" PRIu64
			", but record %" PRIu64 " was acknowledged",
			x->chain.seq + 1, x->chain.seq, h->seq);
	else
		chain_fail(&x->chain, CHAIN_REWRITTEN, h->seq,
			"record %" PRIu64
			" is not the one that was acknowledged: the journal was rewritten at it or "
			"before it; %s",
			h->seq, shot->why);
}

static void
anchors_found(struct auditing *x)
{
	for (size_t i = 0; i < x->anchors_n; i++) {
		const struct audit_anchor *a = &x->anchors[i];

		if (a->seq == 0 && a->wanted > x->chain.seq)
			chain_fail(&x->chain, CHAIN_CUT, x->chain.seq + 1,
				"record %" PRIu64 " was cut off: head %" PRIu64
				":%.12s... was noted, but the journal ends at %" PRIu64,
				x->chain.seq + 1, a->wanted, a->hash, x->chain.seq);
		else if (a->seq == 0)
			chain_fail(&x->chain, CHAIN_REWRITTEN, a->wanted,
				"head %.12s... is not contained: the journal was cut, taken back "
				"or rewritten "
				"%s after it was noted",
				a->hash, a->wanted != 0 ? "at or before that record" : "");
		else if (a->wanted != 0 && a->wanted != a->seq)
			chain_fail(&x->chain, CHAIN_REWRITTEN, a->seq,
				"head %.12s... is record %" PRIu64 ", but was noted as %" PRIu64,
				a->hash, a->seq, a->wanted);
	}
}

/* SQLite's own check finds damage in pages that no record lies in. */
static void
own_check(struct auditing *x)
{
	char says[200] = "";
	struct err err = { 0 };

	if (x->chain.fault != CHAIN_NONE)
		return;
	if (database_check(x->db, says, &err) != RC_OK)
		unreadable(x, 0, &err);
	else if (!text_eq(says, "ok"))
		chain_fail(&x->chain, CHAIN_FILE, 0, "the database is damaged: %s", says);
}

static void
look(struct auditing *x)
{
	struct snapshot shot;
	struct err err = { 0 };
	enum rc rc = snapshot_begin(x->db, x->file, &shot, &err);
	const struct head *h = head_newest(&shot.before);

	x->ret->known = rc == RC_OK;
	x->ret->head = shot.meta;
	x->ret->copy = h != NULL && h->copy;
	walk(x);
	if (rc == RC_OK)
		verify_end(&x->chain, &shot.meta, "the meta row");
	if (rc != RC_OK)
		unreadable(x, 0, &err);
	else if (shot.why[0] != '\0' && x->chain.fault == CHAIN_NONE)
		against_head(x, &shot);
	anchors_found(x);
	own_check(x);
}

static enum rc
open_both(struct auditing *x, const char *dir, struct err *err)
{
	int version = 0;
	enum rc rc = head_open(&x->file, dir, false, err);

	if (rc != RC_OK && rc != RC_NOTFOUND)
		return rc;
	rc = database_open(&x->db, dir, DATABASE_READ, err);
	return rc == RC_OK ? database_version(x->db, &version, err) : rc;
}

/* RC_OK with a verdict in the chain, or why there can be none. */
static enum rc
judge(struct auditing *x, const char *dir, struct err *err)
{
	struct err sub = { 0 };
	enum rc rc;

	if (place_size(dir, PLACE_DB) <= 0) {
		chain_fail(&x->chain, CHAIN_FILE, 1, "the journal %.200s/%s is missing or empty",
			dir, PLACE_DB);
		return RC_OK;
	}
	rc = open_both(x, dir, &sub);
	if (rc == RC_OK)
		look(x);
	else if (rc == RC_CORRUPT)
		chain_fail(&x->chain, CHAIN_FILE, 1, "%.250s", sub.text);
	else
		x->none = sub;
	return x->none.rc == RC_OK ? RC_OK : err_set(err, x->none.rc, "%s", x->none.text);
}

enum rc
audit_verify(const char *dir, struct audit_anchor *anchors, size_t anchors_n, struct audit *ret,
	struct err *err)
{
	struct auditing x = { .anchors = anchors, .anchors_n = anchors_n, .ret = ret };
	enum rc rc;

	memset(ret, 0, sizeof *ret);
	rc = place_reach(dir, err);
	if (rc != RC_OK)
		return rc;
	if (place_size(dir, PLACE_DB) < 0 && place_size(dir, PLACE_HEAD) < 0)
		return err_set(err, RC_NOTFOUND, "%s holds no journal", dir);
	rc = judge(&x, dir, err);
	database_close(&x.db);
	head_close(&x.file);
	if (rc != RC_OK)
		return rc;
	ret->fault = x.chain.fault;
	ret->bad = x.chain.bad;
	memcpy(ret->why, x.chain.why, sizeof ret->why);
	return RC_OK;
}
