/*
 * test_shown.c - what the plan shows is what is done. Playbooks and targets are drawn; each plan is
 * asked for, its printed text and its commands by hand are read as a person reads them, and every
 * effect that then leaves is held against them: target, resource, value before and after, order.
 *
 * Not shown by the text, and so not compared: the order of the lines within one value.
 */
#include "base/num.h"
#include "cli/byhand.h"
#include "core/plan.h"
#include "lib/run_rig.h"
#include "lib/shown.h"
#include "os/digest.h"

enum { TEXT_ROOM = 16384, ARENA_ROOM = 8 << 20, HELD_MAX = 16, WORLDS = 400, SOAK_WORLDS = 20000 };

#define MX "dns.rrset corp.example MX"

static const char *const hosts[] = { "192.0.2.53", "zone", "192.0.2.10", "hub", "corp.example",
	"tenant", NULL };

static struct {
	size_t runs, effects, lines, commands, idle, parked, asked, voided, twins, found;
} told;

/* --- chance --- */

static uint64_t chance;

static unsigned
draw(unsigned n)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return (unsigned)(chance >> 33) % n;
}

static const char *
one_of(const char *const *list, unsigned n)
{
	return list[draw(n)];
}

/* --- a world --- */

static const char inbound[] =
	"procedures:\n"
	"  in:\n"
	"    kind: cutover\n"
	"    flow: inbound\n"
	"    to: relay\n"
	"    steps:\n"
	"      - {name: send it to the relay, mx.switch: {zone: zone}, pivot: true}\n"
	"      - {name: see it, wait.published: {zone: zone}}\n"
	"    failback: {mode: approve, soak: 20m, require: [primary-ready]}\n";

static void
swap(char text[TEXT_ROOM], const char *from, const char *to)
{
	char old[TEXT_ROOM];
	char *at;

	memcpy(old, text, TEXT_ROOM);
	at = strstr(old, from);
	if (at == NULL)
		abort();
	(void)snprintf(text, TEXT_ROOM, "%.*s%s%s", (int)(at - old), old, to, at + strlen(from));
}

static struct world *
drawn_world(void)
{
	static const char *const points[] = { "switch: {at: [tenant, hub]", "switch: {at: [hub]",
		"switch: {at: [tenant]" };
	static const char *const orders[] = { "[canaries, 5%, 100%]", "[canaries, 100%]", "[100%]",
		"[canaries, 5%, 50%, 100%]" };
	static const char *const rates[] = { "rate: 10 per s",
		"rate: 10 per s, per_receiver: 2 per s", "rate: 30 per m" };
	static const char *const spf[] = { "spf: [\"ip4:203.0.113.65\"]",
		"spf: [\"ip4:203.0.113.64/29\"]",
		"spf: [\"include:spf.relay.example\", \"ip4:203.0.113.65\"]" };
	static const char *const records[] = { WORLD_SPF, WORLD_SPF_BOTH,
		"ttl 60\ntxt other=1\ntxt v=spf1 include:spf.cloud.example -all\n",
		"ttl 300\ntxt v=spf1 mx include:spf.cloud.example ~all\n",
		"ttl 60\ntxt b \"quoted\" one\ntxt v=spf1 include:spf.cloud.example ?all\n" };
	struct world *w = stdmem_get(sizeof *w);
	char text[TEXT_ROOM];

	(void)world_text("approve", "drawn", text, sizeof text);
	swap(text, "switch: {at: [tenant, hub]", one_of(points, 3));
	swap(text, "[canaries, 5%, 100%]", one_of(orders, 4));
	swap(text, "rate: 10 per s", one_of(rates, 3));
	swap(text, "spf: [\"ip4:203.0.113.65\"]", one_of(spf, 3));
	swap(text, "procedures:\n", inbound);
	world_init_book(w, text, NULL, NULL);
	world_edit(w, W_ZONE, TXT, one_of(records, 5));
	return w;
}

/* The state is asked for twice a minute: reading it costs more than all else here. */
static bool
until(struct world *w, int64_t ms, enum flow flow, const char *state)
{
	for (int64_t at = 0; at < ms; at += MINUTE / 2) {
		const char *is = world_state(w, flow);

		/* recovering is on the backup too, when the primary is well */
		if (text_eq(is, state) ||
			(text_eq(is, "recovering") && text_eq(state, "on-backup")))
			return true;
		world_pass(w, MINUTE / 2);
	}
	return false;
}

/* --- what leaves, and what stood there --- */

