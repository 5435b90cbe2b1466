/* test_run.c - runs of the core in a small world: out and back, undone, blocked, unsure, killed at
 * each record. */
#include "lib/run_rig.h"

static void
a_person_cuts_over_and_fails_back(void)
{
	struct world *w = world_new(NULL);
	size_t req;

	settle(w);
	req = cut_over(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	CHECK(on_backup(w));
	CHECK(world_reply(w, req, false) != NULL);
	CHECK(world_reply(w, req, true) != NULL && world_reply(w, req, true)->exit == 0);
	CHECK_STR(world_field(world_reply(w, req, true), "state"), "done");
	req = world_say(w, &(struct wask){ .verb = VERB_FAILBACK, .override = "soak" });
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "normal"));
	CHECK_STR(world_value(w, W_HUB, ROUTE), "");
	CHECK_STR(world_value(w, W_TENANT, CONNECTOR), "");
	CHECK_STR(world_value(w, W_ZONE, TXT),
		WORLD_SPF_BOTH); /* the permission stays, decision 0005 */
	CHECK_STR(world_field(world_reply(w, req, true), "state"), "done");
	world_end(w);
}

/* Once the hub came back first: its mail went on through the tenant's connector to a backup that
 * refused it, and the tenant returned it. */
static void
a_hub_behind_the_tenant_comes_back_after_it(void)
{
	struct world *w = world_new(NULL);
	size_t from, tenant = 0, hub = 0;

	settle(w);
	(void)cut_over(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	from = w->effects_n;
	(void)world_say(w, &(struct wask){ .verb = VERB_FAILBACK, .override = "soak" });
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "normal"));
	for (size_t i = from; i < w->effects_n; i++) {
		if (text_starts(w->effect[i].resource, "tenant.connector "))
			tenant = i;
		else if (text_starts(w->effect[i].resource, "relay.route ") && hub == 0)
			hub = i;
	}
	CHECK(tenant > 0);
	CHECK(hub > tenant);
	CHECK_STR(w->effect[tenant].want, "");
	world_end(w);
}

/* --- undone, blocked --- */

static void
a_backup_that_fails_its_proof_is_not_taken(void)
{
	struct world *w = world_new(NULL);
	size_t req;

	settle(w);
	w->backup_bad = true;
	req = cut_over(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "rolling-back"));
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "normal"));
	CHECK(on_primary(w));
	CHECK_STR(world_run_state(w, "cutover"), "undone");
	CHECK(world_reply(w, req, true) != NULL && world_reply(w, req, true)->exit == 1);
	/* whoever asked hears why, and what was sent: SPF there and SPF back */
	CHECK(strstr(world_field(world_reply(w, req, true), "error"),
		      "each target is as it was; it failed at step 3 (") != NULL);
	CHECK(strstr(world_reply(w, req, true)->body, "\"effects_sent\":2,\"effects_undo\":1") !=
		NULL);
	CHECK_INT(world_count(w, "INTENT", "relay.route"), 0);
	CHECK_INT(world_count(w, "INTENT", "\"dir\":\"undo\""), 1);
	world_end(w);
}

/* Junk is no arrival: degraded does not pass a proof. */
static void
a_message_in_the_junk_folder_proves_nothing(void)
{
	struct world *w = world_new(NULL);

	settle(w);
	w->junk = true;
	(void)cut_over(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "rolling-back"));
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "normal"));
	CHECK(on_primary(w));
	world_end(w);
}

static enum fate
tenant_refuses(struct world *w, const struct weffect *e, size_t n)
{
	(void)w;
	(void)n;
	return text_eq(e->target, "tenant") ? FATE_REFUSED : FATE_FINE;
}

/* A journal that says when it is about to hold the run's end. */
static enum outcome
end_on_its_way(struct world *w, const struct action *a)
{
	bool *seen = w->keep_ctx;

	for (size_t i = 0; i < a->append.records_n; i++)
		*seen = *seen || strstr(a->append.records[i], "\"state\":\"blocked\"") != NULL;
	return OUT_DONE;
}

