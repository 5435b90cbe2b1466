/*
 * ferrymen.pml - ferrymen, their journals, targets and the net between them: whatever can happen, within the bounds of a
 * configuration (tests/model/run has them in a table).
 *
 * Two ferrymen contend for one lease of one journal and work at one run of two or three steps, some side by side, some in
 * one fence domain; or a second journal, restored from a copy, begins a new era while the owner of the first still lives.
 * A step may wait until every server and cache shows a record; behind the copy that may have been taken back and come again.
 * A request that was sent stays deliverable for ever: so it may come late, never, twice, in any order. A ferryman loses its
 * lease without knowing it, crashes anywhere, gets no answer in time, is told to abort, is refused. Each of these uses up a
 * budget, so that the graph has no cycle, and "no invalid end state" says that each run comes to its end.
 *
 * Not modelled: fence class V, several runs at once (follow.pml has them), edits by hand, torn writes of a target, a
 * high-water file that was lost, stale secondaries, approvals, evidence, the brake, time.
 */
#define STEPS 3
#define DOMAINS 3
#define RUNS 1
#define RESOURCES STEPS
#ifndef ERA
#define ERA 12 /* the highest LSN of journal 0; beyond it those of the new era */
#endif
#define LSNS (ERA * JOURNALS + 1)
#define EMPTY 255
#define RELEASING 254
#define REQUEST
#define INDEX byte
#define TAKEN_OUT(d) 0
#define JOURNAL_OF(l) ((l) > ERA)
#define SAME_ERA(j, l) (JOURNAL_OF(l) == (j))
#define FERRYMEN 2
#include "rules.pml"

/* --- the bounds, and what a canary asks for --- */
hidden byte expiries, crashes, waits, refusals, restored, canary;
#define C_DONE 1
#define C_UNDONE 2
#define C_UNCHANGED 3
#define C_STALE 4
#define C_MARKER_AFTER_CRASH 5
#define C_SENT_AGAIN 6
#define C_OVERTAKEN 7
#define C_ERA_DONE 8
#define C_ERA_UNDONE 9
#define C_ERA_FAILED 10
#define C_ERA_STOPS_OLD 11
#define C_SIDE_BY_SIDE 12
#define C_BLOCKED_GOES_ON 13
#define C_DRAINED 14
#define C_PROVEN_ANEW 15
#define REACHED(c) assert(canary != (c))

/* The invariants, by reliability.md's numbers. These are always 0: they give an assertion that fails its name. */
hidden byte inv_01_intent_before_effect, inv_02_fenced_order, inv_03_number_given_once, inv_08_order_of_steps, inv_10_end_values;
hidden byte inv_08_make_before_break;
hidden byte inv_11_pivot, inv_12_takes_effect_once, inv_13_terminal, inv_13_new_era, inv_18_ends, bound_of_numbers;

#define NOTHING (STEPS + DOMAINS)
byte owner[JOURNALS];		   /* who holds the lease; 0 nobody */
byte task[JOURNALS * DOMAINS], way[JOURNALS * DOMAINS]; /* what is next at a domain: follows from the journal */
byte to_prove[JOURNALS];	   /* and what is to be waited for, one more; 0 = nothing */
byte expired, crashed, waited, refused;
bit crossed;			   /* the pivot has taken effect */
bit shown[RESOURCES];		   /* every server and cache shows what stands there (where a step waits for that) */
bit fits;			   /* a restored run: the targets hold what its journal leads to expect */
byte was;			   /* and how it stood in the copy */
byte accepted[DOMAINS];		   /* newest LSN that changed something there */

/* volatile: gone with the lease, and with the process */
byte phase[FERRYMEN * DOMAINS], number[FERRYMEN * DOMAINS], heard[FERRYMEN * DOMAINS];
byte w[FERRYMEN * DOMAINS], m[FERRYMEN * DOMAINS];
bit maybe[FERRYMEN * DOMAINS];	   /* a copy was sent before, perhaps by an earlier life */
bit appending[FERRYMEN], failed[FERRYMEN], stopped[FERRYMEN];
byte folded[FERRYMEN];		   /* only where an append does not check the head */
#define V(me, d) (((me) - 1) * DOMAINS + (d))

