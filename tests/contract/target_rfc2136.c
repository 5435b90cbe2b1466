/*
 * target_rfc2136.c - connector rfc2136 against a stand-in with faults (fake_dns.py), and against
 * BIND and Knot where they are installed: the same contract, the same observations.
 */
#include "contract/target_rig.h"
#include "dns/rrset.h"

extern const struct connector rfc2136_connector;

#define MX "dns.rrset corp.example MX"
#define SPF "dns.rrset corp.example TXT"
#define MX_ONE "ttl 300\nmx 10 mx.cloudmail.example\n"
#define MX_TWO "ttl 60\nmx 10 mx.nsmail.example\nmx 20 mx2.nsmail.example\n"
#define TXT_ONE "ttl 300\ntxt token=\\092one\ntxt v=spf1 include:spf.cloudmail.example -all\n"
#define TXT_TWO                                                                                    \
	"ttl 300\ntxt token=\\092one\ntxt v=spf1 include:spf.cloudmail.example ip4:203.0.113.65 "  \
	"-all\n"
#define KEY "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ="

static pid_t server;
static char port[32], yaml[600];
static size_t servers_n;

static void
order(const char *fault)
{
	rig_put("fault", fault);
}

static void
yaml_for(const char *servers)
{
	servers_n = strchr(servers, ',') != NULL ? 2 : 1;
	(void)snprintf(yaml, sizeof yaml,
		"servers: [%s]\nport: %s\nzone: corp.example\ntsig: {name: ferryman, secret: "
		"{file: tsig.key}}\n",
		servers, port);
}

static struct effect
change(const char *resource, const char *base, const char *want, uint64_t lsn,
	const struct got *seen)
{
	return (struct effect){ .resource = resource,
		.dir = CONN_DO,
		.base = base,
		.version = "",
		.want = want,
		.store = STORE_A,
		.lsn = lsn,
		.seen_store = seen->store[0] != '\0' ? seen->store : NULL,
		.seen_lsn = seen->lsn,
		.options = "",
		.deadline_ms = 6000 };
}

static void
hang(bool on)
{
	/* Updates are taken and not answered; questions too. Enough for the two operations, then
	 * off. */
	order(on ? "hang 1" : "hang 0");
	if (!on)
		return;
}

static void
it_keeps_the_contract(void)
{
	const struct contract mx = { .resource = MX,
		.one = MX_ONE,
		.two = MX_TWO,
		.third = "ttl 300\nmx 5 mx.else.example\n",
		.bad_value = "",
		.bad_resource = "dns.rrset corp.example A",
		.marks = true };
	const struct contract spf = { .resource = SPF,
		.one = TXT_ONE,
		.two = TXT_TWO,
		.third = "ttl 300\ntxt v=spf1 -all\n",
		.bad_value = "ttl 300\n",
		.bad_resource = "dns.rrset other.example TXT",
		.marks = true };

	OPEN(&rfc2136_connector, yaml);
	rig_contract(&mx, &rfc2136_connector, yaml);
	struct got seen = *rig_read(SPF);
	struct effect back = change(MX, MX_TWO, MX_ONE, seen.lsn + 40, &seen);
	(void)rig_apply(&back); /* a cancelled update of the contract may have been done */
	rig_contract(&spf, &rfc2136_connector, yaml);
	rig_close();
}

static void
every_server_is_asked_apart(void)
{
	OPEN(&rfc2136_connector, yaml);
	const struct got *g = rig_wait(rig_begin_read(MX, CONN_READ_AUTHORITIES, 5000), 8000);
	CHECK_INT(g->outcome, OUT_DONE);
	CHECK_INT(g->sources, servers_n);
	CHECK_INT(g->answered, servers_n);
	CHECK_STR(g->source_value[servers_n - 1], g->value);
	g = rig_wait(
		rig_begin_read("dns.rrset nothing.corp.example TXT", CONN_READ_AUTHORITIES, 5000),
		8000);
	CHECK_INT(g->outcome, OUT_DONE); /* absent is an answer */
	CHECK_STR(g->value, "");
	CHECK_INT(g->answered, servers_n);
	rig_close();
}

