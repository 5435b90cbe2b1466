/*
 * follow.pml - one run of the simulator, followed: can the model do what was done there?
 *
 * The script (trace.py) has the journal's records that matter here, which request left and which one a target took, every
 * value that changed by another hand (a person's, a queue that has emptied), lives, deaths, a journal that was put back to an
 * older copy in a new era. The model may always read a target, hear an answer or miss it: of these the script says nothing,
 * and spin looks for a way that lets every line follow from the rules. If there is one, `followed` fails; if the whole graph
 * is searched without, the script is refused.
 *
 * A ferryman as the product's: several runs at once (flows, shelters), steps side by side, several resources in a domain,
 * edits by hand, eject; and an older one, which has lost its lease without knowing it and sends what it had announced.
 * Wider than the product: whatever it may decide by evidence, approvals, the brake or time may be decided here at any
 * moment; a target may refuse, an operation may fail, without a cause. Not looked at: mail itself, secondaries, resolvers,
 * waits and verifies but for their RESULT, fence class V.
 */
#define JOURNALS 1
#define STEPS 300
#define DOMAINS 4
#define RUNS 80
#define RESOURCES 12
#define LSNS 300
#define EMPTY 0
#define RELEASING 1
#define REQUEST hidden
#define INDEX short
#define TAKEN_OUT(d) taken_out[d]
#define SAME_ERA(j, l) (lsn_era[l] == era)
byte era;			   /* of the process */
short taken_out[DOMAINS];
hidden byte lsn_era[LSNS];
hidden short lsn_n[LSNS];	   /* the number within its era */
hidden byte base[LSNS];
#include "rules.pml"

/* --- the script --- */
#define EVENTS 3000
#define E_STARTS 1
#define E_DIES 2
#define E_RESTORED 3
#define E_START 4
#define E_INTENT 5
#define E_RESULT 6
#define E_END 7
#define E_ABORT 8
#define E_CONTINUE 9
#define E_EJECT 10
#define E_ROW 11
#define E_SENT 12
#define E_TOOK 13
#define E_VALUE 14
#define E_OVER 15
#define E_LATE 16
#define E_GONE 17
#define E_IS_RECORD(k) ((k) >= E_START && (k) <= E_ROW)
hidden short events_n;
hidden byte kind[EVENTS];
hidden short a[EVENTS], b[EVENTS], c[EVENTS], e[EVENTS];
hidden short seq[EVENTS], between[EVENTS]; /* a record's place in the journal; other records since the one before */
hidden short gone[EVENTS];	   /* the event that put the journal back to before this one; 0 = none */
hidden byte heads;		   /* 1: an append says which head it expects, as the store demands */
short pos;
short last;			   /* seq of the newest record */
bit refused;			   /* this way leads nowhere */
bit ejected;
bit old_copy;			   /* the journal was put back, and no new era has begun: what a target has seen is above it */
bit up;				   /* the process lives */
bit two;			   /* and an older one, which has lost the lease and does not know it */
short announced[DOMAINS];	   /* what that one may still send: current when it lost it */
byte w[DOMAINS], heard[DOMAINS], phase[DOMAINS];
short m[DOMAINS], number[DOMAINS], of_resource[DOMAINS];
bit all_raised;			   /* in this life: each domain has borne a number of this era */
bit era_raised;			   /* and in any life of this era (an eject takes numbers out again) */
short dead_to[DOMAINS];		   /* newest number that was taken there: what is older cannot land any more (class F) */
bit failed[RUNS], backward[RUNS];
hidden byte run_era[RUNS];
hidden byte d_;
hidden byte followed;		   /* always 0: gives the assertion its name */
#define NO_RESOURCE 255
#define R state[step_run[S]]
#define K kind[pos]
#define L a[pos]
#define OUTCOME b[pos]
#define CLOSED a[pos]
#define S c[pos]
#define WAY e[pos]
#define D DOMAIN_OF(S)
#define NEXT(x) (!refused && pos < events_n && K == (x))
#define HEAD_FITS (!heads || seq[pos] == last + between[pos] + 1)
#define CHANGES(s) ((s) >= STEPS || step_kind[s] != LOOK)
#define RESOURCE_OF(s) ((s) >= STEPS -> NO_RESOURCE : (step_kind[s] == MARKER -> NO_RESOURCE : step_resource[s]))

inline forget(d) {
	phase[d] = IDLE;
	number[d] = 0;
	heard[d] = 0;
	w[d] = 0;
	m[d] = 0;
	of_resource[d] = 0
}

