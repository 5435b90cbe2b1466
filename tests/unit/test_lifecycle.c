/* test_lifecycle.c - the table of states and events: total, reachable, without traps, and that its
 * own check finds what is taken away or put in. */
#include "base/text.h"
#include "core/lifecycle.h"
#include "lib/check.h"
#include "os/stdmem.h"

#include <stdlib.h>

enum { TEXT_MAX = 4 * 1024 * 1024 };

static const struct life_row *rows;
static size_t rows_n;

static bool
covers(const struct life_row *r, enum life_state s, enum life_event e, unsigned f)
{
	return r->from == s && r->event == e && (f & r->flags_mask) == r->flags_want;
}

static void
the_table_passes_its_own_check(void)
{
	struct err err = { 0 };

	CHECK(lifecycle_selfcheck(&err) == RC_OK);
	CHECK_STR(err.text, "");
}

static void
each_row_taken_away_is_missed(void)
{
	struct life_row *copy = malloc(rows_n * sizeof *copy);
	size_t missed = 0;

	if (copy == NULL)
		abort();
	for (size_t i = 0; i < rows_n; i++) {
		struct err err = { 0 };

		memcpy(copy, rows, i * sizeof *copy);
		memcpy(copy + i, rows + i + 1, (rows_n - i - 1) * sizeof *copy);
		if (lifecycle_check_rows(copy, rows_n - 1, &err) == RC_OK) {
			printf("     without row %d nothing is missed\n", rows[i].id);
			missed++;
		} else if (strstr(err.text, "no row") == NULL) {
			printf("     without row %d: %s\n", rows[i].id, err.text);
			missed++;
		}
	}
	CHECK_INT(missed, 0);
	CHECK(rows_n >= (size_t)(LS_N * LE_N));
	free(copy);
}

/* Two rows for one state and event never speak of the same flags: the order of rows decides
 * nothing. */
static void
each_cell_has_exactly_one_row(void)
{
	for (int s = 0; s < LS_N; s++)
		for (int e = 0; e < LE_N; e++)
			for (unsigned f = 0; f < LF_COMBINATIONS; f++) {
				int n = 0;

				for (size_t i = 0; i < rows_n; i++)
					n += covers(&rows[i], (enum life_state)s,
						(enum life_event)e, f);
				if (n != 1)
					printf("     %s %s %u: %d rows\n",
						life_state_name((enum life_state)s),
						life_event_name((enum life_event)e), f, n);
				CHECK_INT(n, 1);
			}
}

static void
each_row_has_a_reason_of_its_own(void)
{
	for (size_t i = 0; i < rows_n; i++) {
		CHECK(strlen(rows[i].why) >= 20);
		for (size_t k = i + 1; k < rows_n; k++)
			if (strcmp(rows[i].why, rows[k].why) == 0) {
				printf("     rows %d and %d say the same\n", rows[i].id,
					rows[k].id);
				CHECK(0);
			}
	}
}

static void
ids_are_numbered_by_twos_in_hundreds_by_state(void)
{
	for (size_t i = 0; i < rows_n; i++) {
		CHECK_INT(rows[i].id / 100, (int)rows[i].from + 1);
		CHECK(lifecycle_row(rows[i].id) == &rows[i]);
		CHECK(i == 0 || rows[i].id > rows[i - 1].id);
	}
	CHECK(lifecycle_row(99) == NULL);
}

/* What the check says of a table with one thing wrong. */
static void
wrong(size_t at, struct life_row row, const char *want)
{
	struct life_row *copy = malloc(rows_n * sizeof *copy);
	struct err err = { 0 };

	if (copy == NULL)
		abort();
	memcpy(copy, rows, rows_n * sizeof *copy);
	copy[at] = row;
	CHECK(lifecycle_check_rows(copy, rows_n, &err) == RC_INVALID);
	if (strstr(err.text, want) == NULL)
		printf("     wanted \"%s\", got \"%s\"\n", want, err.text);
	CHECK(strstr(err.text, want) != NULL);
	free(copy);
}