/* What is next at each domain. */
inline plan(j) {
	y_ = 0;
	do
	:: y_ < domains_n -> task[JD(j, y_)] = NOTHING; way[JD(j, y_)] = DO; y_++
	:: else -> break
	od;
	y_ = 0;
	to_prove[j] = 0;
	if
	:: state[j] == R_FENCING ->
		do
		:: y_ < domains_n && raised[JD(j, y_)] -> y_++
		:: y_ < domains_n && !raised[JD(j, y_)] -> task[JD(j, y_)] = WHAT_FENCE(y_); way[JD(j, y_)] = FENCE; break
		:: y_ == domains_n -> break
		od
	:: state[j] == R_FORWARD ->
		y_ = steps_n;
		do
		:: y_ > 0 ->
			y_--;
			needs_met(j, y_);
			if
			:: z_ && step_kind[y_] == LOOK && (!HAS_DONE(j, y_) || OLD_PROOF(j, y_)) -> to_prove[j] = y_ + 1
			:: z_ && step_kind[y_] != LOOK && !HAS_DONE(j, y_) -> task[JD(j, step_domain[y_])] = y_
			:: else
			fi
		:: else -> break
		od
	:: state[j] == R_BACKWARD ->
		last_left(j, 0);
		if
		:: y_ > 0 -> task[JD(j, step_domain[y_ - 1])] = y_ - 1; way[JD(j, step_domain[y_ - 1])] = UNDO
		:: else
		fi
	:: else
	fi;
	y_ = 0;
	z_ = 0
}

inline forget(me, d) {
	phase[V(me, d)] = IDLE;
	number[V(me, d)] = 0;
	maybe[V(me, d)] = 0;
	heard[V(me, d)] = 0;
	w[V(me, d)] = 0;
	m[V(me, d)] = 0
}

/* The lease is gone, and nobody tells the ferryman: what is durable it may still send; whatever it appends is refused. */
inline lose(me) {
	y_ = 0;
	do
	:: y_ < domains_n ->
		if
		:: phase[V(me, y_)] == DURABLE || (mutant == M_SUCCESSOR_READS_NOTHING && phase[V(me, y_)] == SEEN) ||
				mutant == M_APPEND_UNCONDITIONAL
		:: else -> forget(me, y_)
		fi;
		y_++
	:: else -> break
	od;
	y_ = 0;
	appending[me - 1] = 0;
	failed[me - 1] = 0
}

/* Whoever gets the lease begins with the journal alone. */
inline take_lease(me) {
	y_ = 0;
	do
	:: y_ < domains_n ->
		if
		:: mutant == M_SUCCESSOR_READS_NOTHING && phase[V(me, y_)] == SEEN
		:: else -> forget(me, y_)
		fi;
		y_++
	:: else -> break
	od;
	y_ = 0
}

inline crash(me) {
	y_ = 0;
	do
	:: y_ < domains_n -> forget(me, y_); y_++
	:: else -> break
	od;
	y_ = 0;
	appending[me - 1] = 0;
	failed[me - 1] = 0
}

/* --- what must hold when a target takes a request --- */
/* 8: mail takes the new way only when each server and cache shows what it needs. */
inline all_shown(s) {
	y_ = 0;
	do
	:: y_ < steps_n ->
		assert(inv_08_make_before_break || step_kind[y_] != LOOK || !((step_rests[s] >> y_) & 1) || shown[step_resource[y_]]);
		y_++
	:: else -> break
	od;
	y_ = 0
}

