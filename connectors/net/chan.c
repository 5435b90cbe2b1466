/*
 * chan.c - c-ares in the loop. A channel for each server that is asked by address, one for the
 * resolvers' raw answers, one for names. No callback of ours runs inside a callback of c-ares:
 * answers are copied and told in the next turn, so that nobody can send on or destroy a channel
 * that is in the middle of its own work.
 */
#include "net/chan.h"
#include "os/stdmem.h"

#include <ares.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	CHAN_FLIGHTS =
		100, /* c-ares has no limit of its own; 1,000 at once cost a loop lag of seconds */
	CHAN_TRY_MS =
		1500, /* first try; doubles: 1.5 + 3 + 6 = 10.5 s for a server that never answers */
	CHAN_TRIES = 3,
	CHAN_ANSWER_MAX = 65535
};

struct chan_fd {
	uv_poll_t handle;
	struct chan *chan;
	struct chan_fd *next;
	ares_socket_t fd;
};

struct chan {
	struct chan *next;
	struct chans *set;
	char *key;
	ares_channel ares;
	uv_timer_t *timer;
	struct chan_fd *fds;
};

/* What c-ares holds; it lives until c-ares has called back, whatever becomes of the job. */
struct flight {
	struct chans *set;
	struct chan_job *job; /* NULL: nobody waits any more */
};

struct chan_job {
	struct chan_job *next, **at; /* in set->waiting until it flies */
	struct chans *set;
	struct flight *flight;
	struct net_timer *later;
	char *server;
	bool tcp;
	unsigned char *wire; /* the query, then the answer */
	size_t n;
	char *host; /* a look-up of a name instead of a query */
	bool answered;
	char why[160];
	chan_fn *fn;
	void *ctx;
};

struct chans {
	struct net *net;
	struct chan *list;
	char *resolvers; /* "a:p,b:p" for c-ares; NULL = the machine's */
	struct chan_job *waiting;
	unsigned flying;
	bool closing;
};

/* --- sockets and timer of a channel --- */

static void chan_timer(uv_timer_t *h);

/* ares_timeout is asked again after every call into c-ares: what it said before holds no longer. */
static void
chan_rearm(struct chan *c)
{
	struct timeval tv;

	if (ares_timeout(c->ares, NULL, &tv) == NULL) {
		(void)uv_timer_stop(c->timer);
		return;
	}
	uv_update_time(net_loop(c->set->net));
	(void)uv_timer_start(c->timer, chan_timer,
		(uint64_t)tv.tv_sec * 1000 + (uint64_t)tv.tv_usec / 1000 + 1, 0);
}

