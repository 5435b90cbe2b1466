/*
 * num.h - numbers as people write them: "5m", "25%", "10 per s", "64 KiB". Units are always
 * written.
 */
#ifndef FERRYMAN_BASE_NUM_H
#define FERRYMAN_BASE_NUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/* num_int - decimal, optional '-', no leading zeros or blanks; false if not exactly that or out of
 * int64. */
bool num_int(const char *s, int64_t *ret);

/* num_duration - "250ms" "30s" "5m" "6h" "5d", joined without blanks ("1h30m"); milliseconds. */
bool num_duration(const char *s, int64_t *ret_ms);

/* num_percent - "5%" or "2.5%"; hundredths of a percent (500, 250), 0..10000. */
bool num_percent(const char *s, int64_t *ret_bp);

/* A rate: count events in per_ms milliseconds. "10 per s" = {10, 1000}; also min, h, day, or "per
 * 6h". */
struct rate {
	int64_t count;
	int64_t per_ms;
};
bool num_rate(const char *s, struct rate *ret);

/* num_n_of_m - "3 of 5"; 1 <= n <= m <= 64. */
bool num_n_of_m(const char *s, int *ret_n, int *ret_m);

/* num_size - "64 KiB" "1 MiB" "500 B" (blank optional); bytes. */
bool num_size(const char *s, int64_t *ret_bytes);

/* Writers: the shortest form that the readers above take. */
void num_put_duration(struct buf *b, int64_t ms);
void num_put_percent(struct buf *b, int64_t bp);
void num_put_rate(struct buf *b, struct rate r);

/* num_put_time - wall clock milliseconds since 1970 as RFC 3339 UTC, "2026-11-24T12:00:00.000Z". */
void num_put_time(struct buf *b, int64_t wall_ms);

#endif
