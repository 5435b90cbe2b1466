/*
 * rows.c - every key of a playbook, with its type, default, range and words for the manual.
 * Connectors bring their own rows beside these (conninfo.schema).
 */
#include "config/rows.h"

#include "base/conninfo.h"
#include "base/text.h"

#define END                                                                                        \
	{                                                                                          \
		.key = NULL                                                                        \
	}

static const struct schema_row rows_mx[] = {
	{ .key = "preference",
		.type = V_INT,
		.flags = SR_REQUIRED,
		.min = "0",
		.max = "65535",
		.doc = "Lower is tried first (RFC 5321 section 5.1)." },
	{ .key = "host",
		.type = V_DOMAIN,
		.flags = SR_REQUIRED,
		.doc = "A host name with address records, never an alias (RFC 5321 section 5.1)." },
	END,
};

static const struct schema_row rows_inbound[] = {
	{ .key = "mx",
		.type = V_MAP,
		.flags = SR_REQUIRED | SR_LIST,
		.sub = rows_mx,
		.doc = "The whole MX set of the domains while mail comes in by this path." },
	{ .key = "mode",
		.type = V_ENUM,
		.flags = SR_REQUIRED,
		.words = "deliver|spool",
		.doc = "deliver: users read there. spool: it keeps mail and passes it on to "
		       "`onward`." },
	{ .key = "onward",
		.type = V_HOSTPORT,
		.doc = "Where a spool passes mail on: a fixed host and port, never by MX (a host "
		       "that relays by MX finds itself there and bounces). What that host refuses, "
		       "rightly or in error, a spool returns, unless its owner has it put that off "
		       "(Postfix: soft_bounce)." },
	{ .key = "recipients",
		.type = V_ENUM,
		.words = "list|any",
		.doc = "list: wrong recipients are refused at RCPT. any: they are taken and "
		       "bounced later, which harms the relay's reputation." },
	{ .key = "keep",
		.type = V_DURATION,
		.min = "1h",
		.max = "30d",
		.doc = "How long a spool keeps what it cannot pass on because nobody answers "
		       "there. "
		       "Declared, not proven." },
	{ .key = "spool",
		.type = V_REF,
		.words = "targets",
		.doc = "The relay whose queue is the spool, if it is a target of ours." },
	END,
};

static const struct schema_row rows_relay[] = {
	{ .key = "host",
		.type = V_HOSTPORT,
		.flags = SR_REQUIRED,
		.doc = "Where mail is handed over, e.g. \"[relay.nsmail.example]:587\"." },
	{ .key = "tls",
		.type = V_ENUM,
		.def = "verify",
		.words = "verify",
		.doc = "Certificates are always verified." },
	{ .key = "auth",
		.type = V_SECRET,
		.doc = "user:password, for probes; the hub has its own copy." },
	{ .key = "quota",
		.type = V_RATE,
		.doc = "What the contract allows, e.g. 50000 per day. Declared, not proven." },
	{ .key = "rate",
		.type = V_RATE,
		.doc = "What the relay takes at most. Releases must stay below it." },
	{ .key = "size", .type = V_STR, .doc = "Largest message. Declared, not proven." },
	{ .key = "queue_lifetime",
		.type = V_DURATION,
		.def = "5d",
		.max = "30d",
		.doc = "How long the relay tries before it returns a message (Postfix: "
		       "maximal_queue_lifetime). Its SPF terms are not taken out before that time "
		       "has passed since mail last left by it. Declared, not proven." },
	END,
};

static const struct schema_row rows_dkim[] = {
	{ .key = "by",
		.type = V_NAME,
		.flags = SR_REQUIRED,
		.doc = "The path that signs. Another path's name means that its signature survives "
		       "here." },
	{ .key = "d",
		.type = V_DOMAIN,
		.flags = SR_REQUIRED,
		.doc = "The signature's d= (RFC 6376 section 3.5)." },
	{ .key = "selector", .type = V_STR, .flags = SR_REQUIRED, .doc = "The signature's s=." },
	END,
};

