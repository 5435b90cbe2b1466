/*
 * fuzz_authresults.c - Authentication-Results and Received, as a mailbox shows them.
 */
/* parser: connectors/signal/letter.c next_field next_address take_address address_char inside
 * received_from property drop_comments auth_result auth_field letter_arrival_read */
#include "fuzz/fuzz.h"
#include "signal/letter.h"

static void
lower_case(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s >= 'A' && *s <= 'Z')
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *header = fuzz_text(data, n);
	struct letter_arrival *a = malloc(sizeof *a);

	if (a == NULL)
		abort();
	letter_arrival_read(a, header, "mx.receiver.example");
	lower_case(a->dmarc);
	lower_case(a->dkim_domain);
	if (!a->authserv_seen && (a->dmarc[0] != '\0' || a->dkim[0] != '\0' || a->spf[0] != '\0'))
		abort(); /* words of somebody else were taken */
	letter_arrival_read(a, header, NULL);
	free(a);
	free(header);
	return 0;
}