inline die() {
	up = 0;
	y_ = 0;
	do
	:: y_ < DOMAINS -> forget(y_); y_++
	:: else -> break
	od;
	y_ = 0;
	do
	:: y_ < RUNS -> failed[y_] = 0; y_++
	:: else -> break
	od;
	y_ = 0;
	all_raised = 0
}

/* Another one takes over: all that this one knew in its memory is no use any more. */
inline taken_over() {
	two = 1;
	y_ = 0;
	do
	:: y_ < DOMAINS -> announced[y_] = current[y_]; y_++
	:: else -> break
	od;
	y_ = 0;
	die()
}

inline ahead() {
	last = (E_IS_RECORD(K) -> seq[pos] : last);
	pos++;
	c_code { extern void model_came_to(int); if (!now.refused) model_came_to(now.pos); }
}

/* z_ = 1: it is this step's turn, in this direction. */
inline turn(s, by) {
	z_ = 0;
	if
	:: s >= STEPS -> z_ = 1
	:: s < STEPS && by == DO && state[step_run[s]] == R_FORWARD && (!done[s] || OLD_PROOF(0, s)) -> needs_met(0, s)
	:: s < STEPS && by == UNDO && state[step_run[s]] == R_BACKWARD -> last_left(0, step_run[s]); z_ = (y_ == s + 1); y_ = 0
	:: else
	fi
}

/* all_raised = 1, if so. */
inline look_raised() {
	x_ = 0;
	z_ = 1;
	do
	:: x_ < domains_n -> z_ = z_ && (raised[x_] || fence_of[x_] == U); x_++
	:: else -> break
	od;
	x_ = 0;
	all_raised = all_raised || z_;
	era_raised = era_raised || z_
}

/* --- one record, folded: when it is written, and again when the journal is put back --- */
inline fold(at) {
	if
	:: kind[at] == E_START -> state[a[at]] = R_FORWARD; run_era[a[at]] = b[at]
	:: kind[at] == E_INTENT -> y_ = a[at]; fold_intent(0, y_); y_ = 0
	:: kind[at] == E_RESULT ->
		r_intent = a[at];
		r_outcome = b[at];
		r_step = c[at];
		r_dir = e[at];
		fold_result(0);
		if
		:: r_intent != 0 && GOOD(r_outcome) && current[DOMAIN(r_intent)] == r_intent -> dead_to[DOMAIN(r_intent)] = r_intent
		:: else
		fi;
		if
		:: r_step < STEPS && step_kind[r_step] == MARKER && GOOD(r_outcome) ->
			y_ = step_domain[r_step];
			current[y_] = 0;
			open[y_] = 0;
			older[y_] = 0;
			raised[y_] = 0;
			y_ = 0
		:: else
		fi
	:: kind[at] == E_END ->
		backward[a[at]] = state[a[at]] == R_BACKWARD || (state[a[at]] == R_BLOCKED && backward[a[at]]);
		state[a[at]] = b[at]
	:: kind[at] == E_ABORT && !pivoted[a[at]] && (state[a[at]] == R_FORWARD || state[a[at]] == R_BLOCKED) ->
		state[a[at]] = R_BACKWARD
	:: kind[at] == E_CONTINUE && state[a[at]] == R_BLOCKED -> state[a[at]] = (backward[a[at]] -> R_BACKWARD : R_FORWARD)
	:: kind[at] == E_EJECT -> ejected = a[at]
	:: else /* a command that changes nothing */
	fi
}

/* The journal as it was: every record up to here that the copy has. */
inline fold_again() {
	x_ = 0;
	do
	:: x_ < domains_n -> current[x_] = 0; open[x_] = 0; older[x_] = 0; raised[x_] = 0; dead_to[x_] = 0; x_++
	:: else -> break
	od;
	x_ = 0;
	do
	:: x_ < steps_n ->
		do_lsn[x_] = 0;
		undo_lsn[x_] = 0;
		do_open[x_] = 0;
		undo_open[x_] = 0;
		done[x_] = 0;
		undone[x_] = 0;
		proven[x_] = 0;
		x_++
	:: else -> break
	od;
	x_ = 0;
	do
	:: x_ < RUNS -> state[x_] = R_NONE; pivoted[x_] = 0; backward[x_] = 0; x_++
	:: else -> break
	od;
	head[0] = 0;
	x_ = 0;
	do
	:: x_ < pos ->
		if
		:: E_IS_RECORD(kind[x_]) && (gone[x_] == 0 || gone[x_] > pos) -> fold(x_)
		:: else
		fi;
		x_++
	:: else -> break
	od;
	x_ = 0
}

