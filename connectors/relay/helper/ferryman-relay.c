/*
 * ferryman-relay.c - what runs on a relay: changes ferryman's own Postfix maps under a fence, parks
 * mail and lets it go at a rate. One file, libc only, for a plain user; sshd starts it as a forced
 * command.
 *
 * In the picture: connector postfix -> ssh -> this program -> postmap, postqueue (argv, never a
 * shell).
 *
 * How it stays whole. Everything that ferryman wants here stands in one file, state/state, replaced
 * by rename after fsync. Maps are drawn from it: write the state as "begun", draw the maps, write
 * it as "done". Whoever finds "begun" draws again before doing anything else, so that each crash
 * point means old or new. postmap fills an lmdb file in place within one LMDB transaction (killed
 * in the middle, readers keep the old rows; measured with Postfix 3.7). A rename of the .lmdb would
 * be worse: Postfix looks for a replaced file only every ten seconds, but sees a committed
 * transaction at the next message.
 *
 * The fence. state/state remembers the store and the highest number accepted (reliability of the
 * whole rests on it): a lower one is STALE, the same one answers what it answered before, another
 * store's is a CONFLICT, and so is a state file that is missing while a map bears the mark that
 * each map gets in its first line.
 *
 * Protocol: standard input holds one netstring whose content is netstrings: "ferryman-relay/1", a
 * verb, its words. Standard output holds "name length:bytes,\n" for each field of the answer, then
 * the one line "ferryman-relay/1 OUTCOME LENGTH\n", LENGTH = octets before it. An answer without
 * that line is none.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <search.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef FERRYMAN_VERSION
#define FERRYMAN_VERSION "0"
#endif
/* A test build may define this to die at the n-th step; the product does nothing here. */
#ifndef RELAY_STEP
#define RELAY_STEP(name) ((void)0)
#endif

#define PROTO "ferryman-relay/1"
#define HOME_DEFAULT "/var/lib/ferryman-relay"
#define MAP_MARK "# ferryman-relay keeps this file"

enum {
	REQUEST_MAX = 65536,
	FIELDS_MAX = 16,
	DOMAINS_MAX = 64, /* domains that are away from the primary or sheltered at the same time */
	GROUPS = 2, /* two ways at once, so that several domains can move one after the other */
	SLOTS = 20, /* shares come in twentieths */
	OUTPUT_MAX = 64 << 20,
	TOOL_LIMIT_MS = 60000,
	SWEEP_MS = 5000, /* stragglers: mail that was resolved just before the shelter opened */
	AGAIN_MS = 5000, /* a released message that is parked again: qmgr had kept its old way; let
			    it go once more */
	EXPIRES_DEFAULT_MS = 4 * 3600 * 1000,
};

enum outcome { DONE, UNCHANGED, RETRY, REFUSED, CONFLICT, STALE, UNKNOWN };
static const char *const outcome_word[] = { "DONE", "UNCHANGED", "RETRY", "REFUSED", "CONFLICT",
	"STALE", "UNKNOWN" };

/* --- text
 * ------------------------------------------------------------------------------------------------
 */

struct text {
	char *p;
	size_t n, cap;
};

static void
die(const char *what)
{
	fprintf(stderr, "ferryman-relay: %s: %s\n", what, strerror(errno));
	exit(71); /* EX_OSERR; no closing line, so the caller knows that this is no answer */
}

/* realloc of n things, or the end. */
static void *
grow(void *p, size_t n, size_t size)
{
	void *q = reallocarray(p, n, size);

	if (q == NULL)
		die("memory");
	return q;
}

static void
put(struct text *t, const void *p, size_t n)
{
	if (t->n + n + 1 > t->cap) {
		t->cap = (t->n + n + 1) * 2;
		t->p = grow(t->p, t->cap, 1);
	}
	if (n > 0)
		memcpy(t->p + t->n, p, n);
	t->n += n;
	t->p[t->n] = '\0';
}

static void
puts_(struct text *t, const char *s)
{
	put(t, s, strlen(s));
}

static void __attribute__((format(printf, 2, 3))) putf(struct text *t, const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	int n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		die("memory");
	put(t, s, (size_t)n);
	free(s);
}

static const char *
str(const struct text *t)
{
	return t->p ? t->p : "";
}

static void
clear(struct text *t)
{
	t->n = 0;
	put(t, "", 0);
}

static void
drop(struct text *t)
{
	free(t->p);
	*t = (struct text){ 0 };
}

/* One netstring at *at; false if there is none. The bytes stay where they are. */
static bool
netstring(const char **at, const char *end, const char **ret, size_t *ret_n)
{
	const char *p = *at;
	size_t n = 0;

	if (p >= end || !isdigit((unsigned char)*p) || (*p == '0' && p + 1 < end && p[1] != ':'))
		return false;
	for (; p < end && isdigit((unsigned char)*p); p++) {
		n = n * 10 + (size_t)(*p - '0');
		if (n > OUTPUT_MAX)
			return false;
	}
	if (p >= end || *p != ':' || (size_t)(end - p) < n + 2 || p[n + 1] != ',')
		return false;
	*ret = p + 1;
	*ret_n = n;
	*at = p + n + 2;
	return true;
}

static bool
number(const char *s, int64_t max, int64_t *ret)
{
	int64_t v = 0;

	if (*s == '\0' || (*s == '0' && s[1] != '\0'))
		return false;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9' || v > (max - (*s - '0')) / 10)
			return false;
		v = v * 10 + (*s - '0');
	}
	*ret = v;
	return true;
}

/* Takes a word up to sep (or the end) from *s into out. */
static bool
word(const char **s, char sep, char *out, size_t size)
{
	size_t n = strcspn(*s, sep == '\n' ? "\n" : (char[]){ sep, '\n', '\0' });

	if (n == 0 || n >= size)
		return false;
	memcpy(out, *s, n);
	out[n] = '\0';
	*s += n;
	if (**s == sep)
		(*s)++;
	return true;
}

/* A DNS name in lower case with at least one dot: what may stand behind '@' in a map. */
static bool
domain_ok(const char *s)
{
	size_t n = strlen(s), label = 0;
	bool dot = false;

	if (n == 0 || n > 253)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = s[i];
		if (c == '.') {
			if (label == 0 || s[i - 1] == '-')
				return false;
			dot = true;
			label = 0;
		} else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			   (c == '-' && label > 0)) {
			if (++label > 63)
				return false;
		} else {
			return false;
		}
	}
	return dot && label > 0 && s[n - 1] != '-';
}

/* "transport:nexthop" as it may stand in a map: no blank, no '$', nothing a table would read
 * otherwise. */
static bool
next_ok(const char *s)
{
	size_t n = strlen(s);
	const char *colon = strchr(s, ':');

	if (n < 3 || n > 300 || colon == NULL || colon == s || colon[1] == '\0')
		return false;
	for (const char *p = s; p < colon; p++)
		if (!isalnum((unsigned char)*p) && *p != '-' && *p != '_')
			return false;
	for (const char *p = colon + 1; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && strchr(".:[]-_", *p) == NULL)
			return false;
	return true;
}

/* --- the machine: files, time, programs --- */

static struct {
	char home[256];
	char postmap[256], postqueue[256], postconf[256];
	char park[128]; /* where parked mail is sent: a next hop that cannot exist */
	char release[32],
		release0[32]; /* transports for mail let go: by the backup, by the primary */
	int64_t rate_n, rate_ms, per_n,
		per_ms; /* release without a rate in the request: after an expiry */
} conf;

static void
path(char out[512], const char *a, const char *b)
{
	snprintf(out, 512, "%s/%s%s", conf.home, a, b);
}

static int64_t
now_ms(clockid_t c)
{
	struct timespec t;

	if (clock_gettime(c, &t) != 0)
		die("clock");
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The whole file; false with errno ENOENT when there is none. */
static bool
slurp(const char *name, struct text *ret)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	clear(ret);
	if (fd < 0)
		return false;
	for (;;) {
		char b[16384];
		ssize_t n = read(fd, b, sizeof b);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			int e = errno;
			(void)close(fd);
			errno = e;
			return n == 0;
		}
		put(ret, b, (size_t)n);
		if (ret->n > OUTPUT_MAX) {
			(void)close(fd);
			errno = EFBIG;
			return false;
		}
	}
}

static bool
write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t w = write(fd, p, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return false;
		p += w;
		n -= (size_t)w;
	}
	return true;
}

/* Replace a file: temp, fsync, rename, fsync of the folder. Old or new, never a mixture. */
static bool
replace(const char *folder, const char *name, const struct text *t, mode_t mode)
{
	char tmp[512], to[512], dir[512];

	path(dir, folder, "");
	snprintf(to, sizeof to, "%.255s/%.60s/%.60s", conf.home, folder, name);
	snprintf(tmp, sizeof tmp, "%.255s/%.60s/.%.60s.new", conf.home, folder, name);
	(void)unlink(tmp);
	int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return false;
	bool ok = fchmod(fd, mode) == 0 && write_all(fd, str(t), t->n) && fsync(fd) == 0;
	int e = errno;
	ok = close(fd) == 0 && ok;
	RELAY_STEP("temp written");
	if (!ok || rename(tmp, to) != 0) {
		if (ok)
			e = errno;
		(void)unlink(tmp);
		errno = e;
		return false;
	}
	RELAY_STEP("renamed");
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ok = fsync(fd) == 0;
	return close(fd) == 0 && ok;
}

/* Run a program by argv, never by a shell; its output into *out (stderr into *errs, cut). Exit
 * status, -1 = killed or not started. */
