/*
 * cmd_machine.c - the lifecycle as it is built, and the other documents that only the program can
 * print.
 */
#include "base/json.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/statesdoc.h"
#include "config/playbook.h"
#include "connector.h"
#include "core/lifecycle.h"
#include "core/record.h"
#include "os/stdmem.h"

#include <stdio.h>

enum { TEXT_MAX_ = 4 * 1024 * 1024 };

/* Text as it is, or with --json as the member `key` of an object. */
static int
print(const struct cli *c, const char *key, const struct buf *text, int exit)
{
	struct buf b;
	struct jw w;
	bool failed = buf_failed(text);

	if (!cli_json(c))
		return failed || fputs(buf_text(text), stdout) < 0 ? CLI_FAILED : exit;
	buf_init(&b, &stdmem, 2 * TEXT_MAX_);
	jw_init(&w, &b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "verb", cli_name(c));
	jw_int(&w, "exit", exit);
	if (text_eq(key, "machine") || text_eq(key, "schema"))
		jw_raw(&w, key, buf_text(text)); /* is JSON itself */
	else
		jw_str(&w, key, buf_text(text));
	jw_close(&w, '}');
	failed = failed || buf_failed(&b) || puts(buf_text(&b)) < 0;
	buf_fini(&b);
	return failed ? CLI_FAILED : exit;
}

static int
run_machine(struct cli *c)
{
	bool dot = cli_opt(c, "dot") != NULL, cells = cli_opt(c, "cells") != NULL;
	int empty = 0, exit;
	struct buf b;

	if (dot == cells)
		return cli_fail(c, CLI_USAGE, "say --dot or --cells");
	buf_init(&b, &stdmem, TEXT_MAX_);
	if (dot)
		lifecycle_dot(&b);
	else
		lifecycle_cells(&b, cli_json(c), &empty);
	exit = print(c, dot ? "dot" : "machine", &b, empty > 0 ? CLI_FAILED : CLI_DONE);
	buf_fini(&b);
	return exit;
}

static void
put_playbook(struct buf *b)
{
	playbook_schema_md(b, registry_infos());
}

static void
put_schema(struct buf *b)
{
	playbook_schema_json(b, registry_infos());
}

static const struct {
	const char *name, *key;
	void (*put)(struct buf *);
} documents[] = {
	{ "man", "text", help_man },
	{ "playbook", "text", put_playbook },
	{ "schema", "schema", put_schema },
	{ "records", "text", record_doc },
	{ "states", "text", statesdoc_put },
};

static int
run_docs(struct cli *c)
{
	struct buf b;
	int exit = CLI_USAGE;

	buf_init(&b, &stdmem, TEXT_MAX_);
	for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
		if (!text_eq(documents[i].name, cli_arg(c, 0)))
			continue;
		documents[i].put(&b);
		exit = print(c, documents[i].key, &b, CLI_DONE);
	}
	if (exit == CLI_USAGE)
		exit = cli_fail(c, CLI_USAGE,
			"\"%s\": want man, playbook, schema, records or states", cli_arg(c, 0));
	buf_fini(&b);
	return exit;
}

static const struct cli_opt opts[] = {
	{ "dot", NULL, "Graphviz text of the transitions" },
	{ "cells", NULL, "every cell of state x event x flags, and their count" },
	{ NULL, NULL, NULL },
};
static const struct cli_opt none[] = { { NULL, NULL, NULL } };

const struct cli_verb verb_machine = { "machine", "--dot|--cells", 0, 0,
	"Print the state machine as it is built",
	"The same table that the program runs on. --cells fails when a cell is empty.", opts,
	run_machine };
const struct cli_verb verb_docs = { "docs", "man|playbook|schema|records|states", 1, 1,
	"Print the documents that are generated from tables",
	"The source of this manual page, the reference of playbook keys, their JSON Schema, the "
	"records of the journal, or the\n"
	"state machine.",
	none, run_docs };