/* The order arrives while the record of standing still is on its way to the disk: it is answered
 * when that is there, and the run is really tried again. */
static void
an_order_to_continue_beside_the_end_is_followed(void)
{
	struct world *w = world_new(NULL);
	bool seen = false;
	size_t again;

	settle(w);
	w->fate = tenant_refuses;
	(void)cut_over(w);
	w->keep = end_on_its_way;
	w->keep_ctx = &seen;
	w->append_ms = 500;
	for (int i = 0; i < 1000000 && !seen; i++)
		world_pass(w, 1);
	CHECK(seen);
	w->fate = NULL;
	again = world_say(w, &(struct wask){ .verb = VERB_CONTINUE });
	w->append_ms = 2;
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	CHECK(world_reply(w, again, true) != NULL && world_reply(w, again, true)->exit == 0);
	CHECK_INT(world_count(w, "END", "\"state\":\"blocked\""), 1);
	world_end(w);
}

/* Past the pivot nothing is undone; a person puts it right and says continue. */
static void
after_the_pivot_it_is_blocked_and_goes_on(void)
{
	struct world *w = world_new(NULL);
	size_t req, again;

	settle(w);
	w->fate = tenant_refuses;
	req = cut_over(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "blocked"));
	world_pass(w, MINUTE);
	CHECK(world_reply(w, req, true) != NULL && world_reply(w, req, true)->exit == 4);
	CHECK_STR(world_run_state(w, "cutover"), "blocked");
	CHECK_STR(world_value(w, W_HUB, ROUTE), WORLD_ROUTE);
	CHECK_INT(world_count(w, "INTENT", "\"dir\":\"undo\""), 0);
	CHECK(world_said(w, "notify alarm"));
	again = world_say(w, &(struct wask){ .verb = VERB_ABORT });
	CHECK(world_reply(w, again, true) == NULL || world_reply(w, again, true)->exit == 3);
	w->fate = NULL;
	again = world_say(w, &(struct wask){ .verb = VERB_CONTINUE });
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	CHECK(on_backup(w));
	CHECK(world_reply(w, again, true) != NULL && world_reply(w, again, true)->exit == 0);
	world_end(w);
}

/* From blocked a person may also take all of it home. */
static void
from_blocked_the_mail_can_go_home(void)
{
	struct world *w = world_new(NULL);

	settle(w);
	w->fate = tenant_refuses;
	(void)cut_over(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "blocked"));
	w->fate = NULL;
	world_pass(w, MINUTE);
	(void)world_say(w, &(struct wask){ .verb = VERB_FAILBACK, .override = "soak" });
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "normal"));
	CHECK_STR(world_value(w, W_HUB, ROUTE), "");
	CHECK_STR(world_value(w, W_TENANT, CONNECTOR), "");
	CHECK_INT(world_count(w, "END", "\"state\":\"failed\""), 1);
	world_end(w);
}

/* --- unsure --- */

static enum fate
first_is_lost(struct world *w, const struct weffect *e, size_t n)
{
	(void)w;
	(void)n;
	return e->run[0] != '\0' && text_eq(e->step, "1") && e->dir == DIR_DO &&
			       w->late_ms-- == 30000
		       ? FATE_LOST
		       : FATE_FINE;
}

static enum fate
first_reply_is_lost(struct world *w, const struct weffect *e, size_t n)
{
	(void)n;
	return text_eq(e->step, "1") && e->dir == DIR_DO && w->late_ms-- == 30000 ? FATE_REPLY_LOST
										  : FATE_FINE;
}

static size_t
effects_of(const struct world *w, const char *step, enum effect_dir dir)
{
	size_t n = 0;

	for (size_t i = 0; i < w->effects_n; i++)
		n += text_eq(w->effect[i].step, step) && w->effect[i].dir == dir;
	return n;
}

