/* build.h - a playbook while it is being put together. Inside config/ only. */
#ifndef FERRYMAN_CONFIG_BUILD_H
#define FERRYMAN_CONFIG_BUILD_H

#include "config/cfg.h"
#include "config/playbook.h"
#include "config/rows.h"

struct build {
	struct playbook pb; /* first: playbook_ref and _unref know it by this */
	struct mem mem;
	struct arena *a;
	struct reader r;
	const struct playbook_input *in; /* only while loading */
	const struct cfg *top;		 /* the same */
	const char *overlay_said;
	unsigned refs;
};

const struct conninfo *build_connector(
	struct build *b, const struct ynode *n, const char *key, unsigned want, const char *path);

/* procedures.c */
void build_procedures(struct build *b, const struct cfg *top);
void build_windows(struct build *b, const struct cfg *blackout); /* NULL = none */

/* refs.c: every V_REF names something that is there. */
void ref_check(struct build *b, const struct cfg *c, const char *path);
void build_refs(struct build *b, const struct cfg *top);

/* lint.c: what is legal but unwise; only for a playbook without errors. */
void lint_run(const struct playbook *pb, const struct cfg *top, struct findings *f);
struct lint_rule {
	const char *id;
	enum finding_level level;
	const char *doc;
};
extern const struct lint_rule lint_rules[]; /* ended by id NULL */

#endif