/* --- what a record needs --- */
/* rule 12, fence all, then read, then decide; what takes ferryman out was fenced before */
#define ALL_FENCED (ejected || era_raised)
#define FENCED(d) (ejected || ((raised[d] || fence_of[d] == U) && all_raised))
/* rule 1: one higher than the last that is folded; a new era begins at 1 */
#define FOLLOWS(l) (lsn_era[l] == era && lsn_n[l] == (head[0] != 0 && lsn_era[head[0]] == era -> lsn_n[head[0]] : 0) + 1)
#define MAY_INTENT \
	(phase[D] == SEEN && (S >= STEPS || of_resource[D] == RESOURCE_OF(S)) && FOLLOWS(L) && (!MARKS(D) || seen[L] == m[D]) && \
		MAY_INTEND(0, D, S, dir[L], w[D], m[D]) && (S >= STEPS || FENCED(D)) && \
		(S >= STEPS || step_kind[S] != STATE || base[L] == w[D]))
#define READ_FOR(s) ((s) >= STEPS || of_resource[DOMAIN_OF(s)] == RESOURCE_OF(s))
#define IS_MARKER(s) ((s) < STEPS && step_kind[s] == MARKER)
#define MAY_DONE \
	(phase[D] == SEEN && CLOSED != 0 && CLOSED == current[D] && what[CLOSED] == S && dir[CLOSED] == WAY && \
		(IS_MARKER(S) -> m[D] == 0 && OPEN(0, D) : MAY_CONFIRM(0, D, S, WAY, w[D], m[D], heard[D])))
#define MAY_BE_SO \
	(phase[D] == SEEN && READ_FOR(S) && (IS_MARKER(S) -> m[D] == 0 : \
		CLOSED == OVERTAKEN(0, S, WAY) && MAY_UNCHANGED(0, D, S, WAY, w[D], m[D])))
#define MAY_BE_STALE (phase[D] == SEEN && CLOSED == current[D] && MAY_STALE(0, D, S, WAY, m[D], heard[D]))
/* refused, or in conflict with another hand: no copy of it counts any more, by the target's own answer */
#define MAY_BE_REFUSED \
	(phase[D] <= SEEN && (CLOSED == 0 || CLOSED != current[D] || (MINE(0, D, S, WAY) && \
		(APPLIED(0, D, m[D]) || !MARKS(D) || heard[D] == REFUSED))))
#define MAY_RESULT \
	(OUTCOME == DONE -> MAY_DONE : (OUTCOME == UNCHANGED -> MAY_BE_SO && (S >= STEPS || FENCED(D)) : (OUTCOME == STALE -> MAY_BE_STALE : \
		(CLOSES(OUTCOME) -> MAY_BE_REFUSED : phase[D] <= SEEN))))

/* y_ = 1: nothing of run r may land any more, as far as the journal knows: what is over stays so (invariant 13). */
inline quiet(r) {
	y_ = 1;
	x_ = run_first[r];
	do
	:: x_ < run_first[r] + run_steps[r] ->
		y_ = y_ && (fence_of[step_domain[x_]] == U ||
			((!do_open[x_] || do_lsn[x_] < dead_to[step_domain[x_]]) &&
			(!undo_open[x_] || undo_lsn[x_] < dead_to[step_domain[x_]])));
		x_++
	:: else -> break
	od;
	x_ = 0
}

/* Begun in an older era: what the journal forgot may be at the targets. */
#define IS_OLD(r) (run_era[r] < era)

/* z_ = 1: the run may end so. */
inline may_end(r, how) {
	z_ = 1;
	y_ = 0;
	do
	:: y_ < run_steps[r] -> z_ = z_ && done[run_first[r] + y_]; y_++
	:: else -> break
	od;
	y_ = 0;
	if
	:: how == R_DONE -> z_ = (state[r] == R_FORWARD && z_) || state[r] == R_OPEN || state[r] == R_BLOCKED
	:: how == R_OPEN -> z_ = state[r] == R_FORWARD && (z_ || failed[r])
	:: how == R_UNDONE -> last_left(0, r); z_ = (state[r] == R_BACKWARD && y_ == 0); y_ = 0
	:: how == R_BACKWARD -> z_ = state[r] == R_FORWARD && !pivoted[r] && failed[r]
	:: how == R_BLOCKED -> z_ = failed[r] || IS_OLD(r) || old_copy
	:: how == R_FAILED -> z_ = failed[r] || IS_OLD(r) || state[r] == R_BLOCKED /* a person takes it from there */
	fi;
	quiet(r);
	z_ = z_ && (ALL_FENCED || how == R_BLOCKED || how == R_FAILED) && (y_ || !ENDED(how));
	y_ = 0
}

