/*
 * test_strays.c - what comes at the wrong time, from the wrong hand or not at all: events out of
 * their place, a text that is gone, another hand between an effect and its reading back.
 */
#include "lib/run_rig.h"

#include "os/digest.h"

#define STRANGER "ffffffffffffffffffffffffffffffff"

static struct playbook *
no_text(void *ctx, const char *sha256)
{
	(void)ctx;
	(void)sha256;
	return NULL;
}

static struct core *
core_of_nothing(void)
{
	const struct core_env env = { .mem = stdmem, .sha256 = digest_sha256, .playbook = no_text };

	return core_new(&env, 7);
}

static void
before_the_journal_is_open_it_only_stops(void)
{
	struct core *c = core_of_nothing();
	struct event stop = { .type = EV_STOP, .boot_ms = 5 };
	struct actions acts;

	CHECK(core_wake_ms(c) == INT64_MAX);
	acts = core_step(c, &stop);
	CHECK(acts.n == 1 && acts.a[0].type == ACT_HALT);
	CHECK(acts.n == 1 && acts.a[0].halt.clean && acts.a[0].halt.exit == 0);
	core_free(&c);
}

/* It halts over it once, and nothing comes out of it afterwards. */
static void
refuses_to_open(uint64_t seq, const char *hash)
{
	struct core *c = core_of_nothing();
	struct event open = { .type = EV_OPEN, .boot_ms = 5 };
	struct actions acts;

	open.open.seq = seq;
	open.open.hash = hash;
	open.open.store = WORLD_STORE;
	open.open.boot_id = "b";
	acts = core_step(c, &open);
	CHECK(acts.n == 1 && acts.a[0].type == ACT_HALT);
	CHECK(acts.n == 1 && !acts.a[0].halt.clean && acts.a[0].halt.exit == 4);
	CHECK(core_wake_ms(c) == INT64_MAX);
	open.boot_ms = 10;
	acts = core_step(c, &open);
	CHECK(acts.n == 0);
	core_free(&c);
}

static void
another_journal_than_the_folded_one_is_not_opened(void)
{
	refuses_to_open(7, "0000000000000000000000000000000000000000000000000000000000000000");
	refuses_to_open(0, "1111111111111111111111111111111111111111111111111111111111111111");
}

static void
answers_that_nobody_asked_for_change_nothing(void)
{
	struct world *w = world_new(NULL);
	struct event read = { .type = EV_READ }, seen = { .type = EV_SEEN },
		     again = { .type = EV_PLAYBOOK }, gone = { .type = EV_PLAYBOOK };
	size_t n;

	settle(w);
	world_pass(w, MINUTE);
	n = w->records_n;
	world_event(w, &read); /* of number 0: of no operation */
	again.playbook.name = "corp";
	again.playbook.sha256 = w->pb->sha256;
	world_event(w, &again); /* the text that is in force */
	world_pass(w, 1000);
	CHECK_INT(w->records_n, n);
	CHECK_STR(world_state(w, FLOW_OUTBOUND), "normal");
	gone.playbook.name = "corp";
	gone.playbook.sha256 = "";
	world_event(w, &gone);
	CHECK(world_until_state(w, 1000, FLOW_OUTBOUND, "normal"));
	world_pass(w, 1000);
	n = w->records_n;
	CHECK_INT(world_count(w, "PLAYBOOK", "\"sha256\":\"\""), 1);
	seen.seen.playbook = "corp"; /* for a playbook that is not in force any more */
	seen.seen.signal = "mail-probe";
	seen.seen.subject = "198.51.100.25";
	seen.seen.path = "cloud";
	seen.seen.class = seen.seen.why = "";
	world_event(w, &seen);
	world_pass(w, MINUTE);
	CHECK_INT(w->records_n, n);
	CHECK(!w->halted);
	world_end(w);
}

/* An append is answered by its own number alone. */
static void
another_appends_answer_is_none(void)
{
	struct world *w = world_new(NULL);
	struct event stray = { .type = EV_APPENDED, .op = 999999 };

	settle(w);
	w->append_ms = 5000;
	(void)cut_over(w);
	for (int i = 0; i < 100 && w->appends_open == 0; i++)
		world_pass(w, 10);
	CHECK_INT(w->appends_open, 1);
	stray.appended.outcome = OUT_CONFLICT; /* its own would end the process */
	world_event(w, &stray);
	CHECK(!w->halted);
	w->append_ms = 2;
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	world_end(w);
}

