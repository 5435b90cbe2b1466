/*
 * client.h - the other end of the control socket. Whoever holds the store's lock serves it; when
 * nobody does, client_engine starts an engine of our own for one run, which outlives this process
 * if need be.
 */
#ifndef FERRYMAN_CLI_CLIENT_H
#define FERRYMAN_CLI_CLIENT_H

#include "base/err.h"
#include "cli/cli.h"

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

struct client;

/* client_open - RC_NOTFOUND: nobody serves the socket. */
enum rc client_open(struct client **ret, const char *path, struct err *err);
void client_close(struct client **c);

/* client_engine - start a one-shot engine for the playbook and connect to it. */
enum rc client_engine(
	struct client **ret, const struct cli *c, const char *playbook, struct err *err);

/*
 * client_end - we need the engine no longer. One that we started for a request that began no run is
 * asked to stop; with run true it goes on by itself and ends with its run.
 */
void client_end(struct client **c, bool run);

/* client_send - one request; takes the reference of o. */
enum rc client_send(struct client *c, json_t *o, struct err *err);

/*
 * client_next - the next line as JSON (caller decrefs). RC_TIMEOUT after timeout_ms (-1 = wait),
 * RC_BUSY when a Unix signal interrupted the wait, RC_IO when the other side has gone.
 */
enum rc client_next(struct client *c, int timeout_ms, json_t **ret, struct err *err);

#endif
