/*
 * test_replay.c - a tape holds all that the core was told, and what was decided is decided again
 * from it, byte by byte; whatever is changed in the journal or on the tape is named at the first
 * record that differs.
 */
#include "lib/check.h"
#include "lib/world.h"

#include "base/text.h"
#include "os/digest.h"
#include "os/stdmem.h"
#include "play/replay.h"
#include "play/tape.h"

#include <stdlib.h>

enum { MINUTE = 60000, HOUR = 3600000, LIVES = 4, TAPE_ROOM = 16 * 1024 * 1024 };

/* --- one event, there and back --- */

static struct event
all_of(enum event_type type)
{
	struct event ev = { .type = type, .boot_ms = 123, .wall_ms = 1790000000123, .op = 7 };

	switch (type) {
	case EV_OPEN:
		ev.open.store = WORLD_STORE;
		ev.open.era = 2;
		ev.open.epoch = 3;
		ev.open.seq = 4;
		ev.open.hash = "ab";
		ev.open.boot_id = "boot";
		ev.open.fresh = ev.open.by_operator = ev.open.one_shot = true;
		break;
	case EV_LOST:
		ev.lost.why = "gone \"away\"\n";
		break;
	case EV_PLAYBOOK:
		ev.playbook.name = "corp";
		ev.playbook.sha256 = "cd";
		ev.playbook.why = "corp.yaml";
		break;
	case EV_SEEN:
		ev.seen.signal = "canary";
		ev.seen.path = "cloud";
		ev.seen.subject = "r1";
		ev.seen.class = "strict";
		ev.seen.playbook = "corp";
		ev.seen.via = "198.51.100.25";
		ev.seen.verdict = VERDICT_DEGRADED;
		ev.seen.harm = ev.seen.untested = true;
		ev.seen.observed_wall_ms = 5;
		ev.seen.valid_until_wall_ms = 6;
		ev.seen.why = "452 later";
		break;
	case EV_READ:
		ev.read.outcome = OUT_DONE;
		ev.read.value = "ttl 60\n";
		ev.read.version = "v1";
		ev.read.marker_store = WORLD_STORE;
		ev.read.marker_lsn = UINT64_C(1) << 41;
		ev.read.source[0] = (struct source_value){ "192.0.2.53", "ttl 60\n", true };
		ev.read.source[1] = (struct source_value){ "192.0.2.54", "", false };
		ev.read.source_n = 2;
		ev.read.why = "read";
		break;
	case EV_EFFECT:
		ev.effect.lsn = 9;
		ev.effect.outcome = OUT_UNKNOWN;
		ev.effect.version = "v2";
		ev.effect.why = "no answer";
		break;
	case EV_APPENDED:
		ev.appended.outcome = OUT_CONFLICT;
		ev.appended.seq = 12;
		ev.appended.hash = "ef";
		break;
	case EV_SENT:
		ev.sent.outcome = OUT_RETRY;
		ev.sent.why = "busy";
		break;
	case EV_COMMAND:
		ev.command.req = "1";
		ev.command.principal = "ann";
		ev.command.via = "cli";
		ev.command.verb = VERB_FAILBACK;
		ev.command.of = VERB_CUTOVER;
		ev.command.playbook = "corp";
		ev.command.procedure = "out";
		ev.command.run = "r-1";
		ev.command.plan_hash = "12";
		ev.command.reason = "because";
		ev.command.overrides[0] = "soak";
		ev.command.overrides[1] = "pause";
		ev.command.overrides_n = 2;
		ev.command.expires_wall_ms = 77;
		ev.command.nonce = "n";
		break;
	case EV_STOP:
	case EV_TICK:
	case EV_N:
		break;
	}
	return ev;
}

static void
put(char *to, size_t n, const struct event *ev)
{
	struct buf b;

	buf_init(&b, &stdmem, TAPE_LINE_MAX);
	tape_put(&b, ev);
	(void)snprintf(to, n, "%s", buf_text(&b));
	buf_fini(&b);
}

