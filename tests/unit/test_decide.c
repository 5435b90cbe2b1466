/*
 * test_decide.c - what a machine does by itself: rows of facts against the decision, each with a
 * twin in which one fact is other and the decision too.
 */
#include "lib/decide_rig.h"

/* --- rows: the machine of outbound mail --- */

struct fact_row {
	const char *name;
	enum life_state state;
	enum seen seen;
	struct facts f;	  /* what differs from a quiet machine */
	bool base_broken; /* base_ready = false */
	const char *only_class;
	enum life_event event; /* LE_N: nothing is done */
	enum life_do act;
	enum life_state to;
	const char *reason;    /* words that one of the reasons must have; NULL = any */
	const char *edit, *by; /* of the playbook */
};

#define NOTHING(s) LE_N, LD_N, s
#define APPROVE "{on: blocked, run: out, mode: approve, within: 15m, otherwise: proceed}"
#define AUTO "{on: blocked, run: out, mode: automatic}"
#define STAND "{on: blocked, run: out, mode: approve, within: 15m}"
#define NO_SHELTER "  - {on: blocked, at: suspect, run: wait, mode: automatic}\n"
#define BACK "failback: {mode: approve, soak: 6h, "
#define BACK_AUTO "failback: {mode: automatic, soak: 6h, "

