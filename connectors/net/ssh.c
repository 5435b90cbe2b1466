/*
 * ssh.c - commands over one kept SSH session, by libssh2 without blocking.
 *
 * A session goes IDLE, RESOLVE, CONNECT, HANDSHAKE, AUTH, READY; a job on it OPEN, EXEC, WRITE,
 * EOF, READ, CLOSE. step() does what can be done now; EAGAIN leaves it armed for what libssh2 waits
 * for, and the same call is made again with the same arguments. A session on which anything went
 * wrong is never used again.
 */
#include "base/buf.h"
#include "base/text.h"
#include "net/ssh.h"
#include "os/stdmem.h"

#include <errno.h>
#include <fcntl.h>
#include <libssh2.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	SSH_OUT_MAX = 1024 * 1024,
	SSH_ERR_MAX = 64 * 1024,
	SSH_IDLE_MS = 60000,
	SSH_KEY_MAX = 1024, /* octets of a host key */
	SSH_FREE_TRIES = 20
};

enum ssh_state { SSH_IDLE, SSH_RESOLVE, SSH_CONNECT, SSH_HANDSHAKE, SSH_AUTH, SSH_READY };
enum job_state { JOB_WAIT, JOB_OPEN, JOB_EXEC, JOB_WRITE, JOB_EOF, JOB_READ, JOB_CLOSE, JOB_TOLD };

struct ssh_job {
	struct ssh_job *next;
	struct ssh *ssh;
	struct net_timer *deadline, *later;
	enum job_state state;
	char *command, *in;
	size_t in_n, in_at;
	struct buf out, errout;
	bool ran;   /* the exec request may have left */
	bool again; /* has had its second try on a fresh session */
	ssh_fn *fn;
	void *ctx;
	struct ssh_result r;
	char why[768];
};

struct ssh {
	struct net *net;
	char *host, *user;
	int port;
	struct secret *key;
	char type[32];
	unsigned char host_key[SSH_KEY_MAX];
	size_t host_key_n;
	int64_t idle_ms;
	enum ssh_state state;
	struct net_name *name;
	struct net_timer *idle, *kick;
	char addr[NET_ADDRS][NET_ADDR_TEXT];
	size_t addr_n, addr_i;
	int fd;
	uv_poll_t *poll;
	LIBSSH2_SESSION *session;
	LIBSSH2_CHANNEL *channel;
	bool used;	      /* a command has run on this session */
	struct ssh_job *jobs; /* the first is the current one */
	struct ssh_job *told; /* ended, to be told in the next turn */
};

/* "no" ends the job for good, "not yet" may be tried again. */
enum verdict { GO_ON, AGAIN, NOT_YET, NO, LOST };

static void step(struct ssh *s);

/* --- the session's end --- */

static void
poll_closed(uv_handle_t *h)
{
	free(h);
}

/* Shut the socket first: then no call of libssh2 waits for the other side. */
static void
drop(struct ssh *s)
{
	net_resolve_cancel(&s->name);
	net_timer_stop(&s->idle);
	if (s->poll != NULL) {
		(void)uv_poll_stop(s->poll);
		uv_close((uv_handle_t *)s->poll, poll_closed);
		s->poll = NULL;
	}
	if (s->session != NULL && s->channel == NULL && s->state == SSH_READY)
		(void)libssh2_session_disconnect(s->session, "bye");
	if (s->fd >= 0)
		(void)shutdown(s->fd, SHUT_RDWR);
	for (int i = 0; s->channel != NULL && i < SSH_FREE_TRIES; i++)
		if (libssh2_channel_free(s->channel) != LIBSSH2_ERROR_EAGAIN)
			break;
	s->channel = NULL;
	for (int i = 0; s->session != NULL && i < SSH_FREE_TRIES; i++)
		if (libssh2_session_free(s->session) != LIBSSH2_ERROR_EAGAIN)
			break;
	s->session = NULL;
	if (s->fd >= 0)
		(void)close(s->fd);
	s->fd = -1;
	s->used = false;
	s->state = SSH_IDLE;
}

static void
on_idle(void *ctx)
{
	drop(ctx);
}

/* --- jobs: queue and end --- */

