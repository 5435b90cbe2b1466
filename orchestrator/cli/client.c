/* client.c - the control socket from outside, and the engine that is started when nobody serves it.
 */
#include "cli/client.h"

#include "os/stdmem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE_MAX_ = 16 * 1024 * 1024, END_PAUSE_MS = 20, END_TRIES = 500 /* 10 s */ };

struct client {
	int fd;
	pid_t engine; /* 0 = not ours */
	char *in;
	size_t len, cap;
};

enum rc
client_open(struct client **ret, const char *path, struct err *err)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct client *c;
	int fd;

	if (strlen(path) >= sizeof sa.sun_path)
		return err_set(err, RC_INVALID,
			"%s: a socket's path has at most %zu bytes; use --control", path,
			sizeof sa.sun_path - 1);
	(void)snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, RC_IO, "socket: %s", strerror(errno));
	if (connect(fd, (const struct sockaddr *)&sa, sizeof sa) != 0) {
		int e = errno;

		(void)close(fd);
		if (e == ENOENT || e == ECONNREFUSED)
			return err_set(err, RC_NOTFOUND, "no ferryman serves %s", path);
		return err_set(err, e == EACCES ? RC_DENIED : RC_IO,
			"cannot reach ferryman at %s: %s%s", path, strerror(e),
			e == EACCES ? "; are you in the group that may use it?" : "");
	}
	c = stdmem_get(sizeof *c);
	c->fd = fd;
	*ret = c;
	return RC_OK;
}

void
client_close(struct client **pc)
{
	struct client *c = *pc;

	if (c == NULL)
		return;
	*pc = NULL;
	(void)close(c->fd);
	free(c->in);
	free(c);
}

void
client_end(struct client **pc, bool run)
{
	pid_t engine = *pc != NULL ? (*pc)->engine : 0;

	client_close(pc);
	if (engine == 0)
		return;
	/*
	 * Without a run it ends by itself now that nobody asks any more (shell/control.c), with one
	 * soon after its last answer. One that goes on is left to init: it has a run, or somebody
	 * else has come to it meanwhile and needs it.
	 */
	for (int i = 0; i < (run ? 20 : END_TRIES) && waitpid(engine, NULL, WNOHANG) == 0; i++)
		(void)poll(NULL, 0, END_PAUSE_MS);
}

/* In the child: a session of its own, so that neither Ctrl-C nor a lost terminal reaches it. */
static void
become_engine(const struct cli *c, const char *playbook, const char *control, int ready)
{
	const char *argv[20];
	char fd[16], log[4096];
	sigset_t none;
	size_t n = 0;
	int out;

	(void)snprintf(fd, sizeof fd, "%d", ready);
	(void)snprintf(log, sizeof log, "%s/ferryman.log", cli_state_dir(c));
	argv[n++] = "ferryman";
	argv[n++] = "watch";
	argv[n++] = "--one-shot";
	argv[n++] = "--ready-fd";
	argv[n++] = fd;
	argv[n++] = "--control";
	argv[n++] = control;
	argv[n++] = "--state";
	argv[n++] = cli_state_dir(c);
	if (cli_opt(c, "credentials") != NULL) {
		argv[n++] = "--credentials";
		argv[n++] = cli_opt(c, "credentials");
	}
	if (cli_opt(c, "durations") != NULL) {
		argv[n++] = "--durations";
		argv[n++] = cli_opt(c, "durations");
	}
	argv[n++] = "--";
	argv[n++] = playbook;
	argv[n] = NULL;
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL); /* a mask outlives exec */
	(void)setsid();
	out = open("/dev/null", O_RDWR);
	(void)dup2(out, STDIN_FILENO);
	(void)dup2(out, STDOUT_FILENO);
	(void)mkdir(cli_state_dir(c), 0700);
	out = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (out >= 0)
		(void)dup2(out, STDERR_FILENO);
	(void)execv("/proc/self/exe", (char *const *)argv);
	_exit(127);
}

