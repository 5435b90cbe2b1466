/*
 * fuzz_incident.c - a written incident, for `ferryman simulate`.
 */
/* parser: orchestrator/config/incfile.c */
#include "config/incfile.h"
#include "fuzz/fuzz.h"
#include "os/stdmem.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = fuzz_text(data, n);
	struct findings *f = NULL;
	struct incfile *i = incfile_read(&stdmem, "i.yaml", text, n, &f);

	if (f == NULL || (i == NULL) != (findings_errors(f) > 0))
		abort();
	for (size_t k = 0; i != NULL && k < i->lines_n; k++) {
		const struct inc_line *l = &i->line[k];

		if (l->kind == NULL || inc_role_name(l->role)[0] == '\0' ||
			(l->from_given && l->until_given && l->from_ms >= l->until_ms))
			abort();
	}
	for (size_t k = 0; i != NULL && k < i->truth_n; k++)
		if (i->truth[k].refused_bp < 0 || i->truth[k].refused_bp > 10000)
			abort();
	findings_free(&f);
	incfile_free(&i);
	free(text);
	return 0;
}
