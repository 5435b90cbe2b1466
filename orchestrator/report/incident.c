/*
 * incident.c - which records belong to a run's incident, and keep them.
 *
 * The journal is read twice and never held whole. The first pass finds the run and where its
 * incident begins: the machine of its playbook and flow left `normal`. The second keeps the records
 * from there on until it is `normal` again, and of earlier ones only the signals that were bad at
 * that moment.
 */
#include "report/incident.h"

#include "base/text.h"
#include "core/ledger.h"
#include "os/stdmem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What stood this long before the machine left `normal` belongs to another story. */
#define LEAD_MAX_MS ((int64_t)24 * 3600 * 1000)

enum {
	FLOWS_MAX = 128,
	BAD_MAX = 256,
	EARLY_MAX = 64,
	ENTRIES_MAX = 20000,
	NAMES_LEN = 600,
	ID_LEN = 96
};

/* A signal that is bad now, and the record that said so. */
struct bad {
	char playbook[ID_LEN], signal[ID_LEN], subject[ID_LEN];
	uint64_t seq;
};

/* One machine while it is followed. */
struct follow {
	char playbook[ID_LEN], flow[16];
	bool away;     /* its last row led to something else than `normal` */
	uint64_t lead; /* where the present incident begins; 0 = calm */
	int64_t lead_wall_ms;
	uint64_t early[EARLY_MAX];
	size_t early_n;
};

/* What the first pass finds. */
struct search {
	const char *want;
	struct follow follow[FLOWS_MAX];
	size_t follow_n;
	struct bad bad[BAD_MAX];
	size_t bad_n;
	bool found, exact, ended;
	struct follow at; /* copy of the machine when the run started */
	char run[ID_LEN];
	char tail[ID_LEN];     /* the run that lets go what waited, after `normal` */
	char names[NAMES_LEN]; /* runs that fit, or that there are */
	size_t fits;
	uint64_t end_seq;
	char prev[65];
	uint64_t broken_seq, head_seq;
	struct err *err;
};

static void
copy(char *to, size_t n, const char *s)
{
	(void)snprintf(to, n, "%s", s != NULL ? s : "");
}

static struct follow *
follow_of(struct search *s, const struct record *r)
{
	const char *playbook = json_str(r->body, "playbook"), *flow = json_str(r->body, "flow");
	struct follow *f;

	if (playbook == NULL || flow == NULL)
		return NULL;
	for (size_t i = 0; i < s->follow_n; i++)
		if (text_eq(s->follow[i].playbook, playbook) && text_eq(s->follow[i].flow, flow))
			return &s->follow[i];
	if (s->follow_n == FLOWS_MAX)
		return NULL;
	f = &s->follow[s->follow_n++];
	copy(f->playbook, sizeof f->playbook, playbook);
	copy(f->flow, sizeof f->flow, flow);
	return f;
}

static void
note_signal(struct search *s, const struct record *r)
{
	const char *playbook = json_str(r->body, "playbook"), *signal = json_str(r->body, "signal");
	const char *subject = json_str(r->body, "subject");
	bool bad = text_eq(json_str(r->body, "to"), "bad");
	struct bad *b = NULL;

	for (size_t i = 0; i < s->bad_n; i++)
		if (text_eq(s->bad[i].playbook, playbook) && text_eq(s->bad[i].signal, signal) &&
			text_eq(s->bad[i].subject, subject))
			b = &s->bad[i];
	if (b != NULL && !bad) {
		*b = s->bad[--s->bad_n];
	} else if (b == NULL && bad && s->bad_n < BAD_MAX) {
		b = &s->bad[s->bad_n++];
		copy(b->playbook, sizeof b->playbook, playbook);
		copy(b->signal, sizeof b->signal, signal);
		copy(b->subject, sizeof b->subject, subject);
		b->seq = r->seq;
	}
}

static void
lead_here(struct search *s, struct follow *f, const struct record *r)
{
	if (f->lead != 0)
		return;
	f->lead = r->seq;
	f->lead_wall_ms = r->wall_ms;
	f->early_n = 0;
	for (size_t i = 0; i < s->bad_n && f->early_n < EARLY_MAX; i++)
		if (text_eq(s->bad[i].playbook, f->playbook))
			f->early[f->early_n++] = s->bad[i].seq;
}

static bool
same_machine(const struct search *s, const struct follow *f)
{
	return text_eq(f->playbook, s->at.playbook) && text_eq(f->flow, s->at.flow);
}

static void
calm_here(struct search *s, struct follow *f, const struct record *r)
{
	f->lead = 0;
	if (s->found && !s->ended && same_machine(s, f)) {
		s->ended = true;
		s->end_seq = r->seq;
	}
}

