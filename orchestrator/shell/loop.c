/*
 * loop.c - the life of one ferryman: open the store, fold it, serve, stop.
 *
 * Order at the start: lock and head (store_open), fold, playbooks, control socket, EV_OPEN. At the
 * end the reverse; connectors' open operations complete before the core is freed.
 */
#include "net/net.h"
#include "os/clock.h"
#include "os/digest.h"
#include "os/log.h"
#include "os/sign.h"
#include "os/stdmem.h"
#include "shell/inside.h"

#include "core/lifecycle.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A pager that does not answer keeps nobody from starting ferryman again for longer than this. */
enum { FAREWELL_MS = 10000 };

void
shell_leave(struct shell *s)
{
	uv_stop(&s->loop);
}

static void
on_farewell(uv_timer_t *t)
{
	shell_leave(t->data);
}

static bool
full_disk(const struct shell *s)
{
	return s->store != NULL && store_fault(s->store) == RC_FULL;
}

/* False when nobody is to be waited for. */
static bool
last_words(struct shell *s)
{
	bool waits = full_disk(s) && !s->opts->one_shot;
	char text[sizeof s->why + 160];

	(void)snprintf(text, sizeof text,
		"ferryman has halted and sends nothing any more: %s. %s it reads what it had begun "
		"and goes on.",
		s->why, waits ? "As soon as there is room" : "Started again");
	control_last_words(s->control, text);
	return dispatch_last_words(s, text);
}

void
shell_halt(struct shell *s, int exit, bool clean, const char *why)
{
	if (s->halted)
		return;
	s->halted = true;
	s->exit = exit;
	(void)snprintf(s->why, sizeof s->why, "%s", why != NULL ? why : "");
	if (clean || !last_words(s))
		shell_leave(s);
	else
		(void)uv_timer_start(&s->farewell, on_farewell, FAREWELL_MS, 0);
}

static void on_tick(uv_timer_t *t);

static void
arm(struct shell *s)
{
	int64_t wake = core_wake_ms(s->core), now = clock_boot_ms();

	if (s->halted || wake == INT64_MAX) {
		(void)uv_timer_stop(&s->tick);
		return;
	}
	uv_update_time(&s->loop);
	(void)uv_timer_start(&s->tick, on_tick, wake > now ? (uint64_t)(wake - now) : 1, 0);
}

void
shell_event(struct shell *s, struct event *ev)
{
	struct actions acts;

	if (s->halted && ev->type != EV_STOP)
		return;
	if (s->stepping) { /* a connector completed inside the call: our bug, and not one to go on
			      with */
		log_kv(LOG_PANIC_, "reentered", "event", "completion inside a call");
		abort();
	}
	ev->boot_ms = clock_boot_ms();
	ev->wall_ms = clock_wall_ms();
	taping_event(&s->tape, ev);
	s->stepping = true;
	acts = core_step(s->core, ev);
	for (size_t i = 0; i < acts.n; i++)
		dispatch_action(s, &acts.a[i]);
	s->stepping = false;
	arm(s);
}

static void
on_tick(uv_timer_t *t)
{
	struct shell *s = t->data;
	struct event ev = { .type = EV_TICK };

	shell_event(s, &ev);
}

static void
on_store(uv_poll_t *p, int status, int events)
{
	struct shell *s = p->data;

	(void)status;
	(void)events;
	store_poll(s->store);
}

/* The first signal asks the core to stop gracefully; the second ends at once (recovery copes with
 * it). */
static void
on_unix_signal(uv_signal_t *h, int signum)
{
	struct shell *s = h->data;
	struct event ev = { .type = EV_STOP };

	log_kv(LOG_INFO_, "stopping", "signal", strsignal(signum));
	if (s->halted)
		shell_leave(s);
	else if (s->stops++ > 0)
		shell_halt(s, EXIT_FAILED, true, "stopped twice");
	else
		shell_event(s, &ev);
}

static int
fold_one(void *ctx, uint64_t seq, const char *bytes, size_t n, const char *hash)
{
	struct shell *s = ctx;
	struct err err = { 0 };

	(void)hash;
	if (core_fold(s->core, bytes, n, &err) == RC_OK)
		return 0;
	(void)snprintf(
		s->why, sizeof s->why, "record %llu: %.400s", (unsigned long long)seq, err.text);
	return (int)err.rc;
}

static enum rc
open_store(struct shell *s, struct err *err)
{
	const struct store_opts so = {
		.dir = s->opts->state_dir,
		.mode = STORE_ACTOR,
		.new_era = s->opts->new_era,
		.holder = s->opts->holder,
	};
	const struct core_env env = {
		.mem = stdmem,
		.ctx = s,
		.sha256 = digest_sha256,
		.playbook = books_by_hash,
		.in_window = window_holds,
	};
	struct err unsigned_ = { 0 };
	uint64_t seed;
	enum rc rc = store_open(&s->store, &so, &s->head, err);

	if (rc != RC_OK)
		return rc;
	if (sign_open(&s->sign, s->opts->state_dir, &unsigned_) != RC_OK)
		log_kv(LOG_ERROR_, "heads-unsigned", "why", unsigned_.text);
	digest_random(&seed, sizeof seed);
	s->core = core_new(&env, seed);
	if (s->core == NULL)
		return err_set(err, RC_NOMEM, "out of memory");
	taping_open(&s->tape, s->opts->state_dir, s->head.epoch, seed);
	rc = store_fold(s->store, 1, fold_one, s, err);
	if (rc != RC_OK && s->why[0] != '\0')
		return err_set(err, rc, "the journal cannot be read: %s", s->why);
	return rc;
}

