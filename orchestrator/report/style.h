/* style.h - the style sheet of the HTML report. Wide, telephone, paper; light and dark. */
#ifndef FERRYMAN_REPORT_STYLE_H
#define FERRYMAN_REPORT_STYLE_H

const char *style_sheet(void);

#endif
