/* judge.c - from the class of a refusal to verdict and harm. */
#include "signal/judge.h"

#include "mail/smtp_reply.h"

struct judgement
judge_reply(const char *text, const char *host, bool greeting)
{
	enum reply_class class = reply_classify(text, host, greeting);
	struct judgement j = { CONN_UNKNOWN, reply_class_harm(class), reply_class_name(class) };

	switch (class) {
	case REPLY_OK:
		j.verdict = CONN_OK;
		break;
	case REPLY_REPUTATION:
	case REPLY_THROTTLED:
	case REPLY_AUTH:
	case REPLY_TENANT:
	case REPLY_TLS:
	case REPLY_LOGIN:
	case REPLY_POLICY:
		j.verdict = CONN_BAD;
		break;
	case REPLY_GREYLIST: /* said to every stranger once */
	case REPLY_TEMPORARY:
		j.verdict = CONN_DEGRADED;
		break;
	case REPLY_CONTENT: /* of the probe, or of its recipient: says nothing of the path */
	case REPLY_RECIPIENT:
	case REPLY_UNCLEAR:
	case REPLY_N:
		break;
	}
	return j;
}