static void
one_that_stood_still_and_only_observes_fences_nothing(void)
{
	struct world *w = world_new("observe");

	world_start(w);
	world_pass(w, 5 * MINUTE);
	w->boot_ms += 2 * MINUTE;
	world_pass(w, 5 * MINUTE);
	CHECK(!w->halted);
	CHECK_INT(world_count(w, "INTENT", NULL), 0);
	CHECK_INT(w->effects_n, 0);
	world_end(w);
}

static bool
has_changed_two(struct world *w)
{
	return world_count(w, "RESULT", "\"dir\":\"do\"") >= 2;
}

static struct world *
half_way(void)
{
	struct world *w = world_new(NULL);

	settle(w);
	(void)cut_over(w);
	CHECK(world_until(w, HOUR, has_changed_two));
	return w;
}

/* A run goes on by its own text; where nobody has that any more, a person is called. */
static void
a_run_whose_text_is_gone_is_blocked(void)
{
	struct world *w = half_way();

	world_kill(w);
	playbook_unref(&w->pb);
	w->pb = world_playbook("approve", "another text");
	world_start(w);
	world_pass(w, 5 * MINUTE);
	CHECK_STR(world_run_state(w, "cutover"), "blocked");
	CHECK(world_count(w, "END", "cannot be had any more") == 1);
	CHECK_INT(world_count(w, "INTENT", "\"dir\":\"undo\""), 0);
	world_end(w);
}

static void
mark(struct world *w, int target)
{
	(void)snprintf(w->target[target].marker_store, sizeof w->target[target].marker_store, "%s",
		STRANGER);
	w->target[target].marker_lsn = 5;
}

/* Restored, and a target is in another hand: the run that was under way is given up. */
static void
a_restored_run_meets_another_ferryman(void)
{
	struct world *w = half_way();
	size_t sent;

	world_kill(w);
	mark(w, W_HUB);
	w->era++;
	w->fresh = true;
	sent = w->effects_n;
	world_start(w);
	world_pass(w, 10 * MINUTE);
	CHECK_STR(world_run_state(w, "cutover"), "blocked");
	CHECK(world_count(w, "END", "two hands on one wheel") == 1);
	for (size_t i = sent; i < w->effects_n; i++)
		CHECK_INT(w->effect[i].dir, DIR_FENCE);
	world_end(w);
}

/* It stood still half way, and a target is in another hand since. */
static void
a_run_that_stood_still_meets_another_ferryman(void)
{
	struct world *w = half_way();
	size_t sent;

	mark(w, W_ZONE);
	mark(w, W_HUB);
	sent = w->effects_n;
	w->boot_ms += 2 * MINUTE;
	world_pass(w, HOUR);
	CHECK_STR(world_run_state(w, "cutover"), "blocked");
	CHECK(world_count(w, "RESULT", "two hands on one wheel") > 0);
	for (size_t i = sent; i < w->effects_n; i++)
		CHECK_INT(w->effect[i].applied, false);
	world_end(w);
}

/* A target that keeps no number gets nothing while another one is in another hand. */
static void
what_cannot_refuse_is_not_changed_beside_another_ferryman(void)
{
	struct world *w = half_way();

	mark(w, W_ZONE);
	w->boot_ms += 2 * MINUTE;
	world_pass(w, HOUR);
	CHECK_STR(world_value(w, W_TENANT, CONNECTOR), "");
	CHECK(world_count(w, "RESULT", "two hands on one wheel") > 0);
	CHECK_STR(world_run_state(w, "cutover"), "blocked");
	world_end(w);
}

static bool
has_shelter(struct world *w)
{
	return world_count(w, "START", "\"kind\":\"shelter\"") == 1;
}

/* The same of a shelter, which moves no mail: nothing was judged of it before. */
static void
a_restored_shelter_meets_another_ferryman(void)
{
	struct world *w = world_new("automatic");

	settle(w);
	w->primary_bad = w->listed = true;
	CHECK(world_until(w, 20 * MINUTE, has_shelter));
	world_kill(w);
	mark(w, W_HUB);
	w->era++;
	w->fresh = true;
	world_start(w);
	world_pass(w, 10 * MINUTE);
	CHECK_STR(world_run_state(w, "shelter"), "blocked");
	CHECK(world_count(w, "END", "two hands on one wheel") == 1);
	CHECK(!text_eq(world_value(w, W_HUB, PARK), "parked\n"));
	world_end(w);
}

