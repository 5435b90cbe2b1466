/* evidence_rig.h - evidence with a clock that a test moves, and words that it is told: the playbook
 * of playbook_rig.h. */
#ifndef FERRYMAN_TESTS_EVIDENCE_RIG_H
#define FERRYMAN_TESTS_EVIDENCE_RIG_H

#include "base/text.h"
#include "core/evidence.h"
#include "lib/playbook_rig.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };
static const int64_t WALL0 = 1790000000000; /* wall clock at boot */

static inline struct playbook *
load_text(const char *text)
{
	struct findings *f;
	struct playbook *pb = rig_load(text, NULL, &f);

	if (pb == NULL) {
		rig_print(f);
		abort();
	}
	findings_free(&f);
	return pb;
}

static inline struct playbook *
load(const char *from, const char *to)
{
	struct place at;
	char *text = from != NULL ? rig_edit(from, to, &at) : NULL;
	struct playbook *pb;

	if (from != NULL && text == NULL)
		abort();
	pb = load_text(text != NULL ? text : rig_base);
	free(text);
	return pb;
}

/* --- a rig: evidence with a clock --- */

struct rig {
	struct playbook *pb;
	struct evidence *e;
	int64_t now; /* boot */
};

static inline struct rig
rig_of(struct playbook *pb)
{
	struct rig r = { pb, evidence_new(&stdmem, pb), 10 * MINUTE };

	if (r.e == NULL)
		abort();
	evidence_seed(r.e, 1);
	evidence_update(r.e, r.now, WALL0 + r.now);
	return r;
}

static inline void
rig_end(struct rig *r)
{
	evidence_free(&r->e);
	playbook_unref(&r->pb);
}

struct word {
	const char *signal, *subject;
	enum verdict v;
	bool harm;
	const char *via, *class;
	int64_t age, valid; /* 0 = none */
	bool untested;
};

static inline void
say(struct rig *r, struct word w)
{
	struct event ev = {
		.type = EV_SEEN, .boot_ms = r->now, .wall_ms = WALL0 + r->now, .op = 1
	};

	ev.seen.signal = w.signal;
	ev.seen.subject = w.subject;
	ev.seen.verdict = w.v;
	ev.seen.harm = w.harm;
	ev.seen.untested = w.untested;
	ev.seen.via = w.via;
	ev.seen.class = w.class;
	ev.seen.observed_wall_ms = w.age > 0 ? ev.wall_ms - w.age : 0;
	ev.seen.valid_until_wall_ms = w.valid != 0 ? ev.wall_ms + w.valid : 0;
	ev.seen.why = "said by the test";
	evidence_seen(r->e, &ev);
}

static inline void
pass(struct rig *r, int64_t ms)
{
	r->now += ms;
	evidence_update(r->e, r->now, WALL0 + r->now);
}

static inline void
anchors(struct rig *r)
{
	say(r, (struct word){ .signal = "anchor-a", .v = VERDICT_OK, .subject = "192.0.2.1" });
	say(r, (struct word){ .signal = "anchor-b", .v = VERDICT_OK, .subject = "203.0.113.80" });
	say(r, (struct word){ .signal = "anchor-a", .v = VERDICT_OK, .subject = "" });
	say(r, (struct word){ .signal = "anchor-b", .v = VERDICT_OK, .subject = "" });
}

/* n rounds, twenty seconds apart: anchors answer, and each word is said. */
static inline void
rounds(struct rig *r, int n, const struct word *w, size_t words)
{
	for (int i = 0; i < n; i++) {
		anchors(r);
		for (size_t k = 0; k < words; k++)
			say(r, w[k]);
		pass(r, 20 * SECOND);
	}
}
#define ROUNDS(r, n, ...)                                                                          \
	do {                                                                                       \
		static const struct word round_words[] = { __VA_ARGS__ };                          \
		rounds(r, n, round_words, sizeof round_words / sizeof round_words[0]);             \
	} while (0)

static inline const struct diag_view *
diag(const struct rig *r, const char *name)
{
	const struct diag_view *v;
	size_t n = evidence_diags(r->e, &v);

	for (size_t i = 0; i < n; i++)
		if (text_eq(v[i].d->name, name))
			return &v[i];
	abort();
}

#define LISTED                                                                                     \
	{                                                                                          \
		.signal = "lists", .subject = "198.51.100.25", .v = VERDICT_BAD                    \
	}
#define UNLISTED                                                                                   \
	{                                                                                          \
		.signal = "lists", .subject = "198.51.100.25", .v = VERDICT_OK                     \
	}
#define UNTESTED(verdict)                                                                          \
	{                                                                                          \
		.signal = "lists", .subject = "198.51.100.25", .v = verdict, .untested = true      \
	}
/* REFUSED(subject, .via = "..."): what else the answer said may stand behind it. */
#define REFUSED(s, ...)                                                                            \
	{                                                                                          \
		.signal = "probe", .subject = s, .v = VERDICT_BAD, .harm = true, __VA_ARGS__       \
	}
#define ARRIVED(s)                                                                                 \
	{                                                                                          \
		.signal = "probe", .subject = s, .v = VERDICT_OK                                   \
	}
#define SILENT(s)                                                                                  \
	{                                                                                          \
		.signal = "probe", .subject = s, .v = VERDICT_UNKNOWN                              \
	}

#endif
