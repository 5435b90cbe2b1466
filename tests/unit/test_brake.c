/*
 * test_brake.c - the brake is pulled right behind each record of an out-and-back, and nothing more
 * leaves until it is taken off (invariant 17). Then the way goes on, and ends as without it.
 */
#include "lib/crossing.h"
#include "lib/run_rig.h"

enum { AWAY = 30 * MINUTE };

static size_t pull_at;

static bool
there(struct world *w)
{
	return w->records_n >= pull_at;
}

static bool
done_out(struct world *w)
{
	const char *s = world_state(w, FLOW_OUTBOUND);

	return there(w) || text_eq(s, "on-backup") || text_eq(s, "recovering");
}

static bool
done_back(struct world *w)
{
	return there(w) || text_eq(world_state(w, FLOW_OUTBOUND), "normal");
}

static bool
ended(struct world *w)
{
	const char *s = world_state(w, FLOW_OUTBOUND);

	return text_eq(s, "normal") || text_eq(s, "on-backup") || text_eq(s, "recovering");
}

static bool
is_type(const char *record, const char *type)
{
	char mark[40];

	(void)snprintf(mark, sizeof mark, "\"type\":\"%s\",", type);
	return strstr(record, mark) != NULL;
}

static size_t
last_of(const struct world *w, const char *type)
{
	for (size_t i = w->records_n; i > 0; i--)
		if (is_type(w->record[i - 1], type))
			return i;
	return 0;
}

/* What left, and what was announced, behind that record. */
static size_t
moves_behind(const struct world *w, size_t record)
{
	size_t n = 0;

	for (size_t i = record; i < w->records_n; i++)
		n += is_type(w->record[i], "INTENT");
	for (size_t i = 0; i < w->effects_n; i++)
		n += w->effect[i].records > record;
	return n;
}

/* Returns what moved while the brake was on. */
static size_t
pulled(struct world *w)
{
	size_t on, req = world_say(w, &(struct wask){ .verb = VERB_PAUSE, .reason = "hands off" });

	world_pass(w, AWAY);
	on = last_of(w, "BRAKE");
	CHECK(world_reply(w, req, true) != NULL && world_reply(w, req, true)->exit == 0);
	CHECK(on > 0);
	return moves_behind(w, on);
}

static void
let_go(struct world *w)
{
	pull_at = SIZE_MAX;
	(void)world_say(w, &(struct wask){ .verb = VERB_RESUME });
	CHECK(world_until(w, 4 * HOUR, ended));
}

static void
way_home(struct world *w)
{
	(void)world_say(w, &(struct wask){ .verb = VERB_FAILBACK, .override = "soak" });
	(void)world_until(w, 4 * HOUR, done_back);
}

static bool
done_start(struct world *w)
{
	return there(w) || text_eq(world_state(w, FLOW_OUTBOUND), "normal");
}

/* Once, where it is due; counts what moved under it. */
static void
pull_if_due(struct world *w, bool *held, size_t *moved)
{
	if (*held || !there(w))
		return;
	*held = true;
	*moved = pulled(w);
	let_go(w);
}

/*
 * An out-and-back with the brake pulled behind that record of the journal (SIZE_MAX: never); false
 * when the journal has fewer. A cut-over whose time was over under the brake is undone, and ordered
 * again.
 */
static bool
out_and_back(size_t record, size_t *ret_records)
{
	static char book[CROSSING_TEXT];
	struct world *w = stdmem_get(sizeof *w);
	size_t moved = 0;
	bool held = false;

	crossing_book(BOOK_LONG, book);
	world_init_book(w, book, NULL, NULL);
	crossing_fill(w, BOOK_LONG);
	pull_at = record;
	world_start(w);
	CHECK(world_until(w, HOUR, done_start));
	pull_if_due(w, &held, &moved);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "normal"));
	for (int i = 0; i < 2 && text_eq(world_state(w, FLOW_OUTBOUND), "normal"); i++) {
		(void)cut_over(w);
		CHECK(world_until(w, 4 * HOUR, done_out));
		pull_if_due(w, &held, &moved);
	}
	for (int i = 0; i < 2 && !text_eq(world_state(w, FLOW_OUTBOUND), "normal"); i++) {
		way_home(w);
		pull_if_due(w, &held, &moved);
	}
	CHECK_INT(moved, 0);
	CHECK_STR(world_state(w, FLOW_OUTBOUND), "normal");
	CHECK_STR(world_value(w, W_TENANT, CONNECTOR), "");
	for (int i = 0; i < w->targets_n; i++) {
		if (w->target[i].like != W_HUB)
			continue;
		CHECK_STR(world_value(w, i, ROUTE), "");
		CHECK_STR(world_value(w, i, PARK), "");
	}
	*ret_records = w->records_n;
	world_end(w);
	return held;
}

