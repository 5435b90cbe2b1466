/*
 * signal_contract.h - what every signal keeps, whatever it is waiting for: each operation completes
 * exactly once, never inside cancel(), and close() completes what is left.
 */
#ifndef FERRYMAN_TESTS_SIGNAL_CONTRACT_H
#define FERRYMAN_TESTS_SIGNAL_CONTRACT_H

#include "lib/check.h"
#include "lib/netrig.h"

/* Operations 1 and 2 of p are under way: 1 is cancelled, p is closed over 2. */
static inline void
signal_ends_once(struct netrig_port *p)
{
	bool never = false;

	p->kind->cancel(p->conn, 1);
	p->kind->cancel(p->conn, 1);
	p->kind->cancel(p->conn, 7); /* unknown: ignored */
	CHECK_INT(p->seen[1].times, 0);
	CHECK(netrig_until(p->rig, &p->seen[1].done, 1000));
	CHECK_INT(p->seen[1].verdict, CONN_UNKNOWN);
	CHECK_STR(p->seen[1].why, "cancelled");
	netrig_close(p);
	(void)netrig_until(p->rig, &never, 30);
	CHECK_INT(p->seen[1].times, 1);
	CHECK_INT(p->seen[2].times, 1);
	CHECK_INT(p->seen[2].verdict, CONN_UNKNOWN);
	netrig_close(p); /* NULL-safe */
}

#endif
