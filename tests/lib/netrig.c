/* netrig.c - the fakes as a child process, spoken to by lines; secrets come from files in the rig's
 * folder. */
#include "lib/netrig.h"

#include "base/arena.h"
#include "base/text.h"
#include "config/cfg.h"
#include "config/findings.h"
#include "config/yaml.h"
#include "lib/certs.h"
#include "os/digest.h"
#include "os/secret.h"
#include "os/stdmem.h"

#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* No check of one test: without this the whole program cannot be believed, so it ends, and failed.
 */
static void __attribute__((format(printf, 1, 2), noreturn)) fault(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)printf("FAIL netrig: ");
	(void)vprintf(fmt, ap);
	(void)printf("\n");
	va_end(ap);
	exit(1);
}

static const char *
spawn(struct netrig *r)
{
	int in[2], out[2];
	char cert[80], key[80];

	(void)snprintf(cert, sizeof cert, "%s/cert.pem", r->dir);
	(void)snprintf(key, sizeof key, "%s/key.pem", r->dir);
	if (pipe(in) != 0 || pipe(out) != 0)
		return "no pipe";
	r->pid = fork();
	if (r->pid < 0)
		return "no process";
	if (r->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when this program is killed */
		(void)dup2(in[0], 0);
		(void)dup2(out[1], 1);
		(void)close(in[0]);
		(void)close(in[1]);
		(void)close(out[0]);
		(void)close(out[1]);
		(void)execlp("python3", "python3", "tests/lib/fakes.py", cert, key, (char *)NULL);
		_exit(127);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	r->to = fdopen(in[1], "w");
	r->from = fdopen(out[0], "r");
	return NULL;
}

static char *
read_line(struct netrig *r)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n = getline(&line, &cap, r->from);

	if (n > 0)
		return line;
	free(line);
	return NULL;
}

static const char *
read_ports(struct netrig *r)
{
	char *line = read_line(r);
	json_t *j = line != NULL ? json_loads(line, JSON_REJECT_DUPLICATES, NULL) : NULL;

	free(line);
	if (j == NULL)
		return "the fake servers do not start (python3 with asyncio is needed)";
	(void)json_unpack(j, "{s:i,s:i,s:i,s:i,s:i,s:i,s:i}", "smtp", &r->port.smtp, "smtps",
		&r->port.smtps, "imap", &r->port.imap, "dns", &r->port.dns, "http", &r->port.http,
		"https", &r->port.https, "tcp", &r->port.tcp);
	json_decref(j);
	return NULL;
}

static void
save(const struct netrig *r, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/%s", r->dir, name);
	f = fopen(path, "w");
	if (f == NULL)
		return;
	(void)fputs(text, f);
	(void)fclose(f);
}

static char *
load(const struct netrig *r, const char *name)
{
	char path[128], *text = stdmem_get(65536);
	size_t n = 0;
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/%s", r->dir, name);
	f = fopen(path, "r");
	if (f != NULL) {
		n = fread(text, 1, 65535, f);
		(void)fclose(f);
	}
	text[n] = '\0';
	return text;
}

const char *
netrig_start(struct netrig *r)
{
	char resolver[32];
	const char *why, *list[] = { resolver };
	struct err err = { 0 };

	memset(r, 0, sizeof *r);
	digest_warm();
	(void)umask(077);
	(void)snprintf(r->dir, sizeof r->dir, "/tmp/ferryman-netrig-XXXXXX");
	if (mkdtemp(r->dir) == NULL)
		return "no folder under /tmp";
	if (!certs_make(r->dir))
		return "no certificates can be made";
	r->ca = load(r, "ca.pem");
	save(r, "probe.auth", "probe:sesame\n");
	save(r, "wrong.auth", "probe:wrong\n");
	save(r, "seed.auth", "seed:se\"same\n");
	save(r, "bounces.auth", "bounces:sesame\n");
	save(r, "list.key", "0123456789abcdefghijklmnop\n");
	why = spawn(r);
	if (why == NULL)
		why = read_ports(r);
	if (why != NULL)
		return why;
	(void)uv_loop_init(&r->loop);
	(void)snprintf(resolver, sizeof resolver, "127.0.0.1:%d", r->port.dns);
	if (net_new(&r->net, &r->loop, &(struct net_opts){ .resolver = list, .resolver_n = 1 },
		    &err) != RC_OK)
		return "no net";
	r->arena = arena_new(&stdmem, 16 * 1024 * 1024);
	return NULL;
}

