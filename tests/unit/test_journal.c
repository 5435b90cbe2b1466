/*
 * test_journal.c - what the journal's pure parts conclude: from records as rows, one wrong in each
 * way; from a database's head and the two slots beside it, one number wrong in each way; from a
 * head that somebody noted. state/FORMAT.md has the states by these names.
 */
#include "lib/check.h"
#include "lib/store_rig.h"

#include "os/digest.h"
#include "os/stdmem.h"
#include "state/audit.h"
#include "state/chain.h"
#include "state/head.h"
#include "state/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SALT "unit"
#define STORE "0123456789abcdef0123456789abcdef"
#define OTHER "fedcba9876543210fedcba9876543210"

/* --- a record's header --- */

static bool
is_record(const char *text)
{
	struct arena *a = arena_new(&stdmem, 1 << 20);
	struct chain_header h;
	bool good = chain_header_read(a, text, strlen(text), &h);

	arena_free(&a);
	return good;
}

/* The header with one of its fields as given; NULL: left out. */
static bool
with(const char *field, const char *value)
{
	static const char *const fields[][2] = { { "seq", "1" }, { "lsn", "0" }, { "era", "1" },
		{ "epoch", "1" }, { "type", "\"END\"" }, { "prev", "\"0\"" } };
	char text[300] = "{";
	size_t n = 1;

	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		const char *v = strcmp(fields[i][0], field) == 0 ? value : fields[i][1];

		if (v != NULL)
			n += (size_t)snprintf(text + n, sizeof text - n, "%s\"%s\":%s",
				n > 1 ? "," : "", fields[i][0], v);
	}
	(void)snprintf(text + n, sizeof text - n, "}");
	return is_record(text);
}

static void
a_header_wants_each_of_its_fields_and_sound_numbers(void)
{
	static const char *const numbers[] = { "seq", "lsn", "era", "epoch" };

	CHECK(with("", NULL));
	CHECK(with("lsn", "7"));
	for (size_t i = 0; i < 4; i++) {
		CHECK(!with(numbers[i], NULL));
		CHECK(!with(numbers[i], "\"1\""));
		CHECK(!with(numbers[i], "-1"));
		CHECK_INT(with(numbers[i], "0"), strcmp(numbers[i], "lsn") == 0);
	}
	CHECK(!with("type", NULL));
	CHECK(!with("prev", NULL));
	CHECK(!with("type", "1"));
	CHECK(!is_record("[]"));
	CHECK(!is_record(""));
}

/* --- the chain --- */

enum { ROWS = 6 };

/* Sound rows, and what is changed in them before they are walked. */
struct rows {
	struct chain_row row[ROWS];
	char *text[ROWS], hash[ROWS][65];
};

static void
rows_put(struct rows *r, int i, char *text, uint64_t seq, uint64_t lsn)
{
	free(r->text[i]);
	r->text[i] = text;
	digest_sha256(NULL, text, strlen(text), r->hash[i]);
	r->row[i] = (struct chain_row){ .seq = (int64_t)seq,
		.lsn = (int64_t)lsn,
		.hash = r->hash[i],
		.bytes = text,
		.n = strlen(text) };
}

static struct store_head
before_first(void)
{
	struct store_head h = { .store = STORE, .era = 2, .epoch = 5 };

	memcpy(h.hash, CHAIN_ZERO, sizeof h.hash);
	return h;
}

static void
rows_make(struct rows *r)
{
	struct store_head h = before_first();

	memset(r, 0, sizeof *r);
	for (int i = 0; i < ROWS; i++) {
		uint64_t lsn = i % 2 == 1 ? (uint64_t)i * 10 : 0;
		char *text = rig_record(&h, lsn, SALT);

		rows_put(r, i, text, h.seq + 1, lsn);
		rig_next(&h, text, lsn);
	}
}

/* Row i anew, as rig_record writes it after that head. */
static void
rows_forge(struct rows *r, int i, struct store_head h, uint64_t lsn)
{
	h.seq = (uint64_t)i;
	if (i > 0)
		memcpy(h.hash, r->hash[i - 1], sizeof h.hash);
	rows_put(r, i, rig_record(&h, lsn, SALT), h.seq + 1, lsn);
}