static void
a_number_that_is_none_is_found(void)
{
	struct life_row bad[4] = { rows[0], rows[0], rows[0], rows[0] };

	bad[0].from = LS_N;
	bad[1].to = LS_N;
	bad[2].event = LE_N;
	bad[3].act = LD_N;
	for (size_t i = 0; i < 4; i++)
		wrong(0, bad[i], "no such state, event or act");
	CHECK_STR(life_state_name(LS_N), "?");
	CHECK_STR(life_event_name(LE_N), "?");
	CHECK_STR(life_do_name(LD_N), "?");
}

static size_t
find(enum life_state s, enum life_event e)
{
	for (size_t i = 0; i < rows_n; i++)
		if (rows[i].from == s && rows[i].event == e)
			return i;
	abort();
}

static void
a_row_without_a_reason_is_found(void)
{
	size_t at = find(LS_NORMAL, LE_DENIED);
	struct life_row r = rows[at];

	r.why = "";
	wrong(at, r, "does not say why");
	r.why = NULL;
	wrong(at, r, "does not say why");
}

static void
ids_that_do_not_rise_are_found(void)
{
	size_t at = find(LS_NORMAL, LE_DENIED);
	struct life_row r = rows[at];

	r.id = rows[at - 1].id;
	wrong(at, r, "ids must rise");
	r = rows[rows_n - 1];
	r.id = 9999;
	wrong(rows_n - 1, r, "ids of \"blocked\"");
}

static void
a_row_that_matches_nothing_is_found(void)
{
	size_t at = find(LS_NORMAL, LE_DENIED);
	struct life_row *copy = malloc((rows_n + 1) * sizeof *copy);
	struct err err = { 0 };
	struct life_row r = rows[at];

	if (copy == NULL)
		abort();
	memcpy(copy, rows, (at + 1) * sizeof *copy);
	memcpy(copy + at + 2, rows + at + 1, (rows_n - at - 1) * sizeof *copy);
	copy[at + 1] = rows[at];
	copy[at + 1].id++;
	CHECK(lifecycle_check_rows(copy, rows_n + 1, &err) == RC_INVALID);
	CHECK(strstr(err.text, "never matches") != NULL);
	free(copy);
	r.flags_want = LF_BLIND;
	r.flags_mask = LF_PAUSED;
	wrong(at, r, "can never match its flags");
	r.flags_want = 0;
	r.flags_mask = LF_COMBINATIONS;
	wrong(at, r, "can never match its flags");
}

static void
a_refusal_that_moves_is_found(void)
{
	size_t at = find(LS_NORMAL, LE_DENIED);
	struct life_row r = rows[at];

	r.to = LS_BLOCKED;
	wrong(at, r, "refuses and moves");
}

/* All rows that leave a state become stays: the state is a trap. All that enter it: it cannot be
 * reached. */
static void
a_trap_and_a_lost_state_are_found(void)
{
	struct life_row *copy = malloc(rows_n * sizeof *copy);

	if (copy == NULL)
		abort();
	for (int s = 0; s < LS_N; s++) {
		struct err err = { 0 };

		memcpy(copy, rows, rows_n * sizeof *copy);
		for (size_t i = 0; i < rows_n; i++)
			if ((int)copy[i].from == s)
				copy[i].to = copy[i].from;
		if (s != LS_NORMAL) { /* from normal everything is back in normal */
			CHECK(lifecycle_check_rows(copy, rows_n, &err) == RC_INVALID);
			CHECK(strstr(err.text, "cannot be reached") != NULL ||
				strstr(err.text, "is a trap") != NULL);
		}
		memcpy(copy, rows, rows_n * sizeof *copy);
		for (size_t i = 0; i < rows_n; i++)
			if ((int)copy[i].to == s)
				copy[i].to = copy[i].from;
		if (s != LS_SETTLING) {
			CHECK(lifecycle_check_rows(copy, rows_n, &err) == RC_INVALID);
			CHECK(strstr(err.text, "cannot be reached") != NULL ||
				strstr(err.text, "is a trap") != NULL);
		}
	}
	free(copy);
}