/* Each member of each event comes back; one that did not would be missing from the second line. */
static void
an_event_comes_back_as_it_went(void)
{
	for (int t = 0; t < EV_N; t++) {
		const struct event ev = all_of((enum event_type)t),
				   bare = { .type = (enum event_type)t };
		struct arena *a = arena_new(&stdmem, 1 << 20);
		char once[2048], twice[2048], less[2048];
		struct event back = { 0 };
		struct err err = { 0 };

		put(once, sizeof once, &ev);
		CHECK_INT(tape_get(a, once, strlen(once) - 1, &back, &err), RC_OK);
		CHECK_INT(back.type, t);
		put(twice, sizeof twice, &back);
		CHECK_STR(twice, once);
		if (t == EV_SEEN)
			CHECK(back.seen.via != NULL && back.seen.untested && back.seen.harm &&
				text_eq(back.seen.subject, "r1") &&
				back.seen.verdict == VERDICT_DEGRADED);
		if (t == EV_READ)
			CHECK(back.read.source_n == 2 && back.read.source[0].answered &&
				!back.read.source[1].answered);
		/* What is absent stays absent: NULL and "" are not the same to the core. */
		put(less, sizeof less, &bare);
		CHECK_INT(tape_get(a, less, strlen(less) - 1, &back, &err), RC_OK);
		if (t == EV_SEEN)
			CHECK(back.seen.via == NULL);
		put(twice, sizeof twice, &back);
		CHECK_STR(twice, less);
		arena_free(&a);
	}
}

static void
what_is_no_event_is_refused(void)
{
	static const char *const lines[] = { "", "{", "[]", "{\"told\":\"sang\"}",
		"{\"told\":\"seen\",\"verdict\":\"perhaps\"}",
		"{\"told\":\"read\",\"outcome\":\"MAYBE\"}", "{\"told\":\"effect\"}",
		"{\"told\":\"command\",\"verb\":\"ack\",\"overrides\":[\"soak\",1]}",
		"{\"told\":\"tick\",\"boot_ms\":9223372036854775807}",
		"{\"told\":\"tick\",\"wall_ms\":-9223372036854775807}",
		"{\"told\":\"seen\",\"verdict\":\"ok\",\"valid_until\":9223372036854775807}",
		"{\"told\":\"seen\",\"verdict\":\"ok\",\"observed\":-9223372036854775807}" };
	struct event ev;

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct arena *a = arena_new(&stdmem, 1 << 20);
		struct err err = { 0 };

		CHECK_INT(tape_get(a, lines[i], strlen(lines[i]), &ev, &err), RC_CORRUPT);
		CHECK(err.text[0] != '\0');
		arena_free(&a);
	}
}

/* --- a story of three lives on tape --- */

struct lives {
	struct world w;
	struct buf tape[LIVES];
	size_t n; /* lives */
};

/* The world's hook has no other way to its test; a test program is one thread. */
static struct lives *now;

static void
hears(struct world *w, const struct event *ev)
{
	const struct tape_head head = { .seed = 7, .version = "test" };

	if (ev->type == EV_OPEN) {
		now->n++;
		tape_put_head(&now->tape[now->n - 1], &head);
	}
	tape_put(&now->tape[now->n - 1], ev);
	(void)w;
}

static void
story_open(struct lives *l)
{
	memset(l, 0, sizeof *l);
	for (int i = 0; i < LIVES; i++)
		buf_init(&l->tape[i], &stdmem, TAPE_ROOM);
	now = l;
	world_init(&l->w, "automatic");
	l->w.hears = hears;
}

static bool
cut_over_started(struct world *w)
{
	return world_count(w, "START", "\"kind\":\"cutover\"") > 0;
}