static size_t
applied_of(const struct world *w, const char *step, enum effect_dir dir)
{
	size_t n = 0;

	for (size_t i = 0; i < w->effects_n; i++)
		n += text_eq(w->effect[i].step, step) && w->effect[i].dir == dir &&
		     w->effect[i].applied;
	return n;
}

static void
an_unknown_answer_is_settled_by_the_marker(void)
{
	struct world *w = world_new(NULL);

	settle(w);
	w->fate = first_reply_is_lost;
	(void)cut_over(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	CHECK(on_backup(w));
	CHECK_INT(effects_of(w, "1", DIR_DO), 1); /* the marker had our number: it is done */
	world_end(w);
	w = world_new(NULL);
	settle(w);
	w->fate = first_is_lost;
	(void)cut_over(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	CHECK(on_backup(w));
	CHECK_INT(effects_of(w, "1", DIR_DO), 2); /* it had not: the same number once more */
	CHECK_INT(applied_of(w, "1", DIR_DO), 1);
	CHECK_INT(world_count(w, "INTENT", "\"step\":\"1\""), 1);
	world_end(w);
}

static enum fate
tenant_reply_is_lost(struct world *w, const struct weffect *e, size_t n)
{
	(void)n;
	return text_eq(e->target, "tenant") && w->late_ms-- == 30000 ? FATE_REPLY_LOST : FATE_FINE;
}

static enum fate
tenant_is_lost(struct world *w, const struct weffect *e, size_t n)
{
	(void)n;
	return text_eq(e->target, "tenant") && w->late_ms-- == 30000 ? FATE_LOST : FATE_FINE;
}

/* A target that keeps no number is read when nothing can land any more, not before. */
static void
class_u_is_drained_before_it_is_believed(void)
{
	struct world *w = world_new(NULL);
	const struct weffect *first = NULL, *second = NULL;

	settle(w);
	w->fate = tenant_is_lost;
	(void)cut_over(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	CHECK(on_backup(w));
	for (size_t i = 0; i < w->effects_n; i++)
		if (text_eq(w->effect[i].target, "tenant")) {
			second = first != NULL ? &w->effect[i] : NULL;
			first = first != NULL ? first : &w->effect[i];
		}
	CHECK(second != NULL && second->lsn == first->lsn);
	CHECK(second != NULL &&
		second->sent_boot_ms - first->sent_boot_ms >= first->deadline_ms + 10000);
	world_end(w);
	w = world_new(NULL);
	settle(w);
	w->fate = tenant_reply_is_lost;
	(void)cut_over(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	CHECK(on_backup(w));
	CHECK_INT(effects_of(w, "4.tenant", DIR_DO), 1);
	world_end(w);
}

/* A request that lands after its own compensation would win: the undo is sent although nothing
 * seems changed. */
static enum fate
step_one_comes_late(struct world *w, const struct weffect *e, size_t n)
{
	(void)w;
	(void)n;
	return text_eq(e->step, "1") && e->dir == DIR_DO ? FATE_LATE : FATE_FINE;
}

static void
a_late_request_meets_a_newer_number(void)
{
	struct world *w = world_new(NULL);

	settle(w);
	w->late_ms = 2 * HOUR;
	w->fate = step_one_comes_late;
	(void)cut_over(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "rolling-back"));
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "normal"));
	CHECK_INT(applied_of(w, "1", DIR_UNDO), 1);
	world_pass(w, 4 * HOUR);
	CHECK(on_primary(w));
	world_end(w);
}

/* --- killed --- */

/* The run is killed after each record in turn; whoever starts next ends it, and the world is the
 * same as without. */
static void
killed_at_each_record_it_ends_the_same(void)
{
	struct world *w = world_new(NULL);
	size_t records;

	settle(w);
	(void)cut_over(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	records = w->records_n;
	world_end(w);
	for (size_t k = 1; k <= records; k++) {
		bool twice;

		w = world_new(NULL);
		w->die_after = k;
		world_start(w);
		w->die_after = k;
		(void)world_until_state(w, 5 * MINUTE, FLOW_OUTBOUND, "normal");
		if (!w->dead)
			(void)cut_over(w);
		(void)world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup");
		if (w->dead) {
			world_pass(w, 1000);
			world_start(w);
		}
		CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup") ||
			text_eq(world_state(w, FLOW_OUTBOUND), "normal") ||
			text_eq(world_state(w, FLOW_OUTBOUND), "recovering"));
		world_pass(w, 5 * MINUTE);
		CHECK(world_count(w, "START", NULL) == 0 ? on_primary(w) : on_backup(w));
		twice = applied_of(w, "4.hub", DIR_DO) > 1 || applied_of(w, "1", DIR_DO) > 1;
		CHECK(!twice);
		if (check_state.faults > 0)
			printf("     killed at record %zu\n", k);
		world_end(w);
		if (check_state.faults > 0)
			return;
	}
}

static enum fate
silent_route(struct world *w, const struct weffect *e, size_t n)
{
	(void)n;
	return text_eq(e->step, "4.hub") && w->late_ms-- == 30000 ? FATE_SILENT : FATE_FINE;
}

/* Its effect took place and it died before it heard: the marker tells, nothing is done twice. */
static void
killed_with_an_effect_under_way(void)
{
	struct world *w = world_new(NULL);

	settle(w);
	w->fate = silent_route;
	(void)cut_over(w);
	(void)world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup");
	CHECK(w->dead);
	world_pass(w, 1000);
	world_start(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	CHECK(on_backup(w));
	CHECK_INT(effects_of(w, "4.hub", DIR_DO), 1);
	world_end(w);
}

/* --- people --- */

static void
abort_before_the_pivot_undoes_it(void)
{
	struct world *w = world_new(NULL);
	size_t req, end;

	settle(w);
	req = cut_over(w);
	world_pass(w, 30000); /* waits for the old TTL */
	CHECK_STR(world_value(w, W_ZONE, TXT), WORLD_SPF_BOTH);
	end = world_say(w, &(struct wask){ .verb = VERB_ABORT });
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "normal"));
	CHECK(on_primary(w));
	CHECK(world_reply(w, end, true) != NULL && world_reply(w, end, true)->exit == 0);
	CHECK_STR(world_field(world_reply(w, req, true), "state"), "undone");
	world_end(w);
}

