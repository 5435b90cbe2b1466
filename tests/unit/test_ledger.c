/*
 * test_ledger.c - what records add up to: whose run is whose, what an answer closes, what counts as
 * said by people, what is forgotten. Expectations are DESIGN's, sections 7 and 8.
 */
#include "lib/check.h"

#include "base/text.h"
#include "core/ledger.h"
#include "os/stdmem.h"

#include <stdarg.h>
#include <stdio.h>

#define ERA ((uint64_t)1 << 40)

static struct {
	struct ledger l;
	struct arena *a;
	const char *boot;
	uint64_t era, lsn;
	int64_t ms;
	struct err err;
} t;

static void
begin(void)
{
	memset(&t, 0, sizeof t);
	ledger_init(&t.l, &stdmem);
	t.a = arena_new(&stdmem, 1 << 24);
	t.boot = "boot-1";
	t.era = 1;
	t.ms = 1000000;
}

static void
end(void)
{
	ledger_fini(&t.l);
	arena_free(&t.a);
}

/* One more record, a second later. body: JSON with ' for ". */
static enum rc __attribute__((format(printf, 3, 4)))
fold(enum record_type type, const char *run, const char *body, ...)
{
	char text[2048], hash[65];
	struct record r = { .v = 1, .type = type, .run = run, .boot_id = t.boot, .era = t.era };
	size_t at = 0;
	va_list ap;

	va_start(ap, body);
	(void)vsnprintf(text, sizeof text, body, ap);
	va_end(ap);
	for (char *p = text; *p != '\0'; p++)
		*p = *p == '\'' ? '"' : *p;
	(void)snprintf(hash, sizeof hash, "%064llu", (unsigned long long)t.l.seq + 1);
	r.seq = t.l.seq + 1;
	r.prev = t.l.hash;
	r.lsn = type == REC_INTENT ? (t.lsn = t.era * ERA + r.seq) : 0;
	r.boot_ms = t.ms += 1000;
	r.wall_ms = 1790000000000 + t.ms;
	r.body = json_read(t.a, text, strlen(text), &at);
	CHECK(r.body != NULL);
	memset(&t.err, 0, sizeof t.err);
	return ledger_fold(&t.l, &r, hash, &t.err);
}

static enum rc
start(const char *run, const char *kind, const char *playbook, const char *flow)
{
	return fold(REC_START, run, "{'playbook':'%s','flow':'%s','kind':'%s','plan':{}}", playbook,
		flow, kind);
}

static void
ends(const char *run, const char *state)
{
	CHECK_INT(fold(REC_END, run, "{'state':'%s','why':'w'}", state), RC_OK);
}

static uint64_t
intent(const char *run, const char *step, const char *dir, const char *domain, const char *more)
{
	CHECK_INT(fold(REC_INTENT, run, "{'step':'%s','dir':'%s','domain':'%s','deadline':9000%s}",
			  step, dir, domain, more),
		RC_OK);
	return t.lsn;
}

static void
result(const char *run, const char *step, const char *dir, uint64_t of, const char *outcome)
{
	CHECK_INT(fold(REC_RESULT, run, "{'step':'%s','dir':'%s','of':%llu,'outcome':'%s'}", step,
			  dir, (unsigned long long)of, outcome),
		RC_OK);
}

static bool
is(const struct lrun *r, const char *id)
{
	return id == NULL ? r == NULL : r != NULL && text_eq(r->id, id);
}

