/*
 * planted.h - faults that a test build can plant, chosen at run time by number. In the product
 * PLANTED() is the constant false and none of it is compiled in. Each row says what the fault
 * breaks; tests/sim must find each.
 */
#ifndef FERRYMAN_BASE_PLANTED_H
#define FERRYMAN_BASE_PLANTED_H

#include <stdbool.h>

/* Random seeds find each of these. */
#define PLANTED_WIDE(X)                                                                            \
	X(EFFECT_BEFORE_INTENT, "an effect leaves before its intent is durable")                   \
	X(UNCHANGED_SKIPS_FENCE, "unchanged sends nothing although an intent is unanswered")       \
	X(SKIP_MAYBE_APPLIED, "compensation skips steps whose intent has no result")               \
	X(UNKNOWN_IS_FAILED, "an unknown outcome counts as not applied")                           \
	X(RETRY_NEW_LSN, "a retry in the same direction takes a new number")                       \
	X(SECOND_RUN, "a second run of a flow may start while one is open")                        \
	X(STALE_BASE, "the base that the plan was made from is not compared at the start")         \
	X(UNDO_IN_ORDER, "compensation does not go backwards and does not wait for answers")       \
	X(NO_DRAIN, "the next effect at a class U target does not wait out the last one")          \
	X(UNDO_PAST_PIVOT, "a run that fails after its pivot takes back what it did")              \
	X(BRAKE_IGNORED, "a run under way takes new steps while the brake is on")                  \
	X(NO_COOLDOWN, "a cut-over starts by itself as soon as the one before has ended")          \
	X(OBSERVER_WRITES, "a playbook that only observes leaves its number at the targets")       \
	X(ANY_HOUR, "a cut-over starts by itself at an hour at which the playbook forbids it")     \
	X(HOME_ANY_HOUR,                                                                           \
		"a failback starts by itself at an hour at which the playbook forbids it")         \
	X(ANYBODY_MAY, "commands are not held against what the playbook lets people do")           \
	X(ANYBODY_ABORTS, "a run is turned round for whoever says so")                             \
	X(ANYBODY_RESUMES, "the brake is taken off for whoever says so")                           \
	X(ANYBODY_CONTINUES, "a blocked run goes on for whoever says so")                          \
	X(ANYBODY_EJECTS, "ferryman is taken out for whoever says so")                             \
	X(ANY_RIGHT, "whoever may do one thing may do everything")                                 \
	X(PAUSE_UNWRITTEN, "pause is answered with yes, and no brake is written")                  \
	X(NAMED_FOR_EVER, "a run that named the brake once is held by none that comes later")      \
	X(SHELTER_FOR_EVER, "a shelter is not ended when all is clear again")                      \
	X(EXPIRY_UNTOLD, "nobody is told that a shelter's time is over")                           \
	X(CAUSE_IS_HARM, "a listing convinces although no mail was refused")                       \
	X(ERA_UNFENCED, "in a new era nothing is fenced")                                          \
	X(OLD_COPY_SENDS, "a number above the journal's own holds that target alone")              \
	X(UNASKED, "an open run goes on before any target is asked for its number")                \
	X(ALARM_ONCE, "an alarm that did not get out is not sent again")                           \
	X(ONE_SERVER_IS_ALL, "a record counts as published before every server shows it")          \
	X(OLD_EPOCH, "records bear the epoch before")                                              \
	X(EMPTY_SET, "an MX set is made empty")                                                    \
	X(NO_FENCE, "the value at the target is taken as proof, and not the number")               \
	X(LEASE_TOKEN, "any number of this era at the target is taken for the one that was sent")  \
	X(YES_IS_PROOF, "a class U target that says done is believed without a look")              \
	X(ERA_OF_RECORD, "an answer to a number of the era before fences this one")                \
	X(WALL_IS_TIME, "waiting goes by the wall clock")                                          \
	X(NONCE_AGAIN, "an approval's nonce counts more than once")                                \
	X(WORDS_COUNT, "approvals are counted by words and not by people")                         \
	X(APPROVAL_KEPT, "approvals of one plan count for the next")                               \
	X(ANY_RESULT, "an answer to an older number closes the newest intent of its run")          \
	X(BRAKE_LOST, "a restart forgets the brake")                                               \
	X(PIVOT_WHEN_DONE, "the pivot counts from its result on, not from its intent")             \
	X(ABORT_ANY, "abort takes a run back that is past its pivot")                              \
	X(ABORT_UNHEARD, "a run that is aborted goes on all the same")                             \
	X(RESTORED_UNREAD,                                                                         \
		"an open run of a restored journal goes on before the targets are read")           \
	X(BACKUP_ACCUSES, "the backup's evidence is counted against the primary")                  \
	X(UNKNOWN_IS_BAD, "an answer that says nothing is taken for harm")                         \
	X(PROCEED_ALWAYS, "silence of the people lets a cut-over start that should stand down")    \
	X(MODE_IGNORED, "what wants approval starts by itself")                                    \
	X(EXPIRED_COUNTS, "an approval counts past its expiry")                                    \
	X(ANY_PLAN, "a yes to one plan starts another")                                            \
	X(VOID_APPROVAL, "a plan that has changed since it was approved starts")                   \
	X(LSN_OF_OLD_ERA, "a new era goes on with the numbers of the one before")                  \
	X(APPEND_IGNORED, "effects leave although the journal has not taken their intents")        \
	X(CHAIN_SKIPS, "records of one append all name the hash before the first of them")         \
	X(UNDO_LAST_ONLY, "compensation ends after one step")                                      \
	X(SILENT_IS_SHOWN, "a server that does not answer is taken to show the new set")           \
	X(TTL_IGNORED, "a record counts as published while caches still keep the old one")         \
	X(SHELTER_EARLY, "what waited is let go before the new way is taken")                      \
	X(NARROW_FIRST, "a step goes before the proof that it needs")                              \
	X(DONE_TOO_EARLY, "a run is done as soon as its pivot is")                                 \
	X(FENCE_FIRST_ONLY, "in a new era one domain is fenced and not the others")                \
	X(GIVEN_UP_LOUD, "a run is given up although what it sent may still land")                 \
	X(LAST_RECORD_LOST, "the last record of a set is left out")                                \
	X(SPF_EMPTIED, "an SPF record is published without a word in it")                          \
	X(HASH_PARTLY, "the plan's hash leaves out what is bypassed")                              \
	X(UNREAD_IS_EMPTY, "what cannot be read is taken for empty")                               \
	X(RECORD_SHORT, "an intent's record lacks the hash before it")                             \
	X(UNDO_IS_WANT, "the way back leads forward")                                              \
	X(BESIDE_BLOCKED, "a failback starts beside the blocked run that it takes over")           \
	X(OLD_PROOF, "what was proven before the journal was put back counts behind it")           \
	X(EJECT_AT_ONCE, "a number is taken out while its first fence may still land")             \
	X(RUN_UNFENCED, "in a new era a run goes on before every domain is fenced")                \
	X(NO_FSYNC, "the journal is acknowledged before it is on the disk")                        \
	X(EPOCH_STAYS, "an opening of the store is no new epoch")                                  \
	X(NO_CANARY_NEEDED, "a path counts as proven before any message has come through it")      \
	X(ONE_CANARY_IS_ALL, "a path is proven when one receiver has its message")                 \
	X(ALL_EXCUSED, "who lacks the message is excused though the primary serves him")           \
	X(FOR_IGNORED, "a diagnosis is confirmed as soon as it is met")                            \
	X(GROUPS_IGNORED, "one group that is bad is enough, whatever the playbook wants")          \
	X(RECEIVERS_IGNORED, "one receiver that refuses is enough")                                \
	X(BLIND_ACTS, "who does not believe what he sees acts all the same")                       \
	X(ONE_ANCHOR, "one anchor that answers is enough")                                         \
	X(STALE_COUNTS, "an answer counts however old it is")                                      \
	X(SILENCE_VOTES, "what was answered before a silence counts behind it")                    \
	X(JUMP_BELIEVED, "a wall clock that jumps makes nobody blind")                             \
	X(NO_SOAK, "mail goes home as soon as the primary is healthy")                             \
	X(SOAK_GOES_ON, "a soak goes on although the primary was bad in between")                  \
	X(HOME_UNASKED, "a failback that wants approval starts by itself")

