/*
 * stage.c - the world around the core while an incident is played: time, journal, answers, people.
 *
 * Every delay is a constant: what a simulation tells comes from the playbook's times and the
 * incident's, not from ours.
 */
#include "play/stage.h"

#include "base/arena.h"
#include "base/num.h"
#include "base/text.h"
#include "play/stage_targets.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* LEAD: healthy time before the incident begins, in which the core reads its targets and hears each
 * source at least once. The rest: how long an answer takes. */
enum {
	LEAD_MS = 30 * 60 * 1000,
	APPEND_MS = 5,
	READ_MS_ = 50,
	EFFECT_MS = 500,
	PROBE_MS = 1000,
	SENT_MS = 500,
	BETWEEN_MS = 1000
};

/* How long a reason may hold before it is noticed, where nothing is recorded. */
enum { LOOK_MS = 60000 };

#define STAGE_STORE "5717ed0000000000000000000000face"
#define NOWHERE "0000000000000000000000000000000000000000000000000000000000000000"

/* Something on its way to the core. */
struct coming {
	int64_t at;
	uint64_t number;
	struct event ev;
	struct arena *a; /* its strings */
};

struct kept {
	char *text;
	char hash[65];
};

struct stage {
	struct stage_opts o;
	struct core *core;
	struct stage_targets *targets;
	int64_t boot_ms, begin_boot_ms;
	struct coming *coming;
	size_t coming_n, coming_room;
	uint64_t numbers, events, asked;
	struct kept *record;
	size_t records_n, records_room;
	struct holds *holds;
	int64_t looked_boot_ms;
	bool nomem, halted;
	char why[256];
};

/* --- for whom a signal speaks --- */

const struct path *
stage_backup(const struct playbook *pb, enum flow f)
{
	const struct procedure *p = playbook_cutover(pb, f);
	const struct path *next = NULL;

	if (p != NULL)
		return p->to;
	for (size_t i = 0; i < pb->paths_n; i++)
		if (&pb->paths[i] != pb->primary &&
			(next == NULL || pb->paths[i].prefer < next->prefer))
			next = &pb->paths[i];
	return next;
}

/* The N of "other:N". */
static int64_t
other_number(const struct playbook *pb, const struct path *p, const struct path *backup)
{
	int64_t n = 0;

	for (size_t i = 0; i < pb->paths_n; i++) {
		n += &pb->paths[i] != pb->primary && &pb->paths[i] != backup;
		if (&pb->paths[i] == p)
			return n;
	}
	return n;
}

static int64_t
anchor_number(const struct playbook *pb, const struct signal *s)
{
	int64_t n = 0;

	for (size_t i = 0; i < pb->signals_n && pb->signals + i <= s; i++)
		n += pb->signals[i].role == SIG_ANCHOR;
	return n;
}

static const struct stage_map *
map_of(const struct stage_opts *o, const struct signal *s)
{
	for (size_t i = 0; i < o->maps_n; i++)
		if (text_eq(o->map[i].signal, s->name))
			return &o->map[i];
	return NULL;
}

enum inc_role
stage_role(const struct stage_opts *o, const struct signal *s, int64_t *ret_n)
{
	const struct stage_map *m = map_of(o, s);
	const struct path *backup = stage_backup(o->pb, s->flow_given ? s->flow : FLOW_OUTBOUND);

	*ret_n = 0;
	if (m != NULL && m->role_given) {
		*ret_n = m->n;
		return m->role;
	}
	if (s->role == SIG_ANCHOR) {
		*ret_n = anchor_number(o->pb, s);
		return ROLE_ANCHOR;
	}
	if (s->path == o->pb->primary)
		return ROLE_PRIMARY;
	if (s->path == backup)
		return ROLE_BACKUP;
	*ret_n = other_number(o->pb, s->path, backup);
	return ROLE_OTHER;
}

/* "" or a number: the subjects, or the classes, are counted in the playbook's order. */
static bool
names(const char *want, const char *name, int64_t number)
{
	int64_t n;

	return want == NULL || text_eq(want, name) || (num_int(want, &n) && n == number);
}

static int64_t
class_number(const struct signal *s, const struct subject *sub)
{
	int64_t n = 0;

	for (size_t i = 0; i < s->subjects_n; i++) {
		bool before = false;

		for (size_t k = 0; k < i; k++)
			before = before || text_eq(s->subjects[k].class, s->subjects[i].class);
		n += !before;
		if (text_eq(s->subjects[i].class, sub->class))
			return n;
	}
	return n;
}

