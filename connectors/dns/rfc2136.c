/*
 * rfc2136.c - a DNS zone whose primary takes signed updates (RFC 2136, TSIG RFC 8945).
 *
 * In the picture: SPF and MX of the domains. Class F by equality: one message holds as
 * prerequisites the epoch record and the set exactly as they were read, and as updates both as they
 * shall be. The server takes all or nothing, so a late copy of an old update meets an epoch record
 * that has moved on and is refused. A refused prerequisite says nothing by itself: a lost reply
 * looks the same. So the epoch record is read then, and its number decides. Nothing here ever
 * publishes an empty set.
 */
#include "base/text.h"
#include "dns/rrset.h"
#include "net/dns.h"
#include "net/dnsupdate.h"
#include "ops.h"
#include "os/secret.h"
#include "os/stdmem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARKER "_ferryman."
#define MARKER_RESOURCE "fence.marker" /* the epoch record itself, to be taken out */

enum {
	SERVERS_MAX = 16,
	QUERY_MS = 5000, /* one server's time to answer, within the operation's own deadline */
	UPDATE_RR_MAX = 2 * RRSET_RECORDS_MAX + 8,
};

static const char *const algorithms[] = { "hmac-sha256", "hmac-sha512", "hmac-sha1" };

static const struct schema_row tsig_rows[] = {
	{ .key = "name",
		.type = V_DOMAIN,
		.flags = SR_REQUIRED,
		.doc = "Name of the key at the server." },
	{ .key = "algorithm",
		.type = V_ENUM,
		.def = "hmac-sha256",
		.words = "hmac-sha256|hmac-sha512|hmac-sha1",
		.doc = "Its algorithm (RFC 8945 section 6)." },
	{ .key = "secret",
		.type = V_SECRET,
		.flags = SR_REQUIRED,
		.doc = "Its base64 text alone." },
	{ .key = "fudge",
		.type = V_DURATION,
		.def = "5m",
		.min = "1s",
		.max = "1h",
		.doc = "How far the clocks of this host and of the primary may be apart (RFC 8945 "
		       "section 10). Once twice this time has passed the primary takes what was "
		       "signed no more." },
	{ .key = NULL },
};

static const struct schema_row rows[] = {
	{ .key = "servers",
		.type = V_ADDR,
		.flags = SR_REQUIRED | SR_LIST,
		.doc = "Every authoritative server of the zone; the first is the primary, which "
		       "takes the updates." },
	{ .key = "port",
		.type = V_INT,
		.def = "53",
		.min = "1",
		.max = "65535",
		.doc = "Port of all of them." },
	{ .key = "zone",
		.type = V_DOMAIN,
		.flags = SR_REQUIRED,
		.doc = "The zone; it names the fence domain." },
	{ .key = "tsig",
		.type = V_MAP,
		.flags = SR_REQUIRED,
		.sub = tsig_rows,
		.doc = "The key that may change MX and TXT of our names, and the epoch record." },
	{ .key = "resolvers",
		.type = V_ADDR,
		.flags = SR_LIST,
		.doc = "Recursive servers that are asked what the world sees; default: those of "
		       "the machine." },
	{ .key = NULL },
};

struct conn {
	struct ops ops;
	struct conn_env env;
	const struct cfg *cfg;
	const char *zone;
	struct secret *key;
	char marker[270];
	char server[SERVERS_MAX][NET_ADDR_TEXT + 8];
	size_t servers;
	char resolver[SERVERS_MAX][NET_ADDR_TEXT + 8];
	size_t resolvers;
};

struct zone_op;

/* One question to one server. */
struct ask {
	struct zone_op *op;
	struct dns_query *query;
	const char *server; /* NULL = the machine's resolvers */
	const char *name;
	int type;
	bool authority;
	bool done, answered;
	char why[256];
	struct buf value;
	struct buf strings; /* TXT: of each record two octets of length and its strings as they are
			       cut there */
};

enum phase { READING, UPDATING, CHECKING, JUDGING };

struct zone_op {
	struct op op; /* first */
	struct conn *conn;
	struct rrset_name at;
	enum conn_read_from from;
	enum phase phase;
	int64_t until; /* net_now_ms */
	struct ask ask[SERVERS_MAX + 1];
	size_t asks;
	struct dnsupdate_job *update;
	enum conn_dir dir;
	bool marker_only; /* a fence, or the epoch record itself: no set is read or changed */
	char *base, *want, *store, *seen_store;
	uint64_t seen_lsn;
	struct buf cut; /* strings of the set's records, once a refusal may come from the way they
			   are cut */
};

static void step(struct zone_op *o);

