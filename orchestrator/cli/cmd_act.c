/*
 * cmd_act.c - the verbs that act: each is a client of the control socket, in its own engine when
 * nobody serves.
 *
 * A run belongs to the engine. Ctrl-C asks what to do, a second one detaches; neither aborts the
 * run, nor does a terminal that is lost.
 */
#include "base/num.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/plain.h"
#include "cli/timeline.h"
#include "config/playbook.h"
#include "os/clock.h"
#include "os/stdmem.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OVERRIDES = 8, QUICKER_TRIES = 30, QUICKER_PAUSE_MS = 100 };

/* The one writable thing of the faces: a Unix signal can say nothing else. */
static volatile sig_atomic_t interrupted, hung_up;

static void
on_unix_signal(int n)
{
	if (n == SIGINT)
		interrupted = interrupted + 1;
	else
		hung_up = 1; /* the terminal is lost, or somebody wants us gone */
}

/* What one invocation of an acting verb needs. */
struct act {
	struct cli *c;
	struct client *client;
	struct playbook *pb;
	const char *verb;      /* of the control socket */
	const char *procedure; /* NULL = the engine chooses */
	const char *run;
	const char *name; /* of the playbook */
	char picked[64];  /* that name, when nobody said one */
	char reason[512];
	char hash[65];
	char run_id[64]; /* of the run that goes on */
	bool started;	 /* a run goes on */
	bool stands; /* the request is with the engine and goes on without us, for it waits (a soak)
			or makes its plan */
};

/* How a conversation ends when it has no exit code. */
enum { LEFT_RUN = -1, LOST = -2, LEFT_EARLY = -3 };

static void
catch_unix_signals(void)
{
	struct sigaction sa = { .sa_handler =
					on_unix_signal }; /* without SA_RESTART: poll must wake */

	sigset_t set;

	(void)sigaction(SIGINT, &sa, NULL);
	(void)sigaction(SIGHUP, &sa, NULL);
	(void)sigaction(SIGTERM, &sa, NULL);
	/* They are let in while we wait and nowhere else: one between the look and the wait would
	 * be lost. */
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
}

/* A line from the terminal; false at its end, or when a Unix signal came first. */
static bool
read_line(char *ret, size_t n)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	sigset_t none;

	(void)sigemptyset(&none);
	if (ppoll(&p, 1, NULL, &none) <= 0 || fgets(ret, (int)n, stdin) == NULL)
		return false;
	ret[strcspn(ret, "\n")] = '\0';
	return true;
}

static json_t *
request(const struct act *a, const char *verb)
{
	json_t *o = json_object();
	const char *over[OVERRIDES];
	size_t n = cli_opt_all(a->c, "override", over, OVERRIDES);
	json_t *list = json_array();

	(void)json_object_set_new(o, "req", json_string(verb));
	(void)json_object_set_new(o, "verb", json_string(verb));
	if (a->name != NULL)
		(void)json_object_set_new(o, "playbook", json_string(a->name));
	if (a->procedure != NULL)
		(void)json_object_set_new(o, "procedure", json_string(a->procedure));
	if (a->run != NULL)
		(void)json_object_set_new(o, "run", json_string(a->run));
	if (a->hash[0] != '\0')
		(void)json_object_set_new(o, "plan_hash", json_string(a->hash));
	if (a->reason[0] != '\0')
		(void)json_object_set_new(o, "reason", json_string(a->reason));
	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(list, json_string(over[i]));
	if (cli_opt(a->c, "now") != NULL)
		(void)json_array_append_new(list, json_string("soak"));
	(void)json_object_set_new(o, "overrides", list);
	return o;
}

