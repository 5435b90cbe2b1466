/*
 * test_cells.c - every cell of the table of states and events, as DESIGN sections 6 and 7 have it:
 * where it leads and to what. Written from there, one line for each event; `make mutate-rows` shows
 * that no row can change without this test or another turning red.
 *
 * Where the design says nothing, this was chosen. What a state already stands for is refused, since
 * it tells nothing new (a met diagnosis in suspect, a healthy primary while recovering). While a
 * run is open it alone leads: evidence, expiries and the backup's health are refused until it has
 * ended. A run's end is taken note of wherever the machine stands, except in the state of the
 * contrary run. People are told when something has not gone as it was begun: undone, turned round,
 * blocked, found elsewhere.
 */
#include "core/lifecycle.h"
#include "lib/check.h"

enum { WORD = 24 };

/* In the order of the states: - refused; . stays, or the first letter of where it goes (see
 * `letters`); then what it leads to: s shelter, u unshelter, ? ask, c cut-over, f failback, a
 * abort, > continue, ! alarm, e eject. */
static const char letters[] = "SNUACBRFLX";
static const char *const states[LS_N] = { "settling", "normal", "suspect", "awaiting-approval",
	"cutting-over", "on-backup", "recovering", "failing-back", "rolling-back", "blocked" };
static const char grid[] = /*     S   N   U   A   C   B   R   F   L   X */
	"targets-on-primary       N   .   .   .   -   N!  N!  -   -   N \n"
	"targets-on-backup        B   B!  B!  B!  -   .   .   -   -   B \n"
	"targets-mixed            X!  X!  X!  X!  -   X!  X!  -   -   . \n"
	"open-run-found           C>  C   C   C   -   C   C   -   -   C \n"
	"open-failback-found      F>  F   F   F   -   F   F   -   -   F \n"
	"diagnosis-met            -   U   -   -   -   -   -   -   -   - \n"
	"shelter-due              -   Us  .s  .s  -   -   -   -   -   - \n"
	"diagnosis-confirmed      -   -   A?  -   -   -   -   -   -   - \n"
	"confirmed-automatic      -   -   Cc  -   -   -   -   -   -   - \n"
	"diagnosis-cleared        -   .u  Nu  Nu  -   -   -   -   -   - \n"
	"approved                 -   -   -   Cc  -   -   Ff  -   -   - \n"
	"denied                   -   -   -   U   -   -   .   -   -   - \n"
	"time-over-proceed        -   -   -   Cc  -   -   -   -   -   - \n"
	"time-over-stand-down     -   -   -   U!  -   -   -   -   -   - \n"
	"run-done                 .   B   B   B   B   .   B   -   B!  B \n"
	"run-rolled-back          .   .   N   N   N!  N   N   -   N   N \n"
	"failback-done            .   .   N   N   -   N   N   N   N!  N \n"
	"failback-rolled-back     .   B   B   B   -   .   B   B!  B   B \n"
	"run-blocked              X!  X!  X!  X!  X!  X!  X!  X!  X!  - \n"
	"run-rolling-back         L>  L   L   L   L!  L   L   L!  -   L \n"
	"primary-healthy          -   -   -   -   -   R   -   -   -   - \n"
	"primary-bad              -   -   -   -   -   -   B   -   -   - \n"
	"soaked                   -   -   -   -   -   -   .?  -   -   - \n"
	"soaked-automatic         -   -   -   -   -   -   Ff  -   -   - \n"
	"backup-unfit             -   .!  .!  .!  -   .!  .!  -   -   - \n"
	"shelter-expired          -   .!  .!  .!  -   .!  .!  -   -   - \n"
	"cutover                  -   Cc  Cc  Cc  -   -   -   -   -   Cc\n"
	"failback                 -   -   -   -   -   Ff  Ff  -   -   Ff\n"
	"abort                    -   -   -   -   La  -   -   La  -   La\n"
	"continue                 -   -   -   -   .>  -   -   .>  .>  .>\n"
	"approve                  -   -   -   .   -   -   .   -   -   - \n"
	"deny                     -   -   -   .   -   -   .   -   -   - \n"
	"pause                    .   .   .   .   .   .   .   .   .   . \n"
	"resume                   -   -   -   -   -   -   -   -   -   - \n"
	"ack                      .   .   .   .   .   .   .   .   .   . \n"
	"eject                    -   .e  -   -   -   -   -   -   -   - \n";

