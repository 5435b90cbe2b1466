/*
 * exchange_online.c - the outbound connector of an Exchange Online tenant, switched by its scoping
 * rule.
 *
 * In the picture: the way of mailbox users' mail (tenant.connector). The connector and its mail
 * flow rule are made and validated in peace time; ferryman enables and disables the rule, and
 * writes its exceptions, nothing else. Class U: the service keeps the last write, so nothing is
 * sent after the caller's deadline, and every change is read back. Microsoft does not document the
 * interface that is used here (exchange-online.md).
 */
#include "base/text.h"
#include "net/http.h"
#include "ops.h"
#include "os/secret.h"
#include "os/stdmem.h"
#include "tenant/assertion.h"
#include "tenant/exchange_hand.h"

#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CALL_MS = 20000, /* one request, within the operation's own deadline */
	DRAIN_MS =
		10000, /* a closed connection's last octets, and the service's own time with them */
	TOKEN_MARGIN_MS = 60000, /* a token is renewed so long before its end */
	LOOK_AGAIN_MS = 1000,	 /* between two looks at what was changed */
	LOOKS = 8,
	EXCEPT_MAX = 500,
	VALUE_MAX = 65536,
};

static const struct schema_row cohort_rows[] = {
	{ .key = "share",
		.type = V_PERCENT,
		.flags = SR_REQUIRED,
		.doc = "Share of failback's order at which these senders return to the primary." },
	{ .key = "from",
		.type = V_MAILBOX,
		.flags = SR_REQUIRED | SR_LIST,
		.doc = "Their addresses. Those of smaller shares stay returned." },
	{ .key = NULL },
};

static const struct schema_row rows[] = {
	{ .key = "tenant",
		.type = V_DOMAIN,
		.flags = SR_REQUIRED,
		.doc = "The tenant's domain (or initial onmicrosoft.com domain); it names the "
		       "fence domain." },
	{ .key = "app",
		.type = V_SECRET,
		.flags = SR_REQUIRED | SR_PUBLIC_FILE,
		.doc = "Application (client) id of the app registration." },
	{ .key = "certificate",
		.type = V_SECRET,
		.flags = SR_REQUIRED,
		.doc = "PEM file with the app's certificate and its private RSA key." },
	{ .key = "connector_name",
		.type = V_STR,
		.flags = SR_REQUIRED,
		.doc = "The outbound connector, prepared and validated in peace time." },
	{ .key = "rule_name",
		.type = V_STR,
		.doc = "The mail flow rule that leads to it; default: named like the connector." },
	{ .key = "smart_host",
		.type = V_HOST,
		.doc = "The relay that the connector must point at. Without it any smart host is "
		       "believed." },
	{ .key = "cohorts",
		.type = V_MAP,
		.flags = SR_LIST,
		.sub = cohort_rows,
		.doc = "Senders that return first on failback. Without them the tenant returns at "
		       "100 % only: Exchange Online cannot send a share." },
	{ .key = "propagation",
		.type = V_DURATION,
		.def = "30m",
		.min = "0s",
		.max = "1d",
		.doc = "How long until the service follows a changed rule everywhere. Printed in "
		       "plans, never waited for: the canary proves it." },
	{ .key = "authority",
		.type = V_URL,
		.def = "https://login.microsoftonline.com",
		.doc = "Where tokens come from; other clouds have their own." },
	{ .key = "endpoint",
		.type = V_URL,
		.def = "https://outlook.office365.com",
		.doc = "Where the admin interface is." },
	{ .key = "scope",
		.type = V_STR,
		.def = "https://outlook.office365.com/.default",
		.doc = "Scope of the token." },
	{ .key = "ca",
		.type = V_SECRET,
		.flags = SR_PUBLIC_FILE,
		.doc = "CA certificates (PEM) trusted for authority and endpoint instead of the "
		       "machine's." },
	{ .key = NULL },
};

