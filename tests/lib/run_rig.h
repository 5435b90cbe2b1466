/*
 * run_rig.h - one run of the core in a small world: what is common to the tests of runs.
 */
#ifndef FERRYMAN_TESTS_RUN_RIG_H
#define FERRYMAN_TESTS_RUN_RIG_H

#include "lib/check.h"
#include "lib/world.h"

#include "base/text.h"
#include "os/stdmem.h"

#include <stdlib.h>

/* Each program uses its part of these. */
#pragma GCC diagnostic ignored "-Wunused-function"

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

static struct world *
world_new(const char *mode)
{
	struct world *w = stdmem_get(sizeof *w);

	world_init(w, mode);
	return w;
}

/* The laws hold in every test; a journal is printed where a check failed. */
static void
world_end(struct world *w)
{
	CHECK_INT(w->broken_laws, 0);
	CHECK(w->appends_most <= 1);
	for (size_t i = 0; i < w->effects_n;
		i++) { /* each effect left after its intent was stored */
		char lsn[64];
		bool durable = false;

		(void)snprintf(lsn, sizeof lsn, "\"type\":\"INTENT\",\"seq\":");
		for (size_t k = 0; k < w->effect[i].records && k < w->records_n && !durable; k++) {
			char mark[64];

			(void)snprintf(mark, sizeof mark, "\"lsn\":%llu,",
				(unsigned long long)w->effect[i].lsn);
			durable = strstr(w->record[k], lsn) != NULL &&
				  strstr(w->record[k], mark) != NULL;
		}
		CHECK(durable);
	}
	if (check_state.faults > 0)
		world_print(w);
	world_fini(w);
	free(w);
}

#endif