static bool
op_stop(struct op *op)
{
	struct zone_op *o = (struct zone_op *)op;
	/* Once an update has been answered, or one was under way, only a reading proves anything.
	 */
	bool maybe = dnsupdate_cancel(&o->update) || o->phase == CHECKING || o->phase == JUDGING;

	for (size_t i = 0; i < o->asks; i++)
		dns_cancel(&o->ask[i].query);
	return maybe;
}

static void
ask_fini(struct ask *a)
{
	buf_fini(&a->value);
	buf_fini(&a->strings);
}

static void
op_drop(struct op *op)
{
	struct zone_op *o = (struct zone_op *)op;

	for (size_t i = 0; i < o->asks; i++)
		ask_fini(&o->ask[i]);
	buf_fini(&o->cut);
	free(o->base);
	free(o->want);
	free(o->store);
	free(o->seen_store);
	free(o);
}

static int64_t
left(const struct zone_op *o)
{
	int64_t ms = o->until - net_now_ms(o->conn->env.net);

	return ms > 1 ? ms : 1;
}

/* --- asking --- */

/*
 * How a set's records are cut into strings. The value joins them (RFC 7208 3.3), and what we write
 * is cut at 255; but a prerequisite compares records as they stand there, and other people's
 * records go back as they were.
 */
static void
strings_keep(struct buf *b, const struct dns_rr *rr)
{
	buf_char(b, (char)(rr->strings_n >> 8));
	buf_char(b, (char)(rr->strings_n & 255));
	buf_add(b, rr->strings, rr->strings_n);
}

static bool
strings_next(const struct buf *b, size_t *at, const char **ret, size_t *ret_n)
{
	if (*at + 2 > b->len)
		return false;
	*ret_n = (size_t)(uint8_t)b->data[*at] << 8 | (uint8_t)b->data[*at + 1];
	*ret = b->data + *at + 2;
	*at += 2 + *ret_n;
	return *at <= b->len;
}

/* Do strings, joined, say data? */
static bool
strings_say(const char *p, size_t n, const char *data, size_t data_n)
{
	while (n > 0) {
		size_t len = (uint8_t)*p;
		if (len > data_n || len + 1 > n || memcmp(p + 1, data, len) != 0)
			return false;
		data += len;
		data_n -= len;
		p += len + 1;
		n -= len + 1;
	}
	return data_n == 0;
}

/* Is any record cut otherwise than we would cut it? */
static bool
strings_odd(const struct buf *b)
{
	const char *p;
	size_t at = 0, n;

	while (strings_next(b, &at, &p, &n))
		for (size_t i = 0; i < n; i += (uint8_t)p[i] + 1) {
			bool last = i + (uint8_t)p[i] + 1 >= n;
			if ((!last && (uint8_t)p[i] != 255) || (last && i > 0 && p[i] == 0))
				return true;
		}
	return false;
}

static void
on_answer(void *ctx, const struct dns_result *r)
{
	struct ask *a = ctx;

	a->query = NULL;
	a->done = true;
	if (r->end != DNS_ANSWERED) {
		(void)snprintf(a->why, sizeof a->why, "no answer (%.200s)", r->why);
	} else if (r->rcode != DNS_NOERROR && r->rcode != DNS_NXDOMAIN) {
		(void)snprintf(a->why, sizeof a->why, "answered %s", dns_rcode_name(r->rcode));
	} else if (a->authority && !r->aa) {
		(void)snprintf(a->why, sizeof a->why, "is not authoritative for the zone");
	} else {
		a->answered = true;
		for (size_t i = 0; i < r->rr_n; i++)
			if (r->rr[i].section == DNS_ANSWER && r->rr[i].type == DNS_CNAME &&
				text_eq(r->rr[i].name, a->name)) {
				a->answered = false;
				(void)snprintf(a->why, sizeof a->why, "has a CNAME there");
			}
		if (a->answered && !rrset_put(&a->value, a->name, a->type, r->rr, r->rr_n)) {
			a->answered = false;
			(void)snprintf(a->why, sizeof a->why, "has more than %d records there",
				RRSET_RECORDS_MAX);
		}
	}
	for (size_t i = 0; a->answered && a->type == DNS_TXT && i < r->rr_n; i++)
		if (r->rr[i].section == DNS_ANSWER && r->rr[i].type == DNS_TXT &&
			text_eq(r->rr[i].name, a->name))
			strings_keep(&a->strings, &r->rr[i]);
	for (size_t i = 0; i < a->op->asks; i++)
		if (!a->op->ask[i].done)
			return;
	step(a->op);
}