static void
each_playbook_and_flow_has_its_own_run(void)
{
	begin();
	CHECK_INT(start("a", "cutover", "corp", "outbound"), RC_OK);
	CHECK_INT(start("b", "cutover", "corp", "inbound"), RC_OK);
	CHECK_INT(start("c", "cutover", "other", "outbound"), RC_OK);
	CHECK(is(ledger_open_run(&t.l, "corp", FLOW_OUTBOUND), "a"));
	CHECK(is(ledger_open_run(&t.l, "corp", FLOW_INBOUND), "b"));
	CHECK(is(ledger_open_run(&t.l, "other", FLOW_OUTBOUND), "c"));
	CHECK(is(ledger_open_run(&t.l, "other", FLOW_INBOUND), NULL));
	/* at most one non-terminal cut-over or failback for each */
	CHECK_INT(start("d", "failback", "corp", "outbound"), RC_CORRUPT);
	CHECK_INT(start("d", "failback", "corp", "inbound"), RC_CORRUPT);
	CHECK_INT(start("d", "launch", "more", "outbound"), RC_CORRUPT);
	CHECK(strstr(t.err.text, "no known kind") != NULL);
	/* blocked is not an end; failed is */
	ends("a", "blocked");
	CHECK(is(ledger_open_run(&t.l, "corp", FLOW_OUTBOUND), "a"));
	CHECK(is(ledger_unnoted(&t.l, "corp", FLOW_OUTBOUND), "a"));
	ends("a", "failed");
	CHECK(is(ledger_open_run(&t.l, "corp", FLOW_OUTBOUND), NULL));
	CHECK(is(ledger_unnoted(&t.l, "corp", FLOW_OUTBOUND), "a"));
	CHECK(is(ledger_unnoted(&t.l, "corp", FLOW_INBOUND), NULL));
	CHECK(is(ledger_unnoted(&t.l, "other", FLOW_OUTBOUND), NULL));
	CHECK_INT(start("d", "failback", "corp", "outbound"), RC_OK);
	ends("nobody", "done"); /* a run that is not there: no harm */
	end();
}

static void
a_shelter_is_a_run_of_its_own_kind(void)
{
	static const struct {
		const char *state;
		bool stands;
	} rows[] = { { "open", true }, { "backward", true }, { "blocked", true }, { "done", false },
		{ "undone", false }, { "failed", false }, { "released", false } };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		begin();
		CHECK_INT(start("s", "shelter", "corp", "outbound"), RC_OK);
		CHECK(is(ledger_shelter(&t.l, "corp", FLOW_OUTBOUND), "s"));
		CHECK(is(ledger_shelter(&t.l, "corp", FLOW_INBOUND), NULL));
		CHECK(is(ledger_shelter(&t.l, "other", FLOW_OUTBOUND), NULL));
		CHECK(is(ledger_open_run(&t.l, "corp", FLOW_OUTBOUND), NULL));
		ends("s", rows[i].state);
		if (is(ledger_shelter(&t.l, "corp", FLOW_OUTBOUND), "s") != rows[i].stands)
			CHECK_STR(rows[i].state, rows[i].stands ? "in force" : "over");
		end();
	}
}

/* It is adopted by the cut-over that follows, and ends with it; alone only if that is undone. */
static void
a_shelter_ends_with_the_cut_over_that_took_it_over(void)
{
	static const struct {
		const char *flow, *end;
		enum lrun_state state;
		bool adopted;
	} rows[] = {
		{ "outbound", "done", LR_DONE, true },
		{ "outbound", "undone", LR_OPEN, false },
		{ "outbound", "blocked", LR_OPEN, true },
		{ "outbound", "failed", LR_OPEN, false }, /* its machine settles: a new era */
		{ "inbound", "done", LR_OPEN, true },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		begin();
		CHECK_INT(start("s", "shelter", "corp", "outbound"), RC_OK);
		CHECK_INT(start("o", "shelter", "other", "outbound"), RC_OK);
		CHECK_INT(start("n", "shelter", "corp", "outbound"), RC_OK);
		ends("s", "open");
		ends("o", "open");
		ends("n", "undone");
		CHECK_INT(start("c", "cutover", "corp", rows[i].flow), RC_OK);
		CHECK_INT(fold(REC_ADOPT, "c", "{'shelter':'s'}"), RC_OK);
		CHECK_INT(fold(REC_ADOPT, "c", "{'shelter':'o'}"), RC_OK);
		CHECK_INT(fold(REC_ADOPT, "c", "{'shelter':'n'}"), RC_OK);
		CHECK_INT(fold(REC_ADOPT, "c", "{'shelter':'nobody'}"), RC_OK);
		ends("c", rows[i].end);
		CHECK_INT(ledger_run(&t.l, "s")->state, rows[i].state);
		CHECK_INT(ledger_run(&t.l, "s")->adopted, rows[i].adopted);
		CHECK_INT(ledger_run(&t.l, "o")->state, LR_OPEN);
		CHECK_INT(ledger_run(&t.l, "n")->state, LR_UNDONE);
		end();
	}
}

