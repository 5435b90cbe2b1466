/*
 * store_audit.c - a journal changed by hand in each way, and what is said of it: by audit, and by
 * whoever opens it. Then the lines of state/FORMAT.md for somebody whose journal is broken.
 */
#include "contract/store_case.h"
#include "os/digest.h"
#include "os/stdmem.h"
#include "state/audit.h"

#include <sqlite3.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- audit: one journal of ten records, changed by hand in each way --- */

enum { MANY = 60 };
static char hashes[MANY + 1][65];

static int
note_hash(void *ctx, uint64_t seq, const char *bytes, size_t n, const char *hash)
{
	(void)ctx;
	(void)bytes;
	(void)n;
	(void)snprintf(hashes[seq], sizeof hashes[seq], "%s", hash);
	return 0;
}

static void
some_records(int n)
{
	struct store_head h;
	struct store *s = actor(&h);
	struct err err;

	for (int i = 0; i < n; i++)
		CHECK_INT(rig_append(s, &h, i % 3 == 0 ? (uint64_t)i + 1 : 0, SALT), OUT_DONE);
	CHECK_INT(store_fold(s, 1, note_hash, NULL, &err), RC_OK);
	store_close(&s);
}

static void
ten_records(void)
{
	some_records(10);
}

static void
audit_says(enum chain_fault fault, uint64_t bad, const char *anchor)
{
	struct audit_anchor a = { 0 };
	struct audit got;
	struct err err = { 0 };
	struct store *s = NULL;
	struct store_head h;

	if (anchor != NULL)
		CHECK(audit_anchor_read(anchor, &a));
	CHECK_INT(audit_verify(dir, &a, anchor != NULL, &got, &err), RC_OK);
	CHECK_STR(chain_fault_name(got.fault), chain_fault_name(fault));
	CHECK_INT(got.bad, bad);
	if (got.fault != fault || got.bad != bad)
		printf("     it says: %s\n", got.why);
	/* What is found without a head from elsewhere is found when an actor opens, too. */
	if (anchor == NULL)
		CHECK_INT(open_with(&s, &h, STORE_ACTOR, false, NULL, &err),
			fault == CHAIN_NONE ? RC_OK : RC_CORRUPT);
	store_close(&s);
}

static void
audit_finds_a_whole_journal_whole(void)
{
	char anchor[80];

	ten_records();
	(void)snprintf(anchor, sizeof anchor, "4:%s", hashes[4]);
	audit_says(CHAIN_NONE, 0, anchor);
	audit_says(CHAIN_NONE, 0, hashes[10]);
	audit_says(CHAIN_NONE, 0, NULL);
}

static void
audit_names_a_changed_record(void)
{
	ten_records();
	CHECK(rig_sql(dir, "UPDATE record SET bytes = replace(bytes, 'number 4', 'number 5') "
			   "WHERE seq = 4"));
	audit_says(CHAIN_CHANGED, 4, NULL);
}

static void
sha_of_row(sqlite3_context *ctx, int n, sqlite3_value **v)
{
	char hash[DIGEST_HEX];

	(void)n;
	digest_sha256(NULL, sqlite3_value_text(v[0]), (size_t)sqlite3_value_bytes(v[0]), hash);
	sqlite3_result_text(ctx, hash, -1, SQLITE_TRANSIENT);
}

