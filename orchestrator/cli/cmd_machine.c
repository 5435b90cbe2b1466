/* cmd_machine.c - the lifecycle as it is built, and the other documents that only the program can
 * print. */
#include "cli/cli.h"
#include "config/playbook.h"
#include "connector.h"
#include "core/lifecycle.h"
#include "os/stdmem.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_MAX_ = 4 * 1024 * 1024 };

static int
print(struct buf *b, int exit)
{
	if (buf_failed(b) || fputs(buf_text(b), stdout) < 0)
		exit = CLI_FAILED;
	buf_fini(b);
	return exit;
}

static int
run_machine(struct cli *c)
{
	bool dot = cli_opt(c, "dot") != NULL, cells = cli_opt(c, "cells") != NULL;
	int empty = 0;
	struct buf b;

	if (dot == cells)
		return cli_fail(c, CLI_USAGE, "say --dot or --cells");
	buf_init(&b, &stdmem, TEXT_MAX_);
	if (dot)
		lifecycle_dot(&b);
	else
		lifecycle_cells(&b, cli_json(c), &empty);
	return print(&b, empty > 0 ? CLI_FAILED : CLI_DONE);
}

static int
run_docs(struct cli *c)
{
	const char *what = cli_arg(c, 0);
	struct buf b;

	buf_init(&b, &stdmem, TEXT_MAX_);
	if (strcmp(what, "man") == 0)
		help_man(&b);
	else if (strcmp(what, "playbook") == 0)
		playbook_schema_md(&b, registry_infos());
	else if (strcmp(what, "schema") == 0)
		playbook_schema_json(&b, registry_infos());
	else
		return cli_fail(c, CLI_USAGE, "\"%s\": want man, playbook or schema", what);
	return print(&b, CLI_DONE);
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
const struct cli_verb verb_docs = { "docs", "man|playbook|schema", 1, 1,
	"Print the documents that are generated from tables",
	"The man page's source, the reference of playbook keys, or their JSON Schema.", none,
	run_docs };