static const struct fact_row rows[] = {
	/* settling */
	{ "before the targets were read nothing is decided", LS_SETTLING, RIPE,
		{ .settled = SETTLED_NOT_YET }, .event = NOTHING(LS_SETTLING), "being read" },
	{ "mail on the primary", LS_SETTLING, RIPE, { .settled = SETTLED_ON_PRIMARY },
		.event = LE_SETTLED_PRIMARY, LD_STAY, LS_NORMAL },
	{ "mail on the backup in an empty store", LS_SETTLING, QUIET,
		{ .settled = SETTLED_ON_BACKUP }, .event = LE_SETTLED_BACKUP, LD_STAY,
		LS_ON_BACKUP },
	{ "a mixture", LS_SETTLING, QUIET, { .settled = SETTLED_MIXTURE },
		.event = LE_SETTLED_MIXED, LD_ALARM, LS_BLOCKED },
	{ "an open run is followed before the targets are read", LS_SETTLING, QUIET,
		{ .run = RUN_FORWARD }, .event = LE_FOUND_RUN, LD_CONTINUE, LS_CUTTING },
	{ "an open failback", LS_SETTLING, QUIET,
		{ .run = RUN_FORWARD_PIVOTED, .run_is_failback = true }, .event = LE_FOUND_BACK,
		LD_CONTINUE, LS_FAILING_BACK },
	{ "an open rollback", LS_SETTLING, QUIET, { .run = RUN_BACKWARD, .paused = "bob" },
		.event = LE_RUN_UNDOING, LD_CONTINUE, LS_ROLLING },
	{ "settling looks while paused and blind", LS_SETTLING, QUIET,
		{ .settled = SETTLED_ON_PRIMARY, .paused = "bob", .blind = "cut off" },
		.event = LE_SETTLED_PRIMARY, LD_STAY, LS_NORMAL },

	{ "a run that had ended is noted before the targets speak", LS_SETTLING, QUIET,
		{ .run = RUN_ENDED_DONE, .settled = SETTLED_ON_PRIMARY }, .event = LE_RUN_DONE,
		LD_STAY, LS_SETTLING },

	/* suspicion and shelter */
	{ "a response without anything to run", LS_NORMAL, MET, { 0 }, .event = LE_HARM, LD_STAY,
		LS_SUSPECT, .edit = "run: wait, mode: automatic", .by = "mode: observe" },
	{ "quiet", LS_NORMAL, QUIET, { 0 }, .event = NOTHING(LS_NORMAL) },
	{ "harm starts the shelter", LS_NORMAL, MET, { 0 }, .event = LE_HARM_SHELTER, LD_SHELTER,
		LS_SUSPECT, "2 of 2 groups" },
	{ "harm without a shelter to start", LS_NORMAL, MET, { 0 }, .event = LE_HARM, LD_STAY,
		LS_SUSPECT, .edit = NO_SHELTER, .by = "" },
	{ "harm while paused is shown and starts nothing", LS_NORMAL, MET,
		{ .paused = "bob: work" }, .event = LE_HARM, LD_STAY, LS_SUSPECT, "pause: " },
	{ "harm while blind is not believed", LS_NORMAL, MET, { .blind = "no anchor answers" },
		.event = NOTHING(LS_NORMAL), "no anchor answers" },
	{ "observe: says so and shelters nothing", LS_NORMAL, MET, { 0 }, .event = LE_HARM, LD_STAY,
		LS_SUSPECT, "mode: wait would start", .edit = "mode: automatic\n",
		.by = "mode: observe\n" },
	{ "approve: the shelter goes by its response's mode", LS_NORMAL, MET, { 0 },
		.event = LE_HARM_SHELTER, LD_SHELTER, LS_SUSPECT, .edit = "mode: automatic\n",
		.by = "mode: approve\n" },
	{ "a shelter that may only be asked for", LS_NORMAL, MET, { 0 }, .event = LE_HARM, LD_STAY,
		LS_SUSPECT, "the mode is approve", .edit = "run: wait, mode: automatic",
		.by = "run: wait, mode: approve" },
	{ "one receiver class alone shelters nothing", LS_NORMAL, MET, { 0 }, .only_class = "big",
		.event = LE_HARM, LD_STAY, LS_SUSPECT, "class: " },
	{ "one-shot starts nothing by itself", LS_NORMAL, MET, { .one_shot = true },
		.event = NOTHING(LS_NORMAL), "one-shot" },
	{ "a shelter that stands is not started again", LS_SUSPECT, MET, { .shelter_open = true },
		.event = NOTHING(LS_SUSPECT) },
	{ "a shelter that failed is not tried again", LS_SUSPECT, MET,
		{ .shelter_failed = "the hub is away" }, .event = NOTHING(LS_SUSPECT),
		"the hub is away" },
	{ "the shelter comes late, after a pause", LS_SUSPECT, MET, { 0 }, .event = LE_HARM_SHELTER,
		LD_SHELTER, LS_SUSPECT },
	{ "a shelter past its time, and nothing is suspected", LS_NORMAL, QUIET,
		{ .shelter_open = true, .shelter_ended = true }, .event = LE_SHELTER_OVER, LD_ALARM,
		LS_NORMAL },
	{ "a shelter past its time, and all is clear: told first", LS_NORMAL, WELL,
		{ .shelter_open = true, .shelter_ended = true }, .event = LE_SHELTER_OVER, LD_ALARM,
		LS_NORMAL },
	{ "a shelter past its time, but something is: that first", LS_NORMAL, MET,
		{ .shelter_open = true, .shelter_ended = true }, .event = LE_HARM, LD_STAY,
		LS_SUSPECT },
	{ "a shelter past its time, and what is suspected is not believed", LS_NORMAL, MET,
		{ .shelter_open = true, .shelter_ended = true, .blind = "cut off" },
		.event = LE_SHELTER_OVER, LD_ALARM, LS_NORMAL },
	{ "a shelter past its time is told before what is confirmed is decided", LS_SUSPECT, RIPE,
		{ .shelter_open = true, .shelter_ended = true }, .event = LE_SHELTER_OVER, LD_ALARM,
		LS_SUSPECT },
	{ "the shelter's time is over", LS_SUSPECT, MET,
		{ .shelter_open = true, .shelter_ended = true }, .event = LE_SHELTER_OVER, LD_ALARM,
		LS_SUSPECT },
	{ "the alarm is given while paused, blind or not", LS_SUSPECT, MET,
		{ .shelter_open = true,
			.shelter_ended = true,
			.paused = "bob",
			.blind = "cut off" },
		.event = LE_SHELTER_OVER, LD_ALARM, LS_SUSPECT },
	{ "the alarm is given once", LS_SUSPECT, MET,
		{ .shelter_open = true, .shelter_ended = true, .expiry_told = true },
		.event = NOTHING(LS_SUSPECT) },

	/* clear */
	{ "clear ends suspicion and shelter", LS_SUSPECT, WELL,
		{ .shelter_open = true, .led_by = "blocked" }, .event = LE_CLEARED, LD_UNSHELTER,
		LS_NORMAL },
	{ "not met is not clear", LS_SUSPECT, QUIET, { .shelter_open = true, .led_by = "blocked" },
		.event = NOTHING(LS_SUSPECT) },
	{ "paused: the shelter stays", LS_SUSPECT, WELL, { .shelter_open = true, .paused = "bob" },
		.event = NOTHING(LS_SUSPECT), "until resume" },
	{ "blind: silence is not health", LS_SUSPECT, WELL,
		{ .shelter_open = true, .blind = "cut off" }, .event = NOTHING(LS_SUSPECT),
		"silence is not health [cut off]" },
	{ "a shelter left over from a rollback ends in normal", LS_NORMAL, WELL,
		{ .shelter_open = true }, .event = LE_CLEARED, LD_UNSHELTER, LS_NORMAL },
	{ "normal and clear without a shelter is nothing", LS_NORMAL, WELL, { 0 },
		.event = NOTHING(LS_NORMAL) },
	{ "clear makes the question void", LS_AWAITING, WELL,
		{ .asked_wall_ms = 1, .led_by = "blocked" }, .event = LE_CLEARED, LD_UNSHELTER,
		LS_NORMAL },

	/* asking */
	{ "met is not confirmed", LS_SUSPECT, MET, { .shelter_open = true },
		.event = NOTHING(LS_SUSPECT) },
	{ "confirmed: people are asked", LS_SUSPECT, RIPE, { .shelter_open = true },
		.event = LE_CONFIRMED, LD_ASK, LS_AWAITING },
	{ "cooldown and budget do not keep from asking", LS_SUSPECT, RIPE,
		{ .shelter_open = true,
			.last_cutover_wall_ms = 1790000000000 - MINUTE,
			.cutovers_in_budget = 9,
			.window_no_cutover = true },
		.event = LE_CONFIRMED, LD_ASK, LS_AWAITING },
	{ "paused: nobody is asked", LS_SUSPECT, RIPE,
		{ .shelter_open = true, .paused = "bob: work" }, .event = NOTHING(LS_SUSPECT),
		"bob: work" },
	{ "blind: nobody is asked", LS_SUSPECT, RIPE, { .shelter_open = true, .blind = "clock" },
		.event = NOTHING(LS_SUSPECT), "blind: " },
	{ "stood down: not in this episode", LS_SUSPECT, RIPE,
		{ .shelter_open = true, .stood_down = "blocked" }, .event = NOTHING(LS_SUSPECT),
		"stood-down: " },
	{ "stood down from another diagnosis", LS_SUSPECT, RIPE,
		{ .shelter_open = true, .stood_down = "shut" }, .event = LE_CONFIRMED, LD_ASK,
		LS_AWAITING },
	{ "one receiver class alone moves nothing", LS_SUSPECT, RIPE, { .shelter_open = true },
		.only_class = "big", .event = NOTHING(LS_SUSPECT), "class: " },
	{ "observe: would ask", LS_SUSPECT, RIPE, { .shelter_open = true },
		.event = NOTHING(LS_SUSPECT), "mode: out would start", .edit = "mode: automatic\n",
		.by = "mode: observe\n" },
	{ "the backup is unfit: alarm instead of a plan", LS_SUSPECT, RIPE,
		{ .shelter_open = true, .backup_unfit = true }, .event = LE_BACKUP_UNFIT, LD_ALARM,
		LS_SUSPECT, "unfit: " },
	{ "and told once", LS_SUSPECT, RIPE,
		{ .shelter_open = true, .backup_unfit = true, .unfit_told = true },
		.event = NOTHING(LS_SUSPECT), "unfit: " },
	{ "no plan can be made", LS_SUSPECT, RIPE, { .shelter_open = true }, .base_broken = true,
		.event = NOTHING(LS_SUSPECT), "base: " },

	/* automatic */
	{ "automatic: across at once", LS_SUSPECT, RIPE, { .shelter_open = true },
		.event = LE_CONFIRMED_AUTO, LD_CUTOVER, LS_CUTTING, "2 receivers", APPROVE, AUTO },
	{ "automatic, capped by the playbook", LS_SUSPECT, RIPE, { .shelter_open = true },
		.event = LE_CONFIRMED, LD_ASK, LS_AWAITING, .edit = "mode: automatic\ntargets",
		.by = "mode: approve\ntargets" },
	{ "automatic, cooling down", LS_SUSPECT, RIPE,
		{ .shelter_open = true, .last_cutover_wall_ms = 1790000000000 - 59 * MINUTE },
		.event = NOTHING(LS_SUSPECT), "cooldown: 60 s left", APPROVE, AUTO },
	{ "automatic, cooled down", LS_SUSPECT, RIPE,
		{ .shelter_open = true, .last_cutover_wall_ms = 1790000000000 - HOUR },
		.event = LE_CONFIRMED_AUTO, LD_CUTOVER, LS_CUTTING, NULL, APPROVE, AUTO },
	{ "a clock set back does not cool down", LS_SUSPECT, RIPE,
		{ .shelter_open = true, .last_cutover_wall_ms = 1790000000000 + 5 * HOUR },
		.event = NOTHING(LS_SUSPECT), "cooldown: 3600 s left", APPROVE, AUTO },
	{ "automatic, one left in the budget", LS_SUSPECT, RIPE,
		{ .shelter_open = true, .cutovers_in_budget = 1 }, .event = LE_CONFIRMED_AUTO,
		LD_CUTOVER, LS_CUTTING, NULL, APPROVE, AUTO },
	{ "automatic, budget used up", LS_SUSPECT, RIPE,
		{ .shelter_open = true, .cutovers_in_budget = 2 }, .event = NOTHING(LS_SUSPECT),
		"budget: 2", APPROVE, AUTO },
	{ "automatic, in a blackout for cut-overs", LS_SUSPECT, RIPE,
		{ .shelter_open = true, .window_no_cutover = true }, .event = NOTHING(LS_SUSPECT),
		"blackout: ", APPROVE, AUTO },
	{ "a blackout stops no shelter", LS_SUSPECT, MET,
		{ .window_no_cutover = true, .window_no_failback = true }, .event = LE_HARM_SHELTER,
		LD_SHELTER, LS_SUSPECT, NULL, APPROVE, AUTO },
	{ "automatic, paused", LS_SUSPECT, RIPE, { .shelter_open = true, .paused = "bob" },
		.event = NOTHING(LS_SUSPECT), "pause: ", APPROVE, AUTO },
	{ "automatic, blind", LS_SUSPECT, RIPE, { .shelter_open = true, .blind = "cut off" },
		.event = NOTHING(LS_SUSPECT), "blind: ", APPROVE, AUTO },

	/* answers */
	{ "no answer yet", LS_AWAITING, RIPE,
		{ .asked_wall_ms = 1790000000000 - 14 * MINUTE, .shelter_open = true },
		.event = NOTHING(LS_AWAITING), "0 of 1" },
	{ "one of two", LS_AWAITING, RIPE,
		{ .asked_wall_ms = 1, .approvals = 1, .approvals_needed = 2, .shelter_open = true },
		.event = NOTHING(LS_AWAITING), "1 of 2", APPROVE,
		"{on: blocked, run: out, mode: approve}" },
	{ "approved", LS_AWAITING, RIPE,
		{ .asked_wall_ms = 1790000000000, .approvals = 1, .approvals_needed = 1 },
		.event = LE_APPROVED, LD_CUTOVER, LS_CUTTING },
	{ "approved while blind: people may", LS_AWAITING, RIPE,
		{ .asked_wall_ms = 1790000000000,
			.approvals = 1,
			.approvals_needed = 1,
			.blind = "cut off" },
		.event = LE_APPROVED, LD_CUTOVER, LS_CUTTING },
	{ "approved under the brake", LS_AWAITING, RIPE,
		{ .asked_wall_ms = 1790000000000,
			.approvals = 1,
			.approvals_needed = 1,
			.paused = "bob",
			.shelter_open = true },
		.event = NOTHING(LS_AWAITING), "override pause" },
	{ "approved in cooldown and blackout: people may", LS_AWAITING, RIPE,
		{ .asked_wall_ms = 1790000000000,
			.approvals = 1,
			.last_cutover_wall_ms = 1790000000000,
			.window_no_cutover = true },
		.event = LE_APPROVED, LD_CUTOVER, LS_CUTTING },
	{ "approved, but somebody has changed a target", LS_AWAITING, RIPE,
		{ .asked_wall_ms = 1790000000000, .approvals = 1, .shelter_open = true },
		.base_broken = true, .event = NOTHING(LS_AWAITING), "base: " },
	{ "approved, but one receiver class alone is left", LS_AWAITING, RIPE,
		{ .asked_wall_ms = 1790000000000, .approvals = 1, .shelter_open = true },
		.only_class = "big", .event = NOTHING(LS_AWAITING), "class: " },
	{ "approved in time under the brake, and the time is over", LS_AWAITING, RIPE,
		{ .asked_wall_ms = 1790000000000 - 15 * MINUTE,
			.approvals = 1,
			.paused = "bob",
			.shelter_open = true },
		.event = NOTHING(LS_AWAITING), "pause: ", APPROVE, STAND },
	{ "one no outweighs the yes", LS_AWAITING, RIPE,
		{ .asked_wall_ms = 1790000000000, .approvals = 1, .denials = 1 },
		.event = LE_DENIED, LD_STAY, LS_SUSPECT },
	{ "time is over: proceed", LS_AWAITING, RIPE,
		{ .asked_wall_ms = 1790000000000 - 15 * MINUTE }, .event = LE_PROCEED, LD_CUTOVER,
		LS_CUTTING },
	{ "time is over, but the harm has gone", LS_AWAITING, QUIET,
		{ .asked_wall_ms = 1790000000000 - 15 * MINUTE, .led_by = "blocked" },
		.event = NOTHING(LS_AWAITING), "evidence: " },
	{ "time is over, paused", LS_AWAITING, RIPE,
		{ .asked_wall_ms = 1790000000000 - 15 * MINUTE,
			.paused = "bob",
			.shelter_open = true },
		.event = NOTHING(LS_AWAITING), "pause: " },
	{ "time is over, blind", LS_AWAITING, RIPE,
		{ .asked_wall_ms = 1790000000000 - 15 * MINUTE,
			.blind = "cut off",
			.shelter_open = true },
		.event = NOTHING(LS_AWAITING), "blind: " },
	{ "time is over, cooling down", LS_AWAITING, RIPE,
		{ .asked_wall_ms = 1790000000000 - 15 * MINUTE,
			.last_cutover_wall_ms = 1790000000000 - MINUTE,
			.shelter_open = true },
		.event = NOTHING(LS_AWAITING), "cooldown: " },
	{ "time is over, budget used up", LS_AWAITING, RIPE,
		{ .asked_wall_ms = 1790000000000 - 15 * MINUTE,
			.cutovers_in_budget = 2,
			.shelter_open = true },
		.event = NOTHING(LS_AWAITING), "budget: " },
	{ "time is over: stand down, with an alarm", LS_AWAITING, RIPE,
		{ .asked_wall_ms = 1790000000000 - 15 * MINUTE }, .event = LE_STAND_DOWN, LD_ALARM,
		LS_SUSPECT, NULL, APPROVE, STAND },
	{ "standing down is no action: paused and blind too", LS_AWAITING, RIPE,
		{ .asked_wall_ms = 1790000000000 - 15 * MINUTE,
			.paused = "bob",
			.blind = "cut off" },
		.event = LE_STAND_DOWN, LD_ALARM, LS_SUSPECT, NULL, APPROVE, STAND },
	{ "the playbook no longer has what was asked for", LS_AWAITING, RIPE,
		{ .asked_wall_ms = 1, .approvals = 1 }, .event = LE_DENIED, LD_STAY, LS_SUSPECT,
		"no longer has", "  - " APPROVE "\n", "" },
	{ "the shelter comes late while people decide", LS_AWAITING, RIPE, { .asked_wall_ms = 1 },
		.event = LE_HARM_SHELTER, LD_SHELTER, LS_AWAITING, NULL, APPROVE,
		"{on: blocked, run: out, mode: approve}" },
	{ "without `within` the question stands", LS_AWAITING, RIPE,
		{ .asked_wall_ms = 1, .shelter_open = true }, .event = NOTHING(LS_AWAITING), NULL,
		APPROVE, "{on: blocked, run: out, mode: approve}" },
	{ "the backup turns bad while people decide", LS_AWAITING, RIPE,
		{ .asked_wall_ms = 1790000000000, .backup_unfit = true, .shelter_open = true },
		.event = LE_BACKUP_UNFIT, LD_ALARM, LS_AWAITING },

	/* runs */
	{ "the cut-over runs", LS_CUTTING, RIPE, { .run = RUN_FORWARD },
		.event = NOTHING(LS_CUTTING) },
	{ "the cut-over is past its pivot", LS_CUTTING, WELL,
		{ .run = RUN_FORWARD_PIVOTED, .primary_ok = true }, .event = NOTHING(LS_CUTTING) },
	{ "done", LS_CUTTING, RIPE, { .run = RUN_ENDED_DONE }, .event = LE_RUN_DONE, LD_STAY,
		LS_ON_BACKUP },
	{ "done while paused and blind", LS_CUTTING, RIPE,
		{ .run = RUN_ENDED_DONE, .paused = "bob", .blind = "cut off" },
		.event = LE_RUN_DONE, LD_STAY, LS_ON_BACKUP },
	{ "done in a one-shot", LS_CUTTING, RIPE, { .run = RUN_ENDED_DONE, .one_shot = true },
		.event = LE_RUN_DONE, LD_STAY, LS_ON_BACKUP },
	{ "it turns round", LS_CUTTING, RIPE, { .run = RUN_BACKWARD }, .event = LE_RUN_UNDOING,
		LD_ALARM, LS_ROLLING },
	{ "it is being turned round", LS_ROLLING, RIPE, { .run = RUN_BACKWARD },
		.event = NOTHING(LS_ROLLING) },
	{ "what is turned round does not go forward", LS_ROLLING, RIPE, { .run = RUN_FORWARD },
		.event = NOTHING(LS_ROLLING) },
	{ "a run that ends outside of what is known is noted", LS_NORMAL, QUIET,
		{ .run = RUN_ENDED_UNDONE, .run_is_failback = true }, .event = LE_BACK_UNDONE,
		LD_STAY, LS_ON_BACKUP },
	{ "undone", LS_ROLLING, RIPE, { .run = RUN_ENDED_UNDONE }, .event = LE_RUN_UNDONE, LD_STAY,
		LS_NORMAL },
	{ "blocked", LS_CUTTING, RIPE, { .run = RUN_IS_BLOCKED, .run_pivoted = true },
		.event = LE_RUN_BLOCKED, LD_ALARM, LS_BLOCKED },
	{ "blocked stays blocked", LS_BLOCKED, WELL,
		{ .run = RUN_IS_BLOCKED, .settled = SETTLED_ON_PRIMARY, .primary_ok = true },
		.event = NOTHING(LS_BLOCKED), "continue" },
	{ "blocked goes on", LS_BLOCKED, RIPE, { .run = RUN_FORWARD }, .event = LE_FOUND_RUN,
		LD_STAY, LS_CUTTING },
	{ "blocked failback goes on", LS_BLOCKED, RIPE,
		{ .run = RUN_FORWARD, .run_is_failback = true }, .event = LE_FOUND_BACK, LD_STAY,
		LS_FAILING_BACK },
	{ "the mixture is still there", LS_BLOCKED, RIPE, { .settled = SETTLED_MIXTURE },
		.event = NOTHING(LS_BLOCKED), "mixture" },
	{ "the mixture was put right", LS_BLOCKED, RIPE, { .settled = SETTLED_ON_BACKUP },
		.event = LE_SETTLED_BACKUP, LD_STAY, LS_ON_BACKUP },

	/* on backup, and home */
	{ "the primary is still bad", LS_ON_BACKUP, RIPE, { 0 }, .event = NOTHING(LS_ON_BACKUP) },
	{ "the primary is healthy", LS_ON_BACKUP, QUIET, { .primary_ok = true },
		.event = LE_PRIMARY_OK, LD_STAY, LS_RECOVERING },
	{ "the primary looks healthy to a blind one", LS_ON_BACKUP, QUIET,
		{ .primary_ok = true, .blind = "cut off" }, .event = NOTHING(LS_ON_BACKUP),
		"blind: " },
	{ "the backup is worse", LS_ON_BACKUP, RIPE, { .backup_unfit = true },
		.event = LE_BACKUP_UNFIT, LD_ALARM, LS_ON_BACKUP },
	{ "a blind one calls nobody to an unfit backup", LS_ON_BACKUP, RIPE,
		{ .backup_unfit = true, .blind = "cut off" }, .event = NOTHING(LS_ON_BACKUP),
		"blind: " },
	{ "it soaks", LS_RECOVERING, WELL, { .primary_ok = true }, .event = NOTHING(LS_RECOVERING),
		"soak: " },
	{ "the backup is worse while the primary soaks", LS_RECOVERING, WELL,
		{ .primary_ok = true, .backup_unfit = true }, .event = LE_BACKUP_UNFIT, LD_ALARM,
		LS_RECOVERING },
	{ "and told once, while it soaks", LS_RECOVERING, WELL,
		{ .primary_ok = true, .backup_unfit = true, .unfit_told = true },
		.event = NOTHING(LS_RECOVERING), "soak: " },
	{ "the backup is unfit in peace time", LS_NORMAL, QUIET, { .backup_unfit = true },
		.event = LE_BACKUP_UNFIT, LD_ALARM, LS_NORMAL },
	{ "it is bad again", LS_RECOVERING, QUIET, { 0 }, .event = LE_PRIMARY_BAD, LD_STAY,
		LS_ON_BACKUP },
	{ "soaked: people are asked", LS_RECOVERING, WELL,
		{ .primary_ok = true, .primary_soaked = true, .queues_drained = true },
		.event = LE_SOAKED, LD_ASK, LS_RECOVERING },
	{ "soaked, queues not drained", LS_RECOVERING, WELL,
		{ .primary_ok = true, .primary_soaked = true }, .event = NOTHING(LS_RECOVERING),
		"queues: " },
	{ "soaked, no plan can be made", LS_RECOVERING, WELL,
		{ .primary_ok = true, .primary_soaked = true, .queues_drained = true },
		.base_broken = true, .event = NOTHING(LS_RECOVERING), "base: " },
	{ "approved, no plan can be made", LS_RECOVERING, WELL,
		{ .primary_ok = true,
			.primary_soaked = true,
			.queues_drained = true,
			.asked_wall_ms = 1,
			.approvals = 1 },
		.base_broken = true, .event = NOTHING(LS_RECOVERING), "base: " },
	{ "approved, queues not drained", LS_RECOVERING, WELL,
		{ .primary_ok = true, .primary_soaked = true, .asked_wall_ms = 1, .approvals = 1 },
		.event = NOTHING(LS_RECOVERING), "queues: " },
	{ "soaked, in a blackout for failbacks", LS_RECOVERING, WELL,
		{ .primary_ok = true,
			.primary_soaked = true,
			.queues_drained = true,
			.window_no_failback = true },
		.event = NOTHING(LS_RECOVERING), "blackout: " },
	{ "soaked, paused", LS_RECOVERING, WELL,
		{ .primary_ok = true,
			.primary_soaked = true,
			.queues_drained = true,
			.paused = "bob" },
		.event = NOTHING(LS_RECOVERING), "pause: " },
	{ "soaked, blind", LS_RECOVERING, WELL,
		{ .primary_ok = true,
			.primary_soaked = true,
			.queues_drained = true,
			.blind = "cut off" },
		.event = NOTHING(LS_RECOVERING), "blind: " },
	{ "soaked and automatic", LS_RECOVERING, WELL,
		{ .primary_ok = true, .primary_soaked = true, .queues_drained = true },
		.event = LE_SOAKED_AUTO, LD_FAILBACK, LS_FAILING_BACK, NULL, BACK, BACK_AUTO },
	{ "automatic, but the playbook only approves", LS_RECOVERING, WELL,
		{ .primary_ok = true, .primary_soaked = true, .queues_drained = true },
		.event = LE_SOAKED, LD_ASK, LS_RECOVERING, NULL, "mode: automatic\ntargets",
		"mode: approve\ntargets" },
	{ "asked, no answer", LS_RECOVERING, WELL,
		{ .primary_ok = true,
			.primary_soaked = true,
			.queues_drained = true,
			.asked_wall_ms = 1 },
		.event = NOTHING(LS_RECOVERING), "0 of 1" },
	{ "soaked, the playbook only observes", LS_RECOVERING, WELL,
		{ .primary_ok = true, .primary_soaked = true, .queues_drained = true },
		.event = NOTHING(LS_RECOVERING), "mode is observe", "mode: automatic\ntargets",
		"mode: observe\ntargets" },
	{ "soaked, with no queues to wait for", LS_RECOVERING, WELL,
		{ .primary_ok = true, .primary_soaked = true }, .event = LE_SOAKED, LD_ASK,
		LS_RECOVERING, NULL, "require: [queues-drained]", "require: [primary-ready]" },
	{ "approved under the brake, the way home", LS_RECOVERING, WELL,
		{ .primary_ok = true,
			.paused = "bob: work",
			.queues_drained = true,
			.asked_wall_ms = 1,
			.approvals = 1 },
		.event = NOTHING(LS_RECOVERING), "the failback is approved, but the brake is on" },
	{ "one of two for the failback", LS_RECOVERING, WELL,
		{ .primary_ok = true,
			.queues_drained = true,
			.asked_wall_ms = 1,
			.approvals = 1,
			.approvals_needed = 2 },
		.event = NOTHING(LS_RECOVERING), "1 of 2" },
	{ "asked and approved", LS_RECOVERING, WELL,
		{ .primary_ok = true,
			.primary_soaked = true,
			.queues_drained = true,
			.asked_wall_ms = 1,
			.approvals = 1 },
		.event = LE_APPROVED, LD_FAILBACK, LS_FAILING_BACK },
	{ "approved, and bad again before it started", LS_RECOVERING, QUIET,
		{ .queues_drained = true, .asked_wall_ms = 1, .approvals = 1 },
		.event = LE_PRIMARY_BAD, LD_STAY, LS_ON_BACKUP },
	{ "asked and denied: once, for this soak", LS_RECOVERING, WELL,
		{ .primary_ok = true,
			.primary_soaked = true,
			.queues_drained = true,
			.asked_wall_ms = 1,
			.denials = 1 },
		.event = NOTHING(LS_RECOVERING), "denied" },
	{ "home", LS_FAILING_BACK, WELL, { .run = RUN_ENDED_DONE, .run_is_failback = true },
		.event = LE_BACK_DONE, LD_STAY, LS_NORMAL },
	{ "turned round on the way home", LS_ROLLING, WELL,
		{ .run = RUN_ENDED_UNDONE, .run_is_failback = true }, .event = LE_BACK_UNDONE,
		LD_STAY, LS_ON_BACKUP },
};

