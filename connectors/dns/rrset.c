/* rrset.c - record sets as canonical text, so that equal sets are equal bytes and a diff can be
 * read by people. */
#include "base/num.h"
#include "base/text.h"
#include "dns/rrset.h"
#include "os/stdmem.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
octets_put(struct buf *b, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c == '\\' || c < 0x20 || c >= 0x7f)
			buf_fmt(b, "\\%03u", c);
		else
			buf_char(b, (char)c);
	}
}

static int
by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

bool
rrset_put(struct buf *b, const char *name, int type, const struct dns_rr *rr, size_t n)
{
	char *line[RRSET_RECORDS_MAX];
	uint32_t ttl = UINT32_MAX;
	size_t lines = 0;
	bool fits = true;

	for (size_t i = 0; i < n && fits; i++) {
		struct buf l;

		if (rr[i].section != DNS_ANSWER || rr[i].type != type || !text_eq(rr[i].name, name))
			continue;
		fits = lines < RRSET_RECORDS_MAX;
		if (!fits)
			break;
		ttl = rr[i].ttl < ttl ? rr[i].ttl : ttl;
		buf_init(&l, &stdmem, RRSET_VALUE_MAX * 4);
		if (type == DNS_MX) {
			buf_fmt(&l, "mx %d %s", rr[i].preference,
				rr[i].text[0] != '\0' ? rr[i].text : ".");
		} else {
			buf_str(&l, "txt ");
			octets_put(&l, rr[i].text, rr[i].text_n);
		}
		line[lines++] = stdmem_str(buf_text(&l));
		buf_fini(&l);
	}
	if (lines > 0) {
		qsort(line, lines, sizeof *line, by_bytes);
		buf_fmt(b, "ttl %" PRIu32 "\n", ttl);
	}
	for (size_t i = 0; i < lines; i++) {
		if (i == 0 || strcmp(line[i], line[i - 1]) != 0)
			buf_fmt(b, "%s\n", line[i]);
	}
	for (size_t i = 0; i < lines; i++)
		free(line[i]);
	return fits;
}

static bool
octets_read(const char *p, size_t n, struct rrset_record *r)
{
	r->data = stdmem_get(n + 1);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c == '\\') {
			if (n - i < 4 || !isdigit((unsigned char)p[i + 1]) ||
				!isdigit((unsigned char)p[i + 2]) ||
				!isdigit((unsigned char)p[i + 3]))
				return false;
			int v = (p[i + 1] - '0') * 100 + (p[i + 2] - '0') * 10 + (p[i + 3] - '0');
			/* Canonical: only what must be written so is. */
			if (v > 255 || (v >= 0x20 && v < 0x7f && v != '\\'))
				return false;
			r->data[r->n++] = (char)v;
			i += 3;
		} else if (c < 0x20 || c >= 0x7f) {
			return false;
		} else {
			r->data[r->n++] = (char)c;
		}
	}
	return true;
}

/* Lower case letters, digits, hyphens, underscores; labels of 1 to 63, at most 253 octets (RFC
 * 1035 2.3.4). */
static bool
host_ok(const char *s, size_t n)
{
	size_t label = 0;

	if (n == 0 || n > 253)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '.') {
			if (label == 0)
				return false;
			label = 0;
		} else if (islower((unsigned char)s[i]) || isdigit((unsigned char)s[i]) ||
			   s[i] == '-' || s[i] == '_') {
			if (++label > 63)
				return false;
		} else {
			return false;
		}
	}
	return label > 0;
}

static bool
line_read(const char *line, size_t n, int type, struct rrset_record *r)
{
	if (type == DNS_TXT)
		return n >= 4 && strncmp(line, "txt ", 4) == 0 && octets_read(line + 4, n - 4, r);
	const char *blank = n > 3 ? memchr(line + 3, ' ', n - 3) : NULL;
	char digits[8];
	int64_t v;
	if (blank == NULL || strncmp(line, "mx ", 3) != 0 || blank - line > 8)
		return false;
	(void)snprintf(digits, sizeof digits, "%.*s", (int)(blank - line - 3), line + 3);
	if (!num_int(digits, &v) || v < 0 || v > 65535)
		return false;
	r->preference = (int)v;
	r->n = n - (size_t)(blank + 1 - line);
	r->data = stdmem_get(r->n + 1);
	memcpy(r->data, blank + 1, r->n);
	/* A null MX (RFC 7505) says that there is no mail here: never one of ours. */
	return host_ok(r->data, r->n);
}

