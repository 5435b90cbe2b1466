/*
 * engine.h - what the core's own files share: the volatile half of everything. Nobody else includes
 * it.
 *
 * Durable state is the ledger's and is changed by its fold alone. What stands here is lost with the
 * process and made again from the ledger and from new readings.
 */
#ifndef FERRYMAN_CORE_ENGINE_H
#define FERRYMAN_CORE_ENGINE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "core/core.h"
#include "core/decide.h"
#include "core/ledger.h"
#include "core/plan.h"

enum {
	WHY_LEN = 320,
	OUT_MAX = 64 * 1024 * 1024, /* all that one step may say */
	PLAN_ARENA_MAX = 16 * 1024 * 1024,
	QUEUE_MAX = 1024,   /* inputs that wait for an append */
	COMMANDS_MAX = 128, /* people's among them */
	READ_MS = 15000,    /* one look at a target */
	GRACE_MS = 3000,    /* a connector answers by its deadline; what is later than this is not
			       waited for */
	SETTLE_AGAIN_MS = 5000,
	HOLD_COMMAND_MS = 60000 /* how long a command waits for a machine that settles */
};

/* --- what is proposed, and what follows once it is folded (propose.c) --- */

struct change;

struct after {
	struct action action;
	struct change *change; /* ACT_EFFECT: whose it is */
};

struct proposal {
	struct arena *a;
	const char **record;
	size_t n, room;
	struct after *after;
	size_t after_n, after_room;
	char hash[65]; /* of the last one proposed */
	uint64_t lsn;  /* highest one given */
};

/* --- operations under way (flights.c) --- */

enum op_kind {
	OP_PROBE,
	OP_VERIFY,
	OP_LOOK,
	OP_STEP_READ,
	OP_CHANGE_READ,
	OP_CHANGE,
	OP_QUEUE,
	OP_NOTIFY
};

struct flight {
	op_id op;
	enum op_kind kind;
	int64_t until_boot_ms; /* an answer after this is none */
	struct book *book;     /* OP_PROBE, OP_QUEUE */
	struct look *look;     /* OP_LOOK */
	struct vstep *step;    /* OP_STEP_READ, OP_VERIFY */
	struct change *change; /* OP_CHANGE_READ, OP_CHANGE */
	size_t index;	       /* which reading, subject, message or flow */
};

/* --- one change at one target (change.c): observe, intend, apply, verify, result --- */

enum change_phase { CP_IDLE, CP_READING, CP_SEEN, CP_JOURNAL, CP_SENT };
enum change_end { CE_GOING, CE_DONE, CE_FAILED };

struct change {
	/* what is wanted; strings are the owner's and outlive it */
	struct vstep *owner;		   /* NULL: a fence */
	const char *playbook, *run, *step; /* run and step "" for a fence */
	const struct target *target;
	const struct playbook *pb;
	const char *resource, *options;
	enum effect_dir dir;
	const char *base, *want;
	bool act, pivot;
	bool frozen;	/* the brake is on: no new intent */
	bool take_over; /* a fence in an era that an operator has begun: another store's marker may
			   be replaced */
	int64_t deadline_ms, effect_ms;
	int retries;
	/* how far it is */
	enum change_phase phase;
	enum change_end end, then; /* then: its end once the RESULT is folded */
	bool begun;
	bool maybe;	      /* what was sent under the current number may still land */
	bool early;	      /* a planted fault has sent it already */
	int sent;	      /* times, in this life */
	int unread;	      /* readings in vain, in a row */
	enum outcome answer;  /* newest, to the current number; OUT_N = none */
	enum outcome outcome; /* of its end */
	int64_t limit_boot_ms, next_boot_ms;
	int64_t least;	/* fewest that waited, while a queue is let go; -1 = not looked yet */
	int64_t parked; /* before it was let go; -1 = not known */
	/* what was read */
	char *value, *version;
	char seen_store[33];
	uint64_t seen_lsn;
	bool seen_any;
	char why[WHY_LEN];
};

/* A fence domain's volatile half. */
struct fdomain {
	char name[160];
	const struct change *holder;
	int64_t quiet_boot_ms; /* class U: nothing that was sent can land any more */
};

/* --- runs (run.c, undo.c, wait.c) --- */

enum { SUBJECTS_MAX = 32, LACKS_LEN = 200 };