inline judge(l) {
	/* 1: no effect without a durable intent */
	assert(inv_01_intent_before_effect || l <= head[JOURNAL_OF(l)]);
	/* 2: accepted in the order of the journal */
	assert(inv_02_fenced_order || (fence_of[DOMAIN(l)] != U -> l > accepted[DOMAIN(l)] : l >= accepted[DOMAIN(l)]));
	/* 13: nothing after the end, nor of the old era after the end of the new one; a copy for class U changes nothing */
	assert(inv_13_terminal || !ENDED(state[JOURNAL_OF(l)]) ||
		(fence_of[DOMAIN(l)] == U && !IS_FENCE(l) && value[step_resource[what[l]]] == want[l]));
	assert(inv_13_new_era || JOURNALS == 1 || !ENDED(state[JOURNALS - 1]) || JOURNAL_OF(l) == 1);
	if
	:: !IS_FENCE(l) && dir[l] == DO && fence_of[DOMAIN(l)] != U ->
		/* 12: what is done takes effect once */
		assert(inv_12_takes_effect_once || value[step_resource[what[l]]] != want[l])
	:: else
	fi;
	if
	:: !IS_FENCE(l) && dir[l] == DO && value[step_resource[what[l]]] != want[l] -> all_shown(what[l])
	:: else
	fi;
	if
	:: !IS_FENCE(l) && dir[l] == UNDO -> /* 11: nothing is taken back after the pivot */
		assert(inv_11_pivot || !(crossed && value[step_resource[what[l]]] != want[l]))
	:: else
	fi;
	accepted[DOMAIN(l)] = l
}

/* 8: a step stands at its target only where those that it needs do. */
inline in_order() {
	y_ = 0;
	do
	:: y_ < steps_n ->
		x_ = 0;
		do
		:: x_ < steps_n ->
			assert(inv_08_order_of_steps || !((step_needs[y_] >> x_) & 1) ||
				value[step_resource[y_]] != step_want[y_] || value[step_resource[x_]] == step_want[x_]);
			x_++
		:: else -> break
		od;
		y_++
	:: else -> break
	od;
	x_ = 0;
	y_ = 0
}

/* 10: at the end everything is there, or everything is as before. */
inline all_are(by) {
	y_ = 0;
	do
	:: y_ < steps_n -> assert(inv_10_end_values || value[step_resource[y_]] == WANT(y_, by)); y_++
	:: else -> break
	od;
	y_ = 0
}

/* --- the net: a request arrives --- */
#define SAID(l) (STANDS(l) || TAKES(l) -> 1 : 2)
/* and that is not without consequence */
#define MATTERS(l) \
	(sent[l] && ((TAKES(l) && (fence_of[DOMAIN(l)] != U || value[step_resource[what[l]]] != want[l])) || \
		((current[JD(JOURNAL_OF(l), DOMAIN(l))] == l || mutant == M_ANY_ANSWER) && !(answer[l] & SAID(l)))))

proctype net(byte l) {
end:
	do
	:: atomic {
		MATTERS(l) -> d_step {
		answer[l] = answer[l] | SAID(l);
		if
		:: TAKES(l) ->
			judge(l);
			if
			:: !IS_FENCE(l) ->
				y_ = step_resource[what[l]];
				shown[y_] = shown[y_] && value[y_] == want[l];
				y_ = 0
			:: else
			fi;
			take(l);
			crossed = crossed || (!IS_FENCE(l) && step_pivot[what[l]] && dir[l] == DO);
			in_order()
		:: else
		fi
	} }
	od
}

/* --- the lease --- */
proctype lease() {
end:
	do
	:: atomic { expired < expiries && owner[0] != 0 && !ENDED(state[0]) -> d_step {
		lose(owner[0]);
		owner[0] = 0;
		expired++
	} }
	od
}

/* --- one change at a domain: observe, intend, apply, result --- */
#define CAN(me, j) (owner[j] == me || (mutant == M_APPEND_UNCONDITIONAL && folded[me - 1] != 0))
#define ACTS(me, j) (CAN(me, j) && !ENDED(state[j]) && !stopped[me - 1] && !appending[me - 1])
#define S task[JD(j, d)]
#define WAY way[JD(j, d)]
#define W w[V(me, d)]
#define MARK_SEEN m[V(me, d)]
#define HEARD heard[V(me, d)]
#define PHASE phase[V(me, d)]
#define L number[V(me, d)]
#define CURRENT current[JD(j, d)]
#define OLD_ANSWER(j, l) (mutant == M_ANY_ANSWER && what[l] < STEPS && (answer[do_lsn[JS(j, what[l])]] & 1))
/* rule 14 */
#define ABOVE(j, mk) (JOURNALS == 2 && (j) == 0 && (mk) > ERA && mutant != M_ERA_NOT_CHECKED)
#define NEXT_LSN(me, j) ((mutant == M_APPEND_UNCONDITIONAL -> folded[me - 1] : head[j]) + 1)

