/*
 * damage.c - the files of a journal are damaged: cut off at a byte, a bit turned over, blocks
 * swapped or written twice, a tail of zeros, a file of another journal. Whoever opens it and reads
 * it whole finds all that was acknowledged, to the last byte, or is told that something is wrong.
 *
 * `each_byte_and_each_bit` draws 20,000 of all bytes and bits of a small journal's database, log
 * and head; with FERRYMAN_SOAK=1 it takes them all (or FERRYMAN_DAMAGED of them).
 */
#include "lib/check.h"
#include "lib/store_rig.h"

#include "os/digest.h"
#include "os/stdmem.h"
#include "state/store.h"

#include <sqlite3.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SALT "damage"

enum { DAMAGED = 1500, DRAWN = 20000, ACTORS = 8 };

static char dir[RIG_PATH];
static unsigned drawn = 20261124;

static unsigned
draw(unsigned below)
{
	drawn = drawn * 1664525u + 1013904223u;
	return (drawn >> 8) % below;
}

/* --- a journal as a kill leaves it --- */

enum { PARTS = 3, DB = 0, WAL = 1, HEAD = 2 };
static const char *const part_name[PARTS] = { "journal.db", "journal.db-wal", "head" };

/* Records in the database, and others in the log alone; all of them acknowledged. */
struct image {
	char *part[PARTS];
	long n[PARTS];
	uint64_t all;  /* records */
	char last[65]; /* hash of the last */
};

static void
append(struct store **s, struct store_head *h, int n)
{
	struct store_opts o = { .dir = dir, .mode = STORE_ACTOR, .holder = "damage" };
	struct err err;

	if (store_open(s, &o, h, &err) != RC_OK)
		abort();
	for (int i = 0; i < n; i++)
		if (rig_append(*s, h, 0, SALT) != OUT_DONE)
			abort();
}

static void
image_make(struct image *im, int in_database, int in_log)
{
	static const char text[] = "a playbook's text\n";
	struct store *s = NULL;
	struct store_head h;
	struct err err;
	char sha256[DIGEST_HEX];

	rig_wipe(dir);
	if (mkdir(dir, 0700) != 0)
		abort();
	append(&s, &h, in_database);
	digest_sha256(NULL, text, sizeof text - 1, sha256);
	if (store_blob_put(s, sha256, text, sizeof text - 1, &err) != RC_OK)
		abort();
	store_close(&s);
	append(&s, &h, in_log);
	for (int i = 0; i < PARTS; i++)
		im->part[i] = rig_load(dir, part_name[i], &im->n[i]);
	im->all = h.seq;
	memcpy(im->last, h.hash, sizeof im->last);
	store_close(&s);
}

static void
image_free(struct image *im)
{
	for (int i = 0; i < PARTS; i++)
		free(im->part[i]);
}

static void
image_put(const struct image *im)
{
	for (int k = 0; k < PARTS; k++)
		rig_save(dir, part_name[k], im->part[k], im->n[k]);
	rig_save(dir, "journal.db-shm", NULL, -1); /* gone with the power */
}

/* --- judging --- */

struct verdicts {
	int exact, detected, silent;
};

/* Opened and read whole: either it says that something is wrong, or all is there to the last byte.
 */
static void
judge(struct verdicts *v, const struct image *im, enum store_mode mode, const char *what, long i)
{
	struct store_opts o = { .dir = dir, .mode = mode };
	struct rig_read r = { .salt = SALT };
	struct store *s = NULL;
	struct store_head h;
	struct err err = { 0 };

	if (store_open(&s, &o, &h, &err) != RC_OK) {
		v->detected++;
		CHECK(err.text[0] != '\0');
		return;
	}
	rig_read_all(s, &r);
	store_close(&s);
	if (r.rc != RC_OK) {
		v->detected++;
	} else if (!r.wrong && r.n == im->all && h.seq == im->all &&
		   strcmp(h.hash, im->last) == 0) {
		v->exact++;
	} else {
		v->silent++;
		printf("     sample %ld, %s: %llu records taken for %llu\n", i, what,
			(unsigned long long)r.n, (unsigned long long)im->all);
	}
}

/* What SQLite alone makes of it: its own check says ok, and fewer rows are there. */
static bool
lost_without_a_word(const struct image *im)
{
	char path[RIG_PATH];
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	bool ok = false;
	int64_t rows = -1;

	rig_path(path, dir, "journal.db");
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
		sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &st, NULL) == SQLITE_OK &&
		sqlite3_step(st) == SQLITE_ROW)
		ok = strcmp((const char *)sqlite3_column_text(st, 0), "ok") == 0;
	(void)sqlite3_finalize(st);
	st = NULL;
	if (ok &&
		sqlite3_prepare_v2(db, "SELECT count(*) FROM record", -1, &st, NULL) == SQLITE_OK &&
		sqlite3_step(st) == SQLITE_ROW)
		rows = sqlite3_column_int64(st, 0);
	(void)sqlite3_finalize(st);
	(void)sqlite3_close(db);
	return ok && rows >= 0 && (uint64_t)rows < im->all;
}

/* --- each byte and each bit --- */

struct place {
	int part;
	long byte;
	int bit; /* 8: cut off before this byte */
};

static struct place
place_of(const struct image *im, long n)
{
	struct place p = { .part = 0 };

	while (n >= im->n[p.part] * 9)
		n -= im->n[p.part++] * 9;
	p.byte = n / 9;
	p.bit = (int)(n % 9);
	return p;
}

