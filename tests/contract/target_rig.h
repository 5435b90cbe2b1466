/*
 * target_rig.h - one target connector, opened on a configuration written as YAML, with a loop that
 * runs until an operation is done, and the contract that every target keeps (rig_contract).
 */
#ifndef FERRYMAN_TESTS_TARGET_RIG_H
#define FERRYMAN_TESTS_TARGET_RIG_H

#include "base/arena.h"
#include "config/cfg.h"
#include "connector.h"
#include "lib/check.h"
#include "net/net.h"
#include "os/secret.h"
#include "os/stdmem.h"

/* Each program uses its part of these. */
#pragma GCC diagnostic ignored "-Wunused-function"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define STORE_A "00112233445566778899aabbccddeeff"
#define STORE_B "ffeeddccbbaa99887766554433221100"

enum { OPS_MAX = 256 };

/* What an operation came to. */
struct got {
	int times;
	enum outcome outcome;
	char value[8192], why[1024], store[40];
	uint64_t lsn;
	size_t sources, answered;
	char source_value[8][2048];
};

struct rig {
	const struct connector *kind;
	struct arena *arena;
	const struct cfg *cfg;
	uv_loop_t loop;
	struct net *net;
	struct conn_env env;
	struct conn *conn;
	struct got got[OPS_MAX];
	op_id last;
	char dir[200]; /* credentials, and whatever a fake keeps */
};

static struct rig rig;

static void
rig_done(void *ctx, const struct conn_done *d)
{
	struct rig *r = ctx;
	struct got *g = &r->got[d->op % OPS_MAX];
	const struct conn_answer *a = d->answer != NULL ? d->answer : d->sent;

	g->times++;
	if (a != NULL) {
		g->outcome = a->outcome;
		g->lsn = a->lsn;
		(void)snprintf(g->why, sizeof g->why, "%s", a->why);
	} else if (d->state != NULL) {
		g->outcome = d->state->outcome;
		g->lsn = d->state->marker_lsn;
		(void)snprintf(g->value, sizeof g->value, "%s", d->state->value);
		(void)snprintf(g->why, sizeof g->why, "%s", d->state->why);
		(void)snprintf(g->store, sizeof g->store, "%s",
			d->state->marker_store != NULL ? d->state->marker_store : "");
		g->sources = d->state->source_n;
		for (size_t i = 0; i < d->state->source_n && i < 8; i++) {
			g->answered += d->state->source[i].answered;
			(void)snprintf(g->source_value[i], sizeof g->source_value[i], "%s",
				d->state->source[i].value);
		}
	}
}

static struct secret *
rig_secret(void *ctx, const struct cfg *cfg, const char *key, struct err *err)
{
	struct rig *r = ctx;
	struct secret *s = NULL;
	const struct schema_row *row = cfg_row(cfg, key);

	(void)secret_fetch(
		&s, cfg_secret(cfg, key), r->dir, (row->flags & SR_PUBLIC_FILE) != 0, err);
	return s;
}

static void
rig_dir_new(void)
{
	(void)snprintf(rig.dir, sizeof rig.dir, "/tmp/ferryman-target-test-XXXXXX");
	if (mkdtemp(rig.dir) == NULL)
		exit(2);
}

static const char *
rig_file(const char *name)
{
	static char p[4][400];
	static int at;

	at = (at + 1) % 4;
	(void)snprintf(p[at], sizeof p[at], "%s/%s", rig.dir, name);
	return p[at];
}

static void
rig_put(const char *name, const char *text)
{
	FILE *f = fopen(rig_file(name), "we");

	if (f == NULL || fputs(text, f) < 0 || fchmod(fileno(f), 0600) != 0 || fclose(f) != 0)
		exit(2);
}

/* In a child that is to end with this program, also when that is killed. */
static void
rig_child(void)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		_exit(126);
}

/* A port that nobody has now, on loopback. */
static int
rig_free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, n) != 0 ||
		getsockname(fd, (struct sockaddr *)&a, &n) != 0)
		exit(2);
	(void)close(fd);
	return ntohs(a.sin_port);
}

