/*
 * rules.pml - the rules of the fence, of recovery and of compensation, once for both uses of the model: ferrymen.pml
 * tries everything that can happen, follow.pml what one run of the simulator did. Names are record.def's.
 *
 * A request bears the LSN of its INTENT, and l stands for both; 0 is none. Indices: j a journal (1 is that of a new
 * era), d a fence domain, s a step, r a run. Whoever includes this gives the sizes JOURNALS DOMAINS STEPS RUNS
 * RESOURCES LSNS, EMPTY and RELEASING (values), TAKEN_OUT(d) (the number that was
 * taken out of a helper), SAME_ERA(j, l) (l is of j's era), INDEX (a type) and REQUEST (empty, or `hidden`).
 *
 * Rules are numbered as in reliability.md, section 5. Each M_ is a mutant: the rule without its heart.
 */

/* fence of a domain, as in connector.h; F has two forms: a high-water file, and a prerequisite that must be equal */
#define F_HIGH 1
#define F_EQUAL 2
#define U 3
/* dir */
#define DO 0
#define UNDO 1
#define FENCE 2
/* outcome */
#define DONE 1
#define UNCHANGED 2
#define RETRY 3
#define REFUSED 4
#define CONFLICT 5
#define STALE 6
#define UNKNOWN 7
#define GOOD(o) ((o) == DONE || (o) == UNCHANGED)
#define CLOSES(o) ((o) != UNKNOWN && (o) != RETRY)
/* kind of step: a value that is set; an act without inverse; nothing that changes; ferryman's own number, taken out */
#define STATE 0
#define ACT 1
#define LOOK 2
#define MARKER 3
/* a run's state; what comes from R_DONE on is an end */
#define R_NONE 0
#define R_FENCING 1
#define R_FORWARD 2
#define R_BACKWARD 3
#define R_BLOCKED 4
#define R_OPEN 5
#define R_DONE 6
#define R_UNDONE 7
#define R_FAILED 8
#define ENDED(x) ((x) >= R_DONE)
/* how far the change at a domain is, for whoever holds it: nothing read; read; an INTENT proposed; durable; sent */
#define IDLE 0
#define SEEN 1
#define PROPOSED 2
#define DURABLE 3
#define SENT 4

#define M_NO_FENCE 1
#define M_LEASE_TOKEN 2
#define M_OLD_VALUE 3
#define M_UNCHANGED_SKIPS_FENCE 4
#define M_RECOVERY_SKIPS_OPEN 5
#define M_EFFECT_BEFORE_INTENT 6
#define M_SEEN_PREDICTED 7
#define M_SEEN_NOT_READ_AGAIN 8
#define M_REFUSED_IS_DONE 9
#define M_SUCCESSOR_READS_NOTHING 10
#define M_OPEN_IS_DONE 11
#define M_APPEND_UNCONDITIONAL 12
#define M_PIVOT_AT_RESULT 13
#define M_ANY_ANSWER 14
#define M_NO_DRAIN 15
#define M_NO_DEADLINE 16
#define M_RETRY_NEW_LSN 17
#define M_ERA_NOT_FENCED 18
#define M_FENCE_SETS_VALUE 19
#define M_ERA_DECIDES_FIRST 20
#define M_ERA_FENCE_REFUSED 21
#define M_ERA_NOT_CHECKED 22
#define M_UNDO_IN_ORDER 23
#define M_UNDO_PAST_PIVOT 24
#define M_NEEDS_IGNORED 25
#define M_UNDO_NOT_AWAITED 26
#define M_REFUSAL_CLOSES 27
#define M_OLD_PROOF 28

/* --- what is given: no part of the state --- */
hidden byte mutant;
hidden byte domains_n;
hidden INDEX steps_n;
hidden byte fence_of[DOMAINS];
hidden byte domain_resource[DOMAINS];
hidden byte step_domain[STEPS], step_resource[STEPS], step_want[STEPS], step_undo[STEPS], step_kind[STEPS], step_pivot[STEPS];
hidden INDEX step_run[STEPS], run_first[RUNS], run_steps[RUNS];
hidden int step_needs[STEPS];			  /* a bit for each step of its run, the first is 1 */
hidden int step_rests[STEPS];			  /* of a pivot: and what those need, and so on; of others the same */
hidden INDEX x_, y_, z_, s_;			  /* for loops inside one step of the model */