static void
run_row(const struct fact_row *r)
{
	struct playbook *pb = load(r->edit, r->by);
	struct diag_view v[2] = { view(pb, 0, r->seen), view(pb, 1, QUIET) };
	struct facts f = r->f;
	struct decision d;
	bool right;

	v[0].only_class = r->only_class;
	v[1].known = false;
	f.pb = pb;
	f.state = r->state;
	f.boot_ms = BOOT;
	f.wall_ms = WALL;
	f.state_since_wall_ms = WALL - MINUTE;
	f.diag = v;
	f.diag_n = 2;
	f.base_ready = !r->base_broken;
	decide(&f, &d);
	right = d.any == (r->event != LE_N) && (r->reason == NULL || says(&d, r->reason));
	if (d.any)
		right = right && d.event == r->event && d.row->act == r->act &&
			d.row->to == r->to &&
			d.row == lifecycle_next(r->state, d.event,
					 (f.paused != NULL ? LF_PAUSED : 0) |
						 (f.blind != NULL ? LF_BLIND : 0));
	if (!right)
		print_decision(r->name, &d);
	CHECK(right);
	CHECK(d.again_boot_ms > BOOT);
	for (size_t i = 0, blind = 0; i < d.reasons_n;
		i++) { /* said when it is so, and not twice in other words */
		if (strncmp(d.reasons[i], "blind: nothing", 14) == 0)
			CHECK(f.blind != NULL && blind == 0 && r->state != LS_SETTLING &&
				r->state != LS_BLOCKED);
		blind += strncmp(d.reasons[i], "blind:", 6) == 0;
		CHECK(strncmp(d.reasons[i], "pause:", 6) != 0 || f.paused != NULL);
		CHECK(strncmp(d.reasons[i], "blind:", 6) != 0 || f.blind != NULL);
	}
	playbook_unref(&pb);
}

