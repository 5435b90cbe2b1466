/*
 * test_flapping.c - what holds whatever is seen: every combination of health for up to six groups
 * against an oracle, and machines that are fed flapping evidence for hours: 10,000 of them with
 * FERRYMAN_SOAK=1, else some. Each rule has its twin, a fault in the machine that breaks it.
 */
#include "core/decide.h"
#include "lib/evidence_rig.h"

#include <stdlib.h>

/* --- truth table: {healthy, failing, unknown, stale}^k for k groups --- */

enum kind { HEALTHY, FAILING, UNKNOWN, STALE, KINDS };
enum { GROUPS_MAX = 6 };

static void
put_playbook(struct buf *b, int k, int groups, int must)
{
	const char *at = strstr(rig_base, "signals:\n"), *end = strstr(rig_base, "  shut: {");

	buf_add(b, rig_base, (size_t)(at - rig_base));
	buf_str(b,
		"signals:\n  anchor-a: {kind: knock, role: anchor, every: 20s, host: 192.0.2.1}\n"
		"  anchor-b: {kind: knock, role: anchor, every: 20s, host: 203.0.113.80}\n"
		"  probe-relay: {kind: letter, group: delivery, path: relay, every: 5m, seeds: "
		"[{receiver: r1}]}\n"
		"  door: {kind: letter, group: delivery, path: cloud, flow: inbound, every: 5m, "
		"seeds: [{receiver: r1}]}\n");
	for (int i = 0; i < k; i++)
		buf_fmt(b,
			"  s%d: {kind: letter, group: g%d, path: cloud, flow: outbound, every: 1m, "
			"seeds: [{receiver: q%d}]}\n",
			i, i, i);
	buf_fmt(b, "diagnoses:\n  blocked: {path: cloud, flow: outbound, groups: %d, of: [",
		groups);
	for (int i = 0; i < k; i++)
		buf_fmt(b, "%sg%d", i > 0 ? ", " : "", i);
	buf_str(b, "], must: [");
	for (int i = 0; i < must; i++)
		buf_fmt(b, "%sg%d", i > 0 ? ", " : "", i);
	buf_str(b, "], for: 5m, clear: 2h}\n");
	buf_str(b, end);
}

static void
feed(struct rig *r, int k, const enum kind *kind)
{
	static const enum verdict verdicts[] = { VERDICT_OK, VERDICT_BAD, VERDICT_UNKNOWN,
		VERDICT_BAD };
	char signal[16], subject[16];

	for (int n = 0; n < 3; n++) {
		for (int i = 0; i < k; i++) {
			(void)snprintf(signal, sizeof signal, "s%d", i);
			(void)snprintf(subject, sizeof subject, "q%d", i);
			say(r, (struct word){ .signal = signal,
				       .subject = subject,
				       .v = verdicts[kind[i]],
				       .harm = kind[i] != HEALTHY,
				       .age = kind[i] == STALE ? HOUR / 2 - n : 0 });
		}
		r->now += SECOND;
	}
	anchors(r);
	pass(r, SECOND);
}

/* From DESIGN section 6 alone: unknown and stale vote neither way. */
static bool
oracle(int k, const enum kind *kind, int groups, int must)
{
	int failing = 0, harm = 0;

	for (int i = 0; i < k; i++) {
		failing += kind[i] == FAILING;
		harm += kind[i] == FAILING && i < must;
	}
	return failing >= groups && harm > 0;
}