enum rc
rrset_read(struct rrset *ret, const char *value, int type, struct err *err)
{
	const char *at = value, *line, *before = NULL;
	size_t n, before_n = 0;
	char digits[16];
	int64_t ttl;

	*ret = (struct rrset){ 0 };
	if (*value == '\0')
		return RC_OK;
	if (!text_ends(value, "\n") || !text_line(&at, &line, &n) || n < 5 || n > 15 ||
		strncmp(line, "ttl ", 4) != 0)
		return err_set(
			err, RC_INVALID, "a record set begins with \"ttl N\" and each line ends");
	(void)snprintf(digits, sizeof digits, "%.*s", (int)(n - 4), line + 4);
	if (!num_int(digits, &ttl) || ttl < 0 || ttl > INT32_MAX) /* RFC 2181 section 8 */
		return err_set(err, RC_INVALID, "\"%s\" is no TTL", digits);
	ret->ttl = (uint32_t)ttl;
	ret->record = stdmem_get(RRSET_RECORDS_MAX * sizeof *ret->record);
	while (text_line(&at, &line, &n)) {
		if (ret->n == RRSET_RECORDS_MAX)
			return err_set(err, RC_LIMIT, "more than %d records", RRSET_RECORDS_MAX);
		if (!line_read(line, n, type, &ret->record[ret->n++]))
			return err_set(err, RC_INVALID, "\"%.*s\" is no %s record here",
				(int)(n < 200 ? n : 200), line, dns_type_name(type));
		int order = before == NULL ? 1 : memcmp(line, before, n < before_n ? n : before_n);
		if (order < 0 || (order == 0 && n <= before_n))
			return err_set(err, RC_INVALID, "records are not in order, or twice there");
		before = line;
		before_n = n;
	}
	return ret->n > 0 ? RC_OK : err_set(err, RC_INVALID, "a record set without a record");
}

void
rrset_fini(struct rrset *s)
{
	for (size_t i = 0; s->record != NULL && i < s->n; i++)
		free(s->record[i].data);
	free(s->record);
	*s = (struct rrset){ 0 };
}

enum rc
rrset_name_read(struct rrset_name *ret, const char *resource, const char *zone, struct err *err)
{
	char name[256], type[16], more;

	if (sscanf(resource, "dns.rrset %255s %15s%c", name, type, &more) != 2)
		return err_set(err, RC_INVALID, "\"%s\" is no resource here: dns.rrset NAME TYPE",
			resource);
	if (!host_ok(name, strlen(name)))
		return err_set(err, RC_INVALID, "\"%s\" is no name in lower case", name);
	ret->type = dns_type_parse(type);
	if (ret->type != DNS_MX && ret->type != DNS_TXT)
		return err_set(err, RC_UNSUPPORTED,
			"type %s is not changed by ferryman: MX and TXT are", type);
	size_t n = strlen(name), z = strlen(zone);
	if (!text_ends(name, zone) || (n > z && name[n - z - 1] != '.'))
		return err_set(err, RC_INVALID, "%s does not lie in zone %s", name, zone);
	(void)snprintf(ret->name, sizeof ret->name, "%s", name);
	return RC_OK;
}

bool
rrset_marker_read(const char *value, char ret_store[33], uint64_t *ret_lsn, bool *ret_odd)
{
	char store[33], again[80];
	struct rrset s;
	uint64_t lsn;
	bool ours = rrset_read(&s, value, DNS_TXT, NULL) == RC_OK && s.n == 1 &&
		    sscanf(s.record[0].data, "store=%32[0-9a-f] lsn=%" SCNu64, store, &lsn) == 2;

	if (ours) { /* a number has one spelling: the record is a prerequisite as it stands */
		(void)snprintf(again, sizeof again, "store=%s lsn=%" PRIu64, store, lsn);
		ours = strlen(store) == 32 && strlen(again) == s.record[0].n &&
		       strcmp(again, s.record[0].data) == 0;
	}
	if (ours) {
		memcpy(ret_store, store, sizeof store);
		*ret_lsn = lsn;
	}
	rrset_fini(&s);
	*ret_odd = !ours && *value != '\0';
	return ours;
}
