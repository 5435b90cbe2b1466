/*
 * dnsbl.c - the signal "dnsbl": do DNS lists name one of our egress addresses? Page: dnsbl.md.
 *
 * A listing is a cause, not harm. Each list is held to RFC 5782 section 5 in the same round as the
 * question: one that lists nothing, or everything, or answers outside 127.0.0.0/8, has said
 * nothing.
 */
#include "base/json.h"
#include "base/text.h"
#include "net/dns.h"
#include "os/secret.h"
#include "os/stdmem.h"
#include "signal/asking.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DNSBL_LISTS = 24, DNSBL_NAME_MAX = 256, DNSBL_CODES = 16, DNSBL_TEXT_MAX = 160 };

enum code_class { CODE_LISTED, CODE_POLICY, CODE_COLLATERAL, CODE_SCORE, CODE_GOOD, CODE_ERROR };
/* What one list has said in one round; the worst of its codes, errors last so that a hit beside one
 * wins. */
enum list_state { LIST_CLEAR, LIST_WARNS, LIST_LISTED, LIST_UNUSABLE };

static const struct code {
	const char *zone;
	uint32_t from, to;
	enum code_class class;
	const char *text;
} codes[] = {
#define X(zone, from, to, class, text) { zone, from, to, CODE_##class, text },
#include "signal/dnsbl_codes.def"
#undef X
};

enum question { ASK_LISTED_POINT, ASK_CLEAR_POINT, ASK_ADDRESS, ASK_REASON, ASK_N };

struct conn {
	struct askings all;
	struct secret *key;
	char server[NET_ADDR_TEXT + 16];
};

struct dnsbl_probe;
struct listing {
	struct dnsbl_probe *probe;
	const char *zone;
	bool keyed;
	struct dns_query *query[ASK_N];
	struct slot {
		struct listing *list;
		enum question what;
	} slot[ASK_N];
	enum list_state state;
	char codes[160];	   /* "127.0.0.2 127.0.0.4" */
	char text[DNSBL_TEXT_MAX]; /* what it means, or why it can not be used */
	char reason[DNSBL_TEXT_MAX];
	char broken[DNSBL_TEXT_MAX]; /* why nothing it says is believed; "" = it passed */
	bool lies;		     /* it has answered, and what no list may answer */
};

struct dnsbl_probe {
	struct asking asking;
	struct conn *c;
	char subject[NET_ADDR_TEXT];
	int64_t until_ms;
	struct listing list[DNSBL_LISTS];
	size_t n;
	unsigned open;
};

static const struct schema_row rows[] = {
	{ .key = "lists",
		.type = V_DOMAIN,
		.flags = SR_LIST,
		.doc = "Zones of DNS lists (RFC 5782) to ask about each egress address. Take those "
		       "that your receivers "
		       "use: a list that nobody uses harms nobody." },
	{ .key = "keyed_lists",
		.type = V_DOMAIN,
		.flags = SR_LIST,
		.doc = "Zones asked with `key` as a label in front, e.g. zen.dq.spamhaus.net." },
	{ .key = "key",
		.type = V_SECRET,
		.doc = "The query key of keyed_lists. It is never shown." },
	{ .key = "resolver",
		.type = V_ADDR,
		.doc = "Resolver to ask. Large lists refuse public resolvers: run your own. "
		       "Default: the machine's." },
	{ .key = "resolver_port",
		.type = V_INT,
		.def = "53",
		.min = "1",
		.max = "65535",
		.doc = "Its port." },
	{ 0 }
};

static enum rc
dnsbl_check(const struct cfg *cfg, struct err *err)
{
	size_t n = cfg_len(cfg, "lists") + cfg_len(cfg, "keyed_lists");

	if (n == 0)
		return err_set(
			err, RC_INVALID, "wants at least one list in `lists` or `keyed_lists`");
	if (n > DNSBL_LISTS)
		return err_set(err, RC_INVALID, "at most %d lists", DNSBL_LISTS);
	if (cfg_len(cfg, "keyed_lists") > 0 && !cfg_has(cfg, "key"))
		return err_set(err, RC_INVALID, "keyed_lists want a `key`");
	return RC_OK;
}

