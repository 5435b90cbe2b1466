/*
 * lint.c - what is legal but unwise, as far as the file alone tells. Each rule has a stable id, a
 * level and its words in lint_rules; docs/PLAYBOOK.md shows the same table.
 */
#include "base/text.h"
#include "config/build.h"
#include "mail/spf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct lint_rule lint_rules[] = {
	{ "anchors", FIND_ERROR,
		"Fewer than two anchors: ferryman could not tell an outage from being cut off "
		"itself, and stays blind." },
	{ "anchors-two", FIND_WARNING,
		"Exactly two anchors: more than half must answer, so both must, and one that dies "
		"makes ferryman blind." },
	{ "anchors-near", FIND_WARNING,
		"Two anchors stand in one network: one cut line silences both." },
	{ "no-pivot", FIND_ERROR,
		"A cut-over switches mail but marks no pivot: abort would pretend to recall mail "
		"that has left." },
	{ "pivot-first", FIND_ERROR,
		"A switch stands before the pivot: from there on mail cannot be recalled." },
	{ "no-proof", FIND_ERROR, "No canary is proven through the new path before the pivot." },
	{ "proof-unable", FIND_ERROR,
		"A step verifies what no canary of the playbook can show: it would always fail." },
	{ "receivers-beyond", FIND_ERROR,
		"A proof wants more receivers than its canary has seeds, or the way back's has." },
	{ "receivers-one", FIND_WARNING,
		"A proof is content with one receiver: one that takes everything would do." },
	{ "receivers-unseen", FIND_WARNING,
		"A proof may excuse a receiver of which no signal says how the path that mail "
		"leaves does there: it is never excused." },
	{ "failback-unable", FIND_WARNING,
		"The way back verifies the primary, and no canary of the playbook can: a failback "
		"would always be undone." },
	{ "spf-first", FIND_ERROR,
		"Outbound mail is switched before the new path's SPF terms are authorised and "
		"visible." },
	{ "spf-unproven", FIND_WARNING,
		"Outbound mail is switched to a path of which nothing here says that SPF names it, "
		"or "
		"no zone is ours to make it so." },
	{ "release-early", FIND_ERROR,
		"What was parked is released before mail has been switched: it would leave by the "
		"path "
		"that refuses it." },
	{ "parked", FIND_WARNING,
		"A shelter parks mail at a target where the cut-over releases nothing: it waits "
		"for the "
		"shelter's end." },
	{ "left-behind", FIND_WARNING,
		"A switch point is a target of this playbook and the cut-over does not switch it: "
		"its "
		"mail stays on the failing path." },
	{ "hasty", FIND_WARNING,
		"A cut-over starts as soon as harm is suspected: nothing damps it. Shelter at "
		"suspect, "
		"cut over when confirmed." },
	{ "narrow-early", FIND_ERROR,
		"A permission is withdrawn before the new path is verified." },
	{ "not-last-hop", FIND_ERROR,
		"A release or a queue's evidence is asked of a hub for a path that never waits "
		"there." },
	{ "no-harm", FIND_ERROR,
		"No group in `must` has a signal that sees mail refused or late: the diagnosis "
		"could never convince." },
	{ "harm-untold", FIND_WARNING,
		"Outbound mail that is refused and no second group that is bad: nothing starts, "
		"and nobody is told." },
	{ "same-path", FIND_ERROR, "A signal of a diagnosis' group speaks of another path only." },
	{ "no-backup-proof", FIND_WARNING,
		"No signal watches the backup path in this direction: nobody would know that it "
		"is worse, or whether it takes our mail at all." },
	{ "cold", FIND_WARNING,
		"The backup sends nothing in peace time: receivers will throttle it (cold)." },
	{ "spf-peace", FIND_WARNING,
		"The cut-over authorises the backup and waits for it: authorise it in peace time "
		"and the wait is nothing." },
	{ "hold-short", FIND_WARNING,
		"A diagnosis' `for` is shorter than one interval of its signals: it adds no "
		"damping." },
	{ "stale-short", FIND_ERROR,
		"A signal is stale before it can be asked again: it would flap between known and "
		"unknown." },
	{ "anchor-inside", FIND_WARNING,
		"An anchor depends on what the playbook moves, or on a path of it: its silence "
		"says "
		"nothing of us." },
	{ "seed-inside", FIND_WARNING,
		"An outbound canary is sent to a mailbox of our own domain: that is no receiver "
		"outside." },
	{ "timeout-long", FIND_WARNING,
		"A signal's timeout is longer than its interval: rounds overlap." },
	{ "blackout-rescue", FIND_WARNING,
		"A blackout forbids an automatic cut-over: it can forbid a rescue." },
	{ "nobody", FIND_ERROR,
		"A response asks for more approvers than there are people who may approve." },
	{ "no-brake", FIND_WARNING, "Nobody may put the brake on." },
	{ "no-notify", FIND_WARNING, "Nobody is told: the playbook has no notifier." },
	{ "owner-inside", FIND_WARNING,
		"The owner's mailbox is in a domain that the playbook moves: it may be down with "
		"it." },
	{ "spf-budget", FIND_ERROR,
		"The SPF terms of the primary and this path together cost more look-ups than "
		"receivers "
		"allow (a lower bound from this file)." },
	{ "spf-mx", FIND_WARNING,
		"A path is authorised by `mx`: an MX switch would change who may send." },
	{ "spool-onward", FIND_ERROR,
		"A spool without a fixed `onward` host passes mail on by MX, finds itself and "
		"bounces; so does one whose `onward` is its own MX." },
	{ "spool-recipients", FIND_WARNING,
		"A spool that takes any recipient bounces later, to forged senders." },
	{ "null-set", FIND_ERROR, "A procedure switches MX to a path without an MX set." },
	{ "unused", FIND_WARNING, "Nothing refers to it." },
	{ "automatic-observed", FIND_WARNING,
		"A response is more than the playbook's mode allows: it will be capped." },
	{ "dkim", FIND_WARNING,
		"The backup path says nothing of DKIM: SPF alone breaks at forwarders and lists." },
	{ NULL, FIND_WARNING, NULL },
};

