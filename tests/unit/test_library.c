/*
 * test_library.c - the playbooks that come with ferryman, read with the real connectors: each
 * loads, says what it will not do, is fit for short durations; and the generated documents are
 * fresh.
 */
#include "connector.h"
#include "lib/check.h"
#include "os/digest.h"
#include "os/stdmem.h"

#include "config/playbook.h"
#include "core/plan.h"

#include <stdlib.h>

enum { FILE_MAX_ = 4 * 1024 * 1024 };

static const char *const names[] = { "outbound", "inbound", "both", "observe" };

/* The whole file, NUL behind it; NULL = not there. */
static char *
slurp(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = f != NULL ? malloc(FILE_MAX_) : NULL;
	size_t n;

	if (text != NULL) {
		n = fread(text, 1, FILE_MAX_ - 1, f);
		text[n] = '\0';
	}
	if (f != NULL)
		(void)fclose(f);
	return text;
}

static char *
library(const char *name)
{
	char path[200];

	(void)snprintf(path, sizeof path, "playbooks/library/%s.yaml", name);
	return slurp(path);
}

static struct playbook *
load(const char *name, const char *text, const char *durations, struct findings **ret)
{
	const struct playbook_input in = { .file = name,
		.text = text,
		.len = strlen(text),
		.durations_file = durations != NULL ? "durations" : NULL,
		.durations = durations,
		.durations_len = durations != NULL ? strlen(durations) : 0,
		.connectors = registry_infos(),
		.sha256 = digest_sha256 };

	return playbook_load(&stdmem, &in, ret);
}

static void
tell(const struct findings *f)
{
	for (size_t i = 0; i < findings_n(f); i++)
		printf("     %d:%d [%s] %s\n", findings_at(f, i)->at.line,
			findings_at(f, i)->at.col, findings_at(f, i)->rule,
			findings_at(f, i)->text);
}

/* A cold relay is what one rents; authorised in peace time is the owner's choice; the lab has two
 * hosts that are anchors. Nothing else may be said of a playbook that we hand out. */
static void
each_loads_and_earns_three_warnings_at_most(void)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char *text = library(names[i]);
		struct findings *f = NULL;
		struct playbook *pb = text != NULL ? load(names[i], text, NULL, &f) : NULL;

		CHECK(text != NULL && pb != NULL);
		for (size_t k = 0; f != NULL && k < findings_n(f); k++)
			if (strcmp(findings_at(f, k)->rule, "cold") != 0 &&
				strcmp(findings_at(f, k)->rule, "anchors-two") != 0 &&
				strcmp(findings_at(f, k)->rule, "spf-peace") != 0) {
				tell(f);
				CHECK(false);
				break;
			}
		if (pb != NULL)
			CHECK_STR(pb->name, names[i]);
		findings_free(&f);
		playbook_unref(&pb);
		free(text);
	}
}

static void
each_begins_with_what_it_will_not_do(void)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char *text = library(names[i]), *end = text != NULL ? strstr(text, "\n\n") : NULL;

		CHECK(end != NULL);
		if (end != NULL) {
			*end = '\0';
			CHECK(text[0] == '#');
			CHECK(strstr(text, "What it does:") != NULL);
			CHECK(strstr(text, "What it will not do:") != NULL);
			CHECK(strstr(text, "\nferryman:") == NULL);
		}
		free(text);
	}
}

static void
observing_holds_nothing_that_writes(void)
{
	char *text = library("observe");
	struct findings *f = NULL;
	struct playbook *pb = text != NULL ? load("observe", text, NULL, &f) : NULL;

	CHECK(pb != NULL);
	if (pb != NULL) {
		CHECK(pb->mode == MODE_OBSERVE && pb->targets_n == 0 && pb->procedures_n == 0);
		for (size_t i = 0; i < pb->responses_n; i++)
			CHECK(pb->responses[i].mode == MODE_OBSERVE);
	}
	findings_free(&f);
	playbook_unref(&pb);
	free(text);
}

/* Nothing but the shelter starts unasked, and no run at all without harm at two receivers. */
static void
nothing_but_the_shelter_is_automatic(void)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char *text = library(names[i]);
		struct findings *f = NULL;
		struct playbook *pb = text != NULL ? load(names[i], text, NULL, &f) : NULL;

		for (size_t k = 0; pb != NULL && k < pb->responses_n; k++)
			if (pb->responses[k].run != NULL)
				CHECK((pb->responses[k].mode == MODE_AUTOMATIC) ==
					(pb->responses[k].run->kind == PROC_SHELTER));
		for (size_t k = 0; pb != NULL && k < pb->responses_n; k++)
			if (pb->responses[k].run != NULL &&
				pb->responses[k].on->flow == FLOW_OUTBOUND)
				CHECK(pb->responses[k].on->receivers >= 2 &&
					pb->responses[k].on->groups >= 2);
		findings_free(&f);
		playbook_unref(&pb);
		free(text);
	}
}

/* A playbook that goes on when nobody answers says so where its reader begins, and one that does
 * not, does not. */
