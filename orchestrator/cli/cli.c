/* cli.c - dispatch by the table of verbs, options, where things lie, how errors are said. */
#include "cli/cli.h"
#include "cli/plain.h"

#include "base/json.h"
#include "base/text.h"
#include "config/playbook.h"
#include "core/record.h"
#include "os/stdmem.h"
#include "shell/load.h"
#include "state/store.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ETC_DIR "/etc/ferryman"
#define STATE_DIR "/var/lib/ferryman"
#define CONTROL_PATH "/run/ferryman/control.sock"

enum { GIVEN_MAX = 64, VERBS_MAX = 64, SCHEMA_VERSION = 1 };

struct cli {
	const struct cli_verb *verb;
	struct {
		const char *name, *value;
	} given[GIVEN_MAX];
	size_t given_n;
	const char **args;
	int args_n;
};

const struct cli_opt cli_common[] = {
	{ "json", NULL, "answer with one JSON object on standard output (docs/schemas/)" },
	{ "state", "DIR",
		"folder of the journal (default " STATE_DIR
		"); its control socket is then DIR/control.sock" },
	{ "control", "SOCKET", "control socket (default " CONTROL_PATH ")" },
	{ "credentials", "DIR",
		"folder in which {file: ...} secrets lie (default: the playbook's own folder)" },
	{ "durations", "FILE",
		"overlay that replaces durations of the playbook, for drills and tests; what it "
		"replaces is printed" },
	{ "help", NULL, "this text" },
	{ NULL, NULL, NULL },
};

const char *
cli_opt(const struct cli *c, const char *name)
{
	const char *last = NULL;

	for (size_t i = 0; i < c->given_n; i++)
		if (strcmp(c->given[i].name, name) == 0)
			last = c->given[i].value;
	return last;
}

size_t
cli_opt_all(const struct cli *c, const char *name, const char **ret, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < c->given_n && n < max; i++)
		if (strcmp(c->given[i].name, name) == 0)
			ret[n++] = c->given[i].value;
	return n;
}

const char *
cli_arg(const struct cli *c, int i)
{
	return i < c->args_n ? c->args[i] : NULL;
}

const char *
cli_name(const struct cli *c)
{
	return c->verb->name;
}

int
cli_args(const struct cli *c)
{
	return c->args_n;
}

bool
cli_json(const struct cli *c)
{
	return cli_opt(c, "json") != NULL;
}

bool
cli_colour(const struct cli *c)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return !cli_json(c) && isatty(STDOUT_FILENO) && (no == NULL || no[0] == '\0') &&
	       term != NULL && strcmp(term, "dumb") != 0;
}

int
cli_fail(const struct cli *c, int exit, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	fprintf(stderr, "ferryman%s%s: ", c->verb != NULL ? " " : "",
		c->verb != NULL ? c->verb->name : "");
	plain_line(stderr, text);
	(void)fputc('\n', stderr);
	if (cli_json(c)) {
		struct buf b;
		struct jw w;

		buf_init(&b, &stdmem, 16384);
		jw_init(&w, &b);
		jw_open(&w, NULL, '{');
		jw_str(&w, "verb", c->verb != NULL ? c->verb->name : "");
		jw_int(&w, "exit", exit);
		jw_str(&w, "error", text);
		jw_close(&w, '}');
		printf("%s\n", buf_text(&b));
		buf_fini(&b);
	}
	return exit;
}

int
cli_fail_err(const struct cli *c, const struct err *err)
{
	int exit = CLI_FAILED;

	if (err->rc == RC_INVALID)
		exit = CLI_USAGE;
	else if (err->rc == RC_BUSY || err->rc == RC_DENIED)
		exit = CLI_GUARD;
	else if (err->rc == RC_CORRUPT || err->rc == RC_UNSUPPORTED)
		exit = CLI_BLOCKED;
	return cli_fail(c, exit, "%s", err->text);
}

const char *
cli_state_dir(const struct cli *c)
{
	const char *dir = cli_opt(c, "state");

	return dir != NULL ? dir : STATE_DIR;
}

char *
cli_control_path(const struct cli *c)
{
	const char *path = cli_opt(c, "control"), *dir = cli_opt(c, "state");
	char *text = NULL;

	if (path != NULL)
		return stdmem_str(path);
	if (dir == NULL)
		return stdmem_str(CONTROL_PATH);
	if (asprintf(&text, "%s/control.sock", dir) < 0)
		stdmem_out();
	return text;
}