#define REFUSE_UNLESS(yes) \
	refused = !(yes); \
	z_ = 0

proctype script() {
end:
	do
	:: d_step { NEXT(E_STARTS) ->
		if
		:: up -> taken_over()
		:: else
		fi;
		if
		:: a[pos] != era ->
			era = a[pos];
			old_copy = 0;
			ejected = 0;
			era_raised = 0;
			x_ = 0;
			do
			:: x_ < DOMAINS -> raised[x_] = 0; x_++
			:: else -> break
			od;
			x_ = 0;
			do
			:: x_ < steps_n -> proven[x_] = 0; x_++
			:: else -> break
			od;
			x_ = 0
		:: else
		fi;
		look_raised();
		up = 1;
		ahead()
	}
	:: d_step { NEXT(E_DIES) || (NEXT(E_GONE) && !two) -> die(); ahead() }
	:: d_step { NEXT(E_GONE) && two ->
		two = 0;
		y_ = 0;
		do
		:: y_ < DOMAINS -> announced[y_] = 0; y_++
		:: else -> break
		od;
		y_ = 0;
		ahead()
	}
	/* class U: its connector lets nothing go for which the lease may be over */
	:: d_step { NEXT(E_LATE) && two ->
		y_ = DOMAIN(L);
		REFUSE_UNLESS(L != 0 && announced[y_] == L);
		sent[L] = sent[L] || fence_of[y_] != U;
		y_ = 0;
		ahead()
	}
	:: d_step { NEXT(E_RESTORED) ->
		REFUSE_UNLESS(!heads || last + between[pos] == b[pos]);
		if
		:: up -> taken_over() /* it lives on beside the copy, and knows nothing of it */
		:: else
		fi;
		fold_again();
		old_copy = 1;
		last = a[pos];
		ahead()
	}
	:: d_step { NEXT(E_START) -> REFUSE_UNLESS(HEAD_FITS && ALL_FENCED && state[a[pos]] == R_NONE); fold(pos); ahead() }
	:: d_step { NEXT(E_INTENT) ->
		turn(S, dir[L]);
		REFUSE_UNLESS(z_ && HEAD_FITS && MAY_INTENT && (S >= STEPS || !old_copy)); /* invariant 15 */
		fold(pos);
		d_ = D;
		forget(d_);
		phase[d_] = DURABLE;
		number[d_] = L;
		ahead()
	}
	:: d_step { NEXT(E_RESULT) && CHANGES(S) ->
		turn(S, WAY);
		/* another change closes what stands at the target, whosesoever it is */
		REFUSE_UNLESS((z_ || (OUTCOME == DONE && CLOSED != 0)) && HEAD_FITS && MAY_RESULT);
		if
		:: CLOSED != 0 && (OUTCOME == REFUSED || OUTCOME == CONFLICT) && mark[D] != CLOSED -> sent[CLOSED] = 0
		:: else
		fi;
		if
		:: S < STEPS && !GOOD(OUTCOME) -> failed[step_run[S]] = 1
		:: else
		fi;
		fold(pos);
		d_ = D;
		forget(d_);
		look_raised();
		ahead()
	}
	:: d_step { NEXT(E_RESULT) && !CHANGES(S) ->
		turn(S, WAY);
		REFUSE_UNLESS(z_ && HEAD_FITS && ALL_FENCED);
		failed[step_run[S]] = failed[step_run[S]] || !GOOD(OUTCOME);
		fold(pos);
		ahead()
	}
	:: d_step { NEXT(E_END) -> may_end(a[pos], b[pos]); REFUSE_UNLESS(z_ && HEAD_FITS); failed[a[pos]] = 0; fold(pos); ahead() }
	:: d_step { NEXT(E_ABORT) ->
		REFUSE_UNLESS(HEAD_FITS && !pivoted[a[pos]] && state[a[pos]] != R_NONE);
		fold(pos);
		ahead()
	}
	:: d_step { NEXT(E_CONTINUE) -> REFUSE_UNLESS(HEAD_FITS && state[a[pos]] != R_NONE); fold(pos); ahead() }
	:: d_step { NEXT(E_EJECT) -> REFUSE_UNLESS(HEAD_FITS); fold(pos); ahead() }
	/* the lifecycle is told where mail runs, by targets that were read */
	:: d_step { NEXT(E_ROW) -> REFUSE_UNLESS(HEAD_FITS && ALL_FENCED); ahead() }
	/* a request leaves: its intent is durable, and the current one of its domain (rule 3) */
	:: d_step { NEXT(E_SENT) || (NEXT(E_LATE) && !two) ->
		turn(what[L], dir[L]);
		y_ = DOMAIN(L);
		REFUSE_UNLESS(current[y_] == L && OPEN(0, y_) && z_ && ((phase[y_] == DURABLE && number[y_] == L) ||
			(phase[y_] == SEEN && MAY_SEND_AGAIN(0, y_, what[L], dir[L], w[y_], m[y_], heard[y_]))));
		forget(y_);
		phase[y_] = SENT;
		number[y_] = L;
		sent[L] = 1;
		y_ = 0;
		ahead()
	}
	:: d_step { NEXT(E_TOOK) ->
		REFUSE_UNLESS(sent[L] && TAKES(L));
		y_ = DOMAIN(L);
		taken_out[y_] = (!IS_FENCE(L) && step_kind[what[L]] == MARKER -> L : 0);
		y_ = 0;
		take(L);
		answer[L] = answer[L] | 1;
		ahead()
	}
	:: d_step { NEXT(0) -> pos++ } /* a line that was taken out */
	:: d_step { NEXT(E_VALUE) -> value[a[pos]] = b[pos]; ahead() }
	:: d_step { NEXT(E_OVER) -> REFUSE_UNLESS(!heads || last + between[pos] == a[pos]); ahead() }
	:: pos == events_n && !refused -> assert(followed)
	od
}