static int
run(const char *const argv[], struct text *out, struct text *errs)
{
	int o[2], e[2], status = 0;

	clear(out);
	clear(errs);
	if (pipe2(o, O_CLOEXEC) != 0 || pipe2(e, O_CLOEXEC) != 0)
		die("pipe");
	pid_t pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		int null = open("/dev/null", O_RDONLY);
		if (null < 0 || dup2(null, 0) < 0 || dup2(o[1], 1) < 0 || dup2(e[1], 2) < 0)
			_exit(126);
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	(void)close(o[1]);
	(void)close(e[1]);
	struct pollfd pf[2] = { { o[0], POLLIN, 0 }, { e[0], POLLIN, 0 } };
	int64_t until = now_ms(CLOCK_BOOTTIME) + TOOL_LIMIT_MS;
	while (pf[0].fd >= 0 || pf[1].fd >= 0) {
		int64_t left = until - now_ms(CLOCK_BOOTTIME);
		if (left <= 0 || poll(pf, 2, (int)left) == 0 || out->n > OUTPUT_MAX) {
			(void)kill(pid, SIGKILL);
			puts_(errs, "took too long");
			break;
		}
		for (int i = 0; i < 2; i++) {
			char b[16384];
			if (pf[i].fd < 0 || pf[i].revents == 0)
				continue;
			ssize_t n = read(pf[i].fd, b, sizeof b);
			if (n < 0 && errno == EINTR)
				continue;
			if (n <= 0)
				pf[i].fd = -1;
			else if (i == 0)
				put(out, b, (size_t)n);
			else if (errs->n < 2000)
				put(errs, b, (size_t)n);
		}
	}
	(void)close(o[0]);
	(void)close(e[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	for (size_t i = 0; i < errs->n; i++)
		if ((unsigned char)errs->p[i] < 0x20 || errs->p[i] == 0x7f)
			errs->p[i] = ' ';
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* --- state
 * -----------------------------------------------------------------------------------------------
 */

enum job { JOB_NONE, JOB_PARKED, JOB_RELEASING, JOB_SWEEP, JOB_N };
static const char *const job_word[JOB_N] = { "open", "parked", "releasing", "sweep" };

struct dom {
	char name[256];
	int group; /* 0 = the primary way */
	enum job job;
	int64_t expires_wall, expires_boot; /* parked until; boot holds within one boot of the
					       machine. While it lets go: since when (wall) */
	int64_t rate_n, rate_ms, per_n, per_ms;
};

struct way { /* of a group */
	char next[304];
	int share;
};

enum { MAP_PARK, MAP_DOMAINS1, MAP_SLOTS1, MAP_DOMAINS2, MAP_SLOTS2, MAP_N };
static const char *const map_name[MAP_N] = { "park", "domains", "slots", "domains2", "slots2" };

struct stamp { /* how the two files of a map looked when we had drawn it */
	int64_t text_ino, text_ns, lmdb_ino, lmdb_ns;
};

enum { REQ_RESOURCE, REQ_BASE, REQ_WANT, REQ_OPTIONS, REQ_N };

struct state {
	bool there; /* a mark stands here */
	char store[33];
	int64_t lsn;
	bool begun;		/* maps are to be drawn again */
	struct text req[REQ_N]; /* what lsn asked for; all empty after a fence */
	char boot_id[40];
	struct way way[GROUPS + 1];
	struct dom dom[DOMAINS_MAX];
	size_t dom_n;
	struct stamp stamp[MAP_N];
};

static struct state st;
static bool odd_maps;	    /* the trouble is with the maps alone; the state is sound */
static bool edited;	    /* maps differ from what the state says */
static struct text trouble; /* a sentence: why nothing may be changed here */

static void
field(struct text *t, const char *name, const char *v, size_t n)
{
	putf(t, "%s %zu:", name, n);
	put(t, v, n);
	puts_(t, ",\n");
}

static void
boot_id(char out[40])
{
	struct text t = { 0 };

	snprintf(out, 40, "unknown");
	if (slurp("/proc/sys/kernel/random/boot_id", &t) && t.n >= 36)
		snprintf(out, 40, "%.36s", t.p);
	drop(&t);
}

static bool
state_write(void)
{
	struct text t = { 0 }, v = { 0 };

	puts_(&t, PROTO " state\n");
	putf(&v, "%s%s %" PRId64 " %s", st.there ? "" : "-", st.store, st.lsn,
		st.begun ? "begun" : "done");
	field(&t, "mark", v.p, v.n);
	static const char *const names[REQ_N] = { "resource", "base", "want", "options" };
	for (int i = 0; i < REQ_N; i++)
		field(&t, names[i], str(&st.req[i]), st.req[i].n);
	field(&t, "boot", st.boot_id, strlen(st.boot_id));
	for (int g = 1; g <= GROUPS; g++) {
		clear(&v);
		putf(&v, "%d %d %s", g, st.way[g].share, st.way[g].next[0] ? st.way[g].next : "-");
		field(&t, "way", v.p, v.n);
	}
	for (size_t i = 0; i < st.dom_n; i++) {
		const struct dom *d = &st.dom[i];
		clear(&v);
		putf(&v,
			"%s %d %d %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64
			" %" PRId64,
			d->name, d->group, (int)d->job, d->expires_wall, d->expires_boot, d->rate_n,
			d->rate_ms, d->per_n, d->per_ms);
		field(&t, "domain", v.p, v.n);
	}
	for (int m = 0; m < MAP_N; m++) {
		const struct stamp *s = &st.stamp[m];
		clear(&v);
		putf(&v, "%d %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64, m, s->text_ino,
			s->text_ns, s->lmdb_ino, s->lmdb_ns);
		field(&t, "stamp", v.p, v.n);
	}
	puts_(&t, "end\n");
	bool ok = replace("state", "state", &t, 0600);
	int e = errno;
	drop(&t);
	drop(&v);
	errno = e;
	return ok;
}

static bool
state_field(const char *name, const char *v)
{
	int g, share, job;
	char s[320];

	if (strcmp(name, "mark") == 0) {
		char store[40], how[8];
		if (sscanf(v, "%33s %" SCNd64 " %7s", store, &st.lsn, how) != 3)
			return false;
		st.there = store[0] != '-';
		snprintf(st.store, sizeof st.store, "%.32s", store + (st.there ? 0 : 1));
		st.begun = strcmp(how, "begun") == 0;
		return st.begun || strcmp(how, "done") == 0;
	}
	if (strcmp(name, "boot") == 0) {
		snprintf(st.boot_id, sizeof st.boot_id, "%.39s", v);
		return true;
	}
	if (strcmp(name, "way") == 0) {
		if (sscanf(v, "%d %d %303s", &g, &share, s) != 3 || g < 1 || g > GROUPS)
			return false;
		st.way[g].share = share;
		snprintf(st.way[g].next, sizeof st.way[g].next, "%.303s",
			strcmp(s, "-") == 0 ? "" : s);
		return true;
	}
	if (strcmp(name, "domain") == 0) {
		struct dom *d = &st.dom[st.dom_n];
		if (st.dom_n >= DOMAINS_MAX ||
			sscanf(v,
				"%255s %d %d %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64
				" %" SCNd64 " %" SCNd64,
				d->name, &d->group, &job, &d->expires_wall, &d->expires_boot,
				&d->rate_n, &d->rate_ms, &d->per_n, &d->per_ms) != 9 ||
			!domain_ok(d->name) || d->group < 0 || d->group > GROUPS || job < 0 ||
			job >= JOB_N)
			return false;
		d->job = (enum job)job;
		st.dom_n++;
		return true;
	}
	if (strcmp(name, "stamp") == 0) {
		struct stamp q;
		if (sscanf(v, "%d %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64, &g, &q.text_ino,
			    &q.text_ns, &q.lmdb_ino, &q.lmdb_ns) != 5 ||
			g < 0 || g >= MAP_N)
			return false;
		st.stamp[g] = q;
		return true;
	}
	return false;
}

/* RC: 1 read, 0 absent, -1 damaged. */
static int
state_read(void)
{
	struct text t = { 0 };
	char name[512];
	static const char head[] = PROTO " state\n";
	static const char *const reqs[REQ_N] = { "resource", "base", "want", "options" };
	bool ended = false, ok = true;

	for (int i = 0; i < REQ_N; i++)
		drop(&st.req[i]);
	st = (struct state){ 0 };
	path(name, "state/state", "");
	if (!slurp(name, &t)) {
		int e = errno;
		drop(&t);
		return e == ENOENT ? 0 : -1;
	}
	if (strncmp(t.p, head, sizeof head - 1) != 0) {
		drop(&t);
		return -1;
	}
	const char *p = t.p + sizeof head - 1, *end = t.p + t.n;
	while (ok && !ended && p < end) {
		const char *blank = memchr(p, ' ', (size_t)(end - p)), *v;
		size_t n;
		if (strcmp(p, "end\n") == 0) {
			ended = true;
			break;
		}
		if (blank == NULL || blank - p > 20) {
			ok = false;
			break;
		}
		char key[24];
		snprintf(key, sizeof key, "%.*s", (int)(blank - p), p);
		p = blank + 1;
		if (!netstring(&p, end, &v, &n) || p >= end || *p++ != '\n') {
			ok = false;
			break;
		}
		int r = 0;
		while (r < REQ_N && strcmp(key, reqs[r]) != 0)
			r++;
		if (r < REQ_N) {
			clear(&st.req[r]);
			put(&st.req[r], v, n);
		} else {
			char *s = strndup(v, n);
			if (s == NULL)
				die("memory");
			ok = state_field(key, s);
			free(s);
		}
	}
	drop(&t);
	return ok && ended ? 1 : -1;
}

static struct dom *
dom_find(const char *name)
{
	for (size_t i = 0; i < st.dom_n; i++)
		if (strcmp(st.dom[i].name, name) == 0)
			return &st.dom[i];
	return NULL;
}

static struct dom *
dom_get(const char *name)
{
	struct dom *d = dom_find(name);

	if (d != NULL || st.dom_n >= DOMAINS_MAX)
		return d;
	d = &st.dom[st.dom_n++];
	*d = (struct dom){ 0 };
	snprintf(d->name, sizeof d->name, "%.255s", name);
	return d;
}

static void
dom_tidy(void)
{
	size_t n = 0;

	for (size_t i = 0; i < st.dom_n; i++)
		if (st.dom[i].group != 0 || st.dom[i].job != JOB_NONE)
			st.dom[n++] = st.dom[i];
	st.dom_n = n;
	for (int g = 1; g <= GROUPS; g++) {
		bool used = false;
		for (size_t i = 0; i < n; i++)
			used |= st.dom[i].group == g;
		if (!used)
			st.way[g] = (struct way){ 0 };
	}
}

/* --- maps: drawn from the state, read back into one --- */

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Rows "key\tvalue\n" in the order of their bytes; comments and blank lines gone, blanks between
 * made one tab. */
static void
rows_sort(const struct text *in, struct text *out)
{
	char *copy = strdup(str(in)), *save = NULL, **row = NULL;
	size_t n = 0, cap = 0;

	clear(out);
	if (copy == NULL)
		die("memory");
	for (char *l = strtok_r(copy, "\n", &save); l != NULL; l = strtok_r(NULL, "\n", &save)) {
		if (*l == '#' || l[strspn(l, " \t\r")] == '\0')
			continue;
		if (n == cap) {
			cap = cap * 2 + 16;
			row = grow(row, cap, sizeof *row);
		}
		row[n++] = l;
	}
	if (n > 0)
		qsort(row, n, sizeof *row, by_text);
	for (size_t i = 0; i < n; i++) {
		size_t k = strcspn(row[i], " \t");
		const char *v = row[i] + k + strspn(row[i] + k, " \t");
		size_t vn = strlen(v);
		while (vn > 0 && isspace((unsigned char)v[vn - 1]))
			vn--;
		put(out, row[i], k);
		put(out, "\t", 1);
		put(out, v, vn);
		put(out, "\n", 1);
	}
	free(row);
	free(copy);
}

static void
map_rows(int m, struct text *out)
{
	struct text raw = { 0 };

	for (size_t i = 0; i < st.dom_n; i++) {
		const struct dom *d = &st.dom[i];
		int g = d->group;
		if (m == MAP_PARK && d->job == JOB_PARKED)
			putf(&raw, "@%s\t%s\n", d->name, conf.park);
		else if (m == MAP_PARK && d->job == JOB_RELEASING)
			/* "release0:" without a next hop takes the primary's, from the relayhost
			 * maps. */
			putf(&raw, "@%s\t%s%s\n", d->name, g ? conf.release : conf.release0,
				g ? strchr(st.way[g].next, ':') : ":");
		else if ((m == MAP_DOMAINS1 && g == 1) || (m == MAP_DOMAINS2 && g == 2))
			putf(&raw, "@%s\tferryman\n", d->name);
	}
	int g = m == MAP_SLOTS1 ? 1 : m == MAP_SLOTS2 ? 2 : 0;
	if (g > 0)
		for (int i = 1; i <= st.way[g].share * SLOTS / 100; i++)
			putf(&raw, "s%02d\t%s\n", i, st.way[g].next);
	rows_sort(&raw, out);
	drop(&raw);
}

static void
stamp_now(int m, struct stamp *ret)
{
	char name[512];
	struct stat s;

	*ret = (struct stamp){ 0 };
	path(name, "maps/", map_name[m]);
	if (stat(name, &s) == 0) {
		ret->text_ino = (int64_t)s.st_ino;
		ret->text_ns = (int64_t)s.st_mtim.tv_sec * 1000000000 + s.st_mtim.tv_nsec;
	}
	strncat(name, ".lmdb", sizeof name - strlen(name) - 1);
	if (stat(name, &s) == 0) {
		ret->lmdb_ino = (int64_t)s.st_ino;
		ret->lmdb_ns = (int64_t)s.st_mtim.tv_sec * 1000000000 + s.st_mtim.tv_nsec;
	}
}

static bool
stamp_same(const struct stamp *a, const struct stamp *b)
{
	return a->text_ino == b->text_ino && a->text_ns == b->text_ns &&
	       a->lmdb_ino == b->lmdb_ino && a->lmdb_ns == b->lmdb_ns;
}

static bool
map_draw(int m, struct text *why)
{
	struct text rows = { 0 }, t = { 0 }, out = { 0 }, errs = { 0 };
	char arg[512];
	bool ok = false;

	map_rows(m, &rows);
	putf(&t, MAP_MARK "; store=%s lsn=%" PRId64 "\n", st.there ? st.store : "",
		st.there ? st.lsn : 0);
	put(&t, str(&rows), rows.n);
	snprintf(arg, sizeof arg, "lmdb:%.255s/maps/%s", conf.home, map_name[m]);
	if (!replace("maps", map_name[m], &t, 0644)) {
		putf(why, "maps/%s could not be written: %s", map_name[m], strerror(errno));
		goto out;
	}
	RELAY_STEP("text there");
	if (run((const char *const[]){ conf.postmap, arg, NULL }, &out, &errs) != 0) {
		putf(why, "%s %s failed: %.300s", conf.postmap, arg, str(&errs));
		goto out;
	}
	RELAY_STEP("compiled");
	stamp_now(m, &st.stamp[m]);
	ok = true;
out:
	drop(&rows);
	drop(&t);
	drop(&out);
	drop(&errs);
	return ok;
}

/*
 * Draw every map that is not as the state says. Order: the ways first, then who enters one, then
 * who leaves, so that no domain ever points at an empty way; parking before all when it begins,
 * after all when it ends.
 */
static bool
maps_draw(bool all, struct text *why)
{
	static const int order[] = { MAP_SLOTS1, MAP_SLOTS2, MAP_DOMAINS1, MAP_DOMAINS2, MAP_PARK };
	static const int leave[] = { MAP_PARK, MAP_DOMAINS1, MAP_DOMAINS2, MAP_SLOTS1, MAP_SLOTS2 };
	bool used = st.way[1].share > 0 || st.way[2].share > 0;

	for (int i = 0; i < MAP_N; i++) {
		int m = used ? order[i] : leave[i];
		struct text want = { 0 }, file = { 0 }, have = { 0 };
		struct stamp now;
		char name[512];
		map_rows(m, &want);
		path(name, "maps/", map_name[m]);
		stamp_now(m, &now);
		bool same = slurp(name, &file);
		rows_sort(&file, &have);
		same = !all && same && stamp_same(&now, &st.stamp[m]) &&
		       strcmp(str(&want), str(&have)) == 0;
		drop(&want);
		drop(&file);
		drop(&have);
		if (!same && !map_draw(m, why))
			return false;
	}
	return true;
}

/* What Postfix sees, "key\tvalue\n" lines; false with a sentence when that cannot be said. */
static bool
map_load(int m, struct text *rows, bool *ret_marked, struct text *why)
{
	struct text file = { 0 }, text = { 0 }, out = { 0 }, errs = { 0 };
	char name[512], arg[512];
	bool ok = false;

	clear(rows);
	path(name, "maps/", map_name[m]);
	bool have = slurp(name, &file);
	*ret_marked |= strncmp(str(&file), MAP_MARK, sizeof MAP_MARK - 1) == 0;
	struct stamp s;
	stamp_now(m, &s);
	if (!have && s.lmdb_ino == 0) {
		ok = true; /* never drawn */
		goto out;
	}
	if (have && s.lmdb_ino == 0) {
		putf(why, "maps/%s was never compiled: type postmap lmdb:%s", map_name[m], name);
		goto out;
	}
	snprintf(arg, sizeof arg, "lmdb:%.255s/maps/%s", conf.home, map_name[m]);
	if (run((const char *const[]){ conf.postmap, "-s", arg, NULL }, &out, &errs) != 0) {
		putf(why, "%s -s %s failed: %.300s", conf.postmap, arg, str(&errs));
		goto out;
	}
	rows_sort(&out, rows);
	rows_sort(&file, &text);
	if (strcmp(str(rows), str(&text)) != 0) {
		putf(why,
			"maps/%s was edited and not compiled, or the other way round: type postmap "
			"lmdb:%s",
			map_name[m], name);
		goto out;
	}
	ok = true;
out:
	drop(&file);
	drop(&text);
	drop(&out);
	drop(&errs);
	return ok;
}

/* Rows -> st; false with a sentence for rows that ferryman would never write. */
static bool
map_parse(int m, const struct text *rows, struct text *why)
{
	int g = m == MAP_SLOTS1 || m == MAP_DOMAINS1 ? 1 : 2, slots = 0;
	char key[320], val[320], first[320] = "";

	for (const char *p = str(rows); *p != '\0';) {
		bool ok = word(&p, '\t', key, sizeof key) && word(&p, '\n', val, sizeof val);
		if (ok && (m == MAP_SLOTS1 || m == MAP_SLOTS2)) {
			char want[16];
			snprintf(want, sizeof want, "s%02d", ++slots);
			ok = strcmp(key, want) == 0 && slots <= SLOTS && next_ok(val) &&
			     (slots == 1 || strcmp(first, val) == 0);
			snprintf(first, sizeof first, "%s", val);
		} else if (ok) {
			struct dom *d =
				key[0] == '@' && domain_ok(key + 1) ? dom_get(key + 1) : NULL;
			ok = d != NULL;
			if (ok && m == MAP_PARK) {
				size_t r = strlen(conf.release), r0 = strlen(conf.release0);
				if (strcmp(val, conf.park) == 0)
					d->job = JOB_PARKED;
				else if ((strncmp(val, conf.release, r) == 0 && val[r] == ':') ||
					 (strncmp(val, conf.release0, r0) == 0 && val[r0] == ':'))
					d->job = JOB_RELEASING;
				else
					ok = false;
			} else if (ok) {
				d->group = d->group ? d->group : g;
			}
		}
		if (!ok) {
			putf(why,
				"maps/%s has rows that ferryman does not write; put them elsewhere "
				"or undo them",
				map_name[m]);
			return false;
		}
	}
	if (slots > 0) {
		st.way[g].share = slots * 100 / SLOTS;
		snprintf(st.way[g].next, sizeof st.way[g].next, "%.303s", first);
	}
	return true;
}

/* A person changed the maps: what they say now counts; what only we know (rates, expiry) is kept
 * where it still fits. */
static bool
maps_adopt(struct text rows[MAP_N], struct text *why)
{
	static struct state old;
	int64_t wall = now_ms(CLOCK_REALTIME), boot = now_ms(CLOCK_BOOTTIME);

	old = st;
	st.dom_n = 0;
	memset(st.way, 0, sizeof st.way);
	for (int m = 0; m < MAP_N; m++)
		if (!map_parse(m, &rows[m], why)) {
			memcpy(st.way, old.way, sizeof st.way);
			memcpy(st.dom, old.dom, sizeof st.dom);
			st.dom_n = old.dom_n;
			return false;
		}
	for (size_t i = 0; i < st.dom_n; i++) {
		struct dom *d = &st.dom[i];
		d->expires_wall = wall + EXPIRES_DEFAULT_MS;
		d->expires_boot = boot + EXPIRES_DEFAULT_MS;
		d->rate_n = conf.rate_n, d->rate_ms = conf.rate_ms;
		d->per_n = conf.per_n, d->per_ms = conf.per_ms;
		for (size_t k = 0; k < old.dom_n; k++) {
			if (strcmp(old.dom[k].name, d->name) != 0)
				continue;
			int g = d->group;
			enum job j = d->job == JOB_NONE && old.dom[k].job == JOB_SWEEP ? JOB_SWEEP
										       : d->job;
			*d = old.dom[k];
			d->group = g;
			d->job = j;
		}
		if (d->group > 0 && st.way[d->group].share == 0)
			d->group = 0; /* a member of a way that leads nowhere takes the primary's */
	}
	for (size_t k = 0; k < old.dom_n; k++) { /* sweeps leave no row */
		if (old.dom[k].job != JOB_SWEEP || dom_find(old.dom[k].name) != NULL)
			continue;
		struct dom *d = dom_get(old.dom[k].name);
		if (d != NULL) {
			*d = old.dom[k];
			d->group = 0;
		}
	}
	for (int m = 0; m < MAP_N; m++)
		stamp_now(m, &st.stamp[m]);
	return true;
}

/*
 * Everything before a verb: read the state, finish what was begun, see whether a person changed the
 * maps. trouble = why nothing may be changed; then the state is not to be trusted either.
 */
static void
load(void)
{
	struct text rows[MAP_N] = { 0 }, why = { 0 };
	bool marked = false, any = false, ok = true;
	char id[40];

	clear(&trouble);
	edited = odd_maps = false;
	int r = state_read();
	boot_id(id);
	if (r < 0) {
		puts_(&trouble, "state/state is damaged: what was done here last cannot be known; "
				"look at the maps, then type ferryman-relay adopt there");
		return;
	}
	if (r > 0 && strcmp(st.boot_id, id) !=
			     0) { /* another boot: its clock of waiting means nothing now */
		int64_t wall = now_ms(CLOCK_REALTIME), boot = now_ms(CLOCK_BOOTTIME);
		for (size_t i = 0; i < st.dom_n; i++)
			st.dom[i].expires_boot = boot + (st.dom[i].expires_wall - wall);
	}
	snprintf(st.boot_id, sizeof st.boot_id, "%s", id);
	if (r > 0 && st.begun) {
		if (!maps_draw(true, &trouble))
			return;
		st.begun = false;
		if (!state_write())
			putf(&trouble, "state/state could not be written: %s", strerror(errno));
		return;
	}
	bool same = r > 0;
	for (int m = 0; m < MAP_N && same; m++) {
		struct stamp s;
		stamp_now(m, &s);
		same = stamp_same(&s, &st.stamp[m]);
	}
	if (same)
		return;
	for (int m = 0; m < MAP_N && ok; m++) {
		struct text want = { 0 };
		ok = map_load(m, &rows[m], &marked, &why);
		any |= rows[m].n > 0;
		map_rows(m, &want);
		edited |= strcmp(str(&want), str(&rows[m])) != 0;
		drop(&want);
	}
	if (!ok) {
		puts_(&trouble, str(&why));
		odd_maps = r > 0;
	} else if (r == 0 && (any || marked))
		puts_(&trouble, "state/state is gone, but the maps were written by ferryman: the "
				"highest number seen here is lost; look at the maps, then type "
				"ferryman-relay adopt there");
	else if (edited && !maps_adopt(rows, &why)) {
		puts_(&trouble, str(&why));
		odd_maps = r > 0;
	} else
		for (int m = 0; m < MAP_N; m++)
			stamp_now(m, &st.stamp[m]);
	for (int m = 0; m < MAP_N; m++)
		drop(&rows[m]);
	drop(&why);
}

/* The state as it is now in memory becomes true: begun, drawn, done. */
static enum outcome
commit(struct text *why)
{
	dom_tidy();
	st.begun = true;
	if (!state_write()) {
		putf(why, "state/state could not be written: %s", strerror(errno));
		return errno == ENOSPC || errno == EROFS || errno == EACCES ? RETRY : UNKNOWN;
	}
	RELAY_STEP("begun");
	if (!maps_draw(false, why))
		return UNKNOWN;
	RELAY_STEP("drawn");
	st.begun = false;
	if (!state_write()) {
		putf(why, "state/state could not be written: %s", strerror(errno));
		return UNKNOWN;
	}
	RELAY_STEP("done");
	return DONE;
}

/* --- the queue --- */

enum { RCPT_DOMAINS_MAX = 32 };

struct msg {
	char id[48];
	int64_t arrival;
	char from[256];	 /* domain of the sender */
	char (*to)[256]; /* receiver domains, each once */
	size_t to_n;
	bool deferred, parked;
	bool let_go;  /* in this listing */
	bool refused; /* the next host said 5xx, and the status filter made it a deferral */
};

struct queue {
	struct msg *msg;
	size_t n, cap;
};

static void
queue_free(struct queue *q)
{
	for (size_t i = 0; i < q->n; i++)
		free(q->msg[i].to);
	free(q->msg);
	*q = (struct queue){ 0 };
}

/* A JSON string at *p into out (cut at size); escapes that no address needs become '?'. */
static bool
json_string(const char **p, char *out, size_t size)
{
	size_t n = 0;

	if (*(*p)++ != '"')
		return false;
	for (; **p != '"'; (*p)++) {
		char c = **p;
		if (c == '\0')
			return false;
		if (c == '\\') {
			c = *++*p;
			if (c == '\0')
				return false;
			if (c == 'u') {
				for (int i = 1; i <= 4; i++)
					if (!isxdigit((unsigned char)(*p)[i]))
						return false;
				*p += 4;
				c = '?';
			} else if (strchr("bfnrt", c) != NULL) {
				c = ' ';
			}
		}
		if (n + 1 < size)
			out[n++] = c;
	}
	out[n] = '\0';
	(*p)++;
	return true;
}

static bool
json_skip(const char **p, int depth)
{
	char s[8];

	*p += strspn(*p, " ");
	if (**p == '"')
		return json_string(p, s, sizeof s);
	if (**p == '{' || **p == '[') {
		char close = **p == '{' ? '}' : ']';
		if (depth > 8)
			return false;
		for ((*p)++; **p != close;) {
			*p += strspn(*p, " ,:");
			if (**p == close)
				break;
			if (!json_skip(p, depth + 1))
				return false;
			*p += strspn(*p, " ,:");
		}
		(*p)++;
		return true;
	}
	size_t n = strspn(*p, "-+.0123456789aeflnrstuE");
	*p += n;
	return n > 0;
}

static void
lower_domain(const char *address, char out[256])
{
	const char *at = strrchr(address, '@');

	out[0] = '\0';
	if (at == NULL)
		return;
	size_t n = 0;
	for (at++; *at != '\0' && n < 255; at++)
		out[n++] = (char)tolower((unsigned char)*at);
	out[n] = '\0';
}

static bool
msg_recipient(struct msg *m, const char **p)
{
	char key[32], address[520] = "", reason[400] = "", dom[256];

	for ((*p)++; **p != '}';) {
		*p += strspn(*p, " ,");
		if (!json_string(p, key, sizeof key))
			return false;
		*p += strspn(*p, " :");
		bool ok = strcmp(key, "address") == 0 ? json_string(p, address, sizeof address)
			  : strcmp(key, "delay_reason") == 0 ? json_string(p, reason, sizeof reason)
							     : json_skip(p, 0);
		if (!ok)
			return false;
		*p += strspn(*p, " ");
	}
	(*p)++;
	/* "deferred transport": by defer_transports. The park address: somebody flushed while it
	 * was parked. */
	if (strstr(reason, "deferred transport") != NULL ||
		strstr(reason, strrchr(conf.park, '/') ? strrchr(conf.park, '/') + 1 : conf.park) !=
			NULL)
		m->parked = true;
	m->refused = m->refused || strstr(reason, " said: 5") != NULL;
	lower_domain(address, dom);
	for (size_t i = 0; i < m->to_n; i++)
		if (strcmp(m->to[i], dom) == 0)
			return true;
	if (m->to_n < RCPT_DOMAINS_MAX)
		memcpy(m->to[m->to_n++], dom, sizeof dom);
	return true;
}

static bool
msg_read(struct msg *m, const char *p)
{
	char key[32], s[520];

	if (*p++ != '{')
		return false;
	while (*p != '}') {
		p += strspn(p, " ,");
		if (!json_string(&p, key, sizeof key))
			return false;
		p += strspn(p, " :");
		if (strcmp(key, "queue_id") == 0) {
			if (!json_string(&p, m->id, sizeof m->id))
				return false;
		} else if (strcmp(key, "queue_name") == 0) {
			if (!json_string(&p, s, sizeof s))
				return false;
			m->deferred = strcmp(s, "deferred") == 0;
		} else if (strcmp(key, "sender") == 0) {
			if (!json_string(&p, s, sizeof s))
				return false;
			lower_domain(s, m->from);
		} else if (strcmp(key, "arrival_time") == 0) {
			m->arrival = strtoll(p, NULL, 10);
			if (!json_skip(&p, 0))
				return false;
		} else if (strcmp(key, "recipients") == 0 && *p == '[') {
			for (p++; *p != ']'; p += strspn(p, " ,"))
				if (*p != '{' || !msg_recipient(m, &p))
					return false;
			p++;
		} else if (!json_skip(&p, 0)) {
			return false;
		}
		p += strspn(p, " ");
	}
	/* It becomes an argument of postqueue: letters and digits, nothing else. */
	size_t n = strlen(m->id);
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)m->id[i]))
			return false;
	return n > 0 && n < 40;
}