static void
tell_playbooks(struct shell *s)
{
	for (struct book *b = s->books; b != NULL && !s->halted; b = b->next) {
		struct event ev = { .type = EV_PLAYBOOK };

		if (b->kept)
			continue;
		ev.playbook.name = b->pb->name;
		ev.playbook.sha256 = b->pb->sha256;
		ev.playbook.why = b->file;
		shell_event(s, &ev);
	}
}

static void
begin(struct shell *s)
{
	struct event ev = { .type = EV_OPEN };

	clock_boot_id(s->boot_id);
	ev.open.store = s->head.store;
	ev.open.era = s->head.era;
	ev.open.epoch = s->head.epoch;
	ev.open.seq = s->head.seq;
	ev.open.hash = s->head.hash;
	ev.open.boot_id = s->boot_id;
	ev.open.fresh = s->head.fresh;
	ev.open.by_operator = s->opts->new_era;
	ev.open.one_shot = s->opts->one_shot;
	shell_event(s, &ev);
	tell_playbooks(s);
	if (s->opts->ready_fd >= 0 && write(s->opts->ready_fd, "r", 1) != 1)
		log_kv(LOG_WARN_, "ready", "why", strerror(errno));
}

static enum rc
start(struct shell *s, struct err *err)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	const struct net_opts no = { 0 };
	enum rc rc;

	rc = open_store(s, err);
	if (rc == RC_OK)
		rc = books_load(s, err);
	if (rc == RC_OK)
		rc = net_new(&s->net, &s->loop, &no, err);
	if (rc == RC_OK)
		rc = control_open(&s->control, s, s->opts->control_path, err);
	if (rc != RC_OK)
		return rc;
	(void)uv_poll_init(&s->loop, &s->store_poll, store_fd(s->store));
	s->store_poll.data = s;
	(void)uv_poll_start(&s->store_poll, UV_READABLE, on_store);
	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
		(void)uv_signal_init(&s->loop, &s->unix_signal[i]);
		s->unix_signal[i].data = s;
		(void)uv_signal_start(&s->unix_signal[i], on_unix_signal, signals[i]);
	}
	return RC_OK;
}

static void
close_any(uv_handle_t *h, void *arg)
{
	(void)arg;
	if (!uv_is_closing(h))
		uv_close(h, NULL);
}

static void
stop(struct shell *s)
{
	s->halted = true;
	control_close(&s->control);
	ports_drop(s, NULL);
	dispatch_fini(s);
	net_free(&s->net);
	uv_walk(&s->loop, close_any, NULL);
	(void)uv_run(&s->loop, UV_RUN_DEFAULT);
	core_free(&s->core);
	taping_close(&s->tape);
	sign_free(&s->sign);
	store_close(&s->store);
	books_fini(s);
	(void)uv_loop_close(&s->loop);
}

int
shell_run(const struct shell_opts *opts, struct err *err)
{
	struct shell *s = stdmem_get(sizeof *s);
	int exit = EXIT_FAILED;
	enum rc rc;

	(void)signal(SIGPIPE, SIG_IGN);
	digest_warm();
	s->opts = opts;
	s->later_end = &s->later;
	s->tape.fd = -1;
	s->on_done = dispatch_done();
	(void)uv_loop_init(&s->loop);
	(void)uv_timer_init(&s->loop, &s->tick);
	(void)uv_timer_init(&s->loop, &s->farewell);
	(void)uv_idle_init(&s->loop, &s->later_idle);
	s->tick.data = s->later_idle.data = s->farewell.data = s;
	rc = lifecycle_selfcheck(err);
	if (rc == RC_OK)
		rc = start(s, err);
	if (rc == RC_OK) {
		begin(s);
		(void)uv_run(&s->loop, UV_RUN_DEFAULT); /* at once over when it was left already */
		exit = s->exit;
		if (exit != EXIT_OK_)
			(void)err_set(err, full_disk(s) ? RC_FULL : RC_IO, "%s", s->why);
	} else if (rc == RC_BUSY || rc == RC_DENIED) {
		exit = EXIT_GUARD;
	} else if (rc == RC_CORRUPT || rc == RC_UNSUPPORTED) {
		exit = EXIT_BLOCKED;
	} else if (rc == RC_INVALID || rc == RC_CONFLICT) {
		exit = EXIT_USAGE;
	}
	stop(s);
	free(s);
	return exit;
}