/* And these only who tries every schedule of a small world (tests/sim/odometer.c). */
#define PLANTED_NARROW(X)                                                                          \
	X(DRAIN_SHORT, "a class U target is drained a tenth of a second too short")                \
	X(HAND_IS_ENOUGH, "a shelter is not undone where a hand has let its mail go")              \
	X(DRAIN_SHORT_LATER, "and so is one that was sent to before a restart")

/* And these hardly ever by a seed: each has a saved case (tests/sim/cases) that falls with it. */
#define PLANTED_SAVED(X)                                                                           \
	X(LOOK_OVER_LOOK, "reading for a plan and reading anew take each other's place")           \
	X(AWAKE, "a run that waits for the targets wakes the core all the while")                  \
	X(OLD_END_GOES_ON, "the end of an older shelter goes on beside a newer one")               \
	X(JUDGED_ANEW, "a new text in force forgets what was judged of a restored run")            \
	X(FIRST_FORGOTTEN, "a first fence that the journal has forgotten counts as landed")

/* And this by nobody: who finds it has taken a crash for a finding. */
#define PLANTED_DUD(X) X(CORE_DIES, "the core crashes, which proves nothing")

#define PLANTED_FAULTS(X) PLANTED_WIDE(X) PLANTED_NARROW(X) PLANTED_SAVED(X) PLANTED_DUD(X)

enum planted_fault {
	PLANT_NONE,
#define PLANTED_ENUM(n, d) PLANT_##n,
	PLANTED_FAULTS(PLANTED_ENUM)
#undef PLANTED_ENUM
		PLANT_N
};

#ifdef FERRYMAN_PLANTED
extern int planted_fault; /* tests/sim owns it; 0 = none */
#define PLANTED(f) (planted_fault == PLANT_##f)
#else
#define PLANTED(f) false
#endif

#endif
