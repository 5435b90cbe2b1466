/* mailrows.h - rows that the signals about mail share: how a server is reached. */
#ifndef FERRYMAN_SIGNAL_MAILROWS_H
#define FERRYMAN_SIGNAL_MAILROWS_H

#include "base/schema.h"

/* The order of smtpio_tls: SMTPIO_CLEAR, SMTPIO_STARTTLS, SMTPIO_TLS. */
#define MAILROWS_TLS_WORDS "none|starttls|tls"

#define MAILROWS_SUBMIT                                                                            \
	{ .key = "host",                                                                           \
		.type = V_HOST,                                                                    \
		.flags = SR_REQUIRED,                                                              \
		.doc = "Server that takes the message." },                                         \
		{ .key = "port",                                                                   \
			.type = V_INT,                                                             \
			.def = "587",                                                              \
			.min = "1",                                                                \
			.max = "65535",                                                            \
			.doc = "Its port: 587 for submission (RFC 6409)." },                       \
		{ .key = "tls",                                                                    \
			.type = V_ENUM,                                                            \
			.words = MAILROWS_TLS_WORDS,                                               \
			.def = "starttls",                                                         \
			.doc = "starttls: upgrade and verify; tls: from the first octet (port "    \
			       "465); none: a "                                                    \
			       "password is then never sent." },                                   \
		{ .key = "auth", .type = V_SECRET, .doc = "\"user:password\" for AUTH PLAIN." },   \
		{ .key = "ca",                                                                     \
			.type = V_SECRET,                                                          \
			.flags = SR_PUBLIC_FILE,                                                   \
			.doc = "Roots to trust (PEM) instead of the machine's." },                 \
	{                                                                                          \
		.key = "helo", .type = V_DOMAIN,                                                   \
		.doc = "Our name in EHLO. Default: the address literal of our side."               \
	}

#endif
