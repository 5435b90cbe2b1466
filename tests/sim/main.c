/*
 * main.c - the command line of the simulator: many seeds, one seed with its trace, a planted fault
 * to be found, a saved case, or a failing seed made small. `sim --help` lists it.
 */
#include "base/planted.h"
#include "os/digest.h"
#include "sim/tally.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A build that measures what is covered has it: a child ends by _exit, and would tell nothing. */
__attribute__((weak)) void __gcov_dump(void);

#ifndef CANARY
#define CANARY PLANT_NONE
#endif
int planted_fault = CANARY; /* the one global: the planted objects of the core read it */
#ifdef FERRYMAN_PLANTED
enum { PLANTABLE = 1 };
#else
enum { PLANTABLE = 0 }; /* the product's own objects: there is no fault to choose */
#endif

struct options {
	uint64_t seeds, from, only;
	bool one, trace, events, hash, shrink, list, brief, disk, lies, cells, keep, sum;
	uint64_t slice; /* seconds; 0 = as long as it takes */
	const char *fault, *cases, *file, *state;
	const char *const *files;
	size_t files_n;
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
run(const struct options *o, uint64_t seed, bool trace, const struct script *script)
{
	struct sim *s = sim_new(&(struct sim_opts){ .seed = seed,
		.trace = trace,
		.events = o->events,
		.disk = o->disk,
		.disk_lies = o->lies,
		.script = script });

	sim_run(s);
	return s;
}

static struct sim *
run_counting(const struct options *o, struct tally *t)
{
	const struct sim_opts opts = {
		.seed = t->running, .disk = o->disk, .disk_lies = o->lies, .reach = &t->reach
	};
	struct sim *s = sim_new(&opts);

	sim_run(s);
	return s;
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

enum { SAVE_EACH = 100 };

static void
one_of_many(const struct options *o, struct tally *t, uint64_t *shown)
{
	struct sim *s;

	t->running = o->from + t->next;
	s = run_counting(o, t);
	tally_add(t, s);
	t->next++;
	if (o->hash)
		printf("%llu %016llx\n", (unsigned long long)s->seed,
			(unsigned long long)s->trace.hash);
	if (s->killer != NULL && o->brief)
		printf("FAIL SEED %llu: %s: %s\n", (unsigned long long)s->seed, s->killer->name,
			s->why);
	else if (s->killer != NULL && (*shown)++ < 5)
		report_violation(s);
	sim_free(&s);
}

/* False: its time was over before the last seed. */
static bool
many(const struct options *o, struct tally *t)
{
	time_t begun = time(NULL);
	uint64_t shown = 0, first;

	if (o->state != NULL && tally_load(t, o->state))
		printf("goes on after %llu seeds, %llu of them failed\n",
			(unsigned long long)t->next, (unsigned long long)t->failed);
	for (first = t->next; t->next < o->seeds;) {
		if (o->slice > 0 && t->next > first && time(NULL) - begun >= (time_t)o->slice)
			break;
		one_of_many(o, t, &shown);
		if (o->state != NULL && t->next % SAVE_EACH == 0)
			tally_save(t, o->state);
	}
	if (o->state != NULL && t->next < o->seeds)
		tally_save(t, o->state);
	else if (o->state != NULL && o->keep)
		tally_save(t, o->state);
	else if (o->state != NULL)
		(void)unlink(o->state); /* the next one begins anew */
	return t->next >= o->seeds;
}

/* The same seed twice must give the same trace, or no seed is worth its number: in memory and on a
 * disk. One after the other: there is one disk. */
static void
twice(const struct options *o, struct tally *t, bool disk)
{
	struct options own = *o;
	uint64_t hash[2], lines[2];

	own.disk = disk;
	for (int i = 0; i < 2; i++) {
		struct sim *s = run(&own, o->from, false, NULL);

		hash[i] = s->trace.hash;
		lines[i] = s->trace.n;
		sim_free(&s);
	}
	if (hash[0] != hash[1] || lines[0] != lines[1]) {
		printf("FAIL SEED %llu%s: two runs, two traces\n", (unsigned long long)o->from,
			disk ? " on a disk" : "");
		t->failed++;
	} else {
		t->passed++;
	}
}

static void
one_case(const struct options *o, const char *path, struct tally *t)
{
	struct script script;
	struct sim *s;
	bool rotted;

	if (!case_read(path, &t->running, &script)) {
		t->failed++;
		return;
	}
	script.drawn = script.n == 0;
	s = run(o, t->running, o->trace, &script);
	if (s->killer != NULL)
		printf("FAIL %s\n", path);
	if (s->killer != NULL)
		report_violation(s);
	rotted = s->faults.happened.n < script.n;
	if (rotted)
		printf("FAIL %s: has rotted: of its %zu faults %zu were met; save it again\n", path,
			script.n, s->faults.happened.n);
	t->passed += s->killer == NULL && !rotted;
	t->failed += s->killer != NULL || rotted;
	sim_free(&s);
}

static void
saved_cases(const struct options *o, const char *dir, struct tally *t)
{
	struct dirent **name;
	char path[600];
	int n = scandir(dir, &name, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		const char *end = strrchr(name[i]->d_name, '.');

		(void)snprintf(path, sizeof path, "%s/%s", dir, name[i]->d_name);
		if (name[i]->d_name[0] != '.' && (end == NULL || strcmp(end, ".disabled") != 0))
			one_case(o, path, t);
		free(name[i]);
	}
	if (n >= 0)
		free(name);
}

/* --- a failing seed made small --- */

static bool
still_fails(const struct options *o, uint64_t seed, const struct script *c, const char *killer)
{
	struct sim *s = run(o, seed, false, c);
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
shrink(const struct options *o, uint64_t seed)
{
	static struct script now, less;
	struct sim *s = run(o, seed, false, NULL);
	const char *killer = s->killer != NULL ? s->killer->name : NULL;

	now = s->faults.happened;
	now.book = less.book = (int)s->book_n;
	sim_free(&s);
	if (killer == NULL) {
		printf("seed %llu violates nothing\n", (unsigned long long)seed);
		return 1;
	}
	for (size_t size = now.n > 1 ? now.n / 2 : 1; size > 0; size /= 2) {
		for (size_t at = 0; at < now.n;) {
			without(&now, at, size, &less);
			if (still_fails(o, seed, &less, killer))
				now = less;
			else
				at += size;
		}
	}
	s = run(o, seed, false, &now);
	case_print(s, &now);
	trace_tail(&s->trace, 80);
	sim_free(&s);
	return 0;
}

/* --- planted faults --- */

struct plant {
	const char *name, *kind, *doc;
};
static const struct plant plants[] = {
#define PLANT_WIDE(n, d) { #n, "wide", d },
#define PLANT_NARROW(n, d) { #n, "narrow", d },
#define PLANT_SAVED(n, d) { #n, "saved", d },
#define PLANT_DUD(n, d) { #n, "dud", d },
	PLANTED_WIDE(PLANT_WIDE) PLANTED_NARROW(PLANT_NARROW) PLANTED_SAVED(PLANT_SAVED)
		PLANTED_DUD(PLANT_DUD)
#undef PLANT_WIDE
#undef PLANT_NARROW
#undef PLANT_SAVED
#undef PLANT_DUD
};

static int
plant_parse(const char *name)
{
	for (size_t i = 0; i < sizeof plants / sizeof *plants; i++)
		if (strcmp(plants[i].name, name) == 0)
			return (int)i + 1;
	return 0;
}

bool
planted_choose(const char *name)
{
	planted_fault = PLANTABLE != 0 ? plant_parse(name) : 0;
	return planted_fault != 0;
}

static int
hunt(const struct options *o, struct tally *t)
{
	for (uint64_t i = 0; i < o->seeds; i++) {
		struct sim *s;
		bool found;

		t->running = o->from + i;
		s = run(o, t->running, o->trace, NULL);
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

static int
say_sum(const struct tally *t)
{
	printf("%llu passed, %llu failed, 0 skipped\n", (unsigned long long)t->passed,
		(unsigned long long)t->failed);
	return t->failed > 0;
}

/* What several of them have counted, each with seeds of its own. */
static int
sum(const struct options *o, struct tally *t)
{
	static struct tally one;

	for (size_t i = 0; i < o->files_n; i++) {
		if (!tally_load(&one, o->files[i])) {
			printf("FAIL %s: nothing is counted there\n", o->files[i]);
			t->failed++;
			continue;
		}
		tally_sum(t, &one);
	}
	t->failed += tally_report(t, t->next, o->cells);
	return say_sum(t);
}

static int
show_one(const struct options *o)
{
	struct sim *s = run(o, o->only, o->trace, NULL);
	int rc;

	rc = s->killer != NULL;
	if (s->killer != NULL)
		report_violation(s);
	printf("seed %llu: %llu events, %zu intents, trace %016llx\n", (unsigned long long)s->seed,
		(unsigned long long)s->events, s->view.intents_n,
		(unsigned long long)s->trace.hash);
	sim_free(&s);
	return rc;
}

static int
work(const struct options *o, struct tally *t)
{
	if (o->fault != NULL)
		planted_fault = plant_parse(o->fault);
	if (o->sum)
		return sum(o, t);
	if (o->shrink)
		return shrink(o, o->only);
	if (o->one)
		return show_one(o);
	if (o->file != NULL) {
		one_case(o, o->file, t);
		return say_sum(t);
	}
	if (o->fault != NULL)
		return hunt(o, t);
	if (!many(o, t)) {
		printf("stopped after %llu s and %llu of %llu seeds; the same command goes on\n",
			(unsigned long long)o->slice, (unsigned long long)t->next,
			(unsigned long long)o->seeds);
		return say_sum(t);
	}
	twice(o, t, false);
	twice(o, t, true);
	if (!o->brief)
		saved_cases(o, o->cases, t);
	t->failed += tally_report(t, o->seeds, o->cells);
	return say_sum(t);
}

/* In a child, so that a crash of the core is told with its seed, and is not taken for a finding. */
static int
guarded(const struct options *o)
{
	struct tally *t =
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
	printf("FAIL SEED %llu: the core crashed (%s)\n", (unsigned long long)t->running,
		strsignal(WTERMSIG(status)));
	t->failed++;
	(void)say_sum(t);
	return 3;
}

static int
usage(void)
{
	fprintf(stderr, "usage: sim --seeds N [--from K] [--cells] [--brief] [--hash] "
			"[--disk|--lying-disk]\n"
			"           [--state FILE [--slice SECONDS] [--keep]]         many seeds; "
			"FILE: stopped, "
			"the same command goes on\n"
			"       sim --sum FILE...                                   what several "
			"have counted\n"
			"       sim --seed K [--trace|--events] [--disk]            one seed\n"
			"       sim --shrink K                                      a failing seed "
			"as a small "
			"case\n"
			"       sim --case FILE [--trace]\n"
			"       sim-planted ... --fault NAME | --list-faults        the same with "
			"a planted "
			"fault, until it is found\n");
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
	if (strcmp(a, "--slice") == 0)
		return number_at(argv, argc, i, &o->slice);
	if (strcmp(a, "--state") == 0 && *i + 1 < argc)
		return (o->state = argv[++*i]) != NULL;
	if (strcmp(a, "--keep") == 0)
		return (o->keep = true);
	if (strcmp(a, "--sum") == 0) {
		o->sum = true;
		o->files = (const char *const *)argv + *i + 1;
		o->files_n = (size_t)(argc - *i - 1);
		*i = argc;
		return true;
	}
	if (strcmp(a, "--cells") == 0)
		return (o->cells = true);
	if (strcmp(a, "--seed") == 0)
		return (o->one = number_at(argv, argc, i, &o->only));
	if (strcmp(a, "--shrink") == 0)
		return (o->shrink = number_at(argv, argc, i, &o->only));
	if (strcmp(a, "--trace") == 0)
		return (o->trace = true);
	if (strcmp(a, "--events") == 0)
		return (o->events = true);
	if (strcmp(a, "--hash") == 0)
		return (o->hash = true);
	if (strcmp(a, "--disk") == 0)
		return (o->disk = true);
	if (strcmp(a, "--lying-disk") == 0)
		return (o->disk = o->lies = true);
	if (strcmp(a, "--brief") == 0)
		return (o->brief = true);
	if (strcmp(a, "--list-faults") == 0)
		return (o->list = true);
	if (strcmp(a, "--fault") == 0 && *i + 1 < argc)
		return PLANTABLE != 0 && plant_parse(o->fault = argv[++*i]) != 0;
	if (strcmp(a, "--case") == 0 && *i + 1 < argc)
		return (o->file = argv[++*i]) != NULL;
	return false;
}

int
main(int argc, char **argv)
{
	struct options o = { .from = 1, .cases = "tests/sim/cases" };

	if (argc > 1 && strcmp(argv[1], "--odometer") == 0) {
		digest_warm();
		return odometer_main(argc, argv);
	}
	if (argc > 1 && strcmp(argv[1], "--hunt") == 0) {
		digest_warm();
		return hunt_main(argc, argv);
	}
	for (int i = 1; i < argc; i++)
		if (!option(&o, argc, argv, &i))
			return usage();
	for (size_t i = 0; PLANTABLE != 0 && o.list && i < sizeof plants / sizeof *plants; i++)
		printf("%-22s %-6s %s\n", plants[i].name, plants[i].kind, plants[i].doc);
	if (o.list)
		return 0;
	if (o.seeds == 0 && !o.one && !o.shrink && o.file == NULL && !o.sum)
		return usage();
	digest_warm();
	return guarded(&o);
}
