/*
 * postfix.c - a relay or hub that runs Postfix, reached over SSH through the helper ferryman-relay.
 *
 * In the picture: the place where the way of application mail is chosen (relay.route), where mail
 * waits (relay.park) and is let go (relay.queue). Class F: the helper refuses an older number, so
 * every apply here is idempotent and a late one harmless. Nothing is run there but the helper;
 * nothing is said to it but one netstring, and only an answer that ends with its closing line
 * counts as one.
 */
#include "base/text.h"
#include "net/ssh.h"
#include "ops.h"
#include "os/secret.h"
#include "os/stdmem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROTO "ferryman-relay/1"
#define HELPER "/usr/local/lib/ferryman/ferryman-relay"
#define HELPER_HOME "/var/lib/ferryman-relay"

enum {
	REQUEST_MAX = 65536, /* as the helper's */
	SELFTEST_MAX = 1024,
};

static const struct schema_row rows[] = {
	{ .key = "host",
		.type = V_HOST,
		.flags = SR_REQUIRED,
		.doc = "Name or address of the relay. It names the fence domain: two targets with "
		       "the same host share one." },
	{ .key = "port",
		.type = V_INT,
		.def = "22",
		.min = "1",
		.max = "65535",
		.doc = "Port of its SSH server." },
	{ .key = "user",
		.type = V_STR,
		.def = "ferryman",
		.doc = "Plain account that the helper runs as. It needs no root and no sudo." },
	{ .key = "key",
		.type = V_SECRET,
		.flags = SR_REQUIRED,
		.doc = "Private SSH key (ed25519 or ECDSA, without passphrase), which the relay "
		       "binds to the helper." },
	{ .key = "host_key",
		.type = V_SECRET,
		.flags = SR_REQUIRED | SR_PUBLIC_FILE,
		.doc = "The relay's public host key with its type, \"ssh-ed25519 AAAA...\". An "
		       "unknown, changed or other key is refused." },
	{ .key = "transport",
		.type = V_NAME,
		.doc = "Name in the relay's master.cf of the way to the backup; default: the name "
		       "of the path that the procedure goes to." },
	{ .key = "park_expires",
		.type = V_DURATION,
		.def = "4h",
		.min = "1s",
		.max = "5d",
		.doc = "After so long the relay itself ends a shelter that nobody ended, by "
		       "letting its mail go slowly. 4 h: before senders get a second delay notice, "
		       "and far from any queue lifetime. A shelter's own `expires` comes first." },
	{ .key = NULL },
};

struct conn {
	struct ops ops;
	struct conn_env env;
	const struct cfg *cfg;
	struct ssh *ssh;
};

struct relay_op {
	struct op op; /* first: ops hands it back as this */
	struct conn *conn;
	struct ssh_job *job;
	int64_t until; /* net_now_ms */
	bool greeting; /* the answer to come is hello's; setup-check follows */
};

/* --- the helper's language --- */

static void
netstring(struct buf *b, const char *p, size_t n)
{
	buf_fmt(b, "%zu:", n);
	buf_add(b, p, n);
	buf_char(b, ',');
}

/* NULL-ended words -> one netstring of netstrings. */
static void
request_put(struct buf *b, const char *const *words)
{
	struct buf in;

	buf_init(&in, &stdmem, REQUEST_MAX);
	netstring(&in, PROTO, strlen(PROTO));
	for (; *words != NULL; words++)
		netstring(&in, *words, strlen(*words));
	if (buf_failed(&in))
		b->failed = true;
	else
		netstring(b, buf_text(&in), in.len);
	buf_fini(&in);
}

struct reply {
	enum outcome outcome;
	char *value, *why, *store, *verbs, *proto, *version; /* NULL = not said */
	uint64_t lsn;
};

static void
reply_fini(struct reply *r)
{
	free(r->value);
	free(r->why);
	free(r->store);
	free(r->verbs);
	free(r->proto);
	free(r->version);
	*r = (struct reply){ 0 };
}