/* Walks, frees; `c` says how far it came. */
static void
rows_walk(struct rows *r, int from, struct chain *c)
{
	struct arena *a = arena_new(&stdmem, 1 << 20);

	chain_begin(c, (uint64_t)from + 1);
	for (int i = from; i < ROWS && chain_next(c, a, &r->row[i], NULL); i++)
		;
	arena_free(&a);
	for (int i = 0; i < ROWS; i++)
		free(r->text[i]);
}

static void
rows_say(struct rows *r, enum chain_fault fault, uint64_t bad)
{
	struct chain c;

	rows_walk(r, 0, &c);
	CHECK_STR(chain_fault_name(c.fault), chain_fault_name(fault));
	CHECK_INT(c.bad, bad);
	CHECK_INT(c.why[0] != '\0', fault != CHAIN_NONE);
}

static void
a_sound_chain_is_walked_to_its_end(void)
{
	struct chain c;
	struct rows r;

	rows_make(&r);
	rows_walk(&r, 0, &c);
	CHECK_INT(c.fault, CHAIN_NONE);
	CHECK_INT(c.seq, ROWS);
	CHECK_INT(c.lsn, 50);
	CHECK_INT(c.era, 2);
	CHECK_INT(c.epoch, 5);
	CHECK_STR(c.hash, r.hash[ROWS - 1]);
	rows_make(&r); /* from the middle on: the first prev is believed */
	rows_walk(&r, 3, &c);
	CHECK_INT(c.fault, CHAIN_NONE);
	CHECK_INT(c.seq, ROWS);
}

static void
the_first_fault_stays(void)
{
	struct chain c;
	struct rows r;
	struct arena *a = arena_new(&stdmem, 1 << 20);

	rows_make(&r);
	chain_begin(&c, 1);
	CHECK(!chain_next(&c, a, &r.row[1], NULL));
	CHECK_INT(c.fault, CHAIN_DELETED);
	CHECK(!chain_next(&c, a, &r.row[0], NULL)); /* which alone would be right */
	chain_fail(&c, CHAIN_HEAD, 9, "another");
	CHECK_INT(c.fault, CHAIN_DELETED);
	CHECK_INT(c.bad, 1);
	CHECK_INT(c.seq, 0);
	arena_free(&a);
	for (int i = 0; i < ROWS; i++)
		free(r.text[i]);
}

static void
a_row_that_is_not_what_was_hashed_was_changed(void)
{
	struct rows r;

	rows_make(&r);
	r.row[2].hash = r.hash[3];
	rows_say(&r, CHAIN_CHANGED, 3);
	rows_make(&r);
	r.row[2].hash = NULL;
	rows_say(&r, CHAIN_CHANGED, 3);
	rows_make(&r);
	r.row[2].bytes = NULL;
	r.row[2].n = 0;
	rows_say(&r, CHAIN_CHANGED, 3);
	rows_make(&r);
	r.row[2].n--;
	rows_say(&r, CHAIN_CHANGED, 3);
	rows_make(&r);
	r.row[2].lsn = 1;
	rows_say(&r, CHAIN_CHANGED, 3);
}

/* Whoever follows names another one before it: that one was changed; the first has nobody before
 * it.
 */
static void
a_record_that_names_another_before_it_shows_who_was_changed(void)
{
	struct store_head h = before_first();
	struct rows r;

	rows_make(&r);
	rows_forge(&r, 2, h, 11);
	rows_say(&r, CHAIN_CHANGED, 3);
	rows_make(&r);
	h.hash[3] = 'a';
	rows_put(&r, 0, rig_record(&h, 0, SALT), 1, 0);
	rows_say(&r, CHAIN_CHANGED, 1);
}