bool
stage_listens(const struct stage_opts *o, const struct inc_line *l, const struct signal *s,
	const struct subject *sub)
{
	const struct stage_map *m = map_of(o, s);
	const char *kind = m != NULL && m->kind != NULL ? m->kind : s->info->name;
	int64_t n;
	enum inc_role role = stage_role(o, s, &n);

	if (!text_eq(l->kind, "any") && !text_eq(l->kind, kind))
		return false;
	if (l->role != ROLE_ANY && (l->role != role || (l->n != 0 && l->n != n)))
		return false;
	if (l->flow_given && s->flow_given && l->flow != s->flow)
		return false;
	if (l->signal != NULL && !text_eq(l->signal, s->name))
		return false;
	return names(l->subject, sub->name, (int64_t)(sub - s->subjects) + 1) &&
	       names(l->class, sub->class, class_number(s, sub));
}

/* --- what is on its way --- */

static struct coming *
push(struct stage *s, int64_t ms, enum event_type type, op_id op)
{
	struct coming *c;

	if (s->coming_n == s->coming_room) {
		size_t room = s->coming_room * 2 + 64;
		struct coming *more = s->o.mem.resize(s->o.mem.ctx, s->coming, room * sizeof *more);

		if (more == NULL) {
			s->nomem = true;
			return NULL;
		}
		s->coming = more;
		s->coming_room = room;
	}
	c = &s->coming[s->coming_n];
	*c = (struct coming){ .at = s->boot_ms + ms,
		.number = ++s->numbers,
		.ev = { .type = type, .op = op },
		.a = arena_new(&s->o.mem, 1024 * 1024) };
	if (c->a == NULL) {
		s->nomem = true;
		return NULL;
	}
	s->coming_n++;
	return c;
}

static bool
next_coming(const struct stage *s, size_t *ret)
{
	size_t best = s->coming_n;

	for (size_t i = 0; i < s->coming_n; i++)
		if (best == s->coming_n || s->coming[i].at < s->coming[best].at ||
			(s->coming[i].at == s->coming[best].at &&
				s->coming[i].number < s->coming[best].number))
			best = i;
	*ret = best;
	return best < s->coming_n;
}

/* --- answers --- */

static void
do_probe(struct stage *s, const struct action *a)
{
	static const enum verdict verdicts[] = {
		[INC_OK] = VERDICT_OK,
		[INC_DEGRADED] = VERDICT_DEGRADED,
		[INC_BAD] = VERDICT_BAD,
		[INC_UNKNOWN] = VERDICT_UNKNOWN,
	};
	const struct signal *sig = playbook_signal(s->o.pb, a->probe.signal);
	struct coming *c = push(s, PROBE_MS, EV_SEEN, a->op);
	const struct subject *sub = NULL;
	const struct inc_line *said = NULL;
	int64_t t = s->boot_ms - s->begin_boot_ms;

	if (c == NULL || sig == NULL)
		return;
	for (size_t i = 0; i < sig->subjects_n; i++)
		if (text_eq(sig->subjects[i].name, a->probe.subject))
			sub = &sig->subjects[i];
	for (size_t i = 0; sub != NULL && i < s->o.inc->lines_n; i++) {
		const struct inc_line *l = &s->o.inc->line[i];

		if ((!l->from_given || t >= l->from_ms) && (!l->until_given || t < l->until_ms) &&
			stage_listens(&s->o, l, sig, sub))
			said = l; /* the last one that holds now */
	}
	c->ev.seen.playbook = s->o.pb->name;
	c->ev.seen.signal = sig->name;
	c->ev.seen.path = sig->path != NULL ? sig->path->name : "";
	c->ev.seen.subject = sub != NULL ? sub->name : "";
	c->ev.seen.class = "";
	c->ev.seen.verdict = said != NULL ? verdicts[said->verdict] : VERDICT_UNKNOWN;
	c->ev.seen.harm = sig->harm && c->ev.seen.verdict == VERDICT_BAD;
	c->ev.seen.untested = said != NULL && said->untested;
	c->ev.seen.why = said == NULL		   ? "the incident says nothing of it"
			 : said->why != NULL	   ? said->why
			 : said->verdict == INC_OK ? "as usual"
						   : "as the incident says";
}

