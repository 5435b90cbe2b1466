/* cmd_audit.c - the journal proved: chain, head, earlier heads, and the first record that is wrong.
 */
#include "base/json.h"
#include "base/text.h"
#include "cli/cli.h"
#include "os/digest.h"
#include "os/sign.h"
#include "os/stdmem.h"
#include "state/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ANCHORS_MAX = 64, ANSWER_MAX = 256 * 1024 };

struct asked {
	struct audit_anchor anchor[ANCHORS_MAX];
	char head[ANCHORS_MAX][96];		/* NUMBER:HASH of those that are signed */
	char signature[ANCHORS_MAX][SIGN_TEXT]; /* "" = not signed */
	size_t n;
	struct audit told;
	struct err forged; /* the first signature that does not fit */
};

static void
put_json(const struct asked *a, int exit)
{
	const struct audit *t = &a->told;
	struct buf b;
	struct jw w;

	buf_init(&b, &stdmem, ANSWER_MAX);
	jw_init(&w, &b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "verb", "audit");
	jw_int(&w, "exit", exit);
	jw_bool(&w, "sound", t->fault == CHAIN_NONE && a->forged.rc == RC_OK);
	jw_str(&w, "store", t->known ? t->head.store : NULL);
	jw_bool(&w, "copy", t->copy);
	jw_uint(&w, "era", t->head.era);
	jw_uint(&w, "epoch", t->head.epoch);
	jw_uint(&w, "records", t->records);
	jw_uint(&w, "texts", t->texts);
	jw_str(&w, "head", t->known ? t->head.hash : NULL);
	jw_str(&w, "fault", t->fault != CHAIN_NONE ? chain_fault_name(t->fault) : NULL);
	jw_uint(&w, "record", t->bad);
	jw_str(&w, "why", a->forged.rc != RC_OK ? a->forged.text : t->why);
	jw_open(&w, "heads", '[');
	for (size_t i = 0; i < a->n; i++) {
		jw_open(&w, NULL, '{');
		jw_str(&w, "head", a->anchor[i].hash);
		jw_uint(&w, "record", a->anchor[i].seq);
		jw_close(&w, '}');
	}
	jw_close(&w, ']');
	jw_close(&w, '}');
	printf("%s\n", buf_text(&b));
	buf_fini(&b);
}

static void
put_text(const struct cli *c, const struct asked *a)
{
	const struct audit *t = &a->told;

	if (t->known)
		printf("journal   %s (store %s, era %" PRIu64 ", epoch %" PRIu64 ")%s\n",
			cli_state_dir(c), t->head.store, t->head.era, t->head.epoch,
			t->copy ? ", a backup copy" : "");
	else
		printf("journal   %s\n", cli_state_dir(c));
	printf("records   %" PRIu64 " sound from the first; %" PRIu64
	       " of them name a playbook's text, which is kept\n",
		t->records, t->texts);
	for (size_t i = 0; i < a->n; i++)
		if (a->anchor[i].seq > 0)
			printf("head      %s is record %" PRIu64 "%s\n", a->anchor[i].hash,
				a->anchor[i].seq,
				a->signature[i][0] == '\0' ? ""
				: a->forged.rc == RC_OK	   ? ", and its signature is ours"
							   : "");
		else
			printf("head      %s was not found\n", a->anchor[i].hash);
	if (t->fault == CHAIN_NONE && a->forged.rc != RC_OK)
		printf("forged    %s\n", a->forged.text);
	else if (t->fault == CHAIN_NONE)
		printf("sound     head %" PRIu64 ":%s; note it elsewhere, and hold it against the "
		       "journal later with --head\n",
			t->head.seq, t->head.hash);
	else
		printf("%-9s %s\n", chain_fault_name(t->fault), t->why);
}

/* "HASH", "NUMBER:HASH" or "NUMBER:HASH:SIGNATURE". */
static bool
read_head(struct asked *a, size_t i, const char *text)
{
	const char *first = strchr(text, ':'),
		   *last = first != NULL ? strchr(first + 1, ':') : NULL;

	if (last == NULL)
		return audit_anchor_read(text, &a->anchor[i]);
	if ((size_t)(last - text) >= sizeof a->head[i] || strlen(last + 1) != SIGN_TEXT - 1)
		return false;
	(void)snprintf(a->head[i], sizeof a->head[i], "%.*s", (int)(last - text), text);
	(void)snprintf(a->signature[i], sizeof a->signature[i], "%s", last + 1);
	return audit_anchor_read(a->head[i], &a->anchor[i]);
}

static bool
signatures_fit(const struct cli *c, struct asked *a)
{
	const char *key = cli_opt(c, "key");
	char own[4096], text[256];

	(void)snprintf(own, sizeof own, "%.4000s/head.pub", cli_state_dir(c));
	for (size_t i = 0; i < a->n; i++) {
		if (a->signature[i][0] == '\0')
			continue;
		(void)snprintf(
			text, sizeof text, HEAD_SIGNED "%s %s", a->told.head.store, a->head[i]);
		if (sign_check(key != NULL ? key : own, text, a->signature[i], &a->forged) !=
			RC_OK) {
			(void)err_prefix(&a->forged, "head %.20s...", a->head[i]);
			return false;
		}
	}
	return true;
}

static int
run_audit(struct cli *c)
{
	const char *heads[ANCHORS_MAX];
	struct err err = { 0 };
	struct asked a = { 0 };
	int exit;

	if (!text_eq(cli_arg(c, 0), "verify"))
		return cli_fail(c, CLI_USAGE, "\"%s\": there is only: audit verify", cli_arg(c, 0));
	a.n = cli_opt_all(c, "head", heads, ANCHORS_MAX);
	for (size_t i = 0; i < a.n; i++)
		if (!read_head(&a, i, heads[i]))
			return cli_fail(c, CLI_USAGE,
				"--head %s: want the 64 hexadecimal digits of a record's hash, "
				"NUMBER:HASH, or NUMBER:HASH:SIGNATURE",
				heads[i]);
	digest_warm();
	if (audit_verify(cli_state_dir(c), a.anchor, a.n, &a.told, &err) != RC_OK)
		return cli_fail_err(c, &err);
	exit = a.told.fault == CHAIN_NONE ? CLI_DONE : CLI_FAILED;
	if (a.told.known && !signatures_fit(c, &a))
		exit = CLI_FAILED;
	if (cli_json(c))
		put_json(&a, exit);
	else
		put_text(c, &a);
	return exit;
}

static const struct cli_opt opts[] = {
	{ "head", "HEAD",
		"a head noted earlier (HASH, NUMBER:HASH, or NUMBER:HASH:SIGNATURE as "
		"notifications "
		"carry it) must be in the journal; may be given several times" },
	{ "key", "FILE",
		"public key that must have signed it; default: head.pub in the state folder" },
	{ NULL, NULL, NULL },
};

const struct cli_verb verb_audit = { "audit", "verify", 1, 1, "Prove that the journal is whole",
	"Checks the chain of hashes over the stored bytes, the order of LSNs, the head file, the "
	"playbooks' texts and\n"
	"the database itself, and names the first record that was changed, deleted, swapped, "
	"inserted, cut off or\n"
	"rewritten. Needs no lock. A history that was rewritten together with its head file is "
	"only shown by a head\n"
	"that was noted elsewhere before: each notification carries one.",
	opts, run_audit };