static void
each_row_of_facts_leads_to_its_decision(void)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		run_row(&rows[i]);
}

/* --- what the decision carries --- */

static void
a_decision_names_procedure_response_and_diagnosis(void)
{
	struct playbook *pb = load(NULL, NULL);
	struct diag_view v[2] = { view(pb, 0, RIPE), view(pb, 1, QUIET) };
	struct facts f = facts_of(pb, LS_NORMAL, v);
	struct decision d;

	decide(&f, &d);
	CHECK(d.any && d.procedure != NULL && d.response == &pb->responses[0] &&
		d.diagnosis == &pb->diagnoses[0]);
	CHECK_STR(d.procedure != NULL ? d.procedure->name : NULL, "wait");
	f.state = LS_SUSPECT;
	f.shelter_open = true;
	decide(&f, &d);
	CHECK(d.any && d.response == &pb->responses[1]);
	CHECK_STR(d.procedure != NULL ? d.procedure->name : NULL, "out");
	f.state = LS_AWAITING;
	f.asked_wall_ms = WALL;
	f.approvals = 1;
	decide(&f, &d);
	CHECK(d.any && d.diagnosis == &pb->diagnoses[0]);
	CHECK_STR(d.procedure != NULL ? d.procedure->name : NULL, "out");
	playbook_unref(&pb);
}

