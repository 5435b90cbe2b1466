/*
 * test_facts.c - what the core tells a decision of the world (struct facts, filled by machine.c),
 * and what it keeps between decisions (asking.c): each fact is led through core_step until it
 * changes what happens, with its twin beside it. What is expected stands in DESIGN section 6 and
 * in docs/STATES.md.
 */
#include "lib/run_rig.h"

enum { SECOND = 1000, NEVER = -1, DAY = 24 * HOUR };

#define CUTOVER "\"kind\":\"cutover\""
#define FAILBACK "\"kind\":\"failback\""
#define SHELTER "\"kind\":\"shelter\""

/* --- a world, and what is seen of it --- */

/* The small world with other words in its playbook: old, new, old, new ... NULL. */
static struct world *
world_with(const char *mode, const char *const *words)
{
	static char text[16384], edited[16384];
	struct world *w = stdmem_get(sizeof *w);

	(void)world_text(mode, "a small one", text, sizeof text);
	for (; words != NULL && words[0] != NULL; words += 2) {
		char *at = strstr(text, words[0]);

		if (at == NULL)
			CHECK_STR(words[0], "stands in the playbook");
		if (at == NULL)
			exit(check_end());
		(void)snprintf(edited, sizeof edited, "%.*s%s%s", (int)(at - text), text, words[1],
			at + strlen(words[0]));
		(void)snprintf(text, sizeof text, "%s", edited);
	}
	world_init_book(w, text, NULL, NULL);
	return w;
}
#define WORLD_WITH(mode, ...) world_with(mode, (const char *const[]){ __VA_ARGS__, NULL })

static struct world *
settled(struct world *w)
{
	settle(w);
	return w;
}

/* Receivers refuse what comes by the primary, and a list has it; or not any more. */
static void
refuse(struct world *w, bool refused)
{
	w->primary_bad = w->listed = refused;
}

static bool
shown(struct world *w, const char *part)
{
	struct buf b;
	bool found;

	buf_init(&b, &stdmem, 1 << 22);
	core_status(w->core, &b, false);
	found = strstr(buf_text(&b), part) != NULL;
	buf_fini(&b);
	return found;
}

static struct {
	const char *type, *part;
	size_t n;
} waited;

static bool
is_there(struct world *w)
{
	return world_count(w, waited.type, waited.part) >= waited.n;
}

/* When the n-th record of that type and text is there: boot_ms; NEVER within ms. */
static int64_t
comes(struct world *w, int64_t ms, const char *type, const char *part, size_t n)
{
	waited.type = type;
	waited.part = part;
	waited.n = n;
	return world_until(w, ms, is_there) ? w->boot_ms : NEVER;
}

#define STARTS(w, kind) world_count(w, "START", kind)

static void
about(int64_t got, int64_t want, int64_t slack)
{
	if (got < want || got > want + slack)
		CHECK_INT(got, want);
}

static bool
is_paused(struct world *w)
{
	return shown(w, "\"paused\":true");
}

static void
brake(struct world *w, bool on)
{
	(void)world_say(w, &(struct wask){ .verb = on ? VERB_PAUSE : VERB_RESUME });
	world_pass(w, SECOND);
	CHECK_INT(is_paused(w), on);
}

/* --- blind --- */

/* "If not, it is blind: it acts on nothing and says so." */
static void
who_is_blind_starts_nothing(void)
{
	for (int blind = 0; blind < 2; blind++) {
		struct world *w = settled(world_new("automatic"));

		w->blind = blind != 0;
		world_pass(w, 2 * MINUTE);
		refuse(w, true);
		world_pass(w, HOUR);
		CHECK_INT(STARTS(w, SHELTER), !blind);
		CHECK_INT(STARTS(w, CUTOVER), !blind);
		CHECK_STR(world_state(w, FLOW_OUTBOUND), blind ? "normal" : "on-backup");
		CHECK_INT(shown(w, "\"blind: "), blind);
		w->blind = false;
		world_pass(w, HOUR); /* and what held it back is gone */
		CHECK_INT(STARTS(w, CUTOVER), 1);
		world_end(w);
	}
}