static bool
route_is_set(struct world *w)
{
	return world_value(w, W_HUB, ROUTE)[0] != '\0';
}

static void
abort_after_the_pivot_is_refused(void)
{
	struct world *w = world_new(NULL);
	size_t end;

	settle(w);
	(void)cut_over(w);
	CHECK(world_until(w, HOUR, route_is_set));
	end = world_say(w, &(struct wask){ .verb = VERB_ABORT });
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	CHECK(world_reply(w, end, true) != NULL && world_reply(w, end, true)->exit == 3);
	CHECK(on_backup(w));
	world_end(w);
}

static void
the_brake_stops_new_steps_only(void)
{
	struct world *w = world_new(NULL);

	settle(w);
	(void)cut_over(w);
	world_pass(w, 30000);
	(void)world_say(w, &(struct wask){ .verb = VERB_PAUSE });
	world_pass(w, 2 * HOUR);
	CHECK_STR(world_run_state(w, "cutover"), "forward");
	CHECK_INT(world_count(w, "INTENT", "relay.route"), 0);
	(void)world_say(w, &(struct wask){ .verb = VERB_RESUME });
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	CHECK(on_backup(w));
	world_end(w);
}

static void
a_plan_that_changed_does_not_start(void)
{
	struct world *w = world_new(NULL);
	size_t plan, req;
	char hash[80];

	settle(w);
	plan = world_say(
		w, &(struct wask){ .verb = VERB_PLAN, .of = VERB_CUTOVER, .procedure = "out" });
	world_pass(w, 5000);
	(void)snprintf(
		hash, sizeof hash, "%s", world_field(world_reply(w, plan, true), "plan_hash"));
	CHECK_INT(strlen(hash), 64);
	world_edit(
		w, W_ZONE, TXT, "ttl 60\ntxt other=1\ntxt v=spf1 include:spf.cloud.example -all\n");
	req = world_say(
		w, &(struct wask){ .verb = VERB_CUTOVER, .procedure = "out", .plan_hash = hash });
	world_pass(w, 5000);
	CHECK(world_reply(w, req, true) != NULL && world_reply(w, req, true)->exit == 3);
	CHECK_INT(world_count(w, "START", NULL), 0);
	world_edit(w, W_ZONE, TXT, WORLD_SPF); /* its twin: as it was shown, it starts */
	(void)world_say(
		w, &(struct wask){ .verb = VERB_CUTOVER, .procedure = "out", .plan_hash = hash });
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	world_end(w);
}

