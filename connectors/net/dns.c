/*
 * dns.c - questions to DNS servers: the query is made by c-ares, the answer taken apart by ldns
 * into flat rows.
 */
#include "base/buf.h"
#include "base/text.h"
#include "net/chan.h"
#include "net/dns.h"
#include "os/digest.h"
#include "os/stdmem.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DNS_RRS = 512, DNS_TEXT_MAX = 256 * 1024 };

struct dns_query {
	struct net *net;
	struct chan_job *job;
	struct net_timer *timer;
	uint16_t id;
	int type;
	char *name;
	char *server;
	dns_fn *fn;
	void *ctx;
};

static const struct {
	int code;
	const char *name;
} rcodes[] = { { DNS_NOERROR, "NOERROR" }, { DNS_FORMERR, "FORMERR" }, { DNS_SERVFAIL, "SERVFAIL" },
	{ DNS_NXDOMAIN, "NXDOMAIN" }, { DNS_NOTIMP, "NOTIMP" }, { DNS_REFUSED, "REFUSED" },
	{ DNS_YXDOMAIN, "YXDOMAIN" }, { DNS_YXRRSET, "YXRRSET" }, { DNS_NXRRSET, "NXRRSET" },
	{ DNS_NOTAUTH, "NOTAUTH" }, { DNS_NOTZONE, "NOTZONE" }, { DNS_BADSIG, "BADSIG" },
	{ DNS_BADKEY, "BADKEY" }, { DNS_BADTIME, "BADTIME" } },
  types[] = { { DNS_A, "A" }, { DNS_NS, "NS" }, { DNS_CNAME, "CNAME" }, { DNS_SOA, "SOA" },
	  { DNS_PTR, "PTR" }, { DNS_MX, "MX" }, { DNS_TXT, "TXT" }, { DNS_AAAA, "AAAA" } };

const char *
dns_rcode_name(int rcode)
{
	for (size_t i = 0; i < sizeof rcodes / sizeof rcodes[0]; i++)
		if (rcodes[i].code == rcode)
			return rcodes[i].name;
	return "?";
}

const char *
dns_type_name(int type)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (types[i].code == type)
			return types[i].name;
	return "?";
}

int
dns_type_parse(const char *word)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (text_eq_nocase(types[i].name, word))
			return types[i].code;
	return 0;
}

/* --- answers --- */

/* Rows and the texts they point to; offsets first, pointers when the texts have stopped moving. */
struct parsed {
	struct dns_rr rr[DNS_RRS];
	size_t name_at[DNS_RRS], text_at[DNS_RRS];
	size_t n;
	struct buf texts;
};

static size_t
put_name(struct buf *b, const ldns_rdf *name)
{
	size_t at = b->len, end;
	char *s = name != NULL ? ldns_rdf2str(name) : NULL;

	for (const char *c = s; c != NULL && *c != '\0'; c++)
		buf_char(b, *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c);
	end = b->len;
	if (end > at && b->data[end - 1] == '.')
		b->data[end - 1] = '\0';
	else
		buf_char(b, '\0');
	free(s);
	return at;
}

static void
put_strings(struct buf *b, const ldns_rr *rr)
{
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		const ldns_rdf *s = ldns_rr_rdf(rr, i);

		if (ldns_rdf_size(s) > 1)
			buf_add(b, ldns_rdf_data(s) + 1, ldns_rdf_size(s) - 1);
	}
}

/* Behind the joined text and its NUL: the same with lengths, for who must write it back as it was.
 */
static size_t
put_strings_raw(struct buf *b, const ldns_rr *rr)
{
	size_t at = b->len;

	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++)
		buf_add(b, ldns_rdf_data(ldns_rr_rdf(rr, i)), ldns_rdf_size(ldns_rr_rdf(rr, i)));
	return b->len - at;
}

