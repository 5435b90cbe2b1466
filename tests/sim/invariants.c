/* invariants.c - the list of what is checked after every event. */
#include "sim/sim.h"

extern const struct invariant inv_01, inv_02, inv_03, inv_04, inv_05, inv_07, inv_09, inv_10,
	inv_11, inv_12, inv_13, inv_17, inv_18;

const struct invariant *const invariants[] = { &inv_01, &inv_02, &inv_03, &inv_04, &inv_05, &inv_07,
	&inv_09, &inv_10, &inv_11, &inv_12, &inv_13, &inv_17, &inv_18, NULL };
