/*
 * ssh.h - run a command on another machine over SSH (libssh2), one kept session for each struct
 * ssh.
 *
 * The host key is pinned with its type ("ssh-ed25519 AAAA..."): an unknown, a changed or a key of
 * another type ends the session before anything is authenticated. The session is opened by the
 * first command, used again by the next ones, closed when idle or lost. Commands wait for each
 * other.
 *
 * libssh2 1.10 signs RSA keys with SHA-1 only and knows no EtM MACs: want ed25519 or ECDSA on both
 * sides.
 */
#ifndef FERRYMAN_NET_SSH_H
#define FERRYMAN_NET_SSH_H

#include "net/net.h"
#include "os/secret.h"

struct ssh;

struct ssh_opts {
	const char *host; /* name or address */
	int port;	  /* 0 = 22 */
	const char *user;
	const struct secret *key; /* private key, OpenSSH or PEM, without passphrase; copied */
	const char *host_key;	  /* "type base64", a comment may follow; copied */
	int64_t idle_ms;	  /* close the session after so long without command; 0 = 60000 */
};

/* ssh_new - no I/O. RC_INVALID if host_key is not one line of a known type (ssh-ed25519,
 * ecdsa-sha2-nistp256/384/521). */
enum rc ssh_new(struct ssh **ret, struct net *net, const struct ssh_opts *opts, struct err *err);
/* ssh_free - cancels what is under way without callbacks; NULL-safe, nulls. */
void ssh_free(struct ssh **s);

struct ssh_command {
	const char *command; /* as sent to the server; "" = what the key's forced command does */
	const void *in;	     /* stdin, then EOF; copied */
	size_t in_n;
	size_t max_out; /* bytes of stdout kept (a longer output is an error); 0 = 1 MiB; stderr 64
			   KiB */
	int64_t deadline_ms; /* from now, waiting for other commands included */
};

enum ssh_end {
	SSH_EXITED,    /* EOF, clean close, an exit status and no signal */
	SSH_REFUSED,   /* nothing was run and asking again changes nothing: host key, authentication
			*/
	SSH_NOT_SENT,  /* nothing was run: the command has not left */
	SSH_MAYBE_SENT /* it may have been run, wholly or in part */
};
struct ssh_result {
	enum ssh_end end;
	int status;	 /* SSH_EXITED. Let what runs there print a last line with its own code, and
			    trust that */
	const char *out; /* NUL-terminated; borrowed for the callback; also what came before a
			    MAYBE_SENT */
	size_t out_n;
	const char *errout;
	size_t errout_n;
	const char *why;
};

struct ssh_job;
typedef void ssh_fn(void *ctx, const struct ssh_result *);
struct ssh_job *ssh_exec(struct ssh *s, const struct ssh_command *c, ssh_fn *fn, void *ctx);
/* ssh_cancel - returns true if the command may have been run; no callback afterwards. NULL-safe
 * (false), nulls. */
bool ssh_cancel(struct ssh_job **job);

#endif
