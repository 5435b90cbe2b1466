/*
 * fuzz_records.c - what somebody has written into a zone: record sets as canonical text, SPF, the
 * epoch record. An input's first line is a resource ("dns.rrset corp.example TXT"). Each line
 * behind it is a record as an answer has it, "TTL TEXT" or "TTL PREFERENCE HOST"; or, behind "= ",
 * a line of a canonical value as it stands.
 */
/* parser: connectors/dns/rrset.c */
/* parser: orchestrator/mail/rrtext.c */
/* parser: orchestrator/mail/spf.c */
#include "dns/rrset.h"
#include "fuzz/fuzz.h"
#include "mail/rrtext.h"
#include "mail/spf.h"
#include "os/stdmem.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const terms[] = { "ip4:203.0.113.65", "+include:spf.relay.example" };
enum { TERMS = sizeof terms / sizeof *terms, RECORDS = 80 };

/* What was added is there, what was removed is not, and both can be read. */
static void
spf(const char *text)
{
	struct buf more, less;
	struct err err = { 0 };
	bool is = spf_check(text, &err) == RC_OK;

	if (is != (err.text[0] == '\0') || spf_lookups(text) < 0 || (is && !spf_is(text)))
		abort();
	buf_init(&more, &stdmem, 65536);
	buf_init(&less, &stdmem, 65536);
	if (spf_add(text, terms, TERMS, &more, &err) == RC_OK) {
		for (size_t i = 0; i < TERMS; i++)
			if (!is || !spf_has(buf_text(&more), terms[i]))
				abort();
		if (spf_remove(buf_text(&more), terms, TERMS, &less, &err) != RC_OK ||
			spf_check(buf_text(&less), &err) != RC_OK)
			abort();
		for (size_t i = 0; i < TERMS; i++)
			if (spf_has(buf_text(&less), terms[i]))
				abort();
	}
	buf_fini(&more);
	buf_fini(&less);
}

static void
txt(const struct rrset_record *r, const char *line, size_t n)
{
	struct buf octets, again;

	buf_init(&octets, &stdmem, RRSET_VALUE_MAX);
	buf_init(&again, &stdmem, RRSET_VALUE_MAX * 4);
	if (!rrtext_txt_unescape(line, n, &octets) || octets.len != r->n ||
		memcmp(buf_text(&octets), r->data, r->n) != 0)
		abort();
	rrtext_txt_escape(&again, r->data, r->n);
	if (again.len != n || memcmp(buf_text(&again), line, n) != 0)
		abort();
	if (memchr(r->data, 0, r->n) == NULL)
		spf(r->data);
	buf_fini(&octets);
	buf_fini(&again);
}

/* Two readers of the same text: what the connector takes the planner takes, and means the same. */
static void
value_read(const char *value, int type)
{
	struct rrset set;
	struct rrtext text;
	struct err err = { 0 };
	struct buf out;
	char store[33] = "", again[128];
	uint64_t lsn;
	bool odd, plain = rrtext_read(value, &text);

	if (rrset_marker_read(value, store, &lsn, &odd)) {
		(void)snprintf(again, sizeof again, "\ntxt store=%s lsn=%" PRIu64 "\n", store, lsn);
		if (odd || strchr(value, '\n') == NULL || strcmp(strchr(value, '\n'), again) != 0)
			abort();
	}
	if (rrset_read(&set, value, type, &err) == RC_OK) {
		if (!plain || text.n != set.n || text.ttl != set.ttl)
			abort();
		for (size_t i = 0; i < set.n && type == DNS_TXT; i++)
			txt(&set.record[i], text.line[i] + 4, text.len[i] - 4);
	} else if (err.text[0] == '\0') {
		abort();
	}
	buf_init(&out, &stdmem, RRSET_VALUE_MAX * 4);
	if (plain) {
		rrtext_put(&out, &text);
		if (!rrtext_read(buf_text(&out), &text))
			abort();
		for (size_t i = 0; i < text.n; i++) {
			buf_reset(&out);
			(void)rrtext_txt_unescape(text.line[i], text.len[i], &out);
		}
	}
	buf_fini(&out);
	rrset_fini(&set);
}

struct answer {
	struct dns_rr rr[RECORDS];
	size_t n;
};

static void
record(struct answer *a, const char *name, int type, const char *line, size_t n)
{
	char *text = fuzz_text(line, n), *rest;
	unsigned long ttl = strtoul(text, &rest, 10);
	int preference = type == DNS_MX ? (int)(strtoul(rest, &rest, 10) & 0xffff) : 0;

	rest += *rest == ' ';
	n -= (size_t)(rest - text);
	if (a->n < RECORDS)
		a->rr[a->n++] = (struct dns_rr){ .section = DNS_ANSWER,
			.name = name,
			.type = type,
			.ttl = (uint32_t)ttl,
			.text = fuzz_text(rest, n),
			.text_n = n,
			.preference = preference };
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *at = (const char *)data, *end = at + n, *line;
	struct answer *a = stdmem_get(sizeof *a);
	struct rrset_name name;
	struct buf value, raw;
	struct err err = { 0 };
	char *resource;
	size_t len;
	bool fits;

	if (!fuzz_line(&at, end, &line, &len))
		len = 0;
	resource = fuzz_text(n > 0 ? line : "", len);
	if (rrset_name_read(&name, resource, "corp.example", &err) != RC_OK) {
		if (err.text[0] == '\0')
			abort();
		name = (struct rrset_name){ "corp.example", DNS_TXT };
	}
	buf_init(&value, &stdmem, RRSET_VALUE_MAX * 8);
	buf_init(&raw, &stdmem, RRSET_VALUE_MAX);
	while (fuzz_line(&at, end, &line, &len)) {
		if (len >= 2 && memcmp(line, "= ", 2) == 0 && memchr(line, 0, len) == NULL) {
			buf_add(&raw, line + 2, len - 2);
			buf_str(&raw, line + len < end ? "\n" : "");
		} else {
			record(a, name.name, name.type, line, len);
		}
	}
	fits = rrset_put(&value, name.name, name.type, a->rr, a->n);
	if (!fits && a->n <= RRSET_RECORDS_MAX)
		abort();
	value_read(buf_text(&value), name.type);
	value_read(buf_text(&raw), name.type);
	for (size_t i = 0; i < a->n; i++)
		free((char *)a->rr[i].text);
	buf_fini(&value);
	buf_fini(&raw);
	free(resource);
	free(a);
	return 0;
}