static void
it_says_when_to_look_again(void)
{
	struct playbook *pb = load(APPROVE, AUTO);
	struct diag_view v[2] = { view(pb, 0, MET), view(pb, 1, QUIET) };
	struct facts f = facts_of(pb, LS_SUSPECT, v);
	struct decision d;

	f.shelter_open = true;
	decide(&f, &d);
	CHECK_INT(d.again_boot_ms - BOOT, 4 * MINUTE); /* met for one minute of five */
	v[0] = view(pb, 0, RIPE);
	f.last_cutover_wall_ms = WALL - 50 * MINUTE;
	decide(&f, &d);
	CHECK_INT(d.again_boot_ms - BOOT, 10 * MINUTE);
	f.last_cutover_wall_ms = 0;
	f.window_no_cutover = true;
	decide(&f, &d);
	CHECK(d.again_boot_ms > BOOT && d.again_boot_ms <= BOOT + MINUTE);
	playbook_unref(&pb);
	pb = load(NULL, NULL);
	v[0] = view(pb, 0, RIPE);
	v[1] = view(pb, 1, QUIET);
	f = facts_of(pb, LS_AWAITING, v);
	f.shelter_open = true;
	f.asked_wall_ms = WALL - 5 * MINUTE;
	decide(&f, &d);
	CHECK_INT(d.again_boot_ms - BOOT, 10 * MINUTE);
	v[0] = view(pb, 0, QUIET);
	v[0].clear_since_boot_ms = BOOT - 30 * MINUTE;
	f = facts_of(pb, LS_SUSPECT, v);
	decide(&f, &d);
	CHECK_INT(d.again_boot_ms - BOOT, 90 * MINUTE);
	v[0] = view(pb, 0, QUIET);
	f = facts_of(pb, LS_NORMAL, v);
	decide(&f, &d);
	CHECK(!d.any && d.again_boot_ms == INT64_MAX);
	playbook_unref(&pb);
}

