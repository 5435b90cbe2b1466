/* help.c - --help and the man page, both from the verbs' rows. */
#include "base/text.h"
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

static const struct {
	int code;
	const char *word, *when;
} codes[] = {
#define CODE(name, number, word, when) { number, word, when },
	CLI_EXITS(CODE)
#undef CODE
};

static void
put_opts(struct buf *b, const struct cli_opt *o)
{
	char left[64];

	for (; o != NULL && o->name != NULL; o++) {
		if (o->doc == NULL)
			continue;
		(void)snprintf(left, sizeof left, "--%s%s%s", o->name, o->arg != NULL ? " " : "",
			o->arg != NULL ? o->arg : "");
		buf_fmt(b, "  %-22s %s\n", left, o->doc);
	}
}

void
help_verb(struct buf *b, const struct cli_verb *v)
{
	buf_fmt(b, "usage: ferryman %s %s\n\n%s.\n", v->name, v->args, v->summary);
	if (v->run == NULL) {
		buf_str(b, "\nThis verb is known, but not built yet.\n");
		return;
	}
	buf_fmt(b, "\n%s\n", v->text);
	if (v->opts != NULL && v->opts[0].name != NULL) {
		buf_str(b, "\noptions:\n");
		put_opts(b, v->opts);
	}
	buf_str(b, "\ncommon options:\n");
	put_opts(b, cli_common);
}

void
help_all(struct buf *b)
{
	bool unbuilt = false;

	buf_str(b, "usage: ferryman VERB ...\n\n"
		   "Takes an organisation's mail across when its cloud mail fails, and brings it "
		   "back.\n\n");
	for (const struct cli_verb *const *v = verbs_all(); *v != NULL; v++)
		if ((*v)->run != NULL && (*v)->summary != NULL)
			buf_fmt(b, "  %-10s %s\n", (*v)->name, (*v)->summary);
	buf_str(b, "\n  known, but not built yet:");
	for (const struct cli_verb *const *v = verbs_all(); *v != NULL; v++) {
		if ((*v)->run != NULL)
			continue;
		buf_fmt(b, "%s %s", unbuilt ? "," : "", (*v)->name);
		unbuilt = true;
	}
	buf_str(b, "\n\nferryman VERB --help tells more. ferryman --version names the versions of "
		   "playbooks, records and store.\n\nExit codes:\n");
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		buf_fmt(b, "  %d %s: %s\n", codes[i].code, codes[i].word, codes[i].when);
}

/*
 * The manual page, in mdoc(7). Text lines that begin with . or ' would be requests, a backslash is
 * an escape, and quotes and words that are names of macros mean something on macro lines, so only
 * fixed words stand there, arguments of options and verbs in quotes.
 */
static void
put_roff(struct buf *b, const char *s, size_t n)
{
	bool start = true;

	for (size_t i = 0; i < n; i++) {
		bool stop = i > 1 && s[i] == ' ' && s[i - 1] == '.' &&
			    (i < 4 || s[i - 3] != '.'); /* not "e.g. " */

		if (start && (s[i] == '.' || s[i] == '\''))
			buf_str(b, "\\&");
		start = false;
		if (s[i] == '\\')
			buf_str(b, "\\e");
		else if (s[i] == '-' && (i == 0 || s[i - 1] == ' ' || s[i - 1] == '-'))
			buf_str(b, "\\-"); /* an option, to be copied as it is */
		else if (stop)
			buf_char(b, '\n'), start = true; /* mdoc(7): new sentence, new line */
		else
			buf_char(b, s[i]);
	}
}

/* An argument of a macro. */
static void
put_quoted(struct buf *b, const char *s)
{
	buf_char(b, '"');
	for (; *s != '\0'; s++)
		if (*s == '"')
			buf_str(b, "\\(dq");
		else if (*s == '\\')
			buf_str(b, "\\e");
		else
			buf_char(b, *s);
	buf_char(b, '"');
}

