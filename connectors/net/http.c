/*
 * http.c - libcurl's multi interface in the loop. curl is never called from inside one of its own
 * callbacks, and never resolves a name: one dead resolver would otherwise cost a thread for each
 * request.
 */
#include "base/buf.h"
#include "base/text.h"
#include "net/http.h"
#include "os/stdmem.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HTTP_BODY_MAX = 1024 * 1024, HTTP_CONNECTIONS = 32 };

struct http_pool {
	struct net *net;
	CURLM *multi;
	uv_timer_t *timer;
};

struct http_fd {
	uv_poll_t handle;
	struct http_pool *pool;
	curl_socket_t fd;
};

struct http_job {
	struct net *net;
	struct http_pool *pool;
	CURL *easy;
	bool added;
	struct curl_slist *headers, *connect_to;
	struct net_name *name;
	struct net_timer *later;
	http_fn *fn;
	void *ctx;
	char *host, *body;
	int port;
	int64_t until_ms;
	char addr[NET_ADDRS][NET_ADDR_TEXT];
	size_t addr_n, addr_i;
	struct buf reply;
	struct http_result r;
	char why[768], type[128], error[CURL_ERROR_SIZE];
};

/* --- the pool: sockets and timer --- */

static void check_done(struct http_pool *pool);

static void
handle_freed(uv_handle_t *h)
{
	free(h->data);
}

static void
fd_ready(uv_poll_t *h, int status, int events)
{
	const struct http_fd *f = h->data;
	struct http_pool *pool = f->pool;
	curl_socket_t fd = f->fd; /* f may be gone inside */
	int flags = 0, running;

	if (status < 0)
		flags = CURL_CSELECT_ERR;
	if ((events & UV_READABLE) != 0)
		flags |= CURL_CSELECT_IN;
	if ((events & UV_WRITABLE) != 0)
		flags |= CURL_CSELECT_OUT;
	(void)curl_multi_socket_action(pool->multi, fd, flags, &running);
	check_done(pool);
}

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *sockp)
{
	struct http_pool *pool = ctx;
	struct http_fd *f = sockp;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (f == NULL)
			return 0;
		(void)uv_poll_stop(&f->handle);
		uv_close((uv_handle_t *)&f->handle, handle_freed);
		(void)curl_multi_assign(pool->multi, fd, NULL);
		return 0;
	}
	if (f == NULL) {
		f = stdmem_get(sizeof *f);
		f->pool = pool;
		f->fd = fd;
		if (uv_poll_init_socket(net_loop(pool->net), &f->handle, fd) != 0) {
			free(f);
			return -1;
		}
		f->handle.data = f;
		(void)curl_multi_assign(pool->multi, fd, f);
	}
	(void)uv_poll_start(&f->handle,
		((what & CURL_POLL_IN) != 0 ? UV_READABLE : 0) |
			((what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0),
		fd_ready);
	return 0;
}

