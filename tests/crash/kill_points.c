/*
 * kill_points.c - an out-and-back of twelve and more steps each way is killed around each record of
 * its journal, at each moment at which the journal and the targets can know different things; then
 * it is started again from what is on the disk, and goes on to the end. Always the same questions:
 * do the targets stand as without a kill, did each take each effect once, was nothing lost that the
 * journal had acknowledged, and had each effect its intent there before?
 *
 * `kill_points --records A B` does so around these records alone; with `--planted FAULT` of a build
 * with faults that can be planted; with `--lying` on a disk whose fsync does nothing
 * (tests/crash/twins).
 */
#include "lib/check.h"
#include "lib/crossing.h"
#include "lib/faultvfs.h"

#include "base/text.h"
#include "base/planted.h"
#include "os/digest.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DEEP = 5, CHAINS = 20, CHAINS_SOAK = 500, STEPS = 12, POINTS = 504, FAULTS_TOLD = 5 };

extern int planted_fault;
int planted_fault; /* read by the build with plantable faults alone */

static char dir[RIG_PATH];
static struct shore *shore;
static uint64_t from_record = 1, to_record = CROSSING_RECORDS;

/* What a crossing without a kill is and leaves. */
static struct reference {
	char picture[CROSSING_TEXT];
	uint64_t records, first_back; /* number of the failback's START */
	char hash[CROSSING_RECORDS + 1][65];
	size_t steps_out, steps_back;
} ref;

static void
fresh(void)
{
	rig_wipe(dir);
	if (mkdir(dir, 0700) != 0)
		abort();
	shore_clean(shore);
}

/* --- lives --- */

/* One life in a process of its own; true when it was killed. */
static bool
killed(struct crossing *x)
{
	int status = 0;
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		bool done;

		if (x->power)
			faultvfs_remember(x->seed);
		done = crossing_live(x);

		printf("     not killed (record %llu, %s, operation %d): %s\n",
			(unsigned long long)x->record, moment_name(x->moment), x->at,
			done ? "it came to its end" : x->err.text);
		(void)fflush(stdout);
		_exit(1);
	}
	if (waitpid(pid, &status, 0) != pid)
		abort();
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

struct judged {
	bool ended;
	size_t unbacked;
	uint64_t lost;
	bool as_undisturbed;
	char picture[CROSSING_TEXT], why[ERR_TEXT_MAX];
};

/* The last life, which nobody disturbs. */
static void
to_the_end(struct judged *v)
{
	struct crossing x = { .shore = shore, .dir = dir };

	memset(v, 0, sizeof *v);
	v->ended = crossing_live(&x);
	(void)snprintf(v->why, sizeof v->why, "%s", x.err.text);
	v->lost = shore->lost;
	if (!v->ended)
		return;
	v->unbacked = crossing_unbacked(&x);
	crossing_picture(&x, v->picture);
	v->as_undisturbed = strcmp(v->picture, ref.picture) == 0;
	crossing_end(&x);
}

static bool
good(const struct judged *v)
{
	return v->ended && v->unbacked == 0 && v->lost == 0 && v->as_undisturbed;
}

static void
say(const struct judged *v, const char *where)
{
	static int told;

	if (good(v) || told++ >= FAULTS_TOLD)
		return;
	printf("     %s: %s; %zu effects without an intent; lost from record %llu; %s\n", where,
		v->ended ? "ended" : v->why, v->unbacked, (unsigned long long)v->lost,
		v->as_undisturbed ? "as undisturbed" : "not as undisturbed");
	if (v->ended && !v->as_undisturbed)
		printf("%s     --- undisturbed ---\n%s", v->picture, ref.picture);
}

/* --- undisturbed --- */

static bool
run_of(const char *record, const char *start)
{
	const char *run = strstr(start, "\"run\":\"");
	char mark[64];

	if (run == NULL)
		return false;
	(void)snprintf(mark, sizeof mark, "%.*s\"", (int)strcspn(run + 7, "\"") + 7, run);
	return strstr(record, mark) != NULL;
}

static size_t
steps_of(const struct world *w, const char *kind, uint64_t *ret_start)
{
	const char *start = NULL;
	size_t n = 0;

	for (size_t i = 0; i < w->records_n; i++) {
		const char *r = w->record[i];

		if (start == NULL && strstr(r, "\"type\":\"START\"") != NULL &&
			strstr(r, kind) != NULL) {
			start = r;
			*ret_start = i + 1;
		}
		n += start != NULL && strstr(r, "\"type\":\"RESULT\"") != NULL && run_of(r, start);
	}
	return n;
}