static char held[HELD_MAX][SHOWN_VALUE];
static size_t held_n;

static void
before_effect(struct world *w, const struct weffect *e)
{
	int t = text_eq(e->target, "zone") ? W_ZONE : text_eq(e->target, "hub") ? W_HUB : W_TENANT;

	if (held_n == HELD_MAX)
		abort();
	(void)snprintf(held[held_n++], SHOWN_VALUE, "%s", world_value(w, t, e->resource));
}

/* One effect as it left, with the value that it met. */
struct sent {
	char target[32], resource[96], before[SHOWN_VALUE], base[SHOWN_VALUE], want[SHOWN_VALUE];
	char options[96];
	enum effect_dir dir;
};
struct sent_list {
	struct sent at[HELD_MAX];
	size_t n;
	bool parked; /* mail waited at the hub when it began */
};

static void
take_sent(const struct world *w, size_t from, struct sent_list *ret)
{
	ret->n = 0;
	for (size_t i = from; i < w->effects_n; i++) {
		const struct weffect *e = &w->effect[i];
		struct sent *s = &ret->at[ret->n];

		memset(s, 0, sizeof *s);
		memcpy(s->target, e->target, sizeof s->target);
		memcpy(s->resource, e->resource, sizeof s->resource);
		memcpy(s->base, e->base, sizeof s->base);
		memcpy(s->want, e->want, sizeof s->want);
		memcpy(s->options, e->options, sizeof s->options);
		memcpy(s->before, held[ret->n++], SHOWN_VALUE);
		s->dir = e->dir;
	}
}

/* "rate 10/1000" as the text says it. */
static void
put_rate(const char *options, char ret[96])
{
	const char *line;
	size_t n, at = 0;

	ret[0] = '\0';
	while (text_line(&options, &line, &n)) {
		long long count, ms;
		char key[32];

		if (sscanf(line, "%31s %lld/%lld", key, &count, &ms) != 3)
			continue;
		at += (size_t)snprintf(ret + at, 96 - at, "%s%lld per %s%s", at > 0 ? ", " : "",
			count,
			ms == 1000    ? "s"
			: ms == 60000 ? "min"
				      : "?",
			text_eq(key, "per_receiver") ? " for each receiver" : "");
	}
}

static bool
fits(const struct shown *s, const struct sent *e)
{
	char after[SHOWN_VALUE], rate[96];

	if (e->dir != DIR_DO || !text_eq(s->target, e->target) ||
		!text_eq(s->resource, e->resource))
		return false;
	put_rate(e->options, rate);
	if (s->act)
		return rate[0] != '\0' && text_eq(s->rate, rate);
	return rate[0] == '\0' && text_eq(e->base, e->before) && shown_apply(s, e->before, after) &&
	       shown_same(after, e->want);
}

/* A line that comes to nothing: it is so already, or it lets go where nothing waits. */
static bool
idle(const struct shown *s, bool parked)
{
	return s->already || (s->act && !parked);
}

/* Every effect is a line of the plan, and every line an effect but those that come to nothing, in
 * that order. */
static bool
matches(const struct shown_list *plan, const struct sent_list *sent)
{
	size_t k = 0;

	for (size_t i = 0; i < plan->n; i++) {
		if (idle(&plan->at[i], sent->parked))
			continue;
		if (k == sent->n || !fits(&plan->at[i], &sent->at[k++]))
			return false;
	}
	return k == sent->n;
}

/* --- the twins: one effect less, one more, another value, another order, one line less --- */

static void
twin(const struct shown_list *plan, const struct sent_list *sent)
{
	told.twins++;
	told.found += !matches(plan, sent);
}

static void
twins(const struct shown_list *plan, const struct sent_list *sent)
{
	struct shown_list *p = stdmem_get(sizeof *p);
	struct sent_list *s = stdmem_get(sizeof *s);

	for (size_t i = 0; i < sent->n; i++) {
		*s = *sent;
		memmove(&s->at[i], &s->at[i + 1], (--s->n - i) * sizeof s->at[0]);
		twin(plan, s);
		*s = *sent;
		s->at[s->n++] = s->at[i];
		twin(plan, s);
		*s = *sent;
		if (s->at[i].options[0] != '\0')
			s->at[i].options[5]++;
		else
			(void)snprintf(s->at[i].want, SHOWN_VALUE, "another\n%s", sent->at[i].base);
		twin(plan, s);
		if (i + 1 == sent->n)
			continue;
		*s = *sent;
		s->at[i] = sent->at[i + 1];
		s->at[i + 1] = sent->at[i];
		twin(plan, s);
	}
	for (size_t i = 0; i < plan->n; i++) {
		if (idle(&plan->at[i], sent->parked))
			continue;
		*p = *plan;
		memmove(&p->at[i], &p->at[i + 1], (--p->n - i) * sizeof p->at[0]);
		twin(p, sent);
	}
	free(p);
	free(s);
}