struct lint {
	const struct playbook *pb;
	const struct cfg *top; /* for places of what the playbook keeps no place of */
	struct findings *f;
};

static void say(struct lint *l, const char *id, struct place at, const char *path, const char *fmt,
	...) __attribute__((format(printf, 5, 6)));

static void
say(struct lint *l, const char *id, struct place at, const char *path, const char *fmt, ...)
{
	enum finding_level level = FIND_WARNING;
	char text[700];
	va_list ap;

	for (const struct lint_rule *r = lint_rules; r->id != NULL; r++)
		if (text_eq(r->id, id))
			level = r->level;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	findings_add(l->f, level, l->pb->file, at, id, path, "%s", text);
}

static const char *
where(char *out, size_t n, const char *section, const char *name)
{
	(void)snprintf(out, n, "%s.%s", section, name);
	return out;
}

static const struct step *
first(const struct procedure *p, const char *kind)
{
	for (size_t i = 0; i < p->steps_n; i++)
		if (text_eq(p->steps[i].kind, kind))
			return &p->steps[i];
	return NULL;
}

static bool
is_switch(const struct step *s)
{
	return text_eq(s->kind, "outbound.switch") || text_eq(s->kind, "mx.switch");
}

static bool
has_zone(const struct playbook *pb)
{
	for (size_t i = 0; i < pb->targets_n; i++)
		if ((pb->targets[i].info->caps & CAP_DNS_RRSET) != 0)
			return true;
	return false;
}

