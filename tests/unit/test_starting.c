/*
 * test_starting.c - what a start waits for, what its plan is made from, and what the journal and
 * people are told of it (DESIGN sections 6 and 7, docs/STATES.md).
 */
#include "core/engine.h"
#include "lib/facts_rig.h"

#define BY_ITSELF "starts by itself"
#define UNSHELTER "\"kind\":\"unshelter\""

/* Mail is refused, and people are asked by a response that ends like this. */
static struct world *
asked_by(const char *response)
{
	char now[128];
	struct world *w;

	(void)snprintf(now, sizeof now, "run: out, %s}", response);
	w = settled(WORLD_WITH("approve", "run: out, mode: approve}", now));
	refuse(w, true);
	CHECK(comes(w, 20 * MINUTE, "PLAN", ASKED, 1) != NEVER);
	return w;
}

static void
approve(struct world *w)
{
	(void)world_say(w, &(struct wask){ .verb = VERB_APPROVE, .user = "ben" });
	world_pass(w, MINUTE);
}

/* --- what is told --- */

/* The journal says who let it start; what people have said yes to is not told as a start by itself.
 */
static void
the_journal_says_why_it_started(void)
{
	struct world *w = asked_by("mode: approve, within: 15m, otherwise: proceed");

	approve(w);
	CHECK_INT(STARTS(w, "\"reason\":\"blocked, and it was approved\""), 1);
	CHECK_INT(world_count(w, "NOTIFIED", "the cut-over (out) " BY_ITSELF), 0);
	CHECK_INT(world_count(w, "ROW", "\"auto\":true"), 0);
	world_end(w);
	w = asked_by("mode: approve, within: 15m, otherwise: proceed");
	CHECK(comes(w, 20 * MINUTE, "START", CUTOVER, 1) != NEVER);
	CHECK_INT(world_count(w, "ROW", "\"auto\":true"), 1); /* nobody let it */
	world_end(w);
}

/* A reason is what convinced, and not the row that followed; a failback is asked for without an end
 * of the time, and a shelter's end is nobody's news. */
static void
a_reason_is_what_convinced(void)
{
	struct world *w = settled(world_new("approve"));

	(void)sheltered(w, 1);
	refuse(w, false);
	CHECK(comes(w, HOUR, "START", UNSHELTER, 1) != NEVER);
	world_pass(w, 5 * MINUTE);
	CHECK_INT(world_count(w, "NOTIFIED", BY_ITSELF), 1); /* the shelter alone */
	world_end(w);
	w = settled(world_new("automatic"));
	refuse(w, true);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	refuse(w, false);
	CHECK(comes(w, 2 * HOUR, "START", FAILBACK, 1) != NEVER);
	CHECK_INT(STARTS(w, "\"reason\":\"row "), 0);
	world_end(w);
	w = asked_by("mode: approve, within: 15m, otherwise: proceed");
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	refuse(w, false);
	CHECK(comes(w, 2 * HOUR, "PLAN", ASKED, 2) != NEVER);
	world_pass(w, MINUTE);
	CHECK_INT(world_count(w, "NOTIFIED", "the failback wants approval"), 1);
	CHECK_INT(world_count(w, "NOTIFIED", "without an answer"), 1); /* the cut-over's */
	world_end(w);
}

/* That the cut-over's plan cannot be made is no word about the shelter, which comes later here. */
static void
a_shelter_has_not_failed_because_a_cut_over_has(void)
{
	struct world *w = settled(WORLD_WITH("approve", "at: suspect, run: wait",
		"at: confirmed, run: wait", "at: confirmed, run: out", "at: suspect, run: out"));

	w->target[W_TENANT].unreadable = true;
	refuse(w, true);
	world_pass(w, 4 * MINUTE);
	CHECK_INT(world_count(w, "NOTIFIED", "no plan can be made"), 1);
	CHECK_INT(STARTS(w, SHELTER), 0);
	world_pass(w, 10 * MINUTE);
	CHECK_INT(STARTS(w, SHELTER), 1);
	world_end(w);
}

/* --- what it waits for --- */

static bool stays_away; /* what is sent to the relay is on its way */

static enum fate
away(struct world *w, const struct weffect *e, size_t n)
{
	(void)w;
	(void)n;
	return stays_away && text_starts(e->resource, "relay.") ? FATE_AWAY : FATE_FINE;
}

