/*
 * dnsupdate.h - one signed dynamic update (RFC 2136, RFC 8945), sent once, over one TCP connection
 * of its own.
 *
 * A library that repeats a query would repeat an update, and a repeated update reports NXRRSET for
 * what it has itself just done. So nothing here is ever sent twice, and the end says how far it
 * came.
 */
#ifndef FERRYMAN_NET_DNSUPDATE_H
#define FERRYMAN_NET_DNSUPDATE_H

#include "net/dns.h"
#include "os/secret.h"

enum dnsupdate_kind {
	DNSUPDATE_REQUIRE_RR,	/* RFC 2136 2.4.2: all REQUIRE_RR of one name and type together =
				   exactly this set */
	DNSUPDATE_REQUIRE_NONE, /* 2.4.3: no set of that name and type */
	DNSUPDATE_REQUIRE_SOME, /* 2.4.1: some set of that name and type */
	DNSUPDATE_ADD,		/* 2.5.1 */
	DNSUPDATE_DELETE_SET,	/* 2.5.2 */
	DNSUPDATE_DELETE_RR	/* 2.5.4 */
};

struct dnsupdate_rr {
	enum dnsupdate_kind kind;
	const char *name; /* no final dot */
	int type;	  /* DNS_MX or DNS_TXT for those with data */
	uint32_t ttl;	  /* ADD only, seconds */
	/* REQUIRE_RR, ADD, DELETE_RR: */
	const char *data; /* TXT: the octets, of any length, cut here into strings of 255; MX: the
			     host without final dot */
	size_t data_n;	  /* TXT */
	const char *strings; /* TXT, instead of data: strings each after its length; NULL = none */
	size_t strings_n;
	int preference; /* MX */
};

struct dnsupdate {
	const char *server; /* "192.0.2.1" or with ":port" */
	const char *zone;
	const struct dnsupdate_rr *rr; /* in the order of the message */
	size_t rr_n;
	const char *key_name;	   /* TSIG; NULL = unsigned */
	const char *key_algorithm; /* "hmac-sha256" */
	const struct secret *key;  /* base64 */
	int64_t fudge_s; /* how far the clocks may be apart (RFC 8945 5.2.3), 1..65535 s */
	int64_t deadline_ms;
};

enum dnsupdate_end {
	/* rcode. An unsigned refusal (NOTAUTH, REFUSED, FORMERR, NOTIMP) counts, authentic = false;
	   any other answer must bear a right signature. */
	DNSUPDATE_ANSWERED,
	DNSUPDATE_REFUSED, /* refused before sending: our request can not be built (bad key, name or
			      data) */
	DNSUPDATE_NOT_SENT,  /* no octet of the request has left */
	DNSUPDATE_MAYBE_SENT /* some have, and no valid answer came: read before anything else */
};
struct dnsupdate_result {
	enum dnsupdate_end end;
	int rcode;
	bool authentic; /* signed by the server with our key; true too if no key was used */
	const char *why;
};

struct dnsupdate_job;
typedef void dnsupdate_fn(void *ctx, const struct dnsupdate_result *);
struct dnsupdate_job *dnsupdate_start(
	struct net *net, const struct dnsupdate *u, dnsupdate_fn *fn, void *ctx);
/* dnsupdate_cancel - returns true if anything may have been sent; no callback afterwards. NULL-safe
 * (false), nulls. */
bool dnsupdate_cancel(struct dnsupdate_job **job);

#endif