static void
chan_timer(uv_timer_t *h)
{
	struct chan *c = h->data;

	ares_process_fd(c->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	chan_rearm(c);
}

static void
chan_fd_ready(uv_poll_t *h, int status, int events)
{
	struct chan_fd *f = h->data;
	struct chan *c = f->chan;
	ares_socket_t fd = f->fd; /* f may be gone after the call */
	bool in = status < 0 || (events & UV_READABLE) != 0;
	bool out = status < 0 || (events & UV_WRITABLE) != 0;

	ares_process_fd(c->ares, in ? fd : ARES_SOCKET_BAD, out ? fd : ARES_SOCKET_BAD);
	chan_rearm(c);
}

static void
handle_freed(uv_handle_t *h)
{
	free(h->data);
}

/* c-ares tells which sockets it has and what it waits for; it closes a socket itself, after this.
 */
static void
chan_socket(void *data, ares_socket_t fd, int in, int out)
{
	struct chan *c = data;
	struct chan_fd **at = &c->fds, *f;

	while (*at != NULL && (*at)->fd != fd)
		at = &(*at)->next;
	f = *at;
	if (!in && !out) {
		if (f == NULL)
			return;
		*at = f->next;
		(void)uv_poll_stop(&f->handle);
		uv_close((uv_handle_t *)&f->handle, handle_freed);
		return;
	}
	if (f == NULL) {
		f = stdmem_get(sizeof *f);
		f->chan = c;
		f->fd = fd;
		if (uv_poll_init(net_loop(c->set->net), &f->handle, fd) != 0) {
			free(f); /* the query runs into its deadline */
			return;
		}
		f->handle.data = f;
		f->next = c->fds;
		c->fds = f;
	}
	(void)uv_poll_start(
		&f->handle, (in ? UV_READABLE : 0) | (out ? UV_WRITABLE : 0), chan_fd_ready);
}

/* --- channels --- */

static void
chan_free(struct chan *c)
{
	ares_destroy(c->ares);
	while (c->fds != NULL)
		chan_socket(c, c->fds->fd, 0, 0);
	c->timer->data = c->timer;
	uv_close((uv_handle_t *)c->timer, handle_freed);
	free(c->key);
	free(c);
}

static struct chan *
chan_make(struct chans *set, const char *key, const char *servers, int flags)
{
	struct chan *c = stdmem_get(sizeof *c);
	struct ares_options o = { .flags = flags,
		.timeout = CHAN_TRY_MS,
		.tries = CHAN_TRIES,
		.sock_state_cb = chan_socket,
		.sock_state_cb_data = c };
	int rc = ares_init_options(&c->ares, &o,
		ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);

	if (rc == ARES_SUCCESS && servers != NULL &&
		ares_set_servers_ports_csv(c->ares, servers) != ARES_SUCCESS) {
		ares_destroy(c->ares);
		rc = ARES_EBADSTR;
	}
	if (rc != ARES_SUCCESS) {
		free(c);
		return NULL;
	}
	c->set = set;
	c->key = stdmem_str(key);
	c->timer = stdmem_get(sizeof *c->timer);
	(void)uv_timer_init(net_loop(set->net), c->timer);
	c->timer->data = c;
	c->next = set->list;
	set->list = c;
	return c;
}

/* "addr[:port]" as c-ares wants it; false if it is none. */
static bool
server_text(const char *server, char *out, size_t n)
{
	char host[NET_ADDR_TEXT];
	int port;

	if (!net_split(server, 53, host, sizeof host, &port))
		return false;
	(void)snprintf(out, n, strchr(host, ':') != NULL ? "[%s]:%d" : "%s:%d", host, port);
	return true;
}

/* server NULL = the resolvers. Names go over a channel of their own, on which c-ares tries the next
 * resolver when one says SERVFAIL; raw questions want that answer (NOCHECKRESP). */
static struct chan *
chan_get(struct chans *set, const char *server, bool names, bool tcp)
{
	char text[NET_ADDR_TEXT + 16] = "";
	char key[NET_ADDR_TEXT + 32];
	const char *servers = server != NULL ? text : set->resolvers;

	if (server != NULL && !server_text(server, text, sizeof text))
		return NULL;
	(void)snprintf(key, sizeof key, "%s/%d/%d", text, names, tcp);
	for (struct chan *c = set->list; c != NULL; c = c->next)
		if (strcmp(c->key, key) == 0)
			return c;
	return chan_make(set, key, servers,
		(names ? 0 : ARES_FLAG_NOCHECKRESP) | (tcp ? ARES_FLAG_USEVC : 0));
}

struct chans *
chans_new(struct net *net, const char *const *resolver, size_t n)
{
	struct chans *set = stdmem_get(sizeof *set);

	set->net = net;
	if (n > 0) {
		size_t room = n * (NET_ADDR_TEXT + 16), len = 0;

		set->resolvers = stdmem_get(room);
		for (size_t i = 0; i < n; i++) {
			char text[NET_ADDR_TEXT + 15];

			if (server_text(resolver[i], text, sizeof text))
				len += (size_t)snprintf(set->resolvers + len, room - len, "%s%s",
					len > 0 ? "," : "", text);
		}
	}
	return set;
}

void
chans_free(struct chans **pset)
{
	struct chans *set = *pset;

	if (set == NULL)
		return;
	*pset = NULL;
	set->closing = true;
	while (set->list != NULL) {
		struct chan *c = set->list;

		set->list = c->next;
		chan_free(c);
	}
	free(set->resolvers);
	free(set);
}

/* --- jobs --- */

static void job_next(struct chans *set);

static void
job_tell(void *ctx)
{
	struct chan_job *j = ctx;
	chan_fn *fn = j->fn;
	void *arg = j->ctx;
	unsigned char *answer = j->answered ? j->wire : NULL;
	size_t n = j->n;
	char why[sizeof j->why];

	memcpy(why, j->why, sizeof why);
	if (j->answered)
		j->wire = NULL;
	chan_cancel(&j);
	fn(arg, answer, n, why);
	free(answer);
}

static void
job_done(struct chan_job *j, const void *p, size_t n, const char *why)
{
	free(j->wire);
	j->wire = NULL;
	j->n = n;
	j->answered = p != NULL;
	if (p != NULL) {
		j->wire = stdmem_get(n + 1);
		memcpy(j->wire, p, n);
	}
	(void)snprintf(j->why, sizeof j->why, "%s", why);
	net_timer_stop(&j->later);
	j->later = net_later(j->set->net, job_tell, j);
}

/* The flight has landed. On the way down (ares_destroy) nothing new is started. */
static struct chan_job *
flight_land(struct flight *f)
{
	struct chan_job *j = f->job;

	f->set->flying--;
	if (j != NULL)
		j->flight = NULL;
	free(f);
	return j;
}

static void
answer_landed(void *arg, int status, int timeouts, unsigned char *p, int n)
{
	struct flight *f = arg;
	struct chans *set = f->set;
	struct chan_job *j = flight_land(f);

	(void)timeouts;
	if (set->closing)
		return;
	if (j != NULL) {
		/* With NOCHECKRESP c-ares hands over what came; a status without octets is no
		 * answer. */
		if (p != NULL && n > 0 && n <= CHAN_ANSWER_MAX)
			job_done(j, p, (size_t)n, "");
		else
			job_done(j, NULL, 0, ares_strerror(status));
	}
	job_next(set);
}

static void
names_landed(void *arg, int status, int timeouts, struct ares_addrinfo *ai)
{
	struct flight *f = arg;
	struct chans *set = f->set;
	struct chan_job *j = flight_land(f);
	char list[NET_ADDRS * NET_ADDR_TEXT];
	size_t len = 0, count = 0;

	(void)timeouts;
	for (struct ares_addrinfo_node *n = ai != NULL ? ai->nodes : NULL;
		n != NULL && count < NET_ADDRS; n = n->ai_next) {
		char addr[NET_ADDR_TEXT];

		if ((n->ai_family != AF_INET && n->ai_family != AF_INET6) ||
			getnameinfo(n->ai_addr, n->ai_addrlen, addr, sizeof addr, NULL, 0,
				NI_NUMERICHOST) != 0)
			continue;
		len += (size_t)snprintf(
			list + len, sizeof list - len, "%s%s", count++ > 0 ? "\n" : "", addr);
	}
	if (ai != NULL)
		ares_freeaddrinfo(ai);
	if (set->closing)
		return;
	if (j != NULL) {
		if (len > 0)
			job_done(j, list, len, "");
		else
			job_done(j, NULL, 0,
				status != ARES_SUCCESS ? ares_strerror(status) : "none");
	}
	job_next(set);
}

/* --- the window of queries in flight --- */

static void
job_fly(struct chan_job *j)
{
	struct chan *c = chan_get(j->set, j->server, j->host != NULL, j->tcp);
	struct flight *f;

	if (c == NULL) {
		job_done(
			j, NULL, 0, j->server != NULL ? "the server is no address" : "no resolver");
		return;
	}
	f = stdmem_get(sizeof *f);
	*f = (struct flight){ .set = j->set, .job = j };
	j->flight = f;
	j->set->flying++;
	if (j->host != NULL) {
		const struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC };

		ares_getaddrinfo(c->ares, j->host, NULL, &hints, names_landed, f);
	} else {
		ares_send(c->ares, j->wire, (int)j->n, answer_landed, f);
	}
	chan_rearm(c);
}

