/* test_eject.c - ferryman is taken out of its targets: what it changed is as before, its numbers
 * are gone, and it stays out until somebody takes it in again. */
#include "lib/check.h"
#include "lib/world.h"

#include "base/text.h"
#include "os/stdmem.h"

#include <stdlib.h>

enum { MINUTE = 60000, HOUR = 3600000, DAY = 24 * HOUR };

#define TXT "dns.rrset corp.example TXT"
#define MX "dns.rrset corp.example MX"
#define ROUTE "relay.route corp.example"

static struct world *
world_new(void)
{
	struct world *w = stdmem_get(sizeof *w);

	world_init(w, NULL);
	world_start(w);
	CHECK(world_until_state(w, 5 * MINUTE, FLOW_OUTBOUND, "normal"));
	return w;
}

static void
world_end(struct world *w)
{
	CHECK_INT(w->broken_laws, 0);
	if (check_state.faults > 0)
		world_print(w);
	world_fini(w);
	free(w);
}

static void
there_and_back(struct world *w)
{
	size_t req = world_say(w, &(struct wask){ .verb = VERB_CUTOVER, .procedure = "out" });

	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	CHECK(world_reply(w, req, true) != NULL && world_reply(w, req, true)->exit == 0);
	(void)world_say(w, &(struct wask){ .verb = VERB_FAILBACK, .override = "soak" });
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "normal"));
	CHECK_STR(world_value(w, W_ZONE, TXT), WORLD_SPF_BOTH);
}

static const struct wreply *
ask(struct world *w, const struct wask *a)
{
	size_t req = world_say(w, a);

	for (int i = 0; i < 120 && world_reply(w, req, true) == NULL; i++)
		world_pass(w, MINUTE / 4);
	CHECK(world_reply(w, req, true) != NULL);
	return world_reply(w, req, true);
}

static const struct wreply *
ask_eject(struct world *w)
{
	return ask(w, &(struct wask){ .verb = VERB_EJECT, .reason = "we leave" });
}

static bool
marked(const struct world *w, int target)
{
	return w->target[target].marker_store[0] != '\0';
}

/* Everything as it was before ferryman came. */
static bool
is_out(struct world *w)
{
	return text_eq(world_value(w, W_ZONE, TXT), WORLD_SPF) &&
	       text_eq(world_value(w, W_ZONE, MX), WORLD_MX) &&
	       text_eq(world_value(w, W_HUB, ROUTE), "") && !marked(w, W_ZONE) && !marked(w, W_HUB);
}

static void
what_it_changed_is_as_before(void)
{
	struct world *w = world_new();
	const struct wreply *r;

	CHECK(marked(w, W_ZONE) && marked(w, W_HUB));
	there_and_back(w);
	world_pass(w, 6 * DAY);
	r = ask_eject(w);
	CHECK_INT(r->exit, 0);
	CHECK_STR(world_field(r, "state"), "done");
	CHECK(is_out(w));
	CHECK_STR(world_run_state(w, "eject"), "done");
	world_pass(w, DAY); /* and it stays out */
	CHECK(is_out(w));
	world_kill(w);
	world_start(w);
	world_pass(w, HOUR);
	CHECK(is_out(w));
	CHECK_STR(world_state(w, FLOW_OUTBOUND), "normal");
	r = ask(w, &(struct wask){ .verb = VERB_CUTOVER, .procedure = "out" });
	CHECK_INT(r->exit, 3); /* the brake */
	/* a pause with a time would bring it back by itself */
	r = ask(w, &(struct wask){ .verb = VERB_PAUSE, .expires = w->wall_ms + MINUTE });
	CHECK_INT(r->exit, 3);
	world_pass(w, HOUR);
	CHECK(is_out(w));
	world_end(w);
}

