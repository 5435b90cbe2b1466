/*
 * core_memory.c - each request of the core for memory fails, once and for ever: in stories that
 * lead it through loading, planning, running, taking back, recovering and being taken out. The
 * story goes on undisturbed; at each request a child is forked, for which this one fails.
 *
 * core_places is the same program over an arena that asks for memory each time that something is
 * asked of it (tests/fuzz/strict_arena.c). So many requests are too many for a child each: there,
 * the first request of each place in the program fails, once.
 *
 * However a child ends: no crash; it halts, or it comes to the same end; no effect had left without
 * an intent; started again with memory, the journal folds and the run that was open comes to an
 * end.
 */
#include "lib/check.h"
#include "lib/world.h"

#include "base/text.h"
#include "os/digest.h"
#include "os/stdmem.h"

#include <execinfo.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MINUTE = 60000, HOUR = 3600000, SEEN = 4096, PLACES = 1 << 16, DEEP = 14, FAULTS_TOLD = 5 };
enum { END_HALTED, END_UNDISTURBED, END_CRASH, END_UNBACKED, END_STUCK, ENDS };
static const char *const end_names[ENDS] = { "halted", "undisturbed", "a crash",
	"an effect without an intent", "started again it comes to no end" };

/* Under the address sanitizer a fork is dear: each tenth there. */
#if defined(__SANITIZE_ADDRESS__)
enum { EVERY = 10 };
#else
enum { EVERY = 1 };
#endif

/* A build that measures what is covered has it: a child ends by _exit, and would tell nothing. */
__attribute__((weak)) void __gcov_dump(void);

/* Of strict_arena.c: linked into core_places alone. */
extern const bool arena_is_strict __attribute__((weak));

static bool
by_place(void)
{
	return &arena_is_strict != NULL;
}

static struct {
	struct world *w;
	bool child, for_ever, off, tells;
	long n; /* requests so far */
	int ends[2][ENDS];
} m;

/* What children have left behind and gone on from: one of each is enough. In shared memory. */
struct seen {
	atomic_size_t n, places;
	char state[SEEN][DIGEST_HEX];
	uint64_t place[PLACES]; /* from where memory was asked for: by its hash, 0 = free */
};
static struct seen *seen;

/* Not asked from there before. Where coverage is measured, one child for each place tells of
 * itself.
 */
static bool
is_new_place(void)
{
	void *frame[DEEP];
	bool measured = __gcov_dump != NULL; /* nothing is inlined there: more frames to a place */
	int n = measured || by_place() ? backtrace(frame, measured && by_place() ? DEEP : 10) : 0;
	uint64_t at = 0;
	size_t i;

	for (int k = 0; k < n; k++)
		at = at * 1099511628211u + (uint64_t)(uintptr_t)frame[k];
	if (n == 0 || atomic_load(&seen->places) > PLACES / 2)
		return false;
	for (i = (at >> 20) % PLACES; seen->place[i] != 0; i = (i + 1) % PLACES)
		if (seen->place[i] == at)
			return false;
	seen->place[i] = at;
	atomic_fetch_add(&seen->places, 1);
	return true;
}

/* --- requests --- */

static int
child_of(bool for_ever)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		m.child = true;
		m.for_ever = for_ever;
		return -1;
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		abort();
	return WIFEXITED(status) && WEXITSTATUS(status) < ENDS ? WEXITSTATUS(status) : END_CRASH;
}

static void *
resize(void *ctx, void *p, size_t n)
{
	(void)ctx;
	if (n == 0 || m.off || m.w->looking)
		return stdmem.resize(stdmem.ctx, p, n);
	if (m.child)
		return m.for_ever ? NULL : stdmem.resize(stdmem.ctx, p, n);
	m.tells = is_new_place();
	if (by_place() && !m.tells)
		return stdmem.resize(stdmem.ctx, p, n);
	if (++m.n % EVERY != 0)
		return stdmem.resize(stdmem.ctx, p, n);
	for (int k = 0; k < (by_place() ? 1 : 2); k++) {
		int end = child_of(k == 1);

		if (end < 0)
			return NULL;
		if (end > END_UNDISTURBED && m.ends[k][end] < FAULTS_TOLD)
			printf("     request %ld %s: %s\n", m.n, k == 1 ? "for ever" : "once",
				end_names[end]);
		m.ends[k][end]++;
	}
	return stdmem.resize(stdmem.ctx, p, n);
}