/* A cut-over that a person gives up in peace leaves the shelter with it: only a new era frees it.
 */
static void
a_run_given_up_by_a_person_keeps_its_shelter(void)
{
	begin();
	CHECK_INT(start("s", "shelter", "corp", "outbound"), RC_OK);
	ends("s", "open");
	CHECK_INT(start("c", "cutover", "corp", "outbound"), RC_OK);
	CHECK_INT(fold(REC_ADOPT, "c", "{'shelter':'s'}"), RC_OK);
	CHECK_INT(
		fold(REC_ROW, "c", "{'playbook':'corp','flow':'outbound','to':'blocked'}"), RC_OK);
	ends("c", "failed");
	CHECK(ledger_run(&t.l, "s")->adopted);
	/* and the run that lets its mail go ends it */
	CHECK_INT(start("u", "unshelter", "corp", "outbound"), RC_OK);
	ends("u", "done");
	CHECK_INT(ledger_run(&t.l, "s")->state, LR_DONE);
	CHECK_INT(start("v", "unshelter", "corp", "outbound"), RC_OK);
	ends("v", "done"); /* none is in force: no harm */
	end();
}

static void
taking_ferryman_out_is_known_by_run_and_brake(void)
{
	begin();
	CHECK_INT(start("e", "eject", "corp", "outbound"), RC_OK);
	CHECK(is(ledger_eject(&t.l, "corp"), "e"));
	CHECK(is(ledger_eject(&t.l, "other"), NULL));
	CHECK(!ledger_ejected(&t.l, "corp"));
	CHECK_INT(fold(REC_BRAKE, "", "{'playbook':'corp','state':'pause','eject':true}"), RC_OK);
	CHECK_INT(fold(REC_BRAKE, "", "{'playbook':'more','state':'pause'}"), RC_OK);
	CHECK(ledger_ejected(&t.l, "corp") && !ledger_ejected(&t.l, "other"));
	CHECK(!ledger_ejected(&t.l, "more"));
	ends("e", "done");
	CHECK(is(ledger_eject(&t.l, "corp"), NULL));
	CHECK(ledger_ejected(&t.l, "corp"));
	/* a new era does not know any more what the targets bear; the brake stays */
	t.era = 2;
	CHECK_INT(fold(REC_OPENED, "", "{}"), RC_OK);
	CHECK(!ledger_ejected(&t.l, "corp"));
	CHECK(ledger_brake(&t.l, "corp", 0) != NULL);
	CHECK_INT(fold(REC_BRAKE, "", "{'playbook':'corp','state':'resume'}"), RC_OK);
	CHECK(ledger_brake(&t.l, "corp", 0) == NULL);
	end();
}

static void
a_brake_has_an_owner_and_an_expiry(void)
{
	begin();
	CHECK_INT(fold(REC_BRAKE, "",
			  "{'playbook':'corp','state':'pause','by':'ann','reason':'work',"
			  "'expires':5000}"),
		RC_OK);
	CHECK_STR(ledger_brake(&t.l, "corp", 4999)->by, "ann");
	CHECK(ledger_brake(&t.l, "corp", 5000) == NULL);
	CHECK(ledger_brake(&t.l, "other", 1) == NULL);
	CHECK_INT(fold(REC_BRAKE, "", "{'playbook':'corp','state':'pause','by':'ben'}"), RC_OK);
	CHECK_STR(ledger_brake(&t.l, "corp", 1)->by, "ben");
	CHECK(t.l.brakes_n == 1);
	end();
}

