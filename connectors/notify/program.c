/*
 * program.c - tell a person by a program of the organisation's own: a pager, a telephone, a chat.
 *
 * In the picture: the notifier that needs neither mail nor single sign-on. The program is started
 * by its argument list, never by a shell; what is said goes to its standard input and into its
 * environment, never into arguments. One notification is one process in a session of its own; at
 * the deadline the whole session's group is killed.
 */
#include "base/text.h"
#include "ops.h"
#include "os/stdmem.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { ARGS_MAX = 16, TEXT_MAX = 65536 };

static const struct schema_row rows[] = {
	{ .key = "program",
		.type = V_STR,
		.flags = SR_REQUIRED | SR_LIST,
		.doc = "The program by its full path, and its arguments, as a list. No shell reads "
		       "them." },
	{ .key = "timeout",
		.type = V_DURATION,
		.def = "30s",
		.min = "1s",
		.max = "5m",
		.doc = "After so long it is killed, with all that it started." },
	{ .key = NULL },
};

struct conn {
	struct ops ops;
	struct conn_env env;
	char *argv[ARGS_MAX + 1];
	int64_t timeout_ms;
};

struct notify_op;

/* The process outlives its operation: libuv's handles are freed when both are closed. */
struct child {
	uv_process_t process;
	uv_pipe_t in;
	uv_write_t write;
	char *text;
	int handles;
	bool running;
	struct notify_op *op; /* NULL = nobody waits */
};

struct notify_op {
	struct op op; /* first */
	struct conn *conn;
	struct child *child;
	struct net_timer *deadline;
};

static void
on_closed(uv_handle_t *h)
{
	struct child *k = h->data;

	if (--k->handles > 0)
		return;
	free(k->text);
	free(k);
}

static void
close_once(uv_handle_t *h)
{
	if (!uv_is_closing(h))
		uv_close(h, on_closed);
}

static void
child_let_go(struct child *k)
{
	if (k->op != NULL)
		k->op->child = NULL;
	k->op = NULL;
	if (k->running) /* its own session: the negative number means all of its group */
		(void)kill(-k->process.pid, SIGKILL);
	close_once((uv_handle_t *)&k->in);
	if (!k->running)
		close_once((uv_handle_t *)&k->process);
}

static bool
op_stop(struct op *op)
{
	struct notify_op *o = (struct notify_op *)op;
	bool started = o->child != NULL;

	net_timer_stop(&o->deadline);
	if (started)
		child_let_go(o->child);
	return started;
}

static void
op_drop(struct op *op)
{
	(void)op_stop(op);
	free(op);
}

static void
on_exit_(uv_process_t *p, int64_t status, int sig)
{
	struct child *k = p->data;
	struct notify_op *o = k->op;

	k->running = false;
	child_let_go(k);
	close_once((uv_handle_t *)&k->process);
	if (o == NULL)
		return;
	if (sig != 0)
		ops_end(&o->op, OUT_UNKNOWN, "%s was killed by unix signal %d", o->conn->argv[0],
			sig);
	else if (status != 0)
		ops_end(&o->op, OUT_RETRY, "%s ended with exit code %d", o->conn->argv[0],
			(int)status);
	else
		ops_end(&o->op, OUT_DONE, "%s", "");
}

static void
on_deadline(void *ctx)
{
	struct notify_op *o = ctx;

	net_timer_stop(&o->deadline);
	child_let_go(o->child);
	ops_end(&o->op, OUT_UNKNOWN, "%s did not end in time and was killed", o->conn->argv[0]);
}

static void
on_written(uv_write_t *w, int status)
{
	struct child *k = w->data;

	(void)status; /* a program that does not read its input is no fault */
	close_once((uv_handle_t *)&k->in);
}

static void
feed(struct child *k)
{
	uv_buf_t b = uv_buf_init(k->text, (unsigned)strlen(k->text));

	k->write.data = k;
	if (uv_write(&k->write, (uv_stream_t *)&k->in, &b, 1, on_written) != 0)
		close_once((uv_handle_t *)&k->in);
}

