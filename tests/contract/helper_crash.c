/*
 * helper_crash.c - the relay's helper dies at each of its steps: whoever comes next finds the old
 * value or the new one, the same number ends it, a newer number undoes it, and the tables never say
 * anything third.
 *
 * The helper's own source is built into this program, with a RELAY_STEP that counts and dies at the
 * step asked for. The product has no such thing: no variable and no argument of it can make it die.
 */
#include "contract/helper_rig.h"
#include "lib/check.h"

static int steps_until_death; /* 0 = live */
static int steps_seen;

static void
step_done(void)
{
	if (++steps_seen == steps_until_death)
		_exit(137);
}

int helper_main(int argc, char **argv);
#define RELAY_STEP(name) step_done()
#define main helper_main
/* Its words for outcomes are not base/outcome.h's type; they meet only as text. */
#include "relay/helper/ferryman-relay.c"
#undef main

#define ROUTE "relay.route corp.example"
#define PARK "relay.park corp.example"

static struct rig_reply reply;

static const char *
call_at(int death, const char *const *words)
{
	static char in[1 << 17];

	steps_until_death = death;
	steps_seen = 0;
	rig_bytes(NULL, helper_main, in, rig_request(in, sizeof in, words, NULL), &reply);
	return reply.outcome;
}
#define CALL_AT(death, ...) call_at(death, (const char *const[]){ __VA_ARGS__, NULL })

static const char *
value_of(const char *resource)
{
	static char v[4096];
	const char *o = CALL_AT(0, "read", resource);
	char *s = rig_field(&reply, "value");

	(void)snprintf(v, sizeof v, "%s", s != NULL ? s : o);
	free(s);
	return v;
}

/* The tables are what the value says: no domain in a way that leads nowhere, no half share. */
static bool
tables_whole(void)
{
	char *d = rig_slurp(rig_path("home/maps/domains.lmdb")),
	     *s = rig_slurp(rig_path("home/maps/slots.lmdb"));
	size_t slots = 0;

	for (const char *p = s; (p = strchr(p, '\n')) != NULL; p++)
		slots++;
	bool whole = (slots == 0 && *d == '\0') ||
		     (slots == 20 && strcmp(d, "@corp.example\tferryman\n") == 0) ||
		     (slots == 10 && strcmp(d, "@corp.example\tferryman\n") == 0);
	if (!whole)
		printf("     domains \"%s\", %zu slots\n", d, slots);
	free(d);
	free(s);
	return whole;
}

/* While a change is under way Postfix may look at any time: a domain that is listed always finds a
 * way. */
static bool
tables_lead_somewhere(void)
{
	char *d = rig_slurp(rig_path("home/maps/domains.lmdb")),
	     *s = rig_slurp(rig_path("home/maps/slots.lmdb"));
	bool ok = *d == '\0' || *s != '\0';

	free(d);
	free(s);
	return ok;
}

struct change {
	const char *name, *resource, *before, *want;
};

static const struct change changes[] = {
	{ "out", ROUTE, "", RIG_NEXT },
	{ "back", ROUTE, RIG_NEXT, "" },
	{ "half", ROUTE, RIG_NEXT, "next nsmail:[relay.nsmail.example]:587\nshare 50\n" },
	{ "park", PARK, "", "parked\n" },
	{ "unpark", PARK, "parked\n", "" },
};

static void
to_base(const struct change *c)
{
	rig_new("");
	if (*c->before != '\0')
		CHECK_STR(CALL_AT(0, "apply", RIG_STORE, "5", c->resource, "", c->before, ""),
			"DONE");
	else
		CHECK_STR(CALL_AT(0, "fence", RIG_STORE, "5"), "DONE");
}

/* Dies at step `death` of the change; false when it has fewer steps. */
static bool
die_in(const struct change *c, int death)
{
	to_base(c);
	(void)CALL_AT(death, "apply", RIG_STORE, "10", c->resource, c->before, c->want, "");
	CHECK(reply.status == 137 ? reply.outcome[0] == '\0' : strcmp(reply.outcome, "DONE") == 0);
	CHECK(tables_lead_somewhere());
	return reply.status == 137;
}

static void
the_same_number_ends_what_a_death_left(void)
{
	int deaths = 0;

	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		const struct change *c = &changes[i];
		bool died = true;
		for (int k = 1; died; k++) {
			died = die_in(c, k);
			deaths += died;
			const char *v = value_of(c->resource);
			CHECK(strcmp(v, c->before) == 0 || strcmp(v, c->want) == 0);
			CHECK(tables_whole());
			CHECK_STR(CALL_AT(0, "apply", RIG_STORE, "10", c->resource, c->before,
					  c->want, ""),
				"DONE");
			CHECK_STR(value_of(c->resource), c->want);
			CHECK_STR(CALL_AT(0, "apply", RIG_STORE, "9", c->resource, c->want,
					  c->before, ""),
				"STALE");
			CHECK(tables_whole());
			rig_end();
		}
	}
	printf("%d deaths\n", deaths);
	CHECK(deaths >= 40);
}

static void
a_newer_number_undoes_what_a_death_left(void)
{
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		const struct change *c = &changes[i];
		bool died = true;
		for (int k = 1; died; k++) {
			died = die_in(c, k);
			/* ferryman's compensation: base is what the step wanted, want what it found
			 */
			CHECK_STR(CALL_AT(0, "apply", RIG_STORE, "11", c->resource, c->want,
					  c->before, ""),
				"DONE");
			CHECK_STR(value_of(c->resource), c->before);
			CHECK_STR(CALL_AT(0, "apply", RIG_STORE, "10", c->resource, c->before,
					  c->want, ""),
				"STALE");
			CHECK_STR(value_of(c->resource), c->before);
			rig_end();
		}
	}
}

static void
a_death_while_finishing_is_finished_too(void)
{
	const struct change *c = &changes[0];

	for (int k = 2; k <= 6; k++) {
		bool died = true;
		for (int j = 1; died && j < 40; j++) {
			CHECK(die_in(c, k));
			(void)CALL_AT(j, "read", c->resource);
			died = reply.status == 137;
			(void)CALL_AT(0, "read", c->resource);
			CHECK_STR(reply.outcome, "DONE");
			const char *v = value_of(c->resource);
			CHECK(strcmp(v, c->before) == 0 || strcmp(v, c->want) == 0);
			CHECK(tables_whole());
			rig_end();
		}
	}
}

int
main(int argc, char **argv)
{
	rig_tool(argc, argv);
	TEST(the_same_number_ends_what_a_death_left);
	TEST(a_newer_number_undoes_what_a_death_left);
	TEST(a_death_while_finishing_is_finished_too);
	return check_end();
}
