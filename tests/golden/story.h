/*
 * story.h - a decision case while it is played: the machine, who answers what, and what was
 * expected. decision.c plays it, wants.c compares.
 */
#ifndef FERRYMAN_TESTS_STORY_H
#define FERRYMAN_TESTS_STORY_H

#include "golden/casefile.h"
#include "golden/vmachine.h"

enum { STREAMS_MAX = 64 };

/* What a signal answers about one subject, again and again, from a moment on. */
struct stream {
	const struct signal *s;
	const struct subject *subject;
	const struct cline *line; /* that said so; NULL: says nothing */
	int64_t next;
};

struct story {
	const struct gcase *c;
	struct vmachine m;
	struct stream stream[STREAMS_MAX];
	size_t streams_n;
	int64_t end;
	struct diag_view view[16]; /* as of the last look */
	size_t views_n;
	bool tells;    /* nothing is judged: what happens is printed, see tell.c */
	size_t told_n; /* so many of the trace have been printed */
};

bool story_time(const struct cline *l, size_t i, int64_t *ret); /* word i is a duration */
void story_odd(const struct gcase *c, const struct cline *l);	/* a line that cannot be read */

/* wants.c */
bool want_untimed(const struct cline *l); /* want never|once|first ... */
void want_ever(const struct story *st, const struct cline *l);
void want_at(struct story *st, const struct cline *l, int64_t t);

/* tell.c */
void tell_trace(struct story *st);
void tell_look(struct story *st, int64_t t); /* a line `look TIME` */

#endif
