/*
 * sim.h - the simulator: the production core, a virtual clock, and a world that delays, loses,
 * repeats, lies, edits and crashes. One thread, one seed, one order of events: the same seed gives
 * the same trace, byte for byte.
 *
 * Nothing here asks the machine for the time, for random bytes or for an address. Who checks
 * (inv_*.c) sees records, requests and what targets accepted, never the core's inside. Written from
 * reliability.md, not from the core.
 */
#ifndef FERRYMAN_TESTS_SIM_H
#define FERRYMAN_TESTS_SIM_H

#include "base/arena.h"
#include "config/playbook.h"
#include "core/action.h"
#include "core/core.h"
#include "core/plan.h"
#include "core/record.h"
#include "os/stdmem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim;
struct vrecord;

/* --- rng.c: xoshiro256**, one stream for each component, seeded by hash(seed, name) --- */
struct rng {
	uint64_t s[4];
	bool least; /* gives the smallest number each time: a world without chance */
};
void rng_seed(struct rng *r, uint64_t seed, const char *name);
uint64_t rng_next(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t n);		       /* 0..n-1 */
int64_t rng_between(struct rng *r, int64_t low, int64_t high); /* both inclusive */
bool rng_ratio(struct rng *r, unsigned num, unsigned den);

/* --- heap.c: what is to happen, ordered by (time, sequence) --- */
enum happening_kind {
	H_TICK,	    /* the process asked to be woken */
	H_APPLY,    /* the append reaches the disk */
	H_APPENDED, /* and is acknowledged */
	H_DELIVER,  /* an effect's request reaches its target */
	H_ANSWER,   /* its answer reaches the process */
	H_READ,	    /* a target is read */
	H_READ_BACK,
	H_SEEN,
	H_SENT,
	H_CANCELLED,
	H_DIES,
	H_STARTS,
	H_STALLS,
	H_GOES_ON,
	H_HAND,	      /* a person edits a target */
	H_HAND_BACK,  /* and takes it back */
	H_COMMAND,    /* a person speaks to ferryman */
	H_SYNC,	      /* a secondary transfers the zone */
	H_EMPTIED,    /* the hub's queue has let go what waited */
	H_CLOCK,      /* the wall clock is set */
	H_MAIL,	      /* somebody sends a message */
	H_MAIL_AGAIN, /* one that waits is tried again */
	H_MOMENT,     /* number: enum moment: something happens just while an effect is under way */
	H_LOSES,      /* a process hears that its journal is another's */
	H_HEAL,
	H_N
};
const char *happening_name(enum happening_kind k);
enum moment { MOMENT_STALL, MOMENT_RELOAD, MOMENT_STOP, MOMENT_CRASH, MOMENT_N };

struct happening {
	int64_t at;
	uint64_t seq;
	enum happening_kind kind;
	uint32_t life; /* of the process that it is for; 0 = the world's own */
	op_id op;
	size_t index; /* into whatever the kind speaks of */
	int64_t number;
	enum outcome outcome;
};

struct heap {
	struct happening *a;
	size_t n, room;
	uint64_t seq;
};
void heap_push(struct heap *h, struct happening x); /* gives it its sequence number */
bool heap_pop(struct heap *h, struct happening *ret);
void heap_fini(struct heap *h);

