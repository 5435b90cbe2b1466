/*
 * fuzz_playbook.c - a playbook's YAML, with an overlay of durations behind PLAYBOOK_OVERLAY_MARK if
 * it has one.
 */
/* parser: orchestrator/config/yaml.c */
/* parser: orchestrator/config/value.c */
/* parser: orchestrator/config/cfg.c cfg_read */
/* parser: orchestrator/config/playbook.c */
/* parser: orchestrator/config/procedures.c */
/* parser: orchestrator/config/overlay.c */
/* parser: orchestrator/base/num.c digits num_int unit_of num_duration num_percent num_rate
 * num_n_of_m */
#include "fuzz/fuzz.h"
#include "lib/playbook_rig.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char mark[] = PLAYBOOK_OVERLAY_MARK;
	const char *text = (const char *)data, *over = memmem(text, n, mark, sizeof mark - 1);
	size_t len = over != NULL ? (size_t)(over - text) : n;
	char *own = fuzz_text(text, len);
	char *overlay = over != NULL
				? fuzz_text(over + sizeof mark - 1, n - len - (sizeof mark - 1))
				: NULL;
	struct findings *f = NULL;
	struct playbook *pb;
	struct buf b;

	check_state.name = "playbook";
	pb = rig_load_with(&stdmem, own, len, overlay, &f);
	if (f == NULL || (pb == NULL) != (findings_errors(f) > 0))
		abort();
	buf_init(&b, &stdmem, 1024 * 1024);
	for (size_t i = 0; i < findings_n(f); i++) {
		if (findings_at(f, i)->at.line < 0 || findings_at(f, i)->text[0] == '\0')
			abort();
		finding_put(&b, findings_at(f, i));
	}
	if (pb != NULL)
		playbook_overlay_put(&b, pb);
	buf_fini(&b);
	findings_free(&f);
	playbook_unref(&pb);
	free(own);
	free(overlay);
	return 0;
}