/* --- commands --- */

static int
target_named(const char *name)
{
	return text_eq(name, "zone") ? W_ZONE : text_eq(name, "hub") ? W_HUB : W_TENANT;
}

/* The value of a resource when the first `steps` lines of the plan are done. */
static bool
value_after(struct world *w, const struct shown_list *plan, size_t steps, const struct shown *of,
	char ret[SHOWN_VALUE])
{
	(void)snprintf(
		ret, SHOWN_VALUE, "%s", world_value(w, target_named(of->target), of->resource));
	for (size_t i = 0; i < steps; i++) {
		const struct shown *s = &plan->at[i];
		char old[SHOWN_VALUE];

		if (s->act || s->already || !text_eq(s->target, of->target) ||
			!text_eq(s->resource, of->resource))
			continue;
		memcpy(old, ret, SHOWN_VALUE);
		if (!shown_apply(s, old, ret))
			return false;
	}
	return true;
}

static bool
rates_agree(const char *pause, const char *rate)
{
	double each = atof(pause), n = atof(rate);
	double per = strstr(rate, " per m") != NULL ? 60 : 1;
	const char *second = strchr(rate, ',');

	if (second != NULL)
		n = atof(second + 1) < n ? atof(second + 1) : n;
	return each > 0 && n > 0 && each * n > 0.99 * per && each * n < 1.01 * per;
}

/* The commands change the same things to the same values in the same order; what is so already may
 * be typed once more. */
static bool
hands_match(struct world *w, const struct shown_list *plan, const struct shown_list *hand)
{
	char was[SHOWN_VALUE], is[SHOWN_VALUE];

	if (plan->n != hand->n)
		return false;
	for (size_t i = 0; i < plan->n; i++) {
		const struct shown *p = &plan->at[i], *h = &hand->at[i];

		if (!text_eq(p->target, h->target) || !text_eq(p->resource, h->resource) ||
			p->act != h->act)
			return false;
		if (p->act && !rates_agree(h->rate, p->rate))
			return false;
		if (!p->act &&
			(!value_after(w, plan, i, p, was) || !value_after(w, plan, i + 1, p, is) ||
				!shown_same(is, h->after)))
			return false;
		if (!p->act && h->minus[0] != '\0' && /* a zone says what it must find; no TTL */
			!shown_same(h->minus, strchr(was, '\n') + 1))
			return false;
	}
	return true;
}

static void
hand_twins(struct world *w, const struct shown_list *plan, const struct shown_list *hand)
{
	struct shown_list *h = stdmem_get(sizeof *h);

	for (size_t i = 0; i < hand->n; i++) {
		*h = *hand;
		memmove(&h->at[i], &h->at[i + 1], (--h->n - i) * sizeof h->at[0]);
		told.found += !hands_match(w, plan, h);
		*h = *hand;
		if (h->at[i].act)
			(void)snprintf(h->at[i].rate, sizeof h->at[i].rate, "7.000");
		else
			(void)snprintf(
				h->at[i].after, SHOWN_VALUE, "another\n%.400s", hand->at[i].after);
		told.found += !hands_match(w, plan, h);
		told.twins += 2;
	}
	free(h);
}

/* --- a plan is asked for --- */

/* Which procedure, which way, and who says yes: the one who orders it, or another who is asked. */
struct way {
	const char *proc, *override;
	enum flow flow;
	enum plan_direction dir;
	bool asked;
};

struct shown_plan {
	char text[TEXT_ROOM], hash[65];
	struct shown_list lines, hands;
};

static void
read_reply(struct world *w, size_t req, struct shown_plan *ret)
{
	const struct wreply *r = world_reply(w, req, true);
	struct arena *a = arena_new(&stdmem, ARENA_ROOM);
	size_t at = 0;
	const struct json *o = r != NULL ? json_read(a, r->body, strlen(r->body), &at) : NULL;
	const char *text = json_str(o, "text"), *hash = json_str(o, "plan_hash");

	CHECK(r != NULL && r->exit == 0 && text != NULL && hash != NULL);
	(void)snprintf(ret->text, sizeof ret->text, "%s", text != NULL ? text : "");
	(void)snprintf(ret->hash, sizeof ret->hash, "%s", hash != NULL ? hash : "");
	CHECK(shown_text(ret->text, &ret->lines));
	arena_free(&a);
}