/* --- by itself --- */

static void
fall_ill(struct world *w)
{
	w->primary_bad = w->listed = true;
}

static void
recover(struct world *w)
{
	w->primary_bad = w->listed = false;
}

static bool
is_asked(struct world *w)
{
	return world_count(w, "PLAN", "\"purpose\":\"ask\"") > 0;
}

/* Harm: shelter at once, people are asked, one approves, the shelter's mail leaves by the backup;
 * home again. */
static void
the_story_with_an_approval(void)
{
	struct world *w = world_new(NULL);
	size_t yes;

	settle(w);
	world_pass(w, 2 * MINUTE);
	fall_ill(w);
	CHECK(world_until_state(w, 20 * MINUTE, FLOW_OUTBOUND, "suspect"));
	world_pass(w, MINUTE);
	CHECK_STR(world_value(w, W_HUB, PARK), "parked\n");
	CHECK_STR(world_run_state(w, "shelter"), "open");
	CHECK(world_said(w, "of playbook corp is in force (mail waits instead of bouncing)"));
	CHECK(!world_said(w, "has ended: open"));
	/* The line that tells of an end says how it ended: a person saw every success in red. */
	CHECK(world_said(w, "\"state\":\"open\",\"step\":\"\",\"name\":\"\",\"phase\":\"end\""));
	CHECK(world_until(w, 20 * MINUTE, is_asked));
	CHECK(world_until_state(w, MINUTE, FLOW_OUTBOUND, "awaiting-approval"));
	CHECK(world_said(w, "approval {"));
	yes = world_say(w, &(struct wask){ .verb = VERB_APPROVE, .user = "ben" });
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	CHECK(world_reply(w, yes, true) != NULL && world_reply(w, yes, true)->exit == 0);
	CHECK(on_backup(w));
	CHECK(world_said(w, "\"state\":\"done\",\"step\":\"\",\"name\":\"\",\"phase\":\"end\""));
	CHECK_INT(world_count(w, "ADOPT", NULL), 1);
	CHECK_STR(world_run_state(w, "shelter"), "done");
	CHECK_INT(effects_of(w, "5.hub", DIR_DO), 1); /* what waited was let go */
	CHECK(world_count(w, "DIAGNOSIS", "\"state\":\"confirmed\"") >= 1);
	recover(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "recovering"));
	world_pass(w, 40 * MINUTE);
	CHECK_INT(world_count(w, "PLAN", "\"direction\":\"back\""), 1);
	(void)world_say(w, &(struct wask){ .verb = VERB_APPROVE, .user = "ann" });
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "normal"));
	CHECK_STR(world_value(w, W_HUB, ROUTE), "");
	CHECK_STR(world_value(w, W_TENANT, CONNECTOR), "");
	world_end(w);
}