static size_t
put_data(struct buf *b, const ldns_rr *rr, struct dns_rr *out)
{
	size_t at = b->len;
	size_t host = out->type == DNS_MX ? 1 : 0;
	char *s;

	switch (out->type) {
	case DNS_TXT:
		put_strings(b, rr);
		break;
	case DNS_A:
	case DNS_AAAA:
		s = ldns_rdf2str(ldns_rr_rdf(rr, 0));
		buf_str(b, s != NULL ? s : "");
		free(s);
		break;
	case DNS_MX:
		out->preference = ldns_rdf2native_int16(ldns_rr_rdf(rr, 0));
		__attribute__((fallthrough));
	case DNS_NS:
	case DNS_CNAME:
	case DNS_PTR:
		(void)put_name(b, ldns_rr_rdf(rr, host));
		out->text_n = strlen(b->data + at);
		return at;
	case DNS_SOA:
		(void)put_name(b, ldns_rr_rdf(rr, 0));
		out->serial = ldns_rdf2native_int32(ldns_rr_rdf(rr, 2));
		out->text_n = strlen(b->data + at);
		return at;
	default:
		break;
	}
	out->text_n = b->len - at;
	buf_char(b, '\0');
	if (out->type == DNS_TXT)
		out->strings_n = put_strings_raw(b, rr);
	return at;
}

static bool
whole(const ldns_rr *rr, int type)
{
	size_t want = type == DNS_SOA ? 7 : type == DNS_MX ? 2 : 1;

	return ldns_rr_rd_count(rr) >= want || type == DNS_TXT;
}

static void
parse_section(struct parsed *p, const ldns_rr_list *list, enum dns_section section)
{
	for (size_t i = 0; list != NULL && i < ldns_rr_list_rr_count(list) && p->n < DNS_RRS; i++) {
		const ldns_rr *rr = ldns_rr_list_rr(list, i);
		struct dns_rr *out = &p->rr[p->n];

		*out = (struct dns_rr){ .section = section,
			.type = (int)ldns_rr_get_type(rr),
			.ttl = ldns_rr_ttl(rr) };
		if (ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN || !whole(rr, out->type))
			continue;
		p->name_at[p->n] = put_name(&p->texts, ldns_rr_owner(rr));
		p->text_at[p->n] = put_data(&p->texts, rr, out);
		p->n++;
	}
}

/* The answer must be to our question: same id, QR set, same name and type (RFC 5452 section 3). */
static bool
is_ours(const struct dns_query *q, const ldns_pkt *pkt)
{
	const ldns_rr *question = ldns_rr_list_rr(ldns_pkt_question(pkt), 0);
	char *name = question != NULL ? ldns_rdf2str(ldns_rr_owner(question)) : NULL;
	bool same = false;

	if (name != NULL) {
		size_t n = strlen(name);

		if (n > 0 && name[n - 1] == '.')
			name[n - 1] = '\0';
		same = text_eq_nocase(name, q->name) && (int)ldns_rr_get_type(question) == q->type;
	}
	free(name);
	if (question == NULL) /* some servers leave it out when they refuse */
		same = ldns_pkt_get_rcode(pkt) != LDNS_RCODE_NOERROR;
	return same && ldns_pkt_qr(pkt) && ldns_pkt_id(pkt) == q->id;
}

static void
tell(struct dns_query *q, const struct dns_result *r)
{
	dns_fn *fn = q->fn;
	void *ctx = q->ctx;

	dns_cancel(&q);
	fn(ctx, r);
}

static void
tell_nothing(struct dns_query *q, const char *why)
{
	char text[512];

	(void)snprintf(text, sizeof text, "no answer from %s for %s %s: %s",
		q->server != NULL ? q->server : "the resolver", q->name, dns_type_name(q->type),
		why);
	tell(q, &(struct dns_result){ .end = DNS_NO_ANSWER, .why = text });
}

