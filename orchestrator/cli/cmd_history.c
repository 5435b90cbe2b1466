/* cmd_history.c - what was: the runs in the journal, or all that one of them did, record by record.
 */
#include "base/num.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/journal.h"
#include "cli/plain.h"
#include "core/effects.h"
#include "core/record.h"
#include "os/stdmem.h"
#include "report/sentence.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS_MAX = 100000, RECORDS_MAX = 100000, ARENA_MAX = 256 * 1024 * 1024, TEXT_ROOM = 4096 };
enum { ANSWER_MAX = 256 * 1024 * 1024, PARSE_ROOM = 64 * RECORD_MAX };

struct was_run {
	const char *id, *playbook, *flow, *procedure, *kind, *by, *reason, *state, *why;
	uint64_t start, end; /* records; end 0 = it has not ended */
	int64_t began_ms, ended_ms;
	struct effects effects;
};

struct was_record {
	uint64_t seq, lsn;
	int64_t wall_ms;
	const char *type, *hash, *text, *bytes;
};

struct history {
	struct arena *a;
	const char *wanted; /* run, or the beginning of one; NULL = all runs */
	bool diary;	    /* of all runs: what was diagnosed, decided, ordered and told */
	struct was_run *run;
	size_t runs_n;
	struct was_record *record; /* of the wanted run, or of the diary */
	size_t records_n;
	struct err *err;
};

/* --- reading --- */

static const char *
keep(struct history *h, const struct record *r, const char *key)
{
	const char *s = json_str(r->body, key);

	return arena_str(h->a, s != NULL ? s : "");
}

static enum rc
start_of(struct history *h, const struct record *r)
{
	if (h->runs_n == RUNS_MAX)
		return err_set(h->err, RC_LIMIT, "more than %d runs", RUNS_MAX);
	h->run[h->runs_n++] = (struct was_run){ .id = arena_str(h->a, r->run),
		.playbook = keep(h, r, "playbook"),
		.flow = keep(h, r, "flow"),
		.procedure = keep(h, r, "procedure"),
		.kind = keep(h, r, "kind"),
		.by = keep(h, r, "by"),
		.reason = keep(h, r, "reason"),
		.state = "running",
		.why = "",
		.start = r->seq,
		.began_ms = r->wall_ms };
	return RC_OK;
}

static void
effect_of(struct history *h, const struct record *r)
{
	for (size_t i = h->runs_n; i-- > 0;) {
		if (!text_eq(h->run[i].id, r->run))
			continue;
		effects_note(&h->run[i].effects, r);
		return;
	}
}

/* The newest word on a run counts: one that was blocked may have gone on and ended otherwise. */
static void
end_of(struct history *h, const struct record *r)
{
	for (size_t i = h->runs_n; i-- > 0;) {
		struct was_run *w = &h->run[i];

		if (!text_eq(w->id, r->run))
			continue;
		w->state = keep(h, r, "state");
		w->why = keep(h, r, "why");
		w->end = r->seq;
		w->ended_ms = r->wall_ms;
		return;
	}
}

static enum rc
record_of(struct history *h, struct arena *scratch, const struct record *r, const char *bytes,
	size_t n, const char *hash)
{
	if (h->records_n == RECORDS_MAX)
		return err_set(h->err, RC_LIMIT, "more than %d records", RECORDS_MAX);
	h->record[h->records_n++] = (struct was_record){ .seq = r->seq,
		.lsn = r->lsn,
		.wall_ms = r->wall_ms,
		.type = record_type_name(r->type),
		.hash = arena_str(h->a, hash),
		.text = arena_str(h->a, sentence_of(scratch, r)),
		.bytes = arena_strn(h->a, bytes, n) };
	return RC_OK;
}

static bool
is_wanted(const struct history *h, const struct record *r)
{
	if (h->wanted != NULL)
		return text_eq(r->run, h->wanted);
	return h->diary &&
	       (r->type == REC_DIAGNOSIS || r->type == REC_ROW || r->type == REC_NOTIFIED ||
		       r->type == REC_BRAKE || r->type == REC_APPROVAL || r->type == REC_COMMAND);
}