static void
every_combination_of_health_agrees_with_the_oracle(void)
{
	int rows = 0, met = 0;

	for (int k = 1; k <= GROUPS_MAX; k++) {
		int groups = k / 2 + 1, must = (k + 1) / 2, combinations = 1 << (2 * k);
		struct playbook *pb;
		struct buf b;

		buf_init(&b, &stdmem, 65536);
		put_playbook(&b, k, groups, must);
		pb = load_text(buf_text(&b));
		buf_fini(&b);
		for (int c = 0; c < combinations; c++, rows++) {
			struct rig r = { pb, evidence_new(&stdmem, pb), HOUR };
			enum kind kind[GROUPS_MAX];
			bool want;

			for (int i = 0; i < k; i++)
				kind[i] = (enum kind)(c >> (2 * i) & 3);
			want = oracle(k, kind, groups, must);
			evidence_update(r.e, r.now, WALL0 + r.now);
			feed(&r, k, kind);
			if (diag(&r, "blocked")->met != want)
				printf("     k %d, combination %x: want %d\n", k, (unsigned)c,
					want);
			CHECK(diag(&r, "blocked")->met == want);
			met += want;
			evidence_free(&r.e);
		}
		playbook_unref(&pb);
	}
	CHECK_INT(rows, 5460);
	CHECK(met > 100 && met < rows / 2);
}

/* --- machines fed with flapping evidence --- */

