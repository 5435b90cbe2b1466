/* cmd_backup.c - a copy of the journal while a ferryman goes on writing it. */
#include "base/json.h"
#include "cli/cli.h"
#include "cli/journal.h"
#include "os/stdmem.h"

#include <inttypes.h>
#include <stdio.h>

enum { ANSWER_MAX = 64 * 1024 };

static void
put_json(const struct journal *j, const char *dir)
{
	struct buf b;
	struct jw w;

	buf_init(&b, &stdmem, ANSWER_MAX);
	jw_init(&w, &b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "verb", "backup");
	jw_int(&w, "exit", CLI_DONE);
	jw_str(&w, "dir", dir);
	jw_str(&w, "store", j->head.store);
	jw_uint(&w, "era", j->head.era);
	jw_uint(&w, "epoch", j->head.epoch);
	jw_uint(&w, "records", j->head.seq);
	jw_str(&w, "head", j->head.hash);
	jw_close(&w, '}');
	printf("%s\n", buf_text(&b));
	buf_fini(&b);
}

static int
run_backup(struct cli *c)
{
	const char *dir = cli_arg(c, 0);
	struct journal j;
	struct err err = { 0 };
	enum rc rc = journal_open(&j, c, &err);

	if (rc == RC_OK)
		rc = store_backup(j.store, dir, &err);
	journal_close(&j);
	if (rc == RC_CONFLICT) /* DIR holds a journal */
		return cli_fail(c, CLI_USAGE, "%s", err.text);
	if (rc != RC_OK)
		return cli_fail_err(c, &err);
	if (cli_json(c))
		put_json(&j, dir);
	else
		printf("%" PRIu64 " records copied to %s and verified; head %" PRIu64 ":%s\n",
			j.head.seq, dir, j.head.seq, j.head.hash);
	return CLI_DONE;
}

static const struct cli_opt none[] = { { NULL, NULL, NULL } };

const struct cli_verb verb_backup = { "backup", "DIR", 1, 1, "Copy the journal",
	"DIR is new or empty. The copy is made by SQLite while a ferryman may go on writing, and "
	"is verified before it\n"
	"counts. It can be read at once (--state DIR). To act on it, put it in the place of the "
	"journal and begin a new\n"
	"era: ferryman watch --new-era.",
	none, run_backup };
