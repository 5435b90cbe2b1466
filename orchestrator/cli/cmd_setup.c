/* cmd_setup.c - what to install or create at a target, with the minimum of rights, and how to
 * remove it. */
#include "cli/cli.h"
#include "config/playbook.h"
#include "base/json.h"
#include "connector.h"
#include "os/stdmem.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_MAX_ = 1024 * 1024 };

static int
unknown_target(const struct cli *c, const struct playbook *pb, const char *name)
{
	struct buf b;
	int exit;

	buf_init(&b, &stdmem, 4096);
	for (size_t i = 0; i < pb->targets_n; i++)
		buf_fmt(&b, "%s%s", i > 0 ? ", " : "", pb->targets[i].name);
	exit = cli_fail(
		c, CLI_USAGE, "%s has no target \"%s\"; it has: %s", pb->file, name, buf_text(&b));
	buf_fini(&b);
	return exit;
}

/* The path that mail takes when this playbook has cut over outbound mail; NULL = none by a relay.
 */
static const struct path *
backup_of(const struct playbook *pb)
{
	for (size_t i = 0; i < pb->procedures_n; i++) {
		const struct procedure *p = &pb->procedures[i];
		if (p->kind == PROC_CUTOVER && p->to != NULL && p->to->relay.host != NULL)
			return p->to;
	}
	return NULL;
}

/* A connector knows its own settings alone. What a target is set up with of the playbook's paths
 * stands in its text as a word in capitals, and is filled in here. */
static void
fill_in(struct buf *out, const char *text, const struct playbook *pb)
{
	static const char way[] = "PATH-OF-THE-PLAYBOOK", relay[] = "[RELAY]:587";
	const struct path *to = backup_of(pb);

	while (*text != '\0') {
		if (to != NULL && strncmp(text, way, sizeof way - 1) == 0) {
			buf_str(out, to->name);
			text += sizeof way - 1;
		} else if (to != NULL && strncmp(text, relay, sizeof relay - 1) == 0) {
			buf_str(out, to->relay.host);
			text += sizeof relay - 1;
		} else {
			buf_char(out, *text++);
		}
	}
}

static int
run_setup(struct cli *c)
{
	const struct connector *kind;
	const struct target *t;
	struct playbook *pb;
	struct buf own, b;
	int exit = CLI_DONE;

	if (cli_opt(c, "print") == NULL)
		return cli_fail(c, CLI_USAGE,
			"ferryman prints what to do and does not do it at targets by itself: add "
			"--print");
	pb = cli_playbook(c, cli_arg(c, 1), true, &exit);
	if (pb == NULL)
		return exit;
	t = playbook_target(pb, cli_arg(c, 0));
	kind = t != NULL ? registry_find(t->info->name) : NULL;
	if (t == NULL) {
		exit = unknown_target(c, pb, cli_arg(c, 0));
	} else {
		buf_init(&own, &stdmem, TEXT_MAX_);
		buf_init(&b, &stdmem, TEXT_MAX_);
		kind->setup(t->cfg, pb->name, &own);
		fill_in(&b, buf_text(&own), pb);
		buf_fini(&own);
		if (cli_json(c)) {
			struct buf j;
			struct jw w;

			buf_init(&j, &stdmem, 2 * TEXT_MAX_);
			jw_init(&w, &j);
			jw_open(&w, NULL, '{');
			jw_str(&w, "verb", "setup");
			jw_int(&w, "exit", CLI_DONE);
			jw_str(&w, "target", t->name);
			jw_str(&w, "connector", t->info->name);
			jw_str(&w, "text", buf_text(&b));
			jw_close(&w, '}');
			printf("%s\n", buf_text(&j));
			buf_fini(&j);
		} else {
			(void)fputs(buf_text(&b), stdout);
		}
		buf_fini(&b);
	}
	playbook_unref(&pb);
	return exit;
}

static const struct cli_opt opts[] = {
	{ "print", NULL, "print it (required: nothing is done at the target)" },
	{ NULL, NULL, NULL },
};

const struct cli_verb verb_setup = { "setup", "TARGET PLAYBOOK", 2, 2,
	"Print what a target needs, with the minimum of rights",
	"The exact commands and files that prepare a target of the playbook for ferryman, and "
	"those that remove them again.",
	opts, run_setup };
