/* decide_rig.h - facts of a machine that a test makes up, and what the decision said. */
#ifndef FERRYMAN_TESTS_DECIDE_RIG_H
#define FERRYMAN_TESTS_DECIDE_RIG_H

#include "core/decide.h"
#include "lib/playbook_rig.h"

/* A Tuesday noon; boot time is an hour. */
enum { BOOT = 3600000, MINUTE = 60000, HOUR = 3600000 };
static const int64_t WALL = 1790000000000;

static inline struct playbook *
load(const char *from, const char *to)
{
	struct place at;
	char *text = from != NULL ? rig_edit(from, to, &at) : NULL;
	struct findings *f;
	struct playbook *pb;

	if (from != NULL && text == NULL)
		abort();
	pb = rig_load(text != NULL ? text : rig_base, NULL, &f);
	if (pb == NULL) {
		rig_print(f);
		abort();
	}
	findings_free(&f);
	free(text);
	return pb;
}

/* --- views of the diagnosis "blocked" (the first of the base) --- */

enum seen { QUIET, MET, RIPE, WELL };

static inline struct diag_view
view(const struct playbook *pb, size_t i, enum seen s)
{
	struct diag_view v = { .d = &pb->diagnoses[i], .known = true };

	if (s == MET || s == RIPE) {
		v.met = true;
		v.confirmed = s == RIPE;
		v.met_since_boot_ms = s == RIPE ? BOOT - 6 * MINUTE : BOOT - MINUTE;
		v.groups_bad = v.groups_known = 2;
		v.receivers_bad = 2;
		v.share_bp = 5000;
	} else if (s == WELL) {
		v.cleared = true;
		v.clear_since_boot_ms = BOOT - 3 * HOUR > 0 ? BOOT - 3 * HOUR : 1;
		v.groups_known = 2;
	}
	return v;
}

static inline bool
says(const struct decision *d, const char *words)
{
	for (size_t i = 0; i < d->reasons_n; i++)
		if (strstr(d->reasons[i], words) != NULL)
			return true;
	return false;
}

static inline void
print_decision(const char *name, const struct decision *d)
{
	printf("     %s: %s, row %d\n", name, d->any ? life_event_name(d->event) : "nothing",
		d->row != NULL ? d->row->id : 0);
	for (size_t i = 0; i < d->reasons_n; i++)
		printf("       %s\n", d->reasons[i]);
}

static inline struct facts
facts_of(const struct playbook *pb, enum life_state s, const struct diag_view *v)
{
	return (struct facts){ .pb = pb,
		.state = s,
		.boot_ms = BOOT,
		.wall_ms = WALL,
		.diag = v,
		.diag_n = 2,
		.base_ready = true };
}

#endif
