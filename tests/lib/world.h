/*
 * world.h - a small world for tests of the core: a store, three targets (a zone fenced by equality,
 * a hub by high water, a tenant not at all), probes, a clock. Everything answers as it should
 * unless the test scripts otherwise.
 *
 * Time is virtual: it moves to the next thing that happens, or to when the core wants to be woken.
 */
#ifndef FERRYMAN_TESTS_WORLD_H
#define FERRYMAN_TESTS_WORLD_H

#include "config/playbook.h"
#include "core/core.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORLD_STORE "0123456789abcdef0123456789abcdef"
#define WORLD_SPF "ttl 60\ntxt v=spf1 include:spf.cloud.example -all\n"
#define WORLD_SPF_BOTH "ttl 60\ntxt v=spf1 include:spf.cloud.example ip4:203.0.113.65 -all\n"
#define WORLD_ROUTE "next relay:[relay.example]:587\nshare 100\n"
#define WORLD_MX "ttl 60\nmx 10 mx.cloud.example\n"
#define WORLD_MX_BACKUP "ttl 60\nmx 10 mx.relay.example\n"

enum { W_ZONE, W_HUB, W_TENANT, W_TARGETS };
enum { W_TARGETS_MAX = 6, W_CELLS = 40, W_EFFECTS = 8192, W_REPLIES = 64, W_LINES = 4096 };

struct wcell {
	const char *resource;
	char value[512];
};

struct wtarget {
	const char *name;
	int like; /* W_ZONE, W_HUB, W_TENANT: what it refuses */
	char marker_store[33];
	uint64_t marker_lsn;
	struct wcell cell[W_CELLS];
	size_t cells_n;
	bool unreadable;
};

/* What a test does to an effect, by its number in the order of sending (from 0). */
enum fate {
	FATE_FINE,
	FATE_LOST,	 /* never arrives; UNKNOWN */
	FATE_REPLY_LOST, /* applied; UNKNOWN */
	FATE_LATE,	 /* UNKNOWN now, arrives after late_ms */
	FATE_TWICE,	 /* applied, answered, and a copy arrives after late_ms */
	FATE_RETRY,
	FATE_REFUSED,
	FATE_SILENT, /* applied, and never answered: the process is stopped before */
	FATE_AWAY,   /* on its way; world_late lets it arrive */
};

struct weffect {
	char run[48], step[96], target[32], resource[96], base[512], want[512];
	char options[96];
	enum effect_dir dir;
	uint64_t lsn, seen_lsn;
	int64_t sent_boot_ms, deadline_ms;
	bool applied, away;
	size_t records; /* in the journal when it left */
};

struct wreply {
	char req[32], body[8192];
	int exit;
	bool last;
};

struct world {
	struct core *core;
	struct playbook *pb, *other; /* other: an older text that a run may ask for */
	int64_t boot_ms, wall_ms;
	char boot_id[40];
	/* the store */
	char **record;
	char (*hash)[65];
	size_t records_n, room;
	uint64_t epoch, era;
	enum outcome append_as; /* of the next appends; OUT_DONE */
	/* a journal of the test's own beside this one: called before records count as stored; what
	 * it says is the append's outcome. NULL = none */
	enum outcome (*keep)(struct world *w, const struct action *a);
	void *keep_ctx;
	int64_t append_ms;
	size_t die_after; /* the process dies when so many records are stored; 0 = never */
	bool dead, halted;
	struct action halt;
	/* targets */
	struct wtarget *target; /* room for W_TARGETS_MAX */
	int targets_n;
	bool borrowed;		/* target and effect */
	struct weffect *effect; /* room for W_EFFECTS; only what is used costs memory */
	size_t effects_n;
	enum fate (*fate)(struct world *w, const struct weffect *e, size_t n);
	void (*before)(struct world *w,
		const struct weffect *e); /* just before it is judged at the target */
	int64_t late_ms;
	int64_t read_ms; /* how long a reading of a target takes; 0 = hardly any time */
	int64_t (*probe_ms)(
		const char *signal); /* how long a probe's answer takes; NULL = at once */
	void (*told)(
		struct world *w, const struct event *ev); /* an answer that the core has heard */
	void (*hears)(struct world *w,
		const struct event *ev); /* all that the core is told, just before; clocks set */
	bool (*in_window)(void *ctx, const struct window *of, size_t n,
		int64_t wall_ms); /* core_env's, for the next start; ctx is the world. NULL = never
				   */
	/* probes */
	bool primary_bad, backup_bad, listed, blind, junk;
	size_t verifies;
	/* what came out */
	struct wreply reply[W_REPLIES];
	size_t replies_n;
	char lines[W_LINES][200]; /* "topic body" of status lines, "notify severity text" */
	size_t lines_n;
	unsigned appends_open, appends_most, broken_laws;
	/* events on their way */
	struct wevent *event;
	size_t events_n, events_room;
	uint64_t events_seq;
	struct mem mem; /* of the core; a test may count and fail it */
	bool looking;	/* core_status is being asked, by the test itself */
	bool fresh, by_operator, one_shot;
	bool not_told; /* a start puts no playbook into force */
};