/* A small environment of its own: nothing of ferryman's leaks into it. */
static int
spawn(struct conn *c, struct child *k, const char *severity, const char *head)
{
	char level[64], top[352], book[160];
	char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	     lang[] = "LC_ALL=C.UTF-8";
	char *env[] = { path, lang, level, top, book, NULL };
	uv_stdio_container_t io[3] = {
		{ .flags = UV_CREATE_PIPE | UV_READABLE_PIPE,
			.data.stream = (uv_stream_t *)&k->in },
		{ .flags = UV_IGNORE },
		{ .flags = UV_IGNORE },
	};
	const uv_process_options_t po = { .exit_cb = on_exit_,
		.file = c->argv[0],
		.args = c->argv,
		.env = env,
		.flags = UV_PROCESS_DETACHED, /* setsid */
		.stdio_count = 3,
		.stdio = io };

	(void)snprintf(level, sizeof level, "FERRYMAN_SEVERITY=%.40s", severity);
	(void)snprintf(top, sizeof top, "FERRYMAN_HEAD=%.320s", head != NULL ? head : "");
	(void)snprintf(book, sizeof book, "FERRYMAN_PLAYBOOK=%.130s", c->env.playbook);
	return uv_spawn(net_loop(c->env.net), &k->process, &po);
}

static void
program_notify(struct conn *c, op_id id, const char *severity, const char *text, const char *head)
{
	struct notify_op *o = stdmem_get(sizeof *o);
	struct child *k = stdmem_get(sizeof *k);

	o->conn = c;
	ops_add(&c->ops, &o->op, id, OP_NOTIFY, 0);
	k->process.data = k;
	k->in.data = k;
	k->handles = 2;
	k->text = strndup(text, TEXT_MAX);
	(void)uv_pipe_init(net_loop(c->env.net), &k->in, 0);
	int rc = spawn(c, k, severity, head);
	if (rc != 0 || k->text == NULL) {
		child_let_go(k); /* uv_spawn leaves a handle to be closed also when it fails */
		ops_later(&o->op, rc == UV_ENOENT || rc == UV_EACCES ? OUT_REFUSED : OUT_RETRY,
			"%s could not be started: %s", c->argv[0], uv_strerror(rc));
		return;
	}
	k->running = true;
	k->op = o;
	o->child = k;
	o->deadline = net_timer_start(c->env.net, c->timeout_ms, on_deadline, o);
	feed(k);
}

static enum rc
program_check(const struct cfg *cfg, struct err *err)
{
	size_t n = cfg_len(cfg, "program");

	if (n == 0 || n > ARGS_MAX)
		return err_set(err, RC_INVALID,
			"program: the full path of a program and at most %d arguments",
			ARGS_MAX - 1);
	if (cfg_str_at(cfg, "program", 0)[0] != '/')
		return err_set(err, RC_INVALID, "program: \"%s\" is no full path",
			cfg_str_at(cfg, "program", 0));
	return RC_OK;
}

static enum rc
program_open(struct conn **ret, const struct cfg *cfg, const struct conn_env *env, struct err *err)
{
	enum rc rc = program_check(cfg, err);

	if (rc != RC_OK)
		return rc;
	struct conn *c = stdmem_get(sizeof *c);
	c->env = *env;
	c->ops = (struct ops){ .env = &c->env, .stop = op_stop, .drop = op_drop };
	c->timeout_ms = cfg_int(cfg, "timeout");
	for (size_t i = 0; i < cfg_len(cfg, "program"); i++)
		c->argv[i] = stdmem_str(cfg_str_at(cfg, "program", i));
	*ret = c;
	return RC_OK;
}

static void
program_cancel(struct conn *c, op_id id)
{
	ops_cancel(&c->ops, id);
}

static void
program_close(struct conn **c)
{
	if (*c == NULL)
		return;
	ops_close(&(*c)->ops);
	for (size_t i = 0; (*c)->argv[i] != NULL; i++)
		free((*c)->argv[i]);
	free(*c);
	*c = NULL;
}

const struct connector program_connector = {
	.info = { .name = "program",
		.fence = FENCE_NONE,
		.caps = CAP_NOTIFY,
		.schema = rows,
		.check = program_check },
	.open = program_open,
	.notify = program_notify,
	.cancel = program_cancel,
	.close = program_close,
};