/* SQL with sha(text), for somebody who knows how the chain is made. */
static void
forge(const char *sql)
{
	char path[RIG_PATH], *why = NULL;
	sqlite3 *db = NULL;

	rig_path(path, dir, "journal.db");
	CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
	CHECK_INT(sqlite3_create_function(db, "sha", 1, SQLITE_UTF8, NULL, sha_of_row, NULL, NULL),
		SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		printf("     %s\n", why);
	CHECK(why == NULL);
	sqlite3_free(why);
	(void)sqlite3_close(db);
}

static void
audit_names_a_changed_record_with_its_hash_made_anew(void)
{
	ten_records();
	forge("UPDATE record SET bytes = replace(bytes, 'number 4', 'number 5') WHERE seq = 4;"
	      "UPDATE record SET hash = sha(bytes) WHERE seq = 4");
	audit_says(CHAIN_CHANGED, 4, NULL);
}

static void
audit_names_the_last_record_changed_with_its_hash_made_anew(void)
{
	ten_records();
	forge("UPDATE record SET bytes = replace(bytes, 'number', 'Number') WHERE seq = 10;"
	      "UPDATE record SET hash = sha(bytes) WHERE seq = 10");
	audit_says(CHAIN_CHANGED, 10, NULL);
}

static void
audit_names_a_deleted_record(void)
{
	ten_records();
	CHECK(rig_sql(dir, "DELETE FROM record WHERE seq = 6"));
	audit_says(CHAIN_DELETED, 6, NULL);
}

static void
audit_names_a_deleted_record_when_the_rest_was_numbered_anew(void)
{
	ten_records();
	CHECK(rig_sql(dir, "DELETE FROM record WHERE seq = 6"));
	forge("CREATE TABLE x AS SELECT * FROM record WHERE seq > 6; DELETE FROM record WHERE seq "
	      "> 6;"
	      "INSERT INTO record SELECT seq - 1, lsn, hash, bytes FROM x; DROP TABLE x;"
	      "UPDATE meta SET seq = 9");
	audit_says(CHAIN_DELETED, 6, NULL);
}

static void
audit_names_swapped_records(void)
{
	ten_records();
	forge("CREATE TABLE x AS SELECT * FROM record WHERE seq IN (3, 7);"
	      "DELETE FROM record WHERE seq IN (3, 7);"
	      "INSERT INTO record SELECT 10 - seq, lsn, hash, bytes FROM x; DROP TABLE x");
	audit_says(CHAIN_SWAPPED, 3, NULL);
}

static void
audit_names_swapped_neighbours(void)
{
	ten_records();
	forge("CREATE TABLE x AS SELECT * FROM record WHERE seq IN (6, 7);"
	      "DELETE FROM record WHERE seq IN (6, 7);"
	      "INSERT INTO record SELECT 13 - seq, lsn, hash, bytes FROM x; DROP TABLE x");
	audit_says(CHAIN_SWAPPED, 6, NULL);
}

static void
audit_names_an_inserted_record(void)
{
	ten_records();
	forge("CREATE TABLE x AS SELECT * FROM record WHERE seq > 5; DELETE FROM record WHERE seq "
	      "> 5;"
	      "INSERT INTO record SELECT seq + 1, lsn, hash, bytes FROM x;"
	      "INSERT INTO record SELECT 6, 0, '', replace(bytes, 'number', 'forged') FROM x WHERE "
	      "seq = 6;"
	      "UPDATE record SET hash = sha(bytes) WHERE seq = 6;"
	      "DROP TABLE x; UPDATE meta SET seq = 11");
	audit_says(CHAIN_INSERTED, 6, NULL);
}

static void
audit_names_an_appended_record(void)
{
	ten_records();
	forge("INSERT INTO record SELECT 11, 0, '', replace(replace(bytes, '\"seq\":10', "
	      "'\"seq\":11'),"
	      " (SELECT hash FROM record WHERE seq = 9), hash) FROM record WHERE seq = 10;"
	      "UPDATE record SET hash = sha(bytes) WHERE seq = 11");
	/* record 10 carries an LSN; the forged one repeats it */
	forge("UPDATE record SET bytes = replace(bytes, '\"lsn\":10', '\"lsn\":0') WHERE seq = 11;"
	      "UPDATE record SET hash = sha(bytes) WHERE seq = 11");
	audit_says(CHAIN_INSERTED, 11, NULL);
}

static void
audit_names_a_cut_tail(void)
{
	ten_records();
	CHECK(rig_sql(dir, "DELETE FROM record WHERE seq > 7"));
	audit_says(CHAIN_CUT, 8, NULL);
}

static void
audit_names_a_cut_tail_when_the_meta_row_was_set_back_too(void)
{
	ten_records();
	forge("DELETE FROM record WHERE seq > 7; UPDATE meta SET seq = 7, lsn = 7,"
	      " hash = (SELECT hash FROM record WHERE seq = 7)");
	audit_says(CHAIN_CUT, 8, NULL);
}

static void
audit_names_a_fallen_lsn(void)
{
	ten_records();
	CHECK(rig_sql(dir, "UPDATE record SET lsn = 3 WHERE seq = 4"));
	audit_says(CHAIN_CHANGED, 4, NULL);
}

/* The last records written anew by somebody who can hash: what stood in the head file shows it. */
static void
audit_shows_a_rewritten_end(void)
{
	ten_records();
	forge("UPDATE record SET bytes = replace(bytes, 'number', 'Number') WHERE seq = 10;"
	      "UPDATE record SET hash = sha(bytes) WHERE seq = 10;"
	      "UPDATE meta SET hash = (SELECT hash FROM record WHERE seq = 10)");
	audit_says(CHAIN_REWRITTEN, 10, NULL);
}

/* Database and head file set back together, as a restored disk image has them: only a head from
 * elsewhere shows it. */
static void
audit_shows_a_journal_taken_back_by_a_head_noted_elsewhere(void)
{
	char *db, *head, anchor[80];
	long db_n, head_n;
	struct store_head h;
	struct store *s;

	ten_records();
	db = rig_load(dir, "journal.db", &db_n);
	head = rig_load(dir, "head", &head_n);
	s = actor(&h);
	fill(s, &h, 2);
	(void)snprintf(anchor, sizeof anchor, "12:%s", h.hash);
	store_close(&s);
	audit_says(CHAIN_NONE, 0, anchor);
	rig_save(dir, "journal.db", db, db_n);
	rig_save(dir, "head", head, head_n);
	audit_says(CHAIN_CUT, 11, anchor);
	audit_says(CHAIN_REWRITTEN, 0, h.hash);
	audit_says(CHAIN_NONE, 0, NULL); /* the twin: without it nothing is seen */
	free(db);
	free(head);
}

static void
audit_names_a_lost_text(void)
{
	static const char text[] = "name: corp\n";
	char sha256[DIGEST_HEX], body[300];
	struct store_head h;
	struct store *s = actor(&h);
	struct audit got;
	struct err err;
	char record[1024];

	digest_sha256(NULL, text, sizeof text - 1, sha256);
	CHECK_INT(store_blob_put(s, sha256, text, sizeof text - 1, &err), RC_OK);
	fill(s, &h, 1);
	(void)snprintf(body, sizeof body, "{\"name\":\"corp\",\"sha256\":\"%s\"}", sha256);
	(void)snprintf(record, sizeof record,
		"{\"v\":1,\"type\":\"PLAYBOOK\",\"seq\":2,\"lsn\":0,\"era\":1,\"epoch\":1,"
		"\"boot_id\":\"b\",\"boot_ms\":1,\"wall_ms\":1,\"run\":\"\",\"prev\":\"%s\","
		"\"body\":%s}",
		h.hash, body);
	CHECK_INT(append_text(s, &h, record), RC_OK);
	store_close(&s);
	CHECK_INT(audit_verify(dir, NULL, 0, &got, &err), RC_OK);
	CHECK_INT(got.fault, CHAIN_NONE);
	CHECK_INT(got.texts, 1);
	CHECK(rig_sql(dir, "UPDATE blob SET bytes = x'00'"));
	CHECK_INT(audit_verify(dir, NULL, 0, &got, &err), RC_OK);
	CHECK_INT(got.fault, CHAIN_TEXT);
	CHECK(rig_sql(dir, "DELETE FROM blob"));
	CHECK_INT(audit_verify(dir, NULL, 0, &got, &err), RC_OK);
	CHECK_INT(got.fault, CHAIN_TEXT);
	CHECK_INT(got.bad, 2);
}

/* A record of that type and body behind the others. */
static void
append_body(struct store *s, struct store_head *h, const char *type, const char *body)
{
	char record[1024];

	(void)snprintf(record, sizeof record,
		"{\"v\":1,\"type\":\"%s\",\"seq\":%llu,\"lsn\":0,\"era\":1,\"epoch\":1,"
		"\"boot_id\":\"b\",\"boot_ms\":1,\"wall_ms\":1,\"run\":\"\",\"prev\":\"%s\","
		"\"body\":%s}",
		type, (unsigned long long)h->seq + 1, h->hash, body);
	CHECK_INT(append_text(s, h, record), RC_OK);
	rig_next(h, record, 0);
}

static void
audit_names_texts_that_starts_name_and_none_where_none_is_named(void)
{
	static const char text[] = "name: corp\n";
	char sha256[DIGEST_HEX], body[200];
	struct store_head h;
	struct store *s = actor(&h);
	struct audit got;
	struct err err;

	digest_sha256(NULL, text, sizeof text - 1, sha256);
	CHECK_INT(store_blob_put(s, sha256, text, sizeof text - 1, &err), RC_OK);
	append_body(s, &h, "PLAYBOOK", "{}");
	append_body(s, &h, "PLAYBOOK", "{\"sha256\":\"\"}");
	(void)snprintf(body, sizeof body, "{\"sha256\":\"%s\"}", sha256);
	append_body(s, &h, "START", body);
	store_close(&s);
	CHECK_INT(audit_verify(dir, NULL, 0, &got, &err), RC_OK);
	CHECK_INT(got.fault, CHAIN_NONE);
	CHECK_INT(got.texts, 1);
	CHECK(rig_sql(dir, "DELETE FROM blob"));
	CHECK_INT(audit_verify(dir, NULL, 0, &got, &err), RC_OK);
	CHECK_INT(got.fault, CHAIN_TEXT);
	CHECK_INT(got.bad, 3);
	CHECK(rig_sql(dir, "DROP TABLE blob"));
	CHECK_INT(audit_verify(dir, NULL, 0, &got, &err), RC_OK);
	CHECK_INT(got.fault, CHAIN_FILE);
	CHECK_INT(got.bad, 3);
}

/* SQL upon a journal of ten records, by which audit must come to this. */
static void
spoiled(const char *sql, enum chain_fault fault, uint64_t bad)
{
	rig_wipe(dir);
	(void)mkdir(dir, 0700);
	ten_records();
	forge(sql);
	audit_says(fault, bad, NULL);
}

/* A table without the guards that ours has: as damage can leave it, and a hand. */
#define UNGUARDED(t)                                                                               \
	"CREATE TABLE x AS SELECT * FROM " t "; DROP TABLE " t "; ALTER TABLE x RENAME TO " t ";"

static void
audit_takes_no_meta_row_that_cannot_be(void)
{
	spoiled("DELETE FROM meta", CHAIN_FILE, 0);
	spoiled("UPDATE meta SET commits = 0", CHAIN_FILE, 0);
	spoiled("UPDATE meta SET era = 0", CHAIN_FILE, 0);
	spoiled("UPDATE meta SET seq = -1", CHAIN_FILE, 0);
	spoiled("UPDATE meta SET store = 'short'", CHAIN_FILE, 0);
	spoiled("UPDATE meta SET hash = hash || '0'", CHAIN_FILE, 0);
	spoiled(UNGUARDED("meta") "UPDATE meta SET hash = NULL", CHAIN_FILE, 0);
	spoiled("DROP TABLE meta", CHAIN_FILE, 0);
	spoiled("DROP TABLE record", CHAIN_FILE, 1);
	spoiled("PRAGMA user_version = 0", CHAIN_FILE, 1);
}

static void
audit_names_a_record_without_its_parts(void)
{
	spoiled(UNGUARDED("record") "UPDATE record SET hash = NULL WHERE seq = 4", CHAIN_CHANGED,
		4);
	spoiled(UNGUARDED("record") "UPDATE record SET bytes = NULL WHERE seq = 4", CHAIN_CHANGED,
		4);
	spoiled(UNGUARDED("record") "DELETE FROM record WHERE seq = 6;"
				    "UPDATE record SET bytes = NULL WHERE seq = 7",
		CHAIN_DELETED, 6);
	spoiled("DELETE FROM record WHERE seq = 6; UPDATE record SET bytes = '?' WHERE seq = 7",
		CHAIN_DELETED, 6);
}

static void
audit_holds_the_meta_row_against_the_records(void)
{
	struct store *s = NULL;
	struct store_head h;
	struct err err = { 0 };

	spoiled("UPDATE meta SET lsn = lsn + 1", CHAIN_ORDER, 10);
	spoiled("UPDATE meta SET epoch = epoch + 1", CHAIN_REWRITTEN, 10);
	rig_wipe(dir);
	(void)mkdir(dir, 0700);
	ten_records();
	CHECK_INT(open_with(&s, &h, STORE_ACTOR, true, NULL, &err), RC_OK);
	fill(s, &h, 1); /* of era 2, epoch 2 */
	store_close(&s);
	forge("UPDATE meta SET era = 1");
	audit_says(CHAIN_ORDER, 11, NULL);
	forge("UPDATE meta SET era = 2, epoch = 1");
	audit_says(CHAIN_ORDER, 11, NULL);
}

static void
audit_knows_a_copy(void)
{
	struct store *s;
	struct store_head h;
	struct audit got;
	struct err err = { 0 };
	char to[RIG_PATH];

	ten_records();
	CHECK_INT(audit_verify(dir, NULL, 0, &got, &err), RC_OK);
	CHECK(!got.copy && got.known);
	rig_path(to, dir, "copy");
	s = reader(&h);
	CHECK_INT(store_backup(s, to, &err), RC_OK);
	store_close(&s);
	CHECK_INT(audit_verify(to, NULL, 0, &got, &err), RC_OK);
	CHECK_INT(got.fault, CHAIN_NONE);
	CHECK(got.copy && got.known);
}

static void
audit_finds_what_no_record_lies_in(void)
{
	struct audit got;
	struct err err = { 0 };
	char *db;
	long n;

	ten_records();
	db = rig_load(dir, "journal.db", &n);
	db[39] ^= 5; /* how many pages are free, says the file's first page */
	rig_save(dir, "journal.db", db, n);
	free(db);
	CHECK_INT(audit_verify(dir, NULL, 0, &got, &err), RC_OK);
	CHECK_INT(got.fault, CHAIN_FILE);
	CHECK_INT(got.bad, 0);
	CHECK_INT(got.records, 10);
	CHECK(strstr(got.why, "the database is damaged: ") != NULL);
}

static void
audit_of_a_file_that_is_no_database(void)
{
	static char noise[8192];

	ten_records();
	memset(noise, 'x', sizeof noise);
	rig_save(dir, "journal.db", noise, sizeof noise);
	audit_says(CHAIN_FILE, 1, NULL);
}

/* What cannot be looked at is no verdict. */
static void
audit_of_nothing_and_of_what_it_cannot_open(void)
{
	struct store *s = NULL;
	struct store_head h;
	struct audit got;
	struct err err = { 0 };
	char path[RIG_PATH];

	CHECK_INT(audit_verify(dir, NULL, 0, &got, &err), RC_NOTFOUND);
	CHECK(strstr(err.text, "holds no journal") != NULL);
	rig_save(dir, "head", "", 0);
	CHECK_INT(audit_verify(dir, NULL, 0, &got, &err), RC_OK); /* a head, and nothing else */
	CHECK_INT(got.fault, CHAIN_FILE);
	ten_records();
	rig_save(dir, "head", NULL, -1);
	rig_path(path, dir, "head");
	CHECK_INT(mkdir(path, 0700), 0);
	CHECK_INT(audit_verify(dir, NULL, 0, &got, &err), RC_OK); /* a head that cannot be read */
	CHECK_INT(got.fault, CHAIN_FILE);
	CHECK(strstr(got.why, "/head: cannot read it") != NULL);
	CHECK_INT(open_with(&s, &h, STORE_READER, false, NULL, &err), RC_IO);
	CHECK_INT(open_with(&s, &h, STORE_ACTOR, false, NULL, &err), RC_IO);
	CHECK(strstr(err.text, "/head: cannot open it") != NULL);
	(void)rmdir(path);
	CHECK_INT(symlink(path, path), 0); /* one that leads nowhere */
	CHECK_INT(audit_verify(dir, NULL, 0, &got, &err), RC_IO);
	CHECK(strstr(err.text, "/head: Too many levels") != NULL);
	CHECK_INT(open_with(&s, &h, STORE_READER, false, NULL, &err), RC_IO);
}

static void
audit_says_where_a_noted_head_is(void)
{
	char anchor[80], other[65];

	ten_records();
	(void)snprintf(anchor, sizeof anchor, "5:%s", hashes[4]);
	audit_says(CHAIN_REWRITTEN, 4, anchor);
	memcpy(other, hashes[4], sizeof other);
	other[0] = other[0] == 'a' ? 'b' : 'a';
	(void)snprintf(anchor, sizeof anchor, "4:%s", other);
	audit_says(CHAIN_REWRITTEN, 4, anchor);
}

/* --- the head file --- */

static void
a_journal_without_its_head_file_is_a_halt_until_a_new_era(void)
{
	struct store *s = NULL;
	struct store_head h;
	struct err err = { 0 };

	ten_records();
	rig_save(dir, "head", NULL, -1);
	audit_says(CHAIN_HEAD, 0, NULL);
	CHECK_INT(open_with(&s, &h, STORE_READER, false, NULL, &err), RC_CORRUPT);
	CHECK_INT(open_with(&s, &h, STORE_ACTOR, true, NULL, &err), RC_OK);
	CHECK_INT(h.era, 2);
	fill(s, &h, 1);
	store_close(&s);
	audit_says(CHAIN_NONE, 0, NULL);
}

static void
a_journal_behind_its_head_goes_on_in_a_new_era_above_it(void)
{
	char *db;
	long db_n;
	struct store *s;
	struct store_head h, at;
	struct err err = { 0 };

	ten_records();
	db = rig_load(dir, "journal.db", &db_n);
	s = actor(&at);
	fill(s, &at, 3);
	store_close(&s);
	rig_save(dir, "journal.db", db, db_n);
	free(db);
	audit_says(CHAIN_CUT, 11, NULL);
	CHECK_INT(open_with(&s, &h, STORE_ACTOR, true, NULL, &err), RC_OK);
	CHECK_INT(h.seq, 10);
	CHECK_INT(h.era, 2);
	CHECK(h.epoch > at.epoch);
	CHECK(h.fresh);
	fill(s, &h, 1);
	store_close(&s);
	audit_says(CHAIN_NONE, 0, NULL);
}

static void
a_head_of_another_store_is_a_halt_even_in_a_new_era(void)
{
	char *head;
	long n;
	struct store *s = NULL;
	struct store_head h;
	struct err err = { 0 };

	ten_records();
	head = rig_load(dir, "head", &n);
	rig_wipe(dir);
	ten_records();
	rig_save(dir, "head", head, n);
	free(head);
	audit_says(CHAIN_HEAD, 0, NULL);
	CHECK_INT(open_with(&s, &h, STORE_ACTOR, true, NULL, &err), RC_CORRUPT);
}

static void
a_head_without_its_journal_is_a_halt(void)
{
	struct store *s = NULL;
	struct store_head h;
	struct err err = { 0 };

	ten_records();
	rig_save(dir, "journal.db", NULL, -1);
	CHECK_INT(open_with(&s, &h, STORE_READER, false, NULL, &err), RC_CORRUPT);
	CHECK_INT(open_with(&s, &h, STORE_ACTOR, false, NULL, &err), RC_CORRUPT);
	audit_says(CHAIN_FILE, 1, NULL);
}

/* --- FORMAT.md: its lines are typed by somebody whose journal is broken, so they must be right ---
 */

/* Run the block ```sh NAME of FORMAT.md with DIR and N set; what it prints goes to out. */
static bool
by_hand(const char *name, int n, char out[2000])
{
	char mark[64], number[16], *block = NULL, *end_of, *text;
	int fds[2], status = 1;
	long size;
	ssize_t got = 0, more;
	pid_t pid;

	text = rig_load("state", "FORMAT.md", &size); /* suites run in the project's folder */
	(void)snprintf(mark, sizeof mark, "```sh %s\n", name);
	(void)snprintf(number, sizeof number, "%d", n);
	block = text != NULL ? strstr(text, mark) : NULL;
	end_of = block != NULL ? strstr(block + strlen(mark), "\n```") : NULL;
	if (end_of == NULL || pipe(fds) != 0)
		return false;
	*end_of = '\0';
	pid = fork();
	if (pid == 0) {
		(void)dup2(fds[1], STDOUT_FILENO);
		(void)setenv("DIR", dir, 1);
		(void)setenv("N", number, 1);
		(void)execl("/bin/sh", "sh", "-eu", "-c", block + strlen(mark), (char *)NULL);
		_exit(127);
	}
	(void)close(fds[1]);
	while (got < 1999 && (more = read(fds[0], out + got, (size_t)(1999 - got))) > 0)
		got += more;
	out[got] = '\0';
	(void)close(fds[0]);
	(void)waitpid(pid, &status, 0);
	free(text);
	if (status != 0)
		printf("     %s: status %d: %s\n", name, status, out);
	return status == 0;
}

static bool
sqlite3_is_here(void)
{
	return access("/usr/bin/sqlite3", X_OK) == 0 || access("/usr/local/bin/sqlite3", X_OK) == 0;
}

static void
by_hand_one_can_look_and_check_the_chain(void)
{
	char out[2000], want[32];

	ten_records();
	CHECK(by_hand("look", 0, out));
	CHECK(strstr(out, hashes[10]) != NULL);
	CHECK(strstr(out, "kind=live") != NULL);
	CHECK(by_hand("chain", 0, out));
	CHECK_STR(out, "");
	CHECK(rig_sql(dir, "UPDATE record SET bytes = bytes || ' ' WHERE seq = 4"));
	CHECK(by_hand("chain", 0, out));
	CHECK_STR(out, "record 4 was changed\n");
	forge("UPDATE record SET hash = sha(bytes) WHERE seq = 4");
	CHECK(by_hand("chain", 0, out));
	(void)snprintf(want, sizeof want, "record 5 does not follow\n");
	CHECK_STR(out, want);
}

static void
by_hand_one_can_cut_a_journal_before_a_wrong_record(void)
{
	struct store *s = NULL;
	struct store_head h;
	struct err err = { 0 };
	struct rig_read r = { .salt = SALT };
	char out[2000];

	ten_records();
	CHECK(rig_sql(dir, "UPDATE record SET bytes = bytes || ' ' WHERE seq = 7"));
	audit_says(CHAIN_CHANGED, 7, NULL);
	CHECK_INT(open_with(&s, &h, STORE_ACTOR, true, NULL, &err), RC_CORRUPT);
	CHECK(by_hand("cut", 7, out));
	CHECK_INT(open_with(&s, &h, STORE_ACTOR, false, NULL, &err), RC_CORRUPT);
	CHECK_INT(open_with(&s, &h, STORE_ACTOR, true, NULL, &err), RC_OK);
	CHECK_INT(h.seq, 6);
	CHECK_INT(h.lsn, 4);
	CHECK_INT(h.era, 2);
	if (s != NULL)
		rig_read_all(s, &r);
	CHECK(r.n == 6 && !r.wrong && r.rc == RC_OK);
	store_close(&s);
	audit_says(CHAIN_NONE, 0, NULL);
}

static void
by_hand_one_can_cut_a_journal_to_nothing(void)
{
	struct store *s = NULL;
	struct store_head h;
	struct err err = { 0 };
	char out[2000];

	ten_records();
	CHECK(by_hand("cut", 1, out));
	CHECK_INT(open_with(&s, &h, STORE_ACTOR, true, NULL, &err), RC_OK);
	CHECK_INT(h.seq, 0);
	CHECK_STR(h.hash, ZERO);
	store_close(&s);
}

/* The last page in which records lie. */
static long
a_page_of_records(void)
{
	char path[RIG_PATH];
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	long page = 0;

	rig_path(path, dir, "journal.db");
	if (sqlite3_open(path, &db) == SQLITE_OK &&
		sqlite3_prepare_v2(db,
			"SELECT max(pageno) FROM dbstat WHERE name = 'record' AND pagetype = "
			"'leaf'",
			-1, &st, NULL) == SQLITE_OK &&
		sqlite3_step(st) == SQLITE_ROW)
		page = (long)sqlite3_column_int64(st, 0);
	(void)sqlite3_finalize(st);
	(void)sqlite3_close(db);
	return page;
}

static void
by_hand_one_can_salvage_a_broken_database(void)
{
	struct store *s = NULL;
	struct store_head h;
	struct audit got;
	struct err err = { 0 };
	char out[2000], *db;
	long n, page;

	some_records(MANY); /* on several pages */
	db = rig_load(dir, "journal.db", &n);
	page = a_page_of_records();
	CHECK(page > 1 && page * 4096 <= n);
	memset(db + (page - 1) * 4096, 0xff, 64); /* SQLite cannot read what lies in it */
	rig_save(dir, "journal.db", db, n);
	free(db);
	CHECK_INT(audit_verify(dir, NULL, 0, &got, &err), RC_OK);
	CHECK_INT(got.fault, CHAIN_FILE);
	CHECK_INT(open_with(&s, &h, STORE_ACTOR, true, NULL, &err), RC_CORRUPT);
	CHECK(by_hand("salvage", 0, out));
	CHECK_INT(mode_of("journal.db"), 0600);
	CHECK_INT(audit_verify(dir, NULL, 0, &got, &err), RC_OK);
	CHECK(got.fault != CHAIN_FILE && got.bad > 1 && got.bad <= MANY);
	CHECK(by_hand("cut", (int)got.bad, out));
	CHECK_INT(open_with(&s, &h, STORE_ACTOR, true, NULL, &err), RC_OK);
	CHECK_INT(h.seq, got.bad - 1);
	store_close(&s);
	audit_says(CHAIN_NONE, 0, NULL);
}

static void
by_hand_one_can_write_the_head_file(void)
{
	char out[2000];

	ten_records();
	rig_save(dir, "head", NULL, -1);
	audit_says(CHAIN_HEAD, 0, NULL);
	CHECK(by_hand("head", 0, out));
	CHECK_INT(mode_of("head"), 0600);
	audit_says(CHAIN_NONE, 0, NULL);
}

static void
audits(void)
{
	EACH(audit_finds_a_whole_journal_whole);
	EACH(audit_names_a_changed_record);
	EACH(audit_names_a_changed_record_with_its_hash_made_anew);
	EACH(audit_names_the_last_record_changed_with_its_hash_made_anew);
	EACH(audit_names_a_deleted_record);
	EACH(audit_names_a_deleted_record_when_the_rest_was_numbered_anew);
	EACH(audit_names_swapped_records);
	EACH(audit_names_swapped_neighbours);
	EACH(audit_names_an_inserted_record);
	EACH(audit_names_an_appended_record);
	EACH(audit_names_a_cut_tail);
	EACH(audit_names_a_cut_tail_when_the_meta_row_was_set_back_too);
	EACH(audit_names_a_fallen_lsn);
	EACH(audit_shows_a_rewritten_end);
	EACH(audit_shows_a_journal_taken_back_by_a_head_noted_elsewhere);
	EACH(audit_names_a_lost_text);
	EACH(audit_names_texts_that_starts_name_and_none_where_none_is_named);
	EACH(audit_takes_no_meta_row_that_cannot_be);
	EACH(audit_names_a_record_without_its_parts);
	EACH(audit_holds_the_meta_row_against_the_records);
	EACH(audit_knows_a_copy);
	EACH(audit_finds_what_no_record_lies_in);
	EACH(audit_of_a_file_that_is_no_database);
	EACH(audit_of_nothing_and_of_what_it_cannot_open);
	EACH(audit_says_where_a_noted_head_is);
	EACH(a_journal_without_its_head_file_is_a_halt_until_a_new_era);
	EACH(a_journal_behind_its_head_goes_on_in_a_new_era_above_it);
	EACH(a_head_of_another_store_is_a_halt_even_in_a_new_era);
	EACH(a_head_without_its_journal_is_a_halt);
}

static void
by_hands(void)
{
	if (!sqlite3_is_here()) {
		SKIP("FORMAT.md by hand", "the sqlite3 shell is not installed");
		return;
	}
	EACH(by_hand_one_can_look_and_check_the_chain);
	EACH(by_hand_one_can_cut_a_journal_before_a_wrong_record);
	EACH(by_hand_one_can_cut_a_journal_to_nothing);
	EACH(by_hand_one_can_salvage_a_broken_database);
	EACH(by_hand_one_can_write_the_head_file);
}

int
main(void)
{
	digest_warm();
	kind = &kinds[0];
	audits();
	by_hands();
	return check_end();
}