static const struct schema_row rows_path[] = {
	{ .key = "prefer",
		.type = V_INT,
		.flags = SR_REQUIRED,
		.min = "1",
		.max = "9",
		.doc = "1 is the primary path; each number once." },
	{ .key = "egress",
		.type = V_ADDR,
		.flags = SR_LIST,
		.doc = "Addresses this path's mail leaves from: what receivers and lists see." },
	{ .key = "last_hop",
		.type = V_STR,
		.def = "none",
		.doc = "The target whose MTA itself talks to receivers, or none. Only where it is "
		       "ours can a rejection become a deferral." },
	{ .key = "relay",
		.type = V_MAP,
		.sub = rows_relay,
		.doc = "The host that mail is handed to on this path, with its terms." },
	{ .key = "dkim", .type = V_MAP, .sub = rows_dkim, .doc = "Who signs this path's mail." },
	{ .key = "envelope",
		.type = V_ENUM,
		.def = "kept",
		.words = "kept|rewritten",
		.doc = "Whether the relay keeps the envelope sender; SPF speaks of that one." },
	{ .key = "spf",
		.type = V_STR,
		.flags = SR_LIST,
		.doc = "Terms that authorise this path in the domains' v=spf1 record, e.g. "
		       "\"ip4:203.0.113.65\"." },
	{ .key = "inbound",
		.type = V_MAP,
		.sub = rows_inbound,
		.doc = "How mail comes in by this path." },
	{ .key = "standby",
		.type = V_ANYMAP,
		.flags = SR_UNBUILT,
		.doc = "A steady share of real mail in peace time." },
	END,
};

const struct schema_row rows_target[] = {
	{ .key = "connector",
		.type = V_STR,
		.flags = SR_REQUIRED,
		.doc = "Which connector drives it; its own keys follow." },
	END,
};

const struct schema_row rows_signal[] = {
	{ .key = "kind",
		.type = V_STR,
		.flags = SR_REQUIRED,
		.doc = "Which connector asks; its own keys follow." },
	{ .key = "role",
		.type = V_ENUM,
		.def = "evidence",
		.words = "evidence|anchor",
		.doc = "anchor: tells whether we ourselves are cut off; it says nothing of a "
		       "path. Unless more than half of the anchors answer, ferryman is blind and "
		       "acts on nothing: of two both, of three two." },
	{ .key = "group",
		.type = V_NAME,
		.doc = "Signals that would fail together are one group; a diagnosis counts "
		       "groups." },
	{ .key = "path", .type = V_REF, .words = "paths", .doc = "The path it speaks of." },
	{ .key = "flow",
		.type = V_ENUM,
		.words = "outbound|inbound",
		.doc = "The direction it speaks of; without it, both." },
	{ .key = "every",
		.type = V_DURATION,
		.flags = SR_REQUIRED,
		.min = "100ms",
		.max = "1d",
		.doc = "How often each subject is asked." },
	{ .key = "timeout",
		.type = V_DURATION,
		.def = "20s",
		.min = "100ms",
		.max = "1h",
		.doc = "After so long the answer is `unknown`." },
	{ .key = "stale",
		.type = V_DURATION,
		.min = "200ms",
		.max = "7d",
		.doc = "An observation older than this is `unknown`. Default: three times `every` "
		       "and the timeout." },
	{ .key = "rise",
		.type = V_NOFM,
		.def = "2 of 3",
		.doc = "Bad when so many of the last known observations are bad." },
	{ .key = "fall",
		.type = V_NOFM,
		.def = "2 of 3",
		.doc = "Well again when so many of the last known observations are ok." },
	{ .key = "degraded",
		.type = V_ENUM,
		.def = "ok",
		.words = "ok|bad",
		.doc = "What `degraded` (in the junk folder, slow) counts as." },
	END,
};

static const struct schema_row rows_diagnosis[] = {
	{ .key = "path",
		.type = V_REF,
		.flags = SR_REQUIRED,
		.words = "paths",
		.doc = "The path that it accuses." },
	{ .key = "flow",
		.type = V_ENUM,
		.flags = SR_REQUIRED,
		.words = "outbound|inbound",
		.doc = "The direction." },
	{ .key = "groups",
		.type = V_INT,
		.flags = SR_REQUIRED,
		.min = "1",
		.max = "16",
		.doc = "How many groups must be bad." },
	{ .key = "of",
		.type = V_REF,
		.flags = SR_REQUIRED | SR_LIST,
		.words = "groups",
		.doc = "The groups that count." },
	{ .key = "must",
		.type = V_REF,
		.flags = SR_REQUIRED | SR_LIST,
		.words = "groups",
		.doc = "At least one of these is among them and has seen mail refused or late." },
	{ .key = "receivers",
		.type = V_INT,
		.min = "1",
		.max = "64",
		.doc = "So many unrelated receivers must be affected; at most as many as the "
		       "signals of `must` have seeds at." },
	{ .key = "share",
		.type = V_PERCENT,
		.doc = "Least share of failed among the known observations of the `must` groups." },
	{ .key = "for",
		.type = V_DURATION,
		.flags = SR_REQUIRED,
		.min = "0s",
		.max = "7d",
		.doc = "How long it must hold before it is confirmed." },
	{ .key = "clear",
		.type = V_DURATION,
		.flags = SR_REQUIRED,
		.min = "0s",
		.max = "30d",
		.doc = "How long it must not hold, with fresh good answers, before it is "
		       "cleared." },
	END,
};