static void
job_unlink(struct ssh_job *j)
{
	struct ssh_job **at = j->state == JOB_TOLD ? &j->ssh->told : &j->ssh->jobs;

	while (*at != NULL && *at != j)
		at = &(*at)->next;
	if (*at == j)
		*at = j->next;
}

static void
job_free(struct ssh_job *j)
{
	net_timer_stop(&j->deadline);
	net_timer_stop(&j->later);
	if (j->in != NULL)
		explicit_bzero(j->in, j->in_n);
	free(j->in);
	free(j->command);
	buf_fini(&j->out);
	buf_fini(&j->errout);
	free(j);
}

static void
on_kick(void *ctx)
{
	struct ssh *s = ctx;

	net_timer_stop(&s->kick);
	step(s);
}

/* Go on in the next turn: never from inside a caller's call. */
static void
kick(struct ssh *s)
{
	if (s->kick == NULL)
		s->kick = net_later(s->net, on_kick, s);
}

static void
job_tell(void *ctx)
{
	struct ssh_job *j = ctx;
	struct ssh_result r = j->r;

	job_unlink(j);
	net_timer_stop(&j->later);
	r.out = buf_text(&j->out);
	r.out_n = j->out.len;
	r.errout = buf_text(&j->errout);
	r.errout_n = j->errout.len;
	r.why = j->why;
	j->fn(j->ctx, &r);
	job_free(j);
}

static void
job_finish(struct ssh_job *j, enum ssh_end end, const char *why)
{
	struct ssh *s = j->ssh;

	j->r.end = end;
	(void)snprintf(j->why, sizeof j->why, "%s", why);
	job_unlink(j);
	j->state = JOB_TOLD;
	j->next = s->told;
	s->told = j;
	net_timer_stop(&j->deadline);
	j->later = net_later(s->net, job_tell, j);
	if (s->jobs != NULL)
		kick(s);
}

/* The session is of no more use. A command that has not left yet on a session that was kept gets a
 * fresh one, once. */
static void __attribute__((format(printf, 3, 4)))
fail(struct ssh *s, enum verdict v, const char *fmt, ...)
{
	struct ssh_job *j = s->jobs;
	char why[700];
	bool kept = s->used;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	drop(s);
	if (j == NULL)
		return;
	if (!j->ran && kept && !j->again && v != NO) {
		j->again = true;
		j->state = JOB_WAIT;
		kick(s);
		return;
	}
	job_finish(j, v == NO ? SSH_REFUSED : j->ran ? SSH_MAYBE_SENT : SSH_NOT_SENT, why);
}

static void
fail_libssh2(struct ssh *s, enum verdict v, const char *what)
{
	char *text = NULL;

	(void)libssh2_session_last_error(s->session, &text, NULL, 0);
	fail(s, v, "%s: %s: %s", s->host, what, text != NULL ? text : "unknown error");
}

/* --- opening the session --- */

static void
on_ready(uv_poll_t *h, int status, int events)
{
	struct ssh *s = h->data;

	(void)status;
	(void)events;
	/* Between commands the server has nothing to say: whatever it is, the next command gets a
	 * new session. */
	if (s->state == SSH_READY && s->jobs == NULL)
		drop(s);
	else
		step(s);
}

static void
arm(struct ssh *s)
{
	int events = UV_READABLE;

	if (s->poll == NULL)
		return;
	if (s->state == SSH_CONNECT) {
		events = UV_WRITABLE;
	} else if (s->session != NULL && s->jobs != NULL) {
		int dir = libssh2_session_block_directions(s->session);

		events = ((dir & LIBSSH2_SESSION_BLOCK_INBOUND) != 0 ? UV_READABLE : 0) |
			 ((dir & LIBSSH2_SESSION_BLOCK_OUTBOUND) != 0 ? UV_WRITABLE : 0);
		if (events == 0)
			events = UV_READABLE;
	}
	(void)uv_poll_start(s->poll, events, on_ready);
}

