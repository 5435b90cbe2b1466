/*
 * story.c - the records of an incident as a story: its runs with their steps, the numbers of
 * messages that results name, and everything that no record proves.
 */
#include "report/story.h"

#include "base/num.h"
#include "base/outcome.h"
#include "base/text.h"
#include "core/ledger.h"

#include <string.h>

/* --- runs and steps --- */

static struct run_told *
run_by_id(struct report *r, const char *id)
{
	for (size_t i = 0; i < r->runs_n; i++)
		if (text_eq(r->run[i].id, id))
			return &r->run[i];
	return NULL;
}

static void
plan_steps(struct run_told *t, const struct json *plan)
{
	const struct json *steps = json_get(plan, "steps");

	for (const struct json *j = steps != NULL ? steps->child : NULL;
		j != NULL && t->steps_n < STEPS_SHOWN; j = j->next) {
		struct step_told *s = &t->step[t->steps_n++];

		s->id = phrase_or(j, "id", "?");
		s->name = phrase_or(j, "name", "");
		s->kind = phrase_or(j, "kind", "");
		s->target = phrase_or(j, "target", "");
		s->resource = phrase_or(j, "resource", "");
		s->base = phrase_or(j, "base", "");
		s->want = phrase_or(j, "want", "");
		s->options = phrase_or(j, "options", "");
		s->through = phrase_or(j, "through", "");
		s->pivot = json_flag(j, "pivot");
		s->production = json_flag(j, "production");
		s->wait_ms = json_int(j, "wait", 0);
		s->deadline_ms = json_int(j, "deadline", 0);
	}
}

static void
start_run(struct report *r, const struct entry *e)
{
	bool main = e->rec.seq == r->main_seq;
	struct run_told *t;

	if (r->runs_n == RUNS_SHOWN && !main)
		return;
	t = r->runs_n < RUNS_SHOWN ? &r->run[r->runs_n++] : &r->run[RUNS_SHOWN - 1];
	memset(t, 0, sizeof *t);
	t->start = e;
	t->main = main;
	t->id = e->rec.run;
	t->kind = phrase_or(e->rec.body, "kind", "");
	t->procedure = phrase_or(e->rec.body, "procedure", "");
	t->by = phrase_or(e->rec.body, "by", "");
	t->reason = phrase_or(e->rec.body, "reason", "");
	t->hash = phrase_or(e->rec.body, "plan_hash", "");
	t->state = "";
	t->overrides = json_get(e->rec.body, "overrides");
	plan_steps(t, json_get(e->rec.body, "plan"));
}

static void
step_record(struct run_told *t, const struct entry *e)
{
	const char *id = json_str(e->rec.body, "step"), *dir = json_str(e->rec.body, "dir");
	bool intent = e->rec.type == REC_INTENT, undo = text_eq(dir, "undo");

	for (size_t i = 0; i < t->steps_n; i++) {
		struct step_told *s = &t->step[i];

		if (!text_eq(s->id, id))
			continue;
		if (s->began == NULL)
			s->began = e;
		if (undo && intent)
			s->undo = e, s->undone = NULL;
		else if (undo)
			s->undone = e;
		else if (intent)
			s->intent = e;
		else
			s->result = e, s->tries++;
		/* an intent that is sent anew takes back the answer before it, unless that answer
		 * stands */
		if (!undo && intent && s->result != NULL && !step_done(s))
			s->result = NULL;
	}
}

bool
step_done(const struct step_told *s)
{
	enum outcome o = s->result != NULL ? outcome_parse(json_str(s->result->rec.body, "outcome"))
					   : OUT_UNKNOWN;

	return o == OUT_DONE || o == OUT_UNCHANGED;
}

static void
tell_runs(struct report *r)
{
	for (size_t i = 0; i < r->entries_n; i++) {
		const struct entry *e = &r->entry[i];
		struct run_told *t;

		if (e->rec.type == REC_START)
			start_run(r, e);
		t = run_by_id(r, e->rec.run);
		if (t == NULL)
			continue;
		if (e->rec.type == REC_INTENT || e->rec.type == REC_RESULT)
			step_record(t, e);
		effects_note(&t->effects, &e->rec);
		if (e->rec.type == REC_END) {
			t->end = e;
			t->state = phrase_or(e->rec.body, "state", "");
		}
	}
	for (size_t i = 0; i < r->runs_n; i++)
		if (r->run[i].main)
			r->main = &r->run[i];
}

/* --- numbers --- */

