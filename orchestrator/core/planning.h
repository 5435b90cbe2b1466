/* planning.h - a plan while it is being made. Inside the plan's own files only. */
#ifndef FERRYMAN_CORE_PLANNING_H
#define FERRYMAN_CORE_PLANNING_H

#include "core/plan.h"

enum { PLAN_STEPS_MAX = 60, PLAN_NOTES_MAX = 48, PLAN_VALUES_MAX = 64 };

struct planning {
	struct arena *a;
	const struct mem *mem;
	const struct playbook *pb;
	const struct procedure *proc;
	enum plan_direction dir;
	struct plan_step step[PLAN_STEPS_MAX];
	size_t steps_n;
	const char *note[PLAN_NOTES_MAX];
	size_t notes_n;
	/* values as they will be after the steps so far */
	struct plan_value value[PLAN_VALUES_MAX];
	size_t values_n;
	int64_t expect_ms;
	const struct plan_left *left; /* PLAN_EJECT */
	size_t left_n;
	struct err *err;
};

/* The value of a resource as it will be by now; NULL = said in err. */
const char *planning_value(struct planning *p, const struct target *t, const char *resource);
void planning_set(
	struct planning *p, const struct target *t, const char *resource, const char *value);
struct plan_step *planning_step(
	struct planning *p, const char *kind, const char *id, const char *name);
/* What is said in err; nothing is: memory ran out. */
enum rc planning_said(struct planning *p);
/* A key of a target's connector; NULL = it is not given, or that connector has none of the name. */
const char *planning_key(const struct target *t, const char *key);
void planning_note(struct planning *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Names of the resources of a target (arena). domain: one of the playbook's. */
const char *planning_resource(
	struct arena *a, const char *what, const struct target *t, const char *domain);
/* The targets' switch resource: tenant.connector or relay.route. */
const char *planning_switch(struct arena *a, const struct target *t, const char *domain);
bool planning_in_zone(const struct target *zone, const char *domain);

/* Wanted values; NULL = said in err. */
const char *want_route(
	struct planning *p, const struct target *t, const struct path *to, int64_t backup_bp);
const char *want_connector(struct planning *p, const struct target *t, int64_t primary_bp);
const char *want_spf(struct planning *p, const char *domain, const char *base,
	const struct path *path, bool add);
const char *want_mx(
	struct planning *p, const char *domain, const char *base, const struct path *path);
int64_t rrset_ttl_ms(const char *value);

enum rc planning_out(struct planning *p);  /* a cut-over or a shelter */
enum rc planning_back(struct planning *p); /* a failback, or the end of a shelter */
enum rc planning_eject(struct planning *p);
void planning_notes(struct planning *p);

#endif
