/*
 * control.c - the local control socket: JSON lines, the peer's identity from SO_PEERCRED, no
 * network.
 *
 * A request is one line {"req","verb",...}; answers are lines {"req","exit","last","body"}. A
 * client that sent
 * {"verb":"follow"} gets every status line {"topic","body"} from then on. A client that does not
 * read is dropped once CLIENT_BACKLOG bytes wait for it: nobody may make the engine wait.
 */
#include "base/buf.h"
#include "base/json.h"
#include "os/log.h"
#include "os/stdmem.h"
#include "shell/inside.h"

#include <errno.h>
#include <jansson.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	LINE_LIMIT = 64 * 1024,
	CLIENT_BACKLOG = 1024 * 1024,
	CLIENTS_MAX = 64,
	ANSWER_MAX = 8 * 1024 * 1024
};

struct client {
	struct client *next;
	struct control *control;
	uv_pipe_t pipe;
	struct buf in;
	char user[64];
	bool owner; /* root or the engine's own user */
	bool follow;
	bool closing;
	unsigned long id;
};

/* A request that may begin a run and has no last answer yet. */
struct open_request {
	struct open_request *next;
	char req[128];
};

struct control {
	struct shell *shell;
	struct open_request *open;
	uv_pipe_t listener;
	struct client *clients;
	size_t clients_n;
	unsigned long ids;
	char *path;
	unsigned handles; /* still open, listener included */
	bool closing;
	bool ran; /* a run has begun: with its end, and when people were told of it, the core ends
		     us */
};

struct out {
	uv_write_t req;
	char text[];
};

static void
on_written(uv_write_t *req, int status)
{
	(void)status;
	free(req->data);
}

static void
on_client_closed(uv_handle_t *h)
{
	struct client *c = h->data;

	buf_fini(&c->in);
	free(c);
}

static void
client_close(struct client *c)
{
	struct client **at = &c->control->clients;

	if (c->closing)
		return;
	c->closing = true;
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->control->clients_n--;
	uv_close((uv_handle_t *)&c->pipe, on_client_closed);
}

/*
 * An engine for one run whose person has gone before there was a run (a terminal lost at the
 * question) has nothing to wait for; it would hold the lock for ever. A run that has begun, or may
 * yet begin, goes on. By a Unix signal, for we may be inside a step of the core.
 */
static void
end_if_abandoned(const struct control *ctl)
{
	if (!ctl->shell->opts->one_shot || ctl->ran || ctl->clients != NULL || ctl->open != NULL ||
		ctl->ids == 0)
		return;
	log_kv(LOG_INFO_, "control", "abandoned", "nobody asks any more, and no run has begun");
	(void)raise(SIGTERM);
}

static void
note_open(struct control *ctl, enum verb verb, const char *req)
{
	struct open_request *o;

	if (verb == VERB_PLAN || verb == VERB_STATUS)
		return;
	o = stdmem_get(sizeof *o);
	(void)snprintf(o->req, sizeof o->req, "%s", req);
	o->next = ctl->open;
	ctl->open = o;
}

static void
note_answered(struct control *ctl, const char *req)
{
	struct open_request **at = &ctl->open, *o;

	while (*at != NULL && strcmp((*at)->req, req) != 0)
		at = &(*at)->next;
	o = *at;
	if (o == NULL)
		return;
	*at = o->next;
	free(o);
	end_if_abandoned(ctl);
}

static void
client_send(struct client *c, const char *text, size_t n)
{
	struct out *o;
	uv_buf_t b;

	if (c->closing)
		return;
	if (uv_stream_get_write_queue_size((uv_stream_t *)&c->pipe) > CLIENT_BACKLOG) {
		log_kv(LOG_WARN_, "control", "dropped", c->user, "why", "does not read");
		client_close(c);
		return;
	}
	o = stdmem_get(sizeof *o + n);
	memcpy(o->text, text, n);
	o->req.data = o;
	b = uv_buf_init(o->text, (unsigned)n);
	if (uv_write(&o->req, (uv_stream_t *)&c->pipe, &b, 1, on_written) != 0)
		free(o);
}

static void
send_answer(struct client *c, const char *req, int exit, const char *body, bool last)
{
	struct buf b;
	struct jw w;

	buf_init(&b, &stdmem, ANSWER_MAX);
	jw_init(&w, &b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "req", req);
	jw_int(&w, "exit", exit);
	jw_bool(&w, "last", last);
	jw_raw(&w, "body", body != NULL && body[0] != '\0' ? body : "{}");
	jw_close(&w, '}');
	buf_char(&b, '\n');
	if (!buf_failed(&b))
		client_send(c, buf_text(&b), b.len);
	buf_fini(&b);
}

