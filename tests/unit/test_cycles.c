/*
 * test_cycles.c - out and back, two hundred times, on fakes and virtual time: what ferryman holds
 * (memory, descriptors), what it writes (journal) and what it leaves (the targets) does not grow
 * with the times it was used, and the targets are byte for byte what they were.
 */
#include "lib/check.h"
#include "lib/store_rig.h"
#include "lib/world.h"

#include "os/stdmem.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

/* The ledger keeps so many ended runs, two for each cycle: until then memory grows. */
enum { CYCLES = 200, FULL = 40, RESTART_EVERY = 9, MINUTE = 60000, HOUR = 3600000 };

/* --- memory, counted --- */

struct meter {
	size_t bytes, blocks, most; /* now, now, ever */
};

/* Each block carries its size in front of it. */
enum { FRONT = 16 };

static void *
meter_resize(void *ctx, void *p, size_t n)
{
	struct meter *m = ctx;
	size_t *front = p != NULL ? (void *)((char *)p - FRONT) : NULL;

	if (front != NULL) {
		m->bytes -= *front;
		m->blocks--;
	}
	if (n == 0) {
		free(front);
		return NULL;
	}
	front = realloc(front, n + FRONT);
	if (front == NULL)
		abort();
	*front = n;
	m->bytes += n;
	m->blocks++;
	m->most = m->bytes > m->most ? m->bytes : m->most;
	return (char *)front + FRONT;
}

/* --- the journal on a disk: what the core appends is written there too --- */

struct disk {
	char dir[RIG_PATH];
	struct store *s;
	struct store_head head;
	size_t written; /* of the world's records */
	long log;	/* bytes of the log, the largest seen */
};

static int
descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	if (d == NULL)
		return -1;
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n;
}

static long
size_of(const char *dir, const char *name)
{
	char path[RIG_PATH];
	struct stat st;

	rig_path(path, dir, name);
	return stat(path, &st) == 0 ? (long)st.st_size : 0;
}

static void
disk_open(struct disk *d)
{
	const struct store_opts o = { .dir = d->dir, .mode = STORE_ACTOR, .holder = "cycles" };
	struct err err = { 0 };

	CHECK_INT(store_open(&d->s, &o, &d->head, &err), RC_OK);
}

/* The same bytes: world and store count their epochs alike, and both chain by SHA-256. */
static void
disk_write(struct disk *d, const struct world *w)
{
	struct rig_done done = { 0 };
	struct err err = { 0 };

	for (; d->written < w->records_n; d->written++) {
		const char *const list[] = { w->record[d->written] };
		const struct store_append a = { .op = 1,
			.epoch = d->head.epoch,
			.seq = d->head.seq,
			.hash = d->head.hash,
			.records = list,
			.n = 1 };

		CHECK_INT(store_append(d->s, &a, rig_on_done, &done, &err), RC_OK);
		CHECK_INT(store_drain(d->s, &err), RC_OK);
		CHECK_INT(done.outcome, OUT_DONE);
		if (done.outcome != OUT_DONE)
			return;
		d->head = done.head;
	}
	if (size_of(d->dir, "journal.db-wal") > d->log)
		d->log = size_of(d->dir, "journal.db-wal");
}

/* --- one cycle --- */

/* What stands at the targets, each resource with its value. */
static void
picture(struct world *w, char *out, size_t n)
{
	size_t at = 0;

	out[0] = '\0';
	for (int t = 0; t < W_TARGETS; t++)
		for (size_t i = 0; i < w->target[t].cells_n && at < n; i++)
			at += (size_t)snprintf(out + at, n - at, "%s %s\n%s\n", w->target[t].name,
				w->target[t].cell[i].resource, w->target[t].cell[i].value);
}

