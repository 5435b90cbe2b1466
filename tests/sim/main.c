/*
 * main.c - the command line of the simulator: many seeds, one seed with its trace, a planted fault
 * to be found, a saved case, or a failing seed made small. `sim --help` lists it.
 */
#include "core/planted.h"
#include "os/digest.h"
#include "sim/sim.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* A build that measures what is covered has it: a child ends by _exit, and would tell nothing. */
__attribute__((weak)) void __gcov_dump(void);

int planted_fault; /* the one global: the planted objects of the core read it */

struct totals {
	uint64_t seed; /* that runs now */
	uint64_t passed, failed, events, intents, faults, crashes;
	uint64_t runs, complete, undone, blocked, shelters, other;
	uint64_t hits[SITE_N];
};

struct options {
	uint64_t seeds, from, only;
	bool one, trace, hash, shrink, list, brief;
	const char *fault, *cases, *file;
};

/* --- saved cases --- */

static enum site
site_parse(const char *name)
{
	int i = 0;

	while (i < SITE_N && strcmp(site_name((enum site)i), name) != 0)
		i++;
	return (enum site)i;
}

/* "seed N", "book N", then "fault SITE INDEX" lines; # begins a comment. Without fault lines the
 * seed draws its own. */
static bool
case_read(const char *path, uint64_t *ret_seed, struct script *ret)
{
	FILE *f = fopen(path, "r");
	char line[200], name[40];
	bool seed = false, good = f != NULL;
	unsigned long long n;

	*ret = (struct script){ .book = -1 };
	while (good && fgets(line, sizeof line, f) != NULL) {
		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (sscanf(line, "seed %llu", &n) == 1) {
			*ret_seed = n;
			seed = true;
		} else if (sscanf(line, "book %llu", &n) == 1 && n < BOOKS_N) {
			ret->book = (int)n;
		} else if (sscanf(line, "fault %39s %llu", name, &n) == 2 &&
			   site_parse(name) < SITE_N && ret->n < SCRIPT_MAX) {
			ret->fault[ret->n].site = site_parse(name);
			ret->fault[ret->n++].index = n;
		} else {
			good = false;
		}
	}
	if (f != NULL)
		(void)fclose(f);
	if (!good || !seed)
		printf("FAIL %s: not a case: want \"seed N\" and \"fault SITE INDEX\" lines\n",
			path);
	return good && seed;
}

static void
case_print(const struct sim *s, const struct script *c)
{
	printf("# %s: %s\nseed %llu\nbook %d\n",
		s->killer != NULL ? s->killer->name : "nothing is violated", s->why,
		(unsigned long long)s->seed, c->book);
	for (size_t i = 0; i < c->n; i++)
		printf("fault %s %llu\n", site_name(c->fault[i].site),
			(unsigned long long)c->fault[i].index);
}

/* --- running --- */

static struct sim *
run(uint64_t seed, bool trace, const struct script *script)
{
	struct sim *s =
		sim_new(&(struct sim_opts){ .seed = seed, .trace = trace, .script = script });

	sim_run(s);
	return s;
}

static void
count_runs(struct totals *t, const struct sim *s)
{
	for (size_t i = 0; i < s->view.runs_n; i++) {
		const struct vrun *r = &s->view.run[i];
		bool moves = strcmp(r->kind, "cutover") == 0 || strcmp(r->kind, "failback") == 0;

		t->runs += moves;
		t->shelters += !moves;
		t->complete += moves && r->state == VR_DONE;
		t->undone += moves && r->state == VR_UNDONE;
		t->blocked += moves && r->state == VR_BLOCKED;
		t->other += moves && (r->state == VR_FAILED || r->state == VR_OPEN);
	}
}

static void
count(struct totals *t, const struct sim *s)
{
	t->events += s->events;
	t->intents += s->view.intents_n;
	t->crashes += s->process.life - 1;
	for (int i = 0; i < SITE_N; i++) {
		t->faults += s->faults.hits[i];
		t->hits[i] += s->faults.hits[i];
	}
	count_runs(t, s);
	t->passed += s->killer == NULL;
	t->failed += s->killer != NULL;
}

static void
report_violation(const struct sim *s)
{
	printf("FAIL SEED %llu: %s: %s\n", (unsigned long long)s->seed, s->killer->name, s->why);
	printf("     the last lines of its trace (all: sim --seed %llu --trace; small: sim "
	       "--shrink %llu):\n",
		(unsigned long long)s->seed, (unsigned long long)s->seed);
	trace_tail(&s->trace, 40);
}

static void
many(const struct options *o, struct totals *t)
{
	uint64_t shown = 0;

	for (uint64_t i = 0; i < o->seeds; i++) {
		struct sim *s;

		t->seed = o->from + i;
		s = run(t->seed, false, NULL);
		count(t, s);
		if (o->hash)
			printf("%llu %016llx\n", (unsigned long long)s->seed,
				(unsigned long long)s->trace.hash);
		if (s->killer != NULL && o->brief)
			printf("FAIL SEED %llu: %s: %s\n", (unsigned long long)s->seed,
				s->killer->name, s->why);
		else if (s->killer != NULL && shown++ < 5)
			report_violation(s);
		sim_free(&s);
	}
}