static void
job_unlink(struct chan_job *j)
{
	if (j->at == NULL)
		return;
	*j->at = j->next;
	if (j->next != NULL)
		j->next->at = j->at;
	j->at = NULL;
	j->next = NULL;
}

static void
job_begin(void *ctx)
{
	struct chan_job *j = ctx;

	net_timer_stop(&j->later);
	job_fly(j);
}

/* In a later turn: this is called by c-ares, which must not be called from within. */
static void
job_next(struct chans *set)
{
	struct chan_job *j = set->waiting;

	if (j == NULL || set->flying >= CHAN_FLIGHTS)
		return;
	job_unlink(j);
	j->later = net_later(set->net, job_begin, j);
}

static struct chan_job *
job_start(struct chan_job *j)
{
	if (j->set->flying < CHAN_FLIGHTS) {
		/* Not at once: c-ares may call back inside ares_send, and the caller has no handle
		 * yet. */
		j->later = net_later(j->set->net, job_begin, j);
		return j;
	}
	j->at = &j->set->waiting;
	while (*j->at != NULL)
		j->at = &(*j->at)->next;
	*j->at = j;
	return j;
}

struct chan_job *
chan_ask(struct net *net, const char *server, bool tcp, const unsigned char *wire, size_t n,
	chan_fn *fn, void *ctx)
{
	struct chan_job *j = stdmem_get(sizeof *j);

	j->set = net_chans(net);
	j->server = server != NULL ? stdmem_str(server) : NULL;
	j->tcp = tcp;
	j->wire = stdmem_get(n + 1);
	memcpy(j->wire, wire, n);
	j->n = n;
	j->fn = fn;
	j->ctx = ctx;
	return job_start(j);
}

struct chan_job *
chan_resolve(struct net *net, const char *host, chan_fn *fn, void *ctx)
{
	struct chan_job *j = stdmem_get(sizeof *j);

	j->set = net_chans(net);
	j->host = stdmem_str(host);
	j->fn = fn;
	j->ctx = ctx;
	return job_start(j);
}

void
chan_cancel(struct chan_job **pj)
{
	struct chan_job *j = *pj;

	if (j == NULL)
		return;
	*pj = NULL;
	if (j->flight != NULL)
		j->flight->job = NULL;
	job_unlink(j);
	net_timer_stop(&j->later);
	free(j->server);
	free(j->wire);
	free(j->host);
	free(j);
}
