/* story.h - what the story's own files know of each other (story.c, milestone.c). */
#ifndef FERRYMAN_REPORT_STORY_H
#define FERRYMAN_REPORT_STORY_H

#include "report/incident.h"

bool step_done(const struct step_told *s); /* its newest answer is DONE or UNCHANGED */
bool outcome_good(const struct entry *e);  /* a record with an outcome: DONE or UNCHANGED */
const struct mail_count *story_count(
	const struct report *r, const char *what); /* the newest; NULL = none */
void milestones_tell(struct report *r);		   /* milestone.c */

#endif