static void
who_goes_on_unanswered_says_so(void)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char *text = library(names[i]);
		struct findings *f = NULL;
		struct playbook *pb = text != NULL ? load(names[i], text, NULL, &f) : NULL;
		bool goes = false, says;

		for (size_t k = 0; pb != NULL && k < pb->responses_n; k++)
			goes = goes || (pb->responses[k].otherwise_proceed &&
					       pb->responses[k].within_ms > 0);
		says = text != NULL &&
		       strstr(text, "when nobody has answered within fifteen minutes") != NULL;
		CHECK(pb != NULL && goes == says);
		CHECK(goes == (i == 0 || i == 2));
		findings_free(&f);
		playbook_unref(&pb);
		free(text);
	}
}

/* Refused at two receivers, and no list says why: somebody is told, wherever outbound mail is
 * watched. The backup is accused by two receivers as well. */
static void
harm_alone_is_told(void)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char *text = library(names[i]);
		struct findings *f = NULL;
		struct playbook *pb = text != NULL ? load(names[i], text, NULL, &f) : NULL;
		bool told = false;

		for (size_t k = 0; pb != NULL && k < pb->responses_n; k++) {
			const struct diagnosis *d = pb->responses[k].on;

			told = told || (d->path == pb->primary && d->flow == FLOW_OUTBOUND &&
					       d->groups == 1 && d->receivers == 2 &&
					       pb->responses[k].run == NULL);
		}
		for (size_t k = 0; pb != NULL && k < pb->diagnoses_n; k++)
			if (pb->diagnoses[k].path != pb->primary)
				CHECK(pb->diagnoses[k].receivers == 2);
		CHECK(pb != NULL && told == (i != 1)); /* inbound.yaml watches no outbound mail */
		findings_free(&f);
		playbook_unref(&pb);
		free(text);
	}
}

/* `both` is outbound and inbound together: side by side with either it would be two hands on one
 * wheel. */
static void
no_two_that_act_stand_side_by_side(void)
{
	struct playbook *pb[4] = { 0 };

	for (size_t i = 0; i < 4; i++) {
		char *text = library(names[i]);
		struct findings *f = NULL;

		pb[i] = text != NULL ? load(names[i], text, NULL, &f) : NULL;
		findings_free(&f);
		free(text);
	}
	for (size_t i = 0; i < 4; i++) {
		for (size_t k = i + 1; k < 4; k++) {
			const struct playbook *const two[] = { pb[i], pb[k] };
			struct err err = { 0 };

			CHECK(pb[i] != NULL && pb[k] != NULL);
			if (pb[i] != NULL && pb[k] != NULL)
				CHECK_INT(playbooks_conflict(two, 2, &err),
					k == 3 ? RC_OK : RC_CONFLICT);
		}
	}
	for (size_t i = 0; i < 4; i++)
		playbook_unref(&pb[i]);
}

static void
short_durations_fit(void)
{
	static const char durations[] = "signals.gateway-lists.every: 1s\n"
					"signals.gateway-lists.timeout: 900ms\n"
					"signals.canary.every: 3s\n"
					"signals.canary.timeout: 3s\n"
					"signals.canary.late_after: 2s\n"
					"signals.canary-gw1.every: 3s\n"
					"signals.canary-nsmail.every: 5s\n"
					"signals.anchor-a.every: 1s\n"
					"diagnoses.outbound-blocked.for: 2s\n"
					"diagnoses.outbound-blocked.clear: 6s\n"
					"responses.2.within: 1m\n"
					"procedures.shelter.expires: 3m\n"
					"procedures.outbound.steps.2.deadline: 1m\n"
					"procedures.outbound.failback.soak: 4s\n"
					"procedures.outbound.failback.stage: 1s\n"
					"limits.cooldown: 1s\n";

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char *text = library(names[i]);
		struct findings *f = NULL;
		struct playbook *pb;

		if (text == NULL || (i != 0 && i != 2)) {
			free(text);
			continue;
		}
		pb = load(names[i], text, durations, &f);
		CHECK(pb != NULL);
		if (pb == NULL) {
			tell(f);
		} else {
			CHECK_INT(playbook_cutover(pb, FLOW_OUTBOUND)->failback.soak_ms, 4000);
			CHECK_INT(playbook_signal(pb, "canary")->stale_ms, 3 * 3000 + 3000);
			CHECK_INT(pb->responses[1].within_ms, 60000);
		}
		findings_free(&f);
		playbook_unref(&pb);
		free(text);
	}
}

static void
fresh(const char *path, void (*put)(struct buf *, const struct conninfo *const *))
{
	char *text = slurp(path);
	struct buf b;

	buf_init(&b, &stdmem, FILE_MAX_);
	put(&b, registry_infos());
	CHECK(!buf_failed(&b));
	CHECK(text != NULL && strcmp(text, buf_text(&b)) == 0);
	if (text == NULL || strcmp(text, buf_text(&b)) != 0)
		printf("     %s is stale: make docs\n", path);
	buf_fini(&b);
	free(text);
}