/* What people did not ask for leads across or nowhere: the budget counts each such start. */
static void
what_starts_without_people_is_a_cut_over(void)
{
	for (size_t i = 0; i < rows_n; i++)
		if (rows[i].event == LE_CONFIRMED_AUTO || rows[i].event == LE_PROCEED)
			CHECK(rows[i].act == LD_REFUSE || rows[i].act == LD_CUTOVER);
}

static bool
starts_by_itself(enum life_event e, enum life_do d)
{
	if (e >= LE_CMD_CUTOVER || e == LE_APPROVED)
		return false; /* people */
	return d == LD_SHELTER || d == LD_UNSHELTER || d == LD_CUTOVER || d == LD_FAILBACK ||
	       d == LD_ASK;
}

static void
paused_or_blind_nothing_starts_by_itself(void)
{
	int starts = 0;

	for (int s = 0; s < LS_N; s++)
		for (int e = 0; e < LE_N; e++)
			for (unsigned f = 0; f < LF_COMBINATIONS; f++) {
				const struct life_row *r =
					lifecycle_next((enum life_state)s, (enum life_event)e, f);

				if (!starts_by_itself((enum life_event)e, r->act))
					continue;
				CHECK_INT(f, 0);
				starts++;
			}
	CHECK(starts >= 10); /* and unpaused they do */
}

/* A person acts while blind in every state where a person may act at all. */
static void
blind_refuses_no_command(void)
{
	for (int s = 0; s < LS_N; s++)
		for (int e = LE_CMD_CUTOVER; e < LE_N; e++)
			for (unsigned f = 0; f < LF_BLIND; f++)
				CHECK(lifecycle_next((enum life_state)s, (enum life_event)e, f) ==
					lifecycle_next((enum life_state)s, (enum life_event)e,
						f | LF_BLIND));
}

/* What sends effects is refused under the brake, and the sentence says which override to name. */
static void
commands_with_effects_are_braked(void)
{
	static const enum life_event effects[] = { LE_CMD_CUTOVER, LE_CMD_FAILBACK, LE_CMD_ABORT,
		LE_CMD_CONTINUE, LE_CMD_EJECT };
	int braked = 0;

	for (int s = 0; s < LS_N; s++)
		for (size_t i = 0; i < sizeof effects / sizeof effects[0]; i++) {
			const struct life_row *free =
				lifecycle_next((enum life_state)s, effects[i], 0);
			const struct life_row *paused =
				lifecycle_next((enum life_state)s, effects[i], LF_PAUSED);

			CHECK(paused->act == LD_REFUSE);
			if (free->act == LD_REFUSE)
				continue;
			CHECK(strstr(paused->why, "override pause") != NULL);
			braked++;
		}
	CHECK(braked >= 12);
}

static void
pause_and_ack_are_taken_in_every_state(void)
{
	for (int s = 0; s < LS_N; s++) {
		enum life_state st = (enum life_state)s;

		CHECK(lifecycle_next(st, LE_CMD_PAUSE, 0)->act == LD_STAY);
		CHECK(lifecycle_next(st, LE_CMD_PAUSE, LF_PAUSED)->act == LD_STAY);
		CHECK(lifecycle_next(st, LE_CMD_RESUME, LF_PAUSED)->act == LD_STAY);
		CHECK(lifecycle_next(st, LE_CMD_RESUME, 0)->act == LD_REFUSE);
		CHECK(lifecycle_next(st, LE_CMD_ACK, 0)->act == LD_STAY);
	}
}

