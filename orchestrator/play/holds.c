/* holds.c - the reasons of core_status, and which of them are new. */
#include "play/holds.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/text.h"
#include "core/lifecycle.h"

#include <stdio.h>
#include <string.h>

enum { HELD_MAX = 16, HELD_LEN = 256, STATUS_MAX = 4 * 1024 * 1024, TEXTS_MAX = 64 * 1024 * 1024 };

/* What held a flow at the last look: the sentences, with a # for each number. */
struct holding {
	char shape[HELD_MAX][HELD_LEN];
	size_t n;
};

struct holds {
	struct mem mem;
	const struct playbook *pb;
	struct arena *a; /* strings */
	struct holding flow[FLOW_N];
	struct hold *hold;
	size_t n, room;
};

struct holds *
holds_new(const struct mem *mem, const struct playbook *pb)
{
	struct holds *h = mem_get(mem, sizeof *h);

	if (h == NULL)
		return NULL;
	memset(h, 0, sizeof *h);
	h->mem = *mem;
	h->pb = pb;
	h->a = arena_new(mem, TEXTS_MAX);
	if (h->a == NULL)
		holds_free(&h);
	return h;
}

void
holds_free(struct holds **ph)
{
	struct holds *h = *ph;
	struct mem mem;

	if (h == NULL)
		return;
	*ph = NULL;
	mem = h->mem;
	arena_free(&h->a);
	mem_put(&mem, h->hold);
	mem_put(&mem, h);
}

/* States in which something is wanted and may be held. */
static bool
wants_something(enum life_state s)
{
	return s == LS_SUSPECT || s == LS_AWAITING || s == LS_RECOVERING;
}

const char *
holds_in_words(const char *reason, int *ret_row)
{
	int row = 0, n = 0;
	bool any = sscanf(reason, "row %d: %n", &row, &n) == 1 && n > 0;

	if (ret_row != NULL)
		*ret_row = any ? row : 0;
	return any ? reason + n : reason;
}

/* A reason for, and none against: the evidence, or the row that is about to be applied. */
static bool
is_for(const struct playbook *pb, const char *reason)
{
	const struct life_row *r;
	int row;

	(void)holds_in_words(reason, &row);
	r = lifecycle_row(row);
	if (row != 0)
		return r == NULL || r->act != LD_REFUSE;
	for (size_t i = 0; i < pb->diagnoses_n; i++) {
		const char *name = pb->diagnoses[i].name;

		if (text_starts(reason, name) && reason[strlen(name)] == ':')
			return true;
	}
	return false;
}

static void
shape_of(char ret[static HELD_LEN], const char *reason)
{
	size_t n = 0;

	for (; *reason != '\0' && n + 1 < HELD_LEN; reason++)
		if (*reason < '0' || *reason > '9')
			ret[n++] = *reason;
		else if (n == 0 || ret[n - 1] != '#')
			ret[n++] = '#';
	ret[n] = '\0';
}

static bool
held_before(const struct holding *h, const char *shape)
{
	for (size_t i = 0; i < h->n; i++)
		if (text_eq(h->shape[i], shape))
			return true;
	return false;
}

static bool
add(struct holds *h, const struct hold *one)
{
	if (h->n == h->room) {
		size_t room = h->room * 2 + 64;
		struct hold *more = h->mem.resize(h->mem.ctx, h->hold, room * sizeof *more);

		if (more == NULL)
			return false;
		h->hold = more;
		h->room = room;
	}
	h->hold[h->n] = *one;
	h->hold[h->n].state = arena_str(h->a, one->state);
	h->hold[h->n].why = arena_str(h->a, holds_in_words(one->why, NULL));
	h->n++;
	return !arena_failed(h->a);
}

static bool
look_at(struct holds *h, const struct json *machine, size_t records, int64_t after_ms)
{
	struct hold one = { .records = records,
		.after_ms = after_ms,
		.flow = text_eq(json_str(machine, "flow"), flow_name(FLOW_INBOUND)) ? FLOW_INBOUND
										    : FLOW_OUTBOUND,
		.state = json_str(machine, "state") };
	struct holding now = { .n = 0 };
	const struct json *r = wants_something(life_state_parse(one.state))
				       ? json_items(machine, "reasons")
				       : NULL;

	for (; r != NULL && now.n < HELD_MAX; r = r->next) {
		if (r->str == NULL || is_for(h->pb, r->str))
			continue;
		shape_of(now.shape[now.n], r->str);
		one.why = r->str;
		if (!held_before(&h->flow[one.flow], now.shape[now.n]) && !add(h, &one))
			return false;
		now.n++;
	}
	h->flow[one.flow] = now;
	return true;
}

bool
holds_look(struct holds *h, const struct core *c, size_t records, int64_t after_ms)
{
	struct arena *a = arena_new(&h->mem, 4 * (size_t)STATUS_MAX);
	const struct json *status;
	struct buf b;
	size_t at;
	bool ok;

	buf_init(&b, &h->mem, STATUS_MAX);
	core_status(c, &b, false);
	status = a != NULL && !buf_failed(&b) ? json_read(a, buf_text(&b), b.len, &at) : NULL;
	ok = status != NULL;
	for (const struct json *m = ok ? json_items(status, "machines") : NULL; ok && m != NULL;
		m = m->next)
		ok = look_at(h, m, records, after_ms);
	buf_fini(&b);
	arena_free(&a);
	return ok;
}

size_t
holds_all(const struct holds *h, const struct hold **ret)
{
	*ret = h->hold;
	return h->n;
}