static void
do_read(struct stage *s, const struct action *a)
{
	struct coming *c = push(s, READ_MS_, EV_READ, a->op);

	if (c == NULL)
		return;
	stage_targets_read(s->targets, a, &c->ev);
	c->ev.read.value = arena_str(c->a, c->ev.read.value);
	c->ev.read.marker_store = c->ev.read.marker_lsn != 0 ? STAGE_STORE : NULL;
	if (c->ev.read.source_n > 0) {
		c->ev.read.source[0].source = arena_str(c->a, c->ev.read.source[0].source);
		c->ev.read.source[0].value = c->ev.read.value;
	}
}

static void
do_effect(struct stage *s, const struct action *a)
{
	struct coming *c = push(s, EFFECT_MS, EV_EFFECT, a->op);

	if (c != NULL)
		stage_targets_effect(s->targets, a, &c->ev);
}

static void
do_notify(struct stage *s, const struct action *a)
{
	struct coming *c = push(s, SENT_MS, EV_SENT, a->op);

	if (c != NULL) {
		c->ev.sent.outcome = OUT_DONE;
		c->ev.sent.why = "";
	}
}

/* A plan waits for a person: those who may approve it do, one after the other. */
static void
people(struct stage *s, const char *record)
{
	int64_t ms = s->o.approve_ms;

	if (ms < 0 || strstr(record, "\"type\":\"PLAN\"") == NULL ||
		strstr(record, "\"purpose\":\"ask\"") == NULL)
		return;
	for (size_t i = 0; i < s->o.pb->people_n; i++) {
		const struct person *p = &s->o.pb->people[i];
		struct coming *c;

		if ((p->may & MAY_APPROVE) == 0)
			continue;
		c = push(s, ms, EV_COMMAND, 0);
		if (c == NULL)
			return;
		c->ev.command.req = arena_fmt(c->a, "approval-%" PRIu64, ++s->asked);
		c->ev.command.nonce = c->ev.command.req;
		c->ev.command.principal = p->user;
		c->ev.command.via = "cli";
		c->ev.command.verb = VERB_APPROVE;
		c->ev.command.playbook = s->o.pb->name;
		c->ev.command.reason = "simulated";
		ms += BETWEEN_MS;
	}
}

static bool
keep(struct stage *s, const char *text)
{
	size_t n = strlen(text);
	struct kept *k;

	if (s->records_n == s->records_room) {
		size_t room = s->records_room * 2 + 64;
		struct kept *more = s->o.mem.resize(s->o.mem.ctx, s->record, room * sizeof *more);

		if (more == NULL)
			return false;
		s->record = more;
		s->records_room = room;
	}
	k = &s->record[s->records_n];
	k->text = mem_get(&s->o.mem, n + 1);
	if (k->text == NULL)
		return false;
	memcpy(k->text, text, n + 1);
	s->o.sha256(NULL, text, n, k->hash);
	s->records_n++;
	people(s, text);
	return true;
}

static const char *
head(const struct stage *s)
{
	return s->records_n > 0 ? s->record[s->records_n - 1].hash : NOWHERE;
}

static void
do_append(struct stage *s, const struct action *a)
{
	struct coming *c = push(s, APPEND_MS, EV_APPENDED, a->op);

	for (size_t i = 0; c != NULL && i < a->append.records_n; i++)
		s->nomem = s->nomem || !keep(s, a->append.records[i]);
	for (size_t i = 0; i < s->coming_n; i++) /* people may have moved the list */
		if (s->coming[i].ev.type == EV_APPENDED && s->coming[i].ev.op == a->op) {
			s->coming[i].ev.appended.outcome = OUT_DONE;
			s->coming[i].ev.appended.seq = s->records_n;
			s->coming[i].ev.appended.hash = arena_str(s->coming[i].a, head(s));
		}
}

static void
carry_out(struct stage *s, const struct action *a)
{
	switch (a->type) {
	case ACT_PROBE:
		do_probe(s, a);
		break;
	case ACT_READ:
		do_read(s, a);
		break;
	case ACT_APPEND:
		do_append(s, a);
		break;
	case ACT_EFFECT:
		do_effect(s, a);
		break;
	case ACT_NOTIFY:
		do_notify(s, a);
		break;
	case ACT_HALT:
		s->halted = true;
		(void)snprintf(s->why, sizeof s->why, "%s", a->halt.why);
		break;
	case ACT_CANCEL:
	case ACT_REPLY:
	case ACT_STATUS:
	case ACT_N:
		break;
	}
}