static void
of_two_accusations_the_confirmed_one_speaks(void)
{
	struct playbook *pb = load("diagnoses:\n",
		"diagnoses:\n  slow: {path: cloud, flow: outbound, groups: 1, of: [delivery], "
		"must: [delivery], for: 1m, clear: 1h}\n");
	struct diag_view v[3] = { view(pb, 0, MET), view(pb, 1, RIPE), view(pb, 2, QUIET) };
	struct facts f = facts_of(pb, LS_NORMAL, v);
	struct decision d;

	f.diag_n = 3;
	f.shelter_open = true;
	decide(&f, &d);
	CHECK(d.any && d.event == LE_HARM && d.diagnosis == &pb->diagnoses[1]);
	v[0] = view(pb, 0, RIPE);
	v[1] = view(pb, 1, MET);
	decide(&f, &d);
	CHECK(d.any && d.diagnosis == &pb->diagnoses[0]);
	v[0] = view(pb, 0, RIPE);
	v[1] = view(pb, 1, RIPE);
	decide(&f, &d);
	CHECK(d.any && d.diagnosis == &pb->diagnoses[0]);
	playbook_unref(&pb);
}

static void
a_machine_looks_at_its_own_flow_and_the_primary_alone(void)
{
	struct playbook *pb = load("diagnoses:\n",
		"diagnoses:\n  unfit: {path: relay, flow: outbound, groups: 1, of: [delivery], "
		"must: [delivery], for: 1m, clear: 1h}\n");
	struct diag_view v[3] = { view(pb, 0, RIPE), view(pb, 1, QUIET), view(pb, 2, QUIET) };
	struct facts f = facts_of(pb, LS_NORMAL, v);
	struct decision d;

	f.diag_n = 3;
	decide(&f, &d);
	CHECK(!d.any); /* the backup is accused: nothing leaves the primary for that */
	v[0] = view(pb, 0, QUIET);
	v[2] = view(pb, 2, RIPE); /* inbound mail is shut out */
	decide(&f, &d);
	CHECK(!d.any);
	f.flow = FLOW_INBOUND;
	decide(&f, &d);
	CHECK(d.any && d.event == LE_HARM);
	f.state = LS_SUSPECT;
	v[2].only_class = "home"; /* of inbound mail we are the only receiver */
	decide(&f, &d);
	CHECK(d.any && d.event == LE_CONFIRMED);
	CHECK_STR(d.procedure != NULL ? d.procedure->name : NULL, "in");
	playbook_unref(&pb);
}

