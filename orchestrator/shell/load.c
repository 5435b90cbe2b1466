/* load.c - playbook files from disk. */
#include "shell/load.h"

#include "connector.h"
#include "os/digest.h"
#include "os/stdmem.h"
#include "shell/window.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PLAYBOOK_MAX = 1024 * 1024 };

enum rc
load_file(const char *path, size_t max, char **ret, size_t *ret_n, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0, cap = 16384;
	ssize_t got = 1;
	char *text;

	if (fd < 0)
		return err_set(err, errno == ENOENT ? RC_NOTFOUND : RC_IO, "cannot read %s: %s",
			path, strerror(errno));
	text = stdmem_get(cap + 1);
	while (n <= max && (got = read(fd, text + n, cap - n)) > 0) {
		n += (size_t)got;
		if (n == cap) {
			char *more = stdmem_get(2 * cap + 1);

			memcpy(more, text, n);
			free(text);
			text = more;
			cap *= 2;
		}
	}
	(void)close(fd);
	if (got < 0 || n > max) {
		free(text);
		if (got < 0)
			return err_set(err, RC_IO, "cannot read %s: %s", path, strerror(errno));
		return err_set(err, RC_LIMIT, "%s is longer than %zu bytes", path, max);
	}
	text[n] = '\0';
	*ret = text;
	*ret_n = n;
	return RC_OK;
}

static struct playbook *
parse(const char *file, const char *text, size_t n, const char *durations_file,
	const char *durations, size_t durations_n,
	enum rc (*zone)(void *, const char *, struct err *), struct findings **ret_findings)
{
	const struct playbook_input in = {
		.file = file,
		.text = text,
		.len = n,
		.durations_file = durations_file,
		.durations = durations,
		.durations_len = durations_n,
		.connectors = registry_infos(),
		.zone = zone,
		.sha256 = digest_sha256,
	};

	return playbook_load(&stdmem, &in, ret_findings);
}

struct playbook *
load_playbook(
	const char *path, const char *durations, struct findings **ret_findings, struct err *err)
{
	char *text = NULL, *overlay = NULL;
	size_t n = 0, overlay_n = 0;
	struct playbook *pb = NULL;

	*ret_findings = NULL;
	if (load_file(path, PLAYBOOK_MAX, &text, &n, err) == RC_OK &&
		(durations == NULL ||
			load_file(durations, PLAYBOOK_MAX, &overlay, &overlay_n, err) == RC_OK))
		pb = parse(path, text, n, durations, overlay, overlay_n, window_zone, ret_findings);
	if (pb == NULL && err->rc == RC_OK &&
		(*ret_findings == NULL ||
			findings_n(*ret_findings) == 0)) { /* not even a finding */
		findings_free(ret_findings);
		(void)err_set(err, RC_NOMEM, "%s: out of memory", path);
	}
	free(text);
	free(overlay);
	return pb;
}

char *
load_text(const char *path, const char *durations, size_t *ret_n, struct err *err)
{
	char *text = NULL, *overlay = NULL, *both = NULL;
	size_t n = 0, overlay_n = 0, mark = sizeof PLAYBOOK_OVERLAY_MARK - 1;

	if (load_file(path, PLAYBOOK_MAX, &text, &n, err) != RC_OK || text == NULL)
		return NULL;
	if (durations == NULL) {
		*ret_n = n;
		return text;
	}
	if (load_file(durations, PLAYBOOK_MAX, &overlay, &overlay_n, err) == RC_OK &&
		overlay != NULL) {
		both = stdmem_get(n + mark + overlay_n + 1);
		memcpy(both, text, n);
		memcpy(both + n, PLAYBOOK_OVERLAY_MARK, mark);
		memcpy(both + n + mark, overlay, overlay_n);
		*ret_n = n + mark + overlay_n;
	}
	free(text);
	free(overlay);
	return both;
}

struct playbook *
load_from_text(const char *file, const char *text, size_t n, struct err *err)
{
	const char *mark = memmem(text, n, PLAYBOOK_OVERLAY_MARK, sizeof PLAYBOOK_OVERLAY_MARK - 1);
	const char *overlay = mark != NULL ? mark + sizeof PLAYBOOK_OVERLAY_MARK - 1 : NULL;
	struct findings *f = NULL;
	struct playbook *pb;

	pb = parse(file, text, mark != NULL ? (size_t)(mark - text) : n,
		overlay != NULL ? "durations" : NULL, overlay,
		overlay != NULL ? (size_t)(text + n - overlay) : 0, NULL, &f);
	if (pb == NULL)
		(void)err_set(err, RC_INVALID,
			"the stored text of playbook %s is refused by this build: %s", file,
			f != NULL && findings_n(f) > 0 ? findings_at(f, 0)->text : "out of memory");
	findings_free(&f);
	return pb;
}
