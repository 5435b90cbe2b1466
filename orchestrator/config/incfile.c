/* incfile.c - the rows of an incident's file, and what the rows alone cannot say. */
#include "config/incfile.h"

#include "base/text.h"
#include "config/cfg.h"

#include <stdio.h>
#include <string.h>

enum { DAY_MS = 86400000 };

static const struct schema_row rows_mail[] = {
	{ "outbound", V_RATE, .doc = "How much is sent." },
	{ "inbound", V_RATE, .doc = "How much comes in." },
	{ 0 },
};

static const struct schema_row rows_truth[] = {
	{ "role", V_STR, SR_REQUIRED, .doc = "primary or backup." },
	{ "flow", V_ENUM, SR_REQUIRED, .words = "outbound|inbound", .doc = "Which mail." },
	{ "from", V_DURATION, 0, .def = "0s", .doc = "From when on." },
	{ "until", V_DURATION, SR_REQUIRED, .doc = "Until when." },
	{ "refused", V_PERCENT, SR_REQUIRED, .doc = "Share that comes back to its sender." },
	{ "what", V_STR, 0, .doc = "In words, for people." },
	{ 0 },
};

static const struct schema_row rows_line[] = {
	{ "kind", V_NAME, SR_REQUIRED, .doc = "Kind of signal, or any." },
	{ "role", V_STR, 0, .def = "any", .doc = "primary, backup, other:N, anchor, any." },
	{ "flow", V_ENUM, 0, .words = "outbound|inbound", .doc = "Of signals of this flow only." },
	{ "signal", V_NAME, 0, .doc = "Of this signal only, by the playbook's name for it." },
	{ "subject", V_STR, 0, .doc = "A subject's name or number." },
	{ "class", V_STR, 0, .doc = "A receiver class's name or number." },
	{ "verdict", V_ENUM, SR_REQUIRED, .words = "ok|degraded|bad|unknown",
		.doc = "The answer." },
	{ "untested", V_BOOL, 0, .doc = "The source fails its own test (RFC 5782)." },
	{ "from", V_DURATION, 0, .doc = "From when on; left out: it was so before, too." },
	{ "until", V_DURATION, 0, .doc = "Until when; left out: to the end." },
	{ "why", V_STR, 0, .doc = "The answer in words." },
	{ 0 },
};

static const struct schema_row rows_incident[] = {
	{ "incident", V_INT, SR_REQUIRED, .min = "1", .max = "1", .doc = "Version of the format." },
	{ "name", V_NAME, SR_REQUIRED, .doc = "Its name." },
	{ "summary", V_STR, SR_REQUIRED, .doc = "One sentence." },
	{ "begins", V_STR, SR_REQUIRED, .doc = "2012-05-09T06:00:00Z: the moment 0s." },
	{ "lasts", V_DURATION, SR_REQUIRED, .min = "1m", .max = "60d",
		.doc = "How long it is told." },
	{ "admitted", V_DURATION, 0, .doc = "When the provider admitted it in public." },
	{ "admitted-by", V_STR, 0, .doc = "Where." },
	{ "mail", V_MAP, 0, .sub = rows_mail, .doc = "How much mail there is." },
	{ "truth", V_MAP, SR_LIST, .sub = rows_truth, .doc = "What was true behind it." },
	{ "observations", V_MAP, SR_LIST | SR_REQUIRED, .sub = rows_line, .doc = "The answers." },
	{ 0 },
};

struct incident_build {
	struct incfile file; /* first: incfile_free knows it by this */
	struct mem mem;
	struct arena *a;
	struct reader r;
};

const char *
inc_role_name(enum inc_role r)
{
	static const char *const names[ROLE_N] = { "any", "primary", "backup", "other", "anchor" };

	return names[r];
}

bool
inc_role_read(const char *s, enum inc_role *ret, int64_t *ret_n)
{
	*ret_n = 0;
	for (int r = 0; r < ROLE_N; r++) {
		const char *name = inc_role_name((enum inc_role)r);
		size_t n = strlen(name);

		*ret = (enum inc_role)r;
		if (text_eq(s, name))
			return r != ROLE_OTHER;
		if ((r == ROLE_OTHER || r == ROLE_ANCHOR) && text_starts(s, name) && s[n] == ':')
			return num_int(s + n + 1, ret_n) && *ret_n >= 1;
	}
	return false;
}