static const struct schema_row rows_response[] = {
	{ .key = "on",
		.type = V_REF,
		.flags = SR_REQUIRED,
		.words = "diagnoses",
		.doc = "The diagnosis." },
	{ .key = "at",
		.type = V_ENUM,
		.def = "confirmed",
		.words = "suspect|confirmed",
		.doc = "As soon as it is met, or when it has held for its `for`." },
	{ .key = "run",
		.type = V_REF,
		.words = "procedures",
		.doc = "What to run; nothing with mode observe." },
	{ .key = "mode",
		.type = V_ENUM,
		.flags = SR_REQUIRED,
		.words = "observe|approve|automatic",
		.doc = "Only say so, ask people, or act. The playbook's own mode is the most it "
		       "can be; a shelter, which moves no mail, may be automatic where that is "
		       "approve. approve with `otherwise: proceed` asks first and then acts." },
	{ .key = "approvers",
		.type = V_INT,
		.def = "1",
		.min = "1",
		.max = "9",
		.doc = "How many different people must approve." },
	{ .key = "within",
		.type = V_DURATION,
		.min = "1s",
		.max = "7d",
		.doc = "How long to wait for them. Default: for ever." },
	{ .key = "otherwise",
		.type = V_ENUM,
		.def = "stand-down",
		.words = "stand-down|proceed",
		.doc = "What happens when nobody answered `within` that time. stand-down: nothing, "
		       "until the diagnosis has cleared. proceed: it starts by itself, also in "
		       "mode approve, if the diagnosis holds and no guard of an automatic cut-over "
		       "forbids it." },
	END,
};

static const struct schema_row rows_failback[] = {
	{ .key = "mode",
		.type = V_ENUM,
		.def = "approve",
		.words = "approve|automatic",
		.doc = "Who starts it." },
	{ .key = "soak",
		.type = V_DURATION,
		.def = "6h",
		.min = "0s",
		.max = "60d",
		.doc = "How long the primary must have been healthy. 6 h: reputation that has just "
		       "returned is lost again easily." },
	{ .key = "stage",
		.type = V_DURATION,
		.def = "15m",
		.min = "0s",
		.max = "7d",
		.doc = "Pause between two shares." },
	{ .key = "order",
		.type = V_STR,
		.flags = SR_LIST,
		.doc = "Shares on the primary, rising: canaries, then e.g. 5%, 25%, 100%. The last "
		       "is 100%. A hub whose mail goes through the tenant follows it as a whole." },
	{ .key = "require",
		.type = V_ENUM,
		.flags = SR_LIST,
		.words = "queues-drained|primary-ready",
		.doc = "What must be so before it starts." },
	END,
};

const struct schema_row rows_step[] = {
	{ .key = "name", .type = V_STR, .flags = SR_REQUIRED, .doc = "A sentence for people." },
	{ .key = "pivot",
		.type = V_BOOL,
		.def = "false",
		.doc = "From here on mail that cannot be recalled takes another way: abort becomes "
		       "failback." },
	{ .key = "needs",
		.type = V_INT,
		.flags = SR_LIST,
		.doc = "Numbers of the steps that must be done before; default: the one before." },
	{ .key = "deadline",
		.type = V_DURATION,
		.min = "1s",
		.max = "7d",
		.doc = "After so long the step has failed. Default: by its kind." },
	{ .key = "retries",
		.type = V_INT,
		.def = "3",
		.min = "0",
		.max = "20",
		.doc = "How often it is tried again." },
	END,
};

static const struct schema_row rows_procedure[] = {
	{ .key = "kind",
		.type = V_ENUM,
		.flags = SR_REQUIRED,
		.words = "cutover|shelter",
		.doc = "cutover takes a flow to a path. shelter lets mail wait while we decide." },
	{ .key = "flow",
		.type = V_ENUM,
		.words = "outbound|inbound",
		.doc = "Which flow it moves; a cutover must say so." },
	{ .key = "to",
		.type = V_REF,
		.words = "paths",
		.doc = "The path it goes to; a cutover must say so." },
	{ .key = "expires",
		.type = V_DURATION,
		.min = "1s",
		.max = "5d",
		.doc = "A shelter's longest life; then an alarm, and its mail goes by the "
		       "primary's way: "
		       "a hub that is the last hop puts off what receivers refuse, a provider "
		       "takes it "
		       "and returns it. Default 4h." },
	{ .key = "steps", .type = V_ANYMAP, .flags = SR_REQUIRED, .doc = "The steps, in order." },
	{ .key = "failback",
		.type = V_MAP,
		.sub = rows_failback,
		.doc = "How the mail comes back; a cutover's." },
	END,
};