static int
newest_first(const void *a, const void *b)
{
	const struct msg *x = a, *y = b;

	if (x->arrival != y->arrival)
		return x->arrival < y->arrival ? 1 : -1;
	return strcmp(y->id, x->id);
}

static bool
queue_list(struct queue *q, struct text *why)
{
	struct text out = { 0 }, errs = { 0 };
	char *save = NULL;
	bool ok = false;

	if (run((const char *const[]){ conf.postqueue, "-j", NULL }, &out, &errs) != 0) {
		putf(why, "%s -j failed: %.300s", conf.postqueue, str(&errs));
		goto out;
	}
	for (char *l = strtok_r(out.p, "\n", &save); l != NULL; l = strtok_r(NULL, "\n", &save)) {
		struct msg m = { 0 };
		m.to = calloc(RCPT_DOMAINS_MAX, sizeof *m.to);
		if (m.to == NULL)
			die("memory");
		if (!msg_read(&m, l)) {
			free(m.to);
			putf(why, "%s -j said what is not understood: %.60s", conf.postqueue, l);
			goto out;
		}
		m.to = grow(m.to, m.to_n ? m.to_n : 1, sizeof *m.to);
		if (q->n == q->cap) {
			q->cap = q->cap * 2 + 64;
			q->msg = grow(q->msg, q->cap, sizeof *q->msg);
		}
		q->msg[q->n++] = m;
	}
	if (q->n > 0)
		qsort(q->msg, q->n, sizeof *q->msg, newest_first);
	ok = true;
out:
	drop(&out);
	drop(&errs);
	return ok;
}