static void
tell(struct stage *s, struct event *ev)
{
	struct actions acts;

	ev->boot_ms = s->boot_ms;
	ev->wall_ms = s->o.inc->begins_wall_ms + s->boot_ms - s->begin_boot_ms;
	acts = core_step(s->core, ev);
	s->events++;
	for (size_t i = 0; i < acts.n && !s->nomem; i++)
		carry_out(s, &acts.a[i]);
	if (ev->type != EV_APPENDED && s->boot_ms - s->looked_boot_ms < LOOK_MS)
		return;
	s->looked_boot_ms = s->boot_ms;
	s->nomem = !holds_look(s->holds, s->core, s->records_n, s->boot_ms - s->begin_boot_ms) ||
		   s->nomem;
}

/* --- the life --- */

static struct playbook *
book(void *stage, const char *sha256)
{
	struct stage *s = stage;

	return text_eq(s->o.pb->sha256, sha256) ? playbook_ref(s->o.pb) : NULL;
}

static void
open_book(struct stage *s)
{
	struct event open = { .type = EV_OPEN }, loaded = { .type = EV_PLAYBOOK };

	open.open.store = STAGE_STORE;
	open.open.era = open.open.epoch = 1;
	open.open.hash = head(s);
	open.open.boot_id = "00000000-0000-4000-8000-000000000000";
	open.open.fresh = true;
	tell(s, &open);
	loaded.playbook.name = s->o.pb->name;
	loaded.playbook.sha256 = s->o.pb->sha256;
	loaded.playbook.why = s->o.pb->file;
	tell(s, &loaded);
}

static void
take(struct stage *s, size_t i)
{
	struct coming c = s->coming[i];

	s->coming[i] = s->coming[--s->coming_n];
	tell(s, &c.ev);
	arena_free(&c.a);
}

static void
play(struct stage *s)
{
	int64_t end = s->begin_boot_ms + s->o.inc->lasts_ms;
	struct event tick = { .type = EV_TICK };

	open_book(s);
	while (!s->nomem && !s->halted) {
		int64_t wake = core_wake_ms(s->core);
		size_t i = 0;
		bool any = next_coming(s, &i);
		int64_t at = any && s->coming[i].at < wake ? s->coming[i].at : wake;

		if (at > end)
			return;
		s->boot_ms = at > s->boot_ms ? at : s->boot_ms;
		if (any && s->coming[i].at <= s->boot_ms)
			take(s, i);
		else
			tell(s, &tick);
	}
}

struct stage *
stage_play(const struct stage_opts *o, struct err *err)
{
	struct stage *s = mem_get(&o->mem, sizeof *s);
	struct core_env env = { .mem = o->mem,
		.ctx = s,
		.sha256 = o->sha256,
		.playbook = book,
		.in_window = o->in_window };

	if (s == NULL) {
		(void)err_set(err, RC_NOMEM, "out of memory");
		return NULL;
	}
	memset(s, 0, sizeof *s);
	s->o = *o;
	s->boot_ms = 1000000;
	s->begin_boot_ms = s->boot_ms + LEAD_MS;
	s->targets = stage_targets_new(&o->mem, o->pb);
	s->holds = holds_new(&o->mem, o->pb);
	s->core = core_new(&env, 1);
	if (s->targets != NULL && s->core != NULL && s->holds != NULL)
		play(s);
	else
		s->nomem = true;
	if (!s->nomem && !s->halted)
		return s;
	(void)err_set(
		err, s->nomem ? RC_NOMEM : RC_CONFLICT, "%s", s->nomem ? "out of memory" : s->why);
	stage_free(&s);
	return NULL;
}

void
stage_free(struct stage **ps)
{
	struct stage *s = *ps;
	struct mem mem;

	if (s == NULL)
		return;
	*ps = NULL;
	mem = s->o.mem;
	core_free(&s->core);
	stage_targets_free(&s->targets);
	for (size_t i = 0; i < s->coming_n; i++)
		arena_free(&s->coming[i].a);
	for (size_t i = 0; i < s->records_n; i++)
		mem_put(&mem, s->record[i].text);
	holds_free(&s->holds);
	mem_put(&mem, s->coming);
	mem_put(&mem, s->record);
	mem_put(&mem, s);
}

size_t
stage_holds(const struct stage *s, const struct hold **ret)
{
	return holds_all(s->holds, ret);
}

size_t
stage_records(const struct stage *s)
{
	return s->records_n;
}

const char *
stage_record(const struct stage *s, size_t i)
{
	return s->record[i].text;
}

uint64_t
stage_events(const struct stage *s)
{
	return s->events;
}