/* Its numbers are gone: nothing keeps away there what was sent before and comes late. */
static void
while_it_is_out_no_order_that_names_the_brake_acts(void)
{
	static const enum verb verbs[] = { VERB_CUTOVER, VERB_FAILBACK };
	struct world *w = world_new();

	CHECK_INT(ask_eject(w)->exit, 0);
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		const struct wreply *r =
			ask(w, &(struct wask){
				       .verb = verbs[i], .procedure = "out", .override = "pause" });

		CHECK_INT(r->exit, 3);
		CHECK(strstr(r->body, "`resume` first") != NULL);
	}
	CHECK(is_out(w));
	(void)ask(w, &(struct wask){ .verb = VERB_RESUME });
	there_and_back(w);
	world_end(w);
}

static void
taken_in_again_it_works_as_at_first(void)
{
	struct world *w = world_new();

	CHECK_INT(ask_eject(w)->exit, 0);
	CHECK(is_out(w));
	world_kill(w);
	world_start(w);
	world_pass(w, HOUR);
	CHECK(is_out(w));
	(void)ask(w, &(struct wask){ .verb = VERB_RESUME });
	world_pass(w, MINUTE);
	CHECK(marked(w, W_ZONE) && marked(w, W_HUB));
	there_and_back(w);
	world_end(w);
}

static void
the_plan_is_shown_first_and_binds(void)
{
	struct world *w = world_new();
	const struct wreply *r;
	char hash[65];

	there_and_back(w);
	world_pass(w, 6 * DAY);
	r = ask(w, &(struct wask){ .verb = VERB_PLAN, .of = VERB_EJECT });
	CHECK_INT(r->exit, 0);
	CHECK_STR(world_field(r, "direction"), "eject");
	CHECK(strstr(r->body, "- txt v=spf1 include:spf.cloud.example ip4:203.0.113.65 -all") !=
		NULL);
	CHECK_INT(world_count(w, "BRAKE", NULL), 0);
	(void)snprintf(hash, sizeof hash, "%s", world_field(r, "plan_hash"));
	world_edit(w, W_ZONE, TXT,
		"ttl 60\ntxt site-verification=1\ntxt v=spf1 include:spf.cloud.example "
		"ip4:203.0.113.65 -all\n");
	r = ask(w, &(struct wask){ .verb = VERB_EJECT, .plan_hash = hash });
	CHECK_INT(r->exit, 3); /* it is another plan now */
	CHECK_INT(world_count(w, "BRAKE", NULL), 0);
	r = ask_eject(w);
	CHECK_INT(r->exit, 0);
	CHECK_STR(world_value(w, W_ZONE, TXT),
		"ttl 60\ntxt site-verification=1\ntxt v=spf1 include:spf.cloud.example -all\n");
	world_end(w);
}

/* The permission was published before ferryman came: it is not ferryman's to take away. */
static void
what_was_there_before_stays(void)
{
	struct world *w = stdmem_get(sizeof *w);

	world_init(w, NULL);
	world_edit(w, W_ZONE, TXT, WORLD_SPF_BOTH);
	world_start(w);
	CHECK(world_until_state(w, 5 * MINUTE, FLOW_OUTBOUND, "normal"));
	there_and_back(w);
	CHECK_INT(ask_eject(w)->exit, 0); /* nothing to wait for either */
	CHECK_STR(world_value(w, W_ZONE, TXT), WORLD_SPF_BOTH);
	CHECK(!marked(w, W_ZONE) && !marked(w, W_HUB));
	world_end(w);
}

static void
the_relays_queue_comes_first(void)
{
	struct world *w = world_new();
	const struct wreply *r;

	there_and_back(w);
	world_pass(w, 4 * DAY);
	r = ask_eject(w);
	CHECK_INT(r->exit, 3);
	CHECK(strstr(r->body, "queues: mail may wait in the queue of relay for another") != NULL);
	CHECK_STR(world_value(w, W_ZONE, TXT), WORLD_SPF_BOTH);
	CHECK(marked(w, W_ZONE));
	CHECK_INT(world_count(w, "BRAKE", NULL), 0);
	r = ask(w, &(struct wask){ .verb = VERB_EJECT, .override = "queues" });
	CHECK_INT(r->exit, 0);
	CHECK(is_out(w));
	world_end(w);
}