static void
lint_order(struct lint *l, const struct procedure *p, const char *path)
{
	const struct step *pivot = NULL, *sw = NULL, *proof = NULL,
			  *spf = first(p, "spf.authorize"), *seen = first(p, "wait.published");

	for (size_t i = 0; i < p->steps_n; i++) {
		const struct step *s = &p->steps[i];

		if (s->pivot)
			pivot = s;
		if (is_switch(s) && sw == NULL)
			sw = s;
		if (text_eq(s->kind, "verify.canary") && s->through == p->to && pivot == NULL &&
			proof == NULL)
			proof = s;
		if (text_eq(s->kind, "spf.withdraw") && (pivot == NULL || i + 1 < p->steps_n))
			say(l, "narrow-early", s->place, path,
				"step %s withdraws a permission before the last step has verified "
				"the new path",
				s->id);
	}
	if (sw == NULL)
		return;
	if (pivot == NULL)
		say(l, "no-pivot", sw->place, path,
			"step %s (%s) switches mail: say pivot: true there", sw->id, sw->kind);
	else if (sw < pivot)
		say(l, "pivot-first", sw->place, path,
			"step %s (%s) switches mail before the pivot (step %s)", sw->id, sw->kind,
			pivot->id);
	if (pivot != NULL && proof == NULL && text_eq(sw->kind, "outbound.switch"))
		say(l, "no-proof", pivot->place, path,
			"put a verify.canary {through: %s} before step %s", p->to->name, pivot->id);
	if (!text_eq(sw->kind, "outbound.switch"))
		return;
	if (p->to->spf_n == 0)
		say(l, "spf-unproven", sw->place, path,
			"%s has no spf terms: say which, or receivers take its mail for forged",
			p->to->name);
	else if (spf == NULL && seen == NULL && !has_zone(l->pb))
		say(l, "spf-unproven", sw->place, path,
			"no zone is a target: see to it that SPF names %s before it is needed",
			p->to->name);
	else if (spf == NULL || spf > sw || seen == NULL || seen > sw || seen < spf)
		say(l, "spf-first", sw->place, path,
			"put spf.authorize and then wait.published before step %s; where SPF is "
			"there "
			"already, they change nothing and do not wait",
			sw->id);
}

static bool
at_target(const struct step *s, const struct target *t)
{
	for (size_t i = 0; s != NULL && i < s->at_n; i++)
		if (s->at[i] == t)
			return true;
	return false;
}

/* Every switch point, and every queue that a shelter fills. */
static void
lint_places(struct lint *l, const struct procedure *p, const char *path)
{
	const struct step *sw = first(p, "outbound.switch"), *rel = first(p, "queue.release");

	if (sw == NULL)
		return;
	if (rel != NULL && rel < sw)
		say(l, "release-early", rel->place, path,
			"step %s releases before step %s has switched", rel->id, sw->id);
	for (size_t i = 0; i < l->pb->targets_n; i++) {
		const struct target *t = &l->pb->targets[i];

		if ((t->info->caps & (CAP_TENANT_CONNECTOR | CAP_RELAY_ROUTE)) != 0 &&
			!at_target(sw, t))
			say(l, "left-behind", sw->place, path, "step %s does not switch %s", sw->id,
				t->name);
		for (size_t k = 0; k < l->pb->procedures_n; k++)
			if (l->pb->procedures[k].kind == PROC_SHELTER &&
				at_target(first(&l->pb->procedures[k], "mail.park"), t) &&
				!at_target(rel, t))
				say(l, "parked", sw->place, path,
					"%s parks at %s: put a queue.release {at: [%s]} after step "
					"%s",
					l->pb->procedures[k].name, t->name, t->name, sw->id);
	}
}

static void
lint_procedure(struct lint *l, const struct procedure *p)
{
	char path[160];

	(void)where(path, sizeof path, "procedures", p->name);
	if (p->kind == PROC_SHELTER)
		return;
	lint_order(l, p, path);
	lint_places(l, p, path);
	if (first(p, "spf.authorize") != NULL && first(p, "wait.published") != NULL)
		say(l, "spf-peace", first(p, "spf.authorize")->place, path,
			"%s could be authorised in peace time", p->to->name);
	if (first(p, "mx.switch") != NULL && (!p->to->inbound.given || p->to->inbound.mx_n == 0))
		say(l, "null-set", first(p, "mx.switch")->place, path,
			"%s has no inbound.mx: an MX set is never made empty", p->to->name);
	if (p->flow == FLOW_OUTBOUND && p->to->dkim.domain == NULL)
		say(l, "dkim", p->to->at, path, "paths.%s has no dkim", p->to->name);
	if (p->flow == FLOW_OUTBOUND)
		say(l, "cold", p->to->at, path,
			"%s is a cold standby: expect receivers to slow it down at first",
			p->to->name);
}