static const char *
text_of(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

/* The run that was asked about on the terminal; it is refused from the pivot on. */
static void
send_abort(struct act *a)
{
	json_t *o = json_object();
	struct err err = { 0 };

	(void)json_object_set_new(o, "req", json_string("abort"));
	(void)json_object_set_new(o, "verb", json_string("abort"));
	(void)json_object_set_new(o, "playbook", json_string(a->name));
	(void)json_object_set_new(o, "run", json_string(a->run_id));
	(void)json_object_set_new(o, "reason", json_string("asked for at the terminal"));
	if (client_send(a->client, o, &err) != RC_OK)
		fprintf(stderr, "ferryman: %s\n", err.text);
}

/* "Ctrl-C asks": the run goes on whatever the answer. Returns true to detach. */
static bool
ask_interrupt(struct act *a)
{
	char line[16];

	interrupted = 0;
	if (!isatty(STDIN_FILENO))
		return true;
	fprintf(stderr, "\n%s [Enter] keep watching, %sd (or Ctrl-C again) = leave it alone: ",
		a->started ? "The run goes on."
			   : "What was asked for stands, and starts when it may.",
		a->started ? "a = abort it, " : "");
	(void)fflush(stderr);
	if (!read_line(line, sizeof line) || interrupted > 0 || hung_up != 0 || line[0] == 'd')
		return true;
	if (line[0] == 'a' && a->started)
		send_abort(a);
	return false;
}

/* What a Unix signal means now; 0 = go on. A lost terminal is no reason to ask anything there. */
static int
signalled(struct act *a)
{
	if (interrupted == 0 && hung_up == 0)
		return 0;
	if (!a->started && !a->stands)
		return LEFT_EARLY;
	return hung_up != 0 || ask_interrupt(a) ? LEFT_RUN : 0;
}

static void
note_started(struct act *a, const json_t *body)
{
	const char *run = text_of(body, "run");

	a->started = true;
	(void)snprintf(a->run_id, sizeof a->run_id, "%s", run != NULL ? run : "");
	if (run != NULL && !cli_json(a->c))
		printf("run %s started; it goes on without this terminal\n", run);
}

/* The answer to an abort that was asked for at the terminal; the run itself is awaited further. */
static void
note_abort(const json_t *o)
{
	const json_t *body = json_object_get(o, "body");
	const char *error = text_of(body, "error"), *text = text_of(body, "text");

	if (error == NULL && text == NULL)
		return;
	(void)fputs("ferryman abort: ", stderr);
	plain_line(stderr, error != NULL ? error : text);
	(void)fputc('\n', stderr);
}

/* One line of the socket. True when it is the last answer to req, then *ret_exit and *ret are set.
 */
static bool
take_line(struct act *a, json_t *o, const char *req, json_t **ret, int *ret_exit)
{
	const char *got = text_of(o, "req");

	if (json_object_get(o, "topic") != NULL) {
		if (!cli_json(a->c))
			timeline_put(stdout, o, cli_colour(a->c));
	} else if (text_eq(got, req) && json_is_true(json_object_get(o, "last"))) {
		*ret_exit = (int)json_integer_value(json_object_get(o, "exit"));
		*ret = json_incref(json_object_get(o, "body"));
		return true;
	} else if (text_eq(got, req)) {
		note_started(a, json_object_get(o, "body"));
	} else if (text_eq(got, "abort")) {
		note_abort(o);
	}
	return false;
}

/* Answers to one request until the last; status lines are shown meanwhile. The body is the
 * caller's. */
static int
await(struct act *a, const char *req, json_t **ret, struct err *err)
{
	int exit = 0;
	bool last = false;

	while (!last) {
		json_t *o = NULL;
		int why = signalled(a);
		enum rc rc;

		if (why != 0)
			return why;
		rc = client_next(a->client, -1, &o, err);
		if (rc == RC_BUSY)
			continue;
		if (rc != RC_OK)
			return LOST;
		last = take_line(a, o, req, ret, &exit);
		json_decref(o);
	}
	return exit;
}

/* The last word of a verb: JSON, or the sentence. */
static int
say_end(const struct act *a, int exit, json_t *body)
{
	const char *error = text_of(body, "error"), *text = text_of(body, "text");
	const json_t *reasons = json_object_get(body, "reasons");
	const json_t *one;
	size_t i;

	if (cli_json(a->c)) {
		char *out;

		(void)json_object_set_new(body, "verb", json_string(cli_name(a->c)));
		(void)json_object_set_new(body, "exit", json_integer(exit));
		out = json_dumps(body, JSON_COMPACT);
		printf("%s\n", out != NULL ? out : "{}");
		free(out);
		return exit;
	}
	if (error != NULL) {
		fprintf(stderr, "ferryman %s: ", cli_name(a->c));
		plain_line(stderr, error);
		(void)fputc('\n', stderr);
	}
	json_array_foreach(reasons, i, one)
	{
		(void)fputs("  because ", stderr);
		plain_line(stderr, json_string_value(one));
		(void)fputc('\n', stderr);
	}
	if (text != NULL) {
		plain_text(stdout, text);
		(void)fputc('\n', stdout);
	}
	if (exit == CLI_PENDING && error == NULL && text == NULL)
		printf("pending approval\n");
	return exit;
}

static int
detached(const struct act *a)
{
	if (cli_json(a->c))
		printf("{\"verb\":\"%s\",\"exit\":%d,\"run\":\"%s\",\"state\":\"left\"}\n",
			cli_name(a->c), CLI_PENDING, a->run_id);
	fprintf(stderr, "\nferryman %s: %s%s is left alone; it goes on. See: ferryman status\n",
		cli_name(a->c), a->started ? "run " : "the request", a->run_id);
	return CLI_PENDING;
}

/* Connect; `own`: start an engine for the playbook when nobody serves. */
/* Whoever has begun in the same moment and was quicker serves in the next. */
static enum rc
reach_the_quicker(struct act *a, const char *path)
{
	struct err err = { 0 };
	enum rc rc = client_open(&a->client, path, &err);

	for (int i = 0; rc == RC_NOTFOUND && i < QUICKER_TRIES; i++) {
		(void)poll(NULL, 0, QUICKER_PAUSE_MS);
		rc = client_open(&a->client, path, &err);
	}
	if (rc == RC_OK && !cli_json(a->c))
		fprintf(stderr, "another one has begun meanwhile; it will do it\n");
	return rc;
}

static int
reach(struct act *a, bool own)
{
	char *path = cli_control_path(a->c);
	struct err err = { 0 };
	enum rc rc = client_open(&a->client, path, &err);

	if (rc == RC_NOTFOUND && own) {
		if (!cli_json(a->c))
			fprintf(stderr,
				"no ferryman is running here; this one will do it (journal: %s)\n",
				cli_state_dir(a->c));
		err.rc = RC_OK;
		rc = client_engine(&a->client, a->c, a->pb->file, &err);
		if (rc == RC_BUSY && reach_the_quicker(a, path) == RC_OK)
			rc = RC_OK;
	}
	free(path);
	if (rc == RC_OK)
		return CLI_DONE;
	if (rc == RC_NOTFOUND)
		return cli_fail(
			a->c, CLI_FAILED, "%s; start it with: ferryman watch PLAYBOOK", err.text);
	return cli_fail_err(a->c, &err);
}

/* Send one request and await its end. */
static int
converse(struct act *a, const char *verb, json_t *o, json_t **ret)
{
	struct err err = { 0 };
	int exit;

	if (client_send(a->client, o, &err) != RC_OK)
		return cli_fail_err(a->c, &err);
	exit = await(a, verb, ret, &err);
	if (exit >= 0)
		a->stands = false; /* answered */
	if (exit == LEFT_RUN)
		return detached(a);
	if (exit == LEFT_EARLY)
		return cli_fail(a->c, CLI_FAILED,
			"left before a run began; ferryman status tells what came of it");
	if (exit == LOST)
		return cli_fail(a->c, CLI_FAILED, "%s", err.text);
	return exit;
}

static int
follow(struct act *a)
{
	struct err err = { 0 };
	json_t *o = json_object();

	(void)json_object_set_new(o, "req", json_string("follow"));
	(void)json_object_set_new(o, "verb", json_string("follow"));
	return client_send(a->client, o, &err) == RC_OK ? CLI_DONE : cli_fail_err(a->c, &err);
}

static bool
ask_line(const char *prompt, char *ret, size_t n)
{
	printf("%s", prompt);
	(void)fflush(stdout);
	return read_line(ret, n);
}

/* The person names the domain and says why; --yes DOMAIN and --reason TEXT do it without a
 * terminal. */
static int
confirm(struct act *a)
{
	const char *yes = cli_opt(a->c, "yes"), *reason = cli_opt(a->c, "reason");
	char line[300], prompt[400];

	if (yes == NULL && !isatty(STDIN_FILENO))
		return cli_fail(a->c, CLI_USAGE,
			"no terminal to ask on: give --yes %s and --reason TEXT",
			a->pb->domains[0]);
	if (yes == NULL) {
		(void)snprintf(prompt, sizeof prompt,
			"Type the domain's name (%s) to go on: ", a->pb->domains[0]);
		if (!ask_line(prompt, line, sizeof line))
			return cli_fail(a->c, CLI_GUARD, "not confirmed; nothing was done");
		yes = line;
	}
	if (!text_eq(yes, a->pb->domains[0]))
		return cli_fail(a->c, CLI_GUARD, "\"%s\" is not %s; nothing was done", yes,
			a->pb->domains[0]);
	if (reason == NULL && isatty(STDIN_FILENO) &&
		ask_line("Reason (for the journal): ", a->reason, sizeof a->reason))
		reason = a->reason;
	if (reason == NULL || reason[0] == '\0')
		return cli_fail(
			a->c, CLI_USAGE, "a reason is needed, for the journal: --reason TEXT");
	if (reason != a->reason)
		(void)snprintf(a->reason, sizeof a->reason, "%s", reason);
	return CLI_DONE;
}

/* The plan as the engine makes it now; its hash binds what follows. */
static int
show_plan(struct act *a)
{
	const char *want = cli_opt(a->c, "plan"), *hash, *text;
	json_t *o = request(a, "plan"), *body = NULL;
	int exit;

	(void)json_object_set_new(o, "of", json_string(a->verb));
	exit = converse(a, "plan", o, &body);
	if (exit != CLI_DONE) {
		if (body != NULL)
			(void)say_end(a, exit, body);
		json_decref(body);
		return exit;
	}
	hash = text_of(body, "plan_hash");
	text = text_of(body, "text");
	(void)snprintf(a->hash, sizeof a->hash, "%s", hash != NULL ? hash : "");
	if (text != NULL && !cli_json(a->c)) {
		plain_text(stdout, text);
		(void)fputc('\n', stdout);
	}
	if (want != NULL && strncmp(want, a->hash, strlen(want)) != 0)
		exit = cli_fail(a->c, CLI_GUARD,
			"the plan has changed: it is %s now, not %s; nothing was done", a->hash,
			want);
	json_decref(body);
	return exit;
}

static int
finish(struct act *a, int exit)
{
	client_end(&a->client, a->started || a->stands);
	playbook_unref(&a->pb);
	return exit;
}

/* cutover, failback and eject: show, ask, run. */
static int
run_procedure(struct cli *c, const char *verb)
{
	struct act a = { .c = c, .verb = verb, .procedure = cli_arg(c, 1) };
	json_t *body = NULL;
	int exit = CLI_DONE;

	a.pb = cli_playbook(c, cli_arg(c, 0), false, &exit);
	if (a.pb == NULL)
		return exit;
	a.name = a.pb->name;
	catch_unix_signals();
	exit = reach(&a, true);
	if (exit == CLI_DONE)
		exit = follow(&a);
	if (exit == CLI_DONE)
		exit = show_plan(&a);
	if (exit == CLI_DONE)
		exit = confirm(&a);
	if (exit == CLI_DONE) {
		a.stands = true;
		exit = converse(&a, verb, request(&a, verb), &body);
		if (body != NULL)
			exit = say_end(&a, exit, body);
		json_decref(body);
	}
	return finish(&a, exit);
}

/* --- one request, one answer --- */

static bool
is_name(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n > 0 && s[n] == '\0';
}

/*
 * Whoever approves or pauses need not be able to read the playbook's file: a name that ferryman
 * knows is enough. A file that is there is read for its name.
 */
static int
name_playbook(struct act *a, bool own)
{
	const char *arg = cli_arg(a->c, 0);
	char *path;
	bool there;
	int exit = CLI_DONE;

	if (arg == NULL)
		return CLI_DONE; /* the only one that ferryman knows: pick_playbook */
	path = cli_playbook_path(arg);
	there = access(path, R_OK) == 0;
	free(path);
	if (!there && !own && is_name(arg)) {
		a->name = arg;
		return CLI_DONE;
	}
	a->pb = cli_playbook(a->c, arg, true, &exit);
	a->name = a->pb != NULL ? a->pb->name : NULL;
	return exit;
}

/* The name of the one playbook that the status speaks of; NULL with several or none, and their
 * names in list. */
static const char *
only_playbook(const json_t *status, char *list, size_t n)
{
	const json_t *machines = json_object_get(status, "machines"), *one;
	const char *first = NULL;
	size_t i, names = 0;

	list[0] = '\0';
	json_array_foreach(machines, i, one)
	{
		const char *name = text_of(one, "playbook");

		if (name == NULL || (i > 0 && text_eq(name, text_of(json_array_get(machines, i - 1),
								    "playbook"))))
			continue;
		(void)snprintf(
			list + strlen(list), n - strlen(list), "%s%s", names > 0 ? ", " : "", name);
		first = first != NULL ? first : name;
		names++;
	}
	return names == 1 ? first : NULL;
}

/* Nobody named a playbook: the only one is meant. */
static int
pick_playbook(struct act *a)
{
	json_t *o = json_object(), *body = NULL;
	const char *name;
	char list[512];
	int exit;

	(void)json_object_set_new(o, "req", json_string("status"));
	(void)json_object_set_new(o, "verb", json_string("status"));
	exit = converse(a, "status", o, &body);
	if (body == NULL)
		return exit;
	name = only_playbook(body, list, sizeof list);
	(void)snprintf(a->picked, sizeof a->picked, "%s", name != NULL ? name : "");
	a->name = a->picked;
	if (name == NULL)
		exit = cli_fail(a->c, CLI_USAGE,
			list[0] != '\0' ? "which playbook? there are: %s"
					: "ferryman has no playbook%s",
			list);
	json_decref(body);
	return exit;
}

static int
simple_request(struct act *a, json_t **ret)
{
	const char *span = cli_opt(a->c, "for");
	json_t *o = request(a, a->verb);
	int64_t ms = 0;

	if (span != NULL && !num_duration(span, &ms)) {
		json_decref(o);
		return cli_fail(
			a->c, CLI_USAGE, "--for %s: want a duration such as 30m or 4h", span);
	}
	if (span != NULL)
		(void)json_object_set_new(o, "expires", json_integer(clock_wall_ms() + ms));
	return converse(a, a->verb, o, ret);
}

static int
run_simple(struct cli *c, const char *verb, bool own, bool streams)
{
	struct act a = { .c = c, .verb = verb };
	const char *reason = cli_opt(c, "reason"), *plan = cli_opt(c, "plan");
	json_t *body = NULL;
	int exit = name_playbook(&a, own);

	if (exit != CLI_DONE)
		return exit;
	a.run = cli_opt(c, "continue") != NULL ? cli_opt(c, "continue") : cli_opt(c, "run");
	(void)snprintf(a.reason, sizeof a.reason, "%s", reason != NULL ? reason : "");
	(void)snprintf(a.hash, sizeof a.hash, "%s", plan != NULL ? plan : "");
	catch_unix_signals();
	exit = reach(&a, own);
	if (exit == CLI_DONE && a.name == NULL)
		exit = pick_playbook(&a);
	if (exit == CLI_DONE && streams)
		exit = follow(&a);
	a.stands = streams;
	if (exit == CLI_DONE) {
		exit = simple_request(&a, &body);
		if (body != NULL)
			exit = say_end(&a, exit, body);
		json_decref(body);
	}
	return finish(&a, exit);
}

static int
run_cutover(struct cli *c)
{
	if (cli_opt(c, "continue") != NULL)
		return run_simple(c, "continue", true, true);
	return run_procedure(c, "cutover");
}

static int
run_failback(struct cli *c)
{
	if (cli_opt(c, "continue") != NULL)
		return run_simple(c, "continue", true, true);
	if ((cli_opt(c, "now") != NULL) == (cli_opt(c, "wait") != NULL))
		return cli_fail(c, CLI_USAGE,
			"say --now (leaves the soak out, which the journal keeps) or --wait (until "
			"the primary has "
			"been healthy for the soak)");
	return run_procedure(c, "failback");
}

static int
run_abort(struct cli *c)
{
	return run_simple(c, "abort", false, true);
}

static int
run_eject(struct cli *c)
{
	return run_procedure(c, "eject");
}

static int
run_approve(struct cli *c)
{
	return run_simple(c, "approve", false, false);
}
static int
run_deny(struct cli *c)
{
	return run_simple(c, "deny", false, false);
}
static int
run_pause(struct cli *c)
{
	if (cli_opt(c, "reason") == NULL)
		return cli_fail(c, CLI_USAGE,
			"a reason is needed, for whoever finds it paused: --reason TEXT");
	return run_simple(c, "pause", false, false);
}
static int
run_resume(struct cli *c)
{
	return run_simple(c, "resume", false, false);
}
static int
run_ack(struct cli *c)
{
	return run_simple(c, "ack", false, false);
}

static const struct cli_opt procedure_opts[] = {
	{ "yes", "DOMAIN", "do not ask: the domain's name, typed here instead" },
	{ "reason", "TEXT", "why, for the journal" },
	{ "plan", "HASH", "go on only if the plan still has this hash (or begins so)" },
	{ "override", "GUARD",
		"bypass a guard by its name; the journal keeps it; may be given several times" },
	{ "continue", "RUN", "finish an orphaned or blocked run instead of starting one" },
	{ NULL, NULL, NULL },
};
static const struct cli_opt failback_opts[] = {
	{ "now", NULL, "without the soak; the journal keeps that this guard was bypassed" },
	{ "wait", NULL, "wait until the primary has been healthy for the soak" },
	{ "yes", "DOMAIN", "do not ask: the domain's name, typed here instead" },
	{ "reason", "TEXT", "why, for the journal" },
	{ "plan", "HASH", "go on only if the plan still has this hash (or begins so)" },
	{ "override", "GUARD",
		"bypass a guard by its name; the journal keeps it; may be given several times" },
	{ "continue", "RUN", "finish an orphaned or blocked run instead of starting one" },
	{ NULL, NULL, NULL },
};
static const struct cli_opt people_opts[] = {
	{ "plan", "HASH", "the plan that is meant; refused if another one is pending" },
	{ "reason", "TEXT", "why, for the journal" },
	{ NULL, NULL, NULL },
};
static const struct cli_opt run_opts[] = {
	{ "run", "RUN", "the run that is meant; refused if it is another one" },
	{ "reason", "TEXT", "why, for the journal" },
	{ NULL, NULL, NULL },
};
static const struct cli_opt pause_opts[] = {
	{ "for", "DURATION", "how long, e.g. 4h; without it until somebody resumes" },
	{ "reason", "TEXT", "why, for the journal and for whoever finds it paused" },
	{ NULL, NULL, NULL },
};
static const struct cli_opt eject_opts[] = {
	{ "yes", "DOMAIN", "do not ask: the domain's name, typed here instead" },
	{ "reason", "TEXT", "why, for the journal" },
	{ "plan", "HASH", "go on only if the plan still has this hash (or begins so)" },
	{ "override", "GUARD",
		"bypass a guard by its name (queues, pause); the journal keeps it; may be given "
		"several "
		"times" },
	{ NULL, NULL, NULL },
};

const struct cli_verb verb_cutover = { "cutover", "PLAYBOOK [PROCEDURE]", 1, 2,
	"Take the mail across: show the plan, ask, run with progress",
	"Shows the plan with its hash, asks for the domain's name and a reason, then runs it bound "
	"to that hash. If a\n"
	"ferryman is watching, it does the work; else this verb does, for one run. The run goes on "
	"when the terminal\n"
	"is lost; Ctrl-C asks, a second one leaves it alone.",
	procedure_opts, run_cutover };
const struct cli_verb verb_failback = { "failback", "PLAYBOOK [PROCEDURE]", 1, 2,
	"Bring the mail back to the primary path, in shares",
	"Like cutover, in the other direction: verifies the primary first, then moves the mail in "
	"the shares that the\n"
	"playbook names.",
	failback_opts, run_failback };
const struct cli_verb verb_abort = { "abort", "[PLAYBOOK]", 0, 1,
	"Turn a run round before its pivot",
	"Undoes what the run has done so far, in reverse order. From the pivot on it is refused: "
	"use failback.",
	run_opts, run_abort };
const struct cli_verb verb_eject = { "eject", "PLAYBOOK", 1, 1,
	"Take ferryman out of the targets and prove it",
	"Shows the plan and asks, as cutover does. Then each value that ferryman has changed goes "
	"to "
	"what it was before,\n"
	"and ferryman's number is removed from every target; each is read back. Only from normal, "
	"and "
	"not while the backup's\n"
	"queue may still hold mail. The brake goes on with it and stays on: resume takes ferryman "
	"in "
	"again.",
	eject_opts, run_eject };
const struct cli_verb verb_approve = { "approve", "[PLAYBOOK]", 0, 1,
	"Approve the plan that is pending",
	"Bound to the plan's hash that was shown. Exit code 5 while more approvals are needed. "
	"PLAYBOOK may be left out "
	"when there\nis only one, here and for deny, pause, resume, ack and abort.",
	people_opts, run_approve };
const struct cli_verb verb_deny = { "deny", "[PLAYBOOK]", 0, 1, "Deny the plan that is pending",
	"ferryman stands down until the diagnosis clears.", people_opts, run_deny };
const struct cli_verb verb_pause = { "pause", "[PLAYBOOK]", 0, 1,
	"Put the brake on: nothing starts by itself",
	"A step that runs comes to its end, no other begins. cutover, failback, abort and eject "
	"are "
	"refused while the\nbrake is on, unless they name it: --override pause.",
	pause_opts, run_pause };
const struct cli_verb verb_resume = { "resume", "[PLAYBOOK]", 0, 1, "Take the brake off",
	"The opposite of pause.", people_opts, run_resume };
const struct cli_verb verb_ack = { "ack", "[PLAYBOOK]", 0, 1,
	"Take note of an alarm or a blocked run",
	"Says that a person knows and acts; repeated alarms stop.", run_opts, run_ack };