/* --- the end of a child --- */

static bool
unbacked(const struct world *w)
{
	for (size_t i = 0; i < w->effects_n; i++) {
		char mark[64];
		bool backed = false;

		(void)snprintf(
			mark, sizeof mark, "\"lsn\":%llu,", (unsigned long long)w->effect[i].lsn);
		for (size_t k = 0; k < w->effect[i].records && k < w->records_n && !backed; k++)
			backed = strstr(w->record[k], "\"type\":\"INTENT\"") != NULL &&
				 strstr(w->record[k], mark) != NULL;
		if (!backed)
			return true;
	}
	return false;
}

static bool
is_new(const struct world *w)
{
	char now[2][DIGEST_HEX] = { { 0 } }, one[DIGEST_HEX];
	size_t n = atomic_load(&seen->n);

	if (w->records_n > 0)
		memcpy(now[0], w->hash[w->records_n - 1], sizeof now[0]);
	digest_sha256(NULL, w->effect, w->effects_n * sizeof *w->effect, now[1]);
	digest_sha256(NULL, now, sizeof now, one);
	for (size_t i = 0; i < n; i++)
		if (memcmp(seen->state[i], one, sizeof one) == 0)
			return false;
	if (n < SEEN) {
		memcpy(seen->state[n], one, sizeof one);
		atomic_store(&seen->n, n + 1);
	}
	return true;
}

/* Nobody is needed any more, or somebody has been called. */
static bool
is_at_rest(struct world *w)
{
	static const char *const moving[] = { "settling", "cutting-over", "failing-back",
		"rolling-back" };

	for (size_t i = 0; i < sizeof moving / sizeof moving[0]; i++)
		if (text_eq(world_state(w, FLOW_OUTBOUND), moving[i]) ||
			text_eq(world_state(w, FLOW_INBOUND), moving[i]))
			return false;
	return true;
}

_Noreturn static void
child_ends(struct world *w)
{
	int end = w->halted ? END_HALTED : END_UNDISTURBED;

	m.off = true;
	if (unbacked(w) || w->broken_laws > 0) {
		end = END_UNBACKED;
	} else if (w->halted && is_new(w)) {
		char era[32];

		(void)snprintf(era, sizeof era, "\"era\":%llu,", (unsigned long long)w->era);
		w->fresh = w->by_operator = world_count(w, "OPENED", era) == 0;
		world_kill(w);
		world_start(w);
		world_pass(w, MINUTE);
		(void)world_say(w, &(struct wask){ .verb = VERB_RESUME }); /* if it was paused */
		if (w->halted || !world_until(w, 2 * HOUR, is_at_rest) || unbacked(w))
			end = END_STUCK;
	}
	if (m.tells && __gcov_dump != NULL)
		__gcov_dump();
	_exit(end);
}

/* --- stories; each ends early when it has halted --- */

#define GOES(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond))                                                                       \
			return false;                                                              \
	} while (0)

static bool
to(struct world *w, enum flow flow, const char *state)
{
	return world_until_state(w, 3 * (int64_t)HOUR, flow, state) && !w->halted;
}

/* Harm is seen, mail is sheltered, goes out by itself, and comes back by itself. */
static bool
by_itself(struct world *w)
{
	GOES(to(w, FLOW_OUTBOUND, "normal"));
	w->primary_bad = w->listed = true;
	GOES(to(w, FLOW_OUTBOUND, "on-backup"));
	w->primary_bad = w->listed = false;
	return to(w, FLOW_OUTBOUND, "normal");
}

