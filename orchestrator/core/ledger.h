/*
 * ledger.h - the durable state: what the records add up to. Changed by ledger_fold alone; everybody
 * else reads.
 */
#ifndef FERRYMAN_CORE_LEDGER_H
#define FERRYMAN_CORE_LEDGER_H

#include "base/arena.h"
#include "base/err.h"
#include "config/playbook.h"
#include "core/action.h"
#include "core/effects.h"
#include "core/lifecycle.h"
#include "core/record.h"

enum {
	LEDGER_STEP_ID = 96,
	NAME_MAX_ = 64,
	RUN_ID_MAX = 40,
	LEDGER_STEPS = 64,
	LEDGER_APPROVALS = 9,
	LEDGER_NONCES = 64
};

/* A moment by both clocks: within one boot its distance is told by the one that nobody sets.
 * wall_ms is counted back by that clock from the last record of its boot, once another one has
 * begun. */
struct lmoment {
	int64_t boot_ms, wall_ms; /* wall_ms 0: there was none yet */
	char boot_id[40];
};

/* One machine: a playbook's flow. */
struct lmachine {
	char playbook[NAME_MAX_];
	enum flow flow;
	enum life_state state, before; /* before: as the process before this one left it */
	int row;
	int64_t since_wall_ms;
	char why[256];
	char diagnosis[NAME_MAX_];  /* that led to the state; "" = none */
	char stood_down[NAME_MAX_]; /* diagnosis denied or timed out; "" = none */
	/* the plan that waits for approval */
	char ask_hash[65];
	int64_t ask_wall_ms;
	char approved_by[LEDGER_APPROVALS][NAME_MAX_];
	int approvals, denials;
	bool alarmed;
	struct lmoment since, ask;
	struct lmoment last_move; /* end of the last cut-over or failback */
};

struct lbrake {
	char playbook[NAME_MAX_];
	bool on;
	char by[NAME_MAX_], reason[256];
	int64_t expires_wall_ms;
	bool eject;   /* ferryman is taken out, or being taken out */
	uint64_t seq; /* of the record that pulled it */
};

/* A value that we have changed, and that is not back to what it was before. */
struct lleft {
	char domain[160], resource[320]; /* fence domain */
	char *base;			 /* before our first change, owned */
};

enum lrun_state {
	LR_FORWARD,
	LR_BACKWARD,
	LR_BLOCKED,
	LR_DONE,
	LR_UNDONE,
	LR_OPEN /* a shelter in force */,
	LR_FAILED
};
enum lrun_kind { LK_CUTOVER, LK_FAILBACK, LK_SHELTER, LK_UNSHELTER, LK_EJECT, LK_N };
const char *lrun_kind_name(enum lrun_kind k);
const char *lrun_state_name(enum lrun_state s);

/* What the journal knows of one step. */
struct lstep {
	char id[LEDGER_STEP_ID];
	uint64_t do_lsn, undo_lsn; /* newest intent in each direction; 0 = none */
	bool do_answered, undo_answered;
	enum outcome do_outcome, undo_outcome;
	bool done, undone; /* RESULT DONE or UNCHANGED in that direction */
	int64_t done_wall_ms;
	uint64_t done_era; /* of that RESULT */
	bool changed;	   /* done with an effect, not UNCHANGED */
	bool pivot;
};

struct lrun {
	char id[RUN_ID_MAX];
	char playbook[NAME_MAX_], sha256[65], procedure[NAME_MAX_];
	enum flow flow;
	enum lrun_kind kind;
	enum lrun_state state;
	bool was_backward; /* blocked on the way back */
	bool pivoted;	   /* the pivot's INTENT is in the journal, or that it was there already */
	bool noted;	   /* the machine has taken note of its end, or of its standing still */
	bool adopted;	   /* a shelter that a cut-over took over */
	struct effects effects;
	char hash[65], by[NAME_MAX_], reason[256], why[512];
	char *plan; /* canonical JSON, owned */
	size_t plan_n;
	int64_t start_wall_ms, end_wall_ms;
	struct lmoment start, end;
	uint64_t brake_named; /* seq of the newest order for it that named the brake; 0 = none */
	uint64_t era;	      /* in which it last did something, or began */
	struct lstep step[LEDGER_STEPS];
	size_t steps_n;
};