static void
ask_start(struct zone_op *o, const char *server, bool authority, const char *name, int type)
{
	struct ask *a = &o->ask[o->asks++];
	int64_t ms = left(o);

	*a = (struct ask){
		.op = o, .server = server, .name = name, .type = type, .authority = authority
	};
	buf_init(&a->value, &stdmem, RRSET_VALUE_MAX);
	buf_init(&a->strings, &stdmem, RRSET_VALUE_MAX * 2);
	const struct dns_ask q = { .name = name,
		.type = type,
		.server = server,
		.recurse = !authority,
		.deadline_ms = ms < QUERY_MS ? ms : QUERY_MS };
	a->query = dns_query_start(o->conn->env.net, &q, on_answer, a);
}

/* The set and the epoch record at the primary. */
static void
ask_primary(struct zone_op *o)
{
	for (size_t i = 0; i < o->asks; i++)
		ask_fini(&o->ask[i]);
	o->asks = 0;
	ask_start(o, o->conn->server[0], true, o->conn->marker, DNS_TXT);
	if (!o->marker_only)
		ask_start(o, o->conn->server[0], true, o->at.name, o->at.type);
}

static void
end_read_primary(struct zone_op *o)
{
	struct state st = { .outcome = OUT_DONE, .version = "", .why = "" };
	char store[33], why[400] = "";
	bool odd = false;

	for (size_t i = 0; i < o->asks; i++)
		if (!o->ask[i].answered) {
			ops_end(&o->op, OUT_RETRY, "primary %s %s", o->ask[i].server,
				o->ask[i].why);
			return;
		}
	if (rrset_marker_read(buf_text(&o->ask[0].value), store, &st.marker_lsn, &odd))
		st.marker_store = store;
	st.value = !o->marker_only	     ? buf_text(&o->ask[1].value)
		   : st.marker_store != NULL ? "marked\n"
					     : "";
	if (odd) {
		st.outcome = OUT_REFUSED;
		(void)snprintf(why, sizeof why,
			"the epoch record %s holds what ferryman did not write", o->conn->marker);
		st.why = why;
	}
	ops_end_state(&o->op, &st);
}

static void
end_read_all(struct zone_op *o)
{
	struct conn_source src[SERVERS_MAX];
	struct state st = { .outcome = OUT_DONE,
		.value = "",
		.version = "",
		.source = src,
		.source_n = o->asks,
		.why = "" };
	char why[400];
	bool any = false;

	for (size_t i = 0; i < o->asks; i++) {
		const struct ask *a = &o->ask[i];

		src[i] = (struct conn_source){ .source = a->server != NULL ? a->server : "resolver",
			.value = buf_text(&a->value),
			.answered = a->answered };
		if (a->answered && !any)
			st.value = src[i].value;
		any |= a->answered;
		if (!a->answered) {
			(void)snprintf(why, sizeof why, "%s %s", src[i].source, a->why);
			st.why = why;
		}
	}
	if (!any)
		st.outcome = OUT_RETRY;
	ops_end_state(&o->op, &st);
}

/* --- changing --- */

struct message {
	struct dnsupdate_rr rr[UPDATE_RR_MAX];
	size_t n;
	char seen[80], next[80];
};

static void
message_set(
	struct message *m, enum dnsupdate_kind kind, const struct zone_op *o, const struct rrset *s)
{
	bool cut = o->cut.len > 0;
	struct dnsupdate_rr rr = {
		.kind = kind, .name = o->at.name, .type = o->at.type, .ttl = s->ttl
	};
	size_t at = 0;

	while (cut && kind == DNSUPDATE_REQUIRE_RR && m->n < UPDATE_RR_MAX / 2 &&
		strings_next(&o->cut, &at, &rr.strings, &rr.strings_n))
		m->rr[m->n++] = rr;
	for (size_t i = 0; i < s->n && !(cut && kind == DNSUPDATE_REQUIRE_RR); i++) {
		const struct rrset_record *r = &s->record[i];
		rr.data = r->data;
		rr.data_n = r->n;
		rr.preference = r->preference;
		rr.strings = NULL;
		at = 0;
		while (cut && strings_next(&o->cut, &at, &rr.strings, &rr.strings_n)) {
			if (strings_say(rr.strings, rr.strings_n, r->data, r->n))
				break;
			rr.strings = NULL;
		}
		m->rr[m->n++] = rr;
	}
}

