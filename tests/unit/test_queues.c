/*
 * test_queues.c - what the core knows of the queues that a procedure lets go: when it asks, what it
 * makes of no answer, what `status` says of them (DESIGN sections 4 and 6), and what wakes it.
 */
#include "lib/facts_rig.h"

#define QUEUE "relay.queue corp.example"
#define EMPTY "state open\nparked 0\nwaiting 0\noldest 0\n"
#define PARKED "state open\nparked 3\nwaiting 2\noldest 9\n"
#define UNKNOWN "\"queue\":null"
#define AS_READ "\"queue\":{\"parked\":3,\"waiting\":2}"
#define RELEASE "      - {name: release, queue.release: {at: [hub], rate: 10 per s}}\n"

static struct world *
away(struct world *w)
{
	settle(w);
	refuse(w, true);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	return w;
}

/* --- when it asks --- */

static void
note_round(struct world *w, const struct event *ev)
{
	if (ev->type == EV_READ && ev->read.value != NULL && text_starts(ev->read.value, "state "))
		gap(w);
}

static void
count_rounds(struct world *w, int64_t ms)
{
	gaps = (struct gaps){ 0 };
	w->told = note_round;
	world_pass(w, ms);
	w->told = NULL;
}

/* Every five seconds while mail is on the backup, and at no other time; the next round waits for
 * the one before. */
static void
queues_are_asked_while_mail_is_on_the_backup(void)
{
	struct world *w = world_new("automatic");

	settle(w);
	count_rounds(w, HOUR);
	CHECK_INT(gaps.n, 0);
	away(w);
	count_rounds(w, HOUR);
	about(gaps.least, 5 * SECOND, 100);
	about(gaps.most, 5 * SECOND, 100);
	w->read_ms = 8 * SECOND;
	world_pass(w, MINUTE);
	count_rounds(w, HOUR);
	about(gaps.least, 8 * SECOND, 100);
	about(gaps.most, 8 * SECOND, 100);
	world_end(w);
}

/* --- what is known of them --- */

/* What was read the last time is not what waits now: until there is an answer nothing is known. */
static void
another_time_on_the_backup_is_asked_anew(void)
{
	struct world *w = away(world_new("automatic"));

	world_edit(w, W_HUB, QUEUE, PARKED);
	world_pass(w, MINUTE);
	CHECK(shown(w, AS_READ));
	world_edit(w, W_HUB, QUEUE, EMPTY);
	refuse(w, false);
	CHECK(world_until_state(w, 2 * HOUR, FLOW_OUTBOUND, "normal"));
	CHECK(shown(w, UNKNOWN));
	refuse(w, true);
	CHECK(world_until_state(w, 2 * HOUR, FLOW_OUTBOUND, "on-backup"));
	CHECK(shown(w, UNKNOWN));
	world_edit(w, W_HUB, QUEUE, PARKED);
	world_pass(w, MINUTE);
	CHECK(shown(w, AS_READ));
	world_end(w);
}

/* No answer takes nothing back that is known of what waits, and is no empty queue. */
static void
who_does_not_answer_is_not_empty(void)
{
	for (int silent = 0; silent < 2; silent++) {
		struct world *w = away(WORLD_WITH("automatic", "soak: 20m", "soak: 60m"));

		world_edit(w, W_HUB, QUEUE, PARKED);
		world_pass(w, MINUTE);
		world_edit(w, W_HUB, QUEUE, silent ? PARKED : EMPTY);
		world_pass(w, MINUTE);
		w->target[W_HUB].unreadable = silent != 0;
		world_pass(w, MINUTE);
		CHECK_INT(shown(w, AS_READ), silent);
		w->target[W_HUB].unreadable = false;
		world_edit(w, W_HUB, QUEUE, EMPTY);
		world_pass(w, MINUTE);
		w->target[W_HUB].unreadable =
			silent != 0; /* it was empty when it was last heard of */
		refuse(w, false);
		world_pass(w, 90 * MINUTE);
		CHECK_INT(shown(w, "\"queues: "), silent);
		CHECK_INT(STARTS(w, FAILBACK), !silent);
		world_end(w);
	}
}

/* A procedure that lets no queue go has none to wait for. */
static void
without_a_queue_there_is_nothing_to_wait_for(void)
{
	struct world *w = away(WORLD_WITH("automatic", RELEASE, ""));

	world_pass(w, MINUTE);
	CHECK(shown(w, UNKNOWN));
	refuse(w, false);
	CHECK(comes(w, 2 * HOUR, "START", FAILBACK, 1) != NEVER);
	world_end(w);
}

/* --- many domains --- */

enum { DOMAINS = 9 };
static bool known_early;
static size_t answers;

static void
look_at_each_answer(struct world *w, const struct event *ev)
{
	if (ev->type != EV_READ || ev->read.value == NULL || !text_starts(ev->read.value, "state "))
		return;
	if (!text_eq(world_state(w, FLOW_OUTBOUND), "on-backup"))
		return; /* the run itself has read them too */
	known_early = known_early || (++answers < DOMAINS && !shown(w, UNKNOWN));
}

static struct world *
world_of_nine(void)
{
	static const struct {
		const char *before, *after, *value;
		int at;
	} of[] = { { "dns.rrset ", " TXT", WORLD_SPF, W_ZONE }, { "relay.route ", "", "", W_HUB },
		{ "relay.park ", "", "", W_HUB }, { "relay.queue ", "", EMPTY, W_HUB } };
	struct world *w = WORLD_WITH("automatic", "domains: [corp.example]",
		"domains: [corp.example, b2.example, b3.example, b4.example, b5.example, "
		"b6.example, b7.example, b8.example, b9.example]");
	static char names[DOMAINS][4][64];

	for (int i = 2; i <= DOMAINS; i++)
		for (size_t k = 0; k < 4; k++) {
			char *name = names[i - 1][k];

			(void)snprintf(name, sizeof names[0][0], "%sb%d.example%s", of[k].before, i,
				of[k].after);
			world_cell(w, of[k].at, name, of[k].value);
		}
	return w;
}

/* Each domain's queue is asked, however many there are; nothing is known before all have answered,
 * and the last one alone holds the way home. */
static void
the_ninth_queue_counts_too(void)
{
	struct world *w = world_of_nine();

	settle(w);
	known_early = false;
	answers = 0;
	w->told = look_at_each_answer;
	away(w);
	world_edit(w, W_HUB, "relay.queue b9.example", PARKED);
	world_pass(w, MINUTE);
	w->told = NULL;
	CHECK(!known_early);
	CHECK(answers > DOMAINS);
	CHECK(shown(w, AS_READ));
	refuse(w, false);
	world_pass(w, 2 * HOUR);
	CHECK_INT(STARTS(w, FAILBACK), 0);
	CHECK(shown(w, "\"queues: "));
	world_edit(w, W_HUB, "relay.queue b9.example", EMPTY);
	CHECK(comes(w, 2 * MINUTE, "START", FAILBACK, 1) != NEVER);
	world_end(w);
}

int
main(void)
{
	TEST(queues_are_asked_while_mail_is_on_the_backup);
	TEST(another_time_on_the_backup_is_asked_anew);
	TEST(who_does_not_answer_is_not_empty);
	TEST(without_a_queue_there_is_nothing_to_wait_for);
	TEST(the_ninth_queue_counts_too);
	return check_end();
}
