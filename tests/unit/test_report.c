/*
 * test_report.c - the report on a journal written by hand: each time and its record, what is late,
 * what is not proven.
 */
#include "lib/report_rig.h"

#include "base/arena.h"
#include "base/text.h"
#include "os/digest.h"

/* Numbers of records that the checks name. */
enum {
	R_LISTED = 5,
	R_HARM = 6,
	R_CONFIRMED = 13,
	R_ASK = 14,
	R_APPROVED = 17,
	R_START = 19,
	R_VISIBLE = 23,
	R_SWITCHED = 25,
	R_RELEASED = 27,
	R_CANARY = 28,
	R_END = 29
};

/* The report of the story as JSON, read back. */
static const struct json *
facts(struct arena *a, struct lines *l, const char *run)
{
	struct err err = { 0 };
	struct report *r = build(l, run, &err);
	const struct json *o;
	struct buf b;
	size_t at = 0;

	if (r == NULL) {
		printf("     %s\n", err.text);
		return NULL;
	}
	buf_init(&b, &stdmem, PAGE_MAX);
	report_json(r, &b);
	o = json_read(a, buf_text(&b), b.len, &at);
	buf_fini(&b);
	report_free(&r);
	return o;
}

static const struct json *
member(const struct json *o, const char *list, const char *key, const char *word)
{
	const struct json *l = json_get(o, list);

	for (const struct json *j = l != NULL ? l->child : NULL; j != NULL; j = j->next)
		if (text_eq(json_str(j, key), word))
			return j;
	return NULL;
}

static void
check_milestone(const struct json *o, const char *id, int seq, const char *at)
{
	const struct json *p = json_get(member(o, "milestones", "id", id), "proof");

	if (json_int(p, "seq", 0) != seq)
		printf("     %s\n", id);
	CHECK_INT(json_int(p, "seq", 0), seq);
	CHECK_STR(json_str(p, "at"), at);
	if (seq > 0)
		CHECK(json_str(p, "hash") != NULL && strlen(json_str(p, "hash")) == 64);
}

static void
each_milestone_names_its_time_and_its_record(void)
{
	struct arena *a = arena_new(&stdmem, PAGE_MAX);
	struct lines l;
	const struct json *o;

	write_story(&l);
	o = facts(a, &l, "c-1");
	check_milestone(o, "fault", 0, NULL);
	check_milestone(o, "seen", R_LISTED, "2012-05-15T12:01:00.000Z");
	check_milestone(o, "harm", R_HARM, "2012-05-15T12:01:20.000Z");
	check_milestone(o, "diagnosed", R_CONFIRMED, "2012-05-15T12:06:20.100Z");
	check_milestone(o, "decided", R_ASK, "2012-05-15T12:06:20.200Z");
	check_milestone(o, "approved", R_APPROVED, "2012-05-15T12:07:20.000Z");
	check_milestone(o, "started", R_START, "2012-05-15T12:07:20.200Z");
	check_milestone(o, "visible", R_VISIBLE, "2012-05-15T12:07:26.000Z");
	check_milestone(o, "switched", R_SWITCHED, "2012-05-15T12:07:27.000Z");
	check_milestone(o, "first_mail", R_RELEASED, "2012-05-15T12:07:29.000Z");
	check_milestone(o, "ended", R_END, "2012-05-15T12:07:32.100Z");
	check_milestone(o, "admitted", 0, NULL);
	CHECK_STR(json_str(json_get(member(o, "milestones", "id", "ended"), "proof"), "hash"),
		l.line[R_END - 1].hash);
	CHECK_STR(json_str(json_get(o, "journal"), "head_hash"), l.line[STORY_N - 1].hash);
	CHECK(json_flag(json_get(o, "journal"), "chain_holds"));
	CHECK(json_flag(o, "incident_open"));
	playbook_unref(&l.pb);
	lines_free(&l);
	arena_free(&a);
}