static void
numbers_that_fall_are_an_order_that_was_never_written(void)
{
	struct store_head h = before_first();
	struct rows r;

	rows_make(&r);
	rows_forge(&r, 2, h, 10); /* record 2 has it */
	rows_say(&r, CHAIN_ORDER, 3);
	rows_make(&r);
	rows_forge(&r, 2, h, 9);
	rows_say(&r, CHAIN_ORDER, 3);
	rows_make(&r);
	h.era = 1;
	rows_forge(&r, 2, h, 0);
	rows_say(&r, CHAIN_ORDER, 3);
	rows_make(&r);
	h.era = 2;
	h.epoch = 4;
	rows_forge(&r, 2, h, 0);
	rows_say(&r, CHAIN_ORDER, 3);
	rows_make(&r); /* the twin: an era that rises is how a restored journal goes on */
	h.era = 3;
	h.epoch = 6;
	for (int i = 2; i < ROWS; i++)
		rows_forge(&r, i, h, i % 2 == 1 ? (uint64_t)i * 10 : 0);
	rows_say(&r, CHAIN_NONE, 0);
}

/* Sound rows in other places; the numbers in their bytes tell which. */
static void
rows_in_other_places_are_named(void)
{
	struct store_head h = before_first();
	struct rows r;
	struct chain_row was;

	rows_make(&r);
	r.row[2].seq = 4;
	rows_say(&r, CHAIN_DELETED, 3);
	rows_make(&r); /* 3 taken out, the rest numbered anew */
	for (int i = 2; i < ROWS - 1; i++) {
		r.row[i] = r.row[i + 1];
		r.row[i].seq = i + 1;
	}
	rows_say(&r, CHAIN_DELETED, 3);
	rows_make(&r);
	was = r.row[1];
	r.row[1] = r.row[4];
	r.row[4] = was;
	r.row[1].seq = 2;
	r.row[4].seq = 5;
	rows_say(&r, CHAIN_SWAPPED, 2);
	rows_make(&r); /* a number 3 of another history */
	h.seq = 2;
	rows_put(&r, 3, rig_record(&h, 0, SALT), 4, 0);
	rows_say(&r, CHAIN_SWAPPED, 4);
}

/* What was record 3 stands behind another one, and names what is before that. */
static void
a_record_put_in_between_is_named(void)
{
	struct store_head h = before_first();
	struct rows r;
	struct chain c;

	rows_make(&r);
	h.seq = 2;
	memcpy(h.hash, r.hash[1], sizeof h.hash);
	rows_put(&r, 3, rig_record(&h, 0, SALT), 4, 0); /* the very bytes of record 3 */
	rows_put(&r, 2, rig_record(&h, 0, "forged"), 3, 0);
	rows_say(&r, CHAIN_INSERTED, 3);
	rows_make(&r); /* whoever begins at 4 does not know what is before it: it is only out of
			  place */
	rows_put(&r, 3, rig_record(&h, 0, SALT), 4, 0);
	rows_walk(&r, 3, &c);
	CHECK_INT(c.fault, CHAIN_SWAPPED);
}

/* --- head and database --- */

static const struct head at_rest = {
	.store = STORE, .commits = 12, .era = 2, .epoch = 5, .seq = 8, .lsn = 40, .hash = "aa"
};

static struct head
one_before(void)
{
	struct head h = at_rest;

	h.commits = 11;
	h.seq = 7;
	h.lsn = 30;
	(void)snprintf(h.hash, sizeof h.hash, "bb");
	return h;
}

static struct head_slots
slots_of(const struct head *newest, const struct head *other)
{
	struct head_slots s = { 0 };

	s.ok[newest->commits % 2] = true;
	s.at[newest->commits % 2] = *newest;
	if (other != NULL) {
		s.ok[other->commits % 2] = true;
		s.at[other->commits % 2] = *other;
	}
	return s;
}

static void
judged(const struct head *db, const struct head_slots *s, enum head_state want)
{
	char why[300];
	enum head_state is = head_judge(db, s, s, why);

	CHECK_INT(is, want);
	CHECK_INT(why[0] != '\0', want >= HEAD_BEHIND);
}