static void
man_opts(struct buf *b, const struct cli_opt *o)
{
	bool any = false;

	for (; o != NULL && o->name != NULL; o++) {
		if (o->doc == NULL)
			continue;
		if (!any)
			buf_str(b, ".Bl -tag -width Ds\n");
		any = true;
		buf_fmt(b, ".It Fl \\-%s", o->name);
		if (o->arg != NULL)
			buf_fmt(b, " Ar %s", o->arg);
		buf_char(b, '\n');
		put_roff(b, o->doc, strlen(o->doc));
		buf_char(b, '\n');
	}
	if (any)
		buf_str(b, ".El\n");
}

/* A blank line is a new paragraph; lines that begin with two blanks are kept as they are. */
static void
man_text(struct buf *b, const char *text)
{
	const char *line;
	size_t n;
	bool literal = false;

	while (text_line(&text, &line, &n)) {
		bool want = n > 2 && line[0] == ' ' && line[1] == ' ';

		if (want != literal)
			buf_str(b, want ? ".Bd -literal -offset indent\n" : ".Ed\n.Pp\n");
		literal = want;
		if (n == 0)
			buf_str(b, ".Pp");
		else
			put_roff(b, literal ? line + 2 : line, literal ? n - 2 : n);
		buf_char(b, '\n');
	}
	if (literal)
		buf_str(b, ".Ed\n");
}

static void
man_verb(struct buf *b, const struct cli_verb *v)
{
	buf_fmt(b, ".Ss %s", v->name);
	if (v->args[0] != '\0') {
		buf_char(b, ' ');
		put_quoted(b, v->args);
	}
	buf_char(b, '\n');
	put_roff(b, v->summary, strlen(v->summary));
	buf_str(b, ".\n.Pp\n");
	man_text(b, v->text);
	man_opts(b, v->opts);
}

static void
man_unbuilt(struct buf *b)
{
	bool any = false;

	for (const struct cli_verb *const *v = verbs_all(); *v != NULL; v++) {
		if ((*v)->run != NULL)
			continue;
		buf_fmt(b, "%s%s", any ? ",\n" : "", (*v)->name);
		any = true;
	}
	buf_str(b, any ? ".\n" : "None.\n");
}

static const char man_head[] =
	".\\\" generated from the table of verbs by: make docs\n"
	".Dd November 26, 2026\n.Dt FERRYMAN 8\n.Os\n"
	".Sh NAME\n.Nm ferryman\n.Nd business-continuity failover orchestrator for e-mail\n"
	".Sh SYNOPSIS\n.Nm\n.Ar verb\n.Op Ar argument ...\n.Op Ar option ...\n"
	".Sh DESCRIPTION\n.Nm\ntakes an organisation's mail across when its cloud mail fails, and "
	"brings it back.\n"
	"It reads YAML continuity playbooks, watches health signals, decides, and drives "
	"connectors to cut over\n"
	"to a backup mail path and to fail back.\n";
static const char man_tail[] =
	".Sh FILES\n.Bl -tag -width Ds\n"
	".It Pa /etc/ferryman\nplaybooks and the secrets they name\n"
	".It Pa /var/lib/ferryman\njournal, head file, lock\n"
	".It Pa /run/ferryman/control.sock\ncontrol socket of the one that holds the lock\n.El\n"
	".Sh EXIT STATUS\n.Bl -tag -width Ds -compact\n";

void
help_man(struct buf *b)
{
	buf_str(b, man_head);
	buf_str(b, ".Sh VERBS\n");
	for (const struct cli_verb *const *v = verbs_all(); *v != NULL; v++)
		if ((*v)->run != NULL)
			man_verb(b, *v);
	buf_str(b, ".Sh COMMON OPTIONS\n");
	man_opts(b, cli_common);
	buf_str(b, man_tail);
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		buf_fmt(b, ".It %d\n%s: %s\n", codes[i].code, codes[i].word, codes[i].when);
	buf_str(b, ".El\n");
	buf_str(b, ".Sh CAVEATS\nKnown verbs that are not built yet, and refused as such:\n");
	man_unbuilt(b);
}
