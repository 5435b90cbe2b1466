/* cmd_check.c - is the playbook right, as far as files alone can tell? Changes nothing, asks
 * nobody. */
#include "base/json.h"
#include "cli/cli.h"
#include "config/playbook.h"
#include "connector.h"
#include "os/stdmem.h"
#include "shell/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCHEMA_MAX = 4 * 1024 * 1024, BOOKS_MAX = 64 };

static int
print_schema(void)
{
	struct buf b;
	int exit;

	buf_init(&b, &stdmem, SCHEMA_MAX);
	playbook_schema_json(&b, registry_infos());
	exit = buf_failed(&b) || puts(buf_text(&b)) < 0 ? CLI_FAILED : CLI_DONE;
	buf_fini(&b);
	return exit;
}

static void
put_finding(struct jw *w, const struct finding *f)
{
	jw_open(w, NULL, '{');
	jw_str(w, "file", f->file);
	jw_int(w, "line", f->at.line);
	jw_int(w, "column", f->at.col);
	jw_str(w, "level", f->level == FIND_ERROR ? "error" : "warning");
	jw_str(w, "rule", f->rule);
	jw_str(w, "path", f->path);
	jw_str(w, "text", f->text);
	jw_close(w, '}');
}

static void
say(const struct finding *f)
{
	struct buf b;

	buf_init(&b, &stdmem, 16384);
	finding_put(&b, f);
	printf("%s\n", buf_text(&b));
	buf_fini(&b);
}

/* One file: its findings into w (JSON) or onto standard output. */
static struct playbook *
check_one(struct cli *c, const char *arg, struct jw *w, size_t *errors, size_t *warnings,
	struct err *err)
{
	char *path = cli_playbook_path(arg);
	struct findings *f = NULL;
	struct playbook *pb = load_playbook(path, cli_opt(c, "durations"), &f, err);

	for (size_t i = 0; f != NULL && i < findings_n(f); i++) {
		const struct finding *one = findings_at(f, i);

		*(one->level == FIND_ERROR ? errors : warnings) += 1;
		if (w != NULL)
			put_finding(w, one);
		else
			say(one);
	}
	if (pb != NULL && w == NULL) {
		struct buf b;

		buf_init(&b, &stdmem, SCHEMA_MAX);
		playbook_overlay_put(&b, pb);
		if (b.len > 0)
			printf("durations replaced by the overlay:\n%s", buf_text(&b));
		buf_fini(&b);
	}
	findings_free(&f);
	free(path);
	return pb;
}

static int
run_check(struct cli *c)
{
	struct playbook *books[BOOKS_MAX] = { 0 };
	const struct playbook *all[BOOKS_MAX];
	size_t errors = 0, warnings = 0, n = 0;
	struct err err = { 0 };
	struct buf b;
	struct jw w;
	int exit = CLI_DONE;

	if (cli_opt(c, "schema") != NULL)
		return print_schema();
	if (cli_opt(c, "online") != NULL)
		return cli_fail(c, CLI_USAGE,
			"--online is known, but not built yet; plan reads every target: ferryman "
			"plan PLAYBOOK");
	if (cli_args(c) == 0 || cli_args(c) > BOOKS_MAX)
		return cli_fail(c, CLI_USAGE, "usage: ferryman check PLAYBOOK...");
	buf_init(&b, &stdmem, SCHEMA_MAX);
	jw_init(&w, &b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "verb", "check");
	jw_open(&w, "findings", '[');
	for (int i = 0; i < cli_args(c); i++) {
		books[n] = check_one(
			c, cli_arg(c, i), cli_json(c) ? &w : NULL, &errors, &warnings, &err);
		if (books[n] != NULL) {
			all[n] = books[n];
			n++;
		} else if (err.rc != RC_OK) {
			exit = cli_fail(
				c, err.rc == RC_NOMEM ? CLI_FAILED : CLI_USAGE, "%s", err.text);
			break;
		}
	}
	if (exit == CLI_DONE && errors == 0 && playbooks_conflict(all, n, &err) != RC_OK)
		exit = cli_fail(c, CLI_USAGE, "%s", err.text);
	if (exit == CLI_DONE) {
		exit = errors > 0 ? CLI_USAGE : CLI_DONE;
		jw_close(&w, ']');
		jw_uint(&w, "errors", errors);
		jw_uint(&w, "warnings", warnings);
		jw_int(&w, "exit", exit);
		jw_close(&w, '}');
		if (cli_json(c))
			printf("%s\n", buf_text(&b));
		else
			printf("%d playbook%s, %zu error%s, %zu warning%s\n", cli_args(c),
				cli_args(c) == 1 ? "" : "s", errors, errors == 1 ? "" : "s",
				warnings, warnings == 1 ? "" : "s");
	}
	for (size_t i = 0; i < n; i++)
		playbook_unref(&books[i]);
	buf_fini(&b);
	return exit;
}

static const struct cli_opt opts[] = {
	{ "schema", NULL, "print the JSON Schema of playbooks, for editors" },
	{ "online", NULL, "also ask the targets (not built yet)" },
	{ NULL, NULL, NULL },
};

const struct cli_verb verb_check = { "check", "PLAYBOOK...", 0, -1,
	"Check playbooks: keys, values, meaning, lint",
	"Prints every error and warning in one go, in the order of the file. Asks nobody and "
	"changes nothing.",
	opts, run_check };