static void
message_make(struct message *m, const struct zone_op *o, const struct rrset *base,
	const struct rrset *want)
{
	const char *marker = o->conn->marker;

	(void)snprintf(m->seen, sizeof m->seen, "store=%s lsn=%" PRIu64,
		o->seen_store != NULL ? o->seen_store : "", o->seen_lsn);
	(void)snprintf(m->next, sizeof m->next, "store=%s lsn=%" PRIu64, o->store, o->op.lsn);
	m->rr[m->n++] = o->seen_store != NULL
				? (struct dnsupdate_rr){ .kind = DNSUPDATE_REQUIRE_RR,
					  .name = marker,
					  .type = DNS_TXT,
					  .data = m->seen,
					  .data_n = strlen(m->seen) }
				: (struct dnsupdate_rr){ .kind = DNSUPDATE_REQUIRE_NONE,
					  .name = marker,
					  .type = DNS_TXT };
	if (!o->marker_only) {
		message_set(m, DNSUPDATE_REQUIRE_RR, o, base);
		if (base->n == 0)
			m->rr[m->n++] = (struct dnsupdate_rr){ .kind = DNSUPDATE_REQUIRE_NONE,
				.name = o->at.name,
				.type = o->at.type };
		if (!text_eq(o->base, o->want)) {
			m->rr[m->n++] = (struct dnsupdate_rr){
				.kind = DNSUPDATE_DELETE_SET, .name = o->at.name, .type = o->at.type
			};
			message_set(m, DNSUPDATE_ADD, o, want);
		}
	}
	m->rr[m->n++] = (struct dnsupdate_rr){
		.kind = DNSUPDATE_DELETE_SET, .name = marker, .type = DNS_TXT
	};
	if (o->marker_only && o->dir != CONN_FENCE)
		return;
	/* TTL 0: nobody keeps an old epoch (RFC 1035 3.2.1). */
	m->rr[m->n++] = (struct dnsupdate_rr){ .kind = DNSUPDATE_ADD,
		.name = marker,
		.type = DNS_TXT,
		.ttl = 0,
		.data = m->next,
		.data_n = strlen(m->next) };
}

static bool
means_prerequisite(int rcode)
{
	return rcode == DNS_NXRRSET || rcode == DNS_YXRRSET || rcode == DNS_NXDOMAIN ||
	       rcode == DNS_YXDOMAIN;
}

static void
on_update(void *ctx, const struct dnsupdate_result *r)
{
	struct zone_op *o = ctx;

	o->update = NULL;
	switch (r->end) {
	case DNSUPDATE_REFUSED:
		ops_end(&o->op, OUT_REFUSED, "%s", r->why);
		return;
	case DNSUPDATE_NOT_SENT:
		ops_end(&o->op, OUT_RETRY, "%s", r->why);
		return;
	case DNSUPDATE_MAYBE_SENT:
		ops_end(&o->op, OUT_UNKNOWN, "%s", r->why);
		return;
	case DNSUPDATE_ANSWERED:
		break;
	}
	if (r->rcode == DNS_NOERROR || means_prerequisite(r->rcode)) {
		o->phase = r->rcode == DNS_NOERROR ? CHECKING : JUDGING;
		ask_primary(o);
	} else if (r->rcode == DNS_SERVFAIL) {
		ops_end(&o->op, OUT_UNKNOWN,
			"the primary answered SERVFAIL: read before anything else");
	} else {
		/* Knot says NOTAUTH with BADKEY where a name or type is outside the key's rights; a
		 * wrong key looks alike. */
		ops_end(&o->op, OUT_REFUSED, "the primary refused the update: %s%s",
			dns_rcode_name(r->rcode),
			r->rcode == DNS_NOTAUTH || r->rcode == DNS_BADKEY || r->rcode == DNS_REFUSED
				? " (key, or its rights: see ferryman setup)"
				: "");
	}
}

/* After NOERROR. Servers drop in silence what they will not serve beside other data, so what stands
 * there counts. */
static void
end_checked(struct zone_op *o)
{
	char store[33];
	uint64_t lsn = 0;
	bool odd;

	for (size_t i = 0; i < o->asks; i++)
		if (!o->ask[i].answered) { /* its own signed answer said yes */
			ops_end(&o->op, OUT_DONE, "taken; not read back: primary %s",
				o->ask[i].why);
			return;
		}
	bool marked = rrset_marker_read(buf_text(&o->ask[0].value), store, &lsn, &odd);
	bool ours = marked && text_eq(store, o->store) && lsn == o->op.lsn;
	if (o->marker_only && o->dir != CONN_FENCE && marked && text_eq(store, o->store) &&
		lsn == o->seen_lsn)
		ops_end(&o->op, OUT_UNKNOWN,
			"the primary said yes and serves the epoch record still");
	else if (ours && !o->marker_only && !text_eq(buf_text(&o->ask[1].value), o->want))
		ops_end(&o->op, OUT_UNKNOWN, "the primary said yes and serves something else");
	else
		ops_end(&o->op, OUT_DONE, "%s", "");
}

static void update_start(struct zone_op *o, const struct rrset *base, const struct rrset *want);