/* The backup does not prove itself: all is taken back. Then the process dies in the second try. */
static bool
taken_back_and_killed(struct world *w)
{
	GOES(to(w, FLOW_OUTBOUND, "normal"));
	w->backup_bad = true;
	(void)world_say(w, &(struct wask){ .verb = VERB_CUTOVER, .procedure = "out" });
	GOES(to(w, FLOW_OUTBOUND, "rolling-back"));
	GOES(to(w, FLOW_OUTBOUND, "normal"));
	w->backup_bad = false;
	world_pass(w, 5 * MINUTE);
	(void)world_say(w, &(struct wask){ .verb = VERB_CUTOVER, .procedure = "out" });
	world_pass(w, 1000);
	(void)world_say(w, &(struct wask){ .verb = VERB_PAUSE, .reason = "wait" });
	world_pass(w, MINUTE);
	GOES(!w->halted);
	world_kill(w);
	world_start(w);
	world_pass(w, MINUTE);
	(void)world_say(w, &(struct wask){ .verb = VERB_RESUME });
	return to(w, FLOW_OUTBOUND, "on-backup");
}

/* People ask, approve, abort, and take ferryman out. */
static bool
people(struct world *w)
{
	GOES(to(w, FLOW_OUTBOUND, "normal"));
	w->primary_bad = w->listed = true;
	GOES(to(w, FLOW_OUTBOUND, "awaiting-approval"));
	(void)world_say(
		w, &(struct wask){ .verb = VERB_PLAN, .of = VERB_CUTOVER, .procedure = "out" });
	world_pass(w, 5000);
	(void)world_say(w, &(struct wask){ .verb = VERB_APPROVE, .user = "ben", .nonce = "n1" });
	world_pass(w, 2000);
	(void)world_say(w, &(struct wask){ .verb = VERB_ABORT });
	world_pass(w, 30 * MINUTE);
	w->primary_bad = w->listed = false;
	GOES(to(w, FLOW_OUTBOUND, "normal"));
	(void)world_say(w, &(struct wask){ .verb = VERB_EJECT });
	world_pass(w, 10 * MINUTE);
	return !w->halted;
}

/* A new era begins by an operator's word. */
static void
begin_era(struct world *w, uint64_t era)
{
	world_kill(w);
	w->era = era;
	w->fresh = w->by_operator = true;
	world_start(w);
	world_pass(w, 20000);
}

/* It finds a run that is open, and goes on with it where the targets are as the run left them; not
 * where they are otherwise. */
static bool
restored(struct world *w)
{
	GOES(to(w, FLOW_OUTBOUND, "normal"));
	(void)world_say(w, &(struct wask){ .verb = VERB_CUTOVER, .procedure = "out" });
	world_pass(w, 20000);
	GOES(!w->halted);
	begin_era(w, 2);
	GOES(to(w, FLOW_OUTBOUND, "on-backup"));
	(void)world_say(w, &(struct wask){ .verb = VERB_FAILBACK, .override = "soak" });
	world_pass(w, 20000);
	GOES(!w->halted);
	world_edit(w, W_TENANT, "tenant.connector to-relay", "enabled\nexcept x@corp.example\n");
	begin_era(w, 3);
	world_pass(w, MINUTE);
	return !w->halted && world_count(w, "END", "is not as it leaves run") == 1;
}

/* There, back, and ferryman is taken out of the targets that it has changed. */
static bool
taken_out(struct world *w)
{
	GOES(to(w, FLOW_OUTBOUND, "normal"));
	(void)world_say(w, &(struct wask){ .verb = VERB_CUTOVER, .procedure = "out" });
	GOES(to(w, FLOW_OUTBOUND, "on-backup"));
	(void)world_say(w, &(struct wask){ .verb = VERB_FAILBACK, .override = "soak" });
	GOES(to(w, FLOW_OUTBOUND, "normal"));
	(void)world_say(w, &(struct wask){ .verb = VERB_PLAN, .of = VERB_EJECT });
	world_pass(w, MINUTE);
	(void)world_say(w, &(struct wask){ .verb = VERB_EJECT, .override = "queues" });
	world_pass(w, 10 * MINUTE);
	return !w->halted && world_count(w, "END", "\"state\":\"done\"") == 3;
}