static void
tell_answer(struct dns_query *q, const ldns_pkt *pkt)
{
	struct parsed *p = stdmem_get(sizeof *p);
	struct dns_result r = {
		.end = DNS_ANSWERED, .rcode = (int)ldns_pkt_get_rcode(pkt), .aa = ldns_pkt_aa(pkt)
	};
	char why[512] = "";

	buf_init(&p->texts, &stdmem, DNS_TEXT_MAX);
	parse_section(p, ldns_pkt_answer(pkt), DNS_ANSWER);
	parse_section(p, ldns_pkt_authority(pkt), DNS_AUTHORITY);
	parse_section(p, ldns_pkt_additional(pkt), DNS_ADDITIONAL);
	if (buf_failed(&p->texts)) {
		tell_nothing(q, "the answer is too large");
	} else {
		for (size_t i = 0; i < p->n; i++) {
			p->rr[i].name = p->texts.data + p->name_at[i];
			p->rr[i].text = p->texts.data + p->text_at[i];
			if (p->rr[i].type == DNS_TXT)
				p->rr[i].strings = p->rr[i].text + p->rr[i].text_n + 1;
		}
		if (r.rcode != DNS_NOERROR)
			(void)snprintf(why, sizeof why, "%s answers %s for %s %s",
				q->server != NULL ? q->server : "the resolver",
				dns_rcode_name(r.rcode), q->name, dns_type_name(q->type));
		r.rr = p->rr;
		r.rr_n = p->n;
		r.why = why;
		tell(q, &r);
	}
	buf_fini(&p->texts);
	free(p);
}

static void
on_answer(void *ctx, const unsigned char *wire, size_t n, const char *why)
{
	struct dns_query *q = ctx;
	ldns_pkt *pkt = NULL;

	q->job = NULL;
	if (wire == NULL) {
		tell_nothing(q, why);
		return;
	}
	if (ldns_wire2pkt(&pkt, wire, n) != LDNS_STATUS_OK)
		tell_nothing(q, "the answer can not be read");
	else if (!is_ours(q, pkt))
		tell_nothing(q, "the answer is to another question");
	else
		tell_answer(q, pkt);
	ldns_pkt_free(pkt);
}

static void
on_late(void *ctx)
{
	tell_nothing(ctx, "none within the time");
}

static void
on_bad_name(void *ctx)
{
	tell_nothing(ctx, "the name can not be asked for");
}

struct dns_query *
dns_query_start(struct net *net, const struct dns_ask *ask, dns_fn *fn, void *ctx)
{
	struct dns_query *q = stdmem_get(sizeof *q);
	unsigned char *wire = NULL;
	int n = 0;

	q->net = net;
	q->name = stdmem_str(ask->name);
	q->server = ask->server != NULL ? stdmem_str(ask->server) : NULL;
	q->type = ask->type;
	q->fn = fn;
	q->ctx = ctx;
	digest_random(&q->id, sizeof q->id);
	if (ares_create_query(ask->name, ns_c_in, ask->type, q->id, ask->recurse, &wire, &n, 0) !=
		ARES_SUCCESS) {
		q->timer = net_later(net, on_bad_name, q);
		return q;
	}
	q->timer = net_timer_start(net, ask->deadline_ms, on_late, q);
	q->job = chan_ask(net, ask->server, ask->tcp, wire, (size_t)n, on_answer, q);
	ares_free_string(wire);
	return q;
}

void
dns_cancel(struct dns_query **pq)
{
	struct dns_query *q = *pq;

	if (q == NULL)
		return;
	*pq = NULL;
	chan_cancel(&q->job);
	net_timer_stop(&q->timer);
	free(q->name);
	free(q->server);
	free(q);
}

bool
dns_reverse(const char *addr, const char *zone, char *out, size_t n)
{
	unsigned char a[16];
	size_t len = 0;

	if (uv_inet_pton(AF_INET, addr, a) == 0) {
		len = (size_t)snprintf(out, n, "%u.%u.%u.%u.%s", a[3], a[2], a[1], a[0], zone);
		return len < n;
	}
	if (uv_inet_pton(AF_INET6, addr, a) != 0 || n < 64 + strlen(zone) + 1)
		return false;
	for (int i = 15; i >= 0; i--)
		len += (size_t)snprintf(out + len, n - len, "%x.%x.", a[i] & 15u, a[i] >> 4);
	(void)snprintf(out + len, n - len, "%s", zone);
	return true;
}