static const char *
word_after(const char *s, char *word, size_t max)
{
	size_t n = 0;

	while (*s != '\0' && !((*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9')))
		s++;
	while (((*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9')) && n < max - 1)
		word[n++] = *s++;
	word[n] = '\0';
	return n > 0 ? s : NULL;
}

static const char *
countable(const char *word)
{
	static const char *const words[] = { "parked", "waiting", "released", "returned" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (text_eq(word, words[i]))
			return words[i];
	return NULL;
}

static void
add_count(struct report *r, const char *what, int64_t n, const struct entry *e)
{
	if (r->counts_n < COUNTS_MAX)
		r->count[r->counts_n++] = (struct mail_count){ .what = what, .n = n, .proof = e };
}

/* "parked 3" and "3 parked" both name a number; each number is taken once, by the word that stands
 * nearer before it. */
static void
counts_in(struct report *r, const struct entry *e, const char *text)
{
	char word[32], before[32] = "";
	int64_t n, pending = -1;

	while ((text = word_after(text, word, sizeof word)) != NULL) {
		const char *what = countable(word);

		if (num_int(word, &n)) {
			pending = n;
			if (countable(before) != NULL) {
				add_count(r, countable(before), n, e);
				pending = -1;
			}
		} else if (what != NULL && pending >= 0) {
			add_count(r, what, pending, e);
			pending = -1;
			word[0] = '\0'; /* it has its number */
		} else if (what == NULL) {
			pending = -1;
		}
		memcpy(before, word, sizeof before);
	}
}

static void
tell_counts(struct report *r)
{
	static const char *const kinds[] = { "mail.park", "queue.release", "wait.drained" };

	for (size_t i = 0; i < r->runs_n; i++)
		for (size_t k = 0; k < r->run[i].steps_n; k++) {
			const struct step_told *s = &r->run[i].step[k];
			bool counts = false;

			for (size_t m = 0; m < sizeof kinds / sizeof *kinds; m++)
				counts = counts || text_eq(s->kind, kinds[m]);
			if (counts && s->result != NULL)
				counts_in(r, s->result, phrase_or(s->result->rec.body, "why", ""));
		}
}

const struct mail_count *
story_count(const struct report *r, const char *what)
{
	const struct mail_count *last = NULL;

	for (size_t i = 0; i < r->counts_n; i++)
		if (text_eq(r->count[i].what, what))
			last = &r->count[i];
	return last;
}

/* --- what is not proven --- */

static void
unproven(struct report *r, const char *text)
{
	if (text != NULL && r->unproven_n < UNPROVEN_MAX)
		r->unproven[r->unproven_n++] = text;
}

static void
gaps_of_step(struct report *r, const struct run_told *t, const struct step_told *s)
{
	bool back = s->undo != NULL || s->undone != NULL;

	if (s->began == NULL)
		unproven(r, arena_fmt(r->a, "run %s, step %s (%s): no record; it was never begun",
				    t->id, s->id, s->name));
	else if (s->result == NULL && s->intent != NULL)
		unproven(r, arena_fmt(r->a,
				    "run %s, step %s (%s): record %llu announces it and no record "
				    "answers: it may have been applied",
				    t->id, s->id, s->name, (unsigned long long)s->intent->rec.seq));
	else if (s->result != NULL && !step_done(s))
		unproven(
			r, arena_fmt(r->a, "run %s, step %s (%s): its last answer is %s: %s", t->id,
				   s->id, s->name, phrase_or(s->result->rec.body, "outcome", "?"),
				   phrase_or(s->result->rec.body, "why", "")));
	if (back && (s->undone == NULL || !outcome_good(s->undone)))
		unproven(r, arena_fmt(r->a, "run %s, step %s (%s): that it was undone", t->id,
				    s->id, s->name));
}

bool
outcome_good(const struct entry *e)
{
	enum outcome o = outcome_parse(json_str(e->rec.body, "outcome"));

	return o == OUT_DONE || o == OUT_UNCHANGED;
}

static void
gaps_of_people(struct report *r)
{
	for (size_t i = 0; i < r->entries_n; i++) {
		const struct entry *e = &r->entry[i];

		if (e->rec.type == REC_NOTIFIED && !outcome_good(e))
			unproven(r, arena_fmt(r->a,
					    "that anybody received the message of record %llu: no "
					    "notifier took it",
					    (unsigned long long)e->rec.seq));
	}
}

static void
gaps_of_mail(struct report *r)
{
	if (story_count(r, "returned") == NULL)
		unproven(r,
			"how many messages were returned to their senders: no record counts them");
	if (story_count(r, "parked") == NULL && story_count(r, "released") == NULL)
		unproven(r, "how many messages waited and were let go: no result names a number");
	unproven(r, "what became of mail that the provider had already taken: it waits or expires "
		    "there, unseen");
}

static void
tell_gaps(struct report *r)
{
	if (r->broken_seq != 0)
		unproven(r, arena_fmt(r->a,
				    "ANYTHING: the chain of hashes breaks before record %llu; the "
				    "journal has been damaged or rewritten",
				    (unsigned long long)r->broken_seq));
	unproven(r, "when the fault itself began: the journal knows only what ferryman saw");
	for (size_t i = MS_SEEN; i < MS_N; i++)
		if (r->ms[i].proof == NULL && r->ms[i].expected)
			unproven(r, arena_fmt(r->a, "\"%s\": %s", r->ms[i].label, r->ms[i].text));
	for (size_t i = 0; i < r->runs_n; i++) {
		for (size_t k = 0; k < r->run[i].steps_n; k++)
			gaps_of_step(r, &r->run[i], &r->run[i].step[k]);
		if (r->run[i].end == NULL)
			unproven(r, arena_fmt(r->a, "how run %s ends: it has no END yet",
					    r->run[i].id));
	}
	gaps_of_people(r);
	gaps_of_mail(r);
	if (r->pb == NULL)
		unproven(r,
			"the times that the playbook allows: its text is not kept in this journal");
	if (r->left_out > 0)
		unproven(r,
			arena_fmt(r->a, "%zu more records of this incident are not shown: too many",
				r->left_out));
	unproven(r, "the clock: times are those of the machine that ferryman ran on");
}

void
story_tell(struct report *r)
{
	tell_runs(r);
	if (r->main == NULL)
		return;
	tell_counts(r);
	milestones_tell(r);
	tell_gaps(r);
}