/* Nothing but the cut of a TXT record can have refused it: once more, with the records as they
 * stand there. */
static void
update_as_cut(struct zone_op *o)
{
	struct rrset base, want;

	buf_add(&o->cut, buf_text(&o->ask[1].strings), o->ask[1].strings.len);
	bool ok = rrset_read(&base, o->base, o->at.type, NULL) == RC_OK;
	ok = rrset_read(&want, o->want, o->at.type, NULL) == RC_OK && ok && !buf_failed(&o->cut);
	if (ok)
		update_start(o, &base, &want);
	else
		ops_end(&o->op, OUT_REFUSED, "the records there are too long to be written back");
	rrset_fini(&base);
	rrset_fini(&want);
}

/* After a refused prerequisite: whose number stands there? */
static void
end_judged(struct zone_op *o)
{
	char store[33] = "";
	uint64_t lsn = 0;
	bool odd;

	for (size_t i = 0; i < o->asks; i++)
		if (!o->ask[i].answered) {
			ops_end(&o->op, OUT_UNKNOWN,
				"refused for what stands there, and the primary %s", o->ask[i].why);
			return;
		}
	bool marked = rrset_marker_read(buf_text(&o->ask[0].value), store, &lsn, &odd);
	if (marked && text_eq(store, o->store) && lsn == o->op.lsn)
		ops_end(&o->op, OUT_DONE, "done before, under the same number");
	else if (!marked && !odd && o->marker_only && o->dir != CONN_FENCE)
		ops_end(&o->op, OUT_DONE, "the epoch record is gone already");
	else if (odd || (marked && !text_eq(store, o->store)))
		ops_end(&o->op, OUT_CONFLICT, "another ferryman's epoch stands at %s",
			o->conn->marker);
	else if (!marked && o->seen_store != NULL)
		ops_end(&o->op, OUT_CONFLICT, "the epoch record %s is gone", o->conn->marker);
	else if (marked && (o->seen_store == NULL || lsn > o->seen_lsn))
		ops_end(&o->op, OUT_STALE, "the zone has seen number %" PRIu64, lsn);
	else if (marked && lsn < o->seen_lsn)
		ops_end(&o->op, OUT_CONFLICT,
			"the epoch went back to %" PRIu64 ": the zone was restored", lsn);
	else if (!o->marker_only && !text_eq(buf_text(&o->ask[1].value), o->base))
		ops_end(&o->op, OUT_CONFLICT, "%s %s is not as the plan saw it", o->at.name,
			dns_type_name(o->at.type));
	else if (!o->marker_only && o->cut.len == 0 && strings_odd(&o->ask[1].strings))
		update_as_cut(o);
	else
		ops_end(&o->op, OUT_RETRY, "refused for what stood there a moment ago");
}

static void
step(struct zone_op *o)
{
	switch (o->phase) {
	case READING:
		if (o->from == CONN_READ_TARGET)
			end_read_primary(o);
		else
			end_read_all(o);
		break;
	case UPDATING:
		break;
	case CHECKING:
		end_checked(o);
		break;
	case JUDGING:
		end_judged(o);
		break;
	}
}

/* --- the contract --- */

static size_t
addresses(const struct cfg *cfg, const char *key, char out[SERVERS_MAX][NET_ADDR_TEXT + 8])
{
	size_t n = cfg_len(cfg, key);

	for (size_t i = 0; i < n && i < SERVERS_MAX; i++) {
		const char *a = cfg_str_at(cfg, key, i);

		(void)snprintf(out[i], sizeof out[i],
			strchr(a, ':') != NULL ? "[%.48s]:%d" : "%.48s:%d", a,
			(int)cfg_int(cfg, "port"));
	}
	return n < SERVERS_MAX ? n : SERVERS_MAX;
}

static enum rc
rfc2136_check(const struct cfg *cfg, struct err *err)
{
	if (cfg_len(cfg, "servers") == 0 || cfg_len(cfg, "servers") > SERVERS_MAX)
		return err_set(err, RC_INVALID,
			"servers: between 1 and %d addresses, the primary first", SERVERS_MAX);
	if (cfg_len(cfg, "resolvers") > SERVERS_MAX)
		return err_set(err, RC_INVALID, "resolvers: at most %d addresses", SERVERS_MAX);
	return RC_OK;
}

/* The primary takes a signature from `fudge` before its own time to `fudge` after it (RFC 8945
 * 5.2.3), so one message for twice that at most, wherever our clock stands. */
static int64_t
rfc2136_late_ms(const struct cfg *cfg)
{
	return 2 * cfg_int(cfg_map(cfg, "tsig"), "fudge");
}

