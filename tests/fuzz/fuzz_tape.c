/*
 * fuzz_tape.c - the tape of a life, as `ferryman replay` reads it and tells it to a core of its
 * own. An input is the tape's lines. A line `journal RECORD` is none of them, but the next record
 * of the journal that the tape is held against; `journal @` is the one that the tape itself leads
 * to. The playbook of sha256 "b" is that of lib/world.h.
 */
/* parser: orchestrator/play/tape.c str num when count flag verdict outcome verb sources overrides
 * open_ seen read_ command members object tape_get_head tape_get */
/* parser: orchestrator/play/replay.c header compare settle begin tell end play_line replay_life */
#include "base/text.h"
#include "fuzz/fuzz.h"
#include "lib/check.h"
#include "lib/world.h"
#include "os/digest.h"
#include "os/stdmem.h"
#include "play/replay.h"
#include "play/tape.h"

enum { RECORDS_MAX = 4, AGAIN_MAX = 1024 * 1024 };

static struct playbook *corp;

int LLVMFuzzerInitialize(int *argc, char ***argv);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	check_state.name = "tape";
	corp = world_playbook("automatic", "a tape");
	if (corp == NULL)
		abort();
	return 0;
}

static struct playbook *
book(void *ctx, const char *sha256)
{
	(void)ctx;
	return text_eq(sha256, "b") ? playbook_ref(corp) : NULL;
}

/* What was read of a line is written as it was read. */
static void
there_and_back(const char *line, size_t n)
{
	struct arena *a = arena_new(&stdmem, 2 * (size_t)TAPE_LINE_MAX);
	struct buf once, twice;
	struct event ev = { 0 };
	struct err err = { 0 };
	enum rc rc = tape_get(a, line, n, &ev, &err);

	buf_init(&once, &stdmem, TAPE_LINE_MAX);
	buf_init(&twice, &stdmem, TAPE_LINE_MAX);
	if ((rc != RC_OK) != (err.text[0] != '\0') || (rc != RC_OK && ev.boot_ms != 0))
		abort();
	if (rc == RC_OK) {
		tape_put(&once, &ev);
		if (tape_get(a, buf_text(&once), once.len - 1, &ev, &err) != RC_OK)
			abort();
		tape_put(&twice, &ev);
		if (strcmp(buf_text(&once), buf_text(&twice)) != 0)
			abort();
	}
	buf_fini(&once);
	buf_fini(&twice);
	arena_free(&a);
}

struct input {
	struct buf tape, again;
	struct replay_record record[RECORDS_MAX];
	bool own[RECORDS_MAX]; /* `journal @` */
	size_t n;
};

static void
record_set(struct replay_record *r, const char *bytes, size_t n)
{
	free((char *)r->bytes);
	r->bytes = fuzz_text(bytes, n);
	r->n = n;
	digest_sha256(NULL, bytes, n, r->hash);
}

/* Held against the first n records. */
static struct replay_life
play(struct input *in, size_t n)
{
	const struct replay_journal j = { .record = in->record,
		.n = n,
		.env = { .mem = stdmem, .sha256 = digest_sha256, .playbook = book } };
	struct replay_life life = { 0 };
	struct err err = { 0 };
	enum rc rc;

	buf_reset(&in->again);
	rc = replay_life(&j, buf_text(&in->tape), in->tape.len, &life, &in->again, &err);
	if (rc != RC_OK && (strncmp(err.text, "line ", 5) != 0 || err.rc != rc))
		abort();
	if (rc == RC_OK && ((life.differs != 0) != (life.why[0] != '\0') || life.first == 0))
		abort();
	return life;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *at = (const char *)data, *end = at + n, *line;
	struct input in = { .n = 0 };
	size_t len;

	buf_init(&in.tape, &stdmem, TAPE_LINE_MAX);
	buf_init(&in.again, &stdmem, AGAIN_MAX);
	while (fuzz_line(&at, end, &line, &len)) {
		if (len > 8 && memcmp(line, "journal ", 8) == 0 && in.n < RECORDS_MAX) {
			in.own[in.n] = len == 9 && line[8] == '@';
			record_set(&in.record[in.n++], line + 8, len - 8);
			continue;
		}
		there_and_back(line, len);
		buf_add(&in.tape, line, len);
		if (line + len < end)
			buf_char(&in.tape, '\n');
	}
	for (size_t i = 0; i < in.n; i++)
		if (in.own[i] && play(&in, i + 1).differs == i + 1 && in.again.len > 0)
			record_set(&in.record[i], buf_text(&in.again), in.again.len);
	(void)play(&in, in.n);
	for (size_t i = 0; i < in.n; i++)
		free((char *)in.record[i].bytes);
	buf_fini(&in.tape);
	buf_fini(&in.again);
	return 0;
}
