/*
 * http.h - one HTTP request by libcurl, in the loop. Names are resolved by net_resolve and never by
 * curl.
 *
 * TLS is always verified, redirects are not followed, proxies and netrc are not used, only https://
 * is spoken (and http:// to a loopback address, for tests and local agents).
 */
#ifndef FERRYMAN_NET_HTTP_H
#define FERRYMAN_NET_HTTP_H

#include "net/net.h"
#include "os/secret.h"

struct http_request {
	const char *method; /* "GET" "POST" "PUT" "PATCH" "DELETE" */
	const char *url;
	const char *const
		*headers; /* "Name: value", NULL-ended; NULL = none. No CR or LF in them */
	const struct secret *bearer; /* Authorization: Bearer ...; kept out of headers so that
					nothing prints it; NULL = none */
	const void *body;
	size_t body_n;
	const char *ca_pem;   /* PEM text trusted instead of net's bundle; NULL = net's */
	const char *cert_pem; /* client certificate; NULL = none */
	const struct secret *key_pem;
	const char *connect_to; /* "address:port" instead of the resolved host (TLS name and Host
				   stay the URL's); NULL */
	size_t max_body;	/* of the reply, bytes; 0 = 1 MiB */
	int64_t deadline_ms;
};

enum http_end {
	HTTP_ANSWERED,	/* status, body: the whole reply came */
	HTTP_REFUSED,	/* not sent, and asking again changes nothing (bad URL, certificate not
			   trusted) */
	HTTP_NOT_SENT,	/* no octet of the request has left */
	HTTP_MAYBE_SENT /* it may have been received and obeyed; no whole reply */
};
struct http_result {
	enum http_end end;
	int status;
	const char *body; /* NUL-terminated; borrowed for the callback */
	size_t body_n;
	int64_t retry_after_ms; /* Retry-After in seconds (RFC 9110 10.2.3); 0 = none or a date */
	const char *type;	/* Content-Type, "" if none */
	const char *why;	/* one line */
};

struct http_job;
typedef void http_fn(void *ctx, const struct http_result *);
/* http_start - everything in rq is borrowed for the call (copied). fn exactly once, later, unless
 * cancelled. */
struct http_job *http_start(struct net *net, const struct http_request *rq, http_fn *fn, void *ctx);
/* http_cancel - returns true if anything may have been sent; no callback afterwards. NULL-safe
 * (false), nulls. */
bool http_cancel(struct http_job **job);

/* For net.c alone: libcurl's side of a net, made at the first request. */
struct http_pool;
void http_pool_free(struct http_pool **pool);
struct http_pool **net_http_pool(struct net *net);

#endif
