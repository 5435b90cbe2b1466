/* switch.c - the mutant that FERRYMAN_MUTANT names; set before any other constructor runs. */
#include "mutate/switch.h"

#include <stdlib.h>

int mutant_on;

static void __attribute__((constructor(150))) choose(void)
{
	const char *s = getenv("FERRYMAN_MUTANT");

	mutant_on = s != NULL ? (int)strtol(s, NULL, 10) : 0;
}