static bool
socket_open(struct ssh *s)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t n = sizeof(struct sockaddr_in);
	int on = 1;

	if (uv_ip4_addr(s->addr[s->addr_i], s->port, (struct sockaddr_in *)&sa) != 0) {
		n = sizeof(struct sockaddr_in6);
		if (uv_ip6_addr(s->addr[s->addr_i], s->port, (struct sockaddr_in6 *)&sa) != 0)
			return false;
	}
	s->fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return false;
	/* Without it each command waits for a delayed acknowledgement: 47 instead of 3 ms. */
	(void)setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(s->fd, (struct sockaddr *)&sa, n) != 0 && errno != EINPROGRESS)
		return false;
	s->poll = stdmem_get(sizeof *s->poll);
	if (uv_poll_init(net_loop(s->net), s->poll, s->fd) != 0) {
		free(s->poll);
		s->poll = NULL;
		return false;
	}
	s->poll->data = s;
	return true;
}

static void
connect_address(struct ssh *s)
{
	for (; s->addr_i < s->addr_n; s->addr_i++) {
		if (socket_open(s)) {
			s->state = SSH_CONNECT;
			arm(s);
			return;
		}
		drop(s);
	}
	fail(s, NOT_YET, "%s port %d: no connection", s->host, s->port);
}

static void
resolved(void *ctx, const char *const *addr, size_t n, const char *why)
{
	struct ssh *s = ctx;

	s->name = NULL;
	if (n == 0) {
		fail(s, NOT_YET, "%s", why);
		return;
	}
	for (size_t i = 0; i < n; i++)
		(void)snprintf(s->addr[i], sizeof s->addr[i], "%s", addr[i]);
	s->addr_n = n;
	s->addr_i = 0;
	connect_address(s);
}

static enum verdict
step_connect(struct ssh *s)
{
	int e = 0;
	socklen_t n = sizeof e;

	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &e, &n) != 0)
		e = errno;
	if (e == 0) {
		struct sockaddr_storage peer;
		socklen_t len = sizeof peer;

		if (getpeername(s->fd, (struct sockaddr *)&peer, &len) != 0)
			return AGAIN; /* woken for nothing: still connecting */
		s->session = libssh2_session_init();
		if (s->session == NULL) {
			fail(s, NOT_YET, "%s: out of memory", s->host);
			return LOST;
		}
		libssh2_session_set_blocking(s->session, 0);
		(void)libssh2_session_method_pref(s->session, LIBSSH2_METHOD_HOSTKEY, s->type);
		s->state = SSH_HANDSHAKE;
		return GO_ON;
	}
	if (s->addr_i + 1 < s->addr_n) {
		size_t next = s->addr_i + 1;

		drop(s);
		s->addr_i = next;
		connect_address(s);
		return LOST;
	}
	fail(s, NOT_YET, "%s port %d: %s", s->host, s->port, strerror(e));
	return LOST;
}

static bool
host_key_right(const struct ssh *s)
{
	size_t n = 0;
	int type = 0;
	const char *key = libssh2_session_hostkey(s->session, &n, &type);

	/* The blob begins with the type's name, so equal octets are an equal type too. */
	return key != NULL && n == s->host_key_n && memcmp(key, s->host_key, n) == 0;
}

static enum verdict
step_handshake(struct ssh *s)
{
	int rc = libssh2_session_handshake(s->session, s->fd);

	if (rc == LIBSSH2_ERROR_EAGAIN)
		return AGAIN;
	if (rc == LIBSSH2_ERROR_KEX_FAILURE || rc == LIBSSH2_ERROR_KEY_EXCHANGE_FAILURE ||
		rc == LIBSSH2_ERROR_METHOD_NONE || rc == LIBSSH2_ERROR_HOSTKEY_INIT ||
		rc == LIBSSH2_ERROR_HOSTKEY_SIGN) {
		fail(s, NO,
			"%s: no key exchange: the server has no host key of the pinned type %s, or "
			"only "
			"methods that libssh2 " LIBSSH2_VERSION " does not know",
			s->host, s->type);
		return LOST;
	}
	if (rc != 0) {
		fail_libssh2(s, NOT_YET, "SSH handshake");
		return LOST;
	}
	if (!host_key_right(s)) {
		fail(s, NO, "%s: its host key is not the pinned %s key: nothing was sent to it",
			s->host, s->type);
		return LOST;
	}
	s->state = SSH_AUTH;
	return GO_ON;
}