struct vstep {
	struct live *live;
	const struct plan_step *p;
	bool begun, failed;
	char why[WHY_LEN];
	enum outcome outcome; /* when failed */
	struct change change;
	/* waits and verifies */
	op_id op;
	bool journal; /* its RESULT is being appended */
	int stage;
	int64_t limit_boot_ms, next_boot_ms, since_boot_ms, least;
	const struct signal *signal;
	op_id probe[SUBJECTS_MAX];
	bool passed[SUBJECTS_MAX];
	int64_t again_boot_ms[SUBJECTS_MAX];
	bool hasty[SUBJECTS_MAX]; /* its probe has less than its whole time */
	char lacks[SUBJECTS_MAX][LACKS_LEN];
	/* stands.c */
	bool doubt;	 /* not shown, or not arrived: is it still there at the target? */
	bool proven;	 /* each message has arrived, or as many as the plan wants */
	bool stands;	 /* what the run has done is being read again */
	size_t stands_i; /* up to here it stands */
	bool conflict;	 /* somebody else has changed it */
};

struct live {
	struct live *next;
	char id[RUN_ID_MAX];
	struct playbook *pb;
	struct arena *a;
	const struct plan *plan;
	bool backward, ending, told_paused, told_stuck;
	struct vstep *step;
	size_t n;
	char broken[WHY_LEN]; /* why it cannot be carried on at all; "" = it can */
};

/* --- reading targets for a decision or a plan (look.c) --- */

struct look {
	struct book *book;
	struct playbook *pb;
	enum flow flow;
	struct arena *a;
	const struct plan_read *read;
	struct plan_value *value;
	op_id *op;
	size_t n, open;
	char marker[WHY_LEN]; /* a marker that forbids to act; "" = none */
};

/* A command that waits: for a machine to settle, or for its plan's readings. */
struct command {
	struct command *next;
	const char *req, *principal, *via, *playbook, *procedure, *run, *plan_hash, *reason, *nonce;
	const char *overrides[OVERRIDE_MAX];
	size_t overrides_n;
	enum verb verb, of;
	int64_t expires_wall_ms, limit_boot_ms;
	struct arena *a;
	struct look *look;
	bool owner;
};

/* Somebody who wants to hear how a run ends. */
struct waiter {
	struct waiter *next;
	char req[128], run[RUN_ID_MAX];
};

/* A message to people that has not got out yet. */
struct message {
	struct message *next;
	uint64_t id, after_seq; /* after_seq: the record that must be folded before it leaves */
	enum severity severity;
	char playbook[NAME_MAX_];
	char text[600];
	op_id op;
	int tries;
	int64_t next_boot_ms;
};

/* --- playbooks and machines (books: machine.c, settle.c, watching.c) --- */

enum { QUEUES_MAX = LEDGER_STEPS }; /* each queue that is let go is a step of the plan */

struct machine {
	bool on;
	enum settled settled;
	bool settle_again; /* read again although it was read */
	bool era_read;	   /* the targets were read in this era, behind its fences */
	bool looked;	   /* this process has looked at them, or has tried to */
	int settle_tries;
	char settled_why[WHY_LEN];
	struct look *look; /* for settling, or for the plan that a decision needs */
	bool look_settles;
	int look_row; /* row of the decision that the readings are for */
	/* drift.c: on the backup */
	struct look *drift;
	int64_t drift_next_boot_ms;
	bool drifted; /* `settled` is news: the switch points do not lead to the backup any more */
	char drift_why[WHY_LEN];
	int64_t retry_boot_ms;
	bool base_ready;
	char base_why[WHY_LEN];
	char shelter_failed[WHY_LEN];
	bool unfit_told, expiry_told;
	bool drained;	   /* nothing of what was parked waits */
	bool queues_known; /* that was asked since mail runs on the backup */
	op_id queue_op[QUEUES_MAX];
	bool queue_empty[QUEUES_MAX];
	int64_t queue_parked[QUEUES_MAX], queue_waiting[QUEUES_MAX]; /* as last read */
	size_t queues_n;
	int64_t queue_next_boot_ms;
	int64_t again_boot_ms;
	char reasons[REASONS_MAX]
		    [REASON_LEN]; /* of the newest decision, also: what stands in the way */
	size_t reasons_n;
};

struct told_diag {
	bool met, confirmed, cleared;
	bool observed; /* people were told what does not start */
};

struct book {
	struct book *next;
	char name[NAME_MAX_];
	struct playbook *pb; /* NULL = withdrawn, or its text cannot be had */
	struct evidence *ev;
	struct told_diag *told;
	bool blind_told;
	uint64_t fenced_era;	     /* in which each domain that it may touch bears our number */
	int64_t blind_since_boot_ms; /* 0 = not blind */
	struct machine m[FLOW_N];
};

