/*
 * escape.h - foreign text made harmless for the page it goes into. Everything in a report that
 * comes from a record goes through here: replies of receivers, reasons that people typed, names.
 *
 * Control characters, bytes that are no UTF-8 and characters that turn the direction of writing are
 * shown as what they are (U+202E) and have no effect.
 */
#ifndef FERRYMAN_REPORT_ESCAPE_H
#define FERRYMAN_REPORT_ESCAPE_H

#include "base/buf.h"

/* escape_html - for text and for quoted attributes alike. NULL = nothing. */
void escape_html(struct buf *b, const char *s);
/* escape_htmln - at most n bytes of it. */
void escape_htmln(struct buf *b, const char *s, size_t n);
/* escape_markdown - for running text and cells of tables; a line's end becomes a blank. */
void escape_markdown(struct buf *b, const char *s);
/* escape_line - for a fenced block: no mark-up there, but the fence itself and controls. */
void escape_line(struct buf *b, const char *s, size_t n);

#endif