static void
an_approval_is_void_after_a_change(void)
{
	struct world *w = world_new(NULL);

	settle(w);
	fall_ill(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "awaiting-approval"));
	world_pass(w, 1000);
	world_edit(
		w, W_ZONE, TXT, "ttl 60\ntxt other=1\ntxt v=spf1 include:spf.cloud.example -all\n");
	(void)world_say(w, &(struct wask){ .verb = VERB_APPROVE, .user = "ben" });
	world_pass(w, MINUTE);
	CHECK_STR(world_state(w, FLOW_OUTBOUND), "awaiting-approval");
	CHECK_INT(world_count(w, "START", "\"kind\":\"cutover\""), 0);
	CHECK_INT(world_count(w, "PLAN", "\"purpose\":\"ask\""), 2);
	(void)world_say(w,
		&(struct wask){ .verb = VERB_APPROVE, .user = "ben" }); /* of what is shown now */
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	CHECK(strstr(world_value(w, W_ZONE, TXT), "other=1") != NULL);
	world_end(w);
}

/* Two are two, also where people are asked as soon as harm is seen. */
static void
two_must_say_yes(void)
{
	static const char *const at[] = { "at: confirmed", "at: suspect" };

	for (size_t i = 0; i < 2; i++) {
		char to[128];
		struct world *w;

		(void)snprintf(to, sizeof to, "%s, run: out, mode: approve, approvers: 2", at[i]);
		w = WORLD_WITH("approve", "at: confirmed, run: out, mode: approve", to);
		settle(w);
		fall_ill(w);
		CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "awaiting-approval"));
		world_pass(w, 1000);
		(void)world_say(w, &(struct wask){ .verb = VERB_APPROVE, .user = "ben" });
		world_pass(w, 5 * MINUTE);
		CHECK_STR(world_state(w, FLOW_OUTBOUND), "awaiting-approval");
		(void)world_say(w, &(struct wask){ .verb = VERB_APPROVE, .user = "ann" });
		CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
		world_end(w);
	}
}

static void
a_shelter_ends_when_it_was_for_nothing(void)
{
	struct world *w = world_new(NULL);

	settle(w);
	fall_ill(w);
	CHECK(world_until_state(w, 20 * MINUTE, FLOW_OUTBOUND, "suspect"));
	world_pass(w, MINUTE);
	CHECK_STR(world_value(w, W_HUB, PARK), "parked\n");
	recover(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "normal"));
	world_pass(w, 5 * MINUTE);
	CHECK_STR(world_value(w, W_HUB, PARK), "");
	CHECK_STR(world_run_state(w, "unshelter"), "done");
	CHECK_STR(world_run_state(w, "shelter"), "done");
	CHECK(on_primary(w));
	world_end(w);
}