/* --- soak --- */

/* Mail is on the backup because the primary refuses it, with a soak of that length. */
static struct world *
away_by_itself(const char *mode, const char *soak)
{
	struct world *w = settled(WORLD_WITH(mode, "soak: 20m", soak));

	refuse(w, true);
	if (text_eq(mode, "automatic"))
		CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	else
		(void)cut_over(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	return w;
}

/* From the moment when it is well for us (row 640), to the second; a relapse begins it anew. */
static void
the_soak_counts_from_when_the_primary_is_well(void)
{
	static const struct {
		const char *words;
		int64_t ms;
	} rows[] = { { "soak: 20m", 20 * MINUTE }, { "soak: 50m", 50 * MINUTE } };

	for (size_t i = 0; i < 2; i++) {
		struct world *w = away_by_itself("automatic", rows[i].words);
		int64_t well;

		world_pass(w, 5 * (int64_t)HOUR); /* that long, and no minute of it counts */
		CHECK_STR(world_state(w, FLOW_OUTBOUND), "on-backup");
		refuse(w, false);
		well = comes(w, 15 * MINUTE, "ROW", "\"row\":640", 1);
		CHECK(well != NEVER);
		world_pass(w, rows[i].ms - 10 * MINUTE);
		CHECK(shown(w, "\"soak: "));
		refuse(w, true); /* a relapse in its last minutes */
		CHECK(comes(w, 9 * MINUTE, "ROW", "\"row\":744", 1) != NEVER);
		CHECK_INT(STARTS(w, FAILBACK), 0);
		refuse(w, false);
		well = comes(w, 15 * MINUTE, "ROW", "\"row\":640", 2);
		about(comes(w, rows[i].ms + MINUTE, "START", FAILBACK, 1), well + rows[i].ms,
			SECOND);
		CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "normal"));
		world_end(w);
	}
}

/* Rows 758 and 754. */
static void
who_is_blind_brings_nothing_home(void)
{
	for (int blind = 0; blind < 2; blind++) {
		struct world *w = away_by_itself("automatic", "soak: 20m");

		refuse(w, false);
		CHECK(comes(w, 15 * MINUTE, "ROW", "\"row\":640", 1) != NEVER);
		world_pass(w, 15 * MINUTE);
		w->blind = blind != 0;
		world_pass(w, HOUR);
		CHECK_INT(STARTS(w, FAILBACK), !blind);
		CHECK_INT(shown(w, "\"blind: the soak seems over"), blind);
		w->blind = false;
		world_pass(w, HOUR);
		CHECK_INT(STARTS(w, FAILBACK), 1);
		world_end(w);
	}
}

/* --- a shelter's time --- */

static int64_t
sheltered(struct world *w, size_t n)
{
	int64_t at;

	refuse(w, true);
	at = comes(w, 20 * MINUTE, "START", SHELTER, n);
	CHECK(at != NEVER);
	return at;
}

#define EXPIRED "\"event\":\"shelter-expired\""

/* Told when its time is over, not before and once; by time that has passed, whatever the clock on
 * the wall is set to. The next shelter has its own time. */
static void
a_shelter_is_told_when_its_time_is_over(void)
{
	static const int64_t set[] = { 0, 3 * (int64_t)HOUR, -3 * (int64_t)HOUR };

	for (size_t i = 0; i < 3; i++) {
		struct world *w = settled(world_new("approve"));
		int64_t begun = sheltered(w, 1), at;

		world_pass(w, HOUR);
		w->wall_ms += set[i];
		at = comes(w, 6 * (int64_t)HOUR, "ROW", EXPIRED, 1);
		about(at, begun + 4 * (int64_t)HOUR, MINUTE);
		world_pass(w, 5 * (int64_t)HOUR);
		CHECK_INT(world_count(w, "ROW", EXPIRED), 1);
		CHECK_INT(world_count(w, "NOTIFIED", "the shelter's time is over while nobody"), 1);
		refuse(w, false);
		CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "normal"));
		world_pass(w, MINUTE);
		begun = sheltered(w, 2);
		at = comes(w, 6 * (int64_t)HOUR, "ROW", EXPIRED, 2);
		about(at, begun + 4 * (int64_t)HOUR, MINUTE);
		world_end(w);
	}
}

