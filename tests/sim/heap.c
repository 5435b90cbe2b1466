/* heap.c - a binary heap of happenings, ordered by time, then by when they were pushed. */
#include "sim/sim.h"

#include <stdlib.h>

const char *
happening_name(enum happening_kind k)
{
	static const char *const names[] = { "tick", "apply", "appended", "deliver", "answer",
		"read", "read-back", "seen", "sent", "cancelled", "dies", "starts", "stalls",
		"goes-on", "hand", "hand-back", "command", "sync", "emptied", "clock", "moment",
		"loses", "heal" };

	return k < H_N ? names[k] : "?";
}

static bool
before(const struct happening *a, const struct happening *b)
{
	return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

static void
swap(struct happening *a, struct happening *b)
{
	struct happening t = *a;

	*a = *b;
	*b = t;
}

void
heap_push(struct heap *h, struct happening x)
{
	size_t i = h->n;

	h->a = sim_grow(h->a, h->n, &h->room, sizeof *h->a);
	x.seq = ++h->seq;
	h->a[h->n++] = x;
	for (; i > 0 && before(&h->a[i], &h->a[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&h->a[i], &h->a[(i - 1) / 2]);
}

bool
heap_pop(struct heap *h, struct happening *ret)
{
	if (h->n == 0)
		return false;
	*ret = h->a[0];
	h->a[0] = h->a[--h->n];
	for (size_t i = 0;;) {
		size_t least = i;

		for (size_t c = 2 * i + 1; c <= 2 * i + 2 && c < h->n; c++)
			if (before(&h->a[c], &h->a[least]))
				least = c;
		if (least == i)
			return true;
		swap(&h->a[i], &h->a[least]);
		i = least;
	}
}

void
heap_fini(struct heap *h)
{
	free(h->a);
}
