/*
 * test_stale.c - an answer that comes after its time changes nothing: neither one that nobody waits
 * for any more, nor one that says again, and says the contrary, what was answered long ago.
 */
#include "lib/check.h"
#include "lib/world.h"

#include "base/buf.h"
#include "base/text.h"
#include "os/stdmem.h"

#include <stdlib.h>

enum { MINUTE = 60000, HOUR = 3600000, HEARD = 20000, STATUS_MAX = 1 << 22 };

/* --- what may not change: all that a person can ask, the journal, what is asked of the shell ---
 */

struct look {
	struct buf status;
	size_t records, under_way, lines;
	uint64_t asked;
};

static void
look_at(struct world *w, struct look *l)
{
	buf_init(&l->status, &stdmem, STATUS_MAX);
	core_status(w->core, &l->status, true);
	l->records = w->records_n;
	l->under_way = w->events_n;
	l->asked = w->events_seq;
	l->lines = w->lines_n;
}

static bool
same_look(struct look *a, struct look *b)
{
	bool same = text_eq(buf_text(&a->status), buf_text(&b->status)) &&
		    a->records == b->records && a->under_way == b->under_way &&
		    a->asked == b->asked && a->lines == b->lines;

	buf_fini(&a->status);
	buf_fini(&b->status);
	return same;
}

/* --- every answer that was heard, kept to be said again --- */

struct heard {
	struct event ev;
	char text[5][512];
};
static struct {
	struct heard *all;
	size_t n, changed;
	bool at_once; /* say the contrary again in the same moment */
} heard;
static void say_contrary(struct world *w, size_t i);

static const char *
kept(struct heard *h, int i, const char *s)
{
	(void)snprintf(h->text[i], sizeof h->text[i], "%s", s != NULL ? s : "");
	return s != NULL ? h->text[i] : NULL;
}

static void
keep(struct world *w, const struct event *ev)
{
	struct heard *h = &heard.all[heard.n];

	(void)w;
	if (heard.n == HEARD || ev->type == EV_APPENDED)
		return;
	heard.n++;
	h->ev = *ev;
	switch (ev->type) {
	case EV_SEEN:
		h->ev.seen.signal = kept(h, 0, ev->seen.signal);
		h->ev.seen.subject = kept(h, 1, ev->seen.subject);
		h->ev.seen.why = "said long after its time";
		break;
	case EV_READ:
		h->ev.read.marker_store = kept(h, 0, ev->read.marker_store);
		h->ev.read.value = "next elsewhere:[203.0.113.99]:25\nshare 100\n";
		h->ev.read.why = "";
		if (ev->read.source_n > 0)
			h->ev.read.source[0].value = h->ev.read.value;
		break;
	case EV_EFFECT:
		h->ev.effect.why = "said long after its time";
		break;
	default:
		break;
	}
	if (heard.at_once)
		say_contrary(w, heard.n - 1);
}

/* The contrary of what was said. */
static void
turn(struct event *ev)
{
	if (ev->type == EV_SEEN) {
		ev->seen.verdict = ev->seen.verdict == VERDICT_OK ? VERDICT_BAD : VERDICT_OK;
		ev->seen.harm = ev->seen.verdict == VERDICT_BAD;
	} else if (ev->type == EV_EFFECT) {
		ev->effect.outcome = ev->effect.outcome == OUT_DONE ? OUT_REFUSED : OUT_DONE;
	} else if (ev->type == EV_SENT) {
		ev->sent.outcome = OUT_RETRY;
	}
}

static void
say_contrary(struct world *w, size_t i)
{
	struct event ev = heard.all[i].ev;
	struct look before, after;

	if (w->core == NULL || w->halted)
		return;
	turn(&ev);
	look_at(w, &before);
	world_event(w, &ev);
	look_at(w, &after);
	if (!same_look(&before, &after) && heard.changed++ == 0)
		printf("     answer %zu, of type %d, changes something\n", i, (int)ev.type);
}

static struct world *
begin(void)
{
	struct world *w = stdmem_get(sizeof *w);

	world_init(w, NULL);
	w->told = keep;
	heard.all = calloc(HEARD, sizeof *heard.all);
	heard.n = heard.changed = 0;
	heard.at_once = false;
	if (heard.all == NULL)
		abort();
	return w;
}

