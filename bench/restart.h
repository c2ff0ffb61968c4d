/* For programs (never for libraries): OpenBLAS reads its environment once, when it is loaded. */
#ifndef BENCH_RESTART_H
#define BENCH_RESTART_H

/* If the library advises another OPENBLAS_CORETYPE, says so on stderr and starts this program again
 * with it; returns if there is no advice, or if this is already the second start. Call it first.
 * argv: main()'s, ended by a NULL. */
void bench_restart_with_advice(char **argv);

/* The same for programs that compute for minutes, on machines that others use too. They also start
 * again, without a word, with what the caller has not set himself of
 *   OMP_WAIT_POLICY=passive   a thread that waits gives its core to the one it waits for: one busy
 *                             neighbour on two cores costs half the speed then, not three quarters
 *   OPENBLAS_NUM_THREADS=1    the threads are the library's: OpenBLAS's own pool would only idle */
void bench_restart_for_long_run(char **argv);

#endif