/* At that very millisecond, and not one before it. */
static void
its_time_is_over_when_expires_has_passed(void)
{
	struct world *w = settled(world_new("approve"));
	int64_t begun = sheltered(w, 1);

	world_pass(w, begun + 4 * (int64_t)HOUR - 1 - w->boot_ms);
	world_event(w, &(struct event){ .type = EV_TICK });
	CHECK_INT(world_count(w, "ROW", EXPIRED), 0);
	world_pass(w, 1);
	world_event(w, &(struct event){ .type = EV_TICK });
	CHECK_INT(world_count(w, "ROW", EXPIRED), 1);
	world_end(w);
}

static void
replace(struct world *w, const char *mode, const char *const *words)
{
	struct world *with = world_with(mode, words);

	w->other = w->pb; /* a run may still ask for it */
	w->pb = with->pb;
	with->pb = NULL;
	world_end(with);
	world_event(
		w, &(struct event){ .type = EV_PLAYBOOK,
			   .playbook = {
				   .name = "corp", .sha256 = w->pb->sha256, .why = "corp.yaml" } });
}

/* The text in force has no such shelter any more: it does not say when it expires, nor how its mail
 * is let go, and people are told once. */
static void
a_shelter_that_the_playbook_has_forgotten_is_a_persons(void)
{
	static const char *const words[] = { "  - {on: blocked, at: suspect, run: wait, mode: "
					     "automatic}\n",
		"",
		"  wait: {kind: shelter, flow: outbound, expires: 4h, steps: [{name: park, "
		"mail.park: "
		"{at: [hub]}}]}\n",
		"", "      - {name: release, queue.release: {at: [hub], rate: 10 per s}}\n", "",
		NULL };

	for (int forgotten = 0; forgotten < 2; forgotten++) {
		struct world *w = settled(world_new("approve"));

		(void)sheltered(w, 1);
		world_pass(w, MINUTE);
		if (forgotten)
			replace(w, "approve", words);
		world_pass(w, 5 * HOUR);
		CHECK_INT(world_count(w, "ROW", EXPIRED), !forgotten);
		refuse(w, false);
		world_pass(w, 2 * HOUR);
		CHECK_STR(world_state(w, FLOW_OUTBOUND), "normal");
		CHECK_INT(world_count(w, "NOTIFIED", "has no procedure wait any more"), forgotten);
		CHECK_STR(world_value(w, W_HUB, PARK), forgotten ? "parked\n" : "");
		world_end(w);
	}
}

/* --- blackouts --- */

static struct {
	bool cutover, failback; /* it is such an hour now */
	size_t wrong;
} closed;

/* The cut-overs' window begins on a Friday, the failbacks' on a Monday. */
static bool
in_window(void *ctx, const struct window *of, size_t n, int64_t wall_ms)
{
	struct world *w = ctx;

	closed.wrong += wall_ms != w->wall_ms || n != 1;
	return n > 0 && (of[0].from_day == 4 ? closed.cutover : closed.failback);
}

static struct world *
with_hours(const char *of)
{
	struct world *w = WORLD_WITH("automatic", "cooldown: 1m}",
		"cooldown: 1m, blackout: {cutover: [\"Fri 18:00 - Sun 06:00 Europe/Berlin\"], "
		"failback: [\"Mon 00:00 - Thu 06:00 Europe/Berlin\"]}}");

	memset(&closed, 0, sizeof closed);
	closed.cutover = text_eq(of, "cut-over");
	closed.failback = text_eq(of, "failback");
	w->in_window = in_window;
	settle(w);
	return w;
}

/* "A blackout stops drills and failbacks, never a shelter, and an automatic cut-over only if the
 * playbook says `cutover:` there." */