static void
lint_release(struct lint *l, const struct procedure *p)
{
	const struct step *rel = first(p, "queue.release");
	char path[160];
	bool parks = false;

	if (rel == NULL)
		return;
	for (size_t i = 0; i < l->pb->procedures_n; i++) {
		const struct step *park = first(&l->pb->procedures[i], "mail.park");

		for (size_t a = 0; park != NULL && a < park->at_n; a++)
			for (size_t b = 0; b < rel->at_n; b++)
				parks = parks || park->at[a] == rel->at[b];
	}
	if (!parks)
		say(l, "not-last-hop", rel->place, where(path, sizeof path, "procedures", p->name),
			"step %s releases where nothing is ever parked", rel->id);
}

/* host is in one of the domains, or is the very host that a path stands on. */
static bool
depends(const struct playbook *pb, const char *host)
{
	size_t n = strlen(host);

	for (size_t i = 0; i < pb->domains_n; i++) {
		size_t d = strlen(pb->domains[i]);

		if (n >= d && text_eq_nocase(host + n - d, pb->domains[i]) &&
			(n == d || host[n - d - 1] == '.' || host[n - d - 1] == '@'))
			return true;
	}
	for (size_t i = 0; i < pb->paths_n; i++) {
		const struct path *p = &pb->paths[i];

		for (size_t k = 0; k < p->egress_n; k++)
			if (text_eq(p->egress[k], host))
				return true;
		for (size_t k = 0; k < p->inbound.mx_n; k++)
			if (text_eq(p->inbound.mx[k].host, host))
				return true;
	}
	return false;
}

static void
lint_inside(struct lint *l, const struct signal *s, const char *path)
{
	const char *host = cfg_row(s->cfg, "host") != NULL ? cfg_str(s->cfg, "host") : NULL;

	if (s->role == SIG_ANCHOR && host != NULL && depends(l->pb, host))
		say(l, "anchor-inside", s->at, path, "%s is part of what it should judge", host);
	if (s->role == SIG_ANCHOR || (s->flow_given && s->flow == FLOW_INBOUND) ||
		cfg_row(s->cfg, "seeds") == NULL)
		return;
	for (size_t i = 0; i < cfg_len(s->cfg, "seeds"); i++) {
		const struct cfg *seed = cfg_map_at(s->cfg, "seeds", i);
		const char *box =
			cfg_row(seed, "mailbox") != NULL ? cfg_str(seed, "mailbox") : NULL;

		if (box != NULL && depends(l->pb, box))
			say(l, "seed-inside", s->at, path, "%s is one of our own", box);
	}
}

/* Do two addresses lie in one /24 or one /48? Names are not resolved here. */
static bool
near(const char *a, const char *b)
{
	char end = strchr(a, ':') != NULL ? ':' : '.';
	size_t n = 0;

	if (a[strspn(a, end == '.' ? "0123456789." : "0123456789abcdefABCDEF:.")] != '\0')
		return text_eq_nocase(a, b);
	for (int fields = 0; fields < 3 && a[n] != '\0'; n++)
		fields += a[n] == end;
	return strncmp(a, b, n) == 0;
}