static void
send_error(struct client *c, const char *req, const char *why)
{
	struct buf b;
	struct jw w;

	buf_init(&b, &stdmem, 4096);
	jw_init(&w, &b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "error", why);
	jw_close(&w, '}');
	send_answer(c, req, EXIT_USAGE, buf_text(&b), true);
	buf_fini(&b);
}

static void
send_status(struct client *c, const char *req, bool why)
{
	struct buf b;

	buf_init(&b, &stdmem, ANSWER_MAX);
	core_status(c->control->shell->core, &b, why);
	send_answer(c, req, EXIT_OK_, buf_text(&b), true);
	buf_fini(&b);
}

static const char *
text_of(json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

/* Request ids of the core carry the client's number, so that the answer finds its way back. */
static void
command(struct client *c, json_t *o, enum verb verb)
{
	struct event ev = { .type = EV_COMMAND };
	const json_t *overrides = json_object_get(o, "overrides");
	const char *req = text_of(o, "req");
	char tagged[128];
	json_t *item;
	size_t i;

	(void)snprintf(tagged, sizeof tagged, "%lu.%s", c->id, req != NULL ? req : "");
	note_open(c->control, verb, tagged);
	ev.command.req = tagged;
	ev.command.principal = c->user;
	ev.command.via = c->owner ? "owner" : "cli";
	ev.command.verb = verb;
	ev.command.of = verb_parse(text_of(o, "of") != NULL ? text_of(o, "of") : "cutover");
	ev.command.playbook = text_of(o, "playbook");
	ev.command.procedure = text_of(o, "procedure");
	ev.command.run = text_of(o, "run");
	ev.command.plan_hash = text_of(o, "plan_hash");
	ev.command.reason = text_of(o, "reason");
	ev.command.nonce = text_of(o, "nonce");
	ev.command.expires_wall_ms = json_integer_value(json_object_get(o, "expires"));
	json_array_foreach(overrides, i, item)
	{
		if (i < OVERRIDE_MAX && json_is_string(item))
			ev.command.overrides[ev.command.overrides_n++] = json_string_value(item);
	}
	shell_event(c->control->shell, &ev);
}

static void
request(struct client *c, const char *line, size_t n)
{
	json_error_t je;
	json_t *o = json_loadb(line, n, JSON_REJECT_DUPLICATES, &je);
	const char *verb = o != NULL ? text_of(o, "verb") : NULL;
	const char *req = o != NULL ? text_of(o, "req") : NULL;
	char why[256];

	if (verb == NULL) {
		(void)snprintf(why, sizeof why, "a request is one line of JSON with \"verb\": %s",
			o == NULL ? je.text : "it has none");
		send_error(c, req, why);
	} else if (strcmp(verb, "follow") == 0) {
		c->follow = true;
		send_answer(c, req, EXIT_OK_, "{}", false);
	} else if (strcmp(verb, "status") == 0) {
		send_status(c, req, json_is_true(json_object_get(o, "why")));
	} else if (verb_parse(verb) == VERB_N) {
		(void)snprintf(why, sizeof why, "\"%.60s\" is no verb of the control socket", verb);
		send_error(c, req, why);
	} else {
		command(c, o, verb_parse(verb));
	}
	json_decref(o);
}

static void
on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *b)
{
	(void)h;
	(void)suggested;
	*b = uv_buf_init(stdmem_get(16384), 16384);
}

/* Each full line is a request; what is left waits for the rest. */
static void
take_lines(struct client *c)
{
	const char *nl;
	size_t used = 0;

	while (!c->closing && (nl = memchr(c->in.data + used, '\n', c->in.len - used)) != NULL) {
		size_t end = (size_t)(nl - c->in.data);

		request(c, c->in.data + used, end - used);
		used = end + 1;
	}
	if (used > 0) {
		memmove(c->in.data, c->in.data + used, c->in.len - used);
		c->in.len -= used;
	}
}

static void
on_read(uv_stream_t *st, ssize_t n, const uv_buf_t *b)
{
	struct client *c = st->data;

	if (n > 0) {
		buf_add(&c->in, b->base, (size_t)n);
		if (buf_failed(&c->in)) {
			send_error(c, NULL, "the request is longer than 64 KiB");
			client_close(c);
		} else {
			take_lines(c);
		}
	} else if (n < 0) {
		struct control *ctl = c->control;

		client_close(c);
		end_if_abandoned(ctl);
	}
	free(b->base);
}

