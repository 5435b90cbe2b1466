/*
 * canary.c - the signal "canary": a message of our own, sent down one path and looked for where it
 * should arrive. Page: canary.md.
 *
 * A round for one seed: compose with a fresh recipient and a fresh token, submit, then watch the
 * seed's mailbox and our own bounces until one of them answers or the time is over. What was found
 * is deleted. Every answer is a different one: not sent, refused, bounced, late, in junk, arrived
 * by another way, arrived unauthenticated, arrived.
 */
#include "base/json.h"
#include "base/text.h"
#include "net/imapio.h"
#include "net/smtpio.h"
#include "os/secret.h"
#include "os/stdmem.h"
#include "signal/asking.h"
#include "signal/judge.h"
#include "signal/letter.h"
#include "signal/mailrows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CANARY_SEEDS = 32,
	CANARY_POLL_MS = 150,	/* doubled by imapio up to 2 s */
	CANARY_AGAIN_MS = 1000, /* before a lost mailbox session is tried again */
	CANARY_SPARE_MS = 400	/* the answer is given so long before the deadline: our own, not a
				   cancellation */
};

struct server {
	const struct cfg *cfg; /* NULL = not given */
	struct secret *auth, *ca;
};

struct conn {
	struct askings all;
	struct server submit, production, bounces;
	struct server seed[CANARY_SEEDS]; /* cfg: the seed's imap map */
	size_t seed_n;
};

struct canary_probe {
	struct asking asking;
	struct conn *c;
	const struct cfg *seed, *sender; /* sender: the submit or production map */
	const struct server *box;
	bool verify;
	const char *from;
	char token[LETTER_TOKEN], to[LETTER_ADDRESS];
	int64_t until_ms, sent_ms;
	bool sent_sure;
	struct smtpio *smtp;
	struct imapio *look, *bounce;
	struct net_timer *look_again, *bounce_again;
	bool delayed;	   /* a "delayed" notice came */
	char trouble[512]; /* why the seed's mailbox could not be read */
	/* for the facts */
	const char *answer;
	char reply[LETTER_TEXT];
	struct letter_arrival arrival;
	int64_t delay_ms;
};

#define IMAP_ROWS                                                                                  \
	{ .key = "host",                                                                           \
		.type = V_HOST,                                                                    \
		.flags = SR_REQUIRED,                                                              \
		.doc = "IMAP server; TLS from the first octet." },                                 \
		{ .key = "port",                                                                   \
			.type = V_INT,                                                             \
			.def = "993",                                                              \
			.min = "1",                                                                \
			.max = "65535",                                                            \
			.doc = "Its port." },                                                      \
		{ .key = "auth",                                                                   \
			.type = V_SECRET,                                                          \
			.flags = SR_REQUIRED,                                                      \
			.doc = "\"user:password\" of the mailbox." },                              \
		{ .key = "ca",                                                                     \
			.type = V_SECRET,                                                          \
			.flags = SR_PUBLIC_FILE,                                                   \
			.doc = "Roots to trust (PEM) instead of the machine's." },                 \
	{                                                                                          \
		.key = "folder", .type = V_STR, .def = "INBOX", .doc = "Folder to look into."      \
	}

static const struct schema_row imap_rows[] = { IMAP_ROWS, { 0 } };
static const struct schema_row bounce_rows[] = {
	{ .key = "imap",
		.type = V_MAP,
		.flags = SR_REQUIRED,
		.sub = imap_rows,
		.doc = "The mailbox that takes the bounces of `from`." },
	{ 0 }
};
static const struct schema_row submit_rows[] = { MAILROWS_SUBMIT, { 0 } };
static const struct schema_row production_rows[] = { MAILROWS_SUBMIT,
	{ .key = "from",
		.type = V_MAILBOX,
		.flags = SR_REQUIRED,
		.doc = "A sender of production, as users are." },
	{ 0 } };