/* --- trace.c: one line for each event; a hash of all, the last ones to show --- */
enum { TRACE_LINES = 256, TRACE_LINE = 220 };
struct trace {
	char line[TRACE_LINES][TRACE_LINE];
	uint64_t n, hash;
	bool print, events;
};
void trace_add(struct sim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void trace_tail(const struct trace *t, size_t lines);

/* --- fault.c: each fault is a decision (site, index) -> yes or no and a number; kept as a script
 * --- */
#define FAULT_SITES(X)                                                                             \
	X(NOT_SENT, "the effect cannot be sent", 5, 200)                                           \
	X(REQUEST_LOST, "an effect's request is lost", 5, 200)                                     \
	X(REQUEST_LATE, "an effect's request arrives after its deadline", 5, 200)                  \
	X(REQUEST_TWICE, "an effect's request arrives twice", 20, 600)                             \
	X(REPLY_LOST, "an effect's answer is lost", 5, 250)                                        \
	X(ERROR_APPLIED, "the target answers with an error after it has applied", 5, 200)          \
	X(REFUSED, "the target refuses although it could", 2, 60)                                  \
	X(READ_LOST, "a read is not answered", 5, 200)                                             \
	X(SECONDARY_LAGS, "a secondary shows the old zone for long", 20, 500)                      \
	X(SERVER_SILENT, "one authoritative server does not answer", 5, 150)                       \
	X(APPEND_SLOW, "the disk is slow", 5, 100)                                                 \
	X(APPEND_FAILS, "the disk fails", 1, 8)                                                    \
	X(CRASH, "the process dies", 2, 40)                                                        \
	X(REBOOT, "and the machine with it", 100, 500)                                             \
	X(STALL, "the process stands still", 1, 20)                                                \
	X(PROBE_LOST, "a probe is not answered", 5, 150)                                           \
	X(PROBE_LIES, "a probe says the opposite", 2, 60)                                          \
	X(NOTIFY_LOST, "a notification does not get out", 20, 500)                                 \
	X(HAND, "a person edits a target", 100, 900)                                               \
	X(CLOCK_SET, "the wall clock jumps", 50, 500)                                              \
	X(CLUMSY, "a person types the wrong thing", 20, 300)                                       \
	X(STOP, "the process is asked to stop", 1, 6)                                              \
	X(RELOAD, "the playbook is replaced by another text", 1, 10)                               \
	X(RESTORE, "the journal is put back from an older copy", 20, 250)                          \
	X(NOT_APPLIED, "the target says done and has done nothing", 5, 200)                        \
	X(READ_SLOW, "a read tells late what was there when it was asked", 5, 200)                 \
	X(PROBE_LATE, "a probe is answered after its deadline", 20, 400)                           \
	X(TAKEN_OVER, "another ferryman takes over while it stands still", 50, 600)                \
	X(THROTTLED, "the target is busy and says so (429)", 2, 60)                                \
	X(TOKEN_EXPIRED, "the target no longer takes the credential", 1, 20)                       \
	X(SERVER_OLD, "an authoritative server answers with an older value", 5, 200)               \
	X(SERVER_EMPTY, "an authoritative server answers with an empty zone", 5, 150)              \
	X(RESTORE_UNSAID, "the whole machine is put back from an older copy, and nobody says so",  \
		5, 60)
enum site {
#define SITE_ENUM(n, d, low, high) SITE_##n,
	FAULT_SITES(SITE_ENUM)
#undef SITE_ENUM
		SITE_N
};
const char *site_name(enum site s);
/* Where it is asked for: anywhere in the world; when an effect is sent; when one arrives; when one
 * has changed a zone; when authoritative servers are read. */
enum scope { SCOPE_WORLD, SCOPE_SEND, SCOPE_ARRIVE, SCOPE_ZONE, SCOPE_SERVERS };
enum scope site_scope(enum site s);

enum { SCRIPT_MAX = 512 };
struct script { /* a saved case: the faults it has, all others do not happen */
	struct {
		enum site site;
		uint64_t index;
	} fault[SCRIPT_MAX];
	size_t n;
	int book;   /* -1: by the seed */
	bool drawn; /* the seed draws its faults */
};

struct faults {
	struct rng rng[SITE_N];
	unsigned per_mille[SITE_N]; /* drawn for each seed, about half of them 0 */
	uint64_t asked[SITE_N], hits[SITE_N];
	uint64_t amount;	   /* drawn with the last decision */
	bool off;		   /* healed */
	struct odometer *odometer; /* decides instead of chance; NULL = none */
	const struct script *script;
	struct script happened;
};
void faults_init(struct faults *f, uint64_t seed, const struct script *script);
bool fault(struct sim *s, enum site site);
bool fault_on(struct sim *s, enum site site, size_t request); /* that it strikes */
bool fault_pressed(struct sim *s, enum site site); /* much likelier, where it is on at all */
int64_t fault_span(
	const struct sim *s, int64_t low, int64_t high); /* from the last decision's number */
bool fault_even(struct sim *s);				 /* one way or the other, both as likely */

/* --- odometer.c: every schedule of a small world, choice by choice --- */
struct odometer;
bool odometer_fault(struct sim *s, struct odometer *o, enum site site);
int64_t odometer_span(struct odometer *o, int64_t low, int64_t high);
bool odometer_even(struct odometer *o);
int odometer_main(int argc, char **argv);
int hunt_main(int argc, char **argv); /* hunt.c: one planted fault */

/* --- books.c: the playbooks that are run --- */
enum { BOOKS_DRAWN = 4, BOOKS_N = 5, BOOK_TEXT = 16000 }; /* the last one: only by aim.c */
/* observes: the same in mode observe. book_text returns its length; book_get a new reference, NULL:
 * it has errors, printed. */
size_t book_text(size_t i, size_t variant, bool observes, char out[BOOK_TEXT]);
struct playbook *book_get(size_t i, size_t variant, bool observes);
struct playbook *book_read(const char *text, size_t variant);

/* --- aim.c: one seed in seventeen aims at what others come to seldom --- */
struct shot;
struct aim {
	const struct shot *shot; /* NULL: this seed is like all others */
	struct rng rng;
	uint64_t wanted;  /* faults, one bit each: those that shall strike there */
	uint64_t opened;  /* the intent that was brought to its phase; 0 = none yet */
	unsigned pressed; /* how often so far */
	size_t held;	  /* a request on its way that comes just behind a look; SIZE_MAX */
	unsigned looks;	  /* behind which one */
};
void aim_init(struct sim *s, bool may); /* before the book is read: it may choose one */
void aim_world(struct sim *s);
bool aim_presses(struct sim *s, enum site site, size_t request); /* it is likely to strike */
void aim_record(struct sim *s, const struct vrecord *rec);
void aim_sent(struct sim *s, size_t request);
bool aim_holds(struct sim *s, size_t request); /* from now on aim_looked() lets it go */
size_t aim_looked(struct sim *s, size_t to, const char *resource); /* SIZE_MAX: nothing was held */
void aim_started(struct sim *s);
size_t aim_behind(const struct sim *s,
	size_t usual); /* an older copy of the journal lacks so many records, at most */

/* --- hours.c: when the playbook lets nothing start by itself, in one seed of thirteen --- */
enum hours_of { NO_CUTOVER, NO_FAILBACK, HOURS_N };
struct hours {
	int64_t each_ms, from_ms, long_ms; /* each_ms 0 = never */
};
void hours_init(struct sim *s, bool may);
bool hours_forbid(const struct sim *s, enum hours_of what, int64_t wall_ms);

/* --- journal.c: a store in memory that keeps the contract of state/store.h --- */
struct entry {
	char *text;
	size_t n;
	char hash[65];
	int64_t at, boot_base; /* boot_base: when the boot began that it is of */
};
struct pending { /* the one append that is on its way */
	bool any;
	int64_t sent_at;
	uint32_t life;
	op_id op;
	uint64_t epoch, seq;
	char hash[65];
	char **record;
	size_t n;
	bool applied;
	enum outcome outcome;
};
void pending_fini(struct pending *p);
struct journal {
	char store[33];
	uint64_t era, epoch, last_era; /* last_era: of the newest record */
	int64_t unsaid_until; /* an older copy, and nobody has said so; a person does then; 0 = not
			       */
	char hash[65];
	struct entry *entry; /* seq 1 is entry[0] */
	size_t n, room;
};
void journal_init(struct sim *s);
void journal_fini(struct journal *j);
void journal_append(struct sim *s, const struct action *a);
void journal_store(struct sim *s, const char *record); /* it is there, and everybody looks at it */
void journal_happens(struct sim *s, const struct happening *h); /* H_APPLY, H_APPENDED */
void journal_restore(struct sim *s,
	size_t keep); /* an older copy is put back, by an operator's word: a new era */
void journal_restore_unsaid(struct sim *s); /* with its head file: only a target can tell */
void journal_said(struct sim *s);	    /* a person has heard the alarm: a new era */
void journal_crash(struct sim *s);	    /* what was under way may or may not be there */

/* --- disk.c: the production store of some seeds, over a disk that forgets --- */
struct disk;
void disk_init(
	struct sim *s, bool always, bool lies); /* s->disk stays NULL: this seed's is in memory */
void disk_fini(struct sim *s);
bool disk_open(struct sim *s, bool *ret_fresh);		/* false: a violation */
bool disk_sound(struct sim *s, char *why, size_t room); /* says the journal's own audit */
enum outcome disk_append(struct sim *s, const struct pending *p, bool fails);
void disk_die(struct sim *s, const struct pending *under_way); /* NULL: none was */
void disk_power(struct sim *s);				       /* what was not synced may be lost */
void disk_copy(struct sim *s);	    /* perhaps a copy is made, of what is there now */
size_t disk_restore(struct sim *s); /* how many records are left; 0: there is no copy */

/* --- targets.c: a zone (fence F by equality), a hub (F by high water), a tenant (U) --- */
enum target_id { T_ZONE, T_HUB, T_TENANT, T_N };
enum { CELLS_MAX = 4, SECONDARIES = 2 };
struct cell_change {
	int64_t at;
	const char *value;
	uint64_t lsn; /* 0: a person's hand */
};
struct tcell {
	const char *resource, *value;
	const char *shown[SECONDARIES + 1]; /* by server; [0] is the primary */
	const char *cached;		    /* by the resolver */
	int64_t cached_until;
	struct cell_change *change; /* all of them, oldest first; [0] is how it began */
	size_t changes_n;
	int64_t hand_at; /* newest edit by hand; -1 = none */
};
struct ftarget {
	const char *name, *domain; /* fence domain */
	enum fence class;
	bool eq;
	char marker_store[33];
	uint64_t marker_lsn; /* 0 = no marker there */
	uint64_t retired; /* the number that was taken out (the helper remembers it); 0 = none, or
			     fenced since */
	size_t marker_request;
	struct tcell cell[CELLS_MAX];
	size_t cells_n;
	int64_t releasing_until;
	int64_t drain_ms;
	int64_t busy_until, closed_until; /* 429; the credential */
};

/* A request as it left the process. Strings live in the sim's arena. */
struct request {
	op_id op;
	uint32_t life;
	int64_t sent_at, deadline_ms;
	const char *playbook, *run, *step, *target, *resource, *base, *want, *options;
	enum effect_dir dir;
	uint64_t lsn, seen_lsn;
	const char *seen_store;
	size_t to;	    /* enum target_id */
	bool refused, dead; /* turned away, for good or for now: no copy of it does anything */
	unsigned accepted;  /* copies that changed the target */
	bool busy;	    /* some copy met a 429: nothing changed by that one */
};

void targets_init(struct sim *s);
void targets_fini(struct sim *s);
struct ftarget *target_find(struct sim *s, const char *name);
struct tcell *target_cell(struct ftarget *t, const char *resource);
enum outcome target_take(
	struct sim *s, size_t request); /* the request arrives; what would be answered */
void target_edit(
	struct sim *s, struct ftarget *t, struct tcell *c, const char *value, uint64_t lsn);
bool target_throttled(struct sim *s, struct ftarget *t); /* at this moment, or from it on */
bool target_locked(struct sim *s, struct ftarget *t);	 /* it does not take the credential */
void target_sync(struct sim *s, const struct happening *h);
void target_emptied(struct sim *s, const struct happening *h);
const char *target_read(
	struct sim *s, struct ftarget *t, const char *resource); /* NULL: no such resource */

/* --- net.c: between the process and the targets --- */
struct reading {
	op_id op;
	uint32_t life;
	size_t to;
	const char *resource;
	enum read_from from;
	int64_t deadline_at, told_at; /* 0 = not told yet */
	enum outcome outcome;
	const char *value;
	char marker_store[33];
	uint64_t marker_lsn;
	const char *by[SECONDARIES + 1];
	bool answered[SECONDARIES + 1];
	size_t by_n;
};
void net_effect(struct sim *s, const struct action *a);
void net_read(struct sim *s, const struct action *a);
void net_happens(struct sim *s, const struct happening *h); /* H_DELIVER, H_READ */

/* --- probes.c: how the world is, and what is seen of it --- */
struct spell {
	int64_t from, to;
};
struct truth {
	struct spell primary_bad[FLOW_N][2], backup_bad[FLOW_N], listed[2], uplink_down;
};
struct probing {
	const struct signal *signal;
	const struct subject *subject;
	const char *through;
	bool production;
	int64_t asked_at, deadline_ms;
	uint32_t sight; /* of whoever asked */
};
void truth_init(struct sim *s);
bool truth_bad(const struct sim *s, bool primary, enum flow flow, int64_t at);
void probe_ask(struct sim *s, const struct action *a);
void probe_seen(struct sim *s, const struct happening *h);

/* --- answers.c: what probes have said, and what was decided on it --- */
struct answer { /* as it reached the process */
	int64_t at;
	uint32_t sight; /* process.sight then */
	uint64_t era;
	const struct signal *signal;
	const struct subject *subject;
	const char *through; /* a run's proof; NULL: evidence */
	bool production;
	enum verdict verdict;
	bool lied;
	bool too_late; /* nobody may go by it any more */
	bool sure;     /* the core has taken it as it came; else perhaps, perhaps later */
};
struct known { /* what one sight knew at a time */
	const struct sim *s;
	uint32_t sight;
	size_t upto; /* answers */
	int64_t at;
};
struct decided { /* a START */
	const char *record;
	struct known by;
	int64_t jumped_at; /* when its process has found its wall clock set; -1 = not */
};
void answers_note(struct sim *s, const struct probing *p, enum verdict verdict, bool lied);
void answers_decided(struct sim *s, const struct action *a); /* ACT_APPEND */
const struct decided *answers_behind(const struct sim *s);   /* the newest record; NULL: no START */
/* Of a signal's subject: what it can be at most, and what it is for sure. */
bool answers_may_be_bad(const struct known *m, const struct signal *sig, const struct subject *sub);
bool answers_may_be_ok(const struct known *m, const struct signal *sig, const struct subject *sub);
bool answers_surely_bad(const struct known *m, const struct signal *sig, const struct subject *sub);
bool answers_anchored(const struct known *m); /* more than half of the anchors may be well */
typedef bool answers_holds(const struct known *m, const void *ctx);
/* answers_held - holds() is true then, and was at each answer of the last ms before. */
bool answers_held(const struct decided *d, int64_t ms, answers_holds *holds, const void *ctx);

/* --- mail.c: the company's messages, and where they are --- */
struct mail {
	struct rng rng;
	uint64_t sent, delivered, relayed, returned, parked, waiting; /* the last two: now */
	int64_t relayed_at; /* newest message that went to the relay; -1 = none */
	const char *mx;	    /* as senders remember it */
	int64_t mx_until;
};
void mail_init(struct sim *s);
void mail_happens(struct sim *s, const struct happening *h);
void mail_let_go(struct sim *s);

/* --- people.c: commands, and a hand in the targets --- */
enum { SAYINGS_MAX = 256 };
struct saying { /* what people have told ferryman to do: one order */
	enum verb verb;
	const char *who, *hash, *nonce, *run;
	const char *req; /* its reason names it: so each record says whose order it follows */
	bool names_pause, expired;
	int64_t at, expires;
	unsigned used; /* one bit for each type of record that has followed it */
	uint64_t seq;  /* of the first record that followed it; 0 = none */
	bool gone;     /* and that was lost with a restored journal */
	/* pause and eject: since it was answered with exit 0; resume: since it is durable. 0 = not
	 * yet; the number says which of them came last. */
	unsigned in_force;
	int64_t in_force_at;
};
struct people {
	struct rng leaving;
	struct rng rng;
	struct saying said[SAYINGS_MAX];
	size_t said_n;
	struct rng rights; /* who speaks that may not do everything, and who names the brake */
	unsigned next_req, asked, words;
	bool names_pause;	     /* the newest plan was asked for with that override */
	char hash[65], playbook[64]; /* newest plan that was shown */
	int64_t alarm_at;	     /* newest alarm that somebody got; -1 = none */
	int64_t looks_at;	     /* when whoever got it has looked and said something */
	unsigned looks;
	enum verb of;
	enum flow flow;
};
void people_init(struct sim *s);
void people_say_something(struct sim *s, int64_t at);
void people_command(struct sim *s, const struct happening *h);
void people_reply(struct sim *s, const struct action *a);
struct saying *people_order(struct sim *s, const char *reason); /* that a record names; or NULL */
void people_in_force(struct sim *s, struct saying *o);
void people_forgot(struct sim *s, size_t kept); /* a journal was put back to so many records */
void people_home(struct sim *s);		/* mail is back: some leave ferryman then */
void people_alarmed(struct sim *s);		/* an alarm has got out: somebody will look */
void people_told(struct sim *s, const struct action *a); /* ACT_STATUS */
void people_hand(struct sim *s, const struct happening *h);

/* --- process.c: one ferryman: the production core and what a shell does for it --- */
struct operation {
	op_id op;
	uint32_t life;
	enum action_type type;
	bool ended;
	size_t index; /* request, reading or probing */
};
struct process {
	struct core *core;
	uint32_t life; /* rises with each start */
	bool up, halted;
	int64_t boot_base, wall_skew;
	int64_t stalled_until; /* 0 = runs */
	int64_t tick_at;
	unsigned boots;
	char boot_id[40];
	struct operation *op;
	size_t ops_n, ops_room;
	op_id op_top;		/* the highest of this life */
	struct pending pending; /* the one append that is outstanding */
	bool appending, stopping;
	int64_t stop_at;
	bool stale;	  /* its hold on the journal is over, and it does not know */
	uint32_t sight;	  /* rises with each text that is new to it, of all processes together */
	const char *told; /* SHA-256 of the text that it was told last */
	bool stepped;	  /* in this life; then its wall clock was off by told_skew */
	int64_t told_skew, jumped_at; /* when that was another; -1 = never in this life */
};
void process_start(struct sim *s, bool fresh);
void process_tell(struct sim *s, struct event *ev); /* fills the clocks, steps, carries out */
void process_happens(struct sim *s, const struct happening *h);
void process_die(struct sim *s);
void process_moment(
	struct sim *s, bool rare); /* an intent has become durable: perhaps at a bad moment */
void process_maybe_dies(struct sim *s, const char *where); /* at the boundaries where it hurts */
void process_boots(struct sim *s);
void process_fini(struct process *p);
/* Ends the operation: false when it is over already, or of another life. */
struct operation *process_end_op(struct sim *s, uint32_t life, op_id op);
int64_t process_wall(const struct sim *s);

/* --- owner.c: a process that another one has taken over from --- */
void owner_taken_over(struct sim *s);		/* from now on s->process is the other one */
bool owner_enter(struct sim *s, uint32_t life); /* true: s->process is the old one; then leave */
void owner_leave(struct sim *s);
void owner_end(struct sim *s);

/* --- view.c: what the journal says, read by another hand than the core's --- */
struct vstep {
	const char *id, *kind, *target, *domain, *resource, *base, *want, *undo, *options;
	const char *needs[24];
	size_t needs_n;
	bool pivot, state, act; /* class of the kind */
};
enum { VR_OPEN, VR_BLOCKED, VR_SHELTERING, VR_DONE, VR_UNDONE, VR_RELEASED, VR_FAILED };
struct vrun {
	const char *id, *playbook, *flow, *kind, *plan_hash, *by, *reason;
	uint64_t start_seq, end_seq, pivot_seq; /* 0 = not yet */
	int64_t start_at, end_at;
	int64_t start_unseen; /* view.unseen_ms then */
	int state;
	bool started, terminal, names_pause, names_queues;
	bool adopted;	    /* of a shelter: its mail leaves with a cut-over */
	int64_t over_at;    /* of a shelter: newest row that says its time is over; 0 = none */
	uint64_t named_seq; /* of the newest order for it that named the brake; 0 = none */
	int64_t named_at;
	bool turned;	 /* by a failure or by a person: it goes backward */
	const char *why; /* of its newest END */
	struct vstep *step;
	size_t steps_n;
};
struct vintent {
	uint64_t lsn, seq, seen_lsn;
	size_t run; /* index; SIZE_MAX = of none (a fence) */
	const char *run_id, *step, *target, *domain, *resource, *base, *want, *options;
	enum effect_dir dir;
	bool pivot, answered, gone; /* gone: its record was lost with a restored journal */
	enum outcome outcome;
	int64_t at;
};
struct vresult {
	uint64_t seq, of, era; /* of its record */
	size_t run;
	const char *step;
	enum effect_dir dir;
	enum outcome outcome;
};
struct vbrake {
	const char *playbook;
	bool on;
	uint64_t seq; /* of its newest record */
	int64_t expires;
};
struct vapproval {
	const char *hash, *user, *nonce;
	bool yes;
	uint64_t seq;
};
struct accepted { /* Eff of reliability.md section 3 */
	uint64_t lsn;
	size_t request, to;
	const char *resource, *value;
	bool fence; /* it raised the marker and left the value */
	int64_t at;
};
struct view {
	struct vrun *run;
	size_t runs_n;
	struct vintent *intent;
	size_t intents_n;
	struct vresult *result;
	size_t results_n;
	struct accepted *eff;
	size_t effs_n;
	struct vapproval *approval;
	size_t approvals_n;
	struct vbrake brake[BOOKS_N];
	size_t brakes_n;
	struct {
		const char *state; /* of the lifecycle, as the newest row says */
		int64_t since;
	} machine[FLOW_N];
	uint64_t lsn, seq;
	char hash[65];
	/* The newest record's clocks, and by how much the wall clock was set from the last record
	 * of a boot to the first of the next, all together: nobody was there to see it. */
	char boot_id[40];
	int64_t wall_ms, true_ms, unseen_ms;
	bool replaying; /* a restored journal is read again: nothing is judged twice */
};
struct vrecord { /* one record that has just become durable */
	const struct record *r;
	struct vrun *run;	      /* that it speaks of; NULL */
	struct vintent *intent;	      /* of an INTENT */
	const struct vresult *result; /* of a RESULT */
};
void view_record(struct sim *s, const struct entry *e); /* and asks every invariant */
void view_sent(struct sim *s, size_t request);
void view_accepted(struct sim *s, size_t request, const char *before);
void view_again(struct sim *s,
	size_t kept); /* after a restore: the first records only; what was lost is marked gone */
void view_fini(struct view *v);
struct vrun *view_run(struct view *v, const char *id);
struct vintent *view_intent(struct view *v, uint64_t lsn);
const struct vstep *view_step(const struct vrun *r, const char *id);
bool view_done(const struct view *v, const struct vrun *r, const char *step,
	enum effect_dir dir); /* a RESULT says so */
struct vintent *view_newest(
	struct view *v, const struct vrun *r, const char *step, enum effect_dir dir); /* NULL */

/* shelter.c - what must become of a shelter once all is healed; inv_18 and sim.c ask. */
bool shelter_rests(const struct sim *s, const struct vrun *r);	/* nothing more will come of it */
bool shelter_untold(const struct sim *s, const struct vrun *r); /* over for long, and not told */
bool shelter_forgotten(const struct sim *s, const struct vrun *r); /* there for nothing */

/* --- inv_*.c: one invariant each --- */
struct reopened {			/* a journal on a disk, after a death */
	const char *closed, *unread;	/* why it does not open, cannot be read; NULL: it does */
	uint64_t changed, strange;	/* a record that is not as it was; that nobody wrote */
	size_t acked, extra, under_way; /* records: acknowledged, found after them, of the append
					   that nobody was answered for */
	uint64_t seq, era, epoch;
	const char *hash;
};
struct invariant {
	const char *name; /* "inv_01_intent_before_effect" */
	void (*record)(struct sim *s, const struct vrecord *rec);
	void (*sent)(struct sim *s, const struct request *r);
	/* value `before` became r->want; the request is the newest of view.eff */
	void (*accepted)(struct sim *s, const struct request *r, const char *before);
	void (*over)(struct sim *s); /* after the liveness phase */
	void (*reopened)(struct sim *s, const struct reopened *r);
};
extern const struct invariant *const invariants[]; /* NULL-ended */
extern const struct invariant inv_14;
void violated(struct sim *s, const struct invariant *i, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* --- events.c: the same for another program, if it was asked for --- */
void events_record(const struct sim *s, const char *text);
void events_request(const struct sim *s, const char *what, const struct request *r);
void events_number(const struct sim *s, const char *what, uint64_t number);
void events_value(const struct sim *s, const struct ftarget *t, const char *resource,
	const char *value, uint64_t lsn); /* lsn: whose effect; 0 = a hand */

/* --- sim.c --- */
struct sim {
	uint64_t seed;
	int64_t now, heal_at, end_at;
	bool healed, ended;
	struct arena *arena;
	struct heap heap;
	struct trace trace;
	struct faults faults;
	struct aim aim;
	struct hours hours[HOURS_N];
	struct rng net_rng, probe_rng, moment_rng;
	struct playbook *book,
		*variant[2]; /* book: that of the names; variant: texts that differ in their hash */
	bool observes;	     /* its texts are in mode observe */
	size_t book_n, loaded;
	struct journal journal;
	struct disk *disk; /* NULL: in memory */
	struct ftarget target[T_N];
	struct request *request;
	size_t requests_n, requests_room;
	struct reading *reading;
	size_t readings_n, readings_room;
	struct probing *probing;
	size_t probings_n, probings_room;
	struct answer *answer;
	size_t answers_n, answers_room;
	struct decided *decided;
	size_t decided_n, decided_room;
	struct truth truth;
	struct mail mail;
	struct people people;
	struct process process, old; /* old: up only after another one took over */
	uint32_t lives, sights;
	struct view view;
	uint64_t events;
	struct reach *reach;		/* NULL: nobody counts (reach.h) */
	const struct invariant *killer; /* the invariant that does not hold; NULL = all do */
	char why[600];
};
struct sim_opts {
	uint64_t seed;
	struct reach *reach; /* NULL = nobody counts */
	bool trace, events;
	bool disk;	/* the real store, whatever the seed says */
	bool disk_lies; /* it says "synced" and does nothing: what must be found */
	const struct script *script;
	struct playbook *const *book; /* two texts, a reference is taken; NULL: by the seed */
};
struct sim *sim_new(const struct sim_opts *o);
void sim_run(struct sim *s);
void sim_happens(struct sim *s, const struct happening *h);
void sim_free(struct sim **s);
void sim_push(struct sim *s, struct happening h);
const char *sim_str(
	struct sim *s, const char *text); /* kept until the sim is freed; NULL stays NULL */
void *sim_grow(void *array, size_t n, size_t *room, size_t size); /* room for one more than n */

extern int planted_fault;	       /* base/planted.h */
bool planted_choose(const char *name); /* false: there is no such fault in this build */

#endif