static void
undisturbed_it_goes_out_and_back(void)
{
	struct crossing x = { .shore = shore, .dir = dir };
	uint64_t out = 0;

	fresh();
	CHECK(crossing_live(&x));
	if (x.w == NULL) {
		printf("     %s\n", x.err.text);
		return;
	}
	crossing_picture(&x, ref.picture);
	ref.records = x.w->records_n;
	memcpy(ref.hash, shore->hash, sizeof ref.hash);
	ref.steps_out = steps_of(x.w, "\"kind\":\"cutover\"", &out);
	ref.steps_back = steps_of(x.w, "\"kind\":\"failback\"", &ref.first_back);
	CHECK_INT(x.w->broken_laws, 0);
	CHECK_INT(crossing_unbacked(&x), 0);
	CHECK(ref.steps_out >= STEPS);
	CHECK(ref.steps_back >= STEPS);
	CHECK(strstr(ref.picture, "normal, 1 cut-over, 1 failback, 2 done of 2") != NULL);
	CHECK(strstr(ref.picture, "hub3 took relay.queue ") != NULL);
	printf("%zu steps and %llu records out, %zu steps and %llu records back\n", ref.steps_out,
		(unsigned long long)ref.first_back - 1, ref.steps_back,
		(unsigned long long)(ref.records - ref.first_back + 1));
	if (getenv("FERRYMAN_SHOW") != NULL) {
		world_print(x.w);
		printf("%s", ref.picture);
	}
	crossing_end(&x);
}

/* --- killed --- */

struct count {
	int points, killed, skipped, bad;
};

static void
one_point(struct count *c, enum moment moment, uint64_t record, bool power)
{
	struct crossing x = { .shore = shore,
		.dir = dir,
		.moment = moment,
		.record = record,
		.power = power,
		.seed = (unsigned)(record * 7919 + moment) };
	struct judged v;
	char where[128];
	bool same;

	fresh();
	c->points++;
	if (!killed(&x)) {
		c->skipped++;
		return;
	}
	c->killed++;
	/* up to there it was the undisturbed one */
	same = strcmp(shore->hash[shore->acked], ref.hash[shore->acked]) == 0;
	crossing_dawn(shore, dir, power);
	to_the_end(&v);
	(void)snprintf(where, sizeof where, "record %llu, %s, %s", (unsigned long long)record,
		moment_name(moment), power ? "power lost" : "killed");
	say(&v, where);
	c->bad += !same || !good(&v);
}

static void
killed_at_each_moment_of_each_record(void)
{
	struct count c = { 0 };

	for (int power = 0; power < 2; power++)
		for (uint64_t r = from_record; r <= ref.records && r <= to_record; r++)
			for (int m = MOMENT_NONE + 1; m < MOMENT_N; m++)
				one_point(&c, (enum moment)m, r, power == 1);
	printf("records %llu × 6 × 2 = %d, killed %d, skipped %d "
	       "(2: the process is killed, the machine loses its power)\n",
		(unsigned long long)ref.records, c.points, c.killed, c.skipped);
	CHECK(c.points / 2 >= POINTS || to_record < ref.records);
	CHECK_INT(c.killed, c.points);
	CHECK_INT(c.skipped, 0);
	CHECK_INT(c.bad, 0);
}

/* --- killed while it recovers --- */

static unsigned drawn = 20261126;

static unsigned
draw(unsigned below)
{
	drawn = drawn * 1664525u + 1013904223u;
	return (drawn >> 8) % below;
}

/* A life that ends early: at one of its first operations on the disk, or around one of the records
 * that it adds to those that are there. */
static bool
killed_early(bool *ret_power)
{
	struct crossing x = {
		.shore = shore, .dir = dir, .power = draw(2) == 0, .seed = draw(1 << 20)
	};

	*ret_power = x.power;
	if (draw(2) == 0) {
		x.at = 1 + (int)draw(24);
	} else {
		x.moment = (enum moment)(1 + draw(MOMENT_N - 1));
		x.record = shore->acked + 2 + draw(3); /* one more may be on the disk */
	}
	return killed(&x);
}