static void
probe_free(struct asking *a)
{
	struct dnsbl_probe *p = (struct dnsbl_probe *)(void *)a;

	for (size_t i = 0; i < p->n; i++)
		for (int q = 0; q < ASK_N; q++)
			dns_cancel(&p->list[i].query[q]);
	free(p);
}

/* --- one answer --- */

static const char outside_text[] =
	"answers with an address outside 127.0.0.0/8: parked, hijacked or rewritten";

static bool
zone_is(const char *zone, const char *end)
{
	size_t n = strlen(zone), m = strlen(end);

	if (m == 0)
		return true;
	return text_ends(zone, end) && (n == m || zone[n - m - 1] == '.');
}

static const struct code *
code_find(const char *zone, uint32_t answer)
{
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (zone_is(zone, codes[i].zone) && answer >= codes[i].from &&
			answer <= codes[i].to)
			return &codes[i];
	return NULL; /* not reached: the last row takes everything */
}

/* The list itself is at fault: then "listed" is not believed either. The first reason is the one to
 * tell. */
static void
condemn(struct listing *l, bool lies, const char *why)
{
	l->lies = l->lies || lies;
	if (l->broken[0] == '\0')
		(void)snprintf(l->broken, sizeof l->broken, "%s", why);
}

/* An error code says nothing about the address; a hit beside it is still a hit. */
static void
no_verdict(struct listing *l, const char *why)
{
	if (l->state == LIST_LISTED || l->state == LIST_UNUSABLE)
		return;
	l->state = LIST_UNUSABLE;
	(void)snprintf(l->text, sizeof l->text, "%s", why);
}

static void
raise_to(struct listing *l, enum list_state st, const char *text)
{
	bool worse = st == LIST_LISTED ? l->state != LIST_LISTED : st > l->state;

	if (!worse)
		return;
	l->state = st;
	(void)snprintf(l->text, sizeof l->text, "%s", text);
}

static void
take_code(struct listing *l, const char *addr)
{
	unsigned a[4];
	const struct code *code;

	if (sscanf(addr, "%u.%u.%u.%u", &a[0], &a[1], &a[2], &a[3]) != 4)
		return;
	if (strlen(l->codes) + strlen(addr) + 2 < sizeof l->codes)
		(void)snprintf(l->codes + strlen(l->codes), sizeof l->codes - strlen(l->codes),
			"%s%s", l->codes[0] != '\0' ? " " : "", addr);
	if (a[0] != 127) {
		condemn(l, true, outside_text);
		return;
	}
	code = code_find(l->zone, a[1] << 16 | a[2] << 8 | a[3]);
	if (code == NULL)
		return;
	switch (code->class) {
	case CODE_LISTED:
		raise_to(l, LIST_LISTED, code->text);
		break;
	case CODE_POLICY:
	case CODE_COLLATERAL:
	case CODE_SCORE:
		raise_to(l, LIST_WARNS, code->text);
		break;
	case CODE_GOOD:
		break;
	case CODE_ERROR:
		no_verdict(l, code->text);
		break;
	}
}

static size_t
addresses(const struct dns_result *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->rr_n; i++)
		n += r->rr[i].section == DNS_ANSWER && r->rr[i].type == DNS_A;
	return n;
}

static bool
outside(const struct dns_result *r)
{
	for (size_t i = 0; i < r->rr_n; i++)
		if (r->rr[i].section == DNS_ANSWER && r->rr[i].type == DNS_A &&
			!text_starts(r->rr[i].text, "127."))
			return true;
	return false;
}

