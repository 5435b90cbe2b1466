/* test_hands.c - runs among other hands: an edit before or after a step, drift while on the backup,
 * and a process that stood still while another took over. */
#include "lib/run_rig.h"

/* --- other hands --- */

static void
edit_before_the_route(struct world *w, const struct weffect *e)
{
	if (text_starts(e->resource, "dns.rrset") && e->dir == DIR_DO)
		world_edit(w, W_HUB, ROUTE, "next relay:[elsewhere.example]:25\nshare 100\n");
}

/* Somebody sets the hub's route after the plan was made: that is a conflict, and what they set
 * stays. */
static void
another_hand_is_not_overwritten(void)
{
	struct world *w = world_new(NULL);

	settle(w);
	w->before = edit_before_the_route;
	(void)cut_over(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND,
		"blocked")); /* the tenant was switched beside it: past the pivot */
	CHECK_STR(world_value(w, W_HUB, ROUTE), "next relay:[elsewhere.example]:25\nshare 100\n");
	CHECK_INT(world_count(w, "RESULT", "CONFLICT"), 1);
	world_end(w);
}

static void
edit_the_zone(struct world *w, const struct weffect *e)
{
	if (text_eq(e->step, "1"))
		world_edit(w, W_ZONE, TXT,
			"ttl 60\ntxt token=1\ntxt v=spf1 include:spf.cloud.example -all\n");
}

/* Before the pivot: undone, with nothing sent to the hub. */
static void
an_edit_of_the_zone_ends_the_run_unharmed(void)
{
	struct world *w = world_new(NULL);

	settle(w);
	w->before = edit_the_zone;
	(void)cut_over(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "rolling-back"));
	world_pass(w, HOUR);
	CHECK_STR(world_run_state(w, "cutover"),
		"blocked"); /* it cannot be undone over somebody's edit either */
	CHECK(strstr(world_value(w, W_ZONE, TXT), "token=1") != NULL);
	CHECK_INT(world_count(w, "INTENT", "relay.route"), 0);
	world_end(w);
}

/* --- what the run has done must still be there when its proof counts --- */

#define TOKEN                                                                                      \
	"ttl 60\ntxt google-site-verification=abc\ntxt v=spf1 include:spf.cloud.example "          \
	"ip4:203.0.113.65 -all\n"

static bool
spf_is_published(struct world *w)
{
	return world_count(w, "RESULT", "\"step\":\"2\"") > 0;
}

static bool
is_switched(struct world *w)
{
	return world_count(w, "RESULT", "\"step\":\"4.tenant\"") > 0;
}

static bool
run_is_blocked(struct world *w)
{
	return text_eq(world_run_state(w, "cutover"), "blocked");
}

/* The permission is taken out again after its step was verified: no mail may be moved on it. */
static void
a_permission_that_is_gone_stops_before_the_pivot(void)
{
	struct world *w = world_new(NULL);

	settle(w);
	(void)cut_over(w);
	CHECK(world_until(w, HOUR, spf_is_published));
	world_edit(w, W_ZONE, TXT, "ttl 60\ntxt v=spf1 -all\n");
	CHECK(world_until(w, HOUR, run_is_blocked)); /* nor is it undone over somebody's edit */
	CHECK_STR(world_value(w, W_ZONE, TXT), "ttl 60\ntxt v=spf1 -all\n");
	CHECK_INT(world_count(w, "INTENT", "relay.route"), 0);
	CHECK_INT(world_count(w, "INTENT", "tenant.connector"), 0);
	CHECK_INT(world_count(w, "RESULT", "not as this run left it"), 1);
	world_end(w);
}

/* There and back again before anybody looks is no change. */
static void
there_and_back_again_is_no_conflict(void)
{
	struct world *w = world_new(NULL);

	settle(w);
	(void)cut_over(w);
	CHECK(world_until(w, HOUR, spf_is_published));
	world_edit(w, W_ZONE, TXT, "ttl 60\ntxt v=spf1 -all\n");
	world_edit(w, W_ZONE, TXT, WORLD_SPF_BOTH);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	CHECK(on_backup(w));
	world_end(w);
}

/* A token that somebody puts beside our record is theirs; a second SPF record voids both. */
static void
a_token_beside_is_no_conflict_a_second_spf_record_is(void)
{
	struct world *w = world_new(NULL);

	settle(w);
	(void)cut_over(w);
	CHECK(world_until(w, HOUR, spf_is_published));
	world_edit(w, W_ZONE, TXT, TOKEN);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	CHECK_STR(world_value(w, W_ZONE, TXT), TOKEN);
	world_end(w);

	w = world_new(NULL);
	settle(w);
	(void)cut_over(w);
	CHECK(world_until(w, HOUR, spf_is_published));
	world_edit(w, W_ZONE, TXT,
		"ttl 60\ntxt v=spf1 -all\ntxt v=spf1 include:spf.cloud.example ip4:203.0.113.65 "
		"-all\n");
	CHECK(world_until(w, HOUR, run_is_blocked));
	CHECK_INT(world_count(w, "INTENT", "relay.route"), 0);
	world_end(w);
}

