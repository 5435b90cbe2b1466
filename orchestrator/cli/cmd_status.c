/*
 * cmd_status.c - how things stand: asked of whoever serves the control socket, else folded from the
 * journal as it lies on disk. Both give the same shape (core_status); what only a running ferryman
 * knows is `unknown` in the second.
 */
#include "base/num.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/journal.h"
#include "cli/statustext.h"
#include "cli/timeline.h"
#include "core/core.h"
#include "core/record.h"
#include "os/digest.h"
#include "os/stdmem.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATUS_MAX = 8 * 1024 * 1024, ANSWER_MS = 10000 };

struct told {
	bool served;
	char where[512];  /* socket, or folder of the journal */
	int64_t as_of_ms; /* of the journal's last record; 0 = now, or an empty one */
	json_t *status;	  /* as core_status says it */
};

/* --- from whoever serves --- */

static enum rc
ask(struct told *t, const struct cli *c, struct err *err)
{
	char *path = cli_control_path(c);
	struct client *cl = NULL;
	json_t *o = json_object(), *answer = NULL;
	enum rc rc;

	(void)json_object_set_new(o, "req", json_string("status"));
	(void)json_object_set_new(o, "verb", json_string("status"));
	(void)json_object_set_new(o, "why", json_boolean(cli_opt(c, "why") != NULL));
	rc = client_open(&cl, path, err);
	if (rc == RC_OK)
		rc = client_send(cl, o, err);
	else
		json_decref(o);
	if (rc == RC_OK)
		rc = client_next(cl, ANSWER_MS, &answer, err);
	if (rc == RC_OK) {
		t->served = true;
		t->status = json_incref(json_object_get(answer, "body"));
		(void)snprintf(t->where, sizeof t->where, "%s", path);
	}
	json_decref(answer);
	client_close(&cl);
	free(path);
	return rc;
}

/* --- from the journal --- */

struct folding {
	struct core *core;
	struct err *err;
	int64_t wall_ms;
};

static int
fold_one(void *ctx, uint64_t seq, const char *bytes, size_t n, const char *hash)
{
	struct folding *f = ctx;
	struct arena *a = arena_new(&stdmem, 4 * RECORD_MAX);
	struct record r;
	enum rc rc = core_fold(f->core, bytes, n, f->err);

	(void)hash;
	if (rc == RC_OK && a != NULL && record_read(a, bytes, n, &r, f->err) == RC_OK)
		f->wall_ms = r.wall_ms;
	arena_free(&a);
	if (rc != RC_OK)
		(void)err_prefix(f->err, "record %llu", (unsigned long long)seq);
	return (int)rc;
}

static enum rc
fold_journal(struct told *t, struct journal *j, bool why, struct err *err)
{
	const struct core_env env = {
		.mem = stdmem, .ctx = j, .sha256 = digest_sha256, .playbook = journal_playbook
	};
	struct folding f = { .core = core_new(&env, 0), .err = err };
	json_error_t je;
	struct buf b;
	enum rc rc;

	if (f.core == NULL)
		return err_set(err, RC_NOMEM, "out of memory");
	rc = store_fold(j->store, 1, fold_one, &f, err);
	if (rc == RC_OK) {
		buf_init(&b, &stdmem, STATUS_MAX);
		core_status(f.core, &b, why);
		t->status = json_loads(buf_text(&b), 0, &je);
		if (buf_failed(&b) || t->status == NULL)
			rc = err_set(
				err, RC_CORRUPT, "the status cannot be read back: %s", je.text);
		buf_fini(&b);
	}
	t->as_of_ms = f.wall_ms;
	core_free(&f.core);
	return rc;
}

static enum rc
read_journal(struct told *t, const struct cli *c, struct err *err)
{
	struct journal j;
	enum rc rc = journal_open(&j, c, err);

	if (rc == RC_OK)
		rc = fold_journal(t, &j, cli_opt(c, "why") != NULL, err);
	(void)snprintf(t->where, sizeof t->where, "%s", cli_state_dir(c));
	journal_close(&j);
	return rc;
}

/* --- said --- */

