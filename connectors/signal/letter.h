/*
 * letter.h - the text of a canary, and what can be read from one that arrived or came back. No I/O.
 */
#ifndef FERRYMAN_SIGNAL_LETTER_H
#define FERRYMAN_SIGNAL_LETTER_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LETTER_TOKEN = 33, LETTER_ADDRESS = 320, LETTER_WORD = 128, LETTER_TEXT = 512 };

/* The header field that carries the token. */
#define LETTER_HEADER "X-Ferryman-Canary"

/* letter_token - 128 random bits in hexadecimal. letter_address - pattern with its one '%' replaced
 * by the token; false if too long. */
void letter_token(char out[LETTER_TOKEN]);
bool letter_address(const char *pattern, const char *token, char *out, size_t n);

/* letter_write - a whole message (RFC 5322), lines ended by \n. wall_ms: for Date. */
void letter_write(
	struct buf *b, const char *from, const char *to, const char *token, int64_t wall_ms);

/* What the receiver itself wrote into the header. Words are "" when it said nothing. */
struct letter_arrival {
	char egress[64];      /* the address that its border saw */
	char by[LETTER_WORD]; /* who says so: "by" of that Received field */
	char dmarc[LETTER_WORD],
		dmarc_from[LETTER_WORD]; /* result and header.from (RFC 8601, RFC 7489) */
	char dkim[LETTER_WORD], dkim_domain[LETTER_WORD];
	char spf[LETTER_WORD], spf_domain[LETTER_WORD];
	bool authserv_seen; /* some Authentication-Results bear the wanted name */
};
/*
 * letter_arrival_read - header as fetched. Only Authentication-Results of authserv count (NULL: of
 * anybody, the first ones). The egress is the first address from the top that is neither private
 * nor loopback.
 */
void letter_arrival_read(struct letter_arrival *ret, const char *header, const char *authserv);

/* A delivery status notification (RFC 3464), or something that calls itself a bounce in free text.
 */
struct letter_bounce {
	bool failed;		      /* Action: failed; false = delayed, or another report */
	char diagnostic[LETTER_TEXT]; /* Diagnostic-Code without "smtp;", unfolded; else the Status
				       */
	char remote[LETTER_WORD];     /* Remote-MTA, "" if not told */
	char status[16];	      /* "5.7.1" */
};
void letter_bounce_read(struct letter_bounce *ret, const char *message);

/* letter_named - the first IPv4 or IPv6 address in square brackets or free text; false if there is
 * none. */
bool letter_named(const char *text, char *out, size_t n);

#endif