static enum rc
rfc2136_open(struct conn **ret, const struct cfg *cfg, const struct conn_env *env, struct err *err)
{
	struct secret *key = env->secret(env->secret_ctx, cfg_map(cfg, "tsig"), "secret", err);

	if (key == NULL)
		return err != NULL && err->rc != RC_OK ? err->rc : RC_NOTFOUND;
	struct conn *c = stdmem_get(sizeof *c);
	c->env = *env;
	c->cfg = cfg;
	c->key = key;
	c->zone = cfg_str(cfg, "zone");
	c->ops = (struct ops){ .env = &c->env, .stop = op_stop, .drop = op_drop };
	(void)snprintf(c->marker, sizeof c->marker, MARKER "%s", c->zone);
	c->servers = addresses(cfg, "servers", c->server);
	c->resolvers = addresses(cfg, "resolvers", c->resolver);
	*ret = c;
	return RC_OK;
}

static struct zone_op *
op_new(struct conn *c, op_id id, enum op_kind kind, uint64_t lsn, int64_t deadline_ms)
{
	struct zone_op *o = stdmem_get(sizeof *o);

	o->conn = c;
	o->until = net_now_ms(c->env.net) + deadline_ms;
	buf_init(&o->cut, &stdmem, RRSET_VALUE_MAX * 2);
	ops_add(&c->ops, &o->op, id, kind, lsn);
	return o;
}

static void
rfc2136_read(struct conn *c, op_id id, const struct read_req *rq)
{
	struct zone_op *o = op_new(c, id, OP_READ, 0, rq->deadline_ms);
	struct err err = { 0 };

	o->from = rq->from;
	o->marker_only = text_eq(rq->resource, MARKER_RESOURCE);
	if (o->marker_only && rq->from != CONN_READ_TARGET) {
		ops_later(&o->op, OUT_REFUSED, "the epoch record is read at the primary alone");
		return;
	}
	if (!o->marker_only && rrset_name_read(&o->at, rq->resource, c->zone, &err) != RC_OK) {
		ops_later(&o->op, OUT_REFUSED, "%s", err.text);
		return;
	}
	switch (rq->from) {
	case CONN_READ_TARGET:
		ask_primary(o);
		break;
	case CONN_READ_AUTHORITIES:
		for (size_t i = 0; i < c->servers; i++)
			ask_start(o, c->server[i], true, o->at.name, o->at.type);
		break;
	case CONN_READ_RESOLVERS:
		for (size_t i = 0; i < c->resolvers; i++)
			ask_start(o, c->resolver[i], false, o->at.name, o->at.type);
		if (c->resolvers == 0)
			ask_start(o, NULL, false, o->at.name, o->at.type);
		break;
	}
}

static void
update_start(struct zone_op *o, const struct rrset *base, const struct rrset *want)
{
	struct conn *c = o->conn;
	const struct cfg *tsig = cfg_map(c->cfg, "tsig");
	struct message *m = stdmem_get(sizeof *m);

	message_make(m, o, base, want);
	const struct dnsupdate u = { .server = c->server[0],
		.zone = c->zone,
		.rr = m->rr,
		.rr_n = m->n,
		.key_name = cfg_str(tsig, "name"),
		.key_algorithm = algorithms[cfg_int(tsig, "algorithm")],
		.key = c->key,
		.fudge_s = cfg_int(tsig, "fudge") / 1000,
		.deadline_ms = left(o) };
	o->phase = UPDATING;
	o->update = dnsupdate_start(c->env.net, &u, on_update, o);
	free(m);
}

static void
rfc2136_apply(struct conn *c, op_id id, const struct effect *e)
{
	struct zone_op *o = op_new(c, id, OP_APPLY, e->lsn, e->deadline_ms);
	struct rrset base = { 0 }, want = { 0 };
	struct err err = { 0 };

	o->dir = e->dir;
	o->marker_only = e->dir == CONN_FENCE || text_eq(e->resource, MARKER_RESOURCE);
	o->base = stdmem_str(e->base != NULL ? e->base : "");
	o->want = stdmem_str(e->want != NULL ? e->want : "");
	o->store = stdmem_str(e->store);
	o->seen_store = e->seen_store != NULL ? stdmem_str(e->seen_store) : NULL;
	o->seen_lsn = e->seen_lsn;
	if (e->seen_store != NULL && !text_eq(e->seen_store, e->store)) {
		ops_later(&o->op, OUT_CONFLICT,
			"another ferryman (store %s) is in charge of zone %s", e->seen_store,
			c->zone);
	} else if (o->marker_only && e->dir != CONN_FENCE &&
		   (e->seen_store == NULL || o->want[0] != '\0')) {
		ops_later(&o->op, OUT_REFUSED, "%s",
			e->seen_store == NULL
				? "no epoch record of ours was seen: nothing to take out"
				: "the epoch record can only be taken out");
	} else if (o->marker_only) {
		update_start(o, &base, &want);
	} else if (rrset_name_read(&o->at, e->resource, c->zone, &err) != RC_OK ||
		   rrset_read(&base, o->base, o->at.type, &err) != RC_OK ||
		   rrset_read(&want, o->want, o->at.type, &err) != RC_OK) {
		ops_later(&o->op, OUT_REFUSED, "%s", err.text);
	} else if (want.n == 0) {
		ops_later(&o->op, OUT_REFUSED, "an empty set is never published");
	} else {
		update_start(o, &base, &want);
	}
	rrset_fini(&base);
	rrset_fini(&want);
}

