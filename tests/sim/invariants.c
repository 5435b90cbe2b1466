/* invariants.c - the list of what is checked after every event. */
#include "sim/sim.h"

#define INVARIANTS(X)                                                                              \
	X(inv_01)                                                                                  \
	X(inv_02)                                                                                  \
	X(inv_03)                                                                                  \
	X(inv_04)                                                                                  \
	X(inv_05)                                                                                  \
	X(inv_06)                                                                                  \
	X(inv_07)                                                                                  \
	X(inv_08)                                                                                  \
	X(inv_09)                                                                                  \
	X(inv_10)                                                                                  \
	X(inv_11) X(inv_12) X(inv_13) X(inv_14) X(inv_15) X(inv_16) X(inv_17) X(inv_18) X(inv_19)

#define DECLARE(i) extern const struct invariant i;
INVARIANTS(DECLARE)
#undef DECLARE

#define ADDRESS(i) &i,
const struct invariant *const invariants[] = { INVARIANTS(ADDRESS) NULL };
#undef ADDRESS