/* As `ferryman plan` makes it, without the core: the same hash and text, and the commands. */
static void
plan_beside(struct world *w, const struct way *y, struct shown_plan *ret)
{
	struct arena *a = arena_new(&stdmem, ARENA_ROOM);
	const struct procedure *proc = playbook_procedure(w->pb, y->proc);
	const struct plan_read *want;
	size_t n = plan_reads(a, w->pb, proc, y->dir, &want);
	struct plan_value *v = arena_get(a, (n + 1) * sizeof *v);
	const struct plan *p = NULL;
	struct err err = { 0 };
	struct buf text, hand;

	buf_init(&text, &stdmem, TEXT_ROOM);
	buf_init(&hand, &stdmem, TEXT_ROOM);
	for (size_t i = 0; i < n; i++) {
		const char *name = want[i].target->name;
		const char *r = want[i].resource;
		bool marker = text_eq(r, FENCE_MARKER);

		v[i] = (struct plan_value){ .target = name,
			.resource = r,
			.value = marker ? "" : world_value(w, target_named(name), r),
			.known = true };
	}
	CHECK_INT(plan_build(a, w->pb, proc, y->dir, v, n, WORLD_STORE, &y->override,
			  y->override != NULL, digest_sha256, NULL, &p, &err),
		RC_OK);
	if (p != NULL) {
		plan_text(p, &text, false);
		byhand_put(p, &hand);
		CHECK_STR(p->hash, ret->hash);
		CHECK_STR(buf_text(&text), ret->text);
		CHECK(shown_by_hand(buf_text(&hand), hosts, &ret->hands));
		if (!hands_match(w, &ret->lines, &ret->hands)) {
			CHECK_NEVER("the commands by hand are not what the plan shows");
			printf("%s%s", ret->text, buf_text(&hand));
		}
		hand_twins(w, &ret->lines, &ret->hands);
	}
	buf_fini(&text);
	buf_fini(&hand);
	arena_free(&a);
}

static enum verb
verb_of(const struct way *y)
{
	return y->dir == PLAN_OUT ? VERB_CUTOVER : VERB_FAILBACK;
}

static void
ask_plan(struct world *w, const struct way *y, struct shown_plan *ret)
{
	size_t req = world_say(w, &(struct wask){ .verb = VERB_PLAN,
					  .of = verb_of(y),
					  .procedure = y->proc,
					  .override = y->override });

	world_pass(w, 5000);
	read_reply(w, req, ret);
	plan_beside(w, y, ret);
}

/* The yes to the plan that was shown, by its hash. */
static size_t
say_yes(struct world *w, const struct way *y, const struct shown_plan *p)
{
	if (y->asked)
		return world_say(
			w, &(struct wask){
				   .verb = VERB_APPROVE, .user = "ben", .plan_hash = p->hash });
	return world_say(w, &(struct wask){ .verb = verb_of(y),
				    .procedure = y->proc,
				    .plan_hash = p->hash,
				    .override = y->override });
}

/* --- what was shown is run --- */

static void
compare(struct world *w, const struct shown_plan *p, size_t from, bool parked)
{
	struct sent_list *sent = stdmem_get(sizeof *sent);
	char mark[96];

	take_sent(w, from, sent);
	sent->parked = parked;
	(void)snprintf(mark, sizeof mark, "\"plan_hash\":\"%s\"", p->hash);
	CHECK_INT(world_count(w, "START", mark), 1);
	if (!matches(&p->lines, sent)) {
		CHECK_NEVER("what left is not what the plan shows");
		printf("%s", p->text);
		for (size_t i = 0; i < sent->n; i++)
			printf("  sent %s at %s: %s -> %s%s\n", sent->at[i].resource,
				sent->at[i].target, sent->at[i].base, sent->at[i].want,
				sent->at[i].options);
	}
	twins(&p->lines, sent);
	told.runs++;
	told.effects += sent->n;
	told.commands += p->hands.n;
	for (size_t i = 0; i < p->lines.n; i++) {
		told.lines += !idle(&p->lines.at[i], parked);
		told.idle += idle(&p->lines.at[i], parked);
	}
	free(sent);
}

