/*
 * decide.h - facts of one machine in, at most one decision out. Pure and total: golden tables run
 * on it alone.
 *
 * decide() is called again after each applied decision until ret->any is false. What it returns is
 * never a refusal: what the table or a guard forbids is listed in the reasons, with any = false. A
 * command goes through decide_command with the same table.
 *
 * At every start a machine is in settling, whatever the journal says of it (an open run is found
 * there, and is followed before the targets are read).
 */
#ifndef FERRYMAN_CORE_DECIDE_H
#define FERRYMAN_CORE_DECIDE_H

#include "core/evidence.h"
#include "core/lifecycle.h"

enum settled { SETTLED_NOT_YET, SETTLED_ON_PRIMARY, SETTLED_ON_BACKUP, SETTLED_MIXTURE };
enum run_state {
	RUN_NONE,
	RUN_FORWARD,
	RUN_FORWARD_PIVOTED,
	RUN_BACKWARD,
	RUN_ENDED_DONE,
	RUN_ENDED_UNDONE,
	RUN_IS_BLOCKED
};

struct facts {
	const struct playbook *pb;
	enum flow flow;
	enum life_state state;
	int64_t boot_ms, wall_ms;
	int64_t state_since_wall_ms;
	const char *paused; /* who and why; NULL = not */
	const char *blind;  /* evidence_blind */
	bool window_no_cutover, window_no_failback;
	const struct diag_view *diag; /* all of the playbook; decide looks at those of its flow */
	size_t diag_n;
	enum settled settled; /* looked at in settling, and in blocked without a run (`ack` there:
				 read again) */
	bool drifted;	      /* on the backup: `settled` says what the targets show now */
	enum run_state run;   /* the cut-over or failback of this machine that is open or not taken
				 note of yet */
	bool run_is_failback;
	bool run_pivoted;   /* past its pivot (also when blocked) */
	const char *led_by; /* diagnosis that led to suspect or awaiting; NULL or "" = not known:
			       look at all */
	bool shelter_open;  /* a shelter is in force */
	bool shelter_ended; /* its expiry is past */
	const char *shelter_failed; /* why it could not be started in this episode: not tried again;
				       NULL */
	bool unfit_told, expiry_told; /* a row with LD_ALARM for backup-unfit or shelter-expired was
					 applied since that is so */
	bool primary_ok, backup_unfit, primary_soaked, queues_drained;
	int approvals, denials; /* for the plan that is pending */
	int approvals_needed;
	int64_t asked_wall_ms;	      /* 0 = not asked yet; in recovering: for the failback */
	int cutovers_in_budget;	      /* automatic ones within limits.cutovers.per_ms */
	int64_t last_cutover_wall_ms; /* 0 = never */
	const char *relay_holds; /* why mail may still wait in the backup's queue, which SPF must
				    let out; NULL = it may not, or SPF names nothing of ours */
	bool base_ready;	 /* the plan could be made and nothing conflicts */
	bool one_shot;		 /* a foreground verb: nothing starts by itself */
	const char *stood_down;	 /* diagnosis denied or timed out for this episode: not asked again
				    until it clears; NULL = none */
};

enum { REASONS_MAX = 12, REASON_LEN = 240 };

struct decision {
	bool any; /* false: nothing to do */
	enum life_event event;
	const struct life_row *row;
	const struct response *response; /* that led here; NULL for others */
	const struct procedure
		*procedure; /* to run, for LD_SHELTER, LD_ASK, LD_CUTOVER, LD_FAILBACK */
	const struct diagnosis *diagnosis;     /* that convinced; NULL */
	char reasons[REASONS_MAX][REASON_LEN]; /* why, in order; also why not: "GUARD: sentence" */
	size_t reasons_n;
	int64_t again_boot_ms; /* when to look again although nothing happened; INT64_MAX = only on
				  events */
};

void decide(const struct facts *f, struct decision *ret);

struct cmd_facts {
	enum verb verb;
	const char *user; /* login name */
	bool owner;	  /* root or the engine's own user: every right */
	const char *const *overrides;
	size_t overrides_n;
	bool plan_matches; /* plan_hash given equals the one made now (or none was asked for) */
	bool expired, replayed; /* approval: past its expiry; nonce used before */
	bool already;		/* this person has already approved */
};
/*
 * decide_command - ret->any: apply the row (LD_STAY: take note of the command itself), exit 0, or 5
 * for an approval that leaves more to be had. Not any: refused, ret->row has LD_REFUSE, *ret_exit
 * is 3 (guard), 4 (blocked, needs a person), 2 (usage) or 5 (this person has approved already);
 * reasons say why and what would help.
 */
void decide_command(
	const struct facts *f, const struct cmd_facts *c, struct decision *ret, int *ret_exit);

/*
 * decide_mode - what a response may do. The playbook's own mode is the most it does by itself. A
 * shelter moves no mail and shows nowhere outside: in mode approve it still goes by its response's
 * mode (DESIGN section 5's own example); observe never writes.
 */
enum pb_mode decide_mode(const struct playbook *pb, const struct response *r);

/* decide_pending - the response that people are asked about; NULL = the playbook has it no more. */
const struct response *decide_pending(const struct facts *f);

/* The names that an override may have; NULL-ended. */
const char *const *decide_guards(void);

#endif
