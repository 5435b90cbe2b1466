/* tape.c - events to lines and back. What is written of an event is read by the same list of
 * members, so the two cannot drift apart. */
#include "play/tape.h"

#include "base/json.h"
#include "base/num.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const types[EV_N] = {
	[EV_OPEN] = "open",
	[EV_LOST] = "lost",
	[EV_STOP] = "stop",
	[EV_TICK] = "tick",
	[EV_PLAYBOOK] = "playbook",
	[EV_SEEN] = "seen",
	[EV_READ] = "read",
	[EV_EFFECT] = "effect",
	[EV_APPENDED] = "appended",
	[EV_SENT] = "sent",
	[EV_COMMAND] = "command",
};

/* One direction or the other: o is read, w is written. */
struct tape {
	struct jw *w;
	const struct json *o;
	bool bad; /* a member that is there has a value that none can have */
};

static void
str(struct tape *t, const char *key, const char **s)
{
	if (t->w == NULL)
		*s = json_str(t->o, key);
	else if (*s != NULL)
		jw_str(t->w, key, *s);
}

static void
num(struct tape *t, const char *key, int64_t *n)
{
	if (t->w == NULL)
		*n = json_int(t->o, key, 0);
	else if (*n != 0)
		jw_int(t->w, key, *n);
}

/* Some 140,000 years, here or there: no clock tells more, and sums with it are numbers still. Not
 * for what is compared alone. */
static void
when(struct tape *t, const char *key, int64_t *ms)
{
	const int64_t far = INT64_C(1) << 52;

	num(t, key, ms);
	t->bad = t->bad || *ms > far || *ms < -far;
}

static void
count(struct tape *t, const char *key, uint64_t *n)
{
	int64_t i = (int64_t)*n; /* LSNs, eras and operations stay far below 2^63 */

	num(t, key, &i);
	*n = (uint64_t)i;
}

static void
flag(struct tape *t, const char *key, bool *f)
{
	if (t->w == NULL)
		*f = json_flag(t->o, key);
	else if (*f)
		jw_bool(t->w, key, true);
}

static void
verdict(struct tape *t, enum verdict *v)
{
	const char *word = verdict_name(*v);

	str(t, "verdict", &word);
	if (t->w != NULL)
		return;
	for (*v = VERDICT_OK; *v < VERDICT_N && !text_eq(word, verdict_name(*v));)
		*v = (enum verdict)(*v + 1);
	t->bad = t->bad || *v == VERDICT_N;
}

static void
outcome(struct tape *t, enum outcome *o)
{
	const char *word = outcome_name(*o);

	str(t, "outcome", &word);
	if (t->w != NULL)
		return;
	*o = outcome_parse(word != NULL ? word : "");
	t->bad = t->bad || *o == OUT_N;
}

static void
verb(struct tape *t, const char *key, enum verb *v)
{
	const char *word = *v < VERB_N ? verb_name(*v) : NULL;

	str(t, key, &word);
	if (t->w == NULL)
		*v = word != NULL ? verb_parse(word) : VERB_N;
}

static void
sources(struct tape *t, struct event *ev)
{
	if (t->w != NULL && ev->read.source_n == 0)
		return;
	if (t->w != NULL) {
		jw_open(t->w, "sources", '[');
		for (size_t i = 0; i < ev->read.source_n; i++) {
			struct source_value *s = &ev->read.source[i];

			jw_open(t->w, NULL, '{');
			str(t, "source", &s->source);
			str(t, "value", &s->value);
			flag(t, "answered", &s->answered);
			jw_close(t->w, '}');
		}
		jw_close(t->w, ']');
		return;
	}
	for (const struct json *o = json_get(t->o, "sources"), *c = o != NULL ? o->child : NULL;
		c != NULL && ev->read.source_n < EV_SOURCES_MAX; c = c->next)
		ev->read.source[ev->read.source_n++] = (struct source_value){ json_str(c, "source"),
			json_str(c, "value"), json_flag(c, "answered") };
}

static void
overrides(struct tape *t, struct event *ev)
{
	if (t->w != NULL && ev->command.overrides_n == 0)
		return;
	if (t->w != NULL) {
		jw_open(t->w, "overrides", '[');
		for (size_t i = 0; i < ev->command.overrides_n; i++)
			jw_str(t->w, NULL, ev->command.overrides[i]);
		jw_close(t->w, ']');
		return;
	}
	for (const struct json *o = json_get(t->o, "overrides"), *c = o != NULL ? o->child : NULL;
		c != NULL && ev->command.overrides_n < OVERRIDE_MAX; c = c->next) {
		t->bad = t->bad || c->str == NULL;
		ev->command.overrides[ev->command.overrides_n++] = c->str;
	}
}

static void
open_(struct tape *t, struct event *ev)
{
	str(t, "store", &ev->open.store);
	count(t, "era", &ev->open.era);
	count(t, "epoch", &ev->open.epoch);
	count(t, "seq", &ev->open.seq);
	str(t, "hash", &ev->open.hash);
	str(t, "boot_id", &ev->open.boot_id);
	flag(t, "fresh", &ev->open.fresh);
	flag(t, "by_operator", &ev->open.by_operator);
	flag(t, "one_shot", &ev->open.one_shot);
}

static void
seen(struct tape *t, struct event *ev)
{
	str(t, "playbook", &ev->seen.playbook);
	str(t, "signal", &ev->seen.signal);
	str(t, "path", &ev->seen.path);
	str(t, "subject", &ev->seen.subject);
	str(t, "class", &ev->seen.class);
	str(t, "via", &ev->seen.via);
	verdict(t, &ev->seen.verdict);
	flag(t, "harm", &ev->seen.harm);
	flag(t, "untested", &ev->seen.untested);
	when(t, "observed", &ev->seen.observed_wall_ms);
	when(t, "valid_until", &ev->seen.valid_until_wall_ms);
	str(t, "why", &ev->seen.why);
}