/* Refused under the brake: what starts or ends something at the targets by itself or by a person's
 * word (invariant 17). Refused while blind: what rests on evidence that is not believed now
 * (section 6). */
static const char braked[] =
	" shelter-due diagnosis-confirmed confirmed-automatic diagnosis-cleared approved "
	"time-over-proceed soaked soaked-automatic cutover failback abort continue eject ";
static const char unseen[] =
	" diagnosis-met shelter-due diagnosis-confirmed confirmed-automatic diagnosis-cleared "
	"time-over-proceed primary-healthy primary-bad soaked soaked-automatic backup-unfit ";

static bool
holds(const char *list, const char *name)
{
	char word[WORD + 2];

	(void)snprintf(word, sizeof word, " %.*s ", WORD - 1, name);
	return strstr(list, word) != NULL;
}

/* The grid's word for a row that was found. */
static void
said(const struct life_row *r, enum life_state from, char out[8])
{
	static const char acts[LD_N] = { [LD_SHELTER] = 's',
		[LD_UNSHELTER] = 'u',
		[LD_ASK] = '?',
		[LD_CUTOVER] = 'c',
		[LD_FAILBACK] = 'f',
		[LD_ABORT] = 'a',
		[LD_CONTINUE] = '>',
		[LD_ALARM] = '!',
		[LD_EJECT] = 'e' };
	char to = r == NULL		? '0'
		  : r->act == LD_REFUSE ? '-'
		  : r->to == from	? '.'
					: letters[r->to];

	(void)snprintf(out, 8, "%c%c", to, r != NULL ? acts[r->act] : '\0');
}

static void
expect(const char *event, enum life_event e, int s, unsigned flags, const char *want)
{
	char got[8];

	if ((flags & LF_PAUSED) != 0 && strcmp(event, "resume") == 0)
		want = ".";
	else if (((flags & LF_PAUSED) != 0 && holds(braked, event)) ||
		 ((flags & LF_BLIND) != 0 && holds(unseen, event)))
		want = "-";
	said(lifecycle_next((enum life_state)s, e, flags), (enum life_state)s, got);
	if (strcmp(got, want) != 0)
		printf("     %s, %s, flags %u:\n", states[s], event, flags);
	CHECK_STR(got, want);
}

static void
every_cell_is_as_the_design_has_it(void)
{
	const char *at = grid;
	int cells = 0, n = 0;

	for (int e = 0; e < LE_N; e++) {
		char event[WORD], want[8];

		if (sscanf(at, "%23s%n", event, &n) != 1)
			break;
		at += n;
		CHECK_STR(life_event_name((enum life_event)e), event);
		for (int s = 0; s < LS_N; s++) {
			if (sscanf(at, "%7s%n", want, &n) != 1)
				break;
			at += n;
			for (unsigned f = 0; f < LF_COMBINATIONS; f++, cells++)
				expect(event, (enum life_event)e, s, f, want);
		}
	}
	CHECK_INT(cells, LS_N * LE_N * LF_COMBINATIONS);
	CHECK_STR(at, " \n");
}

static void
states_stand_in_the_order_of_the_grid(void)
{
	for (int s = 0; s < LS_N; s++)
		CHECK_STR(life_state_name((enum life_state)s), states[s]);
}

int
main(void)
{
	TEST(states_stand_in_the_order_of_the_grid);
	TEST(every_cell_is_as_the_design_has_it);
	return check_end();
}
