/*
 * fuzz_smtp.c - an SMTP server's replies to each kind of session. The first line of an input says
 * what the session wants, in words: tls, starttls, auth, from, rcpt, message, helo. The others are
 * what the server says.
 */
/* parser: connectors/net/smtpio.c */
#include "fuzz/fake_net.h"
#include "fuzz/fuzz.h"
#include "net/smtpio.h"

#include <stdio.h>

static bool told;

static bool
wants(const char *line, size_t n, const char *word)
{
	size_t k = strlen(word);

	for (size_t i = 0; i + k <= n; i++)
		if (memcmp(line + i, word, k) == 0)
			return true;
	return false;
}

static void
on_end(void *ctx, const struct smtpio_result *r)
{
	bool message = *(bool *)ctx;

	if (told || r->why == NULL || r->reply == NULL || smtpio_stage_name(r->stage)[0] == '\0')
		abort();
	told = true;
	if ((r->end == SMTPIO_OK) != (r->stage == SMTPIO_DONE))
		abort();
	if (r->end == SMTPIO_OK && message && r->code / 100 != 2)
		abort(); /* nobody said that the message was taken */
	for (const char *c = r->reply; *c != '\0'; c++)
		if (((unsigned char)*c < ' ' && *c != '\n') || *c == 0x7f)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *at = (const char *)data, *end = at + n, *line;
	const char *const rcpt[] = { "seed@r1.example", "seed@r2.example", NULL };
	static const char text[] = "Subject: x\n\n.dot\nline";
	struct secret *auth = secret_new("user:word", 9);
	struct net *net = fake_net();
	size_t line_n = 0;
	bool message;

	told = false;
	if (!fuzz_line(&at, end, &line, &line_n))
		line = "";
	message = wants(line, line_n, "message");
	const struct smtpio_opts o = { .host = "mx.example",
		.port = 25,
		.tls = wants(line, line_n, "starttls") ? SMTPIO_STARTTLS
		       : wants(line, line_n, "tls")    ? SMTPIO_TLS
						       : SMTPIO_CLEAR,
		.auth = wants(line, line_n, "auth") ? auth : NULL,
		.helo = wants(line, line_n, "helo") ? "ferry.corp.example" : NULL,
		.from = wants(line, line_n, "from") ? "a@corp.example" : NULL,
		.rcpt = wants(line, line_n, "rcpt") ? rcpt : NULL,
		.message = message ? text : NULL,
		.message_n = message ? sizeof text - 1 : 0,
		.deadline_ms = 60000 };
	message = message && o.from != NULL && o.rcpt != NULL;
	struct smtpio *s = smtpio_start(net, &o, on_end, &message);

	(void)smtpio_may_have_sent(s);
	fake_peer(at, (size_t)(end - at));
	fake_pass_all();
	if (!told)
		abort(); /* it has to end */
	fake_net_end();
	secret_free(&auth);
	return 0;
}