static void
a_blackout_holds_a_cut_over(void)
{
	static const char *const of[] = { "cut-over", "failback" };

	for (size_t i = 0; i < 2; i++) {
		struct world *w = with_hours(of[i]);

		refuse(w, true);
		world_pass(w, HOUR);
		CHECK_INT(STARTS(w, SHELTER), 1);
		CHECK_INT(STARTS(w, CUTOVER), i);
		CHECK_INT(shown(w, "\"blackout: "), 1 - i);
		closed.cutover = false;
		about(comes(w, 2 * MINUTE, "START", CUTOVER, 1) - w->boot_ms, 0, 0);
		CHECK_INT(closed.wrong, 0);
		world_end(w);
	}
}

static void
a_blackout_holds_a_failback(void)
{
	static const char *const of[] = { "failback", "none" };

	for (size_t i = 0; i < 2; i++) {
		struct world *w = with_hours(of[i]);

		refuse(w, true);
		CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
		closed.cutover = true; /* the other list holds nothing here */
		refuse(w, false);
		world_pass(w, HOUR);
		CHECK_INT(STARTS(w, FAILBACK), i);
		CHECK_INT(shown(w, "\"blackout: "), 1 - i);
		closed.failback = false;
		CHECK(comes(w, 2 * MINUTE, "START", FAILBACK, 1) != NEVER);
		CHECK_INT(closed.wrong, 0);
		world_end(w);
	}
}

/* --- stood down --- */

#define ASKED "\"purpose\":\"ask\""

static void
again(struct world *w)
{
	world_kill(w);
	world_start(w);
	world_pass(w, MINUTE);
}

/* Rows 432 and 440: "not asked again until the diagnosis clears", whoever was started meanwhile. */
static void
who_has_stood_down_is_not_asked_before_it_clears(void)
{
	for (int silent = 0; silent < 2; silent++)
		for (int restarted = 0; restarted < 2; restarted++) {
			struct world *w = settled(WORLD_WITH("approve", "run: out, mode: approve}",
				"run: out, mode: approve, within: 2h}"));

			refuse(w, true);
			CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "awaiting-approval"));
			world_pass(w, silent ? 3 * HOUR : HOUR);
			CHECK_INT(world_count(w, "PLAN", ASKED), 1);
			if (!silent)
				(void)world_say(w, &(struct wask){ .verb = VERB_DENY });
			world_pass(w, MINUTE);
			CHECK_STR(world_state(w, FLOW_OUTBOUND), "suspect");
			if (restarted)
				again(w);
			world_pass(w, 5 * HOUR / 2);
			CHECK_INT(world_count(w, "PLAN", ASKED), 1);
			CHECK(shown(w, "\"stood-down: out was denied or not answered"));
			refuse(w, false);
			CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "normal"));
			refuse(w, true);
			world_pass(w, HOUR);
			CHECK_INT(world_count(w, "PLAN", ASKED), 2);
			CHECK_STR(world_state(w, FLOW_OUTBOUND), "awaiting-approval");
			world_end(w);
		}
}

/* --- an unfit backup --- */

#define UNFIT "\"event\":\"backup-unfit\""

static void
an_unfit_backup_is_told_once_and_anew(void)
{
	struct world *w = settled(world_new("approve"));

	world_pass(w, HOUR);
	CHECK_INT(world_count(w, "ROW", UNFIT), 0);
	for (size_t n = 1; n <= 2; n++) {
		w->backup_bad = true;
		world_pass(w, 3 * HOUR);
		CHECK_INT(world_count(w, "ROW", UNFIT), n);
		w->backup_bad = false;
		world_pass(w, HOUR);
		CHECK_INT(world_count(w, "ROW", UNFIT), n);
	}
	world_end(w);
}

/* And it holds a cut-over, row 364, as long as it is so. */
static void
nothing_moves_to_an_unfit_backup(void)
{
	struct world *w = settled(world_new("automatic"));

	w->backup_bad = true;
	world_pass(w, 20 * MINUTE);
	refuse(w, true);
	world_pass(w, HOUR);
	CHECK_INT(STARTS(w, CUTOVER), 0);
	CHECK(shown(w, "\"unfit: "));
	w->backup_bad = false;
	world_pass(w, HOUR);
	CHECK_INT(STARTS(w, CUTOVER), 1);
	world_end(w);
}

