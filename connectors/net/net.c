/* net.c - the loop's timers, deferred calls and name look-ups. Every handle is closed here or by
 * its owner. */
#include "net/chan.h"
#include "net/http.h"
#include "net/net.h"
#include "os/clock.h"
#include "os/stdmem.h"

#include <ares.h>
#include <curl/curl.h>
#include <libssh2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct net_timer {
	uv_timer_t handle;
	struct net *net;
	struct net_timer *next, **at;
	net_fn *fn;
	void *ctx;
};

struct net {
	uv_loop_t *loop;
	struct chans *chans;
	struct http_pool *http;
	char *ca_file;
	struct net_timer *timers;
};

/* The libraries count their own initialisations, so this pairs with fini below. */
static enum rc
libraries_init(struct err *err)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(err, RC_IO, "the HTTP library does not start");
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
		return err_set(err, RC_IO, "the DNS library does not start");
	if (libssh2_init(0) != 0)
		return err_set(err, RC_IO, "the SSH library does not start");
	return RC_OK;
}

static bool
resolvers_ok(const struct net_opts *opts, struct err *err)
{
	for (size_t i = 0; i < opts->resolver_n; i++) {
		char host[NET_ADDR_TEXT];
		struct in6_addr any;
		int port;

		if (net_split(opts->resolver[i], 53, host, sizeof host, &port) &&
			(uv_inet_pton(AF_INET, host, &any) == 0 ||
				uv_inet_pton(AF_INET6, host, &any) == 0))
			continue;
		(void)err_set(err, RC_INVALID, "resolver \"%s\" is no address", opts->resolver[i]);
		return false;
	}
	return true;
}

enum rc
net_new(struct net **ret, uv_loop_t *loop, const struct net_opts *opts, struct err *err)
{
	struct net *net;
	enum rc rc = libraries_init(err);

	if (rc != RC_OK)
		return rc;
	if (!resolvers_ok(opts, err))
		return RC_INVALID;
	/* A peer that goes away is an error of the write, not the end of the process. */
	(void)signal(SIGPIPE, SIG_IGN);
	net = stdmem_get(sizeof *net);
	net->loop = loop;
	if (opts->ca_file != NULL)
		net->ca_file = stdmem_str(opts->ca_file);
	net->chans = chans_new(net, opts->resolver, opts->resolver_n);
	*ret = net;
	return RC_OK;
}

void
net_free(struct net **pnet)
{
	struct net *net = *pnet;

	if (net == NULL)
		return;
	*pnet = NULL;
	http_pool_free(&net->http);
	chans_free(&net->chans);
	while (net->timers != NULL) {
		struct net_timer *t = net->timers;

		net_timer_stop(&t);
	}
	free(net->ca_file);
	free(net);
	libssh2_exit();
	ares_library_cleanup();
	curl_global_cleanup();
}

uv_loop_t *
net_loop(const struct net *net)
{
	return net->loop;
}

const char *
net_ca_file(const struct net *net)
{
	return net->ca_file;
}

struct http_pool **
net_http_pool(struct net *net)
{
	return &net->http;
}

struct chans *
net_chans(const struct net *net)
{
	return net->chans;
}

int64_t
net_now_ms(const struct net *net)
{
	uv_update_time(net->loop);
	return (int64_t)uv_now(net->loop);
}

int64_t
net_wall_ms(const struct net *net)
{
	(void)net;
	return clock_wall_ms();
}

/* --- timers --- */

static void
timer_fired(uv_timer_t *h)
{
	struct net_timer *t = h->data;

	t->fn(t->ctx);
}

static void
timer_closed(uv_handle_t *h)
{
	free(h->data);
}

struct net_timer *
net_timer_start(struct net *net, int64_t ms, net_fn *fn, void *ctx)
{
	struct net_timer *t = stdmem_get(sizeof *t);

	t->net = net;
	t->fn = fn;
	t->ctx = ctx;
	t->next = net->timers;
	t->at = &net->timers;
	if (t->next != NULL)
		t->next->at = &t->next;
	net->timers = t;
	(void)uv_timer_init(net->loop, &t->handle);
	t->handle.data = t;
	/* The loop's time is that of the turn's begin; a long turn would let the timer run out too
	 * early. */
	uv_update_time(net->loop);
	(void)uv_timer_start(&t->handle, timer_fired, ms > 0 ? (uint64_t)ms : 0, 0);
	return t;
}