static void
harm(const struct image *im, const struct place *p)
{
	char path[RIG_PATH], c = (char)(im->part[p->part][p->byte] ^ (char)(1 << (p->bit & 7)));
	int fd;

	rig_path(path, dir, part_name[p->part]);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || (p->bit == 8 ? ftruncate(fd, p->byte) : pwrite(fd, &c, 1, p->byte) - 1) != 0)
		abort();
	(void)close(fd);
}

/* All places, or as many as asked for, spread over all of them; each eighth for an actor, which
 * would go on. */
static void
each_byte_and_each_bit(void)
{
	const char *asked = getenv("FERRYMAN_DAMAGED");
	struct verdicts v = { 0 };
	struct image im = { 0 };
	long all, n, without = 0, without_of = 0;

	image_make(&im, 4, 4);
	all = 9 * (im.n[DB] + im.n[WAL] + im.n[HEAD]);
	n = asked != NULL ? strtol(asked, NULL, 10) : getenv("FERRYMAN_SOAK") != NULL ? all : DRAWN;
	image_put(&im);
	for (long i = 0; i < n && check_state.faults == 0; i++) {
		long at = n == all ? i : i * (all / n) + (long)draw((unsigned)(all / n));
		struct place p = place_of(&im, at);
		bool actor = i % ACTORS == 0;

		harm(&im, &p);
		if (i % 97 == 0) { /* the twin: where the head file is all that stands between */
			without += lost_without_a_word(&im);
			without_of++;
		}
		judge(&v, &im, actor ? STORE_ACTOR : STORE_READER,
			p.bit == 8 ? "cut off" : "one bit turned", at);
		if (actor)
			image_put(&im);
		else
			rig_save(dir, part_name[p.part], im.part[p.part], im.n[p.part]);
	}
	printf("database %ld, log %ld, head %ld bytes: %ld of %ld places (each byte cut, each bit "
	       "turned): %d detected, %d exact, %d silently accepted; SQLite alone loses records "
	       "without a word in %ld of %ld\n",
		im.n[DB], im.n[WAL], im.n[HEAD], n, all, v.detected, v.exact, v.silent, without,
		without_of);
	CHECK_INT(v.silent, 0);
	CHECK_INT(v.detected + v.exact, n);
	CHECK(v.detected > n / 10);
	CHECK(v.exact > 0);
	CHECK(without > 0);
	image_free(&im);
}

/* --- a larger one, and other damage --- */

static void
swap_blocks(char *p, long n)
{
	enum { BLOCK = 4096 };
	char keep[BLOCK];
	long blocks = n / BLOCK;

	if (blocks < 2)
		return;
	long a = (long)draw((unsigned)blocks) * BLOCK, b = (long)draw((unsigned)blocks) * BLOCK;

	memcpy(keep, p + a, BLOCK);
	memcpy(p + a, p + b, BLOCK);
	if (draw(2) == 0) /* swapped; else one of them stands there twice */
		memcpy(p + b, keep, BLOCK);
}

/* One draw: which file, what happens to it. Returns a name for the printout. */
static const char *
damage(const struct image *im, const struct image *other)
{
	unsigned which = draw(4), how = draw(20);
	int at = which == 0 ? DB : which == 1 ? HEAD : WAL;
	long n = im->n[at];
	char *p = stdmem_get((size_t)n + 1);
	const char *what = "one bit turned";

	memcpy(p, im->part[at], (size_t)n);
	if (how < 14) {
		p[draw((unsigned)n)] ^= (char)(1 << draw(8));
	} else if (how < 16) {
		n = (long)draw((unsigned)n);
		what = "cut off";
	} else if (how < 18) {
		long from = (long)draw((unsigned)n);

		memset(p + from, 0, (size_t)(n - from));
		what = "zero tail";
	} else if (how < 19) {
		swap_blocks(p, n);
		what = "blocks moved";
	} else {
		free(p);
		p = stdmem_get((size_t)other->n[at] + 1);
		n = other->n[at];
		memcpy(p, other->part[at], (size_t)n);
		what = "a foreign file";
	}
	rig_save(dir, part_name[at], p, n);
	free(p);
	return what;
}

static void
damage_is_detected_or_does_no_harm(void)
{
	struct verdicts v = { 0 };
	struct image im = { 0 }, other = { 0 };
	int without = 0;

	image_make(&other, 40, 44);
	image_make(&im, 40, 44);
	for (int i = 0; i < DAMAGED; i++) {
		const char *what;

		image_put(&im);
		what = damage(&im, &other);
		if (i % 10 == 0)
			without += lost_without_a_word(&im);
		judge(&v, &im, i % 3 == 0 ? STORE_ACTOR : STORE_READER, what, i);
	}
	printf("%d damaged journals: %d detected, %d exact, %d silently accepted; SQLite alone "
	       "loses records without a word in %d of %d\n",
		DAMAGED, v.detected, v.exact, v.silent, without, (DAMAGED + 9) / 10);
	CHECK_INT(v.silent, 0);
	CHECK_INT(v.detected + v.exact, DAMAGED);
	CHECK(v.detected > DAMAGED / 3);
	CHECK(without > DAMAGED / 100);
	image_put(&im);
	judge(&v, &im, STORE_READER, "undamaged", -1);
	CHECK_INT(v.detected + v.exact, DAMAGED + 1);
	CHECK(v.exact > 0);
	im.all++; /* one record that is not there would be missed */
	judge(&v, &im, STORE_READER, "a twin", -1);
	CHECK_INT(v.silent, 1);
	image_free(&im);
	image_free(&other);
}

int
main(void)
{
	digest_warm();
	rig_dir(dir);
	TEST(each_byte_and_each_bit);
	TEST(damage_is_detected_or_does_no_harm);
	rig_wipe(dir);
	return check_end();
}