static void
lint_anchors(struct lint *l)
{
	const struct playbook *pb = l->pb;
	size_t n = 0;
	char path[160];

	for (size_t i = 0; i < pb->signals_n; i++) {
		const struct signal *s = &pb->signals[i];
		bool twin = false;

		if (s->role != SIG_ANCHOR)
			continue;
		n++;
		for (size_t k = 0; k < i && !twin && cfg_row(s->cfg, "host") != NULL; k++)
			if (pb->signals[k].role == SIG_ANCHOR &&
				cfg_row(pb->signals[k].cfg, "host") != NULL &&
				near(cfg_str(s->cfg, "host"),
					cfg_str(pb->signals[k].cfg, "host"))) {
				say(l, "anchors-near", s->at,
					where(path, sizeof path, "signals", s->name),
					"in the same network as %s: take one elsewhere",
					pb->signals[k].name);
				twin = true;
			}
	}
	if (n < 2)
		say(l, "anchors", cfg_place(l->top, "signals"), "signals",
			"%zu anchor%s: give two tcp signals with role: anchor, in networks that "
			"have nothing to do with the mail",
			n, n == 1 ? "" : "s");
	else if (n == 2)
		say(l, "anchors-two", cfg_place(l->top, "signals"), "signals",
			"both anchors must answer (more than half are wanted): a third one, in a "
			"third network, lets one of them die");
}

static bool
speaks_of(const struct signal *s, const struct path *p, enum flow flow)
{
	return s->path == p && (!s->flow_given || s->flow == flow);
}

/* Why no signal can show that mail goes through p; NULL = one can. A canary is known by its
 * receivers and by seeing harm; what it needs for a verify stands on the connector's page. */
static const char *
unable(const struct playbook *pb, const struct path *p, enum flow flow, bool production)
{
	const char *why = "no canary is pinned to it";

	for (size_t i = 0; i < pb->signals_n; i++) {
		const struct signal *s = &pb->signals[i];
		bool knows_egress = cfg_row(s->cfg, "expect") != NULL;

		if (!speaks_of(s, p, flow) || !s->harm || s->info->subject_field == NULL)
			continue;
		if (production && cfg_row(s->cfg, "production") != NULL &&
			cfg_map(s->cfg, "production") == NULL)
			why = "its canary has no `production`, where users submit";
		else if (knows_egress && (cfg_map(s->cfg, "expect") == NULL ||
						 cfg_len(cfg_map(s->cfg, "expect"), "egress") == 0))
			why = "its canary has no expect.egress to compare an arrival with";
		else
			return NULL;
	}
	return why;
}

/* A signal that sees harm tells how the path does at this receiver. */
static bool
tells_of(const struct playbook *pb, const struct path *p, enum flow flow, const char *receiver)
{
	for (size_t i = 0; i < pb->signals_n; i++) {
		const struct signal *s = &pb->signals[i];

		for (size_t k = 0; s->harm && speaks_of(s, p, flow) && k < s->subjects_n; k++)
			if (text_eq(s->subjects[k].name, receiver))
				return true;
	}
	return false;
}

/* The proof's own canary, or for the way back the one that it will ask. True: said. */
static bool
lint_seeds(struct lint *l, const struct step *s, const struct signal *canary, const char *path,
	const char *whose)
{
	size_t n = canary != NULL ? canary->subjects_n : SIZE_MAX;

	if ((size_t)s->receivers <= n)
		return false;
	say(l, "receivers-beyond", s->receivers_at, path,
		"%d receivers, and %s%s has %zu seed%s: want at most %zu, or leave `receivers` out "
		"for every seed",
		s->receivers, whose, canary->name, n, n == 1 ? "" : "s", n);
	return true;
}

static void
lint_receivers(struct lint *l, const struct procedure *p, const struct step *s, const char *path)
{
	const struct playbook *pb = l->pb;
	const struct signal *canary = playbook_canary(pb, s->through, p->flow, s->as_production);
	bool said;

	if (s->receivers == 0)
		return;
	said = lint_seeds(l, s, canary, path, "");
	for (int as = 0; as < 2 && !said && p->flow == FLOW_OUTBOUND &&
			 s->receivers == playbook_receivers_back(p);
		as++)
		said = lint_seeds(l, s, playbook_canary(pb, pb->primary, p->flow, as != 0), path,
			"the way back's ");
	if (s->receivers == 1)
		say(l, "receivers-one", s->receivers_at, path,
			"one receiver is enough here: want at least 2");
	if (s->through == pb->primary)
		say(l, "receivers-unseen", s->receivers_at, path,
			"a proof through %s, which mail leaves, excuses nobody", s->through->name);
	for (size_t i = 0; canary != NULL && s->through != pb->primary && i < canary->subjects_n;
		i++)
		if (!tells_of(pb, pb->primary, p->flow, canary->subjects[i].name))
			say(l, "receivers-unseen", s->receivers_at, path,
				"nothing can excuse %s: no signal that sees harm has it as a "
				"receiver of %s",
				canary->subjects[i].name, pb->primary->name);
}

