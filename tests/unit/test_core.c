/* test_core.c - the core's laws, and how it begins: what a start finds at the targets and in the
 * journal. */
#include "lib/check.h"
#include "lib/world.h"

#include "base/text.h"
#include "os/stdmem.h"

#include <stdlib.h>

enum { MINUTE = 60000, HOUR = 3600000 };

#define ROUTE "relay.route corp.example"
#define CONNECTOR "tenant.connector to-relay"
#define STRANGER "ffffffffffffffffffffffffffffffff"

static struct world *
world_new(const char *mode)
{
	struct world *w = stdmem_get(sizeof *w);

	world_init(w, mode);
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
begin(struct world *w, const char *state)
{
	world_start(w);
	CHECK(world_until_state(w, 5 * MINUTE, FLOW_OUTBOUND, state));
}

/* --- what a start finds --- */

static void
a_first_start_fences_then_reads_then_decides(void)
{
	struct world *w = world_new(NULL);

	begin(w, "normal");
	CHECK_INT(world_count(w, "OPENED", "\"fresh\":true"), 1);
	CHECK_INT(world_count(w, "PLAYBOOK", NULL), 1);
	CHECK_INT(
		world_count(w, "INTENT", "\"dir\":\"fence\""), 2); /* the tenant keeps no number */
	CHECK(w->target[W_ZONE].marker_lsn != 0 && w->target[W_HUB].marker_lsn != 0);
	CHECK_STR(world_value(w, W_ZONE, "dns.rrset corp.example TXT"), WORLD_SPF);
	world_kill(w);
	begin(w, "normal"); /* the second one has nothing to fence and no new text */
	CHECK_INT(world_count(w, "INTENT", NULL), 2);
	CHECK_INT(world_count(w, "PLAYBOOK", NULL), 1);
	world_end(w);
}

static void
mail_that_is_on_the_backup_is_seen_there(void)
{
	struct world *w = world_new(NULL);

	world_edit(w, W_HUB, ROUTE, WORLD_ROUTE);
	world_edit(w, W_TENANT, CONNECTOR, "enabled\n");
	begin(w, "on-backup");
	world_end(w);
}

static void
a_mixture_blocks_and_is_named(void)
{
	struct world *w = world_new(NULL);
	size_t ack;

	world_edit(w, W_HUB, ROUTE, WORLD_ROUTE);
	begin(w, "blocked");
	world_pass(w, MINUTE);
	CHECK(world_said(w, "notify alarm"));
	CHECK(world_count(w, "ROW", "some switch points lead to cloud, others to relay") == 1);
	world_edit(w, W_HUB, ROUTE, ""); /* a person puts it right and says so */
	ack = world_say(w, &(struct wask){ .verb = VERB_ACK });
	CHECK(world_until_state(w, MINUTE, FLOW_OUTBOUND, "normal"));
	CHECK(world_reply(w, ack, true) != NULL && world_reply(w, ack, true)->exit == 0);
	world_end(w);
}

static void
a_target_that_cannot_be_read_is_read_again(void)
{
	struct world *w = world_new(NULL);

	w->target[W_TENANT].unreadable = true;
	world_start(w);
	world_pass(w, 10 * MINUTE);
	CHECK_STR(world_state(w, FLOW_OUTBOUND), "settling");
	CHECK(world_said(w, "notify alarm corp outbound: the targets cannot be read"));
	w->target[W_TENANT].unreadable = false;
	CHECK(world_until_state(w, MINUTE, FLOW_OUTBOUND, "normal"));
	world_end(w);
}

static void
mark(struct world *w, int target, const char *store, uint64_t lsn)
{
	(void)snprintf(
		w->target[target].marker_store, sizeof w->target[target].marker_store, "%s", store);
	w->target[target].marker_lsn = lsn;
}

static void
another_ferrymans_mark_is_a_conflict(void)
{
	struct world *w = world_new(NULL);

	mark(w, W_ZONE, STRANGER, ((uint64_t)3 << 40) + 9);
	begin(w, "blocked");
	world_pass(w, 5 * MINUTE);
	CHECK_INT(
		w->target[W_ZONE].marker_lsn, ((uint64_t)3 << 40) + 9); /* nothing was sent there */
	CHECK(world_count(w, "ROW", STRANGER) == 1);
	world_end(w);
}

static void
an_ack_after_another_ferrymans_mark_was_taken_out_has_all_read_again(void)
{
	struct world *w = world_new(NULL);

	mark(w, W_ZONE, STRANGER, ((uint64_t)3 << 40) + 9);
	begin(w, "blocked");
	(void)world_say(
		w, &(struct wask){ .verb = VERB_ACK }); /* too early: it still stands there */
	world_pass(w, MINUTE);
	CHECK_STR(world_state(w, FLOW_OUTBOUND), "blocked");
	mark(w, W_ZONE, "", 0);
	(void)world_say(w, &(struct wask){ .verb = VERB_ACK });
	CHECK(world_until_state(w, MINUTE, FLOW_OUTBOUND, "normal"));
	world_end(w);
}

/* With an operator's word the new era stands above everything that was read. */
static void
an_operators_new_era_takes_over(void)
{
	struct world *w = world_new(NULL);

	mark(w, W_ZONE, STRANGER, ((uint64_t)3 << 40) + 9);
	w->by_operator = true;
	begin(w, "normal");
	CHECK_STR(w->target[W_ZONE].marker_store, WORLD_STORE);
	CHECK_INT(w->target[W_ZONE].marker_lsn >> 40, 4);
	CHECK_INT(w->target[W_HUB].marker_lsn >> 40, 4);
	world_end(w);
}

static void
an_old_copy_of_the_journal_is_recognised(void)
{
	struct world *w = world_new(NULL);
	size_t yesterday;

	begin(w, "normal");
	yesterday = w->records_n;
	(void)world_say(w, &(struct wask){ .verb = VERB_CUTOVER, .procedure = "out" });
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	world_kill(w);
	while (w->records_n > yesterday) /* restored from yesterday */
		free(w->record[--w->records_n]);
	begin(w, "blocked");
	CHECK(world_count(w, "ROW", "it is an old copy") == 1);
	world_kill(w);
	w->by_operator = w->fresh =
		true; /* said so by a person: fenced, read, and seen where it is */
	w->era = 2;
	begin(w, "on-backup");
	CHECK_INT(w->target[W_HUB].marker_lsn >> 40, 2);
	world_end(w);
}

/* Another text is put into force by the same name. */
static void
replace(struct world *w, struct playbook *with)
{
	struct event ev = { .type = EV_PLAYBOOK };

	w->other = w->pb; /* a run may still ask for it */
	w->pb = with;
	ev.playbook.name = w->pb->name;
	ev.playbook.sha256 = w->pb->sha256;
	ev.playbook.why = "corp.yaml";
	world_event(w, &ev);
}

/* The highest number that any record has. */
static uint64_t
last_lsn(const struct world *w)
{
	uint64_t last = 0;

	for (size_t i = 0; i < w->records_n; i++) {
		const char *at = strstr(w->record[i], "\"lsn\":");
		uint64_t lsn = at != NULL ? strtoull(at + 6, NULL, 10) : 0;

		last = lsn > last ? lsn : last;
	}
	return last;
}

static bool
is_behind(const struct world *w)
{
	return w->target[W_ZONE].marker_lsn > last_lsn(w) ||
	       w->target[W_HUB].marker_lsn > last_lsn(w);
}

/* The first k records alone, and the targets as they are: the machine was put back whole, the head
 * file with it. */
static void
starts_from(struct world *w, char *const *record, size_t k, const struct wtarget *target)
{
	world_kill(w);
	while (w->records_n > 0)
		free(w->record[--w->records_n]);
	memcpy(w->target, target, W_TARGETS * sizeof *target);
	for (size_t i = 0; i < k; i++)
		world_load(w, record[i]);
	if (!is_behind(w))
		return;
	size_t sent = w->effects_n;

	world_start(w);
	world_pass(w, HOUR);
	CHECK_INT(w->effects_n, sent);
	CHECK_STR(world_state(w, FLOW_OUTBOUND), "blocked");
	CHECK(world_count(w, "NOTIFIED", "it is an old copy") > 0);
}

/* A journal put back from any moment of a way there and back, and nobody says so: a target has seen
 * more, so nothing is changed anywhere, not even where no number tells, and people hear of it. */
static void
an_old_copy_changes_nothing(void)
{
	struct world *w = world_new(NULL);
	struct wtarget target[W_TARGETS];
	size_t first, last, behind = 0;
	char **record;

	begin(w, "normal");
	first = w->records_n;
	(void)world_say(w, &(struct wask){ .verb = VERB_CUTOVER, .procedure = "out" });
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	(void)world_say(w, &(struct wask){ .verb = VERB_FAILBACK });
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "normal"));
	last = w->records_n;
	record = stdmem_get(last * sizeof *record);
	for (size_t i = 0; i < last; i++)
		record[i] = stdmem_str(w->record[i]);
	memcpy(target, w->target, sizeof target);
	for (size_t k = first; k < last; k++) {
		starts_from(w, record, k, target);
		behind += is_behind(w);
	}
	CHECK(behind > 30);
	for (size_t i = 0; i < last; i++)
		free(record[i]);
	free(record);
	world_end(w);
}