struct ldomain {
	char name[160];
	uint64_t lsn; /* current intent */
	bool answered;
	bool older; /* an intent before it was never answered, and nothing has been accepted since;
		       or an older number stands where ours was taken out: it may still land */
	bool removes;  /* the current intent takes our number out */
	bool removing; /* it, or one before it that may still land: the number may be gone */
	/* Something that expects no number there was sent until then at the latest, or an older
	 * era may have sent it. */
	bool bare; /* the current intent is such */
	char bare_boot_id[40];
	int64_t bare_boot_ms;
	char playbook[NAME_MAX_], target[NAME_MAX_];
	uint64_t fenced_era; /* era in which a fence or an effect was accepted */
	/* the current intent, as a retry must send it again */
	char run[RUN_ID_MAX], step[LEDGER_STEP_ID], dir[8];
	char *intent; /* its body, owned; NULL once it is answered */
	size_t intent_n;
	int64_t effect_ms;	  /* how long the effect might take */
	char touched_boot_id[40]; /* when it was last sent to or heard of */
	int64_t touched_boot_ms;
};

/* A playbook's text that was last in force. */
struct lbook {
	char name[NAME_MAX_], sha256[65];
};

struct ledger {
	struct mem mem;
	uint64_t seq, epoch, era, lsn;
	char hash[65];
	struct lmachine *machine;
	size_t machines_n;
	struct lbrake *brake;
	size_t brakes_n;
	struct lrun *run; /* in order of START; old ended ones are dropped */
	size_t runs_n;
	struct ldomain *domain;
	size_t domains_n;
	struct lleft *left;
	size_t left_n;
	struct lbook *book;
	size_t books_n;
	char nonce[LEDGER_NONCES][65]; /* of the newest approvals, a ring */
	size_t nonces_n;
	struct lmoment auto_at[64]; /* newest automatic cut-overs, a ring */
	size_t autos_n;
	struct lmoment booted; /* first OPENED of the newest boot */
	char boot_id[40];
	int64_t boot_ms, wall_ms; /* of the last record */
	bool failed;		  /* memory ran out */
};

struct lnow {
	const char *boot_id;
	int64_t boot_ms, wall_ms;
	int64_t skew_ms; /* how far the wall clock has been set since this boot's first record */
};

void ledger_init(struct ledger *l, const struct mem *mem);
void ledger_fini(struct ledger *l);

/* ledger_fold - one record; hash is that of its stored bytes. RC_CORRUPT when it does not follow
 * the one before. */
enum rc ledger_fold(struct ledger *l, const struct record *r, const char *hash, struct err *err);

struct lmachine *ledger_machine(struct ledger *l, const char *playbook,
	enum flow flow); /* made when absent; NULL = no memory */
struct lrun *ledger_run(struct ledger *l, const char *id);
struct lrun *ledger_open_run(struct ledger *l, const char *playbook,
	enum flow flow); /* the cut-over or failback that is not ended */
struct lrun *ledger_unnoted(struct ledger *l, const char *playbook,
	enum flow flow); /* ended, and its machine not moved yet */
/* ledger_frozen - a brake holds this run: it is on, and no order for the run has named it. */
bool ledger_frozen(const struct ledger *l, const struct lrun *r, int64_t wall_ms);
struct lrun *ledger_shelter(struct ledger *l, const char *playbook,
	enum flow flow); /* the shelter in force, or being made */
struct lrun *ledger_eject(struct ledger *l, const char *playbook); /* open: it takes ferryman out */
bool ledger_ejected(const struct ledger *l, const char *playbook); /* out, or on its way out */
struct lstep *ledger_step(struct lrun *r, const char *id);	   /* made when absent */
struct ldomain *ledger_domain(struct ledger *l, const char *name); /* made when absent */
const struct lbrake *ledger_brake(
	const struct ledger *l, const char *playbook, int64_t wall_ms); /* in force; NULL = none */
const struct lbook *ledger_book(const struct ledger *l, const char *name); /* NULL = not known */
bool ledger_nonce_used(const struct ledger *l, const char *nonce);
int ledger_autos(const struct ledger *l, const struct lnow *now, int64_t per_ms);
/* Now, for the two below: boot_id, boot_ms and wall_ms as they are. */
struct lnow ledger_now(
	const struct ledger *l, const char *boot_id, int64_t boot_ms, int64_t wall_ms);
/* The wall clock's time of a moment as it would stand had nobody set that clock since; of an
 * earlier boot: since this one began. 0 stays 0. */
int64_t ledger_wall(const struct lnow *now, const struct lmoment *m);

#endif