/* A fence domain that has to be raised into this era before anything is decided. */
struct fencing {
	struct fencing *next;
	struct playbook *pb;
	const char *resource;
	struct arena *a;
	struct change change;
	bool conflict; /* with another hand, when it was tried last */
	char why[WHY_LEN];
};

/* An input that waits. Strings are in its arena. */
struct input {
	struct input *next;
	struct event ev;
	struct arena *a;
	char *key; /* EV_SEEN: what it is coalesced by; NULL */
};

enum core_phase { PH_FOLDING, PH_OPEN, PH_STOPPING, PH_HALTED };

struct core {
	unsigned magic;
	struct core_env env; /* mem is ours: it notes when memory runs out */
	struct mem host;
	bool nomem;
	uint64_t seed;
	struct ledger l;
	enum core_phase phase;
	int64_t boot_ms, wall_ms, opened_boot_ms;
	int64_t unled_boot_ms; /* when it is looked next what no text in force speaks of */
	int64_t due_boot_ms;   /* when the next step should come at the latest; 0 = not known */
	bool stalled; /* it came much later: this process stood still, others may have acted */
	char regress[WHY_LEN]; /* the journal is an old copy: nothing is sent any more. "" = it is
				  not */
	op_id ops;
	uint64_t messages;
	/* this step's actions */
	struct arena *out, *kept;
	struct action *act;
	size_t act_n, act_room;
	struct action halt; /* needs no memory */
	/* the journal */
	struct proposal next, sent;
	op_id append; /* outstanding; 0 = none */
	struct input *queue, **queue_end;
	size_t queue_n, commands_n;
	bool tick_queued, stop_queued;
	/* EV_OPEN */
	char store[33], boot_id[40];
	uint64_t era, epoch;
	bool fresh, by_operator, one_shot;
	/* one_shot: the run that was asked for, and its exit code once it has ended */
	bool run_ended;
	int run_exit;
	struct book *books;
	struct live *live; /* in the order of their START */
	struct fdomain *domain;
	size_t domains_n;
	struct flight *flight;
	size_t flights_n, flights_room;
	struct fencing *fences;
	struct command *commands;
	struct waiter *waiters;
	struct message *messages_out;
};

enum { CORE_MAGIC = 0x66657272 };

/* propose.c */
struct action *core_act(
	struct core *c, enum action_type t);	      /* an action of this step; NULL = no memory */
const char *core_keep(struct core *c, const char *s); /* a copy that lives until the next step */
void core_halt(struct core *c, bool clean, int exit, const char *why);
/* A record; body is canonical JSON. LSN given to an INTENT, else 0. */
uint64_t propose(struct core *c, enum record_type t, const char *run, const struct buf *body);
struct after *propose_after(
	struct core *c, enum action_type t); /* comes out once what was proposed is folded */
const char *propose_keep(struct core *c, const char *s);
bool proposed(const struct core *c);
uint64_t propose_next_lsn(const struct core *c);
void propose_send(struct core *c); /* ACT_APPEND */
void propose_appended(struct core *c, const struct event *ev);
void propose_drop(struct core *c);

/* flights.c */
struct flight *flight_begin(
	struct core *c, enum op_kind kind, int64_t deadline_ms); /* NULL = no memory */
/* The same with the action that asks for it, which bears its number. */
struct action *flight_action(struct core *c, enum op_kind kind, enum action_type t,
	int64_t deadline_ms, struct flight **ret);
bool flight_take(struct core *c, op_id op, struct flight *ret, bool *late);
void flight_drop_change(struct core *c, const struct change *ch);
void flight_drop_look(struct core *c, const struct look *l);
void flight_drop_live(struct core *c, const struct live *l);
void flight_drop_book(struct core *c, const struct book *b);
bool flight_expired(struct core *c,
	struct flight *ret); /* one whose time is over; taken out, ACT_CANCEL said */
int64_t flight_wake(const struct core *c);
size_t flight_count(const struct core *c, enum op_kind kind);
bool flight_is(const struct core *c, op_id op, enum op_kind kind);

/* queue.c */
void queue_put(struct core *c, const struct event *ev);
struct input *queue_take(struct core *c);
void queue_free(struct input *in);

/* core.c */
void core_take(struct core *c, const struct event *ev);
struct fdomain *core_domain(struct core *c, const char *name);
const struct ldomain *core_ldomain(
	const struct core *c, const char *name); /* NULL = never touched */

/* change.c */
void change_advance(struct core *c, struct change *ch);
void change_read(struct core *c, struct change *ch, const struct event *ev, bool late);
void change_answered(struct core *c, struct change *ch, const struct event *ev, bool late);
void change_sent(struct core *c, struct change *ch,
	struct action *a); /* its INTENT is folded, the effect leaves */