static enum verdict
step_auth(struct ssh *s)
{
	int rc = libssh2_userauth_publickey_frommemory(s->session, s->user, strlen(s->user), NULL,
		0, secret_reveal(s->key), secret_len(s->key), NULL);

	if (rc == LIBSSH2_ERROR_EAGAIN)
		return AGAIN;
	if (rc == LIBSSH2_ERROR_AUTHENTICATION_FAILED || rc == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED ||
		rc == LIBSSH2_ERROR_FILE || rc == LIBSSH2_ERROR_METHOD_NOT_SUPPORTED) {
		fail_libssh2(s, NO, "the key of our user is not taken (want ed25519 or ECDSA)");
		return LOST;
	}
	if (rc != 0) {
		fail_libssh2(s, NOT_YET, "authentication");
		return LOST;
	}
	s->state = SSH_READY;
	return GO_ON;
}

/* --- a job on a ready session --- */

static enum verdict
job_open(struct ssh *s, struct ssh_job *j)
{
	s->channel = libssh2_channel_open_session(s->session);
	if (s->channel != NULL) {
		j->state = JOB_EXEC;
		return GO_ON;
	}
	if (libssh2_session_last_errno(s->session) == LIBSSH2_ERROR_EAGAIN)
		return AGAIN;
	fail_libssh2(s, NOT_YET, "opening a channel");
	return LOST;
}

static enum verdict
job_exec(struct ssh *s, struct ssh_job *j)
{
	int rc;

	j->ran = true;
	rc = libssh2_channel_exec(s->channel, j->command);
	if (rc == LIBSSH2_ERROR_EAGAIN)
		return AGAIN;
	if (rc == LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED) {
		j->ran = false; /* the server says so itself */
		fail(s, NO, "%s refuses to run a command for %s", s->host, s->user);
		return LOST;
	}
	if (rc != 0) {
		fail_libssh2(s, LOST, "running the command");
		return LOST;
	}
	s->used = true;
	j->state = JOB_WRITE;
	return GO_ON;
}

static enum verdict
job_write(struct ssh *s, struct ssh_job *j)
{
	ssize_t n;

	if (j->in_at == j->in_n) {
		j->state = JOB_EOF;
		return GO_ON;
	}
	n = libssh2_channel_write(s->channel, j->in + j->in_at, j->in_n - j->in_at);
	if (n == LIBSSH2_ERROR_EAGAIN)
		return AGAIN;
	if (n == LIBSSH2_ERROR_CHANNEL_CLOSED || n == LIBSSH2_ERROR_CHANNEL_EOF_SENT) {
		j->state = JOB_READ; /* the command has ended without reading on; what it said is
					still to be had */
		return GO_ON;
	}
	if (n < 0) {
		fail_libssh2(s, LOST, "sending the request");
		return LOST;
	}
	j->in_at += (size_t)n;
	return GO_ON;
}

static enum verdict
job_eof(struct ssh *s, struct ssh_job *j)
{
	int rc = libssh2_channel_send_eof(s->channel);

	if (rc == LIBSSH2_ERROR_EAGAIN)
		return AGAIN;
	if (rc != 0) {
		fail_libssh2(s, LOST, "ending the request");
		return LOST;
	}
	j->state = JOB_READ;
	return GO_ON;
}

/* Both outputs are drained, or the channel stalls for ever. */
static enum verdict
job_read(struct ssh *s, struct ssh_job *j)
{
	char chunk[16384];
	bool waits = false;

	for (int stream = 0; stream <= 1; stream++) {
		struct buf *b = stream == 0 ? &j->out : &j->errout;
		ssize_t n;

		while ((n = libssh2_channel_read_ex(s->channel, stream, chunk, sizeof chunk)) > 0)
			if (stream == 0 ||
				b->len + (size_t)n <= b->max) /* stderr: the first part is enough */
				buf_add(b, chunk, (size_t)n);
		if (n == LIBSSH2_ERROR_EAGAIN) {
			waits = true;
		} else if (n < 0) {
			fail_libssh2(s, LOST, "reading the answer");
			return LOST;
		}
	}
	if (buf_failed(&j->out)) {
		fail(s, LOST, "%s: the answer is longer than %zu octets", s->host, j->out.max);
		return LOST;
	}
	if (libssh2_channel_eof(s->channel)) {
		j->state = JOB_CLOSE;
		return GO_ON;
	}
	if (waits)
		return AGAIN;
	fail(s, LOST, "%s: the connection ended before the command did", s->host);
	return LOST;
}

