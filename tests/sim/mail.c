/*
 * mail.c - the mail of the company: what users and applications send and what is sent to it goes
 * the way that the switches show at that moment, or the way that a sender still remembers. It is
 * delivered, returned by a receiver that distrusts the cloud, parked at the hub, or waits at the
 * relay or at its sender. Nothing is lost in the world itself; where ferryman leaves it is what
 * counts.
 */
#include "base/text.h"
#include "sim/sim.h"

#include <string.h>

enum { EACH_MIN = 20000, EACH_MAX = 120000, AGAIN_MS = 600000, MX_TTL_MS = 300000 };

static void
next(struct sim *s)
{
	sim_push(
		s, (struct happening){ .at = s->now + rng_between(&s->mail.rng, EACH_MIN, EACH_MAX),
			   .kind = H_MAIL });
}

void
mail_init(struct sim *s)
{
	rng_seed(&s->mail.rng, s->seed, "mail");
	s->mail.relayed_at = -1;
	next(s);
}

static void
again(struct sim *s, bool inbound)
{
	s->mail.waiting++;
	sim_push(s, (struct happening){ .at = s->now + rng_between(&s->mail.rng, 1, AGAIN_MS),
			    .kind = H_MAIL_AGAIN,
			    .number = inbound });
}

/* One receiver of two looks at the list that the cloud stands on; the cloud itself gives it back.
 */
static void
by_cloud(struct sim *s)
{
	struct mail *m = &s->mail;

	if (truth_bad(s, true, FLOW_OUTBOUND, s->now) && rng_ratio(&m->rng, 1, 2))
		m->returned++;
	else
		m->delivered++;
}

static void
by_relay(struct sim *s)
{
	struct mail *m = &s->mail;

	m->relayed_at = s->now;
	if (truth_bad(s, false, FLOW_OUTBOUND, s->now)) {
		again(s, false);
		return;
	}
	m->relayed++;
	m->delivered++;
}

static bool
switched(struct sim *s, enum target_id t, const char *resource)
{
	return target_cell(&s->target[t], resource)->value[0] != '\0';
}

static void
by_hub(struct sim *s)
{
	if (switched(s, T_HUB, "relay.park corp.example"))
		s->mail.parked++;
	else if (switched(s, T_HUB, "relay.route corp.example"))
		by_relay(s);
	else
		by_cloud(s);
}

static void
by_tenant(struct sim *s)
{
	if (switched(s, T_TENANT, "tenant.connector ferryman-nsmail"))
		by_relay(s);
	else
		by_cloud(s);
}

/* A sender keeps the MX set that it has seen for its TTL. */
static void
inward(struct sim *s)
{
	struct mail *m = &s->mail;
	const struct tcell *c = target_cell(&s->target[T_ZONE], "dns.rrset corp.example MX");

	if (s->now >= m->mx_until) {
		m->mx = c->shown[rng_below(&m->rng, SECONDARIES + 1)];
		m->mx_until = s->now + MX_TTL_MS;
	}
	if (truth_bad(s, strstr(m->mx, "mx.nsmail.example") == NULL, FLOW_INBOUND, s->now))
		again(s, true);
	else
		m->delivered++;
}

void
mail_happens(struct sim *s, const struct happening *h)
{
	struct mail *m = &s->mail;

	if (h->kind == H_MAIL_AGAIN) {
		m->waiting--;
		if (h->number != 0)
			inward(s);
		else
			by_relay(s);
		return;
	}
	m->sent++;
	switch (rng_below(&m->rng, 3)) {
	case 0:
		by_hub(s);
		break;
	case 1:
		by_tenant(s);
		break;
	default:
		inward(s);
	}
	next(s);
}

/* The hub has let go what waited: it takes the way that is open now. */
void
mail_let_go(struct sim *s)
{
	uint64_t n = s->mail.parked;

	s->mail.parked = 0;
	for (; n > 0; n--)
		by_hub(s);
}
