/*
 * helper_rig.h - a relay in a folder: the helper's home, and Postfix's tools as this very program
 * under other names (rig_tool). For the tests of connectors/relay/helper; no Postfix is needed.
 */
#ifndef FERRYMAN_TESTS_HELPER_RIG_H
#define FERRYMAN_TESTS_HELPER_RIG_H

/* Each program uses its part of these. */
#pragma GCC diagnostic ignored "-Wunused-function"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RIG_STORE "00112233445566778899aabbccddeeff"
#define RIG_OTHER "ffeeddccbbaa99887766554433221100"
#define RIG_NEXT "next nsmail:[relay.nsmail.example]:587\nshare 100\n"

static char rig_dir[200];

static void
rig_die(const char *what)
{
	perror(what);
	exit(2);
}

static int64_t
rig_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static const char *
rig_path(const char *name)
{
	static char p[4][512];
	static int at;

	at = (at + 1) % 4;
	(void)snprintf(p[at], sizeof p[at], "%s/%s", rig_dir, name);
	return p[at];
}

/* The whole file, malloc'd, NUL-terminated; "" when there is none. */
static char *
rig_slurp(const char *path)
{
	FILE *f = fopen(path, "re");
	char *s = calloc(1, 1 << 20);

	if (s == NULL)
		rig_die("memory");
	if (f != NULL) {
		s[fread(s, 1, (1 << 20) - 1, f)] = '\0';
		(void)fclose(f);
	}
	return s;
}

static void
rig_write(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		rig_die(path);
}

static bool
rig_file_is(const char *name, const char *want)
{
	char *s = rig_slurp(rig_path(name));
	bool same = strcmp(s, want) == 0;

	if (!same)
		printf("     %s is \"%s\", wanted \"%s\"\n", name, s, want);
	free(s);
	return same;
}

static int
rig_number(const char *s)
{
	return (int)strtol(s, NULL, 10);
}

/* Append a line; out has room for all that it was taken from. */
static void
rig_line(char *out, const char *line)
{
	size_t n = strlen(out), k = strlen(line);

	memcpy(out + n, line, k);
	memcpy(out + n + k, "\n", 2);
}

/* --- the tools: the program calls this first in main() --- */