static void
lint_proofs(struct lint *l, const struct procedure *p)
{
	const char *why;
	char path[200];

	for (size_t i = 0; i < p->steps_n; i++) {
		const struct step *s = &p->steps[i];

		if (!text_eq(s->kind, "verify.canary") || s->through == NULL)
			continue;
		why = unable(l->pb, s->through, p->flow, s->as_production);
		(void)snprintf(path, sizeof path, "procedures.%s.steps.%zu", p->name, i + 1);
		if (why != NULL)
			say(l, "proof-unable", s->place, path,
				"nothing can be proven through %s: %s", s->through->name, why);
		lint_receivers(l, p, s, path);
	}
	if (p->kind != PROC_CUTOVER || p->flow != FLOW_OUTBOUND || l->pb->primary == NULL)
		return;
	why = unable(l->pb, l->pb->primary, p->flow, true);
	if (why != NULL)
		say(l, "failback-unable", p->at, where(path, sizeof path, "procedures", p->name),
			"nothing can be proven through %s: %s", l->pb->primary->name, why);
}

static void
lint_signals(struct lint *l)
{
	const struct playbook *pb = l->pb;
	char path[160];

	for (size_t i = 0; i < pb->signals_n; i++) {
		const struct signal *s = &pb->signals[i];

		(void)where(path, sizeof path, "signals", s->name);
		if (s->stale_ms <= s->every_ms)
			say(l, "stale-short", s->at, path,
				"stale after %lld ms, asked every %lld ms: want at least twice "
				"`every`",
				(long long)s->stale_ms, (long long)s->every_ms);
		if (s->timeout_ms > s->every_ms)
			say(l, "timeout-long", s->at, path,
				"the timeout (%lld ms) is longer than the interval (%lld ms)",
				(long long)s->timeout_ms, (long long)s->every_ms);
		lint_inside(l, s, path);
	}
	lint_anchors(l);
	for (size_t i = 0; i < pb->procedures_n; i++) {
		const struct procedure *p = &pb->procedures[i];
		bool watched = p->kind == PROC_SHELTER;

		for (size_t k = 0; k < pb->signals_n; k++)
			watched = watched || speaks_of(&pb->signals[k], p->to, p->flow);
		if (!watched)
			say(l, "no-backup-proof", p->at,
				where(path, sizeof path, "procedures", p->name),
				"no signal speaks of %s mail of %s", flow_name(p->flow),
				p->to->name);
	}
}

static bool
group_harm(const struct playbook *pb, const char *group, const struct path *path, bool *on_path)
{
	bool harm = false;

	for (size_t i = 0; i < pb->signals_n; i++) {
		if (!text_eq(pb->signals[i].group, group))
			continue;
		*on_path = *on_path || pb->signals[i].path == path;
		harm = harm || (pb->signals[i].harm && pb->signals[i].path == path);
	}
	return harm;
}

/* Is harm alone, without the word of another group, answered by anything, be it only a page? */
static bool
harm_answered(const struct playbook *pb, const struct diagnosis *d)
{
	for (size_t i = 0; i < pb->responses_n; i++) {
		const struct diagnosis *o = pb->responses[i].on;

		if (o->path == d->path && o->flow == d->flow && o->groups == 1)
			return true;
	}
	return false;
}

