/* verbs.c - the table of verbs, in the order of the manual. */
#include "cli/cli.h"

#include <stddef.h>

#define UNBUILT(n, s)                                                                              \
	static const struct cli_verb unbuilt_##n = {                                               \
		.name = #n, .args = "...", .max_args = -1, .summary = s                            \
	}

UNBUILT(init, "Read today's mail records of a domain and write a first playbook");
UNBUILT(record, "Write observations to a timeline file");
UNBUILT(ready, "Tell how ready the backup is");
UNBUILT(spf, "Tell what receivers make of an SPF record");
UNBUILT(classify, "Classify one reply or bounce");
UNBUILT(doctor, "Tell what is wrong here");
UNBUILT(logs, "Follow the log");

static const struct cli_verb *const all[] = {
	&verb_check,
	&verb_setup,
	&verb_plan,
	&verb_drill,
	&verb_cutover,
	&verb_failback,
	&verb_abort,
	&verb_eject,
	&verb_watch,
	&verb_status,
	&verb_history,
	&verb_report,
	&verb_approve,
	&verb_deny,
	&verb_pause,
	&verb_resume,
	&verb_ack,
	&verb_audit,
	&verb_replay,
	&verb_simulate,
	&verb_backup,
	&verb_machine,
	&verb_docs,
	&unbuilt_init,
	&unbuilt_record,
	&unbuilt_ready,
	&unbuilt_spf,
	&unbuilt_classify,
	&unbuilt_doctor,
	&unbuilt_logs,
	NULL,
};

const struct cli_verb *const *
verbs_all(void)
{
	return all;
}