static void
note_row(struct search *s, const struct record *r)
{
	struct follow *f = follow_of(s, r);
	const char *to = json_str(r->body, "to");
	bool left;

	if (f == NULL || text_eq(to, life_state_name(LS_SETTLING)))
		return;
	left = !f->away && !text_eq(to, life_state_name(LS_NORMAL));
	f->away = !text_eq(to, life_state_name(LS_NORMAL));
	if (left && r->wall_ms - f->lead_wall_ms > LEAD_MAX_MS)
		f->lead = 0; /* a plan or a diagnosis of long ago that led to nothing */
	if (f->away)
		lead_here(s, f, r);
	else if (!text_eq(json_str(r->body, "from"), to))
		calm_here(s, f, r);
}

static void
note_start(struct search *s, const struct record *r)
{
	struct follow *f = follow_of(s, r);
	const char *kind = json_str(r->body, "kind");
	bool last = text_eq(s->want, "last");
	bool moves = text_eq(kind, lrun_kind_name(LK_CUTOVER)) ||
		     text_eq(kind, lrun_kind_name(LK_FAILBACK));
	bool fits = last ? moves : text_starts(r->run, s->want);
	bool exact = !last && text_eq(r->run, s->want);

	if (f == NULL)
		return;
	lead_here(s, f, r);
	if (s->ended && text_eq(kind, lrun_kind_name(LK_UNSHELTER)) && same_machine(s, f)) {
		s->ended = false; /* the incident's last word: its waiting mail is let go */
		copy(s->tail, sizeof s->tail, r->run);
	}
	if (!fits && s->found)
		return;
	if (fits && s->fits == 0)
		s->names[0] = '\0';
	if (strlen(s->names) + strlen(r->run) + 3 < sizeof s->names)
		(void)snprintf(s->names + strlen(s->names), sizeof s->names - strlen(s->names),
			"%s%s", s->names[0] != '\0' ? ", " : "", r->run);
	if (!fits || s->exact)
		return;
	s->fits++;
	if (s->fits == 1 || last || exact) {
		copy(s->run, sizeof s->run, r->run);
		s->at = *f;
		s->found = true;
		s->exact = exact;
		s->ended = false;
		s->tail[0] = '\0';
	}
}

static void
note_end(struct search *s, const struct record *r)
{
	if (!s->found || s->tail[0] == '\0' || !text_eq(r->run, s->tail))
		return;
	s->ended = true;
	s->end_seq = r->seq;
	s->tail[0] = '\0';
}

static void
note(struct search *s, const struct record *r)
{
	struct follow *f;

	switch (r->type) {
	case REC_SIGNAL:
		note_signal(s, r);
		break;
	case REC_DIAGNOSIS:
		f = follow_of(s, r);
		if (f != NULL && !text_eq(json_str(r->body, "state"), "cleared"))
			lead_here(s, f, r);
		else if (f != NULL && !f->away)
			f->lead = 0;
		break;
	case REC_PLAN:
		f = follow_of(s, r);
		if (f != NULL)
			lead_here(s, f, r);
		break;
	case REC_ROW:
		note_row(s, r);
		break;
	case REC_START:
		note_start(s, r);
		break;
	case REC_END:
		note_end(s, r);
		break;
	default:
		break;
	}
}

static int
first_pass(void *ctx, uint64_t seq, const char *bytes, size_t n, const char *hash)
{
	struct search *s = ctx;
	struct arena *a = arena_new(&stdmem, (size_t)64 * RECORD_MAX);
	struct record r = { 0 };
	enum rc rc = a != NULL ? record_read(a, bytes, n, &r, s->err)
			       : err_set(s->err, RC_NOMEM, "out of memory");

	if (rc == RC_OK) {
		if (s->broken_seq == 0 && s->head_seq != 0 &&
			(r.seq != s->head_seq + 1 || !text_eq(r.prev, s->prev)))
			s->broken_seq = seq;
		note(s, &r);
		s->head_seq = seq;
		copy(s->prev, sizeof s->prev, hash);
	} else {
		(void)err_prefix(s->err, "record %llu", (unsigned long long)seq);
	}
	arena_free(&a);
	return (int)rc;
}

/* --- second pass --- */

struct keep {
	struct report *r;
	const struct search *s;
	size_t cap;
	struct err *err;
};

static bool
known_run(const struct report *r, const char *run)
{
	for (size_t i = r->entries_n; i-- > 0;)
		if (r->entry[i].rec.type == REC_START && text_eq(r->entry[i].rec.run, run))
			return true;
	return false;
}