static void
lint_diagnosis(struct lint *l, const struct diagnosis *d)
{
	bool harm = false;
	char path[160];

	(void)where(path, sizeof path, "diagnoses", d->name);
	for (size_t i = 0; i < d->must_n; i++) {
		bool on = false;

		harm = group_harm(l->pb, d->must[i], d->path, &on) || harm;
	}
	if (!harm)
		say(l, "no-harm", d->at, path,
			"none of the groups in must has a canary, smtp probe or the like on path "
			"%s",
			d->path->name);
	if (d->groups > 1 && d->flow == FLOW_OUTBOUND && d->path == l->pb->primary &&
		!harm_answered(l->pb, d))
		say(l, "harm-untold", d->at, path,
			"if all mail were refused and nothing else known, nobody would hear of it: "
			"add a diagnosis with groups: 1 and a response with mode: observe");
	for (size_t i = 0; i < d->of_n; i++) {
		bool on = false;

		(void)group_harm(l->pb, d->of[i], d->path, &on);
		if (!on)
			say(l, "same-path", d->at, path, "group %s has no signal of path %s",
				d->of[i], d->path->name);
	}
	for (size_t i = 0; i < l->pb->signals_n; i++) {
		const struct signal *s = &l->pb->signals[i];

		if (s->path == d->path && s->group != NULL && d->for_ms < s->every_ms) {
			say(l, "hold-short", d->at, path, "for is shorter than one interval of %s",
				s->name);
			break;
		}
	}
}

static void
lint_people(struct lint *l)
{
	const struct playbook *pb = l->pb;
	size_t approvers = 0, brakes = 0;
	char path[64];

	for (size_t i = 0; i < pb->people_n; i++) {
		approvers += (pb->people[i].may & MAY_APPROVE) != 0;
		brakes += (pb->people[i].may & MAY_BRAKE) != 0;
	}
	for (size_t i = 0; i < pb->responses_n; i++) {
		const struct response *r = &pb->responses[i];

		(void)snprintf(path, sizeof path, "responses.%zu", i + 1);
		if (r->mode == MODE_APPROVE && (size_t)r->approvers > approvers)
			say(l, "nobody", r->place, path, "%d approver%s wanted, %zu %s may approve",
				r->approvers, r->approvers == 1 ? "" : "s", approvers,
				approvers == 1 ? "person" : "people");
		if (r->at == AT_SUSPECT && r->run != NULL && r->run->kind == PROC_CUTOVER &&
			r->mode != MODE_OBSERVE)
			say(l, "hasty", r->place, path, "%s moves mail: say at: confirmed",
				r->run->name);
		/* A shelter moves no mail: in mode approve it still starts by itself. */
		if (r->mode > pb->mode && (pb->mode == MODE_OBSERVE || r->run == NULL ||
						  r->run->kind != PROC_SHELTER))
			say(l, "automatic-observed", r->place, path,
				"mode %s is capped by the playbook's mode %s",
				pb_mode_name(r->mode), pb_mode_name(pb->mode));
	}
	if (brakes == 0 && pb->mode != MODE_OBSERVE)
		say(l, "no-brake", cfg_place(l->top, "people"), "people",
			"give somebody `may: [brake]`");
	if (pb->notify_n == 0)
		say(l, "no-notify", cfg_place(l->top, "notify"), "notify",
			"e.g. notify: [{program: [/usr/local/bin/page-duty]}]");
	for (size_t i = 0; i < pb->domains_n && pb->owner != NULL; i++) {
		const char *at = strrchr(pb->owner, '@');

		if (at != NULL && text_eq_nocase(at + 1, pb->domains[i]))
			say(l, "owner-inside", cfg_place(l->top, "owner"), "owner",
				"%s moves with %s", pb->owner, pb->domains[i]);
	}
}

/* Look-ups that a path's terms cost by themselves: a lower bound, an include costs more inside. */
static int
lookups_of(const struct path *p)
{
	char record[1200];
	int n = 0;

	for (size_t i = 0; p != NULL && i < p->spf_n; i++) {
		(void)snprintf(record, sizeof record, "v=spf1 %s", p->spf[i]);
		n += spf_lookups(record);
	}
	return n;
}