static void
reply_field(struct reply *r, const char *name, size_t name_n, const char *v, size_t n)
{
	static const char *const names[] = { "value", "why", "store", "verbs", "proto", "version" };
	char **const to[] = { &r->value, &r->why, &r->store, &r->verbs, &r->proto, &r->version };

	if (name_n == 3 && memcmp(name, "lsn", 3) == 0) {
		char digits[24];
		(void)snprintf(digits, sizeof digits, "%.*s", (int)(n < 20 ? n : 20), v);
		r->lsn = strtoull(digits, NULL, 10);
		return;
	}
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (strlen(names[i]) != name_n || memcmp(names[i], name, name_n) != 0)
			continue;
		free(*to[i]);
		*to[i] = strndup(v, n);
	}
}

/* False unless out is a whole answer: every field well formed, the closing line there and its count
 * right. */
static bool
reply_read(const char *out, size_t n, struct reply *r)
{
	static const char head[] = PROTO " ";
	const char *p = out, *end = out + n;

	*r = (struct reply){ 0 };
	while (p < end && (size_t)(end - p) > sizeof head &&
		strncmp(p, head, sizeof head - 1) != 0) {
		const char *blank = memchr(p, ' ', (size_t)(end - p));
		char *colon;
		if (blank == NULL)
			return false;
		unsigned long long len = strtoull(blank + 1, &colon, 10);
		if (*colon != ':' || len > (size_t)(end - colon) ||
			(size_t)(end - colon) < len + 3 || memcmp(colon + 1 + len, ",\n", 2) != 0)
			return false;
		reply_field(r, p, (size_t)(blank - p), colon + 1, (size_t)len);
		p = colon + len + 3;
	}
	char word[16], nl;
	size_t before;
	if (p >= end || sscanf(p, PROTO " %15s %zu%c", word, &before, &nl) != 3 || nl != '\n' ||
		before != (size_t)(p - out) || memchr(p, '\n', (size_t)(end - p)) != end - 1)
		return false;
	r->outcome = outcome_parse(word);
	return r->outcome != OUT_N;
}

/* --- one exchange --- */

static bool
op_stop(struct op *op)
{
	return ssh_cancel(&((struct relay_op *)op)->job);
}

static void
op_drop(struct op *op)
{
	free(op);
}

/* What is known when no whole answer came. */
static void
end_without_answer(struct relay_op *o, const struct ssh_result *res)
{
	switch (res->end) {
	case SSH_REFUSED:
		ops_end(&o->op, OUT_REFUSED, "%s", res->why);
		break;
	case SSH_NOT_SENT:
		ops_end(&o->op, OUT_RETRY, "%s", res->why);
		break;
	case SSH_EXITED:
		/* 126, 127: the shell there found no helper, so nothing was done. Others: it may
		 * have died half way. */
		if (res->status == 126 || res->status == 127)
			ops_end(&o->op, OUT_REFUSED,
				"no helper answers there (exit %d %.200s): see ferryman setup",
				res->status, res->errout);
		else
			ops_end(&o->op, o->op.kind == OP_READ ? OUT_RETRY : OUT_UNKNOWN,
				"the helper ended without an answer (exit %d %.200s)", res->status,
				res->errout);
		break;
	case SSH_MAYBE_SENT:
		ops_end(&o->op, o->op.kind == OP_READ ? OUT_RETRY : OUT_UNKNOWN, "%s", res->why);
		break;
	}
}

static void exchange(struct relay_op *o, const char *const *words);

/* The helper said hello: is it one that we can work with? Then it looks at its own main.cf. */
static void
greeted(struct relay_op *o, const struct reply *r)
{
	static const char *const needs[] = { "read", "apply", "fence", "setup-check" };

	o->greeting = false;
	for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
		if (r->verbs == NULL || strstr(r->verbs, needs[i]) == NULL) {
			ops_end(&o->op, OUT_REFUSED,
				"the helper there (version %.40s) knows no %s: install this one",
				r->version != NULL ? r->version : "?", needs[i]);
			return;
		}
	if (r->proto == NULL || !text_eq(r->proto, PROTO))
		ops_end(&o->op, OUT_REFUSED, "the helper there speaks %.40s, not " PROTO,
			r->proto != NULL ? r->proto : "?");
	else if (r->why != NULL && r->why[0] != '\0')
		ops_end(&o->op, OUT_REFUSED, "%s", r->why);
	else
		exchange(o, (const char *const[]){ "setup-check", NULL });
}