static bool
has_shelter(struct world *w)
{
	return world_count(w, "START", "\"kind\":\"shelter\"") == 1;
}

/*
 * In a new era a shelter that was being made waits until the targets are read. A new text in force
 * does not let it wait again: nobody would read them a second time.
 */
static void
a_new_text_does_not_stop_a_restored_run(void)
{
	for (int replaced = 0; replaced < 2; replaced++) {
		struct world *w = world_new(NULL);

		begin(w, "normal");
		w->primary_bad = w->listed = true;
		CHECK(world_until(w, 20 * MINUTE, has_shelter));
		world_kill(w);
		w->by_operator = w->fresh = true;
		w->era = 2;
		w->target[W_TENANT].unreadable = true; /* fenced, and not settled yet */
		world_start(w);
		world_pass(w, MINUTE);
		(void)world_say(w, &(struct wask){ .verb = VERB_PAUSE });
		w->target[W_TENANT].unreadable = false;
		CHECK(world_until_state(w, 5 * MINUTE, FLOW_OUTBOUND, "normal"));
		world_pass(w, MINUTE);
		CHECK_STR(world_run_state(w, "shelter"), "forward"); /* the brake */
		if (replaced != 0)
			replace(w, world_playbook("approve", "the same, said in another way"));
		world_pass(w, MINUTE);
		(void)world_say(w, &(struct wask){ .verb = VERB_RESUME });
		world_pass(w, MINUTE);
		CHECK_STR(world_run_state(w, "shelter"), "open");
		world_end(w);
	}
}

