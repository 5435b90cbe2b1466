/*
 * chart.h - the incident as a drawing: inline SVG, twice. The wide one has lanes (state, signals,
 * runs, people) on a time axis whose quiet stretches are shortened; the tall one is for a
 * telephone, the milestones one below the other. Colours come from the page's style sheet, so they
 * follow light and dark.
 */
#ifndef FERRYMAN_REPORT_CHART_H
#define FERRYMAN_REPORT_CHART_H

#include "report/incident.h"

void chart_wide(const struct report *r, struct buf *b);
void chart_tall(const struct report *r, struct buf *b);

/* chart_number - the number that stands for a milestone in both drawings and in the table; 0 = not
 * drawn. */
int chart_number(const struct report *r, enum milestone_id id);

/* chart_order - every milestone, those with a record by time, the others where they belong; returns
 * MS_N. */
size_t chart_order(const struct report *r, enum milestone_id ret[MS_N]);

#endif
