/* test_run.c - runs of the core in a small world: out and back, undone, blocked, unsure, killed at
 * each record. */
#include "lib/check.h"
#include "lib/world.h"

#include "base/text.h"
#include "os/stdmem.h"

#include <stdlib.h>

enum { MINUTE = 60000, HOUR = 3600000 };

#define TXT "dns.rrset corp.example TXT"
#define ROUTE "relay.route corp.example"
#define PARK "relay.park corp.example"
#define CONNECTOR "tenant.connector to-relay"

static void
settle(struct world *w)
{
	world_start(w);
	CHECK(world_until_state(w, 5 * MINUTE, FLOW_OUTBOUND, "normal"));
}

static size_t
cut_over(struct world *w)
{
	return world_say(w, &(struct wask){ .verb = VERB_CUTOVER, .procedure = "out" });
}

static bool
on_backup(struct world *w)
{
	return text_eq(world_value(w, W_ZONE, TXT), WORLD_SPF_BOTH) &&
	       text_eq(world_value(w, W_HUB, ROUTE), WORLD_ROUTE) &&
	       text_eq(world_value(w, W_TENANT, CONNECTOR), "enabled\n") &&
	       text_eq(world_value(w, W_HUB, PARK), "");
}

static bool
on_primary(struct world *w)
{
	return text_eq(world_value(w, W_ZONE, TXT), WORLD_SPF) &&
	       text_eq(world_value(w, W_HUB, ROUTE), "") &&
	       text_eq(world_value(w, W_TENANT, CONNECTOR), "") &&
	       text_eq(world_value(w, W_HUB, PARK), "");
}

static void
a_person_cuts_over_and_fails_back(void)
{
	struct world *w = stdmem_get(sizeof *w);
	size_t req;

	world_init(w, NULL);
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
	CHECK_INT(w->broken_laws, 0);
	CHECK_INT(w->appends_most, 1);
	if (check_state.faults > 0)
		world_print(w);
	world_fini(w);
	free(w);
}

int
main(void)
{
	TEST(a_person_cuts_over_and_fails_back);
	(void)on_primary;
	return check_end();
}
