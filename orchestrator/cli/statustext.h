/* statustext.h - what core_status says, as text for a person. */
#ifndef FERRYMAN_CLI_STATUSTEXT_H
#define FERRYMAN_CLI_STATUSTEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

void statustext_put(FILE *out, const json_t *status, bool colour);

#endif
