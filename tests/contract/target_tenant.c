/*
 * target_tenant.c - connector exchange-online against a strict stand-in of the service
 * (fake_tenant.py), which is also right for what no real tenant shows on request: a token revoked,
 * a command done and not answered.
 */
#include "contract/target_rig.h"

extern const struct connector exchange_online_connector;

#define RESOURCE "tenant.connector ferryman-nsmail"
#define CONNECTOR                                                                                  \
	"{\"Name\": \"ferryman-nsmail\", \"Enabled\": %s, \"IsTransportRuleScoped\": true, "       \
	"\"UseMXRecord\": false, \"SmartHosts\": [\"%s\"]}"
#define RULE                                                                                       \
	"{\"Name\": \"ferryman-nsmail\", \"State\": \"%s\", \"Mode\": \"Enforce\", "               \
	"\"ExceptIfFrom\": %s, \"RouteMessageOutboundConnector\": \"ferryman-nsmail\"}"
#define EXCEPTIONS "enabled\nexcept bob@corp.example\nexcept u01@corp.example\n"

static pid_t fake;
static char port[32], yaml[1024];

static void
tenant_is(const char *enabled, const char *host, const char *state, const char *except)
{
	char text[2048];
	int n = snprintf(text, sizeof text,
		"{\"connectors\": [" CONNECTOR "], \"rules\": [" RULE "]}", enabled, host, state,
		except);

	CHECK(n > 0 && n < (int)sizeof text);
	rig_put("state.json", text);
}

static void
order(const char *fault)
{
	rig_put("fault", fault);
}

static int
log_count(const char *part)
{
	static char text[1 << 20];
	FILE *f = fopen(rig_file("log"), "re");
	int n = 0;

	if (f == NULL)
		return 0;
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	(void)fclose(f);
	for (const char *p = text; (p = strstr(p, part)) != NULL; p++)
		n++;
	return n;
}

static bool
begin(void)
{
	rig_dir_new();
	static char extra[64];
	(void)snprintf(extra, sizeof extra, "subjectAltName=IP:127.0.0.1");
	bool ok = RUN("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
			  "-subj", "/CN=fake", "-addext", extra, "-keyout", rig_file("tls.key"),
			  "-out", rig_file("tls.crt")) == 0 &&
		  RUN("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
			  "-subj", "/CN=app", "-keyout", rig_file("app.key"), "-out",
			  rig_file("app.crt")) == 0 &&
		  RUN("sh", "-c",
			  "cd \"$0\" && cat tls.crt tls.key > tls.pem && cat app.crt app.key > "
			  "app.pem && chmod 600 *.pem",
			  rig.dir) == 0;
	rig_put("app.id", "11111111-2222-3333-4444-555555555555\n");
	tenant_is("true", "relay.nsmail.example", "Disabled", "null");
	const char *argv[] = { "python3", "tests/contract/fake_tenant.py", rig.dir, NULL };
	fake = ok ? rig_start(argv, port, sizeof port) : 0;
	(void)snprintf(yaml, sizeof yaml,
		"tenant: corp.example\napp: {file: app.id}\ncertificate: {file: "
		"app.pem}\nconnector_name: ferryman-nsmail\n"
		"smart_host: relay.nsmail.example\nauthority: https://127.0.0.1:%s\nendpoint: "
		"https://127.0.0.1:%s\nca: {file: tls.crt}\n",
		port, port);
	return fake != 0;
}

static struct effect
switch_to(const char *base, const char *want)
{
	return (struct effect){ .resource = RESOURCE,
		.dir = CONN_DO,
		.base = base,
		.version = "",
		.want = want,
		.store = STORE_A,
		.lsn = 7,
		.options = "",
		.deadline_ms = 8000 };
}

static void
it_keeps_the_contract(void)
{
	const struct contract c = { .resource = RESOURCE,
		.one = "",
		.two = EXCEPTIONS,
		.third = "enabled\n",
		.bad_value = "enabled\nexcept zz\n",
		.bad_resource = "tenant.connector other" };

	OPEN(&exchange_online_connector, yaml);
	rig_contract(&c, &exchange_online_connector, yaml);
	rig_close();
}

static void
what_is_not_ready_is_refused_with_what_to_do(void)
{
	OPEN(&exchange_online_connector, yaml);
	tenant_is("false", "relay.nsmail.example", "Disabled", "null");
	CHECK_INT(rig_read(RESOURCE)->outcome, OUT_REFUSED);
	tenant_is("true", "other.example", "Disabled", "null");
	CHECK_INT(rig_read(RESOURCE)->outcome, OUT_REFUSED);
	rig_put("state.json", "{\"connectors\": [], \"rules\": []}");
	const struct got *g = rig_read(RESOURCE);
	CHECK_INT(g->outcome, OUT_REFUSED);
	CHECK(strstr(g->why, "setup") != NULL);
	tenant_is("true", "RELAY.nsmail.example", "Enabled",
		"[\"U01@corp.example\", \"bob@corp.example\"]");
	g = rig_read(RESOURCE);
	CHECK_INT(g->outcome, OUT_DONE);
	CHECK_STR(g->value, EXCEPTIONS);
	tenant_is("true", "relay.nsmail.example", "Disabled", "[\"bob@corp.example\"]");
	CHECK_STR(rig_read(RESOURCE)->value, "");
	rig_close();
}

static void
a_revoked_token_is_renewed_once(void)
{
	OPEN(&exchange_online_connector, yaml);
	tenant_is("true", "relay.nsmail.example", "Disabled", "null");
	int before = log_count("/token");
	CHECK_INT(rig_read(RESOURCE)->outcome, OUT_DONE);
	CHECK_INT(rig_read(RESOURCE)->outcome, OUT_DONE);
	CHECK_INT(log_count("/token") - before, 1); /* kept */
	order("401 1");
	CHECK_INT(rig_read(RESOURCE)->outcome, OUT_DONE);
	CHECK_INT(log_count("/token") - before, 2);
	order("401 9");
	CHECK_INT(rig_read(RESOURCE)->outcome, OUT_REFUSED);
	order("401 0");
	rig_close();
}

