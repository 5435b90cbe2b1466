/* test_timeline.c - status lines as a person sees them. */
#include "lib/check.h"

#include "cli/timeline.h"

#include <stdlib.h>
#include <string.h>

/* What a line of the control socket becomes. */
static const char *
shown(const char *line)
{
	static char *text;
	static size_t n;
	json_t *o = json_loads(line, 0, NULL);
	FILE *out;

	free(text);
	text = NULL;
	out = open_memstream(&text, &n);
	timeline_put(out, o, false);
	(void)fclose(out);
	json_decref(o);
	return text;
}

#define AT ",\"wall_ms\":1337083200000}}" /* 2012-05-15T12:00:00Z */

static void
each_line_is_told_as_a_person_says_it(void)
{
	static const struct {
		const char *name, *line, *want;
	} rows[] = {
		{ "a long name keeps the columns",
			"{\"topic\":\"signal\",\"body\":{\"signal\":\"relay-submission\","
			"\"subject\":\"\",\"verdict\":\"ok\",\"why\":\"answers\"" AT,
			"12:00:00  relay-submission ok                 answers\n" },
		{ "a short one too",
			"{\"topic\":\"signal\",\"body\":{\"signal\":\"anchor\",\"subject\":\"\","
			"\"verdict\":\"ok\",\"why\":\"connected\"" AT,
			"12:00:00  anchor           ok                 connected\n" },
		{ "a subject that the sentence names is said once",
			"{\"topic\":\"signal\",\"body\":{\"signal\":\"lists\",\"subject\":"
			"\"198.51.100.25\",\"verdict\":\"bad\",\"why\":\"198.51.100.25 is "
			"listed\"" AT,
			"12:00:00  lists            bad                198.51.100.25 is listed\n" },
		{ "one that it does not name stands before it",
			"{\"topic\":\"signal\",\"body\":{\"signal\":\"canary\",\"subject\":"
			"\"rcpt1\",\"verdict\":\"bad\",\"harm\":true,\"why\":\"late\"" AT,
			"12:00:00  canary           bad                rcpt1: late (harm)\n" },
		{ "a longer name is another one",
			"{\"topic\":\"signal\",\"body\":{\"signal\":\"canary\",\"subject\":"
			"\"rcpt1\",\"verdict\":\"ok\",\"why\":\"arrived at rcpt12\"" AT,
			"12:00:00  canary           ok                 rcpt1: arrived at "
			"rcpt12\n" },
		{ "a diagnosis has the report's words",
			"{\"topic\":\"diagnosis\",\"body\":{\"diagnosis\":\"blocked\",\"state\":"
			"\"ripening\",\"why\":\"2 of 2\"" AT,
			"12:00:00  blocked          met                2 of 2\n" },
		{ "also when it is confirmed",
			"{\"topic\":\"diagnosis\",\"body\":{\"diagnosis\":\"blocked\",\"state\":"
			"\"convinced\",\"why\":\"2 of 2\"" AT,
			"12:00:00  blocked          confirmed          2 of 2\n" },
		{ "and when it is over",
			"{\"topic\":\"diagnosis\",\"body\":{\"diagnosis\":\"blocked\",\"state\":"
			"\"clear\",\"why\":\"good\"" AT,
			"12:00:00  blocked          clear              good\n" },
		{ "a step at one of several targets says which",
			"{\"topic\":\"run\",\"body\":{\"procedure\":\"out\",\"step\":\"4.hub\","
			"\"name\":\"send\",\"phase\":\"verified\",\"n\":4,\"of\":7,\"text\":"
			"\"read\"" AT,
			"12:00:00  out              verified           [4/7] send (hub): read\n" },
		{ "unless its name does",
			"{\"topic\":\"run\",\"body\":{\"procedure\":\"out\",\"step\":\"b3.hub\","
			"\"name\":\"5 % of hub back\",\"phase\":\"applied\",\"n\":3,\"of\":12,"
			"\"text\":\"\"" AT,
			"12:00:00  out              applied            [3/12] 5 % of hub back\n" },
		{ "a step without a target has none",
			"{\"topic\":\"run\",\"body\":{\"procedure\":\"out\",\"step\":\"6\","
			"\"name\":"
			"\"prove it\",\"phase\":\"reading\",\"n\":7,\"of\":7,\"text\":\"\"" AT,
			"12:00:00  out              reading            [7/7] prove it\n" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (strcmp(shown(rows[i].line), rows[i].want) != 0)
			printf("     %s\n", rows[i].name);
		CHECK_STR(shown(rows[i].line), rows[i].want);
	}
}

int
main(void)
{
	TEST(each_line_is_told_as_a_person_says_it);
	return check_end();
}
