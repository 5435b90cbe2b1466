/*
 * dnsupdate.c - one dynamic update: built and signed by ldns, sent once over a TCP connection of
 * its own.
 */
#include "net/dnsupdate.h"
#include "net/stream.h"
#include "os/digest.h"
#include "os/stdmem.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TXT_CHUNK = 255 /* RFC 1035 3.3 */ };

struct dnsupdate_job {
	struct net *net;
	struct stream *stream;
	struct net_timer *later;
	dnsupdate_fn *fn;
	void *ctx;
	char *server, *key_name;
	struct secret *key;
	bool awaits_length;
	uint8_t *wire; /* two octets of length, then the message */
	size_t wire_n;
	uint16_t id;
	ldns_rdf *mac; /* of the request */
	struct dnsupdate_result r;
	char why[768];
};

bool
dnsupdate_cancel(struct dnsupdate_job **pj)
{
	struct dnsupdate_job *j = *pj;
	bool sent;

	if (j == NULL)
		return false;
	*pj = NULL;
	sent = j->stream != NULL && stream_wrote(j->stream);
	stream_close(&j->stream);
	net_timer_stop(&j->later);
	secret_free(&j->key);
	ldns_rdf_deep_free(j->mac);
	free(j->wire);
	free(j->server);
	free(j->key_name);
	free(j);
	return sent;
}

static void
tell(void *ctx)
{
	struct dnsupdate_job *j = ctx;
	struct dnsupdate_result r = j->r;
	char why[sizeof j->why];
	dnsupdate_fn *fn = j->fn;
	void *arg = j->ctx;

	memcpy(why, j->why, sizeof why);
	r.why = why;
	(void)dnsupdate_cancel(&j);
	fn(arg, &r);
}

static void __attribute__((format(printf, 3, 4)))
finish(struct dnsupdate_job *j, enum dnsupdate_end end, const char *fmt, ...)
{
	va_list ap;

	if (j->later != NULL)
		return;
	j->r.end = end;
	va_start(ap, fmt);
	(void)vsnprintf(j->why, sizeof j->why, fmt, ap);
	va_end(ap);
	j->later = net_later(j->net, tell, j);
}

/* --- the request --- */

static bool
push_txt(ldns_rr *rr, const char *p, size_t n)
{
	uint8_t chunk[TXT_CHUNK + 1];

	do {
		size_t len = n < TXT_CHUNK ? n : TXT_CHUNK;
		ldns_rdf *f;

		chunk[0] = (uint8_t)len;
		memcpy(chunk + 1, p, len);
		f = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_STR, len + 1, chunk);
		if (f == NULL || !ldns_rr_push_rdf(rr, f))
			return false;
		p += len;
		n -= len;
	} while (n > 0);
	return true;
}

/* Strings that are cut already; false when their lengths do not add up. */
static bool
push_strings(ldns_rr *rr, const char *p, size_t n)
{
	while (n > 0) {
		size_t len = (size_t)(uint8_t)*p + 1;
		ldns_rdf *f = len <= n ? ldns_rdf_new_frm_data(LDNS_RDF_TYPE_STR, len, p) : NULL;

		if (f == NULL || !ldns_rr_push_rdf(rr, f))
			return false;
		p += len;
		n -= len;
	}
	return ldns_rr_rd_count(rr) > 0;
}

static bool
push_mx(ldns_rr *rr, const struct dnsupdate_rr *in)
{
	ldns_rdf *pref = ldns_native2rdf_int16(LDNS_RDF_TYPE_INT16, (uint16_t)in->preference);
	ldns_rdf *host = ldns_dname_new_frm_str(in->data);

	return host != NULL && pref != NULL && ldns_rr_push_rdf(rr, pref) &&
	       ldns_rr_push_rdf(rr, host);
}