/* Asking changes nothing: it does not wait until the shelter is made. */
static void
people_are_asked_while_a_shelter_is_being_made(void)
{
	struct world *w =
		settled(WORLD_WITH("approve", "at: confirmed, run: out", "at: suspect, run: out"));

	w->fate = away;
	stays_away = true;
	(void)sheltered(w, 1);
	world_pass(w, 10 * SECOND);
	CHECK_STR(world_run_state(w, "shelter"), "forward");
	CHECK_INT(world_count(w, "PLAN", ASKED), 1);
	world_end(w);
}

static bool
may_start(struct world *w, const char *playbook, enum flow f)
{
	struct book b = *w->core->books;
	char why[WHY_LEN];

	(void)snprintf(b.name, sizeof b.name, "%s", playbook);
	return asking_may_start(w->core, &b, f, why, sizeof why);
}

/* Nothing starts beside a shelter that is being made, taken back or ended, nor beside an open run:
 * of its own playbook and flow. A shelter that stands holds nothing. */
static void
what_is_under_way_holds_its_own_flow_alone(void)
{
	static const struct {
		enum lrun_state state;
		bool may;
	} rows[] = { { LR_FORWARD, false }, { LR_BACKWARD, false }, { LR_OPEN, true } };
	struct world *w = settled(world_new("approve"));
	struct lrun *shelter;

	w->fate = away;
	stays_away = false;
	(void)sheltered(w, 1);
	world_pass(w, MINUTE);
	shelter = ledger_shelter(&w->core->l, "corp", FLOW_OUTBOUND);
	for (size_t i = 0; i < 3 && shelter != NULL; i++) {
		shelter->state = rows[i].state;
		CHECK_INT(may_start(w, "corp", FLOW_OUTBOUND), rows[i].may);
		CHECK(may_start(w, "corp", FLOW_INBOUND));
		CHECK(may_start(w, "euro", FLOW_OUTBOUND));
	}
	CHECK(shelter != NULL);
	stays_away = true;
	refuse(w, false);
	CHECK(comes(w, HOUR, "START", UNSHELTER, 1) != NEVER);
	world_pass(w, SECOND);
	CHECK(!may_start(w, "corp", FLOW_OUTBOUND));
	CHECK(may_start(w, "corp", FLOW_INBOUND));
	CHECK(may_start(w, "euro", FLOW_OUTBOUND));
	world_end(w);
	w = settled(world_new("approve"));
	CHECK(may_start(w, "corp", FLOW_OUTBOUND));
	(void)cut_over(w);
	world_pass(w, SECOND);
	CHECK(!may_start(w, "corp", FLOW_OUTBOUND));
	CHECK(may_start(w, "corp", FLOW_INBOUND));
	CHECK(may_start(w, "euro", FLOW_OUTBOUND));
	world_end(w);
}

/* --- what its plan is made from --- */

static int64_t
shelter_starts(bool with_an_older_look)
{
	struct world *w = settled(world_new("approve"));
	int64_t due = sheltered(w, 1), at;

	world_end(w);
	w = settled(world_new("approve"));
	refuse(w, true);
	world_pass(w, due - w->boot_ms - 4 * SECOND);
	w->read_ms = 8 * SECOND;
	if (with_an_older_look)
		(void)world_say(w, &(struct wask){ .verb = VERB_ACK }); /* has all read anew */
	at = comes(w, 20 * MINUTE, "START", SHELTER, 1);
	CHECK(at != NEVER);
	world_end(w);
	return at - due;
}

/* What was read for something else before is not what a start is decided on. */
static void
a_plan_has_its_own_readings(void)
{
	about(shelter_starts(false), 7900, 200); /* the readings of `due` took a moment */
	about(shelter_starts(true), 7900, 200);
}

int
main(void)
{
	TEST(the_journal_says_why_it_started);
	TEST(a_reason_is_what_convinced);
	TEST(a_shelter_has_not_failed_because_a_cut_over_has);
	TEST(people_are_asked_while_a_shelter_is_being_made);
	TEST(what_is_under_way_holds_its_own_flow_alone);
	TEST(a_plan_has_its_own_readings);
	return check_end();
}
