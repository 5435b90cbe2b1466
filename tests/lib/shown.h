/*
 * shown.h - what a plan's text, and its commands by hand, say will be changed: read from the
 * printed lines, as a person reads them, and never from the plan's own structure.
 */
#ifndef FERRYMAN_TESTS_SHOWN_H
#define FERRYMAN_TESTS_SHOWN_H

#include <stdbool.h>
#include <stddef.h>

enum { SHOWN_MAX = 16, SHOWN_LINES = 12, SHOWN_VALUE = 512 };

/* One change. Of the text: lines that go and lines that come; of commands: the value afterwards. */
struct shown {
	char target[32], resource[96];
	bool already;				    /* "already so": nothing is sent for it */
	bool act;				    /* mail is let go: no value, but a rate */
	char minus[SHOWN_VALUE], plus[SHOWN_VALUE]; /* lines */
	char after[SHOWN_VALUE];		    /* by hand: the value */
	char rate[96];
};

struct shown_list {
	struct shown at[SHOWN_MAX];
	size_t n;
};

/* shown_text - the changes of a printed plan; false: a line that cannot be read, or too many. */
bool shown_text(const char *text, struct shown_list *ret);

/* shown_by_hand - what the printed commands do. hosts: pairs of a host as it is printed and the
 * target's name, NULL-ended. */
bool shown_by_hand(const char *text, const char *const *hosts, struct shown_list *ret);

/* shown_apply - the value after a change of the text; false: a line that goes is not there, or one
 * that comes is there already. shown_same - the same lines, in whatever order. */
bool shown_apply(const struct shown *s, const char *before, char ret[SHOWN_VALUE]);
bool shown_same(const char *a, const char *b);

#endif