static ldns_rr *
make_rr(const struct dnsupdate_rr *in)
{
	bool data = in->kind == DNSUPDATE_REQUIRE_RR || in->kind == DNSUPDATE_ADD ||
		    in->kind == DNSUPDATE_DELETE_RR;
	ldns_rr *rr = ldns_rr_new();
	ldns_rdf *owner = ldns_dname_new_frm_str(in->name);
	ldns_rr_class class = LDNS_RR_CLASS_IN;
	bool ok = owner != NULL;

	switch (in->kind) {
	case DNSUPDATE_REQUIRE_RR:
	case DNSUPDATE_ADD:
		break;
	case DNSUPDATE_REQUIRE_NONE:
	case DNSUPDATE_DELETE_RR:
		class = LDNS_RR_CLASS_NONE;
		break;
	case DNSUPDATE_REQUIRE_SOME:
	case DNSUPDATE_DELETE_SET:
		class = LDNS_RR_CLASS_ANY;
		break;
	}
	ldns_rr_set_owner(rr, owner);
	ldns_rr_set_type(rr, (ldns_rr_type)in->type);
	ldns_rr_set_class(rr, class);
	ldns_rr_set_ttl(rr, in->kind == DNSUPDATE_ADD ? in->ttl : 0);
	if (data && in->type == DNS_TXT && in->strings != NULL)
		ok = ok && push_strings(rr, in->strings, in->strings_n);
	else if (data && in->type == DNS_TXT)
		ok = ok && push_txt(rr, in->data, in->data_n);
	else if (data && in->type == DNS_MX)
		ok = ok && push_mx(rr, in);
	else if (data)
		ok = false;
	if (ok)
		return rr;
	ldns_rr_free(rr);
	return NULL;
}

/* Prerequisites and updates, in their sections. */
static bool
make_sections(
	const struct dnsupdate *u, ldns_rr_list *require, ldns_rr_list *change, char *why, size_t n)
{
	for (size_t i = 0; i < u->rr_n; i++) {
		ldns_rr *rr = make_rr(&u->rr[i]);
		bool is_change = u->rr[i].kind == DNSUPDATE_ADD ||
				 u->rr[i].kind == DNSUPDATE_DELETE_SET ||
				 u->rr[i].kind == DNSUPDATE_DELETE_RR;

		if (rr == NULL) {
			(void)snprintf(why, n, "%s %s can not be written in an update",
				u->rr[i].name, dns_type_name(u->rr[i].type));
			return false;
		}
		(void)ldns_rr_list_push_rr(is_change ? change : require, rr);
	}
	return true;
}

static const char *
algorithm(const char *word)
{
	static const char *const known[][2] = { { "hmac-sha256", "hmac-sha256." },
		{ "hmac-sha512", "hmac-sha512." }, { "hmac-sha1", "hmac-sha1." } };

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (strcmp(word, known[i][0]) == 0)
			return known[i][1];
	return NULL;
}

static bool
sign(struct dnsupdate_job *j, ldns_pkt *pkt, const struct dnsupdate *u, char *why, size_t n)
{
	const char *algo = algorithm(u->key_algorithm);
	ldns_status st = LDNS_STATUS_CRYPTO_TSIG_ERR;

	if (algo != NULL)
		st = ldns_pkt_tsig_sign(
			pkt, u->key_name, secret_reveal(u->key), (uint16_t)u->fudge_s, algo, NULL);
	if (st != LDNS_STATUS_OK || ldns_pkt_tsig(pkt) == NULL) {
		(void)snprintf(why, n, "the update can not be signed with key %s (%s): %s",
			u->key_name, u->key_algorithm,
			algo != NULL ? "the key is no base64" : "unknown algorithm");
		return false;
	}
	j->mac = ldns_rdf_clone(ldns_rr_rdf(ldns_pkt_tsig(pkt), 3));
	return true;
}

static bool
build(struct dnsupdate_job *j, const struct dnsupdate *u, char *why, size_t n)
{
	ldns_rr_list *require = ldns_rr_list_new(), *change = ldns_rr_list_new();
	ldns_rdf *zone = ldns_dname_new_frm_str(u->zone);
	ldns_pkt *pkt = NULL;
	uint8_t *wire = NULL;
	size_t size = 0;
	bool ok = zone != NULL && make_sections(u, require, change, why, n);

	if (ok) {
		pkt = ldns_update_pkt_new(zone, LDNS_RR_CLASS_IN, require, change, NULL);
		zone = NULL; /* the packet's */
		digest_random(&j->id, sizeof j->id);
		ldns_pkt_set_id(pkt, j->id);
		ok = u->key_name == NULL || sign(j, pkt, u, why, n);
	}
	if (ok && (ldns_pkt2wire(&wire, pkt, &size) != LDNS_STATUS_OK || size > 65535)) {
		(void)snprintf(why, n, "the update does not fit into a message");
		ok = false;
	}
	if (ok) {
		j->wire = stdmem_get(size + 2);
		j->wire[0] = (uint8_t)(size >> 8);
		j->wire[1] = (uint8_t)size;
		memcpy(j->wire + 2, wire, size);
		j->wire_n = size + 2;
	}
	free(wire);
	ldns_pkt_free(pkt);
	ldns_rdf_deep_free(zone);
	ldns_rr_list_deep_free(require);
	ldns_rr_list_deep_free(change);
	return ok;
}

