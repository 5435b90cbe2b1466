/*
 * tcp.c - the signal "tcp": does a host take a TCP connection, and does it greet as expected?
 * Mostly an anchor: something unrelated to the primary that tells whether we ourselves are cut off.
 * Page: tcp.md.
 */
#include "base/text.h"
#include "net/stream.h"
#include "os/stdmem.h"
#include "signal/asking.h"

#include <stdio.h>
#include <stdlib.h>

struct conn {
	struct askings all;
};

struct tcp_probe {
	struct asking asking;
	struct stream *stream;
	const char *banner;
};

static const struct schema_row rows[] = {
	{ .key = "host",
		.type = V_HOST,
		.flags = SR_REQUIRED,
		.doc = "Name or address to connect to. For an anchor: in a network that does not "
		       "depend on the primary." },
	{ .key = "port",
		.type = V_INT,
		.flags = SR_REQUIRED,
		.min = "1",
		.max = "65535",
		.doc = "TCP port." },
	{ .key = "banner",
		.type = V_STR,
		.doc = "How the first line of the host must begin, e.g. \"220 \" or \"SSH-2.0-\". "
		       "Without it a "
		       "connection is enough." },
	{ 0 }
};

static void
probe_free(struct asking *a)
{
	struct tcp_probe *p = (struct tcp_probe *)(void *)a;

	stream_close(&p->stream);
	free(p);
}

static void
say(struct tcp_probe *p, enum conn_verdict v, const char *text)
{
	char why[640];

	(void)snprintf(why, sizeof why, "%s", text);
	asking_end(&p->asking,
		&(struct observation){ .verdict = v, .class = "", .why = why, .facts = "{}" });
}

static void
on_stream(void *ctx, enum stream_event ev, const char *text, size_t n)
{
	struct tcp_probe *p = ctx;
	char why[640];

	(void)n;
	switch (ev) {
	case STREAM_CONNECTED:
		if (p->banner == NULL)
			say(p, CONN_OK, "connected");
		break;
	case STREAM_LINE:
		if (text_starts(text, p->banner)) {
			(void)snprintf(why, sizeof why, "greets with \"%.200s\"", text);
			say(p, CONN_OK, why);
		} else {
			(void)snprintf(why, sizeof why,
				"greets with \"%.200s\", not with \"%.200s\"", text, p->banner);
			say(p, CONN_BAD, why);
		}
		break;
	case STREAM_ENDED:
		/* Without an address nobody was asked. */
		say(p, stream_why(p->stream) == STREAM_WHY_NAME ? CONN_UNKNOWN : CONN_BAD, text);
		break;
	case STREAM_SECURE:
	case STREAM_BLOCK:
		break;
	}
}

static void
tcp_probe(struct conn *c, op_id op, const struct probe_req *rq)
{
	struct tcp_probe *p = stdmem_get(sizeof *p);

	asking_begin(&c->all, &p->asking, op);
	p->banner = cfg_str(c->all.cfg, "banner");
	p->stream = stream_open(c->all.env.net,
		&(struct stream_opts){ .host = cfg_str(c->all.cfg, "host"),
			.port = (int)cfg_int(c->all.cfg, "port"),
			.deadline_ms = rq->deadline_ms,
			.max_total = 64 * 1024 },
		on_stream, p);
}

static enum rc
tcp_open(struct conn **ret, const struct cfg *cfg, const struct conn_env *env, struct err *err)
{
	struct conn *c = stdmem_get(sizeof *c);

	(void)err;
	c->all = (struct askings){ .env = *env, .cfg = cfg, .free = probe_free };
	*ret = c;
	return RC_OK;
}

static void
tcp_close(struct conn **pc)
{
	if (*pc == NULL)
		return;
	asking_close_all(&(*pc)->all);
	free(*pc);
	*pc = NULL;
}

const struct connector tcp_connector = {
	.info = { .name = "tcp", .fence = FENCE_NONE, .caps = CAP_SIGNAL, .schema = rows },
	.open = tcp_open,
	.probe = tcp_probe,
	.cancel = asking_cancel,
	.close = tcp_close,
};