/* Mail to us, of two domains, and back. */
static bool
inbound(struct world *w)
{
	GOES(to(w, FLOW_INBOUND, "normal"));
	(void)world_say(w, &(struct wask){ .verb = VERB_CUTOVER, .procedure = "in" });
	GOES(to(w, FLOW_INBOUND, "on-backup"));
	(void)world_say(w, &(struct wask){ .verb = VERB_FAILBACK, .override = "soak" });
	return to(w, FLOW_INBOUND, "normal");
}

static void
told(const char *name, bool (*story)(struct world *w), const char *mode)
{
	struct world *w = stdmem_get(sizeof *w);
	bool done;

	memset(&m, 0, sizeof m);
	m.w = w;
	m.off = true;
	if (mode != NULL) {
		world_init(w, mode);
	} else {
		world_init_book(w, world_inbound_book, NULL, NULL);
		world_cell(w, W_ZONE, "dns.rrset eu.corp.example MX", WORLD_MX);
		world_cell(w, W_HUB, "relay.queue eu.corp.example",
			"state open\nparked 0\nwaiting 0\noldest 0\n");
	}
	w->mem = (struct mem){ .resize = resize };
	m.off = false;
	world_start(w);
	done = story(w);
	if (m.child)
		child_ends(w);
	m.off = true;
	CHECK(done);
	CHECK_INT(w->broken_laws, 0);
	if (!done)
		world_print(w);
	for (int k = 0; k < (by_place() ? 1 : 2); k++) {
		printf("%-22s malloc %-8s N = %5ld: %5d ended cleanly, %4d as undisturbed, %d "
		       "bad\n",
			name, k == 1 ? "for ever" : "once", m.n, m.ends[k][END_HALTED],
			m.ends[k][END_UNDISTURBED],
			m.ends[k][END_CRASH] + m.ends[k][END_UNBACKED] + m.ends[k][END_STUCK]);
		CHECK(m.ends[k][END_HALTED] > m.n / EVERY / 2);
		CHECK_INT(m.ends[k][END_CRASH], 0);
		CHECK_INT(m.ends[k][END_UNBACKED], 0);
		CHECK_INT(m.ends[k][END_STUCK], 0);
	}
	world_fini(w);
	free(w);
}

static void
mail_leaves_and_returns_by_itself(void)
{
	told("by itself", by_itself, "automatic");
}

static void
a_run_is_taken_back_another_killed(void)
{
	told("taken back, killed", taken_back_and_killed, "approve");
}

static void
a_run_is_found_by_a_new_era(void)
{
	told("new era", restored, "approve");
}

static void
people_ask_approve_and_take_it_out(void)
{
	told("people", people, "approve");
}

static void
mail_to_us_leaves_and_returns(void)
{
	told("inbound", inbound, NULL);
}

static void
ferryman_is_taken_out(void)
{
	told("taken out", taken_out, "approve");
}

/* The twin: a child that crashes, or stops in silence, is seen. */
static void
a_crash_would_be_noticed(void)
{
	int end;

	memset(&m, 0, sizeof m);
	end = child_of(false);
	if (end < 0)
		(void)raise(SIGKILL);
	CHECK_INT(end, END_CRASH);
	end = child_of(false);
	if (end < 0)
		_exit(END_STUCK);
	CHECK_INT(end, END_STUCK);
}

int
main(void)
{
	digest_warm();
	seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (seen == MAP_FAILED)
		return 2;
	TEST(mail_leaves_and_returns_by_itself);
	TEST(a_run_is_taken_back_another_killed);
	TEST(a_run_is_found_by_a_new_era);
	TEST(people_ask_approve_and_take_it_out);
	TEST(mail_to_us_leaves_and_returns);
	if (by_place())
		TEST(ferryman_is_taken_out);
	TEST(a_crash_would_be_noticed);
	return check_end();
}