static void
only_the_right_states_follow_an_act(void)
{
	for (size_t i = 0; i < rows_n; i++) {
		const struct life_row *r = &rows[i];

		if (r->act == LD_CUTOVER)
			CHECK(r->to == LS_CUTTING);
		if (r->act == LD_FAILBACK)
			CHECK(r->to == LS_FAILING_BACK &&
				(r->from == LS_ON_BACKUP || r->from == LS_RECOVERING ||
					r->from == LS_BLOCKED));
		if (r->act == LD_ABORT)
			CHECK(r->to == LS_ROLLING);
		if (r->act == LD_UNSHELTER)
			CHECK(r->to == LS_NORMAL);
		if (r->to == LS_BLOCKED && r->from != LS_BLOCKED)
			CHECK(r->act == LD_ALARM);
	}
}

struct row_case {
	const char *name;
	enum life_state s;
	enum life_event e;
	unsigned f;
	enum life_state to;
	enum life_do act;
};

static void
the_story_of_may_2012_goes_through_the_table(void)
{
	static const struct row_case story[] = {
		{ "read first", LS_SETTLING, LE_SETTLED_PRIMARY, 0, LS_NORMAL, LD_STAY },
		{ "harm", LS_NORMAL, LE_HARM_SHELTER, 0, LS_SUSPECT, LD_SHELTER },
		{ "ripe", LS_SUSPECT, LE_CONFIRMED, 0, LS_AWAITING, LD_ASK },
		{ "yes", LS_AWAITING, LE_APPROVED, 0, LS_CUTTING, LD_CUTOVER },
		{ "across", LS_CUTTING, LE_RUN_DONE, 0, LS_ON_BACKUP, LD_STAY },
		{ "delisted", LS_ON_BACKUP, LE_PRIMARY_OK, 0, LS_RECOVERING, LD_STAY },
		{ "listed again", LS_RECOVERING, LE_PRIMARY_BAD, 0, LS_ON_BACKUP, LD_STAY },
		{ "soaked", LS_RECOVERING, LE_SOAKED, 0, LS_RECOVERING, LD_ASK },
		{ "yes again", LS_RECOVERING, LE_APPROVED, 0, LS_FAILING_BACK, LD_FAILBACK },
		{ "home", LS_FAILING_BACK, LE_BACK_DONE, 0, LS_NORMAL, LD_STAY },
		{ "abort", LS_CUTTING, LE_CMD_ABORT, 0, LS_ROLLING, LD_ABORT },
		{ "undone", LS_ROLLING, LE_RUN_UNDONE, 0, LS_NORMAL, LD_STAY },
		{ "back undone", LS_ROLLING, LE_BACK_UNDONE, 0, LS_ON_BACKUP, LD_STAY },
		{ "abort after", LS_ON_BACKUP, LE_CMD_ABORT, 0, LS_ON_BACKUP, LD_REFUSE },
	};

	for (size_t i = 0; i < sizeof story / sizeof story[0]; i++) {
		const struct row_case *c = &story[i];
		const struct life_row *r = lifecycle_next(c->s, c->e, c->f);

		if (r->to != c->to || r->act != c->act) {
			printf("     %s: row %d\n", c->name, r->id);
			CHECK(0);
		}
	}
	CHECK(strstr(lifecycle_next(LS_ON_BACKUP, LE_CMD_ABORT, 0)->why, "use failback") != NULL);
}

static void
the_cells_are_counted(void)
{
	char want[120];
	struct buf b;
	int empty = -1, refusals = 0, cells = LS_N * LE_N * LF_COMBINATIONS;

	for (int s = 0; s < LS_N; s++)
		for (int e = 0; e < LE_N; e++)
			for (unsigned f = 0; f < LF_COMBINATIONS; f++)
				refusals +=
					lifecycle_next((enum life_state)s, (enum life_event)e, f)
						->act == LD_REFUSE;
	(void)snprintf(want, sizeof want,
		"%d × %d × %d = %d cells: %d transitions, %d refusals, "
		"0 empty\n",
		LS_N, LE_N, LF_COMBINATIONS, cells, cells - refusals, refusals);
	buf_init(&b, &stdmem, TEXT_MAX);
	lifecycle_cells(&b, false, &empty);
	CHECK_INT(empty, 0);
	CHECK(text_ends(buf_text(&b), want));
	buf_fini(&b);
	buf_init(&b, &stdmem, TEXT_MAX);
	lifecycle_cells(&b, true, &empty);
	CHECK(text_starts(buf_text(&b), "{\"cells\":[{\"row\":100,"));
	CHECK(strstr(buf_text(&b), "\"empty\":0}") != NULL);
	CHECK(strstr(buf_text(&b),
		      "\"state\":\"normal\",\"event\":\"cutover\",\"paused\":false,\"blind\":true,"
		      "\"to\":\"cutting-over\",\"act\":\"cutover\"") != NULL);
	CHECK(strstr(buf_text(&b), "\"event\":\"cutover\",\"paused\":true,\"blind\":false,\"to\":"
				   "\"normal\",\"act\":\"refuse\"") != NULL);
	buf_fini(&b);
}

