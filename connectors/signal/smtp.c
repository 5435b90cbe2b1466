/*
 * smtp.c - the signal "smtp": would a server take a message from us now? Everything up to RCPT,
 * then RSET and QUIT: no message is sent. Page: smtp.md.
 */
#include "base/json.h"
#include "net/smtpio.h"
#include "os/secret.h"
#include "os/stdmem.h"
#include "signal/asking.h"
#include "signal/judge.h"
#include "signal/mailrows.h"

#include <stdio.h>
#include <stdlib.h>

struct conn {
	struct askings all;
	struct secret *auth, *ca;
};

struct smtp_probe {
	struct asking asking;
	struct smtpio *smtp;
};

static const struct schema_row rows[] = { MAILROWS_SUBMIT,
	{ .key = "from",
		.type = V_MAILBOX,
		.doc = "Sender to name in MAIL. Without it the probe ends after EHLO and AUTH." },
	{ .key = "to",
		.type = V_MAILBOX,
		.doc = "Recipient to name in RCPT: one that exists. Nothing is sent to it." },
	{ 0 } };

static enum rc
smtp_check(const struct cfg *cfg, struct err *err)
{
	if (cfg_has(cfg, "to") && !cfg_has(cfg, "from"))
		return err_set(err, RC_INVALID, "`to` wants a `from`");
	if (cfg_has(cfg, "auth") && cfg_int(cfg, "tls") == SMTPIO_CLEAR)
		return err_set(err, RC_INVALID,
			"`auth` without TLS: a password is never sent in the clear");
	return RC_OK;
}

static void
probe_free(struct asking *a)
{
	struct smtp_probe *p = (struct smtp_probe *)(void *)a;

	smtpio_cancel(&p->smtp);
	free(p);
}

static void
put_facts(struct buf *b, const struct smtpio_result *r, const char *class)
{
	struct jw w;

	jw_init(&w, b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "stage", smtpio_stage_name(r->stage));
	jw_int(&w, "code", r->code);
	jw_str(&w, "reply", r->reply);
	jw_str(&w, "class", class);
	jw_str(&w, "peer", r->peer);
	jw_int(&w, "took_ms", r->took_ms);
	jw_close(&w, '}');
}

static void
on_result(void *ctx, const struct smtpio_result *r)
{
	struct smtp_probe *p = ctx;
	struct observation o = { .class = "", .why = r->why };
	struct judgement j = { CONN_UNKNOWN, false, "" };
	struct buf facts;

	p->smtp = NULL;
	switch (r->end) {
	case SMTPIO_OK:
		j.verdict = CONN_OK;
		break;
	case SMTPIO_REPLIED:
		j = judge_reply(r->reply, "", r->stage == SMTPIO_GREETING);
		break;
	case SMTPIO_LOST: /* mail is not refused here, it finds no server */
		j.verdict = r->nobody ? CONN_UNKNOWN : CONN_BAD;
		break;
	case SMTPIO_LACKS: /* before any connection: our own settings */
		j.verdict = r->stage == SMTPIO_CONNECT ? CONN_UNKNOWN : CONN_BAD;
		break;
	}
	buf_init(&facts, &stdmem, 65536);
	put_facts(&facts, r, j.class);
	o.verdict = j.verdict;
	o.harm = j.harm;
	o.facts = buf_text(&facts);
	asking_end(&p->asking, &o);
	buf_fini(&facts);
}

static void
smtp_probe(struct conn *c, op_id op, const struct probe_req *rq)
{
	const struct cfg *cfg = c->all.cfg;
	struct smtp_probe *p = stdmem_get(sizeof *p);
	const char *rcpt[] = { cfg_str(cfg, "to"), NULL };

	asking_begin(&c->all, &p->asking, op);
	p->smtp = smtpio_start(c->all.env.net,
		&(struct smtpio_opts){ .host = cfg_str(cfg, "host"),
			.port = (int)cfg_int(cfg, "port"),
			.tls = (enum smtpio_tls)cfg_int(cfg, "tls"),
			.ca_pem = c->ca != NULL ? secret_reveal(c->ca) : NULL,
			.auth = c->auth,
			.helo = cfg_str(cfg, "helo"),
			.from = cfg_str(cfg, "from"),
			.rcpt = rcpt,
			.deadline_ms = rq->deadline_ms },
		on_result, p);
}

static enum rc
smtp_open(struct conn **ret, const struct cfg *cfg, const struct conn_env *env, struct err *err)
{
	struct conn *c = stdmem_get(sizeof *c);
	enum rc rc;

	c->all = (struct askings){ .env = *env, .cfg = cfg, .free = probe_free };
	rc = asking_secret(&c->all, cfg, "auth", &c->auth, err);
	if (rc == RC_OK)
		rc = asking_secret(&c->all, cfg, "ca", &c->ca, err);
	if (rc != RC_OK) {
		secret_free(&c->auth);
		free(c);
		return rc;
	}
	*ret = c;
	return RC_OK;
}

static void
smtp_close(struct conn **pc)
{
	struct conn *c = *pc;

	if (c == NULL)
		return;
	*pc = NULL;
	asking_close_all(&c->all);
	secret_free(&c->auth);
	secret_free(&c->ca);
	free(c);
}

const struct connector smtp_connector = {
	.info = { .name = "smtp",
		.fence = FENCE_NONE,
		.caps = CAP_SIGNAL,
		.schema = rows,
		.harm = 1,
		.check = smtp_check },
	.open = smtp_open,
	.probe = smtp_probe,
	.cancel = asking_cancel,
	.close = smtp_close,
};