static enum rc
take(struct history *h, struct arena *scratch, const char *bytes, size_t n, const char *hash)
{
	struct record r;
	enum rc rc = record_read(scratch, bytes, n, &r, h->err);

	if (rc != RC_OK)
		return rc;
	if (r.type == REC_START)
		rc = start_of(h, &r);
	else if (r.type == REC_END)
		end_of(h, &r);
	else if (r.type == REC_INTENT)
		effect_of(h, &r);
	if (rc == RC_OK && is_wanted(h, &r))
		rc = record_of(h, scratch, &r, bytes, n, hash);
	if (rc == RC_OK && arena_failed(h->a))
		rc = err_set(
			h->err, RC_LIMIT, "the history is larger than %d MiB", ARENA_MAX >> 20);
	return rc;
}

static int
fold_one(void *ctx, uint64_t seq, const char *bytes, size_t n, const char *hash)
{
	struct history *h = ctx;
	struct arena *scratch = arena_new(&stdmem, PARSE_ROOM);
	enum rc rc = scratch != NULL ? take(h, scratch, bytes, n, hash)
				     : err_set(h->err, RC_NOMEM, "out of memory");

	(void)seq;
	arena_free(&scratch);
	return (int)rc;
}

static enum rc
resolve(struct history *h, const char *asked)
{
	const char *found = NULL;

	for (size_t i = 0; i < h->runs_n; i++) {
		if (text_eq(h->run[i].id, asked)) {
			h->wanted = h->run[i].id;
			return RC_OK;
		}
		if (!text_starts(h->run[i].id, asked))
			continue;
		if (found != NULL)
			return err_set(h->err, RC_INVALID,
				"run \"%s\" is not one: %s and %s begin so", asked, found,
				h->run[i].id);
		found = h->run[i].id;
	}
	if (found == NULL)
		return err_set(h->err, RC_INVALID,
			"no run \"%s\" in the journal; see: ferryman history", asked);
	h->wanted = found;
	return RC_OK;
}

/* First all runs, then, if one is wanted, its records. */
static enum rc
read_all(struct history *h, struct store *s, const char *asked)
{
	enum rc rc = store_fold(s, 1, fold_one, h, h->err);

	if (rc != RC_OK || asked == NULL)
		return rc;
	rc = resolve(h, asked);
	h->runs_n = h->records_n = 0;
	return rc == RC_OK ? store_fold(s, 1, fold_one, h, h->err) : rc;
}

/* --- telling --- */

static void
put_time(int64_t wall_ms)
{
	struct buf b;

	buf_init(&b, &stdmem, TEXT_ROOM);
	num_put_time(&b, wall_ms);
	printf("%s", buf_text(&b));
	buf_fini(&b);
}

static void
put_run(const struct was_run *w)
{
	char sent[EFFECTS_TEXT];

	put_time(w->began_ms);
	printf("  %s  %s %s of %s (%s): %s", w->id, w->kind, w->procedure, w->playbook, w->flow,
		w->state);
	if (w->end > 0) {
		printf(" at ");
		put_time(w->ended_ms);
	}
	effects_text(&w->effects, sent);
	printf(", %s, by %s", sent, w->by);
	printf("%s", w->reason[0] != '\0' ? ": " : "");
	plain_line(stdout, w->reason);
	printf("\n");
}

static void
put_text(const struct history *h)
{
	for (size_t i = 0; i < h->runs_n; i++)
		if (h->wanted == NULL || text_eq(h->run[i].id, h->wanted))
			put_run(&h->run[i]);
	for (size_t i = 0; i < h->records_n; i++) {
		const struct was_record *r = &h->record[i];

		put_time(r->wall_ms);
		printf("  %6" PRIu64 "  %-9s ", r->seq, r->type);
		plain_line(stdout, r->text);
		printf("\n");
	}
	if (h->runs_n == 0)
		printf("No run is in the journal.\n");
}

