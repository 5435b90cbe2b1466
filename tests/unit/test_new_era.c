/*
 * test_new_era.c - a new era finds a run that was being taken back, killed at each of its records:
 * what was done before the pivot is taken home all the same, and a value that another hand has set
 * meanwhile is left alone and told (DESIGN section 7).
 */
#include "lib/run_rig.h"

/* A cut-over whose backup does not prove itself, until so many records are there. */
static bool
killed_at(struct world *w, size_t n)
{
	settle(w);
	w->backup_bad = true;
	(void)cut_over(w);
	w->die_after = n;
	world_pass(w, HOUR);
	return w->dead;
}

static void
begin_era(struct world *w)
{
	world_kill(w);
	w->die_after = 0;
	w->era++;
	w->fresh = w->by_operator = true;
	world_start(w);
}

static void
a_run_on_its_way_back_comes_home(void)
{
	size_t kills = 0, back = 0;

	for (size_t n = 9; n < 60; n++) {
		struct world *w = world_new(NULL);

		if (!killed_at(w, n)) {
			world_end(w);
			break;
		}
		kills++;
		back += world_count(w, "INTENT", "\"dir\":\"undo\"") > 0;
		begin_era(w);
		CHECK(world_until_state(w, 2 * HOUR, FLOW_OUTBOUND, "normal"));
		CHECK(on_primary(w));
		world_end(w);
	}
	printf("     killed at %zu records, %zu of them on the way back\n", kills, back);
	CHECK(kills > 5 && back > 1);
}

static void
another_hand_meanwhile_is_told(void)
{
	size_t told = 0;

	for (size_t n = 11; n < 60; n++) {
		struct world *w = world_new(NULL);
		static const char hand[] = "ttl 60\ntxt v=spf1 include:spf.else.example -all\n";

		if (!killed_at(w, n)) {
			world_end(w);
			break;
		}
		world_edit(w, W_ZONE, TXT, hand);
		begin_era(w);
		world_pass(w, 2 * HOUR);
		CHECK_STR(world_value(w, W_ZONE, TXT), hand);
		told += world_count(w, "END", "is not as it leaves run") > 0;
		world_end(w);
	}
	CHECK(told > 3);
}

int
main(void)
{
	TEST(a_run_on_its_way_back_comes_home);
	TEST(another_hand_meanwhile_is_told);
	return check_end();
}
