/*
 * fuzz_dns.c - answers of DNS servers, to questions and to updates. The first octet of an input
 * says what was asked (see `asks`; 0x80: a signed update, 0x81: an unsigned one, then the answer
 * has its length in front as in TCP), the others are the answer as it came. The id of a question's
 * answer is put right first: guessing it is not the parser's business.
 */
/* parser: connectors/net/dns.c */
/* parser: connectors/net/dnsupdate.c tsig_error plain_refusal judge on_block on_stream finish tell
 */
#include "fuzz/fake_net.h"
#include "fuzz/fuzz.h"
#include "net/dns.h"
#include "net/dnsupdate.h"

static const int asks[] = { DNS_A, DNS_NS, DNS_CNAME, DNS_SOA, DNS_PTR, DNS_MX, DNS_TXT, DNS_AAAA };
static bool told;

/* Every octet that a row claims is there. */
static void
on_answer(void *ctx, const struct dns_result *r)
{
	unsigned sum = 0;

	(void)ctx;
	if (told || r->why == NULL)
		abort();
	told = true;
	for (size_t i = 0; i < r->rr_n; i++) {
		const struct dns_rr *rr = &r->rr[i];

		for (size_t k = 0; k < rr->text_n; k++)
			sum += (unsigned char)rr->text[k];
		for (size_t k = 0; k < rr->strings_n;
			k += 1 + (size_t)(unsigned char)rr->strings[k])
			sum++;
		for (const char *c = rr->name; *c != '\0'; c++)
			if (*c >= 'A' && *c <= 'Z')
				abort();
		if (rr->text[rr->text_n] != '\0' || dns_type_name(rr->type)[0] == '\0')
			abort();
	}
	if (r->end == DNS_ANSWERED && dns_rcode_name(r->rcode)[0] == '\0' && sum > 0)
		abort();
}

static void
on_update(void *ctx, const struct dnsupdate_result *r)
{
	if (told || r->why == NULL)
		abort();
	told = true;
	/* No input holds a signature with our key: the fuzzer does not know it. */
	if (*(const bool *)ctx && r->authentic)
		abort();
}

static void
question(struct net *net, const uint8_t *data, size_t n)
{
	const struct dns_ask ask = { .name = "corp.example",
		.type = asks[data[0] % (sizeof asks / sizeof asks[0])],
		.server = data[0] % 16 < 8 ? "192.0.2.53" : NULL,
		.deadline_ms = 5000 };
	struct fake_request rq;
	unsigned char *wire;

	(void)dns_query_start(net, &ask, on_answer, NULL);
	if (n > 1 && fake_asked(&rq)) {
		wire = (unsigned char *)fuzz_text(data + 1, n - 1);
		memcpy(wire, rq.id, n > 2 ? 2 : 1);
		rq.chan(rq.ctx, wire, n - 1, NULL);
		free(wire);
	} else if (fake_asked(&rq)) {
		rq.chan(rq.ctx, NULL, 0, "nothing came");
	}
	fake_pass_all();
}

static void
update(struct net *net, const uint8_t *data, size_t n)
{
	const struct dnsupdate_rr rr[] = {
		{ .kind = DNSUPDATE_REQUIRE_NONE,
			.name = "_ferryman.corp.example",
			.type = DNS_TXT },
		{ .kind = DNSUPDATE_ADD,
			.name = "corp.example",
			.type = DNS_TXT,
			.ttl = 60,
			.data = "v=spf1 -all",
			.data_n = 11 },
	};
	struct secret *key = secret_new("bm90IGEgc2VjcmV0IGtleSE=", 24);
	bool with_key = data[0] == 0x80;
	const struct dnsupdate u = { .server = "192.0.2.53",
		.zone = "corp.example",
		.rr = rr,
		.rr_n = 2,
		.key_name = with_key ? "ferryman" : NULL,
		.key_algorithm = "hmac-sha256",
		.key = with_key ? key : NULL,
		.fudge_s = 300,
		.deadline_ms = 5000 };

	(void)dnsupdate_start(net, &u, on_update, &with_key);
	fake_peer((const char *)data + 1, n - 1);
	fake_pass_all();
	secret_free(&key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct net *net = fake_net();
	char name[300];

	if (n == 0)
		return 0;
	told = false;
	if (data[0] >= 0x80)
		update(net, data, n);
	else
		question(net, data, n);
	if (!told)
		abort();
	fake_net_end();
	char *text = fuzz_text(data, n < 100 ? n : 100);
	(void)dns_reverse(text, "bl.example", name, sizeof name);
	(void)dns_type_parse(text);
	free(text);
	return 0;
}
