/* help.c - --help and the man page, both from the verbs' rows. */
#include "base/text.h"
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

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
		   "playbooks, records and store.\n"
		   "Exit codes: 0 done, 1 failed, 2 usage or invalid playbook, 3 refused by a "
		   "guard, 4 blocked and needs a\n"
		   "person, 5 pending approval.\n");
}

/* roff: a line that begins with . or ' would be a request, a backslash an escape. */
static void
put_roff(struct buf *b, const char *s)
{
	bool start = true;

	for (; *s != '\0'; s++) {
		if (start && (*s == '.' || *s == '\''))
			buf_str(b, "\\&");
		if (*s == '\\')
			buf_str(b, "\\e");
		else if (*s == '-')
			buf_str(b, "\\-");
		else
			buf_char(b, *s);
		start = *s == '\n';
	}
}

static void
man_opts(struct buf *b, const struct cli_opt *o)
{
	for (; o != NULL && o->name != NULL; o++) {
		if (o->doc == NULL)
			continue;
		buf_fmt(b, ".TP\n\\fB\\-\\-%s\\fR", o->name);
		if (o->arg != NULL)
			buf_fmt(b, " \\fI%s\\fR", o->arg);
		buf_char(b, '\n');
		put_roff(b, o->doc);
		buf_char(b, '\n');
	}
}

/* A blank line is a new paragraph; lines that begin with two blanks are kept as they are. */
static void
man_text(struct buf *b, const char *text)
{
	const char *line;
	size_t n;
	bool literal = false;

	while (text_line(&text, &line, &n)) {
		char one[512];
		bool want = n > 2 && line[0] == ' ' && line[1] == ' ';

		if (want != literal)
			buf_str(b, want ? ".PP\n.nf\n" : ".fi\n.PP\n");
		literal = want;
		(void)snprintf(one, sizeof one, "%.*s", (int)n, line);
		if (n == 0)
			buf_str(b, ".PP\n");
		else {
			put_roff(b, one);
			buf_char(b, '\n');
		}
	}
	if (literal)
		buf_str(b, ".fi\n");
}

void
help_man(struct buf *b)
{
	buf_str(b,
		".\\\" generated from the verbs' table by: make docs\n"
		".TH FERRYMAN 8 \"\" \"ferryman " FERRYMAN_VERSION "\" \"System administration\"\n"
		".SH NAME\nferryman \\- business-continuity failover orchestrator for e\\-mail\n"
		".SH SYNOPSIS\n.B ferryman\n\\fIVERB\\fR [\\fIargument\\fR ...] [\\fIoption\\fR "
		"...]\n"
		".SH DESCRIPTION\nTakes an organisation's mail across when its cloud mail fails, "
		"and brings it back. It reads YAML\n"
		"continuity playbooks, watches health signals, decides, and drives connectors to "
		"cut over to a backup mail\n"
		"path and to fail back.\n.SH VERBS\n");
	for (const struct cli_verb *const *v = verbs_all(); *v != NULL; v++) {
		if ((*v)->run == NULL)
			continue;
		buf_fmt(b, ".SS ferryman %s \\fI%s\\fR\n", (*v)->name, (*v)->args);
		put_roff(b, (*v)->summary);
		buf_str(b, ".\n.PP\n");
		man_text(b, (*v)->text);
		man_opts(b, (*v)->opts);
	}
	buf_str(b, ".SH COMMON OPTIONS\n");
	man_opts(b, cli_common);
	buf_str(b, ".SH EXIT STATUS\n0 done, 1 failed, 2 usage or invalid playbook, 3 refused by a "
		   "guard, 4 blocked and needs a person,\n"
		   "5 pending approval.\n"
		   ".SH FILES\n.TP\n/etc/ferryman\nplaybooks and the secrets they name\n"
		   ".TP\n/var/lib/ferryman\njournal, head file, "
		   "lock\n.TP\n/run/ferryman/control.sock\ncontrol socket of the one that holds "
		   "the lock\n"
		   ".SH NOT BUILT YET\n");
	for (const struct cli_verb *const *v = verbs_all(); *v != NULL; v++)
		if ((*v)->run == NULL)
			buf_fmt(b, "%s\n", (*v)->name);
}