static void
on_ssh(void *ctx, const struct ssh_result *res)
{
	struct relay_op *o = ctx;
	struct reply r;

	o->job = NULL;
	if (!reply_read(res->out, res->out_n, &r)) {
		end_without_answer(o, res);
	} else if (o->greeting && r.outcome == OUT_DONE) {
		greeted(o, &r);
	} else if (o->op.kind != OP_READ) {
		ops_end(&o->op, r.outcome, "%s", r.why != NULL ? r.why : "");
	} else {
		const struct state st = { .outcome = r.outcome,
			.value = r.value != NULL ? r.value : "",
			.version = "",
			.marker_store = r.store,
			.marker_lsn = r.lsn,
			.why = r.why != NULL ? r.why : "" };
		ops_end_state(&o->op, &st);
	}
	reply_fini(&r);
}

static void
exchange(struct relay_op *o, const char *const *words)
{
	int64_t left = o->until - net_now_ms(o->conn->env.net);
	struct buf in;

	buf_init(&in, &stdmem, REQUEST_MAX + 32);
	request_put(&in, words);
	if (buf_failed(&in)) {
		ops_later(&o->op, OUT_REFUSED, "the request is longer than the helper takes");
	} else {
		const struct ssh_command cmd = { .command = HELPER,
			.in = buf_text(&in),
			.in_n = in.len,
			.deadline_ms = left > 1 ? left : 1 };
		o->job = ssh_exec(o->conn->ssh, &cmd, on_ssh, o);
	}
	buf_fini(&in);
}

static struct relay_op *
op_new(struct conn *c, op_id id, enum op_kind kind, uint64_t lsn, int64_t deadline_ms)
{
	struct relay_op *o = stdmem_get(sizeof *o);

	o->conn = c;
	o->until = net_now_ms(c->env.net) + deadline_ms;
	ops_add(&c->ops, &o->op, id, kind, lsn);
	return o;
}

/* --- the contract --- */

static enum rc
postfix_open(struct conn **ret, const struct cfg *cfg, const struct conn_env *env, struct err *err)
{
	struct secret *key = NULL, *host_key = NULL;
	struct conn *c = NULL;
	enum rc rc = RC_INVALID;

	key = env->secret(env->secret_ctx, cfg, "key", err);
	if (key != NULL)
		host_key = env->secret(env->secret_ctx, cfg, "host_key", err);
	if (host_key == NULL) {
		rc = err != NULL && err->rc != RC_OK ? err->rc : RC_NOTFOUND;
		goto out;
	}
	c = stdmem_get(sizeof *c);
	c->env = *env;
	c->cfg = cfg;
	c->ops = (struct ops){ .env = &c->env, .stop = op_stop, .drop = op_drop };
	const struct ssh_opts opts = { .host = cfg_str(cfg, "host"),
		.port = (int)cfg_int(cfg, "port"),
		.user = cfg_str(cfg, "user"),
		.key = key,
		.host_key = secret_reveal(host_key) };
	rc = ssh_new(&c->ssh, env->net, &opts, err);
	if (rc == RC_OK) {
		*ret = c;
		c = NULL;
	}
out:
	secret_free(&key);
	secret_free(&host_key);
	free(c);
	return rc;
}

static void
postfix_read(struct conn *c, op_id id, const struct read_req *rq)
{
	struct relay_op *o = op_new(c, id, OP_READ, 0, rq->deadline_ms);

	if (rq->from != CONN_READ_TARGET)
		ops_later(&o->op, OUT_REFUSED, "a relay's value is read at the relay alone");
	else
		exchange(o, (const char *const[]){ "read", rq->resource, NULL });
}