static const struct schema_row seed_rows[] = {
	{ .key = "receiver",
		.type = V_NAME,
		.flags = SR_REQUIRED,
		.doc = "Name of this receiver: the observation's subject. Want at least three "
		       "unrelated ones." },
	{ .key = "class",
		.type = V_NAME,
		.doc = "Receiver class, e.g. by MX provider. Default: none." },
	{ .key = "mailbox",
		.type = V_STR,
		.flags = SR_REQUIRED,
		.doc = "Address at the receiver; % stands for a fresh part, as in "
		       "probe-%@receiver.example: a recipient "
		       "used before may stay on the old way for half a minute after a switch." },
	{ .key = "imap",
		.type = V_MAP,
		.flags = SR_REQUIRED,
		.sub = imap_rows,
		.doc = "Where it is read." },
	{ .key = "authserv",
		.type = V_DOMAIN,
		.doc = "Name under which this receiver writes Authentication-Results. Others are "
		       "not believed; without "
		       "it the topmost ones are." },
	{ .key = "junk",
		.type = V_STR,
		.def = "Junk",
		.doc = "Its junk folder. It may be missing." },
	{ 0 }
};
static const struct schema_row expect_rows[] = {
	{ .key = "dmarc_domain",
		.type = V_DOMAIN,
		.doc = "Domain that dmarc=pass must speak of. Default: that of the sender." },
	{ .key = "egress",
		.type = V_ADDR,
		.flags = SR_LIST,
		.doc = "Addresses by which the path leaves. Needed for a verify: what does not "
		       "show one of them proves "
		       "nothing about the path." },
	{ 0 }
};
static const struct schema_row rows[] = {
	{ .key = "from",
		.type = V_MAILBOX,
		.flags = SR_REQUIRED,
		.doc = "Sender of the canaries, pinned to the path whatever production does." },
	{ .key = "submit",
		.type = V_MAP,
		.flags = SR_REQUIRED,
		.sub = submit_rows,
		.doc = "Where canaries are handed in." },
	{ .key = "production",
		.type = V_MAP,
		.sub = production_rows,
		.doc = "Where users hand in mail, for verify.canary with `as: production`." },
	{ .key = "seeds",
		.type = V_MAP,
		.flags = SR_REQUIRED | SR_LIST,
		.sub = seed_rows,
		.doc = "Mailboxes at receivers outside, each one subject." },
	{ .key = "bounces",
		.type = V_MAP,
		.sub = bounce_rows,
		.doc = "Our own mailbox for what comes back. Without it a refusal is only seen as "
		       "a missing message." },
	{ .key = "late_after",
		.type = V_DURATION,
		.def = "2m",
		.min = "1s",
		.doc = "An arrival later than this is late. 2m: twice what a receiver that is "
		       "slow, but well, takes." },
	{ .key = "late",
		.type = V_ENUM,
		.words = "degraded|bad",
		.def = "degraded",
		.doc = "What a late arrival is. A message that has not arrived at the deadline is "
		       "bad." },
	{ .key = "expect", .type = V_MAP, .sub = expect_rows, .doc = "What an arrival must show." },
	{ 0 }
};

static enum rc
canary_check(const struct cfg *cfg, struct err *err)
{
	size_t n = cfg_len(cfg, "seeds");

	if (n == 0 || n > CANARY_SEEDS)
		return err_set(err, RC_INVALID, "wants 1 to %d seeds", CANARY_SEEDS);
	for (size_t i = 0; i < n; i++) {
		const struct cfg *seed = cfg_map_at(cfg, "seeds", i);
		const char *box = cfg_str(seed, "mailbox"), *at = strchr(box, '@'),
			   *fresh = strchr(box, '%');

		if (at == NULL || at == box || at[1] == '\0' || strchr(at + 1, '@') != NULL ||
			strchr(box, ' ') != NULL)
			return err_set(err, RC_INVALID, "seed %s: mailbox \"%s\" is no address",
				cfg_str(seed, "receiver"), box);
		if (fresh == NULL || fresh > at || strchr(fresh + 1, '%') != NULL)
			return err_set(err, RC_INVALID,
				"seed %s: mailbox \"%s\" wants one %% before the @, as in "
				"probe-%%@receiver.example",
				cfg_str(seed, "receiver"), box);
		for (size_t k = 0; k < i; k++)
			if (text_eq(cfg_str(cfg_map_at(cfg, "seeds", k), "receiver"),
				    cfg_str(seed, "receiver")))
				return err_set(err, RC_INVALID, "two seeds are called %s",
					cfg_str(seed, "receiver"));
	}
	return RC_OK;
}