static const struct schema_row rows_blackout[] = {
	{ .key = "drills",
		.type = V_STR,
		.flags = SR_LIST,
		.doc = "No drills in these windows, e.g. \"Fri 18:00 - Mon 06:00 "
		       "Europe/Berlin\"." },
	{ .key = "failback",
		.type = V_STR,
		.flags = SR_LIST,
		.doc = "No failback in these windows." },
	{ .key = "cutover",
		.type = V_STR,
		.flags = SR_LIST,
		.doc = "No automatic cut-over in these windows. This can forbid a rescue." },
	END,
};

static const struct schema_row rows_limits[] = {
	{ .key = "cutovers",
		.type = V_RATE,
		.def = "2 per day",
		.doc = "Budget of automatic cut-overs." },
	{ .key = "cooldown",
		.type = V_DURATION,
		.def = "1h",
		.min = "0s",
		.max = "30d",
		.doc = "Least time between a cut-over or failback and the next automatic "
		       "cut-over." },
	{ .key = "records",
		.type = V_INT,
		.def = "20",
		.min = "1",
		.max = "1000",
		.doc = "Most record sets, routes and rules that one plan may touch." },
	{ .key = "blackout",
		.type = V_MAP,
		.sub = rows_blackout,
		.doc = "Weekly windows, each in a time zone by its name in the tz database, or in "
		       "UTC." },
	END,
};

static const struct schema_row rows_person[] = {
	{ .key = "user",
		.type = V_STR,
		.flags = SR_REQUIRED,
		.doc = "Login name on this machine." },
	{ .key = "may",
		.type = V_ENUM,
		.flags = SR_REQUIRED | SR_LIST,
		.words = "run|approve|brake",
		.doc = "run: start cut-overs and failbacks. approve: approve plans. brake: pause, "
		       "resume, abort." },
	{ .key = "key", .type = V_STR, .flags = SR_UNBUILT, .doc = "Key for signed approvals." },
	END,
};

const struct schema_row rows_notify[] = {
	{ .key = "name",
		.type = V_NAME,
		.doc = "Its name in sentences; default: the connector's." },
	END,
};

const struct schema_row rows_top[] = {
	{ .key = "ferryman",
		.type = V_INT,
		.flags = SR_REQUIRED,
		.min = "1",
		.max = "1",
		.doc = "Version of this schema." },
	{ .key = "playbook", .type = V_NAME, .flags = SR_REQUIRED, .doc = "Name of the playbook." },
	{ .key = "summary",
		.type = V_STR,
		.flags = SR_REQUIRED,
		.doc = "What it does, for whoever is woken at night." },
	{ .key = "owner", .type = V_MAILBOX, .flags = SR_REQUIRED, .doc = "Who answers for it." },
	{ .key = "domains",
		.type = V_DOMAIN,
		.flags = SR_REQUIRED | SR_LIST,
		.doc = "The mail domains it moves." },
	{ .key = "mode",
		.type = V_ENUM,
		.flags = SR_REQUIRED,
		.words = "observe|approve|automatic",
		.doc = "The most it starts unasked. approve: people are asked before a cut-over; "
		       "if "
		       "nobody answers, the response's `otherwise` says whether it starts all the "
		       "same. observe never writes and needs no write "
		       "credential." },
	{ .key = "targets", .type = V_ANYMAP, .doc = "What can be read and changed." },
	{ .key = "paths",
		.type = V_TABLE,
		.flags = SR_REQUIRED,
		.sub = rows_path,
		.doc = "The ways that mail can take." },
	{ .key = "signals",
		.type = V_ANYMAP,
		.flags = SR_REQUIRED,
		.doc = "What is asked, and how often." },
	{ .key = "diagnoses",
		.type = V_TABLE,
		.sub = rows_diagnosis,
		.doc = "What the answers add up to." },
	{ .key = "responses",
		.type = V_MAP,
		.flags = SR_LIST,
		.sub = rows_response,
		.doc = "What a diagnosis leads to." },
	{ .key = "procedures",
		.type = V_TABLE,
		.sub = rows_procedure,
		.doc = "Steps that take a flow to a path, or shelter it." },
	{ .key = "limits", .type = V_MAP, .sub = rows_limits, .doc = "Brakes." },
	{ .key = "people", .type = V_TABLE, .sub = rows_person, .doc = "Who may do what." },
	{ .key = "notify",
		.type = V_ANYMAP,
		.doc = "Who is told, e.g. [{program: [/usr/local/bin/page-duty]}]." },
	{ .key = "classes",
		.type = V_ANYMAP,
		.flags = SR_UNBUILT,
		.doc = "Receiver classes by MX provider." },
	{ .key = "drills", .type = V_ANYMAP, .flags = SR_UNBUILT, .doc = "Scheduled drills." },
	{ .key = "schedule", .type = V_ANYMAP, .flags = SR_UNBUILT, .doc = "Scheduled drills." },
	{ .key = "console", .type = V_ANYMAP, .flags = SR_UNBUILT, .doc = "The web console." },
	{ .key = "webhooks",
		.type = V_ANYMAP,
		.flags = SR_UNBUILT,
		.doc = "Signals that others push." },
	END,
};

