/*
 * fuzz_dsn.c - delivery status notifications, and the class of what they say.
 */
/* parser: connectors/signal/letter.c next_field field_anywhere squeeze letter_bounce_read
 * letter_named next_address take_address address_char */
/* parser: orchestrator/mail/smtp_reply.c */
#include "fuzz/fuzz.h"
#include "mail/smtp_reply.h"
#include "signal/letter.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *message = fuzz_text(data, n), *text, addr[64];
	struct letter_bounce b;
	enum reply_class c;

	letter_bounce_read(&b, message);
	text = fuzz_text(b.diagnostic, strlen(b.diagnostic));
	c = reply_classify(text, b.remote, n % 2 == 1);
	if (reply_class_name(c)[0] == '\0' || (reply_class_harm(c) && c == REPLY_OK))
		abort();
	if (letter_named(text, addr, sizeof addr) && strlen(addr) >= sizeof addr)
		abort();
	free(text);
	free(message);
	return 0;
}