/* Somebody edits the record behind the plan: a yes to what was shown starts nothing. */
static void
void_first(struct world *w, const struct way *y, struct shown_plan *p)
{
	const char *record = y->flow == FLOW_OUTBOUND ? TXT : MX;
	char value[512];
	size_t req, effects = w->effects_n, starts = world_count(w, "START", NULL);

	(void)snprintf(value, sizeof value, "ttl %u\n%s", 61 + draw(1000),
		strchr(world_value(w, W_ZONE, record), '\n') + 1);
	world_edit(w, W_ZONE, record, value);
	req = say_yes(w, y, p);
	world_pass(w, 30000);
	CHECK(y->asked ||
		(world_reply(w, req, true) != NULL && world_reply(w, req, true)->exit == 3));
	CHECK_INT(w->effects_n, effects);
	CHECK_INT(world_count(w, "START", NULL), starts);
	told.voided++;
	ask_plan(w, y, p);
}

static void
go(struct world *w, const struct way *y, struct shown_plan *p)
{
	bool parked = y->flow == FLOW_OUTBOUND && world_value(w, W_HUB, PARK)[0] != '\0';
	size_t from;

	if (check_state.faults > 0)
		return;
	ask_plan(w, y, p);
	if ((y->dir == PLAN_OUT || y->flow == FLOW_INBOUND) && draw(4) == 0)
		void_first(w, y, p); /* the failback of outbound mail leaves the record alone */
	from = w->effects_n;
	held_n = 0;
	(void)say_yes(w, y, p);
	CHECK(until(w, 3 * HOUR, y->flow, y->dir == PLAN_OUT ? "on-backup" : "normal"));
	compare(w, p, from, parked);
}

/* Harm is seen, and mail parked before anybody decides. */
static void
shelter(struct world *w, bool asked)
{
	w->primary_bad = w->listed = true;
	CHECK(until(w, 30 * MINUTE, FLOW_OUTBOUND, asked ? "awaiting-approval" : "suspect"));
	world_pass(w, 20000);
	CHECK_STR(world_value(w, W_HUB, PARK), "parked\n");
	told.parked++;
	told.asked += asked;
}

static void
out_and_home(struct world *w, struct shown_plan *p)
{
	struct way out = { .proc = "out", .flow = FLOW_OUTBOUND, .dir = PLAN_OUT };
	struct way in = { .proc = "in", .flow = FLOW_INBOUND, .dir = PLAN_OUT };
	bool both = draw(4) == 0;

	world_start(w);
	CHECK(until(w, 5 * MINUTE, FLOW_OUTBOUND, "normal"));
	if (draw(2) == 0) {
		out.asked = draw(2) == 0;
		shelter(w, out.asked);
	}
	go(w, &out, p);
	w->primary_bad = w->listed = false;
	if (both)
		go(w, &in, p);
	world_pass(w, 10 * MINUTE);
	out.dir = in.dir = PLAN_BACK;
	out.override = in.override = "soak";
	out.asked = false;
	go(w, &out, p);
	if (both)
		go(w, &in, p);
}

static void
what_is_shown_is_done(void)
{
	const char *many = getenv("FERRYMAN_SHOWN"), *soak = getenv("FERRYMAN_SOAK");
	int64_t n = soak != NULL ? SOAK_WORLDS : WORLDS;
	struct shown_plan *p = stdmem_get(sizeof *p);

	CHECK(many == NULL || num_int(many, &n));
	for (int64_t i = 0; i < n && check_state.faults == 0; i++) {
		struct world *w;

		chance = 0x9e3779b97f4a7c15u * ((uint64_t)i + 1);
		w = drawn_world();
		w->before = before_effect;
		out_and_home(w, p);
		world_end(w);
	}
	free(p);
	CHECK(told.effects > 0 && told.effects == told.lines && told.idle > 0 && told.voided > 0);
	CHECK_INT(told.found, told.twins);
	printf("     %zu runs: %zu effects, each a line of its plan; %zu lines, each an effect\n",
		told.runs, told.effects, told.lines);
	printf("     beside them %zu lines that come to nothing, %zu commands by hand, %zu plans "
	       "void, %zu "
	       "with mail parked, %zu approved\n",
		told.idle, told.commands, told.voided, told.parked, told.asked);
	printf("     %zu of %zu changed ones are seen: one less, one more, another value, another "
	       "order, a "
	       "line less, another command\n",
		told.found, told.twins);
}

int
main(void)
{
	TEST(what_is_shown_is_done);
	return check_end();
}
