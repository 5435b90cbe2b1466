/*
 * window.c - weekly windows in people's time zones, asked at a moment in UTC.
 *
 * The zone's rules come from the C library (TZ database); a window is compared in local weekday and
 * minute, so that a change to summer time moves with the wall clock that people look at.
 */
#include "shell/window.h"

#include "base/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ZONES "/usr/share/zoneinfo" /* where Debian's C library looks (tzset(3)) */
#define MAGIC "TZif"		    /* RFC 8536 section 3.1 */

enum { WEEK_MIN = 7 * 24 * 60 };

static bool
is_zone(const char *dir, const char *zone)
{
	char path[4096], magic[sizeof MAGIC - 1];
	bool is;
	int fd;

	(void)snprintf(path, sizeof path, "%.2000s/%.1000s", dir, zone);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return false;
	is = read(fd, magic, sizeof magic) == (ssize_t)sizeof magic &&
	     memcmp(magic, MAGIC, sizeof magic) == 0;
	(void)close(fd);
	return is;
}

enum rc
window_zone(void *ctx, const char *zone, struct err *err)
{
	const char *given = getenv("TZDIR"), *dir = given != NULL ? given : ZONES;

	(void)ctx;
	if (text_eq(zone, "UTC") || (zone[0] != '/' && is_zone(dir, zone)))
		return RC_OK;
	if (access(dir, X_OK) != 0)
		return err_set(err, RC_NOTFOUND,
			" that is known here: there is no tz database in %s; install it (Debian: "
			"the package tzdata), or write the window in UTC",
			dir);
	return err_set(err, RC_NOTFOUND,
		" of the tz database in %s; want a name such as Europe/Berlin, or UTC", dir);
}

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