static void
not_while_mail_is_away(void)
{
	struct world *w = world_new();
	const struct wreply *r;

	(void)world_say(w, &(struct wask){ .verb = VERB_CUTOVER, .procedure = "out" });
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	r = ask_eject(w);
	CHECK_INT(r->exit, 3);
	CHECK_STR(world_value(w, W_HUB, ROUTE), WORLD_ROUTE);
	CHECK(marked(w, W_ZONE) && marked(w, W_HUB));
	CHECK_INT(world_count(w, "START", "\"kind\":\"eject\""), 0);
	world_end(w);
}

static void
another_ferrymans_number_is_left_alone(void)
{
	struct world *w = world_new();

	(void)snprintf(w->target[W_HUB].marker_store, sizeof w->target[W_HUB].marker_store,
		"fedcba9876543210fedcba9876543210");
	CHECK_INT(ask_eject(w)->exit, 3);
	CHECK(marked(w, W_ZONE) && marked(w, W_HUB));
	world_end(w);
}

/* Somebody changes the record while the run is under way: shown, not overwritten; a second eject
 * goes by what is there. */
static void
edit_spf(struct world *w, const struct weffect *e)
{
	if (text_eq(e->resource, TXT) && e->dir == DIR_DO && w->verifies < 1000) {
		w->verifies = 1000;
		world_edit(
			w, W_ZONE, TXT, "ttl 60\ntxt v=spf1 ip4:192.0.2.7 ip4:203.0.113.65 -all\n");
	}
}

static void
another_hand_is_not_overwritten(void)
{
	struct world *w = world_new();
	const struct wreply *r;

	there_and_back(w);
	world_pass(w, 6 * DAY);
	w->verifies = 0;
	w->before = edit_spf;
	r = ask_eject(w);
	CHECK_INT(r->exit, 1);
	CHECK_STR(world_run_state(w, "eject"), "failed");
	CHECK_STR(world_value(w, W_ZONE, TXT),
		"ttl 60\ntxt v=spf1 ip4:192.0.2.7 ip4:203.0.113.65 -all\n");
	CHECK(marked(w, W_ZONE)); /* numbers go last */
	r = ask(w, &(struct wask){ .verb = VERB_EJECT, .override = "pause" });
	CHECK_INT(r->exit, 0);
	CHECK_STR(world_value(w, W_ZONE, TXT), "ttl 60\ntxt v=spf1 ip4:192.0.2.7 -all\n");
	CHECK(!marked(w, W_ZONE) && !marked(w, W_HUB));
	world_end(w);
}

static enum fate
lose_reply_of_removal(struct world *w, const struct weffect *e, size_t n)
{
	(void)w;
	(void)n;
	return text_eq(e->resource, "fence.marker") ? FATE_REPLY_LOST : FATE_FINE;
}

static void
a_lost_answer_is_settled_by_looking(void)
{
	struct world *w = world_new();

	w->fate = lose_reply_of_removal;
	CHECK_INT(ask_eject(w)->exit, 0);
	CHECK(is_out(w));
	world_end(w);
}

static enum fate
lose_removal(struct world *w, const struct weffect *e, size_t n)
{
	(void)n;
	return text_eq(e->resource, "fence.marker") && text_eq(e->target, w->target[W_ZONE].name)
		       ? FATE_LOST
		       : FATE_FINE;
}

static void
land_removal(struct world *w, const struct weffect *e)
{
	if (e->dir != DIR_FENCE || !text_eq(e->target, w->target[W_ZONE].name) || w->verifies != 0)
		return;
	w->verifies = 1000;
	w->target[W_ZONE].marker_store[0] = '\0';
	w->target[W_ZONE].marker_lsn = 0;
}