/* NXDOMAIN and "no such record" are answers; anything else that is not NOERROR says nothing. */
static bool
usable(struct listing *l, const struct dns_result *r)
{
	char why[96];

	if (r->end == DNS_ANSWERED && (r->rcode == DNS_NOERROR || r->rcode == DNS_NXDOMAIN))
		return true;
	(void)snprintf(why, sizeof why, "%s",
		r->end == DNS_NO_ANSWER ? "gives no answer" : dns_rcode_name(r->rcode));
	condemn(l, false, why);
	return false;
}

static void finish(struct dnsbl_probe *p);
static void ask(struct listing *l, enum question what, const char *addr, int type);

static void
take_point(struct listing *l, enum question what, const struct dns_result *r)
{
	size_t n;

	if (!usable(l, r))
		return;
	n = addresses(r);
	if (outside(r))
		condemn(l, true, outside_text);
	else if (what == ASK_LISTED_POINT && n == 0)
		condemn(l, true, "does not list its test point 127.0.0.2 (RFC 5782 section 5)");
	else if (what == ASK_CLEAR_POINT && n > 0)
		condemn(l, true, "lists 127.0.0.1, which no list may (RFC 5782 section 5)");
}

static void
take_reason(struct listing *l, const struct dns_result *r)
{
	for (size_t i = 0; i < r->rr_n; i++) {
		size_t n = 0;

		if (r->rr[i].section != DNS_ANSWER || r->rr[i].type != DNS_TXT)
			continue;
		for (const char *c = r->rr[i].text; *c != '\0' && n + 1 < sizeof l->reason; c++)
			l->reason[n++] = *c >= ' ' && *c < 0x7f ? *c : '?';
		l->reason[n] = '\0';
		return;
	}
}

/* A keyed list may repeat the query name, key and all, in its words. */
static void
mask(struct listing *l)
{
	const char *key = l->probe->c->key != NULL ? secret_reveal(l->probe->c->key) : "";
	char *at = l->keyed && key[0] != '\0' ? strcasestr(l->reason, key) : NULL;

	for (; at != NULL; at = strcasestr(at, key))
		for (size_t i = 0; i < strlen(key); i++)
			*at++ = '*';
}

static void
on_answer(void *ctx, const struct dns_result *r)
{
	struct slot *slot = ctx;
	struct listing *l = slot->list;
	struct dnsbl_probe *p = l->probe;

	l->query[slot->what] = NULL;
	switch (slot->what) {
	case ASK_LISTED_POINT:
	case ASK_CLEAR_POINT:
		take_point(l, slot->what, r);
		break;
	case ASK_ADDRESS:
		if (usable(l, r))
			for (size_t i = 0; i < r->rr_n; i++)
				if (r->rr[i].section == DNS_ANSWER && r->rr[i].type == DNS_A)
					take_code(l, r->rr[i].text);
		if (l->state == LIST_LISTED)
			ask(l, ASK_REASON, p->subject, DNS_TXT);
		break;
	case ASK_REASON:
		take_reason(l, r);
		mask(l);
		break;
	case ASK_N:
		break;
	}
	if (--p->open == 0)
		finish(p);
}

static void
ask(struct listing *l, enum question what, const char *addr, int type)
{
	struct dnsbl_probe *p = l->probe;
	struct conn *c = p->c;
	char zone[DNSBL_NAME_MAX], name[DNSBL_NAME_MAX + 80];
	int64_t left = p->until_ms - net_now_ms(c->all.env.net);

	(void)snprintf(zone, sizeof zone, "%s%s%s", l->keyed ? secret_reveal(c->key) : "",
		l->keyed ? "." : "", l->zone);
	if (!dns_reverse(addr, zone, name, sizeof name))
		return;
	l->slot[what] = (struct slot){ .list = l, .what = what };
	p->open++;
	l->query[what] = dns_query_start(c->all.env.net,
		&(struct dns_ask){ .name = name,
			.type = type,
			.server = c->server[0] != '\0' ? c->server : NULL,
			.recurse = true,
			.deadline_ms = left > 0 ? left : 1 },
		on_answer, &l->slot[what]);
	explicit_bzero(name, sizeof name);
	explicit_bzero(zone, sizeof zone);
}