static void
legal_states_are_taken_as_they_are(void)
{
	struct head older = one_before(), newer = at_rest, born = at_rest;
	struct head_slots s = slots_of(&at_rest, &older), none = { .absent = true };

	judged(&at_rest, &s, HEAD_EQUAL);
	newer.commits = 13;
	newer.seq = 9;
	judged(&newer, &s, HEAD_AHEAD);
	s = slots_of(&older, NULL); /* the other one was being written when it ended */
	judged(&at_rest, &s, HEAD_AHEAD);
	born.commits = 1;
	judged(&born, &none, HEAD_UNBORN);
	s = slots_of(&born, NULL);
	judged(&born, &s, HEAD_UNBORN);
}

static void
no_head_is_legal_for_the_first_commit_only(void)
{
	struct head_slots none = { .absent = true }, damaged = { 0 };
	char why[300];

	judged(&at_rest, &none, HEAD_LOST);
	CHECK_INT(head_judge(&at_rest, &damaged, &damaged, why), HEAD_LOST);
	CHECK(strstr(why, "damaged") != NULL);
	CHECK_INT(head_judge(&at_rest, &none, &none, why), HEAD_LOST);
	CHECK(strstr(why, "missing") != NULL);
}

static void
each_number_behind_the_head_is_behind(void)
{
	struct head older = one_before();
	struct head_slots s = slots_of(&at_rest, &older);
	struct head db = at_rest;

	db.commits--;
	judged(&db, &s, HEAD_BEHIND);
	db = at_rest;
	db.seq--;
	judged(&db, &s, HEAD_BEHIND);
	db = at_rest;
	db.era--;
	judged(&db, &s, HEAD_BEHIND);
	db = at_rest;
	db.epoch--;
	judged(&db, &s, HEAD_BEHIND);
	db = at_rest;
	db.lsn--;
	judged(&db, &s, HEAD_BEHIND);
}

static void
the_same_commit_with_other_values_is_another_history(void)
{
	struct head older = one_before();
	struct head_slots s = slots_of(&at_rest, &older);
	struct head db = at_rest;

	db.seq++;
	judged(&db, &s, HEAD_BEHIND);
	db = at_rest;
	db.era++;
	judged(&db, &s, HEAD_BEHIND);
	db = at_rest;
	db.epoch++;
	judged(&db, &s, HEAD_BEHIND);
	db = at_rest;
	db.lsn++;
	judged(&db, &s, HEAD_BEHIND);
	db = at_rest;
	db.hash[0] = 'b';
	judged(&db, &s, HEAD_BEHIND);
}

static void
slots_that_do_not_fit_are_no_head(void)
{
	struct head older = one_before(), newer = at_rest, far = at_rest, born = at_rest;
	struct head_slots s;

	newer.commits = 14; /* two ahead */
	s = slots_of(&at_rest, &older);
	judged(&newer, &s, HEAD_LOST);
	far.commits = 9; /* no neighbours, whichever of them is the newer one */
	s = slots_of(&at_rest, &far);
	judged(&at_rest, &s, HEAD_LOST);
	far.commits = 7;
	s = slots_of(&older, NULL);
	s.ok[0] = true;
	s.at[0] = far;
	s.at[0].commits = 8;
	judged(&older, &s, HEAD_LOST);
	s = slots_of(&at_rest, NULL); /* the other one is damaged, and nobody was writing it */
	judged(&at_rest, &s, HEAD_LOST);
	s = slots_of(&older, NULL);
	s.at[0] = older; /* the newest lies in the slot that would be written now */
	s.ok[0] = true;
	s.ok[1] = false;
	judged(&at_rest, &s, HEAD_LOST);
	born.commits = 1; /* half born, but with other values */
	s = slots_of(&born, NULL);
	born.seq++;
	judged(&born, &s, HEAD_LOST);
}

static void
two_stores_are_never_one_journal(void)
{
	struct head older = one_before(), other = at_rest;
	struct head_slots mine = slots_of(&at_rest, &older), theirs;
	char why[300];

	memcpy(other.store, OTHER, sizeof other.store);
	theirs = slots_of(&other, NULL);
	judged(&at_rest, &theirs, HEAD_FOREIGN);
	CHECK_INT(head_judge(&at_rest, &theirs, &mine, why), HEAD_FOREIGN);
	CHECK_INT(head_judge(&at_rest, &mine, &theirs, why), HEAD_FOREIGN);
}