static void
no_effect_leaves_behind_a_brake_pulled_at_any_record(void)
{
	size_t n = 0, records;

	while (check_state.faults == 0 && out_and_back(n + 1, &records))
		n++;
	printf("the brake was pulled behind each of %zu records of an out-and-back\n", n);
	CHECK(n >= 84);
}

/* The twin: the same hours without the brake move something behind most records. */
static void
without_a_brake_all_of_it_leaves(void)
{
	struct world *w = world_new(NULL);
	size_t begun;

	settle(w);
	begun = w->records_n;
	(void)cut_over(w);
	world_pass(w, AWAY);
	CHECK(moves_behind(w, begun) >= 6);
	CHECK(on_backup(w));
	world_end(w);
}

/* --- an order that names the brake --- */

/* The run under way has sent something, and not yet switched. */
static bool
on_its_way(struct world *w)
{
	return world_count(w, "INTENT", "\"step\":\"1\"") > 0;
}

static struct world *
under_way(const char *override, bool brake_first)
{
	struct world *w = world_new(NULL);

	settle(w);
	if (brake_first)
		(void)world_say(w, &(struct wask){ .verb = VERB_PAUSE, .reason = "hands off" });
	world_pass(w, MINUTE);
	(void)world_say(w,
		&(struct wask){ .verb = VERB_CUTOVER, .procedure = "out", .override = override });
	CHECK(world_until(w, HOUR, on_its_way));
	return w;
}

/* Whoever names the brake goes on under the one that is on, and not under the next one. */
static void
an_order_names_the_brake_that_is_on_and_no_later_one(void)
{
	struct world *w = under_way("pause", true);

	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	world_end(w);
	for (int first = 0; first < 2; first++) {
		w = under_way("pause", first != 0);
		CHECK_INT(pulled(w), 0);
		CHECK_STR(world_run_state(w, "cutover"), "forward");
		(void)world_say(w, &(struct wask){ .verb = VERB_RESUME });
		CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
		world_end(w);
	}
}

/* And so does whoever continues a run by that name; the next brake binds it again. */
static void
whoever_continues_by_name_goes_on_until_the_next_brake(void)
{
	for (int again = 0; again < 2; again++) {
		struct world *w = under_way(NULL, false);

		CHECK_INT(pulled(w), 0);
		(void)world_say(w, &(struct wask){ .verb = VERB_CONTINUE });
		world_pass(w, AWAY); /* it must be named */
		CHECK_INT(moves_behind(w, last_of(w, "BRAKE")), 0);
		(void)world_say(w, &(struct wask){ .verb = VERB_CONTINUE, .override = "pause" });
		if (again != 0) {
			CHECK_INT(pulled(w), 0);
			CHECK_STR(world_run_state(w, "cutover"), "forward");
		} else {
			CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
		}
		world_end(w);
	}
}

static void
so_it_is_after_a_restart(void)
{
	struct world *w = under_way("pause", true);

	world_kill(w);
	world_start(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	world_end(w);
	w = under_way("pause", false);
	CHECK_INT(pulled(w), 0);
	world_kill(w);
	world_start(w);
	world_pass(w, AWAY);
	CHECK_INT(world_count(w, "INTENT", "\"step\":\"4"), 0);
	world_end(w);
}

int
main(void)
{
	TEST(an_order_names_the_brake_that_is_on_and_no_later_one);
	TEST(whoever_continues_by_name_goes_on_until_the_next_brake);
	TEST(so_it_is_after_a_restart);
	TEST(no_effect_leaves_behind_a_brake_pulled_at_any_record);
	TEST(without_a_brake_all_of_it_leaves);
	return check_end();
}