/* --- a blocked shelter beside the cut-over that has taken it over --- */

/* The shelter's request is on its way for ever; nothing else is in the way. */
static enum fate
park_is_lost(struct world *w, const struct weffect *e, size_t n)
{
	(void)w;
	(void)n;
	return text_starts(e->resource, "relay.park ") && !text_eq(e->want, "") ? FATE_LOST
										: FATE_FINE;
}

static bool
shelter_stuck(struct world *w)
{
	return text_eq(world_run_state(w, "shelter"), "blocked");
}

/* Its mail leaves with the cut-over; told to go on, it would park once more beside it. */
static void
a_shelter_that_was_taken_over_is_not_continued(void)
{
	struct world *w = world_new("automatic");
	char run[64] = "";
	size_t req, parks;

	settle(w);
	w->fate = park_is_lost;
	w->primary_bad = w->listed = true;
	CHECK(world_until(w, HOUR, shelter_stuck));
	first_of(w, "shelter", run, sizeof run);
	(void)cut_over(w);
	world_pass(w, 2000);
	CHECK_STR(world_run_state(w, "cutover"), "forward");
	w->fate = NULL;
	parks = world_count(w, "INTENT", "\"want\":\"parked");
	req = world_say(w, &(struct wask){ .verb = VERB_CONTINUE, .run = run });
	CHECK(world_until_state(w, 2 * HOUR, FLOW_OUTBOUND, "on-backup"));
	CHECK(world_reply(w, req, true) != NULL && world_reply(w, req, true)->exit == 3);
	CHECK_INT(world_count(w, "INTENT", "\"want\":\"parked"), parks);
	CHECK(!text_eq(world_value(w, W_HUB, PARK), "parked\n"));
	world_end(w);
}

/* --- a blocked end of an older shelter beside a newer one --- */

static bool keeps_parking; /* the hub does not let go what waits */

static enum fate
park_stays(struct world *w, const struct weffect *e, size_t n)
{
	(void)w;
	(void)n;
	return keeps_parking && text_starts(e->resource, "relay.queue ") ? FATE_REFUSED : FATE_FINE;
}

static bool
shelter_stands(struct world *w)
{
	return text_eq(world_run_state(w, "shelter"), "open");
}

static bool
end_stuck(struct world *w)
{
	return text_eq(world_run_state(w, "unshelter"), "blocked");
}

static bool
shelter_ended(struct world *w)
{
	return text_eq(world_run_state(w, "unshelter"), "done");
}

static bool
sheltered_twice(struct world *w)
{
	return world_count(w, "START", "\"kind\":\"shelter\"") == 2 &&
	       text_eq(world_run_state(w, "shelter"), "open");
}

/* Told to go on while a cut-over is under way, it would let go what the newer one keeps waiting.
 * Its twin: no newer one stands. */
static void
the_end_of_an_older_shelter_is_not_continued(void)
{
	for (int newer = 0; newer < 2; newer++) {
		struct world *w = world_new("approve");
		char run[64] = "";
		size_t req, released;

		settle(w);
		w->fate = park_stays;
		keeps_parking = true;
		w->primary_bad = w->listed = true;
		CHECK(world_until(w, HOUR, shelter_stands));
		w->primary_bad = w->listed = false;
		CHECK(world_until(w, 2 * HOUR, end_stuck));
		first_of(w, "unshelter", run, sizeof run);
		keeps_parking = false;
		CHECK(world_until(w, HOUR, shelter_ended)); /* by another try */
		w->primary_bad = w->listed = newer != 0;
		if (newer)
			CHECK(world_until(w, HOUR, sheltered_twice));
		(void)cut_over(w);
		world_pass(w, 2000);
		CHECK_STR(world_run_state(w, "cutover"), "forward");
		released = world_count(w, "INTENT", "relay.queue");
		req = world_say(w, &(struct wask){ .verb = VERB_CONTINUE, .run = run });
		world_pass(w, 2000);
		CHECK_STR(world_run_state(w, "cutover"), "forward");
		CHECK_INT(world_count(w, "INTENT", "relay.queue"), released);
		CHECK_INT(world_reply(w, req, true) != NULL ? world_reply(w, req, true)->exit : -1,
			newer ? 3 : 0);
		world_end(w);
	}
}