static void
timer_fired(uv_timer_t *h)
{
	struct http_pool *pool = h->data;
	int running;

	(void)curl_multi_socket_action(pool->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	check_done(pool);
}

/* Only arms the timer: curl calls this from inside itself. */
static int
on_timer(CURLM *multi, long ms, void *ctx)
{
	const struct http_pool *pool = ctx;

	(void)multi;
	if (ms < 0)
		return uv_timer_stop(pool->timer);
	uv_update_time(net_loop(pool->net));
	return uv_timer_start(pool->timer, timer_fired, (uint64_t)ms, 0);
}

static struct http_pool *
pool_get(struct net *net)
{
	struct http_pool **slot = net_http_pool(net), *pool = *slot;

	if (pool != NULL)
		return pool;
	pool = stdmem_get(sizeof *pool);
	pool->net = net;
	pool->multi = curl_multi_init();
	if (pool->multi == NULL) {
		free(pool);
		return NULL;
	}
	pool->timer = stdmem_get(sizeof *pool->timer);
	(void)uv_timer_init(net_loop(net), pool->timer);
	pool->timer->data = pool;
	(void)curl_multi_setopt(pool->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	(void)curl_multi_setopt(pool->multi, CURLMOPT_SOCKETDATA, pool);
	(void)curl_multi_setopt(pool->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	(void)curl_multi_setopt(pool->multi, CURLMOPT_TIMERDATA, pool);
	(void)curl_multi_setopt(
		pool->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)HTTP_CONNECTIONS);
	*slot = pool;
	return pool;
}

void
http_pool_free(struct http_pool **ppool)
{
	struct http_pool *pool = *ppool;

	if (pool == NULL)
		return;
	*ppool = NULL;
	(void)curl_multi_cleanup(
		pool->multi); /* closes kept connections: on_socket is called for each */
	pool->timer->data = pool->timer;
	uv_close((uv_handle_t *)pool->timer, handle_freed);
	free(pool);
}

/* --- the end of a job --- */

static bool
anything_sent(const struct http_job *j)
{
	long size = 0;

	return j->easy != NULL &&
	       curl_easy_getinfo(j->easy, CURLINFO_REQUEST_SIZE, &size) == CURLE_OK && size > 0;
}

bool
http_cancel(struct http_job **pj)
{
	struct http_job *j = *pj;
	bool sent;

	if (j == NULL)
		return false;
	*pj = NULL;
	sent = anything_sent(j);
	if (j->added)
		(void)curl_multi_remove_handle(j->pool->multi, j->easy);
	curl_easy_cleanup(j->easy);
	curl_slist_free_all(j->headers);
	curl_slist_free_all(j->connect_to);
	net_resolve_cancel(&j->name);
	net_timer_stop(&j->later);
	buf_fini(&j->reply);
	free(j->host);
	free(j->body);
	free(j);
	return sent;
}

static void
tell(void *ctx)
{
	struct http_job *j = ctx;
	struct http_result r = j->r;
	struct buf reply = j->reply;
	char why[sizeof j->why], type[sizeof j->type];
	http_fn *fn = j->fn;
	void *arg = j->ctx;

	memcpy(why, j->why, sizeof why);
	memcpy(type, j->type, sizeof type);
	j->reply = (struct buf){ 0 };
	(void)http_cancel(&j);
	r.body = buf_text(&reply);
	r.body_n = reply.len;
	r.type = type;
	r.why = why;
	fn(arg, &r);
	buf_fini(&reply);
}

static void __attribute__((format(printf, 3, 4)))
finish(struct http_job *j, enum http_end end, const char *fmt, ...)
{
	va_list ap;

	j->r.end = end;
	va_start(ap, fmt);
	(void)vsnprintf(j->why, sizeof j->why, fmt, ap);
	va_end(ap);
	net_timer_stop(&j->later);
	j->later = net_later(j->net, tell, j);
}

static void next_address(struct http_job *j, const char *why);

static void
answered(struct http_job *j)
{
	curl_off_t retry = 0;
	const char *type = NULL;
	long status = 0;

	(void)curl_easy_getinfo(j->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(j->easy, CURLINFO_CONTENT_TYPE, &type);
	(void)curl_easy_getinfo(j->easy, CURLINFO_RETRY_AFTER, &retry);
	(void)snprintf(j->type, sizeof j->type, "%s", type != NULL ? type : "");
	j->r.status = (int)status;
	j->r.retry_after_ms = retry > 0 && retry < 86400 ? (int64_t)retry * 1000 : 0;
	finish(j, HTTP_ANSWERED, "%s answers %ld", j->host, status);
}

static void
job_done(struct http_job *j, CURLcode code)
{
	const char *text = j->error[0] != '\0' ? j->error : curl_easy_strerror(code);
	bool sent = anything_sent(j);

	(void)curl_multi_remove_handle(j->pool->multi, j->easy);
	j->added = false;
	if (code == CURLE_OK)
		answered(j);
	else if (buf_failed(&j->reply))
		finish(j, HTTP_MAYBE_SENT, "%s: the reply is larger than %zu octets", j->host,
			j->reply.max);
	else if (sent)
		finish(j, HTTP_MAYBE_SENT, "%s: %s", j->host, text);
	else if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
		 code == CURLE_SSL_CERTPROBLEM || code == CURLE_UNSUPPORTED_PROTOCOL ||
		 code == CURLE_URL_MALFORMAT)
		finish(j, HTTP_REFUSED, "%s: %s", j->host, text);
	else
		next_address(j, text);
}

static void
check_done(struct http_pool *pool)
{
	const CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(pool->multi, &left)) != NULL) {
		char *at = NULL;
		CURLcode code = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &at);
		job_done((struct http_job *)(void *)at, code);
	}
}