/* --- the answer --- */

static void
put_facts(const struct canary_probe *p, struct buf *b)
{
	const struct letter_arrival *a = &p->arrival;
	struct jw w;

	jw_init(&w, b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "answer", p->answer);
	jw_str(&w, "from", p->from);
	jw_str(&w, "to", p->to);
	jw_str(&w, "token", p->token);
	jw_str(&w, "reply", p->reply);
	jw_int(&w, "delay_ms", p->delay_ms);
	jw_str(&w, "egress", a->egress);
	jw_str(&w, "by", a->by);
	jw_str(&w, "dmarc", a->dmarc);
	jw_str(&w, "dmarc_from", a->dmarc_from);
	jw_str(&w, "dkim", a->dkim);
	jw_str(&w, "dkim_domain", a->dkim_domain);
	jw_str(&w, "spf", a->spf);
	jw_close(&w, '}');
}

static void answer(struct canary_probe *p, const char *word, enum conn_verdict v, bool harm,
	const char *via, const char *fmt, ...) __attribute__((format(printf, 6, 7)));

static void
answer(struct canary_probe *p, const char *word, enum conn_verdict v, bool harm, const char *via,
	const char *fmt, ...)
{
	const char *class = cfg_str(p->seed, "class");
	struct buf facts;
	char why[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	p->answer = word;
	buf_init(&facts, &stdmem, 16384);
	put_facts(p, &facts);
	asking_end(&p->asking, &(struct observation){ .verdict = v,
				       .harm = harm,
				       .class = class != NULL ? class : "",
				       .via = via,
				       .why = why,
				       .facts = buf_failed(&facts) ? "{}" : buf_text(&facts) });
	buf_fini(&facts);
}

static const struct cfg *
expected(const struct canary_probe *p)
{
	return cfg_map(p->c->all.cfg, "expect");
}

static size_t
egress_n(const struct canary_probe *p)
{
	const struct cfg *e = expected(p);

	return e != NULL ? cfg_len(e, "egress") : 0;
}

static bool
egress_is_ours(const struct canary_probe *p, const char *addr)
{
	for (size_t i = 0; i < egress_n(p); i++)
		if (text_eq_nocase(cfg_str_at(expected(p), "egress", i), addr))
			return true;
	return false;
}

static const char *
dmarc_domain(const struct canary_probe *p)
{
	const struct cfg *e = expected(p);
	const char *given = e != NULL ? cfg_str(e, "dmarc_domain") : NULL;

	/* `expect` speaks of the canaries' sender; a sender of production stands for its own
	 * domain. */
	if (given != NULL && p->sender == p->c->submit.cfg)
		return given;
	return strchr(p->from, '@') + 1;
}

/* What a refusal names of ours: then it is about that gateway. Else it is about the path the canary
 * is pinned to. */
static const char *
named_egress(const struct canary_probe *p, const char *text)
{
	for (size_t i = 0; i < egress_n(p); i++) {
		const char *addr = cfg_str_at(expected(p), "egress", i);
		const char *at = strstr(text, addr);
		size_t n = strlen(addr);

		if (at != NULL && (at == text || strchr("0123456789.", at[-1]) == NULL) &&
			(at[n] == '\0' || strchr("0123456789", at[n]) == NULL))
			return addr;
	}
	return NULL;
}

/* A verify passes on proof alone: the expected identity and the expected way out. */
static void
judge_verify(struct canary_probe *p)
{
	const struct letter_arrival *a = &p->arrival;
	const char *domain = dmarc_domain(p), *receiver = cfg_str(p->seed, "receiver");

	if (egress_n(p) == 0)
		answer(p, "arrived", CONN_UNKNOWN, false, NULL,
			"arrived at %s, but `expect.egress` is empty: nothing says which way is "
			"the right one",
			receiver);
	else if (!text_eq(a->dmarc, "pass"))
		answer(p, "auth", CONN_BAD, false, NULL,
			"arrived at %s with dmarc=%s (spf=%s dkim=%s), not pass", receiver,
			a->dmarc[0] != '\0' ? a->dmarc : "(none told)", a->spf, a->dkim);
	else if (!text_eq_nocase(a->dmarc_from, domain))
		answer(p, "auth", CONN_BAD, false, NULL,
			"arrived at %s with dmarc=pass for %s, not for %s", receiver, a->dmarc_from,
			domain);
	else if (!egress_is_ours(p, a->egress))
		answer(p, "other-way", CONN_BAD, false, NULL,
			"arrived at %s by %s, not by this path", receiver,
			a->egress[0] != '\0' ? a->egress : "an address that is not told");
	else
		answer(p, "arrived", CONN_OK, false, a->egress,
			"arrived at %s by %s with dmarc=pass for %s after %lld ms", receiver,
			a->egress, domain, (long long)p->delay_ms);
}

static void
judge_round(struct canary_probe *p)
{
	const struct letter_arrival *a = &p->arrival;
	const char *receiver = cfg_str(p->seed, "receiver");
	const char *via = a->egress[0] != '\0' ? a->egress : NULL;
	int64_t late_after = cfg_int(p->c->all.cfg, "late_after");

	if (egress_n(p) > 0 && via != NULL && !egress_is_ours(p, via))
		answer(p, "other-way", CONN_UNKNOWN, false, via,
			"arrived at %s by %s: says nothing of this path", receiver, via);
	else if (text_eq(a->dmarc, "fail"))
		answer(p, "auth", CONN_BAD, false, via,
			"arrived at %s by %s with dmarc=fail (spf=%s dkim=%s)", receiver, a->egress,
			a->spf, a->dkim);
	else if (p->delay_ms > late_after)
		answer(p, "late", cfg_int(p->c->all.cfg, "late") == 1 ? CONN_BAD : CONN_DEGRADED,
			true, via, "arrived at %s by %s only after %lld ms", receiver, a->egress,
			(long long)p->delay_ms);
	else
		answer(p, "arrived", CONN_OK, false, via, "arrived at %s by %s after %lld ms%s%s",
			receiver, via != NULL ? via : "an address that is not told",
			(long long)p->delay_ms, a->dmarc[0] != '\0' ? " with dmarc=" : "",
			a->dmarc);
}

static void
judge_arrival(struct canary_probe *p, const struct imapio_result *r)
{
	letter_arrival_read(&p->arrival, r->message[0].text, cfg_str(p->seed, "authserv"));
	if (r->folder == 1)
		answer(p, "junk", CONN_DEGRADED, false,
			p->arrival.egress[0] != '\0' ? p->arrival.egress : NULL,
			"arrived at %s in junk", cfg_str(p->seed, "receiver"));
	else if (p->verify)
		judge_verify(p);
	else
		judge_round(p);
}

/* The time is over and it is not there. */
static void
judge_missing(struct canary_probe *p)
{
	const char *receiver = cfg_str(p->seed, "receiver");
	int64_t waited = net_now_ms(p->c->all.env.net) - p->sent_ms;

	p->delay_ms = waited;
	if (p->trouble[0] != '\0')
		answer(p, "unread", CONN_UNKNOWN, false, NULL,
			"the mailbox at %s could not be read: %s", receiver, p->trouble);
	else if (!p->sent_sure)
		answer(p, "not-sent", CONN_UNKNOWN, false, NULL,
			"not at %s; the submission was never confirmed: %s", receiver, p->reply);
	else if (!p->verify && waited < cfg_int(p->c->all.cfg, "late_after") - CANARY_SPARE_MS)
		answer(p, "missing", CONN_UNKNOWN, false, NULL,
			"not at %s after %lld ms, and `late_after` is longer than the signal's "
			"timeout",
			receiver, (long long)waited);
	else
		answer(p, "missing", CONN_BAD, true, NULL, "not at %s after %lld ms%s", receiver,
			(long long)waited,
			p->delayed ? "; our own side says that it is delayed" : "");
}

/* --- looking --- */

static void look(struct canary_probe *p);
static void look_for_bounces(struct canary_probe *p);

static int64_t
left_ms(const struct canary_probe *p)
{
	return p->until_ms - net_now_ms(p->c->all.env.net);
}

static void
on_look_again(void *ctx)
{
	struct canary_probe *p = ctx;

	net_timer_stop(&p->look_again);
	look(p);
}

static void
on_seed(void *ctx, const struct imapio_result *r)
{
	struct canary_probe *p = ctx;

	p->look = NULL;
	switch (r->end) {
	case IMAPIO_FOUND:
		p->delay_ms = net_now_ms(p->c->all.env.net) - p->sent_ms;
		judge_arrival(p, r);
		return;
	case IMAPIO_EMPTY:
		p->trouble[0] = '\0';
		judge_missing(p);
		return;
	case IMAPIO_REFUSED:
	case IMAPIO_LOST:
		(void)snprintf(p->trouble, sizeof p->trouble, "%s", r->why);
		break;
	}
	if (left_ms(p) > 2 * CANARY_AGAIN_MS)
		p->look_again =
			net_timer_start(p->c->all.env.net, CANARY_AGAIN_MS, on_look_again, p);
	else
		judge_missing(p);
}

static void
on_bounce_again(void *ctx)
{
	struct canary_probe *p = ctx;

	net_timer_stop(&p->bounce_again);
	look_for_bounces(p);
}

static void
on_bounce(void *ctx, const struct imapio_result *r)
{
	struct canary_probe *p = ctx;
	struct letter_bounce b = { 0 };

	p->bounce = NULL;
	if (r->end == IMAPIO_FOUND)
		letter_bounce_read(&b, r->message[0].text);
	if (b.failed) {
		struct judgement j = judge_reply(b.diagnostic, b.remote, false);

		(void)snprintf(p->reply, sizeof p->reply, "%s", b.diagnostic);
		p->delay_ms = net_now_ms(p->c->all.env.net) - p->sent_ms;
		/* A bounce of our own canary is harm whatever its words, unless they speak of the
		 * recipient. */
		answer(p, "bounced", j.verdict == CONN_UNKNOWN ? CONN_UNKNOWN : CONN_BAD,
			j.verdict != CONN_UNKNOWN, named_egress(p, b.diagnostic),
			"came back from %s%s%s (%s): %s", cfg_str(p->seed, "receiver"),
			b.remote[0] != '\0' ? ", said by " : "", b.remote, j.class, b.diagnostic);
		return;
	}
	if (r->end == IMAPIO_FOUND)
		p->delayed = true;
	/* Our own bounces may be out of reach with the primary: then the seed alone answers. */
	if (r->end != IMAPIO_EMPTY && left_ms(p) > 2 * CANARY_AGAIN_MS)
		p->bounce_again =
			net_timer_start(p->c->all.env.net, CANARY_AGAIN_MS, on_bounce_again, p);
}

static struct imapio *
box_open(struct canary_probe *p, const struct server *box, const char *junk, bool whole,
	imapio_fn *fn)
{
	return imapio_start(p->c->all.env.net,
		&(struct imapio_opts){ .host = cfg_str(box->cfg, "host"),
			.port = (int)cfg_int(box->cfg, "port"),
			.ca_pem = box->ca != NULL ? secret_reveal(box->ca) : NULL,
			.auth = box->auth,
			.folder = { cfg_str(box->cfg, "folder"), junk },
			.header = whole ? NULL : LETTER_HEADER,
			.token = p->token,
			.headers_only = !whole,
			.remove = true,
			.poll_ms = CANARY_POLL_MS,
			.deadline_ms = left_ms(p) },
		fn, p);
}

static void
look(struct canary_probe *p)
{
	p->look = box_open(p, p->box, cfg_str(p->seed, "junk"), false, on_seed);
}

static void
look_for_bounces(struct canary_probe *p)
{
	p->bounce = box_open(p, &p->c->bounces, NULL, true, on_bounce);
}

/* --- sending --- */

static void
refused(struct canary_probe *p, const struct smtpio_result *r)
{
	struct judgement j = judge_reply(r->reply, cfg_str(p->sender, "host"), false);
	bool of_mail = r->stage >= SMTPIO_MAIL;

	/* Before MAIL no message was refused: we could not hand one in, which says nothing of the
	 * path. */
	if (!of_mail || j.verdict == CONN_UNKNOWN)
		answer(p, "not-sent", CONN_UNKNOWN, false, NULL, "not sent: %s", r->why);
	else
		answer(p, "refused", j.verdict, true, named_egress(p, r->reply),
			"refused at submission (%s): %s", j.class, r->why);
}

static void
on_sent(void *ctx, const struct smtpio_result *r)
{
	struct canary_probe *p = ctx;

	p->smtp = NULL;
	(void)snprintf(p->reply, sizeof p->reply, "%s", r->end == SMTPIO_LOST ? r->why : r->reply);
	for (char *c = p->reply; *c != '\0'; c++)
		if (*c == '\n')
			*c = ' ';
	if (r->end == SMTPIO_REPLIED) {
		refused(p, r);
		return;
	}
	if (r->end == SMTPIO_LACKS || (r->end == SMTPIO_LOST && !r->maybe_sent)) {
		answer(p, "not-sent", CONN_UNKNOWN, false, NULL, "not sent: %s", r->why);
		return;
	}
	p->sent_sure = r->end == SMTPIO_OK;
	p->sent_ms = net_now_ms(p->c->all.env.net);
	if (left_ms(p) <= 0) {
		judge_missing(p);
		return;
	}
	look(p);
	if (p->c->bounces.cfg != NULL)
		look_for_bounces(p);
}

static void
submit(struct canary_probe *p, const struct server *via)
{
	const struct cfg *cfg = via->cfg;
	const char *rcpt[] = { p->to, NULL };
	struct buf letter;

	buf_init(&letter, &stdmem, 8192);
	letter_write(&letter, p->from, p->to, p->token, net_wall_ms(p->c->all.env.net));
	p->smtp = smtpio_start(p->c->all.env.net,
		&(struct smtpio_opts){ .host = cfg_str(cfg, "host"),
			.port = (int)cfg_int(cfg, "port"),
			.tls = (enum smtpio_tls)cfg_int(cfg, "tls"),
			.ca_pem = via->ca != NULL ? secret_reveal(via->ca) : NULL,
			.auth = via->auth,
			.helo = cfg_str(cfg, "helo"),
			.from = p->from,
			.rcpt = rcpt,
			.message = buf_text(&letter),
			.message_n = letter.len,
			.deadline_ms = left_ms(p) },
		on_sent, p);
	buf_fini(&letter);
}

/* --- the connector --- */

static void
probe_free(struct asking *a)
{
	struct canary_probe *p = (struct canary_probe *)(void *)a;

	smtpio_cancel(&p->smtp);
	imapio_cancel(&p->look);
	imapio_cancel(&p->bounce);
	net_timer_stop(&p->look_again);
	net_timer_stop(&p->bounce_again);
	free(p);
}

static void
no_seed(void *ctx)
{
	asking_unknown(ctx, "no seed of that name");
}

static void
no_production(void *ctx)
{
	asking_unknown(ctx, "a verify as production wants the section `production` in this signal");
}

static void
bad_mailbox(void *ctx)
{
	asking_unknown(ctx, "the seed's mailbox gives an address that is too long");
}

static const struct cfg *
seed_find(const struct conn *c, const char *receiver, size_t *ret_i)
{
	for (size_t i = 0; i < c->seed_n; i++) {
		const struct cfg *seed = cfg_map_at(c->all.cfg, "seeds", i);

		/* A verify may come without a subject: the first seed then. */
		if (receiver != NULL && receiver[0] != '\0' &&
			!text_eq(cfg_str(seed, "receiver"), receiver))
			continue;
		*ret_i = i;
		return seed;
	}
	return NULL;
}

static void
canary_probe(struct conn *c, op_id op, const struct probe_req *rq)
{
	struct canary_probe *p = stdmem_get(sizeof *p);
	const struct server *via = rq->production ? &c->production : &c->submit;
	net_fn *cannot = NULL;
	size_t i = 0;

	asking_begin(&c->all, &p->asking, op);
	p->c = c;
	p->until_ms = net_now_ms(c->all.env.net) + rq->deadline_ms - CANARY_SPARE_MS;
	p->sent_ms = net_now_ms(c->all.env.net);
	p->verify = rq->through != NULL;
	p->seed = seed_find(c, rq->subject, &i);
	p->sender = via->cfg;
	letter_token(p->token);
	if (p->seed == NULL)
		cannot = no_seed;
	else if (via->cfg == NULL)
		cannot = no_production;
	else if (!letter_address(cfg_str(p->seed, "mailbox"), p->token, p->to, sizeof p->to))
		cannot = bad_mailbox;
	if (cannot != NULL) {
		p->asking.later = net_later(c->all.env.net, cannot, p);
		return;
	}
	p->box = &c->seed[i];
	p->from = cfg_str(rq->production ? via->cfg : c->all.cfg, "from");
	submit(p, via);
}

static enum rc
server_open(const struct conn *c, struct server *s, const struct cfg *cfg, struct err *err)
{
	enum rc rc = asking_secret(&c->all, cfg, "auth", &s->auth, err);

	if (rc == RC_OK)
		rc = asking_secret(&c->all, cfg, "ca", &s->ca, err);
	s->cfg = cfg;
	return rc;
}

static void
server_close(struct server *s)
{
	secret_free(&s->auth);
	secret_free(&s->ca);
}

static void
canary_close(struct conn **pc)
{
	struct conn *c = *pc;

	if (c == NULL)
		return;
	*pc = NULL;
	asking_close_all(&c->all);
	server_close(&c->submit);
	server_close(&c->production);
	server_close(&c->bounces);
	for (size_t i = 0; i < CANARY_SEEDS; i++)
		server_close(&c->seed[i]);
	free(c);
}

static enum rc
canary_open(struct conn **ret, const struct cfg *cfg, const struct conn_env *env, struct err *err)
{
	struct conn *c = stdmem_get(sizeof *c);
	enum rc rc;

	c->all = (struct askings){ .env = *env, .cfg = cfg, .free = probe_free };
	rc = server_open(c, &c->submit, cfg_map(cfg, "submit"), err);
	if (rc == RC_OK && cfg_has(cfg, "production"))
		rc = server_open(c, &c->production, cfg_map(cfg, "production"), err);
	if (rc == RC_OK && cfg_has(cfg, "bounces"))
		rc = server_open(c, &c->bounces, cfg_map(cfg_map(cfg, "bounces"), "imap"), err);
	c->seed_n = cfg_len(cfg, "seeds");
	if (rc == RC_OK && c->seed_n > CANARY_SEEDS)
		rc = err_set(err, RC_LIMIT, "at most %d seeds", CANARY_SEEDS);
	for (size_t i = 0; rc == RC_OK && i < c->seed_n; i++)
		rc = server_open(c, &c->seed[i], cfg_map(cfg_map_at(cfg, "seeds", i), "imap"), err);
	if (rc != RC_OK) {
		canary_close(&c);
		return rc;
	}
	*ret = c;
	return RC_OK;
}

const struct connector canary_connector = {
	.info = { .name = "canary",
		.fence = FENCE_NONE,
		.caps = CAP_SIGNAL,
		.schema = rows,
		.subjects_from = "seeds",
		.subject_field = "receiver",
		.harm = 1,
		.check = canary_check },
	.open = canary_open,
	.probe = canary_probe,
	.cancel = asking_cancel,
	.close = canary_close,
};