/* The copy ends behind the proof of the new way: what it has forgotten may have undone that. */
static struct world *
put_back_behind_the_proof(void)
{
	struct world *w = world_new(NULL);

	begin(w, "normal");
	(void)world_say(w, &(struct wask){ .verb = VERB_CUTOVER, .procedure = "out" });
	while (world_count(w, "RESULT", "\"step\":\"3\"") == 0)
		world_pass(w, 1);
	world_kill(w);
	while (strstr(w->record[w->records_n - 1], "\"step\":\"3\"") == NULL)
		free(w->record[--w->records_n]);
	CHECK_INT(world_count(w, "INTENT", "\"step\":\"4"), 0);
	w->by_operator = w->fresh = true;
	w->era = 2;
	return w;
}

static void
a_proof_of_an_older_era_is_none(void)
{
	struct world *w = put_back_behind_the_proof();

	begin(w, "on-backup"); /* it is published and a message arrives once more */
	CHECK_INT(world_count(w, "RESULT", "\"step\":\"2\""), 2);
	CHECK_INT(world_count(w, "RESULT", "\"step\":\"3\""), 2);
	CHECK_INT(world_count(w, "RESULT", "\"step\":\"1\""), 1);
	world_end(w);
	w = put_back_behind_the_proof();
	w->backup_bad = true; /* the new way is gone meanwhile */
	world_start(w);
	world_pass(w, HOUR);
	CHECK_INT(world_count(w, "INTENT", "\"step\":\"4"), 0);
	CHECK_STR(world_run_state(w, "cutover"), "undone");
	world_end(w);
}

static void
one_that_observes_writes_nothing(void)
{
	struct world *w = world_new("observe");

	begin(w, "normal");
	w->primary_bad = w->listed = true;
	world_pass(w, 2 * HOUR);
	CHECK(world_count(w, "DIAGNOSIS", "\"state\":\"confirmed\"") >= 1);
	CHECK_INT(world_count(w, "START", NULL), 0);
	CHECK_INT(w->effects_n, 0);
	world_end(w);
}

