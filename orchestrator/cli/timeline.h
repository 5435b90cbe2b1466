/* timeline.h - status lines of the control socket as text for people: one line for each thing that
 * happened. */
#ifndef FERRYMAN_CLI_TIMELINE_H
#define FERRYMAN_CLI_TIMELINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* timeline_put - nothing for topics that are not for people. */
void timeline_put(FILE *out, const json_t *line, bool colour);

#endif
