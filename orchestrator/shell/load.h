/*
 * load.h - playbook files from disk, for the shell and for verbs that need no store.
 */
#ifndef FERRYMAN_SHELL_LOAD_H
#define FERRYMAN_SHELL_LOAD_H

#include "base/err.h"
#include "config/playbook.h"

#include <stddef.h>

/* load_file - whole file, malloc'd and NUL-terminated, at most max bytes; RC_NOTFOUND, RC_IO,
 * RC_LIMIT. */
enum rc load_file(const char *path, size_t max, char **ret, size_t *ret_n, struct err *err);

/*
 * load_playbook - read and check a playbook with its durations overlay (NULL = none). *ret_findings
 * is always set unless the file could not be read or memory is out (then NULL and err). NULL
 * playbook = it has errors.
 */
struct playbook *load_playbook(
	const char *path, const char *durations, struct findings **ret_findings, struct err *err);

/*
 * load_text - the bytes kept for a run: playbook and overlay in one, whose SHA-256 is
 * playbook.sha256. load_from_text takes them apart again.
 */
char *load_text(const char *path, const char *durations, size_t *ret_n, struct err *err);
struct playbook *load_from_text(const char *file, const char *text, size_t n, struct err *err);

#endif