/* Nothing else would tell people: once, until it has cleared. */
static void
one_that_observes_says_what_would_have_started(void)
{
	struct world *w = world_new("observe"), *asks = world_new("approve");

	begin(w, "normal");
	w->primary_bad = w->listed = true;
	world_pass(w, HOUR);
	CHECK_INT(world_count(w, "NOTIFIED", "would start, but the mode is observe"), 1);
	CHECK(world_count(w, "NOTIFIED", ": blocked is confirmed: 2 of 2 groups bad") == 1);
	w->primary_bad = w->listed = false;
	world_pass(w, 6 * HOUR);
	w->primary_bad = w->listed = true;
	world_pass(w, HOUR);
	CHECK_INT(world_count(w, "NOTIFIED", "would start, but the mode is observe"), 2);
	world_end(w);
	begin(asks, "normal"); /* the twin: somebody is asked, and nothing else is said */
	asks->primary_bad = asks->listed = true;
	world_pass(asks, HOUR);
	CHECK(world_count(asks, "NOTIFIED", "wants approval") >= 1);
	CHECK_INT(world_count(asks, "NOTIFIED", "the mode is observe"), 0);
	world_end(asks);
}

/* --- laws --- */

static void
a_foreign_record_ends_it_at_once(void)
{
	struct world *w = world_new(NULL);

	begin(w, "normal");
	w->append_as = OUT_CONFLICT;
	(void)world_say(w, &(struct wask){ .verb = VERB_PAUSE });
	world_pass(w, MINUTE);
	CHECK(w->halted && !w->halt.halt.clean);
	CHECK_INT(w->halt.halt.exit, 4);
	world_end(w);
}

static void
a_disk_that_fails_ends_it_and_nothing_leaves(void)
{
	struct world *w = world_new(NULL);
	size_t before;

	begin(w, "normal");
	before = w->effects_n;
	(void)world_say(w, &(struct wask){ .verb = VERB_CUTOVER, .procedure = "out" });
	world_pass(w, 60); /* the plan's readings are there soon */
	w->append_as = OUT_UNKNOWN;
	world_pass(w, MINUTE);
	CHECK(w->halted && !w->halt.halt.clean);
	CHECK_INT(w->effects_n, before);
	world_end(w);
}

static const char *claimed; /* by the store, of the next append */

static void
claim(struct world *w, const struct event *ev)
{
	(void)w;
	if (ev->type == EV_APPENDED)
		((struct event *)ev)->appended.hash = claimed;
}

/* A store that has kept other words than it was given is no journal; one that says nothing of them
 * is believed. */
static void
a_store_that_keeps_other_words_ends_it(void)
{
	for (int other = 0; other < 2; other++) {
		struct world *w = world_new(NULL);

		begin(w, "normal");
		claimed = other ? "0" : NULL;
		w->hears = claim;
		(void)world_say(w, &(struct wask){ .verb = VERB_CUTOVER, .procedure = "out" });
		world_pass(w, MINUTE);
		CHECK_INT(w->halted, other);
		CHECK(w->effects_n > 2 || other);
		if (w->halted) {
			CHECK_INT(w->halt.halt.exit, 4);
			CHECK(strstr(w->halt.halt.why, "hash is not that of the records") != NULL);
		}
		world_end(w);
	}
}

static void
a_lost_journal_ends_it(void)
{
	struct world *w = world_new(NULL);
	struct event ev = { .type = EV_LOST };

	begin(w, "normal");
	ev.lost.why = "the lock is gone";
	world_event(w, &ev);
	CHECK(w->halted && !w->halt.halt.clean);
	CHECK_STR(w->halt.halt.why, "the lock is gone");
	world_end(w);
}

static bool
has_sent(struct world *w)
{
	return w->effects_n > 2;
}

/* Nothing new; the effect that is under way is heard out. */
static void
a_stop_waits_for_what_is_under_way(void)
{
	struct world *w = world_new(NULL);
	struct event ev = { .type = EV_STOP };

	begin(w, "normal");
	(void)world_say(w, &(struct wask){ .verb = VERB_CUTOVER, .procedure = "out" });
	CHECK(world_until(w, MINUTE, has_sent));
	world_event(w, &ev);
	CHECK(!w->halted);
	world_pass(w, 1000);
	CHECK(w->halted && w->halt.halt.clean);
	CHECK_INT(w->halt.halt.exit, 0);
	CHECK_INT(w->effects_n, 3);
	world_kill(w);
	begin(w, "on-backup"); /* whoever comes next finishes the run */
	world_end(w);
}