/* The same seed twice must give the same trace, or no seed is worth its number. */
static void
twice(const struct options *o, struct totals *t)
{
	struct sim *a = run(o->from, false, NULL), *b = run(o->from, false, NULL);

	if (a->trace.hash != b->trace.hash || a->trace.n != b->trace.n) {
		printf("FAIL SEED %llu: two runs, two traces\n", (unsigned long long)o->from);
		t->failed++;
	} else {
		t->passed++;
	}
	sim_free(&a);
	sim_free(&b);
}

static void
one_case(const char *path, struct totals *t)
{
	struct script script;
	struct sim *s;

	if (!case_read(path, &t->seed, &script)) {
		t->failed++;
		return;
	}
	script.drawn = script.n == 0;
	s = run(t->seed, false, &script);
	if (s->killer != NULL)
		printf("FAIL %s\n", path);
	if (s->killer != NULL)
		report_violation(s);
	t->passed += s->killer == NULL;
	t->failed += s->killer != NULL;
	sim_free(&s);
}

static void
saved_cases(const char *dir, struct totals *t)
{
	struct dirent **name;
	char path[600];
	int n = scandir(dir, &name, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		const char *end = strrchr(name[i]->d_name, '.');

		(void)snprintf(path, sizeof path, "%s/%s", dir, name[i]->d_name);
		if (name[i]->d_name[0] != '.' && (end == NULL || strcmp(end, ".disabled") != 0))
			one_case(path, t);
		free(name[i]);
	}
	if (n >= 0)
		free(name);
}

/* --- a failing seed made small --- */

static bool
still_fails(uint64_t seed, const struct script *c, const char *killer)
{
	struct sim *s = run(seed, false, c);
	bool same = s->killer != NULL && strcmp(s->killer->name, killer) == 0;

	sim_free(&s);
	return same;
}

static void
without(const struct script *c, size_t from, size_t n, struct script *ret)
{
	ret->n = 0;
	for (size_t i = 0; i < c->n; i++)
		if (i < from || i >= from + n)
			ret->fault[ret->n++] = c->fault[i];
}

static int
shrink(uint64_t seed)
{
	static struct script now, less;
	struct sim *s = run(seed, false, NULL);
	const char *killer = s->killer != NULL ? s->killer->name : NULL;

	now = s->faults.happened;
	now.book = less.book = (int)(seed % BOOKS_N);
	sim_free(&s);
	if (killer == NULL) {
		printf("seed %llu violates nothing\n", (unsigned long long)seed);
		return 1;
	}
	for (size_t size = now.n > 1 ? now.n / 2 : 1; size > 0; size /= 2) {
		for (size_t at = 0; at < now.n;) {
			without(&now, at, size, &less);
			if (still_fails(seed, &less, killer))
				now = less;
			else
				at += size;
		}
	}
	s = run(seed, false, &now);
	case_print(s, &now);
	trace_tail(&s->trace, 80);
	sim_free(&s);
	return 0;
}

/* --- planted faults --- */

struct plant {
	const char *name, *doc;
};
static const struct plant plants[] = {
#define PLANT_ROW(n, d) { #n, d },
	PLANTED_FAULTS(PLANT_ROW)
#undef PLANT_ROW
};

static int
plant_parse(const char *name)
{
	for (size_t i = 0; i < sizeof plants / sizeof *plants; i++)
		if (strcmp(plants[i].name, name) == 0)
			return (int)i + 1;
	return 0;
}

static int
hunt(const struct options *o, struct totals *t)
{
	for (uint64_t i = 0; i < o->seeds; i++) {
		struct sim *s;
		bool found;

		t->seed = o->from + i;
		s = run(t->seed, o->trace, NULL);
		found = s->killer != NULL;
		if (found)
			printf("KILLED %s by %s at seed %llu after %llu: %s\n", o->fault,
				s->killer->name, (unsigned long long)s->seed,
				(unsigned long long)i + 1, s->why);
		sim_free(&s);
		if (found)
			return 0;
	}
	printf("SURVIVED %s in %llu seeds\n", o->fault, (unsigned long long)o->seeds);
	return 1;
}

/* --- the end --- */

static uint64_t
share(uint64_t part, uint64_t whole)
{
	return whole > 0 ? part * 100 / whole : 0;
}

