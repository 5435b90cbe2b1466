/*
 * facts_rig.h - what is common to the tests of facts: what is seen of a world, and when what comes.
 */
#ifndef FERRYMAN_TESTS_FACTS_RIG_H
#define FERRYMAN_TESTS_FACTS_RIG_H

#include "lib/run_rig.h"

enum { SECOND = 1000, NEVER = -1, DAY = 24 * HOUR };

#define ASKED "\"purpose\":\"ask\""
#define EXPIRED "\"event\":\"shelter-expired\""
#define CUTOVER "\"kind\":\"cutover\""
#define FAILBACK "\"kind\":\"failback\""
#define SHELTER "\"kind\":\"shelter\""

/* --- a world, and what is seen of it --- */

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

/* How far apart something comes. */
static struct gaps {
	size_t n;
	int64_t last, least, most;
} gaps;

static void
gap(struct world *w)
{
	int64_t ms = w->boot_ms - gaps.last;

	if (gaps.n++ > 0) {
		gaps.most = ms > gaps.most ? ms : gaps.most;
		gaps.least = gaps.least == 0 || ms < gaps.least ? ms : gaps.least;
	}
	gaps.last = w->boot_ms;
}

#define STARTS(w, kind) world_count(w, "START", kind)

static void
about(int64_t got, int64_t want, int64_t slack)
{
	if (got < want || got > want + slack)
		CHECK_INT(got, want);
}

static int64_t
sheltered(struct world *w, size_t n)
{
	int64_t at;

	refuse(w, true);
	at = comes(w, 20 * MINUTE, "START", SHELTER, n);
	CHECK(at != NEVER);
	return at;
}

static void
again(struct world *w)
{
	world_kill(w);
	world_start(w);
	world_pass(w, MINUTE);
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

/* A clock on the wall that is set by so much. */
static const int64_t set_by[] = { 0, 5 * (int64_t)HOUR, -5 * (int64_t)HOUR };

/* --- mail to us, in the same playbook --- */

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

static struct world *
of_both_flows(void)
{
	struct world *w = WORLD_WITH("approve", "recipients: list}",
		"recipients: list, spool: hub}", "  anchor-a:", CANARY_IN "  anchor-a:", "  out:\n",
		"  in: {kind: cutover, flow: inbound, to: relay, steps: [{name: switch, "
		"mx.switch: {zone: zone}, pivot: true}], failback: {mode: approve, soak: "
		"1h}}\n"
		"  out:\n");

	w->hears = of_its_flow;
	return w;
}

#endif