static bool
msg_of(const struct msg *m, const char *domain)
{
	if (strcmp(m->from, domain) == 0)
		return true;
	for (size_t i = 0; i < m->to_n; i++)
		if (strcmp(m->to[i], domain) == 0)
			return true;
	return false;
}

static bool
msg_is_parked(const struct msg *m, const char *domain)
{
	return m->deferred && m->parked && strcmp(m->from, domain) == 0;
}

/* "state S\nparked N\nwaiting N\noldest SECONDS\n" of what is from or to the domain. */
static bool
queue_value(const char *domain, struct text *out, struct text *why)
{
	struct queue q = { 0 };
	size_t parked = 0, waiting = 0;
	int64_t oldest = 0, now = now_ms(CLOCK_REALTIME) / 1000;
	const struct dom *d = dom_find(domain);
	enum job job = d != NULL ? d->job : JOB_NONE;

	if (!queue_list(&q, why)) {
		queue_free(&q);
		return false;
	}
	for (size_t i = 0; i < q.n; i++) {
		const struct msg *m = &q.msg[i];
		if (!msg_of(m, domain))
			continue;
		if (msg_is_parked(m, domain))
			parked++;
		else
			waiting++;
		if (m->arrival > 0 && now - m->arrival > oldest)
			oldest = now - m->arrival;
	}
	queue_free(&q);
	putf(out, "state %s\nparked %zu\nwaiting %zu\noldest %" PRId64 "\n",
		job_word[job == JOB_SWEEP ? (parked > 0 ? JOB_RELEASING : JOB_NONE) : job], parked,
		waiting, oldest);
	return true;
}

/* --- the keeper: ends shelters and lets mail go, without anybody connected --- */

static int
lock_take(const char *name, bool wait)
{
	char file[512];

	path(file, "state/", name);
	int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		die(file);
	while (flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB) != 0) {
		if (errno == EINTR)
			continue;
		if (wait || errno != EWOULDBLOCK)
			die(file);
		(void)close(fd);
		return -1;
	}
	return fd;
}

static bool
jobs_open(void)
{
	for (size_t i = 0; i < st.dom_n; i++)
		if (st.dom[i].job != JOB_NONE)
			return true;
	return false;
}

struct pace { /* one receiver domain, or the total: not before this */
	char name[256];
	int64_t next;
};
struct sent {
	char id[48];
	int64_t when;
};

/*
 * What was let go and came back deferred by the next host. While the domain's row stands in the
 * table, the queue manager's own next try makes it "parked" once more: by the backup's way it needs
 * no second help, and must not hold the shelter open for ever. By the primary's way, whose own
 * transport has no filter, one that was refused would bounce as soon as the row is gone.
 */
