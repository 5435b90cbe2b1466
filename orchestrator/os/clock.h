/*
 * clock.h - the only place that asks the system for the time.
 *
 * boot_ms is for waiting (CLOCK_BOOTTIME: goes on in suspend, never jumps), wall_ms for records
 * (UTC since 1970). A boot's identity tells whether two boot_ms may be compared.
 */
#ifndef FERRYMAN_OS_CLOCK_H
#define FERRYMAN_OS_CLOCK_H

#include <stdint.h>

int64_t clock_boot_ms(void);
int64_t clock_wall_ms(void);

/* clock_boot_id - the kernel's boot id, 36 characters and NUL; "unknown" when it cannot be read. */
void clock_boot_id(char out[40]);

#endif