/* Five kills in a row; false where one that was drawn met no such moment and the life came to its
 * end. */
static bool
all_killed_early(bool power)
{
	for (int deep = 0; deep < DEEP; deep++) {
		crossing_dawn(shore, dir, power);
		if (!killed_early(&power))
			return false;
	}
	crossing_dawn(shore, dir, power);
	return true;
}

static void
killed_in_recovery_five_deep(void)
{
	const int chains = getenv("FERRYMAN_SOAK") != NULL ? CHAINS_SOAK : CHAINS;
	int full = 0, bad = 0;

	for (int i = 0; full < chains && i < 2 * chains; i++) {
		struct judged v;
		char where[64];
		bool power = draw(2) == 0;
		struct crossing x = { .shore = shore,
			.dir = dir,
			.power = power,
			.seed = draw(1 << 20),
			.record = 1 + draw((unsigned)ref.records - 30),
			.moment = (enum moment)(1 + draw(MOMENT_N - 1)) };

		fresh();
		CHECK(killed(&x));
		full += all_killed_early(power);
		to_the_end(&v);
		(void)snprintf(where, sizeof where, "chain %d", i);
		say(&v, where);
		bad += !good(&v);
	}
	printf("%d crossings killed, and then killed in recovery %d times\n", full, DEEP);
	CHECK_INT(full, chains);
	CHECK_INT(bad, 0);
}

/* --- twins: what must be noticed --- */

static void
an_effect_taken_twice_would_be_noticed(void)
{
	struct crossing x = { .shore = shore, .dir = dir };
	char picture[CROSSING_TEXT];

	fresh();
	CHECK(crossing_live(&x));
	for (size_t i = 0; i < x.w->effects_n; i++)
		if (text_starts(x.w->effect[i].resource, "relay.queue ")) {
			x.w->effect[x.w->effects_n++] = x.w->effect[i];
			break;
		}
	crossing_picture(&x, picture);
	CHECK(strcmp(picture, ref.picture) != 0);
	CHECK_INT(crossing_unbacked(&x), 0);
	x.w->effect[0].lsn += 1000;
	CHECK_INT(crossing_unbacked(&x), 1);
	crossing_end(&x);
}

static void
a_lost_record_would_be_noticed(void)
{
	struct crossing x = {
		.shore = shore, .dir = dir, .record = ref.records / 2, .moment = MOMENT_STORED
	};
	struct judged v;

	fresh();
	CHECK(killed(&x));
	shore->hash[7][0] = (char)(shore->hash[7][0] == '0' ? '1' : '0');
	to_the_end(&v);
	CHECK_INT(v.lost, 7);
	CHECK(!good(&v));
}

static int
with_fault(const char *name)
{
	static const struct {
		const char *name;
		int fault;
	} all[] = {
#define ROW(n, d) { #n, PLANT_##n },
		PLANTED_FAULTS(ROW)
#undef ROW
	};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (strcmp(all[i].name, name) == 0)
			return all[i].fault;
	(void)fprintf(stderr, "no such fault: %s\n", name);
	exit(2);
}

/* Fewer records, or what a twin does to the product or to its disk. */
static void
options(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--lying") == 0) {
			faultvfs_lie(true);
		} else if (strcmp(argv[i], "--planted") == 0 && i + 1 < argc) {
			planted_fault = with_fault(argv[++i]);
		} else if (strcmp(argv[i], "--records") == 0 && i + 2 < argc) {
			from_record = strtoull(argv[++i], NULL, 10);
			to_record = strtoull(argv[++i], NULL, 10);
		} else {
			(void)fprintf(stderr,
				"usage: kill_points [--records A B] [--planted FAULT] [--lying]\n");
			exit(2);
		}
	}
}

int
main(int argc, char **argv)
{
	digest_warm();
	faultvfs_install();
	rig_dir(dir);
	shore = shore_new();
	TEST(undisturbed_it_goes_out_and_back);
	options(argc, argv);
	TEST(killed_at_each_moment_of_each_record);
	if (argc == 1) {
		TEST(killed_in_recovery_five_deep);
		TEST(an_effect_taken_twice_would_be_noticed);
		TEST(a_lost_record_would_be_noticed);
	}
	rig_wipe(dir);
	shore_free(&shore);
	return check_end();
}