inline result() {
	fold_result(j);
	forget(me, d);
	plan(j)
}

proctype work(byte me; byte j; byte d) {
end:
	do
	/* rule 2: read {value, marker}, made inside the lease and after the domain's last answer; rule 15: class U drains first */
	:: atomic { ACTS(me, j) && PHASE == IDLE && S != NOTHING && !failed[me - 1] -> d_step {
		if
		:: fence_of[d] == U && HEARD != DONE && mutant != M_NO_DRAIN ->
			y_ = 1;
			do
			:: y_ < LSNS ->
				sent[y_] = sent[y_] && DOMAIN(y_) != d;
				y_++
			:: else -> break
			od;
			y_ = 0;
			REACHED(C_DRAINED)
		:: else
		fi;
		W = (S < STEPS -> value[step_resource[S]] : value[domain_resource[d]]);
		MARK_SEEN = mark[d];
		PHASE = SEEN
	} }
	:: atomic { ACTS(me, j) && PHASE == SEEN && S != NOTHING && ABOVE(j, MARK_SEEN) -> d_step {
		REACHED(C_ERA_STOPS_OLD);
		stopped[me - 1] = 1;
		forget(me, d)
	} }
	:: atomic { ACTS(me, j) && PHASE == SEEN && S != NOTHING && MAY_CONFIRM(j, d, S, WAY, W, MARK_SEEN, HEARD) -> d_step {
		if
		:: crashed > 0 && HEARD == 0 -> REACHED(C_MARKER_AFTER_CRASH)
		:: else
		fi;
		if
		:: what[CURRENT] != S || dir[CURRENT] != WAY -> REACHED(C_OVERTAKEN)
		:: else
		fi;
		r_step = what[CURRENT];
		r_dir = dir[CURRENT];
		r_intent = CURRENT;
		r_outcome = DONE;
		result()
	} }
	:: atomic { ACTS(me, j) && PHASE == SEEN && S != NOTHING && !ABOVE(j, MARK_SEEN) &&
			MAY_STALE(j, d, S, WAY, MARK_SEEN, HEARD) -> d_step {
		REACHED(C_STALE);
		r_step = S;
		r_dir = WAY;
		r_intent = CURRENT;
		r_outcome = (mutant == M_REFUSED_IS_DONE -> DONE : STALE);
		result()
	} }
	:: atomic { ACTS(me, j) && PHASE == SEEN && S != NOTHING && !ABOVE(j, MARK_SEEN) &&
			MAY_SEND_AGAIN(j, d, S, WAY, W, MARK_SEEN, HEARD) && mutant != M_RETRY_NEW_LSN -> d_step {
		REACHED(C_SENT_AGAIN);
		L = CURRENT;
		maybe[V(me, d)] = 1;
		W = 0;
		MARK_SEEN = 0;
		HEARD = 0;
		PHASE = DURABLE
	} }
	/* given up: its outcome stays unknown */
	:: atomic { ACTS(me, j) && PHASE == SEEN && S < STEPS && WAY == DO && refused < refusals &&
			!ABOVE(j, MARK_SEEN) && MAY_SEND_AGAIN(j, d, S, WAY, W, MARK_SEEN, HEARD) -> d_step {
		refused++;
		failed[me - 1] = 1;
		forget(me, d)
	} }
	:: atomic { ACTS(me, j) && PHASE == SEEN && S < STEPS && !ABOVE(j, MARK_SEEN) &&
			MAY_UNCHANGED(j, d, S, WAY, W, MARK_SEEN) -> d_step {
		REACHED(C_UNCHANGED);
		r_step = S;
		r_dir = WAY;
		r_intent = OVERTAKEN(j, S, WAY);
		r_outcome = UNCHANGED;
		result()
	} }
	/* rule 1: the LSN and the whole request stand in the INTENT; one append is outstanding */
	:: atomic { ACTS(me, j) && PHASE == SEEN && S != NOTHING && !ABOVE(j, MARK_SEEN) &&
			MAY_INTEND(j, d, S, WAY, W, MARK_SEEN) -> d_step {
		L = NEXT_LSN(me, j);
		assert(bound_of_numbers || L > j * ERA && L <= (j + 1) * ERA); /* the bound never cuts */
		assert(inv_03_number_given_once || L > head[j]);
		what[L] = S;
		dir[L] = WAY;
		want[L] = (S < STEPS -> WANT(S, WAY) : (mutant == M_FENCE_SETS_VALUE -> W : 0));
		seen[L] = (mutant == M_LEASE_TOKEN -> expired + crashed + 1 : (mutant == M_OLD_VALUE -> W :
			(mutant == M_SEEN_PREDICTED && OPEN(j, d) -> CURRENT :
			(mutant == M_SEEN_NOT_READ_AGAIN && CURRENT != 0 && what[CURRENT] == S -> seen[CURRENT] : MARK_SEEN))));
		sent[L] = (mutant == M_EFFECT_BEFORE_INTENT);
		appending[me - 1] = 1;
		W = 0;
		MARK_SEEN = 0;
		HEARD = 0;
		PHASE = PROPOSED
	} }
	:: atomic { CAN(me, j) && !ENDED(state[j]) && PHASE == PROPOSED -> d_step {
		fold_intent(j, L);
		folded[me - 1] = (mutant == M_APPEND_UNCONDITIONAL -> L : 0);
		appending[me - 1] = 0;
		PHASE = DURABLE;
		plan(j)
	} }
	/* class U sends nothing after its deadline, which lies inside the lease */
	:: atomic { PHASE == DURABLE && !stopped[me - 1] && (fence_of[d] != U || owner[j] == me || mutant == M_NO_DEADLINE) -> d_step {
		sent[L] = 1;
		if
		:: domains_n > 1 && phase[V(me, (d + 1) % domains_n)] == SENT -> REACHED(C_SIDE_BY_SIDE)
		:: else
		fi;
		if
		:: owner[j] == me -> PHASE = SENT
		:: else -> forget(me, d)
		fi
	} }
	/* an answer to what is not wanted any more (the run has turned round meanwhile) says nothing */
	:: atomic { ACTS(me, j) && PHASE == SENT &&
			((answer[L] & 1) || OLD_ANSWER(j, L)) -> d_step { HEARD = (what[L] == S &&
			dir[L] == WAY -> DONE : 0); PHASE = IDLE } }
	:: atomic { ACTS(me, j) && PHASE == SENT && (answer[L] & 2) -> d_step { HEARD = (what[L] == S &&
			dir[L] == WAY -> STALE : 0); PHASE = IDLE } }
	/* refused by the target, each copy of it: that closes the intent, unless an unanswered one was sent before */
	:: atomic { ACTS(me, j) && PHASE == SENT && WAY == DO && dir[L] == DO && what[L] == S && refused < refusals &&
			accepted[d] < L && !answer[L] && (!maybe[V(me, d)] || mutant == M_REFUSAL_CLOSES) -> d_step {
		refused++;
		failed[me - 1] = 1;
		sent[L] = (mutant == M_REFUSAL_CLOSES && maybe[V(me, d)]);
		r_step = S;
		r_dir = DO;
		r_intent = L;
		r_outcome = REFUSED;
		result()
	} }
	:: atomic { ACTS(me, j) && PHASE == SENT && waited < waits -> d_step { waited++; HEARD = 0; PHASE = IDLE } }
	od
}

