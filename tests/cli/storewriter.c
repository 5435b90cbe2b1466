/*
 * storewriter.c - write a journal for tests of verbs that only read: `storewriter DIR [PLAYBOOK]`
 * puts the story of tests/lib/story.h into a new store, with the text of PLAYBOOK under the hash
 * that the story names.
 */
#include "lib/story.h"

#include "os/digest.h"
#include "os/stdmem.h"
#include "shell/load.h"
#include "state/store.h"

#include <stdio.h>

enum { TEXT_MAX_ = 1024 * 1024 };

struct writer {
	struct store *s;
	struct store_head head;
	unsigned intents;
	enum outcome outcome;
};

static void
on_done(void *ctx, uint64_t op, enum outcome outcome, const struct store_head *head,
	const char *why)
{
	struct writer *w = ctx;

	(void)op;
	w->outcome = outcome;
	if (outcome == OUT_DONE)
		w->head = *head;
	else
		fprintf(stderr, "storewriter: %s\n", why);
}

/* The story's own hash stands for the playbook's; the real one takes its place. */
static void
put_body(struct buf *b, const char *body, const char *sha256)
{
	static const char mark[] = "\"sha256\":\"" STORY_HASH;
	const char *at = strstr(body, mark);

	if (at == NULL || sha256[0] == '\0') {
		buf_str(b, body);
		return;
	}
	buf_add(b, body, (size_t)(at - body));
	buf_fmt(b, "\"sha256\":\"%s%s", sha256, at + sizeof mark - 1);
}

static bool
write_one(struct writer *w, const struct story_row *row, const char *sha256)
{
	struct record head = {
		.seq = w->head.seq + 1, .epoch = w->head.epoch, .boot_id = "b", .prev = w->head.hash
	};
	struct store_append a = { .op = head.seq,
		.epoch = w->head.epoch,
		.seq = w->head.seq,
		.hash = w->head.hash,
		.n = 1 };
	const char *text;
	struct err err = { 0 };
	struct buf b, body;

	buf_init(&b, &stdmem, RECORD_MAX);
	buf_init(&body, &stdmem, RECORD_MAX);
	put_body(&body, row->body, sha256);
	story_record(row, &head, &w->intents, buf_text(&body), &b);
	text = buf_text(&b);
	a.records = &text;
	w->outcome = OUT_UNKNOWN;
	if (store_append(w->s, &a, on_done, w, &err) != RC_OK || store_drain(w->s, &err) != RC_OK)
		fprintf(stderr, "storewriter: record %llu: %s\n", (unsigned long long)head.seq,
			err.text);
	buf_fini(&body);
	buf_fini(&b);
	return w->outcome == OUT_DONE;
}

int
main(int argc, char **argv)
{
	const struct store_opts so = {
		.dir = argc > 1 ? argv[1] : "", .mode = STORE_ACTOR, .holder = "storewriter"
	};
	struct writer w = { 0 };
	struct err err = { 0 };
	char sha256[DIGEST_HEX] = "", *text = NULL;
	size_t n = 0;
	bool ok = argc > 1;

	digest_warm();
	if (ok && store_open(&w.s, &so, &w.head, &err) != RC_OK)
		ok = false;
	if (ok && argc > 2) {
		text = load_text(argv[2], NULL, &n, &err);
		ok = text != NULL;
		if (ok)
			digest_sha256(NULL, text, n, sha256);
		ok = ok && store_blob_put(w.s, sha256, text, n, &err) == RC_OK;
	}
	if (!ok)
		fprintf(stderr, "storewriter: %s\n",
			argc > 1 ? err.text : "usage: storewriter DIR [PLAYBOOK]");
	for (size_t i = 0; ok && i < STORY_N; i++)
		ok = write_one(&w, &story[i], sha256);
	store_close(&w.s);
	free(text);
	return ok ? 0 : 1;
}
