/*
 * fuzz_tenant.c - JSON replies of a tenant's admin interface and of its token endpoint. An input is
 * a list of replies: a line "HTTP STATUS [RETRY-AFTER-SECONDS]" (or LOST, REFUSED, NOT-SENT), then
 * the body up to the next such line. Its very first line says what is done: read, apply-on or
 * apply-off.
 */
/* parser: connectors/tenant/exchange_online.c text_of error_text not_found token_take by_text
 * exceptions_read connector_fault rule_fault rule_value found looked_back rule_take take refused
 * on_http */
#include "fuzz/fake_net.h"
#include "fuzz/fuzz.h"

#include "tenant/exchange_online.c"

/* Signing is not parsing. */
enum rc
assertion_put(
	struct buf *b, const struct secret *pem, const struct assertion_claims *c, struct err *err)
{
	(void)pem;
	(void)c;
	(void)err;
	buf_str(b, "a.b.c");
	return RC_OK;
}

enum rc
assertion_check(const struct secret *pem, struct err *err)
{
	(void)pem;
	(void)err;
	return RC_OK;
}

static int answers;

static void
on_done(void *ctx, const struct conn_done *d)
{
	(void)ctx;
	answers++;
	if (d->state != NULL && d->state->outcome == OUT_DONE &&
		!exchange_hand_value_ok(d->state->value) &&
		strlen(d->state->value) < VALUE_MAX - 20 && strchr(d->state->value, '@') == NULL &&
		d->state->value[0] != 'e')
		abort();
}

static bool
reply_head(const char *p, size_t n, struct http_result *r)
{
	char line[64];
	int seconds = 0;

	(void)snprintf(line, sizeof line, "%.*s", (int)(n < 60 ? n : 60), p);
	*r = (struct http_result){ .end = HTTP_ANSWERED, .type = "", .why = "the fuzzer says so" };
	if (sscanf(line, "HTTP %3d %6d", &r->status, &seconds) >= 1 && r->status >= 100) {
		r->retry_after_ms = seconds > 0 ? (int64_t)seconds * 1000 : 0;
		return true;
	}
	r->end = strcmp(line, "LOST") == 0	? HTTP_MAYBE_SENT
		 : strcmp(line, "REFUSED") == 0 ? HTTP_REFUSED
						: HTTP_NOT_SENT;
	return r->end != HTTP_NOT_SENT || strcmp(line, "NOT-SENT") == 0;
}

/* The next reply of the input, or a connection that is lost. */
static void
answer(const struct fake_request *rq, const char **at, const char *end)
{
	const char *line, *from, *past;
	struct http_result r, next;
	size_t n;

	if (!fuzz_line(at, end, &line, &n) || !reply_head(line, n, &r))
		r = (struct http_result){
			.end = HTTP_MAYBE_SENT, .type = "", .why = "nothing came"
		};
	for (from = past = *at; fuzz_line(at, end, &line, &n) && !reply_head(line, n, &next);
		past = *at)
		continue;
	*at = past;
	char *body = fuzz_text(from, (size_t)(past - from));
	r.body = body;
	r.body_n = (size_t)(past - from);
	rq->http(rq->ctx, &r);
	free(body);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *at = (const char *)data, *end = at + n, *line = "";
	struct conn_env env = {
		.net = fake_net(), .done = on_done, .name = "tenant", .playbook = "p"
	};
	struct conn *c = stdmem_get(sizeof *c);
	struct fake_request rq;
	size_t line_n = 0;

	c->env = env;
	c->ops = (struct ops){ .env = &c->env, .stop = op_stop, .drop = op_drop };
	c->rule = "ferryman-rule";
	c->app = stdmem_str("app");
	c->pem = secret_new("pem", 3);
	answers = 0;
	(void)fuzz_line(&at, end, &line, &line_n);
	if (line_n >= 5 && memcmp(line, "apply", 5) == 0)
		exchange_online_apply(c, 7,
			&(struct effect){ .resource = "tenant.connector ferryman-nsmail",
				.base = line[line_n - 1] == 'n' ? "" : "enabled\n",
				.want = line[line_n - 1] == 'n'
						? "enabled\nexcept cio@corp.example\n"
						: "",
				.store = "0",
				.lsn = 9,
				.deadline_ms = 60000 });
	else
		exchange_online_read(c, 7,
			&(struct read_req){ .resource = "tenant.connector ferryman-nsmail",
				.from = CONN_READ_TARGET,
				.deadline_ms = 60000 });
	for (int i = 0; i < 64 && answers == 0; i++) {
		if (fake_asked(&rq))
			answer(&rq, &at, end);
		else if (!fake_pass())
			break;
	}
	exchange_online_close(&c);
	if (answers != 1)
		abort(); /* an operation ends exactly once */
	fake_net_end();
	return 0;
}
