/* casefile.c - reads golden tables and counts. A line that cannot be read ends the program: a table
 * with a slip in it must not pass. */
#include "golden/casefile.h"

#include "os/stdmem.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { CASE_LINES_MAX = 400, FILES_MAX = 256, FILE_BYTES = 1 << 20, PATH_LEN = 512 };

/* One thread, one table at a time. */
static struct {
	int faults, passed, failed;
} count;

static void
slip(const char *file, int no, const char *what)
{
	fprintf(stderr, "%s:%d: %s\n", file, no, what);
	exit(2);
}

bool
word_is(const struct cline *l, size_t i, const char *s)
{
	return i < l->n && strcmp(l->word[i], s) == 0;
}

bool
text_has(const char *text, const char *words)
{
	return strcasestr(text, words) != NULL;
}

void
case_fault(const struct gcase *c, int no, const char *fmt, ...)
{
	va_list ap;

	if (count.faults++ == 0)
		printf("FAIL %s\n", c->name);
	printf("     %s:%d: ", c->file, no);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

static char *
slurp(const char *path, size_t *ret_len)
{
	FILE *f = fopen(path, "rb");
	char *text;
	size_t n;

	if (f == NULL)
		return NULL;
	text = stdmem_get(FILE_BYTES + 1);
	n = fread(text, 1, FILE_BYTES, f);
	if (ferror(f) || !feof(f))
		slip(path, 0, "cannot be read, or is larger than 1 MiB");
	(void)fclose(f);
	if (ret_len != NULL)
		*ret_len = n;
	return text;
}

char *
case_file(const struct gcase *c, const char *name, size_t *ret_len)
{
	const char *const dirs[] = { c->dir, "tests/golden/playbooks", "." };
	char path[PATH_LEN];

	for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++) {
		char *text;

		(void)snprintf(path, sizeof path, "%s/%s", dirs[i], name);
		text = slurp(path, ret_len);
		if (text != NULL)
			return text;
	}
	return NULL;
}

static int
hex(const char *p, int digits)
{
	int v = 0;

	for (int i = 0; i < digits; i++) {
		if (!isxdigit((unsigned char)p[i]))
			return -1;
		v = v * 16 + (isdigit((unsigned char)p[i]) ? p[i] - '0' : (p[i] | 32) - 'a' + 10);
	}
	return v;
}

/* "\n" "\t" "\"" "\\" "\x00" inside quotes; characters outside ASCII are written as they are or
 * byte by byte. */
static char *
unquote(const char *file, int no, char *p, size_t *ret_len)
{
	char *w = p;
	const char *start = p;

	while (*p != '"') {
		if (*p == '\0')
			slip(file, no, "a quotation mark is not closed");
		if (*p != '\\') {
			*w++ = *p++;
			continue;
		}
		p++;
		if (*p == 'n' || *p == 't')
			*w++ = *p == 'n' ? '\n' : '\t';
		else if (*p == '"' || *p == '\\')
			*w++ = *p;
		else if (*p == 'x' && hex(p + 1, 2) >= 0) {
			*w++ = (char)hex(p + 1, 2);
			p += 2;
		} else
			slip(file, no, "unknown escape in quotes; known: \\n \\t \\\" \\\\ \\xHH");
		p++;
	}
	*ret_len = (size_t)(w - start);
	*w = '\0';
	return p + 1;
}

static void
split(const char *file, struct cline *l, char *p)
{
	while (*p != '\0') {
		while (*p == ' ' || *p == '\t')
			p++;
		if (*p == '\0' || *p == '#')
			return;
		if (l->n == LINE_WORDS)
			slip(file, l->no, "too many words");
		if (*p == '"') {
			l->word[l->n] = p + 1;
			p = unquote(file, l->no, p + 1, &l->len[l->n]);
			l->n++;
			continue;
		}
		l->word[l->n] = p;
		p += strcspn(p, " \t");
		l->len[l->n] = (size_t)(p - l->word[l->n]);
		l->n++;
		if (*p != '\0')
			*p++ = '\0';
	}
}

static void
finish(struct gcase *c, void (*run)(const struct gcase *))
{
	if (c->name == NULL)
		return;
	count.faults = 0;
	run(c);
	if (count.faults > 0) {
		count.failed++;
	} else {
		count.passed++;
		printf("ok   %s\n", c->name);
	}
	(void)fflush(stdout);
	c->name = NULL;
	c->lines_n = 0;
}

static void
run_file(const char *path, void (*run)(const struct gcase *))
{
	struct cline *lines = stdmem_get(CASE_LINES_MAX * sizeof *lines);
	char dir[PATH_LEN], *text, *p, *next;
	struct gcase c = { .file = path, .dir = dir, .line = lines };
	int no = 0;

	(void)snprintf(dir, sizeof dir, "%s", path);
	p = strrchr(dir, '/');
	(void)snprintf(p != NULL ? p : dir, sizeof dir - (size_t)(p != NULL ? p - dir : 0), "%s",
		p != NULL ? "" : ".");
	text = slurp(path, NULL);
	if (text == NULL)
		slip(path, 0, "cannot be opened");
	for (p = text; p != NULL && *p != '\0'; p = next) {
		struct cline *l = &lines[c.lines_n];

		next = strchr(p, '\n');
		if (next != NULL)
			*next++ = '\0';
		no++;
		if (strncmp(p, "case ", 5) == 0) {
			finish(&c, run);
			c.name = p + 5;
			c.no = no;
			continue;
		}
		*l = (struct cline){ .no = no };
		if (*p == '|')
			l->raw = p[1] == ' ' ? p + 2 : p + 1;
		else
			split(path, l, p);
		if (l->n == 0 && l->raw == NULL)
			continue;
		if (c.name == NULL)
			slip(path, no, "stands before the first case");
		if (++c.lines_n == CASE_LINES_MAX)
			slip(path, no, "a case with too many lines");
	}
	finish(&c, run);
	free(text);
	free(lines);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
is_table(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot != NULL && strcmp(dot, ".cases") == 0;
}

static void
run_folder(const char *path, void (*run)(const struct gcase *))
{
	char *name[FILES_MAX], full[PATH_LEN * 2];
	const struct dirent *e;
	DIR *d = opendir(path);
	size_t n = 0;

	if (d == NULL)
		slip(path, 0, strerror(errno));
	while ((e = readdir(d)) != NULL)
		if (is_table(e->d_name) && n < FILES_MAX)
			name[n++] = stdmem_str(e->d_name);
	(void)closedir(d);
	qsort(name, n, sizeof name[0], by_name);
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(full, sizeof full, "%s/%s", path, name[i]);
		run_file(full, run);
		free(name[i]);
	}
}

int
cases_run(const char *path, void (*run)(const struct gcase *))
{
	struct stat st;

	if (stat(path, &st) != 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return 2;
	}
	if (S_ISDIR(st.st_mode))
		run_folder(path, run);
	else
		run_file(path, run);
	if (count.passed + count.failed == 0)
		slip(path, 0, "no cases here; a table is a file NAME.cases");
	printf("%d passed, %d failed, 0 skipped\n", count.passed, count.failed);
	return count.failed > 0;
}
