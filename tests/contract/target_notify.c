/*
 * target_notify.c - notifier program: what the program gets, what its end means, and that nothing
 * of a message is ever an argument or read by a shell.
 */
#include "contract/target_rig.h"

#include <time.h>

extern const struct connector program_connector;

#define HOSTILE "a; touch pwned `touch pwned` $(touch pwned)\n\"quoted\" 'single' \\ \xc3\xa9\n"

static char yaml[600], script[300];

static void
program_is(const char *text)
{
	rig_put("notify", text);
	CHECK(chmod(rig_file("notify"), 0700) == 0);
}

static void
begin(const char *args, const char *timeout)
{
	(void)snprintf(script, sizeof script, "%s", rig_file("notify"));
	(void)snprintf(yaml, sizeof yaml, "program: [%s%s]\ntimeout: %s\n", script, args, timeout);
}

static op_id
say(const char *severity, const char *text, const char *head)
{
	op_id op = ++rig.last;

	rig.got[op % OPS_MAX] = (struct got){ 0 };
	rig.kind->notify(rig.conn, op, severity, text, head);
	CHECK_INT(rig.got[op % OPS_MAX].times, 0);
	return op;
}

static char *
file_text(const char *name)
{
	static char s[65536];
	FILE *f = fopen(rig_file(name), "re");

	s[0] = '\0';
	if (f != NULL) {
		s[fread(s, 1, sizeof s - 1, f)] = '\0';
		(void)fclose(f);
	}
	return s;
}

static void
text_goes_to_its_input_and_the_rest_to_its_environment(void)
{
	program_is("#!/bin/sh\ncd \"${0%/*}\"\ncat > text\nprintf '%s\\n' \"$@\" > args\nenv | "
		   "sort > env\n");
	begin(", --team, \"two words; touch pwned\"", "10s");
	OPEN(&program_connector, yaml);
	CHECK_INT(rig_wait(say("alarm", HOSTILE, "abc123"), 5000)->outcome, OUT_DONE);
	CHECK_STR(file_text("text"), HOSTILE);
	CHECK_STR(file_text("args"), "--team\ntwo words; touch pwned\n");
	const char *env = file_text("env");
	CHECK(strstr(env, "FERRYMAN_SEVERITY=alarm\n") != NULL &&
		strstr(env, "FERRYMAN_HEAD=abc123\n") != NULL &&
		strstr(env, "FERRYMAN_PLAYBOOK=test\n") != NULL);
	CHECK(strstr(env, "HOME=") == NULL &&
		strstr(env, "USER=") == NULL); /* nothing of ours leaks */
	CHECK(access(rig_file("pwned"), F_OK) != 0);
	rig_close();
}

static void
its_end_is_its_answer(void)
{
	begin("", "10s");
	OPEN(&program_connector, yaml);
	program_is("#!/bin/sh\nexit 3\n");
	CHECK_INT(rig_wait(say("info", "x", ""), 5000)->outcome, OUT_RETRY);
	program_is("#!/bin/sh\nkill -9 $$\n");
	CHECK_INT(rig_wait(say("info", "x", ""), 5000)->outcome, OUT_UNKNOWN);
	program_is("#!/bin/sh\nexec 0<&-\nexit 0\n"); /* does not read: no fault */
	CHECK_INT(rig_wait(say("info", "x", ""), 5000)->outcome, OUT_DONE);
	CHECK(unlink(rig_file("notify")) == 0);
	CHECK_INT(rig_wait(say("info", "x", ""), 5000)->outcome, OUT_REFUSED);
	rig_put("notify", "not to be started\n");
	CHECK_INT(rig_wait(say("info", "x", ""), 5000)->outcome, OUT_REFUSED);
	rig_close();
}

static int
number(const char *s)
{
	return (int)strtol(s, NULL, 10);
}

static bool
alive(const char *pid_file)
{
	int pid = number(file_text(pid_file));
	char path[64];

	(void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
	FILE *f = pid > 1 ? fopen(path, "re") : NULL;
	if (f == NULL)
		return false;
	char c = 'Z';
	(void)!fscanf(f, "%*d %*s %c", &c);
	(void)fclose(f);
	return c != 'Z';
}

/* Until a file has a line, or the limit is past. */
static void
wait_file(const char *name)
{
	for (int i = 0; i < 250 && strchr(file_text(name), '\n') == NULL; i++) {
		struct timespec t = { 0, 10000000 };
		(void)uv_run(&rig.loop, UV_RUN_NOWAIT);
		(void)nanosleep(&t, NULL);
	}
}

static void
at_the_deadline_all_of_it_is_killed(void)
{
	program_is(
		"#!/bin/sh\ncd \"${0%/*}\"\nsleep 60 &\necho $! > child\necho $$ > self\nwait\n");
	begin("", "1s");
	OPEN(&program_connector, yaml);
	const struct got *g = rig_wait(say("alarm", "x", ""), 5000);
	CHECK_INT(g->outcome, OUT_UNKNOWN);
	for (int i = 0; i < 100 && (alive("self") || alive("child")); i++) {
		struct timespec t = { 0, 10000000 };
		(void)nanosleep(&t, NULL);
	}
	CHECK(number(file_text("child")) > 1 && !alive("child") && !alive("self"));
	rig_close();
}

static void
cancel_and_close_end_it_once(void)
{
	program_is("#!/bin/sh\ncd \"${0%/*}\"\necho $$ > started\nsleep 60\n");
	begin("", "60s");
	OPEN(&program_connector, yaml);
	op_id a = say("alarm", "x", ""), b = say("alarm", "y", "");
	wait_file("started");
	rig.kind->cancel(rig.conn, a);
	CHECK_INT(rig.got[a % OPS_MAX].times, 0);
	CHECK_INT(rig_wait(a, 3000)->outcome, OUT_UNKNOWN);
	rig.kind->close(&rig.conn);
	CHECK_INT(rig.got[b % OPS_MAX].times, 1);
	CHECK_INT(rig.got[b % OPS_MAX].outcome, OUT_UNKNOWN);
	rig_close();
	CHECK(!alive("started"));
}

static void
a_program_without_its_path_is_refused(void)
{
	CHECK(!rig_open(&program_connector, "program: [page-duty]\n"));
	rig_close();
	CHECK(!rig_open(&program_connector, "program: []\n"));
	rig_close();
}

int
main(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	rig_dir_new();
	TEST(text_goes_to_its_input_and_the_rest_to_its_environment);
	TEST(its_end_is_its_answer);
	TEST(at_the_deadline_all_of_it_is_killed);
	TEST(cancel_and_close_end_it_once);
	TEST(a_program_without_its_path_is_refused);
	(void)RUN("rm", "-rf", "--", rig.dir);
	return check_end();
}