/* --- of this the script says nothing --- */
/* y_ = the step whose record or request is next at domain d before the process dies, or -1. */
inline look_ahead(d) {
	y_ = -1;
	x_ = pos;
	do
	:: x_ < events_n && kind[x_] != E_DIES && kind[x_] != E_STARTS && y_ == -1 ->
		if
		:: (kind[x_] == E_INTENT || kind[x_] == E_RESULT) && CHANGES(c[x_]) && DOMAIN_OF(c[x_]) == d -> y_ = c[x_]
		:: kind[x_] == E_SENT && DOMAIN(a[x_]) == d -> y_ = what[a[x_]]
		:: else
		fi;
		x_++
	:: else -> break
	od;
	x_ = 0
}

proctype domain(byte d) {
end:
	do
	/* rule 2; rule 15 */
	:: d_step { !refused && up && pos < events_n && phase[d] <= SEEN &&
			(phase[d] == IDLE || m[d] != mark[d] || (of_resource[d] != NO_RESOURCE && w[d] != value[of_resource[d]])) ->
		look_ahead(d);
		if
		:: y_ >= 0 ->
			of_resource[d] = RESOURCE_OF(y_);
			w[d] = (of_resource[d] == NO_RESOURCE -> 0 : value[of_resource[d]])
		:: else -> of_resource[d] = NO_RESOURCE; w[d] = 0
		fi;
		y_ = 1;
		do
		:: y_ < LSNS && fence_of[d] == U && heard[d] != DONE ->
			sent[y_] = sent[y_] && DOMAIN(y_) != d;
			y_++
		:: else -> break
		od;
		y_ = 0;
		m[d] = mark[d];
		phase[d] = SEEN
	}
	/* it was not sent, though it could have been: this ferryman stood still */
	:: d_step { !refused && phase[d] == DURABLE -> forget(d) }
	:: d_step { !refused && phase[d] == SENT -> phase[d] = IDLE }
	:: d_step { !refused && phase[d] == SENT && (answer[number[d]] & 1) -> heard[d] = DONE; phase[d] = IDLE }
	:: d_step { !refused && phase[d] == SENT && MARKS(d) && !TAKES(number[d]) && !STANDS(number[d]) -> heard[d] = STALE; phase[d] = IDLE }
	:: d_step { !refused && phase[d] == SENT && !STANDS(number[d]) -> heard[d] = REFUSED; phase[d] = IDLE }
	od
}

init {
	c_code { extern void model_input(void); model_input(); };
	atomic {
		x_ = 0;
		do
		:: x_ < domains_n -> run domain(x_); x_++
		:: else -> break
		od;
		x_ = 0;
		run script()
	}
}