void change_folded(struct core *c, struct change *ch);
/* Its INTENT is folded long after it was meant: nothing is sent. */
void change_not_sent(struct core *c, struct change *ch);
void change_drop(struct core *c, struct change *ch);
bool change_busy(const struct change *ch); /* something of it is under way */
int64_t change_wake(const struct core *c, const struct change *ch);
/* A marker that forbids to act: why, into ret; false = there is none. One of ours above the
 * journal's last number is told of this journal, not of that target: core.regress. */
bool change_marker_bad(struct core *c, const struct target *t, const char *store, uint64_t lsn,
	bool take_over, char *ret, size_t n);
int64_t value_count(const char *value, const char *word);
bool value_meets(const char *resource, const char *want, const char *value);

/* run.c */
void run_all(struct core *c);
void run_folded(struct core *c); /* after each append: what was being journalled is */
void run_drop(struct core *c, struct live **at);
int64_t run_wake(const struct core *c);
void run_say(
	struct core *c, bool after, const struct vstep *v, const char *phase, const char *text);
struct live *run_live(const struct core *c, const char *id);
const struct lstep *run_lstep(const struct lrun *r, const char *id);
void run_end(
	struct core *c, struct live *l, const struct lrun *r, const char *state, const char *why);
/* Without taking anything back: failed or blocked, and people are told. */
void run_give_up(struct core *c, const struct lrun *r, const char *state, const char *why);
const char *run_new_id(struct core *c, const char *prefix);
/* The records that start a run, behind those proposed already. Returns its id. */
struct start {
	const struct plan *plan;
	enum lrun_kind kind;
	const char *by, *reason;
	const char *const *overrides;
	size_t overrides_n;
};
const char *run_start(struct core *c, const struct start *s);

/* undo.c */
void undo_advance(struct core *c, struct live *l, const struct lrun *r, bool frozen);

/* wait.c */
void wait_advance(struct core *c, struct vstep *v);
void wait_read(struct core *c, struct vstep *v, const struct event *ev, bool late);
void wait_seen(struct core *c, struct vstep *v, size_t subject, const struct event *ev, bool late);
bool wait_busy(const struct vstep *v);
void wait_look(struct core *c, struct vstep *v, const struct plan_step *p, enum read_from from);
int64_t wait_wake(const struct core *c, const struct vstep *v);

/* stands.c */
/* The value is what want says. To a TXT set others may have added records, but no SPF record. */
bool value_stands(const char *resource, const char *want, const char *value);
/* Everything that the run of this step has done is read again at its targets; true once all stands.
 * Else v->conflict and v->why, or the limit passes. */
bool stands_all(struct core *c, struct vstep *v);
void stands_read(struct core *c, struct vstep *v, const struct event *ev, bool late);
void stands_not(struct vstep *v, const struct plan_step *p);

/* drift.c */
void drift_all(struct core *c);
int64_t drift_wake(const struct core *c);

/* look.c */
struct look *look_new(
	struct core *c, struct book *b, enum flow f, const struct plan_read *r, size_t n);
void look_free(struct core *c, struct look **l);
void look_read(struct core *c, struct look *l, size_t i, const struct event *ev, bool late);
/* Why a reading tells nothing; NULL = it tells. late: ev is no answer at all. */
const char *look_silent(const struct event *ev, bool late);
/* The reading of what a step of a plan sets; NULL: it sets nothing, or that was not read, or it is
 * a shelter's. A shelter ends by itself, on the relay: its value says nothing of the run. */
const struct plan_value *look_of(const struct look *l, const struct json *step);
const char *look_value(const struct event *ev); /* that was read; "" = nothing is there */
/* The plan by what was read; RC_BUSY while readings are open. The plan lives as long as the look.
 */
struct plan_want {
	const struct procedure *proc;
	enum plan_direction dir;
	const char *const *overrides;
	size_t overrides_n;
};
enum rc look_plan(struct core *c, struct look *l, const struct plan_want *w,
	const struct plan **ret, struct err *err);
struct look *look_for_plan(
	struct core *c, struct book *b, const struct procedure *p, enum plan_direction dir);

/* settle.c */
void settle_all(struct core *c);
/* Its domain, and all others of the playbook, bear a number of this era; else that is begun. why: a
 * conflict keeps it from it. */
bool fence_stands(struct core *c, const struct playbook *pb, const struct target *t,
	const char *resource, const char **ret_why);
