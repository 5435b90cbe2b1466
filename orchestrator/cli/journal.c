/* journal.c - the store opened for reading, and the playbooks that are kept in it. */
#include "cli/journal.h"

#include "os/digest.h"
#include "shell/load.h"

#include <stdlib.h>
#include <string.h>

enum rc
journal_open(struct journal *ret, const struct cli *c, struct err *err)
{
	const struct store_opts so = { .dir = cli_state_dir(c), .mode = STORE_READER };

	memset(ret, 0, sizeof *ret);
	digest_warm();
	return store_open(&ret->store, &so, &ret->head, err);
}

void
journal_close(struct journal *j)
{
	store_close(&j->store);
}

struct playbook *
journal_playbook(void *journal, const char *sha256)
{
	struct journal *j = journal;
	struct playbook *pb = NULL;
	struct err err = { 0 };
	char *text = NULL;
	size_t n = 0;

	if (store_blob_get(j->store, sha256, &text, &n, &err) == RC_OK)
		pb = load_from_text(sha256, text, n, &err);
	free(text);
	return pb;
}