/* --- requests, by LSN --- */
#define WHAT_FENCE(d) (STEPS + (d))
REQUEST INDEX what[LSNS];			  /* a step, or WHAT_FENCE of a domain */
REQUEST INDEX seen[LSNS];			  /* the marker as read (or what a mutant compares) */
REQUEST byte dir[LSNS], want[LSNS];
#define IS_FENCE(l) (what[l] >= STEPS)
#define DOMAIN_OF(s) ((s) >= STEPS -> (s) - STEPS : step_domain[s])
#define DOMAIN(l) DOMAIN_OF(what[l])

/* --- targets and the net --- */
INDEX mark[DOMAINS];
byte value[RESOURCES];
bit sent[LSNS];					  /* a copy may arrive, now or ever: late, repeated, lost are one */
byte answer[LSNS];				  /* that may be heard: 1 done, 2 stale, 4 refused for good */
/* the core's idea of a target: its marker proves what took effect */
#define MARKS(d) (fence_of[d] != U && mutant != M_NO_FENCE && mutant != M_LEASE_TOKEN && mutant != M_OLD_VALUE)
/* the target's rule */
#define TAKES(l) \
	(fence_of[DOMAIN(l)] == U || mutant == M_NO_FENCE || (mutant == M_LEASE_TOKEN && seen[l] >= mark[DOMAIN(l)]) || \
		(mutant == M_OLD_VALUE && seen[l] == value[step_resource[what[l]]]) || \
		(MARKS(DOMAIN(l)) && (fence_of[DOMAIN(l)] == F_HIGH -> \
			l > mark[DOMAIN(l)] && l > TAKEN_OUT(DOMAIN(l)) : seen[l] == mark[DOMAIN(l)])))
#define STANDS(l) (MARKS(DOMAIN(l)) && mark[DOMAIN(l)] == l)

/* The target carries out what it takes. */
inline take(l) {
	if
	:: MARKS(DOMAIN(l)) -> mark[DOMAIN(l)] = (!IS_FENCE(l) && step_kind[what[l]] == MARKER -> 0 : l)
	:: mutant == M_LEASE_TOKEN -> mark[DOMAIN(l)] = seen[l]
	:: else
	fi;
	if
	:: !IS_FENCE(l) && step_kind[what[l]] == STATE -> value[step_resource[what[l]]] = want[l]
	:: IS_FENCE(l) && mutant == M_FENCE_SETS_VALUE -> value[domain_resource[DOMAIN(l)]] = want[l]
	:: else
	fi
}

/* --- the journal, folded --- */
INDEX head[JOURNALS];				  /* its last LSN */
INDEX current[JOURNALS * DOMAINS];		  /* rule 3: the newest intent of a domain is the current one */
bit open[JOURNALS * DOMAINS];			  /* and not answered */
bit older[JOURNALS * DOMAINS];			  /* nor was one that it overtook */
bit raised[JOURNALS * DOMAINS];			  /* the domain bears a number of this era */
INDEX do_lsn[JOURNALS * STEPS], undo_lsn[JOURNALS * STEPS];
bit do_open[JOURNALS * STEPS], undo_open[JOURNALS * STEPS], done[JOURNALS * STEPS], undone[JOURNALS * STEPS];
bit proven[JOURNALS * STEPS];			  /* done, by what was seen in this era (LOOK) */
byte state[JOURNALS * RUNS];
bit pivoted[JOURNALS * RUNS];
#define JD(j, d) ((j) * DOMAINS + (d))
#define JS(j, s) ((j) * STEPS + (s))
#define JR(j, s) ((j) * RUNS + step_run[s])

inline fold_intent(j, l) {
	head[j] = l;
	older[JD(j, DOMAIN(l))] = older[JD(j, DOMAIN(l))] || (current[JD(j, DOMAIN(l))] && open[JD(j, DOMAIN(l))]);
	current[JD(j, DOMAIN(l))] = l;
	open[JD(j, DOMAIN(l))] = 1;
	if
	:: IS_FENCE(l)
	:: !IS_FENCE(l) && dir[l] == DO ->
		do_lsn[JS(j, what[l])] = l;
		do_open[JS(j, what[l])] = 1;
		/* rule 11 */
		pivoted[JR(j, what[l])] = pivoted[JR(j, what[l])] || (step_pivot[what[l]] && mutant != M_PIVOT_AT_RESULT)
	:: !IS_FENCE(l) && dir[l] == UNDO ->
		undo_lsn[JS(j, what[l])] = l;
		undo_open[JS(j, what[l])] = 1
	fi
}