/* --- the start of a job --- */

static size_t
on_body(char *p, size_t one, size_t n, void *ctx)
{
	struct http_job *j = ctx;

	buf_add(&j->reply, p, one * n);
	return buf_failed(&j->reply) ? 0 : one * n;
}

static void
fly(struct http_job *j)
{
	const char *addr = j->addr[j->addr_i];
	int64_t left = j->until_ms - net_now_ms(j->net);
	char to[512];

	if (left <= 0) {
		finish(j, HTTP_NOT_SENT, "%s: no time is left", j->host);
		return;
	}
	(void)snprintf(
		to, sizeof to, strchr(addr, ':') != NULL ? "::[%s]:%d" : "::%s:%d", addr, j->port);
	curl_slist_free_all(j->connect_to);
	j->connect_to = curl_slist_append(NULL, to);
	(void)curl_easy_setopt(j->easy, CURLOPT_CONNECT_TO, j->connect_to);
	(void)curl_easy_setopt(j->easy, CURLOPT_TIMEOUT_MS, (long)left);
	(void)curl_easy_setopt(j->easy, CURLOPT_CONNECTTIMEOUT_MS,
		(long)(left / (int64_t)(j->addr_n - j->addr_i)));
	j->added = curl_multi_add_handle(j->pool->multi, j->easy) == CURLM_OK;
	if (!j->added)
		finish(j, HTTP_NOT_SENT, "%s: the request could not be started", j->host);
}

static void
next_address(struct http_job *j, const char *why)
{
	if (++j->addr_i < j->addr_n)
		fly(j);
	else
		finish(j, HTTP_NOT_SENT, "%s: %s", j->host, why);
}

static void
resolved(void *ctx, const char *const *addr, size_t n, const char *why)
{
	struct http_job *j = ctx;

	j->name = NULL;
	if (n == 0) {
		finish(j, HTTP_NOT_SENT, "%s", why);
		return;
	}
	for (size_t i = 0; i < n; i++)
		(void)snprintf(j->addr[i], sizeof j->addr[i], "%s", addr[i]);
	j->addr_n = n;
	fly(j);
}

static void
connect_given(void *ctx)
{
	struct http_job *j = ctx;

	net_timer_stop(&j->later);
	fly(j);
}

static bool
is_loopback(const char *host)
{
	return text_starts(host, "127.") || strcmp(host, "::1") == 0;
}

/* Host and port of the URL; a sentence if it is none that we speak to. */
static const char *
take_url(struct http_job *j, const char *url)
{
	CURLU *u = curl_url();
	char *scheme = NULL, *host = NULL, *port = NULL, *user = NULL;
	const char *bad = NULL;

	if (u == NULL || curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
		curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
		curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
		curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK) {
		bad = "the URL can not be read";
	} else {
		size_t n = strlen(host);

		if (host[0] == '[' && host[n - 1] == ']') { /* curl keeps the brackets */
			memmove(host, host + 1, n - 2);
			host[n - 2] = '\0';
		}
		j->host = stdmem_str(host);
		j->port = (int)strtol(port, NULL, 10);
		if (strcmp(scheme, "https") != 0 &&
			!(strcmp(scheme, "http") == 0 && is_loopback(host)))
			bad = "the URL is not https://";
		else if (curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_OK)
			bad = "the URL holds a user name";
	}
	if (j->host == NULL)
		j->host = stdmem_str("the URL");
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_free(user);
	curl_url_cleanup(u);
	return bad;
}

static const char *
take_headers(struct http_job *j, const char *const *headers)
{
	/* No "Expect: 100-continue": it costs a second at servers that do not know it. */
	j->headers = curl_slist_append(NULL, "Expect:");
	for (size_t i = 0; headers != NULL && headers[i] != NULL; i++) {
		if (strpbrk(headers[i], "\r\n") != NULL || strchr(headers[i], ':') == NULL)
			return "a header can not be sent";
		j->headers = curl_slist_append(j->headers, headers[i]);
	}
	return NULL;
}