/* --- a playbook without a way out --- */

static void
cut(char *text, const char *from, const char *to)
{
	char *a = strstr(text, from), *b = a != NULL ? strstr(a, to) : NULL;

	CHECK(b != NULL);
	if (b != NULL)
		memmove(a, b, strlen(b) + 1);
}

static void
without_a_cut_over_it_shelters_and_nothing_else(void)
{
	struct world *w = stdmem_get(sizeof *w);
	char text[16384];

	(void)world_text("automatic", "no way out", text, sizeof text);
	cut(text, "  - {on: blocked, at: confirmed", "procedures:");
	cut(text, "  out:\n", "limits:");
	cut(text, "limits:", "people:");
	world_init_book(w, text, NULL, NULL);
	settle(w);
	CHECK(world_count(w, "ROW", "it has no cut-over") == 1);
	w->primary_bad = w->listed = true;
	CHECK(world_until(w, HOUR, shelter_stands));
	CHECK_STR(world_value(w, W_HUB, PARK), "parked\n");
	world_pass(w, 2 * HOUR);
	CHECK_INT(world_count(w, "START", NULL), 1);
	world_end(w);
}

/* --- another hand between an effect and its reading back --- */

static bool
is_done_at_hub(const struct world *w, const struct event *ev)
{
	for (size_t i = 0; i < w->effects_n; i++)
		if (ev->type == EV_EFFECT && ev->effect.lsn == w->effect[i].lsn)
			return w->effect[i].dir == DIR_DO && text_eq(w->effect[i].resource, ROUTE);
	return false;
}

static void
hand_sets_route(struct world *w, const struct event *ev)
{
	if (is_done_at_hub(w, ev))
		world_edit(w, W_HUB, ROUTE, "next relay:[else.example]:587\nshare 100\n");
}

static void
a_value_that_another_hand_set_behind_ours_is_left(void)
{
	struct world *w = world_new(NULL);

	settle(w);
	w->hears = hand_sets_route;
	(void)cut_over(w);
	world_pass(w, HOUR);
	CHECK_STR(world_value(w, W_HUB, ROUTE), "next relay:[else.example]:587\nshare 100\n");
	CHECK(world_count(w, "RESULT", "somebody else has changed it") > 0);
	CHECK(!text_eq(world_run_state(w, "cutover"), "done"));
	world_end(w);
}

static void
hand_marks_hub(struct world *w, const struct event *ev)
{
	if (is_done_at_hub(w, ev))
		mark(w, W_HUB);
}

static void
a_number_that_another_hand_set_behind_ours_ends_it(void)
{
	struct world *w = world_new(NULL);

	settle(w);
	w->hears = hand_marks_hub;
	(void)cut_over(w);
	world_pass(w, HOUR);
	CHECK(world_count(w, "RESULT", "two hands on one wheel") > 0);
	CHECK(!text_eq(world_run_state(w, "cutover"), "done"));
	world_end(w);
}

static bool
goes_back(struct world *w)
{
	return text_eq(world_run_state(w, "cutover"), "backward");
}

/* The last word on what we changed is ours, with a number: a late copy may still come. */
static void
what_a_hand_put_back_is_taken_back_all_the_same(void)
{
	struct world *w = world_new(NULL);

	settle(w);
	w->backup_bad = true;
	(void)cut_over(w);
	CHECK(world_until(w, 2 * HOUR, goes_back));
	world_edit(w, W_ZONE, TXT, WORLD_SPF);
	CHECK(world_until_state(w, 2 * HOUR, FLOW_OUTBOUND, "normal"));
	CHECK(on_primary(w));
	CHECK_INT(world_count(w, "INTENT", "\"dir\":\"undo\",\"target\":\"zone\""), 1);
	world_end(w);
}

/* --- queues --- */