/* After the pivot nothing is undone; the run does not say done either, until it is put right. */
static void
what_is_gone_after_the_pivot_blocks_the_end(void)
{
	struct world *w = world_new(NULL);
	size_t req;

	settle(w);
	(void)cut_over(w);
	CHECK(world_until(w, HOUR, is_switched));
	world_edit(w, W_ZONE, TXT, WORLD_SPF);
	CHECK(world_until(w, HOUR, run_is_blocked));
	CHECK_STR(world_value(w, W_ZONE, TXT), WORLD_SPF);
	CHECK_STR(world_value(w, W_HUB, ROUTE), WORLD_ROUTE);
	world_pass(w, MINUTE);
	world_edit(w, W_ZONE, TXT, WORLD_SPF_BOTH);
	req = world_say(w, &(struct wask){ .verb = VERB_CONTINUE });
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	CHECK(world_reply(w, req, true) != NULL && world_reply(w, req, true)->exit == 0);
	world_end(w);
}

/* A message that cannot arrive any more is not waited for until the step's time is over. */
static void
a_way_that_is_gone_is_told_at_once(void)
{
	struct world *w = world_new(NULL);

	settle(w);
	(void)cut_over(w);
	CHECK(world_until(w, HOUR, is_switched));
	w->backup_bad = true;
	world_edit(w, W_HUB, ROUTE, "");
	CHECK(world_until(w, MINUTE, run_is_blocked));
	CHECK_INT(world_count(w, "RESULT", "not as this run left it"), 1);
	world_end(w);
}

static int64_t
every_other_is_slow(const char *signal)
{
	static int n;

	(void)signal;
	return ++n % 2 == 0 ? 2000 : 300;
}

/* A receiver that answers after that was found says less than who has changed it: once it took the
 * other's place. */
static void
a_slow_receiver_does_not_hide_the_other_hand(void)
{
	struct world *w = world_new(NULL);

	settle(w);
	(void)cut_over(w);
	CHECK(world_until(w, HOUR, is_switched));
	w->probe_ms = every_other_is_slow;
	w->backup_bad = true;
	world_edit(w, W_TENANT, CONNECTOR, "");
	CHECK(world_until(w, MINUTE, run_is_blocked));
	CHECK_INT(world_count(w, "END", "not as this run left it"), 1);
	world_end(w);
}

/* --- drift while on the backup --- */

static bool
told_of_drift(struct world *w)
{
	return world_said(w, "notify alarm corp outbound: mail runs on the backup, and " TXT);
}

static bool
told_it_is_over(struct world *w)
{
	return world_said(
		w, "notify info corp outbound: the targets are again as the cut-over left them");
}

/* Somebody takes the permission out: people hear of it once, nothing is written, and hear of its
 * return. */