/* The number goes at the last moment, when the fence that was to make it safe is on its way. */
static void
a_removal_that_lands_before_its_fence_is_no_other_hand(void)
{
	struct world *w = world_new();

	w->fate = lose_removal;
	w->before = land_removal;
	w->verifies = 0;
	CHECK_INT(ask_eject(w)->exit, 1);
	CHECK_STR(world_run_state(w, "eject"), "failed");
	CHECK(!world_said(w, "is gone: was it restored"));
	w->fate = NULL;
	w->before = NULL;
	CHECK_INT(ask(w, &(struct wask){ .verb = VERB_EJECT, .override = "pause" })->exit, 0);
	CHECK(is_out(w));
	/* taken in again, that target is fenced before anything is changed, as any other */
	(void)ask(w, &(struct wask){ .verb = VERB_RESUME });
	world_pass(w, MINUTE);
	CHECK(marked(w, W_ZONE) && marked(w, W_HUB));
	world_end(w);
}

/* And if nobody takes it out a second time, but back in: it is fenced like one that never was. */
static void
after_such_a_removal_it_is_taken_in_again_as_at_first(void)
{
	struct world *w = world_new();

	w->fate = lose_removal;
	w->before = land_removal;
	w->verifies = 0;
	CHECK_INT(ask_eject(w)->exit, 1);
	w->fate = NULL;
	w->before = NULL;
	(void)ask(w, &(struct wask){ .verb = VERB_RESUME });
	world_pass(w, MINUTE);
	CHECK(marked(w, W_ZONE) && marked(w, W_HUB));
	there_and_back(w);
	world_end(w);
}

/* --- a number that was taken out is set again: by a late copy of the first fence, which found none
 * --- */

/* A copy of what was sent to the zone first in that way arrives after ms. */
static void
copy_lands(struct world *w, enum effect_dir dir, int64_t ms)
{
	for (size_t i = 0; i < w->effects_n; i++) {
		const struct weffect *e = &w->effect[i];

		if (e->dir != dir || !text_eq(e->target, w->target[W_ZONE].name))
			continue;
		world_late(w, e, ms);
		return;
	}
}

/* Right after its number is out; behind it the copy of a change that was made under that number. */
static enum fate
copies_land_after_removal(struct world *w, const struct weffect *e, size_t n)
{
	(void)n;
	if (!text_eq(e->resource, "fence.marker") || !text_eq(e->target, w->target[W_ZONE].name) ||
		w->verifies != 0)
		return FATE_FINE;
	w->verifies = 1000;
	copy_lands(w, DIR_FENCE, 1);
	copy_lands(w, DIR_DO, 2);
	return FATE_REPLY_LOST;
}

/* What it had proven is void: it is said, and a newer number keeps away what is still to come. */
static void
a_number_that_a_late_copy_sets_again_voids_what_was_proven(void)
{
	struct world *w = world_new();

	there_and_back(w);
	w->fate = copies_land_after_removal;
	w->verifies = 0;
	CHECK_INT(ask(w, &(struct wask){ .verb = VERB_EJECT, .override = "queues" })->exit, 1);
	CHECK_STR(world_run_state(w, "eject"), "failed");
	CHECK_STR(world_value(w, W_ZONE, TXT), WORLD_SPF_BOTH); /* the copy's */
	CHECK(w->target[W_ZONE].marker_lsn > w->target[W_HUB].marker_lsn);
	w->fate = NULL;
	world_pass(w, 6 * DAY);
	CHECK_INT(ask(w, &(struct wask){ .verb = VERB_EJECT, .override = "pause" })->exit, 0);
	CHECK(is_out(w));
	world_end(w);
}

/* Killed k records after that word of a world that got so far, for each k, and started again; then
 * looked at. Returns how many records there are. */
static size_t
killed_at_each(void (*begin)(struct world *), const struct wask *word, void (*look)(struct world *))
{
	size_t points = 0;

	for (bool dead = true; dead && points < 40;) {
		struct world *w = world_new();

		there_and_back(w);
		begin(w);
		w->die_after = w->records_n + points + 1;
		(void)world_say(w, word);
		world_pass(w, HOUR);
		dead = w->dead;
		if (dead) {
			points++;
			world_start(w);
			world_pass(w, HOUR);
			look(w);
		}
		world_end(w);
	}
	printf("     killed at %zu records\n", points);
	return points;
}

static bool
has_begun(struct world *w)
{
	return world_count(w, "START", "\"kind\":\"eject\"") > 0;
}