/* The status is believed only after EOF, a clean close and without a signal: else libssh2 reports
 * 0. */
static enum verdict
job_close(struct ssh *s, struct ssh_job *j)
{
	char *signal = NULL;
	int rc = libssh2_channel_close(s->channel);

	if (rc == 0)
		rc = libssh2_channel_wait_closed(s->channel);
	if (rc == LIBSSH2_ERROR_EAGAIN)
		return AGAIN;
	if (rc != 0) {
		fail_libssh2(s, LOST, "closing the channel");
		return LOST;
	}
	(void)libssh2_channel_get_exit_signal(s->channel, &signal, NULL, NULL, NULL, NULL, NULL);
	j->r.status = libssh2_channel_get_exit_status(s->channel);
	if (signal != NULL) {
		char name[64];

		(void)snprintf(name, sizeof name, "%s", signal);
		libssh2_free(s->session, signal);
		fail(s, LOST, "%s: the command was ended by signal %s", s->host, name);
		return LOST;
	}
	rc = libssh2_channel_free(s->channel);
	if (rc == LIBSSH2_ERROR_EAGAIN)
		return AGAIN;
	s->channel = NULL;
	job_finish(j, SSH_EXITED, "");
	return GO_ON;
}

static enum verdict
step_job(struct ssh *s)
{
	struct ssh_job *j = s->jobs;

	switch (j->state) {
	case JOB_WAIT:
		net_timer_stop(&s->idle);
		j->state = JOB_OPEN;
		return GO_ON;
	case JOB_OPEN:
		return job_open(s, j);
	case JOB_EXEC:
		return job_exec(s, j);
	case JOB_WRITE:
		return job_write(s, j);
	case JOB_EOF:
		return job_eof(s, j);
	case JOB_READ:
		return job_read(s, j);
	case JOB_CLOSE:
		return job_close(s, j);
	case JOB_TOLD:
		break;
	}
	return AGAIN;
}

static enum verdict
step_once(struct ssh *s)
{
	switch (s->state) {
	case SSH_IDLE:
		s->state = SSH_RESOLVE;
		/* Each job has a deadline of its own; this one only bounds the look-up. */
		s->name = net_resolve(s->net, s->host, SSH_IDLE_MS, resolved, s);
		return LOST;
	case SSH_RESOLVE:
		return LOST;
	case SSH_CONNECT:
		return step_connect(s);
	case SSH_HANDSHAKE:
		return step_handshake(s);
	case SSH_AUTH:
		return step_auth(s);
	case SSH_READY:
		return step_job(s);
	}
	return LOST;
}

static void
step(struct ssh *s)
{
	enum verdict v = GO_ON;

	while (v == GO_ON && s->jobs != NULL)
		v = step_once(s);
	if (v == LOST)
		return; /* resolving, dropped, or begun anew: each has armed what it needs */
	arm(s);
	if (s->jobs == NULL && s->state == SSH_READY && s->idle == NULL)
		s->idle = net_timer_start(s->net, s->idle_ms, on_idle, s);
}

/* --- the interface --- */