/* An answer closes only the intent that it names; what is not known closes none. */
static void
an_answer_closes_what_it_names(void)
{
	static const struct {
		const char *outcome;
		bool answered, done, older_gone;
	} rows[] = { { "DONE", true, true, true }, { "UNCHANGED", true, true, true },
		{ "STALE", true, false, true }, { "REFUSED", true, false, false },
		{ "CONFLICT", true, false, false }, { "RETRY", false, false, false },
		{ "UNKNOWN", false, false, false } };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct ldomain *d;
		const struct lstep *s;
		uint64_t first, second;

		begin();
		CHECK_INT(start("c", "cutover", "corp", "outbound"), RC_OK);
		first = intent("c", "1", "do", "zone", "");
		second = intent("c", "2", "do", "zone", ",'pivot':true");
		d = ledger_domain(&t.l, "zone");
		CHECK(d->older && !d->answered && d->lsn == second);
		result("c", "1", "do", first, "DONE"); /* late: the newer one stays open */
		d = ledger_domain(&t.l, "zone");
		CHECK(!d->answered && d->older && d->intent != NULL);
		result("c", "2", "do", second, rows[i].outcome);
		d = ledger_domain(&t.l, "zone");
		s = ledger_step(ledger_run(&t.l, "c"), "2");
		CHECK(d->answered == rows[i].answered && d->older == !rows[i].older_gone);
		CHECK(s->do_answered == rows[i].answered && s->done == rows[i].done);
		CHECK(s->changed == text_eq(rows[i].outcome, "DONE"));
		CHECK(d->fenced_era == (rows[i].done ? 1 : 0));
		CHECK(ledger_run(&t.l, "c")->pivoted);
		end();
	}
}

/* A result without a number says that nothing had to be sent. It closes nothing that was. */
static void
unchanged_says_nothing_of_an_intent_that_is_open(void)
{
	struct lrun *r;

	begin();
	CHECK_INT(start("c", "cutover", "corp", "outbound"), RC_OK);
	(void)intent("c", "1", "do", "zone", "");
	(void)intent("c", "1", "undo", "zone", "");
	result("c", "1", "do", 0, "UNCHANGED");
	result("c", "1", "undo", 0, "UNCHANGED");
	r = ledger_run(&t.l, "c");
	CHECK(!ledger_step(r, "1")->done && !ledger_step(r, "1")->undone);
	CHECK(!ledger_step(r, "1")->do_answered && !ledger_step(r, "1")->undo_answered);
	result("c", "1", "undo", t.lsn, "UNCHANGED");
	result("c", "1", "undo", 0, "UNCHANGED"); /* now nothing is open */
	CHECK(ledger_step(r, "1")->undone && ledger_step(r, "1")->undo_answered);
	result("c", "1", "undo", t.lsn + 7, "CONFLICT"); /* of no intent of ours */
	CHECK(ledger_step(r, "1")->undone);
	result("c", "1", "do", t.lsn + 7, "DONE");
	CHECK(!ledger_step(r, "1")->done);
	result("nobody", "1", "do", 0, "DONE"); /* of a run that is not there: no harm */
	CHECK_INT(r->effects.sent, 2);
	CHECK_INT(r->effects.undo, 1);
	end();
}

static void
effects_are_told_by_their_number(void)
{
	char text[EFFECTS_TEXT];

	effects_text(&(struct effects){ .sent = 2 }, text);
	CHECK_STR(text, "effects sent: 2");
	effects_text(&(struct effects){ .sent = 3, .undo = 1 }, text);
	CHECK_STR(text, "effects sent: 3, of them 1 to undo");
	effects_text(&(struct effects){ 0 }, text);
	CHECK_STR(text, "effects sent: 0");
}