/* --- a ferryman: lease, command, end --- */
#define UNDER_WAY(me) (phase[V(me, 0)] >= PROPOSED || phase[V(me, 1)] >= PROPOSED || phase[V(me, 2)] >= PROPOSED)
#define ALL_DONE(j) (HAS_DONE(j, 0) && HAS_DONE(j, 1) && (steps_n < 3 || HAS_DONE(j, 2)))
#define NONE_LEFT(j) (!TO_UNDO(j, 0) && !TO_UNDO(j, 1) && !TO_UNDO(j, 2))
#define RAISED(d) (domains_n <= (d) || raised[JD(JOURNALS - 1, d)])
#define ALL_RAISED (RAISED(0) && RAISED(1) && RAISED(2))

/* Whether the targets hold what journal j leads to expect (a run that is open when a new era begins). */
inline compare(j) {
	fits = 1;
	y_ = 0;
	do
	:: y_ < steps_n ->
		fits = fits && (step_kind[y_] == LOOK || (undone[JS(j, y_)] -> value[step_resource[y_]] == step_undo[y_] : (undo_lsn[JS(j, y_)] != 0 ||
			(done[JS(j, y_)] -> value[step_resource[y_]] == step_want[y_] :
			(value[step_resource[y_]] == step_undo[y_] || (do_lsn[JS(j, y_)] != 0 && value[step_resource[y_]] == step_want[y_]))))));
		y_++
	:: else -> break
	od;
	y_ = 0
}