/* Nothing that was sent to the playbook's targets may land any more; else their numbers are raised,
 * from now on. */
bool fence_quiet(struct core *c, struct book *b);
/* Why a domain of the playbook does not let itself be fenced: a hand that must go first; NULL =
 * none. */
const char *fence_conflict(const struct core *c, const struct book *b);
/* A person has put right what stood in the way, and says so: they are tried at once. */
void fence_again(struct core *c, const struct book *b);
/* settle_anew - the fences are raised and the targets read once more, at once. */
void settle_anew(struct core *c, struct book *b, enum flow f);
/* A domain of this playbook is being fenced. why: a conflict keeps it from it. */
bool fence_pending(struct core *c, const struct playbook *pb, const char **ret_why);
int64_t settle_wake(const struct core *c);

/* restored.c */
/* A run that is of an older era and not judged in ours yet, or found open by a process that has not
 * looked at the targets: one of them may know more than the journal. */
bool restored_waits(struct core *c, const struct lrun *r);
bool restored_fits(struct core *c, const struct lrun *r, const struct look *l, char *why, size_t n);
/* What step i has waited for or proven says nothing any more, and a step to come needs it; step k
 * rests on such a one, by itself or by others, and the pivot is still to come. */
bool restored_unproven(const struct core *c, const struct live *l, const struct lrun *r, size_t i);
bool restored_rests(const struct core *c, const struct live *l, const struct lrun *r, size_t k);
void fence_free(struct core *c);

/* machine.c */
struct book *book_find(const struct core *c, const char *name);
/* By what the shell finds it: its name, or its SHA-256 where another text is in force. */
const char *book_key(const struct core *c, const struct playbook *pb);
void book_take(struct core *c, const struct event *ev);
void book_free(struct core *c);
void machines_all(struct core *c);
int64_t machines_wake(const struct core *c);
void machine_facts(struct core *c, struct book *b, enum flow f, struct facts *ret);
void machine_row(
	struct core *c, struct book *b, enum flow f, const struct decision *d, bool automatic);
bool machine_asks_queues(const struct lmachine *l, const struct procedure *p);
const struct lrun *machine_run(
	struct core *c, const struct book *b, enum flow f); /* open, or not taken note of; NULL */
void machine_queue(struct core *c, struct book *b, size_t index, const struct event *ev, bool late);
void machine_forget_look(struct core *c, struct machine *m);

/* asking.c */
void asking_apply(struct core *c, struct book *b, enum flow f, const struct decision *d);
bool asking_may_start(struct core *c, struct book *b, enum flow f, char *ret, size_t n);

/* unled.c */
/* unled_why - true: this flow is away or has an open run, and no text in force speaks of it; ret
 * (n octets, WHY_LEN are enough; 0: it is not asked for): what is open and the remedy. */
bool unled_why(const struct core *c, const struct lmachine *m, char *ret, size_t n);
void unled_later(struct core *c); /* the texts in force have changed: it is looked anew soon */
void unled_all(struct core *c);	  /* people are told, once */
int64_t unled_wake(const struct core *c);

/* watching.c */
void watching_all(struct core *c);   /* time, transitions: SIGNAL and DIAGNOSIS records */
void watching_probe(struct core *c); /* who is due */
void watching_seen(struct core *c, struct book *b, const struct event *ev);
int64_t watching_wake(const struct core *c);

/* command.c */
void command_take(struct core *c, const struct event *ev);
void commands_all(struct core *c);
void commands_free(struct core *c);
void commands_forget(struct core *c, const struct book *b); /* its readings are void */
int64_t commands_wake(const struct core *c);
void command_ended(struct core *c, const char *run, int exit, const char *state, const char *why);

/* telling.c */
/* To the people of a playbook. */
void tell(struct core *c, const char *playbook, enum severity s, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void tell_all(struct core *c);
bool tell_waits(const struct core *c); /* a message has not had its first answer yet */
void tell_sent(struct core *c, uint64_t id, const struct event *ev, bool late);
void tell_free(struct core *c);
int64_t tell_wake(const struct core *c);
/* A status line at once (after = false), or once what is proposed is folded. */
void tell_run(struct core *c, bool after, const struct live *l, const struct plan_step *s,
	const char *phase, const char *text);
/* tell_run_end - the line of an end, told once its record is there; state as the END record says.
 */
void tell_run_end(struct core *c, const struct live *l, const char *state, const char *text);
void tell_status(struct core *c, bool after, const char *topic, const struct buf *body);
void tell_reply(struct core *c, bool after, const char *req, int exit, const char *body, bool last);

/* base helpers */
static inline int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

#endif
