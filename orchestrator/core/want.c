/* want.c - the values that a plan wants: routes, the tenant's connector, SPF and MX sets. */
#include "base/text.h"
#include "core/planning.h"
#include "base/planted.h"
#include "mail/rrtext.h"
#include "mail/spf.h"

#include <string.h>

enum { VALUE_MAX = 64 * 1024, DEFAULT_TTL = 300, EXCEPT_MAX = 256 };

static const char *
keep(struct planning *p, struct buf *b)
{
	const char *s = arena_str(p->a, buf_text(b));

	if (buf_failed(b) || s == NULL) {
		(void)err_set(p->err, RC_NOMEM, "out of memory");
		s = NULL;
	}
	return s;
}

int64_t
rrset_ttl_ms(const char *value)
{
	struct rrtext r;

	return rrtext_read(value, &r) ? r.ttl * 1000 : 0;
}

const char *
want_route(struct planning *p, const struct target *t, const struct path *to, int64_t backup_bp)
{
	const char *transport = planning_key(t, "transport");

	if (backup_bp == 0)
		return "";
	if (to->relay.host == NULL) {
		(void)err_set(p->err, RC_INVALID,
			"path %s has no relay.host: where should %s send to?", to->name, t->name);
		return NULL;
	}
	return arena_fmt(p->a, "next %s:%s\nshare %lld\n", transport != NULL ? transport : to->name,
		to->relay.host, (long long)(backup_bp / 100));
}

/* Cohorts that have returned by this share stay on the primary: they are exceptions of the
 * connector's rule. */
const char *
want_connector(struct planning *p, const struct target *t, int64_t primary_bp)
{
	const char *who[EXCEPT_MAX];
	size_t n = 0;
	struct buf b;

	if (primary_bp >= 10000)
		return "";
	for (size_t i = 0; cfg_row(t->cfg, "cohorts") != NULL && i < cfg_len(t->cfg, "cohorts");
		i++) {
		const struct cfg *c = cfg_map_at(t->cfg, "cohorts", i);

		if (cfg_int(c, "share") > primary_bp)
			continue;
		for (size_t k = 0; k < cfg_len(c, "from"); k++) {
			const char *one = cfg_str_at(c, "from", k);
			size_t at = n++;

			if (n > EXCEPT_MAX) {
				(void)err_set(p->err, RC_LIMIT,
					"%s: more than %d people in the cohorts that come back "
					"first",
					t->name, EXCEPT_MAX);
				return NULL;
			}
			for (; at > 0 && strcmp(who[at - 1], one) > 0; at--)
				who[at] = who[at - 1];
			who[at] = one;
		}
	}
	buf_init(&b, p->mem, VALUE_MAX);
	buf_str(&b, "enabled\n");
	for (size_t i = 0; i < n; i++)
		if (i == 0 || !text_eq(who[i], who[i - 1]))
			buf_fmt(&b, "except %s\n", who[i]);
	return keep(p, &b);
}

static void
not_canonical(struct planning *p, const char *type, const char *domain)
{
	(void)err_set(
		p->err, RC_INVALID, "the %s records of %s are not in canonical form", type, domain);
}

/* The one v=spf1 record among the TXT records; -1 = none, -2 = several (RFC 7208 section 4.5). */
static int
find_spf(const struct rrtext *r)
{
	int at = -1;

	for (size_t i = 0; i < r->n; i++) {
		if (r->len[i] < 10 || memcmp(r->line[i], "txt v=spf1", 10) != 0 ||
			(r->len[i] > 10 && r->line[i][10] != ' '))
			continue;
		if (at >= 0)
			return -2;
		at = (int)i;
	}
	return at;
}

const char *
want_spf(
	struct planning *p, const char *domain, const char *base, const struct path *path, bool add)
{
	struct rrtext r;
	struct buf old, new, line, set;
	char *text;
	enum rc rc;
	int at;

	if (!rrtext_read(base, &r)) {
		not_canonical(p, "TXT", domain);
		return NULL;
	}
	at = find_spf(&r);
	if (at < 0) {
		(void)err_set(p->err, RC_INVALID,
			at == -1 ? "%s has no v=spf1 record: publish one in peace time, then plan "
				   "again"
				 : "%s has more than one v=spf1 record, which receivers treat as "
				   "none (RFC 7208 section 4.5)",
			domain);
		return NULL;
	}
	buf_init(&old, p->mem, VALUE_MAX);
	buf_init(&new, p->mem, VALUE_MAX);
	buf_init(&line, p->mem, VALUE_MAX);
	buf_init(&set, p->mem, VALUE_MAX);
	text = arena_strn(p->a, r.line[at] + 4, r.len[at] - 4);
	if (text == NULL)
		return NULL;
	if (!rrtext_txt_unescape(text, strlen(text), &old)) {
		not_canonical(p, "TXT", domain);
		return NULL;
	}
	rc = add ? spf_add(buf_text(&old), path->spf, path->spf_n, &new, p->err)
		 : spf_remove(buf_text(&old), path->spf, path->spf_n, &new, p->err);
	if (rc != RC_OK) {
		(void)err_prefix(p->err, "the SPF record of %s", domain);
		return NULL;
	}
	buf_str(&line, "txt ");
	rrtext_txt_escape(&line, buf_text(&new), new.len);
	r.line[at] = buf_text(&line);
	r.len[at] = line.len;
	rrtext_put(&set, &r);
	return keep(p, &set);
}

const char *
want_mx(struct planning *p, const char *domain, const char *base, const struct path *path)
{
	struct rrtext r, new = { 0 };
	struct buf set;

	if (!rrtext_read(base, &r)) {
		not_canonical(p, "MX", domain);
		return NULL;
	}
	new.ttl = r.n > 0 ? r.ttl : DEFAULT_TTL;
	for (size_t i = 0; i < path->inbound.mx_n && new.n < RRTEXT_MAX; i++) {
		const char *line = arena_fmt(
			p->a, "mx %d %s", path->inbound.mx[i].preference, path->inbound.mx[i].host);

		if (line == NULL)
			return NULL;
		new.line[new.n] = line;
		new.len[new.n++] = strlen(line);
	}
	if (new.n == 0) {
		(void)err_set(p->err, RC_INVALID,
			"path %s has no inbound.mx: an MX set is never made empty", path->name);
		return NULL;
	}
	if (PLANTED(EMPTY_SET))
		new.n = 0;
	buf_init(&set, p->mem, VALUE_MAX);
	rrtext_put(&set, &new);
	return keep(p, &set);
}
