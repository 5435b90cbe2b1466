/* books.c - the playbooks that this ferryman serves, and those that old runs were started with. */
#include "base/text.h"
#include "os/log.h"
#include "os/stdmem.h"
#include "shell/inside.h"
#include "shell/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
say_warnings(const struct findings *f)
{
	for (size_t i = 0; i < findings_n(f); i++) {
		const struct finding *one = findings_at(f, i);
		struct buf b;

		buf_init(&b, &stdmem, 4096);
		finding_put(&b, one);
		log_kv(one->level == FIND_ERROR ? LOG_ERROR_ : LOG_WARN_, "playbook", "finding",
			buf_text(&b));
		buf_fini(&b);
	}
}

/* An overlay is for drills and tests: the log says what it has replaced, line by line. */
static void
say_overlay(const struct playbook *pb)
{
	const char *at, *line;
	struct buf b;
	size_t n;

	buf_init(&b, &stdmem, 1 << 20);
	playbook_overlay_put(&b, pb);
	at = buf_text(&b);
	while (text_line(&at, &line, &n)) {
		char one[256];

		(void)snprintf(one, sizeof one, "%.*s", (int)n, line);
		log_kv(LOG_INFO_, "overlay", "replaced", one + strspn(one, " "));
	}
	buf_fini(&b);
}

static enum rc
load_one(struct shell *s, const char *file, struct err *err)
{
	struct findings *f = NULL;
	struct playbook *pb = load_playbook(file, s->opts->durations, &f, err);
	struct book *b;
	char *text;
	size_t n;
	enum rc rc;

	if (pb == NULL) {
		if (f != NULL && findings_errors(f) > 0) {
			(void)err_set(err, RC_INVALID,
				"%s has %zu errors, see above; run: ferryman check %s", file,
				findings_errors(f), file);
			say_warnings(f);
		}
		findings_free(&f);
		return err->rc != RC_OK ? err->rc : err_set(err, RC_NOMEM, "out of memory");
	}
	if (!s->opts->one_shot) {
		say_warnings(f);
		say_overlay(pb);
	}
	findings_free(&f);
	text = load_text(file, s->opts->durations, &n, err);
	rc = text != NULL ? store_blob_put(s->store, pb->sha256, text, n, err) : err->rc;
	free(text);
	if (rc != RC_OK) {
		playbook_unref(&pb);
		return rc;
	}
	b = stdmem_get(sizeof *b);
	*b = (struct book){ .next = s->books, .pb = pb, .file = stdmem_str(file) };
	s->books = b;
	return RC_OK;
}

enum rc
books_load(struct shell *s, struct err *err)
{
	const struct playbook *all[64];
	size_t n = 0;

	for (size_t i = 0; i < s->opts->playbooks_n; i++) {
		enum rc rc = load_one(s, s->opts->playbooks[i], err);

		if (rc != RC_OK)
			return rc;
	}
	for (struct book *b = s->books; b != NULL && n < sizeof all / sizeof all[0]; b = b->next)
		all[n++] = b->pb;
	return playbooks_conflict(all, n, err);
}

void
books_fini(struct shell *s)
{
	while (s->books != NULL) {
		struct book *b = s->books;

		s->books = b->next;
		playbook_unref(&b->pb);
		free(b->file);
		free(b);
	}
}

/* The one in force is preferred; an older text comes from the store, for the run that started with
 * it. */
struct playbook *
books_by_hash(void *shell, const char *sha256)
{
	struct shell *s = shell;
	struct err err = { 0 };
	struct playbook *pb = NULL;
	struct book *b, **end;
	char *text = NULL;
	size_t n;

	for (b = s->books; b != NULL; b = b->next)
		if (strcmp(b->pb->sha256, sha256) == 0)
			return playbook_ref(b->pb);
	if (store_blob_get(s->store, sha256, &text, &n, &err) == RC_OK)
		pb = load_from_text(
			s->opts->playbooks_n > 0 ? s->opts->playbooks[0] : "stored", text, n, &err);
	free(text);
	if (pb == NULL) {
		log_kv(LOG_ERROR_, "playbook", "sha256", sha256, "why", err.text);
		return NULL;
	}
	/* Its targets must be found while its run goes on: it joins the list behind the others. */
	b = stdmem_get(sizeof *b);
	*b = (struct book){ .pb = playbook_ref(pb), .file = stdmem_str(pb->file), .kept = true };
	for (end = &s->books; *end != NULL; end = &(*end)->next)
		;
	*end = b;
	return pb;
}

struct playbook *
books_by_name(struct shell *s, const char *name)
{
	for (struct book *b = s->books; b != NULL; b = b->next)
		if (strcmp(b->pb->name, name) == 0 || strcmp(b->pb->sha256, name) == 0)
			return b->pb;
	return NULL;
}
