/*
 * fuzz_helper_request.c - requests as the helper on a relay reads them, and what it reads there by
 * itself: its state, tables, configuration, and what Postfix's tools print.
 *
 * An input is a list of sections, each begun by a line:
 *	== in			a request on standard input; each is served in turn
 *	== out			what the next program prints that is run (then: nothing)
 *	== file NAME		a file below the helper's home, there before the first request
 */
/* parser: connectors/relay/helper/ferryman-relay.c netstring number word domain_ok next_ok slurp
 * state_field state_read rows_sort map_parse json_string json_skip lower_domain msg_recipient
 * msg_read resource_parse route_parse rate_parse options_parse request_read serve conf_read */
#include "fuzz/fuzz.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <search.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The machine, as far as the helper must not have it here: programs, standard input, disk, time. */
struct section {
	const char *p;
	size_t n;
};
enum { OUTS_MAX = 16 };
static struct section fed, printed[OUTS_MAX];
static size_t printed_n, printed_i;
static int pipe_end; /* where the next program's output goes */

static ssize_t
fake_read(int fd, void *p, size_t n)
{
	if (fd != 0)
		return read(fd, p, n);
	n = n < fed.n ? n : fed.n;
	memcpy(p, fed.p, n);
	fed.p += n;
	fed.n -= n;
	return (ssize_t)n;
}

static int
fake_pipe(int fd[2], int flags)
{
	int r = pipe2(fd, flags);

	if (pipe_end < 0)
		pipe_end = fd[1]; /* standard output is made first */
	return r;
}

static pid_t
fake_fork(void)
{
	if (printed_i < printed_n && pipe_end >= 0 &&
		write(pipe_end, printed[printed_i].p, printed[printed_i].n) < 0)
		abort();
	printed_i++;
	pipe_end = -1;
	return 1000;
}

static pid_t
fake_wait(int *status)
{
	if (status != NULL)
		*status = 0;
	return 1000;
}

int helper_main(int argc, char **argv);
#define read fake_read
#define pipe2 fake_pipe
#define fork fake_fork
#define waitpid(p, status, f) fake_wait(status)
#define fsync(fd) ((fd) < 0 ? -1 : 0)
#define clock_gettime(c, t) ((t)->tv_sec = 1336996800, (t)->tv_nsec = (c)*0, 0)
#define main helper_main
#include "relay/helper/ferryman-relay.c"
#undef main
#undef read

int LLVMFuzzerInitialize(int *argc, char ***argv);
static char home[64];

static const char *const files[] = { "state/state", "helper.conf", "maps/park", "maps/domains",
	"maps/slots", "maps/domains2", "maps/slots2", "maps/park.lmdb", "maps/domains.lmdb",
	"maps/slots.lmdb", "maps/domains2.lmdb", "maps/slots2.lmdb" };
enum { FILES_N = sizeof files / sizeof *files };

static void
file_put(const char *name, const char *p, size_t n)
{
	char to[128];

	for (size_t i = 0; i < FILES_N; i++) {
		if (strcmp(files[i], name) != 0)
			continue;
		(void)snprintf(to, sizeof to, "%s/%s", home, name);
		int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (fd < 0 || write(fd, p, n) != (ssize_t)n || close(fd) != 0)
			abort();
	}
}

static void
files_drop(void)
{
	char name[128];

	for (size_t i = 0; i < FILES_N; i++) {
		(void)snprintf(name, sizeof name, "%s/%s", home, files[i]);
		(void)unlink(name);
	}
}

static void
home_drop(void)
{
	static const char *const rest[] = { "state/lock", "state/keeper.lock", "state", "maps",
		"" };
	char name[128];

	files_drop();
	for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) {
		(void)snprintf(name, sizeof name, "%s/%s", home, rest[i]);
		(void)remove(name);
	}
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char dir[512];

	(void)argc;
	(void)argv;
	(void)snprintf(home, sizeof home, "/dev/shm/ferryman-fuzz-XXXXXX");
	if (mkdtemp(home) == NULL || !conf_read(home))
		abort();
	path(dir, "maps", "");
	if (mkdir(dir, 0700) != 0)
		abort();
	path(dir, "state", "");
	if (mkdir(dir, 0700) != 0)
		abort();
	return atexit(home_drop);
}

/* The next section: its head without "== ", its octets. */
static bool
section(const char **at, const char *end, char head[64], struct section *ret)
{
	const char *line, *past;
	size_t n;

	if (!fuzz_line(at, end, &line, &n) || n < 3 || memcmp(line, "== ", 3) != 0)
		return false;
	(void)snprintf(head, 64, "%.*s", (int)(n - 3 < 63 ? n - 3 : 63), line + 3);
	ret->p = past = *at;
	while (fuzz_line(at, end, &line, &n) && (n < 3 || memcmp(line, "== ", 3) != 0))
		past = *at;
	*at = past;
	ret->n = (size_t)(past - ret->p);
	return true;
}

/* What the request's answer is must be in fields that are netstrings. */
static void
answer_check(void)
{
	const char *p = answer.p, *end = p + answer.n, *v;
	size_t n;

	while (p < end) {
		p = memchr(p, ' ', (size_t)(end - p));
		if (p == NULL)
			abort();
		p++;
		if (!netstring(&p, end, &v, &n) || p >= end || *p++ != '\n')
			abort();
	}
}

static void
serve_one(struct section s)
{
	struct request r = { 0 };
	struct text t = { 0 };

	fed = s;
	pipe_end = -1;
	clear(&answer);
	clear(&trouble);
	if (request_read(&r, &t))
		(void)serve(&r);
	answer_check();
	for (size_t i = 0; i < r.n; i++)
		free(r.word[i]);
	drop(&t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *at = (const char *)data, *end = at + n;
	struct section s, ins[4];
	size_t ins_n = 0;
	char head[64];

	printed_n = printed_i = 0;
	while (section(&at, end, head, &s)) {
		if (strcmp(head, "in") == 0 && ins_n < 4)
			ins[ins_n++] = s;
		else if (strcmp(head, "out") == 0 && printed_n < OUTS_MAX && s.n < 32768)
			printed[printed_n++] = s;
		else if (strncmp(head, "file ", 5) == 0)
			file_put(head + 5, s.p, s.n);
	}
	if (conf_read(home))
		for (size_t i = 0; i < ins_n; i++)
			serve_one(ins[i]);
	for (int i = 0; i < REQ_N; i++)
		drop(&st.req[i]);
	files_drop();
	return 0;
}
