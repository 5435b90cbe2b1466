/* switch.h - which of the mutants in a generated copy (tests/mutate/mutants.py) is switched on. */
#ifndef FERRYMAN_TESTS_SWITCH_H
#define FERRYMAN_TESTS_SWITCH_H

extern int mutant_on; /* 0: none */
#define MUTANT(n) (mutant_on == (n))

#endif