/* --- the answer --- */

/* The error field of an unsigned answer's TSIG record (RFC 8945 4.2), 0 = none. */
static int
tsig_error(const ldns_pkt *pkt)
{
	const ldns_rr *t = ldns_pkt_tsig(pkt);

	return t != NULL && ldns_rr_rd_count(t) > 5 ? ldns_rdf2native_int16(ldns_rr_rdf(t, 5)) : 0;
}

static bool
plain_refusal(int rcode)
{
	return rcode == DNS_NOTAUTH || rcode == DNS_REFUSED || rcode == DNS_FORMERR ||
	       rcode == DNS_NOTIMP;
}

static void
judge(struct dnsupdate_job *j, ldns_pkt *pkt, const uint8_t *wire, size_t n)
{
	int rcode = (int)ldns_pkt_get_rcode(pkt), why = tsig_error(pkt);

	j->r.rcode = rcode;
	j->r.authentic = j->key == NULL;
	if (ldns_pkt_id(pkt) != j->id || !ldns_pkt_qr(pkt) ||
		ldns_pkt_get_opcode(pkt) != LDNS_PACKET_UPDATE) {
		finish(j, DNSUPDATE_MAYBE_SENT, "%s answers something else", j->server);
		return;
	}
	if (j->key != NULL && ldns_pkt_tsig(pkt) != NULL && why == 0)
		j->r.authentic = ldns_pkt_tsig_verify(
			pkt, wire, n, j->key_name, secret_reveal(j->key), j->mac);
	if (j->r.authentic || plain_refusal(rcode))
		finish(j, DNSUPDATE_ANSWERED, "%s answers %s%s%s%s", j->server,
			dns_rcode_name(rcode), why != 0 ? " (" : "",
			why != 0 ? dns_rcode_name(why) : "", why != 0 ? ")" : "");
	else
		finish(j, DNSUPDATE_MAYBE_SENT, "%s answers %s without a right signature",
			j->server, dns_rcode_name(rcode));
}

static void
on_block(struct dnsupdate_job *j, const char *p, size_t n)
{
	const uint8_t *b = (const uint8_t *)p;
	ldns_pkt *pkt = NULL;

	if (j->awaits_length) {
		size_t len = (size_t)b[0] << 8 | b[1];

		j->awaits_length = false;
		if (len < 12)
			finish(j, DNSUPDATE_MAYBE_SENT, "%s answers a message that is too short",
				j->server);
		else
			stream_block(j->stream, len);
		return;
	}
	if (ldns_wire2pkt(&pkt, b, n) != LDNS_STATUS_OK)
		finish(j, DNSUPDATE_MAYBE_SENT, "%s: the answer can not be read", j->server);
	else
		judge(j, pkt, b, n);
	ldns_pkt_free(pkt);
}

static void
on_stream(void *ctx, enum stream_event ev, const char *text, size_t n)
{
	struct dnsupdate_job *j = ctx;

	switch (ev) {
	case STREAM_CONNECTED:
		j->awaits_length = true;
		stream_block(j->stream, 2);
		stream_write(j->stream, j->wire, j->wire_n);
		break;
	case STREAM_BLOCK:
		on_block(j, text, n);
		break;
	case STREAM_LINE:
	case STREAM_SECURE:
		break;
	case STREAM_ENDED:
		finish(j, stream_wrote(j->stream) ? DNSUPDATE_MAYBE_SENT : DNSUPDATE_NOT_SENT, "%s",
			text);
		break;
	}
}

struct dnsupdate_job *
dnsupdate_start(struct net *net, const struct dnsupdate *u, dnsupdate_fn *fn, void *ctx)
{
	struct dnsupdate_job *j = stdmem_get(sizeof *j);
	char host[NET_ADDR_TEXT], why[512] = "the zone's name can not be written";
	int port;

	j->net = net;
	j->fn = fn;
	j->ctx = ctx;
	j->server = stdmem_str(u->server);
	if (u->key_name != NULL) {
		j->key_name = stdmem_str(u->key_name);
		j->key = secret_new(secret_reveal(u->key), secret_len(u->key));
	}
	if (!net_split(u->server, 53, host, sizeof host, &port)) {
		finish(j, DNSUPDATE_REFUSED, "server \"%s\" is no address", u->server);
	} else if (!build(j, u, why, sizeof why)) {
		finish(j, DNSUPDATE_REFUSED, "%s", why);
	} else {
		j->stream = stream_open(net,
			&(struct stream_opts){
				.host = host, .port = port, .deadline_ms = u->deadline_ms },
			on_stream, j);
	}
	return j;
}