static void
another_diagnosis_keeps_it_suspected(void)
{
	struct playbook *pb = load("diagnoses:\n",
		"diagnoses:\n  slow: {path: cloud, flow: outbound, groups: 1, of: [delivery], "
		"must: [delivery], for: 1m, clear: 1h}\n");
	struct diag_view v[3] = { view(pb, 0, QUIET), view(pb, 1, WELL), view(pb, 2, QUIET) };
	struct facts f = facts_of(pb, LS_SUSPECT, v);
	struct decision d;

	f.diag_n = 3;
	v[0].known =
		false; /* nothing is known of the other one: it does not hold the first one back */
	f.led_by = "blocked";
	decide(&f, &d);
	CHECK(d.any && d.event == LE_CLEARED);
	v[0] = view(pb, 0, QUIET); /* known, and not clear for long enough: it did not lead here */
	decide(&f, &d);
	CHECK(d.any && d.event == LE_CLEARED);
	f.led_by = NULL; /* who led here is not known: all that are known must be clear */
	decide(&f, &d);
	CHECK(!d.any);
	f.led_by = "blocked";
	v[0] = view(pb, 0, WELL); /* another one being clear is not enough */
	v[1] = view(pb, 1, QUIET);
	v[1].known = false;
	decide(&f, &d);
	CHECK(!d.any);
	v[1] = view(pb, 1, WELL);
	v[0] = view(pb, 0, MET);
	decide(&f, &d);
	CHECK(!d.any || d.event != LE_CLEARED);
	v[0] = view(pb, 0, WELL); /* it is the one that led here that must be clear */
	v[1] = view(pb, 1, QUIET);
	decide(&f, &d);
	CHECK(!d.any);
	playbook_unref(&pb);
}