static void
the_graph_names_each_state_and_draws_no_refusal(void)
{
	struct buf b;

	buf_init(&b, &stdmem, TEXT_MAX);
	lifecycle_dot(&b);
	CHECK(text_starts(buf_text(&b), "digraph lifecycle {\n"));
	CHECK(text_ends(buf_text(&b), "}\n"));
	for (int s = 0; s < LS_N; s++) {
		char node[64];

		(void)snprintf(node, sizeof node, "\t\"%s\"", life_state_name((enum life_state)s));
		CHECK(strstr(buf_text(&b), node) != NULL);
	}
	CHECK(strstr(buf_text(&b), "\t\"normal\" -> \"suspect\" [label=\"") != NULL);
	CHECK(strstr(buf_text(&b), " shelter-due / shelter\"];\n") != NULL);
	CHECK(strstr(buf_text(&b), " / stay") == NULL);
	for (size_t i = 0; i < rows_n; i++) {
		char label[32];

		(void)snprintf(label, sizeof label, "label=\"%d ", rows[i].id);
		if (rows[i].act == LD_REFUSE)
			CHECK(strstr(buf_text(&b), label) == NULL);
		else if (rows[i].to != rows[i].from)
			CHECK(strstr(buf_text(&b), label) != NULL);
	}
	buf_fini(&b);
}

static void
names_are_read_back(void)
{
	for (int s = 0; s < LS_N; s++)
		CHECK_INT(life_state_parse(life_state_name((enum life_state)s)), s);
	CHECK_INT(life_state_parse("nowhere"), LS_N);
	CHECK_INT(life_state_parse(NULL), LS_N);
	for (int e = 0; e < LE_N; e++)
		for (int k = e + 1; k < LE_N; k++)
			CHECK(strcmp(life_event_name((enum life_event)e),
				      life_event_name((enum life_event)k)) != 0);
	for (int d = 0; d < LD_N; d++)
		CHECK(strcmp(life_do_name((enum life_do)d), "?") != 0);
}

int
main(void)
{
	rows = lifecycle_rows(&rows_n);
	TEST(the_table_passes_its_own_check);
	TEST(each_row_taken_away_is_missed);
	TEST(each_cell_has_exactly_one_row);
	TEST(each_row_has_a_reason_of_its_own);
	TEST(ids_are_numbered_by_twos_in_hundreds_by_state);
	TEST(a_number_that_is_none_is_found);
	TEST(a_row_without_a_reason_is_found);
	TEST(ids_that_do_not_rise_are_found);
	TEST(a_row_that_matches_nothing_is_found);
	TEST(a_refusal_that_moves_is_found);
	TEST(a_trap_and_a_lost_state_are_found);
	TEST(what_starts_without_people_is_a_cut_over);
	TEST(paused_or_blind_nothing_starts_by_itself);
	TEST(blind_refuses_no_command);
	TEST(commands_with_effects_are_braked);
	TEST(pause_and_ack_are_taken_in_every_state);
	TEST(only_the_right_states_follow_an_act);
	TEST(the_story_of_may_2012_goes_through_the_table);
	TEST(the_cells_are_counted);
	TEST(the_graph_names_each_state_and_draws_no_refusal);
	TEST(names_are_read_back);
	return check_end();
}
