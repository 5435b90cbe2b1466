/*
 * plain.h - foreign text on a terminal: replies of receivers, reasons that people typed. Control
 * characters could move the cursor, rename the window or hide what stands above, so none of them
 * gets there.
 */
#ifndef FERRYMAN_CLI_PLAIN_H
#define FERRYMAN_CLI_PLAIN_H

#include <stdio.h>

/* plain_line - on one line: every control character, a line's end too, becomes a blank. NULL =
 * nothing. */
void plain_line(FILE *out, const char *s);
/* plain_text - keeps the ends of lines, for texts that are lines (a plan). */
void plain_text(FILE *out, const char *s);

#endif