static void
rfc2136_cancel(struct conn *c, op_id id)
{
	ops_cancel(&c->ops, id);
}

static void
rfc2136_close(struct conn **c)
{
	if (*c == NULL)
		return;
	ops_close(&(*c)->ops);
	secret_free(&(*c)->key);
	free(*c);
	*c = NULL;
}

/* --- by hand --- */

/* One argument of printf for nsupdate: 'verb name ttl type data'. Long TXT goes as strings of 255
 * octets. */
static void
line_by_hand(struct buf *b, const char *verb, const struct rrset_name *at, const struct rrset *s,
	size_t i)
{
	struct buf l;
	const struct rrset_record *r = &s->record[i];
	bool adds = text_eq(verb, "update add");

	buf_init(&l, &stdmem, RRSET_VALUE_MAX);
	buf_fmt(&l, "%s %s. ", verb, at->name);
	if (adds)
		buf_fmt(&l, "%" PRIu32 " ", s->ttl);
	if (at->type == DNS_MX) {
		buf_fmt(&l, "MX %d %s.", r->preference, r->data);
	} else {
		buf_str(&l, "TXT");
		for (size_t k = 0; k == 0 || k < r->n; k += 255) {
			buf_str(&l, " \"");
			for (size_t p = k; p < r->n && p < k + 255; p++) {
				unsigned char ch = (unsigned char)r->data[p];
				if (ch == '"' || ch == '\\' || ch < 0x20 || ch >= 0x7f)
					buf_fmt(&l, "\\%03u", ch); /* RFC 1035 5.1 */
				else
					buf_char(&l, (char)ch);
			}
			buf_char(&l, '"');
		}
	}
	buf_char(b, ' ');
	ops_shell(b, buf_text(&l));
	buf_fini(&l);
}

static void
key_by_hand(const struct cfg *cfg, struct buf *b)
{
	const struct cfg *tsig = cfg_map(cfg, "tsig");

	buf_fmt(b, " \"key %s:%s $(cat ", algorithms[cfg_int(tsig, "algorithm")],
		cfg_str(tsig, "name"));
	ops_credential(b, cfg_secret(tsig, "secret"));
	buf_str(b, ")\"");
}

static void
rfc2136_by_hand(const struct cfg *cfg, const struct effect *e, struct buf *b)
{
	struct rrset base = { 0 }, want = { 0 };
	struct rrset_name at = { 0 };

	if (text_eq(e->resource, MARKER_RESOURCE) && e->dir != CONN_FENCE) {
		buf_fmt(b, "printf '%%s\\n' 'server %s %d' 'zone %s.'",
			cfg_str_at(cfg, "servers", 0), (int)cfg_int(cfg, "port"),
			cfg_str(cfg, "zone"));
		key_by_hand(cfg, b);
		buf_fmt(b, " 'update delete " MARKER "%s. TXT' send | nsupdate -v\n",
			cfg_str(cfg, "zone"));
		return;
	}
	if (e->dir == CONN_FENCE ||
		rrset_name_read(&at, e->resource, cfg_str(cfg, "zone"), NULL) != RC_OK ||
		rrset_read(&base, e->base, at.type, NULL) != RC_OK ||
		rrset_read(&want, e->want, at.type, NULL) != RC_OK || want.n == 0) {
		buf_fmt(b, "# nothing to type for zone %s\n", cfg_str(cfg, "zone"));
		goto out;
	}
	buf_str(b, "printf '%s\\n'");
	buf_fmt(b, " 'server %s %d' 'zone %s.'", cfg_str_at(cfg, "servers", 0),
		(int)cfg_int(cfg, "port"), cfg_str(cfg, "zone"));
	key_by_hand(cfg, b);
	if (base.n == 0) {
		buf_fmt(b, " 'prereq nxrrset %s. %s'", at.name, dns_type_name(at.type));
	}
	for (size_t i = 0; i < base.n; i++)
		line_by_hand(b, "prereq yxrrset", &at, &base, i);
	buf_fmt(b, " 'update delete %s. %s'", at.name, dns_type_name(at.type));
	for (size_t i = 0; i < want.n; i++)
		line_by_hand(b, "update add", &at, &want, i);
	buf_str(b, " send | nsupdate -v\n");
out:
	rrset_fini(&base);
	rrset_fini(&want);
}