/* --- the flow that it is about --- */

static bool inbound_bad;

static void
of_its_flow(struct world *w, const struct event *ev)
{
	struct event *e = (struct event *)ev;

	(void)w;
	if (ev->type != EV_SEEN || !text_starts(ev->seen.signal, "canary-in"))
		return;
	e->seen.harm = inbound_bad;
	e->seen.verdict = inbound_bad ? VERDICT_BAD : VERDICT_OK;
}

#define CANARY_IN                                                                                  \
	"  canary-in: {kind: canary, group: arrival, path: cloud, flow: inbound, "                 \
	"every: 1m, timeout: 50s, late_after: 40s, from: s@r1.example, submit: "                   \
	"{host: mx.r1.example, auth: {file: a}}, seeds: [{receiver: home, mailbox: "               \
	"c+%@corp.example, imap: {host: mx.cloud.example, auth: {file: b}}}]}\n"

/* Each machine goes by its own flow: row 640 of one says nothing of the other. */
static void
the_primary_is_well_or_not_in_each_flow(void)
{
	for (int in = 0; in < 2; in++) {
		struct world *w = WORLD_WITH("approve", "recipients: list}",
			"recipients: list, spool: hub}",
			"  anchor-a:", CANARY_IN "  anchor-a:", "  out:\n",
			"  in: {kind: cutover, flow: inbound, to: relay, steps: [{name: switch, "
			"mx.switch: {zone: zone}, pivot: true}], failback: {mode: approve, soak: "
			"1h}}\n"
			"  out:\n");
		enum flow bad = in ? FLOW_INBOUND : FLOW_OUTBOUND,
			  well = in ? FLOW_OUTBOUND : FLOW_INBOUND;

		w->hears = of_its_flow;
		inbound_bad = in != 0;
		refuse(w, !in);
		settle(w);
		world_pass(w, 10 * MINUTE);
		(void)world_say(w, &(struct wask){ .verb = VERB_CUTOVER, .procedure = "in" });
		CHECK(world_until_state(w, HOUR, FLOW_INBOUND, in ? "on-backup" : "recovering"));
		(void)cut_over(w);
		CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, in ? "recovering" : "on-backup"));
		world_pass(w, 2 * HOUR);
		CHECK_STR(world_state(w, bad), "on-backup");
		CHECK_STR(world_state(w, well), "recovering");
		CHECK_INT(world_count(w, "PLAN", "\"direction\":\"back\""), 1);
		CHECK_INT(world_count(w, "PLAN",
				  in ? "\"procedure\":\"out\",\"direction\":\"back\""
				     : "\"procedure\":\"in\",\"direction\":\"back\""),
			1);
		world_end(w);
	}
}

/* One that has a diagnosis and nothing to start is watched, and that is all. */
static void
a_flow_without_a_cut_over_is_only_watched(void)
{
	struct world *w = WORLD_WITH("automatic",
		"  anchor-a:", CANARY_IN "  anchor-a:", "responses:\n",
		"  shut: {path: cloud, flow: inbound, groups: 1, of: [arrival], must: [arrival], "
		"for: 5m, clear: 10m}\nresponses:\n");

	w->hears = of_its_flow;
	inbound_bad = false;
	settle(w);
	world_pass(w, HOUR);
	CHECK_STR(world_state(w, FLOW_INBOUND), "normal");
	inbound_bad = true;
	world_pass(w, HOUR);
	CHECK_STR(world_state(w, FLOW_INBOUND), "suspect");
	CHECK_INT(world_count(w, "START", ""), 0);
	world_end(w);
}

/* --- runs --- */

/* Rows 108 and 106: what a start finds open is followed in its own direction. */
static void
a_run_that_is_found_open_is_followed_as_what_it_is(void)
{
	for (int back = 0; back < 2; back++) {
		struct world *w = settled(world_new("automatic"));

		refuse(w, true);
		CHECK(comes(w, HOUR, "START", CUTOVER, 1) != NEVER);
		if (back) {
			CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
			refuse(w, false);
			CHECK(comes(w, HOUR, "START", FAILBACK, 1) != NEVER);
		}
		world_pass(w, SECOND);
		again(w);
		CHECK_INT(world_count(w, "ROW", "\"row\":108,"), back);
		CHECK_INT(world_count(w, "ROW", "\"row\":106,"), !back);
		CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, back ? "normal" : "on-backup"));
		world_end(w);
	}
}

