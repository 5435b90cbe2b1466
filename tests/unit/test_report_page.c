/*
 * test_report_page.c - the report as page and Markdown: well formed, loads nothing, says each thing
 * once and in the right order; and no text of any record can do anything there.
 */
#include "lib/report_rig.h"

#include "base/arena.h"
#include "base/text.h"
#include "os/digest.h"

/* --- what is no page --- */

enum { DEPTH = 64, TAG_LEN = 24 };

struct nest {
	char tag[DEPTH][TAG_LEN];
	size_t n;
	const char *why; /* the first fault */
};

static bool
is_void(const char *tag)
{
	static const char *const tags[] = { "meta", "br", "rect", "path", "circle", "!DOCTYPE" };

	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
		if (text_eq(tags[i], tag))
			return true;
	return false;
}

static bool
is_known(const char *tag)
{
	static const char *const tags[] = { "html", "head", "title", "style", "body", "main",
		"header", "section", "figure", "figcaption", "svg", "g", "text", "table", "thead",
		"tbody", "tr", "th", "td", "p", "h1", "h2", "h3", "ol", "ul", "li", "div", "span",
		"b", "i", "small", "strong", "code", "pre", "a", "time", "article", "footer" };

	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
		if (text_eq(tags[i], tag))
			return true;
	return is_void(tag);
}

/* One tag from its '<'; the text after its '>'. Attributes must be name="value" with nothing in it
 * that could end it. */