/* Out by evidence alone, the process killed in the middle; back by a person. */
static void
story_begin(struct lives *l)
{
	struct world *w = &l->w;

	story_open(l);
	world_start(w);
	CHECK(world_until_state(w, 5 * MINUTE, FLOW_OUTBOUND, "normal"));
	w->primary_bad = w->listed = true;
	CHECK(world_until(w, HOUR, cut_over_started)); /* by then the shelter is in force */
	w->die_after = w->records_n + 2;
	(void)world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup");
	CHECK(w->dead);
	world_start(w);
	CHECK(world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup"));
	w->primary_bad = w->listed = false;
	world_kill(w);
	world_start(w);
	world_pass(w, 30 * MINUTE);
	(void)world_say(w, &(struct wask){ .verb = VERB_FAILBACK, .override = "soak" });
	CHECK(world_until_state(w, 4 * HOUR, FLOW_OUTBOUND, "normal"));
	CHECK_INT(l->n, 3);
	CHECK_INT(w->broken_laws, 0);
}

static void
story_end(struct lives *l)
{
	for (int i = 0; i < LIVES; i++)
		buf_fini(&l->tape[i]);
	world_fini(&l->w);
}

static struct playbook *
book(void *ctx, const char *sha256)
{
	struct world *w = ctx;

	return text_eq(w->pb->sha256, sha256) ? playbook_ref(w->pb) : NULL;
}

/* Replays all lives but the one left out (0: none), up to the first that differs. */
struct told {
	uint64_t replayed, differs;
	bool cut;
	char why[256], again[4096];
	enum rc rc;
	char error[256];
};

static struct told
replay(const struct lives *l, const struct replay_record *record, size_t n, size_t left_out)
{
	const struct replay_journal j = { .record = record,
		.n = n,
		.env = { .mem = stdmem,
			.ctx = (void *)&l->w,
			.sha256 = digest_sha256,
			.playbook = book } };
	struct told t = { 0 };
	struct buf again;

	buf_init(&again, &stdmem, 1 << 20);
	for (size_t i = 0; i < l->n && t.differs == 0 && t.rc == RC_OK; i++) {
		struct replay_life life;
		struct err err = { 0 };

		if (i + 1 == left_out)
			continue;
		t.rc = replay_life(&j, buf_text(&l->tape[i]), l->tape[i].len, &life, &again, &err);
		(void)snprintf(t.error, sizeof t.error, "%.250s", err.text);
		if (t.rc != RC_OK)
			break;
		t.replayed += life.last + 1 - life.first;
		t.differs = life.differs;
		t.cut = t.cut || life.cut;
		(void)snprintf(t.why, sizeof t.why, "%s", life.why);
	}
	(void)snprintf(t.again, sizeof t.again, "%.4000s", buf_text(&again));
	buf_fini(&again);
	return t;
}

/* The journal as it is; with `changed` another digit in that record's time, chained anew behind it.
 */
static struct replay_record *
journal(const struct world *w, size_t changed)
{
	struct replay_record *r = calloc(w->records_n + 1, sizeof *r);

	if (r == NULL)
		abort();
	for (size_t i = 0; i < w->records_n; i++) {
		char *text = stdmem_str(w->record[i]), *at;

		if (i + 1 == changed) {
			at = strstr(text, "\"wall_ms\":");
			at += strlen("\"wall_ms\":");
			at[12] = at[12] == '9' ? '8' : '9';
		} else if (changed > 0 && i + 1 > changed) {
			at = strstr(text, "\"prev\":\"");
			memcpy(at + strlen("\"prev\":\""), r[i - 1].hash, 64);
		}
		r[i].bytes = text;
		r[i].n = strlen(text);
		digest_sha256(NULL, text, r[i].n, r[i].hash);
	}
	return r;
}

static void
journal_free(struct replay_record *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free((char *)r[i].bytes);
	free(r);
}

static void
the_whole_story_is_decided_again(void)
{
	struct lives *l = stdmem_get(sizeof *l);
	struct replay_record *r;
	struct told t;

	story_begin(l);
	r = journal(&l->w, 0);
	t = replay(l, r, l->w.records_n, 0);
	CHECK_INT(t.rc, RC_OK);
	CHECK_STR(t.error, "");
	CHECK_INT(t.differs, 0);
	CHECK_INT(t.replayed, l->w.records_n);
	CHECK(l->w.records_n > 70);
	/* A life without its tape is not judged, and does not hinder the others. */
	t = replay(l, r, l->w.records_n, 2);
	CHECK_INT(t.differs, 0);
	CHECK(t.replayed > 0 && t.replayed < l->w.records_n);
	journal_free(r, l->w.records_n);
	story_end(l);
	free(l);
}

static void
each_changed_record_is_named(void)
{
	struct lives *l = stdmem_get(sizeof *l);
	size_t named = 0;

	story_begin(l);
	for (size_t k = 1; k <= l->w.records_n; k++) {
		struct replay_record *r = journal(&l->w, k);
		struct told t = replay(l, r, l->w.records_n, 0);

		named += t.rc == RC_OK && t.differs == k;
		if (t.differs != k)
			printf("     record %zu was changed, %llu is named\n", k,
				(unsigned long long)t.differs);
		journal_free(r, l->w.records_n);
	}
	printf("     changed and chained anew, named: %zu of %zu\n", named, l->w.records_n);
	CHECK_INT(named, l->w.records_n);
	story_end(l);
	free(l);
}

/* --- weather: requests and answers that are lost, late, repeated, refused; and the process dies
 * --- */

static enum fate
weather(struct world *w, const struct weffect *e, size_t n)
{
	static const enum fate kinds[] = { FATE_FINE, FATE_FINE, FATE_FINE, FATE_LOST,
		FATE_REPLY_LOST, FATE_LATE, FATE_TWICE, FATE_RETRY };
	uint64_t x = (w->epoch * 1000003 + n * 7919 + e->lsn + (uint64_t)now->w.late_ms) *
		     UINT64_C(0x9e3779b97f4a7c15);

	return kinds[(x >> 32) % (sizeof kinds / sizeof *kinds)];
}

static void
in_bad_weather_it_is_decided_again(void)
{
	enum { SKIES = 24 };
	size_t records = 0, odd = 0;

	for (int sky = 0; sky < SKIES; sky++) {
		struct lives *l = stdmem_get(sizeof *l);
		struct world *w = &l->w;
		struct replay_record *r;
		struct told t;

		story_open(l);
		w->fate = weather;
		w->late_ms = 20000 + 1000 * sky;
		w->die_after = (size_t)(20 + sky);
		world_start(w);
		w->primary_bad = w->listed = true;
		(void)world_until_state(w, HOUR, FLOW_OUTBOUND, "on-backup");
		world_kill(w);
		w->primary_bad = w->listed = false;
		world_start(w);
		world_pass(w, 2 * HOUR);
		for (size_t i = 0; i < w->effects_n; i++)
			odd += weather(w, &w->effect[i], i) != FATE_FINE;
		r = journal(w, 0);
		t = replay(l, r, w->records_n, 0);
		CHECK_INT(t.rc, RC_OK);
		CHECK_INT(t.differs, 0);
		CHECK_INT(t.replayed, w->records_n);
		records += w->records_n;
		journal_free(r, w->records_n);
		story_end(l);
		free(l);
	}
	printf("     %zu records of %d lives again; %zu effects in bad weather\n", records,
		2 * SKIES, odd);
	CHECK(records > 1000 && odd > 50);
}

/* --- one input changed on the tape --- */

/* Where the first line (or the last one) with both texts has the first; NULL = there is none. */
static char *
find(struct buf *tape, const char *a, const char *b, bool last)
{
	char *found = NULL;

	for (char *line = tape->data; line != NULL && *line != '\0';) {
		char *end = strchr(line, '\n'), *at, *other;

		if (end == NULL)
			return found;
		*end = '\0';
		at = strstr(line, a);
		other = strstr(line, b);
		*end = '\n';
		if (at != NULL && other != NULL)
			found = at;
		if (found != NULL && !last)
			return found;
		line = end + 1;
	}
	return found;
}

static size_t
record_with(const struct world *w, const char *a, const char *b)
{
	for (size_t i = 0; i < w->records_n; i++)
		if (strstr(w->record[i], a) != NULL && strstr(w->record[i], b) != NULL)
			return i + 1;
	return 0;
}

static void
replace(struct buf *tape, const char *at, size_t n, const char *to)
{
	size_t before = (size_t)(at - tape->data);
	char *rest = stdmem_str(at + n);

	tape->len = before;
	buf_str(tape, to);
	buf_str(tape, rest);
	free(rest);
}

/* The line that tells a tape's core that this record is stored. */
static char *
told_stored(struct buf *tape, size_t record)
{
	for (char *line = strstr(tape->data, "{\"told\":\"appended\""); line != NULL;
		line = strstr(line + 1, "{\"told\":\"appended\"")) {
		const char *seq = strstr(line, "\"seq\":");

		if (seq != NULL && strtoul(seq + 6, NULL, 10) >= record)
			return line;
	}
	return NULL;
}

/* On a life's tape, in the first line that has `from` and `beside`, or the last before the record
 * was stored that must be named, `from` becomes `to`. That record is the first with both of
 * `named`. */
struct edit {
	size_t life;
	const char *from, *beside, *to, *named[2];
	bool last;
};

static void
changed_input(const struct edit *e)
{
	struct lives *l = stdmem_get(sizeof *l);
	struct replay_record *r;
	struct told t;
	char *at, *stored;

	story_begin(l);
	r = journal(&l->w, 0);
	stored = told_stored(&l->tape[e->life - 1], record_with(&l->w, e->named[0], e->named[1]));
	if (e->last && stored != NULL)
		*stored = '\0';
	at = find(&l->tape[e->life - 1], e->from, e->beside, e->last);
	if (e->last && stored != NULL)
		*stored = '{';
	CHECK(at != NULL);
	if (at != NULL)
		replace(&l->tape[e->life - 1], at, strlen(e->from), e->to);
	t = replay(l, r, l->w.records_n, 0);
	CHECK_INT(t.rc, RC_OK);
	CHECK(t.differs > 0);
	CHECK_INT(t.differs, record_with(&l->w, e->named[0], e->named[1]));
	CHECK(t.why[0] != '\0');
	journal_free(r, l->w.records_n);
	story_end(l);
	free(l);
}

/* The first refusal is one of those that tip the signal: without it the signal tips later, and the
 * record of its tipping is the first that is another. */
static void
one_changed_answer_of_a_probe_is_found(void)
{
	changed_input(&(struct edit){ .life = 1,
		.from = "\"verdict\":\"bad\",\"harm\":true",
		.beside = "\"subject\":\"r1\"",
		.to = "\"verdict\":\"unknown\"",
		.named = { "\"signal\":\"canary\",\"subject\":\"r1\"", "\"to\":\"bad\"" } });
}

/* The zone as it was read when the plan was made: the plan is another. */
static void
one_changed_reading_is_found(void)
{
	changed_input(&(struct edit){ .life = 1,
		.from = "-all",
		.beside = "\"told\":\"read\"",
		.to = "~all",
		.last = true,
		.named = { "\"type\":\"START\"", "\"kind\":\"cutover\"" } });
}

static void
one_changed_order_is_found(void)
{
	changed_input(&(struct edit){ .life = 3,
		.from = "\"principal\":\"ann\"",
		.beside = "\"told\":\"command\"",
		.to = "\"principal\":\"ben\"",
		.named = { "\"type\":\"COMMAND\"", "\"verb\":\"failback\"" } });
}

/* A marker that was another's when it was read for the first time: nothing is fenced. */
static void
one_changed_marker_is_found(void)
{
	changed_input(&(struct edit){ .life = 1,
		.from = "\"outcome\":\"DONE\",\"value\":\"\"",
		.beside = "\"told\":\"read\"",
		.to = "\"outcome\":\"DONE\",\"value\":\"\",\"marker_store\":"
		      "\"ffffffffffffffffffffffffffffffff\",\"marker_lsn\":9",
		.named = { "\"type\":\"INTENT\"", "\"dir\":\"fence\"" } });
}

static void
one_changed_moment_is_found(void)
{
	changed_input(&(struct edit){ .life = 1,
		.from = "\"wall_ms\":1790000000000",
		.beside = "\"told\":\"open\"",
		.to = "\"wall_ms\":1790000000001",
		.named = { "\"type\":\"OPENED\"", "" } });
}

/* The number of the record that opens the second life; 0 = none. */
static size_t
second_opened(const struct world *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->records_n; i++)
		if (strstr(w->record[i], "\"type\":\"OPENED\"") != NULL && ++n == 2)
			return i + 1;
	return 0;
}