static void
tool_log(const char *dir, int argc, char **argv)
{
	char p[600];
	(void)snprintf(p, sizeof p, "%s/argv.log", dir);
	int fd = open(p, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	for (int i = 0; i < argc; i++)
		if (write(fd, argv[i], strlen(argv[i]) + 1) < 0)
			_exit(9);
	if (write(fd, "\n", 1) < 0)
		_exit(9);
	(void)close(fd);
}

/* Compiles like postmap on lmdb: one step from the old content to the new. */
static int
tool_postmap(const char *dir, int argc, char **argv)
{
	char lmdb[700], p[700];
	bool dump = argc == 3 && strcmp(argv[1], "-s") == 0;
	const char *arg = argv[argc - 1];

	(void)snprintf(p, sizeof p, "%s/postmap.fails", dir);
	if (access(p, F_OK) == 0 || strncmp(arg, "lmdb:", 5) != 0)
		return fprintf(stderr, "postmap: fatal: told to fail\n"), 1;
	(void)snprintf(lmdb, sizeof lmdb, "%s.lmdb", arg + 5);
	if (dump) {
		char *s = rig_slurp(lmdb);
		(void)fputs(s, stdout);
		free(s);
		return 0;
	}
	char *s = rig_slurp(arg + 5), *save = NULL, *out = calloc(1, strlen(s) + 2);
	for (char *l = strtok_r(s, "\n", &save); l != NULL; l = strtok_r(NULL, "\n", &save))
		if (*l != '#' && *l != '\0')
			rig_line(out, l);
	int fd = open(lmdb, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || pwrite(fd, out, strlen(out), 0) < 0 || ftruncate(fd, (off_t)strlen(out)) != 0)
		return 1;
	(void)close(fd);
	free(out);
	free(s);
	return 0;
}

/* Mail that keeps coming while a shelter is not open yet: one more message at each look. */
static void
tool_arrival(const char *dir)
{
	char p[600], map[600];
	struct stat st;

	(void)snprintf(p, sizeof p, "%s/keeps-coming", dir);
	(void)snprintf(map, sizeof map, "%s/home/maps/park.lmdb", dir);
	if (access(p, F_OK) != 0 || stat(map, &st) != 0 || st.st_size == 0)
		return;
	(void)snprintf(p, sizeof p, "%s/queue", dir);
	FILE *f = fopen(p, "ae");
	if (f == NULL)
		return;
	(void)fprintf(f,
		"{\"queue_name\": \"deferred\", \"queue_id\": \"4N%" PRId64
		"\", \"arrival_time\": %" PRId64 ", "
		"\"message_size\": 400, \"forced_expire\": false, \"sender\": "
		"\"new@corp.example\", "
		"\"recipients\": [{\"address\": \"x@r1.example\", \"delay_reason\": \"deferred "
		"transport\"}]}\n",
		rig_ms(), (int64_t)time(NULL));
	(void)fclose(f);
}

static const char rig_refused[] =
	"host mx.r1.example[192.0.2.1] said: 554 5.7.1 no (in reply to RCPT TO command)";

/* A line of the queue with another reason why it waits. */
static void
tool_reason(char *out, const char *line, const char *reason)
{
	const char *at = strstr(line, "\"delay_reason\": \"");
	char text[2000];

	if (at == NULL) {
		rig_line(out, line);
		return;
	}
	(void)snprintf(text, sizeof text, "%.*s\"delay_reason\": \"%s\"}]}", (int)(at - line), line,
		reason);
	rig_line(out, text);
}

/* What the next host refused is tried again by the queue manager itself, and as
 * long as the domain's row stands there it only comes to a transport that is deferred. */
static void
tool_retry(const char *dir, char *queue)
{
	char p[600], map[600], *save = NULL;
	char *out = calloc(1, strlen(queue) * 2 + 4000);
	struct stat st;

	(void)snprintf(map, sizeof map, "%s/home/maps/park.lmdb", dir);
	if (stat(map, &st) != 0 || st.st_size == 0) {
		free(out);
		return;
	}
	for (char *l = strtok_r(queue, "\n", &save); l != NULL; l = strtok_r(NULL, "\n", &save)) {
		if (strstr(l, rig_refused) != NULL)
			tool_reason(out, l, "deferred transport");
		else
			rig_line(out, l);
	}
	(void)snprintf(p, sizeof p, "%s/queue.new", dir);
	(void)snprintf(map, sizeof map, "%s/queue", dir);
	rig_write(p, out);
	if (rename(p, map) != 0)
		rig_die(map);
	free(out);
}

/* The queue is a file of JSON lines; a released message leaves it, and the time is noted. With a
 * file "refuses" beside it the next host takes none. */
static int
tool_postqueue(const char *dir, int argc, char **argv)
{
	char q[600], p[600];

	(void)snprintf(q, sizeof q, "%s/queue", dir);
	if (argc == 2)
		tool_arrival(dir);
	char *s = rig_slurp(q), *save = NULL;
	if (argc == 2 && strcmp(argv[1], "-j") == 0) {
		int bad = fputs(s, stdout) < 0;
		tool_retry(dir, s);
		return bad;
	}
	if (argc != 3 || strcmp(argv[1], "-i") != 0)
		return 64;
	char *out = calloc(1, strlen(s) + 4000), id[100];
	(void)snprintf(p, sizeof p, "%s/refuses", dir);
	bool refuses = access(p, F_OK) == 0;
	(void)snprintf(id, sizeof id, "\"queue_id\": \"%s\"", argv[2]);
	for (char *l = strtok_r(s, "\n", &save); l != NULL; l = strtok_r(NULL, "\n", &save))
		if (strstr(l, id) == NULL)
			rig_line(out, l);
		else if (refuses)
			tool_reason(out, l, rig_refused);
	(void)snprintf(p, sizeof p, "%s/queue.new", dir);
	rig_write(p, out);
	if (rename(p, q) != 0)
		return 1;
	(void)snprintf(p, sizeof p, "%s/released", dir);
	FILE *f = fopen(p, "ae");
	if (f == NULL || fprintf(f, "%s %" PRId64 "\n", argv[2], rig_ms()) < 0 || fclose(f) != 0)
		return 1;
	return 0;
}

static int
tool_postconf(const char *dir, int argc, char **argv)
{
	char p[600];

	if (argc == 4 && strcmp(argv[1], "-P") == 0) { /* of master.cf: what is not there is warned
							  of, and the exit code is 0 */
		(void)snprintf(p, sizeof p, "%s/master", dir);
		return fputs(rig_slurp(p), stdout) < 0;
	}
	if (argc != 3 || (strcmp(argv[1], "-h") != 0 && strcmp(argv[1], "-xh") != 0))
		return 64;
	(void)snprintf(p, sizeof p, "%s/main.%.60s", dir, argv[2]);
	char *s = rig_slurp(p);
	return puts(s) < 0;
}

/* rig_tool - if this process was started as one of the tools, it is that tool and ends here. */
static void
rig_tool(int argc, char **argv)
{
	char dir[512];
	const char *slash = strrchr(argv[0], '/');
	const char *name = slash != NULL ? slash + 1 : argv[0];

	(void)snprintf(
		dir, sizeof dir, "%.*s", slash != NULL ? (int)(slash - argv[0]) : 0, argv[0]);
	if (strcmp(name, "postmap") != 0 && strcmp(name, "postqueue") != 0 &&
		strcmp(name, "postconf") != 0)
		return;
	tool_log(dir, argc, argv);
	int code = strcmp(name, "postmap") == 0	    ? tool_postmap(dir, argc, argv)
		   : strcmp(name, "postqueue") == 0 ? tool_postqueue(dir, argc, argv)
						    : tool_postconf(dir, argc, argv);
	(void)fflush(NULL);
	_exit(code); /* what it allocated goes with it */
}

/* --- the relay's folder --- */

static void
rig_new(const char *conf)
{
	static const char *const tools[] = { "postmap", "postqueue", "postconf" };
	char self[400], text[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	if (n < 0)
		rig_die("/proc/self/exe");
	self[n] = '\0';
	(void)snprintf(rig_dir, sizeof rig_dir, "/tmp/ferryman-relay-test-XXXXXX");
	if (mkdtemp(rig_dir) == NULL || mkdir(rig_path("home"), 0755) != 0)
		rig_die(rig_dir);
	int at = 0;
	for (int i = 0; i < 3; i++) {
		if (symlink(self, rig_path(tools[i])) != 0)
			rig_die(tools[i]);
		at += snprintf(text + at, sizeof text - (size_t)at, "%s %s\n", tools[i],
			rig_path(tools[i]));
	}
	(void)snprintf(text + at, sizeof text - (size_t)at, "%s", conf);
	rig_write(rig_path("home/helper.conf"), text);
	rig_write(rig_path("queue"), "");
}

static void
rig_remove(const char *dir)
{
	pid_t pid = fork();

	if (pid == 0) {
		execl("/bin/rm", "rm", "-rf", "--", dir, (char *)NULL);
		_exit(127);
	}
	(void)waitpid(pid, NULL, 0);
}

static bool
rig_keeper_runs(void)
{
	int fd = open(rig_path("home/state/keeper.lock"), O_RDWR | O_CLOEXEC);
	bool runs = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0;

	if (fd >= 0)
		(void)close(fd);
	return runs;
}

/* End the keeper that this relay started, if one holds its lock, and wait for that; then the folder
 * goes. */
static void
rig_end(void)
{
	for (int64_t until = rig_ms() + 3000; rig_keeper_runs() && rig_ms() < until;) {
		char *s = rig_slurp(rig_path("home/state/keeper.lock"));
		struct timespec t = { 0, 5000000 };
		if (rig_number(s) > 1)
			(void)kill(rig_number(s), SIGKILL);
		free(s);
		(void)nanosleep(&t, NULL);
	}
	for (int i = 0; i < 20 && access(rig_dir, F_OK) == 0; i++)
		rig_remove(rig_dir); /* a keeper that is just ending may still write */
}

/* --- one exchange --- */

struct rig_reply {
	char text[1 << 16];
	size_t n;
	int status;
	char outcome[16];
};

static size_t
rig_request(char *out, size_t size, const char *const *words, const size_t *lens)
{
	static char in[1 << 17];
	size_t n = 0;

	n += (size_t)snprintf(in, sizeof in, "16:ferryman-relay/1,");
	for (int i = 0; words[i] != NULL; i++) {
		size_t len = lens != NULL ? lens[i] : strlen(words[i]);
		n += (size_t)snprintf(in + n, sizeof in - n, "%zu:", len);
		memcpy(in + n, words[i], len);
		n += len;
		in[n++] = ',';
	}
	size_t at = (size_t)snprintf(out, size, "%zu:", n);
	memcpy(out + at, in, n);
	out[at + n] = ',';
	return at + n + 1;
}

/* --- words that a shell, a file name, an option or a number would be fooled by --- */

static uint64_t rig_seed = 88172645463325252u;
static uint64_t
rig_draw(void)
{
	rig_seed ^= rig_seed << 13;
	rig_seed ^= rig_seed >> 7;
	rig_seed ^= rig_seed << 17;
	return rig_seed;
}

static void
rig_hostile(char *out, size_t *ret_n)
{
	static const char *const bits[] = { ";touch $W;", "`touch $W`", "$(touch $W)", "|touch $W",
		"&touch $W&", "\ntouch $W\n", "../../", "-i", "--", "%s%n", "'", "\"", "\\",
		"\xff\xfe", "*", "~", "{a,b}", "relay.route ", "relay.park ", "corp.example",
		"next nsmail:", "share 50\n", "lmdb:/etc/passwd", "\r\n", "\t", "=", "0:,",
		"5:hello,", "$mydomain", "@", "<>" };
	size_t n = 0, parts = 1 + rig_draw() % 6;

	for (size_t i = 0; i < parts; i++) {
		const char *s = bits[rig_draw() % (sizeof bits / sizeof *bits)];
		size_t k = strlen(s);
		memcpy(out + n, s, k);
		n += k;
	}
	out[n] = '\0';
	*ret_n = n;
}

typedef int rig_main_fn(int argc, char **argv);

/* Give bytes to the helper (by exec of program, or by calling fn in a child) and take its whole
 * output. */
static void
rig_bytes(const char *program, rig_main_fn *fn, const char *in, size_t n, struct rig_reply *r)
{
	int i[2], o[2], status = 0;
	char home[512];

	(void)snprintf(home, sizeof home, "%s", rig_path("home"));
	char *argv[] = { (char[]){ "ferryman-relay" }, (char[]){ "--home" }, home, NULL };
	if (pipe2(i, O_CLOEXEC) != 0 || pipe2(o, O_CLOEXEC) != 0)
		rig_die("pipe");
	(void)fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		(void)dup2(i[0], 0);
		(void)dup2(o[1], 1);
		if (program != NULL)
			execv(program, argv);
		else
			_exit(fn(3, argv));
		_exit(127);
	}
	(void)close(i[0]);
	(void)close(o[1]);
	if (write(i[1], in, n) != (ssize_t)n && errno != EPIPE)
		rig_die("write");
	(void)close(i[1]);
	r->n = 0;
	for (ssize_t got; r->n < sizeof r->text - 1 &&
			  (got = read(o[0], r->text + r->n, sizeof r->text - 1 - r->n)) > 0;)
		r->n += (size_t)got;
	(void)close(o[0]);
	r->text[r->n] = '\0';
	(void)waitpid(pid, &status, 0);
	r->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	r->outcome[0] = '\0';
	/* The closing line is the last; answers may hold any octets before it. */
	const char *end = r->text + r->n;
	while (end > r->text && (end[-1] != '\n' || end == r->text + r->n))
		end--;
	size_t before;
	if (sscanf(end, "ferryman-relay/1 %15s %zu", r->outcome, &before) != 2 ||
		before != (size_t)(end - r->text))
		r->outcome[0] = '\0';
}

/* A field of the answer, malloc'd; NULL if it is not there. */
static char *__attribute__((unused)) rig_field(const struct rig_reply *r, const char *name)
{
	char mark[32];
	size_t n;
	int used;

	(void)snprintf(mark, sizeof mark, "%s ", name);
	for (const char *p = r->text; p != NULL && *p != '\0';) {
		char key[24];
		if (sscanf(p, "%23s %zu:%n", key, &n, &used) != 2 ||
			strncmp(key, "ferryman-relay/", 15) == 0)
			return NULL;
		if (strcmp(key, name) == 0)
			return strndup(p + used, n);
		p += (size_t)used + n + 2;
	}
	return NULL;
}

#endif