/* --- the round's verdict --- */

static const char *const state_names[] = { "clear", "warns", "listed", "unusable" };

static void
put_facts(const struct dnsbl_probe *p, struct buf *b)
{
	struct jw w;

	jw_init(&w, b);
	jw_open(&w, NULL, '{');
	jw_open(&w, "lists", '[');
	for (size_t i = 0; i < p->n; i++) {
		const struct listing *l = &p->list[i];

		jw_open(&w, NULL, '{');
		jw_str(&w, "list", l->zone);
		jw_str(&w, "state", state_names[l->state]);
		jw_str(&w, "codes", l->codes);
		jw_str(&w, "text", l->text);
		jw_str(&w, "reason", l->reason);
		jw_close(&w, '}');
	}
	jw_close(&w, ']');
	jw_close(&w, '}');
}

static void
put_lists(const struct dnsbl_probe *p, enum list_state st, struct buf *b)
{
	const char *sep = "";

	for (size_t i = 0; i < p->n; i++) {
		const struct listing *l = &p->list[i];

		if (l->state != st)
			continue;
		buf_fmt(b, "%s%s", sep, l->zone);
		if (l->text[0] != '\0')
			buf_fmt(b, " (%s%s%s%s%s)", l->codes, l->codes[0] != '\0' ? ": " : "",
				l->text, l->reason[0] != '\0' ? "; " : "", l->reason);
		sep = ", ";
	}
}

static void
finish(struct dnsbl_probe *p)
{
	size_t count[4] = { 0 };
	struct observation o = { .class = "", .via = p->subject };
	struct buf why, facts;

	for (size_t i = 0; i < p->n; i++) {
		struct listing *l = &p->list[i];

		if (l->broken[0] != '\0') {
			l->state = LIST_UNUSABLE;
			(void)snprintf(l->text, sizeof l->text, "%s", l->broken);
		}
		o.untested = o.untested || l->lies;
		count[l->state]++;
	}
	buf_init(&why, &stdmem, 8192);
	buf_init(&facts, &stdmem, 65536);
	if (count[LIST_LISTED] > 0) {
		o.verdict = CONN_BAD;
		buf_fmt(&why, "%s is listed by ", p->subject);
		put_lists(p, LIST_LISTED, &why);
	} else if (count[LIST_WARNS] > 0) {
		o.verdict = CONN_DEGRADED;
		buf_fmt(&why, "%s: ", p->subject);
		put_lists(p, LIST_WARNS, &why);
	} else if (count[LIST_CLEAR] > 0) {
		o.verdict = CONN_OK;
		buf_fmt(&why, "%s is not listed by ", p->subject);
		put_lists(p, LIST_CLEAR, &why);
	} else {
		o.verdict = CONN_UNKNOWN;
		o.untested = true;
		buf_fmt(&why, "nothing is known of %s: no list can be used: ", p->subject);
		put_lists(p, LIST_UNUSABLE, &why);
	}
	if (o.verdict != CONN_UNKNOWN && count[LIST_UNUSABLE] > 0) {
		buf_str(&why, "; not usable: ");
		put_lists(p, LIST_UNUSABLE, &why);
	}
	put_facts(p, &facts);
	o.why = buf_text(&why);
	o.facts = buf_failed(&facts) ? "{}" : buf_text(&facts);
	asking_end(&p->asking, &o);
	buf_fini(&why);
	buf_fini(&facts);
}

/* --- the connector --- */

static void
no_address(void *ctx)
{
	struct dnsbl_probe *p = ctx;
	char why[160];

	(void)snprintf(why, sizeof why, "\"%s\" is no address that a list could be asked about",
		p->subject);
	asking_unknown(&p->asking, why);
}