static enum rc
take_host_key(struct ssh *s, const char *line, struct err *err)
{
	static const char *const known[] = { "ssh-ed25519", "ecdsa-sha2-nistp256",
		"ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521" };
	size_t type_n = strcspn(line, " "), key_n;
	const char *key = line + type_n + strspn(line + type_n, " ");
	bool ok = false;
	int n, pad = 0;

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		ok = ok || (strlen(known[i]) == type_n && strncmp(line, known[i], type_n) == 0);
	if (!ok)
		return err_set(err, RC_INVALID,
			"host_key: \"%.*s\" is no host key of a type that is pinned here; want one "
			"line \"ssh-ed25519 "
			"AAAA...\" (or ecdsa-sha2-nistp256/384/521)",
			(int)(type_n < 40 ? type_n : 40), line);
	key_n = strcspn(key, " \t\r\n");
	if (key_n == 0 || key_n % 4 != 0 || key_n / 4 * 3 > sizeof s->host_key ||
		strchr(key, '\n') != NULL)
		return err_set(err, RC_INVALID, "host_key: not one line of type and base64");
	n = EVP_DecodeBlock(s->host_key, (const unsigned char *)key, (int)key_n);
	while (pad < 2 && key[key_n - 1 - (size_t)pad] == '=')
		pad++;
	s->host_key_n = n > pad ? (size_t)(n - pad) : 0;
	(void)snprintf(s->type, sizeof s->type, "%.*s", (int)type_n, line);
	if (s->host_key_n < 4 + type_n || memcmp(s->host_key + 4, s->type, type_n) != 0)
		return err_set(err, RC_INVALID,
			"host_key: the key is not of the type %s that stands before it", s->type);
	return RC_OK;
}

enum rc
ssh_new(struct ssh **ret, struct net *net, const struct ssh_opts *o, struct err *err)
{
	struct ssh *s = stdmem_get(sizeof *s);
	enum rc rc = take_host_key(s, o->host_key, err);

	if (rc != RC_OK) {
		free(s);
		return rc;
	}
	s->net = net;
	s->fd = -1;
	s->host = stdmem_str(o->host);
	s->user = stdmem_str(o->user);
	s->port = o->port > 0 ? o->port : 22;
	s->key = secret_new(secret_reveal(o->key), secret_len(o->key));
	s->idle_ms = o->idle_ms > 0 ? o->idle_ms : SSH_IDLE_MS;
	*ret = s;
	return RC_OK;
}

static void
jobs_free(struct ssh_job **list)
{
	while (*list != NULL) {
		struct ssh_job *j = *list;

		*list = j->next;
		job_free(j);
	}
}

void
ssh_free(struct ssh **ps)
{
	struct ssh *s = *ps;

	if (s == NULL)
		return;
	*ps = NULL;
	jobs_free(&s->jobs);
	jobs_free(&s->told);
	drop(s);
	net_timer_stop(&s->kick);
	secret_free(&s->key);
	free(s->host);
	free(s->user);
	free(s);
}

static void
on_deadline(void *ctx)
{
	struct ssh_job *j = ctx;
	struct ssh *s = j->ssh;
	bool current = s->jobs == j;
	char why[512];

	(void)snprintf(why, sizeof why, "%s: no end of the command within the time", s->host);
	if (current)
		drop(s);
	job_finish(j, j->ran ? SSH_MAYBE_SENT : SSH_NOT_SENT, why);
}

struct ssh_job *
ssh_exec(struct ssh *s, const struct ssh_command *c, ssh_fn *fn, void *ctx)
{
	struct ssh_job *j = stdmem_get(sizeof *j), **at = &s->jobs;

	j->ssh = s;
	j->fn = fn;
	j->ctx = ctx;
	j->command = stdmem_str(c->command);
	j->in_n = c->in_n;
	j->in = stdmem_get(c->in_n + 1);
	if (c->in_n > 0)
		memcpy(j->in, c->in, c->in_n);
	buf_init(&j->out, &stdmem, c->max_out > 0 ? c->max_out : SSH_OUT_MAX);
	buf_init(&j->errout, &stdmem, SSH_ERR_MAX);
	j->deadline = net_timer_start(s->net, c->deadline_ms, on_deadline, j);
	while (*at != NULL)
		at = &(*at)->next;
	*at = j;
	kick(s);
	return j;
}

bool
ssh_cancel(struct ssh_job **pj)
{
	struct ssh_job *j = *pj;
	struct ssh *s;
	bool ran;

	if (j == NULL)
		return false;
	*pj = NULL;
	s = j->ssh;
	ran = j->ran;
	if (s->jobs == j && (j->state != JOB_WAIT || s->state != SSH_READY))
		drop(s); /* in the middle of something */
	job_unlink(j);
	job_free(j);
	if (s->jobs != NULL)
		kick(s);
	return ran;
}
