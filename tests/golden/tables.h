/* tables.h - the kinds of golden tables: one function runs one case and says its faults by
 * case_fault. */
#ifndef FERRYMAN_TESTS_TABLES_H
#define FERRYMAN_TESTS_TABLES_H

#include "golden/casefile.h"

void wrong_case(const struct gcase *c);	   /* wrong.c: a playbook with a fault in it */
void decision_case(const struct gcase *c); /* decision.c: what is seen, what is done */
void trace_case(const struct gcase *c);	   /* the same, told and not judged: see tell.c */

#endif
