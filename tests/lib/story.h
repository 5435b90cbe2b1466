/*
 * story.h - the story of May 2012 in small, as records written by hand: signals, a diagnosis, a
 * shelter, a question, an approval, a cut-over that is done. Numbers of records are those of the
 * rows, from 1. Expectations of tests are counted from here.
 */
#ifndef FERRYMAN_TESTS_STORY_H
#define FERRYMAN_TESTS_STORY_H

#include "base/buf.h"
#include "core/record.h"

#include <stdlib.h>
#include <string.h>

#define STORY_T0 1337083200000ll /* 2012-05-15T12:00:00Z */
#define STORY_HASH "1111111111111111111111111111111111111111111111111111111111111111"
#define STORY_PLAN                                                                                 \
	"{\"steps\":["                                                                             \
	"{\"id\":\"1\",\"name\":\"let receivers accept the relay\",\"kind\":\"spf.authorize\","    \
	"\"target\":\"zone\",\"resource\":\"dns.rrset corp.example TXT\",\"base\":\"ttl 300\\n"    \
	"v=spf1 include:spf.cloud.example -all\\n\",\"want\":\"ttl 300\\nv=spf1 "                  \
	"include:spf.cloud.example ip4:203.0.113.65 -all\\n\",\"undo\":\"\",\"options\":\"\","     \
	"\"production\":false,\"pivot\":false,\"wait\":0,\"deadline\":60000,\"retries\":3},"       \
	"{\"id\":\"2\",\"name\":\"wait until they can see it\",\"kind\":\"wait.published\","       \
	"\"target\":\"zone\",\"resource\":\"dns.rrset corp.example TXT\",\"base\":\"\",\"want\":"  \
	"\"\",\"undo\":\"\",\"options\":\"\",\"production\":false,\"pivot\":false,\"wait\":5000,"  \
	"\"deadline\":60000,\"retries\":3},"                                                       \
	"{\"id\":\"4.hub\",\"name\":\"send through the relay\",\"kind\":\"outbound.switch\","      \
	"\"target\":\"hub\",\"resource\":\"relay.route corp.example\",\"base\":\"\",\"want\":"     \
	"\"next nsmail:[relay.nsmail.example]:587\\nshare 100\\n\",\"undo\":\"\",\"options\":"     \
	"\"\",\"production\":false,\"pivot\":true,\"wait\":0,\"deadline\":20000,\"retries\":3},"   \
	"{\"id\":\"5.hub\",\"name\":\"let go what waited\",\"kind\":\"queue.release\","            \
	"\"target\":\"hub\",\"resource\":\"relay.queue corp.example\",\"base\":\"\",\"want\":"     \
	"\"state open\\n\",\"undo\":\"\",\"options\":\"rate 10/1000\\n\",\"production\":false,"    \
	"\"pivot\":false,\"wait\":0,\"deadline\":60000,\"retries\":3},"                            \
	"{\"id\":\"6\",\"name\":\"prove it\",\"kind\":\"verify.canary\",\"through\":\"nsmail\","   \
	"\"production\":true,\"pivot\":false,\"wait\":0,\"deadline\":60000,\"retries\":3}]}"
#define STORY_EVIDENCE                                                                             \
	"{\"blind\":null,\"groups_bad\":2,\"groups_wanted\":2,\"receivers_bad\":2,\"share_bp\":"   \
	"6600,\"met_ms\":1000,\"cells\":["                                                         \
	"{\"signal\":\"gateway-lists\",\"subject\":\"198.51.100.25\",\"group\":\"reputation\","    \
	"\"path\":\"cloud\",\"health\":\"bad\",\"harm\":false,\"bad\":3,\"known\":3,\"age_ms\":"   \
	"10,\"why\":\"listed\"},"                                                                  \
	"{\"signal\":\"canary-gw1\",\"subject\":\"rcpt1\",\"group\":\"delivery\",\"path\":"        \
	"\"cloud\",\"health\":\"bad\",\"harm\":true,\"bad\":2,\"known\":3,\"age_ms\":10,\"why\":"  \
	"\"554 5.7.1 refused\"},"                                                                  \
	"{\"signal\":\"canary-gw1\",\"subject\":\"rcpt3\",\"group\":\"delivery\",\"path\":"        \
	"\"cloud\",\"health\":\"ok\",\"harm\":false,\"bad\":0,\"known\":3,\"age_ms\":10,\"why\":"  \
	"\"delivered\"}]}"