static void
times_stand_against_what_playbook_and_plan_allow(void)
{
	struct arena *a = arena_new(&stdmem, PAGE_MAX);
	struct lines l;
	const struct json *o, *m;

	write_story(&l);
	o = facts(a, &l, "c-1");
	m = member(o, "milestones", "id", "diagnosed"); /* outbound.yaml: for: 5m */
	CHECK_INT(json_int(m, "took_ms", -1), 320100);
	CHECK_INT(json_int(m, "least_ms", -1), 300000);
	m = member(o, "milestones", "id", "approved"); /* within: 15m */
	CHECK_INT(json_int(m, "took_ms", -1), 59800);
	CHECK_INT(json_int(m, "most_ms", -1), 900000);
	CHECK(!json_flag(m, "late"));
	m = member(o, "milestones", "id", "switched"); /* waits 5 s; deadlines 60 + 60 + 20 s */
	CHECK_INT(json_int(m, "took_ms", -1), 6800);
	CHECK_INT(json_int(m, "least_ms", -1), 5000);
	CHECK_INT(json_int(m, "most_ms", -1), 145000);
	playbook_unref(&l.pb);
	lines_free(&l);
	arena_free(&a);
}

static void
what_came_too_late_is_called_late(void)
{
	struct arena *a = arena_new(&stdmem, PAGE_MAX);
	struct lines l = { 0 };
	const struct json *m;

	for (size_t i = 0; i < STORY_N; i++) {
		struct story_row row = story[i];

		if (i >= R_SWITCHED - 1)
			row.ms += 145000;
		lines_add(&l, &row, row.body);
	}
	m = member(facts(a, &l, "c-1"), "milestones", "id", "switched");
	CHECK_INT(json_int(m, "took_ms", -1), 151800);
	CHECK(json_flag(m, "late"));
	lines_free(&l);
	arena_free(&a);
}

static bool
lists_gap(const struct json *o, const char *part)
{
	const struct json *list = json_get(o, "not_proven");

	for (const struct json *j = list != NULL ? list->child : NULL; j != NULL; j = j->next)
		if (j->str != NULL && strstr(j->str, part) != NULL)
			return true;
	return false;
}

/* The story with another body in one of its records; NULL = without that record. */
static const struct json *
with_body(struct arena *a, struct lines *l, int seq, const char *body)
{
	memset(l, 0, sizeof *l);
	for (size_t i = 0; i < STORY_N; i++)
		if ((int)i != seq - 1)
			lines_add(l, &story[i], story[i].body);
		else if (body != NULL)
			lines_add(l, &story[i], body);
	return facts(a, l, "c-1");
}

static void
a_record_that_is_missing_takes_its_milestone_with_it(void)
{
	static const struct {
		int seq;
		const char *id, *gap;
	} rows[] = {
		{ R_VISIBLE, "visible", "\"Visible to the world\"" },
		{ R_SWITCHED, "switched", "step 4.hub (send through the relay): record" },
		{ R_END, "ended", "how run c-1 ends" },
		{ R_ASK, NULL, NULL },
	};

	for (size_t i = 0; rows[i].id != NULL; i++) {
		struct arena *a = arena_new(&stdmem, PAGE_MAX);
		struct lines l;
		const struct json *o = with_body(a, &l, rows[i].seq, NULL);

		CHECK_INT(json_int(json_get(member(o, "milestones", "id", rows[i].id), "proof"),
				  "seq", 0),
			0);
		CHECK(lists_gap(o, rows[i].gap));
		lines_free(&l);
		arena_free(&a);
	}
}