/* A RESULT: of step r_step (a fence: WHAT_FENCE), its direction, its intent (0: none was needed), its outcome. Rule 5: an
 * answer closes only the intent that it names. */
hidden INDEX r_step, r_intent;
hidden byte r_dir, r_outcome;
inline fold_result(j) {
	if
	:: r_intent != 0 && CLOSES(r_outcome) && current[JD(j, DOMAIN(r_intent))] == r_intent ->
		y_ = JD(j, DOMAIN(r_intent));
		open[y_] = 0;
		older[y_] = older[y_] && !(GOOD(r_outcome) || r_outcome == STALE);
		raised[y_] = raised[y_] || (SAME_ERA(j, r_intent) && (GOOD(r_outcome) || mutant == M_ERA_FENCE_REFUSED));
		y_ = 0
	:: else
	fi;
	if
	:: r_step >= STEPS
	:: r_step < STEPS && r_dir == UNDO && (r_intent == undo_lsn[JS(j, r_step)] || (r_intent == 0 && !undo_open[JS(j, r_step)])) ->
		undo_open[JS(j, r_step)] = !(CLOSES(r_outcome) || r_intent == 0);
		undone[JS(j, r_step)] = GOOD(r_outcome)
	:: r_step < STEPS && r_dir == DO && (r_intent == do_lsn[JS(j, r_step)] || (r_intent == 0 && !do_open[JS(j, r_step)])) ->
		do_open[JS(j, r_step)] = !(CLOSES(r_outcome) || r_intent == 0);
		done[JS(j, r_step)] = GOOD(r_outcome);
		proven[JS(j, r_step)] = GOOD(r_outcome) && step_kind[r_step] == LOOK;
		pivoted[JR(j, r_step)] = pivoted[JR(j, r_step)] || (mutant == M_PIVOT_AT_RESULT && GOOD(r_outcome) && step_pivot[r_step])
	:: else
	fi
}

/* --- which step is next --- */
#define HAS_DONE(j, s) (done[JS(j, s)])
/* rule 10: every step with a forward intent, answered or not */
#define TO_UNDO(j, s) \
	(step_kind[s] == STATE && do_lsn[JS(j, s)] != 0 && !undone[JS(j, s)] && \
		!(mutant == M_RECOVERY_SKIPS_OPEN && do_open[JS(j, s)]) && \
		!(mutant == M_UNDO_NOT_AWAITED && undo_lsn[JS(j, s)] != 0))

/* rule 12, fence, then read, then decide: what was seen before a new era is no proof in it, for the journal that was put
 * back may have forgotten that it was taken away and came again */
#define OLD_PROOF(j, s) (step_kind[s] == LOOK && done[JS(j, s)] && !proven[JS(j, s)] && mutant != M_OLD_PROOF)

/* z_ = 0: and not even to be seen any more, as a later step of its run has set what it looks at. */
inline still_there(j, s) {
	s_ = s + 1;
	do
	:: s_ < run_first[step_run[s]] + run_steps[step_run[s]] ->
		z_ = z_ && !(step_kind[s_] == STATE && step_resource[s_] == step_resource[s] &&
			(done[JS(j, s_)] || do_lsn[JS(j, s_)] != 0));
		s_++
	:: else -> break
	od;
	s_ = 0
}

/* z_ = 1: whatever step s needs is done, and what it rests on is proven in this era. */
inline needs_met(j, s) {
	z_ = 1;
	x_ = 0;
	do
	:: z_ && x_ < run_steps[step_run[s]] ->
		z_ = !((step_needs[s] >> x_) & 1) || HAS_DONE(j, run_first[step_run[s]] + x_) || mutant == M_NEEDS_IGNORED;
		if
		:: z_ && ((step_rests[s] >> x_) & 1) && OLD_PROOF(j, run_first[step_run[s]] + x_) ->
			still_there(j, run_first[step_run[s]] + x_);
			z_ = !z_
		:: else
		fi;
		x_++
	:: else -> break
	od;
	x_ = 0
}

