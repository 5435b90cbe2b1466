/* store_rig.c - folders, records and files for tests of a store. */
#include "lib/store_rig.h"

#include "core/record.h"
#include "os/digest.h"
#include "os/stdmem.h"

#include <sqlite3.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WAIT_MS = 20000 };

void
rig_dir(char out[RIG_PATH])
{
	const char *at = getenv("TMPDIR");

	if (at == NULL)
		at = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	(void)snprintf(out, RIG_PATH, "%s/ferryman-store.XXXXXX", at);
	if (mkdtemp(out) == NULL) {
		perror(out);
		exit(2);
	}
}

void
rig_path(char out[RIG_PATH], const char *dir, const char *name)
{
	if (snprintf(out, RIG_PATH, "%s/%s", dir, name) >= RIG_PATH)
		abort();
}

void
rig_wipe(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		char path[RIG_PATH];
		struct stat st;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		rig_path(path, dir, e->d_name);
		if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
			rig_wipe(path);
		else
			(void)unlink(path);
	}
	if (d != NULL)
		(void)closedir(d);
	(void)rmdir(dir);
}

/* --- records --- */

static void
text_of(char out[128], uint64_t seq, const char *salt)
{
	(void)snprintf(out, 128, "number %llu of %s", (unsigned long long)seq, salt);
}

char *
rig_record(const struct store_head *head, uint64_t lsn, const char *salt)
{
	const struct record r = { .type = REC_NOTIFIED,
		.seq = head->seq + 1,
		.lsn = lsn,
		.era = head->era,
		.epoch = head->epoch,
		.boot_id = "boot",
		.boot_ms = 1,
		.wall_ms = 1000,
		.run = "",
		.prev = head->hash };
	char text[128], body[256], *out;
	struct buf b;

	text_of(text, r.seq, salt);
	(void)snprintf(body, sizeof body,
		"{\"severity\":\"info\",\"text\":\"%s\",\"outcome\":\"DONE\"}", text);
	buf_init(&b, &stdmem, RECORD_MAX);
	record_write(&b, &r, body);
	out = stdmem_str(buf_text(&b));
	buf_fini(&b);
	return out;
}

bool
rig_says(const char *bytes, uint64_t seq, const char *salt)
{
	char text[128], want[160];

	text_of(text, seq, salt);
	(void)snprintf(want, sizeof want, "\"text\":\"%s\"", text);
	return strstr(bytes, want) != NULL;
}

void
rig_next(struct store_head *head, const char *record, uint64_t lsn)
{
	head->seq++;
	if (lsn != 0)
		head->lsn = lsn;
	digest_sha256(NULL, record, strlen(record), head->hash);
	head->fresh = false;
}

void
rig_on_done(void *done, uint64_t op, enum outcome outcome, const struct store_head *head,
	const char *why)
{
	struct rig_done *d = done;

	d->times++;
	d->op = op;
	d->outcome = outcome;
	if (head != NULL)
		d->head = *head;
	(void)snprintf(d->why, sizeof d->why, "%s", why != NULL ? why : "");
}

enum outcome
rig_append_text(struct store *s, struct store_head *head, const char *record)
{
	const char *const list[] = { record };
	const struct store_append a = { .op = 1,
		.epoch = head->epoch,
		.seq = head->seq,
		.hash = head->hash,
		.records = list,
		.n = 1 };
	struct rig_done d = { .outcome = OUT_N };
	struct pollfd p = { .fd = store_fd(s), .events = POLLIN };
	struct err err;

	if (store_append(s, &a, rig_on_done, &d, &err) == RC_OK)
		while (d.times == 0 && poll(&p, 1, WAIT_MS) > 0)
			store_poll(s);
	if (d.outcome == OUT_DONE)
		*head = d.head;
	return d.outcome;
}

enum outcome
rig_append(struct store *s, struct store_head *head, uint64_t lsn, const char *salt)
{
	char *record = rig_record(head, lsn, salt);
	enum outcome outcome = rig_append_text(s, head, record);

	free(record);
	return outcome;
}

static int
read_one(void *ctx, uint64_t seq, const char *bytes, size_t n, const char *hash)
{
	struct rig_read *r = ctx;
	char is[DIGEST_HEX];

	digest_sha256(NULL, bytes, n, is);
	if (seq != r->n + 1 || strcmp(is, hash) != 0 || !rig_says(bytes, seq, r->salt))
		r->wrong = true;
	r->n = seq;
	return 0;
}

void
rig_read_all(struct store *s, struct rig_read *r)
{
	r->n = 0;
	r->wrong = false;
	r->rc = store_fold(s, 1, read_one, r, &r->err);
}

/* --- files --- */

char *
rig_load(const char *dir, const char *name, long *ret_n)
{
	char path[RIG_PATH], *p;
	struct stat st;
	int fd;

	rig_path(path, dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	*ret_n = -1;
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) != 0)
		abort();
	p = stdmem_get((size_t)st.st_size + 1);
	if (read(fd, p, (size_t)st.st_size) != st.st_size)
		abort();
	(void)close(fd);
	*ret_n = (long)st.st_size;
	return p;
}

void
rig_save(const char *dir, const char *name, const char *p, long n)
{
	char path[RIG_PATH];
	int fd;

	rig_path(path, dir, name);
	(void)unlink(path);
	if (n < 0)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, p, (size_t)n) != n)
		abort();
	(void)close(fd);
}

bool
rig_sql(const char *dir, const char *sql)
{
	char path[RIG_PATH], *why = NULL;
	sqlite3 *db = NULL;
	bool good;

	rig_path(path, dir, "journal.db");
	good = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
	       sqlite3_exec(db, sql, NULL, NULL, &why) == SQLITE_OK;
	if (!good)
		printf("     %s: %s\n", sql, why != NULL ? why : "cannot open");
	sqlite3_free(why);
	(void)sqlite3_close(db);
	return good;
}