static void
remove_files(const struct netrig *r)
{
	static const char *const names[] = { "ca.pem", "cert.pem", "key.pem", "probe.auth",
		"wrong.auth", "seed.auth", "bounces.auth", "list.key" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		char path[128];

		(void)snprintf(path, sizeof path, "%s/%s", r->dir, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(r->dir);
}

void
netrig_stop(struct netrig *r)
{
	bool clean;

	net_free(&r->net);
	/* What net leaves open keeps the loop alive for ever: that is a fault to see. */
	(void)uv_run(&r->loop, UV_RUN_DEFAULT);
	clean = uv_loop_close(&r->loop) == 0;
	arena_free(&r->arena);
	if (r->to != NULL)
		(void)fclose(r->to);
	if (r->from != NULL)
		(void)fclose(r->from);
	if (r->pid > 0) {
		(void)kill(r->pid, SIGTERM);
		(void)waitpid(r->pid, NULL, 0);
	}
	free(r->ca);
	remove_files(r);
	if (!clean)
		fault("handles are left in the loop");
}

void
netrig_tell(struct netrig *r, const char *fmt, ...)
{
	va_list ap;
	char *line;

	va_start(ap, fmt);
	(void)vfprintf(r->to, fmt, ap);
	va_end(ap);
	(void)fputc('\n', r->to);
	(void)fflush(r->to);
	line = read_line(r);
	if (line == NULL || strcmp(line, "ok\n") != 0)
		fault("the fakes did not take \"%s\"", fmt);
	free(line);
}

static char *
get(struct netrig *r, const char *what)
{
	(void)fprintf(r->to, "{\"get\": \"%s\"}\n", what);
	(void)fflush(r->to);
	return read_line(r);
}

char *
netrig_log(struct netrig *r)
{
	return get(r, "log");
}

char *
netrig_boxes(struct netrig *r)
{
	return get(r, "boxes");
}

bool
netrig_asked(struct netrig *r, const char *what, int n)
{
	bool never = false;

	for (int i = 0; i < 150; i++) {
		char *all = netrig_log(r);
		int seen = 0;

		for (const char *at = all; at != NULL && (at = strstr(at, what)) != NULL; at++)
			seen++;
		free(all);
		if (seen >= n)
			return true;
		(void)netrig_until(r, &never, 20);
	}
	return false;
}

static void
on_limit(uv_timer_t *t)
{
	*(bool *)t->data = true;
}

bool
netrig_until(struct netrig *r, const bool *flag, int limit_ms)
{
	uv_timer_t limit;
	bool over = false;

	(void)uv_timer_init(&r->loop, &limit);
	limit.data = &over;
	uv_update_time(&r->loop);
	(void)uv_timer_start(&limit, on_limit, (uint64_t)limit_ms, 0);
	while (!*flag && !over)
		(void)uv_run(&r->loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&limit, NULL);
	(void)uv_run(&r->loop, UV_RUN_NOWAIT);
	return *flag;
}

void
netrig_turn(struct netrig *r)
{
	(void)uv_run(&r->loop, UV_RUN_NOWAIT);
}

/* --- one connector --- */

static void
on_done(void *ctx, const struct conn_done *d)
{
	struct netrig_port *p = ctx;
	struct netrig_seen *s = &p->seen[d->op & 7];
	const struct observation *o = d->obs;

	s->times++;
	s->done = true;
	if (o == NULL)
		return;
	s->verdict = o->verdict;
	s->harm = o->harm;
	s->untested = o->untested;
	(void)snprintf(s->class, sizeof s->class, "%s", o->class != NULL ? o->class : "(null)");
	(void)snprintf(s->via, sizeof s->via, "%s", o->via != NULL ? o->via : "");
	(void)snprintf(s->why, sizeof s->why, "%s", o->why);
	(void)snprintf(s->facts, sizeof s->facts, "%s", o->facts);
}

static struct secret *
fetch(void *ctx, const struct cfg *cfg, const char *key, struct err *err)
{
	const struct netrig *r = ctx;
	struct secret *s = NULL;
	const struct schema_row *row = cfg_row(cfg, key);

	if (secret_fetch(&s, cfg_secret(cfg, key), r->dir,
		    row != NULL && (row->flags & SR_PUBLIC_FILE) != 0, err) != RC_OK)
		return NULL;
	return s;
}

static const struct cfg *
configure(struct netrig_port *p, const char *yaml)
{
	struct findings *f = findings_new(&stdmem);
	struct reader r = { .mem = &stdmem, .a = p->rig->arena, .f = f, .file = "test" };
	struct ynode *n = yaml_tree_read(r.a, "test", yaml, strlen(yaml), f);
	const struct cfg *cfg = n != NULL ? cfg_read(&r, n, NULL, p->kind->info.schema, "") : NULL;

	if (findings_errors(f) > 0 || cfg == NULL) {
		(void)err_set(&p->err, RC_INVALID, "%s",
			findings_n(f) > 0 ? findings_at(f, 0)->text : "no mapping");
		cfg = NULL;
	} else if (p->kind->info.check != NULL && p->kind->info.check(cfg, &p->err) != RC_OK) {
		cfg = NULL;
	}
	findings_free(&f);
	return cfg;
}

bool
netrig_open(
	struct netrig_port *p, struct netrig *r, const struct connector *kind, const char *fmt, ...)
{
	struct conn_env env = { .net = r->net,
		.done = on_done,
		.ctx = p,
		.secret = fetch,
		.secret_ctx = r,
		.name = "test",
		.playbook = "test" };
	const struct cfg *cfg;
	char yaml[8192];
	va_list ap;

	memset(p, 0, sizeof *p);
	p->rig = r;
	p->kind = kind;
	va_start(ap, fmt);
	(void)vsnprintf(yaml, sizeof yaml, fmt, ap);
	va_end(ap);
	cfg = configure(p, yaml);
	return cfg != NULL && kind->open(&p->conn, cfg, &env, &p->err) == RC_OK;
}

void
netrig_close(struct netrig_port *p)
{
	p->kind->close(&p->conn);
}

void
netrig_probe(struct netrig_port *p, op_id op, const struct probe_req *rq)
{
	p->seen[op & 7] = (struct netrig_seen){ 0 };
	p->kind->probe(p->conn, op, rq);
	if (p->seen[op & 7].done)
		fault("op %d completed inside the call", (int)op);
}

struct netrig_seen *
netrig_ask(struct netrig_port *p, const char *subject, int deadline_ms)
{
	netrig_probe(p, 1, &(struct probe_req){ .subject = subject, .deadline_ms = deadline_ms });
	if (!netrig_until(p->rig, &p->seen[1].done, deadline_ms + 3000))
		(void)snprintf(p->seen[1].why, sizeof p->seen[1].why, "(never completed)");
	return &p->seen[1];
}
