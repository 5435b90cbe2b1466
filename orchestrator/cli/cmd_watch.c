/* cmd_watch.c - the daemon. With --one-shot it is the engine of one foreground verb. */
#include "base/num.h"
#include "cli/cli.h"
#include "os/log.h"
#include "os/stdmem.h"
#include "shell/shell.h"
#include "state/store.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { BOOKS_MAX = 64, ROOM_EVERY_S = 2 };

/* The process that waits for us to serve learns why we do not (client.c reads it). */
static void
tell_parent(int fd, int exit, const char *why)
{
	if (fd >= 0)
		(void)dprintf(fd, "e%d %s", exit, why);
}

/*
 * A disk that fills up ends a daemon's work, and room begins it anew from the journal. Its first
 * start does not wait: whoever is there to see it is told.
 */
static int
serve(struct shell_opts *o, struct err *err)
{
	int exit = shell_run(o, err);
	bool begun = exit == CLI_BLOCKED;

	while (begun && err->rc == RC_FULL && !o->one_shot) {
		log_kv(LOG_ERROR_, "no-room", "why", err->text, "then",
			"nothing is sent until there is room");
		while (store_room(o->state_dir, &(struct err){ 0 }) == RC_FULL)
			(void)sleep(ROOM_EVERY_S);
		log_kv(LOG_INFO_, "room", "dir", o->state_dir);
		o->new_era = false;
		o->ready_fd = -1;
		*err = (struct err){ 0 };
		exit = shell_run(o, err);
	}
	return exit;
}

static int
run_watch(struct cli *c)
{
	const char *books[BOOKS_MAX];
	const char *fd = cli_opt(c, "ready-fd");
	struct passwd *pw = getpwuid(geteuid());
	char holder[256];
	int64_t n = -1;
	struct err err = { 0 };
	struct shell_opts o = { .state_dir = cli_state_dir(c),
		.credentials = cli_opt(c, "credentials"),
		.durations = cli_opt(c, "durations"),
		.one_shot = cli_opt(c, "one-shot") != NULL,
		.new_era = cli_opt(c, "new-era") != NULL,
		.playbooks = books,
		.holder = holder };
	char *control = cli_control_path(c);
	int exit;

	/* Started as /proc/self/exe its name would be "exe", and nobody would find it by its own.
	 */
	(void)prctl(PR_SET_NAME, "ferryman");
	if (fd != NULL && (!num_int(fd, &n) || n < 0 || n > 1024))
		return cli_fail(c, CLI_USAGE, "--ready-fd %s is no file descriptor", fd);
	for (int i = 0; i < cli_args(c) && i < BOOKS_MAX; i++)
		books[o.playbooks_n++] = cli_playbook_path(cli_arg(c, i));
	(void)snprintf(holder, sizeof holder, "%s, pid %d, user %s",
		o.one_shot ? "one run" : "watch", (int)getpid(), pw != NULL ? pw->pw_name : "?");
	o.control_path = control;
	o.ready_fd = (int)n;
	exit = serve(&o, &err);
	if (exit != CLI_DONE && err.text[0] != '\0') {
		tell_parent((int)n, exit, err.text);
		(void)cli_fail(c, exit, "%s", err.text);
	}
	for (size_t i = 0; i < o.playbooks_n; i++)
		free((char *)books[i]);
	free(control);
	return exit;
}

static const struct cli_opt opts[] = {
	{ "new-era", NULL,
		"after the journal was restored from a copy: begin a new era, fence every target "
		"first" },
	{ "one-shot", NULL, NULL },
	{ "ready-fd", "FD", NULL },
	{ NULL, NULL, NULL },
};

const struct cli_verb verb_watch = { "watch", "PLAYBOOK...", 1, BOOKS_MAX,
	"The daemon: watch the signals and act as the playbooks say",
	"Stays in the foreground and logs to standard error, for a service manager. Holds the "
	"journal's lock and serves\n"
	"the control socket. Exit code 3 when somebody else holds the lock, and who. SIGTERM stops "
	"it gracefully; a run\n"
	"that is open is finished by whoever starts next. When the "
	"disk fills up it sends nothing\nmore, and goes on by itself as soon as there is room.",
	opts, run_watch };