static bool
cycle(struct world *w)
{
	(void)world_say(w, &(struct wask){ .verb = VERB_CUTOVER, .procedure = "out" });
	if (!world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"))
		return false;
	CHECK_STR(world_value(w, W_TENANT, "tenant.connector to-relay"), "enabled\n");
	CHECK_STR(world_value(w, W_HUB, "relay.route corp.example"), WORLD_ROUTE);
	(void)world_say(w, &(struct wask){ .verb = VERB_FAILBACK, .override = "soak" });
	if (!world_until_state(w, HOUR, FLOW_OUTBOUND, "normal"))
		return false;
	world_pass(w, 20 * MINUTE);
	return true;
}

static size_t
bytes_from(const struct world *w, size_t first)
{
	size_t n = 0;

	for (size_t i = first; i < w->records_n; i++)
		n += strlen(w->record[i]);
	return n;
}

/* What each cycle has left when it is over. */
struct left {
	size_t memory, blocks, records, bytes, effects;
	int descriptors;
};

/* The process dies and another takes over: what it holds comes from the journal alone. */
static void
start_again(struct world *w, struct disk *d)
{
	world_kill(w);
	store_close(&d->s);
	disk_open(d);
	world_start(w);
	CHECK(world_until_state(w, 5 * MINUTE, FLOW_OUTBOUND, "normal"));
	world_pass(w, 20 * MINUTE);
	disk_write(d, w);
}

static bool
go_round(struct world *w, struct disk *d, const struct meter *m, struct left *ret)
{
	size_t first = w->records_n, effects = w->effects_n;
	bool went = cycle(w);

	disk_write(d, w);
	*ret = (struct left){ .memory = m->bytes,
		.blocks = m->blocks,
		.records = w->records_n - first,
		.bytes = bytes_from(w, first),
		.effects = w->effects_n - effects,
		.descriptors = descriptors() };
	return went;
}

/* Growth from one cycle to another: a hundredth is allowed, for numbers that get longer. */
static bool
grows(size_t from, size_t to)
{
	return to > from + from / 100;
}

static void
all_bounded(const struct left *l)
{
	for (int i = FULL + 1; i < CYCLES; i++) {
		CHECK(!grows(l[FULL].memory, l[i].memory));
		CHECK(!grows(l[FULL].blocks, l[i].blocks));
		CHECK(l[i].descriptors == l[0].descriptors);
		CHECK(!grows(l[FULL].bytes, l[i].bytes));
		CHECK_INT(l[i].records, l[FULL].records);
		CHECK_INT(l[i].effects, l[FULL].effects);
	}
	/* the same question has the other answer where something does grow */
	CHECK(grows(l[0].memory, l[FULL / 2].memory));
	CHECK(grows(l[0].blocks, l[FULL / 2].blocks));
}

static void
two_hundred_times_leave_nothing_behind(void)
{
	static struct left l[CYCLES];
	struct world *w = stdmem_get(sizeof *w);
	struct meter m = { 0 };
	struct disk d = { 0 };
	char base[4096], now[4096];
	bool went = true;

	world_init(w, NULL);
	w->mem = (struct mem){ .resize = meter_resize, .ctx = &m };
	/* the backup is authorised in peace time: so the base is what a failback comes back to */
	world_edit(w, W_ZONE, "dns.rrset corp.example TXT", WORLD_SPF_BOTH);
	picture(w, base, sizeof base);
	rig_dir(d.dir);
	disk_open(&d);
	world_start(w);
	CHECK(world_until_state(w, 5 * MINUTE, FLOW_OUTBOUND, "normal"));
	for (int i = 0; i < CYCLES && went; i++) {
		went = go_round(w, &d, &m, &l[i]);
		picture(w, now, sizeof now);
		CHECK_STR(now, base);
		if (i % RESTART_EVERY == RESTART_EVERY - 1)
			start_again(w, &d);
	}
	CHECK(went);
	CHECK_INT(w->broken_laws, 0);
	all_bounded(l);
	/* the log is copied into the database after 1,000 pages of 4,096 bytes, whatever is in it
	 */
	CHECK(d.log < 2 * 1000 * 4096);
	CHECK(size_of(d.dir, "journal.db") < 2 * (long)bytes_from(w, 0));
	printf("     %d cycles: %zu bytes in %zu blocks, %d descriptors, %zu records of %zu bytes "
	       "and %zu effects for each\n",
		CYCLES, l[CYCLES - 1].memory, l[CYCLES - 1].blocks, l[CYCLES - 1].descriptors,
		l[CYCLES - 1].records, l[CYCLES - 1].bytes, l[CYCLES - 1].effects);
	store_close(&d.s);
	world_fini(w);
	CHECK_INT(m.bytes, 0);
	rig_wipe(d.dir);
	free(w);
}

int
main(void)
{
	TEST(two_hundred_times_leave_nothing_behind);
	return check_end();
}