/* y_ = the step of run r whose turn it is to be undone, one more; 0 = none is left. */
inline last_left(j, r) {
	y_ = 0;
	x_ = 0;
	do
	:: x_ < run_steps[r] ->
		if
		:: TO_UNDO(j, run_first[r] + x_) && (y_ == 0 || mutant != M_UNDO_IN_ORDER) -> y_ = run_first[r] + x_ + 1
		:: else
		fi;
		x_++
	:: else -> break
	od;
	x_ = 0
}

/* --- judging: rules 2 to 9. w and m: value and marker as read; heard: the newest answer --- */
#define OPEN(j, d) (current[JD(j, d)] != 0 && open[JD(j, d)])
#define MINE(j, d, s, way) \
	(OPEN(j, d) && what[current[JD(j, d)]] == (s) && dir[current[JD(j, d)]] == (way) && \
		((way) != FENCE || SAME_ERA(j, current[JD(j, d)])))
#define WANT(s, way) ((s) >= STEPS -> 0 : ((way) == DO -> step_want[s] : step_undo[s]))
/* an act has an end state too: nothing waits any more */
#define MEETS(s, way, w) \
	((s) < STEPS && step_kind[s] != MARKER && \
		((w) == WANT(s, way) || (step_kind[s] == STATE && WANT(s, way) == EMPTY && (w) == RELEASING)))
/* rule 4: the marker is the proof, whatever was answered */
#define APPLIED(j, d, m) (OPEN(j, d) && MARKS(d) && (m) == current[JD(j, d)])
#define DEAD(j, d, m) \
	(MARKS(d) && (fence_of[d] == F_HIGH -> (m) > current[JD(j, d)] : (m) != seen[current[JD(j, d)]]))
#define IS_STALE(j, d, m, heard) ((heard) == STALE || DEAD(j, d, m))
/* rule 7 */
#define MAY_STALE(j, d, s, way, m, heard) (MINE(j, d, s, way) && !APPLIED(j, d, m) && IS_STALE(j, d, m, heard))
/* class U: drained first, the value alone tells */
#define MAY_READ_BACK(j, d, s, way, w) (MINE(j, d, s, way) && !MARKS(d) && MEETS(s, way, w))
#define MAY_CONFIRM(j, d, s, way, w, m, heard) \
	(APPLIED(j, d, m) || MAY_READ_BACK(j, d, s, way, w) || \
		(mutant == M_OPEN_IS_DONE && MINE(j, d, s, way) && (heard) == 0) || \
		(mutant == M_ANY_ANSWER && OPEN(j, d) && (heard) == DONE))
/* rule 9: the same number and bytes again */
#define MAY_SEND_AGAIN(j, d, s, way, w, m, heard) \
	(MINE(j, d, s, way) && !APPLIED(j, d, m) && !IS_STALE(j, d, m, heard) && !MAY_READ_BACK(j, d, s, way, w))
/* rule 8; what we did is undone by us, whatever stands there now */
#define MAY_UNCHANGED(j, d, s, way, w, m) \
	(!APPLIED(j, d, m) && !MINE(j, d, s, way) && (way) != FENCE && MEETS(s, way, w) && \
		!((way) == UNDO && HAS_DONE(j, s)) && \
		(!(OPEN(j, d) || older[JD(j, d)]) || !MARKS(d) || mutant == M_UNCHANGED_SKIPS_FENCE))
#define MAY_INTEND(j, d, s, way, w, m) \
	(!APPLIED(j, d, m) && (!MINE(j, d, s, way) || (mutant == M_RETRY_NEW_LSN && !MAY_READ_BACK(j, d, s, way, w))) && \
		!MAY_UNCHANGED(j, d, s, way, w, m))
/* an intent of this step that something else has overtaken: the RESULT that needs no effect names it */
#define OVERTAKEN(j, s, way) \
	((way) == UNDO -> (undo_open[JS(j, s)] -> undo_lsn[JS(j, s)] : 0) : (do_open[JS(j, s)] -> do_lsn[JS(j, s)] : 0))
