/* judge.h - what a refusal makes of an observation: the classes of mail/smtp_reply.h as verdict and
 * harm. */
#ifndef FERRYMAN_SIGNAL_JUDGE_H
#define FERRYMAN_SIGNAL_JUDGE_H

#include "connector.h"

struct judgement {
	enum conn_verdict verdict;
	bool harm;
	const char *class; /* "reputation" ... */
};

/* judge_reply - text: code and words of one reply or of a bounce's diagnostic; host: who said it,
 * "" = not known. */
struct judgement judge_reply(const char *text, const char *host, bool greeting);

#endif