char *
cli_playbook_path(const char *arg)
{
	char *text = NULL;

	if (strchr(arg, '/') != NULL || access(arg, F_OK) == 0)
		return stdmem_str(arg);
	if (asprintf(&text, ETC_DIR "/%s%s", arg, text_ends(arg, ".yaml") ? "" : ".yaml") < 0)
		stdmem_out();
	if (access(text, F_OK) == 0)
		return text;
	free(text);
	return stdmem_str(arg);
}

static void
say_findings(const struct findings *f, bool quiet)
{
	for (size_t i = 0; i < findings_n(f); i++) {
		struct buf b;

		if (quiet && findings_at(f, i)->level != FIND_ERROR)
			continue;
		buf_init(&b, &stdmem, 16384);
		finding_put(&b, findings_at(f, i));
		fprintf(stderr, "%s\n", buf_text(&b));
		buf_fini(&b);
	}
}

static void
say_overlay(const struct playbook *pb)
{
	struct buf b;

	buf_init(&b, &stdmem, 1 << 20);
	playbook_overlay_put(&b, pb);
	if (b.len > 0)
		fprintf(stderr, "durations replaced by the overlay:\n%s", buf_text(&b));
	buf_fini(&b);
}

struct playbook *
cli_playbook(struct cli *c, const char *arg, bool quiet, int *ret_exit)
{
	char *path = cli_playbook_path(arg);
	struct findings *f = NULL;
	struct err err = { 0 };
	struct playbook *pb = load_playbook(path, cli_opt(c, "durations"), &f, &err);

	if (f != NULL)
		say_findings(f, quiet);
	if (pb == NULL && f != NULL)
		*ret_exit = cli_fail(c, CLI_USAGE, "%s: %zu error%s, see above; nothing was done",
			path, findings_errors(f), findings_errors(f) == 1 ? "" : "s");
	else if (pb == NULL)
		*ret_exit =
			cli_fail(c, err.rc == RC_NOMEM ? CLI_FAILED : CLI_USAGE, "%s", err.text);
	else if (!quiet)
		say_overlay(pb);
	findings_free(&f);
	free(path);
	return pb;
}

/* --- parsing --- */

static const struct cli_opt *
find_opt(const struct cli_opt *o, const char *name, size_t n)
{
	for (; o != NULL && o->name != NULL; o++)
		if (strlen(o->name) == n && strncmp(o->name, name, n) == 0)
			return o;
	return NULL;
}

static int
unknown_opt(const struct cli *c, const char *arg)
{
	const char *names[GIVEN_MAX];
	const char *near;
	size_t n = 0;

	for (const struct cli_opt *o = c->verb->opts; o != NULL && o->name != NULL && n < GIVEN_MAX;
		o++)
		if (o->doc != NULL)
			names[n++] = o->name;
	for (const struct cli_opt *o = cli_common; o->name != NULL && n < GIVEN_MAX; o++)
		names[n++] = o->name;
	near = text_nearest(arg + 2, names, n);
	return cli_fail(c, CLI_USAGE, "unknown option %s%s%s%s; see: ferryman %s --help", arg,
		near != NULL ? "; did you mean --" : "", near != NULL ? near : "",
		near != NULL ? "?" : "", c->verb->name);
}

/* One "--name", "--name value" or "--name=value"; returns how many arguments were used, 0 = error
 * (said). */
static int
take_opt(struct cli *c, int left, char **argv)
{
	const char *eq = strchr(argv[0], '=');
	size_t n = eq != NULL ? (size_t)(eq - argv[0]) - 2 : strlen(argv[0]) - 2;
	const struct cli_opt *o = find_opt(c->verb->opts, argv[0] + 2, n);

	if (o == NULL)
		o = find_opt(cli_common, argv[0] + 2, n);
	if (o == NULL)
		return unknown_opt(c, argv[0]), 0;
	if (o->arg == NULL && eq != NULL)
		return cli_fail(c, CLI_USAGE, "--%s takes no value", o->name), 0;
	if (o->arg != NULL && eq == NULL && left < 2)
		return cli_fail(c, CLI_USAGE, "--%s needs a value: --%s %s", o->name, o->name,
			       o->arg),
		       0;
	if (c->given_n == GIVEN_MAX)
		return cli_fail(c, CLI_USAGE, "more than %d options", GIVEN_MAX), 0;
	c->given[c->given_n].name = o->name;
	c->given[c->given_n++].value = o->arg == NULL ? "" : eq != NULL ? eq + 1 : argv[1];
	return o->arg != NULL && eq == NULL ? 2 : 1;
}

