/*
 * window.c - weekly windows in people's time zones, asked at a moment in UTC.
 *
 * The zone's rules come from the C library (TZ database); a window is compared in local weekday and
 * minute, so that a change to summer time moves with the wall clock that people look at.
 */
#include "shell/window.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WEEK_MIN = 7 * 24 * 60 };

/* Minute of the local week, Monday 00:00 = 0. */
static int
local_minute(const char *zone, int64_t wall_ms)
{
	time_t t = (time_t)(wall_ms / 1000);
	char *old = getenv("TZ");
	struct tm tm = { 0 };

	old = old != NULL ? strdup(old) : NULL;
	(void)setenv("TZ", zone, 1);
	tzset();
	(void)localtime_r(&t, &tm);
	if (old != NULL)
		(void)setenv("TZ", old, 1);
	else
		(void)unsetenv("TZ");
	tzset();
	free(old);
	return (tm.tm_wday + 6) % 7 * 24 * 60 + tm.tm_hour * 60 + tm.tm_min;
}

bool
window_holds(void *ctx, const struct window *w, size_t n, int64_t wall_ms)
{
	(void)ctx;
	for (size_t i = 0; i < n; i++) {
		int now = local_minute(w[i].zone, wall_ms);
		int from = w[i].from_day * 24 * 60 + w[i].from_min;
		int length = w[i].to_day * 24 * 60 + w[i].to_min - from;

		if (length <= 0)
			length += WEEK_MIN;
		if ((now - from + WEEK_MIN) % WEEK_MIN < length)
			return true;
	}
	return false;
}
