/*
 * input.c - what is given to the model at run time, from the file that MODEL_INPUT names, into its
 * hidden variables. So one compiled model serves every line of the table, and every trace. One
 * "word numbers..." a line:
 *
 *   set NAME N                                             a bound, a mutant, a canary
 *   domain FENCE RESOURCE                                  1 F by high water, 2 F by equality, 3 U
 *   step DOMAIN RESOURCE UNDO WANT KIND PIVOT NEEDS RUN    NEEDS: a bit for each step of its run
 *
 * and to be followed (-DFOLLOW):
 *
 *   request LSN WHAT DIR WANT BASE SEEN ERA N              what its INTENT says
 *   event KIND A B C E SEQ BETWEEN GONE                    what they are of each kind: follow.pml
 *
 * MODEL_REMOVE: this event is no record any more, nor anything else. MODEL_HEADS: whether an append
 * expects a head.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned char byte;
#ifdef FOLLOW
typedef short word;
enum { STEPS = 300, RUNS = 80, DOMAINS = 4, LSNS = 300, EVENTS = 3000 };
#else
typedef byte word;
enum { STEPS = 3, RUNS = 1, DOMAINS = 3 };
#endif
enum { NUMBERS = 8 };

extern byte domains_n, fence_of[], domain_resource[];
extern byte step_domain[], step_resource[], step_want[], step_undo[], step_kind[], step_pivot[];
extern word steps_n, step_run[], run_first[], run_steps[];
extern int step_needs[], step_rests[];

static void
domain(const int *n)
{
	fence_of[domains_n] = (byte)n[0];
	domain_resource[domains_n++] = (byte)n[1];
}

static int needs_all[STEPS]; /* and what those need, and so on */

/* Before the pivot all of it is proven (DESIGN section 7); any other step rests on what it needs
 * itself. */
static void
rests_on(int s, const int *n)
{
	needs_all[s] = n[6];
	for (int i = 0; i < s - run_first[n[7]]; i++)
		if (((unsigned)n[6] >> i & 1) != 0)
			needs_all[s] |= needs_all[run_first[n[7]] + i];
	step_rests[s] = n[5] != 0 ? needs_all[s] : n[6];
}

static void
step(const int *n)
{
	step_domain[steps_n] = (byte)n[0];
	step_resource[steps_n] = (byte)n[1];
	step_undo[steps_n] = (byte)n[2];
	step_want[steps_n] = (byte)n[3];
	step_kind[steps_n] = (byte)n[4];
	step_pivot[steps_n] = (byte)n[5];
	step_needs[steps_n] = n[6];
	step_run[steps_n] = (word)n[7];
	if (run_steps[n[7]]++ == 0)
		run_first[n[7]] = steps_n;
	rests_on(steps_n++, n);
}

#ifdef FOLLOW
extern byte lsn_era[], base[], dir[], want[], kind[], heads;
extern short what[], seen[], lsn_n[], events_n, a[], b[], c[], e[], seq[], between[], gone[];

static long
asked_for(const char *name, long otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? strtol(text, NULL, 10) : otherwise;
}

static void
request(const int *n)
{
	what[n[0]] = (short)n[1];
	dir[n[0]] = (byte)n[2];
	want[n[0]] = (byte)n[3];
	base[n[0]] = (byte)n[4];
	seen[n[0]] = (short)n[5];
	lsn_era[n[0]] = (byte)n[6];
	lsn_n[n[0]] = (short)n[7];
}

static void
event(const int *n)
{
	kind[events_n] = asked_for("MODEL_REMOVE", -1) == events_n ? 0 : (byte)n[0];
	a[events_n] = (short)n[1];
	b[events_n] = (short)n[2];
	c[events_n] = (short)n[3];
	e[events_n] = (short)n[4];
	seq[events_n] = (short)n[5];
	between[events_n] = (short)n[6];
	gone[events_n++] = (short)n[7];
}

static int furthest;

static void
tell(void)
{
	fprintf(stderr, "no way leads past event %d\n", furthest);
}

void model_came_to(int pos);

void
model_came_to(int pos)
{
	if (pos > furthest)
		furthest = pos;
}

static bool
take(const char *name, const int *n, int got)
{
	bool fits = n[0] < LSNS;

	if (strcmp(name, "request") == 0 && got == NUMBERS && fits)
		request(n);
	else if (strcmp(name, "event") == 0 && got == NUMBERS && events_n < EVENTS)
		event(n);
	else
		return false;
	return true;
}
#else
extern byte mutant, canary, expiries, crashes, waits, refusals, restored;

static bool
take(const char *name, const int *n, int got)
{
	static const struct {
		const char *name;
		byte *at;
	} bounds[] = { { "mutant", &mutant }, { "canary", &canary }, { "expiries", &expiries },
		{ "crashes", &crashes }, { "waits", &waits }, { "refusals", &refusals },
		{ "restored", &restored } };

	for (size_t i = 0; got == 1 && i < sizeof bounds / sizeof *bounds; i++)
		if (strcmp(name, bounds[i].name) == 0) {
			*bounds[i].at = (byte)n[0];
			return true;
		}
	return false;
}
#endif

static bool
line_read(const char *line)
{
	char name[20];
	int n[NUMBERS] = { 0 }, at = 0, used = 0, got = 0;

	if (sscanf(line, "%19s%n", name, &at) != 1)
		return false;
	while (got < NUMBERS && sscanf(line + at, "%d%n", &n[got], &used) == 1) {
		at += used;
		got++;
	}
	if (strcmp(name, "domain") == 0 && got == 2 && domains_n < DOMAINS)
		domain(n);
	else if (strcmp(name, "step") == 0 && got == NUMBERS && steps_n < STEPS && n[7] < RUNS)
		step(n);
	else
		return take(name, n, got);
	return true;
}

void model_input(void);

void
model_input(void)
{
	const char *path = getenv("MODEL_INPUT");
	FILE *f = path != NULL ? fopen(path, "r") : NULL;
	char line[200];

	if (domains_n > 0) { /* the search begins at the initial state again */
		if (f != NULL)
			(void)fclose(f);
		return;
	}
	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		if (!line_read(line)) {
			fprintf(stderr, "%s: cannot be read, or is too much: %s", path, line);
			exit(2);
		}
	}
	if (f == NULL) {
		fprintf(stderr, "MODEL_INPUT names no file\n");
		exit(2);
	}
	(void)fclose(f);
#ifdef FOLLOW
	(void)atexit(tell);
	heads = asked_for("MODEL_HEADS", 1) != 0;
#endif
}
