/*
 * table.c - `tests/table KIND PATH`: golden tables. KIND is `decision` (what is seen and said ->
 * what ferryman does), `trace` (the same, told line by line and not judged) or `playbook` (wrong
 * playbooks -> what is found). PATH is a file, or a folder whose *.cases are taken. The formats are
 * told in tests/README.md.
 */
#include "golden/casefile.h"
#include "golden/tables.h"

#include <stdio.h>
#include <string.h>

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "decision") == 0)
		return cases_run(argv[2], decision_case);
	if (argc == 3 && strcmp(argv[1], "trace") == 0)
		return cases_run(argv[2], trace_case);
	if (argc == 3 && strcmp(argv[1], "playbook") == 0)
		return cases_run(argv[2], wrong_case);
	fprintf(stderr, "usage: tests/table decision|trace|playbook FILE.cases|FOLDER\n");
	return 2;
}
