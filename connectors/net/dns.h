/*
 * dns.h - ask a DNS server, or the resolvers, for any type: UDP first, TCP when cut off (c-ares),
 * parsed by ldns.
 *
 * An answer is what a server said, with its code: NXDOMAIN, SERVFAIL and REFUSED are answers. No
 * answer is DNS_NO_ANSWER, whatever the reason (time, ICMP, garbage); why says it.
 */
#ifndef FERRYMAN_NET_DNS_H
#define FERRYMAN_NET_DNS_H

#include "net/net.h"

enum dns_type {
	DNS_A = 1,
	DNS_NS = 2,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28
};
/* RFC 1035 4.1.1, RFC 2136 2.2, RFC 8945 4.3 and 5.2. */
enum dns_rcode {
	DNS_NOERROR = 0,
	DNS_FORMERR = 1,
	DNS_SERVFAIL = 2,
	DNS_NXDOMAIN = 3,
	DNS_NOTIMP = 4,
	DNS_REFUSED = 5,
	DNS_YXDOMAIN = 6,
	DNS_YXRRSET = 7,
	DNS_NXRRSET = 8,
	DNS_NOTAUTH = 9,
	DNS_NOTZONE = 10,
	DNS_BADSIG = 16,
	DNS_BADKEY = 17,
	DNS_BADTIME = 18
};
const char *dns_rcode_name(int rcode); /* "NOERROR" ...; "rcode 23" is "?" */
const char *dns_type_name(int type);   /* "MX"; "?" */
int dns_type_parse(const char *word);  /* 0 = not one of ours */

enum dns_section { DNS_ANSWER, DNS_AUTHORITY, DNS_ADDITIONAL };

struct dns_rr {
	enum dns_section section;
	const char *name; /* lower case, no final dot; the root is "" */
	int type;
	uint32_t ttl;	  /* seconds */
	const char *text; /* TXT: the strings joined, octets (may hold NUL: text_n counts); A, AAAA:
			     the address; NS, CNAME, PTR, MX: the host, lower case, no final dot (""
			     = the root, a null MX); SOA: mname; else "" */
	size_t text_n;
	const char *strings; /* TXT: the strings as they stand on the wire, each after its length */
	size_t strings_n;
	int preference;	 /* MX */
	uint32_t serial; /* SOA */
};

enum dns_end { DNS_ANSWERED, DNS_NO_ANSWER };
struct dns_result {
	enum dns_end end;
	int rcode;
	bool aa;		 /* authoritative answer */
	const struct dns_rr *rr; /* borrowed for the callback */
	size_t rr_n;
	const char *why; /* one line; for DNS_NO_ANSWER and codes other than NOERROR */
};

struct dns_ask {
	const char *name; /* without final dot */
	int type;
	const char *
		server; /* "192.0.2.1", "192.0.2.1:5353", "[::1]:53"; NULL = the resolvers of net */
	bool recurse;	/* RD; for an authoritative server: false */
	bool tcp;	/* TCP only */
	int64_t deadline_ms;
};

struct dns_query;
typedef void dns_fn(void *ctx, const struct dns_result *);
/* dns_query_start - ask is borrowed for the call. fn comes exactly once, later, unless cancelled.
 * Never NULL. */
struct dns_query *dns_query_start(
	struct net *net, const struct dns_ask *ask, dns_fn *fn, void *ctx);
void dns_cancel(struct dns_query **q); /* NULL-safe, nulls; no callback afterwards */

/*
 * dns_reverse - the name under which a list in zone `zone` knows address `addr`: reversed octets
 * (IPv4) or nibbles (IPv6) and the zone (RFC 5782 2.1, 2.4). False if addr is none or out is too
 * small.
 */
bool dns_reverse(const char *addr, const char *zone, char *out, size_t n);

#endif