static void
the_first_response_that_may_act_wins(void)
{
	struct playbook *pb = load(APPROVE, "{on: blocked, run: out, mode: observe}\n  - {on: "
					    "blocked, run: out, mode: approve}\n"
					    "  - {on: blocked, run: out, mode: automatic}");
	struct diag_view v[2] = { view(pb, 0, RIPE), view(pb, 1, QUIET) };
	struct facts f = facts_of(pb, LS_SUSPECT, v);
	struct decision d;

	f.shelter_open = true;
	decide(&f, &d);
	CHECK(d.any && d.event == LE_CONFIRMED && d.response == &pb->responses[2]);
	CHECK(says(&d, "mode is observe"));
	f.state = LS_AWAITING; /* whose plan is pending is told by its mode when the diagnosis is
				  not known */
	f.asked_wall_ms = 1;
	f.approvals = 1;
	decide(&f, &d);
	CHECK(d.any && d.event == LE_APPROVED && d.response == &pb->responses[2]);
	playbook_unref(&pb);
}

int
main(void)
{
	TEST(each_row_of_facts_leads_to_its_decision);
	TEST(a_decision_names_procedure_response_and_diagnosis);
	TEST(it_says_when_to_look_again);
	TEST(of_two_accusations_the_confirmed_one_speaks);
	TEST(a_machine_looks_at_its_own_flow_and_the_primary_alone);
	TEST(another_diagnosis_keeps_it_suspected);
	TEST(the_first_response_that_may_act_wins);
	return check_end();
}