struct tried {
	char id[48];
	bool refused;
};

static struct {
	void *tried; /* tsearch(3) */
	struct pace *pace;
	size_t pace_n, pace_cap;
	struct sent *sent;
	size_t sent_n, sent_cap;
	int64_t next_total;
	int64_t sweep_since[DOMAINS_MAX];
} pump;

static struct pace *
pace_of(const char *name)
{
	for (size_t i = 0; i < pump.pace_n; i++)
		if (strcmp(pump.pace[i].name, name) == 0)
			return &pump.pace[i];
	if (pump.pace_n == pump.pace_cap) {
		pump.pace_cap = pump.pace_cap * 2 + 64;
		pump.pace = grow(pump.pace, pump.pace_cap, sizeof *pump.pace);
	}
	struct pace *p = &pump.pace[pump.pace_n++];
	snprintf(p->name, sizeof p->name, "%.255s", name);
	p->next = 0;
	return p;
}

static bool
just_sent(const char *id, int64_t now)
{
	size_t n = 0;
	bool found = false;

	for (size_t i = 0; i < pump.sent_n; i++) {
		if (now - pump.sent[i].when > AGAIN_MS)
			continue;
		found |= strcmp(pump.sent[i].id, id) == 0;
		pump.sent[n++] = pump.sent[i];
	}
	pump.sent_n = n;
	return found;
}

static int
tried_cmp(const void *a, const void *b)
{
	return strcmp(((const struct tried *)a)->id, ((const struct tried *)b)->id);
}

static struct tried *
tried_find(const char *id)
{
	struct tried key;

	snprintf(key.id, sizeof key.id, "%.47s", id);
	void *at = tfind(&key, &pump.tried, tried_cmp);
	return at != NULL ? *(struct tried **)at : NULL;
}

static void
tried_note(const struct msg *m)
{
	struct tried *t = tried_find(m->id);

	if (t == NULL) {
		t = grow(NULL, 1, sizeof *t);
		snprintf(t->id, sizeof t->id, "%.47s", m->id);
		if (tsearch(t, &pump.tried, tried_cmp) == NULL)
			die("memory");
	}
	t->refused = m->refused;
}

/* May the shelter of its domain not end because of this message? */
static bool
holds(const struct msg *m, const struct dom *d)
{
	const struct tried *t = d->job == JOB_RELEASING ? tried_find(m->id) : NULL;
	bool may_bounce = t == NULL || t->refused;

	if (msg_is_parked(m, d->name))
		return t == NULL || (d->group == 0 && may_bounce);
	if (d->job != JOB_RELEASING || d->group != 0 || strcmp(m->from, d->name) != 0)
		return false;
	if (m->deferred && !m->let_go)
		return m->refused;
	/* on its way: what the shelter had kept is waited for, new mail is not, or it would never
	 * end */
	return m->arrival * 1000 < d->expires_wall && may_bounce;
}

static void
release_one(const struct msg *m, const struct dom *d)
{
	struct text out = { 0 }, errs = { 0 };

	(void)run((const char *const[]){ conf.postqueue, "-i", m->id, NULL }, &out, &errs);
	drop(&out);
	drop(&errs);
	int64_t now = now_ms(CLOCK_BOOTTIME); /* paced from here, so that a slow tool never makes
						 two come closer */
	if (pump.sent_n == pump.sent_cap) {
		pump.sent_cap = pump.sent_cap * 2 + 256;
		pump.sent = grow(pump.sent, pump.sent_cap, sizeof *pump.sent);
	}
	struct sent *s = &pump.sent[pump.sent_n++];
	snprintf(s->id, sizeof s->id, "%.47s", m->id);
	s->when = now;
	pump.next_total = now + (d->rate_n > 0 ? (d->rate_ms + d->rate_n - 1) / d->rate_n : 0);
	for (size_t i = 0; i < m->to_n; i++)
		pace_of(m->to[i])->next =
			now + (d->per_n > 0 ? (d->per_ms + d->per_n - 1) / d->per_n : 0);
}

/*
 * The newest message that may go now, or NULL; *ret_soon = when the next one may. Those that were
 * refused go after all others, or they would take the whole rate; by the backup's way they are the
 * queue manager's own business as soon as the row is gone.
 */
static struct msg *
next_to_go(struct queue *q, bool again, int64_t *ret_soon)
{
	for (size_t i = 0; i < q->n; i++) {
		struct msg *m = &q->msg[i];
		const struct dom *d = m->deferred && m->parked ? dom_find(m->from) : NULL;
		int64_t now = now_ms(CLOCK_BOOTTIME), at = pump.next_total;
		if (d == NULL || (d->job != JOB_RELEASING && d->job != JOB_SWEEP) ||
			just_sent(m->id, now))
			continue;
		bool tried = d->job == JOB_RELEASING && tried_find(m->id) != NULL;
		if (tried != again || (tried && d->group != 0))
			continue;
		for (size_t r = 0; r < m->to_n; r++)
			if (pace_of(m->to[r])->next > at)
				at = pace_of(m->to[r])->next;
		if (at <= now)
			return m;
		*ret_soon = at < *ret_soon ? at : *ret_soon;
	}
	return NULL;
}

/*
 * Let go what may go now; one listing serves for a second of work. Returns when to look again
 * (CLOCK_BOOTTIME). left[i]: parked mail of domain i that could not be let go in this turn.
 */
static int64_t
pump_turn(size_t left[DOMAINS_MAX])
{
	struct queue q = { 0 };
	struct text why = { 0 };
	int64_t began = now_ms(CLOCK_BOOTTIME), again = began + 1000;

	memset(left, 0, DOMAINS_MAX * sizeof *left);
	if (!queue_list(&q, &why)) {
		fprintf(stderr, "ferryman-relay: %s\n", str(&why));
		for (size_t k = 0; k < DOMAINS_MAX; k++)
			left[k] = 1;
		goto out;
	}
	for (size_t i = 0; i < q.n; i++)
		if (q.msg[i].deferred && !q.msg[i].parked && dom_find(q.msg[i].from) != NULL)
			tried_note(&q.msg[i]);
	for (bool more = true; more && now_ms(CLOCK_BOOTTIME) < began + 1000;) {
		int64_t soon = INT64_MAX;
		struct msg *m = next_to_go(&q, false, &soon);
		if (m == NULL)
			m = next_to_go(&q, true, &soon);
		more = m != NULL;
		if (more) {
			release_one(m, dom_find(m->from));
			m->parked = false; /* done with it in this listing */
			m->let_go = true;
		}
		if (!more && soon < began + 1000) {
			int64_t wait = soon - now_ms(CLOCK_BOOTTIME);
			if (wait > 0)
				(void)poll(NULL, 0, (int)wait);
			more = true;
		}
	}
	/* What was let go in this turn is none: else mail that keeps coming would hold the shelter
	 * open for ever. */
	for (size_t k = 0; k < st.dom_n; k++)
		for (size_t i = 0; i < q.n; i++)
			left[k] += holds(&q.msg[i], &st.dom[k]);
out:
	queue_free(&q);
	drop(&why);
	return again;
}

/* What time alone changes: a shelter past its expiry starts to let go. True if the state changed.
 */
static bool
jobs_expire(int64_t now)
{
	bool changed = false;

	for (size_t i = 0; i < st.dom_n; i++) {
		struct dom *d = &st.dom[i];
		if (d->job != JOB_PARKED || d->expires_boot > now)
			continue;
		d->job = JOB_RELEASING;
		d->expires_wall = now_ms(CLOCK_REALTIME);
		d->rate_n = conf.rate_n, d->rate_ms = conf.rate_ms;
		d->per_n = conf.per_n, d->per_ms = conf.per_ms;
		changed = true;
	}
	return changed;
}

/* What the pump saw: an empty shelter opens, an old sweep ends. left was counted for these domains,
 * under no lock. */
static bool
jobs_settle(const struct state *seen, const size_t left[DOMAINS_MAX], int64_t now)
{
	bool changed = false;

	for (size_t k = 0; k < seen->dom_n; k++) {
		struct dom *d = dom_find(seen->dom[k].name);
		if (d == NULL || d->job != seen->dom[k].job || left[k] > 0) {
			pump.sweep_since[k] = 0;
			continue;
		}
		if (d->job == JOB_RELEASING) {
			d->job = JOB_SWEEP;
			d->expires_boot = now + SWEEP_MS;
			changed = true;
		} else if (d->job == JOB_SWEEP && d->expires_boot <= now) {
			d->job = JOB_NONE;
			changed = true;
		}
	}
	return changed;
}

static void
keeper_wait(int watch, int64_t until)
{
	char b[4096];
	int64_t left = until - now_ms(CLOCK_BOOTTIME);
	struct pollfd pf = { watch, POLLIN, 0 };

	if (left <= 0)
		return;
	if (poll(&pf, 1, left > 60000 ? 60000 : (int)left) > 0)
		(void)!read(watch, b, sizeof b);
}

static void
keeper(void)
{
	static struct state seen;
	static size_t left[DOMAINS_MAX];
	char dir[512];
	int mine = lock_take("keeper.lock", false);

	if (mine < 0)
		return;
	/* For people who look: who keeps. The lock says whether it is true. */
	if (ftruncate(mine, 0) != 0 || dprintf(mine, "%d\n", (int)getpid()) < 0)
		die("keeper.lock");
	path(dir, "state", "");
	int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watch < 0 || inotify_add_watch(watch, dir, IN_MOVED_TO | IN_DELETE_SELF) < 0)
		die("inotify");
	bool looked = false;
	for (;;) {
		struct text why = { 0 };
		bool pumping = false;
		int64_t until = INT64_MAX;
		int lock = lock_take("lock", true);
		load();
		int64_t now = now_ms(CLOCK_BOOTTIME);
		if (trouble.n == 0) {
			bool changed = edited | jobs_expire(now);
			changed |= looked && jobs_settle(&seen, left, now);
			if (changed && commit(&why) != DONE)
				fprintf(stderr, "ferryman-relay: %s\n", str(&why));
		}
		looked = false;
		if (trouble.n == 0 && !jobs_open()) {
			(void)close(mine); /* given up while the state is locked: whoever adds a job
					      next starts a new keeper */
			(void)close(lock);
			(void)close(watch);
			return;
		}
		for (size_t i = 0; i < st.dom_n && trouble.n == 0; i++) {
			pumping |= st.dom[i].job == JOB_RELEASING || st.dom[i].job == JOB_SWEEP;
			if (st.dom[i].expires_boot < until)
				until = st.dom[i].expires_boot;
		}
		seen = st;
		(void)close(lock);
		if (pumping) {
			int64_t again = pump_turn(left);
			looked = true;
			until = again;
		}
		/* State of the shelters may change at any time: inotify wakes us. Trouble is looked
		 * at once a minute. */
		keeper_wait(watch, trouble.n > 0 ? now + 60000 : until);
		drop(&why);
	}
}

