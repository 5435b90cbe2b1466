/* report.c - a report from beginning to end: read, tell, let go. */
#include "report/story.h"

#include "os/stdmem.h"

#include <stdlib.h>

/* Room for the records of one incident; the journal itself may be larger. */
#define REPORT_ARENA ((size_t)512 * 1024 * 1024)

enum rc
report_build(struct report **ret, const struct report_source *src, const char *run, struct err *err)
{
	struct report *r = stdmem_get(sizeof *r);
	enum rc rc;

	r->a = arena_new(&stdmem, REPORT_ARENA);
	r->store = src->store != NULL ? src->store : "";
	r->made_wall_ms = src->made_wall_ms;
	rc = r->a != NULL ? incident_read(r, src, run, err)
			  : err_set(err, RC_NOMEM, "out of memory");
	if (rc == RC_OK) {
		for (size_t i = 0; i < r->entries_n; i++)
			if (r->entry[i].rec.seq == r->main_seq && src->playbook != NULL)
				r->pb = src->playbook(
					src->ctx, phrase_or(r->entry[i].rec.body, "sha256", ""));
		story_tell(r);
		if (arena_failed(r->a) || r->main == NULL)
			rc = err_set(err, RC_LIMIT, "the incident does not fit into memory");
	}
	if (rc == RC_OK)
		*ret = r;
	else
		report_free(&r);
	return rc;
}

void
report_free(struct report **pr)
{
	struct report *r = *pr;

	if (r == NULL)
		return;
	*pr = NULL;
	playbook_unref(&r->pb);
	free(r->entry);
	arena_free(&r->a);
	free(r);
}