inline finish(s) {
	state[j] = s;
	if
	:: s == R_DONE && (JOURNALS == 1 || j == 1 || state[JOURNALS - 1] == R_NONE) -> all_are(DO)
	:: s == R_UNDONE && (JOURNALS == 1 || j == 1 || state[JOURNALS - 1] == R_NONE) -> all_are(UNDO)
	:: else
	fi;
	crash(me);
	owner[j] = 0;
	plan(j)
}

proctype ferryman(byte me; byte j) {
end:
	do
	:: atomic { owner[j] == 0 && !ENDED(state[j]) && !stopped[me - 1] && state[j] != R_NONE -> d_step {
		take_lease(me);
		owner[j] = me;
		folded[me - 1] = (mutant == M_APPEND_UNCONDITIONAL -> head[j] : 0)
	} }
	:: atomic { owner[j] == me && crashed < crashes && !ENDED(state[j]) -> d_step {
		crashed++;
		crash(me);
		owner[j] = 0
	} }
	/* COMMAND abort, or a step has failed: backward, until the pivot's intent */
	:: atomic { ACTS(me, j) && state[j] == R_FORWARD &&
		(!pivoted[j] || (mutant == M_UNDO_PAST_PIVOT && failed[me - 1])) -> d_step {
		state[j] = R_BACKWARD;
		failed[me - 1] = 0;
		y_ = 0;
		do
		:: y_ < domains_n ->
			if
			:: phase[V(me, y_)] <= SEEN -> forget(me, y_)
			:: else
			fi;
			y_++
		:: else -> break
		od;
		y_ = 0;
		plan(j)
	} }
	:: atomic { ACTS(me, j) && state[j] == R_FORWARD && pivoted[j] && failed[me - 1] -> d_step {
		state[j] = R_BLOCKED;
		failed[me - 1] = 0;
		plan(j)
	} }
	/* COMMAND continue: a person has looked at it */
	:: atomic { ACTS(me, j) && state[j] == R_BLOCKED -> d_step {
		REACHED(C_BLOCKED_GOES_ON);
		state[j] = R_FORWARD;
		plan(j)
	} }
	/* rule 12: all domains are fenced; only now the targets are read, and it is decided */
	:: atomic { ACTS(me, j) && j == JOURNALS - 1 && state[j] == R_FENCING && ALL_RAISED -> d_step {
		if
		:: mutant != M_ERA_DECIDES_FIRST -> compare(j)
		:: else
		fi;
		if
		:: fits -> state[j] = was
		:: else -> REACHED(C_ERA_FAILED); state[j] = R_FAILED; owner[j] = 0
		fi;
		fits = 0;
		plan(j)
	} }
	/* a wait, or a verify: it ends when the world shows it */
	:: atomic { ACTS(me, j) && state[j] == R_FORWARD && !failed[me - 1] && to_prove[j] != 0 &&
			value[step_resource[to_prove[j] - 1]] == step_want[to_prove[j] - 1] -> d_step {
		r_step = to_prove[j] - 1;
		if
		:: HAS_DONE(j, r_step) && !shown[step_resource[r_step]] -> REACHED(C_PROVEN_ANEW)
		:: else
		fi;
		shown[step_resource[r_step]] = 1;
		r_dir = DO;
		r_intent = 0;
		r_outcome = DONE;
		fold_result(j);
		plan(j)
	} }
	:: atomic { ACTS(me, j) && state[j] == R_FORWARD && !failed[me - 1] && ALL_DONE(j) -> d_step {
		if
		:: j == 1 -> REACHED(C_ERA_DONE)
		:: else -> REACHED(C_DONE)
		fi;
		finish(R_DONE)
	} }
	:: atomic { ACTS(me, j) && state[j] == R_BACKWARD && NONE_LEFT(j) && !UNDER_WAY(me) -> d_step {
		if
		:: j == 1 -> REACHED(C_ERA_UNDONE)
		:: else -> REACHED(C_UNDONE)
		fi;
		finish(R_UNDONE)
	} }
	od
}

