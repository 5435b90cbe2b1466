/*
 * hunt.c - one planted fault is hunted: up to its first kill, or through a number of seeds to see
 * how many kill it. Each stretch runs in a child of its own, so that a crash of the core is seen,
 * counts for nothing, and does not end the hunt.
 */
#include "base/planted.h"
#include "sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct hunt {	       /* shared with the child */
	uint64_t seed; /* that runs now */
	uint64_t hint; /* one to begin with; 0 = none, or tried */
	uint64_t first, kills, seeds, crashes;
	char by[64], why[200];
};

static void
one(struct hunt *h, uint64_t seed)
{
	struct sim *s = sim_new(&(struct sim_opts){ .seed = seed });

	h->seed = seed;
	sim_run(s);
	if (s->killer != NULL && h->kills++ == 0) {
		h->first = seed;
		(void)snprintf(h->by, sizeof h->by, "%s", s->killer->name);
		(void)snprintf(h->why, sizeof h->why, "%.199s", s->why);
	}
	h->seeds++;
	sim_free(&s);
}

/* Seeds up to last; those up to count are run even when one has killed it. */
static void
stretch(struct hunt *h, uint64_t count, uint64_t last)
{
	uint64_t hint = h->hint;

	if (hint != 0) {
		h->hint = 0;
		one(h, hint);
		h->seed = 0;
	}
	for (uint64_t seed = h->seed + 1; seed <= last; seed++) {
		if (h->kills > 0 && seed > count)
			return;
		one(h, seed);
	}
}

static bool
crashed(struct hunt *h, uint64_t count, uint64_t last)
{
	pid_t child;
	int status = 0;

	(void)fflush(stdout);
	child = fork();
	if (child == 0) {
		stretch(h, count, last);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		abort();
	return !WIFEXITED(status);
}

static int
usage(void)
{
	fprintf(stderr, "usage: sim-planted --hunt NAME [--kills N] [--within N]\n"
			"       sim-planted --hunt NAME --hint SEED\n"
			"  N seeds are counted (0: it ends at the first kill); the first kill must "
			"come within so many (10000); a seed to try before all others\n");
	return 2;
}

int
hunt_main(int argc, char **argv)
{
	struct hunt *h =
		mmap(NULL, sizeof *h, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t count = 0, within = 10000;

	if (h == MAP_FAILED || argc < 3 || argc % 2 == 0 || !planted_choose(argv[2]))
		return usage();
	for (int i = 3; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--kills") == 0)
			count = strtoull(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--within") == 0)
			within = strtoull(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--hint") == 0)
			h->hint = strtoull(argv[i + 1], NULL, 10);
		else
			return usage();
	}
	while (crashed(h, count, within)) {
		h->crashes++;
		h->seeds++;
	}
	if (h->kills > 0)
		printf("KILLED %s %s %llu %llu %llu %llu %s\n", argv[2], h->by,
			(unsigned long long)h->first, (unsigned long long)h->kills,
			(unsigned long long)h->seeds, (unsigned long long)h->crashes, h->why);
	else
		printf("SURVIVED %s %llu %llu\n", argv[2], (unsigned long long)h->seeds,
			(unsigned long long)h->crashes);
	return h->kills == 0;
}
