/*
 * report_rig.h - a journal in memory for tests of the report: the story of story.h as stored
 * records with their hashes, with or without its way home.
 */
#ifndef FERRYMAN_TESTS_REPORT_RIG_H
#define FERRYMAN_TESTS_REPORT_RIG_H

#include "lib/check.h"
#include "lib/story.h"

#include "core/record.h"
#include "os/digest.h"
#include "os/stdmem.h"
#include "report/report.h"
#include "shell/load.h"

#include <stdlib.h>

enum { LINES_MAX = 96, PAGE_MAX = 16 * 1024 * 1024 };

struct lines {
	struct {
		char *text;
		size_t n;
		char hash[65];
	} line[LINES_MAX];
	size_t n;
	unsigned intents;
	struct playbook *pb;
	bool cut_chain;
};

static inline void
lines_add(struct lines *l, const struct story_row *row, const char *body)
{
	struct record head = { .seq = l->n + 1, .epoch = 1, .boot_id = "b" };
	char zero[65];
	struct buf b;

	memset(zero, '0', 64);
	zero[64] = '\0';
	head.prev = l->n > 0 ? l->line[l->n - 1].hash : zero;
	if (l->cut_chain && l->n == 10)
		head.prev = STORY_HASH;
	buf_init(&b, &stdmem, RECORD_MAX);
	story_record(row, &head, &l->intents, body, &b);
	l->line[l->n].n = b.len;
	l->line[l->n].text = b.data; /* taken */
	digest_sha256(NULL, b.data, b.len, l->line[l->n].hash);
	l->n++;
}

static inline void
lines_free(struct lines *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->line[i].text);
	l->n = 0;
}

static inline enum rc
lines_read(void *ctx, uint64_t from, report_record_fn *fn, void *fn_ctx, struct err *err)
{
	const struct lines *l = ctx;
	int got = 0;

	(void)err;
	for (size_t i = from - 1; i < l->n && got == 0; i++)
		got = fn(fn_ctx, i + 1, l->line[i].text, l->line[i].n, l->line[i].hash);
	return (enum rc)got;
}

static inline struct playbook *
lines_playbook(void *ctx, const char *sha256)
{
	const struct lines *l = ctx;

	(void)sha256;
	return l->pb != NULL ? playbook_ref(l->pb) : NULL;
}

static inline struct report *
build(struct lines *l, const char *run, struct err *err)
{
	const struct report_source src = { .read = lines_read,
		.playbook = lines_playbook,
		.ctx = l,
		.store = "0123",
		.made_wall_ms = STORY_T0 + 500000 };
	struct report *r = NULL;

	err->rc = report_build(&r, &src, run, err);
	return r;
}

static inline void
write_story(struct lines *l)
{
	struct findings *f = NULL;
	struct err err = { 0 };

	memset(l, 0, sizeof *l);
	l->pb = load_playbook("playbooks/library/outbound.yaml", NULL, &f, &err);
	findings_free(&f);
	for (size_t i = 0; i < STORY_N; i++)
		lines_add(l, &story[i], story[i].body);
}

static inline void
write_home(struct lines *l)
{
	write_story(l);
	for (size_t i = 0; i < STORY_HOME_N; i++)
		lines_add(l, &story_home[i], story_home[i].body);
}

#endif