/* Of DNS what stood there before us is kept until it stands there again. */
static void
what_stood_there_before_us_is_remembered(void)
{
#define VALUES(resource, base, want)                                                               \
	",'resource':'" resource "','base':'" base "','want':'" want "'"
	static const struct {
		const char *name, *dir, *values;
		size_t left;
	} rows[] = {
		{ "a change", "do", VALUES("dns.rrset c MX", "a", "b"), 1 },
		{ "a second one there", "do", VALUES("dns.rrset c MX", "b", "c"), 1 },
		{ "elsewhere in the zone", "do", VALUES("dns.rrset c TXT", "x", "y"), 2 },
		{ "nothing is changed", "do", VALUES("dns.rrset d MX", "a", "a"), 2 },
		{ "a relay: what stood there is nothing", "do",
			VALUES("relay.route c", "", "next r"), 2 },
		{ "a fence changes nothing", "fence", VALUES("dns.rrset e MX", "", "b"), 2 },
		{ "back to what it was", "undo", VALUES("dns.rrset c MX", "c", "a"), 1 },
		{ "the other one too", "undo", VALUES("dns.rrset c TXT", "y", "x"), 0 },
		{ "no resource", "do", ",'base':'a','want':'b'", 0 },
		{ "no base", "do", ",'resource':'dns.rrset c MX','want':'b'", 0 },
		{ "no want", "do", ",'resource':'dns.rrset c MX','base':'b'", 0 },
	};
#undef VALUES

	begin();
	CHECK_INT(start("c", "cutover", "corp", "outbound"), RC_OK);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		result("c", "1", rows[i].dir, intent("c", "1", rows[i].dir, "zone", rows[i].values),
			"DONE");
		if (t.l.left_n != rows[i].left)
			printf("     %s: %zu\n", rows[i].name, t.l.left_n);
		CHECK(t.l.left_n == rows[i].left);
		if (i == 1)
			CHECK_STR(t.l.left[0].base, "a");
	}
	/* of another zone it is another one */
	result("c", "1", "do",
		intent("c", "1", "do", "zone",
			",'resource':'dns.rrset c MX','base':'a','want':'b'"),
		"DONE");
	result("c", "1", "do",
		intent("c", "1", "do", "zone-2",
			",'resource':'dns.rrset c MX','base':'k','want':'b'"),
		"DONE");
	CHECK(t.l.left_n == 2);
	end();
}

/* The number of a target that lets it be taken out is gone only once nothing older can bring it
 * back. */
static void
a_number_that_is_taken_out_is_out(void)
{
	begin();
	CHECK_INT(start("e", "eject", "corp", "outbound"), RC_OK);
	(void)intent("", "", "fence", "hub", ",'resource':'fence.marker'");
	CHECK(!ledger_domain(&t.l, "hub")->removes);
	(void)intent("e", "1", "do", "hub", ",'resource':'fence.marker'");
	CHECK(ledger_domain(&t.l, "hub")->removes && ledger_domain(&t.l, "hub")->removing);
	(void)intent("", "", "fence", "hub", ",'resource':'fence.marker'");
	CHECK(!ledger_domain(&t.l, "hub")->removes && ledger_domain(&t.l, "hub")->removing);
	result("", "", "fence", t.lsn, "DONE");
	CHECK(!ledger_domain(&t.l, "hub")->removing);
	(void)intent("e", "1", "do", "hub", ",'resource':'fence.marker'");
	CHECK_INT(fold(REC_RESULT, "e",
			  "{'step':'1','dir':'do','of':%llu,'outcome':'DONE','unmarked':'hub'}",
			  (unsigned long long)t.lsn),
		RC_OK);
	CHECK(t.l.domains_n == 0);
	CHECK_INT(fold(REC_RESULT, "e",
			  "{'step':'1','dir':'do','of':0,'outcome':'DONE','unmarked':'hub'}"),
		RC_OK); /* it is not there: no harm */
	(void)intent("e", "2", "do", "zone", "");
	CHECK(!ledger_domain(&t.l, "zone")->removing);
	end();
}

static void
approve(const char *user, const char *hash, const char *verdict, const char *nonce)
{
	CHECK_INT(fold(REC_APPROVAL, "",
			  "{'playbook':'corp','flow':'outbound','plan_hash':'%s','user':'%s',"
			  "'verdict':'%s','nonce':'%s'}",
			  hash, user, verdict, nonce),
		RC_OK);
}

