/* num.c - numbers as people write them. */
#include "base/num.h"

#include "base/buf.h"

#include <string.h>

static bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Decimal digits at *s into *ret, *s moved behind them; false if there are none, or over INT64_MAX.
 */
static bool
digits(const char **s, int64_t *ret)
{
	int64_t v = 0;

	if (!digit(**s))
		return false;
	for (; digit(**s); (*s)++) {
		int d = **s - '0';

		if (v > (INT64_MAX - d) / 10)
			return false;
		v = v * 10 + d;
	}
	*ret = v;
	return true;
}

bool
num_int(const char *s, int64_t *ret)
{
	bool negative = *s == '-';
	int64_t v;

	s += negative;
	if (*s == '0' && s[1] != '\0')
		return false;
	if (!digits(&s, &v) || *s != '\0')
		return false;
	*ret = negative ? -v : v;
	return true;
}

struct unit {
	const char *word;
	int64_t factor;
};

static const struct unit times[] = {
	{ "ms", 1 },
	{ "s", 1000 },
	{ "m", 60 * 1000 },
	{ "min", 60 * 1000 },
	{ "h", 3600 * 1000 },
	{ "day", 86400 * (int64_t)1000 },
	{ "d", 86400 * (int64_t)1000 },
};

/* The unit whose word is exactly the n bytes at s; 0 if none. */
static int64_t
unit_of(const struct unit *units, size_t count, const char *s, size_t n)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(units[i].word) == n && memcmp(units[i].word, s, n) == 0)
			return units[i].factor;
	return 0;
}

bool
num_duration(const char *s, int64_t *ret_ms)
{
	int64_t total = 0, before = INT64_MAX;

	if (*s == '\0')
		return false;
	while (*s != '\0') {
		int64_t v, factor;
		size_t n = 0;

		if (!digits(&s, &v))
			return false;
		while (s[n] >= 'a' && s[n] <= 'z')
			n++;
		if (n > 2) /* "min" and "day" belong to rates */
			return false;
		factor = unit_of(times, sizeof times / sizeof times[0], s, n);
		if (factor == 0 || factor >= before || v > (INT64_MAX - total) / factor)
			return false;
		total += v * factor;
		before = factor;
		s += n;
	}
	*ret_ms = total;
	return true;
}

bool
num_percent(const char *s, int64_t *ret_bp)
{
	int64_t whole, bp;

	if (!digits(&s, &whole) || whole > 100)
		return false;
	bp = whole * 100;
	if (*s == '.') {
		if (!digit(s[1]))
			return false;
		bp += (s[1] - '0') * 10;
		s += 2;
		if (digit(*s))
			bp += *s++ - '0';
	}
	if (strcmp(s, "%") != 0 || bp > 10000)
		return false;
	*ret_bp = bp;
	return true;
}

bool
num_rate(const char *s, struct rate *ret)
{
	int64_t count, factor, per;

	if (!digits(&s, &count) || count < 1 || strncmp(s, " per ", 5) != 0)
		return false;
	s += 5;
	factor = unit_of(times, sizeof times / sizeof times[0], s, strlen(s));
	if (factor > 1)
		per = factor;
	else if (!num_duration(s, &per) || per < 1)
		return false;
	*ret = (struct rate){ .count = count, .per_ms = per };
	return true;
}

bool
num_n_of_m(const char *s, int *ret_n, int *ret_m)
{
	int64_t n, m;

	if (!digits(&s, &n) || strncmp(s, " of ", 4) != 0)
		return false;
	s += 4;
	if (!digits(&s, &m) || *s != '\0' || n < 1 || n > m || m > 64)
		return false;
	*ret_n = (int)n;
	*ret_m = (int)m;
	return true;
}

bool
num_size(const char *s, int64_t *ret_bytes)
{
	static const struct unit sizes[] = {
		{ "B", 1 },
		{ "KiB", 1024 },
		{ "MiB", 1024 * 1024 },
		{ "GiB", 1024 * 1024 * (int64_t)1024 },
	};
	int64_t v, factor;

	if (!digits(&s, &v))
		return false;
	if (*s == ' ')
		s++;
	factor = unit_of(sizes, sizeof sizes / sizeof sizes[0], s, strlen(s));
	if (factor == 0 || v > INT64_MAX / factor)
		return false;
	*ret_bytes = v * factor;
	return true;
}

void
num_put_duration(struct buf *b, int64_t ms)
{
	static const struct unit units[] = { { "d", 86400 * (int64_t)1000 }, { "h", 3600 * 1000 },
		{ "m", 60 * 1000 }, { "s", 1000 }, { "ms", 1 } };

	if (ms < 0) {
		buf_char(b, '-');
		ms = -ms;
	}
	if (ms == 0)
		buf_str(b, "0s");
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (ms < units[i].factor)
			continue;
		buf_i64(b, ms / units[i].factor);
		buf_str(b, units[i].word);
		ms %= units[i].factor;
	}
}

void
num_put_percent(struct buf *b, int64_t bp)
{
	buf_i64(b, bp / 100);
	if (bp % 100 != 0) {
		buf_char(b, '.');
		buf_i64(b, bp / 10 % 10);
		if (bp % 10 != 0)
			buf_i64(b, bp % 10);
	}
	buf_char(b, '%');
}

void
num_put_rate(struct buf *b, struct rate r)
{
	static const struct unit units[] = { { "s", 1000 }, { "min", 60 * 1000 },
		{ "h", 3600 * 1000 }, { "day", 86400 * (int64_t)1000 } };

	buf_i64(b, r.count);
	buf_str(b, " per ");
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (units[i].factor == r.per_ms) {
			buf_str(b, units[i].word);
			return;
		}
	}
	num_put_duration(b, r.per_ms);
}

/*
 * Days since 1970-01-01 to a date of the proleptic Gregorian calendar. Years are counted from
 * March, so that the leap day is the last day; a 400-year era has 146097 days.
 */
static void
civil(int64_t days, int64_t *ret_y, int *ret_m, int *ret_d)
{
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;

	*ret_d = (int)(doy - (153 * mp + 2) / 5 + 1);
	*ret_m = (int)(mp < 10 ? mp + 3 : mp - 9);
	*ret_y = yoe + era * 400 + (*ret_m <= 2);
}

void
num_put_time(struct buf *b, int64_t wall_ms)
{
	int64_t days = wall_ms / 86400000, rest = wall_ms % 86400000, year;
	int month, day;

	if (rest < 0) {
		rest += 86400000;
		days--;
	}
	civil(days, &year, &month, &day);
	buf_fmt(b, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (int)year, month, day,
		(int)(rest / 3600000), (int)(rest / 60000 % 60), (int)(rest / 1000 % 60),
		(int)(rest % 1000));
}