/* A release that had nothing to let go moved no message: the first one is the canary's. */
static void
a_release_of_nothing_is_no_first_mail(void)
{
	static const struct {
		const char *answer;
		int seq;
	} rows[] = {
		{ "\"outcome\":\"DONE\",\"why\":\"released 1; read back: parked 0 waiting 0\"",
			R_RELEASED },
		{ "\"outcome\":\"UNCHANGED\",\"why\":\"it is so already\"", R_CANARY },
		{ "\"outcome\":\"DONE\",\"why\":\"read back: parked 0 waiting 0\"", R_CANARY },
		{ "\"outcome\":\"DONE\",\"why\":\"released 0, parked 0\"", R_CANARY },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena *a = arena_new(&stdmem, PAGE_MAX);
		const struct json *m;
		char body[256];
		struct lines l;

		(void)snprintf(body, sizeof body, "{\"step\":\"5.hub\",\"dir\":\"do\",\"of\":4,%s}",
			rows[i].answer);
		m = member(with_body(a, &l, R_RELEASED, body), "milestones", "id", "first_mail");
		CHECK_INT(json_int(json_get(m, "proof"), "seq", 0), rows[i].seq);
		lines_free(&l);
		arena_free(&a);
	}
}

static void
gaps_of_a_whole_story_are_only_those_that_no_journal_can_fill(void)
{
	struct arena *a = arena_new(&stdmem, PAGE_MAX);
	struct lines l;
	const struct json *o;

	write_story(&l);
	o = facts(a, &l, "c-1");
	CHECK(lists_gap(o, "when the fault itself began"));
	CHECK(lists_gap(o, "returned to their senders"));
	CHECK(!lists_gap(o, "step "));
	CHECK(!lists_gap(o, "let go"));
	CHECK(!lists_gap(o, "chain"));
	CHECK_INT(json_get(o, "not_proven")->len, 4);
	playbook_unref(&l.pb);
	lines_free(&l);
	arena_free(&a);
}

static void
numbers_of_messages_come_from_results(void)
{
	struct arena *a = arena_new(&stdmem, PAGE_MAX);
	struct lines l;
	const struct json *o, *m;

	write_story(&l);
	o = facts(a, &l, "c-1");
	m = member(o, "mail", "what", "released");
	CHECK_INT(json_int(m, "messages", -1), 17);
	CHECK_INT(json_int(json_get(m, "proof"), "seq", 0), R_RELEASED);
	m = member(o, "mail", "what", "parked");
	CHECK_INT(json_int(m, "messages", -1), 2);
	CHECK_INT(json_get(o, "mail")->len, 4);
	playbook_unref(&l.pb);
	lines_free(&l);
	arena_free(&a);
}

static void
a_broken_chain_is_the_first_thing_said(void)
{
	struct arena *a = arena_new(&stdmem, PAGE_MAX);
	struct lines l = { .cut_chain = true };
	const struct json *o;

	for (size_t i = 0; i < STORY_N; i++)
		lines_add(&l, &story[i], story[i].body);
	o = facts(a, &l, "c-1");
	CHECK(!json_flag(json_get(o, "journal"), "chain_holds"));
	CHECK(strstr(json_get(o, "not_proven")->child->str, "before record 11") != NULL);
	lines_free(&l);
	arena_free(&a);
}

static void
runs_are_found_by_name_beginning_or_last(void)
{
	static const struct {
		const char *want, *run;
		enum rc rc;
		const char *says;
	} rows[] = {
		{ "c-1", "c-1", RC_OK, "" },
		{ "c", "c-1", RC_OK, "" },
		{ "s-1", "s-1", RC_OK, "" },
		{ "last", "c-1", RC_OK, "" },
		{ "", NULL, RC_INVALID, "s-1, c-1" },
		{ "x", NULL, RC_INVALID, "s-1, c-1" },
	};
	struct lines l;

	write_story(&l);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena *a = arena_new(&stdmem, PAGE_MAX);
		struct err err = { 0 };
		struct report *r = build(&l, rows[i].want, &err);

		CHECK_INT(err.rc, rows[i].rc);
		if (rows[i].run != NULL)
			CHECK_STR(json_str(facts(a, &l, rows[i].want), "run"), rows[i].run);
		else
			CHECK(strstr(err.text, rows[i].says) != NULL);
		report_free(&r);
		arena_free(&a);
	}
	playbook_unref(&l.pb);
	lines_free(&l);
}

