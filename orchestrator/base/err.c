/* err.c - error numbers and sentences. */
#include "base/err.h"

#include <stdio.h>
#include <string.h>

const char *
rc_name(enum rc rc)
{
	switch (rc) {
#define RC_NAME(name, num, text)                                                                   \
	case name:                                                                                 \
		return #name;
		RC_LIST(RC_NAME)
#undef RC_NAME
	}
	return "?";
}

const char *
rc_text(enum rc rc)
{
	switch (rc) {
#define RC_TEXT(name, num, text)                                                                   \
	case name:                                                                                 \
		return text;
		RC_LIST(RC_TEXT)
#undef RC_TEXT
	}
	return "?";
}

enum rc
err_set(struct err *err, enum rc rc, const char *fmt, ...)
{
	va_list ap;

	if (err == NULL)
		return rc;
	err->rc = rc;
	va_start(ap, fmt);
	(void)vsnprintf(err->text, sizeof err->text, fmt, ap);
	va_end(ap);
	return rc;
}

enum rc
err_prefix(struct err *err, const char *fmt, ...)
{
	char old[ERR_TEXT_MAX];
	va_list ap;
	int n;

	if (err == NULL)
		return RC_INVALID;
	memcpy(old, err->text, sizeof old);
	va_start(ap, fmt);
	n = vsnprintf(err->text, sizeof err->text, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof err->text)
		return err->rc;
	(void)snprintf(err->text + n, sizeof err->text - (size_t)n, ": %.*s",
		(int)(sizeof err->text - (size_t)n), old);
	return err->rc;
}
