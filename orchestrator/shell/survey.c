/* survey.c - read targets once, on a loop of its own; the same connectors as the engine's, and no
 * store. */
#include "shell/survey.h"

#include "net/net.h"
#include "os/stdmem.h"
#include "shell/inside.h"

#include <stdlib.h>
#include <string.h>

/* A shell that has a loop and connectors only; s comes first, because it is the connectors' ctx. */
struct survey {
	struct shell s;
	struct arena *a;
	struct plan_value *value;
	size_t n, open;
};

static void
on_done(void *ctx, const struct conn_done *d)
{
	struct survey *y = ctx;
	struct plan_value *v;

	if (d->op == 0 || d->op > y->n || d->state == NULL)
		return;
	v = &y->value[d->op - 1];
	if (v->known || v->why != NULL) /* completed already */
		return;
	v->known = d->state->outcome == OUT_DONE;
	if (v->known)
		v->value = arena_str(y->a, d->state->value != NULL ? d->state->value : "");
	else
		v->why = arena_str(y->a,
			d->state->why != NULL ? d->state->why : outcome_name(d->state->outcome));
	y->open--;
}

static void
ask(struct survey *y, struct playbook *pb, const struct plan_read *r, size_t i, int64_t deadline_ms)
{
	struct plan_value *v = &y->value[i];
	struct err err = { 0 };
	struct port *p;

	v->target = r->target->name;
	v->resource = arena_str(y->a, r->resource);
	p = ports_for(&y->s, pb, r->target->name, &err);
	if (p == NULL) {
		v->why = arena_str(y->a, err.text);
		return;
	}
	y->open++;
	p->kind->read(p->conn, (op_id)(i + 1),
		&(struct read_req){ .resource = r->resource,
			.from = CONN_READ_TARGET,
			.deadline_ms = deadline_ms });
}

static void
close_any(uv_handle_t *h, void *arg)
{
	(void)arg;
	if (!uv_is_closing(h))
		uv_close(h, NULL);
}

enum rc
survey_read(struct arena *a, struct playbook *pb, const char *credentials,
	const struct plan_read *reads, size_t n, int64_t deadline_ms, struct plan_value **ret,
	struct err *err)
{
	const struct shell_opts opts = { .credentials = credentials };
	const struct net_opts no = { 0 };
	struct survey *y = stdmem_get(sizeof *y);
	enum rc rc;

	y->a = a;
	y->n = n;
	y->s.opts = &opts;
	y->s.on_done = on_done;
	y->value = arena_get(a, (n + 1) * sizeof *y->value);
	if (y->value == NULL) {
		free(y);
		return err_set(err, RC_NOMEM, "out of memory");
	}
	memset(y->value, 0, (n + 1) * sizeof *y->value);
	(void)uv_loop_init(&y->s.loop);
	rc = net_new(&y->s.net, &y->s.loop, &no, err);
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		ask(y, pb, &reads[i], i, deadline_ms);
	while (rc == RC_OK && y->open > 0 && uv_run(&y->s.loop, UV_RUN_ONCE) != 0)
		continue;
	ports_drop(&y->s, NULL);
	net_free(&y->s.net);
	uv_walk(&y->s.loop, close_any, NULL);
	(void)uv_run(&y->s.loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&y->s.loop);
	*ret = y->value;
	free(y);
	return rc;
}
