/*
 * inside.h - what the shell's own files know of each other. Nobody else includes it.
 */
#ifndef FERRYMAN_SHELL_INSIDE_H
#define FERRYMAN_SHELL_INSIDE_H

#include "connector.h"
#include "core/core.h"
#include "shell/shell.h"
#include "shell/taping.h"
#include "shell/window.h"
#include "state/store.h"

#include <uv.h>

struct net;
struct control;
struct shell;

/* A loaded playbook with its text (books.c). */
struct book {
	struct book *next;
	struct playbook *pb;
	char *file;
	bool kept; /* not in force: a run that started with this text is still open */
};

/* An open connector: one for each target, signal and notifier of a playbook (ports.c). */
struct port {
	struct port *next;
	struct playbook *pb; /* reference */
	char *name;	     /* in the playbook */
	const struct connector *kind;
	struct conn *conn;
	char *broken;		     /* why it could not be opened; tried again at the next use */
	const struct signal *signal; /* NULL unless a signal */
	struct conn_env env;
	char *credentials;
};

enum flight_kind { FLIGHT_PROBE, FLIGHT_READ, FLIGHT_EFFECT, FLIGHT_NOTIFY };

/* An operation of the core that a connector works on (dispatch.c). */
struct flight {
	struct flight *next;
	op_id op;
	enum flight_kind kind;
	struct port *port;
	char *playbook, *signal, *subject;
	uint64_t lsn;
	unsigned waiting; /* notify: connectors still to answer */
	bool sent;	  /* notify: one of them did */
};

/* A completion that is already known, told in the next turn of the loop (never inside the call). */
struct later {
	struct later *next;
	op_id op;
	enum flight_kind kind;
	enum outcome outcome;
	uint64_t lsn;
	char *playbook, *signal, *subject, *why;
};

struct shell {
	const struct shell_opts *opts;
	uv_loop_t loop;
	uv_timer_t tick;
	uv_poll_t store_poll;
	uv_signal_t unix_signal[3];
	uv_idle_t later_idle;
	uv_timer_t farewell; /* bounds how long a halted engine waits for its last words */
	bool later_armed;
	struct later *later, **later_end;
	struct core *core;
	struct store *store;
	struct store_head head;
	struct taping tape; /* what the core was told in this life */
	struct sign_key
		*sign; /* of heads that leave the host; NULL = not to be had, which is told */
	struct net *net;
	struct book *books;
	struct port *ports;
	conn_done_fn *on_done; /* completion of every connector; ctx is the shell */
	struct flight *flights;
	struct control *control;
	int stops;     /* SIGTERM or SIGINT received */
	bool stepping; /* inside core_step or its actions */
	bool halted;
	int exit;
	char why[512];
	char boot_id[40];
};

/* loop.c */
void shell_event(struct shell *s,
	struct event *ev); /* fills the clocks, steps the core, carries out its actions */
/* The end of the loop. Unclean: people are told first, without the core and without the journal. */
void shell_halt(struct shell *s, int exit, bool clean, const char *why);
void shell_leave(struct shell *s); /* the last words are said */

/* dispatch.c */
void dispatch_action(struct shell *s, const struct action *a);
void dispatch_later(struct shell *s, const struct later *what); /* copies */
void dispatch_fini(struct shell *s);
conn_done_fn *dispatch_done(void); /* the engine's on_done */
/* Alarm everybody of a halt; false when there is nobody. Calls shell_leave when all have answered.
 */
bool dispatch_last_words(struct shell *s, const char *text);

/* ports.c */
struct port *ports_get(struct shell *s, const char *playbook, const char *name, struct err *err);
struct port *ports_for(struct shell *s, struct playbook *pb, const char *name, struct err *err);
void ports_drop(struct shell *s, const struct playbook *pb); /* NULL = all */

/* books.c */
enum rc books_load(struct shell *s, struct err *err);
void books_fini(struct shell *s);
struct playbook *books_by_hash(void *shell, const char *sha256);   /* core_env.playbook */
struct playbook *books_by_name(struct shell *s, const char *name); /* or by SHA-256; borrowed */

/* control.c */
enum rc control_open(struct control **ret, struct shell *s, const char *path, struct err *err);
void control_reply(struct control *c, const char *req, int exit, const char *body, bool last);
void control_status(struct control *c, const char *topic, const char *body);
/* Whoever still waits for an answer is told so. NULL-safe. */
void control_last_words(struct control *c, const char *text);
void control_close(struct control **c);

#endif
