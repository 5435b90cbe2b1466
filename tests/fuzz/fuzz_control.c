/*
 * fuzz_control.c - requests on the control socket, in pieces as they come: a NUL in the input parts
 * two pieces.
 */
/* parser: orchestrator/shell/control.c take_lines request command text_of on_read send_error
 * send_answer send_status note_open note_answered client_send */
#include "fuzz/fuzz.h"

#include <jansson.h>
#include <stdbool.h>
#include <uv.h>

/* The socket and the loop are not there: what is written is looked at and dropped. */
static void sent(const char *p, size_t n);
static int
no_write(uv_write_t *rq, uv_stream_t *s, const uv_buf_t b[], unsigned n, uv_write_cb cb)
{
	(void)s;
	for (unsigned i = 0; i < n; i++)
		sent(b[i].base, b[i].len);
	cb(rq, 0);
	return 0;
}
#define uv_write no_write
#define uv_stream_get_write_queue_size(s) ((size_t)((s) == NULL))
#define uv_close(h, cb) (closed = (cb) != NULL)
static bool closed;

#include "shell/control.c"

static struct control *control;

/* Each answer is one line of JSON, whatever was asked. */
static void
sent(const char *p, size_t n)
{
	json_t *o = json_loadb(p, n, JSON_REJECT_DUPLICATES, NULL);

	if (n == 0 || memchr(p, '\n', n) != p + n - 1 || o == NULL ||
		!json_is_object(json_object_get(o, "body")))
		abort();
	json_decref(o);
}

void
core_status(const struct core *c, struct buf *b, bool why)
{
	(void)c;
	buf_str(b, why ? "{\"why\":true}" : "{}");
}

void
log_line(enum log_level level, const char *event, const char *const *pairs)
{
	(void)level;
	(void)event;
	(void)pairs;
}

/* The engine answers at once. */
void
shell_event(struct shell *s, struct event *ev)
{
	const char *text[] = { ev->command.req, ev->command.principal, ev->command.playbook,
		ev->command.procedure, ev->command.run, ev->command.plan_hash, ev->command.reason,
		ev->command.nonce };
	size_t sum = 0;

	(void)s;
	for (size_t i = 0; i < sizeof text / sizeof *text; i++)
		sum += text[i] != NULL ? strlen(text[i]) : 0;
	for (size_t i = 0; i < ev->command.overrides_n; i++)
		sum += strlen(ev->command.overrides[i]);
	if (ev->command.verb >= VERB_N || ev->command.overrides_n > OVERRIDE_MAX)
		abort();
	control_reply(control, ev->command.req, sum % 2 == 0 ? EXIT_OK_ : EXIT_PENDING, "{\"x\":1}",
		sum % 3 != 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct shell_opts opts = { .one_shot = false };
	struct shell *shell = stdmem_get(sizeof *shell);
	struct client *c = stdmem_get(sizeof *c);
	size_t at = 0;

	shell->opts = &opts;
	control = stdmem_get(sizeof *control);
	*control = (struct control){ .shell = shell, .clients = c, .clients_n = 1, .ids = 1 };
	*c = (struct client){ .control = control, .id = 1, .user = "cio", .owner = n % 2 == 0 };
	c->pipe.data = c;
	buf_init(&c->in, &stdmem, LINE_LIMIT);
	closed = false;
	while (at < n && !closed) {
		const uint8_t *nul = memchr(data + at, 0, n - at);
		size_t len = nul != NULL ? (size_t)(nul - data) - at : n - at;
		uv_buf_t b = uv_buf_init(fuzz_text(data + at, len), (unsigned)len);

		on_read((uv_stream_t *)&c->pipe, (ssize_t)len, &b);
		at += len + 1;
	}
	control_last_words(control, "the end");
	if (!closed)
		client_close(c);
	on_client_closed((uv_handle_t *)&c->pipe);
	while (control->open != NULL)
		note_answered(control, control->open->req);
	free(control);
	free(shell);
	return 0;
}
