/* cmd_replay.c - what was decided, decided again from the tapes that lie beside the journal. */
#include "base/json.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/journal.h"
#include "os/digest.h"
#include "os/stdmem.h"
#include "play/replay.h"
#include "shell/load.h"
#include "shell/taping.h"
#include "shell/window.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIVES_MAX = 4096, AGAIN_MAX = 4 * 1024 * 1024 };

struct replaying {
	struct journal j;
	struct replay_record *record;
	size_t n, room;
	struct replay_life life[LIVES_MAX];
	size_t lives;
	uint64_t replayed;
	struct buf again;
};

static int
keep(void *ctx, uint64_t seq, const char *bytes, size_t n, const char *hash)
{
	struct replaying *r = ctx;
	char *copy = stdmem_get(n + 1);

	(void)seq;
	if (r->n == r->room) {
		size_t room = r->room * 2 + 256;
		struct replay_record *more = stdmem_get(room * sizeof *more);

		if (r->n > 0)
			memcpy(more, r->record, r->n * sizeof *more);
		free(r->record);
		r->record = more;
		r->room = room;
	}
	memcpy(copy, bytes, n);
	r->record[r->n] = (struct replay_record){ .bytes = copy, .n = n };
	(void)snprintf(r->record[r->n].hash, sizeof r->record[r->n].hash, "%s", hash);
	r->n++;
	return 0;
}

static int
by_epoch(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The epochs of which there is a tape, rising; malloc'd. */
static uint64_t *
epochs(const char *folder, size_t *ret_n)
{
	uint64_t *e = stdmem_get(LIVES_MAX * sizeof *e);
	DIR *d = opendir(folder);
	struct dirent *f;

	*ret_n = 0;
	while (d != NULL && *ret_n < LIVES_MAX && (f = readdir(d)) != NULL)
		if (taping_name(f->d_name, &e[*ret_n]))
			++*ret_n;
	if (d != NULL)
		(void)closedir(d);
	qsort(e, *ret_n, sizeof *e, by_epoch);
	return e;
}

static enum rc
one_life(struct replaying *r, const char *folder, uint64_t epoch, struct err *err)
{
	const struct replay_journal j = { .record = r->record,
		.n = r->n,
		.env = { .mem = stdmem,
			.ctx = &r->j,
			.sha256 = digest_sha256,
			.playbook = journal_playbook,
			.in_window = window_holds } };
	struct replay_life *life = &r->life[r->lives];
	char path[4200];
	char *text = NULL;
	size_t n = 0;
	enum rc rc;

	(void)snprintf(path, sizeof path, "%.4000s/%" PRIu64 ".jsonl", folder, epoch);
	rc = load_file(path, TAPE_MAX, &text, &n, err);
	if (rc != RC_OK)
		return rc;
	rc = replay_life(&j, text, n, life, &r->again, err);
	free(text);
	if (rc == RC_OK && life->epoch != 0 && life->epoch != epoch)
		rc = err_set(err, RC_CORRUPT,
			"this is the tape of life %" PRIu64 ": give it its own name back, %" PRIu64
			".jsonl, or take it away",
			life->epoch, life->epoch);
	if (rc != RC_OK)
		return err_prefix(err, "%s", path);
	life->epoch = epoch;
	r->lives++;
	if (life->last >= life->first)
		r->replayed += life->last - life->first + 1;
	return RC_OK;
}

/* All tapes in the order of their lives, up to the first record that differs. */
static enum rc
replay(struct replaying *r, const char *folder, struct err *err)
{
	size_t n = 0;
	uint64_t *e = epochs(folder, &n);
	enum rc rc = RC_OK;

	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		if (e[i] > r->j.head.epoch)
			break; /* of a history that a restored journal does not know */
		rc = one_life(r, folder, e[i], err);
		if (rc == RC_OK && r->life[r->lives - 1].differs != 0)
			break;
	}
	free(e);
	return rc;
}

static const struct replay_life *
first_difference(const struct replaying *r)
{
	const struct replay_life *l = r->lives > 0 ? &r->life[r->lives - 1] : NULL;

	return l != NULL && l->differs != 0 ? l : NULL;
}

static const char *
stored(const struct replaying *r, uint64_t seq)
{
	return seq >= 1 && seq <= r->n ? r->record[seq - 1].bytes : NULL;
}