/* Starts a keeper that outlives this connection, if there is work and none runs. */
static void
keeper_start(void)
{
	if (trouble.n > 0 || !jobs_open())
		return;
	int probe = lock_take("keeper.lock", false);
	if (probe < 0)
		return;
	(void)close(probe);
	pid_t pid = fork();
	if (pid < 0)
		return; /* the next verb or tick tries again */
	if (pid > 0) {
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		return;
	}
	(void)setsid();
	if (fork() != 0)
		_exit(0);
	int null = open("/dev/null", O_RDWR);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
		_exit(1);
	(void)close_range(3, ~0U, 0);
	(void)signal(SIGHUP, SIG_IGN);
	keeper();
	_exit(0);
}

/* --- verbs
 * -----------------------------------------------------------------------------------------------
 */

struct request {
	char *word[FIELDS_MAX];
	size_t len[FIELDS_MAX];
	size_t n;
};

static struct text answer;

static void
say(const char *name, const char *v)
{
	field(&answer, name, v, strlen(v));
}

static void
say_mark(void)
{
	char n[24];

	if (!st.there)
		return;
	snprintf(n, sizeof n, "%" PRId64, st.lsn);
	say("store", st.store);
	say("lsn", n);
}

#define MARKER "fence.marker" /* the number itself, to be taken out */

enum kind { ROUTE, PARK, QUEUE, KIND_N };
static const char *const kind_word[KIND_N] = { "relay.route ", "relay.park ", "relay.queue " };

static enum kind
resource_parse(const char *s, const char **ret_domain)
{
	int k = 0;

	while (k < KIND_N && strncmp(s, kind_word[k], strlen(kind_word[k])) != 0)
		k++;
	if (k < KIND_N)
		*ret_domain = s + strlen(kind_word[k]);
	return k < KIND_N && domain_ok(*ret_domain) ? (enum kind)k : KIND_N;
}

static void
route_value(const struct dom *d, struct text *out)
{
	clear(out);
	if (d != NULL && d->group > 0)
		putf(out, "next %s\nshare %d\n", st.way[d->group].next, st.way[d->group].share);
}

static const char *
park_value(const struct dom *d)
{
	if (d == NULL || d->job == JOB_NONE || d->job == JOB_SWEEP)
		return "";
	return d->job == JOB_PARKED ? "parked\n" : "releasing\n";
}

static enum outcome
verb_read(const struct request *r)
{
	const char *domain = NULL;
	struct text v = { 0 }, why = { 0 };
	bool marker = strcmp(r->word[2], MARKER) == 0;
	enum kind k = marker ? KIND_N : resource_parse(r->word[2], &domain);
	enum outcome o = DONE;

	if (k == KIND_N && !marker) {
		say("why", "no such resource: " MARKER ", or relay.route, relay.park or "
			   "relay.queue, then a domain in lower case");
		return REFUSED;
	}
	say_mark();
	if (trouble.n > 0) {
		say("why", str(&trouble));
		return REFUSED;
	}
	if (marker)
		puts_(&v, st.there ? "marked\n" : "");
	else if (k == ROUTE)
		route_value(dom_find(domain), &v);
	else if (k == PARK)
		puts_(&v, park_value(dom_find(domain)));
	else if (!queue_value(domain, &v, &why))
		o = RETRY;
	if (o == DONE)
		field(&answer, "value", str(&v), v.n);
	say("why", o != DONE ? str(&why)
		   : edited  ? "the maps were changed by hand since ferryman last wrote them"
			     : "");
	drop(&v);
	drop(&why);
	return o;
}

/* "next TRANSPORT:NEXTHOP\nshare N\n" or ""; false = not canonical. */
static bool
route_parse(const char *s, struct way *ret)
{
	char share[8];
	int64_t n;

	*ret = (struct way){ 0 };
	if (*s == '\0')
		return true;
	if (strncmp(s, "next ", 5) != 0)
		return false;
	s += 5;
	if (!word(&s, '\n', ret->next, sizeof ret->next) || !next_ok(ret->next) ||
		strncmp(s, "share ", 6) != 0)
		return false;
	s += 6;
	if (!word(&s, '\n', share, sizeof share) || *s != '\0' || s[-1] != '\n' ||
		!number(share, 100, &n))
		return false;
	ret->share = (int)n;
	return n >= 5 && n % 5 == 0;
}

/* Is the second pair of tables named in main.cf? Without it Postfix would never look there. */
static bool
second_way_there(void)
{
	struct text out = { 0 }, errs = { 0 };
	char a[320], b[320];

	snprintf(a, sizeof a, "lmdb:%s/maps/domains2", conf.home);
	snprintf(b, sizeof b, "lmdb:%s/maps/slots2", conf.home);
	bool ok = run((const char *const[]){ conf.postconf, "-h",
			      "sender_dependent_default_transport_maps", NULL },
			  &out, &errs) == 0 &&
		  strstr(str(&out), a) != NULL && strstr(str(&out), b) != NULL;
	drop(&out);
	drop(&errs);
	return ok;
}

static bool
same_way(const struct way *a, const struct way *b)
{
	return a->share == b->share && strcmp(a->next, b->next) == 0;
}

static bool
route_set(const char *domain, const struct way *w, struct text *why)
{
	size_t members[GROUPS + 1] = { 0 };
	struct dom *d = dom_get(domain);

	if (d == NULL) {
		putf(why, "more than %d domains are away from the primary", DOMAINS_MAX);
		return false;
	}
	int g = 0;
	if (w->share > 0) {
		for (size_t i = 0; i < st.dom_n; i++)
			members[st.dom[i].group]++;
		for (int i = 1; i <= GROUPS && g == 0; i++)
			if (members[i] > 0 && same_way(&st.way[i], w))
				g = i;
		if (g == 0 && d->group > 0 && members[d->group] == 1)
			g = d->group;
		for (int i = 1; i <= GROUPS && g == 0; i++)
			if (members[i] == 0)
				g = i;
		if (g == 0) {
			puts_(why, "this relay's domains already take two different ways; let one "
				   "of them follow first");
			return false;
		}
		if (g == 2 && d->group != 2 && !second_way_there()) {
			puts_(why, "another domain takes another way and main.cf does not name the "
				   "tables domains2 and slots2: see ferryman setup");
			return false;
		}
		st.way[g] = *w;
	}
	d->group = g;
	return true;
}

static bool
rate_parse(const char *s, int64_t *n, int64_t *ms)
{
	char a[24], b[24];

	return word(&s, '/', a, sizeof a) && word(&s, '\n', b, sizeof b) && *s == '\0' &&
	       number(a, 1000000, n) && *n > 0 && number(b, 86400000, ms) && *ms > 0;
}

static bool
options_parse(const char *s, struct dom *d)
{
	while (*s != '\0') {
		char key[24], val[64];
		int64_t ms = 0;
		if (!word(&s, ' ', key, sizeof key) || !word(&s, '\n', val, sizeof val))
			return false;
		if (strcmp(key, "rate") == 0 ? !rate_parse(val, &d->rate_n, &d->rate_ms)
			: strcmp(key, "per_receiver") == 0
				? !rate_parse(val, &d->per_n, &d->per_ms)
				: strcmp(key, "expires") != 0 ||
					  !number(val, (int64_t)30 * 86400000, &ms))
			return false;
		if (strcmp(key, "expires") == 0) {
			d->expires_wall = now_ms(CLOCK_REALTIME) + ms;
			d->expires_boot = now_ms(CLOCK_BOOTTIME) + ms;
		}
	}
	return true;
}

/* Opening a shelter with nothing in it needs no pump: it is open at once. */
static enum job
job_to_open(const char *domain)
{
	struct queue q = { 0 };
	struct text why = { 0 };
	bool any = !queue_list(&q, &why);

	for (size_t i = 0; i < q.n; i++)
		any |= msg_is_parked(&q.msg[i], domain);
	queue_free(&q);
	drop(&why);
	return any ? JOB_RELEASING : JOB_SWEEP;
}

static bool
park_set(const char *domain, bool parked, const char *options, struct text *why)
{
	struct dom *d = dom_get(domain);

	if (d == NULL) {
		putf(why, "more than %d domains are away from the primary", DOMAINS_MAX);
		return false;
	}
	if (parked || (d->job == JOB_NONE || d->job == JOB_PARKED)) {
		d->expires_wall = now_ms(CLOCK_REALTIME) + EXPIRES_DEFAULT_MS;
		d->expires_boot = now_ms(CLOCK_BOOTTIME) + EXPIRES_DEFAULT_MS;
		d->rate_n = conf.rate_n, d->rate_ms = conf.rate_ms;
		d->per_n = conf.per_n, d->per_ms = conf.per_ms;
	}
	if (!options_parse(options, d)) {
		puts_(why, "options are not understood: expires MS, rate N/MS, per_receiver N/MS");
		return false;
	}
	if (parked) {
		d->job = JOB_PARKED;
	} else if (d->job == JOB_PARKED) {
		d->job = job_to_open(domain);
		d->expires_wall = now_ms(CLOCK_REALTIME);
		if (d->job == JOB_SWEEP)
			d->expires_boot = now_ms(CLOCK_BOOTTIME) + SWEEP_MS;
	}
	return true;
}

static enum outcome
refuse(enum outcome o, const char *fmt, const char *a, const char *b)
{
	struct text t = { 0 };

	for (; *fmt != '\0'; fmt++) {
		if (fmt[0] == '%' && fmt[1] == 's') {
			for (const char *p = a; *p != '\0' && t.n < 900; p++)
				put(&t, *p == '\n' ? "; " : p, *p == '\n' ? 2 : 1);
			a = b;
			fmt++;
		} else {
			put(&t, fmt, 1);
		}
	}
	say("why", str(&t));
	drop(&t);
	return o;
}

/* Every number's fate, before anything is touched. DONE: go on; UNCHANGED: answered already. */
static enum outcome
fence_check(const char *store, int64_t lsn, char *const req[REQ_N])
{
	if (strlen(store) != 32 || strspn(store, "0123456789abcdef") != 32)
		return refuse(REFUSED, "the store's name is not 32 hexadecimal digits", "", "");
	if (st.there && strcmp(store, st.store) != 0)
		return refuse(CONFLICT, "another ferryman (store %s) is in charge of this relay",
			st.store, "");
	/* also when the number was taken out: what was sent before that may still come */
	if (strcmp(store, st.store) == 0 && (st.there ? lsn < st.lsn : lsn <= st.lsn)) {
		char n[24];
		snprintf(n, sizeof n, "%" PRId64, st.lsn);
		return refuse(STALE, "this relay has seen number %s", n, "");
	}
	if (st.there && lsn == st.lsn) {
		for (int i = 0; i < REQ_N; i++)
			if (strcmp(str(&st.req[i]), req[i]) != 0)
				return refuse(CONFLICT,
					"this number was used here for something else", "", "");
		say("why", "done before, under the same number");
		return UNCHANGED;
	}
	return DONE;
}

static void
mark(const char *store, int64_t lsn, char *const req[REQ_N])
{
	st.there = true;
	snprintf(st.store, sizeof st.store, "%.32s", store);
	st.lsn = lsn;
	for (int i = 0; i < REQ_N; i++) {
		clear(&st.req[i]);
		puts_(&st.req[i], req[i]);
	}
}