static void
postfix_apply(struct conn *c, op_id id, const struct effect *e)
{
	struct relay_op *o = op_new(c, id, OP_APPLY, e->lsn, e->deadline_ms);
	const char *options = e->options != NULL ? e->options : "";
	char lsn[24], had[24];
	struct buf b;

	(void)snprintf(lsn, sizeof lsn, "%" PRIu64, e->lsn);
	if (e->dir == CONN_FENCE) {
		exchange(o, (const char *const[]){ "fence", e->store, lsn, NULL });
		return;
	}
	buf_init(&b, &stdmem, 4096);
	buf_str(&b, options);
	if (text_starts(e->resource, "relay.park ") && text_eq(e->want, "parked\n") &&
		!ops_option(options, "expires", had, sizeof had))
		buf_fmt(&b, "expires %" PRId64 "\n", cfg_int(c->cfg, "park_expires"));
	if (buf_failed(&b))
		ops_later(&o->op, OUT_REFUSED, "the options are longer than 4096 octets");
	else
		exchange(o, (const char *const[]){ "apply", e->store, lsn, e->resource,
				    e->base != NULL ? e->base : "", e->want, buf_text(&b), NULL });
	buf_fini(&b);
}

static void
postfix_selftest(struct conn *c, op_id id, int64_t deadline_ms)
{
	struct relay_op *o = op_new(c, id, OP_READ, 0, deadline_ms);

	o->greeting = true;
	exchange(o, (const char *const[]){ "hello", "selftest", NULL });
}

static void
postfix_cancel(struct conn *c, op_id id)
{
	ops_cancel(&c->ops, id);
}

static void
postfix_close(struct conn **c)
{
	if (*c == NULL)
		return;
	ops_close(&(*c)->ops);
	ssh_free(&(*c)->ssh);
	free(*c);
	*c = NULL;
}

/* --- by hand: the same maps, written by a person on the relay --- */

#define MAPS HELPER_HOME "/maps/"

/* A domain as a pattern of grep and sed: dots quoted. */
static void
pattern_put(struct buf *b, const char *domain)
{
	for (; *domain != '\0'; domain++)
		buf_fmt(b, *domain == '.' ? "\\%c" : "%c", *domain);
}

static void
compile_put(struct buf *b, const char *map)
{
	buf_fmt(b, "postmap lmdb:" MAPS "%s\n", map);
}

/* Take the domain's row out of a map. */
static void
row_out_put(struct buf *b, const char *map, const char *domain)
{
	buf_str(b, "sed -i '/^@");
	pattern_put(b, domain);
	buf_fmt(b, "[[:space:]]/d' " MAPS "%s\n", map);
}

static void
row_in_put(struct buf *b, const char *map, const char *domain, const char *value)
{
	row_out_put(b, map, domain);
	buf_fmt(b, "printf '@%s\\t%s\\n' >> " MAPS "%s\n", domain, value, map);
	compile_put(b, map);
}

static void
route_by_hand(const char *domain, const char *want, struct buf *b)
{
	char next[304];
	int share;

	if (sscanf(want, "next %303s share %d", next, &share) != 2) {
		row_out_put(b, "domains", domain);
		compile_put(b, "domains");
		row_out_put(b, "domains2", domain);
		compile_put(b, "domains2");
		buf_str(b, "grep -q '^@' " MAPS "domains || { sed -i '/^s/d' " MAPS
			   "slots; postmap lmdb:" MAPS "slots; }\n");
		return;
	}
	buf_str(b, "sed -i '/^s/d' " MAPS "slots\n");
	buf_fmt(b,
		"for i in $(seq -w 1 %02d); do printf 's%%s\\t%s\\n' $i; done >> " MAPS "slots\n",
		share / 5, next);
	compile_put(b, "slots");
	row_in_put(b, "domains", domain, "ferryman");
}

static void
release_by_hand(const char *domain, const char *options, struct buf *b)
{
	static const char *const keys[] = { "rate", "per_receiver" };
	long pause_ms = 1000, ms, n;
	char v[64];
	bool given = false;

	/* One rate for a loop in a shell: the slower of the two keeps both promises. */
	for (size_t i = 0; i < 2; i++) {
		if (!ops_option(options, keys[i], v, sizeof v) ||
			sscanf(v, "%ld/%ld", &n, &ms) != 2 || n <= 0)
			continue;
		ms = (ms + n - 1) / n;
		pause_ms = !given || ms > pause_ms ? ms : pause_ms;
		given = true;
	}
	row_out_put(b, "park", domain);
	compile_put(b, "park");
	buf_str(b, "for id in $(postqueue -p | awk '$7 ~ /@");
	pattern_put(b, domain);
	buf_fmt(b,
		"$/ {gsub(/[*!]/, \"\", $1); print $1}' | tac); do postqueue -i $id; sleep "
		"%ld.%03ld; done\n",
		pause_ms / 1000, pause_ms % 1000);
}