static void
a_record_that_others_cut_otherwise_is_no_conflict(void)
{
	const char *name = "dns.rrset cut.corp.example TXT",
		   *one = "ttl 300\ntxt firstsecond\ntxt third\n",
		   *two = "ttl 60\ntxt firstsecond\ntxt fourth\n";

	OPEN(&rfc2136_connector, yaml);
	struct got seen = *rig_read(name);
	CHECK_STR(seen.value, one);
	struct effect e = change(name, one, two, seen.lsn + 1, &seen);
	CHECK_INT(rig_apply(&e)->outcome, OUT_DONE);
	CHECK_INT(rig_apply(&e)->outcome, OUT_DONE);
	seen = *rig_read(name);
	CHECK_STR(seen.value, two);
	/* It went back as it was cut, so the same works again; and a true conflict is still one. */
	e = change(name, one, two, seen.lsn + 1, &seen);
	CHECK_INT(rig_apply(&e)->outcome, OUT_CONFLICT);
	e = change(name, two, one, seen.lsn + 1, &seen);
	CHECK_INT(rig_apply(&e)->outcome, OUT_DONE);
	CHECK_STR(rig_read(name)->value, one);
	rig_close();
}

/* From here on: the stand-in's faults. */

static void
a_lost_answer_is_unknown_and_then_done(void)
{
	OPEN(&rfc2136_connector, yaml);
	struct got seen = *rig_read(MX);
	struct effect e = change(MX, seen.value, MX_TWO, seen.lsn + 1, &seen);
	order("drop-reply 1");
	CHECK_INT(rig_apply(&e)->outcome, OUT_UNKNOWN);
	CHECK_INT(rig_apply(&e)->outcome, OUT_DONE); /* refused prerequisite, own number */
	CHECK_STR(rig_read(MX)->value, MX_TWO);
	seen = *rig_read(MX);
	e = change(MX, MX_TWO, MX_ONE, seen.lsn + 1, &seen);
	order("hang 1");
	e.deadline_ms = 800;
	CHECK_INT(rig_apply(&e)->outcome, OUT_UNKNOWN);
	CHECK_STR(rig_read(MX)->value, MX_TWO);
	order("servfail 1");
	e.deadline_ms = 6000;
	CHECK_INT(rig_apply(&e)->outcome, OUT_UNKNOWN);
	CHECK_INT(rig_apply(&e)->outcome, OUT_DONE);
	order("unsigned 1"); /* a refusal that anybody could have sent proves nothing */
	CHECK_INT(rig_apply(&e)->outcome, OUT_UNKNOWN);
	rig_close();
}

static void
a_refusal_is_judged_by_the_number_that_stands_there(void)
{
	OPEN(&rfc2136_connector, yaml);
	struct got seen = *rig_read(MX);
	struct effect e = change(MX, seen.value, MX_TWO, seen.lsn + 1, &seen);
	struct got none = { 0 };
	struct effect blind = change(
		MX, seen.value, MX_TWO, seen.lsn + 1, &none); /* thinks that no epoch is there */
	CHECK_INT(rig_apply(&blind)->outcome, OUT_STALE);
	order("moved 1");
	CHECK_INT(rig_apply(&e)->outcome, OUT_STALE);
	seen = *rig_read(MX);
	CHECK(seen.lsn == 1ull << 62);
	e = change(MX, seen.value, MX_TWO, seen.lsn + 1, &seen);
	CHECK_INT(rig_apply(&e)->outcome, OUT_DONE);
	rig_close();
}

static void
a_yes_that_changed_nothing_is_not_believed(void)
{
	OPEN(&rfc2136_connector, yaml);
	struct got seen = *rig_read(MX);
	struct effect e = change(MX, seen.value, MX_ONE, seen.lsn + 1, &seen);
	order("ignore-mx 1");
	CHECK_INT(rig_apply(&e)->outcome, OUT_UNKNOWN);
	CHECK_STR(rig_read(MX)->value, MX_TWO);
	order("cname 1");
	CHECK_INT(rig_read(MX)->outcome, OUT_RETRY);
	rig_close();
}

static void
a_server_that_lags_is_seen(void)
{
	OPEN(&rfc2136_connector, yaml);
	order("lag 1");
	const struct got *g = rig_wait(rig_begin_read(MX, CONN_READ_AUTHORITIES, 5000), 8000);
	CHECK_STR(g->source_value[0], MX_TWO);
	CHECK_STR(g->source_value[1], MX_ONE);
	order("deaf 9");
	g = rig_wait(rig_begin_read(MX, CONN_READ_AUTHORITIES, 800), 8000);
	CHECK_INT(g->outcome, OUT_RETRY);
	CHECK_INT(g->answered, 0);
	order("deaf 0");
	rig_close();
}

static void
a_wrong_key_is_refused(void)
{
	rig_put("tsig.key", "d3Jvbmctd3Jvbmctd3Jvbmctd3Jvbmctd3Jvbmctd3I=");
	OPEN(&rfc2136_connector, yaml);
	struct got seen = *rig_read(MX);
	struct effect e = change(MX, seen.value, MX_ONE, seen.lsn + 1, &seen);
	CHECK_INT(rig_apply(&e)->outcome, OUT_REFUSED);
	rig_close();
	rig_put("tsig.key", KEY "\n");
}