static enum outcome
trouble_answer(int64_t lsn)
{
	say_mark();
	say("why", str(&trouble));
	/* Begun and not drawn: this very number may be half there; any other was not looked at. */
	if (st.begun)
		return lsn == st.lsn ? UNKNOWN : RETRY;
	return CONFLICT;
}

static enum outcome
finish(void)
{
	struct text why = { 0 };
	enum outcome o = commit(&why);

	say_mark();
	say("why", str(&why));
	drop(&why);
	return o;
}

/* Ferryman goes: no store and no number stand here any more, as after `init`. Only while nothing is
 * away or waits. */
static enum outcome
forget(const char *store, int64_t lsn, char *const req[REQ_N])
{
	static char none[1];
	char *const nothing[REQ_N] = { none, none, none, none };

	if (*req[REQ_WANT] != '\0')
		return refuse(REFUSED, "the number can only be taken out", "", "");
	if (!st.there)
		return refuse(DONE, "no number stands here", "", "");
	enum outcome o = fence_check(store, lsn, req);
	if (o == DONE && st.dom_n > 0)
		o = refuse(RETRY, "%s is away, parked or being let go", st.dom[0].name, "");
	if (o != DONE) {
		say_mark();
		return o;
	}
	mark(store, lsn, nothing);
	st.there = false; /* kept in the state alone, against late requests of this store */
	memset(st.stamp, 0,
		sizeof st.stamp); /* the marks in the maps go with it: each is drawn anew */
	return finish();
}

static enum outcome
verb_apply(const struct request *r)
{
	const char *store = r->word[2], *domain = NULL;
	char *const *req = &r->word[4];
	struct text have = { 0 }, why = { 0 };
	struct way w = { 0 };
	int64_t lsn;
	bool marker = strcmp(req[REQ_RESOURCE], MARKER) == 0;
	enum kind k = marker ? KIND_N : resource_parse(req[REQ_RESOURCE], &domain);

	if (!number(r->word[3], INT64_MAX, &lsn) || lsn == 0 || (k == KIND_N && !marker))
		return refuse(
			REFUSED, "the number or the resource is none: %s", req[REQ_RESOURCE], "");
	if (trouble.n > 0)
		return trouble_answer(lsn);
	if (marker)
		return forget(store, lsn, req);
	enum outcome o = fence_check(store, lsn, req);
	if (o != DONE) {
		say_mark();
		return o == UNCHANGED ? DONE : o;
	}
	const char *want = req[REQ_WANT], *base = req[REQ_BASE];
	if (k == ROUTE)
		route_value(dom_find(domain), &have);
	else if (k == PARK)
		puts_(&have, park_value(dom_find(domain)));
	bool opens = k == QUEUE || (k == PARK && *want == '\0');
	if (k == ROUTE	    ? !route_parse(want, &w)
		: k == PARK ? *want != '\0' && strcmp(want, "parked\n") != 0
			    : strcmp(want, "state open\n") != 0)
		o = refuse(REFUSED, "the wanted value is not one of this resource's: %s", want, "");
	else if (!opens && strcmp(str(&have), base) != 0 && strcmp(str(&have), want) != 0)
		o = refuse(CONFLICT, "found \"%s\" where the plan saw \"%s\"", str(&have), base);
	else if (k == PARK && opens && have.n > 0 && *base == '\0')
		o = refuse(CONFLICT, "found \"%s\" where the plan saw no shelter", str(&have), "");
	else if (!(k == ROUTE ? route_set(domain, &w, &why)
			      : park_set(domain, k == PARK && !opens, req[REQ_OPTIONS], &why)))
		o = refuse(REFUSED, "%s", str(&why), "");
	drop(&have);
	drop(&why);
	if (o != DONE) {
		say_mark();
		return o;
	}
	mark(store, lsn, req);
	return finish();
}

/* The number alone: maps stay as they are, also where a hand left them in disorder. */
static enum outcome
verb_fence(const struct request *r)
{
	static char none[1];
	char *const req[REQ_N] = { none, none, none, none };
	int64_t lsn;

	if (!number(r->word[3], INT64_MAX, &lsn) || lsn == 0)
		return refuse(REFUSED, "the number is none: %s", r->word[3], "");
	if (trouble.n > 0 && !odd_maps)
		return trouble_answer(lsn);
	enum outcome o = fence_check(r->word[2], lsn, req);
	if (o != DONE) {
		say_mark();
		return o == UNCHANGED ? DONE : o;
	}
	bool drawn = st.stamp[MAP_PARK].text_ino != 0;
	mark(r->word[2], lsn, req);
	if (!drawn)
		return finish(); /* the first number here: from now on each map bears the mark */
	if (!state_write())
		return refuse(UNKNOWN, "state/state could not be written: %s", strerror(errno), "");
	say_mark();
	say("why", str(&trouble));
	return DONE;
}

static enum outcome
verb_queue(const struct request *r)
{
	struct text v = { 0 }, why = { 0 };
	enum outcome o = REFUSED;

	if (!domain_ok(r->word[2]))
		return refuse(REFUSED, "no domain in lower case: %s", r->word[2], "");
	if (trouble.n > 0)
		say("why", str(&trouble));
	else if ((o = queue_value(r->word[2], &v, &why) ? DONE : RETRY) == DONE)
		field(&answer, "value", str(&v), v.n);
	else
		say("why", str(&why));
	drop(&v);
	drop(&why);
	return o;
}

static enum outcome
verb_release_status(const struct request *r)
{
	struct text v = { 0 };
	int64_t now = now_ms(CLOCK_BOOTTIME);
	int probe = lock_take("keeper.lock", false);

	(void)r;
	putf(&v, "keeper %s\n", probe < 0 ? "runs" : "idle");
	if (probe >= 0)
		(void)close(probe);
	for (size_t i = 0; i < st.dom_n; i++) {
		const struct dom *d = &st.dom[i];
		if (d->job != JOB_NONE)
			putf(&v,
				"%s %s rate %" PRId64 "/%" PRId64 " per_receiver %" PRId64
				"/%" PRId64 " expires %" PRId64 "\n",
				d->name, job_word[d->job], d->rate_n, d->rate_ms, d->per_n,
				d->per_ms,
				d->job == JOB_PARKED && d->expires_boot > now
					? d->expires_boot - now
					: 0);
	}
	field(&answer, "value", str(&v), v.n);
	say("why", str(&trouble));
	drop(&v);
	return DONE;
}

static bool
lists_word(const char *list, const char *w)
{
	size_t n = strlen(w);

	for (const char *p = strstr(list, w); p != NULL; p = strstr(p + 1, w))
		if ((p == list || strchr(" ,\t", p[-1]) != NULL) &&
			(p[n] == '\0' || strchr(" ,\t\n", p[n]) != NULL))
			return true;
	return false;
}

/* Mail that is let go must not bounce while receivers still refuse: its transports turn such an
 * answer into one for now, by a filter of their own (`setup`) or by that of all transports. */
static void
check_filters(struct text *bad, struct text *errs)
{
	const char *const names[] = { conf.release, conf.release0 };
	char want[2][128];
	struct text own = { 0 }, all = { 0 };

	for (int i = 0; i < 2; i++)
		snprintf(want[i], sizeof want[i], "%.40s/unix/smtp_delivery_status_filter",
			names[i]);
	if (run((const char *const[]){ conf.postconf, "-P", want[0], want[1], NULL }, &own, errs) !=
			0 ||
		run((const char *const[]){ conf.postconf, "-xh", "smtp_delivery_status_filter",
			    NULL },
			&all, errs) != 0)
		putf(bad, "%s failed: %.300s\n", conf.postconf, str(errs));
	for (int i = 0; i < 2 && bad->n == 0; i++)
		if (strstr(str(&own), want[i]) == NULL && strspn(str(&all), " \n") == all.n)
			putf(bad,
				"master.cf: %s/unix has no smtp_delivery_status_filter: what it "
				"lets go would bounce\n",
				names[i]);
	drop(&own);
	drop(&all);
}

static enum outcome
verb_setup_check(const struct request *r)
{
	struct text maps = { 0 }, defers = { 0 }, errs = { 0 }, bad = { 0 };

	(void)r;
	if (run((const char *const[]){ conf.postconf, "-h",
			"sender_dependent_default_transport_maps", NULL },
		    &maps, &errs) != 0 ||
		run((const char *const[]){ conf.postconf, "-h", "defer_transports", NULL }, &defers,
			&errs) != 0)
		putf(&bad, "%s failed: %.300s\n", conf.postconf, str(&errs));
	for (int m = 0; bad.n == 0 && m < MAP_N; m++) {
		char name[512];
		snprintf(name, sizeof name, "lmdb:%.255s/maps/%s", conf.home, map_name[m]);
		if (strstr(str(&maps), name) == NULL)
			putf(&bad,
				"main.cf: sender_dependent_default_transport_maps does not name "
				"%s\n",
				name);
	}
	size_t park_n = strcspn(conf.park, ":");
	char park[64];
	snprintf(park, sizeof park, "%.*s", (int)(park_n < 60 ? park_n : 60), conf.park);
	const char *const names[] = { park, conf.release, conf.release0 };
	for (int i = 0; defers.p != NULL && i < 3; i++)
		if (!lists_word(defers.p, names[i]))
			putf(&bad, "main.cf: defer_transports does not name %s\n", names[i]);
	if (bad.n == 0)
		check_filters(&bad, &errs);
	if (trouble.n > 0)
		putf(&bad, "%s\n", str(&trouble));
	bool ok = bad.n == 0;
	(void)refuse(REFUSED, "%s", str(&bad), "");
	drop(&maps);
	drop(&defers);
	drop(&errs);
	drop(&bad);
	return ok ? DONE : REFUSED;
}

static enum outcome verb_hello(const struct request *r);

static const struct verb {
	const char *name;
	size_t words; /* after protocol and verb */
	enum outcome (*run)(const struct request *);
	bool text_only; /* its words hold no NUL */
} verbs[] = {
	{ "hello", 1, verb_hello, false },
	{ "read", 1, verb_read, true },
	{ "apply", 6, verb_apply, true },
	{ "fence", 2, verb_fence, true },
	{ "queue", 1, verb_queue, true },
	{ "release-status", 0, verb_release_status, true },
	{ "setup-check", 0, verb_setup_check, true },
};
enum { VERBS_N = sizeof verbs / sizeof *verbs };

/* The word comes back byte for byte: what lies between is proven to carry anything. */
static enum outcome
verb_hello(const struct request *r)
{
	struct text v = { 0 };

	say("proto", PROTO);
	say("version", FERRYMAN_VERSION);
	for (int i = 0; i < VERBS_N; i++)
		putf(&v, "%s%s", i ? " " : "", verbs[i].name);
	say("verbs", str(&v));
	field(&answer, "echo", r->word[2], r->len[2]);
	say_mark();
	say("why", str(&trouble));
	drop(&v);
	return DONE;
}