/* --- what the relay may still hold --- */

/* What the backup has taken leaves it later and must pass SPF then, for as long as its queue may
 * keep it: five days (DESIGN section 4). Where SPF named the relay before us, nothing is taken
 * away. */
static void
the_relays_queue_holds_an_eject(void)
{
	for (int named = 0; named < 2; named++) {
		struct world *w = world_new(NULL);
		size_t said;

		if (named)
			world_edit(w, W_ZONE, TXT, WORLD_SPF_BOTH);
		settle(w);
		(void)cut_over(w);
		CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup") ||
			world_until_state(w, HOUR, FLOW_OUTBOUND, "recovering"));
		(void)world_say(w, &(struct wask){ .verb = VERB_FAILBACK, .override = "soak" });
		CHECK(comes(w, HOUR, "END", "\"state\":\"done\"", 2) != NEVER);
		world_pass(w, 5 * DAY - HOUR);
		said = world_say(w, &(struct wask){ .verb = VERB_EJECT });
		world_pass(w, 20 * MINUTE);
		CHECK_INT(world_reply(w, said, true)->exit, named ? 0 : 3);
		CHECK(named || strstr(world_reply(w, said, true)->body,
				       "mail may wait in the queue of relay for another") != NULL);
		world_pass(w, 2 * HOUR);
		said = world_say(w, &(struct wask){ .verb = VERB_EJECT });
		world_pass(w, 20 * MINUTE);
		CHECK(named || world_reply(w, said, true)->exit == 0);
		CHECK_STR(world_value(w, W_ZONE, TXT), named ? WORLD_SPF_BOTH : WORLD_SPF);
		world_end(w);
	}
}

/* --- time that has passed, and a clock that was set --- */

static const int64_t set_by[] = { 0, 5 * (int64_t)HOUR, -5 * (int64_t)HOUR };

/* limits.cooldown, since the last move has ended. */
static void
a_cooldown_is_time_that_has_passed(void)
{
	for (size_t i = 0; i < 3; i++) {
		struct world *w = settled(WORLD_WITH("automatic", "cooldown: 1m", "cooldown: 4h"));
		int64_t moved;

		refuse(w, true);
		CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
		refuse(w, false);
		moved = comes(w, 2 * (int64_t)HOUR, "END", "\"state\":\"done\"", 2);
		CHECK(moved != NEVER); /* out, and home */
		CHECK(world_until_state(w, MINUTE, FLOW_OUTBOUND, "normal"));
		refuse(w, true);
		world_pass(w, HOUR);
		CHECK(shown(w, "\"cooldown: "));
		w->wall_ms += set_by[i];
		about(comes(w, 12 * (int64_t)HOUR, "START", CUTOVER, 2), moved + 4 * (int64_t)HOUR,
			SECOND);
		world_end(w);
	}
}

/* Response's within, from when it was asked. */
static void
an_answer_has_its_time_whatever_the_clock_says(void)
{
	for (size_t i = 0; i < 3; i++) {
		struct world *w = settled(WORLD_WITH("approve", "run: out, mode: approve}",
			"run: out, mode: approve, within: 90m, otherwise: proceed}"));
		int64_t asked;

		refuse(w, true);
		asked = comes(w, HOUR, "PLAN", ASKED, 1);
		world_pass(w, 30 * MINUTE);
		w->wall_ms += set_by[i];
		about(comes(w, 12 * (int64_t)HOUR, "START", CUTOVER, 1), asked + 90 * MINUTE,
			SECOND);
		world_end(w);
	}
}

/* --- budget --- */

/* There and back once more, by itself; the diagnosis has cleared. */
static void
there_and_back(struct world *w)
{
	refuse(w, true);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	refuse(w, false);
	CHECK(world_until_state(w, 2 * HOUR, FLOW_OUTBOUND, "normal"));
	world_pass(w, 20 * MINUTE);
}

