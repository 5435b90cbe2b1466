/*
 * ports.c - open connectors, one for each target, signal and notifier that has been used. They are
 * opened at the first use, because a credential that is missing must not keep the rest from
 * working, and tried again at each further use.
 */
#include "os/secret.h"
#include "os/stdmem.h"
#include "shell/inside.h"

#include <stdlib.h>
#include <string.h>

/* A credential that is not there: where it may lie, and what it is. */
static void
what_to_do(const struct port *p, struct err *err)
{
	struct buf b;

	buf_init(&b, &stdmem, 8192);
	buf_fmt(&b, "%s; credentials lie beside the playbook, or where --credentials DIR says",
		err->text);
	if (playbook_target(p->pb, p->name) != NULL)
		buf_fmt(&b, "; what %s needs: ferryman setup %s %s --print", p->name, p->name,
			p->pb->file);
	(void)err_set(err, RC_NOTFOUND, "%s", buf_text(&b));
	buf_fini(&b);
}

static struct secret *
fetch(void *ctx, const struct cfg *cfg, const char *key, struct err *err)
{
	const struct port *p = ctx;
	const struct schema_row *row = cfg_row(cfg, key);
	struct secret *secret = NULL;

	if (secret_fetch(&secret, cfg_secret(cfg, key), p->credentials,
		    row != NULL && (row->flags & SR_PUBLIC_FILE) != 0, err) != RC_OK) {
		(void)err_prefix(err, "%s", key);
		if (err->rc == RC_NOTFOUND)
			what_to_do(p, err);
		return NULL;
	}
	return secret;
}

/* The connector's kind and rows behind a name of the playbook. */
static const struct cfg *
look_up(const struct playbook *pb, const char *name, const struct connector **kind,
	const struct signal **sig)
{
	const struct target *t = playbook_target(pb, name);

	*sig = t == NULL ? playbook_signal(pb, name) : NULL;
	if (t != NULL) {
		*kind = registry_find(t->info->name);
		return t->cfg;
	}
	if (*sig != NULL) {
		*kind = registry_find((*sig)->info->name);
		return (*sig)->cfg;
	}
	for (size_t i = 0; i < pb->notify_n; i++) {
		if (strcmp(pb->notify[i].name, name) != 0)
			continue;
		*kind = registry_find(pb->notify[i].info->name);
		return pb->notify[i].cfg;
	}
	*kind = NULL;
	return NULL;
}

static char *
folder_of(const struct shell *s, const char *file)
{
	const char *slash = strrchr(file, '/');
	char *dir;

	if (s->opts->credentials != NULL)
		return stdmem_str(s->opts->credentials);
	if (slash == NULL)
		return stdmem_str(".");
	dir = stdmem_str(file);
	dir[slash == file ? 1 : slash - file] = '\0';
	return dir;
}

static void
port_free(struct port *p)
{
	if (p->conn != NULL)
		p->kind->close(&p->conn);
	playbook_unref(&p->pb);
	free(p->name);
	free(p->broken);
	free(p->credentials);
	free(p);
}

static struct port *
port_new(struct shell *s, struct playbook *pb, const char *name, struct err *err)
{
	struct port *p = stdmem_get(sizeof *p);
	const struct cfg *cfg = look_up(pb, name, &p->kind, &p->signal);

	p->pb = playbook_ref(pb);
	p->name = stdmem_str(name);
	p->credentials = folder_of(s, pb->file);
	p->env = (struct conn_env){ .net = s->net,
		.done = s->on_done,
		.ctx = s,
		.secret = fetch,
		.secret_ctx = p,
		.name = p->name,
		.playbook = p->pb->name };
	if (cfg == NULL || p->kind == NULL) {
		(void)err_set(err, RC_NOTFOUND, "playbook %s has no \"%s\"", pb->name, name);
	} else if (p->kind->open(&p->conn, cfg, &p->env, err) == RC_OK) {
		p->next = s->ports;
		s->ports = p;
		return p;
	} else {
		(void)err_prefix(err, "%s", name);
	}
	p->conn = NULL;
	port_free(p);
	return NULL;
}

struct port *
ports_for(struct shell *s, struct playbook *pb, const char *name, struct err *err)
{
	for (struct port *p = s->ports; p != NULL; p = p->next)
		if (p->pb == pb && strcmp(p->name, name) == 0)
			return p;
	return port_new(s, pb, name, err);
}

struct port *
ports_get(struct shell *s, const char *playbook, const char *name, struct err *err)
{
	struct playbook *pb = books_by_name(s, playbook);

	if (pb == NULL) {
		(void)err_set(err, RC_NOTFOUND, "playbook %s is not loaded", playbook);
		return NULL;
	}
	return ports_for(s, pb, name, err);
}

void
ports_drop(struct shell *s, const struct playbook *pb)
{
	struct port **at = &s->ports;

	while (*at != NULL) {
		struct port *p = *at;

		if (pb != NULL && p->pb != pb) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		port_free(p);
	}
}