/* Reads the one request from standard input; false if it is none. */
static bool
request_read(struct request *r, struct text *in)
{
	char c;
	size_t want = 0;
	const char *at, *end, *inner, *p;
	size_t n;

	for (;;) { /* the length first, octet by octet, so that nothing past the request is waited
		      for */
		ssize_t got = read(0, &c, 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got != 1 || in->n > 6 || (c != ':' && !isdigit((unsigned char)c)))
			return false;
		put(in, &c, 1);
		if (c == ':')
			break;
		want = want * 10 + (size_t)(c - '0');
	}
	if (want > REQUEST_MAX)
		return false;
	want += in->n + 1;
	while (in->n < want) {
		char b[4096];
		ssize_t got = read(0, b, want - in->n < sizeof b ? want - in->n : sizeof b);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		put(in, b, (size_t)got);
	}
	at = in->p;
	if (!netstring(&at, in->p + in->n, &inner, &n) || at != in->p + in->n)
		return false;
	for (end = inner + n; inner < end;) {
		size_t len;
		if (r->n == FIELDS_MAX || !netstring(&inner, end, &p, &len))
			return false;
		r->word[r->n] = malloc(len + 1);
		if (r->word[r->n] == NULL)
			die("memory");
		memcpy(r->word[r->n], p, len);
		r->word[r->n][len] = '\0';
		r->len[r->n++] = len;
	}
	return r->n >= 2;
}

static enum outcome
serve(const struct request *r)
{
	if (strcmp(r->word[0], PROTO) != 0)
		return refuse(REFUSED, "this helper speaks " PROTO ", not %s", r->word[0], "");
	const struct verb *v = NULL;
	for (int i = 0; i < VERBS_N; i++)
		if (strcmp(verbs[i].name, r->word[1]) == 0)
			v = &verbs[i];
	if (v == NULL || r->n != v->words + 2)
		return refuse(
			REFUSED, "no such verb, or not with so many words: %s", r->word[1], "");
	for (size_t i = 0; v->text_only && i < r->n; i++)
		if (strlen(r->word[i]) != r->len[i])
			return refuse(REFUSED, "a word holds a NUL", "", "");
	int lock = lock_take("lock", true);
	load();
	enum outcome o = v->run(r);
	(void)close(lock);
	return o;
}

static int
remote(void)
{
	struct request r = { 0 };
	struct text in = { 0 };
	enum outcome o;

	(void)alarm(150); /* longer than the tools' limit: dying here is a crash like any other */
	if (request_read(&r, &in))
		o = serve(&r);
	else
		o = refuse(REFUSED, "this is no request of " PROTO, "", "");
	keeper_start();
	struct text end = { 0 };
	putf(&end, PROTO " %s %zu\n", outcome_word[o], answer.n);
	put(&answer, str(&end), end.n);
	drop(&end);
	drop(&in);
	return write_all(1, answer.p, answer.n) ? 0 : 74; /* EX_IOERR */
}

/* --- by hand on the relay --- */

static int
local_init(void)
{
	struct text why = { 0 };
	int lock = lock_take("lock", true);

	load();
	if (trouble.n == 0 && commit(&why) != DONE)
		puts_(&trouble, str(&why));
	(void)close(lock);
	if (trouble.n > 0)
		fprintf(stderr, "ferryman-relay: %s\n", str(&trouble));
	else
		printf("maps and state are there: %s\n", conf.home);
	drop(&why);
	return trouble.n > 0;
}

/* A person has looked at the maps and says: what stands there is what is. The marks in them give
 * the number. */
static int
local_adopt(void)
{
	struct text rows[MAP_N] = { 0 }, why = { 0 }, file = { 0 };
	int lock = lock_take("lock", true);
	bool ok = true, marked = false;

	(void)state_read();
	int64_t lsn = st.there ? st.lsn : 0;
	char store[33];
	snprintf(store, sizeof store, "%.32s", st.there ? st.store : "");
	st = (struct state){ 0 };
	boot_id(st.boot_id);
	for (int m = 0; m < MAP_N && ok; m++) {
		char name[512], s[40];
		int64_t n;
		ok = map_load(m, &rows[m], &marked, &why);
		path(name, "maps/", map_name[m]);
		if (slurp(name, &file) &&
			sscanf(str(&file), MAP_MARK "; store=%32s lsn=%" SCNd64, s, &n) == 2 &&
			n >= lsn) {
			lsn = n;
			snprintf(store, sizeof store, "%.32s", s);
		}
	}
	ok = ok && maps_adopt(rows, &why);
	if (ok) {
		st.there = strlen(store) == 32;
		st.lsn = st.there ? lsn : 0;
		snprintf(st.store, sizeof st.store, "%.32s", store);
		ok = commit(&why) == DONE;
	}
	(void)close(lock);
	if (ok)
		printf("adopted: store %s, number %" PRId64 ", %zu domains\n",
			st.there ? st.store : "none", st.lsn, st.dom_n);
	else
		fprintf(stderr, "ferryman-relay: %s\n", str(&why));
	if (ok)
		keeper_start();
	for (int m = 0; m < MAP_N; m++)
		drop(&rows[m]);
	drop(&file);
	drop(&why);
	return !ok;
}

/* A person says: the ferryman whose number stands here is gone for good, with its journal. Mail
 * stays on its way; the next one may begin. */
static int
local_retire(void)
{
	struct text why = { 0 };
	int lock = lock_take("lock", true);

	load();
	if (trouble.n == 0 && !st.there)
		puts_(&trouble, "no ferryman's number stands here");
	if (trouble.n == 0) {
		st.there = false; /* kept in the state alone, as when it is taken out by itself */
		memset(st.stamp, 0, sizeof st.stamp);
		if (commit(&why) != DONE)
			puts_(&trouble, str(&why));
	}
	(void)close(lock);
	if (trouble.n > 0)
		fprintf(stderr, "ferryman-relay: %s\n", str(&trouble));
	else
		printf("taken out: store %s, number %" PRId64 "; %zu domains stay as they are\n",
			st.store, st.lsn, st.dom_n);
	drop(&why);
	return trouble.n > 0;
}

static int
local_tick(void)
{
	int lock = lock_take("lock", true);

	load();
	(void)close(lock);
	if (trouble.n > 0) {
		fprintf(stderr, "ferryman-relay: %s\n", str(&trouble));
		return 1;
	}
	keeper_start();
	return 0;
}

/* HOME/helper.conf: "name value" lines. The paths of Postfix's tools and the transports' names,
 * nothing else. */
static bool
conf_read(const char *home)
{
	struct text t = { 0 };
	char name[512], *save = NULL;
	bool ok = true;

	snprintf(conf.home, sizeof conf.home, "%.255s", home);
	snprintf(conf.postmap, sizeof conf.postmap, "/usr/sbin/postmap");
	snprintf(conf.postqueue, sizeof conf.postqueue, "/usr/sbin/postqueue");
	snprintf(conf.postconf, sizeof conf.postconf, "/usr/sbin/postconf");
	snprintf(conf.park, sizeof conf.park, "park:unix:private/parked-by-ferryman");
	snprintf(conf.release, sizeof conf.release, "release");
	snprintf(conf.release0, sizeof conf.release0, "release0");
	conf.rate_n = 5, conf.rate_ms = 1000;
	conf.per_n = 1, conf.per_ms = 1000;
	path(name, "helper.conf", "");
	if (!slurp(name, &t)) {
		ok = errno == ENOENT;
		drop(&t);
		return ok;
	}
	for (char *l = strtok_r(t.p, "\n", &save); l != NULL && ok;
		l = strtok_r(NULL, "\n", &save)) {
		char *v = strchr(l, ' ');
		if (*l == '#')
			continue;
		ok = v != NULL && strlen(v + 1) < 120;
		if (!ok)
			break;
		*v++ = '\0';
		if (strcmp(l, "postmap") == 0 && *v == '/')
			snprintf(conf.postmap, sizeof conf.postmap, "%s", v);
		else if (strcmp(l, "postqueue") == 0 && *v == '/')
			snprintf(conf.postqueue, sizeof conf.postqueue, "%s", v);
		else if (strcmp(l, "postconf") == 0 && *v == '/')
			snprintf(conf.postconf, sizeof conf.postconf, "%s", v);
		else if (strcmp(l, "park") == 0 && strchr(v, ':') != NULL &&
			 strpbrk(v, " \t") == NULL)
			snprintf(conf.park, sizeof conf.park, "%s", v);
		else if (strcmp(l, "release") == 0 && strlen(v) < 31 && strpbrk(v, " \t:") == NULL)
			snprintf(conf.release, sizeof conf.release, "%.31s", v);
		else if (strcmp(l, "release0") == 0 && strlen(v) < 31 && strpbrk(v, " \t:") == NULL)
			snprintf(conf.release0, sizeof conf.release0, "%.31s", v);
		else if (strcmp(l, "rate") == 0)
			ok = rate_parse(v, &conf.rate_n, &conf.rate_ms);
		else if (strcmp(l, "per_receiver") == 0)
			ok = rate_parse(v, &conf.per_n, &conf.per_ms);
		else
			ok = false;
	}
	drop(&t);
	return ok;
}

static const char usage[] =
	"ferryman-relay " FERRYMAN_VERSION
	", the part of ferryman that runs on a relay, as a plain user.\n"
	"usage: ferryman-relay [--home DIR] [init | adopt | retire | tick | version]\n"
	"  (none)   serve one request from standard input (sshd's forced command)\n"
	"  init     make the state and empty maps, before main.cf names them\n"
	"  adopt    take the maps as they are, after the state was lost or damaged\n"
	"  retire   take out the number of a ferryman whose journal is lost for good\n"
	"  tick     start the keeper of shelters and releases if it should run (cron, timer)\n";

int
main(int argc, char **argv)
{
	const char *home = HOME_DEFAULT, *verb = NULL;
	char dir[512];

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--home") == 0 && i + 1 < argc)
			home = argv[++i];
		else if (verb == NULL && argv[i][0] != '-')
			verb = argv[i];
		else
			return fputs(usage, stderr), 64; /* EX_USAGE */
	}
	if (verb != NULL && strcmp(verb, "version") == 0)
		return puts("ferryman-relay " FERRYMAN_VERSION " " PROTO), 0;
	if (clearenv() != 0 || setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1) != 0 ||
		setenv("LC_ALL", "C", 1) != 0)
		die("environment");
	(void)umask(022);
	(void)signal(SIGPIPE, SIG_IGN);
	if (!conf_read(home) || home[0] != '/' || strlen(home) > 200) {
		fprintf(stderr, "ferryman-relay: %s/helper.conf or --home is not understood\n",
			home);
		return 78; /* EX_CONFIG */
	}
	path(dir, "maps", "");
	if (mkdir(dir, 0755) != 0 && errno != EEXIST)
		die(dir);
	path(dir, "state", "");
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		die(dir);
	if (verb == NULL)
		return remote();
	if (strcmp(verb, "init") == 0)
		return local_init();
	if (strcmp(verb, "adopt") == 0)
		return local_adopt();
	if (strcmp(verb, "retire") == 0)
		return local_retire();
	if (strcmp(verb, "tick") == 0)
		return local_tick();
	return fputs(usage, stderr), 64;
}