static void
postfix_by_hand(const struct cfg *cfg, const struct effect *e, struct buf *b)
{
	const char *domain = strchr(e->resource, ' ');

	if (e->dir == CONN_FENCE || domain == NULL) {
		buf_fmt(b, "# nothing to type on %s: a fence is ferryman's own\n",
			cfg_str(cfg, "host"));
		return;
	}
	domain++;
	buf_fmt(b, "# on %s, as %s or root:\n", cfg_str(cfg, "host"), cfg_str(cfg, "user"));
	if (text_starts(e->resource, "relay.route "))
		route_by_hand(domain, e->want, b);
	else if (text_eq(e->want, "parked\n"))
		row_in_put(b, "park", domain, "park:unix:private/parked-by-ferryman");
	else {
		if (text_starts(e->resource, "relay.park "))
			buf_str(b,
				"# only when receivers take mail again: by the primary's way what "
				"they refuse comes back\n");
		release_by_hand(domain, e->options, b);
	}
}

/* --- setup --- */

static const char setup_text[] =
	"# 1. A plain account for the helper. It gets no sudo and no password.\n"
	"useradd --system --create-home --home-dir " HELPER_HOME " --shell /bin/sh USER\n"
	"usermod --password '*' USER\n"
	"chmod 755 " HELPER_HOME "\n"
	"# 2. The helper: the file ferryman-relay that was built beside ferryman, copied here.\n"
	"install -D -m 755 ferryman-relay " HELPER "\n"
	"# 3. ferryman's key may start the helper and nothing else. Its public half: ssh-keygen -y "
	"-f KEY\n"
	"install -d -m 700 -o USER -g USER " HELPER_HOME "/.ssh\n"
	"echo 'restrict,command=\"" HELPER "\" PUBLIC-KEY' > " HELPER_HOME "/.ssh/authorized_keys\n"
	"chown USER:USER " HELPER_HOME "/.ssh/authorized_keys\n"
	"# 4. State and empty maps; they must be there before main.cf names them.\n"
	"runuser -u USER -- " HELPER " init\n"
	"# 5. What must not bounce when we are refused: all but a recipient's own fault "
	"waits (RFC 3463 codes).\n"
	"echo '/^5(?!\\.(?:1\\.(?:[0-6]|10)|2\\.[0-9]+|3\\.4) )(\\.[0-9]+\\.[0-9]+ .*)/ 4$1' > "
	"/etc/postfix/ferryman-filter\n"
	"# 6. The transports. park leads to a socket that must never exist; release and release0 "
	"go only by request.\n"
	"#    /etc/postfix/ferryman-sasl holds one line: [RELAY]:587 user:password (mode 600, then "
	"postmap lmdb:...).\n"
	"#    Debian: apt-get install postfix-lmdb postfix-pcre libsasl2-modules (without the last "
	"Postfix cannot sign in).\n"
	"postconf -M 'park/unix=park unix - - n - - lmtp -o syslog_name=postfix/park'\n"
	"for t in TRANSPORT release; do postconf -M \"$t/unix=$t unix - - n - - smtp -o "
	"syslog_name=postfix/$t"
	" -o smtp_tls_security_level=secure -o smtp_sasl_auth_enable=yes -o "
	"smtp_sasl_security_options=noanonymous"
	" -o smtp_sasl_password_maps=lmdb:/etc/postfix/ferryman-sasl -o "
	"smtp_delivery_status_filter=pcre:/etc/postfix/ferryman-filter\"; done\n"
	"#    release0 lets go by the primary's way, and must not bounce either while receivers "
	"still "
	"refuse.\n"
	"postconf -M 'release0/unix=release0 unix - - n - - smtp -o syslog_name=postfix/release0"
	" -o smtp_delivery_status_filter=pcre:/etc/postfix/ferryman-filter'\n"
	"# 7. The tables. What stands in these two parameters already comes first (pinned senders) "
	"and is kept.\n"
	"postconf sender_dependent_default_transport_maps defer_transports delay_warning_time > "
	"/etc/postfix/ferryman-before\n"
	"S='randmap:{s01,s02,s03,s04,s05,s06,s07,s08,s09,s10,s11,s12,s13,s14,s15,s16,s17,s18,s19,"
	"s20}'\n"
	"M=lmdb:" HELPER_HOME "/maps\n"
	"postconf -e \"defer_transports = $(postconf -h defer_transports) park release release0\"\n"
	"postconf -e \"sender_dependent_default_transport_maps = $(postconf -h "
	"sender_dependent_default_transport_maps)"
	" $M/park, pipemap:{$M/domains, $S, $M/slots}, pipemap:{$M/domains2, $S, $M/slots2}\"\n"
	"# Senders of mail that waits are told so after an hour, once, unless you have set a time "
	"already.\n"
	"[ \"$(postconf -h delay_warning_time)\" != 0h ] || postconf -e delay_warning_time=1h\n"
	"postfix reload\n"
	"# 8. Shelters end in time also after a reboot.\n"
	"echo '*/5 * * * * USER " HELPER " tick' > /etc/cron.d/ferryman-relay\n"
	"# 9. The host key for the playbook (host_key), read on the relay itself:\n"
	"cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub\n"
	"\n"
	"# What the account can do then: write " HELPER_HOME
	", list the queue and ask for the delivery of one message\n"
	"# (postqueue -j, -i; if authorized_mailq_users or authorized_flush_users is set, USER "
	"must be in both).\n"
	"# Company-internal mail: keep your own domains in transport_maps; those entries win over "
	"all of this.\n"
	"\n"
	"# To remove it: bring the mail home (ferryman failback), and see that maps/park and "
	"maps/domains are empty.\n"
	"while read -r line; do postconf -e \"$line\"; done < /etc/postfix/ferryman-before\n"
	"postconf -MX park/unix release/unix release0/unix TRANSPORT/unix\n"
	"postfix reload\n"
	"rm -r /usr/local/lib/ferryman /etc/cron.d/ferryman-relay /etc/postfix/ferryman-filter "
	"/etc/postfix/ferryman-before "
	"/etc/postfix/ferryman-sasl*\n"
	"userdel --remove USER\n";

