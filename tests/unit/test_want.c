/* test_want.c - what stands in a zone may leave a plan nothing to add to: then there is no plan,
 * and whoever asks hears why. */
#include "lib/run_rig.h"

/* Each value of the TXT set at the zone, and words of the answer. */
static const struct row {
	const char *name, *value, *why; /* why NULL: there is a plan */
} rows[] = {
	{ "one SPF record among others",
		"ttl 60\ntxt a=b\ntxt v=spf1 include:spf.cloud.example -all\n", NULL },
	{ "one that only looks like it", /* RFC 7208 section 4.5 names v=spf10 */
		"ttl 60\ntxt v=spf1 include:spf.cloud.example -all\ntxt v=spf10 -all\n", NULL },
	{ "one of its version alone", "ttl 60\ntxt v=spf1\n", NULL },
	{ "an escape that is none", "ttl 60\ntxt v=spf1 \\9 -all\n", "not in canonical form" },
	{ "no TXT record at all", "", "no v=spf1 record" },
	{ "no SPF record", "ttl 60\ntxt a=b\n", "no v=spf1 record" },
	{ "two SPF records", "ttl 60\ntxt v=spf1 -all\ntxt v=spf1 include:spf.cloud.example -all\n",
		"more than one v=spf1 record" },
	{ "an SPF record that is wrong", "ttl 60\ntxt v=spf1 ip4:192.0.2.256 -all\n",
		"the SPF record of corp.example" },
	{ "something that no connector wrote", "txt v=spf1 -all\n", "not in canonical form" },
};

static void
ask(const struct row *row)
{
	struct world *w = world_new(NULL);
	const struct wreply *r;
	size_t req;

	settle(w);
	world_edit(w, W_ZONE, TXT, row->value);
	req = world_say(
		w, &(struct wask){ .verb = VERB_PLAN, .of = VERB_CUTOVER, .procedure = "out" });
	world_pass(w, MINUTE);
	r = world_reply(w, req, true);
	CHECK(r != NULL);
	if (r != NULL && row->why == NULL)
		CHECK_INT(r->exit, 0);
	if (r != NULL && row->why != NULL) {
		CHECK(r->exit != 0);
		if (strstr(r->body, row->why) == NULL)
			CHECK_STR(r->body, row->why);
	}
	CHECK_INT(world_count(w, "INTENT", "\"dir\":\"do\""), 0);
	world_end(w);
}

static void
a_plan_says_what_is_in_its_way(void)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		ask(&rows[i]);
}

int
main(void)
{
	TEST(a_plan_says_what_is_in_its_way);
	return check_end();
}
