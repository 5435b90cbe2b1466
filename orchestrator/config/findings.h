/* findings.h - what a check of a playbook found, in file order. Inside config/ only; playbook.h
 * shows the reading half. */
#ifndef FERRYMAN_CONFIG_FINDINGS_H
#define FERRYMAN_CONFIG_FINDINGS_H

#include "config/playbook.h"

struct findings *findings_new(const struct mem *mem); /* NULL when out of memory */

/* findings_add - texts are copied. path may be "". */
void findings_add(struct findings *f, enum finding_level level, const char *file, struct place at,
	const char *rule, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 7, 8)));

/* findings_sort - by line and column, stable. */
void findings_sort(struct findings *f);
bool findings_failed(const struct findings *f); /* memory ran out: the list is not whole */

#endif