static void
what_was_sent_decides_between_retry_and_unknown(void)
{
	struct effect on = switch_to("", "enabled\n");

	OPEN(&exchange_online_connector, yaml);
	tenant_is("true", "relay.nsmail.example", "Disabled", "[]");
	order("500 1"); /* at the first look: nothing was asked to change */
	CHECK_INT(rig_apply(&on)->outcome, OUT_RETRY);
	order("500-done 1");
	CHECK_INT(rig_apply(&on)->outcome, OUT_UNKNOWN);
	CHECK_STR(rig_read(RESOURCE)->value, "enabled\n"); /* and so it was */
	tenant_is("true", "relay.nsmail.example", "Disabled", "[]");
	order("hang-done 1");
	on.deadline_ms = 1500;
	CHECK_INT(rig_apply(&on)->outcome, OUT_UNKNOWN);
	CHECK_STR(rig_read(RESOURCE)->value, "enabled\n");
	tenant_is("true", "relay.nsmail.example", "Disabled", "[]");
	order("hang-all 1");
	CHECK_INT(rig_apply(&on)->outcome, OUT_RETRY);
	order("html 1");
	CHECK_INT(rig_read(RESOURCE)->outcome, OUT_RETRY);
	order("429 1"); /* waits as told, then goes on */
	on.deadline_ms = 8000;
	CHECK_INT(rig_apply(&on)->outcome, OUT_DONE);
	order("429 99"); /* longer than we have */
	on = switch_to("enabled\n", "");
	on.deadline_ms = 1500;
	CHECK_INT(rig_apply(&on)->outcome, OUT_RETRY);
	order("429 0");
	rig_close();
}

static void
nothing_is_sent_after_the_deadline(void)
{
	struct effect on = switch_to("", "enabled\n");

	OPEN(&exchange_online_connector, yaml);
	tenant_is("true", "relay.nsmail.example", "Disabled", "[]");
	int before = log_count("Enable-TransportRule");
	order("hang-all 2");
	on.deadline_ms = 400;
	CHECK_INT(rig_apply(&on)->outcome, OUT_RETRY);
	order("hang-all 0");
	op_id op = rig_begin_read("tenant.connector other", CONN_READ_TARGET,
		100); /* gives the loop something to wait for */
	(void)rig_wait(op, 2000);
	CHECK_INT(log_count("Enable-TransportRule") - before, 0);
	on.deadline_ms = 0;
	CHECK_INT(rig_apply(&on)->outcome, OUT_RETRY);
	CHECK_INT(log_count("Enable-TransportRule") - before, 0);
	rig_close();
}

static void
a_service_that_shows_old_state_is_looked_at_again(void)
{
	struct effect on = switch_to("", "enabled\n");

	OPEN(&exchange_online_connector, yaml);
	tenant_is("true", "relay.nsmail.example", "Disabled", "[]");
	int before = log_count("Get-TransportRule");
	order("stale 1");
	CHECK_INT(rig_apply(&on)->outcome, OUT_DONE);
	CHECK_INT(log_count("Get-TransportRule") - before, 4); /* one before, two old, one new */
	struct effect off = switch_to("enabled\n", "");
	CHECK_INT(rig_apply(&off)->outcome, OUT_DONE);
	rig_close();
}

static void
a_wrong_certificate_is_refused(void)
{
	char other[1200];
	struct err err = { 0 };

	CHECK_INT(
		RUN("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
			"-subj", "/CN=x", "-keyout", rig_file("x.key"), "-out", rig_file("x.crt")),
		0);
	CHECK_INT(RUN("sh", "-c",
			  "cd \"$0\" && cat x.crt x.key > x.pem && cat app.crt x.key > mixed.pem "
			  "&& chmod 600 x.pem mixed.pem",
			  rig.dir),
		0);
	(void)snprintf(other, sizeof other, "%s", yaml);
	char *at = strstr(other, "app.pem");
	memcpy(at, "  x.pem", 7);
	OPEN(&exchange_online_connector, other);
	const struct got *g = rig_read(RESOURCE);
	CHECK_INT(g->outcome, OUT_REFUSED);
	CHECK(strstr(g->why, "assertion") != NULL);
	rig.kind->close(&rig.conn);
	(void)err;
	rig_close();
	(void)snprintf(other, sizeof other, "%s", yaml);
	at = strstr(other, "file: app.pem");
	memmove(at + strlen("file: mixed.pem"), at + strlen("file: app.pem"),
		strlen(at + strlen("file: app.pem")) + 1);
	memcpy(at, "file: mixed.pem", strlen("file: mixed.pem"));
	CHECK(!rig_open(&exchange_online_connector,
		other)); /* key and certificate are not a pair: found at open */
	rig_close();
}

int
main(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	if (!begin()) {
		SKIP("exchange-online", "python3 or openssl is missing");
		return check_end();
	}
	TEST(it_keeps_the_contract);
	TEST(what_is_not_ready_is_refused_with_what_to_do);
	TEST(a_revoked_token_is_renewed_once);
	TEST(what_was_sent_decides_between_retry_and_unknown);
	TEST(nothing_is_sent_after_the_deadline);
	TEST(a_service_that_shows_old_state_is_looked_at_again);
	TEST(a_wrong_certificate_is_refused);
	rig_stop(fake);
	(void)RUN("rm", "-rf", "--", rig.dir);
	return check_end();
}
