/* asking.c - probes under way: the book-keeping that all signals share. */
#include "signal/asking.h"
#include "base/text.h"
#include "os/secret.h"

#include <stdio.h>

void
asking_begin(struct askings *all, struct asking *a, op_id op)
{
	a->all = all;
	a->op = op;
	a->next = all->first;
	all->first = a;
}

static void
unlink_asking(struct asking *a)
{
	struct asking **at = &a->all->first;

	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	net_timer_stop(&a->later);
}

void
asking_end(struct asking *a, const struct observation *o)
{
	struct askings *all = a->all;
	struct observation told = *o;
	const struct conn_done d = { .op = a->op, .obs = &told };
	char why[1024];

	/* Servers chose some of these words. */
	(void)snprintf(why, sizeof why, "%s", o->why);
	text_plain(why);
	told.why = why;
	/* Out of the list first: done() may begin or cancel other probes. */
	unlink_asking(a);
	all->env.done(all->env.ctx, &d);
	all->free(a);
}

void
asking_unknown(struct asking *a, const char *why)
{
	asking_end(a, &(struct observation){
			      .verdict = CONN_UNKNOWN, .class = "", .why = why, .facts = "{}" });
}

static void
cancelled(void *ctx)
{
	asking_unknown(ctx, "cancelled");
}

/* The transports run on until the next turn; whichever comes first ends the probe, once. */
void
asking_cancel(struct conn *c, op_id op)
{
	struct askings *all = (struct askings *)(void *)c;

	for (struct asking *a = all->first; a != NULL; a = a->next)
		if (a->op == op && a->later == NULL)
			a->later = net_later(all->env.net, cancelled, a);
}

void
asking_close_all(struct askings *all)
{
	while (all->first != NULL)
		cancelled(all->first);
}

enum rc
asking_secret(const struct askings *all, const struct cfg *cfg, const char *key,
	struct secret **ret, struct err *err)
{
	struct secret *s;

	if (!cfg_has(cfg, key))
		return RC_OK;
	s = all->env.secret(all->env.secret_ctx, cfg, key, err);
	if (s == NULL)
		return err != NULL && err->rc != RC_OK ? err->rc : RC_NOTFOUND;
	*ret = s;
	return RC_OK;
}