static void
a_silent_or_absent_server_gives_unknown_or_retry(void)
{
	OPEN(&rfc2136_connector, yaml);
	struct got seen = *rig_read(MX);
	struct effect e = change(MX, seen.value, MX_ONE, seen.lsn + 1, &seen);
	hang(true);
	e.deadline_ms = 600;
	CHECK_INT(rig_apply(&e)->outcome, OUT_UNKNOWN);
	hang(false);
	rig_stop(server);
	server = 0;
	CHECK_INT(rig_apply(&e)->outcome, OUT_RETRY);
	CHECK_INT(rig_wait(rig_begin_read(MX, CONN_READ_TARGET, 800), 8000)->outcome, OUT_RETRY);
	rig_close();
}

static void
values_are_canonical_or_refused(void)
{
	static const struct {
		const char *value;
		int type;
		bool ok;
	} rows[] = {
		{ "", DNS_TXT, true },
		{ "ttl 0\ntxt \n", DNS_TXT, true },
		{ "ttl 5\ntxt a\ntxt b\n", DNS_TXT, true },
		{ "ttl 5\ntxt b\ntxt a\n", DNS_TXT, false },
		{ "ttl 5\ntxt a\ntxt a\n", DNS_TXT, false },
		{ "ttl 5\ntxt a\ntxt ab\n", DNS_TXT, true },
		{ "ttl 5\ntxt \\065\n", DNS_TXT, false }, /* "A" needs no escape */
		{ "ttl 5\ntxt \\092\\010\\255\n", DNS_TXT, true },
		{ "ttl 5\ntxt \\256\n", DNS_TXT, false },
		{ "ttl 5\ntxt \\09\n", DNS_TXT, false },
		{ "ttl 5\ntxt a", DNS_TXT, false },
		{ "ttl 5\n", DNS_TXT, false },
		{ "txt a\n", DNS_TXT, false },
		{ "ttl -1\ntxt a\n", DNS_TXT, false },
		{ "ttl 2147483648\ntxt a\n", DNS_TXT, false },
		{ "ttl 5\nmx 10 a.example\n", DNS_MX, true },
		{ "ttl 5\nmx 10 a.example\n", DNS_TXT, false },
		{ "ttl 5\nmx 65536 a.example\n", DNS_MX, false },
		{ "ttl 5\nmx 10 A.example\n", DNS_MX, false },
		{ "ttl 5\nmx 10 a.example.\n", DNS_MX, false },
		{ "ttl 5\nmx 0 .\n", DNS_MX, false }, /* a null MX says: no mail here */
		{ "ttl 5\nmx 010 a.example\n", DNS_MX, false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rrset s;
		bool ok = rrset_read(&s, rows[i].value, rows[i].type, NULL) == RC_OK;
		if (ok != rows[i].ok)
			printf("     row %zu\n", i);
		CHECK(ok == rows[i].ok);
		rrset_fini(&s);
	}
}

/* As it is read so it stands in the prerequisite: another spelling of the number is another record.
 */
static void
the_epoch_is_what_ferryman_wrote_or_odd(void)
{
#define OURS "store=0123456789abcdef0123456789abcdef"
	static const struct {
		const char *value;
		bool taken, odd;
	} rows[] = {
		{ "", false, false },
		{ "ttl 0\ntxt " OURS " lsn=5\n", true, false },
		{ "ttl 60\ntxt " OURS " lsn=18446744073709551615\n", true, false },
		{ "ttl 0\ntxt " OURS " lsn=18446744073709551616\n", false, true },
		{ "ttl 0\ntxt " OURS " lsn=-1\n", false, true },
		{ "ttl 0\ntxt " OURS " lsn=+5\n", false, true },
		{ "ttl 0\ntxt " OURS " lsn= 5\n", false, true },
		{ "ttl 0\ntxt " OURS " lsn=05\n", false, true },
		{ "ttl 0\ntxt " OURS "  lsn=5\n", false, true },
		{ "ttl 0\ntxt " OURS " lsn=5 \n", false, true },
		{ "ttl 0\ntxt " OURS " lsn=\n", false, true },
		{ "ttl 0\ntxt store=0123 lsn=5\n", false, true },
		{ "ttl 0\ntxt " OURS " lsn=5\ntxt x\n", false, true },
		{ "ttl 0\ntxt a\ntxt " OURS " lsn=5\n", false, true },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char store[33] = "";
		uint64_t lsn = 0;
		bool odd = false, taken = rrset_marker_read(rows[i].value, store, &lsn, &odd);

		if (taken != rows[i].taken || odd != rows[i].odd)
			printf("     row %zu\n", i);
		CHECK(taken == rows[i].taken && odd == rows[i].odd);
		CHECK(!taken || (strlen(store) == 32 && lsn != 0));
	}
}

static void
what_a_hand_types_is_one_line_with_prerequisites(void)
{
	struct got seen = { 0 };
	struct buf b;
	const struct effect e = change(SPF, TXT_ONE, "ttl 60\ntxt it's \"quoted\"\n", 1, &seen);

	OPEN(&rfc2136_connector, yaml);
	buf_init(&b, &stdmem, 65536);
	rig.kind->by_hand(rig.cfg, &e, &b);
	const char *t = buf_text(&b);
	CHECK(strchr(t, '\n') == t + b.len - 1);
	CHECK(strstr(t, "prereq yxrrset corp.example. TXT \"token=\\092one\"") != NULL);
	CHECK(strstr(t, "update delete corp.example. TXT") != NULL);
	CHECK(strstr(t, "update add corp.example. 60 TXT \"it'\\''s \\034quoted\\034\"") != NULL);
	CHECK(strstr(t, KEY) == NULL); /* the secret is read when typed, never shown */
	buf_fini(&b);
	rig_close();
}

/* --- real servers --- */

static bool
answers(void)
{
	char cmd[100];

	(void)snprintf(cmd, sizeof cmd, "exec 3<>/dev/tcp/127.0.0.1/%s", port);
	return RUN("bash", "-c", cmd) == 0;
}

static bool
run_server(const char *const *argv)
{
	(void)fflush(stdout);
	server = fork();
	if (server == 0) {
		rig_child();
		rig_mute();
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	for (int i = 0; i < 250; i++) {
		struct timespec t = { 0, 20000000 };
		if (answers())
			return true;
		(void)nanosleep(&t, NULL);
	}
	rig_stop(server);
	server = 0;
	return false;
}

static void
zone_file(void)
{
	rig_put("zone", "$ORIGIN corp.example.\n$TTL 300\n@ SOA ns1 h 1 5 5 50 5\n@ NS ns1\nns1 A "
			"127.0.0.1\n@ MX 10 mx.cloudmail.example.\n"
			"cut TXT \"first\" \"second\"\ncut TXT \"third\"\n@ TXT \"v=spf1 "
			"include:spf.cloudmail.example -all\"\n@ TXT \"token=\\\\one\"\n");
}

static bool
bind_start(const char *program)
{
	char text[1500];

	zone_file();
	(void)snprintf(text, sizeof text,
		"options { directory \"%s\"; listen-on port %s { 127.0.0.1;  }; "
		"listen-on-v6 { "
		"none; }; pid-file none; session-keyfile none; recursion no; dnssec-validation no; "
		"};\n"
		"controls { };\nkey ferryman { algorithm hmac-sha256; secret \"" KEY "\"; };\n"
		"zone \"corp.example\" { type primary; file \"zone\"; update-policy { grant "
		"ferryman name cut.corp.example. TXT; grant "
		"ferryman name corp.example. TXT MX; grant ferryman name _ferryman.corp.example. "
		"TXT; }; };\n",
		rig.dir, port);
	rig_put("named.conf", text);
	return run_server(
		(const char *const[]){ program, "-f", "-c", rig_file("named.conf"), NULL });
}

static bool
knot_start(const char *program)
{
	char text[1500];

	zone_file();
	(void)snprintf(text, sizeof text,
		"server:\n    rundir: \"%s\"\n    listen: 127.0.0.1@%s\n"
		"database:\n    storage: \"%s\"\nkey:\n  - id: ferryman\n    algorithm: "
		"hmac-sha256\n    secret: " KEY "\n"
		"acl:\n  - id: ferryman\n    key: ferryman\n    action: update\n    update-type: "
		"[MX, TXT]\n    update-owner: name\n    update-owner-match: equal\n    "
		"update-owner-name: [corp.example., cut.corp.example., _ferryman.corp.example.]\n"
		"zone:\n  - domain: corp.example\n    storage: \"%s\"\n    file: zone\n    acl: "
		"ferryman\n",
		rig.dir, port, rig.dir, rig.dir);
	rig_put("knot.conf", text);
	return run_server((const char *const[]){ program, "-c", rig_file("knot.conf"), NULL });
}

static void
a_key_reaches_no_further_than_its_rights(void)
{
	OPEN(&rfc2136_connector, yaml);
	struct got seen = *rig_read("dns.rrset www.corp.example TXT");
	struct effect e = change(
		"dns.rrset www.corp.example TXT", "", "ttl 60\ntxt x\n", seen.lsn + 1, &seen);
	CHECK_INT(rig_apply(&e)->outcome, OUT_REFUSED);
	CHECK_STR(rig_read("dns.rrset www.corp.example TXT")->value, "");
	rig_close();
}

static void
what_by_hand_says_does_the_same(void)
{
	struct buf b;

	OPEN(&rfc2136_connector, yaml);
	struct got seen = *rig_read(SPF);
	struct effect e = change(SPF, seen.value,
		"ttl 60\ntxt it's \"quoted\" \\092 \\255\ntxt v=spf1 -all\n", 1, &seen);
	buf_init(&b, &stdmem, 65536);
	rig.kind->by_hand(rig.cfg, &e, &b);
	CHECK(setenv("FERRYMAN_CREDENTIALS", rig.dir, 1) == 0);
	CHECK_INT(RUN("sh", "-c", buf_text(&b)), 0);
	CHECK_STR(rig_read(SPF)->value, e.want);
	CHECK(RUN("sh", "-c", buf_text(&b)) != 0); /* its prerequisites no longer hold */
	buf_fini(&b);
	rig_close();
}

/* The commands say `nsupdate`: whichever there is comes first in PATH. */
static void
by_hand_if_nsupdate(const char *what)
{
	char program[400], path[4800];
	const char *old = getenv("PATH");

	if (!rig_server("nsupdate", program, sizeof program)) {
		SKIP(what, program);
		return;
	}
	*strrchr(program, '/') = '\0';
	(void)snprintf(path, sizeof path, "%s:%s", program, old != NULL ? old : "/usr/bin:/bin");
	if (setenv("PATH", path, 1) != 0)
		exit(2);
	TEST(what_by_hand_says_does_the_same);
}

/* A server listens before it has its zone. */
static void
until_it_has_its_zone(void)
{
	OPEN(&rfc2136_connector, yaml);
	for (int i = 0; i < 50; i++) {
		struct timespec t = { 0, 100000000 };
		if (rig_read(MX)->outcome == OUT_DONE)
			break;
		(void)nanosleep(&t, NULL);
	}
	rig_close();
}

static void
real(const char *what, const char *name, bool (*start)(const char *program))
{
	char program[400];

	if (!rig_server(name, program, sizeof program)) {
		SKIP(what, program);
		return;
	}
	rig_dir_new();
	rig_put("tsig.key", KEY "\n");
	(void)snprintf(port, sizeof port, "%d", rig_free_port());
	yaml_for("127.0.0.1");
	if (!start(program)) {
		SKIP(what, "it does not start here");
	} else {
		until_it_has_its_zone();
		TEST(it_keeps_the_contract);
		TEST(every_server_is_asked_apart);
		TEST(a_record_that_others_cut_otherwise_is_no_conflict);
		TEST(a_key_reaches_no_further_than_its_rights);
		by_hand_if_nsupdate(what);
		rig_stop(server);
	}
	(void)RUN("rm", "-rf", "--", rig.dir);
}

int
main(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	rig_dir_new();
	rig_put("tsig.key", KEY "\n");
	const char *argv[] = { "python3", "tests/contract/fake_dns.py", rig.dir, NULL };
	server = rig_start(argv, port, sizeof port);
	yaml_for("127.0.0.1, 127.0.0.2");
	if (server == 0) {
		SKIP("rfc2136", "python3 is missing");
	} else {
		TEST(it_keeps_the_contract);
		TEST(every_server_is_asked_apart);
		TEST(a_record_that_others_cut_otherwise_is_no_conflict);
		TEST(a_lost_answer_is_unknown_and_then_done);
		TEST(a_refusal_is_judged_by_the_number_that_stands_there);
		TEST(a_yes_that_changed_nothing_is_not_believed);
		TEST(a_server_that_lags_is_seen);
		TEST(a_wrong_key_is_refused);
		TEST(what_a_hand_types_is_one_line_with_prerequisites);
		TEST(a_silent_or_absent_server_gives_unknown_or_retry);
		rig_stop(server);
	}
	TEST(values_are_canonical_or_refused);
	TEST(the_epoch_is_what_ferryman_wrote_or_odd);
	(void)RUN("rm", "-rf", "--", rig.dir);
	real("rfc2136 on BIND", "named", bind_start);
	real("rfc2136 on Knot DNS", "knotd", knot_start);
	return check_end();
}
