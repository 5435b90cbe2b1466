/*
 * vmachine.h - one machine (playbook and flow) on a virtual clock: evidence, decide() and
 * decide_command() as they are, and around them the least that the core does with a decision. Every
 * thing that is decided is kept in a trace. Times are milliseconds from the case's beginning.
 */
#ifndef FERRYMAN_TESTS_VMACHINE_H
#define FERRYMAN_TESTS_VMACHINE_H

#include "config/playbook.h"
#include "core/decide.h"
#include "core/evidence.h"
#include "core/ledger.h"

enum { TRACE_MAX = 20000, APPROVERS_MAX = 8 };

/* Monday, 14 May 2012, 12:00 UTC. */
#define CASE_WALL_MS INT64_C(1336996800000)
enum { CASE_BOOT_MS = 1000000 };

struct done {
	int64_t t;
	bool applied; /* false: looked, and did nothing; the reasons say why not */
	int exit;     /* a command's; -1: none */
	enum life_event event;
	const struct life_row *row;
	const struct procedure *procedure;
	char *said; /* reasons, one a line */
};

struct vmachine {
	struct playbook *pb;
	struct evidence *ev;
	struct facts f;
	const struct procedure *cutover; /* of the flow; NULL if there is none */
	int64_t now, wall_shift;
	struct lmoment since, asked_at,
		moved;	       /* in this state; people were asked; mail moved last */
	int64_t again;	       /* from decide(): look again then */
	int64_t shelter_until; /* 0: none */
	char approver[APPROVERS_MAX][32];
	char paused[128], led_by[64], stood_down[64];
	struct done trace[TRACE_MAX];
	size_t trace_n;
	bool loops; /* decide() never came to rest */
};

/* A person's command, and what the core would know of it. */
struct order {
	enum verb verb;
	const char *user;
	const char *override[OVERRIDE_MAX];
	size_t overrides_n;
	bool other_plan, expired, replayed, owner;
};

void vmachine_start(struct vmachine *m, struct playbook *pb, enum flow flow, enum life_state s);
void vmachine_end(struct vmachine *m);
void vmachine_note(const struct vmachine *m, int64_t ago_ms, struct lmoment *ret);
void vmachine_clock(struct vmachine *m, int64_t t); /* evidence is told; nothing is decided */
void vmachine_seen(struct vmachine *m, const struct signal *s, const char *subject,
	const struct event *answer); /* verdict, harm, class, via, why are taken from it */
void vmachine_decide(struct vmachine *m);
void vmachine_order(struct vmachine *m, const struct order *o);
int64_t vmachine_wake(const struct vmachine *m); /* INT64_MAX: only when something happens */

#endif