/* Automatic ones alone, within the time that `limits.cutovers` names. */
static void
a_budget_is_of_automatic_cut_overs(void)
{
	for (int by_hand = 0; by_hand < 2; by_hand++) {
		struct world *w = settled(world_new("automatic"));
		int64_t first;

		if (by_hand) {
			(void)cut_over(w);
			CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
			CHECK(world_until_state(w, 2 * HOUR, FLOW_OUTBOUND, "normal"));
		}
		refuse(w, true);
		first = comes(w, HOUR, "START", "\"by\":\"automatic\"", 2); /* shelter, out */
		there_and_back(w);
		if (!by_hand)
			there_and_back(w);
		refuse(w, true);
		world_pass(w, HOUR);
		CHECK_INT(STARTS(w, CUTOVER), by_hand ? 3 : 2);
		CHECK_INT(shown(w, "\"budget: 2 automatic"), !by_hand);
		if (!by_hand)
			about(comes(w, 2 * (int64_t)DAY, "START", CUTOVER, 3), first + DAY,
				MINUTE + SECOND);
		world_end(w);
	}
}

/* --- queues --- */

#define QUEUE "relay.queue corp.example"
#define EMPTY "state open\nparked 0\nwaiting 0\noldest 0\n"
#define PARKED "state open\nparked 3\nwaiting 2\noldest 9\n"

/* `require: [queues-drained]`: not while something waits there, nor while that is not known. */
static void
a_failback_waits_for_queues(void)
{
	static const struct {
		const char *require, *queue;
		bool unreadable, held;
	} rows[] = {
		{ "queues-drained", PARKED, false, true },
		{ "queues-drained", "state open\n", false, true },
		{ "queues-drained", EMPTY, false, false },
		{ "primary-ready", PARKED, false, false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct world *w = settled(WORLD_WITH("automatic", "require: [queues-drained]",
			i == 3 ? "require: [primary-ready]" : "require: [queues-drained]"));

		refuse(w, true);
		CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
		world_edit(w, W_HUB, QUEUE, rows[i].queue);
		world_pass(w, MINUTE);
		CHECK_INT(shown(w, "\"queue\":{\"parked\":3,\"waiting\":2}"), i == 0);
		refuse(w, false);
		world_pass(w, HOUR);
		CHECK_INT(STARTS(w, FAILBACK), !rows[i].held);
		CHECK_INT(shown(w, "\"queues: "), rows[i].held);
		world_edit(w, W_HUB, QUEUE, EMPTY);
		CHECK(comes(w, 2 * MINUTE, "START", FAILBACK, 1) != NEVER);
		world_end(w);
	}
}

/* --- what a foreground verb does not do --- */

static void
a_foreground_verb_starts_nothing_by_itself(void)
{
	for (int one_shot = 0; one_shot < 2; one_shot++) {
		struct world *w = world_new("automatic");

		w->one_shot = one_shot != 0;
		settle(w);
		refuse(w, true);
		world_pass(w, HOUR);
		CHECK_INT(world_count(w, "START", ""), one_shot ? 0 : 2);
		CHECK_INT(shown(w, "\"one-shot: "), one_shot);
		world_end(w);
	}
}

/* --- approvals --- */

static void
approve(struct world *w, const char *who)
{
	(void)world_say(w, &(struct wask){ .verb = VERB_APPROVE, .user = who });
	world_pass(w, MINUTE);
}

/* As many as the response says that is asked for; a failback is asked of one. */
static void
as_many_approve_as_the_response_says(void)
{
	for (int two = 0; two < 2; two++) {
		struct world *w = settled(WORLD_WITH("approve", "run: out, mode: approve}",
			two ? "run: out, mode: approve, approvers: 2}"
			    : "run: out, mode: approve}"));

		refuse(w, true);
		CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "awaiting-approval"));
		world_pass(w, MINUTE);
		CHECK(shown(w, two ? "\"approval: 0 of 2" : "\"approval: 0 of 1"));
		approve(w, "ben");
		CHECK_INT(STARTS(w, CUTOVER), !two);
		approve(w, "ann");
		CHECK_INT(STARTS(w, CUTOVER), 1);
		CHECK_INT(
			world_count(w, "START", two ? "\"by\":\"ben, ann\"" : "\"by\":\"ben\""), 1);
		CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
		refuse(w, false);
		CHECK(comes(w, 2 * HOUR, "PLAN", ASKED, 2) != NEVER);
		approve(w, "ben");
		CHECK_INT(STARTS(w, FAILBACK), 1);
		world_end(w);
	}
}