/* The first records, and behind them an OPENED of that era. */
static struct replay_record *
restored(const struct world *w, size_t kept, const char *era)
{
	struct replay_record *r = journal(w, 0);
	size_t from = second_opened(w);
	size_t room = r[from - 1].n + 64;
	char *text = malloc(room), *prev;

	if (from == 0 || text == NULL)
		abort();
	(void)snprintf(text, room,
		"{\"v\":1,\"type\":\"OPENED\",\"seq\":%zu,\"lsn\":0,\"era\":%s,\"epoch\":3%s",
		kept + 1, era, strstr(r[from - 1].bytes, ",\"boot_id\""));
	prev = strstr(text, "\"prev\":\"");
	memcpy(prev + strlen("\"prev\":\""), r[kept - 1].hash, 64);
	free((char *)r[kept].bytes);
	r[kept].bytes = text;
	r[kept].n = strlen(text);
	digest_sha256(NULL, text, r[kept].n, r[kept].hash);
	return r;
}

/* In the middle of the second life the journal ends, and a newer era goes on: restored from a copy,
 * by an operator's word. In the same era nobody said so. */
static void
a_restored_journal_is_no_difference(void)
{
	static const struct {
		const char *era;
		bool cut;
	} rows[] = { { "2", true }, { "1", false } };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct lives *l = stdmem_get(sizeof *l);
		struct replay_record *r;
		struct told t;
		size_t kept;

		story_begin(l);
		l->n = 2;
		kept = second_opened(&l->w) + 10;
		r = restored(&l->w, kept, rows[i].era);
		t = replay(l, r, kept + 1, 0);
		CHECK_INT(t.rc, RC_OK);
		CHECK_INT(t.cut, rows[i].cut);
		CHECK_INT(t.differs, rows[i].cut ? 0 : kept + 1);
		journal_free(r, l->w.records_n);
		story_end(l);
		free(l);
	}
}