static void
read_(struct tape *t, struct event *ev)
{
	outcome(t, &ev->read.outcome);
	str(t, "value", &ev->read.value);
	str(t, "version", &ev->read.version);
	str(t, "marker_store", &ev->read.marker_store);
	count(t, "marker_lsn", &ev->read.marker_lsn);
	sources(t, ev);
	str(t, "why", &ev->read.why);
}

static void
command(struct tape *t, struct event *ev)
{
	str(t, "req", &ev->command.req);
	str(t, "principal", &ev->command.principal);
	str(t, "via", &ev->command.via);
	verb(t, "verb", &ev->command.verb);
	verb(t, "of", &ev->command.of);
	str(t, "playbook", &ev->command.playbook);
	str(t, "procedure", &ev->command.procedure);
	str(t, "run", &ev->command.run);
	str(t, "plan_hash", &ev->command.plan_hash);
	str(t, "reason", &ev->command.reason);
	overrides(t, ev);
	num(t, "expires", &ev->command.expires_wall_ms);
	str(t, "nonce", &ev->command.nonce);
}

static void
members(struct tape *t, struct event *ev)
{
	when(t, "boot_ms", &ev->boot_ms);
	when(t, "wall_ms", &ev->wall_ms);
	count(t, "op", &ev->op);
	switch (ev->type) {
	case EV_OPEN:
		open_(t, ev);
		break;
	case EV_LOST:
		str(t, "why", &ev->lost.why);
		break;
	case EV_PLAYBOOK:
		str(t, "name", &ev->playbook.name);
		str(t, "sha256", &ev->playbook.sha256);
		str(t, "why", &ev->playbook.why);
		break;
	case EV_SEEN:
		seen(t, ev);
		break;
	case EV_READ:
		read_(t, ev);
		break;
	case EV_EFFECT:
		count(t, "lsn", &ev->effect.lsn);
		outcome(t, &ev->effect.outcome);
		str(t, "version", &ev->effect.version);
		str(t, "why", &ev->effect.why);
		break;
	case EV_APPENDED:
		outcome(t, &ev->appended.outcome);
		count(t, "seq", &ev->appended.seq);
		str(t, "hash", &ev->appended.hash);
		break;
	case EV_SENT:
		outcome(t, &ev->sent.outcome);
		str(t, "why", &ev->sent.why);
		break;
	case EV_COMMAND:
		command(t, ev);
		break;
	case EV_STOP:
	case EV_TICK:
	case EV_N:
		break;
	}
}

void
tape_put(struct buf *b, const struct event *ev)
{
	struct event copy = *ev;
	struct jw w;
	struct tape t = { .w = &w };

	jw_init(&w, b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "told", types[ev->type]);
	members(&t, &copy);
	jw_close(&w, '}');
	buf_char(b, '\n');
}

void
tape_put_head(struct buf *b, const struct tape_head *h)
{
	char seed[24];
	struct jw w;

	(void)snprintf(seed, sizeof seed, "%016" PRIx64, h->seed);
	jw_init(&w, b);
	jw_open(&w, NULL, '{');
	jw_int(&w, "tape", TAPE_FORMAT);
	jw_str(&w, "seed", seed);
	jw_str(&w, "version", h->version);
	jw_close(&w, '}');
	buf_char(b, '\n');
}

static enum rc
object(struct arena *a, const char *line, size_t n, const struct json **ret, struct err *err)
{
	size_t at = 0;

	*ret = json_read(a, line, n, &at);
	if (arena_failed(a))
		return err_set(err, RC_NOMEM, "out of memory");
	if (*ret == NULL)
		return err_set(err, RC_CORRUPT, "no JSON at byte %zu of the line", at + 1);
	return RC_OK;
}

enum rc
tape_get_head(struct arena *a, const char *line, size_t n, struct tape_head *ret, struct err *err)
{
	const struct json *o;
	enum rc rc = object(a, line, n, &o, err);
	uint8_t byte[8];
	const char *seed;
	uint64_t value = 0;

	if (rc != RC_OK)
		return rc;
	seed = json_str(o, "seed");
	if (json_int(o, "tape", 0) == 0 || seed == NULL || strlen(seed) != 16 ||
		!text_unhex(seed, byte, sizeof byte))
		return err_set(err, RC_CORRUPT, "the first line is not that of a tape");
	if (json_int(o, "tape", 0) != TAPE_FORMAT)
		return err_set(err, RC_UNSUPPORTED, "a tape of format %lld, this ferryman reads %d",
			(long long)json_int(o, "tape", 0), TAPE_FORMAT);
	for (size_t i = 0; i < sizeof byte; i++)
		value = value << 8 | byte[i];
	ret->seed = value;
	ret->version = json_str(o, "version");
	return RC_OK;
}

enum rc
tape_get(struct arena *a, const char *line, size_t n, struct event *ret, struct err *err)
{
	const struct json *o;
	enum rc rc = object(a, line, n, &o, err);
	struct event ev = { .type = EV_N };
	struct tape t = { 0 };
	const char *told;

	if (rc != RC_OK)
		return rc;
	told = json_str(o, "told");
	for (int i = 0; i < EV_N; i++)
		if (text_eq(told, types[i]))
			ev.type = (enum event_type)i;
	if (ev.type == EV_N)
		return err_set(err, RC_CORRUPT, "\"%s\" is nothing that can be told",
			told != NULL ? told : "");
	t.o = o;
	members(&t, &ev);
	if (t.bad)
		return err_set(err, RC_CORRUPT,
			"a word or a time that no event of kind \"%s\" can have", told);
	*ret = ev;
	return RC_OK;
}
