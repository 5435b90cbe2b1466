/*
 * smtp_reply.h - what a receiver's refusal means: one reply (SMTP or the diagnostic of a bounce) to
 * a class.
 *
 * Codes alone mislead: enhanced codes are dialects of providers, and a 554 greeting speaks of
 * reputation although it comes before any recipient. So the text is matched before the code, by the
 * rows of classify.def, first match wins.
 */
#ifndef FERRYMAN_MAIL_SMTP_REPLY_H
#define FERRYMAN_MAIL_SMTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>

enum reply_class {
	REPLY_OK,	  /* 2xx, 3xx */
	REPLY_REPUTATION, /* the sending address or its network is distrusted or listed */
	REPLY_THROTTLED,  /* the same, said by slowing down: 4xx with reputation or rate words */
	REPLY_AUTH,	 /* SPF, DKIM, DMARC or reverse DNS of the sending path: after a cut-over it
			    accuses the backup */
	REPLY_TENANT,	 /* our own tenant or sender is barred at our provider: hold for a person */
	REPLY_CONTENT,	 /* what the message says */
	REPLY_RECIPIENT, /* this recipient: unknown, full, too fast. Says nothing of a path */
	REPLY_GREYLIST,	 /* come again later, said to every stranger */
	REPLY_TLS,	 /* encryption is wanted or failed */
	REPLY_LOGIN,	 /* our credentials were refused (535) */
	REPLY_POLICY,	 /* other refusals with 5xx */
	REPLY_TEMPORARY, /* other 4xx */
	REPLY_UNCLEAR,	 /* no reply code at all */
	REPLY_N
};

const char *reply_class_name(enum reply_class c); /* "reputation" "throttled" ... */

/* reply_class_harm - mail itself was refused or slowed for a reason that lies in the path (not in
 * the recipient or the content). */
bool reply_class_harm(enum reply_class c);

/*
 * reply_classify - text: the whole reply, lines joined by blanks or newlines, with codes. mx: the
 * host that said it, for rows that hold for one provider only ("" = not known: such rows do not
 * match). greeting: said before EHLO. Sources of the rows: RFC 3463, RFC 7372, RFC 7505 and the
 * providers' own pages, named in classify.def.
 */
enum reply_class reply_classify(const char *text, const char *mx, bool greeting);

#endif
