/* For programs (never for libraries): OpenBLAS reads its environment once, when it is loaded. */
#ifndef BENCH_RESTART_H
#define BENCH_RESTART_H

/* If the library advises another OPENBLAS_CORETYPE, says so on stderr and starts this program again
 * with it; returns if there is no advice, or if this is already the second start. Call it first.
 * argv: main()'s, ended by a NULL. */
void bench_restart_with_advice(char **argv);

#endif
