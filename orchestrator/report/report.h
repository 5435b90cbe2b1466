/*
 * report.h - what happened, told from the journal alone: a run and the incident around it as HTML,
 * Markdown and JSON.
 *
 * Each time is bound to the record that proves it (number and hash). What no record proves is
 * listed as not proven. Nothing is asked and nothing is read but the records that the caller's
 * reader hands over.
 */
#ifndef FERRYMAN_REPORT_REPORT_H
#define FERRYMAN_REPORT_REPORT_H

#include "base/buf.h"
#include "base/err.h"
#include "config/playbook.h"

#include <stddef.h>
#include <stdint.h>

struct report;

/* One stored record; returns 0 to go on. The same shape as store_record_fn. */
typedef int report_record_fn(
	void *ctx, uint64_t seq, const char *bytes, size_t n, const char *hash);

struct report_source {
	/* Hand each record from number `from` on to fn, in order; stop when fn returns nonzero.
	 * Called twice. */
	enum rc (*read)(
		void *ctx, uint64_t from, report_record_fn *fn, void *fn_ctx, struct err *err);
	/* The playbook with that hash, a reference for us; NULL when it cannot be had (the report
	 * then says less). */
	struct playbook *(*playbook)(void *ctx, const char *sha256);
	void *ctx;
	const char *store;    /* identity of the journal; NULL = not known */
	int64_t made_wall_ms; /* when the report is made */
};

/*
 * report_build - run: its id as the journal has it, or an unambiguous beginning; "last": the newest
 * cut-over or failback. RC_INVALID: none of that name, and which there are; RC_NOTFOUND: no run at
 * all; RC_CORRUPT when a record cannot be read.
 */
enum rc report_build(
	struct report **ret, const struct report_source *src, const char *run, struct err *err);
void report_free(struct report **r);

void report_html(const struct report *r, struct buf *b);
void report_markdown(const struct report *r, struct buf *b);
void report_json(const struct report *r, struct buf *b);

#endif
