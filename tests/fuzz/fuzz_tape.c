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

enum { RECORDS_MAX = 16, AGAIN_MAX = 1024 * 1024 };

static struct playbook *corp;

static struct playbook *
book(void *ctx, const char *sha256)
{
	(void)ctx;
	return text_eq(sha256, "b") || text_eq(sha256, corp->sha256) ? playbook_ref(corp) : NULL;
}

static struct core_env env = { .sha256 = digest_sha256, .playbook = book };

int LLVMFuzzerInitialize(int *argc, char ***argv);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	check_state.name = "tape";
	corp = world_playbook("automatic", "a tape");
	env.mem = stdmem;
	if (corp == NULL)
		abort();
	return 0;
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

/* The records of the journal that are the tape's own. */
static void
fill(struct input *in, const struct actions *acts)
{
	for (size_t i = 0; i < acts->n; i++) {
		const struct action *a = &acts->a[i];

		for (size_t k = 0; a->type == ACT_APPEND && k < a->append.records_n; k++)
			if (a->append.expect_seq + k < in->n && in->own[a->append.expect_seq + k])
				record_set(&in->record[a->append.expect_seq + k],
					a->append.records[k], strlen(a->append.records[k]));
	}
}

/* One core is told the tape to see what it leads to, the next one is replay's. */
static void
lead(struct input *in)
{
	const char *at = buf_text(&in->tape), *end = at + in->tape.len, *line;
	struct arena *a = arena_new(&stdmem, 16 * (size_t)TAPE_LINE_MAX);
	struct core *core = NULL;
	struct tape_head head = { 0 };
	struct err err = { 0 };
	struct event ev;
	size_t len;

	if (!fuzz_line(&at, end, &line, &len) || tape_get_head(a, line, len, &head, &err) != RC_OK)
		at = end;
	while (fuzz_line(&at, end, &line, &len) && tape_get(a, line, len, &ev, &err) == RC_OK) {
		struct actions acts;

		if (core == NULL && (ev.type != EV_OPEN || ev.open.seq > in->n))
			break;
		if (core == NULL) {
			core = core_new(&env, head.seed);
			for (size_t i = 0; i < ev.open.seq; i++)
				(void)core_fold(core, in->record[i].bytes, in->record[i].n, &err);
		}
		acts = core_step(core, &ev);
		fill(in, &acts);
	}
	core_free(&core);
	arena_free(&a);
}

static void
play(struct input *in)
{
	const struct replay_journal j = { .record = in->record, .n = in->n, .env = env };
	struct replay_life life = { 0 };
	struct err err = { 0 };
	enum rc rc;

	rc = replay_life(&j, buf_text(&in->tape), in->tape.len, &life, &in->again, &err);
	if (rc != RC_OK && (strncmp(err.text, "line ", 5) != 0 || err.rc != rc))
		abort();
	if (rc == RC_OK && ((life.differs != 0) != (life.why[0] != '\0') || life.first == 0))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *at = (const char *)data, *end = at + n, *line;
	struct input in = { .n = 0 };
	bool any = false;
	size_t len;

	buf_init(&in.tape, &stdmem, TAPE_LINE_MAX);
	buf_init(&in.again, &stdmem, AGAIN_MAX);
	while (fuzz_line(&at, end, &line, &len)) {
		if (len > 8 && memcmp(line, "journal ", 8) == 0 && in.n < RECORDS_MAX) {
			in.own[in.n] = len == 9 && line[8] == '@';
			any = any || in.own[in.n];
			record_set(&in.record[in.n++], line + 8, len - 8);
			continue;
		}
		there_and_back(line, len);
		buf_add(&in.tape, line, len);
		if (line + len < end)
			buf_char(&in.tape, '\n');
	}
	if (any)
		lead(&in);
	play(&in);
	for (size_t i = 0; i < in.n; i++)
		free((char *)in.record[i].bytes);
	buf_fini(&in.tape);
	buf_fini(&in.again);
	return 0;
}
