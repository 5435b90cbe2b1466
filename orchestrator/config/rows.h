/* rows.h - the tables of a playbook's keys. Inside config/ only. */
#ifndef FERRYMAN_CONFIG_ROWS_H
#define FERRYMAN_CONFIG_ROWS_H

#include "base/schema.h"

extern const struct schema_row rows_top[], rows_signal[], rows_target[], rows_step[], rows_notify[];

/* Arguments of a step kind. NEED_x includes ARG_x. */
enum {
	ARG_ZONE = 1u << 0,
	ARG_AT = 1u << 1,
	ARG_THROUGH = 1u << 2,
	ARG_AS = 1u << 3,
	ARG_FOR = 1u << 4,
	ARG_RATE = 1u << 5,
	ARG_RECEIVERS = 1u << 6,
	MUST_ZONE = 1u << 8,
	MUST_AT = 1u << 9,
	MUST_FOR = 1u << 10,
	NEED_ZONE = ARG_ZONE | MUST_ZONE,
	NEED_AT = ARG_AT | MUST_AT,
	NEED_FOR = ARG_FOR | MUST_FOR,
};

struct step_row {
	const char *kind;
	unsigned args, caps;
	int may_pivot;
	int64_t deadline_ms;
	const char *doc;
};
extern const struct step_row rows_steps[];     /* ended by kind NULL */
extern const char *const rows_steps_unbuilt[]; /* known to the design; NULL-ended */
const struct step_row *rows_step_find(const char *kind);
const struct schema_row *rows_step_args(
	unsigned args); /* rows of the arguments that a kind takes */

extern const char *const rows_connectors_unbuilt[]; /* NULL-ended */

#endif