static void
a_torn_end_is_said_and_a_broken_line_refused(void)
{
	struct lives *l = stdmem_get(sizeof *l);
	struct replay_record *r;
	struct told t;
	char *at;

	story_begin(l);
	r = journal(&l->w, 0);
	l->tape[2].len -= 3; /* the power went while the last line was being written */
	t = replay(l, r, l->w.records_n, 0);
	CHECK_INT(t.rc, RC_OK);
	CHECK_INT(t.differs, 0);
	CHECK(t.replayed + 1 >= l->w.records_n);
	at = find(&l->tape[0], "\"verdict\"", "\"told\":\"seen\"", false);
	CHECK(at != NULL);
	if (at != NULL)
		*at = '!';
	t = replay(l, r, l->w.records_n, 0);
	CHECK_INT(t.rc, RC_CORRUPT);
	CHECK(strstr(t.error, "line ") == t.error);
	journal_free(r, l->w.records_n);
	story_end(l);
	free(l);
}

int
main(void)
{
	digest_warm();
	TEST(an_event_comes_back_as_it_went);
	TEST(what_is_no_event_is_refused);
	TEST(the_whole_story_is_decided_again);
	TEST(in_bad_weather_it_is_decided_again);
	TEST(each_changed_record_is_named);
	TEST(one_changed_answer_of_a_probe_is_found);
	TEST(one_changed_reading_is_found);
	TEST(one_changed_order_is_found);
	TEST(one_changed_marker_is_found);
	TEST(one_changed_moment_is_found);
	TEST(a_restored_journal_is_no_difference);
	TEST(a_torn_end_is_said_and_a_broken_line_refused);
	return check_end();
}