/*
 * world_init_book - with another playbook, which must be called corp. target, effect: memory of the
 * caller's that outlives a process, zeroed or as the process before has left it; NULL = its own.
 * world_target - one more target, by its name in the playbook; returns its number. world_cell - a
 * resource that it has.
 */
void world_init_book(
	struct world *w, const char *text, struct wtarget *target, struct weffect *effect);
extern const char world_inbound_book[]; /* mail to us: procedure in, domains corp and eu.corp */
int world_target(struct world *w, const char *name, int like);
void world_cell(struct world *w, int target, const char *resource, const char *value);

/* mode: "approve" or "automatic", of the responses and of the failback; "observe": of the playbook.
 * NULL = "approve". */
void world_init(struct world *w, const char *mode);
void world_fini(struct world *w);
struct playbook *world_playbook(const char *mode, const char *summary); /* for a replacement */
/* world_text - the text of that playbook, for world_init_book with something changed; its length.
 */
size_t world_text(const char *mode, const char *summary, char *ret, size_t room);

void world_start(struct world *w); /* fold, EV_OPEN, EV_PLAYBOOK */
/* world_load - a record that an earlier process has left, to be folded at the next start. */
void world_load(struct world *w, const char *record);
/* world_late - a request of an earlier process arrives after ms; nobody waits for its answer. */
void world_late(struct world *w, const struct weffect *e, int64_t ms);
void world_kill(struct world *w); /* the core is gone; what it had sent goes on */
void world_event(struct world *w, struct event *ev);
void world_pass(struct world *w, int64_t ms); /* let so much time pass */
bool world_until(struct world *w, int64_t ms,
	bool (*there)(struct world *w)); /* false: not within that time */
bool world_until_state(struct world *w, int64_t ms, enum flow flow, const char *state);

/* A person says something; the request's id is its number. Returns it. */
struct wask {
	enum verb verb, of;
	const char *procedure, *run, *plan_hash, *reason, *user, *override, *nonce;
	int64_t expires;
};
size_t world_say(struct world *w, const struct wask *a);
const struct wreply *world_reply(struct world *w, size_t req, bool last); /* NULL: none yet */
const char *world_field(const struct wreply *r, const char *key);	  /* of its body; "" */

const char *world_value(struct world *w, int target, const char *resource);
void world_edit(struct world *w, int target, const char *resource, const char *value);
const char *world_state(struct world *w, enum flow flow);
const char *world_run_state(
	struct world *w, const char *kind); /* of the newest run of that kind; "" */
size_t world_count(struct world *w, const char *type,
	const char *part);			    /* records of a type whose text has part */
bool world_said(struct world *w, const char *part); /* a status line or notification */
void world_print(struct world *w);		    /* the journal, for a test that fails */

#endif
