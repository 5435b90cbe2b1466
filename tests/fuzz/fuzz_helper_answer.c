/*
 * fuzz_helper_answer.c - what the helper on a relay answers, as ferryman reads it. The first line
 * of an input says what was asked (hello, read, apply, fence) and how the command ended: "exited
 * N", "lost", "refused", "not-sent".
 */
/* parser: connectors/relay/postfix.c reply_fini reply_field reply_read end_without_answer greeted
 * on_ssh request_put netstring */
#include "fuzz/fake_net.h"
#include "fuzz/fuzz.h"

#include "relay/postfix.c"

static struct {
	ssh_fn *fn;
	void *ctx;
} asked;
static int answers;

struct ssh_job *
ssh_exec(struct ssh *s, const struct ssh_command *c, ssh_fn *fn, void *ctx)
{
	(void)s;
	if (c->in_n == 0)
		abort();
	asked.fn = fn;
	asked.ctx = ctx;
	return (struct ssh_job *)&asked;
}

bool
ssh_cancel(struct ssh_job **job)
{
	bool was = *job != NULL;

	*job = NULL;
	asked.fn = NULL;
	return was;
}

enum rc
ssh_new(struct ssh **ret, struct net *net, const struct ssh_opts *o, struct err *err)
{
	(void)net;
	(void)o;
	(void)err;
	*ret = NULL;
	return RC_OK;
}

void
ssh_free(struct ssh **s)
{
	*s = NULL;
}

static void
on_done(void *ctx, const struct conn_done *d)
{
	(void)ctx;
	answers++;
	if (d->state != NULL && (d->state->value == NULL || d->state->why == NULL))
		abort();
}

static void
begin(struct conn *c, const char *line)
{
	struct effect e = { .resource = "relay.park corp.example",
		.base = "",
		.want = "parked\n",
		.store = "00112233445566778899aabbccddeeff",
		.lsn = 9,
		.options = "",
		.deadline_ms = 60000 };

	if (strncmp(line, "hello", 5) == 0) {
		postfix_selftest(c, 7, 60000);
	} else if (strncmp(line, "apply", 5) == 0 || strncmp(line, "fence", 5) == 0) {
		e.dir = line[0] == 'f' ? CONN_FENCE : CONN_DO;
		postfix_apply(c, 7, &e);
	} else {
		postfix_read(c, 7,
			&(struct read_req){ .resource = "relay.route corp.example",
				.from = CONN_READ_TARGET,
				.deadline_ms = 60000 });
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *at = (const char *)data, *end = at + n, *from = "", *how;
	struct conn_env env = {
		.net = fake_net(), .done = on_done, .name = "hub", .playbook = "p"
	};
	struct conn *c = stdmem_get(sizeof *c);
	size_t line_n = 0;

	c->env = env;
	c->ops = (struct ops){ .env = &c->env, .stop = op_stop, .drop = op_drop };
	answers = 0;
	(void)fuzz_line(&at, end, &from, &line_n);
	char *line = fuzz_text(from, line_n), *out = fuzz_text(at, (size_t)(end - at));
	begin(c, line);
	how = strchr(line, ' ');
	how = how != NULL ? how + 1 : "";
	struct ssh_result r = { .end = strncmp(how, "exited", 6) == 0 ? SSH_EXITED
				       : strcmp(how, "lost") == 0     ? SSH_MAYBE_SENT
				       : strcmp(how, "refused") == 0  ? SSH_REFUSED
								      : SSH_NOT_SENT,
		.status = strlen(how) > 7 ? (int)strtol(how + 7, NULL, 10) : 0,
		.out = out,
		.out_n = (size_t)(end - at),
		.errout = "sh: not found",
		.errout_n = 13,
		.why = "the fuzzer says so" };
	for (int i = 0; i < 4 && asked.fn != NULL; i++) {
		ssh_fn *fn = asked.fn;

		asked.fn = NULL;
		fn(asked.ctx, &r);
	}
	fake_pass_all();
	postfix_close(&c);
	if (answers != 1)
		abort(); /* an operation ends exactly once */
	fake_net_end();
	free(line);
	free(out);
	return 0;
}