/* An approval is bound to the plan that was shown; people are counted, not words. */
static void
people_are_counted_for_one_plan(void)
{
	static const char ask[] = "{'playbook':'corp','flow':'outbound','purpose':'%s',"
				  "'plan_hash':'%s'}";
	const struct lmachine *m;
	char name[8];

	begin();
	m = ledger_machine(&t.l, "corp", FLOW_OUTBOUND);
	CHECK_INT(fold(REC_PLAN, "", ask, "look", "aaaa"), RC_OK);
	CHECK_STR(m->ask_hash, "");
	CHECK_INT(fold(REC_PLAN, "", ask, "ask", "aaaa"), RC_OK);
	CHECK_STR(m->ask_hash, "aaaa");
	approve("ann", "aaaa", "approve", "n1");
	approve("ann", "aaaa", "approve", "n2");
	approve("ben", "bbbb", "approve", "");
	CHECK_INT(m->approvals, 1);
	approve("ben", "aaaa", "approve", "n3");
	CHECK_INT(m->approvals, 2);
	approve("dan", "aaaa", "deny", "n4");
	CHECK_INT(m->approvals, 2);
	CHECK_INT(m->denials, 1);
	CHECK(ledger_nonce_used(&t.l, "n2") && ledger_nonce_used(&t.l, "n4"));
	CHECK(!ledger_nonce_used(&t.l, "n5") && !ledger_nonce_used(&t.l, ""));
	CHECK_INT(fold(REC_PLAN, "", ask, "ask", "aaaa"), RC_OK); /* the same plan again */
	CHECK_INT(m->approvals, 2);
	CHECK_INT(fold(REC_PLAN, "", ask, "ask", "bbbb"), RC_OK);
	CHECK_INT(m->approvals, 0);
	CHECK_INT(m->denials, 0);
	for (int i = 0; i < 12; i++) {
		(void)snprintf(name, sizeof name, "u%d", i);
		approve(name, "bbbb", "approve", name);
	}
	CHECK_INT(m->approvals, LEDGER_APPROVALS); /* a playbook asks for no more */
	for (int i = 0; i < LEDGER_NONCES; i++) {
		(void)snprintf(name, sizeof name, "v%d", i);
		approve("eve", "aaaa", "approve", name);
	}
	CHECK(!ledger_nonce_used(&t.l, "u0") && ledger_nonce_used(&t.l, "v0"));
	CHECK(ledger_nonce_used(&t.l, "v63"));
	end();
}

/* "Stood down" holds until the diagnosis has cleared: then people are asked anew. */
static void
what_was_denied_is_asked_again_after_it_has_cleared(void)
{
	static const char seen[] = "{'playbook':'corp','flow':'outbound','state':'%s',"
				   "'diagnosis':'%s'}";
	const struct lmachine *m;

	begin();
	CHECK_INT(fold(REC_ROW, "",
			  "{'playbook':'corp','flow':'outbound','to':'normal',"
			  "'stood_down':'blocked'}"),
		RC_OK);
	m = ledger_machine(&t.l, "corp", FLOW_OUTBOUND);
	CHECK_INT(fold(REC_ROW, "", "{'playbook':'corp','flow':'outbound','to':'nowhere'}"), RC_OK);
	CHECK_INT(m->state, LS_NORMAL);
	CHECK_INT(fold(REC_DIAGNOSIS, "", seen, "cleared", "other"), RC_OK);
	CHECK_STR(m->stood_down, "blocked");
	CHECK_INT(fold(REC_DIAGNOSIS, "", seen, "met", "blocked"), RC_OK);
	CHECK_STR(m->stood_down, "blocked");
	CHECK_INT(fold(REC_DIAGNOSIS, "", seen, "cleared", "blocked"), RC_OK);
	CHECK_STR(m->stood_down, "");
	end();
}

/* A person's word turns a run round, or lets it go on; not after its pivot, and not a refused one.
 */
static void
a_word_moves_a_run(void)
{
	static const struct {
		const char *name, *verb, *state;
		int exit;
		bool pivot;
		enum lrun_state then;
	} rows[] = {
		{ "abort", "abort", NULL, 0, false, LR_BACKWARD },
		{ "abort after the pivot", "abort", NULL, 0, true, LR_FORWARD },
		{ "abort, refused", "abort", NULL, 3, false, LR_FORWARD },
		{ "abort what is blocked", "abort", "blocked", 0, false, LR_BACKWARD },
		{ "abort what is done", "abort", "done", 0, false, LR_DONE },
		{ "continue what is blocked", "continue", "blocked", 0, false, LR_FORWARD },
		{ "continue what goes on", "continue", NULL, 0, false, LR_FORWARD },
		{ "ack", "ack", "blocked", 0, false, LR_BLOCKED },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		begin();
		CHECK_INT(start("c", "cutover", "corp", "outbound"), RC_OK);
		if (rows[i].pivot)
			(void)intent("c", "1", "do", "zone", ",'pivot':true");
		if (rows[i].state != NULL)
			ends("c", rows[i].state);
		CHECK_INT(fold(REC_COMMAND, "c", "{'verb':'%s','exit':%d}", rows[i].verb,
				  rows[i].exit),
			RC_OK);
		if (ledger_run(&t.l, "c")->state != rows[i].then)
			CHECK_STR(rows[i].name, lrun_state_name(ledger_run(&t.l, "c")->state));
		end();
	}
	begin(); /* one that was on its way back goes on back */
	CHECK_INT(start("c", "cutover", "corp", "outbound"), RC_OK);
	ends("c", "backward");
	ends("c", "blocked");
	ends("c", "blocked");
	CHECK_INT(fold(REC_COMMAND, "c", "{'verb':'continue','exit':0}"), RC_OK);
	CHECK_INT(ledger_run(&t.l, "c")->state, LR_BACKWARD);
	CHECK_INT(fold(REC_COMMAND, "x", "{'verb':'abort','exit':0}"), RC_OK);
	end();
}