#define STORY_OF "\"playbook\":\"outbound\",\"flow\":\"outbound\""

#define STORY_BACK                                                                                 \
	"{\"steps\":[{\"id\":\"b1.hub\",\"name\":\"100 % "                                         \
	"back\",\"kind\":\"outbound.switch\",\"target\":\"hub\",\"resource\":\"relay.route "       \
	"corp.example\","                                                                          \
	"\"base\":\"share "                                                                        \
	"100\\n\",\"want\":\"\",\"pivot\":true,\"wait\":0,\"deadline\":20000},{\"id\":\"b2\","     \
	"\"name\":\"prove it\",\"kind\":\"verify.canary\","                                        \
	"\"production\":true,\"pivot\":false,\"wait\":0,\"deadline\":60000}]}"

struct story_row {
	int64_t ms; /* after STORY_T0 */
	enum record_type type;
	const char *run, *body;
};

/* The story of May 2012 in small; the numbers of the records are those of the rows, from 1. */
static const struct story_row story[] = {
	{ 0, REC_OPENED, "", "{\"mode\":\"watch\",\"fresh\":true}" },
	{ 10, REC_PLAYBOOK, "",
		"{\"name\":\"outbound\",\"sha256\":\"" STORY_HASH
		"\",\"file\":\"outbound.yaml\"}" },
	{ 20, REC_ROW, "",
		"{" STORY_OF
		",\"row\":100,\"event\":\"targets-on-primary\",\"from\":\"settling\",\"to\":"
		"\"normal\",\"act\":\"stay\",\"why\":\"read\",\"reasons\":[]}" },
	{ 1000, REC_SIGNAL, "",
		"{\"playbook\":\"outbound\",\"signal\":\"submission\",\"subject\":\"\",\"from\":"
		"\"unknown\",\"to\":\"ok\",\"harm\":false,\"why\":\"250 ok\"}" },
	{ 60000, REC_SIGNAL, "",
		"{\"playbook\":\"outbound\",\"signal\":\"gateway-lists\",\"subject\":\"198.51.100."
		"25\",\"from\":\"ok\",\"to\":\"bad\",\"harm\":false,\"why\":\"listed in "
		"sender.rbl.example\"}" },
	{ 80000, REC_SIGNAL, "",
		"{\"playbook\":\"outbound\",\"signal\":\"canary-gw1\",\"subject\":\"rcpt1\","
		"\"from\":\"ok\",\"to\":\"bad\",\"harm\":true,\"why\":\"554 5.7.1 refused\"}" },
	{ 80100, REC_DIAGNOSIS, "",
		"{\"playbook\":\"outbound\",\"diagnosis\":\"outbound-blocked\",\"flow\":"
		"\"outbound\",\"state\":\"met\",\"evidence\":" STORY_EVIDENCE "}" },
	{ 80200, REC_ROW, "",
		"{" STORY_OF ",\"row\":214,\"event\":\"diagnosis-met\",\"from\":\"normal\",\"to\":"
		"\"suspect\",\"act\":\"shelter\",\"why\":\"met\",\"reasons\":[\"2 of "
		"2 groups are bad\"],\"diagnosis\":\"outbound-blocked\"}" },
	{ 81000, REC_START, "s-1",
		"{" STORY_OF ",\"sha256\":\"" STORY_HASH
		"\",\"procedure\":\"shelter\",\"kind\":\"shelter\",\"plan_hash\":\"" STORY_HASH
		"\",\"plan\":{\"steps\":[{\"id\":\"1.hub\",\"name\":\"let it "
		"wait\",\"kind\":\"mail.park\",\"target\":\"hub\",\"resource\":\"relay.park "
		"corp.example\",\"base\":\"\",\"want\":\"parked\\n\",\"pivot\":false,\"wait\":0,"
		"\"deadline\":60000}]},\"by\":\"automatic\",\"reason\":\"outbound-blocked\","
		"\"overrides\":[]}" },
	{ 81100, REC_INTENT, "s-1",
		"{\"step\":\"1.hub\",\"dir\":\"do\",\"target\":\"hub\",\"playbook\":\"outbound\","
		"\"domain\":\"relay 203.0.113.10\",\"resource\":\"relay.park "
		"corp.example\",\"base\":\"\",\"want\":\"parked\\n\",\"seen_lsn\":0,\"options\":"
		"\"\",\"pivot\":false}" },
	{ 81500, REC_RESULT, "s-1",
		"{\"step\":\"1.hub\",\"dir\":\"do\",\"of\":1,\"outcome\":\"DONE\",\"why\":\"parked "
		"2, waiting 0\"}" },
	{ 81600, REC_END, "s-1", "{\"state\":\"open\",\"why\":\"the shelter stands\"}" },
	{ 380100, REC_DIAGNOSIS, "",
		"{\"playbook\":\"outbound\",\"diagnosis\":\"outbound-blocked\",\"flow\":"
		"\"outbound\",\"state\":\"confirmed\",\"evidence\":" STORY_EVIDENCE "}" },
	{ 380200, REC_ROW, "",
		"{" STORY_OF
		",\"row\":318,\"event\":\"diagnosis-confirmed\",\"from\":\"suspect\",\"to\":"
		"\"awaiting-approval\",\"act\":\"ask\",\"why\":\"held\",\"reasons\":[\"held for 5 "
		"min\"],\"diagnosis\":\"outbound-blocked\"}" },
	{ 380300, REC_PLAN, "",
		"{" STORY_OF
		",\"procedure\":\"outbound\",\"direction\":\"out\",\"plan_hash\":\"" STORY_HASH
		"\",\"purpose\":\"ask\",\"plan\":" STORY_PLAN "}" },
	{ 380400, REC_NOTIFIED, "",
		"{\"severity\":\"alarm\",\"text\":\"approval wanted\",\"outcome\":\"DONE\"}" },
	{ 440000, REC_APPROVAL, "",
		"{" STORY_OF ",\"plan_hash\":\"" STORY_HASH
		"\",\"user\":\"alice\",\"verdict\":\"approve\",\"reason\":\"receivers refuse "
		"us\",\"nonce\":\"n1\"}" },
	{ 440100, REC_ROW, "",
		"{" STORY_OF ",\"row\":428,\"event\":\"approved\",\"from\":\"awaiting-approval\","
		"\"to\":\"cutting-over\",\"act\":\"cutover\",\"why\":\"approved\","
		"\"reasons\":[],\"diagnosis\":\"outbound-blocked\"}" },
	{ 440200, REC_START, "c-1",
		"{" STORY_OF ",\"sha256\":\"" STORY_HASH
		"\",\"procedure\":\"outbound\",\"kind\":\"cutover\",\"plan_hash\":\"" STORY_HASH
		"\",\"plan\":" STORY_PLAN
		",\"by\":\"alice\",\"reason\":\"approved\",\"overrides\":[\"cooldown\"]}" },
	{ 440300, REC_ADOPT, "c-1", "{\"shelter\":\"s-1\"}" },
	{ 440400, REC_INTENT, "c-1",
		"{\"step\":\"1\",\"dir\":\"do\",\"target\":\"zone\",\"playbook\":\"outbound\","
		"\"domain\":\"zone corp.example\",\"resource\":\"dns.rrset corp.example "
		"TXT\",\"base\":\"\",\"want\":\"\",\"seen_lsn\":0,\"options\":\"\",\"pivot\":"
		"false}" },
	{ 440900, REC_RESULT, "c-1",
		"{\"step\":\"1\",\"dir\":\"do\",\"of\":2,\"outcome\":\"DONE\",\"why\":\"both "
		"servers\"}" },
	{ 446000, REC_RESULT, "c-1",
		"{\"step\":\"2\",\"dir\":\"do\",\"of\":0,\"outcome\":\"DONE\",\"why\":\"2 of 2 "
		"servers and the resolver show it\"}" },
	{ 446100, REC_INTENT, "c-1",
		"{\"step\":\"4.hub\",\"dir\":\"do\",\"target\":\"hub\",\"playbook\":\"outbound\","
		"\"domain\":\"relay 203.0.113.10\",\"resource\":\"relay.route "
		"corp.example\",\"base\":\"\",\"want\":\"\",\"seen_lsn\":1,\"options\":\"\","
		"\"pivot\":true}" },
	{ 447000, REC_RESULT, "c-1",
		"{\"step\":\"4.hub\",\"dir\":\"do\",\"of\":3,\"outcome\":\"DONE\",\"why\":\"route "
		"set\"}" },
	{ 447100, REC_INTENT, "c-1",
		"{\"step\":\"5.hub\",\"dir\":\"do\",\"target\":\"hub\",\"playbook\":\"outbound\","
		"\"domain\":\"relay 203.0.113.10\",\"resource\":\"relay.queue "
		"corp.example\",\"base\":\"\",\"want\":\"\",\"seen_lsn\":3,\"options\":\"rate "
		"10/1000\\n\",\"pivot\":false}" },
	{ 449000, REC_RESULT, "c-1",
		"{\"step\":\"5.hub\",\"dir\":\"do\",\"of\":4,\"outcome\":\"DONE\",\"why\":\"17 "
		"released, parked 0\"}" },
	{ 452000, REC_RESULT, "c-1",
		"{\"step\":\"6\",\"dir\":\"do\",\"of\":0,\"outcome\":\"DONE\",\"why\":\"dmarc=pass "
		"at 3 receivers\"}" },
	{ 452100, REC_END, "c-1", "{\"state\":\"done\",\"why\":\"every step is done\"}" },
	{ 452200, REC_ROW, "c-1",
		"{" STORY_OF ",\"row\":528,\"event\":\"run-done\",\"from\":\"cutting-over\",\"to\":"
		"\"on-backup\",\"act\":\"stay\",\"why\":\"done\",\"reasons\":[]}" },
	{ 452300, REC_COMMAND, "",
		"{\"verb\":\"ack\",\"playbook\":\"outbound\",\"by\":\"bob\",\"via\":\"cli\","
		"\"reason\":\"seen\",\"exit\":0,\"answer\":\"taken note of\"}" },
	{ 452400, REC_BRAKE, "",
		"{\"playbook\":\"outbound\",\"state\":\"pause\",\"by\":\"bob\",\"reason\":\"until "
		"Monday\",\"expires\":0}" },
};
enum { STORY_N = sizeof story / sizeof *story };