static void
setup_word(struct buf *b, const char **at, const char *mark, const char *word, bool *hit)
{
	if (!*hit && text_starts(*at, mark)) {
		buf_str(b, word);
		*at += strlen(mark);
		*hit = true;
	}
}

static void
postfix_setup(const struct cfg *cfg, const char *playbook, struct buf *b)
{
	const char *transport = cfg_str(cfg, "transport");

	buf_fmt(b,
		"# ferryman, playbook %s: set up the relay %s. Type these as root on it, once.\n",
		playbook, cfg_str(cfg, "host"));
	for (const char *at = setup_text; *at != '\0';) {
		bool hit = false;
		setup_word(b, &at, "USER", cfg_str(cfg, "user"), &hit);
		setup_word(b, &at, "TRANSPORT",
			transport != NULL ? transport : "PATH-OF-THE-PLAYBOOK", &hit);
		if (!hit)
			buf_char(b, *at++);
	}
}

const struct connector postfix_connector = {
	.info = { .name = "postfix",
		.fence = FENCE_F,
		.caps = CAP_RELAY_ROUTE | CAP_RELAY_PARK | CAP_RELAY_QUEUE | CAP_MARKER_ONLY,
		.schema = rows,
		.domain_key = "host" },
	.open = postfix_open,
	.read = postfix_read,
	.apply = postfix_apply,
	.by_hand = postfix_by_hand,
	.setup = postfix_setup,
	.selftest = postfix_selftest,
	.cancel = postfix_cancel,
	.close = postfix_close,
};