/* --- steps --- */

const struct step_row rows_steps[] = {
#define STEP(k, a, class, c, compensable, pivot, deadline, d)                                      \
	{ k, (a), (c), (pivot), (deadline), d },
#include "config/steps.def"
#undef STEP
	{ .kind = NULL },
};

const char *const rows_steps_unbuilt[] = { "bounces.defer", "tenant.shelter", "mta-sts.update",
	"dkim.publish", "wait.person", "manual", NULL };
const char *const rows_connectors_unbuilt[] = { "microsoft365-health", "bounce-mailbox",
	"message-trace", "postmaster-tools", "snds", "google-workspace", "cloudflare", "route53",
	"azure-dns", "google-cloud-dns", "powerdns", "exim", "webhook", "email", NULL };

const struct step_row *
rows_step_find(const char *kind)
{
	for (const struct step_row *s = rows_steps; s->kind != NULL; s++)
		if (text_eq(s->kind, kind))
			return s;
	return NULL;
}

#define ROW_ZONE                                                                                   \
	{                                                                                          \
		.key = "zone", .type = V_REF, .words = "targets", .doc = "The DNS zone."           \
	}
#define ROW_AT                                                                                     \
	{                                                                                          \
		.key = "at", .type = V_REF, .flags = SR_LIST, .words = "targets", .doc = "Where."  \
	}
#define ROW_THROUGH                                                                                \
	{                                                                                          \
		.key = "through", .type = V_REF, .words = "paths",                                 \
		.doc = "The path; default: where the procedure goes to."                           \
	}
#define ROW_AS                                                                                     \
	{                                                                                          \
		.key = "as", .type = V_ENUM, .words = "production",                                \
		.doc = "production: submitted where users submit."                                 \
	}
#define ROW_RECEIVERS                                                                              \
	{                                                                                          \
		.key = "receivers", .type = V_INT, .min = "1", .max = "32",                        \
		.doc = "It must arrive at so many, and at each further one unless harm is seen "   \
		       "there through the path that mail leaves, too; default: at every seed. "    \
		       "The way back asks for as many as the strictest proof of its cut-over."     \
	}
#define ROW_FOR                                                                                    \
	{                                                                                          \
		.key = "for", .type = V_DURATION, .min = "1s", .max = "7d", .doc = "How long."     \
	}
#define ROW_RATE                                                                                   \
	{                                                                                          \
		.key = "rate", .type = V_RATE, .doc = "Messages per time, in total."               \
	}
#define ROW_PER                                                                                    \
	{                                                                                          \
		.key = "per_receiver", .type = V_RATE,                                             \
		.doc = "Messages per time to one receiver's domain."                               \
	}

static const struct schema_row args_zone[] = { ROW_ZONE, END };
static const struct schema_row args_at[] = { ROW_AT, END };
static const struct schema_row args_canary[] = { ROW_THROUGH, ROW_AS, ROW_RECEIVERS, END };
static const struct schema_row args_for[] = { ROW_FOR, END };
static const struct schema_row args_release[] = { ROW_AT, ROW_RATE, ROW_PER, END };

const struct schema_row *
rows_step_args(unsigned args)
{
	if ((args & ARG_ZONE) != 0)
		return args_zone;
	if ((args & ARG_RATE) != 0)
		return args_release;
	if ((args & ARG_AT) != 0)
		return args_at;
	return (args & ARG_FOR) != 0 ? args_for : args_canary;
}