static void
generated_documents_are_fresh(void)
{
	fresh("docs/PLAYBOOK.md", playbook_schema_md);
	fresh("docs/playbook.schema.json", playbook_schema_json);
}

/* What a lab's targets hold while mail runs on the backup. */
static const char *
on_primary(const char *resource)
{
	return strncmp(resource, "dns.rrset", 9) == 0
		       ? "ttl 5\ntxt v=spf1 include:spf.cloudmail.example -all\n"
		       : "";
}

static const char *
on_backup(const char *resource)
{
	if (strncmp(resource, "relay.route", 11) == 0)
		return "next nsmail:[relay.nsmail.example]:587\nshare 100\n";
	if (strncmp(resource, "tenant.connector", 16) == 0)
		return "enabled\n";
	if (strncmp(resource, "dns.rrset", 9) == 0)
		return "ttl 5\ntxt v=spf1 include:spf.cloudmail.example ip4:203.0.113.65 -all\n";
	return "";
}

/* The outbound playbook's plan, mail being where the direction begins, as text (to be freed). */
static char *
plan_of(enum plan_direction dir, const char *durations, int64_t *ret_expect_ms)
{
	char *text = library("outbound"), *said = NULL;
	struct findings *f = NULL;
	struct arena *a = arena_new(&stdmem, 1 << 20);
	struct plan_value value[16];
	const struct plan_read *reads;
	const struct plan *plan;
	struct err err = { 0 };
	struct playbook *pb;
	struct buf b;
	size_t n;

	pb = load("outbound", text, durations, &f);
	n = plan_reads(a, pb, playbook_procedure(pb, "outbound"), dir, &reads);
	for (size_t i = 0; i < n && i < 16; i++)
		value[i] = (struct plan_value){ .target = reads[i].target->name,
			.resource = reads[i].resource,
			.value = dir == PLAN_BACK ? on_backup(reads[i].resource)
						  : on_primary(reads[i].resource),
			.known = true };
	if (plan_build(a, pb, playbook_procedure(pb, "outbound"), dir, value, n, "", NULL, 0,
		    digest_sha256, NULL, &plan, &err) == RC_OK) {
		*ret_expect_ms = plan->expect_ms;
		buf_init(&b, &stdmem, 1 << 16);
		plan_text(plan, &b, false);
		said = strdup(buf_text(&b));
		buf_fini(&b);
	}
	arena_free(&a);
	playbook_unref(&pb);
	findings_free(&f);
	free(text);
	return said;
}

static int64_t
expected_ms(const char *stage)
{
	char durations[120];
	int64_t ms = -1;

	(void)snprintf(
		durations, sizeof durations, "procedures.outbound.failback.stage: %s\n", stage);
	free(plan_of(PLAN_BACK, durations, &ms));
	return ms;
}

static void
a_plan_says_first_what_moves_where(void)
{
	static const struct {
		enum plan_direction dir;
		const char *line;
	} rows[] = {
		{ PLAN_OUT,
			"Plan: procedure outbound of playbook outbound: outbound mail from cloud "
			"to nsmail\n" },
		{ PLAN_OUT, "\n  4.tenant  send through the relay   <- pivot" },
		{ PLAN_OUT, "\n  6         prove it\n" },
		{ PLAN_OUT,
			"\n            relay.queue corp.example at hub: 10 per s, 2 per s for each "
			"receiver\n" },
		{ PLAN_OUT, "tenant may take up to 30m to take effect everywhere\n" },
		{ PLAN_BACK,
			"Plan: failback of procedure outbound of playbook outbound: outbound mail "
			"from nsmail to cloud\n" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		int64_t ms;
		char *text = plan_of(rows[i].dir, NULL, &ms);

		if (text == NULL || strstr(text, rows[i].line) == NULL)
			CHECK_STR(text, rows[i].line);
		free(text);
	}
}

/* Three changes at the tenant, which cannot refuse a late request: before the second and the third
 * ferryman waits until the one before can land no more, 20 s that it may take and 10 s more
 * (exchange-online.md). What the playbook lets pass between two shares counts towards it. Once the
 * plan said two seconds for what took ninety. */
static void
the_expected_time_counts_what_class_u_must_wait(void)
{
	CHECK(expected_ms("4s") == 2 * 30000);
	CHECK(expected_ms("30s") == 2 * 30000);
	CHECK(expected_ms("30m") == 2 * 1800000);
}

int
main(void)
{
	digest_warm();
	TEST(each_loads_and_earns_three_warnings_at_most);
	TEST(each_begins_with_what_it_will_not_do);
	TEST(observing_holds_nothing_that_writes);
	TEST(nothing_but_the_shelter_is_automatic);
	TEST(who_goes_on_unanswered_says_so);
	TEST(harm_alone_is_told);
	TEST(no_two_that_act_stand_side_by_side);
	TEST(short_durations_fit);
	TEST(generated_documents_are_fresh);
	TEST(a_plan_says_first_what_moves_where);
	TEST(the_expected_time_counts_what_class_u_must_wait);
	return check_end();
}