static bool
belongs(const struct keep *k, const struct record *r)
{
	const struct search *s = k->s;
	const char *flow = json_str(r->body, "flow");
	bool ours = text_eq(
		json_str(r->body, r->type == REC_PLAYBOOK ? "name" : "playbook"), s->at.playbook);

	if (r->seq < s->at.lead) {
		for (size_t i = 0; i < s->at.early_n; i++)
			if (s->at.early[i] == r->seq)
				return true;
		return false;
	}
	switch (r->type) {
	case REC_OPENED:
	case REC_NOTIFIED:
		return true;
	case REC_ADOPT:
	case REC_RESULT:
	case REC_END:
		return known_run(k->r, r->run);
	case REC_INTENT:
		return r->run[0] != '\0' ? known_run(k->r, r->run) : ours;
	case REC_COMMAND:
		return r->run[0] != '\0' && known_run(k->r, r->run) ? true : ours;
	default:
		return ours && (flow == NULL || text_eq(flow, s->at.flow));
	}
}

/* Past the limit only what carries the story is kept: chatter of signals could fill any memory. */
static bool
crowded(const struct keep *k, const struct record *r)
{
	bool chatter = r->type == REC_SIGNAL || r->type == REC_NOTIFIED || r->type == REC_OPENED;

	return k->r->entries_n >= (chatter ? ENTRIES_MAX : 2 * ENTRIES_MAX);
}

static enum rc
add(struct keep *k, const struct record *rec, const char *hash)
{
	struct report *r = k->r;
	struct entry *e;

	if (r->entries_n == k->cap) {
		size_t cap = k->cap * 2 + 64;
		struct entry *more = stdmem.resize(stdmem.ctx, r->entry, cap * sizeof *more);

		if (more == NULL)
			return err_set(k->err, RC_NOMEM, "out of memory");
		r->entry = more;
		k->cap = cap;
	}
	e = &r->entry[r->entries_n++];
	memset(e, 0, sizeof *e);
	e->rec = *rec;
	copy(e->hash, sizeof e->hash, hash);
	e->text = sentence_of(r->a, rec);
	return RC_OK;
}

static int
second_pass(void *ctx, uint64_t seq, const char *bytes, size_t n, const char *hash)
{
	struct keep *k = ctx;
	struct record rec;
	enum rc rc;

	struct arena *scratch;
	bool ours;

	if (k->s->ended && seq > k->s->end_seq)
		return 0;
	scratch = arena_new(&stdmem, (size_t)64 * RECORD_MAX);
	if (scratch == NULL)
		return (int)err_set(k->err, RC_NOMEM, "out of memory");
	rc = record_read(scratch, bytes, n, &rec, k->err);
	ours = rc == RC_OK && belongs(k, &rec);
	if (ours && crowded(k, &rec)) {
		k->r->left_out++;
		ours = false;
	}
	arena_free(&scratch);
	if (ours) /* again, into the arena that stays */
		rc = record_read(k->r->a, bytes, n, &rec, k->err);
	return (int)(ours && rc == RC_OK ? add(k, &rec, hash) : rc);
}

static enum rc
judge_search(const struct search *s, struct err *err)
{
	if (s->head_seq == 0)
		return err_set(err, RC_NOTFOUND, "the journal is empty: nothing has run yet");
	if (!s->found && s->names[0] == '\0')
		return err_set(err, RC_NOTFOUND, "the journal has no run yet");
	if (!s->found)
		return err_set(
			err, RC_INVALID, "no run \"%.80s\"; there are: %s", s->want, s->names);
	if (s->fits > 1 && !s->exact && !text_eq(s->want, "last"))
		return err_set(
			err, RC_INVALID, "\"%.80s\" fits more than one run: %s", s->want, s->names);
	return RC_OK;
}

enum rc
incident_read(struct report *r, const struct report_source *src, const char *run, struct err *err)
{
	struct search *s = stdmem_get(sizeof *s);
	struct keep k = { .r = r, .s = s, .err = err };
	enum rc rc;

	s->want = run;
	s->err = err;
	rc = src->read(src->ctx, 1, first_pass, s, err);
	if (rc == RC_OK)
		rc = judge_search(s, err);
	if (rc == RC_OK)
		rc = src->read(src->ctx, s->at.early_n > 0 ? 1 : s->at.lead, second_pass, &k, err);
	if (rc == RC_OK) {
		r->playbook = arena_str(r->a, s->at.playbook);
		r->flow = arena_str(r->a, s->at.flow);
		r->head_seq = s->head_seq;
		copy(r->head_hash, sizeof r->head_hash, s->prev);
		r->broken_seq = s->broken_seq;
		r->open = !s->ended;
		for (size_t i = 0; i < r->entries_n; i++)
			if (r->entry[i].rec.type == REC_START &&
				text_eq(r->entry[i].rec.run, s->run))
				r->main_seq = r->entry[i].rec.seq;
		if (arena_failed(r->a) || r->entries_n == 0 || r->main_seq == 0)
			rc = err_set(
				err, RC_LIMIT, "the incident's records do not fit into memory");
	}
	free(s);
	return rc;
}
