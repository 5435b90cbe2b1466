/* tally.c - adding up, the closing lines, and the file. */
#include "sim/tally.h"

#include "base/text.h"
#include "os/digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
	const char *part, *doc;
} causes[] = {
#define CAUSE_ROW(n, part, d) { part, d },
	BLOCK_CAUSES(CAUSE_ROW)
#undef CAUSE_ROW
};

static void
add_blocked(struct tally *t, const struct sim *s, const struct vrun *r, bool moves)
{
	size_t i = 0;

	while (i < CAUSE_N && strstr(r->why, causes[i].part) == NULL)
		i++;
	t->blocked += moves;
	t->others_blocked += !moves;
	if (i < CAUSE_N) {
		t->cause[i]++;
		return;
	}
	printf("FAIL SEED %" PRIu64 ": run %s is blocked for a reason that is not listed: %s\n",
		s->seed, r->id, r->why);
	t->failed++;
}

static void
add_runs(struct tally *t, const struct sim *s)
{
	for (size_t i = 0; i < s->view.runs_n; i++) {
		const struct vrun *r = &s->view.run[i];
		bool moves = text_eq(r->kind, "cutover") || text_eq(r->kind, "failback");

		t->runs += moves;
		t->shelters += !moves;
		t->complete += moves && r->state == VR_DONE;
		t->undone += moves && r->state == VR_UNDONE;
		t->other += moves && (r->state == VR_FAILED || r->state == VR_OPEN);
		if (r->state == VR_BLOCKED)
			add_blocked(t, s, r, moves);
	}
}

void
tally_add(struct tally *t, const struct sim *s)
{
	t->events += s->events;
	t->intents += s->view.intents_n;
	t->restarts += s->lives - 1;
	t->lines += s->trace.n;
	t->disks += s->disk != NULL;
	t->mail += s->mail.sent;
	t->delivered += s->mail.delivered;
	t->relayed += s->mail.relayed;
	t->returned += s->mail.returned;
	t->parked += s->mail.parked;
	t->waiting += s->mail.waiting;
	for (int i = 0; i < SITE_N; i++) {
		t->faults += s->faults.hits[i];
		t->hits[i] += s->faults.hits[i];
	}
	t->passed += s->killer == NULL;
	t->failed += s->killer != NULL;
	if (s->killer == NULL)
		add_runs(t, s);
}

void
tally_sum(struct tally *t, const struct tally *more)
{
	uint64_t *to = (uint64_t *)(void *)t;
	const uint64_t *from = (const uint64_t *)(const void *)more;

	for (size_t i = 0; i < sizeof *t / sizeof *to; i++)
		to[i] += from[i];
}

/* --- the closing lines --- */

static void
mean(const char *name, uint64_t sum, uint64_t n, const char *end)
{
	printf("%" PRIu64 ".%" PRIu64 " %s%s", sum / n, sum * 10 / n % 10, name, end);
}

static void
share(const char *name, uint64_t part, uint64_t whole, const char *end)
{
	uint64_t tenths = whole > 0 ? part * 1000 / whole : 0;

	printf("%" PRIu64 ".%" PRIu64 " %% %s%s", tenths / 10, tenths % 10, name, end);
}

/* Of few seeds nothing can be said. */
enum { SAYS_SOMETHING = 1000, SAYS_ALL = 100000, BLOCKED_MOST = 5 };

static uint64_t
report_runs(const struct tally *t, uint64_t seeds)
{
	printf("%" PRIu64 " runs: ", t->runs);
	share("complete", t->complete, t->runs, ", ");
	share("rolled back", t->undone, t->runs, ", ");
	share("blocked", t->blocked, t->runs, ", ");
	share("ended as failed or taken over by a new era", t->other, t->runs, "");
	printf("; %" PRIu64 " shelters, unshelters and ejects: ", t->shelters);
	share("blocked\n", t->others_blocked, t->shelters, "");
	for (int i = 0; i < CAUSE_N; i++)
		if (t->cause[i] > 0)
			printf("  blocked %" PRIu64 ": %s\n", t->cause[i], causes[i].doc);
	if (seeds < SAYS_SOMETHING ||
		(t->blocked * 100 <= t->runs * BLOCKED_MOST &&
			t->others_blocked * 100 <= t->shelters * BLOCKED_MOST))
		return 0;
	printf("FAIL more than %d %% of the runs are blocked\n", BLOCKED_MOST);
	return 1;
}