/* How it went on: the brake off, the primary healthy, back in shares. */
static const struct story_row story_home[] = {
	{ 900000, REC_BRAKE, "",
		"{\"playbook\":\"outbound\",\"state\":\"resume\",\"by\":\"bob\",\"reason\":"
		"\"Monday\",\"expires\":0}" },
	{ 901000, REC_SIGNAL, "",
		"{\"playbook\":\"outbound\",\"signal\":\"canary-gw1\",\"subject\":\"rcpt1\","
		"\"from\":\"bad\",\"to\":\"ok\",\"harm\":false,\"why\":\"delivered\"}" },
	{ 902000, REC_ROW, "",
		"{" STORY_OF ",\"row\":640,\"event\":\"primary-healthy\",\"from\":\"on-backup\","
		"\"to\":\"recovering\",\"act\":\"stay\",\"why\":\"healthy\","
		"\"reasons\":[\"row 640: healthy\",\"rcpt1 answers\"]}" },
	{ 920000, REC_ROW, "",
		"{" STORY_OF ",\"row\":748,\"event\":\"soaked\",\"from\":\"recovering\",\"to\":"
		"\"recovering\",\"act\":\"ask\",\"why\":\"soaked\",\"reasons\":[]}" },
	{ 920100, REC_PLAN, "",
		"{" STORY_OF
		",\"procedure\":\"outbound\",\"direction\":\"back\",\"plan_hash\":\"" STORY_HASH
		"\",\"purpose\":\"ask\",\"plan\":" STORY_BACK "}" },
	{ 930000, REC_APPROVAL, "",
		"{" STORY_OF ",\"plan_hash\":\"" STORY_HASH
		"\",\"user\":\"carol\",\"verdict\":\"approve\"}" },
	{ 930100, REC_ROW, "",
		"{" STORY_OF
		",\"row\":720,\"event\":\"approved\",\"from\":\"recovering\",\"to\":\"failing-"
		"back\",\"act\":\"failback\",\"why\":\"approved\",\"reasons\":[]}" },
	{ 930200, REC_START, "f-1",
		"{" STORY_OF ",\"sha256\":\"" STORY_HASH
		"\",\"procedure\":\"outbound\",\"kind\":\"failback\",\"plan_hash\":\"" STORY_HASH
		"\",\"plan\":" STORY_BACK
		",\"by\":\"carol\",\"reason\":\"healthy\",\"overrides\":[]}" },
	{ 930300, REC_INTENT, "f-1",
		"{\"step\":\"b1.hub\",\"dir\":\"do\",\"target\":\"hub\",\"playbook\":\"outbound\","
		"\"domain\":\"relay 203.0.113.10\",\"resource\":\"relay.route "
		"corp.example\",\"base\":\"\",\"want\":\"\",\"seen_lsn\":4,\"options\":\"\","
		"\"pivot\":true}" },
	{ 931000, REC_RESULT, "f-1",
		"{\"step\":\"b1.hub\",\"dir\":\"do\",\"of\":5,\"outcome\":\"DONE\",\"why\":\"route "
		"gone\"}" },
	{ 933000, REC_RESULT, "f-1",
		"{\"step\":\"b2\",\"dir\":\"do\",\"of\":0,\"outcome\":\"DONE\",\"why\":\"dmarc="
		"pass by the cloud\"}" },
	{ 933100, REC_END, "f-1", "{\"state\":\"done\",\"why\":\"home\"}" },
	{ 933200, REC_ROW, "f-1",
		"{" STORY_OF
		",\"row\":832,\"event\":\"failback-done\",\"from\":\"failing-back\",\"to\":"
		"\"normal\",\"act\":\"stay\",\"why\":\"done\",\"reasons\":[]}" },
	{ 999000, REC_SIGNAL, "",
		"{\"playbook\":\"outbound\",\"signal\":\"submission\",\"subject\":\"\",\"from\":"
		"\"ok\",\"to\":\"bad\",\"harm\":true,\"why\":\"another story\"}" },
};
enum { STORY_HOME_N = sizeof story_home / sizeof *story_home };

/* The n-th INTENT has the LSN 1<<40 | n; a RESULT of the table names it by n. */
static inline void
story_body(const char *body, struct buf *b)
{
	const char *of = strstr(body, "\"of\":");
	char *end;
	unsigned long n = of != NULL ? strtoul(of + 5, &end, 10) : 0;

	if (n == 0) {
		buf_str(b, body);
		return;
	}
	buf_add(b, body, (size_t)(of - body));
	buf_fmt(b, "\"of\":%llu%s", 1ull << 40 | n, end);
}

/* The line of a record; head->seq and head->prev are the caller's, intents counts those so far. */
static inline void
story_record(const struct story_row *row, struct record *head, unsigned *intents, const char *body,
	struct buf *b)
{
	struct buf full;

	head->type = row->type;
	head->lsn = row->type == REC_INTENT ? 1ull << 40 | ++*intents : 0;
	head->era = 1;
	head->boot_ms = row->ms;
	head->wall_ms = STORY_T0 + row->ms;
	head->run = row->run;
	buf_init(&full, b->mem, RECORD_MAX);
	story_body(body, &full);
	record_write(b, head, buf_text(&full));
	buf_fini(&full);
}

#endif