/* --- what asking keeps --- */

/* A shelter that could not be started is not tried again in this episode, and that is shown. */
static void
a_shelter_that_failed_is_kept_and_shown(void)
{
	for (int unreadable = 0; unreadable < 2; unreadable++) {
		struct world *w = settled(world_new("approve"));

		w->target[W_HUB].unreadable = unreadable != 0;
		refuse(w, true);
		world_pass(w, 20 * MINUTE);
		CHECK_INT(world_count(w, "NOTIFIED", "shelter is due, but no plan can be made"),
			unreadable);
		CHECK_INT(shown(w, "\"shelter: wait could not be started: "), unreadable);
		w->target[W_HUB].unreadable = false;
		world_pass(w, HOUR);
		CHECK_INT(STARTS(w, SHELTER), !unreadable);
		CHECK_STR(world_state(w, FLOW_OUTBOUND), "awaiting-approval");
		refuse(w, false);
		CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "normal"));
		refuse(w, true);
		world_pass(w, 20 * MINUTE); /* another episode, another try */
		CHECK_INT(STARTS(w, SHELTER), 2 - unreadable);
		world_end(w);
	}
}

/* A plan that cannot be made is told once, and tried again four times a minute. */
static void
a_plan_that_cannot_be_made_is_tried_again(void)
{
	struct world *w = settled(world_new("automatic"));

	refuse(w, true);
	CHECK(comes(w, 20 * MINUTE, "START", SHELTER, 1) != NEVER);
	world_pass(w, MINUTE);
	w->target[W_TENANT].unreadable = true;
	world_pass(w, HOUR);
	CHECK_INT(STARTS(w, CUTOVER), 0);
	CHECK(shown(w, "\"base: "));
	CHECK_INT(world_count(w, "NOTIFIED", "cutover is due, but no plan can be made"), 1);
	w->target[W_TENANT].unreadable = false;
	about(comes(w, MINUTE, "START", CUTOVER, 1) - w->boot_ms, 0, 0);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	CHECK(!shown(w, "no plan can be made"));
	world_end(w);
}

int
main(void)
{
	TEST(who_is_blind_starts_nothing);
	TEST(who_is_blind_brings_nothing_home);
	TEST(the_soak_counts_from_when_the_primary_is_well);
	TEST(a_shelter_is_told_when_its_time_is_over);
	TEST(its_time_is_over_when_expires_has_passed);
	TEST(a_shelter_that_the_playbook_has_forgotten_is_a_persons);
	TEST(a_blackout_holds_a_cut_over);
	TEST(a_blackout_holds_a_failback);
	TEST(who_has_stood_down_is_not_asked_before_it_clears);
	TEST(an_unfit_backup_is_told_once_and_anew);
	TEST(nothing_moves_to_an_unfit_backup);
	TEST(the_primary_is_well_or_not_in_each_flow);
	TEST(a_flow_without_a_cut_over_is_only_watched);
	TEST(a_run_that_is_found_open_is_followed_as_what_it_is);
	TEST(the_relays_queue_holds_an_eject);
	TEST(a_cooldown_is_time_that_has_passed);
	TEST(an_answer_has_its_time_whatever_the_clock_says);
	TEST(a_budget_is_of_automatic_cut_overs);
	TEST(a_failback_waits_for_queues);
	TEST(a_foreground_verb_starts_nothing_by_itself);
	TEST(as_many_approve_as_the_response_says);
	TEST(a_shelter_that_failed_is_kept_and_shown);
	TEST(a_plan_that_cannot_be_made_is_tried_again);
	return check_end();
}