uint64_t
tally_report(const struct tally *t, uint64_t seeds, bool all)
{
	uint64_t n = seeds > 0 ? seeds : 1, wrong, empty, refuted;

	printf("%" PRIu64 " seeds, %" PRIu64 " of them on a disk that forgets\neach seed: ", seeds,
		t->disks);
	mean("events", t->events, n, ", ");
	mean("intents", t->intents, n, ", ");
	mean("faults", t->faults, n, ", ");
	mean("restarts", t->restarts, n, ", ");
	mean("lines of trace", t->lines, n, "\n");
	printf("%" PRIu64 " messages: ", t->mail);
	share("delivered", t->delivered, t->mail, ", ");
	share("of all by the relay", t->relayed, t->mail, ", ");
	share("returned", t->returned, t->mail, ", at the end ");
	share("parked, ", t->parked, t->mail, "");
	share("waiting", t->waiting, t->mail, "\n");
	wrong = report_runs(t, seeds);
	printf("faults:");
	for (int i = 0; i < SITE_N; i++)
		printf(" %s %" PRIu64, site_name((enum site)i), t->hits[i]);
	printf("\n");
	for (int i = 0; seeds >= SAYS_SOMETHING && i < SITE_N; i++)
		if (t->hits[i] == 0) {
			printf("FAIL no seed has met %s\n", site_name((enum site)i));
			wrong++;
		}
	if (seeds >= SAYS_SOMETHING && (t->complete == 0 || t->undone == 0 || t->disks == 0)) {
		printf("FAIL nothing was tried: no run was completed, none rolled back, or none "
		       "kept on a disk\n");
		wrong++;
	}
	empty = reach_report(&t->reach, all, seeds >= SAYS_ALL, &refuted);
	return wrong + refuted + (seeds >= SAYS_ALL ? empty : 0);
}

/* --- the file --- */

/* The program itself: other code, other counts. */
static bool
program(char out[DIGEST_HEX])
{
	static char once[DIGEST_HEX];
	FILE *f = once[0] == '\0' ? fopen("/proc/self/exe", "rb") : NULL;
	long n = f != NULL && fseek(f, 0, SEEK_END) == 0 ? ftell(f) : 0;
	char *all = n > 0 ? malloc((size_t)n) : NULL;

	if (all != NULL && fseek(f, 0, SEEK_SET) == 0 && fread(all, (size_t)n, 1, f) == 1)
		digest_sha256(NULL, all, (size_t)n, once);
	if (f != NULL)
		(void)fclose(f);
	free(all);
	memcpy(out, once, sizeof once);
	return once[0] != '\0';
}

bool
tally_load(struct tally *t, const char *path)
{
	FILE *f = fopen(path, "r");
	char of[80], self[DIGEST_HEX] = "";
	uint64_t *at = (uint64_t *)(void *)t;
	size_t n = 0;
	bool good = f != NULL && fscanf(f, "ferryman-sim %79s", of) == 1;

	if (good && (!program(self) || strcmp(of, self) != 0)) {
		printf("%s was counted by another program: begun anew\n", path);
		good = false;
	}
	while (good && n < sizeof *t / sizeof *at && fscanf(f, "%" SCNu64, &at[n]) == 1)
		n++;
	if (f != NULL)
		(void)fclose(f);
	if (good && n == sizeof *t / sizeof *at)
		return true;
	memset(t, 0, sizeof *t);
	return false;
}

void
tally_save(const struct tally *t, const char *path)
{
	const uint64_t *at = (const uint64_t *)(const void *)t;
	char self[DIGEST_HEX] = "", next[600];
	FILE *f;
	bool good;

	(void)snprintf(next, sizeof next, "%s.new", path);
	f = fopen(next, "w");
	good = f != NULL && program(self) && fprintf(f, "ferryman-sim %s\n", self) > 0;
	for (size_t i = 0; good && i < sizeof *t / sizeof *at; i++)
		good = fprintf(f, "%" PRIu64 "\n", at[i]) > 0;
	if (f != NULL && fclose(f) != 0)
		good = false;
	if (!good || rename(next, path) != 0)
		printf("FAIL %s cannot be written: what was counted is lost when this ends\n",
			path);
}