static void
copies_come(struct world *w)
{
	w->fate = copies_land_after_removal;
	w->verifies = 0;
}

static void
is_failed(struct world *w)
{
	if (!has_begun(w))
		return;
	CHECK_STR(world_run_state(w, "eject"), "failed");
	CHECK(marked(w, W_ZONE));
}

/* Killed at each record between: it is not forgotten. */
static void
killed_on_that_way_it_ends_no_other(void)
{
	const struct wask word = { .verb = VERB_EJECT, .override = "queues" };

	CHECK(killed_at_each(copies_come, &word, is_failed) >= 16);
}

/* Long after it has ended nobody looks; whoever ejects again is told. */
static void
a_number_that_stands_there_again_is_not_taken_out_unfenced(void)
{
	struct world *w = world_new();
	const struct wreply *r;

	CHECK_INT(ask_eject(w)->exit, 0);
	CHECK(is_out(w));
	copy_lands(w, DIR_FENCE, MINUTE);
	world_pass(w, HOUR);
	CHECK(marked(w, W_ZONE));
	r = ask(w, &(struct wask){ .verb = VERB_EJECT, .override = "pause" });
	CHECK_INT(r->exit, 3);
	CHECK(strstr(r->body, "zone bears a number that was sent there before") != NULL);
	(void)ask(w, &(struct wask){ .verb = VERB_RESUME });
	CHECK_INT(ask_eject(w)->exit, 0);
	CHECK(is_out(w));
	world_end(w);
}

static void
days_pass(struct world *w)
{
	world_pass(w, 6 * DAY);
}

static void
is_done(struct world *w)
{
	if (!has_begun(w)) { /* the brake at most stands */
		CHECK_STR(world_value(w, W_ZONE, TXT), WORLD_SPF_BOTH);
		return;
	}
	CHECK_STR(world_run_state(w, "eject"), "done");
	CHECK(is_out(w));
}

/* Killed at each of its records and started again, it goes to the same end. */
static void
killed_at_each_record_it_ends_the_same(void)
{
	const struct wask word = { .verb = VERB_EJECT, .reason = "we leave" };

	CHECK(killed_at_each(days_pass, &word, is_done) >= 12);
}

/* Mail has been away and is home, and an eject has just begun; looked at every so many ms. */
static void
eject_begins(struct world *w, int64_t every)
{
	w->target[W_HUB].unreadable = false;
	there_and_back(w);
	world_pass(w, 6 * DAY);
	w->fate = NULL;
	(void)world_say(w, &(struct wask){ .verb = VERB_EJECT, .reason = "we leave" });
	while (world_count(w, "START", "\"kind\":\"eject\"") == 0)
		world_pass(w, every);
}

static void
nothing_begins_meanwhile(void)
{
	struct world *w = world_new();
	const struct wreply *r;

	eject_begins(w, 100);
	r = ask(w, &(struct wask){ .verb = VERB_RESUME });
	CHECK_INT(r->exit, 3);
	CHECK(strstr(r->body, "is being taken out") != NULL);
	CHECK(world_until_state(w, MINUTE, FLOW_OUTBOUND, "normal"));
	world_pass(w, HOUR);
	CHECK(is_out(w));
	world_end(w);
}

/* The machine was put back to the middle of an eject: it is blocked, and as long as nobody knows
 * whether the alarm got out each start tells it again. */
static void
a_blocked_eject_is_told_after_each_start(void)
{
	struct world *w = world_new();

	eject_begins(w, 1);
	world_kill(w);
	w->target[W_HUB].marker_lsn += 5;
	for (int lives = 0; lives < 3; lives++) {
		w->lines_n = 0;
		world_start(w);
		world_pass(w, MINUTE);
		CHECK_STR(world_run_state(w, "eject"), "blocked");
		CHECK(world_said(w, "notify alarm eject-"));
		world_kill(w);
	}
	world_end(w);
}