static void
while_an_append_is_open_inputs_wait_in_order(void)
{
	struct world *w = world_new(NULL);
	size_t first, second;

	begin(w, "normal");
	w->append_ms = 500;
	first = world_say(w, &(struct wask){ .verb = VERB_PAUSE });
	second = world_say(w, &(struct wask){ .verb = VERB_RESUME });
	CHECK(world_reply(w, first, true) == NULL && world_reply(w, second, true) == NULL);
	world_pass(w, 5000);
	CHECK(world_reply(w, first, true) != NULL && world_reply(w, first, true)->exit == 0);
	CHECK(world_reply(w, second, true) != NULL && world_reply(w, second, true)->exit == 0);
	CHECK_INT(w->appends_most, 1);
	world_end(w);
}

static void
too_many_requests_are_told_so(void)
{
	struct world *w = world_new(NULL);
	unsigned refused = 0;

	begin(w, "normal");
	w->append_ms = 60000;
	for (int i = 0; i < 200; i++)
		(void)world_say(w, &(struct wask){ .verb = VERB_PAUSE });
	for (size_t i = 0; i < w->replies_n && i < W_REPLIES; i++)
		refused += strstr(w->reply[i].body, "too many requests") != NULL;
	CHECK(refused > 0);
	CHECK(!w->halted);
	world_end(w);
}

/* Silence floods nothing: a thousand observations while an append hangs are a handful, and the core
 * lives. */
static void
observations_are_coalesced(void)
{
	struct world *w = world_new(NULL);

	begin(w, "normal");
	w->append_ms = 60000;
	(void)world_say(w, &(struct wask){ .verb = VERB_PAUSE });
	for (int i = 0; i < 5000; i++) {
		struct event ev = { .type = EV_SEEN };

		ev.seen.signal = "lists";
		ev.seen.subject = "198.51.100.25";
		ev.seen.playbook = "corp";
		ev.seen.path = "cloud";
		ev.seen.class = "";
		ev.seen.why = "pushed";
		world_event(w, &ev);
	}
	CHECK(!w->halted);
	world_pass(w, 5 * MINUTE);
	CHECK(!w->halted);
	world_end(w);
}

/* The same events give the same bytes. */
static void
the_journal_is_a_function_of_the_events(void)
{
	struct world *a = world_new("automatic"), *b = world_new("automatic");
	struct world *both[] = { a, b };

	for (int i = 0; i < 2; i++) {
		begin(both[i], "normal");
		both[i]->primary_bad = both[i]->listed = true;
		CHECK(world_until_state(both[i], HOUR, FLOW_OUTBOUND, "on-backup"));
	}
	CHECK_INT(a->records_n, b->records_n);
	for (size_t i = 0; i < a->records_n && i < b->records_n; i++)
		CHECK_STR(a->record[i], b->record[i]);
	CHECK(a->records_n > 30);
	world_end(a);
	world_end(b);
}

/* --- memory --- */

struct meter {
	size_t calls, fail_at; /* 0 = never */
	long live;
	const struct world *w;
};

static void *
metered(void *ctx, void *p, size_t n)
{
	struct meter *m = ctx;
	void *q;

	if (n > 0 && !m->w->looking && ++m->calls == m->fail_at)
		return NULL;
	m->live += (n > 0 && p == NULL) - (n == 0 && p != NULL);
	q = stdmem.resize(stdmem.ctx, p, n);
	return q;
}

static size_t
out_with_memory(size_t fail_at, bool *ret_halted, long *ret_live)
{
	struct world *w = world_new("automatic");
	struct meter m = { .fail_at = fail_at, .w = w };

	w->mem = (struct mem){ metered, &m };
	world_start(w);
	w->primary_bad = w->listed = true;
	(void)world_until_state(w, 30 * MINUTE, FLOW_OUTBOUND, "on-backup");
	*ret_halted = w->halted;
	world_kill(w);
	*ret_live = m.live;
	CHECK_INT(w->broken_laws, 0);
	world_fini(w);
	free(w);
	return m.calls;
}