static void
end(struct world *w)
{
	CHECK_INT(w->broken_laws, 0);
	world_fini(w);
	free(w);
	free(heard.all);
}

/* Nothing is due at this very moment: what a late answer changes is then its own doing. */
static void
come_to_rest(struct world *w)
{
	struct event tick = { .type = EV_TICK };

	for (int i = 0; i < 8; i++)
		world_event(w, &tick);
}

enum again { NEVER, AT_ONCE, LATER };

/* Out, then so many minutes. The contrary of each answer is said in the same moment, or of all of
 * them when the run is over. */
static struct world *
out_and_on(enum again again)
{
	struct world *w = begin();

	heard.at_once = again == AT_ONCE;
	world_start(w);
	CHECK(world_until_state(w, 5 * MINUTE, FLOW_OUTBOUND, "normal"));
	world_pass(w, 10 * MINUTE);
	(void)world_say(w, &(struct wask){ .verb = VERB_CUTOVER, .procedure = "out" });
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	come_to_rest(w);
	heard.at_once = false;
	for (size_t i = 0; again == LATER && i < heard.n; i++)
		say_contrary(w, i);
	CHECK_INT(heard.changed, 0);
	world_pass(w, 20 * MINUTE);
	return w;
}

static size_t
heard_of(enum event_type type)
{
	size_t n = 0;

	for (size_t i = 0; i < heard.n; i++)
		n += heard.all[i].ev.type == type;
	return n;
}

/* What follows is what would have followed without them, byte for byte. */
static void
same_as_quiet(enum again again)
{
	struct world *quiet = out_and_on(NEVER), *w;
	size_t n = 0;

	free(heard.all);
	w = out_and_on(again);
	CHECK(heard_of(EV_SEEN) > 20); /* each kind of answer was among them */
	CHECK(heard_of(EV_READ) > 5);
	CHECK(heard_of(EV_EFFECT) >= 5);
	CHECK_INT(w->records_n, quiet->records_n);
	while (n < w->records_n && n < quiet->records_n && text_eq(w->record[n], quiet->record[n]))
		n++;
	CHECK_INT(n, quiet->records_n);
	world_fini(quiet);
	free(quiet);
	end(w);
}

static void
the_contrary_in_the_same_moment_changes_nothing(void)
{
	same_as_quiet(AT_ONCE);
}

static void
the_contrary_long_after_changes_nothing(void)
{
	same_as_quiet(LATER);
}

/* --- later than any deadline, or within it --- */

static int64_t
two_minutes(const char *signal)
{
	return text_starts(signal, "anchor") ? 300 : 2 * MINUTE;
}

static int64_t
forty_seconds(const char *signal)
{
	return text_starts(signal, "canary") ? 40000 : 300;
}

static struct world *
ill_and_seen_so(int64_t (*how_late)(const char *))
{
	struct world *w = begin();

	world_start(w);
	CHECK(world_until_state(w, 5 * MINUTE, FLOW_OUTBOUND, "normal"));
	w->probe_ms = how_late;
	w->primary_bad = w->listed = true;
	world_pass(w, HOUR);
	return w;
}

static void
an_answer_after_its_deadline_is_no_evidence(void)
{
	struct world *w = ill_and_seen_so(two_minutes);
	size_t late = 0;

	for (size_t i = 0; i < heard.n; i++)
		late += heard.all[i].ev.type == EV_SEEN && heard.all[i].ev.seen.harm;
	CHECK(late > 20); /* they did come, and said that mail is refused */
	CHECK_STR(world_state(w, FLOW_OUTBOUND), "normal");
	CHECK_INT(world_count(w, "START", ""), 0);
	CHECK_INT(world_count(w, "SIGNAL", "\"to\":\"bad\""), 0);
	CHECK_INT(w->effects_n, world_count(w, "INTENT", "\"dir\":\"fence\""));
	end(w);

	w = ill_and_seen_so(forty_seconds); /* the twin: in time it is */
	CHECK(world_count(w, "SIGNAL", "\"to\":\"bad\"") > 0);
	CHECK(world_count(w, "START", "") > 0);
	end(w);
}

int
main(void)
{
	TEST(the_contrary_in_the_same_moment_changes_nothing);
	TEST(the_contrary_long_after_changes_nothing);
	TEST(an_answer_after_its_deadline_is_no_evidence);
	return check_end();
}
