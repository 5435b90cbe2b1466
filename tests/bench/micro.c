/*
 * micro.c - two numbers for make bench: how long the core takes for an event, how long the journal
 * takes for a record that is durable. It prints what it measured and asserts nothing about time.
 *
 * usage: micro FOLDER (on a real disk, for the journal that is written and removed again)
 *
 * The core's time is that of core_step alone: the program is linked with --wrap=core_step, and the
 * fake world around it counts for nothing. The world lives a virtual day in which all is well, with
 * its probes, and one in which mail is harmed, is taken across, and runs on the backup.
 */
#include "lib/store_rig.h"
#include "lib/world.h"

#include "os/stdmem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HOUR = 3600000, DAY_H = 24, APPENDS = 400, TIMES = 400000 };

struct timing {
	int64_t *ns;
	size_t n, room;
};

static int64_t
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void
timing_add(struct timing *t, int64_t ns)
{
	if (t->n < t->room)
		t->ns[t->n++] = ns;
}

static int
by_size(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* timing_at - microseconds that `percent` of all took at most; t is sorted. */
static double
timing_at(const struct timing *t, size_t percent)
{
	size_t at = t->n * percent / 100;

	return (double)t->ns[at < t->n ? at : t->n - 1] / 1e3;
}

static void
timing_print(struct timing *t, const char *what, const char *per)
{
	int64_t sum = 0;

	if (t->n == 0) {
		printf("%-38s nothing was measured\n", what);
		return;
	}
	qsort(t->ns, t->n, sizeof *t->ns, by_size);
	for (size_t i = 0; i < t->n; i++)
		sum += t->ns[i];
	printf("%-38s %9.0f %s, min %.1f median %.1f p99 %.1f max %.1f us (%zu)\n", what,
		(double)t->n * 1e9 / (double)sum, per, timing_at(t, 0), timing_at(t, 50),
		timing_at(t, 99), timing_at(t, 100), t->n);
}

/* The wrapper has no context of its own, and the linker calls it: one pointer for one thread. */
static struct timing **
steps(void)
{
	static struct timing *t;

	return &t;
}

struct actions __real_core_step(struct core *c, const struct event *ev);
struct actions __wrap_core_step(struct core *c, const struct event *ev);
struct actions
__wrap_core_step(struct core *c, const struct event *ev)
{
	int64_t begin = now_ns();
	struct actions a = __real_core_step(c, ev);

	if (*steps() != NULL)
		timing_add(*steps(), now_ns() - begin);
	return a;
}

static bool
day(struct timing *t, const char *what, bool harm)
{
	struct world *w = stdmem_get(sizeof *w);
	const char *want = harm ? "on-backup" : "normal", *state;
	bool right;

	t->n = 0;
	*steps() = t;
	world_init(w, "automatic");
	world_start(w);
	world_pass(w, HOUR);
	w->primary_bad = w->listed = harm;
	world_pass(w, (int64_t)(DAY_H - 1) * HOUR);
	*steps() = NULL;
	state = world_state(w, FLOW_OUTBOUND);
	right = strcmp(state, want) == 0;
	if (!right)
		printf("FAIL %s: the machine is %s, not %s\n", what, state, want);
	else
		timing_print(t, what, "events/s");
	world_fini(w);
	free(w);
	return right;
}

static bool
journal(struct timing *t, const char *folder)
{
	char dir[RIG_PATH];
	struct store_opts o = { .mode = STORE_ACTOR, .holder = "bench" };
	struct store_head head;
	struct store *s = NULL;
	struct err err = { 0 };
	bool right = true;

	t->n = 0;
	if (setenv("TMPDIR", folder, 1) != 0)
		return false;
	rig_dir(dir);
	o.dir = dir;
	if (store_open(&s, &o, &head, &err) != RC_OK) {
		printf("FAIL the journal opens in %s: %s\n", dir, err.text);
		right = false;
	}
	for (uint64_t i = 1; right && i <= APPENDS; i++) {
		int64_t begin = now_ns();

		right = rig_append(s, &head, head.lsn + 1, "bench") == OUT_DONE;
		timing_add(t, now_ns() - begin);
	}
	right = right && head.seq == APPENDS;
	store_close(&s);
	rig_wipe(dir);
	if (right)
		timing_print(t, "journal, each record durable", "records/s");
	else
		printf("FAIL not all records were appended\n");
	return right;
}

int
main(int argc, char **argv)
{
	struct timing t = { .room = TIMES };
	int good = 0;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: micro FOLDER\n");
		return 2;
	}
	t.ns = stdmem_get(TIMES * sizeof *t.ns);
	good += day(&t, "core, a day in peace", false);
	good += day(&t, "core, a day with a cut-over", true);
	good += journal(&t, argv[1]);
	free(t.ns);
	printf("%d passed, %d failed, 0 skipped\n", good, 3 - good);
	return good == 3 ? 0 : 1;
}