struct net_timer *
net_later(struct net *net, net_fn *fn, void *ctx)
{
	return net_timer_start(net, 0, fn, ctx);
}

void
net_timer_stop(struct net_timer **pt)
{
	struct net_timer *t = *pt;

	if (t == NULL)
		return;
	*pt = NULL;
	*t->at = t->next;
	if (t->next != NULL)
		t->next->at = t->at;
	uv_close((uv_handle_t *)&t->handle, timer_closed);
}

/* --- names to addresses --- */

struct net_name {
	struct net *net;
	struct chan_job *job;
	struct net_timer *timer; /* the deadline, or the deferred answer of an address */
	net_resolved_fn *fn;
	void *ctx;
	char *host;
};

static void
name_tell(struct net_name *n, char *list, const char *why)
{
	const char *addr[NET_ADDRS];
	size_t count = 0;
	net_resolved_fn *fn = n->fn;
	void *ctx = n->ctx;

	for (char *at = list; at != NULL && *at != '\0' && count < NET_ADDRS;) {
		char *end = strchr(at, '\n');

		addr[count++] = at;
		if (end != NULL)
			*end++ = '\0';
		at = end;
	}
	net_resolve_cancel(&n);
	fn(ctx, addr, count, why);
}

static void
name_is_address(void *ctx)
{
	struct net_name *n = ctx;
	char host[NET_ADDR_TEXT];

	(void)snprintf(host, sizeof host, "%s", n->host);
	name_tell(n, host, "");
}

static void
name_late(void *ctx)
{
	struct net_name *n = ctx;
	char why[320];

	(void)snprintf(why, sizeof why, "no address of %s within the time", n->host);
	name_tell(n, NULL, why);
}

static void
name_found(void *ctx, const unsigned char *p, size_t len, const char *why)
{
	struct net_name *n = ctx;
	char list[NET_ADDRS * NET_ADDR_TEXT];
	char text[512];

	n->job = NULL;
	if (p == NULL || len == 0 || len >= sizeof list) {
		(void)snprintf(text, sizeof text, "no address of %s: %s", n->host, why);
		name_tell(n, NULL, text);
		return;
	}
	memcpy(list, p, len);
	list[len] = '\0';
	name_tell(n, list, "");
}

struct net_name *
net_resolve(struct net *net, const char *host, int64_t deadline_ms, net_resolved_fn *fn, void *ctx)
{
	struct net_name *n = stdmem_get(sizeof *n);
	struct in6_addr any;

	n->net = net;
	n->fn = fn;
	n->ctx = ctx;
	n->host = stdmem_str(host);
	if (strlen(host) < NET_ADDR_TEXT && (uv_inet_pton(AF_INET, host, &any) == 0 ||
						    uv_inet_pton(AF_INET6, host, &any) == 0)) {
		n->timer = net_later(net, name_is_address, n);
		return n;
	}
	n->timer = net_timer_start(net, deadline_ms, name_late, n);
	n->job = chan_resolve(net, host, name_found, n);
	return n;
}

void
net_resolve_cancel(struct net_name **pn)
{
	struct net_name *n = *pn;

	if (n == NULL)
		return;
	*pn = NULL;
	chan_cancel(&n->job);
	net_timer_stop(&n->timer);
	free(n->host);
	free(n);
}

bool
net_split(const char *hostport, int def_port, char *host, size_t n, int *ret_port)
{
	const char *end, *port = NULL;
	size_t len;
	long num = def_port;

	if (hostport[0] == '[') {
		end = strchr(++hostport, ']');
		if (end == NULL || (end[1] != ':' && end[1] != '\0'))
			return false;
		port = end[1] == ':' ? end + 2 : NULL;
	} else {
		end = strchr(hostport, ':');
		if (end == NULL || strchr(end + 1, ':') != NULL)
			end = hostport + strlen(hostport); /* no port, or a bare IPv6 address */
		else
			port = end + 1;
	}
	len = (size_t)(end - hostport);
	if (len == 0 || len >= n)
		return false;
	if (port != NULL) {
		char *stop;

		num = strtol(port, &stop, 10);
		if (stop == port || *stop != '\0' || *port == '-' || *port == '+')
			return false;
	}
	if (num < 1 || num > 65535)
		return false;
	memcpy(host, hostport, len);
	host[len] = '\0';
	*ret_port = (int)num;
	return true;
}
