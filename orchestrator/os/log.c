/* log.c - one event, one line of key=value on stderr. */
#include "os/log.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/num.h"
#include "os/clock.h"
#include "os/stdmem.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_ = 8192 };

static atomic_bool quiet_now;

bool
log_quiet(bool quiet)
{
	return atomic_exchange(&quiet_now, quiet);
}

static bool
plain(const char *s)
{
	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++)
		if ((unsigned char)*s <= ' ' || *s == '"' || *s == '=' || *s == 0x7f)
			return false;
	return true;
}

void
log_line(enum log_level level, const char *event, const char *const *pairs)
{
	static const char *const names[] = { "info", "warn", "error", "fatal", "panic" };
	struct buf b;
	ssize_t done;

	if (level == LOG_INFO_ && atomic_load(&quiet_now))
		return;
	buf_init(&b, &stdmem, LINE_MAX_);
	num_put_time(&b, clock_wall_ms());
	buf_fmt(&b, " %s %s", names[level], event);
	for (; pairs[0] != NULL; pairs += 2) {
		const char *value = pairs[1] != NULL ? pairs[1] : "-";

		buf_fmt(&b, " %s=", pairs[0]);
		if (plain(value))
			buf_str(&b, value);
		else
			json_quote(&b, value, strlen(value));
		if (pairs[1] == NULL)
			break;
	}
	buf_char(&b, '\n');
	done = write(STDERR_FILENO, buf_text(&b), b.len);
	(void)done; /* nobody is left to tell */
	buf_fini(&b);
}