/* What the engine says when it cannot begin: "e<exit> <sentence>"; 'r' when it serves. */
static enum rc
await_ready(int fd, struct err *err)
{
	char text[1024];
	size_t n = 0;
	ssize_t got;

	while (n < sizeof text - 1) {
		got = read(fd, text + n, sizeof text - 1 - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
		if (text[0] == 'r')
			return RC_OK;
	}
	text[n] = '\0';
	if (n > 2 && text[0] == 'e')
		return err_set(err,
			text[1] == '3'	 ? RC_BUSY
			: text[1] == '2' ? RC_INVALID
			: text[1] == '4' ? RC_CORRUPT
					 : RC_IO,
			"%s", text + 3);
	return err_set(err, RC_IO,
		"the engine ended before it could serve; see ferryman.log in the state folder");
}

enum rc
client_engine(struct client **ret, const struct cli *c, const char *playbook, struct err *err)
{
	char *control = cli_control_path(c);
	int ready[2];
	pid_t pid;
	enum rc rc;

	if (pipe(ready) != 0) {
		free(control);
		return err_set(err, RC_IO, "pipe: %s", strerror(errno));
	}
	(void)fcntl(ready[0], F_SETFD, FD_CLOEXEC);
	pid = fork();
	if (pid == 0) {
		(void)close(ready[0]);
		become_engine(c, playbook, control, ready[1]);
	}
	(void)close(ready[1]);
	rc = pid > 0 ? await_ready(ready[0], err)
		     : err_set(err, RC_IO, "fork: %s", strerror(errno));
	(void)close(ready[0]);
	if (rc == RC_OK) {
		rc = client_open(ret, control, err);
		if (rc != RC_OK)
			(void)kill(pid, SIGTERM); /* nobody has ever asked it: it would wait */
	}
	if (rc == RC_OK)
		(*ret)->engine = pid;
	else if (pid > 0)
		(void)waitpid(pid, NULL, 0);
	free(control);
	return rc;
}

enum rc
client_send(struct client *c, json_t *o, struct err *err)
{
	char *text = json_dumps(o, JSON_COMPACT);
	size_t n = text != NULL ? strlen(text) : 0, at = 0;

	json_decref(o);
	if (text == NULL)
		return err_set(err, RC_INVALID, "the request is no valid UTF-8");
	text[n++] = '\n'; /* in the place of the NUL */
	while (at < n) {
		ssize_t put = send(c->fd, text + at, n - at, MSG_NOSIGNAL);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			break;
		at += (size_t)put;
	}
	free(text);
	return at == n ? RC_OK : err_set(err, RC_IO, "ferryman has gone away: %s", strerror(errno));
}

static bool
take_line(struct client *c, json_t **ret, struct err *err, enum rc *rc)
{
	char *nl = c->len > 0 ? memchr(c->in, '\n', c->len) : NULL;
	json_error_t je;
	size_t n;

	if (nl == NULL)
		return false;
	n = (size_t)(nl - c->in);
	*ret = json_loadb(c->in, n, 0, &je);
	*rc = *ret != NULL
		      ? RC_OK
		      : err_set(err, RC_CORRUPT, "ferryman's answer cannot be read: %s", je.text);
	memmove(c->in, nl + 1, c->len - n - 1);
	c->len -= n + 1;
	return true;
}

enum rc
client_next(struct client *c, int timeout_ms, json_t **ret, struct err *err)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	struct timespec limit = { .tv_sec = timeout_ms / 1000,
		.tv_nsec = timeout_ms % 1000 * 1000000L };
	sigset_t none; /* a verb that acts lets Unix signals in here alone (cmd_act.c) */
	ssize_t got;
	enum rc rc;
	int n;

	(void)sigemptyset(&none);
	for (;;) {
		if (take_line(c, ret, err, &rc))
			return rc;
		n = ppoll(&p, 1, timeout_ms >= 0 ? &limit : NULL, &none);
		if (n < 0)
			return errno == EINTR ? err_set(err, RC_BUSY, "interrupted")
					      : err_set(err, RC_IO, "poll: %s", strerror(errno));
		if (n == 0)
			return err_set(err, RC_TIMEOUT, "no answer within %d s", timeout_ms / 1000);
		if (c->cap - c->len < 65536) {
			c->cap = c->cap * 2 + 65536;
			c->in = realloc(c->in, c->cap);
			if (c->in == NULL || c->cap > LINE_MAX_)
				return err_set(err, RC_LIMIT, "an answer of more than 16 MiB");
		}
		got = recv(c->fd, c->in + c->len, c->cap - c->len, 0);
		if (got < 0 && errno == EINTR)
			return err_set(err, RC_BUSY, "interrupted");
		if (got <= 0)
			return err_set(err, RC_IO, "ferryman ended; see: ferryman status");
		c->len += (size_t)got;
	}
}