/* Ended runs are forgotten, the oldest first; never one that is open, or that its machine has not
 * taken note of. */
static void
old_runs_are_forgotten(void)
{
	size_t n;
	char id[8];

	begin();
	CHECK_INT(start("open", "cutover", "corp", "inbound"), RC_OK);
	CHECK_INT(start("news", "cutover", "other", "outbound"), RC_OK);
	ends("news", "done");
	for (int i = 0; i < 200; i++) {
		(void)snprintf(id, sizeof id, "s%d", i);
		CHECK_INT(start(id, "shelter", "corp", "outbound"), RC_OK);
		ends(id, i % 2 == 0 ? "done" : "undone");
	}
	n = t.l.runs_n;
	CHECK(n < 150);
	CHECK(is(ledger_run(&t.l, "open"), "open") && is(ledger_run(&t.l, "news"), "news"));
	CHECK(is(ledger_run(&t.l, "s0"), NULL) && is(ledger_run(&t.l, "s199"), "s199"));
	CHECK_INT(fold(REC_ROW, "news", "{'playbook':'other','flow':'outbound','to':'normal'}"),
		RC_OK);
	for (int i = 0; i < 2; i++) {
		(void)snprintf(id, sizeof id, "t%d", i);
		CHECK_INT(start(id, "shelter", "corp", "outbound"), RC_OK);
		ends(id, "failed");
	}
	CHECK(is(ledger_run(&t.l, "news"), NULL));
	end();
}

static void
a_journal_that_does_not_follow_is_refused(void)
{
	struct record r;
	struct err err = { 0 };

	begin();
	CHECK_INT(start("c", "cutover", "corp", "outbound"), RC_OK);
	r = (struct record){ .v = 1,
		.type = REC_SIGNAL,
		.seq = 2,
		.prev = t.l.hash,
		.run = "",
		.boot_id = "b",
		.era = 1 };
	r.seq = 3;
	CHECK_INT(ledger_fold(&t.l, &r, "h", &err), RC_CORRUPT);
	r.seq = 2;
	r.prev = "another";
	CHECK_INT(ledger_fold(&t.l, &r, "h", &err), RC_CORRUPT);
	r.prev = t.l.hash;
	r.type = REC_INTENT;
	r.lsn = 0;
	CHECK_INT(ledger_fold(&t.l, &r, "h", &err), RC_CORRUPT);
	CHECK(strstr(err.text, "LSN does not rise") != NULL);
	CHECK(t.l.seq == 1);
	end();
}

/* Nobody's setting of the wall clock moves a moment of this boot. */
static void
a_moment_of_this_boot_is_told_by_the_other_clock(void)
{
	struct lmoment here = { .boot_ms = 2000, .boot_id = "boot-1", .wall_ms = 1 },
		       before = { .boot_ms = 2000, .boot_id = "boot-0", .wall_ms = 1000 };
	struct lnow now, other;

	begin();
	CHECK_INT(fold(REC_OPENED, "", "{}"), RC_OK); /* wall 1790001001000 at 1001000 */
	CHECK_INT(fold(REC_OPENED, "", "{}"), RC_OK); /* the boot's first one counts */
	now = ledger_now(&t.l, "boot-1", 1011000, 1790001011000 + 7200000); /* set by two hours */
	CHECK_INT(now.skew_ms, 7200000);
	CHECK_INT(ledger_wall(&now, &here), now.wall_ms - 1009000);
	CHECK_INT(ledger_wall(&now, &before), 7201000);
	before.wall_ms = 0;
	CHECK_INT(ledger_wall(&now, &before), 0);
	other = ledger_now(&t.l, "boot-2", 5, 1790001011000);
	CHECK_INT(other.skew_ms, 0);
	t.boot = "boot-2";
	CHECK_INT(fold(REC_OPENED, "", "{}"), RC_OK);
	CHECK_STR(t.l.booted.boot_id, "boot-2");
	end();
}