static void
one_that_only_observes_has_nothing_there(void)
{
	struct world *w = stdmem_get(sizeof *w);

	world_init(w, "observe");
	world_start(w);
	CHECK(world_until_state(w, 5 * MINUTE, FLOW_OUTBOUND, "normal"));
	CHECK_INT(ask_eject(w)->exit, 3);
	world_end(w);
}

static enum fate
copy_of_first_fence(struct world *w, const struct weffect *e, size_t n)
{
	(void)n;
	return e->dir == DIR_FENCE && text_eq(e->target, w->target[W_ZONE].name) && e->seen_lsn == 0
		       ? FATE_TWICE
		       : FATE_FINE;
}

/* A zone without a number cannot tell a first fence from a late copy of it. So the number goes only
 * once such a copy is taken no more: twice the fudge of its signature, 10 minutes. */
static void
a_late_copy_of_the_first_fence_puts_no_number_back(void)
{
	struct world *w = stdmem_get(sizeof *w);

	world_init(w, NULL);
	w->fate = copy_of_first_fence;
	w->late_ms = 9 * MINUTE;
	world_start(w);
	CHECK(world_until_state(w, 5 * MINUTE, FLOW_OUTBOUND, "normal"));
	CHECK_INT(ask_eject(w)->exit, 0);
	CHECK(is_out(w));
	world_pass(w, HOUR);
	CHECK(is_out(w));
	/* taken in again it is as at first */
	(void)ask(w, &(struct wask){ .verb = VERB_RESUME });
	world_pass(w, MINUTE);
	CHECK(marked(w, W_ZONE));
	CHECK_INT(ask_eject(w)->exit, 0);
	world_pass(w, HOUR);
	CHECK(is_out(w));
	world_end(w);
}

static int64_t
eject_takes(struct world *w)
{
	int64_t begun = w->boot_ms;

	CHECK_INT(ask_eject(w)->exit, 0);
	CHECK(is_out(w));
	return w->boot_ms - begun;
}

/* Whoever has been in for longer waits for nothing, also after a restart. After a reboot nobody
 * knows how long ago it was: not before this process began to hold the journal. */
static void
the_number_waits_only_behind_a_first_fence(void)
{
	struct world *w = world_new();

	world_pass(w, 10 * MINUTE);
	world_kill(w);
	world_start(w);
	world_pass(w, MINUTE);
	CHECK(eject_takes(w) <= MINUTE);
	world_end(w);
	w = world_new();
	CHECK(eject_takes(w) > 4 * MINUTE);
	world_end(w);
	w = world_new();
	world_pass(w, 10 * MINUTE);
	world_kill(w);
	(void)snprintf(w->boot_id, sizeof w->boot_id, "00000000-0000-4000-8000-000000000002");
	world_start(w);
	world_pass(w, MINUTE);
	CHECK(eject_takes(w) > 8 * MINUTE);
	world_end(w);
}

int
main(void)
{
	TEST(what_it_changed_is_as_before);
	TEST(while_it_is_out_no_order_that_names_the_brake_acts);
	TEST(taken_in_again_it_works_as_at_first);
	TEST(the_plan_is_shown_first_and_binds);
	TEST(what_was_there_before_stays);
	TEST(the_relays_queue_comes_first);
	TEST(not_while_mail_is_away);
	TEST(another_ferrymans_number_is_left_alone);
	TEST(another_hand_is_not_overwritten);
	TEST(a_lost_answer_is_settled_by_looking);
	TEST(a_removal_that_lands_before_its_fence_is_no_other_hand);
	TEST(after_such_a_removal_it_is_taken_in_again_as_at_first);
	TEST(a_number_that_a_late_copy_sets_again_voids_what_was_proven);
	TEST(killed_on_that_way_it_ends_no_other);
	TEST(a_number_that_stands_there_again_is_not_taken_out_unfenced);
	TEST(killed_at_each_record_it_ends_the_same);
	TEST(nothing_begins_meanwhile);
	TEST(a_blocked_eject_is_told_after_each_start);
	TEST(one_that_only_observes_has_nothing_there);
	TEST(a_late_copy_of_the_first_fence_puts_no_number_back);
	TEST(the_number_waits_only_behind_a_first_fence);
	return check_end();
}