static void
put_json(const struct cli *c, const struct replaying *r, int exit)
{
	const struct replay_life *d = first_difference(r);
	struct buf b;
	struct jw w;

	buf_init(&b, &stdmem, 2 * AGAIN_MAX);
	jw_init(&w, &b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "verb", cli_name(c));
	jw_int(&w, "exit", exit);
	jw_str(&w, "store", r->j.head.store);
	jw_uint(&w, "records", r->n);
	jw_uint(&w, "replayed", r->replayed);
	jw_open(&w, "lives", '[');
	for (size_t i = 0; i < r->lives; i++) {
		const struct replay_life *l = &r->life[i];

		jw_open(&w, NULL, '{');
		jw_uint(&w, "epoch", l->epoch);
		jw_str(&w, "version", l->version);
		jw_uint(&w, "events", l->events);
		jw_uint(&w, "first", l->first);
		jw_uint(&w, "last", l->last);
		jw_bool(&w, "torn", l->torn);
		jw_bool(&w, "cut", l->cut);
		jw_close(&w, '}');
	}
	jw_close(&w, ']');
	if (d == NULL) {
		jw_raw(&w, "differs", "null");
	} else {
		jw_open(&w, "differs", '{');
		jw_uint(&w, "record", d->differs);
		jw_str(&w, "why", d->why);
		jw_str(&w, "stored", stored(r, d->differs));
		jw_str(&w, "again", r->again.len > 0 ? buf_text(&r->again) : NULL);
		jw_close(&w, '}');
	}
	jw_close(&w, '}');
	printf("%s\n", buf_text(&b));
	buf_fini(&b);
}

static void
put_text(const struct cli *c, const struct replaying *r)
{
	const struct replay_life *d = first_difference(r);

	printf("journal   %s (store %s, %zu records)\n", cli_state_dir(c), r->j.head.store, r->n);
	for (size_t i = 0; i < r->lives; i++) {
		const struct replay_life *l = &r->life[i];

		printf("life %-4" PRIu64 " %" PRIu64 " events; ", l->epoch, l->events);
		if (l->last >= l->first)
			printf("records %" PRIu64 " to %" PRIu64 " decided again, byte for byte",
				l->first, l->last);
		else
			printf("no record");
		printf("%s%s%s\n", l->torn ? "; the tape's last line is not whole" : "",
			!l->torn && l->version[0] == '\0' ? "; the tape is empty" : "",
			l->cut ? "; the rest of it is not in this journal, which was restored"
			       : "");
		if (l->version[0] != '\0' && !text_eq(l->version, FERRYMAN_VERSION))
			printf("          by ferryman %s; this one is " FERRYMAN_VERSION "\n",
				l->version);
	}
	if (r->replayed < r->n && d == NULL)
		printf("no tape   of %" PRIu64 " records: what led to them was not kept\n",
			(uint64_t)r->n - r->replayed);
	if (d == NULL) {
		printf("%s %" PRIu64 " of %zu records follow from their inputs\n",
			r->replayed > 0 ? "equal    " : "nothing  ", r->replayed, r->n);
		return;
	}
	printf("differs   record %" PRIu64 ": %s\n", d->differs, d->why);
	if (stored(r, d->differs) != NULL)
		printf("stored    %s\n", stored(r, d->differs));
	if (r->again.len > 0)
		printf("again     %s\n", buf_text(&r->again));
}

static int
run_replay(struct cli *c)
{
	const char *given = cli_opt(c, "tape");
	struct replaying *r = stdmem_get(sizeof *r);
	char folder[4200];
	struct err err = { 0 };
	bool sound; /* the journal is */
	enum rc rc;
	int exit;

	(void)snprintf(folder, sizeof folder, given != NULL ? "%.4100s" : "%.4100s/" TAPE_FOLDER,
		given != NULL ? given : cli_state_dir(c));
	buf_init(&r->again, &stdmem, AGAIN_MAX);
	rc = journal_open(&r->j, c, &err);
	if (rc == RC_OK)
		rc = store_fold(r->j.store, 1, keep, r, &err);
	sound = rc == RC_OK;
	if (sound)
		rc = replay(r, folder, &err);
	exit = rc != RC_OK && sound ? cli_fail(c, CLI_FAILED, "%s", err.text)
	       : rc != RC_OK	    ? cli_fail_err(c, &err)
	       : first_difference(r) != NULL || r->lives == 0 ? CLI_FAILED
							      : CLI_DONE;
	if (rc == RC_OK && r->lives == 0)
		exit = cli_fail(c, CLI_FAILED,
			"%s holds no tape: what led to the %zu records was not kept", folder, r->n);
	else if (rc == RC_OK && cli_json(c))
		put_json(c, r, exit);
	else if (rc == RC_OK)
		put_text(c, r);
	for (size_t i = 0; i < r->n; i++)
		free((char *)r->record[i].bytes);
	free(r->record);
	buf_fini(&r->again);
	journal_close(&r->j);
	free(r);
	return exit;
}

static const struct cli_opt opts[] = {
	{ "tape", "FOLDER",
		"the tapes; default: the folder \"" TAPE_FOLDER "\" of the state folder" },
	{ NULL, NULL, NULL },
};

const struct cli_verb verb_replay = { "replay", "", 0, 0,
	"Decide again what was decided, and compare",
	"Each ferryman that serves keeps a tape of everything that it was told: answers, readings, "
	"orders, the time.\n"
	"A core of its own is told the same once more, and each record that it proposes must be, "
	"byte "
	"for byte, the one\n"
	"in the journal; the first that differs is named, with what was decided instead. Needs no "
	"lock, asks nobody and\n"
	"changes nothing. Records without a tape are counted, not judged. Ends with 1 when a "
	"record differs, or a tape cannot be\nread.",
	opts, run_replay };
