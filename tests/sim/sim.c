/*
 * sim.c - one seed: a world is drawn, two hours pass with faults (safety), then everything is
 * healed and what was begun must come to an end (liveness).
 */
#include "sim/reach.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One ferryman in 130 only observes. OBSERVES_AT: no seed of a saved case is congruent to it. */
enum {
	OBSERVES_EACH = 130,
	OBSERVES_AT = 10,
	HEAL_FROM = 120 * 60000,
	HEAL_TO = 200 * 60000,
	LIVENESS_MS = 4 * 3600000,
	EVENTS_MAX = 400000
};

void *
sim_grow(void *array, size_t n, size_t *room, size_t size)
{
	if (n < *room)
		return array;
	*room = *room == 0 ? 32 : *room * 2;
	array = realloc(array, *room * size);
	if (array == NULL)
		abort();
	return array;
}

const char *
sim_str(struct sim *s, const char *text)
{
	return arena_str(s->arena, text);
}

void
sim_push(struct sim *s, struct happening h)
{
	heap_push(&s->heap, h);
}

void
violated(struct sim *s, const struct invariant *i, const char *fmt, ...)
{
	va_list ap;

	if (s->killer != NULL)
		return;
	s->killer = i;
	va_start(ap, fmt);
	(void)vsnprintf(s->why, sizeof s->why, fmt, ap);
	va_end(ap);
	for (char *c = s->why; *c != '\0'; c++)
		if (*c == '\n')
			*c = '|'; /* values are lines; a verdict is one */
	trace_add(s, "VIOLATED %s: %s", i->name, s->why);
}

struct sim *
sim_new(const struct sim_opts *o)
{
	struct sim *s = stdmem_get(sizeof *s);
	size_t book = o->script != NULL && o->script->book >= 0 ? (size_t)o->script->book
								: (size_t)(o->seed % BOOKS_DRAWN);

	s->seed = o->seed;
	s->reach = o->reach;
	reach_count(o->reach);
	s->arena = arena_new(&stdmem, (size_t)256 << 20);
	s->trace.hash = 0xcbf29ce484222325u;
	s->trace.print = o->trace;
	s->trace.events = o->events;
	faults_init(&s->faults, o->seed, o->script != NULL && !o->script->drawn ? o->script : NULL);
	rng_seed(&s->net_rng, o->seed, "net");
	rng_seed(&s->probe_rng, o->seed, "probes");
	rng_seed(&s->moment_rng, o->seed, "moments");
	s->book_n = book;
	aim_init(s, o->book == NULL);
	hours_init(s, o->book == NULL);
	s->observes = o->book == NULL && s->seed % OBSERVES_EACH == OBSERVES_AT;
	if (o->script != NULL && o->script->book >= 0)
		s->book_n = book;
	for (size_t i = 0; i < 2; i++) {
		s->variant[i] = o->book != NULL ? playbook_ref(o->book[i])
						: book_get(s->book_n, i, s->observes);
		if (s->variant[i] == NULL)
			abort();
	}
	s->book = s->variant[0];
	s->people.alarm_at = -1;
	disk_init(s, o->disk, o->disk_lies);
	return s;
}

static void
draw_world(struct sim *s)
{
	journal_init(s);
	targets_init(s);
	truth_init(s);
	mail_init(s);
	people_init(s);
	aim_world(s);
	s->heal_at = rng_between(&s->net_rng, HEAL_FROM, HEAL_TO);
	s->end_at = s->heal_at + LIVENESS_MS;
	sim_push(s, (struct happening){ .at = 10, .kind = H_STARTS });
	sim_push(s, (struct happening){ .at = s->heal_at, .kind = H_HEAL });
	for (int i = 0; i < 3; i++)
		sim_push(s, (struct happening){ .at = rng_between(&s->net_rng, 60000, HEAL_FROM),
				    .kind = H_CLOCK });
}