static void
add_list(struct dnsbl_probe *p, const char *zone, bool keyed)
{
	struct listing *l = &p->list[p->n];

	if (p->n >= DNSBL_LISTS)
		return;
	p->n++;
	l->probe = p;
	l->zone = zone;
	l->keyed = keyed;
}

static void
dnsbl_probe(struct conn *c, op_id op, const struct probe_req *rq)
{
	struct dnsbl_probe *p = stdmem_get(sizeof *p);
	const struct cfg *cfg = c->all.cfg;
	bool six = strchr(rq->subject, ':') != NULL;

	asking_begin(&c->all, &p->asking, op);
	p->c = c;
	p->until_ms = net_now_ms(c->all.env.net) + rq->deadline_ms;
	(void)snprintf(p->subject, sizeof p->subject, "%s", rq->subject);
	for (size_t i = 0; i < cfg_len(cfg, "lists"); i++)
		add_list(p, cfg_str_at(cfg, "lists", i), false);
	for (size_t i = 0; i < cfg_len(cfg, "keyed_lists"); i++)
		add_list(p, cfg_str_at(cfg, "keyed_lists", i), true);
	for (size_t i = 0; i < p->n; i++) {
		ask(&p->list[i], ASK_LISTED_POINT, six ? "::ffff:7f00:2" : "127.0.0.2", DNS_A);
		ask(&p->list[i], ASK_CLEAR_POINT, six ? "::ffff:7f00:1" : "127.0.0.1", DNS_A);
		ask(&p->list[i], ASK_ADDRESS, p->subject, DNS_A);
	}
	if (p->n == 0 || p->list[0].query[ASK_ADDRESS] == NULL) {
		for (size_t i = 0; i < p->n; i++)
			for (int q = 0; q < ASK_N; q++)
				dns_cancel(&p->list[i].query[q]);
		p->asking.later = net_later(c->all.env.net, no_address, p);
	}
}

static enum rc
dnsbl_open(struct conn **ret, const struct cfg *cfg, const struct conn_env *env, struct err *err)
{
	struct conn *c = stdmem_get(sizeof *c);
	const char *resolver = cfg_str(cfg, "resolver");
	enum rc rc;

	c->all = (struct askings){ .env = *env, .cfg = cfg, .free = probe_free };
	rc = asking_secret(&c->all, cfg, "key", &c->key, err);
	if (rc == RC_OK && c->key != NULL &&
		(secret_len(c->key) > 63 ||
			strspn(secret_reveal(c->key), "abcdefghijklmnopqrstuvwxyz"
						      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
						      "0123456789-") != secret_len(c->key)))
		rc = err_set(err, RC_INVALID,
			"key: not one label of a name (letters, digits, at most 63)");
	if (rc != RC_OK) {
		secret_free(&c->key);
		free(c);
		return rc;
	}
	if (resolver != NULL)
		(void)snprintf(c->server, sizeof c->server,
			strchr(resolver, ':') != NULL ? "[%s]:%d" : "%s:%d", resolver,
			(int)cfg_int(cfg, "resolver_port"));
	*ret = c;
	return RC_OK;
}

static void
dnsbl_close(struct conn **pc)
{
	if (*pc == NULL)
		return;
	asking_close_all(&(*pc)->all);
	secret_free(&(*pc)->key);
	free(*pc);
	*pc = NULL;
}

const struct connector dnsbl_connector = {
	.info = { .name = "dnsbl",
		.fence = FENCE_NONE,
		.caps = CAP_SIGNAL,
		.schema = rows,
		.subjects_from = "path.egress",
		.check = dnsbl_check },
	.open = dnsbl_open,
	.probe = dnsbl_probe,
	.cancel = asking_cancel,
	.close = dnsbl_close,
};