static void
set_blob(CURL *easy, CURLoption option, const char *pem, size_t n)
{
	struct curl_blob b = { .data = (void *)(uintptr_t)pem, .len = n, .flags = CURL_BLOB_COPY };

	(void)curl_easy_setopt(easy, option, &b);
}

/* TLS and everything that must never be forgotten, in one place. */
static void
set_safety(const struct http_job *j, const struct http_request *rq)
{
	CURL *e = j->easy;

	(void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(
		e, CURLOPT_PROTOCOLS_STR, "http,https"); /* take_url allows http to loopback only */
	(void)curl_easy_setopt(e, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	(void)curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
	(void)curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
	(void)curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	(void)curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	if (rq->ca_pem != NULL)
		set_blob(e, CURLOPT_CAINFO_BLOB, rq->ca_pem, strlen(rq->ca_pem));
	else if (net_ca_file(j->net) != NULL)
		(void)curl_easy_setopt(e, CURLOPT_CAINFO, net_ca_file(j->net));
	if (rq->cert_pem != NULL && rq->key_pem != NULL) {
		set_blob(e, CURLOPT_SSLCERT_BLOB, rq->cert_pem, strlen(rq->cert_pem));
		set_blob(e, CURLOPT_SSLKEY_BLOB, secret_reveal(rq->key_pem),
			secret_len(rq->key_pem));
	}
	/* On a kept connection that turns out dead curl sends a request again by itself: never one
	 * that changes things. */
	if (strcmp(rq->method, "GET") != 0) {
		(void)curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
		(void)curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
	}
}

static void
set_request(struct http_job *j, const struct http_request *rq)
{
	CURL *e = j->easy;

	(void)curl_easy_setopt(e, CURLOPT_URL, rq->url);
	(void)curl_easy_setopt(e, CURLOPT_PRIVATE, j);
	(void)curl_easy_setopt(e, CURLOPT_ERRORBUFFER, j->error);
	(void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(e, CURLOPT_WRITEDATA, j);
	(void)curl_easy_setopt(e, CURLOPT_HTTPHEADER, j->headers);
	(void)curl_easy_setopt(e, CURLOPT_USERAGENT, "ferryman/" FERRYMAN_VERSION);
	if (rq->bearer != NULL) {
		(void)curl_easy_setopt(e, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
		(void)curl_easy_setopt(e, CURLOPT_XOAUTH2_BEARER, secret_reveal(rq->bearer));
	}
	if (strcmp(rq->method, "GET") != 0) {
		j->body = stdmem_get(rq->body_n + 1);
		if (rq->body_n > 0)
			memcpy(j->body, rq->body, rq->body_n);
		(void)curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)rq->body_n);
		(void)curl_easy_setopt(e, CURLOPT_POSTFIELDS, j->body);
		(void)curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, rq->method);
	}
}

struct http_job *
http_start(struct net *net, const struct http_request *rq, http_fn *fn, void *ctx)
{
	struct http_job *j = stdmem_get(sizeof *j);
	const char *bad;

	j->net = net;
	j->fn = fn;
	j->ctx = ctx;
	j->until_ms = net_now_ms(net) + rq->deadline_ms;
	buf_init(&j->reply, &stdmem, rq->max_body > 0 ? rq->max_body : HTTP_BODY_MAX);
	bad = take_url(j, rq->url);
	if (bad == NULL)
		bad = take_headers(j, rq->headers);
	j->pool = pool_get(net);
	j->easy = curl_easy_init();
	if (bad != NULL || j->pool == NULL || j->easy == NULL) {
		finish(j, HTTP_REFUSED, "%s: %s", j->host,
			bad != NULL ? bad : "the HTTP library does not start");
		return j;
	}
	set_safety(j, rq);
	set_request(j, rq);
	if (rq->connect_to == NULL) {
		j->name = net_resolve(net, j->host, rq->deadline_ms, resolved, j);
	} else if (net_split(rq->connect_to, j->port, j->addr[0], sizeof j->addr[0], &j->port)) {
		j->addr_n = 1;
		j->later = net_later(net, connect_given, j);
	} else {
		finish(j, HTTP_REFUSED, "connect_to \"%s\" is no address", rq->connect_to);
	}
	return j;
}