static void
an_empty_journal_is_said_to_be_empty(void)
{
	struct lines l = { 0 };
	struct err err = { 0 };

	CHECK(build(&l, "last", &err) == NULL);
	CHECK_INT(err.rc, RC_NOTFOUND);
	CHECK(strstr(err.text, "empty") != NULL);
}

static void
without_a_playbook_text_the_report_still_tells(void)
{
	struct arena *a = arena_new(&stdmem, PAGE_MAX);
	struct lines l;
	const struct json *o;

	write_story(&l);
	playbook_unref(&l.pb);
	o = facts(a, &l, "c-1");
	check_milestone(o, "switched", R_SWITCHED, "2012-05-15T12:07:27.000Z");
	CHECK(lists_gap(o, "times that the playbook allows"));
	lines_free(&l);
	arena_free(&a);
}

static void
signals_of_long_ago_are_not_part_of_the_incident(void)
{
	struct arena *a = arena_new(&stdmem, PAGE_MAX);
	struct lines l = { 0 };
	const struct json *o;
	int n = 0;

	for (size_t i = 0; i < STORY_N; i++) {
		struct story_row flap = { story[i].ms, REC_SIGNAL, "",
			"{\"playbook\":\"outbound\",\"signal\":\"submission\",\"subject\":\"\","
			"\"from\":\"ok\",\"to\":\"bad\",\"harm\":true,\"why\":\"of old\"}" };

		lines_add(&l, &story[i], story[i].body);
		if (i != 3)
			continue;
		lines_add(&l, &flap, flap.body);
		flap.body = "{\"playbook\":\"outbound\",\"signal\":\"submission\",\"subject\":\"\","
			    "\"from\":\"bad\",\"to\":\"ok\",\"harm\":false,\"why\":\"of old\"}";
		lines_add(&l, &flap, flap.body);
	}
	o = facts(a, &l, "c-1");
	for (const struct json *j = json_get(o, "timeline")->child; j != NULL; j = j->next)
		n += strstr(json_str(j, "text"), "of old") != NULL;
	CHECK_INT(n, 0);
	CHECK_INT(json_int(json_get(json_get(o, "timeline")->child, "proof"), "seq", 0),
		R_LISTED + 2);
	lines_free(&l);
	arena_free(&a);
}

static void
a_failback_is_told_by_its_own_decision_and_approval(void)
{
	struct arena *a = arena_new(&stdmem, PAGE_MAX);
	struct lines l;
	const struct json *o;

	write_home(&l);
	o = facts(a, &l, "f-1");
	check_milestone(o, "decided", STORY_N + 4, "2012-05-15T12:15:20.000Z");
	check_milestone(o, "approved", STORY_N + 6, "2012-05-15T12:15:30.000Z");
	check_milestone(o, "started", STORY_N + 8, "2012-05-15T12:15:30.200Z");
	check_milestone(o, "switched", STORY_N + 10, "2012-05-15T12:15:31.000Z");
	check_milestone(o, "first_mail", STORY_N + 11, "2012-05-15T12:15:33.000Z");
	check_milestone(o, "visible", 0, NULL);
	CHECK(strstr(json_str(member(o, "milestones", "id", "approved"), "text"), "carol") != NULL);
	CHECK(strstr(json_str(member(o, "milestones", "id", "approved"), "text"), "alice") == NULL);
	CHECK(strstr(json_str(o, "title"), "moved back to cloud") != NULL);
	playbook_unref(&l.pb);
	lines_free(&l);
	arena_free(&a);
}

static void
an_incident_ends_where_its_machine_is_normal_again(void)
{
	struct arena *a = arena_new(&stdmem, PAGE_MAX);
	struct lines l;
	const struct json *o;
	int others = 0;

	write_home(&l);
	o = facts(a, &l, "c-1");
	CHECK(!json_flag(o, "incident_open"));
	CHECK_INT(json_get(o, "runs")->len, 3);
	for (const struct json *j = json_get(o, "timeline")->child; j != NULL; j = j->next)
		others += strstr(json_str(j, "text"), "another story") != NULL;
	CHECK_INT(others, 0);
	check_milestone(o, "approved", R_APPROVED, "2012-05-15T12:07:20.000Z");
	playbook_unref(&l.pb);
	lines_free(&l);
	arena_free(&a);
}