/* --- RFC 3339, in UTC and to the second --- */

/* Days from 1970-01-01; the months of a year that begins in March have a pattern. */
static int64_t
days(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year, m = month <= 2 ? month + 9 : month - 3;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static bool
digits(const char *s, size_t n, int64_t least, int64_t most, int64_t *ret)
{
	*ret = 0;
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		*ret = *ret * 10 + (s[i] - '0');
	}
	return *ret >= least && *ret <= most;
}

static bool
read_time(const char *s, int64_t *ret_wall_ms)
{
	static const char shape[] = "0000-00-00T00:00:00Z";
	static const int length[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int64_t y, mo, d, h, mi, se;

	if (s == NULL || strlen(s) != sizeof shape - 1)
		return false;
	for (size_t i = 0; shape[i] != '\0'; i++)
		if (shape[i] != '0' && s[i] != shape[i])
			return false;
	if (!digits(s, 4, 1970, 9999, &y) || !digits(s + 5, 2, 1, 12, &mo) ||
		!digits(s + 8, 2, 1, 31, &d) || !digits(s + 11, 2, 0, 23, &h) ||
		!digits(s + 14, 2, 0, 59, &mi) || !digits(s + 17, 2, 0, 59, &se) ||
		d > length[mo - 1])
		return false;
	*ret_wall_ms = days(y, mo, d) * DAY_MS + ((h * 60 + mi) * 60 + se) * 1000;
	return true;
}

/* --- putting it together --- */

static void
wrong(struct incident_build *b, struct place at, const char *path, const char *text)
{
	findings_add(b->r.f, FIND_ERROR, b->r.file, at, "meaning", path, "%s",
		text != NULL ? text : "memory ran out");
}

static void
span(struct incident_build *b, const struct cfg *c, const char *path, int64_t *from, int64_t *until)
{
	if (cfg_has(c, "from"))
		*from = cfg_int(c, "from");
	if (cfg_has(c, "until"))
		*until = cfg_int(c, "until");
	if (cfg_has(c, "until") && *until <= *from)
		wrong(b, cfg_place(c, "until"), path, "it ends before it begins");
}

/* A number counts from 1, so that a slip would name nothing and be heard by nobody. */
static const char *
name_or_number(struct incident_build *b, const struct cfg *c, const char *key, const char *path)
{
	const char *s = cfg_str(c, key);
	int64_t n;

	if (s != NULL && num_int(s, &n) && n < 1)
		wrong(b, cfg_place(c, key), path,
			arena_fmt(b->a, "\"%s\" is no number of one: they are counted from 1", s));
	return s;
}

static void
build_lines(struct incident_build *b, const struct cfg *top)
{
	size_t n = cfg_len(top, "observations");
	struct inc_line *line = arena_get(b->a, (n + 1) * sizeof *line);

	for (size_t i = 0; line != NULL && i < n; i++) {
		const struct cfg *c = cfg_map_at(top, "observations", i);
		struct inc_line *l = &line[i];
		const char *path = arena_fmt(b->a, "observations.%zu", i + 1);

		if (path == NULL)
			return;
		l->kind = cfg_str(c, "kind");
		if (!inc_role_read(cfg_str(c, "role"), &l->role, &l->n))
			wrong(b, cfg_place(c, "role"), path,
				arena_fmt(b->a,
					"\"%s\": want primary, backup, other:N (the N-th of the "
					"other paths), anchor, anchor:N or any",
					cfg_str(c, "role")));
		l->flow_given = cfg_has(c, "flow");
		l->flow = (enum flow)cfg_int(c, "flow");
		l->signal = cfg_str(c, "signal");
		l->subject = name_or_number(b, c, "subject", path);
		l->class = name_or_number(b, c, "class", path);
		l->verdict = (enum inc_verdict)cfg_int(c, "verdict");
		l->untested = cfg_int(c, "untested") != 0;
		l->from_given = cfg_has(c, "from");
		l->until_given = cfg_has(c, "until");
		span(b, c, path, &l->from_ms, &l->until_ms);
		l->why = cfg_str(c, "why");
		l->line = cfg_place(c, NULL).line;
	}
	b->file.line = line;
	b->file.lines_n = line != NULL ? n : 0;
}

/* At one moment one share of a flow's mail by a path comes back. */
static void
alone(struct incident_build *b, const struct cfg *c, const char *path,
	const struct inc_truth *truth, size_t i)
{
	const struct inc_truth *t = &truth[i];

	for (size_t k = 0; k < i; k++)
		if (truth[k].role == t->role && truth[k].flow == t->flow &&
			truth[k].from_ms < t->until_ms && t->from_ms < truth[k].until_ms)
			wrong(b, cfg_place(c, NULL), path,
				arena_fmt(b->a,
					"it overlaps truth.%zu: at one moment one share of this "
					"flow by this path comes back",
					k + 1));
}

static void
build_truth(struct incident_build *b, const struct cfg *top)
{
	size_t n = cfg_len(top, "truth");
	struct inc_truth *truth = arena_get(b->a, (n + 1) * sizeof *truth);

	for (size_t i = 0; truth != NULL && i < n; i++) {
		const struct cfg *c = cfg_map_at(top, "truth", i);
		const char *path = arena_fmt(b->a, "truth.%zu", i + 1);
		int64_t none;

		if (path == NULL)
			return;
		if (!inc_role_read(cfg_str(c, "role"), &truth[i].role, &none) ||
			(truth[i].role != ROLE_PRIMARY && truth[i].role != ROLE_BACKUP))
			wrong(b, cfg_place(c, "role"), path,
				arena_fmt(b->a, "\"%s\": want primary or backup",
					cfg_str(c, "role")));
		truth[i].flow = (enum flow)cfg_int(c, "flow");
		truth[i].refused_bp = cfg_int(c, "refused");
		span(b, c, path, &truth[i].from_ms, &truth[i].until_ms);
		alone(b, c, path, truth, i);
	}
	b->file.truth = truth;
	b->file.truth_n = truth != NULL ? n : 0;
}

static void
build(struct incident_build *b, const struct cfg *top)
{
	struct incfile *f = &b->file;
	const struct cfg *mail = cfg_map(top, "mail");

	f->name = cfg_str(top, "name");
	f->summary = cfg_str(top, "summary");
	f->lasts_ms = cfg_int(top, "lasts");
	f->admitted = cfg_has(top, "admitted");
	f->admitted_ms = cfg_int(top, "admitted");
	f->admitted_by = cfg_str(top, "admitted-by");
	if (mail != NULL) {
		f->mail[FLOW_OUTBOUND] = cfg_rate(mail, "outbound");
		f->mail[FLOW_INBOUND] = cfg_rate(mail, "inbound");
	}
	if (!read_time(cfg_str(top, "begins"), &f->begins_wall_ms))
		wrong(b, cfg_place(top, "begins"), "begins",
			"want a moment in UTC such as 2012-05-09T06:00:00Z");
	build_lines(b, top);
	build_truth(b, top);
}

static struct incident_build *
new_build(const struct mem *mem, const char *file)
{
	struct incident_build *b;
	struct arena *a = arena_new(mem, 64 * (size_t)YAML_BYTES_MAX);

	b = a != NULL ? arena_get(a, sizeof *b) : NULL;
	if (b == NULL) {
		arena_free(&a);
		return NULL;
	}
	b->mem = *mem;
	b->a = a;
	b->r = (struct reader){ .mem = &b->mem, .a = a, .file = file, .overlay_file = "" };
	return b;
}

struct incfile *
incfile_read(const struct mem *mem, const char *file, const char *text, size_t n,
	struct findings **ret_findings)
{
	struct incident_build *b = new_build(mem, file);
	struct incfile *made;
	struct ynode *root;
	struct cfg *top = NULL;

	*ret_findings = findings_new(mem);
	if (b == NULL || *ret_findings == NULL)
		return NULL;
	b->r.f = *ret_findings;
	root = yaml_tree_read(b->a, file, text, n, b->r.f);
	if (root != NULL)
		top = cfg_read(&b->r, root, rows_incident, NULL, "");
	if (top != NULL && findings_errors(b->r.f) == 0)
		build(b, top);
	findings_sort(b->r.f);
	made = &b->file;
	if (top == NULL || arena_failed(b->a) || findings_failed(b->r.f) ||
		findings_errors(b->r.f) > 0)
		incfile_free(&made);
	return made;
}

void
incfile_free(struct incfile **f)
{
	struct incident_build *b = (struct incident_build *)*f;
	struct arena *a;

	*f = NULL;
	if (b == NULL)
		return;
	a = b->a;
	arena_free(&a);
}
