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

/* The id of the first run of that kind. */
static void
first_of(struct world *w, const char *kind, char *ret, size_t room)
{
	char part[64];

	(void)snprintf(part, sizeof part, "\"kind\":\"%s\"", kind);
	for (size_t i = 0; i < w->records_n && ret[0] == '\0'; i++) {
		const char *run = strstr(w->record[i], "\"run\":\"");

		if (run != NULL && strstr(w->record[i], "\"type\":\"START\"") != NULL &&
			strstr(w->record[i], part) != NULL)
			(void)snprintf(ret, room, "%.*s", (int)strcspn(run + 7, "\""), run + 7);
	}
}

/* `status` says so, somewhere. */
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

/* The laws hold in every test; a journal is printed where a check failed. */
static void
world_end(struct world *w)
{
	CHECK_INT(w->broken_laws, 0);
	CHECK(w->appends_most <= 1);
	CHECK_INT(world_count(w, "ROW", "\"\"]"), 0); /* a reason says something */
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
