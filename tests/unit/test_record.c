/* test_record.c - a record as stored bytes: what is one, what is damaged, what is of a newer
 * ferryman. */
#include "lib/check.h"

#include "base/arena.h"
#include "base/text.h"
#include "core/record.h"
#include "os/stdmem.h"

#include <stdio.h>

static const char good[] =
	"{\"v\":1,\"type\":\"END\",\"seq\":7,\"lsn\":0,\"era\":1,\"epoch\":2,\"boot_id\":\"b\","
	"\"boot_ms\":5,\"wall_ms\":6,\"run\":\"out-1\",\"prev\":\"p\",\"body\":{\"state\":\"done\","
	"\"why\":\"w\",\"later\":true}}";

/* The good one with one piece replaced. */
static enum rc
read_with(const char *from, const char *with, struct err *err)
{
	struct arena *a = arena_new(&stdmem, 1 << 20);
	const char *at = strstr(good, from);
	struct record r;
	char text[1024];
	enum rc rc;

	(void)snprintf(
		text, sizeof text, "%.*s%s%s", (int)(at - good), good, with, at + strlen(from));
	rc = record_read(a, text, strlen(text), &r, err);
	arena_free(&a);
	return rc;
}

static void
a_record_is_read_and_unknown_fields_are_ignored(void)
{
	struct arena *a = arena_new(&stdmem, 1 << 20);
	struct err err = { 0 };
	struct record r;

	CHECK_INT(record_read(a, good, strlen(good), &r, &err), RC_OK);
	CHECK(r.v == 1 && r.type == REC_END && r.seq == 7 && r.era == 1 && r.epoch == 2);
	CHECK(r.boot_ms == 5 && r.wall_ms == 6);
	CHECK_STR(r.run, "out-1");
	CHECK_STR(json_str(r.body, "state"), "done");
	arena_free(&a);
}

static void
what_is_damaged_is_said(void)
{
	static const struct {
		const char *from, *with, *why;
	} rows[] = {
		{ "{\"v\"", "\"v\"", "no record" },
		{ "\"why\":\"w\",\"later\":true}}", "", "is not JSON" },
		{ "\"type\":\"END\",", "", "header" },
		{ "\"seq\":7", "\"seq\":0", "header" },
		{ "\"boot_id\":\"b\",", "", "header" },
		{ "\"run\":\"out-1\",", "", "header" },
		{ "\"prev\":\"p\",", "", "header" },
		{ "\"body\":{", "\"rump\":{", "header" },
		{ "{\"state\":\"done\",\"why\":\"w\",\"later\":true}", "\"done\"", "header" },
		{ "\"state\":\"done\",", "", "no proper \"state\"" },
		{ "\"state\":\"done\"", "\"state\":1", "no proper \"state\"" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = { 0 };

		CHECK_INT(read_with(rows[i].from, rows[i].with, &err), RC_CORRUPT);
		if (strstr(err.text, rows[i].why) == NULL)
			CHECK_STR(err.text, rows[i].why);
	}
}

/* DESIGN section 8: an unknown type or a higher v opens read-only. */
static void
what_a_newer_one_wrote_is_not_damage(void)
{
	struct err err = { 0 };

	CHECK_INT(read_with("\"v\":1", "\"v\":2", &err), RC_UNSUPPORTED);
	CHECK(strstr(err.text, "version 2") != NULL);
	err = (struct err){ 0 };
	CHECK_INT(read_with("\"END\"", "\"BEGIN\"", &err), RC_UNSUPPORTED);
	CHECK(strstr(err.text, "BEGIN") != NULL);
}

static void
memory_that_runs_out_is_no_damage(void)
{
	struct arena *a = arena_new(&stdmem, 64);
	struct err err = { 0 };
	struct record r;

	CHECK_INT(record_read(a, good, strlen(good), &r, &err), RC_NOMEM);
	arena_free(&a);
}

static void
each_type_is_in_the_page(void)
{
	struct buf b;

	buf_init(&b, &stdmem, 1 << 20);
	record_doc(&b);
	for (int t = 0; t < REC_N; t++) {
		char head[64];

		(void)snprintf(
			head, sizeof head, "\n## %s\n", record_type_name((enum record_type)t));
		CHECK(strstr(buf_text(&b), head) != NULL);
	}
	CHECK(strstr(buf_text(&b), "## ?") == NULL);
	CHECK_STR(record_type_name(REC_N), "?");
	buf_fini(&b);
}

int
main(void)
{
	TEST(a_record_is_read_and_unknown_fields_are_ignored);
	TEST(what_is_damaged_is_said);
	TEST(what_a_newer_one_wrote_is_not_damage);
	TEST(memory_that_runs_out_is_no_damage);
	TEST(each_type_is_in_the_page);
	return check_end();
}