static void
run_json(struct jw *w, const struct was_run *r)
{
	jw_open(w, NULL, '{');
	jw_str(w, "run", r->id);
	jw_str(w, "kind", r->kind);
	jw_str(w, "playbook", r->playbook);
	jw_str(w, "flow", r->flow);
	jw_str(w, "procedure", r->procedure);
	jw_str(w, "by", r->by);
	jw_str(w, "reason", r->reason);
	jw_str(w, "state", r->state);
	jw_str(w, "why", r->why);
	jw_uint(w, "start", r->start);
	jw_uint(w, "end", r->end);
	jw_int(w, "began_ms", r->began_ms);
	jw_int(w, "ended_ms", r->ended_ms);
	effects_put(&r->effects, w);
	jw_close(w, '}');
}

static void
record_json(struct jw *w, const struct was_record *r)
{
	jw_open(w, NULL, '{');
	jw_uint(w, "seq", r->seq);
	jw_str(w, "hash", r->hash);
	jw_str(w, "type", r->type);
	jw_uint(w, "lsn", r->lsn);
	jw_int(w, "wall_ms", r->wall_ms);
	jw_str(w, "text", r->text);
	jw_raw(w, "record", r->bytes);
	jw_close(w, '}');
}

static int
put_json(const struct history *h, const struct journal *j)
{
	int exit = CLI_DONE;
	struct buf b;
	struct jw w;

	buf_init(&b, &stdmem, ANSWER_MAX);
	jw_init(&w, &b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "verb", "history");
	jw_int(&w, "exit", CLI_DONE);
	jw_str(&w, "store", j->head.store);
	jw_open(&w, "runs", '[');
	for (size_t i = 0; i < h->runs_n; i++)
		if (h->wanted == NULL || text_eq(h->run[i].id, h->wanted))
			run_json(&w, &h->run[i]);
	jw_close(&w, ']');
	if (h->wanted != NULL || h->diary) {
		jw_open(&w, "records", '[');
		for (size_t i = 0; i < h->records_n; i++)
			record_json(&w, &h->record[i]);
		jw_close(&w, ']');
	}
	jw_close(&w, '}');
	if (buf_failed(&b) || printf("%s\n", buf_text(&b)) < 0)
		exit = CLI_FAILED;
	buf_fini(&b);
	return exit;
}

static int
run_history(struct cli *c)
{
	struct err err = { 0 };
	struct history h = { .a = arena_new(&stdmem, ARENA_MAX),
		.run = stdmem_get(RUNS_MAX * sizeof *h.run),
		.record = stdmem_get(RECORDS_MAX * sizeof *h.record),
		.diary = cli_opt(c, "diary") != NULL,
		.err = &err };
	struct journal j;
	int exit = CLI_DONE;
	enum rc rc = journal_open(&j, c, &err);

	if (rc == RC_OK && h.a == NULL)
		rc = err_set(&err, RC_NOMEM, "out of memory");
	if (rc == RC_OK)
		rc = read_all(&h, j.store, cli_opt(c, "run"));
	if (rc != RC_OK)
		exit = cli_fail_err(c, &err);
	else if (cli_json(c))
		exit = put_json(&h, &j);
	else
		put_text(&h);
	journal_close(&j);
	arena_free(&h.a);
	free(h.record);
	free(h.run);
	return exit;
}

static const struct cli_opt opts[] = {
	{ "run", "ID", "each record of this run (its id, or an unambiguous beginning)" },
	{ "diary", NULL,
		"what was diagnosed, what became of it, what people ordered and were told" },
	{ NULL, NULL, NULL },
};

const struct cli_verb verb_history = { "history", "", 0, 0, "List the runs that were",
	"One line for each run in the journal, in order: when, id, what, how it ended, who and "
	"why. Needs no ferryman\n"
	"that runs. A run's whole story with its proofs: ferryman report RUN.",
	opts, run_history };