/* The budget looks at the newest 64 automatic starts: a playbook allows no more in its time. */
static void
automatic_starts_are_counted_by_their_time(void)
{
	static const char row[] = "{'playbook':'corp','flow':'outbound','to':'%s','auto':true}";
	struct lnow now;

	begin();
	for (int i = 0; i < 70; i++)
		CHECK_INT(fold(REC_ROW, "", row, i % 2 == 0 ? "cutting-over" : "normal"), RC_OK);
	now = ledger_now(&t.l, "boot-1", t.ms, 1790000000000 + t.ms);
	CHECK_INT(ledger_autos(&t.l, &now, 9500), 10);
	CHECK_INT(ledger_autos(&t.l, &now, 1000000), 64);
	end();
}

static void
a_text_in_force_is_known_by_its_name(void)
{
	begin();
	CHECK_INT(fold(REC_PLAYBOOK, "", "{'name':'corp','sha256':'aa'}"), RC_OK);
	CHECK_INT(fold(REC_PLAYBOOK, "", "{'name':'other','sha256':'bb'}"), RC_OK);
	CHECK_INT(fold(REC_PLAYBOOK, "", "{'name':'other','sha256':'cc'}"), RC_OK);
	CHECK_STR(ledger_book(&t.l, "corp")->sha256, "aa");
	CHECK_STR(ledger_book(&t.l, "other")->sha256, "cc");
	CHECK(ledger_book(&t.l, "more") == NULL && t.l.books_n == 2);
	end();
}

/* A run has room for as many steps as a plan may have, and no more. */
static void
steps_end_somewhere(void)
{
	struct lrun *r;
	char id[8];

	begin();
	CHECK_INT(start("c", "cutover", "corp", "outbound"), RC_OK);
	r = ledger_run(&t.l, "c");
	for (int i = 0; i < LEDGER_STEPS; i++) {
		(void)snprintf(id, sizeof id, "%d", i);
		CHECK(ledger_step(r, id) != NULL);
	}
	CHECK(ledger_step(r, "one too many") == NULL && ledger_step(r, "0") != NULL);
	(void)intent("c", "one too many", "do", "zone", "");
	CHECK_INT(r->steps_n, LEDGER_STEPS);
	end();
}

int
main(void)
{
	TEST(each_playbook_and_flow_has_its_own_run);
	TEST(a_shelter_is_a_run_of_its_own_kind);
	TEST(a_shelter_ends_with_the_cut_over_that_took_it_over);
	TEST(a_run_given_up_by_a_person_keeps_its_shelter);
	TEST(taking_ferryman_out_is_known_by_run_and_brake);
	TEST(a_brake_has_an_owner_and_an_expiry);
	TEST(an_answer_closes_what_it_names);
	TEST(unchanged_says_nothing_of_an_intent_that_is_open);
	TEST(effects_are_told_by_their_number);
	TEST(what_stood_there_before_us_is_remembered);
	TEST(a_number_that_is_taken_out_is_out);
	TEST(people_are_counted_for_one_plan);
	TEST(what_was_denied_is_asked_again_after_it_has_cleared);
	TEST(a_word_moves_a_run);
	TEST(old_runs_are_forgotten);
	TEST(a_journal_that_does_not_follow_is_refused);
	TEST(a_moment_of_this_boot_is_told_by_the_other_clock);
	TEST(automatic_starts_are_counted_by_their_time);
	TEST(a_text_in_force_is_known_by_its_name);
	TEST(steps_end_somewhere);
	return check_end();
}