static int
conclude(const struct options *o, struct totals *t)
{
	uint64_t n = o->seeds > 0 ? o->seeds : 1;

	printf("each seed: %llu events, %llu intents, %llu.%llu faults, %llu.%llu restarts\n",
		(unsigned long long)(t->events / n), (unsigned long long)(t->intents / n),
		(unsigned long long)(t->faults / n), (unsigned long long)(t->faults * 10 / n % 10),
		(unsigned long long)(t->crashes / n),
		(unsigned long long)(t->crashes * 10 / n % 10));
	printf("%llu runs: %llu%% complete, %llu%% rolled back, %llu%% blocked, %llu%% other; %llu "
	       "shelters\n",
		(unsigned long long)t->runs, (unsigned long long)share(t->complete, t->runs),
		(unsigned long long)share(t->undone, t->runs),
		(unsigned long long)share(t->blocked, t->runs),
		(unsigned long long)share(t->other, t->runs), (unsigned long long)t->shelters);
	printf("faults:");
	for (int i = 0; i < SITE_N; i++)
		printf(" %s %llu", site_name((enum site)i), (unsigned long long)t->hits[i]);
	printf("\n");
	if (t->complete == 0 || t->undone == 0 || t->faults == 0 || t->crashes == 0) {
		printf("FAIL nothing was tried: no run was completed, or none rolled back, or no "
		       "fault was injected\n");
		t->failed++;
	}
	printf("%llu passed, %llu failed, 0 skipped\n", (unsigned long long)t->passed,
		(unsigned long long)t->failed);
	return t->failed > 0;
}

static int
show_one(const struct options *o)
{
	struct sim *s = run(o->only, o->trace, NULL);
	int rc = s->killer != NULL;

	if (s->killer != NULL)
		report_violation(s);
	printf("seed %llu: %llu events, %zu intents, trace %016llx\n", (unsigned long long)s->seed,
		(unsigned long long)s->events, s->view.intents_n,
		(unsigned long long)s->trace.hash);
	sim_free(&s);
	return rc;
}

static int
work(const struct options *o, struct totals *t)
{
	if (o->fault != NULL)
		planted_fault = plant_parse(o->fault);
	if (o->shrink)
		return shrink(o->only);
	if (o->one)
		return show_one(o);
	if (o->fault != NULL)
		return hunt(o, t);
	if (o->file != NULL) {
		one_case(o->file, t);
		printf("%llu passed, %llu failed, 0 skipped\n", (unsigned long long)t->passed,
			(unsigned long long)t->failed);
		return t->failed > 0;
	}
	many(o, t);
	twice(o, t);
	if (!o->brief)
		saved_cases(o->cases, t);
	return conclude(o, t);
}

/* In a child, so that a crash of the core is told with its seed, and is not taken for a finding. */
static int
guarded(const struct options *o)
{
	struct totals *t =
		mmap(NULL, sizeof *t, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 0;
	pid_t child;

	if (t == MAP_FAILED)
		return 2;
	(void)fflush(stdout);
	child = fork();
	if (child == 0) {
		int rc = work(o, t);

		(void)fflush(stdout);
		if (__gcov_dump != NULL)
			__gcov_dump();
		_exit(rc);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return 2;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	printf("FAIL SEED %llu: the core crashed (%s)\n%llu passed, %llu failed, 0 skipped\n",
		(unsigned long long)t->seed, strsignal(WTERMSIG(status)),
		(unsigned long long)t->passed, (unsigned long long)t->failed + 1);
	return 3;
}

static int
usage(void)
{
	fprintf(stderr,
		"usage: sim --seeds N [--from K] [--hash] [--brief] [--fault NAME]   many seeds; "
		"with a fault: until it is found\n"
		"       sim --seed K [--trace] [--fault NAME]               one seed\n"
		"       sim --shrink K [--fault NAME]                       a failing seed "
		"as a small case\n"
		"       sim --case FILE | --list-faults\n");
	return 2;
}

static bool
number_at(char **argv, int argc, int *i, uint64_t *ret)
{
	char *end;

	if (*i + 1 >= argc)
		return false;
	*ret = strtoull(argv[++*i], &end, 10);
	return *end == '\0' && end != argv[*i];
}

static bool
option(struct options *o, int argc, char **argv, int *i)
{
	const char *a = argv[*i];

	if (strcmp(a, "--seeds") == 0)
		return number_at(argv, argc, i, &o->seeds);
	if (strcmp(a, "--from") == 0)
		return number_at(argv, argc, i, &o->from);
	if (strcmp(a, "--seed") == 0)
		return (o->one = number_at(argv, argc, i, &o->only));
	if (strcmp(a, "--shrink") == 0)
		return (o->shrink = number_at(argv, argc, i, &o->only));
	if (strcmp(a, "--trace") == 0)
		return (o->trace = true);
	if (strcmp(a, "--hash") == 0)
		return (o->hash = true);
	if (strcmp(a, "--brief") == 0)
		return (o->brief = true);
	if (strcmp(a, "--list-faults") == 0)
		return (o->list = true);
	if (strcmp(a, "--fault") == 0 && *i + 1 < argc)
		return plant_parse(o->fault = argv[++*i]) != 0;
	if (strcmp(a, "--case") == 0 && *i + 1 < argc)
		return (o->file = argv[++*i]) != NULL;
	return false;
}

int
main(int argc, char **argv)
{
	struct options o = { .from = 1, .cases = "tests/sim/cases" };

	for (int i = 1; i < argc; i++)
		if (!option(&o, argc, argv, &i))
			return usage();
	for (size_t i = 0; o.list && i < sizeof plants / sizeof *plants; i++)
		printf("%-22s %s\n", plants[i].name, plants[i].doc);
	if (o.list)
		return 0;
	if (o.seeds == 0 && !o.one && !o.shrink && o.file == NULL)
		return usage();
	digest_warm();
	return guarded(&o);
}
