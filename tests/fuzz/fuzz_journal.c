/*
 * fuzz_journal.c - the journal as it is read back: the chain, records, what the core folds of them,
 * and the head file. An input is lines: a record (@prev@ in it stands for the hash of the line
 * before), or a slot of the head (its sum=@ stands for the right one). Rows get the hash of their
 * bytes: to find another one is the chain's business, not the parser's. A blank before a record
 * gives its row the number it says of itself, one behind it another LSN.
 */
/* parser: orchestrator/base/json.c take word hex4 put_utf8 escape string integer duplicate children
 * scalar value json_read json_get json_str json_int json_flag json_put blanks */
/* parser: orchestrator/core/record.c type_of body_check record_read */
/* parser: state/chain.c chain_header_read chain_begin chain_fail misplaced order_ok link_ok
 * chain_next */
/* parser: state/head.c render parse */
#include "base/text.h"
#include "core/core.h"
#include "core/record.h"
#include "fuzz/fuzz.h"
#include "os/stdmem.h"
#include "state/chain.h"

#include "state/head.c"

#include <stdio.h>

enum { LINES_MAX = 40 };

/* What was read is written and read again: the same. */
static void
round_trip(struct arena *a, const struct json *v)
{
	struct buf b, again;
	const struct json *w;
	size_t at = 0;

	buf_init(&b, &stdmem, RECORD_MAX * 8);
	buf_init(&again, &stdmem, RECORD_MAX * 8);
	json_put(&b, v);
	w = json_read(a, buf_text(&b), b.len, &at);
	if (w == NULL && !arena_failed(a))
		abort();
	json_put(&again, w);
	if (w != NULL && strcmp(buf_text(&b), buf_text(&again)) != 0)
		abort();
	buf_fini(&b);
	buf_fini(&again);
}

/* `what` in the line, once, by `with`; the caller frees. */
static char *
filled(const char *line, size_t n, const char *what, const char *with)
{
	char *text = fuzz_text(line, n), *at = strstr(text, what), *out;
	size_t room = n + strlen(with) + 1;

	if (at == NULL)
		return text;
	out = stdmem_get(room);
	(void)snprintf(out, room, "%.*s%s%s", (int)(at - text), text, with, at + strlen(what));
	free(text);
	return out;
}

static void
slot_read(const char *line, size_t n)
{
	char slot[SLOT], sum[DIGEST_HEX], *text;
	const char *at = memmem(line, n, " sum=@", 6);
	struct head h;

	digest_sha256(NULL, line, at != NULL ? (size_t)(at - line) : n, sum);
	text = filled(line, n, "@", sum);
	n = strlen(text) < SLOT - 1 ? strlen(text) : SLOT - 1;
	memset(slot, ' ', SLOT);
	memcpy(slot, text, n);
	slot[SLOT - 1] = '\n';
	if (parse(slot, &h) && (strlen(h.store) > 32 || strlen(h.hash) > 64))
		abort();
	free(text);
}

struct book {
	struct chain chain;
	struct core *core;
	char hash[DIGEST_HEX];
};

static void
record_take(struct book *k, const char *line, size_t n)
{
	char *text = filled(line, n, "@prev@", k->hash);
	struct arena *a = arena_new(&stdmem, RECORD_MAX * 8);
	struct chain_header h;
	struct record r;
	struct err err = { 0 };

	n = strlen(text);
	digest_sha256(NULL, text, n, k->hash);
	struct chain_row row = {
		.seq = (int64_t)k->chain.seq + 1, .hash = k->hash, .bytes = text, .n = n
	};
	if (chain_header_read(a, text, n, &h)) {
		row.seq = text[0] == ' ' ? (int64_t)h.seq : row.seq;
		row.lsn = (int64_t)h.lsn + (text[n - 1] == ' ');
	}
	if (!chain_next(&k->chain, a, &row, &h) && k->chain.why[0] == '\0')
		abort();
	if (record_read(a, text, n, &r, &err) == RC_OK)
		round_trip(a, r.body);
	else if (err.text[0] == '\0')
		abort();
	(void)core_fold(k->core, text, n, &err);
	arena_free(&a);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *at = (const char *)data, *end = at + n, *line;
	const struct core_env env = { .mem = stdmem, .sha256 = digest_sha256 };
	struct book k = { .core = core_new(&env, 1), .hash = CHAIN_ZERO };
	size_t len, lines = 0;

	chain_begin(&k.chain, 1);
	while (lines++ < LINES_MAX && fuzz_line(&at, end, &line, &len)) {
		if (len > 13 && memcmp(line, "ferryman-head", 13) == 0)
			slot_read(line, len);
		else if (memchr(line, 0, len) == NULL)
			record_take(&k, line, len);
	}
	core_free(&k.core);
	return 0;
}
