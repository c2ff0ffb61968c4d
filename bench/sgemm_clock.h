/* How long the library is inside SGEMM. The program brings a cblas_sgemm of its own, which the
 * library's calls come to first; it keeps the time and passes them on to the BLAS. */
#ifndef BENCH_SGEMM_CLOCK_H
#define BENCH_SGEMM_CLOCK_H

/* Begins to count. Not counting costs a call a test of a flag. */
void bench_sgemm_clock_start(void);

/* Ends counting. Returns the seconds of all threads together. */
double bench_sgemm_clock_stop(void);

#endif