static const char *
take_tag(struct nest *t, const char *s)
{
	bool closing = s[1] == '/';
	char tag[TAG_LEN];
	size_t n = 0;

	s += closing ? 2 : 1;
	while (n < TAG_LEN - 1 && ((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
					  (*s >= '0' && *s <= '9') || *s == '!'))
		tag[n++] = *s++;
	tag[n] = '\0';
	if (!is_known(tag))
		t->why = "an unknown tag";
	while (*s != '\0' && *s != '>') {
		if (text_starts(s, " on"))
			t->why = "an event handler";
		if (*s == '=' && s[1] != '"')
			t->why = "an attribute without quotes";
		if (*s == '"')
			s = strchr(s + 1, '"');
		if (s == NULL || *s == '<') {
			t->why = "a tag that does not end";
			return "";
		}
		s++;
	}
	if (closing && (t->n == 0 || !text_eq(t->tag[t->n - 1], tag)))
		t->why = "a closing tag that fits none";
	else if (closing)
		t->n--;
	else if (!is_void(tag) && t->n < DEPTH)
		(void)snprintf(t->tag[t->n++], TAG_LEN, "%s", tag);
	return *s == '>' ? s + 1 : s;
}

/* NULL, or what is wrong with the page. */
static const char *
page_fault(const char *page)
{
	struct nest t = { 0 };

	for (const char *s = page; *s != '\0' && t.why == NULL;) {
		unsigned char c = (unsigned char)*s;

		if (c == '<') {
			s = take_tag(&t, s);
			continue;
		}
		if ((c < 0x20 && c != '\n') || c == 0x7f)
			t.why = "a control character";
		if (text_starts(s, "\xe2\x80\xae"))
			t.why = "a character that turns the direction of writing";
		s++;
	}
	return t.why != NULL ? t.why : t.n > 0 ? "a tag that is not closed" : NULL;
}

/* NULL, or where Markdown has what a reader of it may take for mark-up. Inside a fence only the
 * fence's end is that. */
static const char *
markdown_fault(const char *text)
{
	bool fence = false;

	for (const char *s = text; *s != '\0'; s++) {
		bool start = s == text || s[-1] == '\n';

		if (start && text_starts(s, "  ```"))
			fence = !fence;
		else if (text_starts(s, "```") &&
			 !(start || (s > text + 1 && s[-1] == ' ' && s[-2] == ' ') || s[-1] == '`'))
			return s;
		if (!fence && (*s == '<' || text_starts(s, " https://")))
			return s;
		if (((unsigned char)*s < 0x20 && *s != '\n') || text_starts(s, "\xe2\x80\xae"))
			return s;
	}
	return fence ? "a fence that is not closed" : NULL;
}

static void
markdown_checker_sees_what_is_wrong(void)
{
	CHECK(markdown_fault("a <b>") != NULL);
	CHECK(markdown_fault("see https://evil.example/") != NULL);
	CHECK(markdown_fault("\033[1m") != NULL);
	CHECK(markdown_fault("  ```diff\n    + x\n") != NULL);
	CHECK(markdown_fault("  ```diff\n    + <x>\n  ```\n") == NULL);
}

static void
page_checker_sees_what_is_wrong(void)
{
	static const char *const wrong[] = { "<p>", "</p>", "<b><i></b></i>", "<script></script>",
		"<p onclick=\"x\"></p>", "<p class=x></p>", "<a href=\"x></a>", "\033[31m",
		"<p>\xe2\x80\xae</p>", "<img src=\"x\">" };

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		CHECK(page_fault(wrong[i]) != NULL);
	CHECK(page_fault("<p class=\"a\">&lt;b&gt;</p>") == NULL);
}

static void
the_page_is_well_formed_and_loads_nothing(void)
{
	struct err err = { 0 };
	struct lines l;
	struct report *r;
	struct buf b;

	write_story(&l);
	r = build(&l, "c-1", &err);
	buf_init(&b, &stdmem, PAGE_MAX);
	report_html(r, &b);
	CHECK_STR(page_fault(buf_text(&b)), NULL);
	CHECK(strstr(buf_text(&b), "src=") == NULL && strstr(buf_text(&b), "url(") == NULL &&
		strstr(buf_text(&b), "@import") == NULL);
	CHECK(strstr(buf_text(&b), "<svg class=\"wide\"") != NULL &&
		strstr(buf_text(&b), "<svg class=\"tall\"") != NULL);
	CHECK(strstr(buf_text(&b), "prefers-color-scheme:dark") != NULL &&
		strstr(buf_text(&b), "@media print") != NULL);
	if (getenv("REPORT_PAGE") != NULL) { /* to look at it */
		FILE *f = fopen(getenv("REPORT_PAGE"), "w");

		if (f != NULL) {
			(void)fputs(buf_text(&b), f);
			(void)fclose(f);
		}
	}
	buf_fini(&b);
	report_free(&r);
	playbook_unref(&l.pb);
	lines_free(&l);
}

/* As JSON text inside a string: what it says is <script>..., quotes, ESC, a fence, a table's bar,
 * U+202E, a link. */
#define HOSTILE                                                                                    \
	"<script>alert(1)</script>\\\"'\\u001b[31m```|  \xe2\x80\xae"                              \
	"onload=\\\"x\\\"\\u0001\\nhttps://evil.example/ &lt;"

/* body with the n-th string value that is no structure replaced; false when there are not so many.
 */
static bool
poison(const char *body, int n, struct buf *b)
{
	bool in = false, value = false;
	int seen = -1;

	for (const char *s = body; *s != '\0'; s++) {
		if (*s == '"' && !in) {
			value = s > body && (s[-1] == ':' || s[-1] == '[' || s[-1] == ',');
			in = true;
			if (value && s[-1] == ',') { /* a member's name or an item of a list: the
							name is followed by a colon */
				const char *end = strchr(s + 1, '"');

				value = end != NULL && end[1] != ':';
			}
			seen += value;
			buf_char(b, *s);
			if (value && seen == n)
				buf_str(b, HOSTILE);
			continue;
		}
		if (*s == '\\' && in) {
			buf_add(b, s, 2);
			s++;
			continue;
		}
		if (*s == '"')
			in = false;
		buf_char(b, *s);
	}
	return n <= seen;
}

static int
check_outputs(const struct report *r)
{
	struct arena *a = arena_new(&stdmem, PAGE_MAX);
	const char *fault;
	struct buf b;
	size_t at = 0;
	int bad = 0;

	buf_init(&b, &stdmem, PAGE_MAX);
	report_html(r, &b);
	fault = page_fault(buf_text(&b));
	if (fault != NULL || buf_failed(&b))
		bad++, printf("     html: %s\n", fault != NULL ? fault : "too long");
	buf_reset(&b);
	report_markdown(r, &b);
	fault = markdown_fault(buf_text(&b));
	if (fault != NULL)
		bad++, printf("     markdown: %.60s\n", fault);
	buf_reset(&b);
	report_json(r, &b);
	if (json_read(a, buf_text(&b), b.len, &at) == NULL)
		bad++, printf("     json: byte %zu\n", at);
	buf_fini(&b);
	arena_free(&a);
	return bad;
}

/* The story with one string of one record made hostile. Returns false when the record has no n-th
 * string. */
static bool
poisoned_story(size_t record, int n, int *built)
{
	struct lines l = { 0 };
	struct err err = { 0 };
	struct report *r;
	bool had = false;

	for (size_t i = 0; i < STORY_N; i++) {
		struct buf b;

		buf_init(&b, &stdmem, RECORD_MAX);
		if (i == record)
			had = poison(story[i].body, n, &b);
		lines_add(&l, &story[i], i == record ? buf_text(&b) : story[i].body);
		buf_fini(&b);
	}
	r = had ? build(&l, "last", &err) : NULL;
	if (r != NULL) {
		(*built)++;
		if (check_outputs(r) > 0) {
			printf("     record %zu, string %d\n", record + 1, n);
			CHECK_NEVER("hostile text reaches the page");
		}
	}
	report_free(&r);
	lines_free(&l);
	return had;
}

static void
hostile_text_in_any_string_of_any_record_stays_text(void)
{
	int built = 0, tried = 0;

	for (size_t i = 0; i < STORY_N; i++)
		for (int n = 0; poisoned_story(i, n, &built); n++)
			tried++;
	CHECK(tried > 300);
	CHECK(built > tried * 9 / 10);
}

/* ids of runs and hashes are strings of the header */
static void
a_hostile_run_id_stays_text(void)
{
	struct lines l = { 0 };
	struct err err = { 0 };
	struct report *r;

	for (size_t i = 0; i < STORY_N; i++) {
		struct story_row row = story[i];

		if (text_eq(row.run, "c-1"))
			row.run = "<script>alert(1)</script>\"'\033";
		lines_add(&l, &row, row.body);
	}
	r = build(&l, "last", &err);
	CHECK(r != NULL);
	if (r != NULL)
		CHECK_INT(check_outputs(r), 0);
	report_free(&r);
	lines_free(&l);
}

/* Harm stands first, whatever order the signals were asked in; and nothing is left out. */
static void
evidence_begins_with_the_harm(void)
{
	static const char *const order[] = { "554 5.7.1 refused", "reputation", "delivered" };
	void (*const writers[])(
		const struct report *, struct buf *) = { report_markdown, report_html };

	for (size_t i = 0; i < sizeof writers / sizeof *writers; i++) {
		struct err err = { 0 };
		struct lines l;
		struct report *r;
		const char *at;
		struct buf b;

		write_story(&l);
		r = build(&l, "c-1", &err);
		buf_init(&b, &stdmem, PAGE_MAX);
		writers[i](r, &b);
		at = strstr(buf_text(&b), "Evidence");
		for (size_t k = 0; at != NULL && k < sizeof order / sizeof *order; k++)
			at = strstr(at, order[k]);
		CHECK(at != NULL);
		buf_fini(&b);
		report_free(&r);
		playbook_unref(&l.pb);
		lines_free(&l);
	}
}

/* Whoever reads of the cut-over only would think that mail is still away. */
static void
the_summary_of_a_cutover_says_when_mail_was_back(void)
{
	static const char back[] = "It was back on cloud at 2012-05-15 12:15:33 UTC.";
	static const struct {
		const char *run;
		bool home, said;
	} rows[] = { { "c-1", true, true }, { "c-1", false, false }, { "f-1", true, false } };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = { 0 };
		struct lines l;
		struct report *r;
		struct buf b;

		if (rows[i].home)
			write_home(&l);
		else
			write_story(&l);
		r = build(&l, rows[i].run, &err);
		buf_init(&b, &stdmem, PAGE_MAX);
		report_markdown(r, &b);
		CHECK((strstr(buf_text(&b), back) != NULL) == rows[i].said);
		buf_fini(&b);
		report_free(&r);
		playbook_unref(&l.pb);
		lines_free(&l);
	}
}

static void
a_reason_that_repeats_its_row_is_said_once(void)
{
	struct err err = { 0 };
	struct lines l;
	struct report *r;
	struct buf b;

	write_home(&l);
	r = build(&l, "c-1", &err);
	buf_init(&b, &stdmem, PAGE_MAX);
	report_markdown(r, &b);
	CHECK(strstr(buf_text(&b), "    - rcpt1 answers") != NULL);
	CHECK(strstr(buf_text(&b), "    - row 640") == NULL);
	buf_fini(&b);
	report_free(&r);
	playbook_unref(&l.pb);
	lines_free(&l);
}

int
main(void)
{
	digest_warm();
	TEST(markdown_checker_sees_what_is_wrong);
	TEST(page_checker_sees_what_is_wrong);
	TEST(the_page_is_well_formed_and_loads_nothing);
	TEST(hostile_text_in_any_string_of_any_record_stays_text);
	TEST(a_hostile_run_id_stays_text);
	TEST(evidence_begins_with_the_harm);
	TEST(the_summary_of_a_cutover_says_when_mail_was_back);
	TEST(a_reason_that_repeats_its_row_is_said_once);
	return check_end();
}