static void
lint_spf(struct lint *l, const struct path *p, const char *path)
{
	const struct playbook *pb = l->pb;
	int n = lookups_of(p) + (p != pb->primary ? lookups_of(pb->primary) : 0);

	if (n > SPF_LOOKUPS_MAX)
		say(l, "spf-budget", p->at, path,
			"at least %d look-ups; receivers stop at %d (RFC 7208 section 4.6.4)", n,
			SPF_LOOKUPS_MAX);
	for (size_t i = 0; i < p->spf_n; i++) {
		const char *term = p->spf[i] + (p->spf[i][0] == '+');
		bool mx = text_eq_nocase(term, "mx") || text_starts(term, "mx/");

		for (size_t k = 0; mx && k < pb->procedures_n; k++)
			if (first(&pb->procedures[k], "mx.switch") != NULL)
				say(l, "spf-mx", p->at, path, "%s switches MX",
					pb->procedures[k].name);
	}
}

static bool
onward_itself(const struct path *p)
{
	const char *host = p->inbound.onward;
	size_t n;

	if (host == NULL)
		return false;
	host += host[0] == '[';
	n = strcspn(host, "]:");
	for (size_t i = 0; i < p->inbound.mx_n; i++)
		if (strlen(p->inbound.mx[i].host) == n &&
			strncmp(p->inbound.mx[i].host, host, n) == 0)
			return true;
	return false;
}

static void
lint_paths(struct lint *l)
{
	char path[160];

	for (size_t i = 0; i < l->pb->paths_n; i++) {
		const struct path *p = &l->pb->paths[i];

		(void)where(path, sizeof path, "paths", p->name);
		lint_spf(l, p, path);
		if (p->inbound.given && p->inbound.spool && p->inbound.onward == NULL)
			say(l, "spool-onward", p->at, path,
				"give inbound.onward, e.g. \"[mx.cloud.example]:25\"");
		if (p->inbound.given && p->inbound.spool && onward_itself(p))
			say(l, "spool-onward", p->at, path,
				"inbound.onward is this path's own MX: give the primary's host");
		if (p->inbound.given && p->inbound.spool && !p->inbound.recipients_list)
			say(l, "spool-recipients", p->at, path,
				"say recipients: list, and give the relay the list");
	}
}

static void
lint_unused(struct lint *l)
{
	const struct playbook *pb = l->pb;
	char path[160];

	for (size_t i = 0; i < pb->targets_n; i++) {
		const struct target *t = &pb->targets[i];
		bool used = false;

		for (size_t p = 0; p < pb->procedures_n; p++) {
			for (size_t s = 0; s < pb->procedures[p].steps_n; s++) {
				const struct step *st = &pb->procedures[p].steps[s];

				used = used || st->zone == t;
				for (size_t a = 0; a < st->at_n; a++)
					used = used || st->at[a] == t;
			}
		}
		for (size_t p = 0; p < pb->paths_n; p++)
			used = used || pb->paths[p].last_hop == t ||
			       pb->paths[p].inbound.spool_at == t;
		if (!used && pb->mode != MODE_OBSERVE)
			say(l, "unused", t->at, where(path, sizeof path, "targets", t->name),
				"no step uses %s", t->name);
	}
}

void
lint_run(const struct playbook *pb, const struct cfg *top, struct findings *f)
{
	struct lint l = { .pb = pb, .top = top, .f = f };

	lint_signals(&l);
	lint_paths(&l);
	lint_people(&l);
	lint_unused(&l);
	for (size_t i = 0; i < pb->diagnoses_n; i++)
		lint_diagnosis(&l, &pb->diagnoses[i]);
	for (size_t i = 0; i < pb->procedures_n; i++) {
		lint_procedure(&l, &pb->procedures[i]);
		lint_release(&l, &pb->procedures[i]);
		lint_proofs(&l, &pb->procedures[i]);
	}
	if (pb->limits.no_cutovers_n > 0)
		say(&l, "blackout-rescue",
			cfg_place(cfg_map(cfg_map(top, "limits"), "blackout"), "cutover"),
			"limits.blackout.cutover",
			"an outage in one of these windows waits for a person");
}