static void
an_automatic_one_goes_out_and_home_by_itself(void)
{
	struct world *w = world_new("automatic");

	settle(w);
	fall_ill(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	CHECK(on_backup(w));
	CHECK_INT(world_count(w, "ROW", "\"auto\":true"), 1);
	recover(w);
	CHECK(world_until_state(w, 3 * HOUR, FLOW_OUTBOUND, "normal"));
	CHECK_STR(world_value(w, W_HUB, ROUTE), "");
	CHECK_STR(world_value(w, W_TENANT, CONNECTOR), "");
	CHECK_STR(world_run_state(w, "failback"), "done");
	world_end(w);
}

/* The same with the observer's anchors gone: it holds still, and says so. */
static void
a_blind_one_does_not(void)
{
	struct world *w = world_new("automatic");

	settle(w);
	w->blind = true;
	world_pass(w, 2 * MINUTE);
	fall_ill(w);
	world_pass(w, 2 * HOUR);
	CHECK_INT(world_count(w, "START", NULL), 0);
	CHECK(world_said(w, "notify alarm corp: blind"));
	w->blind = false; /* its twin: sight restored, it goes on */
	CHECK(world_until_state(w, 2 * HOUR, FLOW_OUTBOUND, "on-backup"));
	world_end(w);
}

static enum fate
refuse_spf(struct world *w, const struct weffect *e, size_t n)
{
	(void)w;
	(void)n;
	return e->dir == DIR_DO && text_eq(e->resource, TXT) ? FATE_REFUSED : FATE_FINE;
}

static bool
both_spent(struct world *w)
{
	return world_count(w, "START", "\"kind\":\"cutover\"") == 2;
}

/* The day of the budget is one of true time as far as the journal can tell it: within a boot by the
 * clock that nobody sets, and from its last record on by the wall clock, which may stand still at
 * worst. */
static void
a_clock_set_about_a_reboot_moves_no_budget(void)
{
	for (int back = 0; back < 2; back++) {
		struct world *w = world_new("automatic");

		settle(w);
		w->fate = refuse_spf;
		fall_ill(w);
		CHECK(world_until(w, 3 * HOUR, both_spent));
		world_pass(w, HOUR);
		CHECK(both_spent(w));
		w->wall_ms += back != 0 ? 0 : 25 * HOUR;
		world_pass(w, 10 * MINUTE);
		world_kill(w);
		(void)snprintf(w->boot_id, sizeof w->boot_id, "another-boot");
		w->wall_ms -= back != 0 ? 25 * HOUR : 0;
		world_start(w);
		world_pass(w, 3 * HOUR);
		CHECK(both_spent(w));
		world_pass(w, 24 * HOUR); /* its twin: the day is over */
		CHECK(world_count(w, "START", "\"kind\":\"cutover\"") > 2);
		world_end(w);
	}
}

/* A clock that has jumped is believed again before a blindness of another kind would be told: it is
 * told at once. */
static void
a_clock_that_jumps_is_an_alarm(void)
{
	struct world *w = world_new("automatic");

	settle(w);
	world_pass(w, 2 * MINUTE);
	CHECK(!world_said(w, "notify alarm corp: blind"));
	w->wall_ms += HOUR;
	world_pass(w, MINUTE);
	CHECK(world_said(w, "notify alarm corp: blind, so nothing is done by itself: the clock"));
	CHECK(world_said(w, "notify info corp: sight is restored"));
	world_end(w);
}

static void
a_listing_alone_moves_nothing(void)
{
	struct world *w = world_new("automatic");

	settle(w);
	w->listed = true;
	world_pass(w, 2 * HOUR);
	CHECK_INT(world_count(w, "START", NULL), 0);
	CHECK_STR(world_state(w, FLOW_OUTBOUND), "normal");
	world_end(w);
}

int
main(void)
{
	TEST(a_person_cuts_over_and_fails_back);
	TEST(a_hub_behind_the_tenant_comes_back_after_it);
	TEST(a_backup_that_fails_its_proof_is_not_taken);
	TEST(a_message_in_the_junk_folder_proves_nothing);
	TEST(after_the_pivot_it_is_blocked_and_goes_on);
	TEST(an_order_to_continue_beside_the_end_is_followed);
	TEST(from_blocked_the_mail_can_go_home);
	TEST(an_unknown_answer_is_settled_by_the_marker);
	TEST(class_u_is_drained_before_it_is_believed);
	TEST(a_late_request_meets_a_newer_number);
	TEST(killed_at_each_record_it_ends_the_same);
	TEST(killed_with_an_effect_under_way);
	TEST(abort_before_the_pivot_undoes_it);
	TEST(abort_after_the_pivot_is_refused);
	TEST(the_brake_stops_new_steps_only);
	TEST(a_plan_that_changed_does_not_start);
	TEST(the_story_with_an_approval);
	TEST(an_approval_is_void_after_a_change);
	TEST(two_must_say_yes);
	TEST(a_shelter_ends_when_it_was_for_nothing);
	TEST(an_automatic_one_goes_out_and_home_by_itself);
	TEST(a_blind_one_does_not);
	TEST(a_clock_that_jumps_is_an_alarm);
	TEST(a_clock_set_about_a_reboot_moves_no_budget);
	TEST(a_listing_alone_moves_nothing);
	return check_end();
}