static int
parse(struct cli *c, int argc, char **argv)
{
	bool only_args = false;

	for (int i = 0; i < argc;) {
		if (!only_args && strcmp(argv[i], "--") == 0) {
			only_args = true;
			i++;
		} else if (!only_args && strcmp(argv[i], "-h") == 0) {
			c->given[c->given_n].name = "help";
			c->given[c->given_n++].value = "";
			i++;
		} else if (!only_args && strncmp(argv[i], "--", 2) == 0) {
			int used = take_opt(c, argc - i, argv + i);

			if (used == 0)
				return CLI_USAGE;
			i += used;
		} else {
			c->args[c->args_n++] = argv[i++];
		}
	}
	if (cli_opt(c, "help") != NULL)
		return CLI_DONE;
	if (c->args_n < c->verb->min_args ||
		(c->verb->max_args >= 0 && c->args_n > c->verb->max_args))
		return cli_fail(
			c, CLI_USAGE, "usage: ferryman %s %s", c->verb->name, c->verb->args);
	return CLI_DONE;
}

static int
print_version(bool json)
{
	if (json)
		printf("{\"version\":\"%s\",\"playbook_schema\":%d,\"record\":%d,\"store\":%d}\n",
			FERRYMAN_VERSION, SCHEMA_VERSION, RECORD_VERSION, store_schema_version());
	else
		printf("ferryman %s (playbook schema %d, record %d, store %d)\n", FERRYMAN_VERSION,
			SCHEMA_VERSION, RECORD_VERSION, store_schema_version());
	return CLI_DONE;
}

static int
unknown_verb(const char *name)
{
	const char *names[VERBS_MAX];
	const char *near;
	size_t n = 0;

	for (const struct cli_verb *const *v = verbs_all(); *v != NULL && n < VERBS_MAX; v++)
		names[n++] = (*v)->name;
	near = text_nearest(name, names, n);
	fprintf(stderr, "ferryman: unknown verb \"%s\"%s%s%s; see: ferryman --help\n", name,
		near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
		near != NULL ? "\"?" : "");
	return CLI_USAGE;
}

static int
print_help(const struct cli_verb *v)
{
	struct buf b;

	buf_init(&b, &stdmem, 1 << 20);
	if (v != NULL)
		help_verb(&b, v);
	else
		help_all(&b);
	(void)fputs(buf_text(&b), stdout);
	buf_fini(&b);
	return CLI_DONE;
}

static const struct cli_verb *
find_verb(const char *name)
{
	for (const struct cli_verb *const *v = verbs_all(); *v != NULL; v++)
		if (strcmp((*v)->name, name) == 0)
			return *v;
	return NULL;
}

static int
run_verb(const struct cli_verb *v, int argc, char **argv)
{
	struct cli *c = stdmem_get(sizeof *c);
	int exit;

	c->verb = v;
	c->args = stdmem_get(((size_t)argc + 1) * sizeof *c->args);
	if (v->run == NULL && (argc == 0 || strcmp(argv[0], "--help") != 0)) {
		exit = cli_fail(c, CLI_USAGE, "known, but not built yet; see: ferryman --help");
	} else {
		exit = v->run == NULL ? CLI_DONE : parse(c, argc, argv);
		if (exit == CLI_DONE)
			exit = v->run == NULL || cli_opt(c, "help") != NULL ? print_help(v)
									    : v->run(c);
	}
	if (fflush(stdout) != 0 && exit == CLI_DONE)
		exit = CLI_FAILED;
	free(c->args);
	free(c);
	return exit;
}

int
cli_main(int argc, char **argv)
{
	const char *first = argc > 1 ? argv[1] : "--help";
	const struct cli_verb *v;

	if (strcmp(first, "--version") == 0)
		return print_version(argc > 2 && strcmp(argv[2], "--json") == 0);
	if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 ||
		strcmp(first, "help") == 0) {
		v = argc > 2 ? find_verb(argv[2]) : NULL;
		if (argc > 2 && v == NULL)
			return unknown_verb(argv[2]);
		(void)print_help(v);
		return argc > 1 ? CLI_DONE : CLI_USAGE;
	}
	v = find_verb(first);
	return v != NULL ? run_verb(v, argc - 2, argv + 2) : unknown_verb(first);
}