static void
drift_on_the_backup_is_told_and_not_fought(void)
{
	struct world *w = world_new(NULL);
	size_t effects;

	settle(w);
	w->primary_bad = true; /* it stays on the backup */
	(void)cut_over(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	effects = w->effects_n;
	world_edit(w, W_ZONE, TXT, TOKEN);
	world_pass(w, 5 * MINUTE);
	CHECK(!told_of_drift(w)); /* a token beside ours is nobody's business */
	world_edit(w, W_ZONE, TXT, WORLD_SPF);
	CHECK(world_until(w, 5 * MINUTE, told_of_drift));
	world_kill(w);
	world_start(w); /* who starts now hears of it too: the journal knows what was left there */
	w->lines_n = 0;
	CHECK(world_until(w, 5 * MINUTE, told_of_drift));
	CHECK_STR(world_state(w, FLOW_OUTBOUND), "on-backup");
	world_edit(w, W_ZONE, TXT, WORLD_SPF_BOTH);
	CHECK(world_until(w, 5 * MINUTE, told_it_is_over));
	CHECK_INT(w->effects_n, effects);
	world_end(w);
}

/* Where mail leaves the backup by a hand, what would start by itself stops. */
static void
a_switch_point_moved_by_hand_blocks(void)
{
	struct world *w = world_new("automatic");
	size_t effects;

	settle(w);
	w->primary_bad = true;
	(void)cut_over(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	effects = w->effects_n;
	world_edit(w, W_HUB, ROUTE, "");
	CHECK(world_until_state(w, 5 * MINUTE, FLOW_OUTBOUND, "blocked"));
	CHECK(world_said(w, "notify alarm corp outbound: the targets show a mixture"));
	w->primary_bad = false;
	world_pass(w, 24 * HOUR);
	CHECK_INT(w->effects_n, effects);
	world_edit(w, W_HUB, ROUTE, WORLD_ROUTE);
	(void)world_say(w, &(struct wask){ .verb = VERB_ACK });
	CHECK(world_until_state(
		w, HOUR, FLOW_OUTBOUND, "normal")); /* home by itself, as the playbook says */
	CHECK_INT(world_count(w, "ROW", "\"row\":604"), 1);
	world_end(w);
}

/* What the targets show is a reason of the row that follows from it, and of no later one; and where
 * everything goes as it should nobody is alarmed. */
static void
who_brings_mail_home_by_hand_is_told_of_it(void)
{
	static const char shown_by_hand[] = "is not as out-";
	struct world *w = world_new(NULL);

	settle(w);
	(void)cut_over(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	CHECK(!world_said(w, "notify alarm"));
	w->primary_bad = true; /* it stays on the backup */
	world_pass(w, 5 * MINUTE);
	CHECK_INT(world_count(w, "ROW", shown_by_hand), 0);
	world_edit(w, W_HUB, ROUTE, "");
	world_edit(w, W_TENANT, CONNECTOR, "");
	CHECK(world_until_state(w, 5 * MINUTE, FLOW_OUTBOUND, "normal"));
	CHECK_INT(world_count(w, "ROW", "\"row\":600"), 1);
	CHECK_INT(world_count(w, "ROW", shown_by_hand), 1);
	CHECK(world_said(w, "notify alarm corp outbound: the targets show the primary"));
	(void)cut_over(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	CHECK_INT(world_count(w, "ROW", shown_by_hand), 1);
	world_end(w);
}

/* --- standing still --- */

static size_t
sent_to(struct world *w, const char *target)
{
	size_t n = 0;

	for (size_t i = 0; i < w->effects_n; i++)
		n += text_eq(w->effect[i].target, target) && w->effect[i].dir == DIR_DO;
	return n;
}

static bool
tenant_is_meant(struct world *w)
{
	return world_count(w, "INTENT", CONNECTOR) > 0;
}

static bool
hub_is_meant(struct world *w)
{
	return world_count(w, "INTENT", ROUTE) > 0;
}

/* Its process stops after the tenant's intent is on the disk, for ten minutes; meanwhile somebody
 * else may take over. */
static struct world *
stands_still(bool taken_over)
{
	struct world *w = world_new(NULL);

	settle(w);
	(void)cut_over(w);
	CHECK(world_until(w, HOUR, hub_is_meant));
	w->append_ms = 10 * MINUTE;
	if (taken_over)
		w->target[W_HUB].marker_lsn = (uint64_t)2 << 40 | 1;
	CHECK(world_until(w, HOUR, tenant_is_meant));
	w->append_ms = 0;
	return w;
}

/* The tenant cannot refuse a late request, so none is sent: a fence that can be refused is tried
 * first. */
static void
what_stood_still_sends_nothing_late_to_class_u(void)
{
	struct world *w = stands_still(true);

	CHECK(world_until(w, HOUR, run_is_blocked));
	CHECK_INT(sent_to(w, "tenant"), 0);
	CHECK_STR(world_value(w, W_TENANT, CONNECTOR), "");
	world_pass(w, 2000);
	CHECK(world_said(w, "a newer one is in charge"));
	world_end(w);
}

/* Where the targets take longer to answer than the run's own time, it ends over that silence, and
 * the alarm names the newer one as soon as its number is read. */
static void
who_is_in_charge_is_told_when_the_targets_answer_after_the_runs_end(void)
{
	struct world *w = stands_still(true);

	w->read_ms = 2 * MINUTE;
	CHECK(world_until(w, HOUR, run_is_blocked));
	CHECK(world_count(w, "END", "cannot be read: no answer in time") == 1);
	CHECK(!world_said(w, "a newer one is in charge"));
	w->read_ms = 0;
	world_pass(w, MINUTE);
	CHECK(world_said(w, "a newer one is in charge"));
	CHECK_INT(sent_to(w, "tenant"), 0);
	world_end(w);
}

/* Nobody took over: each fence is raised again, the tenant is read again, and it goes on. */
static void
what_stood_still_alone_goes_on(void)
{
	struct world *w = stands_still(false);

	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	CHECK(on_backup(w));
	CHECK_INT(sent_to(w, "tenant"), 1);
	CHECK_INT(world_count(w, "INTENT", "\"dir\":\"fence\""),
		4); /* zone and hub, at the start and again */
	world_end(w);
}

int
main(void)
{
	TEST(another_hand_is_not_overwritten);
	TEST(an_edit_of_the_zone_ends_the_run_unharmed);
	TEST(a_permission_that_is_gone_stops_before_the_pivot);
	TEST(there_and_back_again_is_no_conflict);
	TEST(a_token_beside_is_no_conflict_a_second_spf_record_is);
	TEST(what_is_gone_after_the_pivot_blocks_the_end);
	TEST(a_way_that_is_gone_is_told_at_once);
	TEST(a_slow_receiver_does_not_hide_the_other_hand);
	TEST(drift_on_the_backup_is_told_and_not_fought);
	TEST(a_switch_point_moved_by_hand_blocks);
	TEST(who_brings_mail_home_by_hand_is_told_of_it);
	TEST(what_stood_still_sends_nothing_late_to_class_u);
	TEST(who_is_in_charge_is_told_when_the_targets_answer_after_the_runs_end);
	TEST(what_stood_still_alone_goes_on);
	return check_end();
}
