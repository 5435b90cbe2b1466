/* cells.h - what evidence.c, diagnose.c and schedule.c share. Inside the evidence's own files only.
 */
#ifndef FERRYMAN_CORE_CELLS_H
#define FERRYMAN_CORE_CELLS_H

#include "core/evidence.h"

enum { RING = 64, WHY_MAX = 240, CLASS_MAX_ = 64, RECEIVERS_MAX = 64 };
enum health { HEALTH_UNKNOWN, HEALTH_OK, HEALTH_BAD };

struct seen {
	int64_t boot_ms;
	int64_t until_boot_ms; /* after it the observation is stale */
	enum verdict verdict;
	bool harm;
	bool blind; /* it came while nothing was to be believed: it may be of ourselves */
};

/* Evidence of one signal about one subject, attributed to one path. */
struct cell {
	const struct signal *sig;
	const struct subject *subject;
	const struct path *path; /* NULL: an anchor */
	char class[CLASS_MAX_];
	struct seen ring[RING]; /* known observations, newest at (n - 1) % RING */
	size_t n;
	int64_t last_boot_ms; /* of any observation, known or not */
	enum health health, told;
	int untested_n;	      /* its newest observations whose source did not pass its own test */
	bool scar;	      /* was bad and has not been ok since: silence does not heal */
	bool away;	      /* had a scar, and its subject is heard of another way since */
	char why[WHY_MAX];    /* of the newest observation */
	char tipped[WHY_MAX]; /* of the newest bad one */
};

struct ask {
	const struct signal *sig;
	const struct subject *subject;
	int64_t next_boot_ms;
	int64_t running_until; /* 0 = not asked */
};

struct path_since {
	int64_t ok[FLOW_N];
};

struct evidence {
	struct mem mem;
	struct playbook *pb;
	struct cell *cell;
	size_t cells_n;
	struct ask *ask;
	size_t asks_n;
	struct diag_view *diag;
	bool *clear_running;
	struct path_since *since;
	int64_t boot_ms, wall_ms, offset_ms;
	bool timed;	    /* boot_ms and wall_ms have been told */
	int64_t jump_until; /* the wall clock has been steady again from then on */
	bool doubted;	    /* it jumped, and no anchor has answered since */
	char blind[WHY_MAX + 128];
	bool dark; /* what is seen now is not to be believed: anchors asked in vain, a clock that
		    * jumped, a source that fails its self-test */
	uint64_t rng;
};

/* cell_note_receiver - its receiver class joins the list, once; a door of the path has none. */
void cell_note_receiver(const struct cell *c, const char *list[static RECEIVERS_MAX], size_t *n);
bool cell_fresh(
	const struct cell *c, int64_t boot_ms); /* the newest known observation still counts */
int cell_votes(const struct cell *c, int m,
	bool bad); /* how many of the last m that count are bad, or are not */
/* A bad observation among those that count has harm, and nothing was seen through a silent line
 * since. */
bool cell_harm(const struct cell *c);
bool cell_scar(const struct cell *c); /* of a path that this signal is asked about */
/* Some of its signal's subjects were bad on this path and are heard of another way since: the
 * others do not speak for them. */
bool cell_half_away(const struct evidence *e, const struct cell *of);
bool cell_flow(const struct cell *c, enum flow f);
void diagnose(struct evidence *e);	/* diagnose.c */
void schedule_init(struct evidence *e); /* schedule.c */
void schedule_answered(struct evidence *e, const struct signal *s, const struct subject *subject);
int64_t schedule_wake(const struct evidence *e);

#endif