/* A reader looks before and after it takes its moment of the database. */
static void
what_is_written_while_somebody_looks_is_no_fault(void)
{
	struct head older = one_before(), first = at_rest;
	struct head_slots before = slots_of(&older, NULL), after = slots_of(&at_rest, &older);
	struct head_slots none = { .absent = true };
	char why[300];

	before.at[0] = older;
	before.at[0].commits = 10;
	before.at[0].seq = 6;
	before.ok[0] = true;
	CHECK_INT(head_judge(&at_rest, &before, &after, why), HEAD_EQUAL);
	CHECK_INT(head_judge(&older, &before, &after, why), HEAD_EQUAL);
	first.commits = 1;
	after = slots_of(&first, NULL);
	CHECK_INT(head_judge(&first, &none, &after, why), HEAD_UNBORN);
	CHECK_INT(head_judge(&at_rest, &none, &after, why), HEAD_LOST);
}

/* --- heads that were noted --- */

static void
a_noted_head_is_64_hex_digits_with_or_without_its_number(void)
{
	static const char hex[] =
		"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
	struct audit_anchor a = { .wanted = 77 };
	char text[200];

	CHECK(audit_anchor_read(hex, &a));
	CHECK_STR(a.hash, hex);
	CHECK_INT(a.wanted, 0);
	(void)snprintf(text, sizeof text, "12:%s", hex);
	CHECK(audit_anchor_read(text, &a));
	CHECK_INT(a.wanted, 12);
	a.wanted = 77;
	(void)snprintf(text, sizeof text, "0:%s", hex);
	CHECK(!audit_anchor_read(text, &a));
	(void)snprintf(text, sizeof text, "-3:%s", hex);
	CHECK(!audit_anchor_read(text, &a));
	(void)snprintf(text, sizeof text, "twelve:%s", hex);
	CHECK(!audit_anchor_read(text, &a));
	(void)snprintf(text, sizeof text, ":%s", hex);
	CHECK(!audit_anchor_read(text, &a));
	(void)snprintf(text, sizeof text, "000000000000000000000000012:%s", hex);
	CHECK(!audit_anchor_read(text, &a));
	CHECK(!audit_anchor_read(hex + 1, &a));
	CHECK(!audit_anchor_read("12:", &a));
	CHECK(!audit_anchor_read("", &a));
	CHECK_INT(a.wanted, 77); /* untouched */
}

/* --- names of files --- */

static void
a_path_that_does_not_fit_names_no_file(void)
{
	static char out[PLACE_MAX], folder[PLACE_MAX];

	place_path(out, "/var/lib/ferryman", PLACE_HEAD);
	CHECK_STR(out, "/var/lib/ferryman/head");
	memset(folder, 'x', sizeof folder - 1);
	folder[0] = '/';
	place_path(out, folder, PLACE_HEAD); /* cut off it would be another file */
	CHECK_STR(out, "");
}

int
main(void)
{
	digest_warm();
	TEST(a_header_wants_each_of_its_fields_and_sound_numbers);
	TEST(a_sound_chain_is_walked_to_its_end);
	TEST(the_first_fault_stays);
	TEST(a_row_that_is_not_what_was_hashed_was_changed);
	TEST(a_record_that_names_another_before_it_shows_who_was_changed);
	TEST(numbers_that_fall_are_an_order_that_was_never_written);
	TEST(rows_in_other_places_are_named);
	TEST(a_record_put_in_between_is_named);
	TEST(legal_states_are_taken_as_they_are);
	TEST(no_head_is_legal_for_the_first_commit_only);
	TEST(each_number_behind_the_head_is_behind);
	TEST(the_same_commit_with_other_values_is_another_history);
	TEST(slots_that_do_not_fit_are_no_head);
	TEST(two_stores_are_never_one_journal);
	TEST(what_is_written_while_somebody_looks_is_no_fault);
	TEST(a_noted_head_is_64_hex_digits_with_or_without_its_number);
	TEST(a_path_that_does_not_fit_names_no_file);
	return check_end();
}
