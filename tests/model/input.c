/*
 * input.c - what is given to the model at run time, from the file that MODEL_INPUT names, into its hidden variables: bounds,
 * domains, steps, a mutant, a canary. So one compiled model serves every line of the table. One "word numbers..." a line:
 *
 *   set NAME N                                         a bound, mutant or canary
 *   domain FENCE RESOURCE                              1 F by high water, 2 F by equality, 3 U; a resource of it
 *   step DOMAIN RESOURCE UNDO WANT KIND PIVOT NEEDS    NEEDS: a bit for each step of the run
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned char byte;
extern byte mutant, canary, expiries, crashes, waits, refusals, restored, domains_n, steps_n;
extern byte fence_of[], domain_resource[], step_domain[], step_resource[], step_want[], step_undo[], step_kind[], step_pivot[],
	step_run[], run_first[], run_steps[];
extern int step_needs[];

static const struct {
	const char *name;
	byte *at;
} bounds[] = { { "mutant", &mutant }, { "canary", &canary }, { "expiries", &expiries }, { "crashes", &crashes },
	{ "waits", &waits }, { "refusals", &refusals }, { "restored", &restored } };

static void
bad(const char *line)
{
	fprintf(stderr, "input: cannot be read: %s\n", line);
	exit(2);
}

static void
set(const char *name, int n, const char *line)
{
	for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
		if (strcmp(bounds[i].name, name) == 0) {
			*bounds[i].at = (byte)n;
			return;
		}
	bad(line);
}

void
model_input(void)
{
	const char *path = getenv("MODEL_INPUT");
	FILE *f = path != NULL ? fopen(path, "r") : NULL;
	char line[200], name[40];
	int n[7];

	domains_n = steps_n = 0;
	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		if (sscanf(line, "set %39s %d", name, n) == 2) {
			set(name, n[0], line);
		} else if (sscanf(line, "domain %d %d", n, n + 1) == 2) {
			fence_of[domains_n] = (byte)n[0];
			domain_resource[domains_n++] = (byte)n[1];
		} else if (sscanf(line, "step %d %d %d %d %d %d %d", n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6) == 7) {
			step_domain[steps_n] = (byte)n[0];
			step_resource[steps_n] = (byte)n[1];
			step_undo[steps_n] = (byte)n[2];
			step_want[steps_n] = (byte)n[3];
			step_kind[steps_n] = (byte)n[4];
			step_pivot[steps_n] = (byte)n[5];
			step_needs[steps_n++] = n[6];
		} else {
			bad(line);
		}
	}
	if (f == NULL || fclose(f) != 0)
		bad(path != NULL ? path : "no MODEL_INPUT");
	run_steps[0] = steps_n;
}