/* In a child: nothing of what it says is wanted. */
static void
rig_mute(void)
{
	int null = open("/dev/null", O_WRONLY);

	if (null < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
		_exit(126);
}

/* Run a command and wait; its exit code. */
static int
rig_run(const char *const *argv)
{
	int status = -1;

	(void)fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		rig_mute();
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	(void)waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
#define RUN(...) rig_run((const char *const[]){ __VA_ARGS__, NULL })

/* Start a server that prints a line when it is ready; the line without its newline into out. 0 = it
 * did not. */
static pid_t
rig_start(const char *const *argv, char *out, size_t n)
{
	int p[2];

	(void)fflush(stdout);
	if (pipe(p) != 0)
		exit(2);
	pid_t pid = fork();
	if (pid == 0) {
		rig_child();
		(void)dup2(p[1], 1);
		(void)close(p[0]);
		(void)close(p[1]);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	(void)close(p[1]);
	FILE *f = fdopen(p[0], "re");
	bool ready = f != NULL && fgets(out, (int)n, f) != NULL;
	out[strcspn(out, "\n")] = '\0';
	if (f != NULL)
		(void)fclose(f);
	if (ready)
		return pid;
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	return 0;
}

/* The path of a real server into out, or why there is none (a reason to skip). */
static bool
rig_server(const char *name, char *out, size_t n)
{
	int p[2], status = -1;
	size_t have = 0;

	(void)fflush(stdout);
	if (pipe(p) != 0)
		exit(2);
	pid_t pid = fork();
	if (pid == 0) {
		(void)dup2(p[1], 1);
		(void)dup2(p[1], 2);
		(void)close(p[0]);
		(void)close(p[1]);
		execlp("bash", "bash", "tests/lib/servers.sh", name, (char *)NULL);
		_exit(127);
	}
	(void)close(p[1]);
	for (ssize_t got; have < n - 1 && (got = read(p[0], out + have, n - 1 - have)) > 0;)
		have += (size_t)got;
	(void)close(p[0]);
	out[have] = '\0';
	out[strcspn(out, "\n")] = '\0';
	(void)waitpid(pid, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void
rig_stop(pid_t pid)
{
	if (pid <= 0)
		return;
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

/* Open kind on a configuration; false with the findings or the sentence printed. */
static bool
rig_open(const struct connector *kind, const char *yaml)
{
	struct err err = { 0 };
	struct findings *f = findings_new(&stdmem);

	rig.kind = kind;
	rig.arena = arena_new(&stdmem, 1 << 22);
	struct reader rd = { .mem = &stdmem, .a = rig.arena, .f = f, .file = "test.yaml" };
	struct ynode *n = yaml_tree_read(rig.arena, "test.yaml", yaml, strlen(yaml), f);
	rig.cfg = n != NULL ? cfg_read(&rd, n, kind->info.schema, NULL, "target") : NULL;
	for (size_t i = 0; i < findings_n(f); i++)
		printf("     %d:%d %s\n", findings_at(f, i)->at.line, findings_at(f, i)->at.col,
			findings_at(f, i)->text);
	bool ok = rig.cfg != NULL && findings_errors(f) == 0;
	findings_free(&f);
	rig.conn = NULL;
	const struct net_opts opts = { 0 };
	if (uv_loop_init(&rig.loop) != 0 || net_new(&rig.net, &rig.loop, &opts, &err) != RC_OK)
		exit(2);
	if (!ok)
		return false;
	rig.env = (struct conn_env){ .net = rig.net,
		.done = rig_done,
		.ctx = &rig,
		.secret = rig_secret,
		.secret_ctx = &rig,
		.name = "it",
		.playbook = "test" };
	if (kind->info.check != NULL && kind->info.check(rig.cfg, &err) != RC_OK)
		return printf("     %s\n", err.text), false;
	if (kind->open(&rig.conn, rig.cfg, &rig.env, &err) != RC_OK)
		return printf("     %s\n", err.text), false;
	return true;
}

/* Without an open connector there is nothing more to test. */
#define OPEN(kind, yaml)                                                                           \
	do {                                                                                       \
		if (!rig_open(kind, yaml)) {                                                       \
			CHECK_NEVER("it does not open");                                           \
			return;                                                                    \
		}                                                                                  \
	} while (0)

static void
rig_close(void)
{
	if (rig.conn != NULL)
		rig.kind->close(&rig.conn);
	net_free(&rig.net);
	(void)uv_run(&rig.loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&rig.loop), 0); /* no handle forgotten */
	arena_free(&rig.arena);
}

/* Begin an operation; it must not complete inside the call. */
static op_id
rig_begin_read(const char *resource, enum conn_read_from from, int64_t ms)
{
	op_id op = ++rig.last;
	const struct read_req rq = { .resource = resource, .from = from, .deadline_ms = ms };

	rig.got[op % OPS_MAX] = (struct got){ 0 };
	rig.kind->read(rig.conn, op, &rq);
	CHECK_INT(rig.got[op % OPS_MAX].times, 0);
	return op;
}

static op_id
rig_begin_apply(const struct effect *e)
{
	op_id op = ++rig.last;

	rig.got[op % OPS_MAX] = (struct got){ 0 };
	rig.kind->apply(rig.conn, op, e);
	CHECK_INT(rig.got[op % OPS_MAX].times, 0);
	return op;
}

static void
rig_ignore(uv_timer_t *t)
{
	(void)t;
}

/* Turn the loop until op is done, at most ms. */
static const struct got *
rig_wait(op_id op, int64_t ms)
{
	struct got *g = &rig.got[op % OPS_MAX];
	uint64_t end = uv_hrtime() / 1000000 + (uint64_t)ms;
	uv_timer_t tick;

	(void)uv_timer_init(&rig.loop, &tick);
	(void)uv_timer_start(
		&tick, rig_ignore, 20, 20); /* so that uv_run returns to look at the time */
	while (g->times == 0 && uv_hrtime() / 1000000 < end)
		(void)uv_run(&rig.loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&tick, NULL);
	(void)uv_run(&rig.loop, UV_RUN_NOWAIT);
	CHECK_INT(g->times, 1);
	return g;
}

static const struct got *__attribute__((unused)) rig_read(const char *resource)
{
	return rig_wait(rig_begin_read(resource, CONN_READ_TARGET, 10000), 15000);
}

static const struct got *__attribute__((unused)) rig_apply(const struct effect *e)
{
	return rig_wait(rig_begin_apply(e), e->deadline_ms + 5000);
}

/* --- the contract --- */

struct contract {
	const char *resource;
	const char *one, *two; /* two values it can have; it has `one` when the test begins */
	const char *options;
	const char *third; /* a value that is neither, for conflicts */
	const char *bad_value, *bad_resource;
	bool marks;	       /* class F: the target keeps our number */
	void (*hang)(bool on); /* make the target accept and never answer; NULL = cannot */
	void (*cut)(bool on);  /* make the target unreachable; NULL = cannot */
};

static struct effect
contract_effect(const struct contract *c, const char *base, const char *want, uint64_t lsn,
	const struct got *seen)
{
	return (struct effect){ .resource = c->resource,
		.dir = CONN_DO,
		.base = base,
		.version = "",
		.want = want,
		.store = STORE_A,
		.lsn = lsn,
		.seen_store = seen->store[0] != '\0' ? seen->store : NULL,
		.seen_lsn = seen->lsn,
		.options = c->options != NULL ? c->options : "",
		.deadline_ms = 15000 };
}

/* Note: got slots are reused after OPS_MAX operations; a copy is kept where one is needed longer.
 */
static uint64_t
contract_apply_twice_is_once(const struct contract *c)
{
	struct got seen = *rig_read(c->resource);
	uint64_t lsn = (seen.lsn | 1ull << 40) + 1;

	if (seen.outcome != OUT_DONE)
		printf("     %s\n", seen.why);
	CHECK_INT(seen.outcome, OUT_DONE);
	CHECK_STR(seen.value, c->one);
	struct effect e = contract_effect(c, c->one, c->two, lsn, &seen);
	const struct got *g = rig_apply(&e);
	CHECK_INT(g->outcome, OUT_DONE);
	CHECK(g->lsn == lsn);
	struct got first = *rig_read(c->resource);
	CHECK_STR(first.value, c->two);
	CHECK_INT(rig_apply(&e)->outcome,
		OUT_DONE); /* the same bytes again, as after a lost answer */
	struct got second = *rig_read(c->resource);
	CHECK_STR(second.value, c->two);
	if (c->marks) {
		CHECK_STR(second.store, STORE_A);
		CHECK(first.lsn == lsn && second.lsn == lsn);
	}
	return lsn;
}

static void
contract_late_and_foreign(const struct contract *c, uint64_t lsn)
{
	struct got seen = *rig_read(c->resource), before = seen;
	struct effect back = contract_effect(c, c->two, c->one, lsn + 1, &seen);

	CHECK_INT(rig_apply(&back)->outcome, OUT_DONE);
	CHECK_STR(rig_read(c->resource)->value, c->one);
	if (!c->marks)
		return;
	/* The forward request, delayed until after its compensation. */
	before.lsn = lsn - 1;
	struct effect late = contract_effect(c, c->one, c->two, lsn, &before);
	enum outcome o = rig_apply(&late)->outcome;
	CHECK_INT(o, OUT_STALE);
	CHECK_STR(rig_read(c->resource)->value, c->one);
	seen = *rig_read(c->resource);
	struct effect other = contract_effect(c, c->one, c->two, lsn + 9, &seen);
	other.store = STORE_B;
	CHECK_INT(rig_apply(&other)->outcome, OUT_CONFLICT);
	CHECK_STR(rig_read(c->resource)->value, c->one);
	/* A fence: the number rises, the value stays. */
	struct effect fence = contract_effect(c, "", "", lsn + 10, &seen);
	fence.dir = CONN_FENCE;
	CHECK_INT(rig_apply(&fence)->outcome, OUT_DONE);
	seen = *rig_read(c->resource);
	CHECK(seen.lsn == lsn + 10);
	CHECK_STR(seen.value, c->one);
	struct effect older = contract_effect(c, c->one, c->two, lsn + 2, &before);
	CHECK_INT(rig_apply(&older)->outcome, OUT_STALE);
}

static void
contract_conflict_is_shown(const struct contract *c)
{
	struct got seen = *rig_read(c->resource);
	struct effect e = contract_effect(c, c->third, c->two, seen.lsn + 20, &seen);
	const struct got *g = rig_apply(&e);

	CHECK_INT(g->outcome, OUT_CONFLICT);
	CHECK(g->why[0] != '\0');
	CHECK_STR(rig_read(c->resource)->value, c->one);
	e = contract_effect(c, c->one, c->bad_value, seen.lsn + 21, &seen);
	CHECK_INT(rig_apply(&e)->outcome, OUT_REFUSED);
	e = contract_effect(c, c->one, c->two, seen.lsn + 22, &seen);
	e.resource = c->bad_resource;
	CHECK_INT(rig_apply(&e)->outcome, OUT_REFUSED);
	CHECK_INT(rig_wait(rig_begin_read(c->bad_resource, CONN_READ_TARGET, 5000), 8000)->outcome,
		OUT_REFUSED);
	CHECK_STR(rig_read(c->resource)->value, c->one);
}

static void
contract_ends_once(const struct contract *c)
{
	struct got seen = *rig_read(c->resource);
	struct effect e = contract_effect(c, c->one, c->two, seen.lsn + 30, &seen);
	op_id a = rig_begin_apply(&e), b = rig_begin_read(c->resource, CONN_READ_TARGET, 5000);

	rig.kind->cancel(rig.conn, a);
	rig.kind->cancel(rig.conn, a);
	rig.kind->cancel(rig.conn, 999999); /* unknown: ignored */
	CHECK_INT(rig.got[a % OPS_MAX].times, 0);
	const struct got *g = rig_wait(a, 5000);
	CHECK(g->outcome == OUT_RETRY || g->outcome == OUT_UNKNOWN);
	(void)rig_wait(b, 8000);
	rig.kind->cancel(rig.conn, a); /* done long ago */
	CHECK_INT(rig.got[a % OPS_MAX].times, 1);
	/* A time-out after sending is never RETRY; before it, never UNKNOWN. */
	if (c->hang != NULL) {
		c->hang(true);
		e = contract_effect(c, c->one, c->two, seen.lsn + 31, &seen);
		e.deadline_ms = 700;
		CHECK_INT(rig_apply(&e)->outcome, OUT_UNKNOWN);
		CHECK_INT(
			rig_wait(rig_begin_read(c->resource, CONN_READ_TARGET, 500), 6000)->outcome,
			OUT_RETRY);
		c->hang(false);
	}
	if (c->cut != NULL) {
		c->cut(true);
		e = contract_effect(c, c->one, c->two, seen.lsn + 32, &seen);
		e.deadline_ms = 2000;
		CHECK_INT(rig_apply(&e)->outcome, OUT_RETRY);
		c->cut(false);
	}
}

/* close() with operations in each phase: all end, once, inside it. */
static void
contract_close_in_any_phase(
	const struct contract *c, const struct connector *kind, const char *yaml)
{
	for (int turns = 0; turns < 12; turns++) {
		/* Whatever happens, and however late it comes (after our number has gone, too),
		 * nothing may change: it is for a target that bears B's number, and none does. */
		struct got seen = { .store = STORE_B, .lsn = 1 };
		struct effect e = contract_effect(c, c->one, c->one, 2, &seen);
		e.store = STORE_B;
		op_id a = rig_begin_apply(&e),
		      b = rig_begin_read(c->resource, CONN_READ_TARGET, 3000);
		for (int i = 0; i < turns; i++)
			(void)uv_run(&rig.loop, UV_RUN_NOWAIT);
		rig.kind->close(&rig.conn);
		CHECK(rig.conn == NULL);
		CHECK_INT(rig.got[a % OPS_MAX].times, 1);
		CHECK_INT(rig.got[b % OPS_MAX].times, 1);
		rig.kind->close(&rig.conn);
		rig_close();
		CHECK(rig_open(kind, yaml));
	}
}

static void
contract_by_hand_and_setup(const struct contract *c)
{
	struct got seen = { 0 };
	struct buf b;
	const struct effect out = contract_effect(c, c->one, c->two, 1, &seen),
			    back = contract_effect(c, c->two, c->one, 2, &seen);
	char first[16384];

	buf_init(&b, &stdmem, 65536);
	rig.kind->by_hand(rig.cfg, &out, &b);
	CHECK(b.len > 0 && b.data[b.len - 1] == '\n');
	(void)snprintf(first, sizeof first, "%s", buf_text(&b));
	buf_reset(&b);
	rig.kind->by_hand(rig.cfg, &back, &b);
	CHECK(b.len > 0 && strcmp(first, buf_text(&b)) != 0);
	buf_reset(&b);
	rig.kind->setup(rig.cfg, "test", &b);
	CHECK(strstr(buf_text(&b), "emove") != NULL); /* and how to take it out again */
	CHECK(strstr(buf_text(&b), "test") != NULL);
	buf_fini(&b);
}

/* ferryman is taken out: its number goes, the value stays, and the next one begins as the first
 * did. */
static void
contract_number_goes(const struct contract *c)
{
	struct got seen = *rig_read(c->resource), number;
	struct effect e = contract_effect(c, seen.value, c->one, seen.lsn + 50, &seen);
	struct effect late = contract_effect(c, c->one, c->two, seen.lsn + 51, &seen);

	if (strcmp(seen.value, c->one) != 0)
		CHECK_INT(rig_apply(&e)->outcome, OUT_DONE);
	number = *rig_read("fence.marker");
	CHECK_INT(number.outcome, OUT_DONE);
	CHECK_STR(number.value, "marked\n");
	CHECK_STR(number.store, STORE_A);
	late.seen_lsn = number.lsn;
	e = contract_effect(c, "marked\n", "", number.lsn + 60, &number);
	e.resource = "fence.marker";
	e.store = STORE_B;
	CHECK_INT(rig_apply(&e)->outcome, OUT_CONFLICT);
	e.store = STORE_A;
	e.want = "marked\n";
	CHECK_INT(rig_apply(&e)->outcome, OUT_REFUSED);
	e.want = "";
	e.lsn = number.lsn - 1;
	e.seen_lsn = number.lsn - 2;
	CHECK_INT(rig_apply(&e)->outcome, OUT_STALE);
	CHECK_STR(rig_read("fence.marker")->value, "marked\n"); /* still */
	e.lsn = number.lsn + 60;
	e.seen_lsn = number.lsn;
	CHECK_INT(rig_apply(&e)->outcome, OUT_DONE);
	CHECK_INT(rig_apply(&e)->outcome, OUT_DONE); /* as after a lost answer */
	number = *rig_read("fence.marker");
	CHECK_INT(number.outcome, OUT_DONE);
	CHECK_STR(number.value, "");
	CHECK_STR(number.store, "");
	CHECK_INT(rig_apply(&late)->outcome,
		(rig.kind->info.caps & CAP_FENCE_EQ) != 0 ? OUT_CONFLICT : OUT_STALE);
	seen = *rig_read(c->resource);
	CHECK_STR(seen.value, c->one);
	CHECK_STR(seen.store, "");
	e = contract_effect(c, c->one, c->two, (9ull << 40) + 1, &seen);
	CHECK_INT(rig_apply(&e)->outcome, OUT_DONE);
	seen = *rig_read(c->resource);
	CHECK_STR(seen.value, c->two);
	CHECK(seen.lsn == (9ull << 40) + 1);
	e = contract_effect(c, c->two, c->one, (9ull << 40) + 2, &seen);
	CHECK_INT(rig_apply(&e)->outcome, OUT_DONE);
}

static void
rig_contract(const struct contract *c, const struct connector *kind, const char *yaml)
{
	uint64_t lsn = contract_apply_twice_is_once(c);

	contract_late_and_foreign(c, lsn);
	contract_conflict_is_shown(c);
	contract_by_hand_and_setup(c);
	contract_close_in_any_phase(c, kind, yaml);
	contract_ends_once(c);
	if (c->marks)
		contract_number_goes(c);
}

#endif
