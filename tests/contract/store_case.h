/*
 * store_case.h - what the tests of a store's contract and of its files share: the store under test
 * in a folder of its own. Included once by each of these programs.
 */
#ifndef FERRYMAN_TESTS_STORE_CASE_H
#define FERRYMAN_TESTS_STORE_CASE_H

#include "lib/check.h"
#include "lib/store_rig.h"
#include "state/store.h"

#include <sys/stat.h>

/* Each program uses its part of these. */
#pragma GCC diagnostic ignored "-Wunused-function"

#define SALT "contract"
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"

/* A store under test: how its options are made for a folder that is its own. */
struct kind {
	const char *name;
	void (*opts)(struct store_opts *o, const char *dir);
};

static void
sqlite_opts(struct store_opts *o, const char *dir)
{
	o->dir = dir;
}

static const struct kind kinds[] = { { "sqlite", sqlite_opts } };

/* The test that runs now. */
static const struct kind *kind;
static char dir[RIG_PATH];

static enum rc
open_with(struct store **s, struct store_head *h, enum store_mode mode, bool new_era,
	const char *holder, struct err *err)
{
	struct store_opts o = { .mode = mode, .new_era = new_era, .holder = holder };

	kind->opts(&o, dir);
	return store_open(s, &o, h, err);
}

static struct store *
actor(struct store_head *h)
{
	struct store *s = NULL;
	struct err err = { 0 };

	if (open_with(&s, h, STORE_ACTOR, false, "the test", &err) != RC_OK)
		printf("     actor: %s\n", err.text);
	CHECK(s != NULL);
	return s;
}

static struct store *
reader(struct store_head *h)
{
	struct store *s = NULL;
	struct err err = { 0 };

	if (open_with(&s, h, STORE_READER, false, NULL, &err) != RC_OK)
		printf("     reader: %s\n", err.text);
	CHECK(s != NULL);
	return s;
}

static void
fill(struct store *s, struct store_head *h, int n)
{
	for (int i = 0; i < n; i++)
		CHECK_INT(rig_append(s, h, 0, SALT), OUT_DONE);
}

static mode_t
mode_of(const char *name)
{
	char path[RIG_PATH];
	struct stat st;

	rig_path(path, dir, name);
	return stat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

static enum rc
append_text(struct store *s, const struct store_head *h, const char *record)
{
	const char *const list[] = { record };
	struct rig_done d = { 0 };
	struct err err = { 0 };
	enum rc rc = store_append(s,
		&(struct store_append){ .epoch = h->epoch,
			.seq = h->seq,
			.hash = h->hash,
			.records = list,
			.n = 1 },
		rig_on_done, &d, &err);

	if (rc == RC_OK)
		(void)store_drain(s, &err);
	CHECK_INT(d.times, rc == RC_OK);
	return rc;
}

#define EACH(fn)                                                                                   \
	do {                                                                                       \
		rig_dir(dir);                                                                      \
		TEST(fn);                                                                          \
		rig_wipe(dir);                                                                     \
	} while (0)

#endif
