/*
 * target_postfix.c - connector postfix over a real SSH server on loopback, with the real helper as
 * forced command and Postfix's tools played by this program. Without sshd it is skipped.
 */
#include "contract/helper_rig.h"
#include "contract/target_rig.h"
#include "net/ssh.h"

#include <limits.h>
#include <pwd.h>

extern const struct connector postfix_connector;

#define ROUTE "relay.route corp.example"
#define PARK "relay.park corp.example"
#define HALF "next nsmail:[relay.nsmail.example]:587\nshare 50\n"

static char yaml[2048], conf_file[400], sshd_path[400];
static int port;
static pid_t sshd;

static bool
listens(void)
{
	char cmd[100];

	(void)snprintf(cmd, sizeof cmd, "exec 3<>/dev/tcp/127.0.0.1/%d", port);
	return RUN("bash", "-c", cmd) == 0;
}

static bool
sshd_start(void)
{
	(void)fflush(stdout);
	sshd = fork();
	if (sshd == 0) {
		rig_child();
		execl(sshd_path, sshd_path, "-D", "-f", conf_file, "-E", rig_file("sshd.log"),
			(char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 500; i++) {
		struct timespec t = { 0, 20000000 };
		if (listens())
			return true;
		if (waitpid(sshd, NULL, WNOHANG) == sshd) {
			sshd = 0;
			return false;
		}
		(void)nanosleep(&t, NULL);
	}
	return false;
}

/* Its children (one for each session) die with it: a killed relay. */
static void
sshd_stop(void)
{
	char cmd[100];

	if (sshd <= 0)
		return;
	(void)snprintf(cmd, sizeof cmd, "pkill -KILL -P %d; exit 0", (int)sshd);
	(void)RUN("sh", "-c", cmd);
	rig_stop(sshd);
	sshd = 0;
}

/* NULL, or why this cannot be tested here. */
static const char *
begin(void)
{
	char text[2000 + PATH_MAX], key[300], helper[PATH_MAX];
	const char *build = getenv("BUILD");
	const struct passwd *me = getpwuid(geteuid());
	FILE *f;

	rig_new("rate 100/1000\nper_receiver 100/1000\n");
	(void)snprintf(rig.dir, sizeof rig.dir, "%.190s", rig_dir);
	(void)snprintf(text, sizeof text, "%s/ferryman-relay", build != NULL ? build : ".build");
	if (realpath(text, helper) == NULL)
		return "the relay helper is not built";
	if (me == NULL || strstr(me->pw_shell, "nologin") != NULL ||
		strstr(me->pw_shell, "/false") != NULL)
		return "sshd runs the helper by its user's shell, and this user has none";
	if (RUN("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", rig_file("host")) != 0 ||
		RUN("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", rig_file("other")) != 0 ||
		RUN("ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", rig_file("host-ecdsa")) !=
			0 ||
		RUN("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", rig_file("id")) != 0)
		return "ssh-keygen makes no keys";
	f = fopen(rig_file("id.pub"), "re");
	if (f == NULL || fgets(key, sizeof key, f) == NULL)
		return "ssh-keygen made no public key";
	(void)fclose(f);
	(void)snprintf(text, sizeof text, "restrict,command=\"%s --home %s\" %s", helper,
		rig_path("home"), key);
	rig_put("keys", text);
	port = rig_free_port();
	(void)snprintf(text, sizeof text,
		"Port %d\nListenAddress 127.0.0.1\nHostKey %s\nAuthorizedKeysFile %s\nStrictModes "
		"no\nUsePAM no\nUseDNS no\nPermitRootLogin yes\n"
		"PasswordAuthentication no\nPidFile none\nMaxStartups 100\n",
		port, rig_file("host"), rig_file("keys"));
	rig_put("sshd.conf", text);
	(void)snprintf(conf_file, sizeof conf_file, "%s", rig_file("sshd.conf"));
	(void)snprintf(yaml, sizeof yaml,
		"host: 127.0.0.1\nport: %d\nuser: %s\nkey: {file: id}\nhost_key: {file: "
		"host.pub}\n",
		port, me->pw_name);
	return sshd_start() ? NULL : "sshd does not start here";
}

/* The helper runs and waits for its lock, which we hold: what was sent may be done any time later.
 */
static void
hang(bool on)
{
	static int fd = -1;

	if (on) {
		fd = open(rig_path("home/state/lock"), O_RDWR | O_CLOEXEC);
		CHECK(fd >= 0 && flock(fd, LOCK_EX) == 0);
	} else {
		(void)close(fd);
	}
}

static void
cut(bool on)
{
	if (on)
		sshd_stop();
	else
		CHECK(sshd_start());
}

static void
it_keeps_the_contract(void)
{
	const struct contract c = { .resource = ROUTE,
		.one = "",
		.two = RIG_NEXT,
		.third = HALF,
		.bad_value = "share 50\n",
		.bad_resource = "relay.route Corp",
		.marks = true,
		.hang = hang,
		.cut = cut };

	OPEN(&postfix_connector, yaml);
	rig_contract(&c, &postfix_connector, yaml);
	rig_close();
}

static void
a_relay_that_stops_answering_leaves_unknown(void)
{
	OPEN(&postfix_connector, yaml);
	struct got seen = *rig_read(ROUTE);
	struct effect e = { .resource = ROUTE,
		.dir = CONN_DO,
		.base = seen.value,
		.version = "",
		.want = HALF,
		.store = STORE_A,
		.lsn = seen.lsn + 1,
		.options = "",
		.deadline_ms = 1500 };
	hang(true);
	enum outcome o = rig_apply(&e)->outcome;
	CHECK_INT(o, OUT_UNKNOWN);
	hang(false);
	e.deadline_ms = 8000;
	CHECK_INT(rig_apply(&e)->outcome,
		OUT_DONE); /* the same number, whatever became of the first */
	CHECK_STR(rig_read(ROUTE)->value, HALF);
	rig_close();
}

static void
only_the_pinned_host_key_is_believed(void)
{
	char other[2048];
	static const char *const keys[] = { "other.pub}", "host-ecdsa.pub}" };

	for (int i = 0; i < 2; i++) {
		(void)snprintf(other, sizeof other, "%s", yaml);
		char *at = strstr(other, "host.pub}");
		(void)snprintf(at, sizeof other - (size_t)(at - other), "%s", keys[i]);
		OPEN(&postfix_connector, other);
		CHECK_INT(rig_read(ROUTE)->outcome, OUT_REFUSED);
		rig_close();
	}
	OPEN(&postfix_connector, yaml); /* the twin */
	CHECK_INT(rig_read(ROUTE)->outcome, OUT_DONE);
	rig_close();
}

static void
a_shelter_is_opened_and_let_go(void)
{
	struct effect e = { .resource = PARK,
		.dir = CONN_DO,
		.base = "",
		.version = "",
		.want = "parked\n",
		.store = STORE_A,
		.options = "",
		.deadline_ms = 8000 };

	OPEN(&postfix_connector, yaml);
	e.lsn = rig_read(PARK)->lsn + 1;
	CHECK_INT(rig_apply(&e)->outcome, OUT_DONE);
	CHECK_STR(rig_read(PARK)->value, "parked\n");
	rig_write(rig_path("queue"), "{\"queue_name\": \"deferred\", \"queue_id\": \"4QA\", "
				     "\"arrival_time\": 1, \"sender\": \"a@corp.example\", "
				     "\"recipients\": [{\"address\": \"b@r.example\", "
				     "\"delay_reason\": \"deferred transport\"}]}\n");
	e = (struct effect){ .resource = "relay.queue corp.example",
		.dir = CONN_DO,
		.base = "",
		.version = "",
		.want = "state open\n",
		.store = STORE_A,
		.lsn = e.lsn + 1,
		.options = "rate 10/1000\nper_receiver 5/1000\n",
		.deadline_ms = 8000 };
	CHECK_INT(rig_apply(&e)->outcome, OUT_DONE);
	for (int64_t end = rig_ms() + 5000;
		rig_ms() < end && strcmp(rig_read(PARK)->value, "") != 0;) {
		struct timespec t = { 0, 100000000 };
		(void)nanosleep(&t, NULL);
	}
	CHECK_STR(rig_read(PARK)->value, "");
	CHECK(strncmp(rig_read("relay.queue corp.example")->value,
		      "state open\nparked 0\nwaiting 0\n", 30) == 0);
	rig_close();
}

static const struct got *
selftest(void)
{
	op_id op = ++rig.last;

	rig.got[op % OPS_MAX] = (struct got){ 0 };
	rig.kind->selftest(rig.conn, op, 5000);
	return rig_wait(op, 8000);
}

static void
the_helper_and_its_postfix_are_checked(void)
{
	char v[2400];
	const char *h = rig_path("home");

	OPEN(&postfix_connector, yaml);
	const struct got *g = selftest();
	CHECK_INT(g->outcome, OUT_REFUSED);
	CHECK(strstr(g->why, "main.cf") != NULL);
	(void)snprintf(v, sizeof v,
		"lmdb:%s/maps/park lmdb:%s/maps/domains lmdb:%s/maps/slots lmdb:%s/maps/domains2 "
		"lmdb:%s/maps/slots2",
		h, h, h, h, h);
	rig_write(rig_path("main.sender_dependent_default_transport_maps"), v);
	rig_write(rig_path("main.defer_transports"), "park release release0");
	g = selftest();
	CHECK_INT(g->outcome, OUT_REFUSED);
	CHECK(strstr(g->why, "master.cf: release/unix has no smtp_delivery_status_filter") != NULL);
	rig_write(rig_path("master"), "release/unix/smtp_delivery_status_filter = pcre:/f\n"
				      "release0/unix/smtp_delivery_status_filter = pcre:/f\n");
	CHECK_INT(selftest()->outcome, OUT_DONE);
	rig_close();
}

/* --- hostile words over the transport itself: libssh2, sshd, the user's shell, the helper --- */

static struct {
	bool done, exited;
	char out[2048];
	size_t n;
} told;

static void
on_told(void *ctx, const struct ssh_result *r)
{
	(void)ctx;
	told.done = true;
	told.exited = r->end == SSH_EXITED;
	told.n = r->out_n < sizeof told.out ? r->out_n : 0;
	memcpy(told.out, r->out, told.n);
}

static bool
comes_back(struct ssh *ssh, const char *word, size_t len, const char *as)
{
	static char in[1 << 17];
	char want[600];
	const char *const words[] = { "hello", word, NULL };
	const size_t lens[] = { 5, len };
	const struct ssh_command c = { .command = "ferryman-relay",
		.in = in,
		.in_n = rig_request(in, sizeof in, words, lens),
		.deadline_ms = 8000 };
	size_t n = (size_t)snprintf(want, sizeof want, "echo %zu:", len);

	memcpy(want + n, as, len);
	memcpy(want + n + len, ",\n", 2);
	told.done = false;
	(void)ssh_exec(ssh, &c, on_told, NULL);
	while (!told.done)
		(void)uv_run(&rig.loop, UV_RUN_ONCE);
	return told.exited && memmem(told.out, told.n, want, n + len + 2) != NULL;
}

/* From now on the forced command, until its line is put back, writes down what the user's shell was
 * given, then it is the helper. */
static const char *
watch_the_shell(void)
{
	static char keys[2000];
	char *now = rig_slurp(rig_file("keys")), text[3000];

	(void)snprintf(keys, sizeof keys, "%s", now);
	free(now);
	const char *helper = strstr(keys, "command=\"") + 9, *end = strchr(helper, '"');

	(void)snprintf(text, sizeof text,
		"restrict,command=\"cat /proc/$$/cmdline >>%s; echo >>%s; echo "
		"$SSH_ORIGINAL_COMMAND >>%s; exec %.*s\"%s",
		rig_file("shell.log"), rig_file("shell.log"), rig_file("asked.log"),
		(int)(end - helper), helper, end + 1);
	rig_put("keys", text);
	return keys;
}

static int
lines_that_differ(const char *name)
{
	char cmd[500];

	(void)snprintf(cmd, sizeof cmd, "exit $(sort -u %s | wc -l)", rig_file(name));
	return RUN("sh", "-c", cmd);
}

static void
hostile_words_come_back_octet_by_octet_and_reach_no_shell(void)
{
	static char word[400];
	const char *n_text = getenv("HELPER_HOSTILE");
	int n = n_text != NULL			  ? rig_number(n_text)
		: getenv("FERRYMAN_SOAK") != NULL ? 10000
						  : 40,
	    same = 0;
	struct secret *key, *host_key;
	struct ssh *ssh = NULL;
	struct err err = { 0 };
	const char *keys = watch_the_shell();

	rig_write(rig_path("argv.log"), "");
	OPEN(&postfix_connector, yaml);
	key = rig_secret(&rig, rig.cfg, "key", &err);
	host_key = rig_secret(&rig, rig.cfg, "host_key", &err);
	const struct ssh_opts o = { .host = "127.0.0.1",
		.port = port,
		.user = getpwuid(geteuid())->pw_name,
		.key = key,
		.host_key = secret_reveal(host_key) };
	CHECK_INT(ssh_new(&ssh, rig.net, &o, &err), RC_OK);
	for (int i = 0; i < n; i++) {
		size_t len;

		rig_hostile(word, &len);
		same += comes_back(ssh, word, len, word);
	}
	CHECK_INT(same, n);
	CHECK(!comes_back(ssh, "x", 1, "y"));	      /* the twin */
	CHECK_INT(lines_that_differ("shell.log"), 1); /* the same command line each time */
	CHECK_INT(lines_that_differ("asked.log"), 1);
	CHECK(rig_file_is("argv.log", "")); /* no tool ran */
	CHECK(access("$W", F_OK) != 0);
	ssh_free(&ssh);
	rig_put("keys", keys);
	secret_free(&key);
	secret_free(&host_key);
	rig_close();
}

int
main(int argc, char **argv)
{
	rig_tool(argc, argv);
	(void)signal(SIGPIPE, SIG_IGN);
	const char *why = rig_server("sshd", sshd_path, sizeof sshd_path) ? begin() : sshd_path;
	if (why != NULL) {
		SKIP("postfix over SSH", why);
	} else {
		TEST(hostile_words_come_back_octet_by_octet_and_reach_no_shell);
		TEST(it_keeps_the_contract);
		TEST(a_relay_that_stops_answering_leaves_unknown);
		TEST(only_the_pinned_host_key_is_believed);
		TEST(a_shelter_is_opened_and_let_go);
		TEST(the_helper_and_its_postfix_are_checked);
	}
	sshd_stop();
	if (rig_dir[0] != '\0')
		rig_end();
	return check_end();
}