/* --- setup --- */

static const char setup_text[] =
	"# The key, once; its secret goes into the playbook's credentials folder, mode 600:\n"
	"tsig-keygen -a ALGORITHM KEY\n"
	"# Names: list each of the playbook's domains that lies in the zone, and always the epoch "
	"record _ferryman.ZONE,\n"
	"# which tells a late update from the newest one. Types: MX and TXT, nothing else. No "
	"transfer is needed.\n"
	"\n"
	"# BIND 9, named.conf: the key clause that tsig-keygen printed, and in the zone clause\n"
	"    update-policy { grant KEY name ZONE. TXT MX; grant KEY name _ferryman.ZONE. TXT; };\n"
	"#   then: rndc reconfig\n"
	"#   to remove it: the same lines out, rndc reconfig\n"
	"\n"
	"# Knot DNS 3, knot.conf (the zone then names `acl: KEY`):\n"
	"    key:\n"
	"      - id: KEY\n"
	"        algorithm: ALGORITHM\n"
	"        secret: SECRET\n"
	"    acl:\n"
	"      - id: KEY\n"
	"        key: KEY\n"
	"        action: update\n"
	"        update-type: [MX, TXT]\n"
	"        update-owner: name\n"
	"        update-owner-match: equal\n"
	"        update-owner-name: [ZONE., _ferryman.ZONE.]\n"
	"#   then: knotc reload\n"
	"#   to remove it: the same lines out, knotc reload\n"
	"\n"
	"# PowerDNS 4, pdns.conf: dnsupdate=yes; it gives the whole zone unless a policy script "
	"(lua-dnsupdate-policy-script) narrows it.\n"
	"pdnsutil import-tsig-key KEY ALGORITHM 'SECRET'\n"
	"pdnsutil set-meta ZONE TSIG-ALLOW-DNSUPDATE KEY\n"
	"pdnsutil set-meta ZONE ALLOW-DNSUPDATE-FROM ADDRESS-OF-FERRYMAN/32\n"
	"#   to remove it:\n"
	"pdnsutil set-meta ZONE TSIG-ALLOW-DNSUPDATE ''\n"
	"pdnsutil set-meta ZONE ALLOW-DNSUPDATE-FROM ''\n"
	"pdnsutil delete-tsig-key KEY\n"
	"\n"
	"# What ferryman leaves in the zone: one TXT record, which `ferryman eject` takes out. By "
	"hand:\n"
	"#   nsupdate -k KEYFILE: update delete _ferryman.ZONE. TXT\n";

static void
rfc2136_setup(const struct cfg *cfg, const char *playbook, struct buf *b)
{
	const struct cfg *tsig = cfg_map(cfg, "tsig");
	const char *const words[] = { "ZONE", cfg_str(cfg, "zone"), "ALGORITHM",
		algorithms[cfg_int(tsig, "algorithm")] };

	buf_fmt(b,
		"# ferryman, playbook %s: let it change MX and TXT in zone %s, at its primary "
		"%s.\n",
		playbook, cfg_str(cfg, "zone"), cfg_str_at(cfg, "servers", 0));
	for (const char *p = setup_text; *p != '\0';) {
		bool file = text_starts(p, "KEYFILE");
		if (text_starts(p, words[0])) {
			buf_str(b, words[1]);
			p += 4;
		} else if (text_starts(p, words[2])) {
			buf_str(b, words[3]);
			p += 9;
		} else if (!file && text_starts(p, "KEY")) {
			buf_str(b, cfg_str(tsig, "name"));
			p += 3;
		} else if (file) {
			buf_str(b, "KEYFILE");
			p += 7;
		} else {
			buf_char(b, *p++);
		}
	}
}

const struct connector rfc2136_connector = {
	.info = { .name = "rfc2136",
		.fence = FENCE_F,
		.caps = CAP_DNS_RRSET | CAP_FENCE_EQ | CAP_MARKER_ONLY,
		.schema = rows,
		.domain_key = "zone",
		.check = rfc2136_check,
		.late_ms = rfc2136_late_ms },
	.open = rfc2136_open,
	.read = rfc2136_read,
	.apply = rfc2136_apply,
	.by_hand = rfc2136_by_hand,
	.setup = rfc2136_setup,
	.cancel = rfc2136_cancel,
	.close = rfc2136_close,
};
