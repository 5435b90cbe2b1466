/* ops.c - operations under way: the book-keeping that every target connector and notifier shares.
 */
#include "base/text.h"
#include "ops.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
ops_add(struct ops *ops, struct op *op, op_id id, enum op_kind kind, uint64_t lsn)
{
	op->ops = ops;
	op->id = id;
	op->kind = kind;
	op->lsn = lsn;
	op->next = ops->first;
	ops->first = op;
}

/* Out of the list first: done() may begin or cancel other operations. */
static void
take(struct op *op)
{
	struct op **at = &op->ops->first;

	while (*at != op)
		at = &(*at)->next;
	*at = op->next;
	net_timer_stop(&op->later);
}

static void
complete(struct op *op, const struct state *st)
{
	struct ops *ops = op->ops;
	const struct conn_env *env = ops->env;
	struct conn_done d = { .op = op->id };
	const struct conn_answer a = {
		.lsn = op->lsn, .outcome = op->outcome, .version = "", .why = op->why
	};

	text_plain(op->why); /* servers chose some of these words */
	take(op);
	if (op->kind == OP_READ)
		d.state = st;
	else if (op->kind == OP_APPLY)
		d.answer = &a;
	else
		d.sent = &a;
	env->done(env->ctx, &d);
	ops->drop(op);
}

static void
end_with_words(struct op *op)
{
	const struct state st = {
		.outcome = op->outcome, .value = "", .version = "", .why = op->why
	};

	complete(op, &st);
}

void
ops_end(struct op *op, enum outcome o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(op->why, sizeof op->why, fmt, ap);
	va_end(ap);
	op->outcome = o;
	end_with_words(op);
}

void
ops_end_state(struct op *op, const struct state *st)
{
	struct state told = *st;
	char why[sizeof op->why];

	(void)snprintf(why, sizeof why, "%s", st->why);
	text_plain(why);
	told.why = why;
	complete(op, &told);
}

static void
on_later(void *ctx)
{
	end_with_words(ctx);
}

void
ops_later(struct op *op, enum outcome o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(op->why, sizeof op->why, fmt, ap);
	va_end(ap);
	op->outcome = o;
	net_timer_stop(&op->later);
	op->later = net_later(op->ops->env->net, on_later, op);
}

void
ops_cancel(struct ops *ops, op_id id)
{
	for (struct op *op = ops->first; op != NULL; op = op->next) {
		if (op->id != id)
			continue;
		if (op->later == NULL) /* else its answer is known and only waits for its turn */
			ops_later(op, ops->stop(op) ? OUT_UNKNOWN : OUT_RETRY, "cancelled");
		return;
	}
}

void
ops_close(struct ops *ops)
{
	while (ops->first != NULL) {
		struct op *op = ops->first;

		if (op->later != NULL)
			end_with_words(op);
		else
			ops_end(op, ops->stop(op) ? OUT_UNKNOWN : OUT_RETRY, "cancelled");
	}
}

bool
ops_option(const char *options, const char *key, char *out, size_t n)
{
	const char *at = options != NULL ? options : "", *line;
	size_t len, k = strlen(key);

	while (text_line(&at, &line, &len)) {
		if (len <= k || strncmp(line, key, k) != 0 || line[k] != ' ')
			continue;
		len -= k + 1;
		if (len == 0 || len >= n)
			return false;
		memcpy(out, line + k + 1, len);
		out[len] = '\0';
		return true;
	}
	return false;
}

void
ops_shell(struct buf *b, const char *s)
{
	const char *p = s;

	while (*p != '\0' && (isalnum((unsigned char)*p) || strchr("-_./:@%+=,", *p) != NULL))
		p++;
	if (*p == '\0' && p != s) {
		buf_str(b, s);
		return;
	}
	buf_char(b, '\'');
	for (p = s; *p != '\0'; p++)
		if (*p == '\'')
			buf_str(b, "'\\''");
		else
			buf_char(b, *p);
	buf_char(b, '\'');
}

void
ops_credential(struct buf *b, struct secret_ref ref)
{
	switch (ref.kind) {
	case SECRET_FILE:
		if (ref.name[0] == '/')
			buf_str(b, ref.name);
		else
			buf_fmt(b, "\"${FERRYMAN_CREDENTIALS:-/etc/ferryman}\"/%s", ref.name);
		break;
	case SECRET_CREDENTIAL:
		buf_fmt(b, "\"$CREDENTIALS_DIRECTORY\"/%s", ref.name);
		break;
	case SECRET_ENV:
		buf_fmt(b, "<(printf %%s \"$%s\")", ref.name);
		break;
	case SECRET_INLINE:
	case SECRET_NONE:
		buf_str(b, "FILE");
		break;
	}
}
