/*
 * incfile.h - a written incident: what the sources of a company would have answered, what was true
 * behind it, and when the provider admitted it. Never a diagnosis: that is for the core to find.
 * The format for people: docs/INCIDENTS.md.
 */
#ifndef FERRYMAN_CONFIG_INCFILE_H
#define FERRYMAN_CONFIG_INCFILE_H

#include "base/num.h"
#include "config/playbook.h"

enum inc_role {
	ROLE_ANY,
	ROLE_PRIMARY, /* the path that the playbook prefers */
	ROLE_BACKUP,  /* where its cut-over takes the mail; without one, the next path */
	ROLE_OTHER,   /* the n-th of its other paths */
	ROLE_ANCHOR,  /* hosts that have nothing to do with the provider; n 0 = all of them */
	ROLE_N
};

enum inc_verdict { INC_OK, INC_DEGRADED, INC_BAD, INC_UNKNOWN };

/* One line of the observations. Times are from the incident's beginning, in ms. */
struct inc_line {
	const char *kind; /* of signal; "any" */
	enum inc_role role;
	int64_t n; /* other:N, anchor:N */
	bool flow_given;
	enum flow flow;
	const char *signal;	     /* its name; NULL = all */
	const char *subject, *class; /* a name, or the number of one (from 1); NULL = all */
	enum inc_verdict verdict;
	bool untested; /* the source fails its own test */
	bool from_given, until_given;
	int64_t from_ms, until_ms; /* until: no longer */
	const char *why;
	int line; /* of the file */
};

/* What was true: of the mail of one flow by one path, so much came back to its sender. */
struct inc_truth {
	enum inc_role role; /* primary or backup */
	enum flow flow;
	int64_t from_ms, until_ms;
	int64_t refused_bp;
};

struct incfile {
	const char *name, *summary;
	int64_t begins_wall_ms, lasts_ms;
	bool admitted; /* by the provider, in public */
	int64_t admitted_ms;
	const char *admitted_by;  /* where; NULL */
	struct rate mail[FLOW_N]; /* so much is sent; count 0 = the file does not say */
	const struct inc_line *line;
	size_t lines_n;
	const struct inc_truth *truth;
	size_t truth_n;
};

/*
 * incfile_read - NULL when it has errors. *ret_findings is always set (or memory ran out), for the
 * caller to free.
 */
struct incfile *incfile_read(const struct mem *mem, const char *file, const char *text, size_t n,
	struct findings **ret_findings);
void incfile_free(struct incfile **f);

/* inc_role_read - "primary" "backup" "other:2" "anchor" "anchor:1" "any"; false = none of them. */
bool inc_role_read(const char *s, enum inc_role *ret, int64_t *ret_n);
const char *inc_role_name(enum inc_role r);

#endif