struct conn {
	struct ops ops;
	struct conn_env env;
	const struct cfg *cfg;
	const char *rule;
	char *app, *ca;
	struct secret *pem;
	struct secret *token; /* NULL = none yet */
	int64_t token_until;  /* net_now_ms */
};

/* What the tenant says now. */
struct seen {
	bool connector, rule;
	char value[VALUE_MAX];
	bool excepts_same; /* the rule's exceptions are those of want, whatever its state */
};

enum stage { GET_TOKEN, GET_CONNECTOR, GET_RULE, SET_EXCEPTIONS, SWITCH, LOOK_BACK };

struct tenant_op {
	struct op op; /* first */
	struct conn *conn;
	enum stage stage;
	enum stage resume; /* after a token */
	struct http_job *job;
	struct net_timer *wait;
	int64_t until; /* net_now_ms: nothing is sent after it */
	bool token_renewed, changed, changing;
	int looks;
	char *base, *want;
	struct seen *seen;
};

static void go(struct tenant_op *o, enum stage stage);

static bool
op_stop(struct op *op)
{
	struct tenant_op *o = (struct tenant_op *)op;
	bool sent = http_cancel(&o->job);

	net_timer_stop(&o->wait);
	return o->changed || (sent && o->changing);
}

static void
op_drop(struct op *op)
{
	struct tenant_op *o = (struct tenant_op *)op;

	net_timer_stop(&o->wait);
	free(o->base);
	free(o->want);
	free(o->seen);
	free(o);
}

/* The end of an operation that failed: what was sent before decides between RETRY and UNKNOWN. */
static void
fail(struct tenant_op *o, enum outcome if_unchanged, const char *why)
{
	ops_end(&o->op, o->changed ? OUT_UNKNOWN : if_unchanged, "%s", why);
}

static int64_t
left(const struct tenant_op *o)
{
	return o->until - net_now_ms(o->conn->env.net);
}

/* --- what is sent --- */

static void
form_put(struct buf *b, const char *key, const char *value)
{
	if (b->len > 0)
		buf_char(b, '&');
	buf_fmt(b, "%s=", key);
	for (; *value != '\0'; value++)
		if (isalnum((unsigned char)*value) || strchr("-._~", *value) != NULL)
			buf_char(b, *value);
		else
			buf_fmt(b, "%%%02X", (unsigned char)*value);
}

static void on_http(void *ctx, const struct http_result *r);

static void
post(struct tenant_op *o, const char *url, const char *const *headers, const struct buf *body)
{
	struct conn *c = o->conn;
	bool token = o->stage == GET_TOKEN;
	int64_t ms = left(o);
	const struct http_request rq = { .method = "POST",
		.url = url,
		.headers = headers,
		.bearer = token ? NULL : c->token,
		.body = buf_text(body),
		.body_n = body->len,
		.ca_pem = c->ca,
		.deadline_ms = ms < CALL_MS ? ms : CALL_MS };

	o->changing = o->stage == SET_EXCEPTIONS || o->stage == SWITCH;
	o->job = http_start(c->env.net, &rq, on_http, o);
}