static void
queues_that_cannot_be_read_keep_mail_on_the_backup(void)
{
	struct world *w = world_new("automatic");

	settle(w);
	w->primary_bad = w->listed = true;
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	w->target[W_HUB].unreadable = true;
	w->primary_bad = w->listed = false;
	world_pass(w, 6 * HOUR);
	CHECK_INT(world_count(w, "START", "\"kind\":\"failback\""), 0);
	w->target[W_HUB].unreadable = false;
	CHECK(world_until_state(w, 6 * HOUR, FLOW_OUTBOUND, "normal"));
	CHECK_INT(world_count(w, "START", "\"kind\":\"failback\""), 1);
	world_end(w);
}

/* --- memory --- */

enum { SIZES = 512 };

/* Counts requests, and refuses the one of that number and, where it lasts, all behind it. */
struct meter {
	const struct world *w;
	size_t calls, fail_at, sizes_n, first[SIZES];
	struct {
		size_t n, behind;
		bool grows;
	} size[SIZES];
	size_t last;
	long live;
	bool lasts;
};

static void
note(struct meter *m, size_t n, bool grows)
{
	for (size_t i = 0; i < m->sizes_n; i++)
		if (m->size[i].n == n && m->size[i].behind == m->last && m->size[i].grows == grows)
			return;
	if (m->sizes_n == SIZES)
		return;
	m->size[m->sizes_n].n = n;
	m->size[m->sizes_n].behind = m->last;
	m->size[m->sizes_n].grows = grows;
	m->first[m->sizes_n++] = m->calls;
}

static void *
metered(void *ctx, void *p, size_t n)
{
	struct meter *m = ctx;

	if (n > 0 && !m->w->looking) {
		m->calls++;
		note(m, n, p != NULL);
		m->last = n;
		if (m->calls == m->fail_at ||
			(m->lasts && m->fail_at != 0 && m->calls > m->fail_at))
			return NULL;
	}
	m->live += (n > 0 && p == NULL) - (n == 0 && p != NULL);
	return stdmem.resize(stdmem.ctx, p, n);
}

/* A cut-over by itself with that much memory; true: it was halted over it. */
static bool
out_with(struct meter *m)
{
	struct world *w = world_new("automatic");
	bool halted;

	m->w = w;
	w->mem = (struct mem){ metered, m };
	world_start(w);
	w->primary_bad = w->listed = true;
	(void)world_until_state(w, 30 * MINUTE, FLOW_OUTBOUND, "on-backup");
	halted = w->halted;
	world_kill(w);
	CHECK_INT(m->live, 0);
	CHECK_INT(w->broken_laws, 0);
	world_fini(w);
	free(w);
	return halted;
}

/* The first request of each size behind one of each other is refused, once and for good: each
 * growing table is among them.
 */
static void
memory_of_any_size_that_is_refused_ends_it(void)
{
	static struct meter all, one;

	CHECK(!out_with(&all));
	for (size_t i = 0; i < 2 * all.sizes_n && check_state.faults == 0; i++) {
		one = (struct meter){ .fail_at = all.first[i / 2], .lasts = i % 2 != 0 };
		CHECK(out_with(&one));
	}
	printf("     %zu of %zu requests\n", all.sizes_n, all.calls);
	CHECK(all.sizes_n > 20);
}

int
main(void)
{
	TEST(before_the_journal_is_open_it_only_stops);
	TEST(another_journal_than_the_folded_one_is_not_opened);
	TEST(answers_that_nobody_asked_for_change_nothing);
	TEST(another_appends_answer_is_none);
	TEST(one_that_stood_still_and_only_observes_fences_nothing);
	TEST(a_run_whose_text_is_gone_is_blocked);
	TEST(a_restored_run_meets_another_ferryman);
	TEST(a_run_that_stood_still_meets_another_ferryman);
	TEST(what_cannot_refuse_is_not_changed_beside_another_ferryman);
	TEST(a_restored_shelter_meets_another_ferryman);
	TEST(a_shelter_that_was_taken_over_is_not_continued);
	TEST(the_end_of_an_older_shelter_is_not_continued);
	TEST(without_a_cut_over_it_shelters_and_nothing_else);
	TEST(a_value_that_another_hand_set_behind_ours_is_left);
	TEST(a_number_that_another_hand_set_behind_ours_ends_it);
	TEST(what_a_hand_put_back_is_taken_back_all_the_same);
	TEST(queues_that_cannot_be_read_keep_mail_on_the_backup);
	TEST(memory_of_any_size_that_is_refused_ends_it);
	return check_end();
}