/* --- a new era: the journal is put back from a copy, new or old, while the owner of the first one still lives --- */
inline copy_all() {
	y_ = 0;
	do
	:: y_ < domains_n ->
		current[JD(1, y_)] = current[JD(0, y_)];
		open[JD(1, y_)] = open[JD(0, y_)];
		older[JD(1, y_)] = older[JD(0, y_)];
		y_++
	:: else -> break
	od;
	y_ = 0;
	do
	:: y_ < steps_n ->
		do_lsn[JS(1, y_)] = do_lsn[JS(0, y_)];
		undo_lsn[JS(1, y_)] = undo_lsn[JS(0, y_)];
		do_open[JS(1, y_)] = do_open[JS(0, y_)];
		undo_open[JS(1, y_)] = undo_open[JS(0, y_)];
		done[JS(1, y_)] = done[JS(0, y_)];
		undone[JS(1, y_)] = undone[JS(0, y_)];
		y_++
	:: else -> break
	od;
	y_ = 0;
	pivoted[1] = pivoted[0]
}

inline begin_era(s) {
	head[1] = ERA;
	was = s;
	state[1] = (mutant == M_ERA_NOT_FENCED -> s : R_FENCING);
	if
	:: mutant == M_ERA_DECIDES_FIRST -> compare(1)
	:: else
	fi;
	plan(1)
}

#if JOURNALS == 2
/* The copy does not know that the old journal's run has been undone since, nor its next run, which has published the same
 * again (its numbers are summed up in the highest of the old era): caches still keep what was there in between. */
proctype forgotten(byte s) {
end:
	if
	:: atomic { state[0] == R_UNDONE && state[1] == R_FENCING && mark[step_domain[s]] <= ERA &&
			value[step_resource[s]] != step_want[s] -> d_step {
		value[step_resource[s]] = step_want[s];
		mark[step_domain[s]] = ERA;
		accepted[step_domain[s]] = ERA
	} }
	fi
}

proctype restore() {
end:
	if
	:: atomic { restored == 1 -> d_step { begin_era(R_FORWARD) } } /* all that it remembers is the START */
	:: atomic { restored == 2 && !ENDED(state[0]) -> d_step { copy_all(); begin_era(state[0]) } }
	fi
}
#endif

/* Nothing can happen any more: then each run has ended, or another era has taken over. */
proctype watch() {
end:
	timeout -> assert(inv_18_ends || mutant == M_APPEND_UNCONDITIONAL ||
		(ENDED(state[0]) || (JOURNALS == 2 && state[JOURNALS - 1] != R_NONE)) &&
		(JOURNALS == 1 || state[JOURNALS - 1] == R_NONE || ENDED(state[JOURNALS - 1])))
}

init {
	c_code { extern void model_input(void); model_input(); };
	atomic {
		x_ = 1;
		do
		:: x_ < LSNS -> run net(x_); x_++
		:: else -> break
		od;
		x_ = 0;
		do
		:: x_ < domains_n ->
			run work(1, 0, x_);
			run work(2, JOURNALS - 1, x_);
			x_++
		:: else -> break
		od;
		x_ = 0;
		run ferryman(1, 0);
		run ferryman(2, JOURNALS - 1);
		run lease();
#if JOURNALS == 2
		run restore();
		do
		:: x_ < steps_n && step_kind[x_] == LOOK -> run forgotten(x_); break
		:: x_ < steps_n && step_kind[x_] != LOOK -> x_++
		:: else -> break
		od;
		x_ = 0;
#endif
		run watch();
		d_step { state[0] = R_FORWARD; plan(0) }
	}
}