static void
send_token(struct tenant_op *o)
{
	struct conn *c = o->conn;
	struct buf url, jwt, body;
	struct err err = { 0 };

	buf_init(&url, &stdmem, 2048);
	buf_init(&jwt, &stdmem, 16384);
	buf_init(&body, &stdmem, 32768);
	buf_fmt(&url, "%s/%s/oauth2/v2.0/token", cfg_str(c->cfg, "authority"),
		cfg_str(c->cfg, "tenant"));
	const struct assertion_claims claims = {
		.audience = buf_text(&url), .client = c->app, .wall_ms = net_wall_ms(c->env.net)
	};
	if (assertion_put(&jwt, c->pem, &claims, &err) != RC_OK) {
		ops_later(&o->op, OUT_REFUSED, "certificate: %s", err.text);
	} else {
		form_put(&body, "client_id", c->app);
		form_put(&body, "scope", cfg_str(c->cfg, "scope"));
		form_put(&body, "grant_type", "client_credentials");
		form_put(&body, "client_assertion_type",
			"urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
		form_put(&body, "client_assertion", buf_text(&jwt));
		post(o, buf_text(&url),
			(const char *const[]){ "Content-Type: application/x-www-form-urlencoded",
				"Accept: application/json", NULL },
			&body);
	}
	buf_fini(&url);
	buf_fini(&jwt);
	buf_fini(&body);
}

/* Sorted "except ADDRESS" lines -> a JSON array of addresses; new reference. */
static json_t *
exceptions_json(const char *value)
{
	json_t *list = json_array();
	const char *line;
	size_t n;

	while (text_line(&value, &line, &n))
		if (n > 7 && strncmp(line, "except ", 7) == 0)
			(void)json_array_append_new(list, json_stringn(line + 7, n - 7));
	return list;
}

static const char *
cmdlet_of(const struct tenant_op *o)
{
	switch (o->stage) {
	case GET_CONNECTOR:
		return "Get-OutboundConnector";
	case SET_EXCEPTIONS:
		return "Set-TransportRule";
	case SWITCH:
		return o->want[0] != '\0' ? "Enable-TransportRule" : "Disable-TransportRule";
	case GET_RULE:
	case LOOK_BACK:
	case GET_TOKEN:
		break;
	}
	return "Get-TransportRule";
}

/* {"CmdletInput": {"CmdletName": ..., "Parameters": {...}}}; new reference. */
static json_t *
cmdlet_json(const struct tenant_op *o)
{
	json_t *with = json_pack("{s:s}", "Identity",
		o->stage == GET_CONNECTOR ? cfg_str(o->conn->cfg, "connector_name")
					  : o->conn->rule);

	if (o->stage == SET_EXCEPTIONS)
		(void)json_object_set_new(with, "ExceptIfFrom", exceptions_json(o->want));
	if (o->stage == SWITCH && o->want[0] == '\0')
		(void)json_object_set_new(
			with, "Confirm", json_false()); /* Disable- asks by default */
	return json_pack(
		"{s:{s:s,s:o}}", "CmdletInput", "CmdletName", cmdlet_of(o), "Parameters", with);
}

static void
send_cmdlet(struct tenant_op *o)
{
	struct conn *c = o->conn;
	const char *tenant = cfg_str(c->cfg, "tenant");
	struct buf url, anchor, body;

	buf_init(&url, &stdmem, 2048);
	buf_init(&anchor, &stdmem, 1024);
	buf_init(&body, &stdmem, VALUE_MAX * 2);
	buf_fmt(&url, "%s/adminapi/beta/%s/InvokeCommand", cfg_str(c->cfg, "endpoint"), tenant);
	/* The system mailbox that the service routes app-only commands by. */
	buf_fmt(&anchor,
		"X-AnchorMailbox: APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}@%s",
		tenant);
	json_t *root = cmdlet_json(o);
	char *text = root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;
	buf_str(&body, text != NULL ? text : "");
	free(text);
	json_decref(root);
	post(o, buf_text(&url),
		(const char *const[]){ "Content-Type: application/json", "Accept: application/json",
			"Prefer: odata.maxpagesize=1000", buf_text(&anchor), NULL },
		&body);
	buf_fini(&url);
	buf_fini(&anchor);
	buf_fini(&body);
}

static void
go(struct tenant_op *o, enum stage stage)
{
	struct conn *c = o->conn;

	if (left(o) <= 0) {
		ops_later(&o->op, o->changed ? OUT_UNKNOWN : OUT_RETRY, "the deadline came first");
		return;
	}
	if (stage != GET_TOKEN && (c->token == NULL || net_now_ms(c->env.net) >= c->token_until)) {
		o->resume = stage;
		stage = GET_TOKEN;
	}
	o->stage = stage;
	if (stage == GET_TOKEN)
		send_token(o);
	else
		send_cmdlet(o);
}

static void
on_wait(void *ctx)
{
	struct tenant_op *o = ctx;

	net_timer_stop(&o->wait);
	go(o, o->stage == GET_TOKEN ? o->resume : o->stage);
}

/* --- what comes back --- */

static const char *
text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

/* "error.details[].message", or "error.message", or OAuth's "error_description": one line of it. */
static void
error_text(const json_t *root, char out[300])
{
	const json_t *e = json_object_get(root, "error");
	const char *s = text_of(json_array_get(json_object_get(e, "details"), 0), "message");

	if (*s == '\0')
		s = text_of(e, "message");
	if (*s == '\0')
		s = text_of(root, "error_description");
	if (*s == '\0' && json_is_string(e))
		s = json_string_value(e);
	size_t n = strcspn(s, "\r\n");
	(void)snprintf(out, 300, "%.*s", (int)(n < 280 ? n : 280), s);
}

static bool
not_found(const struct http_result *r, const char *text)
{
	return r->status == 404 || strstr(text, "ManagementObjectNotFound") != NULL ||
	       strstr(text, "couldn't be found") != NULL;
}

static void
token_take(struct tenant_op *o, const json_t *root)
{
	struct conn *c = o->conn;
	const char *t = text_of(root, "access_token");
	json_int_t life = json_integer_value(json_object_get(root, "expires_in"));

	if (*t == '\0') {
		fail(o, OUT_REFUSED, "the token endpoint answered without a token");
		return;
	}
	secret_free(&c->token);
	c->token = secret_new(t, strlen(t));
	c->token_until =
		net_now_ms(c->env.net) + (life > 0 ? life * 1000 : 300000) - TOKEN_MARGIN_MS;
	if (c->token_until <=
		net_now_ms(c->env.net)) /* a token shorter than the margin serves this once */
		c->token_until = net_now_ms(c->env.net) + 1000;
	go(o, o->resume);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The rule's exceptions as sorted "except ADDRESS" lines. */
static void
exceptions_read(const json_t *rule, struct buf *out)
{
	const json_t *list = json_object_get(rule, "ExceptIfFrom"), *item;
	char *line[EXCEPT_MAX];
	size_t n = 0, i;

	json_array_foreach(list, i, item)
	{
		const char *s = json_string_value(item);
		if (s == NULL || n == EXCEPT_MAX)
			continue;
		line[n] = stdmem_str(s);
		for (char *p = line[n]; *p != '\0'; p++)
			*p = (char)tolower((unsigned char)*p);
		n++;
	}
	if (n > 0)
		qsort(line, n, sizeof *line, by_text);
	for (i = 0; i < n; i++) {
		buf_fmt(out, "except %s\n", line[i]);
		free(line[i]);
	}
}

/* NULL, or the sentence that says what must be put right in the tenant. */
static const char *
connector_fault(const struct tenant_op *o, const json_t *k)
{
	const char *host = cfg_str(o->conn->cfg, "smart_host");
	const json_t *hosts = json_object_get(k, "SmartHosts"), *item;
	bool there = host == NULL;
	size_t i;

	if (!json_is_true(json_object_get(k, "Enabled")))
		return "the outbound connector is disabled: enable it; being scoped by a rule, it "
		       "takes no mail while the rule is off";
	if (!json_is_true(json_object_get(k, "IsTransportRuleScoped")))
		return "the outbound connector is not scoped by a rule: set IsTransportRuleScoped";
	if (json_is_true(json_object_get(k, "UseMXRecord")) || json_array_size(hosts) == 0)
		return "the outbound connector has no smart host: set SmartHosts, and UseMXRecord "
		       "to false";
	json_array_foreach(hosts, i, item) there |=
		host != NULL && text_eq_nocase(json_string_value(item), host);
	return there ? NULL
		     : "the outbound connector's SmartHosts do not name the playbook's smart_host";
}

static const char *
rule_fault(const struct tenant_op *o, const json_t *rule)
{
	const char *mode = text_of(rule, "Mode");

	if (!text_eq_nocase(text_of(rule, "RouteMessageOutboundConnector"),
		    cfg_str(o->conn->cfg, "connector_name")))
		return "the mail flow rule does not lead to the outbound connector: set "
		       "RouteMessageOutboundConnector";
	if (*mode != '\0' && !text_eq_nocase(mode, "Enforce"))
		return "the mail flow rule only audits: set its Mode to Enforce";
	if (!text_eq_nocase(text_of(rule, "State"), "Enabled") &&
		!text_eq_nocase(text_of(rule, "State"), "Disabled"))
		return "the mail flow rule says no State";
	return NULL;
}

static void
rule_value(struct tenant_op *o, const json_t *rule)
{
	struct buf ex, v;
	const char *line = o->want != NULL ? strchr(o->want, '\n') : NULL;

	buf_init(&ex, &stdmem, VALUE_MAX - 16);
	buf_init(&v, &stdmem, VALUE_MAX - 1);
	exceptions_read(rule, &ex);
	if (text_eq_nocase(text_of(rule, "State"), "Enabled"))
		buf_fmt(&v, "enabled\n%s", buf_text(&ex));
	(void)snprintf(o->seen->value, sizeof o->seen->value, "%s", buf_text(&v));
	o->seen->excepts_same = line != NULL && strcmp(line + 1, buf_text(&ex)) == 0;
	buf_fini(&ex);
	buf_fini(&v);
}

/* The tenant as it was found: end a read, or begin to change. */
static void
found(struct tenant_op *o)
{
	if (o->op.kind == OP_READ) {
		const struct state st = {
			.outcome = OUT_DONE, .value = o->seen->value, .version = "", .why = ""
		};
		ops_end_state(&o->op, &st);
	} else if (!text_eq(o->seen->value, o->base) && !text_eq(o->seen->value, o->want)) {
		ops_end(&o->op, OUT_CONFLICT, "rule %s is not as the plan saw it", o->conn->rule);
	} else if (o->want[0] != '\0' && !o->seen->excepts_same) {
		go(o, SET_EXCEPTIONS);
	} else {
		go(o, SWITCH);
	}
}

static void
looked_back(struct tenant_op *o)
{
	if (text_eq(o->seen->value, o->want)) {
		ops_end(&o->op, OUT_DONE, "%s", "");
	} else if (++o->looks < LOOKS && left(o) > LOOK_AGAIN_MS) {
		o->wait = net_timer_start(o->conn->env.net, LOOK_AGAIN_MS, on_wait, o);
	} else {
		ops_end(&o->op, OUT_UNKNOWN,
			"the service took the change and does not show it yet");
	}
}

static void
rule_take(struct tenant_op *o, const json_t *rule)
{
	const char *fault = rule_fault(o, rule);

	if (fault != NULL) {
		fail(o, OUT_REFUSED, fault);
		return;
	}
	rule_value(o, rule);
	if (o->stage == LOOK_BACK)
		looked_back(o);
	else
		found(o);
}

/* A status 200 and JSON. */
static void
take(struct tenant_op *o, const json_t *root)
{
	const json_t *one = json_array_get(json_object_get(root, "value"), 0);
	const char *fault;

	switch (o->stage) {
	case GET_TOKEN:
		token_take(o, root);
		break;
	case GET_CONNECTOR:
		fault = one == NULL ? "the outbound connector does not exist: see ferryman setup"
				    : connector_fault(o, one);
		if (fault != NULL)
			fail(o, OUT_REFUSED, fault);
		else
			go(o, GET_RULE);
		break;
	case GET_RULE:
	case LOOK_BACK:
		if (one == NULL)
			fail(o, OUT_REFUSED,
				"the mail flow rule does not exist: see ferryman setup");
		else
			rule_take(o, one);
		break;
	case SET_EXCEPTIONS:
		o->changed = true;
		go(o, SWITCH);
		break;
	case SWITCH:
		o->changed = true;
		go(o, LOOK_BACK);
		break;
	}
}

/* The service said something other than yes. */
static void
refused(struct tenant_op *o, const struct http_result *r, const json_t *root)
{
	char text[300], why[400];

	error_text(root, text);
	(void)snprintf(why, sizeof why, "%s answered %d%s%.280s",
		o->stage == GET_TOKEN ? "the token endpoint" : cmdlet_of(o), r->status,
		*text ? ": " : "", text);
	if (r->status == 401 && o->stage != GET_TOKEN && !o->token_renewed) {
		/* The token was revoked, or the service restarted: one new one, then the same
		 * again. */
		o->token_renewed = true;
		secret_free(&o->conn->token);
		go(o, o->stage);
	} else if ((r->status == 429 || r->status == 503) && r->retry_after_ms > 0 &&
		   r->retry_after_ms < left(o) / 2 && (r->status == 429 || !o->changing)) {
		if (o->stage == GET_TOKEN)
			secret_free(&o->conn->token);
		o->wait = net_timer_start(o->conn->env.net, r->retry_after_ms, on_wait, o);
	} else if (r->status == 429) {
		fail(o, OUT_RETRY, why);
	} else if (r->status >= 500) {
		/* After a change was sent, a broken server may have obeyed before it broke. */
		fail(o, o->changing ? OUT_UNKNOWN : OUT_RETRY, why);
	} else if ((o->stage == GET_CONNECTOR || o->stage == GET_RULE) && not_found(r, text)) {
		fail(o, OUT_REFUSED,
			o->stage == GET_RULE
				? "the mail flow rule does not exist: see ferryman setup"
				: "the outbound connector does not exist: see ferryman setup");
	} else {
		fail(o, OUT_REFUSED, why);
	}
}

static void
on_http(void *ctx, const struct http_result *r)
{
	struct tenant_op *o = ctx;
	json_t *root;

	o->job = NULL;
	switch (r->end) {
	case HTTP_REFUSED:
		fail(o, OUT_REFUSED, r->why);
		return;
	case HTTP_NOT_SENT:
		fail(o, OUT_RETRY, r->why);
		return;
	case HTTP_MAYBE_SENT:
		fail(o, o->changing ? OUT_UNKNOWN : OUT_RETRY, r->why);
		return;
	case HTTP_ANSWERED:
		break;
	}
	root = json_loadb(r->body, r->body_n, JSON_REJECT_DUPLICATES, NULL);
	if (r->status < 200 || r->status > 299) {
		refused(o, r, root);
	} else if (root == NULL && (o->stage == GET_TOKEN || !o->changing)) {
		fail(o, OUT_RETRY, "the service's answer is no JSON");
	} else {
		take(o, root);
	}
	json_decref(root);
}

/* --- the contract --- */

static enum rc
exchange_online_open(
	struct conn **ret, const struct cfg *cfg, const struct conn_env *env, struct err *err)
{
	struct secret *app = NULL, *ca = NULL, *pem = NULL;
	enum rc rc = RC_OK;

	app = env->secret(env->secret_ctx, cfg, "app", err);
	pem = app != NULL ? env->secret(env->secret_ctx, cfg, "certificate", err) : NULL;
	if (pem != NULL && cfg_has(cfg, "ca"))
		ca = env->secret(env->secret_ctx, cfg, "ca", err);
	if (pem == NULL || (ca == NULL && cfg_has(cfg, "ca")))
		rc = err != NULL && err->rc != RC_OK ? err->rc : RC_NOTFOUND;
	else if ((rc = assertion_check(pem, err)) != RC_OK)
		(void)err_prefix(err, "certificate");
	if (rc == RC_OK) {
		struct conn *c = stdmem_get(sizeof *c);
		c->env = *env;
		c->cfg = cfg;
		c->ops = (struct ops){ .env = &c->env, .stop = op_stop, .drop = op_drop };
		c->rule = cfg_has(cfg, "rule_name") ? cfg_str(cfg, "rule_name")
						    : cfg_str(cfg, "connector_name");
		c->app = stdmem_str(secret_reveal(app));
		c->ca = ca != NULL ? stdmem_str(secret_reveal(ca)) : NULL;
		c->pem = pem;
		pem = NULL;
		*ret = c;
	}
	secret_free(&app);
	secret_free(&ca);
	secret_free(&pem);
	return rc;
}

static struct tenant_op *
op_new(struct conn *c, op_id id, enum op_kind kind, uint64_t lsn, int64_t deadline_ms)
{
	struct tenant_op *o = stdmem_get(sizeof *o);

	o->conn = c;
	o->seen = stdmem_get(sizeof *o->seen);
	o->until = net_now_ms(c->env.net) + deadline_ms;
	ops_add(&c->ops, &o->op, id, kind, lsn);
	return o;
}

static bool
resource_ok(const struct conn *c, const char *resource)
{
	return text_starts(resource, "tenant.connector ") &&
	       text_eq(strchr(resource, ' ') + 1, cfg_str(c->cfg, "connector_name"));
}

static void
exchange_online_read(struct conn *c, op_id id, const struct read_req *rq)
{
	struct tenant_op *o = op_new(c, id, OP_READ, 0, rq->deadline_ms);

	if (rq->from != CONN_READ_TARGET)
		ops_later(&o->op, OUT_REFUSED, "a tenant's value is read at the tenant alone");
	else if (!resource_ok(c, rq->resource))
		ops_later(&o->op, OUT_REFUSED, "no such resource here: tenant.connector %s",
			cfg_str(c->cfg, "connector_name"));
	else
		go(o, GET_CONNECTOR);
}

static void
exchange_online_apply(struct conn *c, op_id id, const struct effect *e)
{
	struct tenant_op *o = op_new(c, id, OP_APPLY, e->lsn, e->deadline_ms);

	o->base = stdmem_str(e->base != NULL ? e->base : "");
	o->want = stdmem_str(e->want != NULL ? e->want : "");
	if (e->dir == CONN_FENCE)
		ops_later(&o->op, OUT_REFUSED, "a tenant keeps no number: class U has no fence");
	else if (!resource_ok(c, e->resource) || !exchange_hand_value_ok(o->want))
		ops_later(&o->op, OUT_REFUSED,
			"not a resource, or not a value, of tenant.connector %s",
			cfg_str(c->cfg, "connector_name"));
	else
		go(o, GET_CONNECTOR);
}

static void
exchange_online_cancel(struct conn *c, op_id id)
{
	ops_cancel(&c->ops, id);
}

static void
exchange_online_close(struct conn **c)
{
	if (*c == NULL)
		return;
	ops_close(&(*c)->ops);
	secret_free(&(*c)->pem);
	secret_free(&(*c)->token);
	free((*c)->app);
	free((*c)->ca);
	free(*c);
	*c = NULL;
}

const struct connector exchange_online_connector = {
	.info = { .name = "exchange-online",
		.fence = FENCE_U,
		.caps = CAP_TENANT_CONNECTOR,
		.schema = rows,
		.domain_key = "tenant",
		.drain_ms = DRAIN_MS },
	.open = exchange_online_open,
	.read = exchange_online_read,
	.apply = exchange_online_apply,
	.by_hand = exchange_hand_put,
	.setup = exchange_hand_setup,
	.cancel = exchange_online_cancel,
	.close = exchange_online_close,
};
