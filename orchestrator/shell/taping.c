/* taping.c - one file for each life; a line is written whole by one write(2), before the core hears
 * of it. */
#include "shell/taping.h"

#include "base/num.h"
#include "os/log.h"
#include "os/stdmem.h"
#include "play/tape.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { LOOK_EVERY = 256, LIVES_MAX = 4096, PATH_MAX_ = 4096 };

struct old {
	uint64_t epoch;
	off_t size;
};

static int
by_age(const void *a, const void *b)
{
	const struct old *x = a, *y = b;

	return x->epoch < y->epoch ? -1 : x->epoch > y->epoch;
}

bool
taping_name(const char *name, uint64_t *ret_epoch)
{
	const char *dot = strchr(name, '.');
	int64_t epoch;
	char digits[24];

	if (dot == NULL || strcmp(dot, ".jsonl") != 0 || (size_t)(dot - name) >= sizeof digits)
		return false;
	(void)snprintf(digits, sizeof digits, "%.*s", (int)(dot - name), name);
	if (!num_int(digits, &epoch) || epoch <= 0)
		return false;
	*ret_epoch = (uint64_t)epoch;
	return true;
}

/* What is no tape stays. The oldest go until those that stay leave room for one more. */
static void
thin_out(const char *folder)
{
	struct old *all = stdmem_get(LIVES_MAX * sizeof *all);
	DIR *d = opendir(folder);
	struct dirent *e;
	off_t sum = 0;
	size_t n = 0;

	while (d != NULL && n < LIVES_MAX && (e = readdir(d)) != NULL) {
		struct stat st;

		if (!taping_name(e->d_name, &all[n].epoch) ||
			fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		all[n].size = st.st_size;
		sum += all[n++].size;
	}
	qsort(all, n, sizeof *all, by_age);
	for (size_t i = 0; d != NULL && i < n && sum > TAPES_MAX - TAPE_MAX; i++) {
		char name[40];

		(void)snprintf(name, sizeof name, "%" PRIu64 ".jsonl", all[i].epoch);
		(void)unlinkat(dirfd(d), name, 0);
		sum -= all[i].size;
	}
	if (d != NULL)
		(void)closedir(d);
	free(all);
}

static void
stop(struct taping *t, const char *why)
{
	log_kv(LOG_WARN_, "tape-ends", "why", why, "means",
		"what is decided from here on cannot be replayed");
	(void)close(t->fd);
	t->fd = -1;
}

static void
write_line(struct taping *t)
{
	struct statvfs fs;
	ssize_t n;

	if (t->until_look-- == 0) {
		t->until_look = LOOK_EVERY;
		if (fstatvfs(t->fd, &fs) == 0 && fs.f_bavail < TAPE_LEAVE / fs.f_frsize) {
			stop(t, "the disk is nearly full");
			return;
		}
	}
	if (buf_failed(&t->line) || t->written + t->line.len > TAPE_MAX) {
		stop(t, "it has grown too long");
		return;
	}
	n = write(t->fd, buf_text(&t->line), t->line.len);
	if (n != (ssize_t)t->line.len)
		stop(t, n < 0 ? strerror(errno) : "the disk is full");
	else
		t->written += (size_t)n;
}

/* What root makes in another user's folder is that user's; and no link of his leads elsewhere. A
 * tape of that name is of a history that a restored journal does not know: it steps aside. */
static int
make(const char *state_dir, const char *folder, const char *name)
{
	static const int flags = O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC;
	struct stat st;
	int dir = -1, fd = -1;
	char old[48];

	(void)snprintf(old, sizeof old, "%.40s.old", name);
	if (stat(state_dir, &st) != 0 || (mkdir(folder, 0700) != 0 && errno != EEXIST))
		return -1;
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir >= 0 && fchown(dir, st.st_uid, st.st_gid) == 0)
		fd = openat(dir, name, flags, 0600);
	if (dir >= 0 && fd < 0 && errno == EEXIST && renameat(dir, name, dir, old) == 0)
		fd = openat(dir, name, flags, 0600);
	if (fd >= 0 && fchown(fd, st.st_uid, st.st_gid) != 0) {
		(void)close(fd);
		fd = -1;
	}
	if (dir >= 0)
		(void)close(dir);
	return fd;
}

void
taping_open(struct taping *t, const char *state_dir, uint64_t epoch, uint64_t seed)
{
	const struct tape_head head = { .seed = seed, .version = FERRYMAN_VERSION };
	char folder[PATH_MAX_], name[40];

	*t = (struct taping){ .fd = -1 };
	buf_init(&t->line, &stdmem, TAPE_LINE_MAX);
	(void)snprintf(folder, sizeof folder, "%.4000s/" TAPE_FOLDER, state_dir);
	(void)snprintf(name, sizeof name, "%" PRIu64 ".jsonl", epoch);
	t->fd = make(state_dir, folder, name);
	if (t->fd < 0) {
		log_kv(LOG_WARN_, "no-tape", "folder", folder, "why", strerror(errno), "means",
			"what is decided cannot be replayed");
		return;
	}
	thin_out(folder);
	tape_put_head(&t->line, &head);
	write_line(t);
}

void
taping_event(struct taping *t, const struct event *ev)
{
	if (t->fd < 0)
		return;
	buf_reset(&t->line);
	tape_put(&t->line, ev);
	write_line(t);
}

void
taping_close(struct taping *t)
{
	if (t->fd >= 0)
		(void)close(t->fd);
	t->fd = -1;
	buf_fini(&t->line);
}