static uint64_t
rnd(uint64_t *s)
{
	uint64_t x = *s += 0x9e3779b97f4a7c15u;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

/* How a source behaves: a square wave, or a Markov chain between well, bad and silent. */
struct source {
	bool square;
	int64_t period, phase;
	unsigned turn; /* of 1000, for each answer */
	enum kind now;
};

enum { SOURCES = 8 };

/* All that accuses the primary at once: bad and well by turns, as long as is drawn. A square wave
 * keeps its first lengths, a Markov chain draws each anew. */
struct wave {
	bool square, shorts; /* shorts: none is long enough to start anything */
	bool bad;
	int64_t since, until, on, off;
};

/* What a twin breaks: nothing, the cooldown, the budget, or what `for` means. */
enum plant { SOUND, NO_COOLDOWN, NO_BUDGET, FOR_IS_NOTHING, FOR_IS_EVER };

struct world {
	struct rig r;
	uint64_t rng;
	struct source source[SOURCES];
	struct wave *wave; /* NULL: each source by itself */
	enum plant plant;
	bool anchors_flap, brake_flaps, only_lists;
	int too_soon, too_many; /* automatic starts within a cooldown, beyond the budget */
	/* the machine, as records would add up */
	enum life_state state;
	int64_t state_since, run_ends, shelter_since, asked, last_move, autos[64];
	size_t autos_n;
	bool shelter, back, unfit_told, expiry_told, paused;
	char led[64], down[64];
	/* what was done */
	int shelters, asks, starts, backs;
	uint64_t trace;
};

static void
world_new(struct world *w, struct playbook *pb, uint64_t seed)
{
	*w = (struct world){ .r = rig_of(pb), .rng = seed, .state = LS_NORMAL };
	evidence_seed(w->r.e, seed);
	for (int i = 0; i < SOURCES; i++)
		w->source[i] = (struct source){ .square = rnd(&w->rng) % 2,
			.period = (int64_t)(rnd(&w->rng) % (40 * MINUTE)) + MINUTE,
			.phase = (int64_t)(rnd(&w->rng) % HOUR),
			.turn = (unsigned)(rnd(&w->rng) % 200) };
}

static enum kind
source_kind(struct world *w, struct source *s)
{
	if (w->wave != NULL)
		return w->wave->bad ? FAILING : HEALTHY;
	if (s->square)
		return (w->r.now + s->phase) / s->period % 2 ? FAILING : HEALTHY;
	if (rnd(&w->rng) % 1000 < s->turn)
		s->now = (enum kind)(rnd(&w->rng) % 3);
	return s->now;
}

static void
world_answer(struct world *w, const struct due *d)
{
	size_t i = (size_t)(d->signal - w->r.pb->signals);
	struct source *s = &w->source[(i + (size_t)(d->subject - d->signal->subjects)) % SOURCES];
	enum kind k = source_kind(w, s);

	if (d->signal->role == SIG_ANCHOR && !w->anchors_flap)
		k = HEALTHY;
	if (w->wave != NULL && d->signal->path != w->r.pb->primary)
		k = HEALTHY;
	if (w->only_lists && !text_eq(d->signal->name, "lists"))
		k = HEALTHY;
	say(&w->r, (struct word){ .signal = d->signal->name,
			   .subject = d->subject->name,
			   .harm = d->signal->harm,
			   .v = k == FAILING   ? VERDICT_BAD
				: k == HEALTHY ? VERDICT_OK
					       : VERDICT_UNKNOWN });
}

static int
in_budget(const struct world *w, int64_t wall_ms)
{
	int n = 0;

	for (size_t i = 0; i < w->autos_n; i++)
		n += wall_ms - w->autos[i] < w->r.pb->limits.cutovers.per_ms;
	return n;
}

static void
world_facts(struct world *w, struct facts *f)
{
	const struct path *p = w->r.pb->primary;
	const struct procedure *out = playbook_cutover(w->r.pb, FLOW_OUTBOUND);
	int64_t since = evidence_path_ok_since(w->r.e, p, FLOW_OUTBOUND), wall = WALL0 + w->r.now;

	*f = (struct facts){ .pb = w->r.pb,
		.state = w->state,
		.boot_ms = w->r.now,
		.wall_ms = wall,
		.state_since_wall_ms = WALL0 + w->state_since,
		.paused = w->paused ? "the test" : NULL,
		.blind = evidence_blind(w->r.e),
		.led_by = w->led,
		.shelter_open = w->shelter,
		.unfit_told = w->unfit_told,
		.expiry_told = w->expiry_told,
		.base_ready = true,
		.queues_drained = true,
		.asked_wall_ms = w->asked,
		.last_cutover_wall_ms = w->last_move,
		.approvals_needed = 1,
		.stood_down = w->down[0] != '\0' ? w->down : NULL };
	f->diag_n = evidence_diags(w->r.e, &f->diag);
	f->primary_ok = evidence_path_ok(w->r.e, p, FLOW_OUTBOUND);
	f->primary_soaked = since > 0 && w->r.now - since >= out->failback.soak_ms;
	f->backup_unfit = evidence_path_unfit(w->r.e, out->to, FLOW_OUTBOUND);
	f->shelter_ended = w->shelter && w->r.now - w->shelter_since > 4 * HOUR;
	if (w->run_ends != 0) {
		f->run = w->r.now >= w->run_ends ? RUN_ENDED_DONE : RUN_FORWARD_PIVOTED;
		f->run_is_failback = w->back;
	}
	f->cutovers_in_budget = in_budget(w, wall);
	w->unfit_told = w->unfit_told && f->backup_unfit;
	w->expiry_told = w->expiry_told && f->shelter_ended;
}

/* What must hold of everything that starts by itself (DESIGN section 6, invariants 7 and 16). */
static void
world_check(struct world *w, const struct facts *f, const struct decision *d)
{
	const struct limits *l = &w->r.pb->limits;
	bool automatic = d->event == LE_CONFIRMED_AUTO || d->event == LE_PROCEED;

	if (d->row->act == LD_SHELTER || d->row->act == LD_ASK || d->row->act == LD_CUTOVER ||
		d->row->act == LD_FAILBACK || d->row->act == LD_UNSHELTER) {
		CHECK(!w->paused);
		CHECK(f->blind == NULL);
		CHECK(!w->only_lists);
	}
	if (d->row->act == LD_FAILBACK)
		CHECK(f->primary_ok && f->primary_soaked);
	if (!automatic)
		return;
	CHECK(f->diag[0].confirmed && f->diag[0].receivers_bad >= 2);
	CHECK(!f->backup_unfit);
	w->too_soon += w->last_move != 0 && f->wall_ms - w->last_move < l->cooldown_ms;
	w->too_soon += w->autos_n > 0 && f->wall_ms - w->autos[w->autos_n - 1] < l->cooldown_ms;
	w->too_many += in_budget(w, f->wall_ms) >= l->cutovers.count;
	if (w->autos_n < 64)
		w->autos[w->autos_n++] = f->wall_ms;
	w->starts++;
}

static void
world_apply(struct world *w, const struct decision *d)
{
	if (d->row->act == LD_SHELTER) {
		w->shelter = true;
		w->shelter_since = w->r.now;
		w->shelters++;
	} else if (d->row->act == LD_UNSHELTER) {
		w->shelter = false;
	} else if (d->row->act == LD_CUTOVER || d->row->act == LD_FAILBACK) {
		w->run_ends = w->r.now + 3 * MINUTE;
		w->back = d->row->act == LD_FAILBACK;
		w->backs += w->back;
	} else if (d->event == LE_RUN_DONE || d->event == LE_BACK_DONE) {
		w->run_ends = 0;
		w->shelter = false;
		w->last_move = WALL0 + w->r.now;
	}
	w->unfit_told = w->unfit_told || d->event == LE_BACKUP_UNFIT;
	w->expiry_told = w->expiry_told || d->event == LE_SHELTER_OVER;
	if (d->diagnosis != NULL)
		(void)snprintf(w->led, sizeof w->led, "%s", d->diagnosis->name);
	if (d->event == LE_STAND_DOWN)
		(void)snprintf(w->down, sizeof w->down, "%s", d->diagnosis->name);
	if (w->state != d->row->to) {
		w->state_since = w->r.now;
		w->asked = 0;
	}
	w->asks += d->row->act == LD_ASK;
	if (d->row->act == LD_ASK)
		w->asked = WALL0 + w->r.now;
	w->state = d->row->to;
	w->trace = (w->trace ^ (uint64_t)d->row->id ^ (uint64_t)w->r.now) * 0x100000001b3u;
}

/* The twin's fault: a machine that is told so decides as one that is broken so. */
static void
world_plant(struct world *w, struct facts *f)
{
	static struct diag_view told[8];

	if (w->plant == NO_COOLDOWN)
		f->last_cutover_wall_ms = 0;
	if (w->plant == NO_BUDGET)
		f->cutovers_in_budget = 0;
	if (w->plant != FOR_IS_NOTHING && w->plant != FOR_IS_EVER)
		return;
	for (size_t i = 0; i < f->diag_n && i < 8; i++) {
		told[i] = f->diag[i];
		told[i].confirmed = w->plant == FOR_IS_NOTHING && told[i].met;
	}
	f->diag = told;
}

static void
world_step(struct world *w)
{
	struct due due;
	int turns = 0;

	while (evidence_next_due(w->r.e, w->r.now, &due))
		world_answer(w, &due);
	if (w->brake_flaps && rnd(&w->rng) % 100 == 0)
		w->paused = !w->paused;
	pass(&w->r, 10 * SECOND);
	for (;;) {
		struct decision d;
		struct facts f;

		world_facts(w, &f);
		world_plant(w, &f);
		if (w->down[0] != '\0' && f.diag[0].cleared)
			w->down[0] = '\0';
		decide(&f, &d);
		CHECK(d.again_boot_ms > w->r.now);
		if (!d.any)
			break;
		CHECK(d.row->act != LD_REFUSE);
		world_check(w, &f, &d);
		world_apply(w, &d);
		if (++turns > 10) {
			printf("     it does not come to rest: row %d\n", d.row->id);
			CHECK(0);
			break;
		}
	}
}

static struct world
world_run(struct playbook *pb, uint64_t seed, bool anchors_flap, bool brake_flaps, bool paused,
	bool only_lists)
{
	struct world w;

	world_new(&w, playbook_ref(pb), seed);
	w.anchors_flap = anchors_flap;
	w.brake_flaps = brake_flaps;
	w.paused = paused;
	w.only_lists = only_lists;
	for (int i = 0; i < 12 * 360; i++) /* twelve hours */
		world_step(&w);
	rig_end(&w.r);
	return w;
}

#define FAST_BACK "failback: {mode: automatic, soak: 20m, "

static struct playbook *
automatic(const char *response)
{
	struct place at;
	char *text = rig_edit("failback: {mode: approve, soak: 6h, ", FAST_BACK, &at), *two, *p;
	static const char was[] =
		"{on: blocked, run: out, mode: approve, within: 15m, otherwise: proceed}";
	struct playbook *pb;

	p = text != NULL ? strstr(text, was) : NULL;
	two = malloc(strlen(rig_base) * 2);
	if (p == NULL || two == NULL)
		abort();
	(void)snprintf(two, strlen(rig_base) * 2, "%.*s%s%s", (int)(p - text), text, response,
		p + strlen(was));
	pb = load_text(two);
	free(text);
	free(two);
	return pb;
}

enum { FLAPS = 150, FLAPS_SOAK = 2500, WAVES = 300, WAVES_SOAK = 10000 };

static int
count(int usual, int soak)
{
	return getenv("FERRYMAN_SOAK") != NULL ? soak : usual;
}

static void
flapping_starts_once_in_a_cooldown_at_most(void)
{
	static const char *const responses[] = { "{on: blocked, run: out, mode: automatic}",
		"{on: blocked, run: out, mode: approve, within: 15m, otherwise: proceed}",
		"{on: blocked, run: out, mode: approve, within: 15m}" };
	int starts[3] = { 0 }, backs = 0, shelters = 0, flaps = count(FLAPS, FLAPS_SOAK);

	for (size_t i = 0; i < 3; i++) {
		struct playbook *pb = automatic(responses[i]);

		for (int seed = 1; seed <= flaps; seed++) {
			struct world w = world_run(
				pb, (uint64_t)seed, seed % 3 == 0, seed % 4 == 0, false, false);

			starts[i] += w.starts;
			backs += w.backs;
			shelters += w.shelters;
			CHECK_INT(w.too_soon + w.too_many, 0);
			CHECK(w.starts <= 2); /* two in a day */
		}
		playbook_unref(&pb);
	}
	printf("     %d of independent sources: %d and %d automatic starts\n", 3 * flaps, starts[0],
		starts[1]);
	/* not vacuous: it does act, and what stands down does not */
	CHECK(starts[0] > flaps / 8);
	CHECK(starts[1] > flaps / 16);
	CHECK_INT(starts[2], 0);
	CHECK(backs > 10);
	CHECK(shelters > flaps / 4);
}

/* --- waves: everything bad and well at once --- */

/*
 * The slowest source (probe, every 2 m with a tenth of jitter) turns after two answers: 4 m 12 s at
 * most and 1 m 54 s at least after an edge, and the machine looks every 10 s. `for` is 5 m. So bad
 * for 10 m has to start; bad for less than 2 m 20 s is seen for less than 5 m and must not; what
 * lies between may do either. Well for 9 m is well.
 */
enum { LONG_MS = 10 * MINUTE, SHORT_MS = 140 * SECOND, WELL_MS = 9 * MINUTE };

static int64_t
drawn(struct world *w, int64_t from, int64_t to)
{
	return from + (int64_t)(rnd(&w->rng) % (uint64_t)(to - from));
}

static void
wave_turn(struct world *w)
{
	struct wave *v = w->wave;

	if (!v->square || v->on == 0) {
		v->off = drawn(w, WELL_MS, 40 * MINUTE);
		v->on = v->shorts ? drawn(w, 10 * SECOND, SHORT_MS) : drawn(w, LONG_MS, HOUR);
	}
	v->bad = !v->bad;
	v->since = w->r.now;
	v->until = w->r.now + (v->bad ? v->on : v->off);
}

struct tally {
	int waves, starts, missed, needless, too_soon, too_many;
};

/* Four hours of waves: each long one starts a cut-over unless something holds it back that it may
 * name. */
static void
wave_run(struct playbook *pb, uint64_t seed, enum plant plant, struct tally *t)
{
	struct wave v = { .square = seed % 2 == 0, .shorts = seed % 4 >= 2, .bad = true };
	struct world w;

	world_new(&w, playbook_ref(pb), seed);
	w.wave = &v;
	w.plant = plant;
	wave_turn(&w);
	for (int i = 0; i < 4 * 360; i++) {
		if (w.r.now >= v.until) {
			t->waves += v.bad;
			t->missed += v.bad && !v.shorts && w.starts == 0;
			wave_turn(&w);
		}
		world_step(&w);
	}
	t->needless += v.shorts && w.starts > 0;
	t->starts += w.starts;
	t->too_soon += w.too_soon;
	t->too_many += w.too_many;
	rig_end(&w.r);
}

static struct tally
waves(const char *response, enum plant plant, int n)
{
	struct playbook *pb = automatic(response);
	struct tally t = { 0 };

	for (int seed = 1; seed <= n; seed++)
		wave_run(pb, (uint64_t)seed, plant, &t);
	playbook_unref(&pb);
	return t;
}

#define BY_ITSELF "{on: blocked, run: out, mode: automatic}"

static void
a_wave_longer_than_for_starts_and_a_shorter_one_does_not(void)
{
	int n = count(WAVES, WAVES_SOAK);
	struct tally t = waves(BY_ITSELF, SOUND, n);

	printf("     %d square waves and Markov chains, %d times bad: %d automatic starts, %d too "
	       "soon, "
	       "%d missed, %d needless\n",
		n, t.waves, t.starts, t.too_soon + t.too_many, t.missed, t.needless);
	CHECK_INT(t.missed, 0);
	CHECK_INT(t.needless, 0);
	CHECK_INT(t.too_soon, 0);
	CHECK_INT(t.too_many, 0);
	CHECK(t.starts >= n / 2 && t.waves > 2 * t.starts);
}

static void
each_rule_of_waves_has_a_twin_that_breaks_it(void)
{
	CHECK(waves(BY_ITSELF, FOR_IS_EVER, 40).missed > 0);
	CHECK(waves(BY_ITSELF, FOR_IS_NOTHING, 200).needless > 0);
	CHECK(waves(BY_ITSELF, NO_COOLDOWN, 200).too_soon > 0);
	CHECK(waves(BY_ITSELF, NO_BUDGET, 200).too_many > 0);
}

static void
who_is_paused_starts_nothing_whatever_flaps(void)
{
	struct playbook *pb = automatic("{on: blocked, run: out, mode: automatic}");

	for (uint64_t seed = 1; seed <= FLAPS; seed++) {
		struct world w = world_run(pb, seed, false, false, true, false);

		CHECK_INT(w.starts + w.shelters + w.asks + w.backs, 0);
	}
	playbook_unref(&pb);
}

static void
a_lone_reputation_group_starts_nothing_whatever_it_does(void)
{
	struct playbook *pb = automatic("{on: blocked, run: out, mode: automatic}");

	for (uint64_t seed = 1; seed <= FLAPS; seed++) {
		struct world w = world_run(pb, seed, false, false, false, true);

		CHECK_INT(w.starts + w.shelters + w.asks + w.backs, 0);
		CHECK(w.state == LS_NORMAL);
	}
	playbook_unref(&pb);
}

static void
the_same_seed_decides_the_same(void)
{
	struct playbook *pb = automatic("{on: blocked, run: out, mode: automatic}");
	uint64_t other = 0;

	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct world a = world_run(pb, seed, true, true, false, false),
			     b = world_run(pb, seed, true, true, false, false);

		CHECK(a.trace == b.trace);
		other += a.trace != 0;
	}
	CHECK(other > 10);
	playbook_unref(&pb);
}

int
main(void)
{
	TEST(every_combination_of_health_agrees_with_the_oracle);
	TEST(flapping_starts_once_in_a_cooldown_at_most);
	TEST(a_wave_longer_than_for_starts_and_a_shorter_one_does_not);
	TEST(each_rule_of_waves_has_a_twin_that_breaks_it);
	TEST(who_is_paused_starts_nothing_whatever_flaps);
	TEST(a_lone_reputation_group_starts_nothing_whatever_it_does);
	TEST(the_same_seed_decides_the_same);
	return check_end();
}