/* The story with another record in the place of the approval, and another starter. */
static const char *
approval_text(struct arena *a, const struct story_row *instead, const char *by)
{
	struct lines l = { 0 };
	const struct json *m;

	for (size_t i = 0; i < STORY_N; i++) {
		char body[RECORD_MAX / 8];
		const char *at = strstr(story[i].body, "\"by\":\"alice\"");

		if (i == R_APPROVED - 1) {
			lines_add(&l, instead, instead->body);
		} else if (at != NULL) {
			(void)snprintf(body, sizeof body, "%.*s\"by\":\"%s\"%s",
				(int)(at - story[i].body), story[i].body, by,
				at + strlen("\"by\":\"alice\""));
			lines_add(&l, &story[i], body);
		} else {
			lines_add(&l, &story[i], story[i].body);
		}
	}
	m = member(facts(a, &l, "c-1"), "milestones", "id", "approved");
	lines_free(&l);
	return m != NULL ? json_str(m, "text") : NULL;
}

static void
what_stands_for_an_approval_is_named(void)
{
	static const struct story_row nothing = { 440000, REC_OPENED, "",
		"{\"mode\":\"watch\",\"fresh\":false}" };
	static const struct story_row denied = { 440000, REC_APPROVAL, "",
		"{" STORY_OF ",\"plan_hash\":\"" STORY_HASH
		"\",\"user\":\"alice\",\"verdict\":\"deny\"}" };
	static const struct story_row other = { 440000, REC_APPROVAL, "",
		"{" STORY_OF
		",\"plan_hash\":\"2222\",\"user\":\"alice\",\"verdict\":\"approve\"}" };
	static const struct story_row late = { 440000, REC_ROW, "",
		"{" STORY_OF
		",\"row\":430,\"event\":\"time-over-proceed\",\"from\":\"awaiting-approval\","
		"\"to\":\"cutting-over\",\"act\":\"cutover\",\"why\":\"x\",\"reasons\":[]}" };
	struct arena *a = arena_new(&stdmem, (size_t)8 * PAGE_MAX);

	CHECK_STR(
		approval_text(a, &nothing, "automatic"), "none asked: the playbook says automatic");
	CHECK_STR(approval_text(a, &nothing, "dora"), "dora started it in person");
	CHECK_STR(approval_text(a, &denied, "dora"), "dora started it in person");
	CHECK_STR(approval_text(a, &other, "dora"), "dora started it in person");
	CHECK_STR(approval_text(a, &late, "automatic"),
		"nobody answered in time; the playbook says: proceed");
	arena_free(&a);
}

int
main(void)
{
	digest_warm();
	TEST(each_milestone_names_its_time_and_its_record);
	TEST(times_stand_against_what_playbook_and_plan_allow);
	TEST(what_came_too_late_is_called_late);
	TEST(a_record_that_is_missing_takes_its_milestone_with_it);
	TEST(a_release_of_nothing_is_no_first_mail);
	TEST(gaps_of_a_whole_story_are_only_those_that_no_journal_can_fill);
	TEST(numbers_of_messages_come_from_results);
	TEST(a_broken_chain_is_the_first_thing_said);
	TEST(runs_are_found_by_name_beginning_or_last);
	TEST(an_empty_journal_is_said_to_be_empty);
	TEST(without_a_playbook_text_the_report_still_tells);
	TEST(a_failback_is_told_by_its_own_decision_and_approval);
	TEST(an_incident_ends_where_its_machine_is_normal_again);
	TEST(what_stands_for_an_approval_is_named);
	TEST(signals_of_long_ago_are_not_part_of_the_incident);
	return check_end();
}