static void
say_text(const struct cli *c, const struct told *t)
{
	struct buf b;

	if (t->served) {
		printf("A ferryman serves %s.\n\n", t->where);
	} else {
		buf_init(&b, &stdmem, 64);
		num_put_time(&b, t->as_of_ms);
		printf("No ferryman is running: nothing is watched and nothing starts by itself.\n"
		       "From the journal in %s%s%s:\n\n",
			t->where, t->as_of_ms > 0 ? ", last record " : ", which is empty",
			t->as_of_ms > 0 ? buf_text(&b) : "");
		buf_fini(&b);
	}
	statustext_put(stdout, t->status, cli_colour(c));
}

/* 0 is for the eyes of cron: somebody watches. */
static int
exit_of(const struct told *t)
{
	return t->served ? CLI_DONE : CLI_FAILED;
}

static void
say_json(const struct told *t)
{
	json_t *o = json_object();
	char *text;

	(void)json_object_set_new(o, "verb", json_string("status"));
	(void)json_object_set_new(o, "exit", json_integer(exit_of(t)));
	(void)json_object_set_new(o, "served", json_boolean(t->served));
	(void)json_object_set_new(o, t->served ? "control" : "state", json_string(t->where));
	if (!t->served)
		(void)json_object_set_new(o, "as_of_wall_ms", json_integer(t->as_of_ms));
	(void)json_object_set(o, "status", t->status);
	text = json_dumps(o, JSON_COMPACT);
	printf("%s\n", text != NULL ? text : "{}");
	free(text);
	json_decref(o);
}

/* --follow: what happens from now on, a line for each thing; with --json the lines of the socket as
 * they are. */
static int
follow(const struct cli *c)
{
	char *path = cli_control_path(c);
	struct client *cl = NULL;
	json_t *o = json_object();
	struct err err = { 0 };
	enum rc rc = client_open(&cl, path, &err);

	free(path);
	(void)json_object_set_new(o, "req", json_string("follow"));
	(void)json_object_set_new(o, "verb", json_string("follow"));
	if (rc != RC_OK) {
		json_decref(o);
		return cli_fail(
			c, CLI_FAILED, "%s; start one with: ferryman watch PLAYBOOK", err.text);
	}
	rc = client_send(cl, o, &err);
	while (rc == RC_OK) {
		rc = client_next(cl, -1, &o, &err);
		if (rc != RC_OK)
			break;
		if (!cli_json(c))
			timeline_put(stdout, o, cli_colour(c));
		else if (json_dumpf(o, stdout, JSON_COMPACT) == 0)
			(void)fputc('\n', stdout);
		(void)fflush(stdout);
		json_decref(o);
	}
	client_close(&cl);
	return rc == RC_IO ? cli_fail(c, CLI_FAILED, "ferryman has ended") : cli_fail_err(c, &err);
}

static int
run_status(struct cli *c)
{
	struct told t = { 0 };
	struct err err = { 0 }, offline = { 0 };
	enum rc rc;
	int exit = CLI_DONE;

	if (cli_opt(c, "follow") != NULL)
		return follow(c);
	rc = ask(&t, c, &err);

	if (rc == RC_NOTFOUND) {
		rc = read_journal(&t, c, &offline);
		if (rc == RC_NOTFOUND)
			exit = cli_fail(c, CLI_FAILED,
				"%s, and %s; start one with: ferryman watch PLAYBOOK", err.text,
				offline.text);
		else if (rc != RC_OK)
			exit = cli_fail_err(c, &offline);
	} else if (rc != RC_OK) {
		exit = cli_fail_err(c, &err);
	}
	if (rc == RC_OK)
		exit = exit_of(&t);
	if (rc == RC_OK && cli_json(c))
		say_json(&t);
	else if (rc == RC_OK)
		say_text(c, &t);
	json_decref(t.status);
	return exit;
}

static const struct cli_opt opts[] = {
	{ "why", NULL, "with the evidence: every signal, what it last said, what is counted" },
	{ "follow", NULL,
		"tell what happens from now on, line by line, until ferryman or this terminal "
		"ends" },
	{ NULL, NULL, NULL },
};

const struct cli_verb verb_status = { "status", "", 0, 0, "Tell how things stand",
	"Asks the ferryman that is running. When none is, it says so and tells what the journal "
	"knows, which needs no lock "
	"and\nchanges nothing, and ends with 1: 0 is only said when somebody watches.",
	opts, run_status };