static bool
identify(struct client *c)
{
	struct ucred peer;
	socklen_t len = sizeof peer;
	struct passwd *pw;
	uv_os_fd_t fd;

	if (uv_fileno((uv_handle_t *)&c->pipe, &fd) != 0 ||
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return false;
	pw = getpwuid(peer.uid);
	if (pw != NULL)
		(void)snprintf(c->user, sizeof c->user, "%s", pw->pw_name);
	else
		(void)snprintf(c->user, sizeof c->user, "uid%u", (unsigned)peer.uid);
	c->owner = peer.uid == 0 || peer.uid == geteuid();
	return true;
}

static void
on_connection(uv_stream_t *listener, int status)
{
	struct control *ctl = listener->data;
	struct client *c;

	if (status != 0)
		return;
	c = stdmem_get(sizeof *c);
	c->control = ctl;
	c->id = ++ctl->ids;
	buf_init(&c->in, &stdmem, LINE_LIMIT);
	(void)uv_pipe_init(&ctl->shell->loop, &c->pipe, 0);
	c->pipe.data = c;
	c->next = ctl->clients;
	ctl->clients = c;
	ctl->clients_n++;
	if (uv_accept(listener, (uv_stream_t *)&c->pipe) != 0 || !identify(c) ||
		ctl->clients_n > CLIENTS_MAX ||
		uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read) != 0)
		client_close(c);
}

void
control_reply(struct control *ctl, const char *req, int exit, const char *body, bool last)
{
	char *rest;
	unsigned long id = req != NULL ? strtoul(req, &rest, 10) : 0;

	if (ctl == NULL || id == 0 || *rest != '.')
		return;
	ctl->ran = ctl->ran || !last; /* the only answer that is not the last: it has started */
	if (last)
		note_answered(ctl, req);
	for (struct client *c = ctl->clients; c != NULL; c = c->next) {
		if (c->id != id)
			continue;
		send_answer(c, rest + 1, exit, body, last);
		return;
	}
}

void
control_last_words(struct control *ctl, const char *text)
{
	struct buf b;
	struct jw w;

	if (ctl == NULL)
		return;
	buf_init(&b, &stdmem, 4096);
	jw_init(&w, &b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "error", text);
	jw_close(&w, '}');
	while (ctl->open != NULL) { /* each answer takes its request out of the list */
		char req[sizeof ctl->open->req];

		(void)snprintf(req, sizeof req, "%s", ctl->open->req);
		control_reply(ctl, req, EXIT_BLOCKED, buf_text(&b), true);
	}
	buf_fini(&b);
}

void
control_status(struct control *ctl, const char *topic, const char *body)
{
	struct buf b;
	struct jw w;

	if (ctl == NULL)
		return;
	buf_init(&b, &stdmem, ANSWER_MAX);
	jw_init(&w, &b);
	jw_open(&w, NULL, '{');
	jw_str(&w, "topic", topic);
	jw_raw(&w, "body", body);
	jw_close(&w, '}');
	buf_char(&b, '\n');
	for (struct client *c = ctl->clients, *next; c != NULL && !buf_failed(&b); c = next) {
		next = c->next;
		if (c->follow)
			client_send(c, buf_text(&b), b.len);
	}
	buf_fini(&b);
}

enum rc
control_open(struct control **ret, struct shell *s, const char *path, struct err *err)
{
	struct control *ctl = stdmem_get(sizeof *ctl);
	int r;

	ctl->shell = s;
	ctl->path = stdmem_str(path);
	(void)uv_pipe_init(&s->loop, &ctl->listener, 0);
	ctl->listener.data = ctl;
	*ret = ctl;
	(void)unlink(path); /* ours by right: we hold the store's lock */
	r = uv_pipe_bind(&ctl->listener, path);
	if (r == 0 && chmod(path, 0660) != 0)
		r = -errno;
	if (r == 0)
		r = uv_listen((uv_stream_t *)&ctl->listener, 32, on_connection);
	if (r != 0)
		return err_set(
			err, RC_IO, "cannot serve the control socket %s: %s", path, uv_strerror(r));
	return RC_OK;
}

static void
on_listener_closed(uv_handle_t *h)
{
	struct control *ctl = h->data;

	free(ctl->path);
	free(ctl);
}

void
control_close(struct control **pctl)
{
	struct control *ctl = *pctl;

	if (ctl == NULL)
		return;
	*pctl = NULL;
	while (ctl->clients != NULL)
		client_close(ctl->clients);
	while (ctl->open != NULL) {
		struct open_request *o = ctl->open;

		ctl->open = o->next;
		free(o);
	}
	(void)unlink(ctl->path);
	uv_close((uv_handle_t *)&ctl->listener, on_listener_closed);
}
