/*
 * fuzz_imap.c - an IMAP server's answers. The first line of an input says what is wanted, in words:
 * once (look but once), header, headers-only, remove, junk. The others are what the server says; a
 * line "~" lets time pass.
 */
/* parser: connectors/net/imapio.c */
#include "fuzz/fake_net.h"
#include "fuzz/fuzz.h"
#include "net/imapio.h"

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
on_end(void *ctx, const struct imapio_result *r)
{
	(void)ctx;
	if (told || r->why == NULL || r->n > IMAPIO_MESSAGES)
		abort();
	told = true;
	if ((r->end == IMAPIO_FOUND && r->n == 0) || (r->removed && r->end != IMAPIO_FOUND))
		abort();
	for (size_t i = 0; i < r->n; i++)
		if (r->message[i].text[r->message[i].text_n] != '\0')
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *at = (const char *)data, *end = at + n, *line;
	struct secret *auth = secret_new("us\"er:word", 10);
	struct net *net = fake_net();
	size_t line_n = 0;

	told = false;
	if (!fuzz_line(&at, end, &line, &line_n))
		line = "";
	const struct imapio_opts o = { .host = "imap.example",
		.auth = auth,
		.folder = { "INBOX", wants(line, line_n, "junk") ? "Junk" : NULL },
		.header = wants(line, line_n, "header ") ? "X-Ferryman-Canary" : NULL,
		.token = "0123456789abcdef",
		.headers_only = wants(line, line_n, "headers-only"),
		.remove = wants(line, line_n, "remove"),
		.poll_ms = wants(line, line_n, "once") ? 0 : 500,
		.deadline_ms = 10000 };

	(void)imapio_start(net, &o, on_end, NULL);
	fake_peer(at, (size_t)(end - at));
	fake_pass_all();
	if (!told)
		abort();
	fake_net_end();
	secret_free(&auth);
	return 0;
}