static void
memory_that_runs_out_ends_it_without_a_crash(void)
{
	bool halted;
	long live;
	size_t all = out_with_memory(0, &halted, &live), step = all / 150 + 1;

	CHECK(!halted);
	CHECK_INT(live, 0);
	for (size_t at = 1; at < all; at += at < 400 ? 1 : step) {
		(void)out_with_memory(at, &halted, &live);
		CHECK(halted);
		CHECK_INT(live, 0);
		if (check_state.faults > 0) {
			printf("     allocation %zu of %zu\n", at, all);
			return;
		}
	}
}

/* --- one run, then the end --- */

static void
a_foreground_verb_ends_with_its_run(void)
{
	struct world *w = world_new(NULL);

	w->one_shot = true;
	begin(w, "normal");
	(void)world_say(w, &(struct wask){ .verb = VERB_CUTOVER, .procedure = "out" });
	world_pass(w, HOUR);
	CHECK(w->halted && w->halt.halt.clean);
	CHECK_INT(w->halt.halt.exit, 0);
	CHECK_STR(world_value(w, W_HUB, ROUTE), WORLD_ROUTE);
	CHECK_INT(world_count(w, "ROW", "\"to\":\"on-backup\""), 1);
	world_end(w);
}

static void
a_foreground_verb_finishes_an_orphan(void)
{
	struct world *w = world_new(NULL);
	size_t req;
	char run[48];

	begin(w, "normal");
	(void)world_say(w, &(struct wask){ .verb = VERB_CUTOVER, .procedure = "out" });
	CHECK(world_until(w, MINUTE, has_sent));
	(void)snprintf(run, sizeof run, "%s", w->effect[2].run);
	world_kill(w);
	w->one_shot = true;
	world_start(w);
	req = world_say(w, &(struct wask){ .verb = VERB_CONTINUE, .run = run });
	world_pass(w, HOUR);
	CHECK(world_reply(w, req, true) != NULL && world_reply(w, req, true)->exit == 0);
	CHECK(w->halted && w->halt.halt.exit == 0);
	CHECK_STR(world_value(w, W_HUB, ROUTE), WORLD_ROUTE);
	world_end(w);
}

static void
nobody_without_the_right_moves_mail(void)
{
	struct world *w = world_new(NULL);
	size_t req;

	begin(w, "normal");
	req = world_say(
		w, &(struct wask){ .verb = VERB_CUTOVER, .procedure = "out", .user = "eve" });
	world_pass(w, MINUTE);
	CHECK(world_reply(w, req, true) != NULL && world_reply(w, req, true)->exit == 3);
	CHECK_INT(world_count(w, "START", NULL), 0);
	CHECK_INT(world_count(w, "COMMAND", "eve"), 1);
	world_end(w);
}

int
main(void)
{
	TEST(a_first_start_fences_then_reads_then_decides);
	TEST(mail_that_is_on_the_backup_is_seen_there);
	TEST(a_mixture_blocks_and_is_named);
	TEST(a_target_that_cannot_be_read_is_read_again);
	TEST(another_ferrymans_mark_is_a_conflict);
	TEST(an_ack_after_another_ferrymans_mark_was_taken_out_has_all_read_again);
	TEST(an_operators_new_era_takes_over);
	TEST(a_proof_of_an_older_era_is_none);
	TEST(an_old_copy_changes_nothing);
	TEST(an_old_copy_of_the_journal_is_recognised);
	TEST(a_new_text_does_not_stop_a_restored_run);
	TEST(one_that_observes_writes_nothing);
	TEST(one_that_observes_says_what_would_have_started);
	TEST(a_foreign_record_ends_it_at_once);
	TEST(a_disk_that_fails_ends_it_and_nothing_leaves);
	TEST(a_store_that_keeps_other_words_ends_it);
	TEST(a_lost_journal_ends_it);
	TEST(a_stop_waits_for_what_is_under_way);
	TEST(while_an_append_is_open_inputs_wait_in_order);
	TEST(too_many_requests_are_told_so);
	TEST(observations_are_coalesced);
	TEST(the_journal_is_a_function_of_the_events);
	TEST(memory_that_runs_out_ends_it_without_a_crash);
	TEST(a_foreground_verb_ends_with_its_run);
	TEST(a_foreground_verb_finishes_an_orphan);
	TEST(nobody_without_the_right_moves_mail);
	return check_end();
}