/* From now on nothing goes wrong any more, and the brake is released: what was begun must end. */
static void
heal(struct sim *s)
{
	s->healed = true;
	s->faults.off = true;
	s->process.stalled_until = 0;
	owner_end(s);
	for (int i = 0; i < T_N; i++)
		s->target[i].busy_until = s->target[i].closed_until = 0;
	for (size_t i = 1; i <= SECONDARIES; i++)
		target_sync(s, &(struct happening){ .index = i });
	trace_add(s, "everything is healed");
	sim_push(s, (struct happening){
			    .at = s->now + 120000, .kind = H_COMMAND, .number = VERB_RESUME });
}

static void
set_clock(struct sim *s)
{
	if (!fault(s, SITE_CLOCK_SET))
		return;
	s->process.wall_skew += fault_span(s, -3600000, 3600000);
	trace_add(s, "the wall clock is off by %lld ms", (long long)s->process.wall_skew);
}

static void
reaches(struct sim *s, const struct happening *h)
{
	switch (h->kind) {
	case H_APPLY:
	case H_APPENDED:
		journal_happens(s, h);
		break;
	case H_DELIVER:
	case H_READ:
		net_happens(s, h);
		break;
	case H_HAND:
		if (!s->healed)
			people_hand(s, h);
		break;
	case H_HAND_BACK: /* also when all is healed: that is a part of it */
		people_hand(s, h);
		break;
	case H_COMMAND:
		people_command(s, h);
		break;
	case H_SYNC:
		target_sync(s, h);
		break;
	case H_EMPTIED:
		target_emptied(s, h);
		break;
	case H_MAIL:
	case H_MAIL_AGAIN:
		mail_happens(s, h);
		break;
	case H_CLOCK:
		set_clock(s);
		break;
	case H_HEAL:
		heal(s);
		break;
	case H_TICK:
	case H_ANSWER:
	case H_READ_BACK:
	case H_SEEN:
	case H_SENT:
	case H_CANCELLED:
	case H_DIES:
	case H_STARTS:
	case H_STALLS:
	case H_GOES_ON:
	case H_MOMENT:
	case H_LOSES:
		process_happens(s, h);
		break;
	case H_N:
		break;
	}
}

void
sim_happens(struct sim *s, const struct happening *h)
{
	bool old = owner_enter(s, h->life);

	reaches(s, h);
	if (old)
		owner_leave(s);
}

/* Nothing is under way any more: no run that is neither ended nor blocked, and no shelter of which
 * something will still come. */
static bool
all_quiet(const struct sim *s)
{
	if (!s->healed || !s->process.up || s->now < s->heal_at + 900000)
		return false;
	if (s->people.looks_at > s->now)
		return false;
	for (size_t i = 0; i < s->view.runs_n;
		i++) /* an alarm takes its time, and is tried again */
		if (s->view.run[i].end_at > s->now - 900000)
			return false;
	for (size_t i = 0; i < s->view.runs_n; i++)
		if (!s->view.run[i].terminal && s->view.run[i].state != VR_BLOCKED &&
			(s->view.run[i].state != VR_SHELTERING ||
				!shelter_rests(s, &s->view.run[i])))
			return false;
	return true;
}

void
sim_run(struct sim *s)
{
	static const struct invariant endless = { .name = "inv_18_liveness" };
	struct happening h;

	draw_world(s);
	while (s->killer == NULL && heap_pop(&s->heap, &h)) {
		s->now = h.at;
		if (s->now > s->end_at || all_quiet(s))
			break;
		if (++s->events > EVENTS_MAX) {
			violated(s, &endless, "%d events, and no end", EVENTS_MAX);
			break;
		}
		sim_happens(s, &h);
	}
	s->ended = true;
	for (size_t i = 0; invariants[i] != NULL && s->killer == NULL; i++)
		if (invariants[i]->over != NULL)
			invariants[i]->over(s);
}

void
sim_free(struct sim **ps)
{
	struct sim *s = *ps;

	if (s == NULL)
		return;
	*ps = NULL;
	process_fini(&s->process);
	process_fini(&s->old);
	disk_fini(s);
	journal_fini(&s->journal);
	targets_fini(s);
	view_fini(&s->view);
	heap_fini(&s->heap);
	playbook_unref(&s->variant[0]);
	playbook_unref(&s->variant[1]);
	arena_free(&s->arena);
	free(s->request);
	free(s->reading);
	free(s->probing);
	free(s->answer);
	free(s->decided);
	free(s);
}
