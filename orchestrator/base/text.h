/*
 * text.h - small pure helpers for text: comparison, UTF-8, nearest word, hexadecimal, lines.
 */
#ifndef FERRYMAN_BASE_TEXT_H
#define FERRYMAN_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool text_eq(const char *a, const char *b);	   /* NULL equals NULL only */
bool text_eq_nocase(const char *a, const char *b); /* ASCII */
bool text_starts(const char *s, const char *prefix);
bool text_ends(const char *s, const char *suffix);

/* text_utf8_ok - true if the n bytes are well-formed UTF-8 (RFC 3629) without NUL. */
bool text_utf8_ok(const char *s, size_t n);

/*
 * text_nearest - the word of words[0..n) with the smallest edit distance to s, if that is at most
 * a third of the word's length (at least 1, at most 3); else NULL. For "did you mean".
 */
const char *text_nearest(const char *s, const char *const *words, size_t n);

/* text_hex - 2*n lower-case digits and NUL into out. text_unhex - n bytes; false if s is not 2*n
 * digits. */
void text_hex(const uint8_t *p, size_t n, char *out);
bool text_unhex(const char *s, uint8_t *out, size_t n);

/*
 * text_plain - foreign words made fit for one line of a terminal, a log and a report, in place:
 * line ends and tabs become blanks; control characters and what turns the direction of writing
 * become '?'.
 */
void text_plain(char *s);

/* text_line - the next line of *at without its newline into {*line, *len}; false at the end. */
bool text_line(const char **at, const char **line, size_t *len);

#endif
