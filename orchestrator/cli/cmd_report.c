/* cmd_report.c - a run and the incident around it, told from the journal, as a file for people or
 * for machines. */
#include "base/text.h"
#include "cli/cli.h"
#include "cli/journal.h"
#include "os/clock.h"
#include "os/stdmem.h"
#include "report/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { REPORT_MAX = 64 * 1024 * 1024 };

static enum rc
read_records(void *ctx, uint64_t from, report_record_fn *fn, void *fn_ctx, struct err *err)
{
	struct journal *j = ctx;

	return store_fold(j->store, from, fn, fn_ctx, err);
}

static enum rc
build(struct report **ret, struct journal *j, const struct cli *c, struct err *err)
{
	const struct report_source src = { .read = read_records,
		.playbook = journal_playbook,
		.ctx = j,
		.store = j->head.store,
		.made_wall_ms = clock_wall_ms() };

	return report_build(ret, &src, cli_arg(c, 0), err);
}

/* Temp file, fsync, rename: whoever looks finds the old report or the new one. */
static enum rc
write_file(const char *path, const struct buf *b, struct err *err)
{
	char temp[4096];
	size_t at = 0;
	int fd;

	if (snprintf(temp, sizeof temp, "%s.new", path) >= (int)sizeof temp)
		return err_set(err, RC_INVALID, "%s: the path is too long", path);
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(err, RC_IO, "%s: %s", temp, strerror(errno));
	while (at < b->len) {
		ssize_t put = write(fd, b->data + at, b->len - at);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			break;
		at += (size_t)put;
	}
	if (at < b->len || fsync(fd) != 0) {
		(void)err_set(err, RC_IO, "%s: %s", temp, strerror(errno));
		(void)close(fd);
		(void)unlink(temp);
		return RC_IO;
	}
	if (close(fd) != 0 || rename(temp, path) != 0) {
		(void)err_set(err, RC_IO, "%s: %s", path, strerror(errno));
		(void)unlink(temp);
		return RC_IO;
	}
	return RC_OK;
}

static int
deliver(const struct cli *c, const struct buf *b)
{
	const char *out = cli_opt(c, "out");
	struct err err = { 0 };

	if (buf_failed(b))
		return cli_fail(
			c, CLI_FAILED, "the report is larger than %d MiB", REPORT_MAX >> 20);
	if (out == NULL)
		return fwrite(b->data, 1, b->len, stdout) == b->len ? CLI_DONE : CLI_FAILED;
	if (write_file(out, b, &err) != RC_OK)
		return cli_fail_err(c, &err);
	fprintf(stderr, "report: %s\n", out);
	return CLI_DONE;
}

static int
run_report(struct cli *c)
{
	const char *format = cli_opt(c, "format");
	struct report *r = NULL;
	struct journal j;
	struct err err = { 0 };
	struct buf b;
	enum rc rc;
	int exit;

	if (format == NULL)
		format = cli_json(c) ? "json" : "html";
	if (!text_eq(format, "html") && !text_eq(format, "md") && !text_eq(format, "json"))
		return cli_fail(c, CLI_USAGE, "--format %s: want html, md or json", format);
	if (cli_json(c) && !text_eq(format, "json"))
		return cli_fail(c, CLI_USAGE, "--json is --format json; leave one of them out");
	rc = journal_open(&j, c, &err);
	if (rc == RC_OK)
		rc = build(&r, &j, c, &err);
	buf_init(&b, &stdmem, REPORT_MAX);
	if (r != NULL && text_eq(format, "html"))
		report_html(r, &b);
	else if (r != NULL && text_eq(format, "md"))
		report_markdown(r, &b);
	else if (r != NULL)
		report_json(r, &b);
	exit = rc == RC_OK ? deliver(c, &b) : cli_fail_err(c, &err);
	buf_fini(&b);
	report_free(&r);
	journal_close(&j);
	return exit;
}

static const struct cli_opt opts[] = {
	{ "format", "FORMAT", "html (default), md or json" },
	{ "out", "FILE", "write it there instead of to standard output" },
	{ NULL, NULL, NULL },
};

const struct cli_verb verb_report = { "report", "RUN", 1, 1,
	"Tell a run and its incident from the journal",
	"RUN is a run's id or the beginning of one (see: ferryman history), or `last`. Tells when "
	"the fault was seen,\n"
	"diagnosed, decided, approved, switched, visible, and when the first mail went the new "
	"way, each with the record\n"
	"of the journal that proves it, and what no record proves. HTML is one file without "
	"scripts.",
	opts, run_report };
